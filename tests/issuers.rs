//! Issuers that speak TLS: whose certificates are believed, and that nothing leaves TLS.

mod support;

use support::{Authority, Backend, TlsFront};
use weir::control::fetch::key_source::{Client, KeySource};

/// RFC 8037 A.2.
const KEYS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn ask(client: &Client, issuer: &str, source: KeySource) -> Result<usize, String> {
    client.keys(issuer, &source).map(|keys| keys.len())
}

#[track_caller]
fn refused(asked: Result<usize, String>, part: &str) {
    assert!(asked.as_ref().is_err_and(|told| told.contains(part)), "{asked:?}");
}

#[test]
fn an_issuer_is_believed_by_its_certificate() {
    let (backend, authority) = (Backend::start(), Authority::new());
    backend.answers("/keys", 200, &[], KEYS);
    let front = TlsFront::start(&backend, &authority, &["localhost"]);
    let url = || KeySource::Url(front.url("/keys"));
    let client = Client::new(vec![authority.root_file()]);
    assert_eq!(ask(&client, "a", url()), Ok(1));
    refused(ask(&Client::new(Vec::new()), "a", url()), "UnknownIssuer");
    let by_address = front.url("/keys").replace("localhost", "127.0.0.1");
    refused(ask(&client, "a", KeySource::Url(by_address)), "certificate");
}

#[test]
fn what_began_under_tls_stays_there() {
    let (backend, authority) = (Backend::start(), Authority::new());
    let front = TlsFront::start(&backend, &authority, &["localhost"]);
    let client = Client::new(vec![authority.root_file()]);
    backend.answers("/keys", 200, &[], KEYS);
    let to = |url: String| format!("Location: {url}");
    backend.answers("/down", 302, &[&to(backend.url("/keys"))], "");
    backend.answers("/across", 302, &[&to(front.url("/keys"))], "");
    assert_eq!(ask(&client, "a", KeySource::Url(front.url("/across"))), Ok(1));
    refused(ask(&client, "a", KeySource::Url(front.url("/down"))), "https");
    assert_eq!(ask(&client, "a", KeySource::Url(backend.url("/across"))), Ok(1), "up is no harm");

    let issuer = front.url("");
    let document = |uri: String| format!(r#"{{"issuer":"{issuer}","jwks_uri":"{uri}"}}"#);
    backend.answers("/.well-known/openid-configuration", 200, &[], document(front.url("/keys")));
    assert_eq!(ask(&client, &issuer, KeySource::Discovery), Ok(1));
    backend.answers("/.well-known/openid-configuration", 200, &[], document(backend.url("/keys")));
    refused(ask(&client, &issuer, KeySource::Discovery), "is not https://");
}
