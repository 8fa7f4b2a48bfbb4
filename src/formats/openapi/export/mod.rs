//! Rows to a document, in the shape that AWS's export has (openapi-import-export section 6).
//!
//! What a document cannot say is left out, on AWS too: content types of models, parameters' defaults, a `required` header
//! of a response. Everything else comes back when the document is imported.

mod extensions;
mod integration;
mod operation;
mod options;
mod schemes;

use std::collections::HashSet;

use serde_json::{Value, json};

pub use options::{ExportDialect, ExportOptions, Extensions};

use operation::Context;
use schemes::Schemes;

use super::members::{Members, text};
use super::models::to_document;
use crate::formats::yaml;
use crate::model::api_rows::{ApiRows, Object};

/// The document, as JSON or YAML text.
pub fn export(rows: &ApiRows, options: &ExportOptions) -> String {
    let document = Value::from(document(rows, options));
    match options.yaml {
        true => yaml::to_yaml(&document),
        false => format!("{document:#}"),
    }
}

fn document(rows: &ApiRows, options: &ExportOptions) -> Object {
    let schemes = Schemes::new(rows, options);
    let definitions = definitions(rows, options);
    let paths = paths(rows, options, &schemes, &definitions);
    let mut document = Object::new();
    match options.dialect {
        ExportDialect::Swagger2 => {
            document.put("swagger", Some("2.0"));
            document.put("info", Some(info(rows, options, ["description", "version", "title"])));
            document.put("host", Some(format!("{}.execute-api.{}.amazonaws.com", options.api_id, options.region)));
            document.put("basePath", Some(format!("/{}", options.stage)));
            document.put("schemes", Some(json!(["https"])));
            tags(rows, options, &mut document);
            document.put("paths", Some(paths));
            document.put_object("securityDefinitions", schemes.rows);
            document.put_object("definitions", definitions);
        }
        ExportDialect::OpenApi3 => {
            document.put("openapi", Some("3.0.1"));
            document.put("info", Some(info(rows, options, ["title", "description", "version"])));
            document.put("servers", Some(vec![Value::from(server(rows, options))]));
            tags(rows, options, &mut document);
            document.put("paths", Some(paths));
            let mut components = Object::new();
            components.put_object("schemas", definitions);
            components.put_object("securitySchemes", schemes.rows);
            document.put("components", Some(components));
        }
    }
    if options.extensions.apigateway {
        extensions::add(rows, options, &mut document);
    }
    document
}

fn info(rows: &ApiRows, options: &ExportOptions, order: [&str; 3]) -> Object {
    let mut info = Object::new();
    for key in order {
        match key {
            "title" => info.put(key, Some(text(&rows.api, "name").unwrap_or_default())),
            "description" => info.put(key, text(&rows.api, key)),
            _ => info.put(key, Some(text(&rows.api, key).map_or_else(|| options.created(), str::to_owned))),
        }
    }
    info
}

fn server(rows: &ApiRows, options: &ExportOptions) -> Object {
    let mut server = Object::new();
    let (api, region) = (&options.api_id, &options.region);
    server.put("url", Some(format!("https://{api}.execute-api.{region}.amazonaws.com/{{basePath}}")));
    server.put("variables", Some(json!({"basePath": {"default": options.stage}})));
    if options.extensions.apigateway {
        server.put_object(extensions::ENDPOINT, extensions::endpoint(rows));
    }
    server
}

fn tags(rows: &ApiRows, options: &ExportOptions, document: &mut Object) {
    let tags = rows.api.get("tags").and_then(Value::as_object).into_iter().flatten();
    let tags: Vec<Value> =
        tags.map(|(name, value)| json!({"name": name, "x-amazon-apigateway-tag-value": value})).collect();
    document.put("tags", Some(tags).filter(|tags| options.extensions.apigateway && !tags.is_empty()));
}

fn definitions(rows: &ApiRows, options: &ExportOptions) -> Object {
    let mut definitions = Object::new();
    for model in &rows.models {
        // A model of another content type may be no JSON at all.
        let schema = text(model, "schema").and_then(|schema| serde_json::from_str(schema).ok());
        let mut schema = schema.unwrap_or_else(|| json!({}));
        to_document(&mut schema, options.section());
        if let (Some(members), Some(description)) = (schema.as_object_mut(), text(model, "description")) {
            members.entry("description").or_insert_with(|| description.into());
        }
        definitions.put(text(model, "name").unwrap_or_default(), Some(schema));
    }
    definitions
}

/// Paths that have methods, and those that nothing stands below: the others come back by themselves.
fn paths(rows: &ApiRows, options: &ExportOptions, schemes: &Schemes, definitions: &Object) -> Object {
    let resource_ids: HashSet<&str> = rows.resources.iter().map(|resource| resource.id.as_str()).collect();
    let validators = rows.request_validators.iter().filter_map(|row| Some((text(row, "id")?, text(row, "name")?)));
    let context = Context { options, schemes, definitions, resource_ids, validators: validators.collect() };
    let parents: HashSet<&str> =
        rows.resources.iter().filter_map(|resource| Some(resource.path.rsplit_once('/')?.0)).collect();
    let mut paths = Object::new();
    for resource in &rows.resources {
        let leaf = resource.path != "/" && !parents.contains(resource.path.as_str());
        if leaf || !resource.methods.is_empty() {
            let methods = resource.methods.iter().map(|method| operation::entry(method, &context));
            paths.put(&resource.path, Some(methods.collect::<Object>()));
        }
    }
    paths
}
