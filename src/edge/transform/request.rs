//! From a client's request to what goes to the integration, in AWS's order.

use std::borrow::Cow;

use bumpalo::Bump;

use super::encoding::{ContentHandling, Converted, NotBase64};
use super::head::{already_present, head};
use super::invocation::invocation;
use super::json_body::{JsonBody, Malformed};
use super::mapping::{HttpRequest, MockRequest, MockTemplate, Outbound, OutboundBody, RequestMapping};
use super::overrides::Overrides;
use super::parameters::Lookup;
use super::template::{Rendering, Scratch, Template, Tools, Way, render, unable};
use crate::edge::exchange::Context;
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::request_validator::Valid;
use crate::edge::watch::ExecutionLog;
use crate::lang::budget::Budget;
use crate::lang::json;
use crate::lang::value::Value;
use crate::net::buffer::Buffer;
use crate::wire::headers::Known;

/// Builds the request toward the backend. `body` is the client's, as a whole where [`RequestMapping::needs_body`].
#[inline]
pub fn request<'m>(
    mapping: &'m RequestMapping,
    context: &Context<'_>,
    _valid: &Valid,
    body: &[u8],
    tools: Tools<'_>,
) -> Result<Outbound<'m>, Fault> {
    match mapping {
        RequestMapping::Http(http) => http_request(http, context, body, tools),
        RequestMapping::Function(mapping) => invocation(mapping, context, body, tools.scratch),
        RequestMapping::Broken(detail) => Err(Fault::because(FaultKind::Configuration, detail)),
        RequestMapping::Mock(mock) => mock_request(mock, context, body, tools),
    }
}

/// The order is AWS's: what mappings find in the original request, which template, its text, what it overrides, and only
/// then headers and address (rest/02 section 2.5).
fn http_request<'m>(
    mapping: &'m HttpRequest,
    context: &Context<'_>,
    client_body: &[u8],
    tools: Tools<'_>,
) -> Result<Outbound<'m>, Fault> {
    let Tools { scratch, log } = tools;
    // Nothing is asked of the scratch on the plain way.
    let uses_scratch = mapping.needs_body;
    let Scratch { arena, out } = &mut *scratch;
    let built = (|| {
        let text = if mapping.maps_body { String::from_utf8_lossy(client_body) } else { Cow::Borrowed("") };
        let json = if mapping.maps_body { Some(read_body(&text, arena)?) } else { None };
        let lookup = Lookup { context, body: json.as_ref() };
        let (body, overrides) = body(mapping, context, client_body, (arena, out), log)?;
        if let Some(name) = &mapping.illegal {
            return Err(already_present(name));
        }
        let verb = mapping.verb.unwrap_or(context.request.verb);
        let head = head(mapping, &lookup, overrides.as_deref())?;
        Ok(Outbound::Http { head, verb, body, overrides })
    })();
    if uses_scratch {
        scratch.clear();
    }
    built
}

fn read_body<'a>(text: &'a str, arena: &'a Bump) -> Result<JsonBody<'a>, Fault> {
    JsonBody::read(text, arena).map_err(|Malformed(reason)| {
        let mut fault = Fault::with_message(FaultKind::BadBody, "Invalid JSON in request body");
        fault.detail = Some(format!("Invalid JSON in request body: {reason}").into());
        fault
    })
}

/// What is sent as the body, and what the template has overridden.
fn body<'m>(
    mapping: &'m HttpRequest,
    context: &Context<'_>,
    client_body: &[u8],
    (arena, out): (&Bump, &mut Vec<u8>),
    log: Option<&mut ExecutionLog>,
) -> Result<(OutboundBody<'m>, Option<Box<Overrides>>), Fault> {
    let bodiless = mapping.verb.unwrap_or(context.request.verb).is_bodiless_on_aws();
    let chosen = if mapping.proxy { None } else { mapping.body.choose(context.request)? };
    let template = match chosen {
        None if mapping.proxy && mapping.content_handling.is_none() => return Ok((OutboundBody::Client, None)),
        // rest/04 section 4.7: no body goes with these verbs.
        None if bodiless && !mapping.proxy => return Ok((OutboundBody::None, None)),
        None => None,
        Some((_, Some(Template::Constant(_)))) if bodiless && !mapping.decodes() => {
            return Ok((OutboundBody::None, None));
        }
        Some((_, Some(Template::Constant(text)))) if !mapping.decodes() => {
            return Ok((OutboundBody::Constant(text), None));
        }
        Some((key, Some(template))) => Some((key, template)),
        Some((_, None)) if bodiless => return Ok((OutboundBody::None, None)),
        Some((_, None)) => None,
    };
    let binary = mapping.binary.contain(context.request.value(Known::ContentType));
    let converted = converted(client_body, binary, mapping.content_handling)?;
    let Some((key, template)) = template else {
        return Ok((unless_unchanged(&converted), None));
    };
    // First the conversion, then the template: what cannot be converted fails under a constant too (rest/06 section 6.2).
    let body = as_text(&converted)?;
    match template {
        Template::Constant(_) if bodiless => Ok((OutboundBody::None, None)),
        Template::Constant(text) => Ok((OutboundBody::Constant(text), None)),
        Template::Program(program) => {
            let rendering = Rendering { way: Way::Request, key, body, earlier: None };
            let overrides = render(program, &rendering, context, (arena, out), log)?.map(Box::new);
            Ok((if bodiless { OutboundBody::None } else { OutboundBody::Made(Buffer::of(out)) }, overrides))
        }
        Template::Broken(reason) => Err(unable(Way::Request, reason)),
    }
}

/// The client's body as contentHandling wants it.
fn converted(body: &[u8], binary: bool, handling: Option<ContentHandling>) -> Result<Converted<'_>, Fault> {
    Converted::request(body, binary, handling)
        .map_err(|NotBase64| unable(Way::Request, &"the body is not base64, and contentHandling wants it decoded"))
}

/// What a template can read: bytes too, where they are a text (rest/06 section 6.2).
fn as_text<'c>(converted: &'c Converted<'_>) -> Result<&'c str, Fault> {
    std::str::from_utf8(converted.as_bytes()).map_err(|_| unable(Way::Request, &"the body is bytes that are no text"))
}

fn unless_unchanged<'m>(converted: &Converted<'_>) -> OutboundBody<'m> {
    if converted.is_unchanged() { OutboundBody::Client } else { OutboundBody::Made(Buffer::of(converted.as_bytes())) }
}

fn mock_request<'m>(
    mapping: &MockRequest,
    context: &Context<'_>,
    client_body: &[u8],
    tools: Tools<'_>,
) -> Result<Outbound<'m>, Fault> {
    let Tools { scratch, log } = tools;
    let chosen = mapping.templates.choose(context.request)?;
    // With `*/*` and no contentHandling every MOCK fails on AWS, also one that is constant (rest/06 section 6.2, measured).
    let binary = mapping.binary.contain(context.request.value(Known::ContentType));
    if binary && mapping.content_handling.is_none() {
        return Err(unable(Way::Request, &"the body is bytes: set contentHandling to CONVERT_TO_TEXT"));
    }
    let program = match chosen {
        Some((_, MockTemplate::Status(status))) => return Ok(Outbound::Mock { status: *status, overrides: None }),
        Some((_, MockTemplate::Text(text))) if !text.is_empty() => return Err(no_status()),
        Some((_, MockTemplate::Program(Template::Broken(reason)))) => return Err(unable(Way::Request, reason)),
        Some((key, MockTemplate::Program(Template::Program(program)))) => Some((key, program)),
        _ => None,
    };
    let converted = converted(client_body, binary, mapping.content_handling)?;
    let text = as_text(&converted)?;
    let Scratch { arena, out } = &mut *scratch;
    let made = match program {
        None => {
            // Nothing maps: the client's own body says the status (rest/07 section 7.7, measured).
            mock_status(text, arena).map(|status| (status, None)).ok_or_else(no_status)
        }
        Some((key, program)) => {
            let rendering = Rendering { way: Way::Request, key, body: text, earlier: None };
            render(program, &rendering, context, (&*arena, &mut *out), log).and_then(|overrides| {
                let text = String::from_utf8_lossy(out);
                let status = mock_status(&text, arena).ok_or_else(no_status)?;
                Ok((status, overrides.map(Box::new)))
            })
        }
    };
    scratch.clear();
    made.map(|(status, overrides)| Outbound::Mock { status, overrides })
}

fn no_status() -> Fault {
    Fault::because(
        FaultKind::Configuration,
        "Unable to parse statusCode. It should be an integer that is defined in the request template.",
    )
}

/// The integer `statusCode` of a JSON object, read as leniently as AWS does.
pub(super) fn mock_status(text: &str, arena: &Bump) -> Option<u16> {
    let budget = Budget::of_mapping(text);
    match json::parse(text, arena, &budget).ok()?.as_map()?.text("statusCode")? {
        Value::Int(status) => u16::try_from(status).ok(),
        _ => None,
    }
}
