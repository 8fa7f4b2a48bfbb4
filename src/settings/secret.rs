//! A text that nobody is shown: not in `Debug`, not in a mistake, not on a line of `weir.toml` beside a mistake.

use std::fmt;

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
    for name in ["secret-key", "session-token"] {
        for (at, _) in text.match_indices(name) {
            let from = at + name.len();
            let Some(equals) = text[from..].find('=').map(|at| from + at) else { continue };
            let value = equals + 1;
            let quote = text[value..].trim_start_matches([' ', '\t']);
            let end = ["\"\"\"", "'''"].iter().find(|quotes| quote.starts_with(**quotes)).map(|quotes| {
                let inside = text.len() - quote.len() + 3;
                text[inside..].find(quotes).map_or(text.len(), |at| inside + at + 3)
            });
            let end = end.unwrap_or_else(|| text[value..].find('\n').map_or(text.len(), |at| value + at));
            for byte in &mut bytes[value..end] {
                if !byte.is_ascii_whitespace() {
                    *byte = b'*';
                }
            }
        }
    }
    // Only whole characters were replaced, each byte by one of ASCII.
    String::from_utf8(bytes).unwrap_or_default()
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
        ] {
            assert_eq!(masked(text), expected);
            assert_eq!(masked(text).len(), text.len());
        }
    }
}
