//! Java's `hashCode`.

use num_bigint::{BigInt, Sign};

use crate::lang::value::{Key, ListKind, Object, Value};
use crate::lang::vtl::run::{Run, Runner};

pub(super) fn hash_code<'a>(runner: &mut Runner<'_, 'a>, value: Value<'a>) -> Run<i32> {
    runner.spend(1)?;
    Ok(match value {
        Value::Null => 0,
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Int(number) => number,
        Value::Long(number) => (number ^ (number as u64 >> 32) as i64) as i32,
        Value::Double(number) => {
            let bits = if number.is_nan() { 0x7ff8_0000_0000_0000 } else { number.to_bits() };
            (bits ^ (bits >> 32)) as i32
        }
        Value::Big(digits) => match runner.integer(digits)? {
            Some(number) => hash_of_big(&number),
            None => 0,
        },
        Value::Decimal(text) | Value::Text(text) => of_text(runner, text)?,
        Value::List(list) if list.kind == ListKind::Array => 0,
        Value::List(list) => runner.deeper(|runner| {
            let mut hash = 1i32;
            let mut index = 0;
            while let Some(item) = list.get(index) {
                hash = hash.wrapping_mul(31).wrapping_add(hash_code(runner, item)?);
                index += 1;
            }
            Ok(hash)
        })?,
        Value::Map(map) | Value::Object(Object::Entries(map)) => runner.deeper(|runner| {
            let (mut hash, mut position) = (0i32, 0);
            while let Some((behind, key, value)) = map.next_from(position) {
                position = behind;
                hash = hash.wrapping_add(hash_of_key(runner, key)? ^ hash_code(runner, value)?);
            }
            Ok(hash)
        })?,
        Value::Object(Object::Keys(map)) => {
            let (mut hash, mut position) = (0i32, 0);
            while let Some((behind, key, _)) = map.next_from(position) {
                position = behind;
                hash = hash.wrapping_add(hash_of_key(runner, key)?);
            }
            hash
        }
        Value::Object(Object::Char(unit)) => unit.into(),
        Value::Object(Object::Entry((map, key))) => {
            let value = map.get(*key).unwrap_or(Value::Null);
            hash_of_key(runner, *key)? ^ runner.deeper(|runner| hash_code(runner, value))?
        }
        // An address in Java: no two runs agree.
        Value::Object(_) => 0,
    })
}

fn of_text(runner: &Runner<'_, '_>, text: &str) -> Run<i32> {
    runner.spend(text.len() as u64 / 16)?;
    Ok(text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into())))
}

fn hash_of_key(runner: &Runner<'_, '_>, key: Key<'_>) -> Run<i32> {
    runner.spend(1)?;
    Ok(match key {
        Key::Text(text) => of_text(runner, text)?,
        Key::Int(number) => match i32::try_from(number) {
            Ok(number) => number,
            Err(_) => (number ^ (number as u64 >> 32) as i64) as i32,
        },
        Key::Bool(flag) => {
            if flag {
                1231
            } else {
                1237
            }
        }
        Key::Null => 0,
    })
}

/// `BigInteger.hashCode`: over its digits to the base of 2^32, the largest first.
fn hash_of_big(number: &BigInt) -> i32 {
    let (sign, digits) = number.to_u32_digits();
    let hash = digits.iter().rev().fold(0i32, |hash, digit| hash.wrapping_mul(31).wrapping_add(*digit as i32));
    if sign == Sign::Minus { hash.wrapping_neg() } else { hash }
}
