//! Bytes to messages and back; no socket, no clock.

pub mod event_stream;
pub mod h1;
pub mod headers;
pub mod origin;
pub mod uri;

/// A number in decimal digits, in the part of `digits` that it takes.
pub fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}
