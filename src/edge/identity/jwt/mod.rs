//! JSON Web Tokens (RFC 7519) as compact JSON Web Signatures (RFC 7515), verified with the keys of their issuer
//! (RFC 7517). What a token claims is nobody's business here.

pub mod algorithm;
mod base64url;
pub mod keys;
mod public_key;
pub mod token;
pub mod verify;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

pub use algorithm::Algorithm;
pub use keys::{KeySet, KeySetError};
pub use token::Token;
pub use verify::{NotVerified, verify};

/// For the fuzzer, and for the test that runs its seeds: a token, an empty line and the keys of its issuer. What is read
/// of a token is what was signed, and what one byte more or less says is another token.
pub fn fuzz(bytes: &[u8]) {
    let split = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (text, json) = split.map_or((bytes, &b""[..]), |at| (&bytes[..at], &bytes[at + 2..]));
    let keys = KeySet::parse(json);
    let Some(token) = Token::parse(text) else { return };
    assert!(text.starts_with(token.signed) && text.get(token.signed.len()) == Some(&b'.'));
    assert_eq!(text.iter().filter(|&&byte| byte == b'.').count(), 2, "three parts");
    assert!(token.claims.len() <= text.len());
    let again = BASE64_URL_SAFE_NO_PAD.encode(&token.signature);
    assert!(text.ends_with(again.as_bytes()), "a signature has one text");
    if let Ok(keys) = keys
        && verify(&token, &keys, &Algorithm::ALL).is_ok()
    {
        let kept: Vec<u8> = token.signature.iter().map(|byte| !byte).collect();
        let tampered = Token { signature: kept, ..token };
        assert!(verify(&tampered, &keys, &Algorithm::ALL).is_err(), "what was signed does not bear another signature");
    }
}

#[cfg(test)]
pub mod tests;
