"""Where calls come from: proxies that are believed, VPC endpoints, private APIs; policies that are none; and which refusal wins."""
import json

import botocore.exceptions
import pytest
import requests

from callers import (ACCOUNT, ANYBODY, FORBIDDEN, Running, Signing, definition, error, everybody, free_port, mock, policy, principal, signed,
                     statement, table, told, write)
from conftest import Served
from functions import Functions, authorizer, output
from issuer import Issuer, RsaKey, pools

OK, REFUSED = 200, 403
CLIENT, ANOTHER = "192.0.2.7", "198.51.100.9"


def from_client(address=CLIENT):
    return policy(everybody("Allow", condition={"IpAddress": {"aws:SourceIp": address}}))


@pytest.mark.parametrize("trusted, forwarded, expected", [
    # Nobody is believed who is not said to be.
    ([], CLIENT, REFUSED),
    ([], None, REFUSED),
    (["10.0.0.0/8"], CLIENT, REFUSED),
    (["127.0.0.1"], CLIENT, OK),
    (["127.0.0.0/8"], CLIENT, OK),
    (["127.0.0.1"], None, REFUSED),
    (["127.0.0.1"], ANOTHER, REFUSED),
    # What a client writes herself stands in front of what the proxy saw.
    (["127.0.0.1"], f"{CLIENT}, {ANOTHER}", REFUSED),
    (["127.0.0.1"], f"{ANOTHER}, {CLIENT}", OK),
    (["127.0.0.1", ANOTHER], f"{CLIENT}, {ANOTHER}", OK),
    (["127.0.0.1"], f"{CLIENT}:56324", OK),
    (["127.0.0.1"], f"{ANOTHER}:56324", REFUSED),
    (["127.0.0.1"], "nonsense", REFUSED),
    (["127.0.0.1"], f"{CLIENT}, nonsense", REFUSED),
    (["127.0.0.1"], f"{CLIENT},", REFUSED),
])
def test_whose_forwarded_addresses_are_believed(tmp_path, trusted, forwarded, expected):
    body = definition({"/": mock("$context.identity.sourceIp")}, **{"x-amazon-apigateway-policy": from_client()})
    running = Running(tmp_path, {"": body}, f"trusted-proxies = {json.dumps(trusted)}\n")
    answer = running.ask("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
    assert answer.status == expected, answer.text
    if expected == OK:
        assert answer.text == CLIENT
    assert running.stop() == 0


def test_several_lines_of_forwarded_addresses(tmp_path):
    body = definition({"/": mock("$context.identity.sourceIp")}, **{"x-amazon-apigateway-policy": from_client()})
    running = Running(tmp_path, {"": body}, 'trusted-proxies = ["127.0.0.1"]\n')
    ask = lambda *lines: running.ask("/", headers=[("X-Forwarded-For", line) for line in lines]).status
    assert (ask(ANOTHER, CLIENT), ask(CLIENT, ANOTHER)) == (OK, REFUSED)
    assert running.stop() == 0


ENDPOINTS = {"vpce-0123456789abcdef0": "vpc-0123456789abcdef0", "vpce-0123456789abcdef1": "vpc-0123456789abcdef1"}
FIRST, SECOND = ENDPOINTS
PRIVATE = {"x-amazon-apigateway-endpoint-configuration": {}}


def but_by(key, value):
    """All may call, but whoever does not come by it."""
    return policy(everybody("Allow"), everybody("Deny", condition={"StringNotEquals": {key: value}}))


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """APIs by what their policies ask of private calls: `(process, {endpoint: address})`."""
    folder = tmp_path_factory.mktemp("private")
    addresses = {endpoint: ("127.0.0.1", free_port()) for endpoint in ENDPOINTS}
    settings = [table("vpc-endpoints", id=endpoint, vpc=vpc, listen="%s:%d" % addresses[endpoint]) for endpoint, vpc in ENDPOINTS.items()]
    shown = {"/": mock("$context.identity.sourceIp|$context.identity.vpceId|$context.identity.vpcId")}
    policies = {
        "by-endpoint": but_by("aws:SourceVpce", FIRST),
        "by-network": but_by("aws:SourceVpc", ENDPOINTS[FIRST]),
        "by-address": policy(everybody("Allow", condition={"IpAddress": {"aws:VpcSourceIp": "127.0.0.0/8"}})),
        "by-public-address": policy(everybody("Allow", condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})),
        "all": policy(everybody("Allow")),
    }
    apis = {}
    for name, document in policies.items():
        apis[f"private-{name}"] = definition(shown, **{"x-amazon-apigateway-policy": document}, servers=[
            {"url": "/", "x-amazon-apigateway-endpoint-configuration": {"types": ["PRIVATE"]}}])
        apis[f"regional-{name}"] = definition(shown, **{"x-amazon-apigateway-policy": document})
    running = Running(folder, apis, "\n".join(settings))
    yield running, {None: None, **addresses}
    assert running.stop() == 0, "\n".join(running.said)


@pytest.mark.parametrize("api, public, first, second", [
    # An endpoint leads to private APIs alone: who turns on its private DNS cannot reach the others from inside.
    ("regional-all", OK, FORBIDDEN, FORBIDDEN),
    ("regional-by-endpoint", REFUSED, FORBIDDEN, FORBIDDEN),
    ("regional-by-network", REFUSED, FORBIDDEN, FORBIDDEN),
    ("regional-by-address", REFUSED, FORBIDDEN, FORBIDDEN),
    ("regional-by-public-address", OK, FORBIDDEN, FORBIDDEN),
    ("private-all", FORBIDDEN, OK, OK),
    ("private-by-endpoint", FORBIDDEN, OK, REFUSED),
    ("private-by-network", FORBIDDEN, OK, REFUSED),
    ("private-by-address", FORBIDDEN, OK, OK),
    ("private-by-public-address", FORBIDDEN, REFUSED, REFUSED),
])
def test_private_calls(private, api, public, first, second):
    running, addresses = private
    for endpoint, expected in ((None, public), (FIRST, first), (SECOND, second)):
        found = told(running.ask(f"/{api}", address=addresses[endpoint]))
        if expected == REFUSED:
            assert found != OK and found[2] == "AccessDeniedException" and "User: anonymous is not authorized" in found[1], endpoint
        else:
            assert found == expected, endpoint


def test_a_header_does_not_make_a_call_private(private):
    running, _ = private
    for header in ("x-amzn-vpce-id", "X-Amzn-Vpc-Id", "x-amz-source-vpce"):
        assert told(running.ask("/private-by-endpoint", headers={header: FIRST})) == FORBIDDEN


# Policies that are none.
INVALID = "Invalid policy document. Please check the policy syntax and ensure that Principals are valid."
ALLOWED = everybody("Allow")
WRONG = {
    "no statement": {"Version": "2012-10-17"},
    "no effect": policy({name: member for name, member in ALLOWED.items() if name != "Effect"}),
    "another effect": policy({**ALLOWED, "Effect": "allow"}),
    "no principal": policy(statement("Allow", "execute-api:/*")),
    "no action": policy({name: member for name, member in ALLOWED.items() if name != "Action"}),
    "no resource": policy({name: member for name, member in ALLOWED.items() if name != "Resource"}),
    "an unknown operator": policy({**ALLOWED, "Condition": {"Near": {"aws:SourceIp": "127.0.0.1"}}}),
    "no address": policy({**ALLOWED, "Condition": {"IpAddress": {"aws:SourceIp": "here"}}}),
    "no version there is": {**policy(ALLOWED), "Version": "2020-01-01"},
    "a principal with a wildcard": policy({**ALLOWED, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/*"}}),
    "a principal of no kind": policy({**ALLOWED, "Principal": {"Everybody": "*"}}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_policy_is_refused(aws, known, name):
    """When the API is made and when it is updated (security/iam-policy-engine section 1)."""
    document = json.dumps(WRONG[name])
    attempts = {
        "update": lambda: aws.update_rest_api(restApiId=known["api"], patchOperations=[{"op": "replace", "path": "/policy", "value": document}]),
        "create": lambda: aws.create_rest_api(name="wrong", policy=document),
    }
    found = {}
    for what, attempt in attempts.items():
        try:
            made = attempt()
            found[what] = "accepted"
            if what == "create":
                aws.delete_rest_api(restApiId=made["id"])
        except botocore.exceptions.ClientError as refused:
            found[what] = (refused.response["Error"]["Code"], refused.response["Error"]["Message"])
    assert found == dict.fromkeys(attempts, ("BadRequestException", INVALID))


def test_a_private_api_without_a_policy_is_not_deployed(aws):
    api = aws.create_rest_api(name="private", endpointConfiguration={"types": ["PRIVATE"]})
    owner = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="MOCK")
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        aws.create_deployment(restApiId=api["id"], stageName="prod")
    assert refused.value.response["Error"]["Message"] == "Private REST API doesn't have a resource policy attached to it"
    aws.delete_rest_api(restApiId=api["id"])


def test_a_policy_holds_from_the_next_deployment_on(served, aws, known):
    owner = {"restApiId": known["api"], "resourceId": known["root"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    aws.put_method_response(**owner, statusCode="200")
    aws.put_integration_response(**owner, statusCode="200")
    ask = lambda: requests.get(f"{served.url}/restapis/{known['api']}/prod/_user_request_/", timeout=10).status_code
    deploy = lambda: aws.create_deployment(restApiId=known["api"], stageName="prod")
    change = lambda value: aws.update_rest_api(restApiId=known["api"], patchOperations=[{"op": "replace", "path": "/policy", "value": value}])
    deploy()
    assert ask() == OK
    change(json.dumps(from_client()))
    assert ask() == OK
    deploy()
    assert ask() == REFUSED
    change("")
    assert ask() == REFUSED
    deploy()
    assert ask() == OK


# Which refusal wins: authorizer, resource policy, key, quota and throttle, in this order (rest/02).
KEY, USED_UP = "k" * 30, "u" * 30
NO_KEY = FORBIDDEN
QUOTA = error(429, "Limit Exceeded", "LimitExceededException")
FAILURE = error(500, None, "AuthorizerConfigurationException")
SILENT = policy(everybody("Allow", condition={"IpAddress": {"aws:SourceIp": CLIENT}}))
DENY = policy(everybody("Allow"), everybody("Deny", condition={"IpAddress": {"aws:SourceIp": "127.0.0.1"}}))
METHODS = {"none": "/none", "custom": "/custom", "iam": "/iam", "pool": "/pool"}


class Everything(Served):
    """`weir serve` with principals, a pool and functions; an API for each policy, with one plan for all."""

    def __init__(self, folder, functions, issuer):
        settings = [f'lambda-endpoint = "{functions.url}"\n', table("user-pools", id="us-east-1_Pool", issuer=issuer.url, jwks=issuer.url + "/keys"),
                    principal("AKIAADA", full_access=True), principal("AKIANOBODY")]
        write(folder, "weir.toml", "\n".join(settings))
        super().__init__(folder / "data", "--config", str(folder / "weir.toml"), "--dev", "--account-id", ACCOUNT)
        self.aws, self.apis, self.issuer = self.client(**ANYBODY), {}, issuer
        key = {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
        schemes = {**key, "custom": authorizer("who", source="method.request.header.Authorization"), "pool": pools("us-east-1_Pool")}
        paths = {"/none": mock(security=[{"key": []}]), "/iam": signed(security=[{"key": []}]),
                 "/custom": mock(security=[{"custom": [], "key": []}]), "/pool": mock(security=[{"pool": [], "key": []}])}
        for name, document in {"allow": policy(everybody("Allow")), "silent": SILENT, "deny": DENY}.items():
            body = definition(paths, schemes, **{"x-amazon-apigateway-policy": document})
            self.apis[name] = self.aws.import_rest_api(body=json.dumps(body))["id"]
            self.aws.create_deployment(restApiId=self.apis[name], stageName="prod")
        stages = [{"apiId": api, "stage": "prod"} for api in self.apis.values()]
        for value, limit in ((KEY, 1_000_000), (USED_UP, 1)):
            plan = self.aws.create_usage_plan(name=value, apiStages=stages, quota={"limit": limit, "period": "MONTH"})["id"]
            made = self.aws.create_api_key(value=value, enabled=True)["id"]
            self.aws.create_usage_plan_key(usagePlanId=plan, keyId=made, keyType="API_KEY")
        assert self.call("none", None, "allow", USED_UP) == OK

    ask = Running.ask

    def call(self, kind, who, resource, key):
        """`who`: good, denied or failed."""
        target = f"/restapis/{self.apis[resource]}/prod/_user_request_/{kind}"
        headers = {"x-api-key": key} if key else {}
        if kind == "iam":
            request = Signing(self, target, headers=headers, key={"good": "AKIAADA", "denied": "AKIANOBODY", "failed": "AKIAGHOST"}[who])
            return request.told
        if who and kind != "none":
            headers["Authorization"] = {"custom": who, "pool": self.issuer.token() if who == "good" else "no token"}[kind]
        return told(self.ask(target, headers=headers))


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    functions, issuer = Functions(), Issuer(RsaKey("first"))
    functions.functions["who"] = lambda event: {"good": output(), "denied": output("Deny"), "failed": {}}[event["authorizationToken"]]
    running = Everything(tmp_path_factory.mktemp("everything"), functions, issuer)
    yield running
    assert running.stop() == 0, "\n".join(running.said)
    functions.shutdown()
    issuer.close()


def name_of(found):
    if found == OK:
        return "let in"
    status, text, _ = found
    for part, name in {"anonymous": "policy", "User is not authorized": "function", "user/AKIANOBODY": "identity", "security token": "signature",
                       "Limit Exceeded": "quota", '{"message":"Forbidden"}': "key", "Unauthorized": "token", '{"message":null}': "failure"}.items():
        if part in text:
            return name
    return found


ANY_KEY = [(KEY, "let in"), (None, "key"), ("nobody's", "key"), (USED_UP, "quota")]
WINNERS = [
    # Kind, who, policy, and what wins; None leaves it to key and plan.
    ("none", None, "allow", None), ("none", None, "silent", "policy"), ("none", None, "deny", "policy"),
    ("custom", "good", "allow", None), ("custom", "good", "silent", None), ("custom", "good", "deny", "policy"),
    ("custom", "denied", "allow", "function"), ("custom", "denied", "silent", "function"), ("custom", "denied", "deny", "policy"),
    ("custom", "failed", "allow", "failure"), ("custom", "failed", "silent", "failure"), ("custom", "failed", "deny", "policy"),
    ("custom", None, "allow", "token"), ("custom", None, "silent", "token"), ("custom", None, "deny", "policy"),
    ("iam", "good", "allow", None), ("iam", "good", "silent", None), ("iam", "good", "deny", "explicit"),
    ("iam", "denied", "allow", None), ("iam", "denied", "silent", "identity"), ("iam", "denied", "deny", "identity"),
    ("iam", "failed", "allow", "signature"), ("iam", "failed", "silent", "signature"), ("iam", "failed", "deny", "signature"),
    ("pool", "good", "allow", None), ("pool", "good", "silent", "policy"), ("pool", "good", "deny", "policy"),
    ("pool", "denied", "allow", "token"), ("pool", "denied", "silent", "token"), ("pool", "denied", "deny", "token"),
]


@pytest.mark.parametrize("key, left_to_keys", ANY_KEY)
@pytest.mark.parametrize("kind, who, resource, winner", WINNERS)
def test_which_refusal_wins(everything, kind, who, resource, winner, key, left_to_keys):
    found = everything.call(kind, who, resource, key)
    if winner == "explicit":
        assert found[1].endswith(' with an explicit deny"}') and "user/AKIAADA" in found[1]
    else:
        assert name_of(found) == (winner or left_to_keys), found
