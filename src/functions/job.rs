//! One invocation, as it is handed from whoever calls to the process that runs it, and its answer back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

/// What is to be run.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request_id: Arc<str>,
    /// As it was called; else the function's own.
    pub(super) arn: HeaderValue,
    pub(super) event: Bytes,
    pub(super) trace_id: Option<HeaderValue>,
    pub(super) client_context: Option<HeaderValue>,
    /// Where the answer goes. The caller may have left.
    pub(super) answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
pub(super) enum Answer {
    Whole(Result<Bytes, FunctionError>),
    /// The function streams.
    Stream {
        pieces: mpsc::Receiver<Bytes>,
        /// How it ended, after the last piece.
        end: oneshot::Receiver<Result<(), FunctionError>>,
    },
}

/// What Lambda answers with `X-Amz-Function-Error: Unhandled`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionError {
    /// A JSON object with `errorMessage` and `errorType`.
    pub(super) body: Bytes,
}

impl FunctionError {
    pub(super) fn new(error_type: &str, message: &str) -> Self {
        Self { body: json!({ "errorMessage": message, "errorType": error_type }).to_string().into() }
    }

    /// In the words of Lambda's own log.
    pub(super) fn of_request(error_type: &str, request_id: &str, message: &str) -> Self {
        Self::new(error_type, &format!("RequestId: {request_id} Error: {message}"))
    }

    pub(super) fn too_large() -> Self {
        use crate::settings::limits::FUNCTION_PAYLOAD_BYTES_MAX;
        let message = format!(
            "Response payload size exceeded maximum allowed payload size ({FUNCTION_PAYLOAD_BYTES_MAX} bytes)."
        );
        Self::new("Function.ResponseSizeTooLarge", &message)
    }
}

/// Who owns processes, as they see it.
pub(super) trait Owner: Send + Sync {
    /// The process asks for an event; `first` the first time.
    fn ready(&self, process: &Handle, first: bool);
    /// It has been idle for as long as the settings allow.
    fn idle(&self, process: &Handle);
    /// The process could not take this any more.
    fn give_back(&self, job: Job);
    /// It is gone, after having lived for so long.
    fn ended(&self, process: u64, end: End, lived: Duration);
}

/// How a process ended.
#[derive(Debug)]
pub(super) enum End {
    /// Before it asked for an event: why.
    InInit(FunctionError),
    /// While it waited for an event; whether it ever answered one.
    AtRest { answered: bool },
    /// While it ran one.
    AtWork,
    /// It was told to.
    Retired,
}

/// A process, as its function holds it.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) id: u64,
    pub(super) orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
pub(super) enum Order {
    /// Given only to a process that is ready.
    Run(Job),
    /// To end, when what it runs has ended.
    Retire,
    /// To end at once.
    Kill,
}

impl Handle {
    /// Gives the job back where the process is gone.
    pub(super) fn run(&self, job: Job) -> Option<Job> {
        match self.orders.send(Order::Run(job)) {
            Err(mpsc::error::SendError(Order::Run(job))) => Some(job),
            _ => None,
        }
    }

    pub(super) fn tell(&self, order: Order) {
        // One that is gone has ended anyhow.
        let _ = self.orders.send(order);
    }
}
