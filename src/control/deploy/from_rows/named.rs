//! Rows with a name or an id of their own.

use serde_json::Value;

use super::value::{flag, list, number, text, texts};
use crate::model::api_rows::Object;
use crate::model::problem::{Located, Place};
use crate::model::rest_api::{
    Authorizer, DocumentationPart, Model, ModelSchema, RequestValidator, SecurityKind, SecurityScheme,
};

/// Methods name a validator by its id.
pub(super) fn request_validator(row: &Object, place: Place) -> RequestValidator {
    RequestValidator {
        name: Located::new(text(row, "id").unwrap_or_default(), place),
        validate_request_body: flag(row, "validateRequestBody"),
        validate_request_parameters: flag(row, "validateRequestParameters"),
    }
}

/// … and an authorizer too.
pub(super) fn authorizer(row: &Object, place: Place) -> SecurityScheme {
    let kind = text(row, "type").unwrap_or_default().to_ascii_lowercase();
    SecurityScheme {
        name: Located::new(text(row, "id").unwrap_or_default(), place),
        kind: SecurityKind::Authorizer(kind),
        authorizer: Some(Authorizer {
            auth_type: text(row, "authType"),
            uri: text(row, "authorizerUri"),
            credentials: text(row, "authorizerCredentials"),
            identity_source: text(row, "identitySource"),
            identity_validation_expression: text(row, "identityValidationExpression"),
            result_ttl_in_seconds: number(row, "authorizerResultTtlInSeconds"),
            provider_arns: list(row.get("providerARNs")),
        }),
    }
}

pub(super) fn model(row: &Object, place: Place) -> Model {
    Model {
        name: Located::new(text(row, "name").unwrap_or_default(), place),
        description: text(row, "description"),
        content_type: text(row, "contentType").unwrap_or_else(|| "application/json".to_owned()),
        schema: ModelSchema::Text(text(row, "schema").unwrap_or_default()),
    }
}

pub(super) fn gateway_response(row: &Object, place: Place) -> (Located<String>, Value) {
    let name = text(row, "responseType").unwrap_or_default();
    let mut rest = row.clone();
    rest.retain(|key, _| key != "responseType" && key != "defaultResponse");
    (Located::new(name, place), Value::from(rest))
}

pub(super) fn documentation_part(row: &Object) -> DocumentationPart {
    DocumentationPart { location: texts(row.get("location")), properties: text(row, "properties").unwrap_or_default() }
}
