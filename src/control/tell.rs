//! One line for the operator.

use std::fmt::Display;
use std::io::{self, Write};

/// Onto standard error; one that is gone is no reason to stop.
pub(crate) fn tell(message: impl Display) {
    let _ = writeln!(io::stderr(), "weir: {message}");
}
