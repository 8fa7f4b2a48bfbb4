//! AWS Signature Version 4: bytes in, a verdict or a signature out. No clock and no socket; the time is an argument.
//!
//! [`verify`] holds the checks in AWS's order; [`sign`] is the other side of it. Both write the same canonical request.

mod canonical;
mod key;
mod presented;
mod refusal;
mod request;
mod sign;
mod time;
mod verify;

pub use key::{Scope, SigningKey};
pub use presented::{Presented, claimed};
pub use refusal::{Kind, SignatureError};
pub use request::{Headers, Request};
pub use sign::{Signer, sign};
pub use verify::{Expected, Texts, check, examine, verify};

/// `20150830`: the day of a scope.
pub fn date(unix_seconds: i64) -> String {
    let mut date = time::iso(unix_seconds);
    date.truncate(8);
    date
}

/// SHA-256: of a body, for [`Request::body_hash`].
pub fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests;
