//! Flags, environment and `weir.toml` to settings, and what is wrong with them to problems.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use crate::control::refusal::Refusal;
use crate::model::problem::{Problem, Sources};
use crate::settings::raw::{Mistake, Raw, SettingsFile};
use crate::settings::{Refused, Settings, gather};

/// What was said on the command line, over what the environment says.
pub(super) fn told(flags: Raw) -> Raw {
    Raw::from_variables(|name| std::env::var(name).ok()).under(flags)
}

/// The settings, with `weir.toml` read anew.
pub(super) fn settings(told: Raw) -> Result<Settings, Refusal> {
    let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    gather(told, cores).map_err(refusal)
}

fn refusal(refused: Refused) -> Refusal {
    let mut sources = Sources::default();
    let mut add = |file: Option<(PathBuf, String)>| file.map_or(0, |(path, text)| sources.add(path, text));
    let (config, principals) = (add(refused.config), add(refused.principals));
    let of = |mistake: Mistake| {
        let file = match mistake.written.map(|written| written.file) {
            Some(SettingsFile::Principals) => principals,
            Some(SettingsFile::Config) | None => config,
        };
        Problem::of_settings(mistake, file)
    };
    let problems = refused.mistakes.into_iter().map(of).collect();
    Refusal { problems, sources }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::raw::{By, Key};

    #[test]
    fn a_mistake_of_the_file_is_shown_at_its_line() {
        let path = std::env::temp_dir().join(format!("weir-gather-{}.toml", std::process::id()));
        std::fs::write(&path, "workers = 2\nstge = 'prod'\n").expect("written");
        let refusal = settings(Raw::from_config(Some(path.clone()))).expect_err("a mistake");
        std::fs::remove_file(&path).expect("removed");
        let place = refusal.problems[0].place.expect("a place");
        assert_eq!(refusal.sources.line_and_column(place), Some((2, 1)));
        assert_eq!(refusal.problems[0].help, "Did you mean `stage`?");
    }

    #[test]
    fn a_mistake_of_a_principal_is_shown_at_its_line_without_secrets() {
        let path = std::env::temp_dir().join(format!("weir-gather-principals-{}.toml", std::process::id()));
        std::fs::write(&path, "[[principals]]\nsecret-key = 'hush'\naccess-key = 'A'\narn = 'ada'\n").expect("written");
        let mut flags = Raw::default();
        flags.say(Key::Api, "pets.yaml", By::Flag);
        flags.say(Key::PrincipalsFile, path.to_string_lossy(), By::Flag);
        let refusal = settings(flags).expect_err("a mistake");
        std::fs::remove_file(&path).expect("removed");
        let place = refusal.problems[0].place.expect("a place");
        assert_eq!(refusal.sources.line_and_column(place), Some((4, 7)));
        assert_eq!(refusal.problems[0].found, "arn is `ada`");
        assert!(!format!("{refusal:?}").contains("hush"), "{refusal:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let refusal = settings(Raw::from_config(Some("/nonexistent/weir.toml".into()))).expect_err("a mistake");
        assert!(refusal.problems[0].found.starts_with("/nonexistent/weir.toml cannot be read"), "{refusal:?}");
    }
}
