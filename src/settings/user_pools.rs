//! Whom others vouch for: `[[user-pools]]` and `lambda-endpoint`, from as written to as meant.

use std::collections::HashSet;
use std::path::PathBuf;

use super::callers::{KeySource, LambdaEndpoint, UserPool};
use super::check::Checker;
use super::endpoint::{authority, endpoint, scheme};
use super::file::{Reader, Value};
use super::limits::{SETTINGS_URL_BYTES_MAX, USER_POOL_AUDIENCES_MAX, USER_POOLS_MAX};
use super::raw::{Key, RawUserPool, Said};
use super::words::Parsed;

const KEYS: [&str; 6] = ["id", "issuer", "jwks", "jwks-file", "audiences", "algorithms"];
const CODE: &str = "settings::user-pools";
/// What tokens may be signed with (RFC 7518 section 3.1, RFC 8037). `none` and those with a shared secret are not there
/// to be chosen.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
/// What Cognito signs with.
const ALGORITHM: &str = "RS256";

impl Reader<'_> {
    pub(super) fn user_pools(&mut self, value: &Value<'_>) {
        for (item, table) in self.tables("user-pools", value, "[[user-pools]] tables with `id` and `issuer`") {
            let mut pool = RawUserPool { written: Some(self.place(item.span())), ..RawUserPool::default() };
            for (name, value) in table {
                let said = value.get_ref().as_str().map(|text| self.said(text, value));
                match (name.get_ref().as_ref(), said) {
                    ("id", Some(said)) => pool.id = Some(said),
                    ("issuer", Some(said)) => pool.issuer = Some(said),
                    ("jwks", Some(said)) => pool.jwks = Some(said),
                    ("jwks-file", Some(said)) => pool.jwks_file = Some(PathBuf::from(self.beside(&said.text))),
                    ("audiences", _) => pool.audiences = self.texts("audiences", value),
                    ("algorithms", _) => pool.algorithms = Some(self.texts("algorithms", value)),
                    (name, None) if KEYS.contains(&name) => self.wrong_type(name, value, "a text"),
                    _ => self.unknown(name, "a key of [[user-pools]]", KEYS),
                }
            }
            self.raw.user_pools.push(pool);
        }
    }
}

impl Checker<'_> {
    pub(super) fn user_pools(&mut self) -> Vec<UserPool> {
        let raw = self.raw;
        if raw.user_pools.len() > USER_POOLS_MAX {
            let found = format!("{} user pools are given", raw.user_pools.len());
            self.mistake(CODE, None, found, format!("The keys of each are kept: {USER_POOLS_MAX} are the most."));
            return Vec::new();
        }
        let mut ids = HashSet::new();
        let mut pools = Vec::new();
        for raw in &raw.user_pools {
            let Some(pool) = self.user_pool(raw) else { continue };
            if !ids.insert(pool.id.clone()) {
                let found = format!("the user pool {} is given twice", pool.id);
                self.mistake(CODE, raw.written, found, "Leave one of them out of [[user-pools]].");
            }
            pools.push(pool);
        }
        pools
    }

    pub(super) fn lambda_endpoint(&mut self) -> Option<LambdaEndpoint> {
        self.one(Key::LambdaEndpoint, endpoint)
    }

    fn user_pool(&mut self, raw: &RawUserPool) -> Option<UserPool> {
        let id = raw.id.as_ref().and_then(|said| self.checked(CODE, "id", said, pool_id));
        let named = match &raw.id {
            Some(said) => format!("the user pool {}", said.text),
            None => "this user pool".to_owned(),
        };
        for (name, said, such_as) in
            [("id", &raw.id, "us-east-1_AbCdEf123"), ("issuer", &raw.issuer, "https://id.example.com")]
        {
            if said.is_none() {
                let help = format!("Add `{name} = \"…\"`, such as {such_as}.");
                self.mistake(CODE, raw.written, format!("{named} has no {name}"), help);
            }
        }
        let issuer = raw.issuer.as_ref().and_then(|said| self.checked(CODE, "issuer", said, issuer));
        let keys = match (&raw.jwks, &raw.jwks_file) {
            (Some(_), Some(_)) => {
                self.mistake(CODE, raw.written, format!("{named} has both jwks and jwks-file"), "Keep one of them.");
                None
            }
            (Some(said), None) => self.checked(CODE, "jwks", said, url).map(KeySource::Url),
            (None, Some(path)) => Some(KeySource::File(path.clone())),
            (None, None) => Some(KeySource::Discovery),
        };
        if raw.audiences.len() > USER_POOL_AUDIENCES_MAX {
            let found = format!("{named} has {} audiences", raw.audiences.len());
            let help = format!("A token's are compared with each: {USER_POOL_AUDIENCES_MAX} are the most.");
            self.mistake(CODE, raw.written, found, help);
        }
        let audiences = raw.audiences.iter().filter_map(|said| self.checked(CODE, "an audience", said, audience));
        let audiences = audiences.collect();
        let algorithms = match &raw.algorithms {
            None => vec![ALGORITHM.to_owned()],
            Some(said) => self.algorithms(raw, &named, said),
        };
        Some(UserPool { id: id?, issuer: issuer?, keys: keys?, audiences, algorithms })
    }

    fn algorithms(&mut self, raw: &RawUserPool, named: &str, said: &[Said]) -> Vec<String> {
        if said.is_empty() {
            let help = format!("Name some of {}, or leave `algorithms` out for {ALGORITHM}.", ALGORITHMS.join(", "));
            self.mistake(CODE, raw.written, format!("{named} takes no algorithm"), help);
        }
        let mut algorithms: Vec<String> = Vec::new();
        for said in said {
            let Some(name) = self.checked(CODE, "an algorithm", said, algorithm) else { continue };
            if !algorithms.contains(&name) {
                algorithms.push(name);
            }
        }
        algorithms
    }
}

fn algorithm(text: &str) -> Parsed<String> {
    let known = ALGORITHMS.contains(&text);
    known.then(|| text.to_owned()).ok_or_else(|| format!("Known are {}.", ALGORITHMS.join(", ")))
}

/// As Cognito has them: `[\w-]+_[0-9a-zA-Z]+`, at most 55 characters.
fn pool_id(text: &str) -> Parsed<String> {
    let good = text.len() <= 55
        && text.rsplit_once('_').is_some_and(|(region, id)| {
            let word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
            !region.is_empty()
                && !id.is_empty()
                && region.bytes().all(word)
                && id.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    good.then(|| text.to_owned())
        .ok_or_else(|| "Write an id such as us-east-1_AbCdEf123, at most 55 characters.".into())
}

/// OpenID Connect Discovery section 3: no query and no fragment.
fn issuer(text: &str) -> Parsed<String> {
    if text.contains('?') {
        return Err("An issuer's URL has no query.".into());
    }
    url(text)
}

fn url(text: &str) -> Parsed<String> {
    let wanted = "Write a URL such as https://id.example.com/realms/shop, without a fragment.";
    let good = text.len() <= SETTINGS_URL_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b))
        && scheme(text).is_some_and(|(_, rest)| {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            rest.get(..end).and_then(authority).is_some()
        });
    good.then(|| text.to_owned()).ok_or_else(|| wanted.into())
}

fn audience(text: &str) -> Parsed<String> {
    let good = (1..=SETTINGS_URL_BYTES_MAX).contains(&text.len());
    good.then(|| text.to_owned()).ok_or_else(|| "Write a client's id, or what `aud` is.".into())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::Path;

    use super::super::file;
    use super::super::raw::{Mistake, Raw};
    use super::*;

    fn read(text: &str) -> Result<Vec<UserPool>, Vec<Mistake>> {
        let file = file::read(Path::new("/etc/weir.toml"), &format!("{text}\n[[apis]]\nfile = 'x'"))?;
        Ok(file.under(Raw::default()).check(NonZeroUsize::MIN)?.user_pools)
    }

    #[track_caller]
    fn refused(rest: &str, at: &str, found: &str, help: &str) {
        let text = format!("[[user-pools]]\n{rest}");
        let mistakes = read(&text).expect_err("a mistake");
        assert_eq!((mistakes[0].found.as_str(), mistakes[0].help.as_str()), (found, help), "{mistakes:?}");
        let written = mistakes[0].written.map(|written| &text[written.offset..written.offset + written.length]);
        assert_eq!((written, mistakes.len()), (Some(at), 1));
    }

    #[test]
    fn pools_in_each_of_their_forms() {
        let text = "[[user-pools]]\nid = 'us-east-1_AbC'\nissuer = 'https://id.example.com/realms/shop'\n\
                    jwks = 'https://id.example.com/keys?all=1'\naudiences = ['web', 'app']\n\
                    algorithms = ['ES256', 'RS256', 'ES256']\n[[user-pools]]\nid = 'local_2'\n\
                    issuer = 'http://[::1]:8090'\njwks-file = 'keys.json'\naudiences = 'one'\n\
                    [[user-pools]]\nid = 'local_3'\nissuer = 'http://idp:8090/'";
        let pools = read(text).expect("good");
        let first = UserPool {
            id: "us-east-1_AbC".into(),
            issuer: "https://id.example.com/realms/shop".into(),
            keys: KeySource::Url("https://id.example.com/keys?all=1".into()),
            audiences: vec!["web".into(), "app".into()],
            algorithms: vec!["ES256".into(), "RS256".into()],
        };
        assert_eq!(pools[0], first);
        assert_eq!(
            (&pools[1].keys, &pools[1].algorithms[..]),
            (&KeySource::File("/etc/keys.json".into()), &["RS256".to_owned()][..])
        );
        assert_eq!(
            (&pools[2].keys, pools[2].audiences.len(), pools[2].issuer.as_str()),
            (&KeySource::Discovery, 0, "http://idp:8090/")
        );
    }

    #[test]
    fn what_is_wrong_with_pools() {
        let id = "Write an id such as us-east-1_AbCdEf123, at most 55 characters.";
        let url = "Write a URL such as https://id.example.com/realms/shop, without a fragment.";
        let with = |rest: &str| format!("id = 'eu-west-1_A'\nissuer = 'https://a'\n{rest}");
        refused("id = 'shop'\nissuer = 'https://a'", "'shop'", "id is `shop`", id);
        refused("id = 'eu-west-1_A-b'\nissuer = 'https://a'", "'eu-west-1_A-b'", "id is `eu-west-1_A-b`", id);
        refused(
            "issuer = 'https://a'",
            "[[user-pools]]",
            "this user pool has no id",
            "Add `id = \"…\"`, such as us-east-1_AbCdEf123.",
        );
        refused(
            "id = 'a_1'",
            "[[user-pools]]",
            "the user pool a_1 has no issuer",
            "Add `issuer = \"…\"`, such as https://id.example.com.",
        );
        for issuer in
            ["id.example.com", "ftp://a", "https://", "https://a#b", "https://u:p@a", "https://a:0", "https://a b"]
        {
            let at = format!("'{issuer}'");
            refused(&format!("id = 'a_1'\nissuer = '{issuer}'"), &at, &format!("issuer is `{issuer}`"), url);
        }
        refused(
            "id = 'a_1'\nissuer = 'https://a?b'",
            "'https://a?b'",
            "issuer is `https://a?b`",
            "An issuer's URL has no query.",
        );
        refused(&with("jwks = 'keys.json'"), "'keys.json'", "jwks is `keys.json`", url);
        refused(
            &with("jwks = 'https://a'\njwks-file = 'b'"),
            "[[user-pools]]",
            "the user pool eu-west-1_A has both jwks and jwks-file",
            "Keep one of them.",
        );
        let known = "Known are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA.";
        refused(&with("algorithms = ['RS256', 'none']"), "'none'", "an algorithm is `none`", known);
        refused(&with("algorithms = 'HS256'"), "'HS256'", "an algorithm is `HS256`", known);
        refused(
            &with("algorithms = []"),
            "[[user-pools]]",
            "the user pool eu-west-1_A takes no algorithm",
            "Name some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, or leave `algorithms` out for RS256.",
        );
        refused(&with("audiences = ['a', '']"), "''", "an audience is ``", "Write a client's id, or what `aud` is.");
        refused(&with("audiences = [1]"), "1", "`audiences` is an integer here", "Write a text, or an array of texts.");
        refused(
            &with("issuers = 'x'"),
            "issuers",
            "`issuers` is not a key of [[user-pools]]",
            "Did you mean `issuer`?",
        );
        refused(&with("jwks-file = 1"), "1", "`jwks-file` is an integer here", "Write a text.");
        refused(
            &with(&format!("[[user-pools]]\n{}", with(""))),
            "[[user-pools]]",
            "the user pool eu-west-1_A is given twice",
            "Leave one of them out of [[user-pools]].",
        );
        let many: String = (0..=USER_POOLS_MAX).map(|n| format!("[[user-pools]]\nid = 'a_{n}'\n")).collect();
        assert_eq!(read(&many).expect_err("a mistake")[0].found, "1001 user pools are given");
    }
}
