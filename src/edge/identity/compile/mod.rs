//! What a definition says of its callers to what the edge asks of them.

mod principals;

pub use principals::principals;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::edge::exchange::{INTAKE_NAMES, Variable};
use crate::edge::identity::conditions::Rules;
use crate::edge::identity::issuer::Issuer;
use crate::edge::identity::lambda::{self, Kind, Source};
use crate::edge::identity::resource_policy::ResourcePolicy;
use crate::edge::identity::user_pool::UserPools;
use crate::edge::identity::{Asked, Authorization, digest, stage_name};
use crate::edge::upstream::places::{FunctionArn, Nowhere, Places};
use crate::edge::upstream::signing::{FindCredential, Signing};
use crate::edge::upstream::{Endpoints, Integration};
use crate::lang::java_regex::Regex;
use crate::lang::policy::{Policy, write_out};
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{Authorizer, Method, RestApi, SecurityKind, SecurityScheme};
use crate::net::tls::{self, ClientConfig};
use crate::settings::limits::{
    AUTHORIZER_ANSWER_BYTES_MAX, AUTHORIZER_TIMEOUT, AUTHORIZER_TTL_DEFAULT, RESOURCE_POLICY_BYTES_MAX,
};

/// The keys of a user pool, by the pool's ARN; or why there are none.
pub type FindIssuer<'c> = &'c mut dyn FnMut(&str) -> Result<Arc<Issuer>, String>;

/// User pools, and the header that a token of theirs comes in.
type Pools = (Arc<UserPools>, Box<[u8]>);

/// Compiles what the methods of one stage ask of their callers.
pub struct Compiler<'c> {
    pub api: &'c RestApi,
    pub stage: &'c str,
    pub variables: &'c BTreeMap<String, String>,
    /// Its method ARNs up to the verb.
    pub arn: &'c str,
    pub places: Places<'c>,
    pub credential: FindCredential<'c>,
    pub endpoints: &'c mut Endpoints,
    pub tls: &'c ClientConfig,
    pub issuer: FindIssuer<'c>,
    pub problems: &'c mut Vec<Problem>,
    /// What was compiled for a scheme, for the methods behind the first.
    lambdas: BTreeMap<String, Option<Arc<lambda::Authorizer>>>,
    pools: BTreeMap<String, Option<Pools>>,
}

impl<'c> Compiler<'c> {
    #[allow(clippy::too_many_arguments)] // each is a thing of its own, and they are named where they are given
    pub fn new(
        api: &'c RestApi,
        stage: &'c str,
        variables: &'c BTreeMap<String, String>,
        arn: &'c str,
        places: Places<'c>,
        credential: FindCredential<'c>,
        endpoints: &'c mut Endpoints,
        tls: &'c ClientConfig,
        issuer: FindIssuer<'c>,
        problems: &'c mut Vec<Problem>,
    ) -> Self {
        let (lambdas, pools) = (BTreeMap::new(), BTreeMap::new());
        Self { api, stage, variables, arn, places, credential, endpoints, tls, issuer, problems, lambdas, pools }
    }

    /// `None`, and a problem, where it cannot be asked: the method must not be served then.
    pub fn authorization(&mut self, method: &Method) -> Option<Authorization> {
        let schemes: Vec<(&Located<String>, Option<&SecurityScheme>)> =
            method.security.iter().map(|name| (name, self.scheme(&name.value))).collect();
        let is_iam = method.auth.as_ref().is_some_and(|auth| auth.value == "AWS_IAM")
            || schemes.iter().any(|(_, scheme)| scheme.is_some_and(|scheme| scheme.kind == SecurityKind::AwsIam));
        // A name that no scheme has is an authorizer for all we know.
        let is_authorizer = |scheme: &Option<&SecurityScheme>| {
            scheme.is_none_or(|scheme| matches!(scheme.kind, SecurityKind::Authorizer(_)))
        };
        let mut authorizers = schemes.iter().filter(|(_, scheme)| is_authorizer(scheme));
        let Some((name, scheme)) = authorizers.next() else {
            return Some(if is_iam { Authorization::Iam } else { Authorization::Open });
        };
        if is_iam || authorizers.next().is_some() {
            let found = "a method can have one authorizer, or IAM authorization, and not several of them";
            self.refuse("authorizer::several", name.place, found, "Name one of them in `security`");
            return None;
        }
        let Some((scheme, authorizer)) = scheme.and_then(|scheme| Some((scheme, scheme.authorizer.as_ref()?))) else {
            self.refuse("authorizer::unknown", name.place, "no authorizer is named so", "Name one that the API has");
            return None;
        };
        let SecurityKind::Authorizer(kind) = &scheme.kind else { return None };
        match kind.as_str() {
            "token" | "request" => {
                if let Some(known) = self.lambdas.get(&scheme.name.value) {
                    return known.clone().map(Authorization::Lambda);
                }
                let compiled = self.lambda(scheme, authorizer, kind == "request").map(Arc::new);
                self.lambdas.insert(scheme.name.value.clone(), compiled.clone());
                compiled.map(Authorization::Lambda)
            }
            "cognito_user_pools" => self.user_pool(scheme, authorizer, method).map(Authorization::UserPool),
            _ => {
                let found = format!("`{kind}` is no type of authorizer of a REST API");
                self.refuse("authorizer::type", scheme.name.place, found, "Write token, request or cognito_user_pools");
                None
            }
        }
    }

    /// The API's own policy, where it has one that is a policy; what is none is a problem.
    pub fn resource_policy(&mut self) -> Option<ResourcePolicy> {
        let policy = self.api.policy.as_ref()?;
        let mut document = policy.value.clone();
        write_out(&mut document, arn_of_api(self.arn, self.stage).trim_end_matches('/'));
        let bytes = policy.value.to_string().len();
        if bytes > RESOURCE_POLICY_BYTES_MAX {
            let found = format!("a resource policy of {bytes} bytes: AWS takes {RESOURCE_POLICY_BYTES_MAX}");
            self.problems.push(Problem::error("policy::size", policy.place, found, "Write it in fewer statements"));
            return None;
        }
        match Policy::of_resource_value(&document).and_then(Rules::new) {
            Ok(rules) => Some(ResourcePolicy { rules }),
            Err(error) => {
                let found = format!(
                    "Invalid policy document. Please check the policy syntax and ensure that Principals are valid. ({error})"
                );
                let help = "See the IAM user guide for how a policy is written";
                self.problems.push(Problem::error("policy::document", policy.place, found, help));
                None
            }
        }
    }

    fn scheme(&self, name: &str) -> Option<&'c SecurityScheme> {
        self.api.security_schemes.iter().find(|scheme| scheme.name.value == name)
    }

    fn lambda(
        &mut self,
        scheme: &SecurityScheme,
        authorizer: &Authorizer,
        is_request: bool,
    ) -> Option<lambda::Authorizer> {
        let place = scheme.name.place;
        let uri = self.with_variables(authorizer.uri.as_deref().unwrap_or_default());
        let Some(function) = function_of(&uri).and_then(FunctionArn::parse) else {
            let found = format!("the authorizer's URI `{uri}` names no Lambda function");
            let help = "Write `arn:aws:apigateway:REGION:lambda:path/2015-03-31/functions/FUNCTION-ARN/invocations`";
            self.error("authorizer::uri", place, found, help);
            return None;
        };
        let ttl = authorizer.result_ttl_in_seconds.map(u64::from).map_or(AUTHORIZER_TTL_DEFAULT, Duration::from_secs);
        let written = authorizer.identity_source.as_deref().unwrap_or_default();
        let kind = if is_request {
            let sources: Vec<Source> = written
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(|text| self.source(text, place))
                .collect::<Option<_>>()?;
            if sources.is_empty() && !ttl.is_zero() {
                let found = "an authorizer whose answers are remembered has no `identitySource` to remember them by";
                let help = "Name what identifies a caller, or write `authorizerResultTtlInSeconds: 0`";
                self.error("authorizer::identity-source", place, found, help);
                return None;
            }
            Kind::Request { sources: sources.into() }
        } else {
            let Some(header) = written.trim().strip_prefix("method.request.header.") else {
                let found = format!("`{written}` is no header that a token could come in");
                self.error("authorizer::identity-source", place, found, "Write `method.request.header.NAME`");
                return None;
            };
            Kind::Token {
                header: header.as_bytes().into(),
                expression: self.expression(authorizer, place)?.map(Box::new),
            }
        };
        let role = authorizer.credentials.as_deref().map(|role| self.with_variables(role));
        let target = match self.places.function(&function, ("2015-03-31", "invocations"), role.as_deref()) {
            Ok(target) => target,
            Err(Nowhere { found, help }) => {
                self.problems.push(Problem::unsupported("refuse::nowhere", place, found, help));
                return None;
            }
        };
        let (https, host, port) = (target.endpoint.https, target.endpoint.host.as_str(), target.endpoint.port);
        let secured = match (https, tls::server_name(host)) {
            (false, _) => None,
            (true, Some(name)) => Some((self.tls.clone(), name)),
            (true, None) => {
                let found = format!("`{host}` is not a name that a certificate can carry");
                self.error("authorizer::endpoint", place, found, "Use a DNS name or an IP address");
                return None;
            }
        };
        let own = if https { 443 } else { 80 };
        let authority = if port == own { host.to_owned() } else { format!("{host}:{port}") };
        let source_arn = format!("{}authorizers/{}", arn_of_api(self.arn, self.stage), scheme.name.value);
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {authority}\r\n\
             Content-Type: application/json\r\nX-Amz-Invocation-Type: RequestResponse\r\n\
             X-Amz-Source-Arn: {source_arn}\r\n{}",
            target.path, target.lines
        );
        Some(lambda::Authorizer {
            kind,
            ttl,
            name: self.name(scheme, &format!("{uri} {authority}")),
            function: Integration {
                endpoint: self.endpoints.endpoint(host, port, secured),
                timeout: AUTHORIZER_TIMEOUT,
                response_bytes_max: AUTHORIZER_ANSWER_BYTES_MAX,
                streams: false,
                signing: target.signed.map(|signed| Arc::new(Signing::new(&signed, &mut *self.credential))),
            },
            head: head.into_bytes().into(),
        })
    }

    /// `method.request.header.Authorization`, `stageVariables.tenant`, `context.httpMethod`.
    fn source(&mut self, text: &str, place: Place) -> Option<Source> {
        let bytes = |name: &str| -> Box<[u8]> { name.as_bytes().into() };
        let source = if let Some(name) = text.strip_prefix("method.request.header.") {
            let intake = INTAKE_NAMES.iter().find(|own| own.eq_ignore_ascii_case(name));
            Some(intake.map_or_else(|| Source::Header(bytes(name)), |own| Source::Intake(own)))
        } else if let Some(name) = text.strip_prefix("method.request.querystring.") {
            Some(Source::Query(bytes(name)))
        } else if let Some(name) = text.strip_prefix("stageVariables.") {
            Some(Source::Text(self.variables.get(name).map_or("", String::as_str).into()))
        } else {
            text.strip_prefix("context.").and_then(Variable::named).map(Source::Context)
        };
        if source.is_none() {
            let found = format!("`{text}` is no part of a request that could identify a caller");
            let help = "Write `method.request.header.NAME`, `method.request.querystring.NAME`, `stageVariables.NAME` or `context.NAME`";
            self.error("authorizer::identity-source", place, found, help);
        }
        source
    }

    /// The outer one is none, and a problem, where it is no expression.
    fn expression(&mut self, authorizer: &Authorizer, place: Place) -> Option<Option<Regex>> {
        let Some(text) = authorizer.identity_validation_expression.as_deref().filter(|text| !text.is_empty()) else {
            return Some(None);
        };
        match Regex::compile(text) {
            Ok(expression) => Some(Some(expression)),
            Err(error) => {
                let found = format!("the authorizer's `identityValidationExpression` cannot be used: {error}");
                self.error("authorizer::expression", place, found, "Write a regular expression as Java has them");
                None
            }
        }
    }

    fn user_pool(&mut self, scheme: &SecurityScheme, authorizer: &Authorizer, method: &Method) -> Option<Asked> {
        let known = match self.pools.get(&scheme.name.value) {
            Some(known) => known.clone(),
            None => {
                let compiled = self.pools_of(scheme, authorizer);
                self.pools.insert(scheme.name.value.clone(), compiled.clone());
                compiled
            }
        };
        let (pools, header) = known?;
        let scopes: Box<[Box<str>]> = method.authorization_scopes.iter().map(|scope| scope.as_str().into()).collect();
        let issuers: Vec<String> = pools.pools.iter().map(|issuer| format!("{:?}", issuer.terms)).collect();
        let expression = authorizer.identity_validation_expression.as_deref().unwrap_or_default();
        let name = self.name(scheme, &format!("{} {expression} {}", issuers.join(" "), scopes.join(" ")));
        Some(Asked { pools, scopes, header, name })
    }

    fn pools_of(&mut self, scheme: &SecurityScheme, authorizer: &Authorizer) -> Option<Pools> {
        let place = scheme.name.place;
        let written = authorizer.identity_source.as_deref().unwrap_or_default();
        let Some(header) = written.trim().strip_prefix("method.request.header.") else {
            let found = format!("`{written}` is no header that a token could come in");
            self.error("authorizer::identity-source", place, found, "Write `method.request.header.NAME`");
            return None;
        };
        let mut pools = Vec::new();
        for arn in &authorizer.provider_arns {
            let arn = self.with_variables(arn);
            match (self.issuer)(&arn) {
                Ok(issuer) => pools.push(issuer),
                Err(found) => {
                    let help = "Write `arn:aws:cognito-idp:REGION:ACCOUNT:userpool/POOL`";
                    self.error("authorizer::provider", place, found, help);
                    return None;
                }
            }
        }
        if pools.is_empty() {
            let found = "an authorizer of user pools names none";
            self.error("authorizer::provider", place, found, "Name at least one in `providerARNs`");
            return None;
        }
        let expression = self.expression(authorizer, place)?;
        Some((Arc::new(UserPools { pools: pools.into(), expression }), header.as_bytes().into()))
    }

    fn with_variables(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in self.variables {
            text = text.replace(&format!("${{stageVariables.{name}}}"), value);
        }
        text
    }

    /// A later deployment with the same authorizer goes on with what is remembered; another one does not.
    fn name(&self, scheme: &SecurityScheme, what: &str) -> [u8; 16] {
        let mut name = [0; 16];
        name[..8].copy_from_slice(&stage_name(&self.api.id, self.stage));
        name[8..].copy_from_slice(&digest(&format!("{}\n{:?}\n{what}", scheme.name.value, scheme.authorizer)));
        name
    }

    fn error(&mut self, code: &'static str, place: Place, found: impl Into<String>, help: &str) {
        self.problems.push(Problem::error(code, place, found, help));
    }

    fn refuse(&mut self, code: &'static str, place: Place, found: impl Into<String>, help: &str) {
        self.problems.push(Problem::unsupported(code, place, found, help));
    }
}

/// `arn:aws:lambda:us-east-1:123456789012:function:who`
fn function_of(uri: &str) -> Option<&str> {
    let (head, path) = uri.split_once(":lambda:path/")?;
    let path = path.trim_start_matches('/');
    let function = path.strip_prefix("2015-03-31/functions/")?.strip_suffix("/invocations")?;
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.$".contains(&byte);
    (head.starts_with("arn:") && !function.is_empty() && function.bytes().all(is_sound)).then_some(function)
}

/// `arn:aws:execute-api:us-east-1:123456789012:abcde12345/`
fn arn_of_api<'a>(arn: &'a str, stage: &str) -> &'a str {
    arn.strip_suffix('/').and_then(|arn| arn.strip_suffix(stage)).unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_uris() {
        let head = "arn:aws:apigateway:us-east-1:lambda:path";
        let function = "arn:aws:lambda:us-east-1:123456789012:function:who:live";
        let check = |uri: &str, expected: Option<&str>| assert_eq!(function_of(uri), expected, "{uri}");
        check(&format!("{head}/2015-03-31/functions/{function}/invocations"), Some(function));
        check(&format!("{head}//2015-03-31/functions/{function}/invocations"), Some(function));
        check(&format!("{head}/2015-03-31/functions//invocations"), None);
        check(&format!("{head}/2015-03-31/functions/a b/invocations"), None);
        check(&format!("{head}/2015-03-31/functions/a\r\nX: y/invocations"), None);
        check("http://a/2015-03-31/functions/a/invocations", None);
    }
}
