"""What a Lambda function behind AWS_PROXY may answer, and what a client gets of it (rest/09 section 9.3, 05 section 5.7, 06 section 6.4)."""
import base64
import http.client

import pytest

from callers import Running, definition
from functions import Functions, Raw
from integrations import error, proxy, read, told, values

MALFORMED = error(502)
TYPES = "x-amazon-apigateway-binary-media-types"
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
IN_TEXT = base64.b64encode(PNG).decode()
# Which types are binary, by the base path of the API.
BINARY = {"png": ["image/png"], "three": ["image/png", "application/*", "image/jpg"], "half": ["*/test"], "none": [], "all": ["*/*"]}


def raw(text, status=200):
    return Raw(status, text if isinstance(text, bytes) else text.encode())


def ok(status=200, body=b"", **headers):
    """All that matters of a good answer; `None` is a header that is not there."""
    return status, body, {"Content_Type": "application/json", "x_amzn_ErrorType": None, **headers}


def saying(**members):
    return {"statusCode": 200, **members}


DEEP = "[" * 100_000
MANY = {f"X-{number}": "v" for number in range(1_001)}
ANSWERS = [
    ("a status", {"statusCode": 200}, ok()),
    ("nothing in it", {}, ok()),
    ("only headers", {"headers": {"X-A": "a"}}, ok(X_A="a")),
    ("only a body", {"body": "b"}, ok(body=b"b")),
    ("no headers", saying(headers=None), ok()),
    ("no headers of several values", saying(multiValueHeaders=None), ok()),
    ("no body", saying(body=None), ok()),
    ("an empty body", saying(body=""), ok()),
    ("true for a header", saying(headers={"X-A": True}), ok(X_A="true")),
    ("false for a header", saying(headers={"X-A": False}), ok(X_A="false")),
    ("a status as text", {"statusCode": "201"}, ok(201)),
    ("another status", {"statusCode": 418, "body": "tea"}, ok(418, b"tea")),
    ("an error of its own", {"statusCode": 502, "body": "mine"}, ok(502, b"mine")),
    ("the last status", {"statusCode": 599}, ok(599)),
    ("not in base64", saying(body="b", isBase64Encoded=False), ok(body=b"b")),
    ("a text of any kind", saying(body='ä"\n\u0000\U0001f600'), ok(body='ä"\n\u0000\U0001f600'.encode())),
    ("JSON in a text", saying(body='{"a":1}'), ok(body=b'{"a":1}')),
    ("blanks around it", raw(' \r\n{"statusCode": 202}\n '), ok(202)),
    ("escapes", raw('{"\\u0073tatusCode": 202, "body": "\\ud83d\\ude00\\/"}'), ok(202, "\U0001f600/".encode())),
    ("a number for a header", saying(headers={"X-A": 1}), MALFORMED),
    ("null for a header", saying(headers={"X-A": None}), MALFORMED),
    ("an object for a header", saying(headers={"X-A": {}}), MALFORMED),
    ("a list for a header", saying(headers={"X-A": ["a"]}), MALFORMED),
    ("a text for headers", saying(headers="X-A: a"), MALFORMED),
    ("a list for headers", saying(headers=[]), MALFORMED),
    ("a text for several values", saying(multiValueHeaders={"X-A": "a"}), MALFORMED),
    ("null for several values", saying(multiValueHeaders={"X-A": None}), MALFORMED),
    ("an object among several values", saying(multiValueHeaders={"X-A": ["a", {}]}), MALFORMED),
    ("a list for maps of several values", saying(multiValueHeaders=[["X-A", "a"]]), MALFORMED),
    *[(f"status {status!r}", {"statusCode": status}, MALFORMED)
      for status in ("test", "", "20x", 0, -1, 99, 600, 1000, 65736, 2**32 + 200, 2**64 + 200, 1e300, 200.5, True, [], {}, [200])],
    # Nobody would wait for what comes behind an interim status.
    *[(f"status {status}", {"statusCode": status}, MALFORMED) for status in (100, 101, 103, 199, "100")],
    ("another key", saying(wrongValue="x"), MALFORMED),
    ("another key, null", saying(cookies=None), MALFORMED),
    ("a key in another case", {"StatusCode": 200}, MALFORMED),
    ("an object for a body", saying(body={"a": 1}), MALFORMED),
    ("a list for a body", saying(body=[]), MALFORMED),
    ("a number for a body", saying(body=1), MALFORMED),
    ("true for a body", saying(body=True), MALFORMED),
    ("a text", "Pass", MALFORMED),
    ("a text of an answer", '{"statusCode": 200}', MALFORMED),
    ("a number", 200, MALFORMED),
    ("a list", [{"statusCode": 200}], MALFORMED),
    ("a list of what an answer has", [200, None, None, "body", False], MALFORMED),
    ("a list of all that it has not", [None] * 5, MALFORMED),
    ("an empty list", [], MALFORMED),
    ("true", True, MALFORMED),
    ("null", None, MALFORMED),
    ("no bytes", raw(""), MALFORMED),
    ("no JSON", raw("<html>"), MALFORMED),
    ("half of one", raw('{"statusCode": 200'), MALFORMED),
    ("two of them", raw('{"statusCode": 200}{"statusCode": 200}'), MALFORMED),
    ("a comma too many", raw('{"statusCode": 200,}'), MALFORMED),
    ("not UTF-8", raw(b'{"body": "\xff"}'), MALFORMED),
    ("deeper than anybody reads", raw(DEEP), MALFORMED),
    ("deep in a body", raw('{"body": ' + DEEP), MALFORMED),
    ("a line end in a value", saying(headers={"X-A": "a\r\nX-Evil: 1"}), MALFORMED),
    ("a line feed in a value", saying(headers={"X-A": "a\nX-Evil: 1"}), MALFORMED),
    ("a line end in one of several", saying(multiValueHeaders={"X-A": ["a", "b\r\n\r\nevil"]}), MALFORMED),
    ("NUL in a value", saying(headers={"X-A": "a\0"}), MALFORMED),
    ("a line end in a name", saying(headers={"X-A: a\r\nX-Evil": "1"}), MALFORMED),
    ("a colon in a name", saying(headers={"X-A:": "1"}), MALFORMED),
    ("a blank in a name", saying(headers={"X A": "1"}), MALFORMED),
    ("no name", saying(headers={"": "1"}), MALFORMED),
    ("no ASCII in a name", saying(headers={"X-Ä": "1"}), MALFORMED),
    ("a line end in a name that is dropped", saying(headers={"Host\r\nX-Evil": "1"}), MALFORMED),
    ("more headers than anybody reads", saying(headers=MANY), MALFORMED),
    ("headers without end", saying(headers={"X-A": "a" * 100_000}), MALFORMED),
]
# Headers of one answer, and what a client gets of one name.
MERGED = [
    ("X-K", {"headers": {"X-K": "solo"}, "multiValueHeaders": {"X-K": ["multi"]}}, [("X-K", "multi"), ("X-K", "solo")]),
    ("X-K", {"headers": {"x-k": "solo"}, "multiValueHeaders": {"X-K": ["a", "b"]}}, [("X-K", "a"), ("X-K", "b"), ("X-K", "solo")]),
    ("X-K", {"headers": {"X-K": "a"}, "multiValueHeaders": {"x-K": ["a", "b"]}}, [("x-K", "a"), ("x-K", "b")]),
    ("X-K", {"headers": {"X-K": "b"}, "multiValueHeaders": {"X-K": []}}, [("X-K", "b")]),
    ("X-K", {"multiValueHeaders": {"X-K": []}}, []),
    ("X-K", {"headers": {"X-K": ""}}, [("X-K", "")]),
    ("X-K", {"headers": {"X-K": "ä"}}, [("X-K", "ä")]),
    ("X-K", {"headers": {"X-K": "a, b"}}, [("X-K", "a, b")]),
    ("Set-Cookie", {"multiValueHeaders": {"Set-Cookie": ["a=1; Path=/", "b=2"]}}, [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")]),
    ("Content-Type", {"headers": {"content-type": "text/html; charset=utf-8"}}, [("content-type", "text/html; charset=utf-8")]),
    ("Content-Type", {"multiValueHeaders": {"CONTENT-TYPE": ["text/css"]}}, [("CONTENT-TYPE", "text/css")]),
    ("Content-Type", {"headers": {"Content-Type": "application/json"}}, [("Content-Type", "application/json")]),
    ("Content-Encoding", {"headers": {"Content-Encoding": "x-own"}}, [("Content-Encoding", "x-own")]),
]
PASS = ["Age", "Accept", "Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag", "Last-Modified", "Location", "Pragma", "Range", "Referer",
        "Vary", "Warn", "Access-Control-Allow-Origin", "X-Forwarded-For", "X-Powered-By"]
REMAPPED = ["Connection", "Content-Length", "Date", "Server", "Authorization", "User-Agent", "WWW-Authenticate", "Content-MD5", "Max-Forwards"]
DROPPED = ["Host", "TE", "Trailer", "Upgrade", "Transfer-Encoding", "Expect", "Proxy-Authenticate", "Via"]
# Types that are binary, the client's Accept, what is said, and what the client gets (rest/06 section 6.4).
ENCODED = [
    ("png", "image/png", IN_TEXT, True, "image/png", PNG),
    ("png", "image/png", IN_TEXT, True, "text/plain", PNG),
    ("png", "image/png;q=0.5", IN_TEXT, True, "text/plain", PNG),
    ("png", "image/png", "no base64!", True, "image/png", None),
    ("png", "image/png", IN_TEXT + "\n", True, "image/png", None),
    ("png", "image/png", IN_TEXT, False, "image/png", IN_TEXT.encode()),
    *[("png", accept, IN_TEXT, True, "image/png", IN_TEXT.encode())
      for accept in ("image/jpg", "image/*", "*/*", "image/webp,image/png,*/*;q=0.8", "application", "", None)],
    ("png", "image/jpg", "no base64!", True, "image/png", b"no base64!"),
    ("png", "image/png,image/*,*/*;q=0.8", IN_TEXT, True, "image/png", PNG),
    *[("three", accept, IN_TEXT, True, kind, PNG) for accept in ("application/whatever", "application/*", "image/jpg")
      for kind in ("image/png", "text/html")],
    ("half", "*/test", IN_TEXT, True, "text/test", IN_TEXT.encode()),
    ("half", "random/test", IN_TEXT, True, "random/test", IN_TEXT.encode()),
    ("none", "image/png", IN_TEXT, True, "image/png", IN_TEXT.encode()),
    ("none", "*/*", IN_TEXT, True, "image/png", IN_TEXT.encode()),
    *[("all", accept, IN_TEXT, True, "image/png", PNG) for accept in ("image/png", "*/*", "text/html,image/png", None)],
    ("all", "*/*", "", True, "image/png", b""),
]


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions.update(answers=lambda event: running.answer)
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    apis = {name: definition({"/{proxy+}": proxy("answers")}, **{TYPES: types}) for name, types in BINARY.items()}
    running = Running(tmp_path_factory.mktemp("answers"), apis, f'lambda-endpoint = "{functions.url}"\n', "--workers", "1")
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture(scope="module")
def kept(gate):
    """One connection for all of them: none of these failures is the client's, and the next request is answered as ever."""
    connection = http.client.HTTPConnection(*gate.host_and_port, timeout=45)
    connection.connect()
    connection.first = connection.sock
    yield connection
    connection.close()


def check(kept, functions, said, expected, target="/none/x", headers=(), verb="GET"):
    functions.answer = said
    got = read(kept, target, verb, headers)
    if len(expected) == 3:
        status, body, wanted = expected
        assert (got.status, got.body) == (status, body)
        wanted = {name.replace("_", "-"): value for name, value in wanted.items()}
        assert {name: got.headers.get(name) for name in wanted} == wanted
        assert [len(values(got, name)) for name in ("Content-Type", "Content-Length", "Date", "x-amzn-RequestId")] == [1] * 4
        assert got.headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    else:
        assert told(got) == expected
    assert kept.sock is kept.first, "another connection"
    return got


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[row[0] for row in ANSWERS])
def test_answers(kept, functions, number):
    check(kept, functions, *ANSWERS[number][1:])


@pytest.mark.parametrize("said", [
    raw('{"statusCode": 200, "statusCode": 201}'),
    raw('{"body": "a", "body": "b", "statusCode": 200}'),
    raw('{"headers": {"X-A": "1", "x-a": "2"}}'),
    raw('{"headers": {"X-A": "1", "X-A": "2"}}'),
    raw('{"body": "\\ud800"}'),
    raw('{"statusCode": 200.0}'),
    raw('{"statusCode": null}'),
    saying(isBase64Encoded="true"),
    saying(isBase64Encoded=None),
    saying(multiValueHeaders={"X-A": [True, 1, None]}),
], ids=range(10))
def test_answers_of_which_nobody_knows(kept, functions, said):
    """Whole, or refused in AWS's words; and the connection goes on."""
    functions.answer = said
    got = read(kept, "/none/x")
    assert got.status in (200, 201) and "x-amzn-ErrorType" not in got.headers or told(got) == MALFORMED
    check(kept, functions, {}, ok())


@pytest.mark.parametrize("name, said, expected", MERGED, ids=range(len(MERGED)))
def test_headers_of_both_maps(kept, functions, name, said, expected):
    functions.answer = said
    got = read(kept, "/none/x")
    assert got.status == 200
    lines = [(own, value.encode("latin-1").decode()) for own, value in got.lines if own.lower() == name.lower()]
    assert lines == expected


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("name", PASS + REMAPPED + DROPPED)
def test_what_becomes_of_headers(kept, functions, name, several):
    said = {"multiValueHeaders": {name.lower(): ["1234"]}} if several else {"headers": {name: "1234"}}
    functions.answer = saying(body="the body", **said)
    got = read(kept, "/none/x")
    assert (got.status, got.body) == (200, b"the body")
    own, remapped = values(got, name), values(got, f"x-amzn-Remapped-{name}")
    if name in PASS:
        assert (own, remapped) == (["1234"], [])
    else:
        assert "1234" not in own
        assert remapped == (["1234"] if name in REMAPPED else [])
    assert values(got, "Content-Length") == ["8"] and len(values(got, "Date")) == 1 and not values(got, "Server")
    assert kept.sock is kept.first


@pytest.mark.parametrize("verb, status, body", [("HEAD", 200, "for nobody"), ("GET", 204, "for nobody"), ("GET", 304, "for nobody"), ("GET", 205, "")])
def test_answers_that_have_no_body(kept, functions, verb, status, body):
    functions.answer = {"statusCode": status, "body": body}
    got = read(kept, "/none/x", verb)
    assert (got.status, got.body) == (status, b"")
    check(kept, functions, saying(body="the next"), ok(body=b"the next"))


def test_an_answer_to_options_with_a_body(kept, functions):
    check(kept, functions, saying(body="b", headers={"Allow": "GET"}), ok(body=b"b", Allow="GET"), verb="OPTIONS")


@pytest.mark.parametrize("api, accept, body, encoded, kind, expected", ENCODED)
def test_bodies_in_base64(kept, functions, api, accept, body, encoded, kind, expected):
    said = saying(body=body, isBase64Encoded=encoded, headers={"Content-Type": kind})
    wanted = error(500) if expected is None else ok(body=expected, Content_Type=kind)
    check(kept, functions, said, wanted, f"/{api}/x", {"Accept": accept} if accept is not None else {})


def test_the_first_line_of_accept_counts(kept, functions):
    said = saying(body=IN_TEXT, isBase64Encoded=True)
    check(kept, functions, said, ok(body=PNG), "/png/x", [("Accept", "image/png"), ("Accept", "text/plain")])
    check(kept, functions, said, ok(body=IN_TEXT.encode()), "/png/x", [("Accept", "text/plain"), ("Accept", "image/png")])


def test_large_bodies(kept, functions):
    """Below Lambda's own six megabytes."""
    text = "x" * 6_000_000
    check(kept, functions, saying(body=text), ok(body=text.encode()))
    data = bytes(range(256)) * 16_000
    check(kept, functions, saying(body=base64.b64encode(data).decode(), isBase64Encoded=True), ok(body=data), "/all/x")


def test_connections_to_functions_are_used_again(kept, functions):
    before = functions.connections
    for said in ({}, "a text", saying(body=1), raw("<html>"), {}):
        functions.answer = said
        read(kept, "/none/x")
    assert functions.connections - before <= 1
