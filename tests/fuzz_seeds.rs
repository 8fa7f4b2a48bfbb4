//! The fuzzers' seeds, run by an ordinary test: no property breaks on what is known to be nasty, and what a seed's name
//! says of it (`ok-`, `bad-`) is what the parser says.

use std::fs;
use std::path::PathBuf;

use bumpalo::Bump;
use serde_json::{Map, Value};
use weir::edge::identity::fuzz;
use weir::edge::identity::jwt::{self, Algorithm, KeySet, Token};
use weir::lang::budget::Budget;
use weir::lang::jsonpath::Path;
use weir::lang::policy::Policy;
use weir::lang::schema::Schema;
use weir::lang::vtl::Template;
use weir::wire::event_stream;
use weir::wire::h1::chunked::Decoder;
use weir::wire::h1::head;
use weir::wire::h1::request::{HeadLimits, RequestHead};

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a readable seed"))
        })
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "no seeds for {target}");
    seeds
}

/// Seeds whose verdict is not what their name says.
fn wrong(target: &str, takes: impl Fn(&[u8]) -> bool) -> Vec<String> {
    seeds(target)
        .into_iter()
        .filter(|(name, bytes)| {
            let expected = match name.split('-').next() {
                Some("ok") => true,
                Some("bad") => false,
                _ => return false,
            };
            takes(bytes) != expected
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn heads() {
    for (_, bytes) in seeds("head") {
        weir::wire::h1::fuzz_head(&bytes);
    }
    let limits = HeadLimits { header_bytes_max: 10_240, url_bytes_max: 10_240 };
    let takes = |bytes: &[u8]| {
        let Some(length) = head::end(bytes, 0) else { return false };
        let mut request = RequestHead::default();
        request.parse(bytes, length, limits).is_ok() && weir::wire::uri::split(request.target.of(bytes)).is_some()
    };
    assert_eq!(wrong("head", takes), Vec::<String>::new());
}

#[test]
fn chunked_bodies() {
    for (_, bytes) in seeds("chunked") {
        weir::wire::h1::fuzz_chunked(&bytes);
    }
    let takes = |bytes: &[u8]| Decoder::default().decode(&mut bytes.to_vec()).is_ok();
    assert_eq!(wrong("chunked", takes), Vec::<String>::new());
}

#[test]
fn event_streams() {
    for (_, bytes) in seeds("event_stream") {
        event_stream::fuzz(&bytes);
    }
    let takes = |bytes: &[u8]| {
        let (mut decoder, mut rest) = (event_stream::Decoder::new(4096), bytes);
        while !rest.is_empty() {
            let Ok(fed) = decoder.feed(rest) else { return false };
            rest = &rest[fed.read..];
        }
        decoder.is_between()
    };
    assert_eq!(wrong("event_stream", takes), Vec::<String>::new());
}

#[test]
fn targets() {
    for (_, bytes) in seeds("uri") {
        weir::wire::uri::fuzz(&bytes);
    }
}

#[test]
fn policies() {
    for (_, bytes) in seeds("policy") {
        weir::lang::policy::fuzz(&bytes);
    }
    let takes = |bytes: &[u8]| Policy::compile(&String::from_utf8_lossy(bytes)).is_ok();
    assert_eq!(wrong("policy", takes), Vec::<String>::new());
}

#[test]
fn templates() {
    for (_, bytes) in seeds("vtl") {
        weir::lang::vtl::fuzz_template(&bytes);
    }
    let takes = |bytes: &[u8]| Template::compile(&String::from_utf8_lossy(bytes)).is_ok();
    assert_eq!(wrong("vtl", takes), Vec::<String>::new());
}

#[test]
fn bodies() {
    for (_, bytes) in seeds("json") {
        weir::lang::json::fuzz(&bytes);
    }
    for (_, bytes) in seeds("xml") {
        weir::lang::xml::fuzz(&bytes);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (arena, budget) = (Bump::new(), Budget::new(1 << 24, 1 << 28));
    let takes_json = |bytes: &[u8]| weir::lang::json::parse(arena.alloc_str(&text(bytes)), &arena, &budget).is_ok();
    assert_eq!(wrong("json", takes_json), Vec::<String>::new());
    let takes_xml = |bytes: &[u8]| weir::lang::xml::parse(arena.alloc_str(&text(bytes)), &arena, &budget).is_ok();
    assert_eq!(wrong("xml", takes_xml), Vec::<String>::new());
}

#[test]
fn paths_and_patterns() {
    for (_, bytes) in seeds("jsonpath") {
        weir::lang::jsonpath::fuzz(&bytes);
    }
    for (_, bytes) in seeds("regex") {
        weir::lang::java_regex::fuzz(&bytes);
    }
    let takes = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        Path::compile(text.split('\n').next().unwrap_or_default()).is_ok()
    };
    assert_eq!(wrong("jsonpath", takes), Vec::<String>::new());
}

#[test]
fn schemas() {
    for (_, bytes) in seeds("schema") {
        weir::lang::schema::fuzz(&bytes);
    }
    let takes = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let schema = text.split("\n\n").next().and_then(|schema| serde_json::from_str::<Value>(schema).ok());
        let models = |name: &str| match name {
            "Self" => schema.clone(),
            "Other" => Some(Value::Object(Map::new())),
            _ => None,
        };
        Schema::of_model("Self", &models).is_some_and(|compiled| compiled.is_ok())
    };
    assert_eq!(wrong("schema", takes), Vec::<String>::new());
}

#[test]
fn mappings() {
    for (_, bytes) in seeds("mapping") {
        weir::formats::openapi::fuzz_mapping(&bytes);
    }
    let takes = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        weir::formats::openapi::takes_source(text.split_once('\n').map_or("", |(_, source)| source))
    };
    assert_eq!(wrong("mapping", takes), Vec::<String>::new());
}

#[test]
fn tokens() {
    for (_, bytes) in seeds("jwt") {
        jwt::fuzz(&bytes);
    }
    let takes = |bytes: &[u8]| {
        let split = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
        let keys = bytes.get(split + 2..).map(KeySet::parse);
        let (Some(token), Some(Ok(keys))) = (Token::parse(&bytes[..split]), keys) else { return false };
        jwt::verify(&token, &keys, &Algorithm::ALL).is_ok()
    };
    assert_eq!(wrong("jwt", takes), Vec::<String>::new());
}

#[test]
fn authorizations() {
    for (_, bytes) in seeds("authorization") {
        fuzz::authorization(&bytes);
    }
    assert_eq!(wrong("authorization", |bytes| fuzz::takes(bytes, 1_700_000_000)), Vec::<String>::new());
}

/// A target that cargo-fuzz cannot find, or whose seeds nobody runs, is none.
#[test]
fn targets_are_named_everywhere() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (package, own) = (read("fuzz/Cargo.toml"), read("tests/fuzz_seeds.rs"));
    let (maker, readme) = (read("fuzz/seeds/make.py"), read("fuzz/README.md"));
    let mut targets: Vec<String> = fs::read_dir(root.join("fuzz/fuzz_targets"))
        .expect("the targets")
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    targets.sort();
    for target in &targets {
        assert!(package.contains(&format!("name = \"{target}\"\npath = \"fuzz_targets/{target}.rs\"")), "{target}");
        // `rows` is seeded by `yaml`'s.
        if target != "rows" {
            assert!(own.contains(&format!("in seeds(\"{target}\")")), "{target} in tests/fuzz_seeds.rs");
            assert!(maker.contains(&format!("\"{target}\": {}", target.to_uppercase())), "{target} in make.py");
        }
    }
    assert!(targets.len() == 16 && readme.contains("Sixteen targets"), "{} targets", targets.len());
}

#[test]
fn documents() {
    for (_, bytes) in seeds("yaml") {
        weir::formats::yaml::fuzz(&bytes);
        weir::formats::openapi::fuzz_rows(&bytes);
    }
}
