//! What keeps the process from starting, for people.

use std::fmt;

use crate::model::problem::{Problem, Sources};

/// What keeps the process from starting.
#[derive(Debug)]
pub struct Refusal {
    pub problems: Vec<Problem>,
    pub sources: Sources,
}

impl Refusal {
    pub fn sentence(code: &'static str, found: impl fmt::Display, help: impl Into<String>) -> Self {
        Self { problems: vec![Problem::nowhere(code, found.to_string(), help)], sources: Sources::default() }
    }
}
