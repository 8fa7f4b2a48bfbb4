//! Expressions to values, and which of them are true.

use std::cmp::Ordering;

use bumpalo::collections::Vec as BumpVec;

use crate::lang::value::{Key, List, ListKind, Map, Value};
use crate::lang::vtl::program::{Chain, Expression, Interpolated, Operator};
use crate::lang::vtl::run::state::Code;
use crate::lang::vtl::run::{Run, Runner};

impl<'r, 'a> Runner<'r, 'a> {
    /// Null only where there is no value at all (a division by zero): a reference without one is `""`.
    #[inline]
    pub(super) fn evaluate(&mut self, code: Code<'r, 'a>, expression: &'r Expression) -> Run<Value<'a>> {
        if let Expression::Reference(reference) = expression
            && let Some(value) = self.quick(code, reference)
        {
            return Ok(value);
        }
        self.evaluate_any(code, expression)
    }

    fn evaluate_any(&mut self, code: Code<'r, 'a>, expression: &'r Expression) -> Run<Value<'a>> {
        Ok(match expression {
            Expression::Text(span) => Value::Text(code.text(*span)),
            Expression::Reference(reference) => self.reference(code, reference)?,
            Expression::Int(number) => Value::Int(*number),
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Interpolated(text) => Value::Text(self.interpolated(code, text)?),
            Expression::Long(number) => Value::Long(*number),
            Expression::Big(digits) => Value::Big(code.text(*digits)),
            Expression::Double(number) => Value::Double(*number),
            Expression::List(items) => self.list(code, items)?,
            Expression::Map(entries) => self.map(code, entries)?,
            Expression::Range(ends) => {
                let (first, last) = (self.evaluate(code, &ends.0)?, self.evaluate(code, &ends.1)?);
                self.range(first, last)?
            }
            Expression::Word => Value::Null,
            Expression::Not(inner) => Value::Bool(!self.is_true(code, inner)?),
            Expression::Chain(chain) => match chain.rest.first().map(|(operator, _)| *operator) {
                Some(Operator::And | Operator::Or) => Value::Bool(self.is_true(code, expression)?),
                _ => self.chain(code, chain)?,
            },
        })
    }

    /// Literals are false, even `"abc"` and `1`; a reference is true unless it is the Boolean `false`
    /// (rest/08 section 8.5).
    pub(super) fn is_true(&mut self, code: Code<'r, 'a>, expression: &'r Expression) -> Run<bool> {
        match expression {
            Expression::Reference(_) => Ok(!matches!(self.evaluate(code, expression)?, Value::Bool(false))),
            Expression::Bool(value) => Ok(*value),
            Expression::Not(inner) => Ok(!self.deeper(|runner| runner.is_true(code, inner))?),
            Expression::Chain(chain) => match chain.rest.first().map(|(operator, _)| *operator) {
                Some(operator @ (Operator::And | Operator::Or)) => {
                    let settles = operator == Operator::Or;
                    if self.deeper(|runner| runner.is_true(code, &chain.first))? == settles {
                        return Ok(settles);
                    }
                    for (_, part) in &chain.rest {
                        self.spend(1)?;
                        if self.deeper(|runner| runner.is_true(code, part))? == settles {
                            return Ok(settles);
                        }
                    }
                    Ok(!settles)
                }
                Some(Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo) => {
                    self.chain(code, chain)?;
                    Ok(false)
                }
                _ => Ok(matches!(self.chain(code, chain)?, Value::Bool(true))),
            },
            _ => Ok(false),
        }
    }

    /// Comparisons and arithmetic, from left to right.
    fn chain(&mut self, code: Code<'r, 'a>, chain: &'r Chain) -> Run<Value<'a>> {
        let mut left = self.operand(code, &chain.first)?;
        for (operator, right) in &chain.rest {
            self.spend(1)?;
            let right = self.operand(code, right)?;
            left = self.operate(*operator, left, right)?;
        }
        Ok(left)
    }

    #[inline]
    fn operand(&mut self, code: Code<'r, 'a>, expression: &'r Expression) -> Run<Value<'a>> {
        match expression {
            Expression::Int(number) => Ok(Value::Int(*number)),
            Expression::Text(span) => Ok(Value::Text(code.text(*span))),
            Expression::Reference(reference) if let Some(value) = self.quick(code, reference) => Ok(value),
            other => self.deeper(|runner| runner.evaluate_any(code, other)),
        }
    }

    fn operate(&mut self, operator: Operator, left: Value<'a>, right: Value<'a>) -> Run<Value<'a>> {
        let holds = |ordering: Option<Ordering>, wanted: fn(Ordering) -> bool| ordering.is_some_and(wanted);
        Ok(match operator {
            Operator::Equal => Value::Bool(self.equals_loosely(left, right)?),
            Operator::NotEqual => Value::Bool(!self.equals_loosely(left, right)?),
            Operator::Less => Value::Bool(holds(self.order(left, right)?, Ordering::is_lt)),
            Operator::LessOrEqual => Value::Bool(holds(self.order(left, right)?, Ordering::is_le)),
            Operator::Greater => Value::Bool(holds(self.order(left, right)?, Ordering::is_gt)),
            Operator::GreaterOrEqual => Value::Bool(holds(self.order(left, right)?, Ordering::is_ge)),
            Operator::Add if left.as_text().is_some() || right.as_text().is_some() => {
                Value::Text(self.captured(|runner| {
                    runner.print(left)?;
                    runner.print(right)
                })?)
            }
            _ => self.calculate(operator, left, right)?,
        })
    }

    pub(super) fn interpolated(&mut self, code: Code<'r, 'a>, text: &'r Interpolated) -> Run<&'a str> {
        let written = self.captured(|runner| runner.block(code, &text.body))?;
        if !text.drops_last {
            return Ok(written);
        }
        let mut characters = written.chars();
        characters.next_back();
        Ok(characters.as_str())
    }

    fn list(&mut self, code: Code<'r, 'a>, items: &'r [Expression]) -> Run<Value<'a>> {
        self.arena_room(items.len() * size_of::<Value<'_>>())?;
        let mut values = BumpVec::with_capacity_in(items.len(), self.arena);
        for item in items {
            self.spend(1)?;
            values.push(self.deeper(|runner| runner.evaluate(code, item))?);
        }
        Ok(Value::List(List::of(ListKind::Java, values, self.arena)))
    }

    fn map(&mut self, code: Code<'r, 'a>, entries: &'r [(Expression, Expression)]) -> Run<Value<'a>> {
        let map = Map::new_in(self.arena);
        for (key, value) in entries {
            self.spend(1)?;
            self.arena_room(64)?;
            let key = self.deeper(|runner| runner.evaluate(code, key))?;
            let value = self.deeper(|runner| runner.evaluate(code, value))?;
            map.put(self.key_of(key)?, value);
        }
        Ok(Value::Map(map))
    }

    /// Integers from one end to the other, both included; null where an end is no number.
    fn range(&mut self, first: Value<'a>, last: Value<'a>) -> Run<Value<'a>> {
        let (Some(first), Some(last)) = (as_int(first), as_int(last)) else { return Ok(Value::Null) };
        let length = (i64::from(first) - i64::from(last)).unsigned_abs() as usize + 1;
        self.spend(length as u64)?;
        self.arena_room(length.saturating_mul(size_of::<Value<'_>>()))?;
        let mut values = BumpVec::with_capacity_in(length, self.arena);
        match first <= last {
            true => values.extend((first..=last).map(Value::Int)),
            false => values.extend((last..=first).rev().map(Value::Int)),
        }
        Ok(Value::List(List::of(ListKind::Java, values, self.arena)))
    }

    /// A value as the key of a map. Doubles, lists and the like become their texts.
    pub(in crate::lang::vtl) fn key_of(&mut self, value: Value<'a>) -> Run<Key<'a>> {
        Ok(match value {
            Value::Text(text) => {
                // A small map compares it with each of its keys, which may be as long.
                self.spend(text.len() as u64 / 64 * 8)?;
                Key::Text(text)
            }
            Value::Int(number) => Key::Int(number.into()),
            Value::Long(number) => Key::Int(number),
            Value::Bool(flag) => Key::Bool(flag),
            Value::Null => Key::Null,
            other => Key::Text(self.text_of(other)?),
        })
    }
}

/// Java's `Number.intValue()` of the end of a range.
fn as_int(value: Value<'_>) -> Option<i32> {
    match value {
        Value::Int(number) => Some(number),
        Value::Long(number) => Some(number as i32),
        Value::Double(number) => Some(number as i32),
        _ => None,
    }
}
