//! Responses of an integration, by status: which answers of the backend they are for, and what becomes of them.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::common::{inner, method, method_key, object, resource, text};
use super::errors::AwsError;
use super::expressions::{content_types, empty_templates, response};
use super::integrations::missing;
use super::patch::{self, ADD, Kind, REMOVE, REPLACE, Rule, Wording, rule};
use crate::model::api_rows::Object;

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let integration = inner(&row, "methodIntegration").ok_or_else(missing)?;
    let mut all = inner(integration, "integrationResponses").cloned().unwrap_or_default();
    let mut templates = call.body.get("responseTemplates").cloned();
    templates.iter_mut().for_each(empty_templates);
    let fresh = object([
        ("statusCode", Some(call.path("status_code").into())),
        ("selectionPattern", call.body.get("selectionPattern").cloned()),
        ("responseParameters", call.body.get("responseParameters").cloned()),
        ("responseTemplates", templates),
        ("contentHandling", call.body.get("contentHandling").cloned()),
    ]);
    check(&row, call, &fresh)?;
    all.insert(call.path("status_code").to_owned(), Value::Object(fresh.clone()));
    keep(turn, call, &mut row, all);
    Ok(Reply::Object(fresh))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = method(turn, call)?;
    find(&row, call).map(Reply::Object)
}

const RULES: &[Rule] = &[
    rule("/selectionPattern", REPLACE, Kind::Text),
    rule("/contentHandling", REPLACE, Kind::Clearable),
    rule("/responseParameters", ADD | REPLACE | REMOVE, Kind::Map),
    rule("/responseTemplates", ADD | REPLACE | REMOVE, Kind::Map),
];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let mut one = find(&row, call)?;
    patch::apply(&mut one, &patch::operations(call), RULES, Wording::Plain)?;
    if let Some(templates) = one.get_mut("responseTemplates") {
        empty_templates(templates);
    }
    check(&row, call, &one)?;
    let integration = inner(&row, "methodIntegration").ok_or_else(missing)?;
    let mut all = inner(integration, "integrationResponses").cloned().unwrap_or_default();
    all.insert(call.path("status_code").to_owned(), Value::Object(one.clone()));
    keep(turn, call, &mut row, all);
    Ok(Reply::Object(one))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    resource(turn, call, "resource_id")?;
    // Recorded: a missing method is told as a missing integration here.
    let mut row = turn.get(&method_key(call)).ok_or_else(missing)?;
    find(&row, call)?;
    let integration = inner(&row, "methodIntegration").ok_or_else(missing)?;
    let mut all = inner(integration, "integrationResponses").cloned().unwrap_or_default();
    all.shift_remove(call.path("status_code"));
    keep(turn, call, &mut row, all);
    Ok(Reply::Empty)
}

fn find(row: &Object, call: &Call) -> Result<Object, AwsError> {
    let integration = inner(row, "methodIntegration").ok_or_else(missing)?;
    let one = inner(integration, "integrationResponses").and_then(|all| inner(all, call.path("status_code")).cloned());
    one.ok_or_else(|| AwsError::not_found("Invalid Response status code specified"))
}

fn check(method: &Object, call: &Call, one: &Object) -> Result<(), AwsError> {
    // A pattern is compiled when it is deployed: what Weir cannot run of Java's expressions is refused there, in its words.
    if let Some(handling) = text(one, "contentHandling")
        && !matches!(handling, "CONVERT_TO_BINARY" | "CONVERT_TO_TEXT")
    {
        return Err(AwsError::bad_request(format!("Invalid contentHandling specified: {handling}")));
    }
    response(inner(one, "responseParameters"), method, call.path("status_code"))?;
    content_types(inner(one, "responseTemplates"))
}

fn keep(turn: &mut Turn<'_>, call: &Call, row: &mut Object, mut all: Object) {
    all.sort_keys();
    if let Some(Value::Object(integration)) = row.get_mut("methodIntegration") {
        if all.is_empty() {
            integration.shift_remove("integrationResponses");
        } else {
            patch::set(integration, "integrationResponses", Value::Object(all));
        }
    }
    turn.put(&method_key(call), row);
}
