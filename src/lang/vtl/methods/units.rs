//! Java's texts are UTF-16: lengths and indexes count units. A text of ASCII alone, which most are, needs no counting.

use std::borrow::Cow;

/// The length in UTF-16 units.
pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

/// The unit at an index.
pub(super) fn at(text: &str, index: usize) -> Option<u16> {
    if text.is_ascii() {
        return text.as_bytes().get(index).map(|&byte| byte.into());
    }
    text.encode_utf16().nth(index)
}

/// From one unit to before another. Half of a surrogate pair cannot be a text of its own: it becomes `?`, as when Java
/// writes it as UTF-8.
pub(super) fn slice(text: &str, from: usize, to: usize) -> Option<Cow<'_, str>> {
    if text.is_ascii() {
        return text.get(from..to).map(Cow::Borrowed);
    }
    if let (Some(start), Some(end)) = (byte_of(text, from), byte_of(text, to)) {
        return text.get(start..end).map(Cow::Borrowed);
    }
    if from > to || to > length(text) {
        return None;
    }
    let units = text.encode_utf16().skip(from).take(to - from);
    Some(Cow::Owned(char::decode_utf16(units).map(|character| character.unwrap_or('?')).collect()))
}

/// The byte where a unit begins; `None` within a pair and beyond the end.
pub(super) fn byte_of(text: &str, unit: usize) -> Option<usize> {
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units == unit {
            return Some(byte);
        }
        units += character.len_utf16();
    }
    (units == unit).then_some(text.len())
}

/// The unit where a byte stands.
pub(super) fn unit_of(text: &str, byte: usize) -> usize {
    length(text.get(..byte).unwrap_or(text))
}

/// The first byte at or behind a unit; the text's length beyond its end.
pub(super) fn byte_from(text: &str, unit: usize) -> usize {
    if text.is_ascii() {
        return unit.min(text.len());
    }
    let mut units = 0;
    for (byte, character) in text.char_indices() {
        if units >= unit {
            return byte;
        }
        units += character.len_utf16();
    }
    text.len()
}
