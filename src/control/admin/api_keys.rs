//! API keys (security/api-keys-usage-plans section 1): `apikeys/{id}`, with the value in the row.

use serde_json::Value;

use super::call::{Call, Reply, Turn, random_key_value};
use super::common::{shown, text_of, with_tags, without_empty_tags};
use super::errors::AwsError;
use super::paging::{newest_first, next_order, sorted_page};
use super::patch::{self, Kind, Operation, REPLACE, Rule, Wording, rule};
use super::tags;
use crate::model::api_rows::Object;
use crate::settings::limits::{
    API_KEY_DESCRIPTION_CHARS_MAX, API_KEY_NAME_CHARS_MAX, API_KEY_VALUE_CHARS_MAX, API_KEY_VALUE_CHARS_MIN,
    API_KEYS_MAX,
};

const RULES: &[Rule] = &[
    rule("/description", REPLACE, Kind::Text),
    rule("/enabled", REPLACE, Kind::Boolean),
    rule("/name", REPLACE, Kind::Clearable),
    rule("/customerId", REPLACE, Kind::Clearable),
];
const WORDING: Wording = Wording::Listing("/description, /enabled, /name, /customerId");

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    check_fields(call.text("name"), call.text("description"))?;
    let value = match call.text("value") {
        // Recorded: an empty value is as good as none.
        None | Some("") => random_key_value(),
        Some(value) => checked_value(value)?.to_owned(),
    };
    tags::check(call.object("tags"))?;
    let stage_keys = stage_keys(turn, call)?;
    let keys = turn.children(&["apikeys"]);
    if keys.iter().any(|key| text_of(key, "value") == value) {
        return Err(AwsError::conflict("API Key already exists"));
    }
    check_count(keys.len())?;
    let mut key = fresh(turn, &value, next_order(&keys));
    if let Some(name) = call.text("name").filter(|name| !name.is_empty()) {
        key.insert("name".into(), name.into());
    }
    key.extend(call.given(&["description", "customerId"]));
    key.insert("enabled".into(), call.boolean("enabled").unwrap_or(false).into());
    key.insert("stageKeys".into(), stage_keys.into());
    key.extend(call.given(&["tags"]));
    turn.put(&["apikeys", text_of(&key, "id")], &key);
    Ok(Reply::Object(shown(key)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut keys = turn.children(&["apikeys"]);
    let prefix = call.query("name").unwrap_or_default();
    keys.retain(|key| text_of(key, "name").starts_with(prefix));
    if let Some(customer) = call.query("customerId").filter(|customer| !customer.is_empty()) {
        keys.retain(|key| text_of(key, "customerId") == customer);
    }
    let values = call.flag("includeValues");
    sorted_page(call, keys, newest_first, |key| without_empty_tags(if values { key } else { without_value(key) }))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let key = find(turn, call.path("api_Key"))?;
    Ok(Reply::Object(shown(if call.flag("includeValue") { key } else { without_value(key) })))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("api_Key");
    let mut key = find(turn, id)?;
    for operation in patch::operations(call) {
        match operation.path() {
            "/stages" => change_stages(turn, &mut key, &operation)?,
            _ => patch::apply_one(&mut key, &operation, RULES, WORDING)?,
        }
    }
    check_fields(Some(text_of(&key, "name")), Some(text_of(&key, "description")))?;
    patch::set(&mut key, "lastUpdatedDate", turn.now.into());
    turn.put(&["apikeys", id], &key);
    Ok(Reply::Object(with_tags(without_value(key))))
}

/// A key that has gone is in no plan either.
pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("api_Key");
    find(turn, id)?;
    for plan in turn.children(&["usageplans"]) {
        turn.delete(&["usageplans", text_of(&plan, "id"), "keys", id]);
        turn.delete(&["usage", text_of(&plan, "id"), id]);
    }
    turn.delete(&["apikeys", id]);
    Ok(Reply::Empty)
}

pub fn find(turn: &Turn<'_>, id: &str) -> Result<Object, AwsError> {
    turn.get(&["apikeys", id]).ok_or_else(|| AwsError::not_found("Invalid API Key identifier specified"))
}

/// What every new key has.
pub fn fresh(turn: &Turn<'_>, value: &str, order: i64) -> Object {
    Object::from_iter([
        ("id".to_owned(), turn.fresh_id(&["apikeys"], 10).into()),
        ("value".to_owned(), value.into()),
        ("createdDate".to_owned(), turn.now.into()),
        ("lastUpdatedDate".to_owned(), turn.now.into()),
        ("_order".to_owned(), order.into()),
    ])
}

pub fn check_fields(name: Option<&str>, description: Option<&str>) -> Result<(), AwsError> {
    if longer(name, API_KEY_NAME_CHARS_MAX) {
        return Err(AwsError::bad_request("Invalid API Key name, can be at most 1024 characters."));
    }
    if longer(description, API_KEY_DESCRIPTION_CHARS_MAX) {
        return Err(AwsError::bad_request("Invalid API Key description specified."));
    }
    Ok(())
}

pub fn checked_value(value: &str) -> Result<&str, AwsError> {
    match value.chars().count() {
        short if short < API_KEY_VALUE_CHARS_MIN => {
            Err(AwsError::bad_request("API Key value should be at least 20 characters"))
        }
        long if long > API_KEY_VALUE_CHARS_MAX => {
            Err(AwsError::bad_request("API Key value exceeds maximum size of 128 characters"))
        }
        _ => Ok(value),
    }
}

pub fn check_count(count: usize) -> Result<(), AwsError> {
    if count < API_KEYS_MAX {
        return Ok(());
    }
    let what = "Maximum number of API keys for this account has been reached. Please contact AWS if you need additional API keys.";
    Err(AwsError::limit(what))
}

fn longer(text: Option<&str>, chars_max: usize) -> bool {
    text.is_some_and(|text| text.chars().count() > chars_max)
}

fn without_value(mut key: Object) -> Object {
    key.shift_remove("value");
    key
}

/// Objects come in, `id/stage` goes out.
fn stage_keys(turn: &Turn<'_>, call: &Call) -> Result<Vec<Value>, AwsError> {
    let given = call.list("stageKeys").map_or(&[][..], Vec::as_slice);
    let key = |item: &Value| {
        let member = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
        stage_key(turn, member("restApiId"), member("stageName")).map(Value::from)
    };
    given.iter().map(key).collect()
}

fn stage_key(turn: &Turn<'_>, api: &str, stage: &str) -> Result<String, AwsError> {
    if turn.has(&["restapis", api, "stages", stage]) {
        Ok(format!("{api}/{stage}"))
    } else {
        Err(AwsError::not_found(format!("API Stage not found: {api}:{stage}")))
    }
}

fn change_stages(turn: &Turn<'_>, key: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let mut stages = key.get("stageKeys").and_then(Value::as_array).cloned().unwrap_or_default();
    let invalid = || AwsError::bad_request("Invalid API Stage specified");
    let (api, stage) = operation.text().split_once('/').ok_or_else(invalid)?;
    let at = stages.iter().position(|known| known.as_str() == Some(operation.text()));
    match (operation.op.as_str(), at) {
        ("add", None) => stages.push(stage_key(turn, api, stage)?.into()),
        ("add", Some(_)) => {}
        ("remove", Some(at)) => drop(stages.remove(at)),
        ("remove", None) => return Err(invalid()),
        // The table has no such path for other operations, and words it so.
        _ => return patch::apply_one(key, operation, RULES, WORDING),
    }
    patch::set(key, "stageKeys", stages.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::Trial;
    use super::*;

    #[track_caller]
    fn made(trial: &mut Trial, body: Value) -> String {
        let key = trial.call(create, &[], &[], body).expect("a key");
        key["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    fn refused(trial: &mut Trial, body: Value, status: u16, message: &str) {
        let error = trial.call(create, &[], &[], body).expect_err("no key");
        assert_eq!((error.status, error.message.as_str()), (status, message));
    }

    #[test]
    fn a_new_key_is_disabled_and_shows_its_value_once() {
        let mut trial = Trial::new();
        let key = trial.call(create, &[], &[], json!({"name": "", "description": "d"})).expect("a key");
        assert_eq!(key["value"].as_str().map(str::len), Some(40));
        let id = key["id"].as_str().expect("an id");
        let members: Vec<_> = key.as_object().expect("an object").keys().collect();
        let shown = ["id", "value", "createdDate", "lastUpdatedDate", "description", "enabled", "stageKeys"];
        assert_eq!(
            (members, &key["enabled"], id.len()),
            (shown.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>().iter().collect(), &json!(false), 10)
        );
        assert_eq!(trial.call(get, &[("api_Key", id)], &[], json!({})).expect("it")["value"], json!(null));
        let with = trial.call(get, &[("api_Key", id)], &[("includeValue", "true")], json!({})).expect("it");
        assert_eq!(with, key);
    }

    #[test]
    fn field_rules() {
        let mut trial = Trial::new();
        refused(&mut trial, json!({"value": "a".repeat(19)}), 400, "API Key value should be at least 20 characters");
        let long = "API Key value exceeds maximum size of 128 characters";
        refused(&mut trial, json!({"value": "a".repeat(129)}), 400, long);
        let name = "Invalid API Key name, can be at most 1024 characters.";
        refused(&mut trial, json!({"name": "a".repeat(1025)}), 400, name);
        let description = "Invalid API Key description specified.";
        refused(&mut trial, json!({"description": "a".repeat(125_001)}), 400, description);
        let stage = json!({"stageKeys": [{"restApiId": "a", "stageName": "s"}]});
        refused(&mut trial, stage, 404, "API Stage not found: a:s");
        made(&mut trial, json!({"value": "a".repeat(20)}));
        refused(&mut trial, json!({"value": "a".repeat(20)}), 409, "API Key already exists");
    }

    #[test]
    fn lists_are_newest_first_and_filtered() {
        let mut trial = Trial::new();
        for (name, customer) in [("ab", "x"), ("aB", "y"), ("b", "x")] {
            made(&mut trial, json!({"name": name, "customerId": customer, "tags": {}}));
        }
        let mut check = |query: &[(&str, &str)], expected: &[&str]| {
            let list = trial.call(list, &[], query, json!({})).expect("a list");
            let items = list["item"].as_array().expect("items");
            assert!(items.iter().all(|item| item.get("tags").is_none()), "{list}");
            assert_eq!(items.iter().map(|item| item["name"].as_str().expect("a name")).collect::<Vec<_>>(), expected);
            list
        };
        check(&[], &["b", "aB", "ab"]);
        check(&[("name", "a")], &["aB", "ab"]);
        check(&[("customerId", "x")], &["b", "ab"]);
        let first = check(&[("limit", "2")], &["b", "aB"]);
        let position = first["position"].as_str().expect("a position").to_owned();
        let second = check(&[("limit", "2"), ("position", &position), ("includeValues", "true")], &["ab"]);
        assert!(second["item"][0]["value"].is_string());
    }

    #[test]
    fn patches() {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a", "stages", "s"], json!({}));
        let id = made(&mut trial, json!({"name": "n"}));
        let mut check = |op: &str, path: &str, value: &str, member: &str, expected: Result<Value, &str>| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            let done = trial.call(update, &[("api_Key", &id)], &[], body).map(|key| key[member].clone());
            assert_eq!(done.map_err(|error| error.message), expected.map_err(str::to_owned));
        };
        check("replace", "/enabled", "true", "enabled", Ok(json!(true)));
        check("replace", "/name", "m", "tags", Ok(json!({})));
        check("add", "/stages", "a/s", "stageKeys", Ok(json!(["a/s"])));
        check("remove", "/stages", "a/s", "stageKeys", Ok(json!([])));
        check("add", "/stages", "a:s", "stageKeys", Err("Invalid API Stage specified"));
        let unknown = "Invalid patch path  '/value' specified for op 'replace'. Must be one of: [/description, /enabled, /name, /customerId]";
        check("replace", "/value", "m", "value", Err(unknown));
        let unsupported = "Invalid patch path  '/name' specified for op 'add'. Please choose supported operations";
        check("add", "/name", "m", "name", Err(unsupported));
    }

    #[test]
    fn a_deleted_key_is_in_no_plan() {
        let mut trial = Trial::new();
        let id = made(&mut trial, json!({}));
        trial.put(&["usageplans", "p"], json!({"id": "p"}));
        trial.put(&["usageplans", "p", "keys", &id], json!({"id": id}));
        assert_eq!(trial.call(delete, &[("api_Key", &id)], &[], json!({})), Ok(Value::Null));
        assert_eq!(trial.row(&["usageplans", "p", "keys", &id]), None);
        let gone = trial.call(delete, &[("api_Key", &id)], &[], json!({})).expect_err("it has gone");
        assert_eq!((gone.status, gone.message.as_str()), (404, "Invalid API Key identifier specified"));
    }
}
