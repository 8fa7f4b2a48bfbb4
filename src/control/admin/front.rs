//! The management API's front: from an HTTP request to an operation and back, with AWS's headers on every answer.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};

use super::audit::{Audit, Entry};
use super::auth::{AdminRefusal, Gate, Signed};
use super::call::{Call, Facts, Reply};
use super::errors::AwsError;
use super::file_body::FileBody;
use super::identity::Identity;
use super::intake;
use super::operations::{self, Operation};
use super::{sts, target};
use crate::settings::limits::ADMIN_BODY_BYTES_MAX;

/// One call, on its way to the thread's one owner of all definitions.
pub struct Command {
    pub call: Call,
    pub operation: &'static Operation,
    pub respond: oneshot::Sender<Result<Done, AwsError>>,
}

/// What an operation has answered, and the revision that it made or saw.
#[derive(Debug)]
pub struct Done {
    pub reply: Reply,
    pub revision: u64,
}

/// What is said to the process itself, below `/_weir/`.
pub enum Maintenance {
    /// One file with everything, made while the gateway runs.
    Backup(oneshot::Sender<Result<PathBuf, AwsError>>),
    /// Everything is replaced by what a backup holds.
    Restore(Vec<u8>, oneshot::Sender<Result<(), AwsError>>),
    /// Everything is forgotten (`--dev`).
    Reset(oneshot::Sender<Result<(), AwsError>>),
    /// What a put of this document would change of this API's routes.
    Plan { api_id: String, document: Vec<u8>, respond: oneshot::Sender<Result<String, AwsError>> },
}

pub struct Front {
    pub gate: Gate,
    pub facts: Facts,
    /// Calls are answered one after another on one thread: nobody waits for this lock.
    pub audit: Mutex<Audit>,
    /// `--dev`: `/_weir/reset` exists.
    pub dev: bool,
    pub commands: mpsc::Sender<Command>,
    pub maintenance: mpsc::Sender<Maintenance>,
}

/// Answers one request of the management API.
pub async fn serve(front: Arc<Front>, request: Request, peer: IpAddr) -> Response {
    let ids = Ids::fresh();
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, ADMIN_BODY_BYTES_MAX).await else {
        let message =
            format!("Request body is too large, or was broken off: at most {ADMIN_BODY_BYTES_MAX} bytes are taken");
        return refused(&ids, &AwsError { status: 413, code: "RequestEntityTooLargeException", message });
    };
    let path = head.uri.path().to_owned();
    let raw_query = head.uri.query().unwrap_or_default();
    let asks_sts = head.method == Method::POST && path == "/";
    let signed = Signed {
        method: head.method.as_str(),
        path: &path,
        query: head.uri.query(),
        headers: &head.headers,
        body: &body,
        source: Some(peer),
        secure: false,
    };
    let now = unix_seconds();
    let identity = match front.gate.authenticate(&signed, now) {
        Ok(identity) => identity,
        Err(refusal) if asks_sts => {
            let text = sts::refusal(&refusal, &ids.request);
            return answer(&ids, refusal.status, sts::CONTENT_TYPE, text.into_bytes());
        }
        Err(refusal) => return refused(&ids, &refusal.into()),
    };
    if asks_sts {
        let (status, text) = sts::answer(&identity, &body, &ids.request);
        return answer(&ids, status, sts::CONTENT_TYPE, text.into_bytes());
    }
    let accept = head.headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let answered = front.answer(head.method.as_str(), &path, raw_query, accept, body.to_vec(), &identity).await;
    if head.method != Method::GET {
        let (status, revision) = match &answered {
            Ok((operation, done)) => (operation.map_or(200, |operation| operation.status), Some(done.revision)),
            Err(error) => (error.status, None),
        };
        let entry = Entry {
            unix_millis: now * 1000,
            identity: &identity,
            source: Some(peer),
            operation: operation_name(head.method.as_str(), &path, raw_query),
            resource: &front.facts.arn(&path),
            request_id: &ids.request,
            status,
            revision,
        };
        front.audit.lock().unwrap_or_else(PoisonError::into_inner).record(&entry);
    }
    match answered {
        Ok((operation, done)) => succeeded(&ids, operation.map_or(200, |operation| operation.status), done.reply),
        Err(error) => refused(&ids, &error),
    }
}

/// For the audit log: what was meant, whether it was done or not.
fn operation_name(verb: &str, path: &str, query: &str) -> &'static str {
    let query = target::query(query).unwrap_or_default();
    operations::find(verb, path, &query).map_or("-", |(operation, _)| operation.name)
}

impl Front {
    async fn answer(
        &self,
        verb: &str,
        path: &str,
        raw_query: &str,
        accept: String,
        body: Vec<u8>,
        identity: &Identity,
    ) -> Result<(Option<&'static Operation>, Done), AwsError> {
        let query =
            target::query(raw_query).ok_or_else(|| AwsError::bad_request("The query is not percent-encoded UTF-8"))?;
        if let Some(what) = path.strip_prefix("/_weir/") {
            self.gate.authorize(identity, &format!("apigateway:{verb}"), &self.facts.arn(path))?;
            return self.maintain(verb, what, &query, body).await.map(|done| (None, done));
        }
        let Some((operation, values)) = operations::find(verb, path, &query) else {
            return Err(unknown(path));
        };
        self.gate.authorize(identity, &format!("apigateway:{verb}"), &self.facts.arn(path))?;
        let call = Call {
            operation: operation.name,
            path: values,
            query,
            accept,
            account: identity.account_id.clone(),
            ..Call::default()
        };
        let call = intake::take(operation, call, body)?;
        let (respond, answer) = oneshot::channel();
        let sent = self.commands.send(Command { call, operation, respond }).await;
        sent.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?.map(|done| (Some(operation), done))
    }

    async fn maintain(
        &self,
        verb: &str,
        what: &str,
        query: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Done, AwsError> {
        let value = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let reply = match (verb, what) {
            ("GET", "backup") => Reply::File(self.ask(Maintenance::Backup).await?),
            ("POST", "restore") => {
                self.ask(|respond| Maintenance::Restore(body, respond)).await?;
                Reply::Empty
            }
            ("POST", "reset") if self.dev => {
                self.ask(Maintenance::Reset).await?;
                Reply::Empty
            }
            ("POST", "plan") => {
                let api_id = value("api").unwrap_or_default();
                let text = self.ask(|respond| Maintenance::Plan { api_id, document: body, respond }).await?;
                Reply::Document {
                    body: text.into_bytes(),
                    content_type: "application/json",
                    file_name: "plan.json".into(),
                }
            }
            _ => return Err(unknown(&format!("/_weir/{what}"))),
        };
        Ok(Done { reply, revision: 0 })
    }

    async fn ask<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<Result<T, AwsError>>) -> Maintenance,
    ) -> Result<T, AwsError> {
        let (respond, answer) = oneshot::channel();
        self.maintenance.send(make(respond)).await.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?
    }
}

impl From<AdminRefusal> for AwsError {
    fn from(refusal: AdminRefusal) -> Self {
        Self { status: refusal.status, code: refusal.code, message: refusal.message }
    }
}

fn stopping() -> AwsError {
    AwsError::unavailable("Weir is stopping")
}

fn unknown(path: &str) -> AwsError {
    if path.starts_with("/v2/") {
        let message =
            "Weir has no HTTP and WebSocket APIs yet: of apigatewayv2 only API mappings and routing rules are there";
        return AwsError { status: 501, code: "NotImplementedException", message: message.into() };
    }
    AwsError::unknown_operation()
}

fn succeeded(ids: &Ids, status: u16, reply: Reply) -> Response {
    match reply {
        Reply::Empty | Reply::TestInvoke(_) => answer(ids, status, "application/json", Vec::new()),
        Reply::Object(object) => {
            let text = serde_json::Value::Object(object).to_string();
            answer(ids, status, "application/json", text.into_bytes())
        }
        Reply::File(path) => match FileBody::open(&path) {
            Ok(body) => {
                let mut response = answer(ids, status, "application/octet-stream", Vec::new());
                *response.body_mut() = Body::from_stream(body);
                response
            }
            Err(error) => refused(ids, &AwsError::unavailable(error.to_string())),
        },
        Reply::Document { body, content_type, file_name } => {
            let mut response = answer(ids, status, content_type, body);
            if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\"")) {
                response.headers_mut().insert(CONTENT_DISPOSITION, value);
            }
            response
        }
    }
}

fn refused(ids: &Ids, error: &AwsError) -> Response {
    let mut response = answer(ids, error.status, "application/json", error.body().into_bytes());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.code));
    if error.status == 429 {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    }
    response
}

fn answer(ids: &Ids, status: u16, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in [("x-amzn-requestid", &ids.request), ("x-amz-apigw-id", &ids.extended)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What one request is called.
struct Ids {
    request: String,
    extended: String,
}

impl Ids {
    fn fresh() -> Self {
        let mut source = crate::edge::exchange::IdSource::new(super::call::random_bytes());
        let ids = source.ids(None, b"00000000");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { request: text(&ids.request), extended: text(&ids.extended) }
    }
}

pub fn unix_seconds() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
