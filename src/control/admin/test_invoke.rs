//! `test-invoke-method`: one request through the definition as it stands, whoever may call the method (v1-operations, notes).
//!
//! The definition is compiled as a stage that only this process knows the address of, and asked over the data plane's own
//! listener: what is tested is what will be served.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::call::{Call, Reply, TestInvoke, Turn};
use super::common::{method, object, resource, text};
use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::PAYLOAD_BYTES_MAX;
use crate::wire::h1::chunked::Decoder;
use crate::wire::h1::response::ResponseHead;
use crate::wire::h1::{self, Framing};

/// AWS's name for the stage of such a request.
pub const STAGE: &str = "test-invoke-stage";

pub fn method_of(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = resource(turn, call, "resource_id")?;
    let method = method(turn, call)?;
    if !method.contains_key("methodIntegration") {
        return Err(AwsError::bad_request("No integration defined for method"));
    }
    let path = text(&row, "path").unwrap_or("/");
    let given = call.text("pathWithQueryString").filter(|target| !target.is_empty());
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
    Ok(Reply::TestInvoke(Box::new(TestInvoke {
        api_id: call.path("restapi_id").to_owned(),
        resource_path: path.to_owned(),
        http_method: call.path("http_method").to_owned(),
        verb: match call.path("http_method") {
            "ANY" => "POST".to_owned(),
            verb => verb.to_owned(),
        },
        // Without a path the parameters are the template's own (`{petId={petId}}`, recorded).
        target: given.unwrap_or(path).to_owned(),
        headers,
        body: call.text("body").unwrap_or_default().as_bytes().to_vec(),
        stage_variables: variables
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
    })))
}

/// RFC 9110 sections 5.1 and 5.5: a name that is a token, a value without line ends.
fn is_line(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(token)
        && value.bytes().all(|byte| byte >= 0x20 && byte != 0x7f || byte == b'\t')
}

/// What the data plane answered.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub took: Duration,
}

/// Asks the data plane, by our own wire format: header names arrive as they were given. It blocks: call it on a thread
/// that may wait.
pub fn ask(address: SocketAddr, host: &str, test: &TestInvoke, timeout: Duration) -> Result<Answer, String> {
    let began = Instant::now();
    let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", test.verb, encoded(&test.target));
    for (name, value) in &test.headers {
        // Framing is the client's own matter; the host is what names the stage.
        let own = ["host", "connection", "content-length", "transfer-encoding", "expect", "upgrade"];
        if own.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !test.body.is_empty() || matches!(test.verb.as_str(), "POST" | "PUT" | "PATCH") {
        head.push_str(&format!("Content-Length: {}\r\n", test.body.len()));
    }
    head.push_str("\r\n");
    let bytes =
        exchange(address, &[head.as_bytes(), &test.body].concat(), timeout).map_err(|error| error.to_string())?;
    answer(bytes, &test.verb, began).ok_or_else(|| "the answer was broken off".to_owned())
}

fn exchange(address: SocketAddr, request: &[u8], timeout: Duration) -> io::Result<Vec<u8>> {
    let end = Instant::now() + timeout;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece) {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() as u64 > PAYLOAD_BYTES_MAX || Instant::now() >= end {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn answer(mut bytes: Vec<u8>, verb: &str, began: Instant) -> Option<Answer> {
    let length = h1::head::end(&bytes, 0)?;
    let mut head = ResponseHead::default();
    head.parse(&bytes, length, verb == "HEAD").ok()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = head.lines.iter().map(|line| (text(line.name.of(&bytes)), text(line.value.of(&bytes)))).collect();
    let mut body = bytes.split_off(length);
    // The gateway breaks off an answer that it cannot finish: half of one is no answer here either.
    match head.framing {
        Framing::Chunked => {
            let decoded = Decoder::default().decode(&mut body).ok().filter(|decoded| decoded.done)?;
            body.truncate(decoded.body);
        }
        Framing::Sized(length) if (body.len() as u64) < length => return None,
        _ => {}
    }
    Some(Answer { status: head.status, headers, body: text(&body), took: began.elapsed() })
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

/// AWS's answer to the caller, with the log that can be told from outside (the integration's own lines come with the
/// execution log).
pub fn reply(test: &TestInvoke, answer: Result<Answer, String>, request_id: &str, unix_seconds: i64) -> Object {
    let (status, headers, body, took, failed) = match answer {
        Ok(answer) => (answer.status, answer.headers, answer.body, answer.took, None),
        Err(reason) => {
            let body = json!({"message": "Internal server error"}).to_string();
            (500, Vec::new(), body, Duration::ZERO, Some(reason))
        }
    };
    // What every answer of the gateway carries is not the method's.
    let own = [
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "transfer-encoding",
        "x-amz-apigw-id",
        "x-amzn-requestid",
    ];
    let shown: Vec<_> = headers.iter().filter(|(name, _)| !own.contains(&name.to_ascii_lowercase().as_str())).collect();
    let mut single = Object::new();
    let mut multiple = Object::new();
    for (name, value) in &shown {
        single.insert(name.clone(), value.as_str().into());
        let values = multiple.entry(name.as_str()).or_insert_with(|| json!([]));
        if let Some(values) = values.as_array_mut() {
            values.push(value.as_str().into());
        }
    }
    let log = log(test, status, &single, &body, failed.as_deref(), request_id, unix_seconds);
    object([
        ("status", Some(status.into())),
        ("body", Some(body.into())),
        ("headers", Some(Value::Object(single))),
        ("multiValueHeaders", Some(Value::Object(multiple))),
        ("log", Some(log.into())),
        ("latency", Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into())),
    ])
}

/// rest/14 section 14.5, the test-invoke variant.
fn log(
    test: &TestInvoke,
    status: u16,
    headers: &Object,
    body: &str,
    failed: Option<&str>,
    request_id: &str,
    unix_seconds: i64,
) -> String {
    let stamp = jiff::Timestamp::from_second(unix_seconds).unwrap_or_default();
    let stamp = stamp.strftime("%a %b %d %H:%M:%S UTC %Y");
    let (path, query) = test.target.split_once('?').unwrap_or((&test.target, ""));
    let map = |pairs: Vec<(String, String)>| {
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(n, v)| (n.to_owned(), v.to_owned()));
    let shown = headers.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let mut lines = vec![
        format!("Starting execution for request: {request_id}"),
        format!("HTTP Method: {}, Resource Path: {path}", test.verb),
        format!("Method request path: {}", map(path_values(&test.resource_path, path))),
        format!("Method request query string: {}", map(pairs.collect())),
        format!("Method request headers: {}", map(test.headers.clone())),
        format!("Method request body before transformations: {}", String::from_utf8_lossy(&test.body)),
    ];
    match failed {
        Some(reason) => lines.push(format!("Execution failed due to configuration error: {reason}")),
        None => lines.extend([
            format!("Method response body after transformations: {body}"),
            format!("Method response headers: {}", map(shown.collect())),
            "Successfully completed execution".to_owned(),
        ]),
    }
    lines.push(format!("Method completed with status: {status}"));
    let stamped: String = lines.into_iter().map(|line| format!("{stamp} : {line}\n")).collect();
    format!("Execution log for request {request_id}\n{stamped}")
}

/// Values of a template's parameters in a path, as far as they line up.
fn path_values(template: &str, path: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let mut values = Vec::new();
    for (index, part) in template.trim_start_matches('/').split('/').enumerate() {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else { continue };
        match name.strip_suffix('+') {
            Some(name) => values.push((name.to_owned(), parts.get(index..).unwrap_or_default().join("/"))),
            None => values.push((name.to_owned(), parts.get(index).copied().unwrap_or_default().to_owned())),
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_reads_as_awss() {
        let test = TestInvoke {
            api_id: "a".into(),
            resource_path: "/pets/{petId}".into(),
            http_method: "GET".into(),
            verb: "GET".into(),
            target: "/pets/123?foo=bar".into(),
            headers: Vec::new(),
            body: Vec::new(),
            stage_variables: Vec::new(),
        };
        let answer = Answer {
            status: 200,
            headers: vec![("Content-Type".into(), "application/json".into()), ("Date".into(), "x".into())],
            body: "{}".into(),
            took: Duration::from_millis(12),
        };
        let reply = reply(&test, Ok(answer), "id", 1_553_178_336);
        assert_eq!(reply["headers"], json!({"Content-Type": "application/json"}));
        assert_eq!(reply["latency"], 12);
        let log = reply["log"].as_str().expect("a log");
        let expected = [
            "Execution log for request id",
            "Thu Mar 21 14:25:36 UTC 2019 : Starting execution for request: id",
            "Thu Mar 21 14:25:36 UTC 2019 : HTTP Method: GET, Resource Path: /pets/123",
            "Thu Mar 21 14:25:36 UTC 2019 : Method request path: {petId=123}",
            "Thu Mar 21 14:25:36 UTC 2019 : Method request query string: {foo=bar}",
        ];
        assert_eq!(log.lines().take(5).collect::<Vec<_>>(), expected);
        assert!(log.ends_with("Method completed with status: 200\n"), "{log}");
    }

    #[test]
    fn a_template_is_a_path_too() {
        assert_eq!(encoded("/pets/{petId}?a=b c"), "/pets/%7BpetId%7D?a=b%20c");
        assert_eq!(encoded("pets"), "/pets");
    }
}
