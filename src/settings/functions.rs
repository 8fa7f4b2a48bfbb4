//! Where Lambda functions live, as meant.

mod check;
pub(super) mod code;
mod read;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::callers::LambdaEndpoint;

/// One entry of `[[functions]]`, or one `--function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// A name, `name:qualifier`, or either with `*`. The first that is met holds.
    pub pattern: String,
    pub place: FunctionPlace,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionPlace {
    /// AWS itself, in the region of the function's ARN.
    Aws,
    /// Whatever speaks the Invoke API. With a path, that is the one that is called, whatever the function is.
    Url { endpoint: LambdaEndpoint, path: Option<String> },
    /// Processes on this machine.
    Local(Arc<LocalFunction>),
}

impl FunctionPlace {
    /// Has a function that prints to standard output print there instead.
    pub fn log_to(&mut self, path: &Path) {
        if let Self::Local(local) = self
            && local.log == FunctionLog::Stdout
        {
            Arc::make_mut(local).log = FunctionLog::File(path.into());
        }
    }
}

/// A function that runs here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LocalFunction {
    /// Never a pattern.
    pub name: String,
    /// A folder, or a zip file of one.
    pub code: PathBuf,
    /// `app.handler`; a custom runtime may do without.
    pub handler: Option<String>,
    pub runtime: FunctionRuntime,
    /// By name, without repetition. The values are secrets.
    pub environment: Vec<(String, String)>,
    /// What one process may have of memory.
    pub memory_bytes: u64,
    /// Of one invocation.
    pub timeout: Duration,
    /// Processes at once, at least one.
    pub concurrency: usize,
    /// Processes that are kept, however idle: at most `concurrency`.
    pub warm: usize,
    /// After which a process beyond those ends.
    pub idle_timeout: Duration,
    pub log: FunctionLog,
}

impl fmt::Debug for LocalFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart, so that a new field is thought of here.
        let Self {
            name,
            code,
            handler,
            runtime,
            environment,
            memory_bytes,
            timeout,
            concurrency,
            warm,
            idle_timeout,
            log,
        } = self;
        let names: Vec<&str> = environment.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("LocalFunction")
            .field("name", name)
            .field("code", code)
            .field("handler", handler)
            .field("runtime", runtime)
            .field("environment", &names)
            .field("memory_bytes", memory_bytes)
            .field("timeout", timeout)
            .field("concurrency", concurrency)
            .field("warm", warm)
            .field("idle_timeout", idle_timeout)
            .field("log", log)
            .finish()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FunctionRuntime {
    /// `python3` or `python3.12`: the interpreter.
    Python(String),
    /// `node`: the interpreter.
    Node(String),
    /// `bootstrap` in its folder.
    Provided,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FunctionLog {
    #[default]
    Stdout,
    File(PathBuf),
}

#[cfg(test)]
mod tests;
