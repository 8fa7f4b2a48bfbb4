//! What `update-usage-plan` may change (control-plane/v1-patch): members two deep, stages by value, and throttles of
//! single methods whose path is part of the patch's path, with its slashes raw or as `~1`.

use std::fmt;

use serde_json::{Value, json};

use super::common::text_of;
use super::errors::AwsError;
use super::patch::{Operation, set};
use crate::model::api_rows::Object;

/// A stage as plans name it: `{api}:{stage}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiStage<'s> {
    pub api: &'s str,
    pub stage: &'s str,
}

impl<'s> ApiStage<'s> {
    fn parse(text: &'s str) -> Result<Self, AwsError> {
        // Recorded: what stands behind a second colon is not looked at.
        let mut parts = text.split(':');
        match (parts.next(), parts.next()) {
            (Some(api), Some(stage)) if !api.is_empty() => Ok(Self { api, stage }),
            _ => Err(AwsError::bad_request("Invalid API Stage specified")),
        }
    }

    fn names(&self, row: &Value) -> bool {
        row.get("apiId").and_then(Value::as_str) == Some(self.api)
            && row.get("stage").and_then(Value::as_str) == Some(self.stage)
    }
}

impl fmt::Display for ApiStage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.api, self.stage)
    }
}

/// One operation on a plan. `known` tells whether a stage exists.
pub fn apply(plan: &mut Object, operation: &Operation, known: &dyn Fn(&ApiStage<'_>) -> bool) -> Result<(), AwsError> {
    let path = operation.path();
    match (operation.op.as_str(), path) {
        ("replace", "/name" | "/description") | ("add" | "replace", "/productCode") => {
            set(plan, &path[1..], operation.text().into());
        }
        ("remove", "/productCode" | "/throttle" | "/quota") => drop(plan.shift_remove(&path[1..])),
        ("add" | "replace", "/throttle/rateLimit" | "/throttle/burstLimit") => {
            let (_, member) = path.rsplit_once('/').unwrap_or_default();
            let value = limit(member, operation)?;
            set(nested(plan, "throttle"), member, value);
        }
        ("add" | "replace", "/quota/limit" | "/quota/offset") => {
            let (_, member) = path.rsplit_once('/').unwrap_or_default();
            let value = limit(member, operation)?;
            set(quota(plan), member, value);
        }
        ("add" | "replace", "/quota/period") => set(quota(plan), "period", operation.text().into()),
        ("add", "/apiStages") => add_stage(plan, operation, known)?,
        ("remove", "/apiStages") => {
            let stage = ApiStage::parse(operation.text())?;
            let at = position(plan, &stage)?;
            stages(plan).remove(at);
        }
        _ => per_method(plan, operation)?,
    }
    Ok(())
}

fn add_stage(plan: &mut Object, operation: &Operation, known: &dyn Fn(&ApiStage<'_>) -> bool) -> Result<(), AwsError> {
    let stage = ApiStage::parse(operation.text())?;
    if !known(&stage) {
        return Err(AwsError::not_found(format!("API Stage not found: {stage}")));
    }
    if position(plan, &stage).is_err() {
        stages(plan).push(json!({"apiId": stage.api, "stage": stage.stage}));
    }
    Ok(())
}

/// `/apiStages/{api}:{stage}/throttle`, and below it `/{path}/{METHOD}` and `/{path}/{METHOD}/rateLimit`.
fn per_method(plan: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let unknown = || unknown_path(operation);
    let rest = operation.path().strip_prefix("/apiStages/").ok_or_else(unknown)?;
    let (stage, rest) = rest.split_once('/').ok_or_else(unknown)?;
    let stage = ApiStage::parse(&stage.replace("~1", "/").replace("~0", "~"))
        .map(|stage| (stage.api.to_owned(), stage.stage.to_owned()))?;
    let stage = ApiStage { api: &stage.0, stage: &stage.1 };
    let rest = rest.strip_prefix("throttle").ok_or_else(unknown)?;
    let (method, member) = match (operation.op.as_str(), rest.rsplit_once('/')) {
        ("remove", None) if rest.is_empty() => (None, None),
        ("remove", Some(_)) => (Some(method_key(rest).ok_or_else(unknown)?), None),
        ("add" | "replace", Some((method, member @ ("rateLimit" | "burstLimit")))) => {
            (Some(method_key(method).ok_or_else(unknown)?), Some(member))
        }
        _ => return Err(unknown()),
    };
    let value = member.map(|member| limit(member, operation)).transpose()?;
    let at = position(plan, &stage)?;
    let Some(Value::Object(row)) = stages(plan).get_mut(at) else { return Err(unknown()) };
    match (method, member, value) {
        (Some(method), Some(member), Some(value)) => set(nested(nested(row, "throttle"), &method), member, value),
        (Some(method), ..) => {
            let throttle = nested(row, "throttle");
            throttle.shift_remove(&method);
            if throttle.is_empty() {
                row.shift_remove("throttle");
            }
        }
        (None, ..) => drop(row.shift_remove("throttle")),
    }
    Ok(())
}

/// `/~1pets~1{id}/GET` and `//pets/{id}/GET` are both the key `/pets/{id}/GET`.
fn method_key(rest: &str) -> Option<String> {
    let key = rest.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
    let (_, verb) = key.rsplit_once('/')?;
    let verbs = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"];
    verbs.contains(&verb).then_some(key)
}

/// The value of a limit. Terraform writes `100.000000`.
fn limit(member: &str, operation: &Operation) -> Result<Value, AwsError> {
    let text = operation.text();
    let value = match member {
        "rateLimit" => text.parse::<f64>().ok().filter(|rate| rate.is_finite()).map(Value::from),
        _ => text.parse::<i32>().ok().map(Value::from),
    };
    value.ok_or_else(|| AwsError::bad_request(format!("Invalid value '{text}' specified for {}", operation.path())))
}

fn nested<'o>(object: &'o mut Object, name: &str) -> &'o mut Object {
    let place = object.entry(name).or_insert(Value::Null);
    if !place.is_object() {
        *place = Value::Object(Object::new());
    }
    place.as_object_mut().expect("it has just been made an object")
}

/// The quota, which always shows an offset.
fn quota(plan: &mut Object) -> &mut Object {
    let quota = nested(plan, "quota");
    quota.entry("offset").or_insert(0.into());
    quota
}

fn stages(plan: &mut Object) -> &mut Vec<Value> {
    let place = plan.entry("apiStages").or_insert(Value::Null);
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    place.as_array_mut().expect("it has just been made a list")
}

fn position(plan: &mut Object, stage: &ApiStage<'_>) -> Result<usize, AwsError> {
    let at = stages(plan).iter().position(|row| stage.names(row));
    at.ok_or_else(|| {
        AwsError::not_found(format!(
            "Invalid API Stage {{api: {}, stage: {}}} specified for usageplan {}",
            stage.api,
            stage.stage,
            text_of(plan, "id")
        ))
    })
}

/// The list for `remove` is recorded; the others follow its form.
fn unknown_path(operation: &Operation) -> AwsError {
    let known = match operation.op.as_str() {
        "add" => {
            "/apiStages, /quota/limit, /quota/offset, /quota/period, /throttle/rateLimit, /throttle/burstLimit, \
             /productCode, /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit, \
             /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit"
        }
        "replace" => {
            "/name, /description, /quota/limit, /quota/offset, /quota/period, /throttle/rateLimit, \
             /throttle/burstLimit, /productCode, \
             /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit, \
             /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit"
        }
        "remove" => {
            "/apiStages, /quota, /throttle, /productCode, \
             /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>, /apiStages/<apidId:stageName>/throttle"
        }
        _ => "",
    };
    let (op, path) = (&operation.op, operation.path());
    AwsError::bad_request(format!("Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{known}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A patch on a plan with stage `a:s`; `b:t` exists as well.
    fn patched(before: Value, op: &str, path: &str, value: Option<&str>) -> Result<Value, String> {
        let mut plan = json!({"id": "p", "apiStages": [{"apiId": "a", "stage": "s"}]});
        let (Value::Object(more), Value::Object(plan)) = (before, &mut plan) else { panic!("objects") };
        plan.extend(more);
        let value = value.map(str::to_owned);
        let operation = Operation { op: op.into(), path: Some(path.into()), value, from: None };
        let known = |stage: &ApiStage<'_>| ["a:s", "b:t"].contains(&stage.to_string().as_str());
        apply(plan, &operation, &known).map_err(|error| error.message)?;
        plan.shift_remove("id");
        Ok(Value::Object(plan.clone()))
    }

    #[track_caller]
    fn check(op: &str, path: &str, value: &str, expected: Value) {
        let mut done = patched(json!({}), op, path, Some(value)).expect("a plan");
        done.as_object_mut().expect("an object").shift_remove("apiStages");
        assert_eq!(done, expected);
    }

    #[track_caller]
    fn check_stages(before: Value, op: &str, path: &str, value: &str, expected: Value) {
        let done = patched(json!({ "apiStages": before }), op, path, Some(value));
        assert_eq!(done, Ok(json!({ "apiStages": expected })));
    }

    #[track_caller]
    fn refused(op: &str, path: &str, value: &str, expected: &str) {
        assert_eq!(patched(json!({}), op, path, Some(value)), Err(expected.to_owned()));
    }

    #[test]
    fn members() {
        check("replace", "/name", "n", json!({"name": "n"}));
        check("add", "/productCode", "c", json!({"productCode": "c"}));
        check("add", "/throttle/rateLimit", "200", json!({"throttle": {"rateLimit": 200.0}}));
        check("replace", "/throttle/burstLimit", "100", json!({"throttle": {"burstLimit": 100}}));
        check("replace", "/quota/limit", "7", json!({"quota": {"offset": 0, "limit": 7}}));
        check("add", "/quota/period", "DAY", json!({"quota": {"offset": 0, "period": "DAY"}}));
        let quota = json!({"quota": {"limit": 1}, "apiStages": []});
        assert_eq!(patched(quota, "remove", "/quota", None), Ok(json!({"apiStages": []})));
    }

    #[test]
    fn stages_and_throttles_of_methods() {
        let (a, b) = (json!({"apiId": "a", "stage": "s"}), json!({"apiId": "b", "stage": "t"}));
        check_stages(json!([a]), "add", "/apiStages", "b:t", json!([a, b]));
        check_stages(json!([a]), "add", "/apiStages", "a:s", json!([a]));
        check_stages(json!([a, b]), "remove", "/apiStages", "a:s", json!([b]));
        let with = |throttle: Value| json!([{"apiId": "a", "stage": "s", "throttle": throttle}]);
        let rate = with(json!({"/pets/{id}/GET": {"rateLimit": 100.0}}));
        let (raw, encoded) = ("//pets/{id}/GET", "/~1pets~1{id}/GET");
        for method in [raw, encoded] {
            let path = format!("/apiStages/a:s/throttle{method}/rateLimit");
            check_stages(json!([a]), "replace", &path, "100.000000", rate.clone());
            check_stages(rate.clone(), "remove", &format!("/apiStages/a:s/throttle{method}"), "", json!([a]));
        }
        let both = with(json!({"/pets/{id}/GET": {"rateLimit": 100.0, "burstLimit": 5}}));
        check_stages(rate.clone(), "add", "/apiStages/a:s/throttle//pets/{id}/GET/burstLimit", "5", both);
        check_stages(
            json!([a]),
            "add",
            "/apiStages/a:s/throttle/~1/GET/burstLimit",
            "5",
            with(json!({"//GET": {"burstLimit": 5}})),
        );
        check_stages(rate, "remove", "/apiStages/a:s/throttle", "", json!([a]));
    }

    #[test]
    fn what_cannot_be_done() {
        refused("add", "/apiStages", "apiId=a,stage=s", "Invalid API Stage specified");
        let recorded = r#"{"apiId": "kx2asm6go3", "stage": "dev"}"#;
        refused("add", "/apiStages", recorded, r#"API Stage not found: {"apiId": "kx2asm6go3", "stage""#);
        let not_in = "Invalid API Stage {api: b, stage: t} specified for usageplan p";
        refused("remove", "/apiStages", "b:t", not_in);
        refused("replace", "/apiStages/b:t/throttle//x/GET/rateLimit", "1", not_in);
        refused(
            "remove",
            "/apiStages/a:s",
            "",
            "Invalid patch path  '/apiStages/a:s' specified for op 'remove'. Must be one of: [/apiStages, /quota, \
             /throttle, /productCode, /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>, \
             /apiStages/<apidId:stageName>/throttle]",
        );
        refused("move", "/x", "", "Invalid patch path  '/x' specified for op 'move'. Must be one of: []");
        refused("add", "/quota/limit", "x", "Invalid value 'x' specified for /quota/limit");
        refused("add", "/throttle/rateLimit", "NaN", "Invalid value 'NaN' specified for /throttle/rateLimit");
        assert!(patched(json!({}), "add", "/apiStages/a:s/throttle//pets/rateLimit", Some("1")).is_err());
    }
}
