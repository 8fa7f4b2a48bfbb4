//! The head of a request.

use super::framing::{Framing, HeadError};
use super::head;
use crate::wire::headers::{Known, Line, Span, list_names};

/// A request's head, as spans of the bytes it came in. Its list of lines is used again for the next request.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    pub method: Span,
    pub target: Span,
    pub http_1_1: bool,
    pub lines: Vec<Line>,
    pub framing: Framing,
    /// What the client wants of its connection.
    pub keep_alive: bool,
    /// `Expect: 100-continue`: the client waits with its body.
    pub expects_continue: bool,
    /// The Host line, where there is one.
    pub host: Option<Span>,
    /// Bytes of the whole head, its empty line included.
    pub length: usize,
}

/// Bounds of one head.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    pub header_bytes_max: usize,
    pub url_bytes_max: usize,
}

impl RequestHead {
    /// Reads the head that [`head::end`] found to be `length` bytes long.
    pub fn parse(&mut self, bytes: &[u8], length: usize, limits: HeadLimits) -> Result<(), HeadError> {
        let bytes = bytes.get(..length).ok_or(HeadError::Malformed)?;
        if head::has_bare_newline(bytes) {
            return Err(HeadError::Malformed);
        }
        let mut lines = [const { std::mem::MaybeUninit::uninit() }; head::LINES];
        let mut parsed = httparse::Request::new(&mut []);
        let status = parsed.parse_with_uninit_headers(bytes, &mut lines).map_err(head::refusal)?;
        let (httparse::Status::Complete(n), Some(method), Some(target), Some(version)) =
            (status, parsed.method, parsed.path, parsed.version)
        else {
            return Err(HeadError::Malformed);
        };
        if n != length {
            return Err(HeadError::Malformed);
        }
        if target.len() > limits.url_bytes_max {
            return Err(HeadError::UriTooLong);
        }
        self.method = Span::within(bytes, method.as_bytes());
        self.target = Span::within(bytes, target.as_bytes());
        // The request line ends two bytes behind `HTTP/1.x`, which stands one byte behind the target; the empty line
        // at the end is no header line.
        if length.saturating_sub(usize::from(self.target.end) + 13) > limits.header_bytes_max {
            return Err(HeadError::TooLarge);
        }
        self.http_1_1 = version == 1;
        self.length = length;
        head::take_lines(bytes, parsed.headers, &mut self.lines);
        self.framing = head::framing(bytes, &self.lines, self.http_1_1)?.unwrap_or_default();
        self.connection_rules(bytes)
    }

    fn connection_rules(&mut self, bytes: &[u8]) -> Result<(), HeadError> {
        self.keep_alive = self.http_1_1;
        self.expects_continue = false;
        self.host = None;
        for line in &self.lines {
            match line.known {
                Known::Connection => {
                    let value = line.value.of(bytes);
                    if list_names(value, b"close") {
                        self.keep_alive = false;
                    } else if !self.http_1_1 && list_names(value, b"keep-alive") {
                        self.keep_alive = true;
                    }
                }
                // RFC 9112 3.2: more than one Host, or none in HTTP/1.1, is refused.
                Known::Host if self.host.is_some() => return Err(HeadError::Malformed),
                Known::Host => self.host = Some(line.value),
                Known::Expect => {
                    self.expects_continue = self.http_1_1 && line.value.of(bytes).eq_ignore_ascii_case(b"100-continue");
                }
                _ => {}
            }
        }
        if self.http_1_1 && self.host.is_none() {
            return Err(HeadError::Malformed);
        }
        match self.host {
            Some(host) if !is_host(host.of(bytes)) => Err(HeadError::Malformed),
            _ => Ok(()),
        }
    }
}

/// RFC 3986's host and port, or empty (RFC 9112 3.2.1 lets a target without authority say so).
fn is_host(host: &[u8]) -> bool {
    host.iter().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']' | b'~' | b'%')
    })
}

/// Whether these first bytes can still become a request: tells binary noise before a whole head's time has passed.
pub fn may_begin(bytes: &[u8]) -> bool {
    match bytes.first() {
        None => true,
        Some(byte) => byte.is_ascii_alphabetic(),
    }
}

/// For the fuzzer, and for the test that runs its seeds.
pub fn fuzz(bytes: &[u8]) {
    let Some(length) = head::end(bytes, 0) else { return };
    for looked in 0..length {
        assert_eq!(head::end(bytes, looked.min(length - 1)), Some(length), "an end is found however the bytes came");
    }
    let mut request = RequestHead::default();
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    if length > usize::from(u16::MAX) || request.parse(bytes, length, limits).is_err() {
        return;
    }
    let head = &bytes[..length];
    assert!(!request.method.of(head).is_empty() && !request.target.of(head).is_empty());
    assert!(!head.contains(&0), "no NUL passes");
    for line in &request.lines {
        let (name, value) = (line.name.of(head), line.value.of(head));
        assert!(!name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() && *byte != b':'));
        assert!(!value.contains(&b'\r') && !value.contains(&b'\n'));
    }
    let lengths = request.lines.iter().filter(|line| line.known == Known::ContentLength).count();
    let encodings = request.lines.iter().filter(|line| line.known == Known::TransferEncoding).count();
    assert!(lengths + encodings <= 1, "one framing at most");
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };

    fn parse(text: &str) -> Result<RequestHead, HeadError> {
        let mut request = RequestHead::default();
        let length = head::end(text.as_bytes(), 0).unwrap_or(text.len());
        request.parse(text.as_bytes(), length, LIMITS).map(|()| request)
    }

    #[track_caller]
    fn taken(lines: &str, framing: Framing) {
        let request = parse(&format!("POST /x HTTP/1.1\r\nHost: a\r\n{lines}\r\n")).expect("a sound head");
        assert_eq!(request.framing, framing);
    }

    #[track_caller]
    fn refused(head: &str, why: HeadError) {
        assert_eq!(parse(head).map(|request| request.framing), Err(why));
    }

    #[test]
    fn a_head_is_spans_of_its_bytes() {
        let text = "GET /pets/1?x=y HTTP/1.1\r\nHost: example.com\r\nX-Own:  spaced \r\n\r\nrest";
        let request = parse(text).expect("a sound head");
        assert_eq!(request.method.of(text.as_bytes()), b"GET");
        assert_eq!(request.target.of(text.as_bytes()), b"/pets/1?x=y");
        assert_eq!(request.lines[1].name.of(text.as_bytes()), b"X-Own");
        assert_eq!(request.lines[1].value.of(text.as_bytes()), b"spaced");
        assert_eq!(request.length, text.len() - 4);
        assert!(request.keep_alive && !request.expects_continue);
    }

    #[test]
    fn framings_that_are_taken() {
        taken("", Framing::None);
        taken("Content-Length: 0\r\n", Framing::Sized(0));
        taken("content-length: 42\r\n", Framing::Sized(42));
        taken("Transfer-Encoding: Chunked\r\n", Framing::Chunked);
    }

    #[test]
    fn framings_that_two_readers_could_read_differently() {
        for lines in [
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            "Content-Length: 1, 1\r\n",
            "Content-Length: +1\r\n",
            "Content-Length: -1\r\n",
            "Content-Length: 0x1\r\n",
            "Content-Length: \r\n",
            "Content-Length: 1 2\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: chunked, identity\r\n",
            "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding: identity\r\n",
        ] {
            refused(&format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"), HeadError::AmbiguousFraming);
        }
        refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HeadError::AmbiguousFraming);
    }

    #[test]
    fn heads_that_are_not_http() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n: z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nno-colon\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\r\n\r\n",
        ] {
            assert!(parse(head).is_err(), "{head:?} must be refused");
        }
        refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", HeadError::Version);
    }

    #[test]
    fn limits_of_a_head() {
        refused(&format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(10_240)), HeadError::UriTooLong);
        refused(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(10_240)), HeadError::TooLarge);
        refused(&format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(200)), HeadError::TooLarge);
        let fits = format!("GET /{} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(10_239), "x".repeat(10_200));
        assert!(parse(&fits).is_ok());
    }

    #[test]
    fn connections_as_the_client_wants_them() {
        let keeps = |text: &str| parse(text).expect("a sound head").keep_alive;
        assert!(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
        assert!(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    }
}
