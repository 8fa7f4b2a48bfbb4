//! One line a request, in a format with `$context` variables (rest/14 section 14.4).

use super::outcome::{Checked, Checker, Endpoint, Failure, Outcome};
use crate::edge::exchange::{Context, Variable};
use crate::edge::fault::write_json_text;
use crate::wire::decimal;

/// A compiled format.
#[derive(Debug, Default)]
pub struct Format {
    pub(super) pieces: Vec<Piece>,
    /// The format is a JSON object: values are escaped, so that a client cannot write fields of its own (docs/parity.md).
    pub(super) json: bool,
}

#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Text(Box<[u8]>),
    Request(Variable),
    /// `$context.authorizer.…`, by the path behind it.
    Authorizer(Box<str>),
    Outcome(OutcomeVariable),
}

/// The variables that exist once the answer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutcomeVariable {
    Status,
    ResponseLength,
    ResponseLatency,
    IntegrationLatency,
    IntegrationStatus,
    /// Of a Lambda proxy what the function said; else the same.
    FunctionStatus,
    IntegrationError,
    EndpointRequestId,
    TransferMode,
    ErrorMessage,
    ErrorMessageString,
    ErrorResponseType,
    ErrorValidationString,
    /// `authenticate.…` and `authorizer.…`: of the one that was asked.
    CheckedStatus(Checker),
    CheckedLatency(Checker),
    CheckedError(Checker),
    AuthorizeStatus,
    AuthorizeError,
}

pub(super) const OUTCOME_VARIABLES: &[(&str, OutcomeVariable)] = &[
    ("status", OutcomeVariable::Status),
    ("responseLength", OutcomeVariable::ResponseLength),
    ("responseLatency", OutcomeVariable::ResponseLatency),
    ("integrationLatency", OutcomeVariable::IntegrationLatency),
    ("integration.latency", OutcomeVariable::IntegrationLatency),
    ("integrationStatus", OutcomeVariable::IntegrationStatus),
    ("integration.status", OutcomeVariable::FunctionStatus),
    ("integration.integrationStatus", OutcomeVariable::IntegrationStatus),
    ("integration.error", OutcomeVariable::IntegrationError),
    ("integration.requestId", OutcomeVariable::EndpointRequestId),
    ("awsEndpointRequestId", OutcomeVariable::EndpointRequestId),
    ("integration.responseTransferMode", OutcomeVariable::TransferMode),
    ("integrationErrorMessage", OutcomeVariable::IntegrationError),
    ("error.message", OutcomeVariable::ErrorMessage),
    ("error.messageString", OutcomeVariable::ErrorMessageString),
    ("error.responseType", OutcomeVariable::ErrorResponseType),
    ("error.validationErrorString", OutcomeVariable::ErrorValidationString),
    ("authenticate.status", OutcomeVariable::CheckedStatus(Checker::Signature)),
    ("authenticate.latency", OutcomeVariable::CheckedLatency(Checker::Signature)),
    ("authenticate.error", OutcomeVariable::CheckedError(Checker::Signature)),
    ("authorizer.status", OutcomeVariable::CheckedStatus(Checker::Authorizer)),
    ("authorizer.latency", OutcomeVariable::CheckedLatency(Checker::Authorizer)),
    ("authorizer.error", OutcomeVariable::CheckedError(Checker::Authorizer)),
    ("authorize.status", OutcomeVariable::AuthorizeStatus),
    ("authorize.error", OutcomeVariable::AuthorizeError),
];

impl Format {
    /// Appends a line, its end included.
    pub fn write(&self, context: &Context<'_>, outcome: &Outcome, line: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => line.extend_from_slice(text),
                Piece::Request(variable) => {
                    let found = if self.json && variable.is_of_client() {
                        variable.write(context, &mut |value| self.value(value, line))
                    } else {
                        variable.write(context, &mut |value| line.extend_from_slice(value))
                    };
                    if !found {
                        line.push(b'-');
                    }
                }
                // What a function says, it may have from the client.
                Piece::Authorizer(path) => match context.authorizer_text(path) {
                    Some(text) => self.value(text.as_bytes(), line),
                    None => line.push(b'-'),
                },
                Piece::Outcome(variable) => self.outcome(*variable, outcome, line),
            }
        }
        line.push(b'\n');
    }

    fn value(&self, value: &[u8], line: &mut Vec<u8>) {
        // What ends a line would begin another one, whatever the format.
        let forges = value.iter().any(u8::is_ascii_control);
        if forges || self.json && value.iter().any(|byte| matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..)) {
            // Bytes of a header need not be UTF-8; a JSON line must be.
            let text = String::from_utf8_lossy(value);
            write_json_text(text.as_bytes(), &mut |part| line.extend_from_slice(part));
        } else {
            line.extend_from_slice(value);
        }
    }

    fn outcome(&self, variable: OutcomeVariable, outcome: &Outcome, line: &mut Vec<u8>) {
        match variable {
            OutcomeVariable::Status => number(u64::from(outcome.status), line),
            OutcomeVariable::ResponseLength => number(outcome.response_bytes, line),
            OutcomeVariable::ResponseLatency => number(outcome.response_us / 1_000, line),
            OutcomeVariable::IntegrationLatency => match outcome.integration_us {
                Some(us) => number(us / 1_000, line),
                None => line.push(b'-'),
            },
            OutcomeVariable::IntegrationStatus => match outcome.integration_status {
                Some(status) => number(u64::from(status), line),
                None => line.push(b'-'),
            },
            OutcomeVariable::FunctionStatus => match (outcome.endpoint.as_deref(), outcome.integration_status) {
                (Some(Endpoint { function: Some(said), .. }), Some(_)) if *said != 0 => number(u64::from(*said), line),
                (Some(Endpoint { function: Some(_), .. }), _) | (_, None) => line.push(b'-'),
                (_, Some(status)) => number(u64::from(status), line),
            },
            OutcomeVariable::EndpointRequestId => {
                let id = outcome.endpoint.as_ref().and_then(|endpoint| endpoint.request_id.as_deref());
                self.text(id, line);
            }
            OutcomeVariable::TransferMode if outcome.integration_us.is_none() => line.push(b'-'),
            OutcomeVariable::TransferMode => {
                line.extend_from_slice(if outcome.streams { b"STREAMED" } else { b"BUFFERED" });
            }
            // Whoever asked who calls has an error of her own.
            OutcomeVariable::IntegrationError if failed(outcome).is_some() => line.push(b'-'),
            OutcomeVariable::IntegrationError => self.text(failure(outcome, |it| it.detail.as_deref()), line),
            OutcomeVariable::ErrorMessage => self.text(failure(outcome, |it| it.error_message.as_deref()), line),
            OutcomeVariable::ErrorMessageString => match failure(outcome, |it| it.error_message.as_deref()) {
                Some(message) => {
                    line.push(b'"');
                    write_json_text(message.as_bytes(), &mut |part| line.extend_from_slice(part));
                    line.push(b'"');
                }
                None => line.push(b'-'),
            },
            OutcomeVariable::ErrorResponseType => self.text(failure(outcome, |it| it.error_type), line),
            OutcomeVariable::ErrorValidationString => {
                self.text(failure(outcome, |it| it.validation_errors.as_deref()), line)
            }
            OutcomeVariable::CheckedStatus(by) => match outcome.checked.filter(|checked| checked.by == by) {
                Some(checked) => number(u64::from(checked.identified()), line),
                None => line.push(b'-'),
            },
            OutcomeVariable::CheckedLatency(by) => match outcome.checked.filter(|checked| checked.by == by) {
                Some(checked) => number(u64::from(checked.us / 1_000), line),
                None => line.push(b'-'),
            },
            OutcomeVariable::CheckedError(by) => {
                let failed = failed(outcome).filter(|checked| checked.by == by && !checked.denied);
                self.text(failed.and_then(|_| why(outcome)), line);
            }
            OutcomeVariable::AuthorizeStatus => match outcome.checked.and_then(|checked| checked.allowed()) {
                Some(status) => number(u64::from(status), line),
                None => line.push(b'-'),
            },
            OutcomeVariable::AuthorizeError => {
                let denied = failed(outcome).filter(|checked| checked.denied);
                self.text(denied.and_then(|_| why(outcome)), line);
            }
        }
    }

    fn text(&self, text: Option<&str>, line: &mut Vec<u8>) {
        match text {
            Some(text) => self.value(text.as_bytes(), line),
            None => line.push(b'-'),
        }
    }
}

fn failure<'o>(outcome: &'o Outcome, of: impl FnOnce(&'o Failure) -> Option<&'o str>) -> Option<&'o str> {
    of(outcome.failure.as_ref()?)
}

fn failed(outcome: &Outcome) -> Option<Checked> {
    outcome.checked.filter(|checked| checked.status != 200)
}

fn why(outcome: &Outcome) -> Option<&str> {
    failure(outcome, |it| it.detail.as_deref().or(it.error_message.as_deref()))
}

fn number(value: u64, line: &mut Vec<u8>) {
    line.extend_from_slice(decimal(value, &mut [0; 20]));
}
