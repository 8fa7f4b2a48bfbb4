//! Requests by day: of one day and the one before it. Cores add to it a few times a second; control writes it down.

use std::sync::atomic::{AtomicU64, Ordering};

/// Days since 1970-01-01, in UTC.
pub type Day = u32;

/// Each of the two says which day it is. Nothing has to happen at midnight: whoever counts a later day takes the place of
/// the one two days before it.
#[derive(Debug, Default)]
pub struct Days([AtomicU64; 2]);

/// Numbers of two kinds in one word: which day or period it is, and how many.
const NUMBER_BITS: u32 = 24;
pub(super) const COUNT_BITS: u32 = 64 - NUMBER_BITS;

pub(super) fn packed(number: u32, count: u64) -> u64 {
    u64::from(number) << COUNT_BITS | (count & ((1 << COUNT_BITS) - 1))
}

pub(super) fn unpacked(word: u64) -> (u32, u64) {
    ((word >> COUNT_BITS) as u32, word & ((1 << COUNT_BITS) - 1))
}

impl Days {
    /// With what an earlier process has counted.
    pub fn resumed(counted: [(Day, u64); 2]) -> Self {
        let days = Self::default();
        for (day, count) in counted {
            let slot = &days.0[(day & 1) as usize];
            if unpacked(slot.load(Ordering::Relaxed)).0 <= day {
                slot.store(packed(day, count), Ordering::Relaxed);
            }
        }
        days
    }

    pub fn read(&self) -> [(Day, u64); 2] {
        self.words().map(unpacked)
    }

    /// Acquires what a core has counted elsewhere before it counted here: a plan's stages come before their sum.
    pub(super) fn words(&self) -> [u64; 2] {
        [&self.0[0], &self.0[1]].map(|word| word.load(Ordering::Acquire))
    }

    /// Requests that were admitted on a day.
    pub(super) fn count(&self, day: Day, requests: u32) {
        let add = |word| {
            let (known, count) = unpacked(word);
            let before = if known == day { count } else { 0 };
            // What comes two days late is lost.
            (known <= day).then(|| packed(day, before + u64::from(requests)))
        };
        if requests > 0 {
            let _ = self.0[(day & 1) as usize].fetch_update(Ordering::Release, Ordering::Relaxed, add);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_apart_and_survive() {
        let days = Days::default();
        for (day, requests) in [(10, 2), (10, 3), (11, 4), (9, 4), (11, 0)] {
            days.count(day, requests);
        }
        assert_eq!(days.read(), [(10, 5), (11, 4)]);
        let again = Days::resumed(days.read());
        again.count(12, 1);
        assert_eq!(again.read(), [(12, 1), (11, 4)]);
        assert_eq!(Days::resumed([(10, 1), (12, 2)]).read(), [(12, 2), (0, 0)], "the later one of a place");
    }
}
