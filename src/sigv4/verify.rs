//! Is this request signed by who it says? Every check in AWS's order, in AWS's words.

use ring::hmac;

use super::canonical::{Parts, Path, Plus, canonical};
use super::key::{Scope, SigningKey, hex, string_to_sign, unhex};
use super::presented::Presented;
use super::refusal::SignatureError;
use super::request::{Headers, Request};
use super::time::iso;

/// How far a clock may be off.
const SKEW_SECONDS: i64 = 300;

/// What a signature has to be for, and how its failure is told.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// `apigateway`, `execute-api`; the first one is named where another was signed for.
    pub services: &'e [&'e str],
    /// `None` takes every region.
    pub region: Option<&'e str>,
    /// Now.
    pub unix_seconds: i64,
    pub texts: Texts,
    /// Takes `UNSIGNED-PAYLOAD` where a client signed that, as S3 does.
    pub unsigned_payload: bool,
}

impl<'e> Expected<'e> {
    pub fn new(services: &'e [&'e str], unix_seconds: i64) -> Self {
        Self { services, region: None, unix_seconds, texts: Texts::default(), unsigned_payload: false }
    }
}

/// AWS has been seen with both forms of each.
#[derive(Clone, Copy, Debug)]
pub struct Texts {
    /// Names what is wrong in the clear, as AWS did before it began to hash it.
    pub older: bool,
    /// With the canonical string that was expected: what makes a mismatch understandable.
    pub long_mismatch: bool,
}

impl Default for Texts {
    fn default() -> Self {
        Self { older: false, long_mismatch: true }
    }
}

/// The signature, once it is known to be right. `find` gives the key of who presented it: it looks at the session token
/// too, and answers [`SignatureError::unrecognized`] or [`SignatureError::expired_token`].
pub fn verify<'a, H: Headers<'a>>(
    request: &Request<'a, H>,
    expected: &Expected<'_>,
    find: impl FnOnce(&Presented<'a>) -> Result<SigningKey, SignatureError>,
) -> Result<Presented<'a>, SignatureError> {
    let presented = examine(request, expected)?;
    let key = find(&presented)?;
    check(request, &presented, expected, &key)?;
    Ok(presented)
}

/// Every check that comes before the key is looked up: of the form, of what the signature is for, and of its time. The
/// body need not be there yet: who is unknown does not make anybody wait for it.
pub fn examine<'a, H: Headers<'a>>(
    request: &Request<'a, H>,
    expected: &Expected<'_>,
) -> Result<Presented<'a>, SignatureError> {
    let presented = Presented::parse(request, expected.texts.older)?;
    scope(&presented, expected)?;
    if !presented.signs("host") {
        return Err(SignatureError::invalid(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ));
    }
    in_time(&presented, expected.unix_seconds)?;
    Ok(presented)
}

/// The signature itself, of the whole request.
pub fn check<'a, H: Headers<'a>>(
    request: &Request<'a, H>,
    presented: &Presented<'a>,
    expected: &Expected<'_>,
    key: &SigningKey,
) -> Result<(), SignatureError> {
    let mut signed_headers: Vec<String> =
        presented.signed_headers.split(';').map(|name| name.trim().to_ascii_lowercase()).collect();
    signed_headers.sort_unstable();
    signed_headers.dedup();
    let payload = match request.header("x-amz-content-sha256") {
        Some(value) if expected.unsigned_payload && value == b"UNSIGNED-PAYLOAD" => "UNSIGNED-PAYLOAD".to_owned(),
        _ => hex(&request.body_hash),
    };
    let attempt = |plus: Plus| {
        let text =
            canonical(request, &Parts { signed_headers: &signed_headers, payload: &payload, plus, path: Path::Normal });
        let scope = Scope { date: presented.date(), region: presented.region(), service: presented.service() };
        let to_sign = string_to_sign(&iso(presented.time), scope, &text);
        let tag = unhex(&presented.signature);
        // In constant time.
        if tag.is_some_and(|tag| hmac::verify(&key.0, to_sign.as_bytes(), &tag).is_ok()) {
            return Ok(());
        }
        Err((text, to_sign))
    };
    let Err((text, to_sign)) = attempt(Plus::Itself) else { return Ok(()) };
    let has_plus = request.query.is_some_and(|query| query.contains(&b'+'));
    if has_plus && attempt(Plus::Blank).is_ok() {
        return Ok(());
    }
    Err(mismatch(&text, &to_sign, expected.texts))
}

fn scope(presented: &Presented<'_>, expected: &Expected<'_>) -> Result<(), SignatureError> {
    let terminator = presented.terminator();
    if terminator != "aws4_request" {
        return Err(SignatureError::invalid(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
        )));
    }
    let full = iso(presented.time);
    if presented.date() != &full[..8] {
        return Err(SignatureError::invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '{}' != '{}', from '{full}'.",
            presented.date(),
            &full[..8]
        )));
    }
    if !expected.services.contains(&presented.service()) {
        let service = expected.services.first().unwrap_or(&"");
        let message = format!("Credential should be scoped to correct service: '{service}'.");
        return Err(SignatureError::invalid(message));
    }
    if expected.region.is_some_and(|region| region != presented.region()) {
        return Err(SignatureError::invalid(if expected.texts.older {
            format!("Credential should be scoped to a valid region, not '{}'.", presented.region())
        } else {
            "Credential should be scoped to a valid region.".to_owned()
        }));
    }
    Ok(())
}

fn in_time(presented: &Presented<'_>, now: i64) -> Result<(), SignatureError> {
    let (time, before, after) = (presented.time, now.saturating_sub(SKEW_SECONDS), now.saturating_add(SKEW_SECONDS));
    let lifetime = presented.expires.unwrap_or(SKEW_SECONDS);
    let earliest = presented.expires.map_or(before, |expires| now.saturating_sub(expires));
    if time < earliest {
        let span = if lifetime % 60 == 0 { format!("{} min.", lifetime / 60) } else { format!("{lifetime} sec.") };
        return Err(SignatureError::invalid(format!(
            "Signature expired: {} is now earlier than {} ({} - {span})",
            iso(time),
            iso(earliest),
            iso(now)
        )));
    }
    if time > after {
        return Err(SignatureError::invalid(format!(
            "Signature not yet current: {} is still later than {} ({} + 5 min.)",
            iso(time),
            iso(after),
            iso(now)
        )));
    }
    Ok(())
}

fn mismatch(canonical: &[u8], to_sign: &str, texts: Texts) -> SignatureError {
    let mut message = "The request signature we calculated does not match the signature you provided. Check your AWS \
                       Secret Access Key and signing method. Consult the service documentation for details."
        .to_owned();
    if texts.long_mismatch {
        message.push_str(&format!(
            "\n\nThe Canonical String for this request should have been\n'{}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n",
            String::from_utf8_lossy(canonical)
        ));
    }
    SignatureError::invalid(message)
}
