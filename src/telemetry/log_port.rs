//! Where a core hands its log lines over, and gets empty batches back for the next ones.

use crossbeam::channel::{Receiver, Sender};

/// Lines that a core gathered.
pub struct Batch {
    pub bytes: Vec<u8>,
    pub lines: u32,
}

/// A core's end of the way to the log's writer. Never waits.
#[derive(Clone)]
pub struct LogPort {
    pub batches: Sender<Batch>,
    pub empties: Receiver<Vec<u8>>,
}

impl LogPort {
    /// Hands a batch over and answers an empty one to go on with; gives it back where too many wait already.
    pub fn hand_over(&self, bytes: Vec<u8>, lines: u32) -> Result<Vec<u8>, Vec<u8>> {
        match self.batches.try_send(Batch { bytes, lines }) {
            Ok(()) => Ok(self.empties.try_recv().unwrap_or_default()),
            Err(refused) => Err(refused.into_inner().bytes),
        }
    }
}
