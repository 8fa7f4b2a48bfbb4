//! The URI of an HTTP integration: what stands where, before stage variables and placeholders are filled in.

/// The host with its port; `None` where the URI is not `http://` or `https://`.
pub(super) fn authority(uri: &str) -> Option<&str> {
    let at = uri.find("://")?;
    let scheme = &uri[..at];
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let rest = &uri[at + 3..];
    Some(&rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())])
}

/// What is wrong with the authority, if anything.
pub(super) fn authority_fault(authority: &str) -> Option<&'static str> {
    if authority.contains('@') {
        return Some("a user name before the host");
    }
    // A variable may stand for host and port together, or for a part of either.
    if authority.contains("${") || authority.contains('{') {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() {
        return Some("no host");
    }
    let number =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if port.is_some_and(|port| !number(port)) {
        return Some("a port that is no number from 1 to 65535");
    }
    None
}

/// Names in braces, `{petId}`; `${stageVariables.x}` is not one.
pub(super) fn placeholders(uri: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = uri;
    while let Some(open) = rest.find('{') {
        let variable = rest[..open].ends_with('$');
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        if !variable {
            names.push(&rest[..close]);
        }
        rest = &rest[close + 1..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, host: Option<&str>, fault: Option<&str>) {
        assert_eq!(authority(uri), host);
        assert_eq!(host.and_then(authority_fault), fault);
    }

    #[test]
    fn authorities_are_found_and_judged() {
        check("http://a.example/x?y", Some("a.example"), None);
        check("HTTPS://[::1]:8443", Some("[::1]:8443"), None);
        check("http://[::1]", Some("[::1]"), None);
        check("https://${stageVariables.host}/x", Some("${stageVariables.host}"), None);
        check("http://:80/", Some(":80"), Some("no host"));
        check("http:///x", Some(""), Some("no host"));
        check("http://a:0/", Some("a:0"), Some("a port that is no number from 1 to 65535"));
        check("http://a@b/", Some("a@b"), Some("a user name before the host"));
        check("ftp://a/", None, None);
        check("a.example/x", None, None);
    }

    #[test]
    fn placeholders_are_not_stage_variables() {
        assert_eq!(placeholders("http://${stageVariables.h}/{a}/{b}?q={c}"), ["a", "b", "c"]);
        assert_eq!(placeholders("http://h/{open"), Vec::<&str>::new());
    }
}
