//! A request as the signature sees it.

/// Header lines in their order of arrival; walked more than once.
pub trait Headers<'a>: Iterator<Item = (&'a [u8], &'a [u8])> + Clone {}

impl<'a, T: Iterator<Item = (&'a [u8], &'a [u8])> + Clone> Headers<'a> for T {}

/// What is signed of a request.
#[derive(Clone)]
pub struct Request<'a, H> {
    pub method: &'a [u8],
    /// As it stood on the request line: still encoded, with the stage or base path, without the query.
    pub path: &'a [u8],
    pub query: Option<&'a [u8]>,
    pub headers: H,
    /// SHA-256 of the body as it was received, before any decoding ([`super::hash`]).
    pub body_hash: [u8; 32],
}

impl<'a, H: Headers<'a>> Request<'a, H> {
    /// The first line of that name.
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        let same = |given: &[u8]| given.eq_ignore_ascii_case(name.as_bytes());
        self.headers.clone().find(|(given, _)| same(given)).map(|(_, value)| value.trim_ascii())
    }

    /// The pairs of the query as they are written; a pair without `=` has an empty value.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a, H> {
        let query = self.query.filter(|query| !query.is_empty());
        query.into_iter().flat_map(|query| query.split(|&byte| byte == b'&')).map(|pair| {
            let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            (&pair[..equals], pair.get(equals + 1..).unwrap_or_default())
        })
    }
}
