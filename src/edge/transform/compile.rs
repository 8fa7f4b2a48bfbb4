//! An integration's mappings to what a request runs.

use std::collections::BTreeMap;

use regex::RegexBuilder;

use super::headers::{Target, target};
use super::parameters::{Piece, Source};
use super::request::{HttpRequest, MappedHeader, RequestMapping};
use super::response::ResponseMapping;
use super::select::{BodyTemplates, Choice, ResponseSource, Unmatched};
use crate::edge::exchange::{Variable, Verb};
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{HttpMethod, Integration, IntegrationType, PassthroughBehavior, Resource, RestApi};
use crate::net::tls::server_name;
use crate::settings::limits::PATTERN_BYTES_MAX;
use crate::wire::headers::Known;
use crate::wire::uri::encode_path;

/// Both ways of one method, and where its backend is.
#[derive(Debug)]
pub struct Mapping {
    pub request: RequestMapping,
    pub response: ResponseMapping,
    /// `None` for MOCK.
    pub backend: Option<Address>,
}

/// A backend as its URI names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub https: bool,
    /// In lower case, IPv6 in brackets.
    pub host: String,
    pub port: u16,
}

/// What a mapping is compiled from.
#[derive(Clone, Copy)]
pub struct Definition<'d> {
    pub api: &'d RestApi,
    pub resource: &'d Resource,
    pub integration: &'d Integration,
    pub stage_variables: &'d BTreeMap<String, String>,
    pub missing: Missing,
}

/// What a stage variable without a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// A mistake: nothing is deployed.
    #[default]
    Refused,
    /// An empty text, as on AWS (rest/14 section 14.2). A method whose backend has no address by that fails when it is
    /// called.
    Empty,
}

impl Definition<'_> {
    /// Whether the address of the backend is the stage's to say, which on AWS is seen only when the method is called.
    fn has_late_address(&self) -> bool {
        let uri = self.integration.uri.as_ref();
        self.missing == Missing::Empty && uri.is_some_and(|uri| uri.value.contains(STAGE_VARIABLE))
    }
}

const STAGE_VARIABLE: &str = "${stageVariables.";

/// Compiles both ways, or says everything that is wrong.
pub fn compile(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Mapping> {
    let before = problems.len();
    let mapping = match definition.integration.kind.value {
        IntegrationType::HttpProxy | IntegrationType::Http => http(definition, problems),
        IntegrationType::Mock => Some(mock(definition, problems)),
        // control/deploy refuses these; saying so here too keeps a new caller from leaving one out.
        IntegrationType::Aws | IntegrationType::AwsProxy => {
            let kind = definition.integration.kind.value.as_str();
            problems.push(Problem::unsupported(
                "integration::type",
                definition.integration.kind.place,
                format!("integrations of type {kind} cannot be called yet"),
                "use http_proxy, http or mock",
            ));
            None
        }
    };
    let failed = problems[before..].iter().any(|problem| problem.severity != crate::model::problem::Severity::Warning);
    mapping.filter(|_| !failed)
}

fn http(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Mapping> {
    let Definition { api, integration, .. } = definition;
    let proxy = integration.kind.value == IntegrationType::HttpProxy;
    let uri = integration.uri.as_ref()?;
    let before = problems.len();
    let text = with_stage_variables(uri, definition, problems);
    let (backend, rest) = match address(&text) {
        Ok(found) => found,
        // A missing variable has been told, and is why.
        Err(_) if problems.len() > before => return None,
        Err(_) if definition.has_late_address() => return Some(without_address(&text)),
        Err(reason) => {
            problems.push(Problem::error(
                "integration::uri",
                uri.place,
                format!("`{text}` is not an address that a backend can have: {reason}"),
                "write `http://host[:port]/path` or `https://host[:port]/path`",
            ));
            return None;
        }
    };
    if backend.https && definition.has_late_address() && server_name(&backend.host).is_none() {
        return Some(without_address(&text));
    }
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut headers = Vec::new();
    let mut parameters = Vec::new();
    let mut illegal = None;
    for (target_name, expression) in &integration.request_parameters {
        let Some((position, name)) =
            target_name.value.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'))
        else {
            continue; // formats/ has said so
        };
        let Some(source) = source(expression, definition, problems) else { continue };
        match position {
            "header" => match target(Known::of(name.as_bytes())) {
                Target::Sent => {
                    headers.push(MappedHeader {
                        name: name.as_bytes().into(),
                        known: Known::of(name.as_bytes()),
                        source,
                    });
                }
                Target::NotSent => problems.push(Problem::warning(
                    "integration::header",
                    target_name.place,
                    format!("the header `{name}` is mapped in vain: API Gateway does not send it"),
                    "remove the mapping",
                )),
                Target::Illegal => {
                    problems.push(Problem::warning(
                        "integration::header",
                        target_name.place,
                        format!("mapping the header `{name}` makes every call fail with 500, as on AWS"),
                        "remove the mapping: the gateway writes this header itself",
                    ));
                    illegal = Some(name.into());
                }
            },
            "querystring" => {
                let mut encoded = Vec::new();
                crate::wire::uri::encode_query(name.bytes(), |byte| encoded.push(byte));
                parameters.push((encoded.into(), source));
            }
            _ => {}
        }
    }
    let host = host_header(&backend);
    let path_pieces = pieces(&path, uri.place, definition, problems);
    let request = HttpRequest {
        proxy,
        verb: integration.http_method.as_ref().and_then(|method| verb(method.value)),
        host: host.into_bytes().into(),
        path_has_other_values: path_pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Value(source, _) if !matches!(source, Source::Path(_)))),
        path: path_pieces,
        query: query
            .filter(|query| !query.is_empty())
            .map_or_else(Box::default, |query| pieces(query, uri.place, definition, problems)),
        parameters: parameters.into(),
        headers: headers.into(),
        illegal,
        fixed_lines: format!("X-Amzn-Apigateway-Api-Id: {}\r\nConnection: keep-alive\r\n", api.id).into_bytes().into(),
        user_agent: format!("AmazonAPIGateway_{}", api.id).into_bytes().into(),
        body: body_templates(integration, |text| Some(text.as_bytes().into())),
    };
    let response = if proxy { ResponseMapping::Proxy } else { custom(definition, true, problems) };
    Some(Mapping { request: RequestMapping::Http(Box::new(request)), response, backend: Some(backend) })
}

/// A method that fails each time it is called: its stage variables give its backend no address.
fn without_address(uri: &str) -> Mapping {
    let detail = format!("Invalid endpoint address: `{uri}`");
    Mapping { request: RequestMapping::Broken(detail.into()), response: ResponseMapping::Proxy, backend: None }
}

fn mock(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Mapping {
    let integration = definition.integration;
    if integration.request_templates.is_empty() {
        problems.push(Problem::unsupported(
            "integration::mock",
            integration.place,
            "this MOCK integration has no request template, so its status would come from the client's body",
            r#"add `requestTemplates: {application/json: '{"statusCode": 200}'}`"#,
        ));
    }
    let templates = body_templates(integration, mock_status);
    for (_, template) in &integration.request_templates {
        if mock_status(&template.value).is_none() {
            problems.push(Problem::error(
                "integration::mock",
                template.place,
                "this template of a MOCK integration gives no integer `statusCode`, so every call would fail with 500",
                r#"write `{"statusCode": 200}`"#,
            ));
        }
    }
    Mapping { request: RequestMapping::Mock(templates), response: custom(definition, false, problems), backend: None }
}

/// The integer `statusCode` of a constant template.
fn mock_status(template: &str) -> Option<u16> {
    let value: serde_json::Value = serde_json::from_str(template).ok()?;
    u16::try_from(value.get("statusCode")?.as_u64()?).ok()
}

/// rest/04 section 4.5's table.
fn body_templates<T>(integration: &Integration, make: impl Fn(&str) -> Option<T>) -> BodyTemplates<T> {
    let templates = &integration.request_templates;
    let entries = templates
        .iter()
        .filter_map(|(name, text)| Some((name.value.to_ascii_lowercase().into(), make(&text.value)?)))
        .collect();
    let unmatched = match integration.passthrough_behavior {
        PassthroughBehavior::WhenNoMatch => Unmatched::PassThrough,
        PassthroughBehavior::WhenNoTemplates if templates.is_empty() => Unmatched::PassThrough,
        PassthroughBehavior::WhenNoTemplates | PassthroughBehavior::Never => Unmatched::Refuse,
    };
    BodyTemplates { entries, unmatched }
}

fn custom(definition: Definition<'_>, shows_trace: bool, problems: &mut Vec<Problem>) -> ResponseMapping {
    let integration = definition.integration;
    if integration.responses.is_empty() {
        problems.push(Problem::warning(
            "integration::responses",
            integration.place,
            "this integration has no responses, so every call fails with 500, as on AWS",
            r#"add `responses: {default: {statusCode: "200"}}`"#,
        ));
    }
    let mut choices: Vec<Choice> = Vec::new();
    for response in &integration.responses {
        let pattern = match response.selection_pattern.as_ref().filter(|pattern| !pattern.value.is_empty()) {
            None => None,
            Some(pattern) => match RegexBuilder::new(&format!("^(?:{})$", pattern.value))
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX)
                .build()
            {
                Ok(regex) => Some(regex),
                Err(error) => {
                    problems.push(Problem::error(
                        "integration::selection-pattern",
                        pattern.place,
                        format!("`{}` is not a regular expression that Weir can run: {error}", pattern.value),
                        "write it without look-around and back-references",
                    ));
                    continue;
                }
            },
        };
        if !(200..=599).contains(&response.status_code.value) {
            // An interim status as the last one would leave the client waiting for another answer (RFC 9110 15.2).
            problems.push(Problem::error(
                "integration::status",
                response.status_code.place,
                format!("an answer cannot end with the status {}", response.status_code.value),
                "write a status from 200 to 599",
            ));
        }
        let mut headers = Vec::new();
        for (target_name, expression) in &response.response_parameters {
            let Some(name) = target_name.value.strip_prefix("method.response.header.") else { continue };
            if let Some(source) = response_source(expression, definition, problems) {
                headers.push((name.as_bytes().into(), source));
            }
        }
        let templates = response.response_templates.iter();
        choices.push(Choice {
            pattern,
            status: response.status_code.value,
            headers: headers.into(),
            templates: templates
                .filter(|(_, text)| !text.value.is_empty())
                .map(|(name, text)| (name.value.to_ascii_lowercase().into(), text.value.as_bytes().into()))
                .collect(),
        });
    }
    choices.sort_by_key(|choice| choice.status);
    ResponseMapping::Custom { choices: choices.into(), shows_trace }
}

fn source(expression: &Located<String>, definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Source> {
    let text = expression.value.as_str();
    let bytes = |name: &str| -> Box<[u8]> { name.as_bytes().into() };
    if let Some(literal) = literal(text) {
        return header_text(literal, expression.place, problems).map(Source::Literal);
    }
    if let Some(name) = text.strip_prefix("stageVariables.") {
        let value = stage_variable(name, expression.place, definition, problems)?;
        return Some(Source::Literal(bytes(value)));
    }
    if let Some(name) = text.strip_prefix("context.") {
        return variable(name, expression.place, problems).map(Source::Context);
    }
    let (position, name) = text.strip_prefix("method.request.")?.split_once('.')?;
    match position {
        "path" => path_index(&definition.resource.path.value, name).map(Source::Path),
        "querystring" => Some(Source::Query(bytes(name))),
        "multivaluequerystring" => Some(Source::MultiQuery(bytes(name))),
        "header" => Some(Source::Header(bytes(name))),
        "multivalueheader" => Some(Source::MultiHeader(bytes(name))),
        _ => {
            problems.push(Problem::unsupported(
                "integration::source",
                expression.place,
                format!("`{text}` needs the request's body, which mappings cannot look into yet"),
                "map a header, a query or a path parameter",
            ));
            None
        }
    }
}

fn response_source(
    expression: &Located<String>,
    definition: Definition<'_>,
    problems: &mut Vec<Problem>,
) -> Option<ResponseSource> {
    let text = expression.value.as_str();
    if let Some(name) = text.strip_prefix("integration.response.header.") {
        return Some(ResponseSource::Header(name.as_bytes().into()));
    }
    if let Some(name) = text.strip_prefix("integration.response.multivalueheader.") {
        return Some(ResponseSource::MultiHeader(name.as_bytes().into()));
    }
    if text.starts_with("integration.response.body") {
        problems.push(Problem::unsupported(
            "integration::source",
            expression.place,
            format!("`{text}` needs the backend's body, which mappings cannot look into yet"),
            "map a header of the backend",
        ));
        return None;
    }
    match source(expression, definition, problems)? {
        Source::Literal(text) => Some(ResponseSource::Literal(text)),
        Source::Context(variable) => Some(ResponseSource::Context(variable)),
        source => Some(ResponseSource::Request(source)),
    }
}

fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
}

/// A constant that a header can carry: it is sent as it stands.
fn header_text(text: &str, place: Place, problems: &mut Vec<Problem>) -> Option<Box<[u8]>> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
        problems.push(Problem::error(
            "integration::literal",
            place,
            "this constant holds a control character, which would break the request",
            "remove it",
        ));
        return None;
    }
    Some(text.as_bytes().into())
}

fn variable(name: &str, place: Place, problems: &mut Vec<Problem>) -> Option<Variable> {
    let found = Variable::named(name);
    if found.is_none() {
        let known = Variable::names().collect::<Vec<_>>().join(", ");
        problems.push(Problem::warning(
            "integration::context",
            place,
            format!("`$context` has no `{name}`: the mapping sends nothing"),
            format!("use one of {known}"),
        ));
    }
    found
}

/// Which parameter of the path template has this name.
fn path_index(template: &str, name: &str) -> Option<usize> {
    let parameters = template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    parameters.map(|parameter| parameter.trim_end_matches('+')).position(|parameter| parameter == name)
}

/// Text with `{name}` in it, to constant text and values. What is constant is written ready for the wire.
fn pieces(text: &str, place: Place, definition: Definition<'_>, problems: &mut Vec<Problem>) -> Box<[Piece]> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (before, name, after) = next_placeholder(rest);
        push_text(&mut pieces, before.as_bytes());
        rest = after;
        let Some(name) = name else { continue };
        let key = format!("integration.request.path.{name}");
        let mapped = definition.integration.request_parameters.iter().find(|(target, _)| target.value == key);
        match mapped {
            None => problems.push(Problem::error(
                "integration::uri",
                place,
                format!("`{{{name}}}` in the uri has no value: every call would fail with 500"),
                format!("add `{key}: method.request.path.{name}` to requestParameters"),
            )),
            Some((_, expression)) => match source(expression, definition, problems) {
                Some(Source::Literal(literal)) => push_text(&mut pieces, &literal),
                Some(source) => pieces.push(Piece::Value(source, name.into())),
                None => {}
            },
        }
    }
    pieces.into()
}

/// Text before the next `{name}`, the name, and what is behind it.
fn next_placeholder(text: &str) -> (&str, Option<&str>, &str) {
    let Some(open) = text.find('{') else { return (text, None, "") };
    match text[open..].find('}') {
        Some(close) => (&text[..open], Some(&text[open + 1..open + close]), &text[open + close + 1..]),
        None => (text, None, ""),
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    let mut bytes = Vec::new();
    encode_path(text, |byte| bytes.push(byte));
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        *last = [&**last, &bytes].concat().into();
    } else {
        pieces.push(Piece::Text(bytes.into()));
    }
}

/// rest/04 section 4.3: `${stageVariables.name}` is replaced; any other `${…}` stays.
fn with_stage_variables(uri: &Located<String>, definition: Definition<'_>, problems: &mut Vec<Problem>) -> String {
    let mut text = String::new();
    let mut rest = uri.value.as_str();
    while let Some(at) = rest.find(STAGE_VARIABLE) {
        text.push_str(&rest[..at]);
        let behind = &rest[at + STAGE_VARIABLE.len()..];
        let Some(end) = behind.find('}') else {
            rest = &rest[at..];
            break;
        };
        text.push_str(stage_variable(&behind[..end], uri.place, definition, problems).unwrap_or_default());
        rest = &behind[end + 1..];
    }
    text + rest
}

fn stage_variable<'v>(
    name: &str,
    place: Place,
    definition: Definition<'v>,
    problems: &mut Vec<Problem>,
) -> Option<&'v str> {
    let value = definition.stage_variables.get(name).map(String::as_str);
    if value.is_none() && definition.missing == Missing::Empty {
        return Some("");
    }
    if value.is_none() {
        problems.push(Problem::error(
            "stage::variable",
            place,
            format!("the stage variable `{name}` has no value"),
            format!("give it with `--stage-variable {name}=VALUE`, or under `[stage-variables]` in weir.toml"),
        ));
    }
    value
}

/// Scheme, host and port of a URI, and the rest behind them.
fn address(uri: &str) -> Result<(Address, &str), &'static str> {
    let (scheme, rest) = uri.split_once("://").ok_or("it has no scheme")?;
    let https = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("its scheme is neither http nor https"),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.contains('@') {
        return Err("a user name in it would be sent to nobody");
    }
    let (host, port) =
        match authority.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
            Some((host, port)) => {
                (host, port.parse::<u16>().ok().filter(|port| *port != 0).ok_or("its port is not a number")?)
            }
            None => (authority, if https { 443 } else { 80 }),
        };
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    if host.is_empty() {
        return Err("it has no host");
    }
    if !host.bytes().all(sound) {
        return Err("its host has characters that no host has");
    }
    Ok((Address { https, host: host.to_ascii_lowercase(), port }, rest))
}

/// rest/05 section 5.3: `host[:port]` of the URI; the scheme's own port goes without saying.
fn host_header(address: &Address) -> String {
    match (address.https, address.port) {
        (false, 80) | (true, 443) => address.host.clone(),
        (_, port) => format!("{}:{port}", address.host),
    }
}

fn verb(method: HttpMethod) -> Option<Verb> {
    Some(Verb::of(method.as_str().as_bytes())).filter(|verb| *verb != Verb::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Result<(bool, &str, u16, &str), &'static str>) {
        let found = address(uri).map(|(address, rest)| (address.https, address.host, address.port, rest));
        assert_eq!(found, expected.map(|(https, host, port, rest)| (https, host.to_owned(), port, rest)));
    }

    #[test]
    fn addresses_of_backends() {
        check("http://example.com/a?b", Ok((false, "example.com", 80, "/a?b")));
        check("HTTPS://Example.com:8443", Ok((true, "example.com", 8443, "")));
        check("http://[::1]:9000/x", Ok((false, "[::1]", 9000, "/x")));
        check("http://[::1]/x", Ok((false, "[::1]", 80, "/x")));
        check("http:///x", Err("it has no host"));
        check("http://:80/x", Err("it has no host"));
        check("http://a:b/x", Err("its port is not a number"));
        check("http://u@a/x", Err("a user name in it would be sent to nobody"));
        check("ftp://a/x", Err("its scheme is neither http nor https"));
        check("a/x", Err("it has no scheme"));
    }

    #[test]
    fn parameters_are_found_by_their_place_in_the_template() {
        assert_eq!(path_index("/a/{b}/c/{d+}", "b"), Some(0));
        assert_eq!(path_index("/a/{b}/c/{d+}", "d"), Some(1));
        assert_eq!(path_index("/a/{b}", "c"), None);
    }
}
