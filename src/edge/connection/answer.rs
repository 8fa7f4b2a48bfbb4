//! The end of an answer's head: what every answer carries, and how its body is framed (rest/05 section 5.8).

use crate::edge::exchange::Request;
use crate::net::buffer::Buffer;
use crate::time::Stamp;

/// How the body of an answer is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFraming {
    Sized(u64),
    Chunked,
    /// To HTTP/1.0, which knows no chunks.
    UntilClose,
    /// No body, and none is announced: 204, 304, an answer to HEAD whose length nobody knows.
    Unsaid,
}

/// What the end of a head says beside the framing.
pub struct Finish<'f> {
    pub request: &'f Request,
    pub keep_alive: bool,
    pub stamp: &'f Stamp,
    pub framing: AnswerFraming,
}

/// Writes ids, date, connection and framing behind the mapped headers, and the empty line.
#[inline]
pub fn finish_head(out: &mut Buffer, finish: &Finish<'_>) {
    out.push(b"x-amzn-RequestId: ");
    out.push(&finish.request.ids.request);
    out.push(b"\r\nx-amz-apigw-id: ");
    out.push(&finish.request.ids.extended);
    out.push(b"\r\nDate: ");
    out.push(&finish.stamp.http_date);
    out.push(if finish.keep_alive { b"\r\nConnection: keep-alive\r\n" } else { b"\r\nConnection: close\r\n" });
    match finish.framing {
        AnswerFraming::Sized(length) => {
            out.push(b"Content-Length: ");
            out.push_decimal(length);
            out.push(b"\r\n\r\n");
        }
        AnswerFraming::Chunked => out.push(b"Transfer-Encoding: chunked\r\n\r\n"),
        AnswerFraming::UntilClose | AnswerFraming::Unsaid => out.push(b"\r\n"),
    }
}
