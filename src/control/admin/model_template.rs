//! The mapping template that a model suggests (`GetModelTemplate`): what the schema describes, read from the payload.

use std::fmt::Write;

use serde_json::Value;

use crate::model::api_rows::Object;
use crate::settings::limits::{MODEL_TEMPLATE_DEPTH_MAX, MODEL_TEMPLATE_PARTS_MAX};

/// The template of a schema whose references are all local ([`super::schemas::flatten`]).
pub fn template(schema: &Object) -> String {
    let mut writer = Writer { root: schema, parts: 0, loops: 0, names: Vec::new(), text: String::new() };
    writer.text.push_str("#set($inputRoot = $input.path('$'))\n");
    writer.value(schema, "$inputRoot", 0);
    writer.text
}

struct Writer<'s> {
    root: &'s Object,
    parts: usize,
    loops: usize,
    /// References that are being written: one within itself ends there.
    names: Vec<&'s str>,
    text: String,
}

impl<'s> Writer<'s> {
    fn value(&mut self, schema: &'s Object, at: &str, indent: usize) {
        self.parts += 1;
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let goes_on = self.names.len() < MODEL_TEMPLATE_DEPTH_MAX && !self.names.contains(&reference);
            let target = self.target(reference).filter(|_| goes_on);
            match target {
                Some(target) => {
                    self.names.push(reference);
                    self.value(target, at, indent);
                    self.names.pop();
                }
                None => self.text.push_str("{ }"),
            }
            return;
        }
        match kind(schema) {
            "object" => self.object(schema, at, indent),
            "array" => self.array(schema, at, indent),
            "integer" | "number" | "boolean" => self.text.push_str(at),
            "null" => self.text.push_str("null"),
            _ => write!(self.text, "\"{at}\"").expect("text takes text"),
        }
    }

    fn object(&mut self, schema: &'s Object, at: &str, indent: usize) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.filter(|_| self.parts < MODEL_TEMPLATE_PARTS_MAX);
        let mut between = "{\n";
        for (name, property) in properties.into_iter().flatten() {
            let Some(property) = property.as_object() else { continue };
            let quoted = Value::from(name.as_str());
            write!(self.text, "{between}{:indent$}  {quoted} : ", "").expect("text takes text");
            self.value(property, &member(at, name), indent + 2);
            between = ",\n";
        }
        match between {
            "{\n" => self.text.push_str("{ }"),
            _ => write!(self.text, "\n{:indent$}}}", "").expect("text takes text"),
        }
    }

    fn array(&mut self, schema: &'s Object, at: &str, indent: usize) {
        let item = schema.get("items").and_then(Value::as_object).filter(|_| self.parts < MODEL_TEMPLATE_PARTS_MAX);
        let Some(item) = item else { return self.text.push_str("[ ]") };
        self.loops += 1;
        // A loop within a loop has a name of its own, so that the outer one's is still there behind it.
        let elem = if self.loops == 1 { "$elem".to_owned() } else { format!("$elem{}", self.loops) };
        write!(self.text, "[\n#foreach({elem} in {at})\n{:indent$}  ", "").expect("text takes text");
        self.value(item, &elem, indent + 2);
        write!(self.text, "\n#if($foreach.hasNext),#end\n#end\n{:indent$}]", "").expect("text takes text");
        self.loops -= 1;
    }

    /// What a local reference points at.
    fn target(&self, reference: &str) -> Option<&'s Object> {
        let mut schema = self.root;
        for part in reference.strip_prefix('#')?.split('/').skip(1) {
            schema = schema.get(&part.replace("~1", "/").replace("~0", "~"))?.as_object()?;
        }
        Some(schema)
    }
}

/// The type of a schema; where none is said, the one that its keywords are about.
fn kind(schema: &Object) -> &str {
    let said = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        Some(kind) => kind.as_str(),
        None => None,
    };
    said.unwrap_or(if schema.contains_key("items") {
        "array"
    } else if schema.contains_key("properties") || schema.is_empty() {
        "object"
    } else {
        "string"
    })
}

/// VTL's way to a member: by name where the name is an identifier.
fn member(at: &str, name: &str) -> String {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    if starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        format!("{at}.{name}")
    } else {
        format!("{at}.get('{}')", name.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Value, expected: &str) {
        let Value::Object(schema) = schema else { panic!("a schema is an object") };
        assert_eq!(template(&schema), format!("#set($inputRoot = $input.path('$'))\n{expected}"));
    }

    #[test]
    fn objects_and_values() {
        check(json!({"type": "object"}), "{ }");
        check(json!({"properties": {"message": {"type": "string"}}}), "{\n  \"message\" : \"$inputRoot.message\"\n}");
        let schema =
            json!({"properties": {"a b": {"type": "integer"}, "in": {"properties": {"x": {"type": "boolean"}}}}});
        let expected = "{\n  \"a b\" : $inputRoot.get('a b'),\n  \"in\" : {\n    \"x\" : $inputRoot.in.x\n  }\n}";
        check(schema, expected);
    }

    #[test]
    fn arrays_are_loops() {
        let schema = json!({"type": "array", "items": {"properties": {"age": {"type": "integer"}}}});
        let expected = "[\n#foreach($elem in $inputRoot)\n  {\n    \"age\" : $elem.age\n  }\n\
                        #if($foreach.hasNext),#end\n#end\n]";
        check(schema, expected);
        let schema = json!({"type": "array", "items": {"type": "array", "items": {"type": "number"}}});
        let expected = "[\n#foreach($elem in $inputRoot)\n  [\n#foreach($elem2 in $elem)\n    $elem2\n\
                        #if($foreach.hasNext),#end\n#end\n  ]\n#if($foreach.hasNext),#end\n#end\n]";
        check(schema, expected);
    }

    #[test]
    fn circles_and_bombs_end() {
        let node = json!({"properties": {"next": {"$ref": "#/definitions/Node"}}});
        let schema = json!({"$ref": "#/definitions/Node", "definitions": {"Node": node}});
        check(schema, "{\n  \"next\" : { }\n}");
        // Twenty models, each with the next one twice: a million objects if nobody counted.
        let mut definitions = Object::new();
        for n in 0..20 {
            let next = json!({"$ref": format!("#/definitions/{}", n + 1)});
            definitions.insert(n.to_string(), json!({"properties": {"a": next, "b": next}}));
        }
        let schema = json!({"$ref": "#/definitions/0", "definitions": definitions});
        let text = template(schema.as_object().expect("an object"));
        assert!(text.len() < 200 * MODEL_TEMPLATE_PARTS_MAX, "{}", text.len());
    }
}
