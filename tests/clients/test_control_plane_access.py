"""Who may use the management API, what is written down of it, and what keeps its state: keys and policies, the audit log, backup,
restore, plan, reset, a full disk."""
import json
import os
import subprocess

import boto3
import botocore.exceptions
import pytest
import requests

from conftest import WEIR, Served

ADMIN, READER = ("AKIAADMIN", "admin-secret"), ("AKIAREADER", "reader-secret")
CONFIG = f"""
[[admin.credentials]]
access-key = "{ADMIN[0]}"
secret-key = "{ADMIN[1]}"
full-access = true
principal = "arn:aws:iam::123456789012:user/ada"

[[admin.credentials]]
access-key = "{READER[0]}"
secret-key = "{READER[1]}"
policy = [
  {{ effect = "Allow", action = "apigateway:GET", resource = "*" }},
  {{ effect = "Deny", action = "apigateway:*", resource = "arn:aws:apigateway:*::/account" }},
]
"""


def client(served, key, secret, service="apigateway", **options):
    return boto3.client(service, endpoint_url=served.admin_url, region_name="eu-west-1", aws_access_key_id=key,
                        aws_secret_access_key=secret, **options)


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def weir(*arguments, **environment):
    done = subprocess.run([WEIR, *map(str, arguments)], capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "weir.toml").write_text(CONFIG)
    running = Served(folder / "data", "--config", str(folder / "weir.toml"))
    yield running
    assert running.stop() == 0


def test_every_call_is_signed_by_a_key_that_may(guarded):
    admin = client(guarded, *ADMIN)
    api = admin.create_rest_api(name="guarded")["id"]
    reader = client(guarded, *READER)
    assert reader.get_rest_api(restApiId=api)["name"] == "guarded"
    code, message = refused(reader.delete_rest_api, restApiId=api)
    assert code == "AccessDeniedException"
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{api}"
    assert message.startswith(f"User: arn:aws:iam::000000000000:user/{READER[0]} is not authorized to perform: apigateway:DELETE on resource: {arn}")
    code, message = refused(reader.get_account)
    assert code == "AccessDeniedException" and "with an explicit deny" in message
    assert refused(client(guarded, ADMIN[0], "wrong").get_rest_apis)[0] == "InvalidSignatureException"
    assert refused(client(guarded, "AKIANOBODY", "x").get_rest_apis)[0] == "UnrecognizedClientException"
    unsigned = requests.get(guarded.admin_url + "/restapis", timeout=10)
    assert (unsigned.status_code, unsigned.headers["x-amzn-ErrorType"]) == (403, "MissingAuthenticationTokenException")
    # Metrics and health tell nobody's definitions.
    assert requests.get(guarded.admin_url + "/healthz", timeout=10).status_code == 200
    identity = client(guarded, *ADMIN, service="sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/ada" and identity["Account"] == "123456789012"
    for path in ("/_weir/backup", "/_weir/plan?api=x", "/_weir/reset", "/_weir/usage"):
        assert requests.get(guarded.admin_url + path, timeout=10).status_code == 403
    # Weir's own command is signed too, whatever is in its query; who may read every API may not read who uses them.
    export = ["usage", "export", "--admin-url", guarded.admin_url]
    keys = lambda pair: {"AWS_ACCESS_KEY_ID": pair[0], "AWS_SECRET_ACCESS_KEY": pair[1]}
    assert weir(*export, "--from", "2026-11-01", **keys(ADMIN))[:2] == (0, "plan,plan_name,key,key_name,api,api_name,stage,day,requests\n")
    returncode, _, stderr = weir(*export, "--plan", "a b&c=é/~", **keys(ADMIN))
    assert returncode == 1 and "404 Not Found: Invalid Usage Plan ID specified" in stderr
    returncode, stdout, stderr = weir(*export, **keys(READER))
    assert (returncode, stdout) == (1, "") and "is not authorized to perform: weir:usage on resource" in stderr
    admin.delete_rest_api(restApiId=api)


def test_every_change_is_written_down(guarded):
    admin = client(guarded, *ADMIN)
    api = admin.create_rest_api(name="audited")["id"]
    refused(client(guarded, *READER).delete_rest_api, restApiId=api)
    admin.get_rest_apis()
    admin.delete_rest_api(restApiId=api)
    text = (guarded.folder / "audit.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()][-3:]
    assert [(line["operation"], line["status"], line["accessKey"]) for line in lines] == [
        ("CreateRestApi", 201, ADMIN[0]), ("DeleteRestApi", 403, READER[0]), ("DeleteRestApi", 202, ADMIN[0])]
    assert lines[0]["principal"] == "arn:aws:iam::123456789012:user/ada" and lines[0]["sourceAddress"] == "127.0.0.1"
    assert lines[2]["revision"] == lines[0]["revision"] + 1 and lines[1]["revision"] is None
    assert ADMIN[1] not in text and READER[1] not in text


def test_without_keys_only_this_machine_and_no_web_page(served):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        answer = requests.get(served.admin_url + "/restapis", headers=headers, timeout=10)
        assert answer.status_code == 403, headers
    returncode, _, stderr = weir("serve", "--data", "/nonexistent/x", "--admin", "0.0.0.0:0", "--admin-allow-remote")
    assert returncode == 2 and "[[admin.credentials]]" in stderr
    returncode, _, stderr = weir("serve", "--data", "/nonexistent/x", "--admin", "0.0.0.0:0", "--admin-allow-remote", "--dev")
    assert returncode == 2 and "--dev" in stderr


def test_another_process_may_not_have_the_folder(served):
    returncode, _, stderr = weir("serve", "--data", served.folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    assert returncode == 1 and str(served.process.pid) in stderr


def made(aws):
    """A small API that answers."""
    document = {
        "openapi": "3.0.1", "info": {"title": "kept", "version": "1"},
        "paths": {"/a": {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {
            "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": "first"}}}}}}},
    }
    api = aws.import_rest_api(body=json.dumps(document))["id"]
    aws.create_deployment(restApiId=api, stageName="prod")
    return api, document


def answers(served, api):
    return requests.get(f"{served.url}/_aws/execute-api/{api}/prod/a", timeout=10).text


def test_backup_restore_plan_and_reset(tmp_path):
    served = Served(tmp_path / "data", "--dev")
    aws = served.client()
    api, document = made(aws)
    backup = tmp_path / "all.backup"
    at = ("--admin-url", served.admin_url)
    returncode, stdout, stderr = weir("backup", backup, *at)
    assert returncode == 0 and "has everything" in stdout, stderr

    document["paths"]["/b"] = document["paths"].pop("/a")
    document["paths"]["/a"] = {"post": document["paths"]["/b"]["get"]}
    (tmp_path / "next.json").write_text(json.dumps(document))
    returncode, stdout, stderr = weir("plan", tmp_path / "next.json", "--api", api, *at)
    assert (returncode, stdout.splitlines()) == (0, ["- GET /a", "+ GET /b", "+ POST /a"]), stderr
    assert [item["path"] for item in aws.get_resources(restApiId=api)["items"]] == ["/", "/a"]

    returncode, stdout, stderr = weir("export", api, "--yaml", *at)
    assert returncode == 0 and stdout.startswith("---") and "openapi:" in stdout, stderr
    assert requests.post(served.admin_url + "/_weir/reset", timeout=10).status_code == 200
    assert aws.get_rest_apis()["items"] == []
    assert json.loads(answers(served, api)) == {"message": "Forbidden"}
    # Into the running gateway, which serves it at once.
    returncode, _, stderr = weir("restore", backup, *at)
    assert returncode == 0, stderr
    assert [item["id"] for item in aws.get_rest_apis()["items"]] == [api] and answers(served, api) == "first"
    broken = tmp_path / "broken.backup"
    broken.write_bytes(backup.read_bytes()[:-20])
    returncode, _, stderr = weir("restore", broken, *at)
    assert returncode == 1 and answers(served, api) == "first", stderr
    assert served.stop() == 0

    # Into a folder.
    returncode, _, stderr = weir("restore", backup, "--data", tmp_path / "other")
    assert returncode == 0, stderr
    returncode, _, stderr = weir("restore", backup, "--data", tmp_path / "other")
    assert returncode == 1 and "is there already" in stderr
    other = Served(tmp_path / "other")
    assert answers(other, api) == "first"
    assert requests.post(other.admin_url + "/_weir/reset", timeout=10).status_code == 404
    assert not list((tmp_path / "data").glob("*.part")) and not list((tmp_path / "data").glob("restore-*"))
    assert other.stop() == 0


def test_a_full_disk_refuses_changes_and_goes_on_serving(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        served = Served(disk / "data", "--audit-log", "off")
        aws = served.client()
        api, document = made(aws)
        known, answer = 0, None
        for number in range(400):
            answer = requests.post(served.admin_url + "/restapis", json={"name": f"n{number}", "description": "x" * 60_000}, timeout=20)
            if answer.status_code != 201:
                break
            known += 1
        assert answer.status_code == 503, answer.text
        assert "Nothing was changed" in answer.json()["message"]
        assert len(aws.get_rest_apis(limit=500)["items"]) == known + 1
        assert answers(served, api) == "first"
        # With room again, changes are taken again, without a restart.
        assert subprocess.run(["mount", "-o", "remount,size=64m", str(disk)]).returncode == 0
        changed = aws.update_rest_api(restApiId=api, patchOperations=[{"op": "replace", "path": "/description", "value": "room"}])
        assert changed["description"] == "room"
        served.process.kill()
        served.process.wait()
        again = Served(disk / "data", "--audit-log", "off")
        assert len(again.client().get_rest_apis(limit=500)["items"]) == known + 1
        assert again.client().get_rest_api(restApiId=api)["description"] == "room" and answers(again, api) == "first"
        assert again.stop() == 0
    finally:
        subprocess.run(["umount", "-l", str(disk)])
