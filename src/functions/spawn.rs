//! How one process of a function is started, and what hangs on it.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::environment::{self, Place};
use super::job::Owner;
use super::launch;
use super::listener::{Admission, Bounded};
use super::logs::Log;
use super::runtime_api::{self, Question};
use super::shared::Shared;
use crate::settings::LocalFunction;
use crate::settings::limits::FUNCTION_CONNECTIONS_MAX;

/// What a process is made of.
pub(super) struct Recipe {
    pub(super) id: u64,
    pub(super) function: Arc<LocalFunction>,
    /// The private copy of its code.
    pub(super) code: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) log: Log,
    pub(super) owner: Arc<dyn Owner>,
}

/// A process, and what hangs on it.
pub(super) struct Spawned {
    pub(super) child: Child,
    pub(super) pid: u32,
    pub(super) mark: String,
    pub(super) temporary: PathBuf,
    pub(super) cgroup: Option<PathBuf>,
    pub(super) questions: mpsc::Receiver<Question>,
    /// Its Runtime API, which ends with it.
    pub(super) api: JoinHandle<()>,
    pub(super) readers: [JoinHandle<()>; 2],
}

pub(super) async fn spawn(recipe: &Recipe) -> io::Result<Spawned> {
    let shared = &recipe.shared;
    let (listener, address) =
        Bounded::bind(FUNCTION_CONNECTIONS_MAX, shared.user.map_or(Admission::All, Admission::User)).await?;
    let mark = shared.mark(recipe.id);
    let temporary = shared.folder.path().join(format!("process-{}", recipe.id));
    std::fs::create_dir(&temporary)?;
    let cgroup = shared.cgroups.as_ref().and_then(|groups| groups.make(&mark, recipe.function.memory_bytes));
    let place = Place {
        code: &recipe.code,
        temporary: &temporary,
        clients: shared.folder.path(),
        api: &address.to_string(),
        region: &shared.region,
        mark: &mark,
    };
    let program = environment::program(&recipe.function, &place);
    let mut command = Command::new(&shared.launcher);
    command
        .args(launch::arguments(recipe.function.memory_bytes, cgroup.as_deref(), &program))
        .env_clear()
        .envs(environment::variables(&recipe.function, &place))
        .current_dir(&recipe.code)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let (child, pid, stdout, stderr) = match begin(command) {
        Ok(begun) => begun,
        Err(error) => {
            // Where the machine has no process left (EAGAIN) this comes again and again.
            let _ = std::fs::remove_dir(&temporary);
            if let Some(cgroup) = cgroup {
                let _ = std::fs::remove_dir(cgroup);
            }
            return Err(error);
        }
    };
    let readers = [tokio::spawn(recipe.log.clone().follow(stdout)), tokio::spawn(recipe.log.clone().follow(stderr))];
    let (ask, questions) = mpsc::channel(FUNCTION_CONNECTIONS_MAX);
    let api = tokio::spawn(async move {
        // It never fails: the listener retries what can be retried.
        let _ = axum::serve(listener, runtime_api::router(ask)).await;
    });
    Ok(Spawned { child, pid, mark, temporary, cgroup, questions, api, readers })
}

fn begin(mut command: Command) -> io::Result<(Child, u32, ChildStdout, ChildStderr)> {
    let mut child = command.spawn()?;
    let parts = (child.id(), child.stdout.take(), child.stderr.take());
    let (Some(pid), Some(stdout), Some(stderr)) = parts else { return Err(io::Error::other("it was gone at once")) };
    Ok((child, pid, stdout, stderr))
}
