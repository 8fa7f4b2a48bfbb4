//! [`RawIam`](super::super::raw::RawIam) to [`Iam`]: names, ARNs, dates, and groups in each other's words.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;

use super::super::callers::{Iam, IamPolicy, IamPrincipal};
use super::super::check::Checker;
use super::super::credentials::access_key;
use super::super::file::closest;
use super::super::limits::{
    GROUPS_OF_PRINCIPAL_MAX, PRINCIPAL_ARN_BYTES_MAX, PRINCIPAL_GROUPS_MAX, PRINCIPAL_ORG_PATHS_MAX,
    PRINCIPAL_TAG_KEY_CHARS_MAX, PRINCIPAL_TAG_VALUE_CHARS_MAX, PRINCIPAL_TAGS_MAX, PRINCIPALS_MAX,
    SETTINGS_MISTAKES_MAX,
};
use super::super::raw::{Key, RawGroup, RawPermissions, RawPrincipal, Said, Written};
use super::super::words::Parsed;

const CODE: &str = "settings::principals";
/// What `full-access` is.
const FULL_ACCESS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

type Groups<'r> = BTreeMap<&'r str, IamPolicy>;

impl Checker<'_> {
    pub(in super::super) fn iam(&mut self, account_id: &str) -> Iam {
        let raw = &self.raw.iam;
        let mut iam = Iam {
            principals: Vec::new(),
            principals_file: self.raw.one(Key::PrincipalsFile).map(|said| PathBuf::from(&said.text)),
            mismatch_details: raw.mismatch_details.unwrap_or(true),
            unsigned_payload: raw.unsigned_payload.unwrap_or(false),
        };
        for (what, count, most) in [
            ("principals", raw.principals.len(), PRINCIPALS_MAX),
            ("groups of principals", raw.groups.len(), PRINCIPAL_GROUPS_MAX),
        ] {
            if count > most {
                let help = format!("{most} are the most.");
                self.mistake(CODE, None, format!("{count} {what} are given"), help);
                return iam;
            }
        }
        let groups = self.groups(&raw.groups);
        let mut keys = HashSet::new();
        for raw in &raw.principals {
            let Some(principal) = self.principal(raw, &groups, account_id) else { continue };
            if !keys.insert(principal.access_key.clone()) {
                let found = format!("the access key `{}` is given twice", principal.access_key);
                self.mistake(CODE, key_written(raw), found, "Leave one of the principals out.");
            }
            iam.principals.push(principal);
        }
        iam
    }

    fn groups<'r>(&mut self, raw: &'r [RawGroup]) -> Groups<'r> {
        let mut groups = Groups::new();
        for group in raw {
            let Some(said) = &group.name else {
                self.mistake(CODE, group.written, "this group has no name".into(), "Add `name = \"…\"`.");
                continue;
            };
            let Some(name) = self.checked(CODE, "name", said, |text| group_name(text).map(|()| said.text.as_str()))
            else {
                continue;
            };
            let policy = self.policy_of(&group.permissions, &format!("the group `{name}`"), group.written);
            if group.permissions.is_empty() && !group.is_broken {
                let help = "Add `policy`, `policy-file`, or `full-access = true`.";
                self.mistake(CODE, group.written, format!("the group `{name}` has no policy"), help);
            }
            // One that is broken stays known, so that nobody in it is told of a group that is not there.
            let policy = policy.unwrap_or_else(|| IamPolicy::Json(String::new()));
            if groups.insert(name, policy).is_some() {
                let found = format!("the group `{name}` is given twice");
                self.mistake(CODE, said.written(), found, "Leave one of them out, or rename it.");
            }
        }
        groups
    }

    fn principal(&mut self, raw: &RawPrincipal, groups: &Groups<'_>, account_id: &str) -> Option<IamPrincipal> {
        let before = self.mistakes.len();
        let key = raw.access_key.as_ref().and_then(|said| self.checked(CODE, "access-key", said, access_key));
        let named = raw
            .access_key
            .as_ref()
            .map_or("this principal".to_owned(), |said| format!("the access key `{}`", said.text));
        if raw.access_key.is_none() {
            self.mistake(CODE, raw.written, format!("{named} has no access-key"), "Add `access-key = \"…\"`.");
        }
        let secret_key = raw.secret_key.clone().filter(|secret| !secret.reveal().is_empty());
        if secret_key.is_none() {
            self.mistake(CODE, raw.written, format!("{named} has no secret-key"), "Add `secret-key = \"…\"`.");
        }
        let session_token = raw.session_token.clone();
        if session_token.as_ref().is_some_and(|token| token.reveal().is_empty()) {
            let help = "Leave `session-token` out for keys that do not end.";
            self.mistake(CODE, raw.written, format!("{named} has an empty session-token"), help);
        }
        let expires = raw.expires.as_ref().and_then(|said| self.checked(CODE, "expires", said, time));
        let arn = match &raw.arn {
            Some(said) => self.checked(CODE, "arn", said, Arn::parse),
            None => key.as_ref().map(|key| Arn::of_user(account_id, key)),
        };
        let user_id = raw.user_id.as_ref().and_then(|said| self.checked(CODE, "user-id", said, user_id));
        let (org_id, org_paths) = self.organization(raw, &named);
        let tags = self.tags(raw, &named);
        let policies = self.policies(raw, groups, &named);
        if self.mistakes.len() > before {
            return None;
        }
        let (access_key, secret_key, arn) = (key?, secret_key?, arn?);
        let user_id = user_id.unwrap_or_else(|| arn.user_id(&access_key));
        let Arn { text: arn, account_id, .. } = arn;
        Some(IamPrincipal {
            access_key,
            secret_key,
            session_token,
            expires,
            arn,
            user_id,
            account_id,
            org_id,
            org_paths,
            tags,
            policies,
        })
    }

    fn organization(&mut self, raw: &RawPrincipal, named: &str) -> (Option<String>, Vec<String>) {
        let org_id = raw.org_id.as_ref().and_then(|said| self.checked(CODE, "org-id", said, org_id));
        if raw.org_id.is_none() && !raw.org_paths.is_empty() {
            let found = format!("{named} has org-paths and no org-id");
            self.mistake(CODE, raw.written, found, "Add the `org-id` that the paths begin with.");
        }
        if raw.org_paths.len() > PRINCIPAL_ORG_PATHS_MAX {
            let found = format!("{named} has {} org-paths", raw.org_paths.len());
            self.mistake(CODE, raw.written, found, format!("{PRINCIPAL_ORG_PATHS_MAX} are the most."));
        }
        let Some(org_id) = org_id else { return (None, Vec::new()) };
        let paths = raw.org_paths.iter();
        let paths = paths.filter_map(|said| self.checked(CODE, "an org-path", said, |text| org_path(text, &org_id)));
        let paths = paths.collect();
        (Some(org_id), paths)
    }

    fn tags(&mut self, raw: &RawPrincipal, named: &str) -> Vec<(String, String)> {
        if raw.tags.len() > PRINCIPAL_TAGS_MAX {
            let found = format!("{named} has {} tags", raw.tags.len());
            self.mistake(CODE, raw.written, found, format!("IAM allows {PRINCIPAL_TAGS_MAX}."));
        }
        let mut tags: Vec<(String, String)> = Vec::new();
        for (key, said) in &raw.tags {
            let (letters, value) = (key.chars().count(), said.text.chars().count());
            if !(1..=PRINCIPAL_TAG_KEY_CHARS_MAX).contains(&letters) || value > PRINCIPAL_TAG_VALUE_CHARS_MAX {
                let found = format!("the tag `{key}` of {named} is too long, or has no name");
                let help = format!(
                    "A tag's name has 1 to {PRINCIPAL_TAG_KEY_CHARS_MAX} characters, its value at most {PRINCIPAL_TAG_VALUE_CHARS_MAX}."
                );
                self.mistake(CODE, said.written(), found, help);
            } else if tags.iter().take(PRINCIPAL_TAGS_MAX).any(|(other, _)| other.eq_ignore_ascii_case(key)) {
                // IAM compares them without case, and so do conditions with aws:PrincipalTag.
                let found = format!("{named} has the tag `{key}` twice, but for its case");
                self.mistake(CODE, said.written(), found, "Keep one of them.");
            }
            tags.push((key.clone(), said.text.clone()));
        }
        tags
    }

    fn policies(&mut self, raw: &RawPrincipal, groups: &Groups<'_>, named: &str) -> Vec<IamPolicy> {
        if raw.groups.len() > GROUPS_OF_PRINCIPAL_MAX {
            let found = format!("{named} is in {} groups", raw.groups.len());
            self.mistake(CODE, raw.written, found, format!("IAM allows {GROUPS_OF_PRINCIPAL_MAX}."));
        }
        let mut policies: Vec<IamPolicy> = Vec::new();
        policies.extend(self.policy_of(&raw.permissions, named, raw.written));
        for said in raw.groups.iter().take(GROUPS_OF_PRINCIPAL_MAX) {
            match groups.get(said.text.as_str()) {
                Some(policy) if policies.contains(policy) => {}
                Some(policy) => policies.push(policy.clone()),
                None => self.unknown_group(said, groups, named),
            }
        }
        policies
    }

    fn unknown_group(&mut self, said: &Said, groups: &Groups<'_>, named: &str) {
        // Beyond what is told of all mistakes nobody reads it, and a hundred thousand searches take minutes.
        let is_read = self.mistakes.len() < SETTINGS_MISTAKES_MAX;
        let known: Vec<&str> = groups.keys().copied().filter(|_| is_read).collect();
        let help = match closest(&said.text, &known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => "Add it to [[iam.groups]], or to [[groups]] of the file of principals.".to_owned(),
        };
        self.mistake(
            CODE,
            said.written(),
            format!("{named} is in the group `{}`, which is not there", said.text),
            help,
        );
    }

    /// The one policy of a principal or a group, where it has one.
    fn policy_of(&mut self, raw: &[RawPermissions], named: &str, written: Option<Written>) -> Option<IamPolicy> {
        match raw {
            [] => None,
            [RawPermissions::FullAccess] => Some(IamPolicy::Json(FULL_ACCESS.into())),
            [RawPermissions::Policy(json)] => Some(IamPolicy::Json(json.clone())),
            [RawPermissions::PolicyFile(path)] => Some(IamPolicy::File(path.clone())),
            _ => {
                let found = format!("{named} has more than one of policy, policy-file and full-access");
                self.mistake(CODE, written, found, "Keep one of them.");
                None
            }
        }
    }
}

fn key_written(raw: &RawPrincipal) -> Option<Written> {
    raw.access_key.as_ref().and_then(Said::written)
}

/// Who may sign: users and root (`iam`), and sessions (`sts`).
struct Arn {
    text: String,
    account_id: String,
    who: Who,
}

enum Who {
    Root,
    User,
    /// Of a role, with the session's name.
    Session(String),
    /// A federated user's name.
    Federated(String),
}

impl Arn {
    fn of_user(account_id: &str, key: &str) -> Self {
        let text = format!("arn:aws:iam::{account_id}:user/{key}");
        Self { text, account_id: account_id.to_owned(), who: Who::User }
    }

    fn parse(text: &str) -> Parsed<Self> {
        let wanted = "Write an ARN such as arn:aws:iam::123456789012:user/ada or arn:aws:sts::123456789012:assumed-role/ROLE/SESSION.";
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, "", account_id, name] = parts.as_slice() else { return Err(wanted.into()) };
        let digits = account_id.len() == 12 && account_id.bytes().all(|b| b.is_ascii_digit());
        let partition = *partition == "aws" || partition.starts_with("aws-");
        let bounded = text.len() <= PRINCIPAL_ARN_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        // Policies match ARNs with these, and variables of policies would be read in one.
        if !digits || !partition || !bounded || name.contains(['*', '?', '$']) {
            return Err(wanted.into());
        }
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let named = |text: &str| !text.is_empty() && text.split('/').all(|part| !part.is_empty());
        let who = match (*service, kind) {
            ("iam", "root") if *name == "root" => Who::Root,
            ("iam", "user") if named(rest) => Who::User,
            ("iam", "role") => {
                return Err("A role does not sign, its session does: write arn:aws:sts::123456789012:assumed-role/ROLE/SESSION.".into());
            }
            ("sts", "assumed-role") => match rest.split_once('/') {
                Some((role, session)) if named(role) && named(session) && !session.contains('/') => {
                    Who::Session(session.to_owned())
                }
                _ => return Err(wanted.into()),
            },
            ("sts", "federated-user") if named(rest) && !rest.contains('/') => Who::Federated(rest.to_owned()),
            _ => return Err(wanted.into()),
        };
        Ok(Self { text: text.to_owned(), account_id: (*account_id).to_owned(), who })
    }

    /// What stands in for the unique id that AWS would have made (security/sigv4, callers): the letters of an access key
    /// behind its kind, under the kind of who has it.
    fn user_id(&self, key: &str) -> String {
        let own = key.strip_prefix("AKIA").or_else(|| key.strip_prefix("ASIA")).filter(|own| !own.is_empty());
        let id = |kind: &str| own.map_or_else(|| key.to_owned(), |own| format!("{kind}{own}"));
        match &self.who {
            Who::Root => self.account_id.clone(),
            Who::User => id("AIDA"),
            Who::Session(name) => format!("{}:{name}", id("AROA")),
            Who::Federated(name) => format!("{}:{name}", self.account_id),
        }
    }
}

fn group_name(text: &str) -> Parsed<()> {
    let good =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
    good.then_some(()).ok_or_else(|| "A group's name has 1 to 128 of A-Z, a-z, 0-9 and +=,.@_-.".into())
}

fn user_id(text: &str) -> Parsed<String> {
    let good = (1..=193).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    good.then(|| text.to_owned())
        .ok_or_else(|| "Write 1 to 193 letters and signs of ASCII, such as AIDAEXAMPLE or AROAEXAMPLE:session.".into())
}

/// An instant: a time without its zone is another one in another place.
fn time(text: &str) -> Parsed<i64> {
    let time: Timestamp = text.parse().map_err(|_| "Write a time with its zone, such as 2026-12-01T00:00:00Z.")?;
    Ok(time.as_second())
}

fn org_id(text: &str) -> Parsed<String> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = text.strip_prefix("o-").is_some_and(|id| (10..=32).contains(&id.len()) && id.bytes().all(letter));
    good.then(|| text.to_owned()).ok_or_else(|| "Write o- and 10 to 32 of a-z and 0-9, such as o-a1b2c3d4e5.".into())
}

/// `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`
fn org_path(text: &str, org_id: &str) -> Parsed<String> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let part = |part: &str| (3..=72).contains(&part.len()) && part.bytes().all(letter);
    let mut parts = text.strip_suffix('/').unwrap_or("").split('/');
    let good = text.len() <= 512
        && parts.next() == Some(org_id)
        && parts.next().is_some_and(|root| root.starts_with("r-") && part(root))
        && parts.all(|unit| unit.starts_with("ou-") && part(unit));
    let help = || {
        format!(
            "Write the organization, its root and the units below, with a slash at the end, such as {org_id}/r-ab12/ou-ab12-11111111/."
        )
    };
    good.then(|| text.to_owned()).ok_or_else(help)
}
