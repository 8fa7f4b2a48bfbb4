//! Keys of AWS accounts: looked for at a deployment, then kept fresh as long as somebody signs with them.
//!
//! Keys that were found hold to their end through any failure of their source. A role that is assumed waits for the keys
//! that assume it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::credential_source::{Client, Terms, unix_now};
use crate::control::tell::tell;
use crate::edge::upstream::credential::{Credential, Keys};
use crate::settings::CredentialSource;
use crate::settings::limits::{
    CREDENTIALS_FETCHES_AT_ONCE, CREDENTIALS_REFRESH_BEFORE, CREDENTIALS_REFRESH_PART, CREDENTIALS_REREAD,
    CREDENTIALS_RETRY_MAX, CREDENTIALS_RETRY_MIN, CREDENTIALS_TIMEOUT, DURATION_LARGEST,
};

/// All keys that are followed. Clones are the same table.
#[derive(Clone)]
pub struct Credentials {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    table: Mutex<Table>,
    /// There is something to do before it is due.
    changed: Notify,
    places: Arc<Semaphore>,
}

struct Table {
    terms: Terms,
    followed: Vec<Followed>,
}

struct Followed {
    credential: Arc<Credential>,
    source: CredentialSource,
    /// Of a role: with whose keys it is assumed.
    base: Option<Arc<Credential>>,
    /// When its source is asked again; those that the settings hold are never.
    due: Option<Instant>,
    is_fetching: bool,
    /// What is being asked was asked for anew meanwhile.
    is_stale: bool,
    /// One attempt is over, whatever came of it.
    is_settled: bool,
    /// In a row.
    failures: u32,
    /// The operator knows that there are no keys.
    is_lapse_told: bool,
}

/// Both clocks: attempts are made by the one, and keys end by the other.
#[derive(Clone, Copy)]
struct Now {
    at: Instant,
    unix: u64,
}

impl Credentials {
    pub fn new(client: Client, terms: Terms) -> Self {
        let table = Mutex::new(Table { terms, followed: Vec::new() });
        let places = Arc::new(Semaphore::new(CREDENTIALS_FETCHES_AT_ONCE));
        Self { shared: Arc::new(Shared { client, table, changed: Notify::new(), places }) }
    }

    /// The one that is followed already, or a new one, whose source is asked as soon as [`Credentials::refresh`] or
    /// [`Credentials::first_keys`] has its turn. It is followed as long as somebody holds it.
    pub fn credential(&self, source: &CredentialSource) -> Arc<Credential> {
        let credential = self.table().known_or_new(source, Instant::now());
        self.shared.changed.notify_one();
        credential
    }

    /// Whether each source has been asked once, whatever came of it.
    pub fn are_settled(&self) -> bool {
        self.table().followed.iter().all(|it| it.is_settled)
    }

    /// Asks the sources of the new ones, all at once; after [`CREDENTIALS_TIMEOUT`] those that have not answered are left
    /// to the background.
    pub async fn first_keys(&self) {
        let all = async {
            // Once more for roles, which wait for the keys that assume them.
            for _ in 0..2 {
                for task in self.begin_due(Now::get()) {
                    // What became of it stands in the table.
                    let _ = task.await;
                }
            }
            // Others are asked by [`Credentials::refresh`], which may have been first.
            while !self.are_settled() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = timeout(CREDENTIALS_TIMEOUT, all).await;
    }

    /// At a reload: the settings may be others, and so may files be. All sources are asked anew; until they have answered,
    /// the keys that are there hold.
    pub fn read_again(&self, terms: Terms) {
        let now = Instant::now();
        self.table().read_again(terms, now);
        self.shared.changed.notify_one();
    }

    /// Keeps the keys fresh for ever.
    pub async fn refresh(self) {
        loop {
            // Attempts tell the table when they are over.
            drop(self.begin_due(Now::get()));
            let next = self.table().next(unix_now());
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

    /// Begins an attempt for each that is due, and forgets those that nobody uses.
    fn begin_due(&self, now: Now) -> Vec<JoinHandle<()>> {
        let mut table = self.table();
        let due = table.begin_due(now);
        let begin = |it: Begun| tokio::spawn(self.clone().attempt(it));
        due.into_iter().map(begin).collect()
    }

    async fn attempt(self, it: Begun) {
        let _place = Arc::clone(&self.shared.places).acquire_owned().await;
        let (shared, credential) = (Arc::clone(&self.shared), it.credential);
        let asked = spawn_blocking(move || shared.client.keys(&it.source, &it.terms, it.base.as_deref())).await;
        // A panic within the client costs that one attempt.
        let answer = asked.unwrap_or_else(|error| Err(error.to_string()));
        let news = self.table().settle(&credential, answer, Now::get());
        if let Some(news) = news {
            tell(news);
        }
        // Before the table is woken, so that the last one to use these keys is not this.
        drop(credential);
        self.shared.changed.notify_one();
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an attempt needs.
struct Begun {
    credential: Arc<Credential>,
    source: CredentialSource,
    terms: Terms,
    base: Option<Arc<Keys>>,
}

impl Table {
    fn known_or_new(&mut self, source: &CredentialSource, now: Instant) -> Arc<Credential> {
        if let Some(known) = self.followed.iter().find(|it| it.source == *source) {
            return Arc::clone(&known.credential);
        }
        let base = matches!(source, CredentialSource::Assume(_)).then(|| self.terms.base());
        // A base is no role that is assumed, so this goes no deeper.
        let base = base.map(|base| self.known_or_new(&base, now));
        let credential = Arc::new(Credential::new(name(source)));
        let mut due = Some(now);
        if let CredentialSource::Keys { access_key, secret_key, session_token } = source {
            let (secret_key, session_token) = (secret_key.clone(), session_token.clone());
            credential.set(Some(Keys { access_key: access_key.clone(), secret_key, session_token, expires: None }));
            due = None;
        }
        self.followed.push(Followed {
            credential: Arc::clone(&credential),
            source: source.clone(),
            base,
            due,
            is_fetching: false,
            is_stale: false,
            is_settled: due.is_none(),
            failures: 0,
            is_lapse_told: false,
        });
        credential
    }

    fn read_again(&mut self, terms: Terms, now: Instant) {
        let is_other_base = self.terms.base() != terms.base();
        self.terms = terms;
        if is_other_base && self.followed.iter().any(|it| it.base.is_some()) {
            let base = self.known_or_new(&self.terms.base(), now);
            self.followed.iter_mut().filter_map(|it| it.base.as_mut()).for_each(|it| *it = Arc::clone(&base));
        }
        for it in self.followed.iter_mut().filter(|it| it.due.is_some()) {
            it.due = Some(now);
            it.is_stale = it.is_fetching;
        }
    }

    fn begin_due(&mut self, now: Now) -> Vec<Begun> {
        // The table's own is the only one left: nobody signs with it any more.
        self.followed.retain(|it| it.is_fetching || Arc::strong_count(&it.credential) > 1);
        let ready = self.ready(now.unix);
        let mut begun = Vec::new();
        for (it, is_ready) in self.followed.iter_mut().zip(ready) {
            if is_ready && it.due.is_some_and(|due| due <= now.at) {
                it.is_fetching = true;
                let (credential, source) = (Arc::clone(&it.credential), it.source.clone());
                let base = it.base.as_ref().and_then(|base| base.keys(now.unix));
                begun.push(Begun { credential, source, terms: self.terms.clone(), base });
            }
        }
        begun
    }

    /// Whether an attempt would tell something: none is under way, and what it needs is there, or is known not to be.
    fn ready(&self, unix: u64) -> Vec<bool> {
        let is_settled = |credential: &Arc<Credential>| {
            let own = self.followed.iter().find(|it| Arc::ptr_eq(&it.credential, credential));
            own.is_none_or(|own| own.is_settled)
        };
        let known = |base: &Arc<Credential>| base.keys(unix).is_some() || is_settled(base);
        self.followed.iter().map(|it| !it.is_fetching && it.base.as_ref().is_none_or(known)).collect()
    }

    /// When there is something to do for which nobody wakes the table.
    fn next(&self, unix: u64) -> Option<Instant> {
        let ready = self.followed.iter().zip(self.ready(unix)).filter(|(_, is_ready)| *is_ready);
        ready.filter_map(|(it, _)| it.due).min()
    }

    /// Publishes what an attempt brought, and notes when the next one is due. Says what the operator has not heard yet.
    fn settle(&mut self, credential: &Arc<Credential>, answer: Result<Keys, String>, now: Now) -> Option<String> {
        let it = self.followed.iter_mut().find(|it| Arc::ptr_eq(&it.credential, credential))?;
        let name = &credential.name;
        let ended = "the keys that were found have ended already: is this machine's clock right?";
        let answer = answer.and_then(|keys| match keys.expires {
            Some(expires) if expires <= now.unix => Err(ended.to_owned()),
            _ => Ok(keys),
        });
        let is_found = answer.is_ok();
        let news = match answer {
            Ok(keys) => {
                let news = (it.failures > 0).then(|| format!("{name}: there are keys again"));
                (it.failures, it.is_lapse_told) = (0, false);
                it.due = Some(now.at + refresh_after(keys.expires, now.unix));
                credential.set(Some(keys));
                news
            }
            Err(reason) => {
                let kept = credential.keys(now.unix);
                // Told when it begins to fail and when that begins to matter, not each time in between.
                let news = match (&kept, it.failures, it.is_lapse_told) {
                    (Some(_), 0, _) => Some(format!("{name}: {reason}; the last known keys are used until they end")),
                    (None, _, false) => {
                        Some(format!("{name}: {reason}; calls to sign with them fail until there are keys"))
                    }
                    _ => None,
                };
                if kept.is_none() {
                    it.is_lapse_told = true;
                    credential.set(None);
                }
                let doubled = CREDENTIALS_RETRY_MIN.saturating_mul(1 << it.failures.min(16));
                it.failures = it.failures.saturating_add(1);
                it.due = Some(now.at + doubled.min(CREDENTIALS_RETRY_MAX));
                news
            }
        };
        (it.is_fetching, it.is_settled) = (false, true);
        if std::mem::take(&mut it.is_stale) {
            it.due = Some(now.at);
        }
        if is_found {
            // Roles that could not be assumed without these keys.
            let waits = |it: &&mut Followed| {
                it.failures > 0 && it.base.as_ref().is_some_and(|base| Arc::ptr_eq(base, credential))
            };
            self.followed.iter_mut().filter(waits).for_each(|it| it.due = Some(now.at));
        }
        news
    }
}

impl Now {
    fn get() -> Self {
        Self { at: Instant::now(), unix: unix_now() }
    }
}

/// For people.
fn name(source: &CredentialSource) -> String {
    match source {
        CredentialSource::Chain => "the default credentials".into(),
        CredentialSource::Profile(name) => format!("the credentials of the profile {name}"),
        CredentialSource::Keys { access_key, .. } => format!("the access key {access_key}"),
        CredentialSource::Assume(role) => format!("the credentials of the role {role}"),
    }
}

fn refresh_after(expires: Option<u64>, unix: u64) -> Duration {
    let Some(expires) = expires else { return CREDENTIALS_REREAD };
    // One that ends in a thousand years must not overflow a clock.
    let left = Duration::from_secs(expires.saturating_sub(unix)).min(DURATION_LARGEST);
    let before = CREDENTIALS_REFRESH_BEFORE.min(left / CREDENTIALS_REFRESH_PART);
    (left - before).max(CREDENTIALS_RETRY_MIN)
}

#[cfg(test)]
mod tests;
