//! A body as mappings look into it: `method.request.body…` and `integration.response.body…` (rest/04 section 4.4,
//! rest/07 section 7.3).

use bumpalo::Bump;

use crate::lang::budget::Budget;
use crate::lang::json::{self, Slashes};
use crate::lang::jsonpath::Path;
use crate::lang::value::Value;

/// A body that was read, or is a text.
pub(super) struct JsonBody<'a> {
    /// `{}` where it is empty.
    text: &'a str,
    /// `None` where it does not look like JSON: its text can be mapped as a whole, and no path finds anything.
    value: Option<Value<'a>>,
    arena: &'a Bump,
    budget: Budget,
}

/// A body that looks like JSON and is none.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

/// A path into a body, compiled.
#[derive(Debug)]
pub(super) struct BodyPath {
    pub(super) path: Path,
    /// `errorMessage.code`: the text at `errorMessage` is JSON again, as Lambda functions write their errors (rest/07
    /// section 7.3); the path behind it.
    pub(super) within_error: Option<Path>,
}

impl<'a> JsonBody<'a> {
    pub(super) fn read(body: &'a str, arena: &'a Bump) -> Result<Self, Malformed> {
        let text = if body.is_empty() { "{}" } else { body };
        let budget = Budget::of_mapping(text);
        // What begins otherwise is a text, and passes as one (rest/04 section 4.4).
        let looks_like_json = text.starts_with(['{', '[', '"', '\'']);
        let value = if looks_like_json {
            Some(json::parse(text, arena, &budget).map_err(|error| Malformed(error.to_string()))?)
        } else {
            None
        };
        Ok(Self { text, value, arena, budget })
    }

    pub(super) fn whole(&self) -> &'a str {
        self.text
    }

    /// Hands what the path finds to `push` as text: a string as it is, everything else as JSON. False on a miss.
    pub(super) fn write(&self, path: &BodyPath, push: &mut impl FnMut(&[u8])) -> bool {
        let Some(root) = self.value else { return false };
        let found = self.find(&path.path, root).or_else(|| {
            let inner = path.within_error.as_ref()?;
            let text = root.as_map()?.text("errorMessage")?.as_text()?;
            self.find(inner, json::parse(text, self.arena, &self.budget).ok()?)
        });
        match found {
            None | Some(Value::Null) => false,
            Some(Value::Text(text)) => {
                push(text.as_bytes());
                true
            }
            Some(value) => {
                let mut out = Vec::new();
                if json::write(value, Slashes::Plain, &self.budget, &mut out).is_err() {
                    return false;
                }
                push(&out);
                true
            }
        }
    }

    fn find(&self, path: &Path, root: Value<'a>) -> Option<Value<'a>> {
        path.find(root, self.arena, &self.budget).ok().flatten()
    }
}
