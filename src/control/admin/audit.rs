//! What was changed, when and by whom: a line of JSON a change. No secrets and no bodies.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use super::identity::Identity;
use crate::control::tell::tell;
use crate::settings::AuditTarget;
use crate::settings::limits::LOG_COMPLAINT_INTERVAL;

/// One change, or one that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'e> {
    pub unix_millis: i64,
    pub identity: &'e Identity,
    pub source: Option<IpAddr>,
    /// `CreateRestApi`
    pub operation: &'e str,
    /// `arn:aws:apigateway:us-east-1::/restapis/a1b2c3d4e5`
    pub resource: &'e str,
    pub request_id: &'e str,
    pub status: u16,
    /// What the change was committed as; `None` where nothing changed.
    pub revision: Option<u64>,
}

/// The line, in this order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'l> {
    time: String,
    access_key: &'l str,
    principal: &'l str,
    source_address: Option<String>,
    operation: &'l str,
    resource: &'l str,
    request_id: &'l str,
    status: u16,
    revision: Option<u64>,
}

/// The one who writes it, on the side thread. Where it cannot be written the change goes on all the same: the line is
/// counted, and the operator told.
pub struct Audit {
    output: Option<Output>,
    lost: u64,
    complained: Option<Instant>,
}

struct Output {
    target: AuditTarget,
    file: File,
    /// The last write ended within a line.
    torn: bool,
}

impl Audit {
    /// A file that cannot be opened is an error here, not later. `None` writes nothing.
    pub fn open(target: Option<&AuditTarget>) -> io::Result<Self> {
        let output = match target {
            Some(target) => Some(Output { target: target.clone(), file: open(target)?, torn: false }),
            None => None,
        };
        Ok(Self { output, lost: 0, complained: None })
    }

    pub fn record(&mut self, entry: &Entry<'_>) {
        let Some(output) = &mut self.output else { return };
        if let Err(error) = output.write(&line(entry)) {
            self.lost += 1;
            self.complain(&format!("cannot be written: {error}"));
        }
    }

    /// Opens the file again, as after a rotation (SIGHUP).
    pub fn reopen(&mut self) {
        let Some(output) = &mut self.output else { return };
        match open(&output.target) {
            Ok(file) => (output.file, output.torn) = (file, false),
            Err(error) => self.complain(&format!("cannot be opened again, the old file is kept: {error}")),
        }
    }

    /// Lines that could not be written.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn complain(&mut self, what: &str) {
        if self.complained.is_some_and(|last| last.elapsed() < LOG_COMPLAINT_INTERVAL) {
            return;
        }
        self.complained = Some(Instant::now());
        tell(format_args!("the audit log {what}; {} lines lost so far", self.lost));
    }
}

impl Output {
    /// In one write, so that another process's lines do not come in between.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let whole = if self.torn { [b"\n", line].concat() } else { line.to_vec() };
        let mut rest = whole.as_slice();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    rest = &rest[n..];
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn open(target: &AuditTarget) -> io::Result<File> {
    match target {
        // A descriptor of its own: std's `Stderr` has a lock.
        AuditTarget::Stderr => Ok(File::from(io::stderr().as_fd().try_clone_to_owned()?)),
        AuditTarget::File(path) => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            OpenOptions::new().append(true).create(true).mode(0o640).open(path)
        }
    }
}

fn line(entry: &Entry<'_>) -> Vec<u8> {
    let time = Timestamp::from_millisecond(entry.unix_millis).unwrap_or_default();
    let line = Line {
        time: time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        access_key: &entry.identity.access_key,
        principal: &entry.identity.principal,
        source_address: entry.source.map(|source| source.to_canonical().to_string()),
        operation: entry.operation,
        resource: entry.resource,
        request_id: entry.request_id,
        status: entry.status,
        revision: entry.revision,
    };
    // Texts and numbers always have a JSON form.
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::identity::Rights;
    use super::*;
    use crate::control::scratch::Scratch;

    fn record(audit: &mut Audit, operation: &str) {
        let identity = Identity::new("arn:aws:iam::123456789012:user/ada".into(), "us-east-1", Rights::All);
        audit.record(&Entry {
            unix_millis: 1_440_938_160_007,
            identity: &identity.with_access_key("AKIDEXAMPLE"),
            source: Some("::ffff:10.0.0.1".parse().expect("an address")),
            operation,
            resource: "arn:aws:apigateway:us-east-1::/restapis/a\n",
            request_id: "r1",
            status: 201,
            revision: Some(7),
        });
    }

    #[test]
    fn a_line_a_change() {
        let scratch = Scratch::new("audit");
        let (path, rotated) = (scratch.path("data").join("audit.log"), scratch.path("audit.log.1"));
        let mut audit = Audit::open(Some(&AuditTarget::File(path.clone()))).expect("opens");
        record(&mut audit, "CreateRestApi");
        fs::rename(&path, &rotated).expect("renamed");
        audit.reopen();
        record(&mut audit, "DeleteRestApi");
        assert_eq!(
            fs::read_to_string(&rotated).expect("readable"),
            "{\"time\":\"2015-08-30T12:36:00.007Z\",\"accessKey\":\"AKIDEXAMPLE\",\
             \"principal\":\"arn:aws:iam::123456789012:user/ada\",\"sourceAddress\":\"10.0.0.1\",\
             \"operation\":\"CreateRestApi\",\"resource\":\"arn:aws:apigateway:us-east-1::/restapis/a\\n\",\
             \"requestId\":\"r1\",\"status\":201,\"revision\":7}\n"
        );
        assert_eq!(fs::read_to_string(&path).expect("readable").lines().count(), 1);
    }

    #[test]
    fn a_full_disk_costs_lines_and_nothing_else() {
        let mut audit = Audit::open(Some(&AuditTarget::File("/dev/full".into()))).expect("opens");
        record(&mut audit, "CreateRestApi");
        record(&mut audit, "CreateRestApi");
        assert_eq!(audit.lost(), 2);
        let mut none = Audit::open(None).expect("nothing to open");
        record(&mut none, "CreateRestApi");
        assert_eq!(none.lost(), 0);
        assert!(Audit::open(Some(&AuditTarget::File("/proc/none/audit.log".into()))).is_err());
    }
}
