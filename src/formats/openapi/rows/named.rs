//! What a document defines by name: models, validators, authorizers, gateway responses, documentation.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::formats::openapi::members::Members;
use crate::formats::openapi::models::to_aws;
use crate::model::api_rows::Object;
use crate::model::gateway_response::{DEFAULT_TEMPLATE, default_status};
use crate::model::problem::{Place, Problem};
use crate::model::rest_api::{
    DocumentationPart, Model, ModelSchema, RequestValidator, RestApi, SecurityKind, SecurityScheme,
};

/// Models without a name in the document: AWS makes one up.
pub(super) struct InlineModels {
    pub(super) rows: Vec<Object>,
    /// Names that are taken, with the text of the inline schema that took them.
    taken: HashMap<String, Option<String>>,
}

impl InlineModels {
    pub(super) fn new(models: &[Model]) -> Self {
        Self { rows: Vec::new(), taken: models.iter().map(|model| (model.name.value.clone(), None)).collect() }
    }

    /// The model's name: the one that a reference has, or one made from the schema, so that the same document gives the
    /// same names every time. Else the name that nothing has.
    pub(super) fn name(&mut self, name_or_schema: &str) -> Result<String, String> {
        if self.taken.contains_key(name_or_schema) {
            return Ok(name_or_schema.to_owned());
        }
        let Some(mut schema) = serde_json::from_str(name_or_schema).ok().filter(Value::is_object) else {
            return Err(name_or_schema.to_owned());
        };
        if let Some(missing) = to_aws(&mut schema).into_iter().find(|name| !self.taken.contains_key(name)) {
            return Err(missing);
        }
        let text = schema.to_string();
        let mut hash = fnv(&text);
        loop {
            let name = format!("MODEL{:06x}", hash & 0x00ff_ffff);
            match self.taken.get(&name) {
                Some(Some(known)) if *known == text => return Ok(name),
                Some(_) => hash = hash.wrapping_add(1),
                None => {
                    let row = model_row(&name, None, "application/json", text.clone());
                    self.rows.push(row);
                    self.taken.insert(name.clone(), Some(text));
                    return Ok(name);
                }
            }
        }
    }
}

/// FNV-1a: the same on every machine and in every version.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

pub(super) fn model(model: &Model) -> Object {
    let text = match &model.schema {
        ModelSchema::Value(value) => value.to_string(),
        ModelSchema::Text(text) => text.clone(),
    };
    model_row(&model.name.value, model.description.as_deref(), &model.content_type, text)
}

fn model_row(name: &str, description: Option<&str>, content_type: &str, schema: String) -> Object {
    let mut row = Object::new();
    row.put("name", Some(name));
    row.put("description", description);
    row.put("schema", Some(schema));
    row.put("contentType", Some(content_type));
    row
}

pub(super) fn request_validator(validator: &RequestValidator) -> Object {
    let mut row = Object::new();
    row.put("id", Some(validator.name.value.as_str()));
    row.put("name", Some(validator.name.value.as_str()));
    row.put("validateRequestBody", Some(validator.validate_request_body));
    row.put("validateRequestParameters", Some(validator.validate_request_parameters));
    row
}

/// `None` where the scheme is no authorizer.
pub(super) fn authorizer(scheme: &SecurityScheme) -> Option<Object> {
    let (SecurityKind::Authorizer(kind), Some(authorizer)) = (&scheme.kind, &scheme.authorizer) else { return None };
    let mut row = Object::new();
    row.put("id", Some(scheme.name.value.as_str()));
    row.put("name", Some(scheme.name.value.as_str()));
    row.put("type", Some(kind.to_ascii_uppercase()));
    row.put_list("providerARNs", authorizer.provider_arns.iter().map(String::as_str));
    let usual = if kind == "cognito_user_pools" { "cognito_user_pools" } else { "custom" };
    row.put("authType", Some(authorizer.auth_type.as_deref().unwrap_or(usual)));
    row.put("authorizerUri", authorizer.uri.as_deref());
    row.put("authorizerCredentials", authorizer.credentials.as_deref());
    row.put("identitySource", authorizer.identity_source.as_deref());
    row.put("identityValidationExpression", authorizer.identity_validation_expression.as_deref());
    row.put("authorizerResultTtlInSeconds", authorizer.result_ttl_in_seconds);
    Some(row)
}

/// What is not said has its default, as after `put-gateway-response` (control-plane/v1-operations section 2).
pub(super) fn gateway_responses(api: &RestApi, problems: &mut Vec<Problem>) -> Vec<Object> {
    let mut rows = Vec::new();
    for (name, value) in &api.gateway_responses {
        let Some(usual) = default_status(&name.value) else {
            let found = format!("Unable to put gateway response '{}': Invalid response type specified", name.value);
            problems.push(Problem::error("openapi::gateway-response", name.place, found, "Write one of AWS's types"));
            continue;
        };
        let mut row = Object::new();
        row.put("responseType", Some(name.value.as_str()));
        row.put("statusCode", status(value, name.place, problems).or(usual.map(|status| status.to_string())));
        row.put("responseParameters", Some(texts(value.get("responseParameters"))));
        let templates = Some(texts(value.get("responseTemplates"))).filter(|templates| !templates.is_empty());
        let default = || [("application/json".to_owned(), Value::from(DEFAULT_TEMPLATE))].into_iter().collect();
        row.put("responseTemplates", Some(templates.unwrap_or_else(default)));
        row.put("defaultResponse", Some(false));
        rows.push(row);
    }
    rows
}

/// A number or a text of three digits.
fn status(value: &Value, place: Place, problems: &mut Vec<Problem>) -> Option<String> {
    let status = match value.get("statusCode")? {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if status.len() == 3 && status.parse().is_ok_and(|status: u16| (100..600).contains(&status)) {
        return Some(status);
    }
    let found = format!(
        "Value '{status}' at 'statusCode' failed to satisfy constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d"
    );
    problems.push(Problem::error("openapi::gateway-response", place, found, "Write a number from 100 to 599"));
    None
}

fn texts(value: Option<&Value>) -> Object {
    let members = value.and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    members.filter_map(|(key, value)| Some((key.clone(), Value::from(text(value)?)))).collect()
}

pub(super) fn documentation_part(part: &DocumentationPart) -> Object {
    let location: Object =
        part.location.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    let mut row = Object::new();
    row.put("location", Some(json!(location)));
    row.put("properties", Some(part.properties.as_str()));
    row
}
