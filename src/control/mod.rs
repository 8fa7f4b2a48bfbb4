//! Definitions in, snapshots out: one side thread.

pub mod deploy;
