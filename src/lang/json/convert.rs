//! Values that outlive an arena, and back.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::lang::budget::{Budget, Exhausted};
use crate::lang::java_number::{self, Integer};
use crate::lang::value::{Key, List, ListKind, Map, Value};
use crate::settings::limits::JSON_DEPTH_MAX;

/// Copies a value out of its arena. Numbers that no double and no long holds come out as the nearest double.
pub fn to_serde(value: Value<'_>, budget: &Budget) -> Result<serde_json::Value, Exhausted> {
    to_serde_at(value, budget, 0, &mut 0)
}

/// Copies a value into an arena.
pub fn from_serde<'a>(value: &serde_json::Value, arena: &'a Bump) -> Value<'a> {
    from_serde_at(value, arena, 0)
}

/// `taken` is for the bytes so far: what an arena's values share, each copy has for itself.
fn to_serde_at(
    value: Value<'_>,
    budget: &Budget,
    depth: usize,
    taken: &mut usize,
) -> Result<serde_json::Value, Exhausted> {
    take(size_of::<serde_json::Value>(), budget, taken)?;
    if depth > JSON_DEPTH_MAX {
        return Err(Exhausted::Depth);
    }
    Ok(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::Long(number) => number.into(),
        // What JSON cannot say is null.
        Value::Double(number) => number.into(),
        Value::Big(text) => match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => text.parse::<f64>().unwrap_or(f64::NAN).into(),
        },
        Value::Decimal(text) => text.parse::<f64>().unwrap_or(f64::NAN).into(),
        Value::Text(text) => {
            take(text.len(), budget, taken)?;
            text.into()
        }
        Value::List(list) => {
            let items = list.items.borrow();
            let items: Result<Vec<_>, _> =
                items.iter().map(|item| to_serde_at(*item, budget, depth + 1, taken)).collect();
            items?.into()
        }
        Value::Map(map) => {
            let mut members = serde_json::Map::new();
            let mut position = 0;
            while let Some((next, key, item)) = map.next_from(position) {
                position = next;
                let key = match key {
                    Key::Text(text) => {
                        take(text.len(), budget, taken)?;
                        text.to_owned()
                    }
                    Key::Int(number) => number.to_string(),
                    Key::Bool(flag) => flag.to_string(),
                    Key::Null => "null".to_owned(),
                };
                members.insert(key, to_serde_at(item, budget, depth + 1, taken)?);
            }
            members.into()
        }
        // What lives for one rendering only.
        Value::Object(_) => serde_json::Value::Null,
    })
}

fn take(bytes: usize, budget: &Budget, taken: &mut usize) -> Result<(), Exhausted> {
    budget.spend(bytes as u64 / 32)?;
    budget.allows(*taken, bytes)?;
    *taken += bytes;
    Ok(())
}

fn from_serde_at<'a>(value: &serde_json::Value, arena: &'a Bump, depth: usize) -> Value<'a> {
    if depth > JSON_DEPTH_MAX {
        return Value::Null; // Neither serde's reader nor `to_serde` makes one.
    }
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => i32::try_from(number).map_or(Value::Long(number), Value::Int),
            (_, Some(number), _) => match java_number::parse_integer(&number.to_string()) {
                Some(Integer::Big(text)) => Value::Big(arena.alloc_str(&text)),
                _ => Value::Null,
            },
            (.., Some(number)) => Value::Double(number),
            _ => Value::Null,
        },
        serde_json::Value::String(text) => Value::Text(arena.alloc_str(text)),
        serde_json::Value::Array(items) => {
            let mut list = BumpVec::with_capacity_in(items.len(), arena);
            list.extend(items.iter().map(|item| from_serde_at(item, arena, depth + 1)));
            Value::List(List::of(ListKind::Json, list, arena))
        }
        serde_json::Value::Object(members) => {
            let map = Map::new_in(arena);
            for (key, item) in members {
                map.put(Key::Text(arena.alloc_str(key)), from_serde_at(item, arena, depth + 1));
            }
            Value::Map(map)
        }
    }
}
