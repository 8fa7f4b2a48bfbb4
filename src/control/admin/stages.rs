//! Stages: a name that points at a deployment, with settings that act at once.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::{api, inner, object, text};
use super::errors::AwsError;
use super::patch;
use super::stage_checks::{documentation_version, no_deployment, percent_in_bounds, variables};
use super::stage_patch;
use super::tags;
use crate::model::api_rows::Object;
use crate::settings::limits::STAGES_MAX;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    api(turn, call)?;
    let name = call.text("stageName").unwrap_or_default().to_owned();
    if turn.has(&["restapis", call.path("restapi_id"), "stages", &name]) {
        return Err(AwsError::conflict("Stage already exists"));
    }
    let canary = match call.object("canarySettings") {
        None => None,
        Some(given) => {
            let own = call.text("deploymentId").unwrap_or_default();
            Some(canary_settings(turn, call, given, text(given, "deploymentId").unwrap_or(own))?)
        }
    };
    let row =
        fresh(turn, call, &name, call.text("deploymentId").unwrap_or_default(), call.text("description"), canary)?;
    Ok(Reply::Object(view(row)))
}

/// `create-deployment` with a stage: the stage is made, pointed at the new deployment, or given it as its canary.
pub fn deploy(
    turn: &mut Turn<'_>,
    call: &Call,
    name: &str,
    stage: Option<Object>,
    deployment_id: &str,
) -> Result<(), AwsError> {
    let Some(mut stage) = stage else {
        return fresh(turn, call, name, deployment_id, call.text("stageDescription"), None).map(|_| ());
    };
    match call.object("canarySettings") {
        Some(given) => {
            let canary = canary_settings(turn, call, given, deployment_id)?;
            patch::set(&mut stage, "canarySettings", canary);
        }
        None => patch::set(&mut stage, "deploymentId", deployment_id.into()),
    }
    if let Some(description) = call.text("stageDescription") {
        patch::set(&mut stage, "description", description.into());
    }
    if let Some(given) = call.object("variables") {
        variables(given)?;
        let mut merged = inner(&stage, "variables").cloned().unwrap_or_default();
        merged.extend(given.clone());
        patch::set(&mut stage, "variables", Value::Object(merged));
    }
    for member in ["cacheClusterEnabled", "cacheClusterSize", "tracingEnabled"] {
        if let Some(value) = call.body.get(member) {
            patch::set(&mut stage, member, value.clone());
        }
    }
    keep(turn, call.path("restapi_id"), stage).map(|_| ())
}

fn fresh(
    turn: &mut Turn<'_>,
    call: &Call,
    name: &str,
    deployment_id: &str,
    description: Option<&str>,
    canary: Option<Value>,
) -> Result<Object, AwsError> {
    let api_id = call.path("restapi_id");
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=128).contains(&name.len()) || !name.bytes().all(sound) {
        return Err(AwsError::bad_request("Stage name only allows a-zA-Z0-9_"));
    }
    if !turn.has(&["restapis", api_id, "deployments", deployment_id]) {
        return Err(no_deployment());
    }
    if turn.children(&["restapis", api_id, "stages"]).len() >= STAGES_MAX {
        return Err(AwsError::limit(format!(
            "Maximum number of stages for this API has been reached. Please contact AWS if you need additional stages. \
             ({STAGES_MAX})"
        )));
    }
    if let Some(given) = call.object("variables") {
        variables(given)?;
    }
    if let Some(given) = call.object("tags") {
        tags::check(given)?;
    }
    documentation_version(turn, api_id, call.text("documentationVersion"))?;
    let row = object([
        ("deploymentId", Some(deployment_id.into())),
        ("stageName", Some(name.into())),
        ("description", description.map(Value::from)),
        ("cacheClusterEnabled", Some(call.boolean("cacheClusterEnabled").unwrap_or(false).into())),
        ("cacheClusterSize", call.body.get("cacheClusterSize").cloned()),
        ("cacheClusterStatus", Some("NOT_AVAILABLE".into())),
        ("methodSettings", Some(json!({}))),
        ("variables", call.body.get("variables").cloned()),
        ("documentationVersion", call.body.get("documentationVersion").cloned()),
        ("canarySettings", canary),
        ("tracingEnabled", Some(call.boolean("tracingEnabled").unwrap_or(false).into())),
        ("tags", call.body.get("tags").cloned()),
        ("createdDate", Some(turn.now.into())),
        ("lastUpdatedDate", Some(turn.now.into())),
    ]);
    keep(turn, api_id, row)
}

/// Stores a stage; what follows from its other members is set here and nowhere else.
fn keep(turn: &mut Turn<'_>, api_id: &str, mut row: Object) -> Result<Object, AwsError> {
    let cached = row.get("cacheClusterEnabled") == Some(&Value::Bool(true));
    if cached && !turn.facts.lenient {
        return Err(AwsError::bad_request(
            "Weir has no cache clusters yet, so nothing was changed. Set cacheClusterEnabled to false, or start Weir with \
             --lenient to keep the setting and serve the stage without a cache.",
        ));
    }
    let status = if cached { "AVAILABLE" } else { "NOT_AVAILABLE" };
    patch::set(&mut row, "cacheClusterStatus", status.into());
    if cached && !row.contains_key("cacheClusterSize") {
        row.insert("cacheClusterSize".into(), "0.5".into());
    }
    if !cached {
        row.shift_remove("cacheClusterSize");
    }
    patch::set(&mut row, "lastUpdatedDate", turn.now.into());
    let name = text(&row, "stageName").unwrap_or_default().to_owned();
    turn.put(&["restapis", api_id, "stages", &name], &row);
    Ok(row)
}

fn canary_settings(turn: &Turn<'_>, call: &Call, given: &Object, deployment_id: &str) -> Result<Value, AwsError> {
    if !turn.has(&["restapis", call.path("restapi_id"), "deployments", deployment_id]) {
        return Err(no_deployment());
    }
    let percent = given.get("percentTraffic").and_then(Value::as_f64).unwrap_or(0.0);
    percent_in_bounds(percent)?;
    let overrides = inner(given, "stageVariableOverrides");
    overrides.map(variables).transpose()?;
    Ok(Value::Object(object([
        ("percentTraffic", Some(percent.into())),
        ("deploymentId", Some(deployment_id.into())),
        ("stageVariableOverrides", overrides.cloned().map(Value::Object)),
        ("useStageCache", Some(given.get("useStageCache").and_then(Value::as_bool).unwrap_or(false).into())),
    ])))
}

/// Not paged (wire-protocol section 6).
pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    api(turn, call)?;
    let stages = turn.children(&["restapis", call.path("restapi_id"), "stages"]);
    let wanted = call.query("deploymentId").filter(|id| !id.is_empty());
    let points = |stage: &Object, id: &str| {
        text(stage, "deploymentId") == Some(id)
            || inner(stage, "canarySettings").is_some_and(|canary| text(canary, "deploymentId") == Some(id))
    };
    let items = stages.into_iter().filter(|stage| wanted.is_none_or(|id| points(stage, id))).map(view);
    let items: Vec<Value> = items.map(Value::Object).collect();
    Ok(Reply::Object(object([("item", Some(items.into()))])))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    find(turn, call).map(|row| Reply::Object(view(row)))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = find(turn, call)?;
    for operation in patch::operations(call) {
        stage_patch::apply(turn, call, &mut row, &operation)?;
    }
    let row = keep(turn, call.path("restapi_id"), row)?;
    Ok(Reply::Object(view(row)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    find(turn, call)?;
    let (api_id, name) = (call.path("restapi_id"), call.path("stage_name"));
    for plan in turn.children(&["usageplans"]) {
        let entries = plan.get("apiStages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if entries.iter().any(|entry| entry["apiId"] == api_id && entry["stage"] == name) {
            return Err(AwsError::bad_request(format!(
                "Cannot delete stage '{name}' because it is associated with usage plan {}",
                text(&plan, "id").unwrap_or_default()
            )));
        }
    }
    for domain in turn.children(&["domainnames"]) {
        let key = text(&domain, "_key").or_else(|| text(&domain, "domainName")).unwrap_or_default().to_owned();
        let mappings = turn.children(&["domainnames", &key, "basepathmappings"]);
        if mappings.iter().any(|one| text(one, "restApiId") == Some(api_id) && text(one, "stage") == Some(name)) {
            return Err(AwsError::bad_request(format!(
                "Please remove all base path mappings related to the stage in the domain: {}",
                text(&domain, "domainName").unwrap_or_default()
            )));
        }
    }
    turn.delete_all(&["restapis", api_id, "stages", name]);
    Ok(Reply::Empty)
}

/// There is nothing to flush while nothing is cached: the answer is AWS's.
pub fn flush(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    find(turn, call).map(|_| Reply::Empty)
}

pub fn find(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    api(turn, call)?;
    let row = turn.get(&["restapis", call.path("restapi_id"), "stages", call.path("stage_name")]);
    row.ok_or_else(|| AwsError::not_found("Invalid Stage identifier specified"))
}

/// Tags and variables only where there are any.
fn view(mut row: Object) -> Object {
    for member in ["tags", "variables"] {
        if inner(&row, member).is_some_and(Object::is_empty) {
            row.shift_remove(member);
        }
    }
    row
}
