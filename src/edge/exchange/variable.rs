//! The variables of `$context` (rest/08 section 8.12).

use super::context::{Context, IdentityFacts};
use super::request::{domain, trace_root};
use crate::wire::headers::Known;

/// The variables of `$context` that exist before an integration is called (rest/08 section 8.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    AccountId,
    ApiId,
    ApiKey,
    ApiKeyId,
    BasePathMatched,
    DeploymentId,
    DomainName,
    DomainPrefix,
    ExtendedRequestId,
    HttpMethod,
    IdentityAccessKey,
    IdentityAccountId,
    IdentityUser,
    IdentityUserArn,
    IsCanaryRequest,
    Path,
    PrincipalOrgId,
    Protocol,
    RequestId,
    RequestTime,
    RequestTimeEpoch,
    ResourceId,
    ResourcePath,
    RoutingRuleIdMatched,
    SourceIp,
    Stage,
    UserAgent,
    VpcId,
    VpceId,
    XrayTraceId,
    /// Exists on AWS and has no value here: no Cognito identity, no certificate, no web ACL.
    Absent,
}

const VARIABLES: &[(&str, Variable)] = &[
    ("accountId", Variable::AccountId),
    ("apiId", Variable::ApiId),
    ("customDomain.basePathMatched", Variable::BasePathMatched),
    ("customDomain.routingRuleIdMatched", Variable::RoutingRuleIdMatched),
    ("deploymentId", Variable::DeploymentId),
    ("domainName", Variable::DomainName),
    ("domainPrefix", Variable::DomainPrefix),
    ("extendedRequestId", Variable::ExtendedRequestId),
    ("httpMethod", Variable::HttpMethod),
    ("identity.accessKey", Variable::IdentityAccessKey),
    ("identity.accountId", Variable::IdentityAccountId),
    ("identity.apiKey", Variable::ApiKey),
    ("identity.apiKeyId", Variable::ApiKeyId),
    ("identity.caller", Variable::IdentityUser),
    ("identity.principalOrgId", Variable::PrincipalOrgId),
    ("identity.sourceIp", Variable::SourceIp),
    ("identity.user", Variable::IdentityUser),
    ("identity.userAgent", Variable::UserAgent),
    ("identity.userArn", Variable::IdentityUserArn),
    ("identity.vpcId", Variable::VpcId),
    ("identity.vpceId", Variable::VpceId),
    ("isCanaryRequest", Variable::IsCanaryRequest),
    ("path", Variable::Path),
    ("protocol", Variable::Protocol),
    ("requestId", Variable::RequestId),
    ("requestTime", Variable::RequestTime),
    ("requestTimeEpoch", Variable::RequestTimeEpoch),
    ("resourceId", Variable::ResourceId),
    ("resourcePath", Variable::ResourcePath),
    ("stage", Variable::Stage),
    ("xrayTraceId", Variable::XrayTraceId),
];

/// Groups of `$context` that have no values yet, or only for callers that Weir does not know yet.
const ABSENT_GROUPS: &[&str] = &["authenticate.", "authorize.", "authorizer.", "customDomain.", "identity.", "waf."];
const ABSENT: &[&str] =
    &["awsEndpointRequestId", "cipherSuite", "endpointType", "tlsVersion", "wafResponseCode", "webaclArn"];

impl Variable {
    /// By its name behind `$context.`; `None` where AWS has none of that name.
    pub fn named(name: &str) -> Option<Self> {
        let row = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable);
        let absent = || {
            let grouped = ABSENT_GROUPS.iter().any(|group| name.starts_with(group));
            (grouped || ABSENT.contains(&name)).then_some(Self::Absent)
        };
        row.or_else(absent)
    }

    /// All names, for "did you mean".
    pub fn names() -> impl Iterator<Item = &'static str> {
        VARIABLES.iter().map(|(name, _)| *name)
    }

    /// Whether the client chose its bytes: everything else is ours, and holds nothing that a log would have to escape.
    pub fn is_of_client(self) -> bool {
        matches!(
            self,
            Self::ApiKey | Self::DomainName | Self::DomainPrefix | Self::HttpMethod | Self::Path | Self::UserAgent
        )
    }

    /// Writes the value; false where there is none.
    #[inline]
    pub fn write(self, context: &Context<'_>, push: &mut impl FnMut(&[u8])) -> bool {
        let request = context.request;
        match self {
            Self::AccountId => push(context.stage.account_id.as_bytes()),
            Self::ApiId => push(context.stage.api_id.as_bytes()),
            // Told as it was sent, also to a method that needs none (security/api-keys-usage-plans section 2).
            Self::ApiKey => match context.api_key.map(str::as_bytes).or_else(|| request.value(Known::XApiKey)) {
                Some(value) => push(value),
                None => return false,
            },
            Self::ApiKeyId => match context.api_key_id {
                Some(id) => push(id.as_bytes()),
                None => return false,
            },
            Self::BasePathMatched => match context.domain.and_then(|domain| domain.base_path.as_deref()) {
                Some(base_path) => push(base_path.as_bytes()),
                None => return false,
            },
            Self::DeploymentId => push(context.stage.deployment_id.as_bytes()),
            Self::DomainName | Self::DomainPrefix if request.host().is_empty() => return false,
            Self::DomainName | Self::DomainPrefix => {
                let name = match context.by_path_form() {
                    Some(_) => context.stage.default_domain.as_bytes(),
                    None => domain(request.host()),
                };
                let prefix = || name.split(|&byte| byte == b'.').next().unwrap_or_default();
                push(if self == Self::DomainName { name } else { prefix() });
            }
            Self::ExtendedRequestId => push(&request.ids.extended),
            Self::HttpMethod if request.method_text().is_empty() => return false,
            Self::HttpMethod => {
                push(context.method.map_or_else(|| request.method_text(), |method| method.verb_of(request)))
            }
            Self::IdentityAccessKey => return identity(context, push, |identity| Some(&identity.access_key)),
            Self::IdentityAccountId => return identity(context, push, |identity| Some(&identity.account_id)),
            Self::IdentityUser => return identity(context, push, |identity| Some(&identity.user_id)),
            Self::IdentityUserArn => return identity(context, push, |identity| Some(&identity.user_arn)),
            Self::PrincipalOrgId => {
                return identity(context, push, |identity| identity.principal_org_id.as_deref());
            }
            Self::IsCanaryRequest => match context.stage.canary {
                Some(canary) => push(if canary { b"true" } else { b"false" }),
                None => return false,
            },
            Self::Path if request.path().is_empty() => return false,
            Self::Path => match context.by_path_form() {
                Some((stage, rest)) => {
                    push(stage);
                    push(rest);
                }
                None => push(request.path()),
            },
            // rest/01 section 1.1: AWS says HTTP/1.1 whatever the client spoke.
            Self::Protocol => push(b"HTTP/1.1"),
            Self::RequestId => push(&request.ids.request),
            Self::RequestTime => match &request.stamp {
                Some(stamp) => push(&stamp.request_time),
                None => return false,
            },
            Self::RequestTimeEpoch => push(request.unix_millis.to_string().as_bytes()),
            Self::ResourceId => match context.method {
                Some(method) => push(method.resource_id.as_bytes()),
                None => return false,
            },
            Self::ResourcePath => match context.method {
                Some(method) => push(method.resource_path.as_bytes()),
                None => return false,
            },
            Self::RoutingRuleIdMatched => match context.domain.and_then(|domain| domain.routing_rule_id.as_deref()) {
                Some(id) => push(id.as_bytes()),
                None => return false,
            },
            Self::SourceIp => push(request.source_ip()),
            Self::Stage => push(context.stage.stage.as_bytes()),
            Self::UserAgent => match request.value(Known::UserAgent) {
                Some(value) => push(value),
                None => return false,
            },
            Self::VpcId => match request.peer.vpc_endpoint.as_ref().and_then(|endpoint| endpoint.vpc.as_deref()) {
                Some(vpc) => push(vpc.as_bytes()),
                None => return false,
            },
            Self::VpceId => match &request.peer.vpc_endpoint {
                Some(endpoint) => push(endpoint.id.as_bytes()),
                None => return false,
            },
            Self::XrayTraceId => push(trace_root(request)),
            Self::Absent => return false,
        }
        true
    }
}

fn identity(
    context: &Context<'_>,
    push: &mut impl FnMut(&[u8]),
    of: impl FnOnce(&IdentityFacts) -> Option<&str>,
) -> bool {
    let value = context.identity.and_then(of);
    value.inspect(|value| push(value.as_bytes())).is_some()
}
