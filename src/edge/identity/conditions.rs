//! What conditions of policies may ask of a request (security/iam-policy-engine section 5). Only what some policy asks for
//! is written: most ask for an address, and some for nothing.

use std::borrow::Cow;

use jiff::Timestamp;

use super::principal::Principal;
use crate::edge::exchange::Request;
use crate::lang::policy::{self, Decision, Policy, PolicyError};

/// A compiled policy, and the keys that it asks for.
#[derive(Debug)]
pub struct Rules {
    policy: Policy,
    asked: Asked,
}

/// AWS takes sessions back by a denial of all that were issued before a time. Nobody here knows when one was, and a denial
/// that never applies would be a hole.
const NOT_KNOWN: &str = "aws:TokenIssueTime";

/// Bits of [`KEYS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked(u32);

/// Somebody who wants to do something.
#[derive(Clone, Copy)]
pub struct Attempt<'r> {
    pub request: &'r Request,
    /// Who signed; nobody else has properties that a policy could ask for.
    pub principal: Option<&'r Principal>,
    /// `execute-api:Invoke`
    pub action: &'r str,
    /// The method's ARN with the path as it was asked for.
    pub resource: &'r str,
    /// The same as a backend may read it, where that is another: what denies the one denies the other.
    pub respelled: Option<&'r str>,
}

type Write = for<'r> fn(&Attempt<'r>, &mut Vec<(&'r str, Cow<'r, str>)>);

/// One row a key: its name in lower case, and how its values are written. Keys that no caller at the edge can have
/// (`aws:SourceArn` of a calling service, `aws:MultiFactorAuthPresent`) have no row: they are absent, as on AWS.
#[rustfmt::skip] // a table: one row a key
const KEYS: &[(&str, Write)] = &[
    ("aws:currenttime", |attempt, out| out.push(("aws:CurrentTime", time(attempt.request).into()))),
    ("aws:epochtime", |attempt, out| out.push(("aws:EpochTime", (attempt.request.unix_millis / 1_000).to_string().into()))),
    ("aws:securetransport", |_, out| out.push(("aws:SecureTransport", "false".into()))),
    ("aws:sourceip", |attempt, out| address(attempt, "aws:SourceIp", false, out)),
    ("aws:vpcsourceip", |attempt, out| address(attempt, "aws:VpcSourceIp", true, out)),
    ("aws:sourcevpc", |attempt, out| {
        let vpc = attempt.request.peer.vpc_endpoint.as_ref().and_then(|endpoint| endpoint.vpc.as_deref());
        out.extend(vpc.map(|vpc| ("aws:SourceVpc", vpc.into())));
    }),
    ("aws:sourcevpce", |attempt, out| {
        let endpoint = attempt.request.peer.vpc_endpoint.as_ref();
        out.extend(endpoint.map(|endpoint| ("aws:SourceVpce", (&*endpoint.id).into())));
    }),
    ("aws:useragent", |attempt, out| header(attempt, "aws:UserAgent", b"user-agent", out)),
    ("aws:referer", |attempt, out| header(attempt, "aws:Referer", b"referer", out)),
    ("aws:principalarn", |attempt, out| of(attempt, "aws:PrincipalArn", |principal| Some(&principal.policy_arn), out)),
    ("aws:principalaccount", |attempt, out| of(attempt, "aws:PrincipalAccount", |principal| Some(&principal.facts.account_id), out)),
    ("aws:principaltype", |attempt, out| of(attempt, "aws:PrincipalType", |principal| Some(principal.kind), out)),
    ("aws:userid", |attempt, out| of(attempt, "aws:userid", |principal| Some(&principal.facts.user_id), out)),
    ("aws:username", |attempt, out| of(attempt, "aws:username", |principal| principal.username.as_deref(), out)),
    ("aws:principalorgid", |attempt, out| of(attempt, "aws:PrincipalOrgID", |principal| principal.facts.principal_org_id.as_deref(), out)),
    ("aws:principalorgpaths", |attempt, out| {
        let paths = attempt.principal.iter().flat_map(|principal| &principal.org_paths);
        out.extend(paths.map(|path| ("aws:PrincipalOrgPaths", (&**path).into())));
    }),
    ("aws:principaltag/", |attempt, out| {
        let tags = attempt.principal.iter().flat_map(|principal| &principal.tags);
        out.extend(tags.map(|(key, value)| (&**key, (&**value).into())));
    }),
];

impl Rules {
    /// Or why it cannot be asked.
    pub fn new(policy: Policy) -> Result<Self, PolicyError> {
        if policy.keys().any(|key| key.eq_ignore_ascii_case(NOT_KNOWN)) {
            let message = format!("`{NOT_KNOWN}` is not known here: give the session another access key");
            return Err(PolicyError { place: "Condition".to_owned(), message });
        }
        let mut asked = Asked::default();
        for key in policy.keys() {
            let key = key.to_ascii_lowercase();
            let is_it = |known: &str| key == known || known.ends_with('/') && key.starts_with(known);
            if let Some(at) = KEYS.iter().position(|(known, _)| is_it(known)) {
                asked.0 |= 1 << at;
            }
        }
        Ok(Self { policy, asked })
    }

    /// What an authorizer's policy says: it names no principal.
    pub fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        decide([self].into_iter(), attempt, policy::Principal::Anonymous)
    }
}

/// What these policies together say: one explicit deny beats every allow.
pub(super) fn decide<'p>(
    rules: impl Iterator<Item = &'p Rules> + Clone,
    attempt: &Attempt<'_>,
    who: policy::Principal<'_>,
) -> Decision {
    let asked = rules.clone().fold(0, |asked, rules| asked | rules.asked.0);
    let mut values = Vec::new();
    for (at, (_, write)) in KEYS.iter().enumerate() {
        if asked & (1 << at) != 0 {
            write(attempt, &mut values);
        }
    }
    let context: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, &**value)).collect();
    let request =
        policy::Request { action: attempt.action, resource: attempt.resource, principal: who, context: &context };
    let decision = policy::decide(rules.clone().map(|rules| &rules.policy), &request);
    let respelled = attempt.respelled.filter(|_| decision != Decision::ExplicitDeny);
    let denied = |resource| {
        let request = policy::Request { resource, ..request };
        policy::decide(rules.map(|rules| &rules.policy), &request) == Decision::ExplicitDeny
    };
    if respelled.is_some_and(denied) { Decision::ExplicitDeny } else { decision }
}

fn time(request: &Request) -> String {
    let millis = i64::try_from(request.unix_millis).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis - millis % 1_000).unwrap_or_default().to_string()
}

/// Public calls have `aws:SourceIp`, private ones `aws:VpcSourceIp`, and neither has the other.
fn address<'r>(attempt: &Attempt<'r>, key: &'static str, of_private: bool, out: &mut Vec<(&'r str, Cow<'r, str>)>) {
    if attempt.request.peer.vpc_endpoint.is_some() == of_private {
        out.push((key, String::from_utf8_lossy(attempt.request.source_ip())));
    }
}

fn header<'r>(attempt: &Attempt<'r>, key: &'static str, name: &[u8], out: &mut Vec<(&'r str, Cow<'r, str>)>) {
    out.extend(attempt.request.last_line(name).map(|value| (key, String::from_utf8_lossy(value))));
}

fn of<'r>(
    attempt: &Attempt<'r>,
    key: &'static str,
    value: impl FnOnce(&'r Principal) -> Option<&'r str>,
    out: &mut Vec<(&'r str, Cow<'r, str>)>,
) {
    out.extend(attempt.principal.and_then(value).map(|value| (key, value.into())));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(condition: &str) -> Rules {
        let json = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*","Condition":{condition}}}}}"#
        );
        Rules::new(Policy::compile(&json).expect(condition)).expect(condition)
    }

    #[track_caller]
    fn check(condition: &str, expected: bool) {
        let request = Request { unix_millis: 1_440_938_160_999, ..Request::default() };
        let principal = Principal {
            policy_arn: "arn:aws:iam::123456789012:user/ada".into(),
            username: Some("ada".into()),
            org_paths: Box::new(["o-1/r-1/a/".into(), "o-1/r-1/b/".into()]),
            tags: Box::new([("aws:PrincipalTag/team".into(), "blue".into())]),
            ..Principal::default()
        };
        let attempt = Attempt {
            request: &request,
            principal: Some(&principal),
            action: "execute-api:Invoke",
            resource: "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/",
            respelled: None,
        };
        let rules = rules(condition);
        let decision = decide([&rules].into_iter(), &attempt, policy::Principal::Anonymous);
        assert_eq!(decision == Decision::Allow, expected, "{condition}");
    }

    #[test]
    fn keys_have_the_values_of_the_request() {
        check(r#"{"DateEquals":{"aws:CurrentTime":"2015-08-30T12:36:00Z"}}"#, true);
        check(r#"{"NumericEquals":{"AWS:EpochTime":"1440938160"}}"#, true);
        check(r#"{"Bool":{"aws:SecureTransport":"true"}}"#, false);
        check(r#"{"Null":{"aws:SourceVpce":"true"}}"#, true);
        check(r#"{"Null":{"aws:VpcSourceIp":"true"}}"#, true);
        check(r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"}}"#, true);
        check(r#"{"StringEquals":{"aws:username":"ada"}}"#, true);
        check(r#"{"StringEquals":{"aws:PrincipalTag/team":"blue"}}"#, true);
        check(r#"{"StringEquals":{"aws:PrincipalTag/other":"blue"}}"#, false);
        check(r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-1/b/*"}}"#, true);
        check(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false);
        check(r#"{"Null":{"aws:SourceArn":"true"}}"#, true);
    }
}
