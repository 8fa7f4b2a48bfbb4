//! `*`, `?` and `${…}`: texts and ARNs with holes. Matching takes at most pattern times text steps.

use std::borrow::Cow;

/// Condition keys and their values.
pub(super) type Context<'c> = [(&'c str, &'c str)];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `*`: any run of characters, also none.
    Any,
    /// `?`: one character.
    One,
    /// `${key}` or `${key, 'fallback'}`
    Variable {
        key: String,
        fallback: Option<String>,
    },
}

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// `*` and `?` are holes, not letters.
    pub wildcards: bool,
    /// `${…}` is a variable: documents of 2012-10-17.
    pub variables: bool,
}

/// A text with holes and without variables.
#[derive(Clone, Debug)]
pub(super) struct Glob(Vec<Piece>);

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        Self(read(text, Reading { wildcards: true, variables: false }).unwrap_or_default())
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches(&self.0, text)
    }
}

/// A text with holes and variables.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    pub(super) fn new(text: &str, reading: Reading) -> Result<Self, String> {
        read(text, reading).map(Self)
    }

    /// `None` where a variable has no value.
    pub(super) fn matches(&self, text: &str, context: &Context<'_>) -> Option<bool> {
        Some(matches(&filled(&self.0, context)?, text))
    }

    pub(super) fn equals_ignoring_case(&self, text: &str, context: &Context<'_>) -> Option<bool> {
        let whole = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.to_lowercase()),
            Piece::Any | Piece::One => None,
            Piece::Variable { key, fallback } => Some(value_of(key, fallback.as_deref(), context)?.to_lowercase()),
        });
        Some(whole.collect::<Option<String>>()? == text.to_lowercase())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        variables(&self.0)
    }
}

/// An ARN with holes: its fields are matched one by one, so that a `*` does not reach across a colon. Only the last one,
/// the sixth, may have colons of its own.
#[derive(Clone, Debug)]
pub(super) enum Arn {
    /// `*`
    Any,
    /// Fewer than six only where the last is `*`: it stands for the rest.
    Fields(Vec<Vec<Piece>>),
}

const FIELDS: usize = 6;

impl Arn {
    pub(super) fn new(text: &str, reading: Reading) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let mut fields = vec![Vec::new()];
        for piece in read(text, reading)? {
            let Piece::Text(text) = piece else {
                push(&mut fields, piece);
                continue;
            };
            let mut rest = text.as_str();
            while let Some((field, after)) = rest.split_once(':').filter(|_| fields.len() < FIELDS) {
                push(&mut fields, Piece::Text(field.to_owned()));
                fields.push(Vec::new());
                rest = after;
            }
            push(&mut fields, Piece::Text(rest.to_owned()));
        }
        if fields.first() != Some(&vec![Piece::Text("arn".to_owned())]) {
            return Err(format!("`{text}` is not an ARN and not *"));
        }
        if fields.len() < FIELDS && fields.last() != Some(&vec![Piece::Any]) {
            return Err(format!("`{text}` has fewer than six fields, and does not end in :*"));
        }
        Ok(Self::Fields(fields))
    }

    /// `None` where a variable has no value.
    pub(super) fn matches(&self, arn: &str, context: &Context<'_>) -> Option<bool> {
        let Self::Fields(fields) = self else { return Some(true) };
        let mut given = arn.splitn(FIELDS, ':');
        let mut all = true;
        for (index, field) in fields.iter().enumerate() {
            let field = filled(field, context)?;
            let is_rest = index + 1 == fields.len() && fields.len() < FIELDS;
            all &= given.next().is_some_and(|given| is_rest || matches(&field, given));
        }
        Some(all)
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let fields = if let Self::Fields(fields) = self { fields.as_slice() } else { &[] };
        fields.iter().flat_map(|field| variables(field))
    }
}

fn push(fields: &mut [Vec<Piece>], piece: Piece) {
    if let Some(last) = fields.last_mut().filter(|_| piece != Piece::Text(String::new())) {
        last.push(piece);
    }
}

fn variables(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    pieces.iter().filter_map(|piece| if let Piece::Variable { key, .. } = piece { Some(key.as_str()) } else { None })
}

fn read(text: &str, reading: Reading) -> Result<Vec<Piece>, String> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let piece = match first {
            '*' if reading.wildcards => Piece::Any,
            '?' if reading.wildcards => Piece::One,
            '$' if reading.variables && rest.starts_with("${") => {
                let end = rest.find('}').ok_or_else(|| format!("`{rest}` has no }}"))?;
                let piece = variable(&rest[2..end])?;
                rest = &rest[end + 1..];
                add(&mut pieces, piece);
                continue;
            }
            letter => Piece::Text(letter.to_string()),
        };
        rest = &rest[first.len_utf8()..];
        add(&mut pieces, piece);
    }
    Ok(pieces)
}

/// Letters become one text, and stars in a row one star.
fn add(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
        (Some(Piece::Any), Piece::Any) => {}
        (_, piece) => pieces.push(piece),
    }
}

/// What stands between `${` and `}`.
fn variable(inside: &str) -> Result<Piece, String> {
    if ["*", "?", "$"].contains(&inside) {
        return Ok(Piece::Text(inside.to_owned()));
    }
    let (key, fallback) = match inside.split_once(',') {
        None => (inside.trim(), None),
        Some((key, fallback)) => {
            let fallback = fallback.trim();
            let quoted = fallback.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (
                key.trim(),
                Some(quoted.ok_or_else(|| format!("the fallback in `${{{inside}}}` is not in quotes"))?.to_owned()),
            )
        }
    };
    if !super::value::is_known_key(key) {
        return Err(format!("`{key}` is not a variable that is known here"));
    }
    Ok(Piece::Variable { key: key.to_owned(), fallback })
}

/// With every variable replaced by its value, whose `*` and `?` are letters; borrowed where there is none.
fn filled<'p>(pieces: &'p [Piece], context: &Context<'_>) -> Option<Cow<'p, [Piece]>> {
    if variables(pieces).next().is_none() {
        return Some(Cow::Borrowed(pieces));
    }
    let fill = |piece: &Piece| match piece {
        Piece::Variable { key, fallback } => Some(Piece::Text(value_of(key, fallback.as_deref(), context)?.to_owned())),
        other => Some(other.clone()),
    };
    Some(Cow::Owned(pieces.iter().map(fill).collect::<Option<_>>()?))
}

/// A key of several values has none that could stand in a text.
fn value_of<'v>(key: &str, fallback: Option<&'v str>, context: &Context<'v>) -> Option<&'v str> {
    let mut values = context.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| *value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        (None, _) => fallback,
        (Some(_), Some(_)) => None,
    }
}

/// Goes back to the last star only: what stood before an earlier one would match there just as well. So each star walks
/// over the text once, and nothing is exponential.
fn matches(pieces: &[Piece], text: &str) -> bool {
    let step = |at: usize| text[at..].chars().next().map(|letter| at + letter.len_utf8());
    let (mut piece, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let next = match pieces.get(piece) {
            None if at == text.len() => return true,
            None => None,
            Some(Piece::Any) if piece + 1 == pieces.len() => return true,
            Some(Piece::Any) => {
                star = Some((piece + 1, at));
                Some(at)
            }
            Some(Piece::One) => step(at),
            Some(Piece::Text(wanted)) => text[at..].starts_with(wanted.as_str()).then(|| at + wanted.len()),
            Some(Piece::Variable { .. }) => return false,
        };
        if let Some(next) = next {
            (piece, at) = (piece + 1, next);
            continue;
        }
        let Some((after_star, from)) = star else { return false };
        let Some(from) = step(from) else { return false };
        star = Some((after_star, from));
        (piece, at) = (after_star, from);
    }
}

pub(super) fn fuzz(glob: &str, text: &str) {
    if glob.len() > 512 || text.len() > 512 {
        return;
    }
    let found = Glob::new(glob).matches(text);
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    // row[i]: does the glob so far match the first i characters?
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for letter in &glob {
        let mut next = vec![false; text.len() + 1];
        next[0] = row[0] && *letter == '*';
        for i in 1..=text.len() {
            next[i] = match letter {
                '*' => row[i] || next[i - 1],
                '?' => row[i - 1],
                letter => row[i - 1] && text[i - 1] == *letter,
            };
        }
        row = next;
    }
    assert_eq!(found, row[text.len()], "{glob:?} on {text:?}");
}
