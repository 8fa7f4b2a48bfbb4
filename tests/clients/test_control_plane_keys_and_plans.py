"""API keys, usage plans, what ties them, and usage."""
import datetime

import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, forget_plans_and_keys, missing, pages, patch

NO_PLAN = missing("Invalid Usage Plan ID specified")
NO_KEY = missing("Invalid API Key identifier specified")
VALUE = "0123456789abcdefghij"


@pytest.fixture
def staged(aws, known):
    owner = {"restApiId": known["api"], "resourceId": known["root"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    aws.create_deployment(restApiId=known["api"], stageName="prod")
    aws.create_deployment(restApiId=known["api"], stageName="test")
    yield known
    forget_plans_and_keys(aws)


def update_key(op, path, value, expected):
    return "update_api_key", {"apiKey": "<key>", **patch(op, path, value)}, expected


def update(op, path, value, expected):
    return "update_usage_plan", {"usagePlanId": "<plan>", **patch(op, path, value)}, expected


def test_api_keys(aws, staged):
    listed = "Must be one of: [/description, /enabled, /name, /customerId]"
    operations, violated = bad_ops("ApiKey")
    check(aws, staged, [
        ("create_api_key", {}, {"id": lambda id: len(id) == 10, "value": lambda value: len(value) == 40 and value.isalnum(), "enabled": False,
                                "stageKeys": lambda found: found == [], "name": ABSENT, "createdDate": lambda date: isinstance(date, datetime.datetime),
                                "lastUpdatedDate": lambda date: date}, {"bare": "id"}),
        ("create_api_key", {"name": "apple", "description": "d", "enabled": True, "value": VALUE, "customerId": "c", "tags": {"A": "1"},
                            "stageKeys": [{"restApiId": "<api>", "stageName": "prod"}]},
         {"name": "apple", "description": "d", "enabled": True, "value": VALUE, "customerId": "c", "tags": {"A": "1"}, "stageKeys": [f"{staged['api']}/prod"]},
         {"key": "id"}),
        ("create_api_key", {"name": "apricot"}, {}, {"third": "id"}),
        ("create_api_key", {"name": "", "value": ""}, {"value": lambda value: len(value) == 40, "name": ABSENT}),
        ("create_api_key", {"value": VALUE}, conflict("API Key already exists")),
        ("create_api_key", {"value": "x" * 19}, bad("API Key value should be at least 20 characters")),
        ("create_api_key", {"value": "x" * 129}, bad("API Key value exceeds maximum size of 128 characters")),
        ("create_api_key", {"name": "x" * 1025}, bad("Invalid API Key name, can be at most 1024 characters.")),
        ("create_api_key", {"description": "x" * 125001}, bad("Invalid API Key description specified.")),
        ("create_api_key", {"stageKeys": [{"restApiId": "<api>", "stageName": "nobody"}]}, missing()),
        ("create_api_key", {"enabled": "true"}, Refused("SerializationException", ANY)),
        ("get_api_key", {"apiKey": "<key>"}, {"value": ABSENT, "name": "apple"}),
        ("get_api_key", {"apiKey": "<key>", "includeValue": True}, {"value": VALUE}),
        ("get_api_keys", {}, {"items": lambda items: all("value" not in item for item in items)
                              and [item.get("name") for item in items] == [None, "apricot", "apple", None]}),
        ("get_api_keys", {"includeValues": True}, {"items": lambda items: all(item["value"] for item in items)}),
        ("get_api_keys", {"nameQuery": "ap"}, {"items": lambda items: [item["name"] for item in items] == ["apricot", "apple"]}),
        ("get_api_keys", {"nameQuery": "AP"}, {"items": lambda items: items == []}),
        ("get_api_keys", {"customerId": "c"}, {"items": lambda items: [item["name"] for item in items] == ["apple"]}),
        ("get_api_keys", {"limit": -1}, {"items": lambda items: len(items) == 4}),
        update_key("replace", "/name", "pear", {"name": "pear", "tags": {"A": "1"}}),
        update_key("replace", "/description", "new", {"description": "new"}),
        update_key("replace", "/enabled", "no", {"enabled": False}),
        update_key("replace", "/enabled", "True", {"enabled": True}),
        update_key("replace", "/customerId", "me", {"customerId": "me"}),
        update_key("add", "/stages", "<api>/test", {"stageKeys": [f"{staged['api']}/prod", f"{staged['api']}/test"]}),
        update_key("remove", "/stages", "<api>/prod", {"stageKeys": [f"{staged['api']}/test"]}),
        update_key("add", "/stages", "<api>/nobody", missing()),
        update_key("replace", "/nothing", "x", bad(f"Invalid patch path  '/nothing' specified for op 'replace'. {listed}")),
        *[update_key(op, path, "x", bad(f"Invalid patch path  '{path}' specified for op '{op}'. Please choose supported operations"))
          for op in ("add", "remove", "copy", "move", "test") for path in ("/name", "/description", "/enabled", "/customerId")],
        ("update_api_key", {"apiKey": "<key>", **operations}, violated),
        *[(operation, {"apiKey": "nothere123", **more}, NO_KEY) for operation, more in (
            ("get_api_key", {}), ("delete_api_key", {}), ("update_api_key", patch("replace", "/name", "x")))],
    ])
    pages(aws, "get_api_keys", {}, "id", 4)
    check(aws, staged, [
        ("delete_api_key", {"apiKey": "<key>"}, {}),
        ("delete_api_key", {"apiKey": "<key>"}, NO_KEY),
        ("get_api_key", {"apiKey": "<key>"}, NO_KEY),
    ])


def test_api_keys_are_imported(aws, staged):
    rows = f"Key,NAME,description,Enabled,other,usageplanIds\n{VALUE},a,d,false,x,\n{VALUE}x,b,,,,\"<plan>\"\n"
    check(aws, staged, [
        ("create_usage_plan", {"name": "p"}, {}, {"plan": "id"}),
    ])
    rows = rows.replace("<plan>", staged["plan"]).encode()
    check(aws, staged, [
        ("import_api_keys", {"format": "csv", "body": rows}, {"ids": lambda ids: len(ids) == 2, "warnings": lambda found: isinstance(found, list)}),
        ("get_api_keys", {"includeValues": True}, {"items": lambda items: sorted((item["name"], item["value"], item["enabled"]) for item in items)
                                                    == [("a", VALUE, False), ("b", VALUE + "x", True)]}),
        ("get_usage_plan_keys", {"usagePlanId": "<plan>"}, {"items": lambda items: [item["name"] for item in items] == ["b"]}),
        # The same value again is the same key.
        ("import_api_keys", {"format": "csv", "body": f"name,key\nnew,{VALUE}\n".encode()}, {"ids": lambda ids: len(ids) == 1}),
        ("get_api_keys", {}, {"items": lambda items: sorted(item["name"] for item in items) == ["b", "new"]}),
        ("import_api_keys", {"format": "tsv", "body": rows}, Refused("ValidationException", ANY)),
        ("import_api_keys", {"format": "csv", "body": b"name\na\n"}, bad()),
    ])


def test_usage_plans(aws, staged):
    stage, other = f"{staged['api']}:prod", f"{staged['api']}:test"
    operations, violated = bad_ops("UsagePlan")

    def remove_unknown(text, api, name):
        return update("remove", "/apiStages", text, missing(f"Invalid API Stage {{api: {api}, stage: {name}}} specified for usageplan <plan>"))

    throttled = {"apiStages": lambda found: {one["stage"]: one.get("throttle") for one in found} == {
        "prod": {"/pets/GET": {"rateLimit": 3.0, "burstLimit": 2}}}}
    check(aws, staged, [
        ("create_usage_plan", {"name": "p"}, {"id": lambda id: len(id) == 6, "apiStages": lambda found: found == [], "quota": ABSENT,
                                              "throttle": ABSENT, "description": ABSENT, "tags": ABSENT}, {"plan": "id"}),
        ("create_usage_plan", {"name": "full", "description": "d", "tags": {"A": "1"}, "throttle": {"burstLimit": 5, "rateLimit": 10},
                               "quota": {"limit": 7, "period": "DAY"}, "apiStages": [{"apiId": "<api>", "stage": "prod"}]},
         {"description": "d", "throttle": {"burstLimit": 5, "rateLimit": 10.0}, "quota": {"limit": 7, "offset": 0, "period": "DAY"},
          "apiStages": [{"apiId": staged["api"], "stage": "prod"}], "tags": {"A": "1"}}, {"full": "id"}),
        ("create_usage_plan", {"name": "third"}, {}, {"third": "id"}),
        ("create_usage_plan", {}, Refused("ValidationException", ANY)),
        ("create_usage_plan", {"name": "x", "apiStages": [{"apiId": "<api>", "stage": "nobody"}]}, missing()),
        ("create_usage_plan", {"name": "x", "quota": {"limit": 7, "period": "YEAR"}}, Refused("ValidationException", ANY)),
        *[("create_usage_plan", {"name": "x", "quota": quota}, bad()) for quota in (
            {"limit": 7, "period": "DAY", "offset": 1}, {"limit": 7, "period": "WEEK", "offset": 7}, {"limit": 7, "period": "MONTH", "offset": 28}, {"limit": -1, "period": "DAY"})],
        ("get_usage_plan", {"usagePlanId": "<plan>"}, {"tags": lambda found: found == {}, "name": "p"}),
        ("get_usage_plans", {}, {"items": lambda items: sorted(item["name"] for item in items) == ["full", "p", "third"]}),
        update("replace", "/name", "renamed", {"name": "renamed"}),
        update("replace", "/description", "new", {"description": "new"}),
        *[update(op, "/productCode", "code", {"productCode": "code"}) for op in ("add", "replace")],
        update("remove", "/productCode", None, {"productCode": ABSENT}),
        update("replace", "/throttle/burstLimit", "5", {"throttle": {"burstLimit": 5}}),
        update("add", "/throttle/rateLimit", "7.5", {"throttle": {"burstLimit": 5, "rateLimit": 7.5}}),
        update("replace", "/throttle/rateLimit", "x", bad()),
        update("remove", "/throttle/rateLimit", None, bad()),
        update("remove", "/throttle", None, {"throttle": ABSENT}),
        ("update_usage_plan", {"usagePlanId": "<plan>", "patchOperations": [
            {"op": "replace", "path": "/quota/limit", "value": "100"}, {"op": "add", "path": "/quota/period", "value": "MONTH"},
            {"op": "replace", "path": "/quota/offset", "value": "3"}]}, {"quota": {"limit": 100, "period": "MONTH", "offset": 3}}),
        update("replace", "/quota/period", "YEAR", bad()),
        update("remove", "/quota/limit", None, bad()),
        update("remove", "/quota", None, {"quota": ABSENT}),
        update("add", "/apiStages", stage, {"apiStages": [{"apiId": staged["api"], "stage": "prod"}]}),
        update("add", "/apiStages", "nonsense", bad("Invalid API Stage specified")),
        update("remove", "/apiStages", "nonsense", bad("Invalid API Stage specified")),
        remove_unknown(other, staged["api"], "test"),
        remove_unknown("nothere123:prod", "nothere123", "prod"),
        update("replace", "/apiStages", stage, bad()),
        update("replace", f"/apiStages/{stage}/throttle/~1pets/GET/rateLimit", "3", {}),
        update("add", f"/apiStages/{stage}/throttle//pets/GET/burstLimit", "2", throttled),
        update("remove", f"/apiStages/{stage}/throttle/~1pets/GET", None, {"apiStages": lambda found: not found[0].get("throttle")}),
        update("replace", f"/apiStages/{stage}/throttle//pets/GET/rateLimit", "3", {}),
        update("remove", f"/apiStages/{stage}/throttle", None, {"apiStages": lambda found: not found[0].get("throttle")}),
        update("replace", f"/apiStages/{other}/throttle/~1pets/GET/rateLimit", "3", Refused("NotFoundException", ANY)),
        *[update(op, path, "x", bad()) for op in ("add", "remove", "copy", "move", "test") for path in ("/name", "/description")],
        update("replace", "/nothing", "x", bad()),
        ("update_usage_plan", {"usagePlanId": "<plan>", **operations}, violated),
        # A stage that a plan has stays.
        ("delete_stage", {"restApiId": "<api>", "stageName": "prod"}, bad()),
        update("remove", "/apiStages", stage, {"apiStages": lambda found: found == []}),
        *[(operation, {"usagePlanId": "abcdef", **more}, NO_PLAN) for operation, more in (
            ("get_usage_plan", {}), ("delete_usage_plan", {}), ("update_usage_plan", patch("replace", "/name", "x")))],
    ])
    pages(aws, "get_usage_plans", {}, "id", 3)
    check(aws, staged, [
        ("delete_usage_plan", {"usagePlanId": "<plan>"}, {}),
        ("delete_usage_plan", {"usagePlanId": "<plan>"}, NO_PLAN),
        ("get_usage_plan", {"usagePlanId": "<plan>"}, NO_PLAN),
    ])


def test_keys_of_usage_plans_and_their_usage(aws, staged):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    span = {"startDate": str(today - datetime.timedelta(days=1)), "endDate": str(today)}
    tie = {"usagePlanId": "<plan>", "keyId": "<key>"}
    quota = {"limit": 10, "period": "DAY"}
    check(aws, staged, [
        ("create_usage_plan", {"name": "p", "quota": quota, "apiStages": [{"apiId": "<api>", "stage": "prod"}]}, {}, {"plan": "id"}),
        ("create_usage_plan", {"name": "q", "apiStages": [{"apiId": "<api>", "stage": "prod"}]}, {}, {"second": "id"}),
        *[("create_api_key", {"name": name, "enabled": True}, {}, {name: "id"}) for name in ("key", "other", "third")],
        *[("create_usage_plan_key", {"usagePlanId": "<plan>", "keyId": f"<{name}>", "keyType": "API_KEY"},
           {"id": f"<{name}>", "type": "API_KEY", "name": name, "value": lambda value: len(value) == 40}) for name in ("key", "other", "third")],
        ("create_usage_plan_key", {**tie, "keyType": "API_KEY"}, conflict()),
        # One plan for one key and stage.
        ("create_usage_plan_key", {**tie, "usagePlanId": "<second>", "keyType": "API_KEY"}, conflict()),
        ("create_usage_plan_key", {**tie, "keyType": "PASSWORD"}, bad()),
        ("create_usage_plan_key", {**tie, "keyId": "nothere123", "keyType": "API_KEY"}, missing()),
        ("create_usage_plan_key", {**tie, "usagePlanId": "abcdef", "keyType": "API_KEY"}, NO_PLAN),
        ("get_usage_plan_key", tie, {"id": "<key>", "name": "key"}),
        ("get_usage_plan_keys", {"usagePlanId": "<plan>"}, {"items": lambda items: [item["name"] for item in items] == ["third", "other", "key"]}),
        ("get_usage_plan_keys", {"usagePlanId": "<plan>", "nameQuery": "oth"}, {"items": lambda items: [item["name"] for item in items] == ["other"]}),
        # Recorded: no error.
        ("get_usage_plan_keys", {"usagePlanId": "abcdef"}, {"items": lambda items: items == []}),
        ("get_usage_plans", {"keyId": "<key>"}, {"items": lambda items: [item["name"] for item in items] == ["p"]}),
        ("get_usage", {"usagePlanId": "<plan>", **span}, {**span, "usagePlanId": "<plan>", "items": lambda items: isinstance(items, dict)}),
        ("get_usage", {"usagePlanId": "<plan>", "keyId": "<key>", **span}, {"items": {"<key>": lambda days: len(days) == 2}}),
        ("get_usage", {"usagePlanId": "abcdef", **span}, NO_PLAN),
        ("get_usage", {"usagePlanId": "<plan>", **span, "startDate": "yesterday"}, bad()),
        ("get_usage", {"usagePlanId": "<plan>", "startDate": str(today - datetime.timedelta(days=100)), "endDate": str(today)}, bad()),
        ("get_usage", {"usagePlanId": "<plan>", "startDate": span["endDate"], "endDate": span["startDate"]}, bad()),
        ("update_usage", {**tie, **patch("replace", "/remaining", "4")}, {"usagePlanId": "<plan>", "items": lambda items: [days[-1] for days in items.values()] == [[0, 4]]}),
        ("update_usage", {**tie, **patch("replace", "/remaining", "x")}, bad()),
        ("update_usage", {**tie, **patch("replace", "/nothing", "4")}, bad()),
        *[("update_usage", {**tie, **patch(op, "/remaining", "4")}, bad()) for op in ("add", "remove", "copy", "move", "test")],
    ])
    pages(aws, "get_usage_plan_keys", {"usagePlanId": staged["plan"]}, "id", 3)
    check(aws, staged, [
        ("delete_usage_plan_key", tie, {}),
        ("delete_usage_plan_key", tie, missing()),
        ("get_usage_plan_key", tie, missing()),
    ])
