//! One REST API as the control plane keeps, deploys, imports and exports it: every object in the shape that AWS's
//! management API sends, so that what was written is what is read (control-plane/terraform, "echo what was written").
//!
//! A member that was never given is absent; an empty map that was given stays an empty map. `formats/openapi` makes
//! these from a document and a document from these; `control/deploy` makes a [`super::rest_api::RestApi`] of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An object in AWS's wire shape.
pub type Object = Map<String, Value>;

/// A whole API. A deployment keeps one of these and never changes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiRows {
    /// `RestApi` without `id`, `createdDate` and `rootResourceId`, which are the control plane's to give.
    pub api: Object,
    /// By path, the root first and every parent before its children.
    pub resources: Vec<ResourceRow>,
    /// `Model`, without `id`.
    #[serde(default)]
    pub models: Vec<Object>,
    /// `RequestValidator`. Its `id` is what methods name in `requestValidatorId`.
    #[serde(default)]
    pub request_validators: Vec<Object>,
    /// `Authorizer`. Its `id` is what methods name in `authorizerId`.
    #[serde(default)]
    pub authorizers: Vec<Object>,
    /// `GatewayResponse`, only those that somebody has customised.
    #[serde(default)]
    pub gateway_responses: Vec<Object>,
    /// `DocumentationPart`, without `id`.
    #[serde(default)]
    pub documentation_parts: Vec<Object>,
}

/// One resource with its methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRow {
    /// Empty in rows that come from a document: the control plane gives ids.
    #[serde(default)]
    pub id: String,
    /// The whole path: `/pets/{petId}`.
    pub path: String,
    /// `Method` with `methodResponses` and `methodIntegration` (and its `integrationResponses`) in it.
    #[serde(default)]
    pub methods: Vec<Object>,
}
