//! The data folder: who works with it, and how a whole store takes its place in it.
//!
//! ```text
//! weir.redb            the store
//! weir.lock            held for as long as somebody works with the folder; the process id of who does
//! weir.redb.new        a store that is being made
//! weir.redb.replaced   what a restore has replaced
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::disk::{Disk, refuse_error};
use super::store_error::StoreError;
use crate::control::refusal::Refusal;

const FILE: &str = "weir.redb";
const UNFINISHED: &str = "weir.redb.new";
const REPLACED: &str = "weir.redb.replaced";
const LOCK: &str = "weir.lock";

/// The right to work with a folder. One process has it.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, for this user alone, and takes it.
    pub fn take(path: &Path) -> Result<Self, Refusal> {
        let refuse = |what: &str, error: &io::Error| {
            let found = format!("{what} `{}`: {error}", path.display());
            Refusal::sentence("store::folder", found, "name a folder that this user may write")
        };
        make(path).map_err(|error| refuse("cannot make the folder", &error))?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|error| refuse("cannot write in", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(path, &mut lock)),
            Err(TryLockError::Error(error)) => return Err(refuse("cannot lock", &error)),
        }
        let noted = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
        noted.map_err(|error| refuse("cannot write in", &error))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// A new database, filled by `fill`, takes the place of the old one at once and whole, or not at all. The old one
    /// stays beside it as `weir.redb.replaced`.
    pub fn replace(&self, fill: impl FnOnce(&Disk) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let (file, unfinished) = (self.file(), self.path.join(UNFINISHED));
        let broken = |error: &io::Error| refuse_error(&file, StoreError::of_io("a new store cannot be made", error));
        // What a killed process has left.
        remove(&unfinished).map_err(|error| broken(&error))?;
        let disk = Disk::create(&unfinished)?;
        let filled = fill(&disk);
        drop(disk);
        if let Err(refusal) = filled {
            let _ = remove(&unfinished);
            return Err(refusal);
        }
        let in_place = || {
            File::open(&unfinished)?.sync_all()?;
            if file.try_exists()? {
                let replaced = self.path.join(REPLACED);
                remove(&replaced)?;
                // A second name rather than a new one: at no moment is there no database.
                fs::hard_link(&file, &replaced).or_else(|_| fs::copy(&file, &replaced).map(|_| ()))?;
            }
            fs::rename(&unfinished, &file)?;
            File::open(&self.path)?.sync_all()
        };
        in_place().map_err(|error| broken(&error))
    }
}

/// Makes what is missing of a folder, for this user alone, so that a power cut does not take it away again.
fn make(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn held(folder: &Path, lock: &mut File) -> Refusal {
    let mut holder = String::new();
    let _ = lock.take(32).read_to_string(&mut holder);
    let who = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    let found = format!("the folder `{}` is in use by {who}", folder.display());
    Refusal::sentence("store::locked", found, "stop that one first, or give this one a folder of its own (--data)")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::control::scratch::Scratch;

    #[test]
    fn a_folder_is_one_process_s_and_its_files_one_user_s() {
        let scratch = Scratch::new("folder");
        let folder = Folder::take(&scratch.path("data")).expect("taken");
        folder.replace(|_| Ok(())).expect("made");
        let file = folder.file();
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&scratch.path("data")), mode(&file)), (0o700, 0o600));
        let refused = Folder::take(&scratch.path("data")).err().expect("refused").problems[0].found.clone();
        assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(folder);
        assert!(Folder::take(&scratch.path("data")).is_ok());
    }

    #[test]
    fn what_cannot_be_filled_leaves_what_was_there() {
        let scratch = Scratch::new("replace");
        let folder = Folder::take(&scratch.path("data")).expect("taken");
        folder.replace(|_| Ok(())).expect("made");
        let before = fs::read(folder.file()).expect("readable");
        // What a killed process has left is no hindrance.
        fs::write(scratch.path("data").join(UNFINISHED), "half").expect("written");
        let refused = folder.replace(|_| Err(Refusal::sentence("test", "no", "")));
        assert_eq!(refused.expect_err("refused").problems[0].code, "test");
        assert_eq!(fs::read(folder.file()).expect("readable"), before);
        assert!(!scratch.path("data").join(UNFINISHED).exists());
        folder.replace(|_| Ok(())).expect("made");
        assert!(scratch.path("data").join(REPLACED).exists());
    }
}
