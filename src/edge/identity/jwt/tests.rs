//! Tokens that are true, and the many ways in which one is made to look so.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding};
use ring::{hmac, signature::EcdsaSigningAlgorithm};
use serde_json::{Value, json};

use super::*;
use crate::settings::limits::TOKEN_BYTES_MAX;

const RSA: &str = include_str!("../../../../tests/cases/jwt/rsa.pem");
const RSA_OTHER: &str = include_str!("../../../../tests/cases/jwt/rsa-other.pem");

/// Somebody with private keys: an issuer, or whoever would like to be one.
pub struct Signer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    random: SystemRandom,
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    pub fn ours() -> Self {
        Self::with(RSA)
    }

    /// Another issuer, with other keys.
    pub fn other() -> Self {
        Self::with(RSA_OTHER)
    }

    fn with(pem: &str) -> Self {
        let random = SystemRandom::new();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let rsa = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(base64).expect("base64")).expect("an RSA key");
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("the same key")
        };
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
        Self {
            rsa,
            p256: ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("the same key"),
            random,
        }
    }

    pub fn rsa_key(&self, kid: &str) -> Value {
        let public = signature::RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        json!({"kty": "RSA", "kid": kid, "n": encode(public.n), "e": encode(public.e)})
    }

    fn ec_key(&self, kid: &str, pair: &EcdsaKeyPair) -> Value {
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        let curve = if x.len() == 32 { "P-256" } else { "P-384" };
        json!({"kty": "EC", "crv": curve, "kid": kid, "x": encode(x), "y": encode(y)})
    }

    /// One key of each kind: `rsa`, `p256`, `p384` and `ed`.
    pub fn keys(&self) -> Vec<Value> {
        vec![
            self.rsa_key("rsa"),
            self.ec_key("p256", &self.p256),
            self.ec_key("p384", &self.p384),
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": encode(self.ed25519.public_key())}),
        ]
    }

    pub fn document(&self) -> Vec<u8> {
        document(&self.keys())
    }

    pub fn sign(&self, algorithm: Algorithm, signed: &str) -> Vec<u8> {
        let signed = signed.as_bytes();
        let ecdsa = |pair: &EcdsaKeyPair| pair.sign(&self.random, signed).expect("a signature").as_ref().to_vec();
        let padding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
            Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
            Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
            Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
            Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
            Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
            Algorithm::Es256 => return ecdsa(&self.p256),
            Algorithm::Es384 => return ecdsa(&self.p384),
            Algorithm::EdDsa => return self.ed25519.sign(signed).as_ref().to_vec(),
        };
        let mut bytes = vec![0; self.rsa.public().modulus_len()];
        self.rsa.sign(padding, &self.random, signed, &mut bytes).expect("a signature");
        bytes
    }

    pub fn token(&self, algorithm: Algorithm, kid: &str, claims: &Value) -> String {
        self.with_header(algorithm, &json!({"alg": algorithm.name(), "kid": kid, "typ": "JWT"}).to_string(), claims)
    }

    fn with_header(&self, algorithm: Algorithm, header: &str, claims: &Value) -> String {
        let signed = format!("{}.{}", encode(header), encode(claims.to_string()));
        let signature = encode(self.sign(algorithm, &signed));
        format!("{signed}.{signature}")
    }
}

pub fn document(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

fn key_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "p256",
        Algorithm::Es384 => "p384",
        Algorithm::EdDsa => "ed",
        _ => "rsa",
    }
}

/// What is said of a token: `Ok`, why it is not verified, or nothing where it has not even the form of one.
pub fn verdict(text: &str, keys: &[Value], allowed: &[Algorithm]) -> Option<Result<(), NotVerified>> {
    let keys = KeySet::parse(&document(keys)).expect("keys");
    Token::parse(text.as_bytes()).map(|token| verify(&token, &keys, allowed))
}

#[test]
fn every_algorithm_is_verified_with_its_key_and_no_other() {
    let (signer, other) = (Signer::ours(), Signer::other());
    for algorithm in Algorithm::ALL {
        let kid = key_of(algorithm);
        let text = signer.token(algorithm, kid, &json!({"sub": "a"}));
        assert_eq!(verdict(&text, &signer.keys(), &Algorithm::ALL), Some(Ok(())), "{algorithm}");
        let bad = Some(Err(NotVerified::BadSignature));
        assert_eq!(verdict(&text, &other.keys(), &Algorithm::ALL), bad, "{algorithm}");
        let wrong = Some(Err(NotVerified::WrongAlgorithm));
        let others: Vec<_> = Algorithm::ALL.into_iter().filter(|other| *other != algorithm).collect();
        assert_eq!(verdict(&text, &signer.keys(), &others), wrong, "{algorithm}");
        // The same signature under another name: never, whatever the key.
        for named in others {
            for kid in ["rsa", "p256", "p384", "ed"] {
                let header = json!({"alg": named.name(), "kid": kid}).to_string();
                let text = signer.with_header(algorithm, &header, &json!({}));
                let said = verdict(&text, &signer.keys(), &Algorithm::ALL);
                let expected = if key_of(named) == kid { bad } else { wrong };
                assert_eq!(said, expected, "{algorithm} as {named} with {kid}");
            }
        }
    }
}

#[test]
fn a_key_is_for_its_own_algorithm_alone() {
    let signer = Signer::ours();
    let mut key = signer.rsa_key("rsa");
    key["alg"] = json!("RS512");
    for (algorithm, expected) in [
        (Algorithm::Rs512, Ok(())),
        (Algorithm::Rs256, Err(NotVerified::WrongAlgorithm)),
        (Algorithm::Ps512, Err(NotVerified::WrongAlgorithm)),
    ] {
        let text = signer.token(algorithm, "rsa", &json!({}));
        assert_eq!(verdict(&text, &[key.clone()], &Algorithm::ALL), Some(expected), "{algorithm}");
    }
}

#[test]
fn a_kid_that_several_keys_share_finds_the_one_that_fits() {
    let (signer, other) = (Signer::ours(), Signer::other());
    let text = signer.token(Algorithm::Rs256, "k", &json!({}));
    let mut point = signer.keys().remove(1);
    point["kid"] = json!("k");
    let keys = [point.clone(), other.rsa_key("k"), signer.rsa_key("k")];
    assert_eq!(verdict(&text, &keys, &Algorithm::ALL), Some(Ok(())));
    assert_eq!(verdict(&text, &keys[..2], &Algorithm::ALL), Some(Err(NotVerified::BadSignature)));
    assert_eq!(verdict(&text, &[point], &Algorithm::ALL), Some(Err(NotVerified::WrongAlgorithm)));
    let unknown = Some(Err(NotVerified::UnknownKey));
    for kid in ["K", "k ", "", "k\u{0}", "rsa"] {
        assert_eq!(
            verdict(&signer.token(Algorithm::Rs256, kid, &json!({})), &keys, &Algorithm::ALL),
            unknown,
            "{kid:?}"
        );
    }
}

/// RFC 7515 A.2 and A.3, RFC 8037 A.4: their headers name no key, so that they are held against the keys directly.
#[test]
fn the_vectors_of_the_standards_hold() {
    const CLAIMS: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let keys = json!({"keys": [
        {"kid": "2", "kty": "RSA", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ", "e": "AQAB"},
        {"kid": "3", "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kid": "4", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    ]});
    let keys = KeySet::parse(keys.to_string().as_bytes()).expect("three keys");
    let check = |kid: &str, algorithm: Algorithm, signed: String, text: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let key = &keys.named(kid).first().expect("a key").public;
        assert!(key.has_signed(algorithm, signed.as_bytes(), &bytes), "{algorithm}");
        assert!(!key.has_signed(algorithm, format!("{signed} ").as_bytes(), &bytes), "{algorithm}");
    };
    check(
        "2",
        Algorithm::Rs256,
        format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}"),
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    check(
        "3",
        Algorithm::Es256,
        format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}"),
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
    check(
        "4",
        Algorithm::EdDsa,
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".into(),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
}

#[test]
fn no_letter_of_a_token_can_be_another() {
    let signer = Signer::ours();
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let keys = KeySet::parse(&signer.document()).expect("keys");
        let text = signer.token(algorithm, key_of(algorithm), &json!({"sub": "alice"})).into_bytes();
        for at in 0..text.len() {
            for letter in [text[at] ^ 1, b'A', b'.', b'=', b'\n', 0xff] {
                let mut tampered = text.clone();
                tampered[at] = letter;
                let taken = Token::parse(&tampered).is_some_and(|it| verify(&it, &keys, &Algorithm::ALL).is_ok());
                assert!(!taken || tampered == text, "{algorithm}: {letter:#x} at {at}");
            }
        }
    }
}

#[test]
fn what_has_not_the_form_of_a_token_is_none() {
    let signer = Signer::ours();
    let claims = json!({"sub": "a"});
    let good = signer.token(Algorithm::Rs256, "rsa", &claims);
    let headed = |header: &str| signer.with_header(Algorithm::Rs256, header, &claims);
    let claimed = |claims: &str| {
        let signed = format!("{}.{}", encode(r#"{"alg":"RS256","kid":"rsa"}"#), encode(claims));
        format!("{signed}.{}", encode(signer.sign(Algorithm::Rs256, &signed)))
    };
    let check = |text: &str| {
        assert!(Token::parse(text.as_bytes()).is_none(), "{text}");
    };
    assert_eq!(verdict(&good, &signer.keys(), &[Algorithm::Rs256]), Some(Ok(())));
    assert_eq!(
        verdict(
            &headed(r#"{"alg":"RS256","kid":"rsa","b64":true,"typ":7,"jku":"http://evil/"}"#),
            &signer.keys(),
            &Algorithm::ALL
        ),
        Some(Ok(()))
    );
    // Parts.
    for text in ["", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.", ".e30.e30"] {
        check(text);
    }
    check(&format!("{good}."));
    check(&format!(".{good}"));
    check(&format!("{good}.e30"));
    check(good.rsplit_once('.').expect("three parts").0);
    // Base64url: padding, the other alphabet, blanks, bits behind the last byte (a header of 27 letters has some).
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    check(&format!("{signed}.{signature}=="));
    check(&format!("{signed}.{signature}\n"));
    check(&format!(" {good}"));
    check(&format!("{signed}.{}/{}", &signature[..20], &signature[21..]));
    let last = signature.len() - 1;
    let bits = if signature.ends_with('A') { 'B' } else { 'R' };
    check(&format!("{signed}.{}{bits}", &signature[..last]));
    // Algorithms that are none of ours.
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &signer.document());
    for name in
        ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "ES512", "ES256K", "RSA-OAEP"]
    {
        check(&headed(&json!({"alg": name, "kid": "rsa"}).to_string()));
        let signed = format!("{}.e30", encode(json!({"alg": name, "kid": "rsa"}).to_string()));
        check(&format!("{signed}."));
        check(&format!("{signed}.{}", encode(hmac::sign(&secret, signed.as_bytes()))));
    }
    // Headers.
    check(&headed(r#"{"alg":"RS256"}"#));
    check(&headed(r#"{"alg":"RS256","kid":7}"#));
    check(&headed(r#"{"alg":["RS256"],"kid":"rsa"}"#));
    check(&headed(r#"{"kid":"rsa"}"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa","crit":[]}"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa","crit":["exp"],"exp":1}"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa","b64":false}"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa","alg":"none"}"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa","\u006bid":"other"}"#));
    check(&headed(r#"["RS256"]"#));
    check(&headed(r#"{"alg":"RS256","kid":"rsa"} {}"#));
    check(&headed("{\u{feff}}"));
    // Claims.
    for claims in
        ["", "[]", "7", "null", "{", r#"{"sub":"a","sub":"b"}"#, r#"{"a":{"b":1,"b":2}}"#, "{}x", &"[".repeat(5_000)]
    {
        check(&claimed(claims));
    }
    // Size.
    check(&claimed(&json!({"a": "b".repeat(TOKEN_BYTES_MAX)}).to_string()));
}

#[test]
fn the_fuzzers_property_holds_for_a_true_token() {
    let signer = Signer::ours();
    let text = signer.token(Algorithm::Rs256, "rsa", &json!({"sub": "a"}));
    fuzz(&[text.as_bytes(), b"\n\n", &signer.document()].concat());
}
