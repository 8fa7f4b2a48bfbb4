//! Routing rules of a domain name (rest/01 section 1.3): `domainnames/{name}/routingrules/{id}`.

use serde_json::Value;

use super::api_mappings::check_target;
use super::call::{Call, Reply, Turn};
use super::common::{shown, text_of};
use super::domain_names::find;
use super::domain_targets::account_arn;
use super::errors::AwsError;
use super::paging::sorted_page_v2;
use super::routing_rule_conditions::check_conditions;
use crate::model::api_rows::Object;
use crate::settings::limits::{ROUTING_RULE_PRIORITY_MAX, ROUTING_RULES_MAX};

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let rules = turn.children(&["domainnames", &domain, "routingrules"]);
    let wanted = checked(turn, call)?;
    if rules.len() >= ROUTING_RULES_MAX {
        return Err(AwsError::limit(
            "Maximum number of routing rules for this domain name has been reached. Please contact AWS if you need \
             additional routing rules.",
        ));
    }
    check_priority_is_free(&rules, &wanted, "")?;
    let id = turn.fresh_id(&["domainnames", &domain, "routingrules"], 6);
    Ok(Reply::Object(put_row(turn, &domain, &id, wanted)))
}

/// Replaces the whole rule.
pub fn put(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, rule) = found(turn, call)?;
    let id = text_of(&rule, "routingRuleId");
    let wanted = checked(turn, call)?;
    check_priority_is_free(&turn.children(&["domainnames", &domain, "routingrules"]), &wanted, id)?;
    Ok(Reply::Object(put_row(turn, &domain, id, wanted)))
}

/// In the order in which they are tried.
pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let rules = turn.children(&["domainnames", &domain, "routingrules"]);
    sorted_page_v2(call, "routingRules", rules, |rule| format!("{:07}", priority(rule)), shown)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    Ok(Reply::Object(shown(found(turn, call)?.1)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, rule) = found(turn, call)?;
    turn.delete(&["domainnames", &domain, "routingrules", text_of(&rule, "routingRuleId")]);
    Ok(Reply::Empty)
}

fn found(turn: &Turn<'_>, call: &Call) -> Result<(String, Object), AwsError> {
    let (domain, _) = find(turn, call)?;
    match turn.get(&["domainnames", &domain, "routingrules", call.path("routingRuleId")]) {
        Some(rule) => Ok((domain, rule)),
        None => Err(AwsError::not_found("Invalid routing rule identifier specified")),
    }
}

/// The members that a client gives.
fn checked(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    if !(1..=ROUTING_RULE_PRIORITY_MAX).contains(&call.integer("priority").unwrap_or_default()) {
        return Err(AwsError::bad_request(format!(
            "Invalid priority specified. Must be between 1 and {ROUTING_RULE_PRIORITY_MAX}"
        )));
    }
    check_conditions(call.list("conditions").map_or(&[], Vec::as_slice))?;
    let [action] = call.list("actions").map_or(&[][..], Vec::as_slice) else {
        return Err(AwsError::bad_request("A routing rule must have exactly one action"));
    };
    let mut action = action.clone();
    let Some(target) = action.get_mut("invokeApi").and_then(Value::as_object_mut) else {
        return Err(AwsError::bad_request("The action of a routing rule must be invokeApi"));
    };
    check_target(turn, text_of(target, "apiId"), text_of(target, "stage"))?;
    target.entry("stripBasePath").or_insert(false.into());
    let mut wanted = call.given(&["priority", "conditions"]);
    wanted.insert("actions".into(), vec![action].into());
    Ok(wanted)
}

fn put_row(turn: &mut Turn<'_>, domain: &str, id: &str, wanted: Object) -> Object {
    let arn = account_arn(turn.facts, &format!("/domainnames/{domain}/routingrules/{id}"));
    let mut rule =
        Object::from_iter([("routingRuleId".to_owned(), id.into()), ("routingRuleArn".to_owned(), arn.into())]);
    rule.extend(wanted);
    turn.put(&["domainnames", domain, "routingrules", id], &rule);
    rule
}

fn priority(rule: &Object) -> i64 {
    rule.get("priority").and_then(Value::as_i64).unwrap_or_default()
}

fn check_priority_is_free(rules: &[Object], wanted: &Object, own: &str) -> Result<(), AwsError> {
    let priority_taken = priority(wanted);
    if rules.iter().any(|rule| priority(rule) == priority_taken && text_of(rule, "routingRuleId") != own) {
        return Err(AwsError::conflict(format!(
            "Priority {priority_taken} is already used by another routing rule of this domain name"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::trial::Trial;
    use super::*;

    const DOMAIN: (&str, &str) = ("domainName", "d.example");

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["domainnames", "d.example"], json!({"domainName": "d.example"}));
        trial.put(&["restapis", "a"], json!({}));
        trial.put(&["restapis", "a", "stages", "s"], json!({}));
        trial
    }

    fn rule(priority: i64) -> Value {
        json!({"priority": priority, "conditions": [], "actions": [{"invokeApi": {"apiId": "a", "stage": "s"}}]})
    }

    #[test]
    fn a_rule_comes_and_goes() {
        let mut trial = trial();
        let made = trial.call(create, &[DOMAIN], &[], rule(50)).expect("a rule");
        let id = made["routingRuleId"].as_str().expect("an id");
        let arn = format!("arn:aws:apigateway:us-east-1:000000000000:/domainnames/d.example/routingrules/{id}");
        assert_eq!(made["routingRuleArn"], json!(arn));
        assert_eq!(made["actions"][0]["invokeApi"]["stripBasePath"], json!(false));
        trial.call(create, &[DOMAIN], &[], rule(7)).expect("another");
        let path = [DOMAIN, ("routingRuleId", id)];
        trial.call(put, &path, &[], rule(50)).expect("its own priority");
        let taken = trial.call(put, &path, &[], rule(7)).expect_err("it is taken");
        assert_eq!((taken.status, taken.code), (409, "ConflictException"));
        let list = trial.call(list, &[DOMAIN], &[], json!({})).expect("a list");
        let priorities: Vec<_> =
            list["routingRules"].as_array().expect("rules").iter().map(|rule| &rule["priority"]).collect();
        assert_eq!(priorities, [&json!(7), &json!(50)]);
        assert_eq!(trial.call(delete, &path, &[], json!({})), Ok(Value::Null));
        let gone = trial.call(get, &path, &[], json!({})).expect_err("it has gone");
        assert_eq!((gone.status, gone.message.as_str()), (404, "Invalid routing rule identifier specified"));
    }

    #[test]
    fn what_makes_no_rule() {
        let mut trial = trial();
        let mut check = |body: Value, status: u16, expected: &str| {
            let error = trial.call(create, &[DOMAIN], &[], body).expect_err("no rule");
            assert_eq!((error.status, error.message.as_str()), (status, expected));
        };
        for priority in [0, 1_000_001] {
            check(rule(priority), 400, "Invalid priority specified. Must be between 1 and 1000000");
        }
        let mut body = rule(1);
        body["actions"] = json!([]);
        check(body.clone(), 400, "A routing rule must have exactly one action");
        body["actions"] = json!([{"invokeApi": {"apiId": "b", "stage": "s"}}]);
        check(body.clone(), 404, "Invalid API identifier specified 000000000000:b");
        body["conditions"] = json!([{}]);
        check(body, 400, "A condition must have either matchBasePaths or matchHeaders");
        for priority in 1..=50 {
            trial.call(create, &[DOMAIN], &[], rule(priority)).expect("a rule");
        }
        assert_eq!(trial.call(create, &[DOMAIN], &[], rule(51)).expect_err("too many").code, "LimitExceededException");
    }
}
