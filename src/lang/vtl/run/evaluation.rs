//! `#evaluate`: a text that is compiled while the template runs.

use crate::lang::vtl::parser;
use crate::lang::vtl::program::Evaluate;
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
        // Compiling looks at every character a few times.
        self.spend(16 + text.len() as u64 / 4)?;
        self.evaluated += 1;
        let symbols = match &self.symbols {
            Some(symbols) => symbols.clone(),
            None => code.program.symbols.clone(),
        };
        let (program, _) = parser::parse(text, symbols).map_err(|error| self.fail(format!("#evaluate: {error}")))?;
        let pool = self.keep(&program.pool)?;
        let program = self.evaluations.keep(program);
        self.slots.resize(program.symbols.len().max(self.slots.len()), crate::lang::value::Value::Null);
        self.symbols = Some(program.symbols.clone());
        let inner = Code { pool, program };
        self.evaluated_codes.push(inner);
        match self.block(inner, &program.root) {
            Err(Halt::Break) => Ok(()),
            result => result,
        }
    }
}
