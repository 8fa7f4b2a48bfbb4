//! Definition files to definitions, with everything that is wrong with them.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::ids::stable_id;
use crate::formats::openapi::{self, Options};
use crate::model::problem::{Problem, Severity, Sources};
use crate::model::rest_api::RestApi;
use crate::settings::limits::DEFINITION_BYTES_MAX;
use crate::settings::{ApiFile, Settings};

/// What the files say.
#[derive(Default)]
pub struct Loaded {
    pub sources: Sources,
    pub apis: Vec<LoadedApi>,
    pub problems: Vec<Problem>,
}

pub struct LoadedApi {
    pub base_path: String,
    pub api: RestApi,
    /// Changes with the definition's text.
    pub deployment_id: String,
}

impl Loaded {
    /// Whether nothing may start: an error, or under strictness something that Weir cannot do.
    pub fn is_refused(&self, lenient: bool) -> bool {
        is_refused(&self.problems, lenient)
    }
}

/// Whether these keep what they are said of from being served.
pub fn is_refused(problems: &[Problem], lenient: bool) -> bool {
    problems.iter().any(|problem| match problem.severity {
        Severity::Error => true,
        Severity::Unsupported => !lenient,
        Severity::Warning => false,
    })
}

/// Reads and imports every file; never stops at the first problem.
pub fn load(settings: &Settings) -> Loaded {
    let mut loaded = Loaded::default();
    let options = Options {
        account_id: settings.account_id.clone(),
        region: settings.region.clone(),
        integration_timeout_max: settings.limits.integration_timeout,
    };
    for file in &settings.apis {
        load_file(file, &options, &mut loaded);
    }
    loaded
}

fn load_file(file: &ApiFile, options: &Options, loaded: &mut Loaded) {
    let text = match read(&file.path) {
        Ok(text) => text,
        Err(problem) => return loaded.problems.push(problem),
    };
    let index = loaded.sources.add(file.path.clone(), text.clone());
    let Some(mut api) = openapi::import(index, &text, options, &mut loaded.problems) else { return };
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    api.id = stable_id(&[&file.base_path, &name, &api.name], 10);
    if loaded.apis.iter().any(|other| other.base_path == file.base_path) {
        let found = format!("two definitions answer below `/{}`", file.base_path);
        let help = "give one of them a base path of its own: `orders=orders.yaml`";
        loaded.problems.push(Problem::error("api::base-path", api.place, found, help));
    }
    if loaded.apis.iter().any(|other| other.api.id == api.id) {
        let found = "the same definition twice: its API id can name only one";
        loaded.problems.push(Problem::error("api::id", api.place, found, "remove one of them"));
    }
    let deployment_id = stable_id(&[&api.id, &text], 6);
    loaded.apis.push(LoadedApi { base_path: file.base_path.clone(), api, deployment_id });
}

fn read(path: &Path) -> Result<String, Problem> {
    let shown = path.display();
    let sentence = |error: std::io::Error| {
        let (found, help) = match error.kind() {
            std::io::ErrorKind::NotFound => (format!("there is no file `{shown}`"), "look at the spelling of its path"),
            std::io::ErrorKind::PermissionDenied => {
                (format!("`{shown}` may not be read by this user"), "give this user the right to read it")
            }
            std::io::ErrorKind::InvalidData => (format!("`{shown}` is not UTF-8 text"), "save it as UTF-8"),
            std::io::ErrorKind::IsADirectory => (format!("`{shown}` is a folder"), "name the definition in it"),
            _ => (format!("`{shown}` cannot be read: {error}"), "look at the file"),
        };
        Problem::nowhere("file::read", found, help)
    };
    let file = fs::File::open(path).map_err(sentence)?;
    let mut text = String::new();
    // One byte more than allowed tells a file that is too long without reading all of it.
    file.take(DEFINITION_BYTES_MAX + 1).read_to_string(&mut text).map_err(sentence)?;
    if text.len() as u64 > DEFINITION_BYTES_MAX {
        let found = format!("`{shown}` is larger than 6 MB");
        return Err(Problem::nowhere(
            "file::size",
            found,
            "split it into several APIs: AWS takes no larger one either",
        ));
    }
    Ok(text)
}
