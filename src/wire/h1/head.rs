//! What request heads and response heads share: where they end, how their lines are read.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::framing::{Framing, HEADER_LINES_MAX, HeadError};
use crate::wire::headers::{Known, Line, Span};

/// Finds the empty line that ends a head. `looked` is how far an earlier look came.
/// The offset is that of the first byte behind the head.
#[inline]
pub fn end(bytes: &[u8], looked: usize) -> Option<usize> {
    static EMPTY_LINE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));
    let from = looked.saturating_sub(3);
    let rest = bytes.get(from..)?;
    EMPTY_LINE.find(rest).map(|at| from + at + 4).or_else(|| bare_end(rest).map(|at| from + at))
}

/// A head that ends in bare line feeds: it is refused, but it must be seen to end.
fn bare_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

/// RFC 9112 2.2: a bare LF may be taken as a line's end, but whoever stands before us may not. httparse takes it, so
/// every line's end is looked at: it lies right before the next line's name.
#[inline]
pub(super) fn has_bare_newline(head: &[u8], lines: &[Line]) -> bool {
    let starts = lines.iter().map(|line| usize::from(line.name.start)).chain([head.len() - 2]);
    !head.ends_with(b"\r\n\r\n") && head != b"\r\n"
        || starts.into_iter().any(|start| start < 2 || head[start - 2..start] != *b"\r\n")
}

/// Copies httparse's lines into spans and classifies them.
pub(super) fn take_lines(bytes: &[u8], parsed: &[httparse::Header<'_>], lines: &mut Vec<Line>) {
    lines.clear();
    lines.extend(parsed.iter().map(|header| Line {
        name: Span::within(bytes, header.name.as_bytes()),
        value: Span::within(bytes, header.value.trim_ascii()),
        known: Known::of(header.name.as_bytes()),
    }));
}

pub(super) fn refusal(error: httparse::Error) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooLarge,
        httparse::Error::Version => HeadError::Version,
        _ => HeadError::Malformed,
    }
}

pub(super) const LINES: usize = HEADER_LINES_MAX;

/// The framing that the lines say, by RFC 9112 6.3: chunked alone, or one Content-Length, or nothing.
pub(super) fn framing(bytes: &[u8], lines: &[Line], http_1_1: bool) -> Result<Option<Framing>, HeadError> {
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        match line.known {
            Known::ContentLength => {
                // RFC 9112 6.3: a list of the same number may be taken; a second line, or a list, is refused here,
                // because the next reader may have taken the other one.
                if length.is_some() {
                    return Err(HeadError::AmbiguousFraming);
                }
                length = Some(decimal(line.value.of(bytes)).ok_or(HeadError::AmbiguousFraming)?);
            }
            Known::TransferEncoding => {
                // Only the one coding that every reader understands the same way, once, and not from HTTP/1.0.
                if chunked || !http_1_1 || !line.value.of(bytes).eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadError::AmbiguousFraming);
                }
                chunked = true;
            }
            _ => {}
        }
    }
    match (length, chunked) {
        // RFC 9112 6.3: where both are given, two readers can disagree on where the body ends, and the rest is read
        // as a second request. We answer 400 and close.
        (Some(_), true) => Err(HeadError::AmbiguousFraming),
        (Some(n), false) => Ok(Some(Framing::Sized(n))),
        (None, true) => Ok(Some(Framing::Chunked)),
        (None, false) => Ok(None),
    }
}

/// Digits and nothing else: no sign, no blank, no list, no overflow.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}
