//! Integration responses (rest/07).

use super::definition::Definition;
use super::sources::response_source;
use super::templates::{binary_types, content_handling, template};
use crate::edge::transform::response::{CustomResponse, ResponseMapping};
use crate::edge::transform::select::{Choice, ResponseSource};
use crate::lang::java_regex::Whole;
use crate::model::problem::Problem;

/// The integration responses of one method.
pub(super) fn custom(
    definition: Definition<'_>,
    shows_trace: bool,
    of_function: bool,
    problems: &mut Vec<Problem>,
) -> ResponseMapping {
    let integration = definition.integration;
    if integration.responses.is_empty() {
        problems.push(Problem::warning(
            "integration::responses",
            integration.place,
            "this integration has no responses, so every call fails with 500, as on AWS",
            r#"add `responses: {default: {statusCode: "200"}}`"#,
        ));
    }
    let mut choices: Vec<Choice> = Vec::new();
    for response in &integration.responses {
        let pattern = match response.selection_pattern.as_ref().filter(|pattern| !pattern.value.is_empty()) {
            None => None,
            Some(pattern) => match Whole::compile(&pattern.value) {
                Ok(regex) => Some(regex),
                Err(error) => {
                    problems.push(Problem::error(
                        "integration::selection-pattern",
                        pattern.place,
                        format!("`{}` is not a regular expression: {error}", pattern.value),
                        "write one as Java does; it must match the whole of what it is compared with",
                    ));
                    continue;
                }
            },
        };
        if !(200..=599).contains(&response.status_code.value) {
            // An interim status as the last one would leave the client waiting for another answer (RFC 9110 15.2).
            problems.push(Problem::error(
                "integration::status",
                response.status_code.place,
                format!("an answer cannot end with the status {}", response.status_code.value),
                "write a status from 200 to 599",
            ));
        }
        let mut headers = Vec::new();
        for (target_name, expression) in &response.response_parameters {
            let Some(name) = target_name.value.strip_prefix("method.response.header.") else { continue };
            if let Some(source) = response_source(expression, definition, problems) {
                headers.push((name.as_bytes().into(), source));
            }
        }
        let templates = response.response_templates.iter().map(|(key, text)| {
            let whose = format!("responseTemplates {}", key.value);
            let compiled = (!text.value.is_empty()).then(|| template(&whose, text, problems));
            (key.value.to_ascii_lowercase().into(), compiled)
        });
        let templates = templates.collect();
        choices.push(Choice {
            pattern,
            pattern_text: response.selection_pattern.as_ref().map(|pattern| (*pattern.value).into()),
            status: response.status_code.value,
            maps_body: headers
                .iter()
                .any(|(_, source)| matches!(source, ResponseSource::Body | ResponseSource::BodyPath(_))),
            headers: headers.into(),
            templates,
            content_handling: content_handling(response.content_handling.as_ref(), problems),
        });
    }
    choices.sort_by_key(|choice| choice.status);
    ResponseMapping::Custom(Box::new(CustomResponse {
        choices: choices.into(),
        binary: binary_types(definition.api),
        shows_trace,
        of_function,
    }))
}
