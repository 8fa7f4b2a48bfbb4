//! IAM policies: who may do what with which resource under which conditions. Compiled once, then only run.
//!
//! What is not known (an element, an operator, a condition key) is an error when it is compiled: a `Deny` that silently
//! never matches would be a hole.

mod condition;
mod document;
mod pattern;
mod principal;
mod short;
mod statement;
mod value;

pub use document::PolicyError;
pub use principal::Principal;
pub use short::write_out;
pub use statement::Request;
use statement::Statement;

/// A compiled policy document.
#[derive(Clone, Debug)]
pub struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    ExplicitDeny,
    Allow,
    /// No statement applies; whether that is a no depends on who else has a say.
    Silent,
}

impl Policy {
    /// A policy of an identity, or of an authorizer's answer: it names no principal.
    pub fn compile(json: &str) -> Result<Self, PolicyError> {
        Ok(Self { statements: document::compile(&document::parse(json)?, false)? })
    }

    /// A policy of a resource: every statement names its principals.
    pub fn compile_resource(json: &str) -> Result<Self, PolicyError> {
        Ok(Self { statements: document::compile(&document::parse(json)?, true)? })
    }

    /// As [`compile`](Self::compile), of a document that has been read already. The reader has refused names that stand
    /// twice in one object.
    pub fn of_value(document: &serde_json::Value) -> Result<Self, PolicyError> {
        Ok(Self { statements: document::compile(document, false)? })
    }

    /// As [`compile_resource`](Self::compile_resource), of a document that has been read already.
    pub fn of_resource_value(document: &serde_json::Value) -> Result<Self, PolicyError> {
        Ok(Self { statements: document::compile(document, true)? })
    }

    /// Every condition key that it looks at, as it is written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(Statement::keys)
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
