//! Methods of lists and arrays, and what maps' views share with them.

use bumpalo::collections::Vec as BumpVec;

use crate::lang::value::{Iteration, List, ListKind, Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::hash::hash_code;
use crate::lang::vtl::run::Run;

/// What an entry or an item may take of the arena, with what the tables behind it grow by.
pub(super) const ITEM_BYTES: usize = 64;

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn on_list(&mut self, list: &'a List<'a>) -> Run<Value<'a>> {
        let length = list.len();
        Ok(match (self.method, self.arguments) {
            (Method::Size, []) => int(length),
            (Method::IsEmpty, []) => Value::Bool(length == 0),
            (Method::Get, [Value::Int(index)]) => {
                let at = self.index_within(*index, length)?;
                list.get(at).unwrap_or(Value::Null)
            }
            (Method::Set, [Value::Int(index), value]) => {
                let at = self.index_within(*index, length)?;
                let mut items = list.items.borrow_mut();
                items.get_mut(at).map_or(Value::Null, |place| std::mem::replace(place, *value))
            }
            (Method::Contains, [value]) => Value::Bool(self.position(list, *value)?.is_some()),
            (Method::IndexOf, [value]) => self.position(list, *value)?.map_or(Value::Int(-1), int),
            (Method::LastIndexOf, [value]) => {
                let mut found = Value::Int(-1);
                for index in 0..length {
                    if self.runner.equals(list.get(index).unwrap_or(Value::Null), *value)? {
                        found = int(index);
                    }
                }
                found
            }
            (Method::ContainsAll, [others]) => match self.items_of(*others)? {
                Some(others) => {
                    let mut all = true;
                    for other in others {
                        all &= self.position(list, other)?.is_some();
                    }
                    Value::Bool(all)
                }
                None => Value::Null,
            },
            (Method::SubList, [Value::Int(from), Value::Int(to)]) => {
                let to = self.bound_within(*to, length)?;
                let from = self.bound_within(*from, to)?;
                self.runner.arena_room((to - from) * size_of::<Value<'_>>())?;
                let items = list.items.borrow();
                let part = items.get(from..to).unwrap_or_default();
                self.new_list(ListKind::Java, part.iter().copied())
            }
            (Method::Iterator, []) => self.iterator(Value::List(list)),
            (Method::ToArray, []) => {
                self.runner.arena_room(length * size_of::<Value<'_>>())?;
                let items = list.items.borrow();
                self.new_list(ListKind::Array, items.iter().copied())
            }
            (Method::Equals, [other]) => Value::Bool(self.runner.equals(Value::List(list), *other)?),
            (Method::HashCode, []) => Value::Int(hash_code(self.runner, Value::List(list))?),
            (Method::ToString, []) => Value::Text(self.runner.text_of(Value::List(list))?),
            _ if list.kind == ListKind::Array => match (self.method, self.arguments) {
                (Method::Add, [_] | [_, _]) | (Method::AddAll | Method::Remove, [_]) | (Method::Clear, []) => {
                    return Err(self.runner.fail("the length of an array does not change".into()));
                }
                _ => Value::Null,
            },
            _ => return self.changing_list(list, length),
        })
    }

    fn changing_list(&mut self, list: &'a List<'a>, length: usize) -> Run<Value<'a>> {
        Ok(match (self.method, self.arguments) {
            (Method::Add, [value]) => {
                self.grow(length)?;
                list.push(*value);
                Value::Bool(true)
            }
            (Method::Add, [Value::Int(index), value]) => {
                self.grow(length)?;
                self.runner.spend(length as u64 / 16)?;
                let at = self.bound_within(*index, length)?;
                list.items.borrow_mut().insert(at, *value);
                Value::Null
            }
            (Method::AddAll, [others]) => match self.items_of(*others)? {
                Some(others) => {
                    for other in &others {
                        self.grow(list.len())?;
                        list.push(*other);
                    }
                    Value::Bool(!others.is_empty())
                }
                None => Value::Null,
            },
            (Method::Remove, [Value::Int(index)]) => {
                self.runner.spend(length as u64 / 16)?;
                let at = self.index_within(*index, length)?;
                list.items.borrow_mut().remove(at)
            }
            (Method::Remove, [value]) => {
                self.runner.spend(length as u64 / 16)?;
                let found = self.position(list, *value)?;
                if let Some(at) = found {
                    list.items.borrow_mut().remove(at);
                }
                Value::Bool(found.is_some())
            }
            (Method::RemoveAll | Method::RetainAll, [others]) => match self.items_of(*others)? {
                Some(others) => {
                    let mut kept = Vec::new();
                    for index in 0..length {
                        let item = list.get(index).unwrap_or(Value::Null);
                        if self.is_among(&others, item)? == (self.method == Method::RetainAll) {
                            kept.push(item);
                        }
                    }
                    let mut items = list.items.borrow_mut();
                    items.clear();
                    items.extend_from_slice(&kept);
                    Value::Bool(kept.len() != length)
                }
                None => Value::Null,
            },
            (Method::Clear, []) => {
                list.items.borrow_mut().clear();
                Value::Null
            }
            _ => Value::Null,
        })
    }

    pub(super) fn new_list(&self, kind: ListKind, items: impl Iterator<Item = Value<'a>>) -> Value<'a> {
        let mut values = BumpVec::new_in(self.runner.arena);
        values.extend(items);
        Value::List(List::of(kind, values, self.runner.arena))
    }

    pub(super) fn iterator(&self, over: Value<'a>) -> Value<'a> {
        Value::Object(Object::Iterator(self.runner.arena.alloc(Iteration::over(over))))
    }

    /// The items of a Java collection; `None` where it is none.
    pub(super) fn items_of(&mut self, value: Value<'a>) -> Run<Option<Vec<Value<'a>>>> {
        match value {
            Value::List(list) if list.kind != ListKind::Array => {}
            Value::Object(Object::Keys(_) | Object::Values(_) | Object::Entries(_)) => {}
            _ => return Ok(None),
        }
        let iteration = Iteration::over(value);
        let mut items = Vec::new();
        while let Ok(Some(item)) = iteration.next(self.runner.arena) {
            self.runner.spend(1)?;
            items.push(item);
        }
        Ok(Some(items))
    }

    /// Whether one of the items equals the value. The search ends with it: what is not compared is not charged.
    pub(super) fn is_among(&mut self, items: &[Value<'a>], value: Value<'a>) -> Run<bool> {
        for item in items {
            if self.runner.equals(*item, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An array's, where a method takes them as arguments of their own.
    pub(super) fn items_of_array(&mut self, list: &'a List<'a>) -> Run<Vec<Value<'a>>> {
        self.runner.spend(list.len() as u64)?;
        Ok(list.items.borrow().to_vec())
    }

    pub(super) fn position(&mut self, list: &'a List<'a>, value: Value<'a>) -> Run<Option<usize>> {
        for index in 0..list.len() {
            if self.runner.equals(list.get(index).unwrap_or(Value::Null), value)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// A list doubles what it holds when it is full.
    fn grow(&self, length: usize) -> Run<()> {
        let bytes = if length.is_power_of_two() { length * 2 * size_of::<Value<'_>>() } else { ITEM_BYTES };
        self.runner.arena_room(bytes)
    }

    /// The index of an item that is there.
    fn index_within(&self, index: i32, length: usize) -> Run<usize> {
        match usize::try_from(index).ok().filter(|index| *index < length) {
            Some(index) => Ok(index),
            None => Err(self.runner.fail(format!("index {index} is out of bounds for length {length}"))),
        }
    }

    /// An index that may stand behind the last item.
    pub(super) fn bound_within(&self, index: i32, length: usize) -> Run<usize> {
        match usize::try_from(index).ok().filter(|index| *index <= length) {
            Some(index) => Ok(index),
            None => Err(self.runner.fail(format!("index {index} is out of bounds for length {length}"))),
        }
    }
}

/// A size as Java's `int`.
pub(super) fn int<'a>(size: usize) -> Value<'a> {
    Value::Int(i32::try_from(size).unwrap_or(i32::MAX))
}
