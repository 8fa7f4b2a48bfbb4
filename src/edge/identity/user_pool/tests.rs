//! Each rule of the authorizer, broken one at a time.

use serde_json::json;

use super::*;
use crate::edge::identity::issuer::Terms;
use crate::edge::identity::jwt::tests::{Signer, document};
use crate::edge::identity::jwt::{Algorithm, KeySet};

const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc";
const NOW: u64 = 1_600_000_000;

struct World {
    signer: Signer,
    terms: Terms,
    expression: Option<&'static str>,
    scopes: &'static [&'static str],
    /// Seconds since [`NOW`].
    later: u64,
}

impl World {
    fn new() -> Self {
        let terms =
            Terms { name: POOL.into(), algorithms: vec![Algorithm::Rs256], audiences: Vec::new(), stands_in: false };
        Self { signer: Signer::ours(), terms, expression: None, scopes: &[], later: 0 }
    }

    fn judge(&self, value: &str) -> Verdict {
        let issuer = Issuer::new(self.terms.clone());
        issuer.settle(KeySet::parse(&self.signer.document()).ok().map(Arc::new));
        let other = Issuer::new(Terms { name: "https://other".into(), ..self.terms.clone() });
        let expression = self.expression.map(|pattern| Regex::compile(pattern).expect("a pattern"));
        let pools = UserPools { pools: [Arc::new(other), Arc::new(issuer)].into(), expression };
        let scopes: Vec<Box<str>> = self.scopes.iter().map(|&scope| scope.into()).collect();
        judge(&pools, value.as_bytes(), &scopes, NOW + self.later)
    }

    fn say(&self, value: &str) -> String {
        match self.judge(value) {
            Verdict::Good(_) => "good".into(),
            Verdict::Unauthorized => "unauthorized".into(),
            Verdict::Expired => "expired".into(),
            Verdict::UnknownKey(issuer) => format!("unknown key of {}", issuer.terms.name),
            Verdict::NoKeys(issuer) => format!("no keys of {}", issuer.terms.name),
        }
    }

    fn sign(&self, claims: &Value) -> String {
        self.signer.token(Algorithm::Rs256, "rsa", claims)
    }

    #[track_caller]
    fn check(&self, changes: Value, expected: &str) {
        assert_eq!(self.say(&self.sign(&claims(&changes))), expected, "{changes}");
    }
}

/// An ID token's, with members replaced; `null` takes one away.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({"iss": POOL, "aud": "client", "token_use": "id", "sub": "alice", "exp": NOW + 60,
        "iat": NOW - 60, "auth_time": NOW - 60});
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().map(|claims| claims.remove(name));
        }
    }
    claims
}

#[test]
fn a_token_stands_alone_or_behind_bearer() {
    let world = World::new();
    let token = world.sign(&claims(&json!({})));
    for value in ["{}", "Bearer {}", "bearer {}", "BEARER   {}", " {} ", " Bearer {}\t"] {
        assert_eq!(world.say(&value.replace("{}", &token)), "good", "{value}");
    }
    for value in
        ["", " ", "Bearer", "Bearer ", "Bearer{}", "Basic {}", "Bearer Bearer {}", "{} {}", "{},{}", "Token {}"]
    {
        assert_eq!(world.say(&value.replace("{}", &token)), "unauthorized", "{value}");
    }
}

#[test]
fn what_a_good_token_says_is_handed_on() {
    let world = World { scopes: &["b", "x", "a"], ..World::new() };
    let token = world.sign(&claims(&json!({"token_use": "access", "scope": "a  b c", "exp": NOW as f64 + 9.5})));
    let Verdict::Good(verified) = world.judge(&token) else { panic!("it is good") };
    assert_eq!((verified.expires, verified.claims["sub"].as_str()), (NOW + 9, Some("alice")));
    assert_eq!(verified.scopes, [Box::from("b"), Box::from("a")]);
}

#[test]
fn the_issuer_is_one_of_the_pools_letter_by_letter() {
    let world = World::new();
    for issuer in
        [json!(null), json!(7), json!([POOL]), json!(""), json!(format!("{POOL}/")), json!(POOL.to_uppercase())]
    {
        world.check(json!({"iss": issuer}), "unauthorized");
    }
    world.check(json!({"iss": "https://other"}), "no keys of https://other");
}

#[test]
fn times_are_kept_without_leeway() {
    let world = World::new();
    for (changes, expected) in [
        (json!({"exp": NOW + 1}), "good"),
        (json!({"exp": NOW}), "expired"),
        (json!({"exp": NOW as f64 + 0.5}), "expired"),
        (json!({"exp": -5}), "expired"),
        (json!({"exp": 1e300}), "good"),
        (json!({"exp": null}), "unauthorized"),
        (json!({"exp": (NOW + 60).to_string()}), "unauthorized"),
        (json!({"exp": [NOW + 60]}), "unauthorized"),
        (json!({"nbf": NOW}), "good"),
        (json!({"nbf": NOW + 1}), "unauthorized"),
        (json!({"nbf": "0"}), "unauthorized"),
        (json!({"iat": null, "auth_time": null}), "good"),
        (json!({"iat": NOW + TOKEN_ISSUED_AHEAD_SECONDS_MAX}), "good"),
        (json!({"iat": NOW + TOKEN_ISSUED_AHEAD_SECONDS_MAX + 1}), "unauthorized"),
        (json!({"iat": "now"}), "unauthorized"),
    ] {
        world.check(changes, expected);
    }
    World { later: 59, ..World::new() }.check(json!({}), "good");
    World { later: 60, ..World::new() }.check(json!({}), "expired");
}

#[test]
fn who_cannot_sign_learns_nothing() {
    let (world, forger) = (World::new(), Signer::other());
    let expired = claims(&json!({"exp": NOW - 1}));
    assert_eq!(world.say(&world.sign(&expired)), "expired");
    assert_eq!(world.say(&forger.token(Algorithm::Rs256, "rsa", &expired)), "unauthorized");
    assert_eq!(world.say(&forger.token(Algorithm::Rs256, "new", &expired)), format!("unknown key of {POOL}"));
    // True, but signed with what is not allowed for the pool.
    assert_eq!(world.say(&world.signer.token(Algorithm::Ps256, "rsa", &claims(&json!({})))), "unauthorized");
    assert_eq!(world.say(&world.signer.token(Algorithm::Es256, "p256", &claims(&json!({})))), "unauthorized");
}

#[test]
fn methods_with_scopes_want_access_tokens_and_those_without_id_tokens() {
    let mut world = World::new();
    world.check(json!({"token_use": "access", "scope": "a"}), "unauthorized");
    world.check(json!({"token_use": null}), "unauthorized");
    world.check(json!({"token_use": "ID"}), "unauthorized");
    world.scopes = &["a", "b"];
    for (changes, expected) in [
        (json!({"token_use": "access", "scope": "x b"}), "good"),
        (json!({"token_use": "access", "scp": "x b"}), "good"),
        (json!({"token_use": "access", "scp": ["x", "b"]}), "good"),
        (json!({"token_use": "access", "scope": "x", "scp": ["b"]}), "unauthorized"),
        (json!({"token_use": "access", "scope": "ab A"}), "unauthorized"),
        (json!({"token_use": "access", "scope": ""}), "unauthorized"),
        (json!({"token_use": "access"}), "unauthorized"),
        (json!({"token_use": "id", "scope": "a"}), "unauthorized"),
        (json!({"token_use": null, "scope": "a"}), "unauthorized"),
    ] {
        world.check(changes, expected);
    }
}

#[test]
fn an_issuer_in_cognitos_place_need_not_say_the_use() {
    let mut world = World::new();
    world.terms.stands_in = true;
    world.check(json!({"token_use": null}), "good");
    world.check(json!({"token_use": "access"}), "unauthorized");
    world.check(json!({"token_use": 7}), "unauthorized");
    world.scopes = &["a"];
    world.check(json!({"token_use": null, "scope": "a"}), "good");
    world.check(json!({"token_use": null}), "unauthorized");
}

#[test]
fn the_audience_is_one_of_the_issuers_where_it_has_some() {
    let mut world = World::new();
    world.check(json!({"aud": null}), "good");
    world.terms.audiences = vec!["client".into(), "two".into()];
    for (changes, expected) in [
        (json!({}), "good"),
        (json!({"aud": ["x", "two"]}), "good"),
        (json!({"aud": []}), "unauthorized"),
        (json!({"aud": "clien"}), "unauthorized"),
        (json!({"aud": null}), "unauthorized"),
        (json!({"aud": null, "client_id": "two"}), "good"),
        (json!({"aud": "x", "client_id": "two"}), "unauthorized"),
        (json!({"aud": {"client": 1}}), "unauthorized"),
    ] {
        world.check(changes, expected);
    }
}

#[test]
fn the_expression_is_looked_for_in_the_audience() {
    let mut world = World { expression: Some("lie"), ..World::new() };
    world.check(json!({}), "good");
    world.check(json!({"aud": ["x", "lie"]}), "good");
    world.check(json!({"aud": "x"}), "unauthorized");
    world.check(json!({"aud": null, "client_id": "client"}), "unauthorized");
    world.expression = Some("^client$");
    world.check(json!({}), "good");
    world.check(json!({"aud": "a client"}), "unauthorized");
    // One that goes back and forth too long has not matched.
    world.expression = Some(r"^(?=(a|aa)+$)(a|aa)+b\2$");
    world.check(json!({"aud": "a".repeat(2_000)}), "unauthorized");
}

#[test]
fn fresh_keys_make_an_unknown_key_good() {
    let world = World::new();
    let issuer = Arc::new(Issuer::new(world.terms.clone()));
    let pools = UserPools { pools: [Arc::clone(&issuer)].into(), expression: None };
    let token = world.signer.token(Algorithm::Rs256, "new", &claims(&json!({})));
    let say = || judge(&pools, token.as_bytes(), &[], NOW);
    assert!(matches!(say(), Verdict::NoKeys(_)));
    issuer.settle(KeySet::parse(&world.signer.document()).ok().map(Arc::new));
    assert!(matches!(say(), Verdict::UnknownKey(of) if Arc::ptr_eq(&of, &issuer)));
    issuer.settle(KeySet::parse(&document(&[world.signer.rsa_key("new")])).ok().map(Arc::new));
    assert!(matches!(say(), Verdict::Good(_)));
}
