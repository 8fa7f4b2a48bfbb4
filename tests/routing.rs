//! Which API, stage and method a request reaches (rest/01; rest/17 lines 1 to 12).

mod support;

use support::gateway::{Folder, run_to_end};
use support::{Backend, Client, Definition, Gateway, Response, definition};

const MISSING: &str = r#"{"message":"Missing Authentication Token"}"#;
const FORBIDDEN: &str = r#"{"message":"Forbidden"}"#;
const BAD: &str = r#"{"message":"Bad Request"}"#;

fn start(rows: &str) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, rows), &[]);
    (backend, gateway)
}

/// What a gateway error carries, and what it must not.
#[track_caller]
fn refused(response: Response, status: u16, error_type: &str, body: &str) {
    assert_eq!(response.header("x-amzn-ErrorType"), Some(error_type), "{}", response.raw_head);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(response.header("X-Amzn-Trace-Id"), None);
    assert_eq!(response.header("x-amzn-RequestId").map(str::len), Some(36));
    response.expect(status, body);
}

/// Asks, and compares with what the backend says of the request that it saw.
#[track_caller]
fn reaches(client: &mut Client, verb: &str, path: &str, seen: &str) {
    client.request(verb, path, &[], b"").expect(200, &format!("{seen}\n"));
}

#[track_caller]
fn reaches_none(client: &mut Client, verb: &str, path: &str) {
    refused(client.request(verb, path, &[], b""), 403, "MissingAuthenticationTokenException", MISSING);
}

#[test]
fn no_such_path_and_no_such_verb() {
    let (backend, gateway) = start("GET /pets -> http_proxy /pets\n GET /a/b -> http_proxy /a/b");
    let mut client = gateway.client();
    reaches_none(&mut client, "GET", "/");
    reaches_none(&mut client, "GET", "/cats");
    reaches_none(&mut client, "GET", "/pets/1");
    reaches_none(&mut client, "GET", "/Pets");
    reaches_none(&mut client, "GET", "/a");
    for verb in ["POST", "OPTIONS", "DELETE", "TRACE", "PROPFIND", "get"] {
        reaches_none(&mut client, verb, "/pets");
    }
    // HEAD is not derived from GET.
    let head = client.head("/pets");
    assert_eq!((head.status, head.header("Content-Length")), (403, Some("42")));
    reaches(&mut client, "GET", "/pets", "GET /pets");
    assert_eq!(backend.requests(), 1);
}

#[test]
fn the_search_looks_at_the_verb() {
    let (_backend, gateway) = start(
        "POST /test -> http_proxy /t-post
         ANY /test/any -> http_proxy /t-any
         OPTIONS /{proxy+} -> http_proxy /greedy/{proxy}",
    );
    let mut client = gateway.client();
    reaches(&mut client, "OPTIONS", "/test", "OPTIONS /greedy/test");
    reaches(&mut client, "POST", "/test", "POST /t-post");
    reaches_none(&mut client, "GET", "/test");
    reaches(&mut client, "OPTIONS", "/test/any", "OPTIONS /t-any");
    reaches(&mut client, "PATCH", "/test/any", "PATCH /t-any");
    reaches(&mut client, "OPTIONS", "/test/other", "OPTIONS /greedy/test/other");
}

#[test]
fn a_branch_that_ends_nowhere_is_left_again() {
    let (_backend, gateway) = start(
        "GET /part1 -> http_proxy /p1
         GET /part1/hardcoded-value -> http_proxy /hard
         GET /{param+} -> http_proxy /greedy/{param}",
    );
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/part1", "GET /p1");
    reaches(&mut client, "GET", "/part1/hardcoded-value", "GET /hard");
    reaches(&mut client, "GET", "/part1/random-value", "GET /greedy/part1/random-value");
    reaches(&mut client, "GET", "/part1/hardcoded-value/more", "GET /greedy/part1/hardcoded-value/more");
}

#[test]
fn literals_before_parameters_before_greedy() {
    let (_backend, gateway) = start(
        "GET /a/literal -> http_proxy /literal
         GET /a/{x} -> http_proxy /x/{x}
         GET /a/{x}/b -> http_proxy /xb/{x}
         GET /b/{x} -> http_proxy /b/{x}
         GET /b/{x}/c/{y} -> http_proxy /c/{y}/{x}
         ANY /{all+} -> http_proxy /all/{all}
         DELETE /b/{x} -> http_proxy /gone/{x}
         ANY /b/{x} -> http_proxy /any/{x}",
    );
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/a/literal", "GET /literal");
    reaches(&mut client, "GET", "/a/other", "GET /x/other");
    reaches(&mut client, "GET", "/a/literal/b", "GET /xb/literal");
    reaches(&mut client, "GET", "/b/1/c/2", "GET /c/2/1");
    reaches(&mut client, "GET", "/b/1/d/2", "GET /all/b/1/d/2");
    // The verb's own method before ANY.
    reaches(&mut client, "GET", "/b/1", "GET /b/1");
    reaches(&mut client, "DELETE", "/b/1", "DELETE /gone/1");
    reaches(&mut client, "PUT", "/b/1", "PUT /any/1");
}

#[test]
fn a_greedy_parameter_wants_something() {
    let (_backend, gateway) = start("GET /{proxy+} -> http_proxy /x/{proxy}\n GET /below/{p+} -> http_proxy /y/{p}");
    let mut client = gateway.client();
    reaches_none(&mut client, "GET", "/");
    reaches_none(&mut client, "GET", "//");
    reaches(&mut client, "GET", "/a", "GET /x/a");
    reaches(&mut client, "GET", "/a/", "GET /x/a");
    reaches(&mut client, "GET", "/a//b", "GET /x/a//b");
    reaches(&mut client, "GET", "//a", "GET /x/a");
    reaches(&mut client, "GET", "/below", "GET /x/below");
    reaches(&mut client, "GET", "/below/", "GET /x/below");
    reaches(&mut client, "GET", "/below/a/b", "GET /y/a/b");
}

#[test]
fn segments_stay_encoded() {
    let (_backend, gateway) = start(
        "GET /{proxy+} -> http_proxy /x/{proxy}
         GET /pets/{id} -> http_proxy /pet/{id}
         GET /a b -> http_proxy /blank",
    );
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/test%2Balias@gmail.com", "GET /x/test%2Balias@gmail.com");
    reaches(&mut client, "GET", "/test+alias@gmail.com", "GET /x/test+alias@gmail.com");
    reaches(&mut client, "GET", "/pets/a%2Fb", "GET /pet/a%2Fb");
    reaches(&mut client, "GET", "/pets%2F1", "GET /x/pets%2F1");
    // Compared as they are encoded: this is not `/pets/1`.
    reaches(&mut client, "GET", "/%70ets/1", "GET /x/%70ets/1");
    reaches(&mut client, "GET", "/pets/%C3%A4?x=%C3%A4", "GET /pet/%C3%A4?x=%C3%A4");
}

#[test]
fn query_values_last_and_all() {
    let (backend, gateway) = start(
        "GET /q -> http /q header.X-Q=method.request.querystring.q querystring.one=method.request.querystring.q querystring.all=method.request.multivaluequerystring.q",
    );
    let mut client = gateway.client();
    let mut seen = |query: &str| {
        assert_eq!(client.get(&format!("/q{query}")).status, 200);
        (backend.last().header("X-Q"), backend.last().target())
    };
    let x = |text: &str| Some(text.to_owned());
    assert_eq!(seen("?q=1&q=2"), (x("2"), "/q?one=2&all=1&all=2".to_owned()));
    assert_eq!(seen("?q=a+b%2Bc"), (x("a b+c"), "/q?one=a%20b%2Bc&all=a%20b%2Bc".to_owned()));
    assert_eq!(seen("?q"), (x(""), "/q?one=&all=".to_owned()));
    assert_eq!(seen("?q=1;r=2"), (x("1"), "/q?one=1&all=1".to_owned()));
    assert_eq!(seen("?Q=1"), (None, "/q".to_owned()));
    assert_eq!(seen(""), (None, "/q".to_owned()));
}

#[test]
fn an_authorization_header_changes_what_is_said_of_an_unknown_path() {
    let (_backend, gateway) = start("GET /pets -> http_proxy /pets");
    let mut client = gateway.client();
    let mut ask = |value: &str| client.request("GET", "/none", &[("Authorization", value)], b"");
    // The hashes are those of `printf 'Bearer abc' | openssl dgst -sha256 -binary | base64`.
    refused(
        ask("Bearer abc"),
        403,
        "IncompleteSignatureException",
        r#"{"message":"Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): 'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='."}"#,
    );
    let response = ask("Basic dXNlcjpwYXNz=");
    assert!(response.text().starts_with(r#"{"message":"Authorization header requires 'Credential' parameter. "#));
    assert_eq!(response.header("x-amzn-ErrorType"), Some("IncompleteSignatureException"));
    // A signature is looked at as far as it goes (security/sigv4 section 5).
    let response = ask(
        "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0",
    );
    assert_eq!(response.header("x-amzn-ErrorType"), Some("IncompleteSignatureException"));
    let date = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    assert!(response.text().starts_with(&format!(r#"{{"message":"{date}(Hashed"#)), "{}", response.text());
}

#[test]
fn the_override_header_replaces_the_verb() {
    let (_backend, gateway) =
        start("DELETE /r -> http_proxy /deleted\n POST /r -> http_proxy /posted\n GET /r -> http_proxy /got");
    let mut client = gateway.client();
    let mut ask = |verb: &str, by: &str| client.request(verb, "/r", &[("X-HTTP-Method-Override", by)], b"");
    ask("POST", "DELETE").expect(200, "DELETE /deleted\n");
    ask("GET", "POST").expect(200, "POST /posted\n");
    refused(ask("GET", "PUT"), 403, "MissingAuthenticationTokenException", MISSING);
    refused(ask("GET", "delete"), 403, "MissingAuthenticationTokenException", MISSING);
}

/// The id that `weir check` tells.
fn api_id(arg: &str, args: &[&str]) -> String {
    let (code, out, err) = run_to_end(&[&["check", "--json", arg], args].concat());
    assert_eq!(code, 0, "{err}{out}");
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    told["routes"][0]["api"].as_str().expect("an id").to_owned()
}

#[test]
fn the_execute_api_forms() {
    let backend = Backend::start();
    let gateway =
        Gateway::start(&definition(backend.addr, "GET /{proxy+} -> http_proxy /x/{proxy}"), &["--stage", "beta"]);
    let id = api_id(&gateway.file.display().to_string(), &[]);
    assert_eq!((id.len(), id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())), (10, true));
    let host = format!("{id}.execute-api.us-east-1.amazonaws.com");
    let mut client = gateway.client();
    for (host, path) in [
        (host.as_str(), "/beta/a"),
        (&host, "//beta/a"),
        (&host, "/beta//a"),
        (&format!("{host}:8443"), "/beta/a"),
        (&host.to_uppercase(), "/beta/a"),
        (&format!("{id}.execute-api.localhost"), "/beta/a"),
        ("localhost", &format!("/_aws/execute-api/{id}/beta/a")),
        ("localhost", "/a"),
    ] {
        client.request("GET", path, &[("Host", host)], b"").expect(200, "GET /x/a\n");
    }
    for (host, path) in [
        (host.as_str(), "/prod/a"),
        (&host, "/"),
        (&host, "/Beta/a"),
        (&host, "/a"),
        ("nobody.execute-api.us-east-1.amazonaws.com", "/beta/a"),
        ("localhost", &format!("/_aws/execute-api/{id}/prod/a")),
        ("localhost", "/_aws/execute-api/aaaaaaaaaa/beta/a"),
        ("localhost", "/_aws/execute-api/"),
    ] {
        refused(client.request("GET", path, &[("Host", host)], b""), 403, "ForbiddenException", FORBIDDEN);
    }
    // The stage is there, the resource is not.
    refused(
        client.request("GET", "/beta", &[("Host", &host)], b""),
        403,
        "MissingAuthenticationTokenException",
        MISSING,
    );
}

#[test]
fn base_paths() {
    let backend = Backend::start();
    let pets = definition(backend.addr, "GET /{proxy+} -> http_proxy /pets/{proxy}");
    let orders = definition(backend.addr, "GET /{proxy+} -> http_proxy /orders/{proxy}\n GET / -> http_proxy /root");
    let gateway = Gateway::start_many(&[("", &pets), ("orders", &orders)], &[]);
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/orders/7", "GET /orders/7");
    reaches(&mut client, "GET", "//orders/7", "GET /orders/7");
    reaches(&mut client, "GET", "/orders", "GET /root");
    reaches(&mut client, "GET", "/orders/", "GET /root");
    reaches(&mut client, "GET", "/ordersandmore", "GET /pets/ordersandmore");
    reaches(&mut client, "GET", "/Orders/7", "GET /pets/Orders/7");
    reaches(&mut client, "GET", "/7", "GET /pets/7");

    let gateway = Gateway::start_many(&[("orders", &orders)], &[]);
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/orders/7", "GET /orders/7");
    refused(client.get("/pets"), 403, "ForbiddenException", FORBIDDEN);
    refused(client.get("/"), 403, "ForbiddenException", FORBIDDEN);

    // With a key of several levels, the longest that begins the path wins.
    let gateway = Gateway::start_many(&[("orders", &orders), ("orders/v1", &pets)], &[]);
    let mut client = gateway.client();
    reaches(&mut client, "GET", "/orders/v1/7", "GET /pets/7");
    reaches(&mut client, "GET", "/orders/v2/7", "GET /orders/v2/7");
    reaches(&mut client, "GET", "/ordersandmore", "GET /orders/andmore");
}

#[test]
fn targets_of_every_form() {
    let (backend, gateway) = start("ANY /{proxy+} -> http_proxy /x/{proxy}");
    let mut client = gateway.client();
    reaches(&mut client, "GET", "http://localhost/a?b=c", "GET /x/a?b=c");
    reaches(&mut client, "GET", "HTTPS://other:1/a", "GET /x/a");
    // The target's authority is the host, whatever the Host line says (RFC 9112 3.2.2).
    let id = api_id(&gateway.file.display().to_string(), &[]);
    reaches(&mut client, "GET", &format!("http://{id}.execute-api.eu-west-1.amazonaws.com/prod/a"), "GET /x/a");
    refused(
        client.get("http://nobody.execute-api.eu-west-1.amazonaws.com/prod/a"),
        403,
        "ForbiddenException",
        FORBIDDEN,
    );
    reaches_none(&mut client, "GET", "http://localhost");
    reaches_none(&mut client, "OPTIONS", "*");
    assert_eq!(backend.requests(), 3);
}

#[test]
fn targets_that_no_gateway_takes() {
    let (backend, gateway) = start("ANY /{proxy+} -> http_proxy /x/{proxy}");
    for target in [
        "/a/../b",
        "/..",
        "/a/..",
        "/a/./b",
        "/a/%2e",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/a/.%2e",
        "/%",
        "/%g0",
        "/a%0",
        "/a%00",
        "/a#b",
        "/<a>",
        "/a\\b",
        "/a?b|c",
        "/a?{b}",
        "/\u{e4}",
        "a",
        "ftp://localhost/a",
        "localhost:80",
    ] {
        let mut client = gateway.client();
        refused(client.get(target), 400, "BadRequestException", BAD);
        assert!(client.closed_within(support::PATIENCE), "{target}");
    }
    // Two dots are only a parent where they are all of a segment.
    reaches(&mut gateway.client(), "GET", "/a..b/...", "GET /x/a..b/...");
    assert_eq!(backend.requests(), 1);
}

#[test]
fn two_variable_children_are_refused() {
    let folder = Folder::new();
    let Definition(text) =
        definition("127.0.0.1:9".parse().unwrap(), "GET /{proxy+} -> mock 200\n GET /{dynamic} -> mock 200");
    let file = folder.write("api.yaml", &text).display().to_string();
    let (code, _, err) = run_to_end(&["check", &file]);
    assert_eq!(code, 1);
    assert!(err.contains("sibling"), "{err}");
}

#[test]
fn paths_and_arns_that_are_too_long() {
    let (backend, gateway) = start("GET /{proxy+} -> http_proxy /x/{proxy}");
    const LONG: &str = r#"{"message":"Request URI too long"}"#;
    let path = |length: usize| format!("/{}", "p".repeat(length - 1));
    // `arn:aws:execute-api:us-east-1:000000000000:aaaaaaaaaa/prod/GET/path` is 1,600 bytes at most.
    let before = "arn:aws:execute-api:us-east-1:000000000000:aaaaaaaaaa/prod/GET".len();
    assert_eq!(gateway.client().get(&path(1_600 - before)).status, 200);
    refused(gateway.client().get(&path(1_601 - before)), 414, "BadRequestException", LONG);
    let long_query = |length: usize| format!("/a?{}", "q".repeat(length - 3));
    assert_eq!(gateway.client().get(&long_query(10_240)).status, 200);
    refused(gateway.client().get(&long_query(10_241)), 414, "BadRequestException", LONG);
    refused(gateway.client().get(&long_query(50_000)), 414, "BadRequestException", LONG);
    assert_eq!(backend.requests(), 2);
}
