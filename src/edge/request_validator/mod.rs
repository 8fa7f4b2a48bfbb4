//! Is the request what its method asks for? Parameters first, then the body (rest/03).

pub mod compile;

use std::sync::Arc;

use crate::edge::exchange::{Context, INTAKE_NAMES, Request};
use crate::edge::fault::{Fault, FaultKind};
use crate::lang::schema::Schema;
use crate::wire::headers::Known;
use crate::wire::uri::{Decoded, pairs, query_name_is};

/// What one method asks of its requests.
#[derive(Debug, Default)]
pub struct Validator {
    /// In the order in which AWS names those that are missing: by their full keys.
    parameters: Box<[Parameter]>,
    body: Option<Body>,
}

/// One that has to be there.
#[derive(Debug)]
struct Parameter {
    position: Position,
    name: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Header,
    /// The path has no parameter of that name: it is always missing. One that the path has is never asked for.
    Path,
    QueryString,
}

/// What the body is checked against.
#[derive(Debug)]
struct Body {
    /// Content types without parameters.
    models: Box<[(Box<str>, Arc<Schema>)]>,
    /// `$default`, or what holds where no models are named.
    default: Option<Arc<Schema>>,
}

impl Validator {
    pub fn needs_body(&self) -> bool {
        self.body.is_some()
    }
}

/// Proof that a request is what its method asks for, or that nothing was asked. Only [`validate`] makes one.
#[derive(Debug)]
pub struct Valid(());

/// `body` is looked at where [`needs_body`](Validator::needs_body) says so.
pub fn validate(validator: Option<&Validator>, context: &Context<'_>, body: &[u8]) -> Result<Valid, Fault> {
    if let Some(validator) = validator {
        let request = context.request;
        if validator.parameters.iter().any(|parameter| !parameter.is_in(request)) {
            return Err(missing(&validator.parameters, request));
        }
        if let Some(asked) = &validator.body {
            asked.check(request, body)?;
        }
    }
    Ok(Valid(()))
}

impl Parameter {
    /// There, and not blank (rest/03 section 3.2).
    fn is_in(&self, request: &Request) -> bool {
        let name = self.name.as_bytes();
        match self.position {
            Position::Path => false,
            // RFC 9110 5.1: names of headers have no case, and what came by HTTP/2 has lost it.
            // … which the gateway itself brings, where the client does not (rest/05 section 5.2).
            Position::Header if INTAKE_NAMES.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name)) => true,
            Position::Header => request.visible_lines().any(|line| {
                line.name.of(&request.bytes).eq_ignore_ascii_case(name) && !is_blank(line.value.of(&request.bytes))
            }),
            Position::QueryString => pairs(request.query().unwrap_or_default()).any(|(encoded, value)| {
                query_name_is(encoded, name) && Decoded::of_query(value).any(|byte| !byte.is_ascii_whitespace())
            }),
        }
    }
}

fn is_blank(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_whitespace)
}

fn missing(parameters: &[Parameter], request: &Request) -> Fault {
    let missing = parameters.iter().filter(|parameter| !parameter.is_in(request));
    let names: Vec<&str> = missing.map(|parameter| &*parameter.name).collect();
    let message = format!("Missing required request parameters: [{}]", names.join(", "));
    Fault::with_message(FaultKind::BadParameters, message)
}

impl Body {
    fn check(&self, request: &Request, body: &[u8]) -> Result<(), Fault> {
        let content_type = content_type(request);
        let own = self.models.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(content_type));
        // rest/03 section 3.3: what no model is for is not looked at.
        let Some(schema) = own.map(|(_, schema)| schema).or(self.default.as_ref()) else { return Ok(()) };
        schema.check(body).map_err(|invalid| {
            let content_type = String::from_utf8_lossy(content_type);
            let detail = format!("Request body does not match model schema for content type {content_type}: {invalid}");
            Fault { validation_errors: invalid.into_violations(), ..Fault::because(FaultKind::BadBody, detail) }
        })
    }
}

/// `type/subtype` of the body, without its parameters; without a header it is JSON.
fn content_type(request: &Request) -> &[u8] {
    let value = request.value(Known::ContentType).unwrap_or_default();
    match value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii() {
        b"" => b"application/json",
        named => named,
    }
}
