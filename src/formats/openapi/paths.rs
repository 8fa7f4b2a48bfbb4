//! `paths`: resources, their verbs, and what all verbs of one path share.

use std::collections::HashMap;

use super::base_path;
use super::found::Owner;
use super::operation::{self, Shared};
use super::parameters::Declared;
use super::path_rules::{Tree, Variable};
use super::reader::Reader;
use super::suggest::closest;
use super::vocabulary::{self, Level};
use crate::formats::yaml::{Entries, Node};
use crate::model::problem::{Located, Place};
use crate::model::rest_api::{HttpMethod, Method, Resource};
use crate::settings::limits::RESOURCES_MAX;

const VERBS: [&str; 7] = ["delete", "get", "head", "options", "patch", "post", "put"];
const OTHER_KEYS: [&str; 5] = ["$ref", "summary", "description", "servers", "parameters"];

/// `prefix` is what an import puts before every path; empty for a file that is served.
pub(super) fn read<'d>(
    reader: &mut Reader<'d, '_>,
    root: &'d Node,
    prefix: &str,
    shared: &Shared<'d>,
) -> Vec<Resource> {
    let Some(paths) = root.get("paths") else { return Vec::new() };
    let Some(entries) = reader.map(paths, "`paths`") else { return Vec::new() };
    if entries.len() > RESOURCES_MAX {
        let found = format!("{} paths, more than {RESOURCES_MAX}", entries.len());
        reader.error("openapi::paths", paths.place, found, "Split the API into several files");
        return Vec::new();
    }
    let mut tree = Tree::default();
    let mut known: HashMap<String, Place> = HashMap::new();
    let mut resources = Vec::new();
    for (path, item) in entries.iter().filter(|(path, _)| !path.value.starts_with("x-")) {
        let path = &Located::new(base_path::below(prefix, &path.value), path.place);
        reader.owner = Owner::Path(path.value.as_str().into());
        let checked = tree.add(reader, path);
        reader.owner = Owner::Document;
        // The verbs are read also where the path is wrong: their own problems are worth hearing at once.
        let (kept, variables) = checked.clone().unwrap_or_else(|| (path.value.clone(), Vec::new()));
        let Some(item) = reader.resolve(item) else { continue };
        let Some(item) = reader.map(item, "a path") else { continue };
        let place = path.place;
        if checked.is_some() && known.insert(kept.clone(), place).is_some() {
            reader.error("openapi::path", place, format!("the path `{kept}` is written twice"), "Keep one of the two");
        }
        let methods = methods(reader, item, &Located::new(kept.clone(), place), checked.map(|_| &*variables), shared);
        resources.push(Resource { id: String::new(), path: Located::new(kept, place), methods });
    }
    resources
}

fn methods<'d>(
    reader: &mut Reader<'d, '_>,
    item: &'d Entries,
    path: &Located<String>,
    variables: Option<&[Variable]>,
    shared: &Shared<'d>,
) -> Vec<Method> {
    vocabulary::check(reader, item, Level::PathItem);
    let parameters = item.iter().find(|(key, _)| key.value == "parameters").map(|(_, node)| node);
    // Each verb reads the path's parameters for itself, so their problems are told once, here.
    if let Some(node) = parameters {
        Declared::default().read(reader, node, &[]);
    }
    let mut methods = Vec::new();
    for (key, node) in item {
        let http_method = match key.value.as_str() {
            "x-amazon-apigateway-any-method" => HttpMethod::Any,
            verb if VERBS.contains(&verb) => HttpMethod::parse(verb).unwrap_or(HttpMethod::Any),
            other => {
                unknown(reader, key, other);
                continue;
            }
        };
        methods.extend(operation::read(reader, http_method, key, node, path, variables, parameters, shared));
    }
    methods
}

fn unknown(reader: &mut Reader<'_, '_>, key: &Located<String>, name: &str) {
    if OTHER_KEYS.contains(&name) || name.starts_with("x-") {
        return;
    }
    let (found, help) = match closest_verb(name) {
        _ if name == "trace" => {
            ("API Gateway has no TRACE methods".to_owned(), "Remove it: it is not served".to_owned())
        }
        Some(verb) => (format!("unknown property `{name}` of a path"), format!("Did you mean `{verb}`?")),
        None => (format!("unknown property `{name}` of a path"), "Remove it: it has no effect".to_owned()),
    };
    reader.lint("openapi::path-item", key.place, found, help);
}

fn closest_verb(name: &str) -> Option<&'static str> {
    closest(name, &VERBS).or_else(|| closest(name, &OTHER_KEYS))
}
