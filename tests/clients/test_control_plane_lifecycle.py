"""An API built with boto3 alone, from nothing to its end: deployed, called, canaried, promoted, rolled back, exported, deleted,
imported again."""
import json
import threading

import pytest
import requests


def call(served, api_id, path, stage="prod", method="GET", **options):
    """By the Host form."""
    headers = {"Host": f"{api_id}.execute-api.us-east-1.amazonaws.com", **options.pop("headers", {})}
    return requests.request(method, f"{served.url}/{stage}{path}", headers=headers, timeout=10, **options)


def resource(aws, api_id, path):
    """The id of a path, made with whatever is missing above it."""
    known = {item["path"]: item["id"] for item in aws.get_resources(restApiId=api_id, limit=500)["items"]}
    parent, at = known["/"], ""
    for part in path.strip("/").split("/"):
        at += "/" + part
        if at not in known:
            known[at] = aws.create_resource(restApiId=api_id, parentId=parent, pathPart=part)["id"]
        parent = known[at]
    return parent


def proxied(aws, api_id, path, uri, method="GET", names=()):
    owner = {"restApiId": api_id, "resourceId": resource(aws, api_id, path), "httpMethod": method}
    declared = {f"method.request.path.{name}": True for name in names}
    aws.put_method(**owner, authorizationType="NONE", requestParameters=declared)
    mapped = {f"integration.request.path.{name}": f"method.request.path.{name}" for name in names}
    aws.put_integration(**owner, type="HTTP_PROXY", integrationHttpMethod=method, uri=uri, requestParameters=mapped)
    return owner


def mock(aws, api_id, path, text, method="GET", variable=None):
    owner = {"restApiId": api_id, "resourceId": resource(aws, api_id, path), "httpMethod": method}
    aws.put_method(**owner, authorizationType="NONE")
    aws.put_integration(**owner, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    shown = {"method.response.header.X-Variable": False} if variable else {}
    aws.put_method_response(**owner, statusCode="200", responseParameters=shown)
    source = {"method.response.header.X-Variable": f"stageVariables.{variable}"} if variable else {}
    aws.put_integration_response(**owner, statusCode="200", responseTemplates={"application/json": text}, responseParameters=source)
    return owner


@pytest.fixture
def api(aws):
    made = aws.create_rest_api(name="lifecycle", description="from nothing")
    yield made["id"]
    try:
        aws.delete_rest_api(restApiId=made["id"])
    except aws.exceptions.NotFoundException:
        pass


def test_an_api_from_nothing_to_its_end(served, aws, api, backend):
    proxied(aws, api, "/pets/{petId}", backend.url + "/echo/pets/{petId}", names=["petId"])
    owner = mock(aws, api, "/version", '{"version": 1}', variable="colour")
    first = aws.create_deployment(restApiId=api, stageName="prod", variables={"colour": "blue"}, description="first")["id"]

    # Both forms of its address, the moment that the answer is there.
    answer = call(served, api, "/pets/17")
    assert answer.status_code == 200
    assert answer.json()["target"] == "/echo/pets/17"
    by_path = requests.get(f"{served.url}/_aws/execute-api/{api}/prod/version", timeout=10)
    assert (by_path.status_code, by_path.json(), by_path.headers["X-Variable"]) == (200, {"version": 1}, "blue")
    assert call(served, api, "/version", stage="other").status_code == 403

    # What is changed is not served until it is deployed.
    aws.update_integration_response(
        **owner,
        statusCode="200",
        patchOperations=[{"op": "replace", "path": "/responseTemplates/application~1json", "value": '{"version": 2}'}],
    )
    assert call(served, api, "/version").json() == {"version": 1}

    # A canary takes its share, with its own variables.
    canary = {"percentTraffic": 25.0, "stageVariableOverrides": {"colour": "green"}, "useStageCache": False}
    second = aws.create_deployment(restApiId=api, stageName="prod", canarySettings=canary)["id"]
    stage = aws.get_stage(restApiId=api, stageName="prod")
    assert (stage["deploymentId"], stage["canarySettings"]["deploymentId"]) == (first, second)
    assert stage["canarySettings"]["percentTraffic"] == 25.0
    with requests.Session() as session:
        session.headers["Host"] = f"{api}.execute-api.us-east-1.amazonaws.com"
        met = 0
        for _ in range(8_000):
            answer = session.get(f"{served.url}/prod/version", timeout=10)
            version = answer.json()["version"]
            assert answer.headers["X-Variable"] == ("green" if version == 2 else "blue")
            met += version == 2
    # Four standard deviations of 8,000 draws are 1.9%.
    assert abs(met / 8_000 - 0.25) < 0.02, met
    metrics = requests.get(served.admin_url + "/metrics", timeout=10).text
    counted = [line for line in metrics.splitlines() if line.startswith("weir_count_total") and 'api="lifecycle",stage="prod/Canary"' in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted) == met

    # Promoted: the canary's deployment and variables become the stage's; then it is taken away.
    aws.update_stage(
        restApiId=api,
        stageName="prod",
        patchOperations=[
            {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
            {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
            {"op": "remove", "path": "/canarySettings"},
        ],
    )
    answers = [call(served, api, "/version") for _ in range(20)]
    assert {answer.json()["version"] for answer in answers} == {2}
    assert {answer.headers["X-Variable"] for answer in answers} == {"green"}

    # Rolled back, and forward again for what follows.
    for deployment, version in ((first, 1), (second, 2)):
        patch = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
        aws.update_stage(restApiId=api, stageName="prod", patchOperations=patch)
        assert call(served, api, "/version").json() == {"version": version}

    # Two versions side by side.
    aws.create_stage(restApiId=api, stageName="v1", deploymentId=first, variables={"colour": "red"})
    old = call(served, api, "/version", stage="v1")
    assert (old.json(), old.headers["X-Variable"]) == ({"version": 1}, "red")

    # What a stage points at stays.
    with pytest.raises(aws.exceptions.BadRequestException) as refused:
        aws.delete_deployment(restApiId=api, deploymentId=first)
    assert refused.value.response["Error"]["Message"] == "Active stages pointing to this deployment must be moved or deleted"

    exported = aws.get_export(restApiId=api, stageName="prod", exportType="oas30", parameters={"extensions": "apigateway"})
    assert exported["contentType"] == "application/octet-stream"
    document = exported["body"].read()
    assert json.loads(document)["openapi"] == "3.0.1"
    before = [call(served, api, path).json() for path in ("/version", "/pets/1")]

    aws.delete_rest_api(restApiId=api)
    assert call(served, api, "/version").status_code == 403
    again = aws.import_rest_api(body=document)["id"]
    aws.create_deployment(restApiId=again, stageName="prod", variables={"colour": "green"})
    after = [call(served, again, path).json() for path in ("/version", "/pets/1")]
    assert before[0] == after[0] and before[1]["target"] == after[1]["target"]
    assert call(served, again, "/version").headers["X-Variable"] == "green"
    aws.delete_rest_api(restApiId=again)


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path, backend):
    from conftest import Served

    first = Served(tmp_path / "data")
    aws = first.client()
    api = aws.create_rest_api(name="kept")["id"]
    mock(aws, api, "/ok", '{"ok": true}')
    aws.create_deployment(restApiId=api, stageName="prod")
    first.process.kill()
    first.process.wait()
    second = Served(tmp_path / "data")
    assert second.client().get_rest_api(restApiId=api)["name"] == "kept"
    assert call(second, api, "/ok").json() == {"ok": True}
    assert second.stop() == 0


def test_a_method_is_tried_before_it_is_deployed(served, aws, api, backend):
    owner = proxied(aws, api, "/pets/{petId}", backend.url + "/echo/pets/{petId}", names=["petId"])
    tried = aws.test_invoke_method(**owner, pathWithQueryString="/pets/7?a=b", headers={"X-Own": "kept"})
    assert tried["status"] == 200
    told = json.loads(tried["body"])
    assert told["target"] == "/echo/pets/7?a=b"
    assert ["X-Own", "kept"] in told["headers"]
    assert tried["log"].startswith("Execution log for request ")
    assert "Method request path: {petId=7}" in tried["log"]
    assert "Method completed with status: 200" in tried["log"]
    # The path need not be the resource's; what another verb has is not tested.
    owner = mock(aws, api, "/m", '{"mock": true}')
    assert json.loads(aws.test_invoke_method(**owner, pathWithQueryString="/else/where")["body"]) == {"mock": True}
    assert json.loads(aws.test_invoke_method(**owner)["body"]) == {"mock": True}
    assert aws.get_stages(restApiId=api)["item"] == []


def test_a_method_under_test_is_reached_by_nobody_else(served, aws, api, backend):
    """Its stage has no guards: a mapping that takes any stage of the API must not lead to it."""
    owner = proxied(aws, api, "/slow", backend.url + "/delay/1500")
    aws.create_domain_name(domainName="hidden.example.com", endpointConfiguration={"types": ["REGIONAL"]})
    aws.create_base_path_mapping(domainName="hidden.example.com", restApiId=api)
    testing = threading.Thread(target=lambda: aws.test_invoke_method(**owner))
    testing.start()
    answers = set()
    while testing.is_alive():
        for url, host in ((f"{served.url}/test-invoke-stage/slow", "hidden.example.com"),
                          (f"{served.url}/test-invoke-stage/slow", f"{api}.execute-api.us-east-1.amazonaws.com"),
                          (f"{served.url}/_aws/execute-api/{api}/test-invoke-stage/slow", "localhost")):
            answers.add(requests.get(url, headers={"Host": host}, timeout=10).status_code)
    testing.join()
    aws.delete_base_path_mapping(domainName="hidden.example.com", basePath="(none)")
    aws.delete_domain_name(domainName="hidden.example.com")
    assert answers == {403}


def test_what_is_not_enforced_is_refused_at_deployment(served, aws, api, backend):
    owner = proxied(aws, api, "/guarded", backend.url + "/echo")
    function = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:who/invocations"
    made = aws.create_authorizer(restApiId=api, name="who", type="TOKEN", authorizerUri=function, identitySource="method.request.header.Authorization")["id"]
    aws.update_method(**owner, patchOperations=[{"op": "replace", "path": "/authorizationType", "value": "CUSTOM"}, {"op": "replace", "path": "/authorizerId", "value": made}])
    assert aws.get_method(**owner)["authorizationType"] == "CUSTOM"
    with pytest.raises(aws.exceptions.BadRequestException) as refused:
        aws.create_deployment(restApiId=api, stageName="prod")
    assert "nothing here says where the function `who` lives" in refused.value.response["Error"]["Message"]
    assert aws.get_deployments(restApiId=api)["items"] == []
    assert aws.get_stages(restApiId=api)["item"] == []
