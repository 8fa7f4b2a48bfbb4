//! What a Lambda function says is the client's answer (rest/09 sections 9.3 and 9.4).

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::answer::{Answer, AnswerBody, Backend};
use super::encoding::BinaryTypes;
use super::headers::{Return, give_of_function, write_status_line};
use crate::edge::exchange::{Context, trace_root};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::settings::limits::{
    FUNCTION_ANSWER_HEADER_BYTES_MAX, FUNCTION_ANSWER_HEADERS_MAX, FUNCTION_PAYLOAD_BYTES_MAX,
};
use crate::wire::headers::{Known, is_field_value, is_token};

/// The way back, compiled.
#[derive(Debug)]
pub struct FunctionResponse {
    pub(super) binary: BinaryTypes,
    /// `responseTransferMode: STREAM`
    pub(super) streams: bool,
}

/// What the client gets of what the function said (rest/09 section 9.3). `body` is what its invocation answered.
pub(super) fn response<'m>(
    mapping: &FunctionResponse,
    context: &Context<'_>,
    (backend, body): (Backend<'_>, &[u8]),
    out: &mut Buffer,
) -> Result<Answer<'m>, Fault> {
    invoked(backend, body)?;
    if body.len() > FUNCTION_PAYLOAD_BYTES_MAX {
        // In Lambda's words: it refuses such a result itself (rest/04 section 4.9).
        let detail = format!(
            "Lambda Customer Function Error:Response payload size exceeded maximum allowed payload size \
             ({FUNCTION_PAYLOAD_BYTES_MAX} bytes)."
        );
        return Err(Fault::because(FaultKind::FunctionFailure, detail));
    }
    // A list would be read as the members in their order.
    if !is_object(body) {
        return Err(malformed("it is no JSON object"));
    }
    let said: Said<'_> = serde_json::from_slice(body).map_err(malformed)?;
    let status = said.status_code.map_or(200, |StatusCode(status)| status);
    let wanted =
        said.is_base64_encoded == Some(true) && mapping.binary.contain(context.request.values(Known::Accept).next());
    let text = said.body.map_or(Cow::Borrowed(""), |Text(text)| text);
    let made = if wanted {
        let decoded = STANDARD.decode(&*text).map_err(|error| {
            let detail = format!("Unable to base64 decode the body: {error}");
            Fault::because(FaultKind::Configuration, detail)
        })?;
        Buffer::from(decoded)
    } else {
        match text {
            Cow::Owned(text) => Buffer::from(text.into_bytes()),
            Cow::Borrowed(text) => Buffer::of(text.as_bytes()),
        }
    };
    write_status_line(status, &mut |part| out.push(part));
    Headers::of(said.headers, said.multi_value_headers)?.write(context, out)?;
    Ok(Answer { status, body: AnswerBody::Made(made) })
}

/// Status line and headers of an answer that is streamed, from its metadata (rest/15); answers the status.
pub fn streamed_head(metadata: &[u8], context: &Context<'_>, out: &mut Buffer) -> Result<u16, Fault> {
    let wrong = |fault: Fault| Fault { kind: FaultKind::Configuration, ..fault };
    if !is_object(metadata) {
        return Err(wrong(malformed("its metadata is no JSON object")));
    }
    let said: Metadata<'_> = serde_json::from_slice(metadata).map_err(|error| wrong(malformed(error)))?;
    let status = said.status_code.map_or(200, |StatusCode(status)| status);
    write_status_line(status, &mut |part| out.push(part));
    let mut headers = Headers::of(said.headers, said.multi_value_headers).map_err(wrong)?;
    let cookies = said.cookies.unwrap_or_default();
    headers
        .several
        .push((Cow::Borrowed("Set-Cookie"), cookies.into_iter().map(|Text(text)| Scalar::Text(text)).collect()));
    // Its length is not known to be the body's: that goes in chunks.
    headers.single.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    headers.several.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    headers.write(context, out).map_err(wrong)?;
    Ok(status)
}

/// Whether the invocation itself went well (rest/09 section 9.4).
pub fn invoked(backend: Backend<'_>, body: &[u8]) -> Result<(), Fault> {
    let header = |name: &[u8]| backend.last(name).map(String::from_utf8_lossy);
    match backend.status {
        200 => {}
        403 | 404 => {
            return Err(Fault::because(FaultKind::Configuration, "Invalid permissions on Lambda function"));
        }
        413 | 429 | 500.. => {
            let detail = format!("Lambda answered the invocation with {}: {}", backend.status, excerpt(body));
            return Err(Fault::because(FaultKind::FunctionFailure, detail));
        }
        status => {
            let detail = format!("Lambda answered the invocation with {status}: {}", excerpt(body));
            return Err(Fault::because(FaultKind::Configuration, detail));
        }
    }
    if header(b"x-amz-function-error").is_none() {
        return Ok(());
    }
    let message = error_message(body).unwrap_or_default();
    if message.starts_with("Response payload size exceeded") {
        let message = excerpt(message.as_bytes());
        // Lambda's own words, and not the function's (rest/04 section 4.9, measured).
        return Err(Fault::because(
            FaultKind::FunctionFailure,
            format_args!("Lambda Customer Function Error:{message}"),
        ));
    }
    let id = header(b"x-amzn-requestid").unwrap_or_default();
    Err(Fault::because(
        FaultKind::FunctionFailure,
        format_args!(
            "Lambda execution failed with status 200 due to customer function error: {}. Lambda request id: {id}",
            excerpt(message.as_bytes())
        ),
    ))
}

/// The `errorMessage` of what a function ended with, where there is one.
pub(super) fn error_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Failed {
        #[serde(rename = "errorMessage")]
        message: Option<serde_json::Value>,
    }
    if !is_object(body) {
        return None;
    }
    let failed: Failed = serde_json::from_slice(body).ok()?;
    Some(match failed.message? {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => return None,
        other => other.to_string(),
    })
}

fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// For the log: no line of it is longer than anybody reads.
fn excerpt(bytes: &[u8]) -> Cow<'_, str> {
    const MOST: usize = 512;
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)])
}

fn malformed(why: impl fmt::Display) -> Fault {
    let why = why.to_string();
    let why = excerpt(why.as_bytes());
    Fault::because(FaultKind::FunctionAnswer, format_args!("Malformed Lambda proxy response: {why}"))
}

/// What a function may say. Any other member makes it no answer (recorded).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Said<'a> {
    status_code: Option<StatusCode>,
    #[serde(borrow)]
    headers: Option<Lines<'a, Scalar<'a>>>,
    #[serde(borrow)]
    multi_value_headers: Option<Lines<'a, Vec<Scalar<'a>>>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    is_base64_encoded: Option<bool>,
}

/// What a function that streams may say before its body.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata<'a> {
    status_code: Option<StatusCode>,
    #[serde(borrow)]
    headers: Option<Lines<'a, Scalar<'a>>>,
    #[serde(borrow)]
    multi_value_headers: Option<Lines<'a, Vec<Scalar<'a>>>>,
    #[serde(borrow)]
    cookies: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// `true` is a text too (recorded); a number is not.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Bool(bool),
}

impl Scalar<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }
}

/// 200, or "200"; one that an answer cannot end with is none.
struct StatusCode(u16);

impl<'de> Deserialize<'de> for StatusCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let status = match &value {
            serde_json::Value::String(text) => text.trim().parse().ok(),
            serde_json::Value::Number(number) => {
                number.as_u64().or_else(|| number.as_f64().filter(|real| real.fract() == 0.0).map(|real| real as u64))
            }
            _ => None,
        };
        let status = status.filter(|status| (200..=599).contains(status));
        let status = status.ok_or_else(|| D::Error::custom(format!("{value} is no status from 200 to 599")))?;
        Ok(Self(status as u16))
    }
}

/// The members of an object in their order.
struct Lines<'a, V>(Vec<(Cow<'a, str>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Lines<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<'a, V>(std::marker::PhantomData<(&'a (), V)>);
        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Members<'a, V> {
            type Value = Lines<'a, V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::new();
                while let Some((Text(name), value)) = members.next_entry::<Text<'de>, V>()? {
                    if lines.len() == FUNCTION_ANSWER_HEADERS_MAX {
                        return Err(A::Error::custom(format!("more than {FUNCTION_ANSWER_HEADERS_MAX} headers")));
                    }
                    lines.push((name, value));
                }
                Ok(Lines(lines))
            }
        }
        deserializer.deserialize_map(Members(std::marker::PhantomData))
    }
}

/// Of both maps: those of `multiValueHeaders` first, and then those of `headers`, by names in any case.
struct Headers<'a> {
    single: Vec<(Cow<'a, str>, Scalar<'a>)>,
    several: Vec<(Cow<'a, str>, Vec<Scalar<'a>>)>,
}

impl<'a> Headers<'a> {
    fn of(single: Option<Lines<'a, Scalar<'a>>>, several: Option<Lines<'a, Vec<Scalar<'a>>>>) -> Result<Self, Fault> {
        let single = single.map(|Lines(lines)| lines).unwrap_or_default();
        let several = several.map(|Lines(lines)| lines).unwrap_or_default();
        // Each is compared with others, also where it is not sent.
        if several.iter().map(|(_, values)| values.len()).sum::<usize>() > FUNCTION_ANSWER_HEADERS_MAX {
            return Err(malformed(format_args!("more than {FUNCTION_ANSWER_HEADERS_MAX} values of headers")));
        }
        Ok(Self { single, several })
    }

    fn write(&self, context: &Context<'_>, out: &mut Buffer) -> Result<(), Fault> {
        let start = out.len();
        let (mut has_content_type, mut has_trace) = (false, false);
        let mut line = |name: &str, value: &str, out: &mut Buffer| {
            if !is_token(name.as_bytes()) || !is_field_value(value.as_bytes()) {
                return Err(malformed(format_args!("`{}` cannot be sent as a header", excerpt(name.as_bytes()))));
            }
            let known = Known::of(name.as_bytes());
            let name = match give_of_function(known) {
                Return::Drop => return Ok(()),
                Return::Pass => name,
                Return::Remap(name) => name,
            };
            has_content_type |= known == Known::ContentType;
            has_trace |= known == Known::AmznTraceId;
            for part in [name, ": ", value, "\r\n"] {
                out.push(part.as_bytes());
            }
            if out.len() - start > FUNCTION_ANSWER_HEADER_BYTES_MAX {
                return Err(malformed(format_args!(
                    "its headers are more than {FUNCTION_ANSWER_HEADER_BYTES_MAX} bytes"
                )));
            }
            Ok(())
        };
        for (name, values) in &self.several {
            for value in values {
                line(name, value.as_str(), out)?;
            }
            for (_, value) in self.single.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
                // The same pair in both maps is one line.
                if !values.iter().any(|known| known.as_str() == value.as_str()) {
                    line(name, value.as_str(), out)?;
                }
            }
        }
        let is_written = |name: &str| self.several.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        for (name, value) in self.single.iter().filter(|(name, _)| !is_written(name)) {
            line(name, value.as_str(), out)?;
        }
        if !has_content_type {
            out.push(b"Content-Type: application/json\r\n");
        }
        if !has_trace {
            out.push(b"X-Amzn-Trace-Id: Root=");
            out.push(trace_root(context.request));
            out.push(b"\r\n");
        }
        Ok(())
    }
}
