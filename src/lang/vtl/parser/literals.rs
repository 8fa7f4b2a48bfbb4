//! Numbers and texts as they are written in expressions.

use crate::lang::java_number::{Integer, parse_integer};
use crate::lang::vtl::parser::{Parsed, Parser};
use crate::lang::vtl::program::{Expression, Interpolated, Node, Position, Span};

impl Parser {
    pub(super) fn number(&mut self) -> Parsed<Expression> {
        let start = self.cursor.at();
        let negative = usize::from(self.cursor.peek() == Some(b'-'));
        let digits = self.digits_at(negative);
        let after = negative + digits;
        // Two dots are a range's.
        let is_range = self.cursor.peek_at(after) == Some(b'.') && self.cursor.peek_at(after + 1) == Some(b'.');
        let mut length = after;
        if digits > 0 && self.cursor.peek_at(after) == Some(b'.') && !is_range {
            length = after + 1 + self.digits_at(after + 1);
        } else if digits == 0 && self.is_fraction_at(negative) {
            length = negative + 1 + self.digits_at(negative + 1);
        }
        if length > 0 && (digits > 0 || length > after) && !is_range {
            length += self.exponent_at(length);
        }
        if digits == 0 && length == after {
            return Err(self.unexpected("a number"));
        }
        self.cursor.skip(length);
        let span = self.cursor.since(start);
        let text = self.cursor.text(span).to_owned();
        if length > after {
            let number: f64 = text.parse().unwrap_or_default();
            return Ok(Expression::Double(number));
        }
        Ok(match parse_integer(&text) {
            Some(Integer::Int(number)) => Expression::Int(number),
            Some(Integer::Long(number)) => Expression::Long(number),
            Some(Integer::Big(digits)) => Expression::Big(self.cursor.keep(&digits)),
            None => return Err(self.error("this is no number".into())),
        })
    }

    pub(super) fn digits_at(&self, ahead: usize) -> usize {
        let rest = self.cursor.rest().get(ahead..).unwrap_or_default();
        rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
    }

    fn exponent_at(&self, ahead: usize) -> usize {
        if !matches!(self.cursor.peek_at(ahead), Some(b'e' | b'E')) {
            return 0;
        }
        let sign = usize::from(matches!(self.cursor.peek_at(ahead + 1), Some(b'+' | b'-')));
        match self.digits_at(ahead + 1 + sign) {
            0 => 0,
            digits => 1 + sign + digits,
        }
    }

    pub(super) fn string(&mut self) -> Parsed<Expression> {
        let at = self.cursor.position();
        let Some(quote) = self.cursor.peek() else { return Err(self.unexpected("a text")) };
        self.cursor.skip(1);
        let start = self.cursor.at();
        let mut doubled = false;
        loop {
            self.cursor.take_while(|byte| byte != quote);
            if self.cursor.is_at_end() {
                return Err(self.error_at(at, "a text without its closing quote".into()));
            }
            if self.cursor.peek_at(1) != Some(quote) {
                break;
            }
            doubled = true;
            self.cursor.skip(2);
        }
        let mut span = self.cursor.since(start);
        self.cursor.skip(1);
        let quoted = quote == b'"';
        if doubled || (quoted && self.cursor.text(span).contains("\\u")) {
            let mut text = self.cursor.text(span).to_owned();
            if quoted {
                text = self.unescape(&text)?;
            }
            let pair = [quote, quote];
            text = text.replace(
                std::str::from_utf8(&pair).unwrap_or_default(),
                std::str::from_utf8(&[quote]).unwrap_or_default(),
            );
            span = self.cursor.keep(&text);
        }
        let text = self.cursor.text(span);
        if !quoted || !text.contains(['$', '#']) {
            return Ok(Expression::Text(span));
        }
        let line_comment = text.contains("##");
        let inner = if line_comment { text.to_owned() } else { format!("{text} ") };
        self.interpolated(&inner, at, !line_comment)
    }

    /// A text with references or directives in it is a template of its own.
    fn interpolated(&mut self, text: &str, at: Position, drops_last: bool) -> Parsed<Expression> {
        let left = self.cursor.enter(text, at);
        let bare = self.bare.take();
        let parsed = self.whole();
        self.bare = bare;
        self.cursor.go_back(left);
        let mut nodes = parsed?.into_vec();
        let mut drops_last = drops_last;
        // Most end in the text whose last character is that blank.
        if let (true, Some(Node::Text(last))) = (drops_last, nodes.last_mut())
            && self.cursor.text(*last).ends_with(' ')
        {
            last.end -= 1;
            drops_last = false;
        }
        if matches!(nodes.last(), Some(Node::Text(last)) if last.is_empty()) {
            nodes.pop();
        }
        match nodes.as_slice() {
            [] if !drops_last => Ok(Expression::Text(Span::default())),
            [Node::Text(only)] if !drops_last => Ok(Expression::Text(*only)),
            _ => Ok(Expression::Interpolated(Box::new(Interpolated { body: nodes.into(), drops_last }))),
        }
    }

    /// `\uXXXX`, the only escape that Velocity knows.
    fn unescape(&mut self, text: &str) -> Parsed<String> {
        let mut units = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("\\u") {
            units.extend(rest[..at].encode_utf16());
            let digits = rest.get(at + 2..at + 6).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let Some(unit) = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok()) else {
                return Err(self.error("\\u takes four hexadecimal digits".into()));
            };
            units.push(unit);
            rest = &rest[at + 6..];
        }
        units.extend(rest.encode_utf16());
        Ok(String::from_utf16_lossy(&units))
    }
}
