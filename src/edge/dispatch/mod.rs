//! Which API, stage, resource and method a request means (rest/01).

pub mod canary;
pub mod compile;
mod domain;
mod hosts;
pub mod preflight;
mod tree;

pub use hosts::{Located, Table};
pub use tree::{Found, Tree};

use crate::edge::exchange::{PathValues, Request, Verb};
use crate::edge::fault::{Fault, FaultKind};
use crate::wire::headers::{Known, Span};

/// Where a request belongs in its stage. Whether it has a method is asked with [`Matched::method`].
#[derive(Clone, Copy, Debug)]
pub struct Matched {
    method: Option<usize>,
    /// Bytes of the path behind the stage or base path.
    pub path_bytes: usize,
    /// Values of the matched path's parameters.
    pub values: PathValues,
}

impl Matched {
    /// Index of the method in its release.
    pub fn method(&self) -> Option<usize> {
        self.method
    }
}

/// Finds the stage, by host and base path.
#[inline]
pub fn locate<'t>(table: &'t Table, request: &Request) -> Result<Located<'t>, Fault> {
    table.locate(request).ok_or_else(|| Fault::new(FaultKind::UnknownHost))
}

/// Finds resource and method by the rest of the path, in the release of the stage that this request meets.
#[inline]
pub fn route(tree: &Tree, request: &Request, located: &Located<'_>) -> Matched {
    // rest/01 section 1.4: the header replaces the verb used for routing, whatever the client's verb.
    let verb = match request.value(Known::MethodOverride) {
        Some(name) => Verb::of(name),
        None => request.verb,
    };
    route_verb(tree, request, located, verb)
}

#[inline]
fn route_verb(tree: &Tree, request: &Request, located: &Located<'_>, verb: Verb) -> Matched {
    let path = request.path();
    let mut values = PathValues::default();
    if path == b"*" {
        // `OPTIONS *` asks about the server as a whole (RFC 9112 3.2.4): no resource has that path.
        return Matched { method: None, path_bytes: path.len(), values };
    }
    let base = usize::from(request.path.start) + located.rest;
    let found = tree.find(&path[located.rest..], verb, |start, end| Span {
        start: (base + start) as u16,
        end: (base + end) as u16,
    });
    let method = found.map(|found| {
        values = found.values;
        found.method
    });
    Matched { method, path_bytes: path.len() - located.rest, values }
}
