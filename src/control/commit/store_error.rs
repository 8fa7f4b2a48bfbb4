//! Why something is not on disk, or cannot be read from it, for people.

use std::fmt;
use std::io;
use std::sync::Arc;

/// What was found and what helps. Cheap to clone: many changes may fail for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    pub found: Arc<str>,
    pub help: &'static str,
    /// Changes are lost with it; `None` where only a read or a backup failed.
    pub lost: Option<Lost>,
}

/// Which changes a failure took with it. There is one number for all of them, and numbers rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub failure: u64,
    /// This revision and every later one that was handed over before the failure was known.
    pub since: u64,
}

impl StoreError {
    pub fn new(found: impl fmt::Display, help: &'static str) -> Self {
        Self { found: found.to_string().into(), help, lost: None }
    }

    pub fn of_io(what: &str, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let help = match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => {
                "make room: everything acknowledged is kept, and changes are taken again without a restart"
            }
            PermissionDenied | ReadOnlyFilesystem => "let this user write there",
            _ => "look at the kernel's log (dmesg) and at the disk: everything acknowledged is kept",
        };
        Self::new(format_args!("{what}: {error}"), help)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.found, self.help)
    }
}

impl std::error::Error for StoreError {}
