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

use crate::settings::limits::{
    ADMIN_CONNECTION_LIFETIME, ADMIN_CONNECTIONS_CROWDED, ADMIN_CONNECTIONS_MAX, ADMIN_CROWDED_ANSWER_TIMEOUT,
    ADMIN_CROWDED_IDLE_TIMEOUT, ADMIN_IDLE_TIMEOUT,
};

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
        let now = Instant::now();
        let (places, tick) = (Arc::clone(&self.places), Box::pin(sleep(ADMIN_CROWDED_IDLE_TIMEOUT)));
        (Connection { stream, places, opened: now, answered: now, moved: now, tick, _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection, which ends when its time has come, or when nothing has moved on it for a while: then it reads as
/// closed, and cannot be written to. Where places become scarce, it has to ask and be answered soon: silent clients
/// could hold every place otherwise, and with it the health check of a gateway that is well.
pub(super) struct Connection {
    stream: TcpStream,
    places: Arc<Semaphore>,
    opened: Instant,
    answered: Instant,
    moved: Instant,
    /// When the limits are looked at next.
    tick: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn over(&mut self, context: &mut Context<'_>) -> bool {
        while self.tick.as_mut().poll(context).is_ready() {
            if self.overdue() {
                return true;
            }
            self.tick.as_mut().reset(Instant::now() + ADMIN_CROWDED_IDLE_TIMEOUT);
        }
        false
    }

    fn overdue(&self) -> bool {
        let crowded = ADMIN_CONNECTIONS_MAX - self.places.available_permits() > ADMIN_CONNECTIONS_CROWDED;
        let asked = self.moved > self.answered;
        let idle = match (crowded, asked) {
            (true, false) => ADMIN_CROWDED_IDLE_TIMEOUT,
            _ => ADMIN_IDLE_TIMEOUT,
        };
        self.moved.elapsed() >= idle
            || crowded && self.answered.elapsed() >= ADMIN_CROWDED_ANSWER_TIMEOUT
            || self.opened.elapsed() >= ADMIN_CONNECTION_LIFETIME
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
            self.moved = Instant::now();
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
            self.moved = Instant::now();
            self.answered = self.moved;
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
    use std::time::Duration;

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

            connection.opened -= ADMIN_CONNECTION_LIFETIME;
            connection.tick = Box::pin(sleep(Duration::ZERO));
            assert_eq!(connection.read(&mut [0; 8]).await.expect("closed"), 0);
            assert!(connection.overdue());
            drop(connection);
            assert_eq!(bounded.places.available_permits(), ADMIN_CONNECTIONS_MAX);
        });
    }

    #[test]
    fn a_silent_connection_makes_room_where_places_are_scarce() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
            let _client = TcpStream::connect(listener.local_addr().expect("address")).await.expect("connects");
            let mut bounded = Bounded::new(listener);
            let (mut connection, _) = bounded.accept().await;
            connection.opened -= ADMIN_CROWDED_IDLE_TIMEOUT;
            (connection.moved, connection.answered) = (connection.opened, connection.opened);
            assert!(!connection.overdue());
            let taken = u32::try_from(ADMIN_CONNECTIONS_CROWDED).expect("few");
            let others = Arc::clone(&bounded.places).acquire_many_owned(taken).await.expect("places");
            assert!(connection.overdue());
            connection.moved = Instant::now();
            assert!(!connection.overdue());
            connection.answered -= ADMIN_CROWDED_ANSWER_TIMEOUT;
            assert!(connection.overdue(), "dripping bytes hold no place");
            drop(others);
            assert!(!connection.overdue());
        });
    }
}
