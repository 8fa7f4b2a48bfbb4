//! The request out, the response back: what a definition maps, and the header rules that always hold (rest/04 to 08).

mod answer;
pub mod compile;
mod compression;
mod encoding;
pub mod event;
mod function;
mod head;
mod headers;
mod invocation;
mod json_body;
mod mapping;
mod overrides;
mod parameters;
mod request;
mod response;
mod select;
mod template;
mod world;

pub use answer::{Answer, AnswerBody, Backend};
pub use compression::{Coding, Compression};
pub use function::{invoked, streamed_head};
pub use headers::{Return, give_mapped, write_status_line};
pub use mapping::{MockRequest, Outbound, OutboundBody, RequestMapping};
pub use overrides::Overrides;
pub use request::request;
pub use response::{Chosen, ResponseMapping, choice, response};
pub use template::{Scratch, Tools};
