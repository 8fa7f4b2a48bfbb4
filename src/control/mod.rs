//! Definitions in, snapshots out: one side thread with a tokio runtime of its own.

use std::fmt::Display;
use std::io::Write;

pub mod admin;
pub mod fetch;
pub mod log_writer;
#[cfg(test)]
mod scratch;
pub mod signals;

/// One line for the operator. A standard error that is gone is no reason to stop.
pub(crate) fn tell(message: impl Display) {
    let _ = writeln!(std::io::stderr(), "weir: {message}");
}
