//! Every change is one atomic set of rows with a revision: in memory at once, on disk before it is acknowledged.

pub mod change;
pub mod definitions;
