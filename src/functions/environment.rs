//! The program that a function's process becomes, and all that its environment holds: nothing is inherited but `PATH`,
//! `LANG` and the locale, so that no credentials of Weir's reach a function by themselves.

use std::ffi::OsString;
use std::path::Path;

use crate::settings::{FunctionRuntime, LocalFunction};

/// The Python client, for functions whose interpreter and folder have no `awslambdaric`.
const PYTHON_CLIENT: &str = include_str!("clients/python.py");
/// The Node client, for functions without `aws-lambda-ric`.
const NODE_CLIENT: &str = include_str!("clients/node.mjs");
/// What is taken over from Weir's own environment.
const INHERITED: &[&str] = &["PATH", "LANG", "LC_ALL", "LC_CTYPE"];
/// Names that only Weir sets, as only Lambda does.
const RESERVED: &[&str] = &["AWS_LAMBDA_RUNTIME_API", "_HANDLER", "LAMBDA_TASK_ROOT", MARK];
/// Says of which process somebody is a child, whatever it did to its session.
pub(super) const MARK: &str = "WEIR_FUNCTION_PROCESS";

/// What a process is told beside its function's settings.
pub(super) struct Place<'p> {
    pub(super) code: &'p Path,
    /// Its own folder, for temporary files.
    pub(super) temporary: &'p Path,
    /// Where the clients have been written.
    pub(super) clients: &'p Path,
    /// `127.0.0.1:PORT`.
    pub(super) api: &'p str,
    pub(super) region: &'p str,
    /// The value of [`MARK`].
    pub(super) mark: &'p str,
}

/// Writes the clients where processes find them.
pub(super) fn write_clients(folder: &Path) -> std::io::Result<()> {
    std::fs::write(folder.join("python.py"), PYTHON_CLIENT)?;
    std::fs::write(folder.join("node.mjs"), NODE_CLIENT)
}

/// The program and its arguments.
pub(super) fn program(function: &LocalFunction, place: &Place<'_>) -> Vec<OsString> {
    let handler = || function.handler.clone().unwrap_or_default().into();
    match &function.runtime {
        // `-u`: what a function prints is there when it prints it.
        FunctionRuntime::Python(interpreter) => {
            vec![there_is(interpreter, "python3"), "-u".into(), place.clients.join("python.py").into(), handler()]
        }
        FunctionRuntime::Node(interpreter) => {
            vec![there_is(interpreter, "node"), place.clients.join("node.mjs").into(), handler()]
        }
        FunctionRuntime::Provided => vec![place.code.join("bootstrap").into()],
    }
}

/// `interpreter`, or, where `PATH` has no such version, the one that it has.
fn there_is(interpreter: &str, otherwise: &str) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        interpreter.contains('/') || std::env::split_paths(&path).any(|folder| folder.join(interpreter).is_file());
    if found { interpreter.into() } else { otherwise.into() }
}

/// Every variable; what comes later wins.
pub(super) fn variables(function: &LocalFunction, place: &Place<'_>) -> Vec<(OsString, OsString)> {
    let memory_mb = (function.memory_bytes / (1024 * 1024)).max(1).to_string();
    let execution = match &function.runtime {
        FunctionRuntime::Python(_) => "AWS_Lambda_python",
        FunctionRuntime::Node(_) => "AWS_Lambda_nodejs",
        FunctionRuntime::Provided => "AWS_Lambda_provided",
    };
    let inherited = INHERITED.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let usual = [
        ("TZ", ":UTC".as_ref()),
        ("AWS_REGION", place.region.as_ref()),
        ("AWS_DEFAULT_REGION", place.region.as_ref()),
        ("AWS_EXECUTION_ENV", execution.as_ref()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_ref()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".as_ref()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_mb.as_ref()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".as_ref()),
        ("LAMBDA_RUNTIME_DIR", place.clients.as_os_str()),
        ("TMPDIR", place.temporary.as_os_str()),
    ];
    let own = function.environment.iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
    let log_group = format!("/aws/lambda/{}", function.name);
    let fixed = [
        ("AWS_LAMBDA_LOG_GROUP_NAME", log_group.as_ref()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", place.mark.as_ref()),
        ("AWS_LAMBDA_RUNTIME_API", place.api.as_ref()),
        ("_HANDLER", function.handler.as_deref().unwrap_or_default().as_ref()),
        ("LAMBDA_TASK_ROOT", place.code.as_os_str()),
        (MARK, place.mark.as_ref()),
    ];
    let pair = |(name, value): (&str, &std::ffi::OsStr)| (OsString::from(name), value.to_owned());
    inherited
        .chain(usual.into_iter().map(pair))
        .chain(own.map(|(name, value)| (name.into(), value.into())))
        .chain(fixed.into_iter().map(pair))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::settings::FunctionLog;

    fn function(environment: &[(&str, &str)], runtime: FunctionRuntime) -> LocalFunction {
        LocalFunction {
            name: "orders".into(),
            code: "/code".into(),
            handler: Some("app.handler".into()),
            runtime,
            environment: environment.iter().map(|&(name, value)| (name.into(), value.into())).collect(),
            memory_bytes: 128 * 1024 * 1024,
            timeout: Duration::from_secs(3),
            concurrency: 1,
            warm: 0,
            idle_timeout: Duration::from_secs(60),
            log: FunctionLog::Stdout,
        }
    }

    fn place() -> Place<'static> {
        Place {
            code: Path::new("/copy"),
            temporary: Path::new("/own"),
            clients: Path::new("/clients"),
            api: "127.0.0.1:9",
            region: "eu-west-1",
            mark: "1-2",
        }
    }

    #[track_caller]
    fn check(environment: &[(&str, &str)], name: &str, expected: Option<&str>) {
        let function = function(environment, FunctionRuntime::Provided);
        let all: BTreeMap<OsString, OsString> = variables(&function, &place()).into_iter().collect();
        assert_eq!(all.get(&OsString::from(name)).and_then(|value| value.to_str()), expected, "{name}");
    }

    #[test]
    fn a_function_is_told_what_lambda_tells() {
        check(&[], "AWS_LAMBDA_RUNTIME_API", Some("127.0.0.1:9"));
        check(&[], "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", Some("128"));
        check(&[], "_HANDLER", Some("app.handler"));
        check(&[], "LAMBDA_TASK_ROOT", Some("/copy"));
        check(&[], "TMPDIR", Some("/own"));
        check(&[], "AWS_REGION", Some("eu-west-1"));
        check(&[], "TZ", Some(":UTC"));
    }

    #[test]
    fn what_is_configured_wins_but_over_what_is_reserved() {
        check(&[("TABLE", "orders"), ("TZ", "Europe/Paris")], "TABLE", Some("orders"));
        check(&[("TZ", "Europe/Paris")], "TZ", Some("Europe/Paris"));
        check(&[("_HANDLER", "x"), ("AWS_LAMBDA_RUNTIME_API", "y")], "_HANDLER", Some("app.handler"));
    }

    #[test]
    fn nothing_else_is_inherited() {
        let function = function(&[], FunctionRuntime::Provided);
        let found = variables(&function, &place());
        assert!(found.iter().all(|(name, _)| name != "HOME" && name != "CARGO" && name != "AWS_ACCESS_KEY_ID"));
    }

    #[test]
    fn each_runtime_has_its_program() {
        let of = |runtime| program(&function(&[], runtime), &place()).join(" ".as_ref());
        assert_eq!(of(FunctionRuntime::Provided), "/copy/bootstrap");
        assert_eq!(of(FunctionRuntime::Python("python3".into())), "python3 -u /clients/python.py app.handler");
        let old = of(FunctionRuntime::Python("python3.0".into()));
        assert_eq!(old, "python3 -u /clients/python.py app.handler");
        assert_eq!(of(FunctionRuntime::Node("node".into())), "node /clients/node.mjs app.handler");
    }
}
