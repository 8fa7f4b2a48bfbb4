//! Weir runs AWS API Gateway definitions on your own machines, as an edge proxy with one io_uring loop a core.
//!
//! The modules stand in reading order, and an import only ever points down this list (`tests/laws.rs`).

/// People at a terminal.
pub mod cli;
/// Definitions in, snapshots out: the side thread, and one each for the admin listener and the store.
pub mod control;
/// Requests in, responses out: one thread a core.
pub mod edge;
/// Documents to definitions and back, every value with its line.
pub mod formats;
/// Lambda functions on this machine: the Runtime API and warm processes, on a thread of their own.
pub mod functions;
/// The languages that users write: policies.
pub mod lang;
/// Definitions as plain data, in AWS's words.
pub mod model;
/// The ring: the one folder that names monoio.
pub mod net;
/// What this process was told.
pub mod settings;
/// AWS Signature Version 4.
pub mod sigv4;
/// Count, time, describe.
pub mod telemetry;
/// The clock: real or virtual.
pub mod time;
/// Bytes to messages and back; no socket, no clock.
pub mod wire;
