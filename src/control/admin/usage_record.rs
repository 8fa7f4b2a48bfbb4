//! One line of a usage export, as CSV or JSON.
//!
//! The CSV is RFC 4180's, and data for programs: a name that a spreadsheet would take for a formula stands there as it is,
//! because a bill must name what it charges as it is called.

use serde::Serialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Csv,
    Json,
}

/// What one key has used of one plan in one stage on one day. The members are the columns, in their order.
#[derive(Serialize)]
pub struct Record<'r> {
    pub plan: &'r str,
    pub plan_name: &'r str,
    pub key: &'r str,
    pub key_name: &'r str,
    pub api: &'r str,
    pub api_name: &'r str,
    pub stage: &'r str,
    pub day: &'r str,
    pub requests: u64,
}

impl Format {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            // RFC 4180 section 3.
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }

    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "usage.csv",
            Self::Json => "usage.json",
        }
    }

    /// What stands before the first record.
    pub fn head(self) -> &'static [u8] {
        match self {
            Self::Csv => b"plan,plan_name,key,key_name,api,api_name,stage,day,requests\r\n",
            Self::Json => b"[",
        }
    }

    /// What stands behind the last one.
    pub fn tail(self, is_empty: bool) -> &'static [u8] {
        match (self, is_empty) {
            (Self::Csv, _) => b"",
            (Self::Json, true) => b"]\n",
            (Self::Json, false) => b"\n]\n",
        }
    }
}

/// Appends a record. Each has a line of its own in JSON too.
pub fn written(format: Format, out: &mut Vec<u8>, record: &Record<'_>, is_first: bool) {
    match format {
        Format::Csv => csv(out, record),
        Format::Json => {
            out.extend_from_slice(if is_first { b"\n" } else { b",\n" });
            // Texts and a number into memory: nothing of it can fail.
            let _ = serde_json::to_writer(out, record);
        }
    }
}

fn csv(out: &mut Vec<u8>, record: &Record<'_>) {
    let Record { plan, plan_name, key, key_name, api, api_name, stage, day, requests } = record;
    for text in [plan, plan_name, key, key_name, api, api_name, stage, day] {
        field(out, text);
        out.push(b',');
    }
    out.extend_from_slice(requests.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 4180 section 2: what has a comma, a quote or a line break stands in quotes, and a quote in it twice.
fn field(out: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\r', '\n']) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let check = |text: &str, expected: &str| {
            let mut out = Vec::new();
            field(&mut out, text);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        };
        check("", "");
        check("plain text; é", "plain text; é");
        check("a,b", "\"a,b\"");
        check("say \"hi\"", "\"say \"\"hi\"\"\"");
        check("two\r\nlines", "\"two\r\nlines\"");
        check("\n", "\"\n\"");
        check("=1+1", "=1+1");
    }

    #[test]
    fn the_columns_are_the_members() {
        let record = Record {
            plan: "1",
            plan_name: "2",
            key: "3",
            key_name: "4",
            api: "5",
            api_name: "6",
            stage: "7",
            day: "8",
            requests: 9,
        };
        let mut lines = Format::Csv.head().to_vec();
        written(Format::Csv, &mut lines, &record, true);
        let text = String::from_utf8(lines).expect("text");
        let [head, line] = text.trim_end().split("\r\n").collect::<Vec<_>>().try_into().expect("two lines");
        assert_eq!(line, "1,2,3,4,5,6,7,8,9");
        let object = serde_json::to_value(&record).expect("an object");
        let names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(head.split(',').collect::<Vec<_>>(), names);
    }
}
