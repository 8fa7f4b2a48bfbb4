//! What does it cost to read a head, from its bytes to spans with every line classified?
//!
//! 2 shared virtual cores, release: 640 ns for a browser's 14 lines, 172 ns for a small request's 3, 344 ns
//! for an answer's 9.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use weir::wire::h1::head;
use weir::wire::h1::request::{HeadLimits, RequestHead};
use weir::wire::h1::response::ResponseHead;

mod support;
use support::{BACKEND_ANSWER, BROWSER_HEAD};

fn heads(criterion: &mut Criterion) {
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    let mut request = RequestHead::default();
    let small: &[u8] = b"GET /pets/1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n";
    for (name, bytes) in [("a browser's, 14 lines", BROWSER_HEAD), ("a small one, 3 lines", small)] {
        criterion.bench_function(&format!("head/request/{name}"), |bencher| {
            bencher.iter(|| {
                let bytes = black_box(bytes);
                let length = head::end(bytes, 0).expect("a whole head");
                request.parse(bytes, length, limits)
            })
        });
    }
    let mut response = ResponseHead::default();
    criterion.bench_function("head/response/9 lines", |bencher| {
        bencher.iter(|| {
            let bytes = black_box(BACKEND_ANSWER);
            let length = head::end(bytes, 0).expect("a whole head");
            response.parse(bytes, length, false)
        })
    });
}

criterion_group! { name = benches; config = support::criterion(); targets = heads }
criterion_main!(benches);
