//! Throttling: bursts, rates and their accuracy over cores (rest/12).

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use support::gateway::Folder;
use support::{Client, Gateway, definition};

const MOCK: &str = "GET /ok -> mock 200\n GET /other -> mock 200\n POST /ok -> mock 200";

fn start(rows: &str, args: &[&str]) -> Gateway {
    Gateway::start(&definition("127.0.0.1:9".parse().unwrap(), rows), args)
}

/// How many of so many requests are let through; the others are 429, byte for byte.
#[track_caller]
fn admitted(client: &mut Client, verb: &str, path: &str, times: usize) -> usize {
    let mut passed = 0;
    for _ in 0..times {
        let response = client.request(verb, path, &[], b"");
        if response.status == 200 {
            passed += 1;
            continue;
        }
        assert_eq!(response.header("x-amzn-ErrorType"), Some("TooManyRequestsException"));
        assert_eq!((response.header("Retry-After"), response.header("Connection")), (None, Some("keep-alive")));
        assert_eq!(response.header("Content-Type"), Some("application/json"));
        response.expect(429, r#"{"message":"Too Many Requests"}"#);
    }
    passed
}

#[test]
fn a_burst_is_exact() {
    // One token comes back in ten seconds.
    let gateway = start(MOCK, &["--throttle", "0.1:5"]);
    let mut client = gateway.client();
    assert_eq!(admitted(&mut client, "GET", "/ok", 20), 5);
    // The account's budget is that of all methods, and of what meets none.
    assert_eq!(admitted(&mut client, "GET", "/other", 3), 0);
    assert_eq!(client.get("/none").status, 429);
    assert_eq!(gateway.metric("weir_requests_throttled", ""), 19.0);
    let begun = gateway.metric("weir_4xx_error", "");
    assert_eq!(begun, 19.0);
}

#[test]
fn tokens_come_back_at_the_rate() {
    let gateway = start(MOCK, &["--throttle", "5:5"]);
    let mut client = gateway.client();
    let began = Instant::now();
    assert_eq!(admitted(&mut client, "GET", "/ok", 5), 5);
    let mut passed = 0;
    while began.elapsed() < Duration::from_millis(1_000) {
        passed += admitted(&mut client, "GET", "/ok", 1);
    }
    let most = (began.elapsed().as_secs_f64() * 5.0) as usize;
    assert!((4..=most).contains(&passed), "{passed} of {most}");
}

#[test]
fn methods_have_budgets_of_their_own() {
    let folder = Folder::new();
    let config = folder.write(
        "weir.toml",
        "[method-settings.\"/ok/GET\"]\nrate = 0.01\nburst = 3\n[method-settings.\"/other/GET\"]\nrate = 0\nburst = 5\n[method-settings.\"*/*\"]\nrate = 0.01\nburst = 7\n",
    );
    let gateway = start(MOCK, &["--config", &config.display().to_string()]);
    let mut client = gateway.client();
    assert_eq!(admitted(&mut client, "GET", "/ok", 10), 3);
    assert_eq!(admitted(&mut client, "GET", "/other", 10), 0, "a rate of 0 blocks everything");
    assert_eq!(admitted(&mut client, "POST", "/ok", 10), 7);
    assert_eq!(client.get("/none").status, 403, "no method, no budget");
}

#[test]
fn a_refused_request_spends_nothing_of_the_account() {
    let folder = Folder::new();
    let config = folder.write("weir.toml", "[method-settings.\"/ok/GET\"]\nrate = 0.01\nburst = 2\n");
    let gateway = start(MOCK, &["--config", &config.display().to_string(), "--throttle", "0.01:10"]);
    let mut client = gateway.client();
    assert_eq!(admitted(&mut client, "GET", "/ok", 50), 2);
    assert_eq!(admitted(&mut client, "GET", "/other", 50), 8);
}

#[test]
fn what_was_spent_stays_spent_over_a_reload() {
    let gateway = start(MOCK, &["--throttle", "0.01:4"]);
    let mut client = gateway.client();
    assert_eq!(admitted(&mut client, "GET", "/ok", 3), 3);
    gateway.signal("HUP");
    gateway.said("revision 2");
    assert_eq!(admitted(&mut client, "GET", "/ok", 5), 1);
}

#[test]
fn without_a_throttle_there_is_none() {
    let gateway = start(MOCK, &[]);
    assert_eq!(admitted(&mut gateway.client(), "GET", "/ok", 1_000), 1_000);
}

/// Floods for three seconds; what is admitted must be rate × time + burst to a percent.
fn is_accurate(workers: &str, clients: usize) {
    const RATE: f64 = 200.0;
    const BURST: f64 = 100.0;
    let gateway = start(MOCK, &["--throttle", "200:100", "--workers", workers]);
    let (addr, passed) = (gateway.addr, Arc::new(AtomicU64::new(0)));
    let mut connected: Vec<Client> = (0..clients).map(|_| Client::connect(addr)).collect();
    let began = Instant::now();
    // A client that leaves open when the time is over has spent its last token before.
    let threads: Vec<_> = connected
        .drain(..)
        .map(|mut client| {
            let passed = Arc::clone(&passed);
            thread::spawn(move || {
                while began.elapsed() < Duration::from_secs(3) {
                    if client.get("/ok").status == 200 {
                        passed.fetch_add(1, SeqCst);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let allowed = RATE * began.elapsed().as_secs_f64() + BURST;
    let passed = passed.load(SeqCst) as f64;
    assert!(passed <= allowed + 2.0, "{passed} of {allowed}: more than allowed");
    assert!(passed >= allowed * 0.99 - 2.0, "{passed} of {allowed}: less than allowed");
}

#[test]
fn slow_one_core_is_accurate() {
    is_accurate("1", 8);
}

#[test]
fn slow_two_cores_are_accurate() {
    is_accurate("2", 8);
}

#[test]
fn slow_one_connection_gets_the_whole_budget_of_two_cores() {
    is_accurate("2", 1);
}
