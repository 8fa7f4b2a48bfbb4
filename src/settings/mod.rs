//! What this process was told: flags, `WEIR_…` variables and `weir.toml`, checked once.
//!
//! [`raw`] is what was written; [`Settings`] is what it means. The rest of the program never doubts a `Settings`.

mod aws;
mod callers;
mod check;
mod credentials;
mod endpoint;
pub mod file;
mod functions;
mod iam;
pub mod limits;
mod network;
pub mod raw;
mod secret;
mod user_pools;
mod vpc_endpoints;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use aws::{Aws, CredentialSource, RoleCredentials};
pub use callers::{Iam, IamPolicy, IamPrincipal, KeySource, LambdaEndpoint, UserPool, VpcEndpoint};
pub use functions::{Function, FunctionLog, FunctionPlace, FunctionRuntime, LocalFunction};
use limits::{CONFIG_BYTES_MAX, Limits, PRINCIPALS_FILE_BYTES_MAX, SETTINGS_MISTAKES_MAX};
pub use network::Network;
pub use raw::Command;
use raw::{Key, Mistake, Raw, Said};
pub use secret::Secret;

/// Reads the `weir.toml` that `told` names, if it names one, lays `told` (flags over variables) over it, reads the file
/// of principals, if there is one, and checks what comes of it. At the start and at each reload.
pub fn gather(told: Raw, cores: NonZeroUsize) -> Result<Settings, Refused> {
    let mut texts = Texts::default();
    read_and_check(told, cores, &mut texts).map_err(|mistakes| {
        let shown = |(path, text): (PathBuf, String)| (path, secret::masked(&text));
        Refused {
            mistakes: bounded(mistakes),
            config: texts.config.map(shown),
            principals: texts.principals.map(shown),
        }
    })
}

/// Why there are no settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub mistakes: Vec<Mistake>,
    /// `weir.toml` and its text, its secrets masked, where it could be read: places of mistakes are in it.
    pub config: Option<(PathBuf, String)>,
    /// The same of the file of principals.
    pub principals: Option<(PathBuf, String)>,
}

/// Files that were read, for whoever is told what is wrong with them.
#[derive(Default)]
struct Texts {
    config: Option<(PathBuf, String)>,
    principals: Option<(PathBuf, String)>,
}

fn read_and_check(told: Raw, cores: NonZeroUsize, texts: &mut Texts) -> Result<Settings, Vec<Mistake>> {
    let mut raw = match told.config.clone() {
        None => told,
        Some(path) => {
            let text = read(&path, CONFIG_BYTES_MAX).map_err(|error| {
                let found = format!("{} cannot be read: {error}", path.display());
                let help = "Name a readable file with --config or WEIR_CONFIG.".into();
                vec![Mistake { code: "settings::config", written: None, found, help }]
            })?;
            let (path, text) = texts.config.insert((path, text));
            file::read(path, text)?.under(told)
        }
    };
    if let Some(said) = raw.one(Key::PrincipalsFile) {
        let path = PathBuf::from(&said.text);
        let text = read(&path, PRINCIPALS_FILE_BYTES_MAX).map_err(|error| vec![unread(said, &error)])?;
        let (path, text) = texts.principals.insert((path, text));
        let read = file::read_principals(path, text)?;
        raw.iam = std::mem::take(&mut raw.iam).with(read);
    }
    raw.check(cores)
}

fn unread(said: &Said, error: &io::Error) -> Mistake {
    Mistake {
        code: "settings::principals",
        written: said.written(),
        found: format!("{} names {}, which cannot be read: {error}", said.name(Key::PrincipalsFile), said.text),
        help: "Name a readable file with [[principals]], or leave it out.".into(),
    }
}

/// So many that a person reads them, and how many more there are.
fn bounded(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    let more = mistakes.len().saturating_sub(SETTINGS_MISTAKES_MAX);
    if more > 0 {
        mistakes.truncate(SETTINGS_MISTAKES_MAX);
        let found = format!("there are {more} more mistakes in the settings");
        let help = "Put these right first: the others may be of the same kind.".into();
        mistakes.push(Mistake { code: "settings::more", written: None, found, help });
    }
    mistakes
}

fn read(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(text)
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub apis: Vec<ApiFile>,
    pub listen: Vec<SocketAddr>,
    /// One data-plane thread each, pinned to a core of its own while there are as many cores.
    pub workers: NonZeroUsize,
    pub stage: String,
    pub stage_variables: BTreeMap<String, String>,
    /// Metrics, health and the management API; `None` switches the admin listener off.
    pub admin: Option<SocketAddr>,
    /// Who may use the management API; with nobody here, everybody on this machine ([`Settings::offers_management`]).
    pub admin_credentials: Vec<AdminCredential>,
    /// `weir serve --dev`: on a loopback address any credentials will do, and everything can be reset.
    pub dev: bool,
    /// Whether this is `weir run` or `weir serve`.
    pub command: Command,
    /// Where the definitions are kept; always there under `serve`, never under `run`.
    pub data: Option<PathBuf>,
    /// Where changes are written down; `None` is nowhere.
    pub audit_log: Option<AuditTarget>,
    pub driver: DriverChoice,
    pub access_log: Option<AccessLog>,
    pub limits: Limits,
    /// The account's throttle over all APIs of this process; `None` is no limit (docs/parity.md).
    pub throttle: Option<Throttle>,
    pub method_settings: Vec<MethodSetting>,
    pub upstreams: Vec<UpstreamOverride>,
    /// PEM files with roots that backends' certificates may chain to, beside the system's.
    pub tls_roots: Vec<PathBuf>,
    /// Beside AWS's gzip and deflate, for APIs that compress their answers.
    pub extra_codings: ExtraCodings,
    /// 501 on just the methods that need what Weir cannot do yet, instead of refusing the file.
    pub lenient: bool,
    /// Connections of trusted proxies begin with a PROXY protocol header, and those of nobody else.
    pub proxy_protocol: bool,
    /// A 429 says in `Retry-After` when to come again, which AWS does not.
    pub retry_after: bool,
    /// Who may call methods with AWS_IAM authorization.
    pub iam: Iam,
    /// Networks whose `X-Forwarded-For` is believed; empty believes nobody.
    pub trusted_proxies: Vec<Network>,
    /// Listeners that stand for VPC endpoints: what comes by them is a private call. Each is in `listen` too.
    pub vpc_endpoints: Vec<VpcEndpoint>,
    /// Where functions live; those that no entry is for are where `lambda_endpoint` says.
    pub functions: Vec<Function>,
    pub aws: Aws,
    /// Where functions are invoked by the Invoke API that no entry of `functions` is for; `None` refuses them when a
    /// definition is loaded.
    pub lambda_endpoint: Option<LambdaEndpoint>,
    /// Issuers in place of Cognito user pools.
    pub user_pools: Vec<UserPool>,
    /// `--dev-identity FILE`: whom callers are taken for on this machine. Every listener is a loopback one then.
    pub dev_identity: Option<PathBuf>,
    /// Twelve digits; appears in ARNs.
    pub account_id: String,
    /// Appears in ARNs.
    pub region: String,
    /// Reload when a definition or `weir.toml` changes on disk.
    pub watch: bool,
    /// The settings file, when there is one: it is read again at a reload.
    pub config: Option<PathBuf>,
}

impl Settings {
    /// Files beside `weir.toml` that say who callers are: read at the start and at each reload.
    pub fn files_of_callers(&self) -> BTreeSet<PathBuf> {
        let policies = self.iam.principals.iter().flat_map(|principal| &principal.policies);
        let policies = policies.filter_map(|policy| match policy {
            IamPolicy::File(path) => Some(path),
            IamPolicy::Json(_) => None,
        });
        let keys = self.user_pools.iter().filter_map(|pool| match &pool.keys {
            KeySource::File(path) => Some(path),
            KeySource::Url(_) | KeySource::Discovery => None,
        });
        self.iam.principals_file.iter().chain(policies).chain(keys).cloned().collect()
    }

    /// Files that functions of this machine are made of, as far as a change of one tells that the function was built anew:
    /// zip files whole, of folders the file with the handler.
    pub fn files_of_functions(&self) -> BTreeSet<PathBuf> {
        let local = self.functions.iter().filter_map(|function| match &function.place {
            FunctionPlace::Local(local) => Some(local),
            FunctionPlace::Aws | FunctionPlace::Url { .. } => None,
        });
        local.filter_map(|local| functions::code::main_file(local)).collect()
    }

    /// Whether the management API may be reached: by everybody on this machine, from elsewhere only with credentials.
    pub fn offers_management(&self) -> bool {
        self.admin.is_some_and(|address| address.ip().is_loopback() || !self.admin_credentials.is_empty())
    }
}

/// Codings that AWS does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtraCodings {
    pub brotli: bool,
    pub zstd: bool,
}

/// A key of the management API. `Debug` does not show its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminCredential {
    pub access_key: String,
    pub secret_key: Secret,
    /// With temporary credentials, what must be sent beside the signature.
    pub session_token: Option<Secret>,
    /// The ARN of whoever signs with this key.
    pub principal: String,
    pub permissions: Permissions,
}

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    FullAccess,
    /// A policy document, as IAM's JSON. It is compiled where it is used, above this folder.
    Policy(String),
    /// A file with one.
    PolicyFile(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    Stderr,
    File(PathBuf),
}

/// One definition and the base path that it answers below; empty is `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiFile {
    /// Without slashes at its ends: `orders`, `orders/v1`, or empty.
    pub base_path: String,
    pub path: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DriverChoice {
    /// io_uring where the kernel allows it, else epoll.
    #[default]
    Auto,
    IoUring,
    Epoll,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog {
    pub target: LogTarget,
    /// A format with `$context.…` variables; `json` and `clf` have been replaced by AWS's formats of that name.
    pub format: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    Stdout,
    File(PathBuf),
}

/// A token bucket: capacity `burst`, refilled at `rate` tokens a second. A rate of 0 blocks everything (rest/12).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    pub rate_per_second: f64,
    pub burst: u32,
}

/// Settings of the methods that a pattern names, as AWS's `methodSettings`.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSetting {
    /// `None` is every API of the process; else the base path of one.
    pub api: Option<String>,
    pub pattern: MethodPattern,
    pub throttle: Option<Throttle>,
    /// Whether requests of these methods are written to the access log.
    pub logging: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodPattern {
    /// `*/*`
    All,
    /// `/pets/{petId}/GET`; the path without a leading slash is the same.
    One { path: String, verb: String },
}

impl MethodSetting {
    /// One entry of a stage's `methodSettings`: a rate or a burst of 0 blocks everything, a rate that is absent or
    /// negative limits nothing (rest/12 section 12.1). `None` where the key names no method.
    pub fn of_stage(key: &str, rate: Option<f64>, burst: Option<i64>) -> Option<Self> {
        let pattern = MethodPattern::of_stage(key)?;
        let burst = burst.filter(|&burst| burst >= 0);
        let throttle = match rate.filter(|&rate| rate >= 0.0) {
            None => (burst == Some(0)).then_some(Throttle { rate_per_second: 0.0, burst: 0 }),
            Some(rate_per_second) => {
                let burst = burst.map_or(STAGE_BURST, |burst| u32::try_from(burst).unwrap_or(u32::MAX));
                Some(Throttle { rate_per_second, burst })
            }
        };
        Some(Self { api: None, pattern, throttle, logging: None })
    }
}

/// What AWS fills in where a stage says a rate and no burst (rest/12 section 12.6).
const STAGE_BURST: u32 = 5_000;

impl MethodPattern {
    /// A key of `methodSettings` in any of its spellings: `*/*`, `~1pets~1{id}/GET`, `pets/{id}/GET`, `/pets/{id}/GET`.
    pub fn of_stage(key: &str) -> Option<Self> {
        if key == "*/*" {
            return Some(Self::All);
        }
        let (path, verb) = key.rsplit_once('/')?;
        let path = path.replace("~1", "/").replace("~0", "~");
        let known = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        let verb = *known.iter().find(|known| known.eq_ignore_ascii_case(verb))?;
        Some(Self::One { path: format!("/{}", path.trim_matches('/')), verb: verb.to_owned() })
    }

    /// Whether it is for this method alone.
    pub fn names(&self, resource_path: &str, verb: &str) -> bool {
        match self {
            Self::All => false,
            // rest/12 section 12.1: spellings with and without the leading slash are equal.
            Self::One { path, verb: own } => {
                path.trim_matches('/') == resource_path.trim_matches('/') && own.eq_ignore_ascii_case(verb)
            }
        }
    }
}

/// Where requests for a backend really go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamOverride {
    /// `host` or `host:port` as the definition writes it, in lower case.
    pub authority: String,
    /// Addresses to connect to instead of what DNS says.
    pub addresses: Vec<SocketAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_stage_settings() {
        let one = |path: &str, verb: &str| Some(MethodPattern::One { path: path.into(), verb: verb.into() });
        for key in ["~1pets~1{id}/GET", "pets/{id}/GET", "/pets/{id}/GET", "pets~1{id}/get", "//pets/{id}//GET"] {
            assert_eq!(MethodPattern::of_stage(key), one("/pets/{id}", "GET"), "{key}");
        }
        for key in ["~1/ANY", "//ANY", "/ANY"] {
            assert_eq!(MethodPattern::of_stage(key), one("/", "ANY"), "{key}");
        }
        assert_eq!(MethodPattern::of_stage("*/*"), Some(MethodPattern::All));
        assert_eq!(MethodPattern::of_stage("pets/TRACE"), None);
        assert_eq!(MethodPattern::of_stage("GET"), None);
        let pattern = MethodPattern::of_stage("pets/{id}/GET").expect("a method");
        assert!(pattern.names("/pets/{id}", "GET") && !pattern.names("/pets/{id}", "PUT"));
        assert!(!pattern.names("/pets", "GET") && !MethodPattern::All.names("/pets", "GET"));
    }

    #[test]
    fn throttles_of_stage_settings() {
        let check = |rate: Option<f64>, burst: Option<i64>, expected: Option<(f64, u32)>| {
            let setting = MethodSetting::of_stage("*/*", rate, burst).expect("a setting");
            let throttle = setting.throttle.map(|throttle| (throttle.rate_per_second, throttle.burst));
            assert_eq!(throttle, expected, "{rate:?} {burst:?}");
        };
        check(None, None, None);
        check(Some(-1.0), Some(-1), None);
        check(None, Some(7), None);
        check(Some(2.5), Some(7), Some((2.5, 7)));
        check(Some(2.5), None, Some((2.5, 5_000)));
        check(Some(0.0), Some(7), Some((0.0, 7)));
        check(Some(-1.0), Some(0), Some((0.0, 0)));
    }
}
