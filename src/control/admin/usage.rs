//! Usage reports: `usage/{planId}/{keyId}` has what the edge has counted, written once a second (deploy/api_keys.rs), and
//! what `update-usage` said since.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::text_of;
use super::errors::AwsError;
use super::{paging, patch, shapes, usage_plans};
use crate::control::deploy::api_keys;
use crate::model::api_rows::Object;
use crate::settings::limits::USAGE_DAYS_MAX;

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let plan = usage_plans::find(turn, call.path("usageplanId"))?;
    let days = Days { first: date(call, "startDate")?, last: date(call, "endDate")? };
    if days.last < days.first {
        return Err(AwsError::bad_request("Invalid usage date range specified: endDate is before startDate"));
    }
    if days.count() > USAGE_DAYS_MAX {
        return Err(AwsError::bad_request(format!(
            "Invalid usage date range specified: at most {USAGE_DAYS_MAX} days can be asked for at once"
        )));
    }
    let mut keys = turn.children(&["usageplans", text_of(&plan, "id"), "keys"]);
    if let Some(key) = call.query("keyId").filter(|key| !key.is_empty()) {
        keys.retain(|row| text_of(row, "id") == key);
    }
    let (keys, position) = paging::cut(call, "limit", "position", keys, paging::member("id"))?;
    Ok(Reply::Object(report(turn, &plan, days, &keys, position)))
}

/// `replace /remaining` holds to the end of the running period.
pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (plan_id, key_id) = (call.path("usageplanId"), call.path("keyId"));
    let plan = usage_plans::find(turn, plan_id)?;
    let key = turn.get(&["usageplans", plan_id, "keys", key_id]);
    let key = key.ok_or_else(|| AwsError::not_found("Invalid API Key identifier specified"))?;
    let today = today(turn);
    for operation in patch::operations(call) {
        let (op, path) = (operation.op.as_str(), operation.path());
        if (op, path) != ("replace", "/remaining") {
            // Recorded for `add`: the list of what may be added is empty.
            let known = if op == "replace" { "/remaining" } else { "" };
            let what = format!("Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{known}]");
            return Err(AwsError::bad_request(what));
        }
        if plan.get("quota").is_none() {
            return Err(AwsError::bad_request(format!("Usage Plan {plan_id} has no quota")));
        }
        let remaining = operation.text().parse::<i64>().ok().filter(|remaining| *remaining >= 0);
        let invalid = || AwsError::bad_request(format!("Invalid value '{}' specified for {path}", operation.text()));
        let mut row = turn.get(&["usage", plan_id, key_id]).unwrap_or_default();
        row.insert("remaining".into(), remaining.ok_or_else(invalid)?.into());
        row.insert("since".into(), today.to_string().into());
        turn.put(&["usage", plan_id, key_id], &row);
    }
    let days = Days { first: today, last: today };
    Ok(Reply::Object(report(turn, &plan, days, &[key], None)))
}

/// The period of a quota in which a day lies: from its first day to before the first of the next. A week begins on a
/// Sunday and a month on its first, both `offset` days later (api-keys-usage-plans section 4).
pub fn period(quota: &Object, day: Date) -> (Date, Date) {
    let offset = quota.get("offset").and_then(Value::as_i64).unwrap_or_default().clamp(0, 27);
    let shifted = day.saturating_sub(offset.days());
    let (begin, length) = match text_of(quota, "period") {
        "WEEK" => (shifted.saturating_sub(i64::from(shifted.weekday().to_sunday_zero_offset()).days()), 1.week()),
        "MONTH" => (shifted.first_of_month(), 1.month()),
        _ => return (day, day.saturating_add(1.day())),
    };
    (begin.saturating_add(offset.days()), begin.saturating_add(length).saturating_add(offset.days()))
}

#[derive(Clone, Copy)]
struct Days {
    first: Date,
    last: Date,
}

impl Days {
    fn count(self) -> i64 {
        (self.last - self.first).get_days().into()
    }
}

fn report(turn: &Turn<'_>, plan: &Object, days: Days, keys: &[Object], position: Option<String>) -> Object {
    let plan_id = text_of(plan, "id");
    let mut report = Object::from_iter([
        ("usagePlanId".to_owned(), plan_id.into()),
        ("startDate".to_owned(), days.first.to_string().into()),
        ("endDate".to_owned(), days.last.to_string().into()),
    ]);
    report.extend(position.map(|position| ("position".to_owned(), position.into())));
    let mut values = Object::new();
    for key in keys {
        let row = turn.get(&["usage", plan_id, text_of(key, "id")]).unwrap_or_default();
        let counted: BTreeMap<Date, u64> = api_keys::days(&row).collect();
        let pair = |day| json!([counted.get(&day).copied().unwrap_or(0), remaining(plan, &row, &counted, day)]);
        let pairs = (0..=days.count()).map(|after| pair(days.first.saturating_add(after.days())));
        values.insert(text_of(key, "id").to_owned(), pairs.collect());
    }
    report.insert("values".into(), values.into());
    report
}

/// What was left at the end of a day. Of the running period the count knows best: more or less may have been given.
fn remaining(plan: &Object, row: &Object, counted: &BTreeMap<Date, u64>, day: Date) -> i64 {
    let Some(quota) = plan.get("quota").and_then(Value::as_object) else { return 0 };
    let terms = api_keys::quota(quota);
    let limit = i64::try_from(terms.limit).unwrap_or(i64::MAX);
    let (from, to) = period(quota, day);
    let used = |from: Date, to: Date| counted.range(from..to).map(|(_, count)| *count as i64).sum::<i64>();
    if let Some((since, remaining)) = api_keys::adjusted(row)
        && since <= day
        && day < period(quota, since).1
    {
        return remaining;
    }
    let reading = api_keys::reading(row, None);
    let is_running = reading.period == terms.period.number(api_keys::day(day));
    let given = if is_running { used(from, to) - reading.taken } else { 0 };
    (limit - used(from, day.saturating_add(1.day())) + given).max(0)
}

fn today(turn: &Turn<'_>) -> Date {
    Timestamp::from_second(turn.now).unwrap_or_default().to_zoned(TimeZone::UTC).date()
}

fn date(call: &Call, name: &str) -> Result<Date, AwsError> {
    let text = call.query(name).ok_or_else(|| AwsError::validation(&[shapes::missing(name)]))?;
    // Ten characters: a date with a time behind it would be read as well.
    let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    date.ok_or_else(|| AwsError::bad_request(format!("Invalid {name} specified. Must be of the form YYYY-MM-DD")))
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::*;

    const PLAN: &[(&str, &str)] = &[("usageplanId", "p"), ("keyId", "k")];

    /// It is 2023-11-14, a Tuesday.
    fn trial(quota: Value) -> Trial {
        let mut trial = Trial::new();
        let mut plan = json!({"id": "p"});
        if !quota.is_null() {
            plan["quota"] = quota;
        }
        trial.put(&["usageplans", "p"], plan);
        trial.put(&["usageplans", "p", "keys", "k"], json!({"id": "k"}));
        trial
    }

    #[track_caller]
    fn check(trial: &mut Trial, first: &str, last: &str, expected: Result<Value, &str>) {
        let path = [("usageplanId", "p")];
        let report = trial.call(get, &path, &[("startDate", first), ("endDate", last)], json!({}));
        let values = report.map(|report| report["values"].clone()).map_err(|error| error.message);
        assert_eq!(values, expected.map_err(str::to_owned));
    }

    #[test]
    fn nothing_is_used_yet() {
        let mut trial = trial(json!({"limit": 9, "period": "WEEK"}));
        check(&mut trial, "2023-11-14", "2023-11-15", Ok(json!({"k": [[0, 9], [0, 9]]})));
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/remaining", "value": "3"}]});
        let done = trial.call(update, PLAN, &[], patch);
        let today =
            json!({"usagePlanId": "p", "startDate": "2023-11-14", "endDate": "2023-11-14", "values": {"k": [[0, 3]]}});
        assert_eq!(done, Ok(today));
        let values = json!({"k": [[0, 9], [0, 3], [0, 3], [0, 3], [0, 3], [0, 3], [0, 9]]});
        check(&mut trial, "2023-11-13", "2023-11-19", Ok(values));
        check(&mut self::trial(json!(null)), "2023-11-14", "2023-11-14", Ok(json!({"k": [[0, 0]]})));
    }

    #[test]
    fn ranges_and_patches_that_are_none() {
        let mut trial = trial(json!({"limit": 9, "period": "DAY"}));
        let form = "Invalid startDate specified. Must be of the form YYYY-MM-DD";
        for date in ["2023-13-01", "2023-1-1", "2023-11-14T00:00:00", ""] {
            check(&mut trial, date, "2023-11-14", Err(form));
        }
        let order = "Invalid usage date range specified: endDate is before startDate";
        check(&mut trial, "2023-11-14", "2023-11-13", Err(order));
        let long = "Invalid usage date range specified: at most 90 days can be asked for at once";
        check(&mut trial, "2023-01-01", "2023-04-02", Err(long));
        check(&mut trial, "0001-01-01", "9999-12-31", Err(long));
        let mut patch = |op: &str, path: &str, value: &str, expected: &str| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            let error = trial.call(update, PLAN, &[], body).expect_err("no change");
            assert_eq!(error.message, expected);
        };
        patch("add", "/remaining", "1", "Invalid patch path  '/remaining' specified for op 'add'. Must be one of: []");
        patch(
            "replace",
            "/used",
            "1",
            "Invalid patch path  '/used' specified for op 'replace'. Must be one of: [/remaining]",
        );
        patch("replace", "/remaining", "-1", "Invalid value '-1' specified for /remaining");
    }

    #[test]
    fn periods() {
        let check = |kind: &str, offset: i64, day: &str, expected: (&str, &str)| {
            let quota = json!({"period": kind, "offset": offset});
            let (from, to) = period(quota.as_object().expect("an object"), day.parse().expect("a date"));
            assert_eq!((from.to_string().as_str(), to.to_string().as_str()), expected, "{kind} {offset} {day}");
        };
        check("DAY", 0, "2024-02-29", ("2024-02-29", "2024-03-01"));
        check("WEEK", 0, "2023-11-12", ("2023-11-12", "2023-11-19"));
        check("WEEK", 0, "2023-11-18", ("2023-11-12", "2023-11-19"));
        check("WEEK", 3, "2023-11-14", ("2023-11-08", "2023-11-15"));
        check("MONTH", 0, "2024-02-29", ("2024-02-01", "2024-03-01"));
        check("MONTH", 27, "2024-02-27", ("2024-01-28", "2024-02-28"));
        check("MONTH", 27, "2024-02-28", ("2024-02-28", "2024-03-28"));
    }
}
