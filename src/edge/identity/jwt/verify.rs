//! Whether a token was signed with one of its issuer's keys.
//!
//! Three have to agree before anything is calculated: the token's `alg`, what is allowed for the issuer, and the key, by its
//! kind and by its own `alg`. A token that says another algorithm than its key is for is how verifiers were deceived.

use super::algorithm::Algorithm;
use super::keys::KeySet;
use super::token::Token;

/// Why a token is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// No key has the token's `kid`; the issuer may have a new one.
    UnknownKey,
    /// The algorithm is not allowed for the issuer, or not the key's.
    WrongAlgorithm,
    BadSignature,
}

/// Takes some 40 microseconds with an RSA key of 2,048 bits (benches/token.rs).
pub fn verify(token: &Token<'_>, keys: &KeySet, allowed: &[Algorithm]) -> Result<(), NotVerified> {
    if !allowed.contains(&token.algorithm) {
        return Err(NotVerified::WrongAlgorithm);
    }
    let mut result = NotVerified::UnknownKey;
    for key in keys.named(&token.kid) {
        let own = key.algorithm.is_none_or(|own| own == token.algorithm);
        if !own || !key.public.fits(token.algorithm) {
            if result == NotVerified::UnknownKey {
                result = NotVerified::WrongAlgorithm;
            }
            continue;
        }
        if key.public.has_signed(token.algorithm, token.signed, &token.signature) {
            return Ok(());
        }
        result = NotVerified::BadSignature;
    }
    Err(result)
}
