//! Gateway responses: how a fault is answered, in AWS's words or in those of the API (rest/11).

pub mod compile;
mod source;
mod tokens;

use source::{Source, write_all};

use super::exchange::{Context, Request};
use super::fault::Fault;
use super::transform::write_status_line;
use crate::net::buffer::Buffer;
use crate::wire::headers::{Known, is_field_value};

/// What one release answers its faults with: compiled when it is deployed, only looked up when a request fails.
#[derive(Debug, Default)]
pub struct GatewayResponses {
    /// Sorted by response type. `DEFAULT_4XX` and `DEFAULT_5XX` are already spread over the types that they are for
    /// (rest/11 section 11.3); a type that nobody customised has no row.
    types: Box<[(&'static str, usize)]>,
    responses: Box<[Customised]>,
}

/// One response of the API's own.
#[derive(Debug)]
struct Customised {
    /// `None` keeps the status of the fault.
    status: Option<u16>,
    headers: Box<[Header]>,
    /// In the order of the definition; never empty.
    templates: Box<[Template]>,
}

#[derive(Debug)]
struct Header {
    name: Box<[u8]>,
    known: Known,
    source: Source,
}

/// What a template is made of: constant text and what is looked up. No VTL (rest/11 section 11.5).
#[derive(Debug)]
struct Template {
    content_type: Box<str>,
    pieces: Box<[Source]>,
}

/// An answer whose status line and headers are written, but for those that every answer ends with.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Buffer,
}

/// Answers a fault. `responses` is `None` where the fault came before a release was known: nobody can customise that.
pub fn respond(
    responses: Option<&GatewayResponses>,
    fault: &Fault,
    context: &Context<'_>,
    head: &mut Buffer,
) -> Answer {
    match responses.and_then(|responses| responses.of(fault)) {
        Some(own) => own.respond(fault, context, head),
        None => built_in(fault, head),
    }
}

impl GatewayResponses {
    fn of(&self, fault: &Fault) -> Option<&Customised> {
        let wanted = fault.kind.gateway_response().response_type;
        let at = self.types.binary_search_by_key(&wanted, |(name, _)| *name).ok()?;
        self.responses.get(self.types.get(at)?.1)
    }
}

/// AWS's own answer, to the blank.
fn built_in(fault: &Fault, head: &mut Buffer) -> Answer {
    let row = fault.kind.gateway_response();
    write_status_line(row.status, &mut |part| head.push(part));
    line(head, b"Content-Type", fault.content_type().as_bytes());
    error_type(fault, head);
    let mut body = Buffer::idle();
    fault.write_body(&mut |part| body.push(part));
    Answer { status: row.status, body }
}

impl Customised {
    fn respond(&self, fault: &Fault, context: &Context<'_>, head: &mut Buffer) -> Answer {
        let status = self.status.unwrap_or(fault.kind.gateway_response().status);
        write_status_line(status, &mut |part| head.push(part));
        let (mut says_content_type, mut says_error_type) = (false, false);
        let mut value = Vec::new();
        for header in &self.headers {
            value.clear();
            let found = header.source.write(context, fault, &mut |part| value.extend_from_slice(part));
            // A decoded query value may hold a line's end: it must not become a header of its own, so it counts as
            // missing, and what is missing is not sent (rest/11 section 11.4).
            if !found || !is_field_value(&value) {
                continue;
            }
            line(head, &header.name, &value);
            says_content_type |= header.known == Known::ContentType;
            says_error_type |= header.name.eq_ignore_ascii_case(ERROR_TYPE);
        }
        let template = self.template(context.request);
        if !says_content_type {
            let content_type = template.map_or("application/json", |template| &template.content_type);
            line(head, b"Content-Type", content_type.as_bytes());
        }
        if !says_error_type {
            error_type(fault, head);
        }
        let mut body = Buffer::idle();
        if let Some(template) = template {
            write_all(&template.pieces, context, fault, &mut |part| body.push(part));
        }
        Answer { status, body }
    }

    /// The first of the client's Accept entries that has one, else `application/json`, else the first (rest/11
    /// section 11.5).
    fn template(&self, request: &Request) -> Option<&Template> {
        let named = |name: &[u8]| {
            self.templates
                .iter()
                .find(|template| media_type(template.content_type.as_bytes()).eq_ignore_ascii_case(name))
        };
        let accepted = || {
            let entries = request.value(Known::Accept)?.split(|&byte| byte == b',');
            entries.take(ACCEPT_ENTRIES_MAX).find_map(|entry| named(media_type(entry)))
        };
        let several = self.templates.len() > 1;
        several.then(accepted).flatten().or_else(|| named(b"application/json")).or_else(|| self.templates.first())
    }
}

/// Each entry is compared with each template: an Accept line of ten thousand commas is not worth that.
const ACCEPT_ENTRIES_MAX: usize = 32;
const ERROR_TYPE: &[u8] = b"x-amzn-ErrorType";

/// rest/02 section 2.3: what the gateway answers by itself is told by this header, customised or not.
fn error_type(fault: &Fault, head: &mut Buffer) {
    let error_type = fault.kind.gateway_response().error_type;
    if !error_type.is_empty() {
        line(head, ERROR_TYPE, error_type.as_bytes());
    }
}

/// `type/subtype` of a header value, without its parameters.
fn media_type(value: &[u8]) -> &[u8] {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

fn line(out: &mut Buffer, name: &[u8], value: &[u8]) {
    out.push(name);
    out.push(b": ");
    out.push(value);
    out.push(b"\r\n");
}

#[cfg(test)]
mod tests;
