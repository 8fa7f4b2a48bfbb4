//! What a domain does with a request: routing rules, then base path mappings (rest/01 section 1.3).

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::edge::exchange::{DomainFacts, Request, domain};

/// A custom domain, or the hosts that are none. A domain that nothing is compiled into answers nobody.
#[derive(Debug, Default)]
pub(super) struct Domain {
    /// By ascending priority.
    pub(super) rules: Vec<Rule>,
    pub(super) mappings: Mappings,
}

#[derive(Debug, Default)]
pub(super) struct Mappings {
    /// By their first and only segment. Empty where some key has several.
    pub(super) whole: HashMap<Box<[u8]>, Mapping, RandomState>,
    /// All keys, longest first, where any has more than one segment: that changes how all are compared.
    pub(super) prefixes: Vec<(Box<[u8]>, Mapping)>,
    /// The mapping with an empty base path.
    pub(super) catch_all: Option<Mapping>,
}

#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) target: Target,
    /// Of a custom domain.
    pub(super) facts: Option<DomainFacts>,
}

/// Where a mapping or a rule leads.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Stage(usize),
    /// Stages of an API, of which the first segment behind the base path names one.
    InPath(Vec<usize>),
    /// An API or a stage that is not deployed.
    Nowhere,
}

/// Where a domain sends a request; the API's own path begins at `rest`.
#[derive(Debug)]
pub(super) struct Sent<'d> {
    pub(super) target: &'d Target,
    pub(super) rest: usize,
    pub(super) facts: Option<&'d DomainFacts>,
}

#[derive(Debug)]
pub(super) struct Rule {
    /// One of each group has to match.
    pub(super) headers: Vec<Vec<HeaderMatch>>,
    /// One of these has to match, the longest first. `None` is any path.
    pub(super) base_paths: Option<Vec<(Box<[u8]>, DomainFacts)>>,
    /// Where no base path was asked for.
    pub(super) facts: DomainFacts,
    pub(super) target: Target,
    pub(super) strip_base_path: bool,
}

#[derive(Debug)]
pub(super) struct HeaderMatch {
    /// In lower case.
    pub(super) name: Box<[u8]>,
    pub(super) value: Glob,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Glob {
    Any,
    Whole(Box<[u8]>),
    Begins(Box<[u8]>),
    Ends(Box<[u8]>),
    Holds(Box<[u8]>),
}

impl Domain {
    #[inline]
    pub(super) fn send(&self, request: &Request) -> Option<Sent<'_>> {
        let by_rule = self.rules.iter().find_map(|rule| rule.send(request));
        by_rule.or_else(|| self.mappings.send(request.path()))
    }
}

impl Mappings {
    #[inline]
    fn send(&self, path: &[u8]) -> Option<Sent<'_>> {
        let (start, end) = segment(path, 0);
        // rest/01 section 1.3: single-level keys are whole segments; with a multi-level key among them, the longest
        // that is a prefix of the text wins, which sends `/ordersandmore` to `orders`.
        let keyed = if self.prefixes.is_empty() {
            self.whole.get(&path[start..end]).map(|mapping| (mapping, end))
        } else {
            let longest = self.prefixes.iter().find(|(key, _)| path[start..].starts_with(key));
            longest.map(|(key, mapping)| (mapping, start + key.len()))
        };
        let (mapping, rest) = keyed.or_else(|| Some((self.catch_all.as_ref()?, 0)))?;
        Some(Sent { target: &mapping.target, rest, facts: mapping.facts.as_ref() })
    }
}

impl Rule {
    fn send(&self, request: &Request) -> Option<Sent<'_>> {
        let path = request.path();
        let (matched, facts) = match &self.base_paths {
            None => (0, &self.facts),
            Some(base_paths) => {
                let start = segment(path, 0).0;
                let (key, facts) = base_paths.iter().find(|(key, _)| leads(key, &path[start..]))?;
                (start + key.len(), facts)
            }
        };
        let holds = self.headers.iter().all(|group| group.iter().any(|header| header.matches(request)));
        let rest = if self.strip_base_path { matched } else { 0 };
        holds.then_some(Sent { target: &self.target, rest, facts: Some(facts) })
    }
}

/// Whether a path begins with all segments of a base path.
fn leads(base_path: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(base_path).is_some_and(|rest| base_path.is_empty() || matches!(rest.first(), None | Some(b'/')))
}

impl HeaderMatch {
    /// Line by line: a list in one line is one text.
    fn matches(&self, request: &Request) -> bool {
        if *self.name == *b"host" {
            // AWS's clients never name a port; ours do.
            return self.value.matches(request.host()) || self.value.matches(domain(request.host()));
        }
        let named =
            request.head.lines.iter().filter(|line| line.name.of(&request.bytes).eq_ignore_ascii_case(&self.name));
        named.map(|line| line.value.of(&request.bytes)).any(|value| self.value.matches(value))
    }
}

impl Glob {
    pub(super) fn of(text: &str) -> Self {
        let bytes = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(""), _) => Self::Any,
            (Some(rest), Some(_)) => Self::Holds(bytes(&rest[..rest.len() - 1])),
            (Some(rest), None) => Self::Ends(bytes(rest)),
            (None, Some(rest)) => Self::Begins(bytes(rest)),
            (None, None) => Self::Whole(bytes(text)),
        }
    }

    fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Whole(text) => value == &**text,
            Self::Begins(text) => value.starts_with(text),
            Self::Ends(text) => value.ends_with(text),
            Self::Holds(text) => memchr::memmem::find(value, text).is_some(),
        }
    }
}

/// The first segment behind `from` that is not empty.
pub(super) fn segment(path: &[u8], from: usize) -> (usize, usize) {
    let start = path[from..].iter().position(|&byte| byte != b'/').map_or(path.len(), |at| from + at);
    let end = memchr::memchr(b'/', &path[start..]).map_or(path.len(), |at| start + at);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check = |glob: &str, value: &str, expected: bool| {
            assert_eq!(Glob::of(glob).matches(value.as_bytes()), expected, "{glob} {value}");
        };
        check("*", "", true);
        check("abc*", "abcdef", true);
        check("abc*", "Abcdef", false);
        check("*json", "application/json", true);
        check("*json", "application/json,text/xml", false);
        check("*json*", "application/json,text/xml", true);
        check("abc", "abc", true);
        check("abc", "abcd", false);
        check("a*c", "abc", false);
        check("a*c", "a*c", true);
        check("**", "x", true);
    }
}
