"""Whole APIs as documents: imported, merged, overwritten, exported."""
import json

import pytest
import requests

from cases import ABSENT, ANY, Refused, bad, check, missing

INTEGRATION = {"type": "http_proxy", "httpMethod": "GET", "uri": "http://127.0.0.1:9/"}


def document(paths, **members):
    paths = {path: {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": INTEGRATION}} for path in paths}
    return {"openapi": "3.0.1", "info": {"title": "documents", "version": "1.0"}, "paths": paths, **members}


def swagger(paths, base=None):
    made = document(paths)
    made.pop("openapi")
    return {"swagger": "2.0", **made, **({"basePath": base} if base else {})}


def paths_of(aws, api):
    return [item["path"] for item in aws.get_resources(restApiId=api, limit=500)["items"]]


@pytest.fixture
def imported(aws):
    made = []

    def run(body, **parameters):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = aws.import_rest_api(body=body, parameters=parameters)
        made.append(answer["id"])
        return answer

    yield run
    for api in made:
        aws.delete_rest_api(restApiId=api)


@pytest.mark.parametrize("mode, base, path, expected", [
    ("ignore", "/a/b/c", "/e", ["/", "/e"]),
    (None, "/a/b/c", "/e", ["/", "/e"]),
    ("prepend", "/a/b/c", "/e", ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/e"]),
    ("split", "/a/b/c", "/e", ["/", "/b", "/b/c", "/b/c/e"]),
    ("split", "/base", "/e", ["/", "/e"]),
    ("split", "/base-url/part/", "/test", ["/", "/part", "/part/test"]),
])
def test_base_paths(aws, imported, mode, base, path, expected):
    parameters = {"basepath": mode} if mode else {}
    assert paths_of(aws, imported(swagger([path], base), **parameters)["id"]) == expected
    server = {"url": "https://example.com/{basePath}", "variables": {"basePath": {"default": base}}}
    assert paths_of(aws, imported(document([path], servers=[server]), **parameters)["id"]) == expected
    assert paths_of(aws, imported(document([path], servers=[{"url": "https://example.com" + base}]), **parameters)["id"]) == expected


def test_what_a_document_says_is_there(aws, imported, known):
    made = imported({
        **document([]), "paths": {"/pets/{id}": {
            "parameters": [{"name": "shared", "in": "header", "schema": {"type": "string"}}],
            "get": {
                "operationId": "getPet", "parameters": [{"name": "q", "in": "query", "required": True, "schema": {"type": "string"}}],
                "security": [{"custom": []}, {"key": []}],
                "responses": {"200": {"description": "ok", "headers": {"X": {"schema": {"type": "string"}}},
                                      "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}},
                "x-amazon-apigateway-request-validator": "all",
                "x-amazon-apigateway-integration": {**INTEGRATION, "responses": {"default": {"statusCode": 200}, "4\\d\\d": {"statusCode": "404"}}}},
            "x-amazon-apigateway-any-method": {"responses": {}, "x-amazon-apigateway-integration": INTEGRATION}}},
        "components": {
            "schemas": {"Pet": {"type": "object", "properties": {"other": {"$ref": "#/components/schemas/Other"}}}, "Other": {"type": "string", "description": "o"}},
            "securitySchemes": {
                "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
                "custom": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "custom",
                           "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"}}}},
        "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": True, "validateRequestParameters": True}},
        "x-amazon-apigateway-binary-media-types": ["image/png"], "x-amazon-apigateway-minimum-compression-size": 5,
        "x-amazon-apigateway-api-key-source": "AUTHORIZER",
        "x-amazon-apigateway-gateway-responses": {"UNAUTHORIZED": {"statusCode": 418}},
    }, endpointConfigurationTypes="REGIONAL")
    known["made"] = made["id"]
    assert made["name"] == "documents" and made["version"] == "1.0" and made["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert made["binaryMediaTypes"] == ["image/png"] and made["minimumCompressionSize"] == 5 and made["apiKeySource"] == "AUTHORIZER"
    known["pet"] = next(item["id"] for item in aws.get_resources(restApiId=made["id"])["items"] if item["path"] == "/pets/{id}")
    validators = aws.get_request_validators(restApiId=made["id"])["items"]
    authorizers = aws.get_authorizers(restApiId=made["id"])["items"]
    assert [item["name"] for item in authorizers] == ["custom"] and authorizers[0]["identitySource"] == "method.request.header.Authorization"
    check(aws, known, [
        ("get_method", {"restApiId": "<made>", "resourceId": "<pet>", "httpMethod": "GET"}, {
            "operationName": "getPet", "authorizationType": "CUSTOM", "authorizerId": authorizers[0]["id"], "apiKeyRequired": True,
            "requestValidatorId": validators[0]["id"],
            "requestParameters": {"method.request.querystring.q": True, "method.request.path.id": True, "method.request.header.shared": False},
            "methodResponses": {"200": {"responseModels": {"application/json": "Pet"}, "responseParameters": {"method.response.header.X": False}}},
            "methodIntegration": {"type": "HTTP_PROXY", "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, "connectionType": "INTERNET",
                                  "cacheNamespace": known["pet"], "integrationResponses": {
                                      "200": {"selectionPattern": ABSENT}, "404": {"selectionPattern": "4\\d\\d"}}}}),
        ("get_method", {"restApiId": "<made>", "resourceId": "<pet>", "httpMethod": "ANY"}, {"authorizationType": "NONE"}),
        ("get_models", {"restApiId": "<made>"}, {"items": lambda items: sorted(item["name"] for item in items) == ["Other", "Pet"]}),
        ("get_model", {"restApiId": "<made>", "modelName": "Pet"}, {
            "schema": lambda text: f"https://apigateway.amazonaws.com/restapis/{made['id']}/models/Other" in text}),
        ("get_model", {"restApiId": "<made>", "modelName": "Other"}, {"description": "o", "contentType": "application/json"}),
        ("get_gateway_response", {"restApiId": "<made>", "responseType": "UNAUTHORIZED"}, {"statusCode": "418", "defaultResponse": False}),
    ])


def test_merge_and_overwrite(aws, imported):
    first = imported(document(["/a", "/b"], **{"x-amazon-apigateway-binary-media-types": ["a/b"]}))["id"]
    aws.create_model(restApiId=first, name="Kept", contentType="application/json", schema='{"type":"object"}')
    aws.tag_resource(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{first}", tags={"A": "1"})
    aws.create_deployment(restApiId=first, stageName="prod")
    ids = {item["path"]: item["id"] for item in aws.get_resources(restApiId=first)["items"]}
    second = json.dumps(document(["/b", "/c"], **{"x-amazon-apigateway-binary-media-types": ["c/d"]}, info={"title": "second", "version": "2"}))
    # Merge is what is meant where nothing is said.
    answer = aws.put_rest_api(restApiId=first, body=second)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["name"] == "second" and answer["binaryMediaTypes"] == ["a/b", "c/d"] and answer["tags"] == {"A": "1"}
    assert paths_of(aws, first) == ["/", "/a", "/b", "/c"]
    assert aws.get_model(restApiId=first, modelName="Kept")
    answer = aws.put_rest_api(restApiId=first, mode="overwrite", body=second)
    assert answer["binaryMediaTypes"] == ["c/d"] and answer["tags"] == {"A": "1"}
    assert paths_of(aws, first) == ["/", "/b", "/c"]
    found = {item["path"]: item["id"] for item in aws.get_resources(restApiId=first)["items"]}
    assert found["/"] == ids["/"] and found["/b"] == ids["/b"]
    assert aws.get_models(restApiId=first)["items"] == []
    assert [stage["stageName"] for stage in aws.get_stages(restApiId=first)["item"]] == ["prod"]


def test_documents_that_cannot_be(aws, known):
    no_input = bad("Invalid OpenAPI input.")
    wrong = document(["/x"])
    wrong["paths"]["/x"]["get"]["x-amazon-apigateway-integration"] = {"type": "aws", "httpMethod": "POST", "uri": "nonsense"}
    models = document(["/x"])
    models["paths"]["/x"]["get"]["requestBody"] = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Nobody"}}}}
    warned = document(["/test"])
    warned["paths"]["/test"]["get"]["x-amazon-apigateway-integration"] = {**INTEGRATION, "requestParameters": {"integration.request.header.nothing": True}}
    warning = ("Invalid format for 'requestParameters'. Expected type string for property 'integration.request.header.nothing' of resource "
               "'/test' and method 'GET' but got 'true'")
    documents = [b"nonsense", b"{", b"[]", b"7", b"<xml/>"]
    check(aws, known, [
        *[("import_rest_api", {"body": body}, no_input) for body in documents],
        *[("put_rest_api", {"restApiId": "<api>", "body": body}, no_input) for body in documents],
        ("put_rest_api", {"restApiId": "<api>", "mode": "wrong", "body": b"{}"}, Refused("ValidationException", ANY)),
        ("put_rest_api", {"restApiId": "<api>", "body": json.dumps(wrong)}, bad(
            "Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/x': Invalid ARN specified in the request")),
        ("put_rest_api", {"restApiId": "<api>", "body": json.dumps(models)}, bad()),
        ("put_rest_api", {"restApiId": "<api>", "body": json.dumps(warned)}, {"warnings": lambda found: warning in found}),
        ("put_rest_api", {"restApiId": "<api>", "failOnWarnings": True, "body": json.dumps(warned)}, bad()),
        # Nothing of a refused document is there.
        ("put_rest_api", {"restApiId": "<api>", "mode": "overwrite", "body": json.dumps(document([]))}, {}),
        ("put_rest_api", {"restApiId": "<api>", "failOnWarnings": True, "body": json.dumps(warned)}, bad()),
        ("get_resources", {"restApiId": "<api>"}, {"items": lambda items: [item["path"] for item in items] == ["/"]}),
        ("import_rest_api", {"body": b" " * (6 * 1024 * 1024) + json.dumps(document([])).encode()}, bad()),
        ("import_rest_api", {"body": b""}, Refused("ValidationException", ANY)),
    ])


def test_yaml_and_variables(aws, imported):
    text = b"""
openapi: 3.0.1
info: {title: yaml, version: 1}
paths:
  /p:
    get:
      responses: {200: {description: "${AWS::Region} ${AWS::AccountId}"}}
      x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode": 200}'}}
"""
    made = imported(text)
    assert made["name"] == "yaml" and made["version"] == "1"
    assert paths_of(aws, made["id"]) == ["/", "/p"]


@pytest.fixture
def exported(served, aws, imported):
    api = imported(document(["/a", "/b/{id}"]))["id"]
    aws.create_deployment(restApiId=api, stageName="prod")

    def run(kind, accept="application/json", **parameters):
        answer = requests.get(f"{served.admin_url}/restapis/{api}/stages/prod/exports/{kind}", params=parameters, headers={"Accept": accept}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer

    run.api = api
    return run


def test_exports(aws, exported, known):
    answer = exported("oas30", extensions="apigateway")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="oas30_1.0.json"'
    found = answer.json()
    assert found["openapi"] == "3.0.1" and found["info"] == {"title": "documents", "version": "1.0"}
    assert exported("oas30").json()["servers"] == [{"url": f"https://{exported.api}.execute-api.us-east-1.amazonaws.com/{{basePath}}", "variables": {"basePath": {"default": "prod"}}}]
    assert set(found["paths"]) == {"/a", "/b/{id}"} and isinstance(found["components"], dict)
    operation = found["paths"]["/b/{id}"]["get"]
    assert operation["responses"]["200"] == {"description": "200 response", "content": {}}
    assert operation["parameters"] == [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]
    integration = operation["x-amazon-apigateway-integration"]
    assert integration["type"] == "http_proxy" and integration["passthroughBehavior"] == "when_no_match" and "timeoutInMillis" not in integration
    assert "x-amazon-apigateway-integration" not in exported("oas30").text

    found = exported("swagger", extensions="integrations").json()
    assert list(found)[:6] == ["swagger", "info", "host", "basePath", "schemes", "paths"]
    assert found["swagger"] == "2.0" and found["basePath"] == "/prod" and found["schemes"] == ["https"]
    assert found["host"] == f"{exported.api}.execute-api.us-east-1.amazonaws.com"
    assert exported("oas30", "application/yaml").text.startswith(("openapi:", "---"))
    # The snapshot of the stage, whatever has been written since.
    root = aws.get_resources(restApiId=exported.api)["items"][0]["id"]
    aws.create_resource(restApiId=exported.api, parentId=root, pathPart="later")
    assert "later" not in exported("oas30").text
    known["made"] = exported.api
    check(aws, known, [
        ("get_export", {"restApiId": "<made>", "stageName": "prod", "exportType": "raml"}, bad()),
        ("get_export", {"restApiId": "<made>", "stageName": "nobody", "exportType": "oas30"}, missing("Invalid Stage identifier specified")),
        ("get_export", {"restApiId": "nothere123", "stageName": "prod", "exportType": "oas30"}, missing()),
    ])


@pytest.mark.parametrize("kind", ["oas30", "swagger"])
def test_an_export_is_imported_as_it_was(aws, exported, imported, kind):
    again = imported(exported(kind, extensions="apigateway").content)["id"]

    def all_of(api):
        items = aws.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
        methods = [(item["path"], verb, method) for item in items for verb, method in item.get("resourceMethods", {}).items()]
        for _, _, method in methods:
            method["methodIntegration"].pop("cacheNamespace")
        return methods

    assert all_of(again) == all_of(exported.api)
