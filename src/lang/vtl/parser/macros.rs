//! `#macro`, what calls one, and `#evaluate`.

use crate::lang::vtl::parser::directive::is_word_byte;
use crate::lang::vtl::parser::{Parsed, Parser, push_text};
use crate::lang::vtl::program::{Call, Evaluate, Expression, Macro, Node, Position};
use crate::settings::limits::VTL_MACRO_PARAMETERS_MAX;

impl Parser {
    pub(super) fn macro_definition(&mut self, at: Position) -> Parsed<()> {
        if !self.opens_arguments() {
            return Err(self.error_at(at, "#macro takes a name".into()));
        }
        self.cursor.skip_space();
        let name = self.cursor.take_while(is_word_byte);
        if !self.cursor.text(name).bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_') {
            return Err(self.error_at(at, "#macro takes a name".into()));
        }
        let name: Box<str> = self.cursor.text(name).into();
        let mut parameters = Vec::new();
        for argument in self.arguments()? {
            let Expression::Reference(parameter) = argument else {
                return Err(self.error_at(at, "a macro's parameters are references".into()));
            };
            parameters.push(parameter.root);
        }
        if parameters.len() > VTL_MACRO_PARAMETERS_MAX {
            return Err(self.error_at(at, format!("a macro of more than {VTL_MACRO_PARAMETERS_MAX} parameters")));
        }
        let body = self.body("#macro", at)?;
        // The first one stays: Velocity does not replace macros from within a template.
        self.macros.entry(name).or_insert(Macro { parameters: parameters.into(), body });
        Ok(())
    }

    pub(super) fn evaluate(&mut self, at: Position) -> Parsed<Node> {
        let arguments = if self.opens_arguments() { self.arguments()? } else { Vec::new() };
        let mut arguments = arguments.into_iter();
        match (arguments.next(), arguments.next()) {
            (Some(text @ (Expression::Text(_) | Expression::Interpolated(_) | Expression::Reference(_))), None) => {
                Ok(Node::Evaluate(Box::new(Evaluate { text, at })))
            }
            _ => Err(self.error_at(at, "#evaluate takes one text or reference".into())),
        }
    }

    /// `#name(…)`, or `#name` alone where the macro stands above; anything else is text.
    pub(super) fn call(&mut self, nodes: &mut Vec<Node>, start: usize, word: &str, at: Position) -> Parsed<()> {
        let place = self.cursor.place();
        let written = self.cursor.since(start);
        let name = self.cursor.keep(word.strip_prefix('@').unwrap_or(word));
        let arguments = if self.opens_arguments() {
            self.arguments()?
        } else if self.is_macro(word) {
            Vec::new()
        } else {
            self.cursor.go_back(place);
            push_text(nodes, written);
            return Ok(());
        };
        let body = match word.starts_with('@') {
            true => Some(self.body("a macro with a body", at)?),
            false => None,
        };
        let source = self.cursor.since(start);
        self.called.push((self.cursor.text(name).to_owned(), at));
        nodes.push(Node::Call(Box::new(Call { name, arguments: arguments.into(), body, source, at })));
        Ok(())
    }
}
