//! `weir template test DIR`: case files of mapping templates, for people's own CI.
//!
//! A case is a file `NAME.case.yaml` (or `.json`), with texts in it or `@FILE` beside it:
//!
//! ```yaml
//! template: "@request.vtl"
//! input: '{"id": 7}'                       # what the template reads; absent is an empty body
//! params: {path: {}, querystring: {q: "1"}, header: {}}
//! context: {stage: prod}
//! stageVariables: {table: orders}
//! expected: "@expected.json"               # the text, or under expectedJson a value
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bumpalo::Bump;
use serde_json::{Map as JsonMap, Value as Json};

use super::flags::TemplateTestFlags;
use crate::formats::yaml;
use crate::lang::budget::Budget;
use crate::lang::json::from_serde;
use crate::lang::value::{Key, Map, Value};
use crate::lang::vtl;
use crate::settings::limits::{DEFINITION_BYTES_MAX, DOCUMENT_DEPTH_MAX};

pub(super) fn test(flags: &TemplateTestFlags) -> ExitCode {
    let mut files = Vec::new();
    if let Err(error) = collect(&flags.directory, 0, &mut files) {
        eprintln!("weir: {}: {error}", flags.directory.display());
        return ExitCode::FAILURE;
    }
    files.sort();
    if files.is_empty() {
        eprintln!("weir: {} has no files named *.case.yaml or *.case.json", flags.directory.display());
        return ExitCode::FAILURE;
    }
    let mut failed = 0;
    let mut text = String::new();
    for file in &files {
        match run(file) {
            Ok(()) => text.push_str(&format!("ok      {}\n", file.display())),
            Err(reason) => {
                failed += 1;
                text.push_str(&format!("FAILED  {}\n{}\n", file.display(), indented(&reason)));
            }
        }
    }
    text.push_str(&format!("{} passed, {failed} failed\n", files.len() - failed));
    let written = std::io::stdout().write_all(text.as_bytes()).is_ok();
    if failed == 0 && written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DOCUMENT_DEPTH_MAX {
        return Err(std::io::Error::other("the folders lie too deep"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // A link to a folder above would never end.
        if entry.file_type()?.is_dir() {
            collect(&path, depth + 1, files)?;
        } else if [".case.yaml", ".case.yml", ".case.json"].iter().any(|end| path.to_string_lossy().ends_with(end)) {
            files.push(path);
        }
    }
    Ok(())
}

/// What a case may say.
const MEMBERS: [&str; 9] =
    ["template", "input", "params", "context", "stageVariables", "expected", "expectedJson", "fails", "description"];

fn run(file: &Path) -> Result<(), String> {
    let case = read(file)?;
    if let Some(unknown) = case.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
        return Err(format!("`{unknown}` is no member of a case: there are {}", MEMBERS.join(", ")));
    }
    let template = text(&case, "template", file)?.ok_or("a case needs a `template`")?;
    let body = text(&case, "input", file)?.unwrap_or_default();
    let rendered = render(&template, &body, &case);
    if let Some(expected) = text(&case, "fails", file)? {
        return match rendered {
            Ok(output) => Err(format!("it should fail, and rendered\n{output}")),
            Err(reason) if reason.contains(&expected) => Ok(()),
            Err(reason) => Err(format!("it should fail with\n{expected}\nand failed with\n{reason}")),
        };
    }
    let output = rendered?;
    if let Some(expected) = case.get("expectedJson") {
        let found: Json =
            serde_json::from_str(&output).map_err(|error| format!("the output is no JSON ({error}):\n{output}"))?;
        return if found == *expected {
            Ok(())
        } else {
            Err(format!("expected\n{expected:#}\nand rendered\n{found:#}"))
        };
    }
    let expected = text(&case, "expected", file)?.ok_or("a case needs `expected`, `expectedJson` or `fails`")?;
    if output == expected { Ok(()) } else { Err(difference(&expected, &output)) }
}

fn read(file: &Path) -> Result<JsonMap<String, Json>, String> {
    let text = contents(file)?;
    let mut problems = Vec::new();
    let node = yaml::parse(0, &text, &mut problems);
    if let Some(problem) = problems.first() {
        return Err(format!("{}: {}", problem.found, problem.help));
    }
    match node.as_ref().map(yaml::to_json) {
        Some(Json::Object(case)) => Ok(case),
        _ => Err("a case is a map".to_owned()),
    }
}

fn contents(file: &Path) -> Result<String, String> {
    let size = fs::metadata(file).map(|meta| meta.len()).unwrap_or(0);
    if size > DEFINITION_BYTES_MAX {
        return Err(format!("{} is larger than {DEFINITION_BYTES_MAX} bytes", file.display()));
    }
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// A text in the case, or in the file beside it that `@NAME` names.
fn text(case: &JsonMap<String, Json>, member: &str, file: &Path) -> Result<Option<String>, String> {
    match case.get(member) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => match text.strip_prefix('@') {
            Some(name) => contents(&file.parent().unwrap_or(Path::new(".")).join(name)).map(Some),
            None => Ok(Some(text.clone())),
        },
        Some(_) => Err(format!("`{member}` is a text, or `@FILE`")),
    }
}

fn render(template: &str, body: &str, case: &JsonMap<String, Json>) -> Result<String, String> {
    let compiled = vtl::Template::compile(template).map_err(|error| error.to_string())?;
    let arena = Bump::new();
    let budget = Budget::of_mapping(body);
    let mut out = Vec::new();
    let world = World { body, case };
    compiled.render(&world, &arena, &budget, &mut out, None).map_err(|failure| failure.to_string())?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What the case says of the world.
struct World<'c> {
    body: &'c str,
    case: &'c JsonMap<String, Json>,
}

impl World<'_> {
    fn member<'a>(&self, name: &str, arena: &'a Bump) -> Value<'a> {
        match self.case.get(name) {
            Some(value) => from_serde(value, arena),
            None => Value::Map(Map::new_in(arena)),
        }
    }
}

impl<'a> vtl::World<'a> for World<'a> {
    fn body(&self) -> &'a str {
        self.body
    }

    fn param(&self, name: &str, _: &'a Bump) -> Option<&'a str> {
        let params = self.case.get("params")?;
        ["path", "querystring", "header"].iter().find_map(|position| params.get(position)?.get(name)?.as_str())
    }

    fn params(&self, arena: &'a Bump) -> Value<'a> {
        self.member("params", arena)
    }

    fn context(&self, arena: &'a Bump) -> Value<'a> {
        let context = self.member("context", arena);
        if let Some(context) = context.as_map() {
            for (name, positions) in
                [("requestOverride", &["path", "header", "querystring"][..]), ("responseOverride", &["header"])]
            {
                if context.text(name).is_none() {
                    let map = Map::new_in(arena);
                    for position in positions {
                        map.put(Key::Text(position), Value::Map(Map::new_in(arena)));
                    }
                    context.put(Key::Text(name), Value::Map(map));
                }
            }
        }
        context
    }

    fn stage_variables(&self, arena: &'a Bump) -> Value<'a> {
        self.member("stageVariables", arena)
    }
}

/// Both texts, and the first line in which they differ.
fn difference(expected: &str, output: &str) -> String {
    let mut lines = expected.split('\n').zip(output.split('\n')).enumerate();
    let at = lines.find(|(_, (one, other))| one != other);
    let first = match at {
        Some((index, (expected, found))) => {
            format!("line {} should be\n  {expected:?}\nand is\n  {found:?}", index + 1)
        }
        None => "one of them ends earlier".to_owned(),
    };
    format!("{first}\nexpected\n{expected}\nand rendered\n{output}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("        {line}")).collect::<Vec<_>>().join("\n")
}
