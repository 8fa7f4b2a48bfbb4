//! RFC 7515 section 2: base64url without padding.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Bits behind the last byte must be zero, so that one signature has one text.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}
