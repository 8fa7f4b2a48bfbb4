//! What begins with `#` and a word.

use crate::lang::vtl::parser::{Ending, Parsed, Parser, push_text};
use crate::lang::vtl::program::{Arm, Define, Expression, Foreach, If, Node, Position, Set, Span};

/// What a directive left behind.
pub(super) struct Taken {
    /// It was the end of the block that is being read.
    pub ending: Option<(Ending, Position)>,
}

const GOES_ON: Option<Taken> = Some(Taken { ending: None });

impl Parser {
    /// The word behind a `#`, with the length of the whole: `#word` or `#{word}`.
    pub(super) fn directive_word(&self) -> Option<(String, usize)> {
        let rest = self.cursor.rest().strip_prefix('#')?;
        let (braced, body) = match rest.strip_prefix('{') {
            Some(body) => (true, body),
            None => (false, rest),
        };
        let length = body.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(body.len());
        let word = body.get(..length)?;
        let begins =
            word.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, b'_' | b'@'));
        if !begins || (braced && !body.get(length..)?.starts_with('}')) {
            return None;
        }
        Some((word.to_owned(), 1 + length + if braced { 2 } else { 0 }))
    }

    pub(super) fn is_known_directive(&self, word: &str) -> bool {
        matches!(
            word,
            "set"
                | "if"
                | "else"
                | "elseif"
                | "end"
                | "foreach"
                | "include"
                | "parse"
                | "macro"
                | "literal"
                | "evaluate"
                | "break"
                | "define"
                | "stop"
        ) || self.is_macro(word)
    }

    pub(super) fn is_macro(&self, word: &str) -> bool {
        self.macros.contains_key(word)
    }

    /// `None` where the word is no directive and nothing was eaten: then it is text.
    pub(super) fn directive(&mut self, nodes: &mut Vec<Node>) -> Parsed<Option<Taken>> {
        let Some((word, length)) = self.directive_word() else { return Ok(None) };
        let start = self.cursor.at();
        let at = self.cursor.position();
        if self.is_known_directive(&word) {
            self.drop_bare(nodes, start);
        }
        self.bare = None;
        self.cursor.skip(length);
        match word.as_str() {
            "end" => {
                self.cursor.gobble_line_end();
                return Ok(Some(Taken { ending: Some((Ending::End, at)) }));
            }
            "else" => {
                self.cursor.gobble_line_end();
                return Ok(Some(Taken { ending: Some((Ending::Else, at)) }));
            }
            "elseif" => return Ok(Some(Taken { ending: Some((Ending::ElseIf, at)) })),
            "if" => nodes.push(self.branches(at)?),
            "foreach" if self.opens_arguments() => nodes.push(self.foreach(at)?),
            "define" if self.opens_arguments() => nodes.push(self.define(at)?),
            "literal" if self.opens_arguments() => self.literal(nodes, at)?,
            "macro" => self.macro_definition(at)?,
            "evaluate" => nodes.push(self.evaluate(at)?),
            "include" | "parse" => {
                if self.opens_arguments() {
                    self.arguments()?;
                }
                let name = self.cursor.since(start);
                self.warn(at, format!("#{word} fails when it runs: AWS has no files to read"));
                nodes.push(Node::Forbidden(name, at));
            }
            "break" | "stop" => {
                if self.opens_arguments() {
                    self.arguments()?;
                }
                nodes.push(if word == "stop" { Node::Stop } else { Node::Break });
            }
            _ => return self.call(nodes, start, &word, at).map(|()| GOES_ON),
        }
        Ok(GOES_ON)
    }

    /// `#set(` has been eaten.
    pub(super) fn set(&mut self, at: Position) -> Parsed<Option<Node>> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let Some(target) = self.reference()? else { return Err(self.unexpected("a reference")) };
        let written = self.cursor.text(self.cursor.since(start));
        let is_plain = !written.starts_with("${") && !written.starts_with("$!");
        self.cursor.skip_space();
        if self.cursor.rest().starts_with("==") || !self.cursor.take("=") {
            return Err(self.unexpected("`=`"));
        }
        let value = self.expression()?;
        self.close()?;
        // Velocity 1.7 sets a variable by the first token of the reference, and here that is `${`.
        if !is_plain && target.steps.is_empty() {
            self.warn(at, "this sets nothing: write `$name` without `!` and braces on the left".into());
            return Ok(None);
        }
        Ok(Some(Node::Set(Box::new(Set { target, value }))))
    }

    fn branches(&mut self, at: Position) -> Parsed<Node> {
        let mut arms = vec![self.arm_head(at)?];
        loop {
            let (body, ending, ended_at) = self.block()?;
            if let Some(arm) = arms.last_mut() {
                arm.body = body;
            }
            match ending {
                Ending::End => {
                    return Ok(Node::If(Box::new(If { arms: arms.into(), otherwise: None, otherwise_at: at })));
                }
                Ending::ElseIf => arms.push(self.arm_head(ended_at)?),
                Ending::Else => {
                    let otherwise = Some(self.body("#else", ended_at)?);
                    return Ok(Node::If(Box::new(If { arms: arms.into(), otherwise, otherwise_at: ended_at })));
                }
                Ending::Source => return Err(self.error_at(at, "#if has no #end".into())),
            }
        }
    }

    fn arm_head(&mut self, at: Position) -> Parsed<Arm> {
        self.cursor.skip_space();
        if !self.cursor.take("(") {
            return Err(self.unexpected("`(`"));
        }
        let start = self.cursor.at();
        let condition = self.expression()?;
        let source = self.cursor.since(start);
        self.close()?;
        Ok(Arm { condition, source, at, body: Box::default() })
    }

    fn foreach(&mut self, at: Position) -> Parsed<Node> {
        let mut arguments = self.arguments()?.into_iter();
        let (Some(Expression::Reference(variable)), Some(_), Some(over), None) =
            (arguments.next(), arguments.next(), arguments.next(), arguments.next())
        else {
            return Err(self.error_at(at, "#foreach takes `$variable in list`".into()));
        };
        let body = self.body("#foreach", at)?;
        let (slot, source) = (variable.root, variable.source);
        Ok(Node::Foreach(Box::new(Foreach { variable: slot, variable_source: source, over, body, at })))
    }

    fn define(&mut self, at: Position) -> Parsed<Node> {
        let mut arguments = self.arguments()?.into_iter();
        let (Some(Expression::Reference(name)), None) = (arguments.next(), arguments.next()) else {
            return Err(self.error_at(at, "#define takes one reference".into()));
        };
        Ok(Node::Define(Box::new(Define { slot: name.root, body: self.body("#define", at)? })))
    }

    /// What it holds is parsed, and then printed as it is written.
    fn literal(&mut self, nodes: &mut Vec<Node>, at: Position) -> Parsed<()> {
        self.arguments()?;
        let start = self.cursor.at();
        let (_, ending, end) = self.block()?;
        if ending != Ending::End {
            return Err(self.error_at(at, "#literal has no #end".into()));
        }
        let whole = self.cursor.since(start);
        let length = self.cursor.text(whole).rfind("#end").or_else(|| self.cursor.text(whole).rfind("#{end}"));
        debug_assert!(length.is_some(), "a block that #end ended, at {end:?}");
        push_text(nodes, Span { end: whole.start + length.unwrap_or_default() as u32, ..whole });
        Ok(())
    }

    /// Eats blanks and a `(`, or nothing.
    pub(super) fn opens_arguments(&mut self) -> bool {
        let place = self.cursor.place();
        self.cursor.take_while(|byte| matches!(byte, b' ' | b'\t'));
        let opens = self.cursor.take("(");
        if !opens {
            self.cursor.go_back(place);
        }
        opens
    }

    /// Arguments with blanks or commas between them, up to the `)` and the line end that belongs to it.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Expression>> {
        let mut arguments = Vec::new();
        loop {
            self.cursor.skip_space();
            if self.cursor.peek() == Some(b')') {
                self.close()?;
                return Ok(arguments);
            }
            if !arguments.is_empty() && self.cursor.take(",") {
                self.cursor.skip_space();
            }
            arguments.push(self.argument()?);
        }
    }

    /// The `)` of a directive, and the line end behind it.
    fn close(&mut self) -> Parsed<()> {
        self.cursor.skip_space();
        if !self.cursor.take(")") {
            return Err(self.unexpected("`)`"));
        }
        self.cursor.gobble_line_end();
        Ok(())
    }
}

pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'@')
}
