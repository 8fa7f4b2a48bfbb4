"""How clients reach what was deployed: every form of an address (control-plane/data-plane-addressing)."""
import json

import pytest
import requests

from cases import patch

D = "shop.address.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/x"


def document(backend, name):
    integration = {"type": "http_proxy", "httpMethod": "ANY", "uri": backend.url + "/echo/" + name}
    anything = "x-amazon-apigateway-any-method"
    greedy = {**integration, "uri": integration["uri"] + "/{proxy}", "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"}}
    parameters = [{"name": "proxy", "in": "path", "required": True, "schema": {"type": "string"}}]
    return json.dumps({"openapi": "3.0.1", "info": {"title": name, "version": "1"}, "paths": {
        "/": {anything: {"responses": {}, "x-amazon-apigateway-integration": integration}},
        "/{proxy+}": {anything: {"responses": {}, "parameters": parameters, "x-amazon-apigateway-integration": greedy}}}})


@pytest.fixture(scope="module")
def apis(served, backend):
    """Two APIs, each of which tells its name and the path that it was asked for; `prod` and `test` of both are deployed."""
    client = served.client(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret")
    made = {}
    for name in ("one", "two"):
        made[name] = client.import_rest_api(body=document(backend, name))["id"]
        for stage in ("prod", "test"):
            client.create_deployment(restApiId=made[name], stageName=stage)
    yield made
    for domain in client.get_domain_names(limit=500)["items"]:
        client.delete_domain_name(domainName=domain["domainName"])
    for api in made.values():
        client.delete_rest_api(restApiId=api)


@pytest.fixture
def ask(served, apis):
    """What the backend was asked for, or the status and message of the gateway."""

    def run(target, host=None, **headers):
        target = target.format(**apis)
        request = requests.Request("GET", served.url, headers={**({"Host": host.format(**apis)} if host else {}), **headers}).prepare()
        request.url = served.url + target
        answer = requests.Session().send(request, timeout=10)
        if answer.status_code == 200:
            return answer.json()["target"]
        return answer.status_code, answer.json()["message"]

    return run


FORBIDDEN = (403, "Forbidden")


@pytest.mark.parametrize("host, target, expected", [
    ("{one}.execute-api.us-east-1.amazonaws.com", "/prod/a", "/echo/one/a"),
    ("{two}.execute-api.us-east-1.amazonaws.com", "/prod/a", "/echo/two/a"),
    ("{one}.execute-api.us-east-1.amazonaws.com", "/test/a/b?c=d", "/echo/one/a/b?c=d"),
    ("{one}.execute-api.us-east-1.amazonaws.com", "/prod", "/echo/one"),
    ("{one}.execute-api.us-east-1.amazonaws.com", "/prod/", "/echo/one"),
    ("{one}.Execute-API.us-east-1.AmazonAWS.com:4566", "/prod/a", "/echo/one/a"),
    ("{one}.execute-api.cn-north-1.amazonaws.com.cn", "/prod/a", "/echo/one/a"),
    ("{one}.execute-api.us-east-1.api.aws", "/prod/a", "/echo/one/a"),
    ("{one}.execute-api.localhost.localstack.cloud:4566", "/prod/a", "/echo/one/a"),
    ("{one}-vpce-0123.execute-api.us-east-1.amazonaws.com", "/prod/a", "/echo/one/a"),
    ("{one}.execute-api.anything", "/prod/a", "/echo/one/a"),
    ("{one}.execute-api.us-east-1.amazonaws.com", "/nobody/a", FORBIDDEN),
    ("{one}.execute-api.us-east-1.amazonaws.com", "/", FORBIDDEN),
    ("nothere123.execute-api.us-east-1.amazonaws.com", "/prod/a", FORBIDDEN),
    ("nobody.example.com", "/prod/a", FORBIDDEN),
    (None, "/_aws/execute-api/{one}/prod/a?c=d", "/echo/one/a?c=d"),
    (None, "/_aws/execute-api/{two}/test/a", "/echo/two/a"),
    (None, "/_aws/execute-api/{one}/prod", "/echo/one"),
    (None, "/_aws/execute-api/{one}/nobody/a", FORBIDDEN),
    (None, "/_aws/execute-api/nothere123/prod/a", FORBIDDEN),
    (None, "/restapis/{one}/prod/_user_request_/a", "/echo/one/a"),
    (None, "/restapis/{one}/prod/_user_request_", "/echo/one"),
    (None, "/restapis/{one}/nobody/_user_request_/a", FORBIDDEN),
])
def test_addresses_without_a_domain(ask, host, target, expected):
    assert ask(target, host) == expected


def test_the_default_endpoint_is_off_after_a_deployment(aws, ask, apis):
    host, target = "{one}.execute-api.us-east-1.amazonaws.com", "/prod/a"
    aws.update_rest_api(restApiId=apis["one"], **patch("replace", "/disableExecuteApiEndpoint", "true"))
    assert ask(target, host) == "/echo/one/a"
    aws.create_deployment(restApiId=apis["one"], stageName="prod")
    assert ask(target, host) == FORBIDDEN
    # A stage that still points at the one before is as it was.
    assert ask("/test/a", host) == "/echo/one/a"
    with_domain(aws, "off.example.com")
    aws.create_base_path_mapping(domainName="off.example.com", restApiId=apis["one"], stage="prod")
    assert ask("/a", "off.example.com") == "/echo/one/a"
    aws.update_rest_api(restApiId=apis["one"], **patch("replace", "/disableExecuteApiEndpoint", "false"))
    aws.create_deployment(restApiId=apis["one"], stageName="prod")
    assert ask(target, host) == "/echo/one/a"


def with_domain(aws, name, **more):
    return aws.create_domain_name(domainName=name, regionalCertificateArn=CERTIFICATE, endpointConfiguration={"types": ["REGIONAL"]}, **more)


def test_base_paths_of_a_domain(aws, aws_v2, ask, apis):
    with_domain(aws, D)
    assert ask("/a", D) == FORBIDDEN
    aws.create_base_path_mapping(domainName=D, basePath="shop", restApiId=apis["one"], stage="prod")
    assert ask("/shop/a", D) == "/echo/one/a"
    assert ask("/shop", D) == "/echo/one"
    assert ask("/shopping/a", D) == FORBIDDEN
    assert ask("/a", D) == FORBIDDEN
    # Without a stage: the next part of the path is the stage.
    aws.create_base_path_mapping(domainName=D, basePath="stages", restApiId=apis["two"])
    assert ask("/stages/prod/a", D) == "/echo/two/a"
    assert ask("/stages/test/a", D) == "/echo/two/a"
    assert ask("/stages/nobody/a", D) == FORBIDDEN
    # The longest of several levels wins, by whole segments.
    for key, name in (("shop/deep/er", "two"), ("other/x", "two")):
        aws_v2.create_api_mapping(DomainName=D, ApiId=apis[name], Stage="prod", ApiMappingKey=key)
    assert ask("/shop/deep/er/a", D) == "/echo/two/a"
    assert ask("/shop/deep/a", D) == "/echo/one/deep/a"
    assert ask("/other/x/a", D) == "/echo/two/a"
    assert ask("/other/a", D) == FORBIDDEN
    # What no other takes.
    aws.create_base_path_mapping(domainName=D, restApiId=apis["two"], stage="prod")
    assert ask("/a", D) == "/echo/two/a"
    assert ask("/shop/a", D) == "/echo/one/a"
    assert ask("/a", D.upper() + ":8080") == "/echo/two/a"
    # What is changed acts at once.
    aws.update_base_path_mapping(domainName=D, basePath="shop", **patch("replace", "/restapiId", apis["two"]))
    assert ask("/shop/a", D) == "/echo/two/a"
    aws.delete_base_path_mapping(domainName=D, basePath="shop")
    assert ask("/shop/a", D) == "/echo/two/shop/a"
    aws.delete_domain_name(domainName=D)
    assert ask("/a", D) == FORBIDDEN


def test_a_wildcard_domain(aws, ask, apis):
    with_domain(aws, "*.wild.example.com")
    aws.create_base_path_mapping(domainName="*.wild.example.com", restApiId=apis["one"], stage="prod")
    with_domain(aws, "exact.wild.example.com")
    aws.create_base_path_mapping(domainName="exact.wild.example.com", restApiId=apis["two"], stage="prod")
    assert ask("/a", "any.wild.example.com") == "/echo/one/a"
    assert ask("/a", "exact.wild.example.com") == "/echo/two/a"
    assert ask("/a", "wild.example.com") == FORBIDDEN


def test_routing_rules(aws, aws_v2, ask, apis):
    name = "rules.example.com"
    with_domain(aws, name, routingMode="ROUTING_RULE_THEN_BASE_PATH_MAPPING")
    aws.create_base_path_mapping(domainName=name, restApiId=apis["one"], stage="prod")
    assert ask("/a", name) == "/echo/one/a"

    def rule(priority, to, *conditions, strip=False):
        action = [{"InvokeApi": {"ApiId": apis[to], "Stage": "prod", "StripBasePath": strip}}]
        return aws_v2.create_routing_rule(DomainName=name, Actions=action, Conditions=list(conditions), Priority=priority)["RoutingRuleId"]

    def header(glob, of="X-Version"):
        return {"MatchHeaders": {"AnyOf": [{"Header": of, "ValueGlob": glob}]}}

    def base(path):
        return {"MatchBasePaths": {"AnyOf": [path]}}

    rule(10, "two", header("v2*"))
    assert ask("/a", name, **{"X-Version": "v2.1"}) == "/echo/two/a"
    assert ask("/a", name, **{"x-version": "v2"}) == "/echo/two/a"
    assert ask("/a", name, **{"X-Version": "v1"}) == "/echo/one/a"
    rule(20, "two", base("cut"), strip=True)
    assert ask("/cut/a", name) == "/echo/two/a"
    assert ask("/cut", name) == "/echo/two"
    assert ask("/cutter/a", name) == "/echo/one/cutter/a"
    rule(30, "two", base("whole"))
    assert ask("/whole/a", name) == "/echo/two/whole/a"
    # Both must hold; and what is earlier wins.
    both = rule(5, "one", base("cut"), header("*beta"), strip=True)
    assert ask("/cut/a", name, **{"X-Version": "beta"}) == "/echo/one/a"
    assert ask("/cut/a", name, **{"X-Version": "v2"}) == "/echo/two/cut/a"
    aws_v2.delete_routing_rule(DomainName=name, RoutingRuleId=both)
    assert ask("/cut/a", name, **{"X-Version": "beta"}) == "/echo/two/a"
    aws.update_domain_name(domainName=name, **patch("replace", "/routingMode", "ROUTING_RULE_ONLY"))
    assert ask("/a", name) == FORBIDDEN
    assert ask("/cut/a", name) == "/echo/two/a"
    aws.update_domain_name(domainName=name, **patch("replace", "/routingMode", "BASE_PATH_MAPPING_ONLY"))
    assert ask("/cut/a", name) == "/echo/one/cut/a"


@pytest.fixture
def told(aws, served, backend):
    """What an integration is told of a request to `/a` of one API, deployed as `prod` and mapped at `base` of a domain."""
    seen = ("path", "domainName", "domainPrefix", "stage", "resourcePath")
    integration = {"type": "http_proxy", "httpMethod": "GET", "uri": backend.url + "/echo/context",
                   "requestParameters": {f"integration.request.header.X-{name}": f"context.{name}" for name in seen}}
    paths = {"/a": {"get": {"responses": {}, "x-amazon-apigateway-integration": integration}}}
    made = aws.import_rest_api(body=json.dumps({"openapi": "3.0.1", "info": {"title": "context", "version": "1"}, "paths": paths}))["id"]
    aws.create_deployment(restApiId=made, stageName="prod")
    with_domain(aws, "context.example.com")
    aws.create_base_path_mapping(domainName="context.example.com", basePath="base", restApiId=made, stage="prod")

    def run(path, host=None):
        answer = requests.get(served.url + path, headers={"Host": host} if host else {}, timeout=10)
        assert answer.status_code == 200, answer.text
        headers = {name.lower(): value for name, value in answer.json()["headers"]}
        return tuple(headers["x-" + name.lower()] for name in seen)

    run.api = made
    yield run
    aws.delete_domain_name(domainName="context.example.com")
    aws.delete_rest_api(restApiId=made)


def test_what_an_integration_is_told_of_an_address(told):
    """The stage is in the path of the default endpoint, the base path in that of a domain."""
    host = f"{told.api}.execute-api.us-east-1.amazonaws.com"
    assert told("/prod/a", host) == ("/prod/a", host, told.api, "prod", "/a")
    assert told("/base/a", "context.example.com") == ("/base/a", "context.example.com", "context", "prod", "/a")


def test_what_an_integration_is_told_of_an_address_by_path(told):
    host = f"{told.api}.execute-api.us-east-1.amazonaws.com"
    assert told(f"/_aws/execute-api/{told.api}/prod/a") == ("/prod/a", host, told.api, "prod", "/a")
    assert told(f"/restapis/{told.api}/prod/_user_request_/a") == ("/prod/a", host, told.api, "prod", "/a")
