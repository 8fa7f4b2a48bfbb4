//! Java's and Velocity's equality, and the order of numbers.

use std::cmp::Ordering;

use crate::lang::value::{Key, ListKind, Map, Object, Value};
use crate::lang::vtl::run::{Run, Runner};

impl<'a> Runner<'_, 'a> {
    /// `==`: numbers by their value, objects of one class by `equals`, anything else by its text.
    pub(super) fn equals_loosely(&mut self, left: Value<'a>, right: Value<'a>) -> Run<bool> {
        if let (Value::Text(left), Value::Text(right)) = (left, right) {
            self.spend(left.len().min(right.len()) as u64 / 64)?;
            return Ok(left == right);
        }
        if is_number(left) && is_number(right) {
            return Ok(self.order(left, right)? == Some(Ordering::Equal));
        }
        match (left, right) {
            (Value::Null, Value::Null) => return Ok(true),
            (Value::Null, _) | (_, Value::Null) => return Ok(false),
            _ => {}
        }
        if of_one_class(left, right) {
            return self.equals(left, right);
        }
        if let (Value::Text(text), other) | (other, Value::Text(text)) = (left, right) {
            return self.prints_as(other, text);
        }
        let text = self.text_of(left)?;
        self.prints_as(right, text)
    }

    /// Whether a value prints so, without keeping what it prints.
    fn prints_as(&mut self, value: Value<'a>, text: &str) -> Run<bool> {
        let start = self.out.len();
        let result = self.print(value);
        let is = self.out.get(start..).is_some_and(|written| written == text.as_bytes());
        self.out.truncate(start);
        result.map(|()| is)
    }

    /// Java's `equals`.
    pub(in crate::lang::vtl) fn equals(&mut self, left: Value<'a>, right: Value<'a>) -> Run<bool> {
        self.spend(1)?;
        Ok(match (left, right) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Int(left), Value::Int(right)) => left == right,
            (Value::Long(left), Value::Long(right)) => left == right,
            (Value::Double(left), Value::Double(right)) => {
                left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
            }
            (Value::Big(left), Value::Big(right))
            | (Value::Decimal(left), Value::Decimal(right))
            | (Value::Text(left), Value::Text(right)) => {
                self.spend(left.len().min(right.len()) as u64 / 64)?;
                left == right
            }
            (Value::List(left), Value::List(right)) => {
                if std::ptr::eq(left, right) {
                    return Ok(true);
                }
                if left.kind == ListKind::Array || right.kind == ListKind::Array || left.len() != right.len() {
                    return Ok(false);
                }
                self.deeper(|runner| {
                    for index in 0..left.len() {
                        let (Some(one), Some(other)) = (left.get(index), right.get(index)) else { return Ok(false) };
                        if !runner.equals(one, other)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                })?
            }
            (Value::Map(left), Value::Map(right)) => self.equal_maps(left, right)?,
            (Value::Object(left), Value::Object(right)) => self.equal_objects(left, right)?,
            _ => false,
        })
    }

    fn equal_maps(&mut self, left: &'a Map<'a>, right: &'a Map<'a>) -> Run<bool> {
        if std::ptr::eq(left, right) {
            return Ok(true);
        }
        if left.len() != right.len() {
            return Ok(false);
        }
        self.deeper(|runner| {
            let mut position = 0;
            while let Some((behind, key, value)) = left.next_from(position) {
                position = behind;
                let Some(other) = right.get(key) else { return Ok(false) };
                if !runner.equals(value, other)? {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    fn equal_objects(&mut self, left: Object<'a>, right: Object<'a>) -> Run<bool> {
        Ok(match (left, right) {
            (Object::Char(left), Object::Char(right)) => left == right,
            (Object::Entry(left), Object::Entry(right)) => {
                let value = |entry: &(&'a Map<'a>, Key<'a>)| entry.0.get(entry.1).unwrap_or(Value::Null);
                left.1 == right.1 && self.deeper(|runner| runner.equals(value(left), value(right)))?
            }
            (Object::Keys(left), Object::Keys(right)) => {
                let mut same = left.len() == right.len();
                left.for_each(|key, _| same &= right.get(key).is_some());
                self.spend(left.len() as u64)?;
                same
            }
            (Object::Entries(left), Object::Entries(right)) => self.equal_maps(left, right)?,
            (Object::Values(left), Object::Values(right)) => std::ptr::eq(left, right),
            (Object::Iterator(left), Object::Iterator(right)) => std::ptr::eq(left, right),
            (Object::Loop(left), Object::Loop(right)) => std::ptr::eq(left, right),
            (Object::Block(left), Object::Block(right)) => left == right,
            (Object::Input, Object::Input) | (Object::Util, Object::Util) => true,
            _ => false,
        })
    }

    /// The order of two numbers; `None` where one is none, as Velocity compares nothing else.
    pub(in crate::lang::vtl) fn order(&mut self, left: Value<'a>, right: Value<'a>) -> Run<Option<Ordering>> {
        Ok(match (left, right) {
            (Value::Int(left), Value::Int(right)) => Some(left.cmp(&right)),
            (Value::Int(_) | Value::Long(_), Value::Int(_) | Value::Long(_)) => {
                long_of(left).zip(long_of(right)).map(|(left, right)| left.cmp(&right))
            }
            _ if is_number(left) && is_number(right) => self.order_of_large(left, right)?,
            _ => None,
        })
    }
}

fn of_one_kind<'a>(left: &Object<'a>, right: &Object<'a>) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

pub(in crate::lang::vtl) fn is_number(value: Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_))
}

pub(super) fn long_of(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number.into()),
        Value::Long(number) => Some(number),
        _ => None,
    }
}

fn of_one_class<'a>(left: Value<'a>, right: Value<'a>) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => (left.kind == ListKind::Array) == (right.kind == ListKind::Array),
        (Value::Object(left), Value::Object(right)) => of_one_kind(&left, &right),
        (Value::Bool(_), Value::Bool(_)) | (Value::Map(_), Value::Map(_)) => true,
        _ => false,
    }
}
