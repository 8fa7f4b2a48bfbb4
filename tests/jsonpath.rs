//! JSONPath against tests/cases/jsonpath: a document, and what paths mean in it.

use std::fs;
use std::path::PathBuf;

use bumpalo::Bump;
use weir::lang::budget::Budget;
use weir::lang::json::{self, Slashes};
use weir::lang::jsonpath::Path;

#[track_caller]
fn check(name: &str, cases_min: usize) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases/jsonpath").join(name);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let document = lines.next().expect("a document");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in lines {
        let (path, expected) = line.split_once(" => ").or_else(|| line.split_once(" ~> ")).expect("=> or ~>");
        let got = answer(document, path);
        cases += 1;
        if got != expected {
            wrong.push(format!("{path}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    assert!(cases >= cases_min, "{name} has {cases} cases");
}

/// As `$input.json` writes it; `miss` where the path leads nowhere, `refused` where it is none.
fn answer(document: &str, path: &str) -> String {
    let (arena, budget) = (Bump::new(), Budget::new(1_000_000, 1 << 24));
    let root = json::parse(document, &arena, &budget).expect("the document is JSON");
    let Ok(path) = Path::compile(path) else { return "refused".to_owned() };
    let Some(found) = path.find(root, &arena, &budget).expect("within its budget") else { return "miss".to_owned() };
    let mut out = Vec::new();
    json::write(found, Slashes::Plain, &budget, &mut out).expect("within its budget");
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn the_library_s_own_example() {
    check("store.txt", 45);
}

#[test]
fn shapes_of_paths() {
    check("shapes.txt", 220);
}

#[test]
fn deep_scans() {
    check("scans.txt", 15);
}

#[test]
fn comparisons_of_filters() {
    check("comparisons.txt", 45);
}
