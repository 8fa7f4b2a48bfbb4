//! Definitions to stages, stages to one snapshot, or every reason why not.

pub mod compile;
pub mod ids;
pub mod load;
pub mod publish;
pub mod refuse;
pub mod stage;
