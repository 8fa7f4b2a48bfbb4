//! Sources that answer, and those that do not.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

/// One key, by the name given.
pub fn key_set(kid: &str) -> String {
    // RFC 8037 A.2.
    format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}]}}"#
    )
}

/// A web server that says what it was told to say, and counts.
pub struct Server {
    answers: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
}

impl Server {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (answers, asked) = (Arc::<Mutex<HashMap<String, String>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (table, log) = (Arc::clone(&answers), Arc::clone(&asked));
        thread::spawn(move || {
            let mut silent = Vec::new();
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines();
                let path = lines.next().and_then(Result::ok).unwrap_or_default();
                let path = path.split(' ').nth(1).unwrap_or_default().to_owned();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                log.lock().expect("a lock").push(path.clone());
                match table.lock().expect("a lock").get(&path) {
                    Some(answer) => _ = stream.write_all(answer.as_bytes()),
                    // Nothing is said, and the connection stays open.
                    None => silent.push(stream),
                }
            }
        });
        Self { answers, asked, address }
    }

    /// `status` may bring header lines.
    pub fn say(&self, path: &str, status: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        self.answers.lock().expect("a lock").insert(path.into(), answer);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> usize {
        self.asked.lock().expect("a lock").len()
    }
}

fn error(client: &Client, issuer: &str, source: &KeySource) -> String {
    client.keys(issuer, source).expect_err("no keys")
}

#[test]
fn keys_come_from_an_address_a_file_or_by_discovery() {
    let (server, client) = (Server::start(), Client::new(Vec::new()));
    server.say("/keys", "200 OK", &key_set("a"));
    let count = |issuer: &str, source: KeySource| client.keys(issuer, &source).map(|keys| keys.len());
    assert_eq!(count("a", KeySource::Url(server.url("/keys"))), Ok(1));
    for (path, to) in [("/1", "/2"), ("/2", "/3"), ("/3", "/keys")] {
        server.say(path, &format!("302 Found\r\nLocation: {to}"), "");
    }
    assert_eq!(count("a", KeySource::Url(server.url("/1"))), Ok(1), "three redirects");

    for issuer in [server.url("/pool"), server.url("/pool/")] {
        let document = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{}"}}"#, server.url("/keys"));
        server.say("/pool/.well-known/openid-configuration", "200 OK", &document);
        assert_eq!(count(&issuer, KeySource::Discovery), Ok(1), "{issuer}");
    }

    let path = std::env::temp_dir().join(format!("weir-keys-{}.json", std::process::id()));
    std::fs::write(&path, key_set("a")).expect("a file");
    assert_eq!(count("a", KeySource::File(path.clone())), Ok(1));
    std::fs::write(&path, " ".repeat(JWKS_BYTES_MAX + 9)).expect("a file");
    assert!(error(&client, "a", &KeySource::File(path.clone())).contains("has more than 1048576 bytes"));
    std::fs::remove_file(&path).expect("a file");
    assert!(error(&client, "a", &KeySource::File(path)).contains("No such file"));
}

#[test]
fn what_is_no_answer_says_why() {
    let (server, client) = (Server::start(), Client::new(Vec::new()));
    let check = |status: &str, body: &str, expected: &str| {
        server.say("/keys", status, body);
        let told = error(&client, "a", &KeySource::Url(server.url("/keys")));
        assert!(told.contains(expected), "{told}");
    };
    check("404 Not Found", &key_set("a"), "it answers 404 Not Found");
    check("203 Non-Authoritative Information", &key_set("a"), "it answers 203");
    check("500 Oh", "", "it answers 500");
    check("200 OK", "<html>", "the key set is not JSON");
    check("200 OK", r#"{"keys":[]}"#, "the key set is empty");
    check("200 OK", &" ".repeat(JWKS_BYTES_MAX + 1), "the response body is larger than request limit");
    check("302 Found\r\nLocation: /keys", "", "too many redirects");
    check("302 Found\r\nLocation: ftp://a/", "", "ftp");
    check("200 OK\r\nX: \u{1b}[31m", "", "");
    let told = error(&client, "a", &KeySource::Url("file:///etc/passwd".into()));
    assert_eq!(told, "\"file:///etc/passwd\" is no http:// or https:// address");
    // Nobody there.
    let gone = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    assert!(error(&client, "a", &KeySource::Url(format!("http://{gone}/"))).contains("refused"));
}

#[test]
fn an_issuer_that_says_nothing_is_not_waited_for() {
    let (server, client) = (Server::start(), Client::hasty(Duration::from_millis(100)));
    let began = Instant::now();
    let told = error(&client, "a", &KeySource::Url(server.url("/silent")));
    assert!(told.contains("timeout"), "{told}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_speaks_tls_is_asked_under_tls() {
    let (server, client) = (Server::start(), Client::hasty(Duration::from_millis(500)));
    server.say("/keys", "200 OK", &key_set("a"));
    let url = server.url("/keys").replace("http:", "HTTPS:");
    let told = client.get(&url, Instant::now() + Duration::from_millis(500)).expect_err("no TLS there");
    assert!(!told.contains("it answers"), "{told}");
    // A root that is not there is no root less.
    let client = Client::new(vec!["/nowhere/root.pem".into()]);
    assert!(error(&client, "a", &KeySource::Url(server.url("/keys"))).contains("/nowhere/root.pem"));
}

#[test]
fn a_discovery_document_speaks_for_its_own_issuer() {
    let check = |issuer: &str, document: &str, expected: Result<&str, &str>| {
        let said = jwks_uri(issuer, document.as_bytes());
        match expected {
            Ok(uri) => assert_eq!(said.as_deref(), Ok(uri)),
            Err(part) => assert!(said.as_ref().is_err_and(|told| told.contains(part)), "{said:?}"),
        }
    };
    let of_b = |rest: &str| format!(r#"{{"issuer":"https://b"{rest}}}"#);
    check("https://b", &of_b(r#","jwks_uri":"https://c/keys""#), Ok("https://c/keys"));
    check("https://b", &of_b(r#","jwks_uri":"http://b/keys""#), Err("is not https://"));
    check("https://b", &of_b(r#","jwks_uri":"file:///etc/passwd""#), Err("is not https://"));
    check("https://b", &of_b(""), Err("has no `jwks_uri`"));
    check("https://b/", &of_b(r#","jwks_uri":"https://b/keys""#), Err(r#"is "https://b"'s"#));
    check("https://b", r#"{"jwks_uri":"https://b/keys"}"#, Err("says no `issuer`"));
    check("https://b", r#"{"issuer":"https://b","issuer":"https://c"}"#, Err("stands twice"));
    check("https://b", "<html>", Err("not JSON"));
    check("http://b", r#"{"issuer":"http://b","jwks_uri":"http://b/keys"}"#, Ok("http://b/keys"));
}
