//! AWS's event-stream encoding (`application/vnd.amazon.eventstream`), in which Lambda streams a function's answer: a
//! decoder that is fed pieces of any size, and the messages that are sent.
//!
//! A message is its length and its headers' length (4 bytes each, big-endian), the CRC-32 of both, the headers, the
//! payload, and the CRC-32 of all before it. Nothing in it says how large it may be, so the reader does.

use flate2::Crc;

/// What `Content-Type` says of such a body.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
/// `:event-type` of a message that carries a piece of the function's answer.
pub const PAYLOAD_CHUNK: &str = "PayloadChunk";
/// `:event-type` of the last message; its payload is JSON, which holds `ErrorCode` and `ErrorDetails` after a failure.
pub const INVOKE_COMPLETE: &str = "InvokeComplete";
/// Bytes of a message beside its headers and its payload.
pub const FRAME_BYTES: usize = PRELUDE_BYTES + CRC_BYTES;
/// What the format allows as all headers of one message.
pub const HEADERS_BYTES_MAX: usize = 128 * 1024;

const PRELUDE_BYTES: usize = 12;
const CRC_BYTES: usize = 4;
/// Types of a header's value. AWS sends text alone; the others have to be stepped over.
const TEXT: u8 = 7;

/// Reads a stream of messages.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// A message that has begun; empty where the last feed ended with one.
    partial: Vec<u8>,
    /// `partial` was handed out as a whole message.
    handed: bool,
    message_bytes_max: usize,
}

/// A whole message, its checksums and its headers found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'m> {
    headers: &'m [u8],
    pub payload: &'m [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventStreamError {
    /// Lengths that contradict each other, or a prelude that its checksum does not fit.
    Prelude,
    /// More than the reader takes as one message.
    TooLarge,
    /// The bytes are not those that were sent.
    Checksum,
    /// Headers that do not fill what was said to be theirs.
    Headers,
}

/// What one call of [`Decoder::feed`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed<'m> {
    /// Bytes that were read; what lies behind them belongs to the next message.
    pub read: usize,
    /// The message that ended there.
    pub message: Option<Message<'m>>,
}

impl Decoder {
    /// Takes messages of up to `message_bytes_max` bytes, frame and headers included, and holds no more than one.
    pub fn new(message_bytes_max: usize) -> Self {
        Self { partial: Vec::new(), handed: false, message_bytes_max }
    }

    /// Reads `bytes` up to the end of a message. To be called again with the rest, until nothing is left; after an error
    /// there is no telling where the next message begins, and the stream ends.
    pub fn feed<'m>(&'m mut self, bytes: &'m [u8]) -> Result<Fed<'m>, EventStreamError> {
        if std::mem::take(&mut self.handed) {
            self.partial.clear();
        }
        // Most often whole messages lie in what was read: nothing is copied.
        if self.partial.is_empty() {
            match self.length(bytes)? {
                Some(length) if length <= bytes.len() => {
                    let message = Some(whole(&bytes[..length])?);
                    return Ok(Fed { read: length, message });
                }
                _ => {}
            }
        }
        let mut read = 0;
        if self.partial.len() < PRELUDE_BYTES {
            read = (PRELUDE_BYTES - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..read]);
        }
        let Some(length) = self.length(&self.partial)? else { return Ok(Fed { read, message: None }) };
        let more = (length - self.partial.len()).min(bytes.len() - read);
        self.partial.extend_from_slice(&bytes[read..read + more]);
        read += more;
        if self.partial.len() < length {
            return Ok(Fed { read, message: None });
        }
        self.handed = true;
        Ok(Fed { read, message: Some(whole(&self.partial)?) })
    }

    /// Whether the stream may end here: no message has begun.
    pub fn is_between(&self) -> bool {
        self.handed || self.partial.is_empty()
    }

    /// The bytes of the message that begins with `bytes`, once its prelude is there.
    fn length(&self, bytes: &[u8]) -> Result<Option<usize>, EventStreamError> {
        let Some(prelude) = bytes.first_chunk::<PRELUDE_BYTES>() else { return Ok(None) };
        if checksum(&prelude[..8]) != number(prelude, 8) {
            return Err(EventStreamError::Prelude);
        }
        let (length, headers) = (number(prelude, 0) as usize, number(prelude, 4) as usize);
        if headers > HEADERS_BYTES_MAX || length > self.message_bytes_max {
            return Err(EventStreamError::TooLarge);
        }
        if length < FRAME_BYTES + headers {
            return Err(EventStreamError::Prelude);
        }
        Ok(Some(length))
    }
}

impl<'m> Message<'m> {
    /// What a header says, if it is there and is text.
    pub fn text(&self, name: &str) -> Option<&'m str> {
        let mut rest = self.headers;
        while let Some((header, after)) = header(rest) {
            if header.name == name.as_bytes() {
                return if header.kind == TEXT { str::from_utf8(header.value).ok() } else { None };
            }
            rest = after;
        }
        None
    }

    /// [`PAYLOAD_CHUNK`] or [`INVOKE_COMPLETE`], where Lambda sent it and it is no exception.
    pub fn event_type(&self) -> Option<&'m str> {
        self.text(":event-type")
    }

    /// `event`, `exception` or `error`.
    pub fn message_type(&self) -> Option<&'m str> {
        self.text(":message-type")
    }
}

/// Appends one piece of a function's answer.
pub fn payload_chunk(payload: &[u8], out: &mut Vec<u8>) {
    event(PAYLOAD_CHUNK, "application/octet-stream", payload, out);
}

/// Appends the last message: after a failure with Lambda's code and the error object as text.
pub fn invoke_complete(payload: &[u8], out: &mut Vec<u8>) {
    event(INVOKE_COMPLETE, "application/json", payload, out);
}

/// Appends a message whose headers are texts of at most 255 and 65,535 bytes; longer ones are left out.
pub fn message(headers: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) {
    let fits = |(name, value): &&(&str, &str)| u8::try_from(name.len()).is_ok() && u16::try_from(value.len()).is_ok();
    let lengths = headers.iter().filter(fits).map(|(name, value)| 1 + name.len() + 1 + 2 + value.len());
    let headers_length: usize = lengths.sum();
    let start = out.len();
    let length = FRAME_BYTES + headers_length + payload.len();
    debug_assert!(u32::try_from(length).is_ok(), "a message of more than 4 GiB");
    out.reserve(length);
    out.extend_from_slice(&(length as u32).to_be_bytes());
    out.extend_from_slice(&(headers_length as u32).to_be_bytes());
    let prelude = checksum(&out[start..]);
    out.extend_from_slice(&prelude.to_be_bytes());
    for (name, value) in headers.iter().filter(fits) {
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        out.push(TEXT);
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    out.extend_from_slice(payload);
    let whole = checksum(&out[start..]);
    out.extend_from_slice(&whole.to_be_bytes());
}

fn event(event_type: &str, content_type: &str, payload: &[u8], out: &mut Vec<u8>) {
    let headers = [(":event-type", event_type), (":content-type", content_type), (":message-type", "event")];
    message(&headers, payload, out);
}

/// `bytes` are as long as their prelude, which was checked, says.
fn whole(bytes: &[u8]) -> Result<Message<'_>, EventStreamError> {
    let end = bytes.len() - CRC_BYTES;
    if checksum(&bytes[..end]) != number(bytes, end) {
        return Err(EventStreamError::Checksum);
    }
    let (headers, payload) = bytes[PRELUDE_BYTES..end].split_at(number(bytes, 4) as usize);
    let mut rest = headers;
    while !rest.is_empty() {
        rest = header(rest).ok_or(EventStreamError::Headers)?.1;
    }
    Ok(Message { headers, payload })
}

struct Header<'m> {
    name: &'m [u8],
    kind: u8,
    value: &'m [u8],
}

/// The first header and what stands behind it.
fn header(bytes: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(length)).filter(|(name, _)| !name.is_empty())?;
    let (&kind, rest) = rest.split_first()?;
    let (length, rest) = match kind {
        0 | 1 => (0, rest), // true, false
        2 => (1, rest),     // byte
        3 => (2, rest),     // short
        4 => (4, rest),     // integer
        5 | 8 => (8, rest), // long, timestamp
        6 | TEXT => {
            // bytes, text
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        9 => (16, rest), // UUID
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Header { name, kind, value }, rest))
}

/// The four bytes at `at`, which the caller knows to be there.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |number| u32::from_be_bytes(*number))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The fuzzer's property: in whatever pieces a stream comes, it amounts to the same; and the decoder holds no more than
/// one message.
pub fn fuzz(data: &[u8]) {
    let max = 4096;
    let (at_once, outcome) = pieces(data, data.len().max(1), max);
    for size in [1, 3, 17] {
        assert_eq!(pieces(data, size, max), (at_once.clone(), outcome), "in pieces of {size}");
    }
}

/// Payloads with their event types, and how the stream ended: whether between two messages.
#[allow(clippy::type_complexity, reason = "it is looked at by a test and a fuzzer alone")]
fn pieces(data: &[u8], size: usize, max: usize) -> (Vec<(Option<String>, Vec<u8>)>, Result<bool, EventStreamError>) {
    let mut decoder = Decoder::new(max);
    let mut messages = Vec::new();
    for piece in data.chunks(size) {
        let mut rest = piece;
        while !rest.is_empty() {
            match decoder.feed(rest) {
                Ok(fed) => {
                    if let Some(message) = fed.message {
                        messages.push((message.event_type().map(str::to_owned), message.payload.to_vec()));
                    }
                    assert!(fed.read > 0, "no progress");
                    rest = &rest[fed.read..];
                }
                Err(error) => return (messages, Err(error)),
            }
        }
        assert!(decoder.partial.len() <= max);
    }
    let between = decoder.is_between();
    (messages, Ok(between))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut stream = Vec::new();
        payload_chunk(b"hello ", &mut stream);
        payload_chunk(b"", &mut stream);
        payload_chunk(&[b'x'; 3000], &mut stream);
        invoke_complete(b"{}", &mut stream);
        stream
    }

    #[track_caller]
    fn check(stream: &[u8], payloads: &[&[u8]], outcome: Result<bool, EventStreamError>) {
        for size in [1, 2, 5, 11, 12, 13, 64, stream.len().max(1)] {
            let (messages, ended) = pieces(stream, size, 8192);
            let found: Vec<&[u8]> = messages.iter().map(|(_, payload)| payload.as_slice()).collect();
            assert_eq!((found.as_slice(), ended), (payloads, outcome), "in pieces of {size}");
        }
        fuzz(stream);
    }

    /// `stream` with the byte at `at` changed.
    fn changed(at: usize) -> Vec<u8> {
        let mut stream = stream();
        stream[at] ^= 1;
        stream
    }

    /// A message of one's own, with right checksums around whatever is said.
    fn raw(length: u32, headers_length: u32, rest: &[u8]) -> Vec<u8> {
        let mut out = [length.to_be_bytes(), headers_length.to_be_bytes()].concat();
        out.extend(checksum(&out.clone()).to_be_bytes());
        out.extend(rest);
        out.extend(checksum(&out.clone()).to_be_bytes());
        out
    }

    #[test]
    fn what_was_encoded_is_decoded_in_pieces_of_any_size() {
        check(&stream(), &[b"hello ", b"", &[b'x'; 3000], b"{}"], Ok(true));
        let types: Vec<_> = pieces(&stream(), 7, 8192).0.into_iter().filter_map(|(kind, _)| kind).collect();
        assert_eq!(types, [PAYLOAD_CHUNK, PAYLOAD_CHUNK, PAYLOAD_CHUNK, INVOKE_COMPLETE]);
    }

    #[test]
    fn headers_are_found_by_name() {
        let mut bytes = Vec::new();
        message(&[(":message-type", "exception"), (":exception-type", "é")], b"{}", &mut bytes);
        let mut decoder = Decoder::new(1024);
        let message = decoder.feed(&bytes).expect("right").message.expect("whole");
        assert_eq!((message.message_type(), message.text(":exception-type")), (Some("exception"), Some("é")));
        assert_eq!((message.event_type(), message.payload), (None, b"{}".as_slice()));
    }

    #[test]
    fn a_recorded_message_of_aws_is_read() {
        // The documentation's example: no headers, no payload.
        check(&[0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff], &[b""], Ok(true));
    }

    #[test]
    fn values_of_every_type_are_stepped_over() {
        let mut headers = Vec::new();
        for (kind, length) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)] {
            headers.extend([1, b'a', kind]);
            headers.extend(vec![0; length]);
        }
        headers.extend([1, b'a', 6, 0, 2, 1, 2]);
        let bytes = raw(16 + headers.len() as u32, headers.len() as u32, &headers);
        check(&bytes, &[b""], Ok(true));
    }

    #[test]
    fn a_stream_that_ends_within_a_message_says_so() {
        let whole = stream();
        check(&whole[..whole.len() - 1], &[b"hello ", b"", &[b'x'; 3000]], Ok(false));
        check(&whole[..5], &[], Ok(false));
        check(b"", &[], Ok(true));
    }

    #[test]
    fn bytes_that_changed_on_the_way_are_noticed() {
        check(&changed(0), &[], Err(EventStreamError::Prelude));
        check(&changed(7), &[], Err(EventStreamError::Prelude));
        check(&changed(11), &[], Err(EventStreamError::Prelude));
        check(&changed(20), &[], Err(EventStreamError::Checksum));
        let end = stream().len() - 1;
        check(&changed(end), &[b"hello ", b"", &[b'x'; 3000]], Err(EventStreamError::Checksum));
    }

    #[test]
    fn lengths_that_lie_are_refused_at_the_prelude() {
        check(&raw(15, 0, b""), &[], Err(EventStreamError::Prelude));
        check(&raw(0, 0, b""), &[], Err(EventStreamError::Prelude));
        check(&raw(16, 1, b""), &[], Err(EventStreamError::Prelude));
        check(&raw(8193, 0, b""), &[], Err(EventStreamError::TooLarge));
        check(&raw(u32::MAX, 0, b""), &[], Err(EventStreamError::TooLarge));
        check(&raw(u32::MAX, u32::MAX, b""), &[], Err(EventStreamError::TooLarge));
        check(&raw(100, HEADERS_BYTES_MAX as u32 + 1, b""), &[], Err(EventStreamError::TooLarge));
    }

    #[test]
    fn headers_that_do_not_end_where_they_should_are_refused() {
        for headers in [
            &[0, 7, 0, 0][..],         // no name
            &[1, b'a'],                // no type
            &[1, b'a', 10],            // a type that there is not
            &[1, b'a', 7, 0, 2, b'x'], // a text that is longer than there is room
            &[9, b'a', 0],             // a name that is longer than there is room
            &[1, b'a', 9, 0],          // half a UUID
        ] {
            let length = headers.len() as u32;
            check(&raw(16 + length, length, headers), &[], Err(EventStreamError::Headers));
        }
    }
}
