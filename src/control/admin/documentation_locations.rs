//! Where documentation may stand: the locations of an API, which of them say what, and what each says where it is silent.

use serde_json::Value;

use super::call::Turn;
use super::common::{self, Placed};
use super::errors::AwsError;
use crate::model::api_rows::Object;

/// Members of a location in AWS's order.
const MEMBERS: &[&str] = &["type", "path", "method", "statusCode", "name"];

/// Which members a location of a type has. A name is one that must be said; the others have defaults.
fn members(kind: &str) -> &'static [&'static str] {
    match kind {
        "API" => &[],
        "AUTHORIZER" | "MODEL" => &["name"],
        "RESOURCE" => &["path"],
        "METHOD" | "REQUEST_BODY" => &["path", "method"],
        "PATH_PARAMETER" | "QUERY_PARAMETER" | "REQUEST_HEADER" => &["path", "method", "name"],
        "RESPONSE" | "RESPONSE_BODY" => &["path", "method", "statusCode"],
        _ => &["path", "method", "statusCode", "name"],
    }
}

/// The location with what it leaves out: the root resource, every method, every status.
pub fn whole(location: &Object) -> Object {
    let kind = common::text_of(location, "type");
    let mut whole = Object::new();
    whole.insert("type".into(), kind.into());
    for member in members(kind) {
        let default = match *member {
            "path" => "/",
            "name" => "",
            _ => "*",
        };
        let said = common::text_of(location, member).trim();
        whole.insert((*member).to_owned(), if said.is_empty() { default } else { said }.into());
    }
    whole
}

/// The whole location of a part.
pub fn of(part: &Object) -> Object {
    part.get("location").and_then(Value::as_object).map(whole).unwrap_or_default()
}

/// What AWS's model says of a location, before it looks for the API.
pub fn constraints(location: &Object) -> Result<(), AwsError> {
    let status = common::text_of(location, "statusCode");
    let bytes = status.as_bytes();
    let is_status = bytes.len() == 3 && (b'1'..=b'5').contains(&bytes[0]) && bytes.iter().all(u8::is_ascii_digit);
    if is_status || status == "*" || status.trim().is_empty() {
        return Ok(());
    }
    Err(AwsError::validation(&[format!(
        "Value '{status}' at 'createDocumentationPartInput.location.statusCode' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: ([1-5]\\d\\d|\\*|\\s*)"
    )]))
}

pub fn check(location: &Object) -> Result<(), AwsError> {
    let kind = common::text_of(location, "type");
    let has = members(kind);
    if has.contains(&"name") && common::text_of(location, "name").trim().is_empty() {
        return Err(AwsError::bad_request(format!("Documentation part location of type '{kind}' must have a name")));
    }
    let wrong =
        MEMBERS[1..].iter().find(|member| !common::text_of(location, member).is_empty() && !has.contains(member));
    wrong.map_or(Ok(()), |member| {
        Err(AwsError::bad_request(format!(
            "Documentation part location of type '{kind}' cannot have the field '{member}'"
        )))
    })
}

/// `type 'METHOD', path '/', method 'GET'`: what AWS's messages print.
pub fn words(location: &Object) -> String {
    let whole = whole(location);
    let said = MEMBERS.iter().filter_map(|member| Some((*member, whole.get(*member)?.as_str()?)));
    let words: Vec<String> =
        said.filter(|(_, value)| !value.is_empty()).map(|(member, value)| format!("{member} '{value}'")).collect();
    words.join(", ")
}

/// Every location that an API has, whole.
pub fn all(turn: &Turn<'_>, api_id: &str) -> Vec<Object> {
    let location = |kind: &str, path: &str, method: &str, status: &str, name: &str| {
        let said = [("type", kind), ("path", path), ("method", method), ("statusCode", status), ("name", name)];
        whole(&said.into_iter().map(|(member, value)| (member.to_owned(), Value::from(value))).collect())
    };
    let mut all = vec![location("API", "", "", "", "")];
    for (kind, family) in [("AUTHORIZER", "authorizers"), ("MODEL", "models")] {
        let rows = turn.children(&["restapis", api_id, family]);
        all.extend(rows.iter().map(|row| location(kind, "", "", "", common::text_of(row, "name"))));
    }
    let resources = turn.children(&["restapis", api_id, "resources"]);
    all.extend(resources.iter().map(|resource| location("RESOURCE", common::text_of(resource, "path"), "", "", "")));
    for Placed { path, verb, method, .. } in common::methods(turn, api_id) {
        all.push(location("METHOD", &path, &verb, "", ""));
        for parameter in keys(&method, "requestParameters") {
            let kinds = [("path", "PATH_PARAMETER"), ("querystring", "QUERY_PARAMETER"), ("header", "REQUEST_HEADER")];
            let named = parameter.strip_prefix("method.request.").and_then(|rest| rest.split_once('.'));
            let Some((place, name)) = named else { continue };
            let kind = kinds.into_iter().find(|(known, _)| *known == place);
            all.extend(kind.map(|(_, kind)| location(kind, &path, &verb, "", name)));
        }
        if keys(&method, "requestModels").next().is_some() {
            all.push(location("REQUEST_BODY", &path, &verb, "", ""));
        }
        let responses = method.get("methodResponses").and_then(Value::as_object);
        for (status, response) in responses.into_iter().flatten() {
            all.push(location("RESPONSE", &path, &verb, status, ""));
            let Some(response) = response.as_object() else { continue };
            let headers =
                keys(response, "responseParameters").filter_map(|key| key.strip_prefix("method.response.header."));
            all.extend(headers.map(|name| location("RESPONSE_HEADER", &path, &verb, status, name)));
            if keys(response, "responseModels").next().is_some() {
                all.push(location("RESPONSE_BODY", &path, &verb, status, ""));
            }
        }
    }
    all
}

fn keys<'o>(object: &'o Object, member: &str) -> impl Iterator<Item = &'o str> {
    object.get(member).and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::admin::shapes;

    fn object(value: Value) -> Object {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn what_a_location_leaves_out() {
        let check = |said: Value, words_of: &str| assert_eq!(words(&object(said)), words_of);
        check(json!({"type": "API"}), "type 'API'");
        check(json!({"type": "RESPONSE", "path": "/p"}), "type 'RESPONSE', path '/p', method '*', statusCode '*'");
        check(json!({"type": "MODEL", "name": "Pet"}), "type 'MODEL', name 'Pet'");
        check(json!({"type": "RESOURCE", "path": " "}), "type 'RESOURCE', path '/'");
    }

    #[test]
    fn what_does_not_belong() {
        let message = |said: Value| check(&object(said)).err().map(|error| error.message);
        for kind in shapes::enumeration("DocumentationPartType") {
            assert_eq!(
                message(json!({"type": kind, "name": if members(kind).contains(&"name") { "n" } else { "" }})),
                None
            );
        }
        let method = "Documentation part location of type 'API' cannot have the field 'method'";
        assert_eq!(message(json!({"type": "API", "method": "GET"})).as_deref(), Some(method));
    }
}
