//! Who calls, and may she? By a signature, by a function that says so, by a token of a user pool (security/README).
//!
//! What is here decides; what has to wait for a body, a function or an issuer's keys is [`authorize`](super::authorize).

pub mod answers;
pub mod caller;
mod claims;
pub mod compile;
mod conditions;
pub mod fuzz;
pub mod iam;
pub mod issuer;
pub mod jwt;
pub mod lambda;
mod principal;
pub mod resource_policy;
pub mod user_pool;

use std::sync::Arc;

use claims::claims_for_context;
pub use conditions::{Attempt, Rules};
use lambda::{Said, header_value, unauthorized};
use serde_json::{Map, Value};
use user_pool::{UserPools, Verified, bare};

use super::exchange::Context;
use super::fault::Fault;
use crate::sigv4;

/// What a method asks of its callers.
#[derive(Debug, Default)]
pub enum Authorization {
    #[default]
    Open,
    /// `AWS_IAM`
    Iam,
    /// `CUSTOM`
    Lambda(Arc<lambda::Authorizer>),
    /// `COGNITO_USER_POOLS`
    UserPool(Asked),
}

/// What a method with an authorizer of user pools asks for.
#[derive(Debug)]
pub struct Asked {
    pub pools: Arc<UserPools>,
    pub scopes: Box<[Box<str>]>,
    /// Where the token comes in.
    pub header: Box<[u8]>,
    /// Whose tokens these are among all that a core remembers: of its stage, and of the authorizer and the scopes.
    pub name: [u8; 16],
}

impl Asked {
    /// What a token is remembered by, and the token as it came.
    pub fn identity<'x>(&self, context: &Context<'x>) -> Result<(Vec<u8>, &'x [u8]), Fault> {
        let value = header_value(context, &self.header).ok_or_else(unauthorized)?;
        // The same token with and without `Bearer`, and with more blanks, is one.
        Ok(([&self.name, bare(value)].concat(), value))
    }
}

/// What a good token says of its bearer: its claims as texts, and the scopes that let her in.
pub fn said(verified: Verified) -> Said {
    let mut context = Map::from_iter([("claims".to_owned(), Value::from(claims_for_context(&verified.claims)))]);
    if !verified.scopes.is_empty() {
        let scopes: Vec<Value> = verified.scopes.iter().map(|scope| Value::from(&**scope)).collect();
        context.insert("scopes".to_owned(), scopes.into());
    }
    Said { context, rules: None, usage_identifier_key: None, policy: Box::default(), policy_bytes: 0 }
}

/// What is remembered of one stage's callers begins with this.
pub fn stage_name(api_id: &str, stage: &str) -> [u8; 8] {
    digest(&format!("{api_id}/{stage}"))
}

fn digest(text: &str) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&sigv4::hash(text.as_bytes())[..8]);
    short
}

/// What resource policies and authorizers' policies are asked about.
pub const INVOKE: &str = "execute-api:Invoke";
