//! Models: the schemas of bodies. A schema is echoed as it was written, to the byte.

use serde_json::{Value, json};

use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::{common, model_template, paging, schemas};
use crate::model::api_rows::Object;

const RULES: &[Rule] = &[rule("/description", REPLACE, Kind::Clearable), rule("/schema", REPLACE, Kind::Text)];
const WORDING: Wording = Wording::Listing("/description, /schema");

/// Name, description and schema of what every new API has (v1-operations, notes), spaced as AWS spaces it.
const DEFAULTS: &[(&str, &str, &str)] = &[
    (
        "Empty",
        "This is a default empty schema model",
        "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}",
    ),
    (
        "Error",
        "This is a default error schema model",
        "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \
         \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}",
    ),
];

/// The models of a new API, without ids: [`add`] gives them.
pub fn default_models() -> Vec<Object> {
    let model = |&(name, description, schema): &(&str, &str, &str)| {
        let members =
            [("name", name), ("description", description), ("schema", schema), ("contentType", "application/json")];
        members.into_iter().map(|(member, value)| (member.to_owned(), Value::from(value))).collect()
    };
    DEFAULTS.iter().map(model).collect()
}

/// Writes a model's row, with a fresh id where it has none.
pub fn add(turn: &mut Turn<'_>, api_id: &str, model: Object) -> Object {
    let mut row = Object::new();
    row.insert("id".into(), turn.fresh_id(&["restapis", api_id, "models"], 6).into());
    row.extend(model);
    turn.put(&["restapis", api_id, "models", common::text_of(&row, "name")], &row);
    row
}

pub fn exists(turn: &Turn<'_>, api_id: &str, name: &str) -> bool {
    turn.has(&["restapis", api_id, "models", name])
}

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let name = call.text("name").unwrap_or_default();
    if name.is_empty() {
        return Err(AwsError::bad_request("Model name must be non-empty"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(AwsError::bad_request(format!("Model name must be alphanumeric: {name}")));
    }
    if exists(turn, api_id, name) {
        return Err(AwsError::conflict("Model name already exists for this REST API"));
    }
    // A model may name itself.
    schemas::check(call.text("schema").unwrap_or_default(), api_id, |model| {
        model == name || exists(turn, api_id, model)
    })?;
    let mut model = call.given(&["name", "description", "schema", "contentType"]);
    if common::text_of(&model, "description").is_empty() {
        model.shift_remove("description");
    }
    common::reply(add(turn, api_id, model))
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let models = turn.children(&["restapis", api_id, "models"]).into_iter().map(common::shown).collect();
    paging::page(call, models, paging::member("name"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut model = named(turn, call)?;
    if call.flag("flatten") && common::text_of(&model, "schema").contains("\"$ref\"") {
        let flat = flat(turn, call.path("restapi_id"), &model);
        patch::set(&mut model, "schema", Value::Object(flat).to_string().into());
    }
    common::reply(model)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut model = named(turn, call)?;
    let (api_id, name) = (call.path("restapi_id"), call.path("model_name"));
    let operations = patch::operations(call);
    patch::apply(&mut model, &operations, RULES, WORDING)?;
    // A schema from a document is not looked at again until it is replaced: imports take more than this call does.
    if operations.iter().any(|operation| operation.path() == "/schema") {
        schemas::check(common::text_of(&model, "schema"), api_id, |model| exists(turn, api_id, model))?;
    }
    turn.put(&["restapis", api_id, "models", name], &model);
    common::reply(model)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    named(turn, call)?;
    let (api_id, name) = (call.path("restapi_id"), call.path("model_name"));
    if let Some(user) = user(turn, api_id, name) {
        return Err(AwsError::conflict(format!("Cannot delete model '{name}', is referenced in {user}")));
    }
    turn.delete(&["restapis", api_id, "models", name]);
    Ok(Reply::Empty)
}

/// `GetModelTemplate`.
pub fn template(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let model = named(turn, call)?;
    let flat = flat(turn, call.path("restapi_id"), &model);
    let value = json!({ "value": model_template::template(&flat) });
    Ok(Reply::Object(value.as_object().cloned().unwrap_or_default()))
}

/// The model that the path names. An API that is not there has no models: AWS tells the two apart nowhere.
fn named(turn: &Turn<'_>, call: &Call) -> Result<Object, AwsError> {
    let name = call.path("model_name");
    let unknown = format!("Invalid model name specified: {name}");
    common::row(turn, &["restapis", call.path("restapi_id"), "models", name], &unknown)
}

fn flat(turn: &Turn<'_>, api_id: &str, model: &Object) -> Object {
    let schema = |row: &Object| serde_json::from_str(common::text_of(row, "schema")).unwrap_or_default();
    schemas::flatten(schema(model), |name| Some(schema(&turn.get(&["restapis", api_id, "models", name])?)))
}

/// Who needs this model, in AWS's words. A root path prints as `//GET`.
fn user(turn: &Turn<'_>, api_id: &str, name: &str) -> Option<String> {
    let in_map = |object: &Object, member: &str| {
        let map = object.get(member).and_then(Value::as_object);
        map.is_some_and(|map| map.values().any(|model| model.as_str() == Some(name)))
    };
    for placed in common::methods(turn, api_id) {
        let place = format!("{}/{}", placed.path, placed.verb);
        if in_map(&placed.method, "requestModels") {
            return Some(format!("method request: {place}"));
        }
        let responses = placed.method.get("methodResponses").and_then(Value::as_object);
        let mut responses = responses.into_iter().flatten().filter_map(|(_, response)| response.as_object());
        if responses.any(|response| in_map(response, "responseModels")) {
            return Some(format!("method response: {place}"));
        }
    }
    let models = turn.children(&["restapis", api_id, "models"]);
    let others = models.iter().filter(|model| common::text_of(model, "name") != name);
    let mut users = others.filter(|model| schemas::names(common::text_of(model, "schema"), name));
    users.next().map(|model| format!("model: {}", common::text_of(model, "name")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::admin::trial::Trial;

    const PET: &str = r#"{"type":"object","properties":{"name":{"type":"string"}}}"#;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        made(&mut trial, "Pet", PET).expect("a model");
        trial
    }

    fn made(trial: &mut Trial, name: &str, schema: &str) -> Result<Value, AwsError> {
        let body = json!({"name": name, "schema": schema, "description": "", "contentType": "application/json"});
        trial.call(create, &[("restapi_id", "a")], &[], body)
    }

    const AT: &[(&str, &str)] = &[("restapi_id", "a"), ("model_name", "Pet")];

    #[test]
    fn a_model_is_what_was_written() {
        let mut trial = trial();
        let model = trial.call(get, AT, &[("flatten", "true")], Value::Null).expect("a model");
        let id = model["id"].as_str().expect("an id").to_owned();
        assert_eq!(id.len(), 6);
        assert_eq!(model, json!({"id": id, "name": "Pet", "schema": PET, "contentType": "application/json"}));
        let all = trial.call(list, &[("restapi_id", "a")], &[], Value::Null).expect("models");
        assert_eq!(all, json!({"item": [model]}));
        let template = trial.call(template, AT, &[], Value::Null).expect("a template");
        assert_eq!(template["value"], "#set($inputRoot = $input.path('$'))\n{\n  \"name\" : \"$inputRoot.name\"\n}");
    }

    #[test]
    fn what_is_refused() {
        let mut trial = trial();
        let mut check = |name: &str, schema: &str, status: u16, message: &str| {
            let error = made(&mut trial, name, schema).expect_err("refused");
            assert_eq!((error.status, error.message.as_str()), (status, message));
        };
        check("", PET, 400, "Model name must be non-empty");
        check("My-Model", PET, 400, "Model name must be alphanumeric: My-Model");
        check("Pet", PET, 409, "Model name already exists for this REST API");
        check("Other", "", 400, "Model schema must have at least 1 property or array items defined");
        let nowhere = &[("restapi_id", "b"), ("model_name", "Pet")];
        for handler in [create, list] as [crate::control::admin::call::Handler; 2] {
            let error = trial.call(handler, nowhere, &[], json!({})).expect_err("no API");
            assert_eq!(
                (error.status, error.message.as_str()),
                (404, "Invalid API identifier specified 000000000000:b")
            );
        }
        for handler in [get, update, delete, template] as [crate::control::admin::call::Handler; 4] {
            let error = trial.call(handler, nowhere, &[], json!({})).expect_err("no API");
            assert_eq!((error.status, error.message.as_str()), (404, "Invalid model name specified: Pet"));
        }
    }

    #[test]
    fn patches() {
        let mut trial = trial();
        let mut check = |op: &str, path: &str, value: &str, expected: Result<&str, &str>| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            let done = trial.call(update, AT, &[], body);
            let done = done.map(|model| model[path.trim_start_matches('/')].as_str().unwrap_or("absent").to_owned());
            assert_eq!(done.map_err(|error| error.message), expected.map(str::to_owned).map_err(str::to_owned));
        };
        check("replace", "/description", "a pet", Ok("a pet"));
        check("replace", "/description", "", Ok("absent"));
        check("replace", "/schema", "{\"type\" : \"array\"}", Ok("{\"type\" : \"array\"}"));
        check("replace", "/schema", "", Err("Model schema must have at least 1 property or array items defined"));
        let unknown = "Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]";
        check("replace", "/name", "x", Err(unknown));
        let unsupported = "Invalid patch path  '/schema' specified for op 'add'. Please choose supported operations";
        check("add", "/schema", "{}", Err(unsupported));
    }

    #[test]
    fn a_model_in_use_stays() {
        let mut trial = trial();
        let check = |trial: &mut Trial, user: &str| {
            let error = trial.call(delete, AT, &[], Value::Null).expect_err("in use");
            assert_eq!(
                (error.status, error.message),
                (409, format!("Cannot delete model 'Pet', is referenced in {user}"))
            );
        };
        let schema = r#"{"items":{"$ref":"https://apigateway.amazonaws.com/restapis/a/models/Pet"}}"#;
        made(&mut trial, "Pets", schema).expect("a model");
        check(&mut trial, "model: Pets");
        let path = &[("restapi_id", "a"), ("model_name", "Pets")];
        let flat = trial.call(get, path, &[("flatten", "true")], Value::Null).expect("a model");
        assert_eq!(
            flat["schema"],
            format!(r##"{{"items":{{"$ref":"#/definitions/Pet"}},"definitions":{{"Pet":{PET}}}}}"##)
        );
        trial.put(&["restapis", "a", "resources", "r"], json!({"id": "r", "path": "/"}));
        let verb = &["restapis", "a", "resources", "r", "methods", "ANY"];
        let responses = json!({"200": {"responseModels": {"application/json": "Pet"}}});
        trial.put(verb, json!({"httpMethod": "ANY", "methodResponses": responses}));
        check(&mut trial, "method response: //ANY");
        trial.put(verb, json!({"httpMethod": "ANY", "requestModels": {"application/json": "Pet"}}));
        check(&mut trial, "method request: //ANY");
        trial.put(verb, json!({"httpMethod": "ANY"}));
        trial.call(delete, path, &[], Value::Null).expect("nobody uses it");
        assert_eq!(trial.call(delete, AT, &[], Value::Null), Ok(Value::Null));
        assert!(trial.row(&["restapis", "a", "models", "Pet"]).is_none());
    }

    #[test]
    fn the_models_of_a_new_api() {
        let models = default_models();
        assert_eq!(models.iter().map(|model| common::text_of(model, "name")).collect::<Vec<_>>(), ["Empty", "Error"]);
        for model in models {
            schemas::check(common::text_of(&model, "schema"), "a", |_| false).expect("a schema");
        }
    }
}
