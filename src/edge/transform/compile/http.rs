//! The way out to an HTTP backend.

use super::address::{address, host_header};
use super::definition::{Definition, Mapping};
use super::responses::custom;
use super::sources::source;
use super::templates::{binary_types, body_templates, content_handling, template};
use super::uri::{pieces, with_stage_variables};
use crate::edge::exchange::Verb;
use crate::edge::transform::headers::{Target, target};
use crate::edge::transform::mapping::{HttpRequest, MappedHeader, RequestMapping};
use crate::edge::transform::parameters::{Piece, Source};
use crate::edge::transform::response::ResponseMapping;
use crate::model::problem::Problem;
use crate::model::rest_api::{HttpMethod, IntegrationType};
use crate::net::tls::server_name;
use crate::wire::headers::Known;
use crate::wire::uri::encode_query;

/// HTTP and HTTP_PROXY.
pub(super) fn http(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Mapping> {
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
    let out = Outward {
        path: &path,
        query,
        host: host_header(&backend),
        lines: format!("X-Amzn-Apigateway-Api-Id: {}\r\nConnection: keep-alive\r\n", api.id),
        aws: false,
        tagged: false,
        json_target: None,
    };
    let request = outward(definition, out, problems);
    let response = if proxy { ResponseMapping::Proxy } else { custom(definition, true, false, problems) };
    Some(Mapping { request: RequestMapping::Http(Box::new(request)), response, backend: Some(backend), signed: None })
}

/// Where a request goes, as text, and what is fixed of it.
pub(super) struct Outward<'o> {
    pub(super) path: &'o str,
    pub(super) query: Option<&'o str>,
    pub(super) host: String,
    /// The last lines of its head.
    pub(super) lines: String,
    pub(super) aws: bool,
    pub(super) tagged: bool,
    /// `X-Amz-Target`, where no mapping has one.
    pub(super) json_target: Option<String>,
}

/// What templates and mappings make of a request.
pub(super) fn outward(definition: Definition<'_>, out: Outward<'_>, problems: &mut Vec<Problem>) -> HttpRequest {
    let Definition { api, integration, .. } = definition;
    let Outward { path, query, host, lines, aws, tagged, json_target } = out;
    let proxy = integration.kind.value == IntegrationType::HttpProxy;
    let place = integration.uri.as_ref().map_or(integration.place, |uri| uri.place);
    let mut headers: Vec<MappedHeader> = Vec::new();
    let mut parameters: Vec<(Box<[u8]>, Source)> = Vec::new();
    let mut illegal = None;
    for (target_name, expression) in &integration.request_parameters {
        let Some((position, name)) =
            target_name.value.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'))
        else {
            continue; // formats/ has said so
        };
        let Some(source) = source(expression, definition, problems) else { continue };
        match position {
            "header" => match target(name.as_bytes(), aws) {
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
                encode_query(name.bytes(), |byte| encoded.push(byte));
                parameters.push((encoded.into(), source));
            }
            _ => {}
        }
    }
    if let Some(target) = json_target
        && !headers.iter().any(|header| header.name.eq_ignore_ascii_case(b"x-amz-target"))
    {
        let source = Source::Literal(target.into_bytes().into());
        headers.push(MappedHeader { name: (*b"X-Amz-Target").into(), known: Known::Other, source });
    }
    let path_pieces = pieces(path, place, definition, problems);
    let query_pieces = query
        .filter(|query| !query.is_empty())
        .map_or_else(Box::default, |query| pieces(query, place, definition, problems));
    let body = body_templates(integration, |key, text| {
        // Proxies ignore templates, on AWS too (rest/04 section 4.2).
        if proxy || text.value.is_empty() {
            return None;
        }
        Some(template(&format!("requestTemplates {}", key.value), text, problems))
    });
    let content_handling = content_handling(integration.content_handling.as_ref(), problems);
    let reads_body =
        |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Value(source, _) if source.reads_body()));
    let maps_body = reads_body(&path_pieces)
        || reads_body(&query_pieces)
        || headers.iter().any(|header| header.source.reads_body())
        || parameters.iter().any(|(_, source)| source.reads_body());
    // A body that only passes is looked at too, whether it is the text that AWS takes it for (rest/06 section 6.2); not
    // under HTTP_PROXY (docs/parity.md).
    let needs_body = maps_body
        || content_handling.is_some()
        || !proxy
            && (body.passes_through() || body.iter().any(|text| text.as_ref().is_none_or(|text| !text.is_constant())));
    HttpRequest {
        proxy,
        aws,
        tagged,
        verb: integration.http_method.as_ref().and_then(|method| verb(method.value)),
        host: host.into_bytes().into(),
        path_has_other_values: path_pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Value(source, _) if !matches!(source, Source::Path(_)))),
        path: path_pieces,
        query: query_pieces,
        parameters: parameters.into(),
        headers: headers.into(),
        illegal,
        fixed_lines: lines.into_bytes().into(),
        user_agent: format!("AmazonAPIGateway_{}", api.id).into_bytes().into(),
        body,
        content_handling,
        binary: binary_types(api),
        maps_body,
        needs_body,
    }
}

/// A method that fails each time it is called: its stage variables give its backend no address.
pub(super) fn without_address(uri: &str) -> Mapping {
    let detail = format!("Invalid endpoint address: `{uri}`");
    Mapping {
        request: RequestMapping::Broken(detail.into()),
        response: ResponseMapping::Proxy,
        backend: None,
        signed: None,
    }
}

fn verb(method: HttpMethod) -> Option<Verb> {
    Some(Verb::of(method.as_str().as_bytes())).filter(|verb| *verb != Verb::Other)
}
