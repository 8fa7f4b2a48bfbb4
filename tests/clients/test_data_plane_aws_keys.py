"""Keys that sign for the gateway: of profiles, the environment, programs and STS; those that are over, and settings that change while it runs."""
import datetime
import json
import stat

import botocore.exceptions
import pytest

from callers import ACCOUNT, ANYBODY, Running, definition, eventually, now, table
from conftest import Served
from functions import Functions
from integrations import GATEWAY, Logged, ask, error, keys, proxy, service, told
from signed_services import Services, assumed

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
NO_KEYS = "API Gateway does not have permission to assume the provided role"
SQS = service(f"sqs:path/{ACCOUNT}/q")


@pytest.fixture
def services():
    made = Services(GATEWAY, "AKIAOTHER", "ASIATAKEN")
    yield made
    made.shutdown()


def profile(folder, monkeypatch, text):
    file = folder / "credentials"
    file.write_text(text)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))


def by_profile(services, name="prod"):
    return f'[aws]\nendpoint = "{services.url}"\n' + table("aws.credentials", role="*", profile=name)


def key_of(running, services):
    got = ask(running, "/x", "POST", body=b"{}")
    assert got.status == 200 and services.last["wrong"] == "", got
    return services.last["key"]


def test_keys_of_a_profile(tmp_path, services, monkeypatch):
    profile(tmp_path, monkeypatch, "[default]\naws_access_key_id = AKIAGATEWAY\naws_secret_access_key = the secret of AKIAGATEWAY\n"
            "[prod]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=the secret of AKIAOTHER\n")
    running = Running(tmp_path, {"": definition({"/x": SQS})}, by_profile(services))
    assert key_of(running, services) == "AKIAOTHER"
    assert running.stop() == 0


def test_keys_of_the_environment(tmp_path, services, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the secret of AKIAOTHER")
    settings = f'[aws]\nendpoint = "{services.url}"\n' + table("aws.credentials", role="*", chain=True)
    running = Running(tmp_path, {"": definition({"/x": SQS})}, settings)
    assert key_of(running, services) == "AKIAOTHER"
    assert running.stop() == 0


def program(folder, expires):
    told = {"Version": 1, "AccessKeyId": "AKIAOTHER", "SecretAccessKey": "the secret of AKIAOTHER", "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}"}
    file = folder / "keys.sh"
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(told)}\nEND\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return f"[prod]\ncredential_process = {file}\n"


def test_keys_of_a_program(tmp_path, services, monkeypatch):
    profile(tmp_path, monkeypatch, program(tmp_path, now() + datetime.timedelta(hours=1)))
    running = Running(tmp_path, {"": definition({"/x": SQS})}, by_profile(services))
    assert key_of(running, services) == "AKIAOTHER"
    assert running.stop() == 0


def test_keys_that_are_over(tmp_path, services, monkeypatch):
    profile(tmp_path, monkeypatch, program(tmp_path, now() - datetime.timedelta(hours=1)))
    variables = ["status", "integration.error", "error.responseType"]
    running = Logged(tmp_path, {"": definition({"/x": SQS})}, by_profile(services), variables=variables)
    before = len(services.seen)
    got, line = running.logged("/x", "POST", body=b"{}")
    assert told(got) == error(500)
    assert line["error.responseType"] == "API_CONFIGURATION_ERROR" and NO_KEYS in line["integration.error"]
    assert len(services.seen) == before
    assert running.stop() == 0
    assert "the secret of" not in "\n".join(running.said)


def test_keys_that_nobody_has(tmp_path, services, monkeypatch):
    profile(tmp_path, monkeypatch, "[other]\naws_access_key_id = AKIAOTHER\n")
    running = Running(tmp_path, {"": definition({"/x": SQS})}, by_profile(services))
    assert told(ask(running, "/x", "POST", body=b"{}")) == error(500)
    assert running.stop() == 0
    assert any("prod" in line for line in running.said), running.said


def taken(request):
    """STS, and everybody else."""
    if request["scope"].endswith("/sts"):
        return 200, assumed("ASIATAKEN", "FwoGZXIvYXdzE+token==", now() + datetime.timedelta(hours=1))
    return 200, {"ok": True}


def test_a_role_is_assumed(tmp_path, services, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the secret of AKIAOTHER")
    services.said, services.tokens = taken, {"ASIATAKEN": "FwoGZXIvYXdzE+token=="}
    settings = f'[aws]\nendpoint = "{services.url}"\n' + table("aws.credentials", role=ROLE + "gateway", assume_role=True)
    running = Running(tmp_path, {"": definition({"/x": SQS})}, settings)
    assert key_of(running, services) == "ASIATAKEN"
    asked = [one for one in services.seen if one["scope"].endswith("/sts")][-1]
    said = asked["body"] + asked["target"].encode()
    assert asked["key"] == "AKIAOTHER" and b"AssumeRole" in said and b"role%2Fgateway" in said
    assert running.stop() == 0


def test_a_role_that_may_not_be_assumed(tmp_path, services):
    services.said = lambda request: (403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
    settings = f'[aws]\nendpoint = "{services.url}"\n' + table("aws.credentials", role="*", assume_role=ROLE + "other")
    running = Running(tmp_path, {"": definition({"/x": SQS})}, settings)
    assert told(ask(running, "/x", "POST", body=b"{}")) == error(500)
    assert running.stop() == 0
    assert any("role/other" in line for line in running.said), running.said


def test_keys_are_read_again(tmp_path, services):
    """Who changes them in weir.toml need not start anew; whoever is wrong there stays with those that were."""
    settings = f'[aws]\nendpoint = "{services.url}"\n'
    running = Running(tmp_path, {"": definition({"/x": SQS})}, settings + keys())
    file = tmp_path / "weir.toml"
    text = file.read_text()
    assert key_of(running, services) == GATEWAY
    file.write_text(text.replace(GATEWAY, "AKIAOTHER"))
    eventually(lambda: key_of(running, services), "AKIAOTHER")
    file.write_text(text.replace('role = "*"', f'role = "{ROLE}other"'))
    eventually(lambda: any("nobody here stands for the role" in line for line in running.said), True)
    assert key_of(running, services) == "AKIAOTHER"
    file.write_text(text)
    eventually(lambda: key_of(running, services), GATEWAY)
    assert running.stop() == 0


def test_a_function_moves(tmp_path):
    places = Functions(), Functions()
    for number, place in enumerate(places):
        place.functions["orders"] = lambda event, number=number: {"body": f"place {number}"}
    running = Running(tmp_path, {"": definition({"/x": proxy("orders")})}, table("functions", name="orders", url=places[0].url))
    file = tmp_path / "weir.toml"
    text = file.read_text()
    assert ask(running, "/x").body == b"place 0"
    file.write_text(text.replace(places[0].url, places[1].url))
    eventually(lambda: ask(running, "/x").body, b"place 1")
    assert running.stop() == 0
    for place in places:
        place.shutdown()


def test_what_cannot_be_reached_is_not_deployed(tmp_path):
    """By the management API; what runs goes on."""
    running = Served(tmp_path / "data", "--account-id", ACCOUNT)
    aws = running.client(**ANYBODY)
    api = aws.import_rest_api(body=json.dumps(definition({"/x": SQS})))["id"]
    with pytest.raises(botocore.exceptions.ClientError, match="nobody here stands for the role") as refused:
        aws.create_deployment(restApiId=api, stageName="prod")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400 and "[[aws.credentials]]" in str(refused.value)
    assert running.stop() == 0
