//! An integration's mappings to what a request runs.

mod address;
mod definition;
mod http;
mod mock;
mod responses;
mod sources;
mod templates;
mod uri;

pub use address::Address;
pub use definition::{Definition, Mapping, Missing};

use crate::model::problem::{Problem, Severity};
use crate::model::rest_api::IntegrationType;

/// Compiles both ways, or says everything that is wrong.
pub fn compile(definition: Definition<'_>, problems: &mut Vec<Problem>) -> Option<Mapping> {
    let before = problems.len();
    let mapping = match definition.integration.kind.value {
        IntegrationType::HttpProxy | IntegrationType::Http => http::http(definition, problems),
        IntegrationType::Mock => Some(mock::mock(definition, problems)),
        // control/deploy refuses these; saying so here too keeps a new caller from leaving one out.
        IntegrationType::Aws | IntegrationType::AwsProxy => {
            let kind = definition.integration.kind.value.as_str();
            problems.push(Problem::unsupported(
                "integration::type",
                definition.integration.kind.place,
                format!("integrations of type {kind} cannot be called yet"),
                "use http_proxy, http or mock",
            ));
            None
        }
    };
    let failed = problems[before..].iter().any(|problem| problem.severity != Severity::Warning);
    mapping.filter(|_| !failed)
}
