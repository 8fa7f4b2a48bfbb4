//! Lambda authorizers: what identifies a caller, what their function is told, and what it may answer
//! (security/lambda-authorizers). Who calls the function is the spine.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::conditions::Rules;
use crate::edge::exchange::{Context, Variable};
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::upstream::Integration;
use crate::lang::budget::Budget;
use crate::lang::java_regex::Regex;
use crate::lang::policy::Policy;
use crate::settings::limits::{TOKEN_BYTES_MAX, TOKEN_EXPRESSION_STEPS_MAX};
use crate::wire::uri::{Decoded, pairs, query_name_is};

/// A compiled authorizer of type TOKEN or REQUEST.
#[derive(Debug)]
pub struct Authorizer {
    pub(super) kind: Kind,
    /// Zero asks the function for every request.
    pub ttl: Duration,
    /// Whose answers these are among all that a core remembers: of its stage, and of itself.
    pub name: [u8; 16],
    pub function: Integration,
    /// The head of its call, up to the framing.
    pub head: Box<[u8]>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Token { header: Box<[u8]>, expression: Option<Box<Regex>> },
    Request { sources: Box<[Source]> },
}

/// Where a part of the identity comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// In any case.
    Header(Box<[u8]>),
    /// One of those that the gateway writes: what it writes.
    Intake(&'static str),
    Query(Box<[u8]>),
    /// A stage variable: known at deployment, and the same for everybody.
    Text(Box<str>),
    Context(Variable),
}

/// What a function said of a caller, or what stands in a token.
#[derive(Clone, Debug)]
pub struct Said {
    /// `$context.authorizer`
    pub context: Map<String, Value>,
    /// The function's policy; tokens have none.
    pub rules: Option<Arc<Rules>>,
    /// `usageIdentifierKey`: the value of an API key.
    pub usage_identifier_key: Option<Box<str>>,
    /// As the function wrote it, for whoever has just asked: it is not remembered.
    pub policy: Box<str>,
    /// Of that text.
    pub policy_bytes: usize,
}

impl Authorizer {
    /// What the caller is known by, with whose answers it is: the key of what is remembered. A part that is missing is
    /// answered 401, and the function is not called.
    pub fn identity(&self, context: &Context<'_>) -> Result<Vec<u8>, Fault> {
        let mut key = self.name.to_vec();
        match &self.kind {
            Kind::Token { header, expression } => {
                let token = header_value(context, header).ok_or_else(unauthorized)?;
                if let Some(expression) = expression {
                    // Searched in the token: whoever wants all of it to match says so (section 2).
                    let text = std::str::from_utf8(token).map_err(|_| unauthorized())?;
                    let budget = Budget::new(TOKEN_EXPRESSION_STEPS_MAX, TOKEN_BYTES_MAX);
                    // One that takes too long has not matched.
                    if expression.is_found_in(text, &budget) != Ok(true) {
                        return Err(unauthorized());
                    }
                }
                key.extend_from_slice(token);
            }
            Kind::Request { sources } => {
                for source in sources {
                    let start = key.len() + 4;
                    key.extend_from_slice(&[0; 4]);
                    if !source.write(context, &mut key) || key.len() == start {
                        return Err(unauthorized());
                    }
                    // The length in front: `a`, `bc` is somebody else than `ab`, `c`.
                    let length = u32::try_from(key.len() - start).unwrap_or(u32::MAX).to_le_bytes();
                    key[start - 4..start].copy_from_slice(&length);
                }
            }
        }
        Ok(key)
    }

    /// What the function is told (section 3). `request` is the event of a REQUEST authorizer but for its first members.
    pub fn event(&self, context: &Context<'_>, method_arn: &str, request: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        match &self.kind {
            Kind::Token { header, .. } => {
                let token = String::from_utf8_lossy(header_value(context, header).unwrap_or_default());
                let event = json!({"type": "TOKEN", "methodArn": method_arn, "authorizationToken": token});
                event.to_string().into_bytes()
            }
            Kind::Request { .. } => {
                let mut event = br#"{"type":"REQUEST","methodArn":"#.to_vec();
                event.extend_from_slice(Value::from(method_arn).to_string().as_bytes());
                event.push(b',');
                request(&mut event);
                event.push(b'}');
                event
            }
        }
    }
}

/// What a function answered (section 4). `failed`: it ended by an error, whose words these are.
pub fn read(answer: &[u8], failed: bool, latency_ms: u64) -> Result<Said, Fault> {
    if failed {
        let error: Option<Value> = serde_json::from_slice(answer).ok();
        let message = error.as_ref().and_then(|error| error.get("errorMessage")?.as_str());
        return Err(match message {
            Some("Unauthorized") => unauthorized(),
            _ => Fault::because(FaultKind::AuthorizerFailure, "the authorizer's function ended by an error"),
        });
    }
    said(answer, latency_ms).map_err(|why| {
        Fault::because(FaultKind::AuthorizerConfiguration, format_args!("the authorizer's function answered {why}"))
    })
}

/// What may stand in an answer; other members mean nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    principal_id: String,
    /// As text: it is where members that stand twice are seen.
    #[serde(borrow)]
    policy_document: &'a RawValue,
    context: Option<Map<String, Value>>,
    usage_identifier_key: Option<Box<str>>,
}

fn said(answer: &[u8], latency_ms: u64) -> Result<Said, String> {
    let answer: Answer<'_> = serde_json::from_slice(answer).map_err(|error| format!("what is no answer: {error}"))?;
    let rules = Policy::compile(answer.policy_document.get()).and_then(Rules::new);
    let rules = rules.map_err(|error| format!("no policy: {error}"))?;
    let mut context = Map::new();
    context.insert("principalId".to_owned(), answer.principal_id.into());
    for (name, value) in answer.context.into_iter().flatten() {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Err(format!("a context whose `{name}` is no text, number or boolean")),
        };
        context.insert(name, text.into());
    }
    context.insert("integrationLatency".to_owned(), latency_ms.into());
    Ok(Said {
        context,
        rules: Some(Arc::new(rules)),
        usage_identifier_key: answer.usage_identifier_key,
        policy: answer.policy_document.get().into(),
        policy_bytes: answer.policy_document.get().len(),
    })
}

impl Said {
    /// The same for a caller who did not have to wait for it.
    pub fn remembered(&self) -> Self {
        let mut said = Self { policy: Box::default(), ..self.clone() };
        if let Some(latency) = said.context.get_mut("integrationLatency") {
            *latency = 0.into();
        }
        said
    }

    /// Bytes that it takes to remember it, near enough.
    pub fn bytes(&self) -> usize {
        let members = self.context.iter().map(|(name, value)| name.len() + 64 + value_bytes(value)).sum::<usize>();
        // A compiled policy has a piece for each letter between two wildcards, and more around it.
        members + 256 + 8 * self.policy_bytes
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 32 + value_bytes(item)).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| 64 + name.len() + value_bytes(value)).sum(),
        _ => 8,
    }
}

impl Source {
    /// False where there is none.
    fn write(&self, context: &Context<'_>, key: &mut Vec<u8>) -> bool {
        match self {
            // All lines, the last one in front: a function may look at any of them.
            Self::Header(name) => match header_value(context, name) {
                Some(value) => {
                    key.extend_from_slice(value);
                    let request = context.request;
                    let lines = request.head.lines.iter();
                    let same = lines.filter(|line| line.name.of(&request.bytes).eq_ignore_ascii_case(name));
                    for line in same.rev().skip(1) {
                        key.push(0);
                        key.extend_from_slice(line.value.of(&request.bytes));
                    }
                }
                None => return false,
            },
            Self::Intake(name) => match context.request.intake_value(name.as_bytes()) {
                Some(value) => key.extend_from_slice(&value),
                None => return false,
            },
            Self::Query(name) => {
                let query = context.request.query().unwrap_or_default();
                let values = || pairs(query).filter(|(encoded, _)| query_name_is(encoded, name));
                match values().last() {
                    Some((_, b"")) | None => return false,
                    Some((_, value)) => key.extend(Decoded::of_query(value)),
                }
                if values().nth(1).is_some() {
                    for (_, value) in values() {
                        // As it is written: a byte that no value has stands between them.
                        key.push(0);
                        key.extend_from_slice(value);
                    }
                }
            }
            Self::Text(text) => key.extend_from_slice(text.as_bytes()),
            Self::Context(variable) => return variable.write(context, &mut |part| key.extend_from_slice(part)),
        }
        true
    }
}

/// The last line of that name, in any case; `None` where it is empty.
pub(super) fn header_value<'x>(context: &Context<'x>, name: &[u8]) -> Option<&'x [u8]> {
    context.request.last_line(name).map(<[u8]>::trim_ascii).filter(|value| !value.is_empty())
}

pub(super) fn unauthorized() -> Fault {
    Fault::new(FaultKind::Unauthorized)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str =
        r#"{"Version":"2012-10-17","Statement":{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*"}}"#;

    #[track_caller]
    fn check(answer: &str, expected: FaultKind) {
        let fault = read(answer.replace("POLICY", POLICY).as_bytes(), false, 1).expect_err("no answer");
        assert_eq!(fault.kind, expected, "{answer}");
    }

    #[test]
    fn answers_that_are_none() {
        use FaultKind::AuthorizerConfiguration as Wrong;
        for answer in [
            "",
            "null",
            "[]",
            "\"Unauthorized\"",
            "{}",
            r#"{"policyDocument":POLICY}"#,
            r#"{"principalId":1,"policyDocument":POLICY}"#,
            r#"{"principalId":"a"}"#,
            r#"{"principalId":"a","policyDocument":"POLICY"}"#,
            r#"{"principalId":"a","policyDocument":{"Version":"2012-10-17","Statement":[]}}"#,
            r#"{"principalId":"a","policyDocument":{"Version":"2012-10-17","Statement":{"Action":"execute-api:Invoke","Effect":"allow","Resource":"*"}}}"#,
            r#"{"principalId":"a","policyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*"}}}"#,
            r#"{"principalId":"a","policyDocument":{"Version":"2012-10-17","Statement":{"Action":"execute-api:Invoke","Effect":"Allow","Resource":"*","Condition":{"Near":{"aws:SourceIp":"x"}}}}}"#,
            r#"{"principalId":"a","policyDocument":POLICY,"context":{"a":{}}}"#,
            r#"{"principalId":"a","policyDocument":POLICY,"context":{"a":[]}}"#,
            r#"{"principalId":"a","policyDocument":POLICY,"context":{"a":null}}"#,
            r#"{"principalId":"a","policyDocument":POLICY,"context":"a"}"#,
            r#"{"principalId":"a","policyDocument":POLICY,"usageIdentifierKey":7}"#,
        ] {
            check(answer, Wrong);
        }
    }

    #[test]
    fn what_a_function_says_is_text() {
        let answer = r#"{"principalId":"ada","policyDocument":POLICY,"usageIdentifierKey":"k","context":{"n":1,"b":true,"s":"x","f":1.50}}"#;
        let said = read(answer.replace("POLICY", POLICY).as_bytes(), false, 12).expect("an answer");
        assert_eq!(
            Value::from(said.context.clone()),
            json!({"principalId": "ada", "n": "1", "b": "true", "s": "x", "f": "1.5", "integrationLatency": 12})
        );
        assert_eq!(said.usage_identifier_key.as_deref(), Some("k"));
        assert_eq!(said.remembered().context["integrationLatency"], 0);
    }

    #[test]
    fn errors_of_functions() {
        let check = |error: &str, expected: FaultKind| {
            assert_eq!(read(error.as_bytes(), true, 1).expect_err("an error").kind, expected, "{error}");
        };
        check(r#"{"errorMessage":"Unauthorized","errorType":"Error"}"#, FaultKind::Unauthorized);
        check(r#"{"errorMessage":"unauthorized"}"#, FaultKind::AuthorizerFailure);
        check(r#"{"errorMessage":"Unauthorized."}"#, FaultKind::AuthorizerFailure);
        check("Unauthorized", FaultKind::AuthorizerFailure);
        check(r#"{"principalId":"a"}"#, FaultKind::AuthorizerFailure);
    }
}
