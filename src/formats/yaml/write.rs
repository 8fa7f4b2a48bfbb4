//! A value as YAML, in the manner of AWS's exports: block style, every text in double quotes.

use serde_json::Value;

/// A longer key has to be written as `? key` (YAML 1.2.2, 7.4: an implicit key has at most 1024 characters).
const KEY_BYTES_MAX: usize = 1_000;

pub(super) fn to_yaml(value: &Value) -> String {
    let mut text = String::from("---\n");
    match value {
        Value::Object(members) if !members.is_empty() => block(&mut text, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut text, value, 0),
        scalar => {
            inline(&mut text, scalar);
            text.push('\n');
        }
    }
    text
}

/// A map or a list that is not empty, beginning on a line of its own.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                indent(text, depth);
                if key.len() > KEY_BYTES_MAX {
                    text.push_str("? ");
                    quoted(text, key);
                    text.push('\n');
                    indent(text, depth);
                } else if is_plain(key) {
                    text.push_str(key);
                } else {
                    quoted(text, key);
                }
                text.push(':');
                below(text, value, depth);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(text, depth);
                text.push('-');
                below(text, item, depth);
            }
        }
        _ => {}
    }
}

/// What follows a `:` or a `-`.
fn below(text: &mut String, value: &Value, depth: usize) {
    let nested = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        block(text, value, depth + 1);
    } else {
        text.push(' ');
        inline(text, value);
        text.push('\n');
    }
}

fn inline(text: &mut String, value: &Value) {
    match value {
        Value::String(string) => quoted(text, string),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// JSON's escapes are YAML's too; what YAML does not print (1.2.2, 5.1) is escaped beyond JSON's.
fn quoted(text: &mut String, string: &str) {
    for letter in Value::from(string).to_string().chars() {
        match letter {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => text.push(letter),
        }
    }
}

/// A key that is text without quotes, for every reader of YAML 1.1 and 1.2.
fn is_plain(key: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'$');
    let first = key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'$');
    // `yes`, `no`, `on`, `off`, `y`, `n` and `null` are more than text to some.
    let special = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    first && key.bytes().all(word) && !special.iter().any(|word| word.eq_ignore_ascii_case(key))
}

fn indent(text: &mut String, depth: usize) {
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::formats::yaml::{parse, to_json};

    #[track_caller]
    fn check(value: &Value) {
        let (text, mut problems) = (to_yaml(value), Vec::new());
        let tree = parse(0, &text, &mut problems).unwrap_or_else(|| panic!("{problems:?} in {text}"));
        assert_eq!(to_json(&tree), *value, "{text}");
    }

    #[test]
    fn the_manner_of_aws() {
        let value = json!({"openapi": "3.0.1", "paths": {"/a": {}, "x": [1, [true, "2"], {"k": null}], "": []}});
        let text = "---\nopenapi: \"3.0.1\"\npaths:\n  \"/a\": {}\n  x:\n    - 1\n    -\n      - true\n      - \"2\"\n    -\n      k: null\n  \"\": []\n";
        assert_eq!(to_yaml(&value), text);
        check(&value);
    }

    #[test]
    fn what_looks_like_something_else_comes_back() {
        for text in [
            "yes",
            "1",
            "1.0",
            "null",
            "~",
            "",
            " x ",
            "a: b",
            "#c",
            "<<",
            "\u{7f}\u{85}\u{2028}\u{feff}😀\r\n\t\"\\",
            "\0",
        ] {
            check(&json!({text: [text, {text: text}], "k": {text: {}}}));
            check(&json!(text));
        }
        check(&json!({"k".repeat(5_000): {"l".repeat(5_000): 1}, "é": [-1.5e300, 0, u64::MAX, i64::MIN, [], [[[]]]]}));
        check(&json!([{"a": 1, "b": 2}, [{"c": {}}]]));
    }

    proptest::proptest! {
        #[test]
        fn every_text_comes_back(key in ".*", text in "(?s).*") {
            check(&json!({key: {"k": [text]}}));
        }
    }
}
