//! Endpoints and credentials of AWS, from as written to [`Aws`].

use std::collections::BTreeMap;

use super::super::callers::LambdaEndpoint;
use super::super::check::Checker;
use super::super::credentials::access_key;
use super::super::endpoint::endpoint;
use super::super::file::closest;
use super::super::limits::{AWS_CREDENTIALS_MAX, AWS_NAME_CHARS_MAX, ROLE_ARN_BYTES_MAX};
use super::super::raw::{By, Key, RawRoleCredentials, Said};
use super::super::words::Parsed;
use super::names::in_uris;
use super::{Aws, CredentialSource, RoleCredentials};

const CODE: &str = "settings::aws";
/// The role of those who name none.
const DEFAULT: &str = "default";
const ROLE_HELP: &str = "Write a role's ARN such as arn:aws:iam::123456789012:role/api, a pattern of one with *, or \
                         default for what signs where no role is named.";

impl Checker<'_> {
    pub(in super::super) fn aws(&mut self) -> Aws {
        Aws { endpoints: self.aws_endpoints(), roles: self.aws_roles() }
    }

    fn aws_endpoints(&mut self) -> BTreeMap<String, LambdaEndpoint> {
        let mut endpoints = BTreeMap::new();
        let layered = self.raw.layered(Key::AwsEndpoint);
        let service_of = |said: &Said| said.text.split_once('=').map_or("*", |(service, _)| service).to_owned();
        let is_foreign = |said: &Said| matches!(said.by, By::AwsVariable(_));
        // One endpoint for all services, wherever it was said to Weir, is for those too that AWS's variables name.
        let is_general = layered.iter().any(|said| !is_foreign(said) && service_of(said) == "*");
        for said in layered.into_iter().filter(|said| !(is_general && is_foreign(said))) {
            let (service, url) = (service_of(said), said.text.split_once('=').map_or(&*said.text, |(_, url)| url));
            let name = match (&said.by, &*service) {
                (By::File(_), "*") => "endpoint".to_owned(),
                (By::File(_), service) => format!("endpoints.{service}"),
                _ => said.name(Key::AwsEndpoint),
            };
            let mut wrong = |found: String, help: String| self.mistake(CODE, said.written(), found, help);
            match (service_name(&service), endpoint(url)) {
                (Ok(()), Ok(endpoint)) => drop(endpoints.insert(service, endpoint)),
                (Err(help), _) => wrong(format!("`{service}` is not the name of a service"), help),
                (_, Err(help)) => wrong(format!("{name} is `{url}`"), help),
            }
        }
        endpoints
    }

    fn aws_roles(&mut self) -> Vec<RoleCredentials> {
        let raw = self.raw;
        if raw.aws_credentials.len() > AWS_CREDENTIALS_MAX {
            let found = format!("{} credentials of AWS are given", raw.aws_credentials.len());
            self.mistake(CODE, None, found, format!("{AWS_CREDENTIALS_MAX} are the most: use patterns of roles."));
            return Vec::new();
        }
        let mut roles: Vec<RoleCredentials> = Vec::new();
        for raw in &raw.aws_credentials {
            let Some(credentials) = self.role_credentials(raw) else { continue };
            if roles.iter().any(|other| other.role == credentials.role) {
                let found = format!("the credentials of `{}` are given twice", credentials.role);
                self.mistake(CODE, raw.written, found, "The first ones hold: leave the others out.");
            }
            roles.push(credentials);
        }
        roles
    }

    fn role_credentials(&mut self, raw: &RawRoleCredentials) -> Option<RoleCredentials> {
        let Some(said) = &raw.role else {
            let help = "Add `role = \"arn:aws:iam::123456789012:role/api-*\"`, or `role = \"default\"` for what signs \
                        where no role is named.";
            self.mistake(CODE, raw.written, "these credentials have no role".into(), help);
            return None;
        };
        let role = self.checked(CODE, "role", said, role)?;
        let source = self.credential_source(raw, &role)?;
        Some(RoleCredentials { role, source })
    }

    fn credential_source(&mut self, raw: &RawRoleCredentials, role: &str) -> Option<CredentialSource> {
        const ONE: &str = "`profile`, `access-key` with `secret-key`, `assume-role` or `chain = true`";
        let named = format!("the credentials of `{role}`");
        let has_keys = raw.access_key.is_some() || raw.secret_key.is_some() || raw.session_token.is_some();
        let given: Vec<&str> = [
            ("profile", raw.profile.is_some()),
            ("access-key", has_keys),
            ("assume-role", raw.assume_role.is_some()),
            ("chain", raw.chain.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_given)| is_given.then_some(name))
        .collect();
        match given[..] {
            [] => {
                self.mistake(CODE, raw.written, format!("{named} come from nowhere"), format!("Add one of {ONE}."));
                return None;
            }
            [first, second, ..] => {
                let found = format!("{named} have both {first} and {second}");
                self.mistake(CODE, raw.written, found, format!("Keep one of {ONE}."));
                return None;
            }
            [_] => {}
        }
        if let Some(said) = &raw.profile {
            return self.checked(CODE, "profile", said, profile).map(CredentialSource::Profile);
        }
        if let Some(said) = &raw.chain {
            let chain = |text: &str| if text == "true" { Ok(()) } else { Err("Write true, or leave it out.".into()) };
            return self.checked(CODE, "chain", said, chain).map(|()| CredentialSource::Chain);
        }
        if let Some(said) = &raw.assume_role {
            let assumed = self.checked(CODE, "assume-role", said, |text| assumed_role(text, role));
            return assumed.map(CredentialSource::Assume);
        }
        self.keys(raw, &named)
    }

    fn keys(&mut self, raw: &RawRoleCredentials, named: &str) -> Option<CredentialSource> {
        let key = raw.access_key.as_ref().and_then(|said| self.checked(CODE, "access-key", said, access_key));
        let secret = raw.secret_key.clone().filter(|secret| !secret.reveal().is_empty());
        for (name, is_given) in [("access-key", raw.access_key.is_some()), ("secret-key", secret.is_some())] {
            if !is_given {
                self.mistake(CODE, raw.written, format!("{named} have no {name}"), format!("Add `{name} = \"…\"`."));
            }
        }
        if raw.session_token.as_ref().is_some_and(|token| !is_header_value(token.reveal())) {
            let found = format!("{named} have a session-token that no header can carry");
            self.mistake(
                CODE,
                raw.written,
                found,
                "Write it without blanks, or leave it out for keys that do not end.",
            );
            return None;
        }
        Some(CredentialSource::Keys { access_key: key?, secret_key: secret?, session_token: raw.session_token.clone() })
    }
}

fn is_header_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// As URIs name services: `dynamodb`, `runtime.sagemaker`; `*` is every one.
fn service_name(text: &str) -> Parsed<()> {
    if let Some(service) = in_uris(text) {
        return Err(format!("Integrations' URIs call it {service}: write that."));
    }
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if text == "*" || ((1..=AWS_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(good)) {
        return Ok(());
    }
    Err("Write it as integrations' URIs do, such as dynamodb, sqs or states.".into())
}

fn profile(text: &str) -> Parsed<String> {
    let good = (1..=AWS_NAME_CHARS_MAX).contains(&text.chars().count()) && !text.contains(|c: char| c.is_control());
    good.then(|| text.to_owned()).ok_or_else(|| "Name a profile of ~/.aws/config or ~/.aws/credentials.".into())
}

fn role(text: &str) -> Parsed<String> {
    if text == DEFAULT || is_role_arn(text) || is_role_pattern(text) {
        return Ok(text.to_owned());
    }
    Err(match closest(text, &[DEFAULT]) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => ROLE_HELP.into(),
    })
}

fn assumed_role(text: &str, role: &str) -> Parsed<String> {
    match text {
        "true" if is_role_arn(role) => Ok(role.to_owned()),
        "true" => Err("Name the role: `true` is the `role` itself, which has to be one ARN then.".into()),
        arn if is_role_arn(arn) => Ok(arn.to_owned()),
        _ => {
            Err("Write a role's ARN such as arn:aws:iam::123456789012:role/api, or true for the `role` itself.".into())
        }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`
fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else { return false };
    let name = resource.strip_prefix("role/").unwrap_or_default();
    partition.starts_with("aws")
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && !name.is_empty()
        && !text.contains('*')
        && is_arn_text(text)
}

/// One that an ARN of a role can meet: what stands before its first `*` is how those begin.
fn is_role_pattern(text: &str) -> bool {
    let Some((start, _)) = text.split_once('*') else { return false };
    let begins = |start: &str| "arn:aws".starts_with(start) || start.starts_with("arn:aws");
    begins(start) && !text.starts_with("arn:aws:sts:") && is_arn_text(text)
}

fn is_arn_text(text: &str) -> bool {
    text.len() <= ROLE_ARN_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic())
}
