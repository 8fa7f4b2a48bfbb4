"""AWS's own clients: what they sign, and how they read the gateway's errors.

The control plane comes later; here the data plane is what they talk to, so a path of it (`/restapis`) is proxied.
"""
import json
import subprocess
import sys

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.httpsession
import boto3
import pytest

CREDENTIALS = botocore.credentials.Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def signed(url, method="GET", data=b""):
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=data, headers={"X-Own": "kept"})
    botocore.auth.SigV4Auth(CREDENTIALS, "execute-api", "eu-central-1").add_auth(request)
    return request.prepare()


def names(seen):
    return {name.lower() for name, _ in seen["headers"]}


def test_a_signature_stays_at_the_gateway(gateway, backend):
    request = signed(gateway.url + "/pets/17")
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    answer = botocore.httpsession.URLLib3Session().send(request)
    assert answer.status_code == 200
    # rest/05 section 5.1: an Authorization that holds SigV4 is removed before the integration, whatever the method asks.
    assert "authorization" not in names(backend.last)
    assert "x-own" in names(backend.last)


def test_any_other_authorization_passes(gateway, backend):
    request = botocore.awsrequest.AWSRequest(method="GET", url=gateway.url + "/pets/17", headers={"Authorization": "Bearer abc"})
    assert botocore.httpsession.URLLib3Session().send(request.prepare()).status_code == 200
    assert dict(backend.last["headers"])["Authorization"] == "Bearer abc"


def test_a_signed_request_to_nowhere(gateway):
    # An unknown path asks for a signature (rest/01 section 1.5), and this one is for another region.
    answer = botocore.httpsession.URLLib3Session().send(signed(gateway.url + "/nobody"))
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert answer.content == b'{"message":"Credential should be scoped to a valid region."}'


def test_a_token_to_nowhere_is_read_as_a_broken_signature(gateway):
    request = botocore.awsrequest.AWSRequest(method="GET", url=gateway.url + "/nobody", headers={"Authorization": "Bearer abc"})
    answer = botocore.httpsession.URLLib3Session().send(request.prepare())
    assert answer.status_code == 403
    assert answer.headers["x-amzn-ErrorType"] == "IncompleteSignatureException"
    message = json.loads(answer.content)["message"]
    assert message.startswith("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256")


def test_boto3_reads_answers_and_errors(gateway):
    client = boto3.client("apigateway", endpoint_url=gateway.url)
    assert client.get_rest_apis()["items"] == [{"id": "abcdef1234", "name": "pets"}]
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.get_account()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert raised.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert raised.value.response["ResponseMetadata"]["RequestId"]


def test_the_aws_cli(gateway, backend):
    command = [sys.executable, "-m", "awscli", "--endpoint-url", gateway.url, "--output", "json", "apigateway", "get-rest-apis"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"items": [{"id": "abcdef1234", "name": "pets"}]}
    assert "authorization" not in names(backend.last)
