//! Definitions as people publish them, over real sockets: what the backend gets and what the client gets, byte for byte.
//!
//! The definitions stand in tests/cases/published/, `{B}` being the backend. What their templates should make was printed
//! by the model of AWS's engine (rest/08 section 8.1), and is written here or in a file beside them.

mod support;

use std::fs;
use std::path::Path;

use support::backend::Seen;
use support::{Backend, Client, Gateway, Response};

const VARIABLES: [&str; 4] = ["--stage-variable", "table=songs", "--stage-variable", "machine=orders"];
const JSON: (&str, &str) = ("Content-Type", "application/json");

struct World {
    backend: Backend,
    gateway: Gateway,
    client: Client,
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/published").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn start(definition: &str) -> World {
    let backend = Backend::start();
    let text = file(definition).replace("{B}", &backend.addr.to_string());
    let gateway = Gateway::start(&text.into(), &VARIABLES);
    let client = gateway.client();
    World { backend, gateway, client }
}

/// An example of this repository, its backend being ours.
fn start_example(name: &str, host: &str) -> World {
    let backend = Backend::start();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let text = fs::read_to_string(&path).expect("an example");
    let gateway = Gateway::start(&text.into(), &["--upstream", &format!("{host}={}", backend.addr)]);
    let client = gateway.client();
    World { backend, gateway, client }
}

impl World {
    /// What a file says a body is, with what differs from run to run put in.
    fn filled(&self, name: &str, response: &Response) -> String {
        let trace = self.backend.last().header("X-Amzn-Trace-Id").unwrap_or_default();
        let request = response.header("x-amzn-RequestId").unwrap_or_default();
        let port = self.gateway.addr.port().to_string();
        file(name).replace("{TRACE}", &trace).replace("{REQUEST}", request).replace("{PORT}", &port)
    }

    #[track_caller]
    fn backend_got(&self, line: &str, body: &str) -> Seen {
        let seen = self.backend.last();
        assert_eq!(seen.request_line(), format!("{line} HTTP/1.1"));
        assert_eq!(String::from_utf8_lossy(&seen.body), body);
        seen
    }
}

#[track_caller]
fn has(response: &Response, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        assert_eq!(response.all(name), [*value], "{name}");
    }
}

#[test]
fn serverless_framework_s_event_of_a_json_body() {
    let mut world = start("serverless.yaml");
    let headers = [("User-Agent", "test"), JSON, ("X-Quote", "it's \"so\"")];
    let body = r#"{"name": "O'Neill", "n": 1.50, "tags": []}"#;
    let response = world.client.request("POST", "/users/a%20b?q=x+y&e=&u=%C3%A9/1", &headers, body.as_bytes());
    let expected = world.filled("serverless.json.txt", &response);
    world.backend_got("POST /mirror/200", &expected);
    assert_eq!(world.backend.last().header("Content-Type").as_deref(), Some("application/json"));
    has(&response, &[JSON]);
    response.expect(200, &expected);
}

#[test]
fn serverless_framework_s_event_of_a_form() {
    let mut world = start("serverless.yaml");
    let form = ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
    for (body, members) in [
        (
            "a=1&b=two+words%21&c&d=&it%27s=%22q%22&e==x",
            r#"                        "a": "1",                            "b": "two words!",                            "c": "",                            "d": "",                            "it\'s": "\"q\"",                            "e": "" "#,
        ),
        // No body is `{}` on AWS, for a form too.
        ("", r#"                        "{}": "" "#),
    ] {
        let expected = format!("{{\n  \"body\": {{\n{members}       }},\n  \"path\": \"7\"\n}}\n");
        world.client.request("POST", "/users/7", &[form], body.as_bytes()).expect(200, &expected);
        let seen = world.backend_got("POST /mirror/200", &expected);
        // The type is the client's, whatever the template made of the body.
        assert_eq!(seen.all("Content-Type"), [form.1]);
    }
    // NEVER: another type is refused before anything is called.
    let response = world.client.request("POST", "/users/7", &[("Content-Type", "text/plain")], b"a=1");
    response.expect(415, r#"{"message": "Unsupported Media Type"}"#);
    assert_eq!(world.backend.requests(), 2);
}

#[test]
fn the_console_s_passthrough() {
    let mut world = start("console.yaml");
    let headers = [("User-Agent", "test"), ("x-lower", "it's")];
    let response = world.client.request("POST", "/pets/7?q=x%20y&r=1&r=2", &headers, br#"{"a": "b\"c"}"#);
    let expected = world.filled("console.json.txt", &response);
    world.backend_got("POST /mirror/200", &expected);
    response.expect(200, &expected);
}

#[test]
fn a_loop_over_headers() {
    let mut world = start("console.yaml");
    let headers =
        [("Host", "localhost"), ("User-Agent", "test"), ("Accept", "a/b"), ("X-One", "1"), ("cookie", "a='b'")];
    let expected = r#"[
  {"Host": "localhost"}, 
  {"User-Agent": "test"}, 
  {"Accept": "a\/b"}, 
  {"cookie": "a=\'b\'"}, 
  {"Agent": "test", "none": ""}
]"#;
    world.client.request("GET", "/headers", &headers, b"").expect(200, expected);
}

#[test]
fn sqs_takes_a_form() {
    let mut world = start("services.yaml");
    let queued = r#"{"SendMessageResponse":{"SendMessageResult":{"MD5OfMessageBody":"e","MessageId":"m-1"}}}"#;
    world.backend.answers("/000000000000/orders", 200, &["Content-Type: application/json"], queued);
    let response = world.client.request("POST", "/queue", &[JSON], r#"{"a": "b&c=d é+"}"#.as_bytes());
    response.expect(202, r#"{"id": "m-1"}"#);
    let seen = world.backend_got(
        "POST /000000000000/orders",
        "Action=SendMessage&MessageBody=%7B%22a%22%3A+%22b%26c%3Dd+%C3%A9%2B%22%7D&MessageAttribute.1.Name=stage&MessageAttribute.1.Value.StringValue=prod",
    );
    assert_eq!(seen.all("Content-Type"), ["application/x-www-form-urlencoded"]);
    world.backend.answers("/000000000000/orders", 403, &[], "<Error/>");
    world.client.post("/queue", "").expect(500, r#"{"message": "not queued"}"#);
    let form = [("Content-Type", "text/plain")];
    assert_eq!(world.client.request("POST", "/queue", &form, b"x").status, 415);
}

#[test]
fn dynamodb_takes_typed_attributes() {
    let mut world = start("services.yaml");
    world.backend.answers("/dynamodb", 200, &[], "{}");
    let song = r#"{"artist": "Bob's \"Band\"", "year": 1999, "live": true, "genres": ["rock", "pop"], "rating": 4.50}"#;
    let response = world.client.post("/songs", song);
    let id = response.header("x-amzn-RequestId").unwrap_or_default().to_owned();
    response.expect(200, &format!(r#"{{"id": "{id}"}}"#));
    let put = |id: &str, artist: &str, year: &str, live: &str, genres: &str, rating: &str| {
        format!(
            "{{\n  \"TableName\": \"songs\",\n  \"Item\": {{\n    \"id\": {{\"S\": \"{id}\"}},\n    \"artist\": {{\"S\": \"{artist}\"}},\n    \"year\": {{\"N\": \"{year}\"}},\n    \"live\": {{\"BOOL\": {live}}},\n    \"genres\": {{\"SS\": [{genres}]}}{rating}\n  }}\n}}"
        )
    };
    let rating = ",\n    \"rating\": {\"N\": \"4.5\"}";
    let expected = put(&id, r#"Bob's \"Band\""#, "1999", "true", r#""rock","pop""#, rating);
    let seen = world.backend_got("POST /dynamodb", &expected);
    assert_eq!(seen.all("X-Amz-Target"), ["DynamoDB_20120810.PutItem"]);
    assert_eq!(seen.all("Content-Type"), ["application/x-amz-json-1.0"]);

    let response = world.client.post("/songs", r#"{"artist": "A", "year": 2000, "live": false, "genres": []}"#);
    let id = response.header("x-amzn-RequestId").unwrap_or_default().to_owned();
    world.backend_got("POST /dynamodb", &put(&id, "A", "2000", "false", "", ""));
}

#[test]
fn dynamodb_s_items_become_a_list() {
    let mut world = start("services.yaml");
    let items = r#"{"Count":2,"Items":[{"id":{"S":"1"},"artist":{"S":"A"},"year":{"N":"1999"},"rating":{"N":"4.5"}},{"id":{"S":"2"},"artist":{"S":"A"},"year":{"N":"2001"}}]}"#;
    world.backend.answers("/dynamodb", 200, &[], items);
    let first = "         {\n            \"id\": \"1\",\n            \"artist\": \"A\",\n            \"year\": 1999,\n            \"rating\": \"4.5\"\n        },\t";
    let second = " {\n            \"id\": \"2\",\n            \"artist\": \"A\",\n            \"year\": 2001,\n            \"rating\": \"\"\n        }\t    ]\n}\n";
    let response = world.client.get("/songs?artist=O%27Neill+%22A%22");
    response.expect(200, &format!("{{\n    \"count\": 2,\n    \"songs\": [\n{first}{second}"));
    world.backend_got(
        "POST /dynamodb",
        "{\n    \"TableName\": \"songs\",\n    \"IndexName\": \"artist-index\",\n    \"KeyConditionExpression\": \"artist = :v1\",\n    \"ExpressionAttributeValues\": {\n        \":v1\": {\n            \"S\": \"O\\'Neill \\\"A\\\"\"\n        }\n    }\n}",
    );
    world.backend.answers("/dynamodb", 200, &[], r#"{"Count":0,"Items":[]}"#);
    world.client.get("/songs?artist=A").expect(200, "{\n    \"count\": 0,\n    \"songs\": [\n            ]\n}\n");
}

#[test]
fn step_functions_take_json_within_a_text() {
    let mut world = start("services.yaml");
    let arn = "arn:aws:states:us-east-1:000000000000:execution:orders:run-1";
    world.backend.answers("/states", 200, &[], format!(r#"{{"executionArn":"{arn}","startDate":1.5E9}}"#));
    let body = r#"{"u": "http://x/é", "it's": [1, "\n"]}"#;
    world.client.post("/executions", body).expect(200, r#"{"name": "run-1"}"#);
    let seen = world.backend_got(
        "POST /states",
        "{\n  \"input\": \"{\\\"u\\\":\\\"http:\\/\\/x\\/\\u00E9\\\",\\\"it\\'s\\\":[1,\\\"\\\\n\\\"]}\",\n  \"stateMachineArn\": \"arn:aws:states:us-east-1:000000000000:stateMachine:orders\"\n}",
    );
    assert_eq!(seen.all("X-Amz-Target"), ["AWSStepFunctions.StartExecution"]);
}

#[test]
fn kinesis_takes_base64() {
    let mut world = start("services.yaml");
    world.backend.answers("/kinesis", 200, &[], r#"{"SequenceNumber":"21","ShardId":"shardId-0"}"#);
    let response =
        world.client.request("PUT", "/streams/s1/record", &[], br#"{"data": {"a": [1, "x/y"]}, "key": "k"}"#);
    response.expect(200, r#"{"SequenceNumber":"21","ShardId":"shardId-0"}"#);
    let seen = world.backend_got(
        "POST /kinesis",
        "{\n    \"StreamName\": \"s1\",\n    \"Data\": \"eyJhIjpbMSwieC95Il19\",\n    \"PartitionKey\": \"k\"\n}",
    );
    assert_eq!(seen.all("Content-Type"), ["application/x-amz-json-1.1"]);
    let records = r#"{"records": [{"data": "one", "key": "a"}, {"data": "zwei ü", "key": "b"}]}"#;
    world.client.request("PUT", "/streams/s1/records", &[JSON], records.as_bytes());
    world.backend_got(
        "POST /kinesis",
        "{\n    \"StreamName\": \"s1\",\n    \"Records\": [\n                 {\n            \"Data\": \"b25l\",\n            \"PartitionKey\": \"a\"\n          },                  {\n            \"Data\": \"endlaSDDvA==\",\n            \"PartitionKey\": \"b\"\n          }            ]\n}",
    );
}

#[test]
fn s3_keeps_bytes_as_they_are() {
    let mut world = start("services.yaml");
    let png = b"\x89PNG\r\n\x1a\n\0\xff";
    world.backend.answers(
        "/photos/cat%20one.png",
        200,
        &["Content-Type: image/png", "ETag: \"e1\"", "x-amz-id-2: 2"],
        png,
    );
    let kind = ("Content-Type", "image/png");
    let response = world.client.request("PUT", "/photos/cat%20one.png", &[kind], png);
    assert_eq!(response.status, 200);
    let seen = world.backend.last();
    assert_eq!((seen.request_line().as_str(), &seen.body[..]), ("PUT /photos/cat%20one.png HTTP/1.1", &png[..]));
    assert_eq!(seen.all("Content-Type"), ["image/png"]);

    let response = world.client.request("GET", "/photos/cat%20one.png", &[("Accept", "image/png")], b"");
    has(&response, &[kind, ("ETag", "\"e1\"")]);
    assert_eq!((response.header("x-amz-id-2"), &response.body[..]), (None, &png[..]));
    world.backend.answers("/photos/dog.png", 404, &["Content-Type: application/xml"], "<Error/>");
    world.client.get("/photos/dog.png").expect(404, r#"{"message": "no dog.png"}"#);
}

#[test]
fn errors_by_pattern_and_by_body() {
    let mut world = start("answers.yaml");
    for (status, body, expected, error, text) in [
        (404, r#"{"errorMessage": "no \"7\""}"#, 404, Some("NotFound"), r#"{"error": "order 7: no \"7\""}"#),
        (422, r#"{"errorType": "Odd"}"#, 418, Some("Odd"), r#"{"errorType": "Odd"}"#),
        (200, r#"{"id": 7}"#, 200, None, "{\"id\":7}\n"),
        (
            200,
            r#"{"error": {"status": 409, "type": "Conflict", "message": "there is one"}}"#,
            409,
            Some("Conflict"),
            "{\"error\": \"there is one\"}\n",
        ),
        // A status in a text is none.
        (200, r#"{"error": {"status": "409"}}"#, 200, Some(""), "{\"error\": \"\"}\n"),
        (301, "", 200, None, "{}\n"),
    ] {
        world.backend.answers("/orders/7", status, &[], body);
        let response = world.client.get("/orders/7");
        assert_eq!(response.header("X-Error"), error, "{status} {body}");
        response.expect(expected, text);
    }
    world.backend.answers("/orders/7", 503, &[], "<html>");
    let response = world.client.get("/orders/7");
    let request = response.header("x-amzn-RequestId").unwrap_or_default().to_owned();
    response.expect(502, &format!(r#"{{"error": "try later", "request": "{request}"}}"#));
}

#[test]
fn a_redirect_out_of_the_body() {
    let mut world = start("answers.yaml");
    let cookies = ["Set-Cookie: seen=1; Path=/"];
    world.backend.answers("/links", 200, &cookies, r#"{"location": "https://shop.example/a?b=c&d"}"#);
    let response = world.client.get("/r/x%22y");
    has(
        &response,
        &[
            ("Location", "https://shop.example/a?b=c&d"),
            ("Set-Cookie", "seen=1; Path=/"),
            ("Cache-Control", "max-age=300"),
        ],
    );
    response.expect(302, "");
    world.backend_got("POST /links", r#"{"Key": {"id": {"S": "x%22y"}}}"#);
    world.backend.answers("/links", 200, &[], "{}");
    let response = world.client.get("/r/none").expect(404, "");
    assert_eq!((response.header("Location"), response.header("Set-Cookie")), (None, None));
}

#[test]
fn a_cookie_from_a_template() {
    let mut world = start("answers.yaml");
    world.backend.answers("/login", 200, &[], r#"{"token": "t/1", "user": "ann"}"#);
    let response = world.client.post("/login", "{}").expect(200, r#"{"user": "ann"}"#);
    has(&response, &[("Set-Cookie", "session=t/1; Path=/; Secure; HttpOnly; SameSite=Strict")]);
    // What would begin another header line is no value.
    world.backend.answers("/login", 200, &[], r#"{"token": "t\r\nX-Bad: 1", "user": "ann"}"#);
    let response = world.client.post("/login", "{}");
    assert_eq!((response.status, response.header("X-Bad")), (500, None));
}

#[test]
fn preflights_of_a_mock() {
    let mut world = start("answers.yaml");
    for (origin, allowed) in [
        ("https://a.shop.example", "https://a.shop.example"),
        ("https://shop.example", "https://shop.example"),
        ("https://shop.example.evil.example", "*"),
    ] {
        let response = world.client.request("OPTIONS", "/login", &[("Origin", origin)], b"").expect(204, "");
        has(&response, &[("Access-Control-Allow-Origin", allowed), ("Access-Control-Allow-Methods", "OPTIONS,POST")]);
    }
    // The connection goes on: nothing followed the 204.
    assert_eq!(world.client.request("OPTIONS", "/login", &[], b"").status, 204);
    assert_eq!(world.backend.requests(), 0);
}

#[test]
fn a_mock_by_its_path() {
    let mut world = start("answers.yaml");
    for (id, status, body) in [
        ("1", 200, "{\"id\": \"1\", \"name\": \"one\"}\n"),
        ("abc", 200, "{\"id\": \"abc\", \"name\": \"letters\"}\n"),
        ("xyz", 200, "{\"id\": \"xyz\", \"name\": \"\"}\n"),
        ("2", 404, r#"{"message": "no 2"}"#),
        ("abcd", 404, r#"{"message": "no abcd"}"#),
    ] {
        world.client.get(&format!("/mock/{id}")).expect(status, body);
    }
}

#[test]
fn errors_that_other_origins_can_read() {
    let mut world = start("validated.yaml");
    let (origin, client) = (("Origin", "https://shop.example"), ("X-Client", "web"));
    let good = r#"{"customer": "Ann", "items": [{"sku": "a", "n": 2}, {"sku": "b", "n": 3}]}"#;
    let response = world.client.request("POST", "/orders", &[JSON, client], good.as_bytes());
    response.expect(201, r#"{"for": "Ann", "pieces": 5, "by": "web"}"#);
    world.backend_got("POST /mirror/201", r#"{"for": "Ann", "pieces": 5, "by": "web"}"#);

    for (body, why) in [
        (r#"{"customer": "Ann"}"#, r#"[object has missing required properties (["items"])]"#),
        (
            r#"{"customer": "A", "items": []}"#,
            r#"[string "A" is too short (length: 1, required minimum: 2), array is too short: must have at least 1 elements but instance has 0 elements]"#,
        ),
    ] {
        let response = world.client.request("POST", "/orders", &[JSON, client, origin], body.as_bytes());
        has(&response, &[("Access-Control-Allow-Origin", origin.1), ("x-amzn-ErrorType", "BadRequestException")]);
        let request = response.header("x-amzn-RequestId").unwrap_or_default().to_owned();
        let expected = format!(r#"{{"message": "Invalid request body", "errors": "{why}", "request": "{request}"}}"#);
        response.expect(422, &expected);
    }
    // Other errors of the class have its headers …
    let response = world.client.request("POST", "/orders", &[JSON], good.as_bytes());
    has(&response, &[("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "*")]);
    response.expect(400, r#"{"message":"Missing required request parameters: [X-Client]"}"#);
    // … and so does a template that does not parse.
    let response = world.client.get("/broken");
    has(&response, &[("Access-Control-Allow-Origin", "*")]);
    response
        .expect(500, r#"{"message": "Internal server error", "type": "API_CONFIGURATION_ERROR", "path": "/broken"}"#);
    assert_eq!(world.backend.requests(), 1);
}

#[test]
fn the_example_of_orders() {
    let mut world = start_example("orders-mapped.yaml", "orders.example");
    world.backend.answers(
        "/v1/orders",
        200,
        &[],
        r#"{"reference": 7, "paid": true, "total": {"amount": 23.50, "currency": "EUR"}, "links": {"self": "/orders/7"}}"#,
    );
    let order = r#"{"id": 7, "customer": "Ann \"the cat\" Lee", "express": true, "items": [{"sku": "tin\"12", "n": 2}, {"sku": "bowl"}]}"#;
    let response =
        world.client.request("POST", "/orders", &[JSON, ("Origin", "https://shop.example")], order.as_bytes());
    has(&response, &[("Location", "/orders/7"), ("Access-Control-Allow-Origin", "https://shop.example")]);
    let request = response.header("x-amzn-RequestId").unwrap_or_default().to_owned();
    response.expect(201, "{\n  \"id\": 7,\n  \"state\": \"paid\",\n  \"total\": \"23.5 EUR\"\n}\n");
    let seen = world.backend_got(
        "POST /v1/orders",
        "{\n  \"reference\": 7,\n  \"customer\": \"Ann \\\"the cat\\\" Lee\",\n  \"lines\": [\n        {\"article\": \"tin\\\"12\", \"quantity\": 2},\n        {\"article\": \"bowl\", \"quantity\": 1}\n      ],\n  \"speed\": \"overnight\"\n}\n",
    );
    assert_eq!((seen.all("X-Request-Id"), seen.all("Host")), (vec![request], vec!["orders.example".to_owned()]));

    world.backend.answers("/v1/orders", 409, &[], r#"{"reference": 7}"#);
    world.client.post("/orders", order).expect(409, r#"{"error": "there is an order 7 already"}"#);
    let response = world.client.post("/orders", r#"{"id": 7}"#);
    response.expect(
        400,
        r#"{"error": "Invalid request body", "why": "[object has missing required properties (["items"])]"}"#,
    );
    assert_eq!(world.client.request("POST", "/orders", &[("Content-Type", "text/plain")], b"x").status, 415);
    world.client.get("/nowhere").expect(404, r#"{"error": "nothing is here"}"#);
    world.backend.answers("/v1/orders/7", 200, &[], "{}");
    world.client.get("/orders/7?currency=EUR&other=1").expect(200, "{}");
    world.backend_got("GET /v1/orders/7?show_in=EUR", "");
    world.client.get("/health").expect(200, r#"{"status": "up", "stage": "prod"}"#);
}

#[test]
fn the_example_of_soap() {
    let mut world = start_example("soap.yaml", "soap.example");
    let envelope = |body: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\n <soap:Body>{body}</soap:Body>\n</soap:Envelope>"
        )
    };
    for (tags, expected) in [
        ("<Tag>brown</Tag><Tag>\"small\"</Tag>", r#"["brown", "\"small\""]"#),
        ("<Tag>brown</Tag>", r#"["brown"]"#),
        ("", "[]"),
    ] {
        let pet = format!(
            "<GetPetResponse xmlns=\"urn:pets\"><Pet id=\"7\"><Name>O'Fido &amp; Co</Name>{tags}</Pet></GetPetResponse>"
        );
        world.backend.answers("/pets", 200, &["Content-Type: text/xml"], envelope(&pet));
        let response = world.client.get("/pets/7%3Ca%3E");
        has(&response, &[JSON]);
        response
            .expect(200, &format!("{{\n  \"id\": \"7\",\n  \"name\": \"O'Fido & Co\",\n  \"tags\": {expected}\n}}\n"));
    }
    // What the caller wrote stays a text within its element.
    let seen = world.backend_got(
        "POST /pets",
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><GetPet xmlns=\"urn:pets\"><Id>7&lt;a&gt;</Id></GetPet></soap:Body></soap:Envelope>",
    );
    assert_eq!(
        (seen.all("SOAPAction"), seen.all("Content-Type")),
        (vec!["urn:pets#GetPet".into()], vec!["text/xml; charset=utf-8".to_owned()])
    );
    for (code, status) in [("soap:Client.NotFound", 404), ("soap:Server", 502)] {
        let fault =
            format!("<soap:Fault><faultcode>{code}</faultcode><faultstring>no pet 7</faultstring></soap:Fault>");
        world.backend.answers("/pets", 500, &[], envelope(&fault));
        world.client.get("/pets/7").expect(status, "{\"error\": \"no pet 7\"}\n");
    }
    // A body that defines entities is not read.
    world.backend.answers("/pets", 200, &[], "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>");
    world.client.get("/pets/7").expect(500, r#"{"message": "Internal server error"}"#);
}
