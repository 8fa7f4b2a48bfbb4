//! The way from a variable along its properties, indexes and methods, to read it or to set its end.

use crate::lang::json::{self, Slashes};
use crate::lang::value::{Key, ListKind, Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods;
use crate::lang::vtl::program::{CONTEXT, Expression, Literal, MethodCall, Reference, Step};
use crate::lang::vtl::run::state::Code;
use crate::lang::vtl::run::{Run, Runner};

/// What a reference without a value is, wherever it is used (rest/08 section 8.4).
fn nothing<'a>() -> Value<'a> {
    Value::Text("")
}

/// Arguments that are kept on the stack: hardly any method takes more.
const ARGUMENTS_INLINE: usize = 4;

impl<'r, 'a> Runner<'r, 'a> {
    /// A variable, or what properties of maps lead to: nearly every reference, without what the others need. `None`
    /// where it is not so simple, and then nothing has happened yet.
    #[inline]
    pub(super) fn quick(&mut self, code: Code<'r, 'a>, reference: &'r Reference) -> Option<Value<'a>> {
        if reference.quick_cost == 0 || self.frame.is_some() || self.trace.is_some() {
            return None;
        }
        let mut value = *self.slots.get(reference.root as usize)?;
        for step in &reference.steps {
            let (Value::Map(map), Step::Property(name)) = (value, step) else { return None };
            value = map.tagged(name.tag, || code.text(name.span))?;
        }
        if value.is_null() {
            return None;
        }
        self.budget.spend(reference.quick_cost.into()).ok()?;
        self.at = reference.at;
        Some(value)
    }

    pub(super) fn reference(&mut self, code: Code<'r, 'a>, reference: &'r Reference) -> Run<Value<'a>> {
        let value = self.walk(code, reference, reference.steps.len())?;
        if self.trace.is_some() {
            let shown = self.shown(value);
            if let Some(trace) = &mut self.trace {
                trace.reference(reference.at.line, code.text(reference.source), &shown);
            }
        }
        Ok(value)
    }

    /// The value behind so many steps. The first step without a value ends the way: `$missing.length()` is `""`.
    #[inline]
    fn walk(&mut self, code: Code<'r, 'a>, reference: &'r Reference, steps: usize) -> Run<Value<'a>> {
        if reference.root == CONTEXT
            && let Some(value) = self.context_property(code, reference, steps)
        {
            return Ok(if value.is_null() { nothing() } else { value });
        }
        let mut value = self.lookup(reference.root)?;
        for step in reference.steps.iter().take(steps) {
            if value.is_null() {
                return Ok(nothing());
            }
            self.at = reference.at;
            value = self.step(code, value, step)?;
        }
        Ok(if value.is_null() { nothing() } else { value })
    }

    /// One value of `$context`, where nobody needs the whole of it: making thirty values for one is most of a short
    /// template's time.
    fn context_property(&self, code: Code<'r, 'a>, reference: &'r Reference, steps: usize) -> Option<Value<'a>> {
        if steps != reference.steps.len() {
            return None;
        }
        match &*reference.steps {
            [Step::Property(name), Step::Property(member)]
                if self.world.is_null_alone(code.text(name.span), code.text(member.span)) =>
            {
                Some(Value::Null)
            }
            _ if self.has_context() => None,
            [Step::Property(name)] => self.world.context_property(code.text(name.span), None, self.arena),
            [Step::Property(name), Step::Property(member)] => {
                self.world.context_property(code.text(name.span), Some(code.text(member.span)), self.arena)
            }
            _ => None,
        }
    }

    #[inline]
    fn step(&mut self, code: Code<'r, 'a>, value: Value<'a>, step: &'r Step) -> Run<Value<'a>> {
        match step {
            Step::Property(name) => {
                self.spend(name.cost().into())?;
                match value {
                    // The common case, where nothing else can be meant.
                    Value::Map(map) if !name.is_class => {
                        Ok(map.tagged(name.tag, || code.text(name.span)).unwrap_or(Value::Null))
                    }
                    other => methods::property(self, other, code.text(name.span)),
                }
            }
            Step::Call(call) => self.call(code, value, call),
            Step::Index(index) => {
                self.spend(1)?;
                let index = self.deeper(|runner| runner.evaluate(code, index))?;
                self.index(value, index)
            }
        }
    }

    fn call(&mut self, code: Code<'r, 'a>, receiver: Value<'a>, call: &'r MethodCall) -> Run<Value<'a>> {
        self.spend(1)?;
        let at = self.at;
        let mut inline = [Value::Null; ARGUMENTS_INLINE];
        let more;
        let arguments = match inline.get_mut(..call.arguments.len()) {
            Some(places) => {
                for (place, argument) in places.iter_mut().zip(&call.arguments) {
                    *place = self.deeper(|runner| runner.evaluate(code, argument))?;
                }
                &*places
            }
            None => {
                more = self.evaluate_all(code, &call.arguments)?;
                more.as_slice()
            }
        };
        self.at = at;
        methods::call(self, receiver, call.method, arguments, &call.literal)
    }

    fn evaluate_all(&mut self, code: Code<'r, 'a>, expressions: &'r [Expression]) -> Run<Vec<Value<'a>>> {
        expressions.iter().map(|expression| self.deeper(|runner| runner.evaluate(code, expression))).collect()
    }

    /// `value[index]`: `get(index)`, with negative integers counted from the end.
    fn index(&mut self, value: Value<'a>, index: Value<'a>) -> Run<Value<'a>> {
        let index = self.counted_from_end(value, index)?;
        match (value, index) {
            (Value::Map(map), index) => {
                let key = self.key_of(index)?;
                Ok(map.get(key).unwrap_or(Value::Null))
            }
            (Value::List(_), Value::Int(_)) => methods::call(self, value, Method::Get, &[index], &Literal::None),
            _ => Ok(Value::Null),
        }
    }

    fn counted_from_end(&mut self, value: Value<'a>, index: Value<'a>) -> Run<Value<'a>> {
        let Value::Int(number) = index else { return Ok(index) };
        if number >= 0 {
            return Ok(index);
        }
        let length = match value {
            Value::List(list) => list.len(),
            Value::Map(map) => map.len(),
            _ => return Ok(index),
        };
        Ok(Value::Int(number.saturating_add(i32::try_from(length).unwrap_or(i32::MAX))))
    }

    /// Prints a reference of the text. The last step writes to the output itself where it makes a text only for that.
    pub(super) fn print_reference(&mut self, code: Code<'r, 'a>, reference: &'r Reference) -> Run<()> {
        self.at = reference.at;
        if reference.escaped {
            self.reference(code, reference)?;
            return self.push(code.text(reference.source));
        }
        if let (Some(Step::Call(call)), None) = (reference.steps.last(), &self.trace)
            && call.method.writes()
        {
            let receiver = self.walk(code, reference, reference.steps.len() - 1)?;
            if let (Value::Object(Object::Input | Object::Util), [argument]) = (receiver, &*call.arguments) {
                self.spend(1)?;
                let argument = self.deeper(|runner| runner.evaluate(code, argument))?;
                self.at = reference.at;
                return methods::write(self, receiver, call.method, argument, &call.literal);
            }
            let value = self.call(code, receiver, call)?;
            return self.print(value);
        }
        let value = self.reference(code, reference)?;
        self.print(value)
    }

    /// `#set($a.b = …)`, `#set($a["b"] = …)`: nothing happens where there is nothing to set (rest/08 section 8.6).
    pub(super) fn assign_within(&mut self, code: Code<'r, 'a>, target: &'r Reference, value: Value<'a>) -> Run<()> {
        let Some((last, way)) = target.steps.split_last() else { return Ok(()) };
        let mut holder = self.lookup(target.root)?;
        for step in way {
            if holder.is_null() {
                return Ok(());
            }
            holder = self.step(code, holder, step)?;
        }
        match (holder, last) {
            (Value::Map(map), Step::Property(name)) => {
                self.arena_room(64)?;
                map.put(Key::Text(code.text(name.span)), value);
            }
            (Value::Map(map), Step::Index(index)) => {
                let index = self.deeper(|runner| runner.evaluate(code, index))?;
                let index = self.counted_from_end(holder, index)?;
                self.arena_room(64)?;
                map.put(self.key_of(index)?, value);
            }
            (Value::List(list), Step::Index(index)) => {
                let index = self.deeper(|runner| runner.evaluate(code, index))?;
                let index = self.counted_from_end(holder, index)?;
                if let (Value::Int(_), true) = (index, list.kind != ListKind::Array || !list.is_empty()) {
                    self.at = target.at;
                    methods::call(self, holder, Method::Set, &[index, value], &Literal::None)?;
                }
            }
            (Value::Object(Object::Entry((map, key))), Step::Property(name)) if code.text(name.span) == "value" => {
                map.put(*key, value);
            }
            _ => {}
        }
        Ok(())
    }

    /// The text of `$input.json(…)` at a place of the body.
    pub(in crate::lang::vtl) fn write_found(&mut self, found: Option<Value<'a>>) -> Run<()> {
        match found {
            // No match and JSON's null are two quotes (rest/08 section 8.9).
            None | Some(Value::Null) => self.push("\"\""),
            Some(value) => self.write_json(value, Slashes::Plain),
        }
    }

    /// `$input.body`: an empty one is `{}` (rest/08 section 8.9).
    pub(in crate::lang::vtl) fn body_text(&self) -> &'a str {
        match self.world.body() {
            "" => "{}",
            body => body,
        }
    }

    /// The body as JSON, read when it is first asked for; `None` where it is none, and then every path misses.
    pub(in crate::lang::vtl) fn body(&mut self) -> Run<Option<Value<'a>>> {
        if let Some(body) = self.body {
            return Ok(body);
        }
        let parsed = match json::parse(self.body_text(), self.arena, self.budget) {
            Ok(value) => Some(value),
            Err(error) => match error.exhausted {
                Some(exhausted) => return Err(self.exhausted(exhausted)),
                None => None,
            },
        };
        self.body = Some(parsed);
        Ok(parsed)
    }
}
