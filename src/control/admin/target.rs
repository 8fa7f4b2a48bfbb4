//! The target of a call: segments of its path and pairs of its query, decoded.

use percent_encoding::percent_decode_str;

/// A segment or a name, `%XX` undone; `None` where that is no UTF-8, or no `%XX`.
pub fn decode(text: &str) -> Option<String> {
    let sound = text.split('%').skip(1).all(|rest| {
        rest.len() >= 2 && rest.is_char_boundary(2) && rest[..2].bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if !sound {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
}

/// The pairs of a query, a plus read as a blank.
pub fn query(text: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| decode(&text.replace('+', " "));
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_once() {
        assert_eq!(decode("a%2Fb%2520").as_deref(), Some("a/b%20"));
        for text in ["%", "%2", "%zz", "%ff", "a%é"] {
            assert_eq!(decode(text), None, "{text}");
        }
        let pairs = query("tagKeys=a&tagKeys=b+c&x&=y").expect("a query");
        let expected = [("tagKeys", "a"), ("tagKeys", "b c"), ("x", ""), ("", "y")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
