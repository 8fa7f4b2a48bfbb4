//! TCP: listeners that a core accepts from, and streams whose two directions are two values.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use monoio::io::{AsyncReadRent, AsyncWriteRent, OwnedReadHalf, OwnedWriteHalf, Splitable};
use monoio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use super::buffer::{Buffer, Filling};
use super::ring;
use super::send::write_all;
use super::socket;
use super::timer::{Deadline, Ends};
use super::tls;
use crate::time::Instant;

/// Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn.
const BACKLOG: i32 = 8192;

/// Binds `many` sockets to one address, one a core; the kernel spreads connections over them.
/// Port 0 takes one port from the system for all of them.
pub fn bind(address: SocketAddr, many: usize) -> io::Result<Vec<StdListener>> {
    let mut address = address;
    let mut listeners = Vec::with_capacity(many);
    if address.port() != 0 {
        // SO_REUSEPORT would let a second Weir of the same user share the port in silence: look first without it.
        drop(listener(address, false)?);
    }
    for _ in 0..many {
        let bound = listener(address, true)?;
        address = bound.local_addr()?;
        listeners.push(bound);
    }
    Ok(listeners)
}

fn listener(address: SocketAddr, share: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if share {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A listening socket of one core.
pub struct Listener {
    inner: TcpListener,
    fd: RawFd,
    port: u16,
    stopped: Cell<bool>,
}

/// A connection: its directions can wait independently, each for one task at a time.
pub struct Stream {
    pub reader: Reader,
    pub writer: Writer,
}

/// What a listener gave.
pub struct Accepted {
    pub stream: Stream,
    pub peer: SocketAddr,
    /// The listener's port.
    pub port: u16,
}

impl Listener {
    /// Takes a bound socket into this core's loop.
    pub fn adopt(listener: StdListener, epoll: bool) -> io::Result<Self> {
        // io_uring answers EAGAIN on a non-blocking socket instead of waiting; epoll needs just that.
        listener.set_nonblocking(epoll)?;
        let fd = listener.as_raw_fd();
        let port = listener.local_addr()?.port();
        Ok(Self { inner: TcpListener::from_std(listener)?, fd, port, stopped: Cell::new(false) })
    }

    /// Never cancelled: a dropped accept can lose a connection. [`Listener::stop`] ends it.
    pub async fn accept(&self) -> io::Result<Accepted> {
        let (stream, peer) = self.inner.accept().await?;
        Ok(Accepted { stream: Stream::from_tcp(stream)?, peer, port: self.port })
    }

    /// Whether [`Listener::stop`] has been called: what an accept then says is not an error.
    pub fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// Stops listening. What had already been accepted by the kernel is answered first: it comes back from here.
    pub fn stop(&self) -> Vec<Accepted> {
        self.stopped.set(true);
        let mut waiting = Vec::new();
        if socket::set_nonblocking(self.fd).is_ok() {
            while let Some(stream) = socket::accept_waiting(self.fd) {
                waiting.extend(self.take_in(stream).ok());
            }
        }
        socket::shutdown_both(self.fd);
        waiting
    }

    fn take_in(&self, stream: std::net::TcpStream) -> io::Result<Accepted> {
        let peer = stream.peer_addr()?;
        let stream = Stream::from_tcp(TcpStream::from_std(stream)?)?;
        Ok(Accepted { stream, peer, port: self.port })
    }
}

impl Stream {
    fn from_tcp(stream: TcpStream) -> io::Result<Self> {
        // An answer is written whole; waiting for more would only cost the client 40 ms.
        stream.set_nodelay(true)?;
        let fd = stream.as_raw_fd();
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: Reader { deadline: Rc::new(Deadline::of(fd, Ends::Reading)), inner: ReadSide::Plain(reader), fd },
            writer: Writer { deadline: Deadline::of(fd, Ends::Both), inner: WriteSide::Plain(writer), fd },
        })
    }

    /// Connects to one address, for at most `within`.
    pub async fn connect(address: SocketAddr, within: Duration) -> io::Result<Self> {
        // A connect that is given up may be dropped: its descriptor is closed with it (docs/architecture.md).
        match monoio::time::timeout(within, TcpStream::connect_addr(address)).await {
            Ok(stream) => Self::from_tcp(stream?),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Secures this connection as a client of `name`, by `deadline`.
    pub async fn secure(
        self,
        config: &tls::ClientConfig,
        name: &tls::ServerName,
        deadline: Instant,
    ) -> io::Result<Self> {
        let Self { reader, writer } = self;
        let (ReadSide::Plain(read), WriteSide::Plain(write)) = (reader.inner, writer.inner) else {
            return Err(io::Error::other("this connection is secured already"));
        };
        let connected = {
            // The peer may accept and then say nothing; this ends both directions.
            let _armed = writer.deadline.armed(deadline);
            tls::connect(read, write, config, name).await
        };
        let (read, write) = connected?;
        Ok(Self {
            reader: Reader { inner: ReadSide::Tls(Box::new(read)), ..reader },
            writer: Writer { inner: WriteSide::Tls(Box::new(write)), ..writer },
        })
    }
}

/// The direction that is read.
pub struct Reader {
    /// Ends waiting for the peer. Before the stream, so that it is dropped before the descriptor can be closed.
    pub deadline: Rc<Deadline>,
    inner: ReadSide,
    fd: RawFd,
}

enum ReadSide {
    Plain(OwnedReadHalf<TcpStream>),
    Tls(Box<tls::Reader>),
}

impl Reader {
    /// Reads once, behind what the buffer holds. 0 is the end of the stream. The buffer must have room.
    #[inline]
    pub async fn read(&mut self, buffer: Buffer) -> (io::Result<usize>, Buffer) {
        debug_assert!(buffer.room() > 0, "a read into no room would look like the end of the stream");
        match &mut self.inner {
            ReadSide::Plain(half) => {
                let (read, Filling(buffer)) = half.read(Filling(buffer)).await;
                (read, buffer)
            }
            ReadSide::Tls(reader) => Box::pin(reader.read(buffer)).await,
        }
    }

    /// Ends both directions at once: whoever waits on either is woken.
    pub fn abort(&self) {
        socket::shutdown_both(self.fd);
    }

    /// Whether a connection that rested can still be used: nothing has arrived, here or in the kernel, and it is not
    /// closed. Bytes that nobody asked for would be read as the answer to the next request.
    pub fn is_quiet(&self) -> bool {
        self.holds_nothing() && socket::is_quiet(self.fd)
    }

    /// The part of [`Reader::is_quiet`] that the kernel need not be asked for.
    pub fn holds_nothing(&self) -> bool {
        let nothing_held = match &self.inner {
            ReadSide::Plain(_) => true,
            ReadSide::Tls(reader) => reader.is_quiet(),
        };
        nothing_held && !self.deadline.passed()
    }
}

/// The direction that is written.
pub struct Writer {
    /// Ends a write that the peer does not take. Before the stream, so that it is dropped before the descriptor can be
    /// closed.
    pub deadline: Deadline,
    inner: WriteSide,
    fd: RawFd,
}

enum WriteSide {
    Plain(OwnedWriteHalf<TcpStream>),
    Tls(Box<tls::Writer>),
}

impl Writer {
    /// Writes all of it. The buffer comes back with what was in it, so that it can be sent again elsewhere.
    #[inline]
    pub async fn write_all(&mut self, buffer: Buffer) -> (io::Result<()>, Buffer) {
        match &mut self.inner {
            WriteSide::Plain(half) => write_all(half, buffer).await,
            WriteSide::Tls(writer) => Box::pin(writer.write_all(buffer)).await,
        }
    }

    /// Ends both directions at once: whoever waits on either is woken.
    pub fn abort(&self) {
        socket::shutdown_both(self.fd);
    }

    /// As [`Writer::abort`], so that the peer sees a reset: for an answer whose end is the connection's end.
    pub fn reset(&self) {
        socket::reset_on_close(self.fd);
    }

    /// Tells the peer that nothing more comes.
    pub async fn finish(&mut self) {
        let half = match &mut self.inner {
            WriteSide::Plain(half) => half,
            WriteSide::Tls(writer) => writer.tcp(),
        };
        let _ = half.shutdown().await;
    }
}

/// What an [`exchange`] brought.
pub struct Exchanged {
    pub written: io::Result<()>,
    /// What was to be written, whole again.
    pub out: Buffer,
    pub read: io::Result<usize>,
    pub into: Buffer,
}

/// Writes a request and reads what comes back first.
///
/// A small request to a peer that waits for one is taken by the socket at once, so on a ring nobody has to be woken for
/// it: both operations are submitted together, and the task sleeps until the answer is there. Saves one of the four
/// wake-ups of a proxied request.
pub async fn exchange(writer: &mut Writer, out: Buffer, reader: &mut Reader, into: Buffer) -> Exchanged {
    /// Fits the first segment of an empty socket buffer, whatever the kernel's settings.
    const SMALL: usize = 8 * 1024;
    match (&mut writer.inner, &mut reader.inner) {
        (WriteSide::Plain(write), ReadSide::Plain(read)) if ring::is_ring() && out.len() <= SMALL => {
            let length = out.len();
            let writing = write.write(out);
            let (read, Filling(into)) = read.read(Filling(into)).await;
            let (written, out) = writing.await;
            let written = match written {
                Ok(n) if n == length => Ok(()),
                // The peer answered before it had taken a small request, or none of it was taken.
                Ok(_) => Err(io::ErrorKind::WriteZero.into()),
                Err(error) => Err(error),
            };
            Exchanged { written, out, read, into }
        }
        _ => {
            let (written, out) = writer.write_all(out).await;
            // Also after a write that failed: a peer may answer and close before it has read everything.
            let (read, into) = reader.read(into).await;
            Exchanged { written, out, read, into }
        }
    }
}
