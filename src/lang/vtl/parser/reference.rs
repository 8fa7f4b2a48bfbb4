//! `$name`, `$!{name.property.method(1)[0]}`.

use crate::lang::java_regex::Regex;
use crate::lang::jsonpath::Path;
use crate::lang::value::Tag;
use crate::lang::vtl::method::Method;
use crate::lang::vtl::parser::{Parsed, Parser};
use crate::lang::vtl::program::{Expression, INPUT, Literal, MethodCall, Name, Position, Reference, Slot, Step, UTIL};

impl Parser {
    /// A reference, or `None` (and nothing eaten) where the `$` is text.
    pub(super) fn reference(&mut self) -> Parsed<Option<Reference>> {
        let Some(opening) = self.opening(0) else { return Ok(None) };
        let start = self.cursor.at();
        let at = self.cursor.position();
        self.cursor.skip(opening.length);
        let name = self.cursor.take_while(is_name_byte);
        let name = self.cursor.text(name).to_owned();
        let root = self.symbols.slot(&name);
        let steps = self.deeper(|parser| parser.steps(root))?;
        if opening.braced && !self.cursor.take("}") {
            return Err(self.unexpected("`}`"));
        }
        let source = self.cursor.since(start);
        Ok(Some(Reference::new(root, steps, source, at)))
    }

    pub(super) fn is_reference_at(&self, ahead: usize) -> bool {
        self.opening(ahead).is_some()
    }

    /// What stands before the name of a reference, if one begins here.
    fn opening(&self, ahead: usize) -> Option<Opening> {
        if self.cursor.peek_at(ahead) != Some(b'$') {
            return None;
        }
        let mut length = 1;
        if self.cursor.peek_at(ahead + length) == Some(b'!') {
            length += 1;
        }
        let braced = self.cursor.peek_at(ahead + length) == Some(b'{');
        if braced {
            length += 1;
        }
        let first = self.cursor.peek_at(ahead + length)?;
        (first.is_ascii_alphabetic() || first == b'_').then_some(Opening { length, braced })
    }

    fn steps(&mut self, root: Slot) -> Parsed<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            match self.cursor.peek() {
                Some(b'[') => {
                    self.cursor.skip(1);
                    self.cursor.skip_space();
                    let index = self.index()?;
                    self.cursor.skip_space();
                    if !self.cursor.take("]") {
                        return Err(self.unexpected("`]`"));
                    }
                    steps.push(Step::Index(Box::new(index)));
                }
                // A dot before anything but a letter is text (rest/08 section 8.2).
                Some(b'.') if self.cursor.peek_at(1).is_some_and(|next| next.is_ascii_alphabetic()) => {
                    self.cursor.skip(1);
                    let at = self.cursor.position();
                    let name = self.cursor.take_while(is_name_byte);
                    if self.cursor.take("(") {
                        let arguments = self.parameters(b')')?;
                        let text = self.cursor.text(name).to_owned();
                        let from = if steps.is_empty() { Some(root) } else { None };
                        let (method, literal) = self.resolve(&text, &arguments, from, at);
                        let arguments = arguments.into();
                        steps.push(Step::Call(Box::new(MethodCall { method, arguments, literal })));
                    } else {
                        let text = self.cursor.text(name);
                        let (tag, is_class) = (Tag::of(text), text == "class");
                        steps.push(Step::Property(Name { span: name, tag, is_class }));
                    }
                }
                _ => return Ok(steps),
            }
        }
    }

    /// `from` is the variable that the method is called on, where it is called on one directly.
    fn resolve(&mut self, name: &str, arguments: &[Expression], from: Option<Slot>, at: Position) -> (Method, Literal) {
        let method = Method::of(name);
        if from == Some(UTIL) && !method.is_of_util() {
            self.warn(at, format!("$util.{name}() is not a function of API Gateway: it prints nothing"));
        }
        if from == Some(INPUT) && !matches!(method, Method::Json | Method::Path | Method::Params | Method::GetBody) {
            self.warn(at, format!("$input.{name}() is not a function of API Gateway: it prints nothing"));
        }
        let Some(Expression::Text(first)) = arguments.first() else { return (method, Literal::None) };
        let first = self.cursor.text(*first).to_owned();
        let is_pattern = !matches!(method, Method::Json | Method::Path) || Path::patterns_in(&first) > 0;
        if is_pattern && !self.compiles_patterns {
            return (method, Literal::None);
        }
        let literal = match method {
            Method::Json | Method::Path if from == Some(INPUT) => match Path::compile(&first) {
                Ok(path) => Literal::Path(path),
                Err(error) => {
                    self.warn(at, format!("this path fails when it is used: {error}"));
                    Literal::None
                }
            },
            Method::ReplaceAll | Method::ReplaceFirst | Method::Split | Method::Matches => match Regex::compile(&first)
            {
                Ok(regex) => Literal::Regex(Box::new(regex)),
                Err(error) => {
                    self.warn(at, format!("this pattern fails when it is used: {error}"));
                    Literal::None
                }
            },
            _ => Literal::None,
        };
        (method, literal)
    }
}

struct Opening {
    length: usize,
    braced: bool,
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
