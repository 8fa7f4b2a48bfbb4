//! The Lambda Runtime API (2018-06-01) of one process: what it sends is turned into questions to its supervisor, which
//! holds its state, and whatever breaks the protocol is answered as AWS's emulator answers it.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::{mpsc, oneshot};

use super::job::FunctionError;
use crate::settings::limits::{FUNCTION_PAYLOAD_BYTES_MAX, FUNCTION_REFUSAL_REST, FUNCTION_STREAM_BYTES_MAX};

const ROOT: &str = "/2018-06-01/runtime/";

/// What a process asks of its supervisor.
#[derive(Debug)]
pub(super) enum Question {
    /// An event, whenever there is one.
    Next(oneshot::Sender<Result<Event, Refused>>),
    /// To answer the invocation of this id; the body is read when that is granted, and one at a time.
    Answer { request_id: String, streaming: bool, reply: oneshot::Sender<Result<Granted, Refused>> },
    /// It cannot begin, and why.
    CannotBegin { error: FunctionError, reply: oneshot::Sender<Result<(), Refused>> },
}

/// One event, as it is sent to the process.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) body: Bytes,
    pub(super) headers: HeaderMap,
}

/// The right to answer. Dropped without a word, it can be asked for again.
#[derive(Debug)]
pub(super) enum Granted {
    Whole(oneshot::Sender<Result<Bytes, FunctionError>>),
    Streamed { pieces: mpsc::Sender<Bytes>, end: oneshot::Sender<Result<(), FunctionError>> },
}

/// Why a process is not given what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not that invocation, or none.
    RequestId,
    /// Not now.
    State,
}

type Supervisor = Arc<mpsc::Sender<Question>>;

pub(super) fn router(supervisor: mpsc::Sender<Question>) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(supervisor))
}

async fn serve(State(supervisor): State<Supervisor>, request: Request) -> Response {
    let response = served(&supervisor, request).await;
    if response.status().is_client_error() {
        // Who asks wrongly and again and again must not take the thread that all functions share.
        tokio::time::sleep(FUNCTION_REFUSAL_REST).await;
    }
    response
}

async fn served(supervisor: &Supervisor, request: Request) -> Response {
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix(ROOT) else { return StatusCode::NOT_FOUND.into_response() };
    let outcome = match (request.method(), rest.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(supervisor).await,
        (&Method::POST, ["invocation", id, "response"]) => {
            let id = (*id).to_owned();
            answer(supervisor, id, request).await
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            let id = (*id).to_owned();
            fail(supervisor, id, request).await
        }
        (&Method::POST, ["init", "error"]) => cannot_begin(supervisor, request).await,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    outcome.unwrap_or_else(Refused::into_response)
}

async fn next(supervisor: &Supervisor) -> Result<Response, Refused> {
    let event = ask(supervisor, Question::Next).await?;
    let mut response = Response::new(Body::from(event.body));
    *response.headers_mut() = event.headers;
    Ok(response)
}

async fn answer(supervisor: &Supervisor, request_id: String, request: Request) -> Result<Response, Refused> {
    let mode = request.headers().get("lambda-runtime-function-response-mode");
    let streaming = mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"));
    let body = request.into_body();
    match ask(supervisor, |reply| Question::Answer { request_id, streaming, reply }).await? {
        Granted::Whole(answer) => match whole(body).await {
            Read::All(bytes) => {
                let _ = answer.send(Ok(bytes));
                Ok(accepted())
            }
            Read::TooLarge => {
                let _ = answer.send(Err(FunctionError::too_large()));
                Ok(too_large())
            }
            Read::Broken => Err(Refused::State),
        },
        Granted::Streamed { pieces, end } => {
            let _ = end.send(stream(body, pieces).await);
            Ok(accepted())
        }
    }
}

async fn fail(supervisor: &Supervisor, request_id: String, request: Request) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let granted = ask(supervisor, |reply| Question::Answer { request_id, streaming: false, reply }).await?;
    let Granted::Whole(answer) = granted else { return Err(Refused::State) };
    let (error, response) = match whole(body).await {
        Read::All(bytes) => (error_of(&head.headers, bytes), accepted()),
        Read::TooLarge => (FunctionError::too_large(), too_large()),
        Read::Broken => return Err(Refused::State),
    };
    let _ = answer.send(Err(error));
    Ok(response)
}

async fn cannot_begin(supervisor: &Supervisor, request: Request) -> Result<Response, Refused> {
    let (head, body) = request.into_parts();
    let error = match whole(body).await {
        Read::All(bytes) => error_of(&head.headers, bytes),
        Read::TooLarge => FunctionError::too_large(),
        Read::Broken => return Err(Refused::State),
    };
    ask(supervisor, |reply| Question::CannotBegin { error, reply }).await?;
    Ok(accepted())
}

/// What was posted; or, where it is nothing that can be read, what its header says.
fn error_of(headers: &HeaderMap, body: Bytes) -> FunctionError {
    if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body).is_ok() {
        return FunctionError { body };
    }
    let kind = headers.get("lambda-runtime-function-error-type").and_then(|kind| kind.to_str().ok());
    FunctionError::new(kind.unwrap_or("Runtime.Unknown"), &String::from_utf8_lossy(&body))
}

async fn ask<T>(
    supervisor: &Supervisor,
    question: impl FnOnce(oneshot::Sender<Result<T, Refused>>) -> Question,
) -> Result<T, Refused> {
    let (reply, answer) = oneshot::channel();
    supervisor.send(question(reply)).await.map_err(|_| Refused::State)?;
    answer.await.unwrap_or(Err(Refused::State))
}

enum Read {
    All(Bytes),
    TooLarge,
    Broken,
}

enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    Broken,
}

async fn piece(body: &mut Body) -> Piece {
    match std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        None => Piece::End,
        Some(Err(_)) => Piece::Broken,
        Some(Ok(frame)) => match frame.into_data() {
            Ok(bytes) => Piece::Data(bytes),
            Err(frame) => frame.into_trailers().map_or(Piece::End, Piece::Trailers),
        },
    }
}

/// What is larger than it may be is left unread: the connection ends with it.
async fn whole(mut body: Body) -> Read {
    let mut first: Option<Bytes> = None;
    let mut all = Vec::new();
    loop {
        match piece(&mut body).await {
            Piece::Data(bytes) => {
                let have = all.len() + first.as_ref().map_or(0, Bytes::len);
                if have + bytes.len() > FUNCTION_PAYLOAD_BYTES_MAX {
                    return Read::TooLarge;
                }
                // Most answers come in one piece, which is not copied.
                match first.take() {
                    None if all.is_empty() => first = Some(bytes),
                    None => all.extend_from_slice(&bytes),
                    Some(before) => {
                        all.extend_from_slice(&before);
                        all.extend_from_slice(&bytes);
                    }
                }
            }
            Piece::Trailers(_) => {}
            Piece::End => return Read::All(first.unwrap_or_else(|| all.into())),
            Piece::Broken => return Read::Broken,
        }
    }
}

/// Hands pieces on as they come. Whoever reads them may have left; the function goes on, as on AWS.
async fn stream(mut body: Body, pieces: mpsc::Sender<Bytes>) -> Result<(), FunctionError> {
    let mut left = FUNCTION_STREAM_BYTES_MAX;
    loop {
        match piece(&mut body).await {
            Piece::Data(bytes) => {
                left = left.checked_sub(bytes.len() as u64).ok_or_else(FunctionError::too_large)?;
                let _ = pieces.send(bytes).await;
            }
            Piece::Trailers(trailers) => {
                if let Some(kind) = trailers.get("lambda-runtime-function-error-type") {
                    return Err(error_of_trailers(kind, trailers.get("lambda-runtime-function-error-body")));
                }
            }
            Piece::End => return Ok(()),
            Piece::Broken => {
                return Err(FunctionError::new("Runtime.TruncatedResponse", "the response ended before it was whole"));
            }
        }
    }
}

/// The object with the error is base64 of JSON there.
fn error_of_trailers(kind: &HeaderValue, body: Option<&HeaderValue>) -> FunctionError {
    let decoded = body.and_then(|body| STANDARD.decode(body.as_bytes()).ok()).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("lambda-runtime-function-error-type"), kind.clone());
    error_of(&headers, decoded.into())
}

fn accepted() -> Response {
    json(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n".into())
}

fn too_large() -> Response {
    let text = format!("Exceeded maximum allowed payload size ({FUNCTION_PAYLOAD_BYTES_MAX} bytes).");
    error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &text)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::RequestId => error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
            Self::State => error(StatusCode::FORBIDDEN, "InvalidStateTransition", "Not allowed in this state"),
        }
    }
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    json(status, serde_json::json!({ "errorMessage": message, "errorType": kind }).to_string())
}

fn json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
