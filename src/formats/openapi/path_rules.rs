//! What a resource path may look like, and which paths may stand beside each other (rest/01 section 1.4).

use std::collections::HashMap;

use super::mapping::is_name;
use super::reader::Reader;
use crate::model::problem::Located;
use crate::settings::limits::RESOURCE_PATH_BYTES_MAX;

/// A `{name}` or `{name+}` of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) greedy: bool,
}

/// The resource tree so far: below each parent at most one variable part.
#[derive(Default)]
pub(super) struct Tree {
    variable_children: HashMap<String, String>,
}

impl Tree {
    /// The path as AWS keeps it and its variables, or `None` where it cannot be one.
    pub(super) fn add(
        &mut self,
        reader: &mut Reader<'_, '_>,
        path: &Located<String>,
    ) -> Option<(String, Vec<Variable>)> {
        let place = path.place;
        if matches!(path.value.as_str(), "$default" | "/$default") {
            let help = "Write `/{proxy+}` with `x-amazon-apigateway-any-method`: REST APIs have no default route";
            reader.error("openapi::path", place, "`$default` is a route of HTTP APIs only", help);
            return None;
        }
        let Some(rest) = path.value.strip_prefix('/') else {
            let found = format!("the path `{}` does not begin with `/`", path.value);
            reader.error("openapi::path", place, found, format!("Write `/{}`", path.value));
            return None;
        };
        if rest.len() >= RESOURCE_PATH_BYTES_MAX {
            let found = format!("a path of {} bytes, more than {RESOURCE_PATH_BYTES_MAX}", path.value.len());
            reader.error("openapi::path", place, found, "Shorten it: no request could name it");
            return None;
        }
        let kept = match rest.strip_suffix('/') {
            Some(short) if !short.is_empty() => {
                let found = format!("the path `{}` ends with `/`", path.value);
                let help = format!("Write `/{short}`: one slash at a request's end is ignored anyway");
                reader.lint("openapi::path", place, found, help);
                short
            }
            _ => rest,
        };
        let mut variables: Vec<Variable> = Vec::new();
        if kept.is_empty() {
            return Some(("/".to_owned(), variables));
        }
        let mut parent = String::new();
        let mut valid = true;
        for part in kept.split('/') {
            if let Some(greedy) = variables.iter().find(|variable| variable.greedy) {
                let found =
                    format!("Cannot create a child of a resource with a greedy path variable: {{{}+}}", greedy.name);
                reader.error("openapi::path", place, found, "Let `{…+}` be the last part of the path");
                return None;
            }
            match part_of(part) {
                Part::Literal => {}
                Part::Variable(variable) => {
                    if variables.iter().any(|other| other.name == variable.name) {
                        let found = format!("the path has two parameters `{}`", variable.name);
                        reader.error("openapi::path", place, found, "Give each parameter a name of its own");
                        valid = false;
                    }
                    valid &= self.sibling(reader, &parent, part, path);
                    variables.push(variable);
                }
                Part::Wrong(found, help) => {
                    reader.error("openapi::path", place, found, help);
                    valid = false;
                }
            }
            parent.push('/');
            parent.push_str(part);
        }
        valid.then(|| (format!("/{kept}"), variables))
    }

    fn sibling(&mut self, reader: &mut Reader<'_, '_>, parent: &str, part: &str, path: &Located<String>) -> bool {
        let first = self.variable_children.entry(parent.to_owned()).or_insert_with(|| part.to_owned());
        if first == part {
            return true;
        }
        let found =
            format!("A sibling ({first}) of this resource already has a variable path part -- only one is allowed");
        let below = if parent.is_empty() { "/" } else { parent };
        let help =
            format!("Below `{below}` write `{first}` in every path, or literal parts beside it, instead of `{part}`");
        reader.error("openapi::path", path.place, found, help);
        false
    }
}

enum Part {
    Literal,
    Variable(Variable),
    Wrong(String, String),
}

fn part_of(part: &str) -> Part {
    if part.is_empty() {
        return Part::Wrong("the path has two slashes in a row".to_owned(), "Remove one".to_owned());
    }
    if let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let (name, greedy) = inner.strip_suffix('+').map_or((inner, false), |name| (name, true));
        if is_name(name) {
            return Part::Variable(Variable { name: name.to_owned(), greedy });
        }
        let help = "Name it with letters, digits and `._$-`, and for all that follows write `+` at its end".to_owned();
        return Part::Wrong(format!("`{part}` is no path parameter"), help);
    }
    if part.contains(['{', '}']) {
        let found = format!("the path part `{part}` is a parameter only in part");
        return Part::Wrong(found, "Let `{…}` be the whole part between two slashes".to_owned());
    }
    match part.chars().find(|letter| !(letter.is_ascii_alphanumeric() || "._:,-".contains(*letter))) {
        None => Part::Literal,
        Some(letter) => {
            let help = "Resource's path part only allow a-zA-Z0-9._-:, or a parameter in curly braces".to_owned();
            Part::Wrong(format!("the path part `{part}` has `{letter}` in it"), help)
        }
    }
}
