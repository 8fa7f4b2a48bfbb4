//! The text of a path to its parts.

use std::fmt;

use bumpalo::Bump;

use super::query::{Comparison, Condition, Function, Operand, Part, Query};
use crate::lang::budget::Budget;
use crate::lang::java_regex::Whole;
use crate::lang::json;
use crate::settings::limits::{JSONPATH_BYTES_MAX, JSONPATH_DEPTH_MAX, JSONPATH_PARTS_MAX};

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    pub message: String,
    /// In bytes.
    pub offset: usize,
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a JSONPath at byte {}: {}", self.offset, self.message)
    }
}

pub(super) fn parse(text: &str) -> Result<(Query, Box<[serde_json::Value]>), PathError> {
    let trimmed = text.trim_end_matches(|letter| letter <= ' ');
    let at = trimmed.len() - trimmed.trim_start_matches(|letter| letter <= ' ').len();
    if trimmed.len() - at > JSONPATH_BYTES_MAX {
        return Err(PathError { message: format!("it is longer than {JSONPATH_BYTES_MAX} bytes"), offset: at });
    }
    let mut parser = Parser { text: trimmed, at, depth: 0, literals: Vec::new() };
    let query = parser.document_path()?;
    if parser.at < trimmed.len() {
        return Err(parser.error("a name with a blank or a sign in it stands in brackets and quotes: ['my name']"));
    }
    Ok((query, parser.literals.into()))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    /// Filters and parentheses that are open.
    depth: usize,
    literals: Vec<serde_json::Value>,
}

impl<'t> Parser<'t> {
    /// The library puts `$.` before what does not begin with `$` or `@`: so `a` is `$.a`, and `.a` is `$..a`.
    fn document_path(&mut self) -> Result<Query, PathError> {
        let mut parts = Vec::new();
        match self.byte() {
            Some(b'$' | b'@') => {
                self.at += 1;
                if !matches!(self.byte(), None | Some(b'.' | b'[')) {
                    return Err(self.error("behind the $ a dot or a bracket is missing"));
                }
            }
            Some(b'.') => {
                self.at += 1 + usize::from(self.text.get(self.at + 1..).is_some_and(|rest| rest.starts_with('.')));
                parts.push(Part::Scan);
                self.dotted(&mut parts)?;
            }
            Some(b'[') => {}
            Some(_) => {
                if let Some(function) = self.name(&mut parts, false)? {
                    return self.finish(parts, Some(function), true);
                }
            }
            None => return Err(self.error("it is empty")),
        }
        self.steps(parts, true, false)
    }

    /// What follows the root: `.name`, `..`, `[…]`.
    fn steps(&mut self, mut parts: Vec<Part>, from_root: bool, in_filter: bool) -> Result<Query, PathError> {
        loop {
            if parts.len() > JSONPATH_PARTS_MAX {
                return Err(self.error("it has too many parts"));
            }
            let function = match self.byte() {
                Some(b'.') => {
                    self.at += 1;
                    if self.byte() == Some(b'.') {
                        self.at += 1;
                        parts.push(Part::Scan);
                    }
                    match self.byte() {
                        Some(b'[') => None,
                        _ => self.name(&mut parts, in_filter)?,
                    }
                }
                Some(b'[') => {
                    let part = self.bracket()?;
                    parts.push(part);
                    None
                }
                _ => return self.finish(parts, None, from_root),
            };
            if function.is_some() {
                return self.finish(parts, function, from_root);
            }
        }
    }

    fn dotted(&mut self, parts: &mut Vec<Part>) -> Result<(), PathError> {
        if self.byte() != Some(b'[') && self.name(parts, false)?.is_some() {
            return Err(self.error("a function stands behind a value"));
        }
        Ok(())
    }

    fn finish(&self, parts: Vec<Part>, function: Option<Function>, from_root: bool) -> Result<Query, PathError> {
        let (last, before) = match parts.split_last() {
            Some((Part::Scan, _)) => return Err(self.error("a path does not end with a scan")),
            Some((last, before)) => (Some(last), before),
            None => (None, &parts[..]),
        };
        let is_single = |part: &Part| matches!(part, Part::Name(_) | Part::Index(_));
        let is_definite =
            before.iter().all(is_single) && last.is_none_or(|part| is_single(part) || matches!(part, Part::Names(_)));
        Ok(Query { from_root, parts: parts.into(), function, is_definite })
    }

    /// A name without quotes, or a function at the end of a path.
    fn name(&mut self, parts: &mut Vec<Part>, in_filter: bool) -> Result<Option<Function>, PathError> {
        let start = self.at;
        while let Some(byte) = self.byte() {
            let ends = match byte {
                b'.' | b'[' | b'(' => true,
                byte if byte <= b' ' => true,
                b')' | b'=' | b'!' | b'<' | b'>' | b'&' | b'|' | b',' => in_filter,
                _ => false,
            };
            if ends {
                break;
            }
            self.at += 1;
        }
        let name = self.text.get(start..self.at).unwrap_or_default();
        if self.byte() == Some(b'(') {
            let function = match name {
                "length" => Function::Length,
                "min" => Function::Min,
                "max" => Function::Max,
                "sum" => Function::Sum,
                "avg" => Function::Average,
                "stddev" => Function::Deviation,
                _ => return Err(self.error("there is no such function")),
            };
            self.at += 1;
            self.expect(b')', "functions take no arguments")?;
            return Ok(Some(function));
        }
        match name {
            "" => return Err(self.error("a name is missing")),
            "*" => parts.push(Part::All),
            name => parts.push(Part::Name(name.into())),
        }
        Ok(None)
    }

    fn bracket(&mut self) -> Result<Part, PathError> {
        self.at += 1;
        self.skip_blanks();
        let part = match self.byte() {
            Some(b'\'' | b'"') => self.names()?,
            Some(b'*') => {
                self.at += 1;
                Part::All
            }
            Some(b'?') => {
                self.at += 1;
                self.skip_blanks();
                self.expect(b'(', "a filter stands in parentheses")?;
                let condition = self.within(Self::either)?;
                self.skip_blanks();
                self.expect(b')', "a parenthesis is missing")?;
                Part::Filter(condition)
            }
            _ => self.indexes()?,
        };
        self.skip_blanks();
        self.expect(b']', "a bracket is missing")?;
        Ok(part)
    }

    fn names(&mut self) -> Result<Part, PathError> {
        let mut names = vec![self.quoted()?.into_boxed_str()];
        loop {
            self.skip_blanks();
            if self.byte() != Some(b',') {
                break;
            }
            self.at += 1;
            self.skip_blanks();
            names.push(self.quoted()?.into_boxed_str());
        }
        Ok(match <[Box<str>; 1]>::try_from(names) {
            Ok([name]) => Part::Name(name),
            Err(names) => Part::Names(names.into()),
        })
    }

    /// `0`, `0,1` or `1:3`.
    fn indexes(&mut self) -> Result<Part, PathError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let content = rest.split(']').next().unwrap_or_default();
        // An array's index is an `int`.
        let index = |text: &str| text.trim().parse::<i32>().map(i64::from).ok();
        let part = if let Some((from, to)) = content.split_once(':') {
            let end = |text: &str| if text.trim().is_empty() { Some(None) } else { index(text).map(Some) };
            match (end(from), end(to)) {
                (Some(from), Some(to)) if from.is_some() || to.is_some() => Some(Part::Slice(from, to)),
                _ => None,
            }
        } else {
            let indexes: Option<Vec<i64>> = content.split(',').map(index).collect();
            indexes.map(|indexes| match indexes[..] {
                [index] => Part::Index(index),
                _ => Part::Indexes(indexes.into()),
            })
        };
        let part = part.ok_or_else(|| self.error("neither a quoted name nor an index"))?;
        self.at += content.len();
        Ok(part)
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let Some(quote @ ('\'' | '"')) = self.rest().chars().next() else {
            return Err(self.error("a quoted text is missing"));
        };
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1);
        while let Some((position, letter)) = letters.next() {
            match letter {
                '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
                letter if letter == quote => {
                    self.at += position + 1;
                    return Ok(text);
                }
                letter => text.push(letter),
            }
        }
        Err(self.error("a text has no end"))
    }

    /// One level deeper into filters and parentheses.
    fn within<T>(&mut self, inner: fn(&mut Self) -> Result<T, PathError>) -> Result<T, PathError> {
        if self.depth == JSONPATH_DEPTH_MAX {
            return Err(self.error("it is nested too deep"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn either(&mut self) -> Result<Condition, PathError> {
        let mut conditions = vec![self.both()?];
        while self.takes("||") {
            conditions.push(self.both()?);
        }
        Ok(one_or(conditions, Condition::Or))
    }

    fn both(&mut self) -> Result<Condition, PathError> {
        let mut conditions = vec![self.condition()?];
        while self.takes("&&") {
            conditions.push(self.condition()?);
        }
        Ok(one_or(conditions, Condition::And))
    }

    fn condition(&mut self) -> Result<Condition, PathError> {
        if self.takes("!") {
            return Ok(Condition::Not(Box::new(self.within(Self::condition)?)));
        }
        if self.takes("(") {
            let condition = self.within(Self::either)?;
            self.skip_blanks();
            self.expect(b')', "a parenthesis is missing")?;
            return Ok(condition);
        }
        let left = self.operand()?;
        self.skip_blanks();
        if matches!(self.byte(), None | Some(b')' | b'&' | b'|')) {
            return match left {
                Operand::Path(_) => Ok(Condition::Exists(left)),
                Operand::Literal(_) => Err(self.error("a comparison is missing")),
            };
        }
        if self.takes("=~") {
            return Ok(Condition::Matches(left, Box::new(self.regex()?)));
        }
        let comparison = self.comparison()?;
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    fn comparison(&mut self) -> Result<Comparison, PathError> {
        const SIGNS: [(&str, Comparison); 8] = [
            ("===", Comparison::Same),
            ("!==", Comparison::NotSame),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        if let Some((_, comparison)) = SIGNS.iter().find(|(sign, _)| self.takes(sign)) {
            return Ok(*comparison);
        }
        let letters = self.rest().bytes().take_while(u8::is_ascii_alphabetic).count();
        let word = self.rest().get(..letters).unwrap_or_default().to_ascii_lowercase();
        let comparison = match word.as_str() {
            "in" => Comparison::In,
            "nin" => Comparison::NotIn,
            "contains" => Comparison::Contains,
            "all" => Comparison::All,
            "subsetof" => Comparison::SubsetOf,
            "anyof" => Comparison::AnyOf,
            "noneof" => Comparison::NoneOf,
            "size" => Comparison::Size,
            "empty" => Comparison::Empty,
            "exists" => Comparison::IsThere,
            _ => return Err(self.error("there is no such comparison")),
        };
        self.at += letters;
        Ok(comparison)
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        self.skip_blanks();
        let literal = match self.byte() {
            Some(sign @ (b'@' | b'$')) => {
                self.at += 1;
                return Ok(Operand::Path(self.steps(Vec::new(), sign == b'$', true)?));
            }
            Some(b'\'' | b'"') => self.quoted()?.into(),
            Some(b'[' | b'{') => self.json()?,
            _ => self.word()?,
        };
        self.literals.push(literal);
        Ok(Operand::Literal(self.literals.len() - 1))
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<serde_json::Value, PathError> {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let length = self.rest().bytes().take_while(|byte| is_part(byte)).count();
        let word = self.rest().get(..length).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(word).map_err(|_| self.error("a value is missing"))?;
        self.at += length;
        Ok(value)
    }

    /// A list or an object, up to the bracket that closes it.
    fn json(&mut self) -> Result<serde_json::Value, PathError> {
        let mut open = 0usize;
        let mut quote = None;
        let mut bytes = self.rest().bytes().enumerate();
        while let Some((position, byte)) = bytes.next() {
            match (byte, quote) {
                (b'\\', Some(_)) => drop(bytes.next()),
                (byte, Some(end)) if byte == end => quote = None,
                (_, Some(_)) => {}
                (b'\'' | b'"', None) => quote = Some(byte),
                (b'[' | b'{', None) => open += 1,
                (b']' | b'}', None) => open -= 1,
                _ => {}
            }
            if open == 0 {
                let text = self.rest().get(..=position).unwrap_or_default();
                let (arena, budget) = (Bump::new(), Budget::new(JSONPATH_BYTES_MAX as u64, 1 << 24));
                let value =
                    json::parse(text, &arena, &budget).ok().and_then(|value| json::to_serde(value, &budget).ok());
                let value = value.ok_or_else(|| self.error("not JSON"))?;
                self.at += position + 1;
                return Ok(value);
            }
        }
        Err(self.error("a bracket is missing"))
    }

    /// `/pattern/flags`
    fn regex(&mut self) -> Result<Whole, PathError> {
        self.skip_blanks();
        let start = self.at;
        self.expect(b'/', "a pattern stands between slashes")?;
        let mut bytes = self.rest().bytes().enumerate();
        let mut end = None;
        while let Some((position, byte)) = bytes.next() {
            match byte {
                b'\\' => drop(bytes.next()),
                b'/' => {
                    end = Some(position);
                    break;
                }
                _ => {}
            }
        }
        let end = end.ok_or_else(|| self.error("a pattern has no end"))?;
        let pattern = self.rest().get(..end).unwrap_or_default();
        let behind = self.rest().get(end + 1..).unwrap_or_default();
        let flags: String = behind.chars().take_while(char::is_ascii_alphabetic).collect();
        let written = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
        let regex = Whole::compile(&written).map_err(|message| PathError { message, offset: start })?;
        self.at += end + 1 + flags.len();
        Ok(regex)
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.byte().is_some_and(|byte| byte <= b' ') {
            self.at += 1;
        }
    }

    /// A sign behind blanks.
    fn takes(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        let is_there = self.rest().starts_with(sign);
        self.at += if is_there { sign.len() } else { 0 };
        is_there
    }

    fn expect(&mut self, byte: u8, otherwise: &str) -> Result<(), PathError> {
        if self.byte() != Some(byte) {
            return Err(self.error(otherwise));
        }
        self.at += 1;
        Ok(())
    }

    fn error(&self, message: &str) -> PathError {
        PathError { message: message.to_owned(), offset: self.at }
    }
}

fn one_or(mut conditions: Vec<Condition>, many: fn(Box<[Condition]>) -> Condition) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        Some(last) => {
            conditions.push(last);
            many(conditions.into())
        }
        None => many(Box::new([])),
    }
}
