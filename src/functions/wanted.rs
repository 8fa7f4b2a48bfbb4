//! Which functions there are to be, and how far that has been carried out.
//!
//! Code is copied from disks that may be slow or dead, so it is carried out beside whoever asks, one after the other; of
//! what was asked for meanwhile only the newest counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::registry::{Registry, WarmFailure};
use crate::settings::LocalFunction;

pub(super) struct Wanted {
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    functions: Vec<Arc<LocalFunction>>,
    /// How often something was asked for …
    asked: u64,
    /// … the last of it that was carried out …
    done: u64,
    /// … and of the newest, how many functions were.
    taken: usize,
}

impl Wanted {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { progress: watch::Sender::new(Progress::default()) })
    }

    pub(super) fn ask(&self, functions: Vec<Arc<LocalFunction>>) {
        self.progress.send_modify(|progress| {
            *progress = Progress { functions, asked: progress.asked + 1, done: progress.done, taken: 0 };
        });
    }

    /// Carries out what is asked for, without an end.
    pub(super) async fn follow(self: Arc<Self>, registry: Arc<Registry>) {
        let mut seen = self.progress.subscribe();
        loop {
            let (functions, asked) = match seen.wait_for(|progress| progress.done < progress.asked).await {
                Ok(progress) => (progress.functions.clone(), progress.asked),
                Err(_) => return,
            };
            registry.keep_only(&functions);
            for settings in functions {
                registry.take(settings).await;
                self.progress.send_modify(|progress| {
                    progress.taken += usize::from(progress.asked == asked);
                });
            }
            self.progress.send_modify(|progress| progress.done = asked);
        }
    }

    /// Waits until everything that was asked for is there and has begun or failed; answers what has not begun.
    pub(super) async fn warm(&self, registry: &Registry, bound: Duration) -> Vec<WarmFailure> {
        let deadline = Instant::now() + bound;
        let mut seen = self.progress.subscribe();
        let _ = timeout_at(deadline, seen.wait_for(|progress| progress.done >= progress.asked)).await;
        let mut failures = {
            let progress = self.progress.borrow();
            let missing = if progress.done < progress.asked { progress.taken } else { progress.functions.len() };
            let late = |settings: &Arc<LocalFunction>| WarmFailure {
                function: settings.name.clone(),
                reason: format!("its code was not copied within {} s", bound.as_secs()),
            };
            progress.functions.iter().skip(missing).map(late).collect::<Vec<_>>()
        };
        for failure in registry.warm(deadline, bound).await {
            if failures.iter().all(|known| known.function != failure.function) {
                failures.push(failure);
            }
        }
        failures.sort_by(|a, b| a.function.cmp(&b.function));
        failures
    }
}
