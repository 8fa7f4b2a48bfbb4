//! Usage plans: `usageplans/{id}` with its `apiStages`. What may be patched is in `usage_plan_patch.rs`.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::common::{shown, text_of, with_tags, without_empty_tags};
use super::errors::AwsError;
use super::paging::sorted_page;
use super::usage_plan_patch::{self, ApiStage};
use super::{paging, patch, tags};
use crate::model::api_rows::Object;
use crate::settings::limits::USAGE_PLANS_MAX;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    tags::check(call.object("tags"))?;
    let mut plan = Object::new();
    plan.insert("id".into(), turn.fresh_id(&["usageplans"], 6).into());
    plan.extend(call.given(&["name", "description"]));
    plan.insert("apiStages".into(), given_stages(turn, call)?.into());
    plan.extend(call.given(&["throttle"]));
    if let Some(quota) = call.object("quota") {
        let member = |name: &str| Some((name.to_owned(), quota.get(name)?.clone()));
        let mut ordered = Object::from_iter(member("limit"));
        ordered.insert("offset".into(), quota.get("offset").cloned().unwrap_or(0.into()));
        ordered.extend(member("period"));
        plan.insert("quota".into(), ordered.into());
    }
    plan.extend(call.given(&["tags"]));
    check(&plan)?;
    if turn.children(&["usageplans"]).len() >= USAGE_PLANS_MAX {
        return Err(AwsError::limit(
            "Maximum number of usage plans for this account has been reached. Please contact AWS if you need additional \
             usage plans.",
        ));
    }
    turn.put(&["usageplans", text_of(&plan, "id")], &plan);
    Ok(Reply::Object(shown(plan)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut plans = turn.children(&["usageplans"]);
    if let Some(key) = call.query("keyId").filter(|key| !key.is_empty()) {
        plans.retain(|plan| turn.has(&["usageplans", text_of(plan, "id"), "keys", key]));
    }
    sorted_page(call, plans, paging::member("id"), without_empty_tags)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    find(turn, call.path("usageplanId")).map(with_tags).map(Reply::Object)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("usageplanId");
    let mut plan = find(turn, id)?;
    let known = |stage: &ApiStage<'_>| turn.has(&["restapis", stage.api, "stages", stage.stage]);
    for operation in patch::operations(call) {
        usage_plan_patch::apply(&mut plan, &operation, &known)?;
    }
    check(&plan)?;
    check_keys(turn, &plan)?;
    turn.put(&["usageplans", id], &plan);
    Ok(Reply::Object(with_tags(plan)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("usageplanId");
    let plan = find(turn, id)?;
    if let Some(stage) = stages(&plan).next() {
        return Err(AwsError::bad_request(format!(
            "Cannot delete Usage Plan {id} because there are API Stages associated with it, including {stage}"
        )));
    }
    turn.delete_all(&["usageplans", id]);
    turn.delete_all(&["usage", id]);
    Ok(Reply::Empty)
}

pub fn find(turn: &Turn<'_>, id: &str) -> Result<Object, AwsError> {
    turn.get(&["usageplans", id]).ok_or_else(no_plan)
}

pub fn no_plan() -> AwsError {
    AwsError::not_found("Invalid Usage Plan ID specified")
}

/// The stages of a plan.
pub fn stages(plan: &Object) -> impl Iterator<Item = ApiStage<'_>> {
    let stages = plan.get("apiStages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    stages
        .iter()
        .filter_map(Value::as_object)
        .map(|stage| ApiStage { api: text_of(stage, "apiId"), stage: text_of(stage, "stage") })
}

/// Ids of the plans that have a stage, or any stage of an API: what is in a plan is not deleted.
pub fn holding(turn: &Turn<'_>, api: &str, stage: Option<&str>) -> Vec<String> {
    let holds =
        |plan: &Object| stages(plan).any(|held| held.api == api && stage.is_none_or(|stage| held.stage == stage));
    turn.children(&["usageplans"])
        .iter()
        .filter(|plan| holds(plan))
        .map(|plan| text_of(plan, "id").to_owned())
        .collect()
}

/// No stage of `plan` is in another plan of the same key.
pub fn check_stages_are_one_plans(plan: &Object, others: &[&Object], key: &str) -> Result<(), AwsError> {
    let shared = others.iter().flat_map(|other| stages(other)).find(|held| stages(plan).any(|stage| stage == *held));
    match shared {
        None => Ok(()),
        Some(stage) => Err(AwsError::conflict(format!(
            "Usage Plan {} cannot be added because API Key {key} cannot reference multiple Usage Plans with the same API \
             stage: {stage}",
            text_of(plan, "id")
        ))),
    }
}

/// The same for every key of a plan that was changed.
fn check_keys(turn: &Turn<'_>, plan: &Object) -> Result<(), AwsError> {
    let id = text_of(plan, "id");
    let keys = turn.children(&["usageplans", id, "keys"]);
    if keys.is_empty() {
        return Ok(());
    }
    let mut others = turn.children(&["usageplans"]);
    others.retain(|other| {
        text_of(other, "id") != id && stages(other).any(|held| stages(plan).any(|stage| stage == held))
    });
    for other in &others {
        let shared =
            keys.iter().find(|key| turn.has(&["usageplans", text_of(other, "id"), "keys", text_of(key, "id")]));
        if let Some(key) = shared {
            check_stages_are_one_plans(plan, &[other], text_of(key, "id"))?;
        }
    }
    Ok(())
}

fn given_stages(turn: &Turn<'_>, call: &Call) -> Result<Vec<Value>, AwsError> {
    let mut kept: Vec<Value> = Vec::new();
    for given in call.list("apiStages").map_or(&[][..], Vec::as_slice) {
        let member = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let stage = ApiStage { api: member("apiId"), stage: member("stage") };
        if stage.api.is_empty() || stage.stage.is_empty() {
            // Recorded, with the blanks that nobody filled.
            let message = "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s";
            return Err(AwsError::bad_request(message));
        }
        if !turn.has(&["restapis", stage.api, "stages", stage.stage]) {
            return Err(AwsError::not_found(format!("API Stage not found: {stage}")));
        }
        let mut row = json!({"apiId": stage.api, "stage": stage.stage});
        if let Some(throttle) = given.get("throttle") {
            row["throttle"] = throttle.clone();
        }
        if !kept.iter().any(|known| known["apiId"] == row["apiId"] && known["stage"] == row["stage"]) {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// Rules over several members, so after all of them have been written.
fn check(plan: &Object) -> Result<(), AwsError> {
    if text_of(plan, "name").is_empty() {
        return Err(AwsError::bad_request("Usage Plan name cannot be blank"));
    }
    let per_method = plan.get("apiStages").and_then(Value::as_array).into_iter().flatten();
    let per_method = per_method.filter_map(|stage| stage.get("throttle")?.as_object()).flat_map(Object::values);
    for throttle in plan.get("throttle").into_iter().chain(per_method) {
        let negative = |name: &str| throttle.get(name).and_then(Value::as_f64).is_some_and(|limit| limit < 0.0);
        if negative("rateLimit") {
            return Err(AwsError::bad_request("Usage Plan throttle rate limit must not be negative"));
        }
        if negative("burstLimit") {
            return Err(AwsError::bad_request("Usage Plan throttle burst limit must not be negative"));
        }
    }
    plan.get("quota").map_or(Ok(()), check_quota)
}

fn check_quota(quota: &Value) -> Result<(), AwsError> {
    let number = |name: &str| quota.get(name).and_then(Value::as_i64);
    if number("limit").is_none_or(|limit| limit < 0) {
        return Err(AwsError::bad_request("Usage Plan quota limit must be given and must not be negative"));
    }
    let offset = number("offset").unwrap_or_default();
    let (last, what) = match quota.get("period").and_then(Value::as_str) {
        Some("DAY") => (0, "zero in the DAY period"),
        Some("WEEK") => (6, "between zero and six inclusively in the WEEK period"),
        Some("MONTH") => (27, "between zero and 27 inclusively in the MONTH period"),
        _ => return Err(AwsError::bad_request("Usage Plan quota period must be one of [DAY, WEEK, MONTH]")),
    };
    if (0..=last).contains(&offset) {
        return Ok(());
    }
    Err(AwsError::bad_request(format!("Usage Plan quota offset must be {what}")))
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::*;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a", "stages", "s"], json!({}));
        trial
    }

    #[track_caller]
    fn refused(body: Value, status: u16, message: &str) {
        let error = trial().call(create, &[], &[], body).expect_err("no plan");
        assert_eq!((error.status, error.message.as_str()), (status, message));
    }

    #[test]
    fn a_plan_comes_and_goes() {
        let mut trial = trial();
        let body =
            json!({"name": "n", "apiStages": [{"apiId": "a", "stage": "s"}], "quota": {"period": "DAY", "limit": 5}});
        let plan = trial.call(create, &[], &[], body.clone()).expect("a plan");
        let id = plan["id"].as_str().expect("an id");
        let quota = json!({"limit": 5, "offset": 0, "period": "DAY"});
        assert_eq!(plan, json!({"id": id, "name": "n", "apiStages": body["apiStages"], "quota": quota}));
        let path = [("usageplanId", id)];
        assert_eq!(trial.call(get, &path, &[], json!({})).expect("it")["tags"], json!({}));
        assert_eq!(trial.call(list, &[], &[], json!({})), Ok(json!({ "item": [plan] })));
        assert_eq!(trial.call(list, &[], &[("keyId", "k")], json!({})), Ok(json!({"item": []})));
        let refused = trial.call(delete, &path, &[], json!({})).expect_err("it has a stage");
        let what =
            format!("Cannot delete Usage Plan {id} because there are API Stages associated with it, including a:s");
        assert_eq!((refused.status, refused.message), (400, what));
        let patch = json!({"patchOperations": [{"op": "remove", "path": "/apiStages", "value": "a:s"}]});
        assert_eq!(trial.call(update, &path, &[], patch).expect("it")["apiStages"], json!([]));
        trial.put(&["usageplans", id, "keys", "k"], json!({"id": "k"}));
        assert_eq!(trial.call(delete, &path, &[], json!({})), Ok(Value::Null));
        assert_eq!(trial.row(&["usageplans", id, "keys", "k"]), None);
        let gone = trial.call(get, &path, &[], json!({})).expect_err("it has gone");
        assert_eq!((gone.status, gone.message.as_str()), (404, "Invalid Usage Plan ID specified"));
    }

    #[test]
    fn what_makes_no_plan() {
        let stages = |api: &str, stage: &str| json!({"name": "n", "apiStages": [{"apiId": api, "stage": stage}]});
        refused(stages("", "s"), 400, "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s");
        refused(stages("a", "x"), 404, "API Stage not found: a:x");
        refused(json!({"name": ""}), 400, "Usage Plan name cannot be blank");
        let quota =
            |period: &str, offset: i64| json!({"name": "n", "quota": {"limit": 1, "period": period, "offset": offset}});
        refused(quota("DAY", 1), 400, "Usage Plan quota offset must be zero in the DAY period");
        refused(
            quota("WEEK", 7),
            400,
            "Usage Plan quota offset must be between zero and six inclusively in the WEEK period",
        );
        refused(
            quota("MONTH", 28),
            400,
            "Usage Plan quota offset must be between zero and 27 inclusively in the MONTH period",
        );
        let throttle = json!({"name": "n", "throttle": {"rateLimit": -1.0}});
        refused(throttle, 400, "Usage Plan throttle rate limit must not be negative");
    }

    #[test]
    fn a_patch_keeps_one_plan_for_a_stage_and_a_key() {
        let mut trial = trial();
        for (id, stages) in [("p", json!([{"apiId": "a", "stage": "s"}])), ("q", json!([]))] {
            trial.put(&["usageplans", id], json!({"id": id, "name": id, "apiStages": stages}));
            trial.put(&["usageplans", id, "keys", "k"], json!({"id": "k"}));
        }
        let patch = json!({"patchOperations": [{"op": "add", "path": "/apiStages", "value": "a:s"}]});
        let error = trial.call(update, &[("usageplanId", "q")], &[], patch).expect_err("two plans");
        assert_eq!((error.status, error.code), (409, "ConflictException"));
        assert_eq!(trial.row(&["usageplans", "q"]).expect("a row")["apiStages"], json!([]));
    }
}
