//! [`Raw`] to [`Settings`]: every mistake at once.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::limits::{
    ACCESS_LOG_FORMAT_BYTES_MAX, CONNECTIONS_LARGEST, DURATION_LARGEST, HEAD_BUFFER_BYTES, HEADER_LINES_MAX,
    INTEGRATION_TIMEOUT_MIN, Limits, METRICS_SERIES_LARGEST, PAYLOAD_BYTES_LARGEST, STAGE_VARIABLES_MAX, WORKERS_MAX,
};
use super::raw::{Command, Key, Mistake, Raw, RawMethodSetting, Said, Written};
use super::words::{self, Parsed};
use super::{
    AccessLog, ApiFile, AuditTarget, DriverChoice, ExtraCodings, LogTarget, MethodSetting, Settings, Throttle,
    UpstreamOverride,
};

/// AWS's JSON access log format (rest/14 section 14.4).
const FORMAT_JSON: &str = r#"{ "requestId":"$context.requestId", "extendedRequestId":"$context.extendedRequestId", "ip": "$context.identity.sourceIp", "caller":"$context.identity.caller", "user":"$context.identity.user", "requestTime":"$context.requestTime", "httpMethod":"$context.httpMethod", "resourcePath":"$context.resourcePath", "status":"$context.status", "protocol":"$context.protocol", "responseLength":"$context.responseLength" }"#;
/// AWS's Common Log Format (rest/14 section 14.4).
const FORMAT_CLF: &str = r#"$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime]"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId $context.extendedRequestId"#;

/// A head at its limits, with the line ends and separators of its lines, must be smaller than one buffer.
const HEAD_BYTES_LARGEST: usize = HEAD_BUFFER_BYTES - HEADER_LINES_MAX * 4 - 1;

impl Raw {
    /// What was said, as meant; or everything that is wrong with it. `cores` is how many this machine has.
    pub fn check(self, cores: NonZeroUsize) -> Result<Settings, Vec<Mistake>> {
        let mut checker = Checker { raw: &self, mistakes: Vec::new() };
        let settings = checker.settings(cores);
        if checker.mistakes.is_empty() { Ok(settings) } else { Err(checker.mistakes) }
    }
}

pub(super) struct Checker<'r> {
    pub(super) raw: &'r Raw,
    pub(super) mistakes: Vec<Mistake>,
}

impl Checker<'_> {
    fn settings(&mut self, cores: NonZeroUsize) -> Settings {
        let apis = self.apis();
        let admin = self.admin();
        let account_id = self.one(Key::AccountId, words::account_id).unwrap_or_else(|| "000000000000".into());
        let data = self.data();
        let mut listen = self.listen();
        let vpc_endpoints = self.vpc_endpoints(&mut listen);
        Settings {
            iam: self.iam(&account_id),
            trusted_proxies: self.trusted_proxies(),
            functions: self.functions(cores),
            aws: self.aws(),
            lambda_endpoint: self.lambda_endpoint(),
            user_pools: self.user_pools(),
            dev_identity: self.dev_identity(&listen),
            vpc_endpoints,
            admin_credentials: self.credentials(&account_id),
            dev: self.dev(admin),
            command: self.raw.command,
            audit_log: self.audit_log(data.as_deref()),
            data,
            method_settings: self.method_settings(&apis),
            apis,
            listen,
            workers: self.workers(cores),
            stage: self.one(Key::Stage, words::stage).unwrap_or_else(|| "prod".into()),
            stage_variables: self.stage_variables(),
            admin,
            driver: self.one(Key::Driver, driver).unwrap_or_default(),
            access_log: self.access_log(),
            limits: self.limits(),
            throttle: self.one(Key::Throttle, words::throttle).flatten(),
            upstreams: self.upstreams(),
            tls_roots: self.raw.uppermost(Key::TlsRoot).into_iter().map(|said| PathBuf::from(&said.text)).collect(),
            extra_codings: self.extra_codings(),
            lenient: self.switch(Key::Lenient),
            retry_after: self.switch(Key::RetryAfter),
            proxy_protocol: self.switch(Key::ProxyProtocol),
            account_id,
            region: self.one(Key::Region, words::region).unwrap_or_else(|| "us-east-1".into()),
            watch: !self.switch(Key::NoWatch),
            config: self.raw.config.clone(),
        }
    }

    fn apis(&mut self) -> Vec<ApiFile> {
        let mut apis: Vec<ApiFile> = Vec::new();
        for said in self.raw.uppermost(Key::Api) {
            let (base_path, file) = said.text.split_once('=').unwrap_or(("", &said.text));
            let Some(base_path) = self.parse(Key::Api, said, |_| words::base_path(base_path)) else { continue };
            if file.is_empty() {
                self.wrong(Key::Api, said, "Write [BASE_PATH=]FILE, such as petstore.yaml or orders/v1=orders.yaml.");
            } else if let Some(first) = apis.iter().find(|api| api.base_path == base_path) {
                let found = format!("{} and {file} both answer below /{base_path}", first.path.display());
                self.mistake(
                    "settings::api",
                    said.written(),
                    found,
                    "Give each a base path of its own, BASE_PATH=FILE.",
                );
            } else {
                apis.push(ApiFile { base_path, path: file.into() });
            }
        }
        if self.serves() && !apis.is_empty() {
            let found = "`weir serve` is given a definition file".to_owned();
            let help = "Its definitions are those of its data folder: import the file with `aws apigateway import-rest-api`, or use `weir run`.";
            self.mistake("settings::api", None, found, help);
        }
        if apis.is_empty() && self.mistakes.is_empty() && self.raw.command == Command::Run {
            let help =
                "Name an OpenAPI definition, such as `weir run petstore.yaml`, or list it as [[apis]] in weir.toml.";
            self.mistake("settings::api", None, "no API is given".into(), help);
        }
        apis
    }

    fn listen(&mut self) -> Vec<SocketAddr> {
        let said = self.raw.uppermost(Key::Listen);
        if said.is_empty() {
            return vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))];
        }
        let mut listen = Vec::new();
        for said in said {
            let Some(address) = self.parse(Key::Listen, said, words::listen) else { continue };
            if address.port() != 0 && listen.contains(&address) {
                self.wrong(Key::Listen, said, "The same address is given twice; leave one out.");
            }
            listen.push(address);
        }
        listen
    }

    fn workers(&mut self, cores: NonZeroUsize) -> NonZeroUsize {
        let workers = self.bounded(Key::Workers, words::number, 1, WORKERS_MAX as u64, &|n| n.to_string());
        workers.and_then(|workers| NonZeroUsize::new(workers as usize)).unwrap_or(cores)
    }

    fn stage_variables(&mut self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for said in self.raw.layered(Key::StageVariable) {
            variables.extend(self.parse(Key::StageVariable, said, words::stage_variable));
        }
        if variables.len() > STAGE_VARIABLES_MAX {
            let found = format!("{} stage variables are given", variables.len());
            self.mistake("settings::stage-variable", None, found, "AWS allows 100 a stage.");
        }
        variables
    }

    /// Metrics tell who calls what how often, so they leave the machine only where somebody said so.
    fn admin(&mut self) -> Option<SocketAddr> {
        let remote = self.switch(Key::AdminAllowRemote);
        let Some(said) = self.raw.one(Key::Admin) else {
            return Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9900)));
        };
        if said.text == "off" {
            return None;
        }
        let address = self.parse(Key::Admin, said, words::listen)?;
        if !remote && !address.ip().is_loopback() {
            self.wrong(
                Key::Admin,
                said,
                "Metrics and health would be open to others: listen on 127.0.0.1, or add --admin-allow-remote.",
            );
        } else if self.serves() && !address.ip().is_loopback() && self.raw.credentials.is_empty() {
            self.wrong(
                Key::Admin,
                said,
                "Others could change every API: add [[admin.credentials]] to weir.toml, or listen on 127.0.0.1.",
            );
        }
        Some(address)
    }

    fn serves(&self) -> bool {
        self.raw.command == Command::Serve
    }

    fn data(&mut self) -> Option<PathBuf> {
        if !self.serves() {
            return None;
        }
        let folder = |text: &str| if text.is_empty() { Err("Name a folder.".into()) } else { Ok(text.into()) };
        if self.raw.one(Key::Data).is_none() {
            let help = "Name the folder that keeps the definitions, such as `weir serve --data /var/lib/weir`.";
            self.mistake("settings::data", None, "no data folder is given".into(), help);
        }
        self.one(Key::Data, folder)
    }

    /// Whoever reaches the listener may do anything then, so nobody but this machine may reach it.
    fn dev(&mut self, admin: Option<SocketAddr>) -> bool {
        let dev = self.serves() && self.switch(Key::Dev);
        if let (true, Some(address), Some(said)) = (dev, admin, self.raw.one(Key::Dev))
            && !address.ip().is_loopback()
        {
            let found = format!("{} is given, and the admin listener is on {address}", said.name(Key::Dev));
            let help = "Anybody could change every API: listen on 127.0.0.1 with --admin, or leave it out.";
            self.mistake("settings::dev", said.written(), found, help);
        }
        dev
    }

    /// What is changed in a data folder is written down in it, unless another place, or `off`, is said.
    fn extra_codings(&mut self) -> ExtraCodings {
        let mut codings = ExtraCodings::default();
        for said in self.raw.uppermost(Key::Compression) {
            match said.text.as_str() {
                "br" => codings.brotli = true,
                "zstd" => codings.zstd = true,
                // AWS's own are always there.
                "gzip" | "deflate" => {}
                _ => self.wrong(Key::Compression, said, "Write br, zstd, or both: gzip and deflate are always there."),
            }
        }
        codings
    }

    fn audit_log(&mut self, data: Option<&Path>) -> Option<AuditTarget> {
        let said = self.one(Key::AuditLog, |text| match text {
            "" => Err("Write a file's path, - for standard error, or off.".into()),
            "-" => Ok(Some(AuditTarget::Stderr)),
            "off" => Ok(None),
            path => Ok(Some(AuditTarget::File(path.into()))),
        });
        said.unwrap_or_else(|| data.map(|data| AuditTarget::File(data.join("audit.log"))))
    }

    fn access_log(&mut self) -> Option<AccessLog> {
        let target = self.one(Key::AccessLog, |text| {
            let given = !text.is_empty();
            given
                .then(|| words::log_target(text))
                .ok_or_else(|| "Write a file's path, or - for standard output.".into())
        });
        let format = self.one(Key::AccessLogFormat, access_log_format);
        if let (Some(said), None) = (self.raw.one(Key::AccessLogFormat), self.raw.one(Key::AccessLog)) {
            let found = format!("{} is given, but no access log", said.name(Key::AccessLogFormat));
            self.mistake(
                "settings::access-log",
                said.written(),
                found,
                "Add --access-log PATH, or - for standard output.",
            );
        }
        let target: LogTarget = target?;
        Some(AccessLog { target, format: format.unwrap_or_else(|| FORMAT_JSON.into()) })
    }

    fn limits(&mut self) -> Limits {
        let defaults = Limits::default();
        let one_ms = Duration::from_millis(1);
        let limits = Limits {
            integration_timeout: self
                .time(Key::IntegrationTimeout, INTEGRATION_TIMEOUT_MIN)
                .unwrap_or(defaults.integration_timeout),
            payload_bytes_max: self
                .size(Key::PayloadMax, 1, PAYLOAD_BYTES_LARGEST)
                .unwrap_or(defaults.payload_bytes_max),
            header_bytes_max: self.head_part(Key::HeaderMax).unwrap_or(defaults.header_bytes_max),
            url_bytes_max: self.head_part(Key::UrlMax).unwrap_or(defaults.url_bytes_max),
            connections_max: self
                .count(Key::ConnectionsMax, 1, CONNECTIONS_LARGEST)
                .unwrap_or(defaults.connections_max),
            head_timeout: self.time(Key::HeadTimeout, one_ms).unwrap_or(defaults.head_timeout),
            body_stall_timeout: self.time(Key::BodyTimeout, one_ms).unwrap_or(defaults.body_stall_timeout),
            body_rate_min: defaults.body_rate_min,
            idle_timeout: self.time(Key::IdleTimeout, one_ms).unwrap_or(defaults.idle_timeout),
            connection_lifetime: self.time(Key::ConnectionLifetime, one_ms).unwrap_or(defaults.connection_lifetime),
            drain_timeout: self.time(Key::DrainTimeout, Duration::ZERO).unwrap_or(defaults.drain_timeout),
            metrics_series_max: self
                .count(Key::MetricsSeriesMax, 0, METRICS_SERIES_LARGEST)
                .unwrap_or(defaults.metrics_series_max),
        };
        if limits.header_bytes_max + limits.url_bytes_max > HEAD_BYTES_LARGEST {
            let said = self.raw.one(Key::HeaderMax).or(self.raw.one(Key::UrlMax));
            let found = format!(
                "header-max ({}) and url-max ({}) are {} bytes together",
                limits.header_bytes_max,
                limits.url_bytes_max,
                limits.header_bytes_max + limits.url_bytes_max
            );
            let help = format!("A whole head fits one buffer: {HEAD_BYTES_LARGEST} bytes for both is the most.");
            self.mistake("settings::header-max", said.and_then(Said::written), found, help);
        }
        limits
    }

    fn method_settings(&mut self, apis: &[ApiFile]) -> Vec<MethodSetting> {
        let raw = self.raw;
        raw.method_settings.iter().filter_map(|setting| self.method_setting(setting, apis)).collect()
    }

    fn method_setting(&mut self, setting: &RawMethodSetting, apis: &[ApiFile]) -> Option<MethodSetting> {
        const CODE: &str = "settings::method-settings";
        let before = self.mistakes.len();
        let pattern = words::method_pattern(&setting.pattern).map_err(|help| {
            let found = format!("`{}` does not name a method", setting.pattern);
            self.mistake(CODE, setting.written, found, help);
        });
        // One that belongs to an API of the file waits for that API: flags may have named others instead.
        let api = setting.api.as_deref().map(|path| path.trim_matches('/').to_owned());
        if api.as_ref().is_some_and(|api| !apis.iter().any(|known| known.base_path == *api)) {
            return None;
        }
        let mut part = |said: &Option<Said>, what: &str| -> Option<Said> {
            let said = said.clone()?;
            let wrong = match what {
                "rate" => words::rate(&said.text).err(),
                "burst" => words::burst(&said.text).err(),
                _ => words::switch(&said.text).err(),
            };
            let Some(help) = wrong else { return Some(said) };
            self.mistake(CODE, said.written(), format!("{what} is `{}`", said.text), help);
            None
        };
        let (rate, burst, logging) =
            (part(&setting.rate, "rate"), part(&setting.burst, "burst"), part(&setting.logging, "logging"));
        if setting.rate.is_some() != setting.burst.is_some() {
            let found = format!("`{}` has only one of rate and burst", setting.pattern);
            self.mistake(CODE, setting.written, found, "Give both: rate in requests a second, and burst.");
        }
        if self.mistakes.len() > before {
            return None;
        }
        let throttle = rate.zip(burst).and_then(|(rate, burst)| {
            Some(Throttle { rate_per_second: words::rate(&rate.text).ok()?, burst: words::burst(&burst.text).ok()? })
        });
        let logging = logging.and_then(|said| words::switch(&said.text).ok());
        Some(MethodSetting { api, pattern: pattern.ok()?, throttle, logging })
    }

    fn upstreams(&mut self) -> Vec<UpstreamOverride> {
        let mut by_authority = BTreeMap::new();
        for said in self.raw.layered(Key::Upstream) {
            let upstream = self.parse(Key::Upstream, said, words::upstream);
            by_authority.extend(upstream.map(|upstream| (upstream.authority.clone(), upstream)));
        }
        by_authority.into_values().collect()
    }

    /// Whoever reaches a listener is taken for somebody then, so nobody but this machine may reach one.
    fn dev_identity(&mut self, listen: &[SocketAddr]) -> Option<PathBuf> {
        let said = self.raw.one(Key::DevIdentity)?;
        let file = self.one(Key::DevIdentity, |text| {
            if text.is_empty() { Err("Name a file.".into()) } else { Ok(PathBuf::from(text)) }
        });
        if let Some(address) = listen.iter().find(|address| !address.ip().is_loopback()) {
            let found = format!("{} is given, and others can reach {address}", said.name(Key::DevIdentity));
            let help =
                "Anybody who calls would be taken for whom the file names: listen on 127.0.0.1 only, or leave it out.";
            self.mistake("settings::dev-identity", said.written(), found, help);
        }
        if self.raw.one(Key::TrustedProxy).is_some() {
            let found = format!("{} is given, and proxies are trusted", said.name(Key::DevIdentity));
            let help = "Whoever comes by a proxy would be taken for whom the file names: leave one of the two out.";
            self.mistake("settings::dev-identity", said.written(), found, help);
        }
        file
    }

    pub(super) fn one<T>(&mut self, key: Key, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let said = self.raw.one(key)?;
        self.parse(key, said, parse)
    }

    pub(super) fn switch(&mut self, key: Key) -> bool {
        self.one(key, words::switch).unwrap_or(false)
    }

    fn time(&mut self, key: Key, min: Duration) -> Option<Duration> {
        self.bounded(key, words::duration, min, DURATION_LARGEST, &|duration| format!("{duration:?}"))
    }

    fn size(&mut self, key: Key, min: u64, max: u64) -> Option<u64> {
        self.bounded(key, words::bytes, min, max, &|bytes| format!("{bytes} bytes"))
    }

    fn head_part(&mut self, key: Key) -> Option<usize> {
        self.size(key, 256, HEAD_BYTES_LARGEST as u64).map(|bytes| bytes as usize)
    }

    fn count(&mut self, key: Key, min: usize, max: usize) -> Option<usize> {
        self.bounded(key, words::number, min as u64, max as u64, &|n| n.to_string()).map(|n| n as usize)
    }

    fn bounded<T: PartialOrd + Copy>(
        &mut self,
        key: Key,
        parse: impl FnOnce(&str) -> Parsed<T>,
        min: T,
        max: T,
        show: &dyn Fn(T) -> String,
    ) -> Option<T> {
        self.one(key, |text| {
            let value = parse(text)?;
            if min <= value && value <= max {
                return Ok(value);
            }
            Err(format!("It may be {} to {}.", show(min), show(max)))
        })
    }

    pub(super) fn parse<T>(&mut self, key: Key, said: &Said, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        parse(&said.text).map_err(|help| self.wrong(key, said, help)).ok()
    }

    pub(super) fn wrong(&mut self, key: Key, said: &Said, help: impl Into<String>) {
        let found = format!("{} is `{}`", said.name(key), said.text);
        self.mistake(code(key), said.written(), found, help);
    }

    /// A value that is no [`Key`].
    pub(super) fn checked<T>(
        &mut self,
        code: &'static str,
        name: &str,
        said: &Said,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        let wrong = |help| self.mistake(code, said.written(), format!("{name} is `{}`", said.text), help);
        parse(&said.text).map_err(wrong).ok()
    }

    pub(super) fn mistake(
        &mut self,
        code: &'static str,
        written: Option<Written>,
        found: String,
        help: impl Into<String>,
    ) {
        self.mistakes.push(Mistake { code, written, found, help: help.into() });
    }
}

fn driver(text: &str) -> Parsed<DriverChoice> {
    match text {
        "auto" => Ok(DriverChoice::Auto),
        "io_uring" => Ok(DriverChoice::IoUring),
        "epoll" => Ok(DriverChoice::Epoll),
        _ => Err("Write auto, io_uring or epoll.".into()),
    }
}

fn access_log_format(text: &str) -> Parsed<String> {
    let format = match text {
        "json" => FORMAT_JSON,
        "clf" => FORMAT_CLF,
        other => other.strip_suffix('\n').unwrap_or(other),
    };
    if !has_variable(format, "$context.requestId") && !has_variable(format, "$context.extendedRequestId") {
        return Err("Write json, clf, or a format that has $context.requestId or $context.extendedRequestId.".into());
    }
    if format.len() > ACCESS_LOG_FORMAT_BYTES_MAX {
        return Err(format!("AWS allows {ACCESS_LOG_FORMAT_BYTES_MAX} bytes; this has {}.", format.len()));
    }
    if format.contains(['\n', '\r']) {
        return Err("A format is one line.".into());
    }
    Ok(format.to_owned())
}

/// Whether `format` has this variable and not just one whose name begins like it.
fn has_variable(format: &str, variable: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
    format.match_indices(variable).any(|(at, _)| !format[at + variable.len()..].starts_with(goes_on))
}

fn code(key: Key) -> &'static str {
    match key {
        Key::Api => "settings::api",
        Key::Listen => "settings::listen",
        Key::Admin | Key::AdminAllowRemote => "settings::admin",
        Key::Stage | Key::StageVariable => "settings::stage",
        Key::AccessLog | Key::AccessLogFormat => "settings::access-log",
        Key::Upstream => "settings::upstream",
        Key::Throttle => "settings::throttle",
        Key::TrustedProxy => "settings::trusted-proxies",
        Key::LambdaEndpoint => "settings::lambda-endpoint",
        Key::Function => "settings::functions",
        Key::AwsEndpoint => "settings::aws",
        Key::PrincipalsFile => "settings::principals",
        Key::DevIdentity => "settings::dev-identity",
        _ => "settings::value",
    }
}

#[cfg(test)]
mod tests;
