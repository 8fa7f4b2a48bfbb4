//! Backends: one entry for each scheme, host and port, the same at every deployment.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;

use crate::net::tls::{ClientConfig, ServerName};

/// The addresses of one name, replaced as a whole when DNS says something else.
pub type Addresses = Arc<ArcSwap<Vec<SocketAddr>>>;

/// A backend.
pub struct Endpoint {
    /// Its place in every core's pools.
    pub id: u32,
    /// In lower case; IPv6 in brackets.
    pub host: String,
    pub port: u16,
    pub tls: Option<(ClientConfig, ServerName)>,
    /// Kept fresh by the control thread, which sets it before the first request can come; read when a connection is
    /// opened.
    addresses: OnceLock<Addresses>,
    /// Which address the next connection tries first, so that several share the load.
    next: AtomicU32,
}

impl Endpoint {
    pub fn new(id: u32, host: String, port: u16, tls: Option<(ClientConfig, ServerName)>) -> Self {
        Self { id, host, port, tls, addresses: OnceLock::new(), next: AtomicU32::new(0) }
    }

    /// Names the place where this backend's addresses are kept. The first one named is kept to.
    pub fn follow(&self, addresses: Addresses) {
        let _ = self.addresses.set(addresses);
    }

    /// Whether [`Endpoint::follow`] has been told.
    pub fn is_followed(&self) -> bool {
        self.addresses.get().is_some()
    }

    /// Whether its name has no address at all.
    pub fn is_unresolved(&self) -> bool {
        self.addresses.get().is_none_or(|addresses| addresses.load().is_empty())
    }

    /// The addresses in the order in which to try them.
    pub fn attempts(&self, most: usize) -> impl Iterator<Item = SocketAddr> {
        let addresses = self.addresses.get().map_or_else(Arc::default, |addresses| addresses.load_full());
        let first = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        let count = addresses.len();
        (0..count.min(most)).filter_map(move |step| addresses.get((first + step) % count).copied())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// All backends that the process has met. An id is never given twice, so that pools need no lookup.
#[derive(Default)]
pub struct Endpoints {
    known: Vec<Arc<Endpoint>>,
}

impl Endpoints {
    /// The endpoint of this scheme, host and port; a new one where there was none.
    pub fn endpoint(&mut self, host: &str, port: u16, tls: Option<(ClientConfig, ServerName)>) -> Arc<Endpoint> {
        let same = |known: &&Arc<Endpoint>| {
            known.host == host
                && known.port == port
                && match (&known.tls, &tls) {
                    (None, None) => true,
                    (Some((config, _)), Some((wanted, _))) => Arc::ptr_eq(config, wanted),
                    _ => false,
                }
        };
        if let Some(known) = self.known.iter().find(same) {
            return Arc::clone(known);
        }
        let id = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let fresh = Arc::new(Endpoint::new(id, host.to_owned(), port, tls));
        self.known.push(Arc::clone(&fresh));
        fresh
    }

    pub fn all(&self) -> &[Arc<Endpoint>] {
        &self.known
    }
}
