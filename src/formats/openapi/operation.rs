//! One verb of one path: what it declares, who may call it, and its integration.

use super::found::{Owner, Part};
use super::integration;
use super::integration_rules::{self, Served};
use super::options::Dialect;
use super::parameters::{Declared, content_types};
use super::path_rules::Variable;
use super::reader::Reader;
use super::responses;
use super::security::{self, Schemes};
use super::vocabulary::{self, Level};
use crate::formats::yaml::Node;
use crate::model::problem::Located;
use crate::model::rest_api::{HttpMethod, Method, RequestValidator};

/// What the document says for all its operations.
pub(super) struct Shared<'d> {
    pub(super) dialect: Dialect,
    pub(super) schemes: Schemes,
    pub(super) security: Vec<Located<String>>,
    /// Scopes that the document's `security` asks for.
    pub(super) scopes: Vec<String>,
    pub(super) auth: Option<Located<String>>,
    pub(super) validators: Vec<RequestValidator>,
    pub(super) consumes: Option<&'d Node>,
    pub(super) produces: Option<&'d Node>,
}

/// `variables` is `None` where the path itself is wrong: then nothing is said about what it does not have.
#[allow(clippy::too_many_arguments)] // the verb, where it stands, and what its surroundings say: no two of one type
pub(super) fn read<'d>(
    reader: &mut Reader<'d, '_>,
    http_method: HttpMethod,
    key: &Located<String>,
    node: &'d Node,
    path: &Located<String>,
    variables: Option<&[Variable]>,
    path_parameters: Option<&'d Node>,
    shared: &Shared<'d>,
) -> Option<Method> {
    reader.owner = Owner::Method(http_method.as_str(), path.value.as_str().into(), Part::Method);
    let method = operation(reader, http_method, key, node, path, variables, path_parameters, shared);
    reader.owner = Owner::Document;
    method
}

#[allow(clippy::too_many_arguments)] // as above
fn operation<'d>(
    reader: &mut Reader<'d, '_>,
    http_method: HttpMethod,
    key: &Located<String>,
    node: &'d Node,
    path: &Located<String>,
    variables: Option<&[Variable]>,
    path_parameters: Option<&'d Node>,
    shared: &Shared<'d>,
) -> Option<Method> {
    let entries = reader.map(node, &format!("`{}`", key.value))?;
    vocabulary::check(reader, entries, Level::Operation);
    let kinds = content_types(reader, shared.dialect, [node.get("consumes"), shared.consumes]);
    let mut declared = Declared::default();
    if let Some(node) = path_parameters {
        // Their problems were told once for the path; here only their values count.
        declared.read(&mut Reader::new(reader.root(), reader.options, &mut Vec::new()), node, &kinds);
    }
    if let Some(node) = node.get("parameters") {
        declared.read(reader, node, &kinds);
    }
    if let Some(node) = node.get("requestBody").filter(|_| shared.dialect == Dialect::OpenApi3) {
        declared.request_body(reader, node);
    }
    declared.path_variables(variables.unwrap_or_default(), path.place);
    let (security, scopes) = match node.get("security") {
        Some(node) => (security::requirements(reader, node, &shared.schemes), security::scopes(node, &shared.schemes)),
        None => (shared.security.clone(), shared.scopes.clone()),
    };
    let produces = content_types(reader, shared.dialect, [node.get("produces"), shared.produces]);
    let method_responses = reader.for_import(|reader| responses::read(reader, node, shared.dialect, &produces));
    let auth = security::auth(reader, node).or_else(|| shared.auth.clone());
    let request_validator =
        node.get("x-amazon-apigateway-request-validator").and_then(|node| validator(reader, node, &shared.validators));
    reader.part(Part::Integration);
    let integration = match entries
        .iter()
        .find(|(key, _)| key.value == "x-amazon-apigateway-integration")
        .map(|(key, node)| (key, node))
    {
        Some((key, node)) => integration::read(reader, node, key.place).inspect(|integration| {
            let served = Served { path: &path.value, variables, declared: &declared, method: entries };
            integration_rules::check(reader, integration, &served);
        }),
        None => {
            let found = format!("No integration defined for method: {} {}", http_method.as_str(), path.value);
            let help = "Write `x-amazon-apigateway-integration` below it: AWS refuses to deploy a method without one";
            reader.deploy_error("openapi::integration", key.place, found, help);
            None
        }
    };
    reader.part(Part::Method);
    Some(Method {
        http_method,
        operation_name: node.get("operationId").and_then(|node| Some(reader.text(node, "`operationId`")?.value)),
        request_parameters: declared.request_parameters,
        security,
        auth,
        request_validator,
        authorization_scopes: scopes,
        request_models: declared.request_models,
        method_responses,
        integration,
        place: key.place,
    })
}

/// A validator's name; an empty one switches the document's off (openapi-extensions, the table).
pub(super) fn validator<'d>(
    reader: &mut Reader<'d, '_>,
    node: &'d Node,
    known: &[RequestValidator],
) -> Option<Located<String>> {
    let name = reader.text(node, "a request validator's name")?;
    if !name.value.is_empty() && !known.iter().any(|validator| validator.name.value == name.value) {
        let found = format!("no request validator is named `{}`", name.value);
        let help = "Define it below `x-amazon-apigateway-request-validators`";
        reader.error("openapi::request-validator", name.place, found, help);
        reader.on_aws("Invalid Request Validator identifier specified");
    }
    Some(name)
}
