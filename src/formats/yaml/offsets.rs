//! saphyr's marks (line, and column in characters) to byte offsets.

use std::cell::Cell;

use saphyr_parser::{Marker, Span};

use crate::model::problem::Place;

pub(super) struct Offsets<'t> {
    file: u32,
    text: &'t str,
    /// Bytes of the byte order mark, which the parser does not get to see.
    base: usize,
    lines: Vec<Line>,
    /// Where the last column was found, so that one long line is walked once and not once a value.
    last: Cell<Last>,
}

struct Line {
    start: usize,
    ascii: bool,
}

#[derive(Clone, Copy, Default)]
struct Last {
    line: usize,
    column: usize,
    at: usize,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(file: u32, text: &'t str) -> Self {
        let base = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let mut lines = vec![Line { start: base, ascii: true }];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate().skip(base) {
            // YAML 1.2.2, 5.4: a line ends with LF, CR LF or CR.
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                lines.push(Line { start: at + 1, ascii: true });
            } else if !byte.is_ascii()
                && let Some(line) = lines.last_mut()
            {
                line.ascii = false;
            }
        }
        Self { file, text, base, lines, last: Cell::default() }
    }

    pub(super) fn body(&self) -> &'t str {
        &self.text[self.base..]
    }

    pub(super) fn place(&self, start: Marker, end: Marker) -> Place {
        let start = self.byte(start);
        self.between(start, self.byte(end).max(start))
    }

    /// A plain scalar ends with its last letter, whatever blanks the parser looked at behind it.
    pub(super) fn scalar(&self, span: Span, plain: bool) -> Place {
        let start = self.byte(span.start);
        let end = self.byte(span.end).max(start);
        let text = &self.text[start..end];
        let blanks = text.len() - text.trim_end_matches([' ', '\t', '\r', '\n']).len();
        self.between(start, if plain || blanks < text.len() { end - blanks } else { end })
    }

    /// Behind the last character.
    pub(super) fn end(&self) -> Place {
        self.between(self.text.len(), self.text.len())
    }

    fn between(&self, start: usize, end: usize) -> Place {
        Place { file: self.file, offset: offset(start), length: offset(end - start) }
    }

    fn byte(&self, marker: Marker) -> usize {
        let (number, column) = (marker.line().saturating_sub(1), marker.col());
        let Some(line) = self.lines.get(number) else { return self.text.len() };
        if line.ascii {
            return (line.start + column).min(self.text.len());
        }
        let last = self.last.get();
        let resumed = last.line == number && last.column <= column && last.at >= line.start;
        let (mut seen, mut at) = if resumed { (last.column, last.at) } else { (0, line.start) };
        for letter in self.text[at..].chars().take(column - seen) {
            (seen, at) = (seen + 1, at + letter.len_utf8());
        }
        self.last.set(Last { line: number, column: seen, at });
        at
    }
}

/// Offsets fit 32 bits: `DEFINITION_BYTES_MAX` was checked first.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
