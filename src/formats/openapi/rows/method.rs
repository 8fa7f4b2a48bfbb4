//! `Method`, with its responses and its integration in it.

use std::collections::HashMap;

use serde_json::Value;

use super::integration;
use super::named::InlineModels;
use crate::formats::openapi::members::Members;
use crate::model::api_rows::Object;
use crate::model::problem::{Place, Problem};
use crate::model::rest_api::{Method, MethodResponse, RestApi, SecurityKind};

pub(super) struct Context<'a> {
    pub(super) api: &'a RestApi,
    pub(super) schemes: &'a HashMap<&'a str, &'a SecurityKind>,
    pub(super) path: &'a str,
}

pub(super) fn schemes(api: &RestApi) -> HashMap<&str, &SecurityKind> {
    api.security_schemes.iter().map(|scheme| (scheme.name.value.as_str(), &scheme.kind)).collect()
}

pub(super) fn row(
    context: &Context<'_>,
    method: &Method,
    inline: &mut InlineModels,
    problems: &mut Vec<Problem>,
) -> Object {
    let mut row = Object::new();
    row.put("httpMethod", Some(method.http_method.as_str()));
    authorization(context, method, &mut row, problems);
    let validator = method.request_validator.as_ref().or(context.api.request_validator.as_ref());
    let validator = validator.map(|name| name.value.as_str()).filter(|name| !name.is_empty());
    row.put("requestValidatorId", validator);
    row.put("operationName", method.operation_name.as_deref());
    let parameters = method.request_parameters.iter();
    row.put_object(
        "requestParameters",
        parameters.map(|(name, required)| (name.value.clone(), Value::from(*required))).collect(),
    );
    let mut named =
        |models: &[(String, String)], place: Place| models_of(context, method, models, place, inline, problems);
    let models = named(&method.request_models, method.place);
    row.put_object("requestModels", models);
    let responses = method.method_responses.iter().map(|response| {
        let models = named(&response.response_models, response.status_code.place);
        (response.status_code.value.clone(), Value::from(response_row(response, models)))
    });
    let responses = responses.collect();
    row.put_object("methodResponses", responses);
    let place = method.place;
    let mut duplicate = |status: u16| {
        let (verb, path) = (method.http_method.as_str(), context.path);
        let found = format!(
            "Two integration responses of method '{verb}' of resource '{path}' have the status code {status}: the last is kept"
        );
        let help = "Give each a status code of its own: AWS keeps one integration response a status";
        problems.push(Problem::warning("openapi::integration::response", place, found, help));
    };
    let integration = method.integration.as_ref().map(|integration| integration::row(integration, &mut duplicate));
    row.put("methodIntegration", integration);
    row
}

/// Who may call. One authorizer a method, as on AWS; a key is asked for beside it.
fn authorization(context: &Context<'_>, method: &Method, row: &mut Object, problems: &mut Vec<Problem>) {
    let kind_of = |name: &str| context.schemes.get(name).copied();
    let asked = method.security.iter().map(|name| (name, kind_of(&name.value)));
    let mut authorizers = asked.clone().filter_map(|(name, kind)| match kind {
        Some(SecurityKind::Authorizer(kind)) => Some((name, kind.as_str())),
        _ => None,
    });
    let authorizer = authorizers.next();
    let by_scheme = asked.clone().any(|(_, kind)| kind == Some(&SecurityKind::AwsIam));
    let iam = by_scheme || method.auth.as_ref().is_some_and(|auth| auth.value == "AWS_IAM");
    if let Some((first, _)) = authorizer
        && (iam || authorizers.next().is_some())
    {
        let (verb, path, name) = (method.http_method.as_str(), context.path, &first.value);
        let found = format!(
            "More than one authorization for method '{verb}' of resource '{path}': only the authorizer '{name}' is used"
        );
        problems.push(Problem::warning("openapi::security", first.place, found, "Name one of them: AWS knows no more"));
    }
    let kind = match authorizer {
        Some((_, "cognito_user_pools")) => "COGNITO_USER_POOLS",
        Some(_) => "CUSTOM",
        None if iam => "AWS_IAM",
        None => "NONE",
    };
    row.put("authorizationType", Some(kind));
    row.put("authorizerId", authorizer.map(|(name, _)| name.value.as_str()));
    let scopes = method.authorization_scopes.iter().filter(|_| authorizer.is_some());
    row.put_list("authorizationScopes", scopes.map(String::as_str));
    row.put("apiKeyRequired", Some(asked.clone().any(|(_, kind)| kind == Some(&SecurityKind::ApiKey))));
}

fn response_row(response: &MethodResponse, models: Object) -> Object {
    let mut row = Object::new();
    row.put("statusCode", Some(response.status_code.value.as_str()));
    let parameters = response.response_parameters.iter();
    row.put_object("responseParameters", parameters.map(|(name, flag)| (name.clone(), Value::from(*flag))).collect());
    row.put_object("responseModels", models);
    row
}

fn models_of(
    context: &Context<'_>,
    method: &Method,
    models: &[(String, String)],
    place: Place,
    inline: &mut InlineModels,
    problems: &mut Vec<Problem>,
) -> Object {
    let mut row = Object::new();
    for (content_type, model) in models {
        match inline.name(model) {
            Ok(name) => row.put(content_type, Some(name)),
            Err(missing) => {
                let (verb, path) = (method.http_method.as_str(), context.path);
                let found = format!(
                    "Unable to put method '{verb}' on resource at path '{path}': Invalid model identifier specified: {missing}"
                );
                problems.push(Problem::error("openapi::model", place, found, "Define it, or correct the reference"));
            }
        }
    }
    row
}
