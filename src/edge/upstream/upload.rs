//! A request body that is still arriving, sent on by a task of its own while the answer is awaited: a backend may
//! answer before it has read everything, and a client may send while it is being answered.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::edge::body::{Body, BodyError};
use crate::edge::fault::FaultKind;
use crate::net::buffer::Buffer;
use crate::net::ring;
use crate::net::tcp::{Reader, Writer};
use crate::net::timer::Deadline;
use crate::time::{Clock, Instant};
use crate::wire::h1::chunked::{CHUNK_END, LAST_CHUNK, size_line};

/// The client's direction of a request, lent for as long as its body arrives.
pub struct ClientSide {
    pub reader: Reader,
    pub body: Body,
    pub deadline: Rc<Deadline>,
    /// What arrives behind the body: the next request.
    pub rest: Buffer,
    /// Longest pause of the client.
    pub stall: Duration,
    /// Slowest client, in bytes a second, once `stall` has passed.
    pub rate_min: u64,
}

/// What an upload left behind: both directions that it was lent, and how it went.
pub struct Ended {
    pub client: ClientSide,
    pub(super) writer: Writer,
    pub outcome: Result<(), FaultKind>,
}

/// An upload under way.
pub struct Upload {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Default)]
struct Shared {
    ended: Option<Ended>,
    waiting: Option<Waker>,
}

/// What an upload needs of the backend's side.
pub(super) struct BackendSide {
    pub(super) writer: Writer,
    pub(super) deadline: Rc<Deadline>,
    pub(super) chunked: bool,
    /// How long the backend may take for a piece, and for its answer once all was sent.
    pub(super) timeout: Duration,
}

impl Upload {
    pub(super) fn start(client: ClientSide, backend: BackendSide, clock: Clock) -> Self {
        let shared = Rc::new(RefCell::new(Shared::default()));
        let upload = Self { shared: Rc::clone(&shared) };
        ring::spawn(async move {
            let ended = run(client, backend, clock).await;
            let mut shared = shared.borrow_mut();
            shared.ended = Some(ended);
            if let Some(waker) = shared.waiting.take() {
                waker.wake();
            }
        });
        upload
    }

    /// How it went, if it has ended.
    pub(super) fn outcome(&self) -> Option<Result<(), FaultKind>> {
        self.shared.borrow().ended.as_ref().map(|ended| ended.outcome)
    }

    /// What it left, if it has ended.
    pub fn into_ended(self) -> Option<Ended> {
        self.shared.borrow_mut().ended.take()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        poll_fn(|context| {
            let mut shared = self.shared.borrow_mut();
            if shared.ended.is_some() {
                return Poll::Ready(());
            }
            shared.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

async fn run(mut client: ClientSide, backend: BackendSide, clock: Clock) -> Ended {
    let BackendSide { mut writer, deadline, chunked, timeout } = backend;
    let began = clock.now();
    let mut sent = 0_u64;
    let outcome = loop {
        let now = clock.now();
        if is_too_slow(&client, began, now, sent) {
            break Err(FaultKind::RequestTimeout);
        }
        client.deadline.set_reading(now + client.stall);
        deadline.clear();
        let piece = client.body.piece(&mut client.reader, &mut client.rest).await;
        deadline.set(clock.now() + timeout);
        let (mut piece, last) = match piece {
            Ok(Some(piece)) => (piece, client.body.is_complete()),
            Ok(None) => (Buffer::idle(), true),
            Err(BodyError::TooLarge) => break Err(FaultKind::PayloadTooLarge),
            Err(BodyError::Malformed) => break Err(FaultKind::Malformed),
            Err(BodyError::Broken(_)) if client.deadline.passed() => break Err(FaultKind::RequestTimeout),
            Err(BodyError::Broken(_)) => break Err(FaultKind::ClientLeft),
        };
        sent += piece.len() as u64;
        if chunked {
            if !piece.is_empty() {
                let mut line = [0; 18];
                let fits = piece.prepend(size_line(piece.len(), &mut line));
                debug_assert!(fits, "a piece has headroom for its size line");
                piece.push(CHUNK_END);
            }
            if last {
                piece.push(LAST_CHUNK);
            }
        }
        if writer.write_all(piece).await.0.is_err() {
            break Err(FaultKind::IntegrationFailure);
        }
        if last {
            break Ok(());
        }
    };
    client.deadline.clear();
    if matches!(outcome, Err(kind) if kind != FaultKind::IntegrationFailure) {
        // Whoever waits for the answer learns by this that none will come.
        writer.abort();
    }
    Ended { client, writer, outcome }
}

fn is_too_slow(client: &ClientSide, began: Instant, now: Instant, sent: u64) -> bool {
    let took = now.since(began);
    took > client.stall && sent / took.as_secs().max(1) < client.rate_min
}
