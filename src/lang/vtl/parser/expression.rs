//! Expressions of `#set` and `#if`, and the simpler ones that methods, lists and macros take: those have no operators
//! (rest/08 section 8.2).

use crate::lang::vtl::parser::directive::is_word_byte;
use crate::lang::vtl::parser::{Parsed, Parser};
use crate::lang::vtl::program::{Chain, Expression, Operator};

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.deeper(|parser| parser.chain(0))
    }

    /// Operators of one level of precedence; all associate to the left. A chain is one node, however long: `a + b + c …`
    /// nests nothing.
    fn chain(&mut self, level: usize) -> Parsed<Expression> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let first = self.chain(level + 1)?;
        let mut rest = Vec::new();
        loop {
            self.cursor.skip_space();
            let Some((operator, length)) = self.operator().filter(|(operator, _)| operators.contains(operator)) else {
                break;
            };
            self.cursor.skip(length);
            rest.push((operator, self.chain(level + 1)?));
        }
        if rest.is_empty() { Ok(first) } else { Ok(Expression::Chain(Box::new(Chain { first, rest: rest.into() }))) }
    }

    fn unary(&mut self) -> Parsed<Expression> {
        self.cursor.skip_space();
        let not = match self.cursor.peek() {
            Some(b'!') => 1,
            Some(b'n') if self.word() == "not" => 3,
            _ => 0,
        };
        if not > 0 {
            self.cursor.skip(not);
            return Ok(Expression::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.cursor.take("(") {
            let inner = self.expression()?;
            self.cursor.skip_space();
            if !self.cursor.take(")") {
                return Err(self.unexpected("`)`"));
            }
            return Ok(inner);
        }
        self.primary()
    }

    fn operator(&self) -> Option<(Operator, usize)> {
        use Operator::*;
        let rest = self.cursor.rest();
        let symbols: [(&str, Operator); 13] = [
            ("||", Or),
            ("&&", And),
            ("==", Equal),
            ("!=", NotEqual),
            ("<=", LessOrEqual),
            ("<", Less),
            (">=", GreaterOrEqual),
            (">", Greater),
            ("+", Add),
            ("-", Subtract),
            ("*", Multiply),
            ("/", Divide),
            ("%", Modulo),
        ];
        if let Some((text, operator)) = symbols.iter().find(|(text, _)| rest.starts_with(text)) {
            // A minus directly before a number is its sign (rest/08 section 8.5).
            let sign = *operator == Subtract
                && self.cursor.peek_at(1).is_some_and(|next| next.is_ascii_digit() || self.is_fraction_at(1));
            return if sign { None } else { Some((*operator, text.len())) };
        }
        let operator = match self.word() {
            "or" => Or,
            "and" => And,
            "eq" => Equal,
            "ne" => NotEqual,
            "lt" => Less,
            "le" => LessOrEqual,
            "gt" => Greater,
            "ge" => GreaterOrEqual,
            _ => return None,
        };
        Some((operator, self.word().len()))
    }

    /// The bare word that stands here; empty where none does.
    fn word(&self) -> &str {
        let rest = self.cursor.rest();
        if !rest.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, b'_' | b'@')) {
            return "";
        }
        let length = rest.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(rest.len());
        rest.get(..length).unwrap_or_default()
    }

    /// An argument of a directive: as a parameter, or a bare word.
    pub(super) fn argument(&mut self) -> Parsed<Expression> {
        self.cursor.skip_space();
        let word = self.word();
        if !word.is_empty() && word != "true" && word != "false" {
            let length = word.len();
            self.cursor.skip(length);
            return Ok(Expression::Word);
        }
        self.deeper(Self::primary)
    }

    /// Parameters with commas between them, up to and with what closes them.
    pub(super) fn parameters(&mut self, closing: u8) -> Parsed<Vec<Expression>> {
        let mut parameters = Vec::new();
        self.cursor.skip_space();
        if self.cursor.peek() == Some(closing) {
            self.cursor.skip(1);
            return Ok(parameters);
        }
        loop {
            // Methods take bare words, and so does Velocity's `null` become null.
            parameters.push(if closing == b')' { self.argument()? } else { self.parameter()? });
            self.cursor.skip_space();
            match self.cursor.peek() {
                Some(b',') => self.cursor.skip(1),
                Some(found) if found == closing => {
                    self.cursor.skip(1);
                    return Ok(parameters);
                }
                _ => return Err(self.unexpected(&format!("`,` or `{}`", closing as char))),
            }
        }
    }

    fn parameter(&mut self) -> Parsed<Expression> {
        self.cursor.skip_space();
        let parameter = self.deeper(Self::primary)?;
        self.cursor.skip_space();
        Ok(parameter)
    }

    /// What stands in the brackets behind a reference.
    pub(super) fn index(&mut self) -> Parsed<Expression> {
        match self.cursor.peek() {
            Some(b'[' | b'{') => Err(self.unexpected("an index")),
            _ => match self.primary()? {
                Expression::Double(_) => Err(self.error("an index is no fraction".into())),
                index => Ok(index),
            },
        }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        match self.cursor.peek() {
            Some(b'"' | b'\'') => self.string(),
            Some(b'[') => self.list(),
            Some(b'{') => self.map(),
            Some(b'$') => match self.reference()? {
                Some(reference) => Ok(Expression::Reference(Box::new(reference))),
                None => Err(self.unexpected("a reference")),
            },
            Some(b'0'..=b'9' | b'-' | b'.') => self.number(),
            _ => match self.word() {
                word @ ("true" | "false") => {
                    let (value, length) = (word == "true", word.len());
                    self.cursor.skip(length);
                    Ok(Expression::Bool(value))
                }
                _ => Err(self.unexpected("a value")),
            },
        }
    }

    fn list(&mut self) -> Parsed<Expression> {
        self.cursor.skip(1);
        self.cursor.skip_space();
        if self.cursor.take("]") {
            return Ok(Expression::List(Box::default()));
        }
        let first = self.parameter()?;
        if self.cursor.take("..") {
            let last = self.parameter()?;
            let ends =
                |end: &Expression| matches!(end, Expression::Int(_) | Expression::Long(_) | Expression::Reference(_));
            if !ends(&first) || !ends(&last) {
                return Err(self.error("the ends of a range are integers or references".into()));
            }
            if !self.cursor.take("]") {
                return Err(self.unexpected("`]`"));
            }
            return Ok(Expression::Range(Box::new((first, last))));
        }
        let mut items = vec![first];
        if self.cursor.take(",") {
            // An empty rest would be a list that ends in a comma.
            if self.cursor.rest().trim_start().starts_with(']') {
                return Err(self.unexpected("a value"));
            }
            items.extend(self.parameters(b']')?);
        } else if !self.cursor.take("]") {
            return Err(self.unexpected("`,` or `]`"));
        }
        Ok(Expression::List(items.into()))
    }

    fn map(&mut self) -> Parsed<Expression> {
        self.cursor.skip(1);
        self.cursor.skip_space();
        let mut entries = Vec::new();
        if self.cursor.take("}") {
            return Ok(Expression::Map(Box::default()));
        }
        loop {
            let key = self.parameter()?;
            if !self.cursor.take(":") {
                return Err(self.unexpected("`:`"));
            }
            entries.push((key, self.parameter()?));
            if self.cursor.take("}") {
                return Ok(Expression::Map(entries.into()));
            }
            if !self.cursor.take(",") {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    pub(super) fn is_fraction_at(&self, ahead: usize) -> bool {
        self.cursor.peek_at(ahead) == Some(b'.') && self.digits_at(ahead + 1) > 0
    }
}

/// From those that bind loosest.
const LEVELS: [&[Operator]; 6] = [
    &[Operator::Or],
    &[Operator::And],
    &[Operator::Equal, Operator::NotEqual],
    &[Operator::Less, Operator::LessOrEqual, Operator::Greater, Operator::GreaterOrEqual],
    &[Operator::Add, Operator::Subtract],
    &[Operator::Multiply, Operator::Divide, Operator::Modulo],
];
