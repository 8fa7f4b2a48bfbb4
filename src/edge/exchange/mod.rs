//! One request and its answer: what the stages share, and the `$context` that it gathers.

mod context;
mod ids;
mod request;
mod variable;

pub use context::{Context, DomainFacts, IdentityFacts, MethodFacts, PathValues, StageFacts};
pub use ids::{IdSource, Ids};
pub use request::{INTAKE_NAMES, IpText, Peer, Request, Verb, VpcEndpoint, client_trace, domain, trace_root};
pub use variable::Variable;
