//! What all functions of this process have in common.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ring::rand::{SecureRandom, SystemRandom};

use super::cgroups::Cgroups;
use super::counters::Counters;
use super::logs::Logs;
use super::{environment, family};

const FOLDER_PREFIX: &str = "weir-functions-";
/// … before it is locked.
const MADE_PREFIX: &str = ".weir-functions-";
const LOCK: &str = "lock";

/// What functions are told of where they are.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub region: String,
    pub account_id: String,
    /// The program that becomes a function's process: Weir itself, which calls [`super::launch::launched`] first of all.
    pub launcher: PathBuf,
}

impl Surroundings {
    /// Functions' processes begin as the program that runs.
    pub fn new(region: &str, account_id: &str) -> Self {
        // The running program, even where another has taken its place on disk.
        Self { region: region.into(), account_id: account_id.into(), launcher: "/proc/self/exe".into() }
    }
}

pub(super) struct Shared {
    /// The program that becomes a function's process: this one.
    pub(super) launcher: PathBuf,
    pub(super) region: Arc<str>,
    pub(super) account_id: Arc<str>,
    /// Whose connections processes' Runtime APIs take; `None` takes everybody's.
    pub(super) user: Option<u32>,
    pub(super) folder: Folder,
    pub(super) cgroups: Option<Cgroups>,
    pub(super) counters: Arc<Counters>,
    pub(super) logs: Logs,
    random: SystemRandom,
    next_id: AtomicU64,
}

impl Shared {
    pub(super) fn new(surroundings: Surroundings, user: Option<u32>, counters: Arc<Counters>) -> io::Result<Self> {
        let Surroundings { region, account_id, launcher } = surroundings;
        let random = SystemRandom::new();
        let folder = Folder::make(&random)?;
        environment::write_clients(folder.path())?;
        Ok(Self {
            launcher,
            region: region.into(),
            account_id: account_id.into(),
            user,
            folder,
            cgroups: Cgroups::find(),
            logs: Logs::start(Arc::clone(&counters.log_lines_lost))?,
            counters,
            random,
            next_id: AtomicU64::new(1),
        })
    }

    /// Never given twice.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Relaxed)
    }

    /// What tells a process and all that it starts from every other on the machine, another Weir's among them.
    pub(super) fn mark(&self, id: u64) -> String {
        let own = self.folder.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        format!("{}-{id}", own.strip_prefix(FOLDER_PREFIX).unwrap_or(own))
    }

    /// A random UUID (RFC 9562 5.4), as AWS's request ids are.
    pub(super) fn request_id(&self) -> Arc<str> {
        let mut bytes = [0; 16];
        // Without randomness it is an id that is not unique; nothing is secured by it.
        let _ = self.random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]).into()
    }

    /// 32 random bytes.
    pub(super) fn secret(&self) -> io::Result<String> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        Ok(hex(&bytes))
    }

    pub(super) fn arn(&self, function: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{function}", self.region, self.account_id)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A private folder that is gone when its value is; or, after a kill, when the next Weir starts.
pub(super) struct Folder {
    path: PathBuf,
    /// Locked as long as this process lives.
    _lock: File,
}

impl Folder {
    fn make(random: &SystemRandom) -> io::Result<Self> {
        let all = std::env::temp_dir();
        sweep(&all);
        let mut name = [0; 8];
        random.fill(&mut name).map_err(|_| io::Error::other("the system gives no random bytes"))?;
        let path = all.join(format!("{FOLDER_PREFIX}{}-{}", std::process::id(), hex(&name)));
        // Another Weir's sweep takes what bears the name and is not locked: it has the name when it is.
        let made = all.join(format!("{MADE_PREFIX}{}-{}", std::process::id(), hex(&name)));
        // For this user alone; it fails on one that is there.
        fs::DirBuilder::new().mode(0o700).create(&made)?;
        let locked = lock(&made.join(LOCK)).and_then(|lock| fs::rename(&made, &path).map(|()| lock));
        match locked {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(error) => {
                let _ = fs::remove_dir_all(&made);
                Err(error)
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn remove(&self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let file = File::create_new(path)?;
    file.lock()?;
    Ok(file)
}

/// What a Weir that was killed has left: its folder, and processes that its functions had started.
fn sweep(all: &Path) {
    let own = rustix::process::geteuid().as_raw();
    let Ok(entries) = fs::read_dir(all) else { return };
    for entry in entries.filter_map(Result::ok) {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(FOLDER_PREFIX));
        let path = entry.path();
        let kept = |metadata: fs::Metadata| !metadata.is_dir() || metadata.uid() != own;
        if !ours || fs::symlink_metadata(&path).map_or(true, kept) {
            continue;
        }
        let Ok(lock) = File::open(path.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            family::end_of_folder(&path);
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_killed_weir_left_is_swept_and_what_another_has_is_not() {
        let all = std::env::temp_dir().join(format!("weir-sweep-{}", std::process::id()));
        let folder = |name: &str| {
            let path = all.join(format!("{FOLDER_PREFIX}{name}"));
            fs::create_dir_all(&path).expect("a folder");
            (File::create(path.join(LOCK)).expect("a lock"), path)
        };
        let ((_, left), (lock, held)) = (folder("left"), folder("held"));
        lock.lock().expect("locked");
        let process = |folder: &Path| {
            let mut command = Command::new("sleep");
            let command = command.arg("60").env("TMPDIR", folder.join("process-1")).stdout(Stdio::null());
            command.spawn().expect("sleep")
        };
        let (mut orphan, mut other) = (process(&left), process(&held));
        sweep(&all);
        assert!(!orphan.wait().expect("ended").success() && !left.exists());
        assert!(other.try_wait().expect("asked").is_none() && held.exists());
        other.kill().expect("ended");
        other.wait().expect("ended");
        let _ = fs::remove_dir_all(&all);
    }

    #[test]
    fn request_ids_are_random_uuids() {
        let folder = std::env::temp_dir();
        let surroundings = Surroundings { launcher: folder, ..Surroundings::new("us-east-1", "1") };
        let shared = Shared::new(surroundings, None, Arc::default()).expect("made");
        let (one, other) = (shared.request_id(), shared.request_id());
        assert_ne!(one, other);
        let shape: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!((shape.as_slice(), one.as_bytes()[14]), ([8, 4, 4, 4, 12].as_slice(), b'4'));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{one}");
    }
}
