//! `AWS_IAM`: who signed the request, and what her policies let her do (security/sigv4).

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::conditions::{Attempt, Rules, decide};
use super::principal::Principal;
use crate::edge::exchange::{IdentityFacts, Request};
use crate::edge::fault::{Fault, FaultKind};
use crate::edge::upstream::credential::Keys;
use crate::lang::policy::{self, Decision};
use crate::settings::Secret;
use crate::settings::limits::SIGNING_KEYS_MAX;
use crate::sigv4::{self, Expected, Headers, Kind, Presented, Scope, SignatureError, SigningKey, Texts};
use crate::wire::headers::{Known, Line};

/// What a signature has to be for.
const SERVICES: &[&str] = &["execute-api"];
/// By these a request is led to a method or an API.
const LEADING_HEADERS: [&str; 2] = ["x-http-method-override", "x-apigw-api-id"];

/// Everybody who may sign, by her access key.
#[derive(Default)]
pub struct Principals {
    pub(super) by_key: HashMap<Box<str>, Arc<Signer>, RandomState>,
    pub(super) region: Box<str>,
    pub(super) texts: Texts,
    pub(super) unsigned_payload: bool,
}

/// An access key and whose it is. `Debug` shows no secret.
#[derive(Debug)]
pub struct Signer {
    pub(super) secret: Secret,
    /// With temporary credentials, what must be sent beside the signature.
    pub(super) session_token: Option<Secret>,
    /// Unix seconds at which the session is over.
    pub(super) expires: Option<i64>,
    pub principal: Principal,
    /// Her own policies and those of her groups.
    pub rules: Box<[Arc<Rules>]>,
}

/// One core's signing keys: four HMACs each, made once a day and key.
#[derive(Default)]
pub struct SigningKeys(HashMap<String, Kept, RandomState>);

struct Kept {
    /// The key is good for this signer alone: after a reload the same access key may have another secret.
    signer: Arc<Signer>,
    date: Box<str>,
    key: SigningKey,
}

impl Signer {
    /// Somebody with no key: nobody can sign as her.
    pub fn assumed(facts: IdentityFacts) -> Self {
        let principal = Principal { facts, ..Principal::default() };
        Self { secret: Secret::new(""), session_token: None, expires: None, principal, rules: Box::default() }
    }
}

impl Signer {
    /// For whoever signs in her name.
    pub fn keys(&self) -> Keys {
        Keys {
            access_key: self.principal.facts.access_key.to_string(),
            secret_key: self.secret.clone(),
            session_token: self.session_token.clone(),
            expires: self.expires.map(|expires| u64::try_from(expires).unwrap_or(0)),
        }
    }
}

/// A signature whose form, scope, time and key are right. Whether it is the request's is asked with [`verify`], when the
/// body is there.
pub struct Claimed<'r> {
    presented: Presented<'r>,
    pub signer: Arc<Signer>,
}

/// Who claims to have signed. The body need not be there: whom nobody knows makes nobody wait for it.
pub fn examine<'r>(principals: &Principals, request: &'r Request) -> Result<Claimed<'r>, Fault> {
    let expected = principals.expected(request);
    if request.values(Known::Authorization).nth(1).is_some() {
        return Err(Fault::with_message(FaultKind::IncompleteSignature, "More than one Authorization header."));
    }
    let presented = sigv4::examine(&signed(request, [0; 32]), &expected).map_err(fault)?;
    // These lead a request somewhere else: who holds a presigned address of one thing must not make it one of another.
    let unsigned = |name: &&&str| request.last_line(name.as_bytes()).is_some() && !presented.signs(name);
    if let Some(name) = LEADING_HEADERS.iter().find(unsigned) {
        let message = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
        return Err(Fault::with_message(FaultKind::InvalidSignature, message));
    }
    let signer = principals.by_key.get(presented.access_key()).ok_or_else(unknown)?;
    let given = presented.session_token.as_deref();
    if !is_same(signer.session_token.as_ref().map(|token| token.reveal().as_bytes()), given) {
        return Err(unknown());
    }
    if signer.expires.is_some_and(|expires| expires <= expected.unix_seconds) {
        return Err(Fault::new(FaultKind::SessionExpired));
    }
    let signer = Arc::clone(signer);
    Ok(Claimed { presented, signer })
}

/// Whether she did. `body` as it was received, before any decoding.
pub fn verify(
    principals: &Principals,
    keys: &mut SigningKeys,
    claimed: &Claimed<'_>,
    request: &Request,
    body: &[u8],
) -> Result<(), Fault> {
    let Claimed { presented, signer } = claimed;
    let key = keys.key(signer, presented);
    let signed = signed(request, sigv4::hash(body));
    sigv4::check(&signed, presented, &principals.expected(request), key).map_err(fault)
}

impl Principals {
    fn expected(&self, request: &Request) -> Expected<'_> {
        let seconds = i64::try_from(request.unix_millis / 1_000).unwrap_or(i64::MAX);
        Expected {
            region: Some(&self.region),
            texts: self.texts,
            unsigned_payload: self.unsigned_payload,
            ..Expected::new(SERVICES, seconds)
        }
    }
}

impl Signer {
    /// What her own policies say.
    pub fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        decide(self.rules.iter().map(|rules| &**rules), attempt, policy::Principal::Aws(&self.principal.facts.user_arn))
    }
}

impl SigningKeys {
    fn key(&mut self, signer: &Arc<Signer>, presented: &Presented<'_>) -> &SigningKey {
        let Self(kept) = self;
        if kept.len() >= SIGNING_KEYS_MAX && !kept.contains_key(presented.access_key()) {
            kept.clear();
        }
        let derive = || {
            let scope = Scope { date: presented.date(), region: presented.region(), service: presented.service() };
            Kept {
                signer: Arc::clone(signer),
                date: presented.date().into(),
                key: SigningKey::derive(signer.secret.reveal(), scope),
            }
        };
        let kept = kept.entry_ref(presented.access_key()).or_insert_with(derive);
        // Region and service are the same for all: `examine` has looked.
        if !Arc::ptr_eq(&kept.signer, signer) || *kept.date != *presented.date() {
            *kept = derive();
        }
        &kept.key
    }
}

/// What is signed of a request.
fn signed(request: &Request, body_hash: [u8; 32]) -> sigv4::Request<'_, impl Headers<'_>> {
    let bytes = &request.bytes;
    let lines = request.head.lines.iter();
    // An absolute target leads elsewhere than its Host line says (RFC 9112 section 3.2.2): what led here was signed.
    let value = |line: &Line| match line.known {
        Known::Host => request.host(),
        _ => line.value.of(bytes),
    };
    sigv4::Request {
        method: request.method_text(),
        path: request.path(),
        query: request.query(),
        headers: lines.map(move |line| (line.name.of(bytes), value(line))),
        body_hash,
    }
}

fn unknown() -> Fault {
    Fault::new(FaultKind::UnknownSigner)
}

fn fault(error: SignatureError) -> Fault {
    let kind = match error.kind {
        Kind::MissingToken => FaultKind::MissingToken,
        Kind::Incomplete => FaultKind::IncompleteSignature,
        Kind::Invalid => FaultKind::InvalidSignature,
        Kind::Unrecognized => FaultKind::UnknownSigner,
        Kind::ExpiredToken => FaultKind::SessionExpired,
    };
    Fault::with_message(kind, error.message)
}

/// Their hashes are compared, so the time it takes says nothing of the secret.
fn is_same(secret: Option<&[u8]>, given: Option<&[u8]>) -> bool {
    match (secret, given) {
        (None, None) => true,
        (secret, given) => secret.map(sigv4::hash) == given.map(sigv4::hash),
    }
}
