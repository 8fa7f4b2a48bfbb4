//! Signing what goes to AWS: the request as it is written, by the keys of a credential or of the caller.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::credential::{Credential, Keys};
use super::places::{Signed, SignedBy};
use crate::edge::fault::{Fault, FaultKind};
use crate::net::buffer::Buffer;
use crate::settings::CredentialSource;
use crate::sigv4::{self, Scope, SigningKey};

/// The one credential for a source of keys.
pub type FindCredential<'c> = &'c mut dyn FnMut(&CredentialSource) -> Arc<Credential>;

/// By whose keys the calls of one integration are signed, and for what.
#[derive(Debug)]
pub struct Signing {
    pub by: By,
    pub region: Box<str>,
    pub service: Box<str>,
    /// Four HMACs, made once a day and set of keys. Whichever core makes it last keeps it: they make the same.
    day: ArcSwapOption<Day>,
}

#[derive(Clone, Debug)]
pub enum By {
    Credential(Arc<Credential>),
    /// `arn:aws:iam::*:user/*`
    Caller,
}

#[derive(Debug)]
struct Day {
    keys: Arc<Keys>,
    day: u64,
    key: SigningKey,
}

const SECONDS_A_DAY: u64 = 86_400;

impl Signing {
    pub fn new(signed: &Signed, find: FindCredential<'_>) -> Self {
        let by = match &signed.by {
            SignedBy::Caller => By::Caller,
            SignedBy::Keys(source) => By::Credential(find(source)),
        };
        let (region, service) = (signed.region.as_str().into(), signed.service.as_str().into());
        Self { by, region, service, day: ArcSwapOption::empty() }
    }

    /// Adds the lines of the signature to a head that has all others but those of the framing. `caller` is whoever has
    /// signed the client's request.
    pub fn sign(
        &self,
        head: &mut Buffer,
        body: &[u8],
        caller: impl FnOnce() -> Option<Keys>,
        unix_seconds: u64,
    ) -> Result<(), Fault> {
        let keys = match &self.by {
            By::Credential(credential) => credential.keys(unix_seconds).ok_or_else(|| no_keys(&credential.name))?,
            By::Caller => Arc::new(caller().ok_or_else(|| no_keys("the caller, who has not signed her request"))?),
        };
        let day = unix_seconds / SECONDS_A_DAY;
        let is_todays = |known: &&Arc<Day>| known.day == day && Arc::ptr_eq(&known.keys, &keys);
        let today = match self.day.load().as_ref().filter(is_todays) {
            Some(known) => Arc::clone(known),
            None => {
                let key = self.derive(&keys, unix_seconds);
                let made = Arc::new(Day { key, keys: Arc::clone(&keys), day });
                // Each caller has keys of her own: they would push out one another.
                if matches!(self.by, By::Credential(_)) {
                    self.day.store(Some(Arc::clone(&made)));
                }
                made
            }
        };
        let signer = sigv4::Signer {
            access_key: &keys.access_key,
            key: &today.key,
            session_token: keys.session_token.as_ref().map(|token| token.reveal()),
            region: &self.region,
            service: &self.service,
        };
        let added = match written(head, body) {
            Some(request) => sigv4::sign(&request, &signer, unix_seconds.cast_signed()),
            None => return Err(Fault::because(FaultKind::Configuration, "the request cannot be signed")),
        };
        for (name, value) in added {
            for part in [name, ": ", &value, "\r\n"] {
                head.push(part.as_bytes());
            }
        }
        Ok(())
    }

    fn derive(&self, keys: &Keys, unix_seconds: u64) -> SigningKey {
        let date = sigv4::date(unix_seconds.cast_signed());
        SigningKey::derive(
            keys.secret_key.reveal(),
            Scope { date: &date, region: &self.region, service: &self.service },
        )
    }
}

/// AWS's words for a role that cannot be taken (rest/07 section 7.8).
fn no_keys(name: &str) -> Fault {
    let detail = format!("API Gateway does not have permission to assume the provided role: {name} has no keys");
    Fault::because(FaultKind::Configuration, detail)
}

/// A head that we wrote, as the signature sees it.
fn written<'a>(head: &'a [u8], body: &[u8]) -> Option<sigv4::Request<'a, impl sigv4::Headers<'a> + use<'a>>> {
    let end = memchr::memmem::find(head, b"\r\n")?;
    let mut parts = head[..end].split(|&byte| byte == b' ');
    let (method, target) = (parts.next()?, parts.next()?);
    let question = memchr::memchr(b'?', target);
    let headers = head[end + 2..].split(|&byte| byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    Some(sigv4::Request {
        method,
        path: question.map_or(target, |at| &target[..at]),
        query: question.map(|at| &target[at + 1..]),
        headers,
        body_hash: sigv4::hash(body),
    })
}
