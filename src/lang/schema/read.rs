//! The bytes of a JSON text to its values, in the order in which they begin (RFC 8259).

use crate::settings::limits::SCHEMA_JSON_DEPTH_MAX;

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// A text with escapes in it: its bytes are not its characters.
    pub(super) escaped: bool,
    /// Of a text or a number: where its bytes begin. Of a list or an object: how many items or members.
    pub(super) first: u32,
    /// Of a text or a number: where its bytes end. Else: the node behind the last one in it.
    pub(super) second: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    False,
    True,
    /// Without fraction and exponent: what draft 4 calls an integer.
    Integer,
    Number,
    Text,
    List,
    Object,
}

/// `None` where it is no JSON, or deeper than [`SCHEMA_JSON_DEPTH_MAX`].
pub(super) fn nodes(text: &str) -> Option<Vec<Node>> {
    // Positions are 32 bits wide: a body beyond 4 GB is none that a schema is checked against.
    u32::try_from(text.len()).ok()?;
    // A value is rarely shorter than eight bytes with its name; a text of commas grows from there.
    let nodes = Vec::with_capacity((text.len() / 8).clamp(4, 4096));
    let mut reader = Reader { bytes: text.as_bytes(), at: 0, nodes };
    reader.blanks();
    reader.value(SCHEMA_JSON_DEPTH_MAX)?;
    reader.blanks();
    (reader.at == text.len()).then_some(reader.nodes)
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn push(&mut self, kind: Kind, escaped: bool, start: usize, end: usize) {
        // They fit: the text's length does.
        self.nodes.push(Node { kind, escaped, first: start as u32, second: end as u32 });
    }

    fn value(&mut self, depth_left: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' => self.container(Kind::Object, b'}', depth_left),
            b'[' => self.container(Kind::List, b']', depth_left),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", Kind::True),
            b'f' => self.word("false", Kind::False),
            b'n' => self.word("null", Kind::Null),
            _ => None,
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Option<()> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end)? != word.as_bytes() {
            return None;
        }
        self.push(kind, false, self.at, end);
        self.at = end;
        Some(())
    }

    fn container(&mut self, kind: Kind, end: u8, depth_left: usize) -> Option<()> {
        let depth_left = depth_left.checked_sub(1)?;
        let own = self.nodes.len();
        self.push(kind, false, 0, 0);
        self.at += 1;
        self.blanks();
        let mut count = 0;
        if self.eat(end).is_none() {
            loop {
                if kind == Kind::Object {
                    self.string()?;
                    self.blanks();
                    self.eat(b':')?;
                    self.blanks();
                }
                self.value(depth_left)?;
                count += 1;
                self.blanks();
                if self.eat(b',').is_some() {
                    self.blanks();
                } else {
                    self.eat(end)?;
                    break;
                }
            }
        }
        let behind = self.nodes.len() as u32;
        let own = self.nodes.get_mut(own)?;
        (own.first, own.second) = (count, behind);
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                    match self.peek()? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                        b'u' => {
                            let digits = self.bytes.get(self.at + 1..self.at + 5)?;
                            if !digits.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 5;
                        }
                        _ => return None,
                    }
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        self.push(Kind::Text, escaped, start, self.at);
        self.at += 1;
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if whole > 1 && self.bytes.get(self.at - whole) == Some(&b'0') {
            return None;
        }
        let mut kind = Kind::Integer;
        if self.eat(b'.').is_some() {
            kind = Kind::Number;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            kind = Kind::Number;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(kind, false, start, self.at);
        Some(())
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        let count = self.at - start;
        (count > 0).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_serde_takes() {
        for text in [
            "1",
            "-0",
            "01",
            "-",
            "1.",
            "1.5e+10",
            ".5",
            "1e",
            "+1",
            "NaN",
            "tru",
            "true",
            "null ",
            "nul",
            "\"a",
            "\"\\u12\"",
            "\"\\x\"",
            "\"\u{1}\"",
            "\"\\\"\"",
            "[",
            "[]",
            "[1,]",
            "[1 2]",
            "[1 , 2 ]",
            "{\"a\":1}",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "{} {}",
            " { } ",
            "",
            " ",
            "\u{feff}{}",
            "'a'",
            "[1]//",
            "1 ,",
            "{\"a\":{\"b\":[{}]}}",
        ] {
            let serdes = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(nodes(text).is_some(), serdes, "{text:?}");
        }
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(nodes(&deep(SCHEMA_JSON_DEPTH_MAX)).is_some() && nodes(&deep(SCHEMA_JSON_DEPTH_MAX + 1)).is_none());
        assert!(nodes(&"[".repeat(1_000_000)).is_none());
    }
}
