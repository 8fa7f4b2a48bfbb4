//! The extensions of the document itself.

use serde_json::{Value, json};

use super::options::{ExportDialect, ExportOptions};
use crate::formats::openapi::members::{Members, object, text};
use crate::model::api_rows::{ApiRows, Object};
use crate::model::cors;

pub(super) const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";

pub(super) fn add(rows: &ApiRows, options: &ExportOptions, document: &mut Object) {
    let api = &rows.api;
    if options.dialect == ExportDialect::Swagger2 {
        document.put_object(ENDPOINT, endpoint(rows));
    }
    let source = text(api, "apiKeySource").filter(|source| *source != "HEADER");
    document.put("x-amazon-apigateway-api-key-source", source);
    document.put_object("x-amazon-apigateway-request-validators", validators(rows));
    document.put_object("x-amazon-apigateway-gateway-responses", gateway_responses(rows));
    document.put("x-amazon-apigateway-policy", text(api, "policy").and_then(policy));
    let kinds = api.get("binaryMediaTypes").and_then(Value::as_array);
    document.put("x-amazon-apigateway-binary-media-types", kinds.filter(|kinds| !kinds.is_empty()).cloned());
    document.put("x-amazon-apigateway-minimum-compression-size", api.get("minimumCompressionSize").cloned());
    document.put("x-amazon-apigateway-security-policy", text(api, "securityPolicy"));
    document.put("x-amazon-apigateway-endpoint-access-mode", text(api, "endpointAccessMode"));
    document.put(cors::EXTENSION, api.get(cors::ROW_MEMBER).cloned());
    document.put("x-amazon-apigateway-documentation", documentation(rows, options));
}

pub(super) fn endpoint(rows: &ApiRows) -> Object {
    let mut row = Object::new();
    let endpoint = object(&rows.api, "endpointConfiguration");
    let own = |key: &str| endpoint.and_then(|endpoint| endpoint.get(key)).cloned();
    let types = own("types");
    let private = types.as_ref().and_then(Value::as_array).is_some_and(|types| types.contains(&json!("PRIVATE")));
    row.put("types", types);
    row.put("vpcEndpointIds", own("vpcEndpointIds"));
    let usual = if private { "dualstack" } else { "ipv4" };
    row.put("ipAddressType", own("ipAddressType").filter(|kind| kind != usual));
    let disabled = rows.api.get("disableExecuteApiEndpoint").and_then(Value::as_bool) == Some(true);
    row.put("disableExecuteApiEndpoint", disabled.then_some(true));
    row
}

fn validators(rows: &ApiRows) -> Object {
    let flag = |row: &Object, key: &str| row.get(key).and_then(Value::as_bool).unwrap_or(false);
    let entry = |row: &Object| {
        let flags = json!({
            "validateRequestParameters": flag(row, "validateRequestParameters"),
            "validateRequestBody": flag(row, "validateRequestBody"),
        });
        (text(row, "name").unwrap_or_default().to_owned(), flags)
    };
    rows.request_validators.iter().map(entry).collect()
}

fn gateway_responses(rows: &ApiRows) -> Object {
    let entry = |row: &Object| {
        let mut response = Object::new();
        for key in ["statusCode", "responseParameters", "responseTemplates"] {
            response.put(key, row.get(key).cloned());
        }
        (text(row, "responseType").unwrap_or_default().to_owned(), Value::from(response))
    };
    rows.gateway_responses.iter().map(entry).collect()
}

/// AWS answers with the text that stands between the quotes of a JSON string; here it is an object again.
fn policy(text: &str) -> Option<Value> {
    let plain = |text: &str| serde_json::from_str(text).ok().filter(Value::is_object);
    plain(text).or_else(|| plain(&serde_json::from_str::<String>(&format!("\"{text}\"")).ok()?))
}

fn documentation(rows: &ApiRows, options: &ExportOptions) -> Option<Object> {
    if rows.documentation_parts.is_empty() {
        return None;
    }
    let part = |row: &Object| {
        let properties = text(row, "properties").unwrap_or_default();
        let value = serde_json::from_str(properties).ok().filter(Value::is_object);
        json!({"location": row.get("location"), "properties": value.unwrap_or_else(|| properties.into())})
    };
    let mut row = Object::new();
    row.put("version", options.documentation_version.as_deref());
    row.put("createdDate", options.documentation_version.is_some().then(|| options.created()));
    row.put("documentationParts", Some(rows.documentation_parts.iter().map(part).collect::<Vec<Value>>()));
    Some(row)
}
