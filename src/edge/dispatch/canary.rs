//! Which of a stage's requests its canary takes: each by chance, by itself (rest/14 section 14.3).

/// A share of all requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of [`Self::ALL`] numbers that can be drawn, those below this are the canary's.
    threshold: u64,
}

impl Share {
    const ALL: u64 = 1 << 32;

    /// `percentTraffic`: 0 is never, 100 always.
    pub fn of_percent(percent: f64) -> Self {
        Self { threshold: (percent.clamp(0.0, 100.0) / 100.0 * Self::ALL as f64).round() as u64 }
    }

    /// Whether the request for which `random` was drawn is the canary's.
    #[inline]
    pub fn takes(self, random: u64) -> bool {
        random >> 32 < self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::exchange::IdSource;

    /// Of 100,000 requests, those that the canary takes.
    fn taken(percent: f64) -> u32 {
        let (share, mut source) = (Share::of_percent(percent), IdSource::new([7; 16]));
        (0..100_000).filter(|_| share.takes(source.draw())).count() as u32
    }

    #[test]
    fn a_canary_takes_its_share() {
        for percent in [1.0, 10.0, 33.3, 50.0, 90.0] {
            let (taken, expected) = (f64::from(taken(percent)), percent * 1_000.0);
            assert!((taken - expected).abs() <= expected * 0.02 + 60.0, "{percent} %: {taken}");
        }
    }

    #[test]
    fn never_and_always_are_exact() {
        for (percent, expected) in [(0.0, 0), (-1.0, 0), (f64::NAN, 0), (100.0, 100_000), (250.0, 100_000)] {
            assert_eq!(taken(percent), expected, "{percent} %");
        }
        assert!(Share::of_percent(100.0).takes(u64::MAX) && !Share::of_percent(0.0).takes(0));
    }
}
