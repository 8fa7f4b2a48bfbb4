//! The writer: compact JSON in json-smart's spelling (rest/08 section 8.8).

use crate::lang::budget::{Budget, Exhausted, pieces};
use crate::lang::java_number;
use crate::lang::value::{Key, Object, Value};
use crate::settings::limits::JSON_DEPTH_MAX;

/// How a `/` in a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashes {
    /// As it is: `$input.json`.
    Plain,
    /// As `\/`: a JSON array that a template prints.
    Escaped,
}

/// Writes a value at the end of `out`. A list may hold itself, so what is too deep or too long is an error.
pub fn write(value: Value<'_>, slashes: Slashes, budget: &Budget, out: &mut Vec<u8>) -> Result<(), Exhausted> {
    write_at(value, slashes, budget, 0, out)
}

/// Writes a text in quotes.
pub fn write_text(text: &str, slashes: Slashes, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(text, slashes, out);
    out.push(b'"');
}

/// Writes a text in quotes, of which each byte may become six: what is left is asked again every few KB.
fn write_within(text: &str, slashes: Slashes, budget: &Budget, out: &mut Vec<u8>) -> Result<(), Exhausted> {
    budget.spend(text.len() as u64 / 64)?;
    budget.allows(out.len(), text.len())?;
    out.reserve(text.len() + 2);
    out.push(b'"');
    for piece in pieces(text) {
        budget.allows(out.len(), piece.len())?;
        write_escaped(piece, slashes, out);
    }
    out.push(b'"');
    Ok(())
}

fn write_escaped(text: &str, slashes: Slashes, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let class = CLASSES[usize::from(byte)];
        if class == PLAIN || class == SLASH && slashes == Slashes::Plain {
            at += 1;
            continue;
        }
        // A character that is written as `\u…` has one, two or three bytes.
        let (length, code) = match class {
            FIRST_OF_TWO => (2, u32::from(byte & 0x1f) << 6 | continuation(bytes, at + 1)),
            FIRST_OF_THREE => {
                (3, u32::from(byte & 0xf) << 12 | continuation(bytes, at + 1) << 6 | continuation(bytes, at + 2))
            }
            _ => (1, u32::from(byte)),
        };
        let is_protected = length == 1 || matches!(code, 0x7f..=0x9f | 0x2000..=0x20ff);
        if is_protected {
            out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
            match class {
                NAMED | SLASH => out.extend_from_slice(&[b'\\', short_name(byte)]),
                _ => {
                    out.extend_from_slice(b"\\u");
                    out.extend([12, 8, 4, 0].map(|shift| HEX[(code >> shift & 0xf) as usize]));
                }
            }
            copied = at + length;
        }
        at += length;
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

fn write_at(
    value: Value<'_>,
    slashes: Slashes,
    budget: &Budget,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    budget.spend(1)?;
    if depth > JSON_DEPTH_MAX {
        return Err(Exhausted::Depth);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        // json-smart: no JSON number is infinite, but NaN goes through.
        Value::Double(number) if number.is_infinite() => out.extend_from_slice(b"null"),
        Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_) => {
            if let Value::Big(digits) | Value::Decimal(digits) = value {
                budget.spend(digits.len() as u64 / 64)?;
                budget.allows(out.len(), digits.len())?;
            }
            java_number::write_number(value, out);
        }
        Value::Text(text) => write_within(text, slashes, budget, out)?,
        Value::List(list) => {
            out.push(b'[');
            for (index, item) in list.items.borrow().iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_at(*item, slashes, budget, depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Map(map) => {
            out.push(b'{');
            let mut position = 0;
            while let Some((next, key, item)) = map.next_from(position) {
                if position > 0 {
                    out.push(b',');
                }
                position = next;
                write_key(key, slashes, budget, out)?;
                out.push(b':');
                write_at(item, slashes, budget, depth + 1, out)?;
            }
            out.push(b'}');
        }
        Value::Object(object) => write_object(object, slashes, budget, depth, out)?,
    }
    budget.allows(out.len(), 0)
}

/// A template may put its own objects into a list of JSON. The views of a map are lists; what has no values is null.
fn write_object(
    object: Object<'_>,
    slashes: Slashes,
    budget: &Budget,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Exhausted> {
    let (map, of_keys) = match object {
        Object::Char(unit) => {
            write_text(&String::from_utf16_lossy(&[unit]), slashes, out);
            return Ok(());
        }
        Object::Keys(map) => (map, true),
        Object::Values(map) => (map, false),
        _ => {
            out.extend_from_slice(b"null");
            return Ok(());
        }
    };
    out.push(b'[');
    let mut position = 0;
    while let Some((next, key, item)) = map.next_from(position) {
        if position > 0 {
            out.push(b',');
        }
        position = next;
        write_at(if of_keys { key.to_value() } else { item }, slashes, budget, depth + 1, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_key(key: Key<'_>, slashes: Slashes, budget: &Budget, out: &mut Vec<u8>) -> Result<(), Exhausted> {
    match key {
        Key::Text(text) => write_within(text, slashes, budget, out)?,
        Key::Int(number) => out.extend_from_slice(format!("\"{number}\"").as_bytes()),
        Key::Bool(flag) => out.extend_from_slice(format!("\"{flag}\"").as_bytes()),
        Key::Null => out.extend_from_slice(b"\"null\""),
    }
    Ok(())
}

fn continuation(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at).map_or(0, |&byte| u32::from(byte & 0x3f))
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

const PLAIN: u8 = 0;
const NAMED: u8 = 1;
const SLASH: u8 = 2;
const CONTROL: u8 = 3;
const FIRST_OF_TWO: u8 = 4;
const FIRST_OF_THREE: u8 = 5;

/// What a byte may need. json-smart protects U+0000 to U+001F, U+007F to U+009F and U+2000 to U+20FF: of the bytes beyond
/// ASCII only C2 and E2 can begin one of them.
const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = CONTROL;
        byte += 1;
    }
    classes[0x7f] = CONTROL;
    classes[8] = NAMED;
    classes[9] = NAMED;
    classes[10] = NAMED;
    classes[12] = NAMED;
    classes[13] = NAMED;
    classes[b'"' as usize] = NAMED;
    classes[b'\\' as usize] = NAMED;
    classes[b'/' as usize] = SLASH;
    classes[0xc2] = FIRST_OF_TWO;
    classes[0xe2] = FIRST_OF_THREE;
    classes
};

fn short_name(byte: u8) -> u8 {
    match byte {
        8 => b'b',
        9 => b't',
        10 => b'n',
        12 => b'f',
        13 => b'r',
        byte => byte,
    }
}
