"""AWS_IAM: sessions, clocks, what the principals' policies allow, and what is told of a caller behind the gate."""
import datetime
import json
import os
import re
import subprocess
import sys

import pytest

from callers import ACCOUNT, MISSING, UNKNOWN, Signing, error, eventually, not_authorized, principal, secret_of, told, write
from test_data_plane_iam import IDENTITY, MISMATCH, OK, TOKEN, api, gate, started  # noqa: F401 (fixtures)

EXPIRED_SESSION = error(403, "The security token included in the request is expired", "ExpiredTokenException")


@pytest.mark.parametrize("expires", [None, 60], ids=["header", "query"])
@pytest.mark.parametrize("key, token, expected", [
    ("ASIAROLE", TOKEN, OK),
    ("ASIAROLE", TOKEN + "x", UNKNOWN),
    ("ASIAROLE", TOKEN[:-1], UNKNOWN),
    ("ASIAROLE", None, UNKNOWN),
    ("ASIAOVER", TOKEN, EXPIRED_SESSION),
    ("ASIAOVER", "another", UNKNOWN),
    ("AKIAADA", TOKEN, UNKNOWN),
])
def test_session_tokens(gate, key, token, expected, expires):
    assert Signing(gate, key=key, token=token, expires=expires).told == expected


SKEW = r"(\d{8}T\d{6}Z)"


def seconds(text):
    return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").timestamp()


@pytest.mark.parametrize("at, pattern, sign", [
    (-330, rf"Signature expired: {SKEW} is now earlier than {SKEW} \({SKEW} - 5 min\.\)", -1),
    (-90_000, rf"Signature expired: {SKEW} is now earlier than {SKEW} \({SKEW} - 5 min\.\)", -1),
    (330, rf"Signature not yet current: {SKEW} is still later than {SKEW} \({SKEW} \+ 5 min\.\)", 1),
    (90_000, rf"Signature not yet current: {SKEW} is still later than {SKEW} \({SKEW} \+ 5 min\.\)", 1),
])
def test_clocks_that_are_too_far_off(gate, at, pattern, sign):
    status, text, kind = Signing(gate, at=at).told
    found = re.fullmatch(pattern, json.loads(text)["message"])
    assert (status, kind) == (403, "InvalidSignatureException") and found, text
    moment, limit, present = (seconds(text) for text in found.groups())
    assert limit - present == sign * 300 and abs(moment - present - at) <= 5


@pytest.mark.parametrize("at", [-270, 0, 270])
def test_clocks_that_are_near_enough(gate, at):
    assert Signing(gate, at=at).told == OK


@pytest.mark.parametrize("at, expires, expected", [
    (-30, 60, OK), (-90, 60, "Signature expired: "), (-3_000, 3_600, OK), (-3_700, 3_600, "Signature expired: "),
    (270, 60, OK), (330, 60, "Signature not yet current: "), (-600_000, 604_800, OK),
])
def test_presigned_windows(gate, at, expires, expected):
    found = Signing(gate, at=at, expires=expires).told
    assert found == expected or found[0] == 403 and json.loads(found[1])["message"].startswith(expected), found


@pytest.mark.parametrize("old, new", [
    ("X-Amz-Expires=60", "X-Amz-Expires=61"), ("X-Amz-Expires=60", "X-Amz-Expires=604801"), ("X-Amz-Expires=60", "X-Amz-Expires=0"),
    ("X-Amz-Expires=60", "X-Amz-Expires=-1"), ("X-Amz-Expires=60", "X-Amz-Expires="), ("&X-Amz-Expires=60", ""), ("a=1", "a=2"), ("a=1", "a=1&c=1"),
    ("AKIAADA", "AKIAREADER"), ("us-east-1", "us-east-2"), ("execute-api", "apigateway"), ("aws4_request", "aws4"), ("/pets/1", "/pets/2"),
    ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="), ("X-Amz-Signature=", "X-Amz-Signature=0"), ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"),
])
def test_presigned_and_spoilt(gate, old, new):
    request = Signing(gate, "/pets/1?a=1", expires=60)
    assert request.told == OK and old in request.target
    found = request.but(target=request.target.replace(old, new, 1)).told
    assert found != OK and found[0] == 403 and found[2] in ("InvalidSignatureException", "IncompleteSignatureException", MISSING[2]), found


def test_a_presigned_request_is_for_its_verb(gate):
    found = Signing(gate, "/pets/1", expires=60).but(method="DELETE").told
    assert found[0] == 403 and MISMATCH in found[1]


@pytest.mark.parametrize("key, method, path, expected", [
    ("AKIANOBODY", "GET", "/pets/1", ""),
    ("AKIAREADER", "GET", "/pets/1", OK),
    ("AKIAREADER", "PUT", "/pets/1", ""),
    ("AKIABOTH", "GET", "/pets/1", OK),
    ("AKIABOTH", "PUT", "/pets/1", OK),
    ("AKIABOTH", "DELETE", "/pets/1", ""),
    ("AKIAREADPETS", "GET", "/pets/1", OK),
    ("AKIAREADPETS", "GET", "/", ""),
    ("AKIAREADPETS", "GET", "/secret", ""),
    ("AKIAREADPETS", "POST", "/pets/1", ""),
    ("AKIAONEPET", "DELETE", "/pets/7", OK),
    ("AKIAONEPET", "DELETE", "/pets/77", ""),
    ("AKIAONEPET", "DELETE", "/pets/*", ""),
    ("AKIANODELETE", "GET", "/pets/1", OK),
    ("AKIANODELETE", "DELETE", "/pets/1", " with an explicit deny"),
    ("AKIANOTSECRET", "GET", "/pets/1", OK),
    ("AKIANOTSECRET", "GET", "/secret", ""),
    ("AKIANOTINVOKE", "GET", "/pets/1", ""),
    ("AKIALOWERACTION", "GET", "/pets/1", OK),
    ("AKIAOTHERACCOUNT", "GET", "/pets/1", ""),
    ("AKIAHERE", "GET", "/pets/1", OK),
    ("AKIAELSEWHERE", "GET", "/pets/1", ""),
    ("AKIANOTHERE", "GET", "/pets/1", ""),
    ("AKIABLUE", "GET", "/pets/1", OK),
    ("AKIARED", "GET", "/pets/1", ""),
    ("AKIASOON", "GET", "/pets/1", OK),
    ("AKIAOVER", "GET", "/pets/1", ""),
    ("AKIAPLAIN", "GET", "/pets/1", OK),
    ("AKIANAMED", "GET", "/pets/named", OK),
    ("AKIANAMED", "GET", "/pets/other", ""),
])
def test_what_policies_allow(gate, api, key, method, path, expected):
    user = f"arn:aws:iam::{ACCOUNT}:user/{key if key in ('AKIAREADER', 'AKIABOTH') else key[4:].lower()}"
    refused = expected if expected == OK else not_authorized(user, f"{api}/prod/{method}{path}", expected)
    assert Signing(gate, path, method).but(headers={}).told == OK, "the method is there"
    assert Signing(gate, path, method, key=key).told == refused


@pytest.mark.parametrize("agent, allowed", [("tester/1", True), ("Tester/1", False), ("x tester/1", False), (None, False)])
def test_user_agents(gate, agent, allowed):
    headers = {"User-Agent": agent} if agent else {}
    assert (Signing(gate, headers=headers, key="AKIAAGENT").told == OK) is allowed


def test_where_no_method_is(gate):
    for path in ("/none", "/pets/1/2"):
        assert told(gate.ask(path)) == MISSING
        # Whoever signs well is told the same: there is nothing that she could be let in to.
        assert Signing(gate, path).told == MISSING
        assert Signing(gate, path, key="AKIANOBODY").told == MISSING
        assert Signing(gate, path, key="AKIAGHOST").told == UNKNOWN
        assert MISMATCH in Signing(gate, path).but(target=path + "?a").told[1]


def test_the_command_line_client_signs_for_another_service(gate):
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIAADA", "AWS_SECRET_ACCESS_KEY": secret_of("AKIAADA"), "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-m", "awscli", "apigateway", "get-rest-apis", "--endpoint-url", gate.url]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=50)
    assert "(InvalidSignatureException)" in ran.stderr and "Credential should be scoped to correct service: 'execute-api'." in ran.stderr


def test_who_called_is_known_behind_the_gate(gate):
    nobody = dict.fromkeys(IDENTITY, "") | {"sourceIp": "127.0.0.1"}
    assert json.loads(gate.ask("/open").text) == nobody
    ada = {"accessKey": "AKIAADA", "accountId": ACCOUNT, "caller": "AIDAADAADA", "user": "AIDAADAADA", "userArn": f"arn:aws:iam::{ACCOUNT}:user/ada"}
    assert json.loads(Signing(gate, headers={"User-Agent": "t/1"}).ask().text) == nobody | ada | {"userAgent": "t/1"}
    role = {"accessKey": "ASIAROLE", "accountId": ACCOUNT, "caller": "AROACI:build-7", "user": "AROACI:build-7", "principalOrgId": "o-a1b2c3d4e5",
            "userArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/build-7"}
    assert json.loads(Signing(gate, key="ASIAROLE", token=TOKEN).ask().text) == nobody | role
    # A signature on a method that asks for none says nothing of who calls.
    assert json.loads(Signing(gate, "/open").ask().text) == nobody


def test_who_called_stands_in_the_access_log(gate):
    Signing(gate, "/pets/logged").ask()
    Signing(gate, "/pets/logged").but(target="/pets/logged?x").ask()
    # Each core writes its own: the order between them is anybody's.
    lines = lambda: sorted(line.split(" ", 1)[1] for line in (gate.folder / "access.log").read_text().splitlines() if "/pets/logged" in line)
    eventually(lines, ["/pets/logged - - - 403", f"/pets/logged arn:aws:iam::{ACCOUNT}:user/ada AIDAADAADA AKIAADA 200"])


def test_a_changed_file_of_principals(tmp_path):
    running = started(tmp_path)
    told_of = lambda key, **options: Signing(running, key=key, **options).told
    assert (told_of("AKIAFIRST"), told_of("AKIASECOND")) == (OK, UNKNOWN)
    write(tmp_path, "principals.toml", principal("AKIASECOND", "principals", full_access=True))
    eventually(lambda: told_of("AKIASECOND"), OK)
    assert told_of("AKIAFIRST") == UNKNOWN, "a key that is gone"
    write(tmp_path, "principals.toml", principal("AKIASECOND", "principals", full_access=True).replace("the secret of", "another of"))
    eventually(lambda: told_of("AKIASECOND", secret="another of AKIASECOND"), OK)
    assert MISMATCH in told_of("AKIASECOND")[1], "an old secret"
    write(tmp_path, "principals.toml", "[[principals]]\nnonsense = 1\n")
    eventually(lambda: any("not reloaded" in line for line in running.said), True)
    assert told_of("AKIASECOND", secret="another of AKIASECOND") == OK, "a bad file changes nothing"
    write(tmp_path, "principals.toml", "")
    eventually(lambda: told_of("AKIASECOND", secret="another of AKIASECOND"), UNKNOWN)
    assert told_of("AKIAADA") == OK
    # A policy's file is watched as well.
    assert told_of("AKIAREADPETS") == OK
    write(tmp_path, "READPETS.json", {"Version": "2012-10-17", "Statement": []})
    write(tmp_path, "READPETS.json", {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    eventually(lambda: told_of("AKIAREADPETS") == OK, False)
    assert running.stop() == 0
