//! An issuer of tokens, as the cores see it: what its tokens must look like, and its keys, which the control thread keeps
//! fresh.
//!
//! A core that meets a key it does not know asks for fresh ones and waits until the [`Issuer::generation`] has moved. Who
//! sends tokens chooses which keys they name, so asking is answered "not now" while the last attempt is young.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;

use super::jwt::{Algorithm, KeySet};

/// What wakes whoever keeps the keys.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Nobody wants other keys than those that are there.
const QUIET: u8 = 0;
/// Fresh ones are wanted, and will be asked for.
const ASKED: u8 = 1;
/// The last attempt was a moment ago.
const PAUSED: u8 = 2;

/// What an issuer's tokens must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Their `iss`, letter by letter.
    pub name: String,
    /// Those that it signs with; Cognito takes RS256.
    pub algorithms: Vec<Algorithm>,
    /// One of them must be the token's `aud` (or its `client_id` where it has no `aud`); none is no such rule.
    pub audiences: Vec<String>,
    /// Not Cognito, but in its place: its tokens need not say their `token_use`.
    pub stands_in: bool,
}

pub struct Issuer {
    pub terms: Terms,
    keys: ArcSwapOption<KeySet>,
    /// How often a core met a key that is not there.
    wanted: AtomicU64,
    /// Attempts to fetch the keys that are over, successful or not.
    generation: AtomicU64,
    state: AtomicU8,
    wake: OnceLock<Wake>,
}

impl Issuer {
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            keys: ArcSwapOption::empty(),
            wanted: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            state: AtomicU8::new(QUIET),
            wake: OnceLock::new(),
        }
    }

    /// The keys that are good now; `None` where there are none yet, or none any more.
    pub fn keys(&self) -> Option<Arc<KeySet>> {
        self.keys.load_full()
    }

    /// Asks for fresh keys. They may be there as soon as [`Issuer::generation`] is no longer what this returns; `None`
    /// says that they were asked for a moment ago, and that waiting is no use.
    pub fn want_fresh(&self) -> Option<u64> {
        // Read first: an attempt that ends behind this line moves it, and one that ended before has paused the issuer.
        let generation = self.generation();
        self.wanted.fetch_add(1, Ordering::Relaxed);
        let wake = self.wake.get()?;
        match self.state.compare_exchange(QUIET, ASKED, Ordering::AcqRel, Ordering::Acquire) {
            // Only the first one wakes: a flood of unknown keys is one question.
            Ok(_) => {
                wake();
                Some(generation)
            }
            Err(PAUSED) => None,
            Err(_) => Some(generation),
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

/// For whoever keeps the keys.
impl Issuer {
    /// Says how to be told that fresh keys are wanted. The first one named is kept to.
    pub fn follow(&self, wake: Wake) {
        let _ = self.wake.set(wake);
    }

    /// How often fresh keys were wanted, so far.
    pub fn wanted(&self) -> u64 {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Whether somebody waits for an attempt.
    pub fn is_asked(&self) -> bool {
        self.state.load(Ordering::Acquire) == ASKED
    }

    /// An attempt is over: new keys, or those that were there. Nobody needs to ask until [`Issuer::reopen`].
    pub fn settle(&self, keys: Option<Arc<KeySet>>) {
        // The keys first: who is told to wait no longer finds them.
        self.keys.store(keys);
        self.state.store(PAUSED, Ordering::Release);
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The last attempt is long enough ago.
    pub fn reopen(&self) {
        let _ = self.state.compare_exchange(PAUSED, QUIET, Ordering::AcqRel, Ordering::Acquire);
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "issuer {}", self.terms.name)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_flood_of_unknown_keys_is_one_question_and_none_while_the_last_answer_is_young() {
        let terms = Terms { name: "a".into(), algorithms: vec![], audiences: vec![], stands_in: false };
        let (issuer, woken) = (Issuer::new(terms), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&woken);
        issuer.follow(Box::new(move || _ = count.fetch_add(1, Ordering::Relaxed)));
        assert_eq!((0..100).map(|_| issuer.want_fresh()).collect::<Vec<_>>(), vec![Some(0); 100]);
        assert_eq!((woken.load(Ordering::Relaxed), issuer.wanted(), issuer.is_asked()), (1, 100, true));
        issuer.settle(None);
        assert_eq!((issuer.want_fresh(), issuer.generation(), issuer.is_asked()), (None, 1, false));
        issuer.reopen();
        assert_eq!((issuer.want_fresh(), woken.load(Ordering::Relaxed), issuer.wanted()), (Some(1), 2, 102));
        // Somebody who asks is not forgotten by a pause that ends late.
        issuer.reopen();
        assert!(issuer.is_asked());
    }

    #[test]
    fn an_issuer_that_nobody_follows_is_not_waited_for() {
        let terms = Terms { name: "a".into(), algorithms: vec![], audiences: vec![], stands_in: false };
        assert_eq!(Issuer::new(terms).want_fresh(), None);
    }
}
