//! `x-amazon-apigateway-integration`

use std::collections::HashSet;

use serde_json::Value;

use crate::formats::openapi::members::{Members, object, text};
use crate::model::api_rows::Object;

/// What need not be said.
const TIMEOUT_IN_MILLIS: u64 = 29_000;

pub(super) fn extension(integration: &Object, resource_ids: &HashSet<&str>) -> Object {
    let own = |key: &str| integration.get(key).filter(|value| !is_empty(value)).cloned();
    let mut row = Object::new();
    row.put("type", text(integration, "type").map(str::to_ascii_lowercase));
    for key in ["credentials", "httpMethod", "uri"] {
        row.put(key, own(key));
    }
    row.put_object("responses", responses(integration));
    for key in ["requestParameters", "requestTemplates"] {
        row.put(key, own(key));
    }
    row.put("passthroughBehavior", text(integration, "passthroughBehavior").map(str::to_ascii_lowercase));
    let timeout = integration.get("timeoutInMillis");
    row.put("timeoutInMillis", timeout.filter(|timeout| timeout.as_u64() != Some(TIMEOUT_IN_MILLIS)).cloned());
    row.put("connectionType", text(integration, "connectionType").filter(|kind| *kind != "INTERNET"));
    row.put("connectionId", own("connectionId"));
    // The resource's own id says nothing: whoever imports the document has another.
    let namespace = text(integration, "cacheNamespace");
    row.put("cacheNamespace", namespace.filter(|namespace| !resource_ids.contains(namespace)));
    for key in ["cacheKeyParameters", "contentHandling", "tlsConfig", "responseTransferMode", "integrationTarget"] {
        row.put(key, own(key));
    }
    row
}

/// By pattern; AWS writes the one without as `default`.
fn responses(integration: &Object) -> Object {
    let mut responses = Object::new();
    for (status, response) in object(integration, "integrationResponses").into_iter().flatten() {
        let Some(response) = response.as_object() else { continue };
        let mut row = Object::new();
        row.put("statusCode", Some(text(response, "statusCode").unwrap_or(status)));
        for key in ["responseParameters", "responseTemplates", "contentHandling"] {
            row.put(key, response.get(key).filter(|value| !is_empty(value)).cloned());
        }
        let pattern = text(response, "selectionPattern").filter(|pattern| !pattern.is_empty());
        responses.put(pattern.unwrap_or("default"), Some(row));
    }
    responses
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
