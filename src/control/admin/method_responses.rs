//! Responses that a method declares, by status.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::common::{inner, method, method_key, object, text};
use super::errors::AwsError;
use super::expressions::declared_response;
use super::methods::{absent, models};
use super::patch::{self, ADD, Kind, REMOVE, REPLACE, Rule, Wording, rule};
use super::resources::responses;
use crate::model::api_rows::Object;

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let status = call.path("status_code");
    let mut all = responses(&row);
    if all.contains_key(status) {
        return Err(AwsError::conflict("Response already exists for this resource"));
    }
    let mut response = object([("statusCode", Some(status.into()))]);
    response.extend(call.given(&["responseParameters", "responseModels"]));
    check(turn, call, &response)?;
    all.insert(status.to_owned(), Value::Object(response.clone()));
    keep(turn, call, &mut row, all);
    Ok(Reply::Object(response))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = method(turn, call)?;
    find(&row, call).map(Reply::Object)
}

const RULES: &[Rule] = &[
    rule("/responseParameters", ADD | REPLACE | REMOVE, Kind::BooleanMap),
    rule("/responseModels", ADD | REPLACE | REMOVE, Kind::Map),
];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let mut response = find(&row, call)?;
    for mut operation in patch::operations(call) {
        // What is replaced must be there as well, unlike a method's (v1-patch).
        let op = operation.op.clone();
        if op == "replace" {
            operation.op = "remove".into();
            absent(&response, &operation)?;
            operation.op = op;
        } else {
            absent(&response, &operation)?;
        }
        patch::apply_one(&mut response, &operation, RULES, Wording::Plain)?;
    }
    check(turn, call, &response)?;
    let mut all = responses(&row);
    all.insert(call.path("status_code").to_owned(), Value::Object(response.clone()));
    keep(turn, call, &mut row, all);
    Ok(Reply::Object(response))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    find(&row, call)?;
    let mut all = responses(&row);
    all.shift_remove(call.path("status_code"));
    keep(turn, call, &mut row, all);
    Ok(Reply::Empty)
}

fn find(row: &Object, call: &Call) -> Result<Object, AwsError> {
    let response = inner(row, "methodResponses").and_then(|all| inner(all, call.path("status_code")).cloned());
    response.ok_or_else(|| AwsError::not_found("Invalid Response status code specified"))
}

fn check(turn: &Turn<'_>, call: &Call, response: &Object) -> Result<(), AwsError> {
    declared_response(inner(response, "responseParameters"))?;
    models(turn, call.path("restapi_id"), inner(response, "responseModels"))
}

fn keep(turn: &mut Turn<'_>, call: &Call, row: &mut Object, mut all: Object) {
    all.sort_keys();
    if all.is_empty() {
        row.shift_remove("methodResponses");
    } else {
        patch::set(row, "methodResponses", Value::Object(all));
    }
    debug_assert!(text(row, "httpMethod").is_some(), "a method has its verb");
    turn.put(&method_key(call), row);
}
