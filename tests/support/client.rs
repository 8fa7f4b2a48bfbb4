//! A client that sends what it is told, well formed or not, and reads answers byte by byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::PATIENCE;

pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    /// What the next answer answers: an answer to HEAD has no body.
    asked: std::collections::VecDeque<bool>,
}

#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    pub reason: String,
    /// With their spelling and order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The head as it came, with its last empty line.
    pub raw_head: String,
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The first value of a header, whatever its spelling.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let matching = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        matching.map(|(_, value)| value.as_str()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn expect(self, status: u16, body: &str) -> Self {
        assert_eq!((self.status, self.text().as_str()), (status, body), "{}", self.raw_head);
        self
    }
}

impl Client {
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE)
            .unwrap_or_else(|error| panic!("nobody answers at {addr}: {error}"));
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a write timeout");
        Self { stream, buffer: Vec::new(), asked: std::collections::VecDeque::new() }
    }

    /// Sends bytes as they are. The first word of each head counts: answers to HEAD are read without a body.
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes.as_ref()).expect("the peer takes what is sent");
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let first = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
        if bytes.windows(6).any(|window| window == b"HTTP/1") {
            self.asked.push_back(first == b"HEAD");
        }
        self.stream.write_all(bytes)
    }

    /// Says that the next answer has no body, where `send` could not know.
    pub fn expect_no_body(&mut self) {
        self.asked.push_front(true);
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    #[track_caller]
    pub fn head(&mut self, path: &str) -> Response {
        self.request("HEAD", path, &[], b"")
    }

    #[track_caller]
    pub fn post(&mut self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", path, &[], body.as_ref())
    }

    /// One request and its answer. `Host` and `Content-Length` are added where the headers do not say them.
    #[track_caller]
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let bytes = request_bytes(method, path, headers, body);
        self.send(bytes);
        self.read_response()
    }

    /// The next final answer; 1xx answers before it are passed over.
    #[track_caller]
    pub fn read_response(&mut self) -> Response {
        loop {
            let response = self.read_any_response();
            if response.status >= 200 {
                return response;
            }
        }
    }

    /// The next answer, 100 Continue too.
    #[track_caller]
    pub fn read_any_response(&mut self) -> Response {
        self.try_read_response().unwrap_or_else(|error| {
            panic!("no whole answer: {error}; so far {:?}", String::from_utf8_lossy(&self.buffer))
        })
    }

    pub fn try_read_response(&mut self) -> io::Result<Response> {
        let mut response = self.try_read_head()?;
        if response.status < 200 {
            return Ok(response);
        }
        let head_only = self.asked.pop_front().unwrap_or(false);
        if head_only || matches!(response.status, 204 | 304) {
            return Ok(response);
        }
        if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let line = self.line()?;
                let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(|_| invalid(format!("chunk size {line:?}")))?;
                if size == 0 {
                    break;
                }
                let chunk = self.take(size + 2)?;
                if !chunk.ends_with(b"\r\n") {
                    return Err(invalid("a chunk without its line end".to_owned()));
                }
                response.body.extend_from_slice(&chunk[..size]);
            }
            loop {
                let line = self.line()?;
                let Some((name, value)) = line.split_once(':') else { return Ok(response) };
                response.trailers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        match response.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) => response.body = self.take(length)?,
            Some(Err(_)) => return Err(invalid("Content-Length is no number".to_owned())),
            None => {
                while self.fill()? {}
                response.body = std::mem::take(&mut self.buffer);
            }
        }
        Ok(response)
    }

    /// Status line and headers only; the body is left to be read.
    pub fn try_read_head(&mut self) -> io::Result<Response> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let raw_head = String::from_utf8_lossy(&self.take(end)?).into_owned();
        let mut lines = raw_head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = first.next().unwrap_or_default();
        let status = first.next().and_then(|text| text.parse().ok());
        let (true, Some(status)) = (version.starts_with("HTTP/1."), status) else {
            return Err(invalid(format!("no status line in {raw_head:?}")));
        };
        let headers = lines
            .filter(|line| !line.is_empty())
            .map(|line| line.split_once(':').ok_or_else(|| invalid(format!("header line {line:?}"))))
            .map(|split| split.map(|(name, value)| (name.to_owned(), value.trim().to_owned())))
            .collect::<io::Result<_>>()?;
        let reason = first.next().unwrap_or_default().to_owned();
        Ok(Response { status, reason, headers, raw_head: raw_head.clone(), ..Response::default() })
    }

    /// Exactly so many bytes of what comes next.
    pub fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line = self.take(end + 2)?;
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        let mut piece = [0; 64 * 1024];
        let got = self.stream.read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..got]);
        Ok(got > 0)
    }

    /// Whether the peer closes within `time`, without a byte more. A reset is a close as well.
    pub fn closed_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time.max(Duration::from_millis(1)))).expect("a read timeout");
        let outcome = self.fill();
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        match outcome {
            Ok(more) => !more && self.buffer.is_empty(),
            Err(error) => matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe),
        }
    }

    /// Everything until the peer closes.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.fill() {
                Ok(true) => assert!(Instant::now() < end, "the peer goes on sending"),
                Ok(false) => return std::mem::take(&mut self.buffer),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return std::mem::take(&mut self.buffer);
                }
                Err(error) => panic!("the peer does not close: {error}"),
            }
        }
    }

    /// Nothing more will be sent; answers can still be read.
    pub fn finish_sending(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// The bytes of one request; `Host` and `Content-Length` are added where the headers do not say them.
pub fn request_bytes(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let says = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !says("host") {
        head.push_str("Host: localhost\r\n");
    }
    if !says("content-length") && !says("transfer-encoding") && (!body.is_empty() || method == "POST") {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
