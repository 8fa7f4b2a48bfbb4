//! Conditions: an operator, a key, and what its value is compared with.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::pattern::{Arn, Context, Reading, Template};
use super::value::{self, Cidr};

/// One key below one operator.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    key: String,
    wanted: Wanted,
    operator: Operator,
}

/// An operator's name taken apart: `ForAnyValue:StringNotLikeIfExists`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator {
    set: Option<Set>,
    kind: Kind,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    ForAny,
    ForAll,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    TextIgnoringCase,
    Like,
    Number(Compare),
    Date(Compare),
    Switch,
    Binary,
    Address,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// One row an operator: its name, what it compares, and whether it asks for the opposite.
const OPERATORS: &[(&str, Kind, bool)] = &[
    ("StringEquals", Kind::Text, false),
    ("StringNotEquals", Kind::Text, true),
    ("StringEqualsIgnoreCase", Kind::TextIgnoringCase, false),
    ("StringNotEqualsIgnoreCase", Kind::TextIgnoringCase, true),
    ("StringLike", Kind::Like, false),
    ("StringNotLike", Kind::Like, true),
    ("NumericEquals", Kind::Number(Compare::Equal), false),
    ("NumericNotEquals", Kind::Number(Compare::Equal), true),
    ("NumericLessThan", Kind::Number(Compare::Less), false),
    ("NumericLessThanEquals", Kind::Number(Compare::LessOrEqual), false),
    ("NumericGreaterThan", Kind::Number(Compare::Greater), false),
    ("NumericGreaterThanEquals", Kind::Number(Compare::GreaterOrEqual), false),
    ("DateEquals", Kind::Date(Compare::Equal), false),
    ("DateNotEquals", Kind::Date(Compare::Equal), true),
    ("DateLessThan", Kind::Date(Compare::Less), false),
    ("DateLessThanEquals", Kind::Date(Compare::LessOrEqual), false),
    ("DateGreaterThan", Kind::Date(Compare::Greater), false),
    ("DateGreaterThanEquals", Kind::Date(Compare::GreaterOrEqual), false),
    ("Bool", Kind::Switch, false),
    ("BinaryEquals", Kind::Binary, false),
    ("IpAddress", Kind::Address, false),
    ("NotIpAddress", Kind::Address, true),
    ("ArnEquals", Kind::Arn, false),
    ("ArnLike", Kind::Arn, false),
    ("ArnNotEquals", Kind::Arn, true),
    ("ArnNotLike", Kind::Arn, true),
    ("Null", Kind::Null, false),
];

impl Operator {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAnyValue", rest)) => (Some(Set::ForAny), rest),
            Some(("ForAllValues", rest)) => (Some(Set::ForAll), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (plain, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |plain| (plain, true));
        let &(_, kind, negated) = OPERATORS.iter().find(|(known, ..)| *known == plain)?;
        let is_sound = kind != Kind::Null || (!if_exists && set.is_none());
        is_sound.then_some(Self { set, kind, negated, if_exists })
    }
}

/// What the value is compared with: any of them.
#[derive(Clone, Debug)]
enum Wanted {
    Texts(Vec<Template>),
    Numbers(Vec<f64>),
    Switches(Vec<bool>),
    Binaries(Vec<Vec<u8>>),
    Addresses(Vec<Cidr>),
    Arns(Vec<Arn>),
}

impl Condition {
    /// `variables`: whether the document's version knows them.
    pub(super) fn new(operator: Operator, key: &str, values: &[String], variables: bool) -> Result<Self, String> {
        if !value::is_known_key(key) {
            return Err(format!("`{key}` is not a condition key that is known here"));
        }
        let reading = Reading { wildcards: matches!(operator.kind, Kind::Like | Kind::Arn), variables };
        let wanted = match operator.kind {
            Kind::Text | Kind::TextIgnoringCase | Kind::Like => {
                let template = |text: &String| Template::new(text, reading);
                Wanted::Texts(values.iter().map(template).collect::<Result<_, _>>()?)
            }
            Kind::Arn => {
                let arn = |text: &String| Arn::new(text, reading);
                Wanted::Arns(values.iter().map(arn).collect::<Result<_, _>>()?)
            }
            Kind::Number(_) => Wanted::Numbers(each(values, "a number", value::number)?),
            Kind::Date(_) => Wanted::Numbers(each(values, "a date", value::date)?),
            Kind::Switch | Kind::Null => Wanted::Switches(each(values, "true or false", value::switch)?),
            Kind::Binary => Wanted::Binaries(each(values, "base64", value::base64)?),
            Kind::Address => Wanted::Addresses(each(values, "an address or a range such as 10.0.0.0/8", Cidr::parse)?),
        };
        Ok(Self { key: key.to_owned(), wanted, operator })
    }

    /// The key, and those of its variables.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let texts = if let Wanted::Texts(texts) = &self.wanted { texts.as_slice() } else { &[] };
        let arns = if let Wanted::Arns(arns) = &self.wanted { arns.as_slice() } else { &[] };
        let variables = texts.iter().flat_map(Template::variables).chain(arns.iter().flat_map(Arn::variables));
        std::iter::once(self.key.as_str()).chain(variables)
    }

    pub(super) fn holds(&self, context: &Context<'_>) -> bool {
        let mut values =
            context.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&self.key)).map(|(_, value)| *value).peekable();
        let Operator { set, kind, negated, if_exists } = self.operator;
        let absent = values.peek().is_none();
        if kind == Kind::Null {
            return matches!(&self.wanted, Wanted::Switches(switches) if switches.contains(&absent));
        }
        if absent {
            return match set {
                Some(Set::ForAll) => true,
                Some(Set::ForAny) => if_exists,
                None => if_exists || negated,
            };
        }
        // What cannot be compared (a variable without a value, a number that is none) holds for neither form.
        let holds = |value: &str| self.matches(value, context).is_some_and(|matches| matches != negated);
        match set {
            Some(Set::ForAll) => values.all(holds),
            Some(Set::ForAny) => values.any(holds),
            // A key of one value: the first is it.
            None => values.next().is_some_and(holds),
        }
    }

    /// Whether any of what is wanted matches.
    fn matches(&self, value: &str, context: &Context<'_>) -> Option<bool> {
        match &self.wanted {
            Wanted::Texts(texts) => any(texts, |text| match self.operator.kind {
                Kind::TextIgnoringCase => text.equals_ignoring_case(value, context),
                _ => text.matches(value, context),
            }),
            Wanted::Arns(arns) => any(arns, |arn| arn.matches(value, context)),
            Wanted::Numbers(numbers) => {
                let (compare, given) = match self.operator.kind {
                    Kind::Number(compare) => (compare, value::number(value)?),
                    Kind::Date(compare) => (compare, value::date(value)?),
                    _ => return None,
                };
                any(numbers, |wanted| Some(compare.holds(given.partial_cmp(wanted)?)))
            }
            Wanted::Switches(switches) => Some(switches.contains(&value::switch(value)?)),
            Wanted::Binaries(binaries) => Some(binaries.contains(&value::base64(value)?)),
            Wanted::Addresses(ranges) => {
                let address: IpAddr = value.parse().ok()?;
                Some(ranges.iter().any(|range| range.contains(address)))
            }
        }
    }
}

/// `None` where one cannot be told and no other matches.
fn any<T>(wanted: &[T], mut matches: impl FnMut(&T) -> Option<bool>) -> Option<bool> {
    let mut found = Some(false);
    for one in wanted {
        match matches(one) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => found = None,
        }
    }
    found
}

fn each<T>(values: &[String], what: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let one = |text: &String| parse(text).ok_or_else(|| format!("`{text}` is not {what}"));
    values.iter().map(one).collect()
}
