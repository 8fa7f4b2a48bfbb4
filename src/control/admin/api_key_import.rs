//! `import-api-keys`: keys from a CSV document, made or overwritten, and put into their usage plans.

use std::collections::{HashMap, HashSet};

use super::api_key_csv::{self, CsvKey};
use super::api_keys::{check_count, check_fields, checked_value, fresh};
use super::call::{Call, Reply, Turn};
use super::common::text_of;
use super::errors::AwsError;
use super::paging::next_order;
use super::shapes;
use super::usage_plan_keys::attach;
use crate::model::api_rows::Object;

pub fn import(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    check_format(call.query("format"))?;
    let document = api_key_csv::read(&call.raw)
        .map_err(|fault| AwsError::bad_request(format!("Invalid CSV input, line {}: {}.", fault.line, fault.what)))?;
    let keys = turn.children(&["apikeys"]);
    let mut order = next_order(&keys);
    let mut count = keys.len();
    let mut by_value: HashMap<String, Object> =
        keys.into_iter().map(|key| (text_of(&key, "value").to_owned(), key)).collect();
    let plans = turn.children(&["usageplans"]);
    // What the next key of each plan gets as its order: to count them anew for every key would take its square.
    let mut plan_orders = HashMap::<String, i64>::new();
    let mut seen = HashSet::new();
    let (mut ids, mut warnings) = (Vec::<String>::new(), Vec::<String>::new());
    for row in document {
        let warning = |error: AwsError| format!("Line {}: {}", row.line, error.message);
        if let Err(error) = check_fields(Some(&row.name), Some(&row.description)).and(checked_value(&row.key)) {
            warnings.push(warning(error));
            continue;
        }
        let mut key = match by_value.remove(&row.key) {
            Some(known) => known,
            None => {
                check_count(count)?;
                (count, order) = (count + 1, order + 1);
                fresh(turn, &row.key, order - 1)
            }
        };
        overwrite(turn, &mut key, &row);
        let id = text_of(&key, "id").to_owned();
        turn.put(&["apikeys", &id], &key);
        for plan in &row.usage_plan_ids {
            // A key that is there already stays there.
            if turn.has(&["usageplans", plan, "keys", &id]) {
                continue;
            }
            let order = match plan_orders.get(plan) {
                Some(order) => *order,
                None => next_order(&turn.children(&["usageplans", plan, "keys"])),
            };
            match attach(turn, &plans, plan, &id, order) {
                Ok(_) => drop(plan_orders.insert(plan.clone(), order + 1)),
                Err(error) => warnings.push(warning(error)),
            }
        }
        by_value.insert(row.key, key);
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    if call.flag("failonwarnings") && !warnings.is_empty() {
        return Err(AwsError::bad_request(format!("Warnings found during import:\n\t{}", warnings.join("\n\t"))));
    }
    Ok(Reply::Object(Object::from_iter([("ids".to_owned(), ids.into()), ("warnings".to_owned(), warnings.into())])))
}

/// The last line with a value is what counts: what it leaves out is not kept.
fn overwrite(turn: &Turn<'_>, key: &mut Object, row: &CsvKey) {
    for (member, value) in [("name", &row.name), ("description", &row.description)] {
        if value.is_empty() {
            key.shift_remove(member);
        } else {
            key.insert(member.into(), value.as_str().into());
        }
    }
    key.insert("enabled".into(), row.enabled.into());
    key.insert("lastUpdatedDate".into(), turn.now.into());
    key.entry("stageKeys").or_insert_with(|| Vec::<String>::new().into());
}

fn check_format(format: Option<&str>) -> Result<(), AwsError> {
    let known = shapes::enumeration("ApiKeysFormat");
    match format {
        Some(format) if known.contains(&format) => Ok(()),
        Some(format) => Err(AwsError::validation(&[shapes::not_in("format", format, known)])),
        None => Err(AwsError::validation(&[shapes::missing("format")])),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::super::trial::Trial;
    use super::*;
    use crate::settings::limits::API_KEYS_MAX;

    const CSV: &[(&str, &str)] = &[("mode", "import"), ("format", "csv")];

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["usageplans", "p"], json!({"id": "p", "apiStages": []}));
        trial
    }

    #[track_caller]
    fn refused(document: &str, query: &[(&str, &str)], message: &str) {
        let mut trial = trial();
        let error = trial.call(import, &[], query, json!(document)).expect_err("no import");
        assert_eq!((error.status, error.message.as_str()), (400, message));
    }

    #[test]
    fn keys_are_made_attached_and_overwritten() {
        let mut trial = trial();
        let value = "k".repeat(20);
        let document = format!("KEY,Name,usageplanIds,Enabled\n{value},first,p,\n");
        let done = trial.call(import, &[], CSV, json!(document)).expect("an import");
        let id = done["ids"][0].as_str().expect("an id").to_owned();
        assert_eq!(done, json!({"ids": [id], "warnings": []}));
        let row = trial.row(&["apikeys", &id]).expect("a row");
        assert_eq!((&row["name"], &row["enabled"]), (&json!("first"), &json!(true)));
        assert!(trial.row(&["usageplans", "p", "keys", &id]).is_some());
        let document = format!("name,key,enabled,usageplanIds\nsecond,{value},FALSE,'p,q'\nthird,{value},,p\n");
        let done = trial.call(import, &[], CSV, json!(document)).expect("an import");
        assert_eq!(done, json!({"ids": [id], "warnings": ["Line 2: Invalid Usage Plan ID specified"]}));
        let row = trial.row(&["apikeys", &id]).expect("a row");
        assert_eq!((&row["name"], &row["enabled"]), (&json!("third"), &json!(true)));
    }

    #[test]
    fn as_many_keys_as_there_may_be() {
        let mut trial = trial();
        let mut document = "name,key,usageplanIds\n".to_owned();
        let imported = API_KEYS_MAX / 10;
        for n in 0..imported {
            document += &format!("n{n},{n:020},p\n");
        }
        let begun = Instant::now();
        let done = trial.call(import, &[], CSV, json!(document)).expect("an import");
        assert_eq!((done["ids"].as_array().map(Vec::len), &done["warnings"]), (Some(imported), &json!([])));
        // Two seconds without optimisation is far from the minutes that a square would take.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        for n in imported..API_KEYS_MAX {
            trial.put(&["apikeys", &format!("id{n}")], json!({"id": format!("id{n}"), "value": format!("{n:020}")}));
        }
        let more = "name,key\nn,abcdefghijklmnopqrst\n";
        assert_eq!(trial.call(import, &[], CSV, json!(more)).expect_err("full").code, "LimitExceededException");
    }

    #[test]
    fn warnings() {
        let document = "name,key\na,short\n";
        let mut trial = trial();
        let done = trial.call(import, &[], CSV, json!(document)).expect("an import");
        let warning = "Line 2: API Key value should be at least 20 characters";
        assert_eq!(done, json!({"ids": [], "warnings": [warning]}));
        let strict = [("format", "csv"), ("failonwarnings", "true")];
        refused(document, &strict, &format!("Warnings found during import:\n\t{warning}"));
        refused("name\na\n", CSV, "Invalid CSV input, line 1: the header has no columns 'name' and 'key'.");
        let format = "1 validation error detected: Value 'x' at 'format' failed to satisfy constraint: Member must satisfy enum value set: [csv]";
        refused(document, &[("format", "x")], format);
    }
}
