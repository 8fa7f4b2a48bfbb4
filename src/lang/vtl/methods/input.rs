//! `$input`: the body and the parameters of the request (rest/08 section 8.9).

use crate::lang::json;
use crate::lang::jsonpath::Path;
use crate::lang::value::Value;
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::patterns::PATTERN_STEPS;
use crate::lang::vtl::program::Literal;
use crate::lang::vtl::run::Run;

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn on_input(&mut self) -> Run<Value<'a>> {
        Ok(match (self.method, self.arguments) {
            (Method::GetBody, []) => Value::Text(self.runner.body_text()),
            (Method::Params, []) => self.runner.world.params(self.runner.arena),
            (Method::Params, [Value::Text(name)]) => {
                self.runner.world.param(name, self.runner.arena).map_or(Value::Null, Value::Text)
            }
            (Method::Path, [Value::Text(path)]) => self.find(path)?.unwrap_or(Value::Null),
            (Method::Json, [Value::Text(path)]) => {
                let found = self.find(path)?;
                Value::Text(self.runner.captured(|runner| runner.write_found(found))?)
            }
            (Method::ToString, []) => {
                Value::Text(self.runner.text_of(Value::Object(crate::lang::value::Object::Input))?)
            }
            _ => self.mismatched()?,
        })
    }

    /// `$input.json(…)` straight to the output.
    pub(super) fn write_input(&mut self) -> Run<()> {
        match (self.method, self.arguments) {
            (Method::Json, [Value::Text(path)]) => {
                let found = self.find(path)?;
                self.runner.write_found(found)
            }
            _ => {
                let value = self.on_input()?;
                self.runner.print(value)
            }
        }
    }

    fn find(&mut self, path: &str) -> Run<Option<Value<'a>>> {
        let Some(body) = self.runner.body()? else { return Ok(None) };
        let compiled;
        let path = match self.literal {
            Literal::Path(path) => path,
            _ => {
                self.runner.spend(1 + path.len() as u64 / 4 + Path::patterns_in(path) * PATTERN_STEPS)?;
                compiled = Path::compile(path).map_err(|error| self.runner.fail(format!("{error}")))?;
                &compiled
            }
        };
        path.find(body, self.runner.arena, self.runner.budget).map_err(|exhausted| self.runner.exhausted(exhausted))
    }
}

/// `$util.parseJson(text)`: what is no JSON is an exception there.
pub(super) fn parse_json<'a>(call: &mut Call<'_, '_, 'a>, text: &'a str) -> Run<Value<'a>> {
    // A value is a step wherever it is read; a long text, escaped or not, and blanks are charged here.
    call.runner.spend(text.len() as u64 / 32)?;
    json::parse(text, call.runner.arena, call.runner.budget)
        .map_err(|error| call.runner.fail(format!("$util.parseJson: {error}")))
}
