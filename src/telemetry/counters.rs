//! One core's cells. Only their core writes them, with a plain load and store; anybody may read.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use super::names::{EVENTS, Event, LATENCY_BOUNDS_US};

/// The cells of one core: a few hundred bytes for each series that was ever used.
pub struct CoreCounters {
    events: [AtomicU64; EVENTS.len()],
    series: Box<[Series]>,
}

/// What is counted for one API, stage and method.
#[derive(Default)]
pub struct Series {
    pub count: AtomicU64,
    pub error_4xx: AtomicU64,
    pub error_5xx: AtomicU64,
    pub latency: Histogram,
    pub integration_latency: Histogram,
}

#[derive(Default)]
pub struct Histogram {
    pub buckets: [AtomicU64; LATENCY_BOUNDS_US.len() + 1],
    pub sum_us: AtomicU64,
}

/// Index of a series in every core's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesId(pub u32);

impl CoreCounters {
    /// Cells for `series_max` series and one more that takes what is beyond them.
    pub fn new(series_max: usize) -> Self {
        Self {
            events: std::array::from_fn(|_| AtomicU64::new(0)),
            series: (0..=series_max).map(|_| Series::default()).collect(),
        }
    }

    #[inline]
    pub fn event(&self, event: Event) {
        add(&self.events[event as usize], 1);
    }

    pub fn event_many(&self, event: Event, times: u64) {
        add(&self.events[event as usize], times);
    }

    pub fn events(&self, event: Event) -> u64 {
        self.events[event as usize].load(Relaxed)
    }

    /// Counts one finished request. `integration_us` is `None` where no backend was asked.
    #[inline]
    pub fn request(&self, id: SeriesId, status: u16, latency_us: u64, integration_us: Option<u64>) {
        let Some(series) = self.series.get(id.0 as usize) else { return };
        add(&series.count, 1);
        match status {
            400..=499 => add(&series.error_4xx, 1),
            500..=599 => add(&series.error_5xx, 1),
            _ => {}
        }
        series.latency.record(latency_us);
        if let Some(us) = integration_us {
            series.integration_latency.record(us);
        }
    }

    pub fn series(&self, id: SeriesId) -> Option<&Series> {
        self.series.get(id.0 as usize)
    }
}

impl Histogram {
    #[inline]
    fn record(&self, us: u64) {
        let bucket = LATENCY_BOUNDS_US.partition_point(|&bound| bound < us);
        add(&self.buckets[bucket], 1);
        add(&self.sum_us, us);
    }
}

/// The owner's increment: no other core writes this cell, so no locked instruction is needed.
#[inline]
fn add(cell: &AtomicU64, n: u64) {
    cell.store(cell.load(Relaxed).wrapping_add(n), Relaxed);
}

/// What a series counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SeriesName {
    pub api: String,
    pub stage: String,
    /// The resource's template path; empty where the request met no resource.
    pub resource: String,
    pub method: String,
}

/// Names of all series. Written at deployment, read at a scrape; never on the way of a request.
pub struct Registry {
    known: Mutex<HashMap<SeriesName, SeriesId>>,
    series_max: usize,
}

impl Registry {
    pub fn new(series_max: usize) -> Self {
        Self { known: Mutex::new(HashMap::new()), series_max }
    }

    /// The series of this name; the same one at every deployment. Beyond the cap it is the one for the rest.
    pub fn series(&self, name: &SeriesName) -> SeriesId {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = known.get(name) {
            return id;
        }
        if known.len() >= self.series_max {
            return self.overflow();
        }
        let id = SeriesId(u32::try_from(known.len()).unwrap_or(u32::MAX));
        known.insert(name.clone(), id);
        id
    }

    /// All names, in the order of their ids.
    pub fn names(&self) -> Vec<(SeriesName, SeriesId)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = known.iter().map(|(name, &id)| (name.clone(), id)).collect();
        names.sort_by_key(|(_, id)| id.0);
        names
    }

    /// The series without a name: it counts what is beyond the cap.
    pub fn overflow(&self) -> SeriesId {
        SeriesId(u32::try_from(self.series_max).unwrap_or(u32::MAX))
    }
}
