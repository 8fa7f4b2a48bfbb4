//! Texts to values: durations, sizes, addresses, names. Each answers what it wanted instead.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{LogTarget, MethodPattern, Throttle, UpstreamOverride};

/// What would have been right, as the help of the mistake.
pub(super) type Parsed<T> = Result<T, String>;

/// `50ms`, `29s`, `5m`, `1h`
pub(super) fn duration(text: &str) -> Parsed<Duration> {
    let wanted = || "Write a whole number with its unit, such as 50ms, 29s, 5m or 1h.".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| wanted())?;
    let factor = match &text[digits..] {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wanted()),
    };
    number.checked_mul(factor).map(Duration::from_secs).ok_or_else(wanted)
}

/// `10MB`, `64KB`, `1GB` or plain bytes. AWS counts a kilobyte as 1024 bytes, and so do we.
pub(super) fn bytes(text: &str) -> Parsed<u64> {
    let wanted =
        || "Write plain bytes, or a whole number with KB, MB or GB (a KB is 1024 bytes, as AWS counts).".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| wanted())?;
    let factor: u64 = match text[digits..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return Err(wanted()),
    };
    number.checked_mul(factor).ok_or_else(wanted)
}

pub(super) fn number(text: &str) -> Parsed<u64> {
    text.parse().map_err(|_| "Write a whole number.".to_owned())
}

pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("Write true or false.".into()),
    }
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, or `:8080` for all interfaces.
pub(super) fn listen(text: &str) -> Parsed<SocketAddr> {
    let wanted =
        || "Write ADDRESS:PORT, such as 127.0.0.1:8080; :8080 is every IPv4 interface, [::]:8080 every one.".to_owned();
    if let Some(port) = text.strip_prefix(':') {
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port.parse().map_err(|_| wanted())?)));
    }
    if let Some(port) = text.strip_prefix("localhost:") {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().map_err(|_| wanted())?)));
    }
    text.parse().map_err(|_| wanted())
}

/// A stage's name (rest/14).
pub(super) fn stage(text: &str) -> Parsed<String> {
    let good = (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    good.then(|| text.to_owned()).ok_or_else(|| "A stage's name has 1 to 128 of A-Z, a-z, 0-9, _ and -.".into())
}

/// `KEY=VALUE` as rest/14 section 14.2 bounds both.
pub(super) fn stage_variable(text: &str) -> Parsed<(String, String)> {
    let (key, value) = text.split_once('=').ok_or("Write NAME=VALUE.")?;
    if !(1..=64).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("A stage variable's name has 1 to 64 of A-Z, a-z, 0-9 and _.".into());
    }
    if value.len() > 512 || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&b)) {
        return Err("A stage variable's value has at most 512 of A-Z, a-z, 0-9 and -._~:/?#&=, (as AWS allows).".into());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// `RATE:BURST`, or `none`.
pub(super) fn throttle(text: &str) -> Parsed<Option<Throttle>> {
    if text == "none" {
        return Ok(None);
    }
    let (rate, burst) = text.split_once(':').ok_or("Write RATE:BURST, such as 10000:5000, or none.")?;
    Ok(Some(Throttle { rate_per_second: self::rate(rate)?, burst: self::burst(burst)? }))
}

pub(super) fn rate(text: &str) -> Parsed<f64> {
    let rate: f64 = text.parse().map_err(|_| "A rate is a number of requests a second, such as 100 or 0.5.")?;
    if rate.is_finite() && rate >= 0.0 { Ok(rate) } else { Err("A rate is a number of 0 or more.".into()) }
}

pub(super) fn burst(text: &str) -> Parsed<u32> {
    text.parse().map_err(|_| "A burst is a whole number of requests, such as 200.".into())
}

/// Where the access log goes: `-` is standard output.
pub(super) fn log_target(text: &str) -> LogTarget {
    if text == "-" { LogTarget::Stdout } else { LogTarget::File(text.into()) }
}

/// Without slashes at its ends: `orders`, `orders/v1`, or empty.
pub(super) fn base_path(text: &str) -> Parsed<String> {
    let path = text.trim_matches('/');
    let good = |segment: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"$-_.+!*'()".contains(&b);
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(allowed)
    };
    if path.is_empty() || (path.len() <= 300 && path.split('/').all(good)) {
        return Ok(path.to_owned());
    }
    Err("A base path has at most 300 of A-Z, a-z, 0-9, / and $-_.+!*'(), such as orders/v1.".into())
}

/// `/pets/{petId}/GET`, or `*/*` for every method.
pub(super) fn method_pattern(text: &str) -> Parsed<MethodPattern> {
    if text == "*/*" {
        return Ok(MethodPattern::All);
    }
    let wanted = "Write \"*/*\" for every method, or a resource's path and a method, such as \"/pets/{petId}/GET\".";
    let (path, verb) = text.rsplit_once('/').ok_or(wanted)?;
    if !["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"].contains(&verb) || path.contains('*') {
        return Err(wanted.into());
    }
    Ok(MethodPattern::One { path: format!("/{}", path.trim_matches('/')), verb: verb.to_owned() })
}

/// `HOST[:PORT]=ADDR[,ADDR]`; an address without a port takes the one of the host.
pub(super) fn upstream(text: &str) -> Parsed<UpstreamOverride> {
    let wanted = "Write HOST[:PORT]=ADDRESS[,ADDRESS], such as pets.internal:8080=10.0.0.7,10.0.0.8.";
    let (authority, addresses) = text.split_once('=').ok_or(wanted)?;
    let authority = authority.to_ascii_lowercase();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().map_err(|_| wanted)?)),
        _ => (authority.as_str(), None),
    };
    let name = |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let literal = |host: &str| host.starts_with('[') && host.ends_with(']');
    if !name(host) && !literal(host) {
        return Err(wanted.into());
    }
    let addresses = addresses
        .split(',')
        .map(|address| {
            match (address.parse::<SocketAddr>(), address.trim_matches(['[', ']']).parse::<IpAddr>(), port) {
                (Ok(address), _, _) => Ok(address),
                (Err(_), Ok(ip), Some(port)) => Ok(SocketAddr::new(ip, port)),
                (Err(_), Ok(_), None) => {
                    Err("Give the address a port, such as 10.0.0.7:8080, for the host has none.".to_owned())
                }
                _ => Err(wanted.to_owned()),
            }
        })
        .collect::<Parsed<Vec<_>>>()?;
    Ok(UpstreamOverride { authority, addresses })
}

pub(super) fn account_id(text: &str) -> Parsed<String> {
    let good = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    good.then(|| text.to_owned()).ok_or_else(|| "An account has twelve digits.".into())
}

pub(super) fn region(text: &str) -> Parsed<String> {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let good = text.len() <= 32 && text.split('-').count() >= 2 && text.split('-').all(part);
    good.then(|| text.to_owned()).ok_or_else(|| "Write a region such as us-east-1 or eu-west-3.".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_carry_their_unit() {
        for (text, expected) in [("50ms", 50), ("29s", 29_000), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(expected)), "{text}");
        }
        for text in ["", "29", "s", "1.5s", "-1s", "9 s", "1d", "18446744073709551615h", "é"] {
            assert!(duration(text).is_err(), "{text}");
        }
        for (text, expected) in
            [("10MB", 10 << 20), ("10mb", 10 << 20), ("1GB", 1 << 30), ("64KB", 65_536), ("7", 7), ("7B", 7)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "1.5MB", "10TB", "10MiB", "18446744073709551615KB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_to_listen_on() {
        for (text, expected) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            (":8080", "0.0.0.0:8080"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:443", "[::1]:443"),
        ] {
            assert_eq!(listen(text).map(|address| address.to_string()).as_deref(), Ok(expected));
        }
        for text in ["8080", "example.com:80", ":99999", "127.0.0.1", ""] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn stage_variables_as_aws_bounds_them() {
        assert_eq!(stage_variable("url=http://a/?b=c,d"), Ok(("url".into(), "http://a/?b=c,d".into())));
        assert_eq!(stage_variable("empty="), Ok(("empty".into(), String::new())));
        for text in ["novalue", "=x", "a-b=x", "a=x y", "a={}"] {
            assert!(stage_variable(text).is_err(), "{text}");
        }
        assert!(stage_variable(&format!("{}=x", "k".repeat(65))).is_err());
        assert!(stage_variable(&format!("k={}", "x".repeat(513))).is_err());
    }

    #[test]
    fn patterns_of_methods() {
        let one = |path: &str, verb: &str| Ok(MethodPattern::One { path: path.into(), verb: verb.into() });
        assert_eq!(method_pattern("*/*"), Ok(MethodPattern::All));
        assert_eq!(method_pattern("/pets/{petId}/GET"), one("/pets/{petId}", "GET"));
        assert_eq!(method_pattern("pets/ANY"), one("/pets", "ANY"));
        assert_eq!(method_pattern("/GET"), one("/", "GET"));
        for text in ["GET", "/pets/get", "/pets/*", "/*/GET", ""] {
            assert!(method_pattern(text).is_err(), "{text}");
        }
    }

    #[test]
    fn upstreams_take_the_hosts_port() {
        let check = |text: &str, authority: &str, addresses: &[&str]| {
            let found = upstream(text).expect(text);
            let texts: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
            assert_eq!(
                (found.authority.as_str(), texts),
                (authority, addresses.iter().map(ToString::to_string).collect())
            );
        };
        check("Pets.Internal:8080=10.0.0.7,10.0.0.8:99", "pets.internal:8080", &["10.0.0.7:8080", "10.0.0.8:99"]);
        check("pets=[::1]:80", "pets", &["[::1]:80"]);
        check("pets:80=::1", "pets:80", &["[::1]:80"]);
        for text in ["pets", "pets=", "pets=10.0.0.7", "=1.1.1.1:1", "pets:x=1.1.1.1:1", "pe ts=1.1.1.1:1"] {
            assert!(upstream(text).is_err(), "{text}");
        }
    }

    #[test]
    fn throttles_paths_and_names() {
        assert_eq!(throttle("none"), Ok(None));
        assert_eq!(throttle("0.5:2"), Ok(Some(Throttle { rate_per_second: 0.5, burst: 2 })));
        for text in ["5", "-1:2", "inf:2", "nan:2", "1:-2", "1:2.5"] {
            assert!(throttle(text).is_err(), "{text}");
        }
        assert_eq!(base_path("/orders/v1/").as_deref(), Ok("orders/v1"));
        assert_eq!(base_path("").as_deref(), Ok(""));
        for text in ["a//b", "../a", "a b", "é"] {
            assert!(base_path(text).is_err(), "{text}");
        }
        assert!(account_id("123456789012").is_ok() && account_id("1234").is_err());
        assert!(region("eu-west-3").is_ok() && region("mars").is_err() && region("EU-west-1").is_err());
    }
}
