"""What a Lambda function behind AWS_PROXY is told of a request (rest/09 section 9.2), key by key, and how it is invoked."""
import base64
import json
import pathlib
import re

import pytest

from callers import ACCOUNT, ANYTHING, Running, Signing, definition, principal, table
from cases import filled
from functions import Functions, authorizer, output
from integrations import REGION, ask, error, proxy, told, unlike, uri
from issuer import Issuer, RsaKey, pools

GOLDEN = pathlib.Path(__file__).parent / "golden"
KEYS = ["resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
        "pathParameters", "stageVariables", "requestContext", "body", "isBase64Encoded"]
IN_CONTEXT = ["resourceId", "resourcePath", "httpMethod", "extendedRequestId", "requestTime", "path", "accountId", "protocol", "stage",
              "domainPrefix", "requestTimeEpoch", "requestId", "identity", "domainName", "deploymentId", "apiId"]
IN_IDENTITY = ["cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId", "accessKey",
               "cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user"]
CONTEXT = {"text": "a", "number": 7, "real": 1.5, "yes": True, "no": False}
POOL = "us-east-1_Pool"
IAM = {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}}
# What a definition maps for a proxy does nothing, but where it must not be mapped (rest/05 section 5.4).
ILLEGAL = ["Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id", "Authorization", "Connection", "Expect",
           "Proxy-Authenticate", "TE", "content-length", "AUTHORIZATION", "te"]


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions.update(
        seen=lambda event: {"statusCode": 200, "body": "seen"},
        guard=lambda event: output(context=CONTEXT),
    )
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def issuer():
    made = Issuer(RsaKey("one"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions, issuer):
    mapped = {"integration.request.header.X-Added": "'added'", "integration.request.querystring.added": "'yes'",
              "integration.request.header.Content-Type": "'text/plain'", "integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    paths = {
        "/plain": proxy("seen"),
        "/orders/{id}": proxy("seen"),
        "/rest/{rest+}": proxy("seen"),
        "/signed": proxy("seen", IAM),
        "/guarded": proxy("seen", {"security": [{"guard": []}]}),
        "/pool": proxy("seen", {"security": [{"pool": []}]}),
        "/named": proxy("seen", {"operationId": "listOrders"}),
        "/mapped": proxy("seen", requestParameters=mapped, requestTemplates={"application/json": '{"a": "template"}'}, passthroughBehavior="never"),
        "/get": proxy("seen", httpMethod="GET"),
        "/verbs": {"get": proxy("seen"), ANYTHING: proxy("seen")},
        **{f"/illegal/{number}": proxy("seen", requestParameters={f"integration.request.header.{name}": "'x'"})
           for number, name in enumerate(ILLEGAL)},
    }
    schemes = {"guard": authorizer("guard", source="method.request.header.Authorization"), "pool": pools(POOL)}
    body = definition(paths, schemes, **{"x-amazon-apigateway-binary-media-types": ["image/*", "application/x-bin"]})
    settings = [
        f'lambda-endpoint = "{functions.url}"\n',
        principal("AKIAADA", arn=f"arn:aws:iam::{ACCOUNT}:user/ada", user_id="AIDAADAADA", full_access=True),
        table("user-pools", id=POOL, issuer=issuer.url, jwks=issuer.url + "/keys"),
    ]
    running = Running(tmp_path_factory.mktemp("events"), {"": body}, "\n".join(settings))
    ask(running, "/plain")
    running.api = functions.calls("seen")[-1].event["requestContext"]["apiId"]
    running.name = f"{running.api}.execute-api.{REGION}.amazonaws.com"
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def call_of(functions, act):
    """The one invocation that `act` leads to."""
    before = len(functions.calls("seen"))
    got = act()
    calls = functions.calls("seen")[before:]
    assert len(calls) == 1, (len(calls), got)
    assert (got.status, got.body) == (200, b"seen")
    return calls[0]


def event_of(gate, functions, target="/plain", verb="GET", headers=(), body=None):
    """By the name of the API, below its stage."""
    return call_of(functions, lambda: ask(gate, "/prod" + target, verb, headers, body, host=gate.name)).event


def check_golden(gate, name, event):
    golden = json.loads((GOLDEN / f"{name}.json").read_text())
    wrong = unlike(filled(golden, {"api": gate.api}), event)
    orders = [(KEYS, event), (IN_CONTEXT, event["requestContext"]), (IN_IDENTITY, event["requestContext"]["identity"])]
    for expected, found in orders:
        shown = [key for key in found if key in expected]
        wrong += [] if shown == expected else [f"in the order {shown}"]
    assert not wrong, "\n".join(wrong)


AGENT = ("User-Agent", "curl/8")


@pytest.mark.parametrize("name, target, verb, headers, body", [
    ("get", "/plain", "GET", [AGENT], None),
    ("post", "/orders/42?tag=a&tag=b", "POST",
     [AGENT, ("Accept", "*/*"), ("Content-Type", "application/json"), ("x-custom", "first"), ("x-custom", "last")], b'{"a":1}'),
    ("binary", "/orders/42", "PUT", [AGENT, ("Content-Type", "image/png")], b"\x89PNG\x00\xff"),
    ("lambda-authorizer", "/guarded", "GET", [AGENT, ("Authorization", "the token")], None),
    ("cognito", "/pool", "GET", [AGENT, ("Authorization", "<token>")], None),
    ("operation", "/named", "GET", [AGENT], None),
])
def test_golden_events(gate, functions, issuer, name, target, verb, headers, body):
    headers = [(name, issuer.token(email_verified=True) if value == "<token>" else value) for name, value in headers]
    check_golden(gate, name, event_of(gate, functions, target, verb, headers, body))


def test_the_golden_event_of_a_signed_request(gate, functions):
    signing = Signing(gate, "/prod/signed", host=gate.name, headers={"User-Agent": "curl/8"})
    order = ["User-Agent", *(name for name in signing.headers if name != "User-Agent")]
    event = event_of(gate, functions, "/signed", headers={name: signing.headers[name] for name in order})
    check_golden(gate, "iam", event)
    assert "Authorization" not in event["headers"] and "Authorization" not in event["multiValueHeaders"]
    identity = event["requestContext"]["identity"]
    assert identity["caller"] == identity["user"] == "AIDAADAADA"


def test_types_of_what_an_authorizer_says(gate, functions):
    said = event_of(gate, functions, "/guarded", headers={"Authorization": "x"})["requestContext"]["authorizer"]
    latency = said.pop("integrationLatency")
    assert isinstance(latency, (int, float)) and not isinstance(latency, bool), latency
    assert said == {"principalId": "ada", "text": "a", "number": "7", "real": "1.5", "yes": "true", "no": "false"}


def test_claims_are_texts(gate, functions, issuer):
    token = issuer.token(email_verified=True, age=7, **{"cognito:groups": ["a", "b"]})
    claims = event_of(gate, functions, "/pool", headers={"Authorization": token})["requestContext"]["authorizer"]["claims"]
    assert [name for name, value in claims.items() if not isinstance(value, str)] == []
    assert (claims["email_verified"], claims["age"], claims["sub"]) == ("true", "7", "ada")


# A part of the event, by its path, of a request.
@pytest.mark.parametrize("target, verb, headers, body, path, expected", [
    # Lines that stand several times.
    ("/plain", "GET", [("X-A", "1"), ("X-A", "2"), ("X-A", "3")], None, "headers.X-A", "3"),
    ("/plain", "GET", [("X-A", "1"), ("X-A", "2"), ("X-A", "3")], None, "multiValueHeaders.X-A", ["1", "2", "3"]),
    ("/plain", "GET", [("X-A", "1, 2")], None, "multiValueHeaders.X-A", ["1, 2"]),
    ("/plain", "GET", [("X-A", "1, 2"), ("X-A", "3")], None, "headers.X-A", "3"),
    ("/plain", "GET", [("X-Empty", "")], None, "headers.X-Empty", ""),
    ("/plain", "GET", [("X-Quoted", 'a"b\\c\t')], None, "headers.X-Quoted", 'a"b\\c'),
    # Names are as they were sent, but for three.
    ("/plain", "GET", [("x-LOWER-Upper", "v")], None, "headers.x-LOWER-Upper", "v"),
    ("/plain", "GET", [("accept", "text/html")], None, "headers.accept", "text/html"),
    ("/plain", "POST", [("content-type", "text/plain")], b"x", "headers.content-type", "text/plain"),
    ("/plain", "GET", [("authorization", "Bearer x")], None, "headers.Authorization", "Bearer x"),
    ("/plain", "GET", [("user-agent", "t/1")], None, "headers.User-Agent", "t/1"),
    ("/plain", "GET", [("user-agent", "t/1")], None, "requestContext.identity.userAgent", "t/1"),
    ("/plain", "GET", [("cookie", "a=1"), ("cookie", "b=2")], None, "multiValueHeaders.cookie", ["a=1", "b=2"]),
    # What the gateway completes.
    ("/plain", "GET", [("X-Forwarded-For", "192.0.2.1")], None, "headers.X-Forwarded-For", "192.0.2.1, 127.0.0.1"),
    ("/plain", "GET", [("X-Forwarded-For", "192.0.2.1")], None, "requestContext.identity.sourceIp", "127.0.0.1"),
    ("/plain", "GET", [("x-amzn-requestid", "84ea9398-51e3-4c28-812c-101ec193e4cf")], None, "requestContext.requestId",
     "84ea9398-51e3-4c28-812c-101ec193e4cf"),
    # Content-Encoding without a body is harmless and passes (rest/06 section 6.6).
    ("/plain", "GET", [("Content-Encoding", "gzip")], None, "headers.Content-Encoding", "gzip"),
    # The query is decoded, and the last value counts.
    ("/plain?q=1&q=2", "GET", [], None, "queryStringParameters", {"q": "2"}),
    ("/plain?q=1&q=2&r=3&q=1", "GET", [], None, "multiValueQueryStringParameters", {"q": ["1", "2", "1"], "r": ["3"]}),
    ("/plain?a=x+y&b=%2B&c=%C3%A4&%64=e", "GET", [], None, "queryStringParameters", {"a": "x y", "b": "+", "c": "ä", "d": "e"}),
    ("/plain?Q=1&q=2", "GET", [], None, "queryStringParameters", {"Q": "1", "q": "2"}),
    ("/plain?empty=&none", "GET", [], None, "queryStringParameters", {"empty": "", "none": ""}),
    ("/plain?a=1=2", "GET", [], None, "queryStringParameters", {"a": "1=2"}),
    ("/plain?q=%22%5C%0A", "GET", [], None, "queryStringParameters", {"q": '"\\\n'}),
    ("/plain?", "GET", [], None, "queryStringParameters", None),
    ("/plain?", "GET", [], None, "multiValueQueryStringParameters", None),
    # The path is not.
    ("/orders/a%20b%2Fc", "GET", [], None, "path", "/orders/a%20b%2Fc"),
    ("/orders/a%20b%2Fc", "GET", [], None, "pathParameters", {"id": "a%20b%2Fc"}),
    ("/orders/a+b@c", "GET", [], None, "pathParameters", {"id": "a+b@c"}),
    ("/orders/42/", "GET", [], None, "path", "/orders/42/"),
    ("/orders/42/", "GET", [], None, "pathParameters", {"id": "42"}),
    ("/rest/a//b/", "GET", [], None, "path", "/rest/a//b/"),
    ("/rest/a//b", "GET", [], None, "pathParameters", {"rest": "a//b"}),
    ("/rest/a/b?c", "GET", [], None, "resource", "/rest/{rest+}"),
    ("/rest/a/b?c", "GET", [], None, "requestContext.path", "/prod/rest/a/b"),
    # Bodies.
    ("/plain", "POST", [], b"", "body", None),
    ("/plain", "POST", [], b"", "isBase64Encoded", False),
    ("/plain", "POST", [("Content-Type", "image/png")], b"", "body", None),
    ("/plain", "POST", [("Content-Type", "application/json")], '{"ä": "\\n"}'.encode(), "body", '{"ä": "\\n"}'),
    ("/plain", "POST", [("Content-Type", "text/plain")], b"a\r\n\x00\x1f\"", "body", 'a\r\n\x00\x1f"'),
    ("/plain", "POST", [], "\U0001f600".encode(), "body", "\U0001f600"),
    ("/plain", "POST", [("Content-Type", "image/png; q=1")], b"text", "body", base64.b64encode(b"text").decode()),
    ("/plain", "POST", [("Content-Type", "application/x-bin")], b"\x00", "isBase64Encoded", True),
    ("/plain", "POST", [("Content-Type", "text/plain")], b"\xff\xfe", "body", base64.b64encode(b"\xff\xfe").decode()),
    ("/plain", "POST", [("Content-Type", "text/plain")], b"\xff\xfe", "isBase64Encoded", True),
    ("/verbs", "GET", [], b"with a body", "body", "with a body"),
    ("/verbs", "OPTIONS", [], b"with a body", "body", "with a body"),
    ("/verbs", "DELETE", [], b"with a body", "body", "with a body"),
    ("/verbs", "PATCH", [], None, "httpMethod", "PATCH"),
    ("/verbs", "PATCH", [], None, "requestContext.httpMethod", "PATCH"),
    # What a definition maps does nothing.
    ("/mapped?a=1", "POST", [("Content-Type", "text/css")], b"own", "body", "own"),
    ("/mapped?a=1", "POST", [("Content-Type", "text/css")], b"own", "queryStringParameters", {"a": "1"}),
    ("/mapped", "POST", [("Content-Type", "text/css")], b"own", "headers.Content-Type", "text/css"),
    ("/mapped", "POST", [("Content-Type", "text/css")], b"own", "headers.X-Added", None),
])
def test_what_is_told_of_a_request(gate, functions, target, verb, headers, body, path, expected):
    found = event_of(gate, functions, target, verb, headers, body)
    for name in path.split("."):
        found = found.get(name)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize("name, value", [
    ("Content-MD5", "x"), ("Max-Forwards", "1"), ("Proxy-Authenticate", "Basic"), ("Server", "x"), ("TE", "gzip"), ("Trailer", "X-T"),
    ("WWW-Authenticate", "Basic"), ("Connection", "keep-alive"), ("Content-Length", "1"), ("Upgrade", "x"), ("server", "x"), ("te", "x"),
])
def test_headers_that_no_function_sees(gate, functions, name, value):
    event = event_of(gate, functions, verb="POST", headers={"X-Kept": "kept", name: value}, body=b"x")
    for part in ("headers", "multiValueHeaders"):
        assert name.lower() not in {own.lower() for own in event[part]} and "X-Kept" in event[part]


def test_bodies_in_chunks(gate, functions):
    event = event_of(gate, functions, verb="POST", headers={"Transfer-Encoding": "chunked"}, body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert event["body"] == "abcde" and "Transfer-Encoding" not in event["headers"]


def test_a_signature_goes_no_further(gate, functions):
    """Though the method asks for none (rest/05 section 5.1)."""
    signing = Signing(gate, "/prod/plain", host=gate.name)
    event = event_of(gate, functions, headers=signing.headers)
    assert "Authorization" not in event["headers"] and "Authorization" not in event["multiValueHeaders"]


@pytest.mark.parametrize("number", range(len(ILLEGAL)), ids=ILLEGAL)
def test_headers_that_must_not_be_mapped(gate, functions, number):
    before = len(functions.invocations)
    assert told(ask(gate, f"/illegal/{number}")) == error(500)
    assert len(functions.invocations) == before


def test_a_function_is_invoked_by_post(gate, functions):
    before = len(functions.invocations)
    assert told(ask(gate, "/get")) == error(500)
    assert len(functions.invocations) == before


def test_the_call_itself(gate, functions):
    """rest/05 section 5.3, and rest/09 section 9.1."""
    headers = {"X-Amzn-Trace-Id": "Root=1-66a2b3c4-0123456789abcdef01234567", "User-Agent": "t/1", "Accept": "text/html", "X-Own": "own",
               "X-Amz-Invocation-Type": "Event", "X-Amz-Client-Context": "e30=", "X-Amz-Log-Type": "Tail"}
    call = call_of(functions, lambda: ask(gate, "/prod/orders/42?q=1", "PUT", headers, b"x", host=gate.name))
    request = call.event["requestContext"]["requestId"]
    assert call.path == uri("seen").partition("path")[2]
    names = [name.lower() for name, _ in call.lines]
    assert len(names) == len(set(names)), names
    lines = {name.lower(): value for name, value in call.lines}
    trace = lines.pop("x-amzn-trace-id")
    assert trace.startswith("Root=1-66a2b3c4-0123456789abcdef01234567"), trace
    for optional in ("x-amz-invocation-type",):
        assert lines.pop(optional, "RequestResponse") == "RequestResponse"
    assert lines == {
        "accept": "application/json", "user-agent": f"AmazonAPIGateway_{gate.api}", "connection": "keep-alive", "content-type": "application/json",
        "content-length": str(len(call.body)), "host": functions.url.removeprefix("http://"), "x-amzn-apigateway-api-id": gate.api,
        "x-amz-source-arn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{gate.api}/prod/ANY/orders/{{id}}", "x-amzn-lambda-integration-tag": request,
    }
    assert re.fullmatch(rb"\{.*\}", call.body) and b'": ' not in call.body.partition(b'"body"')[0]


def test_the_verb_of_the_method_is_in_the_source(gate, functions):
    arn = lambda verb: call_of(functions, lambda: ask(gate, "/verbs", verb)).headers["X-Amz-Source-Arn"].rpartition("/prod/")[2]
    assert (arn("GET"), arn("POST")) == ("GET/verbs", "ANY/verbs")


def test_what_the_answer_shows(gate, functions):
    """Ids of the event are those of the answer."""
    got = {}
    event = call_of(functions, lambda: got.setdefault("answer", ask(gate, "/plain"))).event
    headers, context = got["answer"].headers, event["requestContext"]
    assert (headers["x-amzn-RequestId"], headers["x-amz-apigw-id"]) == (context["requestId"], context["extendedRequestId"])
    assert headers["X-Amzn-Trace-Id"].startswith(event["headers"]["X-Amzn-Trace-Id"].partition(";")[0])
