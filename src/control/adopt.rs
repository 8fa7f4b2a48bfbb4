//! Definition files as rows: what `weir run` serves is what the management API shows.
//!
//! The files' own compilation, with their lines, decides what is served; the rows are made from the same text. A change
//! through the management API compiles from the rows, and a reload puts the files' state back.

use serde_json::{Value, json};

use super::admin::call::{Facts, Turn};
use super::admin::common::object;
use super::admin::content;
use super::admin::rest_apis;
use super::commit::change::Change;
use super::commit::definitions::{Definitions, key};
use super::commit::store::Store;
use super::deploy::load::{Loaded, LoadedApi};
use crate::formats::openapi::{self, ImportOptions};
use crate::model::api_rows::Object;
use crate::settings::{MethodPattern, Settings};

/// The change that makes the rows of these files, and takes away those of files that are no longer given.
pub fn adopt(
    definitions: &Definitions,
    store: &Store,
    facts: &Facts,
    loaded: &Loaded,
    settings: &Settings,
    before: &[String],
    unix_seconds: i64,
) -> Change {
    let mut turn = Turn { draft: definitions.draft(), store, facts, now: unix_seconds };
    for api_id in before {
        content::delete_deployments(&mut turn, api_id);
        turn.delete_all(&["restapis", api_id]);
    }
    for api in &loaded.apis {
        let Some(file) = loaded.sources.get(api.api.place) else { continue };
        let options = ImportOptions {
            account_id: settings.account_id.clone(),
            region: settings.region.clone(),
            ..ImportOptions::default()
        };
        // What is wrong with the file has been told with its lines.
        let Some(imported) = openapi::import_rows(&file.text, &options, &mut Vec::new()) else { continue };
        one(&mut turn, api, imported.rows, settings);
    }
    let revision = definitions.revision() + 1;
    turn.draft.finish(revision)
}

fn one(turn: &mut Turn<'_>, api: &LoadedApi, rows: crate::model::api_rows::ApiRows, settings: &Settings) {
    let id = api.api.id.as_str();
    let root = super::deploy::ids::stable_id(&[id, "/"], 10);
    let mut row = object([
        ("id", Some(id.into())),
        ("name", Some(api.api.name.as_str().into())),
        ("createdDate", Some(turn.now.into())),
        ("apiKeySource", Some("HEADER".into())),
        ("endpointConfiguration", Some(rest_apis::default_endpoint())),
        ("disableExecuteApiEndpoint", Some(false.into())),
        ("rootResourceId", Some(root.as_str().into())),
    ]);
    row.extend(rows.api.clone());
    turn.put(&["restapis", id], &row);
    let root_row = object([("id", Some(root.as_str().into())), ("path", Some("/".into()))]);
    turn.put(&["restapis", id, "resources", &root], &root_row);
    content::write(turn, id, rows);
    let deployment = api.deployment_id.as_str();
    turn.put(
        &["restapis", id, "deployments", deployment],
        &object([("id", Some(deployment.into())), ("createdDate", Some(turn.now.into()))]),
    );
    let kept = content::read(turn, id).unwrap_or_default();
    if let Ok(bytes) = serde_json::to_vec(&kept) {
        turn.draft.put_blob(key(&["deployments", id, deployment]), bytes);
    }
    let variables: Object =
        settings.stage_variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    turn.put(
        &["restapis", id, "stages", &settings.stage],
        &object([
            ("deploymentId", Some(deployment.into())),
            ("stageName", Some(settings.stage.as_str().into())),
            ("cacheClusterEnabled", Some(false.into())),
            ("cacheClusterStatus", Some("NOT_AVAILABLE".into())),
            ("methodSettings", Some(Value::Object(method_settings(settings, &api.base_path)))),
            ("variables", (!variables.is_empty()).then_some(Value::Object(variables))),
            ("tracingEnabled", Some(false.into())),
            ("createdDate", Some(turn.now.into())),
            ("lastUpdatedDate", Some(turn.now.into())),
        ]),
    );
}

/// `weir.toml`'s throttles in AWS's shape: those of this API over those of all.
fn method_settings(settings: &Settings, base_path: &str) -> Object {
    let mut entries = Object::new();
    let of_all = settings.method_settings.iter().filter(|setting| setting.api.is_none());
    let own = settings.method_settings.iter().filter(|setting| setting.api.as_deref() == Some(base_path));
    for setting in of_all.chain(own) {
        let name = match &setting.pattern {
            MethodPattern::All => "*/*".to_owned(),
            MethodPattern::One { path, verb } => format!("{}/{verb}", path.trim_start_matches('/')),
        };
        if let Some(throttle) = setting.throttle {
            entries.insert(
                name,
                json!({
                    "metricsEnabled": false,
                    "dataTraceEnabled": false,
                    "throttlingBurstLimit": throttle.burst,
                    "throttlingRateLimit": throttle.rate_per_second,
                    "cachingEnabled": false,
                    "cacheTtlInSeconds": 300,
                    "cacheDataEncrypted": false,
                    "requireAuthorizationForCacheControl": true,
                    "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
                }),
            );
        }
    }
    entries
}
