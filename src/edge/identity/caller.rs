//! Who calls, once somebody has said so.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::iam::Signer;
use super::lambda::Said;
use crate::edge::exchange::IdentityFacts;

/// Who calls, as far as somebody has said so.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub signer: Option<Arc<Signer>>,
    pub said: Option<Arc<Said>>,
}

/// Whom `--dev-identity` takes every caller for. Cores make their own of it.
#[derive(Clone, Debug, Default)]
pub struct Assumed {
    pub identity: Option<IdentityFacts>,
    pub authorizer: Option<Map<String, Value>>,
    pub usage_identifier_key: Option<Box<str>>,
}

impl Caller {
    /// Somebody of whom an authorizer has said something.
    pub fn of(said: Arc<Said>) -> Self {
        Self { signer: None, said: Some(said) }
    }

    /// Somebody whom nobody has asked.
    pub fn assumed(assumed: &Arc<Assumed>) -> Self {
        let signer = assumed.identity.clone().map(|facts| Arc::new(Signer::assumed(facts)));
        let (authorizer, key) = (assumed.authorizer.clone(), assumed.usage_identifier_key.clone());
        let said = (authorizer.is_some() || key.is_some()).then(|| {
            Arc::new(Said {
                context: authorizer.unwrap_or_default(),
                rules: None,
                usage_identifier_key: key,
                policy: Box::default(),
                policy_bytes: 0,
            })
        });
        Self { signer, said }
    }

    pub fn identity(&self) -> Option<&IdentityFacts> {
        self.signer.as_ref().map(|signer| &signer.principal.facts)
    }

    pub fn authorizer(&self) -> Option<&Map<String, Value>> {
        self.said.as_ref().map(|said| &said.context)
    }
}
