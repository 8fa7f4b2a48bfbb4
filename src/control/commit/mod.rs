//! Every change is one atomic set of rows with a revision: in memory at once, on disk before it is acknowledged.

pub mod backup;
pub mod change;
pub mod definitions;
pub mod disk;
pub mod folder;
pub mod store;
pub mod store_error;
pub mod unsettled;
pub mod writer;
