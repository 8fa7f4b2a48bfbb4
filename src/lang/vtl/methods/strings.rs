//! Methods of `java.lang.String`.

use crate::lang::value::{ListKind, Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::hash::hash_code;
use crate::lang::vtl::methods::lists::int;
use crate::lang::vtl::methods::units;
use crate::lang::vtl::run::{Halt, Run};

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn on_text(&mut self, text: &'a str) -> Run<Value<'a>> {
        // Every one of these looks at the whole text at most a few times, and at those that it is given: at dozens of bytes
        // at once where they are ASCII, else at each character. Searches and comparisons read on in pairs of bytes.
        let given: usize = self.arguments.iter().filter_map(|argument| argument.as_text()).map(str::len).sum();
        let bytes_per_step = match self.method {
            Method::CompareTo | Method::IndexOf | Method::LastIndexOf | Method::Contains => 16,
            Method::ToLowerCase | Method::ToUpperCase if !text.is_ascii() => 4,
            _ if !text.is_ascii() => 24,
            _ => 64,
        };
        self.runner.spend((text.len() + given) as u64 / bytes_per_step)?;
        Ok(match (self.method, self.arguments) {
            (Method::Length, []) => int(units::length(text)),
            (Method::IsEmpty, []) => Value::Bool(text.is_empty()),
            (Method::IsBlank, []) => Value::Bool(text.chars().all(char::is_whitespace)),
            (Method::ToString | Method::Intern, []) => Value::Text(text),
            (Method::Trim, []) => Value::Text(text.trim_matches(|character| character <= ' ')),
            (Method::Strip, []) => Value::Text(text.trim()),
            (Method::ToLowerCase, []) => self.cased(text, str::to_lowercase, |byte| !byte.is_ascii_uppercase())?,
            (Method::ToUpperCase, []) => self.cased(text, str::to_uppercase, |byte| !byte.is_ascii_lowercase())?,
            (Method::HashCode, []) => Value::Int(hash_code(self.runner, Value::Text(text))?),
            (Method::ToCharArray, []) => {
                let length = units::length(text);
                self.runner.arena_room(length * size_of::<Value<'_>>())?;
                self.new_list(ListKind::Array, text.encode_utf16().map(|unit| Value::Object(Object::Char(unit))))
            }
            (Method::Equals, [other]) => Value::Bool(other.as_text() == Some(text)),
            (Method::EqualsIgnoreCase, [Value::Null]) => Value::Bool(false),
            (Method::EqualsIgnoreCase, [Value::Text(other)]) => {
                self.runner.spend(text.len().min(other.len()) as u64 / 4)?;
                Value::Bool(equal_but_for_case(text, other))
            }
            (Method::CharAt, [Value::Int(index)]) => {
                match usize::try_from(*index).ok().and_then(|index| units::at(text, index)) {
                    Some(unit) => Value::Object(Object::Char(unit)),
                    None => return Err(self.beyond(*index, text)),
                }
            }
            (Method::CodePointAt, [Value::Int(index)]) => {
                let found = usize::try_from(*index).ok().and_then(|index| {
                    let whole = units::byte_of(text, index).and_then(|byte| text.get(byte..)?.chars().next());
                    whole.map(u32::from).or_else(|| units::at(text, index).map(u32::from))
                });
                match found {
                    Some(code) => Value::Int(code as i32),
                    None => return Err(self.beyond(*index, text)),
                }
            }
            (Method::Substring, [Value::Int(from)]) => {
                let length = units::length(text);
                self.slice(text, *from, i32::try_from(length).unwrap_or(i32::MAX))?
            }
            (Method::Substring | Method::SubSequence, [Value::Int(from), Value::Int(to)]) => {
                self.slice(text, *from, *to)?
            }
            (Method::IndexOf | Method::LastIndexOf, [what, from @ ..]) => self.search(text, *what, from)?,
            (Method::Contains, [Value::Text(part)]) => Value::Bool(text.contains(part)),
            (Method::StartsWith, [Value::Text(start)]) => Value::Bool(text.starts_with(start)),
            (Method::StartsWith, [Value::Text(start), Value::Int(offset)]) => {
                let from = usize::try_from(*offset).ok().and_then(|offset| units::byte_of(text, offset));
                Value::Bool(from.and_then(|from| text.get(from..)).is_some_and(|rest| rest.starts_with(start)))
            }
            (Method::EndsWith, [Value::Text(end)]) => Value::Bool(text.ends_with(end)),
            (Method::ContentEquals, [Value::Text(other)]) => Value::Bool(text == *other),
            (Method::CompareTo, [Value::Text(other)]) => Value::Int(compare(text.encode_utf16(), other.encode_utf16())),
            (Method::CompareTo, [_]) => return Err(self.runner.fail("compareTo takes a text here".into())),
            (Method::CompareToIgnoreCase, [Value::Text(other)]) => {
                self.runner.spend((text.len() + other.len()) as u64 / 4)?;
                Value::Int(compare(folded_units(text), folded_units(other)))
            }
            (Method::Concat, [Value::Text(other)]) => Value::Text(self.runner.captured(|runner| {
                runner.push(text)?;
                runner.push(other)
            })?),
            (Method::Repeat, [Value::Int(count)]) => self.repeat(text, *count)?,
            (Method::Replace, [what, with]) => match (part(what), part(with)) {
                (Some(what), Some(with)) => self.replace(text, &what, &with)?,
                _ => self.mismatched()?,
            },
            (Method::Matches, [Value::Text(pattern)]) => Value::Bool(self.matches(text, pattern)?),
            (Method::ReplaceAll | Method::ReplaceFirst, [Value::Text(pattern), Value::Text(replacement)]) => {
                self.replace_matches(text, pattern, replacement)?
            }
            (Method::Split, [Value::Text(pattern)]) => self.split(text, pattern, 0)?,
            (Method::Split, [Value::Text(pattern), Value::Int(limit)]) => self.split(text, pattern, *limit)?,
            (Method::Format, [Value::Text(format), rest @ ..]) => {
                let rest = match rest {
                    [Value::List(list)] if list.kind == ListKind::Array => self.items_of_array(list)?,
                    rest => rest.to_vec(),
                };
                self.format(format, &rest)?
            }
            (Method::ValueOf, [Value::Null]) => Value::Text("null"),
            (Method::ValueOf, [value]) => Value::Text(self.runner.text_of(*value)?),
            (Method::Join, [Value::Text(separator), parts @ ..]) => self.join(separator, parts)?,
            _ => self.mismatched()?,
        })
    }

    fn cased(&mut self, text: &'a str, to: fn(&str) -> String, is_so: fn(&u8) -> bool) -> Run<Value<'a>> {
        if text.is_ascii() && text.as_bytes().iter().all(is_so) {
            return Ok(Value::Text(text));
        }
        self.runner.arena_room(text.len())?;
        Ok(Value::Text(self.runner.keep(&to(text))?))
    }

    fn slice(&mut self, text: &'a str, from: i32, to: i32) -> Run<Value<'a>> {
        let ends = usize::try_from(from).ok().zip(usize::try_from(to).ok()).filter(|(from, to)| from <= to);
        match ends.and_then(|(from, to)| units::slice(text, from, to)) {
            Some(std::borrow::Cow::Borrowed(part)) => Ok(Value::Text(part)),
            Some(std::borrow::Cow::Owned(part)) => Ok(Value::Text(self.runner.keep(&part)?)),
            None => {
                let length = units::length(text);
                Err(self.runner.fail(format!("begin {from}, end {to} are out of bounds for length {length}")))
            }
        }
    }

    /// `indexOf` and `lastIndexOf`, of a text or of a character's code.
    fn search(&mut self, text: &'a str, what: Value<'a>, from: &[Value<'a>]) -> Run<Value<'a>> {
        let mut buffer = [0; 4];
        let what: &str = match what {
            Value::Text(what) => what,
            Value::Int(code) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => character.encode_utf8(&mut buffer),
                None => return Ok(Value::Int(-1)),
            },
            _ => return self.mismatched(),
        };
        let from = match from {
            [] => None,
            [Value::Int(from)] => Some(*from),
            _ => return Ok(Value::Null),
        };
        let found = if self.method == Method::IndexOf {
            let start = units::byte_from(text, from.map_or(0, |from| usize::try_from(from).unwrap_or(0)));
            text.get(start..).and_then(|rest| rest.find(what)).map(|at| start + at)
        } else {
            // The match may begin at `from` at the latest.
            let end = match from {
                None => text.len(),
                Some(from) if from < 0 => return Ok(Value::Int(-1)),
                Some(from) => units::byte_from(text, from as usize).saturating_add(what.len()).min(text.len()),
            };
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            text.get(..end).and_then(|rest| rest.rfind(what))
        };
        Ok(found.map_or(Value::Int(-1), |byte| int(units::unit_of(text, byte))))
    }

    fn repeat(&mut self, text: &'a str, count: i32) -> Run<Value<'a>> {
        let Ok(count) = usize::try_from(count) else {
            return Err(self.runner.fail(format!("a text cannot be repeated {count} times")));
        };
        let bytes = text.len().saturating_mul(count);
        self.runner.arena_room(bytes)?;
        Ok(Value::Text(self.runner.keep(&text.repeat(count))?))
    }

    fn replace(&mut self, text: &'a str, what: &str, with: &str) -> Run<Value<'a>> {
        if !text.contains(what) {
            return Ok(Value::Text(text));
        }
        let text = self.runner.captured(|runner| {
            let mut copied = 0;
            for (at, found) in text.match_indices(what) {
                runner.spend(1)?;
                runner.push(text.get(copied..at).unwrap_or_default())?;
                runner.push(with)?;
                copied = at + found.len();
            }
            runner.push(text.get(copied..).unwrap_or_default())
        })?;
        Ok(Value::Text(text))
    }

    /// `String.join(separator, parts…)` or with one collection.
    fn join(&mut self, separator: &str, parts: &[Value<'a>]) -> Run<Value<'a>> {
        let parts = match parts {
            [Value::List(list)] if list.kind == ListKind::Array => self.items_of_array(list)?,
            [collection] => match self.items_of(*collection)? {
                Some(items) => items,
                None => parts.to_vec(),
            },
            parts => parts.to_vec(),
        };
        if !parts.iter().all(|part| matches!(part, Value::Text(_) | Value::Null)) {
            return Err(self.runner.fail("join takes texts only".into()));
        }
        let joined = self.runner.captured(|runner| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    runner.push(separator)?;
                }
                runner.push(part.as_text().unwrap_or("null"))?;
            }
            Ok(())
        })?;
        Ok(Value::Text(joined))
    }

    fn beyond(&self, index: i32, text: &str) -> Halt {
        self.runner.fail(format!("index {index} is out of bounds for length {}", units::length(text)))
    }
}

/// A text or a character, as `replace` takes them.
fn part(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some((*text).to_owned()),
        Value::Object(Object::Char(unit)) => Some(String::from_utf16_lossy(&[*unit])),
        _ => None,
    }
}

/// Java compares unit by unit, upper case first and then lower case.
fn equal_but_for_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || (!one.is_ascii() && one.chars().map(fold).eq(other.chars().map(fold)))
}

fn fold(character: char) -> char {
    // Java's `Character.toUpperCase` leaves what would become two characters.
    let upper = match character.to_uppercase().len() {
        1 => character.to_uppercase().next().unwrap_or(character),
        _ => character,
    };
    match upper.to_lowercase().len() {
        1 => upper.to_lowercase().next().unwrap_or(upper),
        _ => upper,
    }
}

fn folded_units(text: &str) -> impl Iterator<Item = u16> {
    text.chars().map(fold).flat_map(|character| {
        let mut units = [0; 2];
        let count = character.encode_utf16(&mut units).len();
        units.into_iter().take(count)
    })
}

/// `compareTo`: the difference of the first units that differ, or of the lengths.
fn compare(mut one: impl Iterator<Item = u16>, mut other: impl Iterator<Item = u16>) -> i32 {
    loop {
        match (one.next(), other.next()) {
            (Some(left), Some(right)) if left == right => {}
            (Some(left), Some(right)) => return i32::from(left) - i32::from(right),
            (None, None) => return 0,
            (Some(_), None) => return i32::try_from(1 + one.count()).unwrap_or(i32::MAX),
            (None, Some(_)) => return -i32::try_from(1 + other.count()).unwrap_or(i32::MAX),
        }
    }
}
