//! IAM policies: who may do what with which resource under which conditions. Compiled once, then only run.
//!
//! What is not known (an element, an operator, a condition key) is an error when it is compiled: a `Deny` that silently
//! never matches would be a hole.

mod condition;
mod document;
mod pattern;
mod principal;
mod value;

use condition::Condition;
use pattern::{Arn, Glob};
pub use principal::Principal;
use principal::Principals;

/// A compiled policy document.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allows: bool,
    /// Only in resource policies.
    principals: Option<Principals>,
    /// `Action`, or with `true` `NotAction`; in lower case.
    actions: (bool, Vec<Glob>),
    resources: (bool, Vec<Arn>),
    conditions: Vec<Condition>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// `execute-api:Invoke`
    pub action: &'r str,
    /// Its `*` and `?` are letters like others.
    pub resource: &'r str,
    pub principal: Principal<'r>,
    /// Condition keys and their values; a key with several values stands here several times. A key that does not stand
    /// here is absent, so whoever decides gives every key that [`Policy::keys`] may name.
    pub context: &'r [(&'r str, &'r str)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    ExplicitDeny,
    Allow,
    /// No statement applies; whether that is a no depends on who else has a say.
    Silent,
}

/// Why a document is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct PolicyError {
    /// `Statement[0].Condition.StringEquals`
    pub place: String,
    pub message: String,
}

impl Policy {
    /// A policy of an identity, or of an authorizer's answer: it names no principal.
    pub fn compile(json: &str) -> Result<Self, PolicyError> {
        document::compile(&document::parse(json)?, false)
    }

    /// A policy of a resource: every statement names its principals.
    pub fn compile_resource(json: &str) -> Result<Self, PolicyError> {
        document::compile(&document::parse(json)?, true)
    }

    /// As [`compile`](Self::compile), of a document that has been read already. The reader has refused names that stand
    /// twice in one object.
    pub fn of_value(document: &serde_json::Value) -> Result<Self, PolicyError> {
        document::compile(document, false)
    }

    /// As [`compile_resource`](Self::compile_resource), of a document that has been read already.
    pub fn of_resource_value(document: &serde_json::Value) -> Result<Self, PolicyError> {
        document::compile(document, true)
    }

    /// Every condition key that it looks at, as it is written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|statement| {
            let variables = statement.resources.1.iter().flat_map(Arn::variables);
            statement.conditions.iter().flat_map(Condition::keys).chain(variables)
        })
    }
}

/// One explicit deny beats every allow; the order of policies and statements does not matter.
pub fn decide<'p>(policies: impl IntoIterator<Item = &'p Policy>, request: &Request<'_>) -> Decision {
    let action = request.action.to_ascii_lowercase();
    let mut decision = Decision::Silent;
    for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
        if (!statement.allows || decision == Decision::Silent) && statement.applies(&action, request) {
            if !statement.allows {
                return Decision::ExplicitDeny;
            }
            decision = Decision::Allow;
        }
    }
    decision
}

impl Statement {
    fn applies(&self, action: &str, request: &Request<'_>) -> bool {
        self.principals.as_ref().is_none_or(|principals| principals.include(request.principal))
            && self.actions.1.iter().any(|glob| glob.matches(action)) != self.actions.0
            && self.is_about(request)
            && self.conditions.iter().all(|condition| condition.holds(request.context))
    }

    /// A resource whose variable has no value applies to nothing, with `Resource` and with `NotResource`.
    fn is_about(&self, request: &Request<'_>) -> bool {
        let (inverted, patterns) = &self.resources;
        let mut found = false;
        for pattern in patterns {
            match pattern.matches(request.resource, request.context) {
                Some(matches) => found |= matches,
                None if *inverted => return false,
                None => {}
            }
        }
        found != *inverted
    }
}

/// For the fuzzer, and for the test that runs its seeds. A document: whatever compiles decides without a panic, the
/// order of its statements does not matter, and a denial beats it. Anything else is a glob and a text, on a line each:
/// matching agrees with the textbook.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if !text.trim_start().starts_with('{') {
        let (glob, text) = text.split_once('\n').unwrap_or((&text, ""));
        return pattern::fuzz(glob, text);
    }
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    let Ok(denial) = Policy::compile(deny) else { return };
    for policy in [Policy::compile(&text), Policy::compile_resource(&text)].into_iter().flatten() {
        let mut reversed = policy.clone();
        reversed.statements.reverse();
        for action in ["execute-api:Invoke", "apigateway:GET"] {
            for resource in ["arn:aws:execute-api:us-east-1:123456789012:abcdef1234/prod/GET/pets/1", "*", ""] {
                for context in
                    [&[][..], &[("aws:SourceIp", "10.0.0.1"), ("aws:username", "a*"), ("aws:CurrentTime", "x")]]
                {
                    let request = Request { action, resource, principal: Principal::Anonymous, context };
                    let decision = decide([&policy], &request);
                    assert_eq!(decide([&reversed], &request), decision, "order does not matter");
                    assert_eq!(decide([&policy, &denial], &request), Decision::ExplicitDeny, "a no is a no");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
