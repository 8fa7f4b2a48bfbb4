"""REST APIs: create, read, list, change, delete; and what AWS says of each thing that cannot be."""
import json

from cases import ABSENT, ANY, OPS, Refused, bad, bad_ops, check, constraint, invalid, missing, pages, patch

NOBODY = missing("Invalid API identifier specified <account>:nothere123")
TYPES = "Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}]})


def test_rest_apis_from_creation_to_deletion(aws, known):
    check(aws, known, [
        ("create_rest_api", {"name": "plain"}, {
            "id": lambda id: len(id) == 10 and id.isalnum() and id == id.lower(), "name": "plain", "description": ABSENT,
            "version": ABSENT, "apiKeySource": "HEADER", "disableExecuteApiEndpoint": False, "tags": ABSENT,
            "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"}, "minimumCompressionSize": ABSENT,
            "binaryMediaTypes": ABSENT, "policy": ABSENT, "rootResourceId": lambda id: len(id) == 10}, {"plain": "id"}),
        ("get_rest_api", {"restApiId": "<plain>"}, {"tags": {}, "name": "plain"}),
        # Two of one name are two APIs.
        ("create_rest_api", {"name": "plain"}, {"id": lambda id: id != known["plain"]}, {"twin": "id"}),
        ("delete_rest_api", {"restApiId": "<twin>"}, {}),
        ("create_rest_api", {
            "name": "full", "description": "d", "version": "v1", "binaryMediaTypes": ["image/png", "*/*"],
            "minimumCompressionSize": 10, "apiKeySource": "AUTHORIZER", "tags": {"A": "1"}, "disableExecuteApiEndpoint": True,
            "endpointConfiguration": {"types": ["REGIONAL"]}, "policy": POLICY}, {
            "name": "full", "description": "d", "version": "v1", "binaryMediaTypes": ["image/png", "*/*"],
            "minimumCompressionSize": 10, "apiKeySource": "AUTHORIZER", "tags": {"A": "1"}, "disableExecuteApiEndpoint": True,
            "endpointConfiguration": {"types": ["REGIONAL"], "ipAddressType": "ipv4"},
            "policy": lambda text: json.loads(json.loads(f'"{text}"'))["Statement"]}, {"full": "id"}),
        ("get_rest_api", {"restApiId": "<full>"}, {"tags": {"A": "1"}, "version": "v1"}),
        ("create_rest_api", {"name": "private", "endpointConfiguration": {"types": ["PRIVATE"]}},
         {"endpointConfiguration": {"types": ["PRIVATE"], "ipAddressType": "dualstack"}}, {"private": "id"}),
        ("create_rest_api", {"name": "dual", "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "dualstack"}},
         {"endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "dualstack"}}, {"dual": "id"}),
        # A clone has what its origin has.
        ("create_model", {"restApiId": "<full>", "name": "Own", "contentType": "application/json", "schema": '{"type":"object"}'}, {}),
        ("create_rest_api", {"name": "clone", "cloneFrom": "<full>"}, {"name": "clone"}, {"clone": "id"}),
        ("get_model", {"restApiId": "<clone>", "modelName": "Own"}, {"schema": '{"type":"object"}'}),
        # Ids are told apart by their case.
        ("get_rest_api", {"restApiId": known["api"].upper()}, missing(f"Invalid API identifier specified <account>:{known['api'].upper()}")),
        ("get_models", {"restApiId": "<plain>"}, {"items": lambda items: sorted(item["name"] for item in items) == ["Empty", "Error"]}),
        ("get_model", {"restApiId": "<plain>", "modelName": "Empty"}, {
            "description": "This is a default empty schema model", "contentType": "application/json",
            "schema": lambda text: json.loads(text) == {
                "$schema": "http://json-schema.org/draft-04/schema#", "title": "Empty Schema", "type": "object"}}),
        ("get_model", {"restApiId": "<plain>", "modelName": "Error"}, {
            "description": "This is a default error schema model",
            "schema": lambda text: json.loads(text)["title"] == "Error Schema"
            and json.loads(text)["properties"] == {"message": {"type": "string"}}}),
    ])
    pages(aws, "get_rest_apis", {}, "id", 5)
    listed = {item["id"]: item for item in aws.get_rest_apis(limit=500)["items"]}
    assert "tags" not in listed[known["plain"]] and listed[known["full"]]["tags"] == {"A": "1"}
    for name in ("plain", "full", "private", "dual", "clone"):
        check(aws, known, [
            ("delete_rest_api", {"restApiId": known[name]}, {}),
            ("delete_rest_api", {"restApiId": known[name]}, missing(f"Invalid API identifier specified <account>:{known[name]}")),
        ])


def test_rest_apis_that_cannot_be_created(aws, known):
    def create(expected, **members):
        return "create_rest_api", {"name": "wrong", **members}, expected

    both = "Cannot create an api with multiple Endpoint Types."
    dual = "Only dualstack ipAddressType is supported for Private APIs."
    size = "Invalid minimum compression size, must be between 0 and 10485760"
    wrong_type = constraint("[wrong]", "createRestApiInput.endpointConfiguration.types", TYPES)
    wrong_address = constraint("wrong", "createRestApiInput.endpointConfiguration.ipAddressType", "Member must satisfy enum value set: [ipv4, dualstack]")
    private = {"types": ["PRIVATE"], "ipAddressType": "ipv4"}
    check(aws, known, [
        ("create_rest_api", {}, Refused("ValidationException", ANY)),
        create(bad("Description cannot be an empty string"), description=""),
        create(bad("Description cannot be an empty string"), description="", endpointConfiguration=private),
        create(bad(size), minimumCompressionSize=-1),
        create(bad(size), minimumCompressionSize=10485761),
        create(bad("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED."), endpointConfiguration={"types": []}),
        create(bad(both), endpointConfiguration={"types": ["REGIONAL", "EDGE"]}),
        create(bad(dual), endpointConfiguration=private),
        create(invalid(wrong_type), endpointConfiguration={"types": ["wrong"]}),
        create(invalid(wrong_type, wrong_address), endpointConfiguration={"types": ["wrong"], "ipAddressType": "wrong"}),
        create(invalid(wrong_address), endpointConfiguration={"types": ["PRIVATE"], "ipAddressType": "wrong"}, description=""),
        create(Refused("ValidationException", ANY), apiKeySource="COOKIE"),
        create(bad(), policy="{not a policy"),
        create(missing(), cloneFrom="nothere123"),
        create(bad(), tags={"aws:mine": "1"}),
        create(bad(), tags={"k" * 129: "1"}),
        create(bad(), tags={"k": "v" * 257}),
        create(bad(), tags={str(n): "v" for n in range(51)}),
    ])


def test_rest_apis_are_patched(aws, known):
    def update(op, path, value, expected):
        return "update_rest_api", {"restApiId": "<api>", **patch(op, path, value)}, expected

    only = bad("Invalid patch operation specified. Must be one of: [replace]")
    dual = bad("Only dualstack ipAddressType is supported for Private APIs.")
    types = bad("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
    type_ops = bad("Invalid patch operation specified. Must be 'add'|'remove'|'replace'")
    operations, violated = bad_ops("RestApi")
    check(aws, known, [
        update("replace", "/name", "renamed", {"name": "renamed", "tags": {}}),
        update("replace", "/description", "d", {"description": "d"}),
        update("remove", "/description", None, {"description": ABSENT}),
        update("replace", "/version", "v2", {"version": "v2"}),
        update("replace", "/apiKeySource", "AUTHORIZER", {"apiKeySource": "AUTHORIZER"}),
        update("replace", "/apiKeySource", "COOKIE", bad()),
        update("replace", "/disableExecuteApiEndpoint", "TRUE", {"disableExecuteApiEndpoint": True}),
        update("replace", "/disableExecuteApiEndpoint", "no", {"disableExecuteApiEndpoint": False}),
        update("replace", "/policy", POLICY, {"policy": lambda text: f":{known['api']}/*" in text}),
        update("replace", "/policy", "", {"policy": ABSENT}),
        update("replace", "/policy", "{", bad()),
        update("replace", "/securityPolicy", "SecurityPolicy_TLS13_1_2_2021_06", {"securityPolicy": "SecurityPolicy_TLS13_1_2_2021_06"}),
        update("replace", "/endpointAccessMode", "STRICT", {"endpointAccessMode": "STRICT"}),
        update("replace", "/endpointAccessMode", "BASIC", {"endpointAccessMode": "BASIC"}),
        update("replace", "/minimumCompressionSize", "10485760", {"minimumCompressionSize": 10485760}),
        update("replace", "/minimumCompressionSize", "10485761", bad("Invalid minimum compression size, must be between 0 and 10485760")),
        update("replace", "/minimumCompressionSize", "-1", bad("Invalid minimum compression size, must be between 0 and 10485760")),
        update("replace", "/minimumCompressionSize", "x", bad()),
        update("replace", "/minimumCompressionSize", "", {"minimumCompressionSize": ABSENT}),
        update("add", "/binaryMediaTypes/image~1png", None, {"binaryMediaTypes": ["image/png"]}),
        update("add", "/binaryMediaTypes/a~1b", None, {"binaryMediaTypes": ["image/png", "a/b"]}),
        update("replace", "/binaryMediaTypes/image~1png", "image/gif", {"binaryMediaTypes": ["a/b", "image/gif"]}),
        update("remove", "/binaryMediaTypes/image~1gif", None, {"binaryMediaTypes": ["a/b"]}),
        update("remove", "/binaryMediaTypes/a~1b", None, {"binaryMediaTypes": ABSENT}),
        update("add", "/binaryMediaTypes", "a/b", bad("Invalid patch path /binaryMediaTypes")),
        update("replace", "/endpointConfiguration/types/0", "REGIONAL", {"endpointConfiguration": {"types": ["REGIONAL"]}}),
        update("replace", "/endpointConfiguration/types/REGIONAL", "EDGE", {"endpointConfiguration": {"types": ["EDGE"]}}),
        update("replace", "/endpointConfiguration/types/EDGE", "wrong", types),
        update("copy", "/endpointConfiguration/types/EDGE", "REGIONAL", type_ops),
        update("replace", "/endpointConfiguration/ipAddressType", "dualstack", {"endpointConfiguration": {"ipAddressType": "dualstack"}}),
        update("replace", "/endpointConfiguration/ipAddressType", "wrong", bad("ipAddressType must be either ipv4 or dualstack.")),
        update("replace", "/endpointConfiguration/ipAddressType", "ipv4", {"endpointConfiguration": {"ipAddressType": "ipv4"}}),
        update("replace", "/endpointConfiguration/types/EDGE", "PRIVATE",
               {"endpointConfiguration": {"types": ["PRIVATE"], "ipAddressType": "dualstack"}}),
        update("replace", "/endpointConfiguration/ipAddressType", "ipv4", dual),
        update("add", "/endpointConfiguration/vpcEndpointIds", "vpce-1", {"endpointConfiguration": {"vpcEndpointIds": ["vpce-1"]}}),
        update("add", "/endpointConfiguration/vpcEndpointIds", "vpce-2", {"endpointConfiguration": {"vpcEndpointIds": ["vpce-1", "vpce-2"]}}),
        update("remove", "/endpointConfiguration/vpcEndpointIds", "vpce-1", {"endpointConfiguration": {"vpcEndpointIds": ["vpce-2"]}}),
        update("add", "/name", "x", only),
        update("add", "/description", "x", bad()),
        update("copy", "/name", "x", only),
        update("move", "/name", "x", only),
        update("test", "/name", "x", only),
        update("remove", "/name", None, only),
        update("replace", "/nothing", "x", bad("Invalid patch path /nothing")),
        update("replace", "/tags/a", "x", bad("Invalid patch path /tags/a")),
        update("replace", None, "x", bad("Invalid patch path null")),
        # Any failure leaves all as it was.
        ("update_rest_api", {"restApiId": "<api>", "patchOperations": [
            {"op": "replace", "path": "/name", "value": "half"}, {"op": "replace", "path": "/nothing", "value": "x"}]},
         bad("Invalid patch path /nothing")),
        ("get_rest_api", {"restApiId": "<api>"}, {"name": "renamed"}),
        ("update_rest_api", {"restApiId": "<api>", **operations}, violated),
        ("update_rest_api", {"restApiId": "<api>", **patch("wrong", "/x")},
         invalid(constraint("wrong", "updateRestApiInput.patchOperations.1.member.op", OPS))),
        ("update_rest_api", {"restApiId": "nothere123", **operations}, violated),
    ])


def test_rest_apis_that_are_not_there(aws, known):
    there = {"restApiId": "nothere123"}
    check(aws, known, [
        ("get_rest_api", there, NOBODY),
        ("update_rest_api", {**there, **patch("replace", "/name", "x")}, NOBODY),
        ("delete_rest_api", there, NOBODY),
        ("put_rest_api", {**there, "body": b'{"openapi":"3.0.1","info":{"title":"t","version":"1"},"paths":{}}'}, NOBODY),
        ("get_authorizers", there, NOBODY),
        ("get_request_validators", there, NOBODY),
        ("get_models", there, NOBODY),
        ("create_model", {**there, "name": "M", "contentType": "application/json", "schema": "{}"}, NOBODY),
        ("get_documentation_parts", there, NOBODY),
        ("create_documentation_part", {**there, "location": {"type": "API"}, "properties": "{}"}, NOBODY),
        ("delete_documentation_part", {**there, "documentationPartId": "abcdef"}, NOBODY),
        ("get_gateway_responses", there, NOBODY),
        ("get_gateway_response", {**there, "responseType": "UNAUTHORIZED"}, NOBODY),
        ("put_gateway_response", {**there, "responseType": "UNAUTHORIZED"}, NOBODY),
        ("update_gateway_response", {**there, "responseType": "UNAUTHORIZED", **patch("replace", "/statusCode", "401")}, NOBODY),
        ("delete_gateway_response", {**there, "responseType": "UNAUTHORIZED"}, NOBODY),
        ("create_request_validator", {**there, "name": "v"}, bad("Invalid REST API identifier specified")),
        ("create_deployment", there, missing()),
        ("create_stage", {**there, "stageName": "s", "deploymentId": "abcdef"}, missing()),
    ])
