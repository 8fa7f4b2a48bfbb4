//! What is counted of all functions together; whoever shows metrics reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Each grows, but for `processes`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Calls that were taken, asynchronous ones among them.
    pub invocations: AtomicU64,
    /// … of them those that a function, or its end, answered with an error.
    pub errors: AtomicU64,
    /// Calls that were refused because too many waited, or for too long.
    pub throttles: AtomicU64,
    /// Processes that were started because a call waited for one.
    pub cold_starts: AtomicU64,
    /// Processes that ended before they asked for an event.
    pub init_failures: AtomicU64,
    /// Processes that were ended because they took more time, or more memory, than they may.
    pub kills: AtomicU64,
    /// Processes that there are now.
    pub processes: AtomicU64,
    /// Log lines that could not be written.
    pub log_lines_lost: Arc<AtomicU64>,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }
}
