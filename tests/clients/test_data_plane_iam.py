"""AWS_IAM: requests as botocore signs them, and everything that one changed byte does to them."""
import base64
import datetime
import gzip
import hashlib
import re

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from callers import (ACCOUNT, INVOKE, MISSING, UNKNOWN, Running, Signing, definition, error, mock, now, policy, principal, secret_of, signed,
                     statement, table, told, write)

OK = 200
IDENTITY = ["accessKey", "accountId", "caller", "user", "userArn", "sourceIp", "userAgent", "principalOrgId", "cognitoIdentityId", "apiKey"]
SHOWN = "{" + ",".join(f'"{name}":"$context.identity.{name}"' for name in IDENTITY) + "}"
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
            "signing method. Consult the service documentation for details.")
TOKEN = "FwoGZXIvYXdzE/+=="
DAY = f"{now():%Y%m%d}"
IN_AN_HOUR, AN_HOUR_AGO = now() + datetime.timedelta(hours=1), now() - datetime.timedelta(hours=1)


def invalid(message):
    return error(403, message, "InvalidSignatureException")


def incomplete(message):
    return error(403, message, "IncompleteSignatureException")


def allow(resource="*", **members):
    return statement("Allow", resource, **members)


def under(condition):
    return policy(allow(Condition=condition))


ARN = f"arn:aws:execute-api:*:{ACCOUNT}:*/prod/"
# By the end of an access key, what its policy says.
POLICIES = {
    "READPETS": policy(allow(ARN + "GET/pets/*")),
    "ONEPET": policy(allow(ARN + "*/pets/7")),
    "NODELETE": policy(allow(), statement("Deny", ARN + "DELETE/*")),
    "NOTSECRET": policy({"Effect": "Allow", "Action": INVOKE, "NotResource": ARN + "*/secret"}),
    "NOTINVOKE": policy(statement("Allow", "*", "execute-api:ManageConnections")),
    "LOWERACTION": policy(statement("Allow", "*", "EXECUTE-API:invoke")),
    "OTHERACCOUNT": policy(allow("arn:aws:execute-api:*:210987654321:*")),
    "HERE": under({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
    "ELSEWHERE": under({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
    "NOTHERE": under({"NotIpAddress": {"aws:SourceIp": "127.0.0.1"}}),
    "BLUE": under({"StringEquals": {"aws:PrincipalTag/team": "blue"}}),
    "RED": under({"StringEquals": {"aws:PrincipalTag/team": "red"}}),
    "AGENT": under({"StringLike": {"aws:UserAgent": "tester/*"}}),
    "SOON": under({"DateLessThan": {"aws:CurrentTime": f"{IN_AN_HOUR:%Y-%m-%dT%H:%M:%SZ}"}}),
    "OVER": under({"DateLessThan": {"aws:CurrentTime": f"{AN_HOUR_AGO:%Y-%m-%dT%H:%M:%SZ}"}}),
    "PLAIN": under({"Bool": {"aws:SecureTransport": "false"}}),
    "NAMED": policy(allow(ARN + "*/pets/${aws:username}")),
}


def settings(folder, iam=""):
    tables = [
        "[iam]\n" + iam + 'principals-file = "principals.toml"\n',
        table("iam.groups", name="readers", policy=[{"effect": "Allow", "action": INVOKE, "resource": ARN + "GET/*"}]),
        table("iam.groups", name="writers", policy=[{"effect": "Allow", "action": INVOKE, "resource": ARN + "PUT/*"}]),
        principal("AKIAADA", arn=f"arn:aws:iam::{ACCOUNT}:user/ada", user_id="AIDAADAADA", full_access=True),
        principal("AKIANOBODY", arn=f"arn:aws:iam::{ACCOUNT}:user/nobody"),
        principal("AKIAREADER", groups=["readers"]),
        principal("AKIABOTH", groups=["readers", "writers"]),
        principal("ASIAROLE", arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build-7", user_id="AROACI:build-7", session_token=TOKEN,
                  expires=f"{IN_AN_HOUR:%Y-%m-%dT%H:%M:%SZ}", org_id="o-a1b2c3d4e5", full_access=True),
        principal("ASIAOVER", session_token=TOKEN, expires=f"{AN_HOUR_AGO:%Y-%m-%dT%H:%M:%SZ}", full_access=True),
    ]
    for name, document in POLICIES.items():
        file = write(folder, f"{name}.json", document)
        tables.append(principal(f"AKIA{name}", arn=f"arn:aws:iam::{ACCOUNT}:user/{name.lower()}", tags={"team": "blue"}, policy_file=file))
    return "\n".join(tables)


def started(folder, iam="", *flags):
    write(folder, "principals.toml", principal("AKIAFIRST", "principals", full_access=True))
    paths = {"/": signed("root"), "/pets/{id}": signed(SHOWN), "/secret": signed("secret"), "/open": mock(SHOWN)}
    return Running(folder, {"": definition(paths)}, settings(folder, iam), *flags)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("iam")
    running = started(folder, "", "--access-log", str(folder / "access.log"), "--access-log-format",
                      "$context.requestId $context.path $context.identity.userArn $context.identity.user $context.identity.accessKey $context.status")
    yield running
    assert running.stop() == 0, "\n".join(running.said)


@pytest.fixture(scope="module")
def api(gate):
    """Its id, as a refusal tells it."""
    return re.search(r"\*{8}9012:(\w{10})/", Signing(gate, key="AKIANOBODY").ask().text)[1]


TARGETS = ["/pets/1", "/pets/1?", "/pets/1?b=2&a=1&a=0", "/pets/1?empty", "/pets/1?a=%20x&b=%2F%3D%26", "/pets/1?a=x%2By", "/pets/a%20b", "/pets/a%2Fb",
           "/pets/%E2%82%AC", "/pets/a:b@c,d;e=f", "/pets/~-_.", "/pets/1?X-Amz-Other=1", "/pets/1?q=a%3Db", "/"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("expires", [None, 60], ids=["header", "query"])
def test_what_botocore_signs_is_let_in(gate, target, expires):
    assert Signing(gate, target, expires=expires).told == OK


@pytest.mark.parametrize("sign, send", [("x%2By", "x+y"), ("x%20y", "x+y"), ("a%3Db", "a=b"), ("~", "%7E")])
def test_queries_that_are_encoded_on_the_way(gate, sign, send):
    request = Signing(gate, f"/pets/1?a={sign}&b=1")
    assert request.but(target=f"/pets/1?a={send}&b=1").told == OK


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_verb(gate, method):
    assert Signing(gate, "/pets/1", method, body=b"" if method in ("GET", "HEAD") else b"{}").told == OK


BODIES = {"empty": b"", "small": b'{"a": 1}', "binary": bytes(range(256)), "big": b"x" * 3_000_000, "gzip": gzip.compress(b"{}" * 1000)}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_hashed_as_they_came(gate, name):
    body = BODIES[name]
    headers = {"Content-Type": "text/plain", **({"Content-Encoding": "gzip"} if name == "gzip" else {})}
    whole = Signing(gate, "/pets/1", "POST", headers, body)
    assert whole.told == OK
    size = max(len(body) // 3, 1)
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for at in range(0, len(body), size) if (piece := body[at:at + size]))
    chunked = whole.but(body=pieces + b"0\r\n\r\n", headers={"Transfer-Encoding": "chunked", "Content-Length": None})
    assert chunked.told == OK
    spoilt = whole.but(body=bytes([body[0] ^ 1]) + body[1:] if body else b"x")
    assert spoilt.ask().status == 403 and MISMATCH in spoilt.ask().text
    if name == "gzip":
        assert MISMATCH in whole.but(body=gzip.decompress(body)).ask().text


def test_requests_with_a_session_of_its_own(gate):
    with requests.Session() as session:
        for number in range(3):
            request = AWSRequest("PUT", f"{gate.url}/pets/{number}?b=1&a=2", data=b'{"n":1}', headers={"Content-Type": "application/json"})
            SigV4Auth(Credentials("AKIAADA", secret_of("AKIAADA")), "execute-api", "us-east-1").add_auth(request)
            answer = session.put(request.url, data=b'{"n":1}', headers=dict(request.headers), timeout=10)
            assert answer.status_code == 200, answer.text


SIGNED_HEADERS = {"Content-Type": "application/json", "X-Multi": "a  b", "X-Other": "1"}


def spoilt(request):
    """By what is changed, a request that is not what was signed."""
    authorization = request.headers["Authorization"]
    signature = authorization.rsplit("=", 1)[1]
    other_digit = "0" if signature[-1] != "0" else "1"
    yield "method", request.but(method="PUT")
    for target in ("/pets/2?a=1&b=2", "/pets/1/?a=1&b=2", "/pets/%31?a=1&b=2", "/pets/1?a=1&b=3", "/pets/1?a=2&b=2", "/pets/1?a=1", "/pets/1", "/pets/1?a=1&b=2&c=3",
                   "/pets/1?a=1&b=2&b=2", "/pets/1?A=1&b=2"):
        yield target, request.but(target=target)
    for name, value in {"Content-Type": "text/plain", "X-Multi": "a c", "X-Other": "2"}.items():
        yield name, request.but(headers={name: value})
        yield f"no {name}", request.but(headers={name: None})
    yield "host", request.but(host="localhost:1")
    yield "body", request.but(body=b'{"id":2}')
    yield "longer body", request.but(body=b'{"id":1} ')
    yield "no body", request.but(body=b"")
    yield "signature", request.but(headers={"Authorization": authorization[:-1] + other_digit})
    yield "short signature", request.but(headers={"Authorization": authorization[:-1]})
    yield "no hex", request.but(headers={"Authorization": authorization.replace(signature, "z" * 64)})
    yield "empty signature", request.but(headers={"Authorization": authorization.replace(signature, "")})
    yield "fewer headers", request.but(headers={"Authorization": authorization.replace(";x-other", "")})
    yield "another key", request.but(headers={"Authorization": authorization.replace("AKIAADA", "AKIAREADER")})
    moment = request.headers["X-Amz-Date"]
    other = moment[:-3] + ("00Z" if moment[-3:] != "00Z" else "01Z")
    yield "date", request.but(headers={"X-Amz-Date": other})


def test_a_changed_byte_does_not_verify(gate):
    request = Signing(gate, "/pets/1?a=1&b=2", "POST", SIGNED_HEADERS, b'{"id":1}')
    assert request.told == OK
    assert request.but(target="/pets/1?b=2&a=1").told == OK, "the order of a query is not signed"
    assert request.but(headers={"X-Multi": "  a b "}).told == OK, "runs of blanks are one"
    assert request.but(headers={"X-Not-Signed": "1"}).told == OK
    wrong = {}
    for what, other in spoilt(request):
        status, text, kind = other.told if other.told != OK else (OK, "", "")
        empty = what == "empty signature"
        if status != 403 or kind not in ("InvalidSignatureException", "IncompleteSignatureException") or not (empty or MISMATCH in text):
            wrong[what] = (status, text, kind)
    assert wrong == {}


def test_a_mismatch_tells_what_was_signed(gate):
    request = Signing(gate, "/pets/a%20b?z=1&a=%20x&empty", "POST", {"Content-Type": "application/json"}, b"{}")
    moment, digest = request.headers["X-Amz-Date"], hashlib.sha256(b"[]").hexdigest()
    canonical = (f"POST\n/pets/a%2520b\na=%20x&empty=&z=1\ncontent-type:application/json\nhost:{gate.address}\nx-amz-date:{moment}\n\n"
                 f"content-type;host;x-amz-date\n{digest}")
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{moment[:8]}/us-east-1/execute-api/aws4_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    message = f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{to_sign}'\n"
    assert request.but(body=b"[]").told == invalid(message)


def test_mismatches_told_shortly_and_bodies_not_signed(tmp_path):
    folder = tmp_path
    running = started(folder, "mismatch-details = false\nunsigned-payload = true\n")
    unsigned = lambda to: Signing(to, "/pets/1", "POST", {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, b"{}")
    assert Signing(running, "/pets/1").but(target="/pets/2").told == invalid(MISMATCH)
    assert unsigned(running).told == OK
    assert unsigned(running).but(body=b"another").told == OK
    assert unsigned(running).but(target="/pets/2").told == invalid(MISMATCH)
    header = {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}
    assert Signing(running, "/pets/1", "POST", {}, b"{}").but(headers=header, body=b"[]").told == invalid(MISMATCH), "it must be signed"
    assert running.stop() == 0


def test_bodies_have_to_be_signed(gate):
    unsigned = Signing(gate, "/pets/1", "POST", {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, b"{}")
    assert unsigned.told != OK and MISMATCH in unsigned.told[1]


# 1 to 5: what is no signature, by what Authorization is.
def hashed(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


REQUIRED = [f"Authorization header requires '{name}' parameter." for name in ("Credential", "Signature", "SignedHeaders")]
REQUIRED.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")


def lacks(header, *numbers):
    return incomplete(" ".join([REQUIRED[number] for number in numbers] + [f"(Hashed with SHA-256 and encoded with Base64) Authorization={hashed(header)}"]))


def no_pair(header):
    return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with "
                      f"Base64): '{hashed(header)}'.")


SIGNATURE = "0" * 64
WHOLE = f"AWS4-HMAC-SHA256 Credential=AKIAADA/{DAY}/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}"
MOMENT = f"{now():%Y%m%dT%H%M%SZ}"


def whole(**parts):
    parts = {"credential": f"AKIAADA/{DAY}/us-east-1/execute-api/aws4_request", "headers": "host;x-amz-date", **parts}
    return f"AWS4-HMAC-SHA256 Credential={parts['credential']}, SignedHeaders={parts['headers']}, Signature={SIGNATURE}"


FORMS = [
    (None, MOMENT, MISSING),
    ("Bearer abc", None, no_pair("Bearer abc")),
    ("Bearer abc", MOMENT, no_pair("Bearer abc")),
    ("eyJhbGciOi", None, lacks("eyJhbGciOi", 0, 1, 2, 3)),
    ("Basic dXNlcg==", None, lacks("Basic dXNlcg==", 0, 1, 2, 3)),
    ("Basic dXNlcg==", MOMENT, lacks("Basic dXNlcg==", 0, 1, 2)),
    (WHOLE.replace(f", Signature={SIGNATURE}", ""), MOMENT, lacks(WHOLE.replace(f", Signature={SIGNATURE}", ""), 1)),
    (WHOLE.replace(", SignedHeaders=host;x-amz-date", ""), MOMENT, lacks(WHOLE.replace(", SignedHeaders=host;x-amz-date", ""), 2)),
    (WHOLE, None, lacks(WHOLE, 3)),
    (whole(credential=f"AKIAADA/{DAY}/us-east-1/aws4_request"), MOMENT, incomplete(
        f"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKIAADA/{DAY}/us-east-1/aws4_request'")),
    (WHOLE, "yesterday", incomplete("Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601")),
    (whole(credential=f"AKIAADA/{DAY}/us-east-1/execute-api/aws5"), MOMENT, invalid(
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.")),
    (whole(credential="AKIAADA/20150830/us-east-1/execute-api/aws4_request"), MOMENT, invalid(
        f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150830' != '{DAY}', from '{MOMENT}'.")),
    (whole(credential=f"AKIAADA/{DAY}/us-east-1/apigateway/aws4_request"), MOMENT, invalid("Credential should be scoped to correct service: 'execute-api'.")),
    (whole(credential=f"AKIAADA/{DAY}/eu-west-1/execute-api/aws4_request"), MOMENT, invalid("Credential should be scoped to a valid region.")),
    (whole(headers="x-amz-date"), MOMENT, invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")),
    (whole(credential=f"AKIAGHOST/{DAY}/us-east-1/execute-api/aws4_request"), MOMENT, UNKNOWN),
    (whole(credential=f"akiaada/{DAY}/us-east-1/execute-api/aws4_request"), MOMENT, UNKNOWN),
]


@pytest.mark.parametrize("target", ["/pets/1", "/no/such/path"])
@pytest.mark.parametrize("number", range(len(FORMS)))
def test_what_is_no_signature(gate, number, target):
    header, moment, expected = FORMS[number]
    headers = {**({"Authorization": header} if header is not None else {}), **({"X-Amz-Date": moment} if moment else {})}
    assert told(gate.ask(target, headers=headers)) == expected
