//! Control groups (cgroup v2) for processes, where Weir may make some: then the kernel itself holds each process and all
//! that it forks to its memory and its number, and ends them together, whatever they did to hide.
//!
//! That is so under systemd with `Delegate=yes` and `DelegateSubgroup=`, and in containers that are given a subtree: the
//! group above Weir's own is writable and holds no process itself, as the kernel asks of a group that has children with
//! limits ("no internal processes", cgroups(7)).

use std::fs;
use std::path::{Path, PathBuf};

use crate::settings::limits::FUNCTION_THREADS_MAX;

const MOUNT: &str = "/sys/fs/cgroup";
/// Of groups' names; the id of Weir's process follows.
const PREFIX: &str = "weir-function-";

#[derive(Debug)]
pub(super) struct Cgroups {
    parent: PathBuf,
}

impl Cgroups {
    /// `None` where nobody lets us, which is most often so.
    pub(super) fn find() -> Option<Self> {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let parent = Path::new(MOUNT).join(own).parent()?.to_owned();
        Self::of(parent)
    }

    fn of(parent: PathBuf) -> Option<Self> {
        // A slice is systemd's own, even where we may write there: only services and scopes are handed over.
        let slice = parent.extension().is_some_and(|extension| extension == "slice");
        let inside = parent.starts_with(MOUNT) && parent != Path::new(MOUNT) && !slice;
        let empty = fs::read_to_string(parent.join("cgroup.procs")).ok()?.trim().is_empty();
        if !inside || !empty {
            return None;
        }
        fs::write(parent.join("cgroup.subtree_control"), "+memory +pids").ok()?;
        sweep(&parent);
        Some(Self { parent })
    }

    /// A group for one process, which joins it before it runs anything.
    pub(super) fn make(&self, name: &str, memory_bytes: u64) -> Option<PathBuf> {
        let path = self.parent.join(format!("{PREFIX}{name}"));
        fs::create_dir(&path).ok()?;
        let limits = [
            // Weir's own measure, which says what happened, comes first; this is for what grows faster than it is measured.
            ("memory.max", memory_bytes.saturating_add(memory_bytes / 4).to_string()),
            ("memory.oom.group", "1".into()),
            ("pids.max", FUNCTION_THREADS_MAX.to_string()),
        ];
        for (file, value) in limits {
            if fs::write(path.join(file), value).is_err() {
                let _ = fs::remove_dir(&path);
                return None;
            }
        }
        // Kernels without swap accounting have no such file.
        let _ = fs::write(path.join("memory.swap.max"), "0");
        Some(path)
    }
}

/// Removes the groups of a Weir that is no more. Only those can be removed that nobody is in.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let Some(weir) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()) else { continue };
        // Another may be about to put a process into its own. In a container, who was before had our own number.
        let other = weir != std::process::id().to_string() && Path::new("/proc").join(weir).exists();
        if !other {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Ends whoever is in a group, and the group.
pub(super) fn remove(path: &Path) {
    let _ = fs::write(path.join("cgroup.kill"), "1");
    // Who is killed leaves when it is noticed, a moment later; a group that is left over is empty and costs nothing.
    for _ in 0..50 {
        if fs::remove_dir(path).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_groups_that_a_killed_weir_left_are_swept() {
        let parent = std::env::temp_dir().join(format!("weir-groups-{}", std::process::id()));
        let group = |name: &str| {
            fs::create_dir_all(parent.join(name)).expect("a folder");
            parent.join(name)
        };
        let left = group(&format!("{PREFIX}4294967295-ab-1"));
        let own = group(&format!("{PREFIX}{}-ab-1", std::process::id()));
        let kept = [group("weir"), group(&format!("{PREFIX}1-ab-1"))];
        sweep(&parent);
        assert!(!left.exists() && !own.exists());
        assert!(kept.iter().all(|path| path.exists()));
        let _ = fs::remove_dir_all(parent);
    }

    #[test]
    fn groups_of_others_are_left_alone() {
        for parent in ["/sys/fs/cgroup", "/sys/fs/cgroup/system.slice", "/tmp", "/nonexistent/weir.service"] {
            assert!(Cgroups::of(parent.into()).is_none(), "{parent}");
        }
    }
}
