//! Between a client's connection and a backend's: how a body goes out, how an answer and its body come back.
//! Part of the spine: it sees both ends.

use std::sync::atomic::Ordering;

use super::body::{Body, BodyError, frame};
use super::connection::{AnswerFraming, Connection, Finish, finish_head};
use super::encode;
use super::exchange::{Context, Request, Verb};
use super::fault::{Fault, FaultKind};
use super::gateway_response::{self, GatewayResponses};
use super::told::header_lines;
use super::transform::{Compression, OutboundBody};
use super::upstream::{Call, ClientSide, Finished, FunctionStream, Inbound};
use super::watch::Record;
use super::whole::{self, Whole};
use super::worker::{Count, Worker};
use crate::net::buffer::Buffer;
use crate::settings::limits::BODY_BUFFER_BYTES;
use crate::telemetry::names::Event;
use crate::time::{Clock, Instant};
use crate::wire::h1::Framing;
use crate::wire::h1::chunked::{CHUNK_END, LAST_CHUNK, size_line};

/// An answer whose status and mapped headers are written.
pub(super) struct Response<'s> {
    status: u16,
    head: Buffer,
    body: Content<'s>,
    /// The backend's answer, where the client gets something else in its place.
    unused: Option<Box<Inbound>>,
    closes: bool,
    /// Of a body that is held, until it has been sent.
    count: Option<Count>,
}

enum Content<'s> {
    Constant(&'s [u8]),
    Made(Buffer),
    Fault(FaultKind, Buffer),
    Backend(Inbound),
    /// A function's stream, and what has come of its body.
    Function(Box<FunctionStream>, Buffer),
}

impl<'s> Response<'s> {
    pub(super) fn constant(status: u16, head: Buffer, body: &'s [u8]) -> Self {
        Self { status, head, body: Content::Constant(body), unused: None, closes: false, count: None }
    }

    pub(super) fn made(status: u16, head: Buffer, body: Buffer) -> Self {
        Self { status, head, body: Content::Made(body), unused: None, closes: false, count: None }
    }

    /// The same while a body of this size is counted.
    pub(super) fn counted(self, count: Count) -> Self {
        Self { count: Some(count), ..self }
    }

    pub(super) fn of_backend(status: u16, head: Buffer, inbound: Inbound) -> Self {
        Self { status, head, body: Content::Backend(inbound), unused: None, closes: false, count: None }
    }

    pub(super) fn of_function(status: u16, head: Buffer, stream: FunctionStream, first: Buffer) -> Self {
        let body = Content::Function(Box::new(stream), first);
        Self { status, head, body, unused: None, closes: false, count: None }
    }

    /// `responses` is `None` where no release was met.
    pub(super) fn of_fault(responses: Option<&GatewayResponses>, fault: &Fault, context: &Context<'_>) -> Self {
        let mut head = Buffer::head();
        let answer = gateway_response::respond(responses, fault, context, &mut head);
        let closes = !fault.kind.may_keep_alive();
        Self {
            status: answer.status,
            head,
            body: Content::Fault(fault.kind, answer.body),
            unused: None,
            closes,
            count: None,
        }
    }

    /// What is written so far.
    pub(super) fn head_mut(&mut self) -> &mut Buffer {
        &mut self.head
    }

    /// Status, mapped head and body of an answer that nobody is sent.
    pub(super) fn into_parts(self, verb: Verb) -> (u16, Buffer, Vec<u8>) {
        let body = match self.body {
            _ if is_bodiless(verb, self.status) => Vec::new(),
            Content::Constant(constant) => constant.to_vec(),
            Content::Made(made) => made.to_vec(),
            Content::Backend(inbound) => inbound.first().to_vec(),
            Content::Function(_, first) | Content::Fault(_, first) => first.to_vec(),
        };
        (self.status, self.head, body)
    }

    pub(super) fn instead_of(self, inbound: Inbound) -> Self {
        Self { unused: Some(Box::new(inbound)), ..self }
    }
}

/// The same answer, compressed where the API, the client and the answer itself allow it (rest/06 section 6.6).
pub(super) async fn compressed<'s>(
    worker: &Worker,
    compression: Compression,
    request: &Request,
    mut response: Response<'s>,
) -> Result<Response<'s>, Fault> {
    let Some(coding) = compression.coding(request) else { return Ok(response) };
    if is_bodiless(request.verb, response.status)
        || response.status == 206
        || header_lines(&response.head).any(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"))
    {
        return Ok(response);
    }
    let bytes_min = compression.bytes_min;
    let mut held = None;
    let body = match &mut response.body {
        Content::Constant(constant) => constant,
        Content::Made(made) => &**made,
        // A gateway response is small, and the front door's.
        Content::Fault(..) | Content::Function(..) => return Ok(response),
        Content::Backend(inbound) => {
            let small = inbound.announced_length().is_some_and(|length| length < bytes_min as u64);
            if small || inbound.has_upload() && !inbound.is_complete() {
                return Ok(response);
            }
            held = whole::of_backend(worker, inbound).await?;
            held.as_ref().map_or(inbound.first(), |held| &held.bytes)
        }
    };
    let encoded = if body.len() >= bytes_min { encode::encode(coding, body).await.ok() } else { None };
    response.body = match (encoded, response.body, held) {
        (Some(encoded), body, _) => {
            response.count = Some(Count::of(&worker.shared, encoded.len())?);
            response.head.push(b"Content-Encoding: ");
            response.head.push(coding.name().as_bytes());
            // RFC 9110 12.5.5: a cache on the way must not give it to somebody else.
            response.head.push(b"\r\nVary: Accept-Encoding\r\n");
            if let Content::Backend(inbound) = body {
                response.unused = Some(Box::new(inbound));
            }
            Content::Made(encoded)
        }
        (None, Content::Backend(inbound), Some(held)) => {
            response.unused = Some(Box::new(inbound));
            let (bytes, count) = held.into_parts();
            response.count = Some(count);
            Content::Made(Buffer::from(bytes))
        }
        (None, body, _) => body,
    };
    Ok(response)
}

/// Whether an answer has no body whatever it was mapped to (RFC 9110 9.3.2, 15.3.5, 15.3.6 and 15.4.5).
fn is_bodiless(verb: Verb, status: u16) -> bool {
    verb == Verb::Head || matches!(status, 204 | 205 | 304)
}

/// Writes the framing behind the mapped head, and what has arrived of the body behind that. Where more is to come,
/// the client's direction goes along.
pub(super) async fn outbound(
    worker: &Worker,
    connection: &mut Connection,
    mut head: Buffer,
    verb: Verb,
    body: OutboundBody<'_>,
    whole: Whole,
) -> Result<(Call, Option<Count>), Fault> {
    let arrived = connection.arrived;
    let complete = connection.body.is_complete();
    let first = connection.request.bytes.get(arrived.start..arrived.end).unwrap_or_default();
    let mut chunked = false;
    let streams = matches!(body, OutboundBody::Client);
    let mut count = None;
    match body {
        OutboundBody::Made(made) => {
            count = Some(Count::of(&worker.shared, made.len())?);
            content_length(&mut head, made.len() as u64);
            head.push(&made);
        }
        OutboundBody::Client if whole.held().is_some() => {
            let held = whole.held().unwrap_or_default();
            content_length(&mut head, held.len() as u64);
            head.push(held);
            count = whole.into_count();
        }
        OutboundBody::Constant(constant) => {
            content_length(&mut head, constant.len() as u64);
            head.push(constant);
        }
        OutboundBody::None => end_without_body(&mut head, verb),
        OutboundBody::Client if complete && connection.request.head.framing == Framing::None => {
            end_without_body(&mut head, verb);
        }
        OutboundBody::Client => {
            match connection.body.remaining() {
                // Also of a chunked body that is there as a whole: its length is known now, as on AWS.
                Some(left) => content_length(&mut head, first.len() as u64 + left),
                None => {
                    chunked = true;
                    head.push(b"Transfer-Encoding: chunked\r\n\r\n");
                }
            }
            push_chunk(&mut head, first, chunked, false);
        }
    }
    let client = if streams && !complete {
        if connection.request.head.expects_continue && first.is_empty() {
            connection
                .send_continue(worker.clock.now() + worker.limits.body_stall_timeout)
                .await
                .map_err(|_| Fault::new(FaultKind::ClientLeft))?;
        }
        lend(worker, connection)
    } else {
        None
    };
    Ok((Call { bytes: head, verb, client, chunked }, count))
}

fn lend(worker: &Worker, connection: &mut Connection) -> Option<Box<ClientSide>> {
    Some(Box::new(ClientSide {
        reader: connection.reader.take()?,
        body: std::mem::take(&mut connection.body),
        rest: Buffer::none(),
        stall: worker.limits.body_stall_timeout,
        rate_min: worker.limits.body_rate_min,
    }))
}

/// rest/05 section 5.3: an empty body is announced where the verb usually has one.
fn end_without_body(head: &mut Buffer, verb: Verb) {
    if verb.announces_empty_body() { content_length(head, 0) } else { head.push(b"\r\n") }
}

fn content_length(head: &mut Buffer, length: u64) {
    head.push(b"Content-Length: ");
    head.push_decimal(length);
    head.push(b"\r\n\r\n");
}

/// Data as it goes onto the wire: as it is, or as one chunk.
fn push_chunk(out: &mut Buffer, data: &[u8], chunked: bool, last: bool) {
    if chunked {
        if !data.is_empty() {
            out.push(size_line(data.len(), &mut [0; 18]));
            out.push(data);
            out.push(CHUNK_END);
        }
        if last {
            out.push(LAST_CHUNK);
        }
    } else {
        out.push(data);
    }
}

/// Sends an answer. False where the connection has to end behind it.
pub(super) async fn send(
    worker: &Worker,
    connection: &mut Connection,
    response: Response<'_>,
    record: &mut Record<'_>,
) -> bool {
    let Response { status, mut head, body, unused, closes, count: _count } = response;
    record.outcome.status = status;
    if let Some(inbound) = unused {
        // What the backend said is not wanted: its connection goes on only if nothing more of it is to come.
        settle(worker, connection, *inbound, record.answered).await;
    }
    if matches!(&body, Content::Fault(FaultKind::ClientLeft, _)) {
        record.client_left();
        return false;
    }
    let now = record.answered;
    let lasting = now.since(connection.opened) < worker.limits.connection_lifetime;
    let mut keep =
        connection.request.head.keep_alive && !closes && !worker.shared.draining.load(Ordering::Relaxed) && lasting;
    // While an upload has the client's direction, its end decides; else what is left of the body does.
    let lent = matches!(&body, Content::Backend(inbound) if inbound.has_upload());
    keep &= lent || connection.can_clear_body();
    let framing = framing(&body, status, connection);
    if framing == AnswerFraming::UntilClose {
        keep = false;
    }
    let request = &connection.request;
    let stamp = worker.stamps.at(worker.clock.unix_millis(now));
    finish_head(&mut head, &Finish { request, keep_alive: keep, stamp: &stamp, framing });
    let by = now + worker.limits.body_stall_timeout;
    let bodiless = is_bodiless(request.verb, status);
    match body {
        Content::Constant(constant) => {
            if !bodiless {
                head.push(constant);
                record.outcome.response_bytes = constant.len() as u64;
            }
            sent(connection, head, by, record).await && keep
        }
        Content::Made(_) if bodiless => sent(connection, head, by, record).await && keep,
        Content::Made(made) => {
            record.outcome.response_bytes = made.len() as u64;
            in_pieces(worker, connection, head, &made, record).await && keep
        }
        Content::Fault(_, text) => {
            if !bodiless {
                head.push(&text);
                record.outcome.response_bytes = text.len() as u64;
            }
            sent(connection, head, by, record).await && keep
        }
        Content::Function(..) if bodiless => sent(connection, head, by, record).await && keep,
        Content::Function(function, first) => {
            stream(worker, connection, head, Source::Function(function, first), framing, record).await && keep
        }
        Content::Backend(inbound) if bodiless => {
            let arrived = sent(connection, head, by, record).await;
            settle(worker, connection, inbound, now).await && arrived && keep
        }
        Content::Backend(inbound) => {
            stream(worker, connection, head, Source::Backend(inbound), framing, record).await && keep
        }
    }
}

fn framing(body: &Content<'_>, status: u16, connection: &Connection) -> AnswerFraming {
    // RFC 9110 15.3.5 and 15.4.5: these have no body, and 204 must not announce one.
    if matches!(status, 204 | 304) {
        return AnswerFraming::Unsaid;
    }
    // RFC 9110 15.3.6.
    if status == 205 {
        return AnswerFraming::Sized(0);
    }
    match body {
        Content::Constant(constant) => AnswerFraming::Sized(constant.len() as u64),
        Content::Made(made) => AnswerFraming::Sized(made.len() as u64),
        Content::Fault(_, text) => AnswerFraming::Sized(text.len() as u64),
        Content::Backend(inbound) if connection.request.verb == Verb::Head => {
            inbound.announced_length().map_or(AnswerFraming::Unsaid, AnswerFraming::Sized)
        }
        Content::Function(..) if connection.request.verb == Verb::Head => AnswerFraming::Unsaid,
        Content::Function(..) if connection.request.head.http_1_1 => AnswerFraming::Chunked,
        Content::Function(..) => AnswerFraming::UntilClose,
        Content::Backend(inbound) => match inbound.framing() {
            Framing::Sized(length) => AnswerFraming::Sized(length),
            // A small answer in chunks is all there: its length is known, as on AWS.
            _ if inbound.is_complete() => AnswerFraming::Sized(inbound.first().len() as u64),
            _ if connection.request.head.http_1_1 => AnswerFraming::Chunked,
            _ => AnswerFraming::UntilClose,
        },
    }
}

async fn sent(connection: &mut Connection, part: Buffer, by: Instant, record: &mut Record<'_>) -> bool {
    let arrived = connection.send(part, by).await.is_ok();
    if !arrived {
        if connection.write_timed_out() { record.write_timed_out() } else { record.client_left() }
    }
    arrived
}

/// Sends a head and a body that is there as a whole; a large one in pieces, each of which has its time.
async fn in_pieces(
    worker: &Worker,
    connection: &mut Connection,
    mut head: Buffer,
    body: &[u8],
    record: &mut Record<'_>,
) -> bool {
    let with_head = body.len().min(head.room());
    let (first, rest) = body.split_at(with_head);
    head.push(first);
    let mut by = record.answered + worker.limits.body_stall_timeout;
    if !sent(connection, head, by, record).await {
        return false;
    }
    for piece in rest.chunks(BODY_BUFFER_BYTES) {
        let mut part = Buffer::body();
        part.push(piece);
        by = worker.clock.now() + worker.limits.body_stall_timeout;
        if !sent(connection, part, by, record).await {
            return false;
        }
    }
    true
}

/// Where a body comes from that goes on while it comes.
enum Source {
    Backend(Inbound),
    Function(Box<FunctionStream>, Buffer),
}

impl Source {
    /// What of it is there.
    fn first(&self) -> &[u8] {
        match self {
            Self::Backend(inbound) => inbound.first(),
            Self::Function(_, first) => first,
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Backend(inbound) => inbound.is_complete(),
            Self::Function(stream, _) => stream.is_complete(),
        }
    }

    async fn piece(&mut self, clock: &Clock) -> Result<Option<Buffer>, BodyError> {
        match self {
            Self::Backend(inbound) => inbound.piece(clock).await,
            // Boxed: few do, and its state would make every waiting connection larger.
            Self::Function(stream, _) => Box::pin(stream.piece(clock)).await,
        }
    }

    fn into_inbound(self) -> Inbound {
        match self {
            Self::Backend(inbound) => inbound,
            Self::Function(stream, _) => stream.inbound,
        }
    }
}

/// Hands a backend's body to the client piece by piece; the next one is read when the last one has been taken.
async fn stream(
    worker: &Worker,
    connection: &mut Connection,
    mut head: Buffer,
    mut source: Source,
    framing: AnswerFraming,
    record: &mut Record<'_>,
) -> bool {
    let chunked = framing == AnswerFraming::Chunked;
    let until_close = framing == AnswerFraming::UntilClose;
    record.outcome.response_bytes = source.first().len() as u64;
    push_chunk(&mut head, source.first(), chunked, source.is_complete());
    let mut part = head;
    let mut by = record.answered + worker.limits.body_stall_timeout;
    loop {
        if !sent(connection, part, by, record).await {
            connection.abort(until_close);
            return false;
        }
        if source.is_complete() {
            break;
        }
        part = match source.piece(&worker.clock).await {
            Ok(piece) => {
                let mut piece = piece.unwrap_or_else(Buffer::idle);
                record.outcome.response_bytes += piece.len() as u64;
                if chunked {
                    frame(&mut piece, source.is_complete());
                }
                piece
            }
            Err(error) => {
                // The head has gone out: all that is left is to let the client see that the body is not whole.
                broken(worker, &error, record);
                connection.abort(until_close);
                return false;
            }
        };
        by = worker.clock.now() + worker.limits.body_stall_timeout;
    }
    // Near enough: a connection that rested a little shorter than believed is closed a little later.
    settle(worker, connection, source.into_inbound(), record.answered).await
}

fn broken(worker: &Worker, error: &BodyError, record: &mut Record<'_>) {
    worker.counters.event(Event::UpstreamBodyBroken);
    let detail = match error {
        BodyError::Broken(_) => "the backend broke off its answer, or took too long for it",
        BodyError::Malformed => "the backend's answer has a chunk that is none",
        BodyError::TooLarge => "the backend's answer is larger than the payload limit",
    };
    record.outcome.failure.get_or_insert_default().detail = Some(detail.into());
}

/// Gives back what an answer held: the backend's connection to its pool, the client's direction to its connection.
async fn settle(worker: &Worker, connection: &mut Connection, inbound: Inbound, now: Instant) -> bool {
    if inbound.has_upload() {
        Box::pin(inbound.settle_upload()).await;
    }
    match inbound.finish(&worker.pools, now) {
        Finished::NothingLent => true,
        Finished::Returned(client) => {
            connection.reader = Some(client.reader);
            connection.body = Body::default();
            connection.rest = client.rest;
            true
        }
        Finished::Lost => false,
    }
}
