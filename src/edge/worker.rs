//! What one core owns: its snapshot, limits, pools, counters and clock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::exchange::IdSource;
use super::fault::{Fault, FaultKind};
use super::identity::answers::{Answers, Flights};
use super::identity::caller::{Assumed, Caller};
use super::identity::iam::SigningKeys;
use super::limit::Buckets;
use super::limit::meter::Meters;
use super::snapshot::Snapshot;
use super::transform::Scratch;
use super::upstream::{Pools, Tools};
use super::watch::Sink;
use crate::net::buffer::Buffer;
use crate::settings::Network;
use crate::settings::limits::{HELD_BYTES_COUNTED_FROM, HELD_BYTES_MAX, Limits, UNVERIFIED_BYTES_MAX};
use crate::telemetry::counters::CoreCounters;
use crate::time::{Clock, Stamps};
use crate::wire::h1::response::ResponseHead;

/// A core's own things, and handles on what the process shares. Plain cells: no other core sees them.
pub struct Worker {
    // The core's own count: a request clones the Rc, and the count that all cores write is touched once a deployment.
    #[allow(clippy::rc_buffer, clippy::redundant_allocation)]
    current: RefCell<Rc<Arc<Snapshot>>>,
    pub buckets: RefCell<Buckets>,
    pub meters: RefCell<Meters>,
    /// Requests that wait for an issuer's keys.
    pub waiting_for_keys: Cell<usize>,
    /// Authorizers' functions that are being asked.
    pub flights: RefCell<Flights>,
    pub signing_keys: RefCell<SigningKeys>,
    pub pools: Pools,
    pub counters: Arc<CoreCounters>,
    pub clock: Clock,
    pub stamps: Stamps,
    pub ids: RefCell<IdSource>,
    pub log: RefCell<Option<Sink>>,
    pub limits: Limits,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[Network]>,
    /// Where mappings render: nothing of it lasts longer than one of them.
    pub scratch: RefCell<Scratch>,
    /// Bytes of large bodies that were looked into since the clock was last turned.
    pub looked_into: Cell<usize>,
    /// What stands for every integration's answer, and for every caller: `weir invoke` says them.
    pub canned: Option<Canned>,
    pub assumed: Option<Caller>,
    /// Connections of this core.
    pub open: Cell<usize>,
    pub shared: Arc<Shared>,
}

/// An integration's answer that somebody made up.
pub struct Canned {
    pub head: ResponseHead,
    /// The bytes that the head's lines point into.
    pub bytes: Buffer,
    pub body: Vec<u8>,
}

/// What all cores write, each seldom.
pub struct Shared {
    /// Client connections of the process.
    pub connections: AtomicUsize,
    /// The most that the process takes, by setting and by descriptors.
    pub connections_max: usize,
    /// When each core last turned its wheel, in milliseconds since the process began.
    pub heartbeats: Arc<[AtomicU64]>,
    /// The revision that each core runs.
    pub revisions: Box<[AtomicU64]>,
    /// Bytes of bodies that are held whole, of all cores: only large ones are counted.
    pub held_bytes: AtomicUsize,
    /// Bytes that bodies may come to whose signature is still to be looked at, of all cores.
    pub unverified_bytes: AtomicUsize,
    /// Told to stop: from the moment that the process says so, every answer closes its connection.
    pub draining: Arc<AtomicBool>,
    /// Cores that have ended their last connection after a drain.
    pub drained: AtomicUsize,
    /// What is remembered of callers.
    pub answers: Answers,
    /// Callers are taken for somebody: every answer says so.
    pub dev_identity: bool,
    /// Trusted proxies begin a connection with a PROXY protocol header.
    pub proxy_protocol: bool,
}

/// Bytes of bodies that somebody holds, counted against what a process may hold, until it is dropped.
pub struct Count {
    bytes: usize,
    shared: Arc<Shared>,
}

impl Count {
    pub fn new(shared: &Arc<Shared>) -> Self {
        Self { bytes: 0, shared: Arc::clone(shared) }
    }

    /// Of something of this size that is there already.
    pub fn of(shared: &Arc<Shared>, bytes: usize) -> Result<Self, Fault> {
        let mut count = Self::new(shared);
        count.grow_to(bytes)?;
        Ok(count)
    }

    /// Small ones are not counted: the count is written by all cores.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes <= HELD_BYTES_COUNTED_FROM || bytes <= self.bytes {
            return Ok(());
        }
        let growth = bytes - self.bytes;
        if self.shared.held_bytes.fetch_add(growth, Ordering::Relaxed) + growth > HELD_BYTES_MAX {
            self.shared.held_bytes.fetch_sub(growth, Ordering::Relaxed);
            return Err(Fault::because(FaultKind::Overloaded, "too many bodies are held in memory at once"));
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.shared.held_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Room for a body whose sender is not known yet: a key's id is no secret, so that anybody could have bodies held.
pub struct Unverified<'w> {
    bytes: usize,
    shared: &'w Shared,
}

impl<'w> Unverified<'w> {
    pub fn of(shared: &'w Shared, bytes: usize) -> Result<Self, Fault> {
        let before = shared.unverified_bytes.fetch_add(bytes, Ordering::Relaxed);
        let room = Self { bytes, shared };
        if before + bytes > UNVERIFIED_BYTES_MAX {
            return Err(Fault::because(FaultKind::Overloaded, "too many bodies wait for their signature"));
        }
        Ok(room)
    }
}

impl Drop for Unverified<'_> {
    fn drop(&mut self) {
        self.shared.unverified_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Shared {
    pub fn new(cores: usize, connections_max: usize) -> Self {
        Self {
            connections: AtomicUsize::new(0),
            connections_max,
            heartbeats: (0..cores).map(|_| AtomicU64::new(0)).collect(),
            revisions: (0..cores).map(|_| AtomicU64::new(0)).collect(),
            held_bytes: AtomicUsize::new(0),
            unverified_bytes: AtomicUsize::new(0),
            draining: Arc::default(),
            drained: AtomicUsize::new(0),
            answers: Answers::default(),
            dev_identity: false,
            proxy_protocol: false,
        }
    }
}

impl Worker {
    pub fn new(start: Start, snapshot: Arc<Snapshot>) -> Self {
        let mut buckets = Buckets::default();
        buckets.adopt(&snapshot.ledgers);
        Self {
            current: RefCell::new(Rc::new(snapshot)),
            buckets: RefCell::new(buckets),
            meters: RefCell::new(Meters::new(start.shared.revisions.len())),
            waiting_for_keys: Cell::new(0),
            flights: RefCell::default(),
            signing_keys: RefCell::default(),
            pools: Pools::default(),
            counters: start.counters,
            clock: Clock::real(),
            stamps: Stamps::default(),
            ids: RefCell::new(IdSource::new(start.seed)),
            log: RefCell::new(start.log),
            limits: start.limits,
            trusted_proxies: start.trusted_proxies,
            scratch: RefCell::new(Scratch::default()),
            looked_into: Cell::new(0),
            canned: None,
            assumed: start.assumed.as_ref().map(Caller::assumed),
            open: Cell::new(0),
            shared: start.shared,
        }
    }

    /// A request keeps the snapshot it began with, to its end.
    pub fn snapshot(&self) -> Rc<Arc<Snapshot>> {
        Rc::clone(&self.current.borrow())
    }

    /// The old one goes when its last request on this core has ended; control holds it until no core does.
    pub fn adopt(&self, fresh: Arc<Snapshot>) {
        self.buckets.borrow_mut().adopt(&fresh.ledgers);
        self.current.replace(Rc::new(fresh));
    }

    pub fn tools(&self) -> Tools<'_> {
        Tools { pools: &self.pools, clock: &self.clock, counters: &self.counters }
    }

    pub fn connection_opened(&self) {
        self.open.set(self.open.get() + 1);
    }

    pub fn connection_closed(&self) {
        self.open.set(self.open.get() - 1);
        self.shared.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a core begins with.
pub struct Start {
    pub counters: Arc<CoreCounters>,
    pub log: Option<Sink>,
    pub limits: Limits,
    pub shared: Arc<Shared>,
    pub trusted_proxies: Arc<[Network]>,
    /// For whom every caller is taken, under `--dev-identity`.
    pub assumed: Option<Arc<Assumed>>,
    /// From the system's random numbers.
    pub seed: [u8; 16],
}
