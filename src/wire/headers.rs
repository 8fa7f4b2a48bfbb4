//! A flat list of header lines that points into the bytes they came in: spelling, order and repetition are kept.

/// A piece of a head's bytes. Heads are shorter than 64 KB (`limits::HEAD_BUFFER_BYTES`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: u16,
    pub end: u16,
}

impl Span {
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    pub fn len(self) -> usize {
        usize::from(self.end - self.start)
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Where `part` lies within `whole`, of which it must be a slice.
    pub fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let bound = |offset: usize| u16::try_from(offset.min(whole.len())).unwrap_or(u16::MAX);
        Self { start: bound(start), end: bound(start + part.len()) }
    }
}

/// Whether a header may carry it: no control character but the tab (RFC 9110 5.5), which would end the line or make a strict
/// reader drop the whole message.
pub fn is_field_value(value: &[u8]) -> bool {
    value.iter().all(|&byte| byte >= b' ' && byte != 0x7f || byte == b'\t')
}

/// `type/subtype` of a header value, without its parameters.
pub fn media_type(value: &[u8]) -> &[u8] {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// One header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub name: Span,
    pub value: Span,
    pub known: Known,
}

/// The headers that somebody on a request's way asks for by name. The rest are `Other`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Known {
    #[default]
    Other,
    Accept,
    AmznRequestId,
    AmznTraceId,
    AmzApigwId,
    ApigatewayApiId,
    Authorization,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentMd5,
    ContentType,
    Date,
    Expect,
    Host,
    KeepAlive,
    MaxForwards,
    MethodOverride,
    ProxyAuthenticate,
    ProxyConnection,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Via,
    WwwAuthenticate,
    XApiKey,
    XForwardedFor,
    XForwardedPort,
    XForwardedProto,
}

const NAMES: &[(&str, Known)] = &[
    ("accept", Known::Accept),
    ("x-amzn-requestid", Known::AmznRequestId),
    ("x-amzn-trace-id", Known::AmznTraceId),
    ("x-amz-apigw-id", Known::AmzApigwId),
    ("x-amzn-apigateway-api-id", Known::ApigatewayApiId),
    ("authorization", Known::Authorization),
    ("connection", Known::Connection),
    ("content-encoding", Known::ContentEncoding),
    ("content-length", Known::ContentLength),
    ("content-md5", Known::ContentMd5),
    ("content-type", Known::ContentType),
    ("date", Known::Date),
    ("expect", Known::Expect),
    ("host", Known::Host),
    ("keep-alive", Known::KeepAlive),
    ("max-forwards", Known::MaxForwards),
    ("x-http-method-override", Known::MethodOverride),
    ("proxy-authenticate", Known::ProxyAuthenticate),
    ("proxy-connection", Known::ProxyConnection),
    ("server", Known::Server),
    ("te", Known::Te),
    ("trailer", Known::Trailer),
    ("transfer-encoding", Known::TransferEncoding),
    ("upgrade", Known::Upgrade),
    ("user-agent", Known::UserAgent),
    ("via", Known::Via),
    ("www-authenticate", Known::WwwAuthenticate),
    ("x-api-key", Known::XApiKey),
    ("x-forwarded-for", Known::XForwardedFor),
    ("x-forwarded-port", Known::XForwardedPort),
    ("x-forwarded-proto", Known::XForwardedProto),
];

/// One slot a name, by its length and its first and last letter: a name is compared with one candidate, not with
/// thirty. Multipliers without a collision were found by trying; a new name that collides does not compile.
const SLOTS: [u8; 64] = slots();
const NO_ROW: u8 = u8::MAX;

const fn slot(length: usize, first: u8, last: u8) -> usize {
    (length * 2 + (first | 0x20) as usize * 17 + (last | 0x20) as usize * 27) & 63
}

const fn slots() -> [u8; 64] {
    let mut table = [NO_ROW; 64];
    let mut row = 0;
    while row < NAMES.len() {
        let name = NAMES[row].0.as_bytes();
        let place = slot(name.len(), name[0], name[name.len() - 1]);
        assert!(table[place] == NO_ROW, "two names share a slot: choose other multipliers");
        table[place] = row as u8;
        row += 1;
    }
    table
}

impl Known {
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        let [first, .., last] = name else { return Self::Other };
        let row = SLOTS[slot(name.len(), *first, *last)];
        match NAMES.get(usize::from(row)) {
            Some((known, value)) if name.eq_ignore_ascii_case(known.as_bytes()) => *value,
            _ => Self::Other,
        }
    }
}

/// RFC 9110 5.6.2: what a header's name, or a verb, is made of.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Whether a comma-separated list such as `Connection: close, x` names `token`, in any case.
pub fn list_names(value: &[u8], token: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_known_in_any_case() {
        for (name, known) in NAMES {
            assert_eq!(Known::of(name.as_bytes()), *known);
            assert_eq!(Known::of(name.to_ascii_uppercase().as_bytes()), *known);
            assert_eq!(Known::of(&name.as_bytes()[1..]), Known::Other);
        }
        assert_eq!(Known::of(b""), Known::Other);
        assert_eq!(Known::of(&[b'x'; 300]), Known::Other);
    }

    #[test]
    fn lists_are_searched_item_by_item() {
        assert!(list_names(b"keep-alive, Close", b"close"));
        assert!(!list_names(b"closed", b"close"));
    }
}
