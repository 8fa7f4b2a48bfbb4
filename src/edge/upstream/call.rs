//! What a call is made of.

use std::sync::Arc;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::pool::Pools;
use super::signing::Signing;
use super::upload::ClientSide;
use crate::edge::exchange::Verb;
use crate::net::buffer::Buffer;
use crate::telemetry::counters::CoreCounters;
use crate::time::Clock;

/// Where a method's requests go, compiled.
#[derive(Clone, Debug)]
pub struct Integration {
    pub endpoint: Arc<Endpoint>,
    pub timeout: Duration,
    /// Bytes of one response body; more than AWS's 10 MB only for STREAM.
    pub response_bytes_max: u64,
    /// `responseTransferMode: STREAM`: nobody waits for its end.
    pub streams: bool,
    /// Of a call to AWS.
    pub signing: Option<Arc<Signing>>,
}

/// A request ready to be sent: its head with framing and, behind it, what has arrived of its body.
pub struct Call {
    pub bytes: Buffer,
    pub verb: Verb,
    /// Where the rest of the body comes from, when not all of it is in `bytes`.
    pub client: Option<Box<ClientSide>>,
    /// The body is sent in chunks.
    pub chunked: bool,
}

/// What a core lends to one call.
#[derive(Clone, Copy)]
pub struct Tools<'w> {
    pub pools: &'w Pools,
    pub clock: &'w Clock,
    pub counters: &'w CoreCounters,
}
