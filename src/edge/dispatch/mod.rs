//! Which API, stage, resource and method a request means (rest/01).

pub mod compile;
mod hosts;
mod tree;

pub use hosts::{Located, Table};
pub use tree::{Found, Tree};

use crate::edge::exchange::{PathValues, Request, Verb};
use crate::edge::fault::{Fault, FaultKind};
use crate::wire::headers::{Known, Span};

/// Where a request belongs. The stage is known; whether it has a method is asked with [`Matched::method`].
#[derive(Clone, Copy, Debug)]
pub struct Matched {
    /// Index of the stage in the snapshot.
    pub stage: usize,
    method: Option<usize>,
    /// Bytes of the path behind the stage or base path.
    pub path_bytes: usize,
    /// Values of the matched path's parameters.
    pub values: PathValues,
}

impl Matched {
    /// Index of the method in its stage.
    pub fn method(&self) -> Option<usize> {
        self.method
    }
}

/// Finds the stage by host and base path, then resource and method by the rest of the path.
#[inline]
pub fn route(table: &Table, request: &Request) -> Result<Matched, Fault> {
    let path = request.path();
    let located = table.locate(request.host(), path).ok_or_else(|| Fault::new(FaultKind::UnknownHost))?;
    // rest/01 section 1.4: the header replaces the verb used for routing, whatever the client's verb.
    let verb = match request.value(Known::MethodOverride) {
        Some(name) => Verb::of(name),
        None => request.verb,
    };
    let mut values = PathValues::default();
    if path == b"*" {
        // `OPTIONS *` asks about the server as a whole (RFC 9112 3.2.4): no resource has that path.
        return Ok(Matched { stage: located.stage, method: None, path_bytes: path.len(), values });
    }
    let base = usize::from(request.path.start) + located.rest;
    let found = table.tree(located.stage).find(&path[located.rest..], verb, |start, end| Span {
        start: (base + start) as u16,
        end: (base + end) as u16,
    });
    let method = found.map(|found| {
        values = found.values;
        found.method
    });
    Ok(Matched { stage: located.stage, method, path_bytes: path.len() - located.rest, values })
}
