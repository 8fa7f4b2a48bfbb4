//! API keys from a CSV document (RFC 4180), as `import-api-keys` takes them.
//!
//! Column names are read in any case and order; columns that nobody knows are skipped. Beyond the RFC, AWS lets the list
//! of usage plans stand in single quotes as well.

use crate::settings::limits::{API_KEY_CSV_COLUMNS_MAX, API_KEYS_MAX};

/// One key as it stands in the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvKey {
    /// Where its record begins, counted from 1.
    pub line: usize,
    pub name: String,
    pub key: String,
    pub description: String,
    pub enabled: bool,
    pub usage_plan_ids: Vec<String>,
}

/// What is wrong with a document as a whole: nothing of it can be trusted then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvFault {
    pub line: usize,
    pub what: &'static str,
}

pub fn read(document: &[u8]) -> Result<Vec<CsvKey>, CsvFault> {
    let text = std::str::from_utf8(document).map_err(|_| CsvFault { line: 1, what: "the document is not UTF-8" })?;
    let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, single_quoted: None };
    let Some((_, header)) = records.next()? else {
        return Err(CsvFault { line: 1, what: "the document is empty" });
    };
    let column = |name: &str| header.iter().position(|found| found.trim().eq_ignore_ascii_case(name));
    let (Some(name), Some(key)) = (column("name"), column("key")) else {
        return Err(CsvFault { line: 1, what: "the header has no columns 'name' and 'key'" });
    };
    let (description, enabled, plans) = (column("description"), column("enabled"), column("usageplanIds"));
    records.single_quoted = plans;
    let mut keys = Vec::new();
    while let Some((line, record)) = records.next()? {
        if record.iter().all(String::is_empty) {
            continue;
        }
        if keys.len() == API_KEYS_MAX {
            return Err(CsvFault { line, what: "there are more keys than an account may have" });
        }
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).map_or("", |field| field.trim());
        let ids = field(plans).split(',').map(str::trim).filter(|id| !id.is_empty());
        keys.push(CsvKey {
            line,
            name: field(Some(name)).to_owned(),
            key: field(Some(key)).to_owned(),
            description: field(description).to_owned(),
            enabled: field(enabled).is_empty() || field(enabled).eq_ignore_ascii_case("true"),
            usage_plan_ids: ids.map(str::to_owned).collect(),
        });
    }
    Ok(keys)
}

struct Records<'t> {
    rest: &'t str,
    line: usize,
    /// The column whose fields may stand in single quotes.
    single_quoted: Option<usize>,
}

impl Records<'_> {
    /// The next record with the line on which it begins.
    fn next(&mut self) -> Result<Option<(usize, Vec<String>)>, CsvFault> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            if fields.len() == API_KEY_CSV_COLUMNS_MAX {
                return Err(self.fault("a record has too many fields"));
            }
            let field = match self.rest.chars().next() {
                Some('"') => self.quoted('"')?,
                Some('\'') if self.single_quoted == Some(fields.len()) => self.quoted('\'')?,
                _ => self.bare(),
            };
            fields.push(field);
            let ended = match self.rest.as_bytes() {
                [b',', ..] => {
                    self.rest = &self.rest[1..];
                    false
                }
                [b'\r', b'\n', ..] => {
                    self.rest = &self.rest[2..];
                    true
                }
                [b'\r' | b'\n', ..] => {
                    self.rest = &self.rest[1..];
                    true
                }
                [] => true,
                _ => return Err(self.fault("a quoted field goes on behind its quote")),
            };
            if ended {
                self.line += 1;
                return Ok(Some((line, fields)));
            }
        }
    }

    fn bare(&mut self) -> String {
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest;
        field.to_owned()
    }

    /// A field in quotes, where two quotes are one.
    fn quoted(&mut self, quote: char) -> Result<String, CsvFault> {
        let mut field = String::new();
        self.rest = &self.rest[1..];
        loop {
            let Some(end) = self.rest.find(quote) else { return Err(self.fault("a quote is not closed")) };
            let (part, rest) = (&self.rest[..end], &self.rest[end + 1..]);
            self.line += part.bytes().filter(|&byte| byte == b'\n').count();
            field.push_str(part);
            match rest.strip_prefix(quote) {
                Some(more) => {
                    field.push(quote);
                    self.rest = more;
                }
                None => {
                    self.rest = rest;
                    return Ok(field);
                }
            }
        }
    }

    fn fault(&self, what: &'static str) -> CsvFault {
        CsvFault { line: self.line, what }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(document: &str, expected: &[(&str, &str, &str, bool, &[&str])]) {
        let keys = read(document.as_bytes()).expect("a document");
        let found: Vec<_> = keys
            .iter()
            .map(|key| {
                let plans: Vec<&str> = key.usage_plan_ids.iter().map(String::as_str).collect();
                (key.name.as_str(), key.key.as_str(), key.description.as_str(), key.enabled, plans)
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(a, b, c, d, e)| (*a, *b, *c, *d, e.to_vec())).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn refused(document: &[u8], line: usize, what: &str) {
        let fault = read(document).expect_err("no document");
        assert_eq!((fault.line, fault.what), (line, what));
    }

    #[test]
    fn the_documents_of_the_guide() {
        check(
            "Key,name\napikey1234abcdefghij0123456789,First\n",
            &[("First", "apikey1234abcdefghij0123456789", "", true, &[])],
        );
        let document = "Name,key,description,Enabled,usageplanIds\nFirst,k,An imported key,TRUE,c7y23b\n";
        check(document, &[("First", "k", "An imported key", true, &["c7y23b"])]);
        let document = "Enabled,Name,key,UsageplanIds\ntrue,First,k,\"c7y23b,glvrsr\"";
        check(document, &[("First", "k", "", true, &["c7y23b", "glvrsr"])]);
        let document = "usageplanids,NAME,KEY,who\r\n'a, b',x,k,me\r\n\r\n,'y,k2,\r\n";
        check(document, &[("x", "k", "", true, &["a", "b"]), ("'y", "k2", "", true, &[])]);
    }

    #[test]
    fn quotes_and_defaults() {
        let document = "\u{feff}name,key,enabled,description\n\"a \"\"b\"\"\",k,no,\"two\nlines\"\nc,d";
        check(document, &[("a \"b\"", "k", "two\nlines", false, &[]), ("c", "d", "", true, &[])]);
        let keys = read(document.as_bytes()).expect("a document");
        assert_eq!(keys.iter().map(|key| key.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn what_is_no_document() {
        refused(b"", 1, "the document is empty");
        refused(b"name,value\na,b", 1, "the header has no columns 'name' and 'key'");
        refused(b"name,key\n\"a,b", 2, "a quote is not closed");
        refused(b"name,key\n\"a\"x,b", 2, "a quoted field goes on behind its quote");
        refused(b"\xff", 1, "the document is not UTF-8");
        refused(&[b','; API_KEY_CSV_COLUMNS_MAX], 1, "a record has too many fields");
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(rows in vec((any::<String>(), any::<String>()), 0..6), line_end in "\r?\n") {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let mut document = format!("key,name{line_end}");
            for (key, name) in &rows {
                document += &format!("{},{}{line_end}", quoted(key), quoted(name));
            }
            let expected: Vec<_> = rows
                .iter()
                .filter(|(key, name)| !(key.is_empty() && name.is_empty()))
                .map(|(key, name)| (key.trim().to_owned(), name.trim().to_owned()))
                .collect();
            let read = read(document.as_bytes()).expect("a document");
            prop_assert_eq!(read.into_iter().map(|key| (key.key, key.name)).collect::<Vec<_>>(), expected);
        }

        /// Whatever is sent is read or refused, and no record is lost: none begins before another.
        #[test]
        fn anything_is_read_or_refused(tail in "[nameky,'\"\r\n é]{0,80}", bytes in vec(any::<u8>(), 0..80)) {
            let _ = read(&bytes);
            if let Ok(keys) = read(format!("name,key,usageplanIds\n{tail}").as_bytes()) {
                prop_assert!(keys.is_sorted_by(|a, b| a.line < b.line));
                prop_assert!(keys.len() <= tail.len());
            }
        }
    }
}
