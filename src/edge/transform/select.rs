//! Which template, which integration response (rest/04 section 4.5, rest/07 sections 7.1 and 7.4).

use regex::Regex;

use super::parameters::Source;
use crate::edge::exchange::{Request, Variable};
use crate::edge::fault::{Fault, FaultKind};
use crate::wire::decimal;
use crate::wire::headers::Known;

/// Request templates by content type.
#[derive(Debug)]
pub struct BodyTemplates<T> {
    /// Content type in lower case; `$default` matches what nothing else does.
    pub(super) entries: Vec<(Box<str>, T)>,
    /// What happens to a body that no template is for.
    pub(super) unmatched: Unmatched,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmatched {
    PassThrough,
    /// 415.
    Refuse,
}

impl<T> BodyTemplates<T> {
    /// The template for this request; `None` passes the body through.
    pub(super) fn choose(&self, request: &Request) -> Result<Option<&T>, Fault> {
        if !self.entries.is_empty() {
            let content_type = request.value(Known::ContentType).map_or(&b"application/json"[..], media_type);
            let named = |name: &[u8]| self.entries.iter().find(|(key, _)| key.as_bytes().eq_ignore_ascii_case(name));
            if let Some((_, template)) = named(content_type).or_else(|| named(b"$default")) {
                return Ok(Some(template));
            }
        }
        match self.unmatched {
            Unmatched::PassThrough => Ok(None),
            Unmatched::Refuse => Err(Fault::new(FaultKind::UnsupportedMediaType)),
        }
    }
}

/// `type/subtype` of a header value, without its parameters.
fn media_type(value: &[u8]) -> &[u8] {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// One integration response.
#[derive(Debug)]
pub struct Choice {
    /// Matches the whole of what is compared; `None` is the default.
    pub(super) pattern: Option<Regex>,
    pub(super) status: u16,
    /// Header name and source, in the order of the definition.
    pub(super) headers: Box<[(Box<[u8]>, ResponseSource)]>,
    pub(super) templates: Box<[Template]>,
}

/// A content type in lower case, and the constant body for it.
pub(super) type Template = (Box<str>, Box<[u8]>);

/// A source of a response header (rest/07 section 7.3).
#[derive(Clone, Debug)]
pub(super) enum ResponseSource {
    Literal(Box<[u8]>),
    /// The last line of the backend's header, its name in any case.
    Header(Box<[u8]>),
    MultiHeader(Box<[u8]>),
    Context(Variable),
    /// What a request mapping could name too.
    Request(Source),
}

/// The first choice whose pattern matches the status, in ascending order of their own statuses; else the default.
pub(super) fn choose(choices: &[Choice], backend_status: u16) -> Result<&Choice, Fault> {
    let mut digits = [0; 20];
    let text = std::str::from_utf8(decimal(u64::from(backend_status), &mut digits)).unwrap_or_default();
    let matching = choices.iter().find(|choice| choice.pattern.as_ref().is_some_and(|pattern| pattern.is_match(text)));
    matching.or_else(|| choices.iter().find(|choice| choice.pattern.is_none())).ok_or_else(|| {
        let detail = format!(
            "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: {text}"
        );
        Fault::because(FaultKind::Configuration, detail)
    })
}

impl Choice {
    /// The client's first Accept entry, else `application/json`, else the first template.
    pub(super) fn template(&self, request: &Request) -> Option<&Template> {
        if self.templates.len() > 1
            && let Some(accept) = request.value(Known::Accept)
        {
            let first = media_type(accept.split(|&byte| byte == b',').next().unwrap_or_default());
            if let Some(found) = self.templates.iter().find(|(key, _)| key.as_bytes().eq_ignore_ascii_case(first)) {
                return Some(found);
            }
        }
        self.templates.iter().find(|(key, _)| &**key == "application/json").or_else(|| self.templates.first())
    }
}
