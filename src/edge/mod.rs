//! Requests in, responses out: one thread a core. The spine: run a core, serve a connection, answer a request.
//!
//! Read [`answer::answer`] first. The stages stand in the listing in the order in which a request meets them.

pub mod accept;
mod answer;
mod authorize;
mod body;
pub mod connection;
pub mod cors;
pub mod dispatch;
mod encode;
pub mod exchange;
pub mod fault;
pub mod gateway_response;
pub mod identity;
pub mod invoke;
pub mod limit;
mod relay;
pub mod request_validator;
pub mod snapshot;
mod told;
pub mod transform;
pub mod upstream;
pub mod watch;
mod whole;
pub mod worker;

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{self, Poll};

use accept::Arrival;
use accept::proxy_protocol::{self, Announced};
use answer::{Trail, answer, of_fault, put_cors};
use connection::{Connection, Front, Next};
use exchange::{StageFacts, VpcEndpoint};
use fault::{Fault, FaultKind};
use relay::Response;
use snapshot::Snapshot;
use watch::Record;
use worker::{Start, Worker};

use crate::net::mailbox::Mailbox;
use crate::net::ring::{self, Driver};
use crate::net::tcp::{Accepted, Listener};
use crate::net::timer;
use crate::settings;
use crate::settings::limits::{PROXY_HEADER_BYTES_MAX, TICK};
use crate::telemetry::names::Event;

/// What a core is told.
pub enum Order {
    Adopt(Arc<Snapshot>),
    /// Stop accepting, finish what is under way, end.
    Drain,
}

/// What a core is given to run.
pub struct Core {
    pub index: usize,
    pub driver: Driver,
    pub listeners: Vec<Listening>,
    pub mailbox: Mailbox<Order>,
    pub snapshot: Arc<Snapshot>,
    pub start: Start,
}

/// A socket that is bound, and the VPC endpoint that it stands for.
pub struct Listening {
    pub listener: std::net::TcpListener,
    pub vpc_endpoint: Option<settings::VpcEndpoint>,
}

/// Runs one core on the thread that calls, until it has been drained.
pub fn run(core: Core) -> io::Result<()> {
    let epoll = matches!(core.driver, Driver::Epoll(_));
    let driver = core.driver.clone();
    ring::run(&driver, serve_core(core, epoll))?
}

async fn serve_core(core: Core, epoll: bool) -> io::Result<()> {
    let mut mailbox = core.mailbox.open(epoll)?;
    let doors = core.listeners.into_iter().map(|Listening { listener, vpc_endpoint }| {
        let vpc_endpoint =
            vpc_endpoint.map(|it| Rc::new(VpcEndpoint { id: it.id.into(), vpc: it.vpc.map(String::into_boxed_str) }));
        Ok(Rc::new(Door { listener: Listener::adopt(listener, epoll)?, vpc_endpoint }))
    });
    let doors: Vec<Rc<Door>> = doors.collect::<io::Result<_>>()?;
    let worker = Rc::new(Worker::new(core.start, core.snapshot));
    let index = core.index;
    worker.shared.revisions[index].store(worker.snapshot().revision, Ordering::Release);
    ring::spawn(keep_time(Rc::clone(&worker), index));
    for door in &doors {
        ring::spawn(accept_connections(Rc::clone(&worker), Rc::clone(door)));
    }
    while let Some(order) = mailbox.next().await {
        match order {
            Order::Adopt(snapshot) => {
                let revision = snapshot.revision;
                worker.adopt(snapshot);
                worker.shared.revisions[index].store(revision, Ordering::Release);
            }
            Order::Drain => break,
        }
    }
    drain(&worker, &doors).await;
    worker.meters.borrow_mut().settle();
    worker.shared.drained.fetch_add(1, Ordering::Release);
    Ok(())
}

/// The core's pulse: deadlines, dates, lent tokens, log lines, connections that have rested too long.
async fn keep_time(worker: Rc<Worker>, index: usize) {
    let mut ticks = 0_u64;
    loop {
        ring::sleep(TICK).await;
        let now = worker.clock.now();
        timer::turn(now);
        worker.shared.heartbeats[index].store(now.millis(), Ordering::Relaxed);
        worker.looked_into.set(0);
        ticks += 1;
        if ticks.is_multiple_of(10) {
            worker.buckets.borrow_mut().settle();
            worker.meters.borrow_mut().settle();
            hand_over_log(&worker);
        }
        if ticks.is_multiple_of(100) {
            worker.clock.follow_wall_clock();
            worker.pools.close_rested(now);
            make_room(&worker);
        }
    }
}

fn hand_over_log(worker: &Worker) {
    if let Some(log) = worker.log.borrow_mut().as_mut() {
        log.hand_over(&worker.counters);
    }
}

/// Within a tenth of the most connections, those that only rest are closed: new clients come before silent ones.
fn make_room(worker: &Worker) {
    let most = worker.shared.connections_max;
    let open = worker.shared.connections.load(Ordering::Relaxed);
    if open + (most / 10).max(1) > most {
        let ended = timer::end_resting(worker.open.get() / 10 + 1);
        worker.counters.event_many(Event::ConnectionIdleTimeout, ended as u64);
    }
}

/// A listener, and what comes in by it.
struct Door {
    listener: Listener,
    /// Private calls, and no others.
    vpc_endpoint: Option<Rc<VpcEndpoint>>,
}

async fn accept_connections(worker: Rc<Worker>, door: Rc<Door>) {
    loop {
        let shared = &worker.shared;
        match accept::next(&door.listener, &shared.connections, shared.connections_max).await {
            Arrival::Connection(accepted) => begin(&worker, &door, accepted),
            Arrival::Shed => worker.counters.event(Event::ConnectionShed),
            Arrival::Stopped => return,
        }
    }
}

fn begin(worker: &Rc<Worker>, door: &Door, accepted: Accepted) {
    worker.counters.event(Event::ConnectionAccepted);
    worker.connection_opened();
    ring::spawn(serve_connection(Rc::clone(worker), accepted, door.vpc_endpoint.clone()));
}

/// Stops listening, answers what the kernel had already accepted, and waits until the last connection has ended.
async fn drain(worker: &Rc<Worker>, doors: &[Rc<Door>]) {
    for door in doors {
        for accepted in door.listener.stop() {
            worker.shared.connections.fetch_add(1, Ordering::Relaxed);
            begin(worker, door, accepted);
        }
    }
    let began = worker.clock.now();
    // A client may just be sending its next request on a connection that rests: it gets this long to arrive, and is
    // then told to close. After that, resting connections are ended.
    let grace = began + std::time::Duration::from_millis(250);
    let end = began + worker.limits.drain_timeout;
    while worker.open.get() > 0 && worker.clock.now() < end {
        ring::sleep(TICK).await;
        if worker.clock.now() > grace {
            timer::end_resting(usize::MAX);
        }
    }
    hand_over_log(worker);
}

/// A connection from its first byte to its last.
async fn serve_connection(worker: Rc<Worker>, accepted: Accepted, vpc_endpoint: Option<Rc<VpcEndpoint>>) {
    let _counted = Counted(&worker);
    let is_trusted = worker.trusted_proxies.iter().any(|network| network.contains(accepted.peer.ip()));
    let mut connection = Connection::new(accepted, worker.clock.now());
    connection.request.peer.is_trusted = is_trusted;
    connection.request.peer.vpc_endpoint = vpc_endpoint;
    // Boxed: its state would make every connection larger, also where nobody speaks that protocol.
    if worker.shared.proxy_protocol && is_trusted && !Box::pin(announced(&worker, &mut connection)).await {
        worker.counters.event(Event::BadRequest);
        return;
    }
    loop {
        let front = Front { clock: &worker.clock, stamps: &worker.stamps, ids: &worker.ids, limits: &worker.limits };
        match connection.next(front).await {
            Next::Request => {
                if !serve(&worker, &mut connection).await {
                    break;
                }
            }
            Next::Refused(fault) => {
                refuse(&worker, &mut connection, fault).await;
                break;
            }
            Next::Ended => {
                if connection.was_ended() {
                    worker.counters.event(Event::ConnectionIdleTimeout);
                }
                return;
            }
        }
    }
    connection.close(worker.clock.now()).await;
}

/// A proxy that is trusted says first who its client is (PROXY protocol): that one is the peer from here on.
async fn announced(worker: &Worker, connection: &mut Connection) -> bool {
    let front = Front { clock: &worker.clock, stamps: &worker.stamps, ids: &worker.ids, limits: &worker.limits };
    let mut client = None;
    let read = |bytes: &[u8]| match proxy_protocol::read(bytes) {
        Announced::Client(address, length) => {
            client = address;
            Some(length)
        }
        Announced::Incomplete => Some(0),
        Announced::Not => None,
    };
    if !connection.preamble(front, PROXY_HEADER_BYTES_MAX, read).await {
        return false;
    }
    if let Some(client) = client {
        let peer = &mut connection.request.peer;
        peer.is_trusted = worker.trusted_proxies.iter().any(|network| network.contains(client.ip()));
        peer.set_address(client.ip());
    }
    true
}

/// Counts a connection out, whatever became of its task.
struct Counted<'w>(&'w Worker);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.counters.event(Event::ConnectionClosed);
        self.0.connection_closed();
    }
}

/// Answers one request. False where the connection has to end.
async fn serve(worker: &Worker, connection: &mut Connection) -> bool {
    let snapshot = worker.snapshot();
    let mut record = Record::begin(&worker.counters, connection.request.received);
    let mut trail = Trail::default();
    let answered = {
        let mut answer = pin!(answer(worker, &snapshot, connection, &mut record, &mut trail));
        poll_fn(|context| caught(answer.as_mut(), context)).await
    };
    let mut response = answered.unwrap_or_else(|fault| {
        let fault = fault.with_payload_limit(worker.limits.payload_bytes_max);
        record.answered = worker.clock.now();
        record.fault(&fault);
        let mut response = of_fault(&fault, &connection.request, &trail);
        if snapshot.retry_after
            && let Some(seconds) = fault.retry_after(connection.request.unix_millis / 1_000)
            && told::header_lines(response.head_mut()).all(|(name, _)| !name.eq_ignore_ascii_case(b"retry-after"))
        {
            response.head_mut().push(format!("Retry-After: {seconds}\r\n").as_bytes());
        }
        response
    });
    put_cors(&mut response, &connection.request, &trail);
    put_dev_identity(worker, &mut response);
    let keep = relay::send(worker, connection, response, &mut record).await;
    let now = worker.clock.now();
    record.finish(now);
    log(worker, &snapshot, connection, &trail, &record);
    keep && connection.finish_request(now, &worker.limits).await
}

/// Whoever gets an answer that nobody was asked for should see it.
fn put_dev_identity(worker: &Worker, response: &mut Response<'_>) {
    if worker.shared.dev_identity {
        response.head_mut().push(b"x-weir-dev-identity: true\r\n");
    }
}

/// Writes the request's line.
fn log(worker: &Worker, snapshot: &Snapshot, connection: &Connection, trail: &Trail<'_>, record: &Record<'_>) {
    let own = trail.stage.and_then(|stage| stage.access_log.as_ref());
    let Some(format) = own.or(snapshot.access_log.as_ref()).filter(|_| record.logged) else { return };
    if let Some(log) = worker.log.borrow_mut().as_mut() {
        // rest/14 section 14.4: what failed before a stage was known is not logged on AWS; here it is, with `-` for
        // what nobody knows, because at the edge it is what an operator looks for first.
        let nowhere = StageFacts::default();
        let context = trail.context(&connection.request, &nowhere);
        log.line(&worker.counters, |line| format.write(&context, &record.outcome, line));
    }
}

/// Answers a head that could not be taken.
async fn refuse(worker: &Worker, connection: &mut Connection, fault: Fault) {
    let snapshot = worker.snapshot();
    let fault = fault.with_payload_limit(worker.limits.payload_bytes_max);
    let mut record = Record::begin(&worker.counters, connection.request.received);
    record.fault(&fault);
    let mut response = of_fault(&fault, &connection.request, &Trail::default());
    // Here the head is sound, and only the body too large: a script may read that it is.
    if fault.kind == FaultKind::PayloadTooLarge
        && let Ok(located) = dispatch::locate(&snapshot.table, &connection.request)
        && let Some(cors) = snapshot.stages.get(located.stage).and_then(|stage| stage.base.cors.as_ref())
    {
        cors.put_into(response.head_mut(), &connection.request);
    }
    put_dev_identity(worker, &mut response);
    // Whatever was parsed of this head or of the one before: nothing of it may steer the connection or the log.
    connection.request.forget();
    relay::send(worker, connection, response, &mut record).await;
    record.finish(worker.clock.now());
    log(worker, &snapshot, connection, &Trail::default(), &record);
}

/// A bug in a request's way ends that request, not the core: its panic becomes a 500.
fn caught<T>(
    answer: Pin<&mut impl Future<Output = Result<T, Fault>>>,
    context: &mut task::Context<'_>,
) -> Poll<Result<T, Fault>> {
    match catch_unwind(AssertUnwindSafe(|| answer.poll(context))) {
        Ok(poll) => poll,
        Err(_) => Poll::Ready(Err(Fault::new(FaultKind::Internal))),
    }
}
