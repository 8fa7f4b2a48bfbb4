//! What does it cost to make a snapshot of stages that are compiled, and does finding one of them grow with their number?
//!
//! 2 shared virtual cores under other load, release: 5 ms for a thousand stages with ten budgets each and a thousand custom
//! domains, dropping it included; a host is found in 0.1 to 0.2 us among one and
//! among a thousand.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use weir::control::deploy::compile::Compiling;
use weir::control::deploy::load::load;
use weir::control::deploy::stage::{Missing, ReleaseSource, StageSource};
use weir::edge::dispatch;
use weir::edge::snapshot::Stage;
use weir::model::rest_api::RestApi;
use weir::model::routes::{BasePathMapping, CustomDomain, Routes};
use weir::settings::{MethodSetting, Settings};
use weir::telemetry::counters::Registry;
use weir::time::Clock;

mod support;
use support::{InMemory, definition};

/// Stages of ten methods, each with a budget of its own, an API each, and a custom domain with one mapping for each.
fn many(count: usize) -> (Compiling, Settings, Vec<Arc<Stage>>, Routes) {
    let (settings, path) = support::settings(&definition("127.0.0.1:9", 10), &[]);
    let loaded = load(&settings);
    std::fs::remove_file(path).expect("it was there");
    let mut compiling = Compiling::new(&settings, Arc::new(Registry::new(100))).expect("the system's roots");
    let throttle = [MethodSetting::of_stage("*/*", Some(5.0), Some(5)).expect("a setting")];
    let (variables, mut problems, mut routes) = (BTreeMap::new(), Vec::new(), Routes::default());
    let mut stages = Vec::new();
    for number in 0..count {
        let api = RestApi { id: format!("api{number:07}"), ..loaded.apis[0].api.clone() };
        let mapping =
            BasePathMapping { base_path: String::new(), api_id: api.id.clone(), stage: Some("prod".to_owned()) };
        let name = format!("api{number}.example.com");
        routes.domains.push(CustomDomain { name, mappings: vec![mapping], ..CustomDomain::default() });
        let source = StageSource {
            name: "prod",
            base: ReleaseSource { api: &api, deployment_id: "abc123", variables: &variables },
            canary: None,
            method_settings: &throttle,
            access_log_format: None,
            missing_variables: Missing::Empty,
        };
        stages.extend(compiling.stage(source, &settings, Clock::real().now(), &mut problems));
    }
    assert_eq!(stages.len(), count, "{problems:?}");
    (compiling, settings, stages, routes)
}

fn snapshots(criterion: &mut Criterion) {
    for count in [1, 1_000] {
        let (mut compiling, settings, stages, routes) = many(count);
        criterion.bench_function(&format!("snapshot/{count} stages"), |bencher| {
            bencher.iter(|| compiling.snapshot(black_box(&stages), &routes, &settings))
        });
        let mut gateway = InMemory::new(10);
        gateway.snapshot = compiling.snapshot(&stages, &routes, &settings);
        for (name, host) in [("custom domain", "api0.example.com"), ("execute-api", "api0000000.execute-api.x")] {
            let path = if name == "execute-api" { "/prod/pets/17" } else { "/pets/17" };
            gateway.take_in(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
            criterion.bench_function(&format!("snapshot/locate by {name} among {count} stages"), |bencher| {
                bencher
                    .iter(|| dispatch::locate(black_box(&gateway.snapshot.table), black_box(&gateway.request)).is_ok())
            });
        }
    }
}

criterion_group! { name = benches; config = support::criterion(); targets = snapshots }
criterion_main!(benches);
