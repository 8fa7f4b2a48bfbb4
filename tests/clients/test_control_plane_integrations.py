"""Integrations and their responses."""
import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, constraint, invalid, missing, patch
from test_control_plane_methods import FUNCTION, expression

METHOD = {"restApiId": "<api>", "resourceId": "<pet>", "httpMethod": "GET"}
RESPONSE = {**METHOD, "statusCode": "200"}
NO_METHOD = missing("Invalid Method identifier specified")
NO_INTEGRATION = missing("Invalid Integration identifier specified")
NO_RESPONSE = missing("Invalid Response status code specified")
URI = "http://127.0.0.1:9/pets"
QUEUE = "arn:aws:apigateway:us-east-1:sqs:path/000000000000/q"
ROLE = "arn:aws:iam::000000000000:role/r"


def content_type(name):
    return bad(f"Validation Result: warnings : [], errors : [Invalid content type specified: {name}]")


@pytest.fixture
def pet(aws, known):
    pets = aws.create_resource(restApiId=known["api"], parentId=known["root"], pathPart="pets")["id"]
    known["pet"] = aws.create_resource(restApiId=known["api"], parentId=pets, pathPart="{petId}")["id"]
    owner = {"restApiId": known["api"], "resourceId": known["pet"], "httpMethod": "GET"}
    declared = {"method.request.querystring.q": False, "method.request.path.petId": True}
    aws.put_method(**owner, authorizationType="NONE", requestParameters=declared)
    aws.put_method_response(**owner, statusCode="200", responseParameters={"method.response.header.X": False})
    return known


def put(expected, kind="HTTP_PROXY", **members):
    members = {"integrationHttpMethod": "GET", "uri": URI, **members}
    return "put_integration", {**METHOD, "type": kind, **{name: value for name, value in members.items() if value is not None}}, expected


def update(op, path, value, expected):
    return "update_integration", {**METHOD, **patch(op, path, value)}, expected


def update_response(op, path, value, expected):
    return "update_integration_response", {**RESPONSE, **patch(op, path, value)}, expected


def test_integrations_from_creation_to_deletion(aws, pet):
    full = {"requestParameters": {"integration.request.querystring.q": "method.request.querystring.q",
                                  "integration.request.path.petId": "method.request.path.petId",
                                  "integration.request.header.X": "'constant'"},
            "requestTemplates": {"application/json": "{}"}, "passthroughBehavior": "NEVER", "cacheNamespace": "own",
            "cacheKeyParameters": ["method.request.querystring.q"], "contentHandling": "CONVERT_TO_TEXT", "timeoutInMillis": 50,
            "tlsConfig": {"insecureSkipVerification": True}, "credentials": ROLE}
    check(aws, pet, [
        ("get_integration", METHOD, NO_INTEGRATION),
        ("delete_integration", METHOD, NO_INTEGRATION),
        put({"type": "HTTP_PROXY", "httpMethod": "GET", "uri": URI, "connectionType": "INTERNET", "passthroughBehavior": "WHEN_NO_MATCH",
             "timeoutInMillis": 29000, "cacheNamespace": pet["pet"], "cacheKeyParameters": lambda found: found == [],
             "requestTemplates": ABSENT, "requestParameters": ABSENT}),
        # Put again: another takes its place.
        put({"type": "HTTP", **full}, "HTTP", **full),
        ("get_integration", METHOD, {"type": "HTTP", **full}),
        put({"type": "MOCK", "uri": ABSENT, "httpMethod": ABSENT, "connectionType": ABSENT, "timeoutInMillis": 29000}, "MOCK"),
        put({"connectionType": ABSENT, "uri": FUNCTION, "httpMethod": "POST"}, "AWS_PROXY", uri=FUNCTION, integrationHttpMethod="POST"),
        put({"credentials": ROLE, "connectionType": ABSENT}, "AWS", uri=QUEUE, integrationHttpMethod="POST", credentials=ROLE),
        put({"responseTransferMode": "STREAM", "timeoutInMillis": 900000}, responseTransferMode="STREAM", timeoutInMillis=900000),
        put({"requestTemplates": {"application/json": None}}, "MOCK", requestTemplates={"application/json": ""}),
        put({"uri": "https://${stageVariables.host}/x"}, uri="https://${stageVariables.host}/x"),
        ("delete_integration", METHOD, {}),
        ("delete_integration", METHOD, NO_INTEGRATION),
        ("get_integration", METHOD, NO_INTEGRATION),
        ("get_method", METHOD, {"methodIntegration": ABSENT}),
    ])


def test_integrations_that_cannot_be(aws, pet):
    kinds = constraint("wrong", "putIntegrationInput.type", "Member must satisfy enum value set: [HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]")
    no_verb = bad("Enumeration value for HttpMethod must be non-empty")
    uri = bad("Invalid HTTP endpoint specified for URI")
    undeclared = {"integration.request.header.X": "method.request.header.Nobody"}
    check(aws, pet, [
        put(invalid(kinds), "wrong"),
        ("put_integration", METHOD, Refused("ValidationException", ANY)),
        *[put(no_verb, kind, integrationHttpMethod=None) for kind in ("HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY")],
        *[put(uri, uri=wrong) for wrong in (None, "", "nonsense", "ftp://a/", "http://", "http://a b/")],
        put(bad("Invalid ARN specified in the request"), "AWS", uri="arn:aws:sqs:us-east-1:0:q"),
        put(bad("Invalid ARN specified in the request"), "AWS_PROXY", uri=URI),
        put(bad("AWS ARN for integration must contain path or action"), "AWS", uri="arn:aws:apigateway:us-east-1:sqs:nothing/x"),
        put(bad("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations."), "AWS_PROXY", uri=QUEUE),
        put(bad("Role ARN must be specified for AWS integrations"), "AWS", uri=QUEUE),
        put(bad(), passthroughBehavior="SOMETIMES"),
        put(bad(), timeoutInMillis=49),
        put(bad(), timeoutInMillis=29001),
        put(Refused("ValidationException", ANY), contentHandling="CONVERT_TO_GOLD"),
        put(Refused("ValidationException", ANY), connectionType="PIGEON"),
        put(bad(), connectionType="VPC_LINK"),
        put(content_type("123"), requestTemplates={"123": "{}"}),
        put(expression("wrong"), requestParameters={"wrong": "'x'"}),
        put(expression("method.request.header.Nobody"), requestParameters=undeclared),
        put(bad(), requestParameters={"integration.request.header.X": "nonsense"}),
        put(bad(), responseTransferMode="STREAM", type="MOCK"),
        # Nothing of all that was kept.
        ("get_integration", METHOD, NO_INTEGRATION),
        ("get_integration", {**METHOD, "httpMethod": "POST"}, missing()),
        # Recorded: an unknown verb is a missing integration here.
        ("delete_integration", {**METHOD, "httpMethod": "POST"}, NO_INTEGRATION),
    ])


def test_integrations_are_patched(aws, pet):
    operations, violated = bad_ops("Integration")
    only = ("/uri", "/httpMethod", "/credentials", "/connectionType", "/connectionId", "/passthroughBehavior", "/contentHandling",
            "/cacheNamespace", "/timeoutInMillis", "/tlsConfig/insecureSkipVerification", "/responseTransferMode", "/integrationTarget")
    template, key = "/requestTemplates/application~1json", "/cacheKeyParameters/method.request.querystring.q"
    parameter = "/requestParameters/integration.request.header.X"
    check(aws, pet, [
        update("replace", "/uri", URI, NO_INTEGRATION),
        put({}, "HTTP"),
        update("replace", "/uri", "http://127.0.0.1:9/other", {"uri": "http://127.0.0.1:9/other"}),
        update("replace", "/uri", "nonsense", bad("Invalid HTTP endpoint specified for URI")),
        update("replace", "/httpMethod", "POST", {"httpMethod": "POST"}),
        update("replace", "/httpMethod", "", bad("Enumeration value for HttpMethod must be non-empty")),
        update("replace", "/httpMethod", "FETCH", bad()),
        update("replace", "/credentials", ROLE, {"credentials": ROLE}),
        update("replace", "/connectionType", "INTERNET", {"connectionType": "INTERNET"}),
        update("replace", "/connectionType", "PIGEON", bad()),
        update("replace", "/connectionId", "abcdef", {"connectionId": "abcdef"}),
        update("replace", "/passthroughBehavior", "NEVER", {"passthroughBehavior": "NEVER"}),
        update("replace", "/passthroughBehavior", "SOMETIMES", bad()),
        update("replace", "/contentHandling", "CONVERT_TO_BINARY", {"contentHandling": "CONVERT_TO_BINARY"}),
        update("replace", "/contentHandling", "", {"contentHandling": ABSENT}),
        update("replace", "/cacheNamespace", "ns", {"cacheNamespace": "ns"}),
        update("replace", "/timeoutInMillis", "50", {"timeoutInMillis": 50}),
        update("replace", "/timeoutInMillis", "49", bad()),
        update("replace", "/timeoutInMillis", "soon", bad()),
        update("replace", "/tlsConfig/insecureSkipVerification", "true", {"tlsConfig": {"insecureSkipVerification": True}}),
        update("replace", "/integrationTarget", "x", {"integrationTarget": "x"}),
        update("replace", "/responseTransferMode", "BUFFERED", {"responseTransferMode": "BUFFERED"}),
        update("add", parameter, "method.request.path.petId", {"requestParameters": {"integration.request.header.X": "method.request.path.petId"}}),
        update("replace", parameter, "'y'", {"requestParameters": {"integration.request.header.X": "'y'"}}),
        update("replace", parameter, "method.request.header.Nobody", expression("method.request.header.Nobody")),
        update("add", "/requestParameters/wrong", "'y'", expression("wrong")),
        update("remove", parameter, None, {"requestParameters": ABSENT}),
        update("add", template, "{}", {"requestTemplates": {"application/json": "{}"}}),
        update("replace", template, "", {"requestTemplates": {"application/json": None}}),
        update("add", "/requestTemplates/123", "{}", content_type("123")),
        update("remove", template, None, {"requestTemplates": ABSENT}),
        update("add", key, "", {"cacheKeyParameters": ["method.request.querystring.q"]}),
        update("remove", key, "", {"cacheKeyParameters": lambda found: found == []}),
        update("replace", key, "", bad()),
        update("replace", "/type", "MOCK", bad("Invalid patch path /type")),
        update("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        *[update(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in only],
        ("update_integration", {**METHOD, **operations}, violated),
    ])


def test_integration_responses(aws, pet):
    operations, violated = bad_ops("IntegrationResponse")
    header, template = "/responseParameters/method.response.header.X", "/responseTemplates/application~1json"
    full = {"selectionPattern": "4\\d\\d", "responseParameters": {"method.response.header.X": "integration.response.header.Y"},
            "responseTemplates": {"application/json": "{}"}, "contentHandling": "CONVERT_TO_TEXT"}
    check(aws, pet, [
        ("put_integration_response", RESPONSE, NO_INTEGRATION),
        ("get_integration_response", RESPONSE, NO_INTEGRATION),
        ("delete_integration_response", RESPONSE, NO_INTEGRATION),
        put({}, "MOCK"),
        ("get_integration_response", RESPONSE, NO_RESPONSE),
        ("delete_integration_response", RESPONSE, NO_RESPONSE),
        ("put_integration_response", RESPONSE, {"statusCode": "200", "selectionPattern": ABSENT, "responseTemplates": ABSENT}),
        ("put_integration_response", {**RESPONSE, **full}, full),
        ("get_integration_response", RESPONSE, full),
        ("put_integration_response", {**RESPONSE, "responseTemplates": {"application/json": ""}},
         {"responseTemplates": {"application/json": None}, "selectionPattern": ABSENT, "responseParameters": ABSENT}),
        ("put_integration_response", {**RESPONSE, "statusCode": "600"},
         invalid(constraint("600", "statusCode", r"Member must satisfy regular expression pattern: [1-5]\d\d"))),
        ("put_integration_response", {**RESPONSE, "responseTemplates": {"123": "x"}}, content_type("123")),
        ("put_integration_response", {**RESPONSE, "responseParameters": {"wrong": "'x'"}}, expression("wrong")),
        ("put_integration_response", {**RESPONSE, "responseParameters": {"method.response.header.Nobody": "'x'"}}, bad()),
        ("put_integration_response", {**RESPONSE, "contentHandling": "wrong"}, Refused("ValidationException", ANY)),
        update_response("replace", "/selectionPattern", "5..", {"selectionPattern": "5.."}),
        update_response("replace", "/contentHandling", "CONVERT_TO_BINARY", {"contentHandling": "CONVERT_TO_BINARY"}),
        update_response("replace", "/contentHandling", "", {"contentHandling": ABSENT}),
        update_response("add", header, "'a'", {"responseParameters": {"method.response.header.X": "'a'"}}),
        update_response("replace", header, "integration.response.body.a", {"responseParameters": {"method.response.header.X": "integration.response.body.a"}}),
        update_response("remove", header, None, {"responseParameters": ABSENT}),
        update_response("add", template, "{}", {"responseTemplates": {"application/json": "{}"}}),
        update_response("replace", template, "[]", {"responseTemplates": {"application/json": "[]"}}),
        update_response("remove", template, None, {"responseTemplates": ABSENT}),
        update_response("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        update_response("replace", None, "x", bad("Invalid patch path null")),
        *[update_response(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in ("/selectionPattern", "/contentHandling")],
        ("update_integration_response", {**RESPONSE, **operations}, violated),
        ("update_integration_response", {**RESPONSE, "statusCode": "404", **patch("replace", "/selectionPattern", "x")}, NO_RESPONSE),
        ("delete_integration_response", RESPONSE, {}),
        ("delete_integration_response", RESPONSE, NO_RESPONSE),
        ("delete_integration_response", {**RESPONSE, "httpMethod": "POST"}, NO_INTEGRATION),
        ("get_integration_response", {**RESPONSE, "httpMethod": "POST"}, NO_METHOD),
        ("put_integration_response", {**RESPONSE, "httpMethod": "POST"}, NO_METHOD),
    ])
