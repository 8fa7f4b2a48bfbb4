//! `weir run`: settings, and then the control plane.

use std::io::Write;
use std::process::ExitCode;

use super::flags::RunFlags;
use super::gather::{settings, told};
use super::report;
use crate::control;
use crate::model::problem::{Problem, Sources};
use crate::settings::raw::Raw;

/// What was written is wrong, as clap's own code for it.
const EXIT_USAGE: u8 = 2;

pub(super) fn run(flags: RunFlags) -> ExitCode {
    go_on(told(flags.into_raw()))
}

/// Until the gateway has drained, with what was told on the command line and by the environment.
pub(super) fn go_on(told: Raw) -> ExitCode {
    let first = match settings(told.clone()) {
        Ok(settings) => settings,
        Err(refusal) => {
            show(&refusal.problems, &refusal.sources);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match control::run(first, &|| settings(told.clone()), &show) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            show(&refusal.problems, &refusal.sources);
            ExitCode::FAILURE
        }
    }
}

/// Problems go to standard error: standard output may be the access log.
pub(super) fn show(problems: &[Problem], sources: &Sources) {
    let text = report::render(problems, sources, report::wants_colour());
    let _ = std::io::stderr().write_all(text.as_bytes());
}
