//! A method's validator, parameters and models to what a request runs.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Body, Parameter, Position, Validator};
use crate::lang::schema::{Schema, SchemaError};
use crate::model::problem::{Place, Problem};
use crate::model::rest_api::{Method, ModelSchema, RequestValidator, Resource, RestApi};

/// Compiles the validators of one API. A model that many methods name is compiled, and complained of, once.
pub struct Compiler<'d> {
    api: &'d RestApi,
    /// By the model's name or the schema's text; `None` where it cannot be used.
    schemas: HashMap<&'d str, Option<Arc<Schema>>>,
}

/// The method asks for something that cannot be: it must not be served without it. The problems say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl<'d> Compiler<'d> {
    pub fn new(api: &'d RestApi) -> Self {
        Self { api, schemas: HashMap::new() }
    }

    /// `None` where the method asks for nothing.
    pub fn validator(
        &mut self,
        resource: &Resource,
        method: &'d Method,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Validator>, Refused> {
        let Some(validator) = self.named(method, problems)? else { return Ok(None) };
        let mut compiled = Validator::default();
        if validator.validate_request_parameters {
            compiled.parameters = parameters(resource, method);
        }
        if validator.validate_request_body {
            compiled.body = Some(self.body(method, problems)?);
        }
        Ok((!compiled.parameters.is_empty() || compiled.needs_body()).then_some(compiled))
    }

    /// The validator in force: the method's own, else the document's. An empty name is none (rest/03 section 3.6).
    fn named(&self, method: &Method, problems: &mut Vec<Problem>) -> Result<Option<&'d RequestValidator>, Refused> {
        let name = method.request_validator.as_ref().or(self.api.request_validator.as_ref());
        let Some(name) = name.filter(|name| !name.value.is_empty()) else { return Ok(None) };
        let found = self.api.request_validators.iter().find(|validator| validator.name.value == name.value);
        if found.is_none() {
            problems.push(Problem::error(
                "method::request-validator",
                name.place,
                format!("no request validator is named `{}`", name.value),
                "name one of the API's, or none",
            ));
            return Err(Refused);
        }
        Ok(found)
    }

    fn body(&mut self, method: &'d Method, problems: &mut Vec<Problem>) -> Result<Body, Refused> {
        let mut body = Body { models: Box::default(), default: None };
        if method.request_models.is_empty() {
            // rest/03 section 3.3: a body that is JSON will do.
            body.default = Some(Arc::new(Schema::any()));
            return Ok(body);
        }
        let mut models = Vec::new();
        for (content_type, model) in &method.request_models {
            let schema = self.schema(model, method.place, problems).ok_or(Refused)?;
            match content_type.as_str() {
                "$default" => body.default = Some(schema),
                _ => models.push((content_type.as_str().into(), schema)),
            }
        }
        body.models = models.into();
        Ok(body)
    }

    fn schema(&mut self, model: &'d str, place: Place, problems: &mut Vec<Problem>) -> Option<Arc<Schema>> {
        if let Some(known) = self.schemas.get(model) {
            return known.clone();
        }
        let compiled = self.compile(model, place).map_err(|problem| problems.push(*problem)).ok();
        self.schemas.insert(model, compiled.clone());
        compiled
    }

    fn compile(&self, model: &str, place: Place) -> Result<Arc<Schema>, Box<Problem>> {
        let models = |name: &str| schema_of(self.api, name);
        let refused = |place: Place, name: &str, error: SchemaError| {
            // `found` is the schema's; the model it names may be another one.
            let found = format!("{name} cannot be used to check bodies: {error}");
            Box::new(Problem::error(
                "model::schema",
                place,
                found,
                "write a JSON schema of draft 4, as API Gateway takes it",
            ))
        };
        let compiled = if model.trim_start().starts_with('{') {
            let own = serde_json::from_str(model).unwrap_or_default();
            Schema::compile(own, &models).map_err(|error| refused(place, "the schema of this method's body", error))
        } else {
            let own = self.api.models.iter().find(|known| known.name.value == model);
            let place_of_model = own.map_or(place, |known| known.name.place);
            match Schema::of_model(model, &models) {
                Some(compiled) => {
                    compiled.map_err(|error| refused(place_of_model, &format!("the model `{model}`"), error))
                }
                None => Err(Box::new(Problem::error(
                    "method::request-model",
                    place,
                    format!("no model is named `{model}`"),
                    "define it beside the API's other schemas, or correct the name",
                ))),
            }
        };
        compiled.map(Arc::new)
    }
}

/// A model's schema. Every API on AWS has the two built-in ones; a document need not say so.
fn schema_of(api: &RestApi, name: &str) -> Option<Value> {
    match api.models.iter().find(|model| model.name.value == name).map(|model| &model.schema) {
        Some(ModelSchema::Value(schema)) => Some(schema.clone()),
        // What is no JSON is no schema: it is refused as one.
        Some(ModelSchema::Text(text)) => Some(serde_json::from_str(text).unwrap_or_default()),
        None => match name {
            "Empty" => Some(json!({ "type": "object" })),
            "Error" => Some(json!({ "type": "object", "properties": { "message": { "type": "string" } } })),
            _ => None,
        },
    }
}

/// Those that are required and can be missing.
fn parameters(resource: &Resource, method: &Method) -> Box<[Parameter]> {
    let required = method.request_parameters.iter().filter(|(_, required)| *required);
    let mut keys: Vec<&str> = required.map(|(key, _)| key.value.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let in_path = |name: &str| {
        let segments = resource.path.value.split('/');
        let names = segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        names.into_iter().any(|own| own.strip_suffix('+').unwrap_or(own) == name)
    };
    let parameter = |key: &str| {
        let (position, name) = key.strip_prefix("method.request.")?.split_once('.')?;
        let position = match position {
            "header" => Position::Header,
            "querystring" => Position::QueryString,
            "path" if !in_path(name) => Position::Path,
            // One of the path's own: a request without it would have met another method. Anything else is none.
            _ => return None,
        };
        Some(Parameter { position, name: name.into() })
    };
    keys.into_iter().filter_map(parameter).collect()
}

#[cfg(test)]
mod tests;
