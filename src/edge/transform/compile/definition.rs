//! What a mapping is compiled from, and what comes of it.

use std::collections::BTreeMap;

use super::address::Address;
use crate::edge::transform::mapping::RequestMapping;
use crate::edge::transform::response::ResponseMapping;
use crate::edge::upstream::places::{Places, Signed};
use crate::model::rest_api::{Integration, IntegrationType, Method, Resource, RestApi};

/// What a mapping is compiled from.
#[derive(Clone, Copy)]
pub struct Definition<'d> {
    pub api: &'d RestApi,
    pub resource: &'d Resource,
    pub method: &'d Method,
    pub integration: &'d Integration,
    pub stage_variables: &'d BTreeMap<String, String>,
    pub missing: Missing,
    /// Its method ARNs up to the verb.
    pub arn: &'d str,
    pub places: Places<'d>,
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

    /// Whether the answer goes on while it comes.
    pub(super) fn streams(&self) -> bool {
        let mode = self.integration.response_transfer_mode.as_ref();
        mode.is_some_and(|mode| mode.value.eq_ignore_ascii_case("STREAM"))
    }

    /// `arn:aws:execute-api:{region}:{account}:{api}/{stage}/{VERB}/{resource path}`, by the definition's own verb and path
    /// (rest/05 section 5.3).
    pub(super) fn source_arn(&self) -> String {
        let path = self.resource.path.value.trim_start_matches('/');
        format!("{}{}/{path}", self.arn, self.method.http_method.as_str())
    }

    /// Whether some template of the request overrides parameters: it may give one that no mapping does.
    pub(super) fn has_overrides(&self) -> bool {
        matches!(self.integration.kind.value, IntegrationType::Http | IntegrationType::Aws)
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
    /// By whose keys the call is signed, and for what; `None` where it is not.
    pub signed: Option<Signed>,
}
