"""What the event of a Lambda proxy says of stages, canaries, custom domains, API keys and VPC endpoints (rest/09 section 9.2)."""
import json

import pytest

from callers import ACCOUNT, Running, definition, everybody, free_port, policy, table
from cases import forget_plans_and_keys
from conftest import Served
from functions import Functions
from integrations import ask, proxy

KEY = "k" * 30
DOMAIN = "api.shop.example"
# The order of an identity with the fields of a key (rest/09 section 9.6).
WITH_KEY = ["cognitoIdentityPoolId", "cognitoIdentityId", "apiKey", "principalOrgId", "cognitoAuthenticationType", "userArn", "apiKeyId",
            "userAgent", "accountId", "caller", "sourceIp", "accessKey", "cognitoAuthenticationProvider", "user"]


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    for name in ("seen", "blue", "green"):
        running.functions[name] = lambda event: {"statusCode": 200, "body": "seen"}
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def managed(tmp_path_factory, functions):
    running = Served(tmp_path_factory.mktemp("stages") / "data", "--lambda-endpoint", functions.url, "--account-id", ACCOUNT)
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture
def gateway_of(managed, no_surroundings):
    return managed.client()


@pytest.fixture
def api(gateway_of):
    keyed = {"security": [{"key": []}]}
    paths = {"/orders/{id}": proxy("seen"), "/keyed": proxy("seen", keyed), "/{proxy+}": proxy("seen"), "/by-stage": proxy("${stageVariables.colour}")}
    scheme = {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    made = gateway_of.import_rest_api(body=json.dumps(definition(paths, scheme)))["id"]
    yield made
    forget_plans_and_keys(gateway_of)
    for domain in gateway_of.get_domain_names(limit=500)["items"]:
        gateway_of.delete_domain_name(domainName=domain["domainName"])
    gateway_of.delete_rest_api(restApiId=made)


def event_of(managed, functions, api, target, verb="GET", headers=(), host=None):
    before = len(functions.invocations)
    got = ask(managed, target, verb, headers, host=host or f"{api}.execute-api.us-east-1.amazonaws.com")
    assert (got.status, len(functions.invocations) - before) == (200, 1), got
    return functions.invocations[-1].event


def test_stage_variables(managed, functions, gateway_of, api):
    gateway_of.create_deployment(restApiId=api, stageName="bare")
    gateway_of.create_deployment(restApiId=api, stageName="prod", variables={"colour": "blue", "url": "a/b?c=d&e"})
    event = event_of(managed, functions, api, "/prod/orders/1")
    assert event["stageVariables"] == {"colour": "blue", "url": "a/b?c=d&e"}
    context = event["requestContext"]
    assert (context["stage"], context["path"], event["path"]) == ("prod", "/prod/orders/1", "/orders/1")
    assert "isCanaryRequest" not in context
    assert event_of(managed, functions, api, "/bare/orders/1")["stageVariables"] is None
    gateway_of.update_stage(restApiId=api, stageName="prod", patchOperations=[{"op": "replace", "path": "/variables/colour", "value": "red"}])
    assert event_of(managed, functions, api, "/prod/orders/1")["stageVariables"]["colour"] == "red"


def test_a_function_named_by_the_stage(managed, functions, gateway_of, api):
    for stage, colour in (("first", "blue"), ("second", "green")):
        gateway_of.create_deployment(restApiId=api, stageName=stage, variables={"colour": colour})
        event_of(managed, functions, api, f"/{stage}/by-stage")
        assert functions.invocations[-1].function == colour


def test_canaries(managed, functions, gateway_of, api):
    first = gateway_of.create_deployment(restApiId=api, stageName="prod", variables={"colour": "blue", "kept": "yes"})["id"]
    settings = {"percentTraffic": 100.0, "stageVariableOverrides": {"colour": "green", "more": "new"}}
    second = gateway_of.create_deployment(restApiId=api, stageName="prod", canarySettings=settings)["id"]
    event = event_of(managed, functions, api, "/prod/orders/1")
    assert event["stageVariables"] == {"colour": "green", "kept": "yes", "more": "new"}
    assert (event["requestContext"]["isCanaryRequest"], event["requestContext"]["deploymentId"]) == (True, second)
    event_of(managed, functions, api, "/prod/by-stage")
    assert functions.invocations[-1].function == "green"
    gateway_of.update_stage(restApiId=api, stageName="prod", patchOperations=[{"op": "replace", "path": "/canarySettings/percentTraffic", "value": "0.0"}])
    event = event_of(managed, functions, api, "/prod/orders/1")
    assert event["stageVariables"] == {"colour": "blue", "kept": "yes"}
    assert (event["requestContext"]["isCanaryRequest"], event["requestContext"]["deploymentId"]) == (False, first)
    gateway_of.update_stage(restApiId=api, stageName="prod", patchOperations=[{"op": "remove", "path": "/canarySettings"}])
    assert "isCanaryRequest" not in event_of(managed, functions, api, "/prod/orders/1")["requestContext"]


@pytest.mark.parametrize("base, target, resource, path", [
    ("(none)", "/orders/1", "/orders/{id}", "/orders/1"),
    ("shop", "/shop/orders/1", "/orders/{id}", "/shop/orders/1"),
    ("shop", "/shop/orders/1/", "/orders/{id}", "/shop/orders/1/"),
    ("shop", "/shop/a%20b//c", "/{proxy+}", "/shop/a%20b//c"),
    ("shop", "/shop/shop/orders", "/{proxy+}", "/shop/shop/orders"),
])
def test_custom_domains(managed, functions, gateway_of, api, base, target, resource, path):
    gateway_of.create_deployment(restApiId=api, stageName="prod")
    gateway_of.create_domain_name(domainName=DOMAIN, regionalCertificateArn="arn:aws:acm:us-east-1:123456789012:certificate/a",
                                  endpointConfiguration={"types": ["REGIONAL"]})
    gateway_of.create_base_path_mapping(domainName=DOMAIN, restApiId=api, stage="prod", **({} if base == "(none)" else {"basePath": base}))
    event = event_of(managed, functions, api, target, host=DOMAIN)
    context = event["requestContext"]
    assert (event["resource"], event["path"]) == (resource, path)
    assert (context["path"], context["stage"], context["domainName"], context["domainPrefix"]) == (path, "prod", DOMAIN, "api")
    assert context["apiId"] == api
    assert event["headers"]["Host"] == DOMAIN


def test_api_keys(managed, functions, gateway_of, api):
    gateway_of.create_deployment(restApiId=api, stageName="prod")
    key = gateway_of.create_api_key(value=KEY, enabled=True)["id"]
    plan = gateway_of.create_usage_plan(name="plan", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    gateway_of.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    event = event_of(managed, functions, api, "/prod/keyed", headers={"x-api-key": KEY})
    identity = event["requestContext"]["identity"]
    assert (identity["apiKey"], identity["apiKeyId"], event["headers"]["x-api-key"]) == (KEY, key, KEY)
    # A method that asks for none has no such fields, or what was sent anyway.
    identity = event_of(managed, functions, api, "/prod/orders/1")["requestContext"]["identity"]
    assert not {"apiKey", "apiKeyId"} & set(identity)


def test_the_order_of_an_identity_with_a_key(managed, functions, gateway_of, api):
    gateway_of.create_deployment(restApiId=api, stageName="prod")
    key = gateway_of.create_api_key(value=KEY, enabled=True)["id"]
    plan = gateway_of.create_usage_plan(name="plan", apiStages=[{"apiId": api, "stage": "prod"}])["id"]
    gateway_of.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    event = event_of(managed, functions, api, "/prod/keyed", headers={"x-api-key": KEY})
    assert list(event["requestContext"]["identity"]) == WITH_KEY


def test_an_operation_of_a_method(managed, functions, gateway_of, api):
    owner = next(item["id"] for item in gateway_of.get_resources(restApiId=api)["items"] if item["path"] == "/orders/{id}")
    gateway_of.update_method(restApiId=api, resourceId=owner, httpMethod="ANY", patchOperations=[{"op": "replace", "path": "/operationName", "value": "order"}])
    gateway_of.create_deployment(restApiId=api, stageName="prod")
    context = event_of(managed, functions, api, "/prod/orders/1")["requestContext"]
    assert (context["operationName"], context["resourceId"]) == ("order", owner)
    assert "operationName" not in event_of(managed, functions, api, "/prod/other")["requestContext"]


def test_private_calls(tmp_path, functions):
    endpoint, network = "vpce-0123456789abcdef0", "vpc-0123456789abcdef0"
    address = ("127.0.0.1", free_port())
    private = {"url": "/", "x-amazon-apigateway-endpoint-configuration": {"types": ["PRIVATE"]}}
    body = definition({"/": proxy("seen")}, servers=[private], **{"x-amazon-apigateway-policy": policy(everybody("Allow"))})
    settings = f'lambda-endpoint = "{functions.url}"\n' + table("vpc-endpoints", id=endpoint, vpc=network, listen="%s:%d" % address)
    running = Running(tmp_path, {"": body}, settings)
    assert running.ask("/", address=address).status == 200
    identity = functions.invocations[-1].event["requestContext"]["identity"]
    assert (identity["vpceId"], identity["vpcId"]) == (endpoint, network)
    assert running.stop() == 0
