//! The public keys of an issuer: a JSON Web Key Set (RFC 7517).
//!
//! A set holds what its issuer needs for other things too. A key that cannot verify a token's signature is skipped; only a
//! set without any that can is an error.

use std::fmt;

use hashbrown::HashMap;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::base64url;
use super::public_key::PublicKey;
use crate::lang::unique_json;
use crate::settings::limits::{
    JWKS_BYTES_MAX, JWKS_KEYS_MAX, JWKS_KEYS_PER_KID_MAX, JWKS_REASONS_MAX, JWKS_TOLD_CHARS_MAX,
};

/// RFC 7518 section 3.3 asks for 2,048 bits at least; ring takes no more than 8,192.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// The largest public exponent that ring takes has 33 bits.
const RSA_EXPONENT_BYTES_MAX: usize = 5;

/// Keys by their `kid`.
#[derive(Debug)]
pub struct KeySet {
    by_kid: HashMap<String, Vec<Key>>,
}

/// One key, ready to verify.
#[derive(Debug)]
pub(super) struct Key {
    /// Where the key says it, it is for nothing else (RFC 7517 section 4.4).
    pub(super) algorithm: Option<Algorithm>,
    pub(super) public: PublicKey,
}

/// Why a document is not the keys of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySetError {
    TooLarge,
    NotJson(String),
    /// JSON, but no object with a list `keys`.
    NoKeySet,
    TooManyKeys,
    TooManyOfOneName,
    /// Why each key was skipped; the first few of them.
    NoUsableKey(Vec<String>),
}

impl KeySet {
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > JWKS_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let document = unique_json::parse(json).map_err(|error| KeySetError::NotJson(told(&error.to_string())))?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NoKeySet)?;
        let mut by_kid: HashMap<String, Vec<Key>> = HashMap::new();
        let (mut kept, mut skipped) = (0, Vec::new());
        for (index, key) in keys.iter().enumerate() {
            match read(key) {
                // One too many is not dropped in silence: nobody would know why its tokens are refused.
                Ok(_) if kept == JWKS_KEYS_MAX => return Err(KeySetError::TooManyKeys),
                Ok((kid, key)) => {
                    let of_kid = by_kid.entry_ref(kid).or_default();
                    if of_kid.len() == JWKS_KEYS_PER_KID_MAX {
                        return Err(KeySetError::TooManyOfOneName);
                    }
                    of_kid.push(key);
                    kept += 1;
                }
                Err(reason) if skipped.len() < JWKS_REASONS_MAX => skipped.push(format!("keys[{index}]: {reason}")),
                Err(_) => {}
            }
        }
        if kept == 0 { Err(KeySetError::NoUsableKey(skipped)) } else { Ok(Self { by_kid }) }
    }

    /// The keys with this name. There may be several: RFC 7517 section 4.5 only says that there should not.
    pub(super) fn named(&self, kid: &str) -> &[Key] {
        self.by_kid.get(kid).map_or(&[], Vec::as_slice)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.by_kid.values().map(Vec::len).sum()
    }

    /// Never: a set without keys is an error.
    pub fn is_empty(&self) -> bool {
        self.by_kid.is_empty()
    }
}

fn read(key: &Value) -> Result<(&str, Key), String> {
    let key = key.as_object().ok_or("it is no object")?;
    let usage = key.get("use").map(|usage| usage.as_str() == Some("sig"));
    if usage == Some(false) {
        return Err("its `use` is not `sig`".into());
    }
    let verifies = |operations: &Value| {
        operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    };
    if key.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err("its `key_ops` are without `verify`".into());
    }
    let kid = key.get("kid").and_then(Value::as_str).ok_or("it has no `kid`, by which a token could name it")?;
    let public = match text(key, "kty")? {
        "RSA" => rsa(key)?,
        "EC" => point(key)?,
        "OKP" => okp(key)?,
        other => return Err(format!("nothing is verified with its kind `{}`", told(other))),
    };
    let algorithm = match key.get("alg") {
        None => None,
        Some(_) => {
            let name = text(key, "alg")?;
            let unknown = || format!("its algorithm `{}` is none for tokens", told(name));
            Some(Algorithm::parse(name).ok_or_else(unknown)?)
        }
    };
    if algorithm.is_some_and(|algorithm| !public.fits(algorithm)) {
        return Err(format!("its algorithm `{}` does not fit its kind", told(text(key, "alg")?)));
    }
    Ok((kid, Key { algorithm, public }))
}

/// RFC 7518 section 6.3.1. Zeros before a number are against it, and written by some all the same: they change nothing.
fn rsa(key: &Map<String, Value>) -> Result<PublicKey, String> {
    let number = |name| -> Result<Box<[u8]>, String> {
        let bytes = bytes(key, name)?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        Ok(bytes.get(zeros..).unwrap_or_default().into())
    };
    let (modulus, exponent) = (number("n")?, number("e")?);
    let has_bits = modulus.len() > *RSA_BYTES.start() || modulus.first().is_some_and(|first| first & 0x80 != 0);
    if !RSA_BYTES.contains(&modulus.len()) || !has_bits {
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        return Err(format!("it has {bits} bits; 2048 to 8192 are taken"));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    if !is_odd(&modulus) || !is_odd(&exponent) || *exponent == [1] || exponent.len() > RSA_EXPONENT_BYTES_MAX {
        return Err("its `n` and `e` are no RSA key".into());
    }
    Ok(PublicKey::rsa(modulus, exponent))
}

/// RFC 7518 section 6.2.1: both coordinates have the full length of the curve.
fn point(key: &Map<String, Value>) -> Result<PublicKey, String> {
    let (x, y) = (bytes(key, "x")?, bytes(key, "y")?);
    let curve = text(key, "crv")?;
    let length = match curve {
        "P-256" => 32,
        "P-384" => 48,
        other => return Err(format!("no algorithm for tokens has its curve `{}`", told(other))),
    };
    if x.len() != length || y.len() != length {
        return Err(format!("its coordinates have not the {length} bytes of its curve"));
    }
    // SEC 1 section 2.3.3: 4 stands for a point that is not compressed.
    let point = [&[4][..], &x, &y].concat().into_boxed_slice();
    Ok(if length == 32 { PublicKey::P256(point) } else { PublicKey::P384(point) })
}

/// RFC 8037 section 2. Ed448 is not in ring, and X25519 signs nothing.
fn okp(key: &Map<String, Value>) -> Result<PublicKey, String> {
    match text(key, "crv")? {
        "Ed25519" => {
            let wrong = |_| "its `x` has not 32 bytes".to_owned();
            Ok(PublicKey::Ed25519(<[u8; 32]>::try_from(bytes(key, "x")?).map_err(wrong)?))
        }
        other => Err(format!("no algorithm for tokens has its curve `{}`", told(other))),
    }
}

fn text<'k>(key: &'k Map<String, Value>, name: &str) -> Result<&'k str, String> {
    key.get(name).and_then(Value::as_str).ok_or_else(|| format!("`{name}` is not there as a text"))
}

fn bytes(key: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    base64url::decode(text(key, name)?.as_bytes()).ok_or_else(|| format!("`{name}` is not base64url without padding"))
}

/// What somebody else wrote, fit for a line of ours.
fn told(text: &str) -> String {
    text.chars().take(JWKS_TOLD_CHARS_MAX).flat_map(char::escape_debug).collect()
}

impl std::error::Error for KeySetError {}

impl fmt::Display for KeySetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(formatter, "the key set has more than {JWKS_BYTES_MAX} bytes"),
            Self::NotJson(error) => write!(formatter, "the key set is not JSON: {error}"),
            Self::NoKeySet => formatter.write_str("there is no key set: an object with a list `keys` is wanted"),
            Self::TooManyKeys => write!(formatter, "the key set has more than {JWKS_KEYS_MAX} keys"),
            Self::TooManyOfOneName => {
                write!(formatter, "the key set has more than {JWKS_KEYS_PER_KID_MAX} keys with one `kid`")
            }
            Self::NoUsableKey(reasons) if reasons.is_empty() => formatter.write_str("the key set is empty"),
            Self::NoUsableKey(reasons) => write!(formatter, "no key of the set can be used: {}", reasons.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests;
