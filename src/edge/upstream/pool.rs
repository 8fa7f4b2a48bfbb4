//! Backend connections that rest between two requests, one core's.

use std::cell::RefCell;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::upload::Upload;
use crate::edge::body::{Arrived, Body};
use crate::net::buffer::Buffer;
use crate::net::tcp::{Reader, Stream, Writer};
use crate::settings::limits::{
    CONNECT_ADDRESSES_MAX, CONNECT_TIMEOUT, UPSTREAM_IDLE_MAX, UPSTREAM_IDLE_TIMEOUT, UPSTREAM_LIFETIME,
    UPSTREAM_TRUSTED_REST,
};
use crate::time::Instant;
use crate::wire::h1::Framing;
use crate::wire::h1::response::ResponseHead;

/// A connection to a backend. The head of its last answer stays with it, so that its memory is used again.
pub(super) struct Connection {
    pub(super) reader: Reader,
    /// Lent to an upload while a request body is still arriving.
    pub(super) writer: Option<Writer>,
    pub(super) head: ResponseHead,
    /// The last answer: its head, and what came with it.
    pub(super) bytes: Buffer,
    /// Of that answer: what of its body has not been taken, and where what came with the head lies.
    pub(super) body: Body,
    pub(super) arrived: Arrived,
    /// Time that the backend may still take; a client that reads slowly costs it nothing.
    pub(super) left: Duration,
    /// The rest of the request body is still being sent.
    pub(super) upload: Option<Upload>,
    /// Its place in the pools.
    endpoint: u32,
    opened: Instant,
    rested_since: Instant,
}

/// Idle connections by the id of their endpoint; the last one used is the first one taken.
#[allow(clippy::vec_box)] // a connection stays where it is: it is handed through a whole request as one pointer
#[derive(Default)]
pub struct Pools {
    idle: RefCell<Vec<Vec<Box<Connection>>>>,
}

impl Pools {
    /// An idle connection that still stands. Bytes that a backend sent behind its last answer would be read as the answer
    /// to this request, which is another client's: so the kernel is asked whether there are any, unless the rest was
    /// shorter than a backend takes to send some. Where a backend may believe that it owes a body (HEAD, 204, 304), and
    /// where a request must not be sent twice (`surely`), it is always asked.
    pub(super) fn take(&self, endpoint: &Endpoint, now: Instant, surely: bool) -> Option<Box<Connection>> {
        loop {
            let connection = self.idle.borrow_mut().get_mut(endpoint.id as usize)?.pop()?;
            let trusted = now.since(connection.rested_since) < UPSTREAM_TRUSTED_REST
                && connection.head.framing != Framing::None
                && !surely;
            let quiet = if trusted { connection.reader.holds_nothing() } else { connection.reader.is_quiet() };
            if quiet {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request, unless it is old: its address may no longer be the backend's.
    pub(super) fn put(&self, mut connection: Box<Connection>, now: Instant) {
        let mut idle = self.idle.borrow_mut();
        let index = connection.endpoint as usize;
        if idle.len() <= index {
            idle.resize_with(index + 1, Vec::new);
        }
        let old = now.since(connection.opened) > UPSTREAM_LIFETIME;
        if idle[index].len() < UPSTREAM_IDLE_MAX && !old && !connection.reader.deadline.passed() {
            connection.bytes = Buffer::none();
            connection.rested_since = now;
            idle[index].push(connection);
        }
    }

    /// Closes what has rested too long. Called once a second.
    pub fn close_rested(&self, now: Instant) {
        for connections in self.idle.borrow_mut().iter_mut() {
            // The longest rest stands first: what is used again and again stays at the end.
            let over =
                connections.partition_point(|connection| now.since(connection.rested_since) > UPSTREAM_IDLE_TIMEOUT);
            connections.drain(..over);
        }
    }
}

/// Opens a connection to one of the endpoint's addresses, and secures it where the endpoint says so.
pub(super) async fn open(
    endpoint: &Endpoint,
    deadline: Instant,
    now: impl Fn() -> Instant,
) -> Result<Box<Connection>, String> {
    let mut refused = None;
    for address in endpoint.attempts(CONNECT_ADDRESSES_MAX) {
        let left = deadline.since(now());
        if left.is_zero() {
            break;
        }
        match Stream::connect(address, left.min(CONNECT_TIMEOUT)).await {
            Ok(stream) => {
                let stream = match &endpoint.tls {
                    None => Ok(stream),
                    Some((config, name)) => stream.secure(config, name, deadline).await,
                };
                match stream {
                    Ok(Stream { reader, writer }) => {
                        return Ok(Box::new(Connection {
                            reader,
                            writer: Some(writer),
                            head: ResponseHead::default(),
                            bytes: Buffer::none(),
                            body: Body::default(),
                            arrived: Arrived::default(),
                            left: Duration::ZERO,
                            upload: None,
                            endpoint: endpoint.id,
                            opened: now(),
                            rested_since: Instant::default(),
                        }));
                    }
                    Err(error) => refused = Some(format!("{address}: {error}")),
                }
            }
            Err(error) => refused = Some(format!("{address}: {error}")),
        }
    }
    Err(refused.unwrap_or_else(|| "no address could be tried in time".to_owned()))
}
