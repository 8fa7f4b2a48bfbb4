//! `$util`: API Gateway's own functions (rest/08 section 8.10), and two of Weir's: `parseXml` and `toXml`.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use crate::lang::budget::pieces;
use crate::lang::value::{Object, Value};
use crate::lang::vtl::method::Method;
use crate::lang::vtl::methods::call::Call;
use crate::lang::vtl::methods::input;
use crate::lang::vtl::run::{Run, Runner};
use crate::lang::xml;

/// As Java's decoder: padding may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl<'a> Call<'_, '_, 'a> {
    pub(super) fn on_util(&mut self) -> Run<Value<'a>> {
        match (self.method, self.arguments) {
            (Method::ParseJson, [Value::Text(text)]) => input::parse_json(self, text),
            (Method::ParseXml, [Value::Text(text)]) => {
                // What the reader skips, a long comment for one, takes time too.
                self.runner.spend(1 + text.len() as u64 / 64)?;
                xml::parse(text, self.runner.arena, self.runner.budget)
                    .map_err(|error| self.runner.fail(format!("$util.parseXml: {error}")))
            }
            (Method::ToXml, [value]) => {
                let text = self.runner.captured(|runner| {
                    let result = xml::write(*value, runner.budget, runner.out);
                    result.map_err(|error| runner.fail(format!("$util.toXml: {}", error.message)))
                })?;
                Ok(Value::Text(text))
            }
            (method, [Value::Text(text)]) if method.writes() && method.is_of_util() => {
                let text = self.runner.captured(|runner| write(runner, method, text))?;
                Ok(Value::Text(text))
            }
            (Method::ToString, []) => Ok(Value::Text(self.runner.text_of(Value::Object(Object::Util))?)),
            _ => self.mismatched(),
        }
    }

    /// A function's text straight to the output.
    pub(super) fn write_util(&mut self) -> Run<()> {
        match self.arguments {
            [Value::Text(text)] if self.method.is_of_util() => write(self.runner, self.method, text),
            _ => self.mismatched().map(drop),
        }
    }
}

fn write(runner: &mut Runner<'_, '_>, method: Method, text: &str) -> Run<()> {
    match method {
        Method::EscapeJavaScript => in_pieces(runner, text, escape),
        Method::UrlEncode => in_pieces(runner, text, url_encode),
        Method::UrlDecode => url_decode(runner, text),
        Method::Base64Encode => {
            runner.room(text.len().saturating_mul(4) / 3 + 4)?;
            let start = runner.out.len();
            let length = base64::encoded_len(text.len(), true).unwrap_or_default();
            runner.out.resize(start + length, 0);
            let written = runner.out.get_mut(start..).map(|place| STANDARD.encode_slice(text, place));
            debug_assert!(matches!(written, Some(Ok(bytes)) if bytes == length), "the length was calculated");
            Ok(())
        }
        _ => {
            runner.room(text.len())?;
            runner.spend(text.len() as u64 / 16)?;
            match LENIENT.decode(text) {
                Ok(bytes) => runner.push(&String::from_utf8_lossy(&bytes)),
                Err(error) => Err(runner.fail(format!("$util.base64Decode: {error}"))),
            }
        }
    }
}

/// Each byte becomes at most six: what is left is asked again every few KB.
fn in_pieces(runner: &mut Runner<'_, '_>, text: &str, write: fn(&mut Vec<u8>, &str)) -> Run<()> {
    for piece in pieces(text) {
        runner.room(piece.len())?;
        let before = runner.out.len();
        write(runner.out, piece);
        // What is escaped takes some nanoseconds a byte.
        runner.spend((runner.out.len() - before) as u64 / 16)?;
    }
    runner.room(0)
}

/// commons-lang's `escapeJavaScript`: `/` and `'` too, and everything beyond ASCII by its UTF-16 units.
fn escape(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let short = match character {
            ' '..='~' if !matches!(character, '\'' | '"' | '\\' | '/') => continue,
            '\'' | '"' | '\\' | '/' => Some(character),
            '\n' => Some('n'),
            '\t' => Some('t'),
            '\r' => Some('r'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            // commons-lang escapes what is above 0x7f.
            '\u{7f}' => continue,
            _ => None,
        };
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        copied = at + character.len_utf8();
        match short {
            Some(short) => out.extend_from_slice(&[b'\\', short as u8]),
            None => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let digit = |shift: u16| HEX.get(usize::from(*unit >> shift & 0xF)).copied().unwrap_or(b'0');
                    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
                }
            }
        }
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// `application/x-www-form-urlencoded`, as `java.net.URLEncoder`.
fn url_encode(out: &mut Vec<u8>, text: &str) {
    for &byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => {
                let digit = |shift: u8| HEX.get(usize::from(byte >> shift & 0xF)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'%', digit(4), digit(0)]);
            }
        }
    }
}

fn url_decode(runner: &mut Runner<'_, '_>, text: &str) -> Run<()> {
    runner.spend(text.len() as u64 / 16)?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = rest.next().zip(rest.next());
                let digit = |byte: u8| (byte as char).to_digit(16);
                match digits.and_then(|(high, low)| Some(digit(high)? * 16 + digit(low)?)) {
                    Some(byte) => byte as u8,
                    None => return Err(runner.fail("$util.urlDecode: a % without two hexadecimal digits".into())),
                }
            }
            byte => byte,
        });
    }
    runner.push(&String::from_utf8_lossy(&bytes))
}
