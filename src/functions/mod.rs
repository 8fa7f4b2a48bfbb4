//! Lambda functions on this machine: the Runtime API for their processes, the Invoke API for the cores, on one thread of
//! its own, which is there only where there is some function.
//!
//! A call comes through `invoke_api.rs` to `registry.rs` (which function), `function.rs` (which process, or wait) and
//! `process.rs` (run it, within its limits), which speaks to the process through `runtime_api.rs`. How a process begins is
//! `spawn.rs`, with `environment.rs` (its program and variables), `code.rs` (its copy of the code) and `launch.rs` (its limits); how all that
//! it started ends is `family.rs` and `cgroups.rs`.

mod cgroups;
mod code;
mod counters;
mod environment;
mod family;
mod function;
mod invoke_api;
mod job;
pub mod launch;
mod listener;
mod logs;
mod process;
mod registry;
mod runtime_api;
mod shared;
mod spawn;
mod wanted;
mod words;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::DumpableBehavior;
use tokio::sync::{mpsc, oneshot};

pub use counters::Counters;
pub use invoke_api::{ARN_HEADER, KEY_HEADER};
pub use registry::WarmFailure;
pub use shared::Surroundings;

use crate::settings::LocalFunction;
use crate::settings::limits::{FUNCTION_DOOR_CONNECTIONS_MAX, FUNCTION_DOOR_STRANGERS_MAX, FUNCTION_END_TIMEOUT};
use invoke_api::Api;
use listener::{Admission, Bounded, Visitor};
use registry::Registry;
use shared::Shared;
use wanted::Wanted;

/// The functions of this machine, held by whoever started them. Dropped, it ends them at once.
pub struct Functions {
    door: Door,
    counters: Arc<Counters>,
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

/// Where functions are invoked by Lambda's Invoke API, over HTTP/1.1. Who does not send `key` in [`KEY_HEADER`] is refused.
#[derive(Clone)]
pub struct Door {
    pub address: SocketAddr,
    pub key: Arc<str>,
}

enum Command {
    Apply(Vec<Arc<LocalFunction>>),
    Warm(Duration, oneshot::Sender<Vec<WarmFailure>>),
    ReopenLogs,
    Stop(Duration, oneshot::Sender<()>),
}

impl Functions {
    /// Starts the thread and its listener, without any function yet.
    pub fn start(surroundings: Surroundings) -> io::Result<Self> {
        // Functions run as the same user: without this they read Weir's environment and memory in /proc. What is spawned
        // becomes another program, and may be looked at again.
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        let counters = Arc::new(Counters::default());
        let (commands, taken) = mpsc::unbounded_channel();
        let (told, ready) = std::sync::mpsc::channel();
        let counted = Arc::clone(&counters);
        let thread = thread::Builder::new().name("weir-functions".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(told.send(Err(error))),
            };
            runtime.block_on(run(surroundings, counted, taken, &told));
            // A copy of code that hangs on a dead disk must not hold the end back.
            runtime.shutdown_background();
        })?;
        let door = ready.recv().map_err(|_| io::Error::other("the thread of functions ended at once"))??;
        Ok(Self { door, counters, commands, thread: Some(thread) })
    }

    pub fn door(&self) -> Door {
        self.door.clone()
    }

    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Makes `functions` those that there are. Who is as it was goes on; who has changed goes on as it was until the new
    /// version has begun; who is not named any more ends when its calls have ended. Does not wait for anything of this.
    pub fn apply(&self, functions: Vec<Arc<LocalFunction>>) {
        let _ = self.commands.send(Command::Apply(functions));
    }

    /// Waits until everything that was applied has begun or failed, and answers what has not begun, by name.
    pub async fn warm(&self, bound: Duration) -> Vec<WarmFailure> {
        let (reply, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Warm(bound, reply));
        answer.await.unwrap_or_default()
    }

    /// Log files are opened anew: they may have been rotated.
    pub fn reopen_logs(&self) {
        let _ = self.commands.send(Command::ReopenLogs);
    }

    /// Lets invocations under way end within `grace`, and leaves no process behind.
    pub async fn stop(mut self, grace: Duration) {
        let (reply, stopped) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(grace, reply));
        let _ = stopped.await;
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.commands.send(Command::Stop(Duration::ZERO, oneshot::channel().0));
            self.join();
        }
    }
}

async fn run(
    surroundings: Surroundings,
    counters: Arc<Counters>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    told: &std::sync::mpsc::Sender<io::Result<Door>>,
) {
    let (shared, registry, door) = match open(surroundings, counters).await {
        Ok(opened) => opened,
        Err(error) => return drop(told.send(Err(error))),
    };
    let _ = told.send(Ok(door));
    let wanted = Wanted::new();
    let followed = tokio::spawn(Arc::clone(&wanted).follow(Arc::clone(&registry)));
    while let Some(command) = commands.recv().await {
        match command {
            Command::Apply(functions) => wanted.ask(functions),
            Command::Warm(bound, reply) => {
                let (wanted, registry) = (Arc::clone(&wanted), Arc::clone(&registry));
                tokio::spawn(async move { reply.send(wanted.warm(&registry, bound).await) });
            }
            Command::ReopenLogs => shared.logs.reopen(),
            Command::Stop(grace, reply) => {
                // Nothing new begins, however far its copy has come.
                followed.abort();
                registry.stop(grace).await;
                shared.logs.flush(FUNCTION_END_TIMEOUT);
                // Others hold it still; its folder goes before whoever asked is told.
                shared.folder.remove();
                let _ = reply.send(());
                return;
            }
        }
    }
}

async fn open(surroundings: Surroundings, counters: Arc<Counters>) -> io::Result<(Arc<Shared>, Arc<Registry>, Door)> {
    let (listener, address) =
        Bounded::bind(FUNCTION_DOOR_CONNECTIONS_MAX, Admission::Key { strangers_max: FUNCTION_DOOR_STRANGERS_MAX })
            .await?;
    let shared = Arc::new(Shared::new(surroundings, listener.own_user(), counters)?);
    let registry = Registry::new(Arc::clone(&shared));
    let key: Arc<str> = shared.secret()?.into();
    let api = Api { registry: Arc::clone(&registry), shared: Arc::clone(&shared), key: Arc::clone(&key) };
    tokio::spawn(async move {
        // It never fails: the listener retries what can be retried.
        let _ = axum::serve(listener, invoke_api::router(api).into_make_service_with_connect_info::<Visitor>()).await;
    });
    Ok((shared, registry, Door { address, key }))
}
