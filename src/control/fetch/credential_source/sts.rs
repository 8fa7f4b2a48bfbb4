//! AWS's Security Token Service: a role assumed with keys, or with a token of somebody whom AWS trusts.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::asking::{Answer, Method, Question};
use super::{Attempt, read_file, unix_now, unix_seconds};
use crate::edge::upstream::credential::Keys;
use crate::settings::Secret;
use crate::settings::limits::{CREDENTIALS_BYTES_MAX, CREDENTIALS_TOLD_CHARS_MAX};
use crate::sigv4::{Request, Scope, Signer, SigningKey, hash, sign};

/// How the role's session is called in AWS's logs.
const SESSION: &str = "weir";
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// RFC 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where it is.
pub(super) struct Service {
    pub(super) url: String,
    /// As the `Host` that is signed.
    host: String,
}

impl Attempt<'_> {
    pub(super) fn assume(
        &self,
        base: &Keys,
        role: &str,
        session: Option<&str>,
        external_id: Option<&str>,
    ) -> Result<Keys, String> {
        let mut form =
            vec![("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", session.unwrap_or(SESSION))];
        form.extend(external_id.map(|id| ("ExternalId", id)));
        self.sts(&form, Some(base)).map_err(|error| format!("the role {role} cannot be assumed: {error}"))
    }

    pub(super) fn web_identity(&self, token: &Path, role: &str, session: Option<&str>) -> Result<Keys, String> {
        let told =
            |error: String| format!("the role {role} cannot be assumed with the token in {}: {error}", token.display());
        // Read each time: whoever writes it replaces it before it ends.
        let token = read_file(token, CREDENTIALS_BYTES_MAX as u64).map_err(|error| told(error.to_string()))?;
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("RoleArn", role),
            ("RoleSessionName", session.unwrap_or(SESSION)),
            ("WebIdentityToken", token.trim()),
        ];
        self.sts(&form, None).map_err(told)
    }

    /// Nothing where no variable names a token.
    pub(super) fn web_identity_of_environment(&self) -> Result<Option<Keys>, String> {
        let Some(path) = self.variable("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let role =
            self.variable("AWS_ROLE_ARN").ok_or("AWS_WEB_IDENTITY_TOKEN_FILE is set, and AWS_ROLE_ARN is not")?;
        let session = self.variable("AWS_ROLE_SESSION_NAME");
        self.web_identity(Path::new(&path), &role, session.as_deref()).map(Some)
    }

    fn sts(&self, form: &[(&str, &str)], signer: Option<&Keys>) -> Result<Keys, String> {
        let service = self.service();
        let pairs = form.iter().chain(&[("Version", "2011-06-15")]);
        let body: Vec<String> =
            pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED))).collect();
        let body = body.join("&");
        let mut headers = vec![("host", service.host.as_str()), ("content-type", FORM)];
        let signature = signer.map(|keys| self.signature(keys, &headers, body.as_bytes())).unwrap_or_default();
        headers.extend(signature.iter().map(|(name, value)| (*name, value.as_str())));
        let method = Method::Post(body.as_bytes());
        let answer = self.ask(&Question { method, url: &service.url, headers: &headers, until: self.until })?;
        if answer.status == 200 {
            return keys_of_xml(&answer.body);
        }
        Err(refusal(&service.url, &answer))
    }

    fn signature(&self, keys: &Keys, headers: &[(&str, &str)], body: &[u8]) -> Vec<(&'static str, String)> {
        let now = i64::try_from(unix_now()).unwrap_or_default();
        let request = Request {
            method: b"POST",
            path: b"/",
            query: None,
            headers: headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            body_hash: hash(body),
        };
        let date = jiff::Timestamp::from_second(now).unwrap_or_default().strftime("%Y%m%d").to_string();
        let (region, service) = (self.terms.region.as_str(), "sts");
        let key = SigningKey::derive(keys.secret_key.reveal(), Scope { date: &date, region, service });
        let session_token = keys.session_token.as_ref().map(Secret::reveal);
        let signer = Signer { access_key: &keys.access_key, key: &key, session_token, region, service };
        sign(&request, &signer, now)
    }

    pub(super) fn service(&self) -> Service {
        match &self.terms.sts {
            Some(endpoint) => {
                let (scheme, usual) = if endpoint.https { ("https", 443) } else { ("http", 80) };
                let host = match endpoint.port {
                    port if port == usual => endpoint.host.clone(),
                    port => format!("{}:{port}", endpoint.host),
                };
                Service { url: format!("{scheme}://{host}/"), host }
            }
            None => {
                let region = &self.terms.region;
                let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
                let host = format!("sts.{region}.amazonaws.com{suffix}");
                Service { url: format!("https://{host}/"), host }
            }
        }
    }
}

/// `AssumeRoleResponse` or `AssumeRoleWithWebIdentityResponse`, whose credentials are the same.
fn keys_of_xml(xml: &[u8]) -> Result<Keys, String> {
    let names = ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"];
    let [access_key, secret_key, session_token, expires] = texts(xml, names);
    let missing = |name: &str| format!("the answer has no {name}");
    Ok(Keys {
        access_key: access_key.ok_or_else(|| missing("AccessKeyId"))?,
        secret_key: Secret::new(secret_key.ok_or_else(|| missing("SecretAccessKey"))?),
        session_token: Some(Secret::new(session_token.ok_or_else(|| missing("SessionToken"))?)),
        expires: Some(expires.as_deref().and_then(unix_seconds).ok_or_else(|| missing("Expiration"))?),
    })
}

/// AWS's own words, where they cannot be a secret's: a signature that does not match is answered with the lines that were
/// signed, the session token's among them.
fn refusal(url: &str, answer: &Answer) -> String {
    let shown =
        |text: String| text.chars().take(CREDENTIALS_TOLD_CHARS_MAX).collect::<String>().escape_debug().to_string();
    let [code, message] = texts(&answer.body, ["Code", "Message"]);
    match (code, message) {
        (Some(code), Some(message)) if !message.contains('\n') && !code.contains("Signature") => {
            format!("{url} answers {}, {}: {}", answer.status, shown(code), shown(message))
        }
        (Some(code), _) => format!("{url} answers {}, {}", answer.status, shown(code)),
        _ => format!("{url} answers {}", answer.status),
    }
}

/// The text of the first element of each name, whatever it is in.
fn texts<const N: usize>(xml: &[u8], names: [&str; N]) -> [Option<String>; N] {
    let mut found = [const { None }; N];
    let Ok(xml) = str::from_utf8(xml) else { return found };
    let mut reader = Reader::from_str(xml);
    let mut current: Option<(usize, String)> = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.local_name();
                let index = names.iter().position(|known| name.as_ref() == *known);
                current = index.map(|index| (index, String::new()));
            }
            Ok(Event::Text(text)) => {
                if let Some((_, value)) = &mut current {
                    value.push_str(&text);
                }
            }
            Ok(Event::GeneralRef(name)) => {
                let sign = match &*name {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => '\u{fffd}',
                };
                if let Some((_, value)) = &mut current {
                    value.push(sign);
                }
            }
            Ok(Event::End(_)) => {
                if let Some((index, value)) = current.take() {
                    found[index].get_or_insert(value.trim().to_owned());
                }
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_in_xml() {
        let check = |xml: &str, expected: &[Option<&str>]| {
            let found = texts(xml.as_bytes(), ["Code", "Message"]);
            assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), expected, "{xml}");
        };
        check(
            "<a:E xmlns:a='x'><a:Error><a:Code> A </a:Code><Message>b &amp; &lt;c</Message></a:Error></a:E>",
            &[Some("A"), Some("b & <c")],
        );
        check("<E><Code>A</Code><Code>B</Code></E>", &[Some("A"), None]);
        check("<E><Code>A</Code><Message>b", &[Some("A"), None]);
        check("<E><Code/></E>", &[None, None]);
        check("", &[None, None]);
        check("{}", &[None, None]);
    }

    #[test]
    fn a_refusal_tells_no_secret() {
        let check = |body: &str, expected: &str| {
            let answer = Answer { status: 403, body: body.as_bytes().to_vec() };
            assert_eq!(refusal("http://a/", &answer), expected);
        };
        let error = |code: &str, message: &str| {
            format!("<E><Error><Code>{code}</Code><Message>{message}</Message></Error></E>")
        };
        check(&error("AccessDenied", "not authorized"), "http://a/ answers 403, AccessDenied: not authorized");
        check(
            &error("SignatureDoesNotMatch", "x-amz-security-token:hush"),
            "http://a/ answers 403, SignatureDoesNotMatch",
        );
        check(&error("Other", "a\nx-amz-security-token:hush"), "http://a/ answers 403, Other");
        check("hush", "http://a/ answers 403");
    }
}
