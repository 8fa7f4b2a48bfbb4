//! Deployments: an API as it was, which stages point at. What a deployment keeps is never changed.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::{api, inner, object, text};
use super::content;
use super::errors::AwsError;
use super::paging::{member, page};
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::rest_apis::endpoint_type;
use super::stages;
use crate::control::commit::definitions::key;
use crate::model::api_rows::{ApiRows, Object};

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_row = api(turn, call)?;
    let api_id = call.path("restapi_id");
    let stage_name = call.text("stageName").filter(|name| !name.is_empty());
    let stage = stage_name.and_then(|name| turn.get(&["restapis", api_id, "stages", name]));
    let canary = call.object("canarySettings");
    if canary.is_some() {
        canary_needs_a_stage(call, stage.is_some())?;
    }
    let rows = content::read(turn, api_id).ok_or_else(|| super::common::no_api(call, api_id))?;
    deployable(&api_row, &rows)?;
    let id = turn.fresh_id(&["restapis", api_id, "deployments"], 6);
    let row = object([
        ("id", Some(id.as_str().into())),
        ("description", call.body.get("description").cloned()),
        ("createdDate", Some(turn.now.into())),
    ]);
    turn.put(&["restapis", api_id, "deployments", &id], &row);
    let bytes = serde_json::to_vec(&rows).map_err(|error| AwsError::unavailable(error.to_string()))?;
    turn.draft.put_blob(key(&["deployments", api_id, &id]), bytes);
    if let Some(name) = stage_name {
        stages::deploy(turn, call, name, stage, &id)?;
    }
    Ok(Reply::Object(row))
}

fn canary_needs_a_stage(call: &Call, exists: bool) -> Result<(), AwsError> {
    let name = call.body.get("stageName").and_then(Value::as_str);
    match name {
        // Recorded, the missing blank behind the full stop included.
        None | Some("") => Err(AwsError::bad_request(format!(
            "Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. \
             Provided value is {}",
            name.unwrap_or("null")
        ))),
        Some(name) if !exists => Err(AwsError::bad_request(format!(
            "Invalid deployment content specified.Stage {name} must already be created before making a canary release \
             deployment"
        ))),
        Some(_) => Ok(()),
    }
}

/// What AWS asks of an API before it may be deployed.
fn deployable(api: &Object, rows: &ApiRows) -> Result<(), AwsError> {
    let mut methods = rows.resources.iter().flat_map(|resource| &resource.methods).peekable();
    if methods.peek().is_none() {
        return Err(AwsError::bad_request("The REST API doesn't contain any methods"));
    }
    if methods.any(|method| !method.contains_key("methodIntegration")) {
        return Err(AwsError::bad_request("No integration defined for method"));
    }
    if endpoint_type(api) == Some("PRIVATE") && !api.contains_key("policy") {
        return Err(AwsError::bad_request("Private REST API doesn't have a resource policy attached to it"));
    }
    Ok(())
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    api(turn, call)?;
    page(call, turn.children(&["restapis", call.path("restapi_id"), "deployments"]), member("id"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = find(turn, call)?;
    if call.query_all("embed").flat_map(|value| value.split(',')).any(|value| value == "apisummary") {
        let rows = content::deployed(turn, call.path("restapi_id"), call.path("deployment_id")).unwrap_or_default();
        row.insert("apiSummary".into(), summary(&rows));
    }
    Ok(Reply::Object(row))
}

/// `{"/pets":{"GET":{"authorizationType":"NONE","apiKeyRequired":false}}}`
fn summary(rows: &ApiRows) -> Value {
    let of_method = |method: &Object| {
        let verb = text(method, "httpMethod").unwrap_or_default().to_owned();
        (
            verb,
            json!({"authorizationType": method.get("authorizationType"), "apiKeyRequired": method.get("apiKeyRequired")}),
        )
    };
    let with_methods = rows.resources.iter().filter(|resource| !resource.methods.is_empty());
    let summary = with_methods
        .map(|resource| (resource.path.clone(), Value::Object(resource.methods.iter().map(of_method).collect())));
    Value::Object(summary.collect())
}

const RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Text)];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = find(turn, call)?;
    patch::apply(&mut row, &patch::operations(call), RULES, Wording::Plain)?;
    turn.put(&["restapis", call.path("restapi_id"), "deployments", call.path("deployment_id")], &row);
    Ok(Reply::Object(row))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    find(turn, call)?;
    let (api_id, id) = (call.path("restapi_id"), call.path("deployment_id"));
    let stages = turn.children(&["restapis", api_id, "stages"]);
    if stages.iter().any(|stage| text(stage, "deploymentId") == Some(id)) {
        return Err(AwsError::bad_request("Active stages pointing to this deployment must be moved or deleted"));
    }
    let canary =
        |stage: &Object| inner(stage, "canarySettings").is_some_and(|canary| text(canary, "deploymentId") == Some(id));
    if stages.iter().any(canary) {
        return Err(AwsError::bad_request(
            "Active stages with canary settings pointing to this deployment must be moved or deleted",
        ));
    }
    turn.delete(&["restapis", api_id, "deployments", id]);
    turn.draft.delete_blob(key(&["deployments", api_id, id]));
    Ok(Reply::Empty)
}

fn find(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    api(turn, call)?;
    let row = turn.get(&["restapis", call.path("restapi_id"), "deployments", call.path("deployment_id")]);
    row.ok_or_else(|| AwsError::not_found("Invalid Deployment identifier specified"))
}
