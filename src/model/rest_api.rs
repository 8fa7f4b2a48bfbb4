//! A REST API (API Gateway v1) as its definition says it: resources, methods, integrations.
//!
//! Everything that a definition can say is kept here with its place, also what Weir does not enforce yet:
//! `control/deploy/refuse.rs` decides what may be deployed, so that nothing is silently left open.

use serde_json::Value;

use super::cors::Cors;
use super::problem::{Located, Place};

#[derive(Clone, Debug, Default)]
pub struct RestApi {
    /// Ten characters `[a-z0-9]`, as in `{id}.execute-api.{region}.amazonaws.com`.
    pub id: String,
    /// `info.title`.
    pub name: String,
    pub description: Option<String>,
    /// `info.version`, as text.
    pub version: Option<String>,
    /// `basePath`, or the path of the first server. Kept for export; `weir run` mounts the API itself.
    pub base_path: Option<Located<String>>,
    pub resources: Vec<Resource>,
    pub binary_media_types: Vec<Located<String>>,
    pub minimum_compression_size: Option<Located<u32>>,
    pub disable_execute_api_endpoint: bool,
    /// `x-amazon-apigateway-endpoint-configuration`'s types: EDGE, REGIONAL, PRIVATE.
    pub endpoint_types: Vec<Located<String>>,
    pub vpc_endpoint_ids: Vec<Located<String>>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: Option<Located<String>>,
    /// `x-amazon-apigateway-security-policy`. Weir's listeners have settings of their own.
    pub security_policy: Option<Located<String>>,
    /// `x-amazon-apigateway-endpoint-access-mode`: BASIC or STRICT.
    pub endpoint_access_mode: Option<Located<String>>,
    /// `x-amazon-apigateway-api-key-source`: HEADER or AUTHORIZER.
    pub api_key_source: Option<Located<String>>,
    /// `x-amazon-apigateway-policy`.
    pub policy: Option<Located<Value>>,
    /// `x-amazon-apigateway-request-validators`, by name.
    pub request_validators: Vec<RequestValidator>,
    /// The validator of every method that names none.
    pub request_validator: Option<Located<String>>,
    /// `x-amazon-apigateway-gateway-responses`, by response type.
    pub gateway_responses: Vec<(Located<String>, Value)>,
    /// `x-weir-cors`.
    pub cors: Option<Located<Cors>>,
    /// Schemes of `components.securitySchemes` or `securityDefinitions`.
    pub security_schemes: Vec<SecurityScheme>,
    /// `components.schemas` or `definitions`.
    pub models: Vec<Model>,
    /// `x-amazon-apigateway-documentation`'s parts.
    pub documentation_parts: Vec<DocumentationPart>,
    /// Tags of the API: those of the document with `x-amazon-apigateway-tag-value`.
    pub tags: Vec<(String, String)>,
    /// The `info` object, or the document itself where there is none.
    pub place: Place,
}

impl RestApi {
    /// Leaves out everything that decides who may call it: a test of a method asks no authorizer.
    pub fn open_to_everybody(&mut self) {
        self.policy = None;
        self.endpoint_types.clear();
        for method in self.resources.iter_mut().flat_map(|resource| &mut resource.methods) {
            method.security.clear();
            method.auth = None;
        }
    }
}

#[derive(Clone, Debug)]
pub struct RequestValidator {
    pub name: Located<String>,
    pub validate_request_body: bool,
    pub validate_request_parameters: bool,
}

/// What one security scheme asks of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityKind {
    /// `{type: apiKey, name: x-api-key, in: header}`: the method needs an API key.
    ApiKey,
    /// `x-amazon-apigateway-authtype: awsSigv4`.
    AwsIam,
    /// `x-amazon-apigateway-authorizer`, with its type (`token`, `request`, `cognito_user_pools`, `jwt`).
    Authorizer(String),
    /// Anything else: informational on AWS.
    Other,
}

#[derive(Clone, Debug)]
pub struct SecurityScheme {
    pub name: Located<String>,
    pub kind: SecurityKind,
    /// What an authorizer is made of, where `kind` is one.
    pub authorizer: Option<Authorizer>,
}

/// `x-amazon-apigateway-authorizer` with what its scheme says around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorizer {
    /// `x-amazon-apigateway-authtype`: `custom`, `oauth2`, `cognito_user_pools`. Informational.
    pub auth_type: Option<String>,
    pub uri: Option<String>,
    pub credentials: Option<String>,
    pub identity_source: Option<String>,
    pub identity_validation_expression: Option<String>,
    pub result_ttl_in_seconds: Option<u32>,
    pub provider_arns: Vec<String>,
}

/// A schema with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub name: Located<String>,
    pub description: Option<String>,
    pub content_type: String,
    pub schema: ModelSchema,
}

/// A document's schema is a value; one that was sent to the management API is a text, and stays it byte for byte.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelSchema {
    Value(Value),
    Text(String),
}

/// Prose about one part of the API.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentationPart {
    /// `type`, `path`, `method`, `statusCode`, `name`, as far as they are said.
    pub location: Vec<(String, String)>,
    /// A JSON text.
    pub properties: String,
}

/// One path of the resource tree, whole: `/pets/{petId}`.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The control plane's; empty where the definition is a file, whose resources are named after their paths.
    pub id: String,
    pub path: Located<String>,
    pub methods: Vec<Method>,
}

/// The verbs that a method can have; `Any` stands for those that its resource does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HttpMethod {
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    Any,
}

impl HttpMethod {
    pub const ALL: [Self; 8] =
        [Self::Delete, Self::Get, Self::Head, Self::Options, Self::Patch, Self::Post, Self::Put, Self::Any];

    /// AWS's spelling: upper case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Any => "ANY",
        }
    }

    /// From any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text))
    }
}

#[derive(Clone, Debug)]
pub struct Method {
    pub http_method: HttpMethod,
    pub operation_name: Option<String>,
    /// `method.request.{header|querystring|path}.NAME` to whether it is required.
    pub request_parameters: Vec<(Located<String>, bool)>,
    /// Names of the schemes in force for this method (its own `security`, else the document's).
    pub security: Vec<Located<String>>,
    /// `x-amazon-apigateway-auth`'s type: NONE or AWS_IAM.
    pub auth: Option<Located<String>>,
    /// `x-amazon-apigateway-request-validator` of the operation; an empty name means none.
    pub request_validator: Option<Located<String>>,
    /// The scopes that an authorizer of Cognito asks for.
    pub authorization_scopes: Vec<String>,
    /// A body with a schema: content type to the schema's name or text. Only validators look at it.
    pub request_models: Vec<(String, String)>,
    pub method_responses: Vec<MethodResponse>,
    pub integration: Option<Integration>,
    pub place: Place,
}

/// What a method declares of one status. Documentation on AWS, but for the headers that an integration response may map.
#[derive(Clone, Debug)]
pub struct MethodResponse {
    pub status_code: Located<String>,
    /// `method.response.header.NAME`
    pub response_parameters: Vec<(String, bool)>,
    /// Content type to the schema's name or text.
    pub response_models: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegrationType {
    Aws,
    AwsProxy,
    Http,
    HttpProxy,
    Mock,
}

impl IntegrationType {
    pub const ALL: [Self; 5] = [Self::Aws, Self::AwsProxy, Self::Http, Self::HttpProxy, Self::Mock];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::AwsProxy => "AWS_PROXY",
            Self::Http => "HTTP",
            Self::HttpProxy => "HTTP_PROXY",
            Self::Mock => "MOCK",
        }
    }

    /// From any case, as AWS takes it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PassthroughBehavior {
    #[default]
    WhenNoMatch,
    WhenNoTemplates,
    Never,
}

#[derive(Clone, Debug)]
pub struct Integration {
    pub kind: Located<IntegrationType>,
    /// The verb toward the backend; absent or `ANY`: the client's.
    pub http_method: Option<Located<HttpMethod>>,
    pub uri: Option<Located<String>>,
    pub credentials: Option<Located<String>>,
    /// INTERNET or VPC_LINK.
    pub connection_type: Option<Located<String>>,
    pub connection_id: Option<Located<String>>,
    /// `integration.request.{header|querystring|path}.NAME` to its source expression.
    pub request_parameters: Vec<(Located<String>, Located<String>)>,
    /// Content type to template.
    pub request_templates: Vec<(Located<String>, Located<String>)>,
    pub passthrough_behavior: PassthroughBehavior,
    pub content_handling: Option<Located<String>>,
    pub timeout_in_millis: Option<Located<u32>>,
    pub cache_namespace: Option<Located<String>>,
    pub cache_key_parameters: Vec<Located<String>>,
    pub insecure_skip_verification: Option<Located<bool>>,
    /// BUFFERED or STREAM.
    pub response_transfer_mode: Option<Located<String>>,
    /// The load balancer behind a VPC link of the second version.
    pub integration_target: Option<Located<String>>,
    pub responses: Vec<IntegrationResponse>,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub struct IntegrationResponse {
    /// `default` is `None`.
    pub selection_pattern: Option<Located<String>>,
    pub status_code: Located<u16>,
    /// `method.response.header.NAME` to its source expression.
    pub response_parameters: Vec<(Located<String>, Located<String>)>,
    /// Content type to template.
    pub response_templates: Vec<(Located<String>, Located<String>)>,
    pub content_handling: Option<Located<String>>,
    pub place: Place,
}
