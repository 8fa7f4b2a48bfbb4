//! What a function's folder or zip file holds, as far as it tells what runs it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::super::limits::FUNCTION_ZIP_NAMES_BYTES_MAX;
use super::{FunctionRuntime, LocalFunction};

/// What runs every function that brings its own.
const BOOTSTRAP: &str = "bootstrap";

pub(super) enum Code {
    Folder(PathBuf),
    /// The names of its files.
    Zip(HashSet<String>),
}

impl Code {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let told = |error: io::Error| format!("{} cannot be read: {error}", path.display());
        let metadata = path.metadata().map_err(told)?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path.to_path_buf()));
        }
        let names = File::open(path).and_then(names_of_zip).map_err(told)?;
        names.map(Self::Zip).ok_or_else(|| format!("{} is neither a folder nor a zip file", path.display()))
    }

    /// What the function runs with, as its files tell it.
    pub(super) fn runtime(&self, handler: Option<&str>) -> Option<FunctionRuntime> {
        let found = main_files(handler).into_iter().find(|(name, _)| self.has(name));
        found.map(|(_, runtime)| runtime)
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).is_file(),
            Self::Zip(names) => names.contains(name),
        }
    }
}

/// The file that is another when the function was built anew.
pub(crate) fn main_file(function: &LocalFunction) -> Option<PathBuf> {
    if function.code.is_file() {
        return Some(function.code.clone());
    }
    let same = |runtime: &FunctionRuntime| {
        matches!(
            (runtime, &function.runtime),
            (FunctionRuntime::Python(_), FunctionRuntime::Python(_))
                | (FunctionRuntime::Node(_), FunctionRuntime::Node(_))
                | (FunctionRuntime::Provided, FunctionRuntime::Provided)
        )
    };
    let files = main_files(function.handler.as_deref()).into_iter().filter(|(_, runtime)| same(runtime));
    files.map(|(name, _)| function.code.join(name)).find(|path| path.is_file())
}

/// The files that a function begins with, by what runs them.
fn main_files(handler: Option<&str>) -> Vec<(String, FunctionRuntime)> {
    let python = || FunctionRuntime::Python("python3".into());
    let node = || FunctionRuntime::Node("node".into());
    let mut files = vec![(BOOTSTRAP.to_owned(), FunctionRuntime::Provided)];
    let Some(handler) = handler else { return files };
    // Python's modules have full stops between packages; the handler is behind the last one.
    if let Some((module, _)) = handler.rsplit_once('.') {
        let path = module.replace('.', "/");
        files.extend([(format!("{path}.py"), python()), (format!("{path}/__init__.py"), python())]);
    }
    // Node's handlers have them behind the file's name, between an object and its members.
    let name_at = handler.rfind('/').map_or(0, |at| at + 1);
    if let Some(length) = handler[name_at..].find('.') {
        let path = &handler[..name_at + length];
        files.extend(["js", "mjs", "cjs"].map(|extension| (format!("{path}.{extension}"), node())));
    }
    files
}

/// The names in its central directory (APPNOTE.TXT 4.3.12); nothing where there is none. One of zip64's form, which
/// begins at 4 GB or 65,535 files, is beyond what Lambda takes.
fn names_of_zip(mut file: File) -> io::Result<Option<HashSet<String>>> {
    /// The end of the directory, without and with the longest comment (4.3.16).
    const END_BYTES: usize = 22;
    const END_BYTES_MAX: u64 = 65_557;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES_MAX)))?;
    let mut tail = Vec::new();
    (&mut file).take(END_BYTES_MAX).read_to_end(&mut tail)?;
    let end = tail.windows(END_BYTES).rev().find(|window| window.starts_with(b"PK\x05\x06"));
    let Some((size, at)) = end.and_then(|end| number(end, 12, 4).zip(number(end, 16, 4))) else { return Ok(None) };
    if size > FUNCTION_ZIP_NAMES_BYTES_MAX {
        return Err(io::Error::other(format!("its list of files has more than {FUNCTION_ZIP_NAMES_BYTES_MAX} bytes")));
    }
    file.seek(SeekFrom::Start(at))?;
    let mut directory = Vec::new();
    file.take(size).read_to_end(&mut directory)?;
    let mut names = HashSet::new();
    let mut rest = directory.as_slice();
    while rest.starts_with(b"PK\x01\x02") {
        let part = |at: usize| number(rest, at, 2).and_then(|number| usize::try_from(number).ok());
        let (Some(name), Some(extra), Some(comment)) = (part(28), part(30), part(32)) else { break };
        let Some(bytes) = rest.get(46..46 + name) else { break };
        names.insert(String::from_utf8_lossy(bytes).into_owned());
        rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
    }
    Ok(Some(names))
}

/// Little-endian.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + length)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}
