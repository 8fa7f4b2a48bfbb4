//! The tests' own tools, tried without a gateway: a tool that lies would make every other test lie.

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use support::backend::{eventually, pattern_bytes};
use support::client::request_bytes;
use support::gateway::Started;
use support::{Authority, Backend, Client, TlsFront, definition};

fn start() -> (Backend, Client) {
    let backend = Backend::start();
    let client = Client::connect(backend.addr);
    (backend, client)
}

#[test]
fn a_connection_carries_many_answers_of_every_framing() {
    let (backend, mut client) = start();
    for length in [0, 1, 250, 70_000] {
        assert_eq!(client.get(&format!("/bytes/{length}")).body, pattern_bytes(length));
        assert_eq!(client.get(&format!("/chunked/{length}")).body, pattern_bytes(length));
    }
    assert_eq!(client.get("/status/404").status, 404);
    assert_eq!(client.get("/status/204").status, 204);
    let head = client.head("/bytes/10");
    assert_eq!((head.header("Content-Length"), head.body.len()), (Some("10"), 0));
    assert_eq!(client.get("/100").text(), "after interim answers");
    assert_eq!(client.get("/drip/1").text(), "dddddddddd");
    assert_eq!(client.get("/anything?x=1").text(), "GET /anything?x=1\n");
    assert_eq!((backend.connections(), backend.requests()), (1, 14));
    assert_eq!(client.get("/until-close/100").body, pattern_bytes(100));
}

#[test]
fn the_backend_tells_what_it_got() {
    let (backend, mut client) = start();
    let answer = client.request("PUT", "/echo?a=b", &[("X-CaSe", "1"), ("x-case", "2")], b"body");
    assert!(answer.text().starts_with("PUT /echo?a=b HTTP/1.1\r\nHost: localhost\r\n"));
    assert!(answer.text().ends_with("\r\n\r\nbody"));
    let seen = backend.last();
    assert_eq!((seen.method().as_str(), seen.target().as_str()), ("PUT", "/echo?a=b"));
    assert_eq!(seen.all("x-case"), ["1", "2"]);
    assert!(seen.lines().contains(&("X-CaSe".to_owned(), "1".to_owned())));

    client.send("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n");
    assert!(client.read_response().text().ends_with("\r\n\r\nabc"));
    assert_eq!(backend.last().raw_body, b"3\r\nabc\r\n0\r\nT: 1\r\n\r\n");
}

#[test]
fn the_backend_answers_as_it_was_told() {
    let (backend, mut client) = start();
    backend.answers("/told", 418, &["X-One: 1"], "tea");
    let answer = client.post("/told?x=1", "pot");
    assert_eq!((answer.status, answer.header("X-One"), answer.text().as_str()), (418, Some("1"), "tea"));
    assert_eq!(backend.last().body, b"pot");
    assert_eq!(client.get("/tol").status, 200);
}

#[test]
fn headers_and_trailers_come_back_as_asked() {
    let (_backend, mut client) = start();
    let answer = client.get("/headers?X-One=a+b&x-two=%22c%22&X-One=d");
    assert_eq!((answer.all("x-one"), answer.header("X-Two")), (vec!["a b", "d"], Some("\"c\"")));
    let answer = client.get("/trailers");
    assert_eq!((answer.text().as_str(), answer.trailers.len()), ("hello", 2));
}

#[test]
fn pipelined_answers_come_in_order() {
    let (_backend, mut client) = start();
    for path in ["/bytes/3", "/status/201", "/chunked/5"] {
        client.send(request_bytes("GET", path, &[], b""));
    }
    assert_eq!(client.read_response().body.len(), 3);
    assert_eq!(client.read_response().status, 201);
    assert_eq!(client.read_response().body.len(), 5);
}

#[test]
fn it_misbehaves_on_request() {
    let backend = Backend::start();
    for path in ["/garbage", "/half/1000", "/reset", "/bad-chunk"] {
        let mut client = Client::connect(backend.addr);
        client.send(request_bytes("GET", path, &[], b""));
        assert!(client.try_read_response().is_err(), "{path}");
    }
    let mut client = Client::connect(backend.addr);
    client.send(request_bytes("GET", "/two-lengths", &[], b""));
    assert_eq!(client.read_response().all("content-length"), ["3", "4"]);

    let mut client = Client::connect(backend.addr);
    assert!(client.get("/huge-head").raw_head.len() > 1_000_000);

    let mut client = Client::connect(backend.addr);
    assert_eq!(client.get("/close").header("connection"), None);
    assert!(client.closed_within(Duration::from_secs(2)));
}

#[test]
fn it_is_late_or_silent_on_request() {
    let backend = Backend::start();
    let mut client = Client::connect(backend.addr);
    let begin = Instant::now();
    assert_eq!(client.get("/delay/50").text(), "late");
    assert!(begin.elapsed() >= Duration::from_millis(50));

    client.send(request_bytes("GET", "/never", &[], b""));
    assert!(!client.closed_within(Duration::from_millis(50)));
    eventually("the silent request", || backend.requests() == 2);
}

#[test]
fn bodies_can_be_read_slowly_or_not_at_all() {
    let backend = Backend::start();
    let body = pattern_bytes(100_000);
    let mut client = Client::connect(backend.addr);
    client.post("/slow-read", &body);
    assert_eq!(backend.last().body, body);

    client.send("POST /early/413 HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
    client.read_response().expect(413, "early");
}

#[test]
fn rows_become_a_definition() {
    let backend = "127.0.0.1:9".parse().unwrap();
    let text = definition(
        backend,
        "GET /pets/{petId} -> http_proxy /animals/{petId} timeout=500 header.X-A='b'
         ANY /all/{proxy+} -> http_proxy /{proxy}
         POST /orders -> http_proxy PUT /orders querystring.q=method.request.querystring.p
         GET /ok -> mock 204",
    )
    .0;
    for line in [
        "  \"/pets/{petId}\":\n    get:\n",
        "uri: \"http://127.0.0.1:9/animals/{petId}\"",
        "timeoutInMillis: 500",
        "integration.request.header.X-A: \"'b'\"",
        "integration.request.path.petId: \"method.request.path.petId\"",
        "x-amazon-apigateway-any-method:",
        "integration.request.path.proxy: \"method.request.path.proxy\"",
        "httpMethod: PUT",
        "{name: p, in: query, schema: {type: string}}",
        "requestTemplates: {application/json: '{\"statusCode\": 204}'}",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}

#[test]
fn the_start_up_line_is_understood() {
    let line = "weir 0.1.0: io_uring (SINGLE_ISSUER, DEFER_TASKRUN, COOP_TASKRUN), 2 workers on cores 0,1, \
                listening on http://127.0.0.1:8080 and http://[::1]:81, admin http://127.0.0.1:9900";
    let started = Started::parse(line).unwrap();
    assert_eq!(started.driver, "io_uring");
    assert_eq!(started.listeners, ["127.0.0.1:8080".parse().unwrap(), "[::1]:81".parse().unwrap()]);
    assert_eq!(started.admin, Some("127.0.0.1:9900".parse().unwrap()));
    let line = "weir 0.1.0: epoll (io_uring is not allowed), 1 worker on core 0, listening on http://127.0.0.1:1";
    assert_eq!(Started::parse(line).unwrap().driver, "epoll");
    assert_eq!(Started::parse(line).unwrap().admin, None);
}

#[test]
fn https_reaches_the_backend_for_those_who_trust_it() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};

    let (backend, authority) = (Backend::start(), Authority::new());
    let front = TlsFront::start(&backend, &authority, &["localhost"]);
    let ask = |roots: rustls::RootCertStore, name: &'static str| -> std::io::Result<String> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name).unwrap();
        let tls = rustls::ClientConnection::new(config.into(), name).unwrap();
        let mut stream = rustls::StreamOwned::new(tls, std::net::TcpStream::connect(front.addr)?);
        stream.write_all(&request_bytes("GET", "/bytes/300000", &[("Connection", "close")], b""))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let trusting = || {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority.root_file()).unwrap()).unwrap();
        roots
    };
    let answer = ask(trusting(), "localhost").unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.len() > 300_000);
    assert!(ask(trusting(), "elsewhere").is_err(), "another name than the certificate's");
    assert!(ask(rustls::RootCertStore::empty(), "localhost").is_err(), "an unknown authority");
    assert_eq!((front.handshakes(), backend.requests()), (1, 1));
}
