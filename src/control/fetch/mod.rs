//! What the edge needs from elsewhere, kept fresh: addresses of names, keys of issuers, definitions on disk.

pub mod dns;
pub mod files;
pub mod jwks;
pub mod key_source;
