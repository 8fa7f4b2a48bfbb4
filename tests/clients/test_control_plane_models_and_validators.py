"""Models and request validators."""
import json

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, missing, pages, patch

SCHEMA = '{ "type":"object",  "properties":{"id":{"type":"integer"}} }'
NO_VALIDATOR = missing("Invalid Request Validator identifier specified")


def create(expected, name="Pet", **members):
    return "create_model", {"restApiId": "<api>", "name": name, "contentType": "application/json", "schema": SCHEMA, **members}, expected


def update(op, path, value, expected, name="Pet"):
    return "update_model", {"restApiId": "<api>", "modelName": name, **patch(op, path, value)}, expected


def update_validator(op, path, value, expected):
    return "update_request_validator", {"restApiId": "<api>", "requestValidatorId": "<validator>", **patch(op, path, value)}, expected


def reference(api, name):
    return json.dumps({"type": "array", "items": {"$ref": f"https://apigateway.amazonaws.com/restapis/{api}/models/{name}"}})


def test_models_from_creation_to_deletion(aws, known):
    one = {"restApiId": "<api>", "modelName": "Pet"}
    nobody = missing("Invalid model name specified: Pet")
    check(aws, known, [
        # Byte for byte as it was written.
        create({"id": lambda id: len(id) == 6, "name": "Pet", "schema": SCHEMA, "contentType": "application/json", "description": "d"}, description="d"),
        create(conflict("Model name already exists for this REST API")),
        create({"name": "Pets", "description": ABSENT}, "Pets", schema=reference(known["api"], "Pet")),
        create({}, "Xml", contentType="application/xml"),
        ("get_model", one, {"schema": SCHEMA, "name": "Pet"}),
        ("get_model", {**one, "modelName": "Pets"}, {"schema": lambda text: "$ref" in text}),
        ("get_model", {**one, "modelName": "Pets", "flatten": True}, {"schema": lambda text: "https://" not in text and '"integer"' in text}),
        ("get_model_template", {**one, "modelName": "Pets"}, {"value": lambda text: "$input" in text}),
        update("replace", "/description", "new", {"description": "new"}),
        update("replace", "/schema", '{"type":"string"}', {"schema": '{"type":"string"}'}),
        update("replace", "/schema", "", bad()),
        update("replace", "/schema", "{", bad()),
        update("replace", "/schema", SCHEMA, {"schema": SCHEMA}),
        *[update(op, path, "x", bad(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"))
          for op in ("add", "remove", "copy", "move", "test") for path in ("/description", "/schema", "/nothing")],
        update("replace", "/name", "x", bad("Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]")),
        update("replace", "/description", "x", missing("Invalid model name specified: Nobody"), "Nobody"),
        ("update_model", {**one, **bad_ops("Model")[0]}, bad_ops("Model")[1]),
    ])
    pages(aws, "get_models", {"restApiId": known["api"]}, "name", 5)
    owner = {"restApiId": "<api>", "resourceId": "<test>", "httpMethod": "ANY", "authorizationType": "NONE"}
    check(aws, known, [
        ("create_resource", {"restApiId": "<api>", "parentId": "<root>", "pathPart": "test"}, {}, {"test": "id"}),
        ("delete_model", one, conflict("Cannot delete model 'Pet', is referenced in model: Pets")),
        ("delete_model", {**one, "modelName": "Pets"}, {}),
        ("put_method", {**owner, "requestModels": {"application/json": "Pet"}}, {}),
        ("delete_model", one, conflict("Cannot delete model 'Pet', is referenced in method request: /test/ANY")),
        ("put_method", {**owner, "resourceId": "<root>", "requestModels": {"application/json": "Xml"}}, {}),
        ("delete_model", {**one, "modelName": "Xml"}, conflict("Cannot delete model 'Xml', is referenced in method request: //ANY")),
        ("delete_method", {name: owner[name] for name in ("restApiId", "resourceId", "httpMethod")}, {}),
        ("delete_model", one, {}),
        ("delete_model", one, nobody),
        ("get_model", one, nobody),
        update("replace", "/description", "x", nobody),
        ("get_model", {"restApiId": "nothere123", "modelName": "Pet"}, nobody),
        ("delete_model", {"restApiId": "nothere123", "modelName": "Pet"}, nobody),
        ("update_model", {"restApiId": "nothere123", "modelName": "Pet", **patch("replace", "/description", "x")}, nobody),
        ("get_model_template", one, nobody),
    ])


def test_models_that_cannot_be(aws, known):
    nothing = bad("Model schema must have at least 1 property or array items defined")

    def wrong_schema(text):
        return create(bad(), schema=text)

    check(aws, known, [
        create(bad("Model name must be non-empty"), ""),
        create(nothing, schema=""),
        create(nothing, schema="", contentType="application/xml"),
        ("create_model", {"restApiId": "<api>", "name": "Pet", "contentType": "application/json"}, nothing),
        ("create_model", {"restApiId": "<api>", "name": "Pet", "contentType": "text/plain"}, nothing),
        *[wrong_schema(text) for text in ("{", "[]", "7", '{"type":"wrong"}', '{"required":"id"}')],
        create(bad(), "not a name!"),
        create(bad(), schema=reference(known["api"], "Nobody")),
        create(bad(), schema=json.dumps({"type": "object", "description": "x" * 400 * 1024})),
        ("get_model", {"restApiId": "<api>", "modelName": "Pet"}, missing("Invalid model name specified: Pet")),
    ])


def test_request_validators(aws, known):
    one = {"restApiId": "<api>", "requestValidatorId": "<validator>"}
    listed = "Must be one of: [/name, /validateRequestParameters, /validateRequestBody]"
    operations, violated = bad_ops("RequestValidator")
    check(aws, known, [
        ("create_request_validator", {"restApiId": "<api>", "name": "v"},
         {"id": lambda id: len(id) == 6, "name": "v", "validateRequestBody": False, "validateRequestParameters": False}, {"validator": "id"}),
        ("create_request_validator", {"restApiId": "<api>", "name": "all", "validateRequestBody": True, "validateRequestParameters": True},
         {"validateRequestBody": True, "validateRequestParameters": True}),
        ("create_request_validator", {"restApiId": "<api>", "name": "third"}, {}),
        ("create_request_validator", {"restApiId": "<api>", "name": ""}, bad("Request Validator name cannot be blank")),
        ("create_request_validator", {"restApiId": "<api>", "name": " "}, bad("Request Validator name cannot be blank")),
        ("create_request_validator", {"restApiId": "nothere123", "name": "v"}, bad("Invalid REST API identifier specified")),
        ("create_request_validator", {"restApiId": "<api>", "name": "v", "validateRequestBody": "true"}, Refused("SerializationException", ANY)),
        ("get_request_validator", one, {"name": "v"}),
        update_validator("replace", "/name", "renamed", {"name": "renamed"}),
        update_validator("replace", "/name", "", bad("Request Validator name cannot be blank")),
        update_validator("replace", "/validateRequestBody", "tRuE", {"validateRequestBody": True}),
        update_validator("replace", "/validateRequestBody", None, {"validateRequestBody": False}),
        update_validator("replace", "/validateRequestParameters", "true", {"validateRequestParameters": True}),
        update_validator("replace", "/validateRequestParameters", "yes", {"validateRequestParameters": False}),
        update_validator("replace", "/nothing", "x", bad(f"Invalid patch path  '/nothing' specified for op 'replace'. {listed}")),
        *[update_validator(op, path, "x", bad(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"))
          for op in ("add", "remove", "copy", "move", "test") for path in ("/name", "/validateRequestBody", "/nothing")],
        ("update_request_validator", {**one, **operations}, violated),
        *[(operation, {"restApiId": api, "requestValidatorId": id, **(patch("replace", "/name", "x") if operation.startswith("update") else {})}, NO_VALIDATOR)
          for operation in ("get_request_validator", "delete_request_validator", "update_request_validator")
          for api, id in (("<api>", "abcdef"), ("nothere123", "<validator>"))],
    ])
    pages(aws, "get_request_validators", {"restApiId": known["api"]}, "id", 3)
    check(aws, known, [
        ("delete_request_validator", one, {}),
        ("delete_request_validator", one, NO_VALIDATOR),
        ("get_request_validator", one, NO_VALIDATOR),
    ])
