//! A translated pattern in the engine that can run it.

use super::translate::{END, Translated};
use crate::lang::budget::Exhausted;
use crate::settings::limits::{
    REGEX_BACKTRACKING_STEPS, REGEX_BACKTRACKS_MAX, REGEX_CHOICES_FREE, REGEX_PROGRAM_BYTES_MAX,
    REGEX_REREAD_BYTES_PER_STEP, REGEX_REREADING_BITS_MAX,
};

/// Java's `$` (and `\Z`) where the text does not end a line: its very end.
const END_PLAIN: &str = r"\z";
/// … and otherwise: before the last line's end, too.
const END_OF_LINE: &str = r"(?=(?:\r\n|[\n\x{85}\x{2028}\x{2029}]|\r)?\z)(?!(?<=\r)\n\z)";

/// Why a search or a replacement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// More steps back than one search may take.
    Backtracks,
    Exhausted(Exhausted),
    /// What Java throws for a replacement that names no group.
    Replacement(&'static str),
}

impl From<Exhausted> for RegexError {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

#[derive(Debug)]
pub(super) struct Program {
    plain: Engine,
    /// For texts that end with a line's end, where the pattern has a `$`: only then it needs look-around.
    line_end: Option<Engine>,
    groups: usize,
    choices: u64,
    /// The longest text that an engine that goes back is asked about, and whether it may read it once for each place.
    backtracking_bytes_max: usize,
    rereads: bool,
}

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
}

/// Where the groups of the last match are; the first is the whole of it.
#[derive(Debug, Default)]
pub(super) struct Groups(pub(super) Vec<Option<(usize, usize)>>);

impl Program {
    pub(super) fn compile(translated: &Translated, whole: bool) -> Result<Self, String> {
        let engine = |end: &str, backtracks: bool| {
            let pattern = translated.pattern.replace(END, end);
            let pattern = if whole { format!(r"\A(?:{pattern})\z") } else { pattern };
            Engine::compile(&pattern, backtracks)
        };
        let has_end = translated.pattern.contains(END);
        Ok(Self {
            plain: engine(END_PLAIN, translated.backtracks)?,
            line_end: has_end.then(|| engine(END_OF_LINE, true)).transpose()?,
            groups: translated.groups,
            choices: translated.choices,
            // One part that reads on reads a text to the power of two, one around it of three.
            backtracking_bytes_max: match translated.readers {
                0 => usize::MAX,
                readers => 1 << (REGEX_REREADING_BITS_MAX / (readers + 1)),
            },
            rereads: translated.readers > 0,
        })
    }

    /// Groups besides the whole match.
    pub(super) fn groups(&self) -> usize {
        self.groups
    }

    /// Steps that one search of a text is worth: an engine that goes back and forth may take all that it is allowed.
    pub(super) fn cost(&self, text: &str) -> u64 {
        match self.engine(text) {
            Engine::Linear(_) => 1 + text.len() as u64 / 64 + self.cost_of_choices(text.len()),
            Engine::Backtracking(_) => REGEX_BACKTRACKING_STEPS
                .saturating_add(self.cost_of_choices(text.len()))
                .saturating_add(self.cost_of_rereading(text.len(), text.len()) / 2),
        }
    }

    /// Steps of a search that went back and forth behind so many bytes before it ended.
    pub(super) fn cost_of_rereading(&self, places: usize, bytes: usize) -> u64 {
        if self.rereads { (places as u64).saturating_mul(bytes as u64) / REGEX_REREAD_BYTES_PER_STEP } else { 0 }
    }

    /// Whether a search of this text goes back and forth.
    pub(super) fn backtracks(&self, text: &str) -> bool {
        matches!(self.engine(text), Engine::Backtracking(_))
    }

    /// What reading so many bytes is worth beyond that. Automata of few choices are built once and take a byte at a time.
    /// Those of many may become too many to keep, `.*a[ab]{600}c` for one, and then every byte is held against every
    /// choice: some nanoseconds each.
    pub(super) fn cost_of_choices(&self, bytes: usize) -> u64 {
        if self.choices <= REGEX_CHOICES_FREE { 0 } else { self.choices.saturating_mul(bytes as u64) / 4 }
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool, RegexError> {
        match self.engine(text) {
            Engine::Linear(regex) => Ok(regex.is_match(text)),
            Engine::Backtracking(_) if text.len() > self.backtracking_bytes_max => Err(RegexError::Backtracks),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(|_| RegexError::Backtracks),
        }
    }

    pub(super) fn find_at(
        &self,
        text: &str,
        at: usize,
        with_groups: bool,
        groups: &mut Groups,
    ) -> Result<Option<(usize, usize)>, RegexError> {
        groups.0.clear();
        match self.engine(text) {
            Engine::Linear(regex) if !with_groups => {
                groups.0.extend(regex.find_at(text, at).map(|found| Some((found.start(), found.end()))));
            }
            Engine::Linear(regex) => {
                if let Some(captures) = regex.captures_at(text, at) {
                    groups.0.extend(captures.iter().map(|group| group.map(|group| (group.start(), group.end()))));
                }
            }
            Engine::Backtracking(_) if text.len() > self.backtracking_bytes_max => {
                return Err(RegexError::Backtracks);
            }
            Engine::Backtracking(regex) => {
                let captures = regex.captures_from_pos(text, at).map_err(|_| RegexError::Backtracks)?;
                if let Some(captures) = captures {
                    groups.0.extend(captures.iter().map(|group| group.map(|group| (group.start(), group.end()))));
                }
            }
        }
        Ok(groups.0.first().copied().flatten())
    }

    fn engine(&self, text: &str) -> &Engine {
        match &self.line_end {
            Some(engine) if text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) => engine,
            _ => &self.plain,
        }
    }
}

impl Engine {
    fn compile(pattern: &str, backtracks: bool) -> Result<Self, String> {
        if backtracks {
            let built = fancy_regex::RegexBuilder::new(pattern)
                .backtrack_limit(REGEX_BACKTRACKS_MAX)
                .delegate_size_limit(REGEX_PROGRAM_BYTES_MAX)
                .delegate_dfa_size_limit(REGEX_PROGRAM_BYTES_MAX)
                .build();
            return built.map(Self::Backtracking).map_err(|error| error.to_string());
        }
        let built = regex::RegexBuilder::new(pattern)
            .size_limit(REGEX_PROGRAM_BYTES_MAX)
            .dfa_size_limit(REGEX_PROGRAM_BYTES_MAX)
            .build();
        built.map(Self::Linear).map_err(|error| error.to_string())
    }
}
