//! The answer toward the client: its status and headers. Ids, date and framing are the connection's.

use super::headers::{Return, give_back, give_mapped, write_status_line};
use super::select::{Choice, ResponseSource, choose};
use crate::edge::exchange::{Context, trace_root};
use crate::edge::fault::Fault;
use crate::net::buffer::Buffer;
use crate::wire::headers::{Known, Line, list_names};

/// What the definition says of the way back, compiled.
#[derive(Debug)]
pub enum ResponseMapping {
    /// HTTP_PROXY: the backend decides.
    Proxy,
    /// HTTP and MOCK: an integration response is chosen; in ascending order of status.
    Custom {
        choices: Box<[Choice]>,
        /// rest/05 section 5.8: HTTP answers show the trace, MOCK answers do not.
        shows_trace: bool,
    },
}

/// What the backend answered, as far as a mapping looks at it.
#[derive(Clone, Copy)]
pub struct Backend<'b> {
    pub status: u16,
    pub lines: &'b [Line],
    /// The bytes that the lines point into.
    pub bytes: &'b [u8],
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'m> {
    pub status: u16,
    pub body: AnswerBody<'m>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBody<'m> {
    Backend,
    Constant(&'m [u8]),
}

/// Writes the status line and the headers of the answer, and says what its body is.
#[inline]
pub fn response<'m>(
    mapping: &'m ResponseMapping,
    context: &Context<'_>,
    backend: Backend<'_>,
    out: &mut Buffer,
) -> Result<Answer<'m>, Fault> {
    match mapping {
        ResponseMapping::Proxy => {
            proxied(backend, out);
            Ok(Answer { status: backend.status, body: AnswerBody::Backend })
        }
        ResponseMapping::Custom { choices, shows_trace } => {
            let choice = choose(choices, backend.status)?;
            Ok(custom(choice, *shows_trace, context, backend, out))
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

fn custom<'m>(
    choice: &'m Choice,
    shows_trace: bool,
    context: &Context<'_>,
    backend: Backend<'_>,
    out: &mut Buffer,
) -> Answer<'m> {
    write_status_line(choice.status, &mut |part| out.push(part));
    let template = choice.template(context.request);
    let mut has_content_type = false;
    for (name, source) in &choice.headers {
        let known = Known::of(name);
        let name = match give_mapped(known) {
            Return::Drop => continue,
            Return::Pass => name,
            Return::Remap(name) => name.as_bytes(),
        };
        let mut begun = false;
        source.write(context, backend, &mut |part| {
            if !std::mem::replace(&mut begun, true) {
                out.push(name);
                out.push(b": ");
            }
            out.push(part);
        });
        if begun {
            out.push(b"\r\n");
            has_content_type |= known == Known::ContentType;
        }
    }
    if !has_content_type {
        let from_template = template.map_or(&b"application/json"[..], |(content_type, _)| content_type.as_bytes());
        line(out, b"Content-Type", from_template);
    }
    if shows_trace {
        out.push(b"X-Amzn-Trace-Id: Root=");
        out.push(trace_root(context.request));
        out.push(b"\r\n");
    }
    let body = template.map_or(AnswerBody::Backend, |(_, body)| AnswerBody::Constant(body));
    Answer { status: choice.status, body }
}

impl ResponseSource {
    fn write(&self, context: &Context<'_>, backend: Backend<'_>, push: &mut impl FnMut(&[u8])) {
        let named = |name: &[u8]| {
            let name = name.to_owned();
            backend.lines.iter().filter(move |line| line.name.of(backend.bytes).eq_ignore_ascii_case(&name))
        };
        match self {
            Self::Literal(text) => push(text),
            Self::Header(name) => {
                if let Some(line) = named(name).next_back() {
                    push(line.value.of(backend.bytes));
                }
            }
            Self::MultiHeader(name) => {
                for (index, line) in named(name).enumerate() {
                    if index > 0 {
                        push(b",");
                    }
                    push(line.value.of(backend.bytes));
                }
            }
            Self::Context(variable) => {
                variable.write(context, push);
            }
            Self::Request(source) => {
                let mut first = true;
                source.values(context, &mut |value| {
                    if !std::mem::take(&mut first) {
                        push(b",");
                    }
                    // A decoded value may hold a line's end; what follows it is not sent.
                    let line = value.split(|byte| matches!(byte, b'\r' | b'\n' | 0)).next().unwrap_or_default();
                    push(line);
                });
            }
        }
    }
}

fn line(out: &mut Buffer, name: &[u8], value: &[u8]) {
    out.push(name);
    out.push(b": ");
    out.push(value);
    out.push(b"\r\n");
}
