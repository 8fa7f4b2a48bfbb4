//! The head of a backend's response.

use super::framing::{Framing, HEAD_BYTES_MAX, HeadError, NOMINATED_MAX};
use super::head;
use crate::wire::headers::{Known, Line, list_names};

#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    pub status: u16,
    pub lines: Vec<Line>,
    pub framing: Framing,
    /// Whether another request may follow on this connection.
    pub keep_alive: bool,
    /// Bytes of the whole head, its empty line included.
    pub length: usize,
}

impl ResponseHead {
    /// Reads the head that [`head::end`] found to be `length` bytes long. `to_head` says that it answers a HEAD.
    pub fn parse(&mut self, bytes: &[u8], length: usize, to_head: bool) -> Result<(), HeadError> {
        if length > HEAD_BYTES_MAX {
            return Err(HeadError::TooLarge);
        }
        let bytes = bytes.get(..length).ok_or(HeadError::Malformed)?;
        let mut lines = [const { std::mem::MaybeUninit::uninit() }; head::LINES];
        let mut parsed = httparse::Response::new(&mut []);
        let status = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut parsed, bytes, &mut lines)
            .map_err(head::refusal)?;
        let (httparse::Status::Complete(n), Some(code), Some(version)) = (status, parsed.code, parsed.version) else {
            return Err(HeadError::Malformed);
        };
        if n != length || !(100..=999).contains(&code) {
            return Err(HeadError::Malformed);
        }
        self.status = code;
        self.length = length;
        let http_1_1 = version == 1;
        head::take_lines(bytes, parsed.headers, &mut self.lines);
        let framing = head::framing(bytes, &self.lines, http_1_1)?;
        // RFC 9112 6.3, in its order: no body whatever the lines say; what they say; until the connection ends.
        self.framing = match framing {
            _ if to_head || code < 200 || code == 204 || code == 304 => Framing::None,
            Some(framing) => framing,
            None => Framing::UntilClose,
        };
        let tokens = self.lines.iter().filter(|line| line.known == Known::Connection);
        if tokens.map(|line| line.value.of(bytes).split(|&byte| byte == b',').count()).sum::<usize>() > NOMINATED_MAX {
            return Err(HeadError::Malformed);
        }
        let names = |token: &[u8]| {
            self.lines.iter().any(|line| line.known == Known::Connection && list_names(line.value.of(bytes), token))
        };
        self.keep_alive = match http_1_1 {
            _ if self.framing == Framing::UntilClose => false,
            true => !names(b"close"),
            false => names(b"keep-alive") && !names(b"close"),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, to_head: bool, expected: Result<(u16, Framing, bool), HeadError>) {
        let mut response = ResponseHead::default();
        let length = head::end(text.as_bytes(), 0).unwrap_or(text.len());
        let parsed = response.parse(text.as_bytes(), length, to_head);
        assert_eq!(parsed.map(|()| (response.status, response.framing, response.keep_alive)), expected);
    }

    #[test]
    fn framings_of_answers() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, Ok((200, Framing::Sized(3), true)));
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, Ok((200, Framing::None, true)));
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, Ok((200, Framing::Chunked, true)));
        check("HTTP/1.1 204 No Content\r\n\r\n", false, Ok((204, Framing::None, true)));
        check("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, Ok((304, Framing::None, true)));
        check("HTTP/1.1 200 OK\r\n\r\n", false, Ok((200, Framing::UntilClose, false)));
        check("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", false, Ok((200, Framing::Sized(3), false)));
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
            false,
            Ok((200, Framing::Sized(3), false)),
        );
        check("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, Ok((200, Framing::Sized(0), true)));
    }

    #[test]
    fn answers_that_cannot_be_trusted() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            false,
            Err(HeadError::AmbiguousFraming),
        );
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            false,
            Err(HeadError::AmbiguousFraming),
        );
        check("SSH-2.0-OpenSSH\r\n\r\n", false, Err(HeadError::Version));
        check("HTTP/1.1 20 OK\r\n\r\n", false, Err(HeadError::Malformed));
    }
}
