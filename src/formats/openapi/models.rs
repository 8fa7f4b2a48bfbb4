//! Schemas with names: `definitions`, or `components.schemas`.

use std::collections::HashSet;

use serde_json::Value;

use super::options::Dialect;
use super::reader::Reader;
use crate::formats::yaml::{self, Node};
use crate::model::rest_api::{Model, ModelSchema};

/// Where AWS keeps a model: what a reference to one becomes (openapi-import-export section 3). The API's id is the
/// control plane's to fill in.
const HOME: &str = "https://apigateway.amazonaws.com/restapis/";
const PLACEHOLDER: &str = "https://apigateway.amazonaws.com/restapis/{restapi_id}/models/";
const SECTIONS: [&str; 2] = ["#/components/schemas/", "#/definitions/"];

pub(super) fn read<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, dialect: Dialect) -> Vec<Model> {
    let node = match dialect {
        Dialect::Swagger2 => root.get("definitions"),
        Dialect::OpenApi3 => root.get("components").and_then(|components| components.get("schemas")),
    };
    let entries = node.and_then(|node| reader.map(node, "the schemas")).into_iter().flatten();
    let (mut models, mut wanted) = (Vec::new(), Vec::new());
    for (name, node) in entries {
        let description = node.get("description").and_then(|node| Some(reader.text(node, "`description`")?.value));
        let mut schema = yaml::to_json(node);
        wanted.push(to_aws(&mut schema));
        models.push(Model {
            name: name.clone(),
            description,
            content_type: "application/json".to_owned(),
            schema: ModelSchema::Value(schema),
        });
    }
    let names: HashSet<&str> = models.iter().map(|model| model.name.value.as_str()).collect();
    for (model, wanted) in models.iter().zip(wanted) {
        for missing in wanted.iter().filter(|name| !names.contains(name.as_str())) {
            let name = &model.name.value;
            let found = format!("Unable to create model '{name}': Invalid model identifier specified: {missing}");
            let help = "Define it beside the others, or correct the reference";
            reader.error("openapi::model", model.name.place, found, help);
        }
    }
    models
}

/// References between schemas of a document to references between models; answers the names that they have.
pub(super) fn to_aws(schema: &mut Value) -> Vec<String> {
    let mut names = Vec::new();
    each_reference(schema, &mut |reference| {
        let name = SECTIONS.iter().find_map(|section| reference.strip_prefix(section))?;
        let name = Some(name.replace("~1", "/").replace("~0", "~")).filter(|_| !name.contains('/'))?;
        let replaced = format!("{PLACEHOLDER}{name}");
        names.push(name);
        Some(replaced)
    });
    names
}

/// And back: `section` is `#/definitions/` or `#/components/schemas/`.
pub(super) fn to_document(schema: &mut Value, section: &str) {
    each_reference(schema, &mut |reference| {
        let name = model_name(reference)?;
        Some(format!("{section}{}", name.replace('~', "~0").replace('/', "~1")))
    });
}

/// `…/restapis/ID/models/NAME` to NAME.
fn model_name(reference: &str) -> Option<&str> {
    let (_, name) = reference.strip_prefix(HOME)?.split_once("/models/")?;
    Some(name)
}

fn each_reference(schema: &mut Value, replace: &mut impl FnMut(&str) -> Option<String>) {
    match schema {
        Value::Object(members) => members.iter_mut().for_each(|(key, value)| match value {
            Value::String(reference) if key == "$ref" => {
                if let Some(replaced) = replace(reference) {
                    *reference = replaced;
                }
            }
            value => each_reference(value, replace),
        }),
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, replace)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_go_there_and_back() {
        let written = json!({"a": [{"$ref": "#/definitions/A~1B"}], "$ref": {"$ref": "#/components/schemas/C"}, "x": {"$ref": "#/definitions/A/properties/b"}});
        let mut schema = written.clone();
        assert_eq!(to_aws(&mut schema), ["A/B", "C"]);
        assert_eq!(schema["a"][0]["$ref"], format!("{PLACEHOLDER}A/B"));
        to_document(&mut schema, "#/definitions/");
        assert_eq!(schema["a"], written["a"]);
        assert_eq!(schema["$ref"]["$ref"], "#/definitions/C");
        assert_eq!(schema["x"], written["x"]);
    }
}
