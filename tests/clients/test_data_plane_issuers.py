"""Issuers that rotate their keys, hang, lie, fail and come back: nobody is let in by a mistake, and nobody waits for long."""
import concurrent.futures
import time

import pytest

from callers import FAILED, UNAUTHORIZED, Running, definition, eventually, mock, table, told
from issuer import EcKey, Issuer, RsaKey, SecretKey, encoded, pools, token

OK = 200
FIRST, SECOND, WEAK, CURVE = RsaKey("first"), RsaKey("second"), RsaKey("first", 1024), EcKey("first")
SECRET = SecretKey("first", b"s" * 32)
# Longer than any caller may have to wait: an issuer has 3 seconds, and a caller waits 4 for it.
LONG = 6


def published(**changed):
    """A set with one key, changed; a member that is None is left out."""
    return 200, {"keys": [{name: value for name, value in {**FIRST.public, **changed}.items() if value is not None}]}


OCT = {"kty": "oct", "kid": "first", "alg": "HS256", "k": encoded(SECRET.secret)}
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
# What an issuer answers in place of its keys, whether it is found by discovery, and the key that its token is signed with.
LIARS = {
    "broken": ({KEYS: (500, b"")}, False, FIRST),
    "keys in an error": ({KEYS: (500, published()[1])}, False, FIRST),
    "not found": ({KEYS: (404, b"{}")}, False, FIRST),
    "no JSON": ({KEYS: (200, b"<html>")}, False, FIRST),
    "half a set": ({KEYS: (200, b'{"keys":[')}, False, FIRST),
    "a list": ({KEYS: (200, [FIRST.public])}, False, FIRST),
    "no bytes": ({KEYS: (200, b"")}, False, FIRST),
    "no keys": ({KEYS: (200, {"keys": []})}, False, FIRST),
    "keys that are none": ({KEYS: (200, {"keys": [7, None, "x", {}]})}, False, FIRST),
    "two megabytes": ({KEYS: (200, {"keys": [FIRST.public], "pad": "x" * 2_000_000})}, False, FIRST),
    "a secret": ({KEYS: (200, {"keys": [OCT]})}, False, SECRET),
    "1024 bits": ({KEYS: (200, {"keys": [WEAK.public]})}, False, WEAK),
    "for encryption": ({KEYS: published(use="enc")}, False, FIRST),
    "for RS512": ({KEYS: published(alg="RS512")}, False, FIRST),
    "for making signatures": ({KEYS: published(key_ops=["sign"])}, False, FIRST),
    "without an exponent": ({KEYS: published(e=None)}, False, FIRST),
    "an exponent of one": ({KEYS: published(e="AQ")}, False, FIRST),
    "a curve": ({KEYS: (200, {"keys": [CURVE.public]})}, False, CURVE),
    "another's document": ({DISCOVERY: (200, {"issuer": "https://id.example.com", "jwks_uri": "OWN/keys"})}, True, FIRST),
    "no issuer's document": ({DISCOVERY: (200, {"jwks_uri": "OWN/keys"})}, True, FIRST),
    "no keys named": ({DISCOVERY: (200, {"issuer": "OWN"})}, True, FIRST),
    "a file for keys": ({DISCOVERY: (200, {"issuer": "OWN", "jwks_uri": "file:///etc/passwd"})}, True, FIRST),
    "no document": ({DISCOVERY: (404, b"")}, True, FIRST),
}
OTHERS = ["rotates", "recovers", "floods", "hangs", "hangs later", "closed"]


def own(page, url):
    status, body = page
    if isinstance(body, dict):
        body = {name: value.replace("OWN", url) if isinstance(value, str) else value for name, value in body.items()}
    return status, body


@pytest.fixture(scope="module")
def issuers():
    made = {name: Issuer(FIRST) for name in [*LIARS, *OTHERS]}
    for name, (pages, _, _) in LIARS.items():
        made[name].pages = {path: own(page, made[name].url) for path, page in pages.items()}
    made["recovers"].pages[KEYS] = (500, b"")
    made["hangs"].gate.clear()
    made["closed"].server.shutdown()
    made["closed"].server.server_close()
    yield made
    for name, issuer in made.items():
        if name != "closed":
            issuer.close()


def slug(name):
    return "".join(letter for letter in name.title() if letter.isalnum())


@pytest.fixture(scope="module")
def gate(tmp_path_factory, issuers):
    settings, apis, bases = [], {}, {}
    names = list(issuers)
    for name in names:
        found = {} if name in LIARS and LIARS[name][1] else {"jwks": issuers[name].url + KEYS}
        settings.append(table("user-pools", id=f"us-east-1_{slug(name)}", issuer=issuers[name].url, **found))
    # Ten authorizers are the most that an API has.
    for at in range(0, len(names), 10):
        some = names[at:at + 10]
        bases.update({name: f"/api-{at}/{slug(name)}" for name in some})
        paths = {f"/{slug(name)}": mock("$context.authorizer.claims.sub", security=[{slug(name): []}]) for name in some}
        apis[f"api-{at}"] = definition({**paths, "/open": mock()}, {slug(name): pools(f"us-east-1_{slug(name)}") for name in some})
    running = Running(tmp_path_factory.mktemp("issuers"), apis, "\n".join(settings))
    running.paths = bases
    yield running
    assert running.stop() == 0, "\n".join(running.said)


def ask(gate, name, value):
    return told(gate.ask(gate.paths[name], headers={"Authorization": value}))


@pytest.mark.parametrize("name", LIARS)
def test_what_is_no_set_of_keys_lets_nobody_in(gate, issuers, name):
    _, _, key = LIARS[name]
    began = time.monotonic()
    for header in ({}, {"alg": "HS256"} if key is SECRET else {"alg": "RS256"}):
        assert ask(gate, name, token(key, issuers[name].claims(), **header)) in (UNAUTHORIZED, FAILED)
    assert ask(gate, name, "no token") == UNAUTHORIZED
    assert time.monotonic() - began < 2 * LONG


@pytest.mark.parametrize("name", ["hangs", "closed"])
def test_an_issuer_that_does_not_answer(gate, issuers, name):
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(ask, gate, name, issuers[name].token(FIRST, sub=str(number))) for number in range(10)]
        while not all(future.done() for future in waiting):
            before = time.monotonic()
            assert told(gate.ask("/api-0/open")) == OK
            assert time.monotonic() - before < 1, "others do not wait"
        assert {future.result() for future in waiting} <= {UNAUTHORIZED, FAILED}
    assert time.monotonic() - began < LONG


def test_rotated_keys_are_picked_up(gate, issuers):
    issuer = issuers["rotates"]
    assert ask(gate, "rotates", issuer.token(FIRST)) == OK
    assert ask(gate, "rotates", issuer.token(SECOND)) == UNAUTHORIZED
    issuer.keys = [FIRST, SECOND]
    eventually(lambda: ask(gate, "rotates", issuer.token(SECOND)), OK, seconds=15)
    assert ask(gate, "rotates", issuer.token(FIRST, sub="still")) == OK


def test_a_key_that_is_taken_back(gate, issuers):
    issuer = issuers["rotates"]
    issuer.keys = [SECOND]
    stranger = RsaKey("nobody's")
    # A token of an unknown key has the keys asked for again; from then on the old one is gone.
    eventually(lambda: (ask(gate, "rotates", issuer.token(stranger)), ask(gate, "rotates", issuer.token(FIRST, sub="late")))[1], UNAUTHORIZED, seconds=15)
    assert ask(gate, "rotates", issuer.token(SECOND, sub="new")) == OK


def test_an_issuer_that_comes_back(gate, issuers):
    issuer = issuers["recovers"]
    assert ask(gate, "recovers", issuer.token()) in (UNAUTHORIZED, FAILED)
    issuer.pages.clear()
    eventually(lambda: ask(gate, "recovers", issuer.token()), OK, seconds=30)


def test_an_issuer_that_hangs_later(gate, issuers):
    issuer = issuers["hangs later"]
    assert ask(gate, "hangs later", issuer.token(sub="before")) == OK
    issuer.gate.clear()
    try:
        began = time.monotonic()
        assert ask(gate, "hangs later", issuer.token(sub="a new one")) == OK, "its keys are there"
        assert time.monotonic() - began < 1
        assert ask(gate, "hangs later", issuer.token(SECOND)) == UNAUTHORIZED
        assert time.monotonic() - began < LONG
    finally:
        issuer.gate.set()


def test_whoever_names_unknown_keys_does_not_have_the_issuer_asked(gate, issuers):
    issuer = issuers["floods"]
    assert ask(gate, "floods", issuer.token(sub="before")) == OK
    before, began = len(issuer.asked), time.monotonic()
    forged = [token(FIRST, issuer.claims(sub=str(number)), kid=f"kid-{number}") for number in range(200)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda value: ask(gate, "floods", value), forged)) == {UNAUTHORIZED}
    # Ten seconds are between two attempts.
    assert len(issuer.asked) - before <= 1 + (time.monotonic() - began) / 10
    assert ask(gate, "floods", issuer.token(sub="after")) == OK
