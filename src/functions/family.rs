//! A function's process and everything it started: what they hold of memory, and their end.
//!
//! The kernel tells of them through /proc; nobody has to be root. A child stays known by its session, by its group, or by
//! a word in the environment that it was given. One that leaves its session, clears its environment and lets its parent
//! die first can hide from that; where Weir may make cgroups it cannot.

use std::fs;
use std::path::Path;

use rustix::process::{Signal, kill_process, kill_process_group};

use super::environment::MARK;
use super::launch::pid;
use crate::settings::limits::FUNCTION_CHILDREN_MAX;

/// Rounds in which what was forked while it was searched for is found. A group ends at once, so one is enough but for
/// those who left it.
const ROUNDS_MAX: usize = 8;

/// What a process and its descendants have in memory, in bytes, and how many they are.
pub(super) fn memory(root: u32) -> (u64, usize) {
    let page = rustix::param::page_size() as u64;
    let mut waiting = vec![root];
    let (mut bytes, mut count) = (0_u64, 0);
    while let Some(process) = waiting.pop() {
        count += 1;
        if count > FUNCTION_CHILDREN_MAX {
            break;
        }
        // The second number is what is resident, in pages (proc(5)).
        let statm = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        let resident = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
        bytes = bytes.saturating_add(resident.saturating_mul(page));
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
        for thread in threads.take(FUNCTION_CHILDREN_MAX).filter_map(Result::ok) {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            waiting.extend(children.split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    (bytes, count)
}

/// Ends everything that `root`, which may be gone already, has started.
pub(super) fn end(root: u32, mark: &str) {
    let marked = format!("{MARK}={mark}");
    for _ in 0..ROUNDS_MAX {
        let found =
            members(&|process, stat| stat.group == root || stat.session == root || environment_has(process, &marked));
        if found.is_empty() {
            return;
        }
        // A group that somebody is in is no other's: its number is not given again meanwhile.
        if found.iter().any(|(_, stat)| stat.group == root)
            && let Some(group) = pid(root)
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        kill(&found);
    }
}

/// Ends what was started for `folder` by a Weir that is no more.
pub(super) fn end_of_folder(folder: &Path) {
    let Some(named) = folder.to_str().map(|folder| format!("TMPDIR={folder}/")) else { return };
    for _ in 0..ROUNDS_MAX {
        let found = members(&|process, _| environment_starts(process, &named));
        if found.is_empty() {
            return;
        }
        kill(&found);
    }
}

struct Stat {
    state: u8,
    group: u32,
    session: u32,
}

/// All processes that live and belong.
fn members(belongs: &dyn Fn(u32, &Stat) -> bool) -> Vec<(u32, Stat)> {
    let own = std::process::id();
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|&process| process != own)
        .filter_map(|process| Some((process, stat(process)?)))
        // What is dead and not yet taken note of does nothing more.
        .filter(|(process, stat)| !matches!(stat.state, b'Z' | b'X') && belongs(*process, stat))
        .collect()
}

fn kill(found: &[(u32, Stat)]) {
    for (process, _) in found {
        if let Some(process) = pid(*process) {
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

fn stat(process: u32) -> Option<Stat> {
    // The second field is a name in brackets, which may hold anything.
    let text = fs::read(format!("/proc/{process}/stat")).ok()?;
    let after = text.iter().rposition(|&byte| byte == b')')?;
    let fields = str::from_utf8(text.get(after + 2..)?).ok()?;
    let mut fields = fields.split(' ');
    let state = *fields.next()?.as_bytes().first()?;
    let mut number = || fields.next()?.parse::<i64>().ok();
    let (_parent, group, session) = (number()?, number()?, number()?);
    Some(Stat { state, group: u32::try_from(group).ok()?, session: u32::try_from(session).ok()? })
}

fn environment_has(process: u32, variable: &str) -> bool {
    variables(process).split(|&byte| byte == 0).any(|found| found == variable.as_bytes())
}

fn environment_starts(process: u32, beginning: &str) -> bool {
    variables(process).split(|&byte| byte == 0).any(|found| found.starts_with(beginning.as_bytes()))
}

/// Empty where it is another user's.
fn variables(process: u32) -> Vec<u8> {
    fs::read(format!("/proc/{process}/environ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_a_process_and_its_children_hold_is_counted() {
        let (bytes, count) = memory(std::process::id());
        assert!(bytes > 1024 * 1024 && count >= 1, "{bytes} bytes of {count}");
        assert_eq!(memory(u32::MAX), (0, 1), "nobody");
    }

    #[test]
    fn who_left_the_session_is_found_by_its_mark() {
        let mark = format!("test-{}", std::process::id());
        let mut child = Command::new("setsid")
            .args(["sleep", "60"])
            .env(MARK, &mark)
            .stdout(Stdio::null())
            .spawn()
            .expect("setsid");
        end(u32::MAX - 1, &mark);
        assert!(!child.wait().expect("ended").success());
    }
}
