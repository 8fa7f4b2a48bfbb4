//! What the benches share: a snapshot compiled as `weir run` compiles it, and heads as browsers and backends send them.
#![allow(dead_code, unreachable_pub)] // each bench uses a part of it

use std::cell::RefCell;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weir::control::deploy::compile::Compiling;
use weir::control::deploy::load::load;
use weir::edge::connection::{AnswerFraming, Finish, finish_head};
use weir::edge::dispatch::Matched;
use weir::edge::exchange::{Context, IdSource, PathValues, Peer, Request, Verb};
use weir::edge::limit::Buckets;
use weir::edge::snapshot::Snapshot;
use weir::edge::transform::{AnswerBody, Backend, Outbound, OutboundBody, Scratch, Tools};
use weir::edge::watch::{Record, Sink};
use weir::edge::{dispatch, limit, request_validator, transform};
use weir::net::buffer::Buffer;
use weir::settings::raw::{By, Key, Raw};
use weir::settings::{Settings, gather};
use weir::telemetry::counters::{CoreCounters, Registry};
use weir::telemetry::log_port::{LogIntake, log_port};
use weir::time::{Clock, Stamps};
use weir::wire::h1::head;
use weir::wire::h1::request::HeadLimits;
use weir::wire::h1::response::ResponseHead;
use weir::wire::headers::Span;
use weir::wire::uri;

/// What a browser asks a page's script to fetch.
pub const BROWSER_HEAD: &[u8] = b"GET /pets/17?page=2&sort=name HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    Connection: keep-alive\r\n\
    sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Origin: https://www.example.com\r\n\
    Sec-Fetch-Site: same-site\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Referer: https://www.example.com/\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    \r\n";

/// What a backend answers it.
pub const BACKEND_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Server: nginx/1.22.1\r\n\
    Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Content-Length: 29\r\n\
    Connection: keep-alive\r\n\
    Cache-Control: private, max-age=60\r\n\
    ETag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n\
    Vary: Accept-Encoding\r\n\
    Strict-Transport-Security: max-age=31536000\r\n\
    \r\n\
    {\"id\":17,\"name\":\"Mimi\",\"a\":1}";

/// `/pets/{petId}` and `count - 1` routes beside it, all HTTP_PROXY to `backend`.
pub fn definition(backend: &str, count: usize) -> String {
    let mut text = String::from("openapi: 3.0.1\ninfo: {title: bench, version: \"1\"}\npaths:\n");
    let mut route = |path: &str, name: &str| {
        write!(
            text,
            "  {path}:\n    get:\n      parameters: [{{name: {name}, in: path, required: true, schema: {{type: string}}}}]\n      \
             responses: {{\"200\": {{description: ok}}}}\n      x-amazon-apigateway-integration:\n        type: http_proxy\n        \
             httpMethod: GET\n        uri: \"http://{backend}{path}\"\n        \
             requestParameters: {{integration.request.path.{name}: method.request.path.{name}}}\n"
        )
        .expect("a string takes everything");
    };
    route("/pets/{petId}", "petId");
    for number in 1..count {
        route(&format!("/r/{number}/items/{{id}}"), "id");
    }
    text
}

/// The settings of `weir run FILE FLAGS…`, and the file's text on disk for as long as it is loaded.
pub fn settings(definition: &str, said: &[(Key, &str)]) -> (Settings, std::path::PathBuf) {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let file = format!("weir-bench-{}-{}.yaml", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(file);
    std::fs::write(&path, definition).expect("the temporary folder takes a file");
    let mut raw = Raw::from_config(None);
    raw.say(Key::Api, path.display().to_string(), By::Flag);
    for (key, text) in said {
        raw.say(*key, *text, By::Flag);
    }
    (gather(raw, NonZeroUsize::MIN).expect("sound settings"), path)
}

/// What `weir run` would publish.
pub fn compiled(definition: &str, said: &[(Key, &str)]) -> (Snapshot, Compiling, Settings) {
    let (settings, path) = settings(definition, said);
    let mut loaded = load(&settings);
    let registry = Arc::new(Registry::new(settings.limits.metrics_series_max));
    let mut compiling = Compiling::new(&settings, registry).expect("the system's roots");
    let snapshot = compiling.compile(&mut loaded, &settings, Clock::real().now());
    std::fs::remove_file(path).expect("it was there");
    let Some(snapshot) = snapshot else { panic!("refused: {:?}", loaded.problems) };
    (snapshot, compiling, settings)
}

/// A gateway without sockets: everything between two reads of one core.
pub struct InMemory {
    pub snapshot: Snapshot,
    pub clock: Clock,
    pub request: Request,
    pub answer_head: ResponseHead,
    buckets: Buckets,
    counters: CoreCounters,
    stamps: Stamps,
    ids: RefCell<IdSource>,
    log: Sink,
    writer: LogIntake,
    scratch: Scratch,
}

impl InMemory {
    /// With an access log, metrics, and a throttle that never refuses, as `--throttle` of a large account.
    pub fn new(routes: usize) -> Self {
        Self::of(&definition("127.0.0.1:9", routes), &[])
    }

    /// The same of another definition.
    pub fn of(definition: &str, said: &[(Key, &str)]) -> Self {
        let said = [&[(Key::AccessLog, "-"), (Key::Throttle, "100000000:1000000000")], said].concat();
        let (snapshot, _, settings) = compiled(definition, &said);
        let (port, writer) = log_port(16, 64 * 1024);
        let mut buckets = Buckets::default();
        buckets.adopt(&snapshot.ledgers);
        Self {
            snapshot,
            clock: Clock::real(),
            request: Request {
                peer: Peer::new("192.0.2.7:40000".parse().expect("an address"), 8080),
                ..Request::default()
            },
            answer_head: ResponseHead::default(),
            buckets,
            counters: CoreCounters::new(settings.limits.metrics_series_max),
            stamps: Stamps::default(),
            ids: RefCell::new(IdSource::new([7; 16])),
            log: Sink::new(port),
            writer,
            scratch: Scratch::default(),
        }
    }

    /// A head becomes a request: what `Connection::take_in` does with the bytes of one read.
    pub fn take_in(&mut self, bytes: &[u8]) {
        let request = &mut self.request;
        request.received = self.clock.now();
        request.unix_millis = self.clock.unix_millis(request.received);
        let stamp = self.stamps.at(request.unix_millis);
        request.ids = self.ids.borrow_mut().ids(None, &stamp.hex_second);
        request.stamp = Some(stamp);
        request.bytes = Buffer::idle();
        request.bytes.push(bytes);
        let length = head::end(&request.bytes, 0).expect("a whole head");
        let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
        request.head.parse(&request.bytes, length, limits).expect("a sound head");
        let bytes = &*request.bytes;
        let target = uri::split(request.head.target.of(bytes)).expect("a sound target");
        let span = |part: &[u8]| Span::within(bytes, part);
        (request.path, request.query) = (span(target.path), target.query.map(span));
        request.host = request.head.host.unwrap_or_default();
        request.verb = Verb::of(request.head.method.of(bytes));
    }

    /// The whole way: in, down the stages, a backend's answer, back up, and the log line. Answers how many bytes
    /// would have been written to both sockets.
    pub fn one(&mut self, bytes: &[u8], backends: &[u8]) -> usize {
        self.take_in(bytes);
        let request = &self.request;
        let mut record = Record::begin(&self.counters, request.received);
        let located = dispatch::locate(&self.snapshot.table, request).expect("a stage");
        let stage = &self.snapshot.stages[located.stage];
        let release = stage.release(|| self.ids.borrow_mut().draw());
        let matched = dispatch::route(&release.tree, request, &located);
        let method = &release.methods[matched.method().expect("a method")];
        record.series = Some(method.series);
        limit::take(&mut self.buckets, &method.limits, request.received).expect("never throttled");
        let plan = method.plan.as_ref().expect("a plan");
        let context = Context::new(request, &release.facts, Some(&method.facts), &matched.values);
        let tools = Tools { scratch: &mut self.scratch, log: None };
        let valid = request_validator::validate(None, &context, &[]).expect("nothing is asked");
        let outbound = transform::request(&plan.request, &context, &valid, &[], tools).expect("mapped");
        let Outbound::Http { mut head, .. } = outbound else { panic!("an HTTP backend") };
        head.push(b"\r\n");
        let mut written = head.len();
        drop(head);

        let mut inbound = Buffer::head();
        inbound.push(backends);
        let length = head::end(&inbound, 0).expect("a whole head");
        self.answer_head.parse(&inbound, length, false).expect("a sound head");
        record.outcome.integration_status = Some(self.answer_head.status);
        record.outcome.integration_us = Some(1);
        let backend = Backend { status: self.answer_head.status, lines: &self.answer_head.lines, bytes: &inbound };
        let mut out = Buffer::head();
        let chosen = transform::choice(&plan.response, backend, &[]).expect("a response");
        let tools = Tools { scratch: &mut self.scratch, log: None };
        let answer = transform::response(chosen, &context, (backend, None), None, tools, &mut out).expect("mapped");
        debug_assert!(matches!(answer.body, AnswerBody::Backend));
        let body = &inbound[length..];
        let stamp = self.stamps.at(request.unix_millis);
        let framing = AnswerFraming::Sized(body.len() as u64);
        finish_head(&mut out, &Finish { request, keep_alive: true, stamp: &stamp, framing });
        out.push(body);
        written += out.len();
        (record.outcome.status, record.outcome.response_bytes) = (answer.status, body.len() as u64);
        record.finish(self.clock.now());
        let format = self.snapshot.access_log.as_ref().expect("an access log");
        self.log.line(&self.counters, |line| format.write(&context, &record.outcome, line));
        // The writer's thread would do this.
        while let Ok(batch) = self.writer.batches.try_recv() {
            self.writer.give_back(batch.bytes);
        }
        written
    }

    /// Stage, resource and method of the request that was taken in.
    pub fn route(&self) -> Matched {
        let located = dispatch::locate(&self.snapshot.table, &self.request).expect("a stage");
        let release = self.snapshot.stages[located.stage].release(|| self.ids.borrow_mut().draw());
        dispatch::route(&release.tree, &self.request, &located)
    }

    /// The invocation of a Lambda function with all of the request and `body`, but for its framing: head and event.
    pub fn invocation(&mut self, values: &PathValues, body: &[u8]) -> (Buffer, Buffer) {
        let release = &self.snapshot.stages[0].base;
        let method = &release.methods[0];
        let plan = method.plan.as_ref().expect("a plan");
        let context = Context::new(&self.request, &release.facts, Some(&method.facts), values);
        let tools = Tools { scratch: &mut self.scratch, log: None };
        let valid = request_validator::validate(None, &context, &[]).expect("nothing is asked");
        let outbound = transform::request(&plan.request, &context, &valid, body, tools).expect("mapped");
        let Outbound::Http { head, body: OutboundBody::Made(event), .. } = outbound else { panic!("an invocation") };
        (head, event)
    }

    /// The mapped heads alone, both ways, of the request that was taken in and the answer that was parsed.
    pub fn map(&self, values: &PathValues, backends: &[u8]) -> usize {
        let release = &self.snapshot.stages[0].base;
        let method = &release.methods[0];
        let plan = method.plan.as_ref().expect("a plan");
        let context = Context::new(&self.request, &release.facts, Some(&method.facts), values);
        let mut scratch = Scratch::default();
        let tools = Tools { scratch: &mut scratch, log: None };
        let valid = request_validator::validate(None, &context, &[]).expect("nothing is asked");
        let outbound = transform::request(&plan.request, &context, &valid, &[], tools).expect("mapped");
        let Outbound::Http { head, .. } = outbound else { panic!("an HTTP backend") };
        let backend = Backend { status: self.answer_head.status, lines: &self.answer_head.lines, bytes: backends };
        let mut out = Buffer::head();
        let chosen = transform::choice(&plan.response, backend, &[]).expect("a response");
        let tools = Tools { scratch: &mut scratch, log: None };
        transform::response(chosen, &context, (backend, None), None, tools, &mut out).expect("mapped");
        head.len() + out.len()
    }
}

/// Short, because the machine is shared: a ratio of two benches of one run says more than one long figure.
pub fn criterion() -> criterion::Criterion {
    criterion::Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .without_plots()
}
