//! What a template wrote into `$context.requestOverride` and `$context.responseOverride` (rest/08 section 8.12): it wins
//! over the mapping of the same parameter, and is there again when the response's template runs (recorded).

use std::borrow::Cow;

use bumpalo::Bump;
use serde_json::Value as Json;

use crate::lang::budget::{Budget, Exhausted};
use crate::lang::json::{from_serde, to_serde};
use crate::lang::value::{Key, Map, Value};

/// The two maps as a template left them. They outlive its arena: between the request's template and the response's
/// lies the backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    request: Json,
    response: Json,
}

/// Maps of `requestOverride`, in the order in which AWS enumerates them.
const REQUEST_POSITIONS: [&str; 3] = ["path", "header", "querystring"];

impl Overrides {
    /// The maps that a template finds: those of an earlier template, or empty ones.
    pub(super) fn into_context<'a>(earlier: Option<&Self>, arena: &'a Bump) -> (&'a Map<'a>, &'a Map<'a>) {
        let of = |json: Option<&Json>| match json.map(|json| from_serde(json, arena)) {
            Some(Value::Map(map)) => map,
            _ => Map::new_in(arena),
        };
        let request = of(earlier.map(|earlier| &earlier.request));
        let response = of(earlier.map(|earlier| &earlier.response));
        for position in REQUEST_POSITIONS {
            ensure(request, position, arena);
        }
        ensure(response, "header", arena);
        (request, response)
    }

    /// What a template left in them; `None` where it wrote nothing.
    pub(super) fn of_context(
        request: &Map<'_>,
        response: &Map<'_>,
        budget: &Budget,
    ) -> Result<Option<Self>, Exhausted> {
        let untouched = |map: &Map<'_>, own: &[&str]| {
            let mut untouched = true;
            map.for_each(|key, value| {
                let empty = matches!(value, Value::Map(inner) if inner.is_empty());
                untouched &= empty && matches!(key, Key::Text(name) if own.contains(&name));
            });
            untouched
        };
        if untouched(request, &REQUEST_POSITIONS) && untouched(response, &["header"]) {
            return Ok(None);
        }
        let owned = |map: &Map<'_>| {
            let mut members = serde_json::Map::new();
            let mut outcome = Ok(());
            map.for_each(|key, value| {
                let name = match key {
                    Key::Text(text) => text.to_owned(),
                    Key::Int(number) => number.to_string(),
                    Key::Bool(flag) => flag.to_string(),
                    Key::Null => "null".to_owned(),
                };
                match to_serde(value, budget) {
                    Ok(value) => drop(members.insert(name, value)),
                    Err(exhausted) => outcome = Err(exhausted),
                }
            });
            outcome.map(|()| Json::Object(members))
        };
        Ok(Some(Self { request: owned(request)?, response: owned(response)? }))
    }

    /// `requestOverride`'s parameters of one position: `header`, `querystring` or `path`.
    pub(super) fn request(&self, position: &str) -> impl Iterator<Item = (&str, &Json)> {
        members(self.request.get(position))
    }

    pub(super) fn path(&self, name: &str) -> Option<&Json> {
        self.request.get("path")?.get(name)
    }

    pub(super) fn response_headers(&self) -> impl Iterator<Item = (&str, &Json)> {
        members(self.response.get("header"))
    }

    /// An integer that can end an answer; anything else is ignored, as on AWS. An interim status (1xx) would leave the
    /// client waiting for another one (RFC 9110 15.2).
    pub(super) fn status(&self) -> Option<u16> {
        let status = u16::try_from(self.response.get("status")?.as_u64()?).ok()?;
        (200..=599).contains(&status).then_some(status)
    }
}

fn ensure<'a>(map: &Map<'a>, name: &'static str, arena: &'a Bump) {
    if !matches!(map.text(name), Some(Value::Map(_))) {
        map.put(Key::Text(name), Value::Map(Map::new_in(arena)));
    }
}

fn members(json: Option<&Json>) -> impl Iterator<Item = (&str, &Json)> {
    json.and_then(Json::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// Headers whose names differ only in case are one (RFC 9110 5.1): the last one counts, as with one name.
pub(super) fn last_of_name<'o>(
    headers: impl Iterator<Item = (&'o str, &'o Json)>,
) -> impl Iterator<Item = (&'o str, &'o Json)> {
    let all: Vec<(&str, &Json)> = headers.collect();
    let is_last = |index: usize| {
        let (name, _) = all[index];
        !all.iter().skip(index + 1).any(|(later, _)| later.eq_ignore_ascii_case(name))
    };
    let last: Vec<bool> = (0..all.len()).map(is_last).collect();
    all.into_iter().zip(last).filter_map(|(header, is_last)| is_last.then_some(header))
}

/// An override as one value: a list is joined by commas without blanks (rest/08 section 8.12).
pub(super) fn joined(value: &Json) -> Cow<'_, str> {
    match value {
        Json::Array(items) => items.iter().map(scalar).collect::<Vec<_>>().join(",").into(),
        value => scalar(value),
    }
}

/// … and as the values of a repeated query parameter.
pub(super) fn each(value: &Json) -> impl Iterator<Item = Cow<'_, str>> {
    let (list, single) = match value {
        Json::Array(items) => (Some(items), None),
        value => (None, Some(value)),
    };
    list.into_iter().flatten().chain(single).map(scalar)
}

fn scalar(value: &Json) -> Cow<'_, str> {
    match value {
        Json::String(text) => text.as_str().into(),
        Json::Null => "".into(),
        value => value.to_string().into(),
    }
}
