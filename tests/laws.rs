//! The laws of the house (docs/architecture.md, section 2). Each failure says what to do.

#[path = "support/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Crate, Reference, SourceFile, Token, circles, rust_files, tokens};

/// Files of `edge/` that are no stage and may see every stage.
const SEES_ALL_STAGES: &[&str] = &[
    "src/edge/answer.rs",
    "src/edge/authorize.rs",
    "src/edge/encode.rs",
    "src/edge/invoke.rs",
    "src/edge/mod.rs",
    "src/edge/relay.rs",
    "src/edge/snapshot.rs",
    "src/edge/told.rs",
    "src/edge/whole.rs",
    "src/edge/worker.rs",
];
/// What all stages share.
const SHARED_BY_STAGES: &[&str] = &["body", "exchange", "fault"];
/// What only the spine handles.
const SPINE_ONLY: &[&str] =
    &["answer", "authorize", "encode", "invoke", "relay", "snapshot", "told", "whole", "worker"];
/// Proofs that a stage made and a later one asks for: naming one is how a check cannot be left out, and only the stage
/// that made it can make another.
const PROOFS: &[&[&str]] = &[
    &["edge", "identity", "resource_policy", "Allowed"],
    &["edge", "limit", "Admitted"],
    &["edge", "request_validator", "Valid"],
];

/// Files that may hold `unsafe`, each for a reason that stands in it.
const UNSAFE_FILES: &[&str] = &[
    "src/net/buffer.rs", // the kernel writes into buffers that Rust does not look at meanwhile
    "src/net/socket.rs", // socket options and descriptors that no library wraps
];

const ANYWHERE: &[&str] = &["src/"];

/// Every dependency and the files that may name it, by the start of their path.
const ADDRESSES: &[(&str, &[&str])] = &[
    ("arc_swap", ANYWHERE),
    ("axum", &["src/control/", "src/console/", "src/cli/", "src/functions/"]),
    ("base64", ANYWHERE),
    ("brotli", &["src/edge/"]),
    ("bumpalo", ANYWHERE),
    ("clap", &["src/cli/", "src/settings/"]),
    ("crossbeam", ANYWHERE),
    ("fancy_regex", &["src/lang/", "src/edge/"]),
    ("flate2", &["src/edge/", "src/functions/code.rs", "src/wire/event_stream.rs"]),
    ("foldhash", ANYWHERE),
    ("futures_core", &["src/control/admin/", "src/functions/invoke_api.rs"]),
    ("hashbrown", ANYWHERE),
    ("hickory_resolver", &["src/control/fetch/"]),
    ("httparse", &["src/wire/h1/"]),
    ("httpdate", ANYWHERE),
    ("io_uring", &["src/net/"]),
    ("jiff", ANYWHERE),
    ("jsonschema", &["src/lang/"]),
    ("libc", &["src/net/"]),
    ("memchr", ANYWHERE),
    ("miette", &["src/cli/", "src/control/", "src/formats/"]),
    ("mimalloc", &["src/main.rs"]),
    ("monoio", &["src/net/"]),
    ("notify", &["src/control/fetch/"]),
    ("num_bigint", &["src/lang/"]),
    ("percent_encoding", ANYWHERE),
    ("pin_project_lite", &["src/net/"]),
    ("ppp", &["src/edge/accept/"]),
    ("prometheus_client", &["src/telemetry/"]),
    ("quanta", &["src/time.rs"]),
    ("quick_cache", &["src/edge/"]),
    ("quick_xml", &["src/lang/", "src/control/fetch/"]), // AWS's STS answers in XML
    ("rawzip", &["src/functions/code.rs"]),
    ("rcgen", &["src/control/admin/"]),
    ("redb", &["src/control/commit/disk.rs"]),
    ("regex", ANYWHERE),
    ("regex_automata", &["src/lang/"]),
    ("ring", &["src/sigv4/", "src/edge/identity/", "src/control/", "src/functions/shared.rs"]),
    ("rustix", ANYWHERE),
    ("rustls", &["src/net/tls.rs", "src/edge/accept/", "src/control/"]),
    ("rustls_native_certs", &["src/net/tls.rs"]),
    ("saphyr", &["src/formats/"]),
    ("saphyr_parser", &["src/formats/"]),
    ("serde", ANYWHERE),
    ("serde_json", ANYWHERE),
    ("socket2", ANYWHERE),
    ("thiserror", ANYWHERE),
    ("tokio", &["src/control/", "src/console/", "src/cli/", "src/functions/"]),
    ("toml", &["src/settings/", "src/control/", "src/cli/"]),
    ("ureq", &["src/cli/", "src/control/fetch/"]),
    ("zstd", &["src/edge/"]),
];

#[test]
fn imports_point_down_the_listing() {
    let krate = weir();
    let mut broken = Vec::new();
    each_own(&krate, |file, reference| {
        let (Some(from), Some(to)) = (file.module.first(), reference.path.first()) else { return };
        let known = krate.files.iter().any(|file| file.module.first() == Some(to));
        if file.path != "src/main.rs" && known && from > to {
            broken.push(format!(
                "{}:{} imports {}, but `{to}` stands above `{from}` in src/: move the code, or pass the value down",
                file.path,
                reference.line,
                reference.path.join("::")
            ));
        }
    });
    report(&broken);
}

#[test]
fn stages_import_only_what_stands_below_them() {
    let krate = weir();
    let mut broken = Vec::new();
    each_own(&krate, |file, reference| {
        let [edge, from, ..] = file.module.as_slice() else { return };
        if edge != "edge" || SEES_ALL_STAGES.contains(&file.path.as_str()) {
            return;
        }
        let [edge, to, ..] = reference.path.as_slice() else { return };
        let is_part = krate.files.iter().any(|file| file.module.len() > 1 && file.module[1] == *to);
        if edge != "edge" || from == to || !is_part || SHARED_BY_STAGES.contains(&to.as_str()) {
            return;
        }
        let what = format!("{}:{} imports {}", file.path, reference.line, reference.path.join("::"));
        if SPINE_ONLY.contains(&to.as_str()) {
            broken.push(format!(
                "{what}: only edge/mod.rs, snapshot.rs and worker.rs see it. Take the part you work on as an argument"
            ));
        } else if SHARED_BY_STAGES.contains(&from.as_str()) {
            broken.push(format!("{what}: what all stages share knows no stage. Move the type into {from}.rs"));
        } else if from > to && !PROOFS.iter().any(|proof| reference.path == *proof) {
            broken.push(format!(
                "{what}, a stage that a request has already left: hand its result on as an argument (a proof)"
            ));
        }
    });
    report(&broken);
}

#[test]
fn no_files_import_each_other() {
    let krate = weir();
    let mut edges: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (index, file) in krate.files.iter().enumerate() {
        for reference in krate.references(file).iter().filter(|reference| reference.ours) {
            if let Some(to) = krate.file_of(&reference.path).filter(|&to| to != index) {
                edges.entry(index).or_default().insert(to);
            }
        }
    }
    let rings: Vec<String> = circles(&edges)
        .iter()
        .map(|ring| {
            let names: Vec<&str> = ring.iter().map(|&index| krate.files[index].path.as_str()).collect();
            format!("{} -> {}: move what both need into a file below both", names.join(" -> "), names[0])
        })
        .collect();
    report(&rings);
}

#[test]
fn the_edge_runs_only_what_is_compiled() {
    let krate = weir();
    let mut broken = Vec::new();
    each_own(&krate, |file, reference| {
        let at = || format!("{}:{} names {}", file.path, reference.line, reference.path.join("::"));
        let in_edge = file.module.first().is_some_and(|first| first == "edge");
        if in_edge && !is_compile(&file.module) && reference.path.first().is_some_and(|first| first == "model") {
            broken.push(format!("{}: only a compile.rs reads definitions; compile it into a type of the stage", at()));
        }
        let target = krate.file_of(&reference.path).map(|index| krate.files[index].module.as_slice());
        if target.is_some_and(|module| module.first().is_some_and(|first| first == "edge") && is_compile(module))
            && !is_compile(&file.module)
            && !file.path.starts_with("src/control/deploy/")
        {
            broken.push(format!("{}: only control/deploy compiles, so that no request ever does", at()));
        }
    });
    report(&broken);
}

#[test]
fn every_dependency_has_an_address() {
    let krate = weir();
    let mut broken = Vec::new();
    for file in &krate.files {
        for reference in krate.references(file).iter().filter(|reference| !reference.ours) {
            let Some((name, places)) = ADDRESSES.iter().find(|(name, _)| reference.path[0] == *name) else { continue };
            if !places.iter().any(|place| file.path.starts_with(place)) {
                broken.push(format!(
                    "{}:{} names {name}, which lives in {}: offer what you need there, in our own words",
                    file.path,
                    reference.line,
                    places.join(", ")
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn every_dependency_is_in_the_table_of_addresses() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut section = "";
    let mut broken = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim();
        } else if section == "[dependencies]" && !line.starts_with('#') {
            let Some((name, _)) = line.split_once('=') else { continue };
            let name = name.trim().replace('-', "_");
            if !ADDRESSES.iter().any(|(known, _)| *known == name) {
                broken.push(format!("{name} has no row in ADDRESSES of tests/laws.rs: say which files may name it"));
            }
        }
    }
    report(&broken);
}

#[test]
fn no_lock_on_the_way_of_a_request() {
    words_outside(&["src/edge/", "src/lang/", "src/wire/"], &["Mutex", "RwLock"], |word| {
        format!("{word}: what cores share is handed over by mailbox, or lent in batches (edge/limit/ledger.rs)")
    });
}

#[test]
fn languages_and_formats_of_the_wire_have_no_clock() {
    words_outside(&["src/lang/", "src/wire/"], &["Instant", "SystemTime", "quanta"], |word| {
        format!(
            "{word}: take the time as a number from the caller, so that a test and a fuzzer can say what time it is"
        )
    });
}

#[test]
fn unsafe_has_an_address() {
    let krate = weir();
    let broken: Vec<String> = krate
        .files
        .iter()
        .filter(|file| !UNSAFE_FILES.contains(&file.path.as_str()))
        .filter_map(|file| {
            let token = file.tokens.iter().find(|token| token.text == "unsafe")?;
            Some(format!(
                "{}:{} opens unsafe: use what net/ offers, or add the file to UNSAFE_FILES with its reason",
                file.path, token.line
            ))
        })
        .collect();
    report(&broken);
}

#[test]
fn nothing_panics_on_the_way_of_a_request() {
    let krate = weir();
    let mut broken = Vec::new();
    let on_the_way = krate.files.iter().filter(|file| below(file, &["src/edge/", "src/wire/", "src/net/"]));
    // A module of tests in a file of its own meets no request either.
    for file in on_the_way.filter(|file| !file.path.ends_with("/tests.rs")) {
        for (before, token, after) in neighbours(&file.tokens) {
            let method = before == "." && after == "(" && matches!(token.text.as_str(), "unwrap" | "expect");
            let macros = after == "!" && matches!(token.text.as_str(), "panic" | "unreachable" | "todo");
            if method || macros {
                broken.push(format!(
                    "{}:{} has {}: what a peer can cause is an error value; our own mistakes are a debug_assert",
                    file.path, token.line, token.text
                ));
            }
        }
    }
    report(&broken);
}

#[test]
fn an_ignored_test_says_why() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        rust_files(&root().join(folder), &mut paths);
    }
    let mut broken = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("a readable source file");
        for (before, token, after) in neighbours(&tokens(&text)) {
            if before == "[" && token.text == "ignore" && after == "]" {
                broken.push(format!("{}:{}: write #[ignore = \"why\"]", path.display(), token.line));
            }
        }
    }
    report(&broken);
}

#[test]
fn the_tables_name_files_that_can_exist() {
    for path in UNSAFE_FILES.iter().chain(ADDRESSES.iter().flat_map(|(_, places)| places.iter())) {
        assert!(path.starts_with("src/"), "{path}: paths in tests/laws.rs start at the repository's root");
    }
    assert!(ADDRESSES.is_sorted_by_key(|(name, _)| *name), "keep ADDRESSES sorted, so that two never add one row");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn weir() -> Crate {
    let krate = Crate::read(root());
    assert!(krate.files.len() > 10, "the sources were not found");
    krate
}

fn each_own(krate: &Crate, mut visit: impl FnMut(&SourceFile, &Reference)) {
    for file in &krate.files {
        for reference in krate.references(file).iter().filter(|reference| reference.ours) {
            visit(file, reference);
        }
    }
}

fn is_compile(module: &[String]) -> bool {
    module.iter().any(|part| part == "compile")
}

fn below(file: &SourceFile, folders: &[&str]) -> bool {
    folders.iter().any(|folder| file.path.starts_with(folder))
}

fn words_outside(folders: &[&str], words: &[&str], advice: impl Fn(&str) -> String) {
    let krate = weir();
    let mut broken = Vec::new();
    for file in krate.files.iter().filter(|file| below(file, folders)) {
        for token in file.tokens.iter().filter(|token| words.contains(&token.text.as_str())) {
            broken.push(format!("{}:{} names {}", file.path, token.line, advice(&token.text)));
        }
    }
    report(&broken);
}

/// Every token with what stands before and after it.
fn neighbours(tokens: &[Token]) -> impl Iterator<Item = (&str, &Token, &str)> {
    let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text.as_str());
    tokens.iter().enumerate().map(move |(at, token)| (text(at.checked_sub(1)), token, text(Some(at + 1))))
}

#[track_caller]
fn report(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}
