//! The reader: json-smart's permissive grammar, byte by byte.
//!
//! Its shape follows from what json-smart takes, also where that is odd: a control character of 26 ends the text where
//! it stands outside of quotes, control characters vanish from a quoted text that has an escape and stay in one that has
//! none, and an unknown escape is nothing at all.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use crate::lang::budget::{Budget, Exhausted};
use crate::lang::java_number::{self, Integer};
use crate::lang::value::{List, ListKind, Map, Value};
use crate::settings::limits::JSON_DEPTH_MAX;

/// What json-smart calls the end of its input, and takes for it wherever it reads one outside of quotes.
const END: u8 = 0x1a;
/// A number with a fraction or an exponent that is longer is a `BigDecimal`.
const DOUBLE_BYTES_MAX: usize = 18;

/// Room for values at first: a body has some dozen, and growing costs a copy.
const FIRST_VALUES: usize = 64;
/// A whole number of more digits is a `BigInteger`.
const LONG_DIGITS_MAX: usize = 19;

/// Why a text is no JSON, even to a permissive reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    pub message: &'static str,
    /// In bytes.
    pub offset: usize,
    /// Set where the text may be good JSON and only takes more than it may.
    pub exhausted: Option<Exhausted>,
}

impl fmt::Display for JsonError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exhausted {
            Some(exhausted) => write!(formatter, "JSON at byte {}: {exhausted}", self.offset),
            None => write!(formatter, "not JSON at byte {}: {}", self.offset, self.message),
        }
    }
}

/// Reading has ended, and `Reader::failure` says why. With nothing in it results stay in registers: what went wrong takes
/// forty bytes, and every text and every value would pay for them.
struct Failed;

type Read<T> = Result<T, Failed>;

/// Where an unquoted text ends.
#[derive(Clone, Copy)]
enum Place {
    /// At the end of everything only.
    Top,
    Array,
    Object,
    Key,
}

impl Place {
    fn ends_at(self, byte: u8) -> bool {
        match self {
            Self::Top => byte == END,
            Self::Array => matches!(byte, b',' | b']' | END),
            Self::Object => matches!(byte, b',' | b'}' | END),
            Self::Key => matches!(byte, b':' | END),
        }
    }
}

pub(super) struct Reader<'a, 'b> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// What the arrays and objects that are open hold so far: a list or a map is made when its length is known. Values
    /// are written here once and not handed from call to call, for the processor waits for every such copy: that was
    /// most of the time of reading.
    values: Vec<Value<'a>>,
    /// The keys of the objects that are open.
    keys: Vec<&'a str>,
    failure: Cell<Option<JsonError>>,
    arena: &'a Bump,
    budget: &'b Budget,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub(super) fn new(text: &'a str, arena: &'a Bump, budget: &'b Budget) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            depth: 0,
            values: Vec::new(),
            keys: Vec::new(),
            failure: Cell::new(None),
            arena,
            budget,
        }
    }

    pub(super) fn read_document(mut self) -> Result<Value<'a>, JsonError> {
        let read =
            self.budget.spend(1).map_err(|exhausted| self.exhausted(exhausted)).and_then(|()| self.value(Place::Top));
        match (read, self.failure.take()) {
            (Ok(()), None) => Ok(self.values.pop().unwrap_or(Value::Null)),
            (_, failure) => Err(failure.unwrap_or(JsonError { message: "not JSON", offset: self.at, exhausted: None })),
        }
    }

    /// Reads a value to the end of `values`.
    #[inline(always)]
    fn value(&mut self, place: Place) -> Read<()> {
        // Most values are texts, with one blank before them or none.
        if self.byte() == b' ' {
            self.at += 1;
        }
        if self.byte() == b'"' && self.values.len() < self.values.capacity() {
            let text = self.quoted::<b'"'>()?;
            self.values.push(Value::Text(text));
            return Ok(());
        }
        self.any_value(place)
    }

    fn any_value(&mut self, place: Place) -> Read<()> {
        if self.values.len() == self.values.capacity() {
            self.more_values()?;
        }
        self.skip_blanks();
        match self.byte() {
            b'"' => {
                let text = self.quoted::<b'"'>()?;
                self.values.push(Value::Text(text));
            }
            b'\'' => {
                let text = self.quoted::<b'\''>()?;
                self.values.push(Value::Text(text));
            }
            b'{' => return self.object(),
            b'[' => return self.array(),
            b'0'..=b'9' | b'-' => return self.number(place),
            b':' | b'}' | b']' => return Err(self.error("a value is missing")),
            b'n' => self.word(place, "null", Value::Null),
            b't' => self.word(place, "true", Value::Bool(true)),
            b'f' => self.word(place, "false", Value::Bool(false)),
            b'N' => self.word(place, "NaN", Value::Double(f64::NAN)),
            _ => {
                let text = self.unquoted(self.at, place);
                self.values.push(Value::Text(text));
            }
        }
        Ok(())
    }

    #[cold]
    fn more_values(&mut self) -> Read<()> {
        // Counted when their list or map ends, which may be far away.
        self.budget.affords(self.values.len() as u64).map_err(|exhausted| self.exhausted(exhausted))?;
        self.allow(2 * self.values.len() * size_of::<Value<'_>>())?;
        self.values.reserve(self.values.len().max(FIRST_VALUES));
        Ok(())
    }

    fn array(&mut self) -> Read<()> {
        self.enter()?;
        let first = self.values.len();
        loop {
            self.skip_blanks();
            match self.byte() {
                b',' => self.at += 1,
                b']' => break,
                b':' | b'}' => return Err(self.error("not at home in an array")),
                END => return Err(self.error("the array has no end")),
                _ => self.value(Place::Array)?,
            }
        }
        self.leave(self.values.len() - first, 1)?;
        let items = self.values.get(first..).unwrap_or_default();
        let mut list = BumpVec::with_capacity_in(items.len(), self.arena);
        list.extend_from_slice(items);
        let list = List::of(ListKind::Json, list, self.arena);
        self.values.truncate(first);
        self.values.push(Value::List(list));
        Ok(())
    }

    fn object(&mut self) -> Read<()> {
        self.enter()?;
        let first = self.values.len();
        let first_key = self.keys.len();
        loop {
            self.skip_blanks();
            let key = match self.byte() {
                b'}' => break,
                b',' => {
                    self.at += 1;
                    continue;
                }
                b':' | b'[' | b']' | b'{' => return Err(self.error("a key is missing")),
                END => return Err(self.error("the object has no end")),
                b'"' => self.quoted::<b'"'>()?,
                b'\'' => self.quoted::<b'\''>()?,
                _ => self.unquoted(self.at, Place::Key),
            };
            if self.byte() != b':' {
                self.skip_controls();
                if self.byte() != b':' {
                    return Err(self.error("a colon is missing"));
                }
            }
            self.at += 1;
            self.keys.push(key);
            self.value(Place::Object)?;
            if self.byte() != b',' {
                self.skip_controls();
            }
            match self.byte() {
                b',' => self.at += 1,
                b'}' => break,
                END => return Err(self.error("the object has no end")),
                _ => return Err(self.error("a comma is missing")),
            }
        }
        // A key takes as much again as its value, with its tag and its place in an index.
        self.leave(self.values.len() - first, 3)?;
        let values = self.values.get(first..).unwrap_or_default();
        let keys = self.keys.get(first_key..).unwrap_or_default();
        let map = Map::of_texts(keys, values, self.arena);
        self.keys.truncate(first_key);
        self.values.truncate(first);
        self.values.push(Value::Map(map));
        Ok(())
    }

    /// Past the closing bracket, if so many values may be read and the arena has room for them.
    fn leave(&mut self, values: usize, places: usize) -> Read<()> {
        self.at += 1;
        self.depth -= 1;
        self.budget.spend(values as u64).map_err(|exhausted| self.exhausted(exhausted))?;
        self.allow(values * places * size_of::<Value<'_>>())
    }

    fn enter(&mut self) -> Read<()> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(self.exhausted(Exhausted::Depth));
        }
        self.depth += 1;
        self.at += 1;
        self.allow(0)
    }

    /// A word that means something where it stands alone, and is a text otherwise.
    fn word(&mut self, place: Place, word: &'static str, meaning: Value<'a>) {
        let behind = self.at + word.len();
        if self.bytes.get(self.at..behind) == Some(word.as_bytes())
            && self.bytes.get(behind).is_some_and(|&byte| place.ends_at(byte))
        {
            self.at = behind;
            return self.values.push(meaning);
        }
        let text = self.unquoted(self.at, place);
        self.values.push(if text == word { meaning } else { Value::Text(text) });
    }

    fn number(&mut self, place: Place) -> Read<()> {
        let start = self.at;
        self.at += 1;
        self.skip_digits();
        let mut is_whole = true;
        if self.byte() == b'.' {
            is_whole = false;
            self.at += 1;
            self.skip_digits();
        }
        if matches!(self.byte(), b'e' | b'E') {
            is_whole = false;
            self.at += 1;
            if !matches!(self.byte(), b'+' | b'-' | b'0'..=b'9') {
                let text = self.unquoted(start, place);
                self.values.push(Value::Text(text));
                return Ok(());
            }
            self.at += 1;
            self.skip_digits();
        }
        let end = self.at;
        self.skip_controls();
        let byte = self.byte();
        // Letters beyond `}` do not make it a text: json-smart's table of what ends one is that long.
        if byte < b'~' && !place.ends_at(byte) && byte != END {
            let text = self.unquoted(start, place);
            self.values.push(Value::Text(text));
            return Ok(());
        }
        let text = self.text.get(start..end).unwrap_or_default();
        let value = if !is_whole {
            self.fraction(text, start)?
        } else if text.len() < DOUBLE_BYTES_MAX {
            // What `parse_integer` does, without the copies: most numbers are short.
            let digits = text.bytes().filter(u8::is_ascii_digit);
            let size = digits.fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            let number = if text.starts_with('-') { -size } else { size };
            i32::try_from(number).map_or(Value::Long(number), Value::Int)
        } else {
            self.long_integer(text)?
        };
        self.values.push(value);
        Ok(())
    }

    fn long_integer(&self, text: &'a str) -> Read<Value<'a>> {
        let is_big = text.len() > LONG_DIGITS_MAX + usize::from(text.starts_with('-'));
        Ok(match java_number::parse_integer(text) {
            // json-smart counts leading zeros too.
            Some(Integer::Int(_) | Integer::Long(_)) if is_big => {
                let text = text.parse::<i64>().unwrap_or(0).to_string();
                Value::Big(self.keep(Cow::Owned(text))?)
            }
            Some(Integer::Int(number)) => Value::Int(number),
            Some(Integer::Long(number)) => Value::Long(number),
            Some(Integer::Big(text)) => Value::Big(self.keep(text)?),
            None => Value::Int(0),
        })
    }

    fn fraction(&self, text: &'a str, start: usize) -> Read<Value<'a>> {
        let number = if text.len() > DOUBLE_BYTES_MAX {
            java_number::parse_decimal(text).map(|text| self.keep(text)).transpose()?.map(Value::Decimal)
        } else {
            java_number::parse_double(text).map(Value::Double)
        };
        number.ok_or_else(|| self.failed(JsonError { message: "not a number", offset: start, exhausted: None }))
    }

    /// From `start` to where the place ends a text, without blanks around it.
    fn unquoted(&mut self, start: usize, place: Place) -> &'a str {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = match place {
            Place::Top => memchr::memchr(END, rest),
            Place::Array => memchr::memchr3(b',', b']', END, rest),
            Place::Object => memchr::memchr3(b',', b'}', END, rest),
            Place::Key => memchr::memchr2(b':', END, rest),
        };
        self.at += length.unwrap_or(rest.len());
        self.text.get(start..self.at).unwrap_or_default().trim_matches(|letter| letter <= ' ')
    }

    #[inline(always)]
    fn quoted<const QUOTE: u8>(&mut self) -> Read<&'a str> {
        let start = self.at + 1;
        let Some(end) = find_either::<QUOTE, b'\\'>(self.bytes, start) else {
            return Err(self.error("the text has no end"));
        };
        if self.bytes.get(end) == Some(&QUOTE) {
            self.at = end + 1;
            return Ok(self.text.get(start..end).unwrap_or_default());
        }
        self.at = start;
        self.escaped(QUOTE)
    }

    /// A text with escapes, from behind its first quote.
    #[inline(never)]
    fn escaped(&mut self, quote: u8) -> Read<&'a str> {
        let mut out = Unescaped { text: BumpString::new_in(self.arena), high: None };
        loop {
            let start = self.at;
            // Whatever is copied as it is: no control, no quote, no backslash.
            while self
                .bytes
                .get(self.at)
                .is_some_and(|&byte| byte >= b' ' && byte != quote && byte != b'\\' && byte != 127)
            {
                self.at += 1;
            }
            if self.at > start {
                if out.text.capacity() - out.text.len() < self.at - start {
                    self.allow(2 * (out.text.len() + self.at - start))?;
                }
                out.text(self.text.get(start..self.at).unwrap_or_default());
            }
            match self.byte() {
                END => return Err(self.error("the text has no end")),
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                byte if byte == quote => {
                    self.at += 1;
                    return Ok(out.finish());
                }
                _ => self.at += 1,
            }
            if out.text.len() == out.text.capacity() {
                self.allow(2 * out.text.len())?;
            }
        }
    }

    fn escape(&mut self, out: &mut Unescaped<'a>) -> Read<()> {
        let byte = self.byte();
        if byte >= 0x80 {
            self.skip_letter();
            return Ok(());
        }
        // At the end of the text the loop that called meets it again.
        self.at = (self.at + 1).min(self.bytes.len());
        match byte {
            b'"' => out.unit(u16::from(b'"')),
            b'\'' => out.unit(u16::from(b'\'')),
            b'\\' => out.unit(u16::from(b'\\')),
            b'/' => out.unit(u16::from(b'/')),
            b'b' => out.unit(8),
            b'f' => out.unit(12),
            b'n' => out.unit(10),
            b'r' => out.unit(13),
            b't' => out.unit(9),
            b'u' => out.unit(self.hexadecimal(4)?),
            b'x' => out.unit(self.hexadecimal(2)?),
            _ => {}
        }
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize) -> Read<u16> {
        let mut number = 0;
        for _ in 0..digits {
            let Some(digit) = char::from(self.byte()).to_digit(16) else {
                return Err(self.error("a hexadecimal digit is missing"));
            };
            number = number * 16 + digit as u16;
            self.at += 1;
        }
        Ok(number)
    }

    fn keep(&self, text: Cow<'a, str>) -> Read<&'a str> {
        match text {
            Cow::Borrowed(text) => Ok(text),
            Cow::Owned(text) => {
                self.allow(text.len())?;
                Ok(self.arena.alloc_str(&text))
            }
        }
    }

    #[inline(always)]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(END)
    }

    /// Past one character, of however many bytes.
    fn skip_letter(&mut self) {
        self.at += 1;
        while self.bytes.get(self.at).is_some_and(|byte| (0x80..0xc0).contains(byte)) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    /// Between a key, its colon and behind a value json-smart takes every control character for a blank.
    fn skip_controls(&mut self) {
        while self.bytes.get(self.at).is_some_and(|&byte| byte <= b' ' && byte != END) {
            self.at += 1;
        }
    }

    fn skip_digits(&mut self) {
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    fn allow(&self, more: usize) -> Read<()> {
        self.budget.allows_in(self.arena, more).map_err(|exhausted| self.exhausted(exhausted))
    }

    #[cold]
    fn exhausted(&self, exhausted: Exhausted) -> Failed {
        self.failed(JsonError { message: "more than it may be", offset: self.at, exhausted: Some(exhausted) })
    }

    #[cold]
    fn error(&self, message: &'static str) -> Failed {
        self.failed(JsonError { message, offset: self.at, exhausted: None })
    }

    fn failed(&self, error: JsonError) -> Failed {
        self.failure.set(Some(error));
        Failed
    }
}

/// A text that is put together from UTF-16 units, as Java's are.
struct Unescaped<'a> {
    text: BumpString<'a>,
    /// The first half of a pair, until its second one comes.
    high: Option<u16>,
}

impl<'a> Unescaped<'a> {
    fn text(&mut self, text: &str) {
        self.end_pair();
        self.text.push_str(text);
    }

    fn unit(&mut self, unit: u16) {
        let units = [self.high.take().unwrap_or(unit), unit];
        match unit {
            0xdc00..=0xdfff if units[0] != unit => self.text.extend(char::decode_utf16(units).flatten()),
            _ => {
                if units[0] != unit {
                    self.text.push(char::REPLACEMENT_CHARACTER);
                }
                match unit {
                    0xd800..=0xdbff => self.high = Some(unit),
                    _ => self.text.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
        }
    }

    /// Half a pair is no character, and UTF-8 has no way to say it.
    fn end_pair(&mut self) {
        if self.high.take().is_some() {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    fn finish(mut self) -> &'a str {
        self.end_pair();
        self.text.into_bump_str()
    }
}

/// The first of two bytes from a place on: eight at a time for texts as bodies have them, and as many as the machine can
/// for long ones.
#[inline(always)]
fn find_either<const ONE: u8, const OTHER: u8>(bytes: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = from;
    let mut rest = bytes.get(from..)?;
    for _ in 0..4 {
        let Some((chunk, behind)) = rest.split_first_chunk::<8>() else { break };
        rest = behind;
        let word = u64::from_le_bytes(*chunk);
        let (one, other) = (word ^ (ONES * u64::from(ONE)), word ^ (ONES * u64::from(OTHER)));
        // The lowest set bit is right; those above it may be set by the borrow.
        let found = ((one.wrapping_sub(ONES) & !one) | (other.wrapping_sub(ONES) & !other)) & HIGHS;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(ONE, OTHER, rest).map(|position| at + position)
}
