//! The functions on this machine: started where the settings have some, and what a deployment needs to know of them.

use std::sync::Arc;
use std::time::Duration;

use super::deploy::stage::Door;
use super::refusal::Refusal;
use super::tell::tell;
use crate::functions::{Counters, Functions, KEY_HEADER, Surroundings};
use crate::settings::limits::{
    FUNCTIONS_QUIET, FUNCTIONS_RELOAD_TIMEOUT, FUNCTIONS_STOP_GRACE, FUNCTIONS_WARM_TIMEOUT,
};
use crate::settings::{FunctionPlace, LocalFunction, Settings};

/// Nothing runs until the first function is there.
#[derive(Default)]
pub struct LocalFunctions {
    running: Option<Functions>,
    /// Those that were applied last.
    functions: Vec<Arc<LocalFunction>>,
}

impl LocalFunctions {
    /// Where functions will be invoked, for what is compiled: started now, if it was not, where the settings have some.
    pub fn door(&mut self, settings: &Settings) -> Result<Option<Door>, Refusal> {
        if self.running.is_none() && local(settings).next().is_some() {
            let surroundings = Surroundings::new(&settings.region, &settings.account_id);
            let started = Functions::start(surroundings).map_err(|error| {
                let found = format!("functions cannot run on this machine: {error}");
                Refusal::sentence(
                    "start::functions",
                    found,
                    "look at `ulimit -a`, and at the folder for temporary files",
                )
            })?;
            self.running = Some(started);
        }
        Ok(self.running.as_ref().map(|running| {
            let door = running.door();
            Door { address: door.address, line: format!("{KEY_HEADER}: {}\r\n", door.key) }
        }))
    }

    /// Makes the functions those of the settings. What has changed goes on as it was until it has begun anew.
    pub fn apply(&mut self, settings: &Settings) {
        if let Some(running) = &self.running {
            self.functions = local(settings).cloned().collect();
            running.apply(self.functions.clone());
        }
    }

    /// The same, while those that are not there any more are still called: they stay until [`LocalFunctions::apply`].
    /// Answers whether there are such.
    pub fn change(&mut self, settings: &Settings) -> bool {
        let Some(running) = &self.running else { return false };
        let mut functions: Vec<Arc<LocalFunction>> = local(settings).cloned().collect();
        let gone = |old: &&Arc<LocalFunction>| !local(settings).any(|new| new.name == old.name);
        let gone: Vec<Arc<LocalFunction>> = self.functions.iter().filter(gone).cloned().collect();
        let is_any = !gone.is_empty();
        functions.extend(gone);
        running.apply(functions.clone());
        self.functions = functions;
        is_any
    }

    /// Waits a little until what is new has begun, and tells what has not.
    pub async fn begun(&self) {
        self.told(FUNCTIONS_RELOAD_TIMEOUT).await;
    }

    /// Waits until the warm ones have begun, and tells what has not: its calls are answered with the error.
    pub async fn warm(&self) {
        self.told(FUNCTIONS_WARM_TIMEOUT).await;
    }

    async fn told(&self, bound: Duration) {
        let Some(running) = &self.running else { return };
        let mut warm = std::pin::pin!(running.warm(bound));
        let failures = match tokio::time::timeout(FUNCTIONS_QUIET, &mut warm).await {
            Ok(failures) => failures,
            Err(_) => {
                tell(format_args!("waiting for functions to begin, for at most {} s", bound.as_secs()));
                warm.await
            }
        };
        for failure in failures {
            tell(format_args!("the function {} has not begun: {}", failure.function, failure.reason));
        }
    }

    pub fn reopen_logs(&self) {
        if let Some(running) = &self.running {
            running.reopen_logs();
        }
    }

    pub fn counters(&self) -> Option<Arc<Counters>> {
        self.running.as_ref().map(Functions::counters)
    }

    /// Ends them all; invocations under way have a moment.
    pub async fn stop(self) {
        if let Some(running) = self.running {
            running.stop(FUNCTIONS_STOP_GRACE).await;
        }
    }
}

fn local(settings: &Settings) -> impl Iterator<Item = &Arc<LocalFunction>> {
    settings.functions.iter().filter_map(|function| match &function.place {
        FunctionPlace::Local(local) => Some(local),
        FunctionPlace::Aws | FunctionPlace::Url { .. } => None,
    })
}
