//! Everything compiled; never changed after it is made.

use std::sync::Arc;

use super::cors::Cors;
use super::dispatch::canary::Share;
use super::dispatch::{Table, Tree};
use super::exchange::{MethodFacts, Request, StageFacts};
use super::gateway_response::GatewayResponses;
use super::identity::Authorization;
use super::identity::iam::Principals;
use super::identity::resource_policy::ResourcePolicy;
use super::limit::api_key::ApiKeys;
use super::limit::ledger::Ledger;
use super::limit::{Budget, Limits};
use super::request_validator::Validator;
use super::transform::{Compression, RequestMapping, ResponseMapping};
use super::upstream::Integration;
use super::watch::Format;
use crate::telemetry::counters::SeriesId;

/// What all cores run, until the next one is published: a small table of stages, most of them those of the last one.
#[derive(Default)]
pub struct Snapshot {
    /// Counts publications, from 1.
    pub revision: u64,
    pub table: Table,
    /// In the order in which the table numbers them.
    pub stages: Vec<Arc<Stage>>,
    /// All budgets of the process by their slots: what any stage's limits name, whenever it was compiled.
    pub ledgers: Vec<Option<Arc<Ledger>>>,
    /// Of all stages.
    pub api_keys: Arc<ApiKeys>,
    /// Who may sign requests.
    pub principals: Arc<Principals>,
    pub access_log: Option<Format>,
    /// A 429 says when to come again.
    pub retry_after: bool,
}

/// A stage of an API, compiled by itself and kept from one snapshot to the next as long as nothing of it changes.
pub struct Stage {
    pub base: Release,
    pub canary: Option<Canary>,
    /// Its own format, where it has one; else the snapshot's.
    pub access_log: Option<Format>,
    /// False under `disableExecuteApiEndpoint`.
    pub execute_api: bool,
    /// Held so that no other stage gets their slots.
    pub budgets: Box<[Arc<Budget>]>,
}

/// A second deployment that takes a share of the stage's requests.
pub struct Canary {
    pub share: Share,
    pub release: Release,
}

impl Stage {
    /// The release that one request meets. Nothing is drawn where there is no canary.
    #[inline]
    pub fn release(&self, draw: impl FnOnce() -> u64) -> &Release {
        match &self.canary {
            Some(canary) if canary.share.takes(draw()) => &canary.release,
            _ => &self.base,
        }
    }
}

/// One deployment with one set of stage variables.
pub struct Release {
    pub facts: StageFacts,
    /// Its method ARNs up to the verb.
    pub arn: Box<str>,
    /// Reached by VPC endpoints, and by nobody else.
    pub is_private: bool,
    /// The API's own, where it has one.
    pub policy: Option<ResourcePolicy>,
    /// `apiKeySource: AUTHORIZER`
    pub key_of_authorizer: bool,
    pub tree: Tree,
    /// In the order in which the tree numbers them.
    pub methods: Vec<Method>,
    pub gateway_responses: GatewayResponses,
    pub cors: Option<Cors>,
    /// Where requests are counted that meet no method.
    pub unmatched: SeriesId,
    /// The account's budget alone, for requests that meet no method.
    pub limits: Limits,
    /// Under `minimumCompressionSize`.
    pub compression: Option<Compression>,
}

pub struct Method {
    pub facts: MethodFacts,
    pub series: SeriesId,
    pub logged: bool,
    pub limits: Limits,
    pub authorization: Authorization,
    /// `apiKeyRequired`
    pub needs_api_key: bool,
    /// `None` under `--lenient`, where the method needs what Weir cannot do yet.
    pub plan: Option<Plan>,
}

/// What a request to a method goes through behind the limits.
pub struct Plan {
    /// `None` where the method asks for nothing.
    pub validator: Option<Validator>,
    pub request: RequestMapping,
    pub response: ResponseMapping,
    /// `None` for MOCK.
    pub integration: Option<Integration>,
}

impl Plan {
    /// Whether something may look into the client's body.
    pub fn may_need_body(&self) -> bool {
        self.request.may_need_body() || self.validator.as_ref().is_some_and(Validator::needs_body)
    }

    /// Whether something looks into the body of this request, so that the whole of it has to be there.
    #[inline]
    pub fn needs_body(&self, request: &Request) -> bool {
        self.validator.as_ref().is_some_and(Validator::needs_body) || self.request.needs_body(request)
    }

    /// Whether the answer goes on as it comes, whatever its size.
    pub fn streams(&self) -> bool {
        self.integration.as_ref().is_some_and(|integration| integration.streams)
    }
}
