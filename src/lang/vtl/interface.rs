//! What a template shows of itself: what it asks its world for, what it tells a trace, and how it fails.

use std::fmt;

use bumpalo::Bump;

use crate::lang::value::Value;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub message: String,
    pub line: u32,
    pub column: u32,
}

/// What AWS finds out only when the template runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub message: String,
    pub line: u32,
    pub column: u32,
}

/// Why a rendering ended without a result, for the execution log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub message: String,
    pub line: u32,
    pub column: u32,
}

/// What a template can see of its request.
pub trait World<'a> {
    /// The payload as text; where it is empty, the template sees `{}`.
    fn body(&self) -> &'a str;
    /// `$input.params('name')`: among the path's, then the query's, then the header's.
    fn param(&self, name: &str, arena: &'a Bump) -> Option<&'a str>;
    /// `$input.params()`
    fn params(&self, arena: &'a Bump) -> Value<'a>;
    /// `$context.NAME` or `$context.NAME.MEMBER` alone, as long as nobody has asked for the whole; `None` where only the
    /// whole can tell.
    fn context_property(&self, name: &str, member: Option<&str>, arena: &'a Bump) -> Option<Value<'a>> {
        let _ = (name, member, arena);
        None
    }
    /// Whether `$context.NAME.MEMBER` is null although what stands behind it is not: `$context.authorizer.claims`.
    fn is_null_alone(&self, name: &str, member: &str) -> bool {
        let _ = (name, member);
        false
    }
    /// `$context`; asked at most once a rendering.
    fn context(&self, arena: &'a Bump) -> Value<'a>;
    /// `$stageVariables`; asked at most once a rendering.
    fn stage_variables(&self, arena: &'a Bump) -> Value<'a>;
}

/// Told of every step of a rendering that somebody wants explained.
pub trait Trace {
    /// A reference, as it is written, with the value that it has printed or handed on.
    fn reference(&mut self, line: u32, text: &str, value: &str);
    /// The condition of an `#if` or `#elseif`, or `#else`, and whether its block is run.
    fn branch(&mut self, line: u32, text: &str, taken: bool);
    fn set(&mut self, line: u32, target: &str, value: &str);
    /// A round of a `#foreach`, counted from 0.
    fn iteration(&mut self, line: u32, variable: &str, index: usize, value: &str);
    /// A `#foreach` that found nothing to go through, or that the limit ended: its rounds.
    fn ended(&mut self, line: u32, variable: &str, rounds: usize);
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for SyntaxError {}

impl std::error::Error for Failure {}
