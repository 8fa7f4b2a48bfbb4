//! Who the client is behind proxies that are trusted: `X-Forwarded-For`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::edge::exchange::{IpText, Request};
use crate::settings::Network;
use crate::wire::headers::Known;

/// The client, as the proxies say that are believed: the last address of `X-Forwarded-For` that is none of theirs. What
/// stands before it anybody may have written. One that cannot be read is nobody's address: not the proxy's, whom
/// policies may allow.
pub fn client(request: &Request, trusted: &[Network]) -> Option<Box<IpText>> {
    let mut client: Option<IpAddr> = None;
    let lines = request.head.lines.iter().rev().filter(|line| line.known == Known::XForwardedFor);
    for entry in lines.flat_map(|line| line.value.of(&request.bytes).rsplit(|&byte| byte == b',')) {
        let address = address(entry).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        client = Some(address);
        if !trusted.iter().any(|network| network.contains(address)) {
            break;
        }
    }
    client.map(|client| Box::new(IpText::new(client)))
}

/// With or without a port: `192.0.2.1:56324`, `[2001:db8::1]:56324`.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry.trim_ascii()).ok()?;
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_proxies_write_them() {
        let check = |entry: &str, expected: Option<&str>| {
            assert_eq!(address(entry.as_bytes()), expected.map(|text| text.parse().expect(text)), "{entry}");
        };
        check(" 192.0.2.1 ", Some("192.0.2.1"));
        check("192.0.2.1:56324", Some("192.0.2.1"));
        check("2001:db8::1", Some("2001:db8::1"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        check("[2001:db8::1]:443", Some("2001:db8::1"));
        for none in ["", "unknown", "_hidden", "192.0.2.1:x", "192.0.2", "[2001:db8::1", "192.0.2.1 192.0.2.2"] {
            check(none, None);
        }
    }
}
