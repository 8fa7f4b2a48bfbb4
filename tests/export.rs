//! What an API looks like as a document, and that the document brings back the API.

use std::fs;
use std::path::Path;

use proptest::prelude::{BoxedStrategy, Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::{collection, option, sample};
use serde_json::{Map, Value, json};
use weir::formats::openapi::{ExportDialect, ExportOptions, Extensions, ImportOptions, export, fuzz_rows, import_rows};
use weir::model::api_rows::{ApiRows, ResourceRow};
use weir::model::problem::Severity;

const WHOLE: &str = include_str!("cases/export/whole.yaml");
const FORMS: [(ExportDialect, bool); 4] = [
    (ExportDialect::Swagger2, false),
    (ExportDialect::Swagger2, true),
    (ExportDialect::OpenApi3, false),
    (ExportDialect::OpenApi3, true),
];

fn options(dialect: ExportDialect, extensions: &str) -> ExportOptions {
    ExportOptions {
        dialect,
        extensions: Extensions::parse(extensions).expect("extensions"),
        api_id: "abc123".to_owned(),
        region: "eu-west-1".to_owned(),
        stage: "beta".to_owned(),
        created_date: 1_473_702_637,
        ..ExportOptions::default()
    }
}

#[track_caller]
fn import(text: &str) -> ApiRows {
    let mut problems = Vec::new();
    let imported = import_rows(text, &ImportOptions::default(), &mut problems);
    problems.retain(|problem| problem.severity == Severity::Error);
    assert_eq!(problems, [], "{text}");
    imported.expect("rows").rows
}

/// The version that an export makes up is none, and keys come from headers unless something else is said.
fn normal(mut rows: ApiRows) -> ApiRows {
    rows.api.retain(|key, value| !(key == "version" && *value == "2016-09-12T17:50:37Z"));
    rows.api.retain(|key, value| !(key == "apiKeySource" && *value == "HEADER"));
    rows
}

#[track_caller]
fn check_comes_back(rows: &ApiRows) {
    for (dialect, yaml) in FORMS {
        let text = export(rows, &ExportOptions { yaml, ..options(dialect, "apigateway") });
        let again = normal(import(&text));
        let expected = serde_json::to_value(normal(rows.clone())).expect("JSON");
        assert_eq!(serde_json::to_value(&again).expect("JSON"), expected, "{text}");
    }
}

#[test]
fn every_definition_comes_back() {
    check_comes_back(&import(WHOLE));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for entry in fs::read_dir(folder).expect("examples") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "yaml" || ending == "json") {
            check_comes_back(&import(&fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn no_damage_to_a_definition_breaks_the_property() {
    let starts: Vec<usize> = WHOLE.char_indices().map(|(at, _)| at).step_by(61).collect();
    for at in starts {
        for damage in ["", "\n", "{", "]", ": ", "*x", "\"", "$ref", "~1"] {
            fuzz_rows(format!("{}{damage}{}", &WHOLE[..at], &WHOLE[at + 1..]).as_bytes());
        }
    }
}

/// The PetStore of AWS's console, as AWS exports it.
fn pets() -> ApiRows {
    let rows = json!({
        "api": {"name": "PetStore", "description": "Pets.", "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"}, "apiKeySource": "HEADER"},
        "resources": [
            {"id": "r1", "path": "/"},
            {"id": "r2", "path": "/pets", "methods": [{
                "httpMethod": "GET", "authorizationType": "CUSTOM", "authorizerId": "au1", "apiKeyRequired": true, "requestValidatorId": "v1",
                "requestParameters": {"method.request.querystring.type": false, "method.request.header.X": true},
                "methodResponses": {"200": {"statusCode": "200", "responseParameters": {"method.response.header.A": false}, "responseModels": {"application/json": "Pets"}}},
                "methodIntegration": {"type": "HTTP", "httpMethod": "GET", "uri": "http://b/pets", "connectionType": "INTERNET", "passthroughBehavior": "WHEN_NO_MATCH",
                    "timeoutInMillis": 29000, "cacheNamespace": "r2", "cacheKeyParameters": [], "requestParameters": {"integration.request.querystring.type": "method.request.querystring.type"},
                    "integrationResponses": {"200": {"statusCode": "200", "responseParameters": {"method.response.header.A": "'*'"}}}},
            }]},
            {"id": "r3", "path": "/pets/{petId}", "methods": [{"httpMethod": "ANY", "authorizationType": "AWS_IAM", "apiKeyRequired": false,
                "requestParameters": {"method.request.path.petId": true}, "requestModels": {"application/json": "Pets"}}]},
            {"id": "r4", "path": "/tools"},
        ],
        "models": [{"id": "m1", "name": "Pets", "contentType": "application/json", "schema": "{\"type\":\"array\",\"items\":{\"$ref\":\"https://apigateway.amazonaws.com/restapis/abc123/models/Pet\"}}"},
                   {"id": "m2", "name": "Pet", "description": "One.", "contentType": "application/json", "schema": "{ \"type\": \"object\" }"}],
        "requestValidators": [{"id": "v1", "name": "all", "validateRequestBody": true, "validateRequestParameters": true}],
        "authorizers": [{"id": "au1", "name": "tokens", "type": "TOKEN", "authType": "custom", "authorizerUri": "arn:u", "identitySource": "method.request.header.Auth", "authorizerResultTtlInSeconds": 300}],
    });
    serde_json::from_value(rows).expect("rows")
}

#[test]
fn swagger_has_aws_shape() {
    let found: Value =
        serde_json::from_str(&export(&pets(), &options(ExportDialect::Swagger2, "integrations,authorizers")))
            .expect("JSON");
    let expected = json!({
        "swagger": "2.0",
        "info": {"description": "Pets.", "version": "2016-09-12T17:50:37Z", "title": "PetStore"},
        "host": "abc123.execute-api.eu-west-1.amazonaws.com",
        "basePath": "/beta",
        "schemes": ["https"],
        "paths": {
            "/pets": {"get": {
                "produces": ["application/json"],
                "parameters": [{"name": "type", "in": "query", "required": false, "type": "string"}, {"name": "X", "in": "header", "required": true, "type": "string"}],
                "responses": {"200": {"description": "200 response", "schema": {"$ref": "#/definitions/Pets"}, "headers": {"A": {"type": "string"}}}},
                "security": [{"tokens": []}, {"api_key": []}],
                "x-amazon-apigateway-integration": {
                    "type": "http", "httpMethod": "GET", "uri": "http://b/pets",
                    "responses": {"default": {"statusCode": "200", "responseParameters": {"method.response.header.A": "'*'"}}},
                    "requestParameters": {"integration.request.querystring.type": "method.request.querystring.type"},
                    "passthroughBehavior": "when_no_match",
                },
            }},
            "/pets/{petId}": {"x-amazon-apigateway-any-method": {
                "consumes": ["application/json"],
                "parameters": [{"name": "petId", "in": "path", "required": true, "type": "string"},
                               {"in": "body", "name": "Pets", "required": true, "schema": {"$ref": "#/definitions/Pets"}}],
                "responses": {},
                "security": [{"sigv4": []}],
            }},
            "/tools": {},
        },
        "securityDefinitions": {
            "tokens": {"type": "apiKey", "name": "Auth", "in": "header", "x-amazon-apigateway-authtype": "custom",
                "x-amazon-apigateway-authorizer": {"authorizerUri": "arn:u", "authorizerResultTtlInSeconds": 300, "type": "token"}},
            "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
            "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4"},
        },
        "definitions": {"Pets": {"type": "array", "items": {"$ref": "#/definitions/Pet"}}, "Pet": {"type": "object", "description": "One."}},
    });
    // As text, because the order of the keys is AWS's too.
    assert_eq!(format!("{found:#}"), format!("{expected:#}"));
}

#[test]
fn openapi_3_has_aws_shape() {
    let found: Value = serde_json::from_str(&export(&pets(), &options(ExportDialect::OpenApi3, ""))).expect("JSON");
    let expected = json!({
        "openapi": "3.0.1",
        "info": {"title": "PetStore", "description": "Pets.", "version": "2016-09-12T17:50:37Z"},
        "servers": [{"url": "https://abc123.execute-api.eu-west-1.amazonaws.com/{basePath}", "variables": {"basePath": {"default": "beta"}}}],
        "paths": {
            "/pets": {"get": {
                "parameters": [{"name": "type", "in": "query", "schema": {"type": "string"}}, {"name": "X", "in": "header", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "200 response", "headers": {"A": {"schema": {"type": "string"}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pets"}}}}},
                "security": [{"tokens": []}, {"api_key": []}],
            }},
            "/pets/{petId}": {"x-amazon-apigateway-any-method": {
                "parameters": [{"name": "petId", "in": "path", "required": true, "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pets"}}}, "required": true},
                "responses": {},
                "security": [{"sigv4": []}],
            }},
            "/tools": {},
        },
        "components": {
            "schemas": {"Pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}, "Pet": {"type": "object", "description": "One."}},
            "securitySchemes": {"tokens": {"type": "apiKey", "name": "Auth", "in": "header"}, "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "sigv4": {"type": "apiKey", "name": "Authorization", "in": "header"}},
        },
    });
    assert_eq!(format!("{found:#}"), format!("{expected:#}"));
    let empty = ApiRows::default();
    let text = export(&empty, &options(ExportDialect::OpenApi3, ""));
    assert!(text.ends_with("\"paths\": {},\n  \"components\": {}\n}"), "{text}");
}

#[test]
fn everything_is_only_in_apigateway() {
    let rows = import(WHOLE);
    let whole: Value =
        serde_json::from_str(&export(&rows, &options(ExportDialect::Swagger2, "apigateway"))).expect("JSON");
    let extensions: Vec<&str> =
        whole.as_object().expect("a map").keys().map(String::as_str).filter(|key| key.starts_with("x-")).collect();
    assert_eq!(
        extensions.iter().map(|key| key.trim_start_matches("x-amazon-apigateway-")).collect::<Vec<_>>(),
        [
            "endpoint-configuration",
            "api-key-source",
            "request-validators",
            "gateway-responses",
            "policy",
            "binary-media-types",
            "minimum-compression-size",
            "security-policy",
            "endpoint-access-mode",
            "documentation",
        ]
    );
    assert_eq!(whole["x-amazon-apigateway-policy"], json!({"Version": "2012-10-17"}));
    assert_eq!(whole["tags"], json!([{"name": "team", "x-amazon-apigateway-tag-value": "pets"}]));
    assert_eq!(whole["paths"]["/pets/{id}/toys"]["post"]["x-amazon-apigateway-request-validator"], "body");
    // A verb has no other name for ANY; nothing else is AWS's in a plain document.
    let plain = export(&rows, &options(ExportDialect::OpenApi3, "")).replace("x-amazon-apigateway-any-method", "");
    assert!(!plain.contains("x-amazon"), "{plain}");
    assert_eq!(Extensions::parse("everything"), None);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -~é😀]{0,12}",
        Just("true".to_owned()),
        Just("1.0".to_owned()),
        Just("a: b\n - c".to_owned())
    ]
}

fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    entries.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}

fn template() -> impl Strategy<Value = Value> {
    option::of(text()).prop_map(|text| text.map_or(Value::Null, |text| json!({"application/json": text})))
}

fn integration_response(status: &'static str, pattern: Option<&'static str>) -> impl Strategy<Value = (String, Value)> {
    (template(), any::<bool>(), any::<bool>()).prop_map(move |(templates, mapped, handled)| {
        let row = object([
            ("statusCode", status.into()),
            ("selectionPattern", pattern.into()),
            ("responseParameters", if mapped { json!({"method.response.header.X": "'y'"}) } else { Value::Null }),
            ("responseTemplates", templates),
            ("contentHandling", if handled { "CONVERT_TO_BINARY".into() } else { Value::Null }),
        ]);
        (status.to_owned(), Value::from(row))
    })
}

fn integration() -> BoxedStrategy<Value> {
    let kinds = sample::select(vec!["MOCK", "HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY"]);
    let rest =
        (sample::select(vec!["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]), 50u32..=29_000, any::<[bool; 7]>());
    let responses =
        (option::of(integration_response("200", None)), option::of(integration_response("404", Some("4\\d\\d: x"))));
    (kinds, rest, template(), responses)
        .prop_map(|(kind, (passthrough, timeout, on), templates, responses)| {
            let (http, proxy) = (kind.starts_with("HTTP"), kind.ends_with("_PROXY"));
            let some = |on: bool, value: Value| if on { value } else { Value::Null };
            let responses: Map<String, Value> = [responses.0, responses.1].into_iter().flatten().collect();
            let link = on[0] && kind != "MOCK";
            Value::from(object([
                ("type", kind.into()),
                ("httpMethod", some(kind != "MOCK", "POST".into())),
                (
                    "uri",
                    match kind {
                        "MOCK" => Value::Null,
                        _ if http => "http://b.example/x".into(),
                        _ => "arn:aws:apigateway:r:lambda:path/f/invocations".into(),
                    },
                ),
                ("connectionType", if link { "VPC_LINK".into() } else { some(http, "INTERNET".into()) }),
                ("connectionId", some(link, "link".into())),
                ("credentials", some(on[1], "arn:aws:iam::1:role/r".into())),
                ("requestParameters", some(on[2], json!({"integration.request.header.X": "'x'"}))),
                ("requestTemplates", templates),
                ("passthroughBehavior", passthrough.into()),
                ("contentHandling", some(on[3], "CONVERT_TO_TEXT".into())),
                ("timeoutInMillis", if on[4] { 29_000 } else { timeout }.into()),
                ("cacheNamespace", some(on[5], "ns".into())),
                ("cacheKeyParameters", if on[5] { json!(["method.request.path.id"]) } else { json!([]) }),
                ("integrationResponses", some(!responses.is_empty(), responses.into())),
                ("tlsConfig", some(on[6] && http, json!({"insecureSkipVerification": on[0]}))),
                ("responseTransferMode", some(on[6] && proxy, "STREAM".into())),
            ]))
        })
        .boxed()
}

fn method(verb: &'static str, path: &'static str) -> BoxedStrategy<Map<String, Value>> {
    let authorizations = vec![
        ("NONE", None, false),
        ("AWS_IAM", None, false),
        ("CUSTOM", Some("tokens"), false),
        ("CUSTOM", Some("requests"), false),
        ("COGNITO_USER_POOLS", Some("pool"), true),
    ];
    (sample::select(authorizations), option::of(text()), any::<[bool; 8]>(), option::of(integration()))
        .prop_map(move |((kind, authorizer, scoped), name, on, integration)| {
            let some = |on: bool, value: Value| if on { value } else { Value::Null };
            let mut parameters = Map::new();
            if path.contains("{id}") {
                parameters.insert("method.request.path.id".to_owned(), true.into());
            }
            if on[0] {
                parameters.insert("method.request.querystring.q".to_owned(), on[1].into());
                parameters.insert("method.request.header.X-H".to_owned(), on[2].into());
            }
            // What an integration response maps has to be declared.
            let response = |status: &str, model: bool| {
                Value::from(object([
                    ("statusCode", status.into()),
                    ("responseParameters", json!({"method.response.header.X": false})),
                    ("responseModels", some(model, json!({"application/json": "List"}))),
                ]))
            };
            object([
                ("httpMethod", verb.into()),
                ("authorizationType", kind.into()),
                ("authorizerId", authorizer.into()),
                ("authorizationScopes", some(scoped && on[3], json!(["b/write", "a/read"]))),
                ("apiKeyRequired", on[4].into()),
                ("requestValidatorId", some(on[5], "all".into())),
                ("operationName", name.into()),
                ("requestParameters", some(!parameters.is_empty(), parameters.into())),
                ("requestModels", some(on[6], json!({"application/json": "Item"}))),
                ("methodResponses", json!({"404": response("404", on[7]), "200": response("200", on[3])})),
                ("methodIntegration", integration.unwrap_or_default()),
            ])
        })
        .boxed()
}

fn resource(path: &'static str) -> BoxedStrategy<ResourceRow> {
    let verbs = ["GET", "ANY", "POST"].map(|verb| option::of(method(verb, path)));
    verbs
        .prop_map(move |methods| ResourceRow {
            id: String::new(),
            path: path.to_owned(),
            methods: methods.into_iter().flatten().collect(),
        })
        .boxed()
}

fn api() -> impl Strategy<Value = Map<String, Value>> {
    (text(), option::of(text()), any::<[bool; 7]>()).prop_map(|(name, description, on)| {
        let some = |on: bool, value: Value| if on { value } else { Value::Null };
        let endpoint = if on[0] {
            json!({"types": ["PRIVATE"], "ipAddressType": "dualstack", "vpcEndpointIds": ["vpce-1"]})
        } else {
            json!({"types": ["REGIONAL"], "ipAddressType": "dualstack"})
        };
        object([
            ("name", format!("n{name}").into()),
            ("description", description.into()),
            ("binaryMediaTypes", some(on[1], json!(["image/png", "*/*"]))),
            ("minimumCompressionSize", some(on[2], 0.into())),
            ("apiKeySource", some(on[3], "AUTHORIZER".into())),
            ("endpointConfiguration", some(on[4], endpoint)),
            ("policy", some(on[5], "{\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\"}]}".into())),
            ("tags", some(on[6], json!({"team": name}))),
            ("disableExecuteApiEndpoint", some(on[0], true.into())),
        ])
    })
}

fn apis() -> impl Strategy<Value = ApiRows> {
    // In byte order, with every parent.
    let resources = ["/", "/a", "/a/{id}", "/a/{id}/b.c", "/d-e", "/{proxy+}"].map(resource);
    let schemas = collection::vec(text(), 1..4);
    (api(), resources, schemas, any::<bool>(), text()).prop_map(|(api, resources, words, more, prose)| {
        let item = json!({"type": "object", "properties": {"next": {"$ref": "https://apigateway.amazonaws.com/restapis/{restapi_id}/models/List"}}, "enum": words, "default": 1.5});
        let list = json!({"description": prose, "type": "array", "items": {"$ref": "https://apigateway.amazonaws.com/restapis/{restapi_id}/models/Item"}});
        let mut rows = json!({
            "api": api, "resources": resources,
            "models": [{"name": "Item", "schema": item.to_string(), "contentType": "application/json"},
                       {"name": "List", "description": prose, "schema": list.to_string(), "contentType": "application/json"}],
            "requestValidators": [{"id": "all", "name": "all", "validateRequestBody": true, "validateRequestParameters": more}],
            "authorizers": [
                {"id": "tokens", "name": "tokens", "type": "TOKEN", "authType": "custom", "authorizerUri": "arn:u", "identitySource": "method.request.header.T", "identityValidationExpression": prose, "authorizerResultTtlInSeconds": 0},
                {"id": "requests", "name": "requests", "type": "REQUEST", "authType": "custom", "authorizerUri": "arn:u", "identitySource": if more { "method.request.querystring.q" } else { "context.stage, method.request.header.T" }},
                {"id": "pool", "name": "pool", "type": "COGNITO_USER_POOLS", "authType": "cognito_user_pools", "providerARNs": ["arn:p", "arn:q"], "identitySource": "method.request.header.T"}],
        });
        if more {
            rows["gatewayResponses"] = json!([{"responseType": "DEFAULT_5XX", "responseParameters": {}, "responseTemplates": {"text/plain": prose}, "defaultResponse": false}]);
            rows["documentationParts"] = json!([{"location": {"type": "API"}, "properties": json!({"description": prose}).to_string()}, {"location": {"type": "MODEL", "name": "Item"}, "properties": "plain"}]);
        }
        serde_json::from_value(rows).expect("rows")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_api_comes_back(rows in apis()) {
        check_comes_back(&rows);
    }
}
