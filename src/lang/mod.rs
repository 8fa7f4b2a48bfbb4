//! The languages that users write: text to program to value. No clock and no lock; the time is an argument.

pub mod policy;
pub mod schema;
pub mod value;
