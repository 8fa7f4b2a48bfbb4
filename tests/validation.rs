//! Request validation over real sockets (rest/03): AWS's answers, byte for byte.

mod support;

use support::{Backend, Client, Definition, Gateway, Response};

const BODY: &str = r#"{"message": "Invalid request body"}"#;
const HEADER: &str = r#"{"message": "Missing required request parameters: [x-header-param]"}"#;
const QUERY: &str = r#"{"message": "Missing required request parameters: [qs1]"}"#;

const MODELS: &str = r##"
components:
  schemas:
    Sum: {type: object, required: [a, b], properties: {a: {type: number}, b: {type: number}}}
    Sums: {type: array, items: {$ref: "#/components/schemas/Sum"}}
    StatusModel: {type: object, required: [Status, Order], properties: {Status: {type: string}, Order: {type: integer}}}
    Nullable:
      type: object
      required: [status]
      properties: {status: {oneOf: [{type: "null"}, {$ref: "#/components/schemas/StatusModel"}]}}
    Tree: {type: object, required: [v], properties: {v: {type: integer}, next: {$ref: "#/components/schemas/Tree"}}}
"##;

/// `/nested/{test}` of rest/03 section 3.6: GET and POST with a header and a query parameter that are required, and a
/// model for JSON; then `more`, at the indentation of an operation.
fn api(backend: &Backend, kind: &str, validator: &str, model: &str, more: &str) -> Definition {
    let integration = match kind {
        "mock" => "{type: mock, requestTemplates: {application/json: '{\"statusCode\": 200}', text/plain: '{\"statusCode\": 200}'}, responses: {default: {statusCode: \"200\"}}}".to_owned(),
        kind => format!("{{type: {kind}, httpMethod: POST, uri: \"http://{}/b\"}}", backend.addr),
    };
    let operation = format!(
        "      x-amazon-apigateway-request-validator: {validator}\n\
         \x20     parameters:\n\
         \x20       - {{name: x-header-param, in: header, required: true, schema: {{type: string}}}}\n\
         \x20       - {{name: qs1, in: query, required: true, schema: {{type: string}}}}\n\
         \x20       - {{name: free, in: query, required: false, schema: {{type: string}}}}\n\
         \x20     requestBody: {{content: {{application/json: {{schema: {model}}}}}}}\n\
         \x20     responses: {{\"200\": {{description: ok}}}}\n{more}\
         \x20     x-amazon-apigateway-integration: {integration}\n"
    );
    Definition(format!(
        "openapi: 3.0.1\ninfo: {{title: t, version: \"1\"}}\n\
         x-amazon-apigateway-request-validators:\n\
         \x20 all: {{validateRequestBody: true, validateRequestParameters: true}}\n\
         \x20 body: {{validateRequestBody: true, validateRequestParameters: false}}\n\
         \x20 parameters: {{validateRequestBody: false, validateRequestParameters: true}}\n\
         \x20 none: {{validateRequestBody: false, validateRequestParameters: false}}\n\
         paths:\n  /nested/{{test}}:\n    get:\n{operation}    post:\n{operation}{MODELS}"
    ))
}

fn model(name: &str) -> String {
    format!("{{$ref: \"#/components/schemas/{name}\"}}")
}

const WHOLE: &str = "/nested/value?qs1=test";
const GIVEN: (&str, &str) = ("X-Header-Param", "test");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// What an error of the execution engine looks like (rest/11).
#[track_caller]
fn refused(response: Response, body: &str) {
    assert_eq!(response.header("x-amzn-ErrorType"), Some("BadRequestException"));
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    response.expect(400, body);
}

#[track_caller]
fn passes(client: &mut Client, verb: &str, path: &str, headers: &[(&str, &str)], body: &str) {
    assert_eq!(client.request(verb, path, headers, body.as_bytes()).status, 200, "{verb} {path} {headers:?} {body}");
}

/// rest/03 section 3.6, for a proxy and for MOCK.
#[test]
fn the_recorded_answers() {
    for kind in ["http_proxy", "mock"] {
        let backend = Backend::start();
        let gateway = Gateway::start(&api(&backend, kind, "all", &model("Sum"), ""), &[]);
        let mut client = gateway.client();
        passes(&mut client, "POST", WHOLE, &[GIVEN, JSON], r#"{"a":1,"b":2}"#);
        passes(&mut client, "POST", WHOLE, &[GIVEN], r#"{"a":1,"b":2}"#);
        assert_eq!(backend.requests(), if kind == "mock" { 0 } else { 2 });
        refused(client.request("GET", WHOLE, &[], b""), HEADER);
        refused(client.request("GET", "/nested/value", &[GIVEN], b""), QUERY);
        refused(client.request("POST", WHOLE, &[GIVEN, JSON], br#"{"test":"test"}"#), BODY);
        refused(client.request("GET", WHOLE, &[GIVEN, JSON], b""), BODY);
        refused(client.request("GET", WHOLE, &[GIVEN], b""), BODY);
        // Parameters first: the body is wrong too, and not told.
        let both = r#"{"message": "Missing required request parameters: [x-header-param, qs1]"}"#;
        refused(client.request("POST", "/nested/value", &[], br#"{"test":"test"}"#), both);
        // The connection goes on, and a refused request never reached the backend.
        passes(&mut client, "POST", WHOLE, &[GIVEN, JSON], r#"{"a":1,"b":2.5}"#);
        assert_eq!(backend.requests(), if kind == "mock" { 0 } else { 3 });
    }
}

#[test]
fn without_a_flag_everything_proceeds() {
    for validator in ["none", "\"\""] {
        let backend = Backend::start();
        let gateway = Gateway::start(&api(&backend, "http_proxy", validator, &model("Sum"), ""), &[]);
        let mut client = gateway.client();
        passes(&mut client, "GET", "/nested/value", &[], "");
        passes(&mut client, "POST", "/nested/value", &[JSON], "no JSON");
    }
}

#[test]
fn one_flag_alone() {
    let backend = Backend::start();
    let gateway = Gateway::start(&api(&backend, "http_proxy", "parameters", &model("Sum"), ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", WHOLE, &[GIVEN, JSON], "no JSON");
    refused(client.request("POST", WHOLE, &[], b"no JSON"), HEADER);
    let gateway = Gateway::start(&api(&backend, "http_proxy", "body", &model("Sum"), ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", "/nested/value", &[], r#"{"a":1,"b":2}"#);
    refused(client.request("POST", WHOLE, &[GIVEN], b"{}"), BODY);
}

#[test]
fn blank_is_missing() {
    let backend = Backend::start();
    let gateway = Gateway::start(&api(&backend, "http_proxy", "parameters", &model("Sum"), ""), &[]);
    let mut client = gateway.client();
    for query in ["?qs1=", "?qs1", "?qs1=%20", "?QS1=a", "?free=a"] {
        refused(client.request("GET", &format!("/nested/value{query}"), &[GIVEN], b""), QUERY);
    }
    for headers in [&[("x-header-param", "")][..], &[("x-header-param", "  ")], &[("x-header-params", "a")]] {
        refused(client.request("GET", WHOLE, headers, b""), HEADER);
    }
    passes(&mut client, "GET", "/nested/value?qs1=&qs1=0", &[GIVEN], "");
    passes(&mut client, "GET", "/nested/value?%71s1=a", &[("X-HEADER-PARAM", "a")], "");
}

#[test]
fn models_that_name_others() {
    let backend = Backend::start();
    let gateway = Gateway::start(&api(&backend, "http_proxy", "body", &model("Sums"), ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", "/nested/value", &[], r#"[{"a":1,"b":2}]"#);
    passes(&mut client, "POST", "/nested/value", &[], "[]");
    // An empty body is `{}`, and no array.
    for body in ["", "{}", r#"[{"a":1}]"#] {
        refused(client.request("POST", "/nested/value", &[], body.as_bytes()), BODY);
    }
    let gateway = Gateway::start(&api(&backend, "http_proxy", "body", &model("Nullable"), ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", "/nested/value", &[], r#"{"status":null}"#);
    passes(&mut client, "POST", "/nested/value", &[], r#"{"status":{"Status":"works","Order":1}}"#);
    for body in ["", r#"{"badFormat":"bla"}"#, r#"{"status":{"Status":"works"}}"#] {
        refused(client.request("POST", "/nested/value", &[], body.as_bytes()), BODY);
    }
    let gateway = Gateway::start(&api(&backend, "http_proxy", "body", &model("Tree"), ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", "/nested/value", &[], r#"{"v":1,"next":{"v":2,"next":{"v":3}}}"#);
    refused(client.request("POST", "/nested/value", &[], br#"{"v":1,"next":{"v":2,"next":{}}}"#), BODY);
    // A schema without a name, which names one that has.
    let inline = r##"{type: object, properties: {sums: {type: array, items: {$ref: "#/components/schemas/Sum"}}}}"##;
    let gateway = Gateway::start(&api(&backend, "http_proxy", "body", inline, ""), &[]);
    let mut client = gateway.client();
    passes(&mut client, "POST", "/nested/value", &[], r#"{"sums":[{"a":1,"b":2}]}"#);
    refused(client.request("POST", "/nested/value", &[], br#"{"sums":[{"a":1}]}"#), BODY);
}

#[test]
fn the_content_type_chooses_the_model() {
    let backend = Backend::start();
    let check = |content: &str, cases: &[(&str, &str, bool)]| {
        let text = api(&backend, "http_proxy", "body", &model("Sum"), "").0;
        let schema = "{content: {application/json: {schema: {$ref: \"#/components/schemas/Sum\"}}}}";
        let gateway = Gateway::start(&Definition(text.replace(schema, content)), &[]);
        let mut client = gateway.client();
        for &(content_type, body, holds) in cases {
            let headers = if content_type.is_empty() { vec![] } else { vec![("Content-Type", content_type)] };
            let status = client.request("POST", "/nested/value", &headers, body.as_bytes()).status;
            assert_eq!(status, if holds { 200 } else { 400 }, "{content} {content_type} {body}");
        }
    };
    let sum = model("Sum");
    check(
        &format!("{{content: {{application/json: {{schema: {sum}}}, text/plain: {{schema: {{type: string}}}}}}}}"),
        &[
            ("Application/JSON; charset=utf-8", "{}", false),
            ("application/json;charset=utf-8", r#"{"a":1,"b":2}"#, true),
            ("", "{}", false),
            ("text/plain", r#""a""#, true),
            ("text/plain", "{}", false),
            // What no model is for is not looked at.
            ("image/png", "\u{1}", true),
            ("application/x-www-form-urlencoded", "a=b", true),
        ],
    );
    let default = format!("{{content: {{$default: {{schema: {sum}}}, text/plain: {{schema: {{type: string}}}}}}}}");
    check(&default, &[("image/png", "{}", false), ("text/plain", r#""a""#, true), ("", r#"{"a":1,"b":2}"#, true)]);
    // Without any model: what is JSON will do (rest/03 section 3.3).
    check("{content: {}}", &[("", "", true), ("text/plain", "[1]", true), ("", "null", true), ("", "{", false)]);
}

#[test]
fn a_definition_that_cannot_be_validated_is_refused() {
    let gateway = Backend::start();
    let text = |model: &str| api(&gateway, "http_proxy", "all", model, "").0;
    let check = |text: String, expected: &[&str]| {
        let folder = support::gateway::Folder::new();
        let file = folder.write("api.yaml", &text).display().to_string();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_weir")).args(["check", &file]).output();
        let output = output.expect("the gateway's binary runs");
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // Lines are broken where they are shown.
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ").replace("│ ", "");
        for part in expected {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert!(!output.status.success(), "{told}");
    };
    let broken = text(&model("Sum")).replace("a: {type: number}", "a: {type: text}");
    check(broken, &["model::schema", "the model `Sum` cannot be used to check bodies", "/properties/a/type"]);
    check(text("{type: object, pattern: \"(\"}"), &["model::schema", "the pattern `(` cannot be run"]);
    let circle = "{type: object, allOf: [{$ref: \"#\"}]}";
    check(text(circle), &["model::schema", "checked against itself"]);
}
