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

/// Ends reading alone: a read that waits comes back with nothing, and an answer can still be written.
pub(super) fn shutdown_reading(fd: RawFd) {
    // SAFETY: as above.
    unsafe { libc::shutdown(fd, libc::SHUT_RD) };
}

/// Makes the close of this socket a reset, so that a peer cannot take what it has got for the whole.
pub(super) fn reset_on_close(fd: RawFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let length = size_of::<libc::linger>() as libc::socklen_t;
    // SAFETY: the kernel reads `length` bytes of `linger`, which outlives the call.
    unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), length) };
}

/// Whether a connection that rested stands and nothing has arrived on it. Takes nothing from it.
pub(super) fn is_quiet(fd: RawFd) -> bool {
    let mut byte = 0_u8;
    // SAFETY: one byte is peeked into `byte`, which outlives the call.
    let got = unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) };
    got == -1 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
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

/// Marks every descriptor but the three standard ones to be closed when this process becomes another program, whoever it
/// has them from.
pub fn close_others_at_exec() -> io::Result<()> {
    // SAFETY: three numbers are passed. Kernels before 5.11 do not know the flag and answer an error.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub(super) fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: F_GETFL and F_SETFL pass flags by value.
    let set = unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFL);
        if flags < 0 { flags } else { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) }
    };
    if set < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
