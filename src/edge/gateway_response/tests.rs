#![cfg(test)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compile::compile;
use super::*;
use crate::edge::exchange::{MethodFacts, PathValues, StageFacts};
use crate::edge::fault::FaultKind;
use crate::model::problem::{Located, Place, Severity};
use crate::model::rest_api::RestApi;
use crate::wire::h1::head;
use crate::wire::h1::request::HeadLimits;
use crate::wire::headers::Span;

fn compiled(responses: Value) -> (GatewayResponses, Vec<String>) {
    let members = responses.as_object().expect("a map").clone();
    let located = |name: String| Located::new(name, Place::default());
    let gateway_responses = members.into_iter().map(|(name, value)| (located(name), value)).collect();
    let api = RestApi { gateway_responses, ..RestApi::default() };
    let variables = BTreeMap::from([("a".to_owned(), "b".to_owned()), ("crlf".to_owned(), "x\r\ny".to_owned())]);
    let mut problems = Vec::new();
    let compiled = compile(&api, &variables, &mut problems);
    let told = |problem: crate::model::problem::Problem| {
        let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
        format!("{severity} {}: {}", problem.code, problem.found)
    };
    (compiled, problems.into_iter().map(told).collect())
}

/// `GET /pets/a%2Fb?q=1&q=say%0d%0aX%3A+1` with these lines, at `/pets/{id}`.
fn request(lines: &str) -> Request {
    let text = format!("GET /pets/a%2Fb?q=say%0d%0aX%3A+1&w=a+b HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    let mut request = Request { bytes: Buffer::head(), ..Request::default() };
    request.bytes.push(text.as_bytes());
    let length = head::end(&request.bytes, 0).expect("a whole head");
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    request.head.parse(&request.bytes, length, limits).expect("a sound head");
    request.path = Span { start: 4, end: 15 };
    request.query = Some(Span { start: 16, end: 39 });
    request
}

/// Head and body, with `|` for the ends of lines.
fn answer(responses: Option<&GatewayResponses>, fault: &Fault, lines: &str) -> String {
    let request = request(lines);
    let stage = StageFacts { stage: "prod".into(), ..StageFacts::default() };
    let method = MethodFacts { resource_path: "/pets/{id}".into(), ..MethodFacts::default() };
    let mut values = PathValues::default();
    values.push(Span { start: 10, end: 15 });
    let context = Context::new(&request, &stage, Some(&method), &values);
    let mut head = Buffer::head();
    let answer = respond(responses, fault, &context, &mut head);
    let head = String::from_utf8_lossy(&head).replace("\r\n", "|");
    format!("{head}{}", String::from_utf8_lossy(&answer.body))
}

#[track_caller]
fn check(responses: Value, kind: FaultKind, expected: &str) {
    let (responses, problems) = compiled(responses);
    assert_eq!(problems, [""; 0]);
    assert_eq!(answer(Some(&responses), &Fault::new(kind), ""), expected);
}

/// A header mapped in THROTTLED, as it goes out.
#[track_caller]
fn check_header(source: &str, expected: Option<&str>) {
    let parameters = json!({"gatewayresponse.header.X": source});
    let own = json!({"THROTTLED": {"responseParameters": parameters, "responseTemplates": {"a/b": "-"}}});
    let between = expected.map_or_else(String::new, |value| format!("X: {value}|"));
    let end = "Content-Type: a/b|x-amzn-ErrorType: TooManyRequestsException|-";
    assert_eq!(
        answer(Some(&compiled(own).0), &Fault::new(FaultKind::Throttled), "Accept: c\r\nX-B: d\r\n"),
        format!("HTTP/1.1 429 Too Many Requests|{between}{end}")
    );
}

/// A template of THROTTLED, as it goes out.
#[track_caller]
fn check_body(template: &str, expected: &str) {
    let own = json!({"THROTTLED": {"responseTemplates": {"a/b": template}}});
    let mut fault = Fault::with_message(FaultKind::Throttled, "say \"no\"");
    fault.validation_errors = Some("[\"x\"]".into());
    let whole = answer(Some(&compiled(own).0), &fault, "X-B: d\r\n");
    assert_eq!(whole.rsplit_once('|').expect("a head").1, expected);
}

#[test]
fn what_nobody_customised_is_as_ever() {
    let throttled = "HTTP/1.1 429 Too Many Requests|Content-Type: application/json|\
                     x-amzn-ErrorType: TooManyRequestsException|{\"message\":\"Too Many Requests\"}";
    check(json!({}), FaultKind::Throttled, throttled);
    check(json!({"UNAUTHORIZED": {"statusCode": 499}}), FaultKind::Throttled, throttled);
    check(json!({"DEFAULT_5XX": {"statusCode": 599}}), FaultKind::Throttled, throttled);
    assert_eq!(answer(None, &Fault::new(FaultKind::Throttled), ""), throttled);
    let timeout = "HTTP/1.1 504 Gateway Timeout|Content-Type: application/json|\
                   x-amzn-ErrorType: InternalServerErrorException|{\"message\": \"Endpoint request timed out\"}";
    check(json!({"DEFAULT_4XX": {"statusCode": 404}}), FaultKind::IntegrationTimeout, timeout);
}

#[test]
fn what_no_type_covers_is_nobody_s() {
    let all = json!({"DEFAULT_4XX": {"statusCode": "499"}, "DEFAULT_5XX": {"statusCode": "599"}});
    for (kind, status) in [
        (FaultKind::UnknownHost, "403 Forbidden"),
        (FaultKind::PayloadTooLarge, "413 Request Entity Too Large"),
        (FaultKind::UriTooLong, "414 Request-URI Too Long"),
        (FaultKind::HeadersTooLarge, "431 Request Header Fields Too Large"),
        (FaultKind::Malformed, "400 Bad Request"),
        (FaultKind::Internal, "500 Internal Server Error"),
        (FaultKind::NotImplemented, "501 Not Implemented"),
    ] {
        let own = answer(Some(&compiled(all.clone()).0), &Fault::new(kind), "");
        assert!(own.starts_with(&format!("HTTP/1.1 {status}|")), "{own}");
    }
    let (_, problems) = compiled(json!({"REQUEST_TOO_LARGE": {"statusCode": 499}}));
    assert!(problems[0].starts_with("warning gateway-response::type: gateway response REQUEST_TOO_LARGE"));
}

#[test]
fn a_type_is_its_own_or_its_class_s_or_built_in() {
    let own = json!({"gatewayresponse.header.X": "'own'"});
    let class = json!({"gatewayresponse.header.X": "'class'"});
    let rest = "Content-Type: application/json|x-amzn-ErrorType: InternalServerErrorException|";
    // rest/17 line 61: 599 is the class's, and a type of its own inherits nothing of it.
    let five = json!({"DEFAULT_5XX": {"statusCode": 599, "responseParameters": class}, "API_CONFIGURATION_ERROR": {"responseParameters": own}});
    let message = "{\"message\":\"Endpoint request timed out\"}";
    check(five.clone(), FaultKind::IntegrationTimeout, &format!("HTTP/1.1 599 |X: class|{rest}{message}"));
    let message = "{\"message\":\"Internal server error\"}";
    let expected = format!("HTTP/1.1 500 Internal Server Error|X: own|{rest}{message}");
    check(five, FaultKind::Configuration, &expected);
    // Without a status each type of the class keeps its own, down to the fault's.
    let keeps = json!({"DEFAULT_5XX": {}});
    check(
        keeps.clone(),
        FaultKind::IntegrationTooLarge,
        &format!("HTTP/1.1 500 Internal Server Error|{rest}{message}"),
    );
    let message = "{\"message\":\"Network error communicating with endpoint\"}";
    check(keeps, FaultKind::IntegrationFailure, &format!("HTTP/1.1 504 Gateway Timeout|{rest}{message}"));
    // rest/17 line 62: a status alone goes with the default template.
    check(
        json!({"MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404", "responseTemplates": {}}}),
        FaultKind::NoSuchRoute,
        "HTTP/1.1 404 Not Found|Content-Type: application/json|\
         x-amzn-ErrorType: MissingAuthenticationTokenException|{\"message\":\"Missing Authentication Token\"}",
    );
}

#[test]
fn headers_have_sources() {
    check_header("'*'", Some("*"));
    check_header("''", Some(""));
    check_header("method.request.header.X-B", Some("d"));
    check_header("method.request.header.x-b", None);
    check_header("method.request.header.None", None);
    check_header("method.request.querystring.w", Some("a b"));
    check_header("method.request.path.id", Some("a%2Fb"));
    check_header("method.request.path.none", None);
    check_header("context.stage", Some("prod"));
    check_header("context.identity.caller", None);
    check_header("context.error.responseType", Some("THROTTLED"));
    check_header("context.error.validationErrorString", None);
    check_header("stageVariables.a", Some("b"));
    check_header("stageVariables.none", None);
    // The client's line end would begin a header of its own.
    check_header("method.request.querystring.q", None);
    check_header("stageVariables.crlf", None);
}

#[test]
fn templates_are_text_with_values() {
    check_body("", "");
    check_body("{\"m\":$context.error.messageString}", r#"{"m":"say \"no\""}"#);
    check_body("<$context.error.message>", "<say \"no\">");
    check_body("$context.error.validationErrorString", "[\"x\"]");
    check_body("$context.error.responseType $context.stage.", "THROTTLED prod.");
    check_body("[$context.identity.user][$context.nonsense][$stageVariables.none]", "[][][]");
    check_body("$stageVariables.a method.request.header.X-B $method.request.querystring.w", "b d a b");
    check_body("#if($context.stage)$util$x#end", "#if(prod)$util$x#end");
    let (responses, _) = compiled(json!({"THROTTLED": {}}));
    let nameless = Fault::with_message(FaultKind::Throttled, "");
    assert!(answer(Some(&responses), &nameless, "").ends_with("|{\"message\":null}"));
}

#[test]
fn accept_chooses_among_templates() {
    let both = json!({"THROTTLED": {"responseTemplates": {"text/html": "H", "application/json": "J", "text/xml; charset=utf-8": "X"}}});
    let (both, problems) = compiled(both);
    assert_eq!(problems, [""; 0]);
    let check = |accept: &str, content_type: &str, body: &str| {
        let found = answer(Some(&both), &Fault::new(FaultKind::Throttled), accept);
        let expected = format!("Content-Type: {content_type}|x-amzn-ErrorType: TooManyRequestsException|{body}");
        assert!(found.ends_with(&expected), "{found} is not {expected}");
    };
    check("", "application/json", "J");
    check("Accept: */*\r\n", "application/json", "J");
    check("Accept: text/html\r\n", "text/html", "H");
    check("Accept: image/png, TEXT/html;q=0.9\r\n", "text/html", "H");
    check("Accept: text/xml\r\n", "text/xml; charset=utf-8", "X");
}

#[test]
fn what_the_answer_needs_for_itself_is_not_to_be_said() {
    let parameters = json!({
        "gatewayresponse.header.Content-Length": "'5'", "gatewayresponse.header.transfer-encoding": "'chunked'",
        "gatewayresponse.header.Connection": "'close'", "gatewayresponse.header.x-amz-apigw-id": "'mine'",
        "gatewayresponse.header.Content-Type": "'text/plain'", "gatewayresponse.header.X-Amzn-Errortype": "'Mine'",
    });
    let (responses, problems) = compiled(json!({"DEFAULT_4XX": {"responseParameters": parameters}}));
    assert_eq!(problems.len(), 4);
    let found = answer(Some(&responses), &Fault::new(FaultKind::Throttled), "");
    let expected = "HTTP/1.1 429 Too Many Requests|x-amzn-Remapped-Content-Length: 5|x-amzn-Remapped-Connection: close|\
                    Content-Type: text/plain|X-Amzn-Errortype: Mine|{\"message\":\"Too Many Requests\"}";
    assert_eq!(found, expected);
}

#[track_caller]
fn check_told(response: Value, expected: &str) {
    let told = compiled(json!({"THROTTLED": response})).1.join("; ");
    let expected = expected.replacen(": ", ": gateway response THROTTLED: ", 1);
    assert!(told.starts_with(&expected), "{told} is not {expected}");
}

#[test]
fn mistakes_are_told_when_it_is_deployed() {
    check_told(json!(7), "error gateway-response::member: not a map");
    check_told(json!({"statuscode": 1}), "warning gateway-response::member: `statuscode` has no effect");
    check_told(json!({"statusCode": "600"}), "error gateway-response::status: `600` is no status");
    check_told(json!({"statusCode": "+20"}), "error gateway-response::status: `+20` is no status");
    check_told(json!({"statusCode": true}), "error gateway-response::status: `` is no status");
    check_told(json!({"statusCode": 101}), "error gateway-response::status: the status 101 is an interim one");
    check_told(json!({"responseTemplates": "x"}), "error gateway-response::member: parameters and templates are maps");
    check_told(json!({"responseTemplates": {"a/b": []}}), "error gateway-response::member: `a/b` must be a text");
    check_told(json!({"responseTemplates": {"a\r\nb": "x"}}), "error gateway-response::template: \"a\\r\\nb\" is no");
    check_told(
        json!({"responseTemplates": {"a/b": "#set($x = 1)"}}),
        "warning gateway-response::template: the template",
    );
    check_told(json!({"responseTemplates": {"a/b": "$context.x"}}), "warning gateway-response::variable: `$context.x`");
    let many = "$context.path".repeat(300);
    check_told(json!({"responseTemplates": {"a/b": many}}), "error gateway-response::values: more than 256 values");
    let parameter = |name: &str, source: &str| json!({"responseParameters": {name: source}});
    check_told(parameter("X", "'a'"), "error gateway-response::parameter: `X` is no parameter");
    check_told(
        parameter("gatewayresponse.body.X", "'a'"),
        "error gateway-response::parameter: `gatewayresponse.body.X`",
    );
    check_told(
        parameter("gatewayresponse.path.X", "'a'"),
        "warning gateway-response::parameter: `gatewayresponse.path.X`",
    );
    check_told(parameter("gatewayresponse.header.A B", "'a'"), "error gateway-response::parameter: `A B` is no header");
    check_told(
        parameter("gatewayresponse.header.", "'a'"),
        "error gateway-response::parameter: `` is no header's name",
    );
    check_told(parameter("gatewayresponse.header.X", "a"), "error gateway-response::source: `a` names nothing");
    check_told(parameter("gatewayresponse.header.X", "method.request.body"), "error gateway-response::source: `method");
    check_told(parameter("gatewayresponse.header.X", "'a\r\nb'"), "error gateway-response::source: the constant");
    check_told(parameter("gatewayresponse.header.X", "context.x"), "warning gateway-response::variable: `$context.x`");
    let (_, problems) = compiled(json!({"NOTHING": {}}));
    assert_eq!(problems, ["error gateway-response::type: gateway response NOTHING: no such type"]);
}
