//! What the edge needs from elsewhere, kept fresh: addresses of names, keys of issuers, keys of AWS accounts, definitions
//! on disk.

pub mod credential_source;
pub mod credentials;
pub mod dns;
pub mod files;
pub mod http;
pub mod jwks;
pub mod key_source;
