//! What does it cost to write both mapped heads of a plain HTTP_PROXY method: the request out, the answer back?
//!
//! 2 shared virtual cores, release: 227 ns for both, 14 client lines out and 9 backend lines back.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

mod support;
use support::{BACKEND_ANSWER, BROWSER_HEAD, InMemory};

fn mapping(criterion: &mut Criterion) {
    let mut gateway = InMemory::new(10);
    gateway.one(BROWSER_HEAD, BACKEND_ANSWER);
    let matched = gateway.route();
    criterion.bench_function("mapping/http_proxy, 14 lines out, 9 back", |bencher| {
        bencher.iter(|| black_box(&gateway).map(black_box(&matched.values), black_box(BACKEND_ANSWER)))
    });
}

criterion_group! { name = benches; config = support::criterion(); targets = mapping }
criterion_main!(benches);
