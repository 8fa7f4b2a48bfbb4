//! Why a signature is not taken, in AWS's words.

use ring::digest::{SHA256, digest};

/// AWS's types of these errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    MissingToken,
    Incomplete,
    Invalid,
    /// Unknown key, or a session token that is not the key's.
    Unrecognized,
    ExpiredToken,
}

impl Kind {
    pub fn code(self) -> &'static str {
        match self {
            Self::MissingToken => "MissingAuthenticationTokenException",
            Self::Incomplete => "IncompleteSignatureException",
            Self::Invalid => "InvalidSignatureException",
            Self::Unrecognized => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
        }
    }
}

/// All are answered 403.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureError {
    pub kind: Kind,
    pub message: String,
}

impl SignatureError {
    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self { kind: Kind::Incomplete, message: message.into() }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { kind: Kind::Invalid, message: message.into() }
    }

    pub(super) fn missing() -> Self {
        Self { kind: Kind::MissingToken, message: "Missing Authentication Token".into() }
    }

    /// The key is not known, or the session token does not belong to it.
    pub fn unrecognized() -> Self {
        let message = "The security token included in the request is invalid.".into();
        Self { kind: Kind::Unrecognized, message }
    }

    pub fn expired_token() -> Self {
        let message = "The security token included in the request is expired".into();
        Self { kind: Kind::ExpiredToken, message }
    }
}

/// A piece of the header that is no `key=value`.
pub(super) fn no_equal_sign(piece: &str, header: &[u8], older: bool) -> SignatureError {
    SignatureError::incomplete(if older {
        let header = String::from_utf8_lossy(header);
        format!("'{piece}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'.")
    } else {
        format!(
            "Invalid key=value pair (missing equal-sign) in Authorization header \
             (hashed with SHA-256 and encoded with Base64): '{}'.",
            hashed(header)
        )
    })
}

/// What of the header form is there.
#[derive(Clone, Copy, Default)]
pub(super) struct Has {
    pub credential: bool,
    pub signature: bool,
    pub signed_headers: bool,
    pub date: bool,
}

pub(super) fn parts_missing(has: Has, header: &[u8], older: bool) -> SignatureError {
    let date = "existence of either a 'X-Amz-Date' or a 'Date' header.";
    let mut message = String::new();
    for (there, what) in [
        (has.credential, "'Credential' parameter."),
        (has.signature, "'Signature' parameter."),
        (has.signed_headers, "'SignedHeaders' parameter."),
        (has.date, date),
    ] {
        if !there {
            message.push_str("Authorization header requires ");
            message.push_str(what);
            message.push(' ');
        }
    }
    message.push_str(&if older {
        format!("Authorization={}", String::from_utf8_lossy(header))
    } else {
        format!("(Hashed with SHA-256 and encoded with Base64) Authorization={}", hashed(header))
    });
    SignatureError::incomplete(message)
}

fn hashed(header: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(digest(&SHA256, header))
}
