use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

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
        let text = (medium.random(4) > 0).then(|| format!("{revision}{}", "x".repeat(medium.random(3000) as usize)));
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
fn a_folder_is_one_process_s_and_its_files_one_user_s() {
    let scratch = Scratch::new("folder");
    let (folder, file) = new_file(&scratch);
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&scratch.path("data")), mode(&file)), (0o700, 0o600));
    let refused = found(Folder::take(&scratch.path("data")));
    assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
    drop(folder);
    assert!(Folder::take(&scratch.path("data")).is_ok());
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
