//! Mapping templates against their case files (tests/cases/vtl/): what AWS was recorded to print (rest/08 section 8.14),
//! what the model of its engine prints (8.15), and what that model, Velocity 1.7 with json-smart and JsonPath, printed
//! for the cases beyond.
//!
//! A case is a group of `key | text` lines, and ends at an empty line. `⏎` is a line feed, `␍` a carriage return, `⇥` a
//! tab and `·` a blank that would not be seen. Keys of the first group hold for the whole file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bumpalo::Bump;
use weir::lang::budget::Budget;
use weir::lang::json::{self, Slashes};
use weir::lang::value::{Map, Value};
use weir::lang::vtl::{Template, Trace, World};

/// Keys that a case may have. `differs` says why the output is not what the model prints.
const KEYS: [&str; 11] =
    ["before", "template", "body", "params", "context", "stage", "output", "fails", "second", "overrides", "differs"];

struct Case {
    line: usize,
    fields: BTreeMap<String, String>,
}

/// A request as a case describes it.
struct Request<'a> {
    body: &'a str,
    params: serde_json::Value,
    context: Value<'a>,
    stage: Value<'a>,
}

impl<'a> World<'a> for Request<'a> {
    fn body(&self) -> &'a str {
        self.body
    }

    fn param(&self, name: &str, arena: &'a Bump) -> Option<&'a str> {
        let found = ["path", "querystring", "header"].iter().find_map(|place| self.params[place][name].as_str());
        found.map(|value| &*arena.alloc_str(value))
    }

    fn params(&self, arena: &'a Bump) -> Value<'a> {
        json::from_serde(&self.params, arena)
    }

    fn context(&self, _: &'a Bump) -> Value<'a> {
        self.context
    }

    fn stage_variables(&self, _: &'a Bump) -> Value<'a> {
        self.stage
    }
}

#[test]
fn case_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/vtl");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).expect("the case files").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let (mut run, mut broken) = (0, Vec::new());
    for path in &paths {
        let text = fs::read_to_string(path).expect("a readable case file");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for case in cases(&name, &text) {
            run += 1;
            if let Err(difference) = check(&case.fields) {
                broken.push(format!("{name}:{}: {difference}", case.line));
            }
        }
    }
    assert!(run > 400, "only {run} cases were found");
    assert!(broken.is_empty(), "{} of {run} cases:\n{}", broken.len(), broken.join("\n"));
}

/// Runs a case; tells what is not as it says.
fn check(case: &BTreeMap<String, String>) -> Result<(), String> {
    let field = |key: &str| case.get(key).map(String::as_str);
    let template = format!("{}{}", field("before").unwrap_or_default(), field("template").unwrap_or_default());
    let second = field("second").map(|second| format!("{}{second}", field("before").unwrap_or_default()));
    let templates: Vec<_> =
        [Some(template), second].into_iter().flatten().map(|text| Template::compile(&text)).collect();
    let arena = Bump::new();
    let read = |key: &str| -> serde_json::Value {
        serde_json::from_str(field(key).unwrap_or("{}")).unwrap_or_else(|error| panic!("{key}: {error}"))
    };
    let request = Request {
        body: arena.alloc_str(field("body").unwrap_or_default()),
        params: read("params"),
        context: json::from_serde(&read("context"), &arena),
        stage: json::from_serde(&read("stage"), &arena),
    };
    let mut result = Ok(String::new());
    for template in &templates {
        result = match template {
            Err(error) => Err(error.to_string()),
            Ok(template) => {
                let mut out = Vec::new();
                let rendered = template.render(&request, &arena, &Budget::new(1_000_000, 16 << 20), &mut out, None);
                rendered.map(|()| String::from_utf8(out).expect("text")).map_err(|failure| failure.to_string())
            }
        };
    }
    match (&result, field("output"), field("fails")) {
        (Ok(output), Some(expected), None) if output == expected => {}
        (Err(message), None, Some(part)) if message.contains(part) => {}
        (result, output, fails) => {
            return Err(format!("expected {:?}, got {result:?}", output.or(fails)));
        }
    }
    if let Some(expected) = field("overrides") {
        let mut written = Vec::new();
        let overrides = request.context.as_map().and_then(|context| context.text("responseOverride"));
        json::write(overrides.unwrap_or(Value::Null), Slashes::Plain, &Budget::new(10_000, 1 << 20), &mut written)
            .map_err(|error| error.to_string())?;
        if written != expected.as_bytes() {
            return Err(format!("expected overrides {expected}, got {}", String::from_utf8_lossy(&written)));
        }
    }
    Ok(())
}

fn cases(file: &str, text: &str) -> Vec<Case> {
    let mut shared = BTreeMap::new();
    let mut cases = Vec::new();
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut start = 0;
    for (number, line) in text.lines().chain([""]).enumerate() {
        if line.starts_with("# ") {
            continue;
        }
        if line.trim().is_empty() {
            let mut case = std::mem::take(&mut fields);
            if case.contains_key("template") {
                for (key, value) in &shared {
                    case.entry(String::clone(key)).or_insert_with(|| String::clone(value));
                }
                cases.push(Case { line: start, fields: case });
            } else if !case.is_empty() {
                assert!(cases.is_empty(), "{file}:{start}: a case has a template");
                shared = case;
            }
            continue;
        }
        let (key, value) = line.split_once('|').unwrap_or_else(|| panic!("{file}:{}: `key | text`", number + 1));
        let (key, value) = (key.trim(), value.strip_prefix(' ').unwrap_or(value));
        assert!(KEYS.contains(&key), "{file}:{}: {key} is no key", number + 1);
        if fields.is_empty() {
            start = number + 1;
        }
        let value = value.replace('⏎', "\n").replace('␍', "\r").replace('⇥', "\t").replace('·', " ");
        assert!(fields.insert(key.into(), value).is_none(), "{file}:{}: {key} stands twice", number + 1);
    }
    cases
}

#[test]
fn a_text_without_anything_to_evaluate_is_constant() {
    for (source, expected) in [
        ("", Some("")),
        ("{\"statusCode\": 200}", Some("{\"statusCode\": 200}")),
        ("cost: $5 #1 #foo", Some("cost: $5 #1 #foo")),
        ("a## comment\nb", None),
        ("$x", None),
        ("#set($x = 1)", None),
    ] {
        let template = Template::compile(source).expect("a template");
        assert_eq!(template.constant(), expected, "{source}");
    }
}

#[test]
fn warnings_say_what_aws_finds_out_late() {
    for (source, line, part) in [
        ("\n#parse(\"a\")", 2, "#parse fails"),
        ("$util.toJson($x)", 1, "$util.toJson() is not a function"),
        ("a\n$input.jsn('$')", 2, "$input.jsn() is not a function"),
        ("#set(${x} = 1)", 1, "sets nothing"),
        ("#nothere($x)", 1, "#nothere is no directive and no macro"),
        ("$x.replaceAll(\"(\", \"\")", 1, "this pattern fails"),
    ] {
        let template = Template::compile(source).expect("a template");
        let found = template.warnings().iter().any(|warning| warning.line == line && warning.message.contains(part));
        assert!(found, "{source}: {:?}", template.warnings());
    }
}

#[derive(Default)]
struct Steps(Vec<String>);

impl Trace for Steps {
    fn reference(&mut self, line: u32, text: &str, value: &str) {
        self.0.push(format!("{line}: {text} is {value}"));
    }

    fn branch(&mut self, line: u32, text: &str, taken: bool) {
        self.0.push(format!("{line}: {text} {taken}"));
    }

    fn set(&mut self, line: u32, target: &str, value: &str) {
        self.0.push(format!("{line}: {target} = {value}"));
    }

    fn iteration(&mut self, line: u32, variable: &str, index: usize, value: &str) {
        self.0.push(format!("{line}: {variable}[{index}] = {value}"));
    }

    fn ended(&mut self, line: u32, variable: &str, rounds: usize) {
        self.0.push(format!("{line}: {variable} ended after {rounds}"));
    }
}

#[test]
fn a_trace_tells_every_step() {
    let source = "#set($x = 2)\n#if($x == 1)a#elseif($x > 1)b#else c#end\n#foreach($i in [\"p\"])$i#end\n#foreach($n in $none)#end#define($b)$x#end$b";
    let template = Template::compile(source).expect("a template");
    let arena = Bump::new();
    let nothing = || Value::Map(Map::new_in(&arena));
    let request = Request { body: "", params: serde_json::Value::Null, context: nothing(), stage: nothing() };
    let (mut out, mut steps) = (Vec::new(), Steps::default());
    template.render(&request, &arena, &Budget::new(1_000, 1 << 16), &mut out, Some(&mut steps)).expect("a rendering");
    assert_eq!(String::from_utf8_lossy(&out), "bp2");
    let expected = [
        "1: $x = 2",
        "2: $x is 2",
        "2: $x == 1 false",
        "2: $x is 2",
        "2: $x > 1 true",
        "3: $i[0] = p",
        "3: $i is p",
        "4: $none is ",
        "4: $n ended after 0",
        // Shown, a block would run twice.
        "4: $b is (a block)",
        "4: $x is 2",
    ];
    assert_eq!(steps.0, expected);
    assert_eq!(
        (template.line(1), template.line(3), template.line(9)),
        ("#set($x = 2)", "#foreach($i in [\"p\"])$i#end", "")
    );
}

/// Templates that would take all time, memory or stack.
#[test]
fn a_rendering_ends_within_its_limits() {
    let deep = |open: &str, close: &str, times: usize| format!("{}{}", open.repeat(times), close.repeat(times));
    for (source, part) in [
        ("#set($s = \"aaaaaaaaaaaaaaaa\")#foreach($i in [1..40])#set($s = \"$s$s\")#end$s".to_owned(), "memory"),
        ("#set($l = [1])#foreach($i in [1..40])#set($l = [$l, $l])#end$l".to_owned(), "limit allows"),
        ("#set($x = [1..2000000000])".to_owned(), "limit allows"),
        ("#set($n = 99999999999)#foreach($i in [1..40])#set($n = $n * $n)#end$n".to_owned(), "digits"),
        ("#foreach($i in [1..1000])#foreach($j in [1..1000])#foreach($k in [1..1000])#end#end#end".to_owned(), "steps"),
        ("#macro(m)#m()#end#m()".to_owned(), "levels"),
        ("#set($t = '#evaluate($t)')#evaluate($t)".to_owned(), "levels"),
        ("#set($x = \"a\")$x.repeat(2000000000)".to_owned(), "memory"),
        ("#set($x = \"a\")$x.format(\"%2000000000d\", 1)".to_owned(), "wider"),
        ("#set($l = [1])#foreach($i in [1..600])#set($l = [$l])#end$l".to_owned(), "levels"),
        (
            "#set($c = \"xxxxxxxxxxxxxxxx\")#foreach($i in [1..11])#set($c = \"$c$c\")#end#set($d = \"<!--${c}--><a/>\")\
             #foreach($i in [1..1000])#foreach($j in [1..1000])#set($x = $util.parseXml($d))#end#end"
                .to_owned(),
            "steps",
        ),
        ("#set($m = {\"a\": 1})#set($x = $m.put(\"a\", $m))$util.toXml($m)".to_owned(), "nested deeper"),
        ("#set($m = {})#foreach($i in [1..100])#set($m = {\"a\": [$m, $m]})#end$util.toXml({\"r\": $m})".to_owned(), "steps"),
        (deep("#if(true)", "#end", 5_000), "levels are nested"),
        (format!("#set($x = {}1{})", "(".repeat(5_000), ")".repeat(5_000)), "levels are nested"),
        (format!("#set($x = {})", deep("[", "]", 5_000)), "levels are nested"),
        (format!("#if({}true)#end", "!".repeat(5_000)), "levels are nested"),
        (format!("$a{}", "[$a".repeat(5_000)), "levels are nested"),
        (format!("$a{}", ".b($a".repeat(5_000)), "levels are nested"),
        ("x".repeat(400 * 1024), "longer than"),
    ] {
        let shown: String = source.chars().take(60).collect();
        let message = match Template::compile(&source) {
            Err(error) => error.to_string(),
            Ok(template) => {
                let arena = Bump::new();
                let nothing = || Value::Map(Map::new_in(&arena));
                let request =
                    Request { body: "", params: serde_json::Value::Null, context: nothing(), stage: nothing() };
                let mut out = Vec::new();
                let result = template.render(&request, &arena, &Budget::new(300_000, 4 << 20), &mut out, None);
                assert!(out.len() <= 4 << 20 && arena.allocated_bytes() < 16 << 20, "{shown}");
                result.expect_err(&shown).to_string()
            }
        };
        assert!(message.contains(part), "{shown}: {message}");
    }
}

/// Renders a template and answers its text and the steps that it took.
fn measured(source: &str, body: &str) -> (String, u64) {
    const STEPS: u64 = 4_000_000;
    let template = Template::compile(source).expect("a template");
    let (arena, budget) = (Bump::new(), Budget::new(STEPS, 8 << 20));
    let nothing = || Value::Map(Map::new_in(&arena));
    let request = Request { body, params: serde_json::Value::Null, context: nothing(), stage: nothing() };
    let mut out = Vec::new();
    let result = template.render(&request, &arena, &budget, &mut out, None);
    assert!(out.len() <= (8 << 20) + (64 << 10), "{} bytes", out.len());
    let text = result.map_or_else(|failure| failure.to_string(), |()| String::from_utf8(out).expect("text"));
    (text, STEPS - budget.steps_left())
}

/// What is done so often that it counts, a loop of a thousand rounds for one, costs steps by what it does.
#[test]
fn work_costs_steps() {
    let body = format!("{{\"a\": {{\"b\": [1]}}, \"s\": \"{}\"}}", "x".repeat(16_000));
    let looped = |work: &str| {
        let rounds = format!("#set($b = $input.path('$'))#set($s = $b.s)#foreach($i in [1..1000]){work}#end");
        measured(&rounds, &body).1
    };
    let idle = looped("#set($x = 1)");
    for (work, at_least) in [
        ("#set($x = $b.a.b)", 2),
        ("#set($x = $b['a']['b'])", 2),
        ("#set($x = $b.get($s))", 250),
        ("#set($x = $s == $s)", 250),
        ("#set($y = 'a')#set($x = $y.startsWith($s))", 250),
        ("#set($x = $s.compareToIgnoreCase($s))", 1_000),
        ("#set($x = $s.matches('.*a[ab]{60}c'))", 3_000),
        ("#evaluate('$a$a$a$a$a$a$a$a')", 60),
    ] {
        let steps = looped(work);
        assert!(steps >= (idle + at_least * 1_000).min(3_900_000), "{work}: {steps} steps, {idle} without");
    }
}

#[test]
fn what_is_escaped_stays_within_its_room() {
    let body = "\u{1}".repeat(2_000_000);
    assert!(measured("$util.escapeJavaScript($input.body)", &body).0.contains("memory"));
    assert!(measured("$util.urlEncode($util.escapeJavaScript($input.body))", &body).0.contains("memory"));
    let json = format!("\"{}\"", "\\u0001".repeat(1_500_000));
    assert!(measured("$input.json('$')", &json).0.contains("memory"));
}

#[test]
fn what_may_be_read_can_be_printed() {
    let body = format!("{}1{}", "{\"a\":".repeat(390), "}".repeat(390));
    assert_eq!(measured("$input.path('$')", &body).0, format!("{}1{}", "{a=".repeat(390), "}".repeat(390)));
}

#[test]
fn names_and_macros_are_found_at_once() {
    let names: String = (0..20_000).map(|number| format!("$a{number} ")).collect();
    assert_eq!(measured(&format!("{names}#evaluate('$a7$b')"), "").0.len(), names.len().min(20_000));
    let macros: String = (0..2_000).map(|number| format!("#macro(m{number}){number};#end")).collect();
    assert_eq!(measured(&format!("{macros}#m1999()#m3()#evaluate('#macro(n)n#end')#n()"), "").0, "1999;3;n");
}

#[test]
fn long_chains_nest_nothing() {
    let source = format!("#set($x = 1{})$x", " + 1".repeat(20_000));
    let template = Template::compile(&source).expect("a template");
    let arena = Bump::new();
    let nothing = || Value::Map(Map::new_in(&arena));
    let request = Request { body: "", params: serde_json::Value::Null, context: nothing(), stage: nothing() };
    let mut out = Vec::new();
    template.render(&request, &arena, &Budget::new(100_000, 1 << 20), &mut out, None).expect("a rendering");
    assert_eq!(out, b"20001");
}
