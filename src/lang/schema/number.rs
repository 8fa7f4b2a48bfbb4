//! Numbers as their digits, compared exactly and in linear time: a client writes them as long as it likes.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Integers of at most so many characters are compared as machine words.
const WORD_CHARS_MAX: usize = 18;

/// By value: 1 and 1.0 and 10e-1 are equal. Both are numbers of JSON.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    if let (Some(one), Some(other)) = (word(one), word(other)) {
        return one.cmp(&other);
    }
    Decimal::of(one).cmp(&Decimal::of(other))
}

/// A number that many are compared with.
#[derive(Clone, Debug)]
pub(super) struct Number {
    /// As it was written.
    pub(super) text: Box<str>,
    word: Option<i64>,
}

impl Number {
    pub(super) fn new(text: String) -> Self {
        Self { word: word(&text), text: text.into() }
    }

    /// Where another one stands: before or behind it.
    pub(super) fn order_of(&self, other: &str) -> Ordering {
        match (word(other), self.word) {
            (Some(other), Some(own)) => other.cmp(&own),
            _ => Decimal::of(other).cmp(&Decimal::of(&self.text)),
        }
    }
}

/// Equal numbers have equal hashes.
pub(super) fn hash(text: &str, state: &mut impl Hasher) {
    let Decimal { negative, digits, exponent } = Decimal::of(text);
    (negative, digits, exponent).hash(state);
}

/// What `multipleOf` asks, made ready.
#[derive(Clone, Debug)]
pub(super) struct Divisor {
    digits: u64,
    exponent: i64,
}

impl Divisor {
    /// `None` where it is not above 0, or has more digits than a schema can mean.
    pub(super) fn of(text: &str) -> Option<Self> {
        let Decimal { negative, digits, exponent } = Decimal::of(text);
        let digits = std::str::from_utf8(&digits).ok()?.parse().ok().filter(|&digits: &u64| digits < 1 << 63)?;
        (!negative).then_some(Self { digits, exponent })
    }

    pub(super) fn divides(&self, text: &str) -> bool {
        if let (Some(number), 0) = (word(text), self.exponent) {
            return number.unsigned_abs().is_multiple_of(self.digits);
        }
        let Decimal { digits, exponent, .. } = Decimal::of(text);
        if digits.is_empty() {
            return true;
        }
        // Without its trailing zeros, what has more decimal places than the divisor is no multiple of it.
        let Some(zeros) = exponent.checked_sub(self.exponent).and_then(|zeros| u64::try_from(zeros).ok()) else {
            return false;
        };
        let modulus = u128::from(self.digits);
        let rest = digits.iter().fold(0, |rest: u128, digit| (rest * 10 + u128::from(digit - b'0')) % modulus);
        (rest * power(10, zeros, modulus)).is_multiple_of(modulus)
    }
}

/// `base` to `exponent`, modulo something below 2^63: no product leaves 128 bits.
fn power(base: u128, mut exponent: u64, modulus: u128) -> u128 {
    let (mut result, mut square) = (1 % modulus, base % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * square % modulus;
        }
        square = square * square % modulus;
        exponent >>= 1;
    }
    result
}

fn word(text: &str) -> Option<i64> {
    // The standard library refuses a fraction and an exponent; short texts cost a few nanoseconds.
    if text.len() > WORD_CHARS_MAX { None } else { text.parse().ok() }
}

/// 0.`digits` times ten to … : `digits` as an integer times ten to `exponent`, without zeros at either end.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    fn of(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = Vec::with_capacity(mantissa.len());
        digits.extend(whole.bytes().chain(fraction.bytes()).skip_while(|&digit| digit == b'0'));
        let written = digits.len();
        let kept = digits.iter().rposition(|&digit| digit != b'0').map_or(0, |last| last + 1);
        digits.truncate(kept);
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        // An exponent beyond 64 bits stays where it can only be: at its end of the scale.
        let own = exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
        let shift = (written - kept) as i64 - fraction.len() as i64;
        Self { negative, digits, exponent: own.saturating_add(shift) }
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let signum = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (own, others) = (signum(self), signum(other));
        if own != others || own == 0 {
            return own.cmp(&others);
        }
        let size = |number: &Self| number.exponent.saturating_add(number.digits.len() as i64);
        let greater = size(self).cmp(&size(other)).then_with(|| self.digits.cmp(&other.digits));
        if own < 0 { greater.reverse() } else { greater }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let check = |one: &str, other: &str, expected| {
            assert_eq!(compare(one, other), expected, "{one} and {other}");
            assert_eq!(compare(other, one), expected.reverse(), "{other} and {one}");
        };
        check("1", "2", Ordering::Less);
        check("1", "1.0", Ordering::Equal);
        check("0", "-0.00e5", Ordering::Equal);
        check("100", "1E+2", Ordering::Equal);
        check("-1", "0.5", Ordering::Less);
        check("-2", "-1", Ordering::Less);
        check("9.99", "10", Ordering::Less);
        check("0.1", "0.10000000000000000000000000000000000001", Ordering::Less);
        check("123456789012345678901234567890", "123456789012345678901234567891", Ordering::Less);
        check("-1e-400", "0", Ordering::Less);
        check("1e99999999999999999999", "1e5", Ordering::Greater);
        check("1e-99999999999999999999", "1e-5", Ordering::Less);
    }

    #[test]
    fn multiples_are_exact() {
        let check = |number: &str, divisor: &str, expected| {
            assert_eq!(Divisor::of(divisor).map(|divisor| divisor.divides(number)), expected, "{number} / {divisor}");
        };
        check("10", "5", Some(true));
        check("-7", "2", Some(false));
        check("0", "3", Some(true));
        check("19.99", "0.01", Some(true));
        check("0.3", "0.1", Some(true));
        check("1.001", "0.01", Some(false));
        check("1e300", "7", Some(false));
        check("7e300", "7", Some(true));
        check("5e-1", "0.5", Some(true));
        check("5", "2.5", Some(true));
        check("1e-99999999999999999999", "1", Some(false));
        check("3", "1e1", Some(false));
        check("1e99999999999999999999", "4", Some(true));
        check("1", "0", None);
        check("1", "-1", None);
        check("1", "99999999999999999999", None);
    }
}
