//! The budget of one rate limit, lent to the cores in batches: one padded atomic, no lock.
//!
//! The budget is kept as the time up to which it is spent (GCRA's theoretical arrival time): lending moves it
//! forward, time passing leaves it behind, and `burst` bounds by how much. So what was ever admitted is at most
//! `rate × time + burst` since the ledger began. Within any other window it is at most that and what the cores
//! held at its beginning: half a percent of the burst (see [`Ledger::new`]).

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;

use crate::settings::Throttle;
use crate::settings::limits::LEASE_TOKENS_MAX;
use crate::time::Instant;

#[derive(Debug)]
pub struct Ledger {
    /// Spent up to here, in [`UNITS_PER_NANO`]ths of a nanosecond, `burst` ahead of the clock.
    spent: CachePadded<AtomicU64>,
    /// Units from one token to the next.
    interval: u64,
    /// Units that a full bucket is ahead.
    burst: u64,
    /// Tokens that one core borrows at once.
    lease: u32,
    throttle: Throttle,
}

/// Sixteenths of a nanosecond keep a million tokens a second exact to 0.01%, and last for 36 years.
const UNITS_PER_NANO: u64 = 16;

/// No sane budget refills faster; above it the interval would round to nothing.
const RATE_MAX: f64 = 1e9;

impl Ledger {
    /// A full bucket at `now`, shared by `cores`. A core borrows at most half a percent of the burst divided by the
    /// number of cores, so that tokens resting on one core are missed nowhere else.
    pub fn new(throttle: Throttle, cores: usize, now: Instant) -> Self {
        let rate = throttle.rate_per_second.clamp(0.0, RATE_MAX);
        // A rate of 0 blocks everything (rest/12): a bucket that holds nothing.
        let burst_tokens = if rate > 0.0 { throttle.burst } else { 0 };
        // Rounded up: never faster than the rate.
        let interval = (1e9 * UNITS_PER_NANO as f64 / rate.max(1e-4)).ceil() as u64;
        let lease = burst_tokens / (200 * u32::try_from(cores.max(1)).unwrap_or(u32::MAX));
        Self {
            spent: CachePadded::new(AtomicU64::new(units(now))),
            interval,
            burst: interval.saturating_mul(u64::from(burst_tokens)),
            lease: lease.clamp(1, LEASE_TOKENS_MAX),
            throttle,
        }
    }

    pub fn throttle(&self) -> Throttle {
        self.throttle
    }

    /// Borrows up to a batch of tokens. When there is none: the time before which there will be none.
    pub fn lease(&self, now: Instant) -> Result<u32, Instant> {
        let now = units(now);
        // Relaxed: nothing else is read through this value; the exchange itself is what makes a token one core's.
        let mut spent = self.spent.load(Ordering::Relaxed);
        loop {
            let from = spent.max(now);
            let free = now.saturating_add(self.burst).saturating_sub(from) / self.interval;
            let tokens = u32::try_from(free).unwrap_or(u32::MAX).min(self.lease);
            if tokens == 0 {
                let ready = from.saturating_add(self.interval).saturating_sub(self.burst);
                return Err(Instant(if self.burst == 0 { u64::MAX } else { ready.div_ceil(UNITS_PER_NANO) }));
            }
            let to = from + self.interval * u64::from(tokens);
            match self.spent.compare_exchange_weak(spent, to, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(tokens),
                Err(seen) => spent = seen,
            }
        }
    }

    /// Takes tokens back that were borrowed and not used.
    pub fn give_back(&self, tokens: u32) {
        if tokens > 0 {
            self.spent.fetch_sub(self.interval * u64::from(tokens), Ordering::Relaxed);
        }
    }
}

fn units(at: Instant) -> u64 {
    at.0.saturating_mul(UNITS_PER_NANO)
}

#[cfg(test)]
mod tests {
    use super::super::bucket::Bucket;
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn ledger(rate_per_second: f64, burst: u32, cores: usize) -> Ledger {
        Ledger::new(Throttle { rate_per_second, burst }, cores, Instant(SECOND))
    }

    /// Requests that one core may make when it asks `times` times at `at`.
    fn admitted(ledger: &Ledger, bucket: &mut Bucket, at: u64, times: u32) -> u32 {
        (0..times).filter(|_| bucket.take(ledger, Instant(at))).count() as u32
    }

    #[test]
    fn a_burst_then_the_rate() {
        let ledger = ledger(10.0, 5, 1);
        let mut bucket = Bucket::default();
        assert_eq!(admitted(&ledger, &mut bucket, SECOND, 100), 5);
        assert_eq!(admitted(&ledger, &mut bucket, SECOND + SECOND / 10 - 1, 100), 0);
        assert_eq!(admitted(&ledger, &mut bucket, SECOND + SECOND / 10, 100), 1);
        assert_eq!(admitted(&ledger, &mut bucket, 100 * SECOND, 100), 5);
    }

    #[test]
    fn a_rate_or_a_burst_of_nothing_blocks_everything() {
        for (rate, burst) in [(0.0, 5), (10.0, 0), (-1.0, 5)] {
            assert_eq!(admitted(&ledger(rate, burst, 1), &mut Bucket::default(), 1_000 * SECOND, 100), 0);
        }
    }

    #[test]
    fn fractions_of_a_token_a_second() {
        let ledger = ledger(0.5, 1, 1);
        let mut bucket = Bucket::default();
        assert_eq!(admitted(&ledger, &mut bucket, SECOND, 3), 1);
        assert_eq!(admitted(&ledger, &mut bucket, 3 * SECOND - 1, 3), 0);
        assert_eq!(admitted(&ledger, &mut bucket, 3 * SECOND, 3), 1);
    }

    #[test]
    fn one_core_can_use_the_whole_budget_while_others_rest() {
        let ledger = ledger(1_000.0, 1_000, 8);
        let mut resting: Vec<Bucket> = (0..7).map(|_| Bucket::default()).collect();
        for bucket in &mut resting {
            assert_eq!(admitted(&ledger, bucket, SECOND, 1), 1);
        }
        let mut busy = Bucket::default();
        assert_eq!(admitted(&ledger, &mut busy, SECOND, 2_000), 1_000 - 7);
        // With a burst that allows batches, what rests on the others comes back when they settle.
        let ledger = self::ledger(1_000.0, 16_000, 8);
        for bucket in &mut resting {
            assert_eq!(admitted(&ledger, bucket, SECOND, 1), 1);
            bucket.settle(&ledger);
        }
        assert_eq!(admitted(&ledger, &mut Bucket::default(), SECOND, 20_000), 16_000 - 7);
    }

    #[test]
    fn no_seed_admits_more_than_rate_times_time_and_burst() {
        for seed in 1..200_u64 {
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut next = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random % below
            };
            let (rate, burst, cores) = (1 + next(50_000), 1 + next(20_000) as u32, 1 + next(8) as usize);
            let ledger = ledger(rate as f64, burst, cores);
            let mut buckets: Vec<Bucket> = (0..cores).map(|_| Bucket::default()).collect();
            let (mut now, mut total) = (SECOND, 0_u64);
            for step in 0..2_000 {
                now += next(SECOND / 200);
                let core = next(cores as u64) as usize;
                total += u64::from(admitted(&ledger, &mut buckets[core], now, next(400) as u32));
                if next(10) == 0 {
                    buckets[core].settle(&ledger);
                }
                let allowed = f64::from(burst) + rate as f64 * (now - SECOND) as f64 / SECOND as f64;
                assert!(total as f64 <= allowed + 1e-6, "seed {seed}, step {step}: {total} of {allowed}");
            }
        }
    }

    #[test]
    fn a_flood_is_admitted_to_within_a_percent_of_the_budget() {
        for cores in [1, 2, 8] {
            let ledger = ledger(10_000.0, 5_000, cores);
            let mut buckets: Vec<Bucket> = (0..cores).map(|_| Bucket::default()).collect();
            let mut total = 0;
            for step in 0..20_000 {
                let now = SECOND + step * SECOND / 10_000;
                for bucket in &mut buckets {
                    total += admitted(&ledger, bucket, now, 2);
                    if step % 1_000 == 0 {
                        bucket.settle(&ledger);
                    }
                }
            }
            assert!((24_750..=25_000).contains(&total), "{cores} cores: {total} of 25,000");
        }
    }
}
