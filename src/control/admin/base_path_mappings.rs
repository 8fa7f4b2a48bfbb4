//! Base path mappings of a domain name: `domainnames/{name}/basepathmappings/{basePath}`, where `(none)` is the empty
//! one. The second version of the API sees the same rows as API mappings (`api_mappings.rs`).

use super::call::{Call, Reply, Turn};
use super::common::{shown, text_of};
use super::domain_names::find;
use super::errors::AwsError;
use super::paging::sorted_page;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use crate::model::api_rows::Object;
use crate::settings::limits::{BASE_PATH_CHARS_MAX, MAPPINGS_MAX, MULTI_LEVEL_MAPPINGS_MAX};

/// The base path that is none, and in the first version of the API the stage that is none, too.
pub const NONE: &str = "(none)";

const RULES: &[Rule] = &[
    rule("/basePath", REPLACE, Kind::Text),
    // So it is spelled: the member is `restApiId`.
    rule("/restapiId", REPLACE, Kind::Text),
    rule("/stage", REPLACE, Kind::Text),
];
const WORDING: Wording = Wording::Listing("/basePath, /restapiId, /stage");

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let base_path = checked(call.text("basePath").unwrap_or_default())?;
    let (api, stage) = (call.text("restApiId").unwrap_or_default(), call.text("stage").unwrap_or_default());
    check_target(turn, api, stage)?;
    check_free(turn, &domain, base_path)?;
    let mapping = fresh(turn, &domain, base_path, api, stage)?;
    turn.put(&["domainnames", &domain, "basepathmappings", base_path], &mapping);
    Ok(Reply::Object(shown(mapping)))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, _) = find(turn, call)?;
    let mappings = turn.children(&["domainnames", &domain, "basepathmappings"]);
    sorted_page(call, mappings, |mapping| text_of(mapping, "basePath").to_owned(), shown)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    Ok(Reply::Object(shown(found(turn, call)?.1)))
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, mut mapping) = found(turn, call)?;
    let before = text_of(&mapping, "basePath").to_owned();
    let mut wanted = Object::from_iter([
        ("basePath".to_owned(), before.as_str().into()),
        ("restapiId".to_owned(), text_of(&mapping, "restApiId").into()),
        ("stage".to_owned(), text_of(&mapping, "stage").into()),
    ]);
    patch::apply(&mut wanted, &patch::operations(call), RULES, WORDING)?;
    let base_path = match text_of(&wanted, "basePath") {
        // A path of several levels came from the second version, and stays where nobody changes it.
        same if same == before => same,
        other => checked(other)?,
    };
    check_target(turn, text_of(&wanted, "restapiId"), text_of(&wanted, "stage"))?;
    if base_path != before {
        check_free(turn, &domain, base_path)?;
    }
    write(&mut mapping, base_path, text_of(&wanted, "restapiId"), text_of(&wanted, "stage"));
    turn.delete(&["domainnames", &domain, "basepathmappings", &before]);
    turn.put(&["domainnames", &domain, "basepathmappings", base_path], &mapping);
    Ok(Reply::Object(shown(mapping)))
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let (domain, mapping) = found(turn, call)?;
    turn.delete(&["domainnames", &domain, "basepathmappings", text_of(&mapping, "basePath")]);
    Ok(Reply::Empty)
}

/// A new row, where the domain has room for one.
pub fn fresh(turn: &Turn<'_>, domain: &str, base_path: &str, api: &str, stage: &str) -> Result<Object, AwsError> {
    let mappings = turn.children(&["domainnames", domain, "basepathmappings"]);
    let multi_level = mappings.iter().filter(|mapping| text_of(mapping, "basePath").contains('/')).count();
    if mappings.len() >= MAPPINGS_MAX || (base_path.contains('/') && multi_level >= MULTI_LEVEL_MAPPINGS_MAX) {
        return Err(AwsError::limit(
            "Maximum number of mappings for this domain name has been reached. Please contact AWS if you need additional \
             mappings.",
        ));
    }
    let id = loop {
        let id = turn.fresh_id(&[], 6);
        if mappings.iter().all(|mapping| text_of(mapping, "_mappingId") != id) {
            break id;
        }
    };
    let mut mapping = Object::new();
    write(&mut mapping, base_path, api, stage);
    mapping.insert("_mappingId".into(), id.into());
    Ok(mapping)
}

/// Every member that may change.
pub fn write(mapping: &mut Object, base_path: &str, api: &str, stage: &str) {
    patch::set(mapping, "basePath", base_path.into());
    patch::set(mapping, "restApiId", api.into());
    match stage {
        "" | NONE => drop(mapping.shift_remove("stage")),
        stage => patch::set(mapping, "stage", stage.into()),
    }
}

/// What both versions of the API let stand between two slashes (rest/01 section 1.3).
pub fn has_only_known_characters(base_path: &str) -> bool {
    base_path.len() <= BASE_PATH_CHARS_MAX
        && base_path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"$-_.+!*'()/".contains(&byte))
}

/// A base path of one level; none is `(none)`.
fn checked(base_path: &str) -> Result<&str, AwsError> {
    if base_path.contains('/') {
        return Err(AwsError::bad_request(
            "API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base \
             path mapping, use API Gateway V2.",
        ));
    }
    match base_path {
        "" => Ok(NONE),
        base_path if has_only_known_characters(base_path) => Ok(base_path),
        _ => Err(AwsError::bad_request("Base path may contain only letters, numbers and one of $-_.+!*'()")),
    }
}

fn check_target(turn: &Turn<'_>, api: &str, stage: &str) -> Result<(), AwsError> {
    if !turn.has(&["restapis", api]) {
        return Err(AwsError::bad_request("Invalid REST API identifier specified"));
    }
    if !matches!(stage, "" | NONE) && !turn.has(&["restapis", api, "stages", stage]) {
        return Err(AwsError::bad_request("Invalid stage identifier specified"));
    }
    Ok(())
}

fn check_free(turn: &Turn<'_>, domain: &str, base_path: &str) -> Result<(), AwsError> {
    if turn.has(&["domainnames", domain, "basepathmappings", base_path]) {
        return Err(AwsError::conflict("Base path already exists for this domain name"));
    }
    Ok(())
}

fn found(turn: &Turn<'_>, call: &Call) -> Result<(String, Object), AwsError> {
    let (domain, _) = find(turn, call)?;
    let base_path = match call.path("base_path") {
        "" => NONE,
        base_path => base_path,
    };
    match turn.get(&["domainnames", &domain, "basepathmappings", base_path]) {
        Some(mapping) => Ok((domain, mapping)),
        None => Err(AwsError::not_found("Invalid base path mapping identifier specified")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::trial::Trial;
    use super::*;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["domainnames", "d.example"], json!({"domainName": "d.example"}));
        trial.put(&["restapis", "a"], json!({}));
        trial.put(&["restapis", "a", "stages", "s"], json!({}));
        trial
    }

    const DOMAIN: (&str, &str) = ("domain_name", "d.example");

    #[test]
    fn a_mapping_comes_and_goes() {
        let mut trial = trial();
        let root = trial.call(create, &[DOMAIN], &[], json!({"basePath": "", "restApiId": "a", "stage": "s"}));
        assert_eq!(root, Ok(json!({"basePath": "(none)", "restApiId": "a", "stage": "s"})));
        trial
            .call(create, &[DOMAIN], &[], json!({"basePath": "v1", "restApiId": "a", "stage": "(none)"}))
            .expect("one");
        let list = trial.call(list, &[DOMAIN], &[], json!({})).expect("a list");
        assert_eq!(list["item"], json!([root.expect("it"), {"basePath": "v1", "restApiId": "a"}]));
        let body = json!({"patchOperations": [
            {"op": "replace", "path": "/basePath", "value": "v2"},
            {"op": "replace", "path": "/restapiId", "value": "a"},
            {"op": "replace", "path": "/stage", "value": "s"},
        ]});
        let path = [DOMAIN, ("base_path", "v1")];
        let moved = trial.call(update, &path, &[], body);
        assert_eq!(moved, Ok(json!({"basePath": "v2", "restApiId": "a", "stage": "s"})));
        assert_eq!(
            trial.call(get, &path, &[], json!({})).expect_err("moved").message,
            "Invalid base path mapping identifier specified"
        );
        assert_eq!(trial.call(delete, &[DOMAIN, ("base_path", "(none)")], &[], json!({})), Ok(Value::Null));
    }

    #[test]
    fn what_makes_no_mapping() {
        let mut trial = trial();
        let mut check = |base_path: &str, api: &str, stage: &str, status: u16, start: &str| {
            let body = json!({"basePath": base_path, "restApiId": api, "stage": stage});
            let error = trial.call(create, &[DOMAIN], &[], body).expect_err("no mapping");
            assert!(error.status == status && error.message.starts_with(start), "{error:?}");
        };
        check("a/b", "a", "s", 400, "API Gateway V1 doesn't support the slash character (/)");
        check("ä", "a", "s", 400, "Base path may contain only");
        check("x", "b", "s", 400, "Invalid REST API identifier specified");
        check("x", "a", "t", 400, "Invalid stage identifier specified");
        trial.put(&["domainnames", "d.example", "basepathmappings", "x"], json!({"basePath": "x"}));
        let body = json!({"basePath": "x", "restApiId": "a"});
        let twice = trial.call(create, &[DOMAIN], &[], body.clone()).expect_err("it is there");
        assert_eq!((twice.status, twice.message.as_str()), (409, "Base path already exists for this domain name"));
        let domain = trial.call(create, &[("domain_name", "e.example")], &[], body).expect_err("no domain");
        assert_eq!((domain.status, domain.message.as_str()), (404, "Invalid domain name identifier specified"));
    }
}
