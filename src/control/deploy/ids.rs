//! Ids that look like AWS's and stay the same as long as what they name does.

use ring::digest::{Context, SHA256};

/// `length` characters of `[a-z0-9]`, made from the parts.
pub fn stable_id(parts: &[&str], length: usize) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // With its length, so that no two lists of parts run together.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let digest = context.finish();
    let characters = digest.as_ref().iter().cycle().take(length);
    // A letter first: AWS's ids begin with one or a digit, and a host label that is a letter is nobody's octet.
    let digit = |(place, byte): (usize, &u8)| {
        let alphabet: &[u8] = if place == 0 { &ALPHABET[..26] } else { ALPHABET };
        char::from(alphabet[usize::from(*byte) % alphabet.len()])
    };
    characters.enumerate().map(digit).collect()
}

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_apart() {
        let id = stable_id(&["orders", "api.yaml", "Pets"], 10);
        assert_eq!(id, stable_id(&["orders", "api.yaml", "Pets"], 10));
        assert_eq!(id.len(), 10);
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
        assert_ne!(id, stable_id(&["order", "sapi.yaml", "Pets"], 10));
    }
}
