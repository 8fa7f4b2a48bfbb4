//! A plain proxied request allocates nothing in steady state: shown on a real core over loopback, and on the way in memory.
#![allow(unsafe_code)] // a global allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use weir::edge::watch::Sink;
use weir::edge::worker::{Shared, Start};
use weir::edge::{Core, Order};
use weir::net::ring::{self, Driver};
use weir::net::{mailbox, tcp};
use weir::settings::DriverChoice;
use weir::settings::raw::Key;
use weir::telemetry::counters::CoreCounters;
use weir::telemetry::log_port::log_port;

#[path = "../benches/support/mod.rs"]
mod in_memory;
use in_memory::{BACKEND_ANSWER, BROWSER_HEAD, InMemory, compiled, definition};

/// Counts what the threads allocate that asked for it.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    // A thread that ends has no cell any more, and is none that we count.
    if COUNTED.try_with(Cell::get).unwrap_or(false) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches an atomic and a cell without a destructor,
// and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is the system's.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the system's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, because the count is the process's.
#[test]
fn a_plain_request_allocates_nothing_in_steady_state() {
    on_the_way_in_memory();
    let choice = match std::env::var("WEIR_TEST_DRIVER").as_deref() {
        Ok("epoll") => DriverChoice::Epoll,
        Ok("io_uring") => DriverChoice::IoUring,
        _ => DriverChoice::Auto,
    };
    on_a_core(ring::choose(choice).expect("a driver"));
}

fn on_the_way_in_memory() {
    let mut gateway = InMemory::new(10);
    for _ in 0..1_000 {
        gateway.one(BROWSER_HEAD, BACKEND_ANSWER);
    }
    COUNTED.set(true);
    let began = Instant::now();
    let allocated = allocated_in(|| {
        for _ in 0..1_000 {
            gateway.one(BROWSER_HEAD, BACKEND_ANSWER);
        }
    });
    COUNTED.set(false);
    assert!(allocated <= dates(began.elapsed()), "1,000 requests in memory allocated {allocated} times");
}

fn on_a_core(driver: Driver) {
    let backend = backend();
    let said = [(Key::AccessLog, "-"), (Key::Throttle, "100000000:1000000000")];
    let (snapshot, compiling, settings) = compiled(&definition(&backend.to_string(), 10), &said);
    for endpoint in compiling.endpoints.all() {
        endpoint.follow(Arc::new(ArcSwap::from_pointee(vec![backend])));
    }
    let mut listeners = tcp::bind("127.0.0.1:0".parse().expect("an address"), 1).expect("a port");
    let address = listeners[0].local_addr().expect("it is bound");
    let (orders, mailbox) = mailbox::pair().expect("a socket pair");
    let (port, log) = log_port(16, 64 * 1024);
    // As the log's own thread: what the core hands over comes back empty.
    thread::spawn(move || log.batches.iter().for_each(|batch| log.give_back(batch.bytes)));
    let shared = Arc::new(Shared::new(1, 100));
    let start = Start {
        counters: Arc::new(CoreCounters::new(settings.limits.metrics_series_max)),
        log: Some(Sink::new(port)),
        limits: settings.limits,
        shared: Arc::clone(&shared),
        trusted_proxies: Arc::default(),
        assumed: None,
        seed: [7; 16],
    };
    let core = Core {
        index: 0,
        driver,
        listeners: listeners
            .pop()
            .into_iter()
            .map(|listener| weir::edge::Listening { listener, vpc_endpoint: None })
            .collect(),
        mailbox,
        snapshot: Arc::new(snapshot),
        start,
    };
    let core = thread::spawn(move || {
        COUNTED.set(true);
        weir::edge::run(core)
    });

    let mut client = Client::new(address);
    client.ask(2_000);
    let began = Instant::now();
    let asked = allocated_in(|| client.ask(1_000));
    let took = began.elapsed();
    assert!(asked <= dates(took), "1,000 requests in {took:?} allocated {asked} times");

    drop(client);
    assert!(orders.send(Order::Drain).is_ok(), "the core hears");
    core.join().expect("no panic").expect("it drained");
}

/// Once a second the date is formatted anew, with a handful of allocations: no request's doing.
fn dates(took: Duration) -> u64 {
    8 * (took.as_secs() + 1)
}

fn allocated_in(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// One keep-alive connection.
struct Client {
    stream: TcpStream,
    length: usize,
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let mut client = Self { stream: TcpStream::connect(address).expect("it listens"), length: 0 };
        client.stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        client.stream.set_nodelay(true).expect("no delay");
        // Every answer to the same request is as long as the first one.
        client.stream.write_all(BROWSER_HEAD).expect("sent");
        thread::sleep(Duration::from_millis(300));
        let mut first = [0; 8192];
        client.length = client.stream.read(&mut first).expect("an answer");
        assert!(first.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&first[..client.length]));
        client
    }

    fn ask(&mut self, times: usize) {
        let mut answer = vec![0; self.length];
        for _ in 0..times {
            self.stream.write_all(BROWSER_HEAD).expect("sent");
            self.stream.read_exact(&mut answer).expect("a whole answer");
            assert!(answer.starts_with(b"HTTP/1.1 200 "));
        }
    }
}

/// Answers every read that ends a head.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut bytes = [0; 16 * 1024];
                let mut held = 0;
                while let Ok(read @ 1..) = stream.read(&mut bytes[held..]) {
                    held += read;
                    if bytes[..held].ends_with(b"\r\n\r\n") {
                        held = 0;
                        if stream.write_all(BACKEND_ANSWER).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}
