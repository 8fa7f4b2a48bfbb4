//! What `weir invoke` prints: the execution log, each template step by step where it was traced, and the answer.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::edge::invoke::Invoked;
use crate::edge::watch::execution_log::{Entry, Failed, Rendering, Step, What};

pub(super) fn to_text(invoked: &Invoked) -> String {
    let mut text = String::new();
    let mut above = "";
    for entry in &invoked.log.entries {
        match entry {
            Entry::Line(line) => {
                let _ = writeln!(text, "{}", harmless(line));
                above = line;
            }
            Entry::Chosen(which) => {
                let _ = writeln!(text, "─ {}", harmless(which));
            }
            Entry::Rendering(rendering) => rendered(rendering, above, &mut text),
        }
    }
    let answer = &invoked.answer;
    let _ = writeln!(text, "\n{} in {}.{:03} ms", answer.status, invoked.took_us / 1_000, invoked.took_us % 1_000);
    for (name, value) in &answer.headers {
        let _ = writeln!(text, "{name}: {}", harmless(value));
    }
    let _ = writeln!(text);
    match std::str::from_utf8(&answer.body) {
        Ok(body) => text.push_str(&harmless(body)),
        Err(_) => {
            let _ = write!(text, "[{} bytes that are no text]", answer.body.len());
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A template's run, each step behind the line that it stands in. What it reads is told where the log's line above has
/// not told it.
///
/// ```text
/// ┌ request template for application/json
/// │ input   {"id": 7}
/// │
/// │    1  #set $id = $input.path('$.id')  7
/// │    2  #if $id > 5                     taken
/// │    3  $id                             7
/// │    4  $input.path('$.name')           (nothing)
/// │
/// │ output  {"key": "7", "name": ""}
/// └
/// ```
fn rendered(rendering: &Rendering, above: &str, text: &mut String) {
    let _ = writeln!(text, "┌ {} template for {}", rendering.way, rendering.key);
    if rendering.input.is_empty() || !above.ends_with(&rendering.input) {
        block("input", &rendering.input, text);
        let _ = writeln!(text, "│");
    }
    let rows = rows(&rendering.steps);
    let widths = rows.iter().map(|row| row.what.chars().count()).filter(|width| *width <= WHAT_WIDTH_MAX);
    let width = widths.max().unwrap_or(0);
    for row in &rows {
        let mut values = row.value.lines();
        let first = values.next().unwrap_or("(nothing)");
        let _ = writeln!(text, "│ {:>4}  {:<width$}  {first}", row.line, row.what);
        for more in values {
            let _ = writeln!(text, "│ {:>4}  {:<width$}  {more}", "", "");
        }
    }
    if rendering.steps_left_out > 0 {
        let _ = writeln!(text, "│ … and {} more steps", rendering.steps_left_out);
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "│");
    }
    match &rendering.failed {
        None => block("output", &rendering.output, text),
        Some(failed) => {
            block("so far", &rendering.output, text);
            let _ = writeln!(text, "│");
            failure(failed, text);
        }
    }
    let _ = writeln!(text, "└");
}

/// The line that failed, and under it where and why.
fn failure(failed: &Failed, text: &mut String) {
    let line = harmless(failed.text.trim_end());
    let before = usize::try_from(failed.column).unwrap_or(1).saturating_sub(1);
    // Whatever stands before it takes as much room below it, tabs too.
    let room: String = line.chars().take(before).map(|letter| if letter == '\t' { '\t' } else { ' ' }).collect();
    let _ = writeln!(text, "│ FAILED  {}", harmless(&failed.reason));
    let _ = writeln!(text, "│ {:>4}  {line}", failed.line);
    let _ = writeln!(text, "│ {:>4}  {room}^", "");
}

/// A longer text pushes its own value to the right, and no other.
const WHAT_WIDTH_MAX: usize = 48;

struct Row {
    line: u32,
    what: String,
    value: String,
}

/// Steps as a person reads them: what a `#set` or an `#if` has just asked stands in its own row.
fn rows(steps: &[Step]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last: Option<&Step> = None;
    for step in steps {
        let text = one_line(&step.text);
        let mut value = harmless(&step.value);
        let asked = last.filter(|last| last.what == What::Reference && last.line == step.line);
        let what = match step.what {
            What::Reference => text,
            What::Set => match asked.filter(|asked| asked.value == step.value) {
                Some(asked) => {
                    rows.pop();
                    format!("#set {text} = {}", one_line(&asked.text))
                }
                None => format!("#set {text}"),
            },
            What::Branch if step.text == "#else" => text,
            What::Branch => {
                if let Some(asked) = asked.filter(|asked| asked.text == step.text) {
                    rows.pop();
                    let shown = if asked.value.is_empty() { "nothing is true" } else { &asked.value };
                    value = format!("{value} ({})", one_line(&harmless(shown)));
                }
                format!("#if {text}")
            }
            What::Iteration { index } => format!("#foreach {text}, round {}", index + 1),
            What::Loop => format!("#foreach {text}"),
        };
        rows.push(Row { line: step.line, what, value });
        last = Some(step);
    }
    rows
}

fn block(heading: &str, body: &str, text: &mut String) {
    let body = harmless(body);
    let mut lines = body.lines();
    let _ = writeln!(text, "│ {heading:<7} {}", lines.next().unwrap_or("(empty)"));
    for line in lines {
        let _ = writeln!(text, "│ {:<7} {line}", "");
    }
}

fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bodies and headers are other people's: nothing of them may steer the terminal.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' | '\t' => out.push(letter),
            '\r' if letters.peek() == Some(&'\n') => {}
            letter if letter.is_control() => {
                let _ = write!(out, "{}", letter.escape_default());
            }
            letter => out.push(letter),
        }
    }
    out
}

pub(super) fn to_json(invoked: &Invoked) -> String {
    let mut log = Vec::new();
    let mut templates = Vec::new();
    let mut chosen = Value::Null;
    for entry in &invoked.log.entries {
        match entry {
            Entry::Line(line) => log.push(Value::from(line.as_str())),
            Entry::Chosen(which) => chosen = Value::from(which.as_str()),
            Entry::Rendering(rendering) => templates.push(json!({
                "way": rendering.way,
                "contentType": rendering.key,
                "input": rendering.input,
                "output": rendering.output,
                "failed": rendering.failed.as_ref().map(|failed| json!({
                    "reason": failed.reason,
                    "line": failed.line,
                    "column": failed.column,
                    "text": failed.text,
                })),
                "steps": rendering.steps.iter().map(step).collect::<Vec<_>>(),
                "stepsLeftOut": rendering.steps_left_out,
            })),
        }
    }
    let answer = &invoked.answer;
    let headers: Vec<Value> = answer.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let whole = json!({
        "requestId": invoked.request_id,
        "status": answer.status,
        "headers": headers,
        "body": String::from_utf8_lossy(&answer.body),
        "log": log,
        "templates": templates,
        "integrationResponse": chosen,
        "tookMicros": invoked.took_us,
    });
    format!("{whole:#}\n")
}

fn step(step: &Step) -> Value {
    let (what, index) = match step.what {
        What::Reference => ("reference", None),
        What::Set => ("set", None),
        What::Branch => ("branch", None),
        What::Iteration { index } => ("iteration", Some(index)),
        What::Loop => ("loop", None),
    };
    let mut members = json!({"line": step.line, "what": what, "text": step.text, "value": step.value});
    if let (Some(index), Some(members)) = (index, members.as_object_mut()) {
        members.insert("index".into(), index.into());
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(steps: &[(What, &str, &str)], expected: &[(&str, &str)]) {
        let steps: Vec<Step> = steps
            .iter()
            .map(|(what, text, value)| Step { line: 1, what: *what, text: (*text).into(), value: (*value).into() })
            .collect();
        let found = rows(&steps);
        let found: Vec<(&str, &str)> = found.iter().map(|row| (row.what.as_str(), row.value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_statement_asks_stands_in_its_row() {
        let reference = What::Reference;
        check(&[(reference, "$a.b", "7"), (What::Set, "$c", "7")], &[("#set $c = $a.b", "7")]);
        check(&[(reference, "$a", "1"), (What::Set, "$c", "2")], &[("$a", "1"), ("#set $c", "2")]);
        check(&[(reference, "$a", "true"), (What::Branch, "$a", "taken")], &[("#if $a", "taken (true)")]);
        check(&[(reference, "$a", ""), (What::Branch, "$a", "taken")], &[("#if $a", "taken (nothing is true)")]);
        check(
            &[(reference, "$a", "1"), (What::Branch, "$a == 2", "not taken"), (What::Branch, "#else", "taken")],
            &[("$a", "1"), ("#if $a == 2", "not taken"), ("#else", "taken")],
        );
        check(&[(What::Iteration { index: 0 }, "$i", "x")], &[("#foreach $i, round 1", "x")]);
    }

    #[test]
    fn what_is_shown_steers_no_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\rc\u{9b}d\r\né\t"), "a\\u{1b}[2Jb\\rc\\u{9b}d\né\t");
        let failed = Failed { reason: "no".into(), line: 12, column: 4, text: "a\t$l.get(9)".into() };
        let mut text = String::new();
        failure(&failed, &mut text);
        assert_eq!(text, "│ FAILED  no\n│   12  a\t$l.get(9)\n│        \t ^\n");
    }
}
