//! Who may sign: what the settings say of principals to what the edge looks up.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::edge::exchange::IdentityFacts;
use crate::edge::identity::Rules;
use crate::edge::identity::iam::{Principals, Signer};
use crate::edge::identity::principal::Principal;
use crate::lang::policy::{Policy, PolicyError};
use crate::model::problem::Problem;
use crate::settings::{Iam, IamPrincipal};
use crate::sigv4::Texts;

/// Who may sign; `policies` gives the texts of one principal's policies. Or everything that is wrong with them.
pub fn principals(
    iam: &Iam,
    region: &str,
    policies: &mut dyn FnMut(&IamPrincipal) -> Result<Vec<String>, Problem>,
) -> Result<Principals, Vec<Problem>> {
    let mut problems = Vec::new();
    // Thousands may share the policy of their group: it is compiled once.
    let mut known: HashMap<String, Arc<Rules>> = HashMap::new();
    let mut compiled = |text: String| -> Result<Arc<Rules>, PolicyError> {
        if let Some(rules) = known.get(&text) {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(Rules::new(Policy::compile(&text)?)?);
        known.insert(text, Arc::clone(&rules));
        Ok(rules)
    };
    let mut principals = Principals {
        region: region.into(),
        texts: Texts { long_mismatch: iam.mismatch_details, ..Texts::default() },
        unsigned_payload: iam.unsigned_payload,
        ..Principals::default()
    };
    for principal in &iam.principals {
        let texts = match policies(principal) {
            Ok(texts) => texts,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match texts.into_iter().map(&mut compiled).collect() {
            Ok(rules) => {
                let signer = Signer {
                    secret: principal.secret_key.clone(),
                    session_token: principal.session_token.clone(),
                    expires: principal.expires,
                    principal: principal_of(principal),
                    rules,
                };
                principals.by_key.insert(principal.access_key.as_str().into(), Arc::new(signer));
            }
            Err(error) => problems.push(Problem::nowhere(
                "settings::principals",
                format!("a policy of the access key `{}` is none: {error}", principal.access_key),
                "see the IAM user guide for how a policy is written",
            )),
        }
    }
    if problems.is_empty() { Ok(principals) } else { Err(problems) }
}

fn principal_of(settings: &IamPrincipal) -> Principal {
    let arn = settings.arn.as_str();
    // A session's policies are its role's (security/iam-policy-engine section 5).
    let role = arn.split_once(":assumed-role/").and_then(|(head, session)| {
        let name = session.split('/').next()?;
        Some(format!("{}:role/{name}", head.replacen(":sts:", ":iam:", 1)))
    });
    let user = arn.split_once(":user/").map(|(_, path)| path.rsplit('/').next().unwrap_or(path));
    let kind = match (&role, user) {
        (Some(_), _) => "AssumedRole",
        (_, Some(_)) => "User",
        _ if arn.ends_with(":root") => "Account",
        _ => "FederatedUser",
    };
    Principal {
        facts: IdentityFacts {
            access_key: settings.access_key.as_str().into(),
            account_id: settings.account_id.as_str().into(),
            user_id: settings.user_id.as_str().into(),
            user_arn: arn.into(),
            principal_org_id: settings.org_id.as_deref().map(Into::into),
        },
        policy_arn: role.as_deref().unwrap_or(arn).into(),
        kind,
        username: user.map(Into::into),
        org_paths: settings.org_paths.iter().map(|path| path.as_str().into()).collect(),
        tags: settings
            .tags
            .iter()
            .map(|(key, value)| (format!("aws:PrincipalTag/{key}").into(), value.as_str().into()))
            .collect(),
    }
}
