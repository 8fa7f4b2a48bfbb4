//! What AWS's import says of a problem: our own words name a line, AWS's the call that would have failed
//! (openapi-import-export section 4).

use super::found::{Audience, Found, Owner, Part};
use crate::model::problem::{Problem, Severity};

/// The problem as an import tells it, or nothing where AWS takes the document.
pub(super) fn told(found: Found) -> Option<Problem> {
    let Found { mut problem, owner, audience, on_aws } = found;
    if audience == Audience::Serve {
        return None;
    }
    let text = on_aws.unwrap_or_else(|| std::mem::take(&mut problem.found));
    problem.found = match problem.severity {
        Severity::Error => format!("{}{text}", failed_call(&owner)),
        Severity::Unsupported | Severity::Warning => text,
    };
    // What Weir cannot do stops a deployment, not an import.
    if problem.severity == Severity::Unsupported {
        problem.severity = Severity::Warning;
    }
    Some(problem)
}

/// What the whole answer is where there is nothing to import.
pub(super) fn invalid_input(problems: &[Problem]) -> Problem {
    let reason = problems.iter().find(|problem| problem.severity == Severity::Error);
    let help = reason.map_or_else(String::new, |reason| format!("{}: {}", reason.found, reason.help));
    Problem { place: reason.and_then(|reason| reason.place), ..Problem::nowhere("openapi::input", INVALID_INPUT, help) }
}

/// control-plane/v1-messages, recorded.
const INVALID_INPUT: &str = "Invalid OpenAPI input.";

fn failed_call(owner: &Owner) -> String {
    match owner {
        Owner::Document => String::new(),
        Owner::Path(path) => format!("Unable to create resource at path '{}': ", shown(path)),
        Owner::Method(verb, path, Part::Method) => {
            format!("Unable to put method '{verb}' on resource at path '{path}': ")
        }
        Owner::Method(verb, path, Part::Integration) => {
            format!("Unable to put integration on '{verb}' for resource at path '{path}': ")
        }
        Owner::Method(verb, path, Part::IntegrationResponse) => {
            format!("Unable to put integration response on '{verb}' for resource at path '{path}': ")
        }
    }
}

/// A path that is far too long is not repeated whole.
fn shown(path: &str) -> &str {
    path.char_indices().nth(PATH_LETTERS_SHOWN).map_or(path, |(end, _)| &path[..end])
}

const PATH_LETTERS_SHOWN: usize = 200;
