//! The access log's thread: it writes what the cores hand over, and is the only one that may wait for a disk.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded, select};

use crate::control::tell::tell;
use crate::settings::LogTarget;
use crate::settings::limits::{
    LOG_BATCH_BYTES, LOG_BATCHES_WAITING_MAX, LOG_COMPLAINT_INTERVAL, LOG_RETRY_REST, LOG_RETRY_TIMEOUT,
};
use crate::telemetry::log_port::{Batch, LogIntake, LogPort, log_port};

/// The running writer. Dropping it without [`stop`](Self::stop) leaves the thread to end by itself.
pub struct LogWriter {
    port: LogPort,
    orders: Sender<Order>,
    done: Receiver<()>,
    lost: Arc<AtomicU64>,
}

enum Order {
    Reopen,
    Stop,
}

impl LogWriter {
    /// Opens the target and starts the thread. A target that cannot be opened is an error here, not later.
    pub fn start(target: LogTarget) -> io::Result<Self> {
        let file = open(&target)?;
        let (port, intake) = log_port(LOG_BATCHES_WAITING_MAX, LOG_BATCH_BYTES);
        // One order of each kind may wait: a second one of the same kind says nothing new.
        let (orders, receive) = bounded(2);
        let (finished, done) = bounded(1);
        let lost = Arc::new(AtomicU64::new(0));
        let mut output = Output { target, file, torn: false, lost: Arc::clone(&lost), complained: None };
        thread::Builder::new().name("access-log".into()).spawn(move || {
            run(&mut output, &intake, &receive);
            let _ = finished.send(());
        })?;
        Ok(Self { port, orders, done, lost })
    }

    /// An end for one more core.
    pub fn port(&self) -> LogPort {
        self.port.clone()
    }

    /// Lines that could not be written.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    /// Opens the file again, as after a rotation (SIGHUP).
    pub fn reopen(&self) {
        let _ = self.orders.try_send(Order::Reopen);
    }

    /// Writes what still waits and ends. False when that took longer than `bound`: whoever reads the other end of a
    /// pipe has stopped. The thread is left behind then, and ends with the process.
    pub fn stop(self, bound: Duration) -> bool {
        let deadline = Instant::now() + bound;
        self.orders.send_timeout(Order::Stop, bound).is_ok() && self.done.recv_deadline(deadline).is_ok()
    }
}

fn run(output: &mut Output, intake: &LogIntake, orders: &Receiver<Order>) {
    loop {
        select! {
            recv(intake.batches) -> batch => match batch {
                Ok(batch) => output.take(batch, intake),
                Err(_) => return,
            },
            recv(orders) -> order => match order {
                Ok(Order::Reopen) => {
                    output.drain(intake);
                    output.reopen();
                }
                Ok(Order::Stop) | Err(_) => return output.drain(intake),
            },
        }
    }
}

struct Output {
    target: LogTarget,
    file: File,
    /// The last write ended within a line.
    torn: bool,
    lost: Arc<AtomicU64>,
    complained: Option<Instant>,
}

impl Output {
    /// What waits now: at most a channel full, so that cores that go on writing do not hold it up.
    fn drain(&mut self, intake: &LogIntake) {
        for batch in intake.batches.try_iter().take(LOG_BATCHES_WAITING_MAX) {
            self.take(batch, intake);
        }
    }

    fn take(&mut self, batch: Batch, intake: &LogIntake) {
        if let Err((error, written)) = self.write(&batch.bytes) {
            let whole = batch.bytes[..written].iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.lost.fetch_add(u64::from(batch.lines).saturating_sub(whole), Relaxed);
            self.complain(&format!("cannot be written: {error}"));
        }
        intake.give_back(batch.bytes);
    }

    /// Writes everything, or answers how much of it was.
    fn write(&mut self, bytes: &[u8]) -> Result<(), (io::Error, usize)> {
        // A full disk may have cut a line; the next one begins on a line of its own.
        if self.torn {
            write_some(&mut self.file, b"\n", &mut 0).map_err(|error| (error, 0))?;
            self.torn = false;
        }
        let mut written = 0;
        let outcome = write_some(&mut self.file, bytes, &mut written);
        self.torn = written > 0 && bytes[written - 1] != b'\n';
        outcome.map_err(|error| (error, written))
    }

    fn reopen(&mut self) {
        match open(&self.target) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => self.complain(&format!("cannot be opened again, the old file is kept: {error}")),
        }
    }

    fn complain(&mut self, what: &str) {
        if self.complained.is_some_and(|last| last.elapsed() < LOG_COMPLAINT_INTERVAL) {
            return;
        }
        self.complained = Some(Instant::now());
        let target = match &self.target {
            LogTarget::Stdout => "standard output".into(),
            LogTarget::File(path) => path.display().to_string(),
        };
        let lost = self.lost.load(Relaxed);
        tell(format_args!("the access log ({target}) {what}; {lost} lines lost so far"));
    }
}

fn write_some(file: &mut File, bytes: &[u8], written: &mut usize) -> io::Result<()> {
    let began = Instant::now();
    while *written < bytes.len() {
        match file.write(&bytes[*written..]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => *written += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Whoever shares our standard output has made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock && began.elapsed() < LOG_RETRY_TIMEOUT => {
                thread::sleep(LOG_RETRY_REST);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn open(target: &LogTarget) -> io::Result<File> {
    match target {
        // A descriptor of its own: std's `Stdout` has a lock and a buffer that a stuck write would hold at exit.
        LogTarget::Stdout => Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
        LogTarget::File(path) => {
            // Opening a FIFO for writing waits for a reader; for both it does not (fifo(7)).
            let fifo = path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
            OpenOptions::new().append(true).create(true).read(fifo).open(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::control::scratch::Scratch;

    const BOUND: Duration = Duration::from_secs(20);

    fn start(path: &Path) -> LogWriter {
        LogWriter::start(LogTarget::File(path.to_path_buf())).expect("opens")
    }

    fn hand(writer: &LogWriter, lines: &str) {
        let taken = writer.port().hand_over(lines.as_bytes().to_vec(), lines.matches('\n').count() as u32);
        assert!(taken.is_ok());
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("readable")
    }

    #[test]
    fn all_that_was_handed_over_is_there_after_the_stop() {
        let scratch = Scratch::new("log");
        let path = scratch.path("access.log");
        fs::write(&path, "before\n").expect("written");
        let writer = start(&path);
        (0..100).for_each(|n| hand(&writer, &format!("{n}\n")));
        assert!(writer.stop(BOUND));
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(text(&path), format!("before\n{expected}"));
    }

    #[test]
    fn a_rotated_file_is_left_after_its_last_line() {
        let scratch = Scratch::new("rotate");
        let (path, rotated) = (scratch.path("access.log"), scratch.path("access.log.1"));
        let writer = start(&path);
        hand(&writer, "old\n");
        fs::rename(&path, &rotated).expect("renamed");
        writer.reopen();
        assert!(writer.orders.send_timeout(Order::Reopen, BOUND).is_ok());
        while !path.exists() {
            thread::yield_now();
        }
        hand(&writer, "new\n");
        assert!(writer.stop(BOUND));
        assert_eq!((text(&rotated).as_str(), text(&path).as_str()), ("old\n", "new\n"));
    }

    #[test]
    fn a_full_disk_costs_lines_and_is_left_behind() {
        let writer = start(Path::new("/dev/full"));
        let lost = writer.lost();
        hand(&writer, "a\nb\n");
        hand(&writer, "c\n");
        assert!(writer.stop(BOUND));
        assert_eq!(lost.load(Relaxed), 3);
    }

    #[test]
    fn after_a_full_disk_the_log_goes_on() {
        let scratch = Scratch::new("recovers");
        let (link, path) = (scratch.path("link"), scratch.path("access.log"));
        std::os::unix::fs::symlink("/dev/full", &link).expect("linked");
        let writer = start(&link);
        let lost = writer.lost();
        hand(&writer, "a\n");
        while lost.load(Relaxed) == 0 {
            thread::yield_now();
        }
        fs::remove_file(&link).expect("removed");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        writer.reopen();
        while !path.exists() {
            thread::yield_now();
        }
        hand(&writer, "b\n");
        assert!(writer.stop(BOUND));
        assert_eq!((text(&path).as_str(), lost.load(Relaxed)), ("b\n", 1));
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next() {
        let scratch = Scratch::new("torn");
        let path = scratch.path("access.log");
        let target = LogTarget::File(path.clone());
        let file = open(&target).expect("opens");
        let mut output = Output { target, file, torn: true, lost: Arc::default(), complained: None };
        assert!(output.write(b"whole\n").is_ok() && !output.torn);
        assert_eq!(text(&path), "\nwhole\n");
    }

    #[test]
    fn a_pipe_that_nobody_reads_does_not_hold_the_exit_up() {
        let scratch = Scratch::new("fifo");
        let path = scratch.path("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
        assert!(made.success());
        let writer = start(&path);
        // A pipe takes 64 KiB by default; this is four times as much.
        hand(&writer, &"x\n".repeat(128 * 1024));
        assert!(!writer.stop(Duration::from_millis(50)));
    }

    #[test]
    fn what_cannot_be_opened_is_told_at_the_start() {
        let target = LogTarget::File(PathBuf::from("/nonexistent/access.log"));
        assert_eq!(LogWriter::start(target).map(|_| ()).map_err(|error| error.kind()), Err(ErrorKind::NotFound));
    }
}
