//! Java's regular expressions (`java.util.regex`), as templates, JSONPath filters and selection patterns write them.
//!
//! A pattern is translated to the syntax of the `regex` crate, whose time is linear in the text. What no linear engine
//! can do (look-around, back-references, possessive quantifiers) runs in `fancy_regex`, and ends in an error beyond a
//! number of steps back. Letters of no case are Unicode's here under `(?i)`, where Java takes ASCII's only; blocks
//! (`\p{InGreek}`) and `\X` are refused.

mod class;
mod program;
mod replacement;
mod translate;

use crate::lang::budget::Budget;
use crate::settings::limits::REGEX_BACKTRACKING_STEPS;
use program::{Groups, Program};
use replacement::Replacement;
use translate::Translated;

pub use program::RegexError;

/// A pattern that is held against whole texts (`String.matches`).
#[derive(Debug)]
pub struct Whole(Program);

/// A pattern that is also looked for within texts.
#[derive(Debug)]
pub struct Regex {
    whole: Whole,
    within: Program,
    names: Vec<(String, usize)>,
    /// A search may read far beyond what it finds.
    reads_ahead: bool,
    compiling_steps: u64,
}

impl Whole {
    pub fn compile(pattern: &str) -> Result<Self, String> {
        Self::of(&translate::translate(pattern)?)
    }

    fn of(translated: &Translated) -> Result<Self, String> {
        Program::compile(translated, true).map(Self)
    }

    /// Steps of a budget that one match of this text is worth.
    pub fn cost(&self, text: &str) -> u64 {
        self.0.cost(text)
    }

    /// Whether the pattern takes the whole text.
    pub fn is_match(&self, text: &str) -> Result<bool, RegexError> {
        self.0.is_match(text)
    }
}

impl Regex {
    pub fn compile(pattern: &str) -> Result<Self, String> {
        let translated = translate::translate(pattern)?;
        // Measured: `((a{30}){30}){9}` takes two milliseconds, `\p{L}{20}` thirteen.
        let is_wide = translated.pattern.contains(r"\p") || translated.pattern.contains(r"\P");
        Ok(Self {
            compiling_steps: translated.choices.saturating_mul(if is_wide { 16_384 } else { 8 }),
            whole: Whole::of(&translated)?,
            within: Program::compile(&translated, false)?,
            reads_ahead: translated.reads_ahead,
            names: translated.names,
        })
    }

    /// Steps that compiling it was worth, beyond those of its length: repetitions are written out.
    pub fn compiling_steps(&self) -> u64 {
        self.compiling_steps
    }

    /// Java's `matches`: whether the pattern takes the whole text.
    pub fn is_full_match(&self, text: &str, budget: &Budget) -> Result<bool, RegexError> {
        budget.spend(self.whole.cost(text))?;
        self.whole.is_match(text)
    }

    /// Java's `find`: whether the pattern takes some part of the text.
    pub fn is_found_in(&self, text: &str, budget: &Budget) -> Result<bool, RegexError> {
        Ok(self.matches(text, budget, false).next()?.is_some())
    }

    /// Java's `replaceAll`, at the end of `out`.
    pub fn replace_all(
        &self,
        text: &str,
        replacement: &str,
        budget: &Budget,
        out: &mut Vec<u8>,
    ) -> Result<(), RegexError> {
        self.replace(text, replacement, usize::MAX, budget, out)
    }

    /// Java's `replaceFirst`, at the end of `out`.
    pub fn replace_first(
        &self,
        text: &str,
        replacement: &str,
        budget: &Budget,
        out: &mut Vec<u8>,
    ) -> Result<(), RegexError> {
        self.replace(text, replacement, 1, budget, out)
    }

    fn replace(
        &self,
        text: &str,
        replacement: &str,
        times: usize,
        budget: &Budget,
        out: &mut Vec<u8>,
    ) -> Result<(), RegexError> {
        // Where a group is takes ten times as long to find out as where the match is.
        let mut matches = self.matches(text, budget, replacement.contains('$'));
        // Java reads it at the first match, and one that is wrong harms nobody before.
        let mut parsed = None;
        let mut copied = 0;
        for _ in 0..times {
            let Some((start, end)) = matches.next()? else { break };
            let replacement = match &mut parsed {
                Some(replacement) => replacement,
                None => parsed.insert(
                    Replacement::parse(replacement, self.within.groups(), &self.names)
                        .map_err(RegexError::Replacement)?,
                ),
            };
            budget.allows(out.len(), start - copied)?;
            out.extend_from_slice(text.get(copied..start).unwrap_or_default().as_bytes());
            replacement.write(text, &matches.groups, budget, out)?;
            copied = end;
        }
        let rest = text.get(copied..).unwrap_or_default();
        budget.allows(out.len(), rest.len())?;
        out.extend_from_slice(rest.as_bytes());
        Ok(())
    }

    /// Java's `split`: with a limit of 0 empty texts at the end are left out; with one above, there are at most as many
    /// texts; with one below, all of them stay.
    pub fn split<'t>(&self, text: &'t str, limit: i32, budget: &Budget) -> Result<Vec<&'t str>, RegexError> {
        let parts_max = usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        let mut copied = 0;
        let mut matches = self.matches(text, budget, false);
        while parts.len() < parts_max - 1 {
            let Some((start, end)) = matches.next()? else { break };
            // A match of nothing at the very beginning makes no empty first text.
            if end == 0 {
                continue;
            }
            budget.allows(parts.len() * size_of::<&str>(), 0)?;
            parts.push(text.get(copied..start).unwrap_or_default());
            copied = end;
        }
        if copied == 0 {
            return Ok(vec![text]);
        }
        parts.push(text.get(copied..).unwrap_or_default());
        if limit == 0 {
            let used = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
            parts.truncate(used);
        }
        Ok(parts)
    }

    fn matches<'t, 'r>(&'r self, text: &'t str, budget: &'r Budget, with_groups: bool) -> Matches<'t, 'r> {
        let with_groups = with_groups && self.within.groups() > 0;
        Matches { regex: self, text, budget, with_groups, groups: Groups::default(), at: Some(0) }
    }
}

/// The matches of a text in order, as Java's `Matcher.find` gives them: behind a match of something there may be one of
/// nothing.
struct Matches<'t, 'r> {
    regex: &'r Regex,
    text: &'t str,
    budget: &'r Budget,
    /// Somebody asks where the groups are.
    with_groups: bool,
    groups: Groups,
    /// Where the next search begins.
    at: Option<usize>,
}

impl Matches<'_, '_> {
    fn next(&mut self) -> Result<Option<(usize, usize)>, RegexError> {
        let Some(at) = self.at.filter(|at| *at <= self.text.len()) else { return Ok(None) };
        let backtracks = self.regex.within.backtracks(self.text);
        if backtracks {
            self.budget.spend(REGEX_BACKTRACKING_STEPS)?;
        }
        self.budget.affords(self.regex.within.cost_of_choices(self.text.len() - at))?;
        let found = self.regex.within.find_at(self.text, at, self.with_groups, &mut self.groups)?;
        let read = match found {
            Some((_, end)) if !self.regex.reads_ahead => end - at,
            _ => self.text.len() - at,
        };
        // A search reads some hundred bytes in the time of a step; one that reads ahead and finds little would otherwise
        // cost the square of the text's length.
        self.budget.spend(2 + read as u64 / 256)?;
        if let (true, Some((start, end))) = (self.with_groups, found) {
            // It is read once more, by an engine that knows of groups: some hundred nanoseconds, and dozens a byte.
            self.budget.spend(8 + 2 * (end - start) as u64)?;
        }
        self.budget.spend(self.regex.within.cost_of_choices(read))?;
        if backtracks {
            let left = self.text.len() - at;
            let places = found.map_or(left, |(start, _)| start.saturating_sub(at) + 1);
            self.budget.spend(self.regex.within.cost_of_rereading(places, left))?;
        }
        self.at = found.map(|(start, end)| {
            let letter = self.text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            if start == end { end + letter } else { end }
        });
        Ok(found)
    }
}

/// For the fuzzer, and for the test that runs its seeds: a pattern, a replacement and a text on a line each. Nothing is
/// lost where nothing is replaced, and the parts of a text are parts of it.
pub fn fuzz(bytes: &[u8]) {
    let input = String::from_utf8_lossy(bytes);
    let mut lines = input.splitn(3, '\n');
    let (pattern, replacement, text) = (lines.next(), lines.next(), lines.next());
    let (Some(pattern), Some(replacement), Some(text)) = (pattern, replacement, text) else { return };
    let Ok(regex) = Regex::compile(pattern) else { return };
    let budget = Budget::new(20_000, 1 << 20);
    let mut out = Vec::new();
    if regex.replace_all(text, replacement, &budget, &mut out).is_ok() {
        assert!(std::str::from_utf8(&out).is_ok(), "letters stay whole");
    }
    let mut same = Vec::new();
    if regex.replace_all(text, "$0", &budget, &mut same).is_ok() {
        assert_eq!(same, text.as_bytes(), "a match in its own place changes nothing: {pattern:?}");
    }
    if let Ok(parts) = regex.split(text, -1, &budget) {
        assert!(parts.iter().map(|part| part.len()).sum::<usize>() <= text.len(), "{pattern:?}");
    }
    let _ = regex.is_full_match(text, &budget);
}

#[cfg(test)]
mod tests;
