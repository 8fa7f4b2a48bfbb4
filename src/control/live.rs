//! From rows to what the edge runs: which stages and routes a change touches, and what they compile to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::admin::call::Facts;
use super::admin::common::{inner, text};
use super::admin::errors::AwsError;
use super::commit::change::Change;
use super::commit::definitions::{Definitions, key, segments};
use super::commit::store::Store;
use super::deploy::api_keys;
use super::deploy::compile::Compiling;
use super::deploy::from_rows::{self, Owners};
use super::deploy::parsed::{Parsed, ParsedDeployments};
use super::deploy::refuse::refuse;
use super::deploy::stage::{Missing, ReleaseSource, StageSource};
use crate::edge::limit::api_key::ApiKeys;
use crate::edge::snapshot::Stage;
use crate::model::api_rows::{ApiRows, Object};
use crate::model::problem::{Problem, Severity};
use crate::model::routes::{
    BasePathMapping, CustomDomain, HeaderCondition, Routes, RoutingMode, RoutingRule, RuleCondition,
};
use crate::settings::{MethodSetting, Settings};
use crate::time::Instant;

/// API and stage.
pub type StageKey = (String, String);

/// What a change does to the edge, compiled and not yet published.
#[derive(Default)]
pub struct Effect {
    /// Each stage that changed; `None` where it has gone.
    pub stages: Vec<(StageKey, Option<Arc<Stage>>)>,
    /// All domains, where one of them changed.
    pub domains: Option<Vec<CustomDomain>>,
    /// All keys, where one of them or a plan changed.
    pub api_keys: Option<Arc<ApiKeys>>,
}

impl Effect {
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.domains.is_none() && self.api_keys.is_none()
    }
}

/// Reasons that one answer tells of a deployment that cannot be served.
const REASONS_MAX: usize = 50;

/// What compiling needs beside the rows and the store.
pub struct Tools<'t> {
    pub compiling: &'t mut Compiling,
    pub settings: &'t Settings,
    pub now: Instant,
}

impl Tools<'_> {
    /// The keys and plans of the rows.
    pub fn api_keys(&mut self, definitions: &Definitions) -> Arc<ApiKeys> {
        let around = (self.settings.workers.get(), self.now);
        api_keys::compile(&mut self.compiling.plans, definitions, around)
    }
}

/// Where rows are compiled.
pub struct Bench<'b, 't> {
    pub tools: &'b mut Tools<'t>,
    pub facts: &'b Facts,
    pub store: &'b Store,
    pub parsed: &'b mut ParsedDeployments,
}

impl Bench<'_, '_> {
    /// Compiles what the change touches; the rows are as they are behind it. What cannot be served refuses the change.
    pub fn effect(&mut self, definitions: &Definitions, change: &Change) -> Result<Effect, AwsError> {
        let mut effect = Effect::default();
        let (mut domains, mut keys) = (false, false);
        for (changed, row) in &change.rows {
            let parts = segments(changed);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            match (parts.as_slice(), row) {
                (["restapis", api, "stages", stage], Some(_)) => {
                    let compiled = self.stage(definitions, change, api, stage)?;
                    effect.stages.push((((*api).to_owned(), (*stage).to_owned()), Some(compiled)));
                }
                (["restapis", api, "stages", stage], None) => {
                    effect.stages.push((((*api).to_owned(), (*stage).to_owned()), None));
                }
                (["restapis", api, "deployments", id], Some(_)) => self.deployable(change, api, id)?,
                (["domainnames", ..], _) => domains = true,
                (["apikeys" | "usageplans", ..], _) => keys = true,
                (["usage", plan, key], Some(row)) => self.used(definitions, plan, key, row),
                _ => {}
            }
        }
        if domains {
            effect.domains = Some(custom_domains(definitions));
        }
        if keys {
            effect.api_keys = Some(self.tools.api_keys(definitions));
        }
        Ok(effect)
    }

    /// What `update-usage` gave counts at once. What was only counted says nothing new.
    fn used(&self, definitions: &Definitions, plan: &str, id: &str, row: &str) {
        let plan_row = definitions.draft().get(&key(&["usageplans", plan])).unwrap_or_default();
        let (Some(quota), Ok(row)) = (inner(&plan_row, "quota"), serde_json::from_str::<Object>(row)) else { return };
        if api_keys::adjusted(&row).is_some()
            && let Some(counters) = self.tools.compiling.plans.counters(plan, id)
        {
            let reading = api_keys::reading(&row, Some(api_keys::quota(quota)));
            counters.set_taken(reading.period, reading.taken);
        }
    }

    /// A deployment that no stage points at yet is refused as well where it needs what Weir does not enforce.
    fn deployable(&mut self, change: &Change, api: &str, id: &str) -> Result<(), AwsError> {
        let blob = key(&["deployments", api, id]);
        if !change.blobs.iter().any(|(key, bytes)| *key == blob && bytes.is_some()) {
            return Ok(());
        }
        let parsed = self.content(change, api, id)?;
        self.refused(&with_refusals(&parsed), &parsed.owners).map_or(Ok(()), Err)
    }

    /// One stage, from its row and the deployments that it points at.
    pub fn stage(
        &mut self,
        definitions: &Definitions,
        change: &Change,
        api_id: &str,
        name: &str,
    ) -> Result<Arc<Stage>, AwsError> {
        let row = definitions.draft().get(&key(&["restapis", api_id, "stages", name])).unwrap_or_default();
        let base_id = text(&row, "deploymentId").unwrap_or_default();
        let base = self.content(change, api_id, base_id)?;
        let variables = texts(inner(&row, "variables"));
        let canary = inner(&row, "canarySettings").map(|canary| -> Result<_, AwsError> {
            let id = text(canary, "deploymentId").unwrap_or(base_id);
            let parsed = self.content(change, api_id, id)?;
            // Told with its own methods' names: its places mean nothing beside the base's.
            if let Some(refused) = self.refused(&with_refusals(&parsed), &parsed.owners) {
                return Err(refused);
            }
            let mut variables = variables.clone();
            variables.extend(texts(inner(canary, "stageVariableOverrides")));
            let percent = canary.get("percentTraffic").and_then(Value::as_f64).unwrap_or(0.0);
            Ok((percent, id.to_owned(), parsed, variables))
        });
        let canary = canary.transpose()?;
        let settings = method_settings(inner(&row, "methodSettings"));
        let source = StageSource {
            name,
            base: ReleaseSource { api: &base.api, deployment_id: base_id, variables: &variables },
            canary: canary.as_ref().map(|(percent, id, parsed, variables)| {
                (*percent, ReleaseSource { api: &parsed.api, deployment_id: id, variables })
            }),
            method_settings: &settings,
            access_log_format: inner(&row, "accessLogSettings").and_then(|log| text(log, "format")),
            missing_variables: Missing::Empty,
        };
        self.compile(source, &base.owners, base.problems.clone())
    }

    /// Compiles a source, or tells why it cannot be served.
    pub fn compile(
        &mut self,
        source: StageSource<'_>,
        owners: &Owners,
        mut problems: Vec<Problem>,
    ) -> Result<Arc<Stage>, AwsError> {
        let compiled = self.tools.compiling.stage(source, self.tools.settings, self.tools.now, &mut problems);
        match compiled.filter(|_| self.refused(&problems, owners).is_none()) {
            Some(stage) => Ok(stage),
            None => Err(self.refused(&problems, owners).unwrap_or_else(|| cannot(&[]))),
        }
    }

    /// What a deployment keeps: of this change, else of the store.
    fn content(&mut self, change: &Change, api_id: &str, deployment_id: &str) -> Result<Arc<Parsed>, AwsError> {
        let wanted = key(&["deployments", api_id, deployment_id]);
        let own = change.blobs.iter().find(|(key, _)| *key == wanted).and_then(|(_, bytes)| bytes.as_deref());
        if let Some(parsed) = self.parsed.get(&wanted) {
            return Ok(parsed);
        }
        let read = match own {
            Some(bytes) => self.parsed.read(&wanted, api_id, bytes),
            None => {
                let stored = self.store.blob(&wanted).map_err(|error| AwsError::unavailable(error.to_string()))?;
                stored.and_then(|bytes| self.parsed.read(&wanted, api_id, &bytes))
            }
        };
        read.ok_or_else(|| AwsError::unavailable(format!("The content of deployment {deployment_id} is missing")))
    }

    fn refused(&self, problems: &[Problem], owners: &Owners) -> Option<AwsError> {
        let stands_in_the_way = |problem: &&Problem| match problem.severity {
            Severity::Error => true,
            Severity::Unsupported => !self.facts.lenient,
            Severity::Warning => false,
        };
        let reasons: Vec<String> =
            problems.iter().filter(stands_in_the_way).map(|problem| reason(problem, owners)).collect();
        (!reasons.is_empty()).then(|| cannot(&reasons))
    }
}

/// What stands in the way and, where it is the settings' to say, what to write there.
fn reason(problem: &Problem, owners: &Owners) -> String {
    let found = from_rows::describe(problem, owners);
    if problem.code == "refuse::nowhere" { format!("{found}. {}", problem.help) } else { found }
}

/// Everything that stands in the way of a deployment.
fn with_refusals(parsed: &Parsed) -> Vec<Problem> {
    let mut problems = parsed.problems.clone();
    problems.extend(refuse(&parsed.api).problems());
    problems
}

fn cannot(reasons: &[String]) -> AwsError {
    let more = reasons.len().saturating_sub(REASONS_MAX);
    let mut message = "Weir cannot serve this deployment:".to_owned();
    for reason in reasons.iter().take(REASONS_MAX) {
        message.push_str("\n\t");
        message.push_str(reason);
    }
    if more > 0 {
        message.push_str(&format!("\n\t… and {more} more"));
    }
    message.push_str("\nTake away what is named, or start Weir with --lenient to have just these methods answer 501.");
    AwsError::bad_request(message)
}

fn texts(map: Option<&Object>) -> BTreeMap<String, String> {
    let entries = map.into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn method_settings(settings: Option<&Object>) -> Vec<MethodSetting> {
    let entries = settings.into_iter().flatten();
    let of_stage = |(key, entry): (&String, &Value)| {
        let rate = entry.get("throttlingRateLimit").and_then(Value::as_f64);
        let burst = entry.get("throttlingBurstLimit").and_then(Value::as_i64);
        MethodSetting::of_stage(key, rate, burst)
    };
    entries.filter_map(of_stage).collect()
}

/// Every custom domain with its mappings and rules.
pub fn custom_domains(definitions: &Definitions) -> Vec<CustomDomain> {
    let draft = definitions.draft();
    let domain = |(at, row): (Box<str>, Object)| {
        let below = |part: &str| draft.children(&format!("{at}/{part}")).into_iter().map(|(_, row)| row);
        let mapping = |row: Object| BasePathMapping {
            base_path: text(&row, "basePath").unwrap_or_default().to_owned(),
            api_id: text(&row, "restApiId").unwrap_or_default().to_owned(),
            stage: text(&row, "stage").filter(|stage| !stage.is_empty()).map(str::to_owned),
        };
        CustomDomain {
            name: text(&row, "domainName").unwrap_or_default().to_owned(),
            routing_mode: text(&row, "routingMode").and_then(RoutingMode::parse).unwrap_or_default(),
            mappings: below("basepathmappings").map(mapping).collect(),
            rules: below("routingrules").filter_map(|row| rule(&row)).collect(),
            closed: row.get("_closed") == Some(&Value::Bool(true)),
        }
    };
    // A private domain is reached by VPC endpoints, which are not there: it must not shadow a public one of its name.
    let public = draft.children("domainnames").into_iter().filter(|(_, row)| !row.contains_key("domainNameId"));
    public.map(domain).collect()
}

fn rule(row: &Object) -> Option<RoutingRule> {
    let invoke = row.get("actions")?.get(0)?.get("invokeApi")?;
    let conditions = row.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Some(RoutingRule {
        id: text(row, "routingRuleId")?.to_owned(),
        priority: row.get("priority").and_then(Value::as_u64).and_then(|priority| u32::try_from(priority).ok())?,
        conditions: conditions.iter().filter_map(condition).collect(),
        api_id: invoke.get("apiId")?.as_str()?.to_owned(),
        stage: invoke.get("stage")?.as_str()?.to_owned(),
        strip_base_path: invoke.get("stripBasePath").and_then(Value::as_bool).unwrap_or(false),
    })
}

fn condition(condition: &Value) -> Option<RuleCondition> {
    let any_of = |name: &str| condition.get(name)?.get("anyOf")?.as_array();
    if let Some(paths) = any_of("matchBasePaths") {
        return Some(RuleCondition::BasePaths(
            paths.iter().filter_map(|path| Some(path.as_str()?.to_owned())).collect(),
        ));
    }
    let header = |one: &Value| {
        Some(HeaderCondition {
            header: one.get("header")?.as_str()?.to_owned(),
            value_glob: one.get("valueGlob")?.as_str()?.to_owned(),
        })
    };
    any_of("matchHeaders").map(|headers| RuleCondition::Headers(headers.iter().filter_map(header).collect()))
}

/// All that is live: by what names it, so that one of it can be replaced.
#[derive(Default)]
pub struct Live {
    pub api_keys: Arc<ApiKeys>,
    pub stages: BTreeMap<StageKey, Arc<Stage>>,
    pub routes: Routes,
}

impl Live {
    pub fn apply(&mut self, effect: Effect) {
        for (key, stage) in effect.stages {
            match stage {
                Some(stage) => self.stages.insert(key, stage),
                None => self.stages.remove(&key),
            };
        }
        if let Some(domains) = effect.domains {
            self.routes.domains = domains;
        }
        if let Some(api_keys) = effect.api_keys {
            self.api_keys = api_keys;
        }
    }

    pub fn all(&self) -> Vec<Arc<Stage>> {
        self.stages.values().cloned().collect()
    }
}

/// The same API with everything left out that decides who may call it: `test-invoke-method` asks no authorizer.
pub fn without_guards(rows: &mut ApiRows) {
    rows.api.shift_remove("policy");
    rows.api.insert("disableExecuteApiEndpoint".into(), true.into());
    rows.api.shift_remove("endpointConfiguration");
    for method in rows.resources.iter_mut().flat_map(|resource| &mut resource.methods) {
        method.insert("authorizationType".into(), "NONE".into());
        method.insert("apiKeyRequired".into(), false.into());
        method.shift_remove("authorizerId");
        method.shift_remove("authorizationScopes");
    }
}

/// Only the method under test: another one that cannot be served is no reason not to test this one.
pub fn only(rows: &mut ApiRows, path: &str, http_method: &str) {
    for resource in &mut rows.resources {
        let own = resource.path == path;
        resource.methods.retain(|method| own && text(method, "httpMethod") == Some(http_method));
    }
}
