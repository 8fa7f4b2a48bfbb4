//! A text that nobody is shown: not in `Debug`, not in a mistake, not on a line of `weir.toml` beside a mistake.

use std::fmt;
use std::ops::Range;

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For whoever signs or compares with it. Never for a log or an answer.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// `weir.toml` as it may be shown beside a mistake: what follows the name of a secret is masked, byte for byte, so that
/// every place stays where it was. Works on the text, for a file that is not even TOML has secrets too.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut mask = |range: Range<usize>| {
        for byte in &mut bytes[range] {
            if !byte.is_ascii_whitespace() {
                *byte = b'*';
            }
        }
    };
    for name in ["secret-key", "session-token"] {
        for (at, _) in text.match_indices(name) {
            let from = at + name.len();
            if let Some(equals) = text[from..].find('=') {
                mask(value_at(text, from + equals + 1));
            }
        }
    }
    // A name that is nearly one of these is a mistake, and is shown beside its value.
    let lower = text.to_ascii_lowercase();
    for name in ["secret", "token", "password", "envir"] {
        for (at, _) in lower.match_indices(name) {
            let line = lower[at..].find('\n').map_or(text.len(), |length| at + length);
            if let Some(equals) = text[at..line].find('=') {
                mask(value_at(text, at + equals + 1));
            }
        }
    }
    // `http://user:password@host`
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || "/\"'".contains(c)).unwrap_or(rest.len());
        if let Some(sign) = rest[..end].rfind('@') {
            mask(at + 3..at + 3 + sign);
        }
    }
    // What a function is told by its environment may be anybody's password: whatever its names are.
    for (at, name) in text.match_indices("environment") {
        let from = at + name.len();
        let next = text[from..].trim_start_matches(['"', '\'', ' ', '\t']);
        match next.as_bytes().first() {
            Some(b'=' | b'.') => {
                if let Some(equals) = text[from..].find('=') {
                    mask(value_at(text, from + equals + 1));
                }
            }
            // A table of its own, to the next header.
            Some(b']') => {
                let from = text.len() - next.len() + 1;
                mask(from..text[from..].find("\n[").map_or(text.len(), |length| from + length));
            }
            _ => {}
        }
    }
    // Only whole characters were replaced, each byte by one of ASCII.
    String::from_utf8(bytes).unwrap_or_default()
}

/// The value that begins at `from`: a text of several lines or a table whole, anything else to the end of its line.
fn value_at(text: &str, from: usize) -> Range<usize> {
    let value = text[from..].trim_start_matches([' ', '\t']);
    let start = text.len() - value.len();
    let end = match ["\"\"\"", "\'\'\'"].iter().find(|quotes| value.starts_with(**quotes)) {
        Some(quotes) => value[3..].find(quotes).map_or(value.len(), |at| at + 6),
        None if value.starts_with('{') => {
            let table = end_of_table(value);
            table + value[table..].find('\n').unwrap_or(value.len() - table)
        }
        None => value.find('\n').unwrap_or(value.len()),
    };
    from..start + end
}

/// Behind the brace that closes the first one, where they stand in no text; the end where none does.
fn end_of_table(text: &str) -> usize {
    let (mut depth, mut quote, mut is_escaped) = (0_usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if is_escaped => is_escaped = false,
            (Some(b'"'), b'\\') => is_escaped = true,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') => depth -= 1,
            (None, _) => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::new("hush"))), "Some(Secret(…))");
        for (text, expected) in [
            ("secret-key = \"hush\"\nx = 1", "secret-key = ******\nx = 1"),
            ("{ secret-key='é', principal = 'a' }\n", "{ secret-key=***** ********* * *** *\n"),
            ("session-token = '''\na\nb'''\nx = 1", "session-token = ***\n*\n****\nx = 1"),
            ("\"secret-key\" = = hush", "\"secret-key\" = * ****"),
            ("x = 1 # secret-key", "x = 1 # secret-key"),
            ("environment = { A = '}', B = \"\\\"}\" } # c\nx = 1", "environment = * * * **** * * ***** * * *\nx = 1"),
            ("environment = { A = 'a',\n B = 'b' }\nx = 1", "environment = * * * ****\n * * *** *\nx = 1"),
            ("environment.DB = 'hush'\nx = 1", "environment.DB = ******\nx = 1"),
            ("[functions.environment]\nDB = 'hush'\n[x]\ny = 1", "[functions.environment]\n** * ******\n[x]\ny = 1"),
            ("environment = { A = 'a", "environment = * * * **"),
            ("# the environment\nx = 1", "# the environment\nx = 1"),
        ] {
            assert_eq!(masked(text), expected);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
