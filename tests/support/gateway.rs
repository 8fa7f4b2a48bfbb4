//! The gateway as users run it: a child process, found by its start-up line.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::{Client, Definition, PATIENCE};

pub struct Gateway {
    /// The first listener.
    pub addr: SocketAddr,
    /// All listeners.
    pub addrs: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    /// The definition on disk: write to it and `signal("HUP")` to reload.
    pub file: PathBuf,
    pub folder: Folder,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    driver: String,
}

/// A folder that is gone when its value is.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("weir-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a temporary file");
        path
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Gateway {
    /// Runs one definition at `/`; `args` come after the rest, so that they can say more.
    #[track_caller]
    pub fn start(definition: &Definition, args: &[&str]) -> Self {
        let folder = Folder::new();
        let file = folder.write("api.yaml", &definition.0);
        let command = ["run".to_owned(), file.display().to_string()];
        Self::start_in(folder, file, &command, args)
    }

    /// Runs `weir serve` with a fresh data folder.
    #[track_caller]
    pub fn serve(args: &[&str]) -> Self {
        let folder = Folder::new();
        let file = folder.0.join("none.yaml");
        let command = ["serve", "--data", &folder.0.join("data").display().to_string()].map(str::to_owned);
        Self::start_in(folder, file, &command, args)
    }

    /// Runs several definitions: `("orders", …)` answers below `/orders`, `("", …)` at `/`.
    #[track_caller]
    pub fn start_many(definitions: &[(&str, &Definition)], args: &[&str]) -> Self {
        let folder = Folder::new();
        let mut files = vec!["run".to_owned()];
        for (index, (base, definition)) in definitions.iter().enumerate() {
            let path = folder.write(&format!("api{index}.yaml"), &definition.0);
            let path = path.display();
            files.push(if base.is_empty() { path.to_string() } else { format!("{base}={path}") });
        }
        let file = folder.0.join("api0.yaml");
        Self::start_in(folder, file, &files, args)
    }

    #[track_caller]
    fn start_in(folder: Folder, file: PathBuf, told: &[String], args: &[&str]) -> Self {
        let says = |flag: &str| args.iter().any(|arg| *arg == flag || arg.starts_with(&format!("{flag}=")));
        let mut command = weir();
        command.args(told);
        if !says("--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !says("--admin") {
            command.args(["--admin", "127.0.0.1:0"]);
        }
        if !says("--driver")
            && let Ok(driver) = std::env::var("WEIR_TEST_DRIVER")
        {
            command.args(["--driver", &driver]);
        }
        let mut child = command.args(args).current_dir(&folder).spawn().expect("the gateway's binary runs");

        let (sender, started) = mpsc::channel();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let stderr = child.stderr.take().expect("stderr is piped");
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if line.contains(", listening on http") {
                    let _ = sender.send(line.clone());
                }
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        // The sender goes when stderr ends, so a gateway that refuses to start fails at once, not at the deadline.
        let Ok(line) = started.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let status = child.wait();
            let said = lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
            panic!("the gateway did not start ({status:?}):\n{said}");
        };
        let Started { driver, listeners, admin } =
            Started::parse(&line).unwrap_or_else(|| panic!("not the start-up line that was agreed on: {line}"));
        Self { addr: listeners[0], addrs: listeners, admin, file, folder, child, lines, driver }
    }

    pub fn client(&self) -> Client {
        Client::connect(self.addr)
    }

    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        self.admin.expect("the admin listener is on")
    }

    pub fn admin_client(&self) -> Client {
        Client::connect(self.admin())
    }

    /// `io_uring` or `epoll`.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The sum of a metric over its series whose labels contain `labels`.
    #[track_caller]
    pub fn metric(&self, name: &str, labels: &str) -> f64 {
        let text = self.admin_client().get("/metrics").text();
        text.lines()
            .filter(|line| !line.starts_with('#') && line.contains(labels))
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| {
                let plain = series.split('{').next().unwrap_or_default();
                plain == name || plain == format!("{name}_total")
            })
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }

    /// `HUP`, `TERM`, `INT`, `USR1` …
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "SIG{name} could not be sent");
    }

    /// SIGTERM, and the end within the drain time.
    #[track_caller]
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait(Duration::from_secs(40)).expect("the gateway ends after SIGTERM")
    }

    /// The end, if it comes in time.
    pub fn wait(&mut self, time: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// What it has said so far.
    pub fn stderr(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until a line of stderr contains this.
    #[track_caller]
    pub fn said(&self, what: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.stderr();
            if let Some(line) = text.lines().find(|line| line.contains(what)) {
                return line.to_owned();
            }
            assert!(Instant::now() < end, "the gateway never said {what:?}; it said:\n{text}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- the gateway said:\n{}", self.stderr());
        }
    }
}

/// The binary, with nothing of this process's own settings.
pub fn weir() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    // Huge pages come in steps of two megabytes, when the kernel likes: tests that ask for memory would measure them.
    command.env("MIMALLOC_ALLOW_THP", "0");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WEIR_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Runs the binary to its end: exit code, stdout, stderr.
#[track_caller]
pub fn run_to_end(args: &[&str]) -> (i32, String, String) {
    let output = weir().args(args).stdout(Stdio::piped()).output().expect("the gateway's binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// What the start-up line says.
#[derive(Debug, PartialEq, Eq)]
pub struct Started {
    pub driver: String,
    pub listeners: Vec<SocketAddr>,
    pub admin: Option<SocketAddr>,
}

impl Started {
    /// `weir 0.1.0: io_uring (…), 2 workers on cores 0,1, listening on http://A and http://B, admin http://C`
    pub fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(", listening on ")?;
        let driver = before.split_once(": ")?.1.split([' ', ',']).next()?.to_owned();
        let (listeners, admin) = match after.split_once(", admin ") {
            Some((listeners, admin)) => (listeners, address(admin)),
            None => (after, None),
        };
        let listeners = listeners.split(" and ").map(address).collect::<Option<Vec<_>>>()?;
        Some(Self { driver, listeners, admin })
    }
}

fn address(url: &str) -> Option<SocketAddr> {
    url.trim().strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}
