//! The keys of the management API: from `[[admin.credentials]]` as written to [`AdminCredential`].

use serde_json::{Map, Value as Json, json};
use toml::Spanned;
use toml::de::DeValue;

use super::check::Checker;
use super::file::{Reader, Value, text_of};
use super::raw::{Key, RawCredential, RawPermissions};
use super::secret::Secret;
use super::words::Parsed;
use super::{AdminCredential, Permissions};

const KEYS: [&str; 7] =
    ["access-key", "secret-key", "session-token", "principal", "policy", "policy-file", "full-access"];
/// The words of a statement, as `weir.toml` and as IAM writes them.
const STATEMENT: [(&str, &str); 7] = [
    ("sid", "Sid"),
    ("effect", "Effect"),
    ("action", "Action"),
    ("not-action", "NotAction"),
    ("resource", "Resource"),
    ("not-resource", "NotResource"),
    ("condition", "Condition"),
];

impl Reader<'_> {
    /// `admin` as a table: what else is `admin`, `admin-allow-remote` and `admin-credentials`.
    pub(super) fn admin(&mut self, value: &Value<'_>) {
        for (name, value) in value.get_ref().as_table().into_iter().flatten() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("listen", DeValue::String(text)) => self.say(Key::Admin, text.to_string(), value),
                ("allow-remote", DeValue::Boolean(on)) => self.say(Key::AdminAllowRemote, on.to_string(), value),
                ("credentials", _) => self.credentials(value),
                ("listen", _) => self.wrong_type("listen", value, "a text"),
                ("allow-remote", _) => self.wrong_type("allow-remote", value, "true or false"),
                _ => self.unknown(name, "a key of [admin]", ["listen", "allow-remote", "credentials"]),
            }
        }
    }

    pub(super) fn credentials(&mut self, value: &Value<'_>) {
        let wanted = "[[admin.credentials]] tables with `access-key`, `secret-key` and `policy`";
        for (item, table) in self.tables("credentials", value, wanted) {
            let mut credential = RawCredential { written: Some(self.place(item.span())), ..RawCredential::default() };
            for (name, value) in table {
                self.credential(&mut credential, name, value);
            }
            self.raw.credentials.push(credential);
        }
    }

    fn credential(
        &mut self,
        credential: &mut RawCredential,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Value<'_>,
    ) {
        let text = value.get_ref().as_str();
        match (name.get_ref().as_ref(), text) {
            ("access-key", Some(text)) => credential.access_key = Some(self.said(text, value)),
            ("secret-key", Some(text)) => credential.secret_key = Some(Secret::new(text)),
            ("session-token", Some(text)) => credential.session_token = Some(Secret::new(text)),
            ("principal", Some(text)) => credential.principal = Some(self.said(text, value)),
            ("policy-file", Some(text)) => {
                credential.permissions.push(RawPermissions::PolicyFile(self.beside(text).into()));
            }
            ("policy", _) => match self.policy(value) {
                Some(policy) => credential.permissions.push(RawPermissions::Policy(policy)),
                None => credential.is_broken = true,
            },
            ("full-access", _) => match value.get_ref().as_bool() {
                Some(true) => credential.permissions.push(RawPermissions::FullAccess),
                Some(false) => {}
                None => self.wrong_type("full-access", value, "true or false"),
            },
            (name, None) if KEYS.contains(&name) => self.wrong_type(name, value, "a text"),
            _ => self.unknown(name, "a key of [[admin.credentials]]", KEYS),
        }
    }

    /// A list of statements to the JSON that IAM would be given.
    pub(super) fn policy(&mut self, value: &Value<'_>) -> Option<String> {
        let wanted = "statements such as [{ effect = \"Allow\", action = \"apigateway:GET\", resource = \"*\" }]";
        let one = std::slice::from_ref(value);
        let items = value.get_ref().as_array().map_or(one, |array| &array[..]);
        let before = self.mistakes.len();
        let mut statements = Vec::new();
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong_type("policy", item, wanted);
                continue;
            };
            let mut statement = Map::new();
            for (name, value) in table {
                match STATEMENT.iter().find(|(ours, _)| name.get_ref() == ours) {
                    Some((_, awss)) => match json_of(value.get_ref()) {
                        Some(json) => drop(statement.insert((*awss).to_owned(), json)),
                        None => self.wrong_type(name.get_ref(), value, "a text, or a list or table of texts"),
                    },
                    None => self.unknown(name, "a key of a statement", STATEMENT.map(|(ours, _)| ours)),
                }
            }
            statements.push(Json::Object(statement));
        }
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        (self.mistakes.len() == before).then(|| policy.to_string())
    }
}

fn json_of(value: &DeValue<'_>) -> Option<Json> {
    match value {
        DeValue::Boolean(on) => Some(Json::Bool(*on)),
        DeValue::Array(items) => {
            items.iter().map(|item| json_of(item.get_ref())).collect::<Option<_>>().map(Json::Array)
        }
        DeValue::Table(table) => {
            let entry = |(name, value): (&Spanned<std::borrow::Cow<'_, str>>, &Value<'_>)| {
                Some((name.get_ref().to_string(), json_of(value.get_ref())?))
            };
            table.iter().map(entry).collect::<Option<_>>().map(Json::Object)
        }
        scalar => text_of(scalar).map(Json::String),
    }
}

impl Checker<'_> {
    pub(super) fn credentials(&mut self, account_id: &str) -> Vec<AdminCredential> {
        let raw = self.raw;
        let mut known: Vec<AdminCredential> = Vec::new();
        for credential in &raw.credentials {
            let Some(credential) = self.admin_credential(credential, account_id) else { continue };
            if known.iter().any(|other| other.access_key == credential.access_key) {
                let found = format!("the access key `{}` is given twice", credential.access_key);
                self.mistake(CODE, None, found, "Leave one of them out of [[admin.credentials]].");
            }
            known.push(credential);
        }
        known
    }

    fn admin_credential(&mut self, raw: &RawCredential, account_id: &str) -> Option<AdminCredential> {
        let before = self.mistakes.len();
        let access_key = raw.access_key.as_ref().and_then(|said| self.checked(CODE, "access-key", said, access_key));
        let named =
            access_key.as_deref().map_or("these credentials".to_owned(), |key| format!("the access key `{key}`"));
        if raw.access_key.is_none() {
            self.mistake(CODE, raw.written, format!("{named} have no access-key"), "Add `access-key = \"…\"`.");
        }
        let secret_key = raw.secret_key.clone().filter(|secret| !secret.reveal().is_empty());
        if secret_key.is_none() {
            self.mistake(CODE, raw.written, format!("{named} has no secret-key"), "Add `secret-key = \"…\"`.");
        }
        let principal = match &raw.principal {
            Some(said) => self.checked(CODE, "principal", said, principal),
            None => access_key.as_ref().map(|key| format!("arn:aws:iam::{account_id}:user/{key}")),
        };
        let permissions = match raw.permissions.as_slice() {
            [RawPermissions::FullAccess] => Some(Permissions::FullAccess),
            [RawPermissions::Policy(json)] => Some(Permissions::Policy(json.clone())),
            [RawPermissions::PolicyFile(path)] => Some(Permissions::PolicyFile(path.clone())),
            [] if raw.is_broken => None,
            [] => {
                let help =
                    "Add `policy`, `policy-file`, or `full-access = true`: without a policy a key may do nothing.";
                self.mistake(CODE, raw.written, format!("{named} may do nothing"), help);
                None
            }
            _ => {
                let found = format!("{named} has more than one of policy, policy-file and full-access");
                self.mistake(CODE, raw.written, found, "Keep one of them.");
                None
            }
        };
        let (access_key, secret_key) = (access_key?, secret_key?);
        let session_token = raw.session_token.clone();
        let credential =
            AdminCredential { access_key, secret_key, session_token, principal: principal?, permissions: permissions? };
        (self.mistakes.len() == before).then_some(credential)
    }
}

const CODE: &str = "settings::admin-credentials";

/// It stands between slashes in a signature's scope.
pub(super) fn access_key(text: &str) -> Parsed<String> {
    let good =
        (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    good.then(|| text.to_owned())
        .ok_or_else(|| "An access key has 1 to 128 of A-Z, a-z, 0-9, _, - and a full stop.".into())
}

fn principal(text: &str) -> Parsed<String> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let good = match parts.as_slice() {
        ["arn", partition, "iam" | "sts", "", account, name] => {
            let digits = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            partition.starts_with("aws") && digits && !name.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
        }
        _ => false,
    };
    good.then(|| text.to_owned()).ok_or_else(|| "Write an ARN such as arn:aws:iam::123456789012:user/ada.".into())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::Path;

    use super::super::file;
    use super::super::raw::{Mistake, Raw};
    use super::*;

    fn read(text: &str) -> Result<Vec<AdminCredential>, Vec<Mistake>> {
        let file = file::read(Path::new("/etc/weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
        Ok(file.under(Raw::default()).check(NonZeroUsize::MIN)?.admin_credentials)
    }

    #[track_caller]
    fn refused(text: &str, found: &str, help: &str) {
        let mistakes = read(text).expect_err("a mistake");
        assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
        assert!(!format!("{mistakes:?}").contains("hush"), "{mistakes:?}");
    }

    #[test]
    fn both_spellings_say_the_same() {
        let table = "listen = '127.0.0.1:9901'\nallow-remote = false\n[[admin.credentials]]\naccess-key = 'A1'\n\
                     secret-key = 'hush'\nfull-access = true";
        let nested = read(&format!("[admin]\n{table}")).expect("good");
        let plain = "admin = '127.0.0.1:9901'\n[[admin-credentials]]\naccess-key = 'A1'\nsecret-key = 'hush'\nfull-access = true";
        let plain = read(plain).expect("good");
        assert_eq!(nested, plain);
        assert_eq!(plain[0].principal, "arn:aws:iam::000000000000:user/A1");
        assert_eq!((plain[0].secret_key.reveal(), &plain[0].permissions), ("hush", &Permissions::FullAccess));
        assert!(!format!("{plain:?}").contains("hush"));
    }

    #[test]
    fn a_policy_becomes_iams_json() {
        let text = "[[admin.credentials]]\naccess-key = 'A'\nsecret-key = 's'\nsession-token = 't'\n\
                    principal = 'arn:aws:iam::123456789012:role/ci'\n[[admin.credentials.policy]]\neffect = 'Allow'\n\
                    action = ['apigateway:GET', 'apigateway:P*']\nresource = '*'\n\
                    condition = { IpAddress = { \"aws:SourceIp\" = '10.0.0.0/8' }, Bool = { x = true } }";
        let credential = read(text).expect("good").remove(0);
        assert_eq!(credential.principal, "arn:aws:iam::123456789012:role/ci");
        let Permissions::Policy(json) = credential.permissions else { panic!("a policy") };
        assert_eq!(
            json,
            r#"{"Version":"2012-10-17","Statement":[{"Action":["apigateway:GET","apigateway:P*"],"Condition":{"Bool":{"x":true},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}},"Effect":"Allow","Resource":"*"}]}"#
        );
        let file =
            read("[[admin-credentials]]\naccess-key = 'A'\nsecret-key = 's'\npolicy-file = 'ci.json'").expect("good");
        assert_eq!(file[0].permissions, Permissions::PolicyFile("/etc/ci.json".into()));
    }

    #[test]
    fn what_is_wrong_with_them() {
        let with = |rest: &str| format!("[[admin-credentials]]\naccess-key = 'A'\nsecret-key = 'hush'\n{rest}");
        refused(
            &with(""),
            "the access key `A` may do nothing",
            "Add `policy`, `policy-file`, or `full-access = true`: without a policy a key may do nothing.",
        );
        refused(
            &with("full-access = true\npolicy-file = 'x'"),
            "the access key `A` has more than one of policy, policy-file and full-access",
            "Keep one of them.",
        );
        refused(
            &with("policy = [{ efect = 'Allow' }]"),
            "`efect` is not a key of a statement",
            "Did you mean `effect`?",
        );
        refused(
            &with("full-access = true\nprincipal = 'ada'"),
            "principal is `ada`",
            "Write an ARN such as arn:aws:iam::123456789012:user/ada.",
        );
        refused(
            "[[admin-credentials]]\nsecret-key = 'hush'\nfull-access = true",
            "these credentials have no access-key",
            "Add `access-key = \"…\"`.",
        );
        refused(
            "[[admin-credentials]]\naccess-key = 'A'\nfull-access = true",
            "the access key `A` has no secret-key",
            "Add `secret-key = \"…\"`.",
        );
        let twice = with("full-access = true");
        refused(
            &format!("{twice}\n{twice}"),
            "the access key `A` is given twice",
            "Leave one of them out of [[admin.credentials]].",
        );
        refused("[admin]\nlisten = 1", "`listen` is an integer here", "Write a text.");
        refused("[admin]\nlistn = 'x'", "`listn` is not a key of [admin]", "Did you mean `listen`?");
    }
}
