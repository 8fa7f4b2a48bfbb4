//! Backends that fail, in every way that one can (rest/04 section 4.8, rest/11).

mod support;

use std::time::{Duration, Instant};

use support::backend::{eventually, pattern_bytes};
use support::client::request_bytes;
use support::{Authority, Backend, Gateway, Response, TlsFront, definition};

const ANY: &str = "ANY /{proxy+} -> http_proxy /{proxy}";
const NETWORK: &str = r#"{"message": "Network error communicating with endpoint"}"#;
const TIMEOUT: &str = r#"{"message": "Endpoint request timed out"}"#;
const INTERNAL: &str = r#"{"message": "Internal server error"}"#;

fn start(rows: &str, args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, rows), args);
    (backend, gateway)
}

/// A port of loopback where nobody listens.
fn dead_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[track_caller]
fn failed(response: Response, status: u16, body: &str) {
    assert_eq!(response.header("x-amzn-ErrorType"), Some("InternalServerErrorException"), "{}", response.raw_head);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!((response.header("X-Amzn-Trace-Id"), response.header("Connection")), (None, Some("keep-alive")));
    response.expect(status, body);
}

#[test]
fn nobody_listens() {
    let port = dead_port();
    let (_backend, gateway) = start(&format!("GET /x -> http_proxy http://127.0.0.1:{port}/x"), &[]);
    let mut client = gateway.client();
    failed(client.get("/x"), 504, NETWORK);
    failed(client.get("/x"), 504, NETWORK);
    assert_eq!(gateway.metric("weir_upstream_connect_errors", ""), 2.0);
}

#[test]
fn answers_that_are_none() {
    let (backend, gateway) = start(ANY, &[]);
    let mut client = gateway.client();
    for path in ["/garbage", "/reset", "/huge-head", "/two-lengths"] {
        for verb in ["GET", "POST"] {
            let before = backend.requests();
            let response = client.request(verb, path, &[], b"");
            failed(response, 504, NETWORK);
            // Reset on a connection that rested, before one byte came: a GET is tried once more, a POST never.
            let times = if (verb, path) == ("GET", "/reset") { 2 } else { 1 };
            assert_eq!(backend.requests(), before + times, "{verb} {path}");
            // The same client goes on.
            client.get("/bytes/1").expect(200, "a");
        }
    }
}

#[test]
fn a_body_that_breaks_off_looks_broken() {
    let (_backend, gateway) = start(ANY, &[]);
    for path in ["/half/1000", "/half/1000000", "/bad-chunk"] {
        let mut client = gateway.client();
        client.send(request_bytes("GET", path, &[], b""));
        match client.try_read_response() {
            // All of it may have come at once: then the failure is known before the head goes out.
            Ok(response) => failed(response, 504, NETWORK),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{path}: the connection hangs"),
        }
    }
    gateway.client().get("/bytes/1").expect(200, "a");
}

#[test]
fn deadlines() {
    let rows = "GET /never -> http_proxy /never timeout=200
                POST /never -> http_proxy /never timeout=200
                GET /late -> http_proxy /delay/400 timeout=200
                GET /in-time -> http_proxy /delay/50 timeout=1000
                GET /drip -> http_proxy /drip/100 timeout=300";
    let (backend, gateway) = start(rows, &[]);
    let mut client = gateway.client();
    for (verb, path) in [("GET", "/never"), ("POST", "/never"), ("GET", "/late")] {
        let began = Instant::now();
        let response = client.request(verb, path, &[], b"");
        let took = began.elapsed();
        failed(response, 504, TIMEOUT);
        assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(260), "{path} took {took:?}");
    }
    client.get("/in-time").expect(200, "late");
    assert_eq!(gateway.metric("weir_upstream_timeouts", ""), 3.0);
    assert_eq!(backend.requests(), 4);

    // The timer runs to the last byte; the head has gone out, so the connection tells.
    client.send(request_bytes("GET", "/drip", &[], b""));
    let began = Instant::now();
    assert!(client.try_read_response().is_err());
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_millis(500), "{took:?}");
}

#[test]
fn the_flag_bounds_every_timeout() {
    let (_backend, gateway) = start("GET /never -> http_proxy /never", &["--integration-timeout", "100ms"]);
    let began = Instant::now();
    failed(gateway.client().get("/never"), 504, TIMEOUT);
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
}

#[test]
fn interim_answers_are_passed_over() {
    let (_backend, gateway) = start(ANY, &[]);
    let mut client = gateway.client();
    for _ in 0..2 {
        client.send(request_bytes("GET", "/100", &[], b""));
        client.read_any_response().expect(200, "after interim answers");
    }
}

#[test]
fn connections_are_used_again() {
    let (backend, gateway) = start(ANY, &["--workers", "1"]);
    let mut clients = [gateway.client(), gateway.client(), gateway.client()];
    for round in 0..100 {
        let client = &mut clients[round % 3];
        let paths = ["/bytes/10", "/chunked/70000", "/status/204", "/status/404", "/echo"];
        assert!(client.get(paths[round % 5]).status < 500);
        assert_eq!(client.head("/bytes/1000").status, 200);
        assert_eq!(client.post("/x", pattern_bytes(50_000)).status, 200);
    }
    assert_eq!((backend.connections(), backend.requests()), (1, 300));
    assert_eq!(gateway.metric("weir_upstream_reuses", ""), 299.0);
}

#[test]
fn a_rested_connection_that_was_closed_is_no_failure() {
    let (backend, gateway) = start(ANY, &["--workers", "1"]);
    let mut client = gateway.client();
    // Every answer is followed by a close that was not announced.
    for _ in 0..50 {
        client.get("/close").expect(200, "goodbye");
    }
    let mut answered = 0;
    for _ in 0..50 {
        client.get("/close").expect(200, "goodbye");
        // Never sent twice: what the kernel says of the connection is asked before.
        let response = client.post("/close", "body");
        answered += usize::from(response.status == 200);
        assert!(response.status == 200 || response.text() == NETWORK, "{}", response.raw_head);
    }
    // A close that crosses a POST on its way is an error, and no second POST.
    assert_eq!(backend.requests(), 100 + answered, "each request once");
    assert!(answered > 25, "{answered}: resting connections are looked at before they carry a POST");
}

#[test]
fn names_without_an_address() {
    let rows = "GET /x -> http_proxy http://weir-test.invalid/x\n GET /y -> http_proxy /y";
    let (_backend, gateway) = start(rows, &[]);
    let mut client = gateway.client();
    failed(client.get("/x"), 500, INTERNAL);
    client.get("/y").expect(200, "GET /y\n");
    gateway.said("weir-test.invalid");
}

#[test]
fn every_address_is_tried() {
    let backend = Backend::start();
    let dead = dead_port();
    let upstream = format!("pets.internal=127.0.0.1:{dead},127.0.0.1:{}", backend.addr.port());
    let rows = "GET /x -> http_proxy http://pets.internal/x\n GET /close -> http_proxy http://pets.internal/close";
    let gateway = Gateway::start(&definition(backend.addr, rows), &["--upstream", &upstream]);
    let mut client = gateway.client();
    client.get("/x").expect(200, "GET /x\n");
    assert_eq!(backend.last().header("Host"), Some("pets.internal".to_owned()));
    for _ in 0..8 {
        client.get("/close").expect(200, "goodbye");
    }
}

#[test]
fn https_backends() {
    let (backend, authority) = (Backend::start(), Authority::new());
    let front = TlsFront::start(&backend, &authority, &["localhost"]);
    let rows = format!("ANY /{{proxy+}} -> http_proxy {}", front.url("/{proxy}"));
    let root = authority.root_file().display().to_string();
    let gateway = Gateway::start(&definition(backend.addr, &rows), &["--tls-root", &root, "--workers", "1"]);
    let mut client = gateway.client();
    for size in [0, 1, 16_384, 1_000_000] {
        assert_eq!(client.get(&format!("/bytes/{size}")).body.len(), size);
        let body = pattern_bytes(size as u64);
        client.post("/x", &body).expect(200, "POST /x\n");
        assert!(backend.last().body == body, "{size} bytes up");
    }
    assert_eq!(backend.last().header("Host"), Some(format!("localhost:{}", front.addr.port())));
    assert_eq!((front.handshakes(), backend.requests()), (1, 8));
    for _ in 0..3 {
        client.get("/close").expect(200, "goodbye");
    }

    // A certificate of an authority that nobody named, and one for another name.
    let strangers = Gateway::start(&definition(backend.addr, &rows), &[]);
    failed(strangers.client().get("/bytes/1"), 504, NETWORK);
    let wrong = TlsFront::start(&backend, &authority, &["elsewhere.example"]);
    let rows = format!("GET /x -> http_proxy {}", wrong.url("/x"));
    let gateway = Gateway::start(&definition(backend.addr, &rows), &["--tls-root", &root]);
    failed(gateway.client().get("/x"), 504, NETWORK);
    // Plain HTTP where TLS is expected.
    let rows = format!("GET /x -> http_proxy https://{}/x timeout=1000", backend.addr);
    let gateway = Gateway::start(&definition(backend.addr, &rows), &["--tls-root", &root]);
    let response = gateway.client().get("/x");
    assert_eq!(response.status, 504, "{}", response.text());
}

#[test]
fn many_at_once() {
    let (backend, gateway) = start(ANY, &[]);
    let addr = gateway.addr;
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut client = support::Client::connect(addr);
                for round in 0..20 {
                    let size = (thread * 977 + round * 5_003) % 90_000;
                    let path = if round % 2 == 0 { "bytes" } else { "chunked" };
                    assert!(client.get(&format!("/{path}/{size}")).body == pattern_bytes(size));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(backend.requests(), 320);
    assert!(backend.connections() <= 32, "{}", backend.connections());
    eventually("every connection gone", || gateway.metric("weir_connections_open", "") == 0.0);
}
