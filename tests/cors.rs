//! Cross-origin requests: by `x-weir-cors`, and the way that REST APIs have on AWS (rest/01 section 1.7).

mod support;

use std::process::Stdio;

use support::backend::eventually;
use support::gateway::{Folder, weir};
use support::{Backend, Client, Definition, Gateway, Response, definition};

const ROWS: &str = "GET /pets -> mock 200
                    POST /pets -> http_proxy /headers?Access-Control-Allow-Origin=*&Vary=Accept&Access-Control-Max-Age=1
                    ANY /any -> http_proxy /headers?access-control-allow-credentials=true
                    OPTIONS /own -> mock 200
                    GET /own -> mock 200
                    GET /never -> http_proxy /never timeout=50
                    ANY /all/{proxy+} -> http_proxy /status/201
                    PUT /all/named -> mock 200";

const ORIGIN: &str = "https://shop.example";

fn start(cors: &str, args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let Definition(text) = definition(backend.addr, ROWS);
    let gateway = Gateway::start(&Definition(format!("x-weir-cors: {cors}\n{text}")), args);
    (backend, gateway)
}

fn from(client: &mut Client, verb: &str, path: &str, origin: &str) -> Response {
    client.request(verb, path, &[("Origin", origin)], b"")
}

fn preflight(client: &mut Client, path: &str, verb: &str) -> Response {
    let asks = [("Origin", ORIGIN), ("Access-Control-Request-Method", verb), ("Access-Control-Request-Headers", "x-a")];
    client.request("OPTIONS", path, &asks, b"")
}

/// The status, and the headers that browsers look at.
#[track_caller]
fn check(response: &Response, status: u16, expected: &[&str]) {
    let told = |name: &str| name.to_ascii_lowercase().starts_with("access-control-") || name == "Vary";
    let found = response.headers.iter().filter(|(name, _)| told(name)).map(|(name, value)| format!("{name}: {value}"));
    assert_eq!(
        (response.status, found.collect::<Vec<_>>()),
        (status, expected.iter().map(|&line| line.into()).collect())
    );
}

#[test]
fn one_line_is_enough() {
    let (backend, gateway) = start("{origins: '*'}", &[]);
    let mut client = gateway.client();
    let star = "Access-Control-Allow-Origin: *";
    let verbs = "Access-Control-Allow-Methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";
    let answer = preflight(&mut client, "/pets", "POST");
    check(&answer, 204, &[star, verbs]);
    assert_eq!((answer.header("Content-Length"), answer.header("Content-Type"), answer.body.len()), (None, None, 0));
    check(&from(&mut client, "GET", "/pets", ORIGIN), 200, &[star]);
    check(&client.get("/pets"), 200, &[star]);
    // The backend's own words of it give way; the rest stays.
    check(&from(&mut client, "POST", "/pets", ORIGIN), 200, &["Vary: Accept", "Access-Control-Max-Age: 1", star]);
    check(&from(&mut client, "DELETE", "/any", ORIGIN), 200, &[star]);
    assert_eq!(backend.requests(), 2);
    // A path that nobody knows is told by the request itself, which the page may read.
    check(&preflight(&mut client, "/none", "GET"), 204, &[star, verbs]);
    check(&from(&mut client, "GET", "/none", ORIGIN), 403, &[star]);
    check(&from(&mut client, "GET", "/never", ORIGIN), 504, &[star]);
    // Not a preflight: a question without the verb.
    check(&from(&mut client, "OPTIONS", "/pets", ORIGIN), 403, &[star]);
    // An answer is counted when it has been sent.
    eventually("both refusals are counted", || gateway.metric("weir_4xx_error", "") == 2.0);
}

#[test]
fn only_these_origins_may_read() {
    let cors = "{origins: [https://shop.example, 'https://*.example.com'], methods: [GET, POST], headers: [x-a, content-type], \
                exposeHeaders: [x-b], credentials: true, maxAge: 600}";
    let (_backend, gateway) = start(cors, &[]);
    let mut client = gateway.client();
    let vary = "Vary: Origin";
    let shop = "Access-Control-Allow-Origin: https://shop.example";
    let (with, exposed) = ("Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: x-b");
    let more = ["Access-Control-Allow-Methods: GET,POST", "Access-Control-Allow-Headers: x-a,content-type"];
    let age = "Access-Control-Max-Age: 600";
    check(&preflight(&mut client, "/pets", "GET"), 204, &[vary, shop, with, exposed, more[0], more[1], age]);
    check(&from(&mut client, "GET", "/pets", ORIGIN), 200, &[vary, shop, with, exposed]);
    let sub = from(&mut client, "GET", "/pets", "https://a.b.example.com");
    check(&sub, 200, &[vary, "Access-Control-Allow-Origin: https://a.b.example.com", with, exposed]);
    // CORS is no access control: the request runs, and its page may not read the answer.
    for other in ["https://evil.example", "https://shop.example.evil.example", "null", "https://example.com"] {
        check(&from(&mut client, "GET", "/pets", other), 200, &[vary]);
    }
    check(&client.get("/pets"), 200, &[vary]);
    let other = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "GET")];
    check(&client.request("OPTIONS", "/pets", &other, b""), 204, &[vary]);
}

#[test]
fn methods_of_one_s_own_come_first() {
    let (backend, gateway) = start("{origins: '*', methods: [PUT]}", &[]);
    let mut client = gateway.client();
    let told = ["Access-Control-Allow-Origin: *", "Access-Control-Allow-Methods: PUT"];
    check(&preflight(&mut client, "/own", "GET"), 200, &told);
    check(&preflight(&mut client, "/any", "GET"), 200, &told);
    check(&preflight(&mut client, "/all/x", "GET"), 201, &told);
    assert_eq!(backend.requests(), 2);
    // The PUT will meet `/all/named`, which has no OPTIONS: the greedy one beside it is not asked.
    check(&preflight(&mut client, "/all/named", "PUT"), 204, &told);
    // The GET will not.
    check(&preflight(&mut client, "/all/named", "GET"), 201, &told);
    assert_eq!(backend.requests(), 3);
}

#[test]
fn a_page_may_read_what_went_wrong_in_front() {
    let (_backend, gateway) =
        start("{origins: https://shop.example}", &["--throttle", "0.1:2", "--payload-max", "1kb"]);
    let mut client = gateway.client();
    let told = ["Vary: Origin", "Access-Control-Allow-Origin: https://shop.example"];
    check(
        &preflight(&mut client, "/pets", "POST"),
        204,
        &[told[0], told[1], "Access-Control-Allow-Methods: DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"],
    );
    check(&from(&mut client, "GET", "/none", ORIGIN), 403, &told);
    check(&from(&mut client, "GET", "/none", ORIGIN), 429, &told);
    let long = format!("/{}", "x".repeat(2_000));
    check(&from(&mut client, "GET", &long, ORIGIN), 414, &told);
    let mut client = gateway.client();
    check(&client.request("POST", "/pets", &[("Origin", ORIGIN)], &[b'x'; 2_000]), 413, &told);
    // A head that cannot be trusted steers nothing.
    let mut client = gateway.client();
    client.send(format!("GET /pets HTTP/1.1\r\nHost: a\r\nOrigin: {ORIGIN}\r\nbad line\r\n\r\n"));
    check(&client.read_response(), 400, &[]);
}

#[test]
fn without_the_line_nothing_is_added_and_nothing_taken() {
    let backend = Backend::start();
    let gateway = Gateway::start(&definition(backend.addr, ROWS), &[]);
    let mut client = gateway.client();
    check(&preflight(&mut client, "/pets", "GET"), 403, &[]);
    check(&from(&mut client, "GET", "/pets", ORIGIN), 200, &[]);
    let own = ["Access-Control-Allow-Origin: *", "Vary: Accept", "Access-Control-Max-Age: 1"];
    check(&from(&mut client, "POST", "/pets", ORIGIN), 200, &own);
}

/// What AWS's console makes of "Enable CORS": a MOCK method and constants, and gateway responses for the errors.
#[test]
fn the_way_that_rest_apis_have() {
    let text = r#"openapi: 3.0.1
info: {title: t, version: "1"}
paths:
  /pets:
    get:
      responses: {"200": {description: d, headers: {Access-Control-Allow-Origin: {schema: {type: string}}}}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses: {default: {statusCode: "200", responseParameters: {method.response.header.Access-Control-Allow-Origin: "'*'"}}}
    options:
      responses:
        "200":
          description: d
          headers:
            Access-Control-Allow-Origin: {schema: {type: string}}
            Access-Control-Allow-Methods: {schema: {type: string}}
            Access-Control-Allow-Headers: {schema: {type: string}}
      x-amazon-apigateway-integration:
        type: mock
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default:
            statusCode: "200"
            responseParameters:
              method.response.header.Access-Control-Allow-Methods: "'GET,OPTIONS'"
              method.response.header.Access-Control-Allow-Headers: "'Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token'"
              method.response.header.Access-Control-Allow-Origin: "'*'"
x-amazon-apigateway-gateway-responses:
  DEFAULT_4XX: {responseParameters: {gatewayresponse.header.Access-Control-Allow-Origin: "'*'"}}
  DEFAULT_5XX: {responseParameters: {gatewayresponse.header.Access-Control-Allow-Origin: "'*'"}}
"#;
    let gateway = Gateway::start(&text.into(), &[]);
    let mut client = gateway.client();
    let (star, headers) = (
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token",
    );
    check(&preflight(&mut client, "/pets", "GET"), 200, &["Access-Control-Allow-Methods: GET,OPTIONS", headers, star]);
    check(&from(&mut client, "GET", "/pets", ORIGIN), 200, &[star]);
    check(&from(&mut client, "POST", "/pets", ORIGIN), 403, &[star]);
    from(&mut client, "GET", "/none", ORIGIN).expect(403, r#"{"message":"Missing Authentication Token"}"#);
}

#[test]
fn a_mistake_is_told_once_and_where_it_stands() {
    for (cors, code, place) in [
        ("{origins: ['https://b.example', 'https://a.example/path']}", "cors::origin", "api.yaml:1:46"),
        ("{origins: '*', credentials: true}", "cors::credentials", "api.yaml:1:24"),
        ("{origins: 'https://a.example', headers: ['a b']}", "cors::name", "api.yaml:1:55"),
        ("{origins: 'https://a.example', exposeHeaders: ['a b']}", "cors::name", "api.yaml:1:61"),
    ] {
        let folder = Folder::new();
        let Definition(text) = definition(([127, 0, 0, 1], 9).into(), "GET /pets -> mock 200");
        let file = folder.write("api.yaml", &format!("x-weir-cors: {cors}\n{text}"));
        let checked = weir().arg("check").arg(file).stdout(Stdio::piped()).output().expect("the binary runs");
        let told = String::from_utf8_lossy(&[checked.stdout, checked.stderr].concat()).into_owned();
        assert!(told.matches("cors::").count() == 1 && told.contains(code) && told.contains(place), "{cors}: {told}");
    }
}
