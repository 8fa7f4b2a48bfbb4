//! What the tests over real sockets share: a backend that misbehaves on request, the gateway as a child process,
//! a client that reads answers byte by byte, and definitions of one line a method.
//!
//! Threads and the standard library (TLS aside): what tests the gateway shares no code with it.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "each test crate uses the part it needs")]

pub mod backend;
pub mod client;
pub mod definition;
pub mod gateway;
pub mod tls;

use std::time::Duration;

pub use backend::Backend;
pub use client::{Client, Response};
pub use definition::{Definition, definition};
pub use gateway::Gateway;
pub use tls::{Authority, TlsFront};

/// Nothing in a test waits longer than this: a hang is a failure with a message.
pub const PATIENCE: Duration = Duration::from_secs(10);
