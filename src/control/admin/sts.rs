//! STS's `GetCallerIdentity`, which Terraform asks before anything else. AWS's query protocol: a form in, XML out.

use std::borrow::Cow;

use super::auth::AdminRefusal;
use super::identity::Identity;
use crate::wire::uri::{Decoded, pairs};

pub const CONTENT_TYPE: &str = "text/xml";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The answer to `POST /` with a form, or to `GET /?Action=…`: its status and its body. AWS asks no policy for this one.
pub fn answer(identity: &Identity, form: &[u8], request_id: &str) -> (u16, String) {
    match parameter(form, b"Action").as_deref() {
        Some("GetCallerIdentity") => (200, get_caller_identity(identity, request_id)),
        Some(action) => {
            let version = parameter(form, b"Version").unwrap_or_default();
            let message = format!("Could not find operation {action} for version {version}");
            (400, error("InvalidAction", &message, request_id))
        }
        None => (400, error("MissingAction", "Missing Action", request_id)),
    }
}

pub fn get_caller_identity(identity: &Identity, request_id: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\n  <GetCallerIdentityResult>\n    <Arn>{}</Arn>\n    \
         <UserId>{}</UserId>\n    <Account>{}</Account>\n  </GetCallerIdentityResult>\n  <ResponseMetadata>\n    \
         <RequestId>{}</RequestId>\n  </ResponseMetadata>\n</GetCallerIdentityResponse>\n",
        escaped(&identity.principal),
        escaped(&identity.user_id),
        escaped(&identity.account_id),
        escaped(request_id)
    )
}

/// Why nobody was let in, in the words of the query protocol: it has its own name for each.
pub fn refusal(refusal: &AdminRefusal, request_id: &str) -> String {
    let code = match refusal.code {
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "UnrecognizedClientException" => "InvalidClientTokenId",
        other => other.strip_suffix("Exception").unwrap_or(other),
    };
    error(code, &refusal.message, request_id)
}

fn error(code: &str, message: &str, request_id: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{}</Code>\n    \
         <Message>{}</Message>\n  </Error>\n  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
        escaped(code),
        escaped(message),
        escaped(request_id)
    )
}

fn parameter(form: &[u8], name: &[u8]) -> Option<String> {
    let value = pairs(form).find(|(given, _)| *given == name)?.1;
    Some(String::from_utf8_lossy(&Decoded::of_query(value).collect::<Vec<u8>>()).into_owned())
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '"', '\'']) && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut xml = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&#39;"),
            '\n' | '\t' => xml.push(letter),
            // XML 1.0 has no way to say the others.
            letter if letter.is_control() => xml.push('\u{fffd}'),
            letter => xml.push(letter),
        }
    }
    Cow::Owned(xml)
}

#[cfg(test)]
mod tests {
    use super::super::identity::Rights;
    use super::*;

    #[test]
    fn who_it_is() {
        let identity = Identity::new("arn:aws:iam::123456789012:root".into(), "us-east-1", Rights::All);
        let (status, xml) = answer(&identity, b"Action=GetCallerIdentity&Version=2011-06-15", "r1");
        assert_eq!(status, 200);
        assert_eq!(
            xml.split_whitespace().collect::<String>(),
            "<GetCallerIdentityResponsexmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId><Account>123456789012</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>r1</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        let user = Identity::new("arn:aws:iam::123456789012:user/a/b".into(), "us-east-1", Rights::All);
        assert!(user.user_id.starts_with("AIDA") && user.user_id.len() == 21, "{}", user.user_id);
        let session = Identity::new("arn:aws:sts::123456789012:assumed-role/r/s".into(), "us-east-1", Rights::All);
        assert!(session.user_id.starts_with("AROA") && session.user_id.ends_with(":s"), "{}", session.user_id);
    }

    #[test]
    fn what_else_is_asked() {
        let identity = Identity::new("arn:aws:iam::123456789012:root".into(), "us-east-1", Rights::All);
        for (form, expected) in [
            (
                "Action=Assume%3CRole%3E&Version=1",
                "<Message>Could not find operation Assume&lt;Role&gt; for version 1</Message>",
            ),
            ("", "<Code>MissingAction</Code>"),
        ] {
            let (status, xml) = answer(&identity, form.as_bytes(), "r1");
            assert!(status == 400 && xml.contains(expected), "{xml}");
        }
        let refused = AdminRefusal { status: 403, code: "InvalidSignatureException", message: "a\nb\u{1}".into() };
        let xml = refusal(&refused, "r1");
        assert!(xml.contains("<Code>SignatureDoesNotMatch</Code>") && xml.contains("a\nb\u{fffd}"), "{xml}");
    }
}
