//! A request body that is still arriving, sent on by a task of its own while the answer is awaited: a backend may
//! answer before it has read everything, and a client may send while it is being answered.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::edge::body::{Body, BodyError, frame, linger};
use crate::edge::fault::FaultKind;
use crate::net::buffer::Buffer;
use crate::net::ring;
use crate::net::tcp::{Reader, Writer};
use crate::net::timer::Deadline;
use crate::settings::limits::LINGER_TIMEOUT;
use crate::time::{Clock, Instant};

/// The client's direction of a request, lent for as long as its body arrives.
pub struct ClientSide {
    pub reader: Reader,
    pub body: Body,
    /// What arrives behind the body: the next request.
    pub rest: Buffer,
    /// Longest pause of the client.
    pub stall: Duration,
    /// Slowest client, in bytes a second, once `stall` has passed.
    pub rate_min: u64,
}

/// What an upload left behind: both directions that it was lent, and how it went.
pub struct Ended {
    pub client: Box<ClientSide>,
    pub(super) writer: Writer,
    outcome: Result<(), FaultKind>,
}

/// An upload under way.
pub struct Upload {
    shared: Rc<RefCell<Shared>>,
}

#[derive(Default)]
struct Shared {
    outcome: Option<Result<(), FaultKind>>,
    /// The head of the answer has come.
    answered: bool,
    /// Only of an upload that went well.
    ended: Option<Ended>,
    waiting: Option<Waker>,
}

/// What an upload needs of the backend's side.
pub(super) struct BackendSide {
    /// The limit of waiting for the answer: it begins when all has been sent. Before the writer, whose descriptor it is
    /// of.
    pub(super) answer: Rc<Deadline>,
    pub(super) writer: Writer,
    pub(super) chunked: bool,
    /// How long the backend may take for a piece, and for its answer once all was sent.
    pub(super) timeout: Duration,
}

impl Upload {
    pub(super) fn start(client: Box<ClientSide>, backend: BackendSide, clock: Clock) -> Self {
        let shared = Rc::new(RefCell::new(Shared::default()));
        let upload = Self { shared: Rc::clone(&shared) };
        ring::spawn(async move {
            let ended = run(client, backend, &clock, &shared).await;
            let reader = {
                let mut shared = shared.borrow_mut();
                let failed = ended.outcome.is_err();
                shared.outcome = Some(ended.outcome);
                let reader = if failed {
                    // Nothing more will be made of this connection but its answer, which must not be reset away.
                    Some(ended.client.reader)
                } else {
                    shared.ended = Some(ended);
                    None
                };
                if let Some(waker) = shared.waiting.take() {
                    waker.wake();
                }
                reader
            };
            if let Some(reader) = reader {
                linger(reader, clock.now()).await;
            }
        });
        upload
    }

    /// The head of the answer has come: from here its reader minds the backend's time.
    pub(super) fn answered(&self) {
        self.shared.borrow_mut().answered = true;
    }

    /// How it went, if it has ended.
    pub(super) fn outcome(&self) -> Option<Result<(), FaultKind>> {
        self.shared.borrow().outcome
    }

    /// What it left, if it has ended well.
    pub fn into_ended(self) -> Option<Ended> {
        self.shared.borrow_mut().ended.take()
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        poll_fn(|context| {
            let mut shared = self.shared.borrow_mut();
            if shared.outcome.is_some() {
                return Poll::Ready(());
            }
            shared.waiting = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

async fn run(mut client: Box<ClientSide>, backend: BackendSide, clock: &Clock, shared: &RefCell<Shared>) -> Ended {
    let BackendSide { answer, mut writer, chunked, timeout } = backend;
    let outcome = send_all(&mut client, &mut writer, chunked, timeout, clock).await;
    match outcome {
        // The answer has overtaken the request: its reader minds the time itself.
        _ if shared.borrow().answered => {}
        Ok(()) => answer.set(clock.now() + timeout),
        // The backend may have said why it takes no more: whoever waits for that has this long.
        Err(FaultKind::IntegrationFailure) => answer.set(clock.now() + LINGER_TIMEOUT),
        // Whoever waits for the answer learns by this that none will come.
        Err(_) => writer.abort(),
    }
    Ended { client, writer, outcome }
}

async fn send_all(
    client: &mut ClientSide,
    writer: &mut Writer,
    chunked: bool,
    timeout: Duration,
    clock: &Clock,
) -> Result<(), FaultKind> {
    let began = clock.now();
    let mut sent = 0_u64;
    loop {
        let now = clock.now();
        if is_too_slow(client, began, now, sent) {
            return Err(FaultKind::RequestTimeout);
        }
        // Each side has its time while it is the one that is waited for.
        let deadline = Rc::clone(&client.reader.deadline);
        let piece = {
            let _armed = deadline.armed(now + client.stall);
            client.body.piece(&mut client.reader, &mut client.rest).await
        };
        let (mut piece, last) = match piece {
            Ok(Some(piece)) => (piece, client.body.is_complete()),
            Ok(None) => (Buffer::idle(), true),
            Err(BodyError::TooLarge) => return Err(FaultKind::PayloadTooLarge),
            Err(BodyError::Malformed) => return Err(FaultKind::Malformed),
            Err(BodyError::Broken(_)) if deadline.passed() => return Err(FaultKind::RequestTimeout),
            Err(BodyError::Broken(_)) => return Err(FaultKind::ClientLeft),
        };
        sent += piece.len() as u64;
        if chunked {
            frame(&mut piece, last);
        }
        writer.deadline.set(clock.now() + timeout);
        let written = writer.write_all(piece).await.0;
        writer.deadline.clear();
        if written.is_err() {
            return Err(FaultKind::IntegrationFailure);
        }
        if last {
            return Ok(());
        }
    }
}

fn is_too_slow(client: &ClientSide, began: Instant, now: Instant, sent: u64) -> bool {
    let took = now.since(began);
    took > client.stall && sent / took.as_secs().max(1) < client.rate_min
}
