//! A listener whose connections are few and short, so that nobody can hold the admin side up.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use crate::settings::limits::{ADMIN_CONNECTION_LIFETIME, ADMIN_CONNECTIONS_MAX, ADMIN_IDLE_TIMEOUT};

pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(ADMIN_CONNECTIONS_MAX)) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        // axum's own accept retries, and rests where the process has no descriptor left.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let (end, idle) = (Box::pin(sleep(ADMIN_CONNECTION_LIFETIME)), Box::pin(sleep(ADMIN_IDLE_TIMEOUT)));
        (Connection { stream, end, idle, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection, which ends when its time has come, or when nothing has moved on it for a while: then it reads as
/// closed, and cannot be written to.
pub(super) struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    idle: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        self.end.as_mut().poll(context).is_ready() || self.idle.as_mut().poll(context).is_ready()
    }

    fn moved(&mut self) {
        self.idle.as_mut().reset(Instant::now() + ADMIN_IDLE_TIMEOUT);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.over(context) {
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.moved();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.moved();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_connection_ends_in_time() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
            let mut client = TcpStream::connect(listener.local_addr().expect("address")).await.expect("connects");
            let mut bounded = Bounded::new(listener);
            let (mut connection, _) = bounded.accept().await;
            client.write_all(b"a").await.expect("sent");
            assert_eq!(connection.read_u8().await.expect("in time"), b'a');
            assert_eq!(bounded.places.available_permits(), ADMIN_CONNECTIONS_MAX - 1);

            connection.end = Box::pin(sleep(std::time::Duration::ZERO));
            assert_eq!(connection.read(&mut [0; 8]).await.expect("closed"), 0);
            assert!(connection.write(b"b").await.is_err());
            drop(connection);
            assert_eq!(bounded.places.available_permits(), ADMIN_CONNECTIONS_MAX);
        });
    }
}
