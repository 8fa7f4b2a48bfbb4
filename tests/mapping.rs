//! Templates, mappings, conversions and overrides over real sockets (rest/04, 06, 07, 08).

mod support;

use std::io::{Read, Write};

use support::{Backend, Definition, Gateway, Response};

const ERROR: &str = r#"{"message": "Internal server error"}"#;

/// One method with an integration as YAML lines; `{B}` is the backend. `top` stands at the document's top.
struct Method<'m> {
    top: &'m str,
    path: &'m str,
    integration: &'m str,
}

impl Method<'_> {
    fn definition(&self, backend: &Backend) -> Definition {
        let headers = ["X-A", "X-B", "X-C", "Content-Type", "Content-Encoding"];
        let declared: Vec<String> =
            headers.iter().map(|name| format!("{name}: {{schema: {{type: string}}}}")).collect();
        let responses: String = [200, 201, 302, 400, 404, 405, 418, 500, 502]
            .iter()
            .map(|status| format!("        \"{status}\": {{description: d, headers: {{{}}}}}\n", declared.join(", ")))
            .collect();
        let parameters: String = [
            "in: query, name: q",
            "in: header, name: X-Forwarded-For",
            "in: header, name: X-Amzn-Trace-Id",
            "in: header, name: Expect",
        ]
        .iter()
        .map(|one| format!("        - {{{one}, schema: {{type: string}}}}\n"))
        .chain(
            self.path
                .contains("{id}")
                .then(|| "        - {in: path, name: id, required: true, schema: {type: string}}\n".to_owned()),
        )
        .collect();
        let integration: String = self
            .integration
            .lines()
            .map(|line| format!("        {}\n", line.replace("{B}", &backend.addr.to_string())))
            .collect();
        Definition(format!(
            "openapi: 3.0.1\ninfo: {{title: t, version: \"1\"}}\n{}\npaths:\n  {}:\n    x-amazon-apigateway-any-method:\n\
             \x20     parameters:\n{parameters}      responses:\n{responses}      x-amazon-apigateway-integration:\n{integration}",
            self.top, self.path
        ))
    }

    fn start(&self) -> (Backend, Gateway) {
        let backend = Backend::start();
        let gateway = Gateway::start(&self.definition(&backend), &["--stage-variable", "v=variable"]);
        (backend, gateway)
    }
}

fn start(integration: &str) -> (Backend, Gateway) {
    Method { top: "", path: "/m", integration }.start()
}

/// An HTTP method whose backend mirrors the body, with a request template.
fn with_request_template(template: &str) -> (Backend, Gateway) {
    let template: String = template.lines().map(|line| format!("    {line}\n")).collect();
    start(&format!(
        "type: http\nhttpMethod: POST\nuri: \"http://{{B}}/mirror/200\"\nresponses: {{default: {{statusCode: \"200\"}}}}\n\
         requestTemplates:\n  application/json: |-\n{template}"
    ))
}

/// … with a response template.
fn with_response_template(template: &str) -> (Backend, Gateway) {
    let template: String = template.lines().map(|line| format!("        {line}\n")).collect();
    start(&format!(
        "type: http\nhttpMethod: POST\nuri: \"http://{{B}}/mirror/200\"\nresponses:\n  default:\n    statusCode: \"200\"\n\
         \x20   responseTemplates:\n      application/json: |-\n{template}"
    ))
}

#[track_caller]
fn failed(response: Response) {
    assert_eq!(response.header("x-amzn-ErrorType"), Some("InternalServerErrorException"));
    response.expect(500, ERROR);
}

#[test]
fn a_request_template_reshapes_the_body() {
    let (backend, gateway) = with_request_template(
        "#set($root = $input.path('$'))\n{\"id\": $input.json('$.id'), \"who\": \"$input.params('q')\", \"stage\": \"$context.stage\",\n\
         \"v\": \"$stageVariables.v\", \"items\": [#foreach($i in $root.items)\"$i.name\"#if($foreach.hasNext),#end#end]}",
    );
    let body = r#"{"id": 7, "items": [{"name": "a"}, {"name": "b"}]}"#;
    let expected = "{\"id\": 7, \"who\": \"me\", \"stage\": \"prod\",\n\"v\": \"variable\", \"items\": [\"a\",\"b\"]}";
    let mut client = gateway.client();
    client.post("/m?q=me", body).expect(200, expected);
    assert_eq!(backend.last().header("Content-Length"), Some(expected.len().to_string()));
    // Any verb of the client's: the template runs, also for an empty body.
    let expected = "{\"id\": \"\", \"who\": \"\", \"stage\": \"prod\",\n\"v\": \"variable\", \"items\": []}";
    client.get("/m").expect(200, expected);
}

#[test]
fn no_body_goes_with_get() {
    let (backend, gateway) = start(
        "type: http\nhttpMethod: GET\nuri: \"http://{B}/mirror/200\"\nresponses: {default: {statusCode: \"200\"}}\n\
         requestTemplates: {application/json: '#set($context.requestOverride.header.X-T = \"t$input.body\"){\"a\":1}'}",
    );
    gateway.client().post("/m", "b").expect(200, "");
    let seen = backend.last();
    assert_eq!((seen.method().as_str(), seen.body.len(), seen.header("X-T")), ("GET", 0, Some("tb".into())));
    assert_eq!(seen.header("Content-Length"), None);
}

#[test]
fn overrides_win_over_mappings() {
    let (backend, gateway) = Method {
        top: "",
        path: "/m/{id}",
        integration: "type: http
httpMethod: POST
uri: \"http://{B}/a/{id}/{free}\"
requestParameters:
  integration.request.path.id: method.request.path.id
  integration.request.header.X-One: \"'mapped'\"
  integration.request.header.X-Two: \"'mapped'\"
  integration.request.querystring.one: \"'mapped'\"
  integration.request.querystring.two: \"'mapped'\"
requestTemplates:
  application/json: |-
    #set($context.requestOverride.header.x-one = \"over\")
    #set($context.requestOverride.header.X-List = [\"a\", \"b\"])
    #set($context.requestOverride.querystring[\"one\"] = [\"p q\", \"r\"])
    $!context.requestOverride.path.put(\"free\", \"$context.requestId.length()\")
    $!context.requestOverride.path.put(\"id\", \"x y\")
    {}
responses: {default: {statusCode: \"200\"}}",
    }
    .start();
    assert_eq!(gateway.client().post("/m/7", "{}").status, 200);
    let seen = backend.last();
    assert_eq!(seen.target(), "/a/x%20y/36?two=mapped&one=p%20q&one=r");
    assert_eq!(seen.all("X-One"), ["over"]);
    assert_eq!(seen.all("X-Two"), ["mapped"]);
    assert_eq!(seen.all("X-List"), ["a,b"]);
}

#[test]
fn overrides_that_cannot_be_sent_fail_the_call() {
    for (name, value) in [
        ("Content-Length", "1"),
        ("transfer-encoding", "chunked"),
        ("X-Amzn-Trace-Id", "1"),
        ("X-Bad Name", "1"),
        ("X-Line", "a$util.parseJson('\"\\r\\n\"')b"),
    ] {
        let (backend, gateway) =
            with_request_template(&format!("#set($context.requestOverride.header[\"{name}\"] = \"{value}\"){{}}"));
        failed(gateway.client().post("/m", "{}"));
        assert_eq!(backend.requests(), 0, "{name}");
    }
}

#[test]
fn mappings_look_into_the_body() {
    let (backend, gateway) = start(
        "type: http
httpMethod: POST
uri: \"http://{B}/mirror/{p}?own={p}\"
requestParameters:
  integration.request.header.X-Deep: method.request.body.a.b[1]
  integration.request.header.X-Number: method.request.body.n
  integration.request.header.X-Object: method.request.body.a
  integration.request.header.X-None: method.request.body.none
  integration.request.header.X-All: method.request.body
  integration.request.querystring.t: method.request.body.t
  integration.request.path.p: method.request.body.status
responses: {default: {statusCode: \"200\"}}",
    );
    let mut client = gateway.client();
    let body = r#"{"a":{"b":["x","y"]},"n":10.50,"t":"p q","status":201}"#;
    client.post("/m", body).expect(200, body);
    let seen = backend.last();
    assert_eq!(seen.target(), "/mirror/201?own=201&t=p%20q");
    for (name, value) in [("X-Deep", "y"), ("X-Number", "10.5"), ("X-Object", r#"{"b":["x","y"]}"#), ("X-All", body)] {
        assert_eq!(seen.all(name), [value], "{name}");
    }
    assert_eq!(seen.header("X-None"), None);
    // Nothing fills the path then: the address is broken.
    failed(client.post("/m", "plain text"));
    for body in ["{", "[1", "\"a", "'a"] {
        let response = client.post("/m", body);
        assert_eq!(response.header("x-amzn-ErrorType"), Some("BadRequestException"), "{body}");
        response.expect(400, r#"{"message": "Invalid JSON in request body"}"#);
    }
}

#[test]
fn response_templates_see_the_backend_and_the_client() {
    let (_backend, gateway) = with_response_template(
        "{\"got\": $input.json('$.a'), \"q\": \"$input.params('q')\", \"body\": \"$util.escapeJavaScript($input.body)\"}",
    );
    let mut client = gateway.client();
    let response = client.post("/m?q=1", r#"{"a": [1, 2]}"#);
    assert_eq!(response.all("Content-Type"), ["application/json"]);
    response.expect(200, r#"{"got": [1,2], "q": "1", "body": "{\"a\": [1, 2]}"}"#);
    client.post("/m", "").expect(200, r#"{"got": "", "q": "", "body": "{}"}"#);
}

#[test]
fn response_overrides() {
    for (template, status, header, body) in [
        (
            "#set($context.responseOverride.status = 418)#set($context.responseOverride.header.X-A = \"o\")b",
            418,
            "o",
            "b",
        ),
        ("#set($context.responseOverride.status = \"418\")b", 200, "mapped", "b"),
        ("#set($context.responseOverride.status = 99)b", 200, "mapped", "b"),
        ("#set($context.responseOverride.status = 101)b", 200, "mapped", "b"),
        ("#set($context.responseOverride.header.x-a = [\"o\", \"p\"])b", 200, "o,p", "b"),
    ] {
        let template: String = format!("        {template}\n");
        let (_backend, gateway) = start(&format!(
            "type: http\nhttpMethod: POST\nuri: \"http://{{B}}/mirror/200\"\nresponses:\n  default:\n    statusCode: \"200\"\n\
             \x20   responseParameters: {{method.response.header.X-A: \"'mapped'\"}}\n\
             \x20   responseTemplates:\n      application/json: |-\n{template}"
        ));
        let response = gateway.client().post("/m", "x");
        assert_eq!(response.all("X-A"), [header], "{template}");
        response.expect(status, body);
    }
}

/// rest/08 section 8.14, the rows about overrides and MOCK (recorded).
#[test]
fn what_a_mock_s_request_template_overrides() {
    let mock = |template: &str, responses: &str| {
        format!("type: mock\nrequestTemplates:\n  application/json: |-\n    {template}\nresponses:\n{responses}")
    };
    let plain = "  default: {statusCode: \"200\"}";
    let (_backend, gateway) = start(&mock(
        "#set($context.responseOverride.status = 444) #set($context.responseOverride.header.foo = \"bar\") {\"statusCode\": 200}",
        plain,
    ));
    let response = gateway.client().post("/m", "{}");
    assert_eq!((response.header("foo"), response.header("X-Amzn-Trace-Id")), (Some("bar"), None));
    response.expect(444, "");

    let (_backend, gateway) = start(&mock(
        "#set($n = \"a\")#set($context.requestOverride.querystring[$n] = \"1\")$context.requestOverride.querystring.put(\"b\", \"2\")\
         #set($context[\"requestOverride\"].querystring[\"c\"] = \"3\")#set($context.responseOverride.custom = \"4\"){\"statusCode\": 200}",
        "  default:\n    statusCode: \"200\"\n    responseTemplates:\n      application/json: |-\n        $context.requestOverride.querystring.a$context.requestOverride.querystring.b$context.requestOverride.querystring.c$context.responseOverride.custom",
    ));
    gateway.client().post("/m", "{}").expect(200, "1234");

    let (_backend, gateway) = Method {
        top: "",
        path: "/m/{id}",
        integration: &mock(
            "#set($context.requestOverride.path.body = $util.base64Decode($input.params('id'))){\"statusCode\": 200}",
            "  default:\n    statusCode: \"200\"\n    responseTemplates:\n      application/json: |-\n        $util.parseJson($context.requestOverride.path.body).message|$input.params('id')|$input.body|$input.json('$')",
        ),
    }
    .start();
    let id = "eyJtZXNzYWdlIjoiaGkifQ==";
    // The body of the request is not there any more (recorded).
    gateway.client().post(&format!("/m/{id}"), "{\"a\":1}").expect(200, &format!("hi|{id}|{{}}|{{}}"));
}

/// rest/07 section 7.7: how leniently the status is read.
#[test]
fn the_status_of_a_mock_is_read_leniently() {
    // No template: the client's own body says the status.
    let (backend, gateway) = start(
        "type: mock\nrequestTemplates: {text/plain: '{\"statusCode\": 404}'}\nresponses: {default: {statusCode: \"200\"}, \"404\": {statusCode: \"404\"}}",
    );
    let mut client = gateway.client();
    for body in [
        r#"{"statusCode": 404}"#,
        "{ statusCode: 404 }",
        "{'statusCode': 404}",
        r#"{"statusCode": 404 ,, }"#,
        "{'statusCode': 404, '': ''}",
        r#"{"statusCode": 404 , null: null }"#,
        "{statusCode: 404,super{ f}oo: [ba r]}",
        r#"{"statusCode": 404} trailing text"#,
    ] {
        assert_eq!(client.post("/m", body).status, 404, "{body}");
    }
    for body in [
        r#"{"statusCode": "404"}"#,
        r#"{"statusCode": 404"#,
        "statusCode: 404",
        r#"{"statusCode": 404, "foo': 1}"#,
        "{statusCode: 404, {foo: [ba r]}",
        "",
        r#"{"statusCode": 99999999999}"#,
    ] {
        let response = client.post("/m", body);
        assert_eq!(response.status, 500, "{body}");
        failed(response);
    }
    assert_eq!(backend.requests(), 0);
}

#[test]
fn headers_from_the_backend_s_body() {
    let (_backend, gateway) = start(
        "type: http
httpMethod: POST
uri: \"http://{B}/mirror/200\"
responses:
  default:
    statusCode: \"200\"
    responseParameters:
      method.response.header.X-A: integration.response.body.a.b
      method.response.header.X-B: integration.response.body.errorMessage.code
      method.response.header.X-C: integration.response.body.none",
    );
    let mut client = gateway.client();
    let body = r#"{"a":{"b":[1,"2"]},"errorMessage":"{\"code\":\"E1\"}"}"#;
    let response = client.post("/m", body);
    assert_eq!(response.all("X-A"), [r#"[1,"2"]"#]);
    assert_eq!(response.all("X-B"), ["E1"]);
    assert_eq!(response.header("X-C"), None);
    response.expect(200, body);
    assert_eq!(client.post("/m", "no json").expect(200, "no json").header("X-A"), None);
    failed(client.post("/m", "{\"a\":"));
}

#[test]
fn selection_patterns_match_the_whole_status() {
    let (_backend, gateway) = Method {
        top: "",
        path: "/m/{id}",
        integration: "type: http
httpMethod: GET
uri: \"http://{B}/status/{id}\"
requestParameters: {integration.request.path.id: method.request.path.id}
responses:
  \"40\": {statusCode: \"500\"}
  \"4\\\\d{2}\": {statusCode: \"404\"}
  \"5\\\\d\\\\d|3.*\": {statusCode: \"502\"}
  \"^(?!200)2\\\\d\\\\d$\": {statusCode: \"201\"}
  default: {statusCode: \"418\"}",
    }
    .start();
    let mut client = gateway.client();
    for (backend, expected) in [(200, 418), (202, 201), (400, 404), (499, 404), (500, 502), (302, 502)] {
        assert_eq!(client.get(&format!("/m/{backend}")).status, expected, "{backend}");
    }
}

#[test]
fn a_template_that_fails_is_a_500_and_says_why_to_nobody_outside() {
    for template in [
        "#if(true",
        "#set($x = )",
        "#include('a')",
        "#set($l = [1])$l.get(9)",
        "${open",
        "#foreach($a in [1..1000])#foreach($b in [1..1000])#foreach($c in [1..1000])$a#end#end#end",
        "#set($s = \"0123456789\")#foreach($i in [1..40])#set($s = \"$s$s\")#end$s",
        "#macro(m)#m()#end#m()",
    ] {
        let (backend, gateway) = with_request_template(template);
        let began = std::time::Instant::now();
        failed(gateway.client().post("/m", "{}"));
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{template}");
        assert_eq!(backend.requests(), 0, "{template}");
    }
    let (_backend, gateway) = with_response_template("#set($l = [1])$l.get(9)");
    failed(gateway.client().post("/m", "{}"));
}

#[test]
fn nasty_bodies_end_in_an_answer() {
    let (_backend, gateway) = with_request_template("$input.json('$.a')|$input.path('$.a.b')");
    let mut client = gateway.client();
    let deep = "[".repeat(100_000);
    let digits = format!("{{\"a\": {}}}", "9".repeat(1_000_000));
    for body in [&deep, &digits, "{\"a\": \"\\ud800\"}", "\u{0}", "{'a", "nul"] {
        let response = client.post("/m", body);
        assert!(matches!(response.status, 200 | 500), "{}", response.status);
    }
    // Broken UTF-8 is replaced, as on AWS.
    client.request("POST", "/m", &[], b"{\"a\": \"x\xff\"}").expect(200, "\"x\u{fffd}\"|");
}

/// rest/06 section 6.2 and 6.3 over a socket; the tables themselves are unit tests.
#[test]
fn binary_media_types_and_content_handling() {
    let top = "x-amazon-apigateway-binary-media-types: [image/png]";
    let body = b"\x89PNG\xff";
    let method = |integration: &str| Method { top, path: "/m", integration }.start();
    let http = "type: http\nhttpMethod: POST\nuri: \"http://{B}/mirror/200?Content-Type=image/png\"\n";

    let (backend, gateway) = method(&format!("{http}responses: {{default: {{statusCode: \"200\"}}}}"));
    let mut client = gateway.client();
    let png = [("Content-Type", "image/png"), ("Accept", "image/png")];
    let response = client.request("POST", "/m", &png, body);
    assert_eq!((response.body.as_slice(), backend.last().body.as_slice()), (&body[..], &body[..]));
    // Bytes for a client that takes none are base64.
    let response = client.request("POST", "/m", &[("Content-Type", "image/png")], body);
    assert_eq!(response.text(), "iVBOR/8=");
    // What is no binary type is text, and what is no text is damaged, as on AWS.
    client.request("POST", "/m", &[("Content-Type", "text/plain")], body);
    assert_eq!(backend.last().body, "\u{fffd}PNG\u{fffd}".as_bytes());

    let (backend, gateway) =
        method(&format!("{http}contentHandling: CONVERT_TO_TEXT\nresponses: {{default: {{statusCode: \"200\"}}}}"));
    gateway.client().request("POST", "/m", &png, body);
    assert_eq!(backend.last().body, b"iVBOR/8=");

    let (backend, gateway) =
        method(&format!("{http}contentHandling: CONVERT_TO_BINARY\nresponses: {{default: {{statusCode: \"200\"}}}}"));
    let mut client = gateway.client();
    client.request("POST", "/m", &[("Content-Type", "text/plain")], b"iVBOR/8=");
    assert_eq!(backend.last().body, body);
    failed(client.request("POST", "/m", &[("Content-Type", "text/plain")], b"not base64"));

    let (_backend, gateway) = method(&format!(
        "{http}responses: {{default: {{statusCode: \"200\", contentHandling: CONVERT_TO_TEXT, responseTemplates: {{application/json: '{{\"b\":\"$input.body\"}}'}}}}}}"
    ));
    gateway.client().request("POST", "/m", &png, body).expect(200, "{\"b\":\"iVBOR/8=\"}");

    // Bytes and a template do not go together.
    let (_backend, gateway) = method(&format!(
        "{http}responses: {{default: {{statusCode: \"200\", contentHandling: CONVERT_TO_BINARY, responseTemplates: {{application/json: '$input.body'}}}}}}"
    ));
    failed(gateway.client().request("POST", "/m", &png, body));

    // HTTP_PROXY hands bytes on whatever their type (docs/parity.md).
    let (backend, gateway) = method("type: http_proxy\nhttpMethod: POST\nuri: \"http://{B}/mirror/200\"");
    let response = gateway.client().request("POST", "/m", &[("Content-Type", "text/plain")], body);
    assert_eq!((response.body.as_slice(), backend.last().body.as_slice()), (&body[..], &body[..]));
}

#[test]
fn mapped_values_have_a_bound() {
    let most = 10_240;
    let body = |bytes: usize| format!("{{\"v\":\"{}\"}}", "v".repeat(bytes));
    let request =
        "type: http\nhttpMethod: POST\nuri: \"http://{B}/mirror/200\"\nresponses: {default: {statusCode: \"200\"}}\n";
    let overriding = |to: &str| {
        format!(
            "{request}requestTemplates: {{application/json: '#set($context.requestOverride.{to} = $input.path(\"$.v\"))ok'}}"
        )
    };
    for integration in [
        format!("{request}requestParameters: {{integration.request.header.X-V: method.request.body.v}}"),
        format!("{request}requestParameters: {{integration.request.querystring.v: method.request.body.v}}"),
        format!(
            "{}requestParameters: {{integration.request.path.p: method.request.body.v}}",
            request.replace("mirror/200", "mirror/200?v={p}")
        ),
        overriding("header.X-V"),
        overriding("querystring.v"),
        format!(
            "{request}requestTemplates: {{application/json: '#set($context.requestOverride.header[$input.path(\"$.v\")] = 1)ok'}}"
        ),
    ] {
        let (backend, gateway) = start(&integration);
        let mut client = gateway.client();
        assert_eq!(client.post("/m", body(most)).status, 200, "{integration}");
        for bytes in [most + 1, 9 << 20] {
            failed(client.post("/m", body(bytes)));
        }
        assert_eq!(backend.requests(), 1, "{integration}");
    }
    let answer = "type: http\nhttpMethod: POST\nuri: \"http://{B}/mirror/200\"\nresponses:\n  default:\n    statusCode: \"200\"\n";
    for more in [
        "    responseParameters: {method.response.header.X-A: integration.response.body.v}",
        "    responseTemplates: {application/json: '#set($context.responseOverride.header.X-A = $input.path(\"$.v\"))ok'}",
    ] {
        let (_backend, gateway) = start(&format!("{answer}{more}"));
        let mut client = gateway.client();
        let response = client.post("/m", body(most));
        assert_eq!((response.status, response.header("X-A").map(str::len)), (200, Some(most)), "{more}");
        for bytes in [most + 1, 9 << 20] {
            failed(client.post("/m", body(bytes)));
        }
    }
}

/// rest/06 sections 6.2 and 6.3: the conversion comes first, also where the template is a constant.
#[test]
fn what_is_decoded_fails_under_a_constant_template_too() {
    let top = "x-amazon-apigateway-binary-media-types: [image/png]";
    let answers = |content_type: &str, response: &str| {
        let uri = format!("http://{{B}}/mirror/200?Content-Type={content_type}");
        let integration = format!(
            "type: http\nhttpMethod: POST\nuri: \"{uri}\"\nresponses: {{default: {{statusCode: \"200\", {response}}}}}"
        );
        Method { top, path: "/m", integration: &integration }.start()
    };
    // An answer that was decoded is no text, and one that cannot be decoded is an error.
    let constant = "responseTemplates: {application/json: 'const'}";
    for content_type in ["text/plain", "image/png"] {
        let (_backend, gateway) = answers(content_type, &format!("contentHandling: CONVERT_TO_BINARY, {constant}"));
        let mut client = gateway.client();
        for body in ["!!", "aGk=", ""] {
            failed(client.post("/m", body));
        }
        for handling in ["", "contentHandling: CONVERT_TO_TEXT, "] {
            let (_backend, gateway) = answers(content_type, &format!("{handling}{constant}"));
            gateway.client().post("/m", "!!").expect(200, "const");
        }
    }
    // A MOCK has no body that could be decoded.
    let (_backend, gateway) = start(&format!(
        "type: mock\nrequestTemplates: {{application/json: '{{\"statusCode\": 200}}'}}\nresponses: {{default: {{statusCode: \"200\", contentHandling: CONVERT_TO_BINARY, {constant}}}}}"
    ));
    gateway.client().post("/m", "!!").expect(200, "const");

    // On the way out bytes that are a text go with a template.
    let (backend, gateway) = start(
        "type: http\nhttpMethod: POST\nuri: \"http://{B}/mirror/200\"\nresponses: {default: {statusCode: \"200\"}}\n\
         contentHandling: CONVERT_TO_BINARY\nrequestTemplates: {application/json: 'const'}",
    );
    let mut client = gateway.client();
    for body in ["!!", "/w=="] {
        failed(client.post("/m", body));
    }
    assert_eq!(backend.requests(), 0);
    for body in ["aGk=", ""] {
        client.post("/m", body).expect(200, "const");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn encoded_requests_are_decoded_for_whoever_looks_into_them() {
    let (backend, gateway) = with_request_template("{\"a\": $input.json('$.a')}");
    let mut client = gateway.client();
    let body = br#"{"a": [1, 2]}"#;
    for (coding, encoded) in
        [("gzip", gzip(body)), ("deflate", zlib(body)), ("identity", body.to_vec()), ("GZIP", gzip(body))]
    {
        client.request("POST", "/m", &[("Content-Encoding", coding)], &encoded).expect(200, "{\"a\": [1,2]}");
        assert_eq!(backend.last().header("Content-Encoding"), None);
    }
    for (coding, encoded) in [("br", body.to_vec()), ("gzip", body.to_vec()), ("gzip, gzip", gzip(&gzip(body)))] {
        let response = client.request("POST", "/m", &[("Content-Encoding", coding)], &encoded);
        assert_eq!(response.header("x-amzn-ErrorType"), Some("BadRequestException"));
        response.expect(415, r#"{"message": "Unsupported Media Type"}"#);
    }
    // Without a body the header is harmless.
    assert_eq!(client.request("POST", "/m", &[("Content-Encoding", "br")], b"").status, 200);
    // A bomb: 12 MB out of some kilobytes.
    let response = client.request("POST", "/m", &[("Content-Encoding", "gzip")], &gzip(&vec![b' '; 12 << 20]));
    response.expect(413, "HTTP content length exceeded 10485760 bytes.");

    // A proxy hands it on as it came.
    let (backend, gateway) = start("type: http_proxy\nhttpMethod: POST\nuri: \"http://{B}/mirror/200\"");
    let encoded = gzip(body);
    let response = gateway.client().request("POST", "/m", &[("Content-Encoding", "gzip")], &encoded);
    assert_eq!((response.body, backend.last().header("Content-Encoding")), (encoded, Some("gzip".into())));
}

#[test]
fn large_bodies_are_gathered() {
    let (backend, gateway) = with_request_template("$input.body.length()");
    let mut client = gateway.client();
    let body = vec![b'a'; 3 << 20];
    client.request("POST", "/m", &[], &body).expect(200, &body.len().to_string());
    // In chunks, with a request behind it.
    let mut bytes = b"POST /m HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in body.chunks(100_000) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\nPOST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy");
    client.send(&bytes);
    client.read_response().expect(200, &body.len().to_string());
    client.read_response().expect(200, "2");
    // Whoever waits for a sign gets it.
    client.send("POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.read_any_response().status, 100);
    client.send("abc");
    client.read_response().expect(200, "3");
    assert_eq!(backend.requests(), 4);
    let response = client.request("POST", "/m", &[("Content-Length", "10485761")], b"");
    response.expect(413, "HTTP content length exceeded 10485760 bytes.");
}

#[test]
fn large_answers_are_gathered() {
    let (_backend, gateway) = Method {
        top: "",
        path: "/m",
        integration: "type: http\nhttpMethod: GET\nuri: \"http://{B}/chunked/2000000\"\nresponses: {default: {statusCode: \"200\", responseTemplates: {application/json: '$input.body.length()'}}}",
    }
    .start();
    gateway.client().get("/m").expect(200, "2000000");
    let (_backend, gateway) = Method {
        top: "",
        path: "/m",
        integration: "type: http\nhttpMethod: GET\nuri: \"http://{B}/half/2000000\"\nresponses: {default: {statusCode: \"200\", responseTemplates: {application/json: '$input.body.length()'}}}",
    }
    .start();
    gateway.client().get("/m").expect(504, r#"{"message": "Network error communicating with endpoint"}"#);
}

fn ungzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("gzip");
    out
}

#[test]
fn answers_are_compressed_where_all_agree() {
    let top = "x-amazon-apigateway-minimum-compression-size: 1000";
    let pattern = support::backend::pattern_bytes(200_000);
    for integration in [
        "type: http_proxy\nhttpMethod: GET\nuri: \"http://{B}/bytes/200000\"",
        "type: http_proxy\nhttpMethod: GET\nuri: \"http://{B}/chunked/200000\"",
        "type: http\nhttpMethod: GET\nuri: \"http://{B}/bytes/200000\"\nresponses: {default: {statusCode: \"200\"}}",
    ] {
        let (_backend, gateway) = Method { top, path: "/m", integration }.start();
        let mut client = gateway.client();
        let response = client.request("GET", "/m", &[("Accept-Encoding", "gzip, br")], b"");
        assert_eq!(response.all("Content-Encoding"), ["gzip"], "{}", response.raw_head);
        assert_eq!(response.all("Content-Length"), [response.body.len().to_string()]);
        assert!(response.body.len() < pattern.len() / 2);
        assert_eq!(ungzip(&response.body), pattern);
        for accepted in [None, Some("br, gzip"), Some("identity"), Some("*")] {
            let headers: Vec<(&str, &str)> = accepted.iter().map(|value| ("Accept-Encoding", *value)).collect();
            let response = client.request("GET", "/m", &headers, b"");
            assert_eq!((response.header("Content-Encoding"), &response.body), (None, &pattern), "{accepted:?}");
        }
        assert_eq!(client.request("HEAD", "/m", &[("Accept-Encoding", "gzip")], b"").header("Content-Encoding"), None);
    }
    let small = "type: http_proxy\nhttpMethod: GET\nuri: \"http://{B}/bytes/999\"";
    let (_backend, gateway) = Method { top, path: "/m", integration: small }.start();
    assert_eq!(
        gateway.client().request("GET", "/m", &[("Accept-Encoding", "gzip")], b"").header("Content-Encoding"),
        None
    );
    let encoded = "type: http_proxy\nhttpMethod: GET\nuri: \"http://{B}/headers?Content-Encoding=br\"";
    let top = "x-amazon-apigateway-minimum-compression-size: 0";
    let (_backend, gateway) = Method { top, path: "/m", integration: encoded }.start();
    let response = gateway.client().request("GET", "/m", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!((response.all("Content-Encoding"), response.text()), (vec!["br"], "headers".to_owned()));
    // Constant MOCK bodies too.
    let mock = "type: mock\nrequestTemplates: {application/json: '{\"statusCode\": 200}'}\nresponses: {default: {statusCode: \"200\", responseTemplates: {application/json: '{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}'}}}";
    let (_backend, gateway) = Method { top, path: "/m", integration: mock }.start();
    let response = gateway.client().request("GET", "/m", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(ungzip(&response.body).first(), Some(&b'{'));
}

#[test]
fn brotli_and_zstd_where_the_operator_allows() {
    let backend = Backend::start();
    let method = Method {
        top: "x-amazon-apigateway-minimum-compression-size: 0",
        path: "/m",
        integration: "type: http_proxy\nhttpMethod: GET\nuri: \"http://{B}/bytes/200000\"",
    };
    let gateway = Gateway::start(&method.definition(&backend), &["--compression", "br", "--compression", "zstd"]);
    let mut client = gateway.client();
    let pattern = support::backend::pattern_bytes(200_000);
    let response = client.request("GET", "/m", &[("Accept-Encoding", "br, gzip")], b"");
    assert_eq!(response.all("Content-Encoding"), ["br"]);
    let mut out = Vec::new();
    brotli::Decompressor::new(&response.body[..], 4096).read_to_end(&mut out).expect("brotli");
    assert_eq!(out, pattern);
    let response = client.request("GET", "/m", &[("Accept-Encoding", "zstd")], b"");
    assert_eq!(response.all("Content-Encoding"), ["zstd"]);
    assert_eq!(zstd::stream::decode_all(&response.body[..]).expect("zstd"), pattern);
}

/// rest/05 section 5.2: what the gateway adds is there for mappings, and a client cannot stand in for its own address.
#[test]
fn mappings_see_what_the_gateway_adds() {
    let (backend, gateway) = start(
        "type: http
httpMethod: POST
uri: \"http://{B}/mirror/200\"
requestParameters:
  integration.request.header.X-A: method.request.header.X-Forwarded-For
  integration.request.header.X-B: method.request.header.X-Amzn-Trace-Id
  integration.request.header.X-C: method.request.header.Expect
responses: {default: {statusCode: \"200\"}}",
    );
    let mut client = gateway.client();
    client.request("POST", "/m", &[("X-Forwarded-For", "6.6.6.6")], b"x");
    let seen = backend.last();
    assert_eq!(seen.all("X-A"), ["6.6.6.6, 127.0.0.1"]);
    assert_eq!(seen.all("X-B"), seen.all("X-Amzn-Trace-Id"));
    assert_eq!(seen.header("X-C"), None);
    client.post("/m", "x");
    assert_eq!(backend.last().all("X-A"), ["127.0.0.1"]);
}

#[test]
fn names_of_overrides_have_no_case() {
    let (backend, gateway) = with_request_template(
        "#set($context.requestOverride.header.host = \"one.test\")#set($context.requestOverride.header.Host = \"two.test\"){}",
    );
    gateway.client().post("/m", "{}");
    assert_eq!(backend.last().all("Host"), ["two.test"]);
    let (_backend, gateway) = start(
        "type: http
httpMethod: POST
uri: \"http://{B}/mirror/200\"
responses:
  default:
    statusCode: \"200\"
    responseParameters: {method.response.header.Server: \"'mapped'\"}
    responseTemplates: {application/json: '#set($context.responseOverride.header.Server = \"o\")x', application/xml: \"\"}",
    );
    let mut client = gateway.client();
    let response = client.post("/m", "body");
    assert_eq!(response.all("x-amzn-Remapped-Server"), ["o"]);
    assert_eq!(response.all("X-Amzn-Trace-Id").len(), 1);
    response.expect(200, "x");
    // An empty template passes the body through, for its type.
    let response = client.request("POST", "/m", &[("Accept", "application/xml")], b"body");
    assert_eq!(response.all("Content-Type"), ["application/xml"]);
    response.expect(200, "body");
}

/// rest/06 section 6.2 (measured).
#[test]
fn a_mock_under_everything_is_binary_needs_text() {
    let top = "x-amazon-apigateway-binary-media-types: [\"*/*\"]";
    let mock = "type: mock\nrequestTemplates: {application/json: '{\"statusCode\": 200}'}\nresponses: {default: {statusCode: \"200\", responseTemplates: {application/json: '$input.params(\"q\")'}}}";
    let (_backend, gateway) = Method { top, path: "/m", integration: mock }.start();
    failed(gateway.client().get("/m?q=1"));
    let text = format!("{mock}\ncontentHandling: CONVERT_TO_TEXT");
    let (_backend, gateway) = Method { top, path: "/m", integration: &text }.start();
    gateway.client().get("/m?q=1").expect(200, "1");
}

#[test]
fn slow_clients_get_the_whole_of_a_large_answer() {
    let backend = Backend::start();
    let method = Method {
        top: "",
        path: "/m",
        integration: "type: http\nhttpMethod: GET\nuri: \"http://{B}/bytes/9000000\"\nresponses: {default: {statusCode: \"200\", responseTemplates: {application/json: '$input.body'}}}",
    };
    let gateway = Gateway::start(&method.definition(&backend), &["--body-timeout", "1s"]);
    let mut client = gateway.client();
    client.send("GET /m HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.try_read_head().expect("a head");
    assert_eq!(head.all("Content-Length"), ["9000000"]);
    let mut left = 9_000_000_usize;
    while left > 0 {
        let piece = left.min(600_000);
        assert_eq!(client.take(piece).expect("more of the body").len(), piece);
        left -= piece;
        // Slower than one timeout for all of it, faster than one for each piece.
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
}
