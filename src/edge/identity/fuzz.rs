//! For the fuzzer, and for the test that runs its seeds: what a stranger may write into `Authorization`.

use std::sync::Arc;

use super::issuer::{Issuer, Terms};
use super::jwt::{Algorithm, KeySet};
use super::user_pool::{UserPools, Verdict, judge};
use crate::sigv4;

/// RFC 8037 A.2, and a key of the same name whose private half nobody has.
const KNOWN: &[u8] =
    br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const UNKNOWN: &[u8] =
    br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]}"#;

/// Pools with one issuer, `https://issuer.test`, that has these keys.
fn pools(keys: &[u8]) -> UserPools {
    let terms = Terms {
        name: "https://issuer.test".into(),
        algorithms: Algorithm::ALL.to_vec(),
        audiences: Vec::new(),
        stands_in: false,
    };
    let issuer = Issuer::new(terms);
    issuer.settle(KeySet::parse(keys).ok().map(Arc::new));
    UserPools { pools: [Arc::new(issuer)].into(), expression: None }
}

/// Whether the token in the header is good at that time for a method without scopes.
pub fn takes(header: &[u8], unix_seconds: u64) -> bool {
    matches!(judge(&pools(KNOWN), header, &[], unix_seconds), Verdict::Good(_))
}

/// A token that is good until it expires is known to have expired then, and whoever has not the key learns nothing.
pub fn authorization(header: &[u8]) {
    const NOW: u64 = 1_700_000_000;
    match judge(&pools(KNOWN), header, &[], NOW) {
        Verdict::Good(verified) => {
            assert!(verified.expires > NOW, "it is of now");
            let later = judge(&pools(KNOWN), header, &[], verified.expires);
            assert!(matches!(later, Verdict::Expired), "it expires");
            assert!(super::claims::claims_for_context(&verified.claims).values().all(serde_json::Value::is_string));
        }
        Verdict::Expired => assert!(!takes(header, NOW), "what has expired is not good"),
        _ => {}
    }
    let forged = judge(&pools(UNKNOWN), header, &[], NOW);
    assert!(!matches!(forged, Verdict::Good(_) | Verdict::Expired), "a forger learns nothing");

    let headers = [(&b"host"[..], &b"a"[..]), (b"authorization", header), (b"x-amz-date", b"20231114T221320Z")];
    let request = sigv4::Request {
        method: b"GET",
        path: b"/",
        query: None,
        headers: headers.into_iter(),
        body_hash: sigv4::hash(b""),
    };
    let _ = sigv4::claimed(&request);
    let verified = sigv4::verify(&request, &sigv4::Expected::new(&["execute-api"], NOW as i64), |presented| {
        let scope = sigv4::Scope { date: presented.date(), region: presented.region(), service: presented.service() };
        Ok(sigv4::SigningKey::derive("a secret that no seed was signed with", scope))
    });
    assert!(verified.is_err(), "nobody signs without the secret");
}
