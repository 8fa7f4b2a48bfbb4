//! Times as signatures write them: `20150830T123600Z`.

use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// ISO 8601's basic format, of Unix seconds.
pub(super) fn iso(unix_seconds: i64) -> String {
    Timestamp::from_second(unix_seconds).unwrap_or_default().strftime(FORMAT).to_string()
}

/// The basic format, or a date as HTTP writes it.
pub(super) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes[range].iter().all(u8::is_ascii_digit);
    if bytes.len() == 16 && bytes[8] == b'T' && bytes[15] == b'Z' && digits(0..8) && digits(9..15) {
        let civil = DateTime::strptime(FORMAT, text).ok()?;
        return Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    }
    let time = httpdate::parse_http_date(text).ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(iso(1_440_938_160), "20150830T123600Z");
        assert_eq!(parse("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(parse("Sun, 30 Aug 2015 12:36:00 GMT"), Some(1_440_938_160));
        for text in ["", "20150830", "20151330T123600Z", "20150830T126000Z", "2015-08-30T12:36:00Z", "2015083+T123600Z"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
