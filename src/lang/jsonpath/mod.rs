//! JSONPath in Jayway's dialect, which `$input.path`, `$input.json` and parameter mappings speak (rest/08 section 8.9).
//!
//! Where json-path 2.0.0 answers, the answer here is its own (tests/cases/jsonpath). What came with later versions is
//! taken as those document it: `[-1]`, `["a"]`, functions, the words of filters. Two things are deliberately theirs too,
//! because 2.0.0 only fails there: an index out of range in an indefinite path adds nothing, and a filter compares what
//! cannot be compared as unequal.

mod compare;
mod find;
mod parse;
mod query;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::lang::budget::{Budget, Exhausted};
use crate::lang::json;
use crate::lang::value::Value;
use query::Query;

pub use parse::PathError;

/// A path, read once and run often.
#[derive(Debug)]
pub struct Path {
    query: Query,
    /// What its filters compare with.
    literals: Box<[serde_json::Value]>,
}

impl Path {
    /// Reads a path; `$` and the dot behind it may be left out (`status`, `a.b[0]`).
    pub fn compile(text: &str) -> Result<Self, PathError> {
        let (query, literals) = parse::parse(text)?;
        Ok(Self { query, literals })
    }

    /// How many patterns a path may have, before it is read: compiling them is most of what reading costs.
    pub fn patterns_in(text: &str) -> u64 {
        text.matches("=~").count() as u64
    }

    /// Whether at most one value can be meant. If not, the result is always a list.
    pub fn is_definite(&self) -> bool {
        !self.query.is_list()
    }

    /// What the path means in a document; `None` where a definite path leads nowhere.
    pub fn find<'a>(&self, root: Value<'a>, arena: &'a Bump, budget: &Budget) -> Result<Option<Value<'a>>, Exhausted> {
        let mut literals = BumpVec::with_capacity_in(self.literals.len(), arena);
        literals.extend(self.literals.iter().map(|literal| json::from_serde(literal, arena)));
        find::Finder { root, literals: &literals, arena, budget }.find(&self.query, root, 0)
    }
}

/// For the fuzzer, and for the test that runs its seeds: a path on the first line, a document behind it. Whatever
/// compiles runs within its budget, and answers as its definiteness promises.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (path, document) = text.split_once('\n').unwrap_or((&text, r#"{"a":[1,{"b":"c"},[2.5,null]],"b":{"a":true}}"#));
    let (arena, budget) = (Bump::new(), Budget::new(100_000, 1 << 26));
    let padded = format!(" {path} ");
    assert_eq!(Path::compile(path).is_ok(), Path::compile(&padded).is_ok(), "blanks around are nothing: {path:?}");
    let (Ok(path), Ok(root)) = (Path::compile(path), json::parse(document, &arena, &budget)) else { return };
    let Ok(found) = path.find(root, &arena, &budget) else { return };
    assert!(path.is_definite() || matches!(found, Some(Value::List(_))), "indefinite paths give lists");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(path: &str) {
        assert!(Path::compile(path).is_err(), "{path}");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in
            ["", "  ", "$a", "$.", "$.a.", "$..", "$.a..", "$. a", "$.k k", "$[", "$['a'", "$['a", "$[a]", "$[]"]
        {
            refused(path);
        }
        for path in ["$[:]", "$[::2]", "$[1:2:3]", "$[1,]", "$[1 2]", "$[99999999999999999999]", "$.a.foo()", "$['a',]"]
        {
            refused(path);
        }
        for path in
            ["$[?(@.x == 'y']", "$[?(@.x == 'y')", "$[?(@.x = 'y')]", "$[?()]", "$[?(@.x ==)]", "$[?(@.x =~ /(/)]"]
        {
            refused(path);
        }
        for path in
            ["$[?(@.x == 'y]", "$[?(@.x && )]", "$[?((@.x)]", "$[?]", "$[?(@.x in)]", "$[?(true)x]", "$[?(@.x y)]"]
        {
            refused(path);
        }
        refused(&"$.a".repeat(10_000));
        refused(&["$", &"[?(@".repeat(500)].concat());
        refused(&["$[?(", &"(".repeat(500)].concat());
        refused(&["$[?(", &"!".repeat(500), "@.a)]"].concat());
    }

    #[test]
    fn a_deep_scan_of_deep_scans_ends() {
        let document = ["[".repeat(300), "]".repeat(300)].concat();
        let (arena, budget) = (Bump::new(), Budget::new(100_000, 1 << 26));
        let root = json::parse(&document, &arena, &budget).unwrap();
        let path = Path::compile("$..*..*..*..*..*").unwrap();
        assert_eq!(path.find(root, &arena, &budget).err(), Some(Exhausted::Steps));
    }

    #[test]
    fn a_list_that_holds_itself_ends() {
        let (arena, budget) = (Bump::new(), Budget::new(100_000, 1 << 26));
        let root = json::parse("[1]", &arena, &budget).unwrap();
        root.as_list().unwrap().push(root);
        let path = Path::compile("$..*").unwrap();
        assert_eq!(path.find(root, &arena, &budget).err(), Some(Exhausted::Depth));
    }

    #[test]
    fn paths_are_shared_between_cores() {
        fn shared<T: Send + Sync>() {}
        shared::<Path>();
    }
}
