//! Throttle settings to the budgets of each method. Budgets outlive a deployment: what was spent stays spent.

use std::sync::{Arc, Weak};

use hashbrown::HashMap;

use super::ledger::Ledger;
use super::{Budget, Limits};
use crate::settings::Throttle;
use crate::time::Instant;

/// All budgets of the process that some stage holds, by their slots and by what they are called.
#[derive(Default)]
pub struct Budgets {
    /// `None` is free for another budget.
    slots: Vec<Option<Weak<Budget>>>,
    free: Vec<u32>,
    known: HashMap<Key, Weak<Budget>>,
}

/// A name, and the bits of its throttle: a budget with another rate is another budget.
type Key = (String, u64, u32);

impl Budgets {
    /// The ledgers of all budgets by their slots, for a snapshot. What no stage holds any more is forgotten: nobody can
    /// be asking it, since a request holds its snapshot and that its stages.
    pub fn ledgers(&mut self) -> Vec<Option<Arc<Ledger>>> {
        let forgotten = self.free.len();
        let ledgers = self.slots.iter_mut().enumerate().map(|(index, slot)| {
            let budget = slot.as_ref()?.upgrade();
            if budget.is_none() {
                *slot = None;
                self.free.push(index as u32);
            }
            budget.map(|budget| Arc::clone(&budget.ledger))
        });
        let ledgers = ledgers.collect();
        if self.free.len() > forgotten {
            self.known.retain(|_, budget| budget.strong_count() > 0);
        }
        ledgers
    }

    fn budget(&mut self, name: &str, throttle: Throttle, cores: usize, now: Instant) -> Arc<Budget> {
        let key = (name.to_owned(), throttle.rate_per_second.to_bits(), throttle.burst);
        if let Some(known) = self.known.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        let budget = Arc::new(Budget { slot, ledger: Arc::new(Ledger::new(throttle, cores, now)) });
        self.slots[slot as usize] = Some(Arc::downgrade(&budget));
        self.known.insert(key, Arc::downgrade(&budget));
        budget
    }
}

/// The budgets that one stage uses, while it is compiled.
pub struct Compiler<'b> {
    budgets: &'b mut Budgets,
    held: HashMap<u32, Arc<Budget>>,
    cores: usize,
    now: Instant,
}

impl<'b> Compiler<'b> {
    pub fn new(budgets: &'b mut Budgets, cores: usize, now: Instant) -> Self {
        Self { budgets, held: HashMap::new(), cores, now }
    }

    /// Limits of one method: budgets by name, in the order in which they are asked.
    pub fn limits(&mut self, budgets: &[(String, Throttle)]) -> Limits {
        let mut limits = Limits::default();
        for (name, throttle) in budgets {
            let budget = self.budgets.budget(name, *throttle, self.cores, self.now);
            limits.push(budget.slot);
            self.held.insert(budget.slot, budget);
        }
        limits
    }

    /// The stage's budgets. Whoever drops them, a refused deployment for one, leaves no trace.
    pub fn finish(self) -> Box<[Arc<Budget>]> {
        self.held.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::limit::{Buckets, take};

    const SECOND: Instant = Instant(1_000_000_000);

    fn stage(budgets: &mut Budgets, name: &str, burst: u32) -> (Limits, Box<[Arc<Budget>]>) {
        let mut compiler = Compiler::new(budgets, 1, SECOND);
        let limits = compiler.limits(&[(name.to_owned(), Throttle { rate_per_second: 1e-3, burst })]);
        (limits, compiler.finish())
    }

    fn admitted(buckets: &mut Buckets, limits: Limits) -> usize {
        (0..100).filter(|_| take(buckets, &limits, SECOND).is_ok()).count()
    }

    #[test]
    fn a_budget_stays_spent_over_snapshots_and_its_slot_is_its_own() {
        let (mut budgets, mut buckets) = (Budgets::default(), Buckets::default());
        let (first, held) = stage(&mut budgets, "a", 5);
        let (other, other_held) = stage(&mut budgets, "b", 7);
        buckets.adopt(&budgets.ledgers());
        assert_eq!((admitted(&mut buckets, first), admitted(&mut buckets, other)), (5, 7));
        // Compiled again: the same budget, in the same slot.
        let (again, again_held) = stage(&mut budgets, "a", 5);
        assert_eq!(again, first);
        drop(held);
        // Another burst is another budget, beside the one that is still in use.
        let (changed, changed_held) = stage(&mut budgets, "a", 6);
        assert_ne!(changed, first);
        buckets.adopt(&budgets.ledgers());
        assert_eq!([again, other, changed].map(|limits| admitted(&mut buckets, limits)), [0, 0, 6], "spent is spent");
        drop((again_held, other_held, changed_held));
    }

    #[test]
    fn a_slot_is_given_again_when_no_stage_holds_it() {
        let (mut budgets, mut buckets) = (Budgets::default(), Buckets::default());
        let (first, held) = stage(&mut budgets, "a", 5);
        buckets.adopt(&budgets.ledgers());
        assert_eq!(admitted(&mut buckets, first), 5);
        drop(held);
        let (early, early_held) = stage(&mut budgets, "b", 3);
        assert_ne!(early, first, "not before a snapshot was made without it");
        drop(early_held);
        assert!(budgets.ledgers().iter().all(Option::is_none));
        let (late, _late_held) = stage(&mut budgets, "a", 5);
        assert!(late == first || late == early);
        assert_eq!(budgets.slots.len(), 2);
        buckets.adopt(&budgets.ledgers());
        assert_eq!(admitted(&mut buckets, late), 5, "a stage made anew begins with a full bucket");
    }
}
