//! What a Lambda function is told of a request: the event of payload format 1.0 (rest/09 section 9.2).

use hashbrown::HashMap;
use serde_json::{Map, Value};

use crate::edge::exchange::{Context, INTAKE_NAMES, Variable};
use crate::wire::uri::{Decoded, pairs};

/// Members of `requestContext` and its `identity` in the order in which AWS writes them.
const REQUEST_CONTEXT: &[(&str, Variable)] = &[
    ("resourceId", Variable::ResourceId),
    ("resourcePath", Variable::ResourcePath),
    ("httpMethod", Variable::HttpMethod),
    ("extendedRequestId", Variable::ExtendedRequestId),
    ("requestTime", Variable::RequestTime),
    ("path", Variable::Path),
    ("accountId", Variable::AccountId),
    ("protocol", Variable::Protocol),
    ("stage", Variable::Stage),
    ("domainPrefix", Variable::DomainPrefix),
];
const IDENTITY: &[(&str, Variable)] = &[
    ("cognitoIdentityPoolId", Variable::Absent),
    ("accountId", Variable::IdentityAccountId),
    ("cognitoIdentityId", Variable::Absent),
    ("caller", Variable::IdentityUser),
    ("sourceIp", Variable::SourceIp),
    ("principalOrgId", Variable::PrincipalOrgId),
    ("accessKey", Variable::IdentityAccessKey),
    ("cognitoAuthenticationType", Variable::Absent),
    ("cognitoAuthenticationProvider", Variable::Absent),
    ("userArn", Variable::IdentityUserArn),
    ("userAgent", Variable::UserAgent),
    ("user", Variable::IdentityUser),
];
/// … of which these are there only where they have a value.
const IDENTITY_IF_ANY: &[(&str, Variable)] = &[
    ("apiKey", Variable::ApiKey),
    ("apiKeyId", Variable::ApiKeyId),
    ("vpcId", Variable::VpcId),
    ("vpceId", Variable::VpceId),
];

/// The event of an authorizer, from `resource` to `requestContext`. Maps without members are `{}`; events of proxy
/// integrations have null there (security/lambda-authorizers section 3).
pub fn of_request(context: &Context<'_>, path: &[u8]) -> Map<String, Value> {
    let request = context.request;
    let mut event = Map::new();
    let resource = context.method.map_or("", |method| &*method.resource_path);
    event.insert("resource".to_owned(), resource.into());
    event.insert("path".to_owned(), text(path));
    event.insert("httpMethod".to_owned(), value_of(Variable::HttpMethod, context));
    let mut headers = Several::default();
    for line in request.visible_lines() {
        headers.add_header(text_of(line.name.of(&request.bytes)), text(line.value.of(&request.bytes)));
    }
    for name in INTAKE_NAMES {
        if let Some(value) = request.intake_value(name.as_bytes()) {
            headers.replace(name, text(&value));
        }
    }
    headers.write(&mut event, "headers", "multiValueHeaders");
    let mut query = Several::default();
    for (name, value) in pairs(request.query().unwrap_or_default()) {
        let decoded = |encoded: &[u8]| text_of(&Decoded::of_query(encoded).collect::<Vec<_>>());
        query.add(decoded(name), decoded(value).into());
    }
    query.write(&mut event, "queryStringParameters", "multiValueQueryStringParameters");
    let names = context.method.iter().flat_map(|method| method.path_parameters.iter().map(|name| &**name).enumerate());
    let value = |(at, name): (usize, &str)| Some((name.to_owned(), text(context.values.get(at)?.of(&request.bytes))));
    event.insert("pathParameters".to_owned(), names.filter_map(value).collect::<Map<_, _>>().into());
    let variables = context.stage.variables.iter();
    let variables = variables.map(|(name, value)| (name.to_string(), Value::from(&**value)));
    event.insert("stageVariables".to_owned(), variables.collect::<Map<_, _>>().into());
    event.insert("requestContext".to_owned(), request_context(context).into());
    event
}

fn request_context(context: &Context<'_>) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, variable) in REQUEST_CONTEXT {
        members.insert((*name).to_owned(), value_of(*variable, context));
    }
    if let Some(name) = context.method.and_then(|method| method.operation_name.as_deref()) {
        members.insert("operationName".to_owned(), name.into());
    }
    members.insert("requestTimeEpoch".to_owned(), context.request.unix_millis.into());
    members.insert("requestId".to_owned(), value_of(Variable::RequestId, context));
    let mut identity = Map::new();
    for (name, variable) in IDENTITY {
        identity.insert((*name).to_owned(), value_of(*variable, context));
    }
    for (name, variable) in IDENTITY_IF_ANY {
        let value = value_of(*variable, context);
        if !value.is_null() {
            identity.insert((*name).to_owned(), value);
        }
    }
    members.insert("identity".to_owned(), identity.into());
    for (name, variable) in
        [("domainName", Variable::DomainName), ("deploymentId", Variable::DeploymentId), ("apiId", Variable::ApiId)]
    {
        members.insert(name.to_owned(), value_of(variable, context));
    }
    if let Some(canary) = context.stage.canary {
        members.insert("isCanaryRequest".to_owned(), canary.into());
    }
    members
}

fn value_of(variable: Variable, context: &Context<'_>) -> Value {
    let mut bytes = Vec::new();
    let found = variable.write(context, &mut |part| bytes.extend_from_slice(part));
    if found { text(&bytes) } else { Value::Null }
}

/// Names that may stand several times: the last value, and all of them.
#[derive(Default)]
struct Several {
    /// How a header's name was written first, by its lower case.
    written: HashMap<String, String>,
    last: Map<String, Value>,
    all: Map<String, Value>,
}

impl Several {
    /// Of a header: names that differ in case are one, as the first is written. An authorizer's answer is remembered by
    /// the last line in any case, and its function must not see another.
    fn add_header(&mut self, name: String, value: Value) {
        let written = self.written.entry(name.to_ascii_lowercase()).or_insert(name).clone();
        self.add(written, value);
    }

    fn add(&mut self, name: String, value: Value) {
        match self.all.get_mut(&name) {
            Some(Value::Array(values)) => values.push(value.clone()),
            _ => drop(self.all.insert(name.clone(), Value::Array(vec![value.clone()]))),
        }
        self.last.insert(name, value);
    }

    /// Whatever the client sent of that name, in any case.
    fn replace(&mut self, name: &str, value: Value) {
        self.last.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.all.retain(|known, _| !known.eq_ignore_ascii_case(name));
        self.add(name.to_owned(), value);
    }

    fn write(self, event: &mut Map<String, Value>, last: &str, all: &str) {
        event.insert(last.to_owned(), self.last.into());
        event.insert(all.to_owned(), self.all.into());
    }
}

/// Bytes of a head; what is not UTF-8 in them is replaced.
fn text(bytes: &[u8]) -> Value {
    text_of(bytes).into()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
