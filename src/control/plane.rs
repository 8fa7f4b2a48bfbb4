//! The owner of all definitions: one command after another, each checked, compiled, committed, published, and only then
//! answered.
//!
//! A command runs on a draft. Its change is applied in memory at once, so that the next command sees it, and handed to the
//! store; it is answered when it is on disk and, where it touches what is served, when every core runs it. Where the store
//! cannot write, the changes that it did not take are undone, newest first, and their clients are told.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::admin::call::{Facts, Reply, TestInvoke, Turn};
use super::admin::errors::AwsError;
use super::admin::front::{Command, Done};
use super::commit::change::Change;
use super::commit::definitions::{Definitions, segments};
use super::commit::store::Store;
use super::commit::store_error::StoreError;
use super::commit::unsettled::Unsettled;
use super::deploy::parsed::ParsedDeployments;
use super::live::{Bench, Effect, Live, Tools};
use crate::edge::snapshot::Stage;
use crate::edge::upstream::Endpoint;

/// Who waits for a change.
pub type Respond = oneshot::Sender<Result<Done, AwsError>>;

pub struct Plane {
    pub definitions: Definitions,
    pub store: Store,
    pub facts: Facts,
    pub live: Live,
    pub parsed: ParsedDeployments,
    /// How to undo what is not on disk yet.
    unsettled: Unsettled,
    /// Handed to the store, oldest first.
    writing: VecDeque<Writing>,
    /// On disk; their backends' names are being looked up.
    resolving: VecDeque<Resolving>,
}

struct Writing {
    effect: Effect,
    done: Done,
    respond: Respond,
    written: oneshot::Receiver<Result<(), StoreError>>,
}

struct Resolving {
    effect: Effect,
    done: Done,
    respond: Respond,
    resolved: oneshot::Receiver<()>,
}

/// What [`Plane::next`] waited for.
pub enum Step {
    /// The oldest change that was being written is on disk, or is not.
    Written(Result<(), StoreError>),
    /// The oldest change that waited for addresses has them, or as many as there are.
    Resolved,
}

/// Changes that are to be published together, and who is told when they are everywhere.
pub struct Published {
    pub waiting: Vec<(Respond, Done)>,
}

impl Plane {
    pub fn new(definitions: Definitions, store: Store, facts: Facts) -> Self {
        Self {
            definitions,
            store,
            facts,
            live: Live::default(),
            parsed: ParsedDeployments::default(),
            unsettled: Unsettled::default(),
            writing: VecDeque::new(),
            resolving: VecDeque::new(),
        }
    }

    /// Runs one command. What changes nothing is answered here; a request that a command wants made is handed back.
    pub fn run(
        &mut self,
        command: Command,
        tools: &mut Tools<'_>,
        unix_seconds: i64,
    ) -> Option<(Box<TestInvoke>, Respond)> {
        let Command { call, operation, respond } = command;
        if operation.verb != "GET"
            && let Err(error) = self.store.room()
        {
            let code = "TooManyRequestsException";
            answer(respond, Err(AwsError { status: 429, code, message: error.to_string() }));
            return None;
        }
        let mut turn =
            Turn { draft: self.definitions.draft(), store: &self.store, facts: &self.facts, now: unix_seconds };
        // A mistake of ours ends the command, not the gateway: until its change is applied nothing has happened.
        let ran = catch_unwind(AssertUnwindSafe(|| (operation.run)(&mut turn, &call)));
        let reply = match ran.unwrap_or_else(|_| Err(AwsError::internal())) {
            Ok(Reply::TestInvoke(test)) => return Some((test, respond)),
            Ok(reply) => reply,
            Err(error) => {
                answer(respond, Err(error));
                return None;
            }
        };
        let change = turn.draft.finish(self.definitions.revision() + 1);
        if operation.verb == "GET" {
            let revision = self.definitions.revision();
            answer(respond, Ok(Done { reply, revision }));
        } else {
            self.change(change, reply, respond, tools);
        }
        None
    }

    /// Every stage that there is.
    pub fn stages(&self) -> Vec<(String, String)> {
        let named = self.definitions.below("restapis").filter_map(|(key, _)| match segments(key).as_slice() {
            [_, api, family, stage] if family == "stages" => Some((api.clone(), stage.clone())),
            _ => None,
        });
        named.collect()
    }

    /// Compiles one stage as its rows are now.
    pub fn compile(&mut self, tools: &mut Tools<'_>, api: &str, stage: &str) -> Result<Arc<Stage>, AwsError> {
        let mut bench = Bench { tools, facts: &self.facts, store: &self.store, parsed: &mut self.parsed };
        bench.stage(&self.definitions, &Change::default(), api, stage)
    }

    /// Takes a change on its way, or refuses it whole.
    pub fn change(&mut self, change: Change, reply: Reply, respond: Respond, tools: &mut Tools<'_>) {
        if change.rows.is_empty() && change.blobs.is_empty() {
            return self.unchanged(Done { reply, revision: self.definitions.revision() }, respond);
        }
        let inverse = self.definitions.apply(&change);
        let mut bench = Bench { tools, facts: &self.facts, store: &self.store, parsed: &mut self.parsed };
        let compiled = catch_unwind(AssertUnwindSafe(|| bench.effect(&self.definitions, &change)));
        let effect = match compiled.unwrap_or_else(|_| Err(AwsError::internal())) {
            Ok(effect) => effect,
            Err(error) => {
                self.definitions.apply(&inverse);
                return answer(respond, Err(error));
            }
        };
        let done = Done { reply, revision: change.revision };
        self.unsettled.keep(change.revision, inverse);
        let written = self.store.commit(change);
        self.writing.push_back(Writing { effect, done, respond, written });
    }

    /// A command that found everything as it wants it: true of what others are still having written, so it waits for them.
    fn unchanged(&mut self, done: Done, respond: Respond) {
        let effect = Effect::default();
        if !self.writing.is_empty() {
            let (at_once, written) = oneshot::channel();
            let _ = at_once.send(Ok(()));
            self.writing.push_back(Writing { effect, done, respond, written });
        } else if !self.resolving.is_empty() {
            let (at_once, resolved) = oneshot::channel();
            let _ = at_once.send(());
            self.resolving.push_back(Resolving { effect, done, respond, resolved });
        } else {
            answer(respond, Ok(done));
        }
    }

    /// Nothing is under way.
    pub fn is_quiet(&self) -> bool {
        self.writing.is_empty() && self.resolving.is_empty()
    }

    /// The next thing that a change waited for. It loses nothing when it is dropped.
    pub async fn next(&mut self) -> Step {
        let (writing, resolving) = (&mut self.writing, &mut self.resolving);
        let written = async {
            match writing.front_mut() {
                // A writer that has died of a mistake of ours drops what it was given: changes are refused from then on.
                Some(oldest) => (&mut oldest.written).await.unwrap_or_else(|_| {
                    Err(StoreError::new(
                        "the store's thread has ended",
                        "start Weir again: everything acknowledged is kept",
                    ))
                }),
                None => std::future::pending().await,
            }
        };
        let resolved = async {
            match resolving.front_mut() {
                Some(oldest) => drop((&mut oldest.resolved).await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = written => Step::Written(result),
            () = resolved => Step::Resolved,
        }
    }

    /// The oldest change has been written. Answers whoever waited for no more than that; `resolve` begins to look up
    /// the addresses that the others need, and says when it has ended.
    pub fn written(&mut self, resolve: impl FnOnce() -> oneshot::Receiver<()>) {
        let Some(Writing { effect, done, respond, .. }) = self.writing.pop_front() else { return };
        self.unsettled.settle(done.revision);
        if effect.is_empty() {
            return answer(respond, Ok(done));
        }
        self.resolving.push_back(Resolving { effect, done, respond, resolved: resolve() });
    }

    /// The oldest change could not be written, and so none that was built on it (`commit/store.rs`, "Why this undoes
    /// exactly what is lost"): what waits here begins with the first that is lost.
    pub fn unwritten(&mut self, error: &StoreError) {
        // A store whose thread has died says nothing of it: then all that waits is lost.
        let first = self.writing.front().map(|first| first.done.revision);
        if let Some(since) = self.store.recovered(error).or(first) {
            self.unsettled.undo(since, &mut self.definitions);
        }
        while let Some(Writing { respond, .. }) = self.writing.pop_front() {
            answer(respond, Err(AwsError::unavailable(format!("Nothing was changed: {error}"))));
        }
    }

    /// Everything that has its addresses by now becomes live.
    pub fn resolved(&mut self) -> Published {
        let mut waiting = Vec::new();
        while let Some(Resolving { effect, done, respond, .. }) = self.resolving.pop_front() {
            self.live.apply(effect);
            waiting.push((respond, done));
            let ready = self.resolving.front_mut().is_some_and(|next| next.resolved.try_recv().is_ok());
            if !ready {
                break;
            }
        }
        Published { waiting }
    }
}

/// The client may have gone; what was done stays done.
pub fn answer(respond: Respond, result: Result<Done, AwsError>) {
    let _ = respond.send(result);
}

/// Backends that nobody has looked up yet.
pub fn unresolved<'e>(endpoints: impl Iterator<Item = &'e Arc<Endpoint>>) -> Vec<Arc<Endpoint>> {
    endpoints.filter(|endpoint| !endpoint.is_followed()).cloned().collect()
}
