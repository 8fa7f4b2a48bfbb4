//! What every family does first and last: find what a path names, and show a row without what is ours alone.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// The API that the path names, or what AWS says of one that is not there.
pub fn api(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    let id = call.path("restapi_id");
    turn.get(&["restapis", id]).ok_or_else(|| no_api(call, id))
}

/// Its id, where no more is asked of it.
pub fn api_id<'c>(turn: &Turn<'_>, call: &'c Call) -> Result<&'c str, AwsError> {
    let id = call.path("restapi_id");
    if turn.has(&["restapis", id]) { Ok(id) } else { Err(no_api(call, id)) }
}

pub fn no_api(call: &Call, id: &str) -> AwsError {
    AwsError::not_found(format!("Invalid API identifier specified {}:{id}", call.account))
}

/// What AWS says of an object that is not there, where more than one family says it.
pub const UNKNOWN_CLIENT_CERTIFICATE: &str = "Invalid Client Certificate identifier specified";
pub const UNKNOWN_STAGE: &str = "Invalid Stage identifier specified";
pub const UNKNOWN_VPC_LINK: &str = "Invalid Vpc Link identifier specified";

/// The row at a key, or the words for its not being there.
pub fn row(turn: &Turn<'_>, segments: &[&str], unknown: &str) -> Result<Object, AwsError> {
    turn.get(segments).ok_or_else(|| AwsError::not_found(unknown))
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

/// A method and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    pub resource_id: String,
    pub path: String,
    pub verb: String,
    pub method: Object,
}

/// Every method of an API, by path and verb: who asks what uses something names the first that does.
pub fn methods(turn: &Turn<'_>, api_id: &str) -> Vec<Placed> {
    let mut found = Vec::new();
    for resource in turn.children(&["restapis", api_id, "resources"]) {
        let (id, path) = (text_of(&resource, "id"), text_of(&resource, "path"));
        for method in turn.children(&["restapis", api_id, "resources", id, "methods"]) {
            let verb = text_of(&method, "httpMethod").to_owned();
            found.push(Placed { resource_id: id.to_owned(), path: path.to_owned(), verb, method });
        }
    }
    found.sort_by(|one, other| (&one.path, &one.verb).cmp(&(&other.path, &other.verb)));
    found
}

/// The first method that names `value` in `member`.
pub fn method_with(turn: &Turn<'_>, api_id: &str, member: &str, value: &str) -> Option<Placed> {
    methods(turn, api_id).into_iter().find(|placed| text_of(&placed.method, member) == value)
}

/// The text of a member, where there is one.
pub fn text<'o>(object: &'o Object, member: &str) -> Option<&'o str> {
    object.get(member).and_then(Value::as_str)
}

/// The text of a member; empty where there is none.
pub fn text_of<'o>(object: &'o Object, member: &str) -> &'o str {
    text(object, member).unwrap_or_default()
}

pub fn inner<'o>(object: &'o Object, member: &str) -> Option<&'o Object> {
    object.get(member).and_then(Value::as_object)
}

/// An object of these members, those that are there, in this order.
pub fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Object {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A row as a client sees it: members that begin with `_` are ours alone.
pub fn shown(mut row: Object) -> Object {
    row.retain(|name, _| !name.starts_with('_'));
    row
}

pub fn reply(row: Object) -> Result<Reply, AwsError> {
    Ok(Reply::Object(shown(row)))
}

/// A row as single reads show it: `tags: {}` where there are none (wire-protocol section 7).
pub fn with_tags(row: Object) -> Object {
    let mut row = shown(row);
    if !row.contains_key("tags") {
        row.insert("tags".into(), Value::Object(Object::new()));
    }
    row
}

/// A row as creations and lists show it: tags only where there are any.
pub fn without_empty_tags(row: Object) -> Object {
    let mut row = shown(row);
    if inner(&row, "tags").is_some_and(Object::is_empty) {
        row.shift_remove("tags");
    }
    row
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_ours_stays_here() {
        let row = |value: Value| value.as_object().expect("an object").clone();
        let mine = json!({"id": "a", "_order": 7, "tags": {}});
        assert_eq!(Value::Object(shown(row(mine.clone()))), json!({"id": "a", "tags": {}}));
        assert_eq!(Value::Object(without_empty_tags(row(mine))), json!({"id": "a"}));
        assert_eq!(Value::Object(with_tags(row(json!({"_k": 1})))), json!({"tags": {}}));
    }
}
