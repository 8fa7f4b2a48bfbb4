//! Models: JSON schemas of draft 4 (rest/03 section 3.4). Compiled once, then only run.
//!
//! An engine of our own, for three reasons. Its answers are those of the Java library behind AWS, in its words and its
//! order. Its work is counted and has an end, whatever the schema says, since the client chooses the body: so many steps
//! a byte and so many in all (`SCHEMA_STEPS_…`), and as many for patterns (`SCHEMA_PATTERN_WORK_MAX`), those for saying
//! why included; a body beyond them is refused. What a step takes is estimated, not measured. And a body is read without
//! a tree: 2 KB against thirty properties take less than the reading alone would into one. The `jsonschema` crate checks
//! most formats, and is what the tests compare with.

mod compile;
mod explain;
mod format;
mod json;
mod number;
mod parts;
mod pattern;
mod read;
mod run;

use std::fmt;

use serde_json::{Value, json};

pub use compile::SchemaError;
use explain::Report;
use json::Json;
use parts::Part;
use run::Run;

/// A compiled schema, with all that it names.
#[derive(Debug)]
pub struct Schema {
    parts: Vec<Part>,
}

impl Schema {
    /// A schema that stands by itself. `models` answers what its references name.
    pub fn compile(schema: Value, models: &dyn Fn(&str) -> Option<Value>) -> Result<Self, SchemaError> {
        Ok(Self { parts: compile::compile(None, schema, models)? })
    }

    /// The schema of a model, which may name itself.
    pub fn of_model(name: &str, models: &dyn Fn(&str) -> Option<Value>) -> Option<Result<Self, SchemaError>> {
        Some(compile::compile(Some(name), models(name)?, models).map(|parts| Self { parts }))
    }

    /// Every JSON holds.
    pub fn any() -> Self {
        Self { parts: vec![Part::default()] }
    }

    /// Does this body hold? An empty one is `{}` (rest/03 section 3.3, recorded).
    pub fn check(&self, body: &[u8]) -> Result<(), Invalid> {
        let body = if body.is_empty() { b"{}" } else { body };
        let text = std::str::from_utf8(body).map_err(|_| Invalid::NotJson)?;
        let json = Json::read(text).ok_or(Invalid::NotJson)?;
        let mut run = Run::new(&self.parts, body.len());
        match run.holds(0, json.root()) {
            // `not` turns an answer that means nothing into a yes.
            _ if run.exceeded => Err(Invalid::TooCostly),
            true => Ok(()),
            false => {
                let mut report = Report::default();
                run.explain(0, json.root(), &mut report);
                // To say why may cost more than is left when no is said.
                Err(if report.is_empty() { Invalid::TooCostly } else { Invalid::Violations(report.finish().into()) })
            }
        }
    }
}

/// Why a body does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalid {
    NotJson,
    /// In the words of AWS's `$context.error.validationErrorString`: `[…, …]`.
    Violations(Box<str>),
    /// To check it, or to say why it does not hold, would take more steps than a body of its size may.
    TooCostly,
}

impl Invalid {
    /// `$context.error.validationErrorString`: nothing where the body could not be looked at (rest/03 section 3.3).
    pub fn into_violations(self) -> Option<Box<str>> {
        match self {
            Self::Violations(list) => Some(list),
            Self::NotJson | Self::TooCostly => None,
        }
    }
}

/// As AWS's execution log has it.
impl fmt::Display for Invalid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => out.write_str("[Unknown error parsing request body]"),
            Self::Violations(list) => out.write_str(list),
            Self::TooCostly => out.write_str("[The schema would be run more often than a body of this size may cost]"),
        }
    }
}

/// For the fuzzer, and for the test that runs its seeds: a schema, and behind an empty line a body. Whatever compiles
/// checks that body and a few others, and says why where it says no.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (schema, body) = text.split_once("\n\n").unwrap_or((&text, "{\"a\":[1,\"b\",{\"c\":null}]}"));
    let Ok(schema) = serde_json::from_str::<Value>(schema) else { return };
    let other = json!({"type": ["object", "integer"], "properties": {"self": schema}});
    let models = |name: &str| match name {
        "Self" => Some(schema.clone()),
        "Other" => Some(other.clone()),
        _ => None,
    };
    let Some(Ok(compiled)) = Schema::of_model("Self", &models) else { return };
    for body in
        [body.as_bytes(), b"", b"null", b"[[[{}]]]", b"\"2026-11-26T20:19:52Z\"", b"-1.5e3", b"{\"self\":1,\"self\":2}"]
    {
        let answer = compiled.check(body);
        if let Err(Invalid::Violations(list)) = &answer {
            assert!(list.len() > 2, "a no has a reason: {schema} and {}", String::from_utf8_lossy(body));
        }
        assert_eq!(compiled.check(body), answer, "the same body, the same answer");
    }
}

#[cfg(test)]
mod tests;
