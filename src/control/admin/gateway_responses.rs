//! Gateway responses: what the gateway itself answers, by the kind of its failure (rest/11).
//!
//! Rows are the customised ones, whole: a put leaves nothing to be inherited. Every other type shows its default, or what
//! the DEFAULT_4XX or DEFAULT_5XX of the API says of it.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common;
use super::errors::AwsError;
use super::patch::{self, Operation};
use super::shapes::{self, GATEWAY_RESPONSE_TYPES};
use crate::model::api_rows::Object;

/// Every type's own status; the two defaults have none, and leave each type its own.
const STATUSES: &[(&str, &str)] = &[
    ("ACCESS_DENIED", "403"),
    ("API_CONFIGURATION_ERROR", "500"),
    ("AUTHORIZER_CONFIGURATION_ERROR", "500"),
    ("AUTHORIZER_FAILURE", "500"),
    ("BAD_REQUEST_BODY", "400"),
    ("BAD_REQUEST_PARAMETERS", "400"),
    ("EXPIRED_TOKEN", "403"),
    ("INTEGRATION_FAILURE", "504"),
    ("INTEGRATION_TIMEOUT", "504"),
    ("INVALID_API_KEY", "403"),
    ("INVALID_SIGNATURE", "403"),
    ("MISSING_AUTHENTICATION_TOKEN", "403"),
    ("QUOTA_EXCEEDED", "429"),
    ("REQUEST_TOO_LARGE", "413"),
    ("RESOURCE_NOT_FOUND", "404"),
    ("THROTTLED", "429"),
    ("UNAUTHORIZED", "401"),
    ("UNSUPPORTED_MEDIA_TYPE", "415"),
    ("WAF_FILTERED", "403"),
];

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    constraints(call)?;
    let api_id = common::api_id(turn, call)?;
    let mut response = default_of(call.path("response_type"));
    response.extend(call.given(&["statusCode", "responseParameters", "responseTemplates"]));
    for member in ["responseParameters", "responseTemplates"] {
        let map = response.get(member).and_then(Value::as_object);
        if map.is_some_and(|map| map.values().any(Value::is_null)) {
            return Err(AwsError::bad_request(format!("Invalid null or empty value in {member}")));
        }
    }
    customised(turn, api_id, response)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let responses =
        GATEWAY_RESPONSE_TYPES.iter().map(|kind| Value::Object(common::shown(current(turn, api_id, kind)))).collect();
    // Recorded: all of them in one page, whatever the limit.
    let mut page = Object::new();
    page.insert("item".into(), responses);
    Ok(Reply::Object(page))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    constraints(call)?;
    let api_id = common::api_id(turn, call)?;
    common::reply(current(turn, api_id, call.path("response_type")))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    constraints(call)?;
    let api_id = common::api_id(turn, call)?;
    let kind = call.path("response_type");
    // Recorded: one that was never put is patched as its default.
    let mut response = own(turn, api_id, kind).unwrap_or_else(|| default_of(kind));
    patch::operations(call).iter().try_for_each(|operation| change(&mut response, operation))?;
    customised(turn, api_id, response)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    constraints(call)?;
    let api_id = common::api_id(turn, call)?;
    let key = key(api_id, call.path("response_type"));
    common::row(turn, &key, "Gateway response type not defined on api")?;
    turn.delete(&key);
    Ok(Reply::Empty)
}

fn key<'k>(api_id: &'k str, kind: &'k str) -> [&'k str; 4] {
    ["restapis", api_id, "gatewayresponses", kind]
}

/// What AWS's model says of the members in its own words, before it looks for the API.
fn constraints(call: &Call) -> Result<(), AwsError> {
    let mut violations = Vec::new();
    if let Some(status) = call.text("statusCode").filter(|status| !is_status(status)) {
        violations.push(format!(
            "Value '{status}' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: \
             [1-5]\\d\\d"
        ));
    }
    let kind = call.path("response_type");
    if !GATEWAY_RESPONSE_TYPES.contains(&kind) {
        violations.push(shapes::not_in("responseType", kind, GATEWAY_RESPONSE_TYPES));
    }
    if violations.is_empty() { Ok(()) } else { Err(AwsError::validation(&violations)) }
}

fn is_status(text: &str) -> bool {
    text.len() == 3 && text.starts_with(['1', '2', '3', '4', '5']) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn customised(turn: &mut Turn<'_>, api_id: &str, mut response: Object) -> Result<Reply, AwsError> {
    patch::set(&mut response, "defaultResponse", false.into());
    let kind = common::text_of(&response, "responseType").to_owned();
    turn.put(&key(api_id, &kind), &response);
    common::reply(response)
}

/// A customised type. What a row leaves out (one from a document may) is the type's own.
fn own(turn: &Turn<'_>, api_id: &str, kind: &str) -> Option<Object> {
    let row = turn.get(&key(api_id, kind))?;
    let mut response = default_of(kind);
    response.insert("defaultResponse".into(), false.into());
    response.extend(row);
    Some(response)
}

/// A type as it now answers.
fn current(turn: &Turn<'_>, api_id: &str, kind: &str) -> Object {
    if let Some(response) = own(turn, api_id, kind) {
        return response;
    }
    let mut response = default_of(kind);
    let class = match status_of(kind) {
        Some(status) if status.starts_with('4') => "DEFAULT_4XX",
        Some(_) => "DEFAULT_5XX",
        None => return response,
    };
    if let Some(inherited) = own(turn, api_id, class) {
        for member in ["statusCode", "responseParameters", "responseTemplates"] {
            if let Some(value) = inherited.get(member) {
                patch::set(&mut response, member, value.clone());
            }
        }
    }
    response
}

fn default_of(kind: &str) -> Object {
    let mut response = Object::new();
    response.insert("responseType".into(), kind.into());
    if let Some(status) = status_of(kind) {
        response.insert("statusCode".into(), status.into());
    }
    response.insert("responseParameters".into(), json!({}));
    let template = "{\"message\":$context.error.messageString}";
    response.insert("responseTemplates".into(), json!({ "application/json": template }));
    response.insert("defaultResponse".into(), true.into());
    response
}

fn status_of(kind: &str) -> Option<&'static str> {
    STATUSES.iter().find(|(known, _)| *known == kind).map(|(_, status)| *status)
}

/// One operation of a patch. These paths are like no other resource's: `replace` wants what is there.
fn change(response: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let path = operation.path();
    let unknown = || Err(AwsError::bad_request(format!("Invalid patch path {path}")));
    if !matches!(operation.op.as_str(), "add" | "remove" | "replace") {
        return unknown();
    }
    if path == "/statusCode" && operation.op == "replace" {
        let status = operation.text();
        if !is_status(status) {
            return Err(AwsError::bad_request(format!("Invalid status code specified: {status}")));
        }
        patch::set(response, "statusCode", status.into());
        return Ok(());
    }
    let member = ["responseParameters", "responseTemplates"].into_iter().find_map(|member| {
        let entry = path.strip_prefix('/')?.strip_prefix(member)?.strip_prefix('/')?;
        (!entry.is_empty() && !entry.contains('/')).then(|| (member, entry.replace("~1", "/").replace("~0", "~")))
    });
    let Some((member, entry)) = member else { return unknown() };
    let Some(Value::Object(map)) = response.get_mut(member) else { return unknown() };
    if operation.op != "add" && !map.contains_key(&entry) {
        return Err(AwsError::not_found("Invalid parameter name specified"));
    }
    if operation.op == "remove" {
        map.shift_remove(&entry);
        return Ok(());
    }
    let Some(value) = &operation.value else {
        return Err(AwsError::bad_request(format!("Invalid null or empty value in {member}")));
    };
    patch::set(map, &entry, value.as_str().into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::admin::call::Handler;
    use crate::control::admin::trial::Trial;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        trial
    }

    fn run(trial: &mut Trial, handler: Handler, kind: &str, body: Value) -> Result<Value, String> {
        let path = &[("restapi_id", "a"), ("response_type", kind)];
        trial.call(handler, path, &[], body).map_err(|error| format!("{} {}", error.status, error.message))
    }

    fn patch_of(op: &str, path: &str, value: Value) -> Value {
        json!({"patchOperations": [{"op": op, "path": path, "value": value}]})
    }

    const TEMPLATES: &str = r#"{"application/json":"{\"message\":$context.error.messageString}"}"#;

    fn templates() -> Value {
        serde_json::from_str(TEMPLATES).expect("JSON")
    }

    #[test]
    fn every_type_has_its_default() {
        let mut trial = trial();
        let all = trial.call(list, &[("restapi_id", "a")], &[("limit", "2")], Value::Null).expect("responses");
        assert_eq!(all["item"].as_array().map(Vec::len), Some(21));
        assert_eq!(all.get("position"), None);
        assert_eq!(STATUSES.len() + 2, GATEWAY_RESPONSE_TYPES.len());
        for (kind, _) in STATUSES {
            assert!(GATEWAY_RESPONSE_TYPES.contains(kind), "{kind}");
        }
        let expected = json!({"responseType": "DEFAULT_4XX", "responseParameters": {}, "responseTemplates": templates(), "defaultResponse": true});
        assert_eq!(run(&mut trial, get, "DEFAULT_4XX", Value::Null), Ok(expected));
        let throttled = run(&mut trial, get, "THROTTLED", Value::Null).expect("a response");
        assert_eq!(throttled["statusCode"], "429");
    }

    #[test]
    fn a_put_replaces_all_and_inherits_nothing() {
        let mut trial = trial();
        let parameters = json!({"gatewayresponse.header.X": "'x'"});
        let put_default = json!({"statusCode": "599", "responseParameters": parameters});
        let expected = json!({"responseType": "DEFAULT_5XX", "statusCode": "599", "responseParameters": parameters, "responseTemplates": templates(), "defaultResponse": false});
        assert_eq!(run(&mut trial, put, "DEFAULT_5XX", put_default), Ok(expected));
        let inherited = run(&mut trial, get, "AUTHORIZER_FAILURE", Value::Null).expect("a response");
        assert_eq!((&inherited["statusCode"], &inherited["defaultResponse"]), (&json!("599"), &json!(true)));
        assert_eq!(inherited["responseParameters"], parameters);
        let own = run(&mut trial, put, "AUTHORIZER_FAILURE", json!({"responseTemplates": {}})).expect("a response");
        let expected = json!({"responseType": "AUTHORIZER_FAILURE", "statusCode": "500", "responseParameters": {}, "responseTemplates": {}, "defaultResponse": false});
        assert_eq!(own, expected);
        assert_eq!(run(&mut trial, get, "AUTHORIZER_FAILURE", Value::Null), Ok(expected));
        assert_eq!(run(&mut trial, delete, "AUTHORIZER_FAILURE", Value::Null), Ok(Value::Null));
        let again = run(&mut trial, delete, "AUTHORIZER_FAILURE", Value::Null);
        assert_eq!(again, Err("404 Gateway response type not defined on api".to_owned()));
        assert_eq!(run(&mut trial, get, "AUTHORIZER_FAILURE", Value::Null), Ok(inherited));
        assert_eq!(run(&mut trial, get, "THROTTLED", Value::Null).expect("a response")["statusCode"], "429");
    }

    #[test]
    fn a_row_from_a_document_is_shown_whole() {
        let mut trial = trial();
        let row = json!({"responseType": "THROTTLED", "responseTemplates": {}});
        trial.put(&["restapis", "a", "gatewayresponses", "THROTTLED"], row);
        let expected = json!({
            "responseType": "THROTTLED", "statusCode": "429", "responseParameters": {}, "responseTemplates": {},
            "defaultResponse": false
        });
        assert_eq!(run(&mut trial, get, "THROTTLED", Value::Null), Ok(expected));
    }

    #[test]
    fn the_model_speaks_before_the_api_is_looked_for() {
        let mut trial = trial();
        let path = &[("restapi_id", "b"), ("response_type", "NOTHING")];
        let error = trial.call(put, path, &[], json!({"statusCode": "600"})).expect_err("refused");
        let start = "2 validation errors detected: Value '600' at 'statusCode' failed to satisfy constraint: Member must \
                     satisfy regular expression pattern: [1-5]\\d\\d; Value 'NOTHING' at 'responseType' failed to satisfy \
                     constraint: Member must satisfy enum value set: [REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, ";
        assert!(error.message.starts_with(start), "{}", error.message);
        let path = &[("restapi_id", "b"), ("response_type", "THROTTLED")];
        for handler in [put, list, get, update, delete] as [Handler; 5] {
            let error = trial.call(handler, path, &[], json!({})).expect_err("no API");
            assert_eq!(error.message, "Invalid API identifier specified 000000000000:b");
        }
    }

    #[test]
    fn patches() {
        let mut trial = trial();
        let mut check = |op: &str, path: &str, value: Value, expected: Result<&str, &str>| {
            let done = run(&mut trial, update, "UNAUTHORIZED", patch_of(op, path, value));
            let shown = |response: Value| {
                format!(
                    "{} {} {}",
                    response["statusCode"], response["responseParameters"], response["responseTemplates"]
                )
            };
            assert_eq!(done.map(shown), expected.map(str::to_owned).map_err(str::to_owned), "{op} {path}");
        };
        let header = "/responseParameters/gatewayresponse.header.X";
        check(
            "add",
            header,
            json!("'x'"),
            Ok(&format!("\"401\" {{\"gatewayresponse.header.X\":\"'x'\"}} {TEMPLATES}")),
        );
        check(
            "replace",
            "/statusCode",
            json!("444"),
            Ok(&format!("\"444\" {{\"gatewayresponse.header.X\":\"'x'\"}} {TEMPLATES}")),
        );
        check("remove", header, Value::Null, Ok(&format!("\"444\" {{}} {TEMPLATES}")));
        check(
            "replace",
            "/responseTemplates/application~1json",
            json!("x"),
            Ok("\"444\" {} {\"application/json\":\"x\"}"),
        );
        check("replace", header, json!("'y'"), Err("404 Invalid parameter name specified"));
        check("remove", header, Value::Null, Err("404 Invalid parameter name specified"));
        check("add", header, Value::Null, Err("400 Invalid null or empty value in responseParameters"));
        let null = "400 Invalid null or empty value in responseTemplates";
        check("replace", "/responseTemplates/application~1json", Value::Null, Err(null));
        check("add", "/statusCode", json!("401"), Err("400 Invalid patch path /statusCode"));
        check("remove", "/statusCode", Value::Null, Err("400 Invalid patch path /statusCode"));
        check("replace", "/responseType", json!("x"), Err("400 Invalid patch path /responseType"));
        check("replace", "/statusCode", json!("9"), Err("400 Invalid status code specified: 9"));
        // What failed changed nothing.
        let left = run(&mut trial, get, "UNAUTHORIZED", Value::Null).expect("a response");
        assert_eq!((&left["statusCode"], &left["defaultResponse"]), (&json!("444"), &json!(false)));
    }
}
