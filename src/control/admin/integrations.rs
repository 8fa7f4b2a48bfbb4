//! Integrations: what a method's requests are answered by.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::{inner, method, method_key, object, resource, text};
use super::errors::AwsError;
use super::expressions::{content_types, empty_templates, request};
use super::patch::{self, ADD, Kind, Operation, REMOVE, REPLACE, Rule, Wording, rule};
use crate::model::api_rows::Object;
use crate::settings::limits::{INTEGRATION_TIMEOUT_MAX, INTEGRATION_TIMEOUT_MIN, STREAM_TIMEOUT_MAX};

const VERBS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"];

pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let kind = call.text("type").unwrap_or_default();
    let given = |name: &str| call.body.get(name).cloned();
    let mut templates = given("requestTemplates");
    templates.iter_mut().for_each(empty_templates);
    let http = matches!(kind, "HTTP" | "HTTP_PROXY");
    let mock = kind == "MOCK";
    let connection = given("connectionType").or_else(|| http.then(|| "INTERNET".into()));
    let namespace = given("cacheNamespace").filter(|name| name != "");
    let integration = object([
        ("type", given("type")),
        // A MOCK has no backend: AWS drops both.
        ("httpMethod", given("httpMethod").filter(|_| !mock)),
        ("uri", given("uri").filter(|_| !mock)),
        ("connectionType", connection),
        ("connectionId", given("connectionId")),
        ("credentials", given("credentials").filter(|role| role != "")),
        ("requestParameters", given("requestParameters")),
        ("requestTemplates", templates),
        ("passthroughBehavior", given("passthroughBehavior").or_else(|| Some("WHEN_NO_MATCH".into()))),
        ("contentHandling", given("contentHandling")),
        ("timeoutInMillis", given("timeoutInMillis").or_else(|| Some(29_000.into()))),
        ("cacheNamespace", namespace.or_else(|| Some(call.path("resource_id").into()))),
        ("cacheKeyParameters", given("cacheKeyParameters").or_else(|| Some(json!([])))),
        ("tlsConfig", given("tlsConfig")),
        ("responseTransferMode", given("responseTransferMode")),
        ("integrationTarget", given("integrationTarget")),
    ]);
    check(turn, call, &integration, &row)?;
    keep(turn, call, &mut row, &integration);
    Ok(Reply::Object(integration))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = method(turn, call)?;
    find(&row).map(Reply::Object)
}

const RULES: &[Rule] = &[
    rule("/uri", REPLACE, Kind::Text),
    rule("/httpMethod", REPLACE, Kind::Text),
    rule("/credentials", REPLACE, Kind::Clearable),
    rule("/connectionType", REPLACE, Kind::Text),
    rule("/connectionId", REPLACE, Kind::Clearable),
    rule("/passthroughBehavior", REPLACE, Kind::Text),
    rule("/contentHandling", REPLACE, Kind::Clearable),
    rule("/cacheNamespace", REPLACE, Kind::Text),
    rule("/timeoutInMillis", REPLACE, Kind::Integer(milliseconds)),
    rule("/tlsConfig/insecureSkipVerification", REPLACE, Kind::Boolean),
    rule("/responseTransferMode", REPLACE, Kind::Text),
    rule("/integrationTarget", REPLACE, Kind::Clearable),
    rule("/requestParameters", ADD | REPLACE | REMOVE, Kind::Map),
    rule("/requestTemplates", ADD | REPLACE | REMOVE, Kind::Map),
    rule("/cacheKeyParameters", ADD | REMOVE, Kind::ListInPath),
];

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut row = method(turn, call)?;
    let mut integration = find(&row)?;
    for operation in patch::operations(call) {
        change(&mut integration, &operation)?;
    }
    check(turn, call, &integration, &row)?;
    keep(turn, call, &mut row, &integration);
    Ok(Reply::Object(integration))
}

fn change(integration: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    patch::apply_one(integration, operation, RULES, Wording::Plain)?;
    if let Some(templates) = integration.get_mut("requestTemplates") {
        empty_templates(templates);
    }
    integration.entry("cacheKeyParameters").or_insert_with(|| json!([]));
    Ok(())
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    // Recorded: an unknown verb is told as a missing integration here.
    resource(turn, call, "resource_id")?;
    let row = turn.get(&method_key(call)).filter(|row| row.contains_key("methodIntegration"));
    let mut row = row.ok_or_else(missing)?;
    row.shift_remove("methodIntegration");
    turn.put(&method_key(call), &row);
    Ok(Reply::Empty)
}

pub fn missing() -> AwsError {
    AwsError::not_found("Invalid Integration identifier specified")
}

fn find(row: &Object) -> Result<Object, AwsError> {
    inner(row, "methodIntegration").cloned().ok_or_else(missing)
}

fn keep(turn: &mut Turn<'_>, call: &Call, row: &mut Object, integration: &Object) {
    patch::set(row, "methodIntegration", Value::Object(integration.clone()));
    turn.put(&method_key(call), row);
}

fn check(turn: &Turn<'_>, call: &Call, integration: &Object, method: &Object) -> Result<(), AwsError> {
    let kind = text(integration, "type").unwrap_or_default();
    let uri = text(integration, "uri").unwrap_or_default();
    if kind != "MOCK" {
        let verb = text(integration, "httpMethod").unwrap_or_default();
        if verb.is_empty() {
            return Err(AwsError::bad_request("Enumeration value for HttpMethod must be non-empty"));
        }
        if !VERBS.contains(&verb) {
            let valid = VERBS.join(",");
            return Err(AwsError::bad_request(format!("Invalid HttpMethod specified. Valid options are {valid}")));
        }
    }
    match kind {
        "HTTP" | "HTTP_PROXY" => http_uri(uri)?,
        "AWS" | "AWS_PROXY" => aws_uri(kind, uri, text(integration, "credentials"))?,
        _ => {}
    }
    let behaviour = text(integration, "passthroughBehavior").unwrap_or("WHEN_NO_MATCH");
    if !matches!(behaviour, "WHEN_NO_MATCH" | "WHEN_NO_TEMPLATES" | "NEVER") {
        return Err(AwsError::bad_request(
            "Invalid PassthroughBehavior specified. Valid options are WHEN_NO_MATCH,WHEN_NO_TEMPLATES,NEVER",
        ));
    }
    for (member, allowed) in [
        ("contentHandling", &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"][..]),
        ("connectionType", &["INTERNET", "VPC_LINK"]),
        ("responseTransferMode", &["BUFFERED", "STREAM"]),
    ] {
        if let Some(value) = text(integration, member).filter(|value| !allowed.contains(value)) {
            return Err(AwsError::bad_request(format!("Invalid {member} specified: {value}")));
        }
    }
    if text(integration, "connectionType") == Some("VPC_LINK")
        && text(integration, "connectionId").is_none_or(str::is_empty)
    {
        return Err(AwsError::bad_request("Connection ID must be specified for VPC_LINK connections"));
    }
    if text(integration, "responseTransferMode") == Some("STREAM") && !matches!(kind, "HTTP_PROXY" | "AWS_PROXY") {
        return Err(AwsError::bad_request(
            "Response transfer mode STREAM is only supported for integrations of type HTTP_PROXY and AWS_PROXY.",
        ));
    }
    timeout(integration)?;
    request(inner(integration, "requestParameters"), method, &resource(turn, call, "resource_id")?)?;
    content_types(inner(integration, "requestTemplates"))
}

fn timeout(integration: &Object) -> Result<(), AwsError> {
    let streams = text(integration, "responseTransferMode") == Some("STREAM");
    let most = if streams { STREAM_TIMEOUT_MAX } else { INTEGRATION_TIMEOUT_MAX };
    let (least, most) = (INTEGRATION_TIMEOUT_MIN.as_millis() as i64, most.as_millis() as i64);
    let timeout = integration.get("timeoutInMillis").and_then(Value::as_i64).unwrap_or(most);
    if (least..=most).contains(&timeout) {
        return Ok(());
    }
    Err(AwsError::bad_request(format!("Timeout should be between {least} ms and {most} ms")))
}

fn milliseconds(text: &str) -> Result<i64, AwsError> {
    text.parse().map_err(|_| AwsError::bad_request("Timeout must be a valid integer"))
}

/// `http://` or `https://` and a host; the host may be a stage variable.
fn http_uri(uri: &str) -> Result<(), AwsError> {
    let lower = uri.get(..8).unwrap_or(uri).to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        uri.get(8..)
    } else if lower.starts_with("http://") {
        uri.get(7..)
    } else {
        None
    };
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let blank = uri.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    match host {
        Some(host) if !host.is_empty() && !host.contains('@') && !blank => Ok(()),
        _ => Err(AwsError::bad_request("Invalid HTTP endpoint specified for URI")),
    }
}

/// `arn:aws:apigateway:{region}:{service}:{path|action}/…`
fn aws_uri(kind: &str, uri: &str, credentials: Option<&str>) -> Result<(), AwsError> {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    let [arn, partition, service, _, target, rest] = parts[..] else {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    };
    if arn != "arn" || !partition.starts_with("aws") || service != "apigateway" || target.is_empty() {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    }
    if !rest.starts_with("path/") && !rest.starts_with("action/") {
        return Err(AwsError::bad_request("AWS ARN for integration must contain path or action"));
    }
    let lambda = target == "lambda" || target.ends_with(".lambda");
    let firehose = target == "firehose" || target.ends_with(".firehose");
    if kind == "AWS_PROXY" && !lambda && !firehose {
        return Err(AwsError::bad_request(
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
        ));
    }
    if !lambda && credentials.is_none_or(str::is_empty) {
        return Err(AwsError::bad_request("Role ARN must be specified for AWS integrations"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris() {
        for uri in ["http://a", "HTTPS://a.example:8443/x?y={z}", "http://${stageVariables.host}/x"] {
            assert!(http_uri(uri).is_ok(), "{uri}");
        }
        for uri in ["", "a.example", "ftp://a", "http://", "http:///x", "http://u@a", "http://a b", "héhéhéhé"] {
            assert!(http_uri(uri).is_err(), "{uri}");
        }
        let lambda = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:f/invocations";
        assert!(aws_uri("AWS_PROXY", lambda, None).is_ok());
        let sqs = "arn:aws:apigateway:us-east-1:sqs:path/1/q";
        let error = |kind, uri, role| aws_uri(kind, uri, role).map_err(|error| error.message).err().unwrap_or_default();
        assert!(error("AWS_PROXY", sqs, None).starts_with("Integrations of type 'AWS_PROXY'"));
        assert_eq!(error("AWS", sqs, None), "Role ARN must be specified for AWS integrations");
        assert_eq!(error("AWS", sqs, Some("arn:aws:iam::1:role/r")), "");
        assert_eq!(error("AWS", "arn:aws:x", None), "Invalid ARN specified in the request");
        let neither = "arn:aws:apigateway:us-east-1:sqs:other/1";
        assert_eq!(error("AWS", neither, None), "AWS ARN for integration must contain path or action");
    }
}
