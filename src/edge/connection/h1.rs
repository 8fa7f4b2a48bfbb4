//! HTTP/1.1 toward the client: heads are awaited, answers are written, and what is left of a body is cleared away.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::edge::body::{Arrived, Body, BodyError};
use crate::edge::exchange::{IdSource, Peer, Request, Verb};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::net::tcp::{Accepted, Reader, Stream, Writer};
use crate::net::timer::Deadline;
use crate::settings::limits::{DRAIN_BYTES_MAX, LINGER_BYTES_MAX, LINGER_TIMEOUT, Limits};
use crate::time::{Clock, Instant, Stamps};
use crate::wire::h1::request::{HeadLimits, may_begin};
use crate::wire::h1::{HeadError, head};
use crate::wire::headers::{Known, Span};
use crate::wire::uri;

/// A client's connection, with the request that it is in.
pub struct Connection {
    // Before the directions, so that it is dropped before their descriptor is closed.
    pub deadline: Rc<Deadline>,
    /// Away while an upload has it.
    pub reader: Option<Reader>,
    writer: Writer,
    pub request: Request,
    /// What of the request's body has not been taken.
    pub body: Body,
    pub arrived: Arrived,
    /// What came behind the last request.
    pub rest: Buffer,
    pub opened: Instant,
    served: u64,
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
        let Accepted { stream: Stream { reader, writer, deadline }, peer, port } = accepted;
        Self {
            deadline: Rc::new(deadline),
            reader: Some(reader),
            writer,
            request: Request { peer: Peer::new(peer, port), ..Request::default() },
            body: Body::default(),
            arrived: Arrived::default(),
            rest: Buffer::none(),
            opened: now,
            served: 0,
        }
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
        // A new connection has a head's time to say something; one that was served may rest.
        let mut begun = self.served == 0 || !self.request.bytes.is_empty();
        let now = front.clock.now();
        self.deadline.set_reading(now + if begun { limits.head_timeout } else { limits.idle_timeout });
        self.deadline.set_expendable(!begun);
        let mut looked = 0;
        loop {
            let bytes = &mut self.request.bytes;
            // RFC 9112 2.2: an empty line before a request is passed over.
            while bytes.starts_with(b"\r\n") {
                bytes.consume(2);
            }
            let may_go_on = may_begin(bytes) || **bytes == *b"\r";
            if !may_go_on {
                return Err(Fault::new(FaultKind::Malformed));
            }
            if let Some(length) = head::end(bytes, looked) {
                return Ok(Some(length));
            }
            looked = bytes.len();
            if bytes.room() == 0 {
                self.grow()?;
            }
            if !begun && looked > 0 {
                begun = true;
                self.deadline.set_reading(front.clock.now() + limits.head_timeout);
                self.deadline.set_expendable(false);
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let (read, bytes) = reader.read(std::mem::replace(&mut self.request.bytes, Buffer::none())).await;
            self.request.bytes = bytes;
            match read {
                Ok(1..) => {}
                // Slow senders are told, those that said nothing are not.
                Ok(0) | Err(_) if self.deadline.passed() && looked > 0 => {
                    return Err(Fault::new(FaultKind::HeadTimeout));
                }
                Ok(0) | Err(_) => return Ok(None),
            }
        }
    }

    /// Moves a head that outgrew its buffer into the larger one; from there it can only be too large.
    fn grow(&mut self) -> Result<(), Fault> {
        let mut larger = Buffer::head();
        let bytes = &self.request.bytes;
        if bytes.capacity() >= larger.capacity() && bytes.len() >= larger.capacity() / 2 {
            let in_first_line = memchr::memchr(b'\n', bytes).is_none();
            return Err(Fault::new(if in_first_line { FaultKind::UriTooLong } else { FaultKind::HeadersTooLarge }));
        }
        larger.push(&self.request.bytes);
        self.request.bytes = larger;
        Ok(())
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
            Some(authority) => span(authority),
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
    pub async fn send_continue(&mut self) -> io::Result<()> {
        let mut line = Buffer::idle();
        line.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        self.writer.write_all(line).await.0
    }

    /// Writes a part of an answer. The client's deadline is the caller's to set.
    #[inline]
    pub async fn send(&mut self, part: Buffer) -> io::Result<()> {
        self.writer.write_all(part).await.0
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
        let next = &self.request.bytes[self.arrived.next.min(self.request.bytes.len())..];
        if !next.is_empty() && self.rest.is_empty() {
            // With room to go on reading: a pipelined head may have come in half.
            let mut rest = Buffer::head();
            rest.push(next);
            self.rest = rest;
        }
        if self.body.is_complete() {
            return self.reader.is_some();
        }
        let Some(mut reader) = self.reader.take() else { return false };
        self.deadline.set(now + limits.head_timeout);
        loop {
            match self.body.piece(&mut reader, &mut self.rest).await {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return false,
            }
        }
        self.reader = Some(reader);
        true
    }

    /// Ends the connection so that the last answer arrives: a close while bytes are unread would reset it away.
    pub async fn close(mut self, now: Instant) {
        self.deadline.set_expendable(false);
        self.deadline.set(now + LINGER_TIMEOUT);
        self.writer.finish().await;
        let Some(mut reader) = self.reader.take() else {
            // An upload still has it: it learns of the end this way.
            self.writer.abort();
            return;
        };
        let mut read_in_all = 0;
        while read_in_all < LINGER_BYTES_MAX {
            let (read, _) = reader.read(Buffer::head()).await;
            match read {
                Ok(n @ 1..) => read_in_all += n as u64,
                Ok(0) | Err(_) => break,
            }
        }
    }

    /// Ends it at once: an answer was broken off, and the client must see that.
    pub fn abort(&self) {
        self.writer.abort();
    }
}
