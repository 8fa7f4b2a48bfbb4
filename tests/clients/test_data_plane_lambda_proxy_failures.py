"""Lambda functions that fail, hang, break off or may not be called, behind AWS_PROXY (rest/09 section 9.4); what the access log and
gateway responses make of it."""
import concurrent.futures
import http.client
import json
import threading

import pytest

from callers import Running, definition, free_port
from functions import Failure, Functions, Raw
from integrations import Logged, error, proxy, read, told

RESPONSES = "x-amazon-apigateway-gateway-responses"
FAILED, REFUSED = error(502), error(500)
BROKEN = error(504, b'{"message": "Network error communicating with endpoint"}')
LATE = error(504, b'{"message": "Endpoint request timed out"}')
TOO_LARGE = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
VARIABLES = ["status", "integrationStatus", "integration.integrationStatus", "integration.status", "integration.error", "integrationErrorMessage",
             "error.responseType", "error.message"]


def fails(message="boom"):
    raise Failure(message)


def function_error(body, kind="Unhandled", **headers):
    return Raw(200, body if isinstance(body, bytes) else json.dumps(body).encode(), X_Amz_Function_Error=kind, **headers)


def lambda_error(status, kind, **members):
    return Raw(status, json.dumps(members).encode(), X_Amzn_ErrorType=kind, Content_Type="application/json")


def broken(data=b"", **members):
    return Raw(None, data, **members)


HEAD = b"HTTP/1.1 200 OK\r\n"
# Who answers so, and what a client is told.
FAILURES = [
    ("an error", fails, FAILED),
    ("an error without words", lambda: fails(""), FAILED),
    ("an error of several lines", lambda: fails('a\n"b"\r\n\0' + "x" * 100_000), FAILED),
    ("an error that was handled", lambda: function_error({"errorMessage": "boom"}, "Handled"), FAILED),
    ("an error that reads like an answer", lambda: function_error({"statusCode": 200, "body": "never"}), FAILED),
    ("an error without JSON", lambda: function_error(b"<html>"), FAILED),
    ("an error without bytes", lambda: function_error(b""), FAILED),
    ("an error whose message is no text", lambda: function_error({"errorMessage": {"code": 1}}), FAILED),
    ("its time is over", lambda: fails("2024-10-24T13:45:07.000Z 84ea9398-51e3-4c28-812c-101ec193e4cf Task timed out after 3.00 seconds"), FAILED),
    ("too large an answer", lambda: function_error({"errorMessage": TOO_LARGE, "errorType": "Function.ResponseSizeTooLarge"}), FAILED),
    ("seven megabytes", lambda: Raw(200, json.dumps({"body": "x" * 7_000_000}).encode()), FAILED),
    ("eleven megabytes", lambda: Raw(200, json.dumps({"body": "x" * 11_000_000}).encode()), (FAILED, REFUSED)),
    ("may not be invoked", lambda: lambda_error(403, "AccessDeniedException", Message="User: … is not authorized"), REFUSED),
    ("no such function", lambda: lambda_error(404, "ResourceNotFoundException", Message="Function not found: f", Type="User"), (FAILED, REFUSED)),
    ("too large an event", lambda: lambda_error(413, "RequestTooLargeException", Message="too large", Type="User"), (FAILED, REFUSED)),
    ("throttled", lambda: lambda_error(429, "TooManyRequestsException", Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
                                       Type="User", message="Rate Exceeded."), FAILED),
    *[(f"Lambda's {status}", lambda status=status: lambda_error(status, "ServiceException", Message="internal"), FAILED) for status in (500, 502, 503, 504)],
    ("closes", broken, BROKEN),
    ("no HTTP", lambda: broken(b"hello\r\n\r\n"), BROKEN),
    ("bytes of anything", lambda: broken(bytes(range(256)) * 64), BROKEN),
    ("closes in its head", lambda: broken(HEAD + b"Content-Le"), BROKEN),
    ("closes in its body", lambda: broken(HEAD + b"Content-Length: 100\r\n\r\n{"), BROKEN),
    ("closes in a chunk", lambda: broken(HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{"), BROKEN),
    ("chunks that are none", lambda: broken(HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"), BROKEN),
    ("two lengths", lambda: broken(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), BROKEN),
    ("a length that is none", lambda: broken(HEAD + b"Content-Length: two\r\n\r\n{}"), BROKEN),
    ("a head without end", lambda: broken(HEAD + b"X-A: " + b"a" * 1_000_000), BROKEN),
    ("switches protocols", lambda: broken(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), (BROKEN, FAILED, REFUSED)),
]
# What the access log says of some of them (rest/09 section 9.4, the end).
LOGGED = {
    "an error": {"status": "502", "integrationStatus": "200", "integration.integrationStatus": "200", "integration.status": "-",
                 "error.responseType": "INTEGRATION_FAILURE", "error.message": "Internal server error"},
    "too large an answer": {"status": "502", "integrationStatus": "200", "error.responseType": "INTEGRATION_FAILURE",
                            "integration.error": f"Lambda Customer Function Error:{TOO_LARGE}"},
    "seven megabytes": {"status": "502", "integrationStatus": "200", "error.responseType": "INTEGRATION_FAILURE",
                        "integration.error": f"Lambda Customer Function Error:{TOO_LARGE}"},
    "throttled": {"status": "502", "integrationStatus": "429", "error.responseType": "INTEGRATION_FAILURE"},
    "may not be invoked": {"status": "500", "integrationStatus": "403"},
    "closes": {"status": "504", "integrationStatus": "-", "integration.status": "-", "error.responseType": "INTEGRATION_FAILURE",
               "error.message": "Network error communicating with endpoint"},
}
SHOWN = '{"type":"$context.error.responseType","message":$context.error.messageString}'


def customised(**responses):
    """By its types: `(status, whether with a template)`."""
    made = {}
    for kind, (status, template) in responses.items():
        made[kind] = {**({"statusCode": status} if status else {}), **({"responseTemplates": {"application/json": SHOWN}} if template else {})}
    return {RESPONSES: made}


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.late = threading.Event()

    def hang():
        running.late.wait(30)
        return {"statusCode": 200}

    running.functions.update(answers=lambda event: running.answer(), hangs=lambda event: hang(), slow=lambda event: hang(), good=lambda event: {"body": "good"})
    yield running
    running.late.set()
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    paths = {"/x": proxy("answers"), "/echo": proxy("echo"), "/good": proxy("good"), "/hangs": proxy("hangs", timeoutInMillis=200),
             "/slow": proxy("slow", timeoutInMillis=200), "/get": proxy("answers", httpMethod="GET")}
    apis = {
        "plain": definition(paths),
        "default": definition(paths, **customised(DEFAULT_5XX=("599", True))),
        "statusless": definition(paths, **customised(DEFAULT_5XX=(None, True))),
        "failure": definition(paths, **customised(INTEGRATION_FAILURE=("418", True))),
        "failure-statusless": definition(paths, **customised(INTEGRATION_FAILURE=(None, True))),
        "both": definition(paths, **customised(INTEGRATION_FAILURE=("418", True), DEFAULT_5XX=("599", True), INTEGRATION_TIMEOUT=("419", True))),
    }
    running = Logged(tmp_path_factory.mktemp("failures"), apis, f'lambda-endpoint = "{functions.url}"\n', "--workers", "1", variables=VARIABLES)
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture(scope="module")
def kept(gate):
    connection = http.client.HTTPConnection(*gate.host_and_port, timeout=45)
    connection.connect()
    connection.first = connection.sock
    yield connection
    connection.close()


@pytest.mark.parametrize("number", range(len(FAILURES)), ids=[row[0] for row in FAILURES])
def test_failures(kept, functions, number):
    _, functions.answer, expected = FAILURES[number]
    found = told(read(kept, "/plain/x", "POST", body=b"x"))
    assert found in expected if isinstance(expected[0], tuple) else found == expected
    # Nobody else notices: the same connection goes on, and what is kept to the function is sound.
    got = read(kept, "/plain/good")
    assert (got.status, got.body) == (200, b"good")
    assert kept.sock is kept.first


def test_a_function_that_hangs(kept):
    assert told(read(kept, "/plain/hangs")) == LATE
    assert read(kept, "/plain/good").body == b"good"
    assert kept.sock is kept.first


def test_a_function_that_stops_in_its_answer(kept, functions):
    functions.functions["slow"] = lambda event: broken(HEAD + b"Content-Length: 100\r\n\r\n{", then=lambda: functions.late.wait(30))
    assert told(read(kept, "/plain/slow")) == LATE
    functions.functions["slow"] = lambda event: broken(HEAD, then=lambda: functions.late.wait(30))
    assert told(read(kept, "/plain/slow")) == LATE
    assert kept.sock is kept.first


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"body\":\"good\"}",
    b"HTTP/1.1 200 OK\r\n\r\n{\"body\":\"good\"}",
    b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n{\"body\":\"good\"}",
    b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"body\":\r\n7\r\n\"good\"}\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"body\":\"good\"}and more",
], ids=range(5))
def test_answers_in_other_frames(kept, functions, data):
    # A connection that is closed behind a whole answer may just have been taken for the next request: it stays open.
    ends_with_it = b"Content-Length" not in data and b"chunked" not in data
    functions.answer = lambda: broken(data, then=lambda: not ends_with_it)
    got = read(kept, "/plain/x")
    assert (got.status, got.body) == (200, b"good")


def test_what_comes_behind_an_answer_is_nobodys(kept, functions):
    """The connection that it came on is not used again."""
    said = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{"body":"%s"}'
    functions.answer = lambda: broken(said % (15, b"good") + said % (17, b"poison"), then=lambda: True)
    for _ in range(5):
        assert read(kept, "/plain/x").body == b"good"
        assert read(kept, "/plain/good").body == b"good"


def test_no_function_is_reached(tmp_path):
    running = Running(tmp_path, {"": definition({"/x": proxy("nobody")})}, f'lambda-endpoint = "http://127.0.0.1:{free_port()}"\n')
    got = running.ask("/x")
    assert (got.status, got.text) == (504, '{"message": "Network error communicating with endpoint"}')
    assert running.stop() == 0


def test_answers_are_not_mixed(gate, functions):
    """Of many callers at once, some of whose functions fail, everybody has her own answer."""
    turn = {"0": lambda: fails(), "1": lambda: broken(), "2": lambda: {"wrong": 1}, "3": lambda: Raw(200, b"<html>")}
    functions.functions["echo"] = lambda event: turn.get(event["body"][-1], lambda: {"body": event["body"], "headers": {"X-Own": event["body"]}})()
    wanted = {"0": FAILED, "1": BROKEN, "2": FAILED, "3": FAILED}

    def ask_all(caller):
        connection = http.client.HTTPConnection(*gate.host_and_port, timeout=45)
        for number in range(20):
            text = f"{caller} {number}"
            got = read(connection, "/plain/echo", "POST", body=text.encode())
            own = (got.status, got.body.decode(), got.headers.get("X-Own")) == (200, text, text)
            if not (told(got) == wanted[text[-1]] if text[-1] in wanted else own):
                return text, got
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(32) as callers:
        assert [wrong for wrong in callers.map(ask_all, range(32)) if wrong] == []


def test_a_failure_is_not_tried_again(kept, functions):
    """A function that ran must not run twice."""
    functions.answer = lambda: broken(HEAD + b"Content-Length: 100\r\n\r\n{")
    before = len(functions.calls("answers"))
    for verb in ("GET", "POST"):
        assert told(read(kept, "/plain/x", verb)) == BROKEN
    assert len(functions.calls("answers")) - before == 2


@pytest.mark.parametrize("name", LOGGED)
def test_what_the_log_says_of_failures(gate, functions, name):
    functions.answer = next(row[1] for row in FAILURES if row[0] == name)
    _, line = gate.logged("/plain/x")
    assert {key: line[key] for key in LOGGED[name]} == LOGGED[name]


@pytest.mark.parametrize("said, expected", [
    ({"statusCode": 201}, {"status": "201", "integrationStatus": "200", "integration.integrationStatus": "200", "integration.status": "201",
                           "integration.error": "-", "error.responseType": "-"}),
    ({"statusCode": 503, "body": "mine"}, {"status": "503", "integrationStatus": "200", "integration.status": "503", "error.responseType": "-"}),
    ({"statusCode": 200, "wrong": 1}, {"status": "502", "integrationStatus": "200", "error.message": "Internal server error"}),
])
def test_what_the_log_says_of_answers(gate, functions, said, expected):
    functions.answer = lambda: said
    _, line = gate.logged("/plain/x")
    assert {key: line[key] for key in expected} == expected


def test_what_the_log_says_of_a_function_that_hangs(gate):
    _, line = gate.logged("/plain/hangs")
    expected = {"status": "504", "integrationStatus": "-", "error.responseType": "INTEGRATION_TIMEOUT", "error.message": "Endpoint request timed out"}
    assert {key: line[key] for key in expected} == expected


def test_a_message_ends_no_line_of_the_log(gate, functions):
    functions.answer = lambda: fails("a\r\nforged line\tx")
    gate.logged("/plain/x")
    assert not any(line.startswith("forged") for line in gate.log.read_text().splitlines())


@pytest.mark.parametrize("name", ["awsEndpointRequestId", "integration.requestId"])
def test_an_id_of_lambda_is_in_the_log(tmp_path, functions, name):
    variables = ["status", name]
    running = Logged(tmp_path, {"": definition({"/x": proxy("answers")})}, f'lambda-endpoint = "{functions.url}"\n', variables=variables)
    functions.answer = lambda: Raw(200, b"{}", x_amzn_RequestId="84ea9398-51e3-4c28-812c-101ec193e4cf")
    _, line = running.logged("/x")
    assert line == {"status": "200", name: "84ea9398-51e3-4c28-812c-101ec193e4cf"}
    assert running.stop() == 0


MALFORMED = {"statusCode": 200, "wrong": 1}


@pytest.mark.parametrize("api, path, status, kind", [
    # The functions's error has the type INTEGRATION_FAILURE, and 502 as its own status.
    ("default", "x", 599, "INTEGRATION_FAILURE"),
    ("statusless", "x", 502, "INTEGRATION_FAILURE"),
    ("failure", "x", 418, "INTEGRATION_FAILURE"),
    ("failure-statusless", "x", 502, "INTEGRATION_FAILURE"),
    ("both", "x", 418, "INTEGRATION_FAILURE"),
    # An integration's verb: 500, and a response without a status does not change that (rest/09 section 9.1).
    ("default", "get", 599, "INTEGRATION_FAILURE"),
    ("statusless", "get", 500, "INTEGRATION_FAILURE"),
    ("failure", "get", 418, "INTEGRATION_FAILURE"),
    ("failure-statusless", "get", 500, "INTEGRATION_FAILURE"),
    ("default", "hangs", 599, "INTEGRATION_TIMEOUT"),
    ("statusless", "hangs", 504, "INTEGRATION_TIMEOUT"),
    ("both", "hangs", 419, "INTEGRATION_TIMEOUT"),
])
def test_gateway_responses_of_failures(kept, functions, api, path, status, kind):
    functions.answer = fails
    got = read(kept, f"/{api}/{path}")
    assert (got.status, json.loads(got.body)["type"]) == (status, kind), got.body
    assert kept.sock is kept.first


@pytest.mark.parametrize("api, status, customised", [("default", 599, True), ("statusless", 502, True), ("failure", 502, False), ("both", 599, True)])
def test_gateway_responses_of_answers_that_are_none(kept, functions, api, status, customised):
    """By DEFAULT_5XX, and by none of an integration's failure."""
    functions.answer = lambda: MALFORMED
    got = read(kept, f"/{api}/x")
    assert (got.status, b'"type"' in got.body) == (status, customised), got.body
    assert got.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
