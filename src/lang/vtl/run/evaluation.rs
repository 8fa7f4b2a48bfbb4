//! `#evaluate`: a text that is compiled while the template runs.

use crate::lang::value::Value;
use crate::lang::vtl::parser;
use crate::lang::vtl::program::{Evaluate, Symbols};
use crate::lang::vtl::run::state::Code;
use crate::lang::vtl::run::{Halt, Run, Runner};
use crate::settings::limits::VTL_EVALUATIONS_MAX;

impl<'r, 'a> Runner<'r, 'a> {
    pub(super) fn evaluate_text(&mut self, code: Code<'r, 'a>, evaluate: &'r Evaluate) -> Run<()> {
        let value = self.evaluate(code, &evaluate.text)?;
        let text = self.text_of(value)?;
        self.at = evaluate.at;
        if self.evaluated >= VTL_EVALUATIONS_MAX {
            return Err(self.fail(format!("#evaluate is called more than {VTL_EVALUATIONS_MAX} times")));
        }
        // Compiling takes some dozen nanoseconds a character, and what `$a$a$a` becomes some dozen bytes for each.
        self.spend(16 + text.len() as u64 * 4)?;
        self.evaluated += 1;
        let symbols = match self.symbols.take() {
            Some(symbols) => symbols,
            None => {
                // Once: from now on the names go from one text to the next.
                self.spend(code.program.symbols.len() as u64)?;
                code.program.symbols.clone()
            }
        };
        let mut program =
            parser::parse_evaluated(text, symbols).map_err(|error| self.fail(format!("#evaluate: {error}")))?;
        let pool = self.keep(&program.pool)?;
        let symbols = std::mem::replace(&mut program.symbols, Symbols::none());
        let more = symbols.len().saturating_sub(self.slots.len());
        // A vector that grows leaves its old room in the arena.
        if more > 0 {
            self.arena_room(2 * symbols.len() * size_of::<Value<'_>>())?;
            self.slots.resize(symbols.len(), Value::Null);
        }
        self.symbols = Some(symbols);
        let program = self.evaluations.keep(program);
        let inner = Code { pool, program };
        if !program.macros.is_empty() {
            self.evaluated_codes.push(inner);
        }
        match self.block(inner, &program.root) {
            Err(Halt::Break) => Ok(()),
            result => result,
        }
    }
}
