//! How a function's process begins: as this very program, which puts itself under limits and then becomes the function's.
//!
//! What has to be done between fork and exec would need unsafe code there, and a fork that copies the page tables of a
//! gateway, which makes every core fault on its next writes. A program that limits itself is spawned without either
//! (posix_spawn), and everything holds before the function's first instruction.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, setrlimit, setsid};

use crate::net::socket;
use crate::settings::limits::{FUNCTION_DESCRIPTORS_MAX, FUNCTION_FILE_BYTES_MAX, FUNCTION_RESERVE_BYTES};

/// The first argument of a process that is to become a function's. Nobody types it.
pub const WORD: &str = "__function";
/// What a shell answers for a command that is not there.
const NOT_FOUND: u8 = 127;

/// Arguments of this program so that it becomes `program`, which ends with the thread that spawns it.
pub(super) fn arguments(memory_bytes: u64, cgroup: Option<&Path>, program: &[OsString]) -> Vec<OsString> {
    let cgroup = cgroup.map_or_else(OsString::new, |path| path.as_os_str().to_owned());
    let own: [OsString; 4] =
        [WORD.into(), std::process::id().to_string().into(), memory_bytes.to_string().into(), cgroup];
    own.into_iter().chain(program.iter().cloned()).collect()
}

/// Becomes the function's process, where that is what this process was started for; comes back only if it cannot.
pub fn launched(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.skip(1);
    if arguments.next()? != OsStr::new(WORD) {
        return None;
    }
    let mut number = || arguments.next()?.to_str()?.parse::<u64>().ok();
    let (Some(parent), Some(memory_bytes)) = (number(), number()) else { return Some(ExitCode::from(NOT_FOUND)) };
    let cgroup = arguments.next().unwrap_or_default();
    let Some(program) = arguments.next() else { return Some(ExitCode::from(NOT_FOUND)) };
    if let Err(error) = limit(parent, memory_bytes, Path::new(&cgroup)) {
        eprintln!("weir: a function's process cannot be limited: {error}");
        return Some(ExitCode::FAILURE);
    }
    let error = Command::new(&program).args(arguments).exec();
    eprintln!("weir: {} cannot be run: {error}", Path::new(&program).display());
    Some(ExitCode::from(NOT_FOUND))
}

fn limit(parent: u64, memory_bytes: u64, cgroup: &Path) -> std::io::Result<()> {
    // The kernel kills this process when the thread that started it ends, however it ends; it outlives exec.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // It may have ended just before.
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != i32::try_from(parent).ok() {
        return Err(std::io::Error::other("Weir has ended"));
    }
    // A session of its own: signals of a terminal do not reach it, and what it forks can be found.
    setsid()?;
    // Whose parent ends becomes a child of this process, and not of the machine's first, where it would be counted with
    // nobody. This outlives exec as well.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    if !cgroup.as_os_str().is_empty() {
        // Where the kernel does not let it in after all, Weir's own measure has to do.
        let _ = fs::write(cgroup.join("cgroup.procs"), "0");
    }
    // Address space (RLIMIT_AS) is no measure of memory: V8 reserves gigabytes of it. Data is what may be written to.
    let data = memory_bytes.saturating_mul(2).saturating_add(FUNCTION_RESERVE_BYTES);
    lower(Resource::Data, data)?;
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, FUNCTION_FILE_BYTES_MAX)?;
    lower(Resource::Nofile, FUNCTION_DESCRIPTORS_MAX)?;
    // No program that it runs can be more than it is (setuid).
    rustix::thread::set_no_new_privs(true)?;
    // Where memory is short, functions go before the gateway does. What cannot be said is no reason to stop.
    let _ = fs::write("/proc/self/oom_score_adj", "500");
    let _ = socket::close_others_at_exec();
    Ok(())
}

/// Never more than there was.
fn lower(resource: Resource, to: u64) -> std::io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let bound = now.maximum.map_or(to, |maximum| maximum.min(to));
    let current = now.current.map_or(bound, |current| current.min(bound));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(bound) })?)
}

/// A process's id as rustix has it.
pub(super) fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}
