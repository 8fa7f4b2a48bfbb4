//! Mapping expressions (rest/04 section 4.4, rest/07 section 7.3).

use super::definition::{Definition, Missing};
use crate::edge::exchange::Variable;
use crate::edge::transform::json_body::BodyPath;
use crate::edge::transform::parameters::Source;
use crate::edge::transform::select::ResponseSource;
use crate::lang::jsonpath::Path;
use crate::model::problem::{Located, Place, Problem};

pub(super) fn source(
    expression: &Located<String>,
    definition: Definition<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Source> {
    let text = expression.value.as_str();
    let bytes = |name: &str| -> Box<[u8]> { name.as_bytes().into() };
    if let Some(literal) = literal(text) {
        return header_text(literal, expression.place, problems).map(Source::Literal);
    }
    if let Some(name) = text.strip_prefix("stageVariables.") {
        let value = stage_variable(name, expression.place, definition, problems)?;
        return Some(Source::Literal(bytes(value)));
    }
    if let Some(path) = text.strip_prefix("context.authorizer.") {
        return Some(Source::Authorizer(path.into()));
    }
    if let Some(name) = text.strip_prefix("context.") {
        return variable(name, expression.place, problems).map(Source::Context);
    }
    let behind = text.strip_prefix("method.request.")?;
    if behind == "body" {
        return Some(Source::Body);
    }
    let (position, name) = behind.split_once('.')?;
    match position {
        "path" => path_index(&definition.resource.path.value, name).map(Source::Path),
        "querystring" => Some(Source::Query(bytes(name))),
        "multivaluequerystring" => Some(Source::MultiQuery(bytes(name))),
        "header" => Some(Source::Header(bytes(name))),
        "multivalueheader" => Some(Source::MultiHeader(bytes(name))),
        "body" => body_path(name, expression, problems).map(Source::BodyPath),
        _ => None, // formats/ has said so
    }
}

pub(super) fn response_source(
    expression: &Located<String>,
    definition: Definition<'_>,
    problems: &mut Vec<Problem>,
) -> Option<ResponseSource> {
    let text = expression.value.as_str();
    if let Some(name) = text.strip_prefix("integration.response.header.") {
        return Some(ResponseSource::Header(name.as_bytes().into()));
    }
    if let Some(name) = text.strip_prefix("integration.response.multivalueheader.") {
        return Some(ResponseSource::MultiHeader(name.as_bytes().into()));
    }
    if text == "integration.response.body" {
        return Some(ResponseSource::Body);
    }
    if let Some(path) = text.strip_prefix("integration.response.body.") {
        return body_path(path, expression, problems).map(ResponseSource::BodyPath);
    }
    match source(expression, definition, problems)? {
        Source::Literal(text) => Some(ResponseSource::Literal(text)),
        Source::Context(variable) => Some(ResponseSource::Context(variable)),
        source => Some(ResponseSource::Request(source)),
    }
}

/// A path into a body: JSONPath without its `$.` (rest/04 section 4.4).
fn body_path(path: &str, expression: &Located<String>, problems: &mut Vec<Problem>) -> Option<Box<BodyPath>> {
    let compiled = Path::compile(&format!("$.{path}")).map_err(|error| {
        problems.push(Problem::error(
            "integration::source",
            expression.place,
            format!("`{path}` in `{}` is no JSONPath: {error}", expression.value),
            "write names and indexes, such as `order.items[0].id`",
        ));
    });
    let within_error = path.strip_prefix("errorMessage.").and_then(|rest| Path::compile(&format!("$.{rest}")).ok());
    Some(Box::new(BodyPath { path: compiled.ok()?, within_error }))
}

fn literal(text: &str) -> Option<&str> {
    text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''))
}

/// A constant that a header can carry: it is sent as it stands.
fn header_text(text: &str, place: Place, problems: &mut Vec<Problem>) -> Option<Box<[u8]>> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
        problems.push(Problem::error(
            "integration::literal",
            place,
            "this constant holds a control character, which would break the request",
            "remove it",
        ));
        return None;
    }
    Some(text.as_bytes().into())
}

fn variable(name: &str, place: Place, problems: &mut Vec<Problem>) -> Option<Variable> {
    let found = Variable::named(name);
    if found.is_none() {
        let known = Variable::names().collect::<Vec<_>>().join(", ");
        problems.push(Problem::warning(
            "integration::context",
            place,
            format!("`$context` has no `{name}`: the mapping sends nothing"),
            format!("use one of {known}"),
        ));
    }
    found
}

/// Which parameter of the path template has this name.
fn path_index(template: &str, name: &str) -> Option<usize> {
    let parameters = template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    parameters.map(|parameter| parameter.trim_end_matches('+')).position(|parameter| parameter == name)
}

pub(super) fn stage_variable<'v>(
    name: &str,
    place: Place,
    definition: Definition<'v>,
    problems: &mut Vec<Problem>,
) -> Option<&'v str> {
    let value = definition.stage_variables.get(name).map(String::as_str);
    if value.is_none() && definition.missing == Missing::Empty {
        return Some("");
    }
    if value.is_none() {
        problems.push(Problem::error(
            "stage::variable",
            place,
            format!("the stage variable `{name}` has no value"),
            format!("give it with `--stage-variable {name}=VALUE`, or under `[stage-variables]` in weir.toml"),
        ));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_by_their_place_in_the_template() {
        assert_eq!(path_index("/a/{b}/c/{d+}", "b"), Some(0));
        assert_eq!(path_index("/a/{b}/c/{d+}", "d"), Some(1));
        assert_eq!(path_index("/a/{b}", "c"), None);
    }
}
