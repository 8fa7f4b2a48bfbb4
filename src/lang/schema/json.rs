//! A JSON text as a flat list of its values: what schemas are checked against.
//!
//! One allocation a text, twelve bytes a value, and texts and numbers stay where they are in the body: a body of 10 MB
//! that is all commas costs 60 MB here and six times that as a tree. Numbers keep their digits, so that comparing them
//! is exact.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{BuildHasher, Hash, Hasher};

use super::number;
use super::read::{Node, nodes};

pub(super) use super::read::Kind;

/// A text that is JSON (RFC 8259), nothing behind it.
#[derive(Debug)]
pub(super) struct Json<'t> {
    text: Cow<'t, str>,
    /// In the order in which the values begin.
    nodes: Vec<Node>,
}

/// One value of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'j> {
    json: &'j Json<'j>,
    at: u32,
}

impl<'t> Json<'t> {
    /// `None` where it is no JSON, or deeper than [`SCHEMA_JSON_DEPTH_MAX`].
    pub(super) fn read(text: &'t str) -> Option<Self> {
        Some(Self { text: Cow::Borrowed(text), nodes: nodes(text)? })
    }

    /// The same, of a text that it keeps.
    pub(super) fn of_owned(text: String) -> Option<Json<'static>> {
        let nodes = nodes(&text)?;
        Some(Json { text: Cow::Owned(text), nodes })
    }

    pub(super) fn root(&self) -> Value<'_> {
        Value { json: self, at: 0 }
    }

    /// A value by the place that [`Value::place`] told.
    pub(super) fn at(&self, place: u32) -> Value<'_> {
        Value { json: self, at: place }
    }
}

impl<'j> Value<'j> {
    fn node(self) -> Node {
        let nothing = Node { kind: Kind::Null, escaped: false, first: 0, second: 0 };
        self.json.nodes.get(self.at as usize).copied().unwrap_or(nothing)
    }

    pub(super) fn place(self) -> u32 {
        self.at
    }

    /// Another value of the same text.
    pub(super) fn at(self, place: u32) -> Self {
        Self { at: place, ..self }
    }

    /// How many values it is made of, names and itself included.
    pub(super) fn size(self) -> u64 {
        u64::from(self.behind().saturating_sub(self.at))
    }

    /// The bytes of all texts and numbers in it.
    pub(super) fn bytes(self) -> u64 {
        let of_one = |value: Self| match value.node() {
            Node { kind: Kind::List | Kind::Object, .. } => 0,
            Node { first, second, .. } => u64::from(second.saturating_sub(first)),
        };
        (self.at..self.behind()).map(|at| of_one(self.at(at))).sum()
    }

    pub(super) fn kind(self) -> Kind {
        self.node().kind
    }

    /// The digits of a number, the bytes of a text: as they are written.
    pub(super) fn raw(self) -> &'j str {
        let Node { first, second, .. } = self.node();
        self.json.text.get(first as usize..second as usize).unwrap_or_default()
    }

    pub(super) fn text(self) -> Option<Cow<'j, str>> {
        let node = self.node();
        match node.kind {
            Kind::Text if node.escaped => Some(Cow::Owned(unescaped(self.raw()))),
            Kind::Text => Some(Cow::Borrowed(self.raw())),
            _ => None,
        }
    }

    /// Items of a list, members of an object.
    pub(super) fn count(self) -> usize {
        match self.node() {
            Node { kind: Kind::List | Kind::Object, first, .. } => first as usize,
            _ => 0,
        }
    }

    /// Items of a list; nothing of anything else.
    pub(super) fn items(self) -> impl Iterator<Item = Value<'j>> {
        let count = if self.kind() == Kind::List { self.count() } else { 0 };
        let mut at = self.at + 1;
        (0..count).map(move |_| {
            let item = Value { json: self.json, at };
            at = item.behind();
            item
        })
    }

    /// Members of an object, their names as texts; nothing of anything else. A name that stands twice comes twice.
    pub(super) fn members(self) -> impl Iterator<Item = (Value<'j>, Value<'j>)> {
        let count = if self.kind() == Kind::Object { self.count() } else { 0 };
        let mut at = self.at + 1;
        (0..count).map(move |_| {
            let name = Value { json: self.json, at };
            let member = Value { json: self.json, at: at + 1 };
            at = member.behind();
            (name, member)
        })
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.members().any(|(own, _)| own.is_text(name))
    }

    pub(super) fn is_text(self, text: &str) -> bool {
        match self.node() {
            Node { kind: Kind::Text, escaped: false, .. } => self.raw() == text,
            _ => self.text().is_some_and(|own| own == text),
        }
    }

    fn behind(self) -> u32 {
        match self.node() {
            Node { kind: Kind::List | Kind::Object, second, .. } => second,
            _ => self.at + 1,
        }
    }

    /// Members by their names: of two with one name the last, as most readers have it.
    fn sorted(self) -> Vec<(Cow<'j, str>, Value<'j>)> {
        let mut members: Vec<_> =
            self.members().map(|(name, member)| (name.text().unwrap_or_default(), member)).collect();
        members.reverse();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        members.dedup_by(|later, kept| later.0 == kept.0);
        members
    }

    /// Equality of JSON schema: 1 is 1.0, and the order of members does not matter.
    pub(super) fn equals(self, other: Value<'_>) -> bool {
        match (self.kind(), other.kind()) {
            (Kind::Integer | Kind::Number, Kind::Integer | Kind::Number) => {
                number::compare(self.raw(), other.raw()) == Ordering::Equal
            }
            (Kind::Text, Kind::Text) => match (self.node().escaped, other.node().escaped) {
                (false, false) => self.raw() == other.raw(),
                _ => self.text() == other.text(),
            },
            (Kind::List, Kind::List) => {
                self.count() == other.count() && self.items().zip(other.items()).all(|(one, other)| one.equals(other))
            }
            (Kind::Object, Kind::Object) => {
                let (own, others) = (self.sorted(), other.sorted());
                own.len() == others.len()
                    && own.iter().zip(&others).all(|(one, other)| one.0 == other.0 && one.1.equals(other.1))
            }
            (own, other) => own == other,
        }
    }

    /// Equal values have equal hashes. The hasher is foldhash's `quality`: with `fast`, `[x,[x]]` has the same hash for
    /// every `x`, and a client may send half a million of them.
    pub(super) fn hash(self, hasher: &impl BuildHasher) -> u64 {
        let mut state = hasher.build_hasher();
        match self.kind() {
            Kind::Integer | Kind::Number => number::hash(self.raw(), &mut state),
            Kind::Text => (1_u8, self.text()).hash(&mut state),
            Kind::List => {
                2_u8.hash(&mut state);
                self.items().for_each(|item| item.hash(hasher).hash(&mut state));
            }
            Kind::Object => {
                3_u8.hash(&mut state);
                for (name, member) in self.sorted() {
                    (name, member.hash(hasher)).hash(&mut state);
                }
            }
            Kind::Null => 4_u8.hash(&mut state),
            Kind::False => 5_u8.hash(&mut state),
            Kind::True => 6_u8.hash(&mut state),
        }
        state.finish()
    }

    /// As JSON without blanks, until `out` holds `bytes_max`: what stands in a message.
    pub(super) fn write(self, bytes_max: usize, out: &mut String) {
        if out.len() >= bytes_max {
            return;
        }
        match self.kind() {
            Kind::Null => out.push_str("null"),
            Kind::False => out.push_str("false"),
            Kind::True => out.push_str("true"),
            Kind::Integer | Kind::Number => out.push_str(cut(self.raw(), bytes_max)),
            Kind::Text => {
                out.push('"');
                out.push_str(cut(self.raw(), bytes_max));
                out.push('"');
            }
            Kind::List => {
                out.push('[');
                for (index, item) in self.items().enumerate().take_while(|(index, _)| *index < bytes_max) {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.write(bytes_max, out);
                    if out.len() >= bytes_max {
                        break;
                    }
                }
                out.push(']');
            }
            Kind::Object => {
                out.push('{');
                for (index, (name, member)) in self.members().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    name.write(bytes_max, out);
                    out.push(':');
                    member.write(bytes_max, out);
                    if out.len() >= bytes_max {
                        break;
                    }
                }
                out.push('}');
            }
        }
    }
}

/// At most `bytes_max` bytes, on a character's edge.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The characters of a text that [`Reader::string`] took. Half a surrogate pair becomes U+FFFD: Java would keep it, and
/// it is no character that anything could ask for.
fn unescaped(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let mut unit = four_digits(&mut chars);
                while let 0xd800..0xdc00 = unit {
                    let mut ahead = chars.clone();
                    if (ahead.next(), ahead.next()) != (Some('\\'), Some('u')) {
                        break;
                    }
                    let low = four_digits(&mut ahead);
                    chars = ahead;
                    if let 0xdc00..0xe000 = low {
                        unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    } else {
                        out.push(char::REPLACEMENT_CHARACTER);
                        unit = low;
                    }
                }
                out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(plain) => out.push(plain),
            None => {}
        }
    }
    out
}

fn four_digits(chars: &mut std::str::Chars<'_>) -> u32 {
    (0..4).filter_map(|_| chars.next()?.to_digit(16)).fold(0, |sum, digit| sum * 16 + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(one: &str, other: &str, expected: bool) {
        let (left, right) = (Json::read(one).expect("JSON"), Json::read(other).expect("JSON"));
        assert_eq!(left.root().equals(right.root()), expected, "{one} and {other}");
        let hasher = foldhash::quality::RandomState::default();
        if expected {
            assert_eq!(left.root().hash(&hasher), right.root().hash(&hasher), "{one} and {other}");
        }
    }

    #[test]
    fn values_are_found_and_written() {
        let json =
            Json::read(" { \"a\" : [ 1 , {\"b\":null} , \"\\u00e4\\n\" ] , \"c\" : { } , \"d\":-1.50} ").expect("JSON");
        let mut out = String::new();
        json.root().write(1_000, &mut out);
        assert_eq!(out, "{\"a\":[1,{\"b\":null},\"\\u00e4\\n\"],\"c\":{},\"d\":-1.50}");
        let names: Vec<_> = json.root().members().map(|(name, _)| name.raw()).collect();
        assert_eq!(names, ["a", "c", "d"]);
        let list = json.root().members().next().expect("a member").1;
        assert_eq!(list.items().last().and_then(Value::text).as_deref(), Some("ä\n"));
        assert!(json.root().has("d") && !json.root().has("b"));
        let mut out = String::new();
        json.root().write(9, &mut out);
        assert!(out.len() < 24, "{out}");
    }

    #[test]
    fn escapes() {
        let check = |raw: &str, expected: &str| assert_eq!(unescaped(raw), expected, "{raw}");
        check("\\u00e4\\/\\\\\\\"", "ä/\\\"");
        check("\\ud83d\\ude00!", "😀!");
        check("\\ud83d!", "\u{fffd}!");
        check("\\ud83d\\ud83d\\ude00", "\u{fffd}😀");
        check("\\ude00\\u0041", "\u{fffd}A");
    }

    #[test]
    fn equality_is_that_of_json_schema() {
        same("1", "1.0", true);
        same("100", "1e2", true);
        same("1", "true", false);
        same("\"a\"", "\"\\u0061\"", true);
        same("{\"a\":1,\"b\":[2]}", "{\"b\":[2.0],\"a\":1}", true);
        same("{\"a\":1}", "{\"a\":1,\"b\":null}", false);
        same("[1,2]", "[2,1]", false);
        same("{\"a\":1,\"a\":2}", "{\"a\":2}", true);
        same("{}", "[]", false);
    }
}
