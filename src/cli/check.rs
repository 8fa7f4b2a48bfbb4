//! `weir check`: every problem at once, and what each method would do.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};

use super::flags::{CheckFlags, RunFlags};
use super::gather::{settings, told};
use super::report;
use super::run::show;
use crate::control::deploy::compile::Compiling;
use crate::control::deploy::load::{Loaded, load};
use crate::control::deploy::refuse::refuse;
use crate::control::deploy::stage::Door;
use crate::control::refusal::Refusal;
use crate::edge::identity::Authorization;
use crate::edge::snapshot::{self, Plan, Release, Snapshot};
use crate::edge::transform::RequestMapping;
use crate::model::rest_api::{IntegrationType, Method};
use crate::settings::Settings;
use crate::telemetry::counters::Registry;
use crate::time::Clock;

pub(super) fn run(flags: CheckFlags) -> ExitCode {
    let groups = groups(&flags.run);
    if groups.len() > 1 && !flags.json {
        let note = "weir: several files without base paths are checked one by one: to run them together, write BASE_PATH=FILE\n";
        let _ = std::io::stderr().write_all(note.as_bytes());
    }
    let mut refused = false;
    let mut machine = (Vec::new(), Vec::new());
    for group in groups {
        let settings = settings(told(group.into_raw()));
        match settings.and_then(|settings| Ok((check(&settings)?, settings))) {
            Ok((checked, settings)) => {
                refused |= checked.loaded.is_refused(settings.lenient);
                if flags.json { collect(&checked, &settings, &mut machine) } else { tell(&checked, &settings) }
            }
            Err(refusal) => {
                refused = true;
                if flags.json {
                    machine.0.extend(report::to_json(&refusal.problems, &refusal.sources));
                } else {
                    show(&refusal.problems, &refusal.sources);
                }
            }
        }
    }
    if flags.json {
        let (problems, routes) = machine;
        let text = format!("{:#}\n", json!({ "problems": problems, "routes": routes }));
        let _ = std::io::stdout().write_all(text.as_bytes());
    }
    if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// What is checked together. Several files without base paths could not be run together, and nobody who checks
/// `*.yaml` wants to hear that: each is checked by itself.
fn groups(flags: &RunFlags) -> Vec<RunFlags> {
    let without_base_path = flags.apis.iter().filter(|api| !api.contains('=')).count();
    if without_base_path <= 1 {
        return vec![flags.clone()];
    }
    flags.apis.iter().map(|api| RunFlags { apis: vec![api.clone()], ..flags.clone() }).collect()
}

/// Loads and compiles.
fn check(settings: &Settings) -> Result<Checked, Refusal> {
    let mut loaded = load(settings);
    let registry = Arc::new(Registry::new(settings.limits.metrics_series_max));
    let mut snapshot = None;
    match Compiling::new(settings, registry) {
        Ok(mut compiling) => {
            compiling.door = Some(Door::unused());
            snapshot = compiling.compile(&mut loaded, settings, Clock::real().now());
        }
        Err(problems) => loaded.problems.extend(problems),
    }
    Ok(Checked { loaded, snapshot })
}

struct Checked {
    loaded: Loaded,
    /// Where nothing was refused.
    snapshot: Option<Snapshot>,
}

impl Checked {
    /// A method as it was compiled, and its release. Stages stand in the order of the files, methods in the order of the
    /// definition.
    fn method(&self, api: usize, method: usize) -> Option<(&Release, &snapshot::Method)> {
        let release = &self.snapshot.as_ref()?.stages.get(api)?.base;
        Some((release, release.methods.get(method)?))
    }
}

/// One row of the route table.
struct Route {
    api: String,
    method: &'static str,
    path: String,
    /// What is asked of whoever calls.
    callers: String,
    integration: String,
    request: &'static str,
    response: &'static str,
    why: String,
}

fn routes(checked: &Checked, settings: &Settings) -> Vec<Route> {
    let mut routes = Vec::new();
    for (api_index, loaded_api) in checked.loaded.apis.iter().enumerate() {
        let refusals = refuse(&loaded_api.api);
        let mut methods = 0..;
        for (resource_index, resource) in loaded_api.api.resources.iter().enumerate() {
            for (method_index, method) in resource.methods.iter().enumerate() {
                let refused = refusals.refused(resource_index, method_index);
                let index = methods.next();
                let compiled = index.and_then(|index| checked.method(api_index, index));
                let plan = compiled.and_then(|(_, method)| method.plan.as_ref());
                let (request, response, why) = if refused {
                    ("-", "-", refusals.why(resource_index, method_index))
                } else {
                    let signed = compiled.is_some_and(|(_, method)| matches!(method.authorization, Authorization::Iam));
                    match bodies(plan) {
                        ("streamed" | "dropped" | "constant", response, _) if signed => {
                            ("held", response, "the signature covers the request's body".to_owned())
                        }
                        (request, response, why) => (request, response, why.to_owned()),
                    }
                };
                routes.push(Route {
                    api: loaded_api.api.id.clone(),
                    method: method.http_method.as_str(),
                    path: format!("{}{}", mounted(&loaded_api.base_path), resource.path.value),
                    callers: compiled.map_or_else(|| "-".to_owned(), |(release, method)| callers(release, method)),
                    integration: if settings.lenient && plan.is_none() {
                        "501".to_owned()
                    } else {
                        integration(method)
                    },
                    request,
                    response,
                    why,
                });
            }
        }
    }
    routes
}

fn mounted(base_path: &str) -> String {
    if base_path.is_empty() { String::new() } else { format!("/{base_path}") }
}

fn integration(method: &Method) -> String {
    let Some(integration) = &method.integration else { return "none".to_owned() };
    let kind = integration.kind.value.as_str();
    let verb = integration.http_method.as_ref().map_or("ANY", |verb| verb.value.as_str());
    match &integration.uri {
        Some(uri) if integration.kind.value != IntegrationType::Mock => format!("{kind} {verb} {}", uri.value),
        _ => kind.to_owned(),
    }
}

/// Everybody may call what is `open`.
fn callers(release: &Release, method: &snapshot::Method) -> String {
    let by = match method.authorization {
        Authorization::Open => None,
        Authorization::Iam => Some("IAM"),
        Authorization::Lambda(_) => Some("function"),
        Authorization::UserPool(_) => Some("user pool"),
    };
    let asked = [
        by,
        release.policy.as_ref().map(|_| "policy"),
        release.is_private.then_some("private"),
        method.needs_api_key.then_some("key"),
    ];
    let asked: Vec<&str> = asked.into_iter().flatten().collect();
    if asked.is_empty() { "open".to_owned() } else { asked.join(", ") }
}

/// How the bodies go, each way, and why: as it was compiled.
fn bodies(plan: Option<&Plan>) -> (&'static str, &'static str, &'static str) {
    let Some(plan) = plan else { return ("-", "-", "not compiled") };
    if matches!(plan.request, RequestMapping::Function(_)) {
        return ("held", plan.response.bodies(), "a Lambda function is told of the whole request");
    }
    let request = match (&plan.request, plan.may_need_body()) {
        (RequestMapping::Mock(mock), _) if mock.is_constant() && plan.validator.is_none() => "dropped",
        (_, true) => "held",
        (request, _) if request.hands_on_encoded() => "streamed",
        _ => "constant",
    };
    let response = match (&plan.request, plan.response.bodies()) {
        // There is no backend whose body could be held.
        (RequestMapping::Mock(_), "held") => "made",
        (_, bodies) => bodies,
    };
    let why = match (request == "held", response == "held") {
        (true, true) => "templates, mappings, models or conversions look into both bodies",
        (true, false) => "a template, a mapping, a model or a conversion looks into the request's body",
        (false, true) => "a template, a mapping or a conversion looks into the response's body",
        (false, false) if request == "dropped" => "MOCK asks no backend",
        (false, false) => "nothing looks into the bodies",
    };
    (request, response, why)
}

fn tell(checked: &Checked, settings: &Settings) {
    let loaded = &checked.loaded;
    show(&loaded.problems, &loaded.sources);
    let routes = routes(checked, settings);
    let width = |of: fn(&Route) -> usize, least: usize| routes.iter().map(of).max().unwrap_or(0).max(least);
    let path = width(|route| route.path.chars().count(), 4);
    let callers = width(|route| route.callers.chars().count(), 7);
    let integration = width(|route| route.integration.chars().count(), 11);
    let mut text = String::new();
    for loaded_api in &loaded.apis {
        let api = &loaded_api.api;
        let host = format!("{}.execute-api.{}.amazonaws.com/{}", api.id, settings.region, settings.stage);
        text.push_str(&format!(
            "{} (api id {}) answers below {}/ and as {host}\n",
            api.name,
            api.id,
            mounted(&loaded_api.base_path)
        ));
    }
    if !routes.is_empty() {
        text.push_str(&format!(
            "\n{:7} {:path$} {:callers$} {:integration$} request  response bodies\n",
            "METHOD", "PATH", "CALLERS", "INTEGRATION"
        ));
    }
    for route in &routes {
        text.push_str(&format!(
            "{:7} {:path$} {:callers$} {:integration$} {:8} {:8} {}\n",
            route.method, route.path, route.callers, route.integration, route.request, route.response, route.why
        ));
    }
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn collect(checked: &Checked, settings: &Settings, (problems, all_routes): &mut (Vec<Value>, Vec<Value>)) {
    problems.extend(report::to_json(&checked.loaded.problems, &checked.loaded.sources));
    all_routes.extend(routes(checked, settings).into_iter().map(|route| {
        json!({
            "api": route.api,
            "method": route.method,
            "path": route.path,
            "callers": route.callers,
            "integration": route.integration,
            "request_body": route.request,
            "response_body": route.response,
            "why": route.why,
        })
    }));
}
