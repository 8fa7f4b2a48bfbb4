//! Key sets as issuers write them, and as nobody should.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::edge::identity::jwt::NotVerified;
use crate::edge::identity::jwt::tests::{Signer, document, encode, verdict};

#[test]
fn keys_that_cannot_verify_are_skipped_and_told_when_none_is_left() {
    let signer = Signer::ours();
    let with = |name: &str, value: Value| {
        let mut key = signer.rsa_key("rsa");
        key[name] = value;
        key
    };
    let mut without_kid = signer.rsa_key("rsa");
    without_kid.as_object_mut().expect("an object").remove("kid");
    let check = |key: Value, expected: &str| {
        let refused = KeySet::parse(&document(std::slice::from_ref(&key))).expect_err("no key is left").to_string();
        assert!(refused.contains(&format!("keys[0]: {expected}")), "{refused}");
        // Beside a good one it is no error.
        assert_eq!(
            KeySet::parse(&document(&[key, signer.rsa_key("good")])).map(|keys| keys.len()),
            Ok(1),
            "{expected}"
        );
    };
    check(with("use", json!("enc")), "its `use` is not `sig`");
    check(with("use", json!(["sig"])), "its `use` is not `sig`");
    check(with("key_ops", json!(["sign"])), "its `key_ops` are without `verify`");
    check(with("key_ops", json!("verify")), "its `key_ops` are without `verify`");
    check(without_kid, "it has no `kid`");
    check(with("kid", json!(7)), "it has no `kid`");
    check(with("kty", json!("oct")), "nothing is verified with its kind `oct`");
    check(with("kty", json!("\u{1b}[31m")), "nothing is verified with its kind `\\u{1b}[31m`");
    check(with("alg", json!("HS256")), "its algorithm `HS256` is none for tokens");
    check(with("alg", json!("RSA-OAEP")), "its algorithm `RSA-OAEP` is none for tokens");
    check(with("alg", json!("ES256")), "its algorithm `ES256` does not fit its kind");
    check(with("alg", json!(null)), "`alg` is not there as a text");
    check(with("n", json!("AQAB")), "it has 17 bits; 2048 to 8192 are taken");
    check(with("n", json!(encode([0x7f; 256]))), "it has 2047 bits");
    check(with("n", json!(encode([0xff; 1025]))), "it has 8200 bits");
    check(with("n", json!(encode([0xfe; 256]))), "its `n` and `e` are no RSA key");
    check(with("n", json!("a b")), "`n` is not base64url without padding");
    check(with("e", json!("AQ")), "its `n` and `e` are no RSA key");
    check(with("e", json!("")), "its `n` and `e` are no RSA key");
    check(with("e", json!("AQAC")), "its `n` and `e` are no RSA key");
    check(with("e", json!("AQAAAAAB")), "its `n` and `e` are no RSA key");
    check(json!("key"), "it is no object");
    check(json!({"kid": "a"}), "`kty` is not there as a text");
    check(
        json!({"kid": "a", "kty": "EC", "crv": "P-521", "x": "", "y": ""}),
        "no algorithm for tokens has its curve `P-521`",
    );
    check(
        json!({"kid": "a", "kty": "EC", "crv": "P-256", "x": encode([1; 31]), "y": encode([1; 32])}),
        "its coordinates",
    );
    check(
        json!({"kid": "a", "kty": "OKP", "crv": "X25519", "x": encode([1; 32])}),
        "no algorithm for tokens has its curve",
    );
    check(json!({"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": encode([1; 33])}), "its `x` has not 32 bytes");
}

#[test]
fn keys_are_taken_as_they_are_found() {
    let signer = Signer::ours();
    // A zero before the modulus, as Java's BigInteger writes it.
    let mut key = signer.rsa_key("rsa");
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(key["n"].as_str().expect("a text")).expect("base64url");
    key["n"] = json!(encode([&[0][..], &modulus].concat()));
    key["use"] = json!("sig");
    key["key_ops"] = json!(["sign", "verify"]);
    key["x5c"] = json!(["MII"]);
    let text = signer.token(Algorithm::Ps384, "rsa", &json!({}));
    assert_eq!(verdict(&text, &[key], &Algorithm::ALL), Some(Ok(())));
    // A point that is on no curve is no reason to refuse the set; nothing verifies with it.
    let lost = json!({"kid": "p256", "kty": "EC", "crv": "P-256", "x": encode([1; 32]), "y": encode([1; 32])});
    let text = signer.token(Algorithm::Es256, "p256", &json!({}));
    assert_eq!(verdict(&text, &[lost], &Algorithm::ALL), Some(Err(NotVerified::BadSignature)));
}

#[test]
fn documents_that_are_no_key_set_say_why() {
    let error = |json: &str| KeySet::parse(json.as_bytes()).expect_err("no key set").to_string();
    assert!(error("<html>").starts_with("the key set is not JSON: "), "{}", error("<html>"));
    assert!(error(r#"{"keys":[],"keys":[]}"#).contains("`keys` stands twice"));
    for json in ["{}", "[]", r#"{"keys":{}}"#, "null"] {
        assert_eq!(error(json), "there is no key set: an object with a list `keys` is wanted", "{json}");
    }
    assert_eq!(error(r#"{"keys":[]}"#), "the key set is empty");
    assert_eq!(KeySet::parse(&vec![b' '; JWKS_BYTES_MAX + 1]).err(), Some(KeySetError::TooLarge));
    let many = document(&vec![json!({"kty": "oct"}); 10_000]);
    let told = KeySet::parse(&many).expect_err("no key set").to_string();
    assert!(told.len() < 1_000, "{} bytes", told.len());
}

#[test]
fn ten_thousand_keys_are_refused() {
    let key = |kid: usize| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid.to_string(), "x": encode([1; 32])});
    let many = document(&(0..10_000).map(key).collect::<Vec<_>>());
    assert_eq!(KeySet::parse(&many).map(|keys| keys.len()), Err(KeySetError::TooManyKeys));
    // Nor does one name stand for more tries than a few.
    let same = document(&(0..10_000).map(|_| key(7)).collect::<Vec<_>>());
    assert_eq!(KeySet::parse(&same).map(|keys| keys.len()), Err(KeySetError::TooManyOfOneName));
}
