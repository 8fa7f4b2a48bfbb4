//! What an operation declares of its responses: statuses, headers, models.

use super::options::Dialect;
use super::parameters::model;
use super::reader::Reader;
use crate::formats::yaml::Node;
use crate::model::rest_api::MethodResponse;

/// `produces` is Swagger 2.0's: the content types of a response's one schema.
pub(super) fn read<'d>(
    reader: &mut Reader<'d, '_>,
    operation: &'d Node,
    dialect: Dialect,
    produces: &[String],
) -> Vec<MethodResponse> {
    let Some(node) = operation.get("responses") else { return Vec::new() };
    let mut responses = Vec::new();
    for (status, node) in reader.map(node, "`responses`").into_iter().flatten() {
        // `default`, `4XX` and extensions: AWS has method responses for single statuses only.
        if !is_status(&status.value) {
            continue;
        }
        let Some(node) = reader.resolve(node) else { continue };
        let headers = node.get("headers").and_then(|node| reader.map(node, "`headers`"));
        let headers = headers.into_iter().flatten().map(|(name, _)| name.value.as_str());
        responses.push(MethodResponse {
            status_code: status.clone(),
            response_parameters: headers.map(|name| (format!("method.response.header.{name}"), false)).collect(),
            response_models: models(reader, node, dialect, produces),
        });
    }
    responses
}

fn models<'d>(
    reader: &mut Reader<'d, '_>,
    node: &'d Node,
    dialect: Dialect,
    produces: &[String],
) -> Vec<(String, String)> {
    if dialect == Dialect::Swagger2 {
        let schema = node.get("schema").filter(|schema| !schema.is_null());
        return schema.map_or_else(Vec::new, |schema| {
            produces.iter().map(|content_type| (content_type.clone(), model(schema))).collect()
        });
    }
    let content = node.get("content").and_then(|node| reader.map(node, "`content`"));
    let with_schema = content.into_iter().flatten().filter_map(|(content_type, media)| {
        let schema = media.get("schema").filter(|schema| !schema.is_null())?;
        Some((content_type.value.clone(), model(schema)))
    });
    with_schema.collect()
}

/// `[1-5]\d\d`
fn is_status(text: &str) -> bool {
    text.len() == 3
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(text.as_bytes().first(), Some(b'1'..=b'5'))
}
