//! API mappings of a domain name, as the second version of the API has them: the rows of `base_path_mappings.rs`, found
//! by an id, with keys that may have several levels.

use super::base_path_mappings::{NONE, fresh, has_only_known_characters, write};
use super::call::{Call, Reply, Turn};
use super::common::text_of;
use super::domain_names::find;
use super::domain_targets::types;
use super::errors::AwsError;
use super::paging::sorted_page_v2;
use crate::model::api_rows::Object;

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, row) = find(turn, call)?;
    let key = checked(&row, call.text("apiMappingKey").unwrap_or_default())?;
    let (api, stage) = (call.text("apiId").unwrap_or_default(), call.text("stage").unwrap_or_default());
    check_target(turn, api, stage)?;
    check_free(turn, &domain, key)?;
    let mapping = fresh(turn, &domain, key, api, stage)?;
    turn.put(&["domainnames", &domain, "basepathmappings", key], &mapping);
    Ok(Reply::Object(view(mapping)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let mappings = turn.children(&["domainnames", &domain, "basepathmappings"]);
    sorted_page_v2(call, "items", mappings, |mapping| text_of(mapping, "basePath").to_owned(), view)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    found(turn, call, &domain).map(view).map(Reply::Object)
}

/// What is given replaces; what is not stays.
pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, row) = find(turn, call)?;
    let before = found(turn, call, &domain)?;
    let old = text_of(&before, "basePath");
    let key = call.text("apiMappingKey").map_or(Ok(old), |key| checked(&row, key))?;
    let api = call.text("apiId").unwrap_or(text_of(&before, "restApiId"));
    let stage = call.text("stage").unwrap_or(text_of(&before, "stage"));
    check_target(turn, api, stage)?;
    if key != old {
        check_free(turn, &domain, key)?;
    }
    let mut mapping = before.clone();
    write(&mut mapping, key, api, stage);
    turn.delete(&["domainnames", &domain, "basepathmappings", old]);
    turn.put(&["domainnames", &domain, "basepathmappings", key], &mapping);
    Ok(Reply::Object(view(mapping)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let mapping = found(turn, call, &domain)?;
    turn.delete(&["domainnames", &domain, "basepathmappings", text_of(&mapping, "basePath")]);
    Ok(Reply::Empty)
}

/// The API and the stage that a mapping or a rule leads to.
pub fn check_target(turn: &Turn<'_>, api: &str, stage: &str) -> Result<(), AwsError> {
    if !turn.has(&["restapis", api]) {
        let account = &turn.facts.account_id;
        return Err(AwsError::not_found(format!("Invalid API identifier specified {account}:{api}")));
    }
    if !turn.has(&["restapis", api, "stages", stage]) {
        return Err(AwsError::bad_request("Invalid stage identifier specified"));
    }
    Ok(())
}

/// A key; an empty one is `(none)`.
fn checked<'k>(domain: &Object, key: &'k str) -> Result<&'k str, AwsError> {
    if matches!(key, "" | NONE) {
        return Ok(NONE);
    }
    let what = if !has_only_known_characters(key) {
        "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),"
    } else if key.split('/').any(str::is_empty) {
        "An ApiMapping key must not begin or end with a slash, or have two in a row"
    } else if key.contains('/') && !(types(domain).eq(["REGIONAL"]) && text_of(domain, "securityPolicy") != "TLS_1_0") {
        "Multi-level base path mappings are supported only for Regional domain names with TLS 1.2"
    } else {
        return Ok(key);
    };
    Err(AwsError::bad_request(what))
}

fn check_free(turn: &Turn<'_>, domain: &str, key: &str) -> Result<(), AwsError> {
    if turn.has(&["domainnames", domain, "basepathmappings", key]) {
        return Err(AwsError::conflict("ApiMapping key already exists for this domain name"));
    }
    Ok(())
}

fn found(turn: &Turn<'_>, call: &Call, domain: &str) -> Result<Object, AwsError> {
    let id = call.path("apiMappingId");
    let mut mappings = turn.children(&["domainnames", domain, "basepathmappings"]).into_iter();
    let found = mappings.find(|mapping| text_of(mapping, "_mappingId") == id);
    found.ok_or_else(|| AwsError::not_found("The api mapping resource specified in the request was not found."))
}

fn view(mapping: Object) -> Object {
    let key = match text_of(&mapping, "basePath") {
        NONE => "",
        key => key,
    };
    let mut view = Object::from_iter([
        ("apiId".to_owned(), text_of(&mapping, "restApiId").into()),
        ("apiMappingId".to_owned(), text_of(&mapping, "_mappingId").into()),
        ("apiMappingKey".to_owned(), key.into()),
    ]);
    view.extend(mapping.get("stage").map(|stage| ("stage".to_owned(), stage.clone())));
    view
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::trial::Trial;
    use super::*;

    const DOMAIN: (&str, &str) = ("domainName", "d.example");

    fn trial(kind: &str) -> Trial {
        let mut trial = Trial::new();
        let domain = json!({"domainName": "d.example", "endpointConfiguration": {"types": [kind]}});
        trial.put(&["domainnames", "d.example"], domain);
        trial.put(&["restapis", "a"], json!({}));
        trial.put(&["restapis", "a", "stages", "s"], json!({}));
        trial
    }

    fn add(trial: &mut Trial, key: &str, api: &str, stage: &str) -> Result<Value, String> {
        let body = json!({"apiMappingKey": key, "apiId": api, "stage": stage});
        trial.call(create, &[DOMAIN], &[], body).map_err(|error| error.message)
    }

    #[test]
    fn a_mapping_comes_and_goes() {
        let mut trial = trial("REGIONAL");
        let made = add(&mut trial, "orders/v1", "a", "s").expect("a mapping");
        let id = made["apiMappingId"].as_str().expect("an id");
        let expected = json!({"apiId": "a", "apiMappingId": id, "apiMappingKey": "orders/v1", "stage": "s"});
        assert_eq!(made, expected);
        assert!(trial.row(&["domainnames", "d.example", "basepathmappings", "orders/v1"]).is_some());
        let path = [DOMAIN, ("apiMappingId", id)];
        let moved = trial.call(update, &path, &[], json!({"apiId": "a", "apiMappingKey": ""})).expect("it");
        assert_eq!((&moved["apiMappingKey"], &moved["apiMappingId"]), (&json!(""), &json!(id)));
        assert_eq!(trial.row(&["domainnames", "d.example", "basepathmappings", "orders/v1"]), None);
        assert_eq!(trial.call(list, &[DOMAIN], &[], json!({})), Ok(json!({ "items": [moved] })));
        assert_eq!(trial.call(delete, &path, &[], json!({})), Ok(Value::Null));
        let gone = trial.call(get, &path, &[], json!({})).expect_err("it has gone");
        assert_eq!(gone.message, "The api mapping resource specified in the request was not found.");
    }

    #[test]
    fn what_makes_no_mapping() {
        let mut regional = trial("REGIONAL");
        let mut check = |key: &str, api: &str, stage: &str, start: &str| {
            let message = add(&mut regional, key, api, stage).expect_err("no mapping");
            assert!(message.starts_with(start), "{message}");
        };
        check("a b", "a", "s", "An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),");
        check("/a", "a", "s", "An ApiMapping key must not begin or end with a slash");
        check("a//b", "a", "s", "An ApiMapping key must not begin or end with a slash");
        check("a", "b", "s", "Invalid API identifier specified 000000000000:b");
        check("a", "a", "t", "Invalid stage identifier specified");
        add(&mut regional, "a", "a", "s").expect("one");
        let twice = add(&mut regional, "a", "a", "s");
        assert_eq!(twice, Err("ApiMapping key already exists for this domain name".into()));
        let edge = add(&mut trial("EDGE"), "a/b", "a", "s").expect_err("one level");
        assert!(edge.starts_with("Multi-level base path mappings are supported only for Regional"), "{edge}");
    }
}
