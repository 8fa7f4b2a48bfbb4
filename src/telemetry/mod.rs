//! Count, time, describe. Each core counts into cells that no other core writes; whoever reads sums them.

pub mod counters;
pub mod log_port;
pub mod names;
pub mod render;
