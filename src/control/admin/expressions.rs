//! Parameter mappings as AWS checks them when they are written: names of parameters, and expressions that fill them
//! (rest/04 section 4.4, rest/07).

use serde_json::Value;

use super::common::inner;
use super::errors::AwsError;
use super::resources::has_parameter;
use crate::model::api_rows::Object;

/// The name behind `method.request.{header|querystring|path}.`.
pub fn declared_name(key: &str) -> Option<&str> {
    let rest = key.strip_prefix("method.request.")?;
    let (kind, name) = rest.split_once('.')?;
    (matches!(kind, "header" | "querystring" | "path") && is_name(name)).then_some(name)
}

/// AWS's one sentence for a key or an expression that is none.
pub fn invalid(expression: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         specified: {expression}]"
    ))
}

/// The same for one that names a parameter which the method response does not declare.
fn undeclared(expression: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         parameter specified: {expression}]"
    ))
}

/// `requestParameters` of an integration: each key a place of the request, each value a source that the method declares.
pub fn request(parameters: Option<&Object>, method: &Object, resource: &Object) -> Result<(), AwsError> {
    for (key, source) in parameters.into_iter().flatten() {
        let target = key.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'));
        let sound =
            target.is_some_and(|(kind, name)| matches!(kind, "header" | "querystring" | "path") && is_name(name));
        if !sound {
            return Err(invalid(key));
        }
        let source = source.as_str().unwrap_or_default();
        if !is_request_source(source, method, resource) {
            return Err(invalid(source));
        }
    }
    Ok(())
}

fn is_request_source(source: &str, method: &Object, resource: &Object) -> bool {
    if constant_or_context(source) {
        return true;
    }
    let Some(rest) = source.strip_prefix("method.request.") else { return false };
    if rest == "body" || rest.strip_prefix("body.").is_some_and(|path| !path.is_empty()) {
        return true;
    }
    let Some((kind, name)) = rest.split_once('.') else { return false };
    let declared = inner(method, "requestParameters");
    let has = |kind: &str| declared.is_some_and(|map| map.contains_key(&format!("method.request.{kind}.{name}")));
    match kind {
        "header" | "multivalueheader" => has("header"),
        "querystring" | "multivaluequerystring" => has("querystring"),
        "path" => has("path") || has_parameter(resource, name),
        _ => false,
    }
}

/// `responseParameters` of an integration response: keys that the method response of this status declares.
pub fn response(parameters: Option<&Object>, method: &Object, status: &str) -> Result<(), AwsError> {
    let declared = inner(method, "methodResponses")
        .and_then(|responses| responses.get(status)?.get("responseParameters")?.as_object().cloned())
        .unwrap_or_default();
    for (key, source) in parameters.into_iter().flatten() {
        if !key.strip_prefix("method.response.header.").is_some_and(is_name) {
            return Err(invalid(key));
        }
        if !declared.contains_key(key) {
            return Err(undeclared(key));
        }
        let source = source.as_str().unwrap_or_default();
        let named = |prefix: &str| source.strip_prefix(prefix).is_some_and(is_name);
        let body = source == "integration.response.body"
            || source.strip_prefix("integration.response.body.").is_some_and(|path| !path.is_empty());
        let sound = constant_or_context(source)
            || body
            || named("integration.response.header.")
            || named("integration.response.multivalueheader.");
        if !sound {
            return Err(invalid(source));
        }
    }
    Ok(())
}

/// `responseParameters` of a method response: names only.
pub fn declared_response(parameters: Option<&Object>) -> Result<(), AwsError> {
    for key in parameters.into_iter().flat_map(|map| map.keys()) {
        if !key.strip_prefix("method.response.header.").is_some_and(is_name) {
            return Err(invalid(key));
        }
    }
    Ok(())
}

fn constant_or_context(source: &str) -> bool {
    let quoted = source.len() >= 2 && source.starts_with('\'') && source.ends_with('\'');
    let named =
        |prefix: &str| source.strip_prefix(prefix).is_some_and(|name| !name.is_empty() && name.split('.').all(is_name));
    quoted || named("context.") || named("stageVariables.")
}

/// Templates are kept by content type: `type/subtype`, or `$default`.
pub fn content_types(templates: Option<&Object>) -> Result<(), AwsError> {
    for kind in templates.into_iter().flat_map(|map| map.keys()) {
        let sound = kind.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
        if !sound && kind != "$default" {
            return Err(AwsError::bad_request(format!(
                "Validation Result: warnings : [], errors : [Invalid content type specified: {kind}]"
            )));
        }
    }
    Ok(())
}

/// A template that is stored empty reads back as nothing (wire-protocol section 3).
pub fn empty_templates(templates: &mut Value) {
    if let Value::Object(map) = templates {
        map.values_mut().filter(|template| template.as_str() == Some("")).for_each(|template| *template = Value::Null);
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._$-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(key: &str, source: &str, sound: bool) {
        let object = |value: Value| value.as_object().cloned().expect("an object");
        let method = object(json!({"requestParameters": {
            "method.request.header.X-A": false, "method.request.querystring.q": true}}));
        let resource = object(json!({"path": "/pets/{id}/{rest+}"}));
        let parameters = object(json!({key: source}));
        assert_eq!(request(Some(&parameters), &method, &resource).is_ok(), sound, "{key}: {source}");
    }

    #[test]
    fn sources_must_be_declared() {
        for (source, sound) in [
            ("method.request.header.X-A", true),
            ("method.request.multivalueheader.X-A", true),
            ("method.request.header.x-a", false),
            ("method.request.querystring.q", true),
            ("method.request.path.id", true),
            ("method.request.path.rest", true),
            ("method.request.path.other", false),
            ("method.request.body", true),
            ("method.request.body.a.b", true),
            ("'constant'", true),
            ("context.identity.sourceIp", true),
            ("stageVariables.x", true),
            ("true", false),
            ("'", false),
            ("", false),
        ] {
            check("integration.request.header.h", source, sound);
        }
        check("integration.request.cookie.h", "'x'", false);
        check("integration.request.header.", "'x'", false);
        check("method.request.header.h", "'x'", false);
    }
}
