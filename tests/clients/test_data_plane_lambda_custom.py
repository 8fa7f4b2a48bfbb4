"""Lambda functions behind AWS integrations: what they are told, and which of their answers becomes what (rest/09 section 9.5, 07)."""
import base64
import json
import threading

import pytest

from callers import ACCOUNT, ANYTHING, definition
from functions import NO_JSON, Failure, Functions, Raw
from integrations import REGION, Logged, answer, ask, custom, error, told, uri, values

REFUSED = error(500)
UNSUPPORTED = error(415, b'{"message": "Unsupported Media Type"}', "BadRequestException")
JSON_TEMPLATE = {"application/json": '{"id":"$input.params(\'id\')","q":"$input.params(\'q\')","all":$input.json(\'$\'),"stage":"$context.stage"}'}
PARSED = "#set($e = $util.parseJson($input.path('$.errorMessage')))$e.code:$e.text"
SELECTED = {**answer(405, ".*four hundred.*"), **answer(502, ".+"), **answer(504, "200"), **answer(200)}
LINES = {**answer(409, ".*boom.*"), **answer(410, r"(\n|.)*bang(\n|.)*"), **answer(411, "(?s).*crash.*"), **answer(200)}
STRUCTURED = {
    **answer(404, '.*"httpStatus":404.*', PARSED),
    **answer(400, r".*\"httpStatus\":400.*", X_Code="integration.response.body.errorMessage.code", X_Deep="integration.response.body.errorMessage.in.list[1]",
             X_None="integration.response.body.errorMessage.nothing", X_Type="integration.response.body.errorType"),
    **answer(504, ".*Task timed out.*"),
    **answer(200),
}
# By its path: the function's name, and the integration's members.
METHODS = {
    "/plain": {},
    "/selected": {"responses": SELECTED},
    "/lines": {"responses": LINES},
    "/whole": {"responses": {**answer(400, "400"), **answer(404, "(?i)not found"), **answer(409, "a|b"), **answer(200)}},
    "/structured": {"responses": STRUCTURED},
    "/no-default": {"responses": answer(400, ".+")},
    "/none": {"responses": {}},
    "/empty-pattern": {"responses": {"": {"statusCode": "203"}, **answer(400, ".+")}},
    "/created": {"responses": answer(201)},
    "/event": {"requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}, "responses": {**answer(209, "202"), **answer(200)}},
    "/maybe-event": {"requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "method.request.header.InvocationType"}},
    "/template": {"requestTemplates": JSON_TEMPLATE},
    "/never": {"requestTemplates": JSON_TEMPLATE, "passthroughBehavior": "never"},
    "/no-templates": {"requestTemplates": JSON_TEMPLATE, "passthroughBehavior": "when_no_templates"},
    "/broken-template": {"requestTemplates": {"application/json": "#if("}},
    "/no-json": {"requestTemplates": {"application/json": "{broken"}},
    "/mapped": {"requestParameters": {"integration.request.header.X-Mapped": "method.request.header.X-Own", "integration.request.header.Accept": "'text/x'",
                                      "integration.request.querystring.Qualifier": "'live'"}},
    "/shown": {"responses": answer(200, X_Version="integration.response.header.X-Amz-Executed-Version", X_Id="integration.response.body.id",
                                   X_All="integration.response.body", Content_Type="'text/x'", X_Stage="context.stage", X_Colour="stageVariables.colour")},
    "/rendered": {"responses": answer(200, None, "#set($context.responseOverride.status = 202)"
                                      "#set($context.responseOverride.header.X-T = 't')<$input.path('$.id')>")},
    "/hangs": {"timeoutInMillis": 200},
    "/bytes": {"contentHandling": "CONVERT_TO_TEXT", "requestTemplates": {"image/png": '{"data":"$input.body"}'}},
}
URIS = {
    "/alias": (uri("answers:live"), "answers:live"),
    "/version": (uri("answers:7"), "answers:7"),
    "/latest": (uri("answers:$LATEST"), "answers:$LATEST"),
    "/by-variable": (uri("${stageVariables.function}"), "answers"),
    "/alias-by-variable": (uri("answers:${stageVariables.alias}"), "answers:blue"),
    "/part-by-variable": (uri("ans${stageVariables.part}"), "answers"),
    "/two-slashes": (uri("answers").replace("path/", "path//"), "answers"),
    "/elsewhere": (uri("answers", "eu-west-1", "210987654321"), None),
}
ILLEGAL = ["Content-Length", "Transfer-Encoding", "X-Amzn-Trace-Id", "X-Amzn-Apigateway-Api-Id", "Authorization", "Connection", "Expect",
           "Proxy-Authenticate", "TE"]
VARIABLES = {"function": "answers", "alias": "blue", "part": "wers", "colour": "red"}


def fails(message):
    raise Failure(message)


def lambda_error(status, body, **headers):
    return Raw(status, json.dumps(body).encode(), Content_Type="application/json", **headers)


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.late = threading.Event()
    running.functions.update(answers=lambda event: running.answer(), hangs=lambda event: running.late.wait(30))
    yield running
    running.late.set()
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    paths = {path: custom("hangs" if path == "/hangs" else "answers", **members) for path, members in METHODS.items()}
    paths |= {path: custom("answers", uri=text) for path, (text, _) in URIS.items()}
    paths["/template/{id}"] = custom("answers", requestTemplates=JSON_TEMPLATE)
    paths |= {f"/illegal/{number}": custom("answers", requestParameters={f"integration.request.header.{name}": "'x'"})
              for number, name in enumerate(ILLEGAL)}
    for path in ("/mapped", "/maybe-event"):
        names = {"/mapped": "X-Own", "/maybe-event": "InvocationType"}
        paths[path]["parameters"] = [{"name": names[path], "in": "header", "schema": {"type": "string"}}]
    body = definition({path: {ANYTHING: method} for path, method in paths.items()}, **{"x-amazon-apigateway-binary-media-types": ["image/png"]})
    flags = [flag for name, value in VARIABLES.items() for flag in ("--stage-variable", f"{name}={value}")]
    variables = ["status", "integrationStatus", "integration.error", "error.responseType"]
    running = Logged(tmp_path_factory.mktemp("custom"), {"": body}, f'lambda-endpoint = "{functions.url}"\n', *flags, variables=variables)
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def result(gate, functions, path, said, *arguments, **options):
    functions.answer = said if callable(said) else lambda: said
    return ask(gate, path, *arguments, **options)


@pytest.mark.parametrize("path, said, expected", [
    # Recorded: the answer of the Invoke API is 200, and never compared.
    ("/selected", {"ok": True}, 200),
    ("/selected", lambda: fails("an error of four hundred kinds"), 405),
    ("/selected", lambda: fails("an error of five hundred kinds"), 502),
    ("/selected", lambda: fails("200"), 502),
    ("/selected", "four hundred", 200),
    ("/selected", {"errorMessage": "four hundred"}, 405),
    ("/selected", {"message": "four hundred"}, 200),
    ("/selected", [{"errorMessage": "four hundred"}], 200),
    ("/selected", {"in": {"errorMessage": "four hundred"}}, 200),
    ("/selected", {"errorMessage": ""}, 200),
    ("/selected", None, 200),
    # The whole of a message.
    ("/whole", lambda: fails("400"), 400),
    ("/whole", lambda: fails("an error 400"), 200),
    ("/whole", lambda: fails("400 "), 200),
    ("/whole", lambda: fails("NOT FOUND"), 404),
    ("/whole", lambda: fails("b"), 409),
    ("/whole", lambda: fails("ab"), 200),
    # `.` is no line's end.
    ("/lines", lambda: fails("a boom b"), 409),
    ("/lines", lambda: fails("a\nboom"), 200),
    ("/lines", lambda: fails("a\nbang\nb"), 410),
    ("/lines", lambda: fails("a\ncrash\r\nb"), 411),
    ("/structured", lambda: fails("2024-10-24T13:45:07.000Z 84ea9398 Task timed out after 3.00 seconds"), 504),
    # An empty pattern is a default one too.
    ("/empty-pattern", {}, 203),
    ("/empty-pattern", lambda: fails("x"), 400),
    ("/created", lambda: fails("x"), 201),
])
def test_which_integration_response(gate, functions, path, said, expected):
    got = result(gate, functions, path, said)
    assert got.status == expected and "x-amzn-ErrorType" not in got.headers


@pytest.mark.parametrize("path, said", [("/no-default", {}), ("/no-default", lambda: lambda_error(500, {})), ("/none", {}), ("/none", lambda: fails("x"))])
def test_no_integration_response(gate, functions, path, said):
    functions.answer = said if callable(said) else lambda: said
    got, line = gate.logged(path)
    assert told(got) == REFUSED
    assert line["error.responseType"] == "API_CONFIGURATION_ERROR"
    assert line["integration.error"].endswith("No match for output mapping and no default output mapping configured. "
                                              f"Endpoint Response Status Code: {line['integrationStatus']}")


NOT_FOUND = {"Message": f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:answers", "Type": "User"}
THROTTLED = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
DENIED = {"Message": "User: … is not authorized to perform: lambda:InvokeFunction"}


@pytest.mark.parametrize("status, body", [(400, {"Type": "User", "message": "m"}), (404, NOT_FOUND), (413, {"Type": "User"}), (429, THROTTLED),
                                          (500, {"Type": "Service"}), (502, {}), (503, {"message": "m"})])
def test_what_lambda_itself_says_passes(gate, functions, status, body):
    """By the default response: none of it has an `errorMessage`."""
    got = result(gate, functions, "/selected", lambda: lambda_error(status, body))
    assert (got.status, json.loads(got.body)) == (200, body)
    _, line = gate.logged("/selected")
    assert (line["status"], line["integrationStatus"]) == ("200", str(status))


@pytest.mark.parametrize("said", [
    lambda: lambda_error(403, {"__type": "AccessDeniedException", **DENIED}),
    lambda: lambda_error(403, DENIED, X_Amzn_ErrorType="AccessDeniedException"),
    lambda: Raw(200, json.dumps({"__type": "AccessDeniedException", "Message": None}).encode()),
])
def test_a_function_that_may_not_be_invoked(gate, functions, said):
    functions.answer = said
    got, line = gate.logged("/selected")
    assert told(got) == REFUSED
    assert line["integration.error"].endswith("Invalid permissions on Lambda function")


def test_failures_of_the_network(gate, functions):
    for said in (Raw(None), Raw(None, b"hello\r\n\r\n"), Raw(None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")):
        assert told(result(gate, functions, "/selected", said)) == error(504, b'{"message": "Network error communicating with endpoint"}')
    assert told(ask(gate, "/hangs")) == error(504, b'{"message": "Endpoint request timed out"}')


@pytest.mark.parametrize("text", [
    b'{ "a" :  1 }', b'"Pass"', b"null", b"7", b"[]", b"", b"plain", '{"\u00e4":"\U0001f600"}'.encode(), b'{"a":"' + b"x" * 1_000_000 + b'"}',
], ids=range(9))
def test_a_result_passes_as_it_is(gate, functions, text):
    got = result(gate, functions, "/plain", Raw(200, text, X_Own="v", Content_Type="text/html", X_Amz_Executed_Version="7", x_amzn_RequestId="r"))
    assert (got.status, got.body, got.headers["Content-Type"]) == (200, text, "application/json")
    # Nothing of Lambda's headers reaches a client that is not mapped.
    assert values(got, "X-Own") + values(got, "X-Amz-Executed-Version") == [] and values(got, "x-amzn-RequestId") != ["r"]
    assert got.headers["X-Amzn-Trace-Id"].startswith("Root=1-")


def test_an_error_passes_as_it_is(gate, functions):
    got = result(gate, functions, "/plain", lambda: fails("boom"))
    assert (got.status, json.loads(got.body)) == (200, {"errorMessage": "boom", "errorType": "Error", "trace": []})


def test_structured_errors(gate, functions):
    got = result(gate, functions, "/structured", lambda: fails(json.dumps({"httpStatus": 404, "code": "E1", "text": "no \"pet\""}, separators=(",", ":"))))
    assert (got.status, got.body) == (404, b'E1:no "pet"')
    message = json.dumps({"httpStatus": 400, "code": "E2", "in": {"list": [1, {"a": 2}]}}, separators=(",", ":"))
    got = result(gate, functions, "/structured", lambda: fails(message))
    assert got.status == 400 and json.loads(got.body)["errorMessage"] == message
    assert [got.headers.get(f"X-{name}") for name in ("Code", "Deep", "None", "Type")] == ["E2", '{"a":2}', None, "Error"]


def test_what_is_mapped_of_an_answer(gate, functions):
    got = result(gate, functions, "/shown", lambda: Raw(200, b'{"id": "i"}', X_Amz_Executed_Version="$LATEST"))
    wanted = {"X-Version": "$LATEST", "X-Id": "i", "X-All": '{"id": "i"}', "Content-Type": "text/x", "X-Stage": "prod", "X-Colour": "red"}
    assert {name: got.headers.get(name) for name in wanted} == wanted
    got = result(gate, functions, "/rendered", {"id": 7})
    assert (got.status, got.body, got.headers["X-T"]) == (202, b"<7>", "t")


@pytest.mark.parametrize("path, headers, asynchronous", [
    ("/event", {}, True),
    ("/event", {"InvocationType": "RequestResponse"}, True),
    ("/maybe-event", {"InvocationType": "Event"}, True),
    ("/maybe-event", {"InvocationType": "RequestResponse"}, False),
    ("/maybe-event", {}, False),
    ("/plain", {"X-Amz-Invocation-Type": "Event"}, False),
])
def test_invocations_that_nobody_waits_for(gate, functions, path, headers, asynchronous):
    got = result(gate, functions, path, {"a": 1}, "POST", headers, b'{"b":2}')
    assert (got.status, got.body) == (200, b"" if asynchronous else b'{"a": 1}')
    call = functions.invocations[-1]
    assert call.event == {"b": 2}
    assert call.headers.get("X-Amz-Invocation-Type") == ("Event" if asynchronous else headers.get("InvocationType"))


def call_of(gate, functions, path, *arguments, **options):
    before = len(functions.invocations)
    got = result(gate, functions, path, {"ok": True}, *arguments, **options)
    assert len(functions.invocations) - before == 1, got
    return got, functions.invocations[-1]


JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path, verb, headers, body, expected", [
    ("/plain", "POST", JSON_TYPE, b'{ "a" : 1 }', b'{ "a" : 1 }'),
    ("/plain", "PUT", {}, b"[1]", b"[1]"),
    ("/plain", "POST", {"Content-Type": "text/css"}, b'"text"', b'"text"'),
    ("/plain", "GET", {}, None, b""),
    ("/plain", "POST", {}, b"", b""),
    ("/plain", "GET", {}, b'{"with": "a body"}', b'{"with": "a body"}'),
    ("/template/7?q=a+b", "GET", {}, None, b'{"id":"7","q":"a b","all":{},"stage":"prod"}'),
    ("/template/7", "POST", JSON_TYPE, b'{"x": [1, 2.0]}', b'{"id":"7","q":"","all":{"x":[1,2.0]},"stage":"prod"}'),
    ("/template", "POST", {"Content-Type": "application/json; charset=utf-8"}, b"{}", b'{"id":"","q":"","all":{},"stage":"prod"}'),
    ("/template", "POST", {"Content-Type": "text/plain"}, b'"own"', b'"own"'),
    ("/never", "POST", JSON_TYPE, b"{}", b'{"id":"","q":"","all":{},"stage":"prod"}'),
    ("/bytes", "POST", {"Content-Type": "image/png"}, b"\x89PNG\xff", b'{"data":"' + base64.b64encode(b"\x89PNG\xff") + b'"}'),
])
def test_what_a_function_is_told(gate, functions, path, verb, headers, body, expected):
    assert call_of(gate, functions, path, verb, headers, body)[1].body == expected


@pytest.mark.parametrize("path, headers, expected", [
    ("/never", {"Content-Type": "text/plain"}, UNSUPPORTED),
    ("/no-templates", {"Content-Type": "text/plain"}, UNSUPPORTED),
    ("/broken-template", JSON_TYPE, REFUSED),
    *[(f"/illegal/{number}", JSON_TYPE, REFUSED) for number in range(len(ILLEGAL))],
])
def test_requests_that_reach_no_function(gate, functions, path, headers, expected):
    before = len(functions.invocations)
    assert told(result(gate, functions, path, {}, "POST", headers, b"{}")) == expected
    assert len(functions.invocations) == before


def test_an_event_that_is_no_json(gate, functions):
    """Lambda says so, and its words pass (rest/08 section 8.13)."""
    for path, body in (("/plain", b"no json"), ("/no-json", b"{}")):
        got, call = call_of(gate, functions, path, "POST", JSON_TYPE, body)
        assert call.event is NO_JSON
        assert got.status == 200 and json.loads(got.body)["message"].startswith("Could not parse request body into json")


def test_the_call_itself(gate, functions):
    """rest/05 section 5.3: of the client only its type, and only of verbs with bodies."""
    headers = {"Content-Type": "text/css", "X-Own": "own", "Accept": "text/html", "User-Agent": "t/1", "Cookie": "a=1", "Authorization": "Bearer x",
               "X-Forwarded-For": "192.0.2.1", "X-Amzn-Trace-Id": "Root=1-66a2b3c4-0123456789abcdef01234567"}
    got, call = call_of(gate, functions, "/plain?q=1", "PUT", headers, b"{}")
    lines = {name.lower(): value for name, value in call.lines}
    assert len(lines) == len(call.lines)
    api = lines["x-amzn-apigateway-api-id"]
    assert lines.pop("x-amzn-trace-id").startswith("Root=1-66a2b3c4-0123456789abcdef01234567")
    assert lines == {
        "accept": "application/json", "user-agent": f"AmazonAPIGateway_{api}", "connection": "keep-alive", "content-type": "text/css",
        "content-length": "2", "host": functions.url.removeprefix("http://"), "x-amzn-apigateway-api-id": api,
        "x-amz-source-arn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/prod/ANY/plain", "x-amzn-lambda-integration-tag": got.headers["x-amzn-RequestId"],
    }
    assert call.path == f"/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:answers/invocations"
    for verb in ("GET", "OPTIONS"):
        _, call = call_of(gate, functions, "/plain", verb, headers)
        assert "Content-Type" not in call.headers and call.headers["Content-Length"] == "0"


def test_what_is_mapped_of_a_request(gate, functions):
    _, call = call_of(gate, functions, "/mapped?Qualifier=other", "POST", {"X-Own": "own"}, b"{}")
    assert (call.headers["X-Mapped"], call.headers["Accept"], call.path.partition("?")[2]) == ("own", "text/x", "Qualifier=live")
    _, call = call_of(gate, functions, "/mapped", "POST", {}, b"{}")
    assert "X-Mapped" not in call.headers


@pytest.mark.parametrize("path", URIS)
def test_which_function(gate, functions, path):
    _, call = call_of(gate, functions, path, "POST", {}, b"{}")
    expected = URIS[path][1]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{expected}" if expected else "arn:aws:lambda:eu-west-1:210987654321:function:answers"
    assert call.path == f"/2015-03-31/functions/{arn}/invocations"
