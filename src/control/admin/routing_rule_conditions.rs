//! What the conditions of a routing rule may say (rest/01 section 1.3, routing rules).

use serde_json::Value;

use super::base_path_mappings::has_only_known_characters;
use super::common::text_of;
use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::{
    ROUTING_CONDITION_VALUES_MAX, ROUTING_HEADER_CONDITIONS_MAX, ROUTING_HEADER_NAME_CHARS, ROUTING_INFIX_CHARS,
    ROUTING_VALUE_CHARS,
};

/// Headers that a rule must not ask for: the way to the gateway or the gateway itself writes them.
const FORBIDDEN: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "forwarded",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-apigw-api-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-restapi",
];
const FORBIDDEN_PREFIXES: &[&str] = &["access-control-", "apigw-", "x-amz-", "x-amzn-"];

/// At most one group of base paths and two of headers; none at all is a rule for everything.
pub fn check_conditions(conditions: &[Value]) -> Result<(), AwsError> {
    let (mut paths, mut headers) = (0, 0);
    for condition in conditions {
        match (condition.get("matchBasePaths"), condition.get("matchHeaders")) {
            (Some(group), None) => {
                paths += 1;
                any_of(group, 1)?.iter().try_for_each(|path| check_base_path(path.as_str().unwrap_or_default()))?;
            }
            (None, Some(group)) => {
                headers += 1;
                any_of(group, ROUTING_CONDITION_VALUES_MAX)?.iter().try_for_each(check_header)?;
            }
            _ => return refuse("A condition must have either matchBasePaths or matchHeaders"),
        }
    }
    if paths > 1 {
        return refuse("A routing rule can have at most one matchBasePaths condition");
    }
    if headers > ROUTING_HEADER_CONDITIONS_MAX {
        return refuse("A routing rule can have at most two matchHeaders conditions");
    }
    Ok(())
}

fn any_of(group: &Value, most: usize) -> Result<&[Value], AwsError> {
    let values = group.get("anyOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if (1..=most).contains(&values.len()) {
        return Ok(values);
    }
    Err(AwsError::bad_request(format!("anyOf must have between 1 and {most} values")))
}

fn check_base_path(path: &str) -> Result<(), AwsError> {
    if path.is_empty() || path.len() >= ROUTING_VALUE_CHARS {
        return refuse(format!("A base path must have between 1 and {} characters", ROUTING_VALUE_CHARS - 1));
    }
    if !has_only_known_characters(path) || path.split('/').any(str::is_empty) {
        return refuse(format!("Invalid base path specified: {path}"));
    }
    Ok(())
}

fn check_header(value: &Value) -> Result<(), AwsError> {
    let empty = Object::new();
    let value = value.as_object().unwrap_or(&empty);
    check_header_name(text_of(value, "header"))?;
    check_glob(text_of(value, "valueGlob"))
}

fn check_header_name(name: &str) -> Result<(), AwsError> {
    // RFC 9110 5.6.2, without `*`: a name is no pattern.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() >= ROUTING_HEADER_NAME_CHARS || !name.bytes().all(token) {
        return refuse(format!("Invalid header name specified: {name}"));
    }
    let lower = name.to_ascii_lowercase();
    if FORBIDDEN.contains(&lower.as_str()) || FORBIDDEN_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return refuse(format!("Header {name} cannot be used in a condition"));
    }
    Ok(())
}

/// `abc`, `abc*`, `*abc`, `*abc*` or `*`.
fn check_glob(glob: &str) -> Result<(), AwsError> {
    if glob == "*" {
        return Ok(());
    }
    let (open_start, open_end) = (glob.starts_with('*'), glob.ends_with('*'));
    let core = glob.strip_prefix('*').unwrap_or(glob);
    let core = core.strip_suffix('*').unwrap_or(core);
    let most = if open_start && open_end { ROUTING_INFIX_CHARS } else { ROUTING_VALUE_CHARS };
    // What a header line can hold (RFC 9110 5.5), so that the rule can match at all.
    let printable = |byte: u8| matches!(byte, b' '..=b'~');
    if core.is_empty() || core.contains('*') || glob.len() >= most || !core.bytes().all(printable) {
        return refuse(format!("Invalid header value specified: {glob}"));
    }
    Ok(())
}

fn refuse<T>(what: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::bad_request(what))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(conditions: Value, expected: &str) {
        let done = check_conditions(conditions.as_array().expect("a list"));
        assert_eq!(done.map_err(|error| error.message).err().unwrap_or_default(), expected);
    }

    fn header(name: &str, glob: &str) -> Value {
        json!([{"matchHeaders": {"anyOf": [{"header": name, "valueGlob": glob}]}}])
    }

    fn paths(paths: &[&str]) -> Value {
        json!([{"matchBasePaths": {"anyOf": paths}}])
    }

    #[test]
    fn groups() {
        check(json!([]), "");
        let (path, named) = (paths(&["users"])[0].clone(), header("a", "b")[0].clone());
        check(json!([path, named, named]), "");
        check(json!([path, path]), "A routing rule can have at most one matchBasePaths condition");
        check(json!([named, named, named]), "A routing rule can have at most two matchHeaders conditions");
        check(json!([{}]), "A condition must have either matchBasePaths or matchHeaders");
        check(paths(&[]), "anyOf must have between 1 and 1 values");
        check(paths(&["a", "b"]), "anyOf must have between 1 and 1 values");
    }

    #[test]
    fn base_paths() {
        check(paths(&["a/b"]), "");
        check(paths(&[&"a".repeat(127)]), "");
        check(paths(&[&"a".repeat(128)]), "A base path must have between 1 and 127 characters");
        check(paths(&["/a"]), "Invalid base path specified: /a");
        check(paths(&["a b"]), "Invalid base path specified: a b");
    }

    #[test]
    fn header_names() {
        for name in ["Host", "x-version", "Accept", &"h".repeat(39)] {
            check(header(name, "*"), "");
        }
        for name in ["via", "X-Amz-Date", "x-amzn-trace-id", "Access-Control-Request-Method", "x-restAPI", "TE"] {
            check(header(name, "*"), &format!("Header {name} cannot be used in a condition"));
        }
        for name in ["", "a b", "x-*", &"h".repeat(40)] {
            check(header(name, "*"), &format!("Invalid header name specified: {name}"));
        }
    }

    #[test]
    fn globs() {
        for glob in ["abc", "abc*", "*abc", "*abc*", "*", &"v".repeat(127), &format!("*{}*", "v".repeat(37))] {
            check(header("a", glob), "");
        }
        for glob in ["", "**", "a*b", "*a*b*", "\u{7f}", "é", &"v".repeat(128), &format!("*{}*", "v".repeat(38))] {
            check(header("a", glob), &format!("Invalid header value specified: {glob}"));
        }
    }
}
