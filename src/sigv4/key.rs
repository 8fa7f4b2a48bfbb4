//! The key of a day, and what is signed with it.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::hmac::{self, HMAC_SHA256};

use super::presented::ALGORITHM;

/// What a key is good for: one day, one region, one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope<'s> {
    /// `20150830`
    pub date: &'s str,
    pub region: &'s str,
    pub service: &'s str,
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// Four HMACs, so whoever signs or verifies much keeps it for the day. `Debug` does not show it.
#[derive(Clone, Debug)]
pub struct SigningKey(pub(super) hmac::Key);

impl SigningKey {
    pub fn derive(secret_key: &str, scope: Scope<'_>) -> Self {
        let first = [b"AWS4", secret_key.as_bytes()].concat();
        let mut key = hmac::Key::new(HMAC_SHA256, &first);
        for part in [scope.date, scope.region, scope.service, "aws4_request"] {
            key = hmac::Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        Self(key)
    }
}

pub(super) fn string_to_sign(date: &str, scope: Scope<'_>, canonical: &[u8]) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(digest(&SHA256, canonical).as_ref()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |four: u8| char::from(DIGITS[usize::from(four)]);
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Lower case only, as AWS compares it.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let four = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = four(*high)? << 4 | four(*low)?;
    }
    Some(bytes)
}
