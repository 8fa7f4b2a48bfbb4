//! The request toward the backend: its line and headers. The framing of its body is the upstream's.

use super::headers::{Forward, forward};
use super::parameters::{Form, Piece, Source};
use super::select::BodyTemplates;
use crate::edge::exchange::{Context, Verb, client_trace};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::wire::headers::{Known, Line, list_names};
use crate::wire::uri::is_free_of_parents;

/// What the definition says of the way out, compiled.
#[derive(Debug)]
pub enum RequestMapping {
    Http(Box<HttpRequest>),
    /// MOCK: the status that its template names, by content type.
    Mock(BodyTemplates<u16>),
    /// Every call fails, and this is why: the stage gives the backend no address.
    Broken(Box<str>),
}

#[derive(Debug)]
pub struct HttpRequest {
    /// HTTP_PROXY: the client's headers and query go along.
    pub(super) proxy: bool,
    /// `None`: the client's.
    pub(super) verb: Option<Verb>,
    /// `host[:port]` of the URI.
    pub(super) host: Box<[u8]>,
    pub(super) path: Box<[Piece]>,
    /// Some value in it comes from elsewhere than the client's path.
    pub(super) path_has_other_values: bool,
    /// The URI's own query.
    pub(super) query: Box<[Piece]>,
    /// Mapped query parameters: encoded name, source.
    pub(super) parameters: Box<[(Box<[u8]>, Source)]>,
    /// Mapped headers that are sent.
    pub(super) headers: Box<[MappedHeader]>,
    /// A header that must not be mapped is: every call fails, as on AWS (rest/05 section 5.4).
    pub(super) illegal: Option<Box<str>>,
    /// `X-Amzn-Apigateway-Api-Id` and `Connection` lines, ready.
    pub(super) fixed_lines: Box<[u8]>,
    /// `AmazonAPIGateway_{apiId}`
    pub(super) user_agent: Box<[u8]>,
    pub(super) body: BodyTemplates<Box<[u8]>>,
}

#[derive(Debug)]
pub(super) struct MappedHeader {
    pub(super) name: Box<[u8]>,
    pub(super) known: Known,
    pub(super) source: Source,
}

/// What goes to the integration.
pub enum Outbound<'m> {
    Http {
        /// Request line and headers, each with its line end; no framing, no empty line yet.
        head: Buffer,
        verb: Verb,
        body: OutboundBody<'m>,
    },
    /// No backend: this status.
    Mock { status: u16 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboundBody<'m> {
    Client,
    Constant(&'m [u8]),
    /// Nothing is sent, whatever the client sent.
    None,
}

/// Builds the request toward the backend.
#[inline]
pub fn request<'m>(mapping: &'m RequestMapping, context: &Context<'_>) -> Result<Outbound<'m>, Fault> {
    match mapping {
        RequestMapping::Http(http) => http_request(http, context),
        RequestMapping::Broken(detail) => Err(Fault::because(FaultKind::Configuration, detail)),
        RequestMapping::Mock(templates) => match templates.choose(context.request)? {
            Some(&status) => Ok(Outbound::Mock { status }),
            None => Err(Fault::because(
                FaultKind::Configuration,
                "Unable to parse statusCode. It should be an integer that is defined in the request template.",
            )),
        },
    }
}

fn http_request<'m>(mapping: &'m HttpRequest, context: &Context<'_>) -> Result<Outbound<'m>, Fault> {
    if let Some(name) = &mapping.illegal {
        return Err(Fault::because(FaultKind::Configuration, format!("{name} header already present")));
    }
    let request = context.request;
    let body = body(mapping, context)?;
    let verb = mapping.verb.unwrap_or(request.verb);
    let mut head = Buffer::head();
    head.push(mapping.verb.map_or(request.method_text(), |verb| verb.as_str().as_bytes()));
    head.push_byte(b' ');
    let begin = head.len();
    Piece::write_all(&mapping.path, context, Form::Path, &mut |part| head.push(part))?;
    // Values of the client's path have been looked at when it came; those of queries and headers have not.
    if mapping.path_has_other_values && !is_free_of_parents(&head[begin..]) {
        return Err(Fault::because(FaultKind::BadParameters, "a mapped value would leave the backend's path"));
    }
    write_query(mapping, context, &mut head)?;
    head.push(b" HTTP/1.1\r\n");
    let own_host = mapping.headers.iter().find(|header| header.known == Known::Host);
    // A mapped Host that has no value leaves the backend's own: HTTP/1.1 wants one.
    if !own_host.is_some_and(|header| header.source.values(context, &mut |_| {})) {
        line(&mut head, b"Host", &mapping.host);
    }
    if mapping.proxy {
        forward_lines(mapping, context, &mut head);
        forwarded_for(context, &mut head);
    } else {
        default_lines(mapping, context, &mut head);
    }
    for header in &mapping.headers {
        write_mapped(header, context, &mut head)?;
    }
    head.push(b"X-Amzn-Trace-Id: ");
    match client_trace(request) {
        Some(own) => head.push(own),
        None => {
            head.push(b"Root=");
            head.push(&request.ids.trace_root);
        }
    }
    head.push(b"\r\n");
    head.push(&mapping.fixed_lines);
    Ok(Outbound::Http { head, verb, body })
}

fn body<'m>(mapping: &'m HttpRequest, context: &Context<'_>) -> Result<OutboundBody<'m>, Fault> {
    if mapping.proxy {
        return Ok(OutboundBody::Client);
    }
    let constant = mapping.body.choose(context.request)?;
    // rest/04 section 4.7: no body goes with these verbs.
    if mapping.verb.unwrap_or(context.request.verb).is_bodiless_on_aws() {
        return Ok(OutboundBody::None);
    }
    Ok(constant.map_or(OutboundBody::Client, |constant| OutboundBody::Constant(constant)))
}

/// rest/04 section 4.6: the URI's own parameters, then the client's, then the mapped ones.
fn write_query(mapping: &HttpRequest, context: &Context<'_>, head: &mut Buffer) -> Result<(), Fault> {
    let mut separator = b'?';
    if !mapping.query.is_empty() {
        head.push_byte(std::mem::replace(&mut separator, b'&'));
        Piece::write_all(&mapping.query, context, Form::Query, &mut |part| head.push(part))?;
    }
    if mapping.proxy
        && let Some(query) = context.request.query().filter(|query| !query.is_empty())
    {
        head.push_byte(std::mem::replace(&mut separator, b'&'));
        head.push(query);
    }
    for (name, source) in &mapping.parameters {
        if source.is_multi() {
            source.values(context, &mut |value| {
                head.push_byte(std::mem::replace(&mut separator, b'&'));
                head.push(name);
                head.push_byte(b'=');
                crate::wire::uri::encode_query(value.iter().copied(), |byte| head.push_byte(byte));
            });
            continue;
        }
        let mut begun = false;
        let mut begin = |head: &mut Buffer| {
            if !std::mem::replace(&mut begun, true) {
                head.push_byte(std::mem::replace(&mut separator, b'&'));
                head.push(name);
                head.push_byte(b'=');
            }
        };
        let found = source.write(context, Form::Query, &mut |part| {
            begin(head);
            head.push(part);
        })?;
        if found {
            // An empty value writes nothing, and is there all the same.
            begin(head);
        }
    }
    Ok(())
}

/// The client's lines that pass, in its order and spelling: runs of them are copied at once.
fn forward_lines(mapping: &HttpRequest, context: &Context<'_>, head: &mut Buffer) {
    let request = context.request;
    let bytes = &*request.bytes;
    let lines = &request.head.lines;
    let nominated = nominated(lines, bytes);
    let mut run: Option<usize> = None;
    for (index, line) in lines.iter().enumerate() {
        let pass = match forward(line.known) {
            Forward::Pass => true,
            Forward::Drop => false,
            // rest/05 section 5.1: a signature was for us.
            Forward::Authorization => !line.value.of(bytes).starts_with(b"AWS4-"),
        };
        let pass = pass
            && (mapping.headers.is_empty() || !is_mapped(mapping, line.name.of(bytes)))
            && (nominated.is_none() || !is_nominated(lines, bytes, line.name.of(bytes)));
        match (pass, run) {
            (true, None) => run = Some(index),
            (false, Some(first)) => {
                head.push(&bytes[usize::from(lines[first].name.start)..usize::from(line.name.start)]);
                run = None;
            }
            _ => {}
        }
    }
    if let Some(first) = run {
        // The head ends with one more line end.
        head.push(&bytes[usize::from(lines[first].name.start)..request.head.length - 2]);
    }
}

/// RFC 9110 7.6.1: what a Connection line names beside its own words ends at this hop.
fn nominated(lines: &[Line], bytes: &[u8]) -> Option<()> {
    let own = |value: &[u8]| {
        value.split(|&byte| byte == b',').all(|item| {
            let item = item.trim_ascii();
            item.is_empty() || item.eq_ignore_ascii_case(b"keep-alive") || item.eq_ignore_ascii_case(b"close")
        })
    };
    lines.iter().any(|line| line.known == Known::Connection && !own(line.value.of(bytes))).then_some(())
}

fn is_nominated(lines: &[Line], bytes: &[u8], name: &[u8]) -> bool {
    lines.iter().any(|line| line.known == Known::Connection && list_names(line.value.of(bytes), name))
}

/// rest/04 section 4.6: a mapped header replaces all of the client's of that name, in any case.
fn is_mapped(mapping: &HttpRequest, name: &[u8]) -> bool {
    mapping.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
}

/// rest/05 section 5.2.
fn forwarded_for(context: &Context<'_>, head: &mut Buffer) {
    let request = context.request;
    head.push(b"X-Forwarded-For: ");
    for value in request.values(Known::XForwardedFor).filter(|value| !value.is_empty()) {
        head.push(value);
        head.push(b", ");
    }
    head.push(request.peer.address());
    head.push(b"\r\nX-Forwarded-Port: ");
    head.push_decimal(u64::from(request.peer.local_port));
    head.push(b"\r\nX-Forwarded-Proto: http\r\n");
}

/// rest/05 section 5.3: what a backend gets without any mapping.
fn default_lines(mapping: &HttpRequest, context: &Context<'_>, head: &mut Buffer) {
    let mapped = |known: Known| mapping.headers.iter().any(|header| header.known == known);
    if !mapped(Known::Accept) {
        line(head, b"Accept", b"application/json");
    }
    if !mapped(Known::UserAgent) {
        line(head, b"User-Agent", &mapping.user_agent);
    }
    let request = context.request;
    if !mapped(Known::ContentType)
        && !request.verb.is_bodiless_on_aws()
        && let Some(value) = request.value(Known::ContentType)
    {
        line(head, b"Content-Type", value);
    }
}

fn write_mapped(header: &MappedHeader, context: &Context<'_>, head: &mut Buffer) -> Result<(), Fault> {
    let mut begun = false;
    header.source.write(context, Form::Header, &mut |part| {
        if !std::mem::replace(&mut begun, true) {
            head.push(&header.name);
            head.push(b": ");
        }
        head.push(part);
    })?;
    if begun {
        head.push(b"\r\n");
    }
    Ok(())
}

fn line(head: &mut Buffer, name: &[u8], value: &[u8]) {
    head.push(name);
    head.push(b": ");
    head.push(value);
    head.push(b"\r\n");
}
