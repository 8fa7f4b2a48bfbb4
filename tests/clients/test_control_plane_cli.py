"""The AWS CLI, from an empty gateway to a canary and back."""
import json
import pathlib

import awscli.clidriver
import pytest
import requests

DOCUMENT = {"openapi": "3.0.1", "info": {"title": "from a file", "version": "1"}, "paths": {"/hello": {"get": {
    "responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {
        "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": '{"hello": 1}'}}}}}}}}


@pytest.fixture
def cli(served, capfd, monkeypatch):
    """The CLI as its own `main` is called, without a process for each: to start Python and read the service models takes seconds."""

    # It finds its own data by the environment, which `no_surroundings` has emptied.
    monkeypatch.setenv("AWS_DATA_PATH", str(pathlib.Path(awscli.__file__).parent / "data"))
    driver = awscli.clidriver.create_clidriver()

    def run(operation, *arguments, fails=False, file=None):
        arguments = ["--endpoint-url", served.admin_url, "--region", "us-east-1", "--output", "json", "apigateway", operation, *arguments]
        capfd.readouterr()
        status = driver.main(arguments + ([str(file)] if file else []))
        told = capfd.readouterr()
        if fails:
            assert status != 0
            return told.err
        assert status == 0, told.err
        return json.loads(told.out) if told.out.strip() else None

    return run


def test_the_walk(cli, served, backend, tmp_path):
    api = cli("create-rest-api", "--name", "by hand")["id"]
    root = cli("get-resources", "--rest-api-id", api)["items"][0]["id"]
    pets = cli("create-resource", "--rest-api-id", api, "--parent-id", root, "--path-part", "pets")["id"]
    owner = ["--rest-api-id", api, "--resource-id", pets, "--http-method", "GET"]
    assert cli("put-method", *owner, "--authorization-type", "NONE")["apiKeyRequired"] is False
    made = cli("put-integration", *owner, "--type", "HTTP_PROXY", "--integration-http-method", "GET", "--uri", backend.url + "/echo/first")
    assert made["timeoutInMillis"] == 29000
    first = cli("create-deployment", "--rest-api-id", api, "--stage-name", "live")["id"]
    url = f"{served.url}/_aws/execute-api/{api}/live"
    assert requests.get(url + "/pets", timeout=10).json()["target"] == "/echo/first"

    # A canary with all of the traffic, then its promotion.
    cli("update-integration", *owner, "--patch-operations", f"op=replace,path=/uri,value={backend.url}/echo/second")
    cli("create-deployment", "--rest-api-id", api, "--stage-name", "live", "--canary-settings", "percentTraffic=0")
    stage = ["--rest-api-id", api, "--stage-name", "live"]
    assert requests.get(url + "/pets", timeout=10).json()["target"] == "/echo/first"
    shown = cli("update-stage", *stage, "--patch-operations", "op=replace,path=/canarySettings/percentTraffic,value=100")
    assert shown["canarySettings"]["percentTraffic"] == 100.0 and shown["deploymentId"] == first
    assert requests.get(url + "/pets", timeout=10).json()["target"] == "/echo/second"
    shown = cli("update-stage", *stage, "--patch-operations", "op=copy,from=/canarySettings/deploymentId,path=/deploymentId", "op=remove,path=/canarySettings")
    assert shown["deploymentId"] != first and "canarySettings" not in shown
    assert requests.get(url + "/pets", timeout=10).json()["target"] == "/echo/second"

    file = tmp_path / "export.json"
    told = cli("get-export", *stage, "--export-type", "oas30", "--parameters", "extensions=apigateway", file=file)
    assert told["contentType"] == "application/octet-stream" and "oas30" in told["contentDisposition"]
    assert "/pets" in json.loads(file.read_text())["paths"]
    again = cli("import-rest-api", "--body", f"fileb://{file}")["id"]
    cli("create-deployment", "--rest-api-id", again, "--stage-name", "live")
    assert requests.get(f"{served.url}/_aws/execute-api/{again}/live/pets", timeout=10).json()["target"] == "/echo/second"
    for one in (api, again):
        cli("delete-rest-api", "--rest-api-id", one)
    assert requests.get(url + "/pets", timeout=10).status_code == 403
    told = cli("get-rest-api", "--rest-api-id", api, fails=True)
    assert "(NotFoundException)" in told and f"Invalid API identifier specified 000000000000:{api}" in told


def test_a_file_and_its_overwriting(cli, served, tmp_path):
    file = tmp_path / "api.json"
    file.write_text(json.dumps(DOCUMENT))
    api = cli("import-rest-api", "--body", f"fileb://{file}", "--fail-on-warnings")["id"]
    cli("create-deployment", "--rest-api-id", api, "--stage-name", "prod")
    url = f"{served.url}/_aws/execute-api/{api}/prod/hello"
    assert requests.get(url, timeout=10).json() == {"hello": 1}
    DOCUMENT["paths"]["/hello"]["get"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseTemplates"]["application/json"] = '{"hello": 2}'
    file.write_text(json.dumps(DOCUMENT))
    cli("put-rest-api", "--rest-api-id", api, "--mode", "overwrite", "--body", f"fileb://{file}")
    assert requests.get(url, timeout=10).json() == {"hello": 1}
    cli("create-deployment", "--rest-api-id", api, "--stage-name", "prod")
    assert requests.get(url, timeout=10).json() == {"hello": 2}
    cli("delete-rest-api", "--rest-api-id", api)
