//! Definitions in, snapshots out: one side thread with a tokio runtime of its own.

pub mod log_writer;
#[cfg(test)]
mod scratch;
