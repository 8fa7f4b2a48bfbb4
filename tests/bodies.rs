//! Bodies of every framing and size, both ways (rest/04 section 4.9, RFC 9112 sections 6 and 7).

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use support::backend::{eventually, pattern_bytes};
use support::client::request_bytes;
use support::{Backend, Client, Gateway, PATIENCE, definition};

const ANY: &str = "ANY /{proxy+} -> http_proxy /{proxy}";
const LARGEST: usize = 10 * 1024 * 1024;
const TOO_LARGE: &str = "HTTP content length exceeded 10485760 bytes.";

fn start(args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, ANY), args);
    (backend, gateway)
}

/// The body in chunks of sizes that grow, so that their borders fall everywhere.
fn in_chunks(body: &[u8]) -> Vec<u8> {
    let (mut out, mut at, mut size) = (Vec::new(), 0, 1);
    while at < body.len() {
        let end = (at + size).min(body.len());
        out.extend_from_slice(format!("{:X};ext=\"a;b\"\r\n", end - at).as_bytes());
        out.extend_from_slice(&body[at..end]);
        out.extend_from_slice(b"\r\n");
        (at, size) = (end, (size * 2).min(100_000) + 1);
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

fn chunked_request(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST /{path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    [head.as_bytes(), &in_chunks(body)].concat()
}

/// `assert_eq!` of megabytes says nothing that a person could read.
#[track_caller]
fn same(found: &[u8], expected: &[u8], what: &str) {
    let differs = found.iter().zip(expected).position(|(one, other)| one != other);
    assert_eq!((found.len(), differs), (expected.len(), None), "{what}: length and first difference");
}

#[test]
fn answers_of_every_size_and_framing() {
    let (_backend, gateway) = start(&[]);
    let mut client = gateway.client();
    for size in [0, 1, 2_000, 32_000, 33_000, 131_071, 131_072, 131_073, 1_000_000, 10_000_000] {
        let expected = pattern_bytes(size);
        let sized = client.get(&format!("/bytes/{size}"));
        let length = size.to_string();
        assert_eq!((sized.header("Content-Length"), sized.header("Transfer-Encoding")), (Some(length.as_str()), None));
        same(&sized.body, &expected, "sized");
        same(&client.get(&format!("/chunked/{size}")).body, &expected, "chunked");
        same(&client.get(&format!("/until-close/{size}")).body, &expected, "until close");
    }
}

#[test]
fn requests_of_every_size_and_framing() {
    let (backend, gateway) = start(&[]);
    let mut client = gateway.client();
    for size in [0, 1, 1_000, 2_048, 31_000, 33_000, 131_073, 1_000_000, LARGEST as u64] {
        let body = pattern_bytes(size);
        client.post("/sized", &body).expect(200, "POST /sized\n");
        let seen = backend.last();
        let length = size.to_string();
        assert_eq!((seen.header("Content-Length"), seen.header("Transfer-Encoding")), (Some(length), None));
        same(&seen.body, &body, "sized");

        client.send(chunked_request("in-chunks", &body));
        client.read_response().expect(200, "POST /in-chunks\n");
        same(&backend.last().body, &body, "chunked");
    }
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_chunked_body_that_is_there_gets_a_length_and_a_longer_one_stays_chunked() {
    let (backend, gateway) = start(&[]);
    let mut client = gateway.client();
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Sum: 5\r\n\r\n");
    client.read_response().expect(200, "POST /x\n");
    let seen = backend.last();
    assert_eq!((seen.header("Content-Length"), seen.header("Transfer-Encoding")), (Some("5".to_owned()), None));
    assert_eq!(seen.raw_body, b"abcde");
    assert_eq!((seen.header("Trailer"), seen.header("X-Sum")), (None, None));

    // In pieces that cannot have come at once: the second is sent when the backend has seen the head.
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    eventually("the head of the second request", || backend.requests() == 2);
    client.stream.write_all(b"3\r\ncde\r\n0\r\nX-Sum: 5\r\n\r\n").unwrap();
    client.read_response().expect(200, "POST /x\n");
    let seen = backend.last();
    assert_eq!((seen.header("Content-Length"), seen.header("Transfer-Encoding")), (None, Some("chunked".to_owned())));
    assert_eq!(seen.raw_body, b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
}

#[test]
fn trailers_of_an_answer_are_dropped() {
    let (_backend, gateway) = start(&[]);
    let mut client = gateway.client();
    let answer = client.get("/trailers").expect(200, "hello");
    assert_eq!(answer.trailers, Vec::new());
    client.get("/bytes/1").expect(200, "a");
}

#[test]
fn one_byte_too_many_is_refused() {
    let (backend, gateway) = start(&[]);
    // Sized: nothing of it needs to be sent.
    let mut client = gateway.client();
    client.send(format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", LARGEST + 1));
    let response = client.read_response().expect(413, TOO_LARGE);
    assert_eq!((response.header("Content-Type"), response.header("Connection")), (Some("text/plain"), Some("close")));
    assert_eq!(response.header("x-amzn-ErrorType"), None);
    assert!(client.closed_within(PATIENCE));
    assert_eq!(backend.requests(), 0);

    // Chunked: known only when it has come.
    let mut client = gateway.client();
    client.send(chunked_request("x", &pattern_bytes(LARGEST as u64 + 1)));
    client.read_response().expect(413, TOO_LARGE);
    assert!(client.closed_within(PATIENCE));
    assert_eq!(backend.all().len(), 0, "the backend never saw it whole");

    let (backend, gateway) = start(&["--payload-max", "100"]);
    let mut client = gateway.client();
    client.post("/x", pattern_bytes(100)).expect(200, "POST /x\n");
    assert_eq!(client.post("/x", pattern_bytes(101)).status, 413);
    assert_eq!(backend.requests(), 1);
}

#[test]
fn expectations() {
    let (backend, gateway) = start(&[]);
    let head = |path: &str, framing: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n")
    };
    let mut client = gateway.client();
    for (framing, body) in [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")] {
        client.send(head("/x", framing));
        let interim = client.read_any_response();
        assert_eq!((interim.status, interim.raw_head.as_str()), (100, "HTTP/1.1 100 Continue\r\n\r\n"));
        client.stream.write_all(body.as_bytes()).unwrap();
        client.read_any_response().expect(200, "POST /x\n");
        assert_eq!((backend.last().body, backend.last().header("Expect")), (b"hello".to_vec(), None));
    }
    // Who does not wait needs no leave.
    client.send(head("/x", "Content-Length: 5") + "hello");
    client.read_any_response().expect(200, "POST /x\n");

    // Refused without it, and closed: nobody knows whether the body comes.
    let before = backend.requests();
    client.send(head("/x", "Content-Length: 10485761"));
    client.read_any_response().expect(413, TOO_LARGE);
    assert!(client.closed_within(PATIENCE));
    let mut client = gateway.client();
    client.send(head("/", "Content-Length: 5"));
    let response = client.read_any_response().expect(403, r#"{"message":"Missing Authentication Token"}"#);
    assert_eq!(response.header("Connection"), Some("close"));
    assert!(client.closed_within(PATIENCE));
    assert_eq!(backend.requests(), before);
}

#[test]
fn an_unwanted_body_is_cleared_away() {
    let (backend, gateway) = start(&[]);
    let mut client = gateway.client();
    for size in [0, 1, 5_000, 65_536] {
        // `/` meets no method; the next request follows behind its body.
        let response = client.post("/", pattern_bytes(size));
        assert_eq!((response.status, response.header("Connection")), (403, Some("keep-alive")), "{size}");
        client.get("/bytes/1").expect(200, "a");
    }
    let response = client.post("/", pattern_bytes(200_000));
    assert_eq!((response.status, response.header("Connection")), (403, Some("close")));
    assert!(client.closed_within(PATIENCE));
    assert_eq!(backend.requests(), 4);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (backend, gateway) = start(&[]);
    let mut client = gateway.client();
    let requests = [
        request_bytes("GET", "/delay/30", &[], b""),
        request_bytes("POST", "/echo", &[], b"GET /smuggled HTTP/1.1\r\n\r\n"),
        chunked_request("x", b"abc"),
        request_bytes("GET", "/", &[], b""),
        request_bytes("GET", "/bytes/100000", &[], b""),
    ];
    client.send(requests.concat());
    client.read_response().expect(200, "late");
    assert!(client.read_response().text().ends_with("\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"));
    client.read_response().expect(200, "POST /x\n");
    assert_eq!(client.read_response().status, 403);
    same(&client.read_response().body, &pattern_bytes(100_000), "the last");
    assert_eq!(backend.requests(), 4);

    // The same with every border where a piece can end, and behind a body that is streamed.
    let (bytes, mut client) = (requests[1..3].concat(), gateway.client());
    client.send(request_bytes("POST", "/first", &[], &pattern_bytes(300_000)));
    for byte in &bytes {
        client.stream.write_all(std::slice::from_ref(byte)).unwrap();
    }
    client.read_response().expect(200, "POST /first\n");
    assert!(client.read_response().text().ends_with("\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"));
    client.read_response().expect(200, "POST /x\n");
}

#[test]
fn http_1_0_clients() {
    let (_backend, gateway) = start(&[]);
    let ask = |client: &mut Client, path: &str, line: &str| {
        client.send(format!("GET {path} HTTP/1.0\r\n{line}\r\n"));
        client.read_response()
    };
    let mut client = gateway.client();
    let response = ask(&mut client, "/bytes/10", "").expect(200, "abcdefghij");
    assert_eq!((response.header("Connection"), response.header("Content-Length")), (Some("close"), Some("10")));
    assert!(client.closed_within(PATIENCE));

    let mut client = gateway.client();
    for _ in 0..2 {
        let response = ask(&mut client, "/bytes/3", "Connection: keep-alive\r\n").expect(200, "abc");
        assert_eq!(response.header("Connection"), Some("keep-alive"));
    }
    // It knows no chunks: the body ends with the connection, whatever it asked for.
    let response = ask(&mut client, "/chunked/300000", "Connection: keep-alive\r\n");
    assert_eq!((response.header("Transfer-Encoding"), response.header("Content-Length")), (None, None));
    assert_eq!(response.header("Connection"), Some("close"));
    same(&response.body, &pattern_bytes(300_000), "until close");
}

#[test]
fn a_backend_may_answer_before_it_has_read_everything() {
    let (backend, gateway) = start(&[]);
    for round in 0..5 {
        let mut client = gateway.client();
        let mut sending = client.stream.try_clone().unwrap();
        let sender = thread::spawn(move || {
            let _ = sending.write_all(&request_bytes("POST", "/early/413", &[], &pattern_bytes(10_000_000)));
        });
        client.read_response().expect(413, "early");
        // The backend may have taken the rest meanwhile: then the connection goes on. Else it ends, and nothing more comes.
        sender.join().unwrap();
        let next = client.try_send(b"GET /bytes/1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        match next.and_then(|()| client.try_read_response()) {
            Ok(response) => drop(response.expect(200, "a")),
            Err(_) => assert_eq!(client.read_to_end(), b"", "round {round}"),
        }
    }
    assert!(backend.requests() >= 5);
    // Nothing of it stays behind.
    gateway.client().get("/bytes/1").expect(200, "a");
}

#[test]
fn a_backend_that_reads_slowly_gets_everything() {
    let (backend, gateway) = start(&[]);
    let body = pattern_bytes(1_000_000);
    gateway.client().post("/slow-read", &body).expect(200, "POST /slow-read\n");
    same(&backend.last().body, &body, "slowly");
}

#[test]
fn a_large_body_comes_back() {
    let (_backend, gateway) = start(&[]);
    let body = pattern_bytes(10_000_000);
    let mut client = gateway.client();
    let mut sending: TcpStream = client.stream.try_clone().unwrap();
    let request = request_bytes("POST", "/echo", &[], &body);
    let sender = thread::spawn(move || sending.write_all(&request).unwrap());
    let answer = client.read_response();
    sender.join().unwrap();
    let at = answer.body.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    same(&answer.body[at..], &body, "echo");
    client.get("/bytes/1").expect(200, "a");
}

#[test]
fn clients_that_do_not_read_hold_the_backend_back_and_not_the_memory() {
    let (backend, gateway) = start(&[]);
    let held = || gateway.metric("process_resident_memory_bytes", "");
    // What the clients cost, not what the program does: its own pages are half of what it holds in a debug build.
    same(&gateway.client().get("/bytes/10000000").body, &pattern_bytes(10_000_000), "read at once");
    let before = held();
    let mut clients: Vec<Client> = (0..20).map(|_| gateway.client()).collect();
    for client in &mut clients {
        client.send(request_bytes("GET", "/bytes/10000000", &[], b""));
    }
    eventually("twenty requests at the backend", || backend.requests() == 21);
    // As often as it takes a working gateway to fill every buffer there is.
    let most = (0..100).map(|_| held()).fold(0.0, f64::max);
    assert!(most - before < 10e6, "{} bytes for 200 MB that nobody reads", most - before);
    let sent = gateway.metric("weir_count", "");
    assert_eq!(sent, 1.0, "no more answer is through");
    for client in &mut clients[..4] {
        same(&client.read_response().body, &pattern_bytes(10_000_000), "read late");
    }
    drop(clients);
    eventually("all are counted", || gateway.metric("weir_count", "") == 21.0);
    let mut client = gateway.client();
    client.stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client.get("/bytes/1").expect(200, "a");
}
