//! Request targets: their parts, what may not stand in them, percent-encoding.

/// A request target in origin form, split; all parts are slices of it. Absolute forms have been reduced to it, with their authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'t> {
    /// Only of an absolute form: `http://authority/…`.
    pub authority: Option<&'t [u8]>,
    /// Begins with `/`; still percent-encoded.
    pub path: &'t [u8],
    /// Without its `?`; `None` where there was none.
    pub query: Option<&'t [u8]>,
}

/// Splits a target, or answers `None` where it is not one that a gateway takes (the front end answers 400 then):
/// control or non-ASCII bytes, a fragment, characters that RFC 3986 excludes, a broken percent-encoding in the path,
/// or a `..` segment in any spelling, which would leave the part of the backend that a definition exposes.
pub fn split(target: &[u8]) -> Option<Target<'_>> {
    let (authority, rest) = match target.first()? {
        b'/' => (None, target),
        b'*' if target.len() == 1 => return Some(Target { authority: None, path: target, query: None }),
        _ => {
            let rest = strip_scheme(target)?;
            let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
    };
    let (path, query) = match memchr::memchr(b'?', rest) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    // An absolute form may have no path: then it is `/`, and a slash of its `://` stands for it.
    let path = if path.is_empty() { memchr::memchr(b'/', target).map(|at| &target[at..=at])? } else { path };
    if !path.iter().all(|&byte| CLASS[usize::from(byte)] & IN_PATH != 0) || !is_path_sound(path) {
        return None;
    }
    if query.is_some_and(|query| !query.iter().all(|&byte| CLASS[usize::from(byte)] & IN_QUERY != 0)) {
        return None;
    }
    Some(Target { authority, path, query })
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"]
        .iter()
        .find(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map(|scheme| &target[scheme.len()..])
}

/// Percent-encodings are whole, none is a NUL, and no segment is `..`.
fn is_path_sound(path: &[u8]) -> bool {
    encodings_are_whole(path) && is_free_of_dot_segments(path)
}

/// Whether no segment says `..` or `.`, however a backend may read it: encoded, behind an encoded slash (`..%2fadmin`),
/// with a backslash for a slash (IIS), or with a parameter behind it (`..;x`, Tomcat). `/a/./b` leaves nothing, but a
/// policy about `/a/b` would not be asked about it, and a signature of the one fits the other.
pub fn is_free_of_dot_segments(path: &[u8]) -> bool {
    // Most paths have no dot: only then is one looked at byte by byte.
    if memchr::memchr(b'.', path).is_none() && !path.windows(3).any(|three| three.eq_ignore_ascii_case(b"%2e")) {
        return true;
    }
    let mut dots = Some(0); // dots of this segment so far; `None` once it has something else
    for byte in Decoded::of(path).chain([b'/']) {
        match (byte, dots) {
            (b'/' | b'\\' | b';', Some(1 | 2)) => return false,
            (b'/' | b'\\', _) => dots = Some(0),
            (b'.', Some(n)) if n < 3 => dots = Some(n + 1),
            _ => dots = None,
        }
    }
    true
}

fn encodings_are_whole(path: &[u8]) -> bool {
    memchr::memchr_iter(b'%', path).all(|at| path.get(at + 1..at + 3).and_then(hex_byte).is_some_and(|byte| byte != 0))
}

const IN_PATH: u8 = 1;
const IN_QUERY: u8 = 2;
/// RFC 3986's unreserved characters: what needs no encoding anywhere.
const UNRESERVED: u8 = 4;
/// Stays as it is when a value is written into a path: the characters of a path, and encodings that are there already.
const KEPT_IN_PATH: u8 = 8;

const CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        table[byte] = match byte as u8 {
            // RFC 3986 leaves these out; browsers and AWS's front end let some pass in a path.
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'#' => 0,
            // rest/01 section 1.4: not supported in a query; in a path they are only unusual.
            b'{' | b'|' | b'}' => IN_PATH,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                IN_PATH | IN_QUERY | UNRESERVED | KEPT_IN_PATH
            }
            b'?' | b'[' | b']' => IN_PATH | IN_QUERY,
            _ => IN_PATH | IN_QUERY | KEPT_IN_PATH,
        };
        byte += 1;
    }
    table
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|value| value as u8);
    Some(digit(*digits.first()?)? << 4 | digit(*digits.get(1)?)?)
}

/// The name-value pairs of a query, still encoded. AWS splits at `&`, and at `;`, which "splits data" (rest/01 1.4).
pub fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let pair = pair.split(|&byte| byte == b';').next().unwrap_or_default();
        match memchr::memchr(b'=', pair) {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        }
    })
}

/// Bytes of a percent-encoded text; a broken encoding stands for itself.
#[derive(Clone)]
pub struct Decoded<'t> {
    rest: &'t [u8],
    plus_is_space: bool,
}

impl<'t> Decoded<'t> {
    pub fn of(text: &'t [u8]) -> Self {
        Self { rest: text, plus_is_space: false }
    }

    /// As in a query: `+` is a space.
    pub fn of_query(text: &'t [u8]) -> Self {
        Self { rest: text, plus_is_space: true }
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        match first {
            b'%' => match rest.get(..2).and_then(hex_byte) {
                Some(byte) => {
                    self.rest = &rest[2..];
                    Some(byte)
                }
                None => Some(b'%'),
            },
            b'+' if self.plus_is_space => Some(b' '),
            byte => Some(byte),
        }
    }
}

/// Whether an encoded query name says `name`.
#[inline]
pub fn query_name_is(encoded: &[u8], name: &[u8]) -> bool {
    encoded == name
        || (encoded.iter().any(|byte| matches!(byte, b'%' | b'+'))
            && Decoded::of_query(encoded).eq(name.iter().copied()))
}

/// Writes a value so that it stands for itself in a query.
pub fn encode_query(value: impl Iterator<Item = u8>, mut push: impl FnMut(u8)) {
    for byte in value {
        if CLASS[usize::from(byte)] & UNRESERVED != 0 { push(byte) } else { push_encoded(byte, &mut push) }
    }
}

/// Writes a header's or a context's value into a path: what cannot stand there is encoded, the rest stays.
pub fn encode_path(value: &[u8], mut push: impl FnMut(u8)) {
    for &byte in value {
        if CLASS[usize::from(byte)] & KEPT_IN_PATH != 0 { push(byte) } else { push_encoded(byte, &mut push) }
    }
}

fn push_encoded(byte: u8, push: &mut impl FnMut(u8)) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    push(b'%');
    push(DIGITS[usize::from(byte >> 4)]);
    push(DIGITS[usize::from(byte & 15)]);
}

/// For the fuzzer, and for the test that runs its seeds: what is taken is sound, and splitting loses nothing.
pub fn fuzz(bytes: &[u8]) {
    let Some(target) = split(bytes) else { return };
    assert!(target.path == b"*" || target.path.first() == Some(&b'/'), "a path is absolute");
    assert!(target.path.iter().all(|byte| byte.is_ascii_graphic()), "nothing unseen passes");
    for segment in target.path.split(|&byte| byte == b'/') {
        assert!(!Decoded::of(segment).eq(*b".."), "no segment leaves its parent");
    }
    for (name, value) in target.query.into_iter().flat_map(pairs) {
        assert!(query_name_is(name, &Decoded::of_query(name).collect::<Vec<_>>()), "a name says itself");
        let mut encoded = Vec::new();
        encode_query(Decoded::of_query(value), |byte| encoded.push(byte));
        assert!(Decoded::of_query(&encoded).eq(Decoded::of_query(value)), "encoding keeps the value");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: Option<(&str, Option<&str>)>) {
        let split = split(target.as_bytes());
        let found = split.map(|split| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(split.path), split.query.map(text))
        });
        assert_eq!(found, expected.map(|(path, query)| (path.to_owned(), query.map(str::to_owned))));
    }

    #[test]
    fn targets() {
        check("/pets/1?a=b", Some(("/pets/1", Some("a=b"))));
        check("/pets/?", Some(("/pets/", Some(""))));
        check("http://example.com", Some(("/", None)));
        check("HTTP://example.com/x?y", Some(("/x", Some("y"))));
        check("*", Some(("*", None)));
        check("/a%2Fb/c%20d", Some(("/a%2Fb/c%20d", None)));
        check("/a..b/...", Some(("/a..b/...", None)));
        check("/.well-known/x", Some(("/.well-known/x", None)));
        check("", None);
        check("pets", None);
        check("ftp://example.com/", None);
        check("/a b", None);
        check("/a#b", None);
        check("/ä", None);
        check("/?q={x}", None);
        check("/?q=a|b", None);
        check("/%zz", None);
        check("/%2", None);
        check("/%00", None);
        check("/a/../b", None);
        check("/a/..", None);
        check("/a/%2e%2E/b", None);
        check("/a/.%2e/b", None);
        check("/a/%2e./b", None);
        check("/a/.%2", None);
        check("/a/..%2fadmin", None);
        check("/a/..%5Cadmin", None);
        check("/a/..;/admin", None);
        check("/a/..;x=y", None);
        check("/a%2f..", None);
        check("/a/...", Some(("/a/...", None)));
        check("/a/..b", Some(("/a/..b", None)));
        check("/a/.;/b", None);
        check("/a/./b", None);
        check("/a/.", None);
        check("/a/%2e/b", None);
        check("/.well-known/a.b", Some(("/.well-known/a.b", None)));
    }

    #[test]
    fn queries_are_split_and_decoded_as_aws_does() {
        let found: Vec<(String, String)> = pairs(b"a=1&b&c=x+y%2Bz&d=1;e=2&&=f")
            .map(|(name, value)| {
                let text =
                    |encoded| String::from_utf8_lossy(&Decoded::of_query(encoded).collect::<Vec<_>>()).into_owned();
                (text(name), text(value))
            })
            .collect();
        let expected = [("a", "1"), ("b", ""), ("c", "x y+z"), ("d", "1"), ("", "f")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(query_name_is(b"a%20b", b"a b"));
        assert!(!query_name_is(b"A", b"a"));
    }

    #[test]
    fn values_are_encoded_where_they_must_be() {
        let mut query = Vec::new();
        encode_query(b"a b&c=\r\n~".iter().copied(), |byte| query.push(byte));
        assert_eq!(query, b"a%20b%26c%3D%0D%0A~");
        let mut path = Vec::new();
        encode_path(b"a/b c?d%20", |byte| path.push(byte));
        assert_eq!(path, b"a/b%20c%3Fd%20");
    }
}
