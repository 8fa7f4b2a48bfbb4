//! A fake HTTP/1.1 backend. The path it is asked for says how it (mis)behaves; see [`respond`].

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::PATIENCE;

/// Requests that are remembered; older ones are forgotten.
const REMEMBERED: usize = 64;

pub struct Backend {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    requests: AtomicUsize,
    stopping: AtomicBool,
    seen: Mutex<Vec<Seen>>,
    /// Answers by their paths, as bytes.
    answers: Mutex<BTreeMap<String, Vec<u8>>>,
}

/// One request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The head, with its last empty line.
    pub head: Vec<u8>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The body as it was framed: chunk lines and trailers included.
    pub raw_body: Vec<u8>,
}

impl Seen {
    pub fn head_text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    pub fn request_line(&self) -> String {
        self.head_text().lines().next().unwrap_or_default().to_owned()
    }

    pub fn method(&self) -> String {
        self.request_line().split(' ').next().unwrap_or_default().to_owned()
    }

    pub fn target(&self) -> String {
        self.request_line().split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// All values of a header, whatever its spelling.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.lines().into_iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    /// Header lines with their spelling and order.
    pub fn lines(&self) -> Vec<(String, String)> {
        let text = self.head_text();
        let lines = text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
    }
}

impl Backend {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.stopping.load(SeqCst) {
                    return;
                }
                accepting.connections.fetch_add(1, SeqCst);
                let shared = Arc::clone(&accepting);
                thread::spawn(move || {
                    // A broken connection is the test's doing; what matters is seen on the other side.
                    let _ = serve(&stream, &shared);
                });
            }
        });
        Self { addr, shared }
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// Requests whose head has arrived.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(SeqCst)
    }

    /// The last request that arrived whole (or as far as the path lets it be read).
    pub fn last(&self) -> Seen {
        self.all().pop().expect("the backend has been asked nothing")
    }

    /// The last requests, oldest first.
    pub fn all(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on this path (without its query) is answered so: a status, header lines without their ends, a body.
    pub fn answers(&self, path: &str, status: u16, lines: &[&str], body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut bytes = format!("HTTP/1.1 {status} Told\r\nContent-Length: {}\r\n", body.len()).into_bytes();
        for line in lines {
            bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), bytes);
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.stopping.store(true, SeqCst);
        let _ = TcpStream::connect(self.addr); // wakes the accepting thread
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut input = Input { stream, buffer: Vec::new(), slowly: false };
    while let Some(head) = input.head()? {
        shared.requests.fetch_add(1, SeqCst);
        let mut seen = Seen { head, ..Seen::default() };
        let outcome = respond(stream, &mut input, &mut seen, shared)?;
        if outcome == Then::Close || seen.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
        {
            let _ = stream.shutdown(Shutdown::Write);
            return Ok(());
        }
    }
    Ok(())
}

#[derive(PartialEq)]
enum Then {
    KeepAlive,
    Close,
}

/// What each path does, where [`Backend::answers`] was not told otherwise. `N` is bytes, `MS` milliseconds.
///
/// | path | behaviour |
/// |---|---|
/// | `/status/404` | that status, empty body |
/// | `/bytes/N`, `/chunked/N`, `/until-close/N` | N bytes by Content-Length, chunks, or until the connection closes |
/// | `/echo` | the request as it arrived: head and body |
/// | `/mirror/404?Name=value&…` | that status, these headers, and the request's body |
/// | `/delay/MS` | answers late; `/never` does not answer |
/// | `/garbage`, `/huge-head`, `/two-lengths`, `/bad-chunk` | answers that break the protocol |
/// | `/half/N` | promises N bytes, sends half, closes |
/// | `/drip/MS` | ten bytes, one every MS |
/// | `/reset` | a TCP reset instead of an answer |
/// | `/close` | answers as if the connection stayed, and closes it |
/// | `/100` | a 100 and a 103 before the answer |
/// | `/headers?Name=value&…` | answers with these headers, in this order |
/// | `/slow-read` | takes the body slowly; `/early/413` answers before reading it |
/// | `/trailers` | chunks and two trailers |
fn respond(mut stream: &TcpStream, input: &mut Input<'_>, seen: &mut Seen, shared: &Shared) -> io::Result<Then> {
    let target = seen.target();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let argument = parts.get(1).and_then(|text| text.parse::<u64>().ok());
    let head_only = seen.method() == "HEAD";

    match parts.first().copied().unwrap_or_default() {
        "early" => {
            remember(shared, seen);
            let status = argument.unwrap_or(413);
            write!(stream, "HTTP/1.1 {status} Early\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly")?;
            let _ = stream.shutdown(Shutdown::Write);
            // What still arrives is read away, so that the answer is not lost in a reset.
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            let _ = io::copy(&mut stream.take(64 << 20), &mut io::sink());
            return Ok(Then::Close);
        }
        "slow-read" => input.slowly = true,
        "reset" => {
            reset(stream)?;
            return Ok(Then::Close);
        }
        _ => {}
    }
    if seen.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    input.body(seen)?;
    remember(shared, seen);

    let sized = |bytes: &[u8], extra: &str| -> Vec<u8> {
        let mut out = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{extra}\r\n", bytes.len()).into_bytes();
        out.extend_from_slice(if head_only { b"" } else { bytes });
        out
    };
    let text = "Content-Type: text/plain\r\n";
    let told = shared.answers.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    if let Some(answer) = told {
        stream.write_all(&answer)?;
        return Ok(Then::KeepAlive);
    }
    match parts.first().copied().unwrap_or_default() {
        "status" => {
            let status = argument.unwrap_or(200);
            let length = if status == 204 || status == 304 { "" } else { "Content-Length: 0\r\n" };
            write!(stream, "HTTP/1.1 {status} Status\r\n{length}\r\n")?;
        }
        "bytes" => {
            let length = argument.unwrap_or(0);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{text}\r\n")?;
            if !head_only {
                io::copy(&mut pattern(length), &mut stream)?;
            }
        }
        "chunked" => {
            write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{text}\r\n")?;
            if !head_only {
                chunks(stream, argument.unwrap_or(0))?;
                stream.write_all(b"0\r\n\r\n")?;
            }
        }
        "until-close" => {
            write!(stream, "HTTP/1.0 200 OK\r\n{text}\r\n")?;
            io::copy(&mut pattern(argument.unwrap_or(0)), &mut stream)?;
            return Ok(Then::Close);
        }
        "echo" => {
            let copy = [seen.head.as_slice(), seen.body.as_slice()].concat();
            stream.write_all(&sized(&copy, text))?;
        }
        "mirror" => {
            let lines: String = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| format!("{}: {}\r\n", decoded(name), decoded(value)))
                .collect();
            let length = seen.body.len();
            write!(stream, "HTTP/1.1 {} Mirror\r\nContent-Length: {length}\r\n{lines}\r\n", argument.unwrap_or(200))?;
            if !head_only {
                stream.write_all(&seen.body)?;
            }
        }
        "delay" => {
            thread::sleep(Duration::from_millis(argument.unwrap_or(0)).min(Duration::from_secs(60)));
            stream.write_all(&sized(b"late", text))?;
        }
        "never" => {
            // Until the gateway gives up on this connection.
            let _ = io::copy(&mut stream.take(1 << 20), &mut io::sink());
            return Ok(Then::Close);
        }
        "garbage" => {
            stream.write_all(b"\x00\x01\x02 this is not HTTP \xff\xfe\r\n\r\nat all\r\n")?;
            return Ok(Then::Close);
        }
        "half" => {
            let length = argument.unwrap_or(0);
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{text}\r\n")?;
            io::copy(&mut pattern(length / 2), &mut stream)?;
            return Ok(Then::Close);
        }
        "huge-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")?;
            for index in 0..20_000 {
                write!(stream, "X-Padding-{index}: {}\r\n", "p".repeat(80))?;
            }
            stream.write_all(b"\r\n")?;
            return Ok(Then::Close);
        }
        "drip" => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n{text}\r\n")?;
            for _ in 0..10 {
                thread::sleep(Duration::from_millis(argument.unwrap_or(0)).min(Duration::from_secs(10)));
                stream.write_all(b"d")?;
            }
        }
        "close" => {
            stream.write_all(&sized(b"goodbye", text))?;
            return Ok(Then::Close);
        }
        "100" => {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")?;
            stream.write_all(&sized(b"after interim answers", text))?;
        }
        "headers" => {
            let lines: String = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| format!("{}: {}\r\n", decoded(name), decoded(value)))
                .collect();
            stream.write_all(&sized(b"headers", &lines))?;
        }
        "two-lengths" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")?;
            return Ok(Then::Close);
        }
        "bad-chunk" => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\noops\r\n0\r\n\r\n",
            )?;
            return Ok(Then::Close);
        }
        "trailers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-End\r\n\r\n")?;
            if !head_only {
                stream.write_all(b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-End: yes\r\n\r\n")?;
            }
        }
        _ => stream.write_all(&sized(format!("{} {target}\n", seen.method()).as_bytes(), text))?,
    }
    Ok(Then::KeepAlive)
}

fn remember(shared: &Shared, seen: &Seen) {
    let mut kept = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == REMEMBERED {
        kept.remove(0);
    }
    kept.push(seen.clone());
}

/// `n` bytes that say where they stand, so that a lost or doubled piece shows: see [`pattern_byte`].
pub fn pattern(n: u64) -> impl Read {
    struct Pattern {
        at: u64,
        end: u64,
    }
    impl Read for Pattern {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(into.len());
            for byte in &mut into[..left] {
                *byte = pattern_byte(self.at);
                self.at += 1;
            }
            Ok(left)
        }
    }
    Pattern { at: 0, end: n }
}

/// The letter at this place of a body; 251 is prime, so that no buffer's size hides a shift.
pub fn pattern_byte(at: u64) -> u8 {
    b"abcdefghijklmnopqrstuvwxyz"[usize::try_from(at % 251).unwrap_or(0) % 26]
}

pub fn pattern_bytes(n: u64) -> Vec<u8> {
    (0..n).map(pattern_byte).collect()
}

fn chunks(mut stream: &TcpStream, length: u64) -> io::Result<()> {
    let body = pattern_bytes(length);
    // Sizes that grow, so that chunk borders fall everywhere in the reader's buffers.
    let (mut at, mut size) = (0, 1);
    while at < body.len() {
        let end = (at + size).min(body.len());
        write!(stream, "{:x}\r\n", end - at)?;
        stream.write_all(&body[at..end])?;
        stream.write_all(b"\r\n")?;
        (at, size) = (end, (size * 2).min(16_384) + 1);
    }
    Ok(())
}

/// Closes so that the peer sees a reset: SO_LINGER with no time.
fn reset(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let hex = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                u8::from_str_radix(&String::from_utf8_lossy(&hex), 16).unwrap_or(b'?')
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

struct Input<'s> {
    stream: &'s TcpStream,
    buffer: Vec<u8>,
    slowly: bool,
}

impl Input<'_> {
    /// More bytes; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let mut piece = [0; 16 * 1024];
        let size = if self.slowly { 1024 } else { piece.len() };
        if self.slowly {
            thread::sleep(Duration::from_millis(1));
        }
        let got = self.stream.read(&mut piece[..size])?;
        self.buffer.extend_from_slice(&piece[..got]);
        Ok(got > 0)
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn head(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                return self.take(end + 4).map(Some);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                return self.take(end + 2);
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads the body into what was seen; `/slow-read` does it a kilobyte at a time.
    fn body(&mut self, seen: &mut Seen) -> io::Result<()> {
        if seen.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let line = self.line()?;
                let size = String::from_utf8_lossy(&line);
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
                seen.raw_body.extend_from_slice(&line);
                if size == 0 {
                    break;
                }
                let chunk = self.take(size + 2)?;
                seen.body.extend_from_slice(&chunk[..size]);
                seen.raw_body.extend_from_slice(&chunk);
            }
            loop {
                let line = self.line()?;
                seen.raw_body.extend_from_slice(&line);
                if line == b"\r\n" {
                    return Ok(());
                }
            }
        }
        let length = seen.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        seen.body = self.take(length)?;
        seen.raw_body.clone_from(&seen.body);
        Ok(())
    }
}

/// Waits until something holds, for as long as a test may wait.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(std::time::Instant::now() < end, "{what} did not happen within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
