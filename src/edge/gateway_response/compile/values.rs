//! What a parameter of a gateway response is sent as, and where its value comes from (rest/11 section 11.4).

use std::collections::BTreeMap;

use super::super::Header;
use super::super::source::{ERROR_VARIABLES, Source};
use crate::edge::exchange::Variable;
use crate::edge::transform::{Return, give_mapped};
use crate::model::problem::{Place, Problem};
use crate::wire::headers::{Known, is_token};

/// One gateway response under work.
pub(super) struct Compiler<'c> {
    pub(super) name: &'c str,
    pub(super) place: Place,
    pub(super) variables: &'c BTreeMap<String, String>,
    pub(super) problems: &'c mut Vec<Problem>,
}

impl Compiler<'_> {
    pub(super) fn header(&mut self, key: &str, text: &str) -> Option<Header> {
        let Some((position, name)) = key.strip_prefix("gatewayresponse.").and_then(|rest| rest.split_once('.')) else {
            let found = format!("`{key}` is no parameter of a gateway response");
            self.error("gateway-response::parameter", &found, "Write `gatewayresponse.header.NAME`");
            return None;
        };
        match position {
            "header" => {}
            // rest/11 section 11.4: there is nowhere in an answer for these.
            "path" | "querystring" => {
                self.warning(
                    "gateway-response::parameter",
                    &format!("`{key}` has no effect on an answer"),
                    "Remove it",
                );
                return None;
            }
            _ => {
                let found = format!("`{key}` is no parameter of a gateway response");
                self.error("gateway-response::parameter", &found, "Write `gatewayresponse.header.NAME`");
                return None;
            }
        }
        if !is_token(name.as_bytes()) {
            self.error(
                "gateway-response::parameter",
                &format!("`{name}` is no header's name"),
                "Use letters, digits and hyphens",
            );
            return None;
        }
        let known = Known::of(name.as_bytes());
        // rest/05 section 5.6: what frames the answer, and its ids, cannot be said by anybody else.
        let name = match give_mapped(known) {
            Return::Pass => name,
            Return::Remap(other) => {
                self.warning(
                    "gateway-response::parameter",
                    &format!("`{name}` is sent as `{other}`, on AWS too"),
                    "Use another name",
                );
                other
            }
            Return::Drop => {
                self.warning(
                    "gateway-response::parameter",
                    &format!("`{name}` is not sent: the gateway writes it"),
                    "Remove it",
                );
                return None;
            }
        };
        Some(Header { name: name.as_bytes().into(), known: Known::of(name.as_bytes()), source: self.source(text)? })
    }

    /// `None`, and a problem where it is none of AWS's expressions.
    fn source(&mut self, text: &str) -> Option<Source> {
        if let Some(constant) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return self.constant(constant);
        }
        if let Some(name) = text.strip_prefix("context.") {
            return self.context(name);
        }
        if let Some(name) = text.strip_prefix("stageVariables.") {
            let value = self.variables.get(name)?.clone();
            return self.constant(&value);
        }
        let request = text.strip_prefix("method.request.").and_then(|rest| rest.split_once('.'));
        if let Some(source) = request.and_then(|(position, name)| of_request(position, name)) {
            return Some(source);
        }
        let found = format!("`{text}` names nothing that a gateway response can look up");
        let help = "Write a constant in single quotes, `method.request.{header|querystring|path}.NAME`, `context.NAME` or \
                    `stageVariables.NAME`";
        self.error("gateway-response::source", &found, help);
        None
    }

    fn constant(&mut self, text: &str) -> Option<Source> {
        if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            let found = format!("the constant {text:?} has a control character, which would end the header");
            self.error("gateway-response::source", &found, "Write printable characters");
            return None;
        }
        Some(Source::Text(text.as_bytes().into()))
    }

    pub(super) fn context(&mut self, name: &str) -> Option<Source> {
        if let Some((_, variable)) = ERROR_VARIABLES.iter().find(|(known, _)| *known == name) {
            return Some(Source::Error(*variable));
        }
        if let Some(path) = name.strip_prefix("authorizer.") {
            return Some(Source::Authorizer(path.into()));
        }
        let variable = Variable::named(name);
        if variable.is_none() {
            let found = format!("`$context.{name}` does not exist: nothing stands in its place");
            self.warning("gateway-response::variable", &found, "Use the variables of API Gateway's gateway responses");
        }
        variable.map(Source::Context)
    }

    pub(super) fn error(&mut self, code: &'static str, found: &str, help: &str) {
        self.problems.push(Problem::error(code, self.place, self.told(found), help));
    }

    pub(super) fn warning(&mut self, code: &'static str, found: &str, help: &str) {
        self.problems.push(Problem::warning(code, self.place, self.told(found), help));
    }

    fn told(&self, found: &str) -> String {
        format!("gateway response {}: {found}", self.name)
    }
}

pub(super) fn of_request(position: &str, name: &str) -> Option<Source> {
    match position {
        _ if name.is_empty() => None,
        "header" => Some(Source::Header(name.as_bytes().into())),
        "querystring" => Some(Source::Query(name.as_bytes().into())),
        "path" => Some(Source::Path(name.into())),
        _ => None,
    }
}
