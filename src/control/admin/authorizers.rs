//! Authorizers of a REST API: Lambda functions (TOKEN, REQUEST) and Cognito user pools.

use serde_json::Value;

use super::arn::Arn;
use super::call::{Call, Reply, Turn};
use super::errors::AwsError;
use super::patch::{self, ADD, Kind, REMOVE, REPLACE, Rule, Wording, rule};
use super::{common, paging, shapes};
use crate::model::api_rows::Object;
use crate::settings::limits::{AUTHORIZER_TTL_SECONDS_MAX, AUTHORIZERS_MAX};

const RULES: &[Rule] = &[
    rule("/name", REPLACE, Kind::Text),
    rule("/type", REPLACE, Kind::Text),
    rule("/authType", REPLACE, Kind::Clearable),
    rule("/authorizerUri", REPLACE, Kind::Clearable),
    rule("/authorizerCredentials", REPLACE, Kind::Clearable),
    rule("/authorizerResultTtlInSeconds", REPLACE, Kind::Integer(seconds)),
    rule("/identitySource", REPLACE, Kind::Clearable),
    rule("/identityValidationExpression", REPLACE, Kind::Clearable),
    rule("/providerARNs", ADD | REPLACE | REMOVE, Kind::List),
];

/// What AWS says of an authorizer that is not there, and of any in an API that is not there.
pub const UNKNOWN: &str = "Invalid Authorizer identifier specified";

pub fn create(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = call.path("restapi_id");
    if !turn.has(&["restapis", api_id]) {
        // Recorded: no other call says this of an API that is not there.
        let text = "Unable to complete operation due to concurrent modification. Please try again later.";
        return Err(AwsError::conflict(text));
    }
    let mut authorizer = Object::new();
    authorizer.insert("id".into(), turn.fresh_id(&["restapis", api_id, "authorizers"], 6).into());
    authorizer.extend(call.given(&["name", "type", "providerARNs"]));
    let default = if call.text("type") == Some("COGNITO_USER_POOLS") { "cognito_user_pools" } else { "custom" };
    authorizer.insert("authType".into(), call.text("authType").unwrap_or(default).into());
    authorizer.extend(call.given(&["authorizerUri", "authorizerCredentials", "identitySource"]));
    authorizer.extend(call.given(&["identityValidationExpression", "authorizerResultTtlInSeconds"]));
    check(turn, api_id, &authorizer)?;
    if turn.children(&["restapis", api_id, "authorizers"]).len() >= AUTHORIZERS_MAX {
        return Err(AwsError::limit(
            "Maximum number of Authorizers for this API has been reached. Please contact AWS if you need additional Authorizers.",
        ));
    }
    turn.put(&["restapis", api_id, "authorizers", common::text_of(&authorizer, "id")], &authorizer);
    common::reply(authorizer)
}

pub fn list(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let api_id = common::api_id(turn, call)?;
    let authorizers = turn.children(&["restapis", api_id, "authorizers"]).into_iter().map(common::shown).collect();
    paging::page(call, authorizers, paging::member("id"))
}

pub fn get(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    common::reply(common::row(turn, &key(call), UNKNOWN)?)
}

pub fn update(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let mut authorizer = common::row(turn, &key(call), UNKNOWN)?;
    patch::apply(&mut authorizer, &patch::operations(call), RULES, Wording::Plain)?;
    check(turn, call.path("restapi_id"), &authorizer)?;
    turn.put(&key(call), &authorizer);
    common::reply(authorizer)
}

pub fn delete(turn: &mut Turn<'_>, call: &Call) -> Result<Reply, AwsError> {
    let authorizer = common::row(turn, &key(call), UNKNOWN)?;
    let user = common::method_with(turn, call.path("restapi_id"), "authorizerId", call.path("authorizer_id"));
    if let Some(user) = user {
        return Err(AwsError::conflict(format!(
            "Cannot delete authorizer '{}', is referenced in method: {}/{}",
            common::text_of(&authorizer, "name"),
            user.verb,
            user.path
        )));
    }
    turn.delete(&key(call));
    Ok(Reply::Empty)
}

fn key(call: &Call) -> [&str; 4] {
    ["restapis", call.path("restapi_id"), "authorizers", call.path("authorizer_id")]
}

/// Field rules, then what the fields say of each other.
fn check(turn: &Turn<'_>, api_id: &str, authorizer: &Object) -> Result<(), AwsError> {
    let (name, kind) = (common::text_of(authorizer, "name"), common::text_of(authorizer, "type"));
    if name.trim().is_empty() {
        return Err(AwsError::bad_request("Authorizer name cannot be blank"));
    }
    if !shapes::enumeration("AuthorizerType").contains(&kind) {
        return Err(AwsError::bad_request(format!("Invalid Authorizer type specified: {kind}")));
    }
    let ttl = authorizer.get("authorizerResultTtlInSeconds").and_then(Value::as_i64);
    if ttl.is_some_and(|ttl| !(0..=AUTHORIZER_TTL_SECONDS_MAX).contains(&ttl)) {
        return Err(out_of_bounds());
    }
    let credentials = common::text_of(authorizer, "authorizerCredentials");
    if !credentials.is_empty() && !Arn::parse(credentials).is_some_and(|arn| arn.is_role()) {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    }
    sources(kind, common::text_of(authorizer, "identitySource"), ttl)?;
    match kind {
        "COGNITO_USER_POOLS" => providers(authorizer)?,
        _ => function(common::text_of(authorizer, "authorizerUri"))?,
    }
    let others = turn.children(&["restapis", api_id, "authorizers"]);
    let id = common::text_of(authorizer, "id");
    if others.iter().any(|other| common::text_of(other, "id") != id && common::text_of(other, "name") == name) {
        return Err(AwsError::bad_request(format!(
            "Authorizer name must be unique. Authorizer {name} already exists in this RestApi."
        )));
    }
    Ok(())
}

/// A token has one place in the headers. A REQUEST authorizer may look anywhere, and needs to where answers are kept: they
/// are kept by what was found there.
fn sources(kind: &str, sources: &str, ttl: Option<i64>) -> Result<(), AwsError> {
    if sources.trim().is_empty() {
        return match (kind, ttl) {
            ("REQUEST", Some(0)) => Ok(()),
            ("REQUEST", _) => Err(AwsError::bad_request(
                "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)",
            )),
            // Recorded for an empty one.
            _ => Err(AwsError::bad_request("Invalid request input")),
        };
    }
    let places = ["method.request.header.", "method.request.querystring.", "stageVariables.", "context."];
    let places = if kind == "REQUEST" { &places[..] } else { &places[..1] };
    let is_source = |source: &str| {
        let name = places.iter().find_map(|place| source.strip_prefix(place));
        name.is_some_and(|name| !name.is_empty() && !name.contains([' ', ',']))
    };
    let wrong = match kind {
        "REQUEST" => sources.split(',').map(str::trim).find(|source| !is_source(source)),
        _ => Some(sources).filter(|source| !is_source(source)),
    };
    wrong.map_or(Ok(()), |source| {
        Err(AwsError::bad_request(format!(
            "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
             [Invalid mapping expression specified: {source}]"
        )))
    })
}

fn function(uri: &str) -> Result<(), AwsError> {
    let is_invocation = || {
        let arn =
            Arn::parse(uri).filter(|arn| arn.service == "apigateway" && arn.account == "lambda" && arn.has_region())?;
        let function = arn.resource.strip_prefix("path/2015-03-31/functions/")?.strip_suffix("/invocations")?;
        // The function may be said by a stage variable, as a whole or in its name.
        (function.starts_with("${stageVariables.") || Arn::parse(function)?.service == "lambda").then_some(())
    };
    is_invocation().ok_or_else(|| {
        let uri = if uri.is_empty() { "null" } else { uri };
        AwsError::bad_request(format!(
            "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda \
             function invocation."
        ))
    })
}

fn providers(authorizer: &Object) -> Result<(), AwsError> {
    let providers = authorizer.get("providerARNs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if providers.is_empty() {
        return Err(AwsError::bad_request(
            "At least one provider ARN must be specified for COGNITO_USER_POOLS authorizers",
        ));
    }
    let is_pool = |provider: &Value| {
        let arn = provider.as_str().and_then(Arn::parse)?;
        let pool = arn.resource.strip_prefix("userpool/").filter(|pool| !pool.is_empty())?;
        (arn.service == "cognito-idp" && arn.has_region() && arn.has_account() && !pool.contains('/')).then_some(())
    };
    match providers.iter().all(|provider| is_pool(provider).is_some()) {
        true => Ok(()),
        false => Err(AwsError::bad_request("Invalid ARN specified in the request")),
    }
}

fn seconds(text: &str) -> Result<i64, AwsError> {
    text.parse().map_err(|_| out_of_bounds())
}

fn out_of_bounds() -> AwsError {
    AwsError::bad_request(format!("Authorizer result TTL must be between 0 and {AUTHORIZER_TTL_SECONDS_MAX} seconds"))
}

#[cfg(test)]
mod tests {
    use crate::control::admin::test_invoke;
    use serde_json::json;

    use super::*;
    use crate::control::admin::trial::Trial;

    const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:f/invocations";
    const POOL: &str = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc";
    const HEADER: &str = "method.request.header.Authorization";
    const API: &[(&str, &str)] = &[("restapi_id", "a")];

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.put(&["restapis", "a"], json!({"id": "a"}));
        let row = json!({"id": "z", "name": "old", "type": "TOKEN", "authType": "custom", "authorizerUri": URI, "identitySource": HEADER});
        trial.put(&["restapis", "a", "authorizers", "z"], row);
        trial
    }

    /// A body with these members over those of a TOKEN authorizer; a null takes one away.
    fn token(over: Value) -> Value {
        let mut body = json!({"name": "n", "type": "TOKEN", "authorizerUri": URI, "identitySource": HEADER});
        for (name, value) in over.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        body
    }

    #[test]
    fn every_type_with_its_defaults() {
        let mut trial = trial();
        let mut check = |body: Value, expected: Value| {
            let mut made = trial.call(create, API, &[], body.clone()).expect("an authorizer");
            let id = made.as_object_mut().and_then(|made| made.shift_remove("id")).expect("an id");
            assert_eq!(id.as_str().map(str::len), Some(6));
            let mut whole = body;
            for (name, value) in expected.as_object().into_iter().flatten() {
                whole[name] = value.clone();
            }
            assert_eq!(made, whole);
        };
        check(token(json!({})), json!({"authType": "custom"}));
        check(token(json!({"name": "b", "authType": "oauth2", "authorizerResultTtlInSeconds": 0})), json!({}));
        let request = json!({"name": "c", "type": "REQUEST", "identitySource": "context.httpMethod, stageVariables.v"});
        check(token(request), json!({"authType": "custom"}));
        let anything =
            json!({"name": "d", "type": "REQUEST", "identitySource": null, "authorizerResultTtlInSeconds": 0});
        check(token(anything), json!({"authType": "custom"}));
        let pool = json!({"name": "e", "type": "COGNITO_USER_POOLS", "authorizerUri": null, "providerARNs": [POOL]});
        check(token(pool), json!({"authType": "cognito_user_pools"}));
        let all = trial.call(list, API, &[], Value::Null).expect("authorizers");
        assert_eq!(all["item"].as_array().map(Vec::len), Some(6));
    }

    #[test]
    fn what_is_refused() {
        let mut trial = trial();
        let mut check = |over: Value, message: &str| {
            let error = trial.call(create, API, &[], token(over)).expect_err("refused");
            assert_eq!((error.status, error.message.as_str()), (400, message));
        };
        check(json!({"name": ""}), "Authorizer name cannot be blank");
        check(json!({"name": "old"}), "Authorizer name must be unique. Authorizer old already exists in this RestApi.");
        let ttl = "Authorizer result TTL must be between 0 and 3600 seconds";
        check(json!({"authorizerResultTtlInSeconds": 3601}), ttl);
        check(json!({"authorizerResultTtlInSeconds": -1}), ttl);
        let uri = |uri: &str| {
            format!(
                "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function \
                 invocation."
            )
        };
        check(json!({"authorizerUri": null}), &uri("null"));
        let placeholder = URI.replacen("us-east-1", "region", 1);
        check(json!({"authorizerUri": placeholder}), &uri(&placeholder));
        check(
            json!({"authorizerUri": "arn:aws:lambda:us-east-1:1:function:f"}),
            &uri("arn:aws:lambda:us-east-1:1:function:f"),
        );
        check(json!({"authorizerCredentials": "me"}), "Invalid ARN specified in the request");
        check(json!({"identitySource": null}), "Invalid request input");
        let source = |source: &str| {
            format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
                 specified: {source}]"
            )
        };
        check(json!({"identitySource": "method.request.querystring.t"}), &source("method.request.querystring.t"));
        check(json!({"identitySource": format!("{HEADER},{HEADER}")}), &source(&format!("{HEADER},{HEADER}")));
        check(json!({"type": "REQUEST", "identitySource": format!("{HEADER},x")}), &source("x"));
        let cached = "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)";
        check(json!({"type": "REQUEST", "identitySource": null}), cached);
        let none = "At least one provider ARN must be specified for COGNITO_USER_POOLS authorizers";
        check(json!({"type": "COGNITO_USER_POOLS"}), none);
        let wrong = json!({"type": "COGNITO_USER_POOLS", "providerARNs": [POOL, "arn:aws:s3:::b"]});
        check(wrong, "Invalid ARN specified in the request");
    }

    #[test]
    fn an_api_that_is_not_there() {
        let mut trial = trial();
        let nowhere = &[("restapi_id", "b"), ("authorizer_id", "z")];
        let mut check = |handler, status: u16, message: &str| {
            let error = trial.call(handler, nowhere, &[], token(json!({}))).expect_err("no API");
            assert_eq!((error.status, error.message.as_str()), (status, message));
        };
        let races = "Unable to complete operation due to concurrent modification. Please try again later.";
        check(create, 409, races);
        check(list, 404, "Invalid API identifier specified 000000000000:b");
        check(get, 404, UNKNOWN);
        check(update, 404, UNKNOWN);
        check(delete, 404, UNKNOWN);
        check(test_invoke::authorizer_of, 404, UNKNOWN);
    }

    #[test]
    fn there_are_ten() {
        let mut trial = trial();
        for n in 1..AUTHORIZERS_MAX {
            trial.call(create, API, &[], token(json!({"name": n.to_string()}))).expect("room");
        }
        let error = trial.call(create, API, &[], token(json!({}))).expect_err("full");
        assert_eq!((error.status, error.code), (429, "LimitExceededException"));
    }

    #[test]
    fn patches() {
        let mut trial = trial();
        let at = &[("restapi_id", "a"), ("authorizer_id", "z")];
        let mut check = |op: &str, path: &str, value: &str, expected: Result<Value, &str>| {
            let body = json!({"patchOperations": [{"op": op, "path": path, "value": value}]});
            let done = trial.call(update, at, &[], body).map(|made| made[&path[1..]].clone());
            assert_eq!(done.map_err(|error| error.message), expected.map_err(str::to_owned));
        };
        check("replace", "/authorizerResultTtlInSeconds", "60", Ok(json!(60)));
        check(
            "replace",
            "/authorizerResultTtlInSeconds",
            "x",
            Err("Authorizer result TTL must be between 0 and 3600 seconds"),
        );
        check("add", "/providerARNs", POOL, Ok(json!([POOL])));
        check("replace", "/identityValidationExpression", "", Ok(Value::Null));
        check("replace", "/type", "OAUTH", Err("Invalid Authorizer type specified: OAUTH"));
        check("replace", "/type", "COGNITO_USER_POOLS", Ok(json!("COGNITO_USER_POOLS")));
        check("replace", "/id", "x", Err("Invalid patch path /id"));
        check("add", "/name", "x", Err("Invalid patch operation specified. Must be one of: [replace]"));
    }

    #[test]
    fn one_in_use_stays() {
        let mut trial = trial();
        let at = &[("restapi_id", "a"), ("authorizer_id", "z")];
        trial.put(&["restapis", "a", "resources", "r"], json!({"id": "r", "path": "/test"}));
        let verb = &["restapis", "a", "resources", "r", "methods", "GET"];
        trial.put(verb, json!({"httpMethod": "GET", "authorizerId": "z"}));
        let error = trial.call(delete, at, &[], Value::Null).expect_err("in use");
        let message = "Cannot delete authorizer 'old', is referenced in method: GET//test";
        assert_eq!((error.status, error.message.as_str()), (409, message));
        trial.put(verb, json!({"httpMethod": "GET"}));
        assert_eq!(trial.call(delete, at, &[], Value::Null), Ok(Value::Null));
        assert!(trial.row(&["restapis", "a", "authorizers", "z"]).is_none());
    }
}
