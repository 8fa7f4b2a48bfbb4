//! `[[functions]]` of `weir.toml`, and what `--function` says, to [`RawFunction`].

use super::super::file::{Reader, Value, text_of};
use super::super::raw::{RawFunction, Said};
use super::super::secret::Secret;
use super::super::words::Parsed;

const KEYS: [&str; 13] = [
    "name",
    "dir",
    "handler",
    "runtime",
    "environment",
    "memory",
    "timeout",
    "concurrency",
    "warm",
    "idle-timeout",
    "log",
    "url",
    "aws",
];

impl Reader<'_> {
    pub(in super::super) fn functions(&mut self, value: &Value<'_>) {
        let wanted = "[[functions]] tables with `name` and `dir`, `url` or `aws`";
        for (item, table) in self.tables("functions", value, wanted) {
            let mut function = RawFunction { written: Some(self.place(item.span())), ..RawFunction::default() };
            for (name, value) in table {
                let known = KEYS.iter().find(|key| name.get_ref() == **key);
                match (known, text_of(value.get_ref())) {
                    (Some(&"environment"), _) => self.environment(&mut function, value),
                    (Some(&key @ ("dir" | "log")), Some(text)) if !text.is_empty() && text != "-" => {
                        let path = self.beside(&text);
                        function.said.insert(key, self.said(&path, value));
                    }
                    (Some(key), Some(text)) => drop(function.said.insert(key, self.said(&text, value))),
                    (Some(key), None) => self.wrong_type(key, value, "one text or number"),
                    (None, _) => self.unknown(name, "a key of [[functions]]", KEYS),
                }
            }
            self.raw.functions.push(function);
        }
    }

    fn environment(&mut self, function: &mut RawFunction, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type(
                "environment",
                value,
                "a table of names and values, such as { TABLE = \"orders\" }",
            );
        };
        for (name, value) in table {
            match text_of(value.get_ref()) {
                Some(text) => {
                    let by = self.said(name.get_ref(), value).by;
                    let name = Said { text: name.get_ref().to_string(), by };
                    function.environment.push((name, Secret::new(text)));
                }
                None => self.wrong_type(name.get_ref(), value, "a text"),
            }
        }
    }
}

/// `NAME=DIR[:HANDLER]`
pub(super) fn of_flag(said: &Said) -> Parsed<RawFunction> {
    let wanted = "Write NAME=DIR:HANDLER, such as orders=functions/orders:app.handler; a `bootstrap` needs no handler.";
    let (name, rest) = said.text.split_once('=').ok_or(wanted)?;
    let (dir, handler) = match rest.rsplit_once(':') {
        Some((dir, handler)) => (dir, Some(handler)),
        None => (rest, None),
    };
    let mut function = RawFunction::default();
    for (key, text) in [("name", Some(name)), ("dir", Some(dir)), ("handler", handler)] {
        let part = text.map(|text| Said { text: text.to_owned(), by: said.by.clone() });
        function.said.extend(part.map(|part| (key, part)));
    }
    Ok(function)
}
