//! Rows of API keys and usage plans to what the edge asks, and its counts to rows and back.
//!
//! `usage/{planId}/{keyId}` holds what a key has used: `period` and `taken` of the running quota, `days`, requests by
//! date, and `stages`, the same by stage (`{"apiId/stage": {"2026-11-27": 5}}`): of every stage that the plan ever had, and
//! only since stages are counted. `update-usage` adds `remaining` and `since`, which hold until the counts are written again.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use crate::control::commit::definitions::{Definitions, key, segments};
use crate::edge::limit::api_key::ApiKeys;
use crate::edge::limit::days::Day;
use crate::edge::limit::plans::{KeyTerms, PlanTerms, Plans, StageTerms};
use crate::edge::limit::quota::{Period, Quota, Reading};
use crate::edge::limit::used::{StageUsed, Used};
use crate::model::api_rows::Object;
use crate::settings::Throttle;
use crate::settings::limits::USAGE_DAYS_KEPT;
use crate::time::Instant;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// All keys as the rows have them.
pub fn compile(plans: &mut Plans, definitions: &Definitions, around: (usize, Instant)) -> Arc<ApiKeys> {
    let terms: Vec<PlanTerms> = rows(definitions, "usageplans").map(|row| plan(&row)).collect();
    let mut keys: Vec<KeyTerms> = rows(definitions, "apikeys")
        .filter(|row| row.get("enabled") == Some(&Value::Bool(true)))
        .map(|row| KeyTerms { id: text(&row, "id"), value: text(&row, "value"), plans: Vec::new() })
        .collect();
    let places: hashbrown::HashMap<String, usize> =
        keys.iter().enumerate().map(|(at, key)| (key.id.clone(), at)).collect();
    for plan in &terms {
        for (at, _) in definitions.children(&key(&["usageplans", &plan.id, "keys"])) {
            let place = segments(at).last().and_then(|id| places.get(id).copied());
            if let Some(key) = place.and_then(|place| keys.get_mut(place)) {
                key.plans.push(plan.id.clone());
            }
        }
    }
    let quotas: hashbrown::HashMap<String, Option<Quota>> =
        terms.iter().map(|plan| (plan.id.clone(), plan.quota)).collect();
    let resumed = |plan: &str, id: &str| {
        let row = definitions.get(&key(&["usage", plan, id]))?;
        Some(used(&serde_json::from_str(row).ok()?, quotas.get(plan).copied().flatten()))
    };
    Arc::new(plans.compile(terms, keys, around, resumed))
}

fn rows<'d>(definitions: &'d Definitions, family: &'d str) -> impl Iterator<Item = Object> + 'd {
    definitions.children(family).filter_map(|(_, text)| serde_json::from_str(text).ok())
}

fn plan(row: &Object) -> PlanTerms {
    let stages = row.get("apiStages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let stage = |stage: &Value| {
        let methods = stage.get("throttle").and_then(Value::as_object).into_iter().flatten();
        StageTerms {
            api_id: stage.get("apiId").and_then(Value::as_str).unwrap_or_default().to_owned(),
            stage: stage.get("stage").and_then(Value::as_str).unwrap_or_default().to_owned(),
            methods: methods.filter_map(|(method, terms)| method_throttle(method, terms)).collect(),
        }
    };
    PlanTerms {
        id: text(row, "id"),
        stages: stages.iter().map(stage).collect(),
        throttle: row.get("throttle").and_then(throttle),
        quota: row.get("quota").and_then(Value::as_object).map(quota),
    }
}

/// `/pets/{petId}/GET`; the slash at the beginning may be missing, and those within may be written `~1`.
fn method_throttle(method: &str, terms: &Value) -> Option<(String, String, Throttle)> {
    let method = method.replace("~1", "/");
    let (path, verb) = method.rsplit_once('/')?;
    Some((format!("/{}", path.trim_start_matches('/')), verb.to_owned(), throttle(terms)?))
}

/// What is missing limits nothing.
fn throttle(terms: &Value) -> Option<Throttle> {
    let rate = terms.get("rateLimit").and_then(Value::as_f64);
    let burst = terms.get("burstLimit").and_then(Value::as_u64).map(|burst| u32::try_from(burst).unwrap_or(u32::MAX));
    (rate.is_some() || burst.is_some())
        .then(|| Throttle { rate_per_second: rate.unwrap_or(f64::MAX), burst: burst.unwrap_or(u32::MAX) })
}

pub fn quota(row: &Object) -> Quota {
    let number = |name: &str| row.get(name).and_then(Value::as_u64).unwrap_or_default();
    let offset = u8::try_from(number("offset")).unwrap_or_default();
    let period = match row.get("period").and_then(Value::as_str) {
        Some("WEEK") => Period::Week { offset },
        Some("MONTH") => Period::Month { offset },
        _ => Period::Day,
    };
    Quota { limit: number("limit"), period }
}

/// What an earlier process has written down.
fn used(row: &Object, quota: Option<Quota>) -> Used {
    let reading = reading(row, quota);
    let stages = stages(row).filter_map(|(api_id, stage, dates)| {
        let count = |day: Day| dates_of(dates).find(|(date, _)| self::day(*date) == day).map_or(0, |(_, count)| count);
        let days = reading.days.map(|(day, _)| (day, count(day)));
        let is_asked = days.iter().any(|(_, count)| *count > 0);
        is_asked.then(|| StageUsed { api_id: api_id.to_owned(), stage: stage.to_owned(), days })
    });
    Used { stages: stages.collect(), reading }
}

/// What an earlier process has written down of the sum and the quota.
pub fn reading(row: &Object, quota: Option<Quota>) -> Reading {
    let number = |name: &str| row.get(name).and_then(Value::as_i64);
    let mut counted: Vec<(Day, u64)> = days(row).map(|(date, count)| (day(date), count)).collect();
    counted.sort_unstable();
    let mut reading = Reading {
        period: number("period").and_then(|period| u32::try_from(period).ok()).unwrap_or_default(),
        taken: number("taken").unwrap_or_default(),
        days: Default::default(),
    };
    for (place, counted) in reading.days.iter_mut().zip(counted.into_iter().rev()) {
        *place = counted;
    }
    match (adjusted(row), quota) {
        (Some((since, remaining)), Some(quota)) => Reading {
            period: quota.period.number(day(since)),
            taken: i64::try_from(quota.limit).unwrap_or(i64::MAX).saturating_sub(remaining),
            ..reading
        },
        _ => reading,
    }
}

/// The row of what is counted, beside what an earlier one has of other days.
pub fn row(used: &Used, before: Option<&Object>) -> Object {
    let reading = used.reading;
    let mut dates: BTreeMap<Date, u64> = before.into_iter().flat_map(days).collect();
    dates.extend(counted(reading.days));
    let first = dates.keys().rev().nth(USAGE_DAYS_KEPT - 1).copied().unwrap_or(EPOCH);
    let mut by_stage: BTreeMap<String, BTreeMap<Date, u64>> = BTreeMap::new();
    for (api_id, stage, known) in before.into_iter().flat_map(stages) {
        by_stage.entry(format!("{api_id}/{stage}")).or_default().extend(dates_of(known));
    }
    for used in &used.stages {
        by_stage.entry(format!("{}/{}", used.api_id, used.stage)).or_default().extend(counted(used.days));
    }
    let written = |dates: BTreeMap<Date, u64>| -> Object {
        let kept = dates.into_iter().filter(|(date, _)| *date >= first);
        kept.map(|(date, count)| (date.to_string(), count.into())).collect()
    };
    let mut row = Object::from_iter([
        ("period".to_owned(), reading.period.into()),
        ("taken".to_owned(), reading.taken.into()),
        ("days".to_owned(), written(dates).into()),
    ]);
    let stages = by_stage.into_iter().map(|(name, dates)| (name, written(dates)));
    let stages: Object =
        stages.filter(|(_, dates)| !dates.is_empty()).map(|(name, dates)| (name, dates.into())).collect();
    if !stages.is_empty() {
        row.insert("stages".to_owned(), stages.into());
    }
    row
}

fn counted(days: [(Day, u64); 2]) -> impl Iterator<Item = (Date, u64)> {
    days.into_iter().filter(|(_, count)| *count > 0).map(|(day, count)| (date(day), count))
}

/// What `update-usage` said, and on which day.
pub fn adjusted(row: &Object) -> Option<(Date, i64)> {
    let since = row.get("since")?.as_str()?.parse().ok()?;
    Some((since, row.get("remaining")?.as_i64()?))
}

/// Requests by date.
pub fn days(row: &Object) -> impl Iterator<Item = (Date, u64)> + '_ {
    row.get("days").and_then(Value::as_object).into_iter().flat_map(dates_of)
}

/// API, stage, and what [`dates_of`] reads.
pub fn stages(row: &Object) -> impl Iterator<Item = (&str, &str, &Object)> {
    let stages = row.get("stages").and_then(Value::as_object).into_iter().flatten();
    stages.filter_map(|(name, dates)| {
        let (api_id, stage) = name.rsplit_once('/')?;
        Some((api_id, stage, dates.as_object()?))
    })
}

/// Requests by date, of a sum or of a stage.
pub fn dates_of(dates: &Object) -> impl Iterator<Item = (Date, u64)> + '_ {
    dates.iter().filter_map(|(date, count)| Some((date.parse().ok()?, count.as_u64()?)))
}

pub fn day(date: Date) -> Day {
    let days = (date - EPOCH).get_days();
    Day::try_from(days).unwrap_or_default()
}

fn date(day: Day) -> Date {
    EPOCH.saturating_add(i64::from(day).days())
}

fn text(row: &Object, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn counts_come_back_as_they_were_written() {
        let reading = Reading { period: 9, taken: -3, days: [(20_000, 7), (19_999, 5)] };
        let stage = |stage: &str, days| StageUsed { api_id: "a".into(), stage: stage.into(), days };
        let stages = vec![stage("prod", [(20_000, 6), (19_999, 0)]), stage("test", [(20_000, 1), (19_999, 4)])];
        let counted = Used { reading, stages };
        // The first day was counted before stages were; what a stage had that has left its plan stays.
        let old = json!({"a/gone": {"2024-10-03": 1}, "a/test": {"2024-10-03": 2}});
        let before =
            json!({"days": {"2024-10-01": 4, "2024-10-03": 1}, "remaining": 5, "since": "2024-10-01", "stages": old});
        let written = row(&counted, Some(&object(before)));
        let days = json!({"2024-10-01": 4, "2024-10-03": 5, "2024-10-04": 7});
        let stages = json!({"a/gone": {"2024-10-03": 1}, "a/prod": {"2024-10-04": 6},
            "a/test": {"2024-10-03": 4, "2024-10-04": 1}});
        assert_eq!(Value::from(written.clone()), json!({"period": 9, "taken": -3, "days": days, "stages": stages}));
        let mut again = used(&written, None);
        assert_eq!(again.stages.remove(0), stage("gone", [(20_000, 0), (19_999, 1)]));
        assert_eq!(again, counted);
        let unstaged = Used { stages: Vec::new(), ..counted };
        assert_eq!(used(&row(&unstaged, None), None), unstaged);
        let mut long = object(json!({}));
        for start in 0..1_000 {
            let days = [(start, 1), (0, 0)];
            let stage = if start < 500 { "old" } else { "new" };
            let stages = vec![StageUsed { api_id: "a".into(), stage: stage.into(), days }];
            long = row(&Used { reading: Reading { days, ..Reading::default() }, stages }, Some(&long));
        }
        assert_eq!(super::days(&long).count(), USAGE_DAYS_KEPT);
        let kept: Vec<_> = super::stages(&long).map(|(_, stage, dates)| (stage, dates.len())).collect();
        assert_eq!(kept, [("new", USAGE_DAYS_KEPT)]);
    }

    #[test]
    fn what_somebody_gave_holds_in_its_period() {
        let row = object(json!({"period": 1, "taken": 2, "since": "2024-10-04", "remaining": 50}));
        let quota = Quota { limit: 10, period: Period::Day };
        assert_eq!(reading(&row, Some(quota)), Reading { period: 20_000, taken: -40, days: Default::default() });
    }

    #[test]
    fn plans_as_terraform_and_boto3_write_them() {
        let slow = json!({"rateLimit": 1.5, "burstLimit": 2});
        let stage = json!({"apiId": "a", "stage": "s", "throttle": {"/pets/{petId}/GET": slow, "pets~1x/POST": slow}});
        let terms = plan(&object(json!({"id": "p", "apiStages": [stage], "throttle": {"burstLimit": 0},
            "quota": {"limit": 5, "offset": 2, "period": "WEEK"}})));
        let throttle = Throttle { rate_per_second: 1.5, burst: 2 };
        assert_eq!(
            terms.stages[0].methods,
            [("/pets/{petId}".into(), "GET".into(), throttle), ("/pets/x".into(), "POST".into(), throttle)]
        );
        assert_eq!(terms.quota, Some(Quota { limit: 5, period: Period::Week { offset: 2 } }));
        assert_eq!(terms.throttle.map(|throttle| throttle.burst), Some(0));
    }
}
