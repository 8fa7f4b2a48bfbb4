//! A body as it arrives, from a client or from a backend: pieces of data, whatever its framing.

use std::io;
use std::rc::Rc;

use crate::net::buffer::Buffer;
use crate::net::tcp::Reader;
use crate::settings::limits::{LINGER_BYTES_MAX, LINGER_TIMEOUT};
use crate::time::Instant;
use crate::wire::h1::Framing;
use crate::wire::h1::chunked::{CHUNK_END, Decoder, LAST_CHUNK, SIZE_LINE_BYTES_MAX, size_line};

/// What of a body has not been taken yet.
#[derive(Debug, Default)]
pub struct Body {
    left: Left,
    /// The last read filled its buffer: the next one is given a larger one. A body that trickles in holds little.
    fills: bool,
    /// Bytes of data that may still come.
    allowance: u64,
}

#[derive(Debug, Default)]
enum Left {
    #[default]
    Nothing,
    Sized(u64),
    Chunked(Decoder),
    UntilClose,
}

/// Why a body ends before its end.
#[derive(Debug)]
pub enum BodyError {
    /// The peer closed in the middle, or its connection broke.
    Broken(io::Error),
    /// A chunk that is none.
    Malformed,
    /// More than allowed.
    TooLarge,
}

/// How the data that had arrived with a head lies in its buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Data of the body: from `start` to `end`.
    pub start: usize,
    pub end: usize,
    /// Where the bytes of the next message begin.
    pub next: usize,
}

impl Body {
    /// The body behind a head of `head` bytes. Chunks that have arrived are decoded in place.
    pub fn begin(
        framing: Framing,
        bytes: &mut [u8],
        head: usize,
        allowance: u64,
    ) -> Result<(Self, Arrived), BodyError> {
        let arrived = bytes.len() - head;
        let (left, taken, next) = match framing {
            Framing::None => (Left::Nothing, 0, head),
            Framing::Sized(length) if length > allowance => return Err(BodyError::TooLarge),
            Framing::Sized(length) => {
                let taken = arrived.min(usize::try_from(length).unwrap_or(usize::MAX));
                let left = length - taken as u64;
                (if left == 0 { Left::Nothing } else { Left::Sized(left) }, taken, head + taken)
            }
            Framing::Chunked => {
                let mut decoder = Decoder::default();
                let decoded = decoder.decode(&mut bytes[head..]).map_err(|_| BodyError::Malformed)?;
                let left = if decoded.done { Left::Nothing } else { Left::Chunked(decoder) };
                (left, decoded.body, head + decoded.read)
            }
            Framing::UntilClose => (Left::UntilClose, arrived, bytes.len()),
        };
        let allowance = allowance.checked_sub(taken as u64).ok_or(BodyError::TooLarge)?;
        Ok((Self { left, fills: false, allowance }, Arrived { start: head, end: head + taken, next }))
    }

    /// Whether all of it has been taken.
    pub fn is_complete(&self) -> bool {
        matches!(self.left, Left::Nothing)
    }

    /// Bytes that are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        match self.left {
            Left::Nothing => Some(0),
            Left::Sized(left) => Some(left),
            Left::Chunked(_) | Left::UntilClose => None,
        }
    }

    /// The next piece, in a buffer with room for a chunk's size line in front; `None` at the end.
    /// Bytes behind the body's end are put into `rest`: a client's next request.
    pub async fn piece(&mut self, reader: &mut Reader, rest: &mut Buffer) -> Result<Option<Buffer>, BodyError> {
        while !self.is_complete() {
            let mut buffer = self.buffer();
            buffer.leave_headroom(SIZE_LINE_BYTES_MAX);
            let (read, mut buffer) = reader.read(buffer).await;
            self.fills = buffer.room() == 0;
            match read {
                Ok(0) if matches!(self.left, Left::UntilClose) => {
                    self.left = Left::Nothing;
                    return Ok(None);
                }
                Ok(0) => return Err(BodyError::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(BodyError::Broken(error)),
            }
            self.take(&mut buffer, rest)?;
            if !buffer.is_empty() {
                return Ok(Some(buffer));
            }
        }
        Ok(None)
    }

    fn buffer(&self) -> Buffer {
        if self.fills { Buffer::body() } else { Buffer::head() }
    }

    /// Keeps the data of what was read, and moves what is behind the body's end to `rest`.
    fn take(&mut self, buffer: &mut Buffer, rest: &mut Buffer) -> Result<(), BodyError> {
        let read = buffer.len();
        let (data, next) = match &mut self.left {
            Left::Nothing => (0, 0),
            Left::UntilClose => (read, read),
            Left::Sized(left) => {
                let data = read.min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= data as u64;
                (data, data)
            }
            Left::Chunked(decoder) => {
                let decoded = decoder.decode(buffer).map_err(|_| BodyError::Malformed)?;
                (decoded.body, decoded.read)
            }
        };
        let done = match &self.left {
            Left::Sized(0) => true,
            Left::Chunked(decoder) => decoder.is_done(),
            _ => false,
        };
        if done {
            rest.push(&buffer[next..]);
            self.left = Left::Nothing;
        }
        buffer.truncate(data);
        self.allowance = self.allowance.checked_sub(data as u64).ok_or(BodyError::TooLarge)?;
        Ok(())
    }
}

/// Reads and drops what a peer still sends, within bounds: a close while bytes are unread resets the connection, and the
/// answer that was just written with it.
pub(super) async fn linger(mut reader: Reader, now: Instant) {
    let deadline = Rc::clone(&reader.deadline);
    let _armed = deadline.armed(now + LINGER_TIMEOUT);
    let mut read_in_all = 0;
    while read_in_all < LINGER_BYTES_MAX {
        match reader.read(Buffer::head()).await.0 {
            Ok(n @ 1..) => read_in_all += n as u64,
            Ok(0) | Err(_) => return,
        }
    }
}

/// Makes a piece a chunk, in place: it came with room for its size line.
pub(super) fn frame(piece: &mut Buffer, last: bool) {
    if !piece.is_empty() {
        let fits = piece.prepend(size_line(piece.len(), &mut [0; SIZE_LINE_BYTES_MAX]));
        debug_assert!(fits, "a piece has headroom for its size line");
        piece.push(CHUNK_END);
    }
    if last {
        piece.push(LAST_CHUNK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(framing: Framing, text: &str, expected: Result<(&str, &str, bool), &str>) {
        let mut bytes = text.as_bytes().to_vec();
        let begun = Body::begin(framing, &mut bytes, 4, 10);
        let found = match &begun {
            Ok((body, arrived)) => Ok((
                std::str::from_utf8(&bytes[arrived.start..arrived.end]).unwrap_or_default(),
                std::str::from_utf8(&bytes[arrived.next..]).unwrap_or_default(),
                body.is_complete(),
            )),
            Err(BodyError::Malformed) => Err("malformed"),
            Err(BodyError::TooLarge) => Err("too large"),
            Err(BodyError::Broken(_)) => Err("broken"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn what_arrived_with_a_head() {
        check(Framing::None, "HEADnext", Ok(("", "next", true)));
        check(Framing::Sized(3), "HEADabcnext", Ok(("abc", "next", true)));
        check(Framing::Sized(5), "HEADabc", Ok(("abc", "", false)));
        check(Framing::Sized(11), "HEADabc", Err("too large"));
        check(Framing::Chunked, "HEAD3\r\nabc\r\n0\r\n\r\nnext", Ok(("abc", "next", true)));
        check(Framing::Chunked, "HEAD3\r\nab", Ok(("ab", "", false)));
        check(Framing::Chunked, "HEADb\r\n01234567890\r\n", Err("too large"));
        check(Framing::Chunked, "HEADx", Err("malformed"));
        check(Framing::UntilClose, "HEADabc", Ok(("abc", "", false)));
    }
}
