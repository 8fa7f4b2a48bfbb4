//! `Integration`, with its responses in it.

use serde_json::Value;

use crate::formats::openapi::members::Members;
use crate::model::api_rows::Object;
use crate::model::problem::Located;
use crate::model::rest_api::{Integration, IntegrationResponse, IntegrationType, PassthroughBehavior};

/// AWS shows it where the document says none (openapi-import-export section 3, recorded).
const TIMEOUT_IN_MILLIS: u32 = 29_000;

/// `duplicate` hears of statuses that two responses have.
pub(super) fn row(integration: &Integration, duplicate: &mut impl FnMut(u16)) -> Object {
    let kind = integration.kind.value;
    let mut row = Object::new();
    row.put("type", Some(kind.as_str()));
    // A mock has no backend: AWS drops what names one (control-plane/v1-operations section 2, recorded).
    if kind != IntegrationType::Mock {
        let verb = integration.http_method.as_ref().map(|verb| verb.value.as_str());
        row.put("httpMethod", if kind == IntegrationType::AwsProxy { Some("POST") } else { verb });
        row.put("uri", text(&integration.uri));
    }
    let http = matches!(kind, IntegrationType::Http | IntegrationType::HttpProxy);
    row.put("connectionType", text(&integration.connection_type).or(http.then_some("INTERNET")));
    row.put("connectionId", text(&integration.connection_id));
    row.put("credentials", text(&integration.credentials));
    row.put_object("requestParameters", map(&integration.request_parameters));
    row.put_object("requestTemplates", map(&integration.request_templates));
    row.put("passthroughBehavior", Some(passthrough(integration.passthrough_behavior)));
    row.put("contentHandling", text(&integration.content_handling));
    let timeout = integration.timeout_in_millis.as_ref().map_or(TIMEOUT_IN_MILLIS, |timeout| timeout.value);
    row.put("timeoutInMillis", Some(timeout));
    row.put("cacheNamespace", text(&integration.cache_namespace));
    let keys = integration.cache_key_parameters.iter().map(|key| Value::from(key.value.as_str()));
    row.put("cacheKeyParameters", Some(keys.collect::<Vec<_>>()));
    row.put_object("integrationResponses", responses(&integration.responses, duplicate));
    if let Some(skip) = &integration.insecure_skip_verification {
        row.put_object(
            "tlsConfig",
            [("insecureSkipVerification".to_owned(), Value::from(skip.value))].into_iter().collect(),
        );
    }
    row.put("responseTransferMode", text(&integration.response_transfer_mode));
    row.put("integrationTarget", text(&integration.integration_target));
    row
}

/// By status: AWS keeps one response a status, the last that was put.
fn responses(responses: &[IntegrationResponse], duplicate: &mut impl FnMut(u16)) -> Object {
    let mut rows = Object::new();
    for response in responses {
        let mut row = Object::new();
        let status = response.status_code.value;
        row.put("statusCode", Some(status.to_string()));
        row.put("selectionPattern", text(&response.selection_pattern));
        row.put_object("responseParameters", map(&response.response_parameters));
        row.put_object("responseTemplates", map(&response.response_templates));
        row.put("contentHandling", text(&response.content_handling));
        if rows.insert(status.to_string(), Value::from(row)).is_some() {
            duplicate(status);
        }
    }
    rows
}

fn text(located: &Option<Located<String>>) -> Option<&str> {
    located.as_ref().map(|located| located.value.as_str())
}

fn map(entries: &[(Located<String>, Located<String>)]) -> Object {
    entries.iter().map(|(key, value)| (key.value.clone(), Value::from(value.value.as_str()))).collect()
}

fn passthrough(behavior: PassthroughBehavior) -> &'static str {
    match behavior {
        PassthroughBehavior::WhenNoMatch => "WHEN_NO_MATCH",
        PassthroughBehavior::WhenNoTemplates => "WHEN_NO_TEMPLATES",
        PassthroughBehavior::Never => "NEVER",
    }
}
