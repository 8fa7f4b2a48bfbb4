//! Definitions to stages, stages to one snapshot, or every reason why not.

pub mod api_keys;
pub mod callers;
pub mod compile;
pub mod from_rows;
pub mod ids;
pub mod load;
pub mod parsed;
pub mod publish;
pub mod refuse;
pub mod stage;
