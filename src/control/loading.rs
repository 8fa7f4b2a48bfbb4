//! What a start finds: a data folder or definition files, and the stages that they make.

use std::fs;
use std::sync::Arc;

use super::admin::front::unix_seconds;
use super::adopt;
use super::commit::definitions::Definitions;
use super::commit::store::{Opened, Store};
use super::deploy::compile::{Compiling, mounts};
use super::deploy::load::Loaded;
use super::live::{Tools, custom_domains};
use super::management::{BACKUP_PREFIX, RESTORE_PREFIX};
use super::plane::Plane;
use super::refusal::Refusal;
use super::tell::tell;
use crate::edge::snapshot::Stage;
use crate::settings::Settings;
use crate::time::Clock;

/// The data folder, or memory.
pub fn open(settings: &Settings) -> Result<(Store, Definitions), Refusal> {
    match &settings.data {
        None => Ok((Store::memory(), Definitions::default())),
        Some(folder) => {
            let Opened { store, rows, revision } = Store::open(folder)?;
            // The folder is ours alone from here: what an earlier process was in the middle of is of no use to anybody.
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.starts_with(RESTORE_PREFIX) {
                    let _ = fs::remove_dir_all(entry.path());
                } else if name.starts_with(BACKUP_PREFIX) {
                    let _ = fs::remove_file(entry.path());
                }
            }
            Ok((store, Definitions::new(rows, revision)))
        }
    }
}

/// Makes the files' stages live and their rows known. Answers the APIs that they are.
pub fn take_files(
    plane: &mut Plane,
    loaded: &Loaded,
    of_files: &[Arc<Stage>],
    settings: &Settings,
    before: &[String],
) -> Vec<String> {
    let known = (&plane.definitions, &plane.store, &plane.facts);
    let change = adopt::adopt(known.0, known.1, known.2, loaded, settings, before, unix_seconds());
    if !change.rows.is_empty() {
        plane.definitions.apply(&change);
        // Files are for `run`, whose store is memory: it keeps what it is given at once.
        drop(plane.store.commit(change));
    }
    plane.live.stages.retain(|(api, _), _| !before.contains(api));
    let stage_of = |stage: &Arc<Stage>| {
        let facts = &stage.base.facts;
        ((facts.api_id.to_string(), facts.stage.to_string()), Arc::clone(stage))
    };
    plane.live.stages.extend(of_files.iter().map(stage_of));
    plane.live.routes.mounts = mounts(loaded, settings);
    loaded.apis.iter().map(|api| api.api.id.clone()).collect()
}

/// Compiles every stage that has rows and is not live yet. One that cannot be served any more is told of, and the others
/// are served.
pub fn load_stages(plane: &mut Plane, compiling: &mut Compiling, settings: &Settings, clock: &Clock) {
    let mut tools = Tools { compiling, settings, now: clock.now() };
    for (api, stage) in plane.stages() {
        if plane.live.stages.contains_key(&(api.clone(), stage.clone())) {
            continue;
        }
        match plane.compile(&mut tools, &api, &stage) {
            Ok(compiled) => drop(plane.live.stages.insert((api, stage), compiled)),
            Err(error) => tell(format_args!("stage {stage} of API {api} is not served: {}", error.message)),
        }
    }
    plane.live.routes.domains = custom_domains(&plane.definitions);
    plane.live.api_keys = tools.api_keys(&plane.definitions);
    compiling.api_keys = Arc::clone(&plane.live.api_keys);
}
