//! Where keys of an AWS account come from: as AWS's tools look for them, a profile, the settings, or a role that is
//! assumed with other keys.
//!
//! Everything here blocks, within bounds of time and size. Nothing of a secret is in what is told.

mod asking;
mod metadata;
mod process;
mod profile;
mod sts;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde_json::Value;

use super::http::Http;
use crate::edge::upstream::credential::Keys;
use crate::lang::unique_json;
use crate::settings::limits::{CREDENTIALS_CONNECT_TIMEOUT, CREDENTIALS_TIMEOUT};
use crate::settings::{CredentialSource, LambdaEndpoint, Secret, Settings};

/// The environment by name, as a value: tests have their own.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Asks for keys.
pub struct Client {
    http: Http,
    variables: Variables,
    connect_timeout: Duration,
    timeout: Duration,
}

/// What the settings say beside a source. A reload may change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub region: String,
    /// In place of AWS's own Security Token Service.
    pub sts: Option<LambdaEndpoint>,
    /// What signs where no role is named, and so what assumes roles.
    pub default: CredentialSource,
}

impl Terms {
    pub fn of(settings: &Settings) -> Self {
        let (endpoints, roles) = (&settings.aws.endpoints, &settings.aws.roles);
        let sts = endpoints.get("sts").or_else(|| endpoints.get("*")).cloned();
        let default = roles.iter().find(|it| it.role == "default").map(|it| it.source.clone());
        Self { region: settings.region.clone(), sts, default: default.unwrap_or_default() }
    }

    /// With whose keys a role is assumed: the default ones, which cannot be assumed by themselves.
    pub fn base(&self) -> CredentialSource {
        match &self.default {
            CredentialSource::Assume(_) => CredentialSource::Chain,
            other => other.clone(),
        }
    }
}

impl Client {
    pub fn new(tls_roots: Vec<PathBuf>, variables: Variables) -> Self {
        Self {
            http: Http::new(tls_roots),
            variables,
            connect_timeout: CREDENTIALS_CONNECT_TIMEOUT,
            timeout: CREDENTIALS_TIMEOUT,
        }
    }

    #[cfg(test)]
    pub(super) fn hasty(timeout: Duration, variables: Variables) -> Self {
        Self { timeout, ..Self::new(Vec::new(), variables) }
    }

    /// The keys that there are now, or one sentence that says why not. `base` is with whose keys a role is assumed.
    pub fn keys(&self, source: &CredentialSource, terms: &Terms, base: Option<&Keys>) -> Result<Keys, String> {
        let attempt = Attempt { client: self, terms, until: Instant::now() + self.timeout };
        let keys = match source {
            CredentialSource::Chain => attempt.chain()?,
            CredentialSource::Profile(name) => attempt.profile(name)?,
            CredentialSource::Keys { access_key, secret_key, session_token } => Keys {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: session_token.clone(),
                expires: None,
            },
            CredentialSource::Assume(role) => {
                let base = base.ok_or("the default credentials, with which it is assumed, have no keys")?;
                attempt.assume(base, role, None, None)?
            }
        };
        // They become header lines.
        let good = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let token = keys.session_token.as_ref().map(Secret::reveal);
        if good(&keys.access_key) && token.is_none_or(good) && !keys.secret_key.reveal().is_empty() {
            return Ok(keys);
        }
        Err("there are keys, and one of them is empty or has characters that no key has".into())
    }
}

/// One look for keys.
struct Attempt<'c> {
    client: &'c Client,
    terms: &'c Terms,
    until: Instant,
}

impl Attempt<'_> {
    /// In the order of AWS's tools. What is set up and does not work ends the search: the keys of another account would
    /// be found behind it.
    fn chain(&self) -> Result<Keys, String> {
        if let Some(keys) = self.environment()? {
            return Ok(keys);
        }
        if let Some(keys) = self.profile_of_environment()? {
            return Ok(keys);
        }
        if let Some(keys) = self.web_identity_of_environment()? {
            return Ok(keys);
        }
        if let Some(keys) = self.container()? {
            return Ok(keys);
        }
        self.instance().map_err(|reason| {
            format!(
                "there are no keys in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), in the profile {:?} of \
                 ~/.aws, of a web identity (AWS_WEB_IDENTITY_TOKEN_FILE) or of a container, and of the instance: \
                 {reason}. Set one of them up, or name keys with [[aws.credentials]]",
                self.profile_name()
            )
        })
    }

    fn environment(&self) -> Result<Option<Keys>, String> {
        let Some(access_key) = self.variable("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let secret = self.variable("AWS_SECRET_ACCESS_KEY");
        let secret_key = secret.ok_or("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")?;
        let session_token = self.variable("AWS_SESSION_TOKEN").map(Secret::new);
        Ok(Some(Keys { access_key, secret_key: Secret::new(secret_key), session_token, expires: None }))
    }

    fn profile_name(&self) -> String {
        self.variable("AWS_PROFILE").unwrap_or_else(|| "default".into())
    }

    /// One that is empty says nothing.
    fn variable(&self, name: &str) -> Option<String> {
        (self.client.variables)(name).filter(|text| !text.is_empty())
    }
}

/// As containers, instances and processes write keys. `token` is what they call the session's.
fn keys_of_json(json: &[u8], token: &str) -> Result<Keys, String> {
    // What is wrong with it is not told in its own words: they may be keys.
    let document = unique_json::parse(json).map_err(|_| "the answer is not JSON".to_owned())?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    let wanted = |name: &str| text(name).ok_or_else(|| format!("the answer has no {name}"));
    let expires = document.get("Expiration").filter(|value| !value.is_null());
    let expires = expires.map(|value| value.as_str().and_then(unix_seconds).ok_or("its Expiration is no time"));
    Ok(Keys {
        access_key: wanted("AccessKeyId")?.to_owned(),
        secret_key: Secret::new(wanted("SecretAccessKey")?),
        session_token: text(token).map(Secret::new),
        expires: expires.transpose()?,
    })
}

/// Of the wall's clock: keys end by it.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// `2026-11-27T12:00:00Z`
fn unix_seconds(text: &str) -> Option<u64> {
    u64::try_from(text.parse::<Timestamp>().ok()?.as_second()).ok()
}

/// A file that somebody may have made larger than anything that belongs there.
fn read_file(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
pub mod tests;
