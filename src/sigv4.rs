//! AWS Signature Version 4. So far: what the front end says of an `Authorization` header that is none.

use ring::digest::{SHA256, digest};

/// What AWS answers where an unmatched route carries an `Authorization` that is not SigV4 (rest/01 section 1.5);
/// `None` where it is, or could be.
pub fn incomplete(authorization: &[u8]) -> Option<String> {
    let hash = base64(digest(&SHA256, authorization).as_ref());
    if !authorization.contains(&b'=') {
        return Some(format!(
            "Invalid key=value pair (missing equal-sign) in Authorization header \
             (hashed with SHA-256 and encoded with Base64): '{hash}'."
        ));
    }
    let has = |part: &[u8]| memchr::memmem::find(authorization, part).is_some();
    if has(b"Credential=") && has(b"Signature=") && has(b"SignedHeaders=") {
        return None;
    }
    Some(format!(
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a \
         'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization={hash}"
    ))
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        for (text, expected) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn headers_that_are_no_signature() {
        let said = |header: &str| incomplete(header.as_bytes()).unwrap_or_default();
        assert!(said("Bearer abc").starts_with("Invalid key=value pair (missing equal-sign) in Authorization header"));
        assert!(said("Bearer abc").ends_with("'w1Xc6WwWEogNEZQP/dkBTThsJT4MNlKmzQanIm970rY='."));
        assert!(said("Basic YQ==").starts_with("Authorization header requires 'Credential' parameter."));
        assert_eq!(said("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c"), "");
    }
}
