//! Whether a body holds against the parts of a schema: no text is made for a yes, and the work is bounded.

use std::cmp::Ordering;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::json::{Kind, Value};
use super::parts::{Dependency, Keyword, Limit, Others, Part, PartNumber};
use super::pattern::Pattern;
use crate::settings::limits::{
    SCHEMA_CALLS_MAX, SCHEMA_PATTERN_WORK_MAX, SCHEMA_STEPS_MAX, SCHEMA_STEPS_MIN, SCHEMA_STEPS_PER_BYTE,
};

/// Bytes of a text or a number that are read, counted or hashed in one step.
const BYTES_PER_STEP: u64 = 8;

/// One body's check, and the search for what to say of it: both out of the same steps.
pub(super) struct Run<'s> {
    parts: &'s [Part],
    steps_left: u64,
    /// Of patterns.
    work_left: u64,
    calls_left: usize,
    /// It cost too much: whatever was answered since then means nothing.
    pub(super) exceeded: bool,
}

impl<'s> Run<'s> {
    pub(super) fn new(parts: &'s [Part], body_bytes: usize) -> Self {
        let steps_left = SCHEMA_STEPS_PER_BYTE.saturating_mul(body_bytes as u64).saturating_add(SCHEMA_STEPS_MIN);
        let (steps_left, work_left) = (steps_left.min(SCHEMA_STEPS_MAX), SCHEMA_PATTERN_WORK_MAX);
        Self { parts, steps_left, work_left, calls_left: SCHEMA_CALLS_MAX, exceeded: false }
    }

    /// False, too, where it cost too much: `exceeded` says so.
    pub(super) fn holds(&mut self, part: PartNumber, value: Value<'_>) -> bool {
        let Some(part) = self.enter(part) else { return false };
        let holds = part.keywords.iter().all(|keyword| self.keyword(keyword, value))
            && match value.kind() {
                Kind::Object => self.members(part, value),
                Kind::List => match part.items.of(0).or(part.items.of(usize::MAX)) {
                    None => true,
                    Some(_) if !self.charge(value.count() as u64 / 8) => false,
                    Some(_) => value
                        .items()
                        .enumerate()
                        .all(|(index, item)| part.items.of(index).is_none_or(|part| self.holds(part, item))),
                },
                _ => true,
            };
        self.leave();
        holds
    }

    pub(super) fn enter(&mut self, part: PartNumber) -> Option<&'s Part> {
        if self.exceeded || self.steps_left == 0 || self.calls_left == 0 {
            self.exceeded = true;
            return None;
        }
        self.steps_left -= 1;
        let part = self.parts.get(part as usize)?;
        self.calls_left -= 1;
        Some(part)
    }

    /// What [`enter`](Self::enter) opened is over.
    pub(super) fn leave(&mut self) {
        self.calls_left += 1;
    }

    /// Takes the steps of work that grows with a value; false where there are not enough left.
    pub(super) fn charge(&mut self, steps: u64) -> bool {
        self.exceeded |= steps > self.steps_left;
        self.steps_left = self.steps_left.saturating_sub(steps);
        !self.exceeded
    }

    /// For what reads all of a value.
    fn charge_reading(&mut self, value: Value<'_>) -> bool {
        self.charge(value.size()) && self.charge(value.bytes() / BYTES_PER_STEP)
    }

    /// Takes the steps of patterns; false where there are not enough left.
    fn charge_work(&mut self, steps: u64) -> bool {
        self.exceeded |= steps > self.work_left;
        self.work_left = self.work_left.saturating_sub(steps);
        !self.exceeded
    }

    /// Paid for beforehand, out of steps of its own: texts are short and patterns large, or the other way around.
    pub(super) fn matches(&mut self, pattern: &Pattern, text: &str) -> bool {
        self.charge_work(pattern.steps(text)) && pattern.matches(text)
    }

    /// One keyword, but for those that [`members`](Self::members) looks at.
    pub(super) fn keyword(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let kind = value.kind();
        match keyword {
            Keyword::Type(types) => types.has(kind),
            Keyword::Enum(options) => {
                self.charge_reading(value) && self.charge(options.steps(value)) && options.has(value)
            }
            Keyword::AllOf(parts) => parts.iter().all(|&part| self.holds(part, value)),
            Keyword::AnyOf(parts) => parts.iter().any(|&part| self.holds(part, value)),
            Keyword::OneOf(parts) => self.matching(parts, value, 2) == 1,
            Keyword::Not(part) => !self.holds(*part, value),
            _ => match kind {
                Kind::Text => self.of_text(keyword, value),
                Kind::Integer | Kind::Number => {
                    self.charge(value.raw().len() as u64 / BYTES_PER_STEP) && of_number(keyword, value.raw())
                }
                Kind::List => self.of_list(keyword, value),
                Kind::Object => self.of_object(keyword, value),
                Kind::Null | Kind::False | Kind::True => true,
            },
        }
    }

    /// How many of them hold, counted up to `enough`.
    pub(super) fn matching(&mut self, parts: &[PartNumber], value: Value<'_>, enough: usize) -> usize {
        parts.iter().filter(|&&part| self.holds(part, value)).take(enough).count()
    }

    fn of_text(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let text = || value.text().unwrap_or_default();
        let length = value.raw().len() as u64;
        if !self.charge(length / BYTES_PER_STEP) {
            return false;
        }
        match keyword {
            Keyword::Format(format) => self.charge_work(format.steps(length)) && format.holds(&text()),
            // A character has one to four bytes: most texts need not be counted.
            Keyword::MaxLength(most) => value.raw().len() as u64 <= *most || characters(value) <= *most,
            // … nor here: a character has at most the twelve bytes of an escaped pair.
            Keyword::MinLength(least) => value.raw().len() as u64 / 12 >= *least || characters(value) >= *least,
            Keyword::Pattern(pattern) => self.matches(pattern, &text()),
            _ => true,
        }
    }

    fn of_list(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let count = value.count() as u64;
        match keyword {
            Keyword::AdditionalItems(most) => count <= *most as u64,
            Keyword::MaxItems(most) => count <= *most,
            Keyword::MinItems(least) => count >= *least,
            // All of it is hashed: lists of lists of lists once a level.
            // A hundred thousand of them are more than a processor has at hand: each is then waited for.
            Keyword::UniqueItems => self.charge_reading(value) && self.charge(count * 8) && is_unique(value),
            _ => true,
        }
    }

    fn of_object(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let count = value.count() as u64;
        match keyword {
            Keyword::MaxProperties(most) => count <= *most,
            // Names are sorted.
            Keyword::MinProperties(least) => count >= *least && self.charge(count * 4) && distinct(value) >= *least,
            Keyword::Dependencies(dependencies) => {
                // Each name is looked for among all members.
                self.charge(dependencies.len() as u64 * (count + 4) / 8)
                    && dependencies.iter().filter(|(name, _)| value.has(name)).all(|(_, dependency)| match dependency {
                        Dependency::Names(names) => {
                            self.charge(names.len() as u64 * (count + 4) / 8)
                                && names.iter().all(|name| value.has(name))
                        }
                        Dependency::Part(part) => self.holds(*part, value),
                    })
            }
            _ => true,
        }
    }

    /// `properties`, `patternProperties`, `additionalProperties` and `required`, in one walk. A name that stands twice is
    /// checked twice: backends differ in which one they take.
    fn members(&mut self, part: &Part, value: Value<'_>) -> bool {
        if part.names.is_empty() && part.patterns.is_empty() && part.others == Others::Allowed {
            return true;
        }
        let mut seen = Seen::default();
        let mut missing = part.required;
        let sound = value.members().all(|(name, member)| {
            if !self.charge(1 + name.raw().len() as u64 / BYTES_PER_STEP) {
                return false;
            }
            let text = name.text().unwrap_or_default();
            let mut known = false;
            if let Some(index) = part.name(&text) {
                let own = &part.names[index];
                if own.required && seen.mark(index) {
                    missing -= 1;
                }
                if let Some(part) = own.part {
                    known = true;
                    if !self.holds(part, member) {
                        return false;
                    }
                }
            }
            for (pattern, part) in &part.patterns {
                if self.matches(pattern, &text) {
                    known = true;
                    if !self.holds(*part, member) {
                        return false;
                    }
                }
            }
            match part.others {
                _ if known => true,
                Others::Allowed => true,
                Others::Forbidden => false,
                Others::Part(part) => self.holds(part, member),
            }
        });
        sound && missing == 0
    }
}

fn of_number(keyword: &Keyword, number: &str) -> bool {
    let beyond = |limit: &Limit, side: Ordering| {
        let order = limit.number.order_of(number);
        order == side || (limit.exclusive && order == Ordering::Equal)
    };
    match keyword {
        Keyword::Maximum(limit) => !beyond(limit, Ordering::Greater),
        Keyword::Minimum(limit) => !beyond(limit, Ordering::Less),
        Keyword::MultipleOf(divisor, _) => divisor.divides(number),
        _ => true,
    }
}

/// Characters are code points, in the Java library too.
pub(super) fn characters(value: Value<'_>) -> u64 {
    value.text().map_or(0, |text| text.chars().count() as u64)
}

fn distinct(value: Value<'_>) -> u64 {
    let mut names: Vec<_> = value.members().filter_map(|(name, _)| name.text()).collect();
    names.sort();
    names.dedup();
    names.len() as u64
}

/// In linear time: a client chooses how many items there are.
fn is_unique(list: Value<'_>) -> bool {
    let hasher = RandomState::default();
    let mut seen: HashTable<(u64, u32)> = HashTable::with_capacity(list.count());
    list.items().all(|item| {
        let hash = item.hash(&hasher);
        if seen.find(hash, |(_, earlier)| list.at(*earlier).equals(item)).is_some() {
            return false;
        }
        seen.insert_unique(hash, (hash, item.place()), |(hash, _)| *hash);
        true
    })
}

/// Which names have been met. The first hundred or so take no allocation.
#[derive(Default)]
struct Seen {
    first: u128,
    more: Vec<u64>,
}

impl Seen {
    /// False where it was marked already.
    fn mark(&mut self, index: usize) -> bool {
        if let Some(bit) = 1_u128.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)) {
            let fresh = self.first & bit == 0;
            self.first |= bit;
            return fresh;
        }
        let (word, bit) = (index / 64, 1_u64 << (index % 64));
        if self.more.len() <= word {
            self.more.resize(word + 1, 0);
        }
        let fresh = self.more[word] & bit == 0;
        self.more[word] |= bit;
        fresh
    }
}
