//! Statements: assignments, branches and loops.

use crate::lang::value::{Iteration, Loop, Object, Value};
use crate::lang::vtl::program::{FOREACH, Foreach, If, Node, Set, VELOCITY_COUNT, VELOCITY_HAS_NEXT};
use crate::lang::vtl::run::state::{Code, Definition};
use crate::lang::vtl::run::{Halt, Run, Runner};
use crate::settings::limits::VTL_ITERATIONS_MAX;

impl<'r, 'a> Runner<'r, 'a> {
    /// Anything but text and references, which whoever calls has done.
    pub(super) fn statement(&mut self, code: Code<'r, 'a>, node: &'r Node) -> Run<()> {
        match node {
            Node::Text(_) | Node::Reference(_) => Ok(()),
            Node::Set(set) => self.set(code, set),
            Node::If(branches) => self.branches(code, branches),
            Node::Foreach(foreach) => self.foreach(code, foreach),
            Node::Define(define) => self.define(Definition { code, slot: define.slot, body: &define.body, open: 0 }),
            Node::Evaluate(evaluate) => self.evaluate_text(code, evaluate),
            Node::Call(call) => self.call_macro(code, call),
            Node::Break => Err(Halt::Break),
            Node::Stop => Err(Halt::Stop),
            Node::Forbidden(name, at) => {
                self.at = *at;
                Err(self.fail(format!("{} reads a file, and there are none", code.text(*name))))
            }
        }
    }

    #[inline(never)]
    fn set(&mut self, code: Code<'r, 'a>, set: &'r Set) -> Run<()> {
        let value = self.evaluate(code, &set.value)?;
        if self.trace.is_some() {
            let shown = self.shown(value);
            if let Some(trace) = &mut self.trace {
                trace.set(set.target.at.line, code.text(set.target.source), &shown);
            }
        }
        // Velocity's `directive.set.null.allowed` is false: what failed to become a value changes nothing.
        if value.is_null() {
            return Ok(());
        }
        if set.target.steps.is_empty() {
            self.spend_on_frames()?;
            self.assign(set.target.root, value);
            return Ok(());
        }
        self.at = set.target.at;
        self.assign_within(code, &set.target, value)
    }

    #[inline(never)]
    fn branches(&mut self, code: Code<'r, 'a>, branches: &'r If) -> Run<()> {
        for arm in &branches.arms {
            self.at = arm.at;
            let taken = self.is_true(code, &arm.condition)?;
            if let Some(trace) = &mut self.trace {
                trace.branch(arm.at.line, code.text(arm.source).trim(), taken);
            }
            if taken {
                return self.block(code, &arm.body);
            }
        }
        let Some(otherwise) = &branches.otherwise else { return Ok(()) };
        if let Some(trace) = &mut self.trace {
            trace.branch(branches.otherwise_at.line, "#else", true);
        }
        self.block(code, otherwise)
    }

    #[inline(never)]
    fn foreach(&mut self, code: Code<'r, 'a>, foreach: &'r Foreach) -> Run<()> {
        self.at = foreach.at;
        let over = self.evaluate(code, &foreach.over)?;
        let iteration = match over {
            Value::Object(Object::Iterator(iteration)) => iteration,
            Value::List(_)
            | Value::Map(_)
            | Value::Object(Object::Keys(_) | Object::Values(_) | Object::Entries(_)) => {
                &*self.arena.alloc(Iteration::over(over))
            }
            _ => {
                self.loop_ended(code, foreach, 0);
                return Ok(());
            }
        };
        let parent = match self.variable(FOREACH) {
            Value::Object(Object::Loop(parent)) => Some(parent),
            _ => None,
        };
        let state = &*self.arena.alloc(Loop { index: 0.into(), has_next: false.into(), parent });
        let counters = self.legacy_counters(code);
        let saved = (self.variable(foreach.variable), self.variable(FOREACH));
        let saved_counters = counters.then(|| [VELOCITY_COUNT, VELOCITY_HAS_NEXT].map(|slot| self.variable(slot)));
        let result = self.rounds(code, foreach, iteration, state);
        self.assign(foreach.variable, saved.0);
        self.assign(FOREACH, saved.1);
        if let Some([count, has_next]) = saved_counters {
            self.assign(VELOCITY_COUNT, count);
            self.assign(VELOCITY_HAS_NEXT, has_next);
        }
        match result {
            Err(Halt::Break) => Ok(()),
            result => result,
        }
    }

    fn rounds(
        &mut self,
        code: Code<'r, 'a>,
        foreach: &'r Foreach,
        iteration: &'a Iteration<'a>,
        state: &'a Loop<'a>,
    ) -> Run<()> {
        let counters = self.legacy_counters(code);
        for index in 0..VTL_ITERATIONS_MAX {
            self.spend(1)?;
            self.at = foreach.at;
            let Some(item) = self.next_of(iteration)? else {
                if index == 0 {
                    self.loop_ended(code, foreach, 0);
                }
                return Ok(());
            };
            let has_next = iteration.has_next();
            state.index.set(index);
            state.has_next.set(has_next);
            self.spend_on_frames()?;
            self.assign(foreach.variable, item);
            self.assign(FOREACH, Value::Object(Object::Loop(state)));
            if counters {
                self.assign(VELOCITY_COUNT, Value::Int(index as i32 + 1));
                self.assign(VELOCITY_HAS_NEXT, Value::Bool(has_next));
            }
            if self.trace.is_some() {
                let shown = self.shown(item);
                if let Some(trace) = &mut self.trace {
                    trace.iteration(foreach.at.line, code.text(foreach.variable_source), index, &shown);
                }
            }
            self.block(code, &foreach.body)?;
        }
        if iteration.has_next() {
            self.loop_ended(code, foreach, VTL_ITERATIONS_MAX);
        }
        Ok(())
    }

    fn loop_ended(&mut self, code: Code<'r, 'a>, foreach: &'r Foreach, rounds: usize) {
        if let Some(trace) = &mut self.trace {
            trace.ended(foreach.at.line, code.text(foreach.variable_source), rounds);
        }
    }

    /// Whether somebody may read `$velocityCount`.
    fn legacy_counters(&self, code: Code<'r, 'a>) -> bool {
        code.program.symbols.legacy_counters || self.evaluated > 0
    }

    /// What an iterator answers next; `None` at its end.
    pub(in crate::lang::vtl) fn next_of(&mut self, iteration: &'a Iteration<'a>) -> Run<Option<Value<'a>>> {
        match iteration.next(self.arena) {
            Ok(item) => Ok(item),
            Err(_) => Err(self.fail("the list or map was changed while a loop went through it".into())),
        }
    }
}
