//! A request whose head has arrived: what was sent, by whom, and when.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::ids::Ids;
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
    /// The client's address, where a proxy that is trusted said another than the peer's.
    pub forwarded_for: Option<Box<IpText>>,
}

/// Headers that the gateway adds or completes at intake, by the names under which mappings ask for them (rest/05 section
/// 5.2).
pub const INTAKE_NAMES: [&str; 4] = ["X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto"];

impl Request {
    /// Forgets what was read of it, all but its ids and its time: what could not be taken must not steer an answer.
    pub fn forget(&mut self) {
        self.head = RequestHead::default();
        (self.path, self.query, self.host, self.verb) = (Span::default(), None, Span::default(), Verb::Other);
        self.forwarded_for = None;
    }

    /// Values of all lines of one known header.
    pub fn values(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        self.head.lines.iter().filter(move |line| line.known == known).map(|line| line.value.of(&self.bytes))
    }

    /// The last line of a known header, which is the one that single-value views show (rest/04 section 4.4).
    pub fn value(&self, known: Known) -> Option<&[u8]> {
        self.head.lines.iter().rfind(|line| line.known == known).map(|line| line.value.of(&self.bytes))
    }

    /// The last line of a header in any case, for who has its name from a definition.
    pub fn last_line(&self, name: &[u8]) -> Option<&[u8]> {
        let is_it = |line: &&Line| line.name.of(&self.bytes).eq_ignore_ascii_case(name);
        self.head.lines.iter().rfind(is_it).map(|line| line.value.of(&self.bytes))
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

    /// `$context.identity.sourceIp`: of the client, as far as who connected is believed.
    pub fn source_ip(&self) -> &[u8] {
        self.forwarded_for.as_deref().unwrap_or(&self.peer.address).as_bytes()
    }

    pub fn path(&self) -> &[u8] {
        self.path.of(&self.bytes)
    }

    /// Bytes of the path before its own part, of which `bytes` are behind the stage or base path; on a custom domain the
    /// base path belongs to it (rest/01 section 1.3).
    pub fn path_skipped(&self, on_domain: bool, bytes: usize) -> u16 {
        let skipped = if on_domain { 0 } else { self.path().len().saturating_sub(bytes) };
        // A path is shorter than that.
        u16::try_from(skipped).unwrap_or(u16::MAX)
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
#[derive(Clone, Debug, Default)]
pub struct Peer {
    address: IpText,
    /// The port of ours that the client reached.
    pub local_port: u16,
    /// Whose `X-Forwarded-For` is believed.
    pub is_trusted: bool,
    /// The VPC endpoint that its listener stands for: a private call.
    pub vpc_endpoint: Option<Rc<VpcEndpoint>>,
}

/// A VPC endpoint, as a private call tells of it.
#[derive(Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// `vpce-…`
    pub id: Box<str>,
    /// `vpc-…`
    pub vpc: Option<Box<str>>,
}

impl Peer {
    pub fn new(peer: SocketAddr, local_port: u16) -> Self {
        Self { address: IpText::new(peer.ip()), local_port, ..Self::default() }
    }

    /// Of somebody for whom the peer speaks.
    pub fn set_address(&mut self, address: IpAddr) {
        self.address = IpText::new(address);
    }

    /// As text.
    pub fn address(&self) -> &[u8] {
        self.address.as_bytes()
    }
}

/// An address, written once.
#[derive(Clone, Copy, Debug)]
pub struct IpText {
    text: [u8; 45],
    length: u8,
}

impl Default for IpText {
    fn default() -> Self {
        Self { text: [0; 45], length: 0 }
    }
}

impl IpText {
    pub fn new(address: IpAddr) -> Self {
        let written = address.to_canonical().to_string();
        let mut text = [0; 45];
        let length = written.len().min(text.len());
        text[..length].copy_from_slice(&written.as_bytes()[..length]);
        Self { text, length: length as u8 }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
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
    fn hosts_lose_their_port() {
        let check = |host: &str, expected: &str| assert_eq!(domain(host.as_bytes()), expected.as_bytes());
        check("example.com:8080", "example.com");
        check("example.com", "example.com");
        check("[::1]:80", "[::1]");
        check("[::1]", "[::1]");
    }
}
