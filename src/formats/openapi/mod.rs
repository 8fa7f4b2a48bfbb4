//! OpenAPI 2.0 and 3.x, with AWS's extensions, to a REST API.
//!
//! [`import`] never stops at the first mistake: it gathers every problem with its place and gives back whatever it could
//! read, so that what comes after (`control/deploy/refuse.rs`) can add its own. With an error among the problems
//! the API is not fit to be deployed.

mod document;
mod integration;
mod integration_rules;
mod mapping;
mod operation;
mod options;
mod parameters;
mod path_rules;
mod paths;
mod reader;
mod security;
mod suggest;
mod uri;
mod variables;
mod vocabulary;

use std::collections::HashSet;

use options::Dialect;
pub use options::Options;
use reader::Reader;

use super::yaml::{self, Node};
use crate::model::problem::Problem;
use crate::model::rest_api::RestApi;

/// The REST API that a document defines. `id` is left empty: who deploys it gives it one.
pub fn import(file: u32, text: &str, options: &Options, problems: &mut Vec<Problem>) -> Option<RestApi> {
    let mut root = yaml::parse(file, text, problems)?;
    if text.contains("${AWS::") {
        variables::replace(&mut root, options);
    }
    let mut found = Vec::new();
    let mut reader = Reader::new(&root, options, &mut found);
    let dialect = dialect(&mut reader, &root);
    let api = dialect.map(|dialect| document::read(&mut reader, &root, dialect));
    // What an alias or a reference repeats is wrong in one place only.
    let mut told = HashSet::new();
    found.retain(|problem| told.insert((problem.code, problem.place.map(|place| place.offset), problem.found.clone())));
    problems.append(&mut found);
    api
}

fn dialect<'d>(reader: &mut Reader<'d, '_>, root: &'d Node) -> Option<Dialect> {
    let help = "Begin with `openapi: \"3.0.1\"` or `swagger: \"2.0\"`";
    reader.map(root, "the document")?;
    if root.get("AWSTemplateFormatVersion").is_some() || root.get("Resources").is_some() {
        let found = "a CloudFormation template, not an OpenAPI document";
        let help = "Put what stands under the API's `Body` or `DefinitionBody` into a file of its own";
        reader.error("openapi::version", root.place, found, help);
        return None;
    }
    let Some((node, key)) = ["openapi", "swagger"].iter().find_map(|key| Some((root.get(key)?, *key))) else {
        reader.error("openapi::version", root.place, "neither `openapi` nor `swagger` says the version", help);
        return None;
    };
    let version = reader.text(node, key)?;
    let release = |prefix: &str| version.value == prefix || version.value.starts_with(&format!("{prefix}."));
    match key {
        "swagger" if release("2") => Some(Dialect::Swagger2),
        "openapi" if release("3.0") || version.value == "3" => Some(Dialect::OpenApi3),
        "openapi" if release("3.1") => {
            let found = format!("OpenAPI {} is not taken by AWS", version.value);
            let help = "Weir reads it as 3.0; write `openapi: \"3.0.1\"` to deploy the same file to AWS";
            reader.warning("openapi::version", version.place, found, help);
            Some(Dialect::OpenApi3)
        }
        _ => {
            reader.error(
                "openapi::version",
                version.place,
                format!("`{key}: {}` is not supported", version.value),
                help,
            );
            None
        }
    }
}
