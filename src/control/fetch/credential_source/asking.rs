//! One question over HTTP, and its answer whole.

use std::time::Instant;

use ureq::http::Response;
use ureq::{Body, Error};

use super::super::http::{Bounds, is_https};
use super::Attempt;
use crate::settings::limits::CREDENTIALS_BYTES_MAX;

pub(super) struct Question<'q> {
    pub(super) method: Method<'q>,
    pub(super) url: &'q str,
    /// Their values may be secrets: they are never told.
    pub(super) headers: &'q [(&'q str, &'q str)],
    pub(super) until: Instant,
}

pub(super) enum Method<'q> {
    Get,
    /// Without a body.
    Put,
    Post(&'q [u8]),
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Attempt<'_> {
    /// Goes nowhere else than where it was sent: a redirect would carry tokens along.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Answer, String> {
        let url = question.url;
        // A query may hold what is nobody's to read.
        let named = url.split('?').next().unwrap_or_default();
        let failed = |error: Error| format!("{named}: {}", error.to_string().escape_debug());
        let bounds = Bounds {
            is_secure: is_https(url),
            redirects: 0,
            connect: self.client.connect_timeout,
            until: question.until.min(self.until),
        };
        let agent = self.client.http.agent(&bounds)?;
        let headers = question.headers.iter().copied();
        let response = match question.method {
            Method::Get => headers.fold(agent.get(url), |it, (name, value)| it.header(name, value)).call(),
            Method::Put => headers.fold(agent.put(url), |it, (name, value)| it.header(name, value)).send_empty(),
            Method::Post(body) => headers.fold(agent.post(url), |it, (name, value)| it.header(name, value)).send(body),
        };
        let mut response: Response<Body> = response.map_err(failed)?;
        let status = response.status().as_u16();
        let body =
            response.body_mut().with_config().limit(CREDENTIALS_BYTES_MAX as u64).read_to_vec().map_err(failed)?;
        Ok(Answer { status, body })
    }

    /// The body of an answer 200.
    pub(super) fn get(&self, question: &Question<'_>) -> Result<Vec<u8>, String> {
        let answer = self.ask(question)?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let named = question.url.split('?').next().unwrap_or_default();
        Err(format!("{named}: it answers {}", answer.status))
    }
}
