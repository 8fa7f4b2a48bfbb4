//! What an import has to know beside the document, and which kind of document it is.

use std::time::Duration;

use crate::settings::limits::INTEGRATION_TIMEOUT_MAX;

/// What an import has to know beside the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `${AWS::AccountId}`
    pub account_id: String,
    /// `${AWS::Region}`; the partition follows from it.
    pub region: String,
    /// The longest `timeoutInMillis` of a buffered integration.
    pub integration_timeout_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            integration_timeout_max: INTEGRATION_TIMEOUT_MAX,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Swagger2,
    OpenApi3,
}
