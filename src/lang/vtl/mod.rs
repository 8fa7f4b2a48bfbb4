//! VTL, the language of mapping templates: AWS's dialect of Apache Velocity 1.7 (rest/08).
//!
//! A template is compiled when it is deployed: names become slots, JSONPaths and patterns that are literals are compiled
//! with it. A rendering walks the tree and writes to the output; its values live in an arena that is emptied behind it.
//! Whatever a template or a body does, a rendering ends within its [`Budget`] of steps and bytes and within fixed depths.
//! The budget counts values and output; programs of `#evaluate`, blocks and what a method works with are bounded beside
//! it, by the steps that they cost and by limits of their own.

mod interface;
mod method;
mod methods;
mod parser;
mod program;
mod run;

use bumpalo::Bump;

use crate::lang::budget::Budget;
use crate::lang::value::Value;
use program::{Node, Program, Symbols};

pub use interface::{Failure, SyntaxError, Trace, Warning, World};

/// A mapping template, ready to run.
#[derive(Debug)]
pub struct Template {
    program: Program,
    warnings: Vec<Warning>,
}

impl Template {
    pub fn compile(source: &str) -> Result<Self, SyntaxError> {
        let (program, warnings) = parser::parse(source, Symbols::default())?;
        Ok(Self { program, warnings })
    }

    /// A line of the template's text, counted from 1, as failures count them.
    pub fn line(&self, number: u32) -> &str {
        // The pool begins with the text.
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        self.program.pool.lines().nth(index).unwrap_or_default()
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
