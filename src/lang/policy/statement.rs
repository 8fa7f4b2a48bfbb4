//! One statement: whom, what and which resource it is about, and when.

use super::condition::Condition;
use super::pattern::{Arn, Glob};
use super::principal::{Principal, Principals};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// `execute-api:Invoke`
    pub action: &'r str,
    /// Its `*` and `?` are letters like others.
    pub resource: &'r str,
    pub principal: Principal<'r>,
    /// Condition keys and their values; a key with several values stands here several times. A key that does not stand
    /// here is absent, so whoever decides gives every key that [`Policy::keys`](super::Policy::keys) may name.
    pub context: &'r [(&'r str, &'r str)],
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) allows: bool,
    /// Only in resource policies.
    pub(super) principals: Option<Principals>,
    /// `Action`, or with `true` `NotAction`; in lower case.
    pub(super) actions: (bool, Vec<Glob>),
    pub(super) resources: (bool, Vec<Arn>),
    pub(super) conditions: Vec<Condition>,
}

impl Statement {
    /// `action` in lower case.
    pub(super) fn applies(&self, action: &str, request: &Request<'_>) -> bool {
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

    /// Every condition key that it looks at, as it is written.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let variables = self.resources.1.iter().flat_map(Arn::variables);
        self.conditions.iter().flat_map(Condition::keys).chain(variables)
    }
}
