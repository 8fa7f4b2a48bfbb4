//! `weir serve`: as `weir run`, with definitions that the management API keeps in a data folder.

use std::process::ExitCode;

use super::flags::ServeFlags;
use super::gather::told;
use super::run::go_on;

pub(super) fn run(flags: ServeFlags) -> ExitCode {
    go_on(told(flags.into_raw()))
}
