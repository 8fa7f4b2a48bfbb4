"""Which gateway response each refusal of a caller is (security/errors), as an API words it itself; and `--dev-identity`."""
import email.utils
import hashlib
import hmac
import json
import re

import pytest

from callers import (UNAUTHORIZED, Running, Signing, definition, everybody, mock, now, policy, principal, secret_of, signed, table, told, write)
from functions import Failure, Functions, authorizer, output
from issuer import Issuer, RsaKey, pools

OK = 200
SOURCE = "method.request.header.Authorization"
# Of each type, a status of its own.
TYPES = {name: 450 + number for number, name in enumerate([
    "MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "EXPIRED_TOKEN", "ACCESS_DENIED", "UNAUTHORIZED", "INVALID_API_KEY", "QUOTA_EXCEEDED",
    "THROTTLED"])} | {"AUTHORIZER_FAILURE": 550, "AUTHORIZER_CONFIGURATION_ERROR": 551}
TEMPLATE = '{"type":"$context.error.responseType","message":$context.error.messageString}'
RESPONSES = "x-amazon-apigateway-gateway-responses"
ELSEWHERE = policy(everybody("Allow", condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}))


def worded(**changed):
    return {name: {"statusCode": status, "responseTemplates": {"application/json": TEMPLATE}, **changed} for name, status in TYPES.items()}


@pytest.fixture(scope="module")
def issuer():
    running = Issuer(RsaKey("first"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def functions():
    running = Functions()

    def who(event):
        token = event["authorizationToken"]
        if token in ("Unauthorized", "boom"):
            raise Failure(token)
        return {"denied": output("Deny"), "silent": output(resource="arn:a:b:c:d:e"), "nothing": {}}.get(token, output())

    running.functions["who"] = who
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions, issuer):
    settings = [f'lambda-endpoint = "{functions.url}"\n', table("user-pools", id="us-east-1_Pool", issuer=issuer.url, jwks=issuer.url + "/keys"),
                principal("AKIAADA", full_access=True), principal("AKIANOBODY"),
                principal("ASIAOVER", session_token="t", expires="2020-01-01T00:00:00Z", full_access=True)]
    schemes = {"who": authorizer("who", source=SOURCE), "pool": pools("us-east-1_Pool"), "key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}
    paths = {"/iam": signed(), "/who": mock(security=[{"who": []}]), "/pool": mock(security=[{"pool": []}]), "/key": mock(security=[{"key": []}])}
    closed = {"x-amazon-apigateway-policy": ELSEWHERE}
    apis = {
        "worded": definition(paths, schemes, **{RESPONSES: worded()}),
        "closed": definition({"/": mock()}, **closed, **{RESPONSES: worded()}),
        "plain": definition({**paths, "/none": mock()}, schemes),
        "plain-closed": definition({"/": mock()}, **closed),
        "status-alone": definition({"/": mock()}, **closed, **{RESPONSES: {"ACCESS_DENIED": {"statusCode": 418}}}),
        "class-alone": definition({"/": mock()}, **closed, **{RESPONSES: {"DEFAULT_4XX": {"statusCode": 419}}}),
        "another-alone": definition({"/": mock()}, **closed, **{RESPONSES: {"UNAUTHORIZED": {"statusCode": 420}}}),
    }
    running = Running(tmp_path_factory.mktemp("refusals"), apis, "\n".join(settings))
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def authorized(path, value):
    return lambda gate, issuer: gate.ask(path, headers={"Authorization": value} if value is not None else {})


def by_key(key, path="/worded/iam", **options):
    return lambda gate, issuer: Signing(gate, path, key=key, **options).ask()


def by_token(**claims):
    return lambda gate, issuer: gate.ask("/worded/pool", headers={"Authorization": issuer.token(**claims)})


REFUSALS = {
    "no route": (authorized("/worded/none", None), "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token"),
    "no route, signed": (by_key("AKIAADA", "/worded/none"), "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token"),
    "no route, and no signature": (authorized("/worded/none", "Bearer x"), "INVALID_SIGNATURE", None),
    "nothing signed": (authorized("/worded/iam", None), "MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token"),
    "malformed": (authorized("/worded/iam", "Bearer x"), "INVALID_SIGNATURE", None),
    "another secret": (by_key("AKIAADA", secret="wrong"), "INVALID_SIGNATURE", None),
    "another region": (by_key("AKIAADA", region="eu-west-1"), "INVALID_SIGNATURE", "Credential should be scoped to a valid region."),
    "too old": (by_key("AKIAADA", at=-1000), "INVALID_SIGNATURE", None),
    "unknown key": (by_key("AKIAGHOST"), "ACCESS_DENIED", "The security token included in the request is invalid."),
    "expired session": (by_key("ASIAOVER", token="t"), "EXPIRED_TOKEN", "The security token included in the request is expired"),
    "no policy of hers": (by_key("AKIANOBODY"), "ACCESS_DENIED", None),
    "the API's policy": (authorized("/closed", None), "ACCESS_DENIED", None),
    "the function denies": (authorized("/worded/who", "denied"), "ACCESS_DENIED",
                            "User is not authorized to access this resource with an explicit deny in an identity-based policy"),
    "the function is silent": (authorized("/worded/who", "silent"), "ACCESS_DENIED", "User is not authorized to access this resource"),
    "no token": (authorized("/worded/who", None), "UNAUTHORIZED", "Unauthorized"),
    "the function says so": (authorized("/worded/who", "Unauthorized"), "UNAUTHORIZED", "Unauthorized"),
    "the function fails": (authorized("/worded/who", "boom"), "AUTHORIZER_FAILURE", None),
    "the function answers nothing": (authorized("/worded/who", "nothing"), "AUTHORIZER_CONFIGURATION_ERROR", None),
    "no token of a pool": (authorized("/worded/pool", None), "UNAUTHORIZED", "Unauthorized"),
    "a bad token": (authorized("/worded/pool", "x.y.z"), "UNAUTHORIZED", "Unauthorized"),
    "an expired token": (by_token(exp=1_500_000_000), "UNAUTHORIZED", "The incoming token has expired"),
    "no key": (authorized("/worded/key", None), "INVALID_API_KEY", "Forbidden"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal_is_a_gateway_response(gate, issuer, name):
    act, kind, message = REFUSALS[name]
    answer = act(gate, issuer)
    found = json.loads(answer.text)
    assert (answer.status, found["type"]) == (TYPES[kind], kind)
    if message is not None:
        assert found["message"] == message
    if kind.startswith("AUTHORIZER"):
        assert found["message"] is None


@pytest.mark.parametrize("api, status, member", [
    ("plain-closed", 403, "Message"), ("status-alone", 418, "message"), ("class-alone", 419, "message"), ("another-alone", 403, "Message"),
])
def test_how_a_denial_spells_its_member(gate, api, status, member):
    """A capital letter, unless the API has changed what is behind it."""
    answer = gate.ask(f"/{api}")
    assert answer.status == status and re.fullmatch(rf'\{{"{member}":"User: anonymous is not authorized to perform: [^"]+"\}}', answer.text)
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"


@pytest.mark.parametrize("path, value, length", [("/plain/iam", None, 42), ("/plain/who", None, 26), ("/plain/who", "nothing", 16), ("/plain/key", None, 23)])
def test_what_every_refusal_has(gate, path, value, length):
    for method in ("GET", "HEAD"):
        answer = gate.ask(path, method, {"Authorization": value} if value else {})
        assert answer.headers["Content-Type"] == "application/json" and answer.headers["Content-Length"] == str(length)
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-amzn-RequestId"]) and re.fullmatch(r".{15}=", answer.headers["x-amz-apigw-id"])
        assert "X-Amzn-Trace-Id" not in answer.headers
        assert len(answer.text) == (length if method == "GET" else 0)


# Signatures in less usual forms.
@pytest.mark.parametrize("path", ["/plain//iam", "/./plain/iam", "/x/../plain/iam", "/plain/iam/", "/plain/iam/.", "/plain/iam/..", "/plain/%2e/iam", "//", "/plain/iam//"])
def test_paths_are_normalised_to_be_signed(gate, path):
    """What they lead to is one thing; what botocore signs of them is what is expected here (security/sigv4 section 3)."""
    answer = Signing(gate, path).ask()
    assert "does not match" not in answer.text, answer.text


def test_a_date_in_place_of_the_other(gate):
    for form in ("rfc", "basic"):
        moment = now()
        basic = f"{moment:%Y%m%dT%H%M%SZ}"
        date = email.utils.format_datetime(moment, usegmt=True) if form == "rfc" else basic
        canonical = f"GET\n/plain/iam\n\ndate:{date}\nhost:{gate.address}\n\ndate;host\n{hashlib.sha256(b'').hexdigest()}"
        scope = f"{basic[:8]}/us-east-1/execute-api/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{basic}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + secret_of("AKIAADA")).encode()
        for part in (*scope.split("/"), to_sign):
            key = hmac.digest(key, part.encode(), "sha256")
        header = f"AWS4-HMAC-SHA256 Credential=AKIAADA/{scope}, SignedHeaders=date;host, Signature={key.hex()}"
        assert told(gate.ask("/plain/iam", headers={"Date": date, "Authorization": header})) == OK, form


def test_signed_twice(gate):
    good, bad = Signing(gate, "/plain/iam"), Signing(gate, "/plain/iam", secret="wrong")
    let_in = []
    for first, second in ((good, bad), (bad, good)):
        headers = [(name, value) for request in (first, second) for name, value in request.headers.items() if name == "Authorization"]
        headers.append(("X-Amz-Date", good.headers["X-Amz-Date"]))
        let_in.append(told(gate.ask("/plain/iam", headers=headers)) == OK)
    assert not all(let_in), "one line decides, and not whichever is good"
    presigned = Signing(gate, "/plain/iam", expires=60)
    assert presigned.told == OK
    assert presigned.but(headers={"Authorization": "Bearer x"}).told != OK, "the header is looked at where there is one"


def test_a_signature_lets_nobody_past_an_authorizer(gate):
    assert told(gate.ask("/plain/pool", headers=Signing(gate, "/plain/pool").headers)) == UNAUTHORIZED
    assert Signing(gate, "/plain/key").told[0] == 403


IDENTITY = {"identity": {"userArn": "arn:aws:iam::1:user/me", "user": "ME", "accessKey": "AK", "accountId": "1"}, "authorizer": {"principalId": "me", "team": "blue"}}
SHOWN = '{"arn":"$context.identity.userArn","user":"$context.identity.user","principal":"$context.authorizer.principalId","team":"$context.authorizer.team"}'


def test_whom_callers_are_taken_for(tmp_path, functions):
    write(tmp_path, "me.json", IDENTITY)
    body = definition({"/iam": signed(SHOWN), "/who": mock(SHOWN, security=[{"who": []}]), "/none": mock(SHOWN)}, {"who": authorizer("who", source=SOURCE)})
    running = Running(tmp_path, {"": body}, f'lambda-endpoint = "{functions.url}"\ndev-identity = "me.json"\n')
    answers = {path: running.ask(path) for path in ("/iam", "/who", "/none")}
    assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(answers, OK)
    assert all(answer.headers["x-weir-dev-identity"] == "true" for answer in answers.values())
    assert json.loads(answers["/iam"].text)["arn"] == "arn:aws:iam::1:user/me"
    assert json.loads(answers["/who"].text) | {"arn": ""} == {"arn": "", "user": json.loads(answers["/who"].text)["user"], "principal": "me", "team": "blue"}
    assert any("dev-identity" in line or "taken for" in line for line in running.said), "it is said at the start"
    assert running.stop() == 0


def test_nobody_is_taken_for_somebody_where_others_can_reach(tmp_path):
    write(tmp_path, "me.json", IDENTITY)
    with pytest.raises(pytest.fail.Exception, match="others can reach"):
        Running(tmp_path, {"": definition({"/": mock()})}, 'dev-identity = "me.json"\n', "--listen", "0.0.0.0:0")
