//! From what a client sent to a call whose shape is right: what AWS checks before any operation looks at it.

use serde_json::Value;

use super::call::Call;
use super::errors::AwsError;
use super::operations::{DOCUMENT, Operation};
use super::shapes::{self, Member};
use crate::model::api_rows::Object;

/// Fills in the body of `call`, with every violation of the model in one error (v1-messages, ValidationException).
pub fn take(operation: &'static Operation, mut call: Call, body: Vec<u8>) -> Result<Call, AwsError> {
    let mut violations = Vec::new();
    if operation.body == DOCUMENT {
        if body.is_empty() {
            let place = format!("{}Input.body", lower_first(operation.name));
            violations.push(shapes::missing(&place));
        }
        call.raw = body;
    } else if !operation.body.is_empty() {
        call.body = shapes::read(operation.name, operation.body, &parse(&body)?, &mut violations)?;
    }
    for member in shapes::members(operation.query) {
        of_query(&member, &call, &mut violations);
    }
    of_path(&call, &mut violations);
    if violations.is_empty() { Ok(call) } else { Err(AwsError::validation(&violations)) }
}

/// An object; nothing at all is an empty one.
fn parse(body: &[u8]) -> Result<Object, AwsError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Object::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Object::new()),
        Ok(_) => Err(AwsError::serialization("Start of structure or map expected")),
        Err(error) => Err(AwsError::serialization(format!(
            "The request's body is not JSON: line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

fn of_query(member: &Member<'_>, call: &Call, violations: &mut Vec<String>) {
    let mut values = call.query_all(member.name).filter(|value| !value.is_empty()).peekable();
    if values.peek().is_none() && member.required {
        violations.push(shapes::missing(member.name));
    }
    let known = shapes::enumeration(member.kind);
    for value in values.filter(|value| !known.is_empty() && !known.contains(value)) {
        violations.push(shapes::not_in(member.name, value, known));
    }
}

/// Parameters of the path that the model constrains; they are told behind the body's.
fn of_path(call: &Call, violations: &mut Vec<String>) {
    for (name, value) in &call.path {
        match *name {
            "status_code" if !is_status(value) => violations.push(format!(
                "Value '{value}' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression \
                 pattern: [1-5]\\d\\d"
            )),
            "response_type" if !shapes::GATEWAY_RESPONSE_TYPES.contains(&value.as_str()) => {
                violations.push(shapes::not_in("responseType", value, shapes::GATEWAY_RESPONSE_TYPES));
            }
            _ => {}
        }
    }
}

fn is_status(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'])
}

fn lower_first(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::operations::find;
    use super::*;

    #[track_caller]
    fn check(verb: &str, path: &str, body: &str, expected: Result<(), (&str, &str)>) {
        let (operation, values) = find(verb, path, &[]).expect("an operation");
        let call = Call { path: values, ..Call::default() };
        let taken = take(operation, call, body.as_bytes().to_vec());
        let taken = taken.map(|_| ()).map_err(|error| (error.code, error.message));
        assert_eq!(taken, expected.map_err(|(code, message)| (code, message.to_owned())));
    }

    #[test]
    fn what_is_told_before_an_operation_looks() {
        check("POST", "/restapis", r#"{"name":"a"}"#, Ok(()));
        let null = "1 validation error detected: Value null at 'createRestApiInput.name' failed to satisfy constraint: \
                    Member must not be null";
        check("POST", "/restapis", "", Err(("ValidationException", null)));
        let not_json = "The request's body is not JSON: line 1, column 2";
        check("POST", "/restapis", "{x", Err(("SerializationException", not_json)));
        check("POST", "/restapis", "[]", Err(("SerializationException", "Start of structure or map expected")));
        let two = "2 validation errors detected: Value 'x' at 'updateMethodResponseInput.patchOperations.1.member.op' failed \
                   to satisfy constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]; \
                   Value '999' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression \
                   pattern: [1-5]\\d\\d";
        let path = "/restapis/a/resources/b/methods/GET/responses/999";
        check("PATCH", path, r#"{"patchOperations":[{"op":"x"}]}"#, Err(("ValidationException", two)));
    }
}
