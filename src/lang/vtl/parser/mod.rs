//! Text to program. Velocity has no lexer that one could describe without its states, so this reads the text directly,
//! rule by rule; where a rule looks odd, it is what Velocity 1.7 does (rest/08 section 8.1).

mod cursor;
mod directive;
mod expression;
mod literals;
mod macros;
mod reference;
mod text;

use crate::lang::vtl::interface::{SyntaxError, Warning};
use crate::lang::vtl::program::{Block, Macros, Node, Position, Program, Span, Symbols};
use crate::settings::limits::{VTL_NESTING_MAX, VTL_TEMPLATE_BYTES_MAX};
use cursor::Cursor;

/// Compiles a text whose variables are those of `symbols`, and the patterns that it writes out.
pub(super) fn parse(source: &str, symbols: Symbols) -> Result<(Program, Vec<Warning>), SyntaxError> {
    parse_with(source, symbols, true)
}

/// Compiles a text while a template runs. A pattern costs milliseconds, and such a text may write out thousands of them
/// that nobody uses: each is compiled when it is used, which is charged.
pub(super) fn parse_evaluated(source: &str, symbols: Symbols) -> Result<Program, SyntaxError> {
    parse_with(source, symbols, false).map(|(program, _)| program)
}

fn parse_with(source: &str, symbols: Symbols, compiles_patterns: bool) -> Result<(Program, Vec<Warning>), SyntaxError> {
    let mut parser = Parser {
        compiles_patterns,
        cursor: Cursor::of(source),
        symbols,
        macros: Macros::new(),
        warnings: Vec::new(),
        called: Vec::new(),
        depth: 0,
        bare: None,
    };
    // Ranges of the pool are 32 bits, and strings within strings are copied into it.
    if source.len() > VTL_TEMPLATE_BYTES_MAX {
        return Err(parser.error(format!("the template is longer than {VTL_TEMPLATE_BYTES_MAX} bytes")));
    }
    let root = parser.whole()?;
    for (name, at) in std::mem::take(&mut parser.called) {
        if !parser.is_macro(&name) {
            parser.warn(at, format!("#{name} is no directive and no macro: it is printed as it stands"));
        }
    }
    let pool = parser.cursor.into_pool();
    Ok((Program { pool, root, macros: parser.macros, symbols: parser.symbols }, parser.warnings))
}

struct Parser {
    compiles_patterns: bool,
    cursor: Cursor,
    symbols: Symbols,
    macros: Macros,
    warnings: Vec<Warning>,
    /// What was called like a macro, which may stand further down.
    called: Vec<(String, Position)>,
    /// Blocks, expressions and strings that are open here.
    depth: usize,
    /// A `$`, `$!` or `#` that began nothing, until what stands behind it is known: Velocity loses it before a directive.
    bare: Option<Span>,
}

/// What ended a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Source,
    End,
    Else,
    ElseIf,
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser {
    /// Everything up to the end of the source or of the string.
    fn whole(&mut self) -> Parsed<Block> {
        let (block, ending, at) = self.block()?;
        match ending {
            Ending::Source => Ok(block),
            Ending::End => Err(self.error_at(at, "#end without a directive that it ends".into())),
            Ending::Else | Ending::ElseIf => Err(self.error_at(at, "#else without an #if".into())),
        }
    }

    /// The body of a directive that `#end` ends.
    fn body(&mut self, of: &str, opened: Position) -> Parsed<Block> {
        let (block, ending, at) = self.block()?;
        match ending {
            Ending::End => Ok(block),
            Ending::Source => Err(self.error_at(opened, format!("{of} has no #end"))),
            Ending::Else | Ending::ElseIf => Err(self.error_at(at, format!("#else within {of}"))),
        }
    }

    /// Runs `parse` one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= VTL_NESTING_MAX {
            return Err(self.error(format!("more than {VTL_NESTING_MAX} levels are nested")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn error(&mut self, message: String) -> SyntaxError {
        let at = self.cursor.position();
        self.error_at(at, message)
    }

    fn error_at(&self, at: Position, message: String) -> SyntaxError {
        SyntaxError { message, line: at.line, column: at.column }
    }

    fn warn(&mut self, at: Position, message: String) {
        self.warnings.push(Warning { message, line: at.line, column: at.column });
    }

    /// What stands here instead of what was expected.
    fn unexpected(&mut self, expected: &str) -> SyntaxError {
        let found = match self.cursor.peek_char() {
            Some(found) => format!("`{found}`"),
            None => "the end".into(),
        };
        self.error(format!("expected {expected}, found {found}"))
    }
}

/// Adds a text to what a block holds so far; neighbours become one.
fn push_text(nodes: &mut Vec<Node>, span: Span) {
    if span.is_empty() {
        return;
    }
    match nodes.last_mut() {
        Some(Node::Text(last)) if last.end == span.start => last.end = span.end,
        _ => nodes.push(Node::Text(span)),
    }
}
