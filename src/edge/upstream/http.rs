//! One request to an HTTP backend: over a connection that rested, or a new one.

use super::call::{Call, Integration, Tools};
use std::io;
use std::rc::Rc;

use super::inbound::Inbound;
use super::pool::{self, Connection};
use super::upload::{BackendSide, Upload};
use crate::edge::body::{Body, BodyError};
use crate::edge::exchange::Verb;
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::net::tcp;
use crate::settings::limits::INTERIM_RESPONSES_MAX;
use crate::telemetry::names::Event;
use crate::time::Instant;
use crate::wire::h1::head;

/// What a failed exchange leaves to say.
enum Failure {
    /// The connection had been closed before one byte came back: nobody has worked on the request.
    Stale,
    Final(Fault),
}

pub(super) async fn call(
    tools: Tools<'_>,
    integration: &Integration,
    mut call: Call,
    now: Instant,
) -> Result<Inbound, Fault> {
    let deadline = now + integration.timeout;
    // RFC 9110 9.2.2: only what may be done twice is sent again. The rest is sent only over a connection that the
    // kernel says still stands.
    let repeatable = call.verb.is_idempotent() && call.client.is_none();
    if let Some(connection) = tools.pools.take(&integration.endpoint, now, !repeatable) {
        tools.counters.event(Event::UpstreamReuse);
        match exchange(tools, integration, connection, &mut call, deadline).await {
            Ok(inbound) => return Ok(inbound),
            Err(Failure::Stale) if repeatable => tools.counters.event(Event::UpstreamRetry),
            Err(Failure::Stale) => return Err(network_error(tools, "the connection was closed before an answer")),
            Err(Failure::Final(fault)) => return Err(fault),
        }
    }
    // Boxed: connecting is rare, and its state would make every waiting connection larger.
    let connection = Box::pin(connect(tools, integration, deadline)).await?;
    match exchange(tools, integration, connection, &mut call, deadline).await {
        Ok(inbound) => Ok(inbound),
        Err(Failure::Stale) => Err(network_error(tools, "the connection was closed before an answer")),
        Err(Failure::Final(fault)) => Err(fault),
    }
}

async fn connect(tools: Tools<'_>, integration: &Integration, deadline: Instant) -> Result<Box<Connection>, Fault> {
    let endpoint = &integration.endpoint;
    if endpoint.is_unresolved() {
        tools.counters.event(Event::UpstreamConnectError);
        // rest/04 section 4.8: a name that does not resolve is a configuration error.
        let detail = format!("Invalid endpoint address: {} does not resolve", endpoint.host);
        return Err(Fault::because(FaultKind::Configuration, detail));
    }
    match pool::open(endpoint, deadline, || tools.clock.now()).await {
        Ok(connection) => {
            tools.counters.event(Event::UpstreamConnect);
            Ok(connection)
        }
        Err(reason) => {
            tools.counters.event(Event::UpstreamConnectError);
            if tools.clock.now() >= deadline {
                tools.counters.event(Event::UpstreamTimeout);
                return Err(Fault::because(FaultKind::IntegrationTimeout, reason));
            }
            Err(Fault::because(FaultKind::IntegrationFailure, reason))
        }
    }
}

async fn exchange(
    tools: Tools<'_>,
    integration: &Integration,
    mut connection: Box<Connection>,
    call: &mut Call,
    deadline: Instant,
) -> Result<Inbound, Failure> {
    let Some(mut writer) = connection.writer.take() else { return Err(Failure::Stale) };
    let out = std::mem::replace(&mut call.bytes, Buffer::none());
    let mut bytes = Buffer::head();
    let (upload, first) = if let Some(client) = call.client.take() {
        writer.deadline.set(deadline);
        // A backend that refuses the head may have said why: the upload fails by itself, and the answer is read.
        call.bytes = writer.write_all(out).await.1;
        writer.deadline.clear();
        let side = BackendSide {
            answer: Rc::clone(&connection.reader.deadline),
            writer,
            chunked: call.chunked,
            timeout: integration.timeout,
        };
        (Some(Upload::start(client, side, tools.clock.clone())), None)
    } else {
        // Both directions: the backend may not take the request, or not answer it.
        connection.reader.deadline.set(deadline);
        writer.deadline.set(deadline);
        let exchanged = tcp::exchange(&mut writer, out, &mut connection.reader, bytes).await;
        writer.deadline.clear();
        (call.bytes, bytes) = (exchanged.out, exchanged.into);
        if exchanged.written.is_ok() {
            connection.writer = Some(writer);
        }
        (None, Some(exchanged.read))
    };
    let headed = read_head(&mut connection, &mut bytes, call.verb, first).await;
    if let Some(upload) = &upload {
        upload.answered();
    }
    connection.reader.deadline.clear();
    match headed {
        Ok(()) => {}
        Err(HeadFailure::Closed) if bytes.is_empty() && upload.is_none() && !timed_out(&connection) => {
            return Err(Failure::Stale);
        }
        Err(failure) => return Err(Failure::Final(Box::pin(explain(tools, &connection, upload, failure)).await)),
    }
    let length = connection.head.length;
    let begun = Body::begin(connection.head.framing, &mut bytes, length, integration.response_bytes_max);
    let (body, arrived) = match begun {
        Ok(begun) => begun,
        Err(BodyError::TooLarge) => {
            tools.counters.event(Event::UpstreamBodyBroken);
            let detail = "the backend's answer is larger than the payload limit";
            return Err(Failure::Final(Fault::because(FaultKind::IntegrationTooLarge, detail)));
        }
        Err(_) => return Err(Failure::Final(protocol_error(tools, "the backend's answer has a chunk that is none"))),
    };
    connection.bytes = bytes;
    if !body.is_complete() {
        // Behind an upload the time began when the last of it had been sent.
        let whole = upload.is_some();
        connection.left = if whole { integration.timeout } else { deadline.since(tools.clock.now()) };
    }
    (connection.body, connection.arrived, connection.upload) = (body, arrived, upload);
    Ok(Inbound { connection })
}

/// Whether we ended the connection, because the backend took too long.
fn timed_out(connection: &Connection) -> bool {
    connection.reader.deadline.passed() || connection.writer.as_ref().is_some_and(|writer| writer.deadline.passed())
}

enum HeadFailure {
    /// The end of the stream, or an error of the socket.
    Closed,
    Protocol(&'static str),
}

/// Reads up to the end of the answer's head; interim answers are passed over. `first` is the read that was made together
/// with the request.
async fn read_head(
    connection: &mut Connection,
    bytes: &mut Buffer,
    verb: Verb,
    first: Option<io::Result<usize>>,
) -> Result<(), HeadFailure> {
    let mut looked = 0;
    let mut interim = 0;
    if let Some(Ok(0) | Err(_)) = first {
        return Err(HeadFailure::Closed);
    }
    loop {
        if let Some(length) = head::end(bytes, looked) {
            let parsed = connection.head.parse(bytes, length, verb == Verb::Head);
            parsed.map_err(|_| HeadFailure::Protocol("the backend's head is not HTTP/1.1"))?;
            match connection.head.status {
                101 => return Err(HeadFailure::Protocol("the backend switched protocols, which nobody asked for")),
                100..=199 if interim < INTERIM_RESPONSES_MAX => {
                    interim += 1;
                    bytes.consume(length);
                    looked = 0;
                    continue;
                }
                100..=199 => return Err(HeadFailure::Protocol("the backend sent interim answers without an end")),
                _ => return Ok(()),
            }
        }
        looked = bytes.len();
        if bytes.room() == 0 {
            return Err(HeadFailure::Protocol("the backend's head is larger than a buffer"));
        }
        let (read, filled) = connection.reader.read(std::mem::replace(bytes, Buffer::none())).await;
        *bytes = filled;
        match read {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(HeadFailure::Closed),
        }
    }
}

/// What to answer where no head came: the client's own mistake first, then the time, then the network.
async fn explain(tools: Tools<'_>, connection: &Connection, upload: Option<Upload>, failure: HeadFailure) -> Fault {
    if let Some(upload) = upload {
        connection.reader.abort();
        if upload.outcome().is_none() && timed_out(connection) {
            // The client may be at fault, or the backend: the task that sends knows, once its write has failed.
            upload.ended().await;
        }
        if let Some(Err(kind)) = upload.outcome()
            && kind != FaultKind::IntegrationFailure
        {
            return Fault::new(kind);
        }
    }
    match failure {
        HeadFailure::Protocol(reason) => protocol_error(tools, reason),
        HeadFailure::Closed if timed_out(connection) => {
            tools.counters.event(Event::UpstreamTimeout);
            Fault::because(FaultKind::IntegrationTimeout, "Execution failed due to a timeout error")
        }
        HeadFailure::Closed => network_error(tools, "the backend closed the connection before its answer was complete"),
    }
}

fn protocol_error(tools: Tools<'_>, reason: &str) -> Fault {
    tools.counters.event(Event::UpstreamProtocolError);
    Fault::because(FaultKind::IntegrationFailure, reason)
}

fn network_error(tools: Tools<'_>, reason: &str) -> Fault {
    tools.counters.event(Event::UpstreamBodyBroken);
    Fault::because(FaultKind::IntegrationFailure, reason)
}
