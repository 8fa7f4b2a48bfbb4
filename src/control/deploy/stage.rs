//! One stage, compiled by itself: its deployment, its canary, and what both are limited by.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::callers;
use super::ids::stable_id;
use super::load::is_refused;
use super::refuse::{Refusals, api_key, refuse};
use crate::control::fetch::jwks::Issuers;
use crate::edge::dispatch;
use crate::edge::dispatch::canary::Share;
use crate::edge::exchange::{MethodFacts, StageFacts, Verb};
use crate::edge::identity::{self, Authorization};
use crate::edge::limit::compile::Compiler;
use crate::edge::request_validator;
use crate::edge::snapshot::{Canary, Method, Plan, Release, Stage};
use crate::edge::transform::Compression;
use crate::edge::transform::compile::Definition;
pub use crate::edge::transform::compile::Missing;
use crate::edge::upstream::Endpoints;
use crate::edge::upstream::compile::Backend;
use crate::edge::upstream::places::{self, Places};
use crate::edge::upstream::signing::{FindCredential, Signing};
use crate::edge::{cors, gateway_response, transform, upstream, watch};
use crate::model::problem::Problem;
use crate::model::rest_api::{self, Resource, RestApi};
use crate::net::tls::ClientConfig;
use crate::settings::{MethodPattern, MethodSetting, Settings, Throttle};
use crate::telemetry::counters::{Registry, SeriesName};

/// The functions on this machine.
pub struct Door {
    pub address: SocketAddr,
    /// A header line, with its end, that every call has to bring.
    pub line: String,
}

impl Door {
    /// Of functions that nobody starts: what is only looked at calls none.
    pub fn unused() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 9)), line: String::new() }
    }
}

/// What a stage is made of.
#[derive(Clone, Copy)]
pub struct StageSource<'s> {
    pub name: &'s str,
    pub base: ReleaseSource<'s>,
    /// `percentTraffic`, from 0 to 100, and what gets it.
    pub canary: Option<(f64, ReleaseSource<'s>)>,
    /// One for a method before one for all; of two for the same the first, if it says anything. Whose they are
    /// (`MethodSetting::api`) has been looked at.
    pub method_settings: &'s [MethodSetting],
    /// The stage's own; else that of the process holds.
    pub access_log_format: Option<&'s str>,
    pub missing_variables: Missing,
}

/// A deployment of an API, and the stage variables in force for it.
#[derive(Clone, Copy)]
pub struct ReleaseSource<'s> {
    /// The base's and the canary's are of the same id.
    pub api: &'s RestApi,
    pub deployment_id: &'s str,
    /// The canary's with its overrides laid over the stage's.
    pub variables: &'s BTreeMap<String, String>,
}

/// What outlives one stage, lent to its compilation.
pub(super) struct StageCompiler<'c> {
    pub(super) settings: &'c Settings,
    pub(super) source: StageSource<'c>,
    pub(super) limits: Compiler<'c>,
    pub(super) endpoints: &'c mut Endpoints,
    pub(super) tls: &'c ClientConfig,
    pub(super) registry: &'c Registry,
    pub(super) issuers: &'c Issuers,
    pub(super) credential: FindCredential<'c>,
    pub(super) door: Option<&'c Door>,
    pub(super) problems: Vec<Problem>,
}

impl StageCompiler<'_> {
    /// The stage, where it can be served, and everything that is to be said of it.
    pub(super) fn compile(mut self) -> (Option<Arc<Stage>>, Vec<Problem>) {
        let source = self.source;
        let own = source.canary.is_some().then_some(false);
        let base = self.release(&source.base, own);
        let canary = source.canary.map(|(percent, release)| Canary {
            share: Share::of_percent(percent),
            release: self.release(&release, Some(true)),
        });
        let access_log = source.access_log_format.and_then(|format| access_log(format, &mut self.problems));
        let refused = is_refused(&self.problems, self.settings.lenient);
        let stage = Stage {
            base,
            canary,
            access_log,
            execute_api: !source.base.api.disable_execute_api_endpoint
                && source.canary.is_none_or(|(_, release)| !release.api.disable_execute_api_endpoint),
            budgets: self.limits.finish(),
        };
        ((!refused).then(|| Arc::new(stage)), self.problems)
    }

    /// `canary` is absent where the stage has none.
    fn release(&mut self, source: &ReleaseSource<'_>, canary: Option<bool>) -> Release {
        let (settings, api, stage) = (self.settings, source.api, self.source.name);
        let refusals = refuse(api);
        self.problems.extend(refusals.problems());
        let label = if canary == Some(true) { format!("{stage}/Canary") } else { stage.to_owned() };
        let registry = self.registry;
        let series = |resource: &str, method: &str| {
            let (api, stage) = (api.name.clone(), label.clone());
            registry.series(&SeriesName { api, stage, resource: resource.to_owned(), method: method.to_owned() })
        };
        let account: Vec<(String, Throttle)> =
            settings.throttle.map(|throttle| ("account".to_owned(), throttle)).into_iter().collect();
        let arn = format!("arn:aws:execute-api:{}:{}:{}/{stage}/", settings.region, settings.account_id, api.id);
        let issuers = self.issuers;
        let places = places(settings, self.door);
        let mut issuer = |pool: &str| callers::issuer(pool, settings, issuers);
        let mut asked = identity::compile::Compiler::new(
            api,
            stage,
            source.variables,
            &arn,
            places,
            &mut *self.credential,
            self.endpoints,
            self.tls,
            &mut issuer,
            &mut self.problems,
        );
        let is_private = api.endpoint_types.iter().any(|kind| kind.value == "PRIVATE");
        let policy = asked.resource_policy();
        let each = api.resources.iter().flat_map(|resource| &resource.methods);
        let authorizations: Vec<Option<Authorization>> = each.map(|method| asked.authorization(method)).collect();
        let mut authorizations = authorizations.into_iter();
        if is_private && api.policy.is_none() {
            let found = "Private REST API doesn't have a resource policy attached to it";
            let help = "Write an `x-amazon-apigateway-policy` that says who may call";
            self.problems.push(Problem::error("deploy::policy", api.place, found, help));
        }
        let tree = dispatch::compile::compile(api, &mut self.problems);
        let mut validators = request_validator::compile::Compiler::new(api);
        let mut methods = Vec::new();
        for (resource_index, resource) in api.resources.iter().enumerate() {
            for (method_index, method) in resource.methods.iter().enumerate() {
                let (path, verb) = (resource.path.value.as_str(), method.http_method.as_str());
                let mut budgets = account.clone();
                if let Some(throttle) = self.setting(path, verb, |setting| setting.throttle) {
                    // The same for the canary: a stage has one budget for a method, whoever answers.
                    budgets.insert(0, (format!("{}/{stage}{path} {verb}", api.id), throttle));
                }
                let authorization = authorizations.next().flatten();
                let may_be_served = authorization.is_some();
                methods.push(Method {
                    facts: MethodFacts {
                        resource_id: match resource.id.as_str() {
                            "" => stable_id(&[&api.id, path], 6).into(),
                            id => id.into(),
                        },
                        resource_path: path.into(),
                        verb: Some(Verb::of(verb.as_bytes())).filter(|verb| *verb != Verb::Other),
                        operation_name: method.operation_name.as_deref().map(Into::into),
                        path_parameters: path_parameters(path),
                    },
                    series: series(path, verb),
                    logged: self.setting(path, verb, |setting| setting.logging).unwrap_or(true),
                    limits: self.limits.limits(&budgets),
                    // A method that nobody can be asked for is not served at all: it has no plan.
                    authorization: authorization.unwrap_or_default(),
                    needs_api_key: api_key(api, method).is_some(),
                    plan: self
                        .plan(
                            source,
                            &arn,
                            (resource_index, resource),
                            (method_index, method),
                            &refusals,
                            &mut validators,
                        )
                        .filter(|_| may_be_served),
                });
            }
        }
        Release {
            facts: StageFacts {
                account_id: settings.account_id.as_str().into(),
                api_id: api.id.as_str().into(),
                stage: stage.into(),
                default_domain: format!("{}.execute-api.{}.amazonaws.com", api.id, settings.region).into(),
                deployment_id: source.deployment_id.into(),
                canary,
                variables: source.variables.iter().map(|(n, v)| (n.as_str().into(), v.as_str().into())).collect(),
            },
            arn: arn.into(),
            is_private,
            policy,
            key_of_authorizer: api
                .api_key_source
                .as_ref()
                .is_some_and(|source| source.value.eq_ignore_ascii_case("AUTHORIZER")),
            tree,
            methods,
            gateway_responses: gateway_response::compile::compile(api, source.variables, &mut self.problems),
            cors: cors::compile::compile(api, &mut self.problems),
            unmatched: series("", ""),
            limits: self.limits.limits(&account),
            compression: api.minimum_compression_size.as_ref().map(|least| Compression {
                bytes_min: usize::try_from(least.value).unwrap_or(usize::MAX),
                brotli: settings.extra_codings.brotli,
                zstd: settings.extra_codings.zstd,
            }),
        }
    }

    /// The first setting that says something of this: of the method, else of all (rest/12).
    fn setting<T>(&self, path: &str, verb: &str, of: impl Fn(&MethodSetting) -> Option<T>) -> Option<T> {
        let settings = self.source.method_settings.iter();
        let own = settings.clone().filter(|setting| setting.pattern.names(path, verb)).find_map(&of);
        own.or_else(|| settings.filter(|setting| setting.pattern == MethodPattern::All).find_map(&of))
    }

    fn plan<'d>(
        &mut self,
        source: &ReleaseSource<'d>,
        arn: &'d str,
        (resource_index, resource): (usize, &'d Resource),
        (method_index, method): (usize, &'d rest_api::Method),
        refusals: &Refusals,
        validators: &mut request_validator::compile::Compiler<'d>,
    ) -> Option<Plan> {
        if refusals.refused(resource_index, method_index) {
            return None;
        }
        let integration = method.integration.as_ref()?;
        let definition = Definition {
            api: source.api,
            resource,
            method,
            integration,
            stage_variables: source.variables,
            missing: self.source.missing_variables,
            arn,
            places: places(self.settings, self.door),
        };
        let mapping = transform::compile::compile(definition, &mut self.problems)?;
        let compiled = match &mapping.backend {
            None => None,
            Some(address) => {
                let backend = Backend { https: address.https, host: &address.host, port: address.port };
                let signing = mapping.signed.map(|signed| Arc::new(Signing::new(&signed, &mut *self.credential)));
                let limits = &self.settings.limits;
                let problems = &mut self.problems;
                Some(upstream::compile::compile(
                    integration,
                    (backend, signing),
                    self.endpoints,
                    self.tls,
                    limits,
                    problems,
                )?)
            }
        };
        let validator = validators.validator(resource, method, &mut self.problems).ok()?;
        Some(Plan { validator, request: mapping.request, response: mapping.response, integration: compiled })
    }
}

/// Where functions and services are.
fn places<'p>(settings: &'p Settings, door: Option<&'p Door>) -> Places<'p> {
    Places {
        functions: &settings.functions,
        lambda_endpoint: settings.lambda_endpoint.as_ref(),
        aws: &settings.aws,
        door: door.map(|door| places::Door { address: door.address, line: &door.line }),
    }
}

/// Names of a path's parameters, in its order: `/pets/{petId}/{rest+}`.
fn path_parameters(path: &str) -> Box<[Box<str>]> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| name.trim_end_matches('+').into()).collect()
}

/// A format of the access log.
pub(super) fn access_log(format: &str, problems: &mut Vec<Problem>) -> Option<watch::Format> {
    match watch::compile::compile(format) {
        Ok(format) => Some(format),
        Err(variable) => {
            let found = format!("the access log format names `{variable}`, which does not exist");
            let help = "use the variables of API Gateway's access logs";
            problems.push(Problem::nowhere("settings::access-log", found, help));
            None
        }
    }
}
