"""Requests of people who should not be let in: other spellings of a path, requests inside of requests, bodies that nobody needs."""
import json
import socket

import pytest

from callers import (ANYBODY, FORBIDDEN, UNKNOWN, Running, Signing, definition, everybody, free_port, mock, policy, principal, signed, statement,
                     table, told, write)
from conftest import Served
from functions import Functions, authorizer, output

OK = 200
ALL_BUT = lambda resource: policy(everybody("Allow"), everybody("Deny", f"execute-api:/prod/{resource}"))
POLICIES = {"exact": ALL_BUT("GET/secret"), "any-verb": ALL_BUT("*/secret"), "below": ALL_BUT("GET/secret/*"), "prefix": ALL_BUT("GET/secret*")}
ALL_BUT_SECRET = policy(statement("Allow"), statement("Deny", "arn:aws:execute-api:*:*:*/prod/*/secret"))


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions["all-but"] = lambda event: {**output(), "policyDocument": ALL_BUT_SECRET}
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    folder = tmp_path_factory.mktemp("attack")
    paths = {"/open": mock("open"), "/secret": mock("secret"), "/secret/{id}": mock("below"), "/iam": signed("in")}
    schemes = {"who": authorizer("all-but", source="method.request.header.Authorization", ttl=300)}
    apis = {name: definition(paths, **{"x-amazon-apigateway-policy": document}) for name, document in POLICIES.items()}
    apis["function"] = definition({"/secret": mock("secret", security=[{"who": []}]), "/open": mock("open", security=[{"who": []}])}, schemes)
    greedy = definition({"/a/{proxy+}": mock("any")}, **{"x-amazon-apigateway-policy": policy(everybody("Allow"), everybody("Deny", "execute-api:/prod/GET/a/secret"))})
    apis["greedy"] = greedy
    apis["signed"] = definition({"/secret": signed("secret"), "/open": signed("open")})
    settings = [f'lambda-endpoint = "{functions.url}"\n', principal("AKIAADA", full_access=True),
                principal("AKIABUT", policy_file=write(folder, "but.json", ALL_BUT_SECRET))]
    running = Running(folder, apis, "\n".join(settings))
    yield running
    assert running.stop() == 0, "\n".join(running.said)


# What a client may write in place of `/secret`. Whatever of it is routed there is refused there.
SPELLINGS = ["/secret", "/secret/", "/secret//", "//secret", "/./secret", "/open/../secret", "/secret/.", "/secret/..", "/%73ecret", "/secre%74", "/%2Fsecret", "/secret%2F", "/SECRET",
             "/secret?", "/secret?x", "/secret;x", "/secret%00", "/secret%20", "/secret#x", "/%2e/secret", "/secret%3F", "/secret%2f%2e%2e%2fsecret", "/\\secret", "/secret/%2e"]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("api", ["exact", "any-verb", "prefix", "function", "signed"])
def test_other_spellings_of_a_path_that_is_denied(gate, api, spelling):
    target = f"/{api}{spelling}"
    headers = {"Authorization": "ada"} if api == "function" else {}
    if api == "signed":
        answer = Signing(gate, target.split("#")[0], key="AKIABUT").ask()
    else:
        answer = gate.ask(target, headers=headers)
    assert answer.status in (400, 403, 404) or answer.text == "below", (answer.status, answer.text)


@pytest.mark.parametrize("method", ["get", "Get", "GET ", "POST", "HEAD", "OPTIONS", "PROPFIND", "TRACE"])
def test_other_spellings_of_a_verb_that_is_denied(gate, method):
    assert gate.ask("/any-verb/secret", method.strip()).status in (400, 403, 405, 501)


@pytest.mark.parametrize("target", ["http://{host}/exact/secret", "http://other/exact/secret", "HTTP://{host}/exact/secret", "http://{host}//exact/secret"])
def test_the_absolute_form_of_a_path_that_is_denied(gate, target):
    assert gate.ask(target.replace("{host}", gate.address)).status in (400, 403, 404)


def test_headers_that_name_another_path(gate):
    for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-HTTP-Method-Override", "X-Method-Override", "X-Forwarded-Prefix"):
        assert gate.ask("/exact/secret", headers={name: "/open" if "ethod" not in name else "POST"}).status == 403
        assert gate.ask("/exact/open", headers={name: "/secret" if "ethod" not in name else "POST"}).text == "open"


def raw(gate, *pieces, timeout=10):
    """Everything that comes back for these bytes until the gateway closes or has nothing more to say."""
    with socket.create_connection(gate.host_and_port, timeout) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while piece := connection.recv(65536):
            found += piece
        return found


INNER = b"GET /exact/open HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("path", ["/signed/secret", "/function/secret", "/exact/secret"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_of_who_is_refused_is_no_request(gate, path, framing):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n".replace("POST /exact", "GET /exact").encode()
    if framing == "length":
        request = head + b"Content-Length: %d\r\n\r\n%s" % (len(INNER), INNER)
    else:
        request = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(INNER), INNER)
    found = raw(gate, request)
    assert found.count(b"HTTP/1.1 ") == 1 and b"open" not in found
    # Behind it, a request is one again, unless the connection is closed.
    found = raw(gate, request + INNER)
    assert found.count(b"HTTP/1.1 ") in (1, 2) and found.count(b"open") <= 1


def test_nobody_waits_for_the_body_of_whom_nobody_knows(gate):
    """The answer is there before a byte of a body that may never come."""
    request = Signing(gate, "/signed/secret", "POST", body=b"x", key="AKIAGHOST")
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name.lower() != "content-length")
    with socket.create_connection(gate.host_and_port, 5) as connection:
        connection.sendall(f"POST /signed/secret HTTP/1.1\r\nHost: {gate.address}\r\n{lines}Content-Length: 5000000\r\n\r\n".encode())
        found = connection.recv(65536)
    assert found.startswith(b"HTTP/1.1 403 ") and UNKNOWN[1].encode() in found


def test_a_body_that_is_waited_for_by_its_leave(gate):
    """Expect: 100-continue: whom nobody knows is not asked for her body; who is known, is."""
    for key, expected in (("AKIAGHOST", b"HTTP/1.1 403 "), ("AKIAADA", b"HTTP/1.1 100 ")):
        request = Signing(gate, "/signed/secret", "POST", body=b"body", key=key)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name.lower() != "content-length")
        with socket.create_connection(gate.host_and_port, 5) as connection:
            connection.sendall(f"POST /signed/secret HTTP/1.1\r\nHost: {gate.address}\r\n{lines}Content-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
            found = connection.recv(65536)
            assert found.startswith(expected), (key, found)
            if key == "AKIAADA":
                connection.sendall(b"body")
                found = connection.recv(65536)
                assert found.startswith(b"HTTP/1.1 200 "), found


@pytest.mark.parametrize("header", ["Authorization: " + "x" * 9_000, "Authorization: AWS4-HMAC-SHA256 " + "a=b," * 2_000, "Authorization: " + "=" * 9_000,
                                    "Authorization: AWS4-HMAC-SHA256 Credential=" + "/" * 8_000, "Authorization: AWS4-HMAC-SHA256 SignedHeaders=" + ";" * 8_000,
                                    "Authorization: \u00e4=\u00f6", "Authorization: AWS4-HMAC-SHA256 Credential=\x01=,,,=,Signature="])
@pytest.mark.parametrize("path", ["/signed/secret", "/function/none", "/exact/none"])
def test_long_and_odd_credentials(gate, header, path):
    found = raw(gate, f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Amz-Date: 20260101T000000Z\r\n{header}\r\n\r\n".encode())
    assert found.split(b" ", 2)[1] in (b"400", b"403"), found[:200]
    body = found.split(b"\r\n\r\n", 1)[1]
    assert not body or json.loads(body)


def test_a_private_api_is_private_by_every_address(tmp_path):
    endpoint = ("127.0.0.1", free_port())
    write(tmp_path, "weir.toml", table("vpc-endpoints", id="vpce-0123456789abcdef0", listen="%s:%d" % endpoint))
    served = Served(tmp_path / "data", "--config", str(tmp_path / "weir.toml"), "--dev")
    ask = lambda target, at=None, **options: told(Running.ask(served, target, address=at, **options))
    aws = served.client(**ANYBODY)
    body = definition({"/": mock("in")}, **{"x-amazon-apigateway-policy": policy(everybody("Allow"))},
                      servers=[{"url": "/", "x-amazon-apigateway-endpoint-configuration": {"types": ["PRIVATE"]}}])
    api = aws.import_rest_api(body=json.dumps(body))["id"]
    aws.create_deployment(restApiId=api, stageName="prod")
    host = f"{api}.execute-api.us-east-1.amazonaws.com"
    ways = [
        dict(target=f"/restapis/{api}/prod/_user_request_/"),
        dict(target="/prod/", host=host),
        dict(target="/prod/", host=f"{api}-vpce-0123456789abcdef0.execute-api.us-east-1.amazonaws.com"),
        dict(target="/prod/", host="vpce-0123456789abcdef0-x.execute-api.us-east-1.vpce.amazonaws.com", headers={"x-apigw-api-id": api}),
        dict(target=f"http://{host}/prod/", host="x"),
    ]
    assert [ask(**way) for way in ways] == [FORBIDDEN] * len(ways)
    found = [ask(at=endpoint, **way) for way in ways[:4]]
    assert found == [OK] * 4, "private addresses of security/tls-mtls-private section 4"
    assert served.stop() == 0


@pytest.mark.parametrize("path", ["/a/secret", "/a/%73ecret", "/a//secret", "/a/%2Fsecret", "/a/secret%2F", "/a/secret/", "/a/s%65cret//"])
def test_a_denial_below_a_greedy_parameter_covers_every_spelling(gate, path):
    assert gate.ask(f"/greedy{path}").status in (400, 403)
    assert gate.ask("/greedy/a/open").status == OK


@pytest.mark.parametrize("more", ["X-Amz-Signature=00", "X-Amz-Expires=604800", "X-Amz-Credential=AKIABUT/20260101/us-east-1/execute-api/aws4_request"])
def test_parts_of_a_presigned_address_that_stand_twice(gate, more):
    signing = Signing(gate, "/signed/open", expires=300)
    answer = signing.but(target=f"{signing.target}&{more}").ask()
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "IncompleteSignatureException")


def test_two_authorization_lines_are_nobodys(gate):
    signing = Signing(gate, "/signed/open")
    for lines in ([("Authorization", "Bearer x")], [("Authorization", signing.headers["Authorization"])]):
        headers = [*signing.headers.items(), *lines]
        assert gate.ask("/signed/open", headers=headers).status == 403
