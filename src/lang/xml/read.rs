//! XML to values.

use std::borrow::Cow;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::names::{XmlError, is_name, is_text};
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::value::{Key, List, ListKind, Map, Value};
use crate::settings::limits::XML_DEPTH_MAX;

/// Reads a document.
pub fn parse<'a>(text: &'a str, arena: &'a Bump, budget: &Budget) -> Result<Value<'a>, XmlError> {
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_comments = true;
    let mut builder = Builder { arena, budget, open: Vec::new(), root: None, at: 0 };
    loop {
        let event = reader.read_event().map_err(|error| XmlError::new(error.to_string(), place(&reader)))?;
        builder.at = place(&reader);
        budget.spend(1).map_err(|exhausted| builder.exhausted(exhausted))?;
        match event {
            Event::Start(start) => builder.open(&start)?,
            Event::End(_) => builder.close()?,
            Event::Text(text) => builder.text(text.xml10_content(), text.into_inner())?,
            Event::CData(text) => builder.text(text.xml10_content(), text.into_inner())?,
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref() {
                    Ok(Some(letter)) => Some(letter),
                    Ok(None) => of_entity(&reference),
                    Err(error) => return Err(builder.error(error.to_string())),
                };
                let letter = letter.ok_or_else(|| builder.error(format!("no such entity: &{};", &*reference)))?;
                builder.text(Cow::Owned(letter.to_string()), Cow::Borrowed(""))?;
            }
            Event::DocType(_) => return Err(builder.error("a DOCTYPE is not read")),
            Event::Decl(_) if !builder.open.is_empty() || builder.root.is_some() => {
                return Err(builder.error("a declaration stands first"));
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Empty(_) => return Err(builder.error("an element without an end")),
            Event::Eof => return builder.finish(),
        }
    }
}

/// How far the reader is; never beyond what `usize` holds, as the text is in memory.
fn place(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn of_entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

struct Builder<'a, 'b> {
    arena: &'a Bump,
    budget: &'b Budget,
    /// From the root down to the element that is being read.
    open: Vec<Element<'a>>,
    root: Option<Value<'a>>,
    at: usize,
}

struct Element<'a> {
    name: &'a str,
    /// What it has besides text.
    members: Option<&'a Map<'a>>,
    has_children: bool,
    text: Text<'a>,
}

enum Text<'a> {
    None,
    One(&'a str),
    Many(BumpString<'a>),
}

impl<'a> Builder<'a, '_> {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), XmlError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.error("a second root"));
        }
        if self.open.len() == XML_DEPTH_MAX {
            return Err(self.exhausted(Exhausted::Depth));
        }
        let name = self.name(start.name().as_ref(), "")?;
        let mut members = None;
        // Whether a name comes twice is seen when it is put into the map, which does not get slow with many.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.error(error.to_string()))?;
            self.spend(1)?;
            let name = self.name(attribute.key.as_ref(), "@")?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| self.error(error.to_string()))?;
            if !is_text(&value) || attribute.value.contains('<') {
                return Err(self.error("a character that XML does not allow"));
            }
            let value = Value::Text(self.keep(&value)?);
            let members = members.get_or_insert_with(|| Map::new_in(self.arena));
            if members.put(Key::Text(name), value).is_some() {
                return Err(self.error(format!("the attribute {} twice", &name[1..])));
            }
        }
        self.open.push(Element { name, members, has_children: false, text: Text::None });
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let Some(element) = self.open.pop() else { return Err(self.error("an end without a beginning")) };
        let text = match element.text {
            Text::None => "",
            Text::One(text) => text,
            Text::Many(text) => text.into_bump_str(),
        };
        let value = match element.members {
            None => Value::Text(text),
            Some(members) => {
                let text = if element.has_children { text.trim_matches(is_blank) } else { text };
                if !text.is_empty() {
                    members.put(Key::Text("#text"), Value::Text(text));
                }
                Value::Map(members)
            }
        };
        let parent = match self.open.last_mut() {
            Some(parent) => {
                parent.has_children = true;
                *parent.members.get_or_insert_with(|| Map::new_in(self.arena))
            }
            None => {
                let root = Map::new_in(self.arena);
                self.root = Some(Value::Map(root));
                root
            }
        };
        self.allow(4 * parent.len().max(4) * size_of::<(Key<'_>, Value<'_>)>())?;
        match parent.text(element.name) {
            None => drop(parent.put(Key::Text(element.name), value)),
            // No child is a list by itself.
            Some(Value::List(list)) => {
                self.allow(2 * list.len() * size_of::<Value<'_>>())?;
                list.push(value);
            }
            Some(first) => {
                let list = List::new_in(ListKind::Json, self.arena);
                list.push(first);
                list.push(value);
                parent.put(Key::Text(element.name), Value::List(list));
            }
        }
        Ok(())
    }

    /// A piece of text, with the ends of its lines made one character, and as it stands in the document.
    fn text(&mut self, text: Cow<'_, str>, written: Cow<'a, str>) -> Result<(), XmlError> {
        if text.is_empty() {
            return Ok(());
        }
        if !is_text(&text) {
            return Err(self.error("a character that XML does not allow"));
        }
        self.spend(text.len() as u64 / 64)?;
        if self.open.is_empty() {
            let is_nothing = text.chars().all(is_blank);
            return if is_nothing { Ok(()) } else { Err(self.error("text outside of the root")) };
        }
        let slice = match written {
            Cow::Borrowed(slice) if slice == text => Some(slice),
            _ => None,
        };
        self.allow(2 * text.len())?;
        let Some(element) = self.open.last_mut() else { return Ok(()) };
        let before = match &mut element.text {
            Text::Many(many) => {
                if many.capacity() - many.len() < text.len() {
                    // It doubles when it grows.
                    let grown = self.budget.allows_in(self.arena, 2 * many.len() + text.len());
                    grown.map_err(|exhausted| XmlError::exhausted(exhausted, self.at))?;
                }
                many.push_str(&text);
                return Ok(());
            }
            Text::One(one) => *one,
            Text::None => "",
        };
        element.text = match slice {
            Some(slice) if before.is_empty() => Text::One(slice),
            _ => {
                let mut many = BumpString::with_capacity_in(before.len() + text.len(), self.arena);
                many.push_str(before);
                many.push_str(&text);
                Text::Many(many)
            }
        };
        Ok(())
    }

    fn finish(self) -> Result<Value<'a>, XmlError> {
        if let Some(element) = self.open.last() {
            return Err(self.error(format!("the element {} has no end", element.name)));
        }
        self.root.ok_or_else(|| XmlError::new("there is no root", self.at))
    }

    fn name(&self, name: &str, sign: &str) -> Result<&'a str, XmlError> {
        if !is_name(name) {
            return Err(self.error(format!("{name:?} is no name")));
        }
        self.keep(&[sign, name].concat())
    }

    fn keep(&self, text: &str) -> Result<&'a str, XmlError> {
        self.allow(text.len())?;
        Ok(self.arena.alloc_str(text))
    }

    fn spend(&self, steps: u64) -> Result<(), XmlError> {
        self.budget.spend(steps).map_err(|exhausted| self.exhausted(exhausted))
    }

    fn allow(&self, more: usize) -> Result<(), XmlError> {
        self.budget.allows_in(self.arena, more).map_err(|exhausted| self.exhausted(exhausted))
    }

    fn exhausted(&self, exhausted: Exhausted) -> XmlError {
        XmlError::exhausted(exhausted, self.at)
    }

    fn error(&self, message: impl Into<String>) -> XmlError {
        XmlError::new(message, self.at)
    }
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r')
}
