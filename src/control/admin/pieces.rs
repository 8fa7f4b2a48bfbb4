//! The body of an answer, piece by piece, so that its size does not matter: a thread that may wait makes them no faster
//! than the client takes them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use futures_core::Stream;
use tokio::sync::mpsc;

/// Pieces that wait for the client.
const PIECES_WAITING_MAX: usize = 4;

#[derive(Debug)]
pub struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

/// Where a maker's pieces go.
pub struct Outlet(mpsc::Sender<io::Result<Bytes>>);

/// The client has gone, and wants no more.
pub struct Gone;

impl Pieces {
    /// What fails breaks the body off: what has come of it does not look whole.
    pub fn made(make: impl FnOnce(&Outlet) -> Result<io::Result<()>, Gone> + Send + 'static) -> Self {
        let (send, pieces) = mpsc::channel(PIECES_WAITING_MAX);
        tokio::task::spawn_blocking(move || {
            let outlet = Outlet(send);
            if let Ok(Err(error)) = make(&outlet) {
                let _ = outlet.0.blocking_send(Err(error));
            }
        });
        Self(pieces)
    }
}

impl Outlet {
    pub fn send(&self, piece: Vec<u8>) -> Result<(), Gone> {
        self.0.blocking_send(Ok(Bytes::from(piece))).map_err(|_| Gone)
    }
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
