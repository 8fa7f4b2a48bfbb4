//! `weir export`: a definition as AWS would export it.

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use super::flags::ExportFlags;
use super::remote::{self, Export};
use super::run::show;
use crate::control::deploy::ids::stable_id;
use crate::control::deploy::load::read;
use crate::formats::openapi::{ExportDialect, ExportOptions, Extensions, ImportOptions, export, import_rows};
use crate::model::problem::{Problem, Severity, Sources};

pub(super) fn run(flags: ExportFlags) -> ExitCode {
    if let Some(api) = api_id(&flags) {
        return deployed(&flags, api);
    }
    let (mut problems, mut sources) = (Vec::new(), Sources::default());
    let document = document(&flags, &mut sources, &mut problems);
    show(&problems, &sources);
    match document {
        Some(document) if std::io::stdout().write_all(document.as_bytes()).is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Ten letters and digits that are no file's name.
fn api_id(flags: &ExportFlags) -> Option<&str> {
    let text = flags.file.to_str()?;
    let id = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (id && !flags.file.exists()).then_some(text)
}

fn deployed(flags: &ExportFlags, api: &str) -> ExitCode {
    let extensions = if flags.extensions == "none" { "" } else { &flags.extensions };
    let wanted = Export { swagger: flags.swagger, yaml: flags.yaml, extensions };
    match remote::export(&flags.remote, api, &flags.stage, wanted) {
        Ok(document) if std::io::stdout().write_all(document.as_bytes()).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("weir: {error}");
            ExitCode::FAILURE
        }
    }
}

fn document(flags: &ExportFlags, sources: &mut Sources, problems: &mut Vec<Problem>) -> Option<String> {
    let list = if flags.extensions == "none" { "" } else { &flags.extensions };
    let Some(extensions) = Extensions::parse(list) else {
        let found = format!("`{}` is no list of extensions", flags.extensions);
        let help = "write integrations, authorizers, postman, apigateway or none";
        problems.push(Problem::nowhere("cli::extensions", found, help));
        return None;
    };
    let text = read(&flags.file).map_err(|problem| problems.push(problem)).ok()?;
    sources.add(flags.file.clone(), text.clone());
    let options = ImportOptions {
        account_id: flags.account_id.clone(),
        region: flags.region.clone(),
        ..ImportOptions::default()
    };
    let rows = import_rows(&text, &options, problems)?.rows;
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return None;
    }
    let name = flags.file.file_name().unwrap_or_default().to_string_lossy();
    let title = rows.api.get("name").and_then(|name| name.as_str()).unwrap_or_default();
    let written = fs::metadata(&flags.file).and_then(|file| file.modified()).ok();
    let age = written.and_then(|written| written.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let options = ExportOptions {
        dialect: if flags.swagger { ExportDialect::Swagger2 } else { ExportDialect::OpenApi3 },
        yaml: flags.yaml,
        extensions,
        // The id under which `weir run` serves the file.
        api_id: stable_id(&["", &name, title], 10),
        region: flags.region.clone(),
        stage: flags.stage.clone(),
        created_date: i64::try_from(age.as_secs()).unwrap_or_default(),
        documentation_version: None,
    };
    let mut document = export(&rows, &options);
    if !document.ends_with('\n') {
        document.push('\n');
    }
    Some(document)
}
