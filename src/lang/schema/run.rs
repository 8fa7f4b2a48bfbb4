//! A body against the parts of a schema: first only whether it holds; where it does not, once more for the reasons.

use std::cmp::Ordering;
use std::fmt::Write;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::json::{Kind, Value, cut};
use super::number;
use super::parts::{Dependency, Keyword, Limit, Others, Part, PartNumber, Types};
use super::pattern::Pattern;
use crate::settings::limits::{
    SCHEMA_CALLS_MAX, SCHEMA_STEPS_MIN, SCHEMA_STEPS_PER_BYTE, SCHEMA_VIOLATION_VALUE_BYTES_MAX,
    SCHEMA_VIOLATIONS_BYTES_MAX,
};

/// One body's check.
pub(super) struct Run<'s> {
    parts: &'s [Part],
    steps_left: u64,
    calls_left: usize,
    /// It cost too much: whatever was answered since then means nothing.
    pub(super) exceeded: bool,
}

impl<'s> Run<'s> {
    pub(super) fn new(parts: &'s [Part], body_bytes: usize) -> Self {
        let steps_left = SCHEMA_STEPS_MIN + SCHEMA_STEPS_PER_BYTE * body_bytes as u64;
        Self { parts, steps_left, calls_left: SCHEMA_CALLS_MAX, exceeded: false }
    }

    /// False, too, where it cost too much: `exceeded` says so.
    pub(super) fn holds(&mut self, part: PartNumber, value: Value<'_>) -> bool {
        let Some(part) = self.enter(part) else { return false };
        let holds = part.keywords.iter().all(|keyword| self.keyword(keyword, value))
            && match value.kind() {
                Kind::Object => self.members(part, value),
                Kind::List => match part.items.of(0).or(part.items.of(usize::MAX)) {
                    None => true,
                    Some(_) => value
                        .items()
                        .enumerate()
                        .all(|(index, item)| part.items.of(index).is_none_or(|part| self.holds(part, item))),
                },
                _ => true,
            };
        self.calls_left += 1;
        holds
    }

    fn enter(&mut self, part: PartNumber) -> Option<&'s Part> {
        if self.exceeded || self.steps_left == 0 || self.calls_left == 0 {
            self.exceeded = true;
            return None;
        }
        self.steps_left -= 1;
        let part = self.parts.get(part as usize)?;
        self.calls_left -= 1;
        Some(part)
    }

    /// Takes the steps of work that grows with a value; false where there are not enough left.
    fn charge(&mut self, steps: u64) -> bool {
        self.exceeded |= steps > self.steps_left;
        self.steps_left = self.steps_left.saturating_sub(steps);
        !self.exceeded
    }

    /// One that does not run in linear time takes all the steps that its text has brought.
    fn matches(&mut self, pattern: &Pattern, text: &str) -> bool {
        let steps = if pattern.is_costly() { SCHEMA_STEPS_PER_BYTE * text.len() as u64 } else { 0 };
        self.charge(steps) && pattern.matches(text)
    }

    /// One keyword, but for those that [`members`](Self::members) looks at.
    fn keyword(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let kind = value.kind();
        match keyword {
            Keyword::Type(types) => types.has(kind),
            Keyword::Enum(options) => self.charge(value.size()) && options.has(value),
            Keyword::AllOf(parts) => parts.iter().all(|&part| self.holds(part, value)),
            Keyword::AnyOf(parts) => parts.iter().any(|&part| self.holds(part, value)),
            Keyword::OneOf(parts) => self.matching(parts, value, 2) == 1,
            Keyword::Not(part) => !self.holds(*part, value),
            _ => match kind {
                Kind::Text => self.of_text(keyword, value),
                Kind::Integer | Kind::Number => of_number(keyword, value.raw()),
                Kind::List => self.of_list(keyword, value),
                Kind::Object => self.of_object(keyword, value),
                Kind::Null | Kind::False | Kind::True => true,
            },
        }
    }

    /// How many of them hold, counted up to `enough`.
    fn matching(&mut self, parts: &[PartNumber], value: Value<'_>, enough: usize) -> usize {
        parts.iter().filter(|&&part| self.holds(part, value)).take(enough).count()
    }

    fn of_text(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let text = || value.text().unwrap_or_default();
        match keyword {
            Keyword::Format(format) => format.holds(&text()),
            // A character has one to four bytes: most texts need not be counted.
            Keyword::MaxLength(most) => value.raw().len() as u64 <= *most || characters(value) <= *most,
            Keyword::MinLength(least) => characters(value) >= *least,
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
            Keyword::UniqueItems => self.charge(value.size()) && is_unique(value),
            _ => true,
        }
    }

    fn of_object(&mut self, keyword: &Keyword, value: Value<'_>) -> bool {
        let count = value.count() as u64;
        match keyword {
            Keyword::MaxProperties(most) => count <= *most,
            Keyword::MinProperties(least) => count >= *least && distinct(value) >= *least,
            Keyword::Dependencies(dependencies) => {
                self.charge(dependencies.len() as u64 * count / 8)
                    && dependencies.iter().filter(|(name, _)| value.has(name)).all(|(_, dependency)| match dependency {
                        Dependency::Names(names) => names.iter().all(|name| value.has(name)),
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
            let text = name.text().unwrap_or_default();
            let mut known = false;
            if let Ok(index) = part.names.binary_search_by(|own| (*own.name).cmp(&text)) {
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

    /// What is wrong, in the order of the Java library: a schema's own keywords by name, then its members by name.
    pub(super) fn explain(&mut self, part: PartNumber, value: Value<'_>, report: &mut Report) {
        if report.is_full() {
            return;
        }
        let Some(part) = self.enter(part) else { return };
        let members = Members::of(value);
        for keyword in &part.keywords {
            self.complain(part, keyword, value, &members, report);
        }
        for (name, member) in &members.0 {
            let (own, others) = parts_of(part, name);
            own.into_iter().chain(others).for_each(|part| self.explain(part, *member, report));
        }
        for (index, item) in value.items().enumerate() {
            if let Some(part) = part.items.of(index) {
                self.explain(part, item, report);
            }
        }
        self.calls_left += 1;
    }

    fn complain(
        &mut self,
        part: &Part,
        keyword: &Keyword,
        value: Value<'_>,
        members: &Members<'_>,
        report: &mut Report,
    ) {
        match keyword {
            Keyword::Required if value.kind() == Kind::Object => {
                let required = part.names.iter().filter(|name| name.required && !members.has(&name.name));
                let missing = names(required.map(|name| &*name.name));
                if missing != "[]" {
                    report.add(&format!("object has missing required properties ({missing})"));
                }
            }
            Keyword::AdditionalProperties if value.kind() == Kind::Object => {
                let mut unknown: Vec<&str> = members.0.iter().map(|(name, _)| name.as_str()).collect();
                unknown.retain(|name| parts_of(part, name).0.is_empty());
                unknown.dedup();
                if !unknown.is_empty() {
                    let unknown = names(unknown.into_iter());
                    report
                        .add(&format!("object instance has properties which are not allowed by the schema: {unknown}"));
                }
            }
            Keyword::Dependencies(dependencies) if value.kind() == Kind::Object => {
                for (name, dependency) in dependencies.iter().filter(|(name, _)| members.has(name)) {
                    match dependency {
                        Dependency::Part(part) => self.explain(*part, value, report),
                        Dependency::Names(wanted) => {
                            let missing = names(wanted.iter().map(|name| &**name).filter(|name| !members.has(name)));
                            if missing != "[]" {
                                let wanted = names(wanted.iter().map(|name| &**name));
                                report.add(&format!(
                                    "property \"{name}\" of object has missing property dependencies (schema requires {wanted}; missing: {missing})"
                                ));
                            }
                        }
                    }
                }
            }
            Keyword::Required | Keyword::AdditionalProperties | Keyword::Dependencies(_) => {}
            _ if self.keyword(keyword, value) => {}
            _ => {
                let complaint = self.complaint(keyword, value);
                report.add(&complaint);
            }
        }
    }

    /// The Java library's words for a keyword that does not hold (rest/03 section 3.3).
    fn complaint(&mut self, keyword: &Keyword, value: Value<'_>) -> String {
        let count = value.count();
        let shown = shown(value);
        match keyword {
            Keyword::AdditionalItems(most) => {
                format!("schema only allows {most} elements in array but instance has {count} elements")
            }
            Keyword::AllOf(parts) => {
                let matched = self.matching(parts, value, usize::MAX);
                format!("instance failed to match all required schemas (matched only {matched} out of {})", parts.len())
            }
            Keyword::AnyOf(parts) => {
                format!("instance failed to match at least one required schema among {}", parts.len())
            }
            Keyword::OneOf(parts) => {
                let matched = self.matching(parts, value, usize::MAX);
                format!("instance failed to match exactly one schema (matched {matched} out of {})", parts.len())
            }
            Keyword::Not(_) => "instance matched a schema which it should not have".to_owned(),
            Keyword::Enum(options) => {
                let mut all = String::new();
                options.json.root().write(SCHEMA_VIOLATIONS_BYTES_MAX / 4, &mut all);
                format!("instance value ({shown}) not found in enum (possible values: {all})")
            }
            Keyword::Format(format) => format.complaint(&told(value)),
            Keyword::Maximum(Limit { number, exclusive: false }) => {
                format!("numeric instance is greater than the required maximum (maximum: {number}, found: {shown})")
            }
            Keyword::Maximum(Limit { number, .. }) => {
                format!("numeric instance is not strictly lower than the required maximum {number}")
            }
            Keyword::Minimum(Limit { number, exclusive: false }) => {
                format!("numeric instance is lower than the required minimum (minimum: {number}, found: {shown})")
            }
            Keyword::Minimum(Limit { number, .. }) => {
                format!("numeric instance is not strictly greater than the required minimum {number}")
            }
            Keyword::MultipleOf(_, divisor) => format!("remainder of division is not zero ({shown} / {divisor})"),
            Keyword::MaxItems(most) => {
                format!("array is too long: must have at most {most} elements but instance has {count} elements")
            }
            Keyword::MinItems(least) => {
                format!("array is too short: must have at least {least} elements but instance has {count} elements")
            }
            Keyword::UniqueItems => "array must not contain duplicate elements".to_owned(),
            Keyword::MaxLength(most) => {
                let length = characters(value);
                format!("string \"{}\" is too long (length: {length}, maximum allowed: {most})", told(value))
            }
            Keyword::MinLength(least) => {
                let length = characters(value);
                format!("string \"{}\" is too short (length: {length}, required minimum: {least})", told(value))
            }
            Keyword::Pattern(pattern) => {
                let source = cut(&pattern.source, SCHEMA_VIOLATION_VALUE_BYTES_MAX);
                format!("ECMA 262 regex \"{source}\" does not match input string \"{}\"", told(value))
            }
            Keyword::MaxProperties(most) => {
                format!("object has too many properties (found {count} but schema requires at most {most})")
            }
            Keyword::MinProperties(least) => {
                format!("object has too few properties (found {count} but schema requires at least {least})")
            }
            Keyword::Type(types) => {
                let (own, allowed) = (Types::name(value.kind()), names(types.names()));
                format!("instance type ({own}) does not match any allowed primitive type (allowed: {allowed})")
            }
            // These are told by their names.
            Keyword::AdditionalProperties | Keyword::Dependencies(_) | Keyword::Required => String::new(),
        }
    }
}

/// Members by their names, for a report.
struct Members<'j>(Vec<(String, Value<'j>)>);

impl<'j> Members<'j> {
    fn of(value: Value<'j>) -> Self {
        let mut members: Vec<(String, Value<'j>)> =
            value.members().map(|(name, member)| (name.text().unwrap_or_default().into_owned(), member)).collect();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        Self(members)
    }

    fn has(&self, name: &str) -> bool {
        self.0.binary_search_by(|(own, _)| own.as_str().cmp(name)).is_ok()
    }
}

/// What holds for a member: by its name and by patterns; else `additionalProperties`.
fn parts_of(part: &Part, name: &str) -> (Vec<PartNumber>, Option<PartNumber>) {
    let own = part.names.binary_search_by(|own| (*own.name).cmp(name)).ok().and_then(|index| part.names[index].part);
    let patterns = part.patterns.iter().filter(|(pattern, _)| pattern.matches(name)).map(|(_, part)| *part);
    let named: Vec<PartNumber> = own.into_iter().chain(patterns).collect();
    let others = match part.others {
        Others::Part(part) if named.is_empty() => Some(part),
        _ => None,
    };
    (named, others)
}

fn of_number(keyword: &Keyword, number: &str) -> bool {
    let beyond = |limit: &Limit, side: Ordering| {
        let order = number::compare(number, &limit.number);
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
fn characters(value: Value<'_>) -> u64 {
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
    let mut seen: HashTable<(u64, u32)> = HashTable::new();
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

/// The reasons, one behind the other.
#[derive(Default)]
pub(super) struct Report {
    text: String,
}

impl Report {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn is_full(&self) -> bool {
        self.text.len() >= SCHEMA_VIOLATIONS_BYTES_MAX
    }

    fn add(&mut self, reason: &str) {
        if !self.is_full() {
            self.text.push_str(if self.text.is_empty() { "" } else { ", " });
            self.text.push_str(reason);
        }
    }

    /// `[one, another]`, as Java prints a list.
    pub(super) fn finish(self) -> String {
        let told = cut(&self.text, SCHEMA_VIOLATIONS_BYTES_MAX);
        let more = if told.len() < self.text.len() { "..." } else { "" };
        format!("[{told}{more}]")
    }
}

/// A value of the body as JSON, shortened.
fn shown(value: Value<'_>) -> String {
    let mut out = String::new();
    value.write(SCHEMA_VIOLATION_VALUE_BYTES_MAX, &mut out);
    out
}

/// A text of the body, shortened.
fn told(value: Value<'_>) -> String {
    cut(&value.text().unwrap_or_default(), SCHEMA_VIOLATION_VALUE_BYTES_MAX).to_owned()
}

/// `["a","b"]`, shortened.
fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut out = String::from("[");
    for name in names {
        if out.len() > SCHEMA_VIOLATIONS_BYTES_MAX / 4 {
            break;
        }
        let comma = if out.len() > 1 { "," } else { "" };
        // Writing to a text does not fail.
        let _ = write!(out, "{comma}{}", serde_json::Value::from(cut(name, SCHEMA_VIOLATION_VALUE_BYTES_MAX)));
    }
    out.push(']');
    out
}
