//! HTTP (non-proxy) and MOCK: defaults toward the backend, which answer is chosen, and its headers
//! (rest/04 4.5 and 4.7, rest/05 5.3 and 5.6, rest/07).

mod support;

use support::{Backend, Definition, Gateway, Response, definition};

const ERROR: &str = r#"{"message": "Internal server error"}"#;

/// One `ANY /m`, its integration as YAML lines; `{B}` is the backend.
fn api(backend: &Backend, headers: &[&str], integration: &str) -> Definition {
    let declared: Vec<String> = headers.iter().map(|name| format!("{name}: {{schema: {{type: string}}}}")).collect();
    let declared = declared.join(", ");
    let responses: String = ["200", "204", "400", "404", "422", "503"]
        .iter()
        .map(|status| format!("        \"{status}\": {{description: d, headers: {{{declared}}}}}\n"))
        .collect();
    let integration: String = integration
        .lines()
        .map(|line| format!("        {}\n", line.replace("{B}", &backend.addr.to_string())))
        .collect();
    Definition(format!(
        "openapi: 3.0.1\ninfo: {{title: t, version: \"1\"}}\npaths:\n  /m:\n    x-amazon-apigateway-any-method:\n\
         \x20     parameters: [{{name: s, in: query, schema: {{type: string}}}}]\n\
         \x20     responses:\n{responses}      x-amazon-apigateway-integration:\n{integration}"
    ))
}

fn start(headers: &[&str], integration: &str) -> (Backend, Gateway) {
    let backend = Backend::start();
    let gateway = Gateway::start(&api(&backend, headers, integration), &["--stage-variable", "v=variable"]);
    (backend, gateway)
}

#[track_caller]
fn unsupported(response: Response) {
    assert_eq!(response.header("x-amzn-ErrorType"), Some("BadRequestException"));
    response.expect(415, r#"{"message": "Unsupported Media Type"}"#);
}

#[test]
fn the_backend_sees_defaults_only() {
    let backend = Backend::start();
    let rows = "GET /g -> http /g\n POST /p -> http /p\n POST /pg -> http GET /pg\n GET /gp -> http POST /gp";
    let gateway = Gateway::start(&definition(backend.addr, rows), &[]);
    let mut client = gateway.client();
    let sent = [
        ("User-Agent", "own"),
        ("Accept", "text/html"),
        ("Cookie", "a=b"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Content-Type", "text/plain"),
        ("Authorization", "Bearer a"),
    ];
    let mut check = |verb: &str, path: &str, body: &str, line: &str, more: &[&str], seen_body: &str| {
        let response = client.request(verb, path, &sent, body.as_bytes());
        assert_eq!(response.status, 200);
        let trace = response.header("X-Amzn-Trace-Id").unwrap_or_default().to_owned();
        let seen = backend.last();
        // What the client is told is the trace that the backend saw.
        assert_eq!(seen.all("X-Amzn-Trace-Id"), [trace]);
        let id = seen.header("X-Amzn-Apigateway-Api-Id").unwrap_or_default();
        let lines: Vec<String> = seen
            .lines()
            .iter()
            .filter(|(name, _)| name != "X-Amzn-Trace-Id")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let mut expected = vec![
            format!("Host: {}", backend.addr),
            "Accept: application/json".into(),
            format!("User-Agent: AmazonAPIGateway_{id}"),
        ];
        expected.extend(more.iter().filter(|line| line.starts_with("Content-Type")).map(|line| (*line).to_owned()));
        expected.extend([format!("X-Amzn-Apigateway-Api-Id: {id}"), "Connection: keep-alive".into()]);
        expected.extend(more.iter().filter(|line| line.starts_with("Content-Length")).map(|line| (*line).to_owned()));
        assert_eq!((seen.request_line().as_str(), lines), (line, expected));
        assert_eq!(String::from_utf8_lossy(&seen.body), seen_body);
    };
    check("GET", "/g?a=b", "", "GET /g HTTP/1.1", &[], "");
    check("POST", "/p?a=b", "", "POST /p HTTP/1.1", &["Content-Type: text/plain", "Content-Length: 0"], "");
    check("POST", "/p", "body", "POST /p HTTP/1.1", &["Content-Type: text/plain", "Content-Length: 4"], "body");
    // No body goes with GET, and no Content-Type comes of a client's GET.
    check("POST", "/pg", "body", "GET /pg HTTP/1.1", &["Content-Type: text/plain"], "");
    check("GET", "/gp", "", "POST /gp HTTP/1.1", &["Content-Length: 0"], "");
}

#[test]
fn the_status_is_chosen_by_pattern() {
    let (backend, gateway) = start(
        &[],
        "type: http
httpMethod: GET
uri: \"http://{B}/status/{s}\"
requestParameters: {integration.request.path.s: method.request.querystring.s}
responses:
  default: {statusCode: \"200\"}
  \"4\\\\d{2}\": {statusCode: \"422\"}
  \"404\": {statusCode: \"404\"}
  \"50\": {statusCode: \"400\"}
  \"5.+\": {statusCode: \"503\"}",
    );
    let mut client = gateway.client();
    for (backends, status) in
        [(200, 200), (201, 200), (302, 200), (400, 422), (404, 404), (499, 422), (500, 503), (503, 503)]
    {
        assert_eq!(client.get(&format!("/m?s={backends}")).status, status, "the backend says {backends}");
    }
    // The uri has no value: a broken address.
    client.get("/m").expect(500, ERROR);
    assert_eq!(backend.requests(), 8);
}

#[test]
fn without_a_default_what_matches_nothing_is_an_error() {
    let (_backend, gateway) = start(
        &[],
        "type: http
httpMethod: GET
uri: \"http://{B}/status/{s}\"
requestParameters: {integration.request.path.s: method.request.querystring.s}
responses:
  \"200\": {statusCode: \"200\"}",
    );
    let mut client = gateway.client();
    assert_eq!(client.get("/m?s=200").status, 200);
    let response = client.get("/m?s=201");
    assert_eq!(response.header("x-amzn-ErrorType"), Some("InternalServerErrorException"));
    response.expect(500, ERROR);
    assert_eq!(client.get("/m?s=200").status, 200);
}

#[test]
fn the_body_passes_and_the_headers_do_not() {
    let (_backend, gateway) = start(
        &[],
        "type: http
httpMethod: GET
uri: \"http://{B}/bytes/300000\"
responses: {default: {statusCode: \"200\"}}",
    );
    let response = gateway.client().get("/m");
    assert_eq!(response.body, support::backend::pattern_bytes(300_000));
    // The backend said text/plain.
    assert_eq!(response.all("Content-Type"), ["application/json"]);
    let names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "Content-Type",
        "X-Amzn-Trace-Id",
        "x-amzn-RequestId",
        "x-amz-apigw-id",
        "Date",
        "Connection",
        "Content-Length",
    ];
    assert_eq!(names, expected);
}

#[test]
fn templates_by_accept() {
    let (_backend, gateway) = start(
        &[],
        "type: http
httpMethod: GET
uri: \"http://{B}/bytes/300000\"
responses:
  default:
    statusCode: \"200\"
    responseTemplates: {text/plain: plain text, application/json: '{\"a\":1}', application/xml: <a/>}",
    );
    let mut client = gateway.client();
    for (accept, content_type, body) in [
        ("text/plain", "text/plain", "plain text"),
        ("TEXT/plain;q=0.5, */*", "text/plain", "plain text"),
        ("application/xml", "application/xml", "<a/>"),
        ("text/html", "application/json", r#"{"a":1}"#),
        ("*/*", "application/json", r#"{"a":1}"#),
    ] {
        let response = client.request("GET", "/m", &[("Accept", accept)], b"").expect(200, body);
        assert_eq!(response.all("Content-Type"), [content_type], "{accept}");
    }
    client.get("/m").expect(200, r#"{"a":1}"#);
}

#[test]
fn response_headers_from_everywhere() {
    let names = ["X-Const", "X-Last", "X-All", "X-Stage", "X-Variable", "X-None", "X-Query", "Content-Type"];
    let (_backend, gateway) = start(
        &names,
        "type: http
httpMethod: GET
uri: \"http://{B}/headers?x-one=1&X-One=2&X-Two=3&Content-Type=text/html\"
responses:
  default:
    statusCode: \"200\"
    responseParameters:
      method.response.header.X-Const: \"'constant'\"
      method.response.header.X-Last: integration.response.header.X-One
      method.response.header.X-All: integration.response.multivalueheader.x-one
      method.response.header.X-Stage: context.stage
      method.response.header.X-Variable: stageVariables.v
      method.response.header.X-None: integration.response.header.absent
      method.response.header.Content-Type: integration.response.header.Content-Type",
    );
    let response = gateway.client().get("/m").expect(200, "headers");
    for (name, value) in [
        ("X-Const", "constant"),
        ("X-Last", "2"),
        ("X-All", "1,2"),
        ("X-Stage", "prod"),
        ("X-Variable", "variable"),
        ("Content-Type", "text/html"),
    ] {
        assert_eq!(response.all(name), [value], "{name}");
    }
    assert_eq!((response.header("X-None"), response.header("X-Two")), (None, None));
}

/// rest/05 section 5.6, the recorded column for static mappings.
#[test]
fn special_names_pass_or_are_renamed() {
    let passed = [
        "Age",
        "Accept",
        "Accept-Charset",
        "Accept-Encoding",
        "Content-Encoding",
        "Pragma",
        "Range",
        "Referer",
        "Warn",
        "TE",
        "Via",
    ];
    let renamed = [
        "Authorization",
        "Connection",
        "Content-Length",
        "Content-MD5",
        "Date",
        "Expect",
        "Host",
        "Max-Forwards",
        "Proxy-Authenticate",
        "Server",
        "Trailer",
        "Upgrade",
        "User-Agent",
        "WWW-Authenticate",
    ];
    let names = [&passed[..], &renamed, &["Transfer-Encoding"]].concat();
    let mappings: String = names.iter().map(|name| format!("\n      method.response.header.{name}: \"'v'\"")).collect();
    for (integration, body) in [
        ("type: http\nhttpMethod: GET\nuri: \"http://{B}/bytes/3\"", "abc"),
        ("type: mock\nrequestTemplates: {application/json: '{\"statusCode\": 200}'}", ""),
    ] {
        let yaml = format!(
            "{integration}\nresponses:\n  default:\n    statusCode: \"200\"\n    responseParameters:{mappings}"
        );
        let (_backend, gateway) = start(&names, &yaml);
        let response = gateway.client().get("/m").expect(200, body);
        for name in passed {
            assert_eq!(response.all(name), ["v"], "{name}: {}", response.raw_head);
        }
        for name in renamed {
            let own = response.all(name);
            assert!(!own.contains(&"v"), "{name}: {}", response.raw_head);
            assert_eq!(response.all(&format!("x-amzn-Remapped-{name}")), ["v"], "{name}: {}", response.raw_head);
        }
        assert_eq!(response.header("Transfer-Encoding"), None);
        assert_eq!(response.header("x-amzn-Remapped-Transfer-Encoding"), None);
    }
}

#[test]
fn bodies_that_no_template_is_for() {
    let http = "type: http\nhttpMethod: POST\nuri: \"http://{B}/m\"\nresponses: {default: {statusCode: \"200\"}}";
    let template = "requestTemplates: {application/json: '{\"fixed\":true}'}";
    // Behaviour, templates; what the backend gets of a JSON body and of a text body. None is 415.
    let (fixed, own) = (Some("{\"fixed\":true}"), Some("own"));
    for (behaviour, templates, of_json, of_text) in [
        ("when_no_match", "", own, own),
        ("when_no_match", template, fixed, own),
        ("when_no_templates", "", own, own),
        ("when_no_templates", template, fixed, None),
        ("never", "", None, None),
        ("never", template, fixed, None),
    ] {
        let (backend, gateway) = start(&[], &format!("{http}\npassthroughBehavior: {behaviour}\n{templates}"));
        let mut client = gateway.client();
        for (content_type, expected) in
            [("application/json", of_json), ("Application/JSON; charset=utf-8", of_json), ("text/plain", of_text)]
        {
            let response = client.request("POST", "/m", &[("Content-Type", content_type)], b"own");
            match expected {
                None => unsupported(response),
                Some(body) => {
                    assert_eq!(response.status, 200);
                    assert_eq!(String::from_utf8_lossy(&backend.last().body), body, "{behaviour} {content_type}");
                    assert_eq!(backend.last().all("Content-Type"), [content_type]);
                }
            }
        }
        // Without a Content-Type it is application/json.
        let response = client.post("/m", "own");
        match of_json {
            None => unsupported(response),
            Some(body) => assert_eq!(String::from_utf8_lossy(&backend.last().body), body),
        }
    }
}

#[test]
fn a_mock_s_status() {
    let (backend, gateway) = start(
        &[],
        "type: mock
requestTemplates: {application/json: '{\"statusCode\": 404}', text/plain: '{\"statusCode\": 200}', text/html: '{\"statusCode\": 503}'}
passthroughBehavior: never
responses:
  default: {statusCode: \"200\", responseTemplates: {application/json: '{\"ok\":true}'}}
  \"404\": {statusCode: \"404\", responseTemplates: {text/plain: none}}
  \"5..\": {statusCode: \"503\"}",
    );
    let mut client = gateway.client();
    let mut ask = |content_type: &str| client.request("POST", "/m", &[("Content-Type", content_type)], b"dropped");
    for (content_type, status, body, answers) in [
        ("application/json", 404, "none", "text/plain"),
        ("text/plain", 200, "{\"ok\":true}", "application/json"),
        ("text/html", 503, "", "application/json"),
    ] {
        let response = ask(content_type).expect(status, body);
        assert_eq!(response.all("Content-Type"), [answers]);
        assert_eq!((response.header("X-Amzn-Trace-Id"), response.header("x-amzn-ErrorType")), (None, None));
    }
    unsupported(ask("image/png"));
    assert_eq!(backend.connections(), 0);
}

#[test]
fn a_preflight_as_the_console_makes_it() {
    let names = ["Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"];
    let (_backend, gateway) = start(
        &names,
        "type: mock
requestTemplates: {application/json: '{\"statusCode\": 200}'}
passthroughBehavior: when_no_match
responses:
  default:
    statusCode: \"204\"
    responseParameters:
      method.response.header.Access-Control-Allow-Origin: \"'*'\"
      method.response.header.Access-Control-Allow-Methods: \"'GET,OPTIONS'\"
      method.response.header.Access-Control-Allow-Headers: \"'Content-Type,X-Amz-Date,Authorization'\"",
    );
    let mut client = gateway.client();
    let asked = [("Origin", "http://a"), ("Access-Control-Request-Method", "GET")];
    let response = client.request("OPTIONS", "/m", &asked, b"").expect(204, "");
    assert_eq!(response.all(names[0]), ["*"]);
    assert_eq!(response.all(names[1]), ["GET,OPTIONS"]);
    assert_eq!(response.all(names[2]), ["Content-Type,X-Amz-Date,Authorization"]);
    assert_eq!((response.header("Content-Length"), response.header("X-Amzn-Trace-Id")), (None, None));
    assert_eq!(client.request("OPTIONS", "/m", &asked, b"").status, 204);
}

#[test]
fn a_mapped_header_that_must_not_be_mapped_fails_every_call() {
    for name in ["Content-Length", "transfer-encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id"] {
        for kind in ["http", "http_proxy"] {
            let yaml = format!(
                "type: {kind}\nhttpMethod: GET\nuri: \"http://{{B}}/m\"\nresponses: {{default: {{statusCode: \"200\"}}}}\nrequestParameters: {{integration.request.header.{name}: \"'1'\"}}"
            );
            let backend = Backend::start();
            let gateway = Gateway::start(&api(&backend, &[], &yaml), &[]);
            let response = gateway.client().get("/m");
            assert_eq!(response.header("x-amzn-ErrorType"), Some("InternalServerErrorException"), "{name}");
            response.expect(500, ERROR);
            assert_eq!(backend.requests(), 0);
        }
    }
}

#[test]
fn an_interim_status_cannot_be_an_answer() {
    let folder = support::gateway::Folder::new();
    let text = "openapi: 3.0.1\ninfo: {title: t, version: '1'}\npaths:\n  /x:\n    get:\n      responses: {'200': {description: ok}}\n      x-amazon-apigateway-integration:\n        type: mock\n        requestTemplates: {application/json: '{\"statusCode\": 200}'}\n        responses: {default: {statusCode: '101'}}\n";
    let file = folder.write("api.yaml", text).display().to_string();
    let (code, _, said) = support::gateway::run_to_end(&["check", &file]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot end with the status 101"), "{said}");
}
