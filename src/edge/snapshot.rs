//! Everything compiled; never changed after it is made.

use std::sync::Arc;

use super::dispatch::Table;
use super::exchange::{MethodFacts, StageFacts};
use super::limit::Limits;
use super::limit::ledger::Ledger;
use super::transform::{RequestMapping, ResponseMapping};
use super::upstream::Integration;
use super::watch::Format;
use crate::telemetry::counters::SeriesId;

/// What all cores run, until the next one is published.
#[derive(Default)]
pub struct Snapshot {
    /// Counts publications, from 1.
    pub revision: u64,
    pub table: Table,
    pub stages: Vec<Stage>,
    /// All budgets that any method's limits name.
    pub ledgers: Vec<Arc<Ledger>>,
    pub access_log: Option<Format>,
}

pub struct Stage {
    pub facts: StageFacts,
    /// Bytes of its method ARNs up to the verb.
    pub arn_bytes: usize,
    /// In the order in which the routing numbers them.
    pub methods: Vec<Method>,
    /// Where requests are counted that meet no method.
    pub unmatched: SeriesId,
    /// The account's budget alone, for requests that meet no method.
    pub limits: Limits,
}

pub struct Method {
    pub facts: MethodFacts,
    pub series: SeriesId,
    pub logged: bool,
    pub limits: Limits,
    /// `None` under `--lenient`, where the method needs what Weir cannot do yet.
    pub plan: Option<Plan>,
}

/// What a request to a method goes through behind the limits.
pub struct Plan {
    pub request: RequestMapping,
    pub response: ResponseMapping,
    /// `None` for MOCK.
    pub integration: Option<Integration>,
}
