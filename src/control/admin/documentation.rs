//! Documentation parts: what is written about an API, a resource, a parameter …, each for one location.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, documentation_locations as locations, paging};
use crate::formats::openapi;
use crate::model::api_rows::Object;
use crate::model::problem::Severity;
use crate::settings::limits::DOCUMENTATION_PARTS_MAX;

const RULES: &[Rule] = &[rule("/properties", REPLACE, Kind::Text)];
const WORDING: Wording = Wording::Listing("/properties");

/// What AWS says of a part that is not there.
pub const UNKNOWN: &str = "Invalid Documentation part identifier specified";

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let location = call.object("location").cloned().unwrap_or_default();
    locations::constraints(&location)?;
    let api_id = common::api_id(turn, call)?;
    locations::check(&location)?;
    let properties = call.text("properties").unwrap_or_default();
    described(properties)?;
    let parts = parts(turn, api_id);
    if parts.iter().any(|part| locations::of(part) == locations::whole(&location)) {
        let place = locations::words(&location);
        let text = format!("Documentation part already exists for the specified location: {place}.");
        return Err(AwsError::conflict(text));
    }
    room_for(parts.len() + 1)?;
    common::reply(write(turn, api_id, &location, properties))
}

/// `GetDocumentationParts`, the documented and, when asked for, those that nobody has written yet.
pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let mut parts = parts(turn, api_id);
    if call.query("locationStatus") == Some("UNDOCUMENTED") {
        let documented: Vec<Object> = parts.iter().map(locations::of).collect();
        parts = locations::all(turn, api_id)
            .into_iter()
            .filter(|location| !documented.contains(location))
            .map(|location| Object::from_iter([("location".to_owned(), Value::Object(location))]))
            .collect();
    }
    for (query, member) in [("type", "type"), ("name", "name"), ("path", "path")] {
        if let Some(wanted) = call.query(query).filter(|wanted| !wanted.is_empty()) {
            parts.retain(|part| common::text_of(&locations::of(part), member) == wanted);
        }
    }
    // Those without an id have their location for a key.
    let key = |part: &Object| part.get("id").or(part.get("location")).map(Value::to_string).unwrap_or_default();
    parts.sort_by_cached_key(key);
    paging::page(call, parts.into_iter().map(common::shown).collect(), key)
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::reply(common::row(turn, &key(call), UNKNOWN)?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut part = common::row(turn, &key(call), UNKNOWN)?;
    patch::apply(&mut part, &patch::operations(call), RULES, WORDING)?;
    described(common::text_of(&part, "properties"))?;
    turn.put(&key(call), &part);
    common::reply(part)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::api_id(turn, call)?;
    common::row(turn, &key(call), UNKNOWN)?;
    turn.delete(&key(call));
    Ok(Reply::Empty)
}

/// `ImportDocumentationParts`: `merge` keeps what the document does not name, `overwrite` does not.
pub fn import(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let mut problems = Vec::new();
    let text = std::str::from_utf8(&call.raw).ok();
    let found = text.and_then(|text| openapi::documentation_parts(text, &mut problems));
    let found = found.ok_or_else(|| AwsError::bad_request("Unable to build importer with provided input."))?;
    let (errors, warnings): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.severity == Severity::Error);
    if !errors.is_empty() {
        let errors: Vec<String> = errors.into_iter().map(|problem| problem.found).collect();
        return Err(AwsError::bad_request(format!("Errors found during import:\n\t{}", errors.join("\n\t"))));
    }
    let mut warnings: Vec<String> = warnings.into_iter().map(|problem| problem.found).collect();
    if call.query("mode") == Some("overwrite") {
        turn.delete_all(&["restapis", api_id, "documentation", "parts"]);
    }
    let mut known: Vec<(Object, Object)> =
        parts(turn, api_id).into_iter().map(|part| (locations::of(&part), part)).collect();
    let mut ids = Vec::new();
    for part in found {
        let location = part.get("location").and_then(Value::as_object).cloned().unwrap_or_default();
        let properties = common::text_of(&part, "properties");
        let refused = locations::constraints(&location).and_then(|()| locations::check(&location));
        if let Err(refused) = refused {
            let place = locations::words(&location);
            warnings.push(format!("Unable to create documentation part for {place}: {}", refused.message));
            continue;
        }
        let whole = locations::whole(&location);
        let part = match known.iter_mut().find(|(known, _)| *known == whole) {
            Some((_, part)) => {
                patch::set(part, "properties", properties.into());
                turn.put(&["restapis", api_id, "documentation", "parts", common::text_of(part, "id")], part);
                part.clone()
            }
            None => {
                room_for(known.len() + 1)?;
                let part = write(turn, api_id, &location, properties);
                known.push((whole, part.clone()));
                part
            }
        };
        ids.push(part.get("id").cloned().unwrap_or_default());
    }
    if call.flag("failonwarnings") && !warnings.is_empty() {
        return Err(AwsError::bad_request(format!("Warnings found during import:\n\t{}", warnings.join("\n\t"))));
    }
    let mut reply = Object::new();
    reply.insert("ids".into(), ids.into());
    if !warnings.is_empty() {
        reply.insert("warnings".into(), json!(warnings));
    }
    Ok(Reply::Object(reply))
}

/// All parts of an API: a version keeps a copy of them.
pub fn parts(turn: &Turn<'_>, api_id: &str) -> Vec<Object> {
    turn.children(&["restapis", api_id, "documentation", "parts"])
}

fn key(call: &Call) -> [&str; 5] {
    ["restapis", call.path("restapi_id"), "documentation", "parts", call.path("part_id")]
}

fn write(turn: &mut Turn<'_>, api_id: &str, location: &Object, properties: &str) -> Object {
    let id = turn.fresh_id(&["restapis", api_id, "documentation", "parts"], 6);
    let mut part = Object::new();
    part.insert("id".into(), id.as_str().into());
    part.insert("location".into(), Value::Object(location.clone()));
    part.insert("properties".into(), properties.into());
    turn.put(&["restapis", api_id, "documentation", "parts", &id], &part);
    part
}

fn described(properties: &str) -> Result<(), AwsError> {
    if properties.trim().is_empty() {
        return Err(AwsError::bad_request("Documentation part properties must be non-empty"));
    }
    match serde_json::from_str(properties) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(AwsError::bad_request("Documentation part properties must be a valid JSON object")),
    }
}

fn room_for(count: usize) -> Result<(), AwsError> {
    if count > DOCUMENTATION_PARTS_MAX {
        return Err(AwsError::limit(
            "Maximum number of documentation parts for this API has been reached. Please contact AWS if you need additional \
             documentation parts.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::admin::trial::Trial;

    const API: &[(&str, &str)] = &[("restapi_id", "a")];

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        trial
    }

    fn made(trial: &mut Trial, location: Value) -> Result<Value, String> {
        let body = json!({"location": location, "properties": "{\"description\":\"d\"}"});
        trial.call(create, API, &[], body).map_err(|error| format!("{} {}", error.status, error.message))
    }

    #[test]
    fn a_part_is_what_was_written() {
        let mut trial = trial();
        let part = made(&mut trial, json!({"type": "RESOURCE", "path": "/p"})).expect("a part");
        let id = part["id"].as_str().expect("an id");
        let expected =
            json!({"id": id, "location": {"type": "RESOURCE", "path": "/p"}, "properties": "{\"description\":\"d\"}"});
        assert_eq!(part, expected);
        let at = &[("restapi_id", "a"), ("part_id", id)];
        assert_eq!(trial.call(get, at, &[], Value::Null), Ok(expected));
        let mut patched = |op: &str, path: &str, value: &str| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            trial.call(update, at, &[], body).map(|part| part["properties"].clone()).map_err(|error| error.message)
        };
        assert_eq!(patched("replace", "/properties", "{}"), Ok(json!("{}")));
        assert_eq!(
            patched("replace", "/properties", ""),
            Err("Documentation part properties must be non-empty".to_owned())
        );
        let unknown = "Invalid patch path  '/id' specified for op 'replace'. Must be one of: [/properties]";
        assert_eq!(patched("replace", "/id", "x"), Err(unknown.to_owned()));
        assert_eq!(trial.call(delete, at, &[], Value::Null), Ok(Value::Null));
        assert_eq!(trial.call(get, at, &[], Value::Null).expect_err("gone").message, UNKNOWN);
    }

    #[test]
    fn what_is_refused() {
        let mut trial = trial();
        made(&mut trial, json!({"type": "API"})).expect("a part");
        made(&mut trial, json!({"type": "METHOD", "path": "/", "method": "GET"})).expect("a part");
        let mut check =
            |location: Value, message: &str| assert_eq!(made(&mut trial, location), Err(message.to_owned()));
        check(json!({"type": "API"}), "409 Documentation part already exists for the specified location: type 'API'.");
        let method =
            "409 Documentation part already exists for the specified location: type 'METHOD', path '/', method 'GET'.";
        check(json!({"type": "METHOD", "method": "GET"}), method);
        check(json!({"type": "MODEL"}), "400 Documentation part location of type 'MODEL' must have a name");
        let pattern = "400 1 validation error detected: Value 'x' at 'createDocumentationPartInput.location.statusCode' failed \
                       to satisfy constraint: Member must satisfy regular expression pattern: ([1-5]\\d\\d|\\*|\\s*)";
        check(json!({"type": "RESPONSE", "statusCode": "x"}), pattern);
        let error = trial.call(create, API, &[], json!({"location": {"type": "RESOURCE"}, "properties": "x"}));
        assert_eq!(error.expect_err("refused").message, "Documentation part properties must be a valid JSON object");
        let nowhere = &[("restapi_id", "b"), ("part_id", "p")];
        let mut check = |handler, message: &str| {
            let body = json!({"location": {"type": "API"}});
            assert_eq!(trial.call(handler, nowhere, &[], body).expect_err("no API").message, message);
        };
        for handler in [create, list, delete, import] as [crate::control::admin::call::Handler; 4] {
            check(handler, "Invalid API identifier specified 000000000000:b");
        }
        check(get, UNKNOWN);
        check(update, UNKNOWN);
    }

    #[test]
    fn filters_and_what_is_undocumented() {
        let mut trial = trial();
        trial.put(&["restapis", "a", "models", "Pet"], json!({"name": "Pet"}));
        trial.put(&["restapis", "a", "resources", "r"], json!({"id": "r", "path": "/p"}));
        let method = json!({"httpMethod": "GET", "requestParameters": {"method.request.querystring.q": false}});
        trial.put(&["restapis", "a", "resources", "r", "methods", "GET"], method);
        made(&mut trial, json!({"type": "API"})).expect("a part");
        made(&mut trial, json!({"type": "MODEL", "name": "Pet"})).expect("a part");
        let mut check = |query: &[(&str, &str)], expected: &[&str]| {
            let parts = trial.call(list, API, query, Value::Null).expect("parts");
            let mut kinds: Vec<String> = parts["item"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|part| part["location"]["type"].as_str().unwrap_or_default().to_owned())
                .collect();
            kinds.sort();
            assert_eq!(kinds, expected, "{query:?}");
        };
        check(&[], &["API", "MODEL"]);
        check(&[("type", "MODEL")], &["MODEL"]);
        check(&[("name", "Pet")], &["MODEL"]);
        check(&[("path", "/p")], &[]);
        check(&[("locationStatus", "DOCUMENTED")], &["API", "MODEL"]);
        check(&[("locationStatus", "UNDOCUMENTED")], &["METHOD", "QUERY_PARAMETER", "RESOURCE"]);
        check(&[("locationStatus", "UNDOCUMENTED"), ("type", "METHOD")], &["METHOD"]);
    }

    #[test]
    fn imports_merge_or_overwrite() {
        let mut trial = trial();
        made(&mut trial, json!({"type": "RESOURCE", "path": "/old"})).expect("a part");
        let api = made(&mut trial, json!({"type": "API"})).expect("a part");
        let document = json!({
            "swagger": "2.0",
            "x-amazon-apigateway-documentation": {"documentationParts": [
                {"location": {"type": "API"}, "properties": {"description": "new"}},
                {"location": {"type": "MODEL"}, "properties": {}}
            ]}
        });
        let mut run = |query: &[(&str, &str)], document: &str| {
            let done = trial.call(import, API, query, document.into()).map_err(|error| error.message);
            let left = trial.call(list, API, &[], Value::Null).expect("parts")["item"].as_array().map(Vec::len);
            (done, left)
        };
        let warning = "Unable to create documentation part for type 'MODEL': Documentation part location of type 'MODEL' must \
                       have a name";
        let expected = Ok(json!({"ids": [api["id"]], "warnings": [warning]}));
        assert_eq!(run(&[("mode", "merge")], &document.to_string()), (expected, Some(2)));
        let refused = Err(format!("Warnings found during import:\n\t{warning}"));
        assert_eq!(
            run(&[("mode", "overwrite"), ("failonwarnings", "true")], &document.to_string()),
            (refused, Some(2))
        );
        let (done, left) = run(&[("mode", "overwrite")], &document.to_string());
        assert_eq!((done.expect("imported")["ids"].as_array().map(Vec::len), left), (Some(1), Some(1)));
        let unreadable = Err("Unable to build importer with provided input.".to_owned());
        assert_eq!(run(&[], "{}"), (unreadable.clone(), Some(1)));
        assert_eq!(run(&[], "a: ["), (unreadable, Some(1)));
    }
}
