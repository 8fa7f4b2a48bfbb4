//! A stream becomes requests, and answers go back on it.

mod answer;
mod h1;

pub use answer::{AnswerFraming, Finish, finish_head};
pub use h1::{Connection, Front, Next};
