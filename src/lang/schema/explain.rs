//! Why a body does not hold: the words and the order of the Java library behind AWS (rest/03 section 3.3).

use std::fmt::Write;

use super::json::{Kind, Value, cut};
use super::parts::{Dependency, Keyword, Limit, Others, Part, PartNumber, Types};
use super::run::{Run, characters};
use crate::settings::limits::{SCHEMA_VIOLATION_VALUE_BYTES_MAX, SCHEMA_VIOLATIONS_BYTES_MAX};

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

impl Run<'_> {
    /// What is wrong, in the order of the Java library: a schema's own keywords by name, then its members by name.
    pub(super) fn explain(&mut self, part: PartNumber, value: Value<'_>, report: &mut Report) {
        if report.is_full() {
            return;
        }
        let Some(part) = self.enter(part) else { return };
        // Names are copied and sorted, and those that are required looked for.
        let members =
            if value.kind() == Kind::Object { value.count() as u64 * 4 + part.names.len() as u64 / 8 } else { 0 };
        if !self.charge(members) {
            return;
        }
        let members = Members::of(value);
        for keyword in &part.keywords {
            self.complain(part, keyword, value, &members, report);
        }
        for (name, member) in &members.0 {
            if self.exceeded || report.is_full() {
                break;
            }
            let (own, others) = self.parts_of(part, name);
            own.into_iter().chain(others).for_each(|part| self.explain(part, *member, report));
        }
        for (index, item) in value.items().enumerate() {
            if let Some(part) = part.items.of(index) {
                self.explain(part, item, report);
            }
        }
        self.leave();
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
                unknown.retain(|name| self.parts_of(part, name).0.is_empty());
                unknown.dedup();
                if !unknown.is_empty() && !self.exceeded {
                    let unknown = names(unknown.into_iter());
                    report
                        .add(&format!("object instance has properties which are not allowed by the schema: {unknown}"));
                }
            }
            Keyword::Dependencies(dependencies) if value.kind() == Kind::Object => {
                if !self.charge(dependencies.len() as u64) {
                    return;
                }
                for (name, dependency) in dependencies.iter().filter(|(name, _)| members.has(name)) {
                    match dependency {
                        Dependency::Part(part) => self.explain(*part, value, report),
                        Dependency::Names(wanted) => {
                            if !self.charge(wanted.len() as u64) {
                                return;
                            }
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
                // An answer for which there were no steps left is none.
                let complaint = if self.exceeded { return } else { self.complaint(keyword, value) };
                if !self.exceeded {
                    report.add(&complaint);
                }
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
                format!(
                    "numeric instance is greater than the required maximum (maximum: {}, found: {shown})",
                    number.text
                )
            }
            Keyword::Maximum(Limit { number, .. }) => {
                format!("numeric instance is not strictly lower than the required maximum {}", number.text)
            }
            Keyword::Minimum(Limit { number, exclusive: false }) => {
                format!(
                    "numeric instance is lower than the required minimum (minimum: {}, found: {shown})",
                    number.text
                )
            }
            Keyword::Minimum(Limit { number, .. }) => {
                format!("numeric instance is not strictly greater than the required minimum {}", number.text)
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

    /// What holds for a member: by its name and by patterns; else `additionalProperties`.
    fn parts_of(&mut self, part: &Part, name: &str) -> (Vec<PartNumber>, Option<PartNumber>) {
        let own = part.name(name).and_then(|index| part.names.get(index)?.part);
        let patterns = part.patterns.iter().filter(|(pattern, _)| self.matches(pattern, name)).map(|(_, part)| *part);
        let named: Vec<PartNumber> = own.into_iter().chain(patterns).collect();
        let others = match part.others {
            Others::Part(part) if named.is_empty() => Some(part),
            _ => None,
        };
        (named, others)
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
