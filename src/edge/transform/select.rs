//! Which template, which integration response (rest/04 section 4.5, rest/07 sections 7.1 and 7.4).

use super::encoding::ContentHandling;
use super::json_body::BodyPath;
use super::parameters::Source;
use super::template::Template;
use crate::edge::exchange::{Request, Variable};
use crate::edge::fault::{Fault, FaultKind};
use crate::lang::java_regex::Whole;
use crate::wire::headers::{Known, media_type};

/// Request templates by content type.
#[derive(Debug)]
pub(super) struct BodyTemplates<T> {
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
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, template)| template)
    }

    /// Whether some body may go on without any template.
    pub(super) fn passes_through(&self) -> bool {
        self.unmatched == Unmatched::PassThrough && !self.entries.iter().any(|(key, _)| &**key == "$default")
    }

    /// The template for this request and the content type that it is for; `None` passes the body through.
    pub(super) fn choose(&self, request: &Request) -> Result<Option<(&str, &T)>, Fault> {
        if !self.entries.is_empty() {
            let content_type = request.value(Known::ContentType).map_or(&b"application/json"[..], media_type);
            let named = |name: &[u8]| self.entries.iter().find(|(key, _)| key.as_bytes().eq_ignore_ascii_case(name));
            if let Some((key, template)) = named(content_type).or_else(|| named(b"$default")) {
                return Ok(Some((key, template)));
            }
        }
        match self.unmatched {
            Unmatched::PassThrough => Ok(None),
            Unmatched::Refuse => Err(Fault::new(FaultKind::UnsupportedMediaType)),
        }
    }
}

/// One integration response.
#[derive(Debug)]
pub(super) struct Choice {
    /// Matches the whole of what is compared; `None` is the default.
    pub(super) pattern: Option<Whole>,
    /// The pattern as it is written, for people.
    pub(super) pattern_text: Option<Box<str>>,
    pub(super) status: u16,
    /// Header name and source, in the order of the definition.
    pub(super) headers: Box<[(Box<[u8]>, ResponseSource)]>,
    /// Some header comes from the backend's body.
    pub(super) maps_body: bool,
    /// By content type in lower case; an empty one passes the body through.
    pub(super) templates: Box<[(Box<str>, Option<Template>)]>,
    pub(super) content_handling: Option<ContentHandling>,
}

/// A source of a response header (rest/07 section 7.3).
#[derive(Debug)]
pub(super) enum ResponseSource {
    Literal(Box<[u8]>),
    /// The last line of the backend's header, its name in any case.
    Header(Box<[u8]>),
    MultiHeader(Box<[u8]>),
    Context(Variable),
    /// The backend's body as text.
    Body,
    /// What a path finds in it.
    BodyPath(Box<BodyPath>),
    /// What a request mapping could name too.
    Request(Source),
}

/// The first choice whose pattern matches, in ascending order of their own statuses; else the default. A pattern that
/// gives up (its limit is a bound on time) does not match.
pub(super) fn choose<'c>(choices: &'c [Choice], compared: &str, status: u16) -> Result<&'c Choice, Fault> {
    let matches =
        |choice: &&Choice| choice.pattern.as_ref().is_some_and(|pattern| pattern.is_match(compared).unwrap_or(false));
    choices.iter().find(matches).or_else(|| choices.iter().find(|choice| choice.pattern.is_none())).ok_or_else(|| {
        let detail = format!(
            "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: \
             {status}"
        );
        Fault::because(FaultKind::Configuration, detail)
    })
}

impl Choice {
    /// Whether its contentHandling is CONVERT_TO_BINARY.
    pub(super) fn decodes(&self) -> bool {
        self.content_handling == Some(ContentHandling::ConvertToBinary)
    }

    /// The client's first Accept entry, else `application/json`, else the first template.
    pub(super) fn template(&self, request: &Request) -> Option<&(Box<str>, Option<Template>)> {
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
