//! The admin listener: metrics, health and the AWS-compatible management API, on the side thread.
//!
//! A call of the management API goes from `front.rs` (who may call, what is meant) through `operations.rs` (one row an
//! operation) and `intake.rs` (is its input of the right shape) to one function of its family; what that changes is
//! committed and published by `control/management.rs`.

pub mod access_associations;
pub mod account;
pub mod api_key_csv;
pub mod api_key_import;
pub mod api_keys;
pub mod api_mappings;
pub mod arn;
pub mod audit;
pub mod auth;
pub mod authorizers;
pub mod base_path_mappings;
pub mod call;
pub mod client_certificates;
pub mod common;
pub mod content;
pub mod deployments;
pub mod documentation;
pub mod documentation_locations;
pub mod documentation_versions;
pub mod domain_checks;
pub mod domain_names;
pub mod domain_patch;
pub mod domain_targets;
pub mod endpoint_configuration;
pub mod errors;
pub mod expressions;
pub mod file_body;
pub mod front;
pub mod gateway_responses;
pub mod identity;
pub mod import;
pub mod intake;
pub mod integration_responses;
pub mod integrations;
mod listener;
pub mod method_responses;
pub mod methods;
pub mod model_template;
pub mod models;
pub mod operations;
pub mod paging;
pub mod parity;
pub mod patch;
pub mod pieces;
pub mod plan;
pub mod policy_text;
pub mod request_validators;
pub mod resources;
pub mod rest_apis;
pub mod routing_rule_conditions;
pub mod routing_rules;
pub mod schemas;
pub mod sdk;
pub mod shapes;
pub mod stage_checks;
pub mod stage_patch;
pub mod stages;
pub mod sts;
pub mod tags;
pub mod target;
pub mod test_invoke;
pub mod tree;
#[cfg(test)]
pub(crate) mod trial;
pub mod usage;
pub mod usage_export;
pub mod usage_plan_keys;
pub mod usage_plan_patch;
pub mod usage_plans;
pub mod usage_record;
pub mod vpc_links;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::IncomingStream;
use front::Front;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::functions::Counters;
use crate::settings::limits::{ADMIN_SHUTDOWN_TIMEOUT, HEARTBEAT_AGE_MAX};
use crate::telemetry::counters::{CoreCounters, Registry};
use crate::telemetry::render;

/// What the admin listener tells of.
pub struct AdminState {
    pub counters: Vec<Arc<CoreCounters>>,
    pub registry: Arc<Registry>,
    /// A snapshot is live.
    pub ready: AtomicBool,
    /// The process is on its way out: a load balancer should send nothing more.
    pub draining: Arc<AtomicBool>,
    /// When each core last turned its loop, in milliseconds since `started`.
    pub heartbeats: Arc<[AtomicU64]>,
    /// What the heartbeats count from. Cores have as long as [`HEARTBEAT_AGE_MAX`] to start.
    pub started: Instant,
    /// Lines that the access log's writer lost.
    pub log_lines_lost: Arc<AtomicU64>,
    /// The snapshot that was published last.
    pub revision: AtomicU64,
    /// Reloads that changed nothing because something was wrong.
    pub reloads_refused: AtomicU64,
    /// How long the last change took from the disk to every core, in nanoseconds; 0 before the first.
    pub publication_ns: Arc<AtomicU64>,
    /// Of functions on this machine, once some run.
    pub functions: ArcSwapOption<Counters>,
}

impl AdminState {
    fn control(&self) -> render::Control {
        render::Control {
            log_lines_lost: self.log_lines_lost.load(Relaxed),
            revision: self.revision.load(Relaxed),
            reloads_refused: self.reloads_refused.load(Relaxed),
            functions: self.functions.load().as_ref().map(|counters| render::FunctionCounts {
                invocations: counters.invocations.load(Relaxed),
                errors: counters.errors.load(Relaxed),
                throttles: counters.throttles.load(Relaxed),
                cold_starts: counters.cold_starts.load(Relaxed),
                init_failures: counters.init_failures.load(Relaxed),
                kills: counters.kills.load(Relaxed),
                processes: counters.processes.load(Relaxed),
            }),
            publication: Some(self.publication_ns.load(Relaxed)).filter(|&ns| ns > 0).map(Duration::from_nanos),
        }
    }

    /// The first core that does not turn, and for how many milliseconds it has not.
    fn stuck(&self) -> Option<(usize, u64)> {
        let uptime_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ages = self.heartbeats.iter().map(|beat| uptime_ms.saturating_sub(beat.load(Relaxed)));
        ages.enumerate().find(|&(_, age_ms)| u128::from(age_ms) > HEARTBEAT_AGE_MAX.as_millis())
    }
}

/// Answers until `shutdown`, and then ends what it has begun, within a bound.
///
/// `front` is the management API, where it may be reached.
pub async fn serve(
    listener: TcpListener,
    state: Arc<AdminState>,
    front: Option<Arc<Front>>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let stopping = Arc::new(Notify::new());
    let told = Arc::clone(&stopping);
    let graceful = async move {
        shutdown.await;
        told.notify_one();
    };
    let service = router(state, front).into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(listener::Bounded::new(listener), service).with_graceful_shutdown(graceful);
    let mut served = pin!(served.into_future());
    tokio::select! {
        // It never fails: `Bounded` retries what can be retried.
        _ = &mut served => {}
        () = stopping.notified() => {
            let _ = timeout(ADMIN_SHUTDOWN_TIMEOUT, served).await;
        }
    }
}

/// Who called.
#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, listener::Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, listener::Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

fn router(state: Arc<AdminState>, front: Option<Arc<Front>>) -> Router {
    let own =
        Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).route("/readyz", get(readyz));
    match front {
        // A state of its own: metrics and health know nothing of definitions.
        Some(front) => own
            .fallback(move |peer: ConnectInfo<Peer>, request: Request| manage(Arc::clone(&front), peer, request))
            .with_state(state),
        None => own.fallback(not_found).with_state(state),
    }
}

async fn manage(front: Arc<Front>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    front::serve(front, request, peer.0.ip()).await
}

async fn metrics(State(state): State<Arc<AdminState>>) -> Response {
    match render::render(&state.counters, &state.registry, state.control()) {
        Ok(text) => ([(CONTENT_TYPE, render::CONTENT_TYPE)], text).into_response(),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written"),
    }
}

/// Does the process work? A supervisor restarts it when not, so draining is healthy.
async fn healthz(State(state): State<Arc<AdminState>>) -> Response {
    match state.stuck() {
        None => plain(StatusCode::OK, "ok"),
        Some((core, age_ms)) => {
            plain(StatusCode::SERVICE_UNAVAILABLE, format!("core {core} has not answered for {age_ms} ms"))
        }
    }
}

/// Should requests be sent here?
async fn readyz(State(state): State<Arc<AdminState>>) -> Response {
    if state.draining.load(Relaxed) {
        plain(StatusCode::SERVICE_UNAVAILABLE, "draining")
    } else if !state.ready.load(Relaxed) {
        plain(StatusCode::SERVICE_UNAVAILABLE, "no definition is live yet")
    } else {
        plain(StatusCode::OK, "ok")
    }
}

async fn not_found(uri: Uri) -> Response {
    let body = serde_json::json!({
        "message": format!("There is no {} here", uri.path()),
        "paths": ["/metrics", "/healthz", "/readyz"],
    });
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (status, headers, format!("{}\n", text.into())).into_response()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    /// A process that has run for a minute, with two cores that answered just now.
    fn state() -> Arc<AdminState> {
        let minute = Duration::from_secs(60);
        Arc::new(AdminState {
            counters: vec![Arc::new(CoreCounters::new(1))],
            registry: Arc::new(Registry::new(1)),
            ready: AtomicBool::new(true),
            draining: Arc::default(),
            heartbeats: [AtomicU64::new(60_000), AtomicU64::new(60_000)].into(),
            started: Instant::now().checked_sub(minute).expect("a clock older than a minute"),
            log_lines_lost: Arc::default(),
            revision: AtomicU64::new(1),
            reloads_refused: AtomicU64::new(0),
            publication_ns: Arc::default(),
            functions: ArcSwapOption::empty(),
        })
    }

    async fn ask(address: SocketAddr, path: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head[9..12].parse().expect("a status"), head.to_owned(), body.to_owned())
    }

    #[test]
    fn what_the_paths_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
            let address = listener.local_addr().expect("an address");
            let state = state();
            let (stop, stopped) = oneshot::channel::<()>();
            let served = tokio::spawn(serve(listener, Arc::clone(&state), None, async {
                let _ = stopped.await;
            }));
            let check = async |path: &str, status: u16, text: &str| {
                let (found, _, body) = ask(address, path).await;
                assert_eq!((found, body.as_str()), (status, text), "{path}");
            };

            check("/healthz", 200, "ok\n").await;
            check("/readyz", 200, "ok\n").await;
            let (status, head, body) = ask(address, "/metrics").await;
            assert_eq!(status, 200);
            assert!(head.contains("application/openmetrics-text"), "{head}");
            assert!(body.ends_with("# EOF\n"), "{body}");
            let (status, head, body) = ask(address, "/x\"y").await;
            assert_eq!(status, 404, "{body}");
            assert!(head.contains("application/json"), "{head}");

            state.ready.store(false, Relaxed);
            check("/readyz", 503, "no definition is live yet\n").await;
            state.draining.store(true, Relaxed);
            check("/readyz", 503, "draining\n").await;
            check("/healthz", 200, "ok\n").await;
            state.heartbeats[1].store(1_000, Relaxed);
            let (status, _, body) = ask(address, "/healthz").await;
            assert_eq!(status, 503);
            assert!(body.starts_with("core 1 has not answered for "), "{body}");

            // A client that sent half a head does not hold the shutdown up.
            let mut slow = TcpStream::connect(address).await.expect("connects");
            slow.write_all(b"GET /met").await.expect("sent");
            stop.send(()).expect("still served");
            timeout(ADMIN_SHUTDOWN_TIMEOUT * 3, served).await.expect("in time").expect("no panic");
        });
    }
}
