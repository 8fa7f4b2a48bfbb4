//! `String.format`: the conversions that templates use (`%s %d %x %o %c %b %f %e %n %%`), with their flags.

use crate::lang::value::{Object, Value};
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::units;
use crate::lang::vtl::run::{Halt, Run};

/// `%[flags][width][.precision]conversion`
#[derive(Default)]
struct Spec {
    left: bool,
    zeros: bool,
    plus: bool,
    blank: bool,
    grouped: bool,
    parentheses: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Digits that a number is padded to: no format that is meant needs more.
const WIDTH_MAX: usize = 10_000;

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn format(&mut self, format: &str, arguments: &[Value<'a>]) -> Run<Value<'a>> {
        let mut text = String::new();
        let mut next = 0;
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            text.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            // `%2$s` names its argument.
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let mut explicit = None;
            if digits > 0 && rest.as_bytes().get(digits) == Some(&b'$') {
                explicit = rest.get(..digits).and_then(|digits| digits.parse::<usize>().ok());
                rest = rest.get(digits + 1..).unwrap_or_default();
            }
            let (spec, behind) = self.spec(rest)?;
            let Some(conversion) = behind.chars().next() else { return Err(self.bad(format)) };
            rest = behind.get(conversion.len_utf8()..).unwrap_or_default();
            let formatted = match conversion {
                'n' => "\n".to_owned(),
                '%' => pad("%".to_owned(), &spec),
                _ => {
                    let index = match explicit {
                        Some(number) => number.saturating_sub(1),
                        None => {
                            next += 1;
                            next - 1
                        }
                    };
                    let Some(value) = arguments.get(index) else {
                        return Err(self.runner.fail(format!("format: nothing for %{conversion}")));
                    };
                    self.convert_one(conversion, *value, &spec)?
                }
            };
            self.runner.arena_room(text.len() + formatted.len())?;
            text.push_str(&formatted);
        }
        text.push_str(rest);
        Ok(Value::Text(self.runner.keep(&text)?))
    }

    fn spec<'f>(&self, mut rest: &'f str) -> Run<(Spec, &'f str)> {
        let mut spec = Spec::default();
        loop {
            match rest.as_bytes().first() {
                Some(b'-') => spec.left = true,
                Some(b'0') => spec.zeros = true,
                Some(b'+') => spec.plus = true,
                Some(b' ') => spec.blank = true,
                Some(b',') => spec.grouped = true,
                Some(b'(') => spec.parentheses = true,
                Some(b'#') => spec.alternate = true,
                _ => break,
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        let number = |rest: &mut &'f str| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number = rest.get(..digits).unwrap_or_default().parse::<usize>();
            *rest = rest.get(digits..).unwrap_or_default();
            if digits > 0 { Some(number.unwrap_or(usize::MAX)) } else { None }
        };
        spec.width = number(&mut rest).unwrap_or(0);
        if let Some(behind) = rest.strip_prefix('.') {
            rest = behind;
            spec.precision = number(&mut rest);
            if spec.precision.is_none() {
                return Err(self.bad(rest));
            }
        }
        if spec.width > WIDTH_MAX || spec.precision.is_some_and(|precision| precision > WIDTH_MAX) {
            return Err(self.runner.fail(format!("format: wider than {WIDTH_MAX}")));
        }
        Ok((spec, rest))
    }

    fn convert_one(&mut self, conversion: char, value: Value<'a>, spec: &Spec) -> Run<String> {
        if let Value::Big(digits) | Value::Decimal(digits) = value {
            self.runner.spend(digits.len() as u64 / 8)?;
        }
        let text = match (conversion.to_ascii_lowercase(), value) {
            ('s', value) => {
                let text = if value.is_null() { "null" } else { self.runner.text_of(value)? };
                pad(cut(text, spec.precision), spec)
            }
            ('b', value) => {
                let flag = !matches!(value, Value::Null | Value::Bool(false));
                pad(cut(if flag { "true" } else { "false" }, spec.precision), spec)
            }
            ('c', Value::Object(Object::Char(unit))) => pad(String::from_utf16_lossy(&[unit]), spec),
            ('c', Value::Int(code)) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => pad(character.to_string(), spec),
                None => return Err(self.mismatch(conversion)),
            },
            ('d', Value::Int(_) | Value::Long(_) | Value::Big(_)) if conversion == 'd' => {
                let text = self.runner.text_of(value)?;
                signed(text.trim_start_matches('-').to_owned(), text.starts_with('-'), spec)
            }
            ('x', Value::Int(number)) => signed(format!("{number:x}"), false, spec),
            ('x', Value::Long(number)) => signed(format!("{number:x}"), false, spec),
            ('o', Value::Int(number)) => signed(format!("{number:o}"), false, spec),
            ('o', Value::Long(number)) => signed(format!("{number:o}"), false, spec),
            ('f', Value::Double(number)) if conversion == 'f' => match number.is_finite() {
                true => signed(fixed(number.abs(), spec.precision.unwrap_or(6)), number.is_sign_negative(), spec),
                false => pad(
                    if number.is_nan() {
                        "NaN"
                    } else if number > 0.0 {
                        "Infinity"
                    } else {
                        "-Infinity"
                    }
                    .into(),
                    spec,
                ),
            },
            ('f', Value::Decimal(text)) if conversion == 'f' && !text.contains(['E', 'e']) => {
                let digits = text.trim_start_matches('-');
                signed(rounded(digits, spec.precision.unwrap_or(6)), text.starts_with('-'), spec)
            }
            ('e', Value::Double(number)) if number.is_finite() => {
                signed(scientific(number.abs(), spec.precision.unwrap_or(6)), number.is_sign_negative(), spec)
            }
            ('h', value) => pad(format!("{:x}", crate::lang::vtl::methods::hash::hash_code(self.runner, value)?), spec),
            _ => return Err(self.mismatch(conversion)),
        };
        Ok(if conversion.is_ascii_uppercase() { text.to_uppercase() } else { text })
    }

    fn mismatch(&self, conversion: char) -> Halt {
        self.runner.fail(format!("format: %{conversion} does not take this value"))
    }

    fn bad(&self, format: &str) -> Halt {
        let shown: String = format.chars().take(40).collect();
        self.runner.fail(format!("format: \"%{shown}\" is no conversion"))
    }
}

/// The first so many characters.
fn cut(text: &str, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

fn pad(text: String, spec: &Spec) -> String {
    let missing = spec.width.saturating_sub(units::length(&text));
    match spec.left {
        true => text + &" ".repeat(missing),
        false => " ".repeat(missing) + &text,
    }
}

/// A number's digits with its sign, groups and leading zeros.
fn signed(digits: String, negative: bool, spec: &Spec) -> String {
    let digits = if spec.grouped { group(&digits) } else { digits };
    let (before, behind) = match negative {
        true if spec.parentheses => ("(", ")"),
        true => ("-", ""),
        false if spec.plus => ("+", ""),
        false if spec.blank => (" ", ""),
        false => ("", ""),
    };
    let length = before.len() + digits.len() + behind.len();
    if spec.zeros && !spec.left {
        let zeros = "0".repeat(spec.width.saturating_sub(length));
        return format!("{before}{zeros}{digits}{behind}");
    }
    pad(format!("{before}{digits}{behind}"), spec)
}

fn group(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Java rounds the shortest digits that make the double, half up: 1.005 with two places is 1.01.
fn fixed(number: f64, places: usize) -> String {
    rounded(&format!("{number}"), places)
}

/// Plain decimal digits, rounded half up to so many places.
fn rounded(digits: &str, places: usize) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() <= places {
        let zeros = "0".repeat(places - fraction.len());
        return if places == 0 { whole.to_owned() } else { format!("{whole}.{fraction}{zeros}") };
    }
    let up = fraction.as_bytes().get(places).is_some_and(|digit| *digit >= b'5');
    let mut kept: Vec<u8> = whole.bytes().chain(fraction.bytes().take(places)).collect();
    let mut carry = up;
    for digit in kept.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == b'9';
        *digit = if carry { b'0' } else { *digit + 1 };
    }
    if carry {
        kept.insert(0, b'1');
    }
    let mut text: String = kept.iter().map(|&digit| digit as char).collect();
    if places > 0 {
        text.insert(text.len() - places, '.');
    }
    text
}

/// `1.234560e+01`
fn scientific(number: f64, places: usize) -> String {
    let shortest = format!("{number:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let mut exponent: i32 = exponent.parse().unwrap_or_default();
    let mut mantissa = rounded(mantissa, places);
    if mantissa.starts_with("10") {
        exponent += 1;
        mantissa = rounded("1", places);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
