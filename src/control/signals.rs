//! What can happen to the running process, one thing at a time.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::Receiver;

/// One turn of the control plane's loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Read everything again; the access log too when a signal asks for it, for that is how a rotation tells.
    Reload(Reason),
    /// Finish what is in flight, and end. A second one ends at once.
    Drain,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Hangup,
    FileChanged,
}

/// Where happenings come from.
pub struct Happenings {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    files: Option<Receiver<()>>,
}

impl Happenings {
    /// Listens for SIGTERM, SIGINT and SIGHUP from here on. `files` tells of changed definitions.
    pub fn new(files: Option<Receiver<()>>) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            files,
        })
    }

    /// The next one. It loses nothing when it is dropped.
    pub async fn next(&mut self) -> Happening {
        let files = async {
            let told = match &mut self.files {
                Some(files) => files.recv().await,
                None => None,
            };
            if told.is_none() {
                // Nobody tells any more; the signals still do.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Happening::Drain,
            _ = self.interrupt.recv() => Happening::Drain,
            _ = self.hangup.recv() => Happening::Reload(Reason::Hangup),
            () = files => Happening::Reload(Reason::FileChanged),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Signal as Number, getpid, kill_process};
    use tokio::sync::mpsc::channel;

    use super::*;

    #[test]
    fn signals_and_files_happen() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let (changed, files) = channel(1);
            let mut happenings = Happenings::new(Some(files)).expect("handlers");
            changed.send(()).await.expect("room");
            assert_eq!(happenings.next().await, Happening::Reload(Reason::FileChanged));
            drop(changed);
            kill_process(getpid(), Number::HUP).expect("sent");
            assert_eq!(happenings.next().await, Happening::Reload(Reason::Hangup));
            kill_process(getpid(), Number::TERM).expect("sent");
            assert_eq!(happenings.next().await, Happening::Drain);
        });
    }
}
