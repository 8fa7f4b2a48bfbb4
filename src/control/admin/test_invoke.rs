//! `test-invoke-method`: one request through the definition as it stands, whoever may call the method (v1-operations, notes).
//!
//! The definition is compiled as a stage of its own and asked by the edge's own code: what is tested is what will be
//! served.

use serde_json::{Value, json};

use super::authorizers;
use super::call::{Call, Reply, TestInvoke, Turn};
use super::common::{self, method, object, resource, text};
use super::errors::AwsError;
use crate::edge::invoke::{Answer, Ask, Identified, Invoked};
use crate::edge::watch::ExecutionLog;
use crate::edge::watch::execution_log::Entry;
use crate::model::api_rows::{ApiRows, Object, ResourceRow};
use crate::model::routes::BasePathMapping;

/// AWS's name for the stage of such a request.
pub const STAGE: &str = "test-invoke-stage";
/// … and of an authorizer's.
pub const AUTHORIZER_STAGE: &str = "ESTestInvoke-stage";
/// … and for its host, as `$context.domainName` shows it.
const HOST: &str = "testPrefix.testDomainName";

pub fn method_of(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = resource(turn, call, "resource_id")?;
    let method = method(turn, call)?;
    if !method.contains_key("methodIntegration") {
        return Err(AwsError::bad_request("No integration defined for method"));
    }
    let path = text(&row, "path").unwrap_or("/");
    let given = call.text("pathWithQueryString").filter(|target| !target.is_empty());
    Ok(Reply::TestInvoke(Box::new(TestInvoke {
        resource_path: path.to_owned(),
        http_method: call.path("http_method").to_owned(),
        verb: match call.path("http_method") {
            "ANY" => "POST".to_owned(),
            verb => verb.to_owned(),
        },
        // Without a path the parameters are the template's own (`{petId={petId}}`, recorded).
        target: given.unwrap_or(path).to_owned(),
        ..request(call)?
    })))
}

/// `test-invoke-authorizer`: AWS asks for GET of the root, whatever path is given; its query counts.
pub fn authorizer_of(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("authorizer_id");
    common::row(turn, &["restapis", call.path("restapi_id"), "authorizers", id], authorizers::UNKNOWN)?;
    let query = call.text("pathWithQueryString").and_then(|target| target.split_once('?'));
    Ok(Reply::TestInvoke(Box::new(TestInvoke {
        authorizer_id: Some(id.to_owned()),
        target: query.map_or_else(|| "/".to_owned(), |(_, query)| format!("/?{query}")),
        ..request(call)?
    })))
}

/// What both have of their request.
fn request(call: &Call) -> Result<TestInvoke, AwsError> {
    let mut headers = Vec::new();
    for (name, value) in call.object("headers").into_iter().flatten() {
        headers.push((name.clone(), value.as_str().unwrap_or_default().to_owned()));
    }
    for (name, values) in call.object("multiValueHeaders").into_iter().flatten() {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        headers.extend(values.map(|value| (name.clone(), value.to_owned())));
    }
    if let Some((name, _)) = headers.iter().find(|(name, value)| !is_line(name, value)) {
        return Err(AwsError::bad_request(format!("`{name}` cannot be sent as a header")));
    }
    let variables = call.object("stageVariables").into_iter().flatten();
    Ok(TestInvoke {
        api_id: call.path("restapi_id").to_owned(),
        authorizer_id: None,
        resource_path: "/".to_owned(),
        http_method: "GET".to_owned(),
        verb: "GET".to_owned(),
        target: "/".to_owned(),
        headers,
        body: call.text("body").unwrap_or_default().as_bytes().to_vec(),
        stage_variables: variables
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
    })
}

/// RFC 9110 sections 5.1 and 5.5: a name that is a token, a value without line ends.
fn is_line(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(token)
        && value.bytes().all(|byte| byte >= 0x20 && byte != 0x7f || byte == b'\t')
}

/// The stage that it is made to.
pub fn stage(test: &TestInvoke) -> &'static str {
    if test.authorizer_id.is_some() { AUTHORIZER_STAGE } else { STAGE }
}

/// Where the one stage of such a request answers: everywhere.
pub fn mount(test: &TestInvoke) -> BasePathMapping {
    BasePathMapping { base_path: String::new(), api_id: test.api_id.clone(), stage: Some(stage(test).to_owned()) }
}

/// The one method that an authorizer is asked for: it guards an answer that nobody gets.
pub fn guarded(rows: &mut ApiRows, authorizer_id: &str) {
    rows.api.shift_remove("policy");
    rows.api.shift_remove("endpointConfiguration");
    let of = |row: &&Object| text(row, "id") == Some(authorizer_id);
    let kind = match rows.authorizers.iter().find(of).and_then(|row| text(row, "type")) {
        Some("COGNITO_USER_POOLS") => "COGNITO_USER_POOLS",
        _ => "CUSTOM",
    };
    let method = object([
        ("httpMethod", Some("GET".into())),
        ("authorizationType", Some(kind.into())),
        ("authorizerId", Some(authorizer_id.into())),
        ("methodIntegration", Some(json!({"type": "MOCK"}))),
    ]);
    rows.resources = vec![ResourceRow { id: String::new(), path: "/".to_owned(), methods: vec![method] }];
}

/// The request as it would come over a connection: header names arrive as they were given.
pub fn ask(test: &TestInvoke) -> Ask {
    let target = encoded(&test.target);
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: {HOST}\r\n", test.verb);
    for (name, value) in &test.headers {
        // Framing is the client's own matter.
        let own = ["host", "connection", "content-length", "transfer-encoding", "expect", "upgrade"];
        if !own.contains(&name.to_ascii_lowercase().as_str()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if !test.body.is_empty() || matches!(test.verb.as_str(), "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", test.body.len()));
    }
    head.push_str("\r\n");
    Ask { bytes: [head.as_bytes(), &test.body].concat(), canned: None, authorizer: None, traces: false }
}

/// A path from a person may hold braces and blanks, which a request line cannot.
fn encoded(target: &str) -> String {
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let allowed = |byte: u8| {
        byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}' | b'|' | b'"' | b'<' | b'>' | b'^' | b'`' | b'\\' | b'#')
    };
    target.bytes().fold(String::new(), |mut text, byte| {
        if allowed(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

/// AWS's answer to the caller, with the execution log.
pub fn reply(test: &TestInvoke, invoked: Result<Invoked, String>, unix_seconds: i64) -> Object {
    let invoked = invoked.unwrap_or_else(|reason| not_run(test, &reason));
    let Invoked { request_id, answer, log, took_us } = invoked;
    let mut single = Object::new();
    let mut multiple = Object::new();
    for (name, value) in &answer.headers {
        single.insert(name.clone(), value.as_str().into());
        let values = multiple.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(value.as_str().into());
        }
    }
    object([
        ("status", Some(answer.status.into())),
        ("body", Some(String::from_utf8_lossy(&answer.body).into())),
        ("headers", Some(Value::Object(single))),
        ("multiValueHeaders", Some(Value::Object(multiple))),
        ("log", Some(stamped(&log, &request_id, unix_seconds).into())),
        ("latency", Some((took_us / 1_000).into())),
    ])
}

/// What an authorizer said, or why it could not be asked (security/lambda-authorizers section 6).
pub fn identified(identified: Result<Identified, String>, unix_seconds: i64) -> Object {
    let identified = identified.unwrap_or_else(|reason| {
        let mut log = ExecutionLog::default();
        log.line(format!("Execution failed due to configuration error: {reason}"));
        Identified { request_id: "-".to_owned(), status: 500, said: None, log, took_us: 0 }
    });
    let (mut context, policy) = identified.said.unwrap_or_default();
    let claims = context.remove("claims").unwrap_or_else(|| json!({}));
    object([
        ("clientStatus", Some(identified.status.into())),
        ("log", Some(stamped(&identified.log, &identified.request_id, unix_seconds).into())),
        ("latency", Some((identified.took_us / 1_000).into())),
        ("principalId", context.remove("principalId")),
        ("policy", Some(policy).filter(|policy| !policy.is_empty()).map(Value::from)),
        ("authorization", Some(json!({}))),
        ("claims", Some(claims)),
    ])
}

/// A method that cannot be made to run answers as one that is configured wrongly.
fn not_run(test: &TestInvoke, reason: &str) -> Invoked {
    let mut log = ExecutionLog::default();
    log.line(format!("HTTP Method: {}, Resource Path: {}", test.verb, test.resource_path));
    log.line(format!("Execution failed due to configuration error: {reason}"));
    log.line("Method completed with status: 500");
    Invoked {
        request_id: "-".to_owned(),
        answer: Answer { status: 500, headers: Vec::new(), body: br#"{"message": "Internal server error"}"#.to_vec() },
        log,
        took_us: 0,
    }
}

/// rest/14 section 14.5, the test-invoke variant: each line behind its time.
fn stamped(log: &ExecutionLog, request_id: &str, unix_seconds: i64) -> String {
    let stamp = jiff::Timestamp::from_second(unix_seconds).unwrap_or_default();
    let stamp = stamp.strftime("%a %b %d %H:%M:%S UTC %Y");
    let lines = log.entries.iter().filter_map(|entry| match entry {
        Entry::Line(line) => Some(format!("{stamp} : {line}\n")),
        Entry::Rendering(_) | Entry::Chosen(_) => None,
    });
    format!("Execution log for request {request_id}\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_reads_as_awss() {
        let mut log = ExecutionLog::default();
        log.line("Starting execution for request: id");
        log.line("Method completed with status: 200");
        let stamped = stamped(&log, "id", 1_553_178_336);
        let expected = "Execution log for request id\n\
             Thu Mar 21 14:25:36 UTC 2019 : Starting execution for request: id\n\
             Thu Mar 21 14:25:36 UTC 2019 : Method completed with status: 200\n";
        assert_eq!(stamped, expected);
    }

    #[test]
    fn a_template_is_a_path_too() {
        assert_eq!(encoded("/pets/{petId}?a=b c"), "/pets/%7BpetId%7D?a=b%20c");
        assert_eq!(encoded("pets"), "/pets");
    }
}
