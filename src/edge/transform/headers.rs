//! Which headers pass, which are dropped, which come back under another name (rest/05).

use crate::wire::headers::Known;

/// What becomes of a client's header on its way to an HTTP_PROXY backend (rest/05 sections 5.1, 5.2 and 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    Pass,
    /// Not handed on, or written by us in its place.
    Drop,
    /// Handed on unless it holds SigV4.
    Authorization,
}

pub(super) fn forward(known: Known) -> Forward {
    match known {
        Known::Other
        | Known::Accept
        | Known::ContentEncoding
        | Known::ContentType
        | Known::Date
        | Known::MethodOverride
        | Known::UserAgent
        | Known::XApiKey
        | Known::AmzApigwId => Forward::Pass,
        Known::Authorization => Forward::Authorization,
        // Removed at intake, hop-by-hop (RFC 9110 7.6.1), or written by us.
        Known::AmznRequestId
        | Known::AmznTraceId
        | Known::ApigatewayApiId
        | Known::Connection
        | Known::ContentLength
        | Known::ContentMd5
        | Known::Expect
        | Known::Host
        | Known::KeepAlive
        | Known::MaxForwards
        | Known::ProxyAuthenticate
        | Known::ProxyConnection
        | Known::Server
        | Known::Te
        | Known::Trailer
        | Known::TransferEncoding
        | Known::Upgrade
        | Known::Via
        | Known::WwwAuthenticate
        | Known::XForwardedFor
        | Known::XForwardedPort
        | Known::XForwardedProto => Forward::Drop,
    }
}

/// What becomes of a backend's header on its way to the client (rest/05 sections 5.6 and 5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    Pass,
    Drop,
    /// Comes back under this name.
    Remap(&'static str),
}

pub(super) fn give_back(known: Known) -> Return {
    match known {
        Known::AmznRequestId => Return::Remap("x-amzn-Remapped-x-amzn-requestid"),
        Known::Authorization => Return::Remap("x-amzn-Remapped-Authorization"),
        Known::Connection => Return::Remap("x-amzn-Remapped-Connection"),
        Known::ContentLength => Return::Remap("x-amzn-Remapped-Content-Length"),
        Known::ContentMd5 => Return::Remap("x-amzn-Remapped-Content-MD5"),
        Known::Date => Return::Remap("x-amzn-Remapped-Date"),
        Known::Expect => Return::Remap("x-amzn-Remapped-Expect"),
        Known::Host => Return::Remap("x-amzn-Remapped-Host"),
        Known::MaxForwards => Return::Remap("x-amzn-Remapped-Max-Forwards"),
        Known::ProxyAuthenticate => Return::Remap("x-amzn-Remapped-Proxy-Authenticate"),
        Known::Server => Return::Remap("x-amzn-Remapped-Server"),
        Known::Trailer => Return::Remap("x-amzn-Remapped-Trailer"),
        Known::Upgrade => Return::Remap("x-amzn-Remapped-Upgrade"),
        Known::UserAgent => Return::Remap("x-amzn-Remapped-User-Agent"),
        Known::WwwAuthenticate => Return::Remap("x-amzn-Remapped-WWW-Authenticate"),
        // The body is framed anew, the hop ends here, and the id of our answer is ours.
        Known::AmzApigwId | Known::KeepAlive | Known::ProxyConnection | Known::TransferEncoding | Known::Via => {
            Return::Drop
        }
        // Content-Encoding stays with a body that is still encoded (docs/parity.md).
        Known::Other
        | Known::Accept
        | Known::AmznTraceId
        | Known::ApigatewayApiId
        | Known::ContentEncoding
        | Known::ContentType
        | Known::MethodOverride
        | Known::XApiKey
        | Known::Te
        | Known::XForwardedFor
        | Known::XForwardedPort
        | Known::XForwardedProto => Return::Pass,
    }
}

/// What becomes of a header that a Lambda function answers with (rest/05 section 5.7).
pub(super) fn give_of_function(known: Known) -> Return {
    match known {
        Known::Host
        | Known::Te
        | Known::Trailer
        | Known::Upgrade
        | Known::TransferEncoding
        | Known::Expect
        | Known::ProxyAuthenticate => Return::Drop,
        other => give_back(other),
    }
}

/// What becomes of a response header that a definition maps (rest/05 section 5.6, the recorded column).
pub fn give_mapped(known: Known) -> Return {
    match known {
        Known::Via => Return::Pass,
        other => give_back(other),
    }
}

/// What mapping a header toward a backend does (rest/05 section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Sent,
    /// Mapped in vain.
    NotSent,
    /// Every call fails with 500.
    Illegal,
}

pub(super) fn target(name: &[u8], aws: bool) -> Target {
    match Known::of(name) {
        Known::Authorization | Known::Connection | Known::Expect | Known::ProxyAuthenticate | Known::Te if aws => {
            Target::Illegal
        }
        Known::Other if aws && SIGNED_FOR_AWS.iter().any(|own| name.eq_ignore_ascii_case(own)) => Target::NotSent,
        Known::ContentLength | Known::TransferEncoding | Known::AmznTraceId | Known::ApigatewayApiId => Target::Illegal,
        // `Connection` is the hop's own: a mapped one could end or upgrade a pooled connection (docs/parity.md).
        Known::Expect
        | Known::ProxyAuthenticate
        | Known::ProxyConnection
        | Known::Te
        | Known::Via
        | Known::Connection
        | Known::KeepAlive => Target::NotSent,
        _ => Target::Sent,
    }
}

/// What the signature of a call to AWS writes itself, and what AWS does not send there.
const SIGNED_FOR_AWS: [&[u8]; 5] =
    [b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256", b"x-amz-source-arn", b"referer"];

/// `HTTP/1.1 200 OK` and its line end, with the phrase of RFC 9110 or none.
pub fn write_status_line(status: u16, push: &mut impl FnMut(&[u8])) {
    if status == 200 {
        return push(b"HTTP/1.1 200 OK\r\n");
    }
    push(b"HTTP/1.1 ");
    let digits = [b'0' + (status / 100 % 10) as u8, b'0' + (status / 10 % 10) as u8, b'0' + (status % 10) as u8];
    push(&digits);
    push(b" ");
    push(reason(status).as_bytes());
    push(b"\r\n");
}

fn reason(status: u16) -> &'static str {
    match status {
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        417 => "Expectation Failed",
        422 => "Unprocessable Entity",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
