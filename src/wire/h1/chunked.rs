//! The chunked coding (RFC 9112 7.1): a decoder that is fed pieces of any size, and the frame around a piece that is sent.

use super::framing::CHUNK_OVERHEAD_BYTES_MAX;

/// Reads a chunked body. Extensions and trailers are checked and dropped: AWS hands on neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoder {
    state: State,
    /// Bytes of size lines, extensions and trailers so far.
    overhead: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before or within the digits of a size; `digits` of them have been read.
    #[default]
    SizeStart,
    Size {
        size: u64,
        digits: u8,
    },
    Extension {
        size: u64,
        /// The quote of a quoted string is open.
        quoted: bool,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    Malformed,
    /// More overhead than [`CHUNK_OVERHEAD_BYTES_MAX`]: extensions or trailers without an end.
    TooMuchOverhead,
}

/// What one call of [`Decoder::decode`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of body, moved to the front of what was given.
    pub body: usize,
    /// Bytes of the coding that were read; what lies behind them belongs to the next message.
    pub read: usize,
    pub done: bool,
}

impl Decoder {
    /// Reads as much of `bytes` as belongs to the body and moves its data to the front, in place.
    pub fn decode(&mut self, bytes: &mut [u8]) -> Result<Decoded, ChunkError> {
        let (mut read, mut body) = (0, 0);
        while read < bytes.len() && self.state != State::Done {
            if let State::Data { left } = &mut self.state {
                let n = (bytes.len() - read).min(usize::try_from(*left).unwrap_or(usize::MAX));
                bytes.copy_within(read..read + n, body);
                *left -= n as u64;
                if *left == 0 {
                    self.state = State::DataCr;
                }
                read += n;
                body += n;
            } else {
                self.state = self.step(bytes[read])?;
                self.overhead += 1;
                if self.overhead > CHUNK_OVERHEAD_BYTES_MAX {
                    return Err(ChunkError::TooMuchOverhead);
                }
                read += 1;
            }
        }
        Ok(Decoded { body, read, done: self.state == State::Done })
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        let next = match (&self.state, byte) {
            (State::SizeStart, _) => State::Size { size: hex(byte)?, digits: 1 },
            (State::Size { size, .. }, b'\r') => State::SizeLf { size: *size },
            (State::Size { size, .. }, b';') => State::Extension { size: *size, quoted: false },
            // Fifteen digits are a petabyte: beyond every limit, and far from where a number would wrap.
            (State::Size { size, digits }, _) if *digits < 15 => {
                State::Size { size: size * 16 + hex(byte)?, digits: digits + 1 }
            }
            (State::Extension { size, quoted: false }, b'\r') => State::SizeLf { size: *size },
            (State::Extension { size, quoted }, b'"') => State::Extension { size: *size, quoted: !quoted },
            (State::Extension { size, quoted }, b'\t' | b' '..=b'~' | 0x80..) => {
                State::Extension { size: *size, quoted: *quoted }
            }
            (State::SizeLf { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeLf { size }, b'\n') => {
                // A chunk is the overhead's excuse: a body of many chunks may carry as much overhead as it has chunks.
                self.overhead = self.overhead.saturating_sub(32);
                State::Data { left: *size }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::SizeStart,
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, b'!'..=b'9' | b';'..=b'~') => State::Trailer,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, b'\t' | b' '..=b'~' | 0x80..) => State::Trailer,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(ChunkError::Malformed),
        };
        Ok(next)
    }
}

fn hex(byte: u8) -> Result<u64, ChunkError> {
    (byte as char).to_digit(16).map(u64::from).ok_or(ChunkError::Malformed)
}

/// The size line in front of `n` bytes, in `line`; answers the part that is used. At most 18 bytes.
pub fn size_line(n: usize, line: &mut [u8; 18]) -> &[u8] {
    line[16..].copy_from_slice(b"\r\n");
    let (mut at, mut rest) = (16, n);
    loop {
        at -= 1;
        line[at] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
        if rest == 0 {
            return &line[at..];
        }
    }
}

/// Room that [`size_line`] may need in front of a piece.
pub const SIZE_LINE_BYTES_MAX: usize = 18;
/// Behind every piece.
pub const CHUNK_END: &[u8] = b"\r\n";
/// Behind the last one: no trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// For the fuzzer, and for the test that runs its seeds: splitting the bytes anywhere changes nothing.
pub fn fuzz(bytes: &[u8]) {
    let whole = decode_in_pieces(&[bytes]);
    for cut in 0..bytes.len().min(64) {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(decode_in_pieces(&[left, right]), whole, "cut at {cut}");
    }
}

fn decode_in_pieces(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), ChunkError> {
    let mut decoder = Decoder::default();
    let mut body = Vec::new();
    for piece in pieces {
        let mut bytes = piece.to_vec();
        let decoded = decoder.decode(&mut bytes)?;
        body.extend_from_slice(&bytes[..decoded.body]);
    }
    Ok((body, decoder.is_done()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(coded: &str, expected: Result<(&str, bool), ChunkError>) {
        let expected = expected.map(|(body, done)| (body.as_bytes().to_vec(), done));
        assert_eq!(decode_in_pieces(&[coded.as_bytes()]), expected, "{coded:?}");
        let single: Vec<&[u8]> = coded.as_bytes().chunks(1).collect();
        assert_eq!(decode_in_pieces(&single), expected, "{coded:?} byte by byte");
    }

    #[test]
    fn bodies_that_are_taken() {
        check("0\r\n\r\n", Ok(("", true)));
        check(
            "4\r\nWiki\r\n6\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\n\r\n",
            Ok(("Wikipedia in \r\n\r\nchunks.", true)),
        );
        check("3;name=value;q=\"a;b\"\r\nabc\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", Ok(("abc", true)));
        check("000003\r\nabc\r\n000\r\n\r\n", Ok(("abc", true)));
        check("5\r\nab", Ok(("ab", false)));
        check("0\r\n", Ok(("", false)));
    }

    #[test]
    fn bodies_that_are_refused() {
        for coded in [
            "\r\nabc",
            "x\r\n",
            "-1\r\n",
            "+1\r\na\r\n",
            "0x1\r\na\r\n",
            " 1\r\na\r\n",
            "1 \r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n0\r\n\r\n",
            "1\r\naX\r\n",
            "1;a\nb\r\n",
            "1;a\0b\r\n",
            "1\r\na\r\n0\r\n bad: trailer\r\n\r\n",
            "1\r\na\r\n0\r\n: trailer\r\n\r\n",
            "1\r\na\r\n0\r\nt: \0\r\n\r\n",
            "1\r\na\r\n0\r\n\n",
            "ffffffffffffffff\r\n",
            "10000000000000000\r\n",
        ] {
            check(coded, Err(ChunkError::Malformed));
        }
        let endless = format!("1;{}", "x".repeat(CHUNK_OVERHEAD_BYTES_MAX));
        check(&endless, Err(ChunkError::TooMuchOverhead));
    }

    #[test]
    fn what_follows_a_body_is_left_alone() {
        let mut bytes = *b"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
        let decoded = Decoder::default().decode(&mut bytes);
        assert_eq!(decoded, Ok(Decoded { body: 1, read: 11, done: true }));
    }

    #[test]
    fn many_small_chunks_are_no_attack() {
        let body = "1\r\na\r\n".repeat(100_000) + "0\r\n\r\n";
        assert_eq!(decode_in_pieces(&[body.as_bytes()]).map(|(body, done)| (body.len(), done)), Ok((100_000, true)));
    }

    #[test]
    fn size_lines() {
        let line = |n| String::from_utf8_lossy(size_line(n, &mut [0; 18])).into_owned();
        assert_eq!(
            (line(1), line(255), line(usize::MAX)),
            ("1\r\n".into(), "ff\r\n".into(), "ffffffffffffffff\r\n".into())
        );
    }
}
