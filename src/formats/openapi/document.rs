//! The document's top level: its name, its settings, and what holds for all its methods.

use super::base_path::BasePath;
use super::cors;
use super::described;
use super::models;
use super::operation::{Shared, validator};
use super::options::Dialect;
use super::paths;
use super::reader::Reader;
use super::security;
use super::vocabulary::{self, Level};
use crate::formats::yaml::{self, Node, NodeValue};
use crate::model::problem::Located;
use crate::model::rest_api::{RequestValidator, RestApi};

const ENDPOINT_TYPES: [&str; 3] = ["EDGE", "REGIONAL", "PRIVATE"];
const IP_ADDRESS_TYPES: [&str; 2] = ["ipv4", "dualstack"];
const COMPRESSION_BYTES_MAX: u32 = 10_485_760;

pub(super) fn read<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, dialect: Dialect, base_path: BasePath) -> RestApi {
    let mut api = RestApi { place: root.place, ..RestApi::default() };
    if let Some(entries) = reader.map(root, "the document") {
        vocabulary::check(reader, entries, Level::Document);
    }
    if let Some(NodeValue::Map(entries)) = root.get("components").map(|node| &node.value) {
        vocabulary::check(reader, entries, Level::Components);
    }
    let mut tags = Vec::new();
    for tag in root.get("tags").map_or(&[][..], |tags| reader.list(tags, "`tags`")) {
        if let Some(entries) = reader.map(tag, "a tag") {
            vocabulary::check(reader, entries, Level::Tag);
        }
        tags.extend(reader.for_import(|reader| described::tag(reader, tag)));
    }
    info(reader, root, &mut api);
    api.cors = cors::read(reader, root);
    endpoints(reader, root, dialect, &mut api);
    extensions(reader, root, &mut api);
    let shared = Shared {
        dialect,
        schemes: security::schemes(reader, root, dialect),
        security: Vec::new(),
        scopes: Vec::new(),
        auth: security::auth(reader, root),
        validators: validators(reader, root),
        consumes: root.get("consumes"),
        produces: root.get("produces"),
    };
    let global = root.get("security").map(|node| security::requirements(reader, node, &shared.schemes));
    let scopes = root.get("security").map(|node| security::scopes(node, &shared.schemes));
    let shared = Shared { security: global.unwrap_or_default(), scopes: scopes.unwrap_or_default(), ..shared };
    api.request_validator =
        root.get("x-amazon-apigateway-request-validator").and_then(|node| validator(reader, node, &shared.validators));
    let prefix = base_path.prefix(api.base_path.as_ref().map_or("", |base| base.value.as_str()));
    api.resources = paths::read(reader, root, &prefix, &shared);
    if api.resources.iter().all(|resource| resource.methods.is_empty()) {
        let place = root.get("paths").map_or(root.place, |paths| paths.place);
        let help = "Write a verb such as `get` below a path in `paths`";
        reader.deploy_error("openapi::paths", place, "The REST API doesn't contain any methods", help);
    }
    reader.for_import(|reader| {
        api.models = models::read(reader, root, dialect);
        api.documentation_parts = described::documentation(reader, root);
    });
    api.tags = tags;
    api.request_validators = shared.validators;
    api.security_schemes = shared.schemes;
    api
}

fn info<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, api: &mut RestApi) {
    let info = root.get("info");
    if let Some(info) = info
        && let Some(entries) = reader.map(info, "`info`")
    {
        vocabulary::check(reader, entries, Level::Info);
        api.place = info.place;
        let mut text = |key: &str| info.get(key).and_then(|node| Some(reader.text(node, key)?.value));
        api.description = text("description");
        api.version = text("version");
        api.name = text("title").unwrap_or_default();
    }
    if api.name.is_empty() {
        let help = "Write `info: {title: …, version: …}`: AWS names the API after it";
        reader.lint("openapi::info", api.place, "`info.title` is missing", help);
        let place = api.place;
        reader.for_import(|reader| {
            reader.error("openapi::info", place, "Parse issue: attribute info.title is missing", help);
        });
        api.name = "untitled".to_owned();
    }
    let source = root.get("x-amazon-apigateway-api-key-source");
    if let Some(node) = source.or_else(|| info?.get("x-amazon-apigateway-api-key-source")) {
        api.api_key_source =
            reader.choice("openapi::api-key-source", node, "API key source", &["HEADER", "AUTHORIZER"]);
    }
}

fn endpoints<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, dialect: Dialect, api: &mut RestApi) {
    if let Some(node) = root.get("x-amazon-apigateway-endpoint-configuration") {
        endpoint(reader, node, api);
    }
    if dialect == Dialect::Swagger2 {
        let base = root.get("basePath").and_then(|node| reader.text(node, "`basePath`"));
        api.base_path = base.map(|base| Located::new(base.value.trim_end_matches('/').to_owned(), base.place));
        return;
    }
    let servers = root.get("servers").map_or(&[][..], |servers| reader.list(servers, "`servers`"));
    for server in servers {
        let Some(entries) = reader.map(server, "a server") else { continue };
        vocabulary::check(reader, entries, Level::Server);
        if let Some(node) = server.get("x-amazon-apigateway-endpoint-configuration") {
            endpoint(reader, node, api);
        }
    }
    api.base_path = base_path(reader, servers);
}

/// The first `basePath` variable's default, also where the URL does not name it, else the path of the first
/// server's URL (openapi-import-export section 2, recorded).
fn base_path<'d>(reader: &mut Reader<'d, '_>, servers: &'d [Node]) -> Option<Located<String>> {
    let default = |server: &'d Node| server.get("variables")?.get("basePath")?.get("default");
    let path = match servers.iter().find_map(default) {
        Some(node) => reader.text(node, "the default of `basePath`")?,
        None => {
            let url = reader.text(servers.first()?.get("url")?, "`url`")?;
            let rest = url.value.split_once("://").map_or(url.value.as_str(), |(_, rest)| rest);
            Located::new(rest[rest.find('/')?..].to_owned(), url.place)
        }
    };
    let short = path.value.trim_matches('/');
    (!short.is_empty()).then(|| Located::new(format!("/{short}"), path.place))
}

fn endpoint<'d>(reader: &mut Reader<'d, '_>, node: &'d Node, api: &mut RestApi) {
    if reader.map(node, "the endpoint configuration").is_none() {
        return;
    }
    let types = node.get("types").map_or(&[][..], |node| reader.list(node, "`types`"));
    for node in types {
        let kind = reader.choice("openapi::endpoint", node, "endpoint type", &ENDPOINT_TYPES);
        if kind.is_none() {
            reader.on_aws("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
        }
        api.endpoint_types.extend(kind);
    }
    let disabled =
        node.get("disableExecuteApiEndpoint").and_then(|node| reader.boolean(node, "`disableExecuteApiEndpoint`"));
    api.disable_execute_api_endpoint |= disabled.is_some_and(|disabled| disabled.value);
    reader.for_import(|reader| {
        let ids = node.get("vpcEndpointIds").map_or(&[][..], |node| reader.list(node, "`vpcEndpointIds`"));
        api.vpc_endpoint_ids.extend(ids.iter().filter_map(|node| reader.text(node, "a VPC endpoint's id")));
        let kind = node.get("ipAddressType");
        let kind = kind.and_then(|node| reader.choice("openapi::endpoint", node, "IP address type", &IP_ADDRESS_TYPES));
        api.ip_address_type = kind.or(api.ip_address_type.take());
    });
}

fn extensions<'d>(reader: &mut Reader<'d, '_>, root: &'d Node, api: &mut RestApi) {
    if let Some((key, _)) = entry(root, "x-amazon-apigateway-cors") {
        let help = "Write `x-weir-cors: {origins: […]}`, or what AWS has for REST APIs: an `options` method with a `mock` \
                    integration that maps the `Access-Control-…` headers";
        reader.unsupported("openapi::cors", key.place, "`x-amazon-apigateway-cors` is for HTTP APIs only", help);
    }
    if let Some((key, _)) = entry(root, "x-amazon-apigateway-importexport-version") {
        let help = "Export a REST API, or write each integration as REST APIs have it and remove this key";
        reader.unsupported(
            "openapi::http-api",
            key.place,
            "this is the definition of an HTTP API, which Weir cannot serve yet",
            help,
        );
    }
    for name in ["x-amazon-apigateway-security-policy", "x-amazon-apigateway-endpoint-access-mode"] {
        if let Some((key, _)) = entry(root, name) {
            let help = "Remove it, or keep it for AWS: Weir's listeners are set up in its own settings";
            reader.lint("openapi::extension", key.place, format!("`{name}` has no effect in Weir"), help);
        }
    }
    reader.for_import(|reader| {
        let mut text = |name: &str| root.get(name).and_then(|node| reader.text(node, name));
        api.security_policy = text("x-amazon-apigateway-security-policy");
        api.endpoint_access_mode = text("x-amazon-apigateway-endpoint-access-mode");
    });
    if let Some(node) = root.get("x-amazon-apigateway-binary-media-types") {
        for item in reader.list(node, "the binary media types") {
            api.binary_media_types.extend(reader.text(item, "a media type"));
        }
    }
    if let Some(node) = root.get("x-amazon-apigateway-minimum-compression-size") {
        api.minimum_compression_size = reader.integer(node, "the minimum compression size");
        if api.minimum_compression_size.as_ref().is_some_and(|size| size.value > COMPRESSION_BYTES_MAX) {
            let found = format!("a minimum compression size above {COMPRESSION_BYTES_MAX}");
            reader.error(
                "openapi::compression",
                node.place,
                found,
                format!("Write a number from 0 to {COMPRESSION_BYTES_MAX}"),
            );
            reader.on_aws(format!("Invalid minimum compression size, must be between 0 and {COMPRESSION_BYTES_MAX}"));
        }
    }
    if let Some(node) = root.get("x-amazon-apigateway-policy").filter(|node| !node.is_null()) {
        // AWS takes the policy as an object or as its text.
        let value = yaml::to_json(node);
        let parsed = value.as_str().and_then(|text| serde_json::from_str(text).ok());
        api.policy = Some(Located::new(parsed.unwrap_or(value), node.place));
    }
    if let Some(node) = root.get("x-amazon-apigateway-gateway-responses") {
        let entries = reader.map(node, "the gateway responses").into_iter().flatten();
        api.gateway_responses = entries.map(|(name, node)| (name.clone(), yaml::to_json(node))).collect();
    }
}

fn validators<'d>(reader: &mut Reader<'d, '_>, root: &'d Node) -> Vec<RequestValidator> {
    let Some(node) = root.get("x-amazon-apigateway-request-validators") else { return Vec::new() };
    let mut validators = Vec::new();
    for (name, node) in reader.map(node, "the request validators").into_iter().flatten() {
        if reader.map(node, "a request validator").is_none() {
            continue;
        }
        let mut flag =
            |key: &str| node.get(key).and_then(|node| reader.boolean(node, key)).is_some_and(|flag| flag.value);
        validators.push(RequestValidator {
            name: name.clone(),
            validate_request_body: flag("validateRequestBody"),
            validate_request_parameters: flag("validateRequestParameters"),
        });
    }
    validators
}

fn entry<'d>(root: &'d Node, name: &str) -> Option<&'d (Located<String>, Node)> {
    let NodeValue::Map(entries) = &root.value else { return None };
    entries.iter().find(|(key, _)| key.value == name)
}
