"""Gateway responses: always twenty-one, some of them of one's own."""
from cases import ABSENT, bad, bad_ops, check, constraint, invalid, missing, patch

TYPES = ("REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, "
         "INVALID_API_KEY, BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, "
         "WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN")
WRONG = invalid(constraint("WRONG", "responseType", f"Member must satisfy enum value set: [{TYPES}]"))
TEMPLATE = {"application/json": '{"message":$context.error.messageString}'}
UNDEFINED = missing("Gateway response type not defined on api")


def one(kind="UNAUTHORIZED", **members):
    return {"restApiId": "<api>", "responseType": kind, **members}


def update(op, path, value, expected, kind="UNAUTHORIZED"):
    return "update_gateway_response", one(kind, **patch(op, path, value)), expected


def test_gateway_responses(aws, known):
    header, template = "/responseParameters/gatewayresponse.header.X", "/responseTemplates/application~1json"
    operations, violated = bad_ops("GatewayResponse")
    listed = aws.get_gateway_responses(restApiId=known["api"])
    assert sorted(item["responseType"] for item in listed["items"]) == sorted(TYPES.split(", ")) and "position" not in listed
    assert all(item["defaultResponse"] and item["responseTemplates"] == TEMPLATE and item["responseParameters"] == {} for item in listed["items"])
    check(aws, known, [
        ("get_gateway_response", one(), {"statusCode": "401", "defaultResponse": True, "responseTemplates": TEMPLATE}),
        ("get_gateway_response", one("DEFAULT_4XX"), {"statusCode": ABSENT, "defaultResponse": True}),
        ("delete_gateway_response", one(), UNDEFINED),
        ("put_gateway_response", one(statusCode="418", responseParameters={"gatewayresponse.header.X": "'y'"}),
         {"responseType": "UNAUTHORIZED", "statusCode": "418", "responseParameters": {"gatewayresponse.header.X": "'y'"}, "defaultResponse": False}),
        ("get_gateway_response", one(), {"statusCode": "418", "defaultResponse": False}),
        # A full replacement.
        ("put_gateway_response", one(responseTemplates={"text/plain": "no"}), {
            "statusCode": "401", "responseParameters": lambda found: found == {}, "responseTemplates": lambda found: found == {"text/plain": "no"}}),
        ("put_gateway_response", one("DEFAULT_4XX"), {"statusCode": ABSENT, "defaultResponse": False}),
        ("delete_gateway_response", one("DEFAULT_4XX"), {}),
        update("replace", "/statusCode", "402", {"statusCode": "402"}),
        update("add", "/statusCode", "402", bad("Invalid patch path /statusCode")),
        update("remove", "/statusCode", None, bad("Invalid patch path /statusCode")),
        update("add", header, "'z'", {"responseParameters": {"gatewayresponse.header.X": "'z'"}}),
        update("replace", header, "method.request.header.A", {"responseParameters": {"gatewayresponse.header.X": "method.request.header.A"}}),
        update("add", header, None, bad("Invalid null or empty value in responseParameters")),
        update("remove", header, None, {"responseParameters": lambda found: found == {}}),
        update("replace", header, "'z'", missing("Invalid parameter name specified")),
        update("add", template, "{}", {"responseTemplates": {"application/json": "{}"}}),
        update("replace", template, "[]", {"responseTemplates": {"application/json": "[]"}}),
        update("add", template, None, bad("Invalid null or empty value in responseTemplates")),
        update("remove", template, None, {"responseTemplates": lambda found: "application/json" not in found}),
        update("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        update("replace", None, "x", bad("Invalid patch path null")),
        ("update_gateway_response", one(**operations), violated),
        # Works on a type that was never put.
        update("replace", "/statusCode", "429", {"statusCode": "429", "defaultResponse": False}, "THROTTLED"),
        # What is said for all shows through where nothing else was said.
        ("put_gateway_response", one("DEFAULT_5XX", statusCode="599", responseTemplates={"application/json": "{}"}), {"statusCode": "599"}),
        ("get_gateway_response", one("INTEGRATION_FAILURE"), {"statusCode": "599", "defaultResponse": True, "responseTemplates": {"application/json": "{}"}}),
        ("delete_gateway_response", one("DEFAULT_5XX"), {}),
        ("get_gateway_response", one("INTEGRATION_FAILURE"), {"statusCode": "504", "defaultResponse": True, "responseTemplates": TEMPLATE}),
        ("delete_gateway_response", one(), {}),
        ("delete_gateway_response", one(), UNDEFINED),
        ("get_gateway_response", one(), {"statusCode": "401", "defaultResponse": True, "responseTemplates": TEMPLATE}),
        ("get_gateway_response", one("WRONG"), WRONG),
        ("delete_gateway_response", one("WRONG"), WRONG),
        ("put_gateway_response", one("WRONG"), WRONG),
        update("replace", "/statusCode", "402", WRONG, "WRONG"),
    ])
