//! What a document says beside its methods: tags, and `x-amazon-apigateway-documentation`.

use super::reader::Reader;
use crate::formats::yaml::{self, Node};
use crate::model::rest_api::DocumentationPart;

const LOCATION: [&str; 5] = ["type", "path", "method", "statusCode", "name"];

/// A tag of the API: an item of `tags` with a value.
pub(super) fn tag<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> Option<(String, String)> {
    let value = reader.text(node.get("x-amazon-apigateway-tag-value")?, "a tag's value")?;
    let name = reader.text(node.get("name")?, "a tag's name")?;
    Some((name.value, value.value))
}

pub(super) fn documentation<'d>(reader: &mut Reader<'d, '_>, root: &'d Node) -> Vec<DocumentationPart> {
    let node = root.get("x-amazon-apigateway-documentation").and_then(|node| node.get("documentationParts"));
    let Some(node) = node else { return Vec::new() };
    let mut parts = Vec::new();
    for item in reader.list(node, "`documentationParts`") {
        let Some(location) = item.get("location") else {
            let help = "Write `location: {type: API}`, or the part that it documents";
            reader.error("openapi::documentation", item.place, "a documentation part without `location`", help);
            continue;
        };
        let mut words = Vec::new();
        for key in LOCATION {
            let text = location.get(key).and_then(|node| reader.text(node, "a part's location"));
            words.extend(text.map(|text| (key.to_owned(), text.value)));
        }
        let properties = item.get("properties").map(yaml::to_json).unwrap_or_default();
        // AWS takes the properties as an object or as its text.
        let properties = properties.as_str().map_or_else(|| properties.to_string(), str::to_owned);
        parts.push(DocumentationPart { location: words, properties });
    }
    parts
}
