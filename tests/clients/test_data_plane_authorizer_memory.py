"""What is remembered of authorizers' answers, for whom and how long; keys that they name; functions that keep callers waiting."""
import concurrent.futures
import json
import socket
import threading

import pytest

from callers import ACCOUNT, ANYBODY, FAILED, FORBIDDEN, UNAUTHORIZED, MISCONFIGURED, Running, definition, denied, error, eventually, mock, told
from conftest import Served
from functions import Failure, Functions, Raw, authorizer, output
from cases import forget_plans_and_keys

OK = 200
SILENT = denied("User is not authorized to access this resource")
DENIED = denied("User is not authorized to access this resource with an explicit deny in an identity-based policy")
TOKEN, PAIR = "method.request.header.Authorization", "method.request.header.A,method.request.header.B"
SCHEMES = {
    "remembers": authorizer("who", source=TOKEN, ttl=300),
    "by-default": authorizer("who", source=TOKEN, ttl=None),
    "another": authorizer("who", source=TOKEN, ttl=300, identityValidationExpression=".*"),
    "forgets": authorizer("who", source=TOKEN, ttl=0),
    "shortly": authorizer("who", source=TOKEN, ttl=1),
    "pair": authorizer("who", "request", PAIR, ttl=300),
    "waits": authorizer("waits", source=TOKEN, ttl=300),
    "waits-always": authorizer("waits", source=TOKEN, ttl=0),
}
CORES = 2


class Serving(Served):
    """`weir serve` with a function that says what the token asks of it."""

    def __init__(self, folder, functions):
        super().__init__(folder, "--lambda-endpoint", functions.url, "--account-id", ACCOUNT, "--workers", str(CORES), "--dev")
        self.functions, self.aws = functions, self.client(**ANYBODY)

    ask = Running.ask

    def made(self, paths, schemes, *stages, **members):
        api = self.aws.import_rest_api(body=json.dumps(definition(paths, schemes, **members)))["id"]
        for stage in stages:
            self.aws.create_deployment(restApiId=api, stageName=stage)
        return api

    def call(self, api, path, headers, stage="prod", method="GET"):
        headers = {"Authorization": headers} if isinstance(headers, str) else headers
        return told(self.ask(f"/restapis/{api}/{stage}/_user_request_{path}", method, headers))


def answer(event):
    """By the token: what it allows, or how the function ends."""
    token = event.get("authorizationToken", "all")
    if token.startswith("fails "):
        raise Failure(token.removeprefix("fails "))
    kinds = {"denied": output("Deny"), "nothing": {}, "one": output(resource="arn:aws:execute-api:*:*:*/prod/GET/remembers")}
    return next((said for start, said in kinds.items() if token.startswith(start)), output(principal=token))


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions["who"] = answer
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    running = Serving(tmp_path_factory.mktemp("memory") / "data", functions)
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture
def api(gate):
    """A fresh one: nobody is remembered yet."""
    paths = {f"/{name}": mock("$context.authorizer.principalId", security=[{name: []}]) for name in SCHEMES}
    paths["/remembers/too"] = paths["/remembers"]
    made = gate.made(paths, SCHEMES, "prod", "beta")
    yield made
    forget_plans_and_keys(gate.aws)
    gate.aws.delete_rest_api(restApiId=made)


def check(gate, api, *steps):
    """Each step: path, token or headers, outcome, how often the function is asked; and a stage, where it is another."""
    for number, (path, headers, expected, times, *stage) in enumerate(steps, 1):
        asked, found = gate.functions.count("who", lambda: gate.call(api, path, headers, *stage))
        assert (found, asked) == (expected, times), f"step {number}: {path} {headers}"


def test_who_is_remembered(gate, api):
    check(gate, api,
          ("/remembers", "ada", OK, 1), ("/remembers", "ada", OK, 0), ("/remembers", "bea", OK, 1), ("/remembers", "ada", OK, 0),
          ("/remembers", "Ada", OK, 1), ("/remembers", "ada ", OK, 0), ("/remembers", "ad", OK, 1))


def test_five_minutes_are_the_default(gate, api):
    check(gate, api, ("/by-default", "ada", OK, 1), ("/by-default", "ada", OK, 0))


def test_nobody_is_remembered_without_a_time_to_live(gate, api):
    check(gate, api, ("/forgets", "ada", OK, 1), ("/forgets", "ada", OK, 1))


def test_every_authorizer_and_stage_remembers_for_itself(gate, api):
    check(gate, api,
          ("/remembers", "ada", OK, 1), ("/another", "ada", OK, 1), ("/by-default", "ada", OK, 1),
          ("/remembers", "ada", OK, 1, "beta"), ("/remembers", "ada", OK, 0, "beta"), ("/remembers", "ada", OK, 0))


def test_methods_share_what_their_authorizer_remembers(gate, api):
    check(gate, api, ("/remembers", "ada", OK, 1), ("/remembers/too", "ada", OK, 0))


def test_a_remembered_policy_is_asked_about_each_path(gate, api):
    check(gate, api, ("/remembers", "one", OK, 1), ("/remembers/too", "one", SILENT, 0), ("/remembers", "one", OK, 0))
    check(gate, api, ("/remembers/too", "one more", SILENT, 1), ("/remembers", "one more", OK, 0))


def test_denials_are_remembered(gate, api):
    check(gate, api, ("/remembers", "denied", DENIED, 1), ("/remembers", "denied", DENIED, 0), ("/remembers/too", "denied", DENIED, 0))


@pytest.mark.parametrize("token, expected", [("fails Unauthorized", UNAUTHORIZED), ("fails otherwise", FAILED), ("nothing", MISCONFIGURED)])
def test_failures_are_not_remembered(gate, api, token, expected):
    check(gate, api, ("/remembers", token, expected, 1), ("/remembers", token, expected, 1))


def test_a_missing_token_is_nobody(gate, api):
    check(gate, api, ("/remembers", {}, UNAUTHORIZED, 0), ("/remembers", "", UNAUTHORIZED, 0), ("/remembers", "ada", OK, 1), ("/remembers", {}, UNAUTHORIZED, 0))


def test_sources_identify_in_their_order(gate, api):
    pair = lambda a, b, **more: {"A": a, "B": b, **more}
    check(gate, api,
          ("/pair", pair("a", "bc"), OK, 1), ("/pair", pair("ab", "c"), OK, 1), ("/pair", pair("bc", "a"), OK, 1), ("/pair", pair("a,b", "c"), OK, 1),
          ("/pair", pair("a", "b,c"), OK, 1), ("/pair", pair("a", "bc", C="d"), OK, 0), ("/pair?x=1", pair("a", "bc"), OK, 0),
          ("/pair", {"A": "a"}, UNAUTHORIZED, 0), ("/pair", {"A": "abc"}, UNAUTHORIZED, 0))


def test_an_answer_is_remembered_for_its_time(gate, api):
    check(gate, api, ("/shortly", "ada", OK, 1))
    calls = lambda: gate.functions.count("who", lambda: gate.call(api, "/shortly", "ada"))
    eventually(calls, (1, OK), seconds=5)


def test_a_flush_forgets_one_stage(gate, api):
    check(gate, api, ("/remembers", "ada", OK, 1), ("/pair", {"A": "a", "B": "b"}, OK, 1), ("/remembers", "ada", OK, 1, "beta"))
    flushed = gate.aws.flush_stage_authorizers_cache(restApiId=api, stageName="prod")
    assert flushed["ResponseMetadata"]["HTTPStatusCode"] == 202
    check(gate, api, ("/remembers", "ada", OK, 1), ("/pair", {"A": "a", "B": "b"}, OK, 1), ("/remembers", "ada", OK, 0, "beta"))


def test_a_deployment_forgets_nobody(gate, api):
    check(gate, api, ("/remembers", "ada", OK, 1))
    gate.aws.create_deployment(restApiId=api, stageName="prod")
    check(gate, api, ("/remembers", "ada", OK, 0))


def test_a_changed_authorizer_knows_nobody(gate, api):
    check(gate, api, ("/remembers", "ada", OK, 1))
    found = next(item for item in gate.aws.get_authorizers(restApiId=api)["items"] if item["name"] == "remembers")
    change = {"op": "replace", "path": "/identityValidationExpression", "value": "^a"}
    gate.aws.update_authorizer(restApiId=api, authorizerId=found["id"], patchOperations=[change])
    check(gate, api, ("/remembers", "ada", OK, 0))
    gate.aws.create_deployment(restApiId=api, stageName="prod")
    check(gate, api, ("/remembers", "ada", OK, 1), ("/remembers", "bea", UNAUTHORIZED, 0))


def waiting(functions, gate_event):
    """A function that waits until it is let go."""
    def function(event):
        gate_event.wait(40)
        return output(principal=event["authorizationToken"])

    functions.functions["waits"] = function


@pytest.mark.parametrize("path, most", [("/waits", CORES), ("/waits-always", 20)])
def test_a_crowd_asks_once_a_core(gate, api, functions, path, most):
    let_go = threading.Event()
    waiting(functions, let_go)
    before = len(functions.calls("waits"))
    count = lambda: len(functions.calls("waits")) - before
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(gate.call, api, path, "ada") for _ in range(20)]
        eventually(lambda: count() >= 1, True)
        if most == 20:
            eventually(count, 20)
        let_go.set()
        assert [future.result() for future in answers] == [OK] * 20
    assert 1 <= count() <= most


def test_a_crowd_shares_a_failure_and_nobody_else_does(gate, api, functions):
    let_go = threading.Event()

    def function(event):
        let_go.wait(40)
        raise Failure("Unauthorized" if event["authorizationToken"] == "bad" else "otherwise")

    functions.functions["waits"] = function
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(gate.call, api, "/waits", token) for token in ["bad"] * 10 + ["worse"] * 10]
        eventually(lambda: len({call.event["authorizationToken"] for call in functions.calls("waits")} & {"bad", "worse"}), 2)
        let_go.set()
        assert [future.result() for future in answers] == [UNAUTHORIZED] * 10 + [FAILED] * 10


def test_who_asks_for_all_may_go(gate, api, functions):
    """The function is asked by a client that hangs up; whoever waits behind her is answered all the same."""
    let_go = threading.Event()
    waiting(functions, let_go)
    before = len(functions.calls("waits"))
    first = socket.create_connection(gate.host_and_port)
    first.sendall(f"GET /restapis/{api}/prod/_user_request_/waits HTTP/1.1\r\nHost: x\r\nAuthorization: gone\r\n\r\n".encode())
    eventually(lambda: len(functions.calls("waits")) - before, 1)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(gate.call, api, "/waits", "gone") for _ in range(8)]
        first.close()
        let_go.set()
        assert [future.result() for future in answers] == [OK] * 8


def test_functions_that_keep_callers_waiting(gate, functions):
    """29 seconds are the most (security/lambda-authorizers section 3); both are waited for at once."""
    end = threading.Event()
    functions.functions["hangs"] = lambda event: output() if end.wait(50) else None
    functions.functions["drips"] = lambda event: Raw(None, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") if end.wait(50) else None
    schemes = {name: authorizer(name, source=TOKEN) for name in ("hangs", "drips")}
    api = gate.made({f"/{name}": mock(security=[{name: []}]) for name in schemes}, schemes, "prod")
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda name: gate.call(api, f"/{name}", "ada"), schemes)) == [FAILED] * 2
    finally:
        end.set()
        gate.aws.delete_rest_api(restApiId=api)


def test_keys_that_authorizers_name(gate, functions):
    key, other = "k" * 30, "o" * 30
    named = {"good": key, "other": other, "unknown": "n" * 30, "empty": ""}
    functions.functions["names"] = lambda event: output(**({"usageIdentifierKey": named[event["authorizationToken"]]}
                                                          if event["authorizationToken"] in named else {}))
    schemes = {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}, "names": authorizer("names", source=TOKEN, ttl=300)}
    paths = {"/": mock("$context.identity.apiKey", security=[{"names": [], "key": []}]), "/free": mock(security=[{"names": []}])}
    api = gate.made(paths, schemes, "prod", **{"x-amazon-apigateway-api-key-source": "AUTHORIZER"})
    ask = lambda token, **headers: gate.call(api, "/", {"Authorization": token, **headers})
    assert ask("good") == FORBIDDEN, "there is no such key yet"
    plan = gate.aws.create_usage_plan(name="plan", apiStages=[{"apiId": api, "stage": "prod"}], quota={"limit": 3, "period": "MONTH"})["id"]
    made = gate.aws.create_api_key(value=key, enabled=True)["id"]
    gate.aws.create_usage_plan_key(usagePlanId=plan, keyId=made, keyType="API_KEY")
    gate.aws.create_api_key(value=other, enabled=True)
    limit = error(429, "Limit Exceeded", "LimitExceededException")
    assert [ask("other"), ask("unknown"), ask("empty"), ask("none")] == [FORBIDDEN] * 4
    assert ask("none", **{"x-api-key": key}) == FORBIDDEN, "the header is not asked"
    assert ask("good") == OK
    assert ask("good", **{"x-api-key": "another"}) == OK
    assert gate.call(api, "/free", "unknown") == OK
    assert [ask("good"), ask("good")] == [OK, limit]
    assert len([call for call in functions.calls("names") if call.event["authorizationToken"] == "good"]) == 1, "a remembered answer names it too"
    forget_plans_and_keys(gate.aws)
    gate.aws.delete_rest_api(restApiId=api)


@pytest.mark.parametrize("headers, status, principal", [
    ({"Authorization": "ada"}, 200, "ada"), ({"Authorization": "denied"}, 200, "ada"), ({}, 401, None), ({"Authorization": "fails Unauthorized"}, 401, None),
    ({"Authorization": "fails otherwise"}, 500, None), ({"Authorization": "nothing"}, 500, None)])
def test_an_authorizer_is_tested_by_itself(gate, api, headers, status, principal):
    authorizers = {one["name"]: one["id"] for one in gate.aws.get_authorizers(restApiId=api)["items"]}
    tested = gate.aws.test_invoke_authorizer(restApiId=api, authorizerId=authorizers["forgets"], headers=headers)
    assert (tested["clientStatus"], tested.get("principalId")) == (status, principal)
    assert tested["log"].startswith("Execution log for request ")
    if principal:
        assert json.loads(tested["policy"])["Version"] == "2012-10-17"
        # security/lambda-authorizers section 6: GET of the root, in a stage of its own.
        assert gate.functions.calls("who")[-1].event["methodArn"].endswith(f":{api}/ESTestInvoke-stage/GET/")


def test_an_authorizer_that_is_not_there_is_not_tested(gate, api):
    with pytest.raises(gate.aws.exceptions.NotFoundException):
        gate.aws.test_invoke_authorizer(restApiId=api, authorizerId="nobody", headers={})
