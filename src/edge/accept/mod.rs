//! A socket becomes a stream that is served, or is shed.

pub mod forwarded;
pub mod proxy_protocol;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::net::ring;
use crate::net::tcp::{Accepted, Listener};

/// What a listener gave.
pub enum Arrival {
    Connection(Accepted),
    /// One too many: it has been closed at once.
    Shed,
    /// The listener has been stopped.
    Stopped,
}

/// Waits for the next connection and counts it in `connections`.
pub async fn next(listener: &Listener, connections: &AtomicUsize, connections_max: usize) -> Arrival {
    loop {
        match listener.accept().await {
            Ok(accepted) => {
                if connections.fetch_add(1, Ordering::Relaxed) >= connections_max {
                    connections.fetch_sub(1, Ordering::Relaxed);
                    return Arrival::Shed;
                }
                return Arrival::Connection(accepted);
            }
            // shutdown() on a listener ends its accept with an error.
            Err(_) if listener.is_stopped() => return Arrival::Stopped,
            // The client gave up before it was accepted.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => {
            }
            // No descriptor or no memory: accepting again at once would only spin.
            Err(_) => ring::sleep(Duration::from_millis(20)).await,
        }
    }
}
