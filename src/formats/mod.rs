//! Documents to definitions and back, every value with its line.

pub mod openapi;
pub mod yaml;
