//! The store's thread: it writes what waits in groups, and refuses what was built on a change that failed. Why that is
//! exact stands in `store.rs`.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tokio::sync::oneshot;

use super::change::{Change, Key};
use super::disk::Disk;
use super::store_error::{Lost, StoreError};
use crate::control::tell::tell;
use crate::settings::limits::{
    LOG_COMPLAINT_INTERVAL, STORE_BATCH_BYTES, STORE_BATCH_CHANGES_MAX, STORE_BYTES_WAITING_MAX,
    STORE_CHANGES_WAITING_MAX, STORE_RETRY_INTERVAL,
};

/// The control thread's end of the writer.
pub struct Writing {
    waiting: Arc<Queue>,
    orders: Sender<Order>,
    /// Never sent to: it ends when the writer has.
    done: Receiver<()>,
    /// The newest failure whose changes were undone.
    undone: AtomicU64,
    handed_over: AtomicU64,
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
    pub fn start(disk: Arc<Disk>, folder: impl Send + 'static, revision: u64) -> io::Result<Self> {
        // Without a bound of its own, so that handing over never waits and never fails: `room` is the bound.
        let (orders, intake) = unbounded();
        let (running, done) = bounded(0);
        let waiting = Arc::<Queue>::default();
        let mut writer = Writer {
            disk,
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
        Ok(Self { waiting, orders, done, undone, handed_over })
    }

    /// Never waits, and refuses nothing while the writer lives.
    pub fn hand_over(&self, change: Change, answer: oneshot::Sender<Result<(), StoreError>>) {
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

    /// See [`Store::room`](super::store::Store::room).
    pub fn room(&self) -> Result<(), StoreError> {
        self.waiting.room()
    }

    /// Are these news? Then everything that waits is lost with them.
    pub fn recovered(&self, lost: Lost) -> bool {
        let news = self.undone.fetch_max(lost.failure, Ordering::SeqCst) < lost.failure;
        if news {
            locked(&self.waiting.blobs).clear();
        }
        news
    }

    /// A blob that waits: its bytes, or `None` where it is to be deleted.
    pub fn waiting_blob(&self, key: &str) -> Option<Option<Vec<u8>>> {
        locked(&self.waiting.blobs).get(key).map(Waiting::bytes)
    }

    /// Nothing waits for the disk.
    pub fn is_idle(&self) -> bool {
        let Queue { changes, bytes, blobs } = &*self.waiting;
        changes.load(Ordering::Relaxed) == 0 && bytes.load(Ordering::Relaxed) == 0 && locked(blobs).is_empty()
    }

    /// Writes what still waits, and ends. False when that took longer.
    pub fn stop(self, bound: Duration) -> bool {
        drop(self.orders);
        !matches!(self.done.recv_timeout(bound), Err(RecvTimeoutError::Timeout))
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

/// A panic while it was held left nothing half: each holder makes one step.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_is_far_behind_says_so() {
        let queue = Queue::default();
        assert!(queue.room().is_ok());
        queue.bytes.store(STORE_BYTES_WAITING_MAX, Ordering::Relaxed);
        assert!(queue.room().is_err());
        queue.bytes.store(0, Ordering::Relaxed);
        queue.changes.store(STORE_CHANGES_WAITING_MAX, Ordering::Relaxed);
        assert!(queue.room().is_err());
    }
}
