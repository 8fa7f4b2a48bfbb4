//! A REST API to rows in AWS's wire shape (control-plane/v1-operations section 2).
//!
//! Members that a document does not say are left out, but for those that AWS shows all the same. What a document names
//! (an authorizer, a validator) has its name for its id.

mod integration;
mod method;
mod named;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::formats::openapi::members::Members;
use crate::model::api_rows::{ApiRows, Object, ResourceRow};
use crate::model::cors;
use crate::model::problem::Problem;
use crate::model::rest_api::{DocumentationPart, Method, RestApi};
use crate::settings::limits::{RESOURCE_PATH_BYTES_MAX, RESOURCES_MAX};
use named::InlineModels;

pub(super) fn from_api(api: &RestApi, problems: &mut Vec<Problem>) -> ApiRows {
    let mut inline = InlineModels::new(&api.models);
    let mut resources = tree(api, problems);
    let schemes = method::schemes(api);
    for resource in &api.resources {
        let Some(methods) = resources.get_mut(&resource.path.value) else { continue };
        for one in &resource.methods {
            let path = &resource.path.value;
            let row = method::row(&method::Context { api, schemes: &schemes, path }, one, &mut inline, problems);
            replace(methods, one, row);
        }
    }
    let mut models: Vec<Object> = api.models.iter().map(named::model).collect();
    models.append(&mut inline.rows);
    ApiRows {
        api: whole(api, problems),
        resources: resources
            .into_iter()
            .map(|(path, methods)| ResourceRow { id: String::new(), path, methods })
            .collect(),
        models,
        request_validators: api.request_validators.iter().map(named::request_validator).collect(),
        authorizers: api.security_schemes.iter().filter_map(named::authorizer).collect(),
        gateway_responses: named::gateway_responses(api, problems),
        documentation_parts: documentation_parts(&api.documentation_parts),
    }
}

pub(super) fn documentation_parts(parts: &[DocumentationPart]) -> Vec<Object> {
    parts.iter().map(named::documentation_part).collect()
}

/// AWS's words (control-plane/v1-messages, the limits).
const TOO_MANY: &str = "Maximum number of resources for this API has been reached. Please contact AWS if you need \
                        additional resources.";

/// Every path with all that stand above it. Byte order, so that parents come first.
fn tree(api: &RestApi, problems: &mut Vec<Problem>) -> BTreeMap<String, Vec<Object>> {
    let mut resources = BTreeMap::from([("/".to_owned(), Vec::new())]);
    for resource in &api.resources {
        let path = &resource.path.value;
        // A path that cannot be one has been told, and the import fails.
        if !path.starts_with('/') || path.len() > RESOURCE_PATH_BYTES_MAX {
            continue;
        }
        if resources.len() > RESOURCES_MAX {
            let help = "Split the API into several";
            problems.push(Problem::error("openapi::paths", resource.path.place, TOO_MANY, help));
            break;
        }
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        for end in ends {
            resources.entry(path[..end].to_owned()).or_default();
        }
    }
    resources
}

/// One verb of a resource once: the last of two paths that are one.
fn replace(methods: &mut Vec<Object>, method: &Method, row: Object) {
    let verb = Value::from(method.http_method.as_str());
    match methods.iter_mut().find(|known| known.get("httpMethod") == Some(&verb)) {
        Some(known) => *known = row,
        None => methods.push(row),
    }
}

/// `RestApi` itself.
fn whole(api: &RestApi, problems: &mut Vec<Problem>) -> Object {
    let mut row = Object::new();
    row.put("name", Some(api.name.as_str()));
    row.put("description", api.description.as_deref());
    row.put("version", api.version.as_deref());
    row.put_list("binaryMediaTypes", api.binary_media_types.iter().map(|kind| kind.value.as_str()));
    row.put("minimumCompressionSize", api.minimum_compression_size.as_ref().map(|size| size.value));
    row.put("apiKeySource", api.api_key_source.as_ref().map(|source| source.value.as_str()));
    row.put_object("endpointConfiguration", endpoint(api));
    row.put("policy", policy(api, problems));
    row.put_object("tags", api.tags.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect());
    row.put("disableExecuteApiEndpoint", api.disable_execute_api_endpoint.then_some(true));
    row.put("securityPolicy", api.security_policy.as_ref().map(|policy| policy.value.as_str()));
    row.put(cors::ROW_MEMBER, api.cors.as_ref().and_then(|cors| serde_json::to_value(&cors.value).ok()));
    row.put("endpointAccessMode", api.endpoint_access_mode.as_ref().map(|mode| mode.value.as_str()));
    row
}

fn endpoint(api: &RestApi) -> Object {
    let mut row = Object::new();
    row.put_list("types", api.endpoint_types.iter().map(|kind| kind.value.as_str()));
    let private = api.endpoint_types.iter().any(|kind| kind.value == "PRIVATE");
    let default = (!api.endpoint_types.is_empty()).then_some(if private { "dualstack" } else { "ipv4" });
    row.put("ipAddressType", api.ip_address_type.as_ref().map(|kind| kind.value.as_str()).or(default));
    row.put_list("vpcEndpointIds", api.vpc_endpoint_ids.iter().map(|id| id.value.as_str()));
    row
}

/// AWS answers with the policy's text as it stands between the quotes of a JSON string (control-plane/terraform).
fn policy(api: &RestApi, problems: &mut Vec<Problem>) -> Option<String> {
    let policy = api.policy.as_ref()?;
    if !policy.value.is_object() {
        let found = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.";
        problems.push(Problem::error(
            "openapi::policy",
            policy.place,
            found,
            "Write an IAM policy: a map, or its JSON",
        ));
        return None;
    }
    let quoted = Value::from(policy.value.to_string()).to_string();
    Some(quoted[1..quoted.len() - 1].to_owned())
}
