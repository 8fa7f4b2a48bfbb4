//! One request through a snapshot, with nobody at the other end: `weir invoke` and `test-invoke-method`. It goes the way
//! of every request ([`answer`]), on the thread that calls, and is told in the words of AWS's execution log.
//! Part of the spine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use super::answer::{Trail, answer, of_fault, put_cors};
use super::authorize::{self, At};
use super::connection::{Connection, Front};
use super::dispatch;
use super::exchange::Request;
use super::fault::{Fault, FaultKind};
use super::identity::caller::Caller;
use super::identity::lambda::Said;
use super::keep_time;
use super::snapshot::Snapshot;
use super::told;
use super::watch::{ExecutionLog, Record};
use super::worker::{Canned, Start, Worker};
use crate::net::buffer::Buffer;
use crate::net::ring::{self, Driver};
use crate::wire::h1::response::ResponseHead;

/// One request, and what stands for the world around it.
#[derive(Clone)]
pub struct Ask {
    /// Head and body as they would come over a connection.
    pub bytes: Vec<u8>,
    /// In place of every integration's answer.
    pub canned: Option<Answer>,
    /// In place of an authorizer's: `$context.authorizer`.
    pub authorizer: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether templates are traced step by step.
    pub traces: bool,
}

/// An answer: one that is made up, or the gateway's.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Debug)]
pub struct Invoked {
    pub request_id: String,
    pub answer: Answer,
    pub log: ExecutionLog,
    pub took_us: u64,
}

/// Runs it. Blocks until it is answered: the integration's timeout bounds that.
pub fn invoke(start: Start, snapshot: Arc<Snapshot>, ask: Ask) -> io::Result<Invoked> {
    // A ring for one request would cost more than the request.
    ring::run(&Driver::Epoll(String::new()), run(start, snapshot, ask))?
}

/// What an authorizer said of one caller.
pub struct Identified {
    pub request_id: String,
    /// What the caller would be answered; 200 where she is known.
    pub status: u16,
    /// `$context.authorizer`, and the function's policy as it wrote it.
    pub said: Option<(serde_json::Map<String, serde_json::Value>, String)>,
    pub log: ExecutionLog,
    pub took_us: u64,
}

/// Asks the authorizer of the one method of a snapshot, and lets its policies be.
pub fn identify(start: Start, snapshot: Arc<Snapshot>, bytes: Vec<u8>) -> io::Result<Identified> {
    ring::run(&Driver::Epoll(String::new()), asked(start, snapshot, bytes))
}

async fn asked(start: Start, snapshot: Arc<Snapshot>, bytes: Vec<u8>) -> Identified {
    let worker = Rc::new(Worker::new(start, snapshot));
    ring::spawn(keep_time(Rc::clone(&worker), 0));
    let mut connection = Connection::detached(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), worker.clock.now());
    let front = Front { clock: &worker.clock, stamps: &worker.stamps, ids: &worker.ids, limits: &worker.limits };
    let taken = connection.take_in_whole(&bytes, front);
    let snapshot = worker.snapshot();
    let outcome = match taken {
        Ok(()) => identified(&worker, &snapshot, &connection.request).await,
        Err(fault) => Err(fault),
    };
    let mut log = ExecutionLog::default();
    let status = outcome.as_ref().map_or_else(|fault| fault.kind.gateway_response().status, |_| 200);
    match &outcome {
        Ok(said) => {
            let principal = said.as_ref().and_then(|said| said.context.get("principalId")?.as_str());
            log.line(format!("Using valid authorizer policy for principal: {}", masked(principal.unwrap_or_default())));
        }
        Err(fault) => {
            log.line(format!("Unauthorized request: {}", fault.detail.as_deref().unwrap_or(&fault.message)));
        }
    }
    let said = outcome.ok().flatten().map(|said| (said.context.clone(), said.policy.to_string()));
    Identified {
        request_id: String::from_utf8_lossy(&connection.request.ids.request).into_owned(),
        status,
        said,
        log,
        took_us: worker.clock.now().micros_since(connection.request.received),
    }
}

async fn identified(worker: &Worker, snapshot: &Snapshot, request: &Request) -> Result<Option<Arc<Said>>, Fault> {
    let located = dispatch::locate(&snapshot.table, request)?;
    let release = &snapshot.stages[located.stage].base;
    let matched = dispatch::route(&release.tree, request, &located);
    let method = matched.method().map(|index| &release.methods[index]);
    let at = At { release, method, values: &matched.values, domain: None, path_bytes: matched.path_bytes };
    authorize::identify(worker, request, at).await
}

/// AWS shows the last letters of who somebody is (rest/14 section 14.5).
fn masked(principal: &str) -> String {
    let shown = principal.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    format!("{}{}", "*".repeat(principal[..shown].chars().count()), &principal[shown..])
}

async fn run(start: Start, snapshot: Arc<Snapshot>, ask: Ask) -> io::Result<Invoked> {
    let mut worker = Worker::new(start, snapshot);
    worker.canned = ask.canned.map(canned).transpose()?;
    worker.assumed = ask.authorizer.map(|context| {
        let said = Said { context, rules: None, usage_identifier_key: None, policy: Box::default(), policy_bytes: 0 };
        Caller { signer: None, said: Some(Arc::new(said)) }
    });
    let worker = Rc::new(worker);
    ring::spawn(keep_time(Rc::clone(&worker), 0));
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut connection = Connection::detached(peer, worker.clock.now());
    let front = Front { clock: &worker.clock, stamps: &worker.stamps, ids: &worker.ids, limits: &worker.limits };
    let taken = connection.take_in_whole(&ask.bytes, front);
    let snapshot = worker.snapshot();
    let mut record = Record::begin(&worker.counters, connection.request.received);
    record.log = Some(Box::new(ExecutionLog { traces: ask.traces, ..ExecutionLog::default() }));
    let mut trail = Trail::default();
    let answered = match taken {
        Ok(()) => Box::pin(answer(&worker, &snapshot, &mut connection, &mut record, &mut trail)).await,
        Err(fault) => Err(fault),
    };
    let failed = answered.as_ref().err().map(why);
    let mut response = answered.unwrap_or_else(|fault| {
        let fault = fault.with_payload_limit(worker.limits.payload_bytes_max);
        record.fault(&fault);
        of_fault(&fault, &connection.request, &trail)
    });
    put_cors(&mut response, &connection.request, &trail);
    let (status, head, body) = response.into_parts(connection.request.verb);
    let mut log = record.log.take().map(|log| *log).unwrap_or_default();
    match failed {
        None => log.line("Successfully completed execution"),
        Some(lines) => {
            lines.into_iter().for_each(|line| log.line(line));
            let kind = record.outcome.failure.as_ref().and_then(|failure| failure.error_type);
            let kind = kind.unwrap_or("none of the API's own");
            log.line(format!("Gateway response type: {kind} with status code: {status}"));
            log.body("Gateway response body", &body);
            log.pairs("Gateway response headers", told::header_lines(&head));
        }
    }
    log.line(format!("Method completed with status: {status}"));
    record.outcome.status = status;
    let now = worker.clock.now();
    record.finish(now);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Invoked {
        request_id: text(&connection.request.ids.request),
        answer: Answer {
            status,
            headers: told::header_lines(&head).map(|(name, value)| (text(name), text(value))).collect(),
            body,
        },
        log,
        took_us: now.micros_since(connection.request.received),
    })
}

/// AWS's lines for a failure, with our reason.
fn why(fault: &Fault) -> Vec<String> {
    let detail = fault.detail.as_deref();
    match fault.kind {
        FaultKind::Configuration | FaultKind::FunctionAnswer | FaultKind::IntegrationVerb => {
            let reason = detail.unwrap_or("the method is not what it should be");
            vec![format!("Execution failed due to configuration error: {reason}")]
        }
        FaultKind::IntegrationTimeout => vec!["Execution failed due to a timeout error".to_owned()],
        FaultKind::IntegrationFailure | FaultKind::IntegrationTooLarge => {
            let line = "Execution failed due to a network error communicating with endpoint";
            vec![detail.map_or_else(|| line.to_owned(), |reason| format!("{line}: {reason}"))]
        }
        _ => vec![detail.map_or_else(|| fault.message.clone().into_owned(), str::to_owned)],
    }
}

/// The made-up answer as a backend's would have been read.
fn canned(answer: Answer) -> io::Result<Canned> {
    let mut bytes = Buffer::head();
    bytes.push(format!("HTTP/1.1 {} \r\n", answer.status).as_bytes());
    for (name, value) in &answer.headers {
        bytes.push(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.push(b"\r\n");
    let mut head = ResponseHead::default();
    let length = bytes.len();
    head.parse(&bytes, length, false)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the made-up answer is none that HTTP has"))?;
    Ok(Canned { head, bytes, body: answer.body })
}
