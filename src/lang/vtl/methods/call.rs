//! One call of a method, as the methods of every class see it.

use crate::lang::value::Value;
use crate::lang::vtl::method::Method;
use crate::lang::vtl::program::Literal;
use crate::lang::vtl::run::{Run, Runner};

/// A call's receiver, name and arguments, and the place where it happens.
pub(super) struct Call<'c, 'r, 'a> {
    pub(super) runner: &'c mut Runner<'r, 'a>,
    pub(super) method: Method,
    pub(super) arguments: &'c [Value<'a>],
    pub(super) literal: &'c Literal,
}

impl<'a> Call<'_, '_, 'a> {
    /// No method takes these arguments: null. But a null fits every class, and what asks it anything then fails.
    pub(super) fn mismatched(&self) -> Run<Value<'a>> {
        let primitive =
            matches!(self.method, Method::CharAt | Method::Substring | Method::SubSequence | Method::Params);
        if self.method != Method::Unknown && !primitive && self.arguments.iter().any(|argument| argument.is_null()) {
            return Err(self.runner.fail("a method was called with null".into()));
        }
        Ok(Value::Null)
    }
}
