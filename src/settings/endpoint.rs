//! Where something is reached, as settings say it: `http(s)://host[:port]`.

use super::callers::LambdaEndpoint;
use super::limits::SETTINGS_URL_BYTES_MAX;
use super::words::Parsed;

/// Without a path: what is called there has paths of its own.
pub(super) fn endpoint(text: &str) -> Parsed<LambdaEndpoint> {
    let wanted =
        || "Write http:// or https://, a host and, if it has one, its port, such as http://127.0.0.1:3001.".to_owned();
    let (https, rest) = scheme(text).ok_or_else(wanted)?;
    of_authority(https, rest.strip_suffix('/').unwrap_or(rest)).ok_or_else(wanted)
}

/// With the path that is always called, if there is one.
pub(super) fn endpoint_and_path(text: &str) -> Parsed<(LambdaEndpoint, Option<String>)> {
    let wanted = || {
        "Write http:// or https://, a host, its port and, where only one path is called, that path, such as \
         http://127.0.0.1:9001/2015-03-31/functions/function/invocations."
            .to_owned()
    };
    let (https, rest) = scheme(text).ok_or_else(wanted)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let good = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}?#".contains(&b);
    if text.len() > SETTINGS_URL_BYTES_MAX || !path.bytes().all(good) {
        return Err(wanted());
    }
    let endpoint = of_authority(https, authority).ok_or_else(wanted)?;
    Ok((endpoint, Some(path.to_owned()).filter(|path| path.len() > 1)))
}

fn of_authority(https: bool, text: &str) -> Option<LambdaEndpoint> {
    let (host, port) = authority(text)?;
    Some(LambdaEndpoint { https, host, port: port.unwrap_or(if https { 443 } else { 80 }) })
}

/// Whether it is https, and what follows.
pub(super) fn scheme(text: &str) -> Option<(bool, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some((false, rest)),
        "https" => Some((true, rest)),
        _ => None,
    }
}

/// A host, IPv6 in brackets, and its port. No user: nobody's password belongs into a URL.
pub(super) fn authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let digits = port.bytes().all(|b| b.is_ascii_digit());
            (host, Some(port.parse::<u16>().ok().filter(|&port| digits && port != 0)?))
        }
        _ => (text, None),
    };
    let label = |label: &str| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        (1..=63).contains(&label.len()) && label.bytes().all(letter)
    };
    let good = match host.strip_prefix('[') {
        Some(literal) => literal.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => host.len() <= 253 && host.split('.').all(label),
    };
    good.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_something_is() {
        let check = |text: &str, https: bool, host: &str, port: u16| {
            assert_eq!(endpoint(text), Ok(LambdaEndpoint { https, host: host.into(), port }), "{text}");
        };
        check("http://127.0.0.1:3001", false, "127.0.0.1", 3001);
        check("https://Lambda.eu-west-1.amazonaws.com/", true, "lambda.eu-west-1.amazonaws.com", 443);
        check("HTTP://lambda", false, "lambda", 80);
        check("http://[::1]:9001", false, "[::1]", 9001);
        check("http://[::1]", false, "[::1]", 80);
        for text in [
            "",
            "lambda:3001",
            "ftp://a",
            "http://",
            "http://a/b",
            "http://a//",
            "http://a:",
            "http://a:0",
            "http://a:+1",
            "http://a:70000",
            "http://u@a",
            "http://[::1",
            "http://[a]",
            "http://a..b",
            "http://a?b",
            "http://é",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn where_one_path_is_called() {
        let check = |text: &str, port: u16, path: Option<&str>| {
            let (endpoint, found) = endpoint_and_path(text).expect(text);
            assert_eq!((endpoint.port, found.as_deref()), (port, path), "{text}");
        };
        check("http://127.0.0.1:9001", 9001, None);
        check("http://127.0.0.1:9001/", 9001, None);
        check(
            "https://a/2015-03-31/functions/function/invocations",
            443,
            Some("/2015-03-31/functions/function/invocations"),
        );
        for text in [
            "",
            "a/b",
            "http:///a",
            "http://a/b?c",
            "http://a?b",
            "http://a/b#c",
            "http://a/b c",
            "http://u@a/b",
            "http://a/\u{e9}",
        ] {
            assert!(endpoint_and_path(text).is_err(), "{text}");
        }
    }
}
