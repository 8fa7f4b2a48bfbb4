//! How long can somebody keep a core busy who writes the worst template, pattern, path or schema for the worst body?
//!
//! Each line is the processor time of one rendering, or of one check of a body, and how it ended: the limits of steps
//! (`settings/limits.rs`) are to end all of them within some 100 ms. `cargo bench --bench hostile [-- WORD]`.
//!
//! 2 shared virtual cores, release, on a machine so busy that a template that only loops took 90 ms (it is meant to take 50):
//! templates 60 to 270 ms, most below 160; patterns up to 180 ms, but 330 ms where groups of a megabyte are asked for; paths up
//! to 180 ms; schemas up to 300 ms where a body is a million values. Reading 10 MB of JSON that are 800 000 keys takes 390 ms.

use std::fmt::Write;
use std::time::Duration;

use bumpalo::Bump;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value as Json, json};
use weir::lang::budget::Budget;
use weir::lang::schema::Schema;
use weir::lang::value::{Map, Value};
use weir::lang::vtl::{Template, World};
use weir::settings::limits::{PAYLOAD_BYTES_MAX, TEMPLATE_BYTES_MAX, TEMPLATE_STEPS_MAX};

const BODY_BYTES: usize = PAYLOAD_BYTES_MAX as usize;

struct Request<'b>(&'b str);

impl<'a> World<'a> for Request<'a> {
    fn body(&self) -> &'a str {
        self.0
    }

    fn param(&self, _: &str, _: &'a Bump) -> Option<&'a str> {
        None
    }

    fn params(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(Map::new_in(arena))
    }

    fn context(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(Map::new_in(arena))
    }

    fn stage_variables(&self, arena: &'a Bump) -> Value<'a> {
        Value::Map(Map::new_in(arena))
    }
}

fn main() {
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let mut table = Table { word, lines: Vec::new() };
    templates(&mut table);
    schemas(&mut table);
    table.lines.sort_unstable();
    println!("\nThe worst:");
    for (took, name) in table.lines.iter().rev().take(10) {
        println!("{:>9.1} ms  {name}", took.as_secs_f64() * 1e3);
    }
}

/// What was measured. Bodies are large, so each is made for its line only.
struct Table {
    word: String,
    lines: Vec<(Duration, String)>,
}

impl Table {
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.word)
    }

    fn render(&mut self, name: &str, template: impl AsRef<str>, body: impl AsRef<str>) {
        let template = Template::compile(template.as_ref()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (arena, mut out) = (Bump::new(), Vec::new());
        let budget = Budget::new(TEMPLATE_STEPS_MAX, TEMPLATE_BYTES_MAX);
        let started = processor_time();
        let result = template.render(&Request(body.as_ref()), &arena, &budget, &mut out, None);
        let took = processor_time() - started;
        let spent = TEMPLATE_STEPS_MAX - budget.steps_left();
        self.line(
            name,
            took,
            match result {
                Ok(()) => format!("{} bytes, {spent} steps", out.len()),
                Err(failure) => format!("{} ({spent} steps)", failure.message),
            },
        );
    }

    fn check(&mut self, name: &str, schema: Json, body: impl AsRef<str>) {
        let Ok(schema) = Schema::compile(schema, &|_| None) else { panic!("{name} is no schema") };
        let started = processor_time();
        let answer = schema.check(body.as_ref().as_bytes());
        let took = processor_time() - started;
        let end =
            answer.map_or_else(|invalid| format!("{invalid:?}").chars().take(60).collect(), |()| "holds".to_owned());
        self.line(name, took, end);
    }

    fn line(&mut self, name: &str, took: Duration, end: String) {
        println!("{:>9.1} ms  {name:<52} {end}", took.as_secs_f64() * 1e3);
        self.lines.push((took, name.to_owned()));
    }
}

/// Lines of a name, a template or a schema, and a body, each made only where the line is wanted.
macro_rules! lines {
    ($table:ident.$measure:ident: $(($name:expr, $what:expr, $body:expr $(,)?)),* $(,)?) => {
        $(if $table.wants($name) {
            $table.$measure($name, $what, $body);
        })*
    };
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A statement a million times, by loops within loops.
fn often(statement: &str) -> String {
    format!("#foreach($i in [1..1000])#foreach($j in [1..1000])#foreach($k in [1..1000]){statement}#end#end#end")
}

/// As many of an item as a body holds, between two ends.
fn filled(start: &str, item: &str, end: &str) -> String {
    let times = (BODY_BYTES - start.len() - end.len()) / item.len();
    format!("{start}{}{end}", item.repeat(times))
}

/// The beginning of a body, with an end of its own.
fn shorter(body: String, bytes: usize, end: &str) -> String {
    format!("{}{end}", &body[..bytes])
}

/// `item(0)`, `item(1)` … with commas.
fn numbered(times: usize, item: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0..times {
        let comma = if number == 0 { "" } else { "," };
        write!(text, "{comma}{}", item(number)).expect("a string");
    }
    text
}

fn templates(table: &mut Table) {
    let nothing = || "{}".to_owned();
    let a_text = |letter: &str| filled("\"", letter, "\"");
    let quoted = |bytes: usize| format!("\"{}\"", "a".repeat(bytes));
    let b = "#set($b = $input.path('$'))";
    let million_keys = || format!("{{{}}}", numbered(800_000, |number| format!("\"{number}\":0")));
    let many_maps = || format!("[{{}}{}]", ",{}".repeat(300_000));
    let many_lists = || format!("[[]{}]", ",[]".repeat(300_000));
    let million_lists = || filled("[[]", ",[]", "]");
    lines!(table.render:
        // Reading.
        ("read/lists within lists", "$input.path('$').size()", "[".repeat(BODY_BYTES)),
        ("read/maps within maps", "$input.path('$').size()", filled("", "{\"a\":", "")),
        ("read/empty lists", "$input.path('$').size()", million_lists()),
        ("read/digits", "$input.path('$')", filled("", "7", "")),
        ("read/a decimal", "$input.path('$')", filled("0.", "7", "")),
        ("read/small numbers", "$input.path('$').size()", filled("[1", ",1", "]")),
        ("read/decimals", "$input.path('$').size()", filled("[1", ",1.5e-300", "]")),
        ("read/keys", "$input.path('$').size()", million_keys()),
        ("read/one key", "$input.path('$').size()", filled("{\"a\":0", ",\"a\":0", "}")),
        ("read/escapes", "$input.path('$').length()", filled("\"", "\\u00e4", "\"")),
        ("read/a text", "$input.path('$').length()", a_text("a")),
        ("read/parseJson again and again", format!("{b}{}", often("$util.parseJson('{\"a\":[1,2,{\"b\":\"c\"}]}').size()")), nothing()),
        ("read/parseJson of a long text", format!("{b}#set($t = '\"' + $b + '\"'){}", often("#set($x = $util.parseJson($t))")), quoted(1_000_000)),
        ("read/parseXml of a comment", format!("{b}#set($t = \"<!--${{b}}--><a/>\"){}", often("#set($x = $util.parseXml($t))")), a_text("a")),
        ("read/parseXml of elements", format!("{b}#set($t = \"<a>$b</a>\"){}", often("#set($x = $util.parseXml($t))")), filled("\"", "<b/>", "\"")),
        ("read/parseXml of attributes", format!("{b}#set($t = \"<a $b/>\"){}", often("#set($x = $util.parseXml($t))")), format!("\"{}\"", numbered(500_000, |number| format!("a{number}='1' ")).replace(',', ""))),
        // Statements.
        ("run/loops", often(""), nothing()),
        ("run/sets", often("#set($x = $i + $j * $k)"), nothing()),
        ("run/comparisons", often("#if($i == $j && $k < $i)a#end"), nothing()),
        ("run/texts and numbers compared", often("#if($i == \"7\")a#end"), nothing()),
        ("run/doubles printed", often("#set($x = 1.7976931348623157E308 - $k)$x"), nothing()),
        ("run/doubling", format!("#set($x = 'abcdefgh'){}", often("#set($x = \"$x$x\")")), nothing()),
        ("run/doubling by plus", format!("#set($x = 'abcdefgh'){}", often("#set($x = $x + $x)")), nothing()),
        ("run/macros", format!("#macro(m $a)#m($a)#m($a)#end{}", often("#m($i)")), nothing()),
        ("run/macro arguments by name", format!("{}{}", (1..19).map(|n| format!("#macro(m{n} $a)#m{}(\"$a$a\")#end", n + 1)).collect::<String>() + "#macro(m19 $a)$a#end", often("#m1($i)")), nothing()),
        ("run/sets in macros with many parameters", {
            let parameters: String = (0..64).map(|n| format!(" $p{n}")).collect();
            let arguments = " 1".repeat(64);
            let mut text: String = (0..18).map(|n| format!("#macro(n{n}{parameters})#n{}({arguments})#end", n + 1)).collect();
            write!(text, "#macro(n18{parameters}){}#end#n0({arguments})", often("#set($x = 1)")).expect("a string");
            text
        }, nothing()),
        ("run/foreach.topmost in deep loops", {
            let depth = 90;
            let mut text = "#foreach($a in [1])".repeat(depth);
            text.push_str(&often("#set($x = $foreach.topmost)"));
            text + &"#end".repeat(depth)
        }, nothing()),
        ("run/ranges", often("#set($x = [1..1000000])"), nothing()),
        ("run/lists of lists printed", format!("#set($x = [1]){}$x", "#set($x = [$x,$x])".repeat(40)), nothing()),
        ("run/evaluate", often("#evaluate('#set($x = 1)$x')"), nothing()),
        ("run/evaluate long", format!("#set($x = '{}'){}", "$a ".repeat(90_000), often("#evaluate($x)")), nothing()),
        ("run/evaluate patterns", format!("#set($x = '{}'){}", "$a.matches(\"\\p{L}{20}\")".repeat(10_000), often("#evaluate($x)")), nothing()),
        ("run/evaluate small patterns", format!("#set($x = '{}'){}", "$a.matches(\"\\w+\")".repeat(15_000), often("#evaluate($x)")), nothing()),
        ("run/evaluate paths", format!("#set($x = '{}'){}", "$input.path(\"$..*[0]\")".repeat(10_000), often("#evaluate($x)")), nothing()),
        ("run/evaluate names", format!("#set($x = '{}'){}", (0..40_000).map(|n| format!("$a{n}")).collect::<String>(), often("#evaluate($x)")), nothing()),
        // Methods.
        ("paths/patterns compiled anew", often("$input.path(\"$[?(@ =~ /\\p{L}{20}/)]\")"), nothing()),
        ("texts/compareTo", format!("{b}#set($c = \"${{b}}x\"){}", often("$b.compareTo($c)")), a_text("a")),
        ("texts/compareToIgnoreCase", format!("{b}#set($c = \"${{b}}x\"){}", often("$b.compareToIgnoreCase($c)")), a_text("ä")),
        ("texts/equalsIgnoreCase", format!("{b}#set($c = \"${{b}}\"){}", often("$b.equalsIgnoreCase($c)")), a_text("ä")),
        ("texts/equals", format!("{b}#set($c = \"${{b}}\"){}", often("$b.equals($c)")), a_text("a")),
        ("texts/length", format!("{b}{}", often("$b.length()")), a_text("ä")),
        ("texts/charAt", format!("{b}{}", often("$b.charAt(4000000)")), a_text("ä")),
        ("texts/substring", format!("{b}{}", often("$b.substring(1, 4000000).isEmpty()")), a_text("ä")),
        ("texts/lastIndexOf", format!("{b}{}", often("$b.lastIndexOf('aaaaaaaaaaaaaaab', 4000000)")), a_text("ä")),
        ("texts/indexOf", format!("{b}{}", often("$b.indexOf('aaaaaaaaaaaaaaab')")), a_text("a")),
        ("texts/trim", format!("{b}{}", often("$b.strip()")), a_text("\u{2003}")),
        ("texts/toUpperCase", format!("{b}{}", often("#set($x = $b.toUpperCase())")), quoted(900_000).replace('a', "ß")),
        ("texts/toUpperCase, ASCII", format!("{b}{}", often("#set($x = $b.toUpperCase())")), quoted(100_000)),
        ("texts/toCharArray", format!("{b}{}", often("#set($x = $b.toCharArray())")), quoted(100_000)),
        ("texts/hashCode", format!("{b}{}", often("$b.hashCode()")), a_text("a")),
        ("texts/replace", format!("{b}{}", often("#set($x = $b.replace('a', ''))")), a_text("a")),
        ("texts/join of nothing", format!("{b}#set($p = $b.split(',', -1)){}", often("$b.join('', $p)")), shorter(filled("\"", ",", "\""), 200_000, "\"")),
        ("texts/format with a long array", format!("{b}#set($p = $b.split(',', -1)){}", often("$i.toString().format('x', $p)")), shorter(filled("\"", ",", "\""), 200_000, "\"")),
        ("texts/format of a text", format!("{b}{}", often("$i.toString().format('%.1s', $b)")), a_text("ä")),
        ("texts/format of digits", format!("{b}{}", often("$i.toString().format('%,d', $b).isEmpty()")), shorter(filled("", "7", ""), 1_000_000, "")),
        ("texts/format of zeros", often("$i.toString().format('%010000d', $i).isEmpty()"), nothing()),
        ("texts/base64Decode", format!("{b}{}", often("$util.base64Decode($b).isEmpty()")), quoted(1_000_000)),
        ("texts/urlDecode", format!("{b}{}", often("$util.urlDecode($b).isEmpty()")), shorter(filled("\"", "%ff", "\""), 999_999, "f\"")),
        ("texts/escapeJavaScript", format!("{b}{}", often("#set($x = $util.escapeJavaScript($b))")), quoted(100_000).replace('a', "ä")),
        ("numbers/parseInt of a text", format!("{b}{}", often("$i.parseInt($b)")), filled("\"", "0", "7\"")),
        ("numbers/parseDouble of a text", format!("{b}#set($d = 1.5){}", often("$d.parseDouble($b)")), filled("\"0.", "7", "\"")),
        ("numbers/equals of long ones", "#set($m = $input.path('$.a'))#set($n = $input.path('$.b'))".to_owned() + &often("$m.equals($n)"), format!("{{\"a\":{0},\"b\":{0}}}", "7".repeat(5_000_000))),
        ("numbers/doubleValue of a long one", format!("{b}{}", often("$b.doubleValue()")), filled("", "7", "")),
        ("numbers/products", often("#set($x = 7777777777777777777)#foreach($l in [1..7])#set($x = $x * $x)#end"), nothing()),
        ("numbers/hashCode of a decimal", format!("{b}{}", often("$b.hashCode()")), filled("0.", "7", "")),
        ("numbers/a long one in a list compared", format!("{b}{}", often("#if($b == 'x')#end")), filled("[", "7", "]")),
        ("numbers/a long one in a list as JSON", often("#if($input.json('$') == 'x')#end"), filled("[", "7", "]")),
        ("lists/removeAll", format!("{b}#set($c = []){}", often("$b.removeAll($b)")), shorter(filled("[1", ",1", "]"), 200_001, "]")),
        ("lists/contains", format!("{b}{}", often("$b.contains(2)")), shorter(filled("[1", ",1", "]"), 200_001, "]")),
        ("lists/add in front", "#set($l = [])".to_owned() + &often("$l.add(0, 1)"), nothing()),
        ("lists/hashCode", format!("{b}{}", often("$b.hashCode()")), shorter(filled("[1", ",1", "]"), 200_001, "]")),
        ("maps/keySet().hashCode()", format!("{b}{}", often("$b.keySet().hashCode()")), format!("{{{}}}", numbered(100_000, |number| format!("\"{number}\":0")))),
        ("maps/hashCode of a long key", format!("{b}{}", often("$b.hashCode()")), filled("{\"", "a", "\":1}")),
        ("maps/get of a long key", format!("{b}#set($t = $b.t){}", often("$b.get($t)")), {
            let long = "a".repeat(200_000);
            format!("{{{},\"t\":\"{long}cccc\"}}", numbered(31, |number| format!("\"{long}{number:04}\":0")))
        }),
        ("maps/put and remove, then loops", "#set($m = {})#foreach($i in [1..1000])#foreach($j in [1..200])$m.put($j, 1)$m.remove($j)#end#end$m.put('a', 1)".to_owned() + &often("#foreach($x in $m)#end"), nothing()),
        ("maps/putAll", format!("{b}#set($m = {{}}){}", often("$m.putAll($b)")), format!("{{{}}}", numbered(100_000, |number| format!("\"{number}\":0")))),
        // Paths.
        ("paths/..", "$input.path('$..*..*..*').size()", filled("[", "[1],", "1]")),
        ("paths/.. of deep lists", "$input.path('$..[0]..[0]..[0]..[0]').size()", format!("[{}]", numbered(5_000, |_| format!("{}{}", "[".repeat(390), "]".repeat(390))))),
        ("paths/.. of a name", often("$input.path('$..a..a').size()"), shorter(filled("[", "{\"a\":1},", "1]"), 100_009, "1]")),
        ("paths/many names", format!("$input.path('$[*][{}].x').size()", numbered(1_500, |number| format!("\"{number}\""))), many_maps()),
        ("paths/many names of maps", format!("$input.path('$[*][{}]').size()", numbered(1_500, |number| format!("\"{number}\""))), many_maps()),
        ("paths/many indexes", format!("$input.path('$[*][{}].x').size()", numbered(3_000, |number| format!("{}", number % 10))), many_lists()),
        ("paths/a filter over all", "$input.path('$[?(@.a == 1 || @.b > 2 || @.c)]').size()", many_maps()),
        ("paths/a filter in a filter", "$input.path('$[?(@[?(@ == 1)])]').size()", format!("[[1]{}]", ",[1,2,3]".repeat(200_000))),
        ("paths/a filter from the root", "$input.path('$[?(@ in $)]').size()", format!("[1{}]", ",2".repeat(300_000))),
        ("paths/long texts in order", "$input.path('$.l[?($.a < $.b)]').size()", {
            let long = "a".repeat(3_000_000);
            format!("{{\"a\":\"{long}\",\"b\":\"{long}\",\"l\":[1{}]}}", ",1".repeat(1_000_000))
        }),
        ("paths/long texts and numbers", "$input.path('$.l[?($.a == @)]').size()", format!("{{\"a\":\"0.{}\",\"l\":[1{}]}}", "7".repeat(3_000_000), ",1".repeat(1_000_000))),
        ("paths/long numbers in order", "$input.path('$.l[?($.a > @)]').size()", format!("{{\"a\":{},\"l\":[1{}]}}", "7".repeat(3_000_000), ",1".repeat(1_000_000))),
        ("paths/sizes of long texts", "$input.path('$.l[?($.a size 7)]').size()", format!("{{\"a\":\"{}\",\"l\":[1{}]}}", "ä".repeat(1_500_000), ",1".repeat(1_000_000))),
        ("paths/sums", often("$input.path('$.sum()')"), shorter(filled("[1", ",1.5", "]"), 400_002, "]")),
        ("paths/the greatest long number", often("$input.path('$.max()')"), filled("[", "7", "]")),
        ("paths/patterns", "$input.path('$[?(@ =~ /(a|b)*c.*d.*e/)]').size()", filled("[\"a\"", ",\"ababab\"", "]")),
        ("paths/backtracking patterns", "$input.path('$.l[?($.a =~ /(?:\\s++x)*/)]').size()", format!("{{\"a\":\"{}\",\"l\":[1{}]}}", " ".repeat(100_000), ",1".repeat(1_000_000))),
    );
    let patterns = [
        ("patterns/a possessive run that fails", r"\s++x", " ", 1_000_000),
        ("patterns/a possessive run at the end", r"\s++$", " a", 5_000_000),
        ("patterns/a look ahead to the end", r"(?=[^q]*q)z", "a", 1_000_000),
        ("patterns/a look ahead to the end, a short text", r"(?=[^q]*q)z", "a", 8_000),
        ("patterns/a look ahead of a run", r"(?=(a+))\1b", "a", 8_000),
        ("patterns/an atomic group", r"(?>a+)b", "a", 100_000),
        ("patterns/a look behind", r"(?<=a)b", "a", 5_000_000),
        ("patterns/not a word before", r"(?<!b)c", "a", 5_000_000),
        ("patterns/nested quantifiers", r"(a+)+b", "a", 1_000_000),
        ("patterns/nested quantifiers with a back-reference", r"(a+)+\1b", "a", 10_000),
        ("patterns/a back-reference", r"(.+)\1x", "a", 10_000),
        ("patterns/a short back-reference", r"(.+)\1x", "a", 500),
        ("patterns/alternatives that overlap", r"(a|a|aa|a?)*b", "a", 1_000_000),
        ("patterns/many letters", r"(?:a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p)*?z", "abcdefgh", 1_000_000),
        ("patterns/a distance", r".*a[ab]{9}c", "ab", 1_000_000),
        ("patterns/a great distance", r".*a[ab]{600}c", "ab", 1_000_000),
        ("patterns/groups", r"(a)(b)?(c)?(d)?[^q]*?q", "ab", 1_000_000),
        ("patterns/groups of everything", r"([^q]*)(a)", "a", 1_000_000),
        ("patterns/groups one by one", r"(a)(b)", "ab", 1_000_000),
        ("patterns/a group a letter", r"((a)|(b))", "ab", 1_000_000),
        ("patterns/letter by letter", r"a", "a", 1_000_000),
        ("patterns/nothing", r"", "a", 1_000_000),
        ("patterns/word boundaries", r"\bx\b", "äa ", 3_000_000),
        ("patterns/Unicode letters", r"\p{L}+\d", "ä", 3_000_000),
        ("patterns/without case", r"(?i)straße\d", "straße", 5_000_000),
        ("patterns/lines", r"(?m)^a$", "a\n", 3_000_000),
        ("patterns/the end of a line", r"[^q]*x$", "a\n", 1_000_000),
        ("patterns/the end of lines", r"x*$", "a\n", 100_000),
        ("patterns/lazy to a letter that is not there", r"a.*?q", "a", 1_000_000),
        ("patterns/lazy to a letter that is not there, in lines", r"a.*?q", "aaaaaaaaa\n", 1_000_000),
        ("patterns/alternatives of which one reads on", r"a|[^q]*q", "a", 1_000_000),
    ];
    for (name, pattern, unit, bytes) in patterns {
        if !table.wants(name) {
            continue;
        }
        let body = format!("\"{}\"", unit.replace('\n', "\\n").repeat(bytes / unit.len()));
        let template = format!(
            "{b}#set($p = '{pattern}'){}",
            often(&format!(
                "#set($x = $b.replaceAll('{pattern}', '$0'))#set($x = $b.replaceAll('{pattern}', ''))$b.matches('{pattern}')#set($x = $b.split('{pattern}'))"
            ))
        );
        table.render(name, template, body);
    }
    for (name, pattern) in [
        ("patterns/compiled anew", r"(a|b)*c".to_owned()),
        ("patterns/compiled anew, of Unicode", r"\p{L}{20}".to_owned()),
        ("patterns/compiled anew, of many words", (0..1_500).map(|n| format!("w{n}|")).collect()),
        ("patterns/compiled anew, without case", format!("(?i){}", "[a-zä]".repeat(500))),
        ("patterns/compiled anew, of repeated groups", r"((a{30}){30}){9}".to_owned()),
        ("patterns/compiled anew, with looks", r"(?=\p{L}{40})\w{40}(?!\p{Lu}{40})".to_owned()),
    ] {
        lines!(table.render: (name, format!("#set($p = '{pattern}')#set($t = 'abc'){}", often("$t.matches(\"$p$i$j$k\")")), nothing()));
    }
}

fn schemas(table: &mut Table) {
    let reference = json!({"$ref": "#"});
    let of = |pattern: &str| json!({"type": "array", "items": {"pattern": pattern}});
    let texts = |text: String| format!("[{}]", numbered(BODY_BYTES / (text.len() + 3), |_| format!("\"{text}\"")));
    lines!(table.check:
        ("schemas/itself in a list", json!({"items": reference}), filled("[[]", ",[]", "]")),
        ("schemas/itself four times", json!({"items": {"allOf": [reference, reference, reference, reference]}}), format!("{}{}", "[".repeat(120), "]".repeat(120))),
        ("schemas/itself in anyOf", json!({"type": "array", "items": {"anyOf": [{"allOf": [reference, {"maxItems": 0}]}, {"allOf": [reference, {"minItems": 1}]}, reference]}}), format!("[{}]", numbered(80_000, |_| format!("{}{}", "[".repeat(50), "]".repeat(50))))),
        ("schemas/itself only", json!({"anyOf": [{"type": "string"}, {"items": reference}]}), filled("[[]", ",[]", "]")),
        ("schemas/a large enum", json!({"items": {"enum": (0..20_000).collect::<Vec<_>>()}}), filled("[1", ",19999", "]")),
        ("schemas/a large enum of decimals", json!({"items": {"enum": (0..20_000).map(|n| f64::from(n) + 0.5).collect::<Vec<_>>()}}), filled("[1.5", ",19999.5", "]")),
        ("schemas/a large enum of lists", json!({"items": {"enum": (0..10_000).map(|n| json!([n, [n]])).collect::<Vec<_>>()}}), filled("[[1,[1]]", ",[9999,[9999]]", "]")),
        ("schemas/many alternatives", json!({"items": {"anyOf": (0..2_000).map(|n| json!({"enum": [n]})).collect::<Vec<_>>()}}), filled("[1", ",1999", "]")),
        ("schemas/alternatives within each other", (0..20).fold(json!({"type": "string"}), |inner, _| json!({"anyOf": [inner, {"not": inner.get("anyOf").map_or(json!({}), |_| json!({"type": "null"}))}]})), filled("[1", ",1", "]")),
        ("schemas/unique numbers", json!({"uniqueItems": true}), format!("[{}]", numbered(1_200_000, |number| number.to_string()))),
        ("schemas/unique lists", json!({"uniqueItems": true}), format!("[{}]", numbered(800_000, |number| format!("[{number}]")))),
        ("schemas/unique lists of lists", json!({"uniqueItems": true, "items": {"uniqueItems": true, "items": {"uniqueItems": true}}}), format!("[{}]", numbered(300_000, |number| format!("[[{number},[]],[],{{}}]")))),
        (
            "schemas/unique lists of a number and its list",
            json!({"uniqueItems": true}),
            format!("[{}]", numbered(400_000, |number| format!("[{number},[{number}]]")))
        ),
        ("schemas/unique decimals", json!({"uniqueItems": true}), format!("[{}]", numbered(700_000, |number| format!("{number}.5e3")))),
        ("schemas/unique long numbers", json!({"uniqueItems": true}), format!("[{}]", numbered(100, |number| format!("{number}{}", "7".repeat(100_000))))),
        ("schemas/multiples of long numbers", json!({"items": {"multipleOf": 0.000_7}}), format!("[{}]", numbered(100, |number| format!("{number}{}", "7".repeat(100_000))))),
        ("schemas/required names", json!({"required": (0..5_000).map(|n| format!("a{n}")).collect::<Vec<_>>()}), format!("{{{}}}", numbered(800_000, |number| format!("\"{number}\":0")))),
        ("schemas/dependencies", json!({"dependencies": (0..2_000).map(|n| (n.to_string(), json!([format!("x{n}"), "1"]))).collect::<serde_json::Map<_, _>>()}), format!("{{{}}}", numbered(800_000, |number| format!("\"{number}\":0")))),
        ("schemas/patterns of names", json!({"patternProperties": (0..200).map(|n| (format!("^a*{n}$"), json!({}))).collect::<serde_json::Map<_, _>>()}), format!("{{{}}}", numbered(500_000, |number| format!("\"aaaaaa{number}\":0")))),
        ("schemas/how many distinct names", json!({"minProperties": 799_999}), format!("{{{}}}", numbered(800_000, |number| format!("\"{number}\":0")))),
        ("schemas/nested quantifiers", of("^(a+)+$"), texts("a".repeat(30) + "b")),
        ("schemas/nested quantifiers in a long text", of("^(a+)+$"), texts("a".repeat(1_000_000) + "b")),
        ("schemas/a distance", of("a[ab]{900}c"), texts("ab".repeat(2_000))),
        ("schemas/a large repetition", of("^.{0,2000}$"), texts("ä".repeat(900))),
        ("schemas/a look ahead", of("^(?=.*[A-Z])(?=.*[0-9]).{8,}$"), texts("a".repeat(10_000))),
        ("schemas/a look in a repetition", of("^((?!foo).)*$"), texts("f".repeat(1_000))),
        ("schemas/a back-reference", of("^(a*)\\1b$"), texts("a".repeat(1_000))),
        ("schemas/a back-reference in a short text", of("(a|a|a)*\\1b"), texts("a".repeat(30))),
        ("schemas/looks within loops within looks", of("^(?:(?=(?:(?=(?:a(?=[^q]*))*)a)*)a)*$"), texts("a".repeat(200))),
        ("schemas/a look ahead anywhere", of("(?=.*q)z"), texts("a".repeat(16_000))),
        ("schemas/a look ahead in short texts", of("(?=.*q)z"), texts("a".repeat(200))),
        ("schemas/patterns that are patterns", json!({"items": {"format": "regex"}}), texts("(a|b)*\\\\p{L}{20}".to_owned())),
        ("schemas/long patterns that are patterns", json!({"items": {"format": "regex"}}), texts("\\\\p{L}".repeat(2_000))),
        ("schemas/formats", json!({"items": {"format": "email"}}), texts("a@b.c".to_owned())),
        ("schemas/dates", json!({"items": {"format": "date-time"}}), texts("2026-11-26T20:19:52.123456789Z".to_owned())),
        ("schemas/long names of hosts", json!({"items": {"format": "hostname"}}), texts("a.".repeat(100_000) + "a")),
        ("schemas/addresses", json!({"items": {"format": "ipv6"}}), texts("1:2:3:4:5:6:7:8".to_owned())),
        ("schemas/lengths", json!({"items": {"allOf": (0..50).map(|n| json!({"maxLength": 5_000_000 + n, "minLength": n})).collect::<Vec<_>>()}}), filled("[\"", "\\u00e4", "\"]")),
    );
}
