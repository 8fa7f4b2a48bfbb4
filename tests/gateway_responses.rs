//! Gateway responses: what the gateway answers by itself, as an API customises it (rest/11).

mod support;

use support::backend::eventually;
use support::gateway::run_to_end;
use support::{Backend, Definition, Gateway, Response, definition};

const ROWS: &str = "GET /pets/{id} -> http_proxy /bytes/{id}
                    GET /status/{s} -> http_proxy /status/{s}
                    GET /never -> http_proxy /never timeout=50
                    GET /ok -> mock 200";

/// A definition with these gateway responses, as YAML.
fn with(Definition(text): Definition, responses: &str) -> Definition {
    let responses: String = responses.lines().map(|line| format!("  {line}\n")).collect();
    Definition(format!("{text}x-amazon-apigateway-gateway-responses:\n{responses}"))
}

fn start(responses: &str, args: &[&str]) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&with(definition(backend.addr, ROWS), responses), args);
    (backend, gateway)
}

#[track_caller]
fn has(response: &Response, header: &str, value: Option<&str>) {
    assert_eq!(response.header(header), value, "{header}");
}

/// rest/11 section 11.5.
#[test]
fn the_recorded_example() {
    let responses = r#"MISSING_AUTHENTICATION_TOKEN:
  statusCode: 404
  responseParameters:
    gatewayresponse.header.Access-Control-Allow-Origin: "'a.b.c'"
    gatewayresponse.header.x-request-header: method.request.header.Accept
  responseTemplates:
    application/json: '{"message": $context.error.messageString, "type": "$context.error.responseType", "stage": "$context.stage", "resourcePath": "$context.resourcePath", "stageVariables.a": "$stageVariables.a", "statusCode": "''404''"}'"#;
    let (_backend, gateway) = start(responses, &["--stage", "prod", "--stage-variable", "a=b"]);
    let mut client = gateway.client();
    let body = r#"{"message": "Missing Authentication Token", "type": "MISSING_AUTHENTICATION_TOKEN", "stage": "prod", "resourcePath": "", "stageVariables.a": "b", "statusCode": "'404'"}"#;
    let answer = client.request("GET", "/none", &[("Accept", "a/b")], b"").expect(404, body);
    has(&answer, "Access-Control-Allow-Origin", Some("a.b.c"));
    has(&answer, "x-request-header", Some("a/b"));
    has(&answer, "Content-Type", Some("application/json"));
    has(&answer, "x-amzn-ErrorType", Some("MissingAuthenticationTokenException"));
    has(&answer, "Connection", Some("keep-alive"));
    assert!(answer.header("x-amzn-RequestId").is_some() && answer.header("X-Amzn-Trace-Id").is_none());
    // Without an Accept line there is no value, and so no header.
    has(&client.get("/none"), "x-request-header", None);
    // The head says how long the body would be.
    let head = client.head("/none");
    assert_eq!((head.status, head.body.len()), (404, 0));
    assert_eq!(head.header("Content-Length"), Some(body.len().to_string().as_str()));
    assert_eq!(client.get("/ok").status, 200);
}

#[test]
fn classes_and_types() {
    let responses = r#"DEFAULT_5XX: {statusCode: 599, responseParameters: {gatewayresponse.header.X: "'five'"}}
DEFAULT_4XX: {responseTemplates: {text/plain: "$context.error.message on $context.httpMethod $context.path"}}
INTEGRATION_TIMEOUT: {responseParameters: {gatewayresponse.header.Y: method.request.querystring.y}}"#;
    let (_backend, gateway) = start(responses, &["--payload-max", "1kb"]);
    let mut client = gateway.client();
    // The class replaces the status of a type that has nothing of its own …
    let dead = definition("127.0.0.1:9".parse().unwrap(), "GET /dead -> http_proxy /x");
    let broken = Gateway::start(&with(dead, responses), &[]);
    let answer = broken.client().get("/dead").expect(599, r#"{"message":"Network error communicating with endpoint"}"#);
    has(&answer, "X", Some("five"));
    // … and one that has something of its own inherits nothing.
    let answer = client.get("/never?y=a%20b").expect(504, r#"{"message":"Endpoint request timed out"}"#);
    has(&answer, "X", None);
    has(&answer, "Y", Some("a b"));
    // A value that would end its line is none.
    let answer = client.get("/never?y=a%0d%0aX:%20b").expect(504, r#"{"message":"Endpoint request timed out"}"#);
    has(&answer, "X", None);
    has(&answer, "Y", None);
    // Without a status each type of the class keeps its own.
    let answer = client.get("/none?a").expect(403, "Missing Authentication Token on GET /none");
    has(&answer, "Content-Type", Some("text/plain"));
    // What no type covers is as it was.
    client.post("/ok", vec![b'x'; 2_000]).expect(413, "HTTP content length exceeded 1024 bytes.");
    let other = gateway.client().request("GET", "/x", &[("Host", "abc.execute-api.us-east-1.amazonaws.com")], b"");
    other.expect(403, r#"{"message":"Forbidden"}"#);
    // A backend's own error is no fault.
    assert_eq!(gateway.client().get("/status/500").status, 500);
}

#[test]
fn a_status_without_a_body_frames_itself() {
    let (_backend, gateway) = start(r#"DEFAULT_4XX: {statusCode: 204}"#, &[]);
    let mut client = gateway.client();
    let answer = client.get("/none");
    assert_eq!((answer.status, answer.body.len(), answer.header("Content-Length")), (204, 0, None));
    assert_eq!(client.get("/ok").status, 200);
}

#[test]
fn the_log_has_the_error_whatever_the_answer_says() {
    let log = "$context.requestId $context.status $context.error.responseType $context.error.messageString \
               $context.error.validationErrorString";
    let responses = r#"THROTTLED: {statusCode: 420, responseTemplates: {text/plain: calm}}"#;
    let args = ["--access-log", "log.txt", "--access-log-format", log, "--throttle", "0.1:1"];
    let (_backend, gateway) = start(responses, &args);
    let mut client = gateway.client();
    client.get("/ok");
    client.get("/ok").expect(420, "calm");
    assert_eq!(gateway.metric("weir_requests_throttled", ""), 1.0);
    let read = || std::fs::read_to_string(gateway.folder.0.join("log.txt")).unwrap_or_default();
    eventually("two lines", || read().lines().count() == 2);
    assert!(read().ends_with(" 420 THROTTLED \"Too Many Requests\" -\n"), "{}", read());
}

#[track_caller]
fn check_refused(responses: &str, expected: &str) {
    let folder = support::gateway::Folder::new();
    let definition = definition("127.0.0.1:9".parse().unwrap(), "GET /ok -> mock 200");
    let file = folder.write("api.yaml", &with(definition, responses).0);
    let (code, _, said) = run_to_end(&["check", &file.display().to_string()]);
    assert!(code != 0 && said.contains(expected), "{said}");
}

#[test]
fn mistakes_keep_it_from_starting() {
    check_refused("THROTLED: {}", "gateway-response::type");
    check_refused("THROTTLED: {statusCode: 100}", "clients would wait");
    check_refused("THROTTLED: {responseParameters: {gatewayresponse.header.X: '*'}}", "single quotes");
}
