//! Rows, blobs and their revision in one redb file. The only file that names redb.
//!
//! Its tables: `rows` (key to JSON text), `blobs` (key to bytes), `meta` (`schema` and `revision` to a number).

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use redb::{
    Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable, StorageError, Table, TableDefinition,
    TableHandle,
};

use super::change::Change;
use super::store_error::StoreError;
use crate::control::refusal::Refusal;
use crate::settings::limits::STORE_CACHE_BYTES;

const ROWS: TableDefinition<'_, &str, &str> = TableDefinition::new("rows");
const BLOBS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("blobs");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const SCHEMA: &str = "schema";
const REVISION: &str = "revision";

/// What stands in the tables. Raised when an older Weir could not read it.
pub const SCHEMA_VERSION: u64 = 1;
/// Makes a database of a file.
type OpenDatabase = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// An open database, which can be opened anew after a failure: redb refuses everything after the first one.
pub struct Disk {
    open: OpenDatabase,
    /// `None` while it could not be opened anew.
    database: RwLock<Option<Database>>,
    /// Rises whenever it is opened anew. What was read across that may have been overwritten meanwhile.
    generation: AtomicU64,
}

impl Disk {
    pub fn open(file: &Path) -> Result<Self, Refusal> {
        let path = file.to_owned();
        // Never made anew: a file that is gone or empty is no store without definitions.
        Self::with(Box::new(move || builder().open(&path)), file)
    }

    /// An empty one in a file that must not be there yet.
    pub fn create(file: &Path) -> Result<Self, Refusal> {
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(file);
        let made = opened.map_err(DatabaseError::from).and_then(|opened| builder().create_file(opened));
        drop(made.map_err(|error| refuse_open(file, &error))?);
        Self::open(file)
    }

    fn with(open: OpenDatabase, file: &Path) -> Result<Self, Refusal> {
        // A damaged file may have redb panic: in the middle of a start that says nothing to people.
        let database = catch_unwind(AssertUnwindSafe(&open))
            .unwrap_or_else(|_| Err(StorageError::Corrupted("it cannot be read".into()).into()))
            .map_err(|error| refuse_open(file, &error))?;
        let disk = Self { open, database: RwLock::new(Some(database)), generation: AtomicU64::new(0) };
        disk.look_at(file)?;
        Ok(disk)
    }

    /// Is this ours, and of a version that we know? An empty one becomes ours.
    fn look_at(&self, file: &Path) -> Result<(), Refusal> {
        let found = self.read(|transaction| {
            let names: Vec<String> = transaction.list_tables()?.map(|table| table.name().to_owned()).collect();
            let ours = names.iter().any(|name| name == META.name());
            Ok((
                names.is_empty(),
                if ours { transaction.open_table(META)?.get(SCHEMA)?.map(|it| it.value()) } else { None },
            ))
        });
        match found.map_err(|error| refuse_error(file, error))? {
            (true, _) => {
                let found = self.transaction(|_, _, meta| {
                    meta.insert(SCHEMA, SCHEMA_VERSION)?;
                    meta.insert(REVISION, 0)?;
                    Ok(())
                });
                found.map_err(|error| refuse_error(file, error))
            }
            (_, Some(version)) if version <= SCHEMA_VERSION => Ok(()),
            (_, Some(version)) => {
                let found = format!(
                    "`{}` was written by a newer Weir (its schema is {version}, this one knows {SCHEMA_VERSION})",
                    file.display()
                );
                Err(Refusal::sentence("store::schema", found, "run that version, or restore a backup of before it"))
            }
            (false, None) => {
                let found = format!("`{}` is a database, but not one of Weir", file.display());
                Err(Refusal::sentence("store::foreign", found, "give Weir a folder of its own (--data)"))
            }
        }
    }

    /// Of the newest change that is on disk.
    pub fn revision(&self) -> Result<u64, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(META)?.get(REVISION)?.map_or(0, |it| it.value())))
    }

    /// Writes all of these, in their order, or nothing. When it returns they are on disk. After an error nobody knows
    /// whether the last step reached the disk: the rows and blobs of `undo` become what takes back whatever did.
    pub fn write(&self, changes: &[&Change], undo: &mut Change) -> Result<(), StoreError> {
        let outcome = self.transaction(|rows, blobs, meta| {
            for change in changes {
                for (key, text) in &change.rows {
                    let before = match text {
                        Some(text) => rows.insert(&**key, &**text)?,
                        None => rows.remove(&**key)?,
                    };
                    undo.rows.push((key.clone(), before.map(|before| before.value().into())));
                }
                for (key, bytes) in &change.blobs {
                    let before = match bytes {
                        Some(bytes) => blobs.insert(&**key, &**bytes)?,
                        None => blobs.remove(&**key)?,
                    };
                    undo.blobs.push((key.clone(), before.map(|before| before.value().into())));
                }
                meta.insert(REVISION, change.revision)?;
            }
            Ok(())
        });
        undo.rows.reverse();
        undo.blobs.reverse();
        outcome
    }

    /// One durable transaction.
    fn transaction(
        &self,
        work: impl FnOnce(
            &mut Table<'_, &'static str, &'static str>,
            &mut Table<'_, &'static str, &'static [u8]>,
            &mut Table<'_, &'static str, u64>,
        ) -> Result<(), redb::Error>,
    ) -> Result<(), StoreError> {
        let work = || {
            let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
            let mut transaction = database.as_ref().ok_or(redb::Error::DatabaseClosed)?.begin_write()?;
            drop(database);
            // The new pages are synced before the one byte that makes them valid is written, and that is synced too. With
            // one phase both go out together and recovery tells by checksums what is whole: half the syncs, but a page
            // that a failed sync has lost from the cache would be found missing only then. Many changes share a
            // transaction, so the second sync is paid seldom. Quick repair would write the allocator's state with every
            // commit to save less than a second after a kill (benches/commit.rs).
            transaction.set_two_phase_commit(true);
            {
                let mut rows = transaction.open_table(ROWS)?;
                let mut blobs = transaction.open_table(BLOBS)?;
                let mut meta = transaction.open_table(META)?;
                work(&mut rows, &mut blobs, &mut meta)?;
            }
            Ok(transaction.commit()?)
        };
        // An assertion of redb's is a failure like any other: the file is opened anew, from what is on disk.
        catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|_| Err(redb::Error::Corrupted("its code panicked".into())))
            .map_err(|error| sentence("the change cannot be written to disk", &error))
    }

    /// Opens the file anew, from what is on disk, after a failure.
    pub fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::SeqCst);
        let opened = catch_unwind(AssertUnwindSafe(|| {
            drop(database.take());
            (self.open)()
        }))
        .unwrap_or_else(|_| Err(StorageError::Corrupted("its code panicked".into()).into()));
        *database = Some(opened.map_err(|error| sentence("the store cannot be opened anew", &error.into()))?);
        Ok(())
    }

    pub fn blob(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(BLOBS)?.get(key)?.map(|bytes| bytes.value().to_vec())))
    }

    /// Everything as it is at one moment, while others go on writing. Ends with an error if the file is opened anew
    /// meanwhile.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let (transaction, generation) = self.begin_read()?;
        Ok(Snapshot { disk: self, transaction, generation })
    }

    /// Reads, and reads again if the file was opened anew meanwhile.
    fn read<T>(&self, work: impl Fn(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        loop {
            let (transaction, generation) = self.begin_read()?;
            let outcome = work(&transaction);
            if self.generation.load(Ordering::SeqCst) == generation {
                return outcome.map_err(|error| sentence("the store cannot be read", &error));
            }
        }
    }

    fn begin_read(&self) -> Result<(ReadTransaction, u64), StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let generation = self.generation.load(Ordering::SeqCst);
        let database = database.as_ref().ok_or(redb::Error::DatabaseClosed);
        let transaction = database.and_then(|database| Ok(database.begin_read()?));
        Ok((transaction.map_err(|error| sentence("the store cannot be read", &error))?, generation))
    }
}

/// See [`Disk::snapshot`].
pub struct Snapshot<'d> {
    disk: &'d Disk,
    transaction: ReadTransaction,
    generation: u64,
}

impl Snapshot<'_> {
    pub fn revision(&self) -> Result<u64, StoreError> {
        self.checked(|| Ok(self.transaction.open_table(META)?.get(REVISION)?.map_or(0, |it| it.value())))
    }

    /// Every row in key order.
    pub fn each_row(&self, mut each: impl FnMut(&str, &str) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let table = self.checked(|| Ok(self.transaction.open_table(ROWS)?))?;
        let mut rows = self.checked(|| Ok(table.iter()?))?;
        while let Some((key, text)) = self.checked(|| Ok(rows.next().transpose()?))? {
            each(key.value(), text.value())?;
        }
        Ok(())
    }

    /// Every blob in key order.
    pub fn each_blob(&self, mut each: impl FnMut(&str, &[u8]) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let table = self.checked(|| Ok(self.transaction.open_table(BLOBS)?))?;
        let mut blobs = self.checked(|| Ok(table.iter()?))?;
        while let Some((key, bytes)) = self.checked(|| Ok(blobs.next().transpose()?))? {
            each(key.value(), bytes.value())?;
        }
        Ok(())
    }

    fn checked<T>(&self, work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let outcome = work();
        if self.disk.generation.load(Ordering::SeqCst) != self.generation {
            return Err(StoreError::new("a write failed while the store was read", "try again"));
        }
        outcome.map_err(|error| sentence("the store cannot be read", &error))
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    // Rows are in memory already, so only what a commit touches is worth keeping.
    builder.set_cache_size(STORE_CACHE_BYTES);
    builder
}

fn sentence(what: &str, error: &redb::Error) -> StoreError {
    match error {
        redb::Error::Io(error) => StoreError::of_io(what, error),
        redb::Error::DatabaseClosed | redb::Error::PreviousIo => {
            StoreError::new(format_args!("{what}: the disk failed before"), "look at what was said then")
        }
        error => StoreError::new(format_args!("{what}: {error}"), "report this; a restart reads what is on disk"),
    }
}

fn refuse_open(file: &Path, error: &DatabaseError) -> Refusal {
    let path = file.display();
    let (code, found, help) = match error {
        DatabaseError::DatabaseAlreadyOpen => {
            ("store::locked", format!("`{path}` is in use by another process"), "stop that one first")
        }
        DatabaseError::UpgradeRequired(version) => (
            "store::schema",
            format!("`{path}` has the file format {version}, which this Weir does not read"),
            "run the version of Weir that wrote it, and restore its backup with this one",
        ),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() != io::ErrorKind::InvalidData => {
            ("store::open", format!("`{path}` cannot be opened: {error}"), "let this user read and write it")
        }
        error => return refuse_damaged(file, error),
    };
    Refusal::sentence(code, found, help)
}

fn refuse_damaged(file: &Path, error: &dyn std::fmt::Display) -> Refusal {
    let found = format!("`{}` is damaged: {error}", file.display());
    let help = "keep a copy of it, move it away, and restore the latest backup (a store is made where there is none)";
    Refusal::sentence("store::damaged", found, help)
}

/// A file whose rows are not what Weir writes.
pub fn refuse_row(file: &Path, key: &str, error: &serde_json::Error) -> Refusal {
    refuse_damaged(file, &format_args!("the row `{key}` is no object ({error})"))
}

pub fn refuse_error(file: &Path, error: StoreError) -> Refusal {
    Refusal::sentence("store::open", format!("`{}`: {}", file.display(), error.found), error.help)
}

#[cfg(test)]
pub(super) mod faulty {
    //! A disk in memory that fails when told to, and whose power can be cut.

    use std::sync::{Arc, Mutex, MutexGuard};

    use redb::StorageBackend;

    use super::*;

    #[derive(Clone, Debug, Default)]
    pub(crate) struct Medium(Arc<Mutex<State>>);

    #[derive(Debug, Default)]
    struct State {
        /// What a power cut leaves for certain.
        synced: Vec<u8>,
        /// What is read: the page cache.
        cached: Vec<u8>,
        unsynced: Vec<Step>,
        /// Writes until they fail.
        fails_after: Option<u32>,
        random: u64,
    }

    #[derive(Debug)]
    enum Step {
        Length(usize),
        Write(usize, Vec<u8>),
    }

    impl Medium {
        pub(crate) fn new(seed: u64) -> Self {
            let medium = Self::default();
            medium.state().random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            medium
        }

        pub(crate) fn disk(&self) -> Result<Disk, Refusal> {
            let medium = self.clone();
            let open = move || builder().create_with_backend(Plug(medium.clone()));
            Disk::with(Box::new(open), Path::new("memory"))
        }

        /// After so many more writes and syncs each one fails.
        pub(crate) fn fail_after(&self, steps: u32) {
            self.state().fails_after = Some(steps);
        }

        pub(crate) fn heal(&self) {
            self.state().fails_after = None;
        }

        /// What another machine would find on it: any sectors of what was not synced, in any combination.
        pub(crate) fn after_power_cut(&self) -> Self {
            let mut state = self.state();
            let mut image = state.synced.clone();
            let steps = std::mem::take(&mut state.unsynced);
            for step in &steps {
                match step {
                    Step::Length(length) if state.chance(2) => image.resize(*length, 0),
                    Step::Length(_) => {}
                    Step::Write(at, bytes) => {
                        for (sector, bytes) in bytes.chunks(512).enumerate() {
                            if state.chance(2) {
                                put(&mut image, at + sector * 512, bytes);
                            }
                        }
                    }
                }
            }
            let after = Self::new(state.random);
            (after.state().synced, after.state().cached) = (image.clone(), image);
            after
        }

        pub(crate) fn random(&self, below: u64) -> u64 {
            self.state().random(below)
        }

        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl State {
        fn random(&mut self, below: u64) -> u64 {
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            (self.random >> 16) % below
        }

        fn chance(&mut self, of: u64) -> bool {
            self.random(of) == 0
        }

        /// Writes a part where it fails.
        fn step(&mut self, step: Step) -> io::Result<()> {
            let failing = self.failing();
            match &step {
                Step::Length(length) if !failing => self.cached.resize(*length, 0),
                Step::Write(at, bytes) if !failing || self.chance(2) => put(&mut self.cached, *at, bytes),
                _ => return Err(io::ErrorKind::StorageFull.into()),
            }
            self.unsynced.push(step);
            if failing { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn failing(&mut self) -> bool {
            match &mut self.fails_after {
                None => false,
                Some(0) => true,
                Some(steps) => {
                    *steps -= 1;
                    false
                }
            }
        }
    }

    /// Beyond the end of a file whose length did not reach the disk, a write makes it longer.
    fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
        if file.len() < at + bytes.len() {
            file.resize(at + bytes.len(), 0);
        }
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// What a database holds of it.
    #[derive(Debug)]
    struct Plug(Medium);

    impl StorageBackend for Plug {
        fn len(&self) -> io::Result<u64> {
            Ok(self.0.state().cached.len() as u64)
        }

        fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
            let (state, at) = (self.0.state(), at as usize);
            out.copy_from_slice(state.cached.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        }

        fn set_len(&self, length: u64) -> io::Result<()> {
            self.0.state().step(Step::Length(length as usize))
        }

        fn sync_data(&self) -> io::Result<()> {
            let mut state = self.0.state();
            if state.failing() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            for step in std::mem::take(&mut state.unsynced) {
                match step {
                    Step::Length(length) => state.synced.resize(length, 0),
                    Step::Write(at, bytes) => put(&mut state.synced, at, &bytes),
                }
            }
            Ok(())
        }

        fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
            self.0.state().step(Step::Write(at as usize, bytes.to_vec()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;

    use super::super::folder::Folder;
    use super::faulty::Medium;
    use super::*;
    use crate::control::scratch::Scratch;

    type Rows = BTreeMap<Box<str>, Box<str>>;

    fn rows(disk: &Disk) -> Rows {
        let mut rows = Rows::new();
        let snapshot = disk.snapshot().expect("a snapshot");
        let each = |key: &str, text: &str| {
            rows.insert(key.into(), text.into());
            Ok(())
        };
        snapshot.each_row(each).expect("readable");
        rows
    }

    fn found(outcome: Result<impl Sized, Refusal>) -> String {
        let refusal = outcome.err().expect("refused");
        format!("{}: {}", refusal.problems[0].code, refusal.problems[0].found)
    }

    fn new_file(scratch: &Scratch) -> (Folder, PathBuf) {
        let folder = Folder::take(&scratch.path("data")).expect("taken");
        folder.replace(|_| Ok(())).expect("made");
        let file = folder.file();
        (folder, file)
    }

    /// Some rows put and some deleted, with the revision in each.
    fn any_change(medium: &Medium, revision: u64) -> Change {
        let mut change = Change { revision, ..Change::default() };
        for _ in 0..=medium.random(6) {
            let key = Box::from(format!("k{}", medium.random(40)));
            let text =
                (medium.random(4) > 0).then(|| format!("{revision}{}", "x".repeat(medium.random(3000) as usize)));
            change.rows.push((key, text.map(String::into_boxed_str)));
        }
        change
    }

    fn apply(rows: &mut Rows, change: &Change) {
        for (key, text) in &change.rows {
            match text {
                Some(text) => drop(rows.insert(key.clone(), text.clone())),
                None => drop(rows.remove(key)),
            }
        }
    }

    #[test]
    fn a_power_cut_takes_nothing_written_and_leaves_nothing_half() {
        for seed in 0..40 {
            let mut medium = Medium::new(seed);
            let (mut expected, mut revision) = (Rows::new(), 0);
            // The first database is whole on disk before anything depends on it (`Folder::replace`).
            drop(medium.disk().map_err(|_| ()).expect("made"));
            for _ in 0..3 {
                let disk = medium.disk().map_err(|_| ()).expect("opens after the cut");
                medium.fail_after(medium.random(120) as u32);
                let mut both = expected.clone();
                loop {
                    let change = any_change(&medium, revision + 1);
                    apply(&mut both, &change);
                    if disk.write(&[&change], &mut Change::default()).is_err() {
                        break;
                    }
                    (expected, revision) = (both.clone(), revision + 1);
                }
                medium = medium.after_power_cut();
                drop(disk);
                let disk = medium.disk().map_err(|_| ()).unwrap_or_else(|()| panic!("seed {seed}: cannot be opened"));
                let (found, at) = (rows(&disk), disk.revision().expect("readable"));
                assert!(
                    (at == revision && found == expected) || (at == revision + 1 && found == both),
                    "seed {seed}: at revision {at} after {revision} were written"
                );
                (expected, revision) = (found, at);
            }
        }
    }

    #[test]
    fn what_a_failed_write_left_is_taken_back() {
        let mut landed = 0;
        for seed in 0..50 {
            let medium = Medium::new(seed);
            let disk = medium.disk().map_err(|_| ()).expect("made");
            let first = any_change(&medium, 1);
            disk.write(&[&first], &mut Change::default()).expect("written");
            let before = rows(&disk);
            medium.fail_after(medium.random(12) as u32);
            let (second, third) = (any_change(&medium, 2), any_change(&medium, 3));
            let mut undo = Change { revision: 1, ..Change::default() };
            if disk.write(&[&second, &third], &mut undo).is_ok() {
                continue;
            }
            medium.heal();
            disk.reopen().expect("opens");
            if disk.revision().expect("readable") != 1 {
                landed += 1;
                disk.write(&[&undo], &mut Change::default()).expect("written");
            }
            assert_eq!((rows(&disk), disk.revision()), (before, Ok(1)), "seed {seed}");
        }
        assert!(landed > 0, "no failure was one that had reached the disk");
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let scratch = Scratch::new("schema");
        let (_folder, file) = new_file(&scratch);
        let disk = Disk::open(&file).map_err(|_| ()).expect("opens");
        let newer = disk.transaction(|_, _, meta| {
            meta.insert(SCHEMA, SCHEMA_VERSION + 1)?;
            Ok(())
        });
        newer.expect("written");
        drop(disk);
        let refused = found(Disk::open(&file));
        assert!(refused.starts_with("store::schema") && refused.contains("newer Weir"), "{refused}");
    }

    #[test]
    fn what_is_no_store_is_refused_and_left_alone() {
        let scratch = Scratch::new("damaged");
        let (_folder, file) = new_file(&scratch);
        let whole = fs::read(&file).expect("readable");
        let damages: [(&str, Vec<u8>); 5] = [
            ("store::damaged", Vec::new()),
            ("store::damaged", b"no database".repeat(1000)),
            ("store::damaged", whole[..whole.len() / 2].to_vec()),
            ("store::damaged", [&whole[..300], &[0xAA; 600], &whole[900..]].concat()),
            ("store::damaged", [&[0; 64], &whole[64..]].concat()),
        ];
        for (code, bytes) in damages {
            fs::write(&file, &bytes).expect("written");
            let refused = found(Disk::open(&file));
            assert!(refused.starts_with(code), "{refused}");
            assert_eq!(fs::read(&file).expect("readable").len(), bytes.len(), "{refused}");
        }
    }

    #[test]
    fn another_program_s_database_is_refused() {
        let scratch = Scratch::new("foreign");
        let file = scratch.path("other.redb");
        let other = Database::create(&file).expect("made");
        let transaction = other.begin_write().expect("begun");
        transaction.open_table(TableDefinition::<u64, u64>::new("sessions")).expect("made");
        transaction.commit().expect("written");
        drop(other);
        let refused = found(Disk::open(&file));
        assert!(refused.starts_with("store::foreign"), "{refused}");
    }
}
