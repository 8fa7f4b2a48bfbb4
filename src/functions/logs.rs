//! What functions print, line by line, onto standard output or into files, by a thread of its own.
//!
//! Nothing waits for that thread: where it is behind (a full disk, a pipe that nobody reads) lines are counted and lost.
//! A process that prints without end is read slowly, so that it waits and not the others.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, sleep_until};

use crate::settings::FunctionLog;
use crate::settings::limits::{
    FUNCTION_LAST_LINES_MAX, FUNCTION_LOG_BYTES_AT_ONCE, FUNCTION_LOG_INTERVAL, FUNCTION_LOG_LINE_BYTES_MAX,
    FUNCTION_LOG_LINES_WAITING_MAX,
};

/// Where all functions write.
#[derive(Clone)]
pub(super) struct Logs {
    lines: Sender<Order>,
    lost: Arc<AtomicU64>,
}

enum Order {
    Line {
        log: Arc<FunctionLog>,
        text: Vec<u8>,
    },
    Reopen,
    /// Answered when everything before it is written.
    Flush(Sender<()>),
}

impl Logs {
    pub(super) fn start(lost: Arc<AtomicU64>) -> io::Result<Self> {
        let (lines, taken) = bounded(FUNCTION_LOG_LINES_WAITING_MAX);
        let counted = Arc::clone(&lost);
        thread::Builder::new().name("weir-functions-log".into()).spawn(move || write(&taken, &counted))?;
        Ok(Self { lines, lost })
    }

    /// Files are opened anew: they may have been rotated.
    pub(super) fn reopen(&self) {
        let _ = self.lines.try_send(Order::Reopen);
    }

    /// Until what was printed is written, or `bound` is over.
    pub(super) fn flush(&self, bound: std::time::Duration) {
        let (done, wait) = bounded(1);
        if self.lines.send_timeout(Order::Flush(done), bound).is_ok() {
            let _ = wait.recv_timeout(bound);
        }
    }
}

/// Whether it can be written to, so that a wrong path is told and not counted as lines that are lost.
pub(super) fn check(log: &FunctionLog) -> Result<(), String> {
    let FunctionLog::File(path) = log else { return Ok(()) };
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map(drop).map_err(|error| format!("its log, {}, cannot be written to: {error}", path.display()))
}

/// The log of one function's process.
#[derive(Clone)]
pub(super) struct Log {
    logs: Logs,
    to: Arc<FunctionLog>,
    function: Arc<str>,
    /// The last lines, until the process has begun: they say why it does not.
    last: Arc<Mutex<Option<VecDeque<String>>>>,
}

impl Log {
    pub(super) fn new(logs: &Logs, to: &Arc<FunctionLog>, function: &Arc<str>) -> Self {
        let last = Arc::new(Mutex::new(Some(VecDeque::new())));
        Self { logs: logs.clone(), to: Arc::clone(to), function: Arc::clone(function), last }
    }

    pub(super) fn line(&self, line: &[u8]) {
        self.lines(&[line]);
    }

    /// Several lines, next to each other.
    pub(super) fn lines(&self, lines: &[&[u8]]) {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let mut text = Vec::with_capacity(lines.iter().map(|line| line.len() + 64).sum());
        for line in lines {
            let _ = write!(text, "{now} {} ", self.function);
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        if self.logs.lines.try_send(Order::Line { log: Arc::clone(&self.to), text }).is_err() {
            self.logs.lost.fetch_add(lines.len() as u64, Relaxed);
        }
        if let Some(last) = self.last.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            last.extend(lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()));
            let more = last.len().saturating_sub(FUNCTION_LAST_LINES_MAX);
            last.drain(..more);
        }
    }

    /// What was printed so far, while the process had not begun.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }

    /// The process has begun.
    pub(super) fn forget_lines(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Reads what a process prints until it prints nothing more.
    pub(super) async fn follow(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 8 * 1024];
        let mut lines = Lines::default();
        let (mut began, mut read) = (Instant::now(), 0);
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            lines.feed(&buffer[..n], |line| self.line(line));
            read += n;
            if began.elapsed() > FUNCTION_LOG_INTERVAL {
                (began, read) = (Instant::now(), 0);
            } else if read > FUNCTION_LOG_BYTES_AT_ONCE {
                sleep_until(began + FUNCTION_LOG_INTERVAL).await;
                (began, read) = (Instant::now(), 0);
            }
        }
        lines.end(|line| self.line(line));
    }
}

/// Bytes to lines, none longer than the limit.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ended) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            let mut rest = text;
            while self.partial.len() + rest.len() > FUNCTION_LOG_LINE_BYTES_MAX {
                let (now, later) = rest.split_at(FUNCTION_LOG_LINE_BYTES_MAX - self.partial.len());
                self.partial.extend_from_slice(now);
                line(&std::mem::take(&mut self.partial));
                rest = later;
            }
            self.partial.extend_from_slice(rest);
            if ended {
                line(self.partial.strip_suffix(b"\r").unwrap_or(&self.partial));
                self.partial.clear();
            }
        }
    }

    fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if !self.partial.is_empty() {
            line(&std::mem::take(&mut self.partial));
        }
    }
}

fn write(orders: &Receiver<Order>, lost: &AtomicU64) {
    let mut open: HashMap<Arc<FunctionLog>, File> = HashMap::new();
    for order in orders {
        match order {
            Order::Line { log, text } => {
                if write_line(&mut open, log, &text).is_err() {
                    lost.fetch_add(1, Relaxed);
                }
            }
            Order::Reopen => open.clear(),
            Order::Flush(done) => drop(done.try_send(())),
        }
    }
}

fn write_line(open: &mut HashMap<Arc<FunctionLog>, File>, log: Arc<FunctionLog>, text: &[u8]) -> io::Result<()> {
    let open_log = Arc::clone(&log);
    let file = match open.entry(log) {
        std::collections::hash_map::Entry::Occupied(there) => there.into_mut(),
        std::collections::hash_map::Entry::Vacant(empty) => {
            let file = match &**empty.key() {
                // A descriptor of its own: std's `Stdout` has a lock that a stuck write would hold at exit.
                FunctionLog::Stdout => File::from(io::stdout().as_fd().try_clone_to_owned()?),
                FunctionLog::File(path) => OpenOptions::new().append(true).create(true).open(path)?,
            };
            empty.insert(file)
        }
    };
    match *open_log {
        FunctionLog::Stdout => file.write_all(&plain(text)),
        FunctionLog::File(_) => file.write_all(text),
    }
}

/// Without what a terminal would obey: control characters, C1's two bytes among them. A line's own end and tabs stay.
fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    let obeyed = |at: usize| match text[at] {
        b'\n' | b'\t' => false,
        0x80..=0x9f => at > 0 && text[at - 1] == 0xc2,
        byte => byte.is_ascii_control(),
    };
    if !(0..text.len()).any(obeyed) {
        return text.into();
    }
    let lead = |at: usize| text[at] == 0xc2 && at + 1 < text.len() && obeyed(at + 1);
    (0..text.len()).map(|at| if obeyed(at) || lead(at) { b'?' } else { text[at] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &[&str]) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut take = |line: &[u8]| found.push(String::from_utf8_lossy(line).into_owned());
        pieces.iter().for_each(|piece| lines.feed(piece.as_bytes(), &mut take));
        lines.end(&mut take);
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_found_in_pieces_of_any_size() {
        check(&["a\nb\r\n\nc"], &["a", "b", "", "c"]);
        check(&["a", "b", "\n", "c\n"], &["ab", "c"]);
        check(&[], &[]);
    }

    #[test]
    fn no_line_orders_a_terminal_about() {
        assert_eq!(plain(b"a\tb\xc3\x9b\n").as_ref(), b"a\tb\xc3\x9b\n");
        assert_eq!(plain(b"\x1b[2J\r\xc2\x9b\x7f\xc2").as_ref(), b"?[2J????\xc2");
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let long = "x".repeat(FUNCTION_LOG_LINE_BYTES_MAX);
        check(&[&long, &long, "y\n"], &[&long, &long, "y"]);
        check(&[&format!("{long}{long}y")], &[&long, &long, "y"]);
    }
}
