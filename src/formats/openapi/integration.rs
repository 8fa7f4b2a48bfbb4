//! `x-amazon-apigateway-integration`: its properties, as they are written. Whether they fit together is
//! `integration_rules.rs`'s matter.

use super::found::{Owner, Part};
use super::reader::Reader;
use super::suggest::closest;
use crate::formats::yaml::{Node, NodeValue};
use crate::model::problem::{Located, Place};
use crate::model::rest_api::{HttpMethod, Integration, IntegrationResponse, IntegrationType, PassthroughBehavior};

const PROPERTIES: [&str; 18] = [
    "$ref",
    "cacheKeyParameters",
    "cacheNamespace",
    "connectionId",
    "connectionType",
    "contentHandling",
    "credentials",
    "httpMethod",
    "integrationTarget",
    "passthroughBehavior",
    "requestParameters",
    "requestTemplates",
    "responseTransferMode",
    "responses",
    "timeoutInMillis",
    "tlsConfig",
    "type",
    "uri",
];
const HTTP_API_PROPERTIES: [&str; 3] = ["integrationSubtype", "payloadFormatVersion", "responseParameters"];
const RESPONSE_PROPERTIES: [&str; 4] = ["contentHandling", "responseParameters", "responseTemplates", "statusCode"];
const CONTENT_HANDLING: [&str; 2] = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"];
const CODE: &str = "openapi::integration";

/// `place` is that of the key, so that a problem points at one line and not at the whole integration.
pub(super) fn read<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, place: Place) -> Option<Integration> {
    let node = reader.resolve(node)?;
    let entries = reader.map(node, "`x-amazon-apigateway-integration`")?;
    let kind = node.get("type").and_then(|node| reader.text(node, "`type`"));
    if kind.is_none() {
        let help = "Write `type: http_proxy`, `http`, `mock`, `aws_proxy` or `aws`";
        reader.error("openapi::integration::type", place, "an integration without `type`", help);
    }
    let kind = kind.and_then(|kind| integration_type(reader, &kind));
    // Read as a mock where the type is missing, so that the problems of the other properties are told as well.
    let read_as = kind.clone().unwrap_or(Located::new(IntegrationType::Mock, place));
    let mut integration = empty(read_as, place);
    for (key, value) in entries {
        property(reader, &mut integration, key, value);
    }
    if kind.as_ref().is_some_and(|kind| kind.value != IntegrationType::Mock) {
        missing(reader, node, &integration);
    }
    kind.map(|_| integration)
}

/// What everything but a mock needs. A property that is there but wrong has been told already.
fn missing(reader: &mut Reader<'_, '_>, node: &Node, integration: &Integration) {
    let (name, place) = (integration.kind.value.as_str(), integration.kind.place);
    let absent = |key: &str| node.get(key).is_none_or(Node::is_null);
    if absent("uri") {
        let found = format!("an integration of type {name} without `uri`");
        reader.error("openapi::integration::uri", place, found, "Write `uri: https://…`, the address of the backend");
        reader.on_aws(match integration.kind.value {
            IntegrationType::Aws | IntegrationType::AwsProxy => "Invalid ARN specified in the request",
            _ => "Invalid HTTP endpoint specified for URI",
        });
    }
    if absent("httpMethod") {
        let found = format!("an integration of type {name} without `httpMethod`");
        let help = "Write `httpMethod: GET`, the backend's verb, or `ANY` for the client's";
        // AWS's import writes POST for Lambda, whatever the document says (openapi-import-export section 3).
        match integration.kind.value {
            IntegrationType::AwsProxy => reader.deploy_error("openapi::integration::http-method", place, found, help),
            _ => reader.error("openapi::integration::http-method", place, found, help),
        }
        reader.on_aws("Enumeration value for HttpMethod must be non-empty");
    }
}

fn property<'d>(reader: &mut Reader<'d, '_>, integration: &mut Integration, key: &Located<String>, value: &'d Node) {
    match key.value.as_str() {
        "type" | "$ref" => {}
        "integrationTarget" => integration.integration_target = reader.text(value, "`integrationTarget`"),
        "httpMethod" => integration.http_method = verb(reader, value),
        "uri" => integration.uri = reader.text(value, "`uri`"),
        "credentials" => integration.credentials = reader.text(value, "`credentials`"),
        "connectionType" => {
            integration.connection_type = reader.choice(CODE, value, "connection type", &["INTERNET", "VPC_LINK"]);
        }
        "connectionId" => integration.connection_id = reader.text(value, "`connectionId`"),
        "requestParameters" => integration.request_parameters = mappings(reader, value, "`requestParameters`"),
        "requestTemplates" => integration.request_templates = templates(reader, value, "`requestTemplates`"),
        "passthroughBehavior" => {
            let choices = ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"];
            let chosen = reader.choice(CODE, value, "passthrough behavior", &choices).map(|chosen| chosen.value);
            integration.passthrough_behavior = match chosen.as_deref() {
                Some("WHEN_NO_TEMPLATES") => PassthroughBehavior::WhenNoTemplates,
                Some("NEVER") => PassthroughBehavior::Never,
                _ => PassthroughBehavior::WhenNoMatch,
            };
        }
        "contentHandling" => {
            integration.content_handling = reader.choice(CODE, value, "content handling", &CONTENT_HANDLING);
        }
        "timeoutInMillis" => integration.timeout_in_millis = reader.integer(value, "`timeoutInMillis`"),
        "cacheNamespace" => integration.cache_namespace = reader.text(value, "`cacheNamespace`"),
        "cacheKeyParameters" => {
            let items = reader.list(value, "`cacheKeyParameters`").iter();
            integration.cache_key_parameters =
                items.filter_map(|item| reader.text(item, "a cache key parameter")).collect();
        }
        "tlsConfig" => {
            reader.map(value, "`tlsConfig`");
            let skip = value.get("insecureSkipVerification");
            integration.insecure_skip_verification =
                skip.and_then(|node| reader.boolean(node, "`insecureSkipVerification`"));
        }
        "responseTransferMode" => {
            integration.response_transfer_mode =
                reader.choice(CODE, value, "response transfer mode", &["BUFFERED", "STREAM"]);
        }
        "responses" => {
            let before = reader.part(Part::IntegrationResponse);
            integration.responses = responses(reader, value);
            reader.part(before);
        }
        _ => unknown(reader, key, &PROPERTIES, "an integration"),
    }
}

fn integration_type(reader: &mut Reader<'_, '_>, text: &Located<String>) -> Option<Located<IntegrationType>> {
    if let Some(kind) = IntegrationType::parse(&text.value) {
        return Some(Located::new(kind, text.place));
    }
    let names = IntegrationType::ALL.map(IntegrationType::as_str);
    // `http-proxy` and `httpproxy` are the usual slips.
    let plain = text.value.replace('-', "_");
    let help = match closest(&plain, &names) {
        Some(near) => format!("Did you mean `{}`?", near.to_ascii_lowercase()),
        None => "Write `http_proxy`, `http`, `mock`, `aws_proxy` or `aws`".to_owned(),
    };
    reader.error("openapi::integration::type", text.place, format!("`{}` is no integration type", text.value), help);
    None
}

fn verb<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> Option<Located<HttpMethod>> {
    let names = HttpMethod::ALL.map(HttpMethod::as_str);
    let text = reader.choice("openapi::integration::http-method", node, "HTTP method", &names)?;
    HttpMethod::parse(&text.value).map(|method| Located::new(method, text.place))
}

fn mappings<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, what: &str) -> Vec<(Located<String>, Located<String>)> {
    let mut mappings = Vec::new();
    for (key, value) in reader.map(node, what).into_iter().flatten() {
        // A truth value is not a source. AWS warns and leaves the mapping out (openapi-extensions section 3).
        if matches!(&value.value, NodeValue::Scalar(scalar) if scalar.as_bool().is_some()) {
            let found = format!("`{}` is mapped from {}", key.value, value.describe());
            let help = "Write a source such as `method.request.header.X`, or a constant in quotes such as \"'true'\": \
                        as it stands the mapping is left out";
            reader.warning("openapi::integration::mapping", value.place, found, help);
            if let (Owner::Method(verb, path, _), NodeValue::Scalar(scalar)) = (&reader.owner, &value.value) {
                let (what, key, got) = (what.trim_matches('`'), &key.value, &scalar.text);
                let text = format!(
                    "Invalid format for '{what}'. Expected type string for property '{key}' of resource '{path}' and \
                     method '{verb}' but got '{got}'"
                );
                reader.on_aws(text);
            }
        } else if let Some(source) = reader.text(value, "a mapping's source") {
            mappings.push((key.clone(), source));
        }
    }
    mappings
}

/// Content type to template; nothing at all is the console's "passthrough", an empty template (rest/04 section 4.5).
fn templates<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, what: &str) -> Vec<(Located<String>, Located<String>)> {
    let mut templates = Vec::new();
    for (key, value) in reader.map(node, what).into_iter().flatten() {
        let template = if value.is_null() {
            Some(Located::new(String::new(), value.place))
        } else {
            reader.text(value, "a mapping template")
        };
        templates.extend(template.map(|template| (key.clone(), template)));
    }
    templates
}

fn responses<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> Vec<IntegrationResponse> {
    let mut responses = Vec::new();
    for (pattern, node) in reader.map(node, "`responses`").into_iter().flatten() {
        let Some(entries) = reader.map(node, "an integration response") else { continue };
        for (key, _) in entries.iter().filter(|(key, _)| !RESPONSE_PROPERTIES.contains(&key.value.as_str())) {
            unknown(reader, key, &RESPONSE_PROPERTIES, "an integration response");
        }
        let status = node.get("statusCode").map(|status| reader.integer(status, "`statusCode`"));
        let status_code = match status {
            None => {
                let help = "Write `statusCode: \"200\"`: the status that the client gets";
                reader.error(
                    "openapi::integration::response",
                    pattern.place,
                    "an integration response without `statusCode`",
                    help,
                );
                continue;
            }
            Some(None) => continue,
            Some(Some(status)) => match u16::try_from(status.value).ok().filter(|status| (100..600).contains(status)) {
                Some(code) => Located::new(code, status.place),
                None => {
                    let found = format!("{} is no status code", status.value);
                    reader.error(
                        "openapi::integration::response",
                        status.place,
                        found,
                        "Write a number from 100 to 599",
                    );
                    continue;
                }
            },
        };
        let parameters = node.get("responseParameters").map(|node| mappings(reader, node, "`responseParameters`"));
        let templates = node.get("responseTemplates").map(|node| templates(reader, node, "`responseTemplates`"));
        let handling = node.get("contentHandling");
        responses.push(IntegrationResponse {
            selection_pattern: (pattern.value != "default").then(|| pattern.clone()),
            status_code,
            response_parameters: parameters.unwrap_or_default(),
            response_templates: templates.unwrap_or_default(),
            content_handling: handling
                .and_then(|node| reader.choice(CODE, node, "content handling", &CONTENT_HANDLING)),
            place: pattern.place,
        });
    }
    responses
}

fn unknown(reader: &mut Reader<'_, '_>, key: &Located<String>, known: &[&str], owner: &str) {
    let name = key.value.as_str();
    if name.starts_with("x-") {
        return;
    }
    let help = match closest(name, known) {
        _ if name == "integrationHttpMethod" => "Write `httpMethod`: OpenAPI documents name it so".to_owned(),
        _ if name == "integrationResponses" => "Write `responses`: OpenAPI documents name it so".to_owned(),
        _ if HTTP_API_PROPERTIES.contains(&name) => "Remove it: only HTTP APIs have it".to_owned(),
        Some(near) => format!("Did you mean `{near}`?"),
        None => "Remove it: it has no effect".to_owned(),
    };
    reader.lint("openapi::integration::property", key.place, format!("unknown property `{name}` of {owner}"), help);
}

fn empty(kind: Located<IntegrationType>, place: Place) -> Integration {
    Integration {
        kind,
        http_method: None,
        uri: None,
        credentials: None,
        connection_type: None,
        connection_id: None,
        request_parameters: Vec::new(),
        request_templates: Vec::new(),
        passthrough_behavior: PassthroughBehavior::default(),
        content_handling: None,
        timeout_in_millis: None,
        cache_namespace: None,
        cache_key_parameters: Vec::new(),
        insecure_skip_verification: None,
        response_transfer_mode: None,
        integration_target: None,
        responses: Vec::new(),
        place,
    }
}
