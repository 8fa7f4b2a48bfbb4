//! API keys: who calls, by the value that she sends, and which plan her request counts for (rest/12 section 12.2).

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::days::Days;
use super::ledger::Ledger;
use super::quota::{Counters, Quota};
use crate::edge::exchange::StageFacts;

/// All keys that are enabled and in a plan.
#[derive(Default)]
pub struct ApiKeys {
    by_value: HashTable<ApiKey>,
    hasher: RandomState,
}

pub struct ApiKey {
    pub id: Box<str>,
    pub value: Box<str>,
    /// Its part of each plan that it is in.
    pub usages: Box<[Arc<Usage>]>,
}

/// One plan's terms, the same for all its keys.
pub struct Plan {
    /// By API and name.
    pub stages: Box<[PlanStage]>,
    pub quota: Option<Quota>,
}

pub struct PlanStage {
    pub api_id: Box<str>,
    pub stage: Box<str>,
    /// Of itself in its plan, and of its counts in [`Usage`].
    pub place: usize,
    /// Path and verb of the methods that have a throttle of their own, with the place of its ledger in [`Usage`].
    pub methods: Box<[PlanMethod]>,
}

pub struct PlanMethod {
    pub path: Box<str>,
    pub verb: Box<str>,
    pub place: usize,
}

/// One key in one plan: what it may do, and what it has done.
pub struct Usage {
    /// Its own in this process: cores know it by this.
    pub number: u64,
    pub plan: Arc<Plan>,
    pub throttle: Option<Arc<Ledger>>,
    /// Of the plan's methods.
    pub methods: Box<[Arc<Ledger>]>,
    pub counters: Arc<Counters>,
    /// What of it each of the plan's stages was asked for.
    pub stages: Box<[Arc<Days>]>,
}

impl ApiKeys {
    /// A later key of the same value hides an earlier one: the admin API does not let it happen.
    pub fn new(keys: impl IntoIterator<Item = ApiKey>) -> Self {
        let mut all = Self::default();
        for key in keys {
            let Self { by_value, hasher } = &mut all;
            let hash = hasher.hash_one(&*key.value);
            match by_value.find_mut(hash, |known| known.value == key.value) {
                Some(known) => *known = key,
                None => drop(by_value.insert_unique(hash, key, |known| hasher.hash_one(&*known.value))),
            }
        }
        all
    }

    /// The key of a value. The table's hash is secret and the comparison takes the same time wherever two values differ.
    pub fn find(&self, value: &[u8]) -> Option<&ApiKey> {
        let value = std::str::from_utf8(value).ok()?;
        self.by_value.find(self.hasher.hash_one(value), |key| is_same(key.value.as_bytes(), value.as_bytes()))
    }
}

impl Plan {
    /// Of a stage among its stages.
    pub fn place(&self, api_id: &str, stage: &str) -> Option<usize> {
        self.stages.binary_search_by(|known| (&*known.api_id, &*known.stage).cmp(&(api_id, stage))).ok()
    }
}

impl ApiKey {
    /// What a request to this stage counts for: no stage is in two plans of one key.
    pub fn usage(&self, facts: &StageFacts) -> Option<(&Arc<Usage>, &PlanStage)> {
        self.usages.iter().find_map(|usage| {
            let place = usage.plan.place(&facts.api_id, &facts.stage)?;
            Some((usage, usage.plan.stages.get(place)?))
        })
    }
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}
