//! Addresses of the backends' names: asked for at a deployment, then followed as long as somebody uses them.
//!
//! A name that was resolved once keeps its addresses through any failure of DNS: stale ones work more often than none.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::control::tell::tell;
use crate::settings::UpstreamOverride;
use crate::settings::limits::{
    DNS_ADDRESSES_MAX, DNS_LOOKUPS_AT_ONCE, DNS_REFRESH_MAX, DNS_REFRESH_MIN, DNS_RETRY_MAX, DNS_TIMEOUT,
    DNS_TRY_TIMEOUT,
};

/// Asks the system's DNS servers, and `/etc/hosts` before them.
#[derive(Clone)]
pub struct Resolver {
    hickory: TokioResolver,
}

/// A host and port, and where it is now. The addresses may be empty: DNS has not answered yet.
#[derive(Clone, Debug)]
pub struct Watched {
    pub host: String,
    pub port: u16,
    pub addresses: Arc<ArcSwap<Vec<SocketAddr>>>,
}

/// One name of a deployment.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub watched: Watched,
    /// Why there are no fresh addresses; DNS is asked again in the background.
    pub failure: Option<String>,
}

/// All names that are followed. Clones are the same table.
#[derive(Clone)]
pub struct Names {
    shared: Arc<Shared>,
}

struct Shared {
    resolver: Resolver,
    overrides: Vec<UpstreamOverride>,
    followed: Mutex<Vec<Followed>>,
    /// There are new names to follow.
    added: Notify,
}

struct Followed {
    watched: Watched,
    due: Instant,
    /// In a row.
    failures: u32,
}

/// Addresses, and how long they may be used.
struct Answer {
    addresses: Vec<IpAddr>,
    lifetime: Duration,
}

impl Resolver {
    pub fn new() -> Result<Self, NetError> {
        let mut builder = TokioResolver::builder_tokio()?;
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.timeout = options.timeout.min(DNS_TRY_TIMEOUT);
        options.attempts = 1;
        // This table is the cache; a second one would only answer what has just run out.
        options.cache_size = 0;
        Ok(Self { hickory: builder.build()? })
    }

    async fn ask(&self, host: &str) -> Result<Answer, String> {
        let lookup = match timeout(DNS_TIMEOUT, self.hickory.lookup_ip(host)).await {
            Ok(Ok(lookup)) => lookup,
            Ok(Err(error)) if error.is_nx_domain() => return Err("there is no such name".into()),
            Ok(Err(error)) if error.is_no_records_found() => return Err("the name has no addresses".into()),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("DNS did not answer within {DNS_TIMEOUT:?}")),
        };
        // A chain of CNAMEs lives as long as its shortest link.
        let ttl = lookup.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
        let addresses: Vec<IpAddr> = lookup.iter().take(DNS_ADDRESSES_MAX).collect();
        if addresses.is_empty() {
            return Err("the name has no addresses".into());
        }
        Ok(Answer { addresses, lifetime: Duration::from_secs(ttl.into()).clamp(DNS_REFRESH_MIN, DNS_REFRESH_MAX) })
    }
}

impl Names {
    pub fn new(resolver: Resolver, overrides: Vec<UpstreamOverride>) -> Self {
        let shared = Shared { resolver, overrides, followed: Mutex::default(), added: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Every name of a deployment, in the order asked for, after [`DNS_TIMEOUT`] at most for each
    /// [`DNS_LOOKUPS_AT_ONCE`] of them. A name that is followed already is not asked for again.
    pub async fn resolve_all(&self, wanted: &[(String, u16)]) -> Vec<Resolved> {
        let mut resolved: Vec<Resolved> = Vec::with_capacity(wanted.len());
        let mut unknown = Vec::new();
        for (host, port) in wanted {
            let host = host.to_ascii_lowercase();
            let same = |watched: &Watched| watched.host == host && watched.port == *port;
            let earlier = resolved.iter().map(|resolved| &resolved.watched).find(|watched| same(watched)).cloned();
            let watched = earlier.or_else(|| self.known(same));
            let watched = watched.unwrap_or_else(|| {
                let fixed = self.fixed(&host, *port);
                if fixed.is_none() {
                    unknown.push(resolved.len());
                }
                let addresses = Arc::new(ArcSwap::from_pointee(fixed.unwrap_or_default()));
                Watched { host, port: *port, addresses }
            });
            resolved.push(Resolved { watched, failure: None });
        }
        // Followed before they are asked for: whatever becomes of the question, it is asked again.
        let retry = Instant::now() + DNS_TIMEOUT;
        for &index in &unknown {
            resolved[index].failure = Some("DNS was not asked".into());
            self.followed().push(Followed { watched: resolved[index].watched.clone(), due: retry, failures: 0 });
        }
        let questions = unknown.iter().map(|&index| (index, resolved[index].watched.host.clone())).collect();
        for (index, answer) in self.ask_all(questions).await {
            let watched = resolved[index].watched.clone();
            self.settle(&watched, &answer, Instant::now());
            resolved[index].failure = answer.err();
        }
        self.shared.added.notify_one();
        resolved
    }

    /// Follows the names for ever: each is asked for again when its answer has run out.
    pub async fn refresh(self) {
        loop {
            let next = self.refresh_due(Instant::now()).await;
            let wait = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = self.shared.added.notified() => {}
            }
        }
    }

    /// Asks for what has run out by `now`, and says when the next one will have.
    async fn refresh_due(&self, now: Instant) -> Option<Instant> {
        let due: Vec<Watched> = {
            let mut followed = self.followed();
            // The table's own is the only one left: no snapshot uses the name any more.
            followed.retain(|name| Arc::strong_count(&name.watched.addresses) > 1);
            let due = followed.iter_mut().filter(|name| name.due <= now);
            due.map(|name| {
                name.due = now + DNS_TIMEOUT;
                name.watched.clone()
            })
            .collect()
        };
        let questions = due.iter().map(|watched| watched.host.clone()).enumerate().collect();
        for (index, answer) in self.ask_all(questions).await {
            self.settle(&due[index], &answer, now);
        }
        self.followed().iter().map(|name| name.due).min()
    }

    /// Publishes an answer, and notes when the name is due again.
    fn settle(&self, watched: &Watched, answer: &Result<Answer, String>, now: Instant) {
        if let Ok(answer) = answer {
            publish(watched, &answer.addresses);
        }
        let mut followed = self.followed();
        let same = |name: &&mut Followed| Arc::ptr_eq(&name.watched.addresses, &watched.addresses);
        let Some(name) = followed.iter_mut().find(same) else { return };
        // Told when it begins to fail and when it is over, not each time in between.
        match answer {
            Err(error) if name.failures == 0 => {
                let kept = if watched.addresses.load().is_empty() { "" } else { "; the last known addresses are kept" };
                tell(format_args!("{}: {error}{kept}", watched.host));
            }
            Ok(_) if name.failures > 0 => tell(format_args!("{}: resolved again", watched.host)),
            _ => {}
        }
        name.failures = if answer.is_err() { name.failures.saturating_add(1) } else { 0 };
        name.due = now + answer.as_ref().map_or_else(|_| retry_after(name.failures), |answer| answer.lifetime);
    }

    /// Asks for all, a few at once.
    async fn ask_all(&self, questions: Vec<(usize, String)>) -> Vec<(usize, Result<Answer, String>)> {
        let places = Arc::new(Semaphore::new(DNS_LOOKUPS_AT_ONCE));
        let mut asking = JoinSet::new();
        for (index, host) in questions {
            let (resolver, places) = (self.shared.resolver.clone(), Arc::clone(&places));
            asking.spawn(async move {
                let _place = places.acquire_owned().await;
                (index, resolver.ask(&host).await)
            });
        }
        let mut answers = Vec::with_capacity(asking.len());
        while let Some(asked) = asking.join_next().await {
            // A panic inside the resolver costs that one answer: the name is due again in any case.
            answers.extend(asked);
        }
        answers
    }

    /// What no DNS is asked for: overrides and IP literals.
    fn fixed(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let with_port = format!("{host}:{port}");
        let overrides = &self.shared.overrides;
        let chosen = overrides.iter().find(|it| it.authority == with_port);
        if let Some(chosen) = chosen.or_else(|| overrides.iter().find(|it| it.authority == host)) {
            return Some(chosen.addresses.clone());
        }
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        literal.parse::<IpAddr>().ok().map(|ip| vec![SocketAddr::new(ip, port)])
    }

    fn known(&self, same: impl Fn(&Watched) -> bool) -> Option<Watched> {
        self.followed().iter().map(|name| &name.watched).find(|watched| same(watched)).cloned()
    }

    fn followed(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.shared.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Servers turn their answers round; the same set in another order is nothing new for the pools.
fn publish(watched: &Watched, addresses: &[IpAddr]) {
    let mut fresh: Vec<_> = addresses.iter().map(|&ip| SocketAddr::new(ip, watched.port)).collect();
    fresh.sort_by_key(|address| (address.is_ipv6(), *address));
    fresh.dedup();
    if *watched.addresses.load().as_ref() != fresh {
        watched.addresses.store(Arc::new(fresh));
    }
}

/// 1 s, 2 s, 4 s …
fn retry_after(failures: u32) -> Duration {
    DNS_REFRESH_MIN.saturating_mul(1 << (failures.saturating_sub(1)).min(16)).min(DNS_RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use tokio::net::UdpSocket;

    use super::*;

    /// A DNS server of three kinds of answer.
    #[derive(Clone)]
    enum Says {
        Addresses(u32, Vec<IpAddr>),
        NoSuchName,
        ServerFailure,
    }

    struct Server {
        says: Arc<Mutex<HashMap<String, Says>>>,
        asked: Arc<Mutex<Vec<String>>>,
        address: SocketAddr,
    }

    impl Server {
        async fn start() -> Self {
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
            let address = socket.local_addr().expect("an address");
            let says: Arc<Mutex<HashMap<String, Says>>> = Arc::default();
            let asked: Arc<Mutex<Vec<String>>> = Arc::default();
            let (table, log) = (Arc::clone(&says), Arc::clone(&asked));
            tokio::spawn(async move {
                let mut query = [0; 1500];
                while let Ok((length, from)) = socket.recv_from(&mut query).await {
                    let name = name_of(&query[12..length]);
                    log.lock().expect("a lock").push(name.clone());
                    let answer = table.lock().expect("a lock").get(&name).cloned().unwrap_or(Says::NoSuchName);
                    let _ = socket.send_to(&response(&query[..length], &answer), from).await;
                }
            });
            Self { says, asked, address }
        }

        fn say(&self, name: &str, says: Says) {
            self.says.lock().expect("a lock").insert(name.into(), says);
        }

        fn asked(&self) -> usize {
            self.asked.lock().expect("a lock").len()
        }

        fn names(&self, overrides: Vec<UpstreamOverride>) -> Names {
            let mut udp = ConnectionConfig::udp();
            udp.port = self.address.port();
            let server = NameServerConfig::new(self.address.ip(), true, vec![udp]);
            let config = ResolverConfig::from_parts(None, vec![], vec![server]);
            let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
            builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            builder.options_mut().cache_size = 0;
            Names::new(Resolver { hickory: builder.build().expect("a resolver") }, overrides)
        }
    }

    /// Labels, each with its length before it, to the empty one (RFC 1035 section 3.1).
    fn name_of(mut bytes: &[u8]) -> String {
        let mut labels = Vec::new();
        while let Some((&length, rest)) = bytes.split_first().filter(|(length, _)| **length > 0) {
            let (label, after) = rest.split_at(usize::from(length));
            labels.push(String::from_utf8_lossy(label).to_lowercase());
            bytes = after;
        }
        labels.join(".")
    }

    fn response(query: &[u8], says: &Says) -> Vec<u8> {
        let question_end = 12 + query[12..].iter().position(|&byte| byte == 0).expect("an end") + 5;
        let aaaa = query[question_end - 3] == 28;
        let (code, records): (u8, Vec<(u32, IpAddr)>) = match says {
            Says::NoSuchName => (3, vec![]),
            Says::ServerFailure => (2, vec![]),
            Says::Addresses(ttl, addresses) => {
                let fitting = addresses.iter().filter(|ip| ip.is_ipv6() == aaaa);
                (0, fitting.map(|ip| (*ttl, *ip)).collect())
            }
        };
        let mut out = query[..2].to_vec();
        // A response to a recursive question; one question, so many answers, nothing more.
        out.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
        out.extend(&query[12..question_end]);
        for (ttl, ip) in records {
            out.extend([0xc0, 12, 0, if aaaa { 28 } else { 1 }, 0, 1]);
            out.extend(ttl.to_be_bytes());
            match ip {
                IpAddr::V4(ip) => out.extend([0, 4].into_iter().chain(ip.octets())),
                IpAddr::V6(ip) => out.extend([0, 16].into_iter().chain(ip.octets())),
            }
        }
        out
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
    }

    fn ips(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    async fn one(names: &Names, host: &str, port: u16) -> Resolved {
        names.resolve_all(&[(host.to_owned(), port)]).await.remove(0)
    }

    fn addresses(watched: &Watched) -> Vec<String> {
        watched.addresses.load().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn both_families_are_answered_and_kept_for_their_time() {
        run(async {
            let server = Server::start().await;
            server.say("pets.test", Says::Addresses(60, ips(&["10.0.0.2", "10.0.0.1", "fd00::1"])));
            let names = server.names(vec![]);
            let pets = one(&names, "Pets.test", 80).await;
            assert_eq!(pets.failure, None);
            assert_eq!(addresses(&pets.watched), ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]);
            let asked = server.asked();

            // Neither a second deployment nor a refresh before its time asks again.
            let again = one(&names, "pets.test", 80).await;
            assert!(Arc::ptr_eq(&again.watched.addresses, &pets.watched.addresses));
            let now = Instant::now();
            let due = names.refresh_due(now).await.expect("followed");
            assert!(due > now + Duration::from_secs(50) && due <= now + Duration::from_secs(60));
            assert_eq!(server.asked(), asked);

            server.say("pets.test", Says::Addresses(0, ips(&["10.0.0.3"])));
            let due_after = names.refresh_due(due).await.expect("followed");
            assert_eq!(addresses(&pets.watched), ["10.0.0.3:80"]);
            assert_eq!(due_after, due + DNS_REFRESH_MIN);
        });
    }

    #[test]
    fn failures_keep_what_was_known() {
        run(async {
            let server = Server::start().await;
            server.say("pets.test", Says::Addresses(1, ips(&["10.0.0.1"])));
            let names = server.names(vec![]);
            let pets = one(&names, "pets.test", 80).await;
            let mut due = Instant::now() + Duration::from_secs(2);
            for (says, wait_s) in [(Says::NoSuchName, 1), (Says::ServerFailure, 2), (Says::NoSuchName, 4)] {
                server.say("pets.test", says);
                let next = names.refresh_due(due).await.expect("followed");
                assert_eq!(addresses(&pets.watched), ["10.0.0.1:80"]);
                assert_eq!(next, due + Duration::from_secs(wait_s));
                due = next;
            }
            server.say("pets.test", Says::Addresses(100_000, ips(&["10.0.0.9"])));
            assert_eq!(names.refresh_due(due).await, Some(due + DNS_REFRESH_MAX));
            assert_eq!(addresses(&pets.watched), ["10.0.0.9:80"]);
        });
    }

    #[test]
    fn a_name_that_is_not_there_is_told_and_followed() {
        run(async {
            let server = Server::start().await;
            let names = server.names(vec![]);
            let late = one(&names, "late.test", 80).await;
            assert_eq!(late.failure.as_deref(), Some("there is no such name"));
            assert_eq!(addresses(&late.watched), Vec::<String>::new());
            server.say("late.test", Says::Addresses(60, ips(&["10.0.0.1"])));
            names.refresh_due(Instant::now() + DNS_REFRESH_MIN).await;
            assert_eq!(addresses(&late.watched), ["10.0.0.1:80"]);
        });
    }

    #[test]
    fn literals_overrides_and_localhost_ask_nobody() {
        run(async {
            let server = Server::start().await;
            let to = |authority: &str, address: &str| UpstreamOverride {
                authority: authority.into(),
                addresses: vec![address.parse().expect("an address")],
            };
            let names = server.names(vec![to("pets", "10.0.0.1:1"), to("pets:81", "10.0.0.2:2")]);
            for (host, port, expected) in [
                ("10.1.2.3", 80, "10.1.2.3:80"),
                ("[::1]", 80, "[::1]:80"),
                ("PETS", 80, "10.0.0.1:1"),
                ("pets", 81, "10.0.0.2:2"),
            ] {
                assert_eq!(addresses(&one(&names, host, port).await.watched), [expected], "{host}");
            }
            let local = one(&names, "localhost", 80).await.watched;
            assert!(addresses(&local).contains(&"127.0.0.1:80".to_owned()), "{:?}", addresses(&local));
            assert_eq!(server.asked(), 0);
        });
    }

    #[test]
    fn a_name_that_nobody_uses_is_dropped() {
        run(async {
            let server = Server::start().await;
            server.say("pets.test", Says::Addresses(60, ips(&["10.0.0.1"])));
            let names = server.names(vec![]);
            let pets = one(&names, "pets.test", 80).await;
            assert!(names.refresh_due(Instant::now()).await.is_some());
            drop(pets);
            assert!(names.refresh_due(Instant::now()).await.is_none());
        });
    }

    #[test]
    fn the_task_follows_names_that_come_later() {
        run(async {
            let server = Server::start().await;
            let names = server.names(vec![]);
            let task = tokio::spawn(names.clone().refresh());
            server.say("pets.test", Says::Addresses(0, ips(&["10.0.0.1"])));
            let pets = one(&names, "pets.test", 80).await.watched;
            server.say("pets.test", Says::Addresses(60, ips(&["10.0.0.2"])));
            let moved = async {
                while addresses(&pets) != ["10.0.0.2:80"] {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(Duration::from_secs(20), moved).await.expect("in time");
            task.abort();
        });
    }
}
