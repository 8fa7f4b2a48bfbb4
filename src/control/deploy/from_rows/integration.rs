//! A row's integration, with its responses.

use serde_json::Value;

use super::value::{Pairs, flag, list_at, number, objects, text, text_at, texts_at};
use crate::model::api_rows::Object;
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{HttpMethod, Integration, IntegrationResponse, IntegrationType, PassthroughBehavior};

/// `None`, and a problem, where the row has none of AWS's types.
pub(super) fn read(row: &Object, place: Place, problems: &mut Vec<Problem>) -> Option<Integration> {
    let Some(kind) = text(row, "type").and_then(|kind| IntegrationType::parse(&kind)) else {
        let found = "an integration without a type";
        problems.push(Problem::error("deploy::integration", place, found, "Put an integration of one of AWS's types"));
        return None;
    };
    let verb = text(row, "httpMethod").and_then(|verb| HttpMethod::parse(&verb));
    let tls = row.get("tlsConfig").and_then(Value::as_object);
    let integration = Integration {
        kind: Located::new(kind, place),
        http_method: verb.map(|verb| Located::new(verb, place)),
        uri: text_at(row, "uri", place),
        credentials: text_at(row, "credentials", place),
        connection_type: text_at(row, "connectionType", place),
        connection_id: text_at(row, "connectionId", place),
        request_parameters: texts_at(row.get("requestParameters"), place),
        request_templates: texts_at(row.get("requestTemplates"), place),
        passthrough_behavior: match text(row, "passthroughBehavior").as_deref() {
            Some("WHEN_NO_TEMPLATES") => PassthroughBehavior::WhenNoTemplates,
            Some("NEVER") => PassthroughBehavior::Never,
            _ => PassthroughBehavior::WhenNoMatch,
        },
        content_handling: text_at(row, "contentHandling", place),
        timeout_in_millis: number(row, "timeoutInMillis").map(|timeout| Located::new(timeout, place)),
        cache_namespace: text_at(row, "cacheNamespace", place),
        cache_key_parameters: list_at(row.get("cacheKeyParameters"), place),
        insecure_skip_verification: tls.map(|tls| Located::new(flag(tls, "insecureSkipVerification"), place)),
        response_transfer_mode: text_at(row, "responseTransferMode", place),
        integration_target: text_at(row, "integrationTarget", place),
        responses: responses(row, place, problems),
        place,
    };
    control_characters(&integration.request_parameters, place, problems);
    for response in &integration.responses {
        control_characters(&response.response_parameters, place, problems);
    }
    Some(integration)
}

/// In the order of the rows: rest/07 has the first pattern that matches, and the default last whatever its place.
fn responses(row: &Object, place: Place, problems: &mut Vec<Problem>) -> Vec<IntegrationResponse> {
    let mut responses = Vec::new();
    for (key, row) in objects(row.get("integrationResponses")) {
        let status = text(row, "statusCode").unwrap_or_else(|| key.clone());
        let Some(code) = status.parse().ok().filter(|code| (100..600).contains(code)) else {
            let found = format!("`{status}` is no status code");
            problems.push(Problem::error("deploy::integration", place, found, "Write a number from 100 to 599"));
            continue;
        };
        responses.push(IntegrationResponse {
            selection_pattern: text_at(row, "selectionPattern", place).filter(|pattern| !pattern.value.is_empty()),
            status_code: Located::new(code, place),
            response_parameters: texts_at(row.get("responseParameters"), place),
            response_templates: texts_at(row.get("responseTemplates"), place),
            content_handling: text_at(row, "contentHandling", place),
            place,
        });
    }
    responses
}

/// Constants of a mapping are HTTP's: a line break in one would begin another header (RFC 9110 section 5.5).
fn control_characters(mappings: &Pairs, place: Place, problems: &mut Vec<Problem>) {
    let broken = |text: &str| text.contains(|letter: char| letter.is_control() && letter != '\t');
    if mappings.iter().any(|(_, source)| broken(&source.value)) {
        let found = "a line break or another control character in a mapping's source";
        problems.push(Problem::error("deploy::mapping", place, found, "Write it on one line, without them"));
    }
}
