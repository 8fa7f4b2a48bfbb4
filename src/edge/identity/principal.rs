//! Who signed: what policies may ask of her.

use crate::edge::exchange::IdentityFacts;

/// A user, a role's session or an account's root.
#[derive(Debug, Default)]
pub struct Principal {
    pub facts: IdentityFacts,
    /// `aws:PrincipalArn`: of a session the role's.
    pub policy_arn: Box<str>,
    /// `aws:PrincipalType`
    pub kind: &'static str,
    /// Only users have one.
    pub username: Option<Box<str>>,
    pub org_paths: Box<[Box<str>]>,
    /// `aws:PrincipalTag/…` with its value.
    pub tags: Box<[(Box<str>, Box<str>)]>,
}
