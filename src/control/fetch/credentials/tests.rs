//! When keys are looked for, and what becomes of them.

use super::*;
use crate::control::fetch::credential_source::tests::{Server, json, variables, xml};
use crate::settings::Secret;

const ROLE: &str = "arn:aws:iam::123456789012:role/api";
/// 2040-01-01T00:00:00Z
const ENDS: u64 = 2_208_988_800;

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

/// A container that has keys at its address, and is where roles are assumed.
fn credentials(server: &Server) -> Credentials {
    let url = server.url("/keys");
    let client = Client::hasty(Duration::from_secs(5), variables(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]));
    Credentials::new(client, server.terms())
}

fn say_keys(server: &Server, access_key: &str) {
    server.say("GET /keys", "200 OK", &json(access_key, "Token", "2040-01-01T00:00:00Z"));
}

fn say_role(server: &Server, access_key: &str) {
    server.say("POST /", "200 OK", &xml("AssumeRole", access_key, "2040-01-01T00:00:00Z"));
}

fn keys(access_key: &str, expires: Option<u64>) -> Keys {
    Keys { access_key: access_key.into(), secret_key: Secret::new("hush"), session_token: None, expires }
}

fn access_key(credential: &Credential, unix: u64) -> String {
    credential.keys(unix).map_or("-".to_owned(), |keys| keys.access_key.clone())
}

/// How many attempts there were at this time.
async fn at(credentials: &Credentials, now: Now) -> usize {
    let begun = credentials.begin_due(now);
    let count = begun.len();
    for task in begun {
        task.await.expect("an attempt");
    }
    count
}

fn role() -> CredentialSource {
    CredentialSource::Assume(ROLE.into())
}

#[test]
fn one_source_is_asked_once_whoever_uses_it() {
    run(async {
        let server = Server::start();
        say_keys(&server, "A");
        let credentials = credentials(&server);
        let first = credentials.credential(&CredentialSource::Chain);
        assert_eq!((access_key(&first, 0), &*first.name), ("-".into(), "the default credentials"));
        credentials.first_keys().await;
        assert_eq!(access_key(&first, 0), "A");
        let second = credentials.clone().credential(&CredentialSource::Chain);
        credentials.first_keys().await;
        assert!(Arc::ptr_eq(&first, &second) && server.asked().len() == 1);
        drop((first, second));
        let later = Now { at: Instant::now() + Duration::from_secs(3600), unix: ENDS - 60 };
        assert_eq!((at(&credentials, later).await, credentials.table().next(0)), (0, None), "it is forgotten");
    });
}

#[test]
fn keys_of_the_settings_are_there_at_once() {
    run(async {
        let server = Server::start();
        let credentials = credentials(&server);
        let source = CredentialSource::Keys {
            access_key: "AKIA".into(),
            secret_key: Secret::new("hush"),
            session_token: Some(Secret::new("tok")),
        };
        let credential = credentials.credential(&source);
        let expected = Keys { session_token: Some(Secret::new("tok")), ..keys("AKIA", None) };
        assert_eq!(credential.keys(u64::MAX).as_deref(), Some(&expected));
        assert_eq!((at(&credentials, Now::get()).await, credentials.table().next(0)), (0, None));
        credentials.read_again(server.terms());
        assert_eq!(at(&credentials, Now::get()).await, 0);
    });
}

#[test]
fn a_role_waits_for_the_keys_that_assume_it() {
    run(async {
        let server = Server::start();
        say_keys(&server, "BASE");
        say_role(&server, "ROLE");
        let credentials = credentials(&server);
        let credential = credentials.credential(&role());
        assert_eq!(&*credential.name, format!("the credentials of the role {ROLE}"));
        credentials.first_keys().await;
        assert_eq!(access_key(&credential, 0), "ROLE");
        let asked = server.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked[1].contains("Credential=BASE/"));
        // The default ones are the same, whoever asks for them, and go with the last role.
        let base = credentials.credential(&CredentialSource::Chain);
        assert_eq!(access_key(&base, 0), "BASE");
        drop((base, credential));
        assert_eq!((at(&credentials, Now::get()).await, at(&credentials, Now::get()).await), (0, 0));
        assert!(credentials.table().followed.is_empty());
    });
}

#[test]
fn a_role_follows_when_its_base_is_found_again() {
    run(async {
        let server = Server::start();
        server.say("GET /keys", "500 Oh", "");
        say_role(&server, "ROLE");
        let credentials = credentials(&server);
        let credential = credentials.credential(&role());
        credentials.first_keys().await;
        assert_eq!(access_key(&credential, 0), "-");
        say_keys(&server, "BASE");
        let later = Now { at: Instant::now() + CREDENTIALS_RETRY_MAX, ..Now::get() };
        // Both are due, and the role's attempt begins without keys; it is due again as soon as there are some.
        at(&credentials, later).await;
        at(&credentials, later).await;
        assert_eq!(access_key(&credential, 0), "ROLE");
    });
}

#[test]
fn keys_are_asked_for_again_before_they_end() {
    for (left, expected) in [
        (Some(3_600), 3_300),
        (Some(1_200), 900),
        (Some(900), 675),
        (Some(100), 75),
        (Some(1), 1),
        (Some(0), 1),
        (Some(u64::MAX / 2), 24 * 3600 - 300),
        (None, 900),
    ] {
        let after = refresh_after(left.map(|left: u64| 1_000 + left), 1_000);
        assert_eq!(after.max(Duration::from_secs(1)).as_secs(), expected, "{left:?}");
    }
    run(async {
        let server = Server::start();
        let credentials = credentials(&server);
        let credential = credentials.credential(&CredentialSource::Chain);
        let now = Now { at: Instant::now(), unix: 1_000 };
        assert_eq!(credentials.table().settle(&credential, Ok(keys("A", Some(4_600))), now), None);
        assert_eq!(credentials.table().next(1_000), Some(now.at + Duration::from_secs(3_300)));
        say_keys(&server, "B");
        let almost = Now { at: now.at + Duration::from_secs(3_299), unix: 4_299 };
        assert_eq!((at(&credentials, almost).await, access_key(&credential, 4_299)), (0, "A".into()));
        let due = Now { at: now.at + Duration::from_secs(3_300), unix: 4_300 };
        assert_eq!((at(&credentials, due).await, access_key(&credential, 4_300)), (1, "B".into()));
    });
}

#[test]
fn failures_keep_the_keys_to_their_end_and_are_told_once() {
    run(async {
        let credentials = credentials(&Server::start());
        let credential = credentials.credential(&CredentialSource::Chain);
        let began = Now { at: Instant::now(), unix: 1_000 };
        let settle = |answer: Result<Keys, &str>, now: Now| {
            credentials.table().settle(&credential, answer.map_err(str::to_owned), now)
        };
        let due = || credentials.table().followed[0].due;
        assert_eq!(settle(Ok(keys("A", Some(1_100))), began), None);
        let mut now = began;
        let mut step = |seconds: u64| {
            now = Now { at: now.at + Duration::from_secs(seconds), unix: now.unix + seconds };
            now
        };
        let now = step(75);
        assert_eq!(
            settle(Err("down"), now).as_deref(),
            Some("the default credentials: down; the last known keys are used until they end")
        );
        let mut now = now;
        for (failure, seconds) in [1, 2, 4, 8].into_iter().enumerate() {
            assert_eq!(due(), Some(now.at + Duration::from_secs(seconds)), "{failure}");
            now = step(seconds);
            assert_eq!((settle(Err("down"), now), access_key(&credential, now.unix)), (None, "A".into()));
        }
        let now = step(16);
        assert_eq!(
            settle(Err("down"), now).as_deref(),
            Some("the default credentials: down; calls to sign with them fail until there are keys")
        );
        assert!(credential.keys(0).is_none(), "keys that have ended are not kept");
        for seconds in [32, 60, 60] {
            assert_eq!(due(), Some(step(0).at + Duration::from_secs(seconds)));
            assert_eq!(settle(Err("still down"), step(seconds)), None);
        }
        let now = step(60);
        let ended = settle(Ok(keys("B", Some(now.unix))), now);
        assert_eq!((ended, access_key(&credential, now.unix)), (None, "-".into()));
        let found = settle(Ok(keys("B", None)), now);
        assert_eq!(found.as_deref(), Some("the default credentials: there are keys again"));
        assert_eq!((access_key(&credential, now.unix), due()), ("B".into(), Some(now.at + CREDENTIALS_REREAD)));
    });
}

#[test]
fn a_start_goes_on_without_keys_and_is_told_why() {
    run(async {
        let server = Server::start();
        let url = server.url("/silent");
        let client =
            Client::hasty(Duration::from_millis(200), variables(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]));
        let credentials = Credentials::new(client, server.terms());
        let credential = credentials.credential(&CredentialSource::Chain);
        let began = std::time::Instant::now();
        credentials.first_keys().await;
        assert!(began.elapsed() < CREDENTIALS_TIMEOUT + Duration::from_secs(5) && credential.keys(0).is_none());
        let told = credentials.table().settle(&credential, Err("down".into()), Now::get());
        assert_eq!(told, None, "it was told already");
    });
}

#[test]
fn a_reload_asks_anew_and_may_name_other_sources() {
    run(async {
        let server = Server::start();
        say_keys(&server, "A");
        say_role(&server, "ROLE");
        let credentials = credentials(&server);
        let (chain, assumed) = (credentials.credential(&CredentialSource::Chain), credentials.credential(&role()));
        credentials.first_keys().await;
        say_keys(&server, "B");
        assert_eq!(at(&credentials, Now::get()).await, 0);
        let source =
            CredentialSource::Keys { access_key: "FIXED".into(), secret_key: Secret::new("hush"), session_token: None };
        credentials.read_again(Terms { default: source, ..server.terms() });
        assert_eq!((access_key(&chain, 0), at(&credentials, Now::get()).await), ("A".into(), 2));
        assert_eq!((access_key(&chain, 0), access_key(&assumed, 0)), ("B".into(), "ROLE".into()));
        assert!(server.asked().iter().any(|asked| asked.contains("Credential=FIXED/")));
        // One that is under way is asked once more.
        credentials.table().followed[0].is_fetching = true;
        credentials.read_again(server.terms());
        let now = Now::get();
        credentials.table().settle(&chain, Ok(keys("OLD", None)), now);
        assert_eq!(credentials.table().followed[0].due, Some(now.at));
    });
}

#[test]
fn the_task_keeps_keys_without_being_asked() {
    run(async {
        let server = Server::start();
        say_keys(&server, "A");
        let credentials = credentials(&server);
        let task = tokio::spawn(credentials.clone().refresh());
        let credential = credentials.credential(&CredentialSource::Chain);
        let found = |expected: &'static str| {
            let credential = Arc::clone(&credential);
            async move {
                let there = async {
                    while access_key(&credential, 0) != expected {
                        sleep(Duration::from_millis(5)).await;
                    }
                };
                timeout(Duration::from_secs(20), there).await.expect("in time");
            }
        };
        found("A").await;
        say_keys(&server, "B");
        credentials.read_again(server.terms());
        found("B").await;
        task.abort();
    });
}
