//! Security schemes, and the requirements of methods that name them.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::options::ExportOptions;
use crate::formats::openapi::members::{Members, text};
use crate::model::api_rows::{ApiRows, Object};

const HEADER: &str = "method.request.header.";
const QUERY: &str = "method.request.querystring.";

/// `securityDefinitions`, with the names under which methods find theirs.
pub(super) struct Schemes {
    pub(super) rows: Object,
    /// Ids of authorizers with their names.
    authorizers: HashMap<String, String>,
    key: String,
    iam: String,
}

impl Schemes {
    pub(super) fn new(rows: &ApiRows, options: &ExportOptions) -> Self {
        let mut schemes = Object::new();
        let mut authorizers = HashMap::new();
        for row in &rows.authorizers {
            let name = text(row, "name").unwrap_or_default();
            authorizers.insert(text(row, "id").unwrap_or(name).to_owned(), name.to_owned());
            schemes.put(name, Some(authorizer(row, options)));
        }
        let (key, iam) = (free(&schemes, "api_key"), free(&schemes, "sigv4"));
        let methods = || rows.resources.iter().flat_map(|resource| &resource.methods);
        if methods().any(needs_key) {
            schemes.put(&key, Some(json!({"type": "apiKey", "name": "x-api-key", "in": "header"})));
        }
        if methods().any(is_iam) {
            let mut row = scheme(Some("Authorization"), "header");
            row.put("x-amazon-apigateway-authtype", options.extensions.authorizers.then_some("awsSigv4"));
            schemes.put(&iam, Some(row));
        }
        Self { rows: schemes, authorizers, key, iam }
    }

    /// A method's `security`. One whose authorizer is gone names it all the same: it must not become open.
    pub(super) fn of_method(&self, method: &Object) -> Option<Vec<Value>> {
        let mut security = Vec::new();
        let mut ask = |name: &str, scopes: Value| security.push(json!({name: scopes}));
        let scopes = method.get("authorizationScopes").filter(|scopes| scopes.is_array());
        match text(method, "authorizationType") {
            None | Some("NONE") => {}
            Some("AWS_IAM") => ask(&self.iam, json!([])),
            Some(_) => {
                let id = text(method, "authorizerId").unwrap_or_default();
                ask(self.authorizers.get(id).map_or(id, String::as_str), scopes.cloned().unwrap_or_else(|| json!([])));
            }
        }
        if needs_key(method) {
            ask(&self.key, json!([]));
        }
        Some(security).filter(|security| !security.is_empty())
    }
}

fn authorizer(authorizer: &Object, options: &ExportOptions) -> Object {
    let kind = text(authorizer, "type").unwrap_or_default().to_ascii_lowercase();
    let source = text(authorizer, "identitySource");
    let mut row = match source {
        Some(source) if source.starts_with(HEADER) && !source.contains(',') => {
            scheme(source.strip_prefix(HEADER), "header")
        }
        Some(source) if source.starts_with(QUERY) && !source.contains(',') => {
            scheme(source.strip_prefix(QUERY), "query")
        }
        None if kind != "request" => scheme(None, "header"),
        _ => scheme(Some("Unused"), "header"),
    };
    if !options.extensions.authorizers {
        return row;
    }
    row.put("x-amazon-apigateway-authtype", text(authorizer, "authType"));
    let mut extension = Object::new();
    extension.put("identitySource", source.filter(|_| kind == "request"));
    for key in
        ["authorizerUri", "authorizerCredentials", "authorizerResultTtlInSeconds", "identityValidationExpression"]
    {
        extension.put(key, authorizer.get(key).cloned());
    }
    let pools = authorizer.get("providerARNs").and_then(Value::as_array);
    extension.put("providerARNs", pools.filter(|pools| !pools.is_empty()).cloned());
    extension.put("type", Some(kind));
    row.put("x-amazon-apigateway-authorizer", Some(extension));
    row
}

fn scheme(name: Option<&str>, location: &str) -> Object {
    let mut row = Object::new();
    row.put("type", Some("apiKey"));
    row.put("name", name);
    row.put("in", Some(location));
    row
}

fn free(taken: &Object, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    while taken.contains_key(&name) {
        name.push('_');
    }
    name
}

fn needs_key(method: &Object) -> bool {
    method.get("apiKeyRequired").and_then(Value::as_bool) == Some(true)
}

fn is_iam(method: &Object) -> bool {
    text(method, "authorizationType") == Some("AWS_IAM")
}
