//! What Weir cannot do yet, one row a feature: a definition that needs it is refused, never served without it.
//!
//! Under `--lenient` the API starts all the same, and only the methods that need such a feature answer 501.

use std::collections::HashSet;

use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{Integration, IntegrationType, Method, RestApi, SecurityKind};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Index of the resource, index of the method in it, and what that method needs.
    pub methods: Vec<(usize, usize, Problem)>,
    /// What AWS does not enforce either, but a reader could think it does.
    pub warnings: Vec<Problem>,
    hit: HashSet<(usize, usize)>,
}

impl Refusals {
    /// Everything once, in no particular order: a report sorts by place. What the document asks of each of a hundred
    /// methods is written in one place, and told once.
    pub fn problems(&self) -> Vec<Problem> {
        let methods = self.methods.iter().map(|(_, _, problem)| problem);
        let mut told = HashSet::new();
        let all = methods.chain(&self.warnings);
        all.filter(|problem| told.insert((problem.code, problem.place.map(|place| (place.file, place.offset)))))
            .cloned()
            .collect()
    }

    /// What keeps a method from being served, in words.
    pub fn why(&self, resource: usize, method: usize) -> String {
        let own =
            self.methods.iter().filter(|(at, of, _)| (*at, *of) == (resource, method)).map(|(_, _, problem)| problem);
        let all: Vec<&str> = own.map(|problem| problem.found.as_str()).collect();
        all.join("; ")
    }

    /// Whether a method may not be served, because it would be served without something that it needs.
    pub fn refused(&self, resource: usize, method: usize) -> bool {
        self.hit.contains(&(resource, method))
    }
}

pub fn refuse(api: &RestApi) -> Refusals {
    let mut refusals = Refusals::default();
    for (resource_index, resource) in api.resources.iter().enumerate() {
        for (method_index, method) in resource.methods.iter().enumerate() {
            let needs = METHOD.iter().filter_map(|feature| {
                let place = (feature.needed)(api, method)?;
                Some(Problem::unsupported(feature.code, place, feature.found, feature.help))
            });
            for problem in needs {
                refusals.hit.insert((resource_index, method_index));
                refusals.methods.push((resource_index, method_index, problem));
            }
        }
    }
    refusals.warnings = informational_schemes(api);
    refusals
}

struct MethodFeature {
    code: &'static str,
    found: &'static str,
    help: &'static str,
    needed: fn(&RestApi, &Method) -> Option<Place>,
}

#[rustfmt::skip] // one row a feature
const METHOD: &[MethodFeature] = &[
    MethodFeature { code: "refuse::vpc-link", needed: vpc_link,
        found: "VPC links are not there yet", help: "Remove `connectionType`, and let `uri` name the backend itself: Weir connects from where it runs" },
    MethodFeature { code: "refuse::credentials", needed: credentials,
        found: "credentials have no meaning for HTTP backends yet", help: "Remove `credentials`" },
    MethodFeature { code: "refuse::insecure-skip-verification", needed: insecure,
        found: "backends' certificates are always verified", help: "Remove `insecureSkipVerification`, and give Weir your CA's certificate in its settings" },
    MethodFeature { code: "refuse::host-placeholder", needed: host_placeholder,
        found: "a parameter in the URI's host is not there yet", help: "Write the host out, or take it from a stage variable: `${stageVariables.host}`" },
];

fn vpc_link(_: &RestApi, method: &Method) -> Option<Place> {
    let kind = method.integration.as_ref()?.connection_type.as_ref()?;
    (kind.value == "VPC_LINK").then_some(kind.place)
}

/// Where a method asks for an API key.
pub(super) fn api_key(api: &RestApi, method: &Method) -> Option<Place> {
    secured(api, method, |kind| *kind == SecurityKind::ApiKey)
}

/// Where a scheme of some kind is asked for. A name that no scheme has is an authorizer for all we know.
fn secured(api: &RestApi, method: &Method, wanted: fn(&SecurityKind) -> bool) -> Option<Place> {
    let unknown = SecurityKind::Authorizer(String::new());
    let kind_of = |name: &Located<String>| {
        api.security_schemes
            .iter()
            .find(|scheme| scheme.name.value == name.value)
            .map_or(&unknown, |scheme| &scheme.kind)
    };
    method.security.iter().find(|name| wanted(kind_of(name))).map(|name| name.place)
}

fn credentials(_: &RestApi, method: &Method) -> Option<Place> {
    let integration = method.integration.as_ref().filter(|integration| is_http(integration))?;
    integration.credentials.as_ref().map(|credentials| credentials.place)
}

fn insecure(_: &RestApi, method: &Method) -> Option<Place> {
    let skip = method.integration.as_ref()?.insecure_skip_verification.as_ref()?;
    skip.value.then_some(skip.place)
}

fn host_placeholder(_: &RestApi, method: &Method) -> Option<Place> {
    let uri = method.integration.as_ref().filter(|integration| is_http(integration))?.uri.as_ref()?;
    let (_, rest) = uri.value.split_once("://")?;
    // A stage variable's own brace is no placeholder.
    let rest = rest.replace("${", "");
    let host = rest.split(['/', '?', '#']).next()?;
    host.contains('{').then_some(uri.place)
}

/// One warning a scheme in use that AWS does not enforce.
fn informational_schemes(api: &RestApi) -> Vec<Problem> {
    let used: HashSet<&str> = api
        .resources
        .iter()
        .flat_map(|resource| &resource.methods)
        .flat_map(|method| method.security.iter().map(|name| name.value.as_str()))
        .collect();
    let idle = api.security_schemes.iter().filter(|scheme| scheme.kind == SecurityKind::Other);
    idle.filter(|scheme| used.contains(scheme.name.value.as_str()))
        .map(|scheme| {
            let found = format!(
                "the security scheme `{}` is informational: nobody is refused because of it",
                scheme.name.value
            );
            let help = "AWS enforces only `x-api-key`, authorizers and IAM: let the backend check who calls";
            Problem::warning("refuse::informational", scheme.name.place, found, help)
        })
        .collect()
}

fn is_http(integration: &Integration) -> bool {
    matches!(integration.kind.value, IntegrationType::Http | IntegrationType::HttpProxy)
}
