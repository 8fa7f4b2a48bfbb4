//! Definitions in memory on which operations are tried: what the unit tests of the resource families share.

use serde_json::Value;

use super::call::{Call, Facts, Handler, Reply, Turn};
use super::errors::AwsError;
use crate::control::commit::definitions::{Definitions, key};
use crate::control::commit::store::Store;
use crate::model::api_rows::Object;

/// Who calls, in every trial.
pub(crate) const ACCOUNT: &str = "000000000000";

/// Everything that is, with no file and no clock.
pub(crate) struct Trial {
    definitions: Definitions,
    store: Store,
    facts: Facts,
    /// Unix seconds, as every call sees them.
    pub(crate) now: i64,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self {
            definitions: Definitions::default(),
            store: Store::memory(),
            facts: Facts::new(ACCOUNT, "us-east-1", false),
            now: 1_700_000_000,
        }
    }

    /// One operation, committed where it succeeds. A body that is a text is the document itself; the answer is null where
    /// the operation answers nothing.
    pub(crate) fn call(
        &mut self,
        handler: Handler,
        path: &[(&'static str, &str)],
        query: &[(&str, &str)],
        body: Value,
    ) -> Result<Value, AwsError> {
        let (body, raw) = match body {
            Value::Object(body) => (body, Vec::new()),
            Value::String(document) => (Object::new(), document.into_bytes()),
            _ => (Object::new(), Vec::new()),
        };
        let call = Call {
            path: path.iter().map(|&(name, value)| (name, value.to_owned())).collect(),
            query: query.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body,
            raw,
            account: ACCOUNT.to_owned(),
            ..Call::default()
        };
        match self.ask(handler, &call)? {
            Reply::Empty => Ok(Value::Null),
            Reply::Object(object) => Ok(Value::Object(object)),
            other => panic!("a document or a test invocation is asked for with `ask`: {other:?}"),
        }
    }

    /// The same with a call that was made by hand, and its whole reply.
    pub(crate) fn ask(&mut self, handler: Handler, call: &Call) -> Result<Reply, AwsError> {
        let draft = self.definitions.draft();
        let mut turn = Turn { draft, store: &self.store, facts: &self.facts, now: self.now };
        let reply = handler(&mut turn, call)?;
        let change = turn.draft.finish(self.definitions.revision() + 1);
        self.definitions.apply(&change);
        Ok(reply)
    }

    /// Writes a row, whatever wrote it in earnest.
    #[track_caller]
    pub(crate) fn put(&mut self, segments: &[&str], row: Value) {
        let Value::Object(row) = row else { panic!("a row is an object: {row}") };
        let mut draft = self.definitions.draft();
        draft.put(key(segments), &row);
        let change = draft.finish(self.definitions.revision() + 1);
        self.definitions.apply(&change);
    }

    /// A row as it is kept, with the members that are ours alone.
    pub(crate) fn row(&self, segments: &[&str]) -> Option<Value> {
        self.definitions.draft().get(&key(segments)).map(Value::Object)
    }
}
