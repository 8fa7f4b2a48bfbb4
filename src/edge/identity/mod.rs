//! Who is calling: tokens and the keys of their issuers.

pub mod claims;
pub mod fuzz;
pub mod issuer;
pub mod jwt;
pub mod user_pool;
