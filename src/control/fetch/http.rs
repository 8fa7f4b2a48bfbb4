//! Questions over HTTP that block, within bounds: what issuers and AWS are asked with.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::net::tls::root_certificates;

pub struct Http {
    tls_roots: Vec<PathBuf>,
    /// Read when they are needed first: most processes ask nobody.
    roots: OnceLock<RootCerts>,
}

/// What one question may take.
pub struct Bounds {
    /// What begins under TLS stays there, redirects included.
    pub is_secure: bool,
    pub redirects: u32,
    pub connect: Duration,
    pub until: Instant,
}

impl Http {
    /// `tls_roots` are PEM files with roots beside the system's.
    pub fn new(tls_roots: Vec<PathBuf>) -> Self {
        Self { tls_roots, roots: OnceLock::new() }
    }

    /// For one question. A status is no error of it.
    pub fn agent(&self, bounds: &Bounds) -> Result<Agent, String> {
        let mut config = Agent::config_builder()
            .https_only(bounds.is_secure)
            .max_redirects(bounds.redirects)
            .timeout_connect(Some(bounds.connect))
            .timeout_global(Some(bounds.until.saturating_duration_since(Instant::now())))
            .http_status_as_error(false)
            .proxy(None);
        // Without TLS, and without a redirect that could lead there, roots are not looked at.
        if bounds.is_secure || bounds.redirects > 0 {
            let tls = TlsConfig::builder()
                .provider(TlsProvider::Rustls)
                .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
                .root_certs(self.roots()?)
                .build();
            config = config.tls_config(tls);
        }
        Ok(config.build().into())
    }

    /// Read before a question's time begins: it happens once, and is nothing that who is asked could do about.
    pub fn roots(&self) -> Result<RootCerts, String> {
        if let Some(roots) = self.roots.get() {
            return Ok(roots.clone());
        }
        let certificates = root_certificates(&self.tls_roots).map_err(|refused| refused.join("; "))?;
        let roots: RootCerts = certificates.iter().map(|it| Certificate::from_der(it).to_owned()).into();
        Ok(self.roots.get_or_init(|| roots).clone())
    }
}

pub fn is_https(url: &str) -> bool {
    has_scheme(url, "https://")
}

pub fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}
