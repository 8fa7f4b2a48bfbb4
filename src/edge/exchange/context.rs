//! What a request has met on its way: where it is, and what it knows there.

use std::borrow::Cow;

use serde_json::Value;

use super::request::{Request, Verb};
use crate::wire::headers::Span;

/// What a stage of an API says of itself in `$context`.
#[derive(Clone, Debug, Default)]
pub struct StageFacts {
    pub account_id: Box<str>,
    pub api_id: Box<str>,
    pub stage: Box<str>,
    pub deployment_id: Box<str>,
    /// `{id}.execute-api.{region}.amazonaws.com`: what is told of a request that came by a path form.
    pub default_domain: Box<str>,
    /// Whether this is the canary's deployment; `None` where the stage has no canary.
    pub canary: Option<bool>,
    /// Stage variables, a canary's overrides laid over them.
    pub variables: Box<[(Box<str>, Box<str>)]>,
}

/// By what a custom domain sent a request where it is.
#[derive(Clone, Debug, Default)]
pub struct DomainFacts {
    pub base_path: Option<Box<str>>,
    pub routing_rule_id: Option<Box<str>>,
}

/// What a matched method says of itself in `$context`.
#[derive(Clone, Debug, Default)]
pub struct MethodFacts {
    pub resource_id: Box<str>,
    /// The template: `/pets/{petId}`.
    pub resource_path: Box<str>,
    /// `None` is `ANY`.
    pub verb: Option<Verb>,
    /// `operationId` in documents.
    pub operation_name: Option<Box<str>>,
    /// Names of its parameters, in its order.
    pub path_parameters: Box<[Box<str>]>,
}

impl MethodFacts {
    /// The verb that was routed by: the method's own, which a header may have chosen (rest/01 section 1.4); of `ANY` the
    /// client's, which goes on to the backend.
    pub fn verb_of<'r>(&self, request: &'r Request) -> &'r [u8] {
        self.verb.map_or_else(|| request.method_text(), |verb| verb.as_str().as_bytes())
    }
}

/// A caller who signed her request, as `$context.identity` tells of her (security/sigv4 section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityFacts {
    pub access_key: Box<str>,
    pub account_id: Box<str>,
    /// `caller` and `user`: `AIDA…` of a user, `AROA…:session` of a role's session.
    pub user_id: Box<str>,
    pub user_arn: Box<str>,
    pub principal_org_id: Option<Box<str>>,
}

/// Values of a matched path's parameters, in the order of the template.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathValues {
    spans: [Span; Self::MAX],
    length: u8,
}

impl PathValues {
    /// Parameters that one path may have; definitions with more are refused when they are compiled.
    pub const MAX: usize = 12;

    pub fn push(&mut self, value: Span) {
        if let Some(place) = self.spans.get_mut(usize::from(self.length)) {
            *place = value;
            self.length += 1;
        }
    }

    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length as u8);
    }

    pub fn len(&self) -> usize {
        usize::from(self.length)
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn get(&self, index: usize) -> Option<Span> {
        self.spans[..self.len()].get(index).copied()
    }
}

/// What the stages behind the routing look values up in.
#[derive(Clone, Copy)]
pub struct Context<'x> {
    pub request: &'x Request,
    pub stage: &'x StageFacts,
    /// Where a method was met.
    pub method: Option<&'x MethodFacts>,
    /// Known to the access log alone, as on AWS.
    pub domain: Option<&'x DomainFacts>,
    pub values: &'x PathValues,
    /// Of the key that the request counts for.
    pub api_key_id: Option<&'x str>,
    /// Of a key that an authorizer named: it stands in no header.
    pub api_key: Option<&'x str>,
    /// Who signed the request.
    pub identity: Option<&'x IdentityFacts>,
    /// What an authorizer said of the caller.
    pub authorizer: Option<&'x serde_json::Map<String, Value>>,
    /// The body that goes on is not encoded any more, whatever the client's Content-Encoding says.
    pub decoded: bool,
    /// Bytes of the path before what functions are told of it: the stage, but no base path of a custom domain (rest/09
    /// section 9.2).
    pub path_skipped: u16,
}

impl<'x> Context<'x> {
    /// Of a request that has met a stage, as far as every stage of the edge knows it.
    pub fn new(
        request: &'x Request,
        stage: &'x StageFacts,
        method: Option<&'x MethodFacts>,
        values: &'x PathValues,
    ) -> Self {
        Self {
            request,
            stage,
            method,
            domain: None,
            values,
            api_key_id: None,
            api_key: None,
            identity: None,
            authorizer: None,
            decoded: false,
            path_skipped: 0,
        }
    }

    /// The path as functions are told it.
    pub fn own_path(&self) -> &'x [u8] {
        self.request.path().get(usize::from(self.path_skipped)..).unwrap_or_default()
    }

    /// The value of `$context.authorizer.…` as a text, by the path behind it; a list is joined by commas. `claims` itself is
    /// null (rest/08 section 8.12).
    pub fn authorizer_text(&self, path: &str) -> Option<Cow<'x, str>> {
        let members = self.authorizer?;
        let value = match path.strip_prefix("claims.") {
            Some(claim) => members.get("claims")?.get(claim)?,
            None => members.get(path)?,
        };
        match value {
            Value::Null | Value::Object(_) => None,
            Value::Array(items) => Some(items.iter().map(scalar).collect::<Vec<_>>().join(",").into()),
            value => Some(scalar(value)),
        }
    }

    /// Of a request by one of the forms for tests without DNS: `/{stage}` and the API's own path, as the default endpoint
    /// would have them (control-plane/data-plane-addressing, section 2).
    pub(super) fn by_path_form(&self) -> Option<(&'x [u8], &'x [u8])> {
        let path = self.request.path();
        let (old, behind) = match path.strip_prefix(b"/_aws/execute-api/") {
            Some(behind) => (false, behind),
            None => (true, path.strip_prefix(b"/restapis/")?),
        };
        let behind = behind.strip_prefix(self.stage.api_id.as_bytes())?;
        let rest = behind.strip_prefix(b"/")?.strip_prefix(self.stage.stage.as_bytes())?;
        let stage = &behind[..behind.len() - rest.len()];
        let rest = if old { rest.strip_prefix(b"/_user_request_")? } else { rest };
        (rest.is_empty() || rest.starts_with(b"/")).then_some((stage, rest))
    }
}

fn scalar(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.as_str().into(),
        value => value.to_string().into(),
    }
}
