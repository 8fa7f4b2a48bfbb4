//! Resource paths to a tree, stages and routes to a table.

use std::cmp::Reverse;

use super::domain::{Domain, Glob, HeaderMatch, Mapping, Mappings, Rule, Target};
use super::hosts::{StageName, Table};
use super::tree::{Part, Tree};
use crate::edge::exchange::{DomainFacts, PathValues, Verb};
use crate::model::problem::Problem;
use crate::model::rest_api::{HttpMethod, RestApi};
use crate::model::routes::{BasePathMapping, CustomDomain, Routes, RoutingMode, RoutingRule, RuleCondition};

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

/// What the `execute-api` forms of an address name.
#[derive(Clone, Copy, Debug)]
pub struct StageAddress<'s> {
    pub api_id: &'s str,
    pub stage: &'s str,
    /// False under `disableExecuteApiEndpoint`.
    pub execute_api: bool,
}

/// The table of a snapshot's stages, which it numbers in this order. A route to a stage that is not among them answers
/// as one to nowhere.
pub fn table<'s>(stages: impl IntoIterator<Item = StageAddress<'s>>, routes: &Routes) -> Table {
    let mut table = Table::default();
    let stages = stages.into_iter();
    table.by_api.reserve(stages.size_hint().0);
    table.domains.reserve(routes.domains.len());
    for StageAddress { api_id, stage, execute_api } in stages {
        let index = table.stages.len();
        table.stages.push(StageName { name: stage.as_bytes().into(), execute_api });
        table.by_api.entry(api_id.as_bytes().into()).or_default().push(index);
    }
    table.elsewhere = Domain { rules: Vec::new(), mappings: mappings(&table, &routes.mounts, false) };
    for custom in &routes.domains {
        let domain = domain(&table, custom);
        let name = custom.name.to_ascii_lowercase();
        match name.strip_prefix('*') {
            Some(behind) => table.wildcards.insert(behind.as_bytes().into(), domain),
            None => table.domains.insert(name.as_bytes().into(), domain),
        };
    }
    table
}

fn domain(table: &Table, custom: &CustomDomain) -> Domain {
    let mut domain = Domain::default();
    if custom.closed {
        return domain;
    }
    if custom.routing_mode != RoutingMode::BasePathMappingOnly {
        let mut rules: Vec<&RoutingRule> = custom.rules.iter().collect();
        rules.sort_by_key(|rule| rule.priority);
        domain.rules = rules.into_iter().map(|one| rule(table, one)).collect();
    }
    if custom.routing_mode != RoutingMode::RoutingRuleOnly {
        domain.mappings = mappings(table, &custom.mappings, true);
    }
    domain
}

fn mappings(table: &Table, mappings: &[BasePathMapping], of_custom_domain: bool) -> Mappings {
    let mut compiled = Mappings::default();
    let multi_level = mappings.iter().any(|mapping| key(mapping).contains('/'));
    for mapping in mappings {
        let key = key(mapping);
        let target = target(table, &mapping.api_id, mapping.stage.as_deref());
        let named = if key.is_empty() { CATCH_ALL } else { key };
        let facts = of_custom_domain.then(|| DomainFacts { base_path: Some(named.into()), ..DomainFacts::default() });
        let fresh = Mapping { target, facts };
        if key.is_empty() {
            compiled.catch_all = Some(fresh);
        } else if multi_level {
            compiled.prefixes.push((key.as_bytes().into(), fresh));
        } else {
            compiled.whole.insert(key.as_bytes().into(), fresh);
        }
    }
    compiled.prefixes.sort_by_key(|(key, _)| Reverse(key.len()));
    compiled
}

/// What AWS calls an empty base path.
const CATCH_ALL: &str = "(none)";

fn key(mapping: &BasePathMapping) -> &str {
    let key = mapping.base_path.trim_matches('/');
    if key == CATCH_ALL { "" } else { key }
}

fn rule(table: &Table, rule: &RoutingRule) -> Rule {
    let facts = |base_path: Option<&str>| DomainFacts {
        base_path: base_path.map(Into::into),
        routing_rule_id: Some(rule.id.as_str().into()),
    };
    let mut compiled = Rule {
        headers: Vec::new(),
        base_paths: None,
        facts: facts(None),
        target: target(table, &rule.api_id, Some(&rule.stage)),
        strip_base_path: rule.strip_base_path,
    };
    for condition in &rule.conditions {
        match condition {
            RuleCondition::BasePaths(any_of) => {
                let mut paths: Vec<&str> = any_of.iter().map(|path| path.trim_matches('/')).collect();
                paths.sort_by_key(|path| Reverse(path.len()));
                let with_facts = |path: &str| (path.as_bytes().into(), facts(Some(path)));
                compiled.base_paths = Some(paths.into_iter().map(with_facts).collect());
            }
            RuleCondition::Headers(any_of) => {
                let group = any_of.iter().map(|header| HeaderMatch {
                    name: header.header.to_ascii_lowercase().into_bytes().into(),
                    value: Glob::of(&header.value_glob),
                });
                compiled.headers.push(group.collect());
            }
        }
    }
    compiled
}

fn target(table: &Table, api_id: &str, stage: Option<&str>) -> Target {
    let Some(stages) = table.by_api.get(api_id.as_bytes()) else { return Target::Nowhere };
    match stage {
        None => Target::InPath(stages.clone()),
        Some(stage) => {
            let named = stages.iter().find(|&&index| *table.stages[index].name == *stage.as_bytes());
            named.map_or(Target::Nowhere, |&index| Target::Stage(index))
        }
    }
}
