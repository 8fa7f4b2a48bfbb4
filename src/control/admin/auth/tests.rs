use std::num::NonZeroUsize;

use axum::http::{HeaderName, HeaderValue};

use super::*;
use crate::settings::raw::{By, Command, Key as SettingsKey, Raw};
use crate::sigv4::{Signer, sign};

/// 2015-08-30T12:36:00Z
const NOW: i64 = 1_440_938_160;

fn settings(said: &[(SettingsKey, &str)], credentials: &[AdminCredential]) -> Settings {
    let mut raw = Raw::default();
    raw.command = Command::Serve;
    raw.say(SettingsKey::Data, "d", By::Flag);
    said.iter().for_each(|(key, text)| raw.say(*key, *text, By::Flag));
    let mut settings = raw.check(NonZeroUsize::MIN).expect("good settings");
    settings.admin_credentials = credentials.to_vec();
    settings
}

fn credential(access_key: &str, permissions: Permissions) -> AdminCredential {
    AdminCredential {
        access_key: access_key.into(),
        secret_key: Secret::new("hush"),
        session_token: None,
        principal: format!("arn:aws:iam::123456789012:user/{access_key}"),
        permissions,
    }
}

fn gate(permissions: Permissions) -> Gate {
    let temporary = AdminCredential {
        session_token: Some(Secret::new("TOKEN")),
        ..credential("TEMPORARY", Permissions::FullAccess)
    };
    let problems = Gate::new(&settings(&[], &[credential("ADA", permissions), temporary]));
    problems.unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let line = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    lines.iter().map(line).collect()
}

fn plain(headers: &HeaderMap) -> Signed<'_> {
    let source = Some("127.0.0.1".parse().expect("an address"));
    Signed { method: "GET", path: "/restapis", query: None, headers, body: b"", source, secure: false }
}

fn signed(access_key: &str, secret_key: &str, session_token: Option<&str>) -> HeaderMap {
    let (region, service) = ("eu-west-3", "apigateway");
    let key = SigningKey::derive(secret_key, Scope { date: "20150830", region, service });
    let given = headers(&[("host", "gateway.example:9900"), ("user-agent", "terraform")]);
    let signer = Signer { access_key, key: &key, session_token, region, service };
    let added = sign(&signed_part(&plain(&given), &lines(&given), sigv4::hash(b"")), &signer, NOW);
    let added: Vec<(&str, &str)> = added.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut all = given.clone();
    all.extend(headers(&added));
    all
}

#[test]
fn a_key_of_the_settings_is_let_in() {
    let gate = gate(Permissions::FullAccess);
    for _ in 0..2 {
        let identity = gate.authenticate(&plain(&signed("ADA", "hush", None)), NOW + 10).expect("let in");
        assert_eq!(identity.principal, "arn:aws:iam::123456789012:user/ADA");
        assert_eq!((identity.access_key.as_str(), identity.account_id.as_str()), ("ADA", "123456789012"));
        assert_eq!(identity.region, "eu-west-3");
        assert_eq!(gate.authorize(&identity, "apigateway:DELETE", "arn:aws:apigateway:eu-west-3::/restapis/a"), Ok(()));
    }
    assert_eq!(gate.signing_keys.lock().expect("no panic").len(), 1);
    assert!(gate.authenticate(&plain(&signed("TEMPORARY", "hush", Some("TOKEN"))), NOW).is_ok());
}

#[test]
fn everybody_else_is_not() {
    let gate = gate(Permissions::FullAccess);
    let unknown = "The security token included in the request is invalid.";
    for (headers, now, code, message) in [
        (headers(&[]), NOW, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (signed("BOB", "hush", None), NOW, "UnrecognizedClientException", unknown),
        (signed("ADA", "hush", Some("TOKEN")), NOW, "UnrecognizedClientException", unknown),
        (signed("TEMPORARY", "hush", None), NOW, "UnrecognizedClientException", unknown),
        (signed("TEMPORARY", "hush", Some("OTHER")), NOW, "UnrecognizedClientException", unknown),
        (signed("ADA", "hush", None), NOW + 301, "InvalidSignatureException", "Signature expired: "),
        (signed("ADA", "wrong", None), NOW, "InvalidSignatureException", "The request signature we calculated"),
    ] {
        let refusal = gate.authenticate(&plain(&headers), now).expect_err(message);
        assert_eq!((refusal.status, refusal.code), (403, code));
        assert!(refusal.message.starts_with(message), "{refusal:?}");
        assert!(!format!("{refusal:?}").contains("hush"));
    }
    let good = signed("ADA", "hush", None);
    assert!(gate.authenticate(&Signed { body: b"{}", ..plain(&good) }, NOW).is_err());
    assert!(gate.authenticate(&Signed { path: "/apikeys", ..plain(&good) }, NOW).is_err());
    assert!(gate.authenticate(&Signed { query: Some("limit=1"), ..plain(&good) }, NOW).is_err());
}

#[test]
fn a_policy_decides() {
    let json = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"apigateway:GET","Resource":"arn:aws:apigateway:*::/restapis*",
         "Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"},"StringLike":{"aws:UserAgent":"terra*"}}},
        {"Effect":"Deny","Action":"*","Resource":"arn:aws:apigateway:*::/restapis/secret",
         "Condition":{"StringEquals":{"aws:username":"ADA"}}}]}"#;
    let gate = gate(Permissions::Policy(json.into()));
    let headers = signed("ADA", "hush", None);
    let identity = gate.authenticate(&plain(&headers), NOW).expect("let in");
    let said = |action: &str, resource: &str| {
        let resource = format!("arn:aws:apigateway:eu-west-3::{resource}");
        gate.authorize(&identity, action, &resource).map_err(|refusal| refusal.message)
    };
    let user = "User: arn:aws:iam::123456789012:user/ADA is not authorized to perform:";
    assert_eq!(said("apigateway:GET", "/restapis/a"), Ok(()));
    assert_eq!(
        said("apigateway:POST", "/restapis"),
        Err(format!(
            "{user} apigateway:POST on resource: arn:aws:apigateway:eu-west-3::/restapis because no identity-based policy \
             allows the apigateway:POST action"
        ))
    );
    assert_eq!(
        said("apigateway:GET", "/restapis/secret"),
        Err(format!(
            "{user} apigateway:GET on resource: arn:aws:apigateway:eu-west-3::/restapis/secret with an explicit deny in an \
             identity-based policy"
        ))
    );
    let source = Some("10.0.0.1".parse().expect("an address"));
    let elsewhere = gate.authenticate(&Signed { source, ..plain(&headers) }, NOW).expect("let in");
    let refusal = gate.authorize(&elsewhere, "apigateway:GET", "arn:aws:apigateway:eu-west-3::/restapis/a");
    assert_eq!(refusal.expect_err("another address").code, "AccessDeniedException");
}

#[test]
fn a_policy_that_cannot_be_run_is_told_at_the_start() {
    let with = |condition: &str| {
        Permissions::Policy(format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{{condition}}}}}}}"#
        ))
    };
    for (permissions, expected) in [
        (with(r#""Nope":{}"#), "is none: Statement[0].Condition: `Nope` is not a condition operator"),
        (
            with(r#""Bool":{"aws:MultiFactorAuthPresent":"false"}"#),
            "asks for `aws:MultiFactorAuthPresent`, which no request",
        ),
        (with(r#""StringLike":{"apigateway:Request/EndpointType":"x"}"#), "asks for `apigateway:Request/EndpointType`"),
        (Permissions::PolicyFile("/nonexistent.json".into()), "/nonexistent.json, cannot be read"),
    ] {
        let Err(problems) = Gate::new(&settings(&[], &[credential("ADA", permissions)])) else { panic!("{expected}") };
        assert!(problems[0].found.contains(expected), "{problems:?}");
    }
}

#[test]
fn without_credentials_this_machine_may_do_anything() {
    let keys = [credential("ADA", Permissions::FullAccess)];
    for settings in [settings(&[], &[]), settings(&[(SettingsKey::Dev, "true")], &keys)] {
        let Ok(gate) = Gate::new(&settings) else { panic!("no gate") };
        let scope = "AWS4-HMAC-SHA256 Credential=KEY/20150830/eu-west-1/apigateway/aws4_request, SignedHeaders=host, Signature=x";
        for (lines, principal, region) in [
            (vec![], "arn:aws:iam::000000000000:root", "us-east-1"),
            (vec![("authorization", "Bearer x")], "arn:aws:iam::000000000000:root", "us-east-1"),
            (vec![("authorization", scope)], "arn:aws:iam::000000000000:root", "eu-west-1"),
            (
                vec![("authorization", "AWS4-HMAC-SHA256 Credential=123456789012/d/EU WEST/x/y")],
                "arn:aws:iam::123456789012:root",
                "us-east-1",
            ),
            (
                vec![("host", "localhost:9900"), ("origin", "http://127.0.0.1:9900")],
                "arn:aws:iam::000000000000:root",
                "us-east-1",
            ),
            (vec![("host", "[::1]:9900")], "arn:aws:iam::000000000000:root", "us-east-1"),
            (vec![("host", "gateway.localhost")], "arn:aws:iam::000000000000:root", "us-east-1"),
        ] {
            let identity = gate.authenticate(&plain(&headers(&lines)), NOW).expect("let in");
            assert_eq!((identity.principal.as_str(), identity.region.as_str()), (principal, region), "{lines:?}");
            assert_eq!(gate.authorize(&identity, "apigateway:DELETE", "arn:aws:apigateway:x::/y"), Ok(()));
        }
        for lines in [
            [("host", "evil.example:9900"), ("accept", "*/*")],
            [("host", "localhost:9900"), ("origin", "https://evil.example")],
            [("host", "localhost"), ("origin", "null")],
            [("host", "localhost.evil.example"), ("accept", "*/*")],
        ] {
            let refusal = gate.authenticate(&plain(&headers(&lines)), NOW).expect_err("a page of somebody else");
            assert_eq!(refusal.code, "AccessDeniedException");
        }
    }
}

#[test]
fn nothing_is_open_to_other_machines() {
    let mut remote = settings(&[], &[]);
    remote.admin = Some("0.0.0.0:9900".parse().expect("an address"));
    let gate = Gate::new(&remote).map_err(|_| "no gate").expect("a gate");
    assert!(gate.authenticate(&plain(&headers(&[("host", "localhost")])), NOW).is_err());
}
