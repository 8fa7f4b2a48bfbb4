//! A policy's JSON to its compiled form, or the first thing that is wrong with it.

use serde_json::{Map, Value};

use super::condition::{Condition, Operator};
use super::pattern::{Arn, Glob, Reading};
use super::principal::{Named, Principals};
use super::statement::Statement;
use crate::lang::unique_json;
use crate::settings::limits::POLICY_BYTES_MAX;

/// Why a document is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct PolicyError {
    /// `Statement[0].Condition.StringEquals`
    pub place: String,
    pub message: String,
}

type Result<T> = std::result::Result<T, PolicyError>;

pub(super) fn parse(json: &str) -> Result<Value> {
    if json.len() > POLICY_BYTES_MAX {
        return Err(error("policy", format!("it has {} bytes, more than {POLICY_BYTES_MAX}", json.len())));
    }
    unique_json::parse(json.as_bytes()).map_err(|wrong| error("policy", format!("not JSON: {wrong}")))
}

pub(super) fn compile(document: &Value, is_of_resource: bool) -> Result<Vec<Statement>> {
    let object = object(document, "policy")?;
    known(object, "policy", &["Version", "Id", "Statement"])?;
    let variables = match object.get("Version").map(Value::as_str) {
        Some(Some("2012-10-17")) => true,
        Some(Some("2008-10-17")) | None => false,
        Some(_) => return Err(error("Version", "it is 2012-10-17 or 2008-10-17")),
    };
    let statements = match object.get("Statement") {
        Some(Value::Array(array)) if !array.is_empty() => array.as_slice(),
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => return Err(error("Statement", "one statement or a list of them is wanted")),
    };
    let compile =
        |(index, value): (usize, &Value)| statement(value, &format!("Statement[{index}]"), variables, is_of_resource);
    statements.iter().enumerate().map(compile).collect()
}

fn statement(value: &Value, place: &str, variables: bool, is_of_resource: bool) -> Result<Statement> {
    const ELEMENTS: [&str; 9] =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let object = object(value, place)?;
    known(object, place, &ELEMENTS)?;
    if object.get("Sid").is_some_and(|sid| !sid.is_string()) {
        return Err(error(&format!("{place}.Sid"), "it is a text"));
    }
    let allows = match object.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(error(&format!("{place}.Effect"), "it is Allow or Deny")),
    };
    let (inverted, name, value) = either(object, place, "Action", "NotAction")?;
    let at = format!("{place}.{name}");
    let action = |text: &String| {
        let is_action =
            text == "*" || text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
        is_action
            .then(|| Glob::new(&text.to_ascii_lowercase()))
            .ok_or_else(|| error(&at, format!("`{text}` is not SERVICE:ACTION and not *")))
    };
    let actions = (inverted, texts(value, &at)?.iter().map(action).collect::<Result<_>>()?);
    let (inverted, name, value) = either(object, place, "Resource", "NotResource")?;
    let at = format!("{place}.{name}");
    let reading = Reading { wildcards: true, variables };
    let arn = |text: &String| Arn::new(text, reading).map_err(|wrong| error(&at, wrong));
    let resources = (inverted, texts(value, &at)?.iter().map(arn).collect::<Result<_>>()?);
    let principals = match (is_of_resource, object.contains_key("Principal") || object.contains_key("NotPrincipal")) {
        (true, _) => {
            let (inverted, name, value) = either(object, place, "Principal", "NotPrincipal")?;
            Some(Principals { inverted, named: principals(value, &format!("{place}.{name}"))? })
        }
        (false, true) => return Err(error(place, "only the policy of a resource names principals")),
        (false, false) => None,
    };
    let conditions = conditions(object.get("Condition"), &format!("{place}.Condition"), variables)?;
    Ok(Statement { allows, principals, actions, resources, conditions })
}

fn principals(value: &Value, place: &str) -> Result<Vec<Named>> {
    let wrong =
        |text: &str| error(place, format!("`{text}` is not a principal; wildcards within an ARN are not allowed"));
    if let Value::String(text) = value {
        return if text == "*" { Ok(vec![Named::Everybody]) } else { Err(wrong(text)) };
    }
    let object = object(value, place)?;
    known(object, place, &["AWS", "Service", "Federated"])?;
    let mut named = Vec::new();
    for (kind, value) in object {
        for text in texts(value, place)? {
            named.push(match kind.as_str() {
                "AWS" => Named::aws(&text).ok_or_else(|| wrong(&text))?,
                _ if text.is_empty() || text.contains(['*', '?']) => return Err(wrong(&text)),
                "Service" => Named::Service(text),
                _ => Named::Federated(text),
            });
        }
    }
    if named.is_empty() { Err(error(place, "it names nobody")) } else { Ok(named) }
}

fn conditions(value: Option<&Value>, place: &str, variables: bool) -> Result<Vec<Condition>> {
    let mut conditions = Vec::new();
    let Some(value) = value else { return Ok(conditions) };
    for (name, keys) in object(value, place)? {
        let Some(operator) = Operator::parse(name) else {
            return Err(error(place, format!("`{name}` is not a condition operator")));
        };
        let place = format!("{place}.{name}");
        for (key, value) in object(keys, &place)? {
            let values = texts(value, &place)?;
            conditions.push(Condition::new(operator, key, &values, variables).map_err(|wrong| error(&place, wrong))?);
        }
    }
    Ok(conditions)
}

fn object<'v>(value: &'v Value, place: &str) -> Result<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| error(place, "an object is wanted"))
}

fn known(object: &Map<String, Value>, place: &str, names: &[&str]) -> Result<()> {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(error(place, format!("`{name}` is not one of {}", names.join(", ")))),
    }
}

/// An element or its opposite: one of them.
fn either<'v>(
    object: &'v Map<String, Value>,
    place: &str,
    name: &'static str,
    opposite: &'static str,
) -> Result<(bool, &'static str, &'v Value)> {
    match (object.get(name), object.get(opposite)) {
        (Some(value), None) => Ok((false, name, value)),
        (None, Some(value)) => Ok((true, opposite, value)),
        _ => Err(error(place, format!("it has {name} or {opposite}, and not both"))),
    }
}

/// A text or a list of texts; conditions may have numbers and booleans too.
fn texts(value: &Value, place: &str) -> Result<Vec<String>> {
    let one = std::slice::from_ref(value);
    let items = value.as_array().map_or(one, Vec::as_slice);
    if items.is_empty() {
        return Err(error(place, "the list is empty"));
    }
    let text = |item: &Value| match item {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(on) => Ok(on.to_string()),
        _ => Err(error(place, "a text or a list of texts is wanted")),
    };
    items.iter().map(text).collect()
}

fn error(place: &str, message: impl Into<String>) -> PolicyError {
    PolicyError { place: place.to_owned(), message: message.into() }
}
