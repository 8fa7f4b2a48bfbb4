//! What the machine itself says: a container's credentials, and an instance's (IMDSv2).

use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::super::http::{has_scheme, is_https};
use super::asking::{Method, Question};
use super::{Attempt, keys_of_json, read_file};
use crate::edge::upstream::credential::Keys;
use crate::lang::unique_json;
use crate::settings::limits::{CREDENTIALS_BYTES_MAX, INSTANCE_TOKEN_SECONDS};

/// Where ECS tells a task's credentials.
const CONTAINER: &str = "http://169.254.170.2";
/// Whom AWS's SDKs ask without TLS, beside this machine itself: ECS and EKS.
const CONTAINER_ADDRESSES: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
const INSTANCE: &str = "http://169.254.169.254";
const INSTANCE_IPV6: &str = "http://[fd00:ec2::254]";
const INSTANCE_ROLES: &str = "/latest/meta-data/iam/security-credentials/";

impl Attempt<'_> {
    /// Nothing where no variable names a container's address.
    pub(super) fn container(&self) -> Result<Option<Keys>, String> {
        let url = match self.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) if path.starts_with('/') => format!("{CONTAINER}{path}"),
            Some(_) => return Err("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /".into()),
            None => match self.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
                Some(url) => url,
                None => return Ok(None),
            },
        };
        if !is_https(&url) && !is_of_this_machine(&url) {
            return Err(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https:// nor on this machine: its answer would be \
                        anybody's to read"
                    .into(),
            );
        }
        let token = match self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => {
                let told = |error| format!("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {path}: {error}");
                Some(read_file(Path::new(&path), CREDENTIALS_BYTES_MAX as u64).map_err(told)?.trim().to_owned())
            }
            None => self.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        if token.as_ref().is_some_and(|token| token.contains(|letter: char| letter.is_control())) {
            return Err("the container's authorization token has more than one line".into());
        }
        let headers: Vec<(&str, &str)> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        let question = Question { method: Method::Get, url: &url, headers: &headers, until: self.until };
        let document = self.get(&question)?;
        keys_of_json(&document, "Token").map(Some).map_err(|error| format!("the container's credentials: {error}"))
    }

    pub(super) fn instance(&self) -> Result<Keys, String> {
        if self.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Err("it is not asked, as AWS_EC2_METADATA_DISABLED says".into());
        }
        let address = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| {
            let mode = self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").unwrap_or_default();
            if mode.eq_ignore_ascii_case("ipv6") { INSTANCE_IPV6 } else { INSTANCE }.to_owned()
        });
        let address = address.trim_end_matches('/');
        // Version 2 alone: who can make a server here ask a URL of his choice gets nothing by it.
        let url = format!("{address}/latest/api/token");
        let seconds = INSTANCE_TOKEN_SECONDS.to_string();
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", seconds.as_str())];
        let token = self.get(&Question { method: Method::Put, url: &url, headers: &headers, until: self.soon() })?;
        let token = header_value(token).ok_or("its token is no text")?;
        let headers = [("x-aws-ec2-metadata-token", token.as_str())];
        let get = |url: &str| self.get(&Question { method: Method::Get, url, headers: &headers, until: self.soon() });
        let roles = get(&format!("{address}{INSTANCE_ROLES}"))?;
        let roles = String::from_utf8_lossy(&roles);
        let role = roles.lines().next().unwrap_or_default().trim();
        // What IAM allows in a role's name: nothing that could lead elsewhere.
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@-_".contains(&byte);
        if role.is_empty() || !role.bytes().all(good) {
            return Err("it has no role".into());
        }
        let document = get(&format!("{address}{INSTANCE_ROLES}{role}"))?;
        let code = unique_json::parse(&document).ok();
        let code = code.as_ref().and_then(|it| it.get("Code")).and_then(Value::as_str);
        if let Some(code) = code.filter(|code| *code != "Success") {
            let code: String = code.chars().take(64).collect();
            return Err(format!("the credentials of its role {role}: {}", code.escape_debug()));
        }
        keys_of_json(&document, "Token").map_err(|error| format!("the credentials of its role {role}: {error}"))
    }

    /// It is a step away, or not there.
    fn soon(&self) -> Instant {
        Instant::now() + self.client.connect_timeout
    }
}

fn header_value(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    good.then_some(text)
}

fn is_of_this_machine(url: &str) -> bool {
    if !has_scheme(url, "http://") {
        return false;
    }
    let rest = &url["http://".len()..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    if host.eq_ignore_ascii_case("localhost") {
        return !authority.contains('@');
    }
    let known = |ip: IpAddr| ip.is_loopback() || CONTAINER_ADDRESSES.iter().any(|known| known.parse() == Ok(ip));
    !authority.contains('@') && host.parse().is_ok_and(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_without_tls() {
        for url in [
            "http://127.0.0.1:1/a",
            "HTTP://127.9.9.9",
            "http://[::1]:80/a?b",
            "http://localhost/a",
            "http://169.254.170.2/a",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
        ] {
            assert!(is_of_this_machine(url), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://169.254.169.254/",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1@example.com/",
            "http://127.0.0.1:1@example.com/",
            "http://localhost:1@example.com/",
            "http://example.com/127.0.0.1",
            "ftp://127.0.0.1/",
            "127.0.0.1",
            "http://",
        ] {
            assert!(!is_of_this_machine(url), "{url}");
        }
    }
}
