//! The request out, the response back: what a definition maps, and the header rules that always hold (rest/04, 05, 07).

pub mod compile;
mod headers;
mod parameters;
mod request;
mod response;
mod select;

pub use headers::{Return, give_mapped, write_status_line};
pub use request::{Outbound, OutboundBody, RequestMapping, request};
pub use response::{Answer, AnswerBody, Backend, ResponseMapping, response};
