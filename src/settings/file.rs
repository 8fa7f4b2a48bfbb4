//! `weir.toml`, and the file of principals, to [`Raw`]: every value with its place.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::limits::GUESSED_NAME_BYTES_MAX;
use super::raw::{By, KEYS, Key, Mistake, Raw, RawIam, RawMethodSetting, Said, SettingsFile, Times, Written};

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Tables of `weir.toml` that are no [`Key`].
const TABLES: [&str; 5] = ["admin-credentials", "iam", "method-settings", "user-pools", "vpc-endpoints"];

/// Reads the text of `path`. Relative paths in it start at the file's own folder.
pub fn read(path: &Path, text: &str) -> Result<Raw, Vec<Mistake>> {
    let mut reader = Reader::new(path, SettingsFile::Config);
    reader.raw.config = Some(path.to_path_buf());
    let table = parse(text, "weir.toml", SettingsFile::Config)?;
    reader.table(table.get_ref());
    reader.done()
}

/// The same of a file of principals: what `[iam]` says of principals and groups stands at its top level.
pub fn read_principals(path: &Path, text: &str) -> Result<RawIam, Vec<Mistake>> {
    let mut reader = Reader::new(path, SettingsFile::Principals);
    let table = parse(text, "the file of principals", SettingsFile::Principals)?;
    reader.principals_file(table.get_ref());
    reader.done().map(|raw| raw.iam)
}

fn parse<'t>(text: &'t str, named: &str, file: SettingsFile) -> Result<Spanned<DeTable<'t>>, Vec<Mistake>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table);
    }
    Err(errors
        .iter()
        .map(|error| Mistake {
            code: "settings::toml",
            written: error.span().map(|span| file.at(span)),
            found: format!("{named} is not TOML here: {}", error.message().replace('\n', ", ")),
            help: "See https://toml.io for how it is written.".into(),
        })
        .collect())
}

pub(super) struct Reader<'f> {
    folder: &'f Path,
    file: SettingsFile,
    pub(super) raw: Raw,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'f> Reader<'f> {
    fn new(path: &'f Path, file: SettingsFile) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        Self { folder, file, raw: Raw::default(), mistakes: Vec::new() }
    }

    fn done(self) -> Result<Raw, Vec<Mistake>> {
        if self.mistakes.is_empty() { Ok(self.raw) } else { Err(self.mistakes) }
    }

    fn table(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            match (name.get_ref().as_ref(), KEYS.iter().find(|row| row.in_file == name.get_ref().as_ref())) {
                ("method-settings", _) => self.method_settings(None, value),
                ("admin-credentials", _) => self.credentials(value),
                ("iam", _) => self.iam(value),
                ("vpc-endpoints", _) => self.vpc_endpoints(value),
                ("user-pools", _) => self.user_pools(value),
                ("admin", _) if value.get_ref().is_table() => self.admin(value),
                (_, None) => {
                    let known = KEYS.iter().map(|row| row.in_file).chain(TABLES);
                    self.unknown(name, "a setting", known);
                }
                (_, Some(row)) => match (row.key, row.times) {
                    (Key::Api, _) => self.apis(value),
                    (Key::StageVariable, _) => self.stage_variables(value),
                    (Key::Upstream, _) => self.upstreams(value),
                    (Key::Function, _) => self.functions(value),
                    (Key::AwsEndpoint, _) => self.aws(value),
                    (key, Times::Commas) => self.several(key, value),
                    (key, times) => self.single(key, times, value),
                },
            }
        }
    }

    fn single(&mut self, key: Key, times: Times, value: &Value<'_>) {
        let text = match (times, value.get_ref()) {
            (Times::Switch, DeValue::Boolean(switch)) => Some(switch.to_string()),
            (Times::Switch, _) => return self.wrong_type(key.row().in_file, value, "true or false"),
            (_, other) => text_of(other),
        };
        match text {
            Some(text) => self.say(key, text, value),
            None => self.wrong_type(key.row().in_file, value, "one text or number"),
        }
    }

    fn several(&mut self, key: Key, value: &Value<'_>) {
        for item in one_or_many(value) {
            match item.get_ref().as_str() {
                Some(text) => self.say(key, text.to_owned(), item),
                None => self.wrong_type(key.row().in_file, item, "a text, or an array of texts"),
            }
        }
    }

    /// One text, or an array of them, that is no [`Key`].
    pub(super) fn texts(&mut self, name: &str, value: &Value<'_>) -> Vec<Said> {
        let mut texts = Vec::new();
        for item in one_or_many(value) {
            match item.get_ref().as_str() {
                Some(text) => texts.push(self.said(text, item)),
                None => self.wrong_type(name, item, "a text, or an array of texts"),
            }
        }
        texts
    }

    /// The tables of an array of tables; what is none is told.
    pub(super) fn tables<'v, 'a>(
        &mut self,
        name: &str,
        value: &'v Value<'a>,
        wanted: &str,
    ) -> Vec<(&'v Value<'a>, &'v DeTable<'a>)> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(name, value, wanted);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(table) => tables.push((item, table)),
                None => self.wrong_type(name, item, wanted),
            }
        }
        tables
    }

    pub(super) fn said(&self, text: &str, value: &Value<'_>) -> Said {
        Said { text: text.to_owned(), by: By::File(self.place(value.span())) }
    }

    pub(super) fn place(&self, range: Range<usize>) -> Written {
        self.file.at(range)
    }

    fn apis(&mut self, value: &Value<'_>) {
        let Some(array) = value.get_ref().as_array() else {
            return self.wrong_type("apis", value, "[[apis]] tables with `file` and, if it has one, `base-path`");
        };
        for item in array {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong_type("apis", item, "a table with `file` and, if it has one, `base-path`");
                continue;
            };
            let (mut base_path, mut file, mut settings) = (String::new(), None, None);
            for (name, value) in table {
                match (name.get_ref().as_ref(), value.get_ref().as_str()) {
                    ("base-path", Some(text)) => base_path = text.to_owned(),
                    ("file", Some(text)) => file = Some((text.to_owned(), value)),
                    ("method-settings", _) => settings = Some(value),
                    (name @ ("base-path" | "file"), None) => self.wrong_type(name, value, "a text"),
                    _ => self.unknown(name, "a key of [[apis]]", ["base-path", "file", "method-settings"]),
                }
            }
            match file {
                Some((file, at)) => {
                    let path = self.beside(&file);
                    self.say(Key::Api, format!("{base_path}={path}"), at);
                }
                None => self.mistake(item, "these [[apis]] have no file", "Add `file = \"petstore.yaml\"`."),
            }
            if let Some(settings) = settings {
                self.method_settings(Some(base_path), settings);
            }
        }
    }

    fn stage_variables(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("stage-variables", value, "a table of names and values");
        };
        for (name, value) in table {
            match text_of(value.get_ref()) {
                Some(text) => self.say(Key::StageVariable, format!("{}={text}", name.get_ref()), value),
                None => self.wrong_type(name.get_ref(), value, "a text"),
            }
        }
    }

    fn upstreams(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("upstreams", value, "tables such as [upstreams.\"pets.internal:8080\"]");
        };
        for (authority, value) in table {
            let Some(table) = value.get_ref().as_table() else {
                self.wrong_type(authority.get_ref(), value, "a table with `addresses`");
                continue;
            };
            let mut addresses = None;
            for (name, value) in table {
                match (name.get_ref().as_ref(), value.get_ref().as_array()) {
                    ("addresses", Some(array)) => {
                        let texts: Option<Vec<&str>> = array.iter().map(|item| item.get_ref().as_str()).collect();
                        match texts {
                            Some(texts) => addresses = Some((texts.join(","), value)),
                            None => self.wrong_type("addresses", value, "an array of texts"),
                        }
                    }
                    ("addresses", None) => self.wrong_type("addresses", value, "an array of texts"),
                    _ => self.unknown(name, "a key of [upstreams]", ["addresses"]),
                }
            }
            if let Some((addresses, at)) = addresses {
                self.say(Key::Upstream, format!("{}={addresses}", authority.get_ref()), at);
            } else if table.is_empty() {
                self.mistake(value, "this upstream has no addresses", "Add `addresses = [\"10.0.0.7:8080\"]`.");
            }
        }
    }

    fn method_settings(&mut self, api: Option<String>, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("method-settings", value, "tables such as [method-settings.\"/pets/GET\"]");
        };
        for (pattern, value) in table {
            let Some(table) = value.get_ref().as_table() else {
                self.wrong_type(pattern.get_ref(), value, "a table with `rate`, `burst` or `logging`");
                continue;
            };
            let mut setting = RawMethodSetting {
                api: api.clone(),
                pattern: pattern.get_ref().to_string(),
                written: Some(self.place(pattern.span())),
                ..RawMethodSetting::default()
            };
            for (name, value) in table {
                let said = text_of(value.get_ref()).map(|text| self.said(&text, value));
                match name.get_ref().as_ref() {
                    "rate" => setting.rate = said,
                    "burst" => setting.burst = said,
                    "logging" => setting.logging = said,
                    _ => self.unknown(name, "a key of [method-settings]", ["rate", "burst", "logging"]),
                }
            }
            self.raw.method_settings.push(setting);
        }
    }

    pub(super) fn say(&mut self, key: Key, text: String, value: &Value<'_>) {
        let text = match key {
            Key::TlsRoot | Key::Data | Key::PrincipalsFile | Key::DevIdentity => self.beside(&text),
            Key::AccessLog if text != "-" => self.beside(&text),
            Key::AuditLog if text != "-" && text != "off" => self.beside(&text),
            _ => text,
        };
        self.raw.say(key, text, By::File(self.place(value.span())));
    }

    pub(super) fn beside(&self, path: &str) -> String {
        self.folder.join(path).to_string_lossy().into_owned()
    }

    pub(super) fn unknown(
        &mut self,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        what: &str,
        known: impl IntoIterator<Item = &'static str>,
    ) {
        let written = name.get_ref().as_ref();
        let known: Vec<_> = known.into_iter().collect();
        let help = match closest(written, &known) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("Known are {}.", known.join(", ")),
        };
        self.mistakes.push(Mistake {
            code: "settings::unknown",
            written: Some(self.place(name.span())),
            found: format!("`{written}` is not {what}"),
            help,
        });
    }

    pub(super) fn wrong_type(&mut self, name: &str, value: &Value<'_>, wanted: &str) {
        let found = format!("`{name}` is {} here", article(value.get_ref().type_str()));
        self.mistakes.push(Mistake {
            code: "settings::type",
            written: Some(self.place(value.span())),
            found,
            help: format!("Write {wanted}."),
        });
    }

    fn mistake(&mut self, value: &Value<'_>, found: &str, help: &str) {
        self.mistakes.push(Mistake {
            code: "settings::missing",
            written: Some(self.place(value.span())),
            found: found.into(),
            help: help.into(),
        });
    }
}

fn one_or_many<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
    value.get_ref().as_array().map_or(std::slice::from_ref(value), |array| &array[..])
}

/// A scalar as it would stand in a flag.
pub(super) fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        _ => None,
    }
}

fn article(noun: &str) -> String {
    let a = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{a} {noun}")
}

/// The known name that a person most likely meant: at most a third of its letters differ.
pub(super) fn closest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    if written.len() > GUESSED_NAME_BYTES_MAX {
        return None;
    }
    let written = written.replace('_', "-").to_lowercase();
    known
        .iter()
        .map(|&name| (distance(&written, name), name))
        .min()
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .map(|(_, name)| name)
}

/// Levenshtein's distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, at: &str, found: &str, help: &str) {
        let mistakes = read(Path::new("/etc/weir/weir.toml"), text).expect_err("a mistake");
        let Some(written) = mistakes[0].written else { panic!("no place") };
        assert_eq!(&text[written.offset..written.offset + written.length], at);
        assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help));
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    }

    #[test]
    fn what_is_not_known_or_of_another_kind_is_refused_where_it_stands() {
        refused("workers = 2\nlistn = \"x\"", "listn", "`listn` is not a setting", "Did you mean `listen`?");
        refused(
            "stage_variables = {}",
            "stage_variables",
            "`stage_variables` is not a setting",
            "Did you mean `stage-variables`?",
        );
        refused("lenient = 1", "1", "`lenient` is an integer here", "Write true or false.");
        refused("listen = [1]", "1", "`listen` is an integer here", "Write a text, or an array of texts.");
        refused("[[apis]]\nfil = 'x'\nfile = 'y'", "fil", "`fil` is not a key of [[apis]]", "Did you mean `file`?");
        refused(
            "[upstreams.x]\nport = 1\naddresses=[]",
            "port",
            "`port` is not a key of [upstreams]",
            "Known are addresses.",
        );
        refused(
            "[method-settings.'*/*']\nrat = 1",
            "rat",
            "`rat` is not a key of [method-settings]",
            "Did you mean `rate`?",
        );
    }

    #[test]
    fn what_is_not_toml_is_refused_with_its_line() {
        let mistakes = read(Path::new("weir.toml"), "workers = 2\nstage = = 3\n").expect_err("a mistake");
        assert_eq!(mistakes[0].code, "settings::toml");
        assert!(mistakes[0].written.is_some_and(|written| written.offset >= 12), "{mistakes:?}");
    }

    #[test]
    fn paths_start_at_the_files_folder() {
        let text =
            "access-log = 'a.log'\ntls-roots = ['/abs.pem', 'rel.pem']\n[[apis]]\nfile = 'x.yaml'\nbase-path = 'v1'";
        let raw = read(Path::new("/etc/weir/weir.toml"), text).expect("good");
        let texts = |key| raw.uppermost(key).into_iter().map(|said| said.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts(Key::AccessLog), ["/etc/weir/a.log"]);
        assert_eq!(texts(Key::TlsRoot), ["/abs.pem", "/etc/weir/rel.pem"]);
        assert_eq!(texts(Key::Api), ["v1=/etc/weir/x.yaml"]);
    }
}
