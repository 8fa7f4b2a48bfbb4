"""An API's own policy: what it says together with each kind of caller, about addresses, VPC endpoints and paths."""
import re

import pytest

from callers import (ACCOUNT, UNAUTHORIZED, Running, Signing, definition, denied, everybody, mock, not_authorized, policy, principal, signed,
                     statement, table, told, write)
from functions import Functions, authorizer, output
from issuer import Issuer, RsaKey, pools

OK = 200
OTHER = "210987654321"
HERE, ELSEWHERE = ({"IpAddress": {"aws:SourceIp": address}} for address in ("127.0.0.1", "192.0.2.0/24"))
ALLOW, SILENT, DENY = "Allow", "silent", "Deny"
# What each API's policy says of a call from here. Silence and denial have an Allow and a Deny for others beside them.
RESOURCE = {
    ALLOW: policy(everybody("Allow"), everybody("Deny", condition=ELSEWHERE)),
    SILENT: policy(everybody("Allow", condition=ELSEWHERE)),
    DENY: policy(everybody("Allow"), everybody("Deny", condition=HERE)),
    None: None,
    # Traps.
    "deny-elsewhere": policy(everybody("Deny", condition=ELSEWHERE)),
    "post-only": policy(everybody("Allow", "execute-api:/*/POST/*")),
    "one-path": policy(everybody("Allow", "execute-api:/prod/GET/none")),
    "other-stage": policy(everybody("Allow", "execute-api:/beta/*")),
    "no-wildcard": policy(everybody("Allow", "execute-api:/prod/*/none")),
    "question": policy(everybody("Allow", "execute-api:/prod/GET/non?")),
    "long-form": policy(everybody("Allow", "arn:aws:execute-api:us-east-1:123456789012:*/prod/GET/none")),
    "other-action": policy(statement("Allow", "execute-api:/*", "execute-api:ManageConnections", Principal="*")),
    "any-action": policy(statement("Allow", "execute-api:/*", ["execute-api:*"], Principal={"AWS": "*"})),
    "one-object": {"Version": "2012-10-17", "Statement": everybody("Allow")},
    "ada": policy(everybody("Allow", principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/silent"})),
    "account": policy(everybody("Allow", principal={"AWS": [OTHER, "123456780000"]})),
    "root": policy(everybody("Allow", principal={"AWS": f"arn:aws:iam::{OTHER}:root"})),
    "not-ada": policy(everybody("Allow"), {"Effect": "Deny", "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/silent"},
                                           "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}),
    "organisation": policy(everybody("Allow", condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})),
}
BASES = {name: f"policy-{number}" for number, name in enumerate(RESOURCE)}
IDENTITIES = {ALLOW: policy(statement("Allow")), SILENT: policy(statement("Allow", "arn:aws:execute-api:*:*:*/beta/*")),
              DENY: policy(statement("Allow"), statement("Deny"))}


@pytest.fixture(scope="module")
def functions():
    running = Functions()
    running.functions["custom"] = lambda event: {
        ALLOW: output("Allow"), SILENT: output("Allow", "arn:aws:execute-api:*:*:*/beta/*"), DENY: output("Deny")}[event["authorizationToken"]]
    yield running
    running.shutdown()


@pytest.fixture(scope="module")
def issuer():
    running = Issuer(RsaKey("first"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, functions, issuer):
    folder = tmp_path_factory.mktemp("policies")
    schemes = {"custom": authorizer("custom", source="method.request.header.Authorization"), "pool": pools("us-east-1_Pool")}
    paths = {"/none": mock(), "/iam": signed(), "/custom": mock(security=[{"custom": []}]), "/pool": mock(security=[{"pool": []}])}
    settings = [f'lambda-endpoint = "{functions.url}"\n',
                table("user-pools", id="us-east-1_Pool", issuer=issuer.url, jwks=issuer.url + "/keys")]
    for account, short in ((ACCOUNT, ""), (OTHER, "OTHER")):
        for name, document in IDENTITIES.items():
            key, arn = f"AKIA{short}{name.upper()}", f"arn:aws:iam::{account}:user/{name.lower()}"
            settings.append(principal(key, arn=arn, policy_file=write(folder, f"{key}.json", document), org_id="o-a1b2c3d4e5"))
    apis = {}
    for name, document in RESOURCE.items():
        members = {"x-amazon-apigateway-policy": document} if document else {}
        apis[BASES[name]] = definition(paths, schemes, **members)
    running = Running(folder, apis, "\n".join(settings))
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def caller(gate, issuer, kind, identity, resource, method="GET", **options):
    """What comes back, with the API's id and the path where they are known."""
    target = f"/{BASES[resource]}/{kind.removeprefix('other ')}"
    if kind.endswith("iam"):
        found = Signing(gate, target, method, key=f"AKIA{'OTHER' if kind.startswith('other') else ''}{identity.upper()}").ask()
    else:
        token = {"custom": identity, "pool": f"Bearer {issuer.token()}" if identity else "no token"}.get(kind)
        found = gate.ask(target, method, {"Authorization": token} if token else {}, **options)
    return told(found._replace(text=re.sub(r"9012:\w{10}/prod", "9012:API/prod", found.text)))


def refused(kind, identity=None, method="GET", explicit=False):
    path, suffix = kind.removeprefix("other "), " with an explicit deny" if explicit else ""
    user = "anonymous"
    if kind.endswith("iam"):
        user = f"arn:aws:iam::{OTHER if kind.startswith('other') else ACCOUNT}:user/{identity.lower()}"
    return not_authorized(user, f"API/prod/{method}/{path}", suffix)


FUNCTION_SILENT = denied("User is not authorized to access this resource")
FUNCTION_DENIES = denied("User is not authorized to access this resource with an explicit deny in an identity-based policy")
LET_IN, IMPLICIT, EXPLICIT = "let in", "implicit deny", "explicit deny"
# Security/resource-policies: what the caller's side says, what the API's policy says, table A and table B.
TABLES = [
    (ALLOW, ALLOW, LET_IN, LET_IN),
    (ALLOW, SILENT, LET_IN, IMPLICIT),
    (ALLOW, DENY, EXPLICIT, EXPLICIT),
    (SILENT, ALLOW, LET_IN, IMPLICIT),
    (SILENT, SILENT, IMPLICIT, IMPLICIT),
    (SILENT, DENY, EXPLICIT, EXPLICIT),
    (DENY, ALLOW, EXPLICIT, EXPLICIT),
    (DENY, SILENT, EXPLICIT, EXPLICIT),
    (DENY, DENY, EXPLICIT, EXPLICIT),
    # No policy is not a silent one: nobody else has a say. Another account cannot come in without one.
    (ALLOW, None, LET_IN, IMPLICIT),
    (SILENT, None, IMPLICIT, IMPLICIT),
    (DENY, None, EXPLICIT, EXPLICIT),
]


@pytest.mark.parametrize("identity, resource, same, other", TABLES)
def test_tables_a_and_b(gate, issuer, identity, resource, same, other):
    for kind, expected in (("iam", same), ("other iam", other)):
        answers = {LET_IN: OK, IMPLICIT: refused(kind, identity), EXPLICIT: refused(kind, identity, explicit=True)}
        assert caller(gate, issuer, kind, identity, resource) == answers[expected], kind


@pytest.mark.parametrize("identity, resource, expected, _", TABLES)
def test_functions_count_as_of_the_same_account(gate, issuer, functions, identity, resource, expected, _):
    asked, found = functions.count("custom", lambda: caller(gate, issuer, "custom", identity, resource))
    explicit = refused("custom", explicit=True) if resource == DENY else FUNCTION_DENIES
    assert found == {LET_IN: OK, IMPLICIT: FUNCTION_SILENT, EXPLICIT: explicit}[expected]
    assert asked == (0 if resource == DENY else 1), "an explicit deny comes before the function"


@pytest.mark.parametrize("resource, none, pool", [
    (ALLOW, OK, OK),
    (SILENT, IMPLICIT, IMPLICIT),
    (DENY, EXPLICIT, EXPLICIT),
    (None, OK, OK),
    ("deny-elsewhere", IMPLICIT, IMPLICIT),
])
def test_where_nobody_else_has_a_say(gate, issuer, resource, none, pool):
    for kind, expected in (("none", none), ("pool", pool)):
        answers = {OK: OK, IMPLICIT: refused(kind), EXPLICIT: refused(kind, explicit=True)}
        assert caller(gate, issuer, kind, "id", resource) == answers[expected], kind
    assert caller(gate, issuer, "pool", None, resource) == UNAUTHORIZED, "the token is looked at first"


def test_a_denial_of_others_harms_no_one_whom_a_function_lets_in(gate, issuer):
    assert caller(gate, issuer, "custom", ALLOW, "deny-elsewhere") == OK
    assert caller(gate, issuer, "custom", SILENT, "deny-elsewhere") == FUNCTION_SILENT
    assert caller(gate, issuer, "iam", ALLOW, "deny-elsewhere") == OK


@pytest.mark.parametrize("resource, method, kind, identity, expected", [
    ("post-only", "POST", "none", None, OK),
    ("post-only", "GET", "none", None, IMPLICIT),
    ("post-only", "GET", "iam", ALLOW, OK),
    ("post-only", "GET", "iam", SILENT, IMPLICIT),
    ("one-path", "GET", "none", None, OK),
    ("one-path", "POST", "none", None, IMPLICIT),
    ("one-path", "GET", "pool", "id", IMPLICIT),
    ("other-stage", "GET", "none", None, IMPLICIT),
    ("no-wildcard", "PUT", "none", None, OK),
    ("no-wildcard", "PUT", "pool", "id", IMPLICIT),
    ("question", "GET", "none", None, OK),
    ("long-form", "GET", "none", None, OK),
    ("long-form", "GET", "pool", "id", IMPLICIT),
    ("other-action", "GET", "none", None, IMPLICIT),
    ("any-action", "GET", "none", None, OK),
    ("one-object", "GET", "none", None, OK),
    # Whom a policy names.
    ("ada", "GET", "iam", SILENT, OK),
    ("ada", "GET", "iam", ALLOW, OK),
    ("ada", "GET", "other iam", ALLOW, IMPLICIT),
    ("ada", "GET", "none", None, IMPLICIT),
    ("ada", "GET", "pool", "id", IMPLICIT),
    ("account", "GET", "other iam", ALLOW, OK),
    ("account", "GET", "other iam", SILENT, IMPLICIT),
    ("account", "GET", "iam", SILENT, IMPLICIT),
    ("root", "GET", "other iam", ALLOW, OK),
    ("root", "GET", "none", None, IMPLICIT),
    ("not-ada", "GET", "iam", SILENT, OK),
    ("not-ada", "GET", "iam", ALLOW, EXPLICIT),
    ("not-ada", "GET", "none", None, EXPLICIT),
    ("organisation", "GET", "iam", SILENT, OK),
    ("organisation", "GET", "other iam", ALLOW, OK),
    ("organisation", "GET", "none", None, IMPLICIT),
])
def test_what_a_policy_covers(gate, issuer, resource, method, kind, identity, expected):
    answers = {OK: OK, IMPLICIT: refused(kind, identity, method), EXPLICIT: refused(kind, identity, method, True)}
    assert caller(gate, issuer, kind, identity, resource, method) == answers[expected]


def test_the_account_is_masked_and_the_path_is_the_one_asked_for(gate):
    text = gate.ask(f"/{BASES[SILENT]}/none?x=1").text
    assert re.fullmatch(r'\{"Message":"User: anonymous is not authorized to perform: execute-api:Invoke on resource: '
                        r'arn:aws:execute-api:us-east-1:\*{8}9012:\w{10}/prod/GET/none"\}', text)
