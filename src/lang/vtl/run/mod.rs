//! Runs a program: statements, loops, macros. What they work on is in `expression` and `reference`.

mod arithmetic;
mod compare;
mod evaluation;
mod expression;
mod macros;
mod print;
mod reference;
mod state;
mod statements;

use std::cell::Cell;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::lang::budget::{Budget, Exhausted};
use crate::lang::value::{Object, Value};
use crate::lang::vtl::interface::{Failure, Trace, World};
use crate::lang::vtl::program::{CONTEXT, Node, Position, Program, STAGE_VARIABLES, Slot};
use crate::settings::limits::{VTL_DEPTH_MAX, VTL_TRACE_BYTES_MAX, VTL_TRACE_STEPS_MAX};
use state::{Code, Definition, Evaluations, Frame};

/// Renders a program to the end of `out`.
pub(super) fn render<'a>(
    program: &'a Program,
    world: &dyn World<'a>,
    arena: &'a Bump,
    budget: &Budget,
    out: &mut Vec<u8>,
    trace: Option<&mut dyn Trace>,
) -> Result<(), Failure> {
    let evaluations = Evaluations::default();
    let trace_budget = Budget::new(VTL_TRACE_STEPS_MAX, 4 * VTL_TRACE_BYTES_MAX);
    let mut slots = BumpVec::with_capacity_in(program.symbols.len(), arena);
    slots.resize(program.symbols.len(), Value::Null);
    let code = Code { pool: &program.pool, program };
    let mut runner = Runner {
        world,
        arena,
        budget,
        trace_budget: &trace_budget,
        out,
        // Coerced, for the rendering lives shorter.
        trace: trace.map(|trace| trace as &mut dyn Trace),
        slots,
        loaded: [false; 2],
        body: None,
        frames: Vec::new(),
        frame: None,
        main: code,
        evaluated_codes: Vec::new(),
        blocks: Vec::new(),
        evaluations: &evaluations,
        evaluated: 0,
        symbols: None,
        depth: 0,
        at: Position { line: 1, column: 1 },
        failure: Cell::new(None),
    };
    match runner.block(code, &program.root) {
        // `#break` outside of a loop ends the template.
        Ok(()) | Err(Halt::Stop | Halt::Break) => Ok(()),
        Err(Halt::Failed) => Err(match runner.failure.take() {
            Some(failure) => *failure,
            None => Failure { message: "the rendering failed".into(), line: runner.at.line, column: runner.at.column },
        }),
    }
}

/// Why the rest is not run. One byte, for every step of a rendering hands one on.
#[derive(Clone, Copy)]
pub(super) enum Halt {
    /// `Runner::failure` has the reason.
    Failed,
    /// `#stop`: the text so far is the result.
    Stop,
    /// `#break`: goes up to the next loop, macro, definition or template.
    Break,
}

pub(super) type Run<T> = Result<T, Halt>;

/// One rendering. `'r` is for how long programs live, `'a` for how long values do.
pub(super) struct Runner<'r, 'a> {
    pub(super) world: &'r dyn World<'a>,
    pub(super) arena: &'a Bump,
    pub(super) budget: &'r Budget,
    /// For what the trace shows.
    trace_budget: &'r Budget,
    pub(super) out: &'r mut Vec<u8>,
    trace: Option<&'r mut dyn Trace>,
    /// The variables; null where one was not set.
    slots: BumpVec<'a, Value<'a>>,
    /// Whether `$context` and `$stageVariables` were asked for.
    loaded: [bool; 2],
    /// The body, once somebody asked for it; the inner `None` where it is no JSON.
    body: Option<Option<Value<'a>>>,
    /// Macros that are being run, and the one whose names count now.
    frames: Vec<Frame<'r, 'a>>,
    frame: Option<usize>,
    /// Programs whose macros can be called: the template, and what it evaluated that has some.
    main: Code<'r, 'a>,
    evaluated_codes: Vec<Code<'r, 'a>>,
    /// What `#define` stored, by number, with how often each is being printed.
    blocks: Vec<Definition<'r, 'a>>,
    evaluations: &'r Evaluations,
    evaluated: usize,
    /// The template's names and those that evaluated texts added.
    symbols: Option<crate::lang::vtl::program::Symbols>,
    depth: usize,
    /// The last reference that was begun, for messages.
    at: Position,
    failure: Cell<Option<Box<Failure>>>,
}

impl<'r, 'a> Runner<'r, 'a> {
    fn block(&mut self, code: Code<'r, 'a>, block: &'r [Node]) -> Run<()> {
        self.deeper(|runner| {
            for node in block {
                runner.spend(1)?;
                match node {
                    Node::Text(span) => runner.push_bytes(span.bytes_of(code.pool))?,
                    Node::Reference(reference) => match runner.quick(code, reference) {
                        Some(value) => runner.print(value)?,
                        None => runner.print_reference(code, reference)?,
                    },
                    statement => runner.statement(code, statement)?,
                }
            }
            Ok(())
        })
    }

    /// The value of a variable as it is stored; null where there is none.
    #[inline]
    pub(super) fn variable(&mut self, slot: Slot) -> Value<'a> {
        match self.slots.get(slot as usize) {
            Some(Value::Null) | None => self.unset(slot),
            Some(value) => *value,
        }
    }

    /// The variables that are there from the beginning are made when they are first asked for.
    fn unset(&mut self, slot: Slot) -> Value<'a> {
        use crate::lang::vtl::program::{INPUT, UTIL};
        let value = match slot {
            INPUT => Value::Object(Object::Input),
            UTIL => Value::Object(Object::Util),
            CONTEXT if !std::mem::replace(&mut self.loaded[0], true) => self.world.context(self.arena),
            STAGE_VARIABLES if !std::mem::replace(&mut self.loaded[1], true) => self.world.stage_variables(self.arena),
            _ => return Value::Null,
        };
        self.store(slot, value);
        value
    }

    /// Whether `$context` is a variable by now, or a macro's parameter may be called so.
    fn has_context(&self) -> bool {
        self.loaded[0] || self.frame.is_some() || !self.slots.get(CONTEXT as usize).is_some_and(|value| value.is_null())
    }

    #[inline]
    fn store(&mut self, slot: Slot, value: Value<'a>) {
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    /// Sets a variable; a macro that has a parameter of this name sees the value from now on.
    fn assign(&mut self, slot: Slot, value: Value<'a>) {
        self.store(slot, value);
        if self.frame.is_some() {
            self.override_parameters(slot);
        }
    }

    /// What `assign` costs within macros: each that is open may have dozens of parameters of which one is meant.
    fn spend_on_frames(&self) -> Run<()> {
        if self.frames.is_empty() { Ok(()) } else { self.spend(2 * self.frames.len() as u64) }
    }

    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        if self.depth >= VTL_DEPTH_MAX {
            return Err(self.fail(format!("more than {VTL_DEPTH_MAX} levels of blocks, macros or values are open")));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Writes a text to the output.
    #[inline]
    pub(super) fn push(&mut self, text: &str) -> Run<()> {
        self.push_bytes(text.as_bytes())
    }

    #[inline]
    fn push_bytes(&mut self, text: &[u8]) -> Run<()> {
        self.room(text.len())?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    /// Asks for so much more of the output.
    #[inline]
    pub(super) fn room(&mut self, bytes: usize) -> Run<()> {
        if let Err(exhausted) = self.budget.allows(self.out.len(), bytes) {
            return Err(self.exhausted(exhausted));
        }
        if bytes > 64 { self.spend(bytes as u64 / 64) } else { Ok(()) }
    }

    #[inline]
    pub(super) fn spend(&self, steps: u64) -> Run<()> {
        self.budget.spend(steps).map_err(|exhausted| self.exhausted(exhausted))
    }

    /// Asked before so many bytes of the arena are taken.
    pub(super) fn arena_room(&self, bytes: usize) -> Run<()> {
        self.budget.allows_in(self.arena, bytes).map_err(|exhausted| self.exhausted(exhausted))?;
        self.spend(bytes as u64 / 64)
    }

    /// A text that lives as long as values do.
    pub(super) fn keep(&self, text: &str) -> Run<&'a str> {
        self.arena_room(text.len())?;
        Ok(self.arena.alloc_str(text))
    }

    #[cold]
    pub(super) fn exhausted(&self, exhausted: Exhausted) -> Halt {
        self.fail(exhausted.to_string())
    }

    #[cold]
    pub(super) fn fail(&self, message: String) -> Halt {
        self.failure.set(Some(Box::new(Failure { message, line: self.at.line, column: self.at.column })));
        Halt::Failed
    }

    /// What `write` adds to the output is taken from it again, as a value.
    pub(super) fn captured(&mut self, write: impl FnOnce(&mut Self) -> Run<()>) -> Run<&'a str> {
        let start = self.out.len();
        let result = write(self);
        let text = match result {
            Ok(()) => {
                let written = self.out.get(start..).unwrap_or_default();
                match std::str::from_utf8(written) {
                    Ok(text) => self.keep(text),
                    Err(_) => Err(self.fail("a text that is no UTF-8".into())),
                }
            }
            Err(halt) => Err(halt),
        };
        self.out.truncate(start);
        text
    }

    /// A value for the trace, cut where it is long. Showing it takes nothing of what the rendering may use, so that a
    /// template does the same whether somebody watches or not.
    fn shown(&mut self, value: Value<'a>) -> String {
        if let Value::Text(text) = value {
            return cut(text, text.len() > VTL_TRACE_BYTES_MAX);
        }
        self.trace_budget.renew(VTL_TRACE_STEPS_MAX);
        let out = std::mem::take(self.out);
        let budget = std::mem::replace(&mut self.budget, self.trace_budget);
        let at = self.at;
        // Whatever stops it, what was written until then is shown.
        let is_cut = self.print(value).is_err();
        self.budget = budget;
        self.at = at;
        let written = std::mem::replace(self.out, out);
        cut(&String::from_utf8_lossy(&written), is_cut)
    }

    /// Whether what is printed is for the trace: a block would be run once more, with all that it does.
    pub(super) fn is_shown_only(&self) -> bool {
        std::ptr::eq(self.budget, self.trace_budget)
    }
}

fn cut(text: &str, is_cut: bool) -> String {
    let shown = text.get(..text.floor_char_boundary(VTL_TRACE_BYTES_MAX)).unwrap_or_default();
    if is_cut || shown.len() < text.len() { format!("{shown}…") } else { shown.to_owned() }
}
