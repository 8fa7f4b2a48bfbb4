//! Requests that two readers could read differently, that are too large, too slow, or no HTTP at all
//! (RFC 9112 sections 2, 5, 6 and 11; rest/01 section 1.6).

mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use support::backend::eventually;
use support::{Backend, Client, Gateway, definition};

const ANY: &str = "ANY /{proxy+} -> http_proxy /{proxy}";
const BAD: &str = r#"{"message":"Bad Request"}"#;
const LATE: &str = r#"{"message":"Request timed out"}"#;

fn start(args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, ANY), args);
    (backend, gateway)
}

/// One answer with this status and body, and the end of the connection.
#[track_caller]
fn ends_with(client: &mut Client, status: u16, body: &str, what: &str) {
    let response = client.try_read_response().unwrap_or_else(|error| panic!("no answer to {what:?}: {error}"));
    assert_eq!((response.status, response.text().as_str()), (status, body), "{what:?}");
    let said = (response.header("Connection"), response.header("x-amzn-ErrorType"));
    assert_eq!(said, (Some("close"), Some("BadRequestException")), "{what:?}");
    assert_eq!(client.read_to_end(), b"", "{what:?}");
}

/// Each is sent as it is, with a request behind it that must never be seen.
#[track_caller]
fn refused(gateway: &Gateway, heads: &[String]) {
    for head in heads {
        let mut client = gateway.client();
        // The gateway may close while this is on its way.
        let _ = client.try_send(format!("{head}0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        ends_with(&mut client, 400, BAD, head);
    }
}

#[test]
fn framings_that_two_readers_could_read_differently() {
    let (backend, gateway) = start(&[]);
    let heads: Vec<String> = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: 5e0",
        "Content-Length: \u{665}",
        "Content-Length:",
        "Content-Length: 18446744073709551621",
        "Content-Length : 5",
        "Content-Length\t: 5",
        " Content-Length: 5",
        "X: y\r\n Content-Length: 5",
        "X: y\r\n\tTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\u{0}: chunked",
        "Transfer-Encoding: chunked\u{0}",
        "Transfer-Encoding: chun\rked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Content-Length: 5\nX: y",
    ]
    .iter()
    .map(|lines| format!("POST /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"))
    .collect();
    refused(&gateway, &heads);
    refused(&gateway, &["POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()]);
    assert_eq!((backend.requests(), backend.connections()), (0, 0));
    assert_eq!(gateway.metric("weir_requests_refused", "malformed"), 35.0);
}

#[test]
fn heads_that_are_not_http() {
    let (backend, gateway) = start(&[]);
    let heads = [
        "GET /x HTTP/1.1\nHost: a\n\n",
        "GET /x HTTP/1.1\r\nHost: a\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: \u{1}\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX: \u{7f}\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX\u{0}: y\r\n\r\n",
        "GET /x HTTP/1.1\r\n folded: a\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nno-colon\r\n\r\n",
        "GET /x HTTP/1.1\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x  HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x http/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET /x HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET /x HTTP/01.1\r\nHost: a\r\n\r\n",
        "G(T /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x\r\n\r\n",
        "GET\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    refused(&gateway, &heads.map(str::to_owned));
    assert_eq!(backend.requests(), 0);
}

#[test]
fn noise() {
    let (backend, gateway) = start(&[]);
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[7; 200]].concat();
    let noise: [&[u8]; 5] = [&hello, b"\0\0\0\0", b"\xff\xfe\xfd", b"{\"json\":1}", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"];
    for bytes in noise {
        let mut client = gateway.client();
        client.send(bytes);
        ends_with(&mut client, 400, BAD, &format!("{bytes:?}"));
    }
    // Empty lines before a request are passed over (RFC 9112 section 2.2).
    let mut client = gateway.client();
    client.send("\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client.read_response().expect(200, "GET /x\n");
    assert_eq!(backend.requests(), 1);
}

#[test]
fn chunks_that_are_none() {
    let (backend, gateway) = start(&[]);
    let bad = [
        "zz\r\nabc\r\n",
        "-1\r\na\r\n",
        "+5\r\nabcde\r\n",
        "0x5\r\nabcde\r\n",
        " 5\r\nabcde\r\n",
        "\r\n\r\n",
        "5\nabcde\r\n",
        "5\r\nabcdeX\r\n",
        "5\r\nabcde\n0\r\n\r\n",
        "5;\u{0}\r\nabcde\r\n",
        "5;a\nb\r\nabcde\r\n",
        "ffffffffffffffffffff\r\na",
        "0\r\n\u{0}\r\n\r\n",
        "0\r\n\r\r\n",
    ];
    let head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for chunk in bad {
        // With the head: the backend hears nothing of it.
        let before = backend.requests();
        let mut client = gateway.client();
        client.send(format!("{head}{chunk}"));
        ends_with(&mut client, 400, BAD, chunk);
        assert_eq!(backend.requests(), before, "{chunk:?}");

        // In the middle of a body that is under way.
        let mut client = gateway.client();
        client.send(head);
        eventually("the head at the backend", || backend.requests() == before + 1);
        client.stream.write_all(chunk.as_bytes()).unwrap();
        ends_with(&mut client, 400, BAD, chunk);
    }
    assert_eq!(backend.all().len(), 0, "the backend never saw a whole request");
    gateway.client().get("/x").expect(200, "GET /x\n");
}

#[test]
fn header_lines_have_a_limit() {
    let (backend, gateway) = start(&[]);
    // `Host: a` and its line end are 9 bytes, `X: ` and its line end are 5.
    let head = |bytes: usize| format!("GET /x HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(bytes - 14));
    const LARGE: &str = r#"{"message":"Request header fields too large"}"#;
    let mut client = gateway.client();
    client.send(head(10_240));
    client.read_response().expect(200, "GET /x\n");
    for bytes in [10_241, 20_000, 31_000, 33_000, 100_000] {
        let mut client = gateway.client();
        let _ = client.try_send(head(bytes).as_bytes());
        ends_with(&mut client, 431, LARGE, &format!("{bytes} bytes"));
    }
    let lines = |count: usize| format!("GET /x HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    let mut client = gateway.client();
    client.send(lines(128));
    client.read_response().expect(200, "GET /x\n");
    let mut client = gateway.client();
    client.send(lines(129));
    ends_with(&mut client, 431, LARGE, "129 lines");
    assert_eq!(backend.requests(), 2);

    let (_backend, gateway) = start(&["--header-max", "300", "--url-max", "256"]);
    let mut client = gateway.client();
    client.send(head(300));
    client.read_response().expect(200, "GET /x\n");
    client.send(head(301));
    ends_with(&mut client, 431, LARGE, "301 bytes");
    let mut client = gateway.client();
    assert_eq!(client.get(&format!("/{}", "x".repeat(255))).status, 200);
    client.send(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(256)));
    ends_with(&mut client, 414, r#"{"message":"Request URI too long"}"#, "257 bytes");
}

#[test]
fn targets_have_a_limit() {
    let (backend, gateway) = start(&[]);
    for bytes in [10_241, 20_000, 40_000, 100_000] {
        let mut client = gateway.client();
        let _ = client.try_send(format!("GET /x?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 3)).as_bytes());
        ends_with(&mut client, 414, r#"{"message":"Request URI too long"}"#, &format!("{bytes} bytes"));
    }
    assert_eq!(backend.requests(), 0);
}

/// The time that something takes must be this, give or take a tick and a busy machine.
#[track_caller]
fn takes(milliseconds: u64, began: Instant) {
    let took = began.elapsed();
    let least = Duration::from_millis(milliseconds - 20);
    assert!(took >= least && took < least + Duration::from_millis(700), "{took:?} instead of {milliseconds} ms");
}

#[test]
fn heads_must_come_in_time() {
    let (backend, gateway) = start(&["--head-timeout", "300ms"]);
    let mut client = gateway.client();
    let began = Instant::now();
    client.send("GET /x HTTP/1.1\r\nHos");
    ends_with(&mut client, 408, LATE, "half a head");
    takes(300, began);

    // One byte after the other does not move the end.
    let mut client = gateway.client();
    let began = Instant::now();
    for byte in b"GET /x HTTP/1.1\r\nHost: a\r\n".iter().cycle() {
        if client.stream.write_all(&[*byte]).is_err() || began.elapsed() > Duration::from_millis(600) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client.try_read_response().map(|response| response.status).ok(), Some(408));

    // Who says nothing is told nothing.
    let mut client = gateway.client();
    let began = Instant::now();
    assert_eq!(client.read_to_end(), b"");
    takes(300, began);

    // A second request has as long as the first.
    let mut client = gateway.client();
    client.get("/x").expect(200, "GET /x\n");
    client.send("GET");
    ends_with(&mut client, 408, LATE, "half a second head");
    assert_eq!(backend.requests(), 1);
    assert_eq!(gateway.metric("weir_client_timeouts", "head"), 3.0);
    assert_eq!(gateway.metric("weir_client_timeouts", "body"), 0.0);
}

#[test]
fn idle_connections_are_closed() {
    let (_backend, gateway) = start(&["--idle-timeout", "300ms"]);
    let mut client = gateway.client();
    client.get("/x").expect(200, "GET /x\n");
    let began = Instant::now();
    assert_eq!(client.read_to_end(), b"");
    takes(300, began);
    eventually("a count", || gateway.metric("weir_client_timeouts", "idle") == 1.0);
}

#[test]
fn bodies_must_go_on() {
    let (backend, gateway) = start(&["--body-timeout", "300ms"]);
    for framing in ["Content-Length: 10", "Transfer-Encoding: chunked"] {
        let mut client = gateway.client();
        let began = Instant::now();
        client.send(format!("POST /x HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n5\r\nab"));
        ends_with(&mut client, 408, LATE, framing);
        takes(300, began);
    }
    assert_eq!(backend.all().len(), 0, "the backend never saw a whole request");
    assert_eq!(gateway.metric("weir_client_timeouts", "body"), 2.0);
}

#[test]
fn a_client_that_leaves_in_the_middle_leaves_nothing_behind() {
    let (backend, gateway) = start(&[]);
    for part in ["GET /x HT", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"] {
        let client = gateway.client();
        (&client.stream).write_all(part.as_bytes()).unwrap();
        client.finish_sending();
        drop(client);
    }
    eventually("all connections closed", || {
        gateway.metric("weir_connections_closed", "") == 2.0 && gateway.metric("weir_connections_open", "") == 0.0
    });
    assert_eq!(backend.all().len(), 0);
    gateway.client().get("/x").expect(200, "GET /x\n");
}
