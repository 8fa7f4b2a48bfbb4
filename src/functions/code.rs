//! A function's code: a folder or a zip file, copied to a private folder for each version, so that whoever edits it does
//! not tear a running process.

use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::DeflateDecoder;
use rawzip::path::{RawPath, ZipFilePath};
use rawzip::{CompressionMethod, ZipArchive};

use crate::settings::limits::{FUNCTION_CODE_BYTES_MAX, FUNCTION_CODE_DEPTH_MAX, FUNCTION_CODE_FILES_MAX};

/// Folders that are no code.
const LEFT_OUT: &[&str] = &[".git", ".hg", ".svn"];
const TOO_LARGE: &str = "Lambda takes 250 MB of code: leave out what does not run";

/// What `code` looks like now: changed code has another number. It reads names, sizes and times, and no content.
pub(super) fn fingerprint(code: &Path) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    let metadata = metadata_of(code)?;
    stamp(&metadata).hash(&mut hasher);
    if metadata.is_dir() {
        walk(code, &mut |_, relative, metadata| {
            (relative, stamp(metadata)).hash(&mut hasher);
            Ok(())
        })?;
    }
    Ok(hasher.finish())
}

/// Copies `code` into `into`, which is made; or says what stands in the way.
pub(super) fn copy(code: &Path, into: &Path) -> Result<(), String> {
    let metadata = metadata_of(code)?;
    fs::create_dir(into).map_err(|error| format!("{} cannot be made: {error}", into.display()))?;
    let copied = if metadata.is_dir() { copy_folder(code, into) } else { unzip(code, into) };
    if copied.is_err() {
        let _ = fs::remove_dir_all(into);
    }
    copied
}

fn metadata_of(code: &Path) -> Result<Metadata, String> {
    let metadata =
        fs::metadata(code).map_err(|error| format!("its code, {}, cannot be read: {error}", code.display()))?;
    if metadata.is_dir() || metadata.is_file() {
        return Ok(metadata);
    }
    Err(format!("its code, {}, is neither a folder nor a zip file", code.display()))
}

fn stamp(metadata: &Metadata) -> (u64, u64, i64, i64, u32) {
    (metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.mode())
}

/// What all entries together may be.
#[derive(Default)]
struct Budget {
    bytes: u64,
    files: usize,
}

impl Budget {
    fn take(&mut self, bytes: u64) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.files += 1;
        if self.bytes > FUNCTION_CODE_BYTES_MAX {
            return Err(format!("its code is larger than {FUNCTION_CODE_BYTES_MAX} bytes: {TOO_LARGE}"));
        }
        if self.files > FUNCTION_CODE_FILES_MAX {
            return Err(format!("its code has more than {FUNCTION_CODE_FILES_MAX} files: {TOO_LARGE}"));
        }
        Ok(())
    }
}

type Visit<'v> = dyn FnMut(&Path, &Path, &Metadata) -> Result<(), String> + 'v;

/// Every entry below `folder` with its path from there, folders before what is in them, in an order of its own.
fn walk(folder: &Path, visit: &mut Visit<'_>) -> Result<(), String> {
    let mut budget = Budget::default();
    let mut waiting = vec![(PathBuf::new(), 0)];
    while let Some((relative, depth)) = waiting.pop() {
        let at = folder.join(&relative);
        let unreadable = |error: io::Error| format!("its code, {}, cannot be read: {error}", at.display());
        let mut entries = Vec::new();
        for entry in fs::read_dir(&at).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?.file_name());
            if entries.len() > FUNCTION_CODE_FILES_MAX {
                return Err(format!("its code has more than {FUNCTION_CODE_FILES_MAX} files: {TOO_LARGE}"));
            }
        }
        entries.sort();
        for name in entries {
            if LEFT_OUT.iter().any(|left_out| name == *left_out) {
                continue;
            }
            let (path, relative) = (at.join(&name), relative.join(&name));
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                // Deleted while it is walked: an editor's own file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("its code, {}, cannot be read: {error}", path.display())),
            };
            budget.take(if metadata.is_file() { metadata.len() } else { 0 })?;
            visit(&path, &relative, &metadata)?;
            if metadata.is_dir() {
                if depth == FUNCTION_CODE_DEPTH_MAX {
                    return Err(format!("{} lies in more than {FUNCTION_CODE_DEPTH_MAX} folders", path.display()));
                }
                waiting.push((relative, depth + 1));
            }
        }
    }
    Ok(())
}

fn copy_folder(folder: &Path, into: &Path) -> Result<(), String> {
    walk(folder, &mut |path, relative, metadata| {
        let to = into.join(relative);
        let told = |error: io::Error| format!("{} cannot be copied: {error}", path.display());
        let kind = metadata.file_type();
        if kind.is_dir() {
            fs::create_dir(&to).map_err(told)
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(told)?;
            if !stays_inside(relative, &target) {
                let target = target.display();
                return Err(format!(
                    "{} is a link to {target}, outside of the function's folder: put what it needs into the folder",
                    path.display()
                ));
            }
            symlink(target, &to).map_err(told)
        } else if kind.is_file() {
            write_bounded(&mut File::open(path).map_err(told)?, &to, metadata.len()).map_err(told)?;
            fs::set_permissions(&to, fs::Permissions::from_mode(metadata.mode() & 0o777 | 0o400)).map_err(told)
        } else {
            // Sockets and pipes that tools leave behind are no code.
            Ok(())
        }
    })
}

/// Whether a link at `relative` leads to somewhere in the same folder. Up is possible at its beginning alone: behind a
/// name, which may be a link itself, nobody knows where up is.
fn stays_inside(relative: &Path, target: &Path) -> bool {
    let mut up = relative.components().count().saturating_sub(1);
    let mut down = false;
    target.components().all(|part| match part {
        Component::Normal(_) => {
            down = true;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            let inside = up > 0 && !down;
            up = up.saturating_sub(1);
            inside
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}

/// Not more than was counted, though the file may grow meanwhile.
fn write_bounded(from: &mut dyn Read, to: &Path, bytes_max: u64) -> io::Result<u64> {
    // Never through a link, nor over what is there.
    let mut file = File::create_new(to)?;
    io::copy(&mut from.take(bytes_max), &mut file)
}

fn unzip(zip: &Path, into: &Path) -> Result<(), String> {
    let broken = |what: &dyn std::fmt::Display| format!("{} is no zip file that can be taken: {what}", zip.display());
    let mut file = File::open(zip).map_err(|error| broken(&error))?;
    let length = file.metadata().map_err(|error| broken(&error))?.len();
    if length > FUNCTION_CODE_BYTES_MAX {
        return Err(broken(&format_args!("it has {length} bytes; {TOO_LARGE}")));
    }
    let mut bytes = Vec::new();
    (&mut file).take(length).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    let archive = ZipArchive::from_slice(&bytes).map_err(|error| broken(&error))?;
    let mut entries = archive.entries();
    let mut budget = Budget::default();
    while let Some(entry) = entries.next_entry().map_err(|error| broken(&error))? {
        let relative = safe_path(&entry.file_path()).map_err(|what| broken(&what))?;
        let name = relative.display().to_string();
        let mode = entry.mode();
        if mode.is_symlink() {
            return Err(broken(&format_args!("{name} is a link, which Weir does not take from a zip file")));
        }
        let to = into.join(&relative);
        if entry.is_dir() {
            budget.take(0)?;
            fs::create_dir_all(&to).map_err(|error| broken(&format_args!("{name}: {error}")))?;
            continue;
        }
        // What it says of its size is a hint: the bytes that come out are counted, and no more than that many come.
        let said = entry.uncompressed_size_hint();
        budget.take(said)?;
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(|error| broken(&format_args!("{name}: {error}")))?;
        }
        let data = archive.get_entry(entry.wayfinder()).map_err(|error| broken(&format_args!("{name}: {error}")))?;
        let written = match entry.compression_method() {
            CompressionMethod::STORE => write_bounded(&mut data.verifying_reader(data.data()), &to, said + 1),
            CompressionMethod::DEFLATE => {
                write_bounded(&mut data.verifying_reader(DeflateDecoder::new(data.data())), &to, said + 1)
            }
            other => return Err(broken(&format_args!("{name} is compressed as {other:?}; write it with deflate"))),
        };
        match written {
            Ok(written) if written == said => {}
            Ok(written) => return Err(broken(&format_args!("{name} has {written} bytes and says {said}"))),
            Err(error) => return Err(broken(&format_args!("{name}: {error}"))),
        }
        // Zip files from other systems say nothing of it; a `bootstrap` has to be run.
        let permissions = match mode.value() & 0o777 {
            0 => 0o755,
            given => given | 0o400,
        };
        fs::set_permissions(&to, fs::Permissions::from_mode(permissions)).map_err(|error| broken(&error))?;
    }
    Ok(())
}

/// The path of an entry as it stands, if every part of it is a name.
fn safe_path(path: &ZipFilePath<RawPath<'_>>) -> Result<PathBuf, String> {
    let raw = path.as_ref();
    let text = str::from_utf8(raw).map_err(|_| format!("{} is no UTF-8", String::from_utf8_lossy(raw)))?;
    let relative = PathBuf::from(text);
    let names = |part: Component<'_>| matches!(part, Component::Normal(_));
    let good = !text.is_empty() && !text.contains(['\\', '\0']) && relative.components().all(names);
    if !good {
        return Err(format!("{text:?} leads out of the function's folder"));
    }
    if relative.components().count() > FUNCTION_CODE_DEPTH_MAX {
        return Err(format!("{text:?} lies in more than {FUNCTION_CODE_DEPTH_MAX} folders"));
    }
    Ok(relative)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    /// A folder that goes with its value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let name = format!("weir-code-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(path.join("from")).expect("a folder");
            Self(path)
        }

        fn from(&self, name: &str) -> PathBuf {
            self.0.join("from").join(name)
        }

        fn copy(&self) -> Result<(), String> {
            copy(&self.0.join("from"), &self.0.join("to"))
        }

        /// A zip file of entries with their text; deflated where `deflate` is said.
        fn zip(&self, entries: &[(&str, &str)], deflate: bool) -> Result<(), String> {
            let mut bytes = Vec::new();
            let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
            for (name, text) in entries {
                let method = if deflate { CompressionMethod::DEFLATE } else { CompressionMethod::STORE };
                let (mut entry, config) = archive.new_file(name).compression_method(method).start().expect("an entry");
                let descriptor = if deflate {
                    let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
                    let mut writer = config.wrap(encoder);
                    writer.write_all(text.as_bytes()).expect("written");
                    let (encoder, descriptor) = writer.finish().expect("whole");
                    encoder.finish().expect("whole");
                    descriptor
                } else {
                    let mut writer = config.wrap(&mut entry);
                    writer.write_all(text.as_bytes()).expect("written");
                    writer.finish().expect("whole").1
                };
                entry.finish(descriptor).expect("whole");
            }
            archive.finish().expect("whole");
            self.unzip(&bytes)
        }

        fn unzip(&self, bytes: &[u8]) -> Result<(), String> {
            let path = self.0.join("code.zip");
            fs::write(&path, bytes).expect("written");
            copy(&path, &self.0.join("to"))
        }

        fn text(&self, name: &str) -> String {
            fs::read_to_string(self.0.join("to").join(name)).expect("there")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_is_copied_with_its_links_inside() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.from("lib/.bin")).expect("a folder");
        fs::write(scratch.from("app.py"), "1").expect("written");
        fs::write(scratch.from("lib/x"), "2").expect("written");
        symlink("../x", scratch.from("lib/.bin/x")).expect("a link");
        assert_eq!(scratch.copy(), Ok(()));
        assert_eq!((scratch.text("app.py"), scratch.text("lib/.bin/x")), ("1".into(), "2".into()));
    }

    #[test]
    fn a_link_that_leads_out_is_refused() {
        for target in ["/etc/passwd", "../outside", "a/../../outside"] {
            let scratch = Scratch::new();
            symlink(target, scratch.from("link")).expect("a link");
            let refused = scratch.copy().expect_err("a link out");
            assert!(refused.contains("outside of the function's folder"), "{refused}");
            assert!(!scratch.0.join("to").exists());
        }
    }

    #[test]
    fn changed_code_has_another_fingerprint() {
        let scratch = Scratch::new();
        fs::write(scratch.from("app.py"), "1").expect("written");
        let before = fingerprint(&scratch.0.join("from")).expect("readable");
        assert_eq!(fingerprint(&scratch.0.join("from")), Ok(before));
        fs::write(scratch.from("app.py"), "12").expect("written");
        assert_ne!(fingerprint(&scratch.0.join("from")), Ok(before));
    }

    #[test]
    fn a_zip_is_unpacked() {
        for deflate in [false, true] {
            let scratch = Scratch::new();
            assert_eq!(scratch.zip(&[("app.py", "print(1)"), ("lib/x.py", &"y".repeat(9000))], deflate), Ok(()));
            assert_eq!((scratch.text("app.py"), scratch.text("lib/x.py").len()), ("print(1)".into(), 9000));
        }
    }

    #[track_caller]
    fn refused(outcome: Result<(), String>, why: &str) {
        let said = outcome.expect_err("refused");
        assert!(said.contains(why), "{said}");
    }

    #[test]
    fn a_zip_that_leads_out_lies_or_breaks_is_refused() {
        refused(Scratch::new().zip(&[("a", "1"), ("a", "2")], false), "exists");
        refused(Scratch::new().unzip(b"no zip"), "no zip file");
        refused(Scratch::new().unzip(b""), "no zip file");
        // Names of the same length, written over those of a good file: the writer makes no bad ones.
        let good = |name: &str| {
            let scratch = Scratch::new();
            scratch.zip(&[("abcd/efgh", "text")], false).expect("good");
            let mut bytes = fs::read(scratch.0.join("code.zip")).expect("readable");
            while let Some(at) = bytes.windows(9).position(|part| part == b"abcd/efgh") {
                bytes[at..at + 9].copy_from_slice(name.as_bytes());
            }
            bytes
        };
        refused(Scratch::new().unzip(&good("../../efg")), "leads out");
        refused(Scratch::new().unzip(&good("/etc/efgh")), "leads out");
        refused(Scratch::new().unzip(&good("ab/../../")), "leads out");
        refused(Scratch::new().unzip(&good("..\\..\\efg")), "leads out");
        let mut other_content = good("abcd/efgi");
        let at = other_content.windows(4).position(|part| part == b"text").expect("stored");
        other_content[at] = b'T';
        refused(Scratch::new().unzip(&other_content), "abcd/efgi");
    }

    #[test]
    fn more_than_lambda_takes_is_refused() {
        let mut budget = Budget::default();
        assert!(budget.take(FUNCTION_CODE_BYTES_MAX).is_ok());
        refused(budget.take(1), "250 MB");
        let scratch = Scratch::new();
        // Sparse: it takes no room.
        File::create(scratch.from("large")).and_then(|file| file.set_len(FUNCTION_CODE_BYTES_MAX + 1)).expect("made");
        refused(scratch.copy(), "250 MB");
    }
}
