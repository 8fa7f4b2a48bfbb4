//! What a request leaves behind: counts, and a line in the access log (rest/14).

pub mod access_log;
pub mod compile;
pub mod execution_log;
mod outcome;
mod sink;

pub use access_log::Format;
pub use execution_log::ExecutionLog;
pub use outcome::{Checked, Checker, Endpoint, Failure, Outcome};
pub use sink::Sink;

use std::borrow::Cow;

use crate::edge::fault::{Fault, FaultKind};
use crate::telemetry::counters::{CoreCounters, SeriesId};
use crate::telemetry::names::Event;
use crate::time::Instant;

/// What is known of a request while it is under way. Whoever drops it unfinished leaves a count of that.
pub struct Record<'w> {
    counters: &'w CoreCounters,
    pub began: Instant,
    /// When the answer was known: the head of the backend's has come, or none was asked.
    pub answered: Instant,
    /// Where it is counted; nowhere as long as no stage is known.
    pub series: Option<SeriesId>,
    /// Whether it is written to the access log: a method can say no.
    pub logged: bool,
    pub outcome: Outcome,
    /// Where somebody watches this one request.
    pub log: Option<Box<ExecutionLog>>,
    finished: bool,
}

impl<'w> Record<'w> {
    pub fn begin(counters: &'w CoreCounters, now: Instant) -> Self {
        Self {
            counters,
            began: now,
            answered: now,
            series: None,
            logged: true,
            outcome: Outcome::default(),
            log: None,
            finished: false,
        }
    }

    /// Notes a failure, as it will be answered.
    pub fn fault(&mut self, fault: &Fault) {
        let event = match fault.kind {
            FaultKind::Malformed => Some(Event::BadRequest),
            FaultKind::HeadersTooLarge => Some(Event::HeadTooLarge),
            FaultKind::UriTooLong => Some(Event::UriTooLong),
            FaultKind::PayloadTooLarge => Some(Event::PayloadTooLarge),
            FaultKind::HeadTimeout => Some(Event::HeadTimeout),
            FaultKind::RequestTimeout => Some(Event::BodyTimeout),
            FaultKind::UnknownHost => Some(Event::UnknownHost),
            FaultKind::Throttled | FaultKind::QuotaExceeded => Some(Event::Throttled),
            FaultKind::IncompleteSignature
            | FaultKind::InvalidSignature
            | FaultKind::MissingToken
            | FaultKind::SessionExpired
            | FaultKind::TokenExpired
            | FaultKind::Unauthorized
            | FaultKind::UnknownSigner => Some(Event::Unauthenticated),
            FaultKind::AccessDenied | FaultKind::InvalidApiKey => Some(Event::Denied),
            FaultKind::AuthorizerConfiguration | FaultKind::AuthorizerFailure => Some(Event::AuthorizerFailed),
            FaultKind::Internal => Some(Event::Panic),
            _ => None,
        };
        if let Some(event) = event {
            self.counters.event(event);
        }
        self.outcome.failure = Some(Box::new(Failure {
            error_type: Some(fault.kind.gateway_response().response_type).filter(|name| !name.is_empty()),
            error_message: Some(match fault.message.split_once("\n\n") {
                // What a signature should have been holds every header that was signed: session tokens, cookies.
                Some((sentence, _)) => Cow::Owned(sentence.to_owned()),
                None => fault.message.clone(),
            }),
            validation_errors: fault.validation_errors.clone(),
            detail: fault.detail.clone(),
        }));
    }

    /// Notes what came of asking who calls.
    pub fn checked(&mut self, by: Checker, us: u64, fault: Option<&Fault>) {
        let status = fault.map_or(200, |fault| fault.kind.gateway_response().status);
        let denied = fault.is_some_and(|fault| fault.kind == FaultKind::AccessDenied);
        let us = u32::try_from(us).unwrap_or(u32::MAX);
        self.outcome.checked = Some(Checked { by, status, denied, us });
    }

    /// Counts the request. The answer has been sent, or nobody is there to take it.
    pub fn finish(&mut self, now: Instant) {
        self.finished = true;
        self.outcome.response_us = now.micros_since(self.began);
        if let Some(series) = self.series {
            self.counters.request(series, self.outcome.status, self.outcome.response_us, self.outcome.integration_us);
        }
    }

    /// The client did not take its answer in time.
    pub fn write_timed_out(&mut self) {
        self.counters.event(Event::WriteTimeout);
    }

    /// The client left before it had its answer.
    pub fn client_left(&mut self) {
        self.counters.event(Event::ClientLeft);
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.counters.event(Event::ClientLeft);
        }
    }
}
