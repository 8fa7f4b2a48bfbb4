//! `GET /_weir/usage` (`weir usage export`): what keys have used of their plans by API, stage and day, for whoever bills
//! for it. Values of keys are not in it.
//!
//! Page by page: the thread that owns the definitions hands over some rows as they are, and the request's own thread writes
//! them while the client takes them. So 100,000 keys and half a year of days cost the memory of one page. Each row is as it
//! was at one time; rows of later pages are of a later time.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use jiff::civil::Date;

use super::common::text_of;
use super::errors::AwsError;
use super::pieces::Pieces;
use super::usage_plans::no_plan;
use super::usage_record::{Format, Record, written};
use crate::control::commit::change::Key;
use crate::control::commit::definitions::{Definitions, key, segments};
use crate::control::deploy::api_keys;
use crate::model::api_rows::Object;
use crate::settings::limits::{USAGE_PAGE_ROWS_MAX, USAGE_PAGE_VISITS_MAX, USAGE_PIECE_BYTES};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub format: Format,
    first: Option<Date>,
    last: Option<Date>,
    plan: Option<String>,
    key: Option<String>,
}

/// Some keys of some plans, in the order of plans and keys.
#[derive(Debug, Default)]
pub struct Page {
    rows: Vec<Row>,
    /// Names of all APIs by their ids, on the first page.
    apis: BTreeMap<String, String>,
    /// Behind which key the next page begins; none is the last one.
    next: Option<Key>,
}

/// One key in one plan.
#[derive(Debug)]
struct Row {
    plan: String,
    plan_name: Arc<str>,
    key: String,
    key_name: String,
    /// What is counted, as it is kept.
    text: Arc<str>,
}

impl Wanted {
    /// Of a query. What it says and is not known is refused: a bill that silently covers something else is a wrong one.
    pub fn parse(query: &[(String, String)]) -> Result<Self, AwsError> {
        let mut wanted = Self::default();
        for (name, value) in query {
            match name.as_str() {
                "format" => {
                    let unknown = || AwsError::bad_request("Invalid format specified. Valid options are csv, json");
                    wanted.format = Format::parse(value).ok_or_else(unknown)?;
                }
                "from" => wanted.first = Some(date(name, value)?),
                "to" => wanted.last = Some(date(name, value)?),
                "plan" => wanted.plan = Some(value.clone()),
                "key" => wanted.key = Some(value.clone()),
                _ => return Err(AwsError::bad_request(format!("Unknown query parameter '{name}' specified"))),
            }
        }
        match (wanted.first, wanted.last) {
            (Some(first), Some(last)) if last < first => {
                Err(AwsError::bad_request("Invalid usage date range specified: to is before from"))
            }
            _ => Ok(wanted),
        }
    }

    fn has(&self, date: Date) -> bool {
        self.first.is_none_or(|first| first <= date) && self.last.is_none_or(|last| date <= last)
    }
}

fn date(name: &str, text: &str) -> Result<Date, AwsError> {
    // Ten characters: a date with a time behind it would be read as well.
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| AwsError::bad_request(format!("Invalid {name} specified. Must be of the form YYYY-MM-DD")))
}

/// The rows behind `after`, or the first ones.
pub fn page(definitions: &Definitions, wanted: &Wanted, after: Option<&str>) -> Result<Page, AwsError> {
    let mut page = Page::default();
    if after.is_none() {
        page.apis = first_page(definitions, wanted)?;
    }
    let name = |place: &[&str]| named(definitions.get(&key(place)).map(|text| &**text));
    let prefix = wanted.plan.as_ref().map_or_else(|| Key::from("usage"), |plan| key(&["usage", plan]));
    let ending = wanted.key.as_ref().map(|wanted| format!("/{}", key(&[wanted])));
    let (mut plan, mut plan_name) = (String::new(), Arc::<str>::from(""));
    for (visited, (at, text)) in definitions.below_after(&prefix, after).enumerate() {
        if page.rows.len() == USAGE_PAGE_ROWS_MAX || visited == USAGE_PAGE_VISITS_MAX {
            return Ok(page);
        }
        // Should the rows end here, the next page is empty.
        page.next = Some(at.clone());
        if ending.as_ref().is_some_and(|ending| !at.ends_with(ending)) {
            continue;
        }
        let [_, of_plan, of_key] = segments(at).try_into().unwrap_or_default();
        if of_plan != plan {
            plan_name = name(&["usageplans", &of_plan]).into();
            plan = of_plan;
        }
        let key_name = name(&["apikeys", &of_key]);
        let (plan, plan_name) = (plan.clone(), Arc::clone(&plan_name));
        page.rows.push(Row { plan, plan_name, key: of_key, key_name, text: Arc::clone(text) });
    }
    page.next = None;
    Ok(page)
}

/// Whether there is what is asked for, and the names of all APIs.
fn first_page(definitions: &Definitions, wanted: &Wanted) -> Result<BTreeMap<String, String>, AwsError> {
    let is_there =
        |family: &str, id: &Option<String>| id.as_ref().is_none_or(|id| definitions.get(&key(&[family, id])).is_some());
    if !is_there("usageplans", &wanted.plan) {
        return Err(no_plan());
    }
    if !is_there("apikeys", &wanted.key) {
        return Err(AwsError::not_found("Invalid API Key identifier specified"));
    }
    let apis = definitions.children("restapis");
    Ok(apis.filter_map(|(at, text)| Some((segments(at).pop()?, named(Some(text))))).collect())
}

fn named(row: Option<&str>) -> String {
    let row: Option<Object> = row.and_then(|row| serde_json::from_str(row).ok());
    row.map_or_else(String::new, |row| text_of(&row, "name").to_owned())
}

/// The export as a body. `next` asks for the page behind a key, and answers none where Weir is stopping.
pub fn body(wanted: Arc<Wanted>, first: Page, mut next: impl FnMut(Key) -> Option<Page> + Send + 'static) -> Pieces {
    Pieces::made(move |outlet| {
        let (format, apis, mut page) = (wanted.format, first.apis, Page { apis: BTreeMap::new(), ..first });
        let mut piece = Vec::from(format.head());
        let mut is_first = true;
        loop {
            for row in &page.rows {
                each_record(&wanted, row, &apis, |record| {
                    written(format, &mut piece, record, std::mem::take(&mut is_first));
                });
                if piece.len() >= USAGE_PIECE_BYTES {
                    outlet.send(std::mem::take(&mut piece))?;
                }
            }
            let Some(after) = page.next.take() else { break };
            match next(after) {
                Some(following) => page = following,
                None => return Ok(Err(io::Error::other("Weir is stopping"))),
            }
        }
        piece.extend_from_slice(format.tail(is_first));
        outlet.send(piece)?;
        Ok(Ok(()))
    })
}

/// What one key has used of one plan, by API, stage and day. What is not of any stage was counted before stages were.
fn each_record(wanted: &Wanted, row: &Row, apis: &BTreeMap<String, String>, mut tell: impl FnMut(&Record<'_>)) {
    // The store opens with objects alone: there is no other row.
    let Ok(counted) = serde_json::from_str::<Object>(&row.text) else { return };
    let mut rest: BTreeMap<Date, u64> = api_keys::days(&counted).collect();
    let mut all: Vec<(&str, &str, Date, u64)> = Vec::new();
    for (api, stage, dates) in api_keys::stages(&counted) {
        for (date, count) in api_keys::dates_of(dates) {
            rest.entry(date).and_modify(|rest| *rest = rest.saturating_sub(count));
            all.push((api, stage, date, count));
        }
    }
    all.extend(rest.into_iter().map(|(date, count)| ("", "", date, count)));
    all.retain(|(_, _, date, count)| wanted.has(*date) && *count > 0);
    all.sort_unstable();
    for (api, stage, day, requests) in all {
        tell(&Record {
            plan: &row.plan,
            plan_name: &row.plan_name,
            key: &row.key,
            key_name: &row.key_name,
            api,
            api_name: apis.get(api).map_or("", String::as_str),
            stage,
            day: &day.to_string(),
            requests,
        });
    }
}

#[cfg(test)]
mod tests;
