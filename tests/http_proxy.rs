//! HTTP_PROXY: what the backend sees of a request, and what the client sees of the answer (rest/04 4.6, rest/05).

mod support;

use support::backend::Seen;
use support::client::request_bytes;
use support::{Backend, Client, Gateway, PATIENCE, Response, definition};

const ANY: &str = "ANY /{proxy+} -> http_proxy /{proxy}";

fn start(rows: &str) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, rows), &[]);
    (backend, gateway)
}

/// `Name: value` lines, with what changes from request to request under a `*`.
fn lines(seen: &Seen) -> Vec<String> {
    let generated = ["X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id"];
    let shown = |(name, value): (String, String)| match generated.contains(&name.as_str()) {
        true => format!("{name}: *"),
        false => format!("{name}: {value}"),
    };
    seen.lines().into_iter().map(shown).collect()
}

fn answered(response: &Response) -> Vec<String> {
    let generated = ["x-amzn-RequestId", "x-amz-apigw-id", "Date"];
    let shown = |(name, value): &(String, String)| match generated.contains(&name.as_str()) {
        true => format!("{name}: *"),
        false => format!("{name}: {value}"),
    };
    response.headers.iter().map(shown).collect()
}

fn is_hex(text: &str, parts: &[usize]) -> bool {
    let pieces: Vec<&str> = text.split('-').collect();
    let sound = |piece: &&str| piece.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    pieces.iter().map(|piece| piece.len()).eq(parts.iter().copied()) && pieces.iter().all(sound)
}

#[test]
fn the_backend_sees_the_client_s_lines_in_their_order_and_spelling() {
    let (backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let passing = [
        ("User-Agent", "tester/1"),
        ("ACCEPT", "*/*"),
        ("accept-ENCODING", "gzip, br"),
        ("Cookie", "a=b; c=d"),
        ("X-Own", "1"),
        ("x-own", "2"),
        ("Range", "bytes=0-9"),
        ("If-None-Match", "\"tag\""),
        ("Authorization", "Bearer abc"),
        ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
        ("Pragma", "no-cache"),
        ("Referer", "http://a/b"),
        ("Age", "1"),
        ("Warn", "x"),
        ("X-Empty", ""),
    ];
    let dropped = [
        ("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ=="),
        ("Max-Forwards", "3"),
        ("Proxy-Authenticate", "Basic"),
        ("Server", "mine"),
        ("TE", "trailers"),
        ("Trailer", "X-Sum"),
        ("Upgrade", "h2c"),
        ("WWW-Authenticate", "Basic"),
        ("Via", "1.1 elsewhere"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "for this hop"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Amzn-Apigateway-Api-Id", "forged"),
    ];
    // Mixed, so that what is dropped stands between what passes.
    let mut sent = vec![("X-Forwarded-For", "192.0.2.1, 192.0.2.2")];
    for at in 0..passing.len().max(dropped.len()) {
        sent.extend(dropped.get(at));
        sent.extend(passing.get(at));
    }
    client.request("GET", "/seen?a=1&b", &sent, b"").expect(200, "GET /seen?a=1&b\n");

    let mut expected = vec![format!("Host: {}", backend.addr)];
    expected.extend(passing.iter().map(|(name, value)| format!("{name}: {value}")));
    expected.extend([
        "X-Forwarded-For: 192.0.2.1, 192.0.2.2, 127.0.0.1".to_owned(),
        format!("X-Forwarded-Port: {}", gateway.addr.port()),
        "X-Forwarded-Proto: http".to_owned(),
        "X-Amzn-Trace-Id: *".to_owned(),
        "X-Amzn-Apigateway-Api-Id: *".to_owned(),
        "Connection: keep-alive".to_owned(),
    ]);
    assert_eq!(lines(&backend.last()), expected);
    let id = backend.last().header("X-Amzn-Apigateway-Api-Id").unwrap_or_default();
    assert!(id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");
}

#[test]
fn what_a_bare_request_becomes() {
    let (backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let mut check = |head: &str, framing: &[&str]| {
        client.send(format!("{head}\r\n\r\n"));
        client.read_response();
        let mut expected = vec![
            format!("Host: {}", backend.addr),
            "X-Forwarded-For: 127.0.0.1".to_owned(),
            format!("X-Forwarded-Port: {}", gateway.addr.port()),
            "X-Forwarded-Proto: http".to_owned(),
            "X-Amzn-Trace-Id: *".to_owned(),
            "X-Amzn-Apigateway-Api-Id: *".to_owned(),
            "Connection: keep-alive".to_owned(),
        ];
        expected.extend(framing.iter().map(|line| (*line).to_owned()));
        assert_eq!(lines(&backend.last()), expected, "{head}");
    };
    check("GET /x HTTP/1.1\r\nHost: a", &[]);
    check("DELETE /x HTTP/1.1\r\nHost: a", &[]);
    check("POST /x HTTP/1.1\r\nHost: a", &["Content-Length: 0"]);
    check("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0", &["Content-Length: 0"]);
    check("PATCH /x HTTP/1.1\r\nHost: a", &["Content-Length: 0"]);
    check("OPTIONS /x HTTP/1.1\r\nHost: a", &[]);
    check("GET /x HTTP/1.0\r\nConnection: keep-alive", &[]);
}

#[test]
fn signatures_were_for_us() {
    let (backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let mut passed = |value: &str| {
        client.request("GET", "/x", &[("Authorization", value)], b"");
        backend.last().header("Authorization")
    };
    let kept = |value: &str| Some(value.to_owned());
    assert_eq!(
        passed("AWS4-HMAC-SHA256 Credential=A/2/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"),
        None
    );
    assert_eq!(passed("Bearer AWS4"), kept("Bearer AWS4"));
    assert_eq!(passed("Basic YTpi"), kept("Basic YTpi"));
}

#[test]
fn traces_go_on_or_begin() {
    let (backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let mut sent = |value: Option<&str>| {
        let headers: Vec<(&str, &str)> = value.iter().map(|value| ("x-amzn-trace-id", *value)).collect();
        let response = client.request("GET", "/x", &headers, b"");
        assert_eq!(response.header("X-Amzn-Trace-Id"), None, "only where the backend sends one");
        let seen = backend.last().all("X-Amzn-Trace-Id");
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    };
    let own = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    assert_eq!(sent(Some(own)), own);
    assert_eq!(sent(Some("Root=1-5759e988-bd862e3fe1be46a994272793")), "Root=1-5759e988-bd862e3fe1be46a994272793");
    for broken in [None, Some("Root=1-xyz"), Some("nothing"), Some("")] {
        let made = sent(broken);
        let root = made.strip_prefix("Root=").unwrap_or_default();
        assert!(is_hex(root, &[1, 8, 24]) && root.starts_with("1-"), "{made}");
    }
    assert_ne!(sent(None), sent(None));
}

#[test]
fn the_merge_that_aws_was_seen_to_do() {
    let backend = Backend::start();
    let row = format!(
        "POST /{{pathVariable}} -> http_proxy http://{}?testVar={{pathVar}}&testQs={{qsVar}} \
         path.pathVar=method.request.path.pathVariable path.qsVar=method.request.querystring.testVar \
         querystring.queryString=method.request.querystring.testQueryString \
         querystring.testQs=method.request.querystring.testQueryString \
         querystring.testEmptyQs=method.request.header.emptyheader header.headerVar=method.request.header.foobar",
        backend.addr
    );
    let gateway = Gateway::start(&definition(backend.addr, &row), &[]);
    let headers =
        [("foobar", "mapped"), ("headerVar", "own"), ("HEADERVAR", "again"), ("User-Agent", "ua"), ("Accept", "a/b")];
    let mut client = gateway.client();
    assert_eq!(client.request("POST", "/foobar?testQueryString=foo&testVar=bar", &headers, b"{}").status, 200);
    let seen = backend.last();
    assert_eq!(seen.target(), "/?testVar=foobar&testQs=bar&testQueryString=foo&testVar=bar&queryString=foo&testQs=foo");
    assert_eq!(seen.all("headerVar"), ["mapped"]);
    assert_eq!(seen.all("foobar"), ["mapped"]);
    assert_eq!((seen.all("User-Agent"), seen.all("Accept")), (vec!["ua".to_owned()], vec!["a/b".to_owned()]));
    assert_eq!(seen.body, b"{}");
}

#[test]
fn mapped_headers() {
    let (backend, gateway) = start(
        "GET /m -> http_proxy /m header.X-Const='b' header.X-Stage=context.stage header.X-Ip=context.identity.sourceIp \
         header.X-Verb=context.httpMethod header.X-Last=method.request.header.x-many \
         header.X-All=method.request.multivalueheader.x-many header.X-None=method.request.header.absent \
         header.Host='elsewhere' header.User-Agent='mapped' header.Authorization='mapped'",
    );
    let mut client = gateway.client();
    let headers = [("x-many", "1"), ("x-many", "2"), ("X-Many", "3"), ("x-none", "own"), ("User-Agent", "own")];
    assert_eq!(client.request("GET", "/m", &headers, b"").status, 200);
    let seen = backend.last();
    for (name, value) in [
        ("X-Const", "b"),
        ("X-Stage", "prod"),
        ("X-Ip", "127.0.0.1"),
        ("X-Verb", "GET"),
        // Names of sources are case-sensitive.
        ("X-Last", "2"),
        ("X-All", "1,2"),
        ("Host", "elsewhere"),
        ("User-Agent", "mapped"),
        ("Authorization", "mapped"),
    ] {
        assert_eq!(seen.all(name), [value], "{name}");
    }
    assert_eq!(seen.all("X-None"), Vec::<String>::new());
}

#[test]
fn a_line_s_end_in_a_mapped_value_is_refused() {
    let (backend, gateway) = start("GET /m -> http_proxy /m header.X-Q=method.request.querystring.q");
    let mut client = gateway.client();
    for query in ["a%0d%0aX-Evil:%201", "%0a", "a%0D", "%00"] {
        let response = client.get(&format!("/m?q={query}"));
        assert_eq!(response.header("x-amzn-ErrorType"), Some("BadRequestException"));
        response.expect(400, r#"{"message": "Invalid request parameters"}"#);
    }
    assert_eq!(backend.requests(), 0);
    assert_eq!(client.get("/m?q=a%09b%20c").status, 200);
    assert_eq!(backend.last().all("X-Q"), ["a\tb c"]);
}

#[test]
fn the_backend_s_verb() {
    let (backend, gateway) =
        start("POST /put -> http_proxy PUT /put\n ANY /any -> http_proxy /any\n ANY /get -> http_proxy GET /get");
    let mut client = gateway.client();
    let mut verb = |verb: &str, path: &str| {
        client.request(verb, path, &[], b"");
        backend.last().request_line()
    };
    assert_eq!(verb("POST", "/put"), "PUT /put HTTP/1.1");
    assert_eq!(verb("PATCH", "/any"), "PATCH /any HTTP/1.1");
    assert_eq!(verb("DELETE", "/get"), "GET /get HTTP/1.1");
}

#[test]
fn the_client_sees_the_backend_s_headers_but_for_those_that_are_renamed() {
    let (_backend, gateway) = start(ANY);
    let given = [
        ("X-One", "a"),
        ("x-two", "b"),
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "c"),
        ("Date", "Tue, 15 Nov 1994 08:12:31 GMT"),
        ("Server", "nginx"),
        ("Keep-Alive", "timeout=5"),
        ("Via", "1.1 x"),
        ("x-amzn-requestid", "theirs"),
        ("x-amz-apigw-id", "theirs"),
        ("Authorization", "d"),
        ("User-Agent", "e"),
        ("WWW-Authenticate", "Basic"),
        ("Content-MD5", "f"),
        ("Max-Forwards", "1"),
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Encoding", "identity"),
        ("Set-Cookie", "g=1"),
        ("Set-Cookie", "h=2"),
        ("X-Amzn-Trace-Id", "theirs"),
        ("Location", "/elsewhere"),
        ("ETag", "\"i\""),
    ];
    let query: Vec<String> = given
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+").replace('"', "%22").replace(';', "%3B")))
        .collect();
    let response = gateway.client().get(&format!("/headers?{}", query.join("&"))).expect(200, "headers");
    let expected = [
        "x-amzn-Remapped-Content-Length: 7",
        "X-One: a",
        "x-two: b",
        "x-amzn-Remapped-Connection: keep-alive, X-Hop",
        "x-amzn-Remapped-Date: Tue, 15 Nov 1994 08:12:31 GMT",
        "x-amzn-Remapped-Server: nginx",
        "x-amzn-Remapped-x-amzn-requestid: theirs",
        "x-amzn-Remapped-Authorization: d",
        "x-amzn-Remapped-User-Agent: e",
        "x-amzn-Remapped-WWW-Authenticate: Basic",
        "x-amzn-Remapped-Content-MD5: f",
        "x-amzn-Remapped-Max-Forwards: 1",
        "Content-Type: text/html; charset=utf-8",
        "Content-Encoding: identity",
        "Set-Cookie: g=1",
        "Set-Cookie: h=2",
        "X-Amzn-Trace-Id: theirs",
        "Location: /elsewhere",
        "ETag: \"i\"",
        "x-amzn-RequestId: *",
        "x-amz-apigw-id: *",
        "Date: *",
        "Connection: keep-alive",
        "Content-Length: 7",
    ];
    assert_eq!(answered(&response), expected);
}

#[test]
fn every_answer_carries_ids_and_a_date() {
    let (_backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let mut seen = std::collections::HashSet::new();
    for path in ["/x", "/status/500", "/"] {
        let response = client.get(path);
        assert!(is_hex(response.header("x-amzn-RequestId").unwrap_or_default(), &[8, 4, 4, 4, 12]), "{path}");
        let id = response.header("x-amz-apigw-id").unwrap_or_default().to_owned();
        let digits = id.strip_suffix('=').unwrap_or_default();
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        assert!(digits.len() == 15 && digits.bytes().all(sound), "{id}");
        assert_eq!(response.all("Date").len(), 1);
        let date = response.header("Date").unwrap_or_default().as_bytes();
        assert!(date.len() == 29 && date.ends_with(b" GMT") && date[3] == b',', "{}", response.raw_head);
        assert_eq!(response.header("Server"), None);
        assert!(seen.insert(id), "an id of its own for each answer");
    }
}

#[test]
fn a_client_may_name_its_request() {
    let (_backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let mut named = |own: &str| {
        let response = client.request("GET", "/x", &[("X-Amzn-RequestId", own)], b"");
        assert_eq!(response.all("x-amzn-RequestId").len(), 1);
        response.header("x-amzn-RequestId").unwrap_or_default().to_owned()
    };
    let own = "3d4a9c7e-1111-4222-8333-444455556666";
    assert_eq!(named(own), own);
    for other in ["mine", "3d4a9c7e-1111-4222-8333-44445555666", "3d4a9c7e-1111-4222-8333-44445555666z"] {
        let made = named(other);
        assert!(made != other && is_hex(&made, &[8, 4, 4, 4, 12]), "{made}");
    }
}

#[test]
fn the_backend_s_status_is_the_client_s() {
    let (_backend, gateway) = start(ANY);
    let mut client = gateway.client();
    for status in [200, 201, 299, 301, 304, 400, 404, 418, 429, 500, 503, 599] {
        let response = client.get(&format!("/status/{status}")).expect(status, "");
        assert_eq!(response.header("x-amzn-ErrorType"), None);
        // Nothing set one.
        assert_eq!(response.all("Content-Type"), ["application/json"]);
    }
}

#[test]
fn answers_without_a_body() {
    let (_backend, gateway) = start(ANY);
    let mut client = gateway.client();
    let head = client.head("/bytes/70000");
    assert_eq!((head.status, head.all("Content-Length"), head.body.len()), (200, vec!["70000"], 0));
    let head = client.head("/chunked/10");
    assert_eq!((head.status, head.header("Content-Length"), head.header("Transfer-Encoding")), (200, None, None));
    for status in [204, 304] {
        let response = client.get(&format!("/status/{status}"));
        let framing = (response.header("Content-Length"), response.header("Transfer-Encoding"));
        assert_eq!((response.status, framing), (status, (None, None)));
    }
    // The connection is in step after all of these.
    client.get("/bytes/3").expect(200, "abc");
}

#[test]
fn connections_end_as_the_client_asks() {
    let (_backend, gateway) = start(ANY);
    let check = |client: &mut Client, headers: &[(&str, &str)], connection: &str| {
        let response = client.request("GET", "/x", headers, b"").expect(200, "GET /x\n");
        assert_eq!(response.all("Connection"), [connection]);
    };
    let mut client = gateway.client();
    check(&mut client, &[], "keep-alive");
    check(&mut client, &[("Connection", "Keep-Alive")], "keep-alive");
    check(&mut client, &[("Connection", "x, CLOSE")], "close");
    assert!(client.closed_within(PATIENCE));

    // A client that has finished sending still gets its answer.
    let mut client = gateway.client();
    client.send(request_bytes("GET", "/delay/50", &[], b""));
    client.finish_sending();
    client.read_response().expect(200, "late");
    assert!(client.closed_within(PATIENCE));
}
