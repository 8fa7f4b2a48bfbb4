//! Signing what goes out.

use ring::hmac;

use super::canonical::{Parts, Path, Plus, canonical};
use super::key::{Scope, SigningKey, hex, string_to_sign};
use super::presented::ALGORITHM;
use super::request::{Headers, Request};
use super::time;

/// Headers that proxies on the way may change, as botocore leaves them out.
const NOT_SIGNED: [&str; 6] =
    ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

/// With what a request is signed.
pub struct Signer<'s> {
    pub access_key: &'s str,
    /// Made for the day, region and service of the request.
    pub key: &'s SigningKey,
    pub session_token: Option<&'s str>,
    pub region: &'s str,
    pub service: &'s str,
}

/// The headers to add to `request`, which has its `Host` already: `X-Amz-Date`, for S3 `X-Amz-Content-Sha256`,
/// `X-Amz-Security-Token` where there is
/// one, `Authorization`. All that it has are signed, but for those that proxies change.
pub fn sign<'a, H: Headers<'a>>(
    request: &Request<'a, H>,
    signer: &Signer<'_>,
    unix_seconds: i64,
) -> Vec<(&'static str, String)> {
    let date = time::iso(unix_seconds);
    let mut added = vec![("X-Amz-Date", date.clone())];
    let payload = hex(&request.body_hash);
    let is_s3 = signer.service == "s3";
    added.extend(is_s3.then(|| ("X-Amz-Content-Sha256", payload.clone())));
    added.extend(signer.session_token.map(|token| ("X-Amz-Security-Token", token.to_owned())));
    let is_added = |name: &[u8]| added.iter().any(|(own, _)| name.eq_ignore_ascii_case(own.as_bytes()));
    let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
    for (name, value) in request.headers.clone().filter(|(name, _)| !is_added(name)) {
        headers.push((name, value));
    }
    for (name, value) in &added {
        headers.push((name.as_bytes(), value.as_bytes()));
    }
    let lower = |(name, _): &(&[u8], &[u8])| String::from_utf8_lossy(name).to_ascii_lowercase();
    let mut signed_headers: Vec<String> = headers.iter().map(lower).collect();
    signed_headers.retain(|name| !NOT_SIGNED.contains(&name.as_str()));
    signed_headers.sort_unstable();
    signed_headers.dedup();
    // A header of its own, so that the canonical query is the header form's whatever the query says.
    headers.push((b"authorization", b""));
    let whole = Request {
        method: request.method,
        path: request.path,
        query: request.query,
        headers: headers.into_iter(),
        body_hash: request.body_hash,
    };
    let path = if is_s3 { Path::Key } else { Path::Normal };
    let parts = Parts { signed_headers: &signed_headers, payload: &payload, plus: Plus::Itself, path };
    let text = canonical(&whole, &parts);
    let scope = Scope { date: &date[..8], region: signer.region, service: signer.service };
    let signature = hmac::sign(&signer.key.0, string_to_sign(&date, scope, &text).as_bytes());
    let authorization = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={}",
        signer.access_key,
        signed_headers.join(";"),
        hex(signature.as_ref())
    );
    added.push(("Authorization", authorization));
    added
}
