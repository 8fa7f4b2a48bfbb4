//! What flags, `WEIR_…` variables and `weir.toml` said, each as it was written; and which of them wins.
//!
//! [`KEYS`] lists every setting once: its flag, its variable and its key in the file are read off that row.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::aws::names::SDK_NAMES;
use super::secret::Secret;

/// Every setting that is one text, or several of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Key {
    Api,
    Listen,
    Workers,
    Stage,
    StageVariable,
    Admin,
    AdminAllowRemote,
    Data,
    Dev,
    AuditLog,
    Driver,
    AccessLog,
    AccessLogFormat,
    IntegrationTimeout,
    PayloadMax,
    HeaderMax,
    UrlMax,
    ConnectionsMax,
    HeadTimeout,
    BodyTimeout,
    IdleTimeout,
    ConnectionLifetime,
    DrainTimeout,
    MetricsSeriesMax,
    Throttle,
    Upstream,
    TlsRoot,
    LambdaEndpoint,
    Function,
    AwsEndpoint,
    TrustedProxy,
    PrincipalsFile,
    DevIdentity,
    Compression,
    Lenient,
    RetryAfter,
    ProxyProtocol,
    AccountId,
    Region,
    NoWatch,
}

/// How often a setting may be given, and how several stand in one variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Once,
    /// True or false; the flag alone is true.
    Switch,
    /// Several; in a variable a comma separates them. The uppermost layer that has any replaces the rest.
    Commas,
    /// Several of `NAME=VALUE`; in a variable a space separates them, for a value may have commas.
    /// The layers are laid over one another, name by name.
    Named,
}

pub struct Row {
    pub key: Key,
    /// `--name` on the command line, `WEIR_NAME` in the environment.
    pub name: &'static str,
    /// The key in `weir.toml`: the same name, in the plural where it is a table or an array of tables there.
    pub in_file: &'static str,
    pub times: Times,
}

/// One row a [`Key`], in its order.
pub const KEYS: &[Row] = &[
    row(Key::Api, "api", "apis", Times::Commas),
    row(Key::Listen, "listen", "listen", Times::Commas),
    row(Key::Workers, "workers", "workers", Times::Once),
    row(Key::Stage, "stage", "stage", Times::Once),
    row(Key::StageVariable, "stage-variable", "stage-variables", Times::Named),
    row(Key::Admin, "admin", "admin", Times::Once),
    row(Key::AdminAllowRemote, "admin-allow-remote", "admin-allow-remote", Times::Switch),
    row(Key::Data, "data", "data", Times::Once),
    row(Key::Dev, "dev", "dev", Times::Switch),
    row(Key::AuditLog, "audit-log", "audit-log", Times::Once),
    row(Key::Driver, "driver", "driver", Times::Once),
    row(Key::AccessLog, "access-log", "access-log", Times::Once),
    row(Key::AccessLogFormat, "access-log-format", "access-log-format", Times::Once),
    row(Key::IntegrationTimeout, "integration-timeout", "integration-timeout", Times::Once),
    row(Key::PayloadMax, "payload-max", "payload-max", Times::Once),
    row(Key::HeaderMax, "header-max", "header-max", Times::Once),
    row(Key::UrlMax, "url-max", "url-max", Times::Once),
    row(Key::ConnectionsMax, "connections-max", "connections-max", Times::Once),
    row(Key::HeadTimeout, "head-timeout", "head-timeout", Times::Once),
    row(Key::BodyTimeout, "body-timeout", "body-timeout", Times::Once),
    row(Key::IdleTimeout, "idle-timeout", "idle-timeout", Times::Once),
    row(Key::ConnectionLifetime, "connection-lifetime", "connection-lifetime", Times::Once),
    row(Key::DrainTimeout, "drain-timeout", "drain-timeout", Times::Once),
    row(Key::MetricsSeriesMax, "metrics-series-max", "metrics-series-max", Times::Once),
    row(Key::Throttle, "throttle", "throttle", Times::Once),
    row(Key::Upstream, "upstream", "upstreams", Times::Named),
    row(Key::TlsRoot, "tls-root", "tls-roots", Times::Commas),
    row(Key::LambdaEndpoint, "lambda-endpoint", "lambda-endpoint", Times::Once),
    row(Key::Function, "function", "functions", Times::Named),
    row(Key::AwsEndpoint, "aws-endpoint", "aws", Times::Named),
    row(Key::TrustedProxy, "trusted-proxy", "trusted-proxies", Times::Commas),
    row(Key::PrincipalsFile, "principals-file", "principals-file", Times::Once),
    row(Key::DevIdentity, "dev-identity", "dev-identity", Times::Once),
    row(Key::Compression, "compression", "compression", Times::Commas),
    row(Key::Lenient, "lenient", "lenient", Times::Switch),
    row(Key::RetryAfter, "retry-after", "retry-after", Times::Switch),
    row(Key::ProxyProtocol, "proxy-protocol", "proxy-protocol", Times::Switch),
    row(Key::AccountId, "account-id", "account-id", Times::Once),
    row(Key::Region, "region", "region", Times::Once),
    row(Key::NoWatch, "no-watch", "no-watch", Times::Switch),
];

const fn row(key: Key, name: &'static str, in_file: &'static str, times: Times) -> Row {
    Row { key, name, in_file, times }
}

impl Key {
    pub fn row(self) -> &'static Row {
        &KEYS[self as usize]
    }

    /// `WEIR_ACCESS_LOG_FORMAT`
    pub fn variable(self) -> String {
        format!("WEIR_{}", self.row().name.to_uppercase().replace('-', "_"))
    }
}

/// Who said it. What stands further down wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// `AWS_ENDPOINT_URL_…`, as AWS's SDKs know it: what stands behind that.
    AwsVariable(&'static str),
    /// The bytes of `weir.toml`, or of the file of principals.
    File(Written),
    Variable,
    Flag,
}

/// A range of bytes of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    pub file: SettingsFile,
    pub offset: usize,
    pub length: usize,
}

/// The files that settings are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingsFile {
    /// `weir.toml`
    Config,
    /// The one that `principals-file` names.
    Principals,
}

impl SettingsFile {
    pub(super) fn at(self, range: Range<usize>) -> Written {
        Written { file: self, offset: range.start, length: range.len() }
    }
}

/// One value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    pub by: By,
}

impl Said {
    /// `--stage`, `WEIR_STAGE` or `stage`: how the person who wrote it knows it.
    pub fn name(&self, key: Key) -> String {
        match self.by {
            By::Flag if key == Key::Api => "FILE".into(),
            By::Flag => format!("--{}", key.row().name),
            By::Variable => key.variable(),
            By::AwsVariable(name) => format!("AWS_ENDPOINT_URL_{name}"),
            By::File(_) => key.row().in_file.into(),
        }
    }

    pub fn written(&self) -> Option<Written> {
        match self.by {
            By::File(written) => Some(written),
            By::AwsVariable(_) | By::Variable | By::Flag => None,
        }
    }
}

/// One `[method-settings."…"]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMethodSetting {
    /// The base path of one API, as it is written there; `None` is every API.
    pub api: Option<String>,
    pub pattern: String,
    pub written: Option<Written>,
    pub rate: Option<Said>,
    pub burst: Option<Said>,
    pub logging: Option<Said>,
}

/// One `[[admin.credentials]]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawCredential {
    pub written: Option<Written>,
    pub access_key: Option<Said>,
    pub secret_key: Option<Secret>,
    pub session_token: Option<Secret>,
    pub principal: Option<Said>,
    /// What it may do; one is wanted.
    pub permissions: Vec<RawPermissions>,
    /// Something of it has been complained about: what is missing now may be that.
    pub is_broken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawPermissions {
    FullAccess,
    /// The statements, as IAM's JSON.
    Policy(String),
    PolicyFile(PathBuf),
}

/// What `[iam]` and the file of principals say, together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawIam {
    pub mismatch_details: Option<bool>,
    pub unsigned_payload: Option<bool>,
    pub groups: Vec<RawGroup>,
    pub principals: Vec<RawPrincipal>,
}

/// One `[[iam.groups]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawGroup {
    pub written: Option<Written>,
    pub name: Option<Said>,
    pub permissions: Vec<RawPermissions>,
    /// Something of it has been complained about: what is missing now may be that.
    pub is_broken: bool,
}

/// One `[[iam.principals]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawPrincipal {
    pub written: Option<Written>,
    pub access_key: Option<Said>,
    pub secret_key: Option<Secret>,
    pub session_token: Option<Secret>,
    pub expires: Option<Said>,
    pub arn: Option<Said>,
    pub user_id: Option<Said>,
    pub org_id: Option<Said>,
    pub org_paths: Vec<Said>,
    pub tags: Vec<(String, Said)>,
    pub groups: Vec<Said>,
    pub permissions: Vec<RawPermissions>,
}

/// One `[[vpc-endpoints]]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawVpcEndpoint {
    pub written: Option<Written>,
    pub id: Option<Said>,
    pub vpc: Option<Said>,
    pub listen: Option<Said>,
}

/// One `[[user-pools]]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawUserPool {
    pub written: Option<Written>,
    pub id: Option<Said>,
    pub issuer: Option<Said>,
    pub jwks: Option<Said>,
    pub jwks_file: Option<PathBuf>,
    pub audiences: Vec<Said>,
    /// `None` is the default; an empty list is a mistake.
    pub algorithms: Option<Vec<Said>>,
}

/// One `[[functions]]` of the file, or one `--function`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawFunction {
    pub written: Option<Written>,
    /// Scalars, by their key.
    pub said: BTreeMap<&'static str, Said>,
    /// Names, and their values, which may be anybody's passwords.
    pub environment: Vec<(Said, Secret)>,
}

/// One `[[aws.credentials]]` of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRoleCredentials {
    pub written: Option<Written>,
    pub role: Option<Said>,
    pub profile: Option<Said>,
    pub access_key: Option<Said>,
    pub secret_key: Option<Secret>,
    pub session_token: Option<Secret>,
    pub assume_role: Option<Said>,
    pub chain: Option<Said>,
}

/// What the settings are for: they differ in what must be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Command {
    /// Definitions in files (`run`, `check`). Keys that only `serve` knows may stand in the file, and say nothing.
    #[default]
    Run,
    /// Definitions in a data folder, changed through the management API.
    Serve,
}

/// Everything that was said and not yet doubted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// `weir.toml`, when one was named. Relative paths in it start at its folder.
    pub config: Option<PathBuf>,
    pub command: Command,
    pub method_settings: Vec<RawMethodSetting>,
    pub credentials: Vec<RawCredential>,
    pub iam: RawIam,
    pub vpc_endpoints: Vec<RawVpcEndpoint>,
    pub user_pools: Vec<RawUserPool>,
    pub functions: Vec<RawFunction>,
    pub aws_credentials: Vec<RawRoleCredentials>,
    said: Vec<(Key, Said)>,
}

impl Raw {
    /// Nothing said yet, but for the settings file.
    pub fn from_config(config: Option<PathBuf>) -> Self {
        Self { config, ..Self::default() }
    }

    /// `WEIR_…` variables; an empty one says nothing. Others that begin with `WEIR_` are not ours to judge:
    /// Kubernetes sets `WEIR_PORT` and more for a service of that name.
    pub fn from_variables(read: impl Fn(&str) -> Option<String>) -> Self {
        let mut raw =
            Self { config: read("WEIR_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from), ..Self::default() };
        for row in KEYS {
            let Some(text) = read(&row.key.variable()).filter(|text| !text.trim().is_empty()) else { continue };
            match row.times {
                Times::Once | Times::Switch => raw.say(row.key, text.trim(), By::Variable),
                Times::Commas => text.split(',').for_each(|one| raw.say(row.key, one.trim(), By::Variable)),
                Times::Named => text.split_whitespace().for_each(|one| raw.say(row.key, one, By::Variable)),
            }
        }
        // Not the general AWS_ENDPOINT_URL: whoever speaks to Weir's own management API has that point at it, and calls
        // of integrations would come back here.
        let is_ignored = |text: String| text.trim().eq_ignore_ascii_case("true");
        let are_ignored = read("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(is_ignored);
        for (name, service) in SDK_NAMES.into_iter().filter(|_| !are_ignored) {
            let text = read(&format!("AWS_ENDPOINT_URL_{name}")).filter(|text| !text.trim().is_empty());
            text.iter()
                .for_each(|url| raw.say(Key::AwsEndpoint, format!("{service}={}", url.trim()), By::AwsVariable(name)));
        }
        raw
    }

    pub fn say(&mut self, key: Key, text: impl Into<String>, by: By) {
        self.said.push((key, Said { text: text.into(), by }));
    }

    /// Lays `upper` over this: flags over variables over the file.
    #[must_use]
    pub fn under(mut self, upper: Self) -> Self {
        self.said.extend(upper.said);
        self.method_settings.extend(upper.method_settings);
        self.credentials.extend(upper.credentials);
        self.iam = self.iam.with(upper.iam);
        self.vpc_endpoints.extend(upper.vpc_endpoints);
        self.user_pools.extend(upper.user_pools);
        self.functions.extend(upper.functions);
        self.aws_credentials.extend(upper.aws_credentials);
        self.config = upper.config.or(self.config);
        // Only the command line says it, and that is the uppermost.
        self.command = upper.command;
        self
    }

    /// What was said last by the uppermost layer.
    pub fn one(&self, key: Key) -> Option<&Said> {
        self.all(key).max_by_key(|said| layer(said))
    }

    /// What the uppermost layer said, all of it.
    pub fn uppermost(&self, key: Key) -> Vec<&Said> {
        let top = self.all(key).map(layer).max();
        self.all(key).filter(|said| Some(layer(said)) == top).collect()
    }

    /// What every layer said, the uppermost last.
    pub fn layered(&self, key: Key) -> Vec<&Said> {
        let mut all: Vec<_> = self.all(key).collect();
        all.sort_by_key(|said| layer(said));
        all
    }

    fn all(&self, key: Key) -> impl Iterator<Item = &Said> {
        self.said.iter().filter(move |(of, _)| *of == key).map(|(_, said)| said)
    }
}

impl RawIam {
    /// This and what `other` says, which wins where both say one thing.
    #[must_use]
    pub(super) fn with(mut self, other: Self) -> Self {
        self.mismatch_details = other.mismatch_details.or(self.mismatch_details);
        self.unsigned_payload = other.unsigned_payload.or(self.unsigned_payload);
        self.groups.extend(other.groups);
        self.principals.extend(other.principals);
        self
    }
}

fn layer(said: &Said) -> u8 {
    match said.by {
        By::AwsVariable(_) => 0,
        By::File(_) => 1,
        By::Variable => 2,
        By::Flag => 3,
    }
}

/// One thing that is wrong with the settings. `model::problem` makes a `Problem` of it; this folder stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// A stable name for machines, e.g. `settings::listen`.
    pub code: &'static str,
    /// Where in a settings file, when it stands there.
    pub written: Option<Written>,
    /// What was found, as one sentence without a full stop.
    pub found: String,
    /// What to write or do, as one sentence.
    pub help: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_own_row() {
        for (index, row) in KEYS.iter().enumerate() {
            assert_eq!(row.key as usize, index, "{}", row.name);
        }
    }

    #[test]
    fn a_flag_wins_over_a_variable_over_the_file() {
        let file = |text: &str, key| {
            let mut raw = Raw::default();
            raw.say(key, text, By::File(SettingsFile::Config.at(0..1)));
            raw
        };
        let variables = Raw::from_variables(|name| match name {
            "WEIR_STAGE" => Some("beta".into()),
            "WEIR_LISTEN" => Some("127.0.0.1:1, 127.0.0.1:2".into()),
            "WEIR_STAGE_VARIABLE" => Some("a=1,2 b=3".into()),
            "WEIR_REGION" => Some(String::new()),
            _ => None,
        });
        let mut flags = Raw::default();
        flags.say(Key::Stage, "gamma", By::Flag);
        let raw = file("alpha", Key::Stage).under(file("eu-west-1", Key::Region)).under(variables).under(flags);

        let texts = |all: Vec<&Said>| all.into_iter().map(|said| said.text.clone()).collect::<Vec<_>>();
        assert_eq!(raw.one(Key::Stage).map(|said| said.text.as_str()), Some("gamma"));
        assert_eq!(texts(raw.layered(Key::Stage)), ["alpha", "beta", "gamma"]);
        assert_eq!(texts(raw.uppermost(Key::Listen)), ["127.0.0.1:1", "127.0.0.1:2"]);
        assert_eq!(texts(raw.layered(Key::StageVariable)), ["a=1,2", "b=3"]);
        assert_eq!(raw.one(Key::Region).map(|said| said.text.as_str()), Some("eu-west-1"));
        assert_eq!(raw.one(Key::Workers), None);
    }
}
