"""Deployments and stages, canaries and method settings among them."""
import datetime

import pytest

from cases import ABSENT, ANY, Refused, bad, bad_ops, check, conflict, missing, pages, patch

NO_DEPLOYMENT = missing("Invalid Deployment identifier specified")
NO_STAGE = missing("Invalid Stage identifier specified")
NONE_SUCH = bad("Deployment id does not exist")
STAGE = {"restApiId": "<api>", "stageName": "prod"}
PATHS = (
    "/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, "
    "/accessLogSettings/destinationArn, /accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, "
    "/{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, "
    "/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit"
    "/{resourcePath}/{httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, "
    "/{resourcePath}/{httpMethod}/caching/dataEncrypted, /{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "
    "/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, /*/*/logging/dataTrace, "
    "/*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit /*/*/caching/ttlInSeconds, /*/*/caching/enabled, "
    "/*/*/caching/dataEncrypted, /*/*/caching/requireAuthorizationForCacheControl, "
    "/*/*/caching/unauthorizedCacheControlHeaderStrategy, /variables/{variable_name}, /tracingEnabled")
DEFAULTS = {"metricsEnabled": False, "dataTraceEnabled": False, "throttlingBurstLimit": 5000, "throttlingRateLimit": 10000.0,
            "cachingEnabled": False, "cacheTtlInSeconds": 300, "cacheDataEncrypted": False, "requireAuthorizationForCacheControl": True,
            "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER"}


@pytest.fixture
def deployable(aws, known):
    owner = {"restApiId": known["api"], "resourceId": known["root"], "httpMethod": "GET"}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:9/")
    for name in ("first", "second"):
        known[name] = aws.create_deployment(restApiId=known["api"], description=name)["id"]
    return known


@pytest.fixture
def staged(aws, deployable):
    aws.create_stage(restApiId=deployable["api"], stageName="prod", deploymentId=deployable["first"])
    return deployable


@pytest.fixture
def logging(aws):
    aws.update_account(**patch("replace", "/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/logs"))
    yield
    aws.update_account(**patch("replace", "/cloudwatchRoleArn", ""))


def deploy(expected, **members):
    return "create_deployment", {"restApiId": "<api>", **members}, expected


def create(expected, name="new", **members):
    return "create_stage", {"restApiId": "<api>", "stageName": name, "deploymentId": "<first>", **members}, expected


def update(op, path, value, expected, source=None):
    return "update_stage", {**STAGE, **patch(op, path, value, source)}, expected


def test_deployments(aws, deployable):
    one = {"restApiId": "<api>", "deploymentId": "<first>"}
    operations, violated = bad_ops("Deployment")
    content = "Invalid deployment content specified."
    canary = {"percentTraffic": 10.0}
    check(aws, deployable, [
        ("get_deployment", one, {"description": "first", "createdDate": lambda date: isinstance(date, datetime.datetime), "apiSummary": ABSENT}),
        ("get_deployment", {**one, "embed": ["apisummary"]}, {"apiSummary": {"/": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}}),
        ("update_deployment", {**one, **patch("replace", "/description", "new")}, {"description": "new"}),
        *[("update_deployment", {**one, **patch(op, "/description", "x")}, bad()) for op in ("add", "remove", "copy", "move", "test")],
        ("update_deployment", {**one, **patch("replace", "/nothing", "x")}, bad()),
        ("update_deployment", {**one, **operations}, violated),
        ("update_deployment", {**one, "deploymentId": "abcdef", **patch("replace", "/description", "x")}, NO_DEPLOYMENT),
        ("get_deployment", {**one, "deploymentId": "abcdef"}, NO_DEPLOYMENT),
        ("delete_deployment", {**one, "deploymentId": "abcdef"}, NO_DEPLOYMENT),
        deploy({"id": lambda id: len(id) == 6, "description": ABSENT}),
        deploy({"description": ""}, description=""),
        # With a stage: made, then pointed at the new one.
        ("create_deployment", {**STAGE, "stageDescription": "s", "variables": {"a": "b"}, "tracingEnabled": True}, {"id": lambda id: id}, {"third": "id"}),
        ("get_stage", STAGE, {"deploymentId": "<third>", "description": "s", "variables": {"a": "b"}, "tracingEnabled": True}),
        ("create_deployment", STAGE, {}, {"fourth": "id"}),
        ("get_stage", STAGE, {"deploymentId": "<fourth>", "variables": {"a": "b"}}),
        deploy(bad(content + "Non null and non empty stageName must be provided for canary deployment. Provided value is null"), canarySettings=canary),
        deploy(bad(content + "Non null and non empty stageName must be provided for canary deployment. Provided value is "), canarySettings=canary, stageName=""),
        deploy(bad(content + "Stage nobody must already be created before making a canary release deployment"), canarySettings=canary, stageName="nobody"),
        ("create_deployment", {**STAGE, "canarySettings": canary}, {}, {"fifth": "id"}),
        ("get_stage", STAGE, {"deploymentId": "<fourth>", "canarySettings": {"deploymentId": "<fifth>", "percentTraffic": 10.0, "useStageCache": False}}),
        ("delete_deployment", {**one, "deploymentId": "<fourth>"}, bad("Active stages pointing to this deployment must be moved or deleted")),
        ("delete_deployment", {**one, "deploymentId": "<fifth>"}, bad("Active stages with canary settings pointing to this deployment must be moved or deleted")),
        deploy(bad("Stage name only allows a-zA-Z0-9_"), stageName="a b"),
    ])
    pages(aws, "get_deployments", {"restApiId": deployable["api"]}, "id", 7)
    check(aws, deployable, [
        ("delete_stage", STAGE, {}),
        ("delete_deployment", {**one, "deploymentId": "<fifth>"}, {}),
        ("delete_deployment", one, {}),
        ("delete_deployment", one, NO_DEPLOYMENT),
        ("get_deployment", one, NO_DEPLOYMENT),
    ])


def test_what_cannot_be_deployed(aws, known):
    owner = {"restApiId": "<api>", "resourceId": "<root>", "httpMethod": "GET"}
    check(aws, known, [
        deploy(bad("The REST API doesn't contain any methods")),
        ("put_method", {**owner, "authorizationType": "NONE"}, {}),
        deploy(bad("No integration defined for method")),
        ("put_integration", {**owner, "type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "http://127.0.0.1:9/"}, {}),
        ("update_rest_api", {"restApiId": "<api>", **patch("replace", "/endpointConfiguration/types/EDGE", "PRIVATE")}, {}),
        deploy(bad("Private REST API doesn't have a resource policy attached to it")),
        ("update_rest_api", {"restApiId": "<api>", **patch("replace", "/endpointConfiguration/types/PRIVATE", "EDGE")}, {}),
        deploy({}),
    ])


def test_stages_from_creation_to_deletion(aws, deployable):
    full = {"description": "d", "variables": {"a": "-._~:/?#&=,"}, "tracingEnabled": True, "tags": {"A": "1"}}
    check(aws, deployable, [
        create({"stageName": "new", "deploymentId": "<first>", "cacheClusterEnabled": False, "cacheClusterStatus": "NOT_AVAILABLE",
                "methodSettings": lambda found: found == {}, "tracingEnabled": False, "variables": ABSENT, "tags": ABSENT, "description": ABSENT,
                "createdDate": lambda date: isinstance(date, datetime.datetime), "lastUpdatedDate": lambda date: date}),
        create(conflict("Stage already exists")),
        create(full, "full", **full),
        create({"canarySettings": {"percentTraffic": 0.0, "useStageCache": False, "deploymentId": "<first>"}}, "canary", canarySettings={}),
        create({"canarySettings": {"percentTraffic": 50.0, "deploymentId": "<second>"}}, "half", canarySettings={"percentTraffic": 50, "deploymentId": "<second>"}),
        ("get_stage", {"restApiId": "<api>", "stageName": "full"}, full),
        create(NONE_SUCH, "other", deploymentId="abcdef"),
        create(NONE_SUCH, "other", canarySettings={"deploymentId": "abcdef"}),
        *[create(bad("Stage name only allows a-zA-Z0-9_"), name) for name in ("a b", "a/b", "é", "a.b", "$default")],
        create(bad(), "other", variables={"a b": "c"}),
        create(bad(), "other", variables={"a": "b c"}),
        create(bad(), "other", variables={"a": "b" * 513}),
        create(bad(), "other", variables={"a" * 65: "b"}),
        create(Refused("LimitExceededException", ANY), "other", variables={f"v{n}": "b" for n in range(101)}),
        create(bad(), "other", canarySettings={"percentTraffic": 101}),
        create(Refused("ValidationException", ANY), "other", cacheClusterSize="7"),
        create(bad(), "other", tags={"aws:a": "b"}),
        ("create_stage", {"restApiId": "<api>", "stageName": "other"}, Refused("ValidationException", ANY)),
        ("get_stages", {"restApiId": "<api>"}, {"item": lambda items: sorted(item["stageName"] for item in items) == ["canary", "full", "half", "new"]}),
        ("get_stages", {"restApiId": "<api>", "deploymentId": "<second>"}, {"item": lambda items: [item["stageName"] for item in items] == ["half"]}),
        ("get_stages", {"restApiId": "nothere123"}, missing("Invalid API identifier specified <account>:nothere123")),
        ("flush_stage_cache", {"restApiId": "<api>", "stageName": "full"}, {}),
        ("flush_stage_authorizers_cache", {"restApiId": "<api>", "stageName": "full"}, {}),
        *[(operation, {"restApiId": "<api>", "stageName": "nobody", **more}, NO_STAGE) for operation, more in (
            ("get_stage", {}), ("delete_stage", {}), ("flush_stage_cache", {}), ("flush_stage_authorizers_cache", {}),
            ("update_stage", patch("replace", "/description", "x")), ("get_export", {"exportType": "oas30"}), ("get_sdk", {"sdkType": "javascript"}))],
        *[row for name in ("new", "full", "canary", "half") for row in (
            ("delete_stage", {"restApiId": "<api>", "stageName": name}, {}), ("delete_stage", {"restApiId": "<api>", "stageName": name}, NO_STAGE))],
        ("get_stages", {"restApiId": "<api>"}, {"item": lambda items: items == []}),
    ])


def test_stages_are_patched(aws, staged, logging):
    log = "arn:aws:logs:us-east-1:000000000000:log-group:x"
    log_paths = bad("Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, /accessLogSettings/format]")
    operations, violated = bad_ops("Stage")

    def unknown(path):
        return bad(f"Invalid method setting path: {path}. Must be one of: [{PATHS}]")

    def no_setting(part):
        return bad(f"Cannot remove method setting {part} because there is no method setting for this method ")

    check(aws, staged, [
        update("replace", "/deploymentId", "<second>", {"deploymentId": "<second>"}),
        update("replace", "/deploymentId", "abcdef", NONE_SUCH),
        update("replace", "/description", "d", {"description": "d"}),
        update("replace", "/tracingEnabled", "true", {"tracingEnabled": True}),
        update("replace", "/tracingEnabled", "no", {"tracingEnabled": False}),
        update("replace", "/cacheClusterEnabled", "false", {"cacheClusterEnabled": False}),
        update("replace", "/cacheClusterSize", "7", bad()),
        update("replace", "/clientCertificateId", "abcdef", bad()),
        update("replace", "/clientCertificateId", "", {"clientCertificateId": ABSENT}),
        update("replace", "/documentationVersion", "nobody", missing("Invalid Documentation version specified")),
        ("create_documentation_part", {"restApiId": "<api>", "location": {"type": "API"}, "properties": "{}"}, {}),
        ("create_documentation_version", {"restApiId": "<api>", "documentationVersion": "1"}, {}),
        update("replace", "/documentationVersion", "1", {"documentationVersion": "1"}),
        update("replace", "/variables/a", "b", {"variables": {"a": "b"}}),
        update("add", "/variables/c", "d", {"variables": {"a": "b", "c": "d"}}),
        update("remove", "/variables/a", None, {"variables": lambda found: found == {"c": "d"}}),
        update("replace", "/variables/c", "e f", bad()),
        update("remove", "/variables/c", None, {"variables": ABSENT}),
        update("replace", "/accessLogSettings/destinationArn", log, {"accessLogSettings": {"destinationArn": log}}),
        update("add", "/accessLogSettings/format", "$context.requestId", {"accessLogSettings": {"destinationArn": log, "format": "$context.requestId"}}),
        update("replace", "/accessLogSettings/format", "", bad("Access Log value must not be empty")),
        update("replace", "/accessLogSettings/destinationArn", None, bad("Access Log value must not be empty")),
        update("replace", "/accessLogSettings/nothing", "x", log_paths),
        update("add", "/accessLogSettings", "x", log_paths),
        update("remove", "/accessLogSettings/format", None, no_setting("accessLogSettings/format")),
        update("remove", "/accessLogSettings", None, {"accessLogSettings": ABSENT}),
        *[update("replace", path, "x", unknown(path)) for path in (
            "/nothing", "/tags/x", "/*/*/nothing", "/*/*/logging/nothing", "/stageName", "/variables", "/test/GET/metrics")],
        ("update_stage", {**STAGE, **operations}, violated),
        ("update_stage", {**STAGE, "stageName": "nobody", **operations}, violated),
    ])


def test_method_settings(aws, staged, logging):
    def setting(path, value, member, expected):
        return update("replace", f"/*/*/{path}", value, {"methodSettings": {"*/*": {member: expected}}})

    loglevels = [setting("logging/loglevel", level, "loggingLevel", level) for level in ("ERROR", "INFO", "OFF")]
    check(aws, staged, [
        setting("metrics/enabled", "true", "metricsEnabled", True),
        ("get_stage", STAGE, {"methodSettings": lambda found: set(found) == {"*/*"} and {
            name: value for name, value in found["*/*"].items() if name in DEFAULTS} == {**DEFAULTS, "metricsEnabled": True}}),
        setting("logging/dataTrace", "true", "dataTraceEnabled", True),
        *loglevels,
        update("replace", "/*/*/logging/loglevel", "LOUD", bad()),
        setting("throttling/burstLimit", "7", "throttlingBurstLimit", 7),
        setting("throttling/rateLimit", "100.000000", "throttlingRateLimit", 100.0),
        setting("throttling/burstLimit", "-1", "throttlingBurstLimit", -1),
        setting("throttling/rateLimit", "-1", "throttlingRateLimit", -1.0),
        update("replace", "/*/*/throttling/burstLimit", "x", bad()),
        update("replace", "/*/*/throttling/rateLimit", "x", bad()),
        setting("caching/enabled", "false", "cachingEnabled", False),
        setting("caching/ttlInSeconds", "0", "cacheTtlInSeconds", 0),
        update("replace", "/*/*/caching/ttlInSeconds", "3601", bad()),
        update("replace", "/*/*/caching/ttlInSeconds", "x", bad()),
        setting("caching/dataEncrypted", "true", "cacheDataEncrypted", True),
        setting("caching/requireAuthorizationForCacheControl", "false", "requireAuthorizationForCacheControl", False),
        *[setting("caching/unauthorizedCacheControlHeaderStrategy", value, "unauthorizedCacheControlHeaderStrategy", value)
          for value in ("FAIL_WITH_403", "SUCCEED_WITHOUT_RESPONSE_HEADER", "SUCCEED_WITH_RESPONSE_HEADER")],
        update("replace", "/*/*/caching/unauthorizedCacheControlHeaderStrategy", "x", bad()),
        # Every spelling of a path is kept as it was written, with the defaults and not what `*/*` has.
        *[update("replace", f"/{key}/throttling/burstLimit", "3", {"methodSettings": {key: {
            "throttlingBurstLimit": 3, "throttlingRateLimit": 10000.0, "metricsEnabled": False}}})
          for key in ("test/GET", "~1pets~1{id}/GET", "pets/{id}/GET")],
        *[update(op, "/*/*/metrics/enabled", "true", bad()) for op in ("add", "move", "test")],
        update("remove", "/test/GET", None, {"methodSettings": {"test/GET": ABSENT, "*/*": lambda found: found}}),
        update("remove", "/test/GET", None, bad("Cannot remove method setting test/GET because there is no method setting for this method ")),
        update("remove", "/*/*", None, {"methodSettings": {"*/*": ABSENT}}),
    ])


def test_logs_need_a_role(aws, staged):
    role = bad("CloudWatch Logs role ARN must be set in account settings to enable logging")
    check(aws, staged, [
        update("replace", "/*/*/logging/loglevel", "INFO", role),
        update("replace", "/accessLogSettings/destinationArn", "arn:aws:logs:us-east-1:000000000000:log-group:x", role),
    ])


def test_canaries(aws, staged):
    copies = ("Invalid copy operation with path: {} and from {}. Valid copy:path are [/deploymentId, /variables] and valid copy:from are "
              "[/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]")
    promoted = ("/canarySettings/deploymentId", "/canarySettings/stageVariableOverrides")
    check(aws, staged, [
        update("copy", "/deploymentId", None, bad("Promotion not available. Canary does not exist."), promoted[0]),
        update("copy", "/variables", None, bad("Promotion not available. Canary does not exist."), promoted[1]),
        # Made with its defaults by whatever comes first.
        update("replace", "/canarySettings/percentTraffic", "12.5", {"canarySettings": {
            "percentTraffic": 12.5, "useStageCache": False, "deploymentId": "<first>"}}),
        update("replace", "/canarySettings/percentTraffic", "101", bad()),
        update("replace", "/canarySettings/percentTraffic", "x", bad()),
        update("replace", "/canarySettings/deploymentId", "<second>", {"canarySettings": {"deploymentId": "<second>"}, "deploymentId": "<first>"}),
        update("replace", "/canarySettings/deploymentId", "abcdef", NONE_SUCH),
        update("replace", "/canarySettings/useStageCache", "true", {"canarySettings": {"useStageCache": True}}),
        update("replace", "/canarySettings/stageVariableOverrides/a", "b", {"canarySettings": {"stageVariableOverrides": {"a": "b"}}}),
        *[update("add", path, "x", bad(f"Invalid add operation with path: {path}")) for path in (
            "/canarySettings/deploymentId", "/canarySettings/percentTraffic", "/canarySettings/useStageCache", "/canarySettings/stageVariableOverrides/a")],
        update("remove", "/canarySettings/percentTraffic", None,
               bad("Cannot remove method setting canarySettings/percentTraffic because there is no method setting for this method ")),
        *[update("copy", path, None, bad(copies.format(path, source)), source) for path, source in (
            ("/description", promoted[0]), ("/variables", promoted[0]), ("/deploymentId", promoted[1]), ("/deploymentId", "/description"))],
        update("replace", "/variables/kept", "yes", {"variables": {"kept": "yes"}}),
        update("copy", "/deploymentId", None, {"deploymentId": "<second>", "canarySettings": {"deploymentId": "<second>"}}, promoted[0]),
        update("copy", "/variables", None, {"variables": {"kept": "yes", "a": "b"}, "canarySettings": {"percentTraffic": 12.5}}, promoted[1]),
        update("remove", "/canarySettings", None, {"canarySettings": ABSENT}),
    ])


def test_a_canary_is_made_by_its_deployment_too(aws, staged):
    check(aws, staged, [update("replace", "/canarySettings/deploymentId", "<second>", {
        "deploymentId": "<first>", "canarySettings": {"deploymentId": "<second>", "percentTraffic": 0.0, "useStageCache": False}})])
