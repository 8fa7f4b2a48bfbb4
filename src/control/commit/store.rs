//! Changes to disk, in a thread of its own: what waits is written as one transaction, and then all of it acknowledged.
//!
//! # What the control thread does
//!
//! ```text
//! room()?                          before a command touches anything: the writer may be far behind
//! change = draft.finish(revision)
//! unsettled.keep(revision, definitions.apply(&change))       memory is ahead of the disk from here
//! answer = commit(change)                                    never waits
//! answer.await
//!   Ok(Ok(()))     it is on disk, and so is every earlier one: unsettled.settle(revision); compile, publish, answer 2xx
//!   Ok(Err(lost))  if let Some(since) = recovered(&lost) { unsettled.undo(since, &mut definitions) }; answer 500
//!   Err(_)         the writer has died of a mistake of ours: end the process, the next start reads what is on disk
//! ```
//!
//! # Why this undoes exactly what is lost
//!
//! Changes are written in their order, and a change may be built on every one before it. So when a batch fails, all of it
//! fails, and so does everything that was handed over before the control thread knew: each change carries the number of
//! the newest failure that its caller had undone ([`Store::recovered`]), and the writer refuses one that knows less than
//! itself. All of these have the same [`Lost`]: its `since` is the first revision that is not on disk, and
//! everything before it was written. The first of the answers that the control thread looks at has it undo
//! everything from there, newest first, and without waiting in between; the other answers say nothing new, and
//! `recovered` answers `None`. Changes after that are built on what is on disk, and are taken: a full disk costs the
//! changes that met it, and no restart. Revisions that were undone are given again.
//!
//! After an error nobody knows whether the transaction reached the disk. The writer opens the file anew, looks,
//! and takes back what did (`settle`), before anything else is written. If the process dies before that, a change whose
//! client was told of a failure may be there at the next start, whole: as with any database, an error says "not
//! acknowledged".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::backup::{self, Contents, Existing};
use super::change::{Change, Key};
use super::disk::{Disk, refuse_error, refuse_row};
use super::folder::Folder;
use super::store_error::StoreError;
use super::writer::{Writing, locked};
use crate::control::refusal::Refusal;
use crate::control::tell::tell;
use crate::model::api_rows::Object;

/// Where changes are kept.
pub struct Store(Kind);

enum Kind {
    /// Rows are the control thread's; only blobs are here.
    Memory(Mutex<BTreeMap<Key, Box<[u8]>>>),
    Disk {
        disk: Arc<Disk>,
        writing: Writing,
        backing_up: Arc<AtomicBool>,
    },
}

/// A store and what was in it.
pub struct Opened {
    pub store: Store,
    /// In key order; each a JSON object.
    pub rows: Vec<(Key, Box<str>)>,
    pub revision: u64,
}

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    pub file: PathBuf,
    pub contents: Contents,
}

impl Store {
    /// Acknowledges at once and keeps nothing beyond the process: for `weir run`.
    pub fn memory() -> Self {
        Self(Kind::Memory(Mutex::default()))
    }

    /// Opens the store of a folder, or makes one. No other process has it meanwhile.
    pub fn open(folder: &Path) -> Result<Opened, Refusal> {
        let folder = Folder::take(folder)?;
        let file = folder.file();
        if !file.exists() {
            folder.replace(|_| Ok(()))?;
        }
        let disk = Disk::open(&file)?;
        let mut rows = Vec::new();
        let mut damaged = None;
        let snapshot = disk.snapshot().map_err(|error| refuse_error(&file, error))?;
        let read = snapshot.each_row(|key, text| {
            if let Err(error) = serde_json::from_str::<Object>(text) {
                damaged.get_or_insert_with(|| refuse_row(&file, key, &error));
            }
            rows.push((key.into(), text.into()));
            Ok(())
        });
        let revision = read.and_then(|()| snapshot.revision()).map_err(|error| refuse_error(&file, error))?;
        drop(snapshot);
        if let Some(refusal) = damaged {
            return Err(refusal);
        }
        Ok(Opened { store: Self::on(disk, folder, revision)?, rows, revision })
    }

    /// `folder` is let go when the last change is on disk.
    fn on(disk: Disk, folder: impl Send + 'static, revision: u64) -> Result<Self, Refusal> {
        let disk = Arc::new(disk);
        let writing = Writing::start(Arc::clone(&disk), folder, revision).map_err(|error| {
            let found = format!("the store's thread cannot start: {error}");
            Refusal::sentence("store::thread", found, "look at `ulimit -u`")
        })?;
        Ok(Self(Kind::Disk { disk, writing, backing_up: Arc::default() }))
    }

    /// Makes the store of a folder from a backup, while no Weir runs there.
    pub fn restore(folder: &Path, file: &Path, existing: Existing) -> Result<Contents, Refusal> {
        backup::restore(folder, file, existing)
    }

    /// May one more change come? To be asked before memory is touched; [`commit`](Self::commit) itself refuses nothing,
    /// since by then others may have been built on the change.
    pub fn room(&self) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Memory(_) => Ok(()),
            Kind::Disk { writing, .. } => writing.room(),
        }
    }

    /// Hands a change over, and answers when it is on disk. Never waits. Revisions rise.
    pub fn commit(&self, change: Change) -> oneshot::Receiver<Result<(), StoreError>> {
        let (answer, receiver) = oneshot::channel();
        match &self.0 {
            Kind::Memory(blobs) => {
                let mut blobs = locked(blobs);
                for (key, bytes) in change.blobs {
                    match bytes {
                        Some(bytes) => drop(blobs.insert(key, bytes)),
                        None => drop(blobs.remove(&key)),
                    }
                }
                let _ = answer.send(Ok(()));
            }
            Kind::Disk { writing, .. } => writing.hand_over(change, answer),
        }
        receiver
    }

    /// The revision from which on all changes are to be undone, newest first, before anything else is committed. `None`
    /// when that has been done, or when the error lost no change.
    pub fn recovered(&self, error: &StoreError) -> Option<u64> {
        let (Kind::Disk { writing, .. }, Some(lost)) = (&self.0, error.lost) else { return None };
        writing.recovered(lost).then_some(lost.since)
    }

    /// A blob as the newest change has left it, written or not.
    pub fn blob(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            Kind::Memory(blobs) => Ok(locked(blobs).get(key).map(|bytes| bytes.to_vec())),
            // First what waits: it leaves there after it has come to disk.
            Kind::Disk { disk, writing, .. } => writing.waiting_blob(key).map_or_else(|| disk.blob(key), Ok),
        }
    }

    /// Writes all that is on disk now into one file, while changes go on. The file appears when it is whole.
    pub fn backup(&self, file: PathBuf) -> oneshot::Receiver<Result<Backup, StoreError>> {
        let (answer, receiver) = oneshot::channel();
        let Kind::Disk { disk, backing_up, .. } = &self.0 else {
            let _ = answer.send(Err(StoreError::new("nothing is kept on disk", "start Weir with --data")));
            return receiver;
        };
        if backing_up.swap(true, Ordering::SeqCst) {
            let _ = answer.send(Err(StoreError::new("a backup is being written", "wait until it is finished")));
            return receiver;
        }
        let (disk, backing_up) = (Arc::clone(disk), Arc::clone(backing_up));
        let done = Arc::clone(&backing_up);
        let work = move || {
            let outcome = backup::write(&disk, &file);
            drop(disk);
            done.store(false, Ordering::SeqCst);
            let _ = answer.send(outcome.map(|contents| Backup { file, contents }));
        };
        if let Err(error) = thread::Builder::new().name("backup".into()).spawn(work) {
            backing_up.store(false, Ordering::SeqCst);
            // The answer went with the thread; whoever waits sees that nobody will give one.
            tell(format_args!("a backup cannot be started: {error}"));
        }
        receiver
    }

    /// Writes what still waits, and ends. False when that took longer.
    pub fn stop(self, bound: Duration) -> bool {
        match self.0 {
            Kind::Memory(_) => true,
            Kind::Disk { writing, .. } => writing.stop(bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fs;

    use serde_json::json;

    use super::super::definitions::Definitions;
    use super::super::disk::faulty::Medium;
    use super::super::store_error::Lost;
    use super::super::unsettled::Unsettled;
    use super::*;
    use crate::control::scratch::Scratch;

    const BOUND: Duration = Duration::from_secs(20);

    fn change(revision: u64, key: &str, text: &str) -> Change {
        Change { revision, rows: vec![(key.into(), Some(text.into()))], blobs: Vec::new() }
    }

    fn open(scratch: &Scratch) -> Opened {
        Store::open(&scratch.path("data")).expect("opens")
    }

    fn on(medium: &Medium) -> Store {
        Store::on(medium.disk().expect("made"), (), 0).expect("started")
    }

    #[test]
    fn what_was_acknowledged_is_there_at_the_next_start() {
        let scratch = Scratch::new("store");
        let opened = open(&scratch);
        assert_eq!((opened.rows, opened.revision), (Vec::new(), 0));
        let answers: Vec<_> = (1..=50)
            .map(|revision| {
                let mut change = change(revision, &format!("k{:02}", revision % 20), r#"{"a":1}"#);
                change.rows.push(("k00".into(), None));
                change.blobs.push(("b".into(), Some(vec![revision as u8; 10_000].into())));
                opened.store.commit(change)
            })
            .collect();
        assert_eq!(opened.store.blob("b").expect("readable"), Some(vec![50; 10_000]), "seen before it is written");
        for answer in answers {
            assert_eq!(answer.blocking_recv(), Ok(Ok(())));
        }
        assert_eq!(opened.store.blob("b").expect("readable"), Some(vec![50; 10_000]));
        assert!(opened.store.stop(BOUND));

        let opened = open(&scratch);
        let keys: Vec<_> = opened.rows.iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(keys, (1..20).map(|n| format!("k{n:02}")).collect::<Vec<_>>());
        assert_eq!((opened.revision, opened.store.blob("b")), (50, Ok(Some(vec![50; 10_000]))));
        assert_eq!(opened.store.blob("none"), Ok(None));
        assert!(opened.store.stop(BOUND));
    }

    #[test]
    fn memory_acknowledges_at_once_and_keeps_blobs() {
        let store = Store::memory();
        let put = Change { revision: 1, rows: Vec::new(), blobs: vec![("b".into(), Some(Box::from(*b"x")))] };
        assert_eq!(store.commit(put).try_recv(), Ok(Ok(())));
        assert_eq!(store.blob("b"), Ok(Some(b"x".to_vec())));
        let delete = Change { revision: 2, rows: Vec::new(), blobs: vec![("b".into(), None)] };
        assert_eq!(store.commit(delete).try_recv(), Ok(Ok(())));
        assert_eq!(store.blob("b"), Ok(None));
        assert!(store.stop(BOUND));
    }

    #[test]
    fn a_row_that_is_no_object_is_named() {
        let scratch = Scratch::new("row");
        let store = open(&scratch).store;
        assert_eq!(store.commit(change(1, "restapis/a", "[1]")).blocking_recv(), Ok(Ok(())));
        assert!(store.stop(BOUND));
        let refusal = Store::open(&scratch.path("data")).err().expect("refused");
        assert!(refusal.problems[0].found.contains("`restapis/a`"), "{}", refusal.problems[0].found);
    }

    #[test]
    fn a_failure_costs_what_met_it_and_the_store_goes_on() {
        let medium = Medium::new(7);
        let store = on(&medium);
        assert_eq!(store.commit(change(1, "a", "{}")).blocking_recv(), Ok(Ok(())));
        medium.fail_after(0);
        let mut second = change(2, "a", r#"{"n":2}"#);
        second.blobs.push(("b".into(), Some(Box::from(*b"x"))));
        let answers = [store.commit(second), store.commit(change(3, "a", r#"{"n":3}"#))];
        let [second, third] = answers.map(|answer| answer.blocking_recv().expect("an answer").expect_err("lost"));
        assert!(second.found.contains("cannot be written to disk") && second.help.contains("make room"), "{second}");
        assert_eq!((second.lost, third.lost), (Some(Lost { failure: 1, since: 2 }), second.lost));
        assert_eq!(store.blob("b").expect("as memory has it"), Some(b"x".to_vec()));
        assert_eq!((store.recovered(&third), store.recovered(&second)), (Some(2), None));
        medium.heal();
        assert_eq!(store.commit(change(2, "c", "{}")).blocking_recv(), Ok(Ok(())));
        assert_eq!(store.blob("b"), Ok(None));
        assert_eq!(keys(&store), ["a", "c"]);
        assert!(store.stop(BOUND));
    }

    #[test]
    fn what_failed_is_gone_at_whichever_step_it_did() {
        let mut failures = 0;
        for steps in 0..40 {
            let medium = Medium::new(steps.into());
            let store = on(&medium);
            assert_eq!(store.commit(change(1, "a", "{}")).blocking_recv(), Ok(Ok(())));
            medium.fail_after(steps);
            // Among the steps is the last sync, whose failure leaves a change that is whole and not acknowledged.
            let Err(error) = store.commit(change(2, "b", "{}")).blocking_recv().expect("an answer") else { continue };
            failures += 1;
            assert_eq!(store.recovered(&error), Some(2));
            medium.heal();
            assert_eq!(store.commit(change(2, "c", "{}")).blocking_recv(), Ok(Ok(())));
            assert_eq!(keys(&store), ["a", "c"], "failed after {steps} steps");
            assert!(store.stop(BOUND));
        }
        assert!((5..40).contains(&failures), "{failures} steps");
    }

    fn keys(store: &Store) -> Vec<String> {
        on_disk(store).below("").map(|(key, _)| key.to_string()).collect()
    }

    fn on_disk(store: &Store) -> Definitions {
        let Kind::Disk { disk, .. } = &store.0 else { panic!("on disk") };
        let mut rows = Vec::new();
        let each = |key: &str, text: &str| {
            rows.push((key.into(), text.into()));
            Ok(())
        };
        disk.snapshot().expect("a snapshot").each_row(each).expect("readable");
        Definitions::new(rows, disk.revision().expect("readable"))
    }

    /// A control thread whose disk fails and heals at any moment: at the end memory and disk are the same.
    #[test]
    fn memory_and_disk_agree_whatever_fails() {
        let mut lost_in_all = 0;
        for seed in 0..20 {
            let medium = Medium::new(seed);
            let store = on(&medium);
            let (mut definitions, mut unsettled) = (Definitions::default(), Unsettled::default());
            let mut waiting: VecDeque<(u64, oneshot::Receiver<_>)> = VecDeque::new();
            for step in 0..400 {
                match medium.random(12) {
                    0 => medium.fail_after(medium.random(40) as u32),
                    1 | 2 => medium.heal(),
                    3..7 => {
                        // Answers are looked at in any order, as tasks are.
                        let at = medium.random(waiting.len().max(1) as u64) as usize;
                        let Some((revision, answer)) = waiting.remove(at) else { continue };
                        match answer.blocking_recv().expect("an answer") {
                            Ok(()) => unsettled.settle(revision),
                            Err(error) => {
                                lost_in_all += 1;
                                if let Some(since) = store.recovered(&error) {
                                    unsettled.undo(since, &mut definitions);
                                }
                            }
                        }
                    }
                    _ => {
                        let revision = definitions.revision() + 1;
                        let mut draft = definitions.draft();
                        for _ in 0..=medium.random(4) {
                            let key = format!("k{}", medium.random(20));
                            if medium.random(3) == 0 {
                                draft.delete(&key);
                            } else {
                                draft.put(key, json!({ "step": step }).as_object().expect("an object"));
                            }
                        }
                        draft.put_blob("b", step.to_string().into_bytes());
                        let change = draft.finish(revision);
                        unsettled.keep(revision, definitions.apply(&change));
                        waiting.push_back((revision, store.commit(change)));
                    }
                }
            }
            medium.heal();
            for (revision, answer) in waiting {
                match answer.blocking_recv().expect("an answer") {
                    Ok(()) => unsettled.settle(revision),
                    Err(error) => {
                        store.recovered(&error).map(|since| unsettled.undo(since, &mut definitions));
                    }
                }
            }
            let last = change(definitions.revision() + 1, "last", "{}");
            definitions.apply(&last);
            assert_eq!(store.commit(last).blocking_recv(), Ok(Ok(())), "seed {seed}");
            assert_eq!(on_disk(&store), definitions, "seed {seed}");
            let Kind::Disk { writing, .. } = &store.0 else { panic!("on disk") };
            assert!(unsettled.is_empty() && writing.is_idle(), "seed {seed}");
            assert!(store.stop(BOUND));
        }
        assert!(lost_in_all > 50, "only {lost_in_all} changes were lost");
    }

    #[test]
    fn a_backup_is_restored_as_it_was() {
        let scratch = Scratch::new("backup");
        let store = open(&scratch).store;
        let odd = r#"{"z":1,"a":{"number":1e400,"text":"ü\n\u0000"},"large":18446744073709551616}"#;
        let odd = odd.replace("1e400", "0.1");
        for revision in 1..=30 {
            let mut change = change(revision, &format!("k/{revision}"), &odd);
            change.blobs.push((format!("b/{revision}").into(), Some(vec![revision as u8; 1 << 17].into())));
            assert_eq!(store.commit(change).blocking_recv(), Ok(Ok(())));
        }
        let file = scratch.path("weir.backup");
        let backup = store.backup(file.clone());
        // Others go on meanwhile.
        for revision in 31..=60 {
            assert_eq!(store.commit(change(revision, "later", "{}")).blocking_recv(), Ok(Ok(())));
        }
        let backup = backup.blocking_recv().expect("an answer").expect("written");
        let contents = backup.contents;
        assert!(contents.revision >= 30 && contents.blobs == 30, "{contents:?}");
        assert_eq!(contents.rows, 30 + u64::from(contents.revision > 30));
        assert!(store.stop(BOUND));

        let restore = |to: &str, from: &Path, existing| Store::restore(&scratch.path(to), from, existing);
        assert_eq!(restore("other", &file, Existing::Keep).expect("restored"), contents);
        let opened = Store::open(&scratch.path("other")).expect("opens");
        assert_eq!((opened.revision, opened.rows.len() as u64), (contents.revision, contents.rows));
        assert_eq!(&*opened.rows[0].1, odd);
        assert_eq!(opened.store.blob("b/30"), Ok(Some(vec![30; 1 << 17])));
        let held = restore("other", &file, Existing::Replace).expect_err("a running Weir's");
        assert_eq!(held.problems[0].code, "store::locked");
        assert!(opened.store.stop(BOUND));

        assert_eq!(restore("data", &file, Existing::Keep).expect_err("there").problems[0].code, "store::restore");
        restore("data", &file, Existing::Replace).expect("replaced");
        let opened = open(&scratch);
        assert_eq!(opened.revision, contents.revision);
        assert!(opened.store.stop(BOUND) && scratch.path("data").join("weir.redb.replaced").exists());
    }

    #[test]
    fn a_backup_that_is_not_as_it_was_written_is_refused() {
        let scratch = Scratch::new("damaged-backup");
        let store = open(&scratch).store;
        let mut one = change(1, "k", r#"{"name":"pets"}"#);
        one.blobs.push(("b".into(), Some(Box::from(*b"blob"))));
        assert_eq!(store.commit(one).blocking_recv(), Ok(Ok(())));
        let file = scratch.path("weir.backup");
        store.backup(file.clone()).blocking_recv().expect("an answer").expect("written");
        assert!(store.stop(BOUND));
        let text = fs::read_to_string(&file).expect("readable");
        assert_eq!(text.lines().nth(1), Some(r#"{"key":"k","row":{"name":"pets"}}"#));
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for damaged in [
            String::new(),
            "weir".into(),
            text.replace("pets", "cats"),
            text.replace("{\"name\":\"pets\"}", "[1]"),
            text.replace("\"weirBackup\":1", "\"weirBackup\":2"),
            text.replace("\"schema\":1", "\"schema\":2"),
            text.replace("\"revision\":1", "\"revision\":9"),
            lines[..3].concat(),
            [lines[0], lines[1], lines[3]].concat(),
            format!("{text}{}", lines[1]),
            text[..text.len() - 20].to_owned(),
        ] {
            fs::write(&file, &damaged).expect("written");
            let refused = Store::restore(&scratch.path("new"), &file, Existing::Keep).expect_err(&damaged);
            assert_eq!(refused.problems[0].code, "store::backup", "{damaged}");
            assert!(!scratch.path("new").exists(), "{damaged}");
        }
    }
}
