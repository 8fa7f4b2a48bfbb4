//! JSON as AWS's engine reads and writes it: json-smart in its permissive mode (rest/08 sections 8.8 and 8.9, rest/07
//! section 7.7).
//!
//! Permissive means that keys and values may stand without quotes or in single ones, that commas may be too many and
//! that text may follow the value. What is accepted, and as what, was compared with json-smart 2.2 itself. Strict JSON
//! is a part of it and is what the reader is fast at.

mod convert;
mod read;
mod write;

use bumpalo::Bump;

use crate::lang::budget::Budget;
use crate::lang::value::Value;

pub use convert::{from_serde, to_serde};
pub use read::JsonError;
pub use write::{Slashes, write, write_text};

/// Reads a text. Texts in it without escapes are slices of it, everything else goes into the arena.
///
/// An empty text is the empty text, for it needs no quotes: whoever must refuse it asks before.
pub fn parse<'a>(text: &'a str, arena: &'a Bump, budget: &Budget) -> Result<Value<'a>, JsonError> {
    read::Reader::new(text, arena, budget).read_document()
}

/// For the fuzzer, and for the test that runs its seeds: what is read can be written and read again, and strict JSON is
/// read as every other reader does.
pub fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (arena, budget) = (Bump::new(), Budget::new(1 << 24, 1 << 28));
    let strict = serde_json::from_str::<serde_json::Value>(&text).ok();
    let Ok(value) = parse(&text, &arena, &budget) else {
        // An exponent may be beyond Java's.
        assert!(strict.is_none() || text.contains(['e', 'E']), "what is JSON is read: {text:?}");
        return;
    };
    for slashes in [Slashes::Plain, Slashes::Escaped] {
        let written = |value| {
            let mut out = Vec::new();
            write(value, slashes, &budget, &mut out).expect("what was read is not too deep");
            &*arena.alloc_str(&String::from_utf8(out).expect("UTF-8"))
        };
        // A decimal may be a double when it comes back; from then on nothing changes.
        let first = written(value);
        let Ok(again) = parse(first, &arena, &budget) else {
            // BigDecimal writes an exponent that it does not read: 10000000e2147483647 is 1.0000000E+2147483654.
            assert!(first.contains('E'), "what is written can be read: {text:?}");
            return;
        };
        let second = written(again);
        let third = written(parse(second, &arena, &budget).expect("what is written can be read"));
        assert_eq!(second, third, "{text:?}");
    }
    // json-smart drops U+007F beside an escape.
    if let Some(strict) = strict.filter(|_| !text.contains('\u{7f}')) {
        let read = to_serde(value, &budget).expect("what was read is not too deep");
        assert!(alike(&read, &strict), "{text:?}: {read} and {strict}");
    }
}

/// Equal but for the last digit of a number, where serde's reader is not exact.
fn alike(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one == other || (one - other).abs() <= one.abs() * 1e-14 + f64::MIN_POSITIVE,
            _ => false,
        },
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|((key, one), (other_key, other))| key == other_key && alike(one, other))
        }
        // What JSON's numbers do not reach is infinite, which JSON does not say.
        (Json::Null, Json::Number(_)) => true,
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::budget::Exhausted;
    use crate::lang::value::{List, ListKind};

    /// A text, and how `$input.json` and a printed array write what was read; `None` for what is refused.
    #[track_caller]
    fn read(text: &str, expected: Option<&str>) {
        let (arena, budget) = (Bump::new(), Budget::new(1_000, 1 << 20));
        let written = parse(text, &arena, &budget).ok().map(|value| written(value, Slashes::Plain));
        assert_eq!(written.as_deref(), expected, "{text}");
    }

    #[track_caller]
    fn printed(text: &str, expected: &str) {
        let (arena, budget) = (Bump::new(), Budget::new(1_000, 1 << 20));
        let value = parse(text, &arena, &budget).unwrap();
        assert_eq!(written(value, Slashes::Escaped), expected);
    }

    fn written(value: Value<'_>, slashes: Slashes) -> String {
        let mut out = Vec::new();
        write(value, slashes, &Budget::new(1_000, 1 << 20), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_mock_status_parser_takes_what_aws_takes() {
        // rest/07 section 7.7, row by row.
        read(r#"{"statusCode": 200}"#, Some(r#"{"statusCode":200}"#));
        read("{ statusCode: 200 }", Some(r#"{"statusCode":200}"#));
        read("{'statusCode': 200}", Some(r#"{"statusCode":200}"#));
        read(r#"{"statusCode": 200 ,, }"#, Some(r#"{"statusCode":200}"#));
        read("{'statusCode': 200, '': ''}", Some(r#"{"statusCode":200,"":""}"#));
        read(r#"{"statusCode": 200 , null: null }"#, Some(r#"{"statusCode":200,"null":null}"#));
        read("{statusCode: 200,super{ f}oo: [ba r]}", Some(r#"{"statusCode":200,"super{ f}oo":["ba r"]}"#));
        read(r#"{"statusCode": 200} trailing text"#, Some(r#"{"statusCode":200}"#));
        read(r#"{"statusCode": "200"}"#, Some(r#"{"statusCode":"200"}"#));
        read(r#"{"statusCode": 200"#, None);
        read("statusCode: 200", Some(r#""statusCode: 200""#));
        read(r#"{"foo': 200}"#, None);
        read(r#"{"statusCode": "200}"#, None);
        read("{statusCode: 200, {foo: [ba r]}", None);
    }

    #[test]
    fn permissive_is_what_json_smart_means_by_it() {
        read("", Some(r#""""#));
        read("not json", Some(r#""not json""#));
        read(" [1,,2,] ", Some("[1,2]"));
        read("[a b, 'c', \"d\"e]", Some(r#"["a b","c","d","e"]"#));
        read("[nullx, true , falsey]", Some(r#"["nullx",true,"falsey"]"#));
        read("[NaN]", Some("[NaN]"));
        read(r#"{"a":1,"b":2,"a":3}"#, Some(r#"{"a":3,"b":2}"#));
        read(r#"{"a":1 "b":2}"#, Some(r#"{"a":"1 \"b\":2"}"#));
        read(r#"{"a":"x" "b":2}"#, None);
        read(r#"{a:1]}"#, Some(r#"{"a":"1]"}"#));
        read("[1}", None);
        read("[1:2]", Some(r#"["1:2"]"#));
        read("{:1}", None);
        read("{a:}", None);
        read("{a}", None);
        read("]", None);
        read("[", None);
        read("\"a", None);
        read("[\u{1a}]", None);
        read("null\u{1a}x", Some("null"));
    }

    #[test]
    fn numbers_are_javas() {
        read("[-0, -0.0, 007, -, 2.50, 1e3, 1e7, 1.]", Some("[0,-0.0,7,0,2.5,1000.0,1.0E7,1.0]"));
        read("[1e, 1-2, 1.2.3, +1, .5]", Some(r#"["1e","1-2","1.2.3","+1",".5"]"#));
        read("[1e+]", None);
        read("[123456789012345678901234567890]", Some("[123456789012345678901234567890]"));
        read("[1.2345678901234567890]", Some("[1.2345678901234567890]"));
        read("[1e400]", Some("[null]"));
    }

    #[test]
    fn texts_keep_or_lose_what_json_smart_keeps_or_loses() {
        read(r#"["\u00e9\x41\q\/\'"]"#, Some(r#"["éA/'"]"#));
        read(r#"["\ud83d\ude00 \ud83d x \ude00"]"#, Some("[\"😀 \u{fffd} x \u{fffd}\"]"));
        read("[\"a\tb\"]", Some(r#"["a\tb"]"#));
        read("[\"a\tb\\n\"]", Some(r#"["ab\n"]"#));
        read(r#"["\u12g4"]"#, None);
        read(
            "[\"\u{1}\u{7f}\u{80}\u{9f}\u{a0}\u{1fff}\u{2000}\u{20ff}\u{2100}\"]",
            Some("[\"\\u0001\\u007F\\u0080\\u009F\u{a0}\u{1fff}\\u2000\\u20FF\u{2100}\"]"),
        );
        printed(r#"["a/b"]"#, r#"["a\/b"]"#);
    }

    #[test]
    fn what_is_too_much_is_refused_at_once() {
        let exhausted = |text: &str, steps: u64, bytes: usize| {
            parse(text, &Bump::new(), &Budget::new(steps, bytes)).err().and_then(|error| error.exhausted)
        };
        assert_eq!(exhausted(&"[".repeat(100_000), 1_000, 1 << 20), Some(Exhausted::Depth));
        assert_eq!(exhausted(&"{a:".repeat(100_000), 1_000, 1 << 20), Some(Exhausted::Depth));
        assert_eq!(exhausted(&"[1,".repeat(400), 1_000, 1 << 20), None);
        let many = ["[", &"1,".repeat(2_000), "]"].concat();
        assert_eq!(exhausted(&many, 2_001, 1 << 20), None);
        assert_eq!(exhausted(&many, 2_000, 1 << 20), Some(Exhausted::Steps));
        assert_eq!(exhausted(&many, 2_001, 1 << 14), Some(Exhausted::Memory));
    }

    #[test]
    fn a_list_that_holds_itself_ends() {
        let arena = Bump::new();
        let list = List::new_in(ListKind::Java, &arena);
        list.push(Value::List(list));
        let budget = Budget::new(1 << 20, 1 << 20);
        assert_eq!(write(Value::List(list), Slashes::Plain, &budget, &mut Vec::new()), Err(Exhausted::Depth));
        assert_eq!(to_serde(Value::List(list), &budget), Err(Exhausted::Depth));
        list.push(Value::List(list));
        assert!(write(Value::List(list), Slashes::Plain, &budget, &mut Vec::new()).is_err());
    }

    #[test]
    fn values_outlive_their_arena() {
        let text = r#"{"a":[1,-5000000000,18446744073709551615,1.5,null,true,"x"],"b":{}}"#;
        let (arena, budget) = (Bump::new(), Budget::new(1_000, 1 << 20));
        let outside = to_serde(parse(text, &arena, &budget).unwrap(), &budget).unwrap();
        assert_eq!(outside, serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(written(from_serde(&outside, &arena), Slashes::Plain), text);
    }

    #[test]
    fn a_mapping_reads_arrays_of_any_size_that_a_body_may_have() {
        for (item, count) in [(r#"{"a":0},"#, 300_000), ("1,", 1_200_000)] {
            let text = format!("[{}0]", item.repeat(count));
            let arena = Bump::new();
            let value = parse(&text, &arena, &Budget::of_mapping(&text)).expect("a body of 2.4 MB");
            assert_eq!(value.as_list().map(|list| list.len()), Some(count + 1));
        }
    }
}
