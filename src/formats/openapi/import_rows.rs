//! A document to rows: what the management API's import makes of it.

use std::time::Duration;

use super::aws_words::{self, invalid_input};
use super::base_path::BasePath;
use super::export::{ExportDialect, ExportOptions, Extensions, export};
use super::found::Audience;
use super::options::Options;
use super::read::{read, tree};
use super::reader::Reader;
use super::{described, rows};
use crate::formats::yaml;
use crate::model::api_rows::{ApiRows, Object};
use crate::model::problem::{Problem, Severity};
use crate::settings::limits::INTEGRATION_TIMEOUT_MAX;

/// What an import is told beside the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportOptions {
    /// `${AWS::AccountId}`
    pub account_id: String,
    /// `${AWS::Region}`; the partition follows from it.
    pub region: String,
    /// `basepath=`
    pub base_path: BasePath,
    /// `ignore=documentation`
    pub ignore_documentation: bool,
    /// The longest `timeoutInMillis` of a buffered integration.
    pub integration_timeout_max: Duration,
}

impl Default for ImportOptions {
    fn default() -> Self {
        let Options { account_id, region, .. } = Options::default();
        Self {
            account_id,
            region,
            base_path: BasePath::Ignore,
            ignore_documentation: false,
            integration_timeout_max: INTEGRATION_TIMEOUT_MAX,
        }
    }
}

/// What a document defines. `rows.api` has what the document says and no defaults: who imports over an API keeps the
/// rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportedApi {
    pub rows: ApiRows,
}

/// The rows that a document defines, and what AWS says of it: an error among the problems discards the import, their
/// texts are AWS's. `None`, with `Invalid OpenAPI input.` as the last problem, where it is no OpenAPI document.
pub fn import_rows(text: &str, options: &ImportOptions, problems: &mut Vec<Problem>) -> Option<ImportedApi> {
    let read_with = Options {
        account_id: options.account_id.clone(),
        region: options.region.clone(),
        integration_timeout_max: options.integration_timeout_max,
    };
    let mut unreadable = Vec::new();
    let Some(root) = tree(0, text, &read_with, &mut unreadable) else {
        problems.push(invalid_input(&unreadable));
        return None;
    };
    let (api, found) = read(&root, &read_with, options.base_path);
    let Some(api) = api else {
        let all: Vec<Problem> = found.into_iter().map(|one| one.problem).collect();
        problems.push(invalid_input(&all));
        return None;
    };
    problems.append(&mut unreadable);
    problems.extend(found.into_iter().filter_map(aws_words::told));
    let mut rows = rows::from_api(&api, problems);
    if options.ignore_documentation {
        rows.documentation_parts.clear();
    }
    Some(ImportedApi { rows })
}

/// The import never panics, and what it takes it exports in every form, and takes that again.
pub fn fuzz_rows(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let options = ImportOptions::default();
    let mut problems = Vec::new();
    let Some(imported) = import_rows(&text, &options, &mut problems) else {
        return assert!(!problems.is_empty(), "no rows and no reason for {text:?}");
    };
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return;
    }
    for (dialect, yaml) in [
        (ExportDialect::Swagger2, false),
        (ExportDialect::Swagger2, true),
        (ExportDialect::OpenApi3, false),
        (ExportDialect::OpenApi3, true),
    ] {
        let written = ExportOptions { dialect, yaml, extensions: Extensions::ALL, ..ExportOptions::default() };
        let exported = export(&imported.rows, &written);
        let mut problems = Vec::new();
        let again = import_rows(&exported, &options, &mut problems);
        problems.retain(|problem| problem.severity == Severity::Error);
        assert!(again.is_some() && problems.is_empty(), "{problems:?} in {exported} of {text:?}");
    }
}

/// The documentation parts of a document (`PUT /restapis/{id}/documentation/parts`). `None`: AWS's
/// `Unable to build importer with provided input.`
pub fn documentation_parts(text: &str, problems: &mut Vec<Problem>) -> Option<Vec<Object>> {
    let mut unreadable = Vec::new();
    let root = yaml::parse(0, text, &mut unreadable).filter(|root| {
        ["swagger", "openapi", "x-amazon-apigateway-documentation"].iter().any(|key| root.get(key).is_some())
    })?;
    let (options, mut found) = (Options::default(), Vec::new());
    let parts = described::documentation(&mut Reader::new(&root, &options, &mut found), &root);
    problems.append(&mut unreadable);
    problems.extend(found.into_iter().filter(|one| one.audience != Audience::Serve).map(|one| one.problem));
    Some(rows::documentation_parts(&parts))
}
