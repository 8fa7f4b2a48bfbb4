//! One request and its answer: what the stages share, and the `$context` that it gathers.

use std::net::SocketAddr;

use crate::net::buffer::Buffer;
use crate::time::{Instant, Stamp};
use crate::wire::h1::request::RequestHead;
use crate::wire::headers::{Known, Line, Span};

/// A request whose head has arrived. It stays in its connection and is filled anew for the next one.
#[derive(Default)]
pub struct Request {
    pub head: RequestHead,
    /// The head, and what has arrived behind it.
    pub bytes: Buffer,
    /// The path as the client sent it, with its stage or base path.
    pub path: Span,
    /// Without `?`.
    pub query: Option<Span>,
    /// Host line, or the authority of an absolute target. Empty in an HTTP/1.0 request without either.
    pub host: Span,
    pub verb: Verb,
    pub ids: Ids,
    pub received: Instant,
    pub unix_millis: u64,
    /// Dates of that second, for headers and logs.
    pub stamp: Option<Stamp>,
    pub peer: Peer,
}

/// Headers that the gateway adds or completes at intake, by the names under which mappings ask for them (rest/05 section
/// 5.2).
pub const INTAKE_NAMES: [&str; 4] = ["X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"];

impl Request {
    /// Forgets what was read of it, all but its ids and its time: what could not be taken must not steer an answer.
    pub fn forget(&mut self) {
        self.head = RequestHead::default();
        (self.path, self.query, self.host, self.verb) = (Span::default(), None, Span::default(), Verb::Other);
    }

    /// Values of all lines of one known header.
    pub fn values(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        self.head.lines.iter().filter(move |line| line.known == known).map(|line| line.value.of(&self.bytes))
    }

    /// The last line of a known header, which is the one that single-value views show (rest/04 section 4.4).
    pub fn value(&self, known: Known) -> Option<&[u8]> {
        self.head.lines.iter().rfind(|line| line.known == known).map(|line| line.value.of(&self.bytes))
    }

    /// Lines of the header with exactly this name: mapping names are case-sensitive (rest/04 section 4.4).
    pub fn lines_named(&self, name: &[u8]) -> impl DoubleEndedIterator<Item = &Line> {
        self.visible_lines().filter(move |line| line.name.of(&self.bytes) == name)
    }

    /// The lines that mappings, templates and validators see: without those that AWS removes at intake (rest/05
    /// section 5.1).
    pub fn visible_lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.head.lines.iter().filter(|line| is_visible(line.known))
    }

    /// Value of one of [`INTAKE_NAMES`], as mappings and templates see it: a client's own list of addresses has its peer's behind it.
    pub fn intake_value(&self, name: &[u8]) -> Option<Vec<u8>> {
        match name {
            b"X-Amzn-Trace-Id" => Some([b"Root=", trace_root(self)].concat()),
            b"X-Forwarded-For" => {
                let own = self.values(Known::XForwardedFor).filter(|value| !value.is_empty());
                Some(own.chain([self.peer.address()]).collect::<Vec<_>>().join(&b", "[..]))
            }
            b"X-Forwarded-Port" => Some(self.peer.local_port.to_string().into_bytes()),
            b"X-Forwarded-Proto" => Some(b"http".to_vec()),
            _ => None,
        }
    }

    pub fn path(&self) -> &[u8] {
        self.path.of(&self.bytes)
    }

    pub fn query(&self) -> Option<&[u8]> {
        self.query.map(|query| query.of(&self.bytes))
    }

    pub fn host(&self) -> &[u8] {
        self.host.of(&self.bytes)
    }

    /// The verb as the client wrote it.
    pub fn method_text(&self) -> &[u8] {
        self.head.method.of(&self.bytes)
    }
}

/// Whether AWS shows a client's header to anybody behind the front door (rest/05 section 5.1).
fn is_visible(known: Known) -> bool {
    !matches!(
        known,
        Known::Connection
            | Known::ContentLength
            | Known::ContentMd5
            | Known::Expect
            | Known::MaxForwards
            | Known::ProxyAuthenticate
            | Known::Server
            | Known::Te
            | Known::Trailer
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::WwwAuthenticate
    )
}

/// The verbs that a method can have. Anything else meets no method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Verb {
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    #[default]
    Other,
}

impl Verb {
    pub const KNOWN: [Self; 7] =
        [Self::Delete, Self::Get, Self::Head, Self::Options, Self::Patch, Self::Post, Self::Put];

    /// RFC 9110 9.1: verbs are case-sensitive.
    pub fn of(text: &[u8]) -> Self {
        match text {
            b"DELETE" => Self::Delete,
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            b"PATCH" => Self::Patch,
            b"POST" => Self::Post,
            b"PUT" => Self::Put,
            _ => Self::Other,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Other => "",
        }
    }

    /// Whether a request with this verb announces an empty body with `Content-Length: 0` (rest/05 section 5.3).
    pub fn announces_empty_body(self) -> bool {
        matches!(self, Self::Patch | Self::Post | Self::Put)
    }

    /// AWS sends no body and no Content-Type of its own with these (rest/04 section 4.7).
    pub fn is_bodiless_on_aws(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    /// RFC 9110 9.2.2: repeating it does what doing it once does.
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Patch | Self::Post | Self::Other)
    }
}

/// Who is at the other end of the client's connection, written once a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    address: [u8; 45],
    length: u8,
    /// The port of ours that the client reached.
    pub local_port: u16,
}

impl Default for Peer {
    fn default() -> Self {
        Self { address: [0; 45], length: 0, local_port: 0 }
    }
}

impl Peer {
    pub fn new(peer: SocketAddr, local_port: u16) -> Self {
        let text = peer.ip().to_canonical().to_string();
        let mut address = [0; 45];
        let length = text.len().min(address.len());
        address[..length].copy_from_slice(&text.as_bytes()[..length]);
        Self { address, length: length as u8, local_port }
    }

    /// `$context.identity.sourceIp`.
    pub fn address(&self) -> &[u8] {
        &self.address[..usize::from(self.length)]
    }
}

/// What a request is called: by AWS's three kinds of id.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// A UUID; the client's own where it sent one (rest/05 section 5.9).
    pub request: [u8; 36],
    /// Fifteen base64 digits and `=`; always ours.
    pub extended: [u8; 16],
    /// `1-{8 hex}-{24 hex}`, of a trace that we began. A client's own stands in its header.
    pub trace_root: [u8; 35],
}

impl Default for Ids {
    fn default() -> Self {
        Self { request: [b'0'; 36], extended: [b'0'; 16], trace_root: [b'0'; 35] }
    }
}

/// One core's random numbers for ids: unique and unguessable enough to tell requests apart, never a secret.
pub struct IdSource {
    state: u64,
    step: u64,
}

impl IdSource {
    /// Seeded from the system, so that no two cores or processes make the same ids.
    pub fn new(seed: [u8; 16]) -> Self {
        let half = |at: usize| seed.iter().skip(at).take(8).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
        Self { state: half(0), step: half(8) | 1 }
    }

    /// SplitMix64 with a secret odd step (Steele, Lea, Flood 2014): every state is met before one comes again.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(self.step);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One number, for what is left to chance.
    pub fn draw(&mut self) -> u64 {
        self.next()
    }

    /// Ids of one request. `client` is what it sent as `x-amzn-RequestId`.
    pub fn ids(&mut self, client: Option<&[u8]>, hex_second: &[u8; 8]) -> Ids {
        let mut ids = Ids::default();
        match client.and_then(uuid) {
            Some(own) => ids.request = own,
            None => write_uuid(self.next(), self.next(), &mut ids.request),
        }
        let (first, second) = (self.next(), self.next());
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        for (at, place) in ids.extended[..15].iter_mut().enumerate() {
            let bits = if at < 10 { first >> (6 * at) } else { second >> (6 * (at - 10)) };
            *place = DIGITS[(bits & 63) as usize];
        }
        ids.extended[15] = b'=';
        ids.trace_root[..2].copy_from_slice(b"1-");
        ids.trace_root[2..10].copy_from_slice(hex_second);
        ids.trace_root[10] = b'-';
        write_hex(self.next(), &mut ids.trace_root[11..27]);
        write_hex(second, &mut ids.trace_root[27..35]);
        ids
    }
}

fn uuid(text: &[u8]) -> Option<[u8; 36]> {
    let uuid: [u8; 36] = text.try_into().ok()?;
    let sound = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    sound.then_some(uuid)
}

/// RFC 9562 section 5.4: version 4, variant 10.
fn write_uuid(high: u64, low: u64, into: &mut [u8; 36]) {
    let high = high & 0xffff_ffff_ffff_0fff | 0x4000;
    let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
    write_hex(high >> 32, &mut into[..8]);
    into[8] = b'-';
    write_hex(high >> 16, &mut into[9..13]);
    into[13] = b'-';
    write_hex(high, &mut into[14..18]);
    into[18] = b'-';
    write_hex(low >> 48, &mut into[19..23]);
    into[23] = b'-';
    write_hex(low, &mut into[24..36]);
}

/// The lowest digits of a number that fit.
fn write_hex(number: u64, into: &mut [u8]) {
    let digits = into.len();
    for (at, place) in into.iter_mut().enumerate() {
        *place = b"0123456789abcdef"[(number >> (4 * (digits - 1 - at)) & 15) as usize];
    }
}

/// What a stage of an API says of itself in `$context`.
#[derive(Clone, Debug, Default)]
pub struct StageFacts {
    pub account_id: Box<str>,
    pub api_id: Box<str>,
    pub stage: Box<str>,
    pub deployment_id: Box<str>,
    /// `{id}.execute-api.{region}.amazonaws.com`: what is told of a request that came by a path form.
    pub default_domain: Box<str>,
    /// Whether this is the canary's deployment; `None` where the stage has no canary.
    pub canary: Option<bool>,
    /// Stage variables, a canary's overrides laid over them.
    pub variables: Box<[(Box<str>, Box<str>)]>,
}

/// By what a custom domain sent a request where it is.
#[derive(Clone, Debug, Default)]
pub struct DomainFacts {
    pub base_path: Option<Box<str>>,
    pub routing_rule_id: Option<Box<str>>,
}

/// What a matched method says of itself in `$context`.
#[derive(Clone, Debug, Default)]
pub struct MethodFacts {
    pub resource_id: Box<str>,
    /// The template: `/pets/{petId}`.
    pub resource_path: Box<str>,
    /// Names of its parameters, in its order.
    pub path_parameters: Box<[Box<str>]>,
}

/// Values of a matched path's parameters, in the order of the template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathValues {
    spans: [Span; Self::MAX],
    length: u8,
}

impl PathValues {
    /// Parameters that one path may have; definitions with more are refused when they are compiled.
    pub const MAX: usize = 12;

    pub fn push(&mut self, value: Span) {
        if let Some(place) = self.spans.get_mut(usize::from(self.length)) {
            *place = value;
            self.length += 1;
        }
    }

    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length as u8);
    }

    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn get(&self, index: usize) -> Option<Span> {
        self.spans[..self.len()].get(index).copied()
    }
}

/// What the stages behind the routing look values up in.
#[derive(Clone, Copy)]
pub struct Context<'x> {
    pub request: &'x Request,
    pub stage: &'x StageFacts,
    /// Where a method was met.
    pub method: Option<&'x MethodFacts>,
    /// Known to the access log alone, as on AWS.
    pub domain: Option<&'x DomainFacts>,
    pub values: &'x PathValues,
    /// Of the key that the request counts for.
    pub api_key_id: Option<&'x str>,
    /// What an authorizer said of the caller.
    pub authorizer: Option<&'x serde_json::Map<String, serde_json::Value>>,
    /// The body that goes on is not encoded any more, whatever the client's Content-Encoding says.
    pub decoded: bool,
}

impl<'x> Context<'x> {
    /// Of a request that has met a stage, as far as every stage of the edge knows it.
    pub fn new(
        request: &'x Request,
        stage: &'x StageFacts,
        method: Option<&'x MethodFacts>,
        values: &'x PathValues,
    ) -> Self {
        Self { request, stage, method, domain: None, values, api_key_id: None, authorizer: None, decoded: false }
    }

    /// Of a request by one of the forms for tests without DNS: `/{stage}` and the API's own path, as the default endpoint
    /// would have them (control-plane/data-plane-addressing, section 2).
    fn by_path_form(&self) -> Option<(&'x [u8], &'x [u8])> {
        let path = self.request.path();
        let (old, behind) = match path.strip_prefix(b"/_aws/execute-api/") {
            Some(behind) => (false, behind),
            None => (true, path.strip_prefix(b"/restapis/")?),
        };
        let behind = behind.strip_prefix(self.stage.api_id.as_bytes())?;
        let rest = behind.strip_prefix(b"/")?.strip_prefix(self.stage.stage.as_bytes())?;
        let stage = &behind[..behind.len() - rest.len()];
        let rest = if old { rest.strip_prefix(b"/_user_request_")? } else { rest };
        (rest.is_empty() || rest.starts_with(b"/")).then_some((stage, rest))
    }
}

/// The variables of `$context` that exist before an integration is called (rest/08 section 8.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    AccountId,
    ApiId,
    ApiKey,
    ApiKeyId,
    BasePathMatched,
    DeploymentId,
    DomainName,
    DomainPrefix,
    ExtendedRequestId,
    HttpMethod,
    IsCanaryRequest,
    Path,
    Protocol,
    RequestId,
    RequestTime,
    RequestTimeEpoch,
    ResourceId,
    ResourcePath,
    RoutingRuleIdMatched,
    SourceIp,
    Stage,
    UserAgent,
    XrayTraceId,
    /// Exists on AWS and has no value here: no identity, no certificate, no web ACL.
    Absent,
}

const VARIABLES: &[(&str, Variable)] = &[
    ("accountId", Variable::AccountId),
    ("apiId", Variable::ApiId),
    ("customDomain.basePathMatched", Variable::BasePathMatched),
    ("customDomain.routingRuleIdMatched", Variable::RoutingRuleIdMatched),
    ("deploymentId", Variable::DeploymentId),
    ("domainName", Variable::DomainName),
    ("domainPrefix", Variable::DomainPrefix),
    ("extendedRequestId", Variable::ExtendedRequestId),
    ("httpMethod", Variable::HttpMethod),
    ("identity.apiKey", Variable::ApiKey),
    ("identity.apiKeyId", Variable::ApiKeyId),
    ("identity.sourceIp", Variable::SourceIp),
    ("identity.userAgent", Variable::UserAgent),
    ("isCanaryRequest", Variable::IsCanaryRequest),
    ("path", Variable::Path),
    ("protocol", Variable::Protocol),
    ("requestId", Variable::RequestId),
    ("requestTime", Variable::RequestTime),
    ("requestTimeEpoch", Variable::RequestTimeEpoch),
    ("resourceId", Variable::ResourceId),
    ("resourcePath", Variable::ResourcePath),
    ("stage", Variable::Stage),
    ("xrayTraceId", Variable::XrayTraceId),
];

/// Groups of `$context` that have no values yet, or only for callers that Weir does not know yet.
const ABSENT_GROUPS: &[&str] = &["authenticate.", "authorize.", "authorizer.", "customDomain.", "identity.", "waf."];
const ABSENT: &[&str] =
    &["awsEndpointRequestId", "cipherSuite", "endpointType", "tlsVersion", "wafResponseCode", "webaclArn"];

impl Variable {
    /// By its name behind `$context.`; `None` where AWS has none of that name.
    pub fn named(name: &str) -> Option<Self> {
        let row = VARIABLES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable);
        let absent = || {
            let grouped = ABSENT_GROUPS.iter().any(|group| name.starts_with(group));
            (grouped || ABSENT.contains(&name)).then_some(Self::Absent)
        };
        row.or_else(absent)
    }

    /// All names, for "did you mean".
    pub fn names() -> impl Iterator<Item = &'static str> {
        VARIABLES.iter().map(|(name, _)| *name)
    }

    /// Whether the client chose its bytes: everything else is ours, and holds nothing that a log would have to escape.
    pub fn is_of_client(self) -> bool {
        matches!(
            self,
            Self::ApiKey | Self::DomainName | Self::DomainPrefix | Self::HttpMethod | Self::Path | Self::UserAgent
        )
    }

    /// Writes the value; false where there is none.
    #[inline]
    pub fn write(self, context: &Context<'_>, push: &mut impl FnMut(&[u8])) -> bool {
        let request = context.request;
        match self {
            Self::AccountId => push(context.stage.account_id.as_bytes()),
            Self::ApiId => push(context.stage.api_id.as_bytes()),
            // Told as it was sent, also to a method that needs none (security/api-keys-usage-plans section 2).
            Self::ApiKey => match request.value(Known::XApiKey) {
                Some(value) => push(value),
                None => return false,
            },
            Self::ApiKeyId => match context.api_key_id {
                Some(id) => push(id.as_bytes()),
                None => return false,
            },
            Self::BasePathMatched => match context.domain.and_then(|domain| domain.base_path.as_deref()) {
                Some(base_path) => push(base_path.as_bytes()),
                None => return false,
            },
            Self::DeploymentId => push(context.stage.deployment_id.as_bytes()),
            Self::DomainName | Self::DomainPrefix if request.host().is_empty() => return false,
            Self::DomainName | Self::DomainPrefix => {
                let name = match context.by_path_form() {
                    Some(_) => context.stage.default_domain.as_bytes(),
                    None => domain(request.host()),
                };
                let prefix = || name.split(|&byte| byte == b'.').next().unwrap_or_default();
                push(if self == Self::DomainName { name } else { prefix() });
            }
            Self::ExtendedRequestId => push(&request.ids.extended),
            Self::HttpMethod if request.method_text().is_empty() => return false,
            Self::HttpMethod => push(request.method_text()),
            Self::IsCanaryRequest => match context.stage.canary {
                Some(canary) => push(if canary { b"true" } else { b"false" }),
                None => return false,
            },
            Self::Path if request.path().is_empty() => return false,
            Self::Path => match context.by_path_form() {
                Some((stage, rest)) => {
                    push(stage);
                    push(rest);
                }
                None => push(request.path()),
            },
            // rest/01 section 1.1: AWS says HTTP/1.1 whatever the client spoke.
            Self::Protocol => push(b"HTTP/1.1"),
            Self::RequestId => push(&request.ids.request),
            Self::RequestTime => match &request.stamp {
                Some(stamp) => push(&stamp.request_time),
                None => return false,
            },
            Self::RequestTimeEpoch => push(request.unix_millis.to_string().as_bytes()),
            Self::ResourceId => match context.method {
                Some(method) => push(method.resource_id.as_bytes()),
                None => return false,
            },
            Self::ResourcePath => match context.method {
                Some(method) => push(method.resource_path.as_bytes()),
                None => return false,
            },
            Self::RoutingRuleIdMatched => match context.domain.and_then(|domain| domain.routing_rule_id.as_deref()) {
                Some(id) => push(id.as_bytes()),
                None => return false,
            },
            Self::SourceIp => push(request.peer.address()),
            Self::Stage => push(context.stage.stage.as_bytes()),
            Self::UserAgent => match request.value(Known::UserAgent) {
                Some(value) => push(value),
                None => return false,
            },
            Self::XrayTraceId => push(trace_root(request)),
            Self::Absent => return false,
        }
        true
    }
}

/// A host without its port.
pub fn domain(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|&byte| byte == b':') {
        Some(at) if host[at + 1..].iter().all(u8::is_ascii_digit) && host.first() != Some(&b'[') => &host[..at],
        Some(at) if host.get(at.wrapping_sub(1)) == Some(&b']') => &host[..at],
        _ => host,
    }
}

/// The root of the request's trace: the client's where it sent a well-formed one, else ours (rest/05 section 5.2).
pub fn trace_root(request: &Request) -> &[u8] {
    client_trace(request).and_then(root_of).unwrap_or(&request.ids.trace_root)
}

/// The client's trace header, where it is well-formed.
pub fn client_trace(request: &Request) -> Option<&[u8]> {
    request.value(Known::AmznTraceId).filter(|value| root_of(value).is_some())
}

/// `1-{8 hex}-{24 hex}` behind `Root=`.
fn root_of(value: &[u8]) -> Option<&[u8]> {
    let root = value.split(|&byte| byte == b';').find_map(|part| part.trim_ascii().strip_prefix(b"Root="))?;
    let sound = root.len() == 35
        && root.iter().enumerate().all(|(at, byte)| match at {
            0 => *byte == b'1',
            1 | 10 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    sound.then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_aws_s() {
        let mut source = IdSource::new([7; 16]);
        let ids = source.ids(None, b"671a4f63");
        let uuid_text = String::from_utf8_lossy(&ids.request).into_owned();
        assert!(uuid(&ids.request).is_some(), "{uuid_text}");
        assert_eq!(uuid_text.as_bytes()[14], b'4');
        assert!(matches!(uuid_text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert!(ids.extended.ends_with(b"=") && !ids.extended[..15].contains(&b'='));
        assert!(root_of(&[b"Root=", &ids.trace_root[..]].concat()).is_some());
        assert_ne!(source.ids(None, b"671a4f63").request, ids.request);
    }

    #[test]
    fn a_client_may_name_its_request() {
        let mut source = IdSource::new([1; 16]);
        let own = b"3d4a9c7e-1111-4222-8333-444455556666";
        assert_eq!(&source.ids(Some(own), b"00000000").request, own);
        assert_ne!(&source.ids(Some(b"3d4a9c7e-1111-4222-8333-44445555666\""), b"00000000").request, own);
    }

    #[test]
    fn hosts_lose_their_port() {
        let check = |host: &str, expected: &str| assert_eq!(domain(host.as_bytes()), expected.as_bytes());
        check("example.com:8080", "example.com");
        check("example.com", "example.com");
        check("[::1]:80", "[::1]");
        check("[::1]", "[::1]");
    }
}
