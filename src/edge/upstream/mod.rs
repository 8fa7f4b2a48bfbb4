//! Call the integration: a backend over HTTP, or none at all.

mod call;
pub mod compile;
pub mod credential;
pub mod endpoint;
mod function_stream;
mod http;
mod inbound;
pub mod places;
mod pool;
pub mod signing;
mod upload;

pub use call::{Call, Integration, Tools};
pub use endpoint::{Endpoint, Endpoints};
pub use function_stream::FunctionStream;
pub use inbound::{Finished, Inbound};
pub use pool::Pools;
pub use upload::{ClientSide, Upload};

use crate::edge::fault::Fault;
use crate::edge::limit::Admitted;
use crate::time::Instant;

/// Sends the request and waits for the head of its answer. The time that it may take counts from `now`.
pub async fn call(
    tools: Tools<'_>,
    integration: &Integration,
    _admitted: Admitted,
    call: Call,
    now: Instant,
) -> Result<Inbound, Fault> {
    http::call(tools, integration, call, now).await
}

/// The same for an authorizer's function: it is asked before the limits are.
pub async fn invoke(tools: Tools<'_>, function: &Integration, call: Call, now: Instant) -> Result<Inbound, Fault> {
    http::call(tools, function, call, now).await
}
