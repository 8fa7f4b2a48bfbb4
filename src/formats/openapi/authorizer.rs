//! `x-amazon-apigateway-authorizer`: what an authorizer is made of (openapi-extensions section 1).

use super::reader::Reader;
use crate::formats::yaml::Node;
use crate::model::problem::Located;
use crate::model::rest_api::{Authorizer, SecurityKind};

/// AWS's types for REST APIs; `jwt` is of HTTP APIs.
const TYPES: [&str; 3] = ["token", "request", "cognito_user_pools"];

pub(super) fn read<'d>(
    reader: &mut Reader<'d, '_>,
    name: &Located<String>,
    scheme: &'d Node,
    kind: &SecurityKind,
) -> Authorizer {
    let mut authorizer = Authorizer::default();
    let Some(node) = scheme.get("x-amazon-apigateway-authorizer") else { return authorizer };
    let SecurityKind::Authorizer(kind) = kind else { return authorizer };
    if !TYPES.contains(&kind.as_str()) {
        let found =
            format!("Unable to create authorizer '{}': `{kind}` is no type of authorizer of a REST API", name.value);
        let help = "Write `type: token`, `type: request` or `type: cognito_user_pools`";
        reader.error("openapi::authorizer", node.place, found, help);
    }
    let mut text = |node: &'d Node, key: &str| node.get(key).and_then(|node| Some(reader.text(node, key)?.value));
    authorizer.auth_type = text(scheme, "x-amazon-apigateway-authtype");
    authorizer.uri = text(node, "authorizerUri");
    authorizer.credentials = text(node, "authorizerCredentials");
    authorizer.identity_validation_expression = text(node, "identityValidationExpression");
    // A token is looked for where the scheme says, also where the authorizer says otherwise; only REQUEST says for itself
    // (openapi-import-export section 3, recorded).
    authorizer.identity_source = match kind.as_str() {
        "request" => text(node, "identitySource"),
        _ => text(scheme, "name").map(|name| format!("method.request.header.{name}")),
    };
    let ttl = node.get("authorizerResultTtlInSeconds");
    authorizer.result_ttl_in_seconds =
        ttl.and_then(|node| Some(reader.integer(node, "`authorizerResultTtlInSeconds`")?.value));
    let pools = node.get("providerARNs").map_or(&[][..], |node| reader.list(node, "`providerARNs`"));
    authorizer.provider_arns =
        pools.iter().filter_map(|node| Some(reader.text(node, "a user pool's ARN")?.value)).collect();
    authorizer
}
