//! The header in which a proxy in front of us says who its client is: PROXY protocol, versions 1 and 2.

use std::net::{IpAddr, SocketAddr};

use ppp::{HeaderResult, PartialResult, v1, v2};

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A header, and how many bytes it takes. `None`: the proxy speaks for itself, to see whether we are there.
    Client(Option<SocketAddr>, usize),
    /// More bytes may make it one.
    Incomplete,
    /// No header.
    Not,
}

/// Version 1 is one line of at most so many bytes (section 2.1).
const LINE_BYTES_MAX: usize = 107;
const LINE_BEGINS: &[u8] = b"PROXY ";

pub fn read(bytes: &[u8]) -> Announced {
    // The parser takes some lines for wrong that have not come to their end.
    let may_be_line = bytes.len() < LINE_BYTES_MAX && bytes.starts_with(&LINE_BEGINS[..bytes.len().min(6)]);
    if may_be_line && memchr::memmem::find(bytes, b"\r\n").is_none() {
        return Announced::Incomplete;
    }
    let parsed = HeaderResult::parse(bytes);
    let ip = |address: IpAddr, port| Some(SocketAddr::new(address, port));
    match &parsed {
        _ if parsed.is_incomplete() => Announced::Incomplete,
        HeaderResult::V1(Ok(header)) => {
            let client = match header.addresses {
                v1::Addresses::Tcp4(it) => ip(it.source_address.into(), it.source_port),
                v1::Addresses::Tcp6(it) => ip(it.source_address.into(), it.source_port),
                v1::Addresses::Unknown => None,
            };
            // The parser takes the line, and not its end.
            Announced::Client(client, header.header.trim_end_matches("\r\n").len() + 2)
        }
        HeaderResult::V2(Ok(header)) => {
            let client = match header.addresses {
                _ if header.command == v2::Command::Local => None,
                v2::Addresses::IPv4(it) => ip(it.source_address.into(), it.source_port),
                v2::Addresses::IPv6(it) => ip(it.source_address.into(), it.source_port),
                v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
            };
            Announced::Client(client, header.len())
        }
        _ => Announced::Not,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    #[track_caller]
    fn check(bytes: &[u8], expected: Announced) {
        assert_eq!(read(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        // Every beginning of it wants more, and what stands behind it changes nothing.
        if let Announced::Client(_, length) = expected {
            for end in 1..length {
                assert_eq!(read(&bytes[..end]), Announced::Incomplete, "{end} {:?}", String::from_utf8_lossy(bytes));
            }
            assert_eq!(read(&[bytes, b"GET / HTTP/1.1\r\n\r\n"].concat()), expected);
        }
    }

    #[test]
    fn both_versions() {
        let client = |text: &str, length| Announced::Client(Some(text.parse().expect(text)), length);
        check(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", client("192.0.2.1:56324", 45));
        check(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", client("[2001:db8::1]:1", 40));
        check(b"PROXY UNKNOWN\r\n", Announced::Client(None, 15));
        let v4 = [V2, b"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"].concat();
        check(&v4, client("192.0.2.1:56324", 28));
        let local = [V2, b"\x20\x00\x00\x00"].concat();
        check(&local, Announced::Client(None, 16));
        check(b"GET / HTTP/1.1\r\n\r\n", Announced::Not);
        check(b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 5\r\n", Announced::Not);
        check(b"PROXY TCP4 300.0.2.1 198.51.100.1 56324 443\r\n", Announced::Not);
        check(&[V2, b"\x41\x11\x00\x0c"].concat(), Announced::Not);
    }
}
