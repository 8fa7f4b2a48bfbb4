//! Request validators: which parts of a request a method looks at before its backend is called.

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, paging};
use crate::model::api_rows::Object;

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/validateRequestBody", REPLACE, Kind::Boolean),
    rule("/validateRequestParameters", REPLACE, Kind::Boolean),
];
const WORDING: Wording = Wording::Listing("/name, /validateRequestParameters, /validateRequestBody");

/// What AWS says of a validator that is not there, and of any in an API that is not there.
pub const UNKNOWN: &str = "Invalid Request Validator identifier specified";

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = call.path("restapi_id");
    if !turn.has(&["restapis", api_id]) {
        // Recorded: the one create that answers 400 to an API that is not there.
        return Err(AwsError::bad_request("Invalid REST API identifier specified"));
    }
    let mut validator = Object::new();
    validator.insert("id".into(), turn.fresh_id(&["restapis", api_id, "requestvalidators"], 6).into());
    validator.insert("name".into(), call.text("name").unwrap_or_default().into());
    for member in ["validateRequestBody", "validateRequestParameters"] {
        validator.insert(member.into(), call.boolean(member).unwrap_or(false).into());
    }
    named(&validator)?;
    turn.put(&["restapis", api_id, "requestvalidators", common::text_of(&validator, "id")], &validator);
    common::reply(validator)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let validators = turn.children(&["restapis", api_id, "requestvalidators"]).into_iter().map(common::shown).collect();
    paging::page(call, validators, paging::member("id"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::reply(common::row(turn, &key(call), UNKNOWN)?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut validator = common::row(turn, &key(call), UNKNOWN)?;
    patch::apply(&mut validator, &patch::operations(call), RULES, WORDING)?;
    named(&validator)?;
    turn.put(&key(call), &validator);
    common::reply(validator)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let validator = common::row(turn, &key(call), UNKNOWN)?;
    let (api_id, id) = (call.path("restapi_id"), call.path("requestvalidator_id"));
    if let Some(user) = common::method_with(turn, api_id, "requestValidatorId", id) {
        let name = common::text_of(&validator, "name");
        return Err(AwsError::conflict(format!(
            "Cannot delete Request Validator '{name}', is referenced in method: {}/{}",
            user.verb, user.path
        )));
    }
    turn.delete(&key(call));
    Ok(Reply::Empty)
}

fn key(call: &Call) -> [&str; 4] {
    ["restapis", call.path("restapi_id"), "requestvalidators", call.path("requestvalidator_id")]
}

fn named(validator: &Object) -> Result<(), AwsError> {
    if common::text_of(validator, "name").trim().is_empty() {
        return Err(AwsError::bad_request("Request Validator name cannot be blank"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::control::admin::trial::Trial;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        let row = json!({"id": "v", "name": "body", "validateRequestBody": true, "validateRequestParameters": false});
        trial.put(&["restapis", "a", "requestvalidators", "v"], row);
        trial
    }

    const AT: &[(&str, &str)] = &[("restapi_id", "a"), ("requestvalidator_id", "v")];

    #[test]
    fn made_shown_and_deleted() {
        let mut trial = trial();
        let made = trial.call(create, &AT[..1], &[], json!({"name": "x", "validateRequestParameters": true}));
        let made = made.expect("a validator");
        let id = made["id"].as_str().expect("an id").to_owned();
        let expected = json!({"id": id, "name": "x", "validateRequestBody": false, "validateRequestParameters": true});
        assert_eq!(made, expected);
        let path = &[("restapi_id", "a"), ("requestvalidator_id", id.as_str())];
        assert_eq!(trial.call(get, path, &[], Value::Null), Ok(expected));
        let all = trial.call(list, &AT[..1], &[], Value::Null).expect("validators");
        assert_eq!(all["item"].as_array().map(Vec::len), Some(2));
        assert_eq!(trial.call(delete, path, &[], Value::Null), Ok(Value::Null));
        let error = trial.call(delete, path, &[], Value::Null).expect_err("gone");
        assert_eq!((error.status, error.message.as_str()), (404, UNKNOWN));
    }

    #[test]
    fn what_is_refused() {
        let mut trial = trial();
        let mut check = |handler, path: &[(&'static str, &str)], body: Value, status: u16, message: &str| {
            let error = trial.call(handler, path, &[], body).expect_err("refused");
            assert_eq!((error.status, error.message.as_str()), (status, message));
        };
        let nowhere = &[("restapi_id", "b"), ("requestvalidator_id", "v")];
        check(create, nowhere, json!({"name": "x"}), 400, "Invalid REST API identifier specified");
        check(list, nowhere, json!({}), 404, "Invalid API identifier specified 000000000000:b");
        check(get, nowhere, json!({}), 404, UNKNOWN);
        check(delete, nowhere, json!({}), 404, UNKNOWN);
        check(create, AT, json!({"name": " "}), 400, "Request Validator name cannot be blank");
        let patch = |op, path, value| json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
        check(update, AT, patch("replace", "/name", ""), 400, "Request Validator name cannot be blank");
        let unknown = "Invalid patch path  '/id' specified for op 'replace'. \
                       Must be one of: [/name, /validateRequestParameters, /validateRequestBody]";
        check(update, AT, patch("replace", "/id", ""), 400, unknown);
        let add = "Invalid patch path  '/name' specified for op 'add'. Please choose supported operations";
        check(update, AT, patch("add", "/name", "x"), 400, add);
        trial.put(&["restapis", "a", "resources", "r"], json!({"id": "r", "path": "/p"}));
        let method = json!({"httpMethod": "GET", "requestValidatorId": "v"});
        trial.put(&["restapis", "a", "resources", "r", "methods", "GET"], method);
        let error = trial.call(delete, AT, &[], Value::Null).expect_err("in use");
        let message = "Cannot delete Request Validator 'body', is referenced in method: GET//p";
        assert_eq!((error.status, error.message.as_str()), (409, message));
    }

    #[test]
    fn a_patch_without_a_value_says_no() {
        let mut trial = trial();
        let body = json!({"patchOperations": [{"op": "replace", "path": "/validateRequestBody"}]});
        let validator = trial.call(update, AT, &[], body).expect("changed");
        assert_eq!(validator["validateRequestBody"], false);
    }
}
