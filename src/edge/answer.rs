//! The way of one request: down the stages, and back up with the answer. The heart of the spine; read [`answer`] first.

use super::accept::forwarded;
use super::authorize::{self, At};
use super::connection::Connection;
use super::dispatch::preflight;
use super::exchange::{Context, DomainFacts, PathValues, Request, StageFacts, Verb};
use super::fault::{Fault, FaultKind};
use super::identity::Authorization;
use super::identity::caller::Caller;
use super::identity::resource_policy::Allowed;
use super::limit::Admitted;
use super::limit::api_key::ApiKeys;
use super::limit::meter::Metered;
use super::relay::{self, Response};
use super::snapshot::{Method, Plan, Release, Snapshot, Stage};
use super::transform::{self, Answer, AnswerBody, Backend, Chosen, Outbound, Overrides};
use super::upstream::{self, FunctionStream, Inbound};
use super::watch::{Checker, Endpoint, Record};
use super::whole::{self, Whole};
use super::worker::{Canned, Count, Worker};
use super::{cors, dispatch, limit, request_validator, told};
use crate::net::buffer::Buffer;
use crate::settings::limits::{METHOD_ARN_BYTES_MAX, MILLIS_A_DAY, WATCHED_STREAM_BYTES_MAX, WATCHED_STREAM_TIME_MAX};
use crate::wire::headers::Known;

/// Where a request has been, for the log.
#[derive(Default)]
pub(super) struct Trail<'s> {
    pub(super) stage: Option<&'s Stage>,
    pub(super) release: Option<&'s Release>,
    pub(super) method: Option<&'s Method>,
    pub(super) domain: Option<&'s DomainFacts>,
    pub(super) api_key_id: Option<&'s str>,
    pub(super) caller: Caller,
    pub(super) values: PathValues,
    /// Of the path, before what functions are told of it.
    pub(super) path_skipped: u16,
}

impl Trail<'_> {
    /// What is known of the request by now.
    pub(super) fn context<'x>(&'x self, request: &'x Request, nowhere: &'x StageFacts) -> Context<'x> {
        let stage = self.release.map_or(nowhere, |release| &release.facts);
        let method = self.method.map(|method| &method.facts);
        let named = || self.caller.said.as_ref()?.usage_identifier_key.as_deref();
        Context {
            domain: self.domain,
            api_key_id: self.api_key_id,
            api_key: self.release.filter(|release| release.key_of_authorizer).and_then(|_| named()),
            identity: self.caller.identity(),
            authorizer: self.caller.authorizer(),
            path_skipped: self.path_skipped,
            ..Context::new(request, stage, method, &self.values)
        }
    }
}

/// The way of a request: down the stages, and back up with the answer.
pub(super) async fn answer<'s>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    connection: &mut Connection,
    record: &mut Record<'_>,
    trail: &mut Trail<'s>,
) -> Result<Response<'s>, Fault> {
    let mut now = connection.request.received;
    if connection.request.peer.is_trusted {
        connection.request.forwarded_for = forwarded::client(&connection.request, &worker.trusted_proxies);
    }
    let located = dispatch::locate(&snapshot.table, &connection.request)?;
    let stage = &*snapshot.stages[located.stage];
    let release = stage.release(|| worker.ids.borrow_mut().draw());
    let matched = dispatch::route(&release.tree, &connection.request, &located);
    // A browser's question is for the gateway where no method of the resource in question is there for it.
    let asked = release.cors.is_some() && preflight::is_asked(&connection.request);
    let at = |index: usize| &release.methods[index];
    let method = matched.method().map(at).filter(|met| {
        let is_met = |index| at(index).facts.resource_path == met.facts.resource_path;
        !(asked && preflight::leads_elsewhere(&release.tree, &connection.request, &located, is_met))
    });
    *trail = Trail {
        stage: Some(stage),
        release: Some(release),
        method,
        domain: located.domain,
        values: matched.values,
        path_skipped: connection.request.path_skipped(located.domain.is_some(), matched.path_bytes),
        ..Trail::default()
    };
    record.series = Some(release.unmatched);
    // rest/01 section 1.6: `…/{VERB}/{path}`.
    let verb = method.map_or(connection.request.method_text(), |method| method.facts.verb_of(&connection.request));
    if release.arn.len() + verb.len() + matched.path_bytes > METHOD_ARN_BYTES_MAX {
        return Err(Fault::new(FaultKind::UriTooLong));
    }
    // A private API answers private calls, and them alone (security/tls-mtls-private section 4).
    if release.is_private != connection.request.peer.vpc_endpoint.is_some() {
        return Err(Fault::new(FaultKind::UnknownHost));
    }
    let path_bytes = matched.path_bytes;
    let Some(method) = method else {
        return unmatched(worker, snapshot, connection, trail, (path_bytes, asked));
    };
    record.series = Some(method.series);
    record.logged = method.logged;
    let mut waited = false;
    let (allowed, signed) = match &worker.assumed {
        Some(caller) => {
            trail.caller = caller.clone();
            (Allowed::as_assumed(), Whole::Arrived)
        }
        None => {
            let at = At { release, method: Some(method), values: &trail.values, domain: trail.domain, path_bytes };
            let authorized = match authorize::at_once(worker, snapshot, connection, at) {
                Some(authorized) => authorized.map(|(caller, allowed)| (caller, allowed, Whole::Arrived)),
                // Boxed: its state would make every waiting connection larger.
                None => {
                    waited = true;
                    Box::pin(authorize::authorize(worker, snapshot, connection, at)).await
                }
            };
            let by = match method.authorization {
                Authorization::Open => None,
                Authorization::Iam => Some(Checker::Signature),
                Authorization::Lambda(_) | Authorization::UserPool(_) => Some(Checker::Authorizer),
            };
            if let Some(by) = by {
                record.checked(by, worker.clock.now().micros_since(now), authorized.as_ref().err());
            }
            let (caller, allowed, whole) = authorized?;
            trail.caller = caller;
            (allowed, whole)
        }
    };
    let admitted = if method.needs_api_key {
        metered(worker, &snapshot.api_keys, &connection.request, release, method, trail, &allowed)?
    } else {
        limit::admit(&mut worker.buckets.borrow_mut(), &method.limits, now, &allowed)?
    };
    let plan = method.plan.as_ref().ok_or_else(|| Fault::new(FaultKind::NotImplemented))?;
    let whole = match looks_into_body(connection, plan) {
        // Boxed: most requests do without, and its state would make every waiting connection larger.
        true => Box::pin(whole::of_client(worker, connection, signed)).await?,
        false => signed,
    };
    waited |= whole.held().is_some();
    let decoded = whole.is_decoded();
    let context = Context { decoded, ..met(&connection.request, release, trail) };
    if let Some(log) = record.log.as_deref_mut() {
        told::request(log, &context, whole.bytes(connection));
    }
    let valid = request_validator::validate(plan.validator.as_ref(), &context, whole.bytes(connection))?;
    let outbound = {
        let tools = transform::Tools { scratch: &mut worker.scratch.borrow_mut(), log: record.log.as_deref_mut() };
        transform::request(&plan.request, &context, &valid, whole.bytes(connection), tools)?
    };
    let (answered, overrides) = match outbound {
        Outbound::Mock { status, overrides } => (Answered::Mock { status }, overrides),
        Outbound::Http { mut head, verb, body, overrides } => {
            let Some(integration) = &plan.integration else { return Err(Fault::new(FaultKind::Configuration)) };
            // What came before took a microsecond, unless a body or an authorizer was waited for: the integration's time,
            // and the date that its call is signed with, begin behind that.
            if waited {
                now = worker.clock.now();
            }
            if let Some(signing) = &integration.signing {
                let caller = || trail.caller.signer.as_ref().map(|signer| signer.keys());
                let seconds = worker.clock.unix_millis(now) / 1_000;
                signing.sign(&mut head, body.bytes(whole.bytes(connection)), caller, seconds)?;
            }
            if let Some(log) = record.log.as_deref_mut() {
                told::outbound(log, integration, &head, &body, whole.bytes(connection));
            }
            let answered = match &worker.canned {
                Some(canned) => Answered::Canned(canned),
                None => {
                    // The count lasts until the backend has answered: the request is kept until then.
                    let (call, _count) = relay::outbound(worker, connection, head, verb, body, whole).await?;
                    Answered::Backend(upstream::call(worker.tools(), integration, admitted, call, now).await?)
                }
            };
            record.answered = worker.clock.now();
            record.outcome.integration_us = Some(record.answered.micros_since(now));
            record.outcome.integration_status = Some(answered.backend().status);
            record.outcome.streams = plan.streams();
            if plan.request.calls_aws() {
                let backend = answered.backend();
                let id = backend.last(b"x-amzn-requestid").map(String::from_utf8_lossy);
                let request_id = id.map(|id| id.into_owned().into());
                let function = plan.response.is_of_function().then_some(0);
                record.outcome.endpoint = Some(Box::new(Endpoint { request_id, function }));
            }
            (answered, overrides)
        }
    };
    let context = met(&connection.request, release, trail);
    let response = respond(worker, plan, &context, answered, overrides.as_deref(), record).await?;
    match release.compression {
        // Whoever watches wants to read it.
        Some(compression) if !plan.streams() && record.log.is_none() => {
            Box::pin(relay::compressed(worker, compression, &connection.request, response)).await
        }
        _ => Ok(response),
    }
}

/// The request counts for the plan of the key that it brings (rest/02 section 2.1, phases 9 to 11).
fn metered<'s>(
    worker: &Worker,
    keys: &'s ApiKeys,
    request: &Request,
    release: &Release,
    method: &Method,
    trail: &mut Trail<'s>,
    allowed: &Allowed,
) -> Result<Admitted, Fault> {
    let invalid = || Fault::new(FaultKind::InvalidApiKey);
    let value = if release.key_of_authorizer {
        trail.caller.said.as_ref().and_then(|said| said.usage_identifier_key.as_deref()).map(str::as_bytes)
    } else {
        request.value(Known::XApiKey)
    };
    let key = value.and_then(|value| keys.find(value)).ok_or_else(invalid)?;
    let (usage, stage) = key.usage(&release.facts).ok_or_else(invalid)?;
    trail.api_key_id = Some(&key.id);
    let day = u32::try_from(request.unix_millis / MILLIS_A_DAY).unwrap_or(u32::MAX);
    let metered = Metered {
        usage,
        stage,
        path: &method.facts.resource_path,
        verb: method.facts.verb.unwrap_or(request.verb).as_str(),
        own_verb: method.facts.verb.map_or("ANY", Verb::as_str),
        day,
    };
    let mut buckets = worker.buckets.borrow_mut();
    worker.meters.borrow_mut().admit(&metered, &mut buckets, &method.limits, request.received, allowed)
}

/// What a request that has met its method knows: where it came by is for the log alone, as on AWS.
fn met<'x>(request: &'x Request, release: &'x Release, trail: &'x Trail<'_>) -> Context<'x> {
    Context { domain: None, ..trail.context(request, &release.facts) }
}

/// Whether the method looks into the client's body.
fn looks_into_body(connection: &Connection, plan: &Plan) -> bool {
    let encoded = || connection.request.value(Known::ContentEncoding).is_some();
    plan.needs_body(&connection.request) || !plan.request.hands_on_encoded() && encoded()
}

/// What an integration answered.
enum Answered<'a> {
    Mock {
        status: u16,
    },
    Backend(Inbound),
    /// `weir invoke --mock-integration`.
    Canned(&'a Canned),
}

impl Answered<'_> {
    fn backend(&self) -> Backend<'_> {
        match self {
            Self::Mock { status } => Backend { status: *status, lines: &[], bytes: &[] },
            Self::Backend(inbound) => said_by(inbound),
            Self::Canned(canned) => {
                Backend { status: canned.head.status, lines: &canned.head.lines, bytes: &canned.bytes }
            }
        }
    }

    /// What has come of the body.
    fn first(&self) -> &[u8] {
        match self {
            Self::Mock { .. } => &[],
            Self::Backend(inbound) => inbound.first(),
            Self::Canned(canned) => &canned.body,
        }
    }

    /// The backend has done its part: its connection is not to be lost by a mapping that fails.
    fn given_back(self, worker: &Worker, fault: Fault) -> Fault {
        if let Self::Backend(inbound) = self
            && !inbound.has_upload()
        {
            inbound.finish(&worker.pools, worker.clock.now());
        }
        fault
    }
}

/// Back up: the integration's answer becomes the client's.
async fn respond<'s>(
    worker: &Worker,
    plan: &'s Plan,
    context: &Context<'_>,
    mut answered: Answered<'_>,
    overrides: Option<&Overrides>,
    record: &mut Record<'_>,
) -> Result<Response<'s>, Fault> {
    if plan.response.streams_function()
        && let Answered::Backend(inbound) = answered
    {
        return Box::pin(streamed(worker, context, inbound, record)).await;
    }
    let mut held = None;
    if plan.response.chooses_by_body()
        && let Answered::Backend(inbound) = &mut answered
    {
        held = Box::pin(whole::of_backend(worker, inbound)).await?;
    }
    let body = held.as_ref().map_or(answered.first(), |held| &held.bytes);
    let chosen = match transform::choice(&plan.response, answered.backend(), body) {
        Ok(chosen) => chosen,
        Err(fault) => return Err(answered.given_back(worker, fault)),
    };
    let complete = if let Answered::Backend(inbound) = &answered { inbound.is_complete() } else { true };
    let needs_body = !matches!(answered, Answered::Backend(_))
        || record.log.is_some()
        || chosen.needs_body(context, answered.backend(), body, complete);
    if needs_body
        && !complete
        && let Answered::Backend(inbound) = &mut answered
    {
        held = Box::pin(whole::of_backend(worker, inbound)).await?;
    }
    let body = held.as_ref().map_or(answered.first(), |held| &held.bytes);
    let body = needs_body.then_some(body);
    let (answer, head) = match shaped(worker, chosen, context, (&answered, body), overrides, record) {
        Ok(shaped) => shaped,
        Err(fault) => return Err(answered.given_back(worker, fault)),
    };
    Ok(match (answer.body, answered) {
        (AnswerBody::Backend, Answered::Backend(inbound)) => match held {
            None => Response::of_backend(answer.status, head, inbound),
            Some(held) => {
                let (bytes, count) = held.into_parts();
                Response::made(answer.status, head, Buffer::from(bytes)).counted(count).instead_of(inbound)
            }
        },
        (AnswerBody::Backend, answered) => Response::made(answer.status, head, Buffer::of(answered.first())),
        (AnswerBody::Constant(constant), answered) => Response::constant(answer.status, head, constant).after(answered),
        (AnswerBody::Made(made), answered) => {
            let count = Count::of(&worker.shared, made.len())?;
            Response::made(answer.status, head, made).counted(count).after(answered)
        }
    })
}

/// A backend's answer, as mappings look at it.
fn said_by(inbound: &Inbound) -> Backend<'_> {
    let head = inbound.head();
    Backend { status: head.status, lines: &head.lines, bytes: inbound.bytes() }
}

/// `$context.integration.status` of a Lambda proxy.
fn said_by_function(record: &mut Record<'_>, status: u16) {
    if let Some(Endpoint { function: Some(said), .. }) = record.outcome.endpoint.as_deref_mut() {
        *said = status;
    }
}

/// Of a function that streams: its metadata first, and then what follows as it comes (rest/15).
async fn streamed<'s>(
    worker: &Worker,
    context: &Context<'_>,
    mut inbound: Inbound,
    record: &mut Record<'_>,
) -> Result<Response<'s>, Fault> {
    let backend = said_by(&inbound);
    if backend.status != 200 || backend.last(b"x-amz-function-error").is_some() {
        let held = whole::of_backend(worker, &mut inbound).await?;
        let body = held.as_ref().map_or(inbound.first(), |held| &held.bytes);
        let outcome = transform::invoked(said_by(&inbound), body);
        inbound.finish(&worker.pools, worker.clock.now());
        outcome?;
        return Err(Fault::because(FaultKind::FunctionFailure, "the function failed without saying how"));
    }
    let mut stream = FunctionStream::new(inbound);
    let (metadata, mut first) = stream.metadata(&worker.clock).await?;
    let mut head = Buffer::head();
    let status = transform::streamed_head(&metadata, context, &mut head)?;
    said_by_function(record, status);
    if let Some(log) = record.log.as_deref_mut() {
        // Whoever watches gets all of it at once, within a bound (rest/15).
        let end = worker.clock.now() + WATCHED_STREAM_TIME_MAX;
        while first.len() < WATCHED_STREAM_BYTES_MAX && worker.clock.now() < end {
            match stream.piece(&worker.clock).await {
                Ok(Some(piece)) => first.extend_from_slice(&piece),
                Ok(None) => break,
                Err(_) => return Err(Fault::because(FaultKind::FunctionFailure, "the function's answer broke off")),
            }
        }
        told::response(log, &head, &first);
    }
    Ok(Response::of_function(status, head, stream, Buffer::from(first)))
}

/// The answer and its head, told to whoever watches. Nothing here waits: what a connection holds while it waits would be
/// larger by all of it.
fn shaped<'s>(
    worker: &Worker,
    chosen: Chosen<'s>,
    context: &Context<'_>,
    (answered, body): (&Answered<'_>, Option<&[u8]>),
    overrides: Option<&Overrides>,
    record: &mut Record<'_>,
) -> Result<(Answer<'s>, Buffer), Fault> {
    let backend = answered.backend();
    if let Some(log) = record.log.as_deref_mut() {
        if !matches!(answered, Answered::Mock { .. }) {
            told::inbound(log, backend, body.unwrap_or_default(), record.outcome.integration_us);
        }
        if log.traces
            && let Some(line) = chosen.told()
        {
            log.chosen(line);
        }
    }
    let mut head = Buffer::head();
    let answer = {
        let tools = transform::Tools { scratch: &mut worker.scratch.borrow_mut(), log: record.log.as_deref_mut() };
        transform::response(chosen, context, (backend, body), overrides, tools, &mut head)?
    };
    said_by_function(record, answer.status);
    if let Some(log) = record.log.as_deref_mut() {
        let made = match &answer.body {
            AnswerBody::Backend => body.unwrap_or_default(),
            AnswerBody::Constant(constant) => constant,
            AnswerBody::Made(made) => made,
        };
        told::response(log, &head, made);
    }
    Ok((answer, head))
}

impl<'s> Response<'s> {
    /// The backend's own body is not what the client gets.
    fn after(self, answered: Answered<'_>) -> Self {
        match answered {
            Answered::Backend(inbound) => self.instead_of(inbound),
            _ => self,
        }
    }
}

/// A path or a verb that no method is for, unless a browser only asks whether it may: AWS asks for a signature there
/// (rest/01 section 1.5), and what is signed well is told the same as what is not signed.
fn unmatched<'s>(
    worker: &Worker,
    snapshot: &'s Snapshot,
    connection: &Connection,
    trail: &Trail<'s>,
    (path_bytes, asked): (usize, bool),
) -> Result<Response<'s>, Fault> {
    let Some(release) = trail.release else { return Err(Fault::new(FaultKind::UnknownHost)) };
    limit::take(&mut worker.buckets.borrow_mut(), &release.limits, connection.request.received)?;
    if asked {
        return Ok(Response::constant(204, cors::preflight_head(), b""));
    }
    let at = At { release, method: None, values: &trail.values, domain: trail.domain, path_bytes };
    authorize::at_once(worker, snapshot, connection, at).transpose()?;
    Err(Fault::new(FaultKind::NoSuchRoute))
}

/// What a fault is answered with, in the words of the release that the request met, if it met one.
pub(super) fn of_fault<'s>(fault: &Fault, request: &Request, trail: &Trail<'_>) -> Response<'s> {
    let nowhere = StageFacts::default();
    let context = Context { domain: None, ..trail.context(request, &nowhere) };
    Response::of_fault(trail.release.map(|release| &release.gateway_responses), fault, &context)
}

/// `x-weir-cors`: on every answer, errors included.
pub(super) fn put_cors(response: &mut Response<'_>, request: &Request, trail: &Trail<'_>) {
    if let Some(cors) = trail.release.and_then(|release| release.cors.as_ref()) {
        cors.put_into(response.head_mut(), request);
    }
}
