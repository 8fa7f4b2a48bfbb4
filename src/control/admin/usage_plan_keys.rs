//! API keys in usage plans: `usageplans/{id}/keys/{keyId}`. Name and value are the key's own, read when they are shown.

use super::api_keys;
use super::call::{Call, Reply, Turn};
use super::common::text_of;
use super::errors::AwsError;
use super::paging::{newest_first, next_order, sorted_page};
use super::usage_plans::{check_stages_are_one_plans, find, no_plan};
use crate::model::api_rows::Object;
use crate::settings::limits::USAGE_PLANS_PER_KEY_MAX;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let plan = call.path("usageplanId");
    find(turn, plan)?;
    if call.text("keyType") != Some("API_KEY") {
        return Err(AwsError::bad_request("Invalid key type specified. Valid options are API_KEY"));
    }
    let key = call.text("keyId").unwrap_or_default();
    let order = next_order(&turn.children(&["usageplans", plan, "keys"]));
    let plans = turn.children(&["usageplans"]);
    attach(turn, &plans, plan, key, order).map(Reply::Object)
}

/// Recorded: a plan that nobody knows has no keys, which is no error.
pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let plan = call.path("usageplanId");
    let mut rows = turn.children(&["usageplans", plan, "keys"]);
    if let Some(prefix) = call.query("name").filter(|prefix| !prefix.is_empty()) {
        rows.retain(|row| named(turn, row).is_some_and(|name| name.starts_with(prefix)));
    }
    sorted_page(call, rows, newest_first, |row| view(turn, &row))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let row = attached(turn, call)?;
    Ok(Reply::Object(view(turn, &row)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    attached(turn, call)?;
    let (plan, key) = (call.path("usageplanId"), call.path("keyId"));
    turn.delete(&["usageplans", plan, "keys", key]);
    turn.delete(&["usage", plan, key]);
    Ok(Reply::Empty)
}

/// Puts a key into one of all `plans`. A request must have one plan that it counts for, so no stage may be in two plans of
/// a key.
pub fn attach(
    turn: &mut Turn<'_>,
    plans: &[Object],
    plan_id: &str,
    key_id: &str,
    order: i64,
) -> Result<Object, AwsError> {
    let plan = plans.iter().find(|plan| text_of(plan, "id") == plan_id).ok_or_else(no_plan)?;
    api_keys::find(turn, key_id)?;
    if turn.has(&["usageplans", plan_id, "keys", key_id]) {
        return Err(AwsError::conflict(format!("API Key {key_id} is already in Usage Plan {plan_id}")));
    }
    let of_key = |plan: &&Object| turn.has(&["usageplans", text_of(plan, "id"), "keys", key_id]);
    let others: Vec<&Object> = plans.iter().filter(of_key).collect();
    check_stages_are_one_plans(plan, &others, key_id)?;
    if others.len() >= USAGE_PLANS_PER_KEY_MAX {
        return Err(AwsError::limit(
            "Maximum number of usage plans for this API key has been reached. Please contact AWS if you need additional \
             usage plans.",
        ));
    }
    let row = Object::from_iter([
        ("id".to_owned(), key_id.into()),
        ("type".to_owned(), "API_KEY".into()),
        ("_order".to_owned(), order.into()),
    ]);
    turn.put(&["usageplans", plan_id, "keys", key_id], &row);
    Ok(view(turn, &row))
}

fn attached(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    let plan = call.path("usageplanId");
    find(turn, plan)?;
    turn.get(&["usageplans", plan, "keys", call.path("keyId")])
        .ok_or_else(|| AwsError::not_found("Invalid API Key identifier specified"))
}

fn named(turn: &Turn<'_>, row: &Object) -> Option<String> {
    Some(text_of(&turn.get(&["apikeys", text_of(row, "id")])?, "name").to_owned())
}

fn view(turn: &Turn<'_>, row: &Object) -> Object {
    let key = turn.get(&["apikeys", text_of(row, "id")]).unwrap_or_default();
    let mut shown =
        Object::from_iter([("id".to_owned(), text_of(row, "id").into()), ("type".to_owned(), "API_KEY".into())]);
    shown.extend(["value", "name"].into_iter().filter_map(|name| Some((name.to_owned(), key.get(name)?.clone()))));
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::trial::Trial;
    use super::*;

    /// Plans `p` and `q` with one stage each, `r` with both; keys `k` and `l`.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        let stage = |name: &str| json!({"apiId": "a", "stage": name});
        for (id, stages) in
            [("p", json!([stage("s")])), ("q", json!([stage("t")])), ("r", json!([stage("s"), stage("t")]))]
        {
            trial.put(&["usageplans", id], json!({"id": id, "apiStages": stages}));
        }
        for (id, name) in [("k", "key"), ("l", "Key")] {
            trial.put(&["apikeys", id], json!({"id": id, "value": "v", "name": name}));
        }
        trial
    }

    fn add(trial: &mut Trial, plan: &str, body: Value) -> Result<Value, String> {
        trial.call(create, &[("usageplanId", plan)], &[], body).map_err(|error| error.message)
    }

    fn key(id: &str) -> Value {
        json!({"keyId": id, "keyType": "API_KEY"})
    }

    #[test]
    fn a_key_comes_and_goes() {
        let mut trial = trial();
        let shown = json!({"id": "k", "type": "API_KEY", "value": "v", "name": "key"});
        assert_eq!(add(&mut trial, "p", key("k")), Ok(shown.clone()));
        let path = [("usageplanId", "p"), ("keyId", "k")];
        assert_eq!(trial.call(get, &path, &[], json!({})), Ok(shown));
        add(&mut trial, "p", key("l")).expect("another");
        let ids = |list: Value| {
            list["item"].as_array().expect("items").iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
        };
        let all = trial.call(list, &path[..1], &[], json!({})).expect("a list");
        assert_eq!(ids(all), ["l", "k"]);
        let some = trial.call(list, &path[..1], &[("name", "k")], json!({})).expect("a list");
        assert_eq!(ids(some), ["k"]);
        assert_eq!(trial.call(delete, &path, &[], json!({})), Ok(Value::Null));
        let gone = trial.call(get, &path, &[], json!({})).expect_err("it has gone");
        assert_eq!((gone.status, gone.message.as_str()), (404, "Invalid API Key identifier specified"));
        assert_eq!(trial.call(list, &[("usageplanId", "x")], &[], json!({})), Ok(json!({"item": []})));
    }

    #[test]
    fn what_cannot_be_added() {
        let mut trial = trial();
        let mut check =
            |plan: &str, body: Value, expected: &str| assert_eq!(add(&mut trial, plan, body), Err(expected.into()));
        check("x", key("k"), "Invalid Usage Plan ID specified");
        check("p", key("x"), "Invalid API Key identifier specified");
        let kind = json!({"keyId": "k", "keyType": "x"});
        check("p", kind, "Invalid key type specified. Valid options are API_KEY");
        add(&mut trial, "p", key("k")).expect("a key");
        add(&mut trial, "q", key("k")).expect("a key");
        let mut check =
            |plan: &str, body: Value, expected: &str| assert_eq!(add(&mut trial, plan, body), Err(expected.into()));
        check("p", key("k"), "API Key k is already in Usage Plan p");
        check(
            "r",
            key("k"),
            "Usage Plan r cannot be added because API Key k cannot reference multiple Usage Plans with the same API stage: a:s",
        );
        for n in 0..USAGE_PLANS_PER_KEY_MAX {
            trial.put(&["usageplans", &format!("n{n}")], json!({"id": format!("n{n}"), "apiStages": []}));
        }
        let added = (0..USAGE_PLANS_PER_KEY_MAX).filter(|n| add(&mut trial, &format!("n{n}"), key("k")).is_ok());
        assert_eq!(added.count(), USAGE_PLANS_PER_KEY_MAX - 2);
    }
}
