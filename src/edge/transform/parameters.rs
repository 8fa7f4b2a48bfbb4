//! Where a mapped value comes from (rest/04 section 4.4).

use super::json_body::{BodyPath, JsonBody};
use super::overrides::{Overrides, joined};
use super::template::{Way, bounded};
use crate::edge::exchange::{Context, INTAKE_NAMES, Variable};
use crate::edge::fault::{Fault, FaultKind};
use crate::wire::headers::is_field_value;
use crate::wire::uri::{Decoded, encode_path, encode_query, pairs, query_name_is};

/// A source of a request parameter.
#[derive(Debug)]
pub(super) enum Source {
    /// A quoted constant, or a stage variable: both are known at deployment.
    Literal(Box<[u8]>),
    /// A path parameter by its place in the template. Its value stays encoded as the client sent it.
    Path(usize),
    /// The last value of a query parameter.
    Query(Box<[u8]>),
    /// All of them.
    MultiQuery(Box<[u8]>),
    /// The last line of a header.
    Header(Box<[u8]>),
    /// All of them.
    MultiHeader(Box<[u8]>),
    Context(Variable),
    /// `context.authorizer.…`, by the path behind it.
    Authorizer(Box<str>),
    /// The client's body as text.
    Body,
    /// What a path finds in it.
    BodyPath(Box<BodyPath>),
    /// No mapping: only an override of the template can give it a value.
    Unmapped,
}

/// What a value is looked up in.
pub(super) struct Lookup<'l> {
    pub(super) context: &'l Context<'l>,
    /// Where some source of the mapping looks into the body.
    pub(super) body: Option<&'l JsonBody<'l>>,
}

/// How a value is written where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Header,
    Path,
    Query,
}

impl Source {
    /// Whether this writes repeated query parameters, one for each value.
    pub(super) fn is_multi(&self) -> bool {
        matches!(self, Self::MultiQuery(_) | Self::MultiHeader(_))
    }

    /// Hands every value to `each` in its plain form: decoded where it came encoded. Answers whether there was any.
    pub(super) fn values(&self, lookup: &Lookup<'_>, each: &mut impl FnMut(&[u8])) -> bool {
        let context = lookup.context;
        let request = context.request;
        match self {
            Self::Literal(text) => {
                each(text);
                true
            }
            Self::Path(index) => match context.values.get(*index) {
                Some(span) => {
                    each(span.of(&request.bytes));
                    true
                }
                None => false,
            },
            Self::Query(name) => {
                let matches = |(encoded, _): &(&[u8], &[u8])| query_name_is(encoded, name);
                let Some((_, value)) = pairs(request.query().unwrap_or_default()).filter(matches).last() else {
                    return false;
                };
                decoded(value, each);
                true
            }
            Self::MultiQuery(name) => {
                let mut any = false;
                for (_, value) in
                    pairs(request.query().unwrap_or_default()).filter(|(encoded, _)| query_name_is(encoded, name))
                {
                    decoded(value, each);
                    any = true;
                }
                any
            }
            Self::Header(name) | Self::MultiHeader(name)
                if INTAKE_NAMES.iter().any(|own| own.as_bytes() == &**name) =>
            {
                match request.intake_value(name) {
                    Some(value) => {
                        each(&value);
                        true
                    }
                    None => false,
                }
            }
            Self::Header(name) => match request.lines_named(name).next_back() {
                Some(line) => {
                    each(line.value.of(&request.bytes));
                    true
                }
                None => false,
            },
            Self::MultiHeader(name) => {
                let mut any = false;
                for line in request.lines_named(name) {
                    each(line.value.of(&request.bytes));
                    any = true;
                }
                any
            }
            Self::Context(variable) => {
                let mut value = Vec::new();
                let found = variable.write(context, &mut |part| value.extend_from_slice(part));
                if found {
                    each(&value);
                }
                found
            }
            Self::Authorizer(path) => match context.authorizer_text(path) {
                Some(text) => {
                    each(text.as_bytes());
                    true
                }
                None => false,
            },
            Self::Body => match lookup.body {
                Some(body) => {
                    each(body.whole().as_bytes());
                    true
                }
                None => false,
            },
            Self::BodyPath(path) => lookup.body.is_some_and(|body| body.write(path, each)),
            Self::Unmapped => false,
        }
    }

    /// Whether it looks into the client's body.
    pub(super) fn reads_body(&self) -> bool {
        matches!(self, Self::Body | Self::BodyPath(_))
    }

    /// Writes the value in its form; several values are joined with a comma. False where there is none.
    pub(super) fn write(&self, lookup: &Lookup<'_>, form: Form, push: &mut impl FnMut(&[u8])) -> Result<bool, Fault> {
        let mut first = true;
        let mut sound = true;
        let mut fits = Ok(());
        let found = self.values(lookup, &mut |value| {
            if self.reads_body() {
                fits = bounded(Way::Request, format_args!("a mapped value of the body"), value);
                if fits.is_err() {
                    return;
                }
            }
            if !std::mem::take(&mut first) {
                push(b",");
            }
            match form {
                // A decoded query value may hold a line's end: it must not become a header of its own.
                Form::Header if !is_field_value(value) => sound = false,
                Form::Header => push(value),
                // rest/04 section 4.3: path values go in as they came, still encoded.
                Form::Path if matches!(self, Self::Path(_) | Self::Literal(_)) => push(value),
                Form::Path => encode_path(value, |byte| push(&[byte])),
                Form::Query if matches!(self, Self::Path(_)) => {
                    encode_query(Decoded::of(value), |byte| push(&[byte]));
                }
                Form::Query => encode_query(value.iter().copied(), |byte| push(&[byte])),
            }
        });
        fits?;
        if sound {
            Ok(found)
        } else {
            Err(Fault::because(FaultKind::BadParameters, "a mapped header value contains a control character"))
        }
    }
}

fn decoded(value: &[u8], each: &mut impl FnMut(&[u8])) {
    if value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        each(&Decoded::of_query(value).collect::<Vec<_>>());
    } else {
        each(value);
    }
}

/// A piece of a backend's path or query.
#[derive(Debug)]
pub(super) enum Piece {
    Text(Box<[u8]>),
    /// `{name}` and its source; without a value the address is broken (rest/04 section 4.3).
    Value(Source, Box<str>),
}

impl Piece {
    pub(super) fn write_all(
        pieces: &[Self],
        lookup: &Lookup<'_>,
        overrides: Option<&Overrides>,
        form: Form,
        push: &mut impl FnMut(&[u8]),
    ) -> Result<(), Fault> {
        for piece in pieces {
            match piece {
                Self::Text(text) => push(text),
                Self::Value(source, name) => {
                    if let Some(value) = overrides.and_then(|overrides| overrides.path(name)) {
                        let value = joined(value);
                        bounded(Way::Request, format_args!("requestOverride.path.{name}"), value.as_bytes())?;
                        match form {
                            Form::Query => encode_query(value.bytes(), |byte| push(&[byte])),
                            _ => encode_path(value.as_bytes(), |byte| push(&[byte])),
                        }
                    } else if !source.write(lookup, form, push)? {
                        let detail = format!("Invalid endpoint address: {{{name}}} has no value");
                        return Err(Fault::because(FaultKind::Configuration, detail));
                    }
                }
            }
        }
        Ok(())
    }
}
