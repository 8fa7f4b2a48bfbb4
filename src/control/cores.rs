//! The data-plane threads: their sockets, their start, their end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use ring::rand::{SecureRandom, SystemRandom};

use super::deploy::callers::dev_identity;
use super::deploy::publish::Publisher;
use super::log_writer::LogWriter;
use super::refusal::Refusal;
use crate::edge::snapshot::Snapshot;
use crate::edge::watch::Sink;
use crate::edge::worker::{Shared, Start};
use crate::edge::{self, Core, Listening};
use crate::model::problem::Sources;
use crate::net::ring::Driver;
use crate::net::{mailbox, tcp};
use crate::settings::limits::Limits;
use crate::settings::{Network, Settings};
use crate::telemetry::counters::CoreCounters;

/// All cores, as the control thread sees them.
pub struct Cores {
    pub publisher: Publisher,
    pub shared: Arc<Shared>,
    pub counters: Vec<Arc<CoreCounters>>,
    pub listening: Vec<SocketAddr>,
    /// The processors that the threads were pinned to; empty where they were not.
    pinned: Vec<usize>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Cores {
    /// Binds every address once a core, and starts the threads.
    pub fn start(
        settings: &Settings,
        driver: &Driver,
        snapshot: Arc<Snapshot>,
        log: Option<&LogWriter>,
    ) -> Result<Self, Refusal> {
        let cores = settings.workers.get();
        let connections_max = settings.limits.connections_max.min(descriptors_for_clients());
        let assumed = settings.dev_identity.as_deref().map(dev_identity).transpose();
        let assumed = assumed.map_err(|problem| Refusal { problems: vec![problem], sources: Sources::default() })?;
        let (dev_identity, proxy_protocol) = (assumed.is_some(), settings.proxy_protocol);
        let shared = Shared { dev_identity, proxy_protocol, ..Shared::new(cores, connections_max) };
        let shared = Arc::new(shared);
        let assumed = assumed.map(Arc::new);
        let trusted_proxies: Arc<[Network]> = settings.trusted_proxies.as_slice().into();
        let (mut listeners, listening) = bind_all(settings, cores)?;
        let processors = processors();
        // Fewer processors than threads: the kernel knows better where each should run.
        let pinned: Vec<usize> = if cores <= processors.len() { processors[..cores].to_vec() } else { Vec::new() };
        let mut started = Self {
            publisher: Publisher::new(Vec::new(), Arc::clone(&shared), Arc::clone(&snapshot)),
            shared: Arc::clone(&shared),
            counters: Vec::new(),
            listening,
            pinned,
            threads: Vec::new(),
        };
        let mut addresses = Vec::new();
        for index in 0..cores {
            let (address, mailbox) = mailbox::pair().map_err(refuse_start)?;
            addresses.push(address);
            let counters = Arc::new(CoreCounters::new(settings.limits.metrics_series_max));
            started.counters.push(Arc::clone(&counters));
            let core = Core {
                index,
                driver: driver.clone(),
                listeners: listeners.iter_mut().filter_map(Vec::pop).collect(),
                mailbox,
                snapshot: Arc::clone(&snapshot),
                start: Start {
                    counters,
                    log: log.map(|writer| Sink::new(writer.port())),
                    limits: settings.limits.clone(),
                    shared: Arc::clone(&shared),
                    trusted_proxies: Arc::clone(&trusted_proxies),
                    assumed: assumed.clone(),
                    seed: seed(),
                },
            };
            let processor = started.pinned.get(index).copied();
            let thread = thread::Builder::new().name(format!("weir-core-{index}")).spawn(move || {
                pin(processor);
                edge::run(core)
            });
            started.threads.push(thread.map_err(refuse_start)?);
        }
        started.publisher = Publisher::new(addresses, shared, snapshot);
        Ok(started)
    }

    /// The one line at start: what runs, on what, where.
    pub fn start_line(&self, settings: &Settings, driver: &Driver, admin: Option<SocketAddr>) -> String {
        let join = |items: Vec<String>, with: &str| items.join(with);
        let workers = settings.workers.get();
        let on = match self.pinned.as_slice() {
            [] => String::new(),
            processors => format!(
                " on core{} {}",
                if processors.len() == 1 { "" } else { "s" },
                join(processors.iter().map(usize::to_string).collect(), ",")
            ),
        };
        format!(
            "weir {}: {}, {workers} worker{}{on}, listening on {}, admin {}",
            env!("CARGO_PKG_VERSION"),
            driver.describe(),
            if workers == 1 { "" } else { "s" },
            join(self.listening.iter().map(|address| format!("http://{address}")).collect(), " and "),
            admin.map_or_else(|| "off".to_owned(), |address| format!("http://{address}")),
        )
    }

    /// Why a core has ended before it was told to, if one has.
    pub fn ended_early(&mut self) -> Option<String> {
        let index = self.threads.iter().position(JoinHandle::is_finished)?;
        Some(match self.threads.swap_remove(index).join() {
            Ok(Ok(())) => format!("core {index} ended"),
            Ok(Err(error)) => format!("core {index} could not run: {error}"),
            Err(_) => format!("core {index} ended by a panic"),
        })
    }
}

/// Of each address one socket a core.
fn bind_all(settings: &Settings, cores: usize) -> Result<(Vec<Vec<Listening>>, Vec<SocketAddr>), Refusal> {
    let mut listeners = Vec::new();
    let mut listening = Vec::new();
    for &address in &settings.listen {
        let bound = tcp::bind(address, cores).map_err(|error| refuse_listen(address, "--listen", &error))?;
        listening.extend(bound.first().and_then(|listener| listener.local_addr().ok()));
        let vpc_endpoint = settings.vpc_endpoints.iter().find(|endpoint| endpoint.listen == address).cloned();
        let of = move |listener| Listening { listener, vpc_endpoint: vpc_endpoint.clone() };
        listeners.push(bound.into_iter().map(of).collect());
    }
    Ok((listeners, listening))
}

/// One sentence for each way in which an address cannot be had.
/// `flag` is the one that says the address.
pub fn refuse_listen(address: SocketAddr, flag: &str, error: &io::Error) -> Refusal {
    let (found, help) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("{address} is in use by another program"),
            format!("stop it, or take another address with `{flag}`"),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("this user may not listen on {address}"),
            "take a port from 1024 on, or give the binary CAP_NET_BIND_SERVICE".to_owned(),
        ),
        io::ErrorKind::AddrNotAvailable => (
            format!("{address} is no address of this machine"),
            "listen on 0.0.0.0, [::] or one of its addresses".to_owned(),
        ),
        _ => (format!("cannot listen on {address}: {error}"), format!("take another address with `{flag}`")),
    };
    Refusal::sentence("start::listen", found, help)
}

fn refuse_start(error: io::Error) -> Refusal {
    Refusal::sentence(
        "start::thread",
        format!("a core could not be started: {error}"),
        "look at the limits of this user (ulimit -a)",
    )
}

/// Raises the limit of descriptors as far as it goes, and keeps a quarter of it for backends, logs and the admin listener.
fn descriptors_for_clients() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    let current = current.map_or(usize::MAX, |current| usize::try_from(current).unwrap_or(usize::MAX));
    (current - current / 4).max(16)
}

/// The processors that this process may run on.
fn processors() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None);
    let allowed = allowed.map(|set| (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect());
    allowed.unwrap_or_default()
}

fn pin(processor: Option<usize>) {
    if let Some(processor) = processor {
        let mut set = rustix::thread::CpuSet::new();
        set.set(processor);
        // Where it is not allowed the thread runs wherever the kernel puts it: slower, and right.
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
}

/// What a core begins with that serves one request alone.
pub fn lone(limits: &Limits) -> Start {
    Start {
        counters: Arc::new(CoreCounters::new(limits.metrics_series_max)),
        log: None,
        limits: limits.clone(),
        shared: Arc::new(Shared::new(1, 1)),
        trusted_proxies: Arc::default(),
        assumed: None,
        seed: seed(),
    }
}

/// Random bytes for a core's ids; the time where the system gives none.
pub fn seed() -> [u8; 16] {
    let mut seed = [0; 16];
    if SystemRandom::new().fill(&mut seed).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        seed = now.as_nanos().to_le_bytes();
    }
    seed
}
