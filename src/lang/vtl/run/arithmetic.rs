//! `+ - * / %` on Java's numbers, by Velocity's rules: integers keep the larger operand's type and widen where they
//! would overflow; a double makes doubles; beyond a long it is big numbers (rest/08 section 8.5).

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use crate::lang::java_number::parse_decimal;
use crate::lang::value::Value;
use crate::lang::vtl::program::Operator;
use crate::lang::vtl::run::compare::long_of;
use crate::lang::vtl::run::{Run, Runner};
use crate::settings::limits::VTL_NUMBER_DIGITS_MAX;

/// A `BigDecimal`: `unscaled * 10^-scale`.
struct Decimal {
    unscaled: BigInt,
    scale: i64,
}

impl<'a> Runner<'_, 'a> {
    /// Null where an operand is no number or where something is divided by zero.
    pub(super) fn calculate(&mut self, operator: Operator, left: Value<'a>, right: Value<'a>) -> Run<Value<'a>> {
        match (left, right) {
            (Value::Int(_) | Value::Long(_), Value::Int(_) | Value::Long(_)) => {
                let long = matches!(left, Value::Long(_)) || matches!(right, Value::Long(_));
                let (Some(left), Some(right)) = (long_of(left), long_of(right)) else { return Ok(Value::Null) };
                let result = match operator {
                    Operator::Add => left.checked_add(right),
                    Operator::Subtract => left.checked_sub(right),
                    Operator::Multiply => left.checked_mul(right),
                    _ if right == 0 => return Ok(Value::Null),
                    // Java's division of the smallest long by -1 stays the smallest long.
                    Operator::Divide => Some(left.wrapping_div(right)),
                    _ => Some(left.wrapping_rem(right)),
                };
                match result {
                    Some(number) => Ok(match i32::try_from(number) {
                        Ok(number) if !long => Value::Int(number),
                        _ => Value::Long(number),
                    }),
                    None => self.calculate_big(operator, BigInt::from(left), BigInt::from(right)),
                }
            }
            (Value::Double(_) | Value::Int(_) | Value::Long(_), Value::Double(_) | Value::Int(_) | Value::Long(_)) => {
                let (left, right) = (double_of(left), double_of(right));
                Ok(match operator {
                    Operator::Add => Value::Double(left + right),
                    Operator::Subtract => Value::Double(left - right),
                    Operator::Multiply => Value::Double(left * right),
                    _ if right == 0.0 => Value::Null,
                    Operator::Divide => Value::Double(left / right),
                    _ => Value::Double(left % right),
                })
            }
            _ => match (self.integer_of(left)?, self.integer_of(right)?) {
                (Some(left), Some(right)) => self.calculate_big(operator, left, right),
                _ => self.calculate_decimal(operator, left, right),
            },
        }
    }

    fn calculate_big(&mut self, operator: Operator, left: BigInt, right: BigInt) -> Run<Value<'a>> {
        let result = match operator {
            Operator::Add => left + right,
            Operator::Subtract => left - right,
            Operator::Multiply => left * right,
            _ if right.sign() == Sign::NoSign => return Ok(Value::Null),
            Operator::Divide => left / right,
            _ => left % right,
        };
        Ok(Value::Big(self.number_text(&result)?))
    }

    fn calculate_decimal(&mut self, operator: Operator, left: Value<'a>, right: Value<'a>) -> Run<Value<'a>> {
        let (Some(left), Some(right)) = (self.decimal_of(left)?, self.decimal_of(right)?) else {
            return Ok(Value::Null);
        };
        let result = match operator {
            Operator::Add | Operator::Subtract => {
                let (left, right, scale) = self.aligned(left, right)?;
                let unscaled = if operator == Operator::Add { left + right } else { left - right };
                Decimal { unscaled, scale }
            }
            Operator::Multiply => Decimal { unscaled: left.unscaled * right.unscaled, scale: left.scale + right.scale },
            _ if right.unscaled.sign() == Sign::NoSign => return Ok(Value::Null),
            Operator::Divide => {
                // The quotient keeps the left operand's scale, rounded half down.
                let shift = right.scale;
                let (mut top, mut bottom) = (left.unscaled, right.unscaled);
                let power = self.power_of_ten(shift.unsigned_abs())?;
                if shift >= 0 {
                    top *= power
                } else {
                    bottom *= power
                }
                let (quotient, rest) = (&top / &bottom, &top % &bottom);
                let twice = BigInt::from(rest.magnitude().clone()) * 2;
                let away = twice > BigInt::from(bottom.magnitude().clone());
                let step = if (top.sign() == Sign::Minus) == (bottom.sign() == Sign::Minus) { 1 } else { -1 };
                Decimal { unscaled: if away { quotient + step } else { quotient }, scale: left.scale }
            }
            _ => return Err(self.fail("the remainder of a BigDecimal cannot be calculated".into())),
        };
        let digits = self.number_text(&result.unscaled)?;
        let written = format!("{digits}E{}", -result.scale);
        match parse_decimal(&written) {
            Some(text) => Ok(Value::Decimal(self.keep(&text)?)),
            None => Err(self.fail("the result is beyond a BigDecimal".into())),
        }
    }

    pub(super) fn order_of_large(&mut self, left: Value<'a>, right: Value<'a>) -> Run<Option<Ordering>> {
        let is_float = |value| matches!(value, Value::Double(_));
        let is_small = |value| matches!(value, Value::Int(_) | Value::Long(_) | Value::Double(_));
        if (is_float(left) || is_float(right)) && is_small(left) && is_small(right) {
            return Ok(double_of(left).partial_cmp(&double_of(right)));
        }
        if let (Some(left), Some(right)) = (self.integer_of(left)?, self.integer_of(right)?) {
            return Ok(Some(left.cmp(&right)));
        }
        let (Some(left), Some(right)) = (self.decimal_of(left)?, self.decimal_of(right)?) else { return Ok(None) };
        let (left, right, _) = self.aligned(left, right)?;
        Ok(Some(left.cmp(&right)))
    }

    /// Digits as a number; `None` where they are none.
    pub(in crate::lang::vtl) fn integer(&mut self, digits: &str) -> Run<Option<BigInt>> {
        self.calculable(digits.len())?;
        Ok(digits.parse().ok())
    }

    /// `None` where it is no integer.
    fn integer_of(&mut self, value: Value<'a>) -> Run<Option<BigInt>> {
        match value {
            Value::Int(number) => Ok(Some(number.into())),
            Value::Long(number) => Ok(Some(number.into())),
            Value::Big(digits) => self.integer(digits),
            _ => Ok(None),
        }
    }

    /// `None` where it is no finite number.
    fn decimal_of(&mut self, value: Value<'a>) -> Run<Option<Decimal>> {
        match value {
            Value::Decimal(text) => {
                self.calculable(text.len())?;
                Ok(read_decimal(text))
            }
            Value::Double(number) => Ok(exact(number)),
            integer => Ok(self.integer_of(integer)?.map(|unscaled| Decimal { unscaled, scale: 0 })),
        }
    }

    /// Both at the larger scale.
    fn aligned(&mut self, mut left: Decimal, mut right: Decimal) -> Run<(BigInt, BigInt, i64)> {
        let scale = left.scale.max(right.scale);
        left.unscaled *= self.power_of_ten((scale - left.scale).unsigned_abs())?;
        right.unscaled *= self.power_of_ten((scale - right.scale).unsigned_abs())?;
        Ok((left.unscaled, right.unscaled, scale))
    }

    fn power_of_ten(&mut self, exponent: u64) -> Run<BigInt> {
        self.calculable(usize::try_from(exponent).unwrap_or(usize::MAX))?;
        Ok(BigInt::from(10).pow(exponent as u32))
    }

    /// Numbers that are too long are not calculated with: the time grows with the square of their length.
    fn calculable(&mut self, digits: usize) -> Run<()> {
        if digits > VTL_NUMBER_DIGITS_MAX {
            return Err(self.fail(format!("a number of more than {VTL_NUMBER_DIGITS_MAX} digits")));
        }
        self.spend(1 + (digits as u64 / 16).pow(2))
    }

    fn number_text(&mut self, number: &BigInt) -> Run<&'a str> {
        // A bit is a third of a digit.
        self.calculable((number.bits() / 4) as usize)?;
        self.keep(&number.to_string())
    }
}

fn double_of(value: Value<'_>) -> f64 {
    match value {
        Value::Int(number) => number.into(),
        Value::Long(number) => number as f64,
        Value::Double(number) => number,
        _ => f64::NAN,
    }
}

/// What Java's `BigDecimal.toString` wrote.
fn read_decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['E', 'e']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let unscaled = format!("{whole}{fraction}").parse().ok()?;
    Some(Decimal { unscaled, scale: fraction.len() as i64 - exponent })
}

/// `new BigDecimal(double)`: every digit that the double has.
fn exact(number: f64) -> Option<Decimal> {
    if !number.is_finite() {
        return None;
    }
    let bits = number.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mut mantissa, mut exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    if mantissa == 0 {
        return Some(Decimal { unscaled: BigInt::default(), scale: 0 });
    }
    let zeros = mantissa.trailing_zeros();
    mantissa >>= zeros;
    exponent += i64::from(zeros);
    let mut unscaled = BigInt::from(mantissa);
    let scale = if exponent < 0 {
        // m / 2^n is m * 5^n / 10^n.
        unscaled *= BigInt::from(5).pow(exponent.unsigned_abs() as u32);
        -exponent
    } else {
        unscaled *= BigInt::from(2).pow(exponent as u32);
        0
    };
    Some(Decimal { unscaled: if number < 0.0 { -unscaled } else { unscaled }, scale })
}
