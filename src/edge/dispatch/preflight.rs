//! The question that a browser asks before it calls another site's API (Fetch, "CORS-preflight request").

use super::{Located, Tree, route_verb};
use crate::edge::exchange::{Request, Verb};
use crate::wire::headers::Line;

/// Whether a request is a preflight: `OPTIONS` with an origin and the verb that is to follow (http-api/cors section 2).
pub fn is_asked(request: &Request) -> bool {
    request.verb == Verb::Options && origin(request).is_some() && wanted(request).is_some()
}

/// Whether the request that a preflight announces meets another resource than the preflight itself: a resource that
/// names its verbs has no OPTIONS then, and a greedy one behind it took the question. `is_met` tells whether a method
/// stands at the resource that was met.
pub fn leads_elsewhere(
    tree: &Tree,
    request: &Request,
    located: &Located<'_>,
    is_met: impl FnOnce(usize) -> bool,
) -> bool {
    let verb = wanted(request).map(Verb::of).unwrap_or_default();
    route_verb(tree, request, located, verb).method().is_some_and(|method| !is_met(method))
}

fn wanted(request: &Request) -> Option<&[u8]> {
    the_only(request, b"access-control-request-method")
}

/// Where the page comes from that a browser calls for. Nobody's where there are two: no browser sends that.
pub fn origin(request: &Request) -> Option<&[u8]> {
    the_only(request, b"origin")
}

fn the_only<'r>(request: &'r Request, name: &[u8]) -> Option<&'r [u8]> {
    let named = |line: &&Line| line.name.of(&request.bytes).eq_ignore_ascii_case(name);
    let mut lines = request.head.lines.iter().filter(named);
    let first = lines.next()?;
    lines.next().is_none().then(|| first.value.of(&request.bytes)).filter(|value| !value.is_empty())
}
