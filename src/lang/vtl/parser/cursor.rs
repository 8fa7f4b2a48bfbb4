//! A place in the pool, and the line and column in the source that it stands for.

use crate::lang::vtl::program::{Position, Span};

pub(super) struct Cursor {
    pool: String,
    at: usize,
    /// Behind the source, or behind the string that is being read.
    end: usize,
    /// A place at or before `at` whose position is known.
    known: (usize, Position),
}

/// A place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Place {
    at: usize,
    end: usize,
    known: (usize, Position),
}

impl Cursor {
    pub(super) fn of(source: &str) -> Self {
        let start = Position { line: 1, column: 1 };
        Self { pool: source.to_owned(), at: 0, end: source.len(), known: (0, start) }
    }

    pub(super) fn into_pool(self) -> String {
        self.pool
    }

    /// Where it stands, as an offset into the pool.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn place(&self) -> Place {
        Place { at: self.at, end: self.end, known: self.known }
    }

    pub(super) fn go_back(&mut self, place: Place) {
        (self.at, self.end) = (place.at, place.end);
        // What has been counted since is kept: otherwise a long text would be counted again and again.
        if self.known.0 > self.at {
            self.known = place.known;
        }
    }

    /// Goes on within a text of its own, which stands at `position` of the source. The place that it left is returned.
    pub(super) fn enter(&mut self, text: &str, position: Position) -> Place {
        let left = self.place();
        self.at = self.pool.len();
        self.pool.push_str(text);
        self.end = self.pool.len();
        self.known = (self.at, position);
        left
    }

    /// Keeps a text that the source does not have in this form.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        let start = self.pool.len() as u32;
        self.pool.push_str(text);
        Span { start, end: self.pool.len() as u32 }
    }

    pub(super) fn text(&self, span: Span) -> &str {
        span.of(&self.pool)
    }

    /// From an earlier offset to here.
    pub(super) fn since(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.at as u32 }
    }

    pub(super) fn rest(&self) -> &str {
        self.pool.get(self.at..self.end).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        let at = self.at + ahead;
        if at < self.end { self.pool.as_bytes().get(at).copied() } else { None }
    }

    pub(super) fn peek_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    /// Goes on by bytes that are known to be there.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.end);
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_there = self.rest().starts_with(text);
        if is_there {
            self.at += text.len();
        }
        is_there
    }

    pub(super) fn take_while(&mut self, mut takes: impl FnMut(u8) -> bool) -> Span {
        let start = self.at;
        let rest = self.rest();
        // A byte that is taken is ASCII or part of a character that is taken whole: nobody takes half of one.
        let length = rest.bytes().position(|byte| !takes(byte)).unwrap_or(rest.len());
        self.at += length;
        self.since(start)
    }

    /// Blanks and line ends, as they may stand between the parts of a directive.
    pub(super) fn skip_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    }

    /// Blanks and one line end, if the line ends there; nothing otherwise (rest/08 section 8.3).
    pub(super) fn gobble_line_end(&mut self) {
        let start = self.at;
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
        if !(self.take("\r\n") || self.take("\n") || self.take("\r")) {
            self.at = start;
        }
    }

    pub(super) fn position(&mut self) -> Position {
        self.position_of(self.at)
    }

    /// Of an offset that does not stand before one that was asked for earlier.
    fn position_of(&mut self, offset: usize) -> Position {
        let (from, mut position) = self.known;
        for character in self.pool.get(from..offset).unwrap_or_default().chars() {
            if character == '\n' {
                position = Position { line: position.line + 1, column: 1 };
            } else {
                position.column += 1;
            }
        }
        if offset >= from {
            self.known = (offset, position);
        }
        position
    }
}
