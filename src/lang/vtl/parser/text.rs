//! Everything between references and directives: plain text, escapes, comments, and which blanks a `#set` eats.

use crate::lang::vtl::parser::reference::is_name_byte;
use crate::lang::vtl::parser::{Ending, Parsed, Parser, push_text};
use crate::lang::vtl::program::{Block, Node, Position, Span, Step};

impl Parser {
    /// Nodes up to what ends a block, which is eaten.
    pub(super) fn block(&mut self) -> Parsed<(Block, Ending, Position)> {
        self.deeper(|parser| {
            let mut nodes = Vec::new();
            let (ending, at) = parser.nodes(&mut nodes)?;
            Ok((nodes.into_boxed_slice(), ending, at))
        })
    }

    fn nodes(&mut self, nodes: &mut Vec<Node>) -> Parsed<(Ending, Position)> {
        loop {
            // Here a token of Velocity begins, so these blanks belong to the `#set` behind them: blanks within a text
            // run do not (rest/08 section 8.3).
            if self.take_set(nodes)? {
                continue;
            }
            match self.cursor.peek() {
                None => return self.at_end(),
                Some(b'$') => self.dollar(nodes, 0)?,
                Some(b'#') => {
                    if let Some(ending) = self.hash(nodes)? {
                        return Ok(ending);
                    }
                }
                Some(b'\\') => self.backslashes(nodes)?,
                Some(_) => {
                    let run = self.cursor.take_while(|byte| !matches!(byte, b'$' | b'#' | b'\\'));
                    push_text(nodes, run);
                    self.bare = None;
                }
            }
        }
    }

    fn at_end(&mut self) -> Parsed<(Ending, Position)> {
        let at = self.cursor.position();
        // Velocity's lexer waits for the rest of a token.
        match self.bare {
            Some(bare) if bare.end as usize == self.cursor.at() => {
                Err(self.error_at(at, "a single `$` or `#` is the last character".into()))
            }
            _ => Ok((Ending::Source, at)),
        }
    }

    fn take_set(&mut self, nodes: &mut Vec<Node>) -> Parsed<bool> {
        let (place, start) = (self.cursor.place(), self.cursor.at());
        self.cursor.take_while(|byte| matches!(byte, b' ' | b'\t'));
        if self.cursor.take("#set") || self.cursor.take("#{set}") {
            let at = self.cursor.position();
            self.cursor.take_while(|byte| matches!(byte, b' ' | b'\t'));
            if self.cursor.take("(") {
                self.drop_bare(nodes, start);
                if let Some(set) = self.set(at)? {
                    nodes.push(set);
                }
                return Ok(true);
            }
        }
        self.cursor.go_back(place);
        Ok(false)
    }

    /// A `$`, behind some backslashes: they belong to it only where it is a reference.
    pub(super) fn dollar(&mut self, nodes: &mut Vec<Node>, backslashes: usize) -> Parsed<()> {
        let start = self.cursor.at();
        let prefix = Span { start: (start - backslashes) as u32, end: start as u32 };
        if let Some(mut reference) = self.reference()? {
            push_text(nodes, Span { end: prefix.start + (backslashes / 2) as u32, ..prefix });
            if backslashes % 2 == 1 {
                reference.escape();
            }
            let braced = self.cursor.text(reference.source).ends_with('}');
            let last = reference.steps.iter().rev().find(|step| !matches!(step, Step::Index(_)));
            let after_property = !braced && matches!(last, Some(Step::Property(_)));
            let after_bracket = !braced && matches!(reference.steps.last(), Some(Step::Call(_) | Step::Index(_)));
            nodes.push(Node::Reference(Box::new(reference)));
            self.bare = None;
            // Two leftovers of the states of Velocity's lexer: no comment begins directly behind a property, and a word
            // directly behind a bracket is a token of its own, so that blanks behind it may belong to a `#set`.
            if after_property && self.cursor.rest().starts_with("##") {
                let start = self.cursor.at();
                self.cursor.skip(2);
                push_text(nodes, self.cursor.since(start));
            } else if after_bracket && self.cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
            {
                let word = self.cursor.take_while(is_name_byte);
                push_text(nodes, word);
            }
            return Ok(());
        }
        push_text(nodes, prefix);
        self.cursor.skip(1);
        let dollar = self.cursor.since(start);
        let bang = self.cursor.peek() == Some(b'!');
        if bang {
            self.cursor.skip(1);
            match self.cursor.peek() {
                // `$!{` and `$!$x` stand for themselves; otherwise Velocity loses the exclamation mark.
                Some(b'{') => {
                    push_text(nodes, self.cursor.since(start));
                    self.bare = None;
                    return Ok(());
                }
                Some(b'$') if self.is_reference_at(0) => {
                    push_text(nodes, self.cursor.since(start));
                    self.bare = None;
                    return Ok(());
                }
                _ => push_text(nodes, dollar),
            }
        } else {
            push_text(nodes, dollar);
        }
        self.bare = Some(Span { end: self.cursor.at() as u32, ..dollar });
        Ok(())
    }

    /// A `#`; what it ends, if it is the end of a block.
    fn hash(&mut self, nodes: &mut Vec<Node>) -> Parsed<Option<(Ending, Position)>> {
        let start = self.cursor.at();
        if self.cursor.take("##") {
            self.cursor.take_while(|byte| !matches!(byte, b'\r' | b'\n'));
            let _ = self.cursor.take("\r\n") || self.cursor.take("\n") || self.cursor.take("\r");
            self.bare = None;
            return Ok(None);
        }
        if self.cursor.take("#*") {
            // The end of the text closes a comment too.
            let length = self.cursor.rest().find("*#").map_or(self.cursor.rest().len(), |at| at + 2);
            self.cursor.skip(length);
            self.bare = None;
            return Ok(None);
        }
        if self.cursor.take("#[[") {
            let Some(length) = self.cursor.rest().find("]]#") else {
                return Err(self.error("#[[ is not closed by ]]#".into()));
            };
            let inside = self.cursor.at();
            self.cursor.skip(length);
            push_text(nodes, self.cursor.since(inside));
            self.cursor.skip("]]#".len());
            self.bare = None;
            return Ok(None);
        }
        if let Some(ending) = self.directive(nodes)? {
            return Ok(ending.ending);
        }
        self.cursor.skip(1);
        let hash = self.cursor.since(start);
        push_text(nodes, hash);
        self.bare = Some(hash);
        Ok(None)
    }

    /// A run of backslashes. It matters only before a reference or a directive (rest/08 section 8.2).
    fn backslashes(&mut self, nodes: &mut Vec<Node>) -> Parsed<()> {
        let run = self.cursor.take_while(|byte| byte == b'\\');
        self.bare = None;
        let count = (run.end - run.start) as usize;
        match self.cursor.peek() {
            Some(b'$') => self.dollar(nodes, count),
            Some(b'#') => {
                let Some((word, length)) = self.directive_word() else {
                    push_text(nodes, run);
                    return Ok(());
                };
                if !self.is_known_directive(&word) {
                    push_text(nodes, run);
                    // An odd number takes the word with it, so that it does not even call a macro that is not there.
                    if count % 2 == 1 {
                        let start = self.cursor.at();
                        self.cursor.skip(length);
                        push_text(nodes, self.cursor.since(start));
                    }
                    return Ok(());
                }
                // Half of them go, but before a `#set` only where it is escaped.
                let kept = if word == "set" && count.is_multiple_of(2) { count } else { count / 2 };
                push_text(nodes, Span { end: run.start + kept as u32, ..run });
                if count % 2 == 1 {
                    let start = self.cursor.at();
                    self.cursor.skip(length);
                    push_text(nodes, self.cursor.since(start));
                }
                Ok(())
            }
            _ => {
                push_text(nodes, run);
                Ok(())
            }
        }
    }

    /// Takes a bare `$` or `#` back that ends where a directive begins.
    pub(super) fn drop_bare(&mut self, nodes: &mut Vec<Node>, directive: usize) {
        let Some(bare) = self.bare.take() else { return };
        if bare.end as usize != directive {
            return;
        }
        if let Some(Node::Text(last)) = nodes.last_mut() {
            last.end = last.end.min(bare.start);
            if last.is_empty() {
                nodes.pop();
            }
        }
    }
}
