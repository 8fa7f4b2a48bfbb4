//! A user's document as a tree in which every value knows where it was written: YAML 1.2, and JSON.
//!
//! Structs are not read from the text directly, because a problem has to show the line it is about and because
//! one mistake must not hide the next. [`parse`] makes the tree; what it means is its reader's matter.

mod events;
mod json;
mod node;
mod offsets;
mod write;

pub use node::{Entries, Node, NodeValue, Scalar, Style};

use offsets::offset;

use crate::model::problem::{Place, Problem};
use crate::settings::limits::DEFINITION_BYTES_MAX;

/// The tree of one file, or the problems for which there is none.
///
/// Duplicate keys are a problem too, but leave a tree (with the first of them), so that more can be found.
pub fn parse(file: u32, text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    if text.len() as u64 > DEFINITION_BYTES_MAX {
        let found = format!("the document has {} bytes, more than {DEFINITION_BYTES_MAX}", text.len());
        problems.push(Problem::error(
            "yaml::size",
            Place { file, ..Place::default() },
            found,
            "Split the API into several files",
        ));
        return None;
    }
    if let Some(at) = text.find('\0') {
        let place = Place { file, offset: offset(at), length: 1 };
        problems.push(Problem::error("yaml::syntax", place, "a NUL character", "Save the file as UTF-8 text"));
        return None;
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !body.trim_start().starts_with('{') {
        return events::parse(file, text, problems);
    }
    // JSON is read as JSON: YAML has no surrogate pairs (`\ud83d\ude00`), and JSON's messages fit the file better.
    // What only YAML takes (`{openapi: 3.0.1}`, a comma at the end) is still read as YAML.
    let mut as_json = Vec::new();
    let mut as_yaml = Vec::new();
    if let Some(node) = json::parse(file, text, &mut as_json) {
        problems.append(&mut as_json);
        return Some(node);
    }
    match events::parse(file, text, &mut as_yaml) {
        Some(node) => {
            problems.append(&mut as_yaml);
            Some(node)
        }
        None => {
            problems.append(&mut as_json);
            None
        }
    }
}

/// The tree as JSON, with YAML's core schema for plain scalars.
pub fn to_json(node: &Node) -> serde_json::Value {
    node::to_json(node)
}

/// A value as YAML text that parses to it again.
pub fn to_yaml(value: &serde_json::Value) -> String {
    write::to_yaml(value)
}

/// Parsing never panics, and every place lies in the text.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut problems = Vec::new();
    let tree = parse(0, &text, &mut problems);
    assert!(tree.is_some() || !problems.is_empty(), "no tree and no reason for {text:?}");
    for place in problems.iter().filter_map(|problem| problem.place) {
        assert_lies_in(&text, place);
    }
    if let Some(tree) = tree {
        walk(&tree, &mut |place| assert_lies_in(&text, place));
        to_json(&tree);
    }
}

fn walk(node: &Node, visit: &mut impl FnMut(Place)) {
    visit(node.place);
    match &node.value {
        NodeValue::Map(entries) => entries.iter().for_each(|(key, value)| {
            visit(key.place);
            walk(value, visit);
        }),
        NodeValue::List(items) => items.iter().for_each(|item| walk(item, visit)),
        NodeValue::Scalar(_) => {}
    }
}

fn assert_lies_in(text: &str, place: Place) {
    let (start, end) = (place.offset as usize, place.offset as usize + place.length as usize);
    assert!(text.get(start..end).is_some(), "{place:?} is no piece of {text:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut problems = Vec::new();
        let tree = parse(0, text, &mut problems).unwrap_or_else(|| panic!("{problems:?}"));
        assert_eq!(problems, []);
        assert_eq!(to_json(&tree).to_string(), expected);
    }

    #[track_caller]
    fn refuse(text: &str, found: &str, at: &str) {
        let mut problems = Vec::new();
        parse(0, text, &mut problems);
        let problem = problems.first().expect("a problem");
        assert!(problem.found.contains(found), "{problem:?}");
        let place = problem.place.expect("a place");
        assert!(
            text[place.offset as usize..].starts_with(at),
            "{problem:?} is at {:?}",
            &text[place.offset as usize..]
        );
    }

    /// Every scalar of one line, and every key, stands in the text exactly where its place says.
    #[track_caller]
    fn check_places(text: &str) {
        fn visit(text: &str, node: &Node) {
            match &node.value {
                NodeValue::Map(entries) => entries.iter().for_each(|(key, value)| {
                    assert_eq!(slice(text, key.place).trim_matches(['"', '\'']), key.value);
                    visit(text, value);
                }),
                NodeValue::List(items) => items.iter().for_each(|item| visit(text, item)),
                NodeValue::Scalar(scalar) => {
                    assert_eq!(slice(text, node.place).trim_matches(['"', '\'']), scalar.text)
                }
            }
        }
        fn slice(text: &str, place: Place) -> &str {
            &text[place.offset as usize..(place.offset + place.length) as usize]
        }
        let mut problems = Vec::new();
        visit(text, &parse(0, text, &mut problems).unwrap_or_else(|| panic!("{problems:?}")));
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        check(
            "a: 1\nb: 1.5\nc: true\nd: ~\ne:\nf: 'true'\ng: yes\nh: 0x1F\ni: 2.0",
            r#"{"a":1,"b":1.5,"c":true,"d":null,"e":null,"f":"true","g":"yes","h":31,"i":2.0}"#,
        );
        check("200: ok\ntrue: yes", r#"{"200":"ok","true":"yes"}"#);
        check("a: |\n  one\n  two\nb: >-\n  one\n  two", r#"{"a":"one\ntwo\n","b":"one two"}"#);
        check("a: !!str 12", r#"{"a":"12"}"#);
    }

    #[test]
    fn json_is_read_as_json() {
        check(
            r#"{"a":"\/x\u00e9\ud83d\ude00\n","b":[1,-2.5e3,null,true],"c":{}}"#,
            r#"{"a":"/xé😀\n","b":[1,-2500.0,null,true],"c":{}}"#,
        );
        check("\u{feff} {\"a\":\t1}", r#"{"a":1}"#);
        check("{a: b, 'c': [d,],}", r#"{"a":"b","c":["d"]}"#);
        refuse(r#"{"a": 1 "b": 2}"#, "expected `,` or `}`", r#""b""#);
        refuse(r#"{"a": "\ud83d"}"#, "surrogate", r"\ud83d");
        refuse("{\"a\": \"x", "not closed", "\"x");
    }

    #[test]
    fn places_are_bytes_also_after_longer_characters() {
        check_places("ключ: значение # комментарий\nb: [ü, 'ö', {ä: ß}]\n# Ünïcode\nc:\n  - 日本\n  - last");
        check_places("\u{feff}é: ü\r\nb: c\r\n");
        check_places("a:   b   \nc:\t d # e\n");
        check_places("{\"é\": \"日本\", \"b\": [1, true, null, \"x\"]}");
        check_places("{é: 日本, b: [1, true, 'x',]}");
    }

    #[test]
    fn duplicate_keys_name_both_lines() {
        refuse("a: 1\nb: 2\na: 3\n", "`a` is written twice: on line 1 and on line 3", "a: 3");
        refuse("{\"a\": 1,\n \"a\": 2}", "on line 1 and on line 2", "\"a\": 2");
    }

    #[test]
    fn anchors_are_copied_and_merged() {
        check("a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  l: 2", r#"{"a":{"k":1},"b":{"k":1},"c":{"l":2,"k":1}}"#);
        check("a: &x {k: 1}\nb: {<<: [*x], k: 2}", r#"{"a":{"k":1},"b":{"k":2}}"#);
        refuse("a: &x [*x]", "refers to itself", "*x");
        refuse("a: *nowhere", "anchor", "*nowhere");
    }

    #[test]
    fn aliases_cannot_be_a_bomb() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..10 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        refuse(&text, "aliases repeat more than", "*a");
    }

    #[test]
    fn depth_is_bounded() {
        for opening in ["[", "{a: "] {
            fuzz(opening.repeat(100_000).as_bytes());
        }
        refuse(&format!("a: {}", "[".repeat(200)), "nested deeper than 128", "[");
        refuse(&format!("{{\"a\": {}", "[".repeat(200)), "nested deeper than 128", "[");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        refuse("", "empty", "");
        refuse("a: b\n---\nc: d\n", "second document", "---");
        refuse("a: [1, 2\nb: 3\n", "", "");
        refuse("a: !Sub x", "`!Sub`", "");
        refuse("? {a: b}\n: c", "a key must be text", "{a: b}");
    }

    /// Whatever means something to YAML, and a few characters of several bytes.
    const WILD: &str = concat!(
        "([a-c\\[\\]{}:,&*!|>'\"#%?\\-. \n\r\té\u{feff}<0\\\\u]",
        "|: |- |\n  |&a |\\*a|<<: |---|\"b\": ){0,40}"
    );

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_property(text in WILD) {
            fuzz(text.as_bytes());
            fuzz(format!("{{\"a\": {text}").as_bytes());
        }
    }

    #[test]
    fn seeds_keep_the_property() {
        let seeds = [
            "a: b",
            "{\"a\": [1, {\"b\": \"\\ud83d\\ude00\"}]}",
            "- é\n- |\n ü\n",
            "&a x: *a\n",
            "%YAML 1.2\n---\n!!str a\n...\n",
            "? a\n: b\n",
            "\"\\\r\n\"",
            "a: >+2\n   \u{85}\u{2028}\n",
        ];
        for seed in seeds {
            for cut in 0..=seed.len() {
                fuzz(&seed.as_bytes()[..cut]);
                fuzz(&seed.as_bytes()[cut..]);
                for wild in b"\n\r\t {}[]:,*&!|>'\"#%-?\\\xc3\0" {
                    fuzz(&[&seed.as_bytes()[..cut], &[*wild], &seed.as_bytes()[cut..]].concat());
                }
            }
        }
    }
}
