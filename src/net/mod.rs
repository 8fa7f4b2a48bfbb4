//! The ring: everything that waits on a descriptor. The one folder that names monoio (its traps: docs/architecture.md).

pub mod buffer;
pub mod mailbox;
pub mod ring;
mod send;
pub mod socket;
pub mod tcp;
pub mod timer;
pub mod tls;
