//! What every family does first and last: find what a path names, and show a row without what is ours alone.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// The id of the API that the path names, where there is such an API.
pub fn api<'c>(turn: &Turn<'_>, call: &'c Call) -> Result<&'c str, AwsError> {
    let id = call.path("restapi_id");
    if turn.has(&["restapis", id]) { Ok(id) } else { Err(unknown_api(call, id)) }
}

pub fn unknown_api(call: &Call, id: &str) -> AwsError {
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

/// A row as a client sees it: members that begin with `_` never leave.
pub fn shown(mut row: Object) -> Object {
    row.retain(|name, _| !name.starts_with('_'));
    row
}

pub fn reply(row: Object) -> Result<Reply, AwsError> {
    Ok(Reply::Object(shown(row)))
}

/// The text of a member; empty where there is none.
pub fn text<'o>(row: &'o Object, member: &str) -> &'o str {
    row.get(member).and_then(Value::as_str).unwrap_or_default()
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
        let (id, path) = (text(&resource, "id"), text(&resource, "path"));
        for method in turn.children(&["restapis", api_id, "resources", id, "methods"]) {
            let verb = text(&method, "httpMethod").to_owned();
            found.push(Placed { resource_id: id.to_owned(), path: path.to_owned(), verb, method });
        }
    }
    found.sort_by(|one, other| (&one.path, &one.verb).cmp(&(&other.path, &other.verb)));
    found
}

/// The first method that names `value` in `member`.
pub fn method_with(turn: &Turn<'_>, api_id: &str, member: &str, value: &str) -> Option<Placed> {
    methods(turn, api_id).into_iter().find(|placed| text(&placed.method, member) == value)
}
