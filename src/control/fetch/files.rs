//! Tells when a definition or `weir.toml` changed on disk.
//!
//! Folders are watched, not files: editors and Kubernetes put a new file in the place of the old one. What the kernel
//! tells only makes us look; whether something changed is decided by what is there then, so that an access log in the
//! same folder reloads nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::{Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep_until, timeout_at};

use crate::settings::limits::{FILE_CHECK_INTERVAL, FILE_QUIET, FILE_QUIET_MAX};

/// A running watch; it ends when this is dropped.
pub struct FileWatch {
    paths: watch::Sender<Vec<PathBuf>>,
}

impl FileWatch {
    /// Follows `paths` from here on; called within the side thread's runtime. Start it before the files are read, so
    /// that no change falls in between. The receiver gets one `()` for any number of changes.
    pub fn start(paths: Vec<PathBuf>) -> notify::Result<(Self, mpsc::Receiver<()>)> {
        // One event that waits is as good as a hundred: it says "look".
        let (stir, stirred) = mpsc::channel(1);
        let watcher = RecommendedWatcher::new(
            move |event: notify::Result<notify::Event>| {
                if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                    let _ = stir.try_send(());
                }
            },
            Config::default(),
        )?;
        let (changed, changes) = mpsc::channel(1);
        let mut follower = Follower { watcher, folders: BTreeSet::new(), seen: look_at(&paths) };
        follower.watch_folders();
        let (paths, new_paths) = watch::channel(paths);
        tokio::spawn(follower.run(stirred, new_paths, changed));
        Ok((Self { paths }, changes))
    }

    /// Follows these instead, as when `weir.toml` names other files. Changes of those already followed are not lost.
    pub fn follow(&self, paths: Vec<PathBuf>) {
        self.paths.send_replace(paths);
    }
}

struct Follower {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    seen: Vec<(PathBuf, Look)>,
}

/// What tells one version of a file from the next: where the links lead, which file that is, and when it was written.
type Look = Option<(PathBuf, u64, u64, i64, i64, u64)>;

impl Follower {
    async fn run(
        mut self,
        mut stirred: mpsc::Receiver<()>,
        mut paths: watch::Receiver<Vec<PathBuf>>,
        changed: mpsc::Sender<()>,
    ) {
        let mut check = interval(FILE_CHECK_INTERVAL);
        loop {
            tokio::select! {
                told = stirred.recv() => match told {
                    Some(()) => quiet(&mut stirred).await,
                    None => return,
                },
                _ = check.tick() => {}
                told = paths.changed() => match told {
                    Ok(()) => self.adopt(&paths.borrow_and_update().clone()),
                    Err(_) => return,
                },
            }
            if self.look() {
                // Full: one is waiting already, and whoever takes it reads what is there by then.
                let _ = changed.try_send(());
            }
            self.watch_folders();
        }
    }

    /// Whether anything differs from the last look.
    fn look(&mut self) -> bool {
        let paths: Vec<_> = self.seen.iter().map(|(path, _)| path.clone()).collect();
        let now = look_at(&paths);
        let differs = now != self.seen;
        self.seen = now;
        differs
    }

    fn adopt(&mut self, paths: &[PathBuf]) {
        // Principals may have thousands of policy files, so each is looked up and not searched for.
        let mut before: BTreeMap<PathBuf, Look> = std::mem::take(&mut self.seen).into_iter().collect();
        let mut known = |path: &PathBuf| before.remove(path).unwrap_or_else(|| look(path));
        self.seen = paths.iter().map(|path| (path.clone(), known(path))).collect();
    }

    /// Watches the folders of the files and of what their links lead to. A folder that was replaced is a new one,
    /// so each is watched anew; the kernel keeps one watch where it is the same.
    fn watch_folders(&mut self) {
        let wanted: BTreeSet<PathBuf> = self.seen.iter().flat_map(|(path, _)| folders_of(path)).collect();
        for gone in self.folders.difference(&wanted) {
            let _ = self.watcher.unwatch(gone);
        }
        // What cannot be watched is still looked at by the clock.
        self.folders =
            wanted.into_iter().filter(|path| self.watcher.watch(path, RecursiveMode::NonRecursive).is_ok()).collect();
    }
}

/// Waits until nothing more happens.
async fn quiet(stirred: &mut mpsc::Receiver<()>) {
    let latest = Instant::now() + FILE_QUIET_MAX;
    loop {
        let until = (Instant::now() + FILE_QUIET).min(latest);
        match timeout_at(until, stirred.recv()).await {
            Ok(Some(())) if Instant::now() < latest => {}
            // The watcher is gone, which its next reader finds out.
            Ok(_) => return sleep_until(until).await,
            Err(_) => return,
        }
    }
}

fn look_at(paths: &[PathBuf]) -> Vec<(PathBuf, Look)> {
    paths.iter().map(|path| (path.clone(), look(path))).collect()
}

fn look(path: &Path) -> Look {
    let real = path.canonicalize().ok()?;
    let metadata = real.metadata().ok()?;
    Some((real, metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
}

/// The folder that a path names, and the one where its links end.
fn folders_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = |path: &Path| match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None => path.to_path_buf(),
    };
    let real = path.canonicalize().ok().map(|real| folder(&real));
    [folder(path)].into_iter().chain(real)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::control::scratch::Scratch;

    const PATIENCE: Duration = Duration::from_secs(8);

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
    }

    async fn told(changes: &mut mpsc::Receiver<()>) {
        timeout(PATIENCE, changes.recv()).await.expect("told in time").expect("still watched");
    }

    #[test]
    fn a_file_that_is_written_or_replaced() {
        run(async {
            let scratch = Scratch::new("files");
            let path = scratch.path("api.yaml");
            fs::write(&path, "one").expect("written");
            let (_watch, mut changes) = FileWatch::start(vec![path.clone()]).expect("watched");
            fs::write(&path, "two!").expect("written");
            told(&mut changes).await;
            fs::write(scratch.path("new"), "three!").expect("written");
            fs::rename(scratch.path("new"), &path).expect("renamed");
            told(&mut changes).await;
            fs::remove_file(&path).expect("removed");
            told(&mut changes).await;
            fs::write(&path, "four").expect("written");
            told(&mut changes).await;
        });
    }

    #[test]
    fn a_config_map_that_is_swapped() {
        run(async {
            let scratch = Scratch::new("configmap");
            for (version, text) in [("..1", "one"), ("..2", "two")] {
                fs::create_dir(scratch.path(version)).expect("made");
                fs::write(scratch.path(version).join("api.yaml"), text).expect("written");
            }
            symlink("..1", scratch.path("..data")).expect("linked");
            symlink("..data/api.yaml", scratch.path("api.yaml")).expect("linked");
            let (_watch, mut changes) = FileWatch::start(vec![scratch.path("api.yaml")]).expect("watched");
            symlink("..2", scratch.path("..data_tmp")).expect("linked");
            fs::rename(scratch.path("..data_tmp"), scratch.path("..data")).expect("swapped");
            told(&mut changes).await;
            assert_eq!(fs::read_to_string(scratch.path("api.yaml")).expect("read"), "two");
            fs::write(scratch.path("..2").join("api.yaml"), "two and a half").expect("written");
            told(&mut changes).await;
        });
    }

    #[test]
    fn what_lies_beside_it_tells_nothing() {
        run(async {
            let scratch = Scratch::new("beside");
            let (path, log) = (scratch.path("api.yaml"), scratch.path("access.log"));
            fs::write(&path, "one").expect("written");
            let mut follower = Follower {
                watcher: RecommendedWatcher::new(|_| {}, Config::default()).expect("a watcher"),
                folders: BTreeSet::new(),
                seen: look_at(std::slice::from_ref(&path)),
            };
            fs::write(&log, "a line").expect("written");
            assert!(!follower.look());
            fs::write(&path, "longer").expect("written");
            assert!(follower.look());
            assert!(!follower.look());
        });
    }

    #[test]
    fn other_files_are_followed_from_then_on() {
        run(async {
            let (first, second) = (Scratch::new("first"), Scratch::new("second"));
            let (old, new) = (first.path("a.yaml"), second.path("b.yaml"));
            fs::write(&old, "one").expect("written");
            fs::write(&new, "one").expect("written");
            let (watch, mut changes) = FileWatch::start(vec![old.clone()]).expect("watched");
            watch.follow(vec![old.clone(), new.clone()]);
            // The first file tells that the new list has been adopted.
            tokio::task::yield_now().await;
            fs::write(&old, "longer").expect("written");
            told(&mut changes).await;
            fs::write(&new, "longer").expect("written");
            told(&mut changes).await;
        });
    }
}
