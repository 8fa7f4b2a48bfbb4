//! A template as it is run: a tree whose names are slots and whose texts are ranges of one pool.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::lang::java_regex::Regex;
use crate::lang::jsonpath::Path;
use crate::lang::value::Tag;
use crate::lang::vtl::method::Method;

/// A compiled text. That of `#evaluate` is one too, with the slots of the template that it stands in.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// Every text of the tree: the source itself, and what strings became without their escapes.
    pub(super) pool: String,
    pub(super) root: Block,
    pub(super) macros: Macros,
    pub(super) symbols: Symbols,
}

pub(super) type Block = Box<[Node]>;

/// By their names.
pub(super) type Macros = BTreeMap<Box<str>, Macro>;

/// A range of the pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Where something stands in the source, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The number of a variable.
pub(super) type Slot = u32;

pub(super) const INPUT: Slot = 0;
pub(super) const UTIL: Slot = 1;
pub(super) const CONTEXT: Slot = 2;
pub(super) const STAGE_VARIABLES: Slot = 3;
pub(super) const FOREACH: Slot = 4;
pub(super) const VELOCITY_COUNT: Slot = 5;
pub(super) const VELOCITY_HAS_NEXT: Slot = 6;
pub(super) const BODY_CONTENT: Slot = 7;

/// The names that have a slot in every program, in the order of the constants above.
const WELL_KNOWN: [&str; 8] =
    ["input", "util", "context", "stageVariables", "foreach", "velocityCount", "velocityHasNext", "bodyContent"];

/// Names to slots.
#[derive(Clone)]
pub(super) struct Symbols {
    names: Vec<Box<str>>,
    /// The slots by their names' hashes: a template may have some ten thousand names.
    index: HashTable<Slot>,
    hasher: RandomState,
    /// Somebody reads `$velocityCount` or `$velocityHasNext`: loops keep them only then.
    pub(super) legacy_counters: bool,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Span),
    Reference(Box<Reference>),
    Set(Box<Set>),
    If(Box<If>),
    Foreach(Box<Foreach>),
    Define(Box<Define>),
    Evaluate(Box<Evaluate>),
    Call(Box<Call>),
    Break,
    Stop,
    /// `#include` and `#parse`, which fail (rest/08 section 8.2).
    Forbidden(Span, Position),
}

#[derive(Debug)]
pub(super) struct Reference {
    pub(super) root: Slot,
    pub(super) steps: Box<[Step]>,
    /// As it is written, for the trace and for messages.
    pub(super) source: Span,
    pub(super) at: Position,
    /// `\$x` is evaluated, but its own text is printed.
    pub(super) escaped: bool,
    /// What it takes of the budget where it is a variable or leads along properties of maps; 0 where it cannot be that
    /// alone.
    pub(super) quick_cost: u32,
}

#[derive(Debug)]
pub(super) enum Step {
    Property(Name),
    Call(Box<MethodCall>),
    Index(Box<Expression>),
}

/// The name of a property, ready for looking it up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) span: Span,
    pub(super) tag: Tag,
    /// It is `class`, which is blocked before any key.
    pub(super) is_class: bool,
}

#[derive(Debug)]
pub(super) struct MethodCall {
    pub(super) method: Method,
    pub(super) arguments: Box<[Expression]>,
    /// What the first argument means, where it is a literal and the method's name says so.
    pub(super) literal: Literal,
}

/// A first argument that was compiled with the template.
#[derive(Debug)]
pub(super) enum Literal {
    None,
    Path(Path),
    Regex(Box<Regex>),
}

#[derive(Debug)]
pub(super) struct Set {
    pub(super) target: Reference,
    pub(super) value: Expression,
}

#[derive(Debug)]
pub(super) struct If {
    pub(super) arms: Box<[Arm]>,
    pub(super) otherwise: Option<Block>,
    /// The line of `#else`.
    pub(super) otherwise_at: Position,
}

#[derive(Debug)]
pub(super) struct Arm {
    pub(super) condition: Expression,
    pub(super) source: Span,
    pub(super) at: Position,
    pub(super) body: Block,
}

#[derive(Debug)]
pub(super) struct Foreach {
    pub(super) variable: Slot,
    pub(super) variable_source: Span,
    pub(super) over: Expression,
    pub(super) body: Block,
    pub(super) at: Position,
}

#[derive(Debug)]
pub(super) struct Define {
    pub(super) slot: Slot,
    pub(super) body: Block,
}

#[derive(Debug)]
pub(super) struct Evaluate {
    pub(super) text: Expression,
    pub(super) at: Position,
}

/// `#name(…)`: a macro where there is one, and otherwise its own text.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: Span,
    pub(super) arguments: Box<[Expression]>,
    /// Of `#@name(…) … #end`.
    pub(super) body: Option<Block>,
    pub(super) source: Span,
    pub(super) at: Position,
}

#[derive(Debug)]
pub(super) struct Macro {
    pub(super) parameters: Box<[Slot]>,
    pub(super) body: Block,
}

#[derive(Debug)]
pub(super) enum Expression {
    Text(Span),
    /// A text with references or directives in it.
    Interpolated(Box<Interpolated>),
    Bool(bool),
    Int(i32),
    Long(i64),
    /// The digits of an integer beyond a long.
    Big(Span),
    Double(f64),
    List(Box<[Expression]>),
    Map(Box<[(Expression, Expression)]>),
    Range(Box<(Expression, Expression)>),
    Reference(Box<Reference>),
    /// A bare word among the arguments of a macro.
    Word,
    Not(Box<Expression>),
    Chain(Box<Chain>),
}

#[derive(Debug)]
pub(super) struct Interpolated {
    pub(super) body: Block,
    /// Velocity parses the text with a blank behind it, and takes the last character of what it became away again.
    pub(super) drops_last: bool,
}

/// Operators of one precedence, from left to right.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) first: Expression,
    pub(super) rest: Box<[(Operator, Expression)]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Name {
    /// Steps of the budget to look it up: a long name is compared with long keys.
    pub(super) fn cost(self) -> u32 {
        1 + self.span.length() / 64 * 8
    }
}

impl Reference {
    pub(super) fn new(root: Slot, steps: Vec<Step>, source: Span, at: Position) -> Self {
        let cost = steps.iter().map(|step| match step {
            Step::Property(name) if !name.is_class => Some(name.cost()),
            _ => None,
        });
        // `$context` is not a variable until somebody asks for all of it.
        let quick_cost = if root == CONTEXT { None } else { cost.sum::<Option<u32>>() };
        let quick_cost = quick_cost.map_or(0, |cost| cost + 1);
        Self { root, steps: steps.into(), source, at, escaped: false, quick_cost }
    }

    pub(super) fn escape(&mut self) {
        self.escaped = true;
        self.quick_cost = 0;
    }
}

impl Span {
    /// As bytes, which need no look at where letters begin.
    pub(super) fn bytes_of(self, pool: &str) -> &[u8] {
        pool.as_bytes().get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn of(self, pool: &str) -> &str {
        pool.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// In bytes.
    pub(super) fn length(self) -> u32 {
        self.end.saturating_sub(self.start)
    }
}

impl fmt::Debug for Symbols {
    /// Without what is different in every process.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.names).finish()
    }
}

impl Default for Symbols {
    fn default() -> Self {
        let mut symbols = Self::none();
        for name in WELL_KNOWN {
            symbols.slot(name);
        }
        Self { legacy_counters: false, ..symbols }
    }
}

impl Symbols {
    /// Not even those that every program has.
    pub(super) fn none() -> Self {
        Self { names: Vec::new(), index: HashTable::new(), hasher: RandomState::default(), legacy_counters: false }
    }

    pub(super) fn slot(&mut self, name: &str) -> Slot {
        let Self { names, index, hasher, .. } = self;
        let hash = hasher.hash_one(name);
        let name_of = |slot: Slot| names.get(slot as usize).map_or("", |known| &**known);
        let slot = match index.find(hash, |&slot| name_of(slot) == name) {
            Some(slot) => *slot,
            None => {
                let slot = names.len() as Slot;
                index.insert_unique(hash, slot, |&slot| hasher.hash_one(name_of(slot)));
                names.push(name.into());
                slot
            }
        };
        self.legacy_counters |= slot == VELOCITY_COUNT || slot == VELOCITY_HAS_NEXT;
        slot
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, slot: Slot) -> Option<&str> {
        self.names.get(slot as usize).map(|name| &**name)
    }
}
