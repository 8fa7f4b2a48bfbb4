//! A Lambda function's answer that is streamed: messages of the event-stream encoding, in them the metadata, eight zero
//! bytes, and the body (rest/15, "Lambda streaming").

use std::io::{Error, ErrorKind};

use serde::Deserialize;

use super::inbound::Inbound;
use crate::edge::body::BodyError;
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::settings::limits::{FUNCTION_METADATA_BYTES_MAX, FUNCTION_STREAM_MESSAGE_BYTES_MAX};
use crate::time::Clock;
use crate::wire::event_stream::{Decoder, INVOKE_COMPLETE, PAYLOAD_CHUNK};

/// What stands between the metadata and the body.
const SEPARATOR: [u8; 8] = [0; 8];

/// An answer under way, read up to somewhere in its body.
pub struct FunctionStream {
    pub inbound: Inbound,
    decoder: Decoder,
    /// What was read of the backend and is not decoded yet.
    rest: Buffer,
    /// The last message has come.
    ended: bool,
    /// The function ended by an error: what Lambda says of it.
    failed: Option<String>,
}

/// What the last message may say.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Completion {
    error_code: Option<String>,
    error_details: Option<String>,
}

impl FunctionStream {
    pub fn new(inbound: Inbound) -> Self {
        let rest = Buffer::of(inbound.first());
        let decoder = Decoder::new(FUNCTION_STREAM_MESSAGE_BYTES_MAX);
        Self { inbound, decoder, rest, ended: false, failed: None }
    }

    /// Reads up to the end of the metadata: the bytes before the separator, and what has come behind it.
    pub async fn metadata(&mut self, clock: &Clock) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let mut gathered = Vec::new();
        loop {
            let found = memchr::memmem::find(&gathered, &SEPARATOR);
            if let Some(at) = found.filter(|at| *at <= FUNCTION_METADATA_BYTES_MAX) {
                let body = gathered.split_off(at + SEPARATOR.len());
                gathered.truncate(at);
                return Ok((gathered, body));
            }
            if let Some(failed) = self.failed.take() {
                let detail = format!("Lambda execution failed due to customer function error: {failed}");
                return Err(Fault::because(FaultKind::FunctionFailure, detail));
            }
            // rest/15: within the first 16 KB, else 500.
            if self.ended || gathered.len() > FUNCTION_METADATA_BYTES_MAX {
                let detail = "Malformed Lambda streaming response: no metadata and eight zero bytes behind it";
                return Err(Fault::because(FaultKind::Configuration, detail));
            }
            match self.decoded(clock).await {
                Ok(piece) => gathered.extend_from_slice(&piece),
                Err(BodyError::Broken(error)) if error.kind() == ErrorKind::TimedOut => {
                    return Err(Fault::because(
                        FaultKind::IntegrationTimeout,
                        "Execution failed due to a timeout error",
                    ));
                }
                Err(_) => {
                    return Err(Fault::because(FaultKind::FunctionFailure, "the function's answer broke off"));
                }
            }
        }
    }

    /// The next piece of the body; `None` at its end. A function that fails in the middle breaks it off.
    pub async fn piece(&mut self, clock: &Clock) -> Result<Option<Buffer>, BodyError> {
        loop {
            if self.failed.is_some() {
                return Err(BodyError::Broken(Error::other("the function failed in the middle of its answer")));
            }
            if self.ended {
                return Ok(None);
            }
            let piece = self.decoded(clock).await?;
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }

    /// Whether nothing more is to come.
    pub fn is_complete(&self) -> bool {
        self.ended && self.failed.is_none()
    }

    /// The payloads of what the backend sends next: perhaps none.
    async fn decoded(&mut self, clock: &Clock) -> Result<Buffer, BodyError> {
        let mut payload = Buffer::body();
        payload.leave_headroom(HEADROOM);
        if self.rest.is_empty() {
            match self.inbound.piece(clock).await? {
                Some(piece) => self.rest = piece,
                // The answer ends without having said so.
                None => return Err(BodyError::Broken(ErrorKind::UnexpectedEof.into())),
            }
        }
        while !self.rest.is_empty() && !self.ended {
            let fed = self.decoder.feed(&self.rest).map_err(|_| BodyError::Malformed)?;
            if let Some(message) = fed.message {
                match (message.message_type(), message.event_type()) {
                    (Some("event"), Some(PAYLOAD_CHUNK)) => payload.push(message.payload),
                    (Some("event"), Some(INVOKE_COMPLETE)) => {
                        self.ended = true;
                        self.failed = failure(message.payload);
                    }
                    // A kind that comes later means nothing here.
                    (Some("event"), _) => {}
                    _ => {
                        self.ended = true;
                        let what = message.text(":exception-type").or(message.text(":error-code"));
                        self.failed = Some(what.unwrap_or("an exception").to_owned());
                    }
                }
            }
            let read = fed.read;
            self.rest.consume(read);
        }
        Ok(payload)
    }
}

/// Room for the size line of a chunk.
const HEADROOM: usize = 18;

fn failure(completion: &[u8]) -> Option<String> {
    let completion: Completion = serde_json::from_slice(completion).ok()?;
    let code: String = completion.error_code?.chars().take(512).collect();
    Some(match completion.error_details {
        Some(details) => format!("{code}: {}", details.chars().take(512).collect::<String>()),
        None => code,
    })
}
