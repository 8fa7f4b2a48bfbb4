"""Lambda authorizers: what identifies a caller, what their function is told, what it may answer, and what is shown of it."""
import json
import re

import pytest

from callers import ACCOUNT, FAILED, MISCONFIGURED, UNAUTHORIZED, Running, definition, denied, mock, policy, statement, told
from functions import Failure, Functions, Raw, authorizer, output

OK = 200
SHOWN = '{"principal":"$context.authorizer.principalId"' + "".join(f',"{name}":"$context.authorizer.{name}"' for name in "stnfbe") + "}"
SOURCES = {
    "header": "method.request.header.X-Who",
    "query": "method.request.querystring.who",
    "stage": "stageVariables.tenant",
    "no-stage": "stageVariables.missing",
    "verb": "context.httpMethod",
    "address": "context.identity.sourceIp",
    "two": "method.request.header.X-Who, method.request.querystring.who",
    "all": "method.request.header.X-Who,method.request.querystring.who,stageVariables.tenant,context.httpMethod",
    "none": "",
}
TOKENS = {
    "token": {},
    "other-header": {"source": "method.request.header.X-Token"},
    "search": {"identityValidationExpression": "[0-9]{3}"},
    "anchored": {"identityValidationExpression": "^Bearer [-0-9a-zA-Z._]+$"},
    "slow": {"identityValidationExpression": "^(a+)+$"},
}


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions.update(
        by_source=lambda event: output(),
        by_token=lambda event: output(),
        answers=lambda event: ANSWERS[int(event["authorizationToken"])][1](),
        event=lambda event: output(principal="seen"),
    )
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions):
    schemes = {f"source-{name}": authorizer("by_source", "request", source) for name, source in SOURCES.items()}
    for name, members in TOKENS.items():
        schemes[f"token-{name}"] = authorizer("by_token", source=members.get("source", "method.request.header.Authorization"),
                                              header=members.get("source", "Authorization").rpartition(".")[2],
                                              **{name: value for name, value in members.items() if name != "source"})
    schemes["answers"] = authorizer("answers", source="method.request.header.Authorization")
    schemes["event-token"] = authorizer("event", source="method.request.header.Authorization")
    schemes["event-request"] = authorizer("event", "request", "")
    paths = {f"/{name}": mock(SHOWN, security=[{name: []}]) for name in schemes if not name.startswith("event")}
    paths["/token-event/{a}/{b+}"] = mock(security=[{"event-token": []}])
    paths["/event/{a}/{b+}"] = {"x-amazon-apigateway-any-method": {**mock(security=[{"event-request": []}]), "operationId": "anything"}}
    paths["/event"] = {"get": mock(security=[{"event-request": []}])}
    # Ten authorizers are the most that an API has.
    names = list(schemes)
    apis = {}
    for part, some in (("a", names[:9]), ("b", names[9:])):
        own = {path: method for path, method in paths.items()
               if any(path == f"/{name}" for name in some) or part == "b" and "event" in path}
        apis[part] = definition(own, {name: schemes[name] for name in some})
    running = Running(tmp_path_factory.mktemp("authorizers"), apis, f'lambda-endpoint = "{functions.url}"\n',
                      "--stage-variable", "tenant=blue")
    running.of = {name: ("a" if name in names[:9] else "b") for name in names}
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.mark.parametrize("name, query, headers, expected", [
    ("header", "", {"X-Who": "ada"}, OK),
    ("header", "", {"x-wHO": "ada"}, OK),
    ("header", "", {}, UNAUTHORIZED),
    ("header", "", {"X-Who": ""}, UNAUTHORIZED),
    ("header", "", {"X-Who": "  "}, UNAUTHORIZED),
    ("header", "?X-Who=ada", {}, UNAUTHORIZED),
    ("query", "?who=ada", {}, OK),
    ("query", "?who=%61", {}, OK),
    ("query", "?Who=ada", {}, UNAUTHORIZED),
    ("query", "?who=", {}, UNAUTHORIZED),
    ("query", "?who", {}, UNAUTHORIZED),
    ("query", "", {"who": "ada"}, UNAUTHORIZED),
    ("stage", "", {}, OK),
    ("no-stage", "", {}, UNAUTHORIZED),
    ("verb", "", {}, OK),
    ("address", "", {}, OK),
    ("two", "?who=ada", {"X-Who": "bea"}, OK),
    ("two", "?who=ada", {}, UNAUTHORIZED),
    ("two", "", {"X-Who": "bea"}, UNAUTHORIZED),
    ("all", "?who=ada", {"X-Who": "bea"}, OK),
    ("all", "", {}, UNAUTHORIZED),
    ("none", "", {}, OK),
])
def test_identity_sources(gate, functions, name, query, headers, expected):
    name = f"source-{name}"
    asked, found = functions.count("by_source", lambda: told(gate.ask(f"/{gate.of[name]}/{name}{query}", headers=headers)))
    assert (found, asked) == (expected, 1 if expected == OK else 0), "who lacks a part is not asked about"


@pytest.mark.parametrize("name, headers, expected", [
    ("token", {"Authorization": "anything"}, OK),
    ("token", {"authorization": "anything"}, OK),
    ("token", {}, UNAUTHORIZED),
    ("token", {"Authorization": ""}, UNAUTHORIZED),
    ("other-header", {"X-Token": "anything"}, OK),
    ("other-header", {"Authorization": "anything"}, UNAUTHORIZED),
    ("search", {"Authorization": "a123b"}, OK),
    ("search", {"Authorization": "a12b"}, UNAUTHORIZED),
    ("anchored", {"Authorization": "Bearer a.b-c"}, OK),
    ("anchored", {"Authorization": "Bearer a b"}, UNAUTHORIZED),
    ("anchored", {"Authorization": "bearer a"}, UNAUTHORIZED),
    ("slow", {"Authorization": "a" * 5_000 + "b"}, UNAUTHORIZED),
])
def test_tokens(gate, functions, name, headers, expected):
    name = f"token-{name}"
    asked, found = functions.count("by_token", lambda: told(gate.ask(f"/{gate.of[name]}/{name}", headers=headers)))
    assert (found, asked) == (expected, 1 if expected == OK else 0)


TWICE = b'{"principalId":"ada","policyDocument":{"Version":"2012-10-17","Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}}'


def fails(message):
    raise Failure(message)


def without(name, answer):
    return {member: value for member, value in answer.items() if member != name}


def said(*statements):
    return {**output(), "policyDocument": policy(*statements)}


ALLOWED = statement("Allow")
SILENT = denied("User is not authorized to access this resource")
DENIED = denied("User is not authorized to access this resource with an explicit deny in an identity-based policy")
# Security/lambda-authorizers section 4: what it is, what the function does, what comes of it.
ANSWERS = [
    ("allows", output, OK),
    ("denies", lambda: output("Deny"), DENIED),
    ("allows another path", lambda: output(resource="arn:aws:execute-api:*:*:*/prod/GET/another"), SILENT),
    ("allows this path", lambda: output(resource="arn:aws:execute-api:us-east-1:123456789012:*/prod/GET/answers"), OK),
    ("allows another verb", lambda: output(resource="arn:aws:execute-api:*:*:*/prod/POST/answers"), SILENT),
    ("allows and denies", lambda: said(ALLOWED, statement("Deny", "arn:aws:execute-api:*:*:*/prod/GET/*")), DENIED),
    ("several statements", lambda: said(statement("Allow", "arn:a:b:c:d:e"), ALLOWED), OK),
    ("of here", lambda: said({**ALLOWED, "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}}), OK),
    ("of elsewhere", lambda: said({**ALLOWED, "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}}), SILENT),
    ("another action", lambda: said(statement("Allow", action="execute-api:InvalidateCache")), SILENT),
    ("every action", lambda: said(statement("Allow", action="*")), OK),
    ("one statement as an object", lambda: {**output(), "policyDocument": {"Version": "2012-10-17", "Statement": ALLOWED}}, OK),
    ("Unauthorized", lambda: fails("Unauthorized"), UNAUTHORIZED),
    ("unauthorized", lambda: fails("unauthorized"), FAILED),
    ("another error", lambda: fails("boom"), FAILED),
    ("no words", lambda: fails(""), FAILED),
    ("null", lambda: None, MISCONFIGURED),
    ("a text", lambda: "Unauthorized", MISCONFIGURED),
    ("a list", lambda: [output()], MISCONFIGURED),
    ("true", lambda: True, MISCONFIGURED),
    ("nothing in it", lambda: {}, MISCONFIGURED),
    ("the simple form", lambda: {"isAuthorized": True}, MISCONFIGURED),
    ("nobody", lambda: without("principalId", output()), MISCONFIGURED),
    ("a number for a name", lambda: output(principal=7), MISCONFIGURED),
    ("null for a name", lambda: output(principal=None), MISCONFIGURED),
    ("no policy", lambda: without("policyDocument", output()), MISCONFIGURED),
    ("a text for a policy", lambda: {**output(), "policyDocument": json.dumps(policy(ALLOWED))}, MISCONFIGURED),
    ("a statement without effect", lambda: said(without("Effect", ALLOWED)), MISCONFIGURED),
    ("a statement without action", lambda: said(without("Action", ALLOWED)), MISCONFIGURED),
    ("a statement without resource", lambda: said(without("Resource", ALLOWED)), MISCONFIGURED),
    ("allow", lambda: said({**ALLOWED, "Effect": "allow"}), MISCONFIGURED),
    ("ALLOW", lambda: said({**ALLOWED, "Effect": "ALLOW"}), MISCONFIGURED),
    ("an effect that is there twice", lambda: Raw(200, TWICE), MISCONFIGURED),
    ("an unknown operator", lambda: said({**ALLOWED, "Condition": {"Near": {"aws:SourceIp": "127.0.0.1"}}}), MISCONFIGURED),
    ("an object in its context", lambda: output(context={"s": {}}), MISCONFIGURED),
    ("a list in its context", lambda: output(context={"s": []}), MISCONFIGURED),
    ("null in its context", lambda: output(context={"s": None}), MISCONFIGURED),
    ("a text for a context", lambda: output(context="s"), MISCONFIGURED),
    ("no JSON", lambda: Raw(200, b"<html>"), MISCONFIGURED),
    ("half of an answer", lambda: Raw(200, json.dumps(output()).encode()[:-1]), MISCONFIGURED),
    ("two answers", lambda: Raw(200, json.dumps(output()).encode() * 2), MISCONFIGURED),
    ("no bytes", lambda: Raw(200, b""), MISCONFIGURED),
    ("not UTF-8", lambda: Raw(200, json.dumps(output()).encode().replace(b"ada", b"a\xffa")), MISCONFIGURED),
    ("may not be invoked", lambda: Raw(403, b'{"Message":"no"}'), MISCONFIGURED),
    ("no such function", lambda: Raw(404, b"{}"), MISCONFIGURED),
    ("accepted, and not run", lambda: Raw(202, json.dumps(output()).encode()), MISCONFIGURED),
    ("a redirect", lambda: Raw(302, b"", Location="/elsewhere"), MISCONFIGURED),
    ("throttled", lambda: Raw(429, b"{}"), FAILED),
    ("broken", lambda: Raw(500, json.dumps(output()).encode()), FAILED),
    ("closes", lambda: Raw(), FAILED),
    ("speaks no HTTP", lambda: Raw(None, b"hello\r\n\r\n"), FAILED),
    ("closes in its body", lambda: Raw(None, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), FAILED),
    ("six megabytes", lambda: Raw(200, json.dumps(output(context={"s": "x" * 6_000_000})).encode()), FAILED),
]


@pytest.mark.parametrize("number", range(len(ANSWERS)), ids=[row[0] for row in ANSWERS])
def test_what_a_function_may_answer(gate, number):
    assert told(gate.ask(f"/{gate.of['answers']}/answers", headers={"Authorization": str(number)})) == ANSWERS[number][2]


def test_what_a_function_said_is_shown_as_text(gate, functions):
    context = {"s": "a text", "t": True, "n": 7, "f": 1.5, "b": False, "e": ""}
    functions.functions["by_token"] = lambda event: output(principal="user|1", context=context)
    answer = gate.ask(f"/{gate.of['token-token']}/token-token", headers={"Authorization": "x"})
    expected = {"principal": "user|1", "s": "a text", "t": "true", "n": "7", "f": "1.5", "b": "false", "e": ""}
    assert json.loads(answer.text) == expected


ARN = r"arn:aws:execute-api:us-east-1:123456789012:(\w{10})/prod/"


@pytest.mark.parametrize("method, path, expected", [
    ("GET", "/a/b", "a/b"),
    ("POST", "/a/b/c?x=1", "a/b/c"),
    ("GET", "/a/b%20c", "a/b%20c"),
    ("GET", "/a/%E2%82%AC", "a/%E2%82%AC"),
    ("GET", "/a/*", "a/*"),
    ("GET", "/a/$context.identity", "a/$context.identity"),
    ("GET", "/a/b:c@d", "a/b:c@d"),
    ("DELETE", "/a/b/", "a/b/"),
])
def test_method_arns_have_the_path_as_it_was_asked_for(gate, functions, method, path, expected):
    assert told(gate.ask(f"/{gate.of['event-token']}/token-event{path}", method, {"Authorization": "the token"})) == OK
    call = functions.calls("event")[-1]
    arn = call.event.pop("methodArn")
    assert call.event == {"type": "TOKEN", "authorizationToken": "the token"}
    assert re.fullmatch(ARN + re.escape(f"{method}/token-event/{expected}"), arn), arn


def test_how_a_function_is_invoked(gate, functions):
    gate.ask(f"/{gate.of['event-token']}/token-event/a/b", headers={"Authorization": "x"})
    call = functions.calls("event")[-1]
    api = re.match(ARN, call.event["methodArn"])[1]
    assert call.path == f"/2015-03-31/functions/arn:aws:lambda:us-east-1:{ACCOUNT}:function:event/invocations"
    wanted = {"X-Amz-Invocation-Type": "RequestResponse", "Content-Type": "application/json",
              "X-Amz-Source-Arn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/authorizers/event-token"}
    assert {name: call.headers.get(name) for name in wanted} == wanted


def test_the_event_of_a_request_to_the_member(gate, functions):
    headers = [("Host", "shop.example"), ("User-Agent", "t/1"), ("X-Multi", "one"), ("x-multi", "two"), ("Content-Type", "text/plain")]
    target = f"/{gate.of['event-request']}/event/A%20a/b/c?q=1&q=%C3%A4&empty=&r"
    assert told(gate.ask(target, "POST", headers, b"the body")) == OK
    event = functions.calls("event")[-1].event
    api = re.match(ARN, event["methodArn"])[1]
    context = event["requestContext"]
    assert re.fullmatch(r"[0-9a-f-]{36}", context["requestId"]) and re.fullmatch(r".{15}=", context["extendedRequestId"])
    assert re.fullmatch(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"]) and context["requestTimeEpoch"] > 1.7e12
    varying = {name: context[name] for name in ("requestId", "extendedRequestId", "requestTime", "requestTimeEpoch", "deploymentId", "resourceId")}
    trace, forwarded = event["headers"].get("X-Amzn-Trace-Id"), event["headers"].get("X-Forwarded-Port")
    own = {"Host": "shop.example", "User-Agent": "t/1", "Content-Type": "text/plain"}
    intake = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Port": forwarded, "X-Forwarded-Proto": "http", "X-Amzn-Trace-Id": trace}
    single = {**own, **intake}
    multi = event["multiValueHeaders"]
    assert [value for name in multi if name.lower() == "x-multi" for value in multi[name]] == ["one", "two"]
    assert {name: value for name, value in event["headers"].items() if name.lower() not in ("x-multi", "content-length")} == single
    assert {name: value for name, value in multi.items() if name.lower() not in ("x-multi", "content-length")} == {name: [value] for name, value in single.items()}
    assert {name: value for name, value in event.items() if name not in ("headers", "multiValueHeaders")} == {
        "type": "REQUEST",
        "methodArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api}/prod/POST/event/A%20a/b/c",
        "resource": "/event/{a}/{b+}",
        "path": "/event/A%20a/b/c",
        "httpMethod": "POST",
        "queryStringParameters": {"q": "ä", "empty": "", "r": ""},
        "multiValueQueryStringParameters": {"q": ["1", "ä"], "empty": [""], "r": [""]},
        "pathParameters": {"a": "A%20a", "b": "b/c"},
        "stageVariables": {"tenant": "blue"},
        "requestContext": {
            **varying,
            "resourcePath": "/event/{a}/{b+}", "operationName": "anything", "httpMethod": "POST",
            "path": f"/{gate.of['event-request']}/event/A%20a/b/c", "accountId": ACCOUNT, "protocol": "HTTP/1.1", "stage": "prod",
            "domainPrefix": "shop", "domainName": "shop.example", "apiId": api,
            "identity": {"cognitoIdentityPoolId": None, "accountId": None, "cognitoIdentityId": None, "caller": None, "sourceIp": "127.0.0.1",
                         "principalOrgId": None, "accessKey": None, "cognitoAuthenticationType": None, "cognitoAuthenticationProvider": None,
                         "userArn": None, "userAgent": "t/1", "user": None},
        },
    }


def test_what_is_empty_in_an_event_is_an_empty_object(gate, functions):
    assert told(gate.ask(f"/{gate.of['event-request']}/event")) == OK
    event = functions.calls("event")[-1].event
    for name in ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters"):
        assert event[name] == {}, name
    assert not {"body", "isBase64Encoded"} & set(event)
