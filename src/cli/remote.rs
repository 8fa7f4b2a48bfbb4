//! Commands that ask a running Weir what the AWS CLI has no words for: backup, restore, plan, usage export.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::flags::{BackupFlags, PlanFlags, RemoteFlags, RestoreFlags, UsageExportFlags};
use super::run::show;
use crate::control::restore_folder;
use crate::settings::limits::REMOTE_TIMEOUT;
use crate::sigv4::{self, Request, Scope, Signer, SigningKey};

pub(super) fn backup(flags: BackupFlags) -> ExitCode {
    // What it holds is as secret as the store: nobody else may read it.
    let saved = replaceable(&flags.file)
        .and_then(|()| ask(&flags.remote, "GET", "/_weir/backup", &[]))
        .and_then(|response| save(response, &flags.file, 0o600));
    ended(saved.map(|bytes| format!("{} has everything: {bytes} bytes", flags.file.display())))
}

/// The finished file takes the name's place: of a device it would be the end.
fn replaceable(file: &Path) -> Result<(), String> {
    match fs::symlink_metadata(file).is_ok_and(|there| !there.is_file()) {
        true => Err(format!("{} is no ordinary file: name one that may be replaced", file.display())),
        false => Ok(()),
    }
}

/// Written beside, and moved when it is whole: what was broken off must not look like it.
fn save(mut response: Response, file: &Path, mode: u32) -> Result<u64, String> {
    let mut part = file.to_path_buf().into_os_string();
    part.push(".part");
    let copied = File::options().write(true).create(true).truncate(true).mode(mode).open(&part).and_then(|mut out| {
        let copied = io::copy(&mut response.body_mut().as_reader(), &mut out)?;
        out.sync_all()?;
        fs::rename(&part, file)?;
        Ok(copied)
    });
    copied.map_err(|error| {
        let _ = fs::remove_file(&part);
        format!("{} cannot be written: {error}", file.display())
    })
}

/// Piece by piece, to standard output or a file: how much there is does not matter.
pub(super) fn usage(flags: &UsageExportFlags) -> ExitCode {
    let target = usage_target(flags);
    let Some(file) = &flags.output else {
        let copied = ask(&flags.remote, "GET", &target, &[]).and_then(|mut response| {
            let copied = io::copy(&mut response.body_mut().as_reader(), &mut io::stdout().lock());
            copied.map_err(|error| format!("the export was broken off, and is not whole: {error}"))
        });
        return match copied {
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => ended(Err(error)),
        };
    };
    // Who bills for it reads it as any other file.
    let saved = replaceable(file)
        .and_then(|()| ask(&flags.remote, "GET", &target, &[]))
        .and_then(|response| save(response, file, 0o666));
    ended(saved.map(|bytes| format!("{} has the usage: {bytes} bytes", file.display())))
}

fn usage_target(flags: &UsageExportFlags) -> String {
    let mut target = format!("/_weir/usage?format={}", flags.format);
    let given = [("from", &flags.from), ("to", &flags.to), ("plan", &flags.plan), ("key", &flags.key)];
    for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        // RFC 3986 section 2.3: of what need not be encoded signatures know one form alone.
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
        target.push_str(&format!("&{name}={}", utf8_percent_encode(value, KEPT)));
    }
    target
}

pub(super) fn restore(flags: RestoreFlags) -> ExitCode {
    ended(match &flags.data {
        Some(folder) => match restore_folder(folder, &flags.file, flags.replace) {
            Ok(text) => Ok(text),
            Err(refusal) => {
                show(&refusal.problems, &refusal.sources);
                return ExitCode::FAILURE;
            }
        },
        None => read(&flags.file).and_then(|bytes| {
            ask(&flags.remote, "POST", "/_weir/restore", &bytes)?;
            Ok(format!("the running Weir serves what {} holds", flags.file.display()))
        }),
    })
}

/// What the stage of a running Weir serves, as a document.
pub(super) fn export(remote: &RemoteFlags, api: &str, stage: &str, flags: Export<'_>) -> Result<String, String> {
    let Export { swagger, yaml, extensions } = flags;
    let kind = if swagger { "swagger" } else { "oas30" };
    let accept = if yaml { "application/yaml" } else { "application/json" };
    let target = format!("/restapis/{api}/stages/{stage}/exports/{kind}?extensions={}", extensions.replace(',', "%2C"));
    let mut response = ask_for(remote, "GET", &target, &[], accept)?;
    response.body_mut().read_to_string().map_err(|error| error.to_string())
}

/// What kind of a document is wanted.
#[derive(Clone, Copy)]
pub(super) struct Export<'e> {
    pub(super) swagger: bool,
    pub(super) yaml: bool,
    pub(super) extensions: &'e str,
}

pub(super) fn plan(flags: PlanFlags) -> ExitCode {
    ended(read(&flags.file).and_then(|document| {
        let mut response = ask(&flags.remote, "POST", &format!("/_weir/plan?api={}", flags.api), &document)?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        if flags.json {
            return Ok(text);
        }
        let plan: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        Ok(told(&plan))
    }))
}

/// One line a method: `+` comes, `-` goes, `~` changes, with what of it.
fn told(plan: &Value) -> String {
    let texts = |name: &str| plan[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let mut lines: Vec<String> = texts("removed").map(|method| format!("- {method}")).collect();
    lines.extend(texts("added").map(|method| format!("+ {method}")));
    let members = |differences: &Value| -> Vec<String> {
        let one = |(name, pair): (&String, &Value)| format!("    {name}: {} -> {}", pair["before"], pair["after"]);
        differences.as_object().into_iter().flatten().map(one).collect()
    };
    for changed in plan["changed"].as_array().into_iter().flatten() {
        lines.push(format!("~ {}", changed["method"].as_str().unwrap_or_default()));
        lines.extend(members(&changed["members"]));
    }
    let settings = members(&plan["settings"]);
    if !settings.is_empty() {
        lines.push("~ the API itself".to_owned());
        lines.extend(settings);
    }
    if lines.is_empty() { "nothing would change".to_owned() } else { lines.join("\n") }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))
}

type Response = ureq::http::Response<ureq::Body>;

/// Asks the admin listener, signed where there is a key for it (`AWS_ACCESS_KEY_ID` and its like).
fn ask(remote: &RemoteFlags, method: &str, target: &str, body: &[u8]) -> Result<Response, String> {
    ask_for(remote, method, target, body, "application/json")
}

fn ask_for(remote: &RemoteFlags, method: &str, target: &str, body: &[u8], accept: &str) -> Result<Response, String> {
    let base = remote.admin_url.trim_end_matches('/');
    let host = base.strip_prefix("http://").ok_or_else(|| format!("`{base}` is no http:// address"))?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{target}"))
        .header("host", host)
        .header("accept", accept);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(access_key), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or("us-east-1".into());
        let token = variable("AWS_SESSION_TOKEN");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
        let date = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%d").to_string();
        let scope = Scope { date: &date, region: &region, service: "apigateway" };
        let key = SigningKey::derive(&secret, scope);
        let (access_key, region) = (access_key.as_str(), region.as_str());
        let signer = Signer { access_key, key: &key, session_token: token.as_deref(), region, service: "apigateway" };
        let headers = [(&b"host"[..], host.as_bytes())];
        let unsigned = Request {
            method: method.as_bytes(),
            path: path.as_bytes(),
            query: (!query.is_empty()).then_some(query.as_bytes()),
            headers: headers.iter().copied(),
            body_hash: sigv4::hash(body),
        };
        for (name, value) in sigv4::sign(&unsigned, &signer, now) {
            request = request.header(name, value);
        }
    }
    let request = request.body(body.to_vec()).map_err(|error| error.to_string())?;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(REMOTE_TIMEOUT))
        .timeout_connect(Some(Duration::from_secs(5)))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut response = agent.run(request).map_err(|error| format!("{base} cannot be asked: {error}"))?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let text = response.body_mut().read_to_string().unwrap_or_default();
    let message =
        serde_json::from_str::<Value>(&text).ok().and_then(|body| body["message"].as_str().map(str::to_owned));
    Err(format!("{base} answers {status}: {}", message.unwrap_or(text)))
}

fn ended(result: Result<String, String>) -> ExitCode {
    match result {
        Ok(text) => {
            println!("{}", text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("weir: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_told_line_by_line() {
        let plan = json!({"added": ["GET /a"], "removed": ["GET /b"], "settings": {},
            "changed": [{"method": "GET /c", "members": {"integration.uri": {"before": "http://x", "after": "http://y"}}}]});
        let expected = "- GET /b\n+ GET /a\n~ GET /c\n    integration.uri: \"http://x\" -> \"http://y\"";
        assert_eq!(told(&plan), expected);
        assert_eq!(told(&json!({})), "nothing would change");
    }

    #[test]
    fn what_is_asked_of_usage_is_encoded() {
        let flags = |plan: Option<&str>, from: Option<&str>| UsageExportFlags {
            format: "json".into(),
            from: from.map(str::to_owned),
            to: None,
            plan: plan.map(str::to_owned),
            key: None,
            output: None,
            remote: RemoteFlags { admin_url: String::new() },
        };
        assert_eq!(usage_target(&flags(None, None)), "/_weir/usage?format=json");
        let target = usage_target(&flags(Some("a&key=b é"), Some("2026-11-01")));
        assert_eq!(target, "/_weir/usage?format=json&from=2026-11-01&plan=a%26key%3Db%20%C3%A9");
    }
}
