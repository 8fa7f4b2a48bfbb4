//! `weir run`: settings, and then the control plane.

use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread::available_parallelism;

use super::flags::{CheckFlags, RunFlags};
use crate::control;
use crate::model::problem::{Problem, Sources};
use crate::settings::raw::Raw;
use crate::settings::{Refused, gather};

/// What was written is wrong, as clap's own code for it.
const EXIT_USAGE: u8 = 2;

pub(super) fn run(flags: RunFlags) -> ExitCode {
    let variables = Raw::from_variables(|name| std::env::var(name).ok());
    let told = variables.under(flags.into_raw());
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    match gather(told.clone(), cores) {
        Ok(settings) => control::run(settings, told),
        Err(refused) => {
            let (problems, sources) = problems(refused);
            show(&problems, &sources);
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// The definitions' reader is not in this build, so nothing can be said of them; that is a failure, not a pass.
pub(super) fn check(flags: &CheckFlags) -> ExitCode {
    let names: Vec<_> = flags.files.iter().map(|file| file.display().to_string()).collect();
    let found = format!("{} cannot be checked by this build", names.join(", "));
    show(&[Problem::nowhere("check::absent", found, "Use a release of Weir.")], &Sources::default());
    ExitCode::FAILURE
}

fn problems(refused: Refused) -> (Vec<Problem>, Sources) {
    let mut sources = Sources::default();
    let config = refused.config.map_or(0, |(path, text)| sources.add(path, text));
    (refused.mistakes.into_iter().map(|mistake| Problem::of_settings(mistake, config)).collect(), sources)
}

fn show(problems: &[Problem], sources: &Sources) {
    let mut out = std::io::stderr().lock();
    for problem in problems {
        let place = problem.place.and_then(|place| {
            let (line, column) = sources.line_and_column(place)?;
            Some(format!("{}:{line}:{column}: ", sources.get(place)?.path.display()))
        });
        let place = place.unwrap_or_default();
        let _ = writeln!(out, "error[{}]: {place}{}\n  {}", problem.code, problem.found, problem.help);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_of_the_file_is_shown_at_its_line() {
        let path = std::env::temp_dir().join(format!("weir-run-{}.toml", std::process::id()));
        std::fs::write(&path, "workers = 2\nstge = 'prod'\n").expect("written");
        let told = Raw::from_config(Some(path.clone()));
        let (problems, sources) = problems(gather(told, NonZeroUsize::MIN).expect_err("a mistake"));
        std::fs::remove_file(&path).expect("removed");
        let place = problems[0].place.expect("a place");
        assert_eq!(sources.line_and_column(place), Some((2, 1)));
        assert_eq!(problems[0].help, "Did you mean `stage`?");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let told = Raw::from_config(Some("/nonexistent/weir.toml".into()));
        let (problems, _) = problems(gather(told, NonZeroUsize::MIN).expect_err("a mistake"));
        assert!(problems[0].found.starts_with("/nonexistent/weir.toml cannot be read"), "{problems:?}");
    }
}
