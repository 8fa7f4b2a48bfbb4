//! What a Lambda function is told of a request: the event of payload format 1.0 (rest/09 section 9.2), written straight
//! into the bytes that are sent.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde::Serialize;

use crate::edge::exchange::{Context, INTAKE_NAMES, Variable};
use crate::wire::headers::Known;
use crate::wire::uri::{Decoded, pairs};

/// Who is told.
#[derive(Clone, Copy)]
pub enum Told<'b> {
    /// An authorizer's function: nothing of the body, all headers, and maps without members are `{}`
    /// (security/lambda-authorizers section 3).
    Authorizer,
    /// An integration's: such maps are null.
    Integration(Payload<'b>),
}

/// The client's body as a function gets it.
#[derive(Clone, Copy)]
pub enum Payload<'b> {
    Text(&'b str),
    /// In base64.
    Bytes(&'b [u8]),
}

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
/// The same with an API key (rest/09 section 9.6).
const IDENTITY_WITH_KEY: &[(&str, Variable)] = &[
    ("cognitoIdentityPoolId", Variable::Absent),
    ("cognitoIdentityId", Variable::Absent),
    ("apiKey", Variable::ApiKey),
    ("principalOrgId", Variable::PrincipalOrgId),
    ("cognitoAuthenticationType", Variable::Absent),
    ("userArn", Variable::IdentityUserArn),
    ("apiKeyId", Variable::ApiKeyId),
    ("userAgent", Variable::UserAgent),
    ("accountId", Variable::IdentityAccountId),
    ("caller", Variable::IdentityUser),
    ("sourceIp", Variable::SourceIp),
    ("accessKey", Variable::IdentityAccessKey),
    ("cognitoAuthenticationProvider", Variable::Absent),
    ("user", Variable::IdentityUser),
];
/// … of which these are there only where they have a value.
const IDENTITY_IF_ANY: &[(&str, Variable)] =
    &[("apiKey", Variable::ApiKey), ("vpcId", Variable::VpcId), ("vpceId", Variable::VpceId)];

/// Writes the members of the event, from `resource` on, without the braces around them: an authorizer's has others
/// before.
pub fn write(context: &Context<'_>, told: Told<'_>, out: &mut Vec<u8>) {
    let request = context.request;
    let empty: &[u8] = if matches!(told, Told::Authorizer) { b"{}" } else { b"null" };
    let mut object = Object::begun(out);
    object.text("resource", context.method.map_or("", |method| &*method.resource_path));
    object.bytes("path", context.own_path());
    object.variable("httpMethod", Variable::HttpMethod, context);
    let mut headers = Several::of(request.head.lines.len() + INTAKE_NAMES.len());
    for line in request.visible_lines() {
        let value = line.value.of(&request.bytes);
        let name = match line.known {
            known if is_intake(known) => continue,
            // rest/05 section 5.1: a signature was for us.
            Known::Authorization if !matches!(told, Told::Authorizer) && value.starts_with(b"AWS4-") => continue,
            // AWS writes these three in its own way, however they were sent (recorded).
            Known::Authorization => "Authorization".into(),
            Known::Host => "Host".into(),
            Known::UserAgent => "User-Agent".into(),
            _ => String::from_utf8_lossy(line.name.of(&request.bytes)),
        };
        headers.add(name, String::from_utf8_lossy(value), Case::Ignored);
    }
    for name in INTAKE_NAMES {
        if let Some(value) = request.intake_value(name.as_bytes()) {
            headers.add(name.into(), owned_text(value), Case::Ignored);
        }
    }
    object.several(["headers", "multiValueHeaders"], &headers, empty);
    let mut query = Several::of(0);
    for (name, value) in pairs(request.query().unwrap_or_default()) {
        query.add(decoded(name), decoded(value), Case::Minded);
    }
    object.several(["queryStringParameters", "multiValueQueryStringParameters"], &query, empty);
    let names = context.method.iter().flat_map(|method| method.path_parameters.iter().enumerate());
    let values = names.filter_map(|(at, name)| Some((&**name, context.values.get(at)?.of(&request.bytes))));
    object.map("pathParameters", values, empty);
    let variables = context.stage.variables.iter().map(|(name, value)| (&**name, value.as_bytes()));
    object.map("stageVariables", variables, empty);
    object.request_context(context, told);
    if let Told::Integration(payload) = told {
        match payload {
            Payload::Text("") | Payload::Bytes([]) => object.json("body", &()),
            Payload::Text(text) => object.text("body", text),
            Payload::Bytes(bytes) => {
                object.name("body");
                object.out.push(b'"');
                base64(bytes, object.out);
                object.out.push(b'"');
            }
        }
        object.json("isBase64Encoded", &matches!(payload, Payload::Bytes([_, ..])));
    }
}

/// What the client sent of these the gateway completes and says itself.
fn is_intake(known: Known) -> bool {
    matches!(known, Known::AmznTraceId | Known::XForwardedFor | Known::XForwardedPort | Known::XForwardedProto)
}

fn decoded(encoded: &[u8]) -> Cow<'_, str> {
    if encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        owned_text(Decoded::of_query(encoded).collect())
    } else {
        String::from_utf8_lossy(encoded)
    }
}

/// Bytes of a head; what is not UTF-8 in them is replaced.
fn owned_text(bytes: Vec<u8>) -> Cow<'static, str> {
    match String::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned().into(),
    }
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The room is what base64 with padding takes.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or_default();
    out.truncate(start + written);
}

/// An object that is being written: each member behind a comma, but for the first.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Object<'o> {
    fn begun(out: &'o mut Vec<u8>) -> Self {
        Self { out, is_first: true }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        push_json(self.out, name);
        self.out.push(b':');
    }

    fn json<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        push_json(self.out, value);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.json(name, text);
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.json(name, &*String::from_utf8_lossy(bytes));
    }

    /// Null where it has no value.
    fn variable(&mut self, name: &str, variable: Variable, context: &Context<'_>) {
        self.name(name);
        if !push_variable(self.out, variable, context) {
            self.out.extend_from_slice(b"null");
        }
    }

    fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        self.out.push(b'{');
        members(&mut Object::begun(self.out));
        self.out.push(b'}');
    }

    fn map<'m>(&mut self, name: &str, members: impl Iterator<Item = (&'m str, &'m [u8])>, empty: &[u8]) {
        let mut members = members.peekable();
        if members.peek().is_none() {
            self.name(name);
            return self.out.extend_from_slice(empty);
        }
        self.object(name, |object| members.for_each(|(name, value)| object.bytes(name, value)));
    }

    /// The last value of each name, and all of them.
    fn several(&mut self, [last, all]: [&str; 2], values: &Several<'_>, empty: &[u8]) {
        if values.entries.is_empty() {
            for name in [last, all] {
                self.name(name);
                self.out.extend_from_slice(empty);
            }
            return;
        }
        self.object(last, |object| {
            for group in &values.groups {
                object.text(&values.entries[group.first].name, &values.entries[group.last].value);
            }
        });
        self.object(all, |object| {
            for group in &values.groups {
                object.name(&values.entries[group.first].name);
                object.out.push(b'[');
                let mut at = Some(group.first);
                while let Some(entry) = at.map(|at| &values.entries[at]) {
                    push_json(object.out, &*entry.value);
                    at = entry.next;
                    if at.is_some() {
                        object.out.push(b',');
                    }
                }
                object.out.push(b']');
            }
        });
    }

    fn request_context(&mut self, context: &Context<'_>, told: Told<'_>) {
        self.object("requestContext", |object| {
            for (name, variable) in REQUEST_CONTEXT {
                object.variable(name, *variable, context);
            }
            if let Some(name) = context.method.and_then(|method| method.operation_name.as_deref()) {
                object.text("operationName", name);
            }
            object.json("requestTimeEpoch", &context.request.unix_millis);
            object.variable("requestId", Variable::RequestId, context);
            object.object("identity", |identity| {
                let members = if context.api_key_id.is_some() { IDENTITY_WITH_KEY } else { IDENTITY };
                for (name, variable) in members {
                    identity.variable(name, *variable, context);
                }
                let is_there = |name: &str| members.iter().any(|(own, _)| *own == name);
                for (name, variable) in IDENTITY_IF_ANY.iter().filter(|(name, _)| !is_there(name)) {
                    let (before, is_first) = (identity.out.len(), identity.is_first);
                    identity.name(name);
                    if !push_variable(identity.out, *variable, context) {
                        identity.out.truncate(before);
                        identity.is_first = is_first;
                    }
                }
            });
            for (name, variable) in [
                ("domainName", Variable::DomainName),
                ("deploymentId", Variable::DeploymentId),
                ("apiId", Variable::ApiId),
            ] {
                object.variable(name, variable, context);
            }
            if let Some(canary) = context.stage.canary {
                object.json("isCanaryRequest", &canary);
            }
            if let (Told::Integration(_), Some(authorizer)) = (told, context.authorizer) {
                object.json("authorizer", authorizer);
            }
        });
    }
}

/// Writes a text; false, and nothing, where there is none.
fn push_variable(out: &mut Vec<u8>, variable: Variable, context: &Context<'_>) -> bool {
    let start = out.len();
    let found = variable.write(context, &mut |part| out.extend_from_slice(part));
    // Most are ours, and hold nothing that JSON would escape.
    if found && (variable.is_of_client() || needs_escape(&out[start..])) {
        let text = String::from_utf8_lossy(&out[start..]).into_owned();
        out.truncate(start);
        push_json(out, &*text);
    } else if found {
        out.insert(start, b'"');
        out.push(b'"');
    } else {
        out.truncate(start);
    }
    found
}

fn needs_escape(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))
}

fn push_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Into memory, of what has no keys but texts: nothing can fail.
    let _ = serde_json::to_writer(out, value);
}

/// Names that may stand several times, in the order in which they first stand.
struct Several<'e> {
    entries: Vec<Entry<'e>>,
    groups: Vec<Group>,
    /// Groups by their names, once there are so many that looking at each takes longer.
    by_name: HashMap<String, usize, RandomState>,
}

struct Entry<'e> {
    name: Cow<'e, str>,
    value: Cow<'e, str>,
    /// The next one of the same name.
    next: Option<usize>,
}

struct Group {
    first: usize,
    last: usize,
}

/// Whether names that differ in case are two. An authorizer's answer is remembered by the last line of a header in any
/// case, and its function must not see another: they are one, as the first is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Minded,
    Ignored,
}

/// Groups that are looked through one by one.
const GROUPS_LOOKED_THROUGH: usize = 24;

impl<'e> Several<'e> {
    fn of(room: usize) -> Self {
        Self { entries: Vec::with_capacity(room), groups: Vec::with_capacity(room), by_name: HashMap::default() }
    }

    fn add(&mut self, name: Cow<'e, str>, value: Cow<'e, str>, case: Case) {
        let at = self.entries.len();
        match self.group(&name, case) {
            Some(group) => {
                let last = std::mem::replace(&mut self.groups[group].last, at);
                self.entries[last].next = Some(at);
            }
            None => {
                self.groups.push(Group { first: at, last: at });
                if self.groups.len() > GROUPS_LOOKED_THROUGH {
                    self.by_name.insert(key(&name, case), self.groups.len() - 1);
                }
            }
        }
        self.entries.push(Entry { name, value, next: None });
    }

    fn group(&self, name: &str, case: Case) -> Option<usize> {
        let is_it = |group: &Group| {
            let own = &self.entries[group.first].name;
            if case == Case::Ignored { own.eq_ignore_ascii_case(name) } else { own == name }
        };
        let near = self.groups.iter().take(GROUPS_LOOKED_THROUGH).position(is_it);
        near.or_else(|| (!self.by_name.is_empty()).then(|| self.by_name.get(&key(name, case)).copied()).flatten())
    }
}

fn key(name: &str, case: Case) -> String {
    if case == Case::Ignored { name.to_ascii_lowercase() } else { name.to_owned() }
}
