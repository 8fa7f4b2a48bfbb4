//! The API's own policy, and what it and the caller's policies say together (security/resource-policies section 2).

use std::fmt::Write as _;

use super::conditions::{Attempt, Rules, decide};
use crate::edge::fault::{Fault, FaultKind};
use crate::lang::policy::{Decision, Principal};

/// `x-amazon-apigateway-policy`.
#[derive(Debug)]
pub struct ResourcePolicy {
    pub(super) rules: Rules,
}

/// Whose word stands beside the resource policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A signer of the API's own account.
    SameAccount,
    /// A signer of another one: both have to allow.
    OtherAccount,
    /// An authorizer's function, which counts as of the same account.
    Function,
}

/// Whoever calls has been asked all that her method and its API ask, and may. Only this file makes one, and the limits ask
/// for it: a request that nobody looked at does not get further.
#[derive(Debug)]
pub struct Allowed(());

impl Allowed {
    /// Of a caller whom somebody at a terminal or in the settings has made up (`weir invoke`, `--dev-identity`).
    pub fn as_assumed() -> Self {
        Self(())
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Nothing allows it.
    Silent,
    Explicit,
}

impl ResourcePolicy {
    pub fn decide(&self, attempt: &Attempt<'_>, who: Principal<'_>) -> Decision {
        decide([&self.rules].into_iter(), attempt, who)
    }
}

/// Where nobody but the resource policy has a say, if there is one: it has to allow.
pub fn alone(resource: Option<Decision>) -> Result<Allowed, Denial> {
    match resource {
        None | Some(Decision::Allow) => Ok(Allowed(())),
        Some(Decision::Silent) => Err(Denial::Silent),
        Some(Decision::ExplicitDeny) => Err(Denial::Explicit),
    }
}

/// Tables A and B. An API without a policy has no say (`None`).
pub fn together(identity: Decision, resource: Option<Decision>, side: Side) -> Result<Allowed, Denial> {
    use Decision::{Allow, ExplicitDeny, Silent};
    match (identity, resource) {
        (ExplicitDeny, _) | (_, Some(ExplicitDeny)) => Err(Denial::Explicit),
        (Allow, Some(Allow)) => Ok(Allowed(())),
        // A resource policy is the only way into another account, and cannot open it for who may not leave hers.
        _ if side == Side::OtherAccount => Err(Denial::Silent),
        (Allow, _) | (Silent, Some(Allow)) => Ok(Allowed(())),
        (Silent, Some(Silent) | None) => Err(Denial::Silent),
    }
}

/// What a caller is told who has an ARN, or is `anonymous`. The account's number is masked (security/errors).
pub fn refuse_user(user: &str, attempt: &Attempt<'_>, denial: Denial) -> Fault {
    let mut message = format!("User: {user} is not authorized to perform: {} on resource: ", attempt.action);
    push_masked(attempt.resource, &mut message);
    if denial == Denial::Explicit {
        message.push_str(" with an explicit deny");
    }
    Fault::with_message(FaultKind::AccessDenied, message)
}

/// What a caller is told whom an authorizer's function does not let through.
pub fn refuse_authorized(denial: Denial) -> Fault {
    match denial {
        Denial::Silent => Fault::new(FaultKind::AccessDenied),
        Denial::Explicit => Fault::with_message(
            FaultKind::AccessDenied,
            "User is not authorized to access this resource with an explicit deny in an identity-based policy",
        ),
    }
}

/// `arn:aws:execute-api:us-west-2:********2543:vd2gh6uqw3/api/GET/`
fn push_masked(arn: &str, out: &mut String) {
    for (at, field) in arn.splitn(6, ':').enumerate() {
        if at > 0 {
            out.push(':');
        }
        match field.len().checked_sub(4) {
            Some(hidden) if at == 4 && field.is_ascii() => {
                let _ = write!(out, "{}{}", "*".repeat(hidden), &field[hidden..]);
            }
            _ => out.push_str(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{Allow, ExplicitDeny, Silent};

    const GOOD: Result<(), Denial> = Ok(());
    const EXPLICIT: Result<(), Denial> = Err(Denial::Explicit);
    const IMPLICIT: Result<(), Denial> = Err(Denial::Silent);

    #[test]
    #[rustfmt::skip] // tables, as the page has them
    fn tables_a_and_b() {
        for (identity, resource, same, other) in [
            (Allow,        Some(Allow),        GOOD,     GOOD),
            (Allow,        Some(Silent),       GOOD,     IMPLICIT),
            (Allow,        Some(ExplicitDeny), EXPLICIT, EXPLICIT),
            (Allow,        None,               GOOD,     IMPLICIT),
            (Silent,       Some(Allow),        GOOD,     IMPLICIT),
            (Silent,       Some(Silent),       IMPLICIT, IMPLICIT),
            (Silent,       Some(ExplicitDeny), EXPLICIT, EXPLICIT),
            (Silent,       None,               IMPLICIT, IMPLICIT),
            (ExplicitDeny, Some(Allow),        EXPLICIT, EXPLICIT),
            (ExplicitDeny, Some(Silent),       EXPLICIT, EXPLICIT),
            (ExplicitDeny, Some(ExplicitDeny), EXPLICIT, EXPLICIT),
            (ExplicitDeny, None,               EXPLICIT, EXPLICIT),
        ] {
            let told = |side| together(identity, resource, side).map(drop);
            assert_eq!(told(Side::SameAccount), same, "{identity:?} {resource:?}");
            assert_eq!(told(Side::Function), same, "{identity:?} {resource:?}");
            assert_eq!(told(Side::OtherAccount), other, "{identity:?} {resource:?}");
        }
        let told = |resource| alone(resource).map(drop);
        assert_eq!((told(None), told(Some(Allow))), (GOOD, GOOD));
        assert_eq!((told(Some(Silent)), told(Some(ExplicitDeny))), (IMPLICIT, EXPLICIT));
    }

    #[test]
    fn accounts_are_masked() {
        let mut text = String::new();
        push_masked("arn:aws:execute-api:us-west-2:123456782543:vd2gh6uqw3/api/GET/a:b", &mut text);
        assert_eq!(text, "arn:aws:execute-api:us-west-2:********2543:vd2gh6uqw3/api/GET/a:b");
    }
}
