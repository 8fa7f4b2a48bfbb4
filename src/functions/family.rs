//! A function's process and everything it started: what they hold of memory, and their end.
//!
//! The kernel tells of them through /proc; nobody has to be root. A child stays known by its session, by its group, or by
//! a word in the environment that it was given. One whose parent dies becomes a child of the function's process (a
//! subreaper, `launch.rs`), so that it is counted, and is known by its number when that has ended. Only what forked after
//! the last look, left its session and cleared its environment can hide; where Weir may make cgroups nothing can.

use std::fs;
use std::path::Path;

use rustix::process::{Signal, kill_process, kill_process_group};

use super::environment::MARK;
use super::launch::pid;
use crate::settings::limits::{FUNCTION_CHILDREN_MAX, FUNCTION_THREADS_MAX};

/// Rounds in which what was forked while it was searched for is found. A group ends at once, so one is enough but for
/// those who left it.
const ROUNDS_MAX: usize = 8;

/// What a process and its descendants are, at one look.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// What they have in memory.
    pub(super) bytes: u64,
    pub(super) members: Vec<Member>,
    /// Of them those that have ended, and whose end nobody takes note of.
    pub(super) dead: usize,
    /// They are more than may be, and not all were looked at.
    pub(super) too_many: bool,
}

/// One process, which no other is taken for: a number is given again, but not at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    process: u32,
    started: u64,
}

/// Looks at `root` and its descendants. Reads some hundred small files at most, which is not for a thread that others wait
/// for.
pub(super) fn look(root: u32) -> Family {
    let page = rustix::param::page_size() as u64;
    let (mut waiting, mut threads, mut family) = (vec![root], 0, Family::default());
    while let Some(process) = waiting.pop() {
        let Some(stat) = stat(process) else { continue };
        family.members.push(Member { process, started: stat.started });
        family.bytes = family.bytes.saturating_add(stat.resident_pages.saturating_mul(page));
        family.dead += usize::from(!stat.is_alive());
        let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
        for task in tasks.filter_map(Result::ok) {
            threads += 1;
            if threads > FUNCTION_THREADS_MAX || family.members.len() > FUNCTION_CHILDREN_MAX {
                family.too_many = true;
                return family;
            }
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            waiting.extend(children.split_ascii_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    family
}

/// What one process has in memory.
pub(super) fn resident(process: u32) -> u64 {
    let pages = stat(process).map_or(0, |stat| stat.resident_pages);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

/// Ends everything that `root`, which may be gone already, has started; `known` were its own at the last look.
pub(super) fn end(root: u32, mark: &str, known: &[Member]) {
    let marked = format!("{MARK}={mark}");
    for _ in 0..ROUNDS_MAX {
        let found = members(&|process, stat| {
            stat.group == root
                || stat.session == root
                || known.contains(&Member { process, started: stat.started })
                || environment_has(process, &marked)
        });
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
    parent: u32,
    group: u32,
    session: u32,
    /// In the kernel's ticks since the machine started.
    started: u64,
    resident_pages: u64,
}

impl Stat {
    /// What is dead and not yet taken note of does nothing more.
    fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }
}

/// All processes that live and belong, and their descendants.
fn members(belongs: &dyn Fn(u32, &Stat) -> bool) -> Vec<(u32, Stat)> {
    let own = std::process::id();
    let Ok(all) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let living = ids.filter(|&process| process != own).filter_map(|process| Some((process, stat(process)?)));
    let (mut found, mut others): (Vec<_>, Vec<_>) =
        living.filter(|(_, stat)| stat.is_alive()).partition(|(process, stat)| belongs(*process, stat));
    loop {
        let (children, rest): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(_, stat)| found.iter().any(|(process, _)| *process == stat.parent));
        if children.is_empty() {
            return found;
        }
        found.extend(children);
        others = rest;
    }
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
    let (parent, group, session) = (number()?, number()?, number()?);
    // Fields 4, 5 and 6 are read, 22 and 24 follow (proc_pid_stat(5)).
    let (started, _, resident) = (fields.nth(15)?, fields.next()?, fields.next()?);
    Some(Stat {
        state,
        parent: u32::try_from(parent).ok()?,
        group: u32::try_from(group).ok()?,
        session: u32::try_from(session).ok()?,
        started: started.parse().ok()?,
        resident_pages: resident.parse().unwrap_or(0),
    })
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
        let family = look(std::process::id());
        assert!(family.bytes > 1024 * 1024 && !family.members.is_empty() && !family.too_many, "{family:?}");
        let own = resident(std::process::id());
        assert!(own > 1024 * 1024 && own < 1 << 40, "{own}");
        let nobody = look(u32::MAX);
        assert!(nobody.bytes == 0 && nobody.members.is_empty(), "{nobody:?}");
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
        end(u32::MAX - 1, &mark, &[]);
        assert!(!child.wait().expect("ended").success());
    }

    #[test]
    fn who_is_known_by_its_number_is_ended_with_its_children() {
        let mut shell = Command::new("setsid");
        let shell = shell.args(["sh", "-c", "sleep 60 & echo $!; wait"]);
        let mut shell = shell.stdout(Stdio::piped()).spawn().expect("a shell");
        let mut line = String::new();
        let mut told = std::io::BufReader::new(shell.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut told, &mut line).expect("a line");
        let child: u32 = line.trim().parse().expect("a number");
        let known = Member { process: shell.id(), started: stat(shell.id()).expect("it lives").started };
        let another = Member { started: known.started + 1, ..known };
        end(u32::MAX - 1, "nobody", &[another]);
        assert!(stat(child).is_some_and(|stat| stat.is_alive()));
        end(u32::MAX - 1, "nobody", &[known]);
        assert!(!shell.wait().expect("ended").success());
        assert!(stat(child).is_none_or(|stat| !stat.is_alive()));
    }
}
