//! A `credential_process`: a program of somebody's that writes keys to its standard output.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::{Attempt, keys_of_json};
use crate::edge::upstream::credential::Keys;
use crate::lang::unique_json;
use crate::settings::limits::{CREDENTIAL_PROCESS_REST, CREDENTIAL_PROCESS_TIMEOUT, CREDENTIALS_BYTES_MAX};

impl Attempt<'_> {
    pub(super) fn process(&self, profile: &str, command: &str) -> Result<Keys, String> {
        let told = |error: String| format!("the credential_process of the profile {profile:?}: {error}");
        let output = output(command, CREDENTIAL_PROCESS_TIMEOUT).map_err(told)?;
        let version = unique_json::parse(&output).ok();
        let version = version.as_ref().and_then(|it| it.get("Version")).and_then(Value::as_u64);
        if version.is_some_and(|version| version != 1) {
            return Err(told("its Version is not 1".into()));
        }
        keys_of_json(&output, "SessionToken").map_err(told)
    }
}

/// What it writes to its standard output. What it writes to its standard error is nobody's: it may be secrets.
fn output(command: &str, timeout: Duration) -> Result<Vec<u8>, String> {
    let until = Instant::now() + timeout;
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Its own group, so that what it starts ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let (send, read) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut output = Vec::new();
            let done = stdout.take(CREDENTIALS_BYTES_MAX as u64 + 1).read_to_end(&mut output);
            // Nobody listens any more after the timeout.
            let _ = send.send(done.map(|_| output));
        });
    }
    let output = read.recv_timeout(timeout);
    let is_whole = matches!(&output, Ok(Ok(bytes)) if bytes.len() <= CREDENTIALS_BYTES_MAX);
    let status = if is_whole { wait(&mut child, until) } else { None };
    if status.is_none() {
        end(&mut child);
    }
    match (output, status) {
        (Ok(Ok(output)), Some(status)) if status.success() => Ok(output),
        (_, Some(status)) => Err(format!("it ended with {status}")),
        (Ok(Ok(_)), None) if !is_whole => Err(format!("it wrote more than {CREDENTIALS_BYTES_MAX} bytes")),
        (Ok(Err(error)), None) => Err(format!("its output cannot be read: {error}")),
        (Ok(Ok(_)) | Err(_), None) => Err(format!("it did not end within {timeout:?}")),
    }
}

/// Most have ended when they have closed their output.
fn wait(child: &mut Child, until: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= until {
            return None;
        }
        thread::sleep(CREDENTIAL_PROCESS_REST);
    }
}

fn end(child: &mut Child) {
    // It has not been waited for, so the number is still its own.
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_writes_is_bounded_in_time_and_size() {
        let check = |command: &str, expected: Result<&str, &str>| {
            let found = output(command, Duration::from_millis(500));
            let found = found.as_ref().map(|bytes| String::from_utf8_lossy(bytes)).map_err(String::as_str);
            assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{command}");
        };
        check("echo '{}'; echo hush >&2", Ok("{}\n"));
        check("echo hush; exit 3", Err("it ended with exit status: 3"));
        check("kill -9 $$", Err("it ended with signal: 9 (SIGKILL)"));
        check("sleep 60", Err("it did not end within 500ms"));
        check("sleep 60 & exit 0", Err("it did not end within 500ms"));
        check("exec >&-; sleep 60", Err("it did not end within 500ms"));
        check("cat /dev/zero", Err("it wrote more than 65536 bytes"));
        check("/nonexistent/program", Err("it ended with exit status: 127"));
    }
}
