//! What a template sees of its request: `$input`'s parameters, `$context`, `$stageVariables` (rest/08 sections 8.9 to 8.12).

use std::cell::Cell;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::overrides::Overrides;
use crate::edge::exchange::{Context, INTAKE_NAMES, Variable};
use crate::lang::budget::{Budget, Exhausted};
use crate::lang::json::from_serde;
use crate::lang::value::{Key, Map, Value};
use crate::lang::vtl;
use crate::wire::uri::{Decoded, pairs, query_name_is};

/// The world of one rendering.
pub(super) struct World<'a> {
    context: Context<'a>,
    body: &'a str,
    /// What the request's template had overridden, where this is the response's.
    earlier: Option<&'a Overrides>,
    /// `requestOverride` and `responseOverride`, once the template has asked for `$context`.
    made: Cell<Option<(&'a Map<'a>, &'a Map<'a>)>>,
}

impl<'a> World<'a> {
    pub(super) fn new(context: Context<'a>, body: &'a str, earlier: Option<&'a Overrides>) -> Self {
        Self { context, body, earlier, made: Cell::new(None) }
    }

    /// What the template has overridden, where it did: all of it, also what an earlier one had.
    pub(super) fn overrides(&self, budget: &Budget) -> Result<Option<Overrides>, Exhausted> {
        let Some((request, response)) = self.made.get() else { return Ok(None) };
        Overrides::of_context(request, response, budget)
    }

    fn path_value(&self, name: &str, arena: &'a Bump) -> Option<&'a str> {
        let index = self.context.method?.path_parameters.iter().position(|known| &**known == name)?;
        // As the client sent it, still encoded (recorded: `%2B` stays).
        Some(text(self.context.values.get(index)?.of(&self.context.request.bytes), arena))
    }

    fn query_value(&self, name: &str, arena: &'a Bump) -> Option<&'a str> {
        let query = self.context.request.query()?;
        let named = |(encoded, _): &(&[u8], &[u8])| query_name_is(encoded, name.as_bytes());
        let (_, value) = pairs(query).filter(named).last()?;
        Some(decoded(value, arena))
    }

    fn header_value(&self, name: &str, arena: &'a Bump) -> Option<&'a str> {
        let request = self.context.request;
        if let Some(value) = request.intake_value(name.as_bytes()) {
            return Some(text(&value, arena));
        }
        let line = request.lines_named(name.as_bytes()).next_back()?;
        Some(text(line.value.of(&request.bytes), arena))
    }

    fn epoch(&self) -> Value<'a> {
        Value::Long(i64::try_from(self.context.request.unix_millis).unwrap_or(i64::MAX))
    }

    fn variable(&self, variable: Variable, arena: &'a Bump) -> Value<'a> {
        let mut bytes = BumpVec::new_in(arena);
        if variable.write(&self.context, &mut |part| bytes.extend_from_slice(part)) {
            Value::Text(text(bytes.into_bump_slice(), arena))
        } else {
            Value::Null
        }
    }
}

/// Names of `$context` in the order in which AWS enumerates them (recorded).
#[rustfmt::skip] // a table: one row a name
const CONTEXT: &[(&str, Member)] = &[
    ("resourceId", Member::Variable(Variable::ResourceId)),
    ("resourcePath", Member::Variable(Variable::ResourcePath)),
    ("httpMethod", Member::Variable(Variable::HttpMethod)),
    ("extendedRequestId", Member::Variable(Variable::ExtendedRequestId)),
    ("requestTime", Member::Variable(Variable::RequestTime)),
    ("path", Member::Variable(Variable::Path)),
    ("accountId", Member::Variable(Variable::AccountId)),
    ("protocol", Member::Variable(Variable::Protocol)),
    ("requestOverride", Member::RequestOverride),
    ("stage", Member::Variable(Variable::Stage)),
    ("domainPrefix", Member::Variable(Variable::DomainPrefix)),
    ("requestTimeEpoch", Member::Epoch),
    ("requestId", Member::Variable(Variable::RequestId)),
    ("identity", Member::Identity),
    ("domainName", Member::Variable(Variable::DomainName)),
    ("deploymentId", Member::Variable(Variable::DeploymentId)),
    ("responseOverride", Member::ResponseOverride),
    ("apiId", Member::Variable(Variable::ApiId)),
];

#[derive(Clone, Copy)]
enum Member {
    Variable(Variable),
    Epoch,
    Identity,
    RequestOverride,
    ResponseOverride,
}

/// The same for `$context.identity`.
const IDENTITY: &[(&str, Option<Variable>)] = &[
    ("cognitoIdentityPoolId", None),
    ("accountId", Some(Variable::IdentityAccountId)),
    ("cognitoIdentityId", None),
    ("caller", Some(Variable::IdentityUser)),
    ("sourceIp", Some(Variable::SourceIp)),
    ("principalOrgId", Some(Variable::PrincipalOrgId)),
    ("accessKey", Some(Variable::IdentityAccessKey)),
    ("cognitoAuthenticationType", None),
    ("cognitoAuthenticationProvider", None),
    ("userArn", Some(Variable::IdentityUserArn)),
    ("userAgent", Some(Variable::UserAgent)),
    ("user", Some(Variable::IdentityUser)),
];

/// … and what a key adds to it.
const API_KEY: [(&str, Variable); 2] = [("apiKey", Variable::ApiKey), ("apiKeyId", Variable::ApiKeyId)];

impl<'a> vtl::World<'a> for World<'a> {
    fn body(&self) -> &'a str {
        self.body
    }

    fn param(&self, name: &str, arena: &'a Bump) -> Option<&'a str> {
        self.path_value(name, arena)
            .or_else(|| self.query_value(name, arena))
            .or_else(|| self.header_value(name, arena))
    }

    fn params(&self, arena: &'a Bump) -> Value<'a> {
        let request = self.context.request;
        let path = Map::new_in(arena);
        for name in self.context.method.iter().flat_map(|method| &method.path_parameters) {
            if let Some(value) = self.path_value(name, arena) {
                path.put(Key::Text(name), Value::Text(value));
            }
        }
        let query = Map::new_in(arena);
        for (name, value) in pairs(request.query().unwrap_or_default()) {
            query.put(Key::Text(decoded(name, arena)), Value::Text(decoded(value, arena)));
        }
        let header = Map::new_in(arena);
        for line in request.visible_lines() {
            let name = text(line.name.of(&request.bytes), arena);
            header.put(Key::Text(name), Value::Text(text(line.value.of(&request.bytes), arena)));
        }
        for name in INTAKE_NAMES {
            if let Some(value) = request.intake_value(name.as_bytes()) {
                header.put(Key::Text(name), Value::Text(text(&value, arena)));
            }
        }
        let params = Map::new_in(arena);
        params.put(Key::Text("path"), Value::Map(path));
        params.put(Key::Text("querystring"), Value::Map(query));
        params.put(Key::Text("header"), Value::Map(header));
        Value::Map(params)
    }

    fn context_property(&self, name: &str, member: Option<&str>, arena: &'a Bump) -> Option<Value<'a>> {
        match member {
            None => match CONTEXT.iter().find(|(known, _)| *known == name)?.1 {
                Member::Variable(variable) => Some(self.variable(variable, arena)),
                Member::Epoch => Some(self.epoch()),
                Member::Identity | Member::RequestOverride | Member::ResponseOverride => None,
            },
            Some(member) if name == "identity" => {
                if let Some((_, variable)) = API_KEY.iter().find(|(known, _)| *known == member) {
                    return Some(self.variable(*variable, arena));
                }
                let (_, variable) = IDENTITY.iter().find(|(known, _)| *known == member)?;
                Some(variable.map_or(Value::Null, |variable| self.variable(variable, arena)))
            }
            Some(_) => None,
        }
    }

    fn is_null_alone(&self, name: &str, member: &str) -> bool {
        let value = || self.context.authorizer?.get(member);
        name == "authorizer" && member == "claims" && value().is_some_and(serde_json::Value::is_object)
    }

    fn context(&self, arena: &'a Bump) -> Value<'a> {
        let (request, response) = Overrides::into_context(self.earlier, arena);
        self.made.set(Some((request, response)));
        let context = Map::new_in(arena);
        for &(name, member) in CONTEXT {
            let value = match member {
                Member::Variable(variable) => self.variable(variable, arena),
                Member::Epoch => self.epoch(),
                Member::RequestOverride => Value::Map(request),
                Member::ResponseOverride => Value::Map(response),
                Member::Identity => {
                    let identity = Map::new_in(arena);
                    for &(name, variable) in IDENTITY {
                        let value = variable.map_or(Value::Null, |variable| self.variable(variable, arena));
                        identity.put(Key::Text(name), value);
                    }
                    // Not among the others in what was recorded without a key.
                    for (name, variable) in API_KEY {
                        match self.variable(variable, arena) {
                            Value::Null => {}
                            value => drop(identity.put(Key::Text(name), value)),
                        }
                    }
                    Value::Map(identity)
                }
            };
            context.put(Key::Text(name), value);
        }
        if self.context.stage.canary.is_some() {
            context.put(Key::Text("isCanaryRequest"), self.variable(Variable::IsCanaryRequest, arena));
        }
        if let Some(authorizer) = self.context.authorizer {
            let members = Map::new_in(arena);
            for (name, value) in authorizer {
                members.put(Key::Text(name), from_serde(value, arena));
            }
            context.put(Key::Text("authorizer"), Value::Map(members));
        }
        Value::Map(context)
    }

    fn stage_variables(&self, arena: &'a Bump) -> Value<'a> {
        let variables = Map::new_in(arena);
        for (name, value) in &self.context.stage.variables {
            variables.put(Key::Text(name), Value::Text(value));
        }
        Value::Map(variables)
    }
}

/// Bytes of a head as text; what is not UTF-8 in them is replaced.
fn text<'a>(bytes: &[u8], arena: &'a Bump) -> &'a str {
    match std::str::from_utf8(bytes) {
        Ok(text) => arena.alloc_str(text),
        Err(_) => arena.alloc_str(&String::from_utf8_lossy(bytes)),
    }
}

fn decoded<'a>(encoded: &[u8], arena: &'a Bump) -> &'a str {
    if encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        text(&Decoded::of_query(encoded).collect::<Vec<_>>(), arena)
    } else {
        text(encoded, arena)
    }
}
