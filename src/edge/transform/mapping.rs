//! The way out as it was compiled, and what comes of it for one request.

use super::encoding::{BinaryTypes, ContentHandling};
use super::overrides::Overrides;
use super::parameters::{Piece, Source};
use super::select::BodyTemplates;
use super::template::Template;
use crate::edge::exchange::{Request, Verb};
use crate::net::buffer::Buffer;
use crate::wire::headers::Known;

/// What the definition says of the way out, compiled.
#[derive(Debug)]
pub enum RequestMapping {
    Http(Box<HttpRequest>),
    Mock(Box<MockRequest>),
    /// `AWS_PROXY`: a Lambda function is told of all of it.
    Function(Box<FunctionRequest>),
    /// Every call fails, and this is why: the stage gives the backend no address.
    Broken(Box<str>),
}

impl RequestMapping {
    /// Whether some client's body is looked into.
    pub fn may_need_body(&self) -> bool {
        match self {
            Self::Http(http) => http.needs_body,
            Self::Mock(mock) => mock.needs_body,
            Self::Function(_) => true,
            Self::Broken(_) => false,
        }
    }

    /// Whether the body of this request is looked into, so that the whole of it has to be there: not where its content
    /// type meets a constant template and nothing is decoded before, or none may be.
    #[inline]
    pub fn needs_body(&self, request: &Request) -> bool {
        match self {
            Self::Http(http) if http.needs_body => {
                http.maps_body
                    || http.proxy
                    || match http.body.choose(request) {
                        Ok(Some((_, Some(template)))) => !template.is_constant() || http.decodes(),
                        Ok(_) => true,
                        Err(_) => false,
                    }
            }
            Self::Mock(mock) if mock.needs_body => {
                !matches!(mock.templates.choose(request), Err(_) | Ok(Some((_, MockTemplate::Status(_)))))
            }
            Self::Function(_) => true,
            _ => false,
        }
    }

    /// Whether AWS, or a function, is called.
    pub fn calls_aws(&self) -> bool {
        matches!(self, Self::Function(_)) || matches!(self, Self::Http(http) if http.aws)
    }

    /// Whether the body goes on as it came, Content-Encoding and all.
    pub fn hands_on_encoded(&self) -> bool {
        matches!(self, Self::Http(http) if http.proxy && http.content_handling.is_none())
    }
}

#[derive(Debug)]
pub struct HttpRequest {
    /// HTTP_PROXY: the client's headers and query go along.
    pub(super) proxy: bool,
    /// AWS: other headers may be mapped.
    pub(super) aws: bool,
    /// A Lambda function is told by which request it is invoked.
    pub(super) tagged: bool,
    /// `None`: the client's.
    pub(super) verb: Option<Verb>,
    /// `host[:port]` of the URI.
    pub(super) host: Box<[u8]>,
    pub(super) path: Box<[Piece]>,
    /// Some value in it comes from elsewhere than the client's path.
    pub(super) path_has_other_values: bool,
    /// The URI's own query.
    pub(super) query: Box<[Piece]>,
    /// Mapped query parameters: encoded name, source.
    pub(super) parameters: Box<[(Box<[u8]>, Source)]>,
    /// Mapped headers that are sent.
    pub(super) headers: Box<[MappedHeader]>,
    /// A header that must not be mapped is: every call fails, as on AWS (rest/05 section 5.4).
    pub(super) illegal: Option<Box<str>>,
    /// `X-Amzn-Apigateway-Api-Id`, `Connection` and, toward AWS, `X-Amz-Source-Arn` lines, ready.
    pub(super) fixed_lines: Box<[u8]>,
    /// `AmazonAPIGateway_{apiId}`
    pub(super) user_agent: Box<[u8]>,
    /// `None`: an empty template, which passes the body through for its type.
    pub(super) body: BodyTemplates<Option<Template>>,
    pub(super) content_handling: Option<ContentHandling>,
    pub(super) binary: BinaryTypes,
    /// Some mapping, some URI piece looks into the body.
    pub(super) maps_body: bool,
    pub(super) needs_body: bool,
}

impl HttpRequest {
    /// Whether its contentHandling is CONVERT_TO_BINARY.
    pub(super) fn decodes(&self) -> bool {
        self.content_handling == Some(ContentHandling::ConvertToBinary)
    }
}

/// `AWS_PROXY`: all of the request is told, and nothing is mapped.
#[derive(Debug)]
pub struct FunctionRequest {
    /// The request line and every line that is the same for each call, each with its line end.
    pub(super) head: Box<[u8]>,
    /// A header that must not be mapped is: every call fails, though mappings do nothing else here (rest/05 section 5.4).
    pub(super) illegal: Option<Box<str>>,
    /// Every call fails: functions are invoked by POST (rest/09 section 9.1).
    pub(super) is_not_post: bool,
    pub(super) binary: BinaryTypes,
}

#[derive(Debug)]
pub(super) struct MappedHeader {
    pub(super) name: Box<[u8]>,
    pub(super) known: Known,
    pub(super) source: Source,
}

/// MOCK: a template says which status the backend would have had (rest/07 section 7.7).
#[derive(Debug)]
pub struct MockRequest {
    pub(super) templates: BodyTemplates<MockTemplate>,
    pub(super) content_handling: Option<ContentHandling>,
    pub(super) binary: BinaryTypes,
    pub(super) needs_body: bool,
}

impl MockRequest {
    /// Whether its templates are constants. A body that none of them is for says the status itself.
    pub fn is_constant(&self) -> bool {
        self.templates.iter().all(|template| !matches!(template, MockTemplate::Program(_)))
    }
}

#[derive(Debug)]
pub(super) enum MockTemplate {
    /// Constant text with a status in it.
    Status(u16),
    /// Constant text without one, or an empty one that leaves the client's own body to say it.
    Text(Box<[u8]>),
    Program(Template),
}

/// What goes to the integration.
pub enum Outbound<'m> {
    Http {
        /// Request line and headers, each with its line end; no framing, no empty line yet.
        head: Buffer,
        verb: Verb,
        body: OutboundBody<'m>,
        overrides: Option<Box<Overrides>>,
    },
    /// No backend: this status.
    Mock { status: u16, overrides: Option<Box<Overrides>> },
}

impl OutboundBody<'_> {
    /// Its bytes; `client` is the client's body.
    pub fn bytes<'b>(&'b self, client: &'b [u8]) -> &'b [u8] {
        match self {
            Self::Client => client,
            Self::Constant(constant) => constant,
            Self::Made(made) => made,
            Self::None => &[],
        }
    }
}

pub enum OutboundBody<'m> {
    Client,
    Constant(&'m [u8]),
    /// What a template, or a conversion, made.
    Made(Buffer),
    /// Nothing is sent, whatever the client sent.
    None,
}
