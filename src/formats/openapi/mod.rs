//! OpenAPI 2.0 and 3.x, with AWS's extensions, to a REST API.
//!
//! [`import`] never stops at the first mistake: it gathers every problem with its place and gives back whatever it could
//! read, so that what comes after (`control/deploy/refuse.rs`) can add its own. With an error among the problems
//! the API is not fit to be deployed.

mod authorizer;
mod aws_uri;
mod aws_words;
mod base_path;
mod cors;
mod described;
mod document;
mod export;
mod found;
mod import_rows;
mod integration;
mod integration_rules;
mod mapping;
mod members;
mod models;
mod operation;
mod options;
mod parameters;
mod path_rules;
mod paths;
mod read;
mod reader;
mod responses;
mod rows;
mod security;
mod suggest;
mod uri;
mod variables;
mod vocabulary;

pub use base_path::BasePath;
pub use export::{ExportDialect, ExportOptions, Extensions, export};
use found::Audience;
pub use import_rows::{ImportOptions, ImportedApi, documentation_parts, fuzz_rows, import_rows};
pub use mapping::{fuzz as fuzz_mapping, takes_source};
pub use options::Options;
use read::{read, tree};

use crate::model::problem::Problem;
use crate::model::rest_api::RestApi;

/// The REST API that a document defines. `id` is left empty: who deploys it gives it one.
pub fn import(file: u32, text: &str, options: &Options, problems: &mut Vec<Problem>) -> Option<RestApi> {
    let root = tree(file, text, options, problems)?;
    let (api, found) = read(&root, options, BasePath::Ignore);
    problems.extend(found.into_iter().filter(|one| one.audience != Audience::Import).map(|one| one.problem));
    api
}
