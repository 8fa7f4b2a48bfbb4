"""Authorizers."""
from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, missing, pages, patch
from test_control_plane_methods import FUNCTION

POOL = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_"
NOBODY = missing("Invalid Authorizer identifier specified")
TOKEN = {"type": "TOKEN", "authorizerUri": FUNCTION, "identitySource": "method.request.header.Authorization"}


def create(expected, name="a", keep=None, **members):
    return "create_authorizer", {"restApiId": "<api>", "name": name, **members}, expected, *([{keep: "id"}] if keep else [])


def update(op, path, value, expected, id="<token>"):
    return "update_authorizer", {"restApiId": "<api>", "authorizerId": id, **patch(op, path, value)}, expected


def test_authorizers_from_creation_to_deletion(aws, known):
    request = {"type": "REQUEST", "authorizerUri": FUNCTION, "identitySource": "method.request.header.A, method.request.querystring.b"}
    cognito = {"type": "COGNITO_USER_POOLS", "providerARNs": [POOL + "a", POOL + "b"], "identitySource": "method.request.header.Authorization"}
    members = ("/name", "/type", "/authType", "/authorizerUri", "/authorizerCredentials", "/authorizerResultTtlInSeconds", "/identitySource",
               "/identityValidationExpression")
    operations, violated = bad_ops("Authorizer")
    check(aws, known, [
        create({**TOKEN, "id": lambda id: len(id) == 6, "name": "token", "authType": "custom", "providerARNs": ABSENT}, "token", "token", **TOKEN),
        create({**request, "authType": "custom", "authorizerResultTtlInSeconds": 0, "authorizerCredentials": "arn:aws:iam::000000000000:role/r"},
               "request", "request", **request, authorizerResultTtlInSeconds=0, authorizerCredentials="arn:aws:iam::000000000000:role/r"),
        create({**cognito, "authType": "cognito_user_pools", "authorizerUri": ABSENT}, "cognito", "cognito", **cognito),
        create({"authType": "own", "identityValidationExpression": "^x$"}, "other", "other", **TOKEN, authType="own", identityValidationExpression="^x$"),
        ("get_authorizer", {"restApiId": "<api>", "authorizerId": "<cognito>"}, cognito),
        update("replace", "/name", "renamed", {"name": "renamed"}),
        update("replace", "/authType", "x", {"authType": "x"}),
        update("replace", "/authorizerUri", FUNCTION.replace(":f/", ":g/"), {"authorizerUri": FUNCTION.replace(":f/", ":g/")}),
        update("replace", "/authorizerUri", "nonsense", bad()),
        update("replace", "/authorizerCredentials", "arn:aws:iam::000000000000:role/r", {"authorizerCredentials": "arn:aws:iam::000000000000:role/r"}),
        update("replace", "/authorizerResultTtlInSeconds", "3600", {"authorizerResultTtlInSeconds": 3600}),
        update("replace", "/authorizerResultTtlInSeconds", "3601", bad()),
        update("replace", "/authorizerResultTtlInSeconds", "soon", bad()),
        update("replace", "/identitySource", "method.request.header.X", {"identitySource": "method.request.header.X"}),
        update("replace", "/identityValidationExpression", "a+", {"identityValidationExpression": "a+"}),
        ("update_authorizer", {"restApiId": "<api>", "authorizerId": "<token>", "patchOperations": [
            {"op": "replace", "path": "/type", "value": "REQUEST"}]}, {"type": "REQUEST"}),
        update("replace", "/type", "WRONG", bad()),
        update("add", "/providerARNs", POOL + "c", {"providerARNs": [POOL + "a", POOL + "b", POOL + "c"]}, "<cognito>"),
        update("remove", "/providerARNs", POOL + "a", {"providerARNs": [POOL + "b", POOL + "c"]}, "<cognito>"),
        update("replace", "/providerARNs", POOL + "d", {"providerARNs": lambda found: POOL + "d" in found}, "<cognito>"),
        *[update(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in members],
        update("replace", "/nothing", "x", bad()),
        ("update_authorizer", {"restApiId": "<api>", "authorizerId": "<token>", **operations}, violated),
    ])
    pages(aws, "get_authorizers", {"restApiId": known["api"]}, "id", 4)
    method = {"restApiId": "<api>", "resourceId": "<root>", "httpMethod": "GET"}
    check(aws, known, [
        ("put_method", {**method, "authorizationType": "CUSTOM", "authorizerId": "<other>"}, {}),
        ("delete_authorizer", {"restApiId": "<api>", "authorizerId": "<other>"}, Refused("ConflictException", ANY)),
        ("delete_method", method, {}),
        *[row for name in ("token", "request", "cognito", "other") for row in (
            ("delete_authorizer", {"restApiId": "<api>", "authorizerId": f"<{name}>"}, {}),
            ("delete_authorizer", {"restApiId": "<api>", "authorizerId": f"<{name}>"}, NOBODY),
            ("get_authorizer", {"restApiId": "<api>", "authorizerId": f"<{name}>"}, NOBODY))],
        update("replace", "/name", "x", NOBODY, "abcdef"),
        ("test_invoke_authorizer", {"restApiId": "<api>", "authorizerId": "abcdef"}, NOBODY),
    ])


def test_authorizers_that_cannot_be(aws, known):
    concurrent = conflict("Unable to complete operation due to concurrent modification. Please try again later.")
    violated = Refused("ValidationException", ANY)
    check(aws, known, [
        ("create_authorizer", {"restApiId": "nothere123", "name": "a", **TOKEN}, concurrent),
        ("get_authorizers", {"restApiId": "nothere123"}, missing("Invalid API identifier specified <account>:nothere123")),
        ("create_authorizer", {"restApiId": "<api>", **TOKEN}, violated),
        create(violated),
        create(violated, **{**TOKEN, "type": "PASSWORD"}),
        create(bad(), **{**TOKEN, "authorizerUri": ""}),
        create(bad(), **{**TOKEN, "authorizerUri": "http://127.0.0.1/"}),
        create(bad(), **{**TOKEN, "identitySource": "nonsense"}),
        create(bad(), **TOKEN, authorizerResultTtlInSeconds=3601),
        create(bad(), **TOKEN, authorizerResultTtlInSeconds=-1),
        create(bad(), type="REQUEST", authorizerUri=FUNCTION),
        create(bad(), type="COGNITO_USER_POOLS", identitySource="method.request.header.A"),
        create(bad(), type="COGNITO_USER_POOLS", identitySource="method.request.header.A", providerARNs=["nonsense"]),
        create({}, "twice", **TOKEN),
        create(Refused("BadRequestException", ANY), "twice", **TOKEN),
        *[create({}, f"a{number}", **TOKEN) for number in range(9)],
        create(Refused("LimitExceededException", ANY), "eleventh", **TOKEN),
    ])
