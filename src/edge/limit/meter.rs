//! One core's part of what keys use: tokens and requests that it has taken for them, and what it has admitted since it
//! last told. Plain integers that no other core sees.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::api_key::{PlanStage, Usage};
use super::bucket::Bucket;
use super::days::Day;
use super::{Admitted, Buckets, Limits, admit};
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::identity::resource_policy::Allowed;
use crate::time::Instant;

/// By the numbers of their usages: only those that were used since the core last told.
pub struct Meters {
    meters: HashMap<u64, Meter, RandomState>,
    cores: u32,
}

struct Meter {
    usage: Arc<Usage>,
    bucket: Bucket,
    /// Of the plan's methods, as far as they were asked.
    methods: Vec<Bucket>,
    /// Requests of the quota's period that were taken and not used.
    left: u32,
    period: u32,
    admitted: Tally,
    day: Day,
}

/// What was admitted on one day and not told yet, by the stage's place in the plan. A key mostly calls one stage between
/// two times that a core tells: it is counted without a place in memory for all of them.
#[derive(Default)]
struct Tally {
    place: usize,
    count: u32,
    /// Of other stages than that one, as far as they were asked.
    others: Vec<u32>,
}

/// A request of a key.
#[derive(Clone, Copy)]
pub struct Metered<'m> {
    pub usage: &'m Arc<Usage>,
    pub stage: &'m PlanStage,
    pub path: &'m str,
    pub verb: &'m str,
    /// The method's own: `ANY`, or the same.
    pub own_verb: &'m str,
    pub day: Day,
}

impl Meters {
    pub fn new(cores: usize) -> Self {
        Self { meters: HashMap::default(), cores: u32::try_from(cores).unwrap_or(u32::MAX) }
    }

    /// One request of a key: quota, then the plan's throttles, then everybody's (rest/12 section 12.1). What refuses it
    /// leaves the others as they were.
    pub fn admit(
        &mut self,
        metered: &Metered<'_>,
        buckets: &mut Buckets,
        limits: &Limits,
        now: Instant,
        allowed: &Allowed,
    ) -> Result<Admitted, Fault> {
        let cores = self.cores;
        let meter = self.meters.entry(metered.usage.number).or_insert_with(|| Meter::new(Arc::clone(metered.usage)));
        if !meter.take_of_quota(metered.day, cores) {
            let renewed = metered.usage.plan.quota.map(|quota| quota.period.next(metered.day));
            return Err(Fault { renewed, ..Fault::new(FaultKind::QuotaExceeded) });
        }
        let method = metered.stage.methods.iter().find(|method| {
            let same_path = &*method.path == metered.path;
            same_path && (&*method.verb == metered.verb || &*method.verb == metered.own_verb)
        });
        let admitted = meter.admit(method.map(|method| method.place), buckets, limits, now, allowed);
        match &admitted {
            Ok(_) => meter.admitted.add(metered.stage.place),
            Err(_) => meter.left += u32::from(meter.usage.plan.quota.is_some()),
        }
        admitted
    }

    /// Gives back what was not used and tells what was. Called a few times a second.
    pub fn settle(&mut self) {
        // Who did not call since then is forgotten: her next request begins with what the process knows.
        self.meters.clear();
    }
}

impl Meter {
    fn new(usage: Arc<Usage>) -> Self {
        Self {
            usage,
            bucket: Bucket::default(),
            methods: Vec::new(),
            left: 0,
            period: 0,
            admitted: Tally::default(),
            day: 0,
        }
    }

    fn take_of_quota(&mut self, day: Day, cores: u32) -> bool {
        if day != self.day {
            self.tell();
            self.day = day;
            self.period = self.usage.plan.quota.map_or(0, |quota| quota.period.number(day));
        }
        let Some(quota) = self.usage.plan.quota else { return true };
        if self.left == 0 {
            self.left = self.usage.counters.take(quota, self.period, cores);
        }
        let is_left = self.left > 0;
        self.left -= u32::from(is_left);
        is_left
    }

    fn admit(
        &mut self,
        method: Option<usize>,
        buckets: &mut Buckets,
        limits: &Limits,
        now: Instant,
        allowed: &Allowed,
    ) -> Result<Admitted, Fault> {
        let throttled = || Fault::new(FaultKind::Throttled);
        if let Some((place, ledger)) = method.and_then(|place| Some((place, self.usage.methods.get(place)?))) {
            if self.methods.len() <= place {
                self.methods.resize_with(place + 1, Bucket::default);
            }
            if !self.methods[place].take(ledger, now) {
                return Err(throttled());
            }
        }
        let of_plan = self.usage.throttle.as_ref().is_none_or(|ledger| self.bucket.take(ledger, now));
        let admitted = if of_plan { admit(buckets, limits, now, allowed) } else { Err(throttled()) };
        if admitted.is_err() {
            if of_plan && self.usage.throttle.is_some() {
                self.bucket.put_back();
            }
            if let Some(bucket) = method.and_then(|place| self.methods.get_mut(place)) {
                bucket.put_back();
            }
        }
        admitted
    }

    /// Ends a day on this core: its count goes to the process, and what is left of the quota back.
    fn tell(&mut self) {
        let counters = &self.usage.counters;
        let mut sum = 0;
        // The stages first: whoever sees the sum has seen them.
        for (place, count) in self.admitted.drain() {
            if let Some(days) = self.usage.stages.get(place) {
                days.count(self.day, count);
            }
            sum += count;
        }
        counters.count(self.day, sum);
        counters.give_back(self.period, std::mem::take(&mut self.left));
    }
}

impl Tally {
    fn add(&mut self, place: usize) {
        if self.count == 0 {
            self.place = place;
        }
        if place == self.place {
            self.count += 1;
            return;
        }
        if self.others.len() <= place {
            self.others.resize(place + 1, 0);
        }
        if let Some(count) = self.others.get_mut(place) {
            *count += 1;
        }
    }

    fn drain(&mut self) -> impl Iterator<Item = (usize, u32)> {
        let Self { place, count, others } = std::mem::take(self);
        std::iter::once((place, count)).chain(others.into_iter().enumerate()).filter(|(_, count)| *count > 0)
    }
}

/// Nothing that was taken is lost, whatever becomes of the core.
impl Drop for Meter {
    fn drop(&mut self) {
        self.tell();
        if let Some(ledger) = &self.usage.throttle {
            self.bucket.settle(ledger);
        }
        for (bucket, ledger) in self.methods.iter_mut().zip(&self.usage.methods) {
            bucket.settle(ledger);
        }
    }
}
