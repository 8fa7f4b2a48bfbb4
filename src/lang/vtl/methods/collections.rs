//! Methods of lists, maps, their views, entries and iterators.

use bumpalo::collections::Vec as BumpVec;

use crate::lang::value::{Iteration, List, ListKind, Loop, Map, Object, Value};
use crate::lang::vtl::methods::hash::hash_code;
use crate::lang::vtl::methods::{Call, Method};
use crate::lang::vtl::run::Run;

/// What an entry or an item may take of the arena, with what the tables behind it grow by.
const ITEM_BYTES: usize = 64;

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
                        let mut among = false;
                        for other in &others {
                            among = among || self.runner.equals(item, *other)?;
                        }
                        if among == (self.method == Method::RetainAll) {
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

    pub(super) fn on_map(&mut self, map: &'a Map<'a>) -> Run<Value<'a>> {
        Ok(match (self.method, self.arguments) {
            (Method::Get, [key]) => map.get(self.runner.key_of(*key)?).unwrap_or(Value::Null),
            (Method::GetOrDefault, [key, default]) => map.get(self.runner.key_of(*key)?).unwrap_or(*default),
            (Method::Put, [key, value]) => {
                self.runner.arena_room(ITEM_BYTES)?;
                map.put(self.runner.key_of(*key)?, *value).unwrap_or(Value::Null)
            }
            (Method::PutIfAbsent, [key, value]) => {
                self.runner.arena_room(ITEM_BYTES)?;
                let key = self.runner.key_of(*key)?;
                match map.get(key) {
                    None | Some(Value::Null) => map.put(key, *value).unwrap_or(Value::Null),
                    Some(there) => there,
                }
            }
            (Method::PutAll, [Value::Map(others)]) => {
                let mut position = 0;
                // A map that is put into itself has every key already, so this ends.
                while let Some((behind, key, value)) = others.next_from(position) {
                    position = behind;
                    self.runner.spend(1)?;
                    self.runner.arena_room(ITEM_BYTES)?;
                    map.put(key, value);
                }
                Value::Null
            }
            (Method::Remove, [key]) => map.remove(self.runner.key_of(*key)?).unwrap_or(Value::Null),
            (Method::ContainsKey, [key]) => Value::Bool(map.get(self.runner.key_of(*key)?).is_some()),
            (Method::ContainsValue, [value]) => Value::Bool(self.has_value(map, *value)?),
            (Method::KeySet, []) => Value::Object(Object::Keys(map)),
            (Method::Values, []) => Value::Object(Object::Values(map)),
            (Method::EntrySet, []) => Value::Object(Object::Entries(map)),
            (Method::Size, []) => int(map.len()),
            (Method::IsEmpty, []) => Value::Bool(map.is_empty()),
            (Method::Clear, []) => {
                map.clear();
                Value::Null
            }
            (Method::Equals, [other]) => Value::Bool(self.runner.equals(Value::Map(map), *other)?),
            (Method::HashCode, []) => Value::Int(hash_code(self.runner, Value::Map(map))?),
            (Method::ToString, []) => Value::Text(self.runner.text_of(Value::Map(map))?),
            _ => Value::Null,
        })
    }

    pub(super) fn on_object(&mut self, object: Object<'a>) -> Run<Value<'a>> {
        let this = Value::Object(object);
        Ok(match (object, self.method, self.arguments) {
            (_, Method::ToString, []) => Value::Text(self.runner.text_of(this)?),
            (_, Method::Equals, [other]) => Value::Bool(self.runner.equals(this, *other)?),
            (_, Method::HashCode, []) => Value::Int(hash_code(self.runner, this)?),
            (Object::Keys(map) | Object::Values(map) | Object::Entries(map), _, _) => self.on_view(object, map)?,
            (Object::Entry((_, key)), Method::GetKey, []) => key.to_value(),
            (Object::Entry((map, key)), Method::GetValue, []) => map.get(*key).unwrap_or(Value::Null),
            (Object::Entry((map, key)), Method::SetValue, [value]) => map.put(*key, *value).unwrap_or(Value::Null),
            (Object::Iterator(iteration), Method::HasNext, []) => Value::Bool(iteration.has_next()),
            (Object::Iterator(iteration), Method::Next, []) => match self.runner.next_of(iteration)? {
                Some(item) => item,
                None => return Err(self.runner.fail("the iterator has no more items".into())),
            },
            (Object::Loop(state), Method::HasNext, []) => Value::Bool(state.has_next.get()),
            (Object::Char(unit), Method::CharValue, []) => Value::Object(Object::Char(unit)),
            (Object::Char(unit), Method::CompareTo, [Value::Object(Object::Char(other))]) => {
                Value::Int(i32::from(unit) - i32::from(*other))
            }
            (Object::Char(_), Method::CompareTo, [_]) => {
                return Err(self.runner.fail("compareTo takes a character here".into()));
            }
            _ => Value::Null,
        })
    }

    /// Sets and collections that show a map as it is.
    fn on_view(&mut self, view: Object<'a>, map: &'a Map<'a>) -> Run<Value<'a>> {
        Ok(match (self.method, self.arguments) {
            (Method::Size, []) => int(map.len()),
            (Method::IsEmpty, []) => Value::Bool(map.is_empty()),
            (Method::Iterator, []) => self.iterator(Value::Object(view)),
            (Method::Contains, [value]) => match view {
                Object::Keys(_) => Value::Bool(map.get(self.runner.key_of(*value)?).is_some()),
                Object::Values(_) => Value::Bool(self.has_value(map, *value)?),
                _ => {
                    let mut found = false;
                    for item in self.items_of(Value::Object(view))?.unwrap_or_default() {
                        found = found || self.runner.equals(item, *value)?;
                    }
                    Value::Bool(found)
                }
            },
            (Method::ContainsAll, [others]) => match (self.items_of(*others)?, self.items_of(Value::Object(view))?) {
                (Some(others), Some(items)) => {
                    let mut all = true;
                    for other in others {
                        let mut found = false;
                        for item in &items {
                            found = found || self.runner.equals(*item, other)?;
                        }
                        all &= found;
                    }
                    Value::Bool(all)
                }
                _ => Value::Null,
            },
            (Method::Remove, [value]) if matches!(view, Object::Keys(_)) => {
                Value::Bool(map.remove(self.runner.key_of(*value)?).is_some())
            }
            (Method::Clear, []) => {
                map.clear();
                Value::Null
            }
            (Method::ToArray, []) => {
                let items = self.items_of(Value::Object(view))?.unwrap_or_default();
                self.runner.arena_room(items.len() * size_of::<Value<'_>>())?;
                self.new_list(ListKind::Array, items.into_iter())
            }
            (Method::Add | Method::AddAll, [_]) => {
                return Err(self.runner.fail("nothing can be added to what a map shows".into()));
            }
            _ => Value::Null,
        })
    }

    pub(super) fn new_list(&self, kind: ListKind, items: impl Iterator<Item = Value<'a>>) -> Value<'a> {
        let mut values = BumpVec::new_in(self.runner.arena);
        values.extend(items);
        Value::List(List::of(kind, values, self.runner.arena))
    }

    fn iterator(&self, over: Value<'a>) -> Value<'a> {
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

    fn position(&mut self, list: &'a List<'a>, value: Value<'a>) -> Run<Option<usize>> {
        for index in 0..list.len() {
            if self.runner.equals(list.get(index).unwrap_or(Value::Null), value)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn has_value(&mut self, map: &'a Map<'a>, value: Value<'a>) -> Run<bool> {
        let mut position = 0;
        while let Some((behind, _, item)) = map.next_from(position) {
            position = behind;
            if self.runner.equals(item, value)? {
                return Ok(true);
            }
        }
        Ok(false)
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

/// `$foreach.index` and the like.
pub(super) fn loop_property<'a>(state: &'a Loop<'a>, name: &str) -> Value<'a> {
    match name {
        "index" => int(state.index.get()),
        "count" => int(state.index.get() + 1),
        "hasNext" => Value::Bool(state.has_next.get()),
        "first" => Value::Bool(state.index.get() == 0),
        "last" => Value::Bool(!state.has_next.get()),
        "parent" => state.parent.map_or(Value::Null, |parent| Value::Object(Object::Loop(parent))),
        "topmost" => {
            let mut topmost = state;
            while let Some(parent) = topmost.parent {
                topmost = parent;
            }
            Value::Object(Object::Loop(topmost))
        }
        _ => Value::Null,
    }
}

/// A size as Java's `int`.
pub(super) fn int<'a>(size: usize) -> Value<'a> {
    Value::Int(i32::try_from(size).unwrap_or(i32::MAX))
}
