//! Stages to one snapshot. What a request runs is decided here, once.

use std::env;
use std::sync::Arc;

use hashbrown::HashSet;

use super::callers;
use super::load::{Loaded, LoadedApi};
use super::stage::{Door, Missing, ReleaseSource, StageCompiler, StageSource, access_log};
use crate::control::fetch::credential_source::{self, Terms};
use crate::control::fetch::credentials::Credentials;
use crate::control::fetch::jwks::Issuers;
use crate::control::fetch::key_source::Client;
use crate::edge::dispatch::compile::{StageAddress, table};
use crate::edge::identity::iam::Principals;
use crate::edge::limit::api_key::ApiKeys;
use crate::edge::limit::compile::{Budgets, Compiler};
use crate::edge::limit::plans::Plans;
use crate::edge::snapshot::{Snapshot, Stage};
use crate::edge::upstream::Endpoints;
use crate::model::problem::{Problem, Severity};
use crate::model::routes::{BasePathMapping, Routes};
use crate::net::tls::{self, ClientConfig};
use crate::settings::{MethodPattern, MethodSetting, Settings};
use crate::telemetry::counters::Registry;
use crate::time::Instant;

/// What outlives one deployment: budgets that have been spent from, backends with open connections, series.
pub struct Compiling {
    pub endpoints: Endpoints,
    pub registry: Arc<Registry>,
    budgets: Budgets,
    pub plans: Plans,
    /// For every snapshot, until other ones are.
    pub api_keys: Arc<ApiKeys>,
    /// Who may sign, for every snapshot until the settings say something else.
    pub principals: Arc<Principals>,
    /// Whose tokens are looked at, and their keys.
    pub issuers: Issuers,
    /// With whose keys calls to AWS are signed.
    pub credentials: Credentials,
    /// Where functions on this machine are invoked, if some run.
    pub door: Option<Door>,
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
        Ok(Self {
            principals: Arc::new(callers::principals(settings)?),
            issuers: Issuers::new(Client::new(settings.tls_roots.clone())),
            endpoints: Endpoints::default(),
            registry,
            budgets: Budgets::default(),
            plans: Plans::default(),
            credentials: Credentials::new(
                credential_source::Client::new(settings.tls_roots.clone(), Arc::new(|name| env::var(name).ok())),
                Terms::of(settings),
            ),
            door: None,
            api_keys: Arc::default(),
            tls,
            revision: 0,
        })
    }

    /// One stage, compiled by itself; `None` where it cannot be served. Everything that is to be said of it is added
    /// to `problems`. It can be used in any number of snapshots.
    pub fn stage(
        &mut self,
        source: StageSource<'_>,
        settings: &Settings,
        now: Instant,
        problems: &mut Vec<Problem>,
    ) -> Option<Arc<Stage>> {
        let compiler = StageCompiler {
            settings,
            source,
            limits: Compiler::new(&mut self.budgets, settings.workers.get(), now),
            endpoints: &mut self.endpoints,
            tls: &self.tls,
            registry: &self.registry,
            issuers: &self.issuers,
            credential: &mut |source| self.credentials.credential(source),
            door: self.door.as_ref(),
            problems: Vec::new(),
        };
        let (stage, found) = compiler.compile();
        problems.extend(found);
        stage
    }

    /// The next snapshot: these stages, where these routes lead to them. Cheap, since nothing is compiled that belongs to
    /// a stage; what no stage uses any more is forgotten.
    pub fn snapshot(&mut self, stages: &[Arc<Stage>], routes: &Routes, settings: &Settings) -> Snapshot {
        self.revision += 1;
        self.endpoints.forget_unused();
        Snapshot {
            revision: self.revision,
            table: table(stages.iter().map(|stage| address(stage)), routes),
            stages: stages.to_vec(),
            ledgers: self.budgets.ledgers(),
            api_keys: Arc::clone(&self.api_keys),
            principals: Arc::clone(&self.principals),
            retry_after: settings.retry_after,
            // A format that is none has been refused by whoever took the settings.
            access_log: settings.access_log.as_ref().and_then(|log| access_log(&log.format, &mut Vec::new())),
        }
    }

    /// The snapshot of what was loaded, or `None` with every reason added to `loaded.problems`.
    pub fn compile(&mut self, loaded: &mut Loaded, settings: &Settings, now: Instant) -> Option<Snapshot> {
        let stages = self.files(loaded, settings, now)?;
        Some(self.snapshot(&stages, &Routes { mounts: mounts(loaded, settings), ..Routes::default() }, settings))
    }

    /// The stages of what was loaded, or `None` with every reason added to `loaded.problems`.
    pub fn files(&mut self, loaded: &mut Loaded, settings: &Settings, now: Instant) -> Option<Vec<Arc<Stage>>> {
        let mut problems = std::mem::take(&mut loaded.problems);
        let mut stages = Vec::new();
        for LoadedApi { base_path, api, deployment_id } in &loaded.apis {
            let base = ReleaseSource { api, deployment_id, variables: &settings.stage_variables };
            let source = StageSource {
                name: &settings.stage,
                base,
                canary: None,
                method_settings: &settings_of(base_path, settings),
                access_log_format: None,
                missing_variables: Missing::Refused,
            };
            stages.extend(self.stage(source, settings, now, &mut problems));
        }
        forget_repeated(&mut problems);
        unmatched_settings(&loaded.apis, settings, &mut problems);
        if let Some(log) = &settings.access_log {
            access_log(&log.format, &mut problems);
        }
        loaded.problems = problems;
        (!loaded.is_refused(settings.lenient)).then_some(stages)
    }
}

/// Where files answer: each below its base path.
pub fn mounts(loaded: &Loaded, settings: &Settings) -> Vec<BasePathMapping> {
    let mount = |api: &LoadedApi| BasePathMapping {
        base_path: api.base_path.clone(),
        api_id: api.api.id.clone(),
        stage: Some(settings.stage.clone()),
    };
    loaded.apis.iter().map(mount).collect()
}

fn address(stage: &Stage) -> StageAddress<'_> {
    let facts = &stage.base.facts;
    StageAddress { api_id: &facts.api_id, stage: &facts.stage, execute_api: stage.execute_api }
}

/// Those of one API, and then those of every one.
fn settings_of(base_path: &str, settings: &Settings) -> Vec<MethodSetting> {
    let all = settings.method_settings.iter();
    let own = all.clone().filter(|setting| setting.api.as_deref() == Some(base_path));
    own.chain(all.filter(|setting| setting.api.is_none())).cloned().collect()
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

/// A setting for a method that no API has limits nothing: its writer believes otherwise.
fn unmatched_settings(apis: &[LoadedApi], settings: &Settings, problems: &mut Vec<Problem>) {
    for setting in &settings.method_settings {
        let MethodPattern::One { path, verb } = &setting.pattern else { continue };
        let of_api = |loaded: &&LoadedApi| setting.api.as_ref().is_none_or(|base_path| *base_path == loaded.base_path);
        let met = apis.iter().filter(of_api).flat_map(|loaded| &loaded.api.resources).any(|resource| {
            let named = |verb: &str| setting.pattern.names(&resource.path.value, verb);
            resource.methods.iter().any(|method| named(method.http_method.as_str()))
        });
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::NonZeroUsize;

    use super::*;
    use crate::edge::exchange::{Context, PathValues, Request};
    use crate::edge::fault::FaultKind;
    use crate::edge::request_validator::validate;
    use crate::edge::snapshot::Release;
    use crate::edge::transform;
    use crate::formats::openapi::{Options, import};
    use crate::model::rest_api::RestApi;
    use crate::settings::raw::{By, Key, Raw};

    type Variables = BTreeMap<String, String>;

    struct World {
        settings: Settings,
        compiling: Compiling,
        problems: Vec<Problem>,
    }

    impl World {
        fn new() -> Self {
            let mut raw = Raw::from_config(None);
            raw.say(Key::Api, "none.yaml", By::Flag);
            raw.say(Key::Throttle, "100:50", By::Flag);
            let settings = raw.check(NonZeroUsize::MIN).expect("sound settings");
            let compiling = Compiling::new(&settings, Arc::new(Registry::new(100))).expect("the system's roots");
            Self { settings, compiling, problems: Vec::new() }
        }

        fn stage(&mut self, source: StageSource<'_>) -> Option<Arc<Stage>> {
            self.problems.clear();
            self.compiling.stage(source, &self.settings, Instant(1), &mut self.problems)
        }
    }

    fn api(id: &str, uri: &str) -> RestApi {
        let text = format!(
            "openapi: 3.0.1\ninfo: {{title: pets, version: \"1\"}}\npaths:\n  /pets:\n    get:\n      \
             responses: {{\"200\": {{description: ok}}}}\n      x-amazon-apigateway-integration: \
             {{type: http_proxy, httpMethod: GET, uri: \"{uri}\"}}\n"
        );
        let mut problems = Vec::new();
        let api = import(0, &text, &Options::default(), &mut problems).expect("a definition");
        assert!(problems.is_empty(), "{problems:?}");
        RestApi { id: id.to_owned(), ..api }
    }

    fn source<'s>(api: &'s RestApi, variables: &'s Variables) -> StageSource<'s> {
        StageSource {
            name: "prod",
            base: ReleaseSource { api, deployment_id: "base01", variables },
            canary: None,
            method_settings: &[],
            access_log_format: None,
            missing_variables: Missing::Empty,
        }
    }

    fn series(compiling: &Compiling, release: &Release) -> String {
        let id = release.methods[0].series;
        let names = compiling.registry.names();
        names.into_iter().find(|(_, known)| *known == id).map(|(name, _)| name.stage).expect("a series")
    }

    #[test]
    fn a_canary_has_series_of_its_own_and_the_stages_budgets() {
        let mut world = World::new();
        let (base, fresh, none) = (api("a", "http://old.test/"), api("a", "http://new.test/"), Variables::new());
        let throttle = [MethodSetting::of_stage("pets/GET", Some(5.0), Some(5)).expect("a setting")];
        let canary = ReleaseSource { api: &fresh, deployment_id: "canary", variables: &none };
        let source = StageSource { canary: Some((25.0, canary)), method_settings: &throttle, ..source(&base, &none) };
        let stage = world.stage(source).expect("sound");
        let canary = &stage.canary.as_ref().expect("a canary").release;
        assert_eq!(&*stage.release(|| 0).facts.deployment_id, "canary");
        assert_eq!(&*stage.release(|| u64::MAX).facts.deployment_id, "base01");
        assert_eq!((stage.base.facts.canary, canary.facts.canary), (Some(false), Some(true)));
        assert_eq!(
            (series(&world.compiling, &stage.base), series(&world.compiling, canary)),
            ("prod".to_owned(), "prod/Canary".to_owned())
        );
        assert_eq!(stage.base.methods[0].limits, canary.methods[0].limits);
        assert_ne!(stage.base.methods[0].limits, stage.base.limits, "the method's budget stands before the account's");
        assert_eq!(stage.budgets.len(), 2);
    }

    #[test]
    fn nothing_is_drawn_without_a_canary() {
        let (mut world, api, none) = (World::new(), api("a", "http://old.test/"), Variables::new());
        let stage = world.stage(source(&api, &none)).expect("sound");
        let release = stage.release(|| panic!("a number was drawn"));
        assert_eq!(release.facts.canary, None);
    }

    #[test]
    fn a_variable_that_is_missing_fails_the_call_or_the_deployment() {
        let (mut world, none) = (World::new(), Variables::new());
        for uri in ["http://${stageVariables.host}/pets", "https://a.${stageVariables.host}.test/"] {
            let api = api("a", uri);
            let stage = world.stage(source(&api, &none)).expect("deployed all the same");
            let plan = stage.base.methods[0].plan.as_ref().expect("a plan");
            let (request, values) = (Request::default(), PathValues::default());
            let context = Context::new(&request, &stage.base.facts, None, &values);
            let tools = transform::Tools { scratch: &mut transform::Scratch::default(), log: None };
            let valid = validate(None, &context, &[]).expect("nothing is asked");
            let fault = transform::request(&plan.request, &context, &valid, &[], tools).err().expect("a fault");
            assert_eq!(fault.kind, FaultKind::Configuration);
            let strict = StageSource { missing_variables: Missing::Refused, ..source(&api, &none) };
            assert!(world.stage(strict).is_none() && world.problems[0].code == "stage::variable");
        }
        let late = api("a", "http://pets.test/${stageVariables.path}");
        let stage = world.stage(source(&late, &none)).expect("sound");
        assert!(stage.base.methods[0].plan.as_ref().is_some_and(|plan| plan.integration.is_some()));
        let format = StageSource { access_log_format: Some("$context.nosuch"), ..source(&late, &none) };
        assert!(world.stage(format).is_none());
    }

    #[test]
    fn snapshots_share_their_stages_and_forget_what_no_stage_uses() {
        let (mut world, none) = (World::new(), Variables::new());
        let apis: Vec<RestApi> = (0..20).map(|n| api(&format!("api{n}"), &format!("http://b{n}.test/"))).collect();
        let throttle = [MethodSetting::of_stage("*/*", Some(5.0), Some(5)).expect("a setting")];
        let compile = |world: &mut World, api| {
            world.stage(StageSource { method_settings: &throttle, ..source(api, &none) }).expect("sound")
        };
        let mut stages: Vec<Arc<Stage>> = apis.iter().map(|api| compile(&mut world, api)).collect();
        let routes = Routes::default();
        let first = world.compiling.snapshot(&stages, &routes, &world.settings);
        assert_eq!((first.revision, first.ledgers.iter().flatten().count()), (1, 21));
        stages[7] = compile(&mut world, &apis[7]);
        let second = world.compiling.snapshot(&stages, &routes, &world.settings);
        let same = |index: usize| Arc::ptr_eq(&first.stages[index], &second.stages[index]);
        assert!(same(6) && !same(7) && same(8));
        assert_eq!(first.stages[7].base.methods[0].limits, second.stages[7].base.methods[0].limits);
        stages.truncate(5);
        let third = world.compiling.snapshot(&stages, &routes, &world.settings);
        assert_eq!((third.ledgers.iter().flatten().count(), world.compiling.endpoints.all().count()), (21, 20));
        drop((first, second));
        let fourth = world.compiling.snapshot(&stages, &routes, &world.settings);
        assert_eq!((fourth.ledgers.iter().flatten().count(), world.compiling.endpoints.all().count()), (6, 5));
        assert_eq!(fourth.revision, 4);
    }
}
