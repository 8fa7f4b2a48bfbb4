//! What a filter's comparison says of two values.
//!
//! As in every version of the library, a number equals a text that reads as the same number, and a text equals a number
//! that prints as it. Everything else of two types is unequal and neither less nor greater.

use std::cmp::Ordering;

use bumpalo::Bump;

use super::query::Comparison;
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::java_number;
use crate::lang::value::{List, Value};
use crate::settings::limits::JSON_DEPTH_MAX;

pub(super) fn holds(
    left: Value<'_>,
    comparison: Comparison,
    right: Value<'_>,
    budget: &Budget,
) -> Result<bool, Exhausted> {
    let ordered = |wanted: fn(Ordering) -> bool| Ok(order(left, right, budget)?.is_some_and(wanted));
    Ok(match comparison {
        Comparison::Equal => equal(left, right, budget, 0)?,
        Comparison::NotEqual => !equal(left, right, budget, 0)?,
        Comparison::Same => is_text(left) == is_text(right) && equal(left, right, budget, 0)?,
        Comparison::NotSame => is_text(left) != is_text(right) || !equal(left, right, budget, 0)?,
        Comparison::Less => ordered(Ordering::is_lt)?,
        Comparison::LessOrEqual => ordered(Ordering::is_le)?,
        Comparison::Greater => ordered(Ordering::is_gt)?,
        Comparison::GreaterOrEqual => ordered(Ordering::is_ge)?,
        Comparison::In => right.as_list().map_or(Ok(false), |list| has(list, left, budget))?,
        Comparison::NotIn => right.as_list().map_or(Ok(false), |list| Ok(!has(list, left, budget)?))?,
        Comparison::Contains => match (left, right) {
            (Value::List(list), value) => has(list, value, budget)?,
            (Value::Text(text), Value::Text(part)) => {
                budget.spend(text.len() as u64 / 16)?;
                text.contains(part)
            }
            _ => false,
        },
        Comparison::All => count_in(right, left, budget)?.is_some_and(|(found, all)| found == all),
        Comparison::SubsetOf => count_in(left, right, budget)?.is_some_and(|(found, all)| found == all),
        Comparison::AnyOf => count_in(left, right, budget)?.is_some_and(|(found, _)| found > 0),
        Comparison::NoneOf => count_in(left, right, budget)?.is_some_and(|(found, _)| found == 0),
        Comparison::Size => {
            budget.spend(reading(left) + reading(right))?;
            match (size(left), number(right)) {
                (Some(size), Some(expected)) => size as f64 == expected,
                _ => false,
            }
        }
        Comparison::Empty => {
            budget.spend(reading(left))?;
            match (size(left), right) {
                (Some(size), Value::Bool(expected)) => (size == 0) == expected,
                _ => false,
            }
        }
        // Decided where it is known what is there.
        Comparison::IsThere => false,
    })
}

/// Steps of reading a text or the digits of a number, which may be as long as the body: a nanosecond or two a byte.
pub(super) fn reading(value: Value<'_>) -> u64 {
    match value {
        Value::Text(text) | Value::Big(text) | Value::Decimal(text) => text.len() as u64 / 16,
        _ => 0,
    }
}

/// The nearest double of a number.
pub(super) fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(f64::from(number)),
        Value::Long(number) => Some(number as f64),
        Value::Double(number) => Some(number),
        Value::Big(text) | Value::Decimal(text) => text.parse().ok(),
        _ => None,
    }
}

/// What a pattern is held against.
pub(super) fn text<'a>(value: Value<'a>, arena: &'a Bump) -> Option<&'a str> {
    if let Value::Text(text) = value {
        return Some(text);
    }
    let mut printed = Vec::new();
    if !java_number::write_number(value, &mut printed) {
        return None;
    }
    std::str::from_utf8(arena.alloc_slice_copy(&printed)).ok()
}

fn equal(left: Value<'_>, right: Value<'_>, budget: &Budget, depth: usize) -> Result<bool, Exhausted> {
    budget.spend(1)?;
    if depth > JSON_DEPTH_MAX {
        return Err(Exhausted::Depth);
    }
    match (left, right) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => {
            budget.spend(left.len() as u64 / 64)?;
            Ok(left == right)
        }
        (Value::Big(left), Value::Big(right)) => {
            budget.spend(left.len() as u64 / 64)?;
            Ok(left == right)
        }
        (Value::Text(left), right) => {
            budget.spend(reading(right))?;
            let mut printed = Vec::new();
            Ok(java_number::write_number(right, &mut printed) && left.as_bytes() == printed)
        }
        (Value::List(left), Value::List(right)) => {
            let (left, right) = (left.items.borrow(), right.items.borrow());
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !equal(*left, *right, budget, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            let mut position = 0;
            while let Some((next, key, value)) = left.next_from(position) {
                position = next;
                let Some(other) = right.get(key) else { return Ok(false) };
                if !equal(value, other, budget, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(order_numbers(left, right, budget)? == Some(Ordering::Equal)),
    }
}

fn order(left: Value<'_>, right: Value<'_>, budget: &Budget) -> Result<Option<Ordering>, Exhausted> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            budget.spend(left.len().min(right.len()) as u64 / 64)?;
            Ok(Some(left.cmp(right)))
        }
        (Value::Bool(left), Value::Bool(right)) => Ok(Some(left.cmp(&right))),
        _ => order_numbers(left, right, budget),
    }
}

/// Two numbers, or a number and a text that is one.
fn order_numbers(left: Value<'_>, right: Value<'_>, budget: &Budget) -> Result<Option<Ordering>, Exhausted> {
    if let (Some(left), Some(right)) = (whole(left), whole(right)) {
        return Ok(Some(left.cmp(&right)));
    }
    if is_text(left) && is_text(right) {
        return Ok(None);
    }
    budget.spend(reading(left) + reading(right))?;
    Ok(readable(left).zip(readable(right)).and_then(|(left, right)| left.partial_cmp(&right)))
}

fn whole(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(i64::from(number)),
        Value::Long(number) => Some(number),
        _ => None,
    }
}

fn readable(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Text(text) => java_number::parse_double(text),
        value => number(value),
    }
}

fn is_text(value: Value<'_>) -> bool {
    matches!(value, Value::Text(_))
}

fn has(list: &List<'_>, value: Value<'_>, budget: &Budget) -> Result<bool, Exhausted> {
    for item in list.items.borrow().iter() {
        if equal(*item, value, budget, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many of one list's items are in another, and how many it has.
fn count_in(items: Value<'_>, all: Value<'_>, budget: &Budget) -> Result<Option<(usize, usize)>, Exhausted> {
    let (Value::List(items), Value::List(all)) = (items, all) else { return Ok(None) };
    let mut found = 0;
    for item in items.items.borrow().iter() {
        found += usize::from(has(all, *item, budget)?);
    }
    Ok(Some((found, items.len())))
}

fn size(value: Value<'_>) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.len()),
        Value::Map(map) => Some(map.len()),
        // In Java's characters, which are UTF-16 units.
        Value::Text(text) => Some(text.encode_utf16().count()),
        _ => None,
    }
}
