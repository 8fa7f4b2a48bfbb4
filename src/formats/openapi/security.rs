//! Who may call: security schemes, the requirements that name them, and `x-amazon-apigateway-auth`.

use super::authorizer;
use super::options::Dialect;
use super::reader::Reader;
use super::vocabulary::{self, Level};
use crate::formats::yaml::{Node, NodeValue};
use crate::model::problem::Located;
use crate::model::rest_api::{SecurityKind, SecurityScheme};

pub(super) type Schemes = Vec<SecurityScheme>;

pub(super) fn schemes<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, dialect: Dialect) -> Schemes {
    let node = match dialect {
        Dialect::Swagger2 => root.get("securityDefinitions"),
        Dialect::OpenApi3 => root.get("components").and_then(|components| components.get("securitySchemes")),
    };
    let entries = node.and_then(|node| reader.map(node, "the security schemes"));
    let mut schemes = Schemes::new();
    for (name, node) in entries.into_iter().flatten() {
        let Some(node) = reader.resolve(node) else { continue };
        let Some(entries) = reader.map(node, "a security scheme") else { continue };
        vocabulary::check(reader, entries, Level::Scheme);
        let kind = kind(reader, node);
        let guarded = matches!(kind, SecurityKind::Authorizer(_));
        let authorizer = guarded.then(|| reader.for_import(|reader| authorizer::read(reader, name, node, &kind)));
        schemes.push(SecurityScheme { name: name.clone(), kind, authorizer });
    }
    schemes
}

fn kind<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> SecurityKind {
    if let Some(authorizer) = node.get("x-amazon-apigateway-authorizer") {
        let written = authorizer.get("type").and_then(|node| reader.text(node, "the authorizer's type"));
        return match written {
            Some(written) => SecurityKind::Authorizer(written.value.to_ascii_lowercase()),
            None => {
                let help = "Write `type: token`, `type: request` or `type: cognito_user_pools`";
                reader.error("openapi::security", authorizer.place, "an authorizer without a type", help);
                // Still an authorizer: what it guards must not become open.
                SecurityKind::Authorizer("token".to_owned())
            }
        };
    }
    let mut lower = |key: &str| node.get(key).and_then(|node| Some(reader.text(node, key)?.value.to_ascii_lowercase()));
    if lower("x-amazon-apigateway-authtype").as_deref() == Some("awssigv4") {
        return SecurityKind::AwsIam;
    }
    let api_key = [("type", "apikey"), ("name", "x-api-key"), ("in", "header")];
    match api_key.into_iter().all(|(key, value)| lower(key).as_deref() == Some(value)) {
        true => SecurityKind::ApiKey,
        false => SecurityKind::Other,
    }
}

/// The names in a `security` list. A requirement that may be left out (`{}` beside others) still counts: AWS knows no
/// optional security, and the safe reading is that the others are meant.
pub(super) fn requirements<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, schemes: &Schemes) -> Vec<Located<String>> {
    let mut names: Vec<Located<String>> = Vec::new();
    for requirement in reader.list(node, "`security`") {
        for (name, _) in reader.map(requirement, "a security requirement").into_iter().flatten() {
            if !schemes.iter().any(|scheme| scheme.name.value == name.value) {
                let found = format!("no security scheme is named `{}`", name.value);
                let help = "Define it below `components.securitySchemes` (Swagger 2.0: `securityDefinitions`)";
                reader.error("openapi::security", name.place, found, help);
                reader.on_aws(
                    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS \
                     requires a valid authorizer.",
                );
            } else if !names.iter().any(|known| known.value == name.value) {
                names.push(name.clone());
            }
        }
    }
    names
}

/// The scopes that are asked of authorizers. What else is in the list, [`requirements`] has told.
pub(super) fn scopes(node: &Node, schemes: &Schemes) -> Vec<String> {
    let guards = |name: &str| {
        schemes.iter().any(|scheme| scheme.name.value == name && matches!(scheme.kind, SecurityKind::Authorizer(_)))
    };
    let NodeValue::List(requirements) = &node.value else { return Vec::new() };
    let mut scopes = Vec::new();
    for requirement in requirements {
        let NodeValue::Map(entries) = &requirement.value else { continue };
        for (_, node) in entries.iter().filter(|(name, _)| guards(&name.value)) {
            let NodeValue::List(items) = &node.value else { continue };
            for item in items {
                if let NodeValue::Scalar(scalar) = &item.value
                    && !scopes.contains(&scalar.text)
                {
                    scopes.push(scalar.text.clone());
                }
            }
        }
    }
    scopes
}

/// `x-amazon-apigateway-auth` of an operation or the document; `x-amazon-apigateway-authtype: awsSigv4` says the same.
pub(super) fn auth<'d>(reader: &mut Reader<'d, '_>, node: &'d Node) -> Option<Located<String>> {
    if let Some(auth) = node.get("x-amazon-apigateway-auth") {
        reader.map(auth, "`x-amazon-apigateway-auth`")?;
        let Some(kind) = auth.get("type") else {
            let help = "Write `type: NONE` or `type: AWS_IAM`";
            reader.error("openapi::security", auth.place, "`x-amazon-apigateway-auth` without a type", help);
            return None;
        };
        return reader.choice("openapi::security", kind, "authorization type", &["NONE", "AWS_IAM"]);
    }
    let kind = node
        .get("x-amazon-apigateway-authtype")
        .and_then(|node| reader.text(node, "`x-amazon-apigateway-authtype`"))?;
    kind.value.eq_ignore_ascii_case("awsSigv4").then(|| Located::new("AWS_IAM".to_owned(), kind.place))
}
