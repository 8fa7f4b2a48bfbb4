//! What `weir invoke` prints: the execution log, each template step by step where it was traced, and the answer.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::edge::invoke::Invoked;
use crate::edge::watch::execution_log::{Entry, Rendering, Step, What};

pub(super) fn to_text(invoked: &Invoked) -> String {
    let mut text = String::new();
    for entry in &invoked.log.entries {
        match entry {
            Entry::Line(line) => {
                let _ = writeln!(text, "{line}");
            }
            Entry::Rendering(rendering) => rendered(rendering, &mut text),
        }
    }
    let answer = &invoked.answer;
    let _ = writeln!(text, "\n{} in {}.{:03} ms", answer.status, invoked.took_us / 1_000, invoked.took_us % 1_000);
    for (name, value) in &answer.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text);
    match std::str::from_utf8(&answer.body) {
        Ok(body) => text.push_str(body),
        Err(_) => {
            let _ = write!(text, "[{} bytes that are no text]", answer.body.len());
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A template's run, each step behind its line:
///
/// ```text
/// ┌ request template, application/json
/// │ input   {"id": 7}
/// │    2  set      $id                  7
/// │    3  if       $id > 5              taken
/// │    4           $id                  7
/// │ output  {"key": "7"}
/// └
/// ```
fn rendered(rendering: &Rendering, text: &mut String) {
    let _ = writeln!(text, "┌ {} template, {}", rendering.way, rendering.key);
    block("input", &rendering.input, text);
    let width = rendering.steps.iter().map(|step| step.text.chars().count()).max().unwrap_or(0).clamp(12, 40);
    for step in &rendering.steps {
        let what = word(step);
        let mut values = step.value.lines();
        let first = values.next().unwrap_or("(empty)");
        let _ = writeln!(text, "│ {:>4}  {what:<8} {:<width$}  {first}", step.line, one_line(&step.text));
        for more in values {
            let _ = writeln!(text, "│ {:>4}  {:<8} {:<width$}  {more}", "", "", "");
        }
    }
    if rendering.steps_left_out > 0 {
        let _ = writeln!(text, "│ … and {} more steps", rendering.steps_left_out);
    }
    block("output", &rendering.output, text);
    if let Some(reason) = &rendering.failed {
        let _ = writeln!(text, "│ FAILED  {reason}");
    }
    let _ = writeln!(text, "└");
}

fn word(step: &Step) -> String {
    match step.what {
        What::Reference => String::new(),
        What::Set => "set".to_owned(),
        What::Branch => "if".to_owned(),
        What::Iteration { index } => format!("each {index}"),
    }
}

fn block(heading: &str, body: &str, text: &mut String) {
    let mut lines = body.lines();
    let _ = writeln!(text, "│ {heading:<7} {}", lines.next().unwrap_or("(empty)"));
    for line in lines {
        let _ = writeln!(text, "│ {:<7} {line}", "");
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn to_json(invoked: &Invoked) -> String {
    let mut log = Vec::new();
    let mut templates = Vec::new();
    for entry in &invoked.log.entries {
        match entry {
            Entry::Line(line) => log.push(Value::from(line.as_str())),
            Entry::Rendering(rendering) => templates.push(json!({
                "way": rendering.way,
                "contentType": rendering.key,
                "input": rendering.input,
                "output": rendering.output,
                "failed": rendering.failed,
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
    };
    let mut members = json!({"line": step.line, "what": what, "text": step.text, "value": step.value});
    if let (Some(index), Some(members)) = (index, members.as_object_mut()) {
        members.insert("index".into(), index.into());
    }
    members
}
