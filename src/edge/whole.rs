//! Whole bodies, for methods that look into them: gathered up to the payload limit, decoded where they came encoded.
//! Part of the spine: it sees both ends.

use std::io::{ErrorKind, Read};
use std::rc::Rc;
use std::sync::Arc;

use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use super::body::BodyError;
use super::connection::Connection;
use super::encode::let_others_run;
use super::exchange::Request;
use super::fault::{Fault, FaultKind};
use super::upstream::Inbound;
use super::worker::{Count, Shared, Worker};
use crate::net::ring;
use crate::settings::limits::{
    ENCODE_PIECE_BYTES, HELD_BYTES_COUNTED_FROM, LOOKED_INTO_BYTES_A_TICK, LOOKED_INTO_WAIT_MAX, TICK,
};
use crate::time::Instant;
use crate::wire::h1::Framing;
use crate::wire::headers::Known;

/// A client's body.
#[derive(Default)]
pub(super) enum Whole {
    /// As it lies behind its head, or not gathered at all.
    #[default]
    Arrived,
    Gathered(Held),
    /// It came encoded (RFC 9110 8.4) and is not any more.
    Decoded(Held),
}

impl Whole {
    /// The bytes: empty where they were not gathered and have not arrived with the head.
    pub(super) fn bytes<'w>(&'w self, connection: &'w Connection) -> &'w [u8] {
        match self {
            Self::Arrived => {
                let arrived = connection.arrived;
                connection.request.bytes.get(arrived.start..arrived.end).unwrap_or_default()
            }
            Self::Gathered(held) | Self::Decoded(held) => &held.bytes,
        }
    }

    /// The bytes, where they do not lie behind their head.
    pub(super) fn held(&self) -> Option<&[u8]> {
        match self {
            Self::Arrived => None,
            Self::Gathered(held) | Self::Decoded(held) => Some(&held.bytes),
        }
    }

    /// What goes on being held when its bytes have been copied.
    pub(super) fn into_count(self) -> Option<Count> {
        match self {
            Self::Arrived => None,
            Self::Gathered(held) | Self::Decoded(held) => Some(held.into_parts().1),
        }
    }

    pub(super) fn is_decoded(&self) -> bool {
        matches!(self, Self::Decoded(_))
    }
}

/// Bytes that are counted against what a process may hold of bodies.
pub(super) struct Held {
    pub(super) bytes: Vec<u8>,
    count: Count,
}

impl Held {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { bytes: Vec::new(), count: Count::new(shared) }
    }

    pub(super) fn push(&mut self, more: &[u8]) -> Result<(), Fault> {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(self.bytes.capacity() * 2);
            self.count.grow_to(capacity)?;
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    /// The bytes, and the count that whoever has them keeps as long as them.
    pub(super) fn into_parts(self) -> (Vec<u8>, Count) {
        (self.bytes, self.count)
    }
}

/// The client's whole body as it came, until `by` where it must be there by then. What came with the head stays where it
/// is.
pub(super) async fn raw(worker: &Worker, connection: &mut Connection, by: Option<Instant>) -> Result<Whole, Fault> {
    if connection.request.head.framing == Framing::None || connection.body.is_complete() {
        return Ok(Whole::Arrived);
    }
    gather(worker, connection, by).await
}

/// … and decoded.
pub(super) async fn of_client(worker: &Worker, connection: &mut Connection, raw: Whole) -> Result<Whole, Fault> {
    if connection.request.head.framing == Framing::None {
        return Ok(Whole::Arrived);
    }
    let whole = if let Whole::Gathered(held) = raw {
        Whole::Gathered(held)
    } else {
        self::raw(worker, connection, None).await?
    };
    let encoded = whole.bytes(connection);
    if encoded.is_empty() {
        return Ok(whole); // Whatever its Content-Encoding says (rest/06 section 6.6, recorded).
    }
    let whole = match coding(&connection.request)? {
        None => whole,
        Some(coding) => {
            let limit = worker.limits.payload_bytes_max;
            Whole::Decoded(decode(coding, encoded, limit, Held::new(&worker.shared)).await?)
        }
    };
    turn(worker, whole.bytes(connection).len()).await?;
    Ok(whole)
}

/// A body's turn to be looked into. Small ones need not wait.
async fn turn(worker: &Worker, bytes: usize) -> Result<(), Fault> {
    if bytes <= HELD_BYTES_COUNTED_FROM {
        return Ok(());
    }
    let end = worker.clock.now() + LOOKED_INTO_WAIT_MAX;
    loop {
        let before = worker.looked_into.get();
        if before == 0 || before + bytes <= LOOKED_INTO_BYTES_A_TICK {
            worker.looked_into.set(before + bytes);
            return Ok(());
        }
        if worker.clock.now() > end {
            return Err(Fault::because(FaultKind::Overloaded, "too many large bodies wait to be mapped"));
        }
        ring::sleep(TICK).await;
    }
}

async fn gather(worker: &Worker, connection: &mut Connection, by: Option<Instant>) -> Result<Whole, Fault> {
    let began = worker.clock.now();
    let mut held = Held::new(&worker.shared);
    let arrived = connection.arrived;
    let first = connection.request.bytes.get(arrived.start..arrived.end).unwrap_or_default();
    if connection.request.head.expects_continue && first.is_empty() {
        let by = began + worker.limits.body_stall_timeout;
        connection.send_continue(by).await.map_err(|_| Fault::new(FaultKind::ClientLeft))?;
    }
    held.push(connection.request.bytes.get(arrived.start..arrived.end).unwrap_or_default())?;
    let Some(reader) = &mut connection.reader else { return Err(Fault::new(FaultKind::ClientLeft)) };
    let deadline = Rc::clone(&reader.deadline);
    while !connection.body.is_complete() {
        let now = worker.clock.now();
        if is_too_slow(worker, began, now, held.bytes.len()) || by.is_some_and(|by| now > by) {
            return Err(Fault::new(FaultKind::RequestTimeout));
        }
        let piece = {
            let _armed = deadline.armed(now + worker.limits.body_stall_timeout);
            connection.body.piece(reader, &mut connection.rest).await
        };
        match piece {
            Ok(Some(piece)) => held.push(&piece)?,
            Ok(None) => break,
            Err(BodyError::TooLarge) => return Err(Fault::new(FaultKind::PayloadTooLarge)),
            Err(BodyError::Malformed) => return Err(Fault::new(FaultKind::Malformed)),
            Err(BodyError::Broken(_)) if deadline.passed() => return Err(Fault::new(FaultKind::RequestTimeout)),
            Err(BodyError::Broken(_)) => return Err(Fault::new(FaultKind::ClientLeft)),
        }
    }
    Ok(Whole::Gathered(held))
}

fn is_too_slow(worker: &Worker, began: Instant, now: Instant, taken: usize) -> bool {
    let took = now.since(began);
    took > worker.limits.body_stall_timeout && taken as u64 / took.as_secs().max(1) < worker.limits.body_rate_min
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

/// How the body is encoded. AWS knows two codings, and answers 415 to any other (rest/06 section 6.6).
fn coding(request: &Request) -> Result<Option<Coding>, Fault> {
    let mut found = None;
    for value in request.values(Known::ContentEncoding) {
        for name in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            let coding = match name {
                b"" => continue,
                name if name.eq_ignore_ascii_case(b"identity") => continue,
                name if name.eq_ignore_ascii_case(b"gzip") || name.eq_ignore_ascii_case(b"x-gzip") => Coding::Gzip,
                name if name.eq_ignore_ascii_case(b"deflate") => Coding::Deflate,
                _ => return Err(Fault::new(FaultKind::UnsupportedMediaType)),
            };
            if found.replace(coding).is_some() {
                // One coding in another: nobody sends it, and each layer multiplies what a small body becomes.
                return Err(Fault::new(FaultKind::UnsupportedMediaType));
            }
        }
    }
    Ok(found)
}

/// Decodes within the payload limit: a small body may not become a large one, and nothing may stand behind its end.
async fn decode(coding: Coding, encoded: &[u8], limit: u64, mut held: Held) -> Result<Held, Fault> {
    let unsupported = || Fault::new(FaultKind::UnsupportedMediaType);
    // RFC 9110 8.4.1.2: `deflate` is zlib; some clients send the bare stream (its first byte tells: a zlib header is a
    // multiple of 31 with method 8).
    let zlib = matches!(encoded, [first, second, ..]
        if first & 15 == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0);
    let mut rest = encoded;
    {
        // One member: a body of many empty ones would be much work for nothing.
        let mut decoder: Box<dyn Read + '_> = match coding {
            Coding::Gzip => Box::new(GzDecoder::new(&mut rest)),
            Coding::Deflate if zlib => Box::new(ZlibDecoder::new(&mut rest)),
            Coding::Deflate => Box::new(DeflateDecoder::new(&mut rest)),
        };
        let mut piece = vec![0; ENCODE_PIECE_BYTES];
        loop {
            match decoder.read(&mut piece) {
                Ok(0) => break,
                Ok(read) if (held.bytes.len() + read) as u64 > limit => {
                    return Err(Fault::new(FaultKind::PayloadTooLarge));
                }
                Ok(read) => held.push(piece.get(..read).unwrap_or_default())?,
                Err(_) => return Err(unsupported()),
            }
            // The core's other requests have their turn.
            let_others_run().await;
        }
    }
    if rest.is_empty() { Ok(held) } else { Err(unsupported()) }
}

/// The rest of a backend's body; `None` where all of it came with its head.
pub(super) async fn of_backend(worker: &Worker, inbound: &mut Inbound) -> Result<Option<Held>, Fault> {
    if inbound.is_complete() {
        return Ok(None);
    }
    let mut held = Held::new(&worker.shared);
    held.push(inbound.first())?;
    loop {
        match inbound.piece(&worker.clock).await {
            Ok(Some(piece)) => held.push(&piece)?,
            Ok(None) => break,
            Err(error) => return Err(broken(&error)),
        }
    }
    turn(worker, held.bytes.len()).await?;
    Ok(Some(held))
}

fn broken(error: &BodyError) -> Fault {
    match error {
        BodyError::TooLarge => {
            Fault::because(FaultKind::IntegrationTooLarge, "the backend's answer is larger than the payload limit")
        }
        BodyError::Malformed => {
            Fault::because(FaultKind::IntegrationFailure, "the backend's answer has a chunk that is none")
        }
        BodyError::Broken(error) if error.kind() == ErrorKind::TimedOut => {
            Fault::because(FaultKind::IntegrationTimeout, "Execution failed due to a timeout error")
        }
        BodyError::Broken(_) => Fault::because(FaultKind::IntegrationFailure, "the backend broke off its answer"),
    }
}
