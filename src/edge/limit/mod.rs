//! Throttling: may this request be made now? (rest/12)

pub mod api_key;
pub mod bucket;
pub mod compile;
pub mod days;
pub mod ledger;
pub mod meter;
pub mod plans;
pub mod quota;
pub mod used;

use std::sync::Arc;

use bucket::Bucket;
use ledger::Ledger;

use crate::edge::fault::{Fault, FaultKind};
use crate::edge::identity::resource_policy::Allowed;
use crate::time::Instant;

/// The budgets that one method's requests are taken from, in AWS's order: the method's, then the account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Slots of the snapshot's ledgers.
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

/// One rate and burst of the process. Its slot is the same in every snapshot, for as long as a stage holds it.
#[derive(Debug)]
pub struct Budget {
    slot: u32,
    ledger: Arc<Ledger>,
}

/// One core's buckets, by the slots of their ledgers.
#[derive(Default)]
pub struct Buckets {
    places: Vec<Place>,
}

#[derive(Default)]
struct Place {
    ledger: Option<Arc<Ledger>>,
    bucket: Bucket,
}

/// The request has passed every limit. Only [`admit`] makes one.
#[derive(Debug)]
pub struct Admitted(());

/// Takes one token of every budget, or none of any, for a request that may be made.
#[inline]
pub fn admit(buckets: &mut Buckets, limits: &Limits, now: Instant, _allowed: &Allowed) -> Result<Admitted, Fault> {
    take(buckets, limits, now).map(Admitted)
}

/// The same for one that is refused all the same: it counts, and gets no further.
pub fn take(buckets: &mut Buckets, limits: &Limits, now: Instant) -> Result<(), Fault> {
    for (taken, &slot) in limits.budgets().iter().enumerate() {
        let Some(Place { ledger: Some(ledger), bucket }) = buckets.places.get_mut(slot as usize) else {
            debug_assert!(false, "a stage's budgets are in every snapshot that it is in");
            continue;
        };
        if !bucket.take(ledger, now) {
            for &earlier in &limits.budgets()[..taken] {
                buckets.places[earlier as usize].bucket.put_back();
            }
            return Err(Fault::new(FaultKind::Throttled));
        }
    }
    Ok(())
}

impl Buckets {
    /// Takes on a snapshot's ledgers. Buckets of ledgers that stay keep what they hold; the others return it.
    pub fn adopt(&mut self, ledgers: &[Option<Arc<Ledger>>]) {
        self.places.resize_with(ledgers.len(), Place::default);
        for (place, ledger) in self.places.iter_mut().zip(ledgers) {
            let address = |ledger: &Option<Arc<Ledger>>| ledger.as_ref().map(Arc::as_ptr);
            if address(&place.ledger) != address(ledger) {
                *place = Place { ledger: ledger.clone(), bucket: Bucket::default() };
            }
        }
    }

    /// Returns what this core borrowed and did not use, so that another can. Called a few times a second.
    pub fn settle(&mut self) {
        self.places.iter_mut().for_each(Place::settle);
    }
}

impl Place {
    fn settle(&mut self) {
        if let Some(ledger) = &self.ledger {
            self.bucket.settle(ledger);
        }
    }
}

/// What is borrowed goes back, whatever becomes of the place: another snapshot, or the end of the core.
impl Drop for Place {
    fn drop(&mut self) {
        self.settle();
    }
}
