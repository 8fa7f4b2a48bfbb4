//! HTTP/1.1 toward the client: heads are awaited, answers are written, and what is left of a body is cleared away.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::edge::body::{Arrived, Body, BodyError, linger};
use crate::edge::exchange::{IdSource, Peer, Request, Verb};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::net::tcp::{Accepted, Reader, Stream, Writer};
use crate::settings::limits::{DRAIN_BYTES_MAX, Limits};
use crate::time::{Clock, Instant, Stamps};
use crate::wire::h1::request::{HeadLimits, is_host, may_begin};
use crate::wire::h1::{HeadError, head};
use crate::wire::headers::{Known, Span};
use crate::wire::uri;

/// A client's connection, with the request that it is in.
pub struct Connection {
    /// Away while an upload has it.
    pub reader: Option<Reader>,
    /// `None` where nobody is at the other end.
    writer: Option<Writer>,
    pub request: Request,
    /// What of the request's body has not been taken.
    pub body: Body,
    pub arrived: Arrived,
    /// What came behind the last request.
    pub rest: Buffer,
    pub opened: Instant,
    /// When the last answer had been sent, or the connection was opened.
    rests_since: Instant,
    served: u64,
    /// The last answer was broken off.
    broken: bool,
}

/// What a connection needs of its core to take a request in.
#[derive(Clone, Copy)]
pub struct Front<'w> {
    pub clock: &'w Clock,
    pub stamps: &'w Stamps,
    pub ids: &'w RefCell<IdSource>,
    pub limits: &'w Limits,
}

/// What came of waiting for a request.
pub enum Next {
    Request,
    /// A head that cannot be taken: this is answered, and the connection closed.
    Refused(Fault),
    /// The client closed, or rested too long.
    Ended,
}

impl Connection {
    pub fn new(accepted: Accepted, now: Instant) -> Self {
        let Accepted { stream: Stream { reader, writer }, peer, port } = accepted;
        Self { reader: Some(reader), writer: Some(writer), ..Self::detached(SocketAddr::new(peer.ip(), port), now) }
    }

    /// With nobody at the other end. The address is the client's, its port the one of ours that it reached.
    pub fn detached(peer: SocketAddr, now: Instant) -> Self {
        Self {
            reader: None,
            writer: None,
            request: Request { peer: Peer::new(peer, peer.port()), ..Request::default() },
            body: Body::default(),
            arrived: Arrived::default(),
            rest: Buffer::none(),
            opened: now,
            rests_since: now,
            served: 0,
            broken: false,
        }
    }

    /// Reads what `read` looks for before the first request: it answers how many bytes that takes once it is there,
    /// `Some(0)` where more have to come, and `None` where it is not what is looked for. False where it does not come.
    pub async fn preamble(
        &mut self,
        front: Front<'_>,
        most: usize,
        mut read: impl FnMut(&[u8]) -> Option<usize>,
    ) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        let mut bytes = Buffer::idle();
        reader.deadline.set(self.rests_since + front.limits.head_timeout);
        let found = loop {
            let (got, filled) = reader.read(bytes).await;
            bytes = filled;
            match got {
                Ok(1..) => {}
                Ok(0) | Err(_) => break false,
            }
            match read(&bytes) {
                Some(0) if bytes.len() < most && bytes.room() > 0 => {}
                Some(length @ 1..) => {
                    bytes.consume(length);
                    break true;
                }
                _ => break false,
            }
        };
        reader.deadline.clear();
        self.rest = bytes;
        found
    }

    /// Waits for the next request and takes it in. The last one is forgotten.
    pub async fn next(&mut self, front: Front<'_>) -> Next {
        let rest = std::mem::replace(&mut self.rest, Buffer::none());
        self.request.bytes = if rest.capacity() > 0 { rest } else { Buffer::idle() };
        match self.await_head(front).await {
            Ok(Some(length)) => match self.take_in(length, front) {
                Ok(()) => Next::Request,
                Err(fault) => Next::Refused(fault),
            },
            Ok(None) => Next::Ended,
            Err(fault) => {
                // The answer carries ids and a date like any other.
                self.stamp(front);
                Next::Refused(fault)
            }
        }
    }

    /// Reads until a whole head is there; answers its length, or `None` where the client has gone.
    async fn await_head(&mut self, front: Front<'_>) -> Result<Option<usize>, Fault> {
        let limits = front.limits;
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let bytes = &mut self.request.bytes;
        // A new connection has a head's time to say something; one that was served may rest.
        let mut begun = !bytes.is_empty();
        let patience = if begun || self.served == 0 { limits.head_timeout } else { limits.idle_timeout };
        reader.deadline.set(self.rests_since + patience);
        reader.deadline.set_expendable(!begun);
        let mut looked = 0;
        let outcome = loop {
            // RFC 9112 2.2: an empty line before a request is passed over.
            while bytes.starts_with(b"\r\n") {
                bytes.consume(2);
            }
            let may_go_on = may_begin(bytes) || **bytes == *b"\r";
            if !may_go_on {
                break Err(Fault::new(FaultKind::Malformed));
            }
            if let Some(length) = head::end(bytes, looked) {
                break Ok(Some(length));
            }
            looked = bytes.len();
            if bytes.room() == 0
                && let Err(fault) = grow(bytes)
            {
                break Err(fault);
            }
            if !begun && looked > 0 {
                begun = true;
                reader.deadline.set(front.clock.now() + limits.head_timeout);
                reader.deadline.set_expendable(false);
            }
            let (read, filled) = reader.read(std::mem::replace(bytes, Buffer::none())).await;
            *bytes = filled;
            match read {
                Ok(1..) => {}
                // Slow senders are told, those that said nothing are not.
                Ok(0) | Err(_) if reader.deadline.passed() && looked > 0 => {
                    break Err(Fault::new(FaultKind::HeadTimeout));
                }
                Ok(0) | Err(_) => break Ok(None),
            }
        };
        // From here the connection does not rest, and it is not the client that is waited for.
        reader.deadline.set_expendable(false);
        reader.deadline.clear();
        outcome
    }

    /// Takes in a request that is there as a whole.
    pub fn take_in_whole(&mut self, bytes: &[u8], front: Front<'_>) -> Result<(), Fault> {
        self.request.bytes = Buffer::of(bytes);
        let taken = match head::end(bytes, 0) {
            Some(length) => self.take_in(length, front),
            None => Err(Fault::new(FaultKind::Malformed)),
        };
        if self.request.stamp.is_none() {
            self.stamp(front);
        }
        taken
    }

    fn take_in(&mut self, length: usize, front: Front<'_>) -> Result<(), Fault> {
        self.stamp(front);
        let limits = front.limits;
        let request = &mut self.request;
        let bounds = HeadLimits { header_bytes_max: limits.header_bytes_max, url_bytes_max: limits.url_bytes_max };
        request.head.parse(&request.bytes, length, bounds).map_err(|error| {
            Fault::new(match error {
                HeadError::Malformed | HeadError::AmbiguousFraming | HeadError::Version => FaultKind::Malformed,
                HeadError::TooLarge => FaultKind::HeadersTooLarge,
                HeadError::UriTooLong => FaultKind::UriTooLong,
            })
        })?;
        let bytes = &*request.bytes;
        let target = uri::split(request.head.target.of(bytes)).ok_or_else(|| Fault::new(FaultKind::Malformed))?;
        let span = |part: &[u8]| Span::within(bytes, part);
        (request.path, request.query) = (span(target.path), target.query.map(span));
        request.host = match target.authority {
            Some(authority) if is_host(authority) => span(authority),
            Some(_) => return Err(Fault::new(FaultKind::Malformed)),
            None => request.head.host.unwrap_or_default(),
        };
        request.verb = Verb::of(request.head.method.of(bytes));
        if let Some(own) = request.value(Known::AmznRequestId) {
            let second = request.stamp.map_or(*b"00000000", |stamp| stamp.hex_second);
            let ids = front.ids.borrow_mut().ids(Some(own), &second);
            request.ids = ids;
        }
        let framing = request.head.framing;
        let begun = Body::begin(framing, &mut request.bytes, length, limits.payload_bytes_max);
        (self.body, self.arrived) = begun.map_err(|error| {
            Fault::new(match error {
                BodyError::TooLarge => FaultKind::PayloadTooLarge,
                BodyError::Malformed | BodyError::Broken(_) => FaultKind::Malformed,
            })
        })?;
        Ok(())
    }

    /// Time and ids of the request that begins.
    fn stamp(&mut self, front: Front<'_>) {
        let request = &mut self.request;
        request.received = front.clock.now();
        request.unix_millis = front.clock.unix_millis(request.received);
        let stamp = front.stamps.at(request.unix_millis);
        request.ids = front.ids.borrow_mut().ids(None, &stamp.hex_second);
        request.stamp = Some(stamp);
    }

    /// The client waits with its body for this.
    pub async fn send_continue(&mut self, by: Instant) -> io::Result<()> {
        let mut line = Buffer::idle();
        line.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.send(line, by).await
    }

    /// Writes a part of an answer, which the client must have taken by then.
    #[inline]
    pub async fn send(&mut self, part: Buffer, by: Instant) -> io::Result<()> {
        let Some(writer) = &mut self.writer else { return Err(io::ErrorKind::NotConnected.into()) };
        writer.deadline.set(by);
        let written = writer.write_all(part).await.0;
        writer.deadline.clear();
        written
    }

    /// Whether a write ended because the client did not take it in time.
    pub fn write_timed_out(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| writer.deadline.passed())
    }

    /// Whether the connection ended because it rested for too long, or was in the way of others.
    pub fn was_ended(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.deadline.passed())
    }

    /// Whether what is left of the body is little enough to be read and dropped for the next request's sake.
    pub fn can_clear_body(&self) -> bool {
        self.reader.is_some()
            && (self.body.is_complete()
                || (!self.request.head.expects_continue
                    && self.body.remaining().is_some_and(|left| left <= DRAIN_BYTES_MAX)))
    }

    /// Keeps what came behind the request and clears its body away. False where the connection has to end.
    pub async fn finish_request(&mut self, now: Instant, limits: &Limits) -> bool {
        self.served += 1;
        self.rests_since = now;
        if self.rest.is_empty() && self.arrived.next < self.request.bytes.len() {
            self.rest = std::mem::replace(&mut self.request.bytes, Buffer::none());
            self.rest.consume(self.arrived.next);
        }
        if self.body.is_complete() {
            return self.reader.is_some();
        }
        let Some(reader) = &mut self.reader else { return false };
        let deadline = Rc::clone(&reader.deadline);
        let _armed = deadline.armed(now + limits.head_timeout);
        loop {
            match self.body.piece(reader, &mut self.rest).await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Ends the connection so that the last answer arrives: a close while bytes are unread would reset it away.
    pub async fn close(mut self, now: Instant) {
        if self.broken {
            return;
        }
        if let Some(writer) = &mut self.writer {
            writer.finish().await;
        }
        // Where an upload has the other direction, its task reads on for as long as this would.
        if let Some(reader) = self.reader.take() {
            linger(reader, now).await;
        }
    }

    /// Ends it at once: an answer was broken off, and the client must see that. An answer that ends with its connection
    /// (`until_close`) is reset, or it would look whole.
    pub fn abort(&mut self, until_close: bool) {
        self.broken = true;
        match &mut self.writer {
            Some(writer) if until_close => writer.reset(),
            Some(writer) => writer.abort(),
            None => {}
        }
    }
}

/// Moves a head that outgrew its buffer into the larger one; from there it can only be too large.
fn grow(bytes: &mut Buffer) -> Result<(), Fault> {
    let mut larger = Buffer::head();
    if bytes.capacity() >= larger.capacity() && bytes.len() >= larger.capacity() / 2 {
        let in_first_line = memchr::memchr(b'\n', bytes).is_none();
        return Err(Fault::new(if in_first_line { FaultKind::UriTooLong } else { FaultKind::HeadersTooLarge }));
    }
    larger.push(bytes);
    *bytes = larger;
    Ok(())
}
