//! Methods of maps, their views and entries, and of the other objects that a template meets.

use crate::lang::value::{ListKind, Loop, Map, Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::hash::hash_code;
use crate::lang::vtl::methods::lists::{ITEM_BYTES, int};
use crate::lang::vtl::run::Run;

impl<'a> Call<'_, '_, 'a> {
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
                    let items = self.items_of(Value::Object(view))?.unwrap_or_default();
                    Value::Bool(self.is_among(&items, *value)?)
                }
            },
            (Method::ContainsAll, [others]) => match (self.items_of(*others)?, self.items_of(Value::Object(view))?) {
                (Some(others), Some(items)) => {
                    let mut all = true;
                    for other in others {
                        all &= self.is_among(&items, other)?;
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
