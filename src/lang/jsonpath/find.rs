//! Following a path through a document.
//!
//! The depth of the calls is that of the document and of the path together, and both are bounded.

use std::cell::Ref;

use bumpalo::Bump;
use bumpalo::collections::{CollectIn, Vec as BumpVec};

use super::compare;
use super::query::{Comparison, Condition, Function, Operand, Part, Query};
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::value::{Key, List, ListKind, Map, Value};
use crate::settings::limits::{JSON_DEPTH_MAX, JSONPATH_PARTS_MAX};

/// Calls within each other: a path that goes on at the bottom of the deepest document. More would be filters that begin
/// at the root again and again.
const CALLS_MAX: usize = JSON_DEPTH_MAX + JSONPATH_PARTS_MAX;

pub(super) struct Finder<'a, 'b> {
    pub(super) root: Value<'a>,
    pub(super) literals: &'b [Value<'a>],
    pub(super) arena: &'a Bump,
    pub(super) budget: &'b Budget,
}

type Found<'a> = BumpVec<'a, Value<'a>>;

impl<'a> Finder<'a, '_> {
    /// From the document's root or, in a filter, from the item.
    pub(super) fn find(&self, query: &Query, item: Value<'a>, depth: usize) -> Result<Option<Value<'a>>, Exhausted> {
        let found = self.follow(query, if query.from_root { self.root } else { item }, depth)?;
        match (query.function, found) {
            (Some(Function::Length), Some(Value::List(found))) if !query.is_definite => {
                let lengths = found.items.borrow().iter().map(|item| length(*item)).collect_in(self.arena);
                Ok(Some(if query.is_list() {
                    Value::List(List::of(ListKind::Json, lengths, self.arena))
                } else {
                    count(lengths.iter().filter_map(|length| compare::number(*length)).sum::<f64>() as usize)
                }))
            }
            (Some(function), Some(value)) => self.call(function, value),
            (_, found) => Ok(found),
        }
    }

    /// Straight on while there is one way only, which needs no list; then wherever the path leads.
    fn follow(&self, query: &Query, start: Value<'a>, depth: usize) -> Result<Option<Value<'a>>, Exhausted> {
        let mut value = start;
        for (index, part) in query.parts.iter().enumerate() {
            self.budget.spend(part.steps())?;
            let next = match part {
                Part::Name(name) => value.as_map().and_then(|map| map.text(name)),
                Part::Index(index) => value.as_list().and_then(|list| at(&list.items.borrow(), *index)),
                Part::Names(names) if index + 1 == query.parts.len() => {
                    value.as_map().map(|map| self.excerpt(map, names)).transpose()?
                }
                _ => {
                    let mut found = BumpVec::new_in(self.arena);
                    self.walk(&query.parts[index..], value, depth, &mut found)?;
                    return Ok(Some(Value::List(List::of(ListKind::Json, found, self.arena))));
                }
            };
            match next {
                Some(next) => value = next,
                None if query.is_definite => return Ok(None),
                None => return Ok(Some(Value::List(List::new_in(ListKind::Json, self.arena)))),
            }
        }
        Ok(Some(value))
    }

    fn walk(&self, parts: &[Part], value: Value<'a>, depth: usize, found: &mut Found<'a>) -> Result<(), Exhausted> {
        self.budget.spend(1)?;
        let Some((part, rest)) = parts.split_first() else {
            if found.len() == found.capacity() {
                self.budget.allows_in(self.arena, 2 * found.len() * size_of::<Value<'_>>())?;
            }
            found.push(value);
            return Ok(());
        };
        if depth > CALLS_MAX {
            return Err(Exhausted::Depth);
        }
        self.budget.spend(part.steps() - 1)?;
        match (part, value) {
            (Part::Name(name), Value::Map(map)) => {
                if let Some(value) = map.text(name) {
                    self.walk(rest, value, depth + 1, found)?;
                }
            }
            (Part::Names(names), Value::Map(map)) if rest.is_empty() => found.push(self.excerpt(map, names)?),
            (Part::Names(names), Value::Map(map)) => {
                for value in names.iter().filter_map(|name| map.text(name)) {
                    self.walk(rest, value, depth + 1, found)?;
                }
            }
            (Part::All, _) => self.each(value, |value| self.walk(rest, value, depth + 1, found))?,
            (Part::Index(index), Value::List(list)) => {
                if let Some(value) = at(&list.items.borrow(), *index) {
                    self.walk(rest, value, depth + 1, found)?;
                }
            }
            (Part::Indexes(indexes), Value::List(list)) => {
                for value in indexes.iter().filter_map(|index| at(&list.items.borrow(), *index)) {
                    self.walk(rest, value, depth + 1, found)?;
                }
            }
            (Part::Slice(from, to), Value::List(list)) => {
                let items = slice(list, *from, *to);
                for value in items.iter() {
                    self.walk(rest, *value, depth + 1, found)?;
                }
            }
            (Part::Filter(condition), Value::List(list)) => {
                for value in list.items.borrow().iter() {
                    if self.holds(condition, *value, depth + 1)? {
                        self.walk(rest, *value, depth + 1, found)?;
                    }
                }
            }
            // An object is its own only item.
            (Part::Filter(condition), Value::Map(_)) if self.holds(condition, value, depth + 1)? => {
                self.walk(rest, value, depth + 1, found)?;
            }
            (Part::Scan, _) => self.scan(rest, value, depth, found)?,
            _ => {}
        }
        Ok(())
    }

    /// `..`: the next part at this value and at everything below it, the outer before the inner.
    fn scan(&self, parts: &[Part], value: Value<'a>, depth: usize, found: &mut Found<'a>) -> Result<(), Exhausted> {
        self.budget.spend(1)?;
        if depth > CALLS_MAX {
            return Err(Exhausted::Depth);
        }
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        self.budget.spend(part.steps() - 1)?;
        let matches = match (part, value) {
            (Part::Name(name), Value::Map(map)) => map.text(name).is_some(),
            // Here, and only here, all of the names must be there.
            (Part::Names(names), Value::Map(map)) => names.iter().all(|name| map.text(name).is_some()),
            (Part::All, _) => true,
            (Part::Filter(condition), Value::Map(_) | Value::List(_)) => self.holds(condition, value, depth + 1)?,
            (part, Value::List(_)) => part.is_of_arrays(),
            _ => false,
        };
        if matches {
            // All versions of the library leave out the choice among items where a path goes on behind it: `$..[0].x` is
            // the `x` of every item of every array.
            let is_choice = part.is_of_arrays() || matches!(part, Part::Filter(_));
            if is_choice && !rest.is_empty() && value.as_list().is_some() {
                self.each(value, |item| self.walk(rest, item, depth + 1, found))?;
            } else {
                self.walk(parts, value, depth, found)?;
            }
        }
        self.each(value, |below| match below {
            Value::Map(_) | Value::List(_) => self.scan(parts, below, depth + 1, found),
            _ => self.budget.spend(1),
        })
    }

    fn each(
        &self,
        value: Value<'a>,
        mut call: impl FnMut(Value<'a>) -> Result<(), Exhausted>,
    ) -> Result<(), Exhausted> {
        match value {
            Value::List(list) => list.items.borrow().iter().try_for_each(|item| call(*item)),
            Value::Map(map) => {
                let mut position = 0;
                while let Some((next, _, item)) = map.next_from(position) {
                    position = next;
                    call(item)?;
                }
                Ok(())
            }
            _ => self.budget.spend(1),
        }
    }

    /// A map of some members of another.
    fn excerpt(&self, map: &'a Map<'a>, names: &[Box<str>]) -> Result<Value<'a>, Exhausted> {
        self.budget.allows_in(self.arena, names.iter().map(|name| name.len() + 64).sum())?;
        let excerpt = Map::new_in(self.arena);
        for name in names {
            if let Some(value) = map.text(name) {
                excerpt.put(Key::Text(self.arena.alloc_str(name)), value);
            }
        }
        Ok(Value::Map(excerpt))
    }

    fn holds(&self, condition: &Condition, item: Value<'a>, depth: usize) -> Result<bool, Exhausted> {
        self.budget.spend(1)?;
        match condition {
            Condition::And(conditions) => {
                for condition in conditions {
                    if !self.holds(condition, item, depth)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Or(conditions) => {
                for condition in conditions {
                    if self.holds(condition, item, depth)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(condition) => Ok(!self.holds(condition, item, depth)?),
            Condition::Exists(operand) => Ok(self.operand(operand, item, depth)?.is_some_and(|value| !value.is_null())),
            Condition::Matches(operand, regex) => {
                let Some(value) = self.operand(operand, item, depth)? else { return Ok(false) };
                let Some(text) = compare::text(value, self.arena) else { return Ok(false) };
                self.budget.spend(regex.cost(text))?;
                // A pattern that takes too long is a limit that was met, as a long loop is.
                regex.is_match(text).map_err(|_| Exhausted::Steps)
            }
            Condition::Compare(left, comparison, right) => {
                let (left, right) = (self.operand(left, item, depth)?, self.operand(right, item, depth)?);
                if let (Comparison::IsThere, Some(Value::Bool(expected))) = (comparison, right) {
                    return Ok(left.is_some() == expected);
                }
                // What is not there compares with nothing, not even as unequal.
                let (Some(left), Some(right)) = (left, right) else { return Ok(false) };
                compare::holds(left, *comparison, right, self.budget)
            }
        }
    }

    fn operand(&self, operand: &Operand, item: Value<'a>, depth: usize) -> Result<Option<Value<'a>>, Exhausted> {
        match operand {
            Operand::Path(query) => self.find(query, item, depth),
            Operand::Literal(index) => Ok(self.literals.get(*index).copied()),
        }
    }

    /// A function of a list's numbers is of those that are numbers, and of none it is nothing.
    fn call(&self, function: Function, value: Value<'a>) -> Result<Option<Value<'a>>, Exhausted> {
        if function == Function::Length {
            return Ok(Some(length(value)).filter(|length| !length.is_null()));
        }
        let Some(list) = value.as_list() else { return Ok(None) };
        let items = list.items.borrow();
        for item in items.iter() {
            self.budget.spend(1 + compare::reading(*item))?;
        }
        let numbers = || items.iter().filter_map(|item| compare::number(*item));
        let count = numbers().count() as f64;
        if count == 0.0 {
            return Ok(None);
        }
        let sum: f64 = numbers().sum();
        Ok(Some(Value::Double(match function {
            Function::Min => numbers().fold(f64::INFINITY, f64::min),
            Function::Max => numbers().fold(f64::NEG_INFINITY, f64::max),
            Function::Average => sum / count,
            Function::Deviation => {
                let squares: f64 = numbers().map(|number| number * number).sum();
                (squares / count - sum * sum / count / count).sqrt()
            }
            Function::Sum | Function::Length => sum,
        })))
    }
}

/// Of a list or a map; nothing else has one.
fn length<'a>(value: Value<'a>) -> Value<'a> {
    match value {
        Value::List(list) => count(list.len()),
        Value::Map(map) => count(map.len()),
        _ => Value::Null,
    }
}

fn count<'a>(number: usize) -> Value<'a> {
    i32::try_from(number).map_or(Value::Null, Value::Int)
}

/// An item, counted from the end where the index is negative.
fn at<'a>(items: &[Value<'a>], index: i64) -> Option<Value<'a>> {
    items.get(place(items.len(), index)?).copied()
}

fn place(length: usize, index: i64) -> Option<usize> {
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok()
}

fn slice<'l, 'a>(list: &'l List<'a>, from: Option<i64>, to: Option<i64>) -> Ref<'l, [Value<'a>]> {
    Ref::map(list.items.borrow(), |items| {
        let end = to.map_or(items.len(), |to| place(items.len(), to).unwrap_or(0)).min(items.len());
        let start = from.map_or(0, |from| place(items.len(), from).unwrap_or(0)).min(end);
        items.get(start..end).unwrap_or_default()
    })
}
