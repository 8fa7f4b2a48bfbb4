//! A signature as it was presented, in a header or in the query. Nothing of it is believed yet.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::refusal::{Has, SignatureError, no_equal_sign, parts_missing};
use super::request::{Headers, Request};
use super::time;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// A week: the longest that a presigned request may be good for.
const EXPIRES_MAX: i64 = 604_800;

/// Who claims to have signed, when and for what.
#[derive(Clone, Debug)]
pub struct Presented<'a> {
    /// `AKID/20150830/us-east-1/execute-api/aws4_request`
    credential: Cow<'a, str>,
    pub(super) signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    /// What temporary credentials carry beside the signature.
    pub session_token: Option<Cow<'a, [u8]>>,
    /// Unix seconds.
    pub(super) time: i64,
    /// Seconds that a presigned request is good for.
    pub(super) expires: Option<i64>,
}

impl<'a> Presented<'a> {
    pub fn access_key(&self) -> &str {
        self.part(0)
    }

    /// Whether a header of that name is among those that were signed.
    pub fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed.trim().eq_ignore_ascii_case(name))
    }

    /// `20150830`
    pub fn date(&self) -> &str {
        self.part(1)
    }

    pub fn region(&self) -> &str {
        self.part(2)
    }

    pub fn service(&self) -> &str {
        self.part(3)
    }

    /// `aws4_request`, if it is right.
    pub(super) fn terminator(&self) -> &str {
        self.part(4)
    }

    fn part(&self, index: usize) -> &str {
        self.credential.split('/').nth(index).unwrap_or_default()
    }

    /// The header form where there is an `Authorization`, else the query form; checks 1 to 5 of AWS's order.
    pub(super) fn parse<H: Headers<'a>>(request: &Request<'a, H>, older: bool) -> Result<Self, SignatureError> {
        let presented = match request.header("authorization") {
            Some(header) => Self::of_header(request, header, older)?,
            None if is_presigned(request) => Self::of_query(request)?,
            None => return Err(SignatureError::missing()),
        };
        if presented.credential.split('/').count() != 5 {
            return Err(SignatureError::incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
                presented.credential
            )));
        }
        Ok(presented)
    }

    fn of_header<H: Headers<'a>>(
        request: &Request<'a, H>,
        header: &'a [u8],
        older: bool,
    ) -> Result<Self, SignatureError> {
        let date = request.header("x-amz-date").or_else(|| request.header("date"));
        let mut has = Has { date: date.is_some(), ..Has::default() };
        // One that is not UTF-8 cannot be a signature: nothing of it is taken for a part.
        let Ok(text) = std::str::from_utf8(header) else { return Err(parts_missing(has, header, older)) };
        let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (mut credential, mut signature, mut signed_headers) = (None, None, None);
        for piece in rest.split(',').map(str::trim).filter(|_| !rest.trim().is_empty()) {
            let Some((name, value)) = piece.split_once('=') else { return Err(no_equal_sign(piece, header, older)) };
            let part = match name {
                "Credential" => &mut credential,
                "Signature" => &mut signature,
                "SignedHeaders" => &mut signed_headers,
                _ => continue,
            };
            // Two of them are no one's: whoever reads the other would see another signer.
            if part.replace(value).is_some() {
                return Err(SignatureError::incomplete(format!(
                    "Authorization header has more than one '{name}' parameter."
                )));
            }
        }
        has = Has {
            credential: credential.is_some(),
            signature: signature.is_some(),
            signed_headers: signed_headers.is_some(),
            ..has
        };
        let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (credential, signature, signed_headers, date)
        else {
            return Err(parts_missing(has, header, older));
        };
        known_algorithm(algorithm)?;
        Ok(Self {
            credential: Cow::Borrowed(credential),
            signed_headers: Cow::Borrowed(signed_headers),
            signature: Cow::Borrowed(signature),
            session_token: request.header("x-amz-security-token").map(Cow::Borrowed),
            time: parsed_date(&String::from_utf8_lossy(date))?,
            expires: None,
        })
    }

    fn of_query<H: Headers<'a>>(request: &Request<'a, H>) -> Result<Self, SignatureError> {
        let mut missing = String::new();
        let mut part = |name: &str| {
            if request.pairs().filter(|(given, _)| *given == name.as_bytes()).nth(1).is_some() {
                missing.push_str(&format!("AWS query-string parameters must have one '{name}'. "));
            }
            let value = parameter(request, name);
            if value.is_none() {
                missing.push_str(&format!("AWS query-string parameters must include '{name}'. "));
            }
            value.map(text_of).unwrap_or_default()
        };
        let (algorithm, credential) = (part("X-Amz-Algorithm"), part("X-Amz-Credential"));
        let (signature, signed_headers) = (part("X-Amz-Signature"), part("X-Amz-SignedHeaders"));
        let (date, expires) = (part("X-Amz-Date"), part("X-Amz-Expires"));
        if !missing.is_empty() {
            missing.push_str("Re-examine the query-string parameters.");
            return Err(SignatureError::incomplete(missing));
        }
        known_algorithm(&algorithm)?;
        let good = expires.parse().ok().filter(|seconds| (1..=EXPIRES_MAX).contains(seconds));
        let Some(expires) = good else {
            return Err(SignatureError::incomplete(format!(
                "X-Amz-Expires must be a number of seconds from 1 to {EXPIRES_MAX}, got '{expires}'"
            )));
        };
        let session_token = parameter(request, "X-Amz-Security-Token");
        let time = parsed_date(&date)?;
        Ok(Self { credential, signed_headers, signature, session_token, time, expires: Some(expires) })
    }
}

/// Region and access key of whatever calls itself a signature: for emulators, which are called with dummy keys.
pub fn claimed<'a, H: Headers<'a>>(request: &Request<'a, H>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    let credential = match request.header("authorization") {
        Some(header) => {
            let (_, rest) = std::str::from_utf8(header).ok()?.split_once("Credential=")?;
            Cow::Borrowed(rest.split([',', ' ']).next().unwrap_or_default())
        }
        None => text_of(parameter(request, "X-Amz-Credential")?),
    };
    let part = |index: usize| match &credential {
        Cow::Borrowed(text) => Some(Cow::Borrowed(text.split('/').nth(index)?)),
        Cow::Owned(text) => Some(Cow::Owned(text.split('/').nth(index)?.to_owned())),
    };
    Some((part(0)?, part(2)?))
}

fn known_algorithm(algorithm: &str) -> Result<(), SignatureError> {
    if algorithm == ALGORITHM {
        return Ok(());
    }
    Err(SignatureError::incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'.")))
}

fn parsed_date(date: &str) -> Result<i64, SignatureError> {
    time::parse(date).ok_or_else(|| {
        SignatureError::incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })
}

fn is_presigned<'a, H: Headers<'a>>(request: &Request<'a, H>) -> bool {
    let names: [&[u8]; 3] = [b"X-Amz-Algorithm", b"X-Amz-Credential", b"X-Amz-Signature"];
    request.pairs().any(|(name, _)| names.contains(&name))
}

/// The first of that name, decoded. Names are compared as they are written, in AWS's case.
fn parameter<'a, H: Headers<'a>>(request: &Request<'a, H>, name: &str) -> Option<Cow<'a, [u8]>> {
    let value = request.pairs().find(|(given, _)| *given == name.as_bytes())?.1;
    Some(percent_decode(value).into())
}

fn text_of(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
