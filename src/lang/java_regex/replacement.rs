//! Java's replacement texts: `$1`, `${name}`, and a backslash before what is meant as it stands.

use super::program::{Groups, RegexError};
use crate::lang::budget::Budget;

#[derive(Debug)]
pub(super) struct Replacement {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// The message is Java's where it says something.
    pub(super) fn parse(text: &str, groups: usize, names: &[(String, usize)]) -> Result<Self, &'static str> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => plain.push(letters.next().ok_or("character to be escaped is missing")?),
                '$' => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Group(match letters.next() {
                        Some('{') => {
                            let mut name = String::new();
                            while let Some(letter) = letters.next_if(char::is_ascii_alphanumeric) {
                                name.push(letter);
                            }
                            if letters.next() != Some('}') {
                                return Err("named capturing group is missing trailing '}'");
                            }
                            let found = names.iter().find(|(known, _)| *known == name);
                            found.map(|(_, group)| *group).ok_or("No group with that name")?
                        }
                        Some(digit @ '0'..='9') => {
                            let mut group = digit as usize - '0' as usize;
                            if group > groups {
                                return Err("No such group");
                            }
                            // As many digits as still name a group.
                            while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
                                let longer = group * 10 + digit as usize;
                                if longer > groups {
                                    break;
                                }
                                group = longer;
                                letters.next();
                            }
                            group
                        }
                        _ => return Err("Illegal group reference"),
                    }));
                }
                letter => plain.push(letter),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    pub(super) fn write(
        &self,
        text: &str,
        groups: &Groups,
        budget: &Budget,
        out: &mut Vec<u8>,
    ) -> Result<(), RegexError> {
        for piece in &self.pieces {
            let piece = match piece {
                Piece::Text(text) => text,
                // A group that took no part is nothing.
                Piece::Group(group) => {
                    let found = groups.0.get(*group).copied().flatten();
                    found.and_then(|(start, end)| text.get(start..end)).unwrap_or_default()
                }
            };
            budget.spend(1 + piece.len() as u64 / 64)?;
            budget.allows(out.len(), piece.len())?;
            out.extend_from_slice(piece.as_bytes());
        }
        Ok(())
    }
}
