//! A compiled schema: its parts by number, so that models may name each other in circles.

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::format::Format;
use super::json::{Json, Kind, Value};
use super::number::{Divisor, Number};
use super::pattern::Pattern;

/// Which part a keyword hands a value to.
pub(super) type PartNumber = u32;

/// One schema within the schema. A `$ref` is no part: who names it names its target.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// In alphabetical order: the one in which the Java library complains.
    pub(super) keywords: Vec<Keyword>,
    /// What is said of members by name: sorted.
    pub(super) names: Box<[Name]>,
    pub(super) required: usize,
    pub(super) patterns: Box<[(Pattern, PartNumber)]>,
    pub(super) others: Others,
    pub(super) items: Items,
}

#[derive(Debug)]
pub(super) struct Name {
    head: u64,
    pub(super) name: Box<str>,
    /// Of `properties`.
    pub(super) part: Option<PartNumber>,
    pub(super) required: bool,
}

impl Part {
    /// The index of what is said of members with this name.
    pub(super) fn name(&self, name: &str) -> Option<usize> {
        let head = head(name);
        let found = self.names.binary_search_by(|own| own.head.cmp(&head).then_with(|| (*own.name).cmp(name)));
        found.ok()
    }
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        Self { head: head(name), name: name.into(), part: None, required: false }
    }
}

/// The first eight bytes of a name, as a number of the same order: most names are told apart by one comparison.
fn head(name: &str) -> u64 {
    match name.as_bytes().first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => name.bytes().zip((0..8).rev()).fold(0, |head, (byte, place)| head | u64::from(byte) << (8 * place)),
    }
}

/// `additionalProperties`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Others {
    #[default]
    Allowed,
    Forbidden,
    Part(PartNumber),
}

#[derive(Debug, Default)]
pub(super) enum Items {
    #[default]
    Any,
    All(PartNumber),
    /// By position, and what holds behind them.
    Each(Box<[PartNumber]>, Option<PartNumber>),
}

impl Items {
    pub(super) fn of(&self, index: usize) -> Option<PartNumber> {
        match self {
            Self::Any => None,
            Self::All(part) => Some(*part),
            Self::Each(parts, behind) => parts.get(index).copied().or(*behind),
        }
    }
}

#[derive(Debug)]
pub(super) enum Keyword {
    /// `false` behind so many items.
    AdditionalItems(usize),
    AdditionalProperties,
    AllOf(Box<[PartNumber]>),
    AnyOf(Box<[PartNumber]>),
    Dependencies(Box<[(Box<str>, Dependency)]>),
    Enum(Options),
    Format(Format),
    Maximum(Limit),
    MaxItems(u64),
    MaxLength(u64),
    MaxProperties(u64),
    Minimum(Limit),
    MinItems(u64),
    MinLength(u64),
    MinProperties(u64),
    MultipleOf(Divisor, Box<str>),
    Not(PartNumber),
    OneOf(Box<[PartNumber]>),
    Pattern(Pattern),
    Required,
    Type(Types),
    UniqueItems,
}

#[derive(Debug)]
pub(super) enum Dependency {
    Names(Box<[Box<str>]>),
    Part(PartNumber),
}

#[derive(Debug)]
pub(super) struct Limit {
    pub(super) number: Number,
    pub(super) exclusive: bool,
}

/// The values of an `enum`.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) json: Json<'static>,
    places: Vec<u32>,
    hasher: RandomState,
    /// By hash; empty where they are few, which are compared one by one.
    index: HashTable<u32>,
}

/// Options up to which comparing each is faster than hashing the value.
const LOOKED_THROUGH: usize = 8;

impl Options {
    pub(super) fn new(json: Json<'static>) -> Self {
        let hasher = RandomState::default();
        let places: Vec<u32> = json.root().items().map(Value::place).collect();
        let mut index = HashTable::new();
        if places.len() > LOOKED_THROUGH {
            for &place in &places {
                let hash = |place: &u32| json.at(*place).hash(&hasher);
                index.insert_unique(hash(&place), place, hash);
            }
        }
        Self { json, places, hasher, index }
    }

    /// What [`has`](Self::has) may cost besides reading the value: it is compared with each, lists and objects at length.
    pub(super) fn steps(&self, value: Value<'_>) -> u64 {
        match value.kind() {
            Kind::List | Kind::Object if self.index.is_empty() => {
                self.json.root().size() + self.places.len() as u64 * value.size()
            }
            // Hashing a number and comparing it once takes a quarter of a microsecond, and a body holds two million.
            _ if !self.index.is_empty() => 4 * value.size(),
            _ => 0,
        }
    }

    pub(super) fn has(&self, value: Value<'_>) -> bool {
        if self.index.is_empty() {
            return self.places.iter().any(|&place| self.json.at(place).equals(value));
        }
        self.index.find(value.hash(&self.hasher), |&place| self.json.at(place).equals(value)).is_some()
    }
}

/// A set of JSON's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types(u8);

/// In the order of the Java library.
pub(super) const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

impl Types {
    /// False where no type has that name.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let Some(bit) = TYPES.iter().position(|known| *known == name) else { return false };
        self.0 |= 1 << bit;
        if name == "number" {
            self.add("integer");
        }
        true
    }

    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & (1 << Self::bit(kind)) != 0
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        TYPES.iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name)
    }

    pub(super) fn name(kind: Kind) -> &'static str {
        TYPES.get(Self::bit(kind)).copied().unwrap_or_default()
    }

    fn bit(kind: Kind) -> usize {
        match kind {
            Kind::List => 0,
            Kind::False | Kind::True => 1,
            Kind::Integer => 2,
            Kind::Null => 3,
            Kind::Number => 4,
            Kind::Object => 5,
            Kind::Text => 6,
        }
    }
}
