//! Where AWS's services are reached, and who stands behind the roles of integrations, as meant.

mod check;
pub(super) mod names;
mod read;

use std::collections::BTreeMap;

use super::callers::LambdaEndpoint;
use super::secret::Secret;

/// What is said of AWS beside the account and the region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aws {
    /// In place of AWS's own endpoints, by the name of the service in URIs (`dynamodb`); `*` is every other one.
    pub endpoints: BTreeMap<String, LambdaEndpoint>,
    /// In the order of the file: the first whose role is met.
    pub roles: Vec<RoleCredentials>,
}

/// With whose keys calls are signed where an integration names a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleCredentials {
    /// An ARN, or a pattern with `*`; `default` is what signs where no role is named.
    pub role: String,
    pub source: CredentialSource,
}

/// Where keys come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// As AWS's tools look for them: environment, profile, container, instance.
    #[default]
    Chain,
    /// A profile of the files of AWS's tools.
    Profile(String),
    Keys {
        access_key: String,
        secret_key: Secret,
        session_token: Option<Secret>,
    },
    /// `sts:AssumeRole` of this role, by the default credentials.
    Assume(String),
}

#[cfg(test)]
mod tests;
