//! What does one `take` of a token bucket cost, alone and while every core takes from the same budget?
//!
//! 2 shared virtual cores, release: 1.3 ns alone, a clock read for every 16 takes included; 2.6 ns while both cores take
//! from one budget; 0.8 ns to be refused. The aim was 10 ns.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant as Wall};

use criterion::{Criterion, criterion_group, criterion_main};
use weir::edge::limit::bucket::Bucket;
use weir::edge::limit::ledger::Ledger;
use weir::settings::Throttle;
use weir::time::{Clock, Instant};

mod support;

/// A budget that lasts, so that what is measured is taking and not being refused.
const AMPLE: Throttle = Throttle { rate_per_second: 900_000_000.0, burst: 1_000_000_000 };

fn takes(criterion: &mut Criterion) {
    criterion.bench_function("bucket/take, one thread", |bencher| bencher.iter_custom(|takes| at_once(1, takes)));

    let cores = thread::available_parallelism().map_or(1, usize::from);
    criterion.bench_function(&format!("bucket/take, {cores} threads on one budget"), |bencher| {
        bencher.iter_custom(|takes| at_once(cores, takes))
    });

    let empty = Ledger::new(Throttle { rate_per_second: 0.001, burst: 1 }, 1, Instant(0));
    let mut bucket = Bucket::default();
    criterion.bench_function("bucket/refused", |bencher| {
        bencher.iter(|| black_box(&mut bucket).take(black_box(&empty), Instant(1)))
    });
}

/// A loop turn reads the clock once for the requests that it finds: here for 16.
fn take_many(bucket: &mut Bucket, ledger: &Ledger, clock: &Clock, takes: u64) -> Duration {
    let began = Wall::now();
    let mut now = clock.now();
    let mut admitted = 0;
    for turn in 0..takes {
        if turn % 16 == 0 {
            now = clock.now();
        }
        admitted += u64::from(black_box(&mut *bucket).take(black_box(ledger), now));
    }
    let took = began.elapsed();
    assert_eq!(admitted, takes, "none is refused");
    took
}

/// The slowest thread's time for `takes` of its own.
fn at_once(cores: usize, takes: u64) -> Duration {
    let ledger = Arc::new(Ledger::new(AMPLE, cores, Clock::real().now()));
    let barrier = Arc::new(Barrier::new(cores));
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let (ledger, barrier) = (Arc::clone(&ledger), Arc::clone(&barrier));
            thread::spawn(move || {
                let (mut bucket, clock) = (Bucket::default(), Clock::real());
                barrier.wait();
                take_many(&mut bucket, &ledger, &clock, takes)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).max().unwrap_or_default()
}

criterion_group! { name = benches; config = support::criterion(); targets = takes }
criterion_main!(benches);
