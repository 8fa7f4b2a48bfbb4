//! [`RawFunction`] to [`Function`]: where each lives, and what those that live here run with.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::check::Checker;
use super::super::endpoint::endpoint_and_path;
use super::super::file::closest;
use super::super::limits::{
    DURATION_LARGEST, FUNCTION_CONCURRENCY_MAX, FUNCTION_ENVIRONMENT_BYTES_MAX, FUNCTION_HANDLER_CHARS_MAX,
    FUNCTION_IDLE_TIMEOUT, FUNCTION_MEMORY_BYTES_DEFAULT, FUNCTION_MEMORY_BYTES_MAX, FUNCTION_MEMORY_BYTES_MIN,
    FUNCTION_NAME_CHARS_MAX, FUNCTION_PROCESSES_A_CORE, FUNCTION_QUALIFIER_CHARS_MAX, FUNCTION_TIMEOUT_DEFAULT,
    FUNCTION_TIMEOUT_MAX, FUNCTIONS_MAX,
};
use super::super::raw::{By, Key, RawFunction, Said};
use super::super::words::{self, Parsed};
use super::code::Code;
use super::read::of_flag;
use super::{Function, FunctionLog, FunctionPlace, FunctionRuntime, LocalFunction};

const CODE: &str = "settings::functions";
const PLACES: [&str; 3] = ["dir", "url", "aws"];
/// What only functions of this machine have, beside their environment.
const LOCAL: [&str; 8] = ["handler", "runtime", "memory", "timeout", "concurrency", "warm", "idle-timeout", "log"];
const RUNTIMES: [&str; 8] =
    ["python3", "python3.12", "python3.13", "node", "nodejs22.x", "nodejs24.x", "provided", "provided.al2023"];
/// What Weir, as Lambda, says to a function itself.
const RESERVED: [&str; 4] = ["_X_AMZN_TRACE_ID", "AWS_EXECUTION_ENV", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"];

impl Checker<'_> {
    /// Flags before variables before the file: the first that a name meets holds.
    pub(in super::super) fn functions(&mut self, cores: NonZeroUsize) -> Vec<Function> {
        let raw = self.raw;
        let mut flags = Vec::new();
        let mut said = raw.layered(Key::Function);
        said.sort_by(|a, b| b.by.cmp(&a.by));
        for said in said {
            flags.extend(self.parse(Key::Function, said, |_| of_flag(said)));
        }
        let count = flags.len() + raw.functions.len();
        if count > FUNCTIONS_MAX {
            let help = format!("{FUNCTIONS_MAX} are the most: use patterns of names.");
            self.mistake(CODE, None, format!("{count} functions are given"), help);
            return Vec::new();
        }
        let mut by: HashMap<String, Option<By>> = HashMap::new();
        let mut functions = Vec::new();
        for raw in flags.iter().chain(&raw.functions) {
            let Some(said) = raw.said.get("name") else {
                self.mistake(CODE, raw.written, "this function has no name".into(), "Add `name = \"orders\"`.");
                continue;
            };
            let Some(pattern) = self.part(raw, "name", pattern) else { continue };
            // The file's places differ, and are one layer.
            let layer = Some(said.by.clone()).filter(|by| !matches!(by, By::File(_)));
            match by.get(&pattern) {
                Some(earlier) if *earlier == layer => {
                    let found = format!("the function `{pattern}` is given twice");
                    self.mistake(CODE, said.written(), found, "The first one holds: leave the others out.");
                }
                // A flag is in the place of what the file says of the same name.
                Some(_) => {}
                None => {
                    by.insert(pattern.clone(), layer);
                    functions.extend(self.place_of(raw, &pattern, cores).map(|place| Function { pattern, place }));
                }
            }
        }
        functions
    }

    fn place_of(&mut self, raw: &RawFunction, name: &str, cores: NonZeroUsize) -> Option<FunctionPlace> {
        let given: Vec<&str> = PLACES.into_iter().filter(|place| raw.said.contains_key(place)).collect();
        match given[..] {
            ["dir"] => return self.local(raw, name, cores).map(|local| FunctionPlace::Local(Arc::new(local))),
            [_] => {}
            [] => {
                let help = "Add `dir = \"functions/orders\"`, `url = \"http://127.0.0.1:9001\"` or `aws = true`.";
                self.mistake(CODE, raw.written, format!("the function `{name}` is nowhere"), help);
                return None;
            }
            [first, second, ..] => {
                let found = format!("the function `{name}` has both {first} and {second}");
                self.mistake(CODE, raw.written, found, "Keep one of `dir`, `url` and `aws`.");
                return None;
            }
        }
        let alien = LOCAL.into_iter().filter_map(|key| Some((key, raw.said.get(key)?)));
        let alien = alien.chain(raw.environment.first().map(|(said, _)| ("environment", said)));
        for (key, said) in alien {
            let found = format!("the function `{name}` has {key}, and no dir");
            self.mistake(CODE, said.written(), found, "Leave it out: it is for functions that run on this machine.");
        }
        if raw.said.contains_key("url") {
            let (endpoint, path) = self.part(raw, "url", endpoint_and_path)?;
            return Some(FunctionPlace::Url { endpoint, path });
        }
        let aws = |text: &str| if text == "true" { Ok(()) } else { Err("Write true, or leave it out.".into()) };
        self.part(raw, "aws", aws).map(|()| FunctionPlace::Aws)
    }

    fn local(&mut self, raw: &RawFunction, name: &str, cores: NonZeroUsize) -> Option<LocalFunction> {
        let before = self.mistakes.len();
        if name.contains('*') {
            let found = format!("the function `{name}` is a pattern, and has a dir");
            let help = "Give each function of this machine an entry with its own name.";
            self.mistake(CODE, raw.said.get("name").and_then(Said::written), found, help);
        }
        let handler = self.part(raw, "handler", handler);
        let code = self.part(raw, "dir", |text| {
            if text.is_empty() { Err("Name a folder or a zip file.".into()) } else { Ok(PathBuf::from(text)) }
        });
        let runtime = self.runtime(raw, name, code.as_deref(), handler.as_deref());
        let environment = self.environment(raw, name);
        let one_ms = Duration::from_millis(1);
        let memory = self.part(raw, "memory", |text| {
            let (least, most) = (FUNCTION_MEMORY_BYTES_MIN, FUNCTION_MEMORY_BYTES_MAX);
            within(words::bytes(text)?, least, most, "64MB to 10GB")
        });
        let timeout = self
            .part(raw, "timeout", |text| within(words::duration(text)?, one_ms, FUNCTION_TIMEOUT_MAX, "1ms to 15m"));
        let idle = self
            .part(raw, "idle-timeout", |text| within(words::duration(text)?, one_ms, DURATION_LARGEST, "1ms to 24h"));
        let number = |text: &str, least: u64| {
            let most = FUNCTION_CONCURRENCY_MAX as u64;
            within(words::number(text)?, least, most, &format!("{least} to {most}")).map(|number| number as usize)
        };
        let concurrency = self.part(raw, "concurrency", |text| number(text, 1));
        let concurrency = concurrency
            .unwrap_or_else(|| cores.get().saturating_mul(FUNCTION_PROCESSES_A_CORE).min(FUNCTION_CONCURRENCY_MAX));
        let warm = self.part(raw, "warm", |text| match number(text, 0)? {
            warm if warm > concurrency => {
                Err(format!("At most {concurrency} processes run, and so many are kept at most: raise `concurrency`."))
            }
            warm => Ok(warm),
        });
        let log = self.part(raw, "log", log);
        if self.mistakes.len() > before {
            return None;
        }
        Some(LocalFunction {
            name: name.to_owned(),
            code: code?,
            handler,
            runtime: runtime?,
            environment,
            memory_bytes: memory.unwrap_or(FUNCTION_MEMORY_BYTES_DEFAULT),
            timeout: timeout.unwrap_or(FUNCTION_TIMEOUT_DEFAULT),
            concurrency,
            warm: warm.unwrap_or(1),
            idle_timeout: idle.unwrap_or(FUNCTION_IDLE_TIMEOUT),
            log: log.unwrap_or_default(),
        })
    }

    /// What is said, or what the code tells. It has to be there in either case: one that is not is a slip of the pen.
    fn runtime(
        &mut self,
        raw: &RawFunction,
        name: &str,
        code: Option<&Path>,
        handler: Option<&str>,
    ) -> Option<FunctionRuntime> {
        let said = self.part(raw, "runtime", runtime);
        let dir = raw.said.get("dir").and_then(Said::written);
        let code = Code::open(code?).map_err(|found| {
            let help = "Name the folder or the zip file with the function's code.";
            self.mistake(CODE, dir, format!("the function `{name}`: {found}"), help);
        });
        let code = code.ok()?;
        let is_broken = |key: &str, is_read: bool| raw.said.contains_key(key) && !is_read;
        if is_broken("runtime", said.is_some()) || is_broken("handler", handler.is_some()) {
            return None;
        }
        match said.or_else(|| code.runtime(handler)) {
            Some(runtime) if handler.is_none() && runtime != FunctionRuntime::Provided => {
                let found = format!("the function `{name}` has no handler");
                self.mistake(
                    CODE,
                    raw.written,
                    found,
                    "Add `handler = \"app.handler\"`: its file and what is called there.",
                );
                None
            }
            None => {
                let found = match handler {
                    Some(handler) => format!("the function `{name}` has no `bootstrap` and no file for `{handler}`"),
                    None => format!("the function `{name}` has no `bootstrap` and no handler"),
                };
                let help = "Say the handler as FILE.NAME, where FILE.py, FILE.js, FILE.mjs or FILE.cjs is in its code, or what runs it with `runtime`.";
                self.mistake(CODE, dir, found, help);
                None
            }
            runtime => runtime,
        }
    }

    fn environment(&mut self, raw: &RawFunction, name: &str) -> Vec<(String, String)> {
        let mut environment = Vec::new();
        for (said, value) in &raw.environment {
            let mut wrong = |found: String, help: String| self.mistake(CODE, said.written(), found, help);
            match environment_name(&said.text) {
                Err(help) => wrong(format!("`{}` is no name for the environment of `{name}`", said.text), help),
                // Its value stays unsaid: it may be a password.
                Ok(()) if value.reveal().contains('\0') => {
                    wrong(
                        format!("`{}` of `{name}` has a null character", said.text),
                        "No environment can carry it.".into(),
                    );
                }
                Ok(()) => environment.push((said.text.clone(), value.reveal().to_owned())),
            }
        }
        let bytes: usize = environment.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > FUNCTION_ENVIRONMENT_BYTES_MAX {
            let found = format!("the environment of `{name}` has {bytes} bytes");
            let help = format!("Lambda allows {FUNCTION_ENVIRONMENT_BYTES_MAX}: put the rest into a file of its code.");
            self.mistake(CODE, raw.written, found, help);
        }
        environment
    }

    /// One key of an entry, if it was said.
    fn part<T>(&mut self, raw: &RawFunction, key: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        let said = raw.said.get(key)?;
        let name = match said.by {
            By::File(_) => key.to_owned(),
            _ => format!("{key} of {}", said.name(Key::Function)),
        };
        self.checked(CODE, &name, said, parse)
    }
}

fn within<T: PartialOrd>(value: T, least: T, most: T, shown: &str) -> Parsed<T> {
    if least <= value && value <= most { Ok(value) } else { Err(format!("It may be {shown}.")) }
}

/// `orders`, `orders:prod`, `orders-*`, `*`
fn pattern(text: &str) -> Parsed<String> {
    let (name, qualifier) = text.split_once(':').map_or((text, None), |(name, qualifier)| (name, Some(qualifier)));
    let good = |part: &str, most: usize, more: &[u8]| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
        (1..=most).contains(&part.len()) && part.bytes().all(letter)
    };
    let is_good = good(name, FUNCTION_NAME_CHARS_MAX, b"-_*")
        && qualifier.is_none_or(|qualifier| good(qualifier, FUNCTION_QUALIFIER_CHARS_MAX, b"-_$*"));
    is_good.then(|| text.to_owned()).ok_or_else(|| {
        "Write a function's name, 1 to 64 of A-Z, a-z, 0-9, - and _, with :VERSION or :ALIAS where only that is meant; \
         * stands for any letters."
            .into()
    })
}

fn handler(text: &str) -> Parsed<String> {
    let good = (1..=FUNCTION_HANDLER_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
        && !text.starts_with('/')
        && !text.split('/').any(|part| part == "..");
    good.then(|| text.to_owned())
        .ok_or_else(|| "Write FILE.NAME, such as app.handler or src/app.handler, within the function's code.".into())
}

/// As Lambda names them, and the interpreters' own names. Node's are all called `node`.
fn runtime(text: &str) -> Parsed<FunctionRuntime> {
    let digits = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(version) = text.strip_prefix("python") {
        if version == "3" || version.strip_prefix("3.").is_some_and(digits) {
            return Ok(FunctionRuntime::Python(text.to_owned()));
        }
    } else if text == "node" || text.strip_prefix("nodejs").and_then(|it| it.strip_suffix(".x")).is_some_and(digits) {
        return Ok(FunctionRuntime::Node("node".into()));
    } else if ["provided", "provided.al2", "provided.al2023"].contains(&text) {
        return Ok(FunctionRuntime::Provided);
    }
    Err(match closest(text, &RUNTIMES) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "Known are python3 and python3.N, node and nodejsN.x, and provided and provided.al2023, which is any \
                 other with a `bootstrap`."
            .into(),
    })
}

fn environment_name(text: &str) -> Parsed<()> {
    let is_reserved = RESERVED.contains(&text) || text == "_HANDLER" || text.starts_with("AWS_LAMBDA_");
    if is_reserved {
        return Err("Its value is said by the runtime: leave it out.".into());
    }
    let mut letters = text.bytes();
    let good = letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then_some(()).ok_or_else(|| "A name begins with a letter and has letters, digits and _.".into())
}

fn log(text: &str) -> Parsed<FunctionLog> {
    match text {
        "" => Err("Write a file's path, or - for standard output.".into()),
        "-" => Ok(FunctionLog::Stdout),
        path => Ok(FunctionLog::File(path.into())),
    }
}
