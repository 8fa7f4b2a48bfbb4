//! COGNITO_USER_POOLS authorizers: is this token one of the pools', still good, and of the kind that the method asks for?
//! (security/cognito-and-jwt, section 1.)
//!
//! The signature is looked at before anything else that the answer would show: who cannot sign learns nothing, not even
//! that a token has expired.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::claims::{number, texts, words};
use super::issuer::Issuer;
use super::jwt::{NotVerified, Token, verify};
use crate::lang::budget::Budget;
use crate::lang::java_regex::Regex;
use crate::settings::limits::{TOKEN_BYTES_MAX, TOKEN_EXPRESSION_STEPS_MAX, TOKEN_ISSUED_AHEAD_SECONDS_MAX};

/// What an authorizer was told.
#[derive(Debug)]
pub struct UserPools {
    /// Any of them may have issued the token; `iss` says which one.
    pub pools: Box<[Arc<Issuer>]>,
    /// `identityValidationExpression`, looked for in `aud`.
    pub expression: Option<Regex>,
}

/// What is to be answered.
#[derive(Debug)]
pub enum Verdict {
    Good(Verified),
    /// 401 `Unauthorized`.
    Unauthorized,
    /// 401 `The incoming token has expired`; its signature is good.
    Expired,
    /// The token names a key that is not among the issuer's. With fresh ones it may be good; without, `Unauthorized`.
    UnknownKey(Arc<Issuer>),
    /// The issuer has no keys (yet). The same.
    NoKeys(Arc<Issuer>),
}

/// A token that is good.
#[derive(Debug)]
pub struct Verified {
    pub claims: Map<String, Value>,
    /// Unix seconds; the token is good before.
    pub expires: u64,
    /// Those of the method's scopes that the token has too; none where the method has none.
    pub scopes: Vec<Box<str>>,
}

/// `value` is the header's: the bare token, or `Bearer` and the token.
pub fn judge(pools: &UserPools, value: &[u8], scopes: &[Box<str>], unix_seconds: u64) -> Verdict {
    let Some(token) = Token::parse(bare(value)) else { return Verdict::Unauthorized };
    let issuer = token.claims.get("iss").and_then(Value::as_str);
    let Some(pool) = pools.pools.iter().find(|pool| Some(pool.terms.name.as_str()) == issuer) else {
        return Verdict::Unauthorized;
    };
    let Some(keys) = pool.keys() else { return Verdict::NoKeys(Arc::clone(pool)) };
    match verify(&token, &keys, &pool.terms.algorithms) {
        Ok(()) => {}
        Err(NotVerified::UnknownKey) => return Verdict::UnknownKey(Arc::clone(pool)),
        Err(NotVerified::WrongAlgorithm | NotVerified::BadSignature) => return Verdict::Unauthorized,
    }
    let claims = token.claims;
    // No leeway. A fraction of a second is rounded to the strict side.
    let Some(expires) = claims.get("exp").and_then(number).map(|exp| exp.floor().max(0.0) as u64) else {
        return Verdict::Unauthorized;
    };
    if expires <= unix_seconds {
        return Verdict::Expired;
    }
    if !is_of_now(&claims, unix_seconds) || !is_of_kind(&claims, pool.terms.stands_in, !scopes.is_empty()) {
        return Verdict::Unauthorized;
    }
    if !is_for_us(&claims, &pool.terms.audiences) || !pools.expression.as_ref().is_none_or(|it| expects(it, &claims)) {
        return Verdict::Unauthorized;
    }
    let shared = shared(&claims, scopes);
    if !scopes.is_empty() && shared.is_empty() {
        return Verdict::Unauthorized;
    }
    Verdict::Good(Verified { claims, expires, scopes: shared })
}

/// `Bearer` in any case (RFC 9110 section 11.1), with the blanks around it.
pub(super) fn bare(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    match value.split_at_checked(6) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"bearer") && token.starts_with(b" ") => {
            token.trim_ascii_start()
        }
        _ => value,
    }
}

/// `nbf` and `iat` need not be there, but must be numbers that have passed; `iat` by a clock that may be ahead of ours.
fn is_of_now(claims: &Map<String, Value>, unix_seconds: u64) -> bool {
    let has_passed = |name: &str, ahead: u64| {
        claims
            .get(name)
            .is_none_or(|value| number(value).is_some_and(|at| at <= unix_seconds.saturating_add(ahead) as f64))
    };
    has_passed("nbf", 0) && has_passed("iat", TOKEN_ISSUED_AHEAD_SECONDS_MAX)
}

/// A method with scopes wants an access token, one without an ID token.
fn is_of_kind(claims: &Map<String, Value>, stands_in: bool, has_scopes: bool) -> bool {
    match claims.get("token_use") {
        Some(kind) => *kind == if has_scopes { "access" } else { "id" },
        None => stands_in,
    }
}

fn is_for_us(claims: &Map<String, Value>, audiences: &[String]) -> bool {
    // When both exist only `aud` counts.
    let said = claims.get("aud").or_else(|| claims.get("client_id"));
    audiences.is_empty() || said.is_some_and(|said| texts(said).any(|one| audiences.iter().any(|known| known == one)))
}

/// An access token of Cognito has no `aud`, and so AWS refuses it where there is an expression.
fn expects(expression: &Regex, claims: &Map<String, Value>) -> bool {
    let budget = Budget::new(TOKEN_EXPRESSION_STEPS_MAX, TOKEN_BYTES_MAX);
    // One that takes too long has not matched.
    let is_found = |text: &str| expression.is_found_in(text, &budget) == Ok(true);
    claims.get("aud").is_some_and(|aud| texts(aud).any(is_found))
}

/// `scope` is a text with blanks (RFC 8693 section 4.2); some issuers write `scp`, and a list.
fn shared(claims: &Map<String, Value>, scopes: &[Box<str>]) -> Vec<Box<str>> {
    let said = claims.get("scope").or_else(|| claims.get("scp"));
    let has = |scope: &str| said.is_some_and(|said| words(said).any(|word| word == scope));
    scopes.iter().filter(|scope| has(scope)).cloned().collect()
}

#[cfg(test)]
mod tests;
