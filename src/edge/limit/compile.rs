//! Throttle settings to the budgets of each method. Budgets outlive a reload: what was spent stays spent.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Limits;
use super::ledger::Ledger;
use crate::settings::Throttle;
use crate::time::Instant;

/// All budgets of the process by their names; kept from one deployment to the next.
#[derive(Default)]
pub struct Budgets {
    known: HashMap<String, Arc<Ledger>>,
}

/// The ledgers that one snapshot uses, while it is compiled.
pub struct Compiler<'b> {
    budgets: &'b mut Budgets,
    ledgers: Vec<Arc<Ledger>>,
    indices: HashMap<String, u32>,
    cores: usize,
    now: Instant,
}

impl<'b> Compiler<'b> {
    pub fn new(budgets: &'b mut Budgets, cores: usize, now: Instant) -> Self {
        Self { budgets, ledgers: Vec::new(), indices: HashMap::new(), cores, now }
    }

    /// Limits of one method: budgets by name, in the order in which they are asked.
    pub fn limits(&mut self, budgets: &[(String, Throttle)]) -> Limits {
        let mut limits = Limits::default();
        for (name, throttle) in budgets {
            limits.push(self.index(name, *throttle));
        }
        limits
    }

    fn index(&mut self, name: &str, throttle: Throttle) -> u32 {
        if let Some(&index) = self.indices.get(name) {
            return index;
        }
        let kept = self.budgets.known.get(name).filter(|ledger| ledger.throttle() == throttle).cloned();
        let ledger = kept.unwrap_or_else(|| Arc::new(Ledger::new(throttle, self.cores, self.now)));
        let index = self.ledgers.len() as u32;
        self.ledgers.push(ledger);
        self.indices.insert(name.to_owned(), index);
        index
    }

    /// The snapshot's ledgers, which become the known ones: called only for a snapshot that is published, so that a
    /// refused deployment fills no bucket.
    pub fn finish(self) -> Vec<Arc<Ledger>> {
        let named = self
            .indices
            .into_iter()
            .filter_map(|(name, index)| Some((name, Arc::clone(self.ledgers.get(index as usize)?))));
        self.budgets.known = named.collect();
        self.ledgers
    }
}
