//! What `java.util.regex` of JDK 17 answers, row by row.

use super::*;

fn compiled(pattern: &str) -> Regex {
    Regex::compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

#[track_caller]
fn full(pattern: &str, text: &str, expected: bool) {
    assert_eq!(
        compiled(pattern).is_full_match(text, &Budget::new(1_000_000, 1 << 20)),
        Ok(expected),
        "{pattern} on {text:?}"
    );
}

#[track_caller]
fn all(pattern: &str, text: &str, replacement: &str, expected: &str) {
    let mut out = Vec::new();
    let budget = Budget::new(1_000_000, 1 << 20);
    compiled(pattern).replace_all(text, replacement, &budget, &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{pattern} on {text:?}");
}

#[track_caller]
fn first(pattern: &str, text: &str, replacement: &str, expected: &str) {
    let mut out = Vec::new();
    compiled(pattern).replace_first(text, replacement, &Budget::new(1_000_000, 1 << 20), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), expected, "{pattern} on {text:?}");
}

#[track_caller]
fn split(pattern: &str, text: &str, limit: i32, expected: &[&str]) {
    let parts = compiled(pattern).split(text, limit, &Budget::new(1_000_000, 1 << 20));
    assert_eq!(parts.as_deref(), Ok(expected), "{pattern} on {text:?}");
}

#[track_caller]
fn refused(pattern: &str) {
    assert!(Regex::compile(pattern).is_err(), "{pattern}");
}

/// A replacement that Java throws for.
#[track_caller]
fn fails(pattern: &str, text: &str, replacement: &str) {
    let failed = compiled(pattern).replace_all(text, replacement, &Budget::new(1_000_000, 1 << 20), &mut Vec::new());
    assert!(matches!(failed, Err(RegexError::Replacement(_))), "{pattern} {replacement}");
}

#[test]
fn whole_texts() {
    full("", "", true);
    full(".*", "", true);
    full("a|ab", "ab", true);
    full("ab", "xab", false);
    full(".*", "a\nb", false);
    full(".*", "a\u{2028}b", false);
    full("(?s).*", "a\nb", true);
    full("(?d).*", "a\rb", true);
    full(r".*\[400\].*", "error [400] bad", true);
    full(r"4\d{2}", "404", true);
    full(r"\d", "٣", false);
    full(r"(?U)\d", "٣", true);
    full(r"\w+", "é", false);
    full("(?i)error.*", "ERROR: x", true);
    full("a$", "a", true);
    full("a$\n", "a\n", true);
    full("a$", "a\n", false);
    full(r"\Qa.b\E+", "a.bb", true);
    full(r"\Qa.b", "a.b", true);
    full("[a-z&&[^b]]+", "acd", true);
    full("[a-z&&[^b]]+", "abc", false);
    full("[[a][b]]+", "ab", true);
    full("[]a]+", "a]", true);
    full("[^[a]]", "b", true);
    full(r"[\w.-]+@[\w.]+", "a.b-c@d.e", true);
    full(r"[~~&-]+", "~&-", true);
    full(r"\p{Alpha}+\p{Digit}+\P{Alpha}", "ab12!", true);
    full(r"\p{Lu}\p{IsAlphabetic}\p{L}", "Äöß", true);
    full(r"\p{Punct}+", r##"!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~"##, true);
    full(r"\x41\u0042\0103\x{1F600}\cA", "ABC😀\u{1}", true);
    full(r"\uD83D\uDE00", "😀", true);
    full(r"\R\h\v", "\r\n \u{b}", true);
    full("(?x) a  b # and so on\n c", "abc", true);
    full("}]", "}]", true);
    full("a{2}b{1,}c{0,2}", "aabbc", true);
    full("(?=a)*b", "b", true);
}

#[test]
fn what_needs_steps_back() {
    full(r"(a)(b)?\1", "aba", true);
    full(r"(?<x>a+)-\k<x>", "aa-aa", true);
    full(r"(a)\10", "aa0", true);
    full("a*+a", "aaa", false);
    full("(?>a*)b", "aab", true);
    full("(?!.*error).*", "all is well", true);
    full("(?!.*error).*", "an error", false);
    full("(?s)(?!.*x$).*", "x\n", false);
    all("(?<=,)a", "a,a", "b", "a,b");
    all("(?m)^", "a\nb\n", "> ", "> a\n> b\n");
    all("(?m)$", "a\r\nb", ";", "a;\r\nb;");
    all("$", "a\n", "x", "ax\nx");
    all("$", "a\r\n", "x", "ax\r\nx");
    let hard = compiled("(a*)*+(?=c)b|(?:a|a)*(?=b)");
    assert_eq!(hard.is_full_match(&"a".repeat(40), &Budget::new(1_000_000, 1 << 20)), Err(RegexError::Backtracks));
}

/// Steps that holding a pattern against a text costs.
#[track_caller]
fn costs(pattern: &str, text: &str, expected: std::ops::Range<u64>) {
    let budget = Budget::new(1 << 30, 1 << 20);
    compiled(pattern).is_full_match(text, &budget).unwrap();
    let steps = (1 << 30) - budget.steps_left();
    assert!(expected.contains(&steps), "{pattern}: {steps} steps");
}

#[test]
fn choices_are_paid_for() {
    let text = "ab".repeat(512);
    costs(".*a[ab]{600}c.*", &text, 150_000..160_000);
    costs(".*(?:a|[ab]{20}){30}c.*", &text, 160_000..170_000);
    costs(".*Could not find the resource with id [0-9]+.*", &text, 17..18);
    costs("[0-9a-f]{8}-[0-9a-f]{4}", "01234567-89ab", 1..2);
    let budget = Budget::new(1_000_000, 1 << 20);
    let replaced = compiled("a[ab]{600}c").replace_all(&text.repeat(10), "", &budget, &mut Vec::new());
    assert_eq!(replaced, Err(RegexError::Exhausted(crate::lang::budget::Exhausted::Steps)));
}

#[test]
fn what_reads_on_at_each_place_is_bounded() {
    let search = |pattern: &str, text: &str| {
        let budget = Budget::new(4_000_000, 1 << 24);
        let result = compiled(pattern).replace_all(text, "", &budget, &mut Vec::new());
        (result, 4_000_000 - budget.steps_left())
    };
    // A body of blanks kept the core for minutes: each place reads all of the rest, and is one step back.
    for pattern in [r"\s++x", r"(?>\s+)x", r"(?=\s*y)x", r"(?<!x)\s+y"] {
        let (result, steps) = search(pattern, &" ".repeat(4_000));
        assert!(result.is_ok() && steps > 400_000, "{pattern}: {result:?} after {steps}");
        assert_eq!(search(pattern, &" ".repeat(20_000)).0, Err(RegexError::Backtracks), "{pattern}");
    }
    // Once more for each loop around it, and for each look around that.
    assert_eq!(search(r"(?:\s++x?)*+y", &" ".repeat(256)).0, Ok(()));
    assert_eq!(search(r"(?:\s++x?)*+y", &" ".repeat(257)).0, Err(RegexError::Backtracks));
    let readers = |pattern: &str| translate::translate(pattern).unwrap().readers;
    assert_eq!(["a(?=b)", "(?=a{1,8})", "(?=a*)b", "(?:(?=a*)b)*", "(?=(?:(?=a*)b)*)"].map(readers), [0, 0, 1, 2, 3]);
    // What looks a few letters around does so in any text.
    assert_eq!(search(r"(?<!b)c(?=d{1,3})", &"c".repeat(20_000)).0, Ok(()));
}

#[test]
fn replacements() {
    all("x*", "abc", "-", "-a-b-c-");
    all("a*", "aaab", "X", "XXbX");
    all("", "é😀", "-", "-é-😀-");
    all(r"\\'", r"it\'s", "'", "it's");
    all("(a)(b)?", "aab", "[$2$1]", "[a][ba]");
    all("(?<first>a)", "ba", "<${first}>", "b<a>");
    all("(a)", "a", "$10", "a0");
    all("a", "a", r"\$1\\", r"$1\");
    all("a", "b", "$", "b");
    first("a", "aaa", "b", "baa");
    first("x", "aaa", "b", "aaa");
    fails("a", "a", "$");
    fails("a", "a", "$1");
    fails("a", "a", r"\");
    fails("a", "a", "${x}");
    fails("a", "a", "${x");
    fails("a", "a", "$x");
}

#[test]
fn splits() {
    split(",", "a,b,,c,,", 0, &["a", "b", "", "c"]);
    split(",", "a,b,,c,,", -1, &["a", "b", "", "c", "", ""]);
    split(",", "a,b,,c,,", 2, &["a", "b,,c,,"]);
    split(",", "a,b", 1, &["a,b"]);
    split(",", "", 0, &[""]);
    split(",", ",", 0, &[]);
    split(",", ",a", 0, &["", "a"]);
    split("", "abc", 0, &["a", "b", "c"]);
    split("", "abc", -1, &["a", "b", "c", ""]);
    split("(?=b)", "abab", 0, &["a", "ba", "b"]);
    split(r"\s+", " a  b ", 0, &["", "a", "b"]);
    split("x", "abc", 0, &["abc"]);
}

#[test]
fn what_java_refuses_is_refused() {
    for pattern in
        ["(", ")", "[", "[a", "*a", "a**", "a{", "a{1", "a{2,1}", "{1}", r"\", r"\y", "(?<1>a)", "(?q)", "[b-a]"]
    {
        refused(pattern);
    }
    for pattern in [r"\x4", r"\u00", r"\0", r"\p{Nothing}", r"\p{", "(?<x>a)(?<x>b)", r"\k<x>", r"\c"] {
        refused(pattern);
    }
}

#[test]
fn what_is_too_large_is_refused() {
    refused(&"a".repeat(20_000));
    refused(&"(".repeat(1_000));
    refused(&"[".repeat(1_000));
    refused("((a{1000}){1000}){1000}");
    refused(&["(?:", &"a{1000}".repeat(40), "){1000}"].concat());
    let budget = Budget::new(1_000_000, 1 << 16);
    let grown = compiled("a").replace_all(&"a".repeat(1_000), &"b".repeat(1_000), &budget, &mut Vec::new());
    assert_eq!(grown, Err(RegexError::Exhausted(crate::lang::budget::Exhausted::Memory)));
}
