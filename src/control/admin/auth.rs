//! Who calls the management API, and may they?
//!
//! With credentials in the settings every request is signed by one of them. Without, or under `--dev`, everybody on this
//! machine may do anything: the scope of whatever signature there is says only which region and account are meant, as
//! emulators are called with dummy keys.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN, REFERER, USER_AGENT};
use jiff::Timestamp;

use super::identity::{Identity, Rights};
use crate::lang::policy::{Decision, Policy, Principal, Request, decide};
use crate::model::problem::Problem;
use crate::settings::limits::{POLICY_BYTES_MAX, SIGNING_KEYS_MAX};
use crate::settings::{AdminCredential, Permissions, Secret, Settings};
use crate::sigv4::{self, Expected, Headers, Scope, SignatureError, SigningKey};

/// What a signature may be for; the first is named where another was signed for.
const SERVICES: &[&str] = &["apigateway", "execute-api", "sts", "wafv2"];
/// The condition keys that every request has, or may have. A policy that asks for others is refused.
const KEYS: [&str; 11] = [
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceIp",
    "aws:userid",
    "aws:UserAgent",
    "aws:username",
];

/// A request as it came. It shows nothing of itself: its headers may hold a session token.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub method: &'a str,
    /// As it stood on the request line, still encoded.
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// Who is at the other end of the connection.
    pub source: Option<IpAddr>,
    /// It came under TLS.
    pub secure: bool,
}

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminRefusal {
    pub status: u16,
    /// `AccessDeniedException` and its like.
    pub code: &'static str,
    pub message: String,
}

/// The way into the management API. Made once of the settings; it holds the secrets, and shows them to nobody.
pub struct Gate {
    account_id: String,
    region: String,
    /// `None` lets everybody in who reaches the listener, which is on a loopback address then.
    keys: Option<HashMap<String, Key>>,
    signing_keys: Mutex<HashMap<[String; 4], SigningKey>>,
}

struct Key {
    secret_key: Secret,
    session_token: Option<Secret>,
    principal: String,
    rights: Rights,
}

impl Gate {
    /// Or everything that is wrong with the policies.
    pub fn new(settings: &Settings) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keys = HashMap::new();
        for credential in &settings.admin_credentials {
            match rights(credential) {
                Ok(rights) => {
                    let key = Key {
                        secret_key: credential.secret_key.clone(),
                        session_token: credential.session_token.clone(),
                        principal: credential.principal.clone(),
                        rights,
                    };
                    keys.insert(credential.access_key.clone(), key);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_loopback = settings.admin.is_some_and(|address| address.ip().is_loopback());
        let is_open = is_loopback && (settings.dev || keys.is_empty());
        Ok(Self {
            account_id: settings.account_id.clone(),
            region: settings.region.clone(),
            keys: (!is_open).then_some(keys),
            signing_keys: Mutex::default(),
        })
    }

    /// Who it is; or why it is nobody.
    pub fn authenticate(&self, request: &Signed<'_>, unix_seconds: i64) -> Result<Identity, AdminRefusal> {
        let Some(keys) = &self.keys else { return self.anybody(request, unix_seconds) };
        let lines = lines(request.headers);
        let signed = signed_part(request, &lines, sigv4::hash(request.body));
        let mut found = None;
        let presented = sigv4::verify(&signed, &Expected::new(SERVICES, unix_seconds), |presented| {
            let key = keys.get(presented.access_key()).ok_or_else(SignatureError::unrecognized)?;
            let given = presented.session_token.as_deref();
            if !same(key.session_token.as_ref().map(|token| token.reveal().as_bytes()), given) {
                return Err(SignatureError::unrecognized());
            }
            found = Some(key);
            let scope = Scope { date: presented.date(), region: presented.region(), service: presented.service() };
            Ok(self.signing_key(presented.access_key(), key, scope))
        })?;
        let key = found.ok_or_else(SignatureError::unrecognized)?;
        let identity = Identity::new(key.principal.clone(), presented.region(), key.rights.clone());
        Ok(identity.with_access_key(presented.access_key()).with_context(context(request, unix_seconds)))
    }

    /// Whether the key that a request says it is signed with exists; nothing of its signature has been looked at.
    pub fn knows(&self, request: &Signed<'_>) -> bool {
        let Some(keys) = &self.keys else { return true };
        let lines = lines(request.headers);
        let signed = signed_part(request, &lines, [0; 32]);
        sigv4::claimed(&signed).is_some_and(|(access_key, _)| keys.contains_key(&*access_key))
    }

    /// May this identity do this? `apigateway:GET` on `arn:aws:apigateway:us-east-1::/restapis/a1b2c3d4e5`.
    pub fn authorize(&self, identity: &Identity, action: &str, resource: &str) -> Result<(), AdminRefusal> {
        let Rights::Policy(policy) = &identity.rights else { return Ok(()) };
        let context = identity.conditions();
        let principal = Principal::Aws(&identity.principal);
        let why = match decide([&**policy], &Request { action, resource, principal, context: &context }) {
            Decision::Allow => return Ok(()),
            Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::Silent => format!("because no identity-based policy allows the {action} action"),
        };
        let principal = &identity.principal;
        let message = format!("User: {principal} is not authorized to perform: {action} on resource: {resource} {why}");
        Err(AdminRefusal::denied(message))
    }

    /// A loopback address is reached by every program of this machine, and by every page in its browser: a page that
    /// somebody else wrote gives itself away by its `Origin`, or by a `Host` that is a name of its own.
    fn anybody(&self, request: &Signed<'_>, unix_seconds: i64) -> Result<Identity, AdminRefusal> {
        let text = |name| request.headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let origin = text(ORIGIN).map(|origin| origin.split_once("://").map_or(origin, |(_, host)| host));
        for host in [text(HOST), origin].into_iter().flatten() {
            if !is_of_this_machine(host) {
                return Err(AdminRefusal::denied(format!(
                    "Without credentials only this machine is served, as localhost or by its address: not `{host}`"
                )));
            }
        }
        let lines = lines(request.headers);
        let claimed = sigv4::claimed(&signed_part(request, &lines, [0; 32]));
        let (access_key, region) = claimed.map_or((None, None), |(key, region)| (Some(key), Some(region)));
        let is_account = |key: &str| key.len() == 12 && key.bytes().all(|b| b.is_ascii_digit());
        let account_id = access_key.as_deref().filter(|key| is_account(key)).unwrap_or(&self.account_id);
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_region = |region: &str| (1..=32).contains(&region.len()) && region.bytes().all(letter);
        let region = region.as_deref().filter(|region| is_region(region)).unwrap_or(&self.region);
        let identity = Identity::new(format!("arn:aws:iam::{account_id}:root"), region, Rights::All);
        Ok(identity
            .with_access_key(access_key.as_deref().unwrap_or_default())
            .with_context(context(request, unix_seconds)))
    }

    /// Kept for the day it is good for. Old days go when there are too many.
    fn signing_key(&self, access_key: &str, key: &Key, scope: Scope<'_>) -> SigningKey {
        let name = [access_key, scope.date, scope.region, scope.service].map(str::to_owned);
        let mut kept = self.signing_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.get(&name) {
            return key.clone();
        }
        let derived = SigningKey::derive(key.secret_key.reveal(), scope);
        if kept.len() >= SIGNING_KEYS_MAX {
            kept.clear();
        }
        kept.insert(name, derived.clone());
        derived
    }
}

impl AdminRefusal {
    fn denied(message: String) -> Self {
        Self { status: 403, code: "AccessDeniedException", message }
    }
}

impl From<SignatureError> for AdminRefusal {
    fn from(error: SignatureError) -> Self {
        Self { status: 403, code: error.kind.code(), message: error.message }
    }
}

/// Header lines as the signature reads them, more than once.
fn lines(headers: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())).collect()
}

fn signed_part<'a>(
    request: &Signed<'a>,
    lines: &'a [(&'a [u8], &'a [u8])],
    body_hash: [u8; 32],
) -> sigv4::Request<'a, impl Headers<'a>> {
    sigv4::Request {
        method: request.method.as_bytes(),
        path: request.path.as_bytes(),
        query: request.query.map(str::as_bytes),
        headers: lines.iter().copied(),
        body_hash,
    }
}

/// Their hashes are compared, so the time it takes says nothing of the secret.
fn same(secret: Option<&[u8]>, given: Option<&[u8]>) -> bool {
    secret.map(sigv4::hash) == given.map(sigv4::hash)
}

/// Whether `host`, with or without a port, can only be this machine: a name of anybody's could be made to point here.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(address, _)| address),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What conditions may ask of the request itself.
fn context(request: &Signed<'_>, unix_seconds: i64) -> Vec<(&'static str, String)> {
    let time = Timestamp::from_second(unix_seconds).unwrap_or_default();
    let mut context = vec![
        ("aws:CurrentTime", time.to_string()),
        ("aws:EpochTime", unix_seconds.to_string()),
        ("aws:SecureTransport", request.secure.to_string()),
    ];
    context.extend(request.source.map(|source| ("aws:SourceIp", source.to_canonical().to_string())));
    for (key, name) in [("aws:UserAgent", USER_AGENT), ("aws:Referer", REFERER)] {
        let value = request.headers.get(name).and_then(|value| value.to_str().ok());
        context.extend(value.map(|value| (key, value.to_owned())));
    }
    context
}

fn rights(credential: &AdminCredential) -> Result<Rights, Problem> {
    let access_key = &credential.access_key;
    let wrong = |found: String, help: &str| Problem::nowhere("settings::admin-credentials", found, help);
    let compiled = match &credential.permissions {
        Permissions::FullAccess => return Ok(Rights::All),
        Permissions::Policy(json) => Policy::compile(json),
        Permissions::PolicyFile(path) => {
            let json = read(path).map_err(|error| {
                let found =
                    format!("the policy of the access key `{access_key}`, {}, cannot be read: {error}", path.display());
                wrong(found, "name a readable file with an IAM policy")
            })?;
            Policy::compile(&json)
        }
    };
    let help = "see the IAM user guide for how a policy is written";
    let policy = compiled
        .map_err(|error| wrong(format!("the policy of the access key `{access_key}` is none: {error}"), help))?;
    let unknown = policy.keys().find(|key| !KEYS.iter().any(|known| known.eq_ignore_ascii_case(key)));
    if let Some(key) = unknown {
        let found = format!("the policy of the access key `{access_key}` asks for `{key}`, which no request here has");
        return Err(wrong(found, &format!("keys that may be asked for are {}", KEYS.join(", "))));
    }
    Ok(Rights::Policy(Arc::new(policy)))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One byte more than allowed: compiling it then says that it is too long.
    fs::File::open(path)?.take(POLICY_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
