//! A file served and the same file imported and deployed are one thing to a caller.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::control::deploy::refuse::refuse;
use crate::edge::transform;
use crate::edge::transform::compile::{Definition, Missing};
use crate::edge::upstream::places::Places;
use crate::formats::openapi::{self, ImportOptions, Options};
use crate::model::problem::Severity;
use crate::settings::{Aws, CredentialSource, LambdaEndpoint, RoleCredentials};

fn definitions() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["examples", "examples/bad", "tests/cases/import"];
    let mut files = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(root.join(folder)).expect(folder);
        files.extend(entries.map(|entry| entry.expect("a file").path()));
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml" || ending == "json"));
    files.sort();
    files
}

/// Whether nothing of these keeps the API from being deployed.
fn sound(problems: &[Problem]) -> bool {
    problems.iter().all(|problem| problem.severity != Severity::Error)
}

/// All that a caller could notice of an API, by method.
fn served(api: &RestApi) -> BTreeMap<String, String> {
    let refusals = refuse(api);
    let policy = api.policy.as_ref().map(|policy| &policy.value);
    let endpoints: Vec<&str> = api.endpoint_types.iter().map(|kind| kind.value.as_str()).collect();
    let media: Vec<&str> = api.binary_media_types.iter().map(|kind| kind.value.as_str()).collect();
    let mut all = BTreeMap::from([(
        "api".to_owned(),
        format!("{} {media:?} {policy:?} {endpoints:?} {}", api.name, api.disable_execute_api_endpoint),
    )]);
    for (at, resource) in api.resources.iter().enumerate() {
        for (of, method) in resource.methods.iter().enumerate() {
            let mut codes: Vec<&str> = Vec::new();
            codes.extend(
                refusals.methods.iter().filter(|(a, o, _)| (*a, *o) == (at, of)).map(|(_, _, problem)| problem.code),
            );
            let (stage_variables, mut problems) = (BTreeMap::new(), Vec::new());
            let lambda = LambdaEndpoint { https: false, host: "lambda.test".to_owned(), port: 80 };
            let keys = RoleCredentials { role: "*".to_owned(), source: CredentialSource::Chain };
            let aws = Aws { roles: vec![keys], ..Aws::default() };
            let mapping = method.integration.as_ref().map(|integration| {
                let definition = Definition {
                    api,
                    resource,
                    method,
                    integration,
                    stage_variables: &stage_variables,
                    missing: Missing::Refused,
                    arn: "arn:aws:execute-api:us-east-1:123456789012:api/prod/",
                    places: Places { functions: &[], lambda_endpoint: Some(&lambda), aws: &aws, door: None },
                };
                transform::compile::compile(definition, &mut problems)
            });
            let problems: Vec<&str> = problems.iter().map(|problem| problem.found.as_str()).collect();
            let timeout =
                method.integration.as_ref().map(|one| one.timeout_in_millis.as_ref().map_or(29_000, |t| t.value));
            let name = format!("{} {}", method.http_method.as_str(), resource.path.value);
            all.insert(name, format!("{codes:?} {timeout:?} {problems:?} {mapping:?}"));
        }
    }
    all
}

#[test]
fn a_file_and_its_rows_are_served_alike() {
    let mut compared = Vec::new();
    for path in definitions() {
        let text = fs::read_to_string(&path).expect("text");
        let (mut of_file, mut of_import, mut of_rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut file = openapi::import(0, &text, &Options::default(), &mut of_file);
        let rows = openapi::import_rows(&text, &ImportOptions::default(), &mut of_import);
        if !sound(&of_file) {
            continue;
        }
        let file = file.as_mut().expect("an API");
        file.id = "abc".to_owned();
        assert!(sound(&of_import), "{}: {of_import:?}", path.display());
        let (api, owners) = rest_api("abc", &rows.expect("rows").rows, &mut of_rows);
        let of_rows: Vec<String> = of_rows.iter().map(|problem| describe(problem, &owners)).collect();
        assert_eq!(of_rows, Vec::<String>::new(), "{}", path.display());
        assert_eq!(served(file), served(&api), "{}", path.display());
        compared.push(path);
    }
    assert!(compared.len() >= 6, "{compared:?}");
}

fn rows(methods: Value) -> ApiRows {
    let rows = json!({
        "api": {"name": "Pets", "endpointConfiguration": {"types": ["PRIVATE"]}},
        "resources": [{"path": "/"}, {"id": "r1", "path": "/pets", "methods": methods}],
        "requestValidators": [{"id": "v1", "validateRequestBody": true, "validateRequestParameters": false},
                              {"id": "v2", "validateRequestBody": false, "validateRequestParameters": false}],
        "authorizers": [{"id": "a1", "name": "api_key", "type": "TOKEN"}],
        "gatewayResponses": [{"responseType": "DEFAULT_4XX", "statusCode": "400", "defaultResponse": false}],
    });
    serde_json::from_value(rows).expect("rows")
}

/// What is said of an API of one method.
fn told(method: Value) -> Vec<String> {
    let mut problems = Vec::new();
    let (api, owners) = rest_api("abc", &rows(json!([method])), &mut problems);
    let refusals = refuse(&api);
    problems.extend(refusals.methods.into_iter().map(|(_, _, problem)| problem));
    problems.iter().map(|problem| describe(problem, &owners)).collect()
}

#[track_caller]
fn check(more: Value, expected: &[&str]) {
    let mut method = json!({"httpMethod": "GET", "authorizationType": "NONE", "apiKeyRequired": false,
        "methodIntegration": {"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://b.example"}});
    let (Value::Object(method), Value::Object(more)) = (&mut method, more) else { panic!("objects") };
    method.extend(more);
    let found = told(Value::from(method.clone()));
    assert_eq!(found, expected);
}

#[test]
fn a_method_is_refused_by_its_name() {
    check(json!({}), &[]);
    check(json!({"apiKeyRequired": true}), &[]);
    check(json!({"authorizationType": "AWS_IAM"}), &[]);
    let vpc_link = &["GET /pets: VPC links are not there yet"][..];
    let integration =
        json!({"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://b.example", "connectionType": "VPC_LINK"});
    check(json!({"methodIntegration": integration}), vpc_link);
}

#[test]
fn a_method_without_an_integration_is_not_open() {
    let found = told(json!({"httpMethod": "ANY", "authorizationType": "NONE"}));
    assert_eq!(found[0], "ANY /pets: No integration defined for method");
    let found = told(json!({"httpMethod": "GET", "methodIntegration": {"type": "TELEPATHY"}}));
    assert_eq!(found[0], "GET /pets: an integration without a type");
    assert_eq!(found[1], "GET /pets: No integration defined for method");
}

#[test]
fn what_guards_a_whole_api_arrives() {
    let mut problems = Vec::new();
    let mut rows = rows(json!([]));
    rows.api.insert("policy".to_owned(), json!("{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[]}"));
    rows.api.insert("minimumCompressionSize".to_owned(), json!(0));
    let (api, _) = rest_api("abc", &rows, &mut problems);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].found, "The REST API doesn't contain any methods");
    assert_eq!(api.policy.as_ref().expect("a policy").value["Version"], "2012-10-17");
    assert_eq!(api.endpoint_types[0].value, "PRIVATE");
    rows.api.insert("policy".to_owned(), json!("{\"Statement\":[]}"));
    assert!(rest_api("abc", &rows, &mut problems).0.policy.expect("a policy").value.is_object());
    rows.api.insert("policy".to_owned(), json!("{"));
    assert!(rest_api("abc", &rows, &mut problems).0.policy.is_some());
}
