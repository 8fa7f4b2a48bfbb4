//! Documentation versions: what all parts of an API said at one time.

use serde_json::Value;

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, documentation, paging};
use crate::model::api_rows::Object;

const RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Text)];

/// What AWS says of a version that is not there.
pub const UNKNOWN: &str = "Invalid Documentation version specified";

/// Where the parts are, as they were.
pub const PARTS: &str = "_parts";

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let stage_key = ["restapis", api_id, "stages", call.text("stageName").unwrap_or_default()];
    let stage = match call.text("stageName").filter(|name| !name.is_empty()) {
        Some(_) => Some(common::row(turn, &stage_key, common::UNKNOWN_STAGE)?),
        None => None,
    };
    let name = call.text("documentationVersion").unwrap_or_default();
    if name.trim().is_empty() {
        return Err(AwsError::bad_request("Documentation version must be non-empty"));
    }
    let key = ["restapis", api_id, "documentation", "versions", name];
    if turn.has(&key) {
        return Err(AwsError::conflict("Documentation version already exists"));
    }
    let mut version = Object::new();
    version.insert("version".into(), name.into());
    version.insert("createdDate".into(), turn.now.into());
    version.extend(call.given(&["description"]));
    let parts = documentation::parts(turn, api_id).into_iter().map(Value::Object);
    version.insert(PARTS.into(), parts.collect());
    turn.put(&key, &version);
    if let Some(mut stage) = stage {
        patch::set(&mut stage, "documentationVersion", name.into());
        patch::set(&mut stage, "lastUpdatedDate", turn.now.into());
        turn.put(&stage_key, &stage);
    }
    common::reply(version)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let versions = turn.children(&["restapis", api_id, "documentation", "versions"]);
    paging::page(call, versions.into_iter().map(common::shown).collect(), paging::member("version"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::reply(common::row(turn, &key(call), UNKNOWN)?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut version = common::row(turn, &key(call), UNKNOWN)?;
    patch::apply(&mut version, &patch::operations(call), RULES, Wording::Plain)?;
    turn.put(&key(call), &version);
    common::reply(version)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let version = common::row(turn, &key(call), UNKNOWN)?;
    let (api_id, name) = (call.path("restapi_id"), common::text_of(&version, "version"));
    // A stage does not go on naming what is no more.
    for mut stage in turn.children(&["restapis", api_id, "stages"]) {
        if common::text_of(&stage, "documentationVersion") == name {
            stage.shift_remove("documentationVersion");
            let stage_name = common::text_of(&stage, "stageName").to_owned();
            turn.put(&["restapis", api_id, "stages", &stage_name], &stage);
        }
    }
    turn.delete(&key(call));
    Ok(Reply::Empty)
}

fn key(call: &Call) -> [&str; 5] {
    ["restapis", call.path("restapi_id"), "documentation", "versions", call.path("doc_version")]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::admin::trial::Trial;

    const API: &[(&str, &str)] = &[("restapi_id", "a")];
    const AT: &[(&str, &str)] = &[("restapi_id", "a"), ("doc_version", "1.0")];

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        trial.put(&["restapis", "a", "stages", "dev"], json!({"stageName": "dev"}));
        let part = json!({"id": "p", "location": {"type": "API"}, "properties": "{}"});
        trial.put(&["restapis", "a", "documentation", "parts", "p"], part);
        trial
    }

    #[test]
    fn a_version_keeps_the_parts_as_they_were() {
        let mut trial = trial();
        let body = json!({"documentationVersion": "1.0", "stageName": "dev", "description": "first"});
        let shown = json!({"version": "1.0", "createdDate": trial.now, "description": "first"});
        assert_eq!(trial.call(create, API, &[], body.clone()), Ok(shown.clone()));
        trial.put(&["restapis", "a", "documentation", "parts", "p"], json!({"id": "p"}));
        let row = trial.row(&["restapis", "a", "documentation", "versions", "1.0"]).expect("a row");
        assert_eq!(row[PARTS][0]["location"]["type"], "API");
        let stage = trial.row(&["restapis", "a", "stages", "dev"]).expect("a stage");
        assert_eq!(stage["documentationVersion"], "1.0");
        assert_eq!(trial.call(get, AT, &[], Value::Null), Ok(shown.clone()));
        assert_eq!(trial.call(list, API, &[], Value::Null), Ok(json!({"item": [shown]})));
        let again = trial.call(create, API, &[], body).expect_err("there");
        assert_eq!((again.status, again.message.as_str()), (409, "Documentation version already exists"));
        let patch = json!({"patchOperations": [{"op": "replace", "path": "/description", "value": "d"}]});
        assert_eq!(trial.call(update, AT, &[], patch).expect("changed")["description"], "d");
        assert_eq!(trial.call(delete, AT, &[], Value::Null), Ok(Value::Null));
        assert_eq!(trial.row(&["restapis", "a", "stages", "dev"]).expect("a stage").get("documentationVersion"), None);
        let gone = trial.call(get, AT, &[], Value::Null).expect_err("gone");
        assert_eq!((gone.status, gone.message.as_str()), (404, UNKNOWN));
    }

    #[test]
    fn what_is_refused() {
        let mut trial = trial();
        let mut check = |api: &str, body: Value, status: u16, message: &str| {
            let error = trial.call(create, &[("restapi_id", api)], &[], body).expect_err("refused");
            assert_eq!((error.status, error.message.as_str()), (status, message));
        };
        check("b", json!({"documentationVersion": "1"}), 404, "Invalid API identifier specified 000000000000:b");
        let body = json!({"documentationVersion": "1", "stageName": "prod"});
        check("a", body, 404, "Invalid Stage identifier specified");
        check("a", json!({"documentationVersion": ""}), 400, "Documentation version must be non-empty");
    }
}
