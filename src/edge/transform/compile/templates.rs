//! Templates, and what media types and contentHandling say of the bodies around them.

use crate::edge::transform::encoding::{BinaryTypes, ContentHandling};
use crate::edge::transform::select::{BodyTemplates, Unmatched};
use crate::edge::transform::template::Template;
use crate::lang::vtl;
use crate::model::problem::{Located, Problem};
use crate::model::rest_api::{Integration, PassthroughBehavior, RestApi};

/// rest/04 section 4.5's table.
pub(super) fn body_templates<T>(
    integration: &Integration,
    mut make: impl FnMut(&Located<String>, &Located<String>) -> T,
) -> BodyTemplates<T> {
    let templates = &integration.request_templates;
    let entries =
        templates.iter().map(|(key, text)| (key.value.to_ascii_lowercase().into(), make(key, text))).collect();
    let unmatched = match integration.passthrough_behavior {
        PassthroughBehavior::WhenNoMatch => Unmatched::PassThrough,
        PassthroughBehavior::WhenNoTemplates if templates.is_empty() => Unmatched::PassThrough,
        PassthroughBehavior::WhenNoTemplates | PassthroughBehavior::Never => Unmatched::Refuse,
    };
    BodyTemplates { entries, unmatched }
}

/// A template, compiled. What AWS only finds out when the method is called is a warning here, and fails the call.
pub(super) fn template(whose: &str, text: &Located<String>, problems: &mut Vec<Problem>) -> Template {
    match vtl::Template::compile(&text.value) {
        Ok(program) => {
            for warning in program.warnings() {
                let vtl::Warning { message, line, column } = warning;
                problems.push(Problem::warning(
                    "integration::template",
                    text.place,
                    format!("{whose}, line {line}, column {column} of the template: {message}"),
                    "AWS says so only when the method is called; try it with `weir invoke --trace`",
                ));
            }
            match program.constant() {
                Some(constant) => Template::Constant(constant.as_bytes().into()),
                None => Template::Program(Box::new(program)),
            }
        }
        Err(error) => {
            problems.push(Problem::warning(
                "integration::template",
                text.place,
                format!("{whose} does not parse, so every call that uses it fails with 500, as on AWS: {error}"),
                "correct the template; try it with `weir invoke --trace`",
            ));
            Template::Broken(error.to_string().into())
        }
    }
}

pub(super) fn binary_types(api: &RestApi) -> BinaryTypes {
    let all = api.binary_media_types.iter().map(|one| one.value.trim().to_ascii_lowercase());
    let (everything, entries): (Vec<String>, Vec<String>) = all.partition(|entry| entry == "*/*");
    BinaryTypes {
        everything: !everything.is_empty(),
        // `*/subtype` matches nothing (recorded).
        entries: entries
            .into_iter()
            .filter(|entry| !entry.starts_with('*'))
            .map(|entry| entry.strip_suffix('*').map_or_else(|| entry.as_str().into(), Into::into))
            .collect(),
    }
}

pub(super) fn content_handling(said: Option<&Located<String>>, problems: &mut Vec<Problem>) -> Option<ContentHandling> {
    let said = said?;
    match said.value.as_str() {
        "" => None,
        "CONVERT_TO_BINARY" => Some(ContentHandling::ConvertToBinary),
        "CONVERT_TO_TEXT" => Some(ContentHandling::ConvertToText),
        other => {
            problems.push(Problem::error(
                "integration::content-handling",
                said.place,
                format!("`{other}` is no contentHandling"),
                "write CONVERT_TO_BINARY or CONVERT_TO_TEXT, or leave it out",
            ));
            None
        }
    }
}
