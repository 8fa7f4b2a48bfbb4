//! What can be called on a value, and its properties: Java's methods by the class of the receiver (rest/08 section 8.7).
//!
//! A name that the class does not have, a wrong number of arguments or wrong types give null, which prints nothing. What
//! Java answers with an exception ends the rendering.

mod call;
mod format;
mod hash;
mod input;
mod lists;
mod maps;
mod numbers;
mod patterns;
mod strings;
mod units;
mod util;

use crate::lang::value::{Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::program::Literal;
use crate::lang::vtl::run::{Run, Runner};
use call::Call;

/// Calls a method; null where the receiver has none that takes these arguments.
pub(super) fn call<'a>(
    runner: &mut Runner<'_, 'a>,
    receiver: Value<'a>,
    method: Method,
    arguments: &[Value<'a>],
    literal: &Literal,
) -> Run<Value<'a>> {
    let mut call = Call { runner, method, arguments, literal };
    match receiver {
        Value::Text(text) => call.on_text(text),
        Value::Map(map) => call.on_map(map),
        Value::List(list) => call.on_list(list),
        Value::Object(Object::Input) => call.on_input(),
        Value::Object(Object::Util) => call.on_util(),
        Value::Object(object) => call.on_object(object),
        Value::Bool(_) | Value::Int(_) | Value::Long(_) | Value::Big(_) | Value::Double(_) | Value::Decimal(_) => {
            call.on_scalar(receiver)
        }
        Value::Null => Ok(Value::Null),
    }
}

/// Writes what a method of `$input` or `$util` with one argument makes to the output.
pub(super) fn write<'a>(
    runner: &mut Runner<'_, 'a>,
    receiver: Value<'a>,
    method: Method,
    argument: Value<'a>,
    literal: &Literal,
) -> Run<()> {
    let mut call = Call { runner, method, arguments: &[argument], literal };
    match receiver {
        Value::Object(Object::Input) => call.write_input(),
        _ => call.write_util(),
    }
}

/// A property: `getName()`, the key of a map, `isName()`, in this order.
pub(super) fn property<'a>(runner: &mut Runner<'_, 'a>, value: Value<'a>, name: &str) -> Run<Value<'a>> {
    let method = match (value, name) {
        // A class would lead to everything that Java can do.
        (_, "class" | "Class") => return Ok(Value::Null),
        (Value::Map(map), name) => return Ok(map.text(name).unwrap_or(Value::Null)),
        (Value::Object(Object::Loop(state)), name) => return Ok(maps::loop_property(state, name)),
        (Value::Object(Object::Input), "body" | "Body") => Method::GetBody,
        (Value::Object(Object::Entry(_)), "key" | "Key") => Method::GetKey,
        (Value::Object(Object::Entry(_)), "value" | "Value") => Method::GetValue,
        (Value::Text(_) | Value::List(_), "empty" | "Empty") => Method::IsEmpty,
        (Value::Object(Object::Keys(_) | Object::Values(_) | Object::Entries(_)), "empty" | "Empty") => Method::IsEmpty,
        (Value::Text(_), "blank" | "Blank") => Method::IsBlank,
        (Value::Double(_), "naN" | "NaN") => Method::IsNaN,
        (Value::Double(_), "infinite" | "Infinite") => Method::IsInfinite,
        _ => return Ok(Value::Null),
    };
    call(runner, value, method, &[], &Literal::None)
}
