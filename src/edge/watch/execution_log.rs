//! What one request went through, in the lines of AWS's execution log (rest/14 section 14.5), for `weir invoke` and
//! `test-invoke-method`; and, where somebody traces, each step of its templates.

use std::fmt::Write;

use crate::lang::vtl;
use crate::settings::limits::{TRACE_STEPS_MAX, TRACE_VALUE_BYTES_MAX};

/// Gathered while the request runs. Only requests that somebody watches have one.
#[derive(Debug, Default)]
pub struct ExecutionLog {
    pub entries: Vec<Entry>,
    /// Whether templates are traced.
    pub traces: bool,
    /// Whether a request was made for a backend.
    pub sends: bool,
}

#[derive(Debug)]
pub enum Entry {
    Line(String),
    /// Which integration response was chosen: no line of AWS's.
    Chosen(String),
    Rendering(Rendering),
}

/// One template's run.
#[derive(Debug)]
pub struct Rendering {
    /// `request` or `response`.
    pub way: &'static str,
    /// The content type that the template is for.
    pub key: String,
    /// The body that it read.
    pub input: String,
    pub output: String,
    /// Where and why it failed, if it did.
    pub failed: Option<Failed>,
    pub steps: Vec<Step>,
    /// Steps beyond the limit, that are not told.
    pub steps_left_out: usize,
}

/// Where a template failed, with the text of its line.
#[derive(Debug)]
pub struct Failed {
    pub reason: String,
    pub line: u32,
    pub column: u32,
    pub text: String,
}

/// One thing that a template did, with its line.
#[derive(Debug)]
pub struct Step {
    pub line: u32,
    pub what: What,
    /// The template's own text: a reference, a condition, a variable.
    pub text: String,
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Reference,
    Set,
    /// `value` is `taken` or `not taken`.
    Branch,
    /// `value` is the item's.
    Iteration {
        index: usize,
    },
    /// A loop without a round, or one that the limit ended: `value` says which.
    Loop,
}

impl ExecutionLog {
    pub fn line(&mut self, line: impl Into<String>) {
        self.entries.push(Entry::Line(line.into()));
    }

    pub fn chosen(&mut self, which: String) {
        self.entries.push(Entry::Chosen(which));
    }

    /// A body's line, as text; what is none says so, as on AWS.
    pub fn body(&mut self, heading: &str, body: &[u8]) {
        match std::str::from_utf8(body) {
            Ok(text) => self.line(format!("{heading}: {text}")),
            Err(_) => self.line(format!("{heading}: [Binary Data]")),
        }
    }

    /// Pairs as Java prints a map. What identifies a caller is masked but for its last six characters.
    pub fn pairs<'p>(&mut self, heading: &str, pairs: impl Iterator<Item = (&'p [u8], &'p [u8])>) {
        let mut text = format!("{heading}: {{");
        for (index, (name, value)) in pairs.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let name = String::from_utf8_lossy(name);
            let value = String::from_utf8_lossy(value);
            let secret = ["authorization", "x-api-key", "x-amz-security-token", "x-weir-function-key"];
            if secret.contains(&name.to_ascii_lowercase().as_str()) {
                let _ = write!(text, "{separator}{name}={}", masked(&value));
            } else {
                let _ = write!(text, "{separator}{name}={value}");
            }
        }
        text.push('}');
        self.line(text);
    }

    pub fn rendering_begins(&mut self, way: &'static str, key: &str, input: &str) {
        self.entries.push(Entry::Rendering(Rendering {
            way,
            key: key.to_owned(),
            input: input.to_owned(),
            output: String::new(),
            failed: None,
            steps: Vec::new(),
            steps_left_out: 0,
        }));
    }

    pub fn rendering_ends(&mut self, output: &[u8], failed: Option<Failed>) {
        if let Some(rendering) = self.rendering() {
            rendering.output = String::from_utf8_lossy(output).into_owned();
            rendering.failed = failed;
        }
    }

    fn rendering(&mut self) -> Option<&mut Rendering> {
        match self.entries.last_mut() {
            Some(Entry::Rendering(rendering)) => Some(rendering),
            _ => None,
        }
    }

    fn step(&mut self, line: u32, what: What, text: &str, value: &str) {
        let Some(rendering) = self.rendering() else { return };
        if rendering.steps.len() >= TRACE_STEPS_MAX {
            rendering.steps_left_out += 1;
            return;
        }
        rendering.steps.push(Step { line, what, text: shortened(text), value: shortened(value) });
    }
}

impl vtl::Trace for ExecutionLog {
    fn reference(&mut self, line: u32, text: &str, value: &str) {
        self.step(line, What::Reference, text, value);
    }

    fn branch(&mut self, line: u32, text: &str, taken: bool) {
        self.step(line, What::Branch, text, if taken { "taken" } else { "not taken" });
    }

    fn set(&mut self, line: u32, target: &str, value: &str) {
        self.step(line, What::Set, target, value);
    }

    fn iteration(&mut self, line: u32, variable: &str, index: usize, value: &str) {
        self.step(line, What::Iteration { index }, variable, value);
    }

    fn ended(&mut self, line: u32, variable: &str, rounds: usize) {
        match rounds {
            0 => self.step(line, What::Loop, variable, "no rounds: it found nothing to go through"),
            most => self.step(line, What::Loop, variable, &format!("the limit of {most} rounds ended it")),
        }
    }
}

fn masked(value: &str) -> String {
    let letters = value.chars().count();
    let hidden = letters.saturating_sub(6);
    value.chars().enumerate().map(|(index, letter)| if index < hidden { '*' } else { letter }).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= TRACE_VALUE_BYTES_MAX) {
        Some((at, _)) => format!("{}… [{} more bytes]", &text[..at], text.len() - at),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_show_their_end_only() {
        let mut log = ExecutionLog::default();
        let pairs: [(&[u8], &[u8]); 2] = [(b"X-API-Key", b"0123456789"), (b"a", b"b")];
        log.pairs("Method request headers", pairs.into_iter());
        let Some(Entry::Line(line)) = log.entries.first() else { panic!("no line") };
        assert_eq!(line, "Method request headers: {X-API-Key=****456789, a=b}");
    }
}
