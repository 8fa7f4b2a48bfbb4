//! VPC links: a name for what stands in a private network. Weir reaches private networks like any other, so a link is ready
//! at once; AWS's order (PENDING, then AVAILABLE) is kept for clients that wait for it.

use serde_json::Value;

use super::arn::Arn;
use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, paging, tags};
use crate::model::api_rows::Object;

const RULES: &[Rule] = &[rule("/name", REPLACE, Kind::Text), rule("/description", REPLACE, Kind::Text)];

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut link = Object::new();
    link.insert("id".into(), turn.fresh_id(&["vpclinks"], 6).into());
    link.extend(call.given(&["name", "description", "targetArns"]));
    named(&link)?;
    targets(call.list("targetArns").map_or(&[][..], Vec::as_slice))?;
    let tags = tags::given(call)?;
    link.insert("status".into(), "AVAILABLE".into());
    link.insert("statusMessage".into(), "Your vpc link is ready for use".into());
    if let Some(tags) = tags {
        link.insert("tags".into(), Value::Object(tags));
    }
    turn.put(&["vpclinks", common::text_of(&link, "id")], &link);
    patch::set(&mut link, "status", "PENDING".into());
    link.shift_remove("statusMessage");
    common::reply(link)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let links = turn.children(&["vpclinks"]).into_iter().map(common::shown).collect();
    paging::page(call, links, paging::member("id"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    reply(common::row(turn, &["vpclinks", call.path("vpclink_id")], common::UNKNOWN_VPC_LINK)?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("vpclink_id");
    let mut link = common::row(turn, &["vpclinks", id], common::UNKNOWN_VPC_LINK)?;
    let operations = patch::operations(call);
    if operations.iter().any(|operation| operation.path().split('/').nth(1) == Some("targetArns")) {
        return Err(AwsError::bad_request("Target arns are not allowed to be changed/added."));
    }
    patch::apply(&mut link, &operations, RULES, Wording::Plain)?;
    named(&link)?;
    turn.put(&["vpclinks", id], &link);
    reply(link)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let id = call.path("vpclink_id");
    common::row(turn, &["vpclinks", id], common::UNKNOWN_VPC_LINK)?;
    let users = users(turn, id);
    if !users.is_empty() {
        return Err(AwsError::bad_request(format!(
            "Cannot delete vpc link. Vpc link '{id}', is referenced in [{}] in format of [RESTApiId:Method:Resource:Stage].",
            users.join(", ")
        )));
    }
    turn.delete(&["vpclinks", id]);
    Ok(Reply::Empty)
}

/// A link that is read or changed alone shows its tags even where it has none.
fn reply(mut link: Object) -> Result<Reply, AwsError> {
    link.entry("tags").or_insert_with(|| Value::Object(Object::new()));
    common::reply(link)
}

fn named(link: &Object) -> Result<(), AwsError> {
    if common::text_of(link, "name").is_empty() {
        return Err(AwsError::bad_request("Name cannot be empty"));
    }
    Ok(())
}

fn targets(targets: &[Value]) -> Result<(), AwsError> {
    for target in targets.iter().filter_map(Value::as_str) {
        let arn = Arn::parse(target).filter(|arn| arn.service == "elasticloadbalancing" && arn.has_region());
        if arn.is_none() {
            return Err(AwsError::bad_request(format!("Invalid ARN. ARN is not well formed {target}")));
        }
    }
    match targets.len() {
        0 => Err(AwsError::bad_request("Target arns cannot be empty")),
        1 => Ok(()),
        _ => Err(AwsError::bad_request("More than one target arn specified for vpc link.")),
    }
}

/// Every method whose integration goes through the link, with every stage of its API. AWS looks into what is deployed; here
/// it is what would be deployed next, so that a link can go as soon as nothing names it any more.
fn users(turn: &Turn<'_>, id: &str) -> Vec<String> {
    let mut users = Vec::new();
    for api in turn.children(&["restapis"]) {
        let api_id = common::text_of(&api, "id");
        let through_it = |placed: &common::Placed| {
            let integration = placed.method.get("methodIntegration").and_then(Value::as_object);
            integration.is_some_and(|integration| common::text_of(integration, "connectionId") == id)
        };
        let methods: Vec<_> = common::methods(turn, api_id).into_iter().filter(through_it).collect();
        if methods.is_empty() {
            continue;
        }
        for stage in turn.children(&["restapis", api_id, "stages"]) {
            let stage = common::text_of(&stage, "stageName");
            users.extend(
                methods.iter().map(|placed| format!("{api_id}:{}:{}:{stage}", placed.verb, placed.resource_id)),
            );
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::control::admin::trial::Trial;

    const TARGET: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/n/1";

    fn made(trial: &mut Trial, name: &str, targets: &[&str]) -> Result<Value, String> {
        let body = json!({"name": name, "targetArns": targets});
        trial.call(create, &[], &[], body).map_err(|error| error.message)
    }

    #[test]
    fn a_link_is_pending_and_then_there() {
        let mut trial = Trial::new();
        let link = made(&mut trial, "n", &[TARGET]).expect("a link");
        let id = link["id"].as_str().expect("an id");
        assert_eq!(link, json!({"id": id, "name": "n", "targetArns": [TARGET], "status": "PENDING"}));
        let path = &[("vpclink_id", id)];
        let ready = json!({
            "id": id, "name": "n", "targetArns": [TARGET], "status": "AVAILABLE",
            "statusMessage": "Your vpc link is ready for use", "tags": {}
        });
        assert_eq!(trial.call(get, path, &[], Value::Null), Ok(ready));
        let all = trial.call(list, &[], &[], Value::Null).expect("links");
        assert_eq!(all["item"][0].get("tags"), None);
        let mut patched = |path_of: &str, value: &str| {
            let body = json!({"patchOperations": [{"op": "replace", "path": path_of, "value": value}]});
            trial.call(update, path, &[], body).map(|link| link[&path_of[1..]].clone()).map_err(|error| error.message)
        };
        assert_eq!(patched("/description", "d"), Ok(json!("d")));
        assert_eq!(patched("/name", ""), Err("Name cannot be empty".to_owned()));
        assert_eq!(patched("/targetArns", TARGET), Err("Target arns are not allowed to be changed/added.".to_owned()));
        assert_eq!(patched("/status", "x"), Err("Invalid patch path /status".to_owned()));
    }

    #[test]
    fn what_is_refused() {
        let mut trial = Trial::new();
        let mut check = |name: &str, targets: &[&str], message: &str| {
            assert_eq!(made(&mut trial, name, targets), Err(message.to_owned()));
        };
        check("", &[TARGET], "Name cannot be empty");
        check("n", &["nlb"], "Invalid ARN. ARN is not well formed nlb");
        check("n", &[TARGET, TARGET], "More than one target arn specified for vpc link.");
        check("n", &[], "Target arns cannot be empty");
        let error = trial.call(get, &[("vpclink_id", "x")], &[], Value::Null).expect_err("none");
        assert_eq!((error.status, error.message.as_str()), (404, common::UNKNOWN_VPC_LINK));
    }

    #[test]
    fn a_link_in_use_stays() {
        let mut trial = Trial::new();
        trial.put(&["vpclinks", "v"], json!({"id": "v"}));
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        trial.put(&["restapis", "a", "stages", "dev"], json!({"stageName": "dev"}));
        trial.put(&["restapis", "a", "resources", "r"], json!({"id": "r", "path": "/"}));
        let verb = &["restapis", "a", "resources", "r", "methods", "GET"];
        trial.put(verb, json!({"httpMethod": "GET", "methodIntegration": {"connectionId": "v"}}));
        let path = &[("vpclink_id", "v")];
        let error = trial.call(delete, path, &[], Value::Null).expect_err("in use");
        let message = "Cannot delete vpc link. Vpc link 'v', is referenced in [a:GET:r:dev] in format of \
                       [RESTApiId:Method:Resource:Stage].";
        assert_eq!((error.status, error.message.as_str()), (400, message));
        trial.put(verb, json!({"httpMethod": "GET"}));
        assert_eq!(trial.call(delete, path, &[], Value::Null), Ok(Value::Null));
        assert_eq!(trial.call(delete, path, &[], Value::Null).expect_err("gone").status, 404);
    }
}
