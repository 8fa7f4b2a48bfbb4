//! Definitions to one snapshot, or every reason why not.

pub mod refuse;
