//! What one rendering may use: a template that loops or doubles a text ends in an error, not in a stuck core.
//!
//! Steps are an estimate of time, made before or right behind the work that they stand for. Bytes are those of the arena
//! and of the output; a value's text may go beyond them by what a few KB become when they are escaped.

use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;

use crate::settings::limits::{TEMPLATE_BYTES_MAX, TEMPLATE_BYTES_PER_BODY_BYTE, TEMPLATE_STEPS_MAX};

/// Bytes of a text that are written between two looks at what is left: what they become is at most some times as many.
const PIECE_BYTES: usize = 4 * 1024;

/// The limits of one rendering, counted down while it runs.
#[derive(Debug)]
pub struct Budget {
    steps_left: Cell<u64>,
    /// Of the arena and of the output, each.
    bytes_max: usize,
}

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    Steps,
    Memory,
    /// Lists and maps within each other.
    Depth,
}

impl fmt::Display for Exhausted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Steps => "it takes more steps than the limit allows",
            Self::Memory => "it takes more memory than the limit allows",
            Self::Depth => "it is nested deeper than the limit allows",
        })
    }
}

impl Budget {
    pub fn new(steps: u64, bytes_max: usize) -> Self {
        Self { steps_left: Cell::new(steps), bytes_max }
    }

    /// What mapping a body may use: more for a large one, since AWS maps all of its 10 MB.
    pub fn of_mapping(body: &str) -> Self {
        let bytes = body.len();
        Self::new(TEMPLATE_STEPS_MAX + bytes as u64, TEMPLATE_BYTES_MAX + TEMPLATE_BYTES_PER_BODY_BYTE * bytes)
    }

    /// Counts work whose time is bounded: a statement, an item of a list, some dozen bytes that are copied.
    #[inline]
    pub fn spend(&self, steps: u64) -> Result<(), Exhausted> {
        let left = self.steps_left.get().checked_sub(steps).ok_or(Exhausted::Steps)?;
        self.steps_left.set(left);
        Ok(())
    }

    /// Whether so many steps are left, of which the work to come may need fewer.
    pub fn affords(&self, steps: u64) -> Result<(), Exhausted> {
        if steps > self.steps_left.get() { Err(Exhausted::Steps) } else { Ok(()) }
    }

    pub fn steps_left(&self) -> u64 {
        self.steps_left.get()
    }

    /// Begins again with so many steps.
    pub fn renew(&self, steps: u64) {
        self.steps_left.set(steps);
    }

    /// Asked before `more` bytes are taken, from the arena or for the output.
    #[inline]
    pub fn allows(&self, used: usize, more: usize) -> Result<(), Exhausted> {
        if used.saturating_add(more) > self.bytes_max { Err(Exhausted::Memory) } else { Ok(()) }
    }

    #[inline]
    pub fn allows_in(&self, arena: &Bump, more: usize) -> Result<(), Exhausted> {
        self.allows(arena.allocated_bytes(), more)
    }

    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }
}

/// A text in parts of a few KB, so that whoever writes more than he reads can ask for room between them.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.floor_char_boundary(PIECE_BYTES);
        let (piece, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}
