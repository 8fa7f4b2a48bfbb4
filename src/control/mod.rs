//! Definitions in, snapshots out: one side thread with a tokio runtime of its own.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use admin::AdminState;
use fetch::files::FileWatch;
use log_writer::LogWriter;
use signals::{Happening, Happenings, Reason};
use tell::tell;

use crate::settings::Settings;
use crate::settings::limits::LOG_STOP_TIMEOUT;
use crate::settings::raw::Raw;
use crate::telemetry::counters::{CoreCounters, Registry};

pub mod admin;
pub mod fetch;
pub mod log_writer;
#[cfg(test)]
mod scratch;
pub mod signals;
mod tell;

/// Runs until a signal ends it. `told` is what flags and variables said: `settings::gather` lays it over `weir.toml`
/// again at a reload.
pub fn run(settings: Settings, told: Raw) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(format_args!("the side thread cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(settings, told)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(error);
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Settings, _told: Raw) -> io::Result<()> {
    // Before anything is read, so that no change and no signal falls in between.
    let (_watch, files) = match settings.watch.then(|| FileWatch::start(watched_files(&settings))) {
        Some(Ok((watch, files))) => (Some(watch), Some(files)),
        Some(Err(error)) => {
            tell(format_args!("changes on disk are not seen, send SIGHUP after one: {error}"));
            (None, None)
        }
        None => (None, None),
    };
    let mut happenings = Happenings::new(files)?;
    let log = settings.access_log.as_ref().map(|log| LogWriter::start(log.target.clone())).transpose()?;
    let state = Arc::new(admin_state(&settings, log.as_ref()));
    let (stop_admin, admin_stopped) = oneshot::channel::<()>();
    let admin = match settings.admin {
        Some(address) => {
            let named = |error| io::Error::other(format!("the admin listener cannot have {address}: {error}"));
            let listener = TcpListener::bind(address).await.map_err(named)?;
            let until = async {
                let _ = admin_stopped.await;
            };
            Some(tokio::spawn(admin::serve(listener, Arc::clone(&state), until)))
        }
        None => None,
    };

    while let Happening::Reload(reason) = happenings.next().await {
        if let (Reason::Hangup, Some(log)) = (reason, &log) {
            log.reopen();
        }
    }

    state.draining.store(true, Relaxed);
    drop(stop_admin);
    if let Some(admin) = admin {
        // Its own bound holds; a second signal does not wait for it.
        tokio::select! {
            _ = timeout(settings.limits.drain_timeout, admin) => {}
            () = second_drain(&mut happenings) => {}
        }
    }
    if log.is_some_and(|log| !log.stop(LOG_STOP_TIMEOUT)) {
        tell("the access log could not be written to its end");
    }
    Ok(())
}

async fn second_drain(happenings: &mut Happenings) {
    while happenings.next().await != Happening::Drain {}
}

fn watched_files(settings: &Settings) -> Vec<PathBuf> {
    settings.apis.iter().map(|api| api.path.clone()).chain(settings.config.clone()).collect()
}

fn admin_state(settings: &Settings, log: Option<&LogWriter>) -> AdminState {
    let series_max = settings.limits.metrics_series_max;
    let cores = settings.workers.get();
    AdminState {
        counters: (0..cores).map(|_| Arc::new(CoreCounters::new(series_max))).collect(),
        registry: Arc::new(Registry::new(series_max)),
        ready: AtomicBool::new(false),
        draining: AtomicBool::new(false),
        heartbeats: (0..cores).map(|_| AtomicU64::new(0)).collect(),
        started: Instant::now(),
        log_lines_lost: log.map(LogWriter::lost).unwrap_or_default(),
    }
}
