//! `x-weir-cors`: which pages of other sites may call an API (docs/cors.md). Weir's own; REST APIs on AWS have none.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cors {
    /// Patterns as `wire/origin.rs` reads them.
    pub origins: Vec<String>,
    /// Empty: the verbs that the API has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose_headers: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub credentials: bool,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

/// The extension in a document, and the member of an API's row that keeps it: `_` hides it from AWS's clients.
pub const EXTENSION: &str = "x-weir-cors";
pub const ROW_MEMBER: &str = "_cors";

/// Fetch, "CORS protocol and credentials".
pub const ANY_WITH_CREDENTIALS: &str = "browsers refuse `credentials: true` together with the origin `*`";
pub const NAME_THE_ORIGINS: &str = "Name the origins, such as `https://*.example.com`, or leave `credentials` out";
