//! Networks in CIDR notation (RFC 4632, RFC 4291 section 2.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network; an address alone is one of 32 or 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its bits behind the first `bits` are zero. Never an IPv4 address in IPv6's clothes.
    pub address: IpAddr,
    /// At most 32 or 128.
    pub bits: u8,
}

impl Network {
    /// Whether `address` is in it. An IPv4 address in IPv6's clothes (`::ffff:10.0.0.1`, as a dual-stack socket has
    /// them) is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => own == first_v4(other, self.bits),
            (IpAddr::V6(own), IpAddr::V6(other)) => own == first_v6(other, self.bits),
            _ => false,
        }
    }
}

/// `10.0.0.0/8`, `2001:db8::/32`, or an address; else what would have been right.
pub(super) fn network(text: &str) -> Result<Network, String> {
    let wanted = || "Write an address or a network, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32.".to_owned();
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wanted())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => most,
        Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse::<u8>().map_err(|_| wanted())?,
        Some(_) => return Err(wanted()),
    };
    if bits > most {
        return Err(format!("{address} has {most} bits, so that a network of it has no more."));
    }
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8; a wider one has addresses of both kinds, and stays what it is.
    let (address, bits) = match (address.to_canonical(), bits.checked_sub(96)) {
        (canonical @ IpAddr::V4(_), Some(bits)) if address.is_ipv6() => (canonical, bits),
        _ => (address, bits),
    };
    let first = match address {
        IpAddr::V4(address) => IpAddr::V4(first_v4(address, bits)),
        IpAddr::V6(address) => IpAddr::V6(first_v6(address, bits)),
    };
    if first != address {
        // A slip in the address or in the bits: which of them is meant, nobody but the writer knows.
        return Err(format!("{address} is an address within a network: write {first}/{bits}, or the address alone."));
    }
    Ok(Network { address, bits })
}

fn first_v4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn first_v6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within() {
        let check = |text: &str, address: &str, expected: bool| {
            let network = network(text).expect(text);
            assert_eq!(network.contains(address.parse().expect(address)), expected, "{text} {address}");
        };
        check("10.0.0.0/8", "10.255.255.255", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "9.255.255.255", false);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("10.0.0.0/8", "::10.1.2.3", false);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.6", false);
        check("192.0.2.6/31", "192.0.2.7", true);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
        check("::/0", "203.0.113.9", false);
        check("2001:db8::/32", "2001:db8:ffff::", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("2001:db8::1", "2001:db8::1", true);
        check("2001:db8::1", "2001:db8::2", false);
        check("::ffff:10.0.0.0/104", "10.9.9.9", true);
        check("::ffff:10.0.0.0/104", "11.9.9.9", false);
        check("::ffff:192.0.2.7", "192.0.2.7", true);
    }

    #[test]
    fn what_is_none() {
        let wanted = "Write an address or a network, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32.";
        for text in
            ["", "ten", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "10.0.0.0/8/8", "10.0.0.0/256", "10.0.0.0:80", "[::1]"]
        {
            assert_eq!(network(text), Err(wanted.to_owned()), "{text}");
        }
        for (text, help) in [
            ("10.0.0.0/33", "10.0.0.0 has 32 bits, so that a network of it has no more."),
            ("::/129", ":: has 128 bits, so that a network of it has no more."),
            ("10.0.0.7/8", "10.0.0.7 is an address within a network: write 10.0.0.0/8, or the address alone."),
            ("::ffff:10.0.0.7/104", "10.0.0.7 is an address within a network: write 10.0.0.0/8, or the address alone."),
            (
                "2001:db8::1/32",
                "2001:db8::1 is an address within a network: write 2001:db8::/32, or the address alone.",
            ),
        ] {
            assert_eq!(network(text), Err(help.to_owned()), "{text}");
        }
    }
}
