//! Functions by name: what there is, what is to come in its place, and how one follows the other.
//!
//! A function that is changed goes on as it was until the new version has begun, so that no call pays for a change; if it
//! cannot begin, that is told and the old one stays, as a gateway stays with what it had.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout_at};

use super::code;
use super::function::{Function, Standing};
use super::job::FunctionError;
use super::logs;
use super::shared::Shared;
use crate::settings::LocalFunction;
use crate::settings::limits::{FUNCTION_END_TIMEOUT, FUNCTION_REASON_BYTES_MAX};

pub(super) struct Registry {
    shared: Arc<Shared>,
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    current: Found,
    /// What takes its place when it has begun.
    next: Option<Arc<Function>>,
    /// Why the newest code could not be taken.
    refused: Option<String>,
}

/// What there is under a name.
#[derive(Clone)]
pub(super) enum Found {
    Function(Arc<Function>),
    /// Its code could not be read.
    Broken(Arc<str>),
}

/// A function that cannot begin, and why, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmFailure {
    pub function: String,
    pub reason: String,
}

impl Registry {
    pub(super) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared, entries: Mutex::default() })
    }

    pub(super) fn find(&self, name: &str) -> Option<Found> {
        self.entries().get(name).map(|entry| entry.current.clone())
    }

    /// Ends what is none of `functions`.
    pub(super) fn keep_only(&self, functions: &[Arc<LocalFunction>]) {
        let gone: Vec<Entry> = {
            let mut entries = self.entries();
            let kept = |name: &str| functions.iter().any(|function| function.name == name);
            let names: Vec<String> = entries.keys().filter(|name| !kept(name)).cloned().collect();
            names.iter().filter_map(|name| entries.remove(name)).collect()
        };
        gone.iter().for_each(Entry::retire);
    }

    /// Copies a function's code, and has it begin.
    pub(super) async fn take(self: &Arc<Self>, settings: Arc<LocalFunction>) {
        let known = self.entries().get(&settings.name).and_then(|entry| entry.newest().cloned());
        let into = self.shared.folder.path().join(format!("code-{}", self.shared.next_id()));
        let (told, to) = (Arc::clone(&settings), into.clone());
        // The number comes before the copy: what changes in between is seen the next time.
        let copied = spawn_blocking(move || {
            logs::check(&told.log)?;
            let fingerprint = code::fingerprint(&told.code)?;
            let same = known.filter(|known| *known.settings == *told && known.fingerprint == fingerprint);
            if same.is_none() {
                code::copy(&told.code, &to)?;
            }
            Ok::<_, String>((fingerprint, same))
        });
        let outcome = copied.await.unwrap_or_else(|error| Err(format!("its code could not be copied: {error}")));
        match outcome {
            Ok((_, Some(same))) => self.keep(&settings.name, &same),
            Ok((fingerprint, None)) => {
                let function = Function::new(settings, fingerprint, into, Arc::clone(&self.shared));
                function.warm_up();
                self.put(function);
            }
            Err(reason) => self.refuse(&settings.name, reason),
        }
    }

    /// It is as it was, after all.
    fn keep(&self, name: &str, same: &Arc<Function>) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(name) else { return };
        entry.refused = None;
        if entry.next.as_ref().is_some_and(|next| !Arc::ptr_eq(next, same)) {
            entry.next.take().inspect(|next| next.retire());
        }
    }

    fn put(self: &Arc<Self>, function: Arc<Function>) {
        let name = function.settings.name.clone();
        let mut entries = self.entries();
        match entries.get_mut(&name) {
            Some(entry) if matches!(entry.current, Found::Function(_)) => {
                entry.refused = None;
                if let Some(before) = entry.next.replace(Arc::clone(&function)) {
                    before.retire();
                }
                drop(entries);
                tokio::spawn(Arc::clone(self).follow(function));
            }
            _ => {
                let entry = Entry { current: Found::Function(function), next: None, refused: None };
                entries.insert(name, entry);
            }
        }
    }

    /// Waits until `function` has begun, and puts it in the place of the one before.
    async fn follow(self: Arc<Self>, function: Arc<Function>) {
        let mut standing = function.standing();
        let begun = standing.wait_for(|standing| matches!(standing, Standing::Ready | Standing::Gone)).await;
        if !begun.is_ok_and(|standing| *standing == Standing::Ready) {
            return;
        }
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&function.settings.name) else { return };
        if entry.next.as_ref().is_some_and(|next| Arc::ptr_eq(next, &function)) {
            entry.next = None;
            let before = std::mem::replace(&mut entry.current, Found::Function(function));
            if let Found::Function(before) = before {
                before.retire();
            }
        }
    }

    fn refuse(&self, name: &str, reason: String) {
        let mut entries = self.entries();
        let broken = || Entry { current: Found::Broken(reason.as_str().into()), next: None, refused: None };
        let entry = entries.entry(name.to_owned()).or_insert_with(broken);
        if matches!(entry.current, Found::Broken(_)) {
            entry.current = Found::Broken(reason.as_str().into());
        }
        entry.refused = Some(reason);
    }

    /// Waits until every function has begun or failed, but not beyond `deadline`, which was `bound` away; answers those
    /// that have not begun.
    pub(super) async fn warm(&self, deadline: Instant, bound: Duration) -> Vec<WarmFailure> {
        let mut failures = Vec::new();
        let newest: Vec<(String, Result<Arc<Function>, String>)> = {
            let entries = self.entries();
            let of = |entry: &Entry| match (&entry.refused, entry.newest()) {
                (Some(reason), _) => Err(reason.clone()),
                (None, Some(function)) => Ok(Arc::clone(function)),
                (None, None) => Err("its code could not be taken".into()),
            };
            entries.iter().map(|(name, entry)| (name.clone(), of(entry))).collect()
        };
        for (function, newest) in newest {
            let reason = match newest {
                Err(reason) => reason,
                Ok(newest) => {
                    let mut standing = newest.standing();
                    let settled = standing.wait_for(|standing| *standing != Standing::Starting);
                    match timeout_at(deadline, settled).await {
                        Ok(Ok(standing)) => match &*standing {
                            Standing::Failed(error) => words(error),
                            _ => continue,
                        },
                        Ok(Err(_)) => continue,
                        Err(_) => format!("it has not begun within {} s", bound.as_secs()),
                    }
                }
            };
            failures.push(WarmFailure { function, reason: shown(&reason) });
        }
        failures
    }

    /// Lets what is under way end, then ends what has not.
    pub(super) async fn stop(&self, grace: Duration) {
        let gone: Vec<Entry> = self.entries().drain().map(|(_, entry)| entry).collect();
        gone.iter().for_each(Entry::retire);
        self.until_none(grace).await;
        gone.iter().flat_map(Entry::functions).for_each(|function| function.stop());
        self.until_none(FUNCTION_END_TIMEOUT * 2).await;
    }

    async fn until_none(&self, bound: Duration) {
        let deadline = Instant::now() + bound;
        while self.shared.counters.processes.load(Relaxed) > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn newest(&self) -> Option<&Arc<Function>> {
        self.functions().next()
    }

    fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        let current = match &self.current {
            Found::Function(function) => Some(function),
            Found::Broken(_) => None,
        };
        self.next.iter().chain(current)
    }

    fn retire(&self) {
        self.functions().for_each(|function| function.retire());
    }
}

/// `errorType: errorMessage`, and where it happened.
fn words(error: &FunctionError) -> String {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&error.body).unwrap_or_default();
    let text = |name: &str| object.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let mut words = format!("{}: {}", text("errorType"), text("errorMessage"));
    for line in object.get("stackTrace").and_then(|trace| trace.as_array()).into_iter().flatten().take(20) {
        words.push_str("\n  ");
        words.push_str(line.as_str().unwrap_or_default().trim_end());
    }
    words
}

/// What comes from a function is shown to people: bounded, and without what a terminal would obey.
fn shown(reason: &str) -> String {
    let end = reason.floor_char_boundary(FUNCTION_REASON_BYTES_MAX);
    let plain = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { '?' } else { c };
    let cut = if end < reason.len() { "…" } else { "" };
    reason[..end].chars().map(plain).chain(cut.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_bounded_and_obeyed_by_no_terminal() {
        assert_eq!(shown("a\tb\nc"), "a\tb\nc");
        assert_eq!(shown("\u{1b}[2J\r\u{9b}é"), "?[2J??é");
        let long = "é".repeat(FUNCTION_REASON_BYTES_MAX);
        assert_eq!(shown(&long), format!("{}…", "é".repeat(FUNCTION_REASON_BYTES_MAX / 2)));
    }
}
