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
    /// `responseTransferMode: STREAM`
    pub streams: bool,
    /// Of AWS, or of a function. Boxed: most requests go elsewhere.
    pub endpoint: Option<Box<Endpoint>>,
    /// Why it failed. Boxed: most do not, and its room would make every waiting connection larger.
    pub failure: Option<Box<Failure>>,
    /// What came of asking who calls, where that was asked.
    pub checked: Option<Checked>,
}

/// What AWS, or a function, said of a call.
#[derive(Debug, Default)]
pub struct Endpoint {
    pub request_id: Option<Box<str>>,
    /// Of a Lambda proxy: the status that the function said, and 0 where it said none.
    pub function: Option<u16>,
}

/// Why a request failed.
#[derive(Debug, Default)]
pub struct Failure {
    pub error_type: Option<&'static str>,
    pub error_message: Option<Cow<'static, str>>,
    /// What the body's model says against it.
    pub validation_errors: Option<Box<str>>,
    /// For the operator.
    pub detail: Option<Box<str>>,
}

/// A caller was asked for a signature, or an authorizer for what it knows of her.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    pub by: Checker,
    /// What she was answered; 200 where she was let through.
    pub status: u16,
    /// She is known, and may not.
    pub denied: bool,
    /// Microseconds.
    pub us: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checker {
    /// `AWS_IAM`
    Signature,
    /// A function, or a user pool.
    Authorizer,
}

impl Checked {
    /// Of finding out who she is.
    pub fn identified(&self) -> u16 {
        if self.denied { 200 } else { self.status }
    }

    /// Of whether she may; `None` where nobody knows who she is.
    pub fn allowed(&self) -> Option<u16> {
        (self.denied || self.status == 200).then_some(self.status)
    }
}
