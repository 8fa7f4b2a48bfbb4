//! JSON schemas of models: what AWS takes as one, and what one model says of another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::errors::AwsError;
use crate::model::api_rows::Object;
use crate::settings::limits::MODEL_BYTES_MAX;

/// Before the API's id and `/models/{name}` in a reference to another model.
const CANONICAL: &str = "https://apigateway.amazonaws.com/restapis/";
/// What JSON schema, draft 4, calls a type.
const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];
/// Keywords whose value is a schema, a list of schemas, or a map of them.
const ONE: &[&str] = &["additionalItems", "additionalProperties", "items", "not"];
const SEVERAL: &[&str] = &["allOf", "anyOf", "items", "oneOf"];
const NAMED: &[&str] = &["definitions", "dependencies", "patternProperties", "properties"];

/// The schema that a text holds, with every model that it names known.
pub fn check(text: &str, api_id: &str, known: impl Fn(&str) -> bool) -> Result<Object, AwsError> {
    if text.trim().is_empty() {
        return Err(AwsError::bad_request("Model schema must have at least 1 property or array items defined"));
    }
    if text.len() > MODEL_BYTES_MAX {
        return Err(AwsError::bad_request("Model schema exceeds the maximum size of 400 KB"));
    }
    // Nested deeper than serde_json's 128 levels is no schema either.
    let Ok(Value::Object(schema)) = serde_json::from_str(text) else {
        return Err(invalid("Invalid model schema specified"));
    };
    if !is_schema(&schema) {
        return Err(invalid("Invalid model schema specified"));
    }
    let mut wrong = None;
    references(&schema, &mut |reference| {
        if reference.starts_with('#') || wrong.is_some() {
            return;
        }
        wrong = match model_of(reference) {
            None => Some("Model reference must be in canonical form".to_owned()),
            Some((api, name)) if api != api_id || !known(name) => Some(format!("Invalid model specified: {name}")),
            Some(_) => None,
        };
    });
    match wrong {
        Some(wrong) => Err(invalid(&wrong)),
        None => Ok(schema),
    }
}

/// Does this schema name that model?
pub fn names(text: &str, model: &str) -> bool {
    let Ok(Value::Object(schema)) = serde_json::from_str(text) else { return false };
    let mut found = false;
    references(&schema, &mut |reference| found |= model_of(reference).is_some_and(|(_, name)| name == model));
    found
}

/// The schema with every model that it names, near or far, under `definitions`: models may name each other in circles.
pub fn flatten(mut schema: Object, model: impl Fn(&str) -> Option<Object>) -> Object {
    let own = schema.get("definitions").and_then(Value::as_object);
    let mut moved =
        Moved { taken: own.map(|own| own.keys().cloned().collect()).unwrap_or_default(), names: Vec::new() };
    moved.rewrite(&mut schema, "");
    let mut definitions = Object::new();
    let mut next = 0;
    while let Some((name, place)) = moved.names.get(next).cloned() {
        let mut schema = model(&name).unwrap_or_default();
        schema.shift_remove("$schema");
        moved.rewrite(&mut schema, &place);
        definitions.insert(place, Value::Object(schema));
        next += 1;
    }
    if !definitions.is_empty() {
        let place = schema.entry("definitions").or_insert_with(|| json!({}));
        if let Value::Object(own) = place {
            own.extend(definitions);
        }
    }
    schema
}

/// Models on their way into `definitions`.
struct Moved {
    taken: BTreeSet<String>,
    /// A model's name and its place, in the order in which they were met.
    names: Vec<(String, String)>,
}

impl Moved {
    /// Turns references to models into such to their places, and local ones of a schema that has itself been moved.
    fn rewrite(&mut self, schema: &mut Object, base: &str) {
        if let Some(Value::String(reference)) = schema.get_mut("$ref") {
            if let Some(local) = reference.strip_prefix('#') {
                if !base.is_empty() {
                    *reference = format!("#/definitions/{base}{local}");
                }
            } else if let Some((_, name)) = model_of(reference) {
                let name = name.to_owned();
                *reference = format!("#/definitions/{}", self.place(&name));
            }
        }
        parts_mut(schema, &mut |part| self.rewrite(part, base));
    }

    fn place(&mut self, name: &str) -> String {
        if let Some((_, place)) = self.names.iter().find(|(known, _)| known == name) {
            return place.clone();
        }
        let mut place = name.to_owned();
        while !self.taken.insert(place.clone()) {
            place.push_str("Model");
        }
        self.names.push((name.to_owned(), place.clone()));
        place
    }
}

/// The API and the model that a canonical reference names.
fn model_of(reference: &str) -> Option<(&str, &str)> {
    let (api, name) = reference.strip_prefix(CANONICAL)?.split_once("/models/")?;
    (!api.is_empty() && !name.is_empty() && !name.contains('/')).then_some((api, name))
}

fn is_schema(schema: &Object) -> bool {
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let is_list = |value: &Value, of: &dyn Fn(&Value) -> bool| {
        value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(of))
    };
    schema.iter().all(|(keyword, value)| match keyword.as_str() {
        "type" => is_type(value) || is_list(value, &is_type),
        "required" => is_list(value, &Value::is_string),
        "enum" => is_list(value, &|_| true),
        "$ref" | "$schema" | "description" | "id" | "pattern" | "title" => value.is_string(),
        "additionalItems" | "additionalProperties" => value.is_boolean() || is_part(value),
        "items" => is_part(value) || value.as_array().is_some_and(|items| items.iter().all(is_part)),
        "not" => is_part(value),
        "allOf" | "anyOf" | "oneOf" => is_list(value, &is_part),
        "definitions" | "patternProperties" | "properties" => {
            value.as_object().is_some_and(|named| named.values().all(is_part))
        }
        _ => true,
    })
}

fn is_part(value: &Value) -> bool {
    value.as_object().is_some_and(is_schema)
}

/// Calls `visit` with every `$ref`.
fn references(schema: &Object, visit: &mut dyn FnMut(&str)) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        visit(reference);
    }
    let maps = NAMED.iter().filter_map(|keyword| schema.get(*keyword)?.as_object()).flat_map(|map| map.values());
    let lists = SEVERAL.iter().filter_map(|keyword| schema.get(*keyword)?.as_array()).flatten();
    let ones = ONE.iter().filter_map(|keyword| schema.get(*keyword));
    for part in maps.chain(lists).chain(ones).filter_map(Value::as_object) {
        references(part, visit);
    }
}

/// Calls `visit` with every schema right below.
fn parts_mut(schema: &mut Object, visit: &mut dyn FnMut(&mut Object)) {
    for (keyword, value) in schema {
        match value {
            Value::Object(part) if ONE.contains(&keyword.as_str()) => visit(part),
            Value::Object(parts) if NAMED.contains(&keyword.as_str()) => {
                parts.values_mut().filter_map(Value::as_object_mut).for_each(&mut *visit);
            }
            Value::Array(parts) if SEVERAL.contains(&keyword.as_str()) => {
                parts.iter_mut().filter_map(Value::as_object_mut).for_each(&mut *visit);
            }
            _ => {}
        }
    }
}

fn invalid(what: &str) -> AwsError {
    AwsError::bad_request(format!("Invalid model specified: Validation Result: warnings : [], errors : [{what}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PET: &str = "https://apigateway.amazonaws.com/restapis/a/models/Pet";

    #[track_caller]
    fn check_one(schema: &str, expected: &str) {
        let found = check(schema, "a", |name| name == "Pet").map_or_else(|error| error.message, |_| "fine".to_owned());
        assert_eq!(found.replace("Invalid model specified: Validation Result: warnings : [], errors : ", ""), expected);
    }

    #[test]
    fn what_is_a_schema() {
        check_one("", "Model schema must have at least 1 property or array items defined");
        check_one("{}", "fine");
        check_one(r#"{"type":"object","properties":{"a":{"type":["string","null"]}}}"#, "fine");
        check_one(r##"{"$ref":"#/definitions/A","definitions":{"A":{"enum":[1]}}}"##, "fine");
        check_one(r#"{"properties":{"$ref":{"type":"string"},"type":{"type":"string"}}}"#, "fine");
        for wrong in [
            "[]",
            "{",
            r#"{"type":"String"}"#,
            r#"{"required":[]}"#,
            r#"{"properties":{"a":{"type":"text"}}}"#,
            r#"{"items":[{"enum":[]}]}"#,
        ] {
            check_one(wrong, "[Invalid model schema specified]");
        }
        let deep = format!("{}{{}}{}", r#"{"not":"#.repeat(500), "}".repeat(500));
        check_one(&deep, "[Invalid model schema specified]");
        check_one(
            &format!("{{\"title\":\"{}\"}}", "x".repeat(MODEL_BYTES_MAX)),
            "Model schema exceeds the maximum size of 400 KB",
        );
    }

    #[test]
    fn models_name_each_other() {
        check_one(&format!(r#"{{"items":{{"$ref":"{PET}"}}}}"#), "fine");
        check_one(&format!(r#"{{"items":{{"$ref":"{PET}s"}}}}"#), "[Invalid model specified: Pets]");
        check_one(&PET.replace("/a/", "/b/").join(r#"{"$ref":"#, r#"}"#), "[Invalid model specified: Pet]");
        check_one(r#"{"$ref":"Pet"}"#, "[Model reference must be in canonical form]");
        assert!(names(&format!(r#"{{"oneOf":[{{"$ref":"{PET}"}}]}}"#), "Pet"));
        assert!(!names(&format!(r#"{{"enum":[{{"$ref":"{PET}"}}]}}"#), "Pet"));
    }

    /// A value in quotes between two texts.
    trait Join {
        fn join(&self, before: &str, after: &str) -> String;
    }

    impl Join for String {
        fn join(&self, before: &str, after: &str) -> String {
            format!("{before}\"{self}\"{after}")
        }
    }

    #[test]
    fn circles_are_flattened() {
        let Value::Object(pet) = json!({
            "$schema": "x",
            "properties": {"owner": {"$ref": PET}, "tag": {"$ref": "#/definitions/Tag"}},
            "definitions": {"Tag": {"type": "string"}}
        }) else {
            panic!("an object")
        };
        let Value::Object(list) = json!({"items": {"$ref": PET}, "definitions": {"Pet": {}}}) else {
            panic!("an object")
        };
        let flat = flatten(list, |name| (name == "Pet").then(|| pet.clone()));
        let expected = json!({
            "items": {"$ref": "#/definitions/PetModel"},
            "definitions": {
                "Pet": {},
                "PetModel": {
                    "properties": {
                        "owner": {"$ref": "#/definitions/PetModel"},
                        "tag": {"$ref": "#/definitions/PetModel/definitions/Tag"}
                    },
                    "definitions": {"Tag": {"type": "string"}}
                }
            }
        });
        assert_eq!(Value::Object(flat), expected);
    }
}
