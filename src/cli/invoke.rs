//! `weir invoke`: one request through a definition, without a socket toward anybody but the backend; each phase is told
//! as AWS's execution log tells it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::flags::{InvokeFlags, RunFlags};
use super::gather::{settings, told};
use super::invoked;
use super::run::show;
use crate::control::cores::lone;
use crate::control::deploy::compile::Compiling;
use crate::control::deploy::load::{Loaded, load};
use crate::control::fetch::dns::{Names, Resolver};
use crate::control::local_functions::LocalFunctions;
use crate::control::refusal::Refusal;
use crate::edge::invoke::{Answer, Ask, Invoked, invoke};
use crate::model::problem::{Problem, Severity};
use crate::settings::Settings;
use crate::settings::limits::PAYLOAD_BYTES_MAX;
use crate::telemetry::counters::Registry;
use crate::time::Clock;

pub(super) fn run(flags: InvokeFlags) -> ExitCode {
    match asked(&flags).and_then(|ask| answered(&flags, ask)) {
        Ok(invoked) => {
            let text = if flags.json { invoked::to_json(&invoked) } else { invoked::to_text(&invoked) };
            let written = std::io::stdout().write_all(text.as_bytes());
            if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(refusal) => {
            show(&refusal.problems, &refusal.sources);
            ExitCode::FAILURE
        }
    }
}

/// The request, and what stands for the world.
fn asked(flags: &InvokeFlags) -> Result<Ask, Refusal> {
    let body = match &flags.data {
        None => Vec::new(),
        Some(text) => match text.strip_prefix('@') {
            None => text.clone().into_bytes(),
            Some(file) => bytes_of(file, "--data")?,
        },
    };
    let mut head = format!("{} {} HTTP/1.1\r\n", flags.method.to_ascii_uppercase(), target(&flags.path));
    let mut headers = Vec::new();
    for header in &flags.header {
        let Some((name, value)) = header.split_once(':').filter(|_| is_line(header)) else {
            return Err(refused(format!("`{header}` is no header"), "write `-H 'Name: value'`"));
        };
        headers.push((name.trim(), value.trim()));
    }
    let given = |name: &str| headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    if !given("host") {
        head.push_str("Host: localhost\r\n");
    }
    for (name, value) in &headers {
        // Framing is ours to say.
        if !["content-length", "transfer-encoding", "expect", "connection"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if flags.data.is_some() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    Ok(Ask {
        bytes: [head.as_bytes(), &body].concat(),
        canned: flags.mock_integration.as_deref().map(canned).transpose()?,
        authorizer: authorizer(flags)?,
        traces: flags.trace,
    })
}

/// `STATUS`, or `STATUS:BODYFILE` with `-` for standard input.
fn canned(text: &str) -> Result<Answer, Refusal> {
    let (status, file) = text.split_once(':').map_or((text, None), |(status, file)| (status, Some(file)));
    let Some(status) = status.parse().ok().filter(|status| (200..600).contains(status)) else {
        return Err(refused(
            format!("`{status}` of --mock-integration is no status"),
            "write `--mock-integration 200:answer.json`",
        ));
    };
    let file = file.filter(|file| !file.is_empty());
    let body = file.map(|file| bytes_of(file, "--mock-integration")).transpose()?.unwrap_or_default();
    let is_json = serde_json::from_slice::<Value>(&body).is_ok();
    let content_type = if is_json { "application/json" } else { "text/plain" };
    Ok(Answer { status, headers: vec![("Content-Type".into(), content_type.into())], body })
}

/// `$context.authorizer`, from `--authorizer` and `--claims`.
fn authorizer(flags: &InvokeFlags) -> Result<Option<Map<String, Value>>, Refusal> {
    let object = |name: &str, text: &Option<String>| -> Result<Option<Map<String, Value>>, Refusal> {
        let Some(text) = text else { return Ok(None) };
        let text = match text.strip_prefix('@') {
            Some(file) => String::from_utf8_lossy(&bytes_of(file, name)?).into_owned(),
            None => text.clone(),
        };
        match serde_json::from_str(&text) {
            Ok(Value::Object(members)) => Ok(Some(members)),
            _ => Err(refused(format!("{name} is no JSON object"), r#"write `'{"sub": "1234"}'`, or `@FILE`"#)),
        }
    };
    let claims = object("--claims", &flags.claims)?;
    let mut authorizer = object("--authorizer", &flags.authorizer)?;
    if let Some(claims) = claims {
        authorizer.get_or_insert_default().insert("claims".into(), Value::Object(claims));
    }
    for (name, value) in authorizer.iter_mut().flatten() {
        match value {
            Value::Object(claims) if name == "claims" => claims.values_mut().for_each(as_text),
            Value::Object(_) | Value::Array(_) => {
                let found = format!("`{name}` of --authorizer is neither a text nor a number nor a boolean");
                return Err(refused(found, "AWS refuses such an answer of an authorizer; write its JSON as a text"));
            }
            value => as_text(value),
        }
    }
    Ok(authorizer)
}

/// What an authorizer says arrives as texts (rest/08 section 8.12). A list of a token's, such as `cognito:groups`, is
/// joined by commas.
fn as_text(value: &mut Value) {
    let text = match &mut *value {
        Value::Null | Value::String(_) => return,
        Value::Array(items) => {
            items.iter_mut().for_each(as_text);
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    *value = Value::String(text);
}

fn answered(flags: &InvokeFlags, ask: Ask) -> Result<Invoked, Refusal> {
    let run = RunFlags {
        apis: vec![flags.file.clone()],
        config: flags.config.clone(),
        stage: flags.stage.clone(),
        stage_variable: flags.stage_variable.clone(),
        function: flags.function.clone(),
        upstream: flags.upstream.clone(),
        tls_root: flags.tls_root.clone(),
        account_id: flags.account_id.clone(),
        region: flags.region.clone(),
        integration_timeout: flags.integration_timeout.clone(),
        // What another method needs is no reason not to try this one.
        lenient: true,
        ..RunFlags::default()
    };
    let mut settings = settings(told(run.into_raw()))?;
    settings.throttle = None;
    settings.access_log = None;
    // What is printed is the answer.
    settings.functions.iter_mut().for_each(|function| function.place.log_to(Path::new("/dev/stderr")));
    let mut loaded = load(&settings);
    loaded.apis.iter_mut().for_each(|loaded| loaded.api.open_to_everybody());
    let registry = Arc::new(Registry::new(settings.limits.metrics_series_max));
    let mut compiling = Compiling::new(&settings, registry)
        .map_err(|problems| Refusal { problems, sources: std::mem::take(&mut loaded.sources) })?;
    let mut functions = LocalFunctions::default();
    // Functions are begun only for a request that comes so far.
    compiling.door = functions.door(&settings)?;
    let snapshot = compiling.compile(&mut loaded, &settings, Clock::real().now());
    let Loaded { sources, problems, .. } = loaded;
    let Some(snapshot) = snapshot else { return Err(Refusal { problems, sources }) };
    let warnings: Vec<_> = problems.into_iter().filter(|problem| problem.severity != Severity::Error).collect();
    show(&warnings, &sources);
    let snapshot = Arc::new(snapshot);
    let run = |ask| {
        invoke(lone(&settings.limits), Arc::clone(&snapshot), ask)
            .map_err(|error| refused(format!("the request could not be run: {error}"), "try it again"))
    };
    if ask.canned.is_none() {
        // Nobody has an address yet, so that nobody is called. Names are looked up only for a request that comes so far:
        // what is refused on its way does not wait for DNS, nor hear of it.
        let invoked = run(ask.clone())?;
        if !invoked.log.sends {
            return Ok(invoked);
        }
        functions.apply(&settings);
        resolve(&compiling, &settings, &functions)?;
    }
    run(ask)
}

/// Looks up the backends' names, fetches keys and begins functions, as a start does.
fn resolve(compiling: &Compiling, settings: &Settings, functions: &LocalFunctions) -> Result<(), Refusal> {
    let io = |error: &dyn std::fmt::Display| refused(format!("names cannot be looked up: {error}"), "try --upstream");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| io(&error))?;
    runtime.block_on(async {
        let names = Names::new(Resolver::new().map_err(|error| io(&error))?, settings.upstreams.clone());
        let endpoints: Vec<_> = compiling.endpoints.all().cloned().collect();
        let wanted: Vec<_> = endpoints.iter().map(|endpoint| (endpoint.host.clone(), endpoint.port)).collect();
        for (endpoint, found) in endpoints.iter().zip(names.resolve_all(&wanted).await) {
            endpoint.follow(found.watched.addresses);
        }
        tokio::join!(compiling.credentials.first_keys(), functions.warm());
        Ok(())
    })
}

fn bytes_of(file: &str, whose: &str) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let most = PAYLOAD_BYTES_MAX + 1;
    let read = match file {
        "-" => std::io::stdin().take(most).read_to_end(&mut bytes),
        file => fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes)),
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(error) => Err(refused(format!("{file} of {whose} cannot be read: {error}"), "name a readable file")),
    }
}

/// RFC 9110 5.5: nothing in it ends a line.
fn is_line(header: &str) -> bool {
    !header.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// A path as a person writes it may hold blanks and braces, which a request line cannot.
fn target(path: &str) -> String {
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_graphic()
            && !matches!(byte, b'{' | b'}' | b'|' | b'"' | b'<' | b'>' | b'^' | b'`' | b'\\' | b'#')
        {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

fn refused(found: String, help: &str) -> Refusal {
    Refusal { problems: vec![Problem::nowhere("cli::invoke", found, help)], sources: Default::default() }
}
