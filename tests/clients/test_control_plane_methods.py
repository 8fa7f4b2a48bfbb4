"""Methods and method responses."""
import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, constraint, invalid, missing, patch, unserializable

METHOD = {"restApiId": "<api>", "resourceId": "<pet>", "httpMethod": "GET"}
RESPONSE = {**METHOD, "statusCode": "200"}
NO_RESOURCE = missing("Invalid Resource identifier specified")
NO_METHOD = missing("Invalid Method identifier specified")
NO_RESPONSE = missing("Invalid Response status code specified")
ONLY_REPLACE = bad("Invalid patch operation specified. Must be one of: [replace]")
AUTHORIZER = bad("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
FUNCTION = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"


def expression(name):
    return bad(f"Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: {name}]")


@pytest.fixture
def pet(aws, known):
    pets = aws.create_resource(restApiId=known["api"], parentId=known["root"], pathPart="pets")["id"]
    known["pet"] = aws.create_resource(restApiId=known["api"], parentId=pets, pathPart="{petId}")["id"]
    made = aws.create_authorizer(restApiId=known["api"], name="a", type="TOKEN", authorizerUri=FUNCTION, identitySource="method.request.header.A")
    known["authorizer"] = made["id"]
    made = aws.create_authorizer(restApiId=known["api"], name="c", type="COGNITO_USER_POOLS", identitySource="method.request.header.A",
                                 providerARNs=["arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_a"])
    known["cognito"] = made["id"]
    known["validator"] = aws.create_request_validator(restApiId=known["api"], name="v")["id"]
    return known


def put(expected, verb="GET", **members):
    return "put_method", {**METHOD, "httpMethod": verb, "authorizationType": "NONE", **members}, expected


def update(op, path, value, expected):
    return "update_method", {**METHOD, **patch(op, path, value)}, expected


def update_response(op, path, value, expected):
    return "update_method_response", {**RESPONSE, **patch(op, path, value)}, expected


def test_methods_from_creation_to_deletion(aws, pet):
    full = {"apiKeyRequired": True, "operationName": "list", "requestParameters": {"method.request.querystring.q": True,
            "method.request.header.X": False, "method.request.path.petId": True}, "requestModels": {"application/json": "Empty"},
            "requestValidatorId": "<validator>", "authorizationType": "CUSTOM", "authorizerId": "<authorizer>"}
    rows = [
        put({"httpMethod": "GET", "authorizationType": "NONE", "apiKeyRequired": False, "requestParameters": ABSENT,
             "requestModels": ABSENT, "authorizerId": ABSENT, "operationName": ABSENT, "methodIntegration": ABSENT}),
        put(conflict("Method already exists for this resource")),
        put({**full, "httpMethod": "POST", "methodIntegration": ABSENT}, "POST", **full),
        put({"authorizationScopes": ["a", "b"]}, "PUT", authorizationType="COGNITO_USER_POOLS", authorizerId="<cognito>", authorizationScopes=["a", "b"]),
        put({"requestParameters": lambda found: found == {}, "requestModels": lambda found: found == {}}, "PATCH", requestParameters={}, requestModels={}),
        *[put({"httpMethod": verb}, verb) for verb in ("DELETE", "OPTIONS", "HEAD", "ANY")],
        put({"authorizationType": "AWS_IAM"}, "GET", authorizationType="AWS_IAM", resourceId="<root>"),
        ("get_method", {**METHOD, "httpMethod": "POST"}, full),
        ("put_integration", {**METHOD, "type": "MOCK"}, {}),
        ("put_method_response", RESPONSE, {"statusCode": "200", "responseModels": ABSENT, "responseParameters": ABSENT}),
        ("put_integration_response", RESPONSE, {"statusCode": "200"}),
        ("get_method", METHOD, {"methodResponses": {"200": {"statusCode": "200"}},
                                "methodIntegration": {"type": "MOCK", "integrationResponses": {"200": {"statusCode": "200"}}}}),
    ]
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "ANY"):
        one = {**METHOD, "httpMethod": verb}
        rows += [("delete_method", one, {}), ("get_method", one, NO_METHOD), ("delete_method", one, NO_METHOD)]
    check(aws, pet, rows)


def test_methods_that_cannot_be(aws, pet):
    unique = "Parameter names must be unique across querystring, header and path"
    check(aws, pet, [
        put(bad("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"), "FETCH"),
        put(bad("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY"), "get"),
        put(NO_RESOURCE, resourceId="abcdef"),
        put(NO_RESOURCE, resourceId="abcdef", httpMethod="FETCH"),
        put(bad(), authorizationType="PASSWORD"),
        ("put_method", METHOD, Refused("ValidationException", ANY)),
        put(AUTHORIZER, authorizationType="CUSTOM"),
        put(AUTHORIZER, authorizationType="CUSTOM", authorizerId="abcdef"),
        put(AUTHORIZER, authorizationType="COGNITO_USER_POOLS"),
        put(AUTHORIZER, authorizationType="COGNITO_USER_POOLS", authorizerId="<authorizer>"),
        put(bad("Invalid Request Validator identifier specified"), requestValidatorId="abcdef"),
        put(bad("Invalid model identifier specified: Nobody"), requestModels={"application/json": "Nobody"}),
        put(bad(unique), requestParameters={"method.request.querystring.a": True, "method.request.header.a": True}),
        put(bad(unique), requestParameters={"method.request.path.petId": True, "method.request.header.petId": True}),
        *[put(expression(name), requestParameters={name: True}) for name in ("wrong", "method.request.cookie.a", "integration.request.header.a", "method.request.header.")],
        put(unserializable(), requestParameters={"method.request.header.a": "true"}),
        put(unserializable("class java.lang.Boolean can not be converted to an String"), operationName=True),
        put({}),
        ("get_method", {**METHOD, "httpMethod": "POST"}, NO_METHOD),
        ("update_method", {**METHOD, "httpMethod": "POST", **patch("replace", "/apiKeyRequired", "true")}, NO_METHOD),
        ("put_method_response", {**RESPONSE, "httpMethod": "POST"}, NO_METHOD),
        ("put_integration", {**METHOD, "httpMethod": "POST", "type": "MOCK"}, NO_METHOD),
        ("put_integration_response", {**RESPONSE, "httpMethod": "POST"}, NO_METHOD),
        ("get_integration_response", {**RESPONSE, "httpMethod": "POST"}, NO_METHOD),
        ("test_invoke_method", {**METHOD, "httpMethod": "POST"}, NO_METHOD),
    ])


def test_methods_are_patched(aws, pet):
    operations, violated = bad_ops("Method")
    check(aws, pet, [
        put({}),
        update("replace", "/apiKeyRequired", "True", {"apiKeyRequired": True}),
        update("replace", "/apiKeyRequired", "1", {"apiKeyRequired": False}),
        update("replace", "/operationName", "list", {"operationName": "list"}),
        update("replace", "/requestValidatorId", "<validator>", {"requestValidatorId": pet["validator"]}),
        update("replace", "/requestValidatorId", "abcdef", bad("Invalid Request Validator identifier specified")),
        update("replace", "/requestValidatorId", "", {"requestValidatorId": ABSENT}),
        # Recorded: an authorizer of a method that asks for none is ignored in silence.
        update("replace", "/authorizerId", "<authorizer>", {"authorizerId": ABSENT}),
        update("replace", "/authorizationType", "CUSTOM", AUTHORIZER),
        update("replace", "/authorizationType", "COGNITO_USER_POOLS", AUTHORIZER),
        ("update_method", {**METHOD, "patchOperations": [
            {"op": "replace", "path": "/authorizationType", "value": "CUSTOM"},
            {"op": "replace", "path": "/authorizerId", "value": "<authorizer>"}]},
         {"authorizationType": "CUSTOM", "authorizerId": pet["authorizer"]}),
        update("replace", "/authorizerId", "abcdef", AUTHORIZER),
        ("update_method", {**METHOD, "patchOperations": [
            {"op": "replace", "path": "/authorizerId", "value": "<cognito>"},
            {"op": "replace", "path": "/authorizationType", "value": "COGNITO_USER_POOLS"}]}, {"authorizerId": pet["cognito"]}),
        update("add", "/authorizationScopes", "b", {"authorizationScopes": ["b"]}),
        update("add", "/authorizationScopes", "a", {"authorizationScopes": ["b", "a"]}),
        update("remove", "/authorizationScopes", "b", {"authorizationScopes": ["a"]}),
        update("replace", "/authorizationScopes", "b", bad()),
        update("replace", "/authorizationType", "NONE", {"authorizationType": "NONE", "authorizerId": ABSENT}),
        update("replace", "/authorizationType", "PASSWORD", bad()),
        update("add", "/requestParameters/method.request.header.x", "true", {"requestParameters": {"method.request.header.x": True}}),
        update("replace", "/requestParameters/method.request.header.x", "false", {"requestParameters": {"method.request.header.x": False}}),
        update("add", "/requestParameters/method.request.querystring.x", "true",
               bad("Parameter names must be unique across querystring, header and path")),
        update("add", "/requestParameters/wrong", "true", expression("wrong")),
        update("remove", "/requestParameters/method.request.header.x", None, {"requestParameters": ABSENT}),
        update("remove", "/requestParameters/method.request.header.x", None, missing("Invalid parameter name specified")),
        update("add", "/requestParameters", "true", bad("Invalid patch path /requestParameters")),
        update("add", "/requestModels/application~1json", "Empty", {"requestModels": {"application/json": "Empty"}}),
        update("replace", "/requestModels/application~1json", "Error", {"requestModels": {"application/json": "Error"}}),
        update("replace", "/requestModels/application~1json", "Nobody", bad("Invalid model identifier specified: Nobody")),
        update("add", "/requestModels/application/json", "Empty", bad("Invalid patch path /requestModels/application/json")),
        update("remove", "/requestModels/application~1json", None, {"requestModels": ABSENT}),
        update("remove", "/requestModels/application~1json", None, missing("Content-Type specified was not found")),
        update("replace", "/httpMethod", "POST", bad("Invalid patch path /httpMethod")),
        update("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        update("replace", None, "x", bad("Invalid patch path null")),
        *[update(op, path, "x", ONLY_REPLACE) for op in ("add", "remove", "copy", "move", "test")
          for path in ("/authorizationType", "/authorizerId", "/apiKeyRequired", "/operationName", "/requestValidatorId")],
        ("update_method", {**METHOD, **operations}, violated),
    ])


def test_method_responses(aws, pet):
    pattern = r"Member must satisfy regular expression pattern: [1-5]\d\d"
    wrong_status = constraint("600", "statusCode", pattern)
    operations, violated = bad_ops("MethodResponse")
    header = "/responseParameters/method.response.header.X"
    check(aws, pet, [
        put({}),
        ("get_method_response", RESPONSE, NO_RESPONSE),
        ("delete_method_response", RESPONSE, NO_RESPONSE),
        ("update_method_response", {**RESPONSE, **patch("add", "/responseModels/application~1json", "Empty")}, NO_RESPONSE),
        ("put_method_response", {**RESPONSE, "responseModels": {}, "responseParameters": {}},
         {"statusCode": "200", "responseModels": lambda found: found == {}, "responseParameters": lambda found: found == {}}),
        ("put_method_response", RESPONSE, conflict("Response already exists for this resource")),
        ("put_method_response", {**RESPONSE, "statusCode": "404", "responseModels": {"application/json": "Error"},
                                 "responseParameters": {"method.response.header.X": True}},
         {"responseModels": {"application/json": "Error"}, "responseParameters": {"method.response.header.X": True}}),
        ("put_method_response", {**RESPONSE, "statusCode": "500", "responseModels": {"application/json": "Nobody"}},
         bad("Invalid model identifier specified: Nobody")),
        ("put_method_response", {**RESPONSE, "statusCode": "500", "responseParameters": {"wrong": True}}, expression("wrong")),
        ("put_method_response", {**RESPONSE, "statusCode": "600"}, invalid(wrong_status)),
        ("get_method_response", {**RESPONSE, "statusCode": "600"}, invalid(wrong_status)),
        ("update_method_response", {**RESPONSE, "statusCode": "600", "patchOperations": [{"op": "wrong", "path": "/x"}]},
         invalid(constraint("wrong", "updateMethodResponseInput.patchOperations.1.member.op",
                            "Member must satisfy enum value set: [add, remove, move, test, replace, copy]"), wrong_status)),
        update_response("add", header, "true", {"responseParameters": {"method.response.header.X": True}}),
        update_response("replace", header, "false", {"responseParameters": {"method.response.header.X": False}}),
        update_response("remove", header, None, {"responseParameters": ABSENT}),
        update_response("remove", header, None, missing("Invalid parameter name specified")),
        update_response("replace", header, "true", missing("Invalid parameter name specified")),
        update_response("add", "/responseParameters/wrong", "true", expression("wrong")),
        update_response("add", "/responseModels/application~1json", "Empty", {"responseModels": {"application/json": "Empty"}}),
        update_response("replace", "/responseModels/application~1json", "Error", {"responseModels": {"application/json": "Error"}}),
        update_response("replace", "/responseModels/application~1json", "Nobody", bad("Invalid model identifier specified: Nobody")),
        update_response("remove", "/responseModels/application~1json", None, {"responseModels": ABSENT}),
        update_response("remove", "/responseModels/application~1json", None, missing("Content-Type specified was not found")),
        update_response("replace", "/responseModels/application~1json", "Empty", missing("Content-Type specified was not found")),
        update_response("replace", "/statusCode", "201", bad("Invalid patch path /statusCode")),
        update_response("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        update_response("replace", None, "x", bad("Invalid patch path null")),
        ("update_method_response", {**RESPONSE, **operations}, violated),
        ("delete_method_response", RESPONSE, {}),
        ("delete_method_response", RESPONSE, NO_RESPONSE),
        ("get_method_response", RESPONSE, NO_RESPONSE),
        ("get_method_response", {**RESPONSE, "statusCode": "404"}, {"statusCode": "404"}),
    ])
