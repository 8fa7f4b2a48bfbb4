//! What the edge needs from elsewhere, kept fresh: addresses of names, definitions on disk.

pub mod dns;
pub mod files;
