//! VTL, the language of mapping templates: AWS's dialect of Apache Velocity 1.7 (rest/08).
//!
//! A template is compiled when it is deployed: names become slots, JSONPaths and patterns that are literals are compiled
//! with it. A rendering walks the tree and writes to the output; its values live in an arena that is emptied behind it.
//! Whatever a template or a body does, a rendering ends within its [`Budget`] of steps and bytes and within fixed depths.

mod methods;
mod parser;
mod program;
mod run;

use std::fmt;

use bumpalo::Bump;

use crate::lang::budget::Budget;
use crate::lang::value::Value;
use program::{Node, Program, Symbols};

/// A mapping template, ready to run.
#[derive(Debug)]
pub struct Template {
    program: Program,
    warnings: Vec<Warning>,
}

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
}

impl Template {
    pub fn compile(source: &str) -> Result<Self, SyntaxError> {
        let (program, warnings) = parser::parse(source, Symbols::default())?;
        Ok(Self { program, warnings })
    }

    /// The text itself where nothing in it is evaluated: no rendering is needed.
    pub fn constant(&self) -> Option<&str> {
        match &*self.program.root {
            [] => Some(""),
            [Node::Text(text)] => Some(text.of(&self.program.pool)),
            _ => None,
        }
    }

    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Writes the result to the end of `out`. After a failure, what was written until then stands there.
    pub fn render<'a>(
        &'a self,
        world: &dyn World<'a>,
        arena: &'a Bump,
        budget: &Budget,
        out: &mut Vec<u8>,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), Failure> {
        run::render(&self.program, world, arena, budget, out, trace)
    }
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

/// For the fuzzer, and for the test that runs its seeds: whatever compiles ends within its budget, and no text makes the
/// parser or the rendering panic.
pub fn fuzz_template(bytes: &[u8]) {
    const BYTES_MAX: usize = 256 * 1024;
    let text = String::from_utf8_lossy(bytes);
    let Ok(template) = Template::compile(&text) else { return };
    let arena = Bump::new();
    let mut out = Vec::new();
    let result = template.render(&FixedWorld, &arena, &Budget::new(20_000, BYTES_MAX), &mut out, None);
    assert!(out.len() <= BYTES_MAX + 64, "{} bytes were written", out.len());
    if let (Some(constant), Ok(())) = (template.constant(), &result) {
        assert_eq!(constant.as_bytes(), out, "a constant template renders to itself");
    }
    if result.is_ok() {
        assert!(std::str::from_utf8(&out).is_ok(), "the result is text");
    }
}

/// A request that is always the same.
struct FixedWorld;

impl<'a> World<'a> for FixedWorld {
    fn body(&self) -> &'a str {
        r#"{"a":{"b":[1,2.5,"x",null,{"c":true}]},"s":"text","n":12345678901234567890}"#
    }

    fn param(&self, name: &str, _: &'a Bump) -> Option<&'a str> {
        (name == "p").then_some("value")
    }

    fn params(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(crate::lang::value::Map::new_in(arena))
    }

    fn context(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(crate::lang::value::Map::new_in(arena))
    }

    fn stage_variables(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(crate::lang::value::Map::new_in(arena))
    }
}
