//! The files of profiles that AWS's tools share: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{Attempt, read_file};
use crate::edge::upstream::credential::Keys;
use crate::settings::Secret;
use crate::settings::limits::{PROFILE_FILE_BYTES_MAX, PROFILE_SOURCES_MAX};

type Profile = BTreeMap<String, String>;
type Profiles = BTreeMap<String, Profile>;

impl Attempt<'_> {
    /// The profile that the settings name: it has to be there.
    pub(super) fn profile(&self, name: &str) -> Result<Keys, String> {
        let profiles = self.profiles()?;
        if !profiles.contains_key(name) {
            return Err(self.no_profile(name));
        }
        self.of_profile(&profiles, name, PROFILE_SOURCES_MAX)?.ok_or_else(|| no_keys(name))
    }

    /// The profile of AWS_PROFILE, or `default`, which may not be there, or without keys.
    pub(super) fn profile_of_environment(&self) -> Result<Option<Keys>, String> {
        let (name, profiles) = (self.profile_name(), self.profiles()?);
        if profiles.contains_key(&name) {
            return self.of_profile(&profiles, &name, PROFILE_SOURCES_MAX);
        }
        if self.variable("AWS_PROFILE").is_some() { Err(self.no_profile(&name)) } else { Ok(None) }
    }

    fn of_profile(&self, profiles: &Profiles, name: &str, depth: usize) -> Result<Option<Keys>, String> {
        let Some(profile) = profiles.get(name) else { return Err(self.no_profile(name)) };
        let get = |key: &str| profile.get(key).map(String::as_str).filter(|text| !text.is_empty());
        if let Some(role) = get("role_arn") {
            let session = get("role_session_name");
            if let Some(path) = get("web_identity_token_file") {
                return self.web_identity(Path::new(path), role, session).map(Some);
            }
            if get("mfa_serial").is_some() {
                return Err(format!(
                    "the profile {name:?} wants a code of a device (mfa_serial), which nobody types here"
                ));
            }
            let base = self.source_of_role(profiles, name, depth)?;
            return self.assume(&base, role, session, get("external_id")).map(Some);
        }
        if let Some(keys) = fixed(name, profile)? {
            return Ok(Some(keys));
        }
        if let Some(command) = get("credential_process") {
            return self.process(name, command).map(Some);
        }
        if get("sso_session").is_some() || get("sso_start_url").is_some() {
            return Err(format!(
                "the profile {name:?} signs in by SSO, which needs a browser: write `credential_process = aws configure \
                 export-credentials --profile {name} --format process` into a profile, and name that one"
            ));
        }
        Ok(None)
    }

    /// With whose keys the role of the profile `name` is assumed.
    fn source_of_role(&self, profiles: &Profiles, name: &str, depth: usize) -> Result<Keys, String> {
        let get = |key: &str| profiles.get(name).and_then(|profile| profile.get(key)).map(String::as_str);
        match (get("source_profile"), get("credential_source")) {
            // A profile that assumes a role with its own keys.
            (Some(source), None) if source == name => {
                let own = profiles.get(name).map(|profile| fixed(name, profile)).transpose()?.flatten();
                own.ok_or_else(|| no_keys(name))
            }
            (Some(_), None) if depth == 0 => Err(format!(
                "more than {PROFILE_SOURCES_MAX} profiles are each other's source_profile, {name:?} among them"
            )),
            (Some(source), None) => self.of_profile(profiles, source, depth - 1)?.ok_or_else(|| no_keys(source)),
            (None, Some("Environment")) => self.environment()?.ok_or_else(|| {
                format!("the profile {name:?} takes keys of the environment, and AWS_ACCESS_KEY_ID is not set")
            }),
            (None, Some("EcsContainer")) => self.container()?.ok_or_else(|| {
                format!("the profile {name:?} takes a container's keys, and no variable says where they are")
            }),
            (None, Some("Ec2InstanceMetadata")) => {
                self.instance().map_err(|reason| format!("the profile {name:?} takes the instance's keys: {reason}"))
            }
            (None, Some(other)) => Err(format!(
                "the credential_source of the profile {name:?} is {:?}: known are Environment, EcsContainer and \
                 Ec2InstanceMetadata",
                other.chars().take(64).collect::<String>()
            )),
            (Some(_), Some(_)) => Err(format!("the profile {name:?} has both source_profile and credential_source")),
            (None, None) => {
                Err(format!("the profile {name:?} has role_arn, and neither source_profile nor credential_source"))
            }
        }
    }

    /// Both files; what the file of credentials says of a profile wins. One that is not there says nothing.
    fn profiles(&self) -> Result<Profiles, String> {
        let mut profiles = Profiles::new();
        for (path, is_config) in [(self.config_file(), true), (self.credentials_file(), false)] {
            let Some(path) = path else { continue };
            let text = match read_file(&path, PROFILE_FILE_BYTES_MAX) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}: {error}", path.display())),
            };
            for (name, profile) in parse(&text, is_config) {
                profiles.entry(name).or_default().extend(profile);
            }
        }
        Ok(profiles)
    }

    fn no_profile(&self, name: &str) -> String {
        let paths = [self.credentials_file(), self.config_file()].into_iter().flatten();
        let paths: Vec<String> = paths.map(|path| path.display().to_string()).collect();
        format!("there is no profile {name:?} in {}", paths.join(" and "))
    }

    fn credentials_file(&self) -> Option<PathBuf> {
        self.path("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    }

    fn config_file(&self) -> Option<PathBuf> {
        self.path("AWS_CONFIG_FILE", "config")
    }

    fn path(&self, variable: &str, name: &str) -> Option<PathBuf> {
        let home = || self.variable("HOME").map(PathBuf::from);
        match self.variable(variable) {
            Some(path) => match path.strip_prefix("~/") {
                Some(rest) => Some(home()?.join(rest)),
                None => Some(path.into()),
            },
            None => Some(home()?.join(".aws").join(name)),
        }
    }
}

fn no_keys(name: &str) -> String {
    format!(
        "the profile {name:?} has no keys: give it aws_access_key_id and aws_secret_access_key, or credential_process"
    )
}

/// The keys that stand in a profile.
fn fixed(name: &str, profile: &Profile) -> Result<Option<Keys>, String> {
    let get = |key: &str| profile.get(key).filter(|text| !text.is_empty());
    match (get("aws_access_key_id"), get("aws_secret_access_key")) {
        (Some(access_key), Some(secret_key)) => Ok(Some(Keys {
            access_key: access_key.clone(),
            secret_key: Secret::new(secret_key),
            session_token: get("aws_session_token").map(Secret::new),
            expires: None,
        })),
        (None, None) => Ok(None),
        _ => Err(format!("the profile {name:?} has only one of aws_access_key_id and aws_secret_access_key")),
    }
}

/// `[default]` and, in `config`, `[profile name]`; there other tables are no profiles. Lines that are none of the form
/// belong to somebody else's tool.
fn parse(text: &str, is_config: bool) -> Profiles {
    let mut profiles = Profiles::new();
    let mut current = None;
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').filter(|_| !is_nested) {
            let header = header.split(']').next().unwrap_or_default().trim();
            current = profile_name(header, is_config);
            if let Some(name) = &current {
                profiles.entry(name.clone()).or_default();
            }
            continue;
        }
        // What is indented is a part of the value before it (`s3 =`), and none that is read here.
        let (Some(name), Some((key, value)), false) = (&current, line.split_once('='), is_nested) else { continue };
        let comment = [" #", " ;", "\t#", "\t;"].iter().filter_map(|sign| value.find(sign)).min();
        let value = value[..comment.unwrap_or(value.len())].trim();
        profiles.entry(name.clone()).or_default().insert(key.trim().to_ascii_lowercase(), value.to_owned());
    }
    profiles
}

fn profile_name(header: &str, is_config: bool) -> Option<String> {
    let name = match header.strip_prefix("profile") {
        Some(rest) if is_config && rest.starts_with([' ', '\t']) => rest.trim(),
        _ if is_config => Some(header).filter(|header| *header == "default")?,
        _ => header,
    };
    let quoted = |quote: char| name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_profiles() {
        let check = |text: &str, is_config: bool, expected: &str| {
            let shown = |(name, profile): (&String, &Profile)| {
                let pairs: Vec<_> = profile.iter().map(|(key, value)| format!("{key}={value}")).collect();
                format!("{name}({})", pairs.join(","))
            };
            let profiles = parse(text, is_config);
            assert_eq!(profiles.iter().map(shown).collect::<Vec<_>>().join(" "), expected, "{text}");
        };
        check("", true, "");
        check("a = b\n[default]\na=b", false, "default(a=b)");
        check("[default]\na = b # c\nB= c#d ; e\n# x = y\n; x = y\n  n = m\n", true, "default(a=b,b=c#d)");
        check(
            "[profile prod]\na = b\n[ default ]\nc = d\n[profile \"my own\"]\n[profile 'x']",
            true,
            "default(c=d) my own() prod(a=b) x()",
        );
        check("[prod]\na = b\n[profile x]\nc = d", false, "prod(a=b) profile x(c=d)");
        // In `config` only what is called a profile is one.
        check("[prod]\na = b\n[services x]\nc = d\n[sso-session y]\ne = f", true, "");
        check("[a]\nx = 1\n[b]\n[a]\nx = 2\ny\n=3\n[c", false, "a(=3,x=2) b() c()");
    }
}
