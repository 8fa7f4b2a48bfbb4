//! How a core hands gathered log lines to the writer's thread: by value, never waiting.

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};

/// Lines that a core gathered, each ended by a line feed.
#[derive(Debug)]
pub struct Batch {
    pub bytes: Vec<u8>,
    pub lines: u32,
}

/// A core's end.
#[derive(Clone, Debug)]
pub struct LogPort {
    send: Sender<Batch>,
    empties: Receiver<Vec<u8>>,
    capacity: usize,
}

/// The writer's end.
#[derive(Debug)]
pub struct LogIntake {
    pub batches: Receiver<Batch>,
    empties: Sender<Vec<u8>>,
    capacity: usize,
}

/// Both ends, with room for `batches_max` that wait; a buffer has `capacity` bytes.
pub fn log_port(batches_max: usize, capacity: usize) -> (LogPort, LogIntake) {
    let (send, batches) = bounded(batches_max);
    let (give, empties) = bounded(batches_max);
    (LogPort { send, empties, capacity }, LogIntake { batches, empties: give, capacity })
}

impl LogPort {
    /// An empty buffer to begin with.
    pub fn empty(&self) -> Vec<u8> {
        self.empties.try_recv().unwrap_or_else(|_| Vec::with_capacity(self.capacity))
    }

    /// Hands `batch` over and answers an empty buffer to go on with; or gives it back where the writer is behind.
    pub fn hand_over(&self, batch: Vec<u8>, lines: u32) -> Result<Vec<u8>, Vec<u8>> {
        match self.send.try_send(Batch { bytes: batch, lines }) {
            Ok(()) => Ok(self.empty()),
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => Err(batch.bytes),
        }
    }
}

impl LogIntake {
    /// Gives a written buffer back to the cores, unless one long line made it large.
    pub fn give_back(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= self.capacity * 2 {
            buffer.clear();
            // Where enough are waiting this one is freed.
            let _ = self.empties.try_send(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_channel_gives_the_batch_back() {
        let (port, intake) = log_port(1, 16);
        assert_eq!(port.hand_over(b"a\n".to_vec(), 1), Ok(vec![]));
        assert_eq!(port.hand_over(b"b\n".to_vec(), 1), Err(b"b\n".to_vec()));
        let batch = intake.batches.try_recv().expect("one waits");
        assert_eq!((batch.bytes.as_slice(), batch.lines), (b"a\n".as_slice(), 1));
    }

    #[test]
    fn buffers_come_back_unless_they_grew() {
        let (port, intake) = log_port(2, 16);
        let small = Vec::with_capacity(16);
        let address = small.as_ptr();
        intake.give_back(small);
        let reused = port.empty();
        assert_eq!(reused.as_ptr(), address);
        intake.give_back(Vec::with_capacity(1000));
        assert!(port.empty().capacity() < 1000);
    }

    #[test]
    fn a_writer_that_is_gone_takes_nothing() {
        let (port, intake) = log_port(2, 16);
        drop(intake);
        assert_eq!(port.hand_over(b"a\n".to_vec(), 1), Err(b"a\n".to_vec()));
    }
}
