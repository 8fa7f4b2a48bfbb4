//! Problems for people, with the line they are about, and for machines.

use std::fmt;
use std::io::IsTerminal;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};

use crate::model::problem::{Place, Problem, Severity, Sources};

/// Problems that a person is shown at once; machines get them all.
const SHOWN_MAX: usize = 100;
/// Longer lines are shown in part.
const LINE_BYTES_SHOWN: usize = 240;
/// Columns of a report: the same everywhere, so that two runs can be compared.
const WIDTH: usize = 110;

/// Whether standard error wants colour: a terminal, and nobody said `NO_COLOR` (no-color.org).
pub fn wants_colour() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !forbidden && std::io::stderr().is_terminal()
}

/// Every problem with its line, a caret and what to write, and a summary at the end; nothing for no problems.
pub fn render(problems: &[Problem], sources: &Sources, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false).with_context_lines(1);
    let files: Vec<NamedSource<String>> =
        sources.files.iter().map(|file| NamedSource::new(file.path.display().to_string(), file.text.clone())).collect();
    let mut text = String::new();
    for problem in sorted(problems).into_iter().take(SHOWN_MAX) {
        let clipped = problem.place.and_then(|place| clip(place, sources));
        let whole_file = problem.place.and_then(|place| files.get(place.file as usize));
        let source = clipped.as_ref().map(|(source, _)| source).or(whole_file);
        let span = clipped.as_ref().map(|(_, span)| *span);
        let span = span.or_else(|| problem.place.map(|place| first_line(place, sources)));
        let whole = text.len();
        if handler.render_report(&mut text, &Report { problem, source, span }).is_err() {
            // A line that cannot be shown must not take the problem with it.
            text.truncate(whole);
            text.push_str(&format!(
                "{}: {}\n\n  {}\n  help: {}\n",
                word(problem.severity),
                problem.code,
                problem.found,
                problem.help
            ));
        }
        text.push('\n');
    }
    if problems.len() > SHOWN_MAX {
        text.push_str(&format!("… and {} more\n", problems.len() - SHOWN_MAX));
    }
    if !problems.is_empty() {
        text.push_str(&summary(problems, sources));
        text.push('\n');
    }
    text
}

/// The same as an array of objects, for editors and CI.
pub fn to_json(problems: &[Problem], sources: &Sources) -> Vec<Value> {
    let object = |problem: &&Problem| -> Value {
        let position = problem.place.and_then(|place| sources.line_and_column(place));
        json!({
            "severity": word(problem.severity),
            "code": problem.code,
            "file": problem.place.and_then(|place| sources.get(place)).map(|file| file.path.display().to_string()),
            "line": position.map(|(line, _)| line),
            "column": position.map(|(_, column)| column),
            "found": problem.found,
            "help": problem.help,
        })
    };
    sorted(problems).iter().map(object).collect()
}

/// `2 errors, 1 warning in api.yaml`
pub fn summary(problems: &[Problem], sources: &Sources) -> String {
    let counted = [
        (Severity::Error, "error", "errors"),
        (Severity::Unsupported, "unsupported feature", "unsupported features"),
        (Severity::Warning, "warning", "warnings"),
    ];
    let parts: Vec<String> = counted
        .into_iter()
        .filter_map(|(severity, one, many)| {
            let count = problems.iter().filter(|problem| problem.severity == severity).count();
            (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
        })
        .collect();
    if parts.is_empty() {
        return "no problems".to_owned();
    }
    let mut files: Vec<u32> = problems.iter().filter_map(|problem| Some(problem.place?.file)).collect();
    files.sort_unstable();
    files.dedup();
    let names: Vec<String> = files
        .iter()
        .filter_map(|file| sources.files.get(*file as usize))
        .map(|file| file.path.display().to_string())
        .collect();
    match names.as_slice() {
        [] => parts.join(", "),
        names => format!("{} in {}", parts.join(", "), names.join(", ")),
    }
}

/// In the order of the files; what has no place comes first.
fn sorted(problems: &[Problem]) -> Vec<&Problem> {
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort_by_key(|problem| (problem.place.map(|place| (place.file, place.offset)), problem.severity));
    sorted
}

/// A long value is marked on its first line only: the rest of it explains nothing.
fn first_line(place: Place, sources: &Sources) -> (usize, usize) {
    let text = sources.get(place).map_or("", |file| file.text.as_str());
    let start = (place.offset as usize).min(text.len());
    let end = (start + place.length as usize).min(text.len());
    let line = text.get(start..end).map_or(0, |piece| piece.find(['\r', '\n']).unwrap_or(piece.len()));
    (start, line)
}

/// A piece of a line that is too long to be shown, as minified JSON has it: what stands around the place, under a name
/// that says where it is.
fn clip(place: Place, sources: &Sources) -> Option<(NamedSource<String>, (usize, usize))> {
    let file = sources.get(place)?;
    let (start, length) = first_line(place, sources);
    let line_start = file.text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = file.text[start..].find('\n').map_or(file.text.len(), |at| start + at);
    if line_end - line_start <= LINE_BYTES_SHOWN {
        return None;
    }
    let boundary = |mut at: usize| {
        while !file.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let from = boundary(start.saturating_sub(LINE_BYTES_SHOWN / 4).max(line_start));
    let to = boundary((start + LINE_BYTES_SHOWN / 2).min(line_end));
    let (line, column) = sources.line_and_column(place)?;
    let name = format!("{}, line {line}, column {column}", file.path.display());
    let span = (start - from, length.min(to.saturating_sub(start)));
    Some((NamedSource::new(name, file.text[from..to].to_owned()), span))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Unsupported => "unsupported",
        Severity::Warning => "warning",
    }
}

#[derive(Debug)]
struct Report<'a> {
    problem: &'a Problem,
    source: Option<&'a NamedSource<String>>,
    span: Option<(usize, usize)>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem.found)
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(format!("{}: {}", word(self.problem.severity), self.problem.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.severity {
            Severity::Error | Severity::Unsupported => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(&self.problem.help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.span?;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, length))))
    }
}
