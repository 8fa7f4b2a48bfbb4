//! What several families ask of the rows: does this API exist, how are its parts named, what do their errors say.

use serde_json::Value;

use super::call::{Call, Turn};
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// The API that the path names, or what AWS says of one that is not there.
pub fn api(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    turn.get(&["restapis", call.path("restapi_id")]).ok_or_else(|| no_api(call))
}

pub fn no_api(call: &Call) -> AwsError {
    AwsError::not_found(format!("Invalid API identifier specified {}:{}", call.account, call.path("restapi_id")))
}

/// The resource that the path names. An unknown API is told as an unknown resource (v1-messages).
pub fn resource(turn: &Turn<'_>, call: &Call, parameter: &str) -> Result<Object, AwsError> {
    let id = call.path(parameter);
    turn.get(&["restapis", call.path("restapi_id"), "resources", id]).ok_or_else(no_resource)
}

pub fn no_resource() -> AwsError {
    AwsError::not_found("Invalid Resource identifier specified")
}

/// The key of the method that the path names.
pub fn method_key(call: &Call) -> [&str; 6] {
    let (api, resource) = (call.path("restapi_id"), call.path("resource_id"));
    ["restapis", api, "resources", resource, "methods", call.path("http_method")]
}

/// The method that the path names, with everything in it.
pub fn method(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    resource(turn, call, "resource_id")?;
    turn.get(&method_key(call)).ok_or_else(|| AwsError::not_found("Invalid Method identifier specified"))
}

pub fn text<'o>(object: &'o Object, member: &str) -> Option<&'o str> {
    object.get(member).and_then(Value::as_str)
}

pub fn inner<'o>(object: &'o Object, member: &str) -> Option<&'o Object> {
    object.get(member).and_then(Value::as_object)
}

/// An object of these members, those that are there, in this order.
pub fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Object {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What a client sees: members that are ours alone begin with `_`.
pub fn shown(mut object: Object) -> Object {
    object.retain(|name, _| !name.starts_with('_'));
    object
}

/// Tags of a row as single reads show them: an empty map where there are none (wire-protocol section 7).
pub fn with_tags(mut object: Object) -> Object {
    if !object.contains_key("tags") {
        object.insert("tags".into(), Value::Object(Object::new()));
    }
    object
}

/// Tags of a row as creations and lists show them: only where there are any.
pub fn without_empty_tags(mut object: Object) -> Object {
    if inner(&object, "tags").is_some_and(Object::is_empty) {
        object.shift_remove("tags");
    }
    object
}
