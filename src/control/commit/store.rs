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
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tokio::sync::oneshot;

use super::backup::{self, Contents, Existing};
use super::change::{Change, Key};
use super::disk::{Disk, Folder, refuse_error, refuse_row};
use super::store_error::{Lost, StoreError};
use crate::control::refusal::Refusal;
use crate::control::tell::tell;
use crate::model::api_rows::Object;
use crate::settings::limits::{
    LOG_COMPLAINT_INTERVAL, STORE_BATCH_BYTES, STORE_BATCH_CHANGES_MAX, STORE_BYTES_WAITING_MAX,
    STORE_CHANGES_WAITING_MAX, STORE_RETRY_INTERVAL,
};

/// Where changes are kept.
pub struct Store(Kind);

enum Kind {
    /// Rows are the control thread's; only blobs are here.
    Memory(Mutex<BTreeMap<Key, Box<[u8]>>>),
    Disk(Writing),
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
        let writing = Writing::start(disk, folder, revision).map_err(|error| {
            Refusal::sentence(
                "store::thread",
                format!("the store's thread cannot start: {error}"),
                "look at `ulimit -u`",
            )
        })?;
        Ok(Opened { store: Self(Kind::Disk(writing)), rows, revision })
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
            Kind::Disk(writing) => writing.waiting.room(),
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
            Kind::Disk(writing) => writing.hand_over(change, answer),
        }
        receiver
    }

    /// The revision from which on all changes are to be undone, newest first, before anything else is committed. `None`
    /// when that has been done, or when the error lost no change.
    pub fn recovered(&self, error: &StoreError) -> Option<u64> {
        let (Kind::Disk(writing), Some(lost)) = (&self.0, error.lost) else { return None };
        let news = writing.undone.fetch_max(lost.failure, Ordering::SeqCst) < lost.failure;
        if news {
            // All that waits knows less than the writer and is lost with the rest.
            locked(&writing.waiting.blobs).clear();
        }
        news.then_some(lost.since)
    }

    /// A blob as the newest change has left it, written or not.
    pub fn blob(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.0 {
            Kind::Memory(blobs) => Ok(locked(blobs).get(key).map(|bytes| bytes.to_vec())),
            Kind::Disk(writing) => {
                // First what waits: it leaves there after it has come to disk.
                let waiting = locked(&writing.waiting.blobs).get(key).map(Waiting::bytes);
                waiting.map_or_else(|| writing.disk.blob(key), Ok)
            }
        }
    }

    /// Writes all that is on disk now into one file, while changes go on. The file appears when it is whole.
    pub fn backup(&self, file: PathBuf) -> oneshot::Receiver<Result<Backup, StoreError>> {
        let (answer, receiver) = oneshot::channel();
        let Kind::Disk(writing) = &self.0 else {
            let _ = answer.send(Err(StoreError::new("nothing is kept on disk", "start Weir with --data")));
            return receiver;
        };
        writing.back_up(file, answer);
        receiver
    }

    /// Writes what still waits, and ends. False when that took longer.
    pub fn stop(self, bound: Duration) -> bool {
        match self.0 {
            Kind::Memory(_) => true,
            Kind::Disk(writing) => {
                drop(writing.orders);
                !matches!(writing.done.recv_deadline(Instant::now() + bound), Err(RecvTimeoutError::Timeout))
            }
        }
    }
}

/// The control thread's end of the writer.
struct Writing {
    disk: Arc<Disk>,
    waiting: Arc<Queue>,
    orders: Sender<Order>,
    /// Never sent to: it ends when the writer has.
    done: Receiver<()>,
    /// The newest failure whose changes were undone.
    undone: AtomicU64,
    handed_over: AtomicU64,
    backing_up: Arc<AtomicBool>,
}

/// What was handed over and not answered.
#[derive(Default)]
struct Queue {
    changes: AtomicUsize,
    bytes: AtomicUsize,
    blobs: Mutex<BTreeMap<Key, Waiting>>,
}

/// A blob that is not on disk yet.
struct Waiting {
    number: u64,
    change: Arc<Change>,
    at: usize,
}

struct Order {
    /// Of all that were ever handed over. Revisions are given again after a failure.
    number: u64,
    change: Arc<Change>,
    bytes: usize,
    /// The newest failure that the change's maker had undone.
    undone: u64,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Writing {
    /// `folder` is let go when the writer has ended.
    fn start(disk: Disk, folder: impl Send + 'static, revision: u64) -> io::Result<Self> {
        // Without a bound of its own, so that handing over never waits and never fails: `room` is the bound.
        let (orders, intake) = unbounded();
        let (running, done) = bounded(0);
        let (disk, waiting) = (Arc::new(disk), Arc::<Queue>::default());
        let mut writer = Writer {
            disk: Arc::clone(&disk),
            waiting: Arc::clone(&waiting),
            revision,
            failure: None,
            doubt: None,
            complaint: Complaint::default(),
        };
        thread::Builder::new().name("store".into()).spawn(move || {
            writer.run(&intake);
            drop((writer, folder, running));
        })?;
        let (undone, handed_over) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { disk, waiting, orders, done, undone, handed_over, backing_up: Arc::default() })
    }

    fn hand_over(&self, change: Change, answer: oneshot::Sender<Result<(), StoreError>>) {
        let number = self.handed_over.fetch_add(1, Ordering::Relaxed);
        let (bytes, change) = (bytes_of(&change), Arc::new(change));
        {
            let mut blobs = locked(&self.waiting.blobs);
            for (at, (key, _)) in change.blobs.iter().enumerate() {
                blobs.insert(key.clone(), Waiting { number, change: Arc::clone(&change), at });
            }
        }
        self.waiting.changes.fetch_add(1, Ordering::Relaxed);
        self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        let order = Order { number, change, bytes, undone: self.undone.load(Ordering::SeqCst), answer };
        if let Err(unsent) = self.orders.send(order) {
            let lost = Lost { failure: unsent.0.undone + 1, since: unsent.0.change.revision };
            let error = StoreError::new("the store's thread has ended", "start Weir again, and report this");
            let _ = unsent.0.answer.send(Err(StoreError { lost: Some(lost), ..error }));
        }
    }

    fn back_up(&self, file: PathBuf, answer: oneshot::Sender<Result<Backup, StoreError>>) {
        if self.backing_up.swap(true, Ordering::SeqCst) {
            let _ = answer.send(Err(StoreError::new("a backup is being written", "wait until it is finished")));
            return;
        }
        let (disk, backing_up) = (Arc::clone(&self.disk), Arc::clone(&self.backing_up));
        let work = move || {
            let outcome = backup::write(&disk, &file);
            drop(disk);
            backing_up.store(false, Ordering::SeqCst);
            let _ = answer.send(outcome.map(|contents| Backup { file, contents }));
        };
        if let Err(error) = thread::Builder::new().name("backup".into()).spawn(work) {
            self.backing_up.store(false, Ordering::SeqCst);
            // The answer went with the thread; whoever waits sees that nobody will give one.
            tell(format_args!("a backup cannot be started: {error}"));
        }
    }
}

impl Queue {
    fn room(&self) -> Result<(), StoreError> {
        let (changes, bytes) = (self.changes.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        if changes < STORE_CHANGES_WAITING_MAX && bytes < STORE_BYTES_WAITING_MAX {
            return Ok(());
        }
        Err(StoreError::new(
            format_args!("{changes} changes ({bytes} bytes) wait for the disk"),
            "try again: the disk is slower than the changes come",
        ))
    }

    /// They are on disk. Where a later change waits for the same key, its own stays.
    fn forget_blobs(&self, written: &[Order]) {
        let mut blobs = locked(&self.blobs);
        for order in written {
            for (key, _) in &order.change.blobs {
                if blobs.get(key).is_some_and(|waiting| waiting.number == order.number) {
                    blobs.remove(key);
                }
            }
        }
    }

    fn answer(&self, order: Order, outcome: Result<(), StoreError>) {
        self.changes.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(order.bytes, Ordering::Relaxed);
        // A client that has gone does not want to know.
        let _ = order.answer.send(outcome);
    }
}

impl Waiting {
    fn bytes(&self) -> Option<Vec<u8>> {
        self.change.blobs[self.at].1.as_ref().map(|bytes| bytes.to_vec())
    }
}

struct Writer {
    disk: Arc<Disk>,
    waiting: Arc<Queue>,
    /// Of what is on disk and acknowledged.
    revision: u64,
    /// The newest one. Whoever does not know it is refused with it.
    failure: Option<StoreError>,
    /// What takes back the batch that failed, until it is known to be gone.
    doubt: Option<Change>,
    complaint: Complaint,
}

/// What is said on standard error: the first failure and its end, not each that follows within a minute.
#[derive(Default)]
struct Complaint {
    last: Option<Instant>,
    open: bool,
}

impl Writer {
    /// Until nobody is left who could hand over a change.
    fn run(&mut self, intake: &Receiver<Order>) {
        loop {
            let first = match &self.doubt {
                None => intake.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => intake.recv_timeout(STORE_RETRY_INTERVAL),
            };
            match first {
                Ok(first) => self.take(first, intake),
                Err(RecvTimeoutError::Timeout) => drop(self.settle()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Writes one change and all that waits behind it.
    fn take(&mut self, first: Order, intake: &Receiver<Order>) {
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while batch.len() < STORE_BATCH_CHANGES_MAX
            && bytes < STORE_BATCH_BYTES
            && let Ok(order) = intake.try_recv()
        {
            bytes += order.bytes;
            batch.push(order);
        }
        if let Some(failure) = &self.failure {
            let known = failure.lost.map_or(0, |lost| lost.failure);
            let (built_on_it, sound) = batch.into_iter().partition(|order| order.undone < known);
            batch = sound;
            Vec::into_iter(built_on_it).for_each(|order| self.waiting.answer(order, Err(failure.clone())));
        }
        if batch.is_empty() {
            return;
        }
        match self.settle().and_then(|()| self.write(&batch)) {
            Ok(()) => {
                self.waiting.forget_blobs(&batch);
                self.complaint.over();
                batch.into_iter().for_each(|order| self.waiting.answer(order, Ok(())));
            }
            Err(error) => {
                let number = self.failure.as_ref().and_then(|failure| failure.lost).map_or(0, |lost| lost.failure) + 1;
                let lost = Lost { failure: number, since: batch[0].change.revision };
                let error = StoreError { lost: Some(lost), ..error };
                self.complaint.of(&error);
                self.failure = Some(error.clone());
                // So that reads go on; if it fails it is tried again.
                let _ = self.settle();
                batch.into_iter().for_each(|order| self.waiting.answer(order, Err(error.clone())));
            }
        }
    }

    fn write(&mut self, batch: &[Order]) -> Result<(), StoreError> {
        debug_assert!(batch[0].change.revision > self.revision, "a revision is given once");
        let changes: Vec<&Change> = batch.iter().map(|order| &*order.change).collect();
        let mut undo = Change { revision: self.revision, ..Change::default() };
        match self.disk.write(&changes, &mut undo) {
            Ok(()) => self.revision = batch[batch.len() - 1].change.revision,
            Err(error) => {
                self.doubt = Some(undo);
                return Err(error);
            }
        }
        Ok(())
    }

    /// After a failure: opens the file anew, and takes back what of the batch did reach the disk.
    fn settle(&mut self) -> Result<(), StoreError> {
        let Some(undo) = &self.doubt else { return Ok(()) };
        self.disk.reopen()?;
        if self.disk.revision()? != undo.revision {
            self.disk.write(&[undo], &mut Change::default())?;
        }
        self.doubt = None;
        Ok(())
    }
}

impl Complaint {
    fn of(&mut self, error: &StoreError) {
        if self.last.is_none_or(|last| last.elapsed() > LOG_COMPLAINT_INTERVAL) {
            (self.last, self.open) = (Some(Instant::now()), true);
            tell(format_args!("changes are refused: {error}"));
        }
    }

    fn over(&mut self) {
        if std::mem::take(&mut self.open) {
            tell("changes are written to disk again");
        }
    }
}

fn bytes_of(change: &Change) -> usize {
    let rows = change.rows.iter().map(|(key, text)| key.len() + text.as_ref().map_or(0, |text| text.len()));
    let blobs = change.blobs.iter().map(|(key, bytes)| key.len() + bytes.as_ref().map_or(0, |bytes| bytes.len()));
    size_of::<Order>() + rows.sum::<usize>() + blobs.sum::<usize>()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
