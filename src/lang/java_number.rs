//! Numbers as Java reads and prints them: what JSON, JSONPath and mapping templates share (rest/08 section 8.5).
//!
//! An integer is an `Integer`, a `Long` or a `BigInteger` by its size. Numbers of any length stay text, so that ten
//! megabytes of digits cost one look at each and not the square of it.

use std::borrow::Cow;
use std::io::Write;

use crate::lang::value::Value;

/// An integer by its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Integer<'t> {
    Int(i32),
    Long(i64),
    /// Decimal digits without leading zeros, behind a `-` where it is negative.
    Big(Cow<'t, str>),
}

/// Reads `[+-]?[0-9]+`; `None` for anything else.
pub fn parse_integer(text: &str) -> Option<Integer<'_>> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if digits.len() < 19 {
        let size = digits.bytes().fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let number = if negative { -size } else { size };
        return Some(i32::try_from(number).map_or(Integer::Long(number), Integer::Int));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(i32::try_from(number).map_or(Integer::Long(number), Integer::Int));
    }
    Some(Integer::Big(signed(negative, text, digits.trim_start_matches('0'))))
}

/// Reads what `Double.parseDouble` reads, but for hexadecimal numbers.
pub fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|letter| letter <= ' ');
    let (negative, size) = split_sign(text);
    let sign = if negative { -1.0 } else { 1.0 };
    match size {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let size = size.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(size);
    // Rust's own reader takes more words than Java's ("inf"), so what begins like a number is all that it is shown.
    if !size.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    Some(sign * size.parse::<f64>().ok().filter(|_| !size.starts_with(['+', '-']))?)
}

/// Reads a `BigDecimal` and gives what its `toString` prints; `None` where Java throws.
pub fn parse_decimal(text: &str) -> Option<Cow<'_, str>> {
    let (negative, size) = split_sign(text);
    let (mantissa, exponent) = match size.find(['e', 'E']) {
        Some(at) => (&size[..at], parse_exponent(&size[at + 1..])?),
        None => (size, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    // Java's exponent is an `int`, and so is the scale.
    let scale = i32::try_from(i64::try_from(fraction.len()).ok()? - i64::from(exponent)).ok()?;
    let is_canonical = exponent == 0
        && !size.contains(['e', 'E'])
        && !text.starts_with('+')
        && (whole == "0" || !whole.is_empty() && !whole.starts_with('0'))
        && !(mantissa.ends_with('.') || whole == "0" && (negative || fraction.starts_with("00000")));
    if is_canonical {
        return Some(Cow::Borrowed(text));
    }
    let digits = [whole, fraction].concat();
    let digits = match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    Some(Cow::Owned(print_decimal(negative && digits != "0", digits, scale)))
}

/// Prints as `Double.toString` does: `10.0`, `1.0E7`, `1.0E-4`, `NaN`.
///
/// The digits are the fewest that read back as the same number, which is what Java promises and keeps since version 19;
/// older ones print a digit more for a few numbers.
pub fn write_double(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    let size = number.abs();
    if size.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if size == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    // Whole numbers are most of what a body holds, and cost a fifth of the way below.
    if size < 1e7 && size.fract() == 0.0 {
        write_integer(size as i64, out);
        return out.extend_from_slice(b".0");
    }
    let mut buffer = [0; 32];
    let mut rest = &mut buffer[..];
    // 17 digits, a point, and an exponent of 5 letters fit.
    let _ = write!(rest, "{size:e}");
    let left = rest.len();
    let text = &buffer[..buffer.len() - left];
    let at = memchr::memchr(b'e', text).unwrap_or(text.len());
    let (mantissa, exponent) = (&text[..at], text.get(at + 1..).unwrap_or_default());
    let exponent: i32 = std::str::from_utf8(exponent).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (first, others) = mantissa.split_at(1);
    let others = others.get(1..).unwrap_or_default();
    match exponent {
        -3..=-1 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-1 - exponent) as usize, b'0');
            out.extend_from_slice(first);
            out.extend_from_slice(others);
        }
        0..=6 => {
            let whole = exponent as usize;
            out.extend_from_slice(first);
            if others.len() <= whole {
                out.extend_from_slice(others);
                out.resize(out.len() + whole - others.len(), b'0');
                out.extend_from_slice(b".0");
            } else {
                out.extend_from_slice(&others[..whole]);
                out.push(b'.');
                out.extend_from_slice(&others[whole..]);
            }
        }
        _ => {
            out.extend_from_slice(first);
            out.push(b'.');
            out.extend_from_slice(if others.is_empty() { b"0" } else { others });
            let _ = write!(out, "E{exponent}");
        }
    }
}

/// Prints a number of any kind; `false`, and nothing printed, where the value is none.
pub fn write_number(value: Value<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Int(number) => write_integer(i64::from(number), out),
        Value::Long(number) => write_integer(number, out),
        Value::Double(number) => write_double(number, out),
        Value::Big(text) | Value::Decimal(text) => out.extend_from_slice(text.as_bytes()),
        _ => return false,
    }
    true
}

/// By hand, for `write!` takes three times as long and bodies are full of small numbers.
fn write_integer(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let mut digits = [0; 20];
    let mut size = number.unsigned_abs();
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (size % 10) as u8;
        size /= 10;
        start -= 1;
        if size == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// `digits`, the end of `text`, with its sign: a part of `text` where the sign stands before it there.
fn signed<'t>(negative: bool, text: &'t str, digits: &'t str) -> Cow<'t, str> {
    if !negative {
        Cow::Borrowed(digits)
    } else if digits.len() + 1 == text.len() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(["-", digits].concat())
    }
}

fn parse_exponent(text: &str) -> Option<i32> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.len() > 10 {
        return None;
    }
    let size = digits.bytes().fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    i32::try_from(if negative { -size } else { size }).ok()
}

/// `BigDecimal.toString`: digits, with the point `scale` places from their end.
fn print_decimal(negative: bool, digits: &str, scale: i32) -> String {
    let mut out = String::with_capacity(digits.len() + 16);
    if negative {
        out.push('-');
    }
    let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let scale = i64::from(scale);
    let adjusted = length - 1 - scale;
    if scale >= 0 && adjusted >= -6 {
        let whole = length - scale;
        if whole > 0 {
            let (whole, fraction) = digits.split_at(whole as usize);
            out.push_str(whole);
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
        } else {
            out.push_str("0.");
            // At most five, for what is smaller is printed with an exponent.
            out.extend(std::iter::repeat_n('0', -whole as usize));
            out.push_str(digits);
        }
        return out;
    }
    let (first, others) = digits.split_at(1);
    out.push_str(first);
    if !others.is_empty() {
        out.push('.');
        out.push_str(others);
    }
    if adjusted != 0 {
        out.push_str(&format!("E{adjusted:+}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn double(number: f64, printed: &str) {
        let mut out = Vec::new();
        write_double(number, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), printed);
        if !number.is_nan() {
            assert_eq!(parse_double(printed), Some(number));
        }
    }

    #[track_caller]
    fn decimal(text: &str, printed: Option<&str>) {
        assert_eq!(parse_decimal(text).as_deref(), printed, "{text}");
    }

    #[track_caller]
    fn integer(text: &str, expected: Option<Integer<'_>>) {
        assert_eq!(parse_integer(text), expected, "{text}");
    }

    #[test]
    fn doubles_print_as_in_java() {
        double(10.0, "10.0");
        double(1e7, "1.0E7");
        double(9_999_999.0, "9999999.0");
        double(9_999_999.5, "9999999.5");
        double(12_345_678.9, "1.23456789E7");
        double(0.001, "0.001");
        double(0.000_1, "1.0E-4");
        double(0.012_5, "0.0125");
        double(0.1 + 0.2, "0.30000000000000004");
        double(123.456, "123.456");
        double(-0.0, "-0.0");
        double(-7.25, "-7.25");
        double(1e21, "1.0E21");
        double(f64::MAX, "1.7976931348623157E308");
        double(5e-324, "5.0E-324");
        double(f64::NAN, "NaN");
        double(f64::NEG_INFINITY, "-Infinity");
    }

    #[test]
    fn doubles_are_read_as_in_java() {
        for (text, number) in [("1.", 1.0), ("-.5", -0.5), (" 1e3\n", 1000.0), ("+2.5d", 2.5), ("1e400", f64::INFINITY)]
        {
            assert_eq!(parse_double(text), Some(number), "{text}");
        }
        for text in ["", "-", ".", "1e", "1e+", "e5", "inf", "nan", "infinity", "--1", "+-1", "1 2", "0x1p3"] {
            assert_eq!(parse_double(text), None, "{text}");
        }
    }

    #[test]
    fn integers_are_as_large_as_they_must_be() {
        integer("0", Some(Integer::Int(0)));
        integer("-0", Some(Integer::Int(0)));
        integer("007", Some(Integer::Int(7)));
        integer("2147483647", Some(Integer::Int(i32::MAX)));
        integer("2147483648", Some(Integer::Long(2_147_483_648)));
        integer("-2147483648", Some(Integer::Int(i32::MIN)));
        integer("-9223372036854775808", Some(Integer::Long(i64::MIN)));
        integer("9223372036854775808", Some(Integer::Big("9223372036854775808".into())));
        integer("-0009223372036854775809", Some(Integer::Big("-9223372036854775809".into())));
        integer("-", None);
        integer("1.5", None);
    }

    #[test]
    fn whole_numbers_print() {
        for number in [0, 7, -7, 10, 99_999, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            assert!(write_number(Value::Long(number), &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn decimals_print_as_in_java() {
        decimal("1.0000000000000000000", Some("1.0000000000000000000"));
        decimal("00001.50", Some("1.50"));
        decimal("1.23456789012345678901e5", Some("123456.789012345678901"));
        decimal("1e20", Some("1E+20"));
        decimal("12.5e-9", Some("1.25E-8"));
        decimal("0.0000001", Some("1E-7"));
        decimal("0.000001", Some("0.000001"));
        decimal("-0.00", Some("0.00"));
        decimal("-0.0000000000000000000", Some("0E-19"));
        decimal(".5", Some("0.5"));
        decimal("5.", Some("5"));
        decimal("1e2147483647", Some("1E+2147483647"));
        decimal("1e2147483649", None);
        decimal("1.5e2147483648", None);
        decimal("1e-2147483648", None);
        decimal("1e-00000000000000000007", Some("1E-7"));
        decimal(".", None);
        decimal("1e", None);
    }
}
