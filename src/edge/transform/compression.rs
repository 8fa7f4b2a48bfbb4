//! Which answers are compressed, and how (rest/06 section 6.6).

use crate::edge::exchange::Request;
use crate::wire::headers::Known;

/// `minimumCompressionSize` of an API, with what the operator allows beside AWS's codings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// Bytes of a mapped body from which on it is compressed.
    pub bytes_min: usize,
    pub brotli: bool,
    pub zstd: bool,
}

/// A coding of RFC 9110 8.4.1, or one registered beside it (RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Deflate,
    Gzip,
    Zstd,
}

impl Coding {
    /// As Content-Encoding says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Deflate => "deflate",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl Compression {
    /// The coding for a client: its most preferred one, where that is known here. AWS does not look at its second choice
    /// (documented: `br` first compresses nothing), and `*` names none.
    pub fn coding(self, request: &Request) -> Option<Coding> {
        let lists = request.head.lines.iter().filter(|line| line.known == Known::Other);
        let values = lists
            .filter(|line| line.name.of(&request.bytes).eq_ignore_ascii_case(b"accept-encoding"))
            .map(|line| line.value.of(&request.bytes));
        self.preferred(values.flat_map(|value| value.split(|&byte| byte == b',')))
    }

    fn preferred<'v>(self, entries: impl Iterator<Item = &'v [u8]>) -> Option<Coding> {
        let mut best: Option<(&[u8], u16)> = None;
        for entry in entries {
            let mut parts = entry.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let name = parts.next().filter(|name| !name.is_empty());
            let quality = parts.find_map(quality).unwrap_or(1_000);
            if let Some(name) = name
                && quality > 0
                && best.is_none_or(|(_, best)| quality > best)
            {
                best = Some((name, quality));
            }
        }
        let (name, _) = best?;
        let is = |coding: &[u8]| name.eq_ignore_ascii_case(coding);
        match () {
            () if is(b"gzip") || is(b"x-gzip") => Some(Coding::Gzip),
            () if is(b"deflate") => Some(Coding::Deflate),
            () if is(b"br") && self.brotli => Some(Coding::Brotli),
            () if is(b"zstd") && self.zstd => Some(Coding::Zstd),
            () => None,
        }
    }
}

/// RFC 9110 12.4.2: `q=0.5`, in thousandths.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = parameter.strip_prefix(b"q=").or_else(|| parameter.strip_prefix(b"Q="))?;
    let value: f32 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    (0.0..=1.0).contains(&value).then_some((value * 1_000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_first_choice_decides() {
        let check = |accepted: &str, allowed: bool, expected: Option<&str>| {
            let compression = Compression { bytes_min: 0, brotli: allowed, zstd: allowed };
            let found = compression.preferred(accepted.as_bytes().split(|&byte| byte == b','));
            assert_eq!(found.map(Coding::name), expected, "{accepted}");
        };
        check("gzip", false, Some("gzip"));
        check("gzip, deflate, br", false, Some("gzip"));
        check("deflate, gzip;q=1.0", false, Some("deflate"));
        check("deflate;q=0.5, GZIP;q=0.8", false, Some("gzip"));
        check("br, gzip", false, None);
        check("br, gzip", true, Some("br"));
        check("zstd;q=0.9, br;q=0.8", true, Some("zstd"));
        check("identity, gzip;q=0.5", false, None);
        check("gzip;q=0, deflate", false, Some("deflate"));
        check("*", false, None);
        check("", false, None);
        check("gzip;q=x", false, Some("gzip"));
    }
}
