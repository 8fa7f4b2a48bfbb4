//! Every way to fail, and the gateway response it becomes (rest/11, bytes as recorded there).

use std::borrow::Cow;
use std::fmt;

use crate::settings::limits::{MILLIS_A_DAY, PAYLOAD_BYTES_MAX};

/// Why a request got no answer from its integration.
#[derive(Debug)]
pub struct Fault {
    pub kind: FaultKind,
    /// For the caller. Nothing of the inside.
    pub message: Cow<'static, str>,
    /// For the operator: into the log, never onto the wire.
    pub detail: Option<Box<str>>,
    /// `$context.error.validationErrorString`: what the body's model says against it.
    pub validation_errors: Option<Box<str>>,
    /// The day (since 1970, in UTC) on which what was used up is given anew.
    pub renewed: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The bytes are not an HTTP request that can be trusted.
    Malformed,
    HeadersTooLarge,
    UriTooLong,
    PayloadTooLarge,
    /// A head that stopped arriving.
    HeadTimeout,
    /// A body that stopped arriving.
    RequestTimeout,
    /// No API, no stage, no mapping.
    UnknownHost,
    NoSuchRoute,
    /// The method asks for a signature, and there is none.
    MissingToken,
    /// An `Authorization` that is not SigV4, where a signature is asked for (rest/01 section 1.5).
    IncompleteSignature,
    InvalidSignature,
    /// Signed with a key that nobody has, or with a session token that is not the key's.
    UnknownSigner,
    /// The session of temporary credentials is over.
    SessionExpired,
    /// Some policy does not let this caller do this.
    AccessDenied,
    /// An authorizer does not know the caller.
    Unauthorized,
    /// A token of a user pool is good, but for its time.
    TokenExpired,
    /// An authorizer's function failed, or could not be reached.
    AuthorizerFailure,
    /// An authorizer's function answered what is no answer, or may not be invoked.
    AuthorizerConfiguration,
    /// The method needs an API key, and this is none of a plan that has the stage.
    InvalidApiKey,
    /// The key has used what its plan gives it in this period.
    QuotaExceeded,
    Throttled,
    BadParameters,
    /// The body is not what its model says, or not JSON where a mapping looks into it.
    BadBody,
    UnsupportedMediaType,
    Configuration,
    IntegrationTimeout,
    IntegrationFailure,
    /// The integration's verb is none that its backend has.
    IntegrationVerb,
    /// A Lambda function ended by an error, or could not run.
    FunctionFailure,
    /// What a Lambda function answered is no answer for a client.
    FunctionAnswer,
    /// A backend's answer beyond the payload limit.
    IntegrationTooLarge,
    /// More bodies are held than the process may hold.
    Overloaded,
    /// `--lenient`: this method needs what Weir cannot do yet.
    NotImplemented,
    /// A bug of ours.
    Internal,
    /// The client left: nobody is there to be told.
    ClientLeft,
}

/// How the body of a gateway response is spelled: who made it on AWS shows in a blank (rest/02 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// The front door: `{"message":"…"}`.
    Compact,
    /// The execution engine: `{"message": "…"}`.
    Spaced,
    /// Access denied: `{"Message":"…"}`.
    Capital,
    /// An authorizer that failed: `{"message":null}`.
    Null,
    /// The message alone.
    Plain,
}

/// One row of rest/11 section 11.1.
#[derive(Clone, Copy, Debug)]
pub struct GatewayResponse {
    /// `$context.error.responseType`; empty where no type covers it.
    pub response_type: &'static str,
    pub status: u16,
    /// `x-amzn-ErrorType`; empty where AWS sends none.
    pub error_type: &'static str,
    pub spelling: Spelling,
    pub message: &'static str,
}

const fn row(
    response_type: &'static str,
    status: u16,
    error_type: &'static str,
    spelling: Spelling,
    message: &'static str,
) -> GatewayResponse {
    GatewayResponse { response_type, status, error_type, spelling, message }
}

impl FaultKind {
    #[rustfmt::skip] // a table: one row a fault
    pub fn gateway_response(self) -> GatewayResponse {
        use Spelling::{Capital, Compact, Null, Plain, Spaced};
        match self {
            Self::Malformed => row("", 400, "BadRequestException", Compact, "Bad Request"),
            Self::HeadersTooLarge => row("", 431, "BadRequestException", Compact, "Request header fields too large"),
            Self::UriTooLong => row("", 414, "BadRequestException", Compact, "Request URI too long"),
            Self::PayloadTooLarge => row("REQUEST_TOO_LARGE", 413, "", Plain, "HTTP content length exceeded 10485760 bytes."),
            Self::HeadTimeout | Self::RequestTimeout => row("", 408, "BadRequestException", Compact, "Request timed out"),
            Self::UnknownHost => row("", 403, "ForbiddenException", Compact, "Forbidden"),
            Self::NoSuchRoute => row("MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException", Compact, "Missing Authentication Token"),
            Self::IncompleteSignature => row("INVALID_SIGNATURE", 403, "IncompleteSignatureException", Compact, "Missing Authentication Token"),
            Self::MissingToken => row("MISSING_AUTHENTICATION_TOKEN", 403, "MissingAuthenticationTokenException", Compact, "Missing Authentication Token"),
            Self::InvalidSignature => row("INVALID_SIGNATURE", 403, "InvalidSignatureException", Compact, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."),
            Self::UnknownSigner => row("ACCESS_DENIED", 403, "UnrecognizedClientException", Compact, "The security token included in the request is invalid."),
            Self::SessionExpired => row("EXPIRED_TOKEN", 403, "ExpiredTokenException", Compact, "The security token included in the request is expired"),
            Self::AccessDenied => row("ACCESS_DENIED", 403, "AccessDeniedException", Capital, "User is not authorized to access this resource"),
            Self::Unauthorized => row("UNAUTHORIZED", 401, "UnauthorizedException", Compact, "Unauthorized"),
            Self::TokenExpired => row("UNAUTHORIZED", 401, "UnauthorizedException", Compact, "The incoming token has expired"),
            Self::AuthorizerFailure => row("AUTHORIZER_FAILURE", 500, "AuthorizerFailureException", Null, ""),
            Self::AuthorizerConfiguration => row("AUTHORIZER_CONFIGURATION_ERROR", 500, "AuthorizerConfigurationException", Null, ""),
            Self::InvalidApiKey => row("INVALID_API_KEY", 403, "ForbiddenException", Compact, "Forbidden"),
            Self::QuotaExceeded => row("QUOTA_EXCEEDED", 429, "LimitExceededException", Compact, "Limit Exceeded"),
            Self::Throttled => row("THROTTLED", 429, "TooManyRequestsException", Compact, "Too Many Requests"),
            Self::BadParameters => row("BAD_REQUEST_PARAMETERS", 400, "BadRequestException", Spaced, "Invalid request parameters"),
            Self::BadBody => row("BAD_REQUEST_BODY", 400, "BadRequestException", Spaced, "Invalid request body"),
            Self::UnsupportedMediaType => row("UNSUPPORTED_MEDIA_TYPE", 415, "BadRequestException", Spaced, "Unsupported Media Type"),
            Self::Configuration => row("API_CONFIGURATION_ERROR", 500, "InternalServerErrorException", Spaced, "Internal server error"),
            Self::IntegrationTimeout => row("INTEGRATION_TIMEOUT", 504, "InternalServerErrorException", Spaced, "Endpoint request timed out"),
            Self::IntegrationFailure => row("INTEGRATION_FAILURE", 504, "InternalServerErrorException", Spaced, "Network error communicating with endpoint"),
            Self::IntegrationTooLarge => row("INTEGRATION_FAILURE", 500, "InternalServerErrorException", Spaced, "Internal server error"),
            // rest/09 section 9.1, recorded: 500 and not the 504 of its type.
            Self::IntegrationVerb => row("INTEGRATION_FAILURE", 500, "InternalServerErrorException", Spaced, "Internal server error"),
            Self::FunctionFailure => row("INTEGRATION_FAILURE", 502, "InternalServerErrorException", Spaced, "Internal server error"),
            Self::FunctionAnswer => row("API_CONFIGURATION_ERROR", 502, "InternalServerErrorException", Spaced, "Internal server error"),
            Self::Overloaded => row("", 503, "ServiceUnavailableException", Compact, "Service Unavailable"),
            Self::NotImplemented => row("", 501, "NotImplementedException", Compact, "Not Implemented"),
            Self::Internal => row("", 500, "InternalServerErrorException", Spaced, "Internal server error"),
            Self::ClientLeft => row("", 499, "", Plain, ""),
        }
    }

    /// Whether the connection can go on after this: its framing is known and the peer is not to blame.
    pub fn may_keep_alive(self) -> bool {
        !matches!(
            self,
            Self::Malformed
                | Self::HeadersTooLarge
                | Self::UriTooLong
                | Self::PayloadTooLarge
                | Self::HeadTimeout
                | Self::RequestTimeout
                | Self::Internal
                | Self::ClientLeft
        )
    }
}

impl Fault {
    pub fn new(kind: FaultKind) -> Self {
        Self::with_message(kind, kind.gateway_response().message)
    }

    /// With what an operator should know.
    pub fn because(kind: FaultKind, detail: impl fmt::Display) -> Self {
        Self { detail: Some(detail.to_string().into_boxed_str()), ..Self::new(kind) }
    }

    pub fn with_message(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), detail: None, validation_errors: None, renewed: None }
    }

    /// Seconds until it is worth while to ask again, of a 429: a bucket has its next token soon.
    pub fn retry_after(&self, unix_seconds: u64) -> Option<u64> {
        match self.kind {
            FaultKind::Throttled => Some(1),
            FaultKind::QuotaExceeded => {
                Some((u64::from(self.renewed?) * MILLIS_A_DAY / 1_000).saturating_sub(unix_seconds).max(1))
            }
            _ => None,
        }
    }

    /// AWS's sentence for a body that is too large names the limit: the one that is in force here.
    pub fn with_payload_limit(mut self, payload_bytes_max: u64) -> Self {
        if self.kind == FaultKind::PayloadTooLarge && payload_bytes_max != PAYLOAD_BYTES_MAX {
            self.message = Cow::Owned(format!("HTTP content length exceeded {payload_bytes_max} bytes."));
        }
        self
    }

    /// The body as it goes onto the wire.
    pub fn write_body(&self, push: &mut impl FnMut(&[u8])) {
        match self.kind.gateway_response().spelling {
            Spelling::Compact => push(br#"{"message":""#),
            Spelling::Spaced => push(br#"{"message": ""#),
            // Also where the API has texts of its own for other types: only a customised one is written by its template.
            Spelling::Capital => push(br#"{"Message":""#),
            Spelling::Null => return push(br#"{"message":null}"#),
            Spelling::Plain => return push(self.message.as_bytes()),
        }
        write_json_text(self.message.as_bytes(), push);
        push(br#""}"#);
    }

    pub fn content_type(&self) -> &'static str {
        match self.kind.gateway_response().spelling {
            Spelling::Plain => "text/plain",
            _ => "application/json",
        }
    }
}

/// The inside of a JSON string.
pub fn write_json_text(text: &[u8], push: &mut impl FnMut(&[u8])) {
    let mut plain = 0;
    for (at, byte) in text.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => br#"\""#,
            b'\\' => br"\\",
            b'\n' => br"\n",
            b'\r' => br"\r",
            b'\t' => br"\t",
            0..0x20 => b"",
            _ => continue,
        };
        push(&text[plain..at]);
        if escape.is_empty() {
            push(format!("\\u{byte:04x}").as_bytes());
        } else {
            push(escape);
        }
        plain = at + 1;
    }
    push(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: &Fault, status: u16, body: &str) {
        let mut bytes = Vec::new();
        fault.write_body(&mut |part| bytes.extend_from_slice(part));
        assert_eq!((fault.kind.gateway_response().status, String::from_utf8_lossy(&bytes).as_ref()), (status, body));
    }

    #[test]
    fn bodies_are_aws_s_to_the_blank() {
        check(&Fault::new(FaultKind::UnknownHost), 403, r#"{"message":"Forbidden"}"#);
        check(&Fault::new(FaultKind::NoSuchRoute), 403, r#"{"message":"Missing Authentication Token"}"#);
        check(&Fault::with_message(FaultKind::AccessDenied, "User: a"), 403, r#"{"Message":"User: a"}"#);
        check(&Fault::because(FaultKind::AuthorizerFailure, "it broke"), 500, r#"{"message":null}"#);
        check(&Fault::new(FaultKind::Unauthorized), 401, r#"{"message":"Unauthorized"}"#);
        check(&Fault::new(FaultKind::Throttled), 429, r#"{"message":"Too Many Requests"}"#);
        check(&Fault::new(FaultKind::IntegrationTimeout), 504, r#"{"message": "Endpoint request timed out"}"#);
        check(&Fault::new(FaultKind::Configuration), 500, r#"{"message": "Internal server error"}"#);
        check(&Fault::new(FaultKind::PayloadTooLarge), 413, "HTTP content length exceeded 10485760 bytes.");
        check(&Fault::with_message(FaultKind::Malformed, "a\"b\\\n\u{1}"), 400, r#"{"message":"a\"b\\\n\u0001"}"#);
    }
}
