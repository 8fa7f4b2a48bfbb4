//! What XML 1.0 (fifth edition) allows in names and texts, and how it says that something is not allowed.

use std::fmt;

use crate::lang::budget::Exhausted;

/// Why a text is no XML that is read here, or a value cannot be written as XML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlError {
    pub message: String,
    /// In bytes, of what is read or of what is written.
    pub offset: usize,
    /// Set where it only takes more than it may.
    pub exhausted: Option<Exhausted>,
}

impl XmlError {
    pub(super) fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset, exhausted: None }
    }

    pub(super) fn exhausted(exhausted: Exhausted, offset: usize) -> Self {
        Self { message: exhausted.to_string(), offset, exhausted: Some(exhausted) }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "XML at byte {}: {}", self.offset, self.message)
    }
}

/// Production 5, `Name`.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(begins_name) && letters.all(continues_name)
}

/// Production 2, `Char`.
pub(super) fn is_text(text: &str) -> bool {
    // Most texts are ASCII without control characters, and looking at bytes is four times as fast.
    text.bytes().all(|byte| (b' '..0x80).contains(&byte))
        || text.chars().all(
            |letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..),
        )
}

fn begins_name(letter: char) -> bool {
    matches!(letter,
        ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn continues_name(letter: char) -> bool {
    begins_name(letter)
        || matches!(letter, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
