//! All that a store holds as one file of JSON lines, which other tools read too.
//!
//! ```text
//! {"weirBackup":1,"schema":1,"revision":42}
//! {"key":"restapis/a1b2c3d4e5","row":{"id":"a1b2c3d4e5","name":"pets"}}
//! {"key":"deployments/a1b2c3d4e5/x7y8z9","blob":"eyJ…"}
//! {"rows":1,"blobs":1,"sha256":"…"}
//! ```
//!
//! The checksum is that of all lines before the last. Only one row or blob is in memory at a time.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::change::Change;
use super::disk::{Disk, SCHEMA_VERSION, Snapshot, refuse_error};
use super::folder::Folder;
use super::store_error::StoreError;
use crate::control::refusal::Refusal;
use crate::model::api_rows::Object;
use crate::settings::limits::{BACKUP_LINE_BYTES_MAX, STORE_BATCH_BYTES};

const FORMAT: u64 = 1;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    pub revision: u64,
    pub rows: u64,
    pub blobs: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    weir_backup: u64,
    schema: u64,
    revision: u64,
}

/// A row or a blob.
#[derive(Serialize, Deserialize)]
struct Entry<'l> {
    #[serde(borrow)]
    key: Cow<'l, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    row: Option<&'l RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    blob: Option<Cow<'l, str>>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct Foot {
    rows: u64,
    blobs: u64,
    sha256: String,
}

/// Writes everything as it is now into `file`, which appears when it is whole and on disk. Others go on writing.
pub fn write(disk: &Disk, file: &Path) -> Result<Contents, StoreError> {
    let partial = partial(file);
    let written = disk.snapshot().and_then(|snapshot| {
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let mut output = Output { file: BufWriter::new(opened.map_err(cannot_write)?), sum: Context::new(&SHA256) };
        let contents = output.everything(&snapshot)?;
        let file = output.file.into_inner().map_err(|error| cannot_write(error.into_error()))?;
        file.sync_all().map_err(cannot_write)?;
        Ok(contents)
    });
    let in_place = |contents| {
        fs::rename(&partial, file).map_err(cannot_write)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot_write)?;
        Ok(contents)
    };
    let finished = written.and_then(in_place);
    if finished.is_err() {
        let _ = fs::remove_file(&partial);
    }
    finished
}

fn partial(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

fn cannot_write(error: io::Error) -> StoreError {
    StoreError::of_io("the backup cannot be written", &error)
}

struct Output {
    file: BufWriter<File>,
    sum: Context,
}

impl Output {
    fn everything(&mut self, snapshot: &Snapshot<'_>) -> Result<Contents, StoreError> {
        let mut contents = Contents { revision: snapshot.revision()?, rows: 0, blobs: 0 };
        self.line(&Head { weir_backup: FORMAT, schema: SCHEMA_VERSION, revision: contents.revision })?;
        snapshot.each_row(|key, text| {
            contents.rows += 1;
            let row: &RawValue = serde_json::from_str(text).map_err(|_| {
                StoreError::new(format_args!("the row `{key}` is not JSON"), "restore the latest backup: it is damaged")
            })?;
            self.line(&Entry { key: key.into(), row: Some(row), blob: None })
        })?;
        snapshot.each_blob(|key, bytes| {
            contents.blobs += 1;
            self.line(&Entry { key: key.into(), row: None, blob: Some(STANDARD.encode(bytes).into()) })
        })?;
        let sha256 = hex(self.sum.clone().finish().as_ref());
        self.line(&Foot { rows: contents.rows, blobs: contents.blobs, sha256 })?;
        Ok(contents)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_vec(line).map_err(|error| cannot_write(error.into()))?;
        if text.len() >= BACKUP_LINE_BYTES_MAX {
            return Err(StoreError::new("something in the store is too large for a backup", "report this"));
        }
        text.push(b'\n');
        self.sum.update(&text);
        self.file.write_all(&text).map_err(cannot_write)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// May a store that is there be replaced?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    Keep,
    /// It stays beside the new one, as `weir.redb.replaced`.
    Replace,
}

/// Makes the store of `folder` from a backup, while no Weir runs there. The whole backup is checked before anything is
/// touched, and the new store takes the old one's place whole or not at all.
pub fn restore(folder: &Path, file: &Path, existing: Existing) -> Result<Contents, Refusal> {
    let contents = read(file, |_, _| Ok(()))?;
    let folder = Folder::take(folder)?;
    if existing == Existing::Keep && folder.file().exists() {
        let found = format!("`{}` is there already", folder.file().display());
        let help = "name an empty folder, or say that the store may be replaced (`--replace`)";
        return Err(Refusal::sentence("store::restore", found, help));
    }
    folder.replace(|disk| {
        let mut gathered = (Change::default(), 0);
        let write = |change: &mut Change| {
            change.revision = contents.revision;
            let written = disk.write(&[change], &mut Change::default());
            *change = Change::default();
            written.map_err(|error| refuse_error(&folder.file(), error))
        };
        let again = read(file, |key, content| {
            let (change, bytes) = &mut gathered;
            match content {
                Content::Row(text) => {
                    *bytes += key.len() + text.len();
                    change.rows.push((key.into(), Some(text.into())));
                }
                Content::Blob(blob) => {
                    *bytes += key.len() + blob.len();
                    change.blobs.push((key.into(), Some(blob.into())));
                }
            }
            if *bytes < STORE_BATCH_BYTES {
                return Ok(());
            }
            *bytes = 0;
            write(change)
        })?;
        if contents != again {
            let found = format!("the backup `{}` changed while it was read", file.display());
            return Err(Refusal::sentence("store::backup", found, "try again when nobody writes it"));
        }
        write(&mut gathered.0)
    })?;
    Ok(contents)
}

enum Content<'l> {
    Row(&'l str),
    Blob(Vec<u8>),
}

/// Reads a backup, and refuses one that is not whole, not as it was written, or of a later version.
fn read(path: &Path, mut each: impl FnMut(&str, Content<'_>) -> Result<(), Refusal>) -> Result<Contents, Refusal> {
    let refuse = |found: String, help: &str| Refusal::sentence("store::backup", found, help);
    let damaged = |what: &str| {
        refuse(format!("the backup `{}` {what}", path.display()), "take another backup: nothing was changed")
    };
    let unreadable = |error: io::Error| damaged(&format!("cannot be read: {error}"));
    let mut input = Input { file: BufReader::new(File::open(path).map_err(unreadable)?), line: Vec::new() };

    let head = input.next().map_err(unreadable)?;
    let head: Head =
        serde_json::from_slice(head).map_err(|_| damaged("does not begin as one of Weir: `{\"weirBackup\":1,…`"))?;
    if head.weir_backup > FORMAT || head.schema > SCHEMA_VERSION {
        let found = format!("the backup `{}` was written by a newer Weir", path.display());
        return Err(refuse(found, "restore it with that version"));
    }
    let mut contents = Contents { revision: head.revision, rows: 0, blobs: 0 };
    let mut sum = Context::new(&SHA256);
    sum.update(&input.line);
    loop {
        let line = input.next().map_err(unreadable)?;
        if line.is_empty() {
            return Err(damaged("ends too early: its last line is missing"));
        }
        if line.starts_with(b"{\"rows\":") {
            break;
        }
        let at = contents.rows + contents.blobs + 2;
        let text = str::from_utf8(line).map_err(|_| damaged(&format!("has bytes in line {at} that are no text")))?;
        let entry: Entry<'_> = serde_json::from_str(text)
            .map_err(|error| damaged(&format!("has a line {at} that cannot be read: {error}")))?;
        let content = match (entry.row, &entry.blob) {
            (Some(row), None) if serde_json::from_str::<Object>(row.get()).is_ok() => {
                contents.rows += 1;
                Content::Row(row.get())
            }
            (None, Some(blob)) => {
                contents.blobs += 1;
                let bytes = STANDARD.decode(&**blob).map_err(|_| damaged(&format!("has no base64 in line {at}")))?;
                Content::Blob(bytes)
            }
            _ => return Err(damaged(&format!("has neither a row nor a blob in line {at}"))),
        };
        each(&entry.key, content)?;
        sum.update(&input.line);
    }
    let foot: Foot = serde_json::from_slice(&input.line).map_err(|_| damaged("has a last line that cannot be read"))?;
    let expected = Foot { rows: contents.rows, blobs: contents.blobs, sha256: hex(sum.finish().as_ref()) };
    if foot != expected {
        return Err(damaged("is not as it was written: the checksum in its last line is another"));
    }
    if !input.next().map_err(unreadable)?.is_empty() {
        return Err(damaged("goes on after its last line"));
    }
    Ok(contents)
}

struct Input {
    file: BufReader<File>,
    line: Vec<u8>,
}

impl Input {
    /// The next line with its end; empty at the end of the file.
    fn next(&mut self) -> io::Result<&[u8]> {
        self.line.clear();
        let bound = BACKUP_LINE_BYTES_MAX as u64;
        self.file.by_ref().take(bound + 1).read_until(b'\n', &mut self.line)?;
        if self.line.len() as u64 > bound {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is longer than any that Weir writes"));
        }
        Ok(&self.line)
    }
}
