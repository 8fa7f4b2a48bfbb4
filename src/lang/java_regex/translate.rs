//! Java's syntax to that which both engines read.
//!
//! What comes out is plain: characters are letters, digits or `\x{…}`, classes are spelt out, and no flag but `i` is left.
//! So nothing that means something else over there can slip through.

use super::class;
use crate::settings::limits::{REGEX_BYTES_MAX, REGEX_DEPTH_MAX};

/// Stands in a translated pattern for Java's `$`. No pattern holds it otherwise.
pub(super) const END: &str = "\u{1}";

/// A quantifier of at most so many times makes no loop that has to be thought of.
const TIMES_FEW: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Translated {
    pub(super) pattern: String,
    /// No linear engine can run it.
    pub(super) backtracks: bool,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
    pub(super) reads_ahead: bool,
    /// Parts that read on without end, within each other: each may read the rest of a text at every place of it, and no
    /// step back is counted. A look-around with a `*` in it is one, a loop around that is a second.
    pub(super) readers: u32,
    /// Places where more than one thing may come next, repetitions multiplied: what makes an automaton large.
    pub(super) choices: u64,
}

pub(super) fn translate(pattern: &str) -> Result<Translated, String> {
    if pattern.len() > REGEX_BYTES_MAX {
        return Err(format!("a pattern of more than {REGEX_BYTES_MAX} bytes"));
    }
    let letters: Vec<char> = pattern.chars().collect();
    let mut translator = Translator {
        letters: &letters,
        at: 0,
        depth: 0,
        quoting: false,
        flags: Flags::default(),
        repeats: false,
        loops: false,
        branches: false,
        letters_plain: 0,
        times: 1,
        out: Translated::default(),
    };
    translator.alternatives()?;
    if translator.at < letters.len() {
        return Err(translator.error("a closing parenthesis without an opening one"));
    }
    let mut out = translator.out;
    out.reads_ahead = translator.repeats && (translator.branches || out.backtracks);
    out.readers = out.readers.max(u32::from(translator.loops));
    Ok(out)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ignores_case: bool,
    /// `(?s)`
    dot_is_all: bool,
    /// `(?m)`
    lines: bool,
    /// `(?d)`: only `\n` ends a line.
    unix_lines: bool,
    /// `(?x)`
    comments: bool,
    /// `(?U)`
    wide: bool,
}

struct Translator<'p> {
    letters: &'p [char],
    at: usize,
    depth: usize,
    /// Between `\Q` and `\E`.
    quoting: bool,
    flags: Flags,
    /// Something may repeat without end.
    repeats: bool,
    /// … or some times, in the group that is being read.
    loops: bool,
    /// There are alternatives, or groups that may be left out.
    branches: bool,
    /// Letters that stand for themselves, once each: they add to an automaton and do not multiply it.
    letters_plain: u64,
    /// How often the last quantifier writes out what it stands behind.
    times: u64,
    out: Translated,
}

impl Translator<'_> {
    fn alternatives(&mut self) -> Result<(), String> {
        if self.depth > REGEX_DEPTH_MAX {
            return Err(self.error("groups nested too deep"));
        }
        loop {
            match self.peek() {
                None => return Ok(()),
                Some(')') if !self.quoting => return Ok(()),
                Some('|') if !self.quoting => {
                    self.at += 1;
                    self.branches = true;
                    self.push("|");
                }
                Some(_) => {
                    let start = self.out.pattern.len();
                    let is_group = self.peek() == Some('(') && !self.quoting;
                    let (plain, choices) = (self.letters_plain, self.out.choices);
                    let readers = std::mem::take(&mut self.out.readers);
                    let is_letter = self.quoting || !matches!(self.peek(), Some('.' | '[' | '\\' | '('));
                    self.atom()?;
                    match is_letter {
                        true => self.letters_plain += 1,
                        false => self.out.choices += u64::from(!is_group),
                    }
                    let end = self.out.pattern.len();
                    self.quantifier(start, is_group)?;
                    if is_group || self.out.pattern.len() > end {
                        self.out.choices += self.letters_plain - plain;
                        self.letters_plain = plain;
                    }
                    let repeated = (self.out.choices - choices).saturating_mul(std::mem::replace(&mut self.times, 1));
                    self.out.choices = choices.saturating_add(repeated);
                    self.out.readers = self.out.readers.max(readers);
                }
            }
        }
    }

    fn atom(&mut self) -> Result<(), String> {
        let Some(letter) = self.next() else { return Ok(()) };
        if self.quoting {
            self.literal(letter);
            self.end_quote();
            return Ok(());
        }
        match letter {
            '\\' => return self.escape(),
            '(' => return self.group(),
            '[' => return self.class(),
            '.' if self.flags.dot_is_all => self.push("(?s:.)"),
            '.' if self.flags.unix_lines => self.push(r"[^\n]"),
            '.' => self.push(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            '^' if self.flags.lines => {
                self.out.backtracks = true;
                self.push(if self.flags.unix_lines {
                    r"(?:\A|(?<=\n))(?!\z)"
                } else {
                    r"(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z)"
                });
            }
            '^' => self.push(r"\A"),
            '$' if self.flags.lines => {
                self.out.backtracks = true;
                self.push(if self.flags.unix_lines {
                    r"(?=\n|\z)"
                } else {
                    r"(?:(?=[\r\x{85}\x{2028}\x{2029}]|\z)|(?<!\r)(?=\n))"
                });
            }
            '$' => self.push(END),
            '*' | '+' | '?' | '{' => return Err(self.error("a quantifier with nothing before it")),
            letter if self.flags.comments && letter.is_ascii_whitespace() => {}
            '#' if self.flags.comments => {
                while self
                    .next()
                    .is_some_and(|letter| !matches!(letter, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'))
                {
                }
            }
            letter => self.literal(letter),
        }
        Ok(())
    }

    fn quantifier(&mut self, start: usize, is_group: bool) -> Result<(), String> {
        if self.quoting {
            return Ok(());
        }
        self.skip_comments();
        let is_range = self.peek() == Some('{');
        let most;
        let quantifier = match self.peek() {
            Some(sign @ ('*' | '+' | '?')) => {
                self.at += 1;
                most = (sign == '?').then_some(1);
                sign.to_string()
            }
            Some('{') => {
                let range;
                (range, most) = self.range()?;
                range
            }
            _ => return Ok(()),
        };
        if self.out.pattern.len() == start {
            return Err(self.error("a quantifier with nothing before it"));
        }
        self.branches |= is_group;
        if is_assertion(self.out.pattern.get(start..).unwrap_or_default()) {
            // Once is as good as often, and no engine here takes more.
            if matches!(quantifier.as_bytes(), [b'*' | b'?'] | [b'{', b'0', b',' | b'}', ..]) {
                self.out.pattern.insert_str(start, "(?:");
                self.push("|)");
            }
            self.at += usize::from(matches!(self.peek(), Some('?' | '+')));
            return Ok(());
        }
        // What one quantifier stands behind is one thing, also where it took more letters to say it.
        self.out.pattern.insert_str(start, "(?:");
        self.push(")");
        self.push(&quantifier);
        self.repeats |= most.is_none();
        let is_loop = most.is_none_or(|most| most > TIMES_FEW);
        self.loops |= is_loop;
        if is_loop && self.out.readers > 0 {
            self.out.readers += 1;
        }
        match self.peek() {
            Some('?') => {
                self.at += 1;
                self.push("?");
            }
            Some('+') => {
                self.at += 1;
                self.out.backtracks = true;
                self.out.readers = self.out.readers.max(u32::from(is_loop));
                self.out.pattern.insert_str(start, "(?>");
                self.push(")");
            }
            _ => {}
        }
        // Java reads one quantifier and takes the next for one without anything before it.
        if matches!(self.peek(), Some('*' | '+' | '?')) || is_range && self.peek() == Some('{') {
            return Err(self.error("a quantifier with nothing before it"));
        }
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,5}`.
    fn range(&mut self) -> Result<(String, Option<u32>), String> {
        self.at += 1;
        let least = self.count()?;
        let mut most = Some(least);
        if self.takes(',') {
            most = if self.peek() == Some('}') { None } else { Some(self.count()?) };
        }
        if !self.takes('}') || most.is_some_and(|most| most < least) {
            return Err(self.error("no repetition"));
        }
        self.times = u64::from(most.unwrap_or_else(|| least.saturating_add(1)).max(1));
        Ok(match most {
            Some(most) => (format!("{{{least},{most}}}"), Some(most)),
            None => (format!("{{{least},}}"), None),
        })
    }

    fn count(&mut self) -> Result<u32, String> {
        let start = self.at;
        let mut count = 0u32;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            count = count.saturating_mul(10).saturating_add(digit);
            self.at += 1;
        }
        if self.at == start { Err(self.error("no repetition")) } else { Ok(count) }
    }

    fn group(&mut self) -> Result<(), String> {
        let outer = self.flags;
        let start = self.out.pattern.len();
        let loops_outside = std::mem::take(&mut self.loops);
        if self.takes('?') {
            match self.next() {
                Some(':') => self.push("(?:"),
                Some('=') => self.around("(?="),
                Some('!') => self.around("(?!"),
                Some('>') => self.around("(?>"),
                Some('<') if self.takes('=') => self.around("(?<="),
                Some('<') if self.takes('!') => self.around("(?<!"),
                Some('<') => {
                    let name = self.name('>')?;
                    if self.out.names.iter().any(|(known, _)| *known == name) {
                        return Err(self.error("two groups of one name"));
                    }
                    self.out.groups += 1;
                    self.push(&format!("(?P<{name}>"));
                    self.out.names.push((name, self.out.groups));
                }
                Some(letter) => {
                    let is_group = self.switches(letter)?;
                    let sign = if self.flags.ignores_case { "i" } else { "-i" };
                    self.push(&format!("(?{sign}"));
                    self.push(if is_group { ":" } else { ")" });
                    if !is_group {
                        return Ok(());
                    }
                }
                None => return Err(self.error("a group has no end")),
            }
        } else {
            self.out.groups += 1;
            self.push("(");
        }
        self.depth += 1;
        self.alternatives()?;
        self.depth -= 1;
        if !self.takes(')') {
            return Err(self.error("a group has no end"));
        }
        self.push(")");
        self.flags = outer;
        let opening = self.out.pattern.get(start..).unwrap_or_default();
        let looks = ["(?=", "(?!", "(?>", "(?<=", "(?<!"].iter().any(|look| opening.starts_with(look));
        if looks && self.loops {
            self.out.readers += 1;
        }
        self.loops |= loops_outside;
        Ok(())
    }

    fn around(&mut self, opening: &str) {
        self.out.backtracks = true;
        self.push(opening);
    }

    /// `i-s)` or `i-s:`: whether a group follows.
    fn switches(&mut self, first: char) -> Result<bool, String> {
        let mut on = true;
        let mut letter = Some(first);
        loop {
            match letter {
                Some('-') if on => on = false,
                Some('i') => self.flags.ignores_case = on,
                Some('s') => self.flags.dot_is_all = on,
                Some('m') => self.flags.lines = on,
                Some('d') => self.flags.unix_lines = on,
                Some('x') => self.flags.comments = on,
                Some('U') => self.flags.wide = on,
                Some('u') => {}
                Some(')') => return Ok(false),
                Some(':') => return Ok(true),
                _ => return Err(self.error("no such flag")),
            }
            letter = self.next();
        }
    }

    fn name(&mut self, end: char) -> Result<String, String> {
        let mut name = String::new();
        while let Some(letter) = self.next() {
            match letter {
                letter if letter == end && !name.is_empty() => return Ok(name),
                letter if letter.is_ascii_alphabetic() => name.push(letter),
                letter if letter.is_ascii_digit() && !name.is_empty() => name.push(letter),
                _ => break,
            }
        }
        Err(self.error("a group's name has letters and digits"))
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(letter) = self.next() else { return Err(self.error("a backslash with nothing behind it")) };
        match letter {
            'Q' => {
                self.quoting = true;
                self.end_quote();
            }
            'b' => self.push(r"\b"),
            'B' => self.push(r"\B"),
            'A' => self.push(r"\A"),
            'z' => self.push(r"\z"),
            'Z' => self.push(END),
            'G' => return Err(self.error("\\G is not supported")),
            'R' => {
                self.branches = true;
                self.push(r"(?:\r\n|[\n\x0B\f\r\x{85}\x{2028}\x{2029}])");
            }
            'k' => {
                if !self.takes('<') {
                    return Err(self.error("a group's name is missing"));
                }
                let name = self.name('>')?;
                let Some((_, group)) = self.out.names.iter().find(|(known, _)| *known == name) else {
                    return Err(self.error("no group of that name"));
                };
                let group = *group;
                self.reference(group);
            }
            '1'..='9' => {
                let mut group = letter as usize - '0' as usize;
                // As many digits as name a group that has begun.
                while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer > self.out.groups {
                        break;
                    }
                    group = longer;
                    self.at += 1;
                }
                if group > self.out.groups {
                    // Java takes it, and finds it nowhere.
                    self.push("[a&&b]");
                } else {
                    self.reference(group);
                }
            }
            letter => match self.escaped(letter)? {
                Escaped::Letter(letter) => self.literal(letter),
                Escaped::Class(class) => self.push(&class),
            },
        }
        Ok(())
    }

    fn reference(&mut self, group: usize) {
        self.out.backtracks = true;
        self.push(&format!(r"(?:\{group})"));
    }

    /// What a backslash and a letter mean both within a class and without.
    fn escaped(&mut self, letter: char) -> Result<Escaped, String> {
        if let Some(class) = class::of_letter(letter, self.flags.wide) {
            return Ok(Escaped::Class(class));
        }
        Ok(Escaped::Letter(match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'a' => '\u{7}',
            'e' => '\u{1b}',
            'c' => match self.next() {
                Some(letter) if letter.is_ascii() => char::from(letter as u8 ^ 64),
                _ => return Err(self.error("a control character is missing")),
            },
            '0' => self.octal()?,
            'x' if self.takes('{') => {
                let mut number = 0u32;
                loop {
                    match self.next() {
                        Some('}') => break,
                        Some(letter) => {
                            let digit = letter.to_digit(16).ok_or_else(|| self.error("no hexadecimal number"))?;
                            number = number.saturating_mul(16).saturating_add(digit);
                        }
                        None => return Err(self.error("no hexadecimal number")),
                    }
                }
                self.scalar(number)?
            }
            'x' => {
                let number = self.hexadecimal(2)?;
                self.scalar(number)?
            }
            'u' => {
                let number = self.hexadecimal(4)?;
                self.unit(number)?
            }
            'p' | 'P' => {
                let name = match self.next() {
                    Some('{') => {
                        let rest = self.letters.get(self.at..).unwrap_or_default();
                        let length = rest.iter().position(|&letter| letter == '}');
                        let length = length.ok_or_else(|| self.error("a property has no end"))?;
                        self.at += length + 1;
                        rest.iter().take(length).collect()
                    }
                    Some(letter) => letter.to_string(),
                    None => return Err(self.error("a property is missing")),
                };
                return class::of_property(&name, letter == 'P', self.flags.wide).map(Escaped::Class);
            }
            letter if letter.is_ascii_alphabetic() => return Err(self.error("no such escape")),
            letter => letter,
        }))
    }

    /// Up to three digits, of which the first of three is at most 3.
    fn octal(&mut self) -> Result<char, String> {
        let mut number = 0;
        let mut digits = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(8)) {
            if digits == 3 || number * 8 + digit > 0o377 {
                break;
            }
            number = number * 8 + digit;
            digits += 1;
            self.at += 1;
        }
        if digits == 0 { Err(self.error("an octal digit is missing")) } else { self.scalar(number) }
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, String> {
        let mut number = 0;
        for _ in 0..digits {
            let digit = self.next().and_then(|letter| letter.to_digit(16));
            number = number * 16 + digit.ok_or_else(|| self.error("a hexadecimal digit is missing"))?;
        }
        Ok(number)
    }

    /// `\uXXXX`, which with a second one behind it may be a pair.
    fn unit(&mut self, number: u32) -> Result<char, String> {
        if (0xd800..0xdc00).contains(&number) && self.takes('\\') && self.takes('u') {
            let second = self.hexadecimal(4)?;
            if (0xdc00..0xe000).contains(&second) {
                return self.scalar(0x1_0000 + ((number - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        self.scalar(number)
    }

    fn scalar(&self, number: u32) -> Result<char, String> {
        char::from_u32(number).ok_or_else(|| self.error("no character"))
    }

    /// A class, from behind its bracket.
    fn class(&mut self) -> Result<(), String> {
        if self.depth > REGEX_DEPTH_MAX {
            return Err(self.error("classes nested too deep"));
        }
        self.push("[");
        if self.takes('^') {
            self.push("^");
        }
        let mut is_first = true;
        loop {
            let Some(letter) = self.next() else { return Err(self.error("a class has no end")) };
            if self.quoting {
                self.literal(letter);
                self.end_quote();
                continue;
            }
            match letter {
                ']' if !is_first => break,
                '[' => {
                    self.depth += 1;
                    self.class()?;
                    self.depth -= 1;
                }
                '&' if self.peek() == Some('&') => {
                    self.at += 1;
                    self.push("&&");
                }
                '\\' if self.takes('Q') => {
                    self.quoting = true;
                    self.end_quote();
                }
                letter if self.flags.comments && letter.is_ascii_whitespace() => continue,
                letter => self.item(letter)?,
            }
            is_first = false;
        }
        self.push("]");
        Ok(())
    }

    /// A character of a class, or a range of them.
    fn item(&mut self, letter: char) -> Result<(), String> {
        let first = match self.class_letter(letter)? {
            Escaped::Letter(letter) => letter,
            Escaped::Class(class) => {
                self.push(&class);
                return Ok(());
            }
        };
        let behind = self.letters.get(self.at + 1).copied();
        let is_range = self.peek() == Some('-') && !matches!(behind, None | Some(']' | '['));
        self.literal(first);
        if is_range {
            self.at += 1;
            let letter = self.next().unwrap_or_default();
            match self.class_letter(letter)? {
                Escaped::Letter(last) if first <= last => {
                    self.push("-");
                    self.literal(last);
                }
                Escaped::Letter(_) => return Err(self.error("a range from its end to its beginning")),
                // Java takes `a-\d` for three things.
                Escaped::Class(class) => {
                    self.literal('-');
                    self.push(&class);
                }
            }
        }
        Ok(())
    }

    fn class_letter(&mut self, letter: char) -> Result<Escaped, String> {
        if letter != '\\' {
            return Ok(Escaped::Letter(letter));
        }
        let letter = self.next().ok_or_else(|| self.error("a backslash with nothing behind it"))?;
        self.escaped(letter)
    }

    /// At once behind what it ends, so that a quantifier stands behind the last of the quoted characters.
    fn end_quote(&mut self) {
        if self.peek() == Some('\\') && self.letters.get(self.at + 1) == Some(&'E') {
            self.at += 2;
            self.quoting = false;
        }
    }

    fn literal(&mut self, letter: char) {
        if letter.is_ascii_alphanumeric() {
            self.out.pattern.push(letter);
        } else {
            self.push(&format!(r"\x{{{:X}}}", u32::from(letter)));
        }
    }

    fn push(&mut self, text: &str) {
        self.out.pattern.push_str(text);
    }

    /// Under `(?x)` blanks may stand before a quantifier.
    fn skip_comments(&mut self) {
        while self.flags.comments && self.peek().is_some_and(|letter| letter.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn takes(&mut self, letter: char) -> bool {
        let is_there = self.peek() == Some(letter);
        self.at += usize::from(is_there);
        is_there
    }

    fn error(&self, message: &str) -> String {
        format!("not a regular expression near character {}: {message}", self.at)
    }
}

/// Whether a translated atom takes no text.
fn is_assertion(atom: &str) -> bool {
    let is_around = ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|opening| atom.starts_with(opening));
    is_around || matches!(atom, r"\A" | r"\z" | r"\b" | r"\B" | END)
}

enum Escaped {
    Letter(char),
    Class(String),
}
