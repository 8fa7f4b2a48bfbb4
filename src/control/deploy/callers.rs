//! Who may call, beside the definitions: principals of the settings, the issuers in place of user pools, and whom
//! `--dev-identity` takes every caller for.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::control::fetch::jwks::{Issuers, Wanted};
use crate::control::fetch::key_source::KeySource;
use crate::edge::exchange::IdentityFacts;
use crate::edge::identity::caller::Assumed;
use crate::edge::identity::compile;
use crate::edge::identity::iam::Principals;
use crate::edge::identity::issuer::{Issuer, Terms};
use crate::edge::identity::jwt::Algorithm;
use crate::model::problem::Problem;
use crate::settings::limits::{DEV_IDENTITY_BYTES_MAX, POLICY_BYTES_MAX};
use crate::settings::{self, IamPolicy, IamPrincipal, Settings};

/// Who may sign, or everything that is wrong with their policies.
pub fn principals(settings: &Settings) -> Result<Principals, Vec<Problem>> {
    // Many principals name the policies of few groups.
    let mut known: BTreeMap<PathBuf, Result<String, String>> = BTreeMap::new();
    let mut texts = |principal: &IamPrincipal| {
        let mut text = |policy: &IamPolicy| match policy {
            IamPolicy::Json(json) => Ok(json.clone()),
            IamPolicy::File(path) => {
                let read = || file(path, POLICY_BYTES_MAX).map_err(|error| error.to_string());
                known.entry(path.clone()).or_insert_with(read).clone().map_err(|error| {
                    let (access_key, path) = (&principal.access_key, path.display());
                    let found = format!("the policy of the access key `{access_key}`, {path}, cannot be read: {error}");
                    Problem::nowhere("settings::principals", found, "name a readable file with an IAM policy")
                })
            }
        };
        principal.policies.iter().map(&mut text).collect()
    };
    compile::principals(&settings.iam, &settings.region, &mut texts)
}

/// The issuer that stands for a user pool: one that the settings name, else Cognito's.
pub fn issuer(arn: &str, settings: &Settings, issuers: &Issuers) -> Result<Arc<Issuer>, String> {
    let wrong = || format!("`{arn}` is no ARN of a user pool");
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "cognito-idp", region, _, pool] = parts.as_slice() else { return Err(wrong()) };
    let is_sound =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let id = pool.strip_prefix("userpool/").filter(|id| is_sound(id) && is_sound(region)).ok_or_else(wrong)?;
    Ok(issuers.issuer(&match settings.user_pools.iter().find(|pool| pool.id == id) {
        Some(pool) => Wanted {
            terms: Terms {
                name: pool.issuer.clone(),
                // The settings have looked at their names.
                algorithms: pool.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect(),
                audiences: pool.audiences.clone(),
                stands_in: true,
            },
            source: match &pool.keys {
                settings::KeySource::Url(url) => KeySource::Url(url.clone()),
                settings::KeySource::File(path) => KeySource::File(path.clone()),
                settings::KeySource::Discovery => KeySource::Discovery,
            },
        },
        None => {
            let name = format!("https://cognito-idp.{region}.amazonaws.com/{id}");
            let source = KeySource::Url(format!("{name}/.well-known/jwks.json"));
            let algorithms = vec![Algorithm::Rs256];
            Wanted { terms: Terms { name, algorithms, audiences: Vec::new(), stands_in: false }, source }
        }
    }))
}

/// The file of `--dev-identity`: `{"identity": {…}, "authorizer": {…}, "usageIdentifierKey": "…"}`.
pub fn dev_identity(path: &Path) -> Result<Assumed, Problem> {
    let wrong = |found: String| {
        let help = "write {\"identity\": {\"userArn\": \"…\"}, \"authorizer\": {\"principalId\": \"…\"}}";
        Problem::nowhere("settings::dev-identity", format!("{}: {found}", path.display()), help)
    };
    let text = file(path, DEV_IDENTITY_BYTES_MAX).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let read: Map<String, Value> = serde_json::from_str(&text).map_err(|error| wrong(format!("no JSON: {error}")))?;
    let mut assumed = Assumed::default();
    for (name, value) in read {
        match (name.as_str(), value) {
            ("identity", Value::Object(members)) => assumed.identity = Some(identity(&members).map_err(wrong)?),
            ("authorizer", Value::Object(members)) => assumed.authorizer = Some(members),
            ("usageIdentifierKey", Value::String(key)) => assumed.usage_identifier_key = Some(key.into()),
            (name @ ("identity" | "authorizer"), _) => return Err(wrong(format!("`{name}` is no object"))),
            ("usageIdentifierKey", _) => return Err(wrong("`usageIdentifierKey` is no text".into())),
            (name, _) => return Err(wrong(format!("`{name}` means nothing here"))),
        }
    }
    Ok(assumed)
}

fn identity(members: &Map<String, Value>) -> Result<IdentityFacts, String> {
    let mut facts = IdentityFacts::default();
    for (name, value) in members {
        let Some(text) = value.as_str() else { return Err(format!("`identity.{name}` is no text")) };
        match name.as_str() {
            "accessKey" => facts.access_key = text.into(),
            "accountId" => facts.account_id = text.into(),
            "caller" | "user" => facts.user_id = text.into(),
            "userArn" => facts.user_arn = text.into(),
            "principalOrgId" => facts.principal_org_id = Some(text.into()),
            _ => return Err(format!("`identity.{name}` means nothing here")),
        }
    }
    Ok(facts)
}

fn file(path: &Path, most: usize) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(most as u64 + 1).read_to_string(&mut text)?;
    if text.len() > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(text)
}
