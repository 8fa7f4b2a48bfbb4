//! Quotas: how many requests a key may make of its plan in a day, a week or a month (security/api-keys-usage-plans
//! section 4). Exact over all cores: what a core may answer it has taken from the shared count before, a few at once.
//!
//! The count knows its period. Whoever takes from it in a later one begins it anew, so that nothing has to happen at
//! midnight.

use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::utils::CachePadded;

use super::days::{COUNT_BITS, Day, Days, packed, unpacked};
use crate::settings::limits::LEASE_TOKENS_MAX;

/// A plan's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub limit: u64,
    pub period: Period,
}

/// When a quota begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day,
    /// On Sunday, so many days later.
    Week {
        offset: u8,
    },
    /// On the first, so many days later.
    Month {
        offset: u8,
    },
}

impl Period {
    /// The number of the period in which a day lies: it grows by one from each to the next.
    pub fn number(self, day: Day) -> u32 {
        let day = i64::from(day);
        let number = match self {
            Self::Day => day,
            // 1970-01-01 was a Thursday, four days behind a Sunday.
            Self::Week { offset } => (day - i64::from(offset) + 4).div_euclid(7),
            Self::Month { offset } => month(day - i64::from(offset)),
        };
        u32::try_from(number.max(0)).unwrap_or(u32::MAX)
    }

    /// The first day of the next period: within a month and a day.
    pub fn next(self, day: Day) -> Day {
        let number = self.number(day);
        (1..=32).map(|days| day.saturating_add(days)).find(|&later| self.number(later) != number).unwrap_or(day)
    }
}

/// Months since the beginning of the year 0, by the calendar that begins its years in March: leap days are last then.
fn month(day: i64) -> i64 {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    (era * 400 + year) * 12 + (5 * of_year + 2) / 153
}

/// What one key has used of one plan. It stays as long as the key is in the plan, whatever becomes of the plan's terms.
#[derive(Debug)]
pub struct Counters {
    /// The period, and what was taken in it.
    taken: CachePadded<AtomicU64>,
    /// Requests that were admitted, of all the plan's stages.
    days: Days,
    /// All three as they were when [`changed`](Self::changed) last told them.
    told: [AtomicU64; 3],
}

/// `update-usage` may leave more than the plan's limit: less than nothing was taken then.
const NOTHING_TAKEN: i64 = 1 << (COUNT_BITS - 1);

/// What [`Counters`] say at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub period: u32,
    /// Of the quota; less than 0 where somebody has given more.
    pub taken: i64,
    pub days: [(Day, u64); 2],
}

impl Reading {
    fn of([taken, first, second]: [u64; 3]) -> Self {
        let (period, taken) = unpacked(taken);
        Self { period, taken: taken as i64 - NOTHING_TAKEN, days: [unpacked(first), unpacked(second)] }
    }
}

impl Default for Counters {
    fn default() -> Self {
        let nothing = packed(0, NOTHING_TAKEN as u64);
        Self {
            taken: CachePadded::new(AtomicU64::new(nothing)),
            days: Days::default(),
            told: [AtomicU64::new(nothing), AtomicU64::default(), AtomicU64::default()],
        }
    }
}

impl Counters {
    /// With what an earlier process has counted.
    pub fn resumed(reading: Reading) -> Self {
        let counters = Self { days: Days::resumed(reading.days), ..Self::default() };
        counters.set_taken(reading.period, reading.taken);
        let _ = counters.changed();
        counters
    }

    /// What they say, where that is something else than the last time. For one asker.
    pub fn changed(&self) -> Option<Reading> {
        let words = self.words();
        let told = self.told.iter().zip(words).map(|(told, word)| told.swap(word, Ordering::Relaxed) == word);
        // Every one of them, not only up to the first that differs.
        let is_told = told.fold(true, |all, same| all & same);
        (!is_told).then(|| Reading::of(words))
    }

    pub fn read(&self) -> Reading {
        Reading::of(self.words())
    }

    fn words(&self) -> [u64; 3] {
        let [first, second] = self.days.words();
        [self.taken.load(Ordering::Relaxed), first, second]
    }

    /// What was taken in the running period from now on.
    pub fn set_taken(&self, period: u32, taken: i64) {
        let count = (taken + NOTHING_TAKEN).clamp(0, 2 * NOTHING_TAKEN - 1);
        self.taken.store(packed(period, count as u64), Ordering::Relaxed);
    }

    /// Takes some requests of a period for one core: half a percent of what is left at most, so that little rests where
    /// it is not asked for, and the last ones one by one. None where nothing is left.
    pub(super) fn take(&self, quota: Quota, period: u32, cores: u32) -> u32 {
        let mut seen = self.taken.load(Ordering::Relaxed);
        loop {
            let (known, count) = unpacked(seen);
            // A clock that is set back does not give a quota twice.
            let (period, taken) = if period > known { (period, 0) } else { (known, count as i64 - NOTHING_TAKEN) };
            let left = i64::try_from(quota.limit).unwrap_or(i64::MAX).saturating_sub(taken);
            if left <= 0 {
                return 0;
            }
            let lease = left / (200 * i64::from(cores.max(1)));
            let lease = lease.clamp(1, i64::from(LEASE_TOKENS_MAX)).min(left);
            let next = packed(period, (taken + lease + NOTHING_TAKEN) as u64);
            match self.taken.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return lease as u32,
                Err(other) => seen = other,
            }
        }
    }

    /// Takes back what a core did not use, where its period still runs.
    pub(super) fn give_back(&self, period: u32, requests: u32) {
        let back = |word| {
            let (known, count) = unpacked(word);
            (known == period).then(|| packed(known, count.saturating_sub(requests.into())))
        };
        if requests > 0 {
            let _ = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, back);
        }
    }

    /// Requests that were admitted on a day. Those of its stages are counted before: who sees the sum sees them.
    pub(super) fn count(&self, day: Day, requests: u32) {
        self.days.count(day, requests);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_numbered_without_gaps() {
        let check = |period: Period, first: Day, second: Day, same: bool| {
            assert_eq!(period.number(first) == period.number(second), same, "{period:?} {first} {second}");
            assert!(period.number(second) - period.number(first) <= 1);
        };
        // 19675 is 2023-11-14, a Tuesday; 19673 the Sunday before; 19692 the first of December.
        check(Period::Day, 19_675, 19_676, false);
        check(Period::Week { offset: 0 }, 19_672, 19_673, false);
        check(Period::Week { offset: 0 }, 19_673, 19_679, true);
        check(Period::Week { offset: 3 }, 19_675, 19_676, false);
        check(Period::Month { offset: 0 }, 19_691, 19_692, false);
        check(Period::Month { offset: 0 }, 19_662, 19_691, true);
        check(Period::Month { offset: 27 }, 19_692, 19_718, true);
        check(Period::Month { offset: 27 }, 19_718, 19_719, false);
        // Every day of forty years lies in the period of the day before or in the next one.
        for period in [Period::Week { offset: 6 }, Period::Month { offset: 0 }, Period::Month { offset: 27 }] {
            for day in 40..15_000 {
                assert!(matches!(period.number(day + 1) - period.number(day), 0 | 1), "{period:?} {day}");
            }
        }
        let months = Period::Month { offset: 0 };
        // 2000-01-01 to 2024-01-01.
        assert_eq!((Period::Day.next(19_723), months.next(19_723)), (19_724, 19_754));
        assert_eq!(Period::Week { offset: 1 }.next(19_723), 19_730);
        assert_eq!(months.number(19_723) - months.number(10_957), 24 * 12);
    }

    #[test]
    fn a_quota_admits_what_it_says_and_begins_anew() {
        let quota = Quota { limit: 1_000, period: Period::Day };
        let counters = Counters::default();
        let all = |period: u32| {
            let mut sum = 0;
            loop {
                match counters.take(quota, period, 2) {
                    0 => return sum,
                    some => sum += some,
                }
            }
        };
        assert_eq!((all(7), all(7), all(6)), (1_000, 0, 0));
        counters.give_back(7, 3);
        counters.give_back(6, 9);
        assert_eq!((all(7), all(8)), (3, 1_000));
        counters.give_back(7, 5);
        assert_eq!(all(8), 0, "what another period had is gone with it");
        counters.set_taken(8, -5);
        assert_eq!((counters.read().taken, all(8)), (-5, 1_005));
        // A larger limit leaves what was used.
        assert_eq!(counters.take(quota, 8, 2), 0);
        assert_eq!(counters.take(Quota { limit: 1_001, ..quota }, 8, 2), 1);
    }

    #[test]
    fn what_has_changed_is_told_once() {
        let counters = Counters::default();
        counters.count(10, 5);
        counters.count(11, 4);
        assert_eq!(counters.read().days, [(10, 5), (11, 4)]);
        assert_eq!((counters.changed(), counters.changed()), (Some(counters.read()), None));
        let again = Counters::resumed(counters.read());
        assert_eq!(again.changed(), None, "it is written down");
        again.count(12, 1);
        assert_eq!(again.read().days, [(12, 1), (11, 4)]);
    }
}
