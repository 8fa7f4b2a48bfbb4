//! Java's patterns on texts: `matches`, `replaceAll`, `replaceFirst` and `split`.

use crate::lang::java_regex::{Regex, RegexError};
use crate::lang::value::{ListKind, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::program::Literal;
use crate::lang::vtl::run::{Halt, Run, Runner};

/// Compiling a pattern costs microseconds a character, and a class of Unicode that is repeated milliseconds.
pub(super) const PATTERN_STEPS: u64 = 4_096;

impl<'c, 'a> Call<'c, '_, 'a> {
    pub(super) fn matches(&mut self, text: &str, pattern: &str) -> Run<bool> {
        let mut made = None;
        let regex = self.regex(pattern, &mut made)?;
        regex.is_full_match(text, self.runner.budget).map_err(|error| unmatched(self.runner, error))
    }

    pub(super) fn replace_matches(&mut self, text: &'a str, pattern: &str, replacement: &str) -> Run<Value<'a>> {
        let mut made = None;
        let regex = self.regex(pattern, &mut made)?;
        let first = self.method == Method::ReplaceFirst;
        let replaced = self.runner.captured(|runner| {
            let result = match first {
                true => regex.replace_first(text, replacement, runner.budget, runner.out),
                false => regex.replace_all(text, replacement, runner.budget, runner.out),
            };
            result.map_err(|error| unmatched(runner, error))
        })?;
        Ok(Value::Text(replaced))
    }

    pub(super) fn split(&mut self, text: &'a str, pattern: &str, limit: i32) -> Run<Value<'a>> {
        let mut made = None;
        let regex = self.regex(pattern, &mut made)?;
        // At most one part a character.
        self.runner.spend(text.len() as u64 / 8)?;
        let parts = regex.split(text, limit, self.runner.budget).map_err(|error| unmatched(self.runner, error))?;
        self.runner.arena_room(parts.len() * size_of::<Value<'_>>())?;
        Ok(self.new_list(ListKind::Array, parts.into_iter().map(Value::Text)))
    }

    /// The pattern as it was compiled with the template, or into `made` where it is known only now.
    fn regex<'p>(&mut self, pattern: &str, made: &'p mut Option<Regex>) -> Run<&'p Regex>
    where
        'c: 'p,
    {
        if let Literal::Regex(regex) = self.literal {
            return Ok(regex);
        }
        self.runner.spend(PATTERN_STEPS + pattern.len() as u64 * 64)?;
        let regex = Regex::compile(pattern).map_err(|error| self.runner.fail(error))?;
        self.runner.spend(regex.compiling_steps())?;
        Ok(made.insert(regex))
    }
}

fn unmatched(runner: &Runner<'_, '_>, error: RegexError) -> Halt {
    match error {
        RegexError::Backtracks => runner.fail("the pattern goes back and forth too often on this text".into()),
        RegexError::Exhausted(exhausted) => runner.exhausted(exhausted),
        RegexError::Replacement(message) => runner.fail(format!("the replacement: {message}")),
    }
}
