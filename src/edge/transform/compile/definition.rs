//! What a mapping is compiled from, and what comes of it.

use std::collections::BTreeMap;

use super::address::Address;
use crate::edge::transform::mapping::RequestMapping;
use crate::edge::transform::response::ResponseMapping;
use crate::model::rest_api::{Integration, IntegrationType, Resource, RestApi};

/// What a mapping is compiled from.
#[derive(Clone, Copy)]
pub struct Definition<'d> {
    pub api: &'d RestApi,
    pub resource: &'d Resource,
    pub integration: &'d Integration,
    pub stage_variables: &'d BTreeMap<String, String>,
    pub missing: Missing,
}

/// What a stage variable without a value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// A mistake: nothing is deployed.
    #[default]
    Refused,
    /// An empty text, as on AWS (rest/14 section 14.2). A method whose backend has no address by that fails when it is
    /// called.
    Empty,
}

impl Definition<'_> {
    /// Whether the address of the backend is the stage's to say, which on AWS is seen only when the method is called.
    pub(super) fn has_late_address(&self) -> bool {
        let uri = self.integration.uri.as_ref();
        self.missing == Missing::Empty && uri.is_some_and(|uri| uri.value.contains(STAGE_VARIABLE))
    }

    /// Whether some template of the request overrides parameters: it may give one that no mapping does.
    pub(super) fn has_overrides(&self) -> bool {
        self.integration.kind.value == IntegrationType::Http
            && self.integration.request_templates.iter().any(|(_, text)| text.value.contains("requestOverride"))
    }
}

pub(super) const STAGE_VARIABLE: &str = "${stageVariables.";

/// Both ways of one method, and where its backend is.
#[derive(Debug)]
pub struct Mapping {
    pub request: RequestMapping,
    pub response: ResponseMapping,
    /// `None` for MOCK.
    pub backend: Option<Address>,
}
