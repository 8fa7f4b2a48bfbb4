//! An answer on its way back: what the backend said, and what the client gets.

use crate::net::buffer::Buffer;
use crate::wire::headers::{Known, Line};

/// What the client gets.
pub struct Answer<'m> {
    pub status: u16,
    pub body: AnswerBody<'m>,
}

pub enum AnswerBody<'m> {
    Backend,
    Constant(&'m [u8]),
    /// What a template, or a conversion, made.
    Made(Buffer),
}

/// What the backend answered, as far as a mapping looks at it.
#[derive(Clone, Copy)]
pub struct Backend<'b> {
    pub status: u16,
    pub lines: &'b [Line],
    /// The bytes that the lines point into.
    pub bytes: &'b [u8],
}

impl Backend<'_> {
    pub(super) fn named<'n>(&'n self, name: &'n [u8]) -> impl DoubleEndedIterator<Item = &'n Line> {
        self.lines.iter().filter(move |line| line.name.of(self.bytes).eq_ignore_ascii_case(name))
    }

    /// The last line of that name, in any case.
    pub fn last(&self, name: &[u8]) -> Option<&[u8]> {
        self.named(name).next_back().map(|line| line.value.of(self.bytes))
    }

    pub(super) fn value(&self, known: Known) -> Option<&[u8]> {
        self.lines.iter().rfind(|line| line.known == known).map(|line| line.value.of(self.bytes))
    }
}
