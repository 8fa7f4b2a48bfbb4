//! TCP: listeners that a core accepts from, and streams whose two directions are two values.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use monoio::io::{AsyncReadRent, AsyncWriteRent, OwnedReadHalf, OwnedWriteHalf, Splitable};
use monoio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};

use super::buffer::{Buffer, Filling};
use super::ring;
use super::send::write_all;
use super::socket::{self, Rest};
use super::timer::Deadline;
use super::tls;

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
}

/// A connection: its directions can wait independently, each for one task at a time.
pub struct Stream {
    pub reader: Reader,
    pub writer: Writer,
    pub deadline: Deadline,
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
        Ok(Self { inner: TcpListener::from_std(listener)?, fd, port })
    }

    /// Never cancelled: a dropped accept can lose a connection. [`Listener::stop`] ends it.
    pub async fn accept(&self) -> io::Result<Accepted> {
        let (stream, peer) = self.inner.accept().await?;
        Ok(Accepted { stream: Stream::from_tcp(stream)?, peer, port: self.port })
    }

    /// Stops listening. What had already been accepted by the kernel is answered first: it comes back from here.
    pub fn stop(&self) -> Vec<Accepted> {
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
            reader: Reader { inner: ReadSide::Plain(reader), fd },
            writer: Writer { inner: WriteSide::Plain(writer), fd },
            deadline: Deadline::of(fd),
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

    /// Secures this connection as a client of `name`.
    pub async fn secure(self, config: &tls::ClientConfig, name: &tls::ServerName) -> io::Result<Self> {
        let Self { reader, writer, deadline } = self;
        let (ReadSide::Plain(read), WriteSide::Plain(write)) = (reader.inner, writer.inner) else {
            return Err(io::Error::other("this connection is secured already"));
        };
        let (read, write) = tls::connect(read, write, config, name).await?;
        Ok(Self {
            reader: Reader { inner: ReadSide::Tls(Box::new(read)), fd: reader.fd },
            writer: Writer { inner: WriteSide::Tls(Box::new(write)), fd: writer.fd },
            deadline,
        })
    }
}

/// The direction that is read.
pub struct Reader {
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

    /// Whether a connection that rested can still be used: nothing has arrived and it is not closed.
    pub fn is_quiet(&self) -> bool {
        socket::rest_of(self.fd) == Rest::Quiet
    }
}

/// The direction that is written.
pub struct Writer {
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
