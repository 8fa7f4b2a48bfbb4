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
    /// What a core's full mailbox did not take; sent again by [`Publisher::retire`].
    unsent: Vec<Option<Order>>,
}

impl Publisher {
    pub fn new(cores: Vec<Address<Order>>, shared: Arc<Shared>, first: Arc<Snapshot>) -> Self {
        let unsent = cores.iter().map(|_| None).collect();
        Self { cores, shared, live: vec![first], unsent }
    }

    /// Sends the snapshot to every core. Requests under way keep the one they began with.
    pub fn publish(&mut self, snapshot: Arc<Snapshot>) {
        for (core, unsent) in self.cores.iter().zip(&mut self.unsent) {
            // A core that is still to hear that it drains wants no snapshot.
            if !matches!(unsent, Some(Order::Drain)) {
                *unsent = core.send(Order::Adopt(Arc::clone(&snapshot))).err();
            }
        }
        self.live.push(snapshot);
    }

    /// Whether every core runs this revision.
    pub fn is_everywhere(&self, revision: u64) -> bool {
        self.shared.revisions.iter().all(|running| running.load(Ordering::Acquire) >= revision)
    }

    /// Sends again what did not fit, and drops the snapshots that no core holds any more. Here and not on a core: a large one takes milliseconds.
    pub fn retire(&mut self) {
        for (core, unsent) in self.cores.iter().zip(&mut self.unsent) {
            *unsent = unsent.take().and_then(|order| core.send(order).err());
        }
        let newest = self.live.len().saturating_sub(1);
        let mut index = 0;
        self.live.retain(|snapshot| {
            index += 1;
            index > newest || Arc::strong_count(snapshot) > 1
        });
    }

    pub fn drain(&mut self) {
        for (core, unsent) in self.cores.iter().zip(&mut self.unsent) {
            *unsent = core.send(Order::Drain).err();
        }
    }
}
