//! What the management API's import makes of a document: rows in AWS's wire shape, and AWS's words for what is wrong.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use weir::formats::openapi::{BasePath, ImportOptions, documentation_parts, import_rows};
use weir::model::api_rows::ApiRows;
use weir::model::problem::{Problem, Severity};

fn import(text: &str, options: &ImportOptions) -> (Option<ApiRows>, Vec<Problem>) {
    let mut problems = Vec::new();
    let imported = import_rows(text, options, &mut problems);
    (imported.map(|imported| imported.rows), problems)
}

#[track_caller]
fn rows(text: &str) -> ApiRows {
    let (rows, problems) = import(text, &ImportOptions::default());
    assert_eq!(problems, []);
    rows.expect("rows")
}

fn method(rows: &ApiRows, path: &str, verb: &str) -> Value {
    let resource = rows.resources.iter().find(|resource| resource.path == path).expect("a resource");
    let method = resource.methods.iter().find(|method| method["httpMethod"] == verb);
    Value::from(method.expect("a method").clone())
}

fn paths(rows: &ApiRows) -> Vec<&str> {
    rows.resources.iter().map(|resource| resource.path.as_str()).collect()
}

const WHOLE: &str = include_str!("cases/export/whole.yaml");

#[test]
fn the_api_itself() {
    let rows = rows(WHOLE);
    assert_eq!(
        Value::from(rows.api),
        json!({
            "name": "Pets", "description": "All of it.", "version": "1.0", "binaryMediaTypes": ["image/png"],
            "minimumCompressionSize": 1024, "apiKeySource": "AUTHORIZER",
            "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
            "policy": "{\\\"Version\\\":\\\"2012-10-17\\\"}", "tags": {"team": "pets"}, "disableExecuteApiEndpoint": true,
            "securityPolicy": "SecurityPolicy_TLS13_1_3_2025_09", "endpointAccessMode": "STRICT",
        })
    );
    assert_eq!(
        json!(rows.request_validators),
        json!([{"id": "body", "name": "body", "validateRequestBody": true, "validateRequestParameters": false}])
    );
    let template = json!({"application/json": "{\"message\":$context.error.messageString}"});
    assert_eq!(
        json!(rows.gateway_responses),
        json!([
            {"responseType": "DEFAULT_4XX", "responseParameters": {"gatewayresponse.header.X": "'y'"}, "responseTemplates": template, "defaultResponse": false},
            {"responseType": "UNAUTHORIZED", "statusCode": "403", "responseParameters": {}, "responseTemplates": {"text/plain": "no"}, "defaultResponse": false},
            {"responseType": "QUOTA_EXCEEDED", "statusCode": "429", "responseParameters": {}, "responseTemplates": template, "defaultResponse": false},
        ])
    );
    assert_eq!(
        json!(rows.documentation_parts),
        json!([{"location": {"type": "METHOD", "path": "/pets", "method": "GET"}, "properties": "{\"summary\":\"List\"}"}])
    );
}

#[test]
fn methods_are_echoed_with_what_aws_shows() {
    let rows = rows(WHOLE);
    assert_eq!(paths(&rows), ["/", "/lambda", "/pets", "/pets/{id}", "/pets/{id}/toys"]);
    assert_eq!(
        method(&rows, "/pets/{id}/toys", "POST"),
        json!({
            "httpMethod": "POST", "authorizationType": "CUSTOM", "authorizerId": "tokens", "apiKeyRequired": true,
            "requestValidatorId": "body", "operationName": "AddToy",
            "requestParameters": {"method.request.header.X-Tenant": true, "method.request.querystring.dry": false, "method.request.path.id": true},
            "requestModels": {"application/json": "Toy"},
            "methodResponses": {"201": {"statusCode": "201", "responseParameters": {"method.response.header.Location": false}, "responseModels": {"application/json": "Toy"}}},
            "methodIntegration": {
                "type": "AWS", "httpMethod": "POST", "uri": "arn:aws:apigateway:us-east-1:sqs:path/1/q",
                "credentials": "arn:aws:iam::000000000000:role/r", "passthroughBehavior": "NEVER",
                "requestParameters": {"integration.request.header.Content-Type": "'x'"}, "requestTemplates": {"application/json": "a"},
                "cacheKeyParameters": ["method.request.path.id"], "cacheNamespace": "ns", "contentHandling": "CONVERT_TO_TEXT", "timeoutInMillis": 29000,
                "integrationResponses": {
                    "201": {"statusCode": "201", "responseParameters": {"method.response.header.Location": "'/x'"}},
                    "500": {"statusCode": "500", "selectionPattern": "5\\d\\d", "responseTemplates": {"text/plain": "bad"}},
                },
            },
        })
    );
    assert_eq!(
        method(&rows, "/lambda", "ANY"),
        json!({
            "httpMethod": "ANY", "authorizationType": "COGNITO_USER_POOLS", "authorizerId": "pool", "authorizationScopes": ["a/b"],
            "apiKeyRequired": false,
            "methodIntegration": {"type": "AWS_PROXY", "httpMethod": "POST", "uri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations",
                "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, "cacheKeyParameters": []},
        })
    );
    assert_eq!(
        method(&rows, "/lambda", "GET"),
        json!({"httpMethod": "GET", "authorizationType": "AWS_IAM", "apiKeyRequired": false, "requestValidatorId": "body"})
    );
    assert_eq!(
        method(&rows, "/lambda", "PUT")["methodIntegration"],
        json!({"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://b", "connectionType": "INTERNET", "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 50, "cacheKeyParameters": [], "tlsConfig": {"insecureSkipVerification": true}, "responseTransferMode": "STREAM"})
    );
}

#[test]
fn models_and_authorizers_are_kept_used_or_not() {
    let rows = rows(WHOLE);
    assert_eq!(
        json!(rows.models),
        json!([
            {"name": "Toy", "description": "A toy.", "contentType": "application/json",
             "schema": "{\"type\":\"object\",\"description\":\"A toy.\",\"properties\":{\"pet\":{\"$ref\":\"https://apigateway.amazonaws.com/restapis/{restapi_id}/models/Pet\"}}}"},
            {"name": "Pet", "schema": "{\"type\":\"object\"}", "contentType": "application/json"},
        ])
    );
    assert_eq!(
        json!(rows.authorizers),
        json!([
            {"id": "tokens", "name": "tokens", "type": "TOKEN", "authType": "custom", "authorizerUri": "arn:u", "authorizerCredentials": "arn:c",
             "identitySource": "method.request.header.Authorization", "identityValidationExpression": "^x", "authorizerResultTtlInSeconds": 60},
            {"id": "requests", "name": "requests", "type": "REQUEST", "authType": "custom", "authorizerUri": "arn:u",
             "identitySource": "method.request.header.A, context.stage"},
            {"id": "pool", "name": "pool", "type": "COGNITO_USER_POOLS", "authType": "cognito_user_pools", "providerARNs": ["arn:p"],
             "identitySource": "method.request.header.Authorization"},
        ])
    );
}

#[test]
fn inline_schemas_get_a_model_each() {
    let rows = rows(
        r##"{"swagger": "2.0", "info": {"title": "T"}, "produces": ["application/json", "text/x"],
            "definitions": {"A": {"type": "object"}}, "paths": {"/a": {"post": {
              "parameters": [{"in": "body", "name": "b", "schema": {"type": "array", "items": {"$ref": "#/definitions/A"}}}],
              "responses": {"200": {"schema": {"type": "array", "items": {"$ref": "#/definitions/A"}}}, "404": {"schema": {"type": "string"}}}}}}}"##,
    );
    let post = method(&rows, "/a", "POST");
    let names: Vec<&str> = rows.models.iter().map(|model| model["name"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), 3);
    assert!(names[1].starts_with("MODEL") && names[1].len() == 11, "{names:?}");
    assert_eq!(post["requestModels"], json!({"application/json": names[1]}));
    assert_eq!(
        post["methodResponses"]["200"]["responseModels"],
        json!({"application/json": names[1], "text/x": names[1]})
    );
    assert_eq!(post["methodResponses"]["404"]["responseModels"]["text/x"], names[2]);
    assert!(rows.models[1]["schema"].as_str().expect("text").contains("{restapi_id}/models/A"));
}

#[test]
fn base_paths_are_ignored_prepended_or_split() {
    for (base_path, expected) in [
        (BasePath::Ignore, vec!["/", "/e"]),
        (BasePath::Prepend, vec!["/", "/a", "/a/b", "/a/b/e"]),
        (BasePath::Split, vec!["/", "/b", "/b/e"]),
    ] {
        let text = r#"{"swagger": "2.0", "info": {"title": "T"}, "basePath": "/a/b/", "paths": {"/e": {"get": {}}}}"#;
        let (rows, problems) = import(text, &ImportOptions { base_path, ..ImportOptions::default() });
        assert_eq!(problems, []);
        assert_eq!(paths(&rows.expect("rows")), expected);
    }
}

#[test]
fn what_aws_takes_is_no_error() {
    let rows = rows("openapi: 3.0.1\ninfo: { title: T }\npaths: {}\n");
    assert_eq!(Value::from(rows.api), json!({"name": "T"}));
    assert_eq!(paths(&rows.resources.first().map(|_| rows_of_root()).expect("a root")), ["/"]);
    let mock = "swagger: 2.0\ninfo: { title: T }\npaths: { /a/: { get: { parametres: 1, x-amazon-apigateway-integration: { type: mock, uri: x, httpMethod: GET, responses: { default: { statusCode: 200 } } } } } }\n";
    assert_eq!(
        method(&self::rows(mock), "/a", "GET")["methodIntegration"],
        json!({"type": "MOCK", "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, "cacheKeyParameters": [],
            "integrationResponses": {"200": {"statusCode": "200"}}})
    );
}

fn rows_of_root() -> ApiRows {
    rows("openapi: 3.0.1\ninfo: { title: T }\n")
}

#[test]
fn documentation_can_be_left_out() {
    let (rows, _) = import(WHOLE, &ImportOptions { ignore_documentation: true, ..ImportOptions::default() });
    assert_eq!(rows.expect("rows").documentation_parts, [] as [Map<String, Value>; 0]);
    let parts = documentation_parts(WHOLE, &mut Vec::new()).expect("parts");
    assert_eq!(parts[0]["properties"], "{\"summary\":\"List\"}");
    for text in ["", "{", "[]", "a: b"] {
        assert_eq!(documentation_parts(text, &mut Vec::new()), None, "{text}");
    }
}

/// The problems of one operation of `GET /x`, errors with their texts.
#[track_caller]
fn check(operation: &str, expected: &[&str]) {
    let text = format!(
        "openapi: 3.0.1\ninfo: {{ title: T }}\npaths:\n  /x:\n    get: {operation}\ncomponents: {{ securitySchemes: {{ s: {{ type: apiKey, name: A, in: header, x-amazon-apigateway-authorizer: {{ type: jwt }} }} }} }}\n"
    );
    let text = text.replace("jwt", if operation.contains("jwt") { "jwt" } else { "token" });
    let (_, problems) = import(&text, &ImportOptions::default());
    let found: Vec<String> = problems
        .iter()
        .map(|problem| match problem.severity {
            Severity::Error => problem.found.clone(),
            _ => format!("warning: {}", problem.found),
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn errors_have_aws_words() {
    let of = |more: &str| format!("{{ x-amazon-apigateway-integration: {{ {more} }} }}");
    let on = |text: &str| format!("Unable to put integration on 'GET' for resource at path '/x': {text}");
    let http = "type: http, httpMethod: GET, uri: 'http://b'";
    check(&of("type: http, uri: 'http://b'"), &[&on("Enumeration value for HttpMethod must be non-empty")]);
    check(&of("type: http, httpMethod: GET, uri: 'ftp://b'"), &[&on("Invalid HTTP endpoint specified for URI")]);
    check(&of(&format!("{http}, timeoutInMillis: 10")), &[&on("Timeout should be between 50 ms and 29000 ms")]);
    check(&of("type: aws_proxy, uri: 'arn:aws:lambda:r:1:function:f'"), &[&on("Invalid ARN specified in the request")]);
    let mapping = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: method.request.header.Y]";
    let source = "requestParameters: { integration.request.header.X: method.request.header.Y }";
    check(&of(&format!("{http}, {source}")), &[&on(mapping)]);
    let source = "requestParameters: { integration.request.header.nothing: true }";
    check(
        &of(&format!("{http}, {source}")),
        &[
            "warning: Invalid format for 'requestParameters'. Expected type string for property 'integration.request.header.nothing' of resource '/x' and method 'GET' but got 'true'",
        ],
    );
    let header =
        "responses: { default: { statusCode: 200, responseParameters: { method.response.header.X: \"'y'\" } } }";
    let refused = "Unable to put integration response on 'GET' for resource at path '/x': Invalid mapping expression specified: \
                   Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: method.response.header.X]";
    check(
        &format!("{{ responses: {{ '200': {{}} }}, x-amazon-apigateway-integration: {{ {http}, {header} }} }}"),
        &[refused],
    );
    let on = |text: &str| format!("Unable to put method 'GET' on resource at path '/x': {text}");
    let validator = "{ x-amazon-apigateway-request-validator: none }";
    check(validator, &[&on("Invalid Request Validator identifier specified")]);
    let authorizer = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.";
    check("{ security: [{ nobody: [] }] }", &[&on(authorizer)]);
    let body = "{ requestBody: { content: { a/b: { schema: { $ref: '#/components/schemas/Gone' } } } } }";
    check(body, &[&on("Invalid model identifier specified: Gone")]);
    check("{ summary: jwt }", &["Unable to create authorizer 's': `jwt` is no type of authorizer of a REST API"]);
}

#[test]
fn errors_of_the_whole_document() {
    let found = |text: &str| {
        let (rows, problems) = import(text, &ImportOptions::default());
        (rows.is_some(), problems.last().map(|problem| problem.found.clone()).unwrap_or_default())
    };
    for text in ["", "{", "[1]", "just text", "swagger: 1.2", "a: &a [*a]", "Resources: {}"] {
        assert_eq!(found(text), (false, "Invalid OpenAPI input.".to_owned()), "{text}");
    }
    assert_eq!(found("openapi: 3.0.1"), (true, "Parse issue: attribute info.title is missing".to_owned()));
    let (start, schema) = ("swagger: 2.0\ninfo: { title: T }\n", "definitions: { A: { $ref: '#/definitions/B' } }");
    let (_, text) = found(&format!("{start}{schema}"));
    assert_eq!(text, "Unable to create model 'A': Invalid model identifier specified: B");
    let (_, text) = found(&format!("{start}paths: {{ '/{{a}}/x': {{}}, '/{{b}}': {{}} }}"));
    assert_eq!(
        text,
        "Unable to create resource at path '/{b}': A sibling ({a}) of this resource already has a variable path part -- only one is allowed"
    );
    let (_, text) = found(&format!("{start}x-amazon-apigateway-minimum-compression-size: 99999999"));
    assert_eq!(text, "Invalid minimum compression size, must be between 0 and 10485760");
}

#[test]
fn a_small_document_cannot_ask_for_endless_resources() {
    let deep = "/a".repeat(790);
    let of = |paths: Map<String, Value>| json!({"swagger": "2.0", "info": {"title": "T"}, "paths": paths}).to_string();
    let many = (0..200).map(|at| (format!("/b{at}{deep}"), json!({}))).collect();
    let started = Instant::now();
    let (rows, problems) = import(&of(many), &ImportOptions::default());
    let found = &problems[0].found;
    assert!(found.starts_with("Maximum number of resources for this API has been reached."), "{found}");
    assert!(rows.expect("rows").resources.len() < 101_000);
    let long = of([("/a".repeat(500_000), json!({}))].into_iter().collect());
    let (_, problems) = import(&long, &ImportOptions::default());
    assert!(problems[0].found.ends_with("a path of 1000000 bytes, more than 1600") && problems[0].found.len() < 300);
    assert!(started.elapsed() < Duration::from_secs(30));
}
