"""Keys, plans, throttles and quotas as the management API has them, enforced on requests."""
import csv
import datetime
import io
import json
import subprocess
import threading

import pytest
import requests

from cases import forget_plans_and_keys, patch
from conftest import Served, WEIR
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
    # Killed: what was written down is there. A change is answered when it is on disk, and all before it.
    served.client().create_api_key(name="later")
    served.process.kill()
    served.process.wait()
    served = Served(tmp_path / "data")
    assert crowd(served, 2) == [429] * 16
    assert used(served.client(), made, key) == [1000, 0]
    assert served.stop() == 0


COLUMNS = ["plan", "plan_name", "key", "key_name", "api", "api_name", "stage", "day", "requests"]


def exported(running, *arguments, fails=None):
    """The rows of `weir usage export`, without plan, key and day."""
    done = subprocess.run([WEIR, "usage", "export", *arguments, "--admin-url", running.admin_url], capture_output=True, timeout=30)
    if fails:
        assert (done.returncode, done.stdout) == (1, b"") and fails in done.stderr.decode()
        return None
    assert done.returncode == 0, done.stderr
    assert KEY.encode() not in done.stdout
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert all(list(row) == COLUMNS for row in rows)
    return [(row["api"], row["api_name"], row["stage"], int(row["requests"])) for row in rows]


def test_usage_is_exported_by_stage(tmp_path):
    served = Served(tmp_path / "data", "--workers", "2")
    aws = served.client()
    apis = sorted((keyed(aws, name), name) for name in ("one, \"quoted\"", "two"))
    first, second = apis
    aws.create_stage(restApiId=first[0], stageName="beta", deploymentId=aws.get_deployments(restApiId=first[0])["items"][0]["id"])
    key = aws.create_api_key(name="ada", value=KEY, enabled=True)["id"]
    made = plan(aws, first[0], key, quota={"limit": 50, "period": "MONTH"})
    for stage in (f"{first[0]}:beta", f"{second[0]}:prod"):
        aws.update_usage_plan(usagePlanId=made, **patch("add", "/apiStages", stage))

    def ask(api, stage, times):
        for _ in range(times):
            url = f"{served.url}/restapis/{api}/{stage}/_user_request_/"
            assert requests.get(url, headers={"x-api-key": KEY}, timeout=10).status_code == 200

    assert exported(served) == []
    ask(first[0], "prod", 3), ask(first[0], "beta", 2), ask(second[0], "prod", 4), ask(first[0], "prod", 1)
    expected = [(*first, "beta", 2), (*first, "prod", 4), (*second, "prod", 4)]
    eventually(lambda: exported(served), expected)
    assert used(aws, made, key) == [10, 40]
    # A stage that leaves the plan keeps what was used of it, also over a restart, and goes on with it when it comes back.
    aws.update_usage_plan(usagePlanId=made, **patch("remove", "/apiStages", f"{first[0]}:prod"))
    ask(second[0], "prod", 1)
    assert served.stop() == 0
    served = Served(tmp_path / "data", "--workers", "2")
    aws = served.client()
    assert exported(served) == [*expected[:2], (*second, "prod", 5)]
    aws.update_usage_plan(usagePlanId=made, **patch("add", "/apiStages", f"{first[0]}:prod"))
    ask(first[0], "prod", 2)
    expected = [(*first, "beta", 2), (*first, "prod", 6), (*second, "prod", 5)]
    eventually(lambda: exported(served), expected)
    # Killed: what was written down is there. A change is answered when it is on disk, and all before it.
    aws.create_api_key(name="later")
    served.process.kill()
    served.process.wait()
    served = Served(tmp_path / "data")
    assert exported(served) == expected
    assert used(served.client(), made, key) == [13, 37]

    today = datetime.datetime.now(datetime.timezone.utc).date()
    yesterday, tomorrow = (str(today + datetime.timedelta(days=days)) for days in (-1, 1))
    assert exported(served, "--from", yesterday, "--to", tomorrow, "--plan", made, "--key", key) == expected
    assert exported(served, "--from", tomorrow) == exported(served, "--to", str(today - datetime.timedelta(days=2))) == []
    file = tmp_path / "usage.json"
    assert subprocess.run([WEIR, "usage", "export", "--format", "json", "--output", file, "--admin-url", served.admin_url], timeout=30).returncode == 0
    rows = json.loads(file.read_text())
    assert [list(row) for row in rows] == [COLUMNS] * 3 and not file.with_suffix(".json.part").exists()
    assert rows[0] | {"day": "?"} == dict(zip(COLUMNS, [made, "plan", key, "ada", first[0], first[1], "beta", "?", 2]))
    exported(served, "--plan", "nobodys", fails="404 Not Found: Invalid Usage Plan ID specified")
    exported(served, "--from", "yesterday", fails="400 Bad Request: Invalid from specified. Must be of the form YYYY-MM-DD")
    exported(served, "--output", "/dev/null", fails="/dev/null is no ordinary file")
    assert served.stop() == 0
    exported(served, fails="cannot be asked")
