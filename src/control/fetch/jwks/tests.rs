//! When keys are asked for, and what becomes of them.

use std::time::Duration;

use super::*;
use crate::control::fetch::key_source::tests::{Server, key_set};

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

fn wanted(server: &Server) -> Wanted {
    let terms = Terms { name: "a".into(), algorithms: vec![], audiences: vec![], stands_in: false };
    Wanted { terms, source: KeySource::Url(server.url("/keys")) }
}

fn issuers() -> Issuers {
    Issuers::new(Client::new(Vec::new()))
}

async fn one(issuers: &Issuers, wanted: &Wanted) -> Arc<Issuer> {
    let issuer = issuers.issuer(wanted);
    issuers.first_keys().await;
    issuer
}

/// Says whether there was an attempt at this time.
async fn at(issuers: &Issuers, now: Instant) -> bool {
    let begun = issuers.begin_due(now);
    let any = !begun.is_empty();
    for task in begun {
        task.await.expect("an attempt");
    }
    any
}

fn failed(issuers: &Issuers, issuer: &Arc<Issuer>, began: Instant) -> Option<String> {
    issuers.settle(issuer, Err("down".into()), began)
}

#[test]
fn keys_are_there_at_the_start_and_asked_for_again_in_time() {
    run(async {
        let (server, issuers) = (Server::start(), issuers());
        server.say("/keys", "200 OK", &key_set("a"));
        let issuer = one(&issuers, &wanted(&server)).await;
        let first = issuer.keys().expect("keys");
        assert_eq!((server.asked(), issuer.generation()), (1, 1));
        // A second deployment has the same issuer, and asks nobody; one with other terms has its own.
        assert!(Arc::ptr_eq(&issuer, &one(&issuers, &wanted(&server)).await));
        assert_eq!(server.asked(), 1);
        let mut other = wanted(&server);
        other.terms.audiences = vec!["b".into()];
        assert!(!Arc::ptr_eq(&issuer, &one(&issuers, &other).await));
        assert_eq!(server.asked(), 2);

        let now = Instant::now();
        assert!(!at(&issuers, now + JWKS_REFRESH - Duration::from_secs(30)).await);
        assert!(at(&issuers, now + JWKS_REFRESH).await);
        assert_eq!(server.asked(), 3, "the other one is nobody's any more");
        assert!(!Arc::ptr_eq(&first, &issuer.keys().expect("keys")) && issuer.generation() == 2);
    });
}

#[test]
fn a_wish_is_served_at_once_but_not_more_often_than_allowed() {
    run(async {
        let (server, issuers) = (Server::start(), issuers());
        server.say("/keys", "200 OK", &key_set("a"));
        let issuer = one(&issuers, &wanted(&server)).await;
        let began = issuers.followed()[0].fetched.expect("fetched");
        assert_eq!(issuer.want_fresh(), None, "they are a moment old");
        assert_eq!(issuers.next(), Some(began + JWKS_REFETCH_MIN));
        assert!(!at(&issuers, began + JWKS_REFETCH_MIN - Duration::from_millis(1)).await);
        assert!(at(&issuers, began + JWKS_REFETCH_MIN).await, "the wish was not forgotten");
        assert_eq!(server.asked(), 2);
        let second = began + JWKS_REFETCH_MIN;
        assert!(!at(&issuers, second + JWKS_REFETCH_MIN).await, "nobody wants anything");
        assert_eq!(issuer.want_fresh(), Some(2));
        assert!(at(&issuers, second + JWKS_REFETCH_MIN).await && issuer.generation() == 3);
        for _ in 0..1_000 {
            assert_eq!(issuer.want_fresh(), None);
        }
        assert_eq!(server.asked(), 3);
    });
}

#[test]
fn failures_keep_the_keys_for_a_day_and_are_told_once() {
    run(async {
        let (server, issuers) = (Server::start(), issuers());
        server.say("/keys", "200 OK", &key_set("a"));
        let issuer = one(&issuers, &wanted(&server)).await;
        let began = issuers.followed()[0].fetched.expect("fetched");
        let due = |issuers: &Issuers| issuers.followed()[0].due;
        let mut now = began + JWKS_REFRESH;
        let told = failed(&issuers, &issuer, now);
        assert_eq!(told.as_deref(), Some("a: down; the last known keys are kept for a day"));
        for seconds in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
            assert_eq!(due(&issuers), now + Duration::from_secs(seconds));
            now = due(&issuers);
            assert_eq!(failed(&issuers, &issuer, now), None);
        }
        // The last attempt with them is made when their day is over.
        let end = began + JWKS_STALE_MAX;
        assert_eq!(failed(&issuers, &issuer, end - Duration::from_secs(1)), None);
        assert!(issuer.keys().is_some() && due(&issuers) == end);
        let told = failed(&issuers, &issuer, end);
        assert_eq!(told.as_deref(), Some("a: down, for a day now; its tokens are refused"));
        assert!(issuer.keys().is_none());
        assert_eq!(failed(&issuers, &issuer, due(&issuers)), None);
        let fresh = KeySet::parse(key_set("a").as_bytes()).map_err(|error| error.to_string());
        let told = issuers.settle(&issuer, fresh, due(&issuers));
        assert_eq!(told.as_deref(), Some("a: its keys are fetched again"));
        assert!(issuer.keys().is_some());
    });
}

#[test]
fn a_start_goes_on_without_keys_and_they_come_later() {
    run(async {
        let server = Server::start();
        let issuers = Issuers::new(Client::hasty(Duration::from_millis(500)));
        let issuer = one(&issuers, &wanted(&server)).await;
        assert!(issuer.keys().is_none() && issuer.generation() == 1);
        let began = Instant::now();
        server.say("/keys", "200 OK", &key_set("a"));
        assert!(at(&issuers, began + JWKS_REFETCH_MIN).await && issuer.keys().is_some());
    });
}

#[test]
fn all_issuers_are_asked_at_once() {
    run(async {
        let server = Server::start();
        let issuers = Issuers::new(Client::hasty(Duration::from_millis(500)));
        let wanted: Vec<Wanted> = (0..JWKS_FETCHES_AT_ONCE)
            .map(|index| {
                let mut wanted = wanted(&server);
                wanted.terms.name = index.to_string();
                wanted
            })
            .collect();
        let began = Instant::now();
        let followed: Vec<_> = wanted.iter().map(|wanted| issuers.issuer(wanted)).collect();
        issuers.first_keys().await;
        assert_eq!(followed.len(), JWKS_FETCHES_AT_ONCE);
        assert!(began.elapsed() < JWKS_TIMEOUT, "{:?}", began.elapsed());
    });
}

#[test]
fn an_issuer_that_nobody_uses_is_forgotten() {
    run(async {
        let (server, issuers) = (Server::start(), issuers());
        server.say("/keys", "200 OK", &key_set("a"));
        let issuer = one(&issuers, &wanted(&server)).await;
        assert!(issuers.next().is_some());
        drop(issuer);
        assert!(!at(&issuers, Instant::now() + JWKS_REFRESH).await && issuers.next().is_none());
    });
}

#[test]
fn the_task_is_woken_by_a_core() {
    run(async {
        let (server, issuers) = (Server::start(), issuers());
        server.say("/keys", "200 OK", &key_set("a"));
        let issuer = one(&issuers, &wanted(&server)).await;
        // As if the last attempt were long ago.
        issuers.followed()[0].paused_until = None;
        issuer.reopen();
        let task = tokio::spawn(issuers.clone().refresh());
        let (told, answer) = tokio::sync::oneshot::channel();
        let core = Arc::clone(&issuer);
        std::thread::spawn(move || told.send(core.want_fresh()));
        assert_eq!(answer.await, Ok(Some(1)));
        let moved = async {
            while issuer.generation() == 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), moved).await.expect("in time");
        assert_eq!((server.asked(), issuer.want_fresh()), (2, None));
        task.abort();
    });
}
