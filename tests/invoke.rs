//! `weir invoke` and `weir template test`, as a person at a terminal meets them, on the examples.
//!
//! What is printed of a whole run stands in tests/cases/invoke/; `WEIR_BLESS=1 cargo test --test invoke` writes it anew.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::Backend;
use support::gateway::{Folder, weir};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs it in the repository's folder.
#[track_caller]
fn run(args: &[&str], input: &str) -> Ran {
    let mut child = weir()
        .args(args)
        .current_dir(ROOT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // Whoever reads no input closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

#[track_caller]
fn invoke(args: &[&str]) -> Ran {
    let ran = run(&[&["invoke"], args].concat(), "");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    ran
}

/// The same with `--json`.
#[track_caller]
fn json(args: &[&str]) -> Value {
    let text = invoke(&[args, &["--json"]].concat()).out;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn refused(args: &[&str], parts: &[&str]) {
    let ran = run(args, "");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{args:?}");
    for part in parts {
        assert!(ran.err.contains(part), "no {part:?} in {}", ran.err);
    }
}

/// What differs from run to run, behind these words, becomes `…`.
fn masked(text: &str) -> String {
    let mut out = text.to_owned();
    for (before, ends) in [
        ("for request: ", "\n"),
        ("X-Request-Id=", ",}"),
        ("Root=", ",}\n"),
        ("ApiId=", ",}"),
        ("Api-Id=", ",}"),
        ("AmazonAPIGateway_", ",}"),
        ("Integration latency: ", " "),
        ("\n201 in ", " "),
    ] {
        let mut from = 0;
        while let Some(at) = out.get(from..).and_then(|rest| rest.find(before)) {
            let begin = from + at + before.len();
            let length = out[begin..].find(|letter| ends.contains(letter)).unwrap_or(out.len() - begin);
            out.replace_range(begin..begin + length, "…");
            from = begin;
        }
    }
    out
}

#[track_caller]
fn same_as_file(name: &str, found: &str) {
    let path = Path::new(ROOT).join("tests/cases/invoke").join(name);
    if std::env::var_os("WEIR_BLESS").is_some() {
        fs::write(&path, found).expect("written");
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

const ORDER: [&str; 5] = ["examples/orders-mapped.yaml", "POST", "/orders", "-d", "@examples/templates/order.json"];
const STORED: [&str; 2] = ["--mock-integration", "200:examples/templates/stored.json"];

#[test]
fn a_traced_run_tells_everything() {
    let text = masked(&invoke(&[&ORDER[..], &STORED, &["--trace"]].concat()).out);
    same_as_file("orders.trace.txt", &text);
    // The README shows the same.
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("a README");
    let traces: Vec<&str> = text.split_inclusive("└\n").filter_map(|part| Some(&part[part.find('┌')?..])).collect();
    assert_eq!(traces.len(), 2);
    for trace in traces {
        assert!(readme.contains(trace), "the README shows another trace than\n{trace}");
    }
}

#[test]
fn without_a_trace_the_log_and_the_answer_are_told() {
    let text = masked(&invoke(&[&ORDER[..], &STORED].concat()).out);
    let traced = masked(&invoke(&[&ORDER[..], &STORED, &["--trace"]].concat()).out);
    let without: String = traced.split_inclusive('\n').filter(|line| !line.starts_with(['─', '┌', '│', '└'])).collect();
    assert_eq!(text, without);
}

#[test]
fn as_json() {
    let found = json(&[&ORDER[..], &STORED, &["--trace"]].concat());
    assert_eq!(
        (&found["status"], &found["body"]),
        (&json!(201), &json!("{\n  \"id\": 7,\n  \"state\": \"open\",\n  \"total\": \"23.5 EUR\"\n}\n"))
    );
    assert!(found["headers"].as_array().is_some_and(|all| all.contains(&json!(["Location", "/orders/7"]))));
    assert!(found["log"][1].as_str().is_some_and(|line| line == "HTTP Method: POST, Resource Path: /orders"));
    let request = &found["templates"][0];
    assert_eq!(
        (&request["way"], &request["contentType"], &request["failed"]),
        (&json!("request"), &json!("application/json"), &Value::Null)
    );
    let set = json!({"line": 1, "what": "set", "text": "$order"});
    let step = &request["steps"][1];
    assert!(["line", "what", "text"].iter().all(|key| step[key] == set[key]), "{step}");
    let second = json!({"line": 6, "what": "iteration", "text": "$item", "value": "{sku=bowl}", "index": 1});
    assert!(request["steps"].as_array().is_some_and(|steps| steps.contains(&second)), "{request}");
    assert_eq!(found["templates"][1]["output"], found["body"]);
    assert!(found["requestId"].is_string() && found["tookMicros"].is_u64());
    // Nobody asked for a trace.
    assert_eq!(json(&[&ORDER[..], &STORED].concat())["templates"], json!([]));
}

#[test]
fn answers_in_the_integration_s_place() {
    let ran = run(&[&["invoke"], &ORDER[..], &["--mock-integration", "409:-"]].concat(), r#"{"reference": 7}"#);
    assert!(ran.out.ends_with("\n\n{\"error\": \"there is an order 7 already\"}\n"), "{}", ran.out);
    // Whatever the backend writes, JSON comes of it.
    for (reference, shown) in
        [(json!("a \"b\" it's \\ \n"), "a \"b\" it's \\ \n"), (json!(true), "true"), (json!(null), "")]
    {
        let conflict = json!({ "reference": reference }).to_string();
        let args = [&["invoke"], &ORDER[..], &["--mock-integration", "409:-", "--json"]].concat();
        let found: Value = serde_json::from_str(&run(&args, &conflict).out).expect("JSON");
        let body: Value = serde_json::from_str(found["body"].as_str().unwrap_or_default()).expect("JSON in it");
        assert_eq!(body, json!({"error": format!("there is an order {shown} already")}));
    }
    let traced = invoke(&[&ORDER[..], &["--mock-integration", "503", "--trace"]].concat()).out;
    assert!(traced.contains("\n─ Integration response: the one for `5\\d\\d`, status 502\n┌ response"), "{traced}");
    let found = json(&[&ORDER[..], &["--mock-integration", "503"]].concat());
    assert_eq!(found["integrationResponse"], Value::Null);
    let body = format!("{{\"error\": \"try again later\", \"request\": {}}}", found["requestId"]);
    assert_eq!((&found["status"], &found["body"]), (&json!(502), &json!(body)));
}

#[test]
fn bodies_headers_and_queries() {
    let order = fs::read_to_string(Path::new(ROOT).join(ORDER[4].trim_start_matches('@'))).expect("a body");
    let args = [&["invoke"], &ORDER[..4], &["@-", "--json"], &STORED].concat();
    let found: Value = serde_json::from_str(&run(&args, &order).out).expect("JSON");
    assert_eq!(found["status"], 201);
    let found = json(&[&ORDER[..4], &["{\"id\": \"x\"}"], &STORED].concat());
    assert_eq!(found["status"], 400);
    assert_eq!(
        found["body"],
        r#"{"error": "Invalid request body", "why": "[object has missing required properties (["items"]), instance type (string) does not match any allowed primitive type (allowed: ["integer"])]"}"#
    );
    let text =
        [&ORDER[..], &STORED, &["-H", "Content-Type: text/plain", "-H", "Origin: https://shop.example"]].concat();
    let found = json(&text);
    assert_eq!((&found["status"], &found["body"]), (&json!(415), &json!("{\"message\": \"Unsupported Media Type\"}")));
    let allowed = json!(["Access-Control-Allow-Origin", "https://shop.example"]);
    assert!(found["headers"].as_array().is_some_and(|all| all.contains(&allowed)), "{found}");
}

#[test]
fn a_real_backend() {
    let backend = Backend::start();
    backend.answers("/v1/orders/7%20b", 200, &[], "{\"id\": 7}");
    let upstream = format!("orders.example={}", backend.addr);
    let args = ["examples/orders-mapped.yaml", "get", "orders/7 b?currency=EUR", "--upstream", &upstream];
    assert_eq!(json(&args)["body"], "{\"id\": 7}");
    assert_eq!(backend.last().request_line(), "GET /v1/orders/7%20b?show_in=EUR HTTP/1.1");
    let nobody = ["--upstream", "orders.example=127.0.0.1:9"];
    let found = json(&[&args[..3], &nobody].concat());
    assert_eq!(found["status"], 504);
    assert!(found["log"].as_array().is_some_and(|lines| {
        lines.iter().any(|line| {
            line.as_str().is_some_and(|line| {
                line.starts_with("Execution failed due to a network error communicating with endpoint: ")
            })
        })
    }));
}

/// Names are looked up for a request that is sent, and for no other: nothing is told of them (`invoke` sees to that).
#[test]
fn what_is_refused_on_its_way_asks_for_no_name() {
    let file = "examples/orders-mapped.yaml";
    assert_eq!(json(&[file, "POST", "/orders", "-d", "{}"])["status"], 400);
    assert_eq!(json(&[file, "POST", "/orders", "-d", "x", "-H", "Content-Type: text/plain"])["status"], 415);
    assert_eq!(json(&[file, "GET", "/nowhere"])["status"], 404);
    assert_eq!(json(&[file, "GET", "/health"])["status"], 200);
    let sent = run(&["invoke", file, "GET", "/orders/7", "--json"], "");
    let found: Value = serde_json::from_str(&sent.out).expect("JSON");
    // An answer all the same, and so a 0.
    assert_eq!((sent.code, &found["status"]), (0, &json!(500)));
    assert!(sent.err.contains("orders.example: "), "{}", sent.err);
}

#[test]
fn what_nobody_is_at() {
    let text = invoke(&["examples/orders-mapped.yaml", "GET", "/nowhere", "--mock-integration", "200"]).out;
    for part in [
        "Gateway response type: MISSING_AUTHENTICATION_TOKEN with status code: 404\n",
        "Method completed with status: 404\n",
        "\n404 in ",
        "\n\n{\"error\": \"nothing is here\"}\n",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

fn definition(integration: &str) -> (Folder, String) {
    let folder = Folder::new();
    let text = format!(
        "openapi: 3.0.1\ninfo: {{title: t, version: \"1\"}}\npaths:\n  /m:\n    post:\n      responses: {{\"200\": {{description: ok}}}}\n      x-amazon-apigateway-integration:\n        type: mock\n        responses: {{default: {{statusCode: \"200\"}}}}\n        requestTemplates:\n          application/json: |-\n{}",
        integration.lines().map(|line| format!("            {line}\n")).collect::<String>()
    );
    let file = folder.write("api.yaml", &text).display().to_string();
    (folder, file)
}

#[test]
fn what_an_authorizer_would_have_said() {
    let (_folder, file) = definition(
        "#set($context.responseOverride.header.X-Who = \"$context.authorizer.claims.sub $context.authorizer.principalId $stageVariables.v $context.stage\"){\"statusCode\": 200}",
    );
    let claims = ["--claims", r#"{"sub": "u-1"}"#, "--authorizer", r#"{"principalId": "p-1"}"#];
    let found = json(&[&[&file, "POST", "/m"], &claims[..], &["--stage-variable", "v=1", "--stage", "dev"]].concat());
    let who = json!(["X-Who", "u-1 p-1 1 dev"]);
    assert!(found["headers"].as_array().is_some_and(|all| all.contains(&who)), "{found}");
}

/// rest/08 section 8.12: texts, whatever they were; `claims` alone is null.
#[test]
fn what_an_authorizer_says_is_text() {
    let claims = r#"{"age": 42, "email_verified": true, "cognito:groups": ["a", "b"], "none": null}"#;
    let given = ["--claims", claims, "--authorizer", r#"{"n": 1234, "flag": false, "none": null}"#];
    for (template, expected) in [
        ("$context.authorizer.n.length() $context.authorizer.flag.length()", "4 5"),
        ("$context.authorizer.claims.age.length() $context.authorizer.claims.email_verified.length()", "2 4"),
        ("$context.authorizer.claims[\"cognito:groups\"]", "a,b"),
        ("$context.authorizer.claims|$context.authorizer.none|$context.authorizer.claims.none", "||"),
        ("#set($all = $context.authorizer.claims)<$all>$context.authorizer.claims.age", "<>42"),
        // The same once the template has had the whole of it.
        ("$context.keySet().size().equals(0)$context.authorizer.claims|$context.authorizer.claims.age", "false|42"),
    ] {
        let (_folder, file) = definition(&format!(
            "#set($who = \"{}\")#set($context.responseOverride.header.X-Who = $who){{\"statusCode\": 200}}",
            template.replace('"', "'")
        ));
        let found = json(&[&[&file, "POST", "/m"], &given[..]].concat());
        let who = json!(["X-Who", expected]);
        assert!(found["headers"].as_array().is_some_and(|all| all.contains(&who)), "{template}: {found}");
    }
    let list = ["invoke", "examples/petstore.yaml", "GET", "/", "--authorizer", r#"{"groups": ["a"]}"#];
    refused(&list, &["`groups` of --authorizer is neither a text nor a number nor a boolean"]);
}

#[test]
fn a_mapping_reads_an_authorizer_s_texts() {
    let folder = Folder::new();
    let text = "openapi: 3.0.1
info: {title: t, version: \"1\"}
paths:
  /m:
    get:
      responses: {\"200\": {description: ok}}
      x-amazon-apigateway-integration:
        type: http
        httpMethod: GET
        uri: http://127.0.0.1:9/
        requestParameters:
          integration.request.header.X-N: context.authorizer.n
          integration.request.header.X-Age: context.authorizer.claims.age
          integration.request.header.X-All: context.authorizer.claims
        responses: {default: {statusCode: \"200\"}}
";
    let file = folder.write("api.yaml", text).display().to_string();
    let given = ["--claims", r#"{"age": 42}"#, "--authorizer", r#"{"n": 1}"#, "--mock-integration", "200"];
    let found = invoke(&[&[&file, "GET", "/m"], &given[..]].concat()).out;
    let sent = found.lines().find(|line| line.starts_with("Endpoint request headers: ")).unwrap_or_default();
    assert!(sent.contains("X-N=1, X-Age=42, ") && !sent.contains("X-All"), "{sent}");
}

#[test]
fn a_template_that_fails_shows_where() {
    let (_folder, file) = definition("#set($l = [1])\n{\"statusCode\": 200, \"n\": $l.get($input.path('$.at'))}");
    let text = invoke(&[&file, "POST", "/m", "-d", "{\"at\": 9}", "--trace"]).out;
    let expected = "\
┌ request template for application/json
│    1  #set $l              [1]
│    2  $input.path('$.at')  9
│
│ so far  {\"statusCode\": 200, \"n\": 
│
│ FAILED  index 9 is out of bounds for length 1
│    2  {\"statusCode\": 200, \"n\": $l.get($input.path('$.at'))}
│                                ^
└
Execution failed due to configuration error: Unable to transform request: index 9 is out of bounds for length 1 (line 2, column 26)
Gateway response type: API_CONFIGURATION_ERROR with status code: 500
";
    assert!(text.contains(expected), "{text}");
    let found = json(&[&file, "POST", "/m", "-d", "{\"at\": 9}", "--trace"]);
    let failed = &found["templates"][0]["failed"];
    assert_eq!((&failed["line"], &failed["column"]), (&json!(2), &json!(26)));
}

#[test]
fn loops_and_branches_that_do_nothing_are_told() {
    let (_folder, file) =
        definition("#foreach($i in $input.path('$.none'))$i#end\n#if($input.path('$.no'))#end\n{\"statusCode\": 200}");
    let text = invoke(&[&file, "POST", "/m", "-d", "{}", "--trace"]).out;
    let expected = "
│    1  $input.path('$.none')    (nothing)
│    1  #foreach $i              no rounds: it found nothing to go through
│    2  #if $input.path('$.no')  taken (nothing is true)
│
│ output  {\"statusCode\": 200}
└
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_cannot_be_asked() {
    let file = "examples/orders-mapped.yaml";
    let ask = |more: &[&'static str]| [&["invoke", file, "POST", "/orders"], more].concat();
    refused(&ask(&["-H", "nothing"]), &["`nothing` is no header", "write `-H 'Name: value'`"]);
    refused(&ask(&["-H", "a: b\nc: d"]), &["is no header"]);
    refused(&ask(&["-d", "@/none/such"]), &["/none/such of --data cannot be read"]);
    refused(&ask(&["--mock-integration", "99"]), &["`99` of --mock-integration is no status"]);
    refused(&ask(&["--mock-integration", "200:/none/such"]), &["/none/such of --mock-integration cannot be read"]);
    refused(&ask(&["--claims", "[]"]), &["--claims is no JSON object"]);
    refused(&ask(&["--authorizer", "{"]), &["--authorizer is no JSON object"]);
    refused(&ask(&["--stage-variable", "v"]), &["v"]);
    refused(&["invoke", "/none/such.yaml", "GET", "/"], &["/none/such.yaml"]);
    assert_eq!(run(&["invoke", file], "").code, 2);
}

#[test]
fn the_soap_example() {
    let folder = Folder::new();
    let answer = "<e:Envelope xmlns:e=\"urn:e\"><e:Body/></e:Envelope>";
    let file = folder.write("answer.xml", answer).display().to_string();
    let canned = format!("200:{file}");
    let found = json(&["examples/soap.yaml", "GET", "/pets/7", "--mock-integration", &canned]);
    // Another prefix: nothing is found in it, and nothing fails.
    assert_eq!(found["body"], "{\n  \"id\": \"\",\n  \"name\": \"\",\n  \"tags\": []\n}\n");
    let text = invoke(&["examples/soap.yaml", "GET", "/pets/7", "--mock-integration", "200", "--trace"]).out;
    assert!(text.contains("│ FAILED  $util.parseXml: XML at byte "), "{text}");
}

/// Whoever has just cloned the repository types them as they stand.
#[test]
fn the_commands_that_are_shown_work() {
    let mut commands = Vec::new();
    for file in ["README.md", "docs/templates.md", "examples/orders-mapped.yaml", "examples/soap.yaml"] {
        let text = fs::read_to_string(Path::new(ROOT).join(file)).expect("a text").replace("#     --", "    --");
        let text = text.replace("\\\n", " ");
        let shown = text.lines().map(|line| line.trim_start_matches(['#', '$', ' ']));
        commands.extend(shown.filter(|line| line.starts_with("weir invoke ")).map(|line| (file, line.to_owned())));
    }
    assert_eq!(commands.len(), 4, "{commands:?}");
    let program = Path::new(weir().get_program()).to_owned();
    let folder = program.parent().expect("a folder").display().to_string();
    for (file, command) in commands {
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        let ran =
            Command::new("sh").args(["-c", &command]).current_dir(ROOT).env("PATH", path).output().expect("a shell");
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && err.is_empty(), "{file}: {command}: {err}");
        assert!(out.contains("\nSuccessfully completed execution\n"), "{file}: {command}: {out}");
    }
}

#[test]
fn the_examples_cases_pass() {
    let ran = run(&["template", "test", "examples/templates"], "");
    let lines: Vec<String> = ["order-request", "order-response", "pet-from-soap"]
        .iter()
        .map(|name| format!("ok      examples/templates/{name}.case.yaml\n"))
        .collect();
    assert_eq!((ran.code, ran.out), (0, format!("{}3 passed, 0 failed\n", lines.concat())), "{}", ran.err);
}

/// What the cases try is what the definitions say.
#[test]
fn the_cases_templates_stand_in_the_examples() {
    for (template, example) in [
        ("order-request.vtl", "orders-mapped.yaml"),
        ("order-response.vtl", "orders-mapped.yaml"),
        ("pet-from-soap.vtl", "soap.yaml"),
    ] {
        let text = |path: &str| fs::read_to_string(Path::new(ROOT).join("examples").join(path)).expect("a file");
        let template = text(&format!("templates/{template}"));
        let definition: Vec<String> = text(example).lines().map(|line| line.trim_start().to_owned()).collect();
        let wanted: Vec<&str> = template.lines().map(str::trim_start).collect();
        assert!(definition.windows(wanted.len()).any(|lines| lines == wanted), "{example} has another template");
    }
}

#[test]
fn cases_that_fail_say_why() {
    let folder = Folder::new();
    folder.write("a.case.yaml", "template: 'a $input.path(\"$.x\")'\ninput: '{\"x\": 1}'\nexpected: a 2\n");
    folder.write("b.case.yaml", "template: '{\"x\": $input.json(\"$.x\")}'\nexpectedJson: {x: 1}\n");
    folder.write("c.case.yaml", "template: '#if('\nexpected: a\n");
    folder.write("d.case.yaml", "template: a\nexpect: a\n");
    folder.write("e.case.yaml", "template: '@none.vtl'\nexpected: a\n");
    folder.write("f.case.json", "{\"template\": \"#set($l = [])$l.get(0)\", \"fails\": \"out of bounds\"}");
    folder.write("g.case.yaml", "template: a\nfails: out of bounds\n");
    folder.write("other.yaml", "no case");
    let path = folder.0.display().to_string();
    let ran = run(&["template", "test", &path], "");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    for part in [
        "a.case.yaml\n        line 1 should be\n          \"a 2\"\n        and is\n          \"a 1\"\n",
        "b.case.yaml\n        expected\n        {\n          \"x\": 1\n        }\n        and rendered\n        {\n          \"x\": \"\"\n        }\n",
        "d.case.yaml\n        `expect` is no member of a case: there are template, input, ",
        "none.vtl: No such file",
        "ok      ",
        "g.case.yaml\n        it should fail, and rendered\n        a\n",
        "\n1 passed, 6 failed\n",
    ] {
        assert!(ran.out.contains(part), "no {part:?} in {}", ran.out);
    }
    let empty = Folder::new();
    refused(&["template", "test", &empty.0.display().to_string()], &["has no files named *.case.yaml or *.case.json"]);
    refused(&["template", "test", "/none/such"], &["/none/such"]);
}

#[test]
fn the_examples_pass_their_check() {
    for name in ["orders-mapped.yaml", "soap.yaml"] {
        let ran = run(&["check", &format!("examples/{name}")], "");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    }
}
