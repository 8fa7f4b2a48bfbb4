//! Whether an integration's properties fit together, and fit the method that they serve.

use std::time::Duration;

use super::aws_uri;
use super::found::Part;
use super::mapping::{self, Source};
use super::parameters::Declared;
use super::path_rules::Variable;
use super::reader::Reader;
use super::uri;
use crate::formats::yaml::Entries;
use crate::model::problem::Located;
use crate::model::rest_api::{Integration, IntegrationResponse, IntegrationType};
use crate::settings::limits::{INTEGRATION_TIMEOUT_MIN, STREAM_TIMEOUT_MAX};

/// What AWS says of every URI that it does not take.
const BAD_ENDPOINT: &str = "Invalid HTTP endpoint specified for URI";

/// The method that an integration serves.
pub(super) struct Served<'a, 'd> {
    pub(super) path: &'a str,
    /// `None`: the path is wrong, and nothing is to be said about its parameters.
    pub(super) variables: Option<&'a [Variable]>,
    pub(super) declared: &'a Declared,
    /// The operation's own properties.
    pub(super) method: &'d Entries,
}

pub(super) fn check<'d>(reader: &mut Reader<'d, '_>, integration: &Integration, served: &Served<'_, 'd>) {
    let kind = integration.kind.value;
    if matches!(kind, IntegrationType::Http | IntegrationType::HttpProxy) {
        http_uri(reader, integration);
    } else if kind != IntegrationType::Mock {
        reader.for_import(|reader| aws_uri::check(reader, integration));
    }
    timeout(reader, integration);
    request_parameters(reader, integration, served);
    if !matches!(kind, IntegrationType::HttpProxy | IntegrationType::AwsProxy) {
        responses(reader, integration, served);
    }
    if kind == IntegrationType::Mock && integration.request_templates.is_empty() {
        let found = "a mock without `requestTemplates`";
        let help = "Write `requestTemplates: {application/json: '{\"statusCode\": 200}'}`: \
                    else every request must bring a statusCode, or gets 500";
        reader.lint("openapi::integration::mock", integration.place, found, help);
    }
}

fn http_uri(reader: &mut Reader<'_, '_>, integration: &Integration) {
    const CODE: &str = "openapi::integration::uri";
    let Some(uri) = &integration.uri else { return };
    let text = uri.value.as_str();
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        let found = "Invalid HTTP endpoint specified for URI: it has a blank in it";
        reader.error(CODE, uri.place, found, "Write the blank as `%20`, or remove it");
        reader.on_aws(BAD_ENDPOINT);
    }
    // A stage variable may not bring the scheme (rest/04 section 4.3).
    match uri::authority(text) {
        None => {
            let found =
                format!("Invalid HTTP endpoint specified for URI: `{text}` does not begin with http:// or https://");
            reader.error(CODE, uri.place, found, "Write the whole address, such as `https://backend.example/pets`");
            reader.on_aws(BAD_ENDPOINT);
        }
        Some(authority) => {
            if let Some(fault) = uri::authority_fault(authority) {
                let found = format!("Invalid HTTP endpoint specified for URI: `{text}` has {fault}");
                reader.error(CODE, uri.place, found, "Write `https://host/path` or `https://host:port/path`");
                reader.on_aws(BAD_ENDPOINT);
            }
        }
    }
    // A template may give a value that no mapping does: `$context.requestOverride.path`.
    let overrides = integration.kind.value == IntegrationType::Http
        && integration.request_templates.iter().any(|(_, text)| text.value.contains("requestOverride"));
    for name in uri::placeholders(text).into_iter().filter(|_| !overrides) {
        let key = format!("integration.request.path.{name}");
        if !integration.request_parameters.iter().any(|(known, _)| known.value == key) {
            let found = format!("nothing fills `{{{name}}}` of the URI: every request would be answered with 500");
            let help = format!("Write `{key}: method.request.path.{name}` in `requestParameters`");
            reader.deploy_error(CODE, uri.place, found, help);
        }
    }
}

fn timeout(reader: &mut Reader<'_, '_>, integration: &Integration) {
    let mode = integration.response_transfer_mode.as_ref();
    let streamed = mode.is_some_and(|mode| mode.value == "STREAM");
    let proxy = matches!(integration.kind.value, IntegrationType::HttpProxy | IntegrationType::AwsProxy);
    if let Some(mode) = mode.filter(|_| streamed && !proxy) {
        let found = format!("an integration of type {} cannot STREAM", integration.kind.value.as_str());
        reader.error("openapi::integration::stream", mode.place, found, "Use `type: http_proxy`, or `BUFFERED`");
    }
    let Some(timeout) = &integration.timeout_in_millis else { return };
    let most = reader.options.integration_timeout_max;
    let most = if streamed { most.max(STREAM_TIMEOUT_MAX) } else { most };
    if !(INTEGRATION_TIMEOUT_MIN..=most).contains(&Duration::from_millis(timeout.value.into())) {
        let (least, most) = (INTEGRATION_TIMEOUT_MIN.as_millis(), most.as_millis());
        let found = format!("Timeout should be between {least} ms and {most} ms, not {} ms", timeout.value);
        let help = "Write milliseconds in that range, or raise it with `--integration-timeout`";
        reader.error("openapi::integration::timeout", timeout.place, found, help);
        reader.on_aws(format!("Timeout should be between {least} ms and {most} ms"));
    }
}

fn request_parameters(reader: &mut Reader<'_, '_>, integration: &Integration, served: &Served<'_, '_>) {
    const CODE: &str = "openapi::integration::mapping";
    for (key, source) in &integration.request_parameters {
        if mapping::request_key(&key.value).is_none() {
            let found = format!("Invalid mapping expression specified: {}", key.value);
            let help = "Write `integration.request.header.NAME`, `.querystring.NAME` or `.path.NAME`, \
                        NAME of letters, digits and `._$-`";
            reader.error(CODE, key.place, found, help);
            reader.on_aws(mapping::invalid(&key.value));
        }
        control_characters(reader, source);
        let declared = match mapping::request_source(&source.value) {
            None => {
                let help = format!(
                    "Write `method.request.header.NAME`, `.querystring.NAME`, `.path.NAME` or `.body`, `context.NAME`, \
                     `stageVariables.NAME`, or a constant as \"'{}'\"",
                    source.value.trim_matches('\'')
                );
                reader.error(
                    CODE,
                    source.place,
                    format!("Invalid mapping expression specified: {}", source.value),
                    help,
                );
                reader.on_aws(mapping::invalid(&source.value));
                continue;
            }
            Some(Source::Other) => continue,
            Some(Source::Path(name)) => {
                let Some(variables) = served.variables else { continue };
                if !variables.iter().any(|variable| variable.name == name) {
                    let found =
                        format!("Invalid mapping expression specified: {}: the path has no `{{{name}}}`", source.value);
                    let help = format!("Map a parameter of `{}`, or add `{{{name}}}` to the path", served.path);
                    reader.error(CODE, source.place, found, help);
                    reader.on_aws(mapping::invalid(&source.value));
                    continue;
                }
                ("path", name)
            }
            Some(Source::Query(name)) => ("querystring", name),
            Some(Source::Header(name)) => ("header", name),
        };
        undeclared(reader, source, declared, served);
    }
}

/// A line break in a constant would end the header and begin another (RFC 9110 section 5.5).
fn control_characters(reader: &mut Reader<'_, '_>, source: &Located<String>) {
    if source.value.contains(|letter: char| letter.is_control() && letter != '\t') {
        let found = "a line break or another control character in a mapping's source";
        reader.error("openapi::integration::mapping", source.place, found, "Write it on one line, without them");
    }
}

/// Whatever a mapping names must be declared by the method (rest/04 section 4.4).
fn undeclared(
    reader: &mut Reader<'_, '_>,
    source: &Located<String>,
    (location, name): (&str, &str),
    served: &Served<'_, '_>,
) {
    if served.declared.has(&format!("method.request.{location}.{name}")) {
        return;
    }
    let found = format!("Invalid mapping expression specified: {}: the method does not declare it", source.value);
    let (at, required) = match location {
        "path" => ("path", ", required: true"),
        "querystring" => ("query", ""),
        _ => ("header", ""),
    };
    let help = format!("Add `{{name: {name}, in: {at}{required}}}` to the method's `parameters`");
    reader.error("openapi::integration::mapping", source.place, found, help);
    reader.on_aws(mapping::invalid(&source.value));
}

fn responses<'d>(reader: &mut Reader<'d, '_>, integration: &Integration, served: &Served<'_, 'd>) {
    if integration.responses.is_empty() {
        let found = format!("an integration of type {} without `responses`", integration.kind.value.as_str());
        let help = "Write `responses: {default: {statusCode: \"200\"}}`: without it every request is answered with 500";
        reader.lint("openapi::integration::response", integration.place, found, help);
    }
    reader.part(Part::IntegrationResponse);
    for response in &integration.responses {
        for (key, source) in &response.response_parameters {
            response_mapping(reader, key, source);
        }
        method_response(reader, response, served);
    }
    reader.part(Part::Integration);
}

fn response_mapping(reader: &mut Reader<'_, '_>, key: &Located<String>, source: &Located<String>) {
    const CODE: &str = "openapi::integration::mapping";
    if mapping::response_key(&key.value).is_none() {
        let found = format!("Invalid mapping expression specified: {}", key.value);
        reader.error(CODE, key.place, found, "Write `method.response.header.NAME`, NAME of letters, digits and `._$-`");
        reader.on_aws(mapping::invalid(&key.value));
    }
    control_characters(reader, source);
    if !mapping::is_response_source(&source.value) {
        let help = format!(
            "Write `integration.response.header.NAME` or `.body`, `context.NAME`, `stageVariables.NAME`, \
             or a constant as \"'{}'\"",
            source.value.trim_matches('\'')
        );
        reader.error(CODE, source.place, format!("Invalid mapping expression specified: {}", source.value), help);
        reader.on_aws(mapping::invalid(&source.value));
    }
}

/// AWS wants each status, and each mapped header, in the operation's own `responses` (rest/07 section 7.2). Weir serves
/// them all the same, so it is worth a warning only.
fn method_response<'d>(reader: &mut Reader<'d, '_>, response: &IntegrationResponse, served: &Served<'_, 'd>) {
    const CODE: &str = "openapi::method-response";
    let status = response.status_code.value.to_string();
    let declared = served.method.iter().find(|(key, _)| key.value == "responses").map(|(_, node)| node);
    let Some(declared) = declared.and_then(|node| node.get(&status)) else {
        let found = format!("the operation's `responses` do not declare {status}");
        let help = format!("Add `\"{status}\": {{description: …}}` to them: AWS refuses the response otherwise");
        return reader.lint(CODE, response.status_code.place, found, help);
    };
    let Some(declared) = reader.resolve(declared) else { return };
    for (key, _) in &response.response_parameters {
        let Some(name) = mapping::response_key(&key.value) else { continue };
        if declared.get("headers").and_then(|headers| headers.get(name)).is_none() {
            let found = format!("the operation's response {status} does not declare the header `{name}`");
            let help = format!("Add `{name}` to its `headers`: AWS refuses the mapping otherwise");
            reader.lint(CODE, key.place, found, help.as_str());
            // AWS refuses the mapping (rest/07 section 7.2); the file is served all the same.
            let text = format!("Invalid mapping expression parameter specified: {}", key.value);
            reader.for_import(|reader| {
                reader.error(CODE, key.place, text.as_str(), help);
                reader.on_aws(mapping::refused(&text));
            });
        }
    }
}
