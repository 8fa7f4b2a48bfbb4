//! Values to XML.

use super::names::{XmlError, is_name, is_text};
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::java_number;
use crate::lang::value::{Key, Map, Value};
use crate::settings::limits::XML_DEPTH_MAX;

/// Writes a document at the end of `out`, without a declaration. The value is a map with one key, as `parse` makes it;
/// numbers and booleans are texts, null is an empty element.
pub fn write(value: Value<'_>, budget: &Budget, out: &mut Vec<u8>) -> Result<(), XmlError> {
    let Value::Map(map) = value else { return Err(XmlError::new("a document is a map", out.len())) };
    match (map.next_from(0), map.len()) {
        (Some((_, Key::Text(name), Value::List(_))), 1) => {
            Err(XmlError::new(format!("there is one root, and {name} is a list"), out.len()))
        }
        (Some((_, Key::Text(name), value)), 1) => Writer { budget, out }.element(name, value, 0),
        _ => Err(XmlError::new("a document has one key, the name of its root", out.len())),
    }
}

struct Writer<'b> {
    budget: &'b Budget,
    out: &'b mut Vec<u8>,
}

impl Writer<'_> {
    fn element(&mut self, name: &str, value: Value<'_>, depth: usize) -> Result<(), XmlError> {
        self.budget.spend(1).map_err(|exhausted| XmlError::exhausted(exhausted, self.out.len()))?;
        if depth == XML_DEPTH_MAX {
            return Err(XmlError::exhausted(Exhausted::Depth, self.out.len()));
        }
        if !is_name(name) {
            return Err(XmlError::new(format!("{name:?} is no name"), self.out.len()));
        }
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        let start = match value {
            Value::Map(map) => {
                self.attributes(map)?;
                let start = self.begin_content();
                self.children(map, depth)?;
                start
            }
            value => {
                let start = self.begin_content();
                self.scalar(value, false)?;
                start
            }
        };
        if self.out.len() == start {
            self.out.pop();
            self.out.extend_from_slice(b"/>");
        } else {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'>');
        }
        self.budget.allows(self.out.len(), 0).map_err(|exhausted| XmlError::exhausted(exhausted, self.out.len()))
    }

    fn begin_content(&mut self) -> usize {
        self.out.push(b'>');
        self.out.len()
    }

    fn attributes(&mut self, map: &Map<'_>) -> Result<(), XmlError> {
        let mut position = 0;
        while let Some((next, key, value)) = map.next_from(position) {
            position = next;
            let Key::Text(key) = key else { continue };
            let Some(name) = key.strip_prefix('@') else { continue };
            if !is_name(name) {
                return Err(XmlError::new(format!("{name:?} is no name"), self.out.len()));
            }
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            self.out.extend_from_slice(b"=\"");
            self.scalar(value, true)?;
            self.out.push(b'"');
        }
        Ok(())
    }

    fn children(&mut self, map: &Map<'_>, depth: usize) -> Result<(), XmlError> {
        let mut position = 0;
        while let Some((next, key, value)) = map.next_from(position) {
            position = next;
            match (key, value) {
                (Key::Text(key), _) if key.starts_with('@') => {}
                (Key::Text("#text"), value) => self.scalar(value, false)?,
                (Key::Text(name), Value::List(list)) => {
                    for item in list.items.borrow().iter() {
                        if matches!(item, Value::List(_)) {
                            return Err(XmlError::new(format!("a list within the list {name}"), self.out.len()));
                        }
                        self.element(name, *item, depth + 1)?;
                    }
                }
                (Key::Text(name), value) => self.element(name, value, depth + 1)?,
                _ => return Err(XmlError::new("a key that is no name", self.out.len())),
            }
        }
        Ok(())
    }

    fn scalar(&mut self, value: Value<'_>, in_attribute: bool) -> Result<(), XmlError> {
        match value {
            Value::Null => {}
            Value::Bool(flag) => self.out.extend_from_slice(if flag { b"true" } else { b"false" }),
            Value::Text(text) => self.text(text, in_attribute)?,
            value => {
                if !java_number::write_number(value, self.out) {
                    return Err(XmlError::new("a list or a map where a text stands", self.out.len()));
                }
            }
        }
        Ok(())
    }

    /// `>` only has to be escaped behind `]]`. Blanks of an attribute would be read as spaces, and a `\r` as `\n`.
    fn text(&mut self, text: &str, in_attribute: bool) -> Result<(), XmlError> {
        if !is_text(text) {
            return Err(XmlError::new("a character that XML does not allow", self.out.len()));
        }
        self.budget
            .allows(self.out.len(), text.len())
            .map_err(|exhausted| XmlError::exhausted(exhausted, self.out.len()))?;
        for byte in text.bytes() {
            let escaped: &[u8] = match byte {
                b'&' => b"&amp;",
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                b'\r' => b"&#13;",
                b'"' if in_attribute => b"&quot;",
                b'\t' if in_attribute => b"&#9;",
                b'\n' if in_attribute => b"&#10;",
                byte => {
                    self.out.push(byte);
                    continue;
                }
            };
            self.out.extend_from_slice(escaped);
        }
        Ok(())
    }
}
