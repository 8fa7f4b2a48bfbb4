//! The address of a backend, out of its URI.

/// A backend as its URI names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub https: bool,
    /// In lower case, IPv6 in brackets.
    pub host: String,
    pub port: u16,
}

/// Scheme, host and port of a URI, and the rest behind them.
pub(super) fn address(uri: &str) -> Result<(Address, &str), &'static str> {
    let (scheme, rest) = uri.split_once("://").ok_or("it has no scheme")?;
    let https = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err("its scheme is neither http nor https"),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.contains('@') {
        return Err("a user name in it would be sent to nobody");
    }
    let (host, port) =
        match authority.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
            Some((host, port)) => {
                (host, port.parse::<u16>().ok().filter(|port| *port != 0).ok_or("its port is not a number")?)
            }
            None => (authority, if https { 443 } else { 80 }),
        };
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    if host.is_empty() {
        return Err("it has no host");
    }
    if !host.bytes().all(sound) {
        return Err("its host has characters that no host has");
    }
    Ok((Address { https, host: host.to_ascii_lowercase(), port }, rest))
}

/// rest/05 section 5.3: `host[:port]` of the URI; the scheme's own port goes without saying.
pub(super) fn host_header(address: &Address) -> String {
    match (address.https, address.port) {
        (false, 80) | (true, 443) => address.host.clone(),
        (_, port) => format!("{}:{port}", address.host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Result<(bool, &str, u16, &str), &'static str>) {
        let found = address(uri).map(|(address, rest)| (address.https, address.host, address.port, rest));
        assert_eq!(found, expected.map(|(https, host, port, rest)| (https, host.to_owned(), port, rest)));
    }

    #[test]
    fn addresses_of_backends() {
        check("http://example.com/a?b", Ok((false, "example.com", 80, "/a?b")));
        check("HTTPS://Example.com:8443", Ok((true, "example.com", 8443, "")));
        check("http://[::1]:9000/x", Ok((false, "[::1]", 9000, "/x")));
        check("http://[::1]/x", Ok((false, "[::1]", 80, "/x")));
        check("http:///x", Err("it has no host"));
        check("http://:80/x", Err("it has no host"));
        check("http://a:b/x", Err("its port is not a number"));
        check("http://u@a/x", Err("a user name in it would be sent to nobody"));
        check("ftp://a/x", Err("its scheme is neither http nor https"));
        check("a/x", Err("it has no scheme"));
    }
}
