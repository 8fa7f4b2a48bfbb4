//! HTTP/1.1 on the wire (RFC 9112): heads over httparse, framing by our own strict rules.

pub mod chunked;
mod framing;
pub mod head;
pub mod request;
pub mod response;

pub use chunked::fuzz as fuzz_chunked;
pub use framing::{CHUNK_OVERHEAD_BYTES_MAX, Framing, HEADER_LINES_MAX, HeadError};
pub use request::fuzz as fuzz_head;
