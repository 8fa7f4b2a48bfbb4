//! A backend's URI: stage variables and `{placeholders}` (rest/04 section 4.3).

use super::definition::{Definition, STAGE_VARIABLE};
use super::sources::{source, stage_variable};
use crate::edge::transform::parameters::{Piece, Source};
use crate::model::problem::{Located, Place, Problem};
use crate::wire::uri::encode_path;

/// Text with `{name}` in it, to constant text and values. What is constant is written ready for the wire.
pub(super) fn pieces(
    text: &str,
    place: Place,
    definition: Definition<'_>,
    problems: &mut Vec<Problem>,
) -> Box<[Piece]> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (before, name, after) = next_placeholder(rest);
        push_text(&mut pieces, before.as_bytes());
        rest = after;
        let Some(name) = name else { continue };
        let key = format!("integration.request.path.{name}");
        let mapped = definition.integration.request_parameters.iter().find(|(target, _)| target.value == key);
        match mapped {
            // A template may set it (`$context.requestOverride.path`); without a value the call fails, as on AWS.
            None if definition.has_overrides() => pieces.push(Piece::Value(Source::Unmapped, name.into())),
            None => problems.push(Problem::error(
                "integration::uri",
                place,
                format!("`{{{name}}}` in the uri has no value: every call would fail with 500"),
                format!("add `{key}: method.request.path.{name}` to requestParameters"),
            )),
            Some((_, expression)) => match source(expression, definition, problems) {
                Some(Source::Literal(literal)) => push_text(&mut pieces, &literal),
                Some(source) => pieces.push(Piece::Value(source, name.into())),
                None => {}
            },
        }
    }
    pieces.into()
}

/// Text before the next `{name}`, the name, and what is behind it.
fn next_placeholder(text: &str) -> (&str, Option<&str>, &str) {
    let Some(open) = text.find('{') else { return (text, None, "") };
    match text[open..].find('}') {
        Some(close) => (&text[..open], Some(&text[open + 1..open + close]), &text[open + close + 1..]),
        None => (text, None, ""),
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    let mut bytes = Vec::new();
    encode_path(text, |byte| bytes.push(byte));
    if let Some(Piece::Text(last)) = pieces.last_mut() {
        *last = [&**last, &bytes].concat().into();
    } else {
        pieces.push(Piece::Text(bytes.into()));
    }
}

/// rest/04 section 4.3: `${stageVariables.name}` is replaced; any other `${…}` stays.
pub(super) fn with_stage_variables(
    uri: &Located<String>,
    definition: Definition<'_>,
    problems: &mut Vec<Problem>,
) -> String {
    let mut text = String::new();
    let mut rest = uri.value.as_str();
    while let Some(at) = rest.find(STAGE_VARIABLE) {
        text.push_str(&rest[..at]);
        let behind = &rest[at + STAGE_VARIABLE.len()..];
        let Some(end) = behind.find('}') else {
            rest = &rest[at..];
            break;
        };
        text.push_str(stage_variable(&behind[..end], uri.place, definition, problems).unwrap_or_default());
        rest = &behind[end + 1..];
    }
    text + rest
}
