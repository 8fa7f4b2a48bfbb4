//! What a gateway response looks up: the failure, the request as the client sent it, and `$context` (rest/11 section
//! 11.4).

use crate::edge::exchange::{Context, Variable};
use crate::edge::fault::{Fault, write_json_text};
use crate::wire::uri::{Decoded, pairs, query_name_is};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A constant, or a stage variable: both are known at deployment.
    Text(Box<[u8]>),
    /// The last line of the client's header with exactly this name, as in every mapping (rest/04 section 4.4).
    Header(Box<[u8]>),
    /// The last value of a query parameter.
    Query(Box<[u8]>),
    /// By its name: which method a request met, if any, is known only when it fails.
    Path(Box<str>),
    Context(Variable),
    /// `$context.authorizer.…`, by the path behind it.
    Authorizer(Box<str>),
    Error(ErrorVariable),
}

/// `$context.error`, which exists in gateway responses and access logs alone (rest/08 section 8.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorVariable {
    Message,
    /// The message as a JSON string, or `null`.
    MessageString,
    ResponseType,
    ValidationErrorString,
}

pub(super) const ERROR_VARIABLES: &[(&str, ErrorVariable)] = &[
    ("error.message", ErrorVariable::Message),
    ("error.messageString", ErrorVariable::MessageString),
    ("error.responseType", ErrorVariable::ResponseType),
    ("error.validationErrorString", ErrorVariable::ValidationErrorString),
];

/// A template: what is missing is the empty text (rest/11 section 11.5). Values go in as they are, as on AWS: whoever
/// writes `"$context.path"` into JSON gets the client's quotes with it.
pub(super) fn write_all(pieces: &[Source], context: &Context<'_>, fault: &Fault, push: &mut impl FnMut(&[u8])) {
    for piece in pieces {
        piece.write(context, fault, push);
    }
}

impl Source {
    /// Writes the value; false where there is none.
    pub(super) fn write(&self, context: &Context<'_>, fault: &Fault, push: &mut impl FnMut(&[u8])) -> bool {
        let request = context.request;
        match self {
            Self::Text(text) => push(text),
            Self::Header(name) => match request.lines_named(name).next_back() {
                Some(line) => push(line.value.of(&request.bytes)),
                None => return false,
            },
            Self::Query(name) => {
                let query = request.query().unwrap_or_default();
                match pairs(query).filter(|(encoded, _)| query_name_is(encoded, name)).last() {
                    Some((_, value)) => push(&Decoded::of_query(value).collect::<Vec<_>>()),
                    None => return false,
                }
            }
            Self::Path(name) => match path_value(context, name) {
                Some(value) => push(value),
                None => return false,
            },
            Self::Context(variable) => return variable.write(context, push),
            Self::Authorizer(path) => match context.authorizer_text(path) {
                Some(text) => push(text.as_bytes()),
                None => return false,
            },
            Self::Error(variable) => return variable.write(fault, push),
        }
        true
    }
}

/// The value of `{name}` or `{name+}`, still encoded as it came.
fn path_value<'x>(context: &Context<'x>, name: &str) -> Option<&'x [u8]> {
    let template = &context.method?.resource_path;
    let parameters = template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let at = parameters.map(|parameter| parameter.trim_end_matches('+')).position(|parameter| parameter == name)?;
    Some(context.values.get(at)?.of(&context.request.bytes))
}

impl ErrorVariable {
    fn write(self, fault: &Fault, push: &mut impl FnMut(&[u8])) -> bool {
        match self {
            Self::Message => push(fault.message.as_bytes()),
            Self::MessageString if fault.message.is_empty() => push(b"null"),
            Self::MessageString => {
                push(b"\"");
                write_json_text(fault.message.as_bytes(), push);
                push(b"\"");
            }
            Self::ResponseType => push(fault.kind.gateway_response().response_type.as_bytes()),
            Self::ValidationErrorString => match &fault.validation_errors {
                Some(errors) => push(errors.as_bytes()),
                None => return false,
            },
        }
        true
    }
}
