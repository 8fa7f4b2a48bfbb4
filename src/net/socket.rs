//! The few system calls on sockets that no library wraps the way we need them.
#![allow(unsafe_code)] // plain libc calls on descriptors that their owner keeps open meanwhile

use std::io;
use std::os::fd::RawFd;

/// Ends both directions of a socket without closing it: whatever waits on it, in the kernel or here, is woken.
/// This is how a deadline ends an operation: the buffer comes back by the ordinary way and no byte is lost.
pub(super) fn shutdown_both(fd: RawFd) {
    // SAFETY: no memory is passed; a descriptor that is not a socket any more only makes the call fail.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}

/// Ends only the direction that is read: whoever waits for the peer is woken as if it had closed, and can answer it.
pub(super) fn shutdown_reading(fd: RawFd) {
    // SAFETY: as above.
    unsafe { libc::shutdown(fd, libc::SHUT_RD) };
}

/// What a connection that rested looks like, without taking anything from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing has arrived: it can be used.
    Quiet,
    /// Closed, broken, or bytes that nobody asked for.
    Over,
}

pub(super) fn rest_of(fd: RawFd) -> Rest {
    let mut byte = 0_u8;
    // SAFETY: one byte is peeked into `byte`, which outlives the call.
    let got = unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) };
    if got == -1 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock { Rest::Quiet } else { Rest::Over }
}

/// Takes a connection that waits in a listener's queue, if there is one. For the last ones at a drain.
pub(super) fn accept_waiting(listener: RawFd) -> Option<std::net::TcpStream> {
    use std::os::fd::FromRawFd;
    // SAFETY: no address is asked for, so no memory is passed.
    let fd = unsafe {
        libc::accept4(listener, std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)
    };
    // SAFETY: the kernel just made this descriptor for us and nobody else has it.
    (fd >= 0).then(|| unsafe { std::net::TcpStream::from_raw_fd(fd) })
}

pub(super) fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: F_GETFL and F_SETFL pass flags by value.
    let set = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        if flags < 0 { flags } else { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) }
    };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
