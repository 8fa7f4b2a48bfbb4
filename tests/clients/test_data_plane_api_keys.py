"""Keys, plans, throttles and quotas as the management API has them, enforced on requests."""
import datetime
import json
import threading

import pytest
import requests

from cases import forget_plans_and_keys, patch
from conftest import Served
from test_control_plane_lifecycle import call

KEY = "k" * 30
FORBIDDEN = (403, '{"message":"Forbidden"}', "ForbiddenException")
LIMIT = (429, '{"message":"Limit Exceeded"}', "LimitExceededException")
TOO_MANY = (429, '{"message":"Too Many Requests"}', "TooManyRequestsException")
OK = 200


def keyed(aws, name="keys"):
    """`/`, `/slow` and `/open`; the last one asks for no key."""
    def method(needs_key):
        ok = {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}, "responses": {"default": {"statusCode": "200",
              "responseTemplates": {"application/json": "$context.identity.apiKeyId|$context.identity.apiKey"}}}}
        shown = {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": ok}
        return {"get": {**shown, "security": [{"key": []}]} if needs_key else shown}

    scheme = {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    paths = {"/": method(True), "/slow": method(True), "/open": method(False)}
    body = json.dumps({"openapi": "3.0.1", "info": {"title": name, "version": "1"}, "paths": paths, "components": {"securitySchemes": scheme}})
    api = aws.import_rest_api(body=body)["id"]
    aws.create_deployment(restApiId=api, stageName="prod")
    return api


def forget(aws, api):
    forget_plans_and_keys(aws)
    aws.delete_rest_api(restApiId=api)


@pytest.fixture
def api(aws):
    made = keyed(aws)
    yield made
    forget(aws, made)


def told(answer):
    return OK if answer.status_code == 200 else (answer.status_code, answer.text, answer.headers["x-amzn-ErrorType"])


def plan(aws, api, key, **terms):
    stage = {"apiId": api, "stage": "prod", **terms.pop("stage", {})}
    made = aws.create_usage_plan(name="plan", apiStages=[stage], **terms)["id"]
    aws.create_usage_plan_key(usagePlanId=made, keyId=key, keyType="API_KEY")
    return made


def used(aws, plan, key):
    today = str(datetime.datetime.now(datetime.timezone.utc).date())
    return aws.get_usage(usagePlanId=plan, keyId=key, startDate=today, endDate=today)["items"][key][0]


def eventually(look, expected):
    end = datetime.datetime.now() + datetime.timedelta(seconds=10)
    while (found := look()) != expected and datetime.datetime.now() < end:
        threading.Event().wait(0.1)
    assert found == expected


def test_who_has_a_key_that_counts(served, aws, api):
    ask = lambda key=None, path="/": call(served, api, path, headers={"x-api-key": key} if key else {})
    assert [told(ask()), told(ask("")), told(ask("nobody's")), told(ask(path="/open"))] == [FORBIDDEN, FORBIDDEN, FORBIDDEN, OK]
    key = aws.create_api_key(value=KEY)["id"]
    assert told(ask(KEY)) == FORBIDDEN, "neither enabled nor in a plan"
    made = plan(aws, api, key)
    assert told(ask(KEY)) == FORBIDDEN, "not enabled"
    aws.update_api_key(apiKey=key, **patch("replace", "/enabled", "true"))
    answer = ask(KEY)
    assert (told(answer), answer.text) == (OK, f"{key}|{KEY}")
    assert call(served, api, "/", headers={"X-API-KEY": KEY}).status_code == 200
    assert [told(ask(KEY[:-1])), told(ask(KEY + "k")), told(ask(KEY.upper()))] == [FORBIDDEN] * 3
    assert call(served, api, f"/?x-api-key={KEY}").status_code == 403, "never read from the query"
    assert ask("sent anyway", "/open").text == "|sent anyway"
    aws.update_usage_plan(usagePlanId=made, **patch("remove", "/apiStages", f"{api}:prod"))
    assert told(ask(KEY)) == FORBIDDEN, "its plan has not the stage"
    aws.update_usage_plan(usagePlanId=made, **patch("add", "/apiStages", f"{api}:prod"))
    assert told(ask(KEY)) == OK
    aws.update_api_key(apiKey=key, **patch("replace", "/enabled", "false"))
    assert told(ask(KEY)) == FORBIDDEN
    aws.put_gateway_response(restApiId=api, responseType="INVALID_API_KEY", statusCode="418")
    aws.create_deployment(restApiId=api, stageName="prod")
    assert ask(KEY).status_code == 418


def test_quotas_and_throttles(served, aws, api):
    ask = lambda path="/": told(call(served, api, path, headers={"x-api-key": KEY}))
    key = aws.create_api_key(value=KEY, enabled=True)["id"]
    slow = {"/slow/GET": {"rateLimit": 0.001, "burstLimit": 2}}
    made = plan(aws, api, key, stage={"throttle": slow}, throttle={"rateLimit": 0.001, "burstLimit": 5}, quota={"limit": 9, "period": "DAY"})
    assert [ask("/slow") for _ in range(3)] == [OK, OK, TOO_MANY]
    assert [ask() for _ in range(4)] == [OK, OK, OK, TOO_MANY]
    eventually(lambda: used(aws, made, key), [5, 4])
    aws.update_usage_plan(usagePlanId=made, patchOperations=[{"op": "remove", "path": "/throttle"}])
    assert [ask() for _ in range(5)] == [OK] * 4 + [LIMIT]
    assert told(call(served, api, "/open", headers={"x-api-key": KEY})) == OK, "a method without a key uses nothing"
    eventually(lambda: used(aws, made, key), [9, 0])
    assert aws.update_usage(usagePlanId=made, keyId=key, **patch("replace", "/remaining", "2"))["items"] == {key: [[9, 2]]}
    assert [ask() for _ in range(3)] == [OK, OK, LIMIT]
    eventually(lambda: used(aws, made, key), [11, 0])
    # A larger limit: what was used stays used.
    aws.update_usage_plan(usagePlanId=made, **patch("replace", "/quota/limit", "10"))
    assert [ask() for _ in range(2)] == [OK, LIMIT]


def test_a_quota_is_exact_over_cores_and_restarts(tmp_path):
    served = Served(tmp_path / "data", "--workers", "2")
    aws = served.client()
    api = keyed(aws)
    key = aws.create_api_key(value=KEY, enabled=True)["id"]
    made = plan(aws, api, key, quota={"limit": 1000, "period": "MONTH"})

    def hit(running, times, counts):
        with requests.Session() as session:
            for _ in range(times):
                answer = session.get(f"{running.url}/restapis/{api}/prod/_user_request_/", headers={"x-api-key": KEY}, timeout=10)
                counts.append(answer.status_code)

    def crowd(running, times):
        counts = []
        threads = [threading.Thread(target=hit, args=(running, times, counts)) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return counts

    first = crowd(served, 60)
    assert first == [200] * 480
    assert served.stop() == 0
    served = Served(tmp_path / "data", "--workers", "2")
    second = crowd(served, 100)
    assert (second.count(200), second.count(429)) == (520, 280)
    eventually(lambda: used(served.client(), made, key), [1000, 0])
    # Killed: what was written down a second ago is there.
    served.process.kill()
    served.process.wait()
    served = Served(tmp_path / "data")
    assert crowd(served, 2) == [429] * 16
    assert used(served.client(), made, key) == [1000, 0]
    assert served.stop() == 0
