//! Keys of an AWS account, as they are now: whoever keeps them fresh is beside the cores.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::settings::Secret;

/// With whose keys calls to AWS are signed.
#[derive(Debug)]
pub struct Credential {
    /// For people: `the default credentials`, `profile prod`.
    pub name: Box<str>,
    current: ArcSwapOption<Keys>,
}

/// One set of keys. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    pub access_key: String,
    pub secret_key: Secret,
    pub session_token: Option<Secret>,
    /// In seconds since 1970; `None` is never.
    pub expires: Option<u64>,
}

impl Credential {
    /// Without keys as yet.
    pub fn new(name: impl fmt::Display) -> Self {
        Self { name: name.to_string().into(), current: ArcSwapOption::empty() }
    }

    /// What was found last; nothing where there is none any more.
    pub fn set(&self, keys: Option<Keys>) {
        self.current.store(keys.map(Arc::new));
    }

    /// Those that still hold.
    pub fn keys(&self, unix_seconds: u64) -> Option<Arc<Keys>> {
        let keys = self.current.load_full()?;
        keys.expires.is_none_or(|expires| unix_seconds < expires).then_some(keys)
    }
}
