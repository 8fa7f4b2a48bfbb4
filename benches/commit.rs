//! How many changes a second are acknowledged when each is on disk, and how long does a start take?
//!
//! 2 shared virtual cores that others compiled on, ext4 on a disk with 345 synced writes a second; two runs:
//!
//! | clients | changes a second | target |
//! |---|---|---|
//! | 1 | 179, 176: two syncs each | |
//! | 16 | 4,090, 2,620 | >= 500 |
//! | 64 | 16,600, 7,340 | |
//!
//! 1,000 APIs of 45 rows (27 MB of text, a file of 34 MB): 0.32 s, 0.59 s after a clean end; 0.44 s, 0.76 s after a kill. 72 MB of
//! memory, of which the database's cache has up to 32 MB (`STORE_CACHE_BYTES`).

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group};
use weir::control::commit::change::Change;
use weir::control::commit::definitions::Definitions;
use weir::control::commit::store::Store;

/// Where it is set, this process only opens that store.
const FOLDER: &str = "WEIR_BENCH_STORE";
const BOUND: Duration = Duration::from_secs(60);

/// Clients that each wait for their answer before they send the next change, of two rows of 600 bytes.
fn acknowledged(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("commit/acknowledged");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    for clients in [1_u64, 16, 64] {
        let folder = folder("acknowledged");
        let opened = Store::open(&folder).expect("opens");
        let mut revision = opened.revision;
        group.bench_function(format!("{clients}"), |bencher| {
            bencher.iter_custom(|changes| {
                let began = Instant::now();
                let mut waiting = std::collections::VecDeque::new();
                for _ in 0..changes {
                    revision += 1;
                    waiting.push_back(opened.store.commit(change(revision)));
                    if waiting.len() as u64 == clients {
                        let answer = waiting.pop_front().expect("there is one");
                        answer.blocking_recv().expect("an answer").expect("on disk");
                    }
                }
                for answer in waiting {
                    answer.blocking_recv().expect("an answer").expect("on disk");
                }
                began.elapsed()
            });
        });
        assert!(opened.store.stop(BOUND));
        remove(&folder);
    }
    group.finish();
}

/// A start with 1,000 APIs of 45 rows: after a clean end, and after a kill.
fn open(criterion: &mut Criterion) {
    let folder = folder("open");
    let opened = Store::open(&folder).expect("opens");
    for api in 0..1_000 {
        let rows =
            (0..45).map(|row| (format!("restapis/{api:04}/resources/{row:02}").into(), Some(text(row)))).collect();
        let answer = opened.store.commit(Change { revision: api + 1, rows, blobs: Vec::new() });
        answer.blocking_recv().expect("an answer").expect("on disk");
    }
    // A copy of the file while it is open is what a kill leaves.
    let killed = folder.with_extension("killed");
    std::fs::create_dir_all(&killed).expect("a folder");
    std::fs::copy(folder.join("weir.redb"), killed.join("weir.redb")).expect("copied");
    let bytes = folder.join("weir.redb").metadata().expect("there").len();
    assert!(opened.store.stop(BOUND));
    eprintln!("45,000 rows: {bytes} bytes on disk");

    let mut group = criterion.benchmark_group("commit/open");
    group.sample_size(10);
    group.bench_function("after a clean end", |bencher| bencher.iter(|| open_once(&folder)));
    let again = folder.with_extension("again");
    group.bench_function("after a kill", |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let _ = std::fs::remove_dir_all(&again);
                    std::fs::create_dir_all(&again).expect("a folder");
                    std::fs::copy(killed.join("weir.redb"), again.join("weir.redb")).expect("copied");
                    let began = Instant::now();
                    open_once(&again);
                    began.elapsed()
                })
                .sum()
        });
    });
    group.finish();

    // In a process of its own, whose memory nothing else has used before.
    let me = std::env::current_exe().expect("a path");
    assert!(std::process::Command::new(me).env(FOLDER, &folder).status().expect("started").success());
    for folder in [&folder, &killed, &again] {
        remove(folder);
    }
}

fn tell_memory(folder: &Path) {
    let before = resident_bytes();
    let opened = Store::open(folder).expect("opens");
    let definitions = Definitions::new(opened.rows, opened.revision);
    eprintln!("45,000 rows in memory: {} bytes more than before", resident_bytes() - before);
    black_box(&definitions);
    assert!(opened.store.stop(BOUND));
}

fn open_once(folder: &Path) {
    let opened = Store::open(folder).expect("opens");
    let definitions = Definitions::new(opened.rows, opened.revision);
    assert_eq!(black_box(definitions).len(), 45_000);
    assert!(opened.store.stop(BOUND));
}

fn change(revision: u64) -> Change {
    let rows = [revision % 1000, revision % 997].map(|row| (format!("rows/{row}").into(), Some(text(row))));
    Change { revision, rows: rows.into(), blobs: Vec::new() }
}

/// A row of about 600 bytes.
fn text(row: u64) -> Box<str> {
    let uri = format!("http://backend-{row}.internal/pets/{{petId}}");
    let parameters: String = (0..8).map(|n| format!("\"method.request.querystring.p{n}\":false,")).collect();
    format!(
        "{{\"id\":\"{row:010}\",\"path\":\"/pets/{row}/{{petId}}\",\"httpMethod\":\"GET\",\"authorizationType\":\"NONE\",\
         \"requestParameters\":{{{parameters}\"method.request.path.petId\":true}},\"uri\":\"{uri}\",\"type\":\"HTTP_PROXY\",\
         \"passthroughBehavior\":\"WHEN_NO_MATCH\",\"timeoutInMillis\":29000,\"cacheNamespace\":\"{row:06}\"}}"
    )
    .into()
}

/// Of this process, as the kernel counts it.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
}

/// In the build folder, which is on a disk: the temporary folder may be memory, where a sync costs nothing.
fn folder(name: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let unique = format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique)
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).expect("removed");
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).without_plots();
    targets = acknowledged, open
}

fn main() {
    match std::env::var_os(FOLDER) {
        Some(folder) => tell_memory(Path::new(&folder)),
        None => {
            benches();
            Criterion::default().configure_from_args().final_summary();
        }
    }
}
