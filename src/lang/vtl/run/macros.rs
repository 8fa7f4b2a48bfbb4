//! Macros, called by name: an argument is evaluated each time that its parameter is read, with the caller's names.

use crate::lang::value::{Object, Value};
use crate::lang::vtl::program::{BODY_CONTENT, Call, Slot};
use crate::lang::vtl::run::state::{Code, Definition, Frame};
use crate::lang::vtl::run::{Halt, Run, Runner};
use crate::settings::limits::{VTL_DEFINE_DEPTH_MAX, VTL_MACRO_DEPTH_MAX};

impl<'r, 'a> Runner<'r, 'a> {
    pub(super) fn call_macro(&mut self, code: Code<'r, 'a>, call: &'r Call) -> Run<()> {
        self.at = call.at;
        let name = code.text(call.name);
        // What was evaluated and has macros is asked one after the other.
        self.spend((name.len() / 64 + self.evaluated_codes.len()) as u64)?;
        let found = std::iter::once(&self.main).chain(&self.evaluated_codes).find_map(|code| {
            let known = code.program.macros.get(name)?;
            Some((*code, known))
        });
        let Some((within, known)) = found else { return self.push(code.text(call.source)) };
        if self.frames.len() >= VTL_MACRO_DEPTH_MAX {
            return Err(
                self.fail(format!("#{name} calls macros that call macros, more than {VTL_MACRO_DEPTH_MAX} levels"))
            );
        }
        let content = match &call.body {
            Some(body) => {
                let before = self.variable(BODY_CONTENT);
                self.define(Definition { code, slot: BODY_CONTENT, body, open: 0 })?;
                Some(before)
            }
            None => None,
        };
        let caller = self.frame;
        let frame = Frame { parameters: &known.parameters, arguments: &call.arguments, code, caller, overridden: 0 };
        self.frames.push(frame);
        self.frame = Some(self.frames.len() - 1);
        let result = self.block(within, &known.body);
        self.frames.pop();
        self.frame = caller;
        if let Some(before) = content {
            self.assign(BODY_CONTENT, before);
        }
        match result {
            Err(Halt::Break) => Ok(()),
            result => result,
        }
    }

    /// Stores a block under its name. Every one stays until the end, for somebody may hold it.
    pub(super) fn define(&mut self, definition: Definition<'r, 'a>) -> Run<()> {
        let used = self.blocks.len() * size_of::<Definition<'_, '_>>();
        self.budget.allows(used, used).map_err(|exhausted| self.exhausted(exhausted))?;
        let number = self.blocks.len() as u32;
        self.blocks.push(definition);
        self.spend_on_frames()?;
        self.assign(definition.slot, Value::Object(Object::Block(number)));
        Ok(())
    }

    /// What a name means here.
    #[inline]
    pub(super) fn lookup(&mut self, slot: Slot) -> Run<Value<'a>> {
        if self.frame.is_some() { self.lookup_in_frames(slot) } else { Ok(self.variable(slot)) }
    }

    fn lookup_in_frames(&mut self, slot: Slot) -> Run<Value<'a>> {
        let mut at = self.frame;
        while let Some(frame) = at.and_then(|at| self.frames.get(at)) {
            self.budget.spend(1).map_err(|exhausted| self.exhausted(exhausted))?;
            if let Some(number) = frame.parameters.iter().position(|parameter| *parameter == slot) {
                if frame.overridden & (1 << number) != 0 {
                    break;
                }
                if let Some(argument) = frame.arguments.get(number) {
                    let (code, caller, here) = (frame.code, frame.caller, self.frame);
                    self.frame = caller;
                    let value = self.deeper(|runner| runner.evaluate(code, argument));
                    self.frame = here;
                    return value;
                }
            }
            at = frame.caller;
        }
        Ok(self.variable(slot))
    }

    /// A variable was set: from now on it hides the arguments of that name.
    pub(super) fn override_parameters(&mut self, slot: Slot) {
        let mut at = self.frame;
        while let Some(frame) = at.and_then(|at| self.frames.get_mut(at)) {
            if let Some(number) = frame.parameters.iter().position(|parameter| *parameter == slot) {
                frame.overridden |= 1 << number;
            }
            at = frame.caller;
        }
    }

    /// Prints what a `#define` stored, with the variables as they are now.
    pub(super) fn print_block(&mut self, number: u32) -> Run<()> {
        let Some(definition) = self.blocks.get_mut(number as usize) else { return Ok(()) };
        let found = *definition;
        if found.open >= VTL_DEFINE_DEPTH_MAX {
            self.push("$")?;
            let name = self.name_of(found.slot);
            return self.push(&name);
        }
        definition.open += 1;
        let result = self.block(found.code, found.body);
        if let Some(definition) = self.blocks.get_mut(number as usize) {
            definition.open -= 1;
        }
        match result {
            Err(Halt::Break) => Ok(()),
            result => result,
        }
    }

    fn name_of(&self, slot: Slot) -> String {
        let symbols = self.symbols.as_ref().unwrap_or(&self.main.program.symbols);
        let name = symbols.name(slot);
        name.unwrap_or_default().to_owned()
    }
}
