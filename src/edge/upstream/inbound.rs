//! A backend's answer: its head, and its body as it is taken.

use std::io;
use std::rc::Rc;

use super::pool::{Connection, Pools};
use super::upload::ClientSide;
use crate::edge::body::BodyError;
use crate::net::buffer::Buffer;
use crate::net::ring;
use crate::settings::limits::TICK;
use crate::time::{Clock, Instant};
use crate::wire::h1::Framing;
use crate::wire::h1::response::ResponseHead;
use crate::wire::headers::Known;

/// An answer whose head has arrived. All of it lies in the connection's own box: it is handed up through the whole
/// way of a request, and moving a pointer is cheaper than moving what it points to.
pub struct Inbound {
    pub(super) connection: Box<Connection>,
}

impl Inbound {
    pub fn head(&self) -> &ResponseHead {
        &self.connection.head
    }

    /// The bytes that the head's lines point into.
    pub fn bytes(&self) -> &[u8] {
        &self.connection.bytes
    }

    pub fn framing(&self) -> Framing {
        self.connection.head.framing
    }

    /// The data that came with the head.
    pub fn first(&self) -> &[u8] {
        &self.connection.bytes[self.connection.arrived.start..self.connection.arrived.end]
    }

    pub fn is_complete(&self) -> bool {
        self.connection.body.is_complete()
    }

    /// Whether a task still has the client's direction, or has ended with it.
    pub fn has_upload(&self) -> bool {
        self.connection.upload.is_some()
    }

    /// What the backend's Content-Length says, also of an answer to HEAD.
    pub fn announced_length(&self) -> Option<u64> {
        let line = self.head().lines.iter().find(|line| line.known == Known::ContentLength)?;
        std::str::from_utf8(line.value.of(self.bytes())).ok()?.parse().ok()
    }

    /// The next piece of the body; `None` at its end.
    pub async fn piece(&mut self, clock: &Clock) -> Result<Option<Buffer>, BodyError> {
        let connection = &mut *self.connection;
        if connection.body.is_complete() {
            return Ok(None);
        }
        let began = clock.now();
        let deadline = Rc::clone(&connection.reader.deadline);
        let mut rest = Buffer::none();
        let piece = {
            let _armed = deadline.armed(began + connection.left);
            connection.body.piece(&mut connection.reader, &mut rest).await
        };
        connection.left = connection.left.saturating_sub(clock.now().since(began));
        if !rest.is_empty() {
            // Bytes that nobody asked for: whatever they are, the next request must not read them.
            connection.head.keep_alive = false;
        }
        if deadline.passed() {
            // Also where the body has no length: the end that was read is the one that we made.
            return Err(BodyError::Broken(io::ErrorKind::TimedOut.into()));
        }
        piece
    }

    /// Waits for the end of an upload that has all but ended: the answer may overtake the task that sent the request.
    pub async fn settle_upload(&self) {
        if let Some(upload) = &self.connection.upload
            && upload.outcome().is_none()
        {
            ring::sleep(TICK).await;
        }
    }

    /// Gives the connection back where another request may follow on it, and the client's direction where it was lent.
    pub fn finish(self, pools: &Pools, now: Instant) -> Finished {
        let Self { mut connection } = self;
        let whole = connection.body.is_complete() && connection.arrived.next == connection.bytes.len();
        let client = match connection.upload.take() {
            None => Finished::NothingLent,
            Some(upload) => match upload.into_ended() {
                Some(ended) => {
                    connection.writer = Some(ended.writer);
                    Finished::Returned(ended.client)
                }
                // The backend answered without having read the request: neither connection can go on.
                None => {
                    connection.reader.abort();
                    Finished::Lost
                }
            },
        };
        if whole && connection.head.keep_alive && connection.writer.is_some() {
            pools.put(connection, now);
        }
        client
    }
}

/// What became of the client's direction.
pub enum Finished {
    /// It was not needed: the body was there with the head.
    NothingLent,
    Returned(Box<ClientSide>),
    /// A task still holds it, or its body was not read to the end.
    Lost,
}
