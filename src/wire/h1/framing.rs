//! What all parts of HTTP/1.1 share: framings, refusals, bounds.

/// Header lines in one head. More is an attack on whoever walks them; the bytes are limited besides.
pub const HEADER_LINES_MAX: usize = 128;
/// Bytes of one head: its spans have sixteen bits. Callers allow far less.
pub(super) const HEAD_BYTES_MAX: usize = u16::MAX as usize;
/// Names that Connection lines may nominate beside their own words: each is looked for at every line.
pub(super) const NOMINATED_MAX: usize = 16;
/// Chunk extensions and trailers are read and dropped; so many bytes of them in one body.
pub const CHUNK_OVERHEAD_BYTES_MAX: usize = 16 * 1024;

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
