//! MOCK: no backend (rest/07 section 7.7).

use bumpalo::Bump;

use super::definition::{Definition, Mapping};
use super::responses::custom;
use super::templates::{binary_types, body_templates, content_handling, template};
use crate::edge::transform::mapping::{MockRequest, MockTemplate, RequestMapping};
use crate::edge::transform::request::mock_status;
use crate::edge::transform::template::Template;
use crate::model::problem::Problem;

pub(super) fn mock(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Mapping {
    let integration = definition.integration;
    let templates = body_templates(integration, |key, text| {
        let compiled = template(&format!("requestTemplates {}", key.value), text, problems);
        let Template::Constant(constant) = &compiled else { return MockTemplate::Program(compiled) };
        match mock_status(&String::from_utf8_lossy(constant), &Bump::new()) {
            Some(status) => MockTemplate::Status(status),
            None => {
                if !constant.is_empty() {
                    problems.push(Problem::warning(
                        "integration::mock",
                        text.place,
                        "this template of a MOCK integration gives no integer `statusCode`, so every call fails with \
                         500, as on AWS",
                        r#"write `{"statusCode": 200}`"#,
                    ));
                }
                MockTemplate::Text(constant.clone())
            }
        }
    });
    let needs_body = templates.passes_through()
        || templates.iter().any(|template| match template {
            MockTemplate::Status(_) => false,
            MockTemplate::Text(text) => text.is_empty(),
            MockTemplate::Program(_) => true,
        });
    let request = MockRequest {
        templates,
        content_handling: content_handling(integration.content_handling.as_ref(), problems),
        binary: binary_types(definition.api),
        needs_body,
    };
    let response = custom(definition, false, false, problems);
    Mapping { request: RequestMapping::Mock(Box::new(request)), response, backend: None, signed: None }
}
