//! Listeners on loopback whose connections are bounded in number, and may be those of one user alone.
//!
//! The Runtime API has no secret: whoever connects could take a function's events. So a connection to it is asked for its
//! owner, which the kernel tells in /proc/net/tcp. Where functions are invoked there is a key, and functions themselves run
//! as the same user: a connection has a moment to show the key, and those that have not shown it are few, so that who has
//! none takes nobody's place. Its owner is not asked for: the table takes milliseconds to read, one connection at a time,
//! for which a burst of calls would wait.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Sleep, sleep};

use crate::settings::limits::FUNCTION_DOOR_STRANGER_TIMEOUT;

/// The kernel's table of connections over IPv4.
const TABLE: &str = "/proc/net/tcp";

pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    admission: Admission,
    /// Those that have not shown the key, in the order that they came; each is closed when its sender is dropped.
    strangers: VecDeque<(Visitor, oneshot::Sender<()>)>,
}

/// Whose connections are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    All,
    User(u32),
    /// Everybody's for a moment, and then those that have shown the key ([`Visitor::is_known`]). Of those that have not,
    /// so many may be there.
    Key {
        strangers_max: usize,
    },
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Visitor {
    known: Arc<AtomicBool>,
}

impl Visitor {
    /// It has shown the key: its connection stays.
    pub(super) fn is_known(&self) {
        self.known.store(true, Relaxed);
    }
}

impl Connected<IncomingStream<'_, Bounded>> for Visitor {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        stream.io().visitor.clone()
    }
}

impl Bounded {
    /// At a port that the system chooses.
    pub(super) async fn bind(connections_max: usize, admission: Admission) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let places = Arc::new(Semaphore::new(connections_max));
        Ok((Self { listener, places, admission, strangers: VecDeque::new() }, address))
    }

    /// The user that Weir runs as; `None` where the kernel's table does not even hold this listener (a sandbox): then it
    /// says nothing of connections either.
    pub(super) fn own_user(&self) -> Option<u32> {
        let own = rustix::process::geteuid().as_raw();
        let address = self.listener.local_addr().ok()?;
        (row_owner(&fs::read_to_string(TABLE).unwrap_or_default(), address, None) == Some(own)).then_some(own)
    }
}

impl Bounded {
    fn trial(&mut self, visitor: &Visitor, strangers_max: usize) -> Trial {
        // Looked through only where it matters, not at each of a burst.
        if self.strangers.len() >= strangers_max {
            self.strangers.retain(|(visitor, cut)| !visitor.known.load(Relaxed) && !cut.is_closed());
        }
        while self.strangers.len() >= strangers_max {
            self.strangers.pop_front();
        }
        let (sender, cut) = oneshot::channel();
        self.strangers.push_back((visitor.clone(), sender));
        Trial { cut, late: Box::pin(sleep(FUNCTION_DOOR_STRANGER_TIMEOUT)) }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let place = Arc::clone(&self.places).acquire_owned().await.ok();
            // axum's own accept retries, and rests where the process has no descriptor left.
            let (stream, peer) = Listener::accept(&mut self.listener).await;
            if let (Admission::User(owner), Ok(own)) = (self.admission, stream.local_addr()) {
                // The table may be long on a busy machine, and reading it is not for this thread.
                let read = move || row_owner(&fs::read_to_string(TABLE).unwrap_or_default(), peer, Some(own));
                if tokio::task::spawn_blocking(read).await.ok().flatten() != Some(owner) {
                    continue;
                }
            }
            // An answer goes out when it is written: with Nagle's algorithm it may wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            let visitor = Visitor::default();
            let trial = match self.admission {
                Admission::Key { strangers_max } => Some(self.trial(&visitor, strangers_max)),
                Admission::All | Admission::User(_) => None,
            };
            return (Connection { stream, visitor, trial, _place: place }, peer);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The user of the socket at `local`, to `remote` where one is said (proc_net_tcp: addresses as the machine has them in
/// memory, the user in the eighth column).
fn row_owner(table: &str, local: SocketAddr, remote: Option<SocketAddr>) -> Option<u32> {
    let text = |address: SocketAddr| match address {
        SocketAddr::V4(address) => {
            let ip = u32::from_ne_bytes(address.ip().octets());
            Some(format!("{ip:08X}:{:04X}", address.port()))
        }
        SocketAddr::V6(_) => None,
    };
    let (local, remote) = (text(local)?, remote.map(text));
    table.lines().find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let (here, there) = (columns.nth(1)?, columns.next()?);
        let right = here == local && remote.as_ref().is_none_or(|remote| remote.as_deref() == Some(there));
        if right { columns.nth(4)?.parse().ok() } else { None }
    })
}

/// A connection with its place among the few.
pub(super) struct Connection {
    stream: TcpStream,
    visitor: Visitor,
    /// Until the key is shown.
    trial: Option<Trial>,
    _place: Option<OwnedSemaphorePermit>,
}

struct Trial {
    cut: oneshot::Receiver<()>,
    late: Pin<Box<Sleep>>,
}

impl Trial {
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        Pin::new(&mut self.cut).poll(cx).is_ready() || self.late.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.visitor.known.load(Relaxed) {
            self.trial = None;
        } else if self.trial.as_mut().is_some_and(|trial| trial.is_over(cx)) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn the_oldest_stranger_makes_room() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let admission = Admission::Key { strangers_max: 2 };
            let (mut listener, address) = Bounded::bind(16, admission).await.expect("bound");
            let (mut clients, mut connections) = (Vec::new(), Vec::new());
            for at in 0..4 {
                clients.push(TcpStream::connect(address).await.expect("connected"));
                connections.push(listener.accept().await.0);
                // The second shows the key, and is counted no more.
                if at == 1 {
                    connections[at].visitor.is_known();
                }
            }
            for client in &mut clients {
                client.write_all(b"x").await.expect("written");
            }
            let mut stays = Vec::new();
            for connection in &mut connections {
                stays.push(connection.read(&mut [0]).await.is_ok());
            }
            assert_eq!(stays, [false, true, true, true]);
        });
    }

    const ROWS: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1598 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000    33        0 1599 1 0 100 0 0 10 0
";

    #[track_caller]
    fn check(local: &str, remote: Option<&str>, expected: Option<u32>) {
        let address = |text: &str| text.parse().expect("an address");
        assert_eq!(row_owner(ROWS, address(local), remote.map(address)), expected);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_of_a_connection_stands_in_its_row() {
        check("127.0.0.1:8080", None, Some(1000));
        check("127.0.0.1:54321", Some("127.0.0.1:8080"), Some(33));
        check("127.0.0.1:54321", Some("127.0.0.1:8081"), None);
        check("127.0.0.1:54322", Some("127.0.0.1:8080"), None);
        check("[::1]:8080", None, None);
    }
}
