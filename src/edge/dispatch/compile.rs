//! Resource paths to a tree, stages to a table.

use super::hosts::{StageRoutes, Table};
use super::tree::{Part, Tree};
use crate::edge::exchange::{PathValues, Verb};
use crate::model::problem::Problem;
use crate::model::rest_api::{HttpMethod, RestApi};

/// The tree of an API. Methods are numbered in the order of the definition.
pub fn compile(api: &RestApi, problems: &mut Vec<Problem>) -> Tree {
    let mut tree = Tree::new();
    let mut method_index = 0;
    for resource in &api.resources {
        let parts = parts(&resource.path.value);
        if parts.iter().filter(|part| !matches!(part, Part::Literal(_))).count() > PathValues::MAX {
            problems.push(Problem::error(
                "route::parameters",
                resource.path.place,
                format!("this path has more than {} parameters", PathValues::MAX),
                "take the last ones together with a greedy parameter `{name+}`",
            ));
        }
        for method in &resource.methods {
            tree.insert(&parts, verb(method.http_method), method_index);
            method_index += 1;
        }
    }
    tree
}

/// The parts of a resource path such as `/pets/{petId}`.
pub fn parts(path: &str) -> Vec<Part<'_>> {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    segments
        .map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if name.ends_with('+') => Part::Greedy,
            Some(_) => Part::Parameter,
            None => Part::Literal(segment.as_bytes()),
        })
        .collect()
}

/// `None` is ANY.
pub fn verb(method: HttpMethod) -> Option<Verb> {
    Some(Verb::of(method.as_str().as_bytes())).filter(|verb| *verb != Verb::Other)
}

impl Table {
    /// Adds a stage; `base_path` is `None` where only the `execute-api` forms reach it. Answers its index.
    pub fn add(&mut self, api_id: &str, stage: &str, execute_api: bool, base_path: Option<&str>, tree: Tree) -> usize {
        let index = self.stages.len();
        self.stages.push(StageRoutes { stage: stage.as_bytes().into(), execute_api, tree });
        self.by_api.entry(api_id.as_bytes().into()).or_default().push(index);
        match base_path.map(|path| path.trim_matches('/')) {
            None => {}
            Some("") => self.catch_all = Some(index),
            Some(key) => {
                self.multi_level |= key.contains('/');
                self.mappings.push((key.as_bytes().into(), index));
                self.mappings.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
            }
        }
        index
    }
}
