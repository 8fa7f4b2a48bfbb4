//! `AWS_PROXY`: a Lambda function is told of the whole request (rest/09 section 9.2).

use super::event::{self, Payload, Told};
use super::head::{already_present, trace_line};
use super::mapping::{FunctionRequest, Outbound, OutboundBody};
use super::template::Scratch;
use crate::edge::exchange::{Context, Verb};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::wire::headers::Known;

/// Bytes of an event up to which copying it is cheaper than making new memory for the next one.
const EVENT_BYTES_COPIED: usize = 64 * 1024;

/// The invocation of one request.
pub(super) fn invocation<'m>(
    mapping: &FunctionRequest,
    context: &Context<'_>,
    body: &[u8],
    scratch: &mut Scratch,
) -> Result<Outbound<'m>, Fault> {
    if let Some(name) = &mapping.illegal {
        return Err(already_present(name));
    }
    if mapping.is_not_post {
        return Err(Fault::because(FaultKind::IntegrationVerb, "a Lambda function is invoked by POST"));
    }
    let request = context.request;
    // rest/06 section 6.2; a text that is none goes as bytes (rest/09 section 9.2).
    let payload = match std::str::from_utf8(body) {
        Ok(text) if !mapping.binary.contain(request.value(Known::ContentType)) => Payload::Text(text),
        _ => Payload::Bytes(body),
    };
    let out = &mut scratch.out;
    out.clear();
    out.push(b'{');
    event::write(context, Told::Integration(payload), out);
    out.push(b'}');
    // A large one is handed on as it is; for a small one the memory stays with the core.
    let made = if out.len() > EVENT_BYTES_COPIED { Buffer::from(std::mem::take(out)) } else { Buffer::of(out) };
    scratch.clear();
    let mut head = Buffer::head();
    head.push(&mapping.head);
    trace_line(request, &mut head);
    head.push(b"x-amzn-lambda-integration-tag: ");
    head.push(&request.ids.request);
    head.push(b"\r\n");
    Ok(Outbound::Http { head, verb: Verb::Post, body: OutboundBody::Made(made), overrides: None })
}
