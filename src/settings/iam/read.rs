//! `[iam]` of `weir.toml`, and the file of principals, to [`RawIam`](super::super::raw::RawIam).

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::file::{Reader, Value, text_of};
use super::super::raw::{Key, RawGroup, RawPermissions, RawPrincipal};
use super::super::secret::Secret;

type Name<'a> = Spanned<Cow<'a, str>>;

const IAM: [&str; 5] = ["principals-file", "mismatch-details", "unsigned-payload", "groups", "principals"];
const GROUP: [&str; 4] = ["name", "policy", "policy-file", "full-access"];
const PRINCIPAL: [&str; 13] = [
    "access-key",
    "secret-key",
    "session-token",
    "expires",
    "arn",
    "user-id",
    "org-id",
    "org-paths",
    "tags",
    "groups",
    "policy",
    "policy-file",
    "full-access",
];

impl Reader<'_> {
    pub(in super::super) fn iam(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("iam", value, "a table with `principals`, or with a `principals-file`");
        };
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("principals-file", DeValue::String(text)) => self.say(Key::PrincipalsFile, text.to_string(), value),
                ("principals-file", _) => self.wrong_type("principals-file", value, "a text"),
                ("mismatch-details", DeValue::Boolean(on)) => self.raw.iam.mismatch_details = Some(*on),
                ("unsigned-payload", DeValue::Boolean(on)) => self.raw.iam.unsigned_payload = Some(*on),
                (name @ ("mismatch-details" | "unsigned-payload"), _) => self.wrong_type(name, value, "true or false"),
                ("groups", _) => self.groups(value),
                ("principals", _) => self.principals(value),
                _ => self.unknown(name, "a key of [iam]", IAM),
            }
        }
    }

    pub(in super::super) fn principals_file(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "groups" => self.groups(value),
                "principals" => self.principals(value),
                _ => self.unknown(name, "a key of a file of principals", ["groups", "principals"]),
            }
        }
    }

    fn groups(&mut self, value: &Value<'_>) {
        for (item, table) in self.tables("groups", value, "tables with `name` and `policy`") {
            let mut group = RawGroup { written: Some(self.place(item.span())), ..RawGroup::default() };
            for (name, value) in table {
                match (name.get_ref().as_ref(), value.get_ref().as_str()) {
                    ("name", Some(text)) => group.name = Some(self.said(text, value)),
                    ("name", None) => self.wrong_type("name", value, "a text"),
                    ("policy" | "policy-file" | "full-access", _) => {
                        group.is_broken |= !self.permissions(&mut group.permissions, name, value);
                    }
                    _ => self.unknown(name, "a key of [[groups]]", GROUP),
                }
            }
            self.raw.iam.groups.push(group);
        }
    }

    fn principals(&mut self, value: &Value<'_>) {
        for (item, table) in self.tables("principals", value, "tables with `access-key` and `secret-key`") {
            let mut principal = RawPrincipal { written: Some(self.place(item.span())), ..RawPrincipal::default() };
            for (name, value) in table {
                self.principal(&mut principal, name, value);
            }
            self.raw.iam.principals.push(principal);
        }
    }

    fn principal(&mut self, principal: &mut RawPrincipal, name: &Name<'_>, value: &Value<'_>) {
        let text = value.get_ref().as_str();
        match (name.get_ref().as_ref(), text) {
            ("access-key", Some(text)) => principal.access_key = Some(self.said(text, value)),
            ("secret-key", Some(text)) => principal.secret_key = Some(Secret::new(text)),
            ("session-token", Some(text)) => principal.session_token = Some(Secret::new(text)),
            ("expires", _) => match value.get_ref() {
                DeValue::String(text) => principal.expires = Some(self.said(text, value)),
                // TOML has times of its own, without quotes.
                DeValue::Datetime(time) => principal.expires = Some(self.said(&time.to_string(), value)),
                _ => self.wrong_type("expires", value, "a time such as \"2026-12-01T00:00:00Z\""),
            },
            ("arn", Some(text)) => principal.arn = Some(self.said(text, value)),
            ("user-id", Some(text)) => principal.user_id = Some(self.said(text, value)),
            ("org-id", Some(text)) => principal.org_id = Some(self.said(text, value)),
            ("org-paths", _) => principal.org_paths = self.texts("org-paths", value),
            ("groups", _) => principal.groups = self.texts("groups", value),
            ("tags", _) => self.tags(principal, value),
            ("policy" | "policy-file" | "full-access", _) => {
                // What was wrong has been told, and nothing is missing: a principal needs no policy.
                self.permissions(&mut principal.permissions, name, value);
            }
            (name, None) if PRINCIPAL.contains(&name) => self.wrong_type(name, value, "a text"),
            _ => self.unknown(name, "a key of [[principals]]", PRINCIPAL),
        }
    }

    fn tags(&mut self, principal: &mut RawPrincipal, value: &Value<'_>) {
        let wanted = "a table of names and texts, such as { team = \"blue\" }";
        let Some(table) = value.get_ref().as_table() else { return self.wrong_type("tags", value, wanted) };
        for (name, value) in table {
            match text_of(value.get_ref()) {
                Some(text) => principal.tags.push((name.get_ref().to_string(), self.said(&text, value))),
                None => self.wrong_type(name.get_ref(), value, "a text"),
            }
        }
    }

    /// Whether `policy`, `policy-file` or `full-access` could be read.
    fn permissions(&mut self, all: &mut Vec<RawPermissions>, name: &Name<'_>, value: &Value<'_>) -> bool {
        let (name, before) = (name.get_ref().as_ref(), self.mistakes.len());
        match (name, value.get_ref()) {
            ("policy-file", DeValue::String(path)) => all.push(RawPermissions::PolicyFile(self.beside(path).into())),
            ("policy-file", _) => self.wrong_type(name, value, "a text"),
            ("full-access", DeValue::Boolean(true)) => all.push(RawPermissions::FullAccess),
            ("full-access", DeValue::Boolean(false)) => {}
            ("full-access", _) => self.wrong_type(name, value, "true or false"),
            _ => all.extend(self.policy(value).map(RawPermissions::Policy)),
        }
        self.mistakes.len() == before
    }
}
