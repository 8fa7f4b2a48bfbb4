use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::callers::LambdaEndpoint;
use super::super::file;
use super::super::limits::{FUNCTION_ENVIRONMENT_BYTES_MAX, FUNCTIONS_MAX};
use super::super::raw::{By, Key, Mistake, Raw};
use super::super::{Settings, secret};
use super::*;

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[&str]) -> Self {
        let folder = Self(std::env::temp_dir().join(format!("weir-functions-{name}-{}", std::process::id())));
        for file in files {
            folder.write(file, b"");
        }
        folder
    }

    fn write(&self, file: &str, bytes: &[u8]) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    fn read_with(&self, text: &str, said: &[&str]) -> Result<Settings, Vec<Mistake>> {
        let file = file::read(&self.0.join("weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
        let variables = Raw::from_variables(|name| {
            let said = said.iter().find_map(|said| said.strip_prefix('$'));
            said.filter(|_| name == "WEIR_FUNCTION").map(str::to_owned)
        });
        let mut flags = Raw::default();
        for said in said.iter().filter(|said| !said.starts_with('$')) {
            flags.say(Key::Function, said.replace("DIR", &self.0.to_string_lossy()), By::Flag);
        }
        file.under(variables).under(flags).check(NonZeroUsize::new(3).expect("3"))
    }

    fn read(&self, text: &str) -> Result<Vec<Function>, Vec<Mistake>> {
        Ok(self.read_with(text, &[])?.functions)
    }

    fn local(&self, text: &str) -> LocalFunction {
        let functions = self.read(text).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"));
        match functions.into_iter().next().map(|function| function.place) {
            Some(FunctionPlace::Local(local)) => LocalFunction::clone(&local),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[track_caller]
    fn refused(&self, rest: &str, at: &str, found: &str, help: &str) {
        let text = format!("[[functions]]\n{rest}");
        let mistakes = self.read(&text).expect_err("a mistake");
        let shown = |text: &str| text.replace(&*self.0.to_string_lossy(), "DIR");
        assert_eq!((shown(&mistakes[0].found).as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
        let written = mistakes[0].written.map(|written| &text[written.offset..written.offset + written.length]);
        assert_eq!((written, mistakes.len()), (Some(at), 1), "{mistakes:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The directory of a zip file, and its end: what tells of its files.
fn zip(names: &[&str]) -> Vec<u8> {
    let mut directory = Vec::new();
    for name in names {
        directory.extend(b"PK\x01\x02");
        directory.extend([0; 24]);
        directory.extend([name.len() as u8, 0, 2, 0, 3, 0]);
        directory.extend([0; 12]);
        directory.extend(name.as_bytes());
        directory.extend(b"xxccc");
    }
    let size = (directory.len() as u32).to_le_bytes();
    let ends = [&b"PK\x05\x06"[..], &[0; 8], &size, &4_u32.to_le_bytes(), &[3, 0], b"end"].concat();
    [&b"data"[..], &directory, &ends].concat()
}

const PYTHON: &str = "dir = 'py'\nhandler = 'app.handler'\n";

fn code() -> Folder {
    let files = ["py/app.py", "py/pkg/sub/__init__.py", "js/src/index.mjs", "own/bootstrap", "own/app.py", "empty/x"];
    let folder = Folder::new(&format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-"), &files);
    folder.write("fn.zip", &zip(&["README", "src/app.cjs"]));
    folder.write("own.zip", &zip(&["bootstrap"]));
    folder
}

#[test]
fn places_in_each_of_their_forms() {
    let folder = code();
    let text = "[[functions]]\nname = 'orders'\ndir = 'py'\nhandler = 'app.handler'\nruntime = 'python3.12'\n\
                environment = { TABLE = 'orders', N = 2 }\nmemory = '256MB'\ntimeout = '10s'\nconcurrency = 10\nwarm = 2\n\
                idle-timeout = '1m'\nlog = 'orders.log'\n[[functions]]\nname = 'api-*'\nurl = 'http://127.0.0.1:9001'\n\
                [[functions]]\nname = 'rie:$LATEST'\nurl = 'http://[::1]:9001/2015-03-31/functions/function/invocations'\n\
                [[functions]]\nname = '*'\naws = true";
    let functions = folder.read(text).expect("good");
    let names: Vec<_> = functions.iter().map(|function| function.pattern.as_str()).collect();
    assert_eq!(names, ["orders", "api-*", "rie:$LATEST", "*"]);
    let orders = LocalFunction {
        name: "orders".into(),
        code: folder.0.join("py"),
        handler: Some("app.handler".into()),
        runtime: FunctionRuntime::Python("python3.12".into()),
        environment: vec![("N".into(), "2".into()), ("TABLE".into(), "orders".into())],
        memory_bytes: 256 << 20,
        timeout: Duration::from_secs(10),
        concurrency: 10,
        warm: 2,
        idle_timeout: Duration::from_secs(60),
        log: FunctionLog::File(folder.0.join("orders.log")),
    };
    let url = |host: &str, path: Option<&str>| {
        let endpoint = LambdaEndpoint { https: false, host: host.into(), port: 9001 };
        FunctionPlace::Url { endpoint, path: path.map(str::to_owned) }
    };
    assert_eq!(functions[0].place, FunctionPlace::Local(Arc::new(orders)));
    assert_eq!(functions[1].place, url("127.0.0.1", None));
    assert_eq!(functions[2].place, url("[::1]", Some("/2015-03-31/functions/function/invocations")));
    assert_eq!(functions[3].place, FunctionPlace::Aws);
}

#[test]
fn what_is_not_said_is_as_on_lambda() {
    let folder = code();
    let local = folder.local(&format!("[[functions]]\nname = 'orders'\n{PYTHON}"));
    assert_eq!((local.memory_bytes, local.timeout), (128 << 20, Duration::from_secs(3)));
    assert_eq!((local.concurrency, local.warm, local.idle_timeout), (6, 1, Duration::from_secs(300)));
    assert_eq!((local.log, local.environment), (FunctionLog::Stdout, vec![]));
}

#[test]
fn what_runs_a_function_is_told_by_its_files() {
    let folder = code();
    let python = || FunctionRuntime::Python("python3".into());
    let node = || FunctionRuntime::Node("node".into());
    for (dir, handler, expected, main) in [
        ("py", "app.handler", python(), "py/app.py"),
        ("py", "pkg.sub.handler", python(), "py/pkg/sub/__init__.py"),
        ("js", "src/index.handler", node(), "js/src/index.mjs"),
        ("js", "src/index.api.handler", node(), "js/src/index.mjs"),
        ("own", "app.handler", FunctionRuntime::Provided, "own/bootstrap"),
        ("own", "", FunctionRuntime::Provided, "own/bootstrap"),
        ("fn.zip", "src/app.handler", node(), "fn.zip"),
        ("own.zip", "", FunctionRuntime::Provided, "own.zip"),
    ] {
        let handler = if handler.is_empty() { String::new() } else { format!("handler = '{handler}'") };
        let text = format!("[[functions]]\nname = 'a'\ndir = '{dir}'\n{handler}");
        assert_eq!(folder.local(&text).runtime, expected, "{text}");
        let files: Vec<_> = folder.read_with(&text, &[]).expect("good").files_of_functions().into_iter().collect();
        assert_eq!(files, [folder.0.join(main)], "{text}");
    }
    for (written, expected) in [
        ("python3", python()),
        ("python3.13", FunctionRuntime::Python("python3.13".into())),
        ("node", node()),
        ("nodejs22.x", node()),
        ("provided", FunctionRuntime::Provided),
        ("provided.al2", FunctionRuntime::Provided),
        ("provided.al2023", FunctionRuntime::Provided),
    ] {
        let text = format!("[[functions]]\nname = 'a'\ndir = 'empty'\nhandler = 'x.y'\nruntime = '{written}'");
        assert_eq!(folder.local(&text).runtime, expected, "{written}");
    }
}

#[test]
fn flags_stand_before_variables_before_the_file() {
    let folder = code();
    let text = "[[functions]]\nname = 'a'\ndir = 'nowhere'\n[[functions]]\nname = 'b'\naws = true\n\
                [[functions]]\nname = '*'\naws = true";
    let said = ["a=DIR/py:app.handler", "b=DIR/own", "$c=/nowhere:x"];
    let mistakes = folder.read_with(text, &said).expect_err("a mistake");
    assert!(mistakes[0].found.starts_with("the function `c`: /nowhere cannot be read: "), "{mistakes:?}");
    assert_eq!((mistakes.len(), mistakes[0].written), (1, None));
    let functions = folder.read_with(text, &said[..2]).expect("good").functions;
    let names: Vec<_> = functions.iter().map(|function| function.pattern.as_str()).collect();
    assert_eq!(names, ["a", "b", "*"]);
    let FunctionPlace::Local(own) = &functions[1].place else { panic!("{functions:?}") };
    assert_eq!((&own.code, &own.handler), (&folder.0.join("own"), &None));
    for (said, found, help) in [
        (
            "orders",
            "--function is `orders`",
            "Write NAME=DIR:HANDLER, such as orders=functions/orders:app.handler; a `bootstrap` needs no handler.",
        ),
        ("a b=x", "name of --function is `a b`", NAME),
        ("a=", "dir of --function is ``", "Name a folder or a zip file."),
        ("a=DIR/py:", "handler of --function is ``", HANDLER),
        (
            "*=DIR/own",
            "the function `*` is a pattern, and has a dir",
            "Give each function of this machine an entry with its own name.",
        ),
    ] {
        let mistakes = folder.read_with("", &[said]).expect_err("a mistake");
        assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help));
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }
    let mistakes = folder.read_with("", &["a=DIR/own", "a=DIR/py:app.handler"]).expect_err("a mistake");
    assert_eq!(mistakes[0].found, "the function `a` is given twice");
}

const NAME: &str = "Write a function's name, 1 to 64 of A-Z, a-z, 0-9, - and _, with :VERSION or :ALIAS where only that is meant; * stands for any letters.";
const HANDLER: &str = "Write FILE.NAME, such as app.handler or src/app.handler, within the function's code.";

#[test]
fn what_is_wrong_with_a_place() {
    let folder = code();
    folder.refused("aws = true", "[[functions]]", "this function has no name", "Add `name = \"orders\"`.");
    for name in ["", "a b", "a:", ":a", "a:b:c", "a.b", "é"] {
        folder.refused(
            &format!("name = '{name}'\naws = true"),
            &format!("'{name}'"),
            &format!("name is `{name}`"),
            NAME,
        );
    }
    folder.refused(
        "name = 'a'",
        "[[functions]]",
        "the function `a` is nowhere",
        "Add `dir = \"functions/orders\"`, `url = \"http://127.0.0.1:9001\"` or `aws = true`.",
    );
    folder.refused(
        "name = 'a'\naws = true\nurl = 'http://a'",
        "[[functions]]",
        "the function `a` has both url and aws",
        "Keep one of `dir`, `url` and `aws`.",
    );
    folder.refused("name = 'a'\naws = false", "false", "aws is `false`", "Write true, or leave it out.");
    let alien = "Leave it out: it is for functions that run on this machine.";
    folder.refused("name = 'a'\naws = true\nmemory = '1GB'", "'1GB'", "the function `a` has memory, and no dir", alien);
    folder.refused(
        "name = 'a'\naws = true\nenvironment = { A = 'b' }",
        "'b'",
        "the function `a` has environment, and no dir",
        alien,
    );
    folder.refused(
        "name = 'a'\nurl = 'localhost:1'",
        "'localhost:1'",
        "url is `localhost:1`",
        "Write http:// or https://, a host, its port and, where only one path is called, that path, such as http://127.0.0.1:9001/2015-03-31/functions/function/invocations.",
    );
    folder.refused(
        "name = 'a'\nnames = 1\naws = true",
        "names",
        "`names` is not a key of [[functions]]",
        "Did you mean `name`?",
    );
    folder.refused("name = []\naws = true", "[]", "`name` is an array here", "Write one text or number.");
    folder.refused(
        "name = 'a'\naws = true\n[[functions]] # two\nname = 'a'\naws = true",
        "'a'",
        "the function `a` is given twice",
        "The first one holds: leave the others out.",
    );
    let many: String = (0..=FUNCTIONS_MAX).map(|n| format!("[[functions]]\nname = 'a{n}'\naws = true\n")).collect();
    assert_eq!(folder.read(&many).expect_err("a mistake")[0].found, "1001 functions are given");
}

#[test]
fn what_is_wrong_with_a_function_of_this_machine() {
    let folder = code();
    let check = |rest: &str, at: &str, found: &str, help: &str| {
        folder.refused(&format!("name = 'a'\n{PYTHON}{rest}"), at, found, help);
    };
    let size = "It may be 64MB to 10GB.";
    check("memory = '63MB'", "'63MB'", "memory is `63MB`", size);
    check("memory = 256", "256", "memory is `256`", size);
    check("memory = '11GB'", "'11GB'", "memory is `11GB`", size);
    check("timeout = '16m'", "'16m'", "timeout is `16m`", "It may be 1ms to 15m.");
    check("timeout = 3", "3", "timeout is `3`", "Write a whole number with its unit, such as 50ms, 29s, 5m or 1h.");
    check("idle-timeout = '25h'", "'25h'", "idle-timeout is `25h`", "It may be 1ms to 24h.");
    check("concurrency = 0", "0", "concurrency is `0`", "It may be 1 to 1000.");
    check("concurrency = 1001", "1001", "concurrency is `1001`", "It may be 1 to 1000.");
    check(
        "warm = 7",
        "7",
        "warm is `7`",
        "At most 6 processes run, and so many are kept at most: raise `concurrency`.",
    );
    check("log = ''", "''", "log is ``", "Write a file's path, or - for standard output.");
    check("runtime = 'nodejs22'", "'nodejs22'", "runtime is `nodejs22`", "Did you mean `nodejs22.x`?");
    check("runtime = 'pyton3'", "'pyton3'", "runtime is `pyton3`", "Did you mean `python3`?");
    for name in ["java21", "python2.7"] {
        check(
            &format!("runtime = '{name}'"),
            &format!("'{name}'"),
            &format!("runtime is `{name}`"),
            "Known are python3 and python3.N, node and nodejsN.x, and provided and provided.al2023, which is any other with a `bootstrap`.",
        );
    }
    let reserved = "Its value is said by the runtime: leave it out.";
    for name in ["AWS_LAMBDA_RUNTIME_API", "_HANDLER", "LAMBDA_TASK_ROOT"] {
        let found = format!("`{name}` is no name for the environment of `a`");
        check(&format!("environment = {{ {name} = 'x' }}"), "'x'", &found, reserved);
    }
    check(
        "environment = { 'a-b' = 'x' }",
        "'x'",
        "`a-b` is no name for the environment of `a`",
        "A name begins with a letter and has letters, digits and _.",
    );
    check(
        "environment = { A = \"\\u0000\" }",
        "\"\\u0000\"",
        "`A` of `a` has a null character",
        "No environment can carry it.",
    );
    check("environment = { A = [] }", "[]", "`A` is an array here", "Write a text.");
    let long = format!("environment = {{ A = '{}' }}", "x".repeat(FUNCTION_ENVIRONMENT_BYTES_MAX));
    check(
        &long,
        "[[functions]]",
        "the environment of `a` has 4097 bytes",
        "Lambda allows 4096: put the rest into a file of its code.",
    );
    let told = "Say the handler as FILE.NAME, where FILE.py, FILE.js, FILE.mjs or FILE.cjs is in its code, or what runs it with `runtime`.";
    let dir =
        |rest: &str, at: &str, found: &str, help: &str| folder.refused(&format!("name = 'a'\n{rest}"), at, found, help);
    dir("dir = 'empty'", "'empty'", "the function `a` has no `bootstrap` and no handler", told);
    dir(
        "dir = 'fn.zip'\nhandler = 'app.handler'",
        "'fn.zip'",
        "the function `a` has no `bootstrap` and no file for `app.handler`",
        told,
    );
    dir(
        "dir = 'py'\nruntime = 'python3'",
        "[[functions]]",
        "the function `a` has no handler",
        "Add `handler = \"app.handler\"`: its file and what is called there.",
    );
    let named = "Name the folder or the zip file with the function's code.";
    dir(
        "dir = 'py/app.py'",
        "'py/app.py'",
        "the function `a`: DIR/py/app.py is neither a folder nor a zip file",
        named,
    );
    dir(
        "dir = 'nowhere'\nhandler = 'a.b'",
        "'nowhere'",
        "the function `a`: DIR/nowhere cannot be read: No such file or directory (os error 2)",
        named,
    );
    for handler in ["", "/app.handler", "../app.handler", "a b"] {
        dir(
            &format!("dir = 'py'\nhandler = '{handler}'"),
            &format!("'{handler}'"),
            &format!("handler is `{handler}`"),
            HANDLER,
        );
    }
    dir(
        "dir = 'own'\nruntime = 'provided.al2'\nhandlr = 'x'",
        "handlr",
        "`handlr` is not a key of [[functions]]",
        "Did you mean `handler`?",
    );
}

#[test]
fn an_environment_is_not_shown_beside_a_mistake() {
    let text = "[[functions]]\nenvironment = { DB = 'hush' }\n[functions.environment]\nKEY = 'hush'\n[x]\n";
    assert!(!secret::masked(text).contains("hush"));
    let raw = file::read(Path::new("weir.toml"), "[[functions]]\nenvironment = { DB = 'hush' }").expect("good");
    assert!(!format!("{raw:?}").contains("hush"));
}

#[test]
fn a_functions_environment_is_not_shown() {
    let folder = code();
    let local = folder.local(&format!("[[functions]]\nname = 'orders'\nenvironment = {{ DB = 'hush' }}\n{PYTHON}"));
    let shown = format!("{local:?}");
    assert!(shown.contains("\"DB\"") && !shown.contains("hush"), "{shown}");
}
