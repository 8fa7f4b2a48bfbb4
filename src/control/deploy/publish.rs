//! A snapshot to every core.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::edge::Order;
use crate::edge::snapshot::Snapshot;
use crate::edge::worker::Shared;
use crate::net::mailbox::Address;

/// The cores' mailboxes, and the snapshots that some core may still use.
pub struct Publisher {
    cores: Vec<Address<Order>>,
    shared: Arc<Shared>,
    live: Vec<Arc<Snapshot>>,
}

impl Publisher {
    pub fn new(cores: Vec<Address<Order>>, shared: Arc<Shared>, first: Arc<Snapshot>) -> Self {
        Self { cores, shared, live: vec![first] }
    }

    /// Sends the snapshot to every core. Requests under way keep the one they began with.
    pub fn publish(&mut self, snapshot: Arc<Snapshot>) {
        for core in &self.cores {
            // A core that does not empty its mailbox is one whose heartbeat has stopped: /healthz says so.
            let _ = core.send(Order::Adopt(Arc::clone(&snapshot)));
        }
        self.live.push(snapshot);
    }

    /// Whether every core runs this revision.
    pub fn is_everywhere(&self, revision: u64) -> bool {
        self.shared.revisions.iter().all(|running| running.load(Ordering::Acquire) >= revision)
    }

    /// Drops the snapshots that no core holds any more. Here and not on a core: a large one takes milliseconds.
    pub fn retire(&mut self) {
        let newest = self.live.len().saturating_sub(1);
        let mut index = 0;
        self.live.retain(|snapshot| {
            index += 1;
            index > newest || Arc::strong_count(snapshot) > 1
        });
    }

    pub fn drain(&self) {
        for core in &self.cores {
            let _ = core.send(Order::Drain);
        }
    }
}
