//! HTTP/1.1 on the wire (RFC 9112): heads over httparse, framing by our own strict rules.

pub mod chunked;
pub mod head;
pub mod request;
pub mod response;

pub use chunked::fuzz as fuzz_chunked;
pub use request::fuzz as fuzz_head;

/// How long the body of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// No body follows.
    #[default]
    None,
    /// Content-Length.
    Sized(u64),
    Chunked,
    /// A response without either: its body ends with the connection.
    UntilClose,
}

/// Why a head cannot be taken. The front end answers 400 unless said otherwise, and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadError {
    /// Not HTTP, or not as RFC 9112 wants it.
    Malformed,
    /// Two readers could disagree on where this message ends.
    AmbiguousFraming,
    /// More header bytes or lines than allowed: 431.
    TooLarge,
    /// A longer target than allowed: 414.
    UriTooLong,
    /// HTTP/2 preface, HTTP/0.9 or a version that was never: 505 would help nobody who speaks it.
    Version,
}
