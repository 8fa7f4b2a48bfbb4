//! The languages that users write: text to program to value. No clock and no lock; the time is an argument.

pub mod budget;
pub mod java_number;
pub mod java_regex;
pub mod json;
pub mod jsonpath;
pub mod policy;
pub mod schema;
pub mod unique_json;
pub mod value;
pub mod vtl;
pub mod xml;
