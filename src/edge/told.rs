//! A request's way in the words of AWS's execution log, for whoever watches it (rest/14 section 14.5). Part of the
//! spine: it sees what the stages handed on.

use super::exchange::Context;
use super::transform::{Backend, OutboundBody};
use super::upstream::Integration;
use super::watch::ExecutionLog;
use crate::wire::uri::{Decoded, pairs};

pub(super) fn request(log: &mut ExecutionLog, context: &Context<'_>, body: &[u8]) {
    let request = context.request;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let path = context.method.map_or("", |method| &method.resource_path);
    log.line(format!("Starting execution for request: {}", text(&request.ids.request)));
    log.line(format!("HTTP Method: {}, Resource Path: {path}", text(request.method_text())));
    let names = context.method.iter().flat_map(|method| &method.path_parameters);
    let values: Vec<(&[u8], &[u8])> = names
        .enumerate()
        .filter_map(|(index, name)| Some((name.as_bytes(), context.values.get(index)?.of(&request.bytes))))
        .collect();
    log.pairs("Method request path", values.into_iter());
    let query: Vec<(Vec<u8>, Vec<u8>)> = pairs(request.query().unwrap_or_default())
        .map(|(name, value)| (Decoded::of_query(name).collect(), Decoded::of_query(value).collect()))
        .collect();
    log.pairs("Method request query string", query.iter().map(|(name, value)| (&name[..], &value[..])));
    let lines = request.visible_lines();
    log.pairs(
        "Method request headers",
        lines.map(|line| (line.name.of(&request.bytes), line.value.of(&request.bytes))),
    );
    log.body("Method request body before transformations", body);
}

pub(super) fn outbound(
    log: &mut ExecutionLog,
    integration: &Integration,
    head: &[u8],
    body: &OutboundBody<'_>,
    client: &[u8],
) {
    let first_line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let target = first_line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    let uri = format!("{}{}", integration.endpoint.url(), String::from_utf8_lossy(target));
    log.line(format!("Endpoint request URI: {uri}"));
    log.pairs("Endpoint request headers", header_lines(head));
    log.body("Endpoint request body after transformations", body.bytes(client));
    log.line(format!("Sending request to {uri}"));
    log.sends = true;
}

pub(super) fn inbound(log: &mut ExecutionLog, backend: Backend<'_>, body: &[u8], latency_us: Option<u64>) {
    let millis = latency_us.unwrap_or(0) / 1_000;
    log.line(format!("Received response. Status: {}, Integration latency: {millis} ms", backend.status));
    let lines = backend.lines.iter();
    log.pairs(
        "Endpoint response headers",
        lines.map(|line| (line.name.of(backend.bytes), line.value.of(backend.bytes))),
    );
    log.body("Endpoint response body before transformations", body);
}

pub(super) fn response(log: &mut ExecutionLog, head: &[u8], body: &[u8]) {
    log.body("Method response body after transformations", body);
    log.pairs("Method response headers", header_lines(head));
}

/// Names and values of a head that we wrote.
pub(super) fn header_lines(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    head.split(|&byte| byte == b'\n').skip(1).filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}
