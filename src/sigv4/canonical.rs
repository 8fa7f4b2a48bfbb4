//! The canonical request: what both sides write down the same way, and hash.

use std::borrow::Cow;

use super::request::{Headers, Request};

/// How a `+` in a query is meant. Clients disagree; AWS takes it for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plus {
    Itself,
    Blank,
}

/// What is signed beside the request's own parts.
pub(super) struct Parts<'p> {
    /// Lower case, sorted, each once.
    pub signed_headers: &'p [String],
    /// Hex, or `UNSIGNED-PAYLOAD`.
    pub payload: &'p str,
    pub plus: Plus,
    pub path: Path,
}

/// How the path stands in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    /// Every service but S3: without dot segments and repeated slashes, encoded once more.
    Normal,
    /// S3, whose keys may hold both: decoded, and encoded once.
    Key,
}

pub(super) fn canonical<'a, H: Headers<'a>>(request: &Request<'a, H>, parts: &Parts<'_>) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    text.extend_from_slice(request.method);
    text.push(b'\n');
    match parts.path {
        Path::Normal => path(request.path, &mut text),
        Path::Key => key(request.path, &mut text),
    }
    text.push(b'\n');
    query(request, parts.plus, &mut text);
    text.push(b'\n');
    for name in parts.signed_headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        header(request, name, &mut text);
        text.push(b'\n');
    }
    text.push(b'\n');
    for (index, name) in parts.signed_headers.iter().enumerate() {
        if index > 0 {
            text.push(b';');
        }
        text.extend_from_slice(name.as_bytes());
    }
    text.push(b'\n');
    text.extend_from_slice(parts.payload.as_bytes());
    text
}

type Encoded<'a> = Cow<'a, [u8]>;

/// Without dot segments and repeated slashes, encoded once more: `%` itself becomes `%25` (every service but S3).
fn path(path: &[u8], text: &mut Vec<u8>) {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|&byte| byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    for segment in &segments {
        text.push(b'/');
        segment.iter().for_each(|&byte| encode(byte, text));
    }
    if segments.is_empty() || path.ends_with(b"/") {
        text.push(b'/');
    }
}

fn key(path: &[u8], text: &mut Vec<u8>) {
    let mut at = 0;
    while at < path.len() {
        let (byte, length) = match (path[at], escaped(path, at)) {
            (b'%', Some(byte)) => (byte, 3),
            (byte, _) => (byte, 1),
        };
        encode(byte, text);
        at += length;
    }
}

/// Sorted by encoded name, then by encoded value. A presigned request's own signature is not part of it.
fn query<'a, H: Headers<'a>>(request: &Request<'a, H>, plus: Plus, text: &mut Vec<u8>) {
    let presigned = request.header("authorization").is_none();
    let mut pairs: Vec<(Encoded<'_>, Encoded<'_>)> = request
        .pairs()
        .filter(|(name, _)| !(presigned && *name == b"X-Amz-Signature"))
        .map(|(name, value)| (normal(name, plus), normal(value, plus)))
        .collect();
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push(b'&');
        }
        text.extend_from_slice(name);
        text.push(b'=');
        text.extend_from_slice(value);
    }
}

/// All lines of that name, each trimmed and with its runs of blanks made one, joined with commas.
fn header<'a, H: Headers<'a>>(request: &Request<'a, H>, name: &str, text: &mut Vec<u8>) {
    let same = |given: &[u8]| given.eq_ignore_ascii_case(name.as_bytes());
    for (index, (_, value)) in request.headers.clone().filter(|(given, _)| same(given)).enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let words = value.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(word);
        }
    }
}

/// A name or value of the query, decoded and encoded anew. Most are that already, and are borrowed.
fn normal(written: &[u8], plus: Plus) -> Encoded<'_> {
    let mut at = 0;
    while at < written.len() {
        match written[at] {
            b'%' => match (escaped(written, at), written[at + 1..].iter().take(2).any(u8::is_ascii_lowercase)) {
                (Some(byte), false) if !is_unreserved(byte) => at += 3,
                _ => break,
            },
            byte if is_unreserved(byte) => at += 1,
            _ => break,
        }
    }
    if at == written.len() {
        return Cow::Borrowed(written);
    }
    let mut text = Vec::with_capacity(written.len() + 16);
    let mut at = 0;
    while at < written.len() {
        let (byte, length) = match (written[at], escaped(written, at)) {
            (b'%', Some(byte)) => (byte, 3),
            (b'+', _) if plus == Plus::Blank => (b' ', 1),
            (byte, _) => (byte, 1),
        };
        if byte == b'/' {
            text.extend_from_slice(b"%2F")
        } else {
            encode(byte, &mut text)
        }
        at += length;
    }
    Cow::Owned(text)
}

fn escaped(written: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let (high, low) = (digit(written.get(at + 1))?, digit(written.get(at + 2))?);
    u8::try_from(high << 4 | low).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn encode(byte: u8, text: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if is_unreserved(byte) || byte == b'/' {
        text.push(byte);
    } else {
        text.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (written, expected) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("//a///b//", "/a/b/"),
            ("/a/./b/../c", "/a/c"),
            ("/../a", "/a"),
            ("/a/..", "/"),
            ("/a/../", "/"),
            ("/a%20b%2Fc", "/a%2520b%252Fc"),
            ("/@connections/a=", "/%40connections/a%3D"),
            ("/$default/~x_y-z.w", "/%24default/~x_y-z.w"),
            ("/é", "/%C3%A9"),
        ] {
            let mut text = Vec::new();
            path(written.as_bytes(), &mut text);
            assert_eq!(String::from_utf8_lossy(&text), expected, "{written}");
        }
    }

    #[test]
    fn queries() {
        for (written, expected) in [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("z=1&a=%20x&a=1&empty", "a=%20x&a=1&empty=&z=1"),
            ("a=b=c", "a=b%3Dc"),
            ("a=%2f&B=%7e", "B=~&a=%2F"),
            ("a=/:@", "a=%2F%3A%40"),
            ("a=%&b=%4", "a=%25&b=%254"),
            ("a=1+2", "a=1%2B2"),
            ("a-b=1&a=2", "a=2&a-b=1"),
            ("a&&b", "=&a=&b="),
            ("X-Amz-Signature=x&X-Amz-Date=y", "X-Amz-Date=y"),
        ] {
            let query_bytes = Some(written.as_bytes());
            let headers = std::iter::empty();
            let request = Request { method: b"GET", path: b"/", query: query_bytes, headers, body_hash: [0; 32] };
            let mut text = Vec::new();
            query(&request, Plus::Itself, &mut text);
            assert_eq!(String::from_utf8_lossy(&text), expected, "{written}");
        }
        assert_eq!(normal(b"1+2", Plus::Blank).as_ref(), b"1%202");
        assert!(matches!(normal(b"a%2Fb", Plus::Itself), Cow::Borrowed(_)));
    }

    #[test]
    fn headers_of_several_lines() {
        let lines: [(&[u8], &[u8]); 3] = [(b"X-A", b"  1 \t  2 "), (b"host", b"h"), (b"x-a", b"3,  4")];
        let request =
            Request { method: b"GET", path: b"/", query: None, headers: lines.into_iter(), body_hash: [0; 32] };
        let mut text = Vec::new();
        header(&request, "x-a", &mut text);
        assert_eq!(text, b"1 2,3, 4");
    }
}
