//! What stands in conditions: numbers, dates, addresses, and the names of the keys.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Condition keys that are known; one that ends in a slash has a name of the user's behind it. What is not here is refused,
/// for a `Deny` whose key nobody ever gives would never match.
const KEYS: &[&str] = &[
    "apigateway:Request/",
    "apigateway:Resource/",
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:SecureTransport",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:userid",
    "aws:UserAgent",
    "aws:username",
    "aws:VpcSourceIp",
];

pub(super) fn is_known_key(key: &str) -> bool {
    KEYS.iter().any(|known| {
        let head = key.get(..known.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(known) && (known.ends_with('/') == (key.len() > known.len()))
    })
}

pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// Seconds since 1970: ISO 8601 with a zone, a date alone, or the seconds themselves.
pub(super) fn date(text: &str) -> Option<f64> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10)?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    Some(timestamp.as_millisecond() as f64 / 1e3)
}

pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cidr {
    network: IpAddr,
    bits: u32,
}

impl Cidr {
    /// `10.0.0.0/8`, `2001:db8::/32`, or one address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let network = address.parse::<IpAddr>().ok()?;
        let whole = if network.is_ipv4() { 32 } else { 128 };
        let digits = |bits: &str| bits.bytes().all(|b| b.is_ascii_digit()).then(|| bits.parse().ok()).flatten();
        let bits = bits.map_or(Some(whole), digits)?;
        (bits <= whole).then_some(Self { network, bits })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let shift = |width: u32| width - self.bits;
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), _) => {
                let address = match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped(),
                    IpAddr::V6(address) => address,
                };
                (network.to_bits() ^ address.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (range, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1", "2001:db8::1", true),
        ] {
            let found = Cidr::parse(range).expect(range).contains(address.parse().expect(address));
            assert_eq!(found, expected, "{address} in {range}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0/8", "*", "2001:db8::/129"] {
            assert!(Cidr::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn numbers_dates_and_keys() {
        assert_eq!(
            (number("10"), number("-1.5"), number("nan"), number("inf"), number("1_0")),
            (Some(10.0), Some(-1.5), None, None, None)
        );
        for (text, expected) in [
            ("1970-01-02T00:00:00Z", Some(86_400.0)),
            ("1970-01-02T01:00:00+01:00", Some(86_400.0)),
            ("1970-01-02", Some(86_400.0)),
            ("86400", Some(86_400.0)),
            ("yesterday", None),
            ("1970-01-02T00:00:00", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
        for (key, expected) in [
            ("aws:sourceip", true),
            ("aws:PrincipalTag/team", true),
            ("aws:PrincipalTag/", false),
            ("aws:SourceIpx", false),
            ("aws:Nothing", false),
            ("", false),
        ] {
            assert_eq!(is_known_key(key), expected, "{key}");
        }
    }
}
