//! `Origin` (RFC 6454 section 7) and the patterns that allow some of them.

/// An origin, or many that look alike:
///
/// ```text
/// *                      every origin
/// https://shop.example   this one
/// https://*.example.com  every host below example.com, however deep
/// https://*              every host and port by this scheme
/// http://localhost:*     every port
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    /// In lower case, as browsers write origins.
    before: Box<str>,
    hole: Hole,
    after: Box<str>,
}

/// What the `*` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    /// There is none: `before` is the origin.
    None,
    /// It is the whole pattern.
    Any,
    /// A host and perhaps its port.
    Authority,
    /// One or more labels of a host.
    Labels,
    Port,
}

impl OriginPattern {
    /// The error says what to write.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let pattern = |before: &str, hole, after: &str| Ok(Self { before: before.into(), hole, after: after.into() });
        if text == "*" {
            return pattern("", Hole::Any, "");
        }
        let text = text.to_ascii_lowercase();
        let (scheme, authority) =
            text.split_once("://").ok_or("Write a scheme and a host, such as `https://shop.example`")?;
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|letter: char| letter.is_ascii_alphabetic()) || !scheme.bytes().all(sound) {
            return Err("Write a scheme such as `https` before `://`");
        }
        if authority.contains(['/', '?', '#']) {
            return Err("Leave out the path and the slash behind the host: an origin has neither");
        }
        if !authority.is_ascii() {
            return Err("Write the host as browsers send it: `xn--…`");
        }
        if authority.is_empty() || !authority.bytes().all(|byte| is_of_authority(byte) || byte == b'*') {
            return Err("Write a host behind `://`, and perhaps `:` and a port");
        }
        let Some((before, after)) = text.split_once('*') else { return pattern(&text, Hole::None, "") };
        let hole = match (before.ends_with("://"), after) {
            (true, "") => Hole::Authority,
            (true, _) if after.starts_with(['.', ':']) && after.len() > 1 && !after.contains('*') => Hole::Labels,
            (false, "") if before.ends_with(':') => Hole::Port,
            _ => return Err("Write one `*`, in the place of a host's first labels, of a port, or of all behind `://`"),
        };
        pattern(before, hole, after)
    }

    /// Whether this is the pattern `*`.
    pub fn is_any(&self) -> bool {
        self.hole == Hole::Any
    }

    /// What matches a pattern other than `*` has nothing in it that could end a header line.
    pub fn matches(&self, origin: &[u8]) -> bool {
        let may_fill: fn(u8) -> bool = match self.hole {
            Hole::None => return origin.eq_ignore_ascii_case(self.before.as_bytes()),
            Hole::Any => return true,
            Hole::Authority => is_of_authority,
            Hole::Labels => |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'),
            Hole::Port => |byte| byte.is_ascii_digit(),
        };
        let (before, after) = (self.before.as_bytes(), self.after.as_bytes());
        let Some((start, rest)) = origin.split_at_checked(before.len()) else { return false };
        let Some((filling, end)) = rest.len().checked_sub(after.len()).and_then(|at| rest.split_at_checked(at)) else {
            return false;
        };
        start.eq_ignore_ascii_case(before)
            && end.eq_ignore_ascii_case(after)
            && !filling.is_empty()
            && filling.iter().all(|&byte| may_fill(byte))
    }
}

fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, origin: &str, expected: bool) {
        let pattern = OriginPattern::parse(pattern).expect("a sound pattern");
        assert_eq!(pattern.matches(origin.as_bytes()), expected, "{pattern:?} {origin}");
    }

    #[test]
    fn origins_are_compared_whole() {
        check("*", "null", true);
        check("https://a.example", "https://a.example", true);
        check("HTTPS://A.example", "https://a.EXAMPLE", true);
        check("https://a.example", "http://a.example", false);
        check("https://a.example", "https://a.example:8443", false);
        check("https://a.example", "https://a.example.evil.example", false);
        check("https://a.example", "null", false);
        check("https://a.example", "", false);
        check("http://[::1]:3000", "http://[::1]:3000", true);
        check("capacitor://localhost", "capacitor://localhost", true);
    }

    #[test]
    fn stars_stand_for_what_they_should() {
        check("https://*.example.com", "https://a.example.com", true);
        check("https://*.example.com", "https://a.b.example.com", true);
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://.example.com", false);
        check("https://*.example.com", "https://evilexample.com", false);
        check("https://*.example.com", "https://evil.example/.example.com", false);
        check("https://*.example.com", "https://evil.example#.example.com", false);
        check("https://*.example.com", "https://evil.example:1.example.com", false);
        check("https://*.example.com", "https://u@a.example.com", false);
        check("https://*.example.com", "https://a\r\n.example.com", false);
        check("https://*.example.com", "http://a.example.com", false);
        check("https://*.example.com:8443", "https://a.example.com:8443", true);
        check("https://*:8443", "https://a.example:8443", true);
        check("https://*", "https://a.example:1", true);
        check("https://*", "https://", false);
        check("https://*", "http://a.example", false);
        check("https://*", "https://a/b", false);
        check("http://localhost:*", "http://localhost:3000", true);
        check("http://localhost:*", "http://localhost", false);
        check("http://localhost:*", "http://localhost:3000.evil.example", false);
    }

    #[track_caller]
    fn check_refused(pattern: &str, help: &str) {
        assert!(OriginPattern::parse(pattern).is_err_and(|why| why.contains(help)), "{pattern}");
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        check_refused("a.example", "a scheme and a host");
        check_refused("null", "a scheme and a host");
        check_refused("", "a scheme and a host");
        check_refused("1://a", "a scheme such as");
        check_refused("https://", "a host behind");
        check_refused("https://u@a.example", "a host behind");
        check_refused("https://a b", "a host behind");
        check_refused("https://a.example/", "the slash");
        check_refused("https://a.example/x", "the path");
        check_refused("https://ü.example", "xn--");
        check_refused("https://*.*.example", "one `*`");
        check_refused("https://a*.example", "one `*`");
        check_refused("https://*a.example", "one `*`");
        check_refused("https://*.", "one `*`");
    }
}
