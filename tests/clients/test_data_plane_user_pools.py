"""Tokens of user pools: which are good, what is shown of them, and an issuer that rotates its keys, hangs, lies and fails."""
import datetime
import json
import time

import pytest

from callers import UNAUTHORIZED, Running, definition, error, eventually, mock, table, told, write
from issuer import EcKey, Issuer, NoKey, RsaKey, SecretKey, encoded, pools, token

OK = 200
EXPIRED = error(401, "The incoming token has expired", "UnauthorizedException")
CLAIMS = ["sub", "email", "email_verified", "cognito:groups", "custom:role", "exp", "iat", "address", "nothing"]
SHOWN = "{" + ",".join(f'"{name}":"$util.escapeJavaScript($context.authorizer.claims[\'{name}\'])"' for name in CLAIMS) + "}"
FIRST, SECOND, CURVE, STRANGER = RsaKey("first"), RsaKey("second"), EcKey("curve"), RsaKey("first")
POOL, CURVED, FILED, DISCOVERED, STRICT = (f"us-east-1_{name}" for name in ("Pool", "Curved", "Filed", "Discovered", "Strict"))
NAMES = {POOL: "pool", CURVED: "curved", FILED: "filed", DISCOVERED: "discovered", STRICT: "strict"}


def paths():
    made = {f"/{name}": mock("$context.authorizer.claims.sub", security=[{name: []}]) for name in [*NAMES.values(), "either", "client"]}
    made["/claims"] = mock(SHOWN, security=[{"pool": []}])
    made["/read"] = mock("$context.authorizer.claims.scope|$context.authorizer.scopes", security=[{"pool": ["pets/read"]}])
    made["/either-scope"] = mock("$context.authorizer.claims.sub", security=[{"pool": ["pets/read", "pets/write"]}])
    return made


def schemes():
    made = {name: pools(pool, identityValidationExpression="^web$") if name == "client" else pools(pool) for pool, name in NAMES.items()}
    return {**made, "client": pools(POOL, identityValidationExpression="^(web|app)-[0-9]+$"), "either": pools(CURVED, POOL)}


@pytest.fixture(scope="module")
def issuers():
    made = {name: Issuer(FIRST) for name in NAMES.values()}
    made["curved"].keys = [CURVE]
    yield made
    for issuer in made.values():
        issuer.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory, issuers):
    folder = tmp_path_factory.mktemp("pools")
    write(folder, "keys.json", {"keys": [FIRST.public]})
    url = {name: issuer.url for name, issuer in issuers.items()}
    settings = [
        table("user-pools", id=POOL, issuer=url["pool"], jwks=url["pool"] + "/keys"),
        table("user-pools", id=CURVED, issuer=url["curved"], jwks=url["curved"] + "/keys", algorithms=["ES256"]),
        table("user-pools", id=FILED, issuer=url["filed"], jwks_file="keys.json"),
        table("user-pools", id=DISCOVERED, issuer=url["discovered"]),
        table("user-pools", id=STRICT, issuer=url["strict"], jwks=url["strict"] + "/keys", audiences=["web", "app"]),
    ]
    running = Running(folder, {"": definition(paths(), schemes())}, "\n".join(settings))
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def ask(gate, path, value):
    return gate.ask(path, headers={"Authorization": value} if value is not None else {})


def check(gate, path, value, expected=OK):
    assert told(ask(gate, path, value)) == expected


@pytest.mark.parametrize("form, expected", [
    ("{}", OK), ("Bearer {}", OK), ("bearer {}", OK), ("Bearer  {}", OK), (" {} ", OK),
    ("Basic {}", UNAUTHORIZED), ("{}x", UNAUTHORIZED), ("{}.", UNAUTHORIZED), ("Bearer", UNAUTHORIZED), ("Bearer ", UNAUTHORIZED),
    ("Bearer{}", UNAUTHORIZED), ("Bearer Bearer {}", UNAUTHORIZED), ("", UNAUTHORIZED), ("{} {}", UNAUTHORIZED), ("{},{}", UNAUTHORIZED),
])
def test_where_a_token_stands(gate, issuers, form, expected):
    good = issuers["pool"].token()
    check(gate, "/pool", form.replace("{}", good), expected)


def test_no_token(gate, issuers):
    check(gate, "/pool", None, UNAUTHORIZED)
    assert told(gate.ask("/pool?Authorization=" + issuers["pool"].token())) == UNAUTHORIZED


HOUR = 3600
# Claims that are changed, a key, members of the header, and what comes of it.
TOKENS = {
    "good": ({}, FIRST, {}, OK),
    "no type": ({}, FIRST, {"typ": None}, OK),
    "no audience": ({"aud": None}, FIRST, {}, OK),
    "several audiences": ({"aud": ["web", "app"]}, FIRST, {}, OK),
    "of another issuer": ({"iss": "https://id.example.com"}, FIRST, {}, UNAUTHORIZED),
    "of nobody": ({"iss": None}, FIRST, {}, UNAUTHORIZED),
    "of a list": ({"iss": ["x"]}, FIRST, {}, UNAUTHORIZED),
    "an access token": ({"token_use": "access"}, FIRST, {}, UNAUTHORIZED),
    "a refresh token": ({"token_use": "refresh"}, FIRST, {}, UNAUTHORIZED),
    "another's key of that name": ({}, STRANGER, {}, UNAUTHORIZED),
    "an unknown key": ({}, SECOND, {}, UNAUTHORIZED),
    "no key named": ({}, FIRST, {"kid": None}, UNAUTHORIZED),
    "an empty key named": ({}, FIRST, {"kid": ""}, UNAUTHORIZED),
    "none": ({}, NoKey("first"), {}, UNAUTHORIZED),
    "None": ({}, NoKey("first"), {"alg": "None"}, UNAUTHORIZED),
    "none, and signed": ({}, FIRST, {"alg": "none"}, UNAUTHORIZED),
    "RS384 said, RS256 done": ({}, FIRST, {"alg": "RS384"}, UNAUTHORIZED),
    "no algorithm": ({}, FIRST, {"alg": None}, UNAUTHORIZED),
    "a curve": ({}, CURVE, {"kid": "first"}, UNAUTHORIZED),
    "critical members": ({}, FIRST, {"crit": ["x"], "x": 1}, UNAUTHORIZED),
    "not yet": ({"nbf": int(time.time()) + HOUR}, FIRST, {}, UNAUTHORIZED),
    "issued tomorrow": ({"iat": int(time.time()) + HOUR}, FIRST, {}, UNAUTHORIZED),
    "no end": ({"exp": None}, FIRST, {}, UNAUTHORIZED),
    "an end that is a text": ({"exp": "tomorrow"}, FIRST, {}, UNAUTHORIZED),
    "expired": ({"exp": int(time.time()) - 1}, FIRST, {}, EXPIRED),
    "long expired": ({"exp": 1_500_000_000}, FIRST, {}, EXPIRED),
    "expired, and by another's key": ({"exp": 1_500_000_000}, STRANGER, {}, UNAUTHORIZED),
    "expired, and of nobody": ({"exp": 1_500_000_000, "iss": None}, FIRST, {}, UNAUTHORIZED),
    "its own key in its header": ({}, STRANGER, {"jwk": STRANGER.public}, UNAUTHORIZED),
    "a path for a key": ({}, SecretKey("../../../dev/null", b""), {}, UNAUTHORIZED),
}


@pytest.mark.parametrize("name", TOKENS)
def test_which_tokens_are_good(gate, issuers, name):
    claims, key, header, expected = TOKENS[name]
    check(gate, "/pool", token(key, issuers["pool"].claims(**claims), **header), expected)


def test_a_public_key_is_no_secret(gate, issuers):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = FIRST.private.public_key()
    forms = [public.public_bytes(encoding, form) for encoding in (Encoding.PEM, Encoding.DER) for form in (PublicFormat.PKCS1, PublicFormat.SubjectPublicKeyInfo)]
    for secret in [*forms, FIRST.public["n"].encode(), json.dumps(FIRST.public).encode()]:
        check(gate, "/pool", token(SecretKey("first", secret), issuers["pool"].claims()), UNAUTHORIZED)


def test_tampered_tokens(gate, issuers):
    good = issuers["pool"].token()
    check(gate, "/pool", good)
    head, body, signature = good.split(".")
    claims = issuers["pool"].claims(sub="eve")
    flipped = ("A" if signature[10] != "A" else "B").join([signature[:10], signature[11:]])
    for wrong in (f"{head}.{encoded(claims)}.{signature}", f"{head}.{body}.{flipped}", f"{head}.{body}.", f"{head}.{body}", f"{head}..{signature}",
                  f".{body}.{signature}", f"{head}.{body}.{signature}.{signature}", f"{head}.{body}=.{signature}", f"{head}.{body}.{signature}=",
                  f"{body}.{head}.{signature}", "a.b.c", "..", "." * 200, f"{head}.{body}.{signature[:-4]}", "x" * 9_000):
        check(gate, "/pool", wrong, UNAUTHORIZED)


def test_claims_are_texts(gate, issuers):
    moment = datetime.datetime(2030, 3, 21, 14, 25, 36, tzinfo=datetime.timezone.utc)
    found = json.loads(ask(gate, "/claims", issuers["pool"].token(**{
        "email": "ada@example.com", "email_verified": True, "cognito:groups": ["admin", "users"], "custom:role": "a,b", "exp": int(moment.timestamp()),
        "iat": 1_551_398_400})).text)
    assert found == {"sub": "ada", "email": "ada@example.com", "email_verified": "true", "cognito:groups": "admin,users", "custom:role": "a,b",
                     "exp": "Thu Mar 21 14:25:36 UTC 2030", "iat": "Fri Mar 01 00:00:00 UTC 2019", "address": "", "nothing": ""}


@pytest.mark.parametrize("path, claims, expected", [
    ("/read", {"token_use": "access", "scope": "pets/read"}, OK),
    ("/read", {"token_use": "access", "scope": "openid pets/read email"}, OK),
    ("/read", {"token_use": "access", "scope": "pets/write"}, UNAUTHORIZED),
    ("/read", {"token_use": "access", "scope": "pets/reader"}, UNAUTHORIZED),
    ("/read", {"token_use": "access", "scope": "PETS/READ"}, UNAUTHORIZED),
    ("/read", {"token_use": "access", "scope": ""}, UNAUTHORIZED),
    ("/read", {"token_use": "access"}, UNAUTHORIZED),
    ("/read", {"token_use": "id", "scope": "pets/read"}, UNAUTHORIZED),
    ("/either-scope", {"token_use": "access", "scope": "pets/write"}, OK),
    ("/either-scope", {"token_use": "access", "scope": "pets/read"}, OK),
    ("/either-scope", {"token_use": "access", "scope": "pets"}, UNAUTHORIZED),
    ("/pool", {"token_use": "access", "scope": "pets/read"}, UNAUTHORIZED),
])
def test_scopes(gate, issuers, path, claims, expected):
    check(gate, path, issuers["pool"].token(aud=None, client_id="web", **claims), expected)


@pytest.mark.parametrize("path, claims, expected", [
    ("/client", {"aud": "web-1"}, OK),
    ("/client", {"aud": "app-22"}, OK),
    ("/client", {"aud": "web"}, UNAUTHORIZED),
    ("/client", {"aud": "xweb-1"}, UNAUTHORIZED),
    ("/client", {"aud": None}, UNAUTHORIZED),
    ("/strict", {"aud": "web"}, OK),
    ("/strict", {"aud": "app"}, OK),
    ("/strict", {"aud": "other"}, UNAUTHORIZED),
    ("/strict", {"aud": ["other", "app"]}, OK),
    ("/strict", {"aud": None}, UNAUTHORIZED),
    ("/strict", {"aud": None, "client_id": "web"}, OK),
    ("/strict", {"aud": "other", "client_id": "web"}, UNAUTHORIZED),
])
def test_audiences(gate, issuers, path, claims, expected):
    name = "pool" if path == "/client" else "strict"
    check(gate, path, issuers[name].token(**claims), expected)


def test_each_source_of_keys_and_each_algorithm(gate, issuers):
    check(gate, "/filed", issuers["filed"].token())
    check(gate, "/discovered", issuers["discovered"].token())
    check(gate, "/curved", issuers["curved"].token())
    check(gate, "/either", issuers["curved"].token())
    check(gate, "/either", issuers["pool"].token())
    check(gate, "/either", issuers["filed"].token(), UNAUTHORIZED)
    check(gate, "/curved", token(FIRST, issuers["curved"].claims(), kid="curve"), UNAUTHORIZED)
    assert issuers["filed"].asked == []


def test_a_token_of_another_pool(gate, issuers):
    check(gate, "/pool", issuers["strict"].token(), UNAUTHORIZED)
    check(gate, "/strict", issuers["pool"].token(), UNAUTHORIZED)
    # Signed with a key that both have, and says it were the other's.
    check(gate, "/pool", token(FIRST, issuers["strict"].claims(iss=issuers["pool"].url)), OK)


def test_a_good_token_asks_nobody(gate, issuers):
    issuer = issuers["pool"]
    good = issuer.token(sub="remembered")
    check(gate, "/pool", good)
    before = len(issuer.asked)
    issuer.gate.clear()
    try:
        for _ in range(20):
            check(gate, "/pool", good)
        check(gate, "/pool", issuer.token(sub="another"))
        assert len(issuer.asked) == before
    finally:
        issuer.gate.set()


def test_a_remembered_token_expires(gate, issuers):
    end = int(time.time()) + 3
    short = issuers["pool"].token(exp=end)
    check(gate, "/pool", short)
    eventually(lambda: told(ask(gate, "/pool", short)), EXPIRED)
    assert end <= time.time() < end + 2


def test_a_changed_file_of_keys(gate, issuers):
    issuer = issuers["filed"]
    check(gate, "/filed", issuer.token(SECOND), UNAUTHORIZED)
    write(gate.folder, "keys.json", {"keys": [FIRST.public, SECOND.public]})
    eventually(lambda: told(ask(gate, "/filed", issuer.token(SECOND))), OK)
