//! Bytes to messages and back; no socket, no clock.

pub mod h1;
pub mod headers;
pub mod uri;
