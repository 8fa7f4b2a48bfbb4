//! Values to text, as Java's `toString` (rest/08 section 8.8).

use crate::lang::java_number;
use crate::lang::json::{self, Slashes};
use crate::lang::value::{Key, List, ListKind, Map, Object, Value};
use crate::lang::vtl::run::{Run, Runner};

impl<'a> Runner<'_, 'a> {
    /// Writes a value to the output.
    pub(in crate::lang::vtl) fn print(&mut self, value: Value<'a>) -> Run<()> {
        match value {
            Value::Text(text) => self.push(text),
            Value::Null => Ok(()),
            other => self.print_other(other, "null"),
        }
    }

    fn print_other(&mut self, value: Value<'a>, null: &str) -> Run<()> {
        match value {
            Value::Text(text) => self.push(text),
            Value::Null => self.push(null),
            Value::Bool(flag) => self.push(if flag { "true" } else { "false" }),
            Value::Int(number) => self.print_long(number.into()),
            Value::Long(number) => self.print_long(number),
            Value::Big(text) | Value::Decimal(text) => self.push(text),
            Value::Double(number) => {
                self.room(32)?;
                // Its shortest digits take some hundred nanoseconds.
                self.spend(4)?;
                java_number::write_double(number, self.out);
                Ok(())
            }
            Value::List(list) => match list.kind {
                ListKind::Json => self.write_json(value, Slashes::Escaped),
                ListKind::Java => self.print_list(list),
                // Java prints a class and an address (rest/08 section 8.8).
                ListKind::Array => self.push("[Ljava.lang.String;@0"),
            },
            Value::Map(map) => self.print_map(map),
            Value::Object(object) => self.print_object(object),
        }
    }

    /// JSON to the output.
    pub(in crate::lang::vtl) fn write_json(&mut self, value: Value<'a>, slashes: Slashes) -> Run<()> {
        json::write(value, slashes, self.budget, self.out).map_err(|exhausted| self.exhausted(exhausted))
    }

    /// The text of a value; one that is a text already is not copied.
    pub(in crate::lang::vtl) fn text_of(&mut self, value: Value<'a>) -> Run<&'a str> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Null => Ok(""),
            Value::Bool(true) => Ok("true"),
            Value::Bool(false) => Ok("false"),
            other => self.captured(|runner| runner.print(other)),
        }
    }

    fn print_long(&mut self, number: i64) -> Run<()> {
        self.room(20)?;
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut left = number.unsigned_abs();
        loop {
            at -= 1;
            if let Some(digit) = digits.get_mut(at) {
                *digit = b'0' + (left % 10) as u8;
            }
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if number < 0 {
            self.out.push(b'-');
        }
        self.out.extend_from_slice(digits.get(at..).unwrap_or_default());
        Ok(())
    }

    fn print_list(&mut self, list: &'a List<'a>) -> Run<()> {
        self.deeper(|runner| {
            runner.push("[")?;
            let mut index = 0;
            while let Some(item) = list.get(index) {
                runner.separate(index > 0)?;
                match item {
                    Value::List(inner) if std::ptr::eq(inner, list) => runner.push("(this Collection)")?,
                    item => runner.print_other(item, "null")?,
                }
                index += 1;
            }
            runner.push("]")
        })
    }

    fn print_map(&mut self, map: &'a Map<'a>) -> Run<()> {
        self.deeper(|runner| {
            runner.push("{")?;
            let mut position = 0;
            while let Some((behind, key, value)) = map.next_from(position) {
                runner.separate(position > 0)?;
                position = behind;
                runner.print_key(key)?;
                runner.push("=")?;
                match value {
                    Value::Map(inner) if std::ptr::eq(inner, map) => runner.push("(this Map)")?,
                    value => runner.print_other(value, "null")?,
                }
            }
            runner.push("}")
        })
    }

    fn separate(&mut self, is_needed: bool) -> Run<()> {
        self.spend(1)?;
        if is_needed { self.push(", ") } else { Ok(()) }
    }

    fn print_key(&mut self, key: Key<'a>) -> Run<()> {
        match key {
            Key::Text(text) => self.push(text),
            other => self.print_other(other.to_value(), "null"),
        }
    }

    fn print_object(&mut self, object: Object<'a>) -> Run<()> {
        match object {
            Object::Char(unit) => {
                self.room(4)?;
                let mut bytes = [0; 4];
                // Half of a surrogate pair cannot be written: Java's encoder writes `?`.
                let character = char::from_u32(unit.into()).unwrap_or('?');
                self.out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
                Ok(())
            }
            Object::Entry((map, key)) => {
                self.print_key(*key)?;
                self.push("=")?;
                let value = map.get(*key).unwrap_or(Value::Null);
                self.deeper(|runner| runner.print_other(value, "null"))
            }
            Object::Keys(map) | Object::Values(map) | Object::Entries(map) => self.deeper(|runner| {
                runner.push("[")?;
                let mut position = 0;
                while let Some((behind, key, value)) = map.next_from(position) {
                    runner.separate(position > 0)?;
                    position = behind;
                    match object {
                        Object::Keys(_) => runner.print_key(key)?,
                        Object::Values(_) => runner.print_other(value, "null")?,
                        _ => {
                            runner.print_key(key)?;
                            runner.push("=")?;
                            runner.print_other(value, "null")?;
                        }
                    }
                }
                runner.push("]")
            }),
            Object::Block(_) if self.is_shown_only() => self.push("(a block)"),
            Object::Block(number) => self.deeper(|runner| runner.print_block(number)),
            // Java prints a class and an address; nobody can rely on it (rest/08 section 8.8).
            Object::Iterator(_) => self.push("java.util.Iterator@0"),
            Object::Loop(_) => self.push("foreach@0"),
            Object::Input => self.push("input@0"),
            Object::Util => self.push("util@0"),
        }
    }
}
