//! JSON text (RFC 8259) to the tree.

use std::collections::HashMap;

use super::node::{Entries, Node, NodeValue, Style};
use super::offsets::offset;
use crate::model::problem::{Located, Place, Problem};
use crate::settings::limits::DOCUMENT_DEPTH_MAX;

/// Duplicate keys of one document that are told; whoever mends these sees the others then.
const DUPLICATES_TOLD_MAX: usize = 100;

pub(super) fn parse(file: u32, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { file, text, at, problems: Vec::new() };
    let node = reader.value(0).and_then(|node| {
        reader.blanks();
        if reader.at < text.len() {
            Err(reader.syntax(reader.at, "text after the end of the document"))
        } else {
            Ok(node)
        }
    });
    problems.append(&mut reader.problems);
    node.map_err(|problem| problems.push(*problem)).ok()
}

struct Reader<'t> {
    file: u32,
    text: &'t str,
    at: usize,
    problems: Vec<Problem>,
}

type Read<T> = Result<T, Box<Problem>>;

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Read<Node> {
        self.blanks();
        let start = self.at;
        let value = match self.peek() {
            Some(b'{' | b'[') if depth >= DOCUMENT_DEPTH_MAX => {
                return Err(self.syntax(start, &format!("nested deeper than {DOCUMENT_DEPTH_MAX} levels")));
            }
            Some(b'{') => NodeValue::Map(self.object(depth)?),
            Some(b'[') => NodeValue::List(self.array(depth)?),
            Some(b'"') => {
                let text = self.string()?;
                return Ok(Node::scalar(self.place(start), text, Style::Quoted));
            }
            _ => {
                let text = self.word()?;
                return Ok(Node::scalar(self.place(start), text, Style::Plain));
            }
        };
        Ok(Node { place: self.place(start), value })
    }

    fn object(&mut self, depth: usize) -> Read<Entries> {
        let mut entries = Entries::new();
        let mut first: HashMap<String, usize> = HashMap::new();
        self.at += 1;
        self.blanks();
        if self.take(b'}') {
            return Ok(entries);
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.syntax(start, "expected a key in double quotes"));
            }
            let key = Located::new(self.string()?, self.place(start));
            self.blanks();
            if !self.take(b':') {
                return Err(self.syntax(self.at, "expected `:`"));
            }
            let value = self.value(depth + 1)?;
            match first.get(&key.value) {
                Some(earlier) => duplicate(self.text, &key, *earlier, &mut self.problems),
                None => {
                    first.insert(key.value.clone(), start);
                    entries.push((key, value));
                }
            }
            self.blanks();
            if self.take(b'}') {
                return Ok(entries);
            }
            if !self.take(b',') {
                return Err(self.syntax(self.at, "expected `,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Read<Vec<Node>> {
        let mut items = Vec::new();
        self.at += 1;
        self.blanks();
        if self.take(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']') {
                return Ok(items);
            }
            if !self.take(b',') {
                return Err(self.syntax(self.at, "expected `,` or `]`"));
            }
        }
    }

    /// `true`, `false`, `null` or a number.
    fn word(&mut self) -> Read<String> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        let known =
            matches!(word, "true" | "false" | "null") || serde_json::from_str::<serde_json::Number>(word).is_ok();
        if !known {
            return Err(self
                .syntax(self.at, "expected a value: text in double quotes, a number, true, false, null, `{` or `[`"));
        }
        self.at += length;
        Ok(word.to_owned())
    }

    fn string(&mut self) -> Read<String> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|letter: char| letter == '"' || letter == '\\' || letter < ' ');
            let Some(plain) = plain else { return Err(self.syntax(start, "text that is not closed by `\"`")) };
            value.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                _ => {
                    return Err(
                        self.syntax(self.at, "a control character in text: write it as `\\n`, `\\t` or `\\u00XX`")
                    );
                }
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        let letter = self.text.as_bytes().get(start + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.syntax(start, "an escape that JSON does not have")),
        })
    }

    /// `\uXXXX`; characters beyond the first 65,536 are written as two of them (RFC 8259 section 7).
    fn unicode(&mut self, start: usize) -> Read<char> {
        let mut units = vec![self.hex4(start)?];
        if (0xD800..0xDC00).contains(&units[0]) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            units.push(self.hex4(start)?);
        }
        let mut letters = char::decode_utf16(units);
        match (letters.next(), letters.next()) {
            (Some(Ok(letter)), None) => Ok(letter),
            _ => Err(self.syntax(start, "half of a surrogate pair")),
        }
    }

    fn hex4(&mut self, start: usize) -> Read<u16> {
        let digits =
            self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.syntax(start, "expected four hexadecimal digits after `\\u`"))
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn place(&self, start: usize) -> Place {
        Place { file: self.file, offset: offset(start), length: offset(self.at - start) }
    }

    fn syntax(&self, at: usize, found: &str) -> Box<Problem> {
        let length = self.text[at..].chars().next().map_or(0, char::len_utf8);
        let place = Place { file: self.file, offset: offset(at), length: offset(length) };
        Box::new(Problem::error("json::syntax", place, found, "Correct the JSON here; nothing after it was read"))
    }
}

/// Two keys of the same name: which of them counts is anybody's guess, so neither may.
pub(super) fn duplicate(text: &str, key: &Located<String>, earlier: usize, problems: &mut Vec<Problem>) {
    // Each costs a walk to its line; a file of nothing else must not cost the square of its length.
    if problems.len() >= DUPLICATES_TOLD_MAX {
        return;
    }
    let line = |at: usize| text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let (one, two) = (line(earlier), line(key.place.offset as usize));
    let found = format!("`{}` is written twice: on line {one} and on line {two}", key.value);
    problems.push(Problem::error("yaml::duplicate-key", key.place, found, "Keep one of the two"));
}
