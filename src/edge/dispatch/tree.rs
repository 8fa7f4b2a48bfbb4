//! The resource tree of one stage: literals before parameters before greedy ones, with a way back (rest/01 section 1.4).

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashMap};

use crate::edge::exchange::{PathValues, Verb};
use crate::wire::headers::Span;

/// Every literal child of every node stands in one table, so that a lookup costs the same whatever the width.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    literals: HashMap<Literal, u32, RandomState>,
    /// Of a method under test: what every path and verb meets that meets nothing else.
    pinned: Option<u32>,
}

#[derive(Debug, Default)]
struct Node {
    parameter: Option<u32>,
    /// `{name+}`: always a leaf.
    greedy: Option<u32>,
    /// By [`Verb`], and `ANY` last.
    methods: [Option<u32>; 8],
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Literal {
    parent: u32,
    segment: Box<[u8]>,
}

#[derive(Hash)]
struct LiteralKey<'k> {
    parent: u32,
    segment: &'k [u8],
}

impl Equivalent<Literal> for LiteralKey<'_> {
    fn equivalent(&self, literal: &Literal) -> bool {
        self.parent == literal.parent && *self.segment == *literal.segment
    }
}

/// What a path and a verb meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index of the method in its stage.
    pub method: usize,
    pub values: PathValues,
}

/// One part of a resource path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'p> {
    Literal(&'p [u8]),
    Parameter,
    Greedy,
}

impl Tree {
    pub fn new() -> Self {
        Self { nodes: vec![Node::default()], literals: HashMap::default(), pinned: None }
    }

    /// Whatever is asked meets this method (`test-invoke-method`: the path need not be the resource's).
    pub fn pin(&mut self, method: usize) {
        self.pinned = Some(method as u32);
    }

    /// Adds a method; `verb` is `None` for ANY.
    pub fn insert(&mut self, parts: &[Part<'_>], verb: Option<Verb>, method: usize) {
        let mut node = 0_u32;
        for part in parts {
            let fresh = self.nodes.len() as u32;
            let place = &mut self.nodes[node as usize];
            let child = match part {
                Part::Literal(segment) => {
                    *self.literals.entry(Literal { parent: node, segment: (*segment).into() }).or_insert(fresh)
                }
                Part::Parameter => *place.parameter.get_or_insert(fresh),
                Part::Greedy => *place.greedy.get_or_insert(fresh),
            };
            if child == fresh {
                self.nodes.push(Node::default());
            }
            node = child;
        }
        self.nodes[node as usize].methods[verb.map_or(7, |verb| verb as usize)] = Some(method as u32);
    }

    /// Matches a path in its encoded form. `span` turns offsets into it into spans of the request.
    #[inline]
    pub fn find(&self, path: &[u8], verb: Verb, span: impl Fn(usize, usize) -> Span) -> Option<Found> {
        // Leading slashes, however many, and one trailing slash do not count.
        let start = path.iter().position(|&byte| byte != b'/').unwrap_or(path.len());
        let end = if path.len() > start && path.ends_with(b"/") { path.len() - 1 } else { path.len() };
        let search = Search { tree: self, path: &path[..end], verb, span };
        let mut values = PathValues::default();
        let method = search.descend(0, Some(start).filter(|&at| at < end), &mut values).or(self.pinned)?;
        Some(Found { method: method as usize, values })
    }
}

struct Search<'s, S> {
    tree: &'s Tree,
    path: &'s [u8],
    verb: Verb,
    span: S,
}

impl<S: Fn(usize, usize) -> Span> Search<'_, S> {
    /// From `node` with the path that begins at `at` (`None`: nothing is left). As deep as the tree at most, and no
    /// node is met twice, because each has one parent and stands at one depth.
    fn descend(&self, node: u32, at: Option<usize>, values: &mut PathValues) -> Option<u32> {
        let node_id = node;
        let node = self.tree.nodes.get(node as usize)?;
        let Some(at) = at else {
            // rest/01: a resource without this verb and without ANY does not end the search.
            let own = node.methods.get(self.verb as usize).copied().flatten().filter(|_| self.verb != Verb::Other);
            return own.or(if self.verb == Verb::Other { None } else { node.methods[7] });
        };
        let end = memchr::memchr(b'/', &self.path[at..]).map_or(self.path.len(), |slash| at + slash);
        let rest = Some(end + 1).filter(|_| end < self.path.len());
        let segment = &self.path[at..end];
        if let Some(&child) = self.tree.literals.get(&LiteralKey { parent: node_id, segment })
            && let Some(method) = self.descend(child, rest, values)
        {
            return Some(method);
        }
        let depth = values.len();
        if let Some(child) = node.parameter.filter(|_| !segment.is_empty()) {
            values.push((self.span)(at, end));
            if let Some(method) = self.descend(child, rest, values) {
                return Some(method);
            }
            values.truncate(depth);
        }
        // `{proxy+}` needs at least one segment that is not empty.
        let child = node.greedy.filter(|_| self.path[at..].iter().any(|&byte| byte != b'/'))?;
        values.push((self.span)(at, self.path.len()));
        let method = self.descend(child, None, values);
        if method.is_none() {
            values.truncate(depth);
        }
        method
    }
}

#[cfg(test)]
mod tests {
    use super::super::compile::parts;
    use super::*;

    /// A tree of rows such as `GET /pets/{id}`; the answer names the row and the values.
    fn found(rows: &[&str], verb: &str, path: &str) -> Option<(String, Vec<String>)> {
        let mut tree = Tree::new();
        for (method, row) in rows.iter().enumerate() {
            let (verb, template) = row.split_once(' ').expect("a verb and a path");
            let verb = Some(Verb::of(verb.as_bytes())).filter(|verb| *verb != Verb::Other);
            tree.insert(&parts(template), verb, method);
        }
        let span = |start, end| Span { start: start as u16, end: end as u16 };
        let found = tree.find(path.as_bytes(), Verb::of(verb.as_bytes()), span)?;
        let value =
            |index| found.values.get(index).map(|span| String::from_utf8_lossy(span.of(path.as_bytes())).into());
        Some((rows[found.method].to_owned(), (0..found.values.len()).filter_map(value).collect()))
    }

    #[track_caller]
    fn check(rows: &[&str], request: &str, expected: Option<(&str, &[&str])>) {
        let (verb, path) = request.split_once(' ').expect("a verb and a path");
        let expected =
            expected.map(|(row, values)| (row.to_owned(), values.iter().map(|value| (*value).to_owned()).collect()));
        assert_eq!(found(rows, verb, path), expected, "{request}");
    }

    #[test]
    fn recorded_cases() {
        // rest/17, lines 3 to 7.
        let methods = ["POST /test", "ANY /test/any", "OPTIONS /{proxy+}"];
        check(&methods, "OPTIONS /test", Some(("OPTIONS /{proxy+}", &["test"])));
        check(&methods, "POST /test", Some(("POST /test", &[])));
        check(&methods, "GET /test", None);
        check(&methods, "GET /test/any", Some(("ANY /test/any", &[])));
        let backtrack = ["GET /part1", "GET /part1/hardcoded-value", "GET /{param+}"];
        check(&backtrack, "GET /part1/random-value", Some(("GET /{param+}", &["part1/random-value"])));
        check(&backtrack, "GET /part1/hardcoded-value", Some(("GET /part1/hardcoded-value", &[])));
        let proxy = ["GET /{proxy+}"];
        check(&proxy, "GET /", None);
        check(&proxy, "GET //", None);
        check(&proxy, "GET /a/", Some(("GET /{proxy+}", &["a"])));
        check(&proxy, "GET /a//b", Some(("GET /{proxy+}", &["a//b"])));
        check(&proxy, "GET //a", Some(("GET /{proxy+}", &["a"])));
        check(&proxy, "GET /test%2Balias@x", Some(("GET /{proxy+}", &["test%2Balias@x"])));
    }

    #[test]
    fn literals_before_parameters_before_greedy() {
        let rows = ["GET /a/b", "GET /a/{x}", "GET /{y+}", "GET /{z}/c/d"];
        check(&rows, "GET /a/b", Some(("GET /a/b", &[])));
        check(&rows, "GET /a/c", Some(("GET /a/{x}", &["c"])));
        check(&rows, "GET /a/c/d", Some(("GET /{z}/c/d", &["a"])));
        check(&rows, "GET /a/c/e", Some(("GET /{y+}", &["a/c/e"])));
        check(&rows, "GET /A/b", Some(("GET /{y+}", &["A/b"])));
    }

    #[test]
    fn verbs_and_any() {
        let rows = ["ANY /x", "GET /x", "POST /"];
        check(&rows, "GET /x", Some(("GET /x", &[])));
        check(&rows, "DELETE /x", Some(("ANY /x", &[])));
        check(&rows, "HEAD /x", Some(("ANY /x", &[])));
        check(&rows, "TRACE /x", None);
        check(&rows, "get /x", None);
        check(&rows, "POST /", Some(("POST /", &[])));
        check(&rows, "GET /", None);
    }

    #[test]
    fn encoded_slashes_stay_within_their_segment() {
        let rows = ["GET /files/{name}"];
        check(&rows, "GET /files/a%2Fb", Some(("GET /files/{name}", &["a%2Fb"])));
        check(&rows, "GET /files/a/b", None);
        check(&rows, "GET /files//", None);
        check(&rows, "GET /files/", None);
    }
}
