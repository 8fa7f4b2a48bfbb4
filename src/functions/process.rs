//! One process of a function, from its start to its end: a task that owns it, hears what it asks by the Runtime API, gives
//! it one event at a time, and ends it when it takes more than it may.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Bytes;
use jiff::Timestamp;
use rustix::process::{Signal, kill_process_group};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};

use super::counters::Counters;
use super::family::{Family, Member};
use super::job::{Answer, End, FunctionError, Handle, Job, Order};
use super::runtime_api::{Event, Granted, Question, Refused};
use super::spawn::{Recipe, Spawned, spawn};
use super::words::{exit_words, headers};
use super::{family, launch};
use crate::settings::limits::{
    FUNCTION_CHILDREN_MAX, FUNCTION_END_TIMEOUT, FUNCTION_INIT_TIMEOUT, FUNCTION_MEMORY_INTERVAL,
    FUNCTION_MEMORY_INTERVAL_AT_REST, FUNCTION_STREAM_PIECES_WAITING_MAX, FUNCTION_THREADS_MAX,
};

/// Starts one. What becomes of it, its owner hears.
pub(super) fn start(recipe: Recipe) -> Handle {
    let (orders, taken) = mpsc::unbounded_channel();
    let handle = Handle { id: recipe.id, orders };
    let own = handle.clone();
    Counters::add(&recipe.shared.counters.processes);
    tokio::spawn(async move {
        let (owner, shared) = (Arc::clone(&recipe.owner), Arc::clone(&recipe.shared));
        let (id, began, mut taken) = (recipe.id, Instant::now(), taken);
        let end = match spawn(&recipe).await {
            Ok(spawned) => Box::pin(Supervisor::new(recipe, spawned, own).run(&mut taken)).await,
            Err(error) => End::InInit(FunctionError::new(
                "Runtime.InvalidEntrypoint",
                &format!("a process of the function cannot be started: {error}"),
            )),
        };
        // What was given to it at its last moment was not begun: another takes it.
        taken.close();
        while let Ok(order) = taken.try_recv() {
            if let Order::Run(job) = order {
                owner.give_back(job);
            }
        }
        shared.counters.processes.fetch_sub(1, Relaxed);
        owner.ended(id, end, began.elapsed());
    });
    handle
}

enum Phase {
    /// It has not asked for an event yet.
    Starting,
    /// It has asked, and waits.
    Ready {
        next: oneshot::Sender<Result<Event, Refused>>,
    },
    Busy(Box<Running>),
    /// It has answered, and has not asked again.
    Between,
    /// It has said why it cannot begin.
    Failed(FunctionError),
    /// It has been asked to end.
    Ending,
}

/// An invocation under way.
struct Running {
    request_id: Arc<str>,
    began: Instant,
    answer: Option<oneshot::Sender<Answer>>,
    /// While it answers: how that ended.
    answering: Option<Answering>,
}

enum Answering {
    Whole(oneshot::Receiver<Result<Bytes, FunctionError>>),
    Streamed {
        ended: oneshot::Receiver<Result<(), FunctionError>>,
        tell: Option<oneshot::Sender<Result<(), FunctionError>>>,
    },
}

enum Step {
    Exited(io::Result<ExitStatus>),
    Asked(Question),
    Ordered(Order),
    Answered(Result<Result<Bytes, FunctionError>, oneshot::error::RecvError>),
    Streamed(Result<Result<(), FunctionError>, oneshot::error::RecvError>),
    Late,
    Measure,
    Measured(Family),
}

struct Supervisor {
    recipe: Recipe,
    spawned: Spawned,
    handle: Handle,
    phase: Phase,
    /// When what it does now has taken too long.
    deadline: Option<Instant>,
    measure_at: Instant,
    /// A look at its memory that is under way.
    looking: Option<JoinHandle<Family>>,
    /// It and what it had started, at the last look.
    family: Vec<Member>,
    started: Instant,
    /// The most that was seen of its memory.
    memory_max: u64,
    /// It has asked for an event once.
    begun: bool,
    retire: bool,
    /// It has answered an event.
    answered: bool,
    /// It has been killed, and is not gone yet.
    ending: bool,
    killed: Option<FunctionError>,
}

impl Supervisor {
    fn new(recipe: Recipe, spawned: Spawned, handle: Handle) -> Self {
        let now = Instant::now();
        Self {
            recipe,
            spawned,
            handle,
            phase: Phase::Starting,
            deadline: Some(now + FUNCTION_INIT_TIMEOUT),
            measure_at: now + FUNCTION_MEMORY_INTERVAL,
            looking: None,
            family: Vec::new(),
            started: now,
            memory_max: 0,
            begun: false,
            retire: false,
            answered: false,
            ending: false,
            killed: None,
        }
    }

    async fn run(mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> End {
        let status = loop {
            match self.step(orders).await {
                Step::Exited(status) => break status,
                Step::Asked(question) => self.asked(question),
                Step::Ordered(order) => self.ordered(order),
                Step::Answered(outcome) => self.answered(outcome),
                Step::Streamed(outcome) => self.streamed(outcome),
                Step::Late => self.late(),
                Step::Measure => self.measure(),
                Step::Measured(found) => self.measured(found),
            }
        };
        self.gone(status).await
    }

    /// What happens next. What the process said comes before its end.
    async fn step(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> Step {
        let never = self.started + Duration::from_secs(100 * 365 * 24 * 3600);
        let deadline = self.deadline.unwrap_or(never);
        let answering = async {
            match &mut self.phase {
                Phase::Busy(running) => match &mut running.answering {
                    Some(Answering::Whole(outcome)) => Step::Answered(outcome.await),
                    Some(Answering::Streamed { ended, .. }) => Step::Streamed(ended.await),
                    None => std::future::pending().await,
                },
                _ => std::future::pending().await,
            }
        };
        let looking = async {
            match &mut self.looking {
                None => {
                    sleep_until(self.measure_at).await;
                    Step::Measure
                }
                Some(look) => {
                    let found = look.await.unwrap_or_default();
                    self.looking = None;
                    Step::Measured(found)
                }
            }
        };
        tokio::select! {
            biased;
            step = answering => step,
            Some(question) = self.spawned.questions.recv() => Step::Asked(question),
            status = self.spawned.child.wait() => Step::Exited(status),
            Some(order) = orders.recv() => Step::Ordered(order),
            () = sleep_until(deadline) => Step::Late,
            step = looking => step,
        }
    }

    fn asked(&mut self, question: Question) {
        match question {
            Question::Next(next) => self.asked_next(next),
            Question::Answer { request_id, streaming, reply } => {
                let granted = self.grant(&request_id, streaming);
                let _ = reply.send(granted);
            }
            Question::CannotBegin { error, reply } => {
                let granted = if matches!(self.phase, Phase::Starting) {
                    self.phase = Phase::Failed(error);
                    self.deadline = Some(Instant::now() + FUNCTION_END_TIMEOUT);
                    Ok(())
                } else {
                    Err(Refused::State)
                };
                let _ = reply.send(granted);
            }
        }
    }

    fn asked_next(&mut self, next: oneshot::Sender<Result<Event, Refused>>) {
        match &mut self.phase {
            _ if self.ending => drop(next.send(Err(Refused::State))),
            Phase::Starting | Phase::Between => {
                if self.retire {
                    return self.end_kindly();
                }
                let first = !std::mem::replace(&mut self.begun, true);
                if first {
                    self.recipe.log.forget_lines();
                    self.memory_max = family::resident(self.spawned.pid);
                }
                self.phase = Phase::Ready { next };
                self.deadline = Some(Instant::now() + self.idle_timeout());
                self.recipe.owner.ready(&self.handle, first);
            }
            // Its connection broke, and it asks on another: the old question is answered no more.
            Phase::Ready { next: before } => *before = next,
            Phase::Busy(_) | Phase::Failed(_) | Phase::Ending => drop(next.send(Err(Refused::State))),
        }
    }

    fn grant(&mut self, request_id: &str, streaming: bool) -> Result<Granted, Refused> {
        let Phase::Busy(running) = &mut self.phase else { return Err(Refused::RequestId) };
        if *running.request_id != *request_id {
            return Err(Refused::RequestId);
        }
        if running.answering.is_some() {
            return Err(Refused::State);
        }
        if !streaming {
            let (done, outcome) = oneshot::channel();
            running.answering = Some(Answering::Whole(outcome));
            return Ok(Granted::Whole(done));
        }
        // Streamed once, it cannot be answered again.
        let answer = running.answer.take().ok_or(Refused::State)?;
        let (pieces, taken) = mpsc::channel(FUNCTION_STREAM_PIECES_WAITING_MAX);
        let (tell, end) = oneshot::channel();
        let _ = answer.send(Answer::Stream { pieces: taken, end });
        let (done, ended) = oneshot::channel();
        running.answering = Some(Answering::Streamed { ended, tell: Some(tell) });
        Ok(Granted::Streamed { pieces, end: done })
    }

    fn ordered(&mut self, order: Order) {
        match order {
            Order::Run(job) => self.begin(job),
            Order::Retire => {
                self.retire = true;
                if matches!(self.phase, Phase::Starting | Phase::Ready { .. }) {
                    self.end_kindly();
                }
            }
            Order::Kill => {
                self.retire = true;
                self.kill();
            }
        }
    }

    fn begin(&mut self, job: Job) {
        // What was killed while it rested is gone in a moment, and another takes the job.
        if self.ending || !matches!(self.phase, Phase::Ready { .. }) {
            return self.recipe.owner.give_back(job);
        }
        let Phase::Ready { next } = std::mem::replace(&mut self.phase, Phase::Between) else { return };
        let now = Instant::now();
        let deadline = now + self.recipe.function.timeout;
        let event = Event { headers: headers(&job, self.recipe.function.timeout), body: job.event.clone() };
        if next.send(Ok(event)).is_err() {
            // Its connection is gone; it may ask again. Another process takes the job.
            self.deadline = Some(now + FUNCTION_INIT_TIMEOUT);
            return self.recipe.owner.give_back(job);
        }
        self.recipe.log.line(format!("START RequestId: {} Version: $LATEST", job.request_id).as_bytes());
        let running = Running { request_id: job.request_id, began: now, answer: Some(job.answer), answering: None };
        self.phase = Phase::Busy(Box::new(running));
        self.deadline = Some(deadline);
        self.measure_at = self.measure_at.min(now + FUNCTION_MEMORY_INTERVAL);
    }

    fn answered(&mut self, outcome: Result<Result<Bytes, FunctionError>, oneshot::error::RecvError>) {
        let Phase::Busy(running) = &mut self.phase else { return };
        running.answering = None;
        // The connection broke within the answer; the process may send it again.
        let Ok(outcome) = outcome else { return };
        self.finish(outcome);
    }

    fn streamed(&mut self, outcome: Result<Result<(), FunctionError>, oneshot::error::RecvError>) {
        let Phase::Busy(running) = &mut self.phase else { return };
        let cut = || FunctionError::new("Runtime.TruncatedResponse", "the response ended before it was whole");
        let outcome = outcome.unwrap_or_else(|_| Err(cut()));
        if let Some(Answering::Streamed { tell: Some(tell), .. }) = running.answering.take() {
            if outcome.is_err() {
                Counters::add(&self.recipe.shared.counters.errors);
            }
            let _ = tell.send(outcome);
        }
        self.report(None);
        self.rest();
    }

    /// The invocation has its answer; the process has the rest of the function's time to ask for the next.
    fn finish(&mut self, outcome: Result<Bytes, FunctionError>) {
        self.settle(outcome);
        self.report(None);
        self.rest();
    }

    fn rest(&mut self) {
        self.answered = true;
        self.phase = Phase::Between;
        // However late the answer came, to ask for the next takes a moment.
        self.deadline = self.deadline.map(|deadline| deadline.max(Instant::now() + FUNCTION_END_TIMEOUT));
    }

    fn idle_timeout(&self) -> Duration {
        self.recipe.function.idle_timeout.max(Duration::from_secs(1))
    }

    /// Answers whoever waits for the invocation under way.
    fn settle(&mut self, outcome: Result<Bytes, FunctionError>) {
        let Phase::Busy(running) = &mut self.phase else { return };
        if let Some(answer) = running.answer.take() {
            if outcome.is_err() {
                Counters::add(&self.recipe.shared.counters.errors);
            }
            let _ = answer.send(Answer::Whole(outcome));
        } else if let Some(Answering::Streamed { tell, .. }) = &mut running.answering
            && let (Some(tell), Err(error)) = (tell.take(), outcome)
        {
            Counters::add(&self.recipe.shared.counters.errors);
            let _ = tell.send(Err(error));
        }
    }

    /// The lines that Lambda writes after an invocation.
    fn report(&mut self, failure: Option<&str>) {
        let Phase::Busy(running) = &mut self.phase else { return };
        let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
        let used = mib(self.memory_max);
        let size = mib(self.recipe.function.memory_bytes);
        let (id, elapsed) = (&running.request_id, running.began.elapsed());
        let took_ms = elapsed.as_secs_f64() * 1000.0;
        let billed_ms = took_ms.ceil();
        let status = failure.map(|failure| format!("\tStatus: {failure}")).unwrap_or_default();
        let report = format!(
            "REPORT RequestId: {id}\tDuration: {took_ms:.2} ms\tBilled Duration: {billed_ms} ms\tMemory Size: {size} MB\tMax Memory Used: {used} MB{status}"
        );
        self.recipe.log.lines(&[format!("END RequestId: {id}").as_bytes(), report.as_bytes()]);
    }

    /// What it does now has taken too long.
    fn late(&mut self) {
        let function = &self.recipe.function;
        match &self.phase {
            Phase::Ready { .. } => {
                self.deadline = Some(Instant::now() + self.idle_timeout());
                self.recipe.owner.idle(&self.handle);
            }
            Phase::Busy(running) => {
                // The words of Lambda; what APIs map errors by (rest/09 section 9.4).
                let seconds = function.timeout.as_secs_f64();
                let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
                let message = format!("{now} {} Task timed out after {seconds:.2} seconds", running.request_id);
                self.recipe.log.line(message.as_bytes());
                self.fail(FunctionError::new("Sandbox.Timedout", &message), "timeout");
            }
            Phase::Starting => {
                let seconds = FUNCTION_INIT_TIMEOUT.as_secs_f64();
                let message = format!("the function's process did not ask for an event within {seconds:.2} seconds");
                self.recipe.log.line(message.as_bytes());
                self.fail(FunctionError::new("Sandbox.Timedout", &message), "timeout");
            }
            Phase::Between => {
                self.recipe.log.line(b"the process has answered, and did not ask for the next event: it is ended");
                Counters::add(&self.recipe.shared.counters.kills);
                self.kill();
            }
            Phase::Failed(_) | Phase::Ending => self.kill(),
        }
    }

    /// Looks at what it has in memory, beside the thread that all functions share.
    fn measure(&mut self) {
        let pid = self.spawned.pid;
        self.looking = Some(spawn_blocking(move || family::look(pid)));
    }

    fn measured(&mut self, found: Family) {
        let at_rest = matches!(self.phase, Phase::Ready { .. });
        let interval = if at_rest { FUNCTION_MEMORY_INTERVAL_AT_REST } else { FUNCTION_MEMORY_INTERVAL };
        self.measure_at = Instant::now() + interval;
        let (bytes, too_many, dead) = (found.bytes, found.too_many, found.dead);
        self.memory_max = self.memory_max.max(bytes);
        self.family = found.members;
        let function = &self.recipe.function;
        if self.ending {
            return;
        }
        if !too_many && bytes <= function.memory_bytes {
            if at_rest && dead > FUNCTION_CHILDREN_MAX / 2 {
                // It starts what it does not wait for, which Lambda's own first process would clear away.
                self.recipe.log.line(b"children that have ended were never waited for: the process is replaced");
                self.end_kindly();
            }
            return;
        }
        let (has, may) = (bytes / (1024 * 1024), function.memory_bytes / (1024 * 1024));
        let message = if too_many {
            format!(
                "the process has made more than {FUNCTION_CHILDREN_MAX} processes, or {FUNCTION_THREADS_MAX} threads: they are ended"
            )
        } else {
            format!("the process has {has} MB in memory and may have {may} MB: it is ended (memory in weir.toml)")
        };
        self.recipe.log.line(message.as_bytes());
        let id = match &self.phase {
            Phase::Busy(running) => Arc::clone(&running.request_id),
            _ => "-".into(),
        };
        let error = "Runtime exited with error: signal: killed";
        self.fail(FunctionError::of_request("Runtime.ExitError", &id, error), "error");
    }

    /// Ends it, and answers what was under way with `error`.
    fn fail(&mut self, error: FunctionError, status: &str) {
        Counters::add(&self.recipe.shared.counters.kills);
        self.report(Some(status));
        self.settle(Err(error.clone()));
        self.killed = Some(error);
        self.kill();
    }

    fn end_kindly(&mut self) {
        self.phase = Phase::Ending;
        self.deadline = Some(Instant::now() + FUNCTION_END_TIMEOUT);
        self.signal(Signal::TERM);
    }

    fn kill(&mut self) {
        // It is looked for again should even this not end it: it may be stuck in the kernel.
        self.deadline = Some(Instant::now() + FUNCTION_END_TIMEOUT);
        self.ending = true;
        self.signal(Signal::KILL);
        let _ = self.spawned.child.start_kill();
    }

    /// To the whole group, whose first process is not yet taken note of: the number is nobody else's.
    fn signal(&self, signal: Signal) {
        if let Some(group) = launch::pid(self.spawned.pid) {
            let _ = kill_process_group(group, signal);
        }
    }

    /// It has ended: nothing that it started is left, and nobody waits for it.
    async fn gone(mut self, status: io::Result<ExitStatus>) -> End {
        let (pid, mark) = (self.spawned.pid, self.spawned.mark.clone());
        let (temporary, cgroup) = (self.spawned.temporary.clone(), self.spawned.cgroup.clone());
        let words = exit_words(&status);
        let init_id: Arc<str> = match &self.phase {
            Phase::Busy(running) => Arc::clone(&running.request_id),
            _ => "-".into(),
        };
        let error = FunctionError::of_request("Runtime.ExitError", &init_id, &words);
        if self.killed.is_none() && matches!(self.phase, Phase::Busy(_)) {
            self.recipe.log.line(format!("RequestId: {init_id} Error: {words}").as_bytes());
            self.report(Some("error"));
            self.settle(Err(error.clone()));
        }
        self.spawned.api.abort();
        let known = std::mem::take(&mut self.family);
        let ended = spawn_blocking(move || {
            family::end(pid, &mark, &known);
            if let Some(cgroup) = cgroup {
                super::cgroups::remove(&cgroup);
            }
            let _ = std::fs::remove_dir_all(temporary);
        });
        let _ = ended.await;
        for reader in &mut self.spawned.readers {
            // Nobody is left who could write; but who hid from us may hold the pipe open.
            if timeout(FUNCTION_END_TIMEOUT, &mut *reader).await.is_err() {
                reader.abort();
            }
        }
        match &self.phase {
            _ if self.retire => End::Retired,
            Phase::Failed(error) => End::InInit(error.clone()),
            _ if !self.begun => End::InInit(self.killed.clone().unwrap_or_else(|| self.with_last_lines(&words))),
            Phase::Busy(_) | Phase::Between => End::AtWork,
            Phase::Starting | Phase::Ready { .. } | Phase::Ending => End::AtRest { answered: self.answered },
        }
    }

    /// A process that ended before it could say why has often printed it.
    fn with_last_lines(&self, words: &str) -> FunctionError {
        let last = self.recipe.log.last_lines();
        let said = if last.is_empty() { String::new() } else { format!("\n{}", last.join("\n")) };
        FunctionError::new("Runtime.ExitError", &format!("Error: {words}{said}"))
    }
}
