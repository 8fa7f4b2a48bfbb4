//! One version of one function: its processes, and the calls that wait for them.
//!
//! A call takes a process that rests; where none does it waits, and one more is started as long as the function may have
//! more and fewer are being started than calls wait. Whichever is free first takes the call that has waited longest.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::counters::Counters;
use super::job::{Answer, End, FunctionError, Handle, Job, Order, Owner};
use super::logs::Log;
use super::process;
use super::shared::Shared;
use super::spawn::Recipe;
use crate::settings::limits::{
    FUNCTION_BACKOFF_MAX, FUNCTION_BACKOFF_MIN, FUNCTION_CALLS_WAITING_MAX, FUNCTION_EVENTS_WAITING_BYTES_MAX,
    FUNCTION_INIT_TIMEOUT, FUNCTION_QUEUE_LOOK_INTERVAL,
};
use crate::settings::{FunctionLog, LocalFunction};

pub(super) struct Function {
    pub(super) settings: Arc<LocalFunction>,
    /// Of the code as it was copied.
    pub(super) fingerprint: u64,
    /// The private copy, which goes with the function.
    code: PathBuf,
    log: Arc<FunctionLog>,
    name: Arc<str>,
    shared: Arc<Shared>,
    state: Mutex<State>,
    standing: watch::Sender<Standing>,
    own: Weak<Self>,
}

/// How far a function has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Starting,
    /// As many as are to be warm have begun.
    Ready,
    /// The last start failed.
    Failed(FunctionError),
    /// Nothing of it runs any more, nor will.
    Gone,
}

#[derive(Default)]
struct State {
    /// Who rested last is taken first, so that the others can end.
    idle: Vec<Handle>,
    /// Every process that has not ended.
    alive: Vec<Handle>,
    /// … of them those that have not begun.
    starting: Vec<u64>,
    waiting: VecDeque<Job>,
    waiting_bytes: usize,
    /// Starts that failed in a row, those that failed together as one.
    failures: u32,
    /// When the last of them was counted: who began before it failed with it.
    failed_at: Option<Instant>,
    failure: Option<FunctionError>,
    /// No start before this.
    rest_until: Option<Instant>,
    retiring: bool,
    stopped: bool,
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many wait, or this one has for too long.
    Throttled,
    /// Weir is on its way out.
    Stopped,
}

impl Function {
    pub(super) fn new(settings: Arc<LocalFunction>, fingerprint: u64, code: PathBuf, shared: Arc<Shared>) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            fingerprint,
            code,
            log: Arc::new(settings.log.clone()),
            name: settings.name.as_str().into(),
            settings,
            shared,
            state: Mutex::default(),
            standing: watch::channel(Standing::Starting).0,
            own: Weak::clone(own),
        })
    }

    /// Starts those that are to be warm.
    pub(super) fn warm_up(&self) {
        let mut state = self.state();
        self.balance(&mut state);
        if self.settings.warm == 0 {
            self.standing.send_replace(Standing::Ready);
        }
    }

    pub(super) fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Waits for the answer of a job that was admitted; but no longer than `wait_max` for it to be begun, unless a process
    /// that is on its way will begin it.
    pub(super) async fn answer(
        &self,
        request_id: &str,
        mut answer: oneshot::Receiver<Answer>,
        wait_max: Duration,
    ) -> Result<Answer, Refusal> {
        let began = Instant::now();
        let mut until = began + wait_max;
        loop {
            // Dropped unanswered: everything has been stopped.
            if let Ok(answered) = timeout_at(until, &mut answer).await {
                return answered.map_err(|_| Refusal::Stopped);
            }
            // It has waited for so long only if it still waits; what runs has its own time.
            let mut state = self.state();
            let Some(at) = state.waiting.iter().position(|job| *job.request_id == *request_id) else { break };
            let coming = at < state.starting.len() && began.elapsed() < FUNCTION_INIT_TIMEOUT;
            if !coming {
                state.take_waiting(at);
                return Err(Refusal::Throttled);
            }
            until = Instant::now() + FUNCTION_QUEUE_LOOK_INTERVAL;
        }
        answer.await.map_err(|_| Refusal::Stopped)
    }

    /// Takes `job`, which a process begins as soon as there is one.
    pub(super) fn admit(&self, job: Job) -> Result<(), Refusal> {
        let mut state = self.state();
        if state.stopped {
            return Err(Refusal::Stopped);
        }
        if !state.has_room(&job) {
            state.forget_those_who_left();
            if !state.has_room(&job) {
                return Err(Refusal::Throttled);
            }
        }
        state.waiting_bytes += job.event.len();
        state.waiting.push_back(job);
        self.balance(&mut state);
        Ok(())
    }

    /// No more calls come; when those that wait have been run, its processes end.
    pub(super) fn retire(&self) {
        let mut state = self.state();
        state.retiring = true;
        self.balance(&mut state);
    }

    /// Ends everything now.
    pub(super) fn stop(&self) {
        let mut state = self.state();
        (state.retiring, state.stopped) = (true, true);
        state.waiting.clear();
        state.waiting_bytes = 0;
        state.alive.iter().for_each(|process| process.tell(Order::Kill));
        self.balance(&mut state);
    }

    /// Gives what waits something to run on, and ends what nobody waits for.
    fn balance(&self, state: &mut State) {
        while !state.waiting.is_empty() && !state.idle.is_empty() {
            let Some(job) = state.take_waiting(0) else { break };
            // Nobody waits for it any more.
            if job.answer.is_closed() {
                continue;
            }
            let Some(process) = state.idle.pop() else { break };
            if let Some(job) = process.run(job) {
                state.put_back(job);
            }
        }
        if state.retiring && state.waiting.is_empty() {
            state.idle.drain(..).for_each(|process| process.tell(Order::Retire));
            state.alive.iter().for_each(|process| process.tell(Order::Retire));
            if state.alive.is_empty() {
                self.standing.send_replace(Standing::Gone);
            }
            return;
        }
        if state.rest_until.is_some_and(|until| Instant::now() < until) {
            // Nothing can come of it before then: whoever calls is told why, and at once.
            if state.alive.is_empty()
                && let Some(failure) = state.failure.clone()
            {
                while let Some(job) = state.take_waiting(0) {
                    Counters::add(&self.shared.counters.errors);
                    let _ = job.answer.send(Answer::Whole(Err(failure.clone())));
                }
            }
            return;
        }
        // After a failure one try at a time: more would fail for the same reason.
        let at_once = if state.failure.is_some() { 1 } else { usize::MAX };
        let wanted = |state: &State| {
            let called = state.starting.len() < state.waiting.len();
            let warm = !state.retiring && state.alive.len() < self.settings.warm;
            let room = state.alive.len() < self.settings.concurrency.max(1) && state.starting.len() < at_once;
            (room && (called || warm)).then_some(called && !warm)
        };
        if wanted(state).is_some() {
            state.forget_those_who_left();
        }
        while let Some(cold) = wanted(state) {
            if cold {
                Counters::add(&self.shared.counters.cold_starts);
            }
            self.start(state);
        }
    }

    fn start(&self, state: &mut State) {
        let Some(owner) = self.own.upgrade() else { return };
        let id = self.shared.next_id();
        state.starting.push(id);
        let handle = process::start(Recipe {
            id,
            function: Arc::clone(&self.settings),
            code: self.code.clone(),
            shared: Arc::clone(&self.shared),
            log: Log::new(&self.shared.logs, &self.log, &self.name),
            owner,
        });
        state.alive.push(handle);
    }

    /// Nothing is started for a while, which each failure in a row doubles.
    fn back_off(&self, state: &mut State, failure: FunctionError) {
        let delay = FUNCTION_BACKOFF_MIN.saturating_mul(1 << state.failures.min(16)).min(FUNCTION_BACKOFF_MAX);
        let until = Instant::now() + delay;
        state.failures = state.failures.saturating_add(1);
        state.failed_at = Some(Instant::now());
        state.rest_until = Some(until);
        state.failure = Some(failure.clone());
        if state.alive.len() - state.starting.len() < self.settings.warm.max(1) {
            self.standing.send_replace(Standing::Failed(failure));
        }
        if let Some(own) = self.own.upgrade() {
            tokio::spawn(async move {
                sleep_until(until).await;
                own.balance(&mut own.state());
            });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self, job: &Job) -> bool {
        let bytes = self.waiting_bytes + job.event.len();
        self.waiting.len() < FUNCTION_CALLS_WAITING_MAX && bytes <= FUNCTION_EVENTS_WAITING_BYTES_MAX
    }

    /// Nobody waits for their answers: they are worth neither a place nor a process.
    fn forget_those_who_left(&mut self) {
        self.waiting.retain(|job| !job.answer.is_closed());
        self.waiting_bytes = self.waiting.iter().map(|job| job.event.len()).sum();
    }

    fn take_waiting(&mut self, at: usize) -> Option<Job> {
        let job = self.waiting.remove(at)?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(job.event.len());
        Some(job)
    }

    fn put_back(&mut self, job: Job) {
        self.waiting_bytes += job.event.len();
        self.waiting.push_front(job);
    }

    fn begun(&mut self, id: u64) {
        self.starting.retain(|&starting| starting != id);
    }
}

impl Owner for Function {
    fn ready(&self, process: &Handle, first: bool) {
        let mut state = self.state();
        if first {
            state.begun(process.id);
            (state.failure, state.rest_until) = (None, None);
        } else {
            // It has been of use.
            state.failures = 0;
        }
        state.idle.push(process.clone());
        if first && state.alive.len() - state.starting.len() >= self.settings.warm {
            self.standing.send_replace(Standing::Ready);
        }
        self.balance(&mut state);
    }

    fn idle(&self, process: &Handle) {
        let mut state = self.state();
        let rests = state.idle.iter().position(|idle| idle.id == process.id);
        if let Some(at) = rests.filter(|_| state.alive.len() > self.settings.warm) {
            state.idle.remove(at);
            // It is no more as far as the function is concerned: another may be started meanwhile.
            state.alive.retain(|alive| alive.id != process.id);
            process.tell(Order::Retire);
        }
    }

    fn give_back(&self, job: Job) {
        let mut state = self.state();
        if !state.stopped {
            state.put_back(job);
            self.balance(&mut state);
        }
    }

    fn ended(&self, process: u64, end: End, lived: Duration) {
        let mut state = self.state();
        state.alive.retain(|alive| alive.id != process);
        state.idle.retain(|idle| idle.id != process);
        state.begun(process);
        if matches!(end, End::InInit(_)) {
            Counters::add(&self.shared.counters.init_failures);
        }
        if lived > FUNCTION_BACKOFF_MAX {
            state.failures = 0;
        }
        let now = Instant::now();
        let began = now.checked_sub(lived);
        let counted = state.failed_at.is_some_and(|at| began.is_none_or(|began| began < at));
        let failure = match end {
            End::InInit(error) => Some(error),
            // Who was of use, or ended with others (kill -9, the kernel short of memory), is replaced at once.
            End::AtRest { answered: true } => None,
            End::AtRest { .. } if counted => None,
            // Where the next ends like it, before anything came of it, they wait as well.
            End::AtRest { .. } if state.failures > 0 => Some(FunctionError::new(
                "Runtime.ExitError",
                "Error: the function's processes end while they wait for an event",
            )),
            End::AtRest { .. } => {
                (state.failures, state.failed_at) = (1, Some(now));
                None
            }
            End::AtWork | End::Retired => None,
        };
        // One that failed with others adds nothing to the rest that they have.
        let told = state.retiring || (counted && state.rest_until.is_some());
        if let Some(failure) = failure.filter(|_| !told) {
            self.back_off(&mut state, failure);
        }
        self.balance(&mut state);
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let code = std::mem::take(&mut self.code);
        // It may hold thousands of files, which are not for the thread that all functions share.
        std::thread::spawn(move || std::fs::remove_dir_all(code));
    }
}
