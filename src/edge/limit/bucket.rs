//! One core's part of a rate limit: plain integers that no other core sees.

use super::ledger::Ledger;
use crate::time::Instant;

/// Tokens that this core has borrowed and not used.
#[derive(Debug, Default)]
pub struct Bucket {
    tokens: u32,
    /// The ledger is known to be empty until then, so that a flood of refused requests touches no shared line.
    empty_until: Instant,
}

impl Bucket {
    #[inline]
    pub fn take(&mut self, ledger: &Ledger, now: Instant) -> bool {
        if self.tokens == 0 {
            if now < self.empty_until {
                return false;
            }
            match ledger.lease(now) {
                Ok(tokens) => self.tokens = tokens,
                Err(empty_until) => {
                    self.empty_until = empty_until;
                    return false;
                }
            }
        }
        self.tokens -= 1;
        true
    }

    /// The token just taken was not needed: a later limit refused the request.
    pub(super) fn put_back(&mut self) {
        self.tokens += 1;
    }

    pub(super) fn settle(&mut self, ledger: &Ledger) {
        ledger.give_back(std::mem::take(&mut self.tokens));
        self.empty_until = Instant::default();
    }
}
