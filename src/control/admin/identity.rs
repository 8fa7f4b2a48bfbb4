//! Somebody who has been let in.

use std::sync::Arc;

use crate::lang::policy::Policy;
use crate::sigv4;

/// Only the gate makes one, so to hold it is to have been checked.
#[derive(Clone, Debug)]
pub struct Identity {
    /// As it was presented; empty for an unsigned request, and not checked where everybody is let in.
    pub access_key: String,
    /// Twelve digits.
    pub account_id: String,
    /// `arn:aws:iam::123456789012:user/ada`
    pub principal: String,
    /// AWS's unique id: `AIDA…`, `AROA…:session`, or the account for its root.
    pub user_id: String,
    /// The region that was signed for.
    pub region: String,
    pub(super) rights: Rights,
    context: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
pub(super) enum Rights {
    All,
    Policy(Arc<Policy>),
}

impl Identity {
    pub(super) fn new(principal: String, region: &str, rights: Rights) -> Self {
        let account_id = principal.split(':').nth(4).unwrap_or_default().to_owned();
        let name = principal.splitn(6, ':').nth(5).unwrap_or_default();
        let user_id = match name.split_once('/') {
            Some(("assumed-role", session)) => {
                let session = session.rsplit('/').next().unwrap_or_default();
                let role = principal.rsplit_once('/').map_or("", |(role, _)| role);
                format!("AROA{}:{session}", unique(role))
            }
            Some(("role", _)) => format!("AROA{}", unique(&principal)),
            Some(_) => format!("AIDA{}", unique(&principal)),
            None => account_id.clone(),
        };
        let (access_key, context) = (String::new(), Vec::new());
        Self { access_key, account_id, principal, user_id, region: region.to_owned(), rights, context }
    }

    pub(super) fn with_access_key(mut self, access_key: &str) -> Self {
        access_key.clone_into(&mut self.access_key);
        self
    }

    pub(super) fn with_context(mut self, context: Vec<(&'static str, String)>) -> Self {
        self.context = context;
        self
    }

    /// Every condition key of this request and whoever sent it.
    pub(super) fn conditions(&self) -> Vec<(&str, &str)> {
        let name = self.principal.splitn(6, ':').nth(5).unwrap_or_default();
        let (kind, user) = match name.split_once('/') {
            Some(("user", path)) => ("User", path.rsplit('/').next()),
            Some(("assumed-role", _)) => ("AssumedRole", None),
            Some(("federated-user", _)) => ("FederatedUser", None),
            _ => ("Account", None),
        };
        let mut all: Vec<(&str, &str)> = self.context.iter().map(|(key, value)| (*key, value.as_str())).collect();
        all.extend([
            ("aws:PrincipalArn", self.principal.as_str()),
            ("aws:PrincipalAccount", &self.account_id),
            ("aws:PrincipalType", kind),
            ("aws:userid", &self.user_id),
        ]);
        all.extend(user.map(|user| ("aws:username", user)));
        all
    }
}

/// Seventeen letters and digits, the same for the same text: how AWS's ids look.
fn unique(text: &str) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    sigv4::hash(text.as_bytes())[..17].iter().map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect()
}
