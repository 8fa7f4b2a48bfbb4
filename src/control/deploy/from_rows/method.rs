//! A row's method: who may call it, what it declares, its integration.

use serde_json::Value;

use super::integration;
use super::owners::Owners;
use super::value::{flag, flags, list, objects, text, text_at, texts};
use crate::model::api_rows::Object;
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{HttpMethod, Method, MethodResponse, RestApi, SecurityKind, SecurityScheme};

/// The scheme that stands for `apiKeyRequired`: rows have a flag where documents have a scheme.
pub(super) struct KeyScheme {
    name: String,
}

impl KeyScheme {
    pub(super) fn add_to(api: &mut RestApi, place: Place) -> Self {
        let mut name = "api_key".to_owned();
        while api.security_schemes.iter().any(|scheme| scheme.name.value == name) {
            name.push('_');
        }
        let scheme =
            SecurityScheme { name: Located::new(name.clone(), place), kind: SecurityKind::ApiKey, authorizer: None };
        api.security_schemes.push(scheme);
        Self { name }
    }
}

/// `None`, and a problem, where the row has no verb that a method can have.
pub(super) fn read(
    row: &Object,
    path: &str,
    key: &KeyScheme,
    owners: &mut Owners,
    problems: &mut Vec<Problem>,
) -> Option<Method> {
    let verb = text(row, "httpMethod").unwrap_or_default();
    let place = owners.add(format!("{verb} {path}"));
    let Some(http_method) = HttpMethod::parse(&verb) else {
        let found = "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY";
        problems.push(Problem::error("deploy::method", place, found, "Name one of the verbs"));
        return None;
    };
    let mut security = Vec::new();
    let mut auth = None;
    match text(row, "authorizationType").as_deref() {
        None | Some("NONE") => {}
        Some("AWS_IAM") => auth = Some(Located::new("AWS_IAM".to_owned(), place)),
        // What has no authorizer, or another type than AWS's, is guarded by one that nobody knows: it is never open.
        Some(_) => security.push(Located::new(text(row, "authorizerId").unwrap_or_default(), place)),
    }
    if flag(row, "apiKeyRequired") {
        security.push(Located::new(key.name.clone(), place));
    }
    let parameters = flags(row.get("requestParameters")).into_iter();
    let integration = row.get("methodIntegration").and_then(Value::as_object);
    Some(Method {
        http_method,
        operation_name: text(row, "operationName"),
        request_parameters: parameters.map(|(name, required)| (Located::new(name, place), required)).collect(),
        security,
        auth,
        request_validator: text_at(row, "requestValidatorId", place),
        authorization_scopes: list(row.get("authorizationScopes")),
        request_models: texts(row.get("requestModels")),
        method_responses: objects(row.get("methodResponses"))
            .map(|(status, row)| MethodResponse {
                status_code: Located::new(text(row, "statusCode").unwrap_or_else(|| status.clone()), place),
                response_parameters: flags(row.get("responseParameters")),
                response_models: texts(row.get("responseModels")),
            })
            .collect(),
        integration: integration.and_then(|row| integration::read(row, place, problems)),
        place,
    })
}
