//! The request's line and headers toward the backend. The framing of its body is the upstream's.

use super::headers::{Forward, Target, forward, target};
use super::mapping::{HttpRequest, MappedHeader};
use super::overrides::{Overrides, each, joined, last_of_name};
use super::parameters::{Form, Lookup, Piece};
use super::template::{Way, bounded, unable};
use crate::edge::exchange::{Context, Request, client_trace};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::wire::headers::{Known, Line, is_field_value, is_token, list_names};
use crate::wire::uri::{encode_query, is_free_of_dot_segments, query_name_is};

pub(super) fn head(mapping: &HttpRequest, lookup: &Lookup<'_>, overrides: Option<&Overrides>) -> Result<Buffer, Fault> {
    let context = lookup.context;
    let request = context.request;
    let mut head = Buffer::head();
    head.push(mapping.verb.map_or(request.method_text(), |verb| verb.as_str().as_bytes()));
    head.push_byte(b' ');
    let begin = head.len();
    Piece::write_all(&mapping.path, lookup, overrides, Form::Path, &mut |part| head.push(part))?;
    // Values of the client's path have been looked at when it came; those of queries, headers, bodies and templates have
    // not.
    if (mapping.path_has_other_values || overrides.is_some()) && !is_free_of_dot_segments(&head[begin..]) {
        return Err(Fault::because(FaultKind::BadParameters, "a mapped value would leave the backend's path"));
    }
    write_query(mapping, lookup, overrides, &mut head)?;
    head.push(b" HTTP/1.1\r\n");
    let overridden = |name: &[u8]| {
        overrides.is_some_and(|all| all.request("header").any(|(own, _)| own.as_bytes().eq_ignore_ascii_case(name)))
    };
    let own_host = mapping.headers.iter().find(|header| header.known == Known::Host);
    // A mapped Host that has no value leaves the backend's own: HTTP/1.1 wants one.
    if !overridden(b"host") && !own_host.is_some_and(|header| header.source.values(lookup, &mut |_| {})) {
        line(&mut head, b"Host", &mapping.host);
    }
    if mapping.proxy {
        forward_lines(mapping, context, &mut head);
        forwarded_for(context, &mut head);
    } else {
        default_lines(mapping, context, &overridden, &mut head);
    }
    for header in mapping.headers.iter().filter(|header| overrides.is_none() || !overridden(&header.name)) {
        write_mapped(header, lookup, &mut head)?;
    }
    for (name, value) in overrides.into_iter().flat_map(|overrides| last_of_name(overrides.request("header"))) {
        write_override(name, value, mapping.aws, &mut head)?;
    }
    trace_line(request, &mut head);
    head.push(&mapping.fixed_lines);
    if mapping.tagged {
        line(&mut head, b"x-amzn-lambda-integration-tag", &request.ids.request);
    }
    Ok(head)
}

pub(super) fn trace_line(request: &Request, head: &mut Buffer) {
    head.push(b"X-Amzn-Trace-Id: ");
    match client_trace(request) {
        Some(own) => head.push(own),
        None => {
            head.push(b"Root=");
            head.push(&request.ids.trace_root);
        }
    }
    head.push(b"\r\n");
}

pub(super) fn already_present(name: &str) -> Fault {
    Fault::because(FaultKind::Configuration, format!("{name} header already present"))
}

/// A header that a template sets. Its name and value come from the request perhaps: neither may begin another line.
fn write_override(name: &str, value: &serde_json::Value, aws: bool, head: &mut Buffer) -> Result<(), Fault> {
    match target(name.as_bytes(), aws) {
        Target::Illegal => return Err(already_present(name)),
        Target::NotSent => return Ok(()),
        Target::Sent => {}
    }
    let value = joined(value);
    bounded(Way::Request, format_args!("a name in requestOverride.header"), name.as_bytes())?;
    if !is_token(name.as_bytes()) || !is_field_value(value.as_bytes()) {
        return Err(unable(Way::Request, &format!("requestOverride.header.{name} cannot be sent as a header")));
    }
    bounded(Way::Request, format_args!("requestOverride.header.{name}"), value.as_bytes())?;
    line(head, name.as_bytes(), value.as_bytes());
    Ok(())
}

/// rest/04 section 4.6: the URI's own parameters, then the client's, then the mapped ones.
fn write_query(
    mapping: &HttpRequest,
    lookup: &Lookup<'_>,
    overrides: Option<&Overrides>,
    head: &mut Buffer,
) -> Result<(), Fault> {
    let context = lookup.context;
    let mut separator = b'?';
    if !mapping.query.is_empty() {
        head.push_byte(std::mem::replace(&mut separator, b'&'));
        Piece::write_all(&mapping.query, lookup, overrides, Form::Query, &mut |part| head.push(part))?;
    }
    if mapping.proxy
        && let Some(query) = context.request.query().filter(|query| !query.is_empty())
    {
        head.push_byte(std::mem::replace(&mut separator, b'&'));
        head.push(query);
    }
    let overridden = |name: &[u8]| {
        let mut own = overrides.into_iter().flat_map(|overrides| overrides.request("querystring"));
        own.any(|(own, _)| query_name_is(name, own.as_bytes()))
    };
    for (name, source) in &mapping.parameters {
        if overrides.is_some() && overridden(name) {
            continue;
        }
        if source.is_multi() {
            source.values(lookup, &mut |value| {
                head.push_byte(std::mem::replace(&mut separator, b'&'));
                head.push(name);
                head.push_byte(b'=');
                encode_query(value.iter().copied(), |byte| head.push_byte(byte));
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
        let found = source.write(lookup, Form::Query, &mut |part| {
            begin(head);
            head.push(part);
        })?;
        if found {
            // An empty value writes nothing, and is there all the same.
            begin(head);
        }
    }
    for (name, value) in overrides.into_iter().flat_map(|overrides| overrides.request("querystring")) {
        bounded(Way::Request, format_args!("a name in requestOverride.querystring"), name.as_bytes())?;
        for value in each(value) {
            bounded(Way::Request, format_args!("requestOverride.querystring.{name}"), value.as_bytes())?;
            head.push_byte(std::mem::replace(&mut separator, b'&'));
            encode_query(name.bytes(), |byte| head.push_byte(byte));
            head.push_byte(b'=');
            encode_query(value.bytes(), |byte| head.push_byte(byte));
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
            // The body that it describes has been decoded.
            Forward::Pass if context.decoded && line.known == Known::ContentEncoding => false,
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
fn default_lines(mapping: &HttpRequest, context: &Context<'_>, overridden: &dyn Fn(&[u8]) -> bool, head: &mut Buffer) {
    let mapped = |known: Known| mapping.headers.iter().any(|header| header.known == known);
    if !mapped(Known::Accept) && !overridden(b"accept") {
        line(head, b"Accept", b"application/json");
    }
    if !mapped(Known::UserAgent) && !overridden(b"user-agent") {
        line(head, b"User-Agent", &mapping.user_agent);
    }
    let request = context.request;
    if !mapped(Known::ContentType)
        && !overridden(b"content-type")
        && !request.verb.is_bodiless_on_aws()
        && let Some(value) = request.value(Known::ContentType)
    {
        line(head, b"Content-Type", value);
    }
}

fn write_mapped(header: &MappedHeader, lookup: &Lookup<'_>, head: &mut Buffer) -> Result<(), Fault> {
    let mut begun = false;
    header.source.write(lookup, Form::Header, &mut |part| {
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
