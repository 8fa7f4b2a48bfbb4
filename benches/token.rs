//! What does it cost to see a token for the first time: take it apart, verify its signature, judge its claims?
//!
//! 2 shared virtual cores, release: 48 µs for RS256, 93 µs for ES256; alone, the RS256 signature 39 µs and taking a token
//! apart 9 µs. The aim was 60 µs for RS256.

use std::hint::black_box;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use criterion::{Criterion, criterion_group, criterion_main};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{self, EcdsaKeyPair, KeyPair, RsaPublicKeyComponents};
use serde_json::{Value, json};
use weir::edge::identity::issuer::{Issuer, Terms};
use weir::edge::identity::jwt::{Algorithm, KeySet, Token, verify};
use weir::edge::identity::user_pool::{UserPools, Verdict, judge};

mod support;

const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdefghi";
const NOW: u64 = 1_600_000_000;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What stands before the signature of an ID token of Cognito's.
fn unsigned(algorithm: &str) -> String {
    let header = json!({"kid": algorithm, "alg": algorithm});
    let claims = json!({"at_hash": "x2XpXwJ6JyqNJmU8K0a7Wg", "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cognito:groups": ["admin", "users"], "email_verified": true, "iss": ISSUER, "cognito:username": "alice",
        "origin_jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "aud": "xxxxxxxxxxxxexample", "token_use": "id",
        "event_id": "64f513be-32db-42b0-b78e-b02127b4f463", "auth_time": NOW, "exp": NOW + 3600, "iat": NOW,
        "jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "email": "alice@example.com"});
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// Two tokens, and the keys that they name.
fn world() -> (String, String, Value) {
    let pem = include_str!("../tests/cases/jwt/rsa.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let rsa = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(base64).expect("base64")).expect("a key");
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public());
    let random = SystemRandom::new();
    let signed = unsigned("RS256");
    let mut bytes = vec![0; rsa.public().modulus_len()];
    rsa.sign(&signature::RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut bytes).expect("a signature");
    let rs256 = format!("{signed}.{}", encode(bytes));

    let kind = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).expect("a key");
    let ec = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).expect("a key");
    let signed = unsigned("ES256");
    let es256 = format!("{signed}.{}", encode(ec.sign(&random, signed.as_bytes()).expect("a signature")));
    let point = ec.public_key().as_ref();
    let keys = json!({"keys": [
        {"kty": "RSA", "kid": "RS256", "alg": "RS256", "use": "sig", "n": encode(public.n), "e": encode(public.e)},
        {"kty": "EC", "crv": "P-256", "kid": "ES256", "x": encode(&point[1..33]), "y": encode(&point[33..])},
    ]});
    (rs256, es256, keys)
}

fn tokens(criterion: &mut Criterion) {
    let (rs256, es256, keys) = world();
    let keys = Arc::new(KeySet::parse(keys.to_string().as_bytes()).expect("two keys"));
    let terms =
        Terms { name: ISSUER.into(), algorithms: Algorithm::ALL.to_vec(), audiences: Vec::new(), stands_in: false };
    let issuer = Issuer::new(terms);
    issuer.settle(Some(Arc::clone(&keys)));
    let pools = UserPools { pools: [Arc::new(issuer)].into(), expression: None };
    let good = |text: &str| matches!(judge(&pools, text.as_bytes(), &[], NOW), Verdict::Good(_));

    for (name, text) in [("RS256", &rs256), ("ES256", &es256)] {
        assert!(good(text), "{name}");
        criterion.bench_function(&format!("token/first sight, {name}"), |bencher| {
            bencher.iter(|| judge(&pools, black_box(text.as_bytes()), &[], NOW))
        });
    }
    let token = Token::parse(rs256.as_bytes()).expect("a token");
    criterion.bench_function("token/signature alone, RS256", |bencher| {
        bencher.iter(|| verify(black_box(&token), &keys, &Algorithm::ALL))
    });
    criterion.bench_function("token/taken apart alone", |bencher| {
        bencher.iter(|| Token::parse(black_box(rs256.as_bytes())).is_some())
    });
}

criterion_group! { name = benches; config = support::criterion(); targets = tokens }
criterion_main!(benches);
