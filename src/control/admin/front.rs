//! The management API's front: from an HTTP request to an operation and back, with AWS's headers on every answer.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
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
use super::identity::Identity;
use super::intake;
use super::operations::{self, Operation};
use super::usage_export::{self, Page, Wanted};
use super::{file_body, sts, target};
use crate::control::commit::change::Key;
use crate::settings::limits::{ADMIN_BACKUP_BYTES_MAX, ADMIN_BODY_BYTES_MAX, ADMIN_DOCUMENT_BYTES_MAX};

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
    /// What keys have used of their plans, behind this row or from the first on.
    Usage { wanted: Arc<Wanted>, after: Option<Key>, respond: oneshot::Sender<Result<Page, AwsError>> },
}

pub struct Front {
    /// Replaced as a whole when a reload says who may come.
    pub gate: ArcSwap<Gate>,
    pub facts: Facts,
    /// Calls are answered one after another on one thread: nobody waits for this lock.
    pub audit: Mutex<Audit>,
    /// `--dev`: `/_weir/reset` exists.
    pub dev: bool,
    pub commands: mpsc::Sender<Command>,
    pub maintenance: mpsc::Sender<Maintenance>,
}

/// What a request's target means.
enum Meant {
    Operation(&'static Operation, Vec<(&'static str, String)>),
    /// `/_weir/…`
    Maintenance(String),
    Nothing,
}

/// Answers one request of the management API.
pub async fn serve(front: Arc<Front>, request: Request, peer: IpAddr) -> Response {
    let ids = Ids::fresh();
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let gate = front.gate.load_full();
    let signed = |body| Signed {
        method: head.method.as_str(),
        path: &path,
        query: head.uri.query(),
        headers: &head.headers,
        body,
        source: Some(peer),
        secure: false,
    };
    let asks_sts = head.method == Method::POST && path == "/";
    let now = unix_seconds();
    let refuse = |refusal: AdminRefusal| match asks_sts {
        true => {
            let text = sts::refusal(&refusal, &ids.request);
            answer(&ids, refusal.status, sts::CONTENT_TYPE, text.into_bytes())
        }
        false => refused(&ids, &refusal.into()),
    };
    // Nobody's body is taken before it is known that the key which it is signed with exists.
    if !gate.knows(&signed(b""))
        && let Err(refusal) = gate.authenticate(&signed(b""), now)
    {
        return refuse(refusal);
    }
    let Some(query) = target::query(head.uri.query().unwrap_or_default()) else {
        return refused(&ids, &AwsError::bad_request("The query is not percent-encoded UTF-8"));
    };
    let meant = meant(head.method.as_str(), &path, &query);
    let most = meant.body_bytes_max();
    let Ok(body) = to_bytes(body, most).await else {
        let message = format!("Request body is too large, or was broken off: at most {most} bytes are taken");
        return refused(&ids, &AwsError { status: 413, code: "RequestEntityTooLargeException", message });
    };
    let identity = match gate.authenticate(&signed(&body), now) {
        Ok(identity) => identity,
        Err(refusal) => return refuse(refusal),
    };
    if asks_sts {
        let (status, text) = sts::answer(&identity, &body, &ids.request);
        return answer(&ids, status, sts::CONTENT_TYPE, text.into_bytes());
    }
    let accept = head.headers.get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let verb = head.method.as_str().to_owned();
    // A task of its own: a client that hangs up ends neither what it asked for nor the line that tells of it.
    let answering = tokio::spawn(async move {
        let name = meant.name();
        let audited = verb != "GET" || matches!(meant, Meant::Maintenance(_));
        let resource = front.facts.arn(&meant.resource(&path));
        let asked = Asked { verb: &verb, path: &path, resource: &resource, query, accept, body: body.to_vec() };
        let answered = front.answer(&gate, meant, asked, &identity).await;
        if audited {
            let (status, revision) = match &answered {
                Ok((status, done)) => (*status, Some(done.revision).filter(|revision| *revision > 0)),
                Err(error) => (error.status, None),
            };
            front.audit.lock().unwrap_or_else(PoisonError::into_inner).record(&Entry {
                unix_millis: now * 1000,
                identity: &identity,
                source: Some(peer),
                operation: &name,
                resource: &made(&resource, &answered),
                request_id: &ids.request,
                status,
                revision,
            });
        }
        match answered {
            Ok((status, done)) => succeeded(&ids, status, done.reply),
            Err(error) => refused(&ids, &error),
        }
    });
    answering.await.unwrap_or_else(|_| refused(&Ids::fresh(), &AwsError::internal()))
}

/// The resource that a creation made: below the one that it was asked of.
fn made(resource: &str, answered: &Result<(u16, Done), AwsError>) -> String {
    match answered {
        Ok((201, Done { reply: Reply::Object(object), .. })) => {
            let id =
                ["id", "clientCertificateId", "stageName", "name"].iter().find_map(|name| object.get(*name)?.as_str());
            match id.filter(|id| !resource.ends_with(&format!("/{id}"))) {
                Some(id) => format!("{resource}/{}", encoded(id)),
                None => resource.to_owned(),
            }
        }
        _ => resource.to_owned(),
    }
}

fn meant(verb: &str, path: &str, query: &[(String, String)]) -> Meant {
    if let Some(what) = path.strip_prefix("/_weir/") {
        return Meant::Maintenance(what.to_owned());
    }
    operations::find(verb, path, query)
        .map_or(Meant::Nothing, |(operation, values)| Meant::Operation(operation, values))
}

impl Meant {
    /// For the audit log.
    fn name(&self) -> String {
        match self {
            Self::Operation(operation, _) => operation.name.to_owned(),
            Self::Maintenance(what) => format!("weir:{what}"),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn body_bytes_max(&self) -> usize {
        match self {
            Self::Maintenance(what) if what == "restore" => ADMIN_BACKUP_BYTES_MAX,
            Self::Maintenance(_) => ADMIN_DOCUMENT_BYTES_MAX,
            Self::Operation(operation, _) if operation.body == operations::DOCUMENT => ADMIN_DOCUMENT_BYTES_MAX,
            Self::Operation(..) | Self::Nothing => ADMIN_BODY_BYTES_MAX,
        }
    }

    /// The path by which policies name what is asked for: of the template and the decoded values, encoded in one way. A
    /// segment that a client encodes in another way is the same resource, and must meet the same statements.
    fn resource(&self, path: &str) -> String {
        let Self::Operation(operation, values) = self else { return path.to_owned() };
        let template = operation.path.split('?').next().unwrap_or_default();
        let mut values = values.iter();
        let segments = template.split('/').map(|segment| match segment.starts_with('{') {
            true => values.next().map_or_else(String::new, |(_, value)| encoded(value)),
            false => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// RFC 3986 section 2.3: what need not be encoded is not, and everything else is.
fn encoded(value: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(value, KEPT).to_string()
}

/// A request, as far as its answer depends on it.
struct Asked<'a> {
    verb: &'a str,
    path: &'a str,
    resource: &'a str,
    query: Vec<(String, String)>,
    accept: String,
    body: Vec<u8>,
}

impl Front {
    async fn answer(
        &self,
        gate: &Gate,
        meant: Meant,
        asked: Asked<'_>,
        identity: &Identity,
    ) -> Result<(u16, Done), AwsError> {
        let Asked { verb, path, resource, query, accept, body } = asked;
        let (operation, values) = match meant {
            Meant::Operation(operation, values) => (operation, values),
            // Not `apigateway:GET`: a backup has every key and certificate, which reading an API does not show.
            Meant::Maintenance(what) => {
                gate.authorize(identity, &format!("weir:{what}"), resource)?;
                return self.maintain(verb, &what, &query, body).await.map(|done| (200, done));
            }
            Meant::Nothing => return Err(unknown(path)),
        };
        gate.authorize(identity, &format!("apigateway:{verb}"), resource)?;
        let call = Call {
            operation: operation.name,
            path: values,
            query,
            accept,
            account: identity.account_id.clone(),
            ..Call::default()
        };
        let call = intake::take(operation, call, body)?;
        if let Some(from) = call.text("cloneFrom") {
            // A copy shows all of what it was made from.
            gate.authorize(identity, "apigateway:GET", &self.facts.arn(&format!("/restapis/{}", encoded(from))))?;
        }
        let (respond, answer) = oneshot::channel();
        let sent = self.commands.send(Command { call, operation, respond }).await;
        sent.map_err(|_| stopping())?;
        answer.await.map_err(|_| stopping())?.map(|done| (operation.status, done))
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
            ("GET", "usage") => {
                let wanted = Arc::new(Wanted::parse(query)?);
                let (format, asked) = (wanted.format, Arc::clone(&wanted));
                let first = self
                    .ask(|respond| Maintenance::Usage { wanted: Arc::clone(&wanted), after: None, respond })
                    .await?;
                let maintenance = self.maintenance.clone();
                let next = move |after: Key| {
                    let (respond, answer) = oneshot::channel();
                    let page = Maintenance::Usage { wanted: Arc::clone(&wanted), after: Some(after), respond };
                    maintenance.blocking_send(page).ok()?;
                    answer.blocking_recv().ok()?.ok()
                };
                Reply::Pieces {
                    body: usage_export::body(asked, first, next),
                    content_type: format.content_type(),
                    file_name: format.file_name(),
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
        Reply::File(path) => match file_body::open(&path) {
            Ok(body) => {
                let mut response = answer(ids, status, "application/octet-stream", Vec::new());
                *response.body_mut() = Body::from_stream(body);
                response
            }
            Err(error) => refused(ids, &AwsError::unavailable(error.to_string())),
        },
        Reply::Document { body, content_type, file_name } => {
            saved_as(answer(ids, status, content_type, body), &file_name)
        }
        Reply::Pieces { body, content_type, file_name } => {
            let mut response = saved_as(answer(ids, status, content_type, Vec::new()), file_name);
            *response.body_mut() = Body::from_stream(body);
            response
        }
    }
}

fn saved_as(mut response: Response, file_name: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
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
