//! The gateway responses of a definition to what a fault looks up (rest/11 section 11.3).

mod values;

use std::collections::BTreeMap;

use serde_json::Value;
use values::{Compiler, of_request};

use super::source::Source;
use super::tokens::{Token, tokens};
use super::{Customised, GatewayResponses, Header, Template};
use crate::model::gateway_response::{DEFAULT_TEMPLATE, TYPES, default_status};
use crate::model::problem::Problem;
use crate::model::rest_api::RestApi;
use crate::settings::limits::GATEWAY_RESPONSE_VALUES_MAX;

/// A type that is stored, and never applied: the answer comes from in front of the API (rest/11 section 11.3).
const NOT_APPLIED: &str = "REQUEST_TOO_LARGE";
const SEVERAL_STATUSES: [&str; 2] = ["API_CONFIGURATION_ERROR", "INTEGRATION_FAILURE"];
const MEMBERS: [&str; 3] = ["statusCode", "responseParameters", "responseTemplates"];

/// Every type finds its response here: its own, else the default of its class.
pub fn compile(api: &RestApi, variables: &BTreeMap<String, String>, problems: &mut Vec<Problem>) -> GatewayResponses {
    let mut responses = Vec::new();
    let mut by_name: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, value) in &api.gateway_responses {
        let mut compiler = Compiler { name: &name.value, place: name.place, variables, problems };
        if let Some(response) = compiler.response(value) {
            by_name.insert(&name.value, responses.len());
            responses.push(response);
        }
    }
    let mut types: Vec<(&'static str, usize)> = Vec::new();
    for (name, status) in TYPES.iter().filter(|(name, _)| *name != NOT_APPLIED) {
        let Some(status) = status else { continue };
        let class = if *status < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
        if let Some(&response) = by_name.get(name).or_else(|| by_name.get(class)) {
            types.push((name, response));
        }
    }
    types.sort_unstable();
    GatewayResponses { types: types.into(), responses: responses.into() }
}

impl Compiler<'_> {
    fn response(&mut self, value: &Value) -> Option<Customised> {
        let Some(usual) = default_status(self.name) else {
            let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            self.error("gateway-response::type", "no such type", &format!("Write one of {}", names.join(", ")));
            return None;
        };
        let Some(members) = value.as_object() else {
            self.error(
                "gateway-response::member",
                "not a map",
                "Write `statusCode`, `responseParameters` and `responseTemplates` below it",
            );
            return None;
        };
        if self.name == NOT_APPLIED {
            let found = "has no effect, on AWS too: a body that is too large is refused in front of the API";
            self.warning("gateway-response::type", found, "Remove it");
        }
        if let Some(unknown) = members.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
            let found = format!("`{unknown}` has no effect");
            self.warning(
                "gateway-response::member",
                &found,
                "Write `statusCode`, `responseParameters` or `responseTemplates`",
            );
        }
        // A type that was customised without a status has AWS's, not that of DEFAULT_4XX (rest/11 section 11.3).
        let status = match members.get("statusCode") {
            // These are of several statuses: each fault keeps its own (rest/09 section 9.1, recorded).
            None | Some(Value::Null) if SEVERAL_STATUSES.contains(&self.name) => None,
            None | Some(Value::Null) => usual,
            Some(status) => Some(self.status(status)?),
        };
        let headers: Vec<Header> = self
            .texts(members.get("responseParameters"))
            .iter()
            .filter_map(|(key, text)| self.header(key, text))
            .collect();
        let mut templates: Vec<Template> = self
            .texts(members.get("responseTemplates"))
            .iter()
            .filter_map(|(key, text)| self.template(key, text))
            .collect();
        if templates.is_empty() {
            templates.extend(self.template("application/json", DEFAULT_TEMPLATE));
        }
        let largest = templates.iter().map(|template| looked_up(template.pieces.iter())).max().unwrap_or_default();
        if looked_up(headers.iter().map(|header| &header.source)) + largest > GATEWAY_RESPONSE_VALUES_MAX {
            let found = format!("more than {GATEWAY_RESPONSE_VALUES_MAX} values are looked up for one answer");
            self.error(
                "gateway-response::values",
                &found,
                "Use fewer: whoever fails a request chooses how long they are",
            );
        }
        Some(Customised { status, headers: headers.into(), templates: templates.into() })
    }

    fn status(&mut self, value: &Value) -> Option<u16> {
        let text = as_text(value).unwrap_or_default();
        let status = text.parse().ok().filter(|status| text.len() == 3 && (100..600).contains(status));
        match status {
            // RFC 9110 15.2: an interim answer; whoever gets one waits for the real one.
            Some(100..200) => {
                let found = format!("the status {text} is an interim one: clients would wait for an answer behind it");
                self.error("gateway-response::status", &found, "Write a number from 200 to 599");
                None
            }
            None => {
                let found = format!("`{text}` is no status");
                self.error("gateway-response::status", &found, "Write a number from 200 to 599");
                None
            }
            some => some,
        }
    }

    fn template(&mut self, content_type: &str, text: &str) -> Option<Template> {
        if content_type.is_empty() || content_type.bytes().any(|byte| !matches!(byte, b' '..=b'~')) {
            let found = format!("{content_type:?} is no content type");
            self.error("gateway-response::template", &found, "Write one such as `application/json`");
            return None;
        }
        if ["#if", "#set", "#foreach", "$input", "$util"].iter().any(|word| text.contains(word)) {
            let found =
                format!("the template for `{content_type}` has VTL, which goes out as it is written, on AWS too");
            let help = "Use `$context.…`, `$stageVariables.…` and `method.request.…` alone";
            self.warning("gateway-response::template", &found, help);
        }
        let pieces = tokens(text).into_iter().filter_map(|token| match token {
            Token::Text(text) => Some(Source::Text(text.as_bytes().into())),
            Token::Context(name) => self.context(name),
            Token::StageVariable(name) => Some(Source::Text(self.variables.get(name)?.as_bytes().into())),
            Token::Request(position, name) => of_request(position, name),
        });
        let pieces = pieces.collect();
        Some(Template { content_type: content_type.into(), pieces })
    }

    /// A map's members that are texts; a number is taken as it is written.
    fn texts(&mut self, value: Option<&Value>) -> Vec<(String, String)> {
        let members = match value {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Object(members)) => members,
            Some(_) => {
                self.error("gateway-response::member", "parameters and templates are maps", "Write `key: value` pairs");
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for (key, value) in members {
            match as_text(value) {
                Some(text) => texts.push((key.clone(), text)),
                None => self.error(
                    "gateway-response::member",
                    &format!("`{key}` must be a text"),
                    "Write one value, in quotes",
                ),
            }
        }
        texts
    }
}

fn looked_up<'s>(sources: impl Iterator<Item = &'s Source>) -> usize {
    sources.filter(|source| !matches!(source, Source::Text(_))).count()
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
