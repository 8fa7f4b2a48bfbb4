//! A text to a document, and a document to a REST API with everything that was found on the way.

use std::collections::HashSet;

use super::base_path::BasePath;
use super::document;
use super::found::{Audience, Found};
use super::options::{Dialect, Options};
use super::reader::Reader;
use super::variables;
use crate::formats::yaml::{self, Node};
use crate::model::problem::Problem;
use crate::model::rest_api::RestApi;

/// The document's tree, with AWS's variables filled in.
pub(super) fn tree(file: u32, text: &str, options: &Options, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut root = yaml::parse(file, text, problems)?;
    if text.contains("${AWS::") {
        variables::replace(&mut root, options);
    }
    Some(root)
}

pub(super) fn read(root: &Node, options: &Options, base_path: BasePath) -> (Option<RestApi>, Vec<Found>) {
    let mut found = Vec::new();
    let mut reader = Reader::new(root, options, &mut found);
    let dialect = dialect(&mut reader, root);
    let api = dialect.map(|dialect| document::read(&mut reader, root, dialect, base_path));
    // What an alias or a reference repeats is wrong in one place only.
    let mut told = HashSet::new();
    found.retain(|Found { problem, audience, .. }| {
        let place = problem.place.map(|place| place.offset);
        told.insert((problem.code, place, problem.found.clone(), *audience == Audience::Import))
    });
    (api, found)
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
