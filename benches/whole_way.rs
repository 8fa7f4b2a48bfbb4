//! What does everything that Weir itself does for a plain HTTP_PROXY request cost, the sockets left out?
//! Parse, ids, route, throttle, map out, parse the answer, map back, count, log line.
//!
//! 2 shared virtual cores, release: 1.71 us for a browser's request (14 lines, answer of 9), 1.70 us among 10,000 routes,
//! 0.91 us for a small one (3 lines, answer of 2).

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};

mod support;
use support::{BACKEND_ANSWER, BROWSER_HEAD, InMemory};

fn whole_way(criterion: &mut Criterion) {
    let small: &[u8] = b"GET /pets/1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n";
    let short: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
    for (name, request, answer) in
        [("a browser's request", BROWSER_HEAD, BACKEND_ANSWER), ("a small request", small, short)]
    {
        let mut gateway = InMemory::new(10);
        criterion.bench_function(&format!("whole_way/{name}"), |bencher| {
            bencher.iter(|| gateway.one(black_box(request), black_box(answer)))
        });
    }
    let mut gateway = InMemory::new(10_000);
    criterion.bench_function("whole_way/a browser's request among 10,000 routes", |bencher| {
        bencher.iter(|| gateway.one(black_box(BROWSER_HEAD), black_box(BACKEND_ANSWER)))
    });
}

criterion_group! { name = benches; config = support::criterion(); targets = whole_way }
criterion_main!(benches);
