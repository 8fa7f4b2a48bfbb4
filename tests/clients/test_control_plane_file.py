"""`weir run FILE`: the file's API is shown by the same management API, and a reload puts it back."""
import json
import signal
import time

import pytest
import requests

from conftest import Gateway, definition


@pytest.fixture
def running(tmp_path, backend):
    gateway = Gateway(tmp_path, backend)
    gateway.file = tmp_path / "api.json"
    yield gateway
    assert gateway.stop() == 0, "\n".join(gateway.said)


def eventually(truth):
    end = time.monotonic() + 10
    while not truth():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_file_is_shown_and_its_stage_is_changed(running, backend):
    aws = running.client()
    apis = aws.get_rest_apis()["items"]
    assert [api["name"] for api in apis] == ["clients"]
    api = apis[0]["id"]
    paths = [item["path"] for item in aws.get_resources(restApiId=api, limit=500)["items"]]
    assert {"/", "/mock", "/pets/{petId}", "/all/{proxy+}", "/restapis"} <= set(paths)
    stages = aws.get_stages(restApiId=api)["item"]
    assert len(stages) == 1
    stage = {"restApiId": api, "stageName": stages[0]["stageName"]}
    url = f"{running.url}/_aws/execute-api/{api}/{stage['stageName']}/pets/1"
    assert requests.get(url, timeout=10).status_code == 200
    exported = json.loads(aws.get_export(**stage, exportType="oas30", parameters={"extensions": "apigateway"})["body"].read())
    assert set(exported["paths"]) == set(definition(backend)["paths"])

    # What a stage says acts at once: nothing gets through a throttle of nothing.
    aws.update_stage(**stage, patchOperations=[
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"}, {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "0"}])
    assert requests.get(url, timeout=10).status_code == 429

    # A reload of a file that changed puts back what the file says.
    changed = definition(backend)
    changed["paths"]["/new"] = changed["paths"]["/mock"]
    running.file.write_text(json.dumps(changed))
    running.process.send_signal(signal.SIGHUP)
    eventually(lambda: "/new" in [item["path"] for item in aws.get_resources(restApiId=api, limit=500)["items"]])
    eventually(lambda: requests.get(url, timeout=10).status_code == 200)
    assert aws.get_stage(**stage)["methodSettings"] == {}


def test_a_file_stays_the_owner_of_its_api(running):
    aws = running.client()
    api = aws.get_rest_apis()["items"][0]["id"]
    # Another may stand beside it, for as long as the process runs.
    other = aws.create_rest_api(name="beside")["id"]
    assert {item["id"] for item in aws.get_rest_apis()["items"]} == {api, other}
