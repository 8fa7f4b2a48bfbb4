//! What a rendering keeps: texts and programs, macros that are open, definitions.

use std::cell::OnceCell;

use crate::lang::vtl::program::{Block, Expression, Program, Slot, Span};

/// What is running: a program and its texts, which live as long as values do.
pub(super) struct Code<'r, 'a> {
    pub(super) pool: &'a str,
    pub(super) program: &'r Program,
}

impl Clone for Code<'_, '_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Code<'_, '_> {}

impl<'a> Code<'_, 'a> {
    #[inline]
    pub(super) fn text(self, span: Span) -> &'a str {
        span.of(self.pool)
    }
}

/// A macro that is being run.
pub(super) struct Frame<'r, 'a> {
    pub(super) parameters: &'r [Slot],
    pub(super) arguments: &'r [Expression],
    /// The caller's text, and whose names it means.
    pub(super) code: Code<'r, 'a>,
    pub(super) caller: Option<usize>,
    /// Parameters that were set within, by a bit each: they are variables then.
    pub(super) overridden: u64,
}

/// What a `#define` stored.
#[derive(Clone, Copy)]
pub(super) struct Definition<'r, 'a> {
    pub(super) code: Code<'r, 'a>,
    pub(super) slot: Slot,
    pub(super) body: &'r Block,
    pub(super) open: usize,
}

/// Programs that live until the rendering ends, since blocks and macros of theirs may be used until then.
#[derive(Default)]
pub(super) struct Evaluations {
    first: Link,
}

type Link = OnceCell<Box<Evaluated>>;

struct Evaluated {
    program: Program,
    next: Link,
}

impl Evaluations {
    pub(super) fn keep(&self, program: Program) -> &Program {
        let mut end = &self.first;
        while let Some(evaluated) = end.get() {
            end = &evaluated.next;
        }
        &end.get_or_init(|| Box::new(Evaluated { program, next: Link::new() })).program
    }
}

impl Drop for Evaluations {
    fn drop(&mut self) {
        // One after the other: each would otherwise drop the next within itself.
        let mut link = self.first.take();
        while let Some(mut evaluated) = link {
            link = evaluated.next.take();
        }
    }
}
