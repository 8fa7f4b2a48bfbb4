//! The answer toward the client: its status, headers and body. Ids, date and framing are the connection's.

use super::answer::{Answer, AnswerBody, Backend};
use super::encoding::{BinaryTypes, Converted, NotBase64};
use super::function::{self, FunctionResponse};
use super::headers::{Return, give_back, give_mapped, write_status_line};
use super::json_body::{JsonBody, Malformed};
use super::overrides::{Overrides, joined, last_of_name};
use super::parameters::Lookup;
use super::select::{Choice, ResponseSource, choose};
use super::template::{Rendering, Scratch, Template, Tools, Way, bounded, render, unable};
use crate::edge::exchange::{Context, trace_root};
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::watch::ExecutionLog;
use crate::net::buffer::Buffer;
use crate::wire::decimal;
use crate::wire::headers::{Known, Line, is_field_value, is_token, list_names};

/// What the definition says of the way back, compiled.
#[derive(Debug)]
pub enum ResponseMapping {
    /// HTTP_PROXY: the backend decides.
    Proxy,
    /// AWS_PROXY: what a function said.
    Function(Box<FunctionResponse>),
    Custom(Box<CustomResponse>),
}

/// HTTP and MOCK: an integration response is chosen.
#[derive(Debug)]
pub struct CustomResponse {
    /// In ascending order of status.
    pub(super) choices: Box<[Choice]>,
    pub(super) binary: BinaryTypes,
    /// rest/05 section 5.8: HTTP answers show the trace, MOCK answers do not.
    pub(super) shows_trace: bool,
    /// Of a Lambda function: chosen by what it ended with, not by a status (rest/07 section 7.1).
    pub(super) of_function: bool,
}

impl ResponseMapping {
    /// Whether a function says the whole answer.
    pub fn is_of_function(&self) -> bool {
        matches!(self, Self::Function(_))
    }

    /// Whether a function's answer goes on as it comes.
    pub fn streams_function(&self) -> bool {
        matches!(self, Self::Function(function) if function.streams)
    }

    /// Whether the whole body has to be there before it is known what the client gets.
    pub fn chooses_by_body(&self) -> bool {
        matches!(self, Self::Custom(custom) if custom.of_function)
    }

    /// How the backend's body goes, for people: `streamed`, `held` where the whole of it is looked into, `constant`.
    pub fn bodies(&self) -> &'static str {
        let custom = match self {
            Self::Proxy => return "streamed",
            Self::Function(function) => return if function.streams { "streamed" } else { "held" },
            Self::Custom(custom) => custom,
        };
        let constant = |choice: &Choice| {
            !choice.maps_body
                && !choice.templates.is_empty()
                && choice.templates.iter().all(|(_, one)| one.as_ref().is_some_and(Template::is_constant))
        };
        // A MOCK has no body to hold.
        let empty = |choice: &Choice| !custom.shows_trace && choice.templates.is_empty();
        if custom.choices.iter().all(|choice| constant(choice) || empty(choice)) { "constant" } else { "held" }
    }
}

/// What an answer of the backend has met.
#[derive(Clone, Copy)]
pub struct Chosen<'m>(Met<'m>);

#[derive(Clone, Copy)]
enum Met<'m> {
    Proxy,
    Function(&'m FunctionResponse),
    /// An integration response.
    Custom(&'m CustomResponse, &'m Choice),
}

/// Chooses the integration response for what a backend answered: by its status or, of a Lambda function, by the error
/// that it ended with. `body` is the backend's, where [`ResponseMapping::chooses_by_body`].
#[inline]
pub fn choice<'m>(mapping: &'m ResponseMapping, backend: Backend<'_>, body: &[u8]) -> Result<Chosen<'m>, Fault> {
    Ok(Chosen(match mapping {
        ResponseMapping::Proxy => Met::Proxy,
        ResponseMapping::Function(function) => Met::Function(function),
        ResponseMapping::Custom(custom) if custom.of_function => {
            if backend.status == 403 || is_denied(body) {
                return Err(Fault::because(FaultKind::Configuration, "Invalid permissions on Lambda function"));
            }
            let error = function::error_message(body).unwrap_or_default();
            Met::Custom(custom, choose(&custom.choices, &error, backend.status)?)
        }
        ResponseMapping::Custom(custom) => {
            let mut digits = [0; 20];
            let text = std::str::from_utf8(decimal(u64::from(backend.status), &mut digits)).unwrap_or_default();
            Met::Custom(custom, choose(&custom.choices, text, backend.status)?)
        }
    }))
}

/// What Lambda answers to whom the function's policy does not name (rest/07 section 7.1).
fn is_denied(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Refusal<'a> {
        #[serde(rename = "__type", borrow)]
        kind: Option<std::borrow::Cow<'a, str>>,
    }
    // A body that could hold it, before it is read as a whole.
    memchr::memmem::find(body, b"AccessDeniedException").is_some()
        && serde_json::from_slice::<Refusal<'_>>(body)
            .is_ok_and(|refusal| refusal.kind.as_deref() == Some("AccessDeniedException"))
}

impl Chosen<'_> {
    /// Which integration response it is, for people; a proxy has none.
    pub fn told(&self) -> Option<String> {
        let Met::Custom(_, choice) = self.0 else { return None };
        let which = match choice.pattern_text.as_deref().filter(|_| choice.pattern.is_some()) {
            Some(pattern) => format!("the one for `{pattern}`"),
            None => "the default".to_owned(),
        };
        Some(format!("Integration response: {which}, status {}", choice.status))
    }

    /// Whether the whole body of the backend has to be there: a template or a header looks into it, or it is not what
    /// the client gets. `first` is what has come of it.
    #[inline]
    pub fn needs_body(&self, context: &Context<'_>, backend: Backend<'_>, first: &[u8], complete: bool) -> bool {
        let (custom, choice) = match self.0 {
            Met::Proxy => return false,
            Met::Function(_) => return true,
            Met::Custom(custom, choice) => (custom, choice),
        };
        if choice.maps_body {
            return true;
        }
        match choice.template(context.request) {
            Some((_, Some(template))) => !template.is_constant(),
            Some((_, None)) | None if choice.content_handling.is_none() && custom.binary.is_empty() => {
                !complete || std::str::from_utf8(first).is_err()
            }
            Some((_, None)) | None => {
                // Bytes for somebody who takes bytes need no look (rest/06 section 6.3).
                !(custom.binary.contain(backend.value(Known::ContentType))
                    && custom.wants_bytes(context)
                    && choice.content_handling.is_none())
            }
        }
    }
}

impl CustomResponse {
    /// The first entry of the first Accept (rest/06 section 6.1).
    fn wants_bytes(&self, context: &Context<'_>) -> bool {
        self.binary.contain(context.request.values(Known::Accept).next())
    }
}

/// Writes the status line and the headers of the answer, and says what its body is. `body` is the backend's, where
/// [`Chosen::needs_body`]; `overrides` is what the request's template left.
#[inline]
pub fn response<'m>(
    chosen: Chosen<'m>,
    context: &Context<'_>,
    (backend, body): (Backend<'_>, Option<&[u8]>),
    overrides: Option<&Overrides>,
    tools: Tools<'_>,
    out: &mut Buffer,
) -> Result<Answer<'m>, Fault> {
    match chosen.0 {
        Met::Proxy => {
            proxied(backend, out);
            Ok(Answer { status: backend.status, body: AnswerBody::Backend })
        }
        Met::Function(mapping) => function::response(mapping, context, (backend, body.unwrap_or_default()), out),
        Met::Custom(custom, choice) => {
            let Tools { scratch, log } = tools;
            let used = body.is_some();
            let made = answer(custom, choice, context, (backend, body), overrides, (scratch, log), out);
            if used {
                scratch.clear();
            }
            made
        }
    }
}

/// The backend's lines under rest/05's rules, in its order and spelling.
fn proxied(backend: Backend<'_>, out: &mut Buffer) {
    write_status_line(backend.status, &mut |part| out.push(part));
    let mut has_content_type = false;
    let bytes = backend.bytes;
    for line in backend.lines {
        let name = match give_back(line.known) {
            Return::Drop => continue,
            Return::Pass => line.name.of(bytes),
            Return::Remap(name) => name.as_bytes(),
        };
        if line.known == Known::Other && ends_here(backend.lines, bytes, name) {
            continue;
        }
        has_content_type |= line.known == Known::ContentType;
        self::line(out, name, line.value.of(bytes));
    }
    if !has_content_type {
        line(out, b"Content-Type", b"application/json");
    }
}

/// RFC 9110 7.6.1: a header that the backend's Connection line names was for us alone.
fn ends_here(lines: &[Line], bytes: &[u8], name: &[u8]) -> bool {
    lines.iter().any(|line| line.known == Known::Connection && list_names(line.value.of(bytes), name))
}

/// Converted first, then the template, then status and headers, where overrides win (rest/06 section 6.3, rest/07
/// section 7.6).
fn answer<'m>(
    custom: &'m CustomResponse,
    choice: &'m Choice,
    context: &Context<'_>,
    (backend, body): (Backend<'_>, Option<&[u8]>),
    earlier: Option<&Overrides>,
    (scratch, log): (&mut Scratch, Option<&mut ExecutionLog>),
    out: &mut Buffer,
) -> Result<Answer<'m>, Fault> {
    let Scratch { arena, out: rendered } = scratch;
    let chosen = choice.template(context.request);
    let template = chosen.and_then(|(key, template)| Some((key, template.as_ref()?)));
    let mut made = None;
    let answer_body = match (template, body) {
        // Bytes come of every body, or an error: neither goes with a template, whatever the body is (rest/06 section 6.3).
        (Some((_, Template::Constant(_))), _) if custom.shows_trace && choice.decodes() => return Err(no_text()),
        (Some((_, Template::Constant(text))), _) => AnswerBody::Constant(text),
        (Some((_, Template::Broken(reason))), _) => return Err(unable(Way::Response, reason)),
        (None, None) => AnswerBody::Backend,
        (template, body) => {
            let binary = custom.binary.contain(backend.value(Known::ContentType));
            let wanted = custom.wants_bytes(context);
            let body = body.unwrap_or_default();
            let converted = if custom.binary.is_empty() || !custom.shows_trace {
                // No client wants bytes of an API that has none; and what a MOCK answers is an empty text.
                Converted::response(body, false, false, choice.content_handling.filter(|_| custom.shows_trace))
            } else {
                Converted::response(body, binary, wanted, choice.content_handling)
            };
            let converted = converted
                .map_err(|NotBase64| unable(Way::Response, &"the body is not base64, and has to be decoded"))?;
            match template {
                Some((key, Template::Program(program))) => {
                    let Converted::Text(text) = &converted else { return Err(no_text()) };
                    let rendering = Rendering { way: Way::Response, key, body: text, earlier };
                    made = render(program, &rendering, context, (&*arena, &mut *rendered), log)?;
                    AnswerBody::Made(Buffer::of(rendered))
                }
                _ => AnswerBody::Made(Buffer::of(converted.as_bytes())),
            }
        }
    };
    let overrides = made.as_ref().or(earlier);
    let status = overrides.and_then(Overrides::status).unwrap_or(choice.status);
    write_status_line(status, &mut |part| out.push(part));
    let text = if choice.maps_body { String::from_utf8_lossy(body.unwrap_or_default()) } else { "".into() };
    let json = if choice.maps_body {
        let unreadable = |Malformed(reason)| {
            Fault::because(FaultKind::Configuration, format!("Unable to transform response: {reason}"))
        };
        Some(JsonBody::read(&text, arena).map_err(unreadable)?)
    } else {
        None
    };
    let (mut has_content_type, mut has_trace) = (false, false);
    for (name, source) in &choice.headers {
        let known = Known::of(name);
        // By the name that both are written with: what it is called on the way out comes later.
        if overrides.is_some_and(|overrides| {
            overrides.response_headers().any(|(own, _)| own.as_bytes().eq_ignore_ascii_case(name))
        }) {
            continue;
        }
        let name = match give_mapped(known) {
            Return::Drop => continue,
            Return::Pass => name,
            Return::Remap(name) => name.as_bytes(),
        };
        let mut begun = false;
        source.write(context, backend, json.as_ref(), &mut |part| {
            if !std::mem::replace(&mut begun, true) {
                out.push(name);
                out.push(b": ");
            }
            out.push(part);
        })?;
        if begun {
            out.push(b"\r\n");
            has_content_type |= known == Known::ContentType;
            has_trace |= known == Known::AmznTraceId;
        }
    }
    for (name, value) in overrides.into_iter().flat_map(|overrides| last_of_name(overrides.response_headers())) {
        let known = write_override(name, value, out)?;
        has_content_type |= known == Known::ContentType;
        has_trace |= known == Known::AmznTraceId;
    }
    if !has_content_type {
        let from_template = chosen.map_or(&b"application/json"[..], |(content_type, _)| content_type.as_bytes());
        line(out, b"Content-Type", from_template);
    }
    if custom.shows_trace && !has_trace {
        out.push(b"X-Amzn-Trace-Id: Root=");
        out.push(trace_root(context.request));
        out.push(b"\r\n");
    }
    Ok(Answer { status, body: answer_body })
}

fn no_text() -> Fault {
    unable(Way::Response, &"the body is bytes, and a template needs a text")
}

/// A header that a template sets; answers which it was.
fn write_override(name: &str, value: &serde_json::Value, out: &mut Buffer) -> Result<Known, Fault> {
    let known = Known::of(name.as_bytes());
    let value = joined(value);
    bounded(Way::Response, format_args!("a name in responseOverride.header"), name.as_bytes())?;
    if !is_token(name.as_bytes()) || !is_field_value(value.as_bytes()) {
        return Err(unable(Way::Response, &format!("responseOverride.header.{name} cannot be sent as a header")));
    }
    bounded(Way::Response, format_args!("responseOverride.header.{name}"), value.as_bytes())?;
    match give_mapped(known) {
        Return::Drop => {}
        Return::Pass => line(out, name.as_bytes(), value.as_bytes()),
        Return::Remap(name) => line(out, name.as_bytes(), value.as_bytes()),
    }
    Ok(known)
}

impl ResponseSource {
    fn write(
        &self,
        context: &Context<'_>,
        backend: Backend<'_>,
        body: Option<&JsonBody<'_>>,
        push: &mut impl FnMut(&[u8]),
    ) -> Result<(), Fault> {
        let mut fits = Ok(());
        let mut of_body = |value: &[u8], push: &mut dyn FnMut(&[u8])| {
            if is_field_value(value) {
                fits = bounded(Way::Response, format_args!("a mapped value of the body"), value);
                if fits.is_ok() {
                    push(value);
                }
            }
        };
        match self {
            Self::Literal(text) => push(text),
            Self::Header(name) => {
                if let Some(line) = backend.named(name).next_back() {
                    push(line.value.of(backend.bytes));
                }
            }
            Self::MultiHeader(name) => {
                for (index, line) in backend.named(name).enumerate() {
                    if index > 0 {
                        push(b",");
                    }
                    push(line.value.of(backend.bytes));
                }
            }
            Self::Context(variable) => {
                variable.write(context, push);
            }
            Self::Body => {
                if let Some(body) = body {
                    of_body(body.whole().as_bytes(), push);
                }
            }
            Self::BodyPath(path) => {
                if let Some(body) = body {
                    body.write(path, &mut |value| of_body(value, push));
                }
            }
            Self::Request(source) => {
                let mut joined = Vec::new();
                let mut first = true;
                let found = source.values(&Lookup { context, body: None }, &mut |value| {
                    if !std::mem::take(&mut first) {
                        joined.push(b',');
                    }
                    joined.extend_from_slice(value);
                });
                if found {
                    sound(&joined, push);
                }
            }
        }
        fits
    }
}

/// A value that no header can carry is not sent: half of it would be another value.
fn sound(value: &[u8], push: &mut impl FnMut(&[u8])) {
    if is_field_value(value) {
        push(value);
    }
}

fn line(out: &mut Buffer, name: &[u8], value: &[u8]) {
    out.push(name);
    out.push(b": ");
    out.push(value);
    out.push(b"\r\n");
}
