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
    ("x-forwarded-for", Known::XForwardedFor),
    ("x-forwarded-port", Known::XForwardedPort),
    ("x-forwarded-proto", Known::XForwardedProto),
];

/// Rows of [`NAMES`] by the length of the name: a name is compared with two or three candidates, not with thirty.
const BY_LENGTH: [[u8; 6]; 25] = by_length();
const NO_ROW: u8 = u8::MAX;

const fn by_length() -> [[u8; 6]; 25] {
    let mut table = [[NO_ROW; 6]; 25];
    let mut row = 0;
    while row < NAMES.len() {
        let length = NAMES[row].0.len();
        let mut place = 0;
        while table[length][place] != NO_ROW {
            place += 1; // a seventh name of one length does not compile: make the rows wider
        }
        table[length][place] = row as u8;
        row += 1;
    }
    table
}

impl Known {
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        let Some(rows) = BY_LENGTH.get(name.len()) else { return Self::Other };
        for &row in rows {
            let Some((known, value)) = NAMES.get(usize::from(row)) else { break };
            let known = known.as_bytes();
            // The last letter tells most apart without a look at the rest.
            if (name[name.len() - 1] | 0x20) == known[known.len() - 1] && name.eq_ignore_ascii_case(known) {
                return *value;
            }
        }
        Self::Other
    }
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
