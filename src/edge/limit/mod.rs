//! Throttling: may this request be made now? (rest/12)

pub mod bucket;
pub mod compile;
pub mod ledger;

use std::sync::Arc;

use bucket::Bucket;
use hashbrown::HashMap;
use ledger::Ledger;

use crate::edge::fault::{Fault, FaultKind};
use crate::time::Instant;

/// The budgets that one method's requests are taken from, in AWS's order: the method's, then the account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Indices into the snapshot's ledgers.
    budgets: [u32; Self::MAX],
    length: u8,
}

impl Limits {
    /// A method's own budget and the account's; usage plans will add theirs.
    pub const MAX: usize = 4;

    pub(super) fn push(&mut self, ledger: u32) {
        if let Some(place) = self.budgets.get_mut(usize::from(self.length)) {
            *place = ledger;
            self.length += 1;
        }
    }

    fn budgets(&self) -> &[u32] {
        &self.budgets[..usize::from(self.length)]
    }
}

/// One core's buckets, one a ledger of the snapshot.
#[derive(Default)]
pub struct Buckets {
    ledgers: Vec<Arc<Ledger>>,
    buckets: Vec<Bucket>,
}

/// The request has passed every limit. Only [`admit`] makes one.
#[derive(Debug)]
pub struct Admitted(());

/// Takes one token of every budget, or none of any.
#[inline]
pub fn admit(buckets: &mut Buckets, limits: &Limits, now: Instant) -> Result<Admitted, Fault> {
    for (taken, &index) in limits.budgets().iter().enumerate() {
        let index = index as usize;
        let (Some(bucket), Some(ledger)) = (buckets.buckets.get_mut(index), buckets.ledgers.get(index)) else {
            continue;
        };
        if !bucket.take(ledger, now) {
            for &earlier in &limits.budgets()[..taken] {
                buckets.buckets[earlier as usize].put_back();
            }
            return Err(Fault::new(FaultKind::Throttled));
        }
    }
    Ok(Admitted(()))
}

impl Buckets {
    /// Takes on a snapshot's ledgers. Buckets of ledgers that stay keep what they hold; the others return it.
    pub fn adopt(&mut self, ledgers: &[Arc<Ledger>]) {
        let old_ledgers = std::mem::take(&mut self.ledgers);
        let old_buckets = std::mem::take(&mut self.buckets);
        let mut old: HashMap<*const Ledger, (Arc<Ledger>, Bucket)> = old_ledgers
            .into_iter()
            .zip(old_buckets)
            .map(|(ledger, bucket)| (Arc::as_ptr(&ledger), (ledger, bucket)))
            .collect();
        for ledger in ledgers {
            let kept = old.remove(&Arc::as_ptr(ledger));
            self.buckets.push(kept.map_or_else(Bucket::default, |(_, bucket)| bucket));
            self.ledgers.push(Arc::clone(ledger));
        }
        for (_, (ledger, mut bucket)) in old {
            bucket.settle(&ledger);
        }
    }

    /// Returns what this core borrowed and did not use, so that another can. Called a few times a second.
    pub fn settle(&mut self) {
        for (bucket, ledger) in self.buckets.iter_mut().zip(&self.ledgers) {
            bucket.settle(ledger);
        }
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        self.settle();
    }
}
