"""Integrations with AWS's services: how a request is formed (rest/10 section 10.2), and that AWS would take its signature."""
import json
import urllib.parse

import pytest

from callers import ACCOUNT, Signing, definition, principal, secret_of
from integrations import GATEWAY, REGION, Logged, answer, ask, by_path, error, keys, service, told
from signed_services import Services

ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
CALLER = "arn:aws:iam::*:user/*"
TOKEN = "FwoGZXIvYXdzE/+==" * 8
REFUSED = error(500)
IAM = {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}
MAPPED = {f"integration.request.querystring.{name}": f"method.request.querystring.{name}" for name in ("Message", "b", "B", "a")}
S3 = "s3:path/{bucket}/{key}"
JSON_1_1 = "#set($context.requestOverride.header.X-Amz-Target = 'AWSEvents.PutEvents')" \
    "#set($context.requestOverride.header.Content-Type = 'application/x-amz-json-1.1')$input.json('$')"


def header(**headers):
    return {f"integration.request.header.{name.replace('_', '-')}": f"'{value}'" for name, value in headers.items()}


METHODS = {
    "/sqs": service(f"sqs:path/{ACCOUNT}/my-queue", requestParameters=header(Content_Type="application/x-www-form-urlencoded"),
                    requestTemplates={"application/json": "Action=SendMessage&MessageBody=$util.urlEncode($input.body)"}),
    "/root": service("sns:path//"),
    "/deep": service("sqs:path//a//b/./c/"),
    "/any/{rest+}": service("appconfig:path/x/{rest}", httpMethod="ANY"),
    "/query": service("dynamodb:action/Query"),
    "/kinesis": service("kinesis:action/PutRecord"),
    "/states": service("states:action/StartExecution"),
    "/events": service("events:action/PutEvents", requestTemplates={"application/json": JSON_1_1}),
    "/publish": service("sns:action/Publish", requestParameters=dict(MAPPED)),
    "/several": service("sns:action/Publish", requestParameters={"integration.request.querystring.m": "method.request.multivaluequerystring.m"}),
    "/ssm": service("ssm:action/GetParameter&Name=n&WithDecryption=true"),
    "/own-target": service("dynamodb:action/Query", requestParameters=header(X_Amz_Target="DynamoDB_20120810.Scan")),
    "/object": service("s3:action/GetObject&Bucket=b&Key=k"),
    "/files/{bucket}/{key+}": {verb: service(S3, httpMethod=verb.upper()) for verb in ("get", "put", "delete", "head")},
    "/sub": service("abc.execute-api:path/prod/x"),
    "/email": service("email:action/SendEmail"),
    "/elsewhere": service(f"sqs:path/{ACCOUNT}/q", region="eu-west-1"),
    "/functions": service("lambda:path/2015-03-31/functions/", httpMethod="GET"),
    "/mapped": service(f"sqs:path/{ACCOUNT}/q", requestParameters=header(X_Own=" a  b ", X_Amz_Meta_Name="n", Accept="application/xml", X_Empty="")),
    "/session": service(f"sqs:path/{ACCOUNT}/q", ROLE + "session"),
    "/session-s3/{bucket}/{key+}": service(S3, ROLE + "session"),
    "/caller": service(f"sqs:path/{ACCOUNT}/q", CALLER, IAM),
    "/caller-s3/{bucket}/{key+}": service(S3, CALLER, IAM),
    "/wrong": service(f"sqs:path/{ACCOUNT}/q", ROLE + "wrong", responses={**answer(401, "403"), **answer(402, "400"), **answer(200)}),
    "/stage": service("${stageVariables.service}:path/${stageVariables.queue}", ROLE + "${stageVariables.role}"),
    **{f"/illegal/{name}": service(f"sqs:path/{ACCOUNT}/q", requestParameters=header(**{name: "x"}))
       for name in ("Authorization", "Content_Length", "X_Amzn_Trace_Id", "Connection", "TE")},
}


@pytest.fixture(scope="module")
def services():
    running = Services(GATEWAY, "ASIASESSION", "AKIAADA", "ASIABOB")
    running.tokens.update(ASIASESSION=TOKEN, ASIABOB="bob's token")
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, services):
    settings = [
        f'[aws]\nendpoint = "{services.url}"\n',
        keys(ROLE + "session", "ASIASESSION", session_token=TOKEN),
        keys(ROLE + "wrong", "AKIAADA", "another secret"),
        keys(ROLE + "gate*"),
        principal("AKIAADA", arn=f"arn:aws:iam::{ACCOUNT}:user/ada", full_access=True),
        principal("ASIABOB", arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/bob", session_token="bob's token", full_access=True),
    ]
    variables = [flag for one in ("service=sqs", f"queue={ACCOUNT}/of-the-stage", "role=gateway") for flag in ("--stage-variable", one)]
    body = definition(by_path(METHODS), **{"x-amazon-apigateway-binary-media-types": ["image/*"]})
    running = Logged(tmp_path_factory.mktemp("aws"), {"": body}, "\n".join(settings), *variables,
                     variables=["status", "integrationStatus", "integration.error", "error.responseType"])
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def call_of(gate, services, target, verb="POST", headers=(), body=b"{}", expected=b'{"ok": true}'):
    """The one request that comes of it, with a good signature."""
    before = len(services.seen)
    got = ask(gate, target, verb, headers, body)
    assert len(services.seen) - before == 1, got
    assert services.last["wrong"] == ""
    assert got.status == 200 and (got.body == expected or verb == "HEAD")
    return services.last


# What is asked, and what comes of it: its verb and target, and the service and region of its signature.
@pytest.mark.parametrize("target, verb, expected, scope", [
    ("/sqs", "POST", f"POST /{ACCOUNT}/my-queue", "us-east-1/sqs"),
    ("/root", "POST", "POST /", "us-east-1/sns"),
    ("/query", "POST", "POST /?Action=Query", "us-east-1/dynamodb"),
    ("/query", "GET", "POST /?Action=Query", "us-east-1/dynamodb"),
    ("/kinesis", "POST", "POST /?Action=PutRecord", "us-east-1/kinesis"),
    ("/states", "POST", "POST /?Action=StartExecution", "us-east-1/states"),
    ("/events", "POST", "POST /?Action=PutEvents", "us-east-1/events"),
    ("/ssm", "POST", "POST /?Action=GetParameter&Version=2014-11-06&Name=n&WithDecryption=true", "us-east-1/ssm"),
    ("/object", "POST", "POST /?Action=GetObject&Bucket=b&Key=k", "us-east-1/s3"),
    ("/sub", "POST", "POST /prod/x", "us-east-1/execute-api"),
    ("/email", "POST", "POST /?Action=SendEmail&Version=2010-12-01", "us-east-1/ses"),
    ("/elsewhere", "POST", f"POST /{ACCOUNT}/q", "eu-west-1/sqs"),
    ("/functions", "GET", "GET /2015-03-31/functions/", "us-east-1/lambda"),
    ("/stage", "POST", f"POST /{ACCOUNT}/of-the-stage", "us-east-1/sqs"),
    ("/any/a", "PATCH", "PATCH /x/a", "us-east-1/appconfig"),
    ("/any/a%20b/%C3%A4", "DELETE", "DELETE /x/a%20b/%C3%A4", "us-east-1/appconfig"),
    ("/any/a//b", "GET", "GET /x/a//b", "us-east-1/appconfig"),
    ("/any/a+b@c:d,e;f", "GET", "GET /x/a+b@c:d,e;f", "us-east-1/appconfig"),
    ("/any/a(b)'*!", "GET", "GET /x/a(b)'*!", "us-east-1/appconfig"),
    ("/any/a%2Fb", "GET", "GET /x/a%2Fb", "us-east-1/appconfig"),
    ("/files/b/k", "GET", "GET /b/k", "us-east-1/s3"),
    ("/files/b/k", "HEAD", "HEAD /b/k", "us-east-1/s3"),
    ("/files/b/k?versionId=1", "GET", "GET /b/k", "us-east-1/s3"),
    ("/files/b/a%20b.png", "PUT", "PUT /b/a%20b.png", "us-east-1/s3"),
    ("/files/b/%C3%A4%E2%82%AC", "GET", "GET /b/%C3%A4%E2%82%AC", "us-east-1/s3"),
    ("/files/b/%c3%a4", "GET", None, "us-east-1/s3"),
    ("/files/b/a//b/c", "GET", "GET /b/a//b/c", "us-east-1/s3"),
    ("/files/b/a%2Fb", "GET", None, "us-east-1/s3"),
    ("/files/b/a+b", "GET", None, "us-east-1/s3"),
    ("/files/b/a%2Bb", "GET", "GET /b/a%2Bb", "us-east-1/s3"),
    ("/files/b/a(b)'*!@:,;=$&", "GET", None, "us-east-1/s3"),
    ("/files/b/~-_.", "GET", "GET /b/~-_.", "us-east-1/s3"),
    ("/files/b/%7E", "GET", None, "us-east-1/s3"),
    ("/files/b/a%25b", "GET", "GET /b/a%25b", "us-east-1/s3"),
])
def test_requests_that_are_formed_and_signed(gate, services, target, verb, expected, scope):
    request = call_of(gate, services, target, verb)
    if expected:
        assert f"{request['method']} {request['target']}" == expected
    assert (request["scope"], request["key"]) == (scope, GATEWAY)
    # What a subdomain says would be lost before an emulator: it is told by the name that AWS has.
    own = "abc.execute-api.us-east-1.amazonaws.com" if target == "/sub" else services.address
    assert request["headers"]["Host"] == own


def test_a_path_of_dots_and_slashes(gate, services):
    """As it is mapped goes out; the signature is of the normalised one."""
    assert call_of(gate, services, "/deep")["scope"] == "us-east-1/sqs"


@pytest.mark.parametrize("target, expected", [
    ("/query", "DynamoDB_20120810.Query"),
    ("/kinesis", "Kinesis_20131202.PutRecord"),
    ("/states", "AWSStepFunctions.StartExecution"),
    ("/events", "AWSEvents.PutEvents"),
    ("/own-target", "DynamoDB_20120810.Scan"),
    ("/sqs", None),
    ("/object", None),
])
def test_targets_of_services_that_take_json(gate, services, target, expected):
    headers = {"Content-Type": "application/json"}
    request = call_of(gate, services, target, headers=headers, body=b'{"a":1}')
    assert request["headers"].get("X-Amz-Target") == expected
    if target == "/events":
        assert request["headers"]["Content-Type"] == "application/x-amz-json-1.1"
    elif expected:
        assert (request["headers"]["Content-Type"], request["body"]) == ("application/json", b'{"a":1}')


@pytest.mark.parametrize("query, expected", [
    ("b=1&a=2&B=3", {"b": "1", "a": "2", "B": "3"}),
    ("a=x+y", {"a": "x y"}),
    ("a=x%20y&b=%2B", {"a": "x y", "b": "+"}),
    ("a=%C3%A4%E2%82%AC", {"a": "ä€"}),
    ("a=%26%3D%3F%23%2F%25", {"a": "&=?#/%"}),
    ("a=~-_.!*'()", {"a": "~-_.!*'()"}),
    ("a=b=c&b=", {"a": "b=c", "b": ""}),
    ("Message=%7B%22a%22%3A%20%5B1%5D%7D", {"Message": '{"a": [1]}'}),
    ("a=" + "x" * 4000, {"a": "x" * 4000}),
], ids=range(9))
def test_queries_are_sorted_and_encoded(gate, services, query, expected):
    request = call_of(gate, services, f"/publish?{query}")
    sent = urllib.parse.parse_qsl(request["target"].partition("?")[2], keep_blank_values=True)
    assert dict(sent) == {"Action": "Publish", "Version": "2010-03-31", **expected} and len(sent) == len(expected) + 2


def test_values_of_one_name(gate, services):
    request = call_of(gate, services, "/several?m=b&m=a&m=a+c")
    assert [value for name, value in urllib.parse.parse_qsl(request["target"].partition("?")[2]) if name == "m"] == ["b", "a", "a c"]


@pytest.mark.parametrize("target, verb, kind, body, expected", [
    ("/root", "POST", None, b"", b""),
    ("/root", "POST", "text/plain", "ä".encode(), "ä".encode()),
    ("/root", "POST", "text/plain", b"x" * 5_000_000, b"x" * 5_000_000),
    ("/sqs", "POST", "application/json", b'{"a": "b&c"}', b"Action=SendMessage&MessageBody=%7B%22a%22%3A+%22b%26c%22%7D"),
    ("/sqs", "POST", None, b"", b"Action=SendMessage&MessageBody=%7B%7D"),
    ("/files/b/k", "PUT", "image/png", b"\x89PNG\xff\x00", b"\x89PNG\xff\x00"),
    ("/files/b/k", "PUT", "image/png", bytes(range(256)) * 4096, bytes(range(256)) * 4096),
    ("/files/b/k", "PUT", "text/plain", b"\xff", "\ufffd".encode()),
    # An integration's GET, HEAD or OPTIONS has no body (rest/04 section 4.7).
    ("/files/b/k", "GET", "text/plain", b"for nobody", b""),
    ("/functions", "POST", "text/plain", b"for nobody", b""),
], ids=range(10))
def test_bodies_are_signed(gate, services, target, verb, kind, body, expected):
    request = call_of(gate, services, target, verb, {"Content-Type": kind} if kind else {}, body)
    assert request["body"] == expected


def test_a_body_in_chunks(gate, services):
    request = call_of(gate, services, "/root", headers={"Transfer-Encoding": "chunked"}, body=b"3\r\nabc\r\n0\r\n\r\n")
    assert request["body"] == b"abc" and "Transfer-Encoding" not in request["headers"]


def test_headers_of_the_call(gate, services):
    """rest/05 section 5.3: of the client only its type."""
    headers = {"Content-Type": "text/css", "X-Own": "own", "Accept": "text/html", "User-Agent": "t/1", "Authorization": "Bearer x", "X-Amz-Target": "own",
               "X-Amz-Security-Token": "own", "X-Amz-Content-Sha256": "own", "X-Amz-Date": "own", "x-amz-acl": "public-read"}
    lines = {name.lower(): value for name, value in call_of(gate, services, "/root", "PUT", headers)["lines"]}
    api = lines["x-amzn-apigateway-api-id"]
    for name in ("authorization", "x-amz-date", "x-amzn-trace-id"):
        assert lines.pop(name) != headers.get(name)
    lines.pop("x-amz-content-sha256", None)
    lines.pop("x-amzn-lambda-integration-tag", None)
    assert lines == {"accept": "application/json", "user-agent": f"AmazonAPIGateway_{api}", "connection": "keep-alive", "content-type": "text/css",
                     "content-length": "2", "host": services.address, "x-amzn-apigateway-api-id": api,
                     "x-amz-source-arn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/prod/ANY/root"}


def test_mapped_headers_are_signed(gate, services):
    headers = call_of(gate, services, "/mapped")["headers"]
    assert (headers["X-Amz-Meta-Name"], headers["Accept"], headers["X-Own"].strip()) == ("n", "application/xml", "a  b")


@pytest.mark.parametrize("name", [path for path in METHODS if path.startswith("/illegal")])
def test_headers_that_must_not_be_mapped(gate, services, name):
    before = len(services.seen)
    assert told(ask(gate, name, "POST", {}, b"{}")) == REFUSED
    assert len(services.seen) == before


def test_keys_of_a_session(gate, services):
    for target in ("/session", "/session-s3/b/a%20b//c"):
        request = call_of(gate, services, target)
        assert (request["key"], request["headers"]["X-Amz-Security-Token"]) == ("ASIASESSION", TOKEN)


@pytest.mark.parametrize("key, token", [("AKIAADA", None), ("ASIABOB", "bob's token")])
def test_whoever_calls_signs(gate, services, key, token):
    for target in ("/caller", "/caller-s3/b/a%20b"):
        signing = Signing(gate, target, "POST", key=key, token=token, body=b"the body")
        request = call_of(gate, services, target, "POST", signing.headers, b"the body")
        assert (request["key"], request["headers"].get("X-Amz-Security-Token"), request["body"]) == (key, token, b"the body")
    # With the keys of one after those of another.
    call_of(gate, services, "/session")


def test_nobody_signs_for_whoever_does_not(gate, services):
    before = len(services.seen)
    assert ask(gate, "/caller", "POST", {}, b"").status == 403
    assert len(services.seen) == before


def test_what_aws_says_against_a_call_is_mapped(gate, services):
    got, line = gate.logged("/wrong", "POST")
    assert (got.status, json.loads(got.body)["__type"], line["integrationStatus"]) == (401, "SignatureDoesNotMatch", "403")
    services.secrets["AKIAADA"] = "another secret"
    try:
        services.said = lambda request: (400, {"__type": "UnrecognizedClientException", "message": "The security token included in the request is invalid."})
        got = ask(gate, "/wrong", "POST")
        assert (got.status, json.loads(got.body)["__type"]) == (402, "UnrecognizedClientException")
        # The default response passes what is not selected, with its own status.
        services.said = lambda request: (503, b"<Error/>")
        got = ask(gate, "/wrong", "POST")
        assert (got.status, got.body, got.headers["Content-Type"]) == (200, b"<Error/>", "application/json")
    finally:
        services.secrets["AKIAADA"], services.said = secret_of("AKIAADA"), lambda request: (200, {"ok": True})
