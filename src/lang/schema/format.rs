//! The values of `format` that AWS's validator looks at; any other is ignored.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::pattern;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Email,
    Hostname,
    Ipv4,
    Ipv6,
    Regex,
    Uri,
    Uuid,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "email" => Self::Email,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "regex" => Self::Regex,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            _ => return None,
        })
    }

    pub(super) fn holds(self, text: &str) -> bool {
        match self {
            Self::DateTime => by_crate(&DATE_TIME, text),
            Self::Email => by_crate(&EMAIL, text),
            Self::Hostname => by_crate(&HOSTNAME, text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            // The crate compiles it, at any size: thirty bytes may say a gigabyte.
            Self::Regex => pattern::is_one(text),
            Self::Uri => by_crate(&URI, text),
            Self::Uuid => is_uuid(text),
        }
    }

    /// What [`holds`](Self::holds) may cost, in steps of a check.
    pub(super) fn steps(self, bytes: u64) -> u64 {
        match self {
            Self::Regex => pattern::reading_steps(bytes),
            _ => 16 + bytes,
        }
    }

    /// In the words of the Java library (rest/03 section 3.3).
    pub(super) fn complaint(self, text: &str) -> String {
        match self {
            Self::DateTime => format!(
                "string \"{text}\" is invalid against requested date format(s) \
                 [yyyy-MM-dd'T'HH:mm:ssZ, yyyy-MM-dd'T'HH:mm:ss.[0-9]{{1,12}}Z]"
            ),
            Self::Email => format!("string \"{text}\" is not a valid email address"),
            Self::Hostname => format!("string \"{text}\" is not a valid hostname"),
            Self::Ipv4 => format!("string \"{text}\" is not a valid IPv4 address"),
            Self::Ipv6 => format!("string \"{text}\" is not a valid IPv6 address"),
            Self::Regex => format!("string \"{text}\" is not a valid ECMA 262 regular expression"),
            Self::Uri => format!("string \"{text}\" is not a valid URI"),
            Self::Uuid => format!("input string \"{text}\" is not a valid UUID"),
        }
    }
}

/// One format of the crate, in the draft that knows it.
type Checker = LazyLock<Option<jsonschema::Validator>>;

static DATE_TIME: Checker = LazyLock::new(|| checker("date-time"));
static EMAIL: Checker = LazyLock::new(|| checker("email"));
static HOSTNAME: Checker = LazyLock::new(|| checker("hostname"));
/// Java's `new URI(…)` takes a relative reference too.
static URI: Checker = LazyLock::new(|| checker("uri-reference"));

fn checker(name: &str) -> Option<jsonschema::Validator> {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft7).should_validate_formats(true).offline();
    options.build(&json!({ "format": name })).ok()
}

fn by_crate(checker: &Checker, text: &str) -> bool {
    debug_assert!(checker.is_some(), "the crate knows the formats that we name");
    checker.as_ref().is_none_or(|checker| checker.is_valid(&Value::from(text)))
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match dashes.contains(&at) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let check = |name: &str, text: &str, expected: bool| {
            assert_eq!(Format::named(name).map(|format| format.holds(text)), Some(expected), "{name} and {text:?}");
        };
        check("date-time", "2026-11-26T20:19:52Z", true);
        check("date-time", "2026-11-26T20:19:52.123+02:00", true);
        check("date-time", "2026-11-26", false);
        check("date-time", "2026-13-26T20:19:52Z", false);
        check("email", "a@example.com", true);
        check("email", "example.com", false);
        check("hostname", "www.example.com", true);
        check("hostname", "-a.example.com", false);
        check("ipv4", "192.0.2.1", true);
        check("ipv4", "192.0.2.256", false);
        check("ipv6", "2001:db8::1", true);
        check("ipv6", "2001:db8::1::2", false);
        check("regex", "^a+$", true);
        check("regex", "(", false);
        check("uri", "https://example.com/a?b", true);
        check("uri", "/a/b", true);
        check("uri", "http://a b", false);
        check("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", true);
        check("uuid", "6ba7b8109dad11d180b400c04fd430c8", false);
        assert_eq!(Format::named("int64"), None);
    }
}
