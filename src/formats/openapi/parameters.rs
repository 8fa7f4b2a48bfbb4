//! What a method declares: its parameters, and the models of its body.

use super::options::Dialect;
use std::collections::HashMap;

use super::path_rules::Variable;
use super::reader::Reader;
use crate::formats::yaml::{self, Node};
use crate::model::problem::{Located, Place};

#[derive(Default)]
pub(super) struct Declared {
    /// `method.request.…` to whether it is required.
    pub(super) request_parameters: Vec<(Located<String>, bool)>,
    /// Content type to the model's name or text.
    pub(super) request_models: Vec<(String, String)>,
    /// A parameter's index in `request_parameters`.
    known: HashMap<String, usize>,
}

impl Declared {
    /// Reads one `parameters` list. What comes later (an operation's) replaces what came before (its path's).
    pub(super) fn read<'d>(&mut self, reader: &mut Reader<'d, '_>, node: &'d Node, content_types: &[String]) {
        for item in reader.list(node, "`parameters`") {
            let Some(parameter) = reader.resolve(item) else { continue };
            self.parameter(reader, parameter, content_types);
        }
    }

    fn parameter<'d>(&mut self, reader: &mut Reader<'d, '_>, node: &'d Node, content_types: &[String]) {
        if reader.map(node, "a parameter").is_none() {
            return;
        }
        let Some(location) = node.get("in").and_then(|node| reader.text(node, "`in`")) else {
            let help = "Write `in: path`, `in: query` or `in: header`";
            return reader.error("openapi::parameter", node.place, "a parameter without `in`", help);
        };
        let kind = match location.value.as_str() {
            "query" => "querystring",
            "header" => "header",
            "path" => "path",
            "body" => {
                if let Some(schema) = node.get("schema") {
                    let model = model(schema);
                    self.request_models = content_types.iter().map(|kind| (kind.clone(), model.clone())).collect();
                }
                return;
            }
            // AWS maps neither: a cookie is a header, a form is a body.
            "cookie" | "formData" => return,
            other => {
                let help = "Write `path`, `query` or `header`";
                return reader.error("openapi::parameter", location.place, format!("`in: {other}` is not known"), help);
            }
        };
        let Some(name) = node.get("name").and_then(|node| reader.text(node, "`name`")) else {
            return reader.error("openapi::parameter", node.place, "a parameter without `name`", "Write `name: …`");
        };
        let required = node.get("required").and_then(|node| reader.boolean(node, "`required`"));
        let key = format!("method.request.{kind}.{}", name.value);
        self.put(Located::new(key, name.place), required.is_some_and(|required| required.value));
    }

    /// A `{x}` of the path is always required; a greedy one is declared only where the document does
    /// (openapi-import-export section 3, recorded).
    pub(super) fn path_variables(&mut self, variables: &[Variable], place: Place) {
        for variable in variables.iter().filter(|variable| !variable.greedy) {
            let key = format!("method.request.path.{}", variable.name);
            let place = self.place_of(&key).unwrap_or(place);
            self.put(Located::new(key, place), true);
        }
    }

    /// OpenAPI 3's `requestBody`.
    pub(super) fn request_body<'d>(&mut self, reader: &mut Reader<'d, '_>, node: &'d Node) {
        let Some(content) = reader.resolve(node).and_then(|body| body.get("content")) else { return };
        for (content_type, media) in reader.map(content, "`content`").into_iter().flatten() {
            if let Some(schema) = media.get("schema") {
                self.request_models.push((content_type.value.clone(), model(schema)));
            }
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.place_of(key).is_some()
    }

    fn place_of(&self, key: &str) -> Option<Place> {
        self.known.get(key).map(|index| self.request_parameters[*index].0.place)
    }

    fn put(&mut self, key: Located<String>, required: bool) {
        match self.known.get(&key.value) {
            Some(index) => self.request_parameters[*index] = (key, required),
            None => {
                self.known.insert(key.value.clone(), self.request_parameters.len());
                self.request_parameters.push((key, required));
            }
        }
    }
}

/// Swagger 2.0's `consumes`: the operation's, else the document's.
pub(super) fn content_types<'d>(
    reader: &mut Reader<'d, '_>,
    dialect: Dialect,
    nodes: [Option<&'d Node>; 2],
) -> Vec<String> {
    let Some(node) = nodes.into_iter().flatten().next().filter(|_| dialect == Dialect::Swagger2) else {
        return vec!["application/json".to_owned()];
    };
    reader.list(node, "`consumes`").iter().filter_map(|item| Some(reader.text(item, "a content type")?.value)).collect()
}

/// The name that a `$ref` ends with, else the schema's text.
pub(super) fn model(schema: &Node) -> String {
    let json = yaml::to_json(schema);
    let name = json.get("$ref").and_then(|name| name.as_str()).and_then(|name| name.rsplit('/').next());
    name.map_or_else(|| json.to_string(), |name| name.replace("~1", "/").replace("~0", "~"))
}
