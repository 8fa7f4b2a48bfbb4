//! How a request ended, as logs and counts see it.

use std::borrow::Cow;

/// How it ended.
#[derive(Debug, Default)]
pub struct Outcome {
    pub status: u16,
    /// Bytes of the answer's body that were sent.
    pub response_bytes: u64,
    /// Answered to the last byte.
    pub response_us: u64,
    /// Time to the head of the backend's answer, where a backend was asked.
    pub integration_us: Option<u64>,
    pub integration_status: Option<u16>,
    pub error_type: Option<&'static str>,
    pub error_message: Option<Cow<'static, str>>,
    /// What the body's model says against it.
    pub validation_errors: Option<Box<str>>,
    /// For the operator.
    pub detail: Option<Box<str>>,
}
