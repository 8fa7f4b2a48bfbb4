//! Where an issuer's keys come from: an address, a file, or what the issuer says of itself (OpenID Connect Discovery 1.0).
//!
//! Everything here blocks, within bounds of time and size.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::ResponseExt;

use super::http::{Bounds, Http, has_scheme, is_https};
use crate::edge::identity::jwt::KeySet;
use crate::lang::unique_json;
use crate::settings::limits::{JWKS_BYTES_MAX, JWKS_CONNECT_TIMEOUT, JWKS_REDIRECTS_MAX, JWKS_TIMEOUT};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// `http://` or `https://`.
    Url(String),
    File(PathBuf),
    /// `{issuer}/.well-known/openid-configuration` says where.
    Discovery,
}

/// Asks issuers, or the disk.
pub struct Client {
    http: Http,
    connect_timeout: Duration,
    timeout: Duration,
}

impl Client {
    /// `tls_roots` are PEM files with roots beside the system's.
    pub fn new(tls_roots: Vec<PathBuf>) -> Self {
        Self { http: Http::new(tls_roots), connect_timeout: JWKS_CONNECT_TIMEOUT, timeout: JWKS_TIMEOUT }
    }

    #[cfg(test)]
    pub(super) fn hasty(timeout: Duration) -> Self {
        Self { timeout, ..Self::new(Vec::new()) }
    }

    /// The keys that there are now, or one sentence that says why not.
    pub fn keys(&self, issuer: &str, source: &KeySource) -> Result<KeySet, String> {
        // Not counted: it happens once, and is nothing that an issuer could do about.
        if !matches!(source, KeySource::File(_)) {
            self.http.roots()?;
        }
        let document = match source {
            KeySource::Url(url) => self.get(url, Instant::now() + self.timeout)?,
            KeySource::File(path) => {
                let told = |error: std::io::Error| format!("{}: {error}", path.display());
                let mut document = Vec::new();
                let file = File::open(path).map_err(told)?;
                // One byte more shows that it is too long.
                file.take(JWKS_BYTES_MAX as u64 + 1).read_to_end(&mut document).map_err(told)?;
                document
            }
            KeySource::Discovery => {
                let until = Instant::now() + self.timeout;
                let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                self.get(&jwks_uri(issuer, &self.get(&url, until)?)?, until)?
            }
        };
        KeySet::parse(&document).map_err(|error| error.to_string())
    }

    fn get(&self, url: &str, until: Instant) -> Result<Vec<u8>, String> {
        let is_secure = is_https(url);
        if !is_secure && !has_scheme(url, "http://") {
            return Err(format!("{url:?} is no http:// or https:// address"));
        }
        let (redirects, connect) = (JWKS_REDIRECTS_MAX, self.connect_timeout);
        let agent = self.http.agent(&Bounds { is_secure, redirects, connect, until })?;
        let failed = |error: ureq::Error| format!("{url}: {}", error.to_string().escape_debug());
        let request = agent.get(url).header("accept", "application/json");
        let mut response = request.call().map_err(failed)?;
        if response.status() != 200 {
            let from = response.get_uri().to_string();
            let redirected = if from == url { String::new() } else { format!(" (from {})", from.escape_debug()) };
            return Err(format!("{url}: it answers {}{redirected}", response.status()));
        }
        response.body_mut().with_config().limit(JWKS_BYTES_MAX as u64).read_to_vec().map_err(failed)
    }
}

/// OpenID Connect Discovery 1.0 section 4.3: the document's `issuer` is the one that was asked, letter by letter. Else
/// whoever may write a file on a host could speak for another issuer there.
fn jwks_uri(issuer: &str, document: &[u8]) -> Result<String, String> {
    let document =
        unique_json::parse(document).map_err(|error| format!("the discovery document is not JSON: {error}"))?;
    match document.get("issuer").and_then(Value::as_str) {
        Some(said) if said == issuer => {}
        Some(said) => return Err(format!("the discovery document is {said:?}'s")),
        None => return Err("the discovery document says no `issuer`".into()),
    }
    let uri = document.get("jwks_uri").and_then(Value::as_str).ok_or("the discovery document has no `jwks_uri`")?;
    if is_https(issuer) && !is_https(uri) {
        return Err(format!("its `jwks_uri` {uri:?} is not https://, as the issuer is"));
    }
    Ok(uri.to_owned())
}

#[cfg(test)]
pub mod tests;
