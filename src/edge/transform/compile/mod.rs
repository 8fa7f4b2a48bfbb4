//! An integration's mappings to what a request runs.

mod address;
mod aws;
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
        IntegrationType::Aws | IntegrationType::AwsProxy => aws::aws(definition, problems),
    };
    let failed = problems[before..].iter().any(|problem| problem.severity != Severity::Warning);
    mapping.filter(|_| !failed)
}
