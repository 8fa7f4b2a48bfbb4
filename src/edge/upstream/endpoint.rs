//! Backends: one entry for each scheme, host and port, the same at every deployment.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use hashbrown::HashMap;

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

impl Endpoint {
    /// `scheme://host`, with the port where it is not the scheme's own.
    pub fn url(&self) -> String {
        let (scheme, own) = if self.tls.is_some() { ("https", 443) } else { ("http", 80) };
        match self.port {
            port if port == own => format!("{scheme}://{}", self.host),
            port => format!("{scheme}://{}:{port}", self.host),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.url())
    }
}

/// All backends that some stage uses. An id is never given twice: cores find their pools by it, and a connection that
/// rests under the id of a backend that is gone is nobody else's until it has rested too long.
#[derive(Default)]
pub struct Endpoints {
    by_host: HashMap<String, Vec<Arc<Endpoint>>>,
    next_id: u32,
}

impl Endpoints {
    /// The endpoint of this scheme, host and port; a new one where there was none.
    pub fn endpoint(&mut self, host: &str, port: u16, tls: Option<(ClientConfig, ServerName)>) -> Arc<Endpoint> {
        let same = |known: &&Arc<Endpoint>| {
            known.port == port
                && match (&known.tls, &tls) {
                    (None, None) => true,
                    (Some((config, _)), Some((wanted, _))) => Arc::ptr_eq(config, wanted),
                    _ => false,
                }
        };
        let of_host = self.by_host.entry_ref(host).or_default();
        if let Some(known) = of_host.iter().find(same) {
            return Arc::clone(known);
        }
        let fresh = Arc::new(Endpoint::new(self.next_id, host.to_owned(), port, tls));
        self.next_id += 1;
        of_host.push(Arc::clone(&fresh));
        fresh
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Endpoint>> {
        self.by_host.values().flatten()
    }

    /// Forgets those that nothing uses but this table; with them their names end to be resolved.
    pub fn forget_unused(&mut self) {
        self.by_host.retain(|_, endpoints| {
            endpoints.retain(|endpoint| Arc::strong_count(endpoint) > 1);
            !endpoints.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_kept_while_somebody_uses_them_and_ids_are_given_once() {
        let mut endpoints = Endpoints::default();
        let kept = endpoints.endpoint("pets.test", 80, None);
        let gone = endpoints.endpoint("pets.test", 81, None).id;
        assert_eq!(endpoints.endpoint("pets.test", 80, None).id, kept.id);
        endpoints.forget_unused();
        assert_eq!(endpoints.all().map(|endpoint| endpoint.id).collect::<Vec<_>>(), [kept.id]);
        let again = endpoints.endpoint("pets.test", 81, None);
        assert!(again.id != gone && again.id != kept.id);
    }
}
