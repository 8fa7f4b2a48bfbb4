//! One token, taken apart: header, claims, signature. Whether it is true is said by `verify`.

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::base64url;
use crate::lang::unique_json;
use crate::settings::limits::TOKEN_BYTES_MAX;

/// A token that could be true: its form is sound, and its algorithm is one of ours.
#[derive(Debug)]
pub struct Token<'t> {
    pub algorithm: Algorithm,
    /// Which key it says to be signed with.
    pub kid: String,
    pub claims: Map<String, Value>,
    /// The first two parts with the dot between them, as they were sent.
    pub(super) signed: &'t [u8],
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Of the header only `alg`, `kid`, `crit` and `b64` matter. What else could name a key (`jku`, `jwk`, `x5u`, `x5c`)
    /// is whoever sent it speaking of himself.
    pub fn parse(text: &'t [u8]) -> Option<Self> {
        if text.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let first = memchr::memchr(b'.', text)?;
        let last = memchr::memrchr(b'.', text).filter(|last| *last > first)?;
        let (signed, signature) = (text.get(..last)?, text.get(last + 1..)?);
        // A third dot would stand among the claims, where it is no letter of base64url.
        let (header, claims) = (object(signed.get(..first)?)?, object(signed.get(first + 1..)?)?);
        // RFC 7515 section 4.1.11: what is critical must be understood, and no extension is. RFC 7797: the one that changes
        // what is signed must be critical.
        if header.contains_key("crit") || header.get("b64").is_some_and(|b64| *b64 != true) {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::parse(header.get("alg")?.as_str()?)?,
            kid: header.get("kid")?.as_str()?.to_owned(),
            claims,
            signed,
            signature: base64url::decode(signature)?,
        })
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    match unique_json::parse(&base64url::decode(part)?).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
