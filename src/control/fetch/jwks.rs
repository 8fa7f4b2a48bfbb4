//! The keys of the issuers: asked for at a deployment, then followed as long as somebody uses them.
//!
//! Keys that were fetched once are kept for a day through any failure of their issuer. A core that meets a key which is not
//! there has them asked for at once, though not more often than once in [`JWKS_REFETCH_MIN`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use super::key_source::{Client, KeySource};
use crate::control::tell::tell;
use crate::edge::identity::issuer::{Issuer, Terms};
use crate::edge::identity::jwt::KeySet;
use crate::settings::limits::{JWKS_FETCHES_AT_ONCE, JWKS_REFETCH_MIN, JWKS_REFRESH, JWKS_STALE_MAX, JWKS_TIMEOUT};

/// An issuer that a deployment uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub terms: Terms,
    pub source: KeySource,
}

/// All issuers that are followed. Clones are the same table.
#[derive(Clone)]
pub struct Issuers {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    followed: Mutex<Vec<Followed>>,
    /// There is something to do before it is due.
    changed: Arc<Notify>,
    places: Arc<Semaphore>,
}

struct Followed {
    issuer: Arc<Issuer>,
    source: KeySource,
    /// When its keys are asked for again, whether or not somebody wants it.
    due: Instant,
    /// Until then nobody's wish has them asked for.
    paused_until: Option<Instant>,
    is_fetching: bool,
    /// [`Issuer::wanted`] when the last attempt was over.
    served: u64,
    /// When the keys that are there were asked for.
    fetched: Option<Instant>,
    /// In a row.
    failures: u32,
}

impl Issuers {
    pub fn new(client: Client) -> Self {
        let places = Arc::new(Semaphore::new(JWKS_FETCHES_AT_ONCE));
        let shared = Shared { client, followed: Mutex::default(), changed: Arc::default(), places };
        Self { shared: Arc::new(shared) }
    }

    /// The one that is followed already, or a new one, which is asked for its keys as soon as [`Issuers::refresh`] or
    /// [`Issuers::first_keys`] has its turn.
    pub fn issuer(&self, wanted: &Wanted) -> Arc<Issuer> {
        self.shared.changed.notify_one();
        self.known_or_new(wanted, Instant::now())
    }

    /// Asks the new ones for their keys, all at once; after [`JWKS_TIMEOUT`] those that have not answered are left to the
    /// background.
    pub async fn first_keys(&self) {
        let asking = self.begin_due(Instant::now());
        let all = async {
            for task in asking {
                // What became of it stands in the table.
                let _ = task.await;
            }
        };
        let _ = timeout(JWKS_TIMEOUT, all).await;
    }

    /// Files may have changed: they are read again when it is somebody's turn.
    pub fn read_files_again(&self) {
        let now = Instant::now();
        let mut followed = self.followed();
        followed.iter_mut().filter(|it| matches!(it.source, KeySource::File(_))).for_each(|it| it.due = now);
        self.shared.changed.notify_one();
    }

    /// Follows the issuers for ever.
    pub async fn refresh(self) {
        loop {
            // Attempts tell the table when they are over.
            drop(self.begin_due(Instant::now()));
            let next = self.next();
            let wait = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = self.shared.changed.notified() => {}
            }
        }
    }

    /// The one that is followed already, or a new one that is due now.
    fn known_or_new(&self, wanted: &Wanted, now: Instant) -> Arc<Issuer> {
        let mut followed = self.followed();
        let known = followed.iter().find(|it| it.issuer.terms == wanted.terms && it.source == wanted.source);
        if let Some(known) = known {
            return Arc::clone(&known.issuer);
        }
        let issuer = Arc::new(Issuer::new(wanted.terms.clone()));
        let changed = Arc::clone(&self.shared.changed);
        issuer.follow(Box::new(move || changed.notify_one()));
        followed.push(Followed {
            issuer: Arc::clone(&issuer),
            source: wanted.source.clone(),
            due: now,
            paused_until: None,
            is_fetching: false,
            served: 0,
            fetched: None,
            failures: 0,
        });
        issuer
    }

    /// Begins an attempt for each issuer that is due or wanted, ends pauses, and forgets issuers that nobody uses.
    fn begin_due(&self, now: Instant) -> Vec<JoinHandle<()>> {
        let mut followed = self.followed();
        // The table's own is the only one left: no snapshot uses the issuer any more.
        followed.retain(|it| it.is_fetching || Arc::strong_count(&it.issuer) > 1);
        let mut begun = Vec::new();
        for it in followed.iter_mut().filter(|it| !it.is_fetching) {
            if it.paused_until.is_some_and(|until| until <= now) {
                it.paused_until = None;
                it.issuer.reopen();
            }
            // A wish that came within the pause was refused, but it is not forgotten.
            let is_wanted = it.paused_until.is_none() && it.issuer.wanted() != it.served;
            if it.due <= now || is_wanted {
                it.is_fetching = true;
                begun.push(tokio::spawn(self.clone().attempt(Arc::clone(&it.issuer), it.source.clone(), now)));
            }
        }
        begun
    }

    /// When there is something to do for which nobody wakes the table.
    fn next(&self) -> Option<Instant> {
        let followed = self.followed();
        let idle = followed.iter().filter(|it| !it.is_fetching);
        idle.map(|it| it.paused_until.map_or(it.due, |until| until.min(it.due))).min()
    }

    async fn attempt(self, issuer: Arc<Issuer>, source: KeySource, began: Instant) {
        let _place = Arc::clone(&self.shared.places).acquire_owned().await;
        let (shared, name) = (Arc::clone(&self.shared), issuer.terms.name.clone());
        let asked = spawn_blocking(move || shared.client.keys(&name, &source)).await;
        // A panic within the client costs that one attempt.
        let answer = asked.unwrap_or_else(|error| Err(error.to_string()));
        if let Some(news) = self.settle(&issuer, answer, began) {
            tell(news);
        }
        self.shared.changed.notify_one();
    }

    /// Publishes what an attempt brought, and notes when the next one is due. Says what the operator has not heard yet.
    fn settle(&self, issuer: &Arc<Issuer>, answer: Result<KeySet, String>, began: Instant) -> Option<String> {
        let mut followed = self.followed();
        let it = followed.iter_mut().find(|it| Arc::ptr_eq(&it.issuer, issuer))?;
        let name = &issuer.terms.name;
        let (keys, news) = match answer {
            Ok(keys) => {
                let news = (it.failures > 0).then(|| format!("{name}: its keys are fetched again"));
                (it.failures, it.fetched, it.due) = (0, Some(began), began + JWKS_REFRESH);
                (Some(Arc::new(keys)), news)
            }
            Err(reason) => {
                let known = issuer.keys();
                let had = known.is_some();
                let stale_at = it.fetched.map(|at| at + JWKS_STALE_MAX);
                let kept = known.filter(|_| stale_at.is_some_and(|at| at > began));
                // Told when it begins to fail and when that begins to matter, not each time in between.
                let news = match (it.failures, had, kept.is_some()) {
                    (0, _, true) => Some(format!("{name}: {reason}; the last known keys are kept for a day")),
                    (0, _, false) => Some(format!("{name}: {reason}; its tokens are refused until there are keys")),
                    (_, true, false) => Some(format!("{name}: {reason}, for a day now; its tokens are refused")),
                    _ => None,
                };
                let doubled = JWKS_REFETCH_MIN.saturating_mul(1 << it.failures.min(16));
                it.failures = it.failures.saturating_add(1);
                let retry = began + doubled.min(JWKS_REFRESH);
                it.due = stale_at.filter(|at| *at > began).map_or(retry, |at| at.min(retry));
                (kept, news)
            }
        };
        it.is_fetching = false;
        it.paused_until = Some(began + JWKS_REFETCH_MIN);
        // Whoever asked until now is answered by this attempt.
        it.served = issuer.wanted();
        issuer.settle(keys);
        news
    }

    fn followed(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.shared.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
