//! Is a body text or bytes, and which of both is wanted (rest/06 sections 6.1 to 6.3).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::wire::headers::media_type;

/// `binaryMediaTypes` of an API.
#[derive(Clone, Debug, Default)]
pub(super) struct BinaryTypes {
    /// `*/*`: everything is bytes, also what has no type.
    pub(super) everything: bool,
    /// In lower case: `image/png`, or `image/` for `image/*`.
    pub(super) entries: Box<[Box<str>]>,
}

impl BinaryTypes {
    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.entries.is_empty()
    }

    /// Whether a Content-Type, or the first entry of an Accept, is one of them. A wildcard in the header is compared as
    /// it is written (recorded on AWS: `image/*` does not meet `image/png`, and meets `image/*`).
    pub(super) fn contain(&self, header: Option<&[u8]>) -> bool {
        if self.everything {
            return true;
        }
        let Some(header) = header else { return false };
        let first = media_type(header.split(|&byte| byte == b',').next().unwrap_or_default());
        self.entries.iter().any(|entry| {
            let entry = entry.as_bytes();
            match entry.last() {
                Some(b'/') => first.len() > entry.len() && first[..entry.len()].eq_ignore_ascii_case(entry),
                _ => first.eq_ignore_ascii_case(entry),
            }
        })
    }
}

/// `contentHandling` of an integration or of an integration response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentHandling {
    ConvertToBinary,
    ConvertToText,
}

/// What a template and a backend, or a client, get of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Converted<'b> {
    Text(Cow<'b, str>),
    Bytes(Cow<'b, [u8]>),
}

/// A text that should have been base64 and is not: 500.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotBase64;

impl<'b> Converted<'b> {
    /// The client's body (rest/06 section 6.2). `binary`: its Content-Type is one of the binary ones.
    pub(super) fn request(body: &'b [u8], binary: bool, handling: Option<ContentHandling>) -> Result<Self, NotBase64> {
        match (binary, handling) {
            (false, None | Some(ContentHandling::ConvertToText)) => Ok(text(body)),
            (false, Some(ContentHandling::ConvertToBinary)) => decoded(body),
            (true, None | Some(ContentHandling::ConvertToBinary)) => Ok(Self::Bytes(body.into())),
            (true, Some(ContentHandling::ConvertToText)) => Ok(encoded(body)),
        }
    }

    /// The backend's body (rest/06 section 6.3). `wanted`: the client's Accept names a binary type first.
    pub(super) fn response(
        body: &'b [u8],
        binary: bool,
        wanted: bool,
        handling: Option<ContentHandling>,
    ) -> Result<Self, NotBase64> {
        match (binary, wanted, handling) {
            (false, false, None) | (false, _, Some(ContentHandling::ConvertToText)) => Ok(text(body)),
            (false, true, None) | (false, _, Some(ContentHandling::ConvertToBinary)) => decoded(body),
            (true, false, None) | (true, _, Some(ContentHandling::ConvertToText)) => Ok(encoded(body)),
            (true, true, None) | (true, _, Some(ContentHandling::ConvertToBinary)) => Ok(Self::Bytes(body.into())),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Whether these are the bytes that came.
    pub(super) fn is_unchanged(&self) -> bool {
        matches!(self, Self::Text(Cow::Borrowed(_)) | Self::Bytes(Cow::Borrowed(_)))
    }
}

/// AWS reads what is no binary type as UTF-8, and what is none of that as U+FFFD (recorded).
fn text(body: &[u8]) -> Converted<'_> {
    Converted::Text(match std::str::from_utf8(body) {
        // The usual case, which the lossy reader takes five times as long for.
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(body),
    })
}

fn encoded(body: &[u8]) -> Converted<'_> {
    Converted::Text(STANDARD.encode(body).into())
}

/// Strictly: a blank in it is an error (recorded).
fn decoded(body: &[u8]) -> Result<Converted<'_>, NotBase64> {
    STANDARD.decode(body).map(|bytes| Converted::Bytes(bytes.into())).map_err(|_| NotBase64)
}

#[cfg(test)]
mod tests {
    use super::ContentHandling::{ConvertToBinary, ConvertToText};
    use super::*;

    fn types(entries: &[&str]) -> BinaryTypes {
        BinaryTypes {
            everything: entries.contains(&"*/*"),
            entries: entries.iter().map(|entry| entry.trim_end_matches('*').into()).collect(),
        }
    }

    #[test]
    fn which_media_types_are_binary() {
        let check = |entries: &[&str], header: Option<&str>, expected: bool| {
            assert_eq!(types(entries).contain(header.map(str::as_bytes)), expected, "{entries:?} {header:?}");
        };
        check(&["image/png"], Some("image/png"), true);
        check(&["image/png"], Some("Image/PNG; q=1"), true);
        check(&["image/png"], Some("image/png,image/*,*/*;q=0.8"), true);
        check(&["image/png"], Some("image/webp,image/png,*/*;q=0.8"), false);
        check(&["image/png"], Some("image/*"), false);
        check(&["image/png"], Some("*/*"), false);
        check(&["image/png"], Some("application"), false);
        check(&["image/png"], None, false);
        check(&["application/*"], Some("application/whatever"), true);
        check(&["application/*"], Some("application/*"), true);
        check(&["application/*"], Some("application"), false);
        check(&["*/test"], Some("random/test"), false);
        check(&["*/*"], Some("text/plain"), true);
        check(&["*/*"], None, true);
        check(&[], Some("image/png"), false);
    }

    fn shown(converted: Result<Converted<'_>, NotBase64>) -> String {
        match converted {
            Ok(Converted::Text(text)) => format!("text {text}"),
            Ok(Converted::Bytes(bytes)) => format!("bytes {}", bytes.escape_ascii()),
            Err(NotBase64) => "500".into(),
        }
    }

    #[test]
    fn the_table_of_requests() {
        let check = |body: &[u8], binary, handling, expected: &str| {
            assert_eq!(shown(Converted::request(body, binary, handling)), expected);
        };
        check(b"a\xff", false, None, "text a\u{fffd}");
        check(b"a\xff", false, Some(ConvertToText), "text a\u{fffd}");
        check(b"YWI=", false, Some(ConvertToBinary), "bytes ab");
        check(b"Y WI=", false, Some(ConvertToBinary), "500");
        check(b"a\xff", true, None, r"bytes a\xff");
        check(b"a\xff", true, Some(ConvertToBinary), r"bytes a\xff");
        check(b"ab", true, Some(ConvertToText), "text YWI=");
    }

    #[test]
    fn the_table_of_responses() {
        let check = |body: &[u8], binary, wanted, handling, expected: &str| {
            assert_eq!(shown(Converted::response(body, binary, wanted, handling)), expected);
        };
        check(b"a\xff", false, false, None, "text a\u{fffd}");
        check(b"YWI=", false, true, None, "bytes ab");
        check(b"not base64", false, true, None, "500");
        check(b"ab", true, false, None, "text YWI=");
        check(b"a\xff", true, true, None, r"bytes a\xff");
        for wanted in [false, true] {
            check(b"YWI=", false, wanted, Some(ConvertToBinary), "bytes ab");
            check(b"?", false, wanted, Some(ConvertToBinary), "500");
            check(b"a\xff", true, wanted, Some(ConvertToBinary), r"bytes a\xff");
            check(b"a\xff", false, wanted, Some(ConvertToText), "text a\u{fffd}");
            check(b"ab", true, wanted, Some(ConvertToText), "text YWI=");
        }
    }
}
