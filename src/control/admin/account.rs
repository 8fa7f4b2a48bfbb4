//! The account: the role that writes to CloudWatch Logs, and what AWS tells of itself.

use serde_json::json;

use super::arn::Arn;
use super::call::{Call, Reply, Turn};
use super::common;
use super::errors::AwsError;
use super::patch::{self, Operation};
use crate::model::api_rows::Object;

/// The one feature there is. It came with API keys of the second generation and cannot be given back.
const FEATURE: &str = "UsagePlans";

pub fn get(turn: &mut Turn<'_>, _: &Call) -> Result<Reply, AwsError> {
    common::reply(whole(turn.get(&["account"]).unwrap_or_default()))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut account = turn.get(&["account"]).unwrap_or_default();
    patch::operations(call).iter().try_for_each(|operation| change(&mut account, operation))?;
    turn.put(&["account"], &account);
    common::reply(whole(account))
}

/// The row is only what was written.
fn whole(mut account: Object) -> Object {
    account.insert("throttleSettings".into(), json!({ "burstLimit": 5000, "rateLimit": 10000.0 }));
    account.insert("features".into(), json!([FEATURE]));
    account.insert("apiKeyVersion".into(), "4".into());
    account
}

fn change(account: &mut Object, operation: &Operation) -> Result<(), AwsError> {
    let refuse = |text: &str| Err(AwsError::bad_request(text));
    match (operation.path(), operation.op.as_str()) {
        // Terraform takes the role back so.
        ("/cloudwatchRoleArn", "replace") if operation.text().is_empty() => {
            account.shift_remove("cloudwatchRoleArn");
        }
        ("/cloudwatchRoleArn", "replace") => {
            let role = operation.text();
            if !Arn::parse(role).is_some_and(|arn| arn.is_role()) {
                return refuse("The role ARN is not well formed");
            }
            patch::set(account, "cloudwatchRoleArn", role.into());
        }
        ("/features", "add") if operation.text() == FEATURE => {}
        ("/features", "remove") if operation.text() == FEATURE => {
            return refuse("Usage Plans cannot be disabled once they are enabled");
        }
        ("/features", "add" | "remove") => return refuse("Invalid feature specified. Valid options are UsagePlans"),
        ("/cloudwatchRoleArn", _) => return refuse("Invalid patch operation specified. Must be one of: [replace]"),
        ("/features", _) => return refuse("Invalid patch operation specified. Must be one of: [add, remove]"),
        (path, _) => return refuse(&format!("Invalid patch path {path}")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::control::admin::trial::Trial;

    const ROLE: &str = "arn:aws:iam::123456789012:role/logs";

    #[test]
    fn defaults_and_patches() {
        let mut trial = Trial::new();
        let throttle = json!({"burstLimit": 5000, "rateLimit": 10000.0});
        let default = json!({"throttleSettings": throttle, "features": ["UsagePlans"], "apiKeyVersion": "4"});
        assert_eq!(trial.call(get, &[], &[], Value::Null), Ok(default.clone()));
        let mut check = |op: &str, path: &str, value: &str, expected: Result<Option<&str>, &str>| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            let done = trial.call(update, &[], &[], body).map_err(|error| error.message);
            let role = done.as_ref().map(|account| account["cloudwatchRoleArn"].as_str());
            assert_eq!(role.map_err(String::as_str), expected, "{op} {path} {value}");
        };
        check("replace", "/cloudwatchRoleArn", ROLE, Ok(Some(ROLE)));
        check("replace", "/cloudwatchRoleArn", "role", Err("The role ARN is not well formed"));
        check("add", "/features", "UsagePlans", Ok(Some(ROLE)));
        check("add", "/features", "Magic", Err("Invalid feature specified. Valid options are UsagePlans"));
        check("remove", "/features", "UsagePlans", Err("Usage Plans cannot be disabled once they are enabled"));
        check("replace", "/throttleSettings", "1", Err("Invalid patch path /throttleSettings"));
        check("add", "/cloudwatchRoleArn", ROLE, Err("Invalid patch operation specified. Must be one of: [replace]"));
        check("replace", "/cloudwatchRoleArn", "", Ok(None));
        assert_eq!(trial.call(get, &[], &[], Value::Null), Ok(default));
    }
}
