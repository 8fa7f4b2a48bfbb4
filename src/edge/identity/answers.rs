//! What is remembered of callers: answers of authorizers' functions for as long as their authorizer says, tokens for as
//! long as they are good. Bounded by bytes; what is used stays. All cores share it, for a caller's connections are spread
//! over them; who asks a function, each core settles among its own requests.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::lambda::Said;
use crate::edge::fault::{Fault, FaultKind};
use crate::settings::limits::{IDENTITY_BYTES_MAX, IDENTITY_ENTRIES_EXPECTED};

/// By whose answers they are and what the caller is known by: all of it, so that nobody is taken for somebody else.
type Key = Box<[u8]>;

/// Of the process.
pub struct Answers {
    kept: Cache<Key, Kept, ByBytes, RandomState>,
    /// How often something was flushed.
    epoch: AtomicU64,
}

#[derive(Clone)]
struct Kept {
    said: Arc<Said>,
    /// Unix milliseconds.
    until: u64,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, key: &Key, kept: &Kept) -> u64 {
        (key.len() + kept.said.bytes()) as u64
    }
}

impl Default for Answers {
    fn default() -> Self {
        let (entries, bytes) = (IDENTITY_ENTRIES_EXPECTED, IDENTITY_BYTES_MAX as u64);
        let kept = Cache::with(entries, bytes, ByBytes, RandomState::default(), Default::default());
        Self { kept, epoch: AtomicU64::new(0) }
    }
}

impl Answers {
    pub fn find(&self, key: &[u8], now_millis: u64) -> Option<Arc<Said>> {
        let kept = self.kept.get(key)?;
        // What is over goes when something else wants its place.
        (kept.until > now_millis).then_some(kept.said)
    }

    pub fn keep(&self, key: &[u8], said: Arc<Said>, until_millis: u64) {
        self.kept.insert(key.into(), Kept { said, until: until_millis });
    }

    /// Before a function is asked.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// What was said after something was flushed may be what the flush was for.
    pub fn keep_since(&self, epoch: u64, key: &[u8], said: Arc<Said>, until_millis: u64) {
        if self.epoch() == epoch {
            self.keep(key, said, until_millis);
        }
    }

    /// Forgets what was said of callers of one stage: the first half of an authorizer's name.
    pub fn flush(&self, stage: [u8; 8]) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.kept.retain(|key, _| !key.starts_with(&stage));
    }
}

/// Functions that one core's requests are asking.
#[derive(Default)]
pub struct Flights(HashMap<Key, Rc<Flight>, RandomState>);

impl Flights {
    pub fn turn(&mut self, key: &[u8]) -> Turn {
        if let Some(flight) = self.0.get(key) {
            return Turn::Wait(Rc::clone(flight));
        }
        let flight = Rc::new(Flight::default());
        self.0.insert(key.into(), Rc::clone(&flight));
        Turn::Ask(flight)
    }
}

/// What is to be done for a caller.
pub enum Turn {
    /// Somebody asks for the same: her answer is everybody's.
    Wait(Rc<Flight>),
    /// Nobody asks yet: whoever is told so does, and ends with [`Lead::land`].
    Ask(Rc<Flight>),
}

/// A function that is being asked.
#[derive(Default)]
pub struct Flight {
    landed: RefCell<Option<Outcome>>,
    given_up: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

#[derive(Clone)]
enum Outcome {
    Said(Arc<Said>),
    Failed(FaultKind, Option<Box<str>>),
}

/// Whoever asks, until she has an answer or is gone: then another one asks.
pub struct Lead<'a> {
    pub flights: &'a RefCell<Flights>,
    pub key: &'a [u8],
    pub flight: Rc<Flight>,
}

impl Lead<'_> {
    /// Hands the outcome to everybody who waits.
    pub fn land(self, outcome: &Result<Arc<Said>, Fault>) {
        *self.flight.landed.borrow_mut() = Some(match outcome {
            Ok(said) => Outcome::Said(Arc::clone(said)),
            Err(fault) => Outcome::Failed(fault.kind, fault.detail.clone()),
        });
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flight.given_up.set(true);
        self.flights.borrow_mut().0.remove(self.key);
        for waker in self.flight.waiting.take() {
            waker.wake();
        }
    }
}

impl Flight {
    /// The outcome; `None` where whoever asked has gone without one.
    pub async fn wait(&self) -> Option<Result<Arc<Said>, Fault>> {
        poll_fn(|context| {
            if !self.given_up.get() {
                let mut waiting = self.waiting.borrow_mut();
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                return Poll::Pending;
            }
            Poll::Ready(self.landed.borrow().clone().map(|outcome| match outcome {
                Outcome::Said(said) => Ok(said),
                Outcome::Failed(kind, detail) => Err(Fault { detail, ..Fault::new(kind) }),
            }))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    fn said(principal: &str) -> Arc<Said> {
        let context = serde_json::json!({"principalId": principal}).as_object().cloned().unwrap_or_default();
        Arc::new(Said { context, rules: None, usage_identifier_key: None, policy: Box::default(), policy_bytes: 0 })
    }

    #[test]
    fn answers_are_remembered_for_their_time() {
        let answers = Answers::default();
        answers.keep(b"stage-1/a", said("ada"), 1_000);
        answers.keep(b"stage-2/a", said("bea"), 1_000);
        let principal = |found: Option<Arc<Said>>| found.map(|said| said.context["principalId"].clone());
        assert_eq!(principal(answers.find(b"stage-1/a", 999)), Some("ada".into()));
        assert_eq!(principal(answers.find(b"stage-1/", 999)), None);
        answers.flush(*b"stage-2/");
        assert_eq!(principal(answers.find(b"stage-2/a", 999)), None);
        assert_eq!(principal(answers.find(b"stage-1/a", 1_000)), None);
    }

    #[test]
    fn their_bytes_are_bounded() {
        let answers = Answers::default();
        let long = "x".repeat(10_000);
        for number in 0..u32::try_from(IDENTITY_BYTES_MAX / 5_000).unwrap_or(0) {
            answers.keep(&number.to_le_bytes(), said(&long), u64::MAX);
        }
        assert!(answers.kept.weight() <= IDENTITY_BYTES_MAX as u64, "{}", answers.kept.weight());
        assert!(answers.kept.len() > 100);
    }

    #[test]
    fn one_asks_for_all_and_another_where_she_is_gone() {
        let flights = RefCell::new(Flights::default());
        let turn = || flights.borrow_mut().turn(b"key");
        let Turn::Ask(flight) = turn() else { panic!("nobody asks yet") };
        let Turn::Wait(waiting) = turn() else { panic!("somebody asks") };
        let mut wait = pin!(waiting.wait());
        let mut context = Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut context).is_pending());
        let lead = Lead { flights: &flights, key: b"key", flight };
        lead.land(&Ok(said("ada")));
        assert!(matches!(wait.as_mut().poll(&mut context), Poll::Ready(Some(Ok(_)))));
        let Turn::Ask(flight) = turn() else { panic!("nobody asks any more") };
        let Turn::Wait(waiting) = turn() else { panic!("somebody asks") };
        let mut wait = pin!(waiting.wait());
        assert!(wait.as_mut().poll(&mut context).is_pending());
        drop(Lead { flights: &flights, key: b"key", flight });
        assert!(matches!(wait.as_mut().poll(&mut context), Poll::Ready(None)));
        let Turn::Ask(flight) = turn() else { panic!("nobody asks any more") };
        let lead = Lead { flights: &flights, key: b"key", flight };
        let Turn::Wait(waiting) = turn() else { panic!("somebody asks") };
        lead.land(&Err(Fault::new(FaultKind::Unauthorized)));
        let mut wait = pin!(waiting.wait());
        let Poll::Ready(Some(Err(fault))) = wait.as_mut().poll(&mut context) else { panic!("a failure") };
        assert_eq!(fault.kind, FaultKind::Unauthorized);
    }
}
