//! `[aws]` of `weir.toml` to what [`Raw`](super::super::raw::Raw) holds of it.

use super::super::file::{Reader, Value, text_of};
use super::super::raw::{Key, RawRoleCredentials};
use super::super::secret::Secret;

const AWS: [&str; 3] = ["endpoint", "endpoints", "credentials"];
const CREDENTIALS: [&str; 7] = ["role", "profile", "access-key", "secret-key", "session-token", "assume-role", "chain"];

impl Reader<'_> {
    pub(in super::super) fn aws(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong_type("aws", value, "a table with `endpoint`, `endpoints` or `credentials`");
        };
        for (name, value) in table {
            match (name.get_ref().as_ref(), value.get_ref().as_str()) {
                ("endpoint", Some(url)) => self.say(Key::AwsEndpoint, format!("*={url}"), value),
                ("endpoint", None) => self.wrong_type("endpoint", value, "a text"),
                ("endpoints", _) => self.aws_endpoints(value),
                ("credentials", _) => self.aws_credentials(value),
                _ => self.unknown(name, "a key of [aws]", AWS),
            }
        }
    }

    fn aws_endpoints(&mut self, value: &Value<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            let wanted = "a table of services and URLs, such as { dynamodb = \"http://127.0.0.1:8000\" }";
            return self.wrong_type("endpoints", value, wanted);
        };
        for (service, value) in table {
            match value.get_ref().as_str() {
                Some(url) => self.say(Key::AwsEndpoint, format!("{}={url}", service.get_ref()), value),
                None => self.wrong_type(service.get_ref(), value, "a text"),
            }
        }
    }

    fn aws_credentials(&mut self, value: &Value<'_>) {
        let wanted = "[[aws.credentials]] tables with `role` and where its keys come from";
        for (item, table) in self.tables("credentials", value, wanted) {
            let mut raw =
                RawRoleCredentials { written: Some(self.place(item.span())), ..RawRoleCredentials::default() };
            for (name, value) in table {
                let text = value.get_ref().as_str();
                let said = text.map(|text| self.said(text, value));
                match (name.get_ref().as_ref(), text) {
                    ("role", Some(_)) => raw.role = said,
                    ("profile", Some(_)) => raw.profile = said,
                    ("access-key", Some(_)) => raw.access_key = said,
                    ("secret-key", Some(text)) => raw.secret_key = Some(Secret::new(text)),
                    ("session-token", Some(text)) => raw.session_token = Some(Secret::new(text)),
                    ("assume-role", _) => match text_of(value.get_ref()) {
                        Some(text) => raw.assume_role = Some(self.said(&text, value)),
                        None => self.wrong_type("assume-role", value, "a role's ARN, or true"),
                    },
                    ("chain", _) => match value.get_ref().as_bool() {
                        Some(on) => raw.chain = Some(self.said(&on.to_string(), value)),
                        None => self.wrong_type("chain", value, "true"),
                    },
                    (name, None) if CREDENTIALS.contains(&name) => self.wrong_type(name, value, "a text"),
                    _ => self.unknown(name, "a key of [[aws.credentials]]", CREDENTIALS),
                }
            }
            self.raw.aws_credentials.push(raw);
        }
    }
}
