//! Members of a row. What has another kind than AWS's counts as absent: the control plane checked it when it was written.

use serde_json::Value;

use crate::model::api_rows::Object;
use crate::model::problem::{Located, Place};

pub(super) type Pairs = Vec<(Located<String>, Located<String>)>;

pub(super) fn text(row: &Object, key: &str) -> Option<String> {
    as_text(row.get(key)?)
}

pub(super) fn text_at(row: &Object, key: &str, place: Place) -> Option<Located<String>> {
    text(row, key).map(|text| Located::new(text, place))
}

pub(super) fn flag(row: &Object, key: &str) -> bool {
    row.get(key).and_then(Value::as_bool).unwrap_or(false)
}

pub(super) fn number(row: &Object, key: &str) -> Option<u32> {
    row.get(key).and_then(Value::as_u64).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

pub(super) fn list(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(as_text).collect()
}

pub(super) fn list_at(value: Option<&Value>, place: Place) -> Vec<Located<String>> {
    list(value).into_iter().map(|text| Located::new(text, place)).collect()
}

pub(super) fn texts(value: Option<&Value>) -> Vec<(String, String)> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key.clone(), as_text(value)?))).collect()
}

pub(super) fn texts_at(value: Option<&Value>, place: Place) -> Pairs {
    let texts = texts(value).into_iter();
    texts.map(|(key, value)| (Located::new(key, place), Located::new(value, place))).collect()
}

pub(super) fn flags(value: Option<&Value>) -> Vec<(String, bool)> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.map(|(key, value)| (key.clone(), value.as_bool().unwrap_or(false))).collect()
}

/// Rows by status and such: the objects, by key.
pub(super) fn objects(value: Option<&Value>) -> impl Iterator<Item = (&String, &Object)> {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    members.filter_map(|(key, value)| Some((key, value.as_object()?)))
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
