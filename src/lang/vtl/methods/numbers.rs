//! Methods of numbers and Booleans, and the static ones that Java finds through an instance: `$i.parseInt("12")`.

use std::cmp::Ordering;

use crate::lang::java_number::{Integer, parse_double, parse_integer};
use crate::lang::value::Value;
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::hash::hash_code;
use crate::lang::vtl::run::Run;

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn on_scalar(&mut self, value: Value<'a>) -> Run<Value<'a>> {
        // Texts that are read as numbers, and numbers of any length: a nanosecond or two a character.
        let given = self.arguments.iter().chain([&value]).map(|value| match value {
            Value::Text(text) | Value::Big(text) | Value::Decimal(text) => text.len(),
            _ => 0,
        });
        self.runner.spend(given.sum::<usize>() as u64 / 16)?;
        Ok(match (self.method, self.arguments) {
            (Method::ToString, []) => Value::Text(self.runner.text_of(value)?),
            (Method::Equals, [other]) => Value::Bool(self.runner.equals(value, *other)?),
            (Method::HashCode, []) => Value::Int(hash_code(self.runner, value)?),
            (Method::CompareTo, [other]) => self.compared(value, *other)?,
            _ => match value {
                Value::Bool(flag) => self.on_bool(flag),
                Value::Int(_) | Value::Long(_) | Value::Double(_) => match self.convert(value) {
                    Value::Null => self.on_class_of(value)?,
                    converted => converted,
                },
                _ => self.convert_large(value)?,
            },
        })
    }

    fn on_bool(&mut self, flag: bool) -> Value<'a> {
        match (self.method, self.arguments) {
            (Method::BooleanValue, []) => Value::Bool(flag),
            (Method::ParseBoolean | Method::ValueOf, [Value::Text(text)]) => {
                Value::Bool(text.eq_ignore_ascii_case("true"))
            }
            (Method::ValueOf, [Value::Bool(other)]) => Value::Bool(*other),
            _ => Value::Null,
        }
    }

    /// `intValue()` and its kin, with Java's narrowing.
    fn convert(&mut self, value: Value<'a>) -> Value<'a> {
        if !self.arguments.is_empty() {
            return Value::Null;
        }
        let (int, long, double) = match value {
            Value::Int(number) => (number, number.into(), f64::from(number)),
            Value::Long(number) => (number as i32, number, number as f64),
            Value::Double(number) => (number as i32, number as i64, number),
            _ => return Value::Null,
        };
        match self.method {
            Method::IntValue => Value::Int(int),
            Method::LongValue => Value::Long(long),
            Method::DoubleValue => Value::Double(double),
            // A float prints its own shortest digits.
            Method::FloatValue => Value::Double((double as f32).to_string().parse().unwrap_or(double)),
            Method::ShortValue => Value::Int((int as i16).into()),
            Method::ByteValue => Value::Int((int as i8).into()),
            Method::IsNaN if matches!(value, Value::Double(_)) => Value::Bool(double.is_nan()),
            Method::IsInfinite if matches!(value, Value::Double(_)) => Value::Bool(double.is_infinite()),
            _ => Value::Null,
        }
    }

    fn convert_large(&mut self, value: Value<'a>) -> Run<Value<'a>> {
        let (Value::Big(text) | Value::Decimal(text)) = value else { return Ok(Value::Null) };
        let long = |runner: &mut crate::lang::vtl::run::Runner<'_, 'a>| -> Run<i64> {
            let digits = text.split(['.', 'E', 'e']).next().unwrap_or_default();
            let number = runner.integer(digits)?.unwrap_or_default();
            let low = number.magnitude().iter_u64_digits().next().unwrap_or_default() as i64;
            Ok(if number.sign() == num_bigint::Sign::Minus { low.wrapping_neg() } else { low })
        };
        Ok(match (self.method, self.arguments) {
            (Method::DoubleValue | Method::FloatValue, []) => Value::Double(text.parse().unwrap_or(f64::NAN)),
            (Method::LongValue, []) => Value::Long(long(self.runner)?),
            (Method::IntValue, []) => Value::Int(long(self.runner)? as i32),
            _ => Value::Null,
        })
    }

    /// Static methods of `Integer`, `Long` and `Double`.
    fn on_class_of(&mut self, value: Value<'a>) -> Run<Value<'a>> {
        Ok(match (value, self.method, self.arguments) {
            (Value::Int(_), Method::ParseInt | Method::ValueOf, [Value::Text(text)]) => match parse_integer(text) {
                Some(Integer::Int(number)) => Value::Int(number),
                _ => return Err(self.no_number(text)),
            },
            (Value::Int(_), Method::ParseInt | Method::ValueOf, [Value::Text(text), Value::Int(radix)]) => {
                match u32::try_from(*radix).ok().filter(|radix| (2..=36).contains(radix)) {
                    Some(radix) => match i32::from_str_radix(text, radix) {
                        Ok(number) => Value::Int(number),
                        Err(_) => return Err(self.no_number(text)),
                    },
                    None => return Err(self.runner.fail(format!("radix {radix} is not between 2 and 36"))),
                }
            }
            (Value::Int(_), Method::ValueOf, [Value::Int(number)]) => Value::Int(*number),
            (Value::Int(_), Method::ToString, [Value::Int(number)]) => {
                Value::Text(self.runner.text_of(Value::Int(*number))?)
            }
            (Value::Int(_), Method::ToHexString, [Value::Int(number)]) => {
                Value::Text(self.runner.keep(&format!("{number:x}"))?)
            }
            (Value::Int(_), Method::ToBinaryString, [Value::Int(number)]) => {
                Value::Text(self.runner.keep(&format!("{number:b}"))?)
            }
            (Value::Int(_), Method::Max, [Value::Int(one), Value::Int(other)]) => Value::Int(*one.max(other)),
            (Value::Int(_), Method::Min, [Value::Int(one), Value::Int(other)]) => Value::Int(*one.min(other)),
            (Value::Int(_), Method::Sum, [Value::Int(one), Value::Int(other)]) => Value::Int(one.wrapping_add(*other)),
            (Value::Int(_), Method::Compare, [Value::Int(one), Value::Int(other)]) => ordering(one.cmp(other)),
            (Value::Long(_), Method::ParseLong | Method::ValueOf, [Value::Text(text)]) => match parse_integer(text) {
                Some(Integer::Int(number)) => Value::Long(number.into()),
                Some(Integer::Long(number)) => Value::Long(number),
                _ => return Err(self.no_number(text)),
            },
            (Value::Long(_), Method::ValueOf, [Value::Int(number)]) => Value::Long((*number).into()),
            (Value::Long(_), Method::ValueOf, [Value::Long(number)]) => Value::Long(*number),
            (Value::Double(_), Method::ParseDouble | Method::ValueOf, [Value::Text(text)]) => {
                match parse_double(text) {
                    Some(number) => Value::Double(number),
                    None => return Err(self.no_number(text)),
                }
            }
            (Value::Double(_), Method::ValueOf, [Value::Double(number)]) => Value::Double(*number),
            (Value::Double(_), Method::ValueOf, [Value::Int(number)]) => Value::Double((*number).into()),
            _ => Value::Null,
        })
    }

    /// Only numbers of one class can be compared.
    fn compared(&mut self, value: Value<'a>, other: Value<'a>) -> Run<Value<'a>> {
        Ok(match (value, other) {
            (Value::Int(one), Value::Int(other)) => ordering(one.cmp(&other)),
            (Value::Long(one), Value::Long(other)) => ordering(one.cmp(&other)),
            (Value::Double(one), Value::Double(other)) => ordering(one.total_cmp(&other)),
            (Value::Bool(one), Value::Bool(other)) => ordering(one.cmp(&other)),
            (Value::Big(_), Value::Big(_)) | (Value::Decimal(_), Value::Decimal(_)) => {
                self.runner.order(value, other)?.map_or(Value::Null, ordering)
            }
            // Java's cast fails.
            _ => return Err(self.runner.fail("compareTo takes a value of its own class".into())),
        })
    }

    fn no_number(&self, text: &str) -> crate::lang::vtl::run::Halt {
        let shown: String = text.chars().take(40).collect();
        self.runner.fail(format!("\"{shown}\" is not a number of this type"))
    }
}

fn ordering<'a>(ordering: Ordering) -> Value<'a> {
    Value::Int(ordering as i32)
}
