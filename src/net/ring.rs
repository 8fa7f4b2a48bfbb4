//! One loop a thread: io_uring with the flags that make it cheap, or epoll.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};
use pin_project_lite::pin_project;

use crate::settings::DriverChoice;
use crate::settings::limits::RING_ENTRIES;

/// What a loop runs on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driver {
    IoUring(Flags),
    /// With the reason where it was not asked for.
    Epoll(String),
}

/// How a ring is built, best first. The first line costs a third less CPU a request than a ring without flags
/// (docs/performance.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// Linux 6.1: completions are worked off by the one thread that asks for them.
    SingleIssuerDeferTaskrun,
    /// Linux 5.19: no interrupt of the thread to tell it of a completion.
    CoopTaskrun,
    None,
}

impl Driver {
    /// For the start-up line.
    pub fn describe(&self) -> String {
        match self {
            Self::IoUring(Flags::SingleIssuerDeferTaskrun) => {
                "io_uring (SINGLE_ISSUER, DEFER_TASKRUN, COOP_TASKRUN)".to_owned()
            }
            Self::IoUring(Flags::CoopTaskrun) => "io_uring (COOP_TASKRUN, TASKRUN_FLAG)".to_owned(),
            Self::IoUring(Flags::None) => "io_uring".to_owned(),
            Self::Epoll(reason) if reason.is_empty() => "epoll".to_owned(),
            Self::Epoll(reason) => format!("epoll ({reason})"),
        }
    }
}

/// Finds out what this kernel allows by building a ring and dropping it.
pub fn choose(choice: DriverChoice) -> Result<Driver, String> {
    if choice == DriverChoice::Epoll {
        return Ok(Driver::Epoll(String::new()));
    }
    let mut refusal = None;
    for flags in [Flags::SingleIssuerDeferTaskrun, Flags::CoopTaskrun, Flags::None] {
        match builder(flags).build(RING_ENTRIES) {
            Ok(_) => return Ok(Driver::IoUring(flags)),
            Err(error) => refusal = Some(error),
        }
    }
    let reason = match refusal.and_then(|error| error.raw_os_error()) {
        Some(libc::EPERM) => "io_uring is forbidden here: kernel.io_uring_disabled or a container's seccomp profile",
        Some(libc::ENOSYS) => "this kernel has no io_uring",
        Some(libc::ENOMEM) => "no memory for the ring: raise the memlock limit",
        Some(libc::EMFILE | libc::ENFILE) => "no file descriptor left for the ring: raise the nofile limit",
        _ => "io_uring did not start",
    };
    match choice {
        DriverChoice::Auto => Ok(Driver::Epoll(reason.to_owned())),
        DriverChoice::IoUring | DriverChoice::Epoll => Err(reason.to_owned()),
    }
}

fn builder(flags: Flags) -> io_uring::Builder {
    let mut builder = io_uring::IoUring::builder();
    match flags {
        Flags::SingleIssuerDeferTaskrun => {
            builder.setup_single_issuer().setup_defer_taskrun().setup_coop_taskrun();
        }
        Flags::CoopTaskrun => {
            builder.setup_coop_taskrun().setup_taskrun_flag();
        }
        Flags::None => {}
    }
    builder
}

thread_local! {
    static ON_RING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread's loop is a ring: then an operation is under way as soon as it is made, not when it is polled.
pub(super) fn is_ring() -> bool {
    ON_RING.get()
}

/// Runs `main` on this thread until it ends. The driver must be one that [`choose`] gave.
pub fn run<F: Future>(driver: &Driver, main: F) -> io::Result<F::Output> {
    ON_RING.set(matches!(driver, Driver::IoUring(_)));
    match driver {
        Driver::IoUring(flags) => Ok(RuntimeBuilder::<IoUringDriver>::new()
            .with_entries(RING_ENTRIES)
            .uring_builder(builder(*flags))
            .enable_timer()
            .build()?
            .block_on(main)),
        Driver::Epoll(_) => Ok(RuntimeBuilder::<LegacyDriver>::new().enable_timer().build()?.block_on(main)),
    }
}

/// Starts a task on this core. Nobody waits for it: what must be known of its end it leaves behind itself.
/// A panic in it is a bug of ours and ends the task alone; the core and its other connections go on.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    drop(monoio::spawn(Guarded { task }));
}

pin_project! {
    struct Guarded<F> {
        #[pin]
        task: F,
    }
}

impl<F: Future<Output = ()>> Future for Guarded<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let task = self.project().task;
        catch_unwind(AssertUnwindSafe(|| task.poll(context))).unwrap_or(Poll::Ready(()))
    }
}

pub async fn sleep(duration: Duration) {
    monoio::time::sleep(duration).await;
}
