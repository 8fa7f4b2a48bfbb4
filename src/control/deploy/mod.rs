//! Definitions to one snapshot, or every reason why not.

pub mod compile;
pub mod from_rows;
pub mod ids;
pub mod load;
pub mod publish;
pub mod refuse;
