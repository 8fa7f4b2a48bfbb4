//! One core's log lines, gathered and handed over in batches.

use crate::settings::limits::LOG_BATCH_BYTES;
use crate::telemetry::counters::CoreCounters;
use crate::telemetry::log_port::LogPort;
use crate::telemetry::names::Event;

/// Lines wait here until there are many of them, or until the core's next tick.
pub struct Sink {
    port: LogPort,
    batch: Vec<u8>,
    lines: u32,
}

impl Sink {
    pub fn new(port: LogPort) -> Self {
        Self { batch: port.empty(), port, lines: 0 }
    }

    /// Appends the line that `write` makes.
    #[inline]
    pub fn line(&mut self, counters: &CoreCounters, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.batch);
        self.lines += 1;
        if self.batch.len() >= LOG_BATCH_BYTES * 3 / 4 {
            self.hand_over(counters);
        }
    }

    /// Hands over what has been gathered. Where the writer cannot keep up, the lines are dropped and counted:
    /// requests never wait for a log.
    pub fn hand_over(&mut self, counters: &CoreCounters) {
        if self.lines == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        match self.port.hand_over(std::mem::take(&mut self.batch), lines) {
            Ok(empty) => {
                counters.event_many(Event::AccessLogLine, u64::from(lines));
                self.batch = empty;
            }
            Err(mut full) => {
                counters.event_many(Event::AccessLogDropped, u64::from(lines));
                full.clear();
                self.batch = full;
            }
        }
    }
}
