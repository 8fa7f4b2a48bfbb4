//! Values while one request runs: what a body holds, and what templates and mappings make of it.
//!
//! They live in an arena that is emptied behind each rendering: reading a body of 2 KB costs a handful of bumps of a
//! pointer, no allocation a value. Texts without escapes are slices of the body itself. Lists and maps are Java's:
//! shared by whoever holds them, and changeable (`$map.put(…)`).

use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{BuildHasher, Hash, Hasher};

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A value, in Java's kinds. Copying one copies a reference, as in Java.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// `java.lang.Integer`
    Int(i32),
    /// `java.lang.Long`
    Long(i64),
    /// `java.math.BigInteger`, as its decimal digits.
    Big(&'a str),
    /// `java.lang.Double`
    Double(f64),
    /// `java.math.BigDecimal`, as it was written.
    Decimal(&'a str),
    Text(&'a str),
    List(&'a List<'a>),
    Map(&'a Map<'a>),
    /// What only a template meets: JSON never holds one.
    Object(Object<'a>),
}

/// Java objects that come to be while a template runs.
#[derive(Clone, Copy, Debug)]
pub enum Object<'a> {
    /// `java.lang.Character`: one UTF-16 unit.
    Char(u16),
    /// `Map.Entry`, by its key.
    Entry(&'a (&'a Map<'a>, Key<'a>)),
    /// `Map.keySet()`, which shows its map as it is now.
    Keys(&'a Map<'a>),
    /// `Map.values()`
    Values(&'a Map<'a>),
    /// `Map.entrySet()`
    Entries(&'a Map<'a>),
    /// `java.util.Iterator`
    Iterator(&'a Iteration<'a>),
    /// `$foreach`: where a loop is.
    Loop(&'a Loop<'a>),
    /// A block of `#define`, by its number in the rendering.
    Block(u32),
    /// `$input`
    Input,
    /// `$util`
    Util,
}

/// How far somebody has gone through a list or a map.
#[derive(Debug)]
pub struct Iteration<'a> {
    over: Value<'a>,
    position: Cell<usize>,
    /// Whether a map goes on. Java's iterator of a map looks at the next entry when it hands one out, that of a list when
    /// it is asked.
    ahead: Cell<bool>,
    /// How long it was at the beginning.
    length: usize,
}

/// The list or map changed while somebody went through it: Java's `ConcurrentModificationException`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed;

/// Where a `#foreach` is.
#[derive(Debug)]
pub struct Loop<'a> {
    /// From 0.
    pub index: Cell<usize>,
    pub has_next: Cell<bool>,
    pub parent: Option<&'a Loop<'a>>,
}

impl<'a> Iteration<'a> {
    /// Through the items of a list, the values of a map, or what a view shows. Anything else has nothing.
    pub fn over(over: Value<'a>) -> Self {
        let length = match over {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            Value::Object(Object::Keys(map) | Object::Values(map) | Object::Entries(map)) => map.len(),
            _ => 0,
        };
        Self { over, position: Cell::new(0), ahead: Cell::new(length > 0), length }
    }

    pub fn has_next(&self) -> bool {
        match self.over {
            Value::List(list) => self.position.get() != list.len(),
            _ => self.ahead.get(),
        }
    }

    pub fn next(&self, arena: &'a Bump) -> Result<Option<Value<'a>>, Changed> {
        if !self.has_next() {
            return Ok(None);
        }
        let position = self.position.get();
        match self.over {
            Value::List(list) => {
                self.position.set(position + 1);
                if list.len() == self.length { Ok(list.get(position)) } else { Err(Changed) }
            }
            Value::Map(map) | Value::Object(Object::Keys(map) | Object::Values(map) | Object::Entries(map)) => {
                if map.len() != self.length {
                    return Err(Changed);
                }
                let Some((behind, key, value)) = map.next_from(position) else { return Ok(None) };
                self.position.set(behind);
                self.ahead.set(map.next_from(behind).is_some());
                Ok(Some(match self.over {
                    Value::Object(Object::Keys(_)) => key.to_value(),
                    Value::Object(Object::Entries(_)) => Value::Object(Object::Entry(arena.alloc((map, key)))),
                    _ => value,
                }))
            }
            _ => Ok(None),
        }
    }
}

impl<'a> Value<'a> {
    pub fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_map(self) -> Option<&'a Map<'a>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(self) -> Option<&'a List<'a>> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

/// Which of Java's lists it is: they print differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// json-smart's `JSONArray`: prints as JSON.
    Json,
    /// `java.util.ArrayList`, of a literal or a method: prints `[a, b]`.
    Java,
    /// An array, as `split` makes it: its length does not change.
    Array,
}

/// A list that its holders share.
#[derive(Debug)]
pub struct List<'a> {
    pub kind: ListKind,
    pub items: RefCell<BumpVec<'a, Value<'a>>>,
}

impl<'a> List<'a> {
    pub fn new_in(kind: ListKind, arena: &'a Bump) -> &'a Self {
        arena.alloc(Self { kind, items: RefCell::new(BumpVec::new_in(arena)) })
    }

    pub fn of(kind: ListKind, items: BumpVec<'a, Value<'a>>, arena: &'a Bump) -> &'a Self {
        arena.alloc(Self { kind, items: RefCell::new(items) })
    }

    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        self.items.borrow().get(index).copied()
    }

    pub fn push(&self, value: Value<'a>) {
        self.items.borrow_mut().push(value);
    }
}

/// A map in the order of insertion (`java.util.LinkedHashMap`) that its holders share.
///
/// Small ones are looked through; beyond [`INDEXED_FROM`] entries there is an index, so that a body of a million keys
/// costs a million steps and not their square.
#[derive(Debug)]
pub struct Map<'a> {
    entries: RefCell<BumpVec<'a, Entry<'a>>>,
    /// There once the map is large.
    index: OnceCell<Index<'a>>,
    live: Cell<usize>,
    arena: &'a Bump,
}

#[derive(Debug)]
struct Index<'a> {
    /// Positions in `entries` by their key's hash.
    positions: RefCell<HashTable<u32, &'a Bump>>,
    /// Seeded anew in every process: clients choose the keys.
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    /// Looked at before the key. [`Tag::REMOVED`] where there is no value.
    tag: Tag,
    key: Key<'a>,
    /// `None` where it was removed.
    value: Option<Value<'a>>,
}

/// Entries from which on a map has an index: below it a look through is faster.
const INDEXED_FROM: usize = 33;

/// A text in one word: its first seven bytes, and its length above them. Short texts are equal where their tags are, so
/// that a look through a map compares numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u64);

impl Tag {
    /// Of every key that is no text. UTF-8 has no byte of this value.
    const OTHER: Self = Self(u64::MAX);
    /// Of an entry that was removed.
    const REMOVED: Self = Self(u64::MAX - 1);
    #[inline]
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let first = match (bytes.first_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
            (Some(chunk), ..) => u64::from_le_bytes(*chunk) & (u64::MAX >> 8),
            // Both overlap where there are fewer than eight, with the same bytes in the same places.
            (None, Some(first), Some(last), _) => {
                u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (bytes.len() - 4))
            }
            (.., &[one, two, three]) => u64::from(u32::from_le_bytes([one, two, three, 0])),
            (.., &[one, two]) => u64::from(u16::from_le_bytes([one, two])),
            (.., &[one]) => u64::from(one),
            _ => 0,
        };
        Self(first | (bytes.len().min(0xff) as u64) << 56)
    }

    /// Whether it is the whole of its text.
    #[inline]
    fn is_whole(self) -> bool {
        self.0 >> 56 < 8
    }

    fn of_key(key: Key<'_>) -> Self {
        match key {
            Key::Text(text) => Self::of(text),
            _ => Self::OTHER,
        }
    }
}

/// A key of a map. JSON's are texts; a template may put others.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    Text(&'a str),
    Int(i64),
    Bool(bool),
    Null,
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::Null, Self::Null) => true,
            _ => false,
        }
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Text(text) => text.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Bool(flag) => flag.hash(state),
            Self::Null => {}
        }
    }
}

impl<'a> Key<'a> {
    pub fn to_value(self) -> Value<'a> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Int(number) => i32::try_from(number).map_or(Value::Long(number), Value::Int),
            Self::Bool(flag) => Value::Bool(flag),
            Self::Null => Value::Null,
        }
    }
}

impl<'a> Map<'a> {
    pub fn new_in(arena: &'a Bump) -> &'a Self {
        Self::with_capacity_in(0, arena)
    }

    /// With room for so many entries, where that is known: growing leaves the smaller room behind in the arena.
    pub fn with_capacity_in(entries: usize, arena: &'a Bump) -> &'a Self {
        arena.alloc(Self {
            entries: RefCell::new(BumpVec::with_capacity_in(entries, arena)),
            index: OnceCell::new(),
            live: Cell::new(0),
            arena,
        })
    }

    /// Of keys and values side by side, as a reader has them: what `put` after `put` makes, in less time.
    pub fn of_texts(keys: &[&'a str], values: &[Value<'a>], arena: &'a Bump) -> &'a Self {
        let map = Self::with_capacity_in(keys.len(), arena);
        if keys.len() >= INDEXED_FROM {
            // An index that grows hashes all of its keys again.
            map.index().positions.borrow_mut().reserve(keys.len(), |_| 0);
            for (key, value) in keys.iter().zip(values) {
                map.put(Key::Text(key), *value);
            }
            return map;
        }
        {
            let mut entries = map.entries.borrow_mut();
            // A bit for each tag that was met, or some with it: most keys differ in theirs from all before.
            let mut met = 0_u64;
            for (key, value) in keys.iter().zip(values) {
                let tag = Tag::of(key);
                let bit = 1_u64 << (tag.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58);
                if met & bit != 0
                    && let Some(earlier) = entries.iter_mut().find(|entry| entry.is_text(tag, key))
                {
                    earlier.value = Some(*value);
                    continue;
                }
                met |= bit;
                entries.push(Entry { tag, key: Key::Text(key), value: Some(*value) });
            }
            map.live.set(entries.len());
        }
        map
    }

    pub fn arena(&self) -> &'a Bump {
        self.arena
    }

    pub fn len(&self) -> usize {
        self.live.get()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `Some(Value::Null)` where the key is there with a null.
    pub fn get(&self, key: Key<'_>) -> Option<Value<'a>> {
        let position = self.position(key)?;
        self.entries.borrow()[position].value
    }

    /// By a text.
    #[inline]
    pub fn text(&self, key: &str) -> Option<Value<'a>> {
        self.tagged(Tag::of(key), || key)
    }

    /// By a text whose tag is known.
    #[inline]
    pub fn tagged<'k>(&self, tag: Tag, key: impl Fn() -> &'k str) -> Option<Value<'a>> {
        let entries = self.entries.borrow();
        if entries.len() >= INDEXED_FROM {
            return self.get(Key::Text(key()));
        }
        let found = if tag.is_whole() {
            entries.iter().find(|entry| entry.tag == tag)
        } else {
            entries.iter().find(|entry| entry.is_text(tag, key()))
        };
        found.and_then(|entry| entry.value)
    }

    /// Puts a value, at the end where the key is new and in its old place otherwise; answers what was there.
    pub fn put(&self, key: Key<'a>, value: Value<'a>) -> Option<Value<'a>> {
        let mut entries = self.entries.borrow_mut();
        let position = self.position_in(&entries, key);
        if let Some(entry) = position.and_then(|position| entries.get_mut(position)) {
            return entry.value.replace(value);
        }
        entries.push(Entry { tag: Tag::of_key(key), key, value: Some(value) });
        self.live.set(self.live.get() + 1);
        if entries.len() < INDEXED_FROM {
            return None;
        }
        let index = self.index();
        let hash = |entry: &Entry<'_>| index.hasher.hash_one(entry.key);
        let mut positions = index.positions.borrow_mut();
        // All of them once it gets so long, and then each that comes.
        let first = if entries.len() == INDEXED_FROM { 0 } else { entries.len() - 1 };
        for (position, entry) in entries.iter().enumerate().skip(first).filter(|(_, entry)| entry.value.is_some()) {
            positions.insert_unique(hash(entry), position as u32, |&at| hash(&entries[at as usize]));
        }
        None
    }

    /// Takes an entry out; the others keep their order.
    pub fn remove(&self, key: Key<'_>) -> Option<Value<'a>> {
        let position = self.position(key)?;
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[position];
        let value = entry.value.take();
        // Put again it goes to the end, as in Java: its old place must not be found.
        entry.tag = Tag::REMOVED;
        if let Some(index) = self.index.get() {
            let hash = index.hasher.hash_one(entry.key);
            if let Ok(found) = index.positions.borrow_mut().find_entry(hash, |&at| at as usize == position) {
                found.remove();
            }
        }
        self.live.set(self.live.get() - 1);
        self.close_up(&mut entries);
        value
    }

    /// Forgets the places of what was removed, once they are most: whoever goes through the map would pass by all of them.
    /// As many stay as keep it one with an index.
    fn close_up(&self, entries: &mut BumpVec<'a, Entry<'a>>) {
        let live = self.live.get();
        if entries.len() <= 2 * live.max(INDEXED_FROM) {
            return;
        }
        let mut spare = INDEXED_FROM.saturating_sub(live);
        let mut kept = 0;
        let mut places = Vec::with_capacity(entries.len());
        entries.retain(|entry| {
            let stays = entry.value.is_some() || spare > 0;
            if entry.value.is_none() {
                spare = spare.saturating_sub(1);
            }
            places.push(kept);
            kept += u32::from(stays);
            stays
        });
        if let Some(index) = self.index.get() {
            for at in index.positions.borrow_mut().iter_mut() {
                *at = places[*at as usize];
            }
        }
    }

    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
        if let Some(index) = self.index.get() {
            index.positions.borrow_mut().clear();
        }
        self.live.set(0);
    }

    /// Calls `each` for every entry in order. The map must not be changed meanwhile.
    pub fn for_each(&self, mut each: impl FnMut(Key<'a>, Value<'a>)) {
        for entry in self.entries.borrow().iter() {
            if let Some(value) = entry.value {
                each(entry.key, value);
            }
        }
    }

    /// The entry at or behind a position in `entries`, with the position behind it: a loop that tolerates changes.
    pub fn next_from(&self, position: usize) -> Option<(usize, Key<'a>, Value<'a>)> {
        let entries = self.entries.borrow();
        let behind = entries.get(position..)?;
        let (skipped, (key, value)) =
            behind.iter().enumerate().find_map(|(skipped, entry)| Some((skipped, (entry.key, entry.value?))))?;
        Some((position + skipped + 1, key, value))
    }

    /// Made when it is first needed.
    fn index(&self) -> &Index<'a> {
        self.index.get_or_init(|| Index {
            positions: RefCell::new(HashTable::new_in(self.arena)),
            hasher: RandomState::default(),
        })
    }

    fn position(&self, key: Key<'_>) -> Option<usize> {
        self.position_in(&self.entries.borrow(), key)
    }

    fn position_in(&self, entries: &[Entry<'a>], key: Key<'_>) -> Option<usize> {
        match self.index.get() {
            Some(index) if entries.len() >= INDEXED_FROM => {
                let positions = index.positions.borrow();
                let found = positions.find(index.hasher.hash_one(key), |&at| entries[at as usize].key == key)?;
                Some(*found as usize)
            }
            _ => {
                let tag = Tag::of_key(key);
                entries.iter().position(|entry| entry.tag == tag && entry.key == key)
            }
        }
    }
}

impl Entry<'_> {
    #[inline]
    fn is_text(&self, tag: Tag, key: &str) -> bool {
        self.tag == tag && (tag.is_whole() || self.key == Key::Text(key))
    }
}

const _: () = assert!(size_of::<Value<'_>>() <= 24, "values are copied all the time");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_keep_their_order_and_find_what_they_hold() {
        let arena = Bump::new();
        let map = Map::new_in(&arena);
        for number in 0..40 {
            assert!(map.put(Key::Int(number), Value::Long(number)).is_none());
        }
        assert!(matches!(map.remove(Key::Int(3)), Some(Value::Long(3))));
        assert!(map.get(Key::Int(3)).is_none());
        assert!(matches!(map.put(Key::Int(7), Value::Null), Some(Value::Long(7))));
        map.put(Key::Int(3), Value::Bool(true));
        let mut keys = Vec::new();
        map.for_each(|key, _| keys.push(key));
        let expected: Vec<_> = (0..3).chain(4..40).chain([3]).map(Key::Int).collect();
        assert_eq!((keys, map.len()), (expected, 40));
        assert!(matches!(map.get(Key::Int(7)), Some(Value::Null)) && map.text("7").is_none());
    }

    #[test]
    fn what_was_removed_early_is_not_found_late() {
        let arena = Bump::new();
        let map = Map::new_in(&arena);
        for number in 0..10 {
            map.put(Key::Int(number), Value::Long(number));
        }
        map.remove(Key::Int(5));
        for number in 10..60 {
            map.put(Key::Int(number), Value::Long(number));
        }
        assert!(map.get(Key::Int(5)).is_none());
        assert_eq!(map.len(), 59);
    }

    #[test]
    fn what_was_removed_takes_no_place() {
        let arena = Bump::new();
        let map = Map::new_in(&arena);
        map.put(Key::Text("first"), Value::Null);
        for number in 0..1_000 {
            map.put(Key::Int(number), Value::Long(number));
            if number >= 40 {
                assert!(
                    matches!(map.remove(Key::Int(number - 40)), Some(Value::Long(removed)) if removed == number - 40)
                );
            }
        }
        assert!(map.entries.borrow().len() <= 100 && map.len() == 41);
        for number in 960..990 {
            assert!(matches!(map.get(Key::Int(number)), Some(Value::Long(found)) if found == number));
            map.remove(Key::Int(number));
        }
        for number in 0..100 {
            map.put(Key::Bool(true), Value::Long(number));
            map.remove(Key::Bool(true));
        }
        let mut keys = Vec::new();
        map.for_each(|key, _| keys.push(key));
        let expected: Vec<_> = [Key::Text("first")].into_iter().chain((990..1_000).map(Key::Int)).collect();
        assert_eq!(keys, expected);
        assert!(map.entries.borrow().len() <= 67 && map.text("first").is_some() && map.get(Key::Int(995)).is_some());
    }

    #[test]
    fn what_was_removed_and_put_again_is_found() {
        let arena = Bump::new();
        let map = Map::new_in(&arena);
        map.put(Key::Text("a"), Value::Int(1));
        map.remove(Key::Text("a"));
        assert!(map.text("a").is_none());
        map.put(Key::Text("a"), Value::Int(2));
        assert!(matches!(map.text("a"), Some(Value::Int(2))));
    }

    #[test]
    fn texts_are_told_apart_however_their_tags_are() {
        let texts =
            ["", "a", "b", "ab", "ba", "abc", "abcd", "dcba", "abcdefg", "gbcdefg", "abcdefgh", "abcdefgi", "é"];
        let arena = Bump::new();
        let values: Vec<_> = (0..texts.len()).map(|number| Value::Int(number as i32)).collect();
        let map = Map::of_texts(&texts, &values, &arena);
        assert_eq!(map.len(), texts.len());
        for (number, text) in texts.iter().enumerate() {
            assert!(matches!(map.text(text), Some(Value::Int(found)) if found as usize == number), "{text}");
        }
        assert!(map.text("abcdefgj").is_none());
        assert!(matches!(map.remove(Key::Text("ab")), Some(Value::Int(3))));
        assert!(map.text("ab").is_none() && map.get(Key::Text("ab")).is_none());
        map.put(Key::Text("ab"), Value::Bool(true));
        assert!(matches!(map.text("ab"), Some(Value::Bool(true))));
        let twice = Map::of_texts(&["abcdefgh", "abcdefgh"], &values[..2], &arena);
        assert!(twice.len() == 1 && matches!(twice.text("abcdefgh"), Some(Value::Int(1))));
    }
}
