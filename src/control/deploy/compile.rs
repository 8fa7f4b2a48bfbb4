//! All definitions of the process to one snapshot. What a request runs is decided here, once.

use std::sync::Arc;

use hashbrown::HashSet;

use super::ids::stable_id;
use super::load::{Loaded, LoadedApi};
use super::refuse::{Refusals, refuse};
use crate::edge::dispatch::{self, Table};
use crate::edge::exchange::{MethodFacts, StageFacts};
use crate::edge::limit::compile::{Budgets, Compiler};
use crate::edge::snapshot::{Method, Plan, Snapshot, Stage};
use crate::edge::transform::compile::Definition;
use crate::edge::upstream::Endpoints;
use crate::edge::upstream::compile::Backend;
use crate::edge::{transform, upstream, watch};
use crate::model::problem::{Problem, Severity};
use crate::model::rest_api::{self, Resource, RestApi};
use crate::net::tls::{self, ClientConfig};
use crate::settings::{MethodPattern, MethodSetting, Settings, Throttle};
use crate::telemetry::counters::{Registry, SeriesName};
use crate::time::Instant;

/// What outlives one deployment: budgets that have been spent from, backends with open connections, series.
pub struct Compiling {
    pub budgets: Budgets,
    pub endpoints: Endpoints,
    pub registry: Arc<Registry>,
    tls: ClientConfig,
    revision: u64,
}

impl Compiling {
    pub fn new(settings: &Settings, registry: Arc<Registry>) -> Result<Self, Vec<Problem>> {
        let tls = tls::client_config(&settings.tls_roots).map_err(|refused| {
            let problem =
                |found| Problem::nowhere("tls::roots", found, "name a PEM file with at least one certificate");
            refused.into_iter().map(problem).collect::<Vec<_>>()
        })?;
        Ok(Self { budgets: Budgets::default(), endpoints: Endpoints::default(), registry, tls, revision: 0 })
    }

    /// The snapshot of what was loaded, or `None` with every reason added to `loaded.problems`.
    pub fn compile(&mut self, loaded: &mut Loaded, settings: &Settings, now: Instant) -> Option<Snapshot> {
        let mut problems = std::mem::take(&mut loaded.problems);
        let mut snapshot = Snapshot { revision: self.revision + 1, ..Snapshot::default() };
        let mut limits = Compiler::new(&mut self.budgets, settings.workers.get(), now);
        for loaded_api in &loaded.apis {
            let mut api = ApiCompiler {
                settings,
                loaded: loaded_api,
                refusals: refuse(&loaded_api.api),
                endpoints: &mut self.endpoints,
                tls: &self.tls,
                registry: &self.registry,
                problems: &mut problems,
            };
            api.add_to(&mut snapshot, &mut limits);
        }
        forget_repeated(&mut problems);
        unmatched_settings(&loaded.apis, settings, &mut problems);
        snapshot.access_log = access_log(settings, &mut problems);
        loaded.problems = problems;
        if loaded.is_refused(settings.lenient) {
            return None;
        }
        snapshot.ledgers = limits.finish();
        self.revision += 1;
        Some(snapshot)
    }
}

/// What the import has already said of a place need not be said again in the compiler's words.
fn forget_repeated(problems: &mut Vec<Problem>) {
    let mut wrong = HashSet::new();
    problems.retain(|problem| {
        let Some(place) = problem.place else { return true };
        let place = (place.file, place.offset);
        let from_import = problem.code.starts_with("openapi::") || problem.code.starts_with("refuse::");
        if from_import && problem.severity != Severity::Warning {
            wrong.insert(place);
        }
        from_import || !wrong.contains(&place)
    });
}

struct ApiCompiler<'c> {
    settings: &'c Settings,
    loaded: &'c LoadedApi,
    refusals: Refusals,
    endpoints: &'c mut Endpoints,
    tls: &'c ClientConfig,
    registry: &'c Registry,
    problems: &'c mut Vec<Problem>,
}

impl ApiCompiler<'_> {
    fn add_to(&mut self, snapshot: &mut Snapshot, limits: &mut Compiler<'_>) {
        let (settings, api) = (self.settings, &self.loaded.api);
        self.problems.extend(self.refusals.problems());
        let tree = dispatch::compile::compile(api, self.problems);
        add_stage(&mut snapshot.table, self.loaded, &settings.stage, tree);
        let account: Vec<(String, Throttle)> =
            settings.throttle.map(|throttle| ("account".to_owned(), throttle)).into_iter().collect();
        let mut methods = Vec::new();
        for (resource_index, resource) in api.resources.iter().enumerate() {
            for (method_index, method) in resource.methods.iter().enumerate() {
                let refused = self.refusals.refused(resource_index, method_index);
                let mut budgets = account.clone();
                if let Some(throttle) = self.setting(resource, method, |setting| setting.throttle) {
                    let name =
                        format!("{}/{}{} {}", api.id, settings.stage, resource.path.value, method.http_method.as_str());
                    budgets.insert(0, (name, throttle));
                }
                methods.push(Method {
                    facts: MethodFacts {
                        resource_id: stable_id(&[&api.id, &resource.path.value], 6).into(),
                        resource_path: resource.path.value.as_str().into(),
                    },
                    series: self.registry.series(&self.series(&resource.path.value, method.http_method.as_str())),
                    logged: self.setting(resource, method, |setting| setting.logging).unwrap_or(true),
                    limits: limits.limits(&budgets),
                    plan: if refused { None } else { self.plan(api, resource, method) },
                });
            }
        }
        let arn =
            format!("arn:aws:execute-api:{}:{}:{}/{}/", settings.region, settings.account_id, api.id, settings.stage);
        snapshot.stages.push(Stage {
            arn_bytes: arn.len(),
            facts: StageFacts {
                account_id: settings.account_id.as_str().into(),
                api_id: api.id.as_str().into(),
                stage: settings.stage.as_str().into(),
                deployment_id: self.loaded.deployment_id.as_str().into(),
            },
            methods,
            unmatched: self.registry.series(&self.series("", "")),
            limits: limits.limits(&account),
        });
    }

    fn series(&self, resource: &str, method: &str) -> SeriesName {
        SeriesName {
            api: self.loaded.api.name.clone(),
            stage: self.settings.stage.clone(),
            resource: resource.to_owned(),
            method: method.to_owned(),
        }
    }

    /// The setting that says something of this: of the method, else of all; of this API, else of every one (rest/12).
    fn setting<T>(
        &self,
        resource: &Resource,
        method: &rest_api::Method,
        of: impl Fn(&MethodSetting) -> Option<T>,
    ) -> Option<T> {
        let applies = |setting: &&MethodSetting, own: bool, one: bool| {
            let api = match &setting.api {
                Some(base_path) => own && *base_path == self.loaded.base_path,
                None => !own,
            };
            let method = match &setting.pattern {
                MethodPattern::All => !one,
                pattern => one && names(pattern, resource, method),
            };
            api && method
        };
        [(true, true), (false, true), (true, false), (false, false)].into_iter().find_map(|(own, one)| {
            let settings = self.settings.method_settings.iter();
            settings.filter(|setting| applies(setting, own, one)).find_map(&of)
        })
    }

    fn plan(&mut self, api: &RestApi, resource: &Resource, method: &rest_api::Method) -> Option<Plan> {
        let integration = method.integration.as_ref()?;
        let definition = Definition { api, resource, integration, stage_variables: &self.settings.stage_variables };
        let mapping = transform::compile::compile(definition, self.problems)?;
        let compiled = match &mapping.backend {
            None => None,
            Some(address) => {
                let backend = Backend { https: address.https, host: &address.host, port: address.port };
                let limits = &self.settings.limits;
                Some(upstream::compile::compile(integration, backend, self.endpoints, self.tls, limits, self.problems)?)
            }
        };
        Some(Plan { request: mapping.request, response: mapping.response, integration: compiled })
    }
}

fn add_stage(table: &mut Table, loaded: &LoadedApi, stage: &str, tree: dispatch::Tree) {
    let execute_api = !loaded.api.disable_execute_api_endpoint;
    table.add(&loaded.api.id, stage, execute_api, Some(&loaded.base_path), tree);
}

fn names(pattern: &MethodPattern, resource: &Resource, method: &rest_api::Method) -> bool {
    match pattern {
        MethodPattern::All => true,
        // rest/12 section 12.1: spellings with and without the leading slash are equal.
        MethodPattern::One { path, verb } => {
            path.trim_start_matches('/') == resource.path.value.trim_start_matches('/')
                && verb.eq_ignore_ascii_case(method.http_method.as_str())
        }
    }
}

/// A setting for a method that no API has limits nothing: its writer believes otherwise.
fn unmatched_settings(apis: &[LoadedApi], settings: &Settings, problems: &mut Vec<Problem>) {
    for setting in &settings.method_settings {
        let MethodPattern::One { path, verb } = &setting.pattern else { continue };
        let of_api = |loaded: &&LoadedApi| setting.api.as_ref().is_none_or(|base_path| *base_path == loaded.base_path);
        let met = apis
            .iter()
            .filter(of_api)
            .flat_map(|loaded| &loaded.api.resources)
            .any(|resource| resource.methods.iter().any(|method| names(&setting.pattern, resource, method)));
        if !met && !apis.is_empty() {
            let found = format!("the method settings for `{path}/{verb}` are for no method of any definition");
            problems.push(Problem::nowhere(
                "settings::method",
                found,
                "look at the path and the verb: `\"/pets/{petId}/GET\"`",
            ));
        }
    }
}

fn access_log(settings: &Settings, problems: &mut Vec<Problem>) -> Option<watch::Format> {
    let log = settings.access_log.as_ref()?;
    match watch::compile::compile(&log.format) {
        Ok(format) => Some(format),
        Err(variable) => {
            let found = format!("the access log format names `{variable}`, which does not exist");
            let mut problem =
                Problem::nowhere("settings::access-log", found, "use the variables of API Gateway's access logs");
            problem.severity = Severity::Error;
            problems.push(problem);
            None
        }
    }
}
