//! What the store promises whatever happens to its process: what was acknowledged is there, and nothing is half there.
//!
//! The process that dies is this test binary again, with a variable that names the folder it works in.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, setrlimit};
use weir::control::commit::change::Change;
use weir::control::commit::definitions::{Definitions, key};
use weir::control::commit::store::{Opened, Store};
use weir::control::commit::unsettled::Unsettled;

const FOLDER: &str = "WEIR_TEST_STORE";
const BOUND: Duration = Duration::from_secs(20);
/// Changes go round these places, so that each overwrites an older one.
const PLACES: u64 = 40;
/// Rows of one change.
const PARTS: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn slow_fifty_kills_take_nothing_acknowledged_and_leave_nothing_half() {
    let folder = new_folder("kill");
    let mut random = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id());
    let mut acknowledged = 0;
    for round in 0..50 {
        let mut child = run_again("child_commits_until_it_is_killed", &folder, &[]);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        // The first acknowledgement, so that every round has some; then any moment.
        let first = lines.by_ref().map_while(Result::ok).find_map(|line| revision(&line));
        acknowledged = first.unwrap_or_else(|| panic!("round {round}: the child acknowledged nothing"));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((random >> 33) % 60_000));
        child.kill().expect("killed");
        child.wait().expect("ended");
        // What it had said before it died is still in the pipe.
        acknowledged = lines.map_while(Result::ok).filter_map(|line| revision(&line)).last().unwrap_or(acknowledged);
        let opened = Store::open(&folder).unwrap_or_else(|refusal| panic!("round {round}: {refusal:?}"));
        check(&opened, acknowledged, round);
        assert!(opened.store.stop(BOUND));
    }
    assert!(acknowledged > 500, "only {acknowledged} changes in all: the machine is too slow for this test");
    std::fs::remove_dir_all(folder).expect("removed");
}

fn revision(line: &str) -> Option<u64> {
    // The harness writes the test's name in front of the first line.
    line.rsplit_once("acknowledged ")?.1.parse().ok()
}

/// Every place holds one change, whole: the newest of its place that is on disk.
fn check(opened: &Opened, acknowledged: u64, round: usize) {
    let on_disk = opened.revision;
    assert!(on_disk >= acknowledged, "round {round}: {acknowledged} was acknowledged, {on_disk} is on disk");
    let rows: BTreeMap<&str, &str> = opened.rows.iter().map(|(key, text)| (&**key, &**text)).collect();
    assert_eq!(rows.len() as u64, on_disk.min(PLACES) * PARTS.len() as u64, "round {round}");
    for revision in on_disk.saturating_sub(PLACES - 1).max(1)..=on_disk {
        let place = revision % PLACES;
        for part in PARTS {
            let expected = format!("{{\"revision\":{revision}}}");
            assert_eq!(rows[&*format!("{place}/{part}")], expected, "round {round}: {place}/{part}");
        }
        let blob = opened.store.blob(&format!("{place}")).expect("readable").expect("there");
        assert_eq!(blob, blob_of(revision), "round {round}: the blob of {place}");
    }
}

fn blob_of(revision: u64) -> Vec<u8> {
    revision.to_string().into_bytes().repeat(500)
}

#[test]
fn child_commits_until_it_is_killed() {
    let Some(opened) = in_child() else { return };
    let mut waiting = VecDeque::new();
    for revision in opened.revision + 1.. {
        let place = revision % PLACES;
        let rows = PARTS.map(|part| {
            (format!("{place}/{part}").into(), Some(format!("{{\"revision\":{revision}}}").into_boxed_str()))
        });
        let blobs = vec![(place.to_string().into(), Some(blob_of(revision).into()))];
        waiting.push_back((revision, opened.store.commit(Change { revision, rows: rows.into(), blobs })));
        // Sixteen clients.
        if waiting.len() == 16 {
            let (revision, answer) = waiting.pop_front().expect("sixteen of them");
            assert_eq!(answer.blocking_recv(), Ok(Ok(())));
            println!("acknowledged {revision}");
        }
    }
}

#[test]
fn a_full_disk_costs_changes_and_no_restart() {
    let folder = new_folder("full");
    // The kernel kills a process that writes beyond RLIMIT_FSIZE, unless that signal is ignored.
    let child = run_again("child_fills_its_disk", &folder, &["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("went on"), "{said}");
    std::fs::remove_dir_all(folder).expect("removed");
}

#[test]
fn child_fills_its_disk() {
    let Some(Opened { store, rows, revision }) = in_child() else { return };
    let mut definitions = Definitions::new(rows, revision);
    let mut unsettled = Unsettled::default();
    let mut commit = |definitions: &mut Definitions, place: u64| {
        let mut draft = definitions.draft();
        let object = serde_json::json!({ "place": place, "text": "x".repeat(20_000) });
        for part in PARTS {
            draft.put(key(&[&place.to_string(), part]), object.as_object().expect("an object"));
        }
        draft.put_blob(key(&[&place.to_string()]), blob_of(place));
        let change = draft.finish(definitions.revision() + 1);
        unsettled.keep(change.revision, definitions.apply(&change));
        let revision = change.revision;
        let outcome = store.commit(change).blocking_recv().expect("an answer");
        match &outcome {
            Ok(()) => unsettled.settle(revision),
            Err(error) => {
                let since = store.recovered(error).expect("the first to say so");
                unsettled.undo(since, definitions);
            }
        }
        outcome
    };
    for place in 0..20 {
        commit(&mut definitions, place).expect("room");
    }
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("set"));
    let length = folder.join("weir.redb").metadata().expect("there").len();
    limit_files(Some(length));
    let full = (20..).find_map(|place| commit(&mut definitions, place).err()).expect("full at some point");
    assert!(full.to_string().contains("make room"), "{full}");
    for place in 10_000..10_003 {
        assert!(commit(&mut definitions, place).is_err(), "still full");
        assert_eq!(store.blob("7").expect("readable"), Some(blob_of(7)), "reads go on");
        assert!(definitions.get("10000/a").is_none());
    }
    limit_files(None);
    for place in 0..200 {
        commit(&mut definitions, place).expect("room again");
    }
    assert!(store.stop(BOUND));
    let opened = Store::open(&folder).expect("opens");
    assert_eq!(Definitions::new(opened.rows, opened.revision), definitions);
    assert!(opened.store.stop(BOUND));
    println!("went on");
}

fn limit_files(bytes: Option<u64>) {
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a limit of our own");
}

/// This binary's one test, in a process of its own, with `sh` and its arguments in between where there are some.
fn run_again(test: &str, folder: &Path, sh: &[&str]) -> Child {
    let me = std::env::current_exe().expect("a path");
    let mut command = if sh.is_empty() { Command::new(me) } else { shell(sh, &me) };
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("started")
}

fn shell(arguments: &[&str], program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(arguments).arg(program);
    command
}

/// In the child: the store of its folder. In an ordinary run of this file: nothing to do.
fn in_child() -> Option<Opened> {
    Some(Store::open(Path::new(&std::env::var_os(FOLDER)?)).expect("opens"))
}

fn new_folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("weir-durability-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}
