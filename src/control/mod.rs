//! Definitions in, snapshots out: the spine of a start, of a change, and of an end. The side thread with a tokio
//! runtime of its own; nothing here is on the way of a request.

pub mod admin;
pub mod adopt;
pub mod commit;
pub mod cores;
pub mod deploy;
pub mod fetch;
pub mod live;
pub mod loading;
pub mod local_functions;
pub mod log_writer;
pub mod management;
pub mod plane;
pub mod refusal;
#[cfg(test)]
mod scratch;
pub mod signals;
mod tell;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admin::AdminState;
use admin::audit::Audit;
use admin::auth::Gate;
use admin::call::Facts;
use admin::front::Front;
use arc_swap::{ArcSwap, ArcSwapOption};
use commit::backup::Existing;
use commit::store::Store;
use cores::Cores;
use deploy::callers;
use deploy::compile::Compiling;
use deploy::load::{Loaded, load};
use fetch::credential_source::Terms;
use fetch::dns::{Names, Resolver};
use fetch::files::FileWatch;
use loading::{load_stages, open, take_files};
use local_functions::LocalFunctions;
use log_writer::LogWriter;
use management::{Around, Entrance, Management};
use plane::Plane;
use refusal::Refusal;
use signals::{Happening, Happenings, Reason};
use tell::tell;
use tokio::sync::oneshot;

use crate::edge::snapshot::Stage;
use crate::model::problem::{Problem, Sources};
use crate::net::ring::{self, Driver};
use crate::settings::limits::{LOG_STOP_TIMEOUT, PUBLICATION_WAIT_MAX, STORE_STOP_TIMEOUT, USAGE_WRITE_INTERVAL};
use crate::settings::{LogTarget, Settings};
use crate::telemetry::counters::Registry;
use crate::time::Clock;

/// How problems are shown to people.
pub type Report<'r> = &'r dyn Fn(&[Problem], &Sources);
/// Reads flags, environment and `weir.toml` anew, for a reload.
pub type Reread<'r> = &'r dyn Fn() -> Result<Settings, Refusal>;

/// Runs the gateway until it has been told to stop and has drained.
pub fn run(settings: Settings, reread: Reread<'_>, report: Report<'_>) -> Result<(), Refusal> {
    let driver = ring::choose(settings.driver).map_err(|reason| {
        let help = "use `--driver auto`, which takes epoll where io_uring is not allowed";
        Refusal::sentence("start::driver", reason, help)
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Refusal::sentence("start::runtime", format!("the side thread cannot run: {error}"), "look at `ulimit -a`")
    })?;
    let ended = runtime.block_on(async {
        let mut gateway = start(settings, &driver, report).await?;
        let drained = gateway.go_on(reread, report).await;
        gateway.end().await;
        drained
    });
    // An issuer that hangs must not hold the end back: everything that is to be kept is on disk.
    runtime.shutdown_background();
    ended
}

/// Makes the store of a data folder from a backup, while no Weir runs there; answers what was done.
pub fn restore_folder(folder: &Path, file: &Path, replace: bool) -> Result<String, Refusal> {
    let existing = if replace { Existing::Replace } else { Existing::Keep };
    let contents = Store::restore(folder, file, existing)?;
    Ok(format!(
        "{} holds what {} held: {} rows, {} deployments, revision {}",
        folder.display(),
        file.display(),
        contents.rows,
        contents.blobs,
        contents.revision
    ))
}

/// Everything that runs.
struct Gateway {
    settings: Settings,
    clock: Clock,
    compiling: Compiling,
    names: Names,
    cores: Cores,
    management: Management,
    front: Option<Arc<Front>>,
    /// Ids of the APIs that came from files.
    file_apis: Vec<String>,
    functions: LocalFunctions,
    log: Option<LogWriter>,
    admin: Arc<AdminState>,
    stop_admin: Option<oneshot::Sender<()>>,
    happenings: Happenings,
    /// `None` under `--no-watch`, and where the system lets nobody watch.
    files: Option<FileWatch>,
}

/// Compiles, binds and starts, or says everything that stands in the way. Nothing is bound for a bad definition.
async fn start(settings: Settings, driver: &Driver, report: Report<'_>) -> Result<Gateway, Refusal> {
    let clock = Clock::real();
    // Before the files are read, so that no change falls in between.
    let (files, changes) = watch_files(&settings);
    let registry = Arc::new(Registry::new(settings.limits.metrics_series_max));
    let mut compiling = Compiling::new(&settings, Arc::clone(&registry))
        .map_err(|problems| Refusal { problems, sources: Sources::default() })?;
    let facts = Facts::new(&settings.account_id, &settings.region, settings.lenient);
    let (store, definitions) = open(&settings)?;
    let mut plane = Plane::new(definitions, store, facts.clone());
    let mut functions = LocalFunctions::default();
    compiling.door = functions.door(&settings)?;
    let (loaded, of_files) = deploy(&mut compiling, &settings, &clock)?;
    functions.apply(&settings);
    report(&loaded.problems, &loaded.sources);
    let file_apis = take_files(&mut plane, &loaded, &of_files, &settings, &[]);
    load_stages(&mut plane, &mut compiling, &settings, &clock);
    let snapshot = Arc::new(compiling.snapshot(&plane.live.all(), &plane.live.routes, &settings));
    let (first, stages) = (snapshot.revision, snapshot.stages.len());
    let resolver = Resolver::new().map_err(|error| {
        Refusal::sentence("start::dns", format!("DNS cannot be asked: {error}"), "look at /etc/resolv.conf")
    })?;
    let names = Names::new(resolver, settings.upstreams.clone());
    // Everything that somebody would have to wait for later, at once.
    tokio::join!(resolve(&compiling, &names), functions.warm());
    let log = settings.access_log.as_ref().map(|log| start_log(&log.target)).transpose()?;
    let admin_listener = match settings.admin {
        None => None,
        Some(address) => {
            let bound = std::net::TcpListener::bind(address).and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            });
            Some(bound.map_err(|error| cores::refuse_listen(address, "--admin", &error))?)
        }
    };
    let happenings = Happenings::new(changes).map_err(|error| {
        Refusal::sentence("start::signals", format!("signals cannot be caught: {error}"), "start Weir in another way")
    })?;
    let mut cores = Cores::start(&settings, driver, snapshot, log.as_ref())?;
    until_everywhere(&mut cores, first).await?;
    let admin = Arc::new(AdminState {
        counters: cores.counters.clone(),
        registry,
        ready: AtomicBool::new(true),
        draining: Arc::clone(&cores.shared.draining),
        heartbeats: Arc::clone(&cores.shared.heartbeats),
        started: Instant::now(),
        log_lines_lost: log.as_ref().map_or_else(Arc::<AtomicU64>::default, LogWriter::lost),
        revision: AtomicU64::new(first),
        reloads_refused: AtomicU64::new(0),
        publication_ns: Arc::default(),
        functions: ArcSwapOption::new(functions.counters()),
    });
    let (management, entrance) = Management::new(plane);
    let front = front(&settings, facts, entrance)?;
    let admin_address = admin_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let serving = admin_listener.map(|listener| serve_admin(listener, Arc::clone(&admin), front.clone()));
    let stop_admin = serving.transpose()?;
    tokio::spawn(names.clone().refresh());
    tokio::spawn(compiling.issuers.clone().refresh());
    tokio::spawn(compiling.credentials.clone().refresh());
    announce(&cores, &settings, driver, admin_address);
    if let Some(file) = &settings.dev_identity {
        let file = file.display();
        tell(format_args!("--dev-identity: nobody is asked who she is: every caller is whom {file} says"));
    }
    if settings.dev {
        tell("--dev: any credentials are accepted, and POST /_weir/reset forgets everything");
    }
    if let Some(folder) = &settings.data {
        let (revision, count) = (management.plane.definitions.revision(), stages);
        tell(format_args!("serving {count} stages of {}, revision {revision}", folder.display()));
    }
    Ok(Gateway {
        settings,
        clock,
        compiling,
        names,
        cores,
        management,
        front,
        file_apis,
        functions,
        log,
        admin,
        stop_admin,
        happenings,
        files,
    })
}

impl Gateway {
    /// One thing after another, until the last core has drained.
    async fn go_on(&mut self, reread: Reread<'_>, report: Report<'_>) -> Result<(), Refusal> {
        let mut pulse = tokio::time::interval(Duration::from_millis(50));
        let mut usage = tokio::time::interval(USAGE_WRITE_INTERVAL);
        let mut until: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = usage.tick() => self.write_usage(),
                happening = self.happenings.next() => match happening {
                    Happening::Reload(reason) => {
                        if reason == Reason::Hangup && let Some(log) = &self.log {
                            log.reopen();
                        }
                        if reason == Reason::Hangup {
                            self.functions.reopen_logs();
                        }
                        if reason == Reason::Hangup && let Some(front) = &self.front {
                            front.audit.lock().unwrap_or_else(PoisonError::into_inner).reopen();
                        }
                        self.reload(reread, report).await;
                    }
                    Happening::Drain if until.is_some() => {
                        tell("told twice to stop: what is still under way is cut off");
                        return Ok(());
                    }
                    Happening::Drain => {
                        tell(format_args!(
                            "draining {} connections, for at most {} s",
                            self.cores.shared.connections.load(Ordering::Relaxed),
                            self.settings.limits.drain_timeout.as_secs()
                        ));
                        self.admin.draining.store(true, Ordering::Release);
                        self.cores.publisher.drain();
                        until = Some(Instant::now() + self.settings.limits.drain_timeout + Duration::from_secs(1));
                    }
                },
                event = self.management.next() => self.handle(event),
                _ = pulse.tick() => {
                    self.cores.publisher.retire();
                    if self.cores.shared.drained.load(Ordering::Acquire) >= self.cores.counters.len() {
                        tell("drained");
                        return Ok(());
                    }
                    match until {
                        None => if let Some(reason) = self.cores.ended_early() {
                            return Err(Refusal::sentence("run::core", reason, "start Weir again, and report this"));
                        },
                        Some(end) if Instant::now() > end => {
                            tell("the time for draining is over: what is still under way is cut off");
                            return Ok(());
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }

    fn handle(&mut self, event: management::Event) {
        let (management, mut around) = self.parts();
        management.handle(event, &mut around);
    }

    fn write_usage(&mut self) {
        let (management, mut around) = self.parts();
        management.write_usage(&mut around);
    }

    fn parts(&mut self) -> (&mut Management, Around<'_>) {
        let around = Around {
            compiling: &mut self.compiling,
            settings: &self.settings,
            clock: &self.clock,
            names: &self.names,
            cores: &mut self.cores,
            admin: &self.admin,
        };
        (&mut self.management, around)
    }

    /// Until everything that was handed to the store is on disk.
    async fn written(&mut self) {
        while !self.management.plane.is_quiet() {
            let step = self.management.plane.next().await;
            self.handle(management::Event::Step(step));
        }
    }

    /// Reads everything anew. What cannot be deployed changes nothing.
    async fn reload(&mut self, reread: Reread<'_>, report: Report<'_>) {
        let began = Instant::now();
        // What is compiled again must be on disk, and what was compiled by the old settings must not come behind it.
        self.written().await;
        let deployed = reread().and_then(|settings| {
            if let Some(files) = &self.files {
                files.follow(watched(&settings));
            }
            let gate = gate(&settings)?;
            self.compiling.door = self.functions.door(&settings)?;
            let deployed = deploy(&mut self.compiling, &settings, &self.clock)?;
            Ok((settings, gate, deployed))
        });
        let (settings, gate, (loaded, of_files)) = match deployed {
            Ok(deployed) => deployed,
            Err(refusal) => {
                report(&refusal.problems, &refusal.sources);
                self.admin.reloads_refused.fetch_add(1, Ordering::Relaxed);
                return tell("not reloaded: the gateway goes on with what it had");
            }
        };
        report(&loaded.problems, &loaded.sources);
        self.compiling.credentials.read_again(Terms::of(&settings));
        // Those that are no more go behind the snapshot that calls them.
        let gone = self.functions.change(&settings);
        self.admin.functions.store(self.functions.counters());
        if let Some(front) = &self.front {
            front.gate.store(Arc::new(gate));
        }
        let methods = of_files.iter().map(|stage| stage.base.methods.len()).sum::<usize>();
        self.management.plane.facts = Facts::new(&settings.account_id, &settings.region, settings.lenient);
        self.file_apis = take_files(&mut self.management.plane, &loaded, &of_files, &settings, &self.file_apis);
        // The settings may say something else of every stage: all are compiled again, and what cannot be stays as it was.
        let (plane, file_apis) = (&mut self.management.plane, &self.file_apis);
        let before = std::mem::take(&mut plane.live.stages);
        let of_files = before.iter().filter(|((api, _), _)| file_apis.contains(api));
        plane.live.stages = of_files.map(|(key, stage)| (key.clone(), Arc::clone(stage))).collect();
        load_stages(plane, &mut self.compiling, &settings, &self.clock);
        let rows: std::collections::BTreeSet<_> = plane.stages().into_iter().collect();
        for (key, stage) in before.into_iter().filter(|(key, _)| rows.contains(key)) {
            plane.live.stages.entry(key).or_insert(stage);
        }
        // Nobody waits for an issuer here: whoever brings a token of a new one does.
        self.compiling.issuers.read_files_again();
        let keys = self.compiling.credentials.first_keys();
        tokio::join!(addresses(&self.compiling, &self.names), keys, self.functions.begun());
        let live = &self.management.plane.live;
        let snapshot = self.compiling.snapshot(&live.all(), &live.routes, &settings);
        let revision = snapshot.revision;
        self.cores.publisher.publish(Arc::new(snapshot));
        if gone {
            // A core that has not taken it up would call what is not there; one that drains never takes it up.
            let everywhere = until_everywhere(&mut self.cores, revision);
            let _ = tokio::time::timeout(PUBLICATION_WAIT_MAX, everywhere).await;
            self.functions.apply(&settings);
        }
        self.admin.revision.store(revision, Ordering::Relaxed);
        if let Some(setting) = needs_restart(&self.settings, &settings) {
            tell(format_args!("the changed `{setting}` takes effect at the next start"));
        }
        self.settings = settings;
        let took = began.elapsed().as_millis();
        match &self.settings.data {
            None => tell(format_args!(
                "reloaded: revision {revision}, {} APIs, {methods} methods, in {took} ms",
                loaded.apis.len()
            )),
            Some(folder) => tell(format_args!(
                "reloaded: revision {revision}, {} stages of {}, in {took} ms",
                self.management.plane.live.stages.len(),
                folder.display()
            )),
        }
    }

    /// Ends what is left: the admin listener, and the log with its last lines.
    async fn end(mut self) {
        self.write_usage();
        std::mem::take(&mut self.functions).stop().await;
        let _ = tokio::time::timeout(STORE_STOP_TIMEOUT, self.written()).await;
        if let Some(stop) = self.stop_admin {
            let _ = stop.send(());
        }
        if !self.management.plane.store.stop(STORE_STOP_TIMEOUT) {
            tell("the last changes could not be written in time: their clients were not told that they are kept");
        }
        if let Some(log) = self.log
            && !log.stop(LOG_STOP_TIMEOUT)
        {
            tell("the last lines of the access log could not be written in time");
        }
    }
}

/// What the definition files say, compiled; nothing under `serve`.
fn deploy(compiling: &mut Compiling, settings: &Settings, clock: &Clock) -> Result<(Loaded, Vec<Arc<Stage>>), Refusal> {
    let nowhere = |problems| Refusal { problems, sources: Sources::default() };
    let principals = callers::principals(settings).map_err(nowhere)?;
    let mut loaded = load(settings);
    match compiling.files(&mut loaded, settings, clock.now()) {
        Some(stages) => {
            compiling.principals = Arc::new(principals);
            Ok((loaded, stages))
        }
        None => Err(Refusal { problems: loaded.problems, sources: loaded.sources }),
    }
}

fn gate(settings: &Settings) -> Result<Gate, Refusal> {
    Gate::new(settings).map_err(|problems| Refusal { problems, sources: Sources::default() })
}

/// The management API, where it may be reached.
fn front(settings: &Settings, facts: Facts, entrance: Entrance) -> Result<Option<Arc<Front>>, Refusal> {
    if !settings.offers_management() {
        return Ok(None);
    }
    let gate = gate(settings)?;
    let audit = Audit::open(settings.audit_log.as_ref()).map_err(|error| {
        let found = format!("the audit log cannot be opened: {error}");
        Refusal::sentence("start::audit-log", found, "name a file that this user may write with `--audit-log`, or off")
    })?;
    let Entrance { commands, maintenance } = entrance;
    Ok(Some(Arc::new(Front {
        gate: ArcSwap::from_pointee(gate),
        facts,
        audit: Mutex::new(audit),
        dev: settings.dev,
        commands,
        maintenance,
    })))
}

/// Asks for the keys of every issuer and those that calls to AWS are signed with, and for the addresses of every backend, that has none yet. A name that does not resolve is no reason not to start:
/// its methods answer as AWS's do, and DNS is asked again.
async fn resolve(compiling: &Compiling, names: &Names) {
    let keys = compiling.issuers.first_keys();
    let credentials = compiling.credentials.first_keys();
    let addresses = addresses(compiling, names);
    tokio::join!(keys, credentials, addresses);
}

async fn addresses(compiling: &Compiling, names: &Names) {
    let fresh: Vec<_> = compiling.endpoints.all().filter(|endpoint| !endpoint.is_followed()).collect();
    let wanted: Vec<(String, u16)> = fresh.iter().map(|endpoint| (endpoint.host.clone(), endpoint.port)).collect();
    for (endpoint, resolved) in fresh.into_iter().zip(names.resolve_all(&wanted).await) {
        // A failure has been told by whoever asked.
        endpoint.follow(resolved.watched.addresses);
    }
}

fn start_log(target: &LogTarget) -> Result<LogWriter, Refusal> {
    LogWriter::start(target.clone()).map_err(|error| {
        let name = match target {
            LogTarget::Stdout => "standard output".to_owned(),
            LogTarget::File(path) => format!("`{}`", path.display()),
        };
        let found = format!("the access log {name} cannot be opened: {error}");
        Refusal::sentence("start::access-log", found, "name a file that this user may write")
    })
}

/// Definitions and the settings file tell when they change, where the system can.
fn watch_files(settings: &Settings) -> (Option<FileWatch>, Option<tokio::sync::mpsc::Receiver<()>>) {
    if !settings.watch {
        return (None, None);
    }
    match FileWatch::start(watched(settings)) {
        Ok((watch, changes)) => (Some(watch), Some(changes)),
        Err(error) => {
            tell(format_args!("changed files will not be noticed ({error}): send SIGHUP after a change"));
            (None, None)
        }
    }
}

fn watched(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = settings.apis.iter().map(|api| api.path.clone()).collect();
    files.extend(settings.config.clone());
    files.extend(settings.files_of_callers());
    files.extend(settings.files_of_functions());
    files
}

/// The first setting that differs and that only a start can change.
fn needs_restart(old: &Settings, new: &Settings) -> Option<&'static str> {
    let changed = [
        ("vpc-endpoints", old.vpc_endpoints != new.vpc_endpoints),
        ("trusted-proxies", old.trusted_proxies != new.trusted_proxies),
        ("proxy-protocol", old.proxy_protocol != new.proxy_protocol),
        ("dev-identity", old.dev_identity != new.dev_identity),
        ("listen", old.listen != new.listen),
        ("workers", old.workers != new.workers),
        ("admin", old.admin != new.admin),
        ("data", old.data != new.data),
        ("dev", old.dev != new.dev),
        ("audit-log", old.audit_log != new.audit_log),
        ("driver", old.driver != new.driver),
        (
            "access-log",
            old.access_log.as_ref().map(|log| &log.target) != new.access_log.as_ref().map(|log| &log.target),
        ),
        ("upstreams", old.upstreams != new.upstreams),
        ("tls-roots", old.tls_roots != new.tls_roots),
        ("limits", old.limits != new.limits),
    ];
    changed.into_iter().find(|(_, changed)| *changed).map(|(name, _)| name)
}

async fn until_everywhere(cores: &mut Cores, revision: u64) -> Result<(), Refusal> {
    while !cores.publisher.is_everywhere(revision) {
        if let Some(reason) = cores.ended_early() {
            return Err(Refusal::sentence("start::core", reason, "look at the limits of this user (ulimit -a)"));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// A thread of its own: health and metrics answer while the control thread compiles ten thousand methods.
fn serve_admin(
    listener: std::net::TcpListener,
    state: Arc<AdminState>,
    front: Option<Arc<Front>>,
) -> Result<oneshot::Sender<()>, Refusal> {
    let (stop, stopped) = oneshot::channel();
    let refused = |error: io::Error| {
        let found = format!("the admin listener cannot run: {error}");
        Refusal::sentence("start::admin", found, "look at the limits of this user (ulimit -a)")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
    let thread = std::thread::Builder::new().name("weir-admin".into());
    let run = move || {
        runtime.block_on(async {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => admin::serve(listener, state, front, async { drop(stopped.await) }).await,
                Err(error) => tell(format_args!("the admin listener cannot run: {error}")),
            }
        });
    };
    thread.spawn(run).map_err(refused)?;
    Ok(stop)
}

/// The one line at start.
fn announce(cores: &Cores, settings: &Settings, driver: &Driver, admin: Option<SocketAddr>) {
    let _ =
        io::Write::write_all(&mut io::stderr(), format!("{}\n", cores.start_line(settings, driver, admin)).as_bytes());
}
