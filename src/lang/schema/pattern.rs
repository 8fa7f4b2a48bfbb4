//! Regular expressions of ECMA 262, edition 5, as schemas write them, on engines whose time is bounded.
//!
//! What has neither look-around nor back-reference runs in time linear in the text, but times its program where more
//! than one way through it is open at once. The rest (password rules, mostly) runs on an engine that goes back, with a
//! limit on its steps and on the text: beyond either, nothing matches. [`Pattern::steps`] says what either may cost.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use regex_automata::dfa::{dense, onepass};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};

use crate::settings::limits::{
    SCHEMA_PATTERN_AUTOMATON_BYTES_MAX, SCHEMA_PATTERN_BYTES_MAX, SCHEMA_PATTERN_KEPT_STATES_PER_STEP,
    SCHEMA_PATTERN_ONE_PASS_BYTES_MAX, SCHEMA_PATTERN_READING_BYTES_MAX, SCHEMA_PATTERN_REPEATED_TEXT_BYTES_MAX,
    SCHEMA_PATTERN_REREADING_BITS_MAX, SCHEMA_PATTERN_STEPS_MAX, SCHEMA_PATTERN_STEPS_PER_STATE,
    SCHEMA_PATTERN_TEXT_BYTES_MAX, SCHEMA_PATTERN_TEXT_MAX, SCHEMA_PATTERN_UNKEPT_STEPS,
};

#[derive(Debug)]
pub(super) struct Pattern {
    /// As it was written.
    pub(super) source: Box<str>,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    /// And what a byte of a text may cost it, in steps, besides being read.
    Linear(regex::Regex, u64),
    /// And the longest text that it is asked about.
    Bounded(Box<fancy_regex::Regex>, usize),
}

impl Pattern {
    /// The reason, where no engine can run it.
    pub(super) fn compile(source: &str) -> Result<Self, String> {
        if source.len() > SCHEMA_PATTERN_TEXT_MAX {
            return Err(format!("it is longer than {SCHEMA_PATTERN_TEXT_MAX} bytes"));
        }
        let translated = translate(source)?;
        let linear = regex::RegexBuilder::new(&translated)
            .size_limit(SCHEMA_PATTERN_BYTES_MAX)
            .dfa_size_limit(SCHEMA_PATTERN_BYTES_MAX)
            .build();
        let engine = match linear {
            Ok(regex) => Engine::Linear(regex, steps_per_byte(&translated)?),
            Err(regex::Error::CompiledTooBig(_)) => return Err("it is too large to be compiled".to_owned()),
            Err(_) => {
                let bounded = fancy_regex::RegexBuilder::new(&translated)
                    .backtrack_limit(SCHEMA_PATTERN_STEPS_MAX)
                    .delegate_size_limit(SCHEMA_PATTERN_BYTES_MAX)
                    .delegate_dfa_size_limit(SCHEMA_PATTERN_BYTES_MAX)
                    .build();
                let regex = bounded.map_err(|_| "it is no regular expression of ECMA 262".to_owned())?;
                let longest = match looks_repeated(&translated) {
                    0 => SCHEMA_PATTERN_TEXT_BYTES_MAX,
                    1 => SCHEMA_PATTERN_REPEATED_TEXT_BYTES_MAX,
                    levels => 1 << (SCHEMA_PATTERN_REREADING_BITS_MAX / (levels + 1)),
                };
                Engine::Bounded(Box::new(regex), longest)
            }
        };
        Ok(Self { source: source.into(), engine })
    }

    /// Anywhere in the text, unless the pattern says `^` or `$`.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear(regex, _) => regex.is_match(text),
            Engine::Bounded(regex, longest) => text.len() <= *longest && regex.is_match(text).unwrap_or(false),
        }
    }

    /// What [`matches`](Self::matches) may cost, in steps of a check (some ten nanoseconds each).
    pub(super) fn steps(&self, text: &str) -> u64 {
        let length = text.len() as u64;
        match &self.engine {
            Engine::Linear(_, per_byte) => SEARCH_STEPS + length / 8 + per_byte.saturating_mul(length),
            Engine::Bounded(_, longest) if text.len() > *longest => SEARCH_STEPS,
            // At each place some tries, and a try may read the text, a dozen bytes a step; all of them together are
            // no more than the limit.
            Engine::Bounded(..) => SEARCH_STEPS + length * (length / 8).clamp(32, SCHEMA_PATTERN_STEPS_MAX as u64 / 8),
        }
    }
}

/// Is this a regular expression, be it too large to be run? What is longer than one of ours is none.
pub(super) fn is_one(source: &str) -> bool {
    let Some(translated) = translate(source).ok().filter(|_| source.len() <= SCHEMA_PATTERN_TEXT_MAX) else {
        return false;
    };
    let limit = SCHEMA_PATTERN_READING_BYTES_MAX;
    match regex::RegexBuilder::new(&translated).size_limit(limit).build() {
        Ok(_) | Err(regex::Error::CompiledTooBig(_)) => true,
        Err(_) => fancy_regex::RegexBuilder::new(&translated).delegate_size_limit(limit).build().is_ok(),
    }
}

/// What [`is_one`] may cost, in steps of a check: some classes are a thousand ranges, and two letters name them.
pub(super) fn reading_steps(bytes: u64) -> u64 {
    if bytes > SCHEMA_PATTERN_TEXT_MAX as u64 { SEARCH_STEPS } else { 20_000 + 512 * bytes }
}

/// What a search costs in the shortest text.
const SEARCH_STEPS: u64 = 4;

/// Most patterns that people write are small automata once every set of states is one state, or stand at the text's start
/// and never have a choice, such as `^[a-z ]{1,255}$`: these read a byte in nanoseconds. Any other may be in all of its
/// states at once, and find them anew for each byte: `a[ab]{900}c` is in half of them, in twenty microseconds.
fn steps_per_byte(translated: &str) -> Result<u64, String> {
    let config = NFA::config().nfa_size_limit(Some(SCHEMA_PATTERN_BYTES_MAX)).which_captures(WhichCaptures::None);
    let nfa =
        NFA::compiler().configure(config).build(translated).map_err(|_| "it is too large to be compiled".to_owned())?;
    let states = nfa.states().len() as u64;
    let config = dense::Config::new()
        .dfa_size_limit(Some(SCHEMA_PATTERN_AUTOMATON_BYTES_MAX))
        .determinize_size_limit(Some(SCHEMA_PATTERN_AUTOMATON_BYTES_MAX));
    if dense::Builder::new().configure(config).build_from_nfa(&nfa).is_ok() {
        return Ok(0);
    }
    let anchored = nfa.is_always_start_anchored();
    let config = onepass::Config::new().size_limit(Some(SCHEMA_PATTERN_ONE_PASS_BYTES_MAX));
    if anchored && onepass::Builder::new().configure(config).build_from_nfa(nfa).is_ok() {
        // They are found as they are met, in a microsecond each, and again where there are more than are kept.
        return Ok(1 + states / SCHEMA_PATTERN_KEPT_STATES_PER_STEP);
    }
    Ok(SCHEMA_PATTERN_UNKEPT_STEPS + states * SCHEMA_PATTERN_STEPS_PER_STATE)
}

/// Whether a look-around stands in a group that is repeated, or a back-reference anywhere: their work is not linear even
/// where nothing is tried twice. Loops around looks within each other multiply it, and are counted.
fn looks_repeated(translated: &str) -> u32 {
    // Whether each open group holds a look, and the loops within it. What is no group was written as a number by
    // [`literal`].
    let mut open = Vec::new();
    let mut most = 0;
    let mut rest = translated.chars().peekable();
    let mut in_class = 0_usize;
    while let Some(char) = rest.next() {
        match char {
            '\\' => match rest.next() {
                Some('1'..='9' | 'k') => most = most.max(1),
                _ => continue,
            },
            '[' => in_class += 1,
            ']' => in_class = in_class.saturating_sub(1),
            '(' if in_class == 0 => {
                let head: String = rest.clone().take(3).collect();
                open.push((["?=", "?!", "?<=", "?<!"].iter().any(|look| head.starts_with(look)), 0));
            }
            ')' if in_class == 0 => {
                let (looks, mut loops) = open.pop().unwrap_or_default();
                loops += u32::from(looks && matches!(rest.peek(), Some('*' | '+' | '{')));
                most = most.max(loops);
                if let Some((outer_looks, outer_loops)) = open.last_mut() {
                    *outer_looks |= looks;
                    *outer_loops = loops.max(*outer_loops);
                }
            }
            _ => {}
        }
    }
    most
}

const DIGITS: &str = "0-9";
const WORDS: &str = "0-9A-Za-z_";
/// ECMA 262, 5.1, section 15.10.2.12: white space and line terminators.
const BLANKS: &str = r"\t\n\x0B\x0C\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const ANYTHING: &str = r"[\s\S]";
const NOTHING: &str = r"[^\s\S]";

/// To the syntax of our engines.
fn translate(source: &str) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() * 2);
    let mut rest = source.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '\\' => match escape(&mut rest)? {
                Escape::Class(set, negated) => {
                    out.push_str(if negated { "[^" } else { "[" });
                    out.push_str(set);
                    out.push(']');
                }
                Escape::Char(char) => literal(char, &mut out),
                Escape::Passed(text) => out.push_str(&text),
            },
            '[' => class(&mut rest, &mut out)?,
            '.' => out.push_str(r"[^\n\r\x{2028}\x{2029}]"),
            '{' => match quantifier(&rest)? {
                Some(length) => {
                    out.push('{');
                    out.extend(rest.by_ref().take(length));
                }
                None => out.push_str(r"\{"),
            },
            ']' | '}' | '#' | '&' | '~' | '-' => literal(char, &mut out),
            plain => out.push(plain),
        }
    }
    Ok(out)
}

/// How many characters follow a `{` that is a quantifier; any other is a brace (ECMA 262, annex B).
fn quantifier(rest: &Peekable<Chars<'_>>) -> Result<Option<usize>, String> {
    let inside: String = rest.clone().take_while(|&char| char != '}').take(24).collect();
    let closed = rest.clone().nth(inside.chars().count()) == Some('}');
    let (least, most) = inside.split_once(',').unwrap_or((&inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !closed || least.is_empty() || !digits(least) || !digits(most) {
        return Ok(None);
    }
    if let (Ok(least), Ok(most)) = (least.parse::<u64>(), most.parse::<u64>())
        && least > most
    {
        return Err("a quantifier that runs backward".to_owned());
    }
    Ok(Some(inside.len() + 1))
}

enum Escape {
    /// A set's inside, and whether it is everything else.
    Class(&'static str, bool),
    Char(char),
    Passed(String),
}

/// What follows a backslash outside a class.
fn escape(rest: &mut Peekable<Chars<'_>>) -> Result<Escape, String> {
    let char = rest.next().ok_or("it ends with a backslash")?;
    Ok(match char {
        'd' | 'D' => Escape::Class(DIGITS, char == 'D'),
        'w' | 'W' => Escape::Class(WORDS, char == 'W'),
        's' | 'S' => Escape::Class(BLANKS, char == 'S'),
        'b' | 'B' => Escape::Passed(format!("\\{char}")),
        // ECMA 262 has these later than edition 5; who writes them means them.
        'p' | 'P' if rest.peek() == Some(&'{') => Escape::Passed(format!("\\{char}{}", braced(rest)?)),
        'k' if rest.peek() == Some(&'<') => Escape::Passed("\\k".to_owned()),
        '1'..='9' => Escape::Passed(format!("\\{char}")),
        _ => Escape::Char(escaped_char(char, rest)?),
    })
}

fn braced(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    for char in rest.by_ref().take(64) {
        text.push(char);
        if char == '}' {
            return Ok(text);
        }
    }
    Err("a `{` is not closed".to_owned())
}

/// The one character that an escape is.
fn escaped_char(char: char, rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    Ok(match char {
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '0' => '\0',
        'c' => {
            let letter = rest.next().filter(char::is_ascii_alphabetic).ok_or("`\\c` stands before no letter")?;
            char::from(letter as u8 % 32)
        }
        'x' => char::from_u32(hex(rest, 2)?).ok_or("`\\x` names no character")?,
        'u' => {
            let mut unit = hex(rest, 4)?;
            if let 0xd800..0xdc00 = unit {
                if (rest.next(), rest.next()) != (Some('\\'), Some('u')) {
                    return Err("half a surrogate pair".to_owned());
                }
                unit = 0x1_0000 + ((unit - 0xd800) << 10) + hex(rest, 4)?.wrapping_sub(0xdc00);
            }
            char::from_u32(unit).ok_or("half a surrogate pair")?
        }
        same => same,
    })
}

fn hex(rest: &mut Peekable<Chars<'_>>, digits: usize) -> Result<u32, String> {
    let mut number = 0;
    for _ in 0..digits {
        let digit =
            rest.next().and_then(|char| char.to_digit(16)).ok_or("an escape with too few hexadecimal digits")?;
        number = number * 16 + digit;
    }
    Ok(number)
}

/// What follows a `[`. Each item is written anew, since our engines know classes within classes and operators on them.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut items = String::new();
    loop {
        match item(rest)? {
            None => break,
            Some(Item::Set(text)) => items.push_str(&text),
            Some(Item::Char(from)) => {
                let mut ahead = rest.clone();
                let range = ahead.next() == Some('-') && ahead.peek().is_some_and(|&next| next != ']');
                if !range {
                    literal(from, &mut items);
                    continue;
                }
                *rest = ahead;
                match item(rest)? {
                    Some(Item::Char(to)) if from <= to => {
                        literal(from, &mut items);
                        items.push('-');
                        literal(to, &mut items);
                    }
                    Some(Item::Char(_)) => return Err("a range that runs backward".to_owned()),
                    // ECMA 262, annex B: `[a-\d]` is both and a dash.
                    Some(Item::Set(text)) => {
                        literal(from, &mut items);
                        items.push_str("\\-");
                        items.push_str(&text);
                    }
                    None => return Err("a range without an end".to_owned()),
                }
            }
        }
    }
    match (items.is_empty(), negated) {
        (true, true) => out.push_str(ANYTHING),
        (true, false) => out.push_str(NOTHING),
        (false, _) => {
            out.push_str(if negated { "[^" } else { "[" });
            out.push_str(&items);
            out.push(']');
        }
    }
    Ok(())
}

enum Item {
    Char(char),
    Set(String),
}

/// `None` at the end of the class.
fn item(rest: &mut Peekable<Chars<'_>>) -> Result<Option<Item>, String> {
    Ok(Some(match rest.next().ok_or("a `[` is not closed")? {
        ']' => return Ok(None),
        '\\' if rest.next_if_eq(&'b').is_some() => Item::Char('\u{8}'),
        '\\' => match rest.peek() {
            Some(&digit @ '1'..='7') => {
                // ECMA 262, annex B: no back-reference is here, so it is a character by its octal number.
                rest.next();
                Item::Char(char::from(digit as u8 - b'0'))
            }
            _ => match escape(rest)? {
                Escape::Class(set, false) => Item::Set(set.to_owned()),
                Escape::Class(set, true) => Item::Set(format!("[^{set}]")),
                Escape::Char(char) => Item::Char(char),
                Escape::Passed(text) if text.starts_with("\\p") || text.starts_with("\\P") => Item::Set(text),
                Escape::Passed(text) => Item::Char(text.chars().last().unwrap_or_default()),
            },
        },
        plain => Item::Char(plain),
    }))
}

/// A character that means itself.
fn literal(char: char, out: &mut String) {
    if char.is_ascii_alphanumeric() || char == '_' || !char.is_ascii() {
        out.push(char);
    } else {
        // Writing to a text does not fail.
        let _ = write!(out, "\\x{{{:X}}}", u32::from(char));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::compile(pattern).unwrap_or_else(|reason| panic!("{pattern}: {reason}"));
        yes.iter().for_each(|text| assert!(compiled.matches(text), "{pattern} and {text:?}"));
        no.iter().for_each(|text| assert!(!compiled.matches(text), "{pattern} and {text:?}"));
    }

    #[test]
    fn patterns_mean_what_ecma_says() {
        check("^[a-z]+$", &["abc"], &["", "aB", "abc\n"]);
        check("b", &["abc"], &["ac"]);
        check(r"^\d{3}-\d{4}$", &["555-1234"], &["٣٣٣-1234", "5551234"]);
        check(r"^\w+$", &["a_1"], &["ä", "a b"]);
        check(r"^\s$", &["\u{feff}", "\u{a0}", "\n"], &["\u{200b}", "a"]);
        check("^.$", &["ä"], &["\n", "\u{2028}"]);
        check("^a{2}b{1,}c{0,2}$", &["aabbcc"], &["aab b", "abc"]);
        check("^{a}{,2}$", &["{a}{,2}"], &["a"]);
        check(r"^[\w.%+-]+@[\w-]+\.[A-Za-z]{2,}$", &["a.b+c@d-e.org"], &["a@b", "@b.org"]);
        check(r"^[^\d\s]+$", &["ab-"], &["a1", "a b"]);
        check(r"^[[\]&&~~|*--]+$", &["[]&~|-"], &["a"]);
        check(r"^[a\-z]$", &["-", "z"], &["b"]);
        check(r"^[-a]$", &["-", "a"], &["b"]);
        check(r"^[a-\d]$", &["-", "a", "5"], &["b"]);
        check(r"^[\b\1]$", &["\u{8}", "\u{1}"], &["b", "1"]);
        check("^[]$", &[], &["", "a"]);
        check("^[^]$", &["\n"], &[""]);
        check(r"^\u00e4\x41\cJ\/\-\@$", &["äA\n/-@"], &["ä"]);
        check(r"^\ud83d\ude00$", &["😀"], &[]);
        check(r"^\p{Lu}$", &["Ä"], &["ä"]);
        check("^(?:a|b)(c)?$", &["a", "bc"], &["c"]);
        check("^#x y&z~$", &["#x y&z~"], &["#xy&z~"]);
    }

    #[test]
    fn look_around_runs_on_the_engine_with_a_limit() {
        check("^(?=.*[A-Z])(?=.*\\d).{8,}$", &["Passw0rd"], &["password", "Passw0r"]);
        check(r"^(a|b)\1$", &["aa", "bb"], &["ab"]);
        check("^(?!admin$).+$", &["user"], &["admin"]);
        check("^((?!foo).)*$", &["a foe"], &["a foot"]);
        let long = "a".repeat(SCHEMA_PATTERN_TEXT_BYTES_MAX);
        check("^(?!b)a+$", &[&long], &[&format!("{long}a")]);
        // Each `a` doubles the ways: an engine without a limit would not come back.
        check(r"^(?=(a|a)*$)(?:(a|a|a)*)\1b$", &[], &[&"a".repeat(2_000)]);
    }

    #[test]
    fn texts_are_short_where_a_look_is_repeated() {
        let check = |pattern: &str, expected: u32| {
            assert_eq!(looks_repeated(&translate(pattern).expect(pattern)), expected, "{pattern}");
        };
        check(r"^(?!\s*$).+$", 0);
        check("^(?=.*[A-Z])(?=.*[(?=])(a|b)+$", 0);
        check("^((?!foo).)*$", 1);
        check("^(a((?<=b)c)d)+$", 1);
        check(r"^(a|b)\1$", 1);
        check(r"\(?=[)]+", 0);
        let nested = "^(?:(?=(?:(?=(?:a(?=[^q]*))*)a)*)a)*$";
        check(nested, 3);
        // A text of 200 bytes took a second.
        assert!(!Pattern::compile(nested).expect("a pattern").matches(&"a".repeat(200)));
        let tempered = Pattern::compile("^((?!foo).)*$").expect("a pattern");
        let text = |length: usize| "a".repeat(length);
        assert!(tempered.matches(&text(SCHEMA_PATTERN_REPEATED_TEXT_BYTES_MAX)));
        assert!(!tempered.matches(&text(SCHEMA_PATTERN_REPEATED_TEXT_BYTES_MAX + 1)));
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let refused = |pattern: &str| Pattern::compile(pattern).map(|_| ()).expect_err(pattern);
        for pattern in ["(", "a{2,1}", "[b-a]", "\\", "[a-", r"\ud83d", "(?<=a", "(?i-z:a)"] {
            refused(pattern);
        }
        assert_eq!(refused(r"(((\p{L}{100}){100}){100}){100}"), "it is too large to be compiled");
        assert!(refused(&"a".repeat(SCHEMA_PATTERN_TEXT_MAX + 1)).contains("longer"));
    }
}
