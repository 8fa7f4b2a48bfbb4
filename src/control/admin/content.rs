//! All that a deployment of an API keeps, read from its rows and written to them: resources, methods, models and the rest.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::call::Turn;
use super::common::{object, shown, text};
use crate::control::commit::definitions::key;
use crate::model::api_rows::{ApiRows, Object, ResourceRow};

/// The API as it stands, with its rows' ids.
pub fn read(turn: &Turn<'_>, api_id: &str) -> Option<ApiRows> {
    let api = turn.get(&["restapis", api_id])?;
    let list = |part: &[&str]| {
        let segments: Vec<&str> = ["restapis", api_id].into_iter().chain(part.iter().copied()).collect();
        turn.children(&segments).into_iter().map(shown).collect::<Vec<Object>>()
    };
    let mut resources: Vec<ResourceRow> = list(&["resources"])
        .into_iter()
        .map(|row| {
            let id = text(&row, "id").unwrap_or_default().to_owned();
            let methods = list(&["resources", &id, "methods"]);
            ResourceRow { path: text(&row, "path").unwrap_or_default().to_owned(), id, methods }
        })
        .collect();
    // Byte order of the path is the order that AWS lists resources in, and puts parents before their children.
    resources.sort_by(|left, right| left.path.cmp(&right.path));
    Some(ApiRows {
        api: members(&api),
        resources,
        models: list(&["models"]),
        request_validators: list(&["requestvalidators"]),
        authorizers: list(&["authorizers"]),
        gateway_responses: list(&["gatewayresponses"]),
        documentation_parts: list(&["documentation", "parts"]),
    })
}

/// The members of an API that its deployments keep.
fn members(row: &Object) -> Object {
    let ours = ["id", "createdDate", "rootResourceId", "tags", "warnings"];
    row.iter()
        .filter(|(name, _)| !ours.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Puts everything of `rows` below an API that exists. What is there under the same path or name keeps its id and is
/// replaced; what `rows` does not name stays.
pub fn write(turn: &mut Turn<'_>, api_id: &str, rows: ApiRows) {
    let base = ["restapis", api_id];
    let validators = named(turn, api_id, "requestvalidators", rows.request_validators);
    let authorizers = named(turn, api_id, "authorizers", rows.authorizers);
    for mut model in rows.models {
        let name = text(&model, "name").unwrap_or_default().to_owned();
        let known = turn.get(&["restapis", api_id, "models", &name]);
        let id = known.as_ref().and_then(|known| text(known, "id")).map(str::to_owned);
        let id = id.unwrap_or_else(|| turn.fresh_id(&["restapis", api_id, "models"], 6));
        model.shift_remove("id");
        model.shift_insert(0, "id".into(), id.into());
        if let Some(Value::String(schema)) = model.get_mut("schema") {
            *schema = schema.replace("/restapis/{restapi_id}/models/", &format!("/restapis/{api_id}/models/"));
        }
        turn.put(&[base[0], base[1], "models", &name], &model);
    }
    for response in rows.gateway_responses {
        let kind = text(&response, "responseType").unwrap_or_default().to_owned();
        turn.put(&["restapis", api_id, "gatewayresponses", &kind], &response);
    }
    for mut part in rows.documentation_parts {
        let id = turn.fresh_id(&["restapis", api_id, "documentation", "parts"], 6);
        part.shift_remove("id");
        part.shift_insert(0, "id".into(), id.as_str().into());
        turn.put(&["restapis", api_id, "documentation", "parts", &id], &part);
    }
    resources(turn, api_id, rows.resources, &validators, &authorizers);
}

/// Rows with ids of their own, matched to those that exist by name. Answers the ids that they were given.
fn named(turn: &mut Turn<'_>, api_id: &str, family: &str, rows: Vec<Object>) -> HashMap<String, String> {
    let mut known: HashMap<String, String> = HashMap::new();
    for row in turn.children(&["restapis", api_id, family]) {
        if let (Some(name), Some(id)) = (text(&row, "name"), text(&row, "id")) {
            known.insert(name.to_owned(), id.to_owned());
        }
    }
    let mut given = HashMap::new();
    for mut row in rows {
        let name = text(&row, "name").unwrap_or_default();
        let id = known.get(name).cloned().unwrap_or_else(|| turn.fresh_id(&["restapis", api_id, family], 6));
        if let Some(old) = text(&row, "id") {
            given.insert(old.to_owned(), id.clone());
        }
        row.shift_remove("id");
        row.shift_insert(0, "id".into(), id.as_str().into());
        turn.put(&["restapis", api_id, family, &id], &row);
    }
    given
}

fn resources(
    turn: &mut Turn<'_>,
    api_id: &str,
    rows: Vec<ResourceRow>,
    validators: &HashMap<String, String>,
    authorizers: &HashMap<String, String>,
) {
    let parent_key = ["restapis", api_id, "resources"];
    let mut ids: HashMap<String, String> = HashMap::new();
    for row in turn.children(&parent_key) {
        if let (Some(path), Some(id)) = (text(&row, "path"), text(&row, "id")) {
            ids.insert(path.to_owned(), id.to_owned());
        }
    }
    let root = turn.get(&["restapis", api_id]).and_then(|api| text(&api, "rootResourceId").map(str::to_owned));
    for row in rows {
        let id = match ids.get(&row.path) {
            Some(id) => id.clone(),
            None if row.path == "/" => root.clone().unwrap_or_else(|| turn.fresh_id(&parent_key, 10)),
            None => turn.fresh_id(&parent_key, 6),
        };
        let (parent, part) = split(&row.path);
        let stored = object([
            ("id", Some(id.as_str().into())),
            ("parentId", parent.and_then(|parent| ids.get(parent)).map(|id| id.as_str().into())),
            ("pathPart", parent.map(|_| part.into())),
            ("path", Some(row.path.as_str().into())),
        ]);
        turn.put(&["restapis", api_id, "resources", &id], &stored);
        for method in row.methods {
            let method = adopted(method, &id, validators, authorizers);
            let verb = text(&method, "httpMethod").unwrap_or("ANY").to_owned();
            turn.put(&["restapis", api_id, "resources", &id, "methods", &verb], &method);
        }
        ids.insert(row.path, id);
    }
}

/// A method with the ids of its new surroundings.
fn adopted(
    mut method: Object,
    resource_id: &str,
    validators: &HashMap<String, String>,
    authorizers: &HashMap<String, String>,
) -> Object {
    for (member, ids) in [("requestValidatorId", validators), ("authorizerId", authorizers)] {
        if let Some(Value::String(id)) = method.get_mut(member)
            && let Some(fresh) = ids.get(id.as_str())
        {
            fresh.clone_into(id);
        }
    }
    if let Some(Value::Object(integration)) = method.get_mut("methodIntegration") {
        integration.entry("cacheNamespace").or_insert_with(|| resource_id.into());
    }
    method
}

/// The parent's path and the last part; the root has neither.
pub fn split(path: &str) -> (Option<&str>, &str) {
    match path.rsplit_once('/') {
        _ if path == "/" => (None, ""),
        Some(("", part)) => (Some("/"), part),
        Some((parent, part)) => (Some(parent), part),
        None => (None, path),
    }
}

/// Everything that a document can say of an API is taken away, but the root and what is in `kept`, whose ids must stay.
pub fn clear(turn: &mut Turn<'_>, api_id: &str, kept: &ApiRows) {
    for family in ["models", "gatewayresponses"] {
        turn.draft.delete_below(&key(&["restapis", api_id, family]));
    }
    turn.draft.delete_below(&key(&["restapis", api_id, "documentation", "parts"]));
    for (family, rows) in [("requestvalidators", &kept.request_validators), ("authorizers", &kept.authorizers)] {
        for row in turn.children(&["restapis", api_id, family]) {
            let stays = rows.iter().any(|kept| text(kept, "name") == text(&row, "name"));
            if let Some(id) = text(&row, "id").filter(|_| !stays) {
                turn.delete(&["restapis", api_id, family, id]);
            }
        }
    }
    let paths: HashSet<&str> = kept.resources.iter().map(|kept| kept.path.as_str()).collect();
    for row in turn.children(&["restapis", api_id, "resources"]) {
        let (Some(id), Some(path)) = (text(&row, "id"), text(&row, "path")) else { continue };
        turn.draft.delete_below(&key(&["restapis", api_id, "resources", id]));
        if path != "/" && !paths.contains(path) {
            turn.delete(&["restapis", api_id, "resources", id]);
        }
    }
}

/// What a deployment keeps, as it was when it was made.
pub fn deployed(turn: &Turn<'_>, api_id: &str, deployment_id: &str) -> Option<ApiRows> {
    let key = key(&["deployments", api_id, deployment_id]);
    let bytes = turn.draft.blob(&key).map(<[u8]>::to_vec);
    let bytes = bytes.or_else(|| turn.store.blob(&key).ok().flatten())?;
    serde_json::from_slice(&bytes).ok()
}

pub fn delete_deployments(turn: &mut Turn<'_>, api_id: &str) {
    for deployment in turn.children(&["restapis", api_id, "deployments"]) {
        if let Some(id) = text(&deployment, "id") {
            turn.draft.delete_blob(key(&["deployments", api_id, id]));
        }
    }
}

/// The stages of an API that goes leave the usage plans that name them.
pub fn forget_in_plans(turn: &mut Turn<'_>, api_id: &str) {
    for mut plan in turn.children(&["usageplans"]) {
        let Some(id) = text(&plan, "id").map(str::to_owned) else { continue };
        let Some(Value::Array(stages)) = plan.get_mut("apiStages") else { continue };
        let before = stages.len();
        stages.retain(|entry| entry["apiId"].as_str() != Some(api_id));
        if stages.len() != before {
            turn.put(&["usageplans", &id], &plan);
        }
    }
}
