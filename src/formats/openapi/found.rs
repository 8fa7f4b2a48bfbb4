//! A problem with whom it is told and what it stands in: `weir check` shows a line, AWS's import names a method.

use std::rc::Rc;

use crate::model::problem::Problem;

#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) problem: Problem,
    pub(super) owner: Owner,
    pub(super) audience: Audience,
    /// AWS's own words, where ours say more or something else.
    pub(super) on_aws: Option<String>,
}

/// What a problem stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Document,
    Path(Rc<str>),
    Method(&'static str, Rc<str>, Part),
}

/// Which of AWS's calls would have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Method,
    Integration,
    IntegrationResponse,
}

/// Who hears of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    /// Who checks and serves the file: AWS's import says nothing of it.
    Serve,
    /// Who imports: of no matter to what is served.
    Import,
}
