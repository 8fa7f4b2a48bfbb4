//! REST APIs: create, list, get, update, delete.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::{api, inner, object, shown, text, with_tags, without_empty_tags};
use super::endpoint_configuration as endpoint;
use super::errors::AwsError;
use super::paging::{member, page};
use super::patch::{self, ADD, Kind, REMOVE, REPLACE, Rule, Wording, rule};
use super::{content, models, policy_text, tags};
use crate::model::api_rows::Object;
use crate::model::cors::ROW_MEMBER;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    if call.text("name").is_none_or(|name| name.trim().is_empty()) {
        return Err(AwsError::bad_request("Name is required"));
    }
    if call.text("description") == Some("") {
        return Err(AwsError::bad_request("Description cannot be an empty string"));
    }
    if let Some(bytes) = call.integer("minimumCompressionSize") {
        compression(bytes)?;
    }
    let configuration = endpoint::given(call.object("endpointConfiguration"))?;
    if let Some(tags) = call.object("tags") {
        tags::check(tags)?;
    }
    let id = fresh_id(turn, call.object("tags"))?;
    let policy = call.text("policy").filter(|policy| !policy.is_empty());
    let policy = policy.map(|policy| policy_text::kept(policy, turn.facts, &call.account, &id)).transpose()?;
    let root = turn.fresh_id(&["restapis", &id, "resources"], 10);
    let mut row = object([
        ("id", Some(id.as_str().into())),
        ("name", call.body.get("name").cloned()),
        ("description", call.body.get("description").cloned()),
        ("createdDate", Some(turn.now.into())),
        ("version", call.body.get("version").cloned()),
        ("binaryMediaTypes", call.body.get("binaryMediaTypes").cloned()),
        ("minimumCompressionSize", call.body.get("minimumCompressionSize").cloned()),
        ("apiKeySource", Some(call.text("apiKeySource").unwrap_or("HEADER").into())),
        ("endpointConfiguration", Some(configuration)),
        ("policy", policy.map(Value::from)),
        ("tags", call.body.get("tags").cloned()),
        ("disableExecuteApiEndpoint", Some(call.boolean("disableExecuteApiEndpoint").unwrap_or(false).into())),
    ]);
    row.insert("rootResourceId".into(), root.as_str().into());
    row.extend(call.given(&["securityPolicy", "endpointAccessMode"]));
    match call.text("cloneFrom").filter(|id| !id.is_empty()) {
        Some(from) => {
            let Some(rows) = content::read(turn, from) else {
                let message = format!("Invalid API identifier specified {}:{from}", call.account);
                return Err(AwsError::not_found(message));
            };
            // What a copy is not told otherwise it has from its original: a policy above all, without which it would be open.
            for (name, value) in &rows.api {
                let told = call.body.contains_key(name.as_str());
                match name.as_str() {
                    "name" => {}
                    "policy" if !told => {
                        let policy =
                            value.as_str().unwrap_or_default().replace(&format!(":{from}/"), &format!(":{id}/"));
                        row.insert(name.clone(), policy_text::kept(&policy, turn.facts, &call.account, &id)?.into());
                    }
                    _ if !told => patch::set(&mut row, name, value.clone()),
                    _ => {}
                }
            }
            turn.put(&["restapis", &id], &row);
            content::write(turn, &id, rows);
        }
        None => {
            turn.put(&["restapis", &id], &row);
            turn.put(
                &["restapis", &id, "resources", &root],
                &object([("id", Some(root.as_str().into())), ("path", Some("/".into()))]),
            );
            for mut model in models::default_models() {
                let model_id = turn.fresh_id(&["restapis", &id, "models"], 6);
                model.shift_insert(0, "id".into(), model_id.into());
                let name = text(&model, "name").unwrap_or_default().to_owned();
                turn.put(&["restapis", &id, "models", &name], &model);
            }
        }
    }
    Ok(Reply::Object(view(row)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let items = turn.children(&["restapis"]).into_iter().map(|row| without_empty_tags(view(row))).collect();
    page(call, items, member("id"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    Ok(Reply::Object(with_tags(view(api(turn, call)?))))
}

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/description", REPLACE | REMOVE, Kind::Text),
    rule("/version", REPLACE, Kind::Text),
    rule("/apiKeySource", REPLACE, Kind::Text),
    rule("/disableExecuteApiEndpoint", REPLACE, Kind::Boolean),
    rule("/securityPolicy", REPLACE, Kind::Clearable),
    rule("/endpointAccessMode", REPLACE, Kind::Clearable),
    rule("/binaryMediaTypes", ADD | REPLACE | REMOVE, Kind::ListInPath),
];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = api(turn, call)?;
    let id = call.path("restapi_id");
    for operation in patch::operations(call) {
        match operation.path() {
            "/minimumCompressionSize" | "/policy" if operation.op != "replace" => {
                return Err(AwsError::bad_request("Invalid patch operation specified. Must be one of: [replace]"));
            }
            "/minimumCompressionSize" if operation.text().is_empty() => {
                row.shift_remove("minimumCompressionSize");
            }
            "/minimumCompressionSize" => {
                let bytes = operation.text().parse().map_err(|_| wrong_compression())?;
                compression(bytes)?;
                patch::set(&mut row, "minimumCompressionSize", bytes.into());
            }
            "/policy" if operation.text().is_empty() => {
                row.shift_remove("policy");
            }
            "/policy" => {
                let policy = policy_text::kept(operation.text(), turn.facts, &call.account, id)?;
                patch::set(&mut row, "policy", policy.into());
            }
            "/apiKeySource" if !matches!(operation.text(), "HEADER" | "AUTHORIZER") => {
                return Err(AwsError::bad_request(
                    "Invalid API Key Source specified. Valid options are HEADER,AUTHORIZER",
                ));
            }
            "/name" if operation.op == "replace" && operation.text().trim().is_empty() => {
                return Err(AwsError::bad_request("Name is required"));
            }
            path if path.starts_with("/endpointConfiguration") => endpoint::patch(&mut row, &operation)?,
            _ => patch::apply_one(&mut row, &operation, RULES, Wording::Plain)?,
        }
    }
    turn.put(&["restapis", id], &row);
    Ok(Reply::Object(with_tags(view(row))))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    api(turn, call)?;
    let id = call.path("restapi_id");
    for domain in turn.children(&["domainnames"]) {
        let name = text(&domain, "_key").or_else(|| text(&domain, "domainName")).unwrap_or_default().to_owned();
        let mappings = turn.children(&["domainnames", &name, "basepathmappings"]);
        if mappings.iter().any(|mapping| text(mapping, "restApiId") == Some(id)) {
            let shown = text(&domain, "domainName").unwrap_or_default();
            return Err(AwsError::bad_request(format!(
                "Please remove all base path mappings related to the REST API in the domain: {shown}"
            )));
        }
    }
    content::delete_deployments(turn, id);
    turn.delete_all(&["restapis", id]);
    content::forget_in_plans(turn, id);
    Ok(Reply::Empty)
}

/// As a client sees it: the policy is escaped once more (terraform, `rest_api`).
pub fn view(row: Object) -> Object {
    let mut row = shown(row);
    if let Some(policy) = row.get_mut("policy") {
        let escaped = Value::from(policy.as_str().unwrap_or_default()).to_string();
        *policy = escaped[1..escaped.len() - 1].into();
    }
    row
}

/// An id of ten characters, or the one that the tag `_custom_id_` asks for, as emulators have it.
pub fn fresh_id(turn: &Turn<'_>, tags: Option<&Object>) -> Result<String, AwsError> {
    let Some(wanted) = tags.and_then(|tags| text(tags, "_custom_id_")) else {
        return Ok(turn.fresh_id(&["restapis"], 10));
    };
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !(1..=64).contains(&wanted.len()) || !wanted.bytes().all(sound) {
        return Err(AwsError::bad_request("The tag _custom_id_ must be 1 to 64 characters of a-z and 0-9"));
    }
    if turn.has(&["restapis", wanted]) {
        return Err(AwsError::conflict(format!("An API with the id {wanted} already exists")));
    }
    Ok(wanted.to_owned())
}

pub fn compression(bytes: i64) -> Result<(), AwsError> {
    if (0..=10_485_760).contains(&bytes) { Ok(()) } else { Err(wrong_compression()) }
}

fn wrong_compression() -> AwsError {
    AwsError::bad_request("Invalid minimum compression size, must be between 0 and 10485760")
}

/// Members of an API that a document may set, besides its name; `put-rest-api` in overwrite mode resets them.
pub const OF_DOCUMENT: &[&str] = &[
    "description",
    "version",
    "binaryMediaTypes",
    "minimumCompressionSize",
    "policy",
    "securityPolicy",
    "endpointAccessMode",
    ROW_MEMBER,
];

/// The first of the endpoint types.
pub fn endpoint_type(row: &Object) -> Option<&str> {
    inner(row, "endpointConfiguration")?.get("types")?.get(0)?.as_str()
}

/// The endpoint configuration that an API has when nobody says one.
pub fn default_endpoint() -> Value {
    json!({"types": ["EDGE"], "ipAddressType": "ipv4"})
}
