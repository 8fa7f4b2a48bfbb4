//! Rows of the control plane to the definition that a deployment compiles.
//!
//! There is no file whose line a problem could show: each method has a place of its own, and [`Owners`] knows its name.

mod integration;
mod method;
mod named;
mod owners;
mod value;

use serde_json::Value;

use method::KeyScheme;
pub use owners::{Owners, describe};
use value::{text, text_at};

use crate::model::api_rows::{ApiRows, Object};
use crate::model::cors;
use crate::model::problem::{Located, Place, Problem};
use crate::model::rest_api::{Resource, RestApi};

/// The definition. What AWS refuses to deploy is an error among the problems with AWS's text for `found` and a code that
/// begins with `deploy::`; what Weir cannot do, `refuse.rs` says of it as of a file's.
pub fn rest_api(id: &str, rows: &ApiRows, problems: &mut Vec<Problem>) -> (RestApi, Owners) {
    let mut owners = Owners::default();
    let place = owners.add(String::new());
    let mut api = whole(&rows.api, place);
    api.id = id.to_owned();
    api.request_validators = rows.request_validators.iter().map(|row| named::request_validator(row, place)).collect();
    api.security_schemes = rows.authorizers.iter().map(|row| named::authorizer(row, place)).collect();
    let key = KeyScheme::add_to(&mut api, place);
    api.models = rows.models.iter().map(|row| named::model(row, place)).collect();
    api.gateway_responses = rows.gateway_responses.iter().map(|row| named::gateway_response(row, place)).collect();
    api.documentation_parts = rows.documentation_parts.iter().map(named::documentation_part).collect();
    for resource in &rows.resources {
        let path = Located::new(resource.path.clone(), owners.add(resource.path.clone()));
        let methods = resource.methods.iter();
        let methods =
            methods.filter_map(|row| method::read(row, &resource.path, &key, &mut owners, problems)).collect();
        api.resources.push(Resource { id: resource.id.clone(), path, methods });
    }
    if let Some(row) = rows.api.get(cors::ROW_MEMBER) {
        match serde_json::from_value(row.clone()) {
            Ok(cors) => api.cors = Some(Located::new(cors, place)),
            Err(error) => problems.push(Problem::error(
                "deploy::cors",
                place,
                format!("`{}` cannot be read: {error}", cors::EXTENSION),
                "Import the document that it comes from once more",
            )),
        }
    }
    undeployable(&api, problems);
    (api, owners)
}

fn whole(row: &Object, place: Place) -> RestApi {
    let endpoint = row.get("endpointConfiguration").and_then(Value::as_object);
    let of_endpoint = |key: &str| endpoint.and_then(|endpoint| endpoint.get(key));
    RestApi {
        name: text(row, "name").unwrap_or_default(),
        description: text(row, "description"),
        version: text(row, "version"),
        binary_media_types: value::list_at(row.get("binaryMediaTypes"), place),
        minimum_compression_size: value::number(row, "minimumCompressionSize").map(|size| Located::new(size, place)),
        disable_execute_api_endpoint: value::flag(row, "disableExecuteApiEndpoint"),
        endpoint_types: value::list_at(of_endpoint("types"), place),
        vpc_endpoint_ids: value::list_at(of_endpoint("vpcEndpointIds"), place),
        ip_address_type: endpoint.and_then(|endpoint| text_at(endpoint, "ipAddressType", place)),
        security_policy: text_at(row, "securityPolicy", place),
        endpoint_access_mode: text_at(row, "endpointAccessMode", place),
        api_key_source: text_at(row, "apiKeySource", place),
        policy: text(row, "policy").filter(|text| !text.is_empty()).map(|text| Located::new(policy(&text), place)),
        tags: value::texts(row.get("tags")),
        place,
        ..RestApi::default()
    }
}

/// As JSON, or as AWS answers it: between the quotes of a JSON string. What is neither still guards the API.
fn policy(text: &str) -> Value {
    let plain = |text: &str| serde_json::from_str(text).ok().filter(Value::is_object);
    let unescaped = || serde_json::from_str::<String>(&format!("\"{text}\"")).ok();
    plain(text).or_else(|| plain(&unescaped()?)).unwrap_or_else(|| Value::from(text))
}

/// What AWS refuses to deploy (control-plane/v1-messages).
fn undeployable(api: &RestApi, problems: &mut Vec<Problem>) {
    if api.resources.iter().all(|resource| resource.methods.is_empty()) {
        let found = "The REST API doesn't contain any methods";
        problems.push(Problem::error("deploy::methods", api.place, found, "Put a method on one of its resources"));
    }
    let open = api.resources.iter().flat_map(|resource| &resource.methods);
    for method in open.filter(|method| method.integration.is_none()) {
        let found = "No integration defined for method";
        problems.push(Problem::error("deploy::integration", method.place, found, "Put an integration on the method"));
    }
}

#[cfg(test)]
mod tests;
