//! What a definition becomes, and what a person reads when it is wrong.
//!
//! A case of `cases/import/` is a definition that ends with what is expected of it, one line a problem:
//! `# expect: SEVERITY CODE LINE:COLUMN FOUND`, FOUND being a piece of the text, or `# expect: nothing`.
//! A report of `examples/bad/` stands beside its file; `WEIR_BLESS=1 cargo test --test import` writes both anew.

use std::fs;
use std::path::{Path, PathBuf};

use weir::cli::report;
use weir::control::deploy::refuse::refuse;
use weir::formats::openapi::{self, Options};
use weir::model::problem::{Problem, Severity, Sources};
use weir::model::rest_api::{HttpMethod, IntegrationType, RestApi};

fn read(name: &str, text: &str) -> (Option<RestApi>, Vec<Problem>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(PathBuf::from(name), text.to_owned());
    let options = Options { account_id: "123456789012".to_owned(), ..Options::default() };
    let mut problems = Vec::new();
    let api = openapi::import(file, text, &options, &mut problems);
    if let Some(api) = &api {
        problems.extend(refuse(api).problems());
    }
    (api, problems, sources)
}

fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)));
    files.sort();
    assert!(!files.is_empty(), "no cases in {}", folder.display());
    files
}

fn blessing() -> bool {
    std::env::var_os("WEIR_BLESS").is_some()
}

/// `error openapi::path 4:3 the path …`
fn line(problem: &Problem, sources: &Sources) -> String {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Unsupported => "unsupported",
        Severity::Warning => "warning",
    };
    let (line, column) = problem.place.and_then(|place| sources.line_and_column(place)).unwrap_or_default();
    format!("{severity} {} {line}:{column} {}", problem.code, problem.found)
}

#[test]
fn every_case_has_the_problems_it_expects() {
    for path in files("tests/cases/import", &["yaml"]) {
        let whole = fs::read_to_string(&path).expect("text");
        let (text, expected) = whole.split_once("# expect: ").unwrap_or((&whole, ""));
        let (_, mut problems, sources) = read("case.yaml", &whole);
        problems.sort_by_key(|problem| problem.place.map(|place| place.offset));
        let mut found: Vec<String> = problems.iter().map(|problem| line(problem, &sources)).collect();
        if found.is_empty() {
            found.push("nothing".to_owned());
        }
        if blessing() {
            let lines: String = found.iter().map(|line| format!("# expect: {line}\n")).collect();
            fs::write(&path, format!("{text}{lines}")).expect("written");
            continue;
        }
        let expected: Vec<&str> = expected.lines().map(|line| line.trim_start_matches("# expect: ")).collect();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn every_bad_example_has_its_report() {
    for path in files("examples/bad", &["yaml", "json"]) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (_, problems, sources) = read(&name, &fs::read_to_string(&path).expect("text"));
        let found = report::render(&problems, &sources, false);
        let beside = path.with_file_name(format!("{name}.report"));
        if blessing() {
            fs::write(&beside, found).expect("written");
            continue;
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn the_examples_have_no_problems() {
    for path in files("examples", &["yaml", "json"]) {
        let (api, problems, sources) = read(&path.to_string_lossy(), &fs::read_to_string(&path).expect("text"));
        assert!(problems.is_empty(), "{}", report::render(&problems, &sources, false));
        assert!(api.is_some_and(|api| !api.resources.is_empty()), "{}", path.display());
    }
}

#[test]
fn no_damage_to_an_example_makes_the_import_panic() {
    for path in files("examples", &["yaml", "json"]) {
        let text = fs::read_to_string(&path).expect("text");
        for (at, _) in text.char_indices().step_by(23) {
            for damage in ["", "\n", "{", "]", ": ", "*x", "\"", "\u{feff}", "${AWS::Region}"] {
                let damaged = format!("{}{damage}{}", &text[..at], &text[at..].chars().skip(1).collect::<String>());
                let (_, problems, sources) = read("damaged", &damaged);
                let text = report::render(&problems, &sources, false);
                assert!(problems.iter().all(|problem| text.contains(problem.code)), "{text}");
            }
            weir::formats::yaml::fuzz(&text.as_bytes()[..at]);
        }
    }
}

fn example(name: &str) -> RestApi {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    read(name, &fs::read_to_string(path).expect("text")).0.expect("an API")
}

#[track_caller]
fn check_parameters(api: &RestApi, path: &str, verb: HttpMethod, expected: &[(&str, bool)]) {
    let resource = api.resources.iter().find(|resource| resource.path.value == path).expect("a resource");
    let method = resource.methods.iter().find(|method| method.http_method == verb).expect("a method");
    let found: Vec<_> =
        method.request_parameters.iter().map(|(name, required)| (name.value.as_str(), *required)).collect();
    assert_eq!(found, expected);
}

#[test]
fn parameters_come_from_path_operation_and_template() {
    let orders = example("orders.json");
    let (tenant, since) = (("method.request.header.X-Tenant", true), ("method.request.querystring.since", false));
    check_parameters(
        &orders,
        "/orders",
        HttpMethod::Get,
        &[tenant, since, ("method.request.querystring.status", false)],
    );
    check_parameters(&orders, "/orders/{orderId}", HttpMethod::Delete, &[("method.request.path.orderId", true)]);
    check_parameters(&orders, "/files/{proxy+}", HttpMethod::Any, &[("method.request.path.proxy", true)]);
    check_parameters(
        &example("petstore.yaml"),
        "/pets/{petId}",
        HttpMethod::Options,
        &[("method.request.path.petId", true)],
    );
}

#[test]
fn an_integration_is_read_whole() {
    let orders = example("orders.json");
    let integration = orders.resources[0].methods[0].integration.as_ref().expect("an integration");
    assert_eq!(integration.kind.value, IntegrationType::Http);
    assert_eq!(integration.uri.as_ref().expect("a URI").value, "http://127.0.0.1:9000/v1/orders?source=gateway");
    let patterns: Vec<_> =
        integration.responses.iter().map(|one| one.selection_pattern.as_ref().map(|text| &*text.value)).collect();
    assert_eq!(patterns, [Some("2\\d\\d"), Some("404"), None]);
    assert_eq!(
        integration.responses[1].response_templates[0].1.value,
        "{\"message\": \"There are no orders here 📭\"}"
    );
    assert_eq!(orders.resources[0].methods[1].request_models, [("application/json".to_owned(), "Order".to_owned())]);
    assert_eq!(orders.base_path.as_ref().expect("a base path").value, "/shop");
    assert_eq!(orders.version.as_deref(), Some("1.4"));
}

#[test]
fn aws_variables_are_replaced() {
    let stages = example("stages.yaml");
    let integration = stages.resources[0].methods[0].integration.as_ref().expect("an integration");
    assert_eq!(integration.request_parameters[2].1.value, "'123456789012'");
    assert_eq!(stages.base_path.as_ref().expect("a base path").value, "/reports");
}

#[test]
fn only_methods_that_need_more_are_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/bad/not-yet.yaml");
    let (api, ..) = read("not-yet.yaml", &fs::read_to_string(path).expect("text"));
    let refusals = refuse(&api.expect("an API"));
    assert_eq!([0, 1, 2].map(|resource| refusals.refused(resource, 0)), [false, true, false]);
}

#[test]
fn a_report_has_a_place_for_everything() {
    let (_, mut problems, sources) = read("empty.yaml", "");
    problems.push(Problem::nowhere("cli::port", "port 80 is taken", "Choose another with `--listen`"));
    let text = report::render(&problems, &sources, false);
    for piece in ["yaml::empty", "[empty.yaml:1:1]", "port 80 is taken", "Choose another", "2 errors in empty.yaml"] {
        assert!(text.contains(piece), "{piece} is not in {text}");
    }
    assert!(report::render(&problems, &sources, true).contains('\u{1b}'));
    assert_eq!(report::render(&[], &sources, false), "");
    assert_eq!(report::summary(&[], &sources), "no problems");
}

#[test]
fn machines_get_lines_and_columns() {
    let (_, problems, sources) = read("é.yaml", "openapi: 3.0.1\ninfo: {title: ü}\npaths: [ä, ö]\n");
    let json = report::to_json(&problems, &sources);
    assert_eq!(json[0]["file"], "é.yaml");
    assert_eq!(json[0]["line"], 3);
    assert_eq!(json[0]["column"], 8);
    assert_eq!(json[0]["severity"], "error");
    assert_eq!(report::summary(&problems, &sources), "2 errors in é.yaml");
}
