//! Definitions in, snapshots out: the spine of a start, of a change, and of an end.

pub mod cores;
pub mod deploy;
pub mod refusal;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cores::Cores;
use deploy::compile::Compiling;
use deploy::load::{Loaded, load};
use refusal::Refusal;

use crate::edge::snapshot::Snapshot;
use crate::model::problem::{Problem, Sources};
use crate::net::ring;
use crate::settings::Settings;
use crate::telemetry::counters::Registry;
use crate::time::Clock;

/// How problems are shown to people.
pub type Report<'r> = &'r dyn Fn(&[Problem], &Sources);

/// Runs the gateway until it has been told to stop and has drained.
pub fn run(settings: Settings, report: Report<'_>) -> Result<(), Refusal> {
    let driver = ring::choose(settings.driver).map_err(|reason| {
        Refusal::sentence(
            "start::driver",
            reason,
            "use `--driver auto`, which takes epoll where io_uring is not allowed",
        )
    })?;
    let clock = Clock::real();
    let registry = Arc::new(Registry::new(settings.limits.metrics_series_max));
    let mut compiling = Compiling::new(&settings, Arc::clone(&registry))
        .map_err(|problems| Refusal { problems, sources: Sources::default() })?;
    let (loaded, snapshot) = deploy(&mut compiling, &settings, &clock)?;
    report(&loaded.problems, &loaded.sources);
    for endpoint in compiling.endpoints.all() {
        use std::net::ToSocketAddrs;
        let name = format!("{}:{}", endpoint.host, endpoint.port);
        endpoint.addresses.store(Arc::new(name.to_socket_addrs().map(Iterator::collect).unwrap_or_default()));
    }
    let mut cores = Cores::start(&settings, &driver, snapshot, None)?;
    eprintln!("{}", cores.start_line(&settings, &driver, None));
    loop {
        std::thread::sleep(Duration::from_millis(100));
        cores.publisher.retire();
        if cores.shared.drained.load(Ordering::Acquire) == settings.workers.get() {
            return Ok(());
        }
    }
}

fn deploy(compiling: &mut Compiling, settings: &Settings, clock: &Clock) -> Result<(Loaded, Arc<Snapshot>), Refusal> {
    let mut loaded = load(settings);
    match compiling.compile(&mut loaded, settings, clock.now()) {
        Some(snapshot) => Ok((loaded, Arc::new(snapshot))),
        None => Err(Refusal { problems: loaded.problems, sources: loaded.sources }),
    }
}
