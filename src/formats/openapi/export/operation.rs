//! One method to an operation.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::integration;
use super::options::{ExportDialect, ExportOptions};
use super::schemes::Schemes;
use crate::formats::openapi::members::{Members, object, text};
use crate::model::api_rows::Object;

pub(super) struct Context<'a> {
    pub(super) options: &'a ExportOptions,
    pub(super) schemes: &'a Schemes,
    pub(super) definitions: &'a Object,
    pub(super) resource_ids: HashSet<&'a str>,
    /// Ids of validators with their names.
    pub(super) validators: HashMap<&'a str, &'a str>,
}

/// The verb's key and its operation.
pub(super) fn entry(method: &Object, context: &Context<'_>) -> (String, Value) {
    let key = match text(method, "httpMethod").unwrap_or_default() {
        "ANY" => "x-amazon-apigateway-any-method".to_owned(),
        verb => verb.to_ascii_lowercase(),
    };
    (key, Value::from(operation(method, context)))
}

fn operation(method: &Object, context: &Context<'_>) -> Object {
    let Context { options, .. } = *context;
    let swagger = options.dialect == ExportDialect::Swagger2;
    let models = known_models(method.get("requestModels"), context);
    let mut row = Object::new();
    row.put("operationId", text(method, "operationName"));
    if swagger {
        let integration = object(method, "methodIntegration");
        let templates = integration.and_then(|row| object(row, "requestTemplates"));
        row.put("consumes", content_types(models.iter().map(|(kind, _)| kind), templates.into_iter()));
        row.put("produces", produces(method, integration, context));
    }
    let mut parameters: Vec<Value> = object(method, "requestParameters")
        .into_iter()
        .flatten()
        .filter_map(|(name, required)| parameter(name, required.as_bool() == Some(true), swagger))
        .collect();
    if swagger && let Some((_, model)) = models.first() {
        parameters.push(json!({"in": "body", "name": model, "required": true, "schema": context.reference(model)}));
    }
    row.put("parameters", Some(parameters).filter(|parameters| !parameters.is_empty()));
    if !swagger && !models.is_empty() {
        row.put("requestBody", Some(json!({"content": context.content(&models), "required": true})));
    }
    let responses = object(method, "methodResponses").into_iter().flatten();
    let responses = responses.map(|(status, response)| (status.clone(), self::response(status, response, context)));
    row.put("responses", Some(responses.collect::<Object>()));
    row.put("security", context.schemes.of_method(method));
    if options.extensions.apigateway {
        let name = text(method, "requestValidatorId").map(|id| *context.validators.get(id).unwrap_or(&id));
        row.put("x-amazon-apigateway-request-validator", name);
    }
    if options.extensions.integrations {
        let integration =
            object(method, "methodIntegration").map(|row| integration::extension(row, &context.resource_ids));
        row.put("x-amazon-apigateway-integration", integration);
    }
    row
}

fn parameter(name: &str, required: bool, swagger: bool) -> Option<Value> {
    let (location, name) = name.strip_prefix("method.request.")?.split_once('.')?;
    let location = if location == "querystring" { "query" } else { location };
    let required = required || location == "path";
    let mut row = Object::new();
    row.put("name", Some(name));
    row.put("in", Some(location));
    row.put("required", Some(required).filter(|required| swagger || *required));
    if swagger {
        row.put("type", Some("string"));
    } else {
        row.put("schema", Some(json!({"type": "string"})));
    }
    Some(Value::from(row))
}

fn response(status: &str, response: &Value, context: &Context<'_>) -> Value {
    let swagger = context.options.dialect == ExportDialect::Swagger2;
    let models = known_models(response.get("responseModels"), context);
    let headers = response.get("responseParameters").and_then(Value::as_object).into_iter().flatten();
    let kind = if swagger { json!({"type": "string"}) } else { json!({"schema": {"type": "string"}}) };
    let headers = headers.filter_map(|(name, _)| name.strip_prefix("method.response.header."));
    let headers: Object = headers.map(|name| (name.to_owned(), kind.clone())).collect();
    let mut row = Object::new();
    row.put("description", Some(format!("{status} response")));
    if swagger {
        row.put("schema", models.first().map(|(_, model)| context.reference(model)));
        row.put_object("headers", headers);
    } else {
        row.put_object("headers", headers);
        row.put("content", Some(context.content(&models)));
    }
    Value::from(row)
}

/// Content type and name of each model that the document defines.
fn known_models(models: Option<&Value>, context: &Context<'_>) -> Vec<(String, String)> {
    let models = models.and_then(Value::as_object).into_iter().flatten();
    let models = models.filter_map(|(kind, name)| Some((kind.clone(), name.as_str()?.to_owned())));
    models.filter(|(_, name)| context.definitions.contains_key(name)).collect()
}

/// Swagger 2.0 has one schema for all content types of an operation: those of its models, else those of its templates.
fn produces(method: &Object, integration: Option<&Object>, context: &Context<'_>) -> Option<Vec<Value>> {
    let responses = object(method, "methodResponses").into_iter().flatten();
    let models: Vec<String> = responses
        .flat_map(|(_, response)| known_models(response.get("responseModels"), context))
        .map(|(kind, _)| kind)
        .collect();
    let answers = integration.and_then(|row| object(row, "integrationResponses")).into_iter().flatten();
    let templates = answers.filter_map(|(_, answer)| answer.get("responseTemplates")?.as_object());
    content_types(models.iter(), templates)
}

fn content_types<'a>(
    models: impl Iterator<Item = &'a String>,
    templates: impl Iterator<Item = &'a Object>,
) -> Option<Vec<Value>> {
    let mut kinds: Vec<&String> = models.collect();
    if kinds.is_empty() {
        kinds = templates.flat_map(|templates| templates.iter().map(|(kind, _)| kind)).collect();
    }
    let mut told = HashSet::new();
    kinds.retain(|kind| told.insert(kind.as_str()));
    let kinds: Vec<Value> = kinds.into_iter().map(|kind| Value::from(kind.as_str())).collect();
    Some(kinds).filter(|kinds| !kinds.is_empty())
}

impl Context<'_> {
    fn reference(&self, model: &str) -> Value {
        let name = model.replace('~', "~0").replace('/', "~1");
        json!({"$ref": format!("{}{name}", self.options.section())})
    }

    fn content(&self, models: &[(String, String)]) -> Object {
        models.iter().map(|(kind, model)| (kind.clone(), json!({"schema": self.reference(model)}))).collect()
    }
}
