//! What a path is when it has been read.

use crate::lang::java_regex::Whole;

/// The parts of a path, one behind the other.
#[derive(Debug)]
pub(super) struct Query {
    /// Within a filter: from the document (`$`) rather than from the item (`@`).
    pub(super) from_root: bool,
    pub(super) parts: Box<[Part]>,
    pub(super) function: Option<Function>,
    /// At most one value can be meant by the parts.
    pub(super) is_definite: bool,
}

impl Query {
    /// Whether the result is a list even with its function: the length of each of many. Behind a deep scan it is that of
    /// all of them together (`$..book.length()` counts the books), and the other functions make one number of many.
    pub(super) fn is_list(&self) -> bool {
        let is_scan = self.parts.iter().any(|part| matches!(part, Part::Scan));
        !self.is_definite && (self.function.is_none() || self.function == Some(Function::Length) && !is_scan)
    }
}

#[derive(Debug)]
pub(super) enum Part {
    /// `.a`
    Name(Box<str>),
    /// `['a','b']`
    Names(Box<[Box<str>]>),
    /// `.*`
    All,
    /// `[0]`; from the end where it is negative.
    Index(i64),
    /// `[0,1]`
    Indexes(Box<[i64]>),
    /// `[1:3]`, with what is left out.
    Slice(Option<i64>, Option<i64>),
    /// `[?(…)]`
    Filter(Condition),
    /// `..`: what follows, at any depth.
    Scan,
}

impl Part {
    pub(super) fn is_of_arrays(&self) -> bool {
        matches!(self, Self::Index(_) | Self::Indexes(_) | Self::Slice(..))
    }

    /// What it costs at one value, found or not: a path of 8 KB may ask each of a million maps for two thousand names, and
    /// each map may have keys that differ from a long name in their last letter only.
    pub(super) fn steps(&self) -> u64 {
        let of_name = |name: &str| 1 + name.len() as u64 / 64 * 8;
        match self {
            Self::Name(name) => of_name(name),
            Self::Names(names) => names.iter().map(|name| of_name(name)).sum::<u64>().max(1),
            Self::Indexes(indexes) => 1 + indexes.len() as u64 / 4,
            _ => 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Length,
    Min,
    Max,
    Sum,
    Average,
    Deviation,
}

#[derive(Debug)]
pub(super) enum Condition {
    And(Box<[Condition]>),
    Or(Box<[Condition]>),
    Not(Box<Condition>),
    /// It is there, and not null.
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
    /// `=~`
    Matches(Operand, Box<Whole>),
}

#[derive(Debug)]
pub(super) enum Operand {
    Path(Query),
    /// By its place among the path's literals.
    Literal(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Equal and of one type (`===`).
    Same,
    NotSame,
    In,
    NotIn,
    /// The left list has the right value, or the left text the right one.
    Contains,
    /// The left list has all of the right one's values.
    All,
    /// The right list has all of the left one's.
    SubsetOf,
    AnyOf,
    NoneOf,
    Size,
    Empty,
    /// `exists true`
    IsThere,
}
