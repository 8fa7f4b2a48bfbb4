//! Methods of a resource: who may call them, and what they declare.

use std::collections::HashSet;

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::common::{inner, method, method_key, object, resource, text};
use super::errors::AwsError;
use super::expressions::{self, declared_name};
use super::patch::{self, ADD, Kind, Operation, REMOVE, REPLACE, Rule, Wording, rule};
use crate::model::api_rows::Object;

const VERBS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"];

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    resource(turn, call, "resource_id")?;
    let verb = call.path("http_method");
    if !VERBS.contains(&verb) {
        let valid = VERBS.join(",");
        return Err(AwsError::bad_request(format!("Invalid HttpMethod specified. Valid options are {valid}")));
    }
    if turn.has(&method_key(call)) {
        return Err(AwsError::conflict("Method already exists for this resource"));
    }
    let row = object([
        ("httpMethod", Some(verb.into())),
        ("authorizationType", call.body.get("authorizationType").cloned()),
        ("authorizerId", call.body.get("authorizerId").cloned().filter(|id| id != "")),
        ("apiKeyRequired", Some(call.boolean("apiKeyRequired").unwrap_or(false).into())),
        ("requestValidatorId", call.body.get("requestValidatorId").cloned().filter(|id| id != "")),
        ("operationName", call.body.get("operationName").cloned()),
        ("requestParameters", call.body.get("requestParameters").cloned()),
        ("requestModels", call.body.get("requestModels").cloned()),
        ("authorizationScopes", call.body.get("authorizationScopes").cloned()),
    ]);
    let row = without_idle_authorizer(row);
    check(turn, call, &row)?;
    turn.put(&method_key(call), &row);
    Ok(Reply::Object(without_integration(row)))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    method(turn, call).map(Reply::Object)
}

const RULES: &[Rule] = &[
    rule("/authorizationType", REPLACE, Kind::Text),
    rule("/authorizerId", REPLACE, Kind::Clearable),
    rule("/apiKeyRequired", REPLACE, Kind::Boolean),
    rule("/operationName", REPLACE, Kind::Clearable),
    rule("/requestValidatorId", REPLACE, Kind::Clearable),
    rule("/authorizationScopes", ADD | REMOVE, Kind::List),
    rule("/requestParameters", ADD | REPLACE | REMOVE, Kind::BooleanMap),
    rule("/requestModels", ADD | REPLACE | REMOVE, Kind::Map),
];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    for operation in patch::operations(call) {
        absent(&row, &operation)?;
        patch::apply_one(&mut row, &operation, RULES, Wording::Plain)?;
    }
    let row = without_idle_authorizer(row);
    check(turn, call, &row)?;
    turn.put(&method_key(call), &row);
    Ok(Reply::Object(row))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    method(turn, call)?;
    turn.delete(&method_key(call));
    Ok(Reply::Empty)
}

/// What is removed must be there (v1-messages: NotFound for parameters and models).
pub fn absent(row: &Object, operation: &Operation) -> Result<(), AwsError> {
    if operation.op != "remove" {
        return Ok(());
    }
    let path = operation.path();
    for (prefix, member, message) in [
        ("/requestParameters/", "requestParameters", "Invalid parameter name specified"),
        ("/responseParameters/", "responseParameters", "Invalid parameter name specified"),
        ("/requestModels/", "requestModels", "Content-Type specified was not found"),
        ("/responseModels/", "responseModels", "Content-Type specified was not found"),
    ] {
        if let Some(entry) = path.strip_prefix(prefix).filter(|entry| !entry.contains('/')) {
            let entry = entry.replace("~1", "/").replace("~0", "~");
            if !inner(row, member).is_some_and(|map| map.contains_key(&entry)) {
                return Err(AwsError::not_found(message));
            }
        }
    }
    Ok(())
}

/// Recorded: an authorizer given to a method that asks for none is silently dropped.
fn without_idle_authorizer(mut row: Object) -> Object {
    if !needs_authorizer(&row) {
        row.shift_remove("authorizerId");
    }
    row
}

fn needs_authorizer(row: &Object) -> bool {
    matches!(text(row, "authorizationType"), Some("CUSTOM" | "COGNITO_USER_POOLS"))
}

fn check(turn: &Turn<'_>, call: &Call, row: &Object) -> Result<(), AwsError> {
    let api_id = call.path("restapi_id");
    match text(row, "authorizationType") {
        Some("NONE" | "AWS_IAM") => {}
        Some(kind @ ("CUSTOM" | "COGNITO_USER_POOLS")) => {
            let id = text(row, "authorizerId").unwrap_or_default();
            let authorizer = turn.get(&["restapis", api_id, "authorizers", id]).filter(|_| !id.is_empty());
            let fits = authorizer.is_some_and(|authorizer| {
                (text(&authorizer, "type") == Some("COGNITO_USER_POOLS")) == (kind == "COGNITO_USER_POOLS")
            });
            if !fits {
                return Err(AwsError::bad_request(
                    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS \
                     requires a valid authorizer.",
                ));
            }
        }
        _ => {
            return Err(AwsError::bad_request(
                "Invalid Authorization Type specified. Valid options are NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS",
            ));
        }
    }
    if let Some(id) = text(row, "requestValidatorId")
        && !turn.has(&["restapis", api_id, "requestvalidators", id])
    {
        return Err(AwsError::bad_request("Invalid Request Validator identifier specified"));
    }
    models(turn, api_id, inner(row, "requestModels"))?;
    let mut names: HashSet<&str> = HashSet::new();
    for key in inner(row, "requestParameters").into_iter().flat_map(|map| map.keys()) {
        let Some(name) = declared_name(key) else { return Err(expressions::invalid(key)) };
        if !names.insert(name) {
            return Err(AwsError::bad_request("Parameter names must be unique across querystring, header and path"));
        }
    }
    Ok(())
}

/// Models that a map names must exist.
pub fn models(turn: &Turn<'_>, api_id: &str, map: Option<&Object>) -> Result<(), AwsError> {
    for name in map.into_iter().flat_map(|map| map.values()).filter_map(Value::as_str) {
        if !turn.has(&["restapis", api_id, "models", name]) {
            return Err(AwsError::bad_request(format!("Invalid model identifier specified: {name}")));
        }
    }
    Ok(())
}

/// What `put-method` answers: no integration (v1-operations, notes).
fn without_integration(mut row: Object) -> Object {
    row.shift_remove("methodIntegration");
    row
}
