//! Messages to a core from outside it: a bounded queue, and a byte on a socket pair to wake its loop.

use std::io::{self, Write};
use std::os::unix::net::UnixStream as StdUnixStream;

use crossbeam::channel::{Receiver, Sender, TrySendError, bounded};
use monoio::io::AsyncReadRent;
use monoio::net::UnixStream;

use crate::settings::limits::MAILBOX_MESSAGES_MAX;

/// The side that stays with the senders.
pub struct Address<T> {
    messages: Sender<T>,
    bell: StdUnixStream,
}

/// The side that moves to its core, before it has a loop.
pub struct Mailbox<T> {
    messages: Receiver<T>,
    bell: StdUnixStream,
}

/// The mailbox within its core's loop.
pub struct Opened<T> {
    messages: Receiver<T>,
    bell: UnixStream,
    buffer: Vec<u8>,
}

pub fn pair<T>() -> io::Result<(Address<T>, Mailbox<T>)> {
    let (near, far) = StdUnixStream::pair()?;
    near.set_nonblocking(true)?;
    let (send, receive) = bounded(MAILBOX_MESSAGES_MAX);
    Ok((Address { messages: send, bell: near }, Mailbox { messages: receive, bell: far }))
}

impl<T> Address<T> {
    /// Never waits. A full mailbox gives the message back.
    pub fn send(&self, message: T) -> Result<(), T> {
        match self.messages.try_send(message) {
            Ok(()) => {
                // A full pair is no loss: the core has bells enough to wake up for.
                let _ = (&self.bell).write(&[1]);
                Ok(())
            }
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => Err(message),
        }
    }
}

impl<T> Mailbox<T> {
    /// Takes the mailbox into the loop of the thread that calls.
    pub fn open(self, epoll: bool) -> io::Result<Opened<T>> {
        self.bell.set_nonblocking(epoll)?;
        Ok(Opened { messages: self.messages, bell: UnixStream::from_std(self.bell)?, buffer: vec![0; 64] })
    }
}

impl<T> Opened<T> {
    /// The next message; `None` when no sender is left.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            if let Ok(message) = self.messages.try_recv() {
                return Some(message);
            }
            let (read, buffer) = self.bell.read(std::mem::take(&mut self.buffer)).await;
            self.buffer = buffer;
            self.buffer.resize(64, 0);
            match read {
                Ok(1..) => {}
                Ok(0) | Err(_) => return self.messages.try_recv().ok(),
            }
        }
    }
}
