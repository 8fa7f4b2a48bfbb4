//! Lambda's Invoke API, by which the cores call functions: the paths, the headers and the answers of AWS.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_core::Stream;
use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::counters::Counters;
use super::function::{Function, Refusal};
use super::job::{Answer, FunctionError, Job};
use super::listener::Visitor;
use super::registry::{Found, Registry};
use super::shared::Shared;
use crate::settings::limits::{
    FUNCTION_ARN_BYTES_MAX, FUNCTION_ASYNC_EVENT_BYTES_MAX, FUNCTION_ASYNC_QUEUE_TIMEOUT, FUNCTION_HEADER_BYTES_MAX,
    FUNCTION_PAYLOAD_BYTES_MAX, FUNCTION_QUEUE_TIMEOUT, FUNCTION_STREAM_CHUNK_BYTES,
};
use crate::wire::event_stream;

/// The header with the secret that every call carries.
pub const KEY_HEADER: &str = "x-weir-function-key";
/// The header with the ARN that a function is called by, where its name alone stands in the path; who knows the key may
/// say it.
pub const ARN_HEADER: &str = "x-weir-function-arn";
const VERSION: &str = "$LATEST";

pub(super) struct Api {
    pub(super) registry: Arc<Registry>,
    pub(super) shared: Arc<Shared>,
    pub(super) key: Arc<str>,
}

pub(super) fn router(api: Api) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(api))
}

async fn serve(State(api): State<Arc<Api>>, ConnectInfo(visitor): ConnectInfo<Visitor>, request: Request) -> Response {
    let id = api.shared.request_id();
    let given = request.headers().get(KEY_HEADER).map_or(&[][..], HeaderValue::as_bytes);
    let known = same(given, api.key.as_bytes());
    let mut response = if known {
        visitor.is_known();
        Box::pin(invoke(&api, &id, request)).await.unwrap_or_else(Failure::into_response)
    } else {
        let message = "The security token included in the request is invalid.";
        Failure::new(StatusCode::FORBIDDEN, "AccessDeniedException", json!({ "Message": message })).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if !known {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Takes as long whatever is given, so that nobody can guess the key byte by byte.
fn same(given: &[u8], key: &[u8]) -> bool {
    let differences = given.iter().zip(key).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == key.len() && std::hint::black_box(differences) == 0
}

/// What is called, as its URI says.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    /// As it was written.
    reference: String,
    name: String,
    /// With a version or an alias: a function of its own may stand for it.
    qualified: Option<String>,
    streaming: bool,
}

async fn invoke(api: &Api, id: &Arc<str>, request: Request) -> Result<Response, Failure> {
    let (head, body) = request.into_parts();
    let Some(target) = target(&head.uri).filter(|_| head.method == Method::POST) else {
        return Err(Failure::new(StatusCode::NOT_FOUND, "UnknownOperationException", json!({})));
    };
    let found = target.qualified.as_deref().and_then(|name| api.registry.find(name));
    let function = match found.or_else(|| api.registry.find(&target.name)) {
        Some(Found::Function(function)) => function,
        Some(Found::Broken(reason)) => {
            let body = json!({ "Type": "User", "message": &*reason });
            return Err(Failure::new(StatusCode::BAD_GATEWAY, "InvalidZipFileException", body));
        }
        None => {
            let message = format!("Function not found: {}", api.shared.arn(&target.name));
            let body = json!({ "Message": message, "Type": "User" });
            return Err(Failure::new(StatusCode::NOT_FOUND, "ResourceNotFoundException", body));
        }
    };
    let kind = head.headers.get("x-amz-invocation-type").map_or(&b"RequestResponse"[..], HeaderValue::as_bytes);
    let asynchronous = kind.eq_ignore_ascii_case(b"Event") && !target.streaming;
    let event = event(body, &head.headers, asynchronous).await?;
    if kind.eq_ignore_ascii_case(b"DryRun") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let (answer, answered) = oneshot::channel();
    let arn = said_arn(&head.headers).unwrap_or_else(|| {
        let arn = if target.reference.starts_with("arn:") { target.reference } else { api.shared.arn(&target.name) };
        HeaderValue::from_str(&arn).unwrap_or(HeaderValue::from_static(""))
    });
    let job = Job {
        request_id: Arc::clone(id),
        arn,
        event,
        trace_id: handed_on(&head.headers, "x-amzn-trace-id"),
        client_context: client_context(&head.headers)?,
        answer,
    };
    Counters::add(&api.shared.counters.invocations);
    function.admit(job).map_err(|refusal| refused(api, refusal))?;
    if asynchronous {
        tokio::spawn(in_background(function, Arc::clone(id), answered));
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let answer = function.answer(id, answered, FUNCTION_QUEUE_TIMEOUT).await;
    let answer = answer.map_err(|refusal| refused(api, refusal))?;
    if target.streaming {
        return Ok(streamed(answer));
    }
    Ok(match answer {
        Answer::Whole(outcome) => whole(outcome),
        Answer::Stream { pieces, end } => whole(collect(pieces, end).await),
    })
}

/// Nobody waits for its answer; AWS would try again after an error, which is for queues (rest/09 section 9.5).
async fn in_background(function: Arc<Function>, id: Arc<str>, answered: oneshot::Receiver<Answer>) {
    let answer = function.answer(&id, answered, FUNCTION_ASYNC_QUEUE_TIMEOUT).await;
    if let Ok(Answer::Stream { pieces, end }) = answer {
        let _ = collect(pieces, end).await;
    }
}

/// `/2015-03-31/functions/{name or ARN}/invocations`, and the one that streams.
fn target(uri: &Uri) -> Option<Target> {
    let path = uri.path();
    let (rest, streaming) = match path.strip_prefix("/2015-03-31/functions/") {
        Some(rest) => (rest.strip_suffix("/invocations")?, false),
        None => (path.strip_prefix("/2021-11-15/functions/")?.strip_suffix("/response-streaming-invocations")?, true),
    };
    let reference = percent_decode_str(rest).decode_utf8().ok()?.into_owned();
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER], ACCOUNT:function:NAME[:…], or NAME[:…].
    let parts: Vec<&str> = reference.split(':').collect();
    let after = parts.iter().position(|part| *part == "function");
    let at = match after {
        Some(at) if at == 1 || (at == 5 && parts[0] == "arn") => at + 1,
        _ => 0,
    };
    let name = (*parts.get(at)?).to_owned();
    let qualified = parts.get(at + 1).map(|qualifier| format!("{name}:{qualifier}"));
    (!name.is_empty() && !name.contains('/')).then_some(Target { reference, name, qualified, streaming })
}

/// The body, which is JSON; nothing is an empty object (rest/09 section 9.5).
async fn event(mut body: Body, headers: &HeaderMap, asynchronous: bool) -> Result<Bytes, Failure> {
    let max = if asynchronous { FUNCTION_ASYNC_EVENT_BYTES_MAX } else { FUNCTION_PAYLOAD_BYTES_MAX };
    let kind = if asynchronous { "Event" } else { "RequestResponse" };
    let too_large = |bytes: usize| {
        let message = format!("{bytes} byte payload is too large for the {kind} invocation type (limit {max} bytes)");
        let body = json!({ "Type": "User", "message": message });
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException", body)
    };
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if let Some(said) = said.filter(|&said| said > max) {
        return Err(too_large(said));
    }
    let mut event = Vec::with_capacity(said.unwrap_or(0));
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let invalid = |_| not_json("the body ended before it was whole");
        if let Ok(bytes) = frame.map_err(invalid)?.into_data() {
            if event.len() + bytes.len() > max {
                return Err(too_large(event.len() + bytes.len()));
            }
            event.extend_from_slice(&bytes);
        }
    }
    if event.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(&event).map_err(|error| not_json(&error.to_string()))?;
    Ok(event.into())
}

fn not_json(why: &str) -> Failure {
    let message = format!("Could not parse request body into json: {why}");
    Failure::new(
        StatusCode::BAD_REQUEST,
        "InvalidRequestContentException",
        json!({ "Type": "User", "message": message }),
    )
}

fn handed_on(headers: &HeaderMap, name: &str) -> Option<HeaderValue> {
    headers.get(name).filter(|value| value.len() <= FUNCTION_HEADER_BYTES_MAX).cloned()
}

/// Nothing where it is no ARN of a function.
fn said_arn(headers: &HeaderMap) -> Option<HeaderValue> {
    let said = headers.get(ARN_HEADER).filter(|value| value.len() <= FUNCTION_ARN_BYTES_MAX)?;
    let parts: Vec<&str> = said.to_str().ok()?.split(':').collect();
    (parts.first() == Some(&"arn") && parts.get(5) == Some(&"function") && parts.len() > 6).then(|| said.clone())
}

/// It comes as base64 and is handed on as what that is.
fn client_context(headers: &HeaderMap) -> Result<Option<HeaderValue>, Failure> {
    let Some(given) = handed_on(headers, "x-amz-client-context") else { return Ok(None) };
    let decoded = STANDARD.decode(given.as_bytes()).ok().and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
    decoded.map(Some).ok_or_else(|| not_json("the client context is not base64 of JSON"))
}

fn whole(outcome: Result<Bytes, FunctionError>) -> Response {
    let (body, failed) = match outcome {
        Ok(body) => (body, false),
        Err(error) => (error.body, true),
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("x-amz-executed-version"), HeaderValue::from_static(VERSION));
    if failed {
        headers.insert(HeaderName::from_static("x-amz-function-error"), HeaderValue::from_static("Unhandled"));
    }
    response
}

/// A function that streams, called by who wants its answer as a whole.
async fn collect(
    mut pieces: mpsc::Receiver<Bytes>,
    end: oneshot::Receiver<Result<(), FunctionError>>,
) -> Result<Bytes, FunctionError> {
    let mut all = Vec::new();
    while let Some(piece) = pieces.recv().await {
        if all.len() + piece.len() > FUNCTION_PAYLOAD_BYTES_MAX {
            return Err(FunctionError::too_large());
        }
        all.extend_from_slice(&piece);
    }
    end.await.unwrap_or_else(|_| Err(cut()))?;
    Ok(all.into())
}

fn cut() -> FunctionError {
    FunctionError::new("Runtime.TruncatedResponse", "the response ended before it was whole")
}

fn streamed(answer: Answer) -> Response {
    let body = match answer {
        Answer::Whole(Ok(bytes)) => {
            let mut out = Vec::with_capacity(bytes.len() + 1024);
            chunks(&bytes, &mut out);
            complete(Ok(()), &mut out);
            Body::from(out)
        }
        Answer::Whole(Err(error)) => {
            let mut out = Vec::new();
            complete(Err(error), &mut out);
            Body::from(out)
        }
        Answer::Stream { pieces, end } => Body::from_stream(Messages { pieces, end, ended: false }),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(event_stream::CONTENT_TYPE));
    headers.insert(HeaderName::from_static("x-amz-executed-version"), HeaderValue::from_static(VERSION));
    response
}

/// In messages of a bounded size, so that their reader needs no more room than that.
fn chunks(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.chunks(FUNCTION_STREAM_CHUNK_BYTES).for_each(|chunk| event_stream::payload_chunk(chunk, out));
}

fn complete(outcome: Result<(), FunctionError>, out: &mut Vec<u8>) {
    let payload = match outcome {
        Ok(()) => "{}".to_owned(),
        Err(error) => {
            let details = String::from_utf8_lossy(&error.body);
            json!({ "ErrorCode": "Unhandled", "ErrorDetails": details }).to_string()
        }
    };
    event_stream::invoke_complete(payload.as_bytes(), out);
}

/// What a function streams, as messages, and how it ended as the last.
struct Messages {
    pieces: mpsc::Receiver<Bytes>,
    end: oneshot::Receiver<Result<(), FunctionError>>,
    ended: bool,
}

impl Stream for Messages {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        if let Some(piece) = ready!(self.pieces.poll_recv(cx)) {
            chunks(&piece, &mut out);
            return Poll::Ready(Some(Ok(out.into())));
        }
        let outcome = ready!(Pin::new(&mut self.end).poll(cx)).unwrap_or_else(|_| Err(cut()));
        self.ended = true;
        complete(outcome, &mut out);
        Poll::Ready(Some(Ok(out.into())))
    }
}

fn refused(api: &Api, refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Throttled => {
            Counters::add(&api.shared.counters.throttles);
            let body = json!({
                "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
                "Type": "User",
                "message": "Rate Exceeded."
            });
            Failure::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", body)
        }
        Refusal::Stopped => {
            let body = json!({ "Type": "Service", "Message": "the functions of this machine are being stopped" });
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceException", body)
        }
    }
}

/// What is no function's answer.
struct Failure {
    status: StatusCode,
    error_type: &'static str,
    body: serde_json::Value,
}

impl Failure {
    fn new(status: StatusCode, error_type: &'static str, body: serde_json::Value) -> Self {
        Self { status, error_type, body }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let headers = [("content-type", "application/json"), ("x-amzn-errortype", self.error_type)];
        (self.status, headers, self.body.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, bool)>) {
        let found = target(&path.parse().expect("a URI"));
        assert_eq!(found.as_ref().map(|target| (target.name.as_str(), target.streaming)), expected, "{path}");
    }

    #[test]
    fn functions_are_found_by_every_form_of_their_name() {
        check("/2015-03-31/functions/orders/invocations", Some(("orders", false)));
        check("/2015-03-31/functions/orders:live/invocations?Qualifier=2", Some(("orders", false)));
        check("/2015-03-31/functions/123456789012:function:orders/invocations", Some(("orders", false)));
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:orders";
        check(&format!("/2015-03-31/functions/{arn}/invocations"), Some(("orders", false)));
        check(&format!("/2015-03-31/functions/{arn}:7/invocations"), Some(("orders", false)));
        check(&format!("/2015-03-31/functions/{}/invocations", arn.replace(':', "%3A")), Some(("orders", false)));
        check("/2021-11-15/functions/orders/response-streaming-invocations", Some(("orders", true)));
    }

    #[test]
    fn other_paths_are_none() {
        check("/", None);
        check("/2015-03-31/functions//invocations", None);
        check("/2015-03-31/functions/orders", None);
        check("/2015-03-31/functions/a%2Fb/invocations", None);
        check("/2015-03-31/functions/%ff/invocations", None);
        check("/2021-11-15/functions/orders/invocations", None);
    }

    #[test]
    fn only_the_whole_key_is_the_key() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"ab", b"abc") && !same(b"", b"abc") && !same(b"abcd", b"abc") && !same(b"abd", b"abc"));
    }
}
