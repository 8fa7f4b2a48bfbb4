//! Who calls, and may she: the order in which signature, authorizer and policies have their say, and what each of them
//! waits for (security/README, "Order of evaluation"). Part of the spine: it reads bodies and calls functions.

use std::sync::Arc;

use super::connection::Connection;
use super::exchange::{Context, DomainFacts, PathValues, Request, Verb};
use super::fault::{Fault, FaultKind};
use super::identity::answers::{Lead, Turn};
use super::identity::caller::Caller;
use super::identity::iam::{Claimed, examine, verify};
use super::identity::issuer::Issuer;
use super::identity::lambda::{self, Said};
use super::identity::resource_policy::{Allowed, Denial, Side, alone, refuse_authorized, refuse_user, together};
use super::identity::user_pool::{self, Verdict};
use super::identity::{Asked, Attempt, Authorization, INVOKE, said};
use super::snapshot::{Method, Release, Snapshot};
use super::transform::event::{self, Told};
use super::upstream::{self, Call};
use super::whole::{self, Whole};
use super::worker::{Unverified, Worker};
use crate::lang::policy::{Decision, Principal};
use crate::net::buffer::Buffer;
use crate::net::ring;
use crate::settings::limits::{ISSUER_WAIT_MAX, ISSUER_WAITING_MAX, JWKS_REFRESH, TICK, UNVERIFIED_TIME_MAX};
use crate::wire::h1::Framing;
use crate::wire::uri::Decoded;

/// Where a request has come to.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) release: &'a Release,
    /// `None` where no method is for its path or verb: AWS asks for a signature there.
    pub(super) method: Option<&'a Method>,
    pub(super) values: &'a PathValues,
    pub(super) domain: Option<&'a DomainFacts>,
    /// Bytes of the path behind the stage or base path.
    pub(super) path_bytes: usize,
}

/// A method's ARN.
struct Arn {
    written: String,
    /// With its path decoded, its slashes merged and the last one left out, where that is another: `{proxy+}` takes
    /// `/a%2Fsecret` for one value, and a backend may take it for `/a/secret`, which a policy denies.
    respelled: Option<String>,
}

/// Lets the caller through or tells her why not, where nothing has to be waited for: most requests have no body that
/// would be signed, and callers who are remembered.
pub(super) fn at_once(
    worker: &Worker,
    snapshot: &Snapshot,
    connection: &Connection,
    at: At<'_>,
) -> Option<Result<(Caller, Allowed), Fault>> {
    let request = &connection.request;
    let remembered = |key: &[u8]| worker.shared.answers.find(key, request.unix_millis);
    match at.authorization() {
        Authorization::Open => Some(at.alone(request).map(|allowed| (Caller::default(), allowed))),
        Authorization::Iam => {
            let is_there = request.head.framing == Framing::None || connection.body.is_complete();
            let claimed = match examine(&snapshot.principals, request) {
                Ok(claimed) if is_there || at.method.is_none() => claimed,
                Ok(_) => return None,
                Err(fault) => return Some(Err(fault)),
            };
            // Where there is no method a body would be held for nothing.
            let body = is_there.then(|| Whole::Arrived.bytes(connection));
            Some(signed(worker, snapshot, at, request, claimed, body))
        }
        Authorization::Lambda(authorizer) if !authorizer.ttl.is_zero() => {
            let key = match authorizer.identity(&at.context(request)) {
                Ok(key) => key,
                // The API's policy may deny it first: that is found out behind.
                Err(_) => return None,
            };
            remembered(&key).map(|said| at.authorized(request, said))
        }
        Authorization::Lambda(_) => None,
        Authorization::UserPool(asked) => {
            let key = match asked.identity(&at.context(request)) {
                Ok((key, _)) => key,
                Err(fault) => return Some(Err(fault)),
            };
            remembered(&key).map(|said| at.alone(request).map(|allowed| (Caller::of(said), allowed)))
        }
    }
}

/// The same where a body, a function or an issuer's keys are waited for. Answers the client's body, as far as the
/// signature needed it.
pub(super) async fn authorize(
    worker: &Worker,
    snapshot: &Snapshot,
    connection: &mut Connection,
    at: At<'_>,
) -> Result<(Caller, Allowed, Whole), Fault> {
    let (caller, allowed) = match at.authorization() {
        Authorization::Open => (Caller::default(), at.alone(&connection.request)?),
        Authorization::Iam => {
            let most = usize::try_from(worker.limits.payload_bytes_max).unwrap_or(usize::MAX);
            let announced = connection.body.remaining().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
            let _room = Unverified::of(&worker.shared, announced.unwrap_or(most).min(most))?;
            let by = worker.clock.now() + UNVERIFIED_TIME_MAX;
            let whole = whole::raw(worker, connection, Some(by)).await?;
            // Who claims to sign has been looked at before her body was read: now for what it lends.
            let claimed = examine(&snapshot.principals, &connection.request)?;
            let body = Some(whole.bytes(connection));
            let (caller, allowed) = signed(worker, snapshot, at, &connection.request, claimed, body)?;
            return Ok((caller, allowed, whole));
        }
        Authorization::Lambda(authorizer) => {
            let request = &connection.request;
            let arn = at.arn(request);
            // An explicit denial of the API's policy comes before the function is asked.
            let attempt = at.attempt(request, &arn);
            if at.resource(&attempt, Principal::Anonymous) == Some(Decision::ExplicitDeny) {
                return Err(refuse_user("anonymous", &attempt, Denial::Explicit));
            }
            let said = asked(worker, request, at, authorizer, &arn.written).await?;
            at.authorized(request, said)?
        }
        Authorization::UserPool(asked) => {
            let said = recognised(worker, &connection.request, at, asked).await?;
            (Caller::of(said), at.alone(&connection.request)?)
        }
    };
    Ok((caller, allowed, Whole::Arrived))
}

/// What an authorizer says of a caller, whatever may come of it: `test-invoke-authorizer`.
pub(super) async fn identify(worker: &Worker, request: &Request, at: At<'_>) -> Result<Option<Arc<Said>>, Fault> {
    match at.authorization() {
        Authorization::Open | Authorization::Iam => Ok(None),
        Authorization::Lambda(authorizer) => {
            asked(worker, request, at, authorizer, &at.arn(request).written).await.map(Some)
        }
        Authorization::UserPool(asked) => recognised(worker, request, at, asked).await.map(Some),
    }
}

impl<'a> At<'a> {
    fn authorization(&self) -> &'a Authorization {
        self.method.map_or(&Authorization::Iam, |method| &method.authorization)
    }

    /// The method's ARN, with the verb and the path as they were asked for (security/iam-policy-engine section 2).
    fn arn(&self, request: &Request) -> Arn {
        let mut arn = String::with_capacity(self.release.arn.len() + 8 + self.path_bytes);
        arn.push_str(&self.release.arn);
        let verb = self.method.map_or_else(|| request.method_text(), |method| method.facts.verb_of(request));
        arn.push_str(&String::from_utf8_lossy(verb));
        arn.push('/');
        let path = String::from_utf8_lossy(self.path(request));
        let path = path.trim_start_matches('/');
        // Routing passes over a slash at the end (rest/01 section 1.4): a denial of the path would not see it. What a
        // greedy parameter takes is a value, slash and all.
        let is_greedy = self.method.is_some_and(|method| method.facts.resource_path.ends_with("+}"));
        let before = arn.len();
        arn.push_str(if is_greedy { path } else { path.strip_suffix('/').unwrap_or(path) });
        let path = &arn[before..];
        let respelled = (path.contains(['%', '\\']) || path.contains("//") || path.ends_with('/')).then(|| {
            let decoded: Vec<u8> = Decoded::of(path.as_bytes()).collect();
            let read = String::from_utf8_lossy(&decoded).replace('\\', "/");
            let segments: Vec<&str> = read.split('/').filter(|segment| !segment.is_empty()).collect();
            format!("{}{}", &arn[..before], segments.join("/"))
        });
        Arn { written: arn, respelled }
    }

    /// The path behind the stage or base path.
    fn path<'r>(&self, request: &'r Request) -> &'r [u8] {
        let path = request.path();
        &path[path.len().saturating_sub(self.path_bytes)..]
    }

    fn attempt<'r>(&self, request: &'r Request, arn: &'r Arn) -> Attempt<'r> {
        let respelled = arn.respelled.as_deref();
        Attempt { request, principal: None, action: INVOKE, resource: &arn.written, respelled }
    }

    fn context<'x>(&'x self, request: &'x Request) -> Context<'x> {
        let method = self.method.map(|method| &method.facts);
        Context::new(request, &self.release.facts, method, self.values)
    }

    /// What the API's policy says, where it has one.
    fn resource(&self, attempt: &Attempt<'_>, who: Principal<'_>) -> Option<Decision> {
        self.release.policy.as_ref().map(|policy| policy.decide(attempt, who))
    }

    /// Where nobody but the API's policy has a say.
    fn alone(&self, request: &Request) -> Result<Allowed, Fault> {
        if self.release.policy.is_none() {
            return alone(None).map_err(refuse_authorized);
        }
        let arn = self.arn(request);
        let attempt = self.attempt(request, &arn);
        alone(self.resource(&attempt, Principal::Anonymous))
            .map_err(|denial| refuse_user("anonymous", &attempt, denial))
    }

    /// Where a function has said something. A remembered answer too: its policy is about this request's method
    /// (security/lambda-authorizers section 5).
    fn authorized(&self, request: &Request, said: Arc<Said>) -> Result<(Caller, Allowed), Fault> {
        let arn = self.arn(request);
        let attempt = self.attempt(request, &arn);
        let resource = self.resource(&attempt, Principal::Anonymous);
        if resource == Some(Decision::ExplicitDeny) {
            return Err(refuse_user("anonymous", &attempt, Denial::Explicit));
        }
        let identity = said.rules.as_ref().map_or(Decision::Silent, |rules| rules.decide(&attempt));
        let allowed = together(identity, resource, Side::Function).map_err(refuse_authorized)?;
        Ok((Caller::of(said), allowed))
    }
}

/// `AWS_IAM`. `body` is absent where there is no method: then who it is and when will do, and nobody is let through.
fn signed(
    worker: &Worker,
    snapshot: &Snapshot,
    at: At<'_>,
    request: &Request,
    claimed: Claimed<'_>,
    body: Option<&[u8]>,
) -> Result<(Caller, Allowed), Fault> {
    if let Some(body) = body {
        verify(&snapshot.principals, &mut worker.signing_keys.borrow_mut(), &claimed, request, body)?;
    }
    if at.method.is_none() {
        return Err(Fault::new(FaultKind::NoSuchRoute));
    }
    let signer = claimed.signer;
    let principal = &signer.principal;
    let arn = at.arn(request);
    let attempt = Attempt { principal: Some(principal), ..at.attempt(request, &arn) };
    let resource = at.resource(&attempt, Principal::Aws(&principal.facts.user_arn));
    let own = principal.facts.account_id == at.release.facts.account_id;
    let side = if own { Side::SameAccount } else { Side::OtherAccount };
    let allowed = together(signer.decide(&attempt), resource, side)
        .map_err(|denial| refuse_user(&principal.facts.user_arn, &attempt, denial))?;
    Ok((Caller { signer: Some(signer), said: None }, allowed))
}

/// What the function says of this caller, or has said before.
async fn asked(
    worker: &Worker,
    request: &Request,
    at: At<'_>,
    authorizer: &lambda::Authorizer,
    arn: &str,
) -> Result<Arc<Said>, Fault> {
    let context = at.context(request);
    let key = authorizer.identity(&context)?;
    if authorizer.ttl.is_zero() {
        return Ok(Arc::new(ask(worker, request, at, authorizer, arn).await?));
    }
    let answers = &worker.shared.answers;
    loop {
        if let Some(said) = answers.find(&key, request.unix_millis) {
            return Ok(said);
        }
        let turn = worker.flights.borrow_mut().turn(&key);
        let flight = match turn {
            Turn::Wait(flight) => match flight.wait().await {
                Some(outcome) => return outcome,
                None => continue,
            },
            Turn::Ask(flight) => flight,
        };
        let lead = Lead { flights: &worker.flights, key: &key, flight };
        let epoch = answers.epoch();
        let outcome = ask(worker, request, at, authorizer, arn).await.map(Arc::new);
        if let Ok(said) = &outcome {
            let ttl = u64::try_from(authorizer.ttl.as_millis()).unwrap_or(u64::MAX);
            let now = worker.clock.unix_millis(worker.clock.now());
            answers.keep_since(epoch, &key, Arc::new(said.remembered()), now.saturating_add(ttl));
        }
        lead.land(&outcome);
        return outcome;
    }
}

/// Asks the function.
async fn ask(
    worker: &Worker,
    request: &Request,
    at: At<'_>,
    authorizer: &lambda::Authorizer,
    arn: &str,
) -> Result<Said, Fault> {
    let began = worker.clock.now();
    let path_skipped = request.path_skipped(at.domain.is_some(), at.path_bytes);
    let context = Context { path_skipped, ..at.context(request) };
    let event = authorizer.event(&context, arn, |out| event::write(&context, Told::Authorizer, out));
    let mut bytes = Buffer::head();
    bytes.push(&authorizer.head);
    if let Some(signing) = &authorizer.function.signing {
        signing.sign(&mut bytes, &event, || None, worker.clock.unix_millis(began) / 1_000)?;
    }
    bytes.push(b"Content-Length: ");
    bytes.push_decimal(event.len() as u64);
    bytes.push(b"\r\n\r\n");
    bytes.push(&event);
    let call = Call { bytes, verb: Verb::Post, client: None, chunked: false };
    let failed = |fault: Fault| Fault {
        detail: Some(format!("the authorizer's function: {}", fault.detail.as_deref().unwrap_or("no answer")).into()),
        ..Fault::new(FaultKind::AuthorizerFailure)
    };
    let mut inbound = upstream::invoke(worker.tools(), &authorizer.function, call, began).await.map_err(failed)?;
    let held = whole::of_backend(worker, &mut inbound).await.map_err(failed)?;
    let latency_ms = worker.clock.now().micros_since(began) / 1_000;
    let head = inbound.head();
    let is_error = |name: &[u8]| name.eq_ignore_ascii_case(b"x-amz-function-error");
    let has_failed = head.lines.iter().any(|line| is_error(line.name.of(inbound.bytes())));
    let answer = held.as_ref().map_or(inbound.first(), |held| &held.bytes);
    let said = match head.status {
        200 => lambda::read(answer, has_failed, latency_ms),
        // Too many at once, or an error of Lambda's own.
        429 | 500.. => Err(Fault::because(
            FaultKind::AuthorizerFailure,
            format_args!("the authorizer's function could not run: status {}", head.status),
        )),
        status => Err(Fault::because(
            FaultKind::AuthorizerConfiguration,
            format_args!("the authorizer's function may not be invoked: status {status}"),
        )),
    };
    inbound.finish(&worker.pools, worker.clock.now());
    said
}

/// `COGNITO_USER_POOLS`: a token that was good is looked at again when its issuer's keys are asked for again.
async fn recognised(worker: &Worker, request: &Request, at: At<'_>, asked: &Asked) -> Result<Arc<Said>, Fault> {
    let context = at.context(request);
    let (key, value) = asked.identity(&context)?;
    let mut has_waited = false;
    loop {
        let millis = worker.clock.unix_millis(worker.clock.now());
        let issuer = match user_pool::judge(&asked.pools, value, &asked.scopes, millis / 1_000) {
            Verdict::Good(verified) => {
                // Not for as long as the key that signed it may be gone.
                let refresh = u64::try_from(JWKS_REFRESH.as_millis()).unwrap_or(u64::MAX);
                let until = verified.expires.saturating_mul(1_000).min(millis.saturating_add(refresh));
                let known = Arc::new(said(verified));
                worker.shared.answers.keep(&key, Arc::clone(&known), until);
                return Ok(known);
            }
            Verdict::Unauthorized => return Err(Fault::new(FaultKind::Unauthorized)),
            Verdict::Expired => return Err(Fault::new(FaultKind::TokenExpired)),
            Verdict::UnknownKey(_) if has_waited => return Err(Fault::new(FaultKind::Unauthorized)),
            Verdict::NoKeys(issuer) if has_waited => {
                let detail = format!("the keys of {} could not be had", issuer.terms.name);
                return Err(Fault::because(FaultKind::AuthorizerFailure, detail));
            }
            Verdict::UnknownKey(issuer) | Verdict::NoKeys(issuer) => issuer,
        };
        has_waited = true;
        wait_for_keys(worker, &issuer).await;
    }
}

/// Until control has asked the issuer once more, or does not: it does so seldom, whatever tokens say. Whoever sends
/// tokens of keys that nobody has keeps few requests waiting.
async fn wait_for_keys(worker: &Worker, issuer: &Issuer) {
    let end = worker.clock.now() + ISSUER_WAIT_MAX;
    let Some(before) = issuer.want_fresh() else { return };
    let waiting = &worker.waiting_for_keys;
    if waiting.get() >= ISSUER_WAITING_MAX {
        return;
    }
    waiting.set(waiting.get() + 1);
    while issuer.generation() == before && worker.clock.now() < end {
        ring::sleep(TICK).await;
    }
    waiting.set(waiting.get() - 1);
}
