//! Reads Rust sources for `laws.rs`: tokens, the paths a file names, and the files those paths lead to.
//!
//! Not a Rust parser: it knows comments, strings, braces, inline modules, `#[cfg(test)]` and `use` trees, which is
//! all that the laws ask about.

#![allow(unreachable_pub, reason = "a module of a test crate: nothing here is reachable from outside anyway")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A word or a punctuation mark, and its line. `::` is one token; literals are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// Something a file names by a path: `["crate", "edge", "fault", "Fault"]`, or `["monoio", "net"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// From the crate's root where `ours`; else the first part is a library's name.
    pub path: Vec<String>,
    pub ours: bool,
    pub line: usize,
}

/// One file of `src/`, without its `#[cfg(test)]` items.
pub struct SourceFile {
    /// From the repository's root: `src/edge/limit/bucket.rs`.
    pub path: String,
    /// `["edge", "limit", "bucket"]`; `mod.rs` has its folder's name.
    pub module: Vec<String>,
    pub tokens: Vec<Token>,
}

/// All of `src/`.
pub struct Crate {
    pub files: Vec<SourceFile>,
    by_module: BTreeMap<Vec<String>, usize>,
}

impl Crate {
    pub fn read(root: &Path) -> Self {
        let mut paths = Vec::new();
        rust_files(&root.join("src"), &mut paths);
        let texts = paths.iter().map(|path| {
            let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(path).expect("a readable source file"))
        });
        Self::from_texts(texts)
    }

    /// From names and texts, so that the reader itself can be tested.
    pub fn from_texts(texts: impl IntoIterator<Item = (String, String)>) -> Self {
        let files: Vec<SourceFile> = texts
            .into_iter()
            .map(|(path, text)| SourceFile { module: module_of(&path), tokens: without_tests(&tokens(&text)), path })
            .collect();
        let by_module = files.iter().enumerate().map(|(index, file)| (file.module.clone(), index)).collect();
        Self { files, by_module }
    }

    /// The file that holds what a path names: the longest part of it that is a file.
    pub fn file_of(&self, path: &[String]) -> Option<usize> {
        (1..=path.len()).rev().find_map(|length| self.by_module.get(&path[..length]).copied())
    }

    fn is_module(&self, module: &[String]) -> bool {
        self.by_module.contains_key(module)
    }

    /// Everything that a file names by a path, in `use` items and in its code.
    pub fn references(&self, file: &SourceFile) -> Vec<Reference> {
        let mut found = Vec::new();
        let mut bound: BTreeMap<String, Reference> = BTreeMap::new();
        let uses = uses(&file.tokens);
        for item in &uses {
            let module: Vec<String> = file.module.iter().chain(&item.inline).cloned().collect();
            let reference = self.resolve(&module, &item.path, item.line, &BTreeMap::new());
            if item.name != "*" && item.name != "_" {
                bound.insert(item.name.clone(), reference.clone());
            }
            found.push(reference);
        }
        for item in inline_paths(&file.tokens) {
            let module: Vec<String> = file.module.iter().chain(&item.inline).cloned().collect();
            found.push(self.resolve(&module, &item.path, item.line, &bound));
        }
        found
    }

    fn resolve(
        &self,
        module: &[String],
        path: &[String],
        line: usize,
        bound: &BTreeMap<String, Reference>,
    ) -> Reference {
        let ours = |path: Vec<String>| Reference { path, ours: true, line };
        let first = path[0].as_str();
        match first {
            "crate" | "weir" => return ours(path[1..].to_vec()),
            "self" | "super" => {
                let mut at = module.to_vec();
                let mut rest = path;
                while let Some(part) = rest.first() {
                    match part.as_str() {
                        "self" => {}
                        "super" => drop(at.pop()),
                        _ => break,
                    }
                    rest = &rest[1..];
                }
                at.extend_from_slice(rest);
                return ours(at);
            }
            _ => {}
        }
        let child: Vec<String> = module.iter().cloned().chain([first.to_owned()]).collect();
        if self.is_module(&child) {
            return ours(module.iter().chain(path).cloned().collect());
        }
        if let Some(known) = bound.get(first) {
            let path = known.path.iter().chain(&path[1..]).cloned().collect();
            return Reference { path, ours: known.ours, line };
        }
        Reference { path: path.to_vec(), ours: false, line }
    }
}

/// `src/edge/mod.rs` is `["edge"]`, `src/time.rs` is `["time"]`, `src/lib.rs` and `src/main.rs` are empty and `main`.
pub fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod") || inner == "lib" {
        parts.pop();
    }
    parts
}

/// Every Rust file below a folder, sorted by name.
pub fn rust_files(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Words and marks. Comments, strings, characters, lifetimes and numbers are left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let (mut at, mut line) = (0, 1);
    let mut out = Vec::new();
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        match byte {
            b'/' if bytes.get(at + 1) == Some(&b'/') => at += text[at..].find('\n').unwrap_or(text.len() - at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = end_of_block_comment(bytes, at),
            b'"' => at = end_of_string(bytes, at),
            b'r' | b'b' | b'c' if literal_prefix(bytes, at).is_some() => {
                at = literal_prefix(bytes, at).unwrap_or(at + 1);
            }
            b'\'' => at = end_of_character(text, at),
            b':' if bytes.get(at + 1) == Some(&b':') => {
                out.push(Token { text: "::".to_owned(), line });
                at += 2;
            }
            b'0'..=b'9' => at += bytes[at..].iter().take_while(|&&byte| is_word(byte)).count(),
            _ if is_word(byte) => {
                at += bytes[at..].iter().take_while(|&&byte| is_word(byte)).count();
                out.push(Token { text: text[start..at].to_owned(), line });
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    out.push(Token { text: char::from(byte).to_string(), line });
                }
                at += 1;
            }
        }
        line += bytes[start..at].iter().filter(|&&byte| byte == b'\n').count();
    }
    out
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn end_of_block_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        match &bytes[at..(at + 2).min(bytes.len())] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Where `b"…"`, `r#"…"#`, `br"…"`, `c"…"` or `b'…'` ends, if it is one.
fn literal_prefix(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && is_word(bytes[at - 1]) {
        return None;
    }
    let letters = bytes[at..].iter().take_while(|byte| matches!(byte, b'r' | b'b' | b'c')).count();
    if letters > 2 {
        return None;
    }
    let raw = bytes[at..at + letters].contains(&b'r');
    let hashes = if raw { bytes[at + letters..].iter().take_while(|&&byte| byte == b'#').count() } else { 0 };
    let quote = at + letters + hashes;
    match bytes.get(quote) {
        Some(b'"') if raw => {
            let mut end = quote + 1;
            while end < bytes.len() {
                if bytes[end] == b'"' && bytes[end + 1..].iter().take(hashes).filter(|&&b| b == b'#').count() == hashes
                {
                    return Some(end + 1 + hashes);
                }
                end += 1;
            }
            Some(end)
        }
        Some(b'"') => Some(end_of_string(bytes, quote)),
        Some(b'\'') if &bytes[at..quote] == b"b" => {
            let end = if bytes.get(quote + 1) == Some(&b'\\') { quote + 3 } else { quote + 2 };
            Some(end + bytes[end.min(bytes.len())..].iter().take_while(|&&byte| byte != b'\'').count() + 1)
        }
        _ => None,
    }
}

/// After a character literal, or after a lifetime's mark and name.
fn end_of_character(text: &str, at: usize) -> usize {
    let rest = &text[at + 1..];
    let mut characters = rest.char_indices();
    match characters.next() {
        Some((_, '\\')) => {
            let escaped = rest[1..].chars().next().map_or(0, char::len_utf8);
            at + 1 + 1 + escaped + rest[1 + escaped..].find('\'').map_or(0, |quote| quote + 1)
        }
        Some((_, first)) if rest[first.len_utf8()..].starts_with('\'') => at + 1 + first.len_utf8() + 1,
        _ => at + 1 + rest.bytes().take_while(|&byte| is_word(byte)).count(),
    }
}

/// Leaves out every item under `#[cfg(test)]`, and a file that starts with `#![cfg(test)]`.
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    if words.starts_with(&["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
        return Vec::new();
    }
    let mut out = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if words[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            at = end_of_item(&words, at + 7);
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    out
}

/// After the `;`, or after the closing brace, of the item that starts here.
fn end_of_item(words: &[&str], mut at: usize) -> usize {
    let (mut braces, mut others) = (0, 0);
    while at < words.len() {
        match words[at] {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if braces == 0 && others == 0 {
                    return at + 1;
                }
            }
            "(" | "[" => others += 1,
            ")" | "]" => others -= 1,
            ";" if braces == 0 && others == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// One leaf of a `use` tree, or one path in code.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub path: Vec<String>,
    /// The name it has here: the last part, or what follows `as`; `*` for a glob.
    pub name: String,
    /// Inline modules (`mod x { … }`) around it.
    pub inline: Vec<String>,
    pub line: usize,
}

/// Every leaf of every `use` item.
pub fn uses(tokens: &[Token]) -> Vec<Named> {
    let mut out = Vec::new();
    walk(tokens, |at, inline| {
        if tokens[at].text != "use" {
            return at + 1;
        }
        let end = at + tokens[at..].iter().position(|token| token.text == ";").unwrap_or(tokens.len() - at);
        let mut leaves = Vec::new();
        use_tree(&tokens[at + 1..end], &mut 0, &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            out.push(Named { path, name, inline: inline.to_vec(), line: tokens[at].line });
        }
        end
    });
    out
}

fn use_tree(tokens: &[Token], at: &mut usize, prefix: &mut Vec<String>, out: &mut Vec<(Vec<String>, String)>) {
    let depth = prefix.len();
    if tokens.get(*at).is_some_and(|token| token.text == "::") {
        *at += 1;
    }
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match token.text.as_str() {
            "{" => {
                while tokens.get(*at).is_some_and(|token| token.text != "}") {
                    use_tree(tokens, at, prefix, out);
                    if tokens.get(*at).is_some_and(|token| token.text == ",") {
                        *at += 1;
                    }
                }
                *at += 1;
                prefix.truncate(depth);
                return;
            }
            "*" => {
                out.push((prefix.clone(), "*".to_owned()));
                prefix.truncate(depth);
                return;
            }
            word => {
                // `self` in a list is the list's own prefix; at the start it is a place to begin.
                if word != "self" || prefix.is_empty() {
                    prefix.push(word.to_owned());
                }
                match tokens.get(*at).map(|token| token.text.as_str()) {
                    Some("::") => *at += 1,
                    Some("as") => {
                        let name = tokens.get(*at + 1).map_or("_", |token| token.text.as_str()).to_owned();
                        *at += 2;
                        out.push((prefix.clone(), name));
                        prefix.truncate(depth);
                        return;
                    }
                    _ => {
                        let name = prefix.last().cloned().unwrap_or_default();
                        out.push((prefix.clone(), name));
                        prefix.truncate(depth);
                        return;
                    }
                }
            }
        }
    }
}

/// Paths with at least two parts, outside `use` items.
pub fn inline_paths(tokens: &[Token]) -> Vec<Named> {
    let mut out = Vec::new();
    walk(tokens, |at, inline| {
        if tokens[at].text == "use" {
            return at + tokens[at..].iter().position(|token| token.text == ";").unwrap_or(tokens.len() - at);
        }
        let starts = is_name(&tokens[at].text) && (at == 0 || !matches!(tokens[at - 1].text.as_str(), "::" | "."));
        if !starts {
            return at + 1;
        }
        let mut path = vec![tokens[at].text.clone()];
        let mut next = at + 1;
        while next + 1 < tokens.len() && tokens[next].text == "::" && is_name(&tokens[next + 1].text) {
            path.push(tokens[next + 1].text.clone());
            next += 2;
        }
        if path.len() > 1 {
            let name = path.last().cloned().unwrap_or_default();
            out.push(Named { path, name, inline: inline.to_vec(), line: tokens[at].line });
        }
        next
    });
    out
}

fn is_name(word: &str) -> bool {
    word.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

/// Visits tokens and keeps the inline modules around them; the visitor says where to go on.
fn walk(tokens: &[Token], mut visit: impl FnMut(usize, &[String]) -> usize) {
    let mut inline: Vec<String> = Vec::new();
    let mut depths: Vec<usize> = Vec::new();
    let (mut at, mut depth) = (0, 0);
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "mod" if tokens.get(at + 2).is_some_and(|token| token.text == "{") => {
                inline.push(tokens[at + 1].text.clone());
                depths.push(depth);
                depth += 1;
                at += 3;
            }
            "{" => (depth, at) = (depth + 1, at + 1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depths.last() == Some(&depth) {
                    depths.pop();
                    inline.pop();
                }
                at += 1;
            }
            _ => at = visit(at, &inline),
        }
    }
}

/// Rings of files that import each other, each as a list of paths.
pub fn circles(edges: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<Vec<usize>> {
    // Depth first with the way kept: what leads back onto the way is a circle.
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for &start in edges.keys() {
        follow(start, edges, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn follow(
    at: usize,
    edges: &BTreeMap<usize, BTreeSet<usize>>,
    way: &mut Vec<usize>,
    done: &mut BTreeSet<usize>,
    found: &mut Vec<Vec<usize>>,
) {
    if let Some(from) = way.iter().position(|&seen| seen == at) {
        found.push(way[from..].to_vec());
        return;
    }
    if !done.insert(at) {
        return;
    }
    way.push(at);
    for &next in edges.get(&at).into_iter().flatten() {
        follow(next, edges, way, done, found);
    }
    way.pop();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[track_caller]
    fn check_uses(text: &str, expected: &[&str]) {
        let found: Vec<String> =
            uses(&tokens(text)).into_iter().map(|item| format!("{}={}", item.name, item.path.join("::"))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn comments_strings_and_lifetimes_are_no_words() {
        assert_eq!(words("a /* b /* c */ d */ e // f\n g"), ["a", "e", "g"]);
        assert_eq!(words(r##"a("b { \" c", r#"d " e"#, b'x', b"f", 'g', '\'', '"') h"##).join(""), "a(,,,,,,)h");
        assert_eq!(words("fn f<'a>(x: &'a str) {}").join(" "), "fn f < > ( x : & str ) { }");
        assert_eq!(words("'é' x"), ["x"]);
        assert_eq!(words("1_000u32 + 0x1f"), ["+"]);
        assert_eq!(words("break_r br cr"), ["break_r", "br", "cr"]);
        assert_eq!(tokens("a\n\"x\ny\"\nb")[1].line, 4);
    }

    #[test]
    fn use_trees_come_apart() {
        check_uses("use a::b;", &["b=a::b"]);
        check_uses("pub(crate) use a::{b, c::{d as e, *}, self};", &["b=a::b", "e=a::c::d", "*=a::c", "a=a"]);
        check_uses("use ::x::y as z;", &["z=x::y"]);
        check_uses("use self::a; use super::super::b::C;", &["a=self::a", "C=super::super::b::C"]);
        check_uses("use {a::b, c};", &["b=a::b", "c=c"]);
    }

    #[test]
    fn tests_are_left_out() {
        let left =
            without_tests(&tokens("a; #[cfg(test)] mod tests { use b::c; fn x() { y; } } d; #[cfg(test)] use e;f"));
        assert_eq!(left.iter().map(|token| token.text.as_str()).collect::<String>(), "a;d;f");
        let left = without_tests(&tokens("#[cfg(test)] fn a(b: [u8; 3]) -> [u8; 3] { c } d"));
        assert_eq!(left.iter().map(|token| token.text.as_str()).collect::<String>(), "d");
    }

    fn krate(files: &[(&str, &str)]) -> Crate {
        Crate::from_texts(files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())))
    }

    fn named(krate: &Crate, path: &str) -> Vec<String> {
        let file = krate.files.iter().find(|file| file.path == path).unwrap();
        krate
            .references(file)
            .into_iter()
            .map(|reference| format!("{}{}", if reference.ours { "" } else { "!" }, reference.path.join("::")))
            .collect()
    }

    #[test]
    fn paths_are_resolved_from_where_they_stand() {
        let krate = krate(&[
            ("src/net/mod.rs", "mod ring; use ring::Ring; fn f() { ring::go(); monoio::spawn(); }"),
            ("src/net/ring.rs", "use super::tcp::Tcp; use crate::time; fn f() { time::now(); super::g(); }"),
            ("src/net/tcp.rs", "mod inner { use super::x; use super::super::ring::Y; } use rustls::crypto::ring as r;"),
            ("src/time.rs", "use quanta::Clock; use ring::digest;"),
            ("src/sigv4.rs", "use ring::hmac; fn f() { hmac::sign(); x.ring::<u8>(); a::ring::b(); }"),
        ]);
        assert_eq!(named(&krate, "src/net/mod.rs"), ["net::ring::Ring", "net::ring::go", "!monoio::spawn"]);
        assert_eq!(named(&krate, "src/net/ring.rs"), ["net::tcp::Tcp", "time", "time::now", "net::g"]);
        assert_eq!(named(&krate, "src/net/tcp.rs"), ["net::tcp::x", "net::ring::Y", "!rustls::crypto::ring"]);
        assert_eq!(named(&krate, "src/time.rs"), ["!quanta::Clock", "!ring::digest"]);
        assert_eq!(named(&krate, "src/sigv4.rs"), ["!ring::hmac", "!ring::hmac::sign", "!a::ring::b"]);
        let path = ["net", "ring", "Ring"].map(str::to_owned);
        assert_eq!(krate.files[krate.file_of(&path).unwrap()].path, "src/net/ring.rs");
    }

    #[test]
    fn circles_are_found_at_any_distance() {
        let edges = |pairs: &[(usize, usize)]| {
            let mut edges: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
            for &(from, to) in pairs {
                edges.entry(from).or_default().insert(to);
            }
            edges
        };
        assert!(circles(&edges(&[(0, 1), (0, 2), (1, 2)])).is_empty());
        assert_eq!(circles(&edges(&[(0, 1), (1, 2), (2, 0)])), [[0, 1, 2]]);
    }
}
