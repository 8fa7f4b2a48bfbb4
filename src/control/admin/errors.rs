//! Errors of the management API as AWS writes them: a code in `x-amzn-ErrorType`, a message in the body
//! (control-plane/wire-protocol section 4, v1-messages).

use serde_json::json;

/// What a client is told. SDKs read `code`, people read `message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsError {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

impl AwsError {
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, code: "BadRequestException", message: message.into() }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self { status: 404, code: "NotFoundException", message: message.into() }
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self { status: 409, code: "ConflictException", message: message.into() }
    }

    /// Something has as many parts as it may have.
    pub fn limit(message: impl Into<String>) -> Self {
        Self { status: 429, code: "LimitExceededException", message: message.into() }
    }

    /// The body is not what the operation's shape says.
    pub fn serialization(message: impl Into<String>) -> Self {
        Self { status: 400, code: "SerializationException", message: message.into() }
    }

    /// Every violation of the published model in one message.
    pub fn validation(violations: &[String]) -> Self {
        let plural = if violations.len() == 1 { "" } else { "s" };
        let message = format!("{} validation error{plural} detected: {}", violations.len(), violations.join("; "));
        Self { status: 400, code: "ValidationException", message }
    }

    /// Nothing was changed, and asking again later may help.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { status: 503, code: "ServiceUnavailableException", message: message.into() }
    }

    /// A mistake of ours; nothing was changed.
    pub fn internal() -> Self {
        Self { status: 500, code: "InternalFailure", message: "Internal server error".into() }
    }

    /// An operation that nobody serves.
    pub fn unknown_operation() -> Self {
        Self { status: 404, code: "UnknownOperationException", message: "Unknown operation".into() }
    }

    pub fn body(&self) -> String {
        json!({ "__type": self.code, "message": self.message }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_counted() {
        let one = AwsError::validation(&["a".into()]);
        assert_eq!(one.message, "1 validation error detected: a");
        assert_eq!(AwsError::validation(&["a".into(), "b".into()]).message, "2 validation errors detected: a; b");
        assert_eq!(one.body(), r#"{"__type":"ValidationException","message":"1 validation error detected: a"}"#);
    }
}
